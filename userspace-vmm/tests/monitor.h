/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the assembly and the C of the monitor.
 */
#ifndef _VMM_TESTS_MONITOR_H
#define _VMM_TESTS_MONITOR_H

#include "util.h"

/* What the monitor was entered with: the address, x0 to x3. */
extern u64 entry[5];

/* monitor-start.S */
void secondary_start(void);

/* monitor.c */
void monitor(const u32 *fdt);
void secondary(u64 context);
void exception(u64 esr);

#endif /* _VMM_TESTS_MONITOR_H */
