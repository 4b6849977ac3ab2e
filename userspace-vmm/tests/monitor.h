/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the assembly and the C of the monitor.
 */
#ifndef _VMM_TESTS_MONITOR_H
#define _VMM_TESTS_MONITOR_H

#include "util.h"

/* monitor-start.S */
void secondary_start(void);

/* monitor.c */
void monitor(const u32 *fdt);
void secondary(u64 context);
void exception(u64 esr);

#endif /* _VMM_TESTS_MONITOR_H */
