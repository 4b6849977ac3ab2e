/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the assembly and the C of the monitor.
 */
#ifndef _VMM_TESTS_MONITOR_H
#define _VMM_TESTS_MONITOR_H

#include "util.h"

/* What the monitor was entered with: the address, x0 to x3. */
extern u64 entry[5];

/* Memory that nothing is in: the last 4 of the 8 MiB that a guest has at least. */
#define SPARE		0x40400000UL
#define SPARE_SIZE	0x400000UL

/* monitor-start.S */
void secondary_start(void);

/* monitor.c */
void monitor(const u32 *fdt);
void secondary(u64 context);
void exception(u64 esr);
u32 read32(unsigned long addr);
void write32(unsigned long addr, u32 value);
void print(const char *text);
void report(const char *what, u64 value);
int getchar(void);

/* monitor-virtio.c */
void virtio_list(void);
void virtio_disk(void);
void virtio_busy(void);
void virtio_random(void);
void virtio_talk(void);
void virtio_size(void);
void virtio_inflate(void);
void virtio_inflate_all(void);
void virtio_report_all(void);
void virtio_hostile(void);

#endif /* _VMM_TESTS_MONITOR_H */
