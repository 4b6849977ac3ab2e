/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's counter, which the guest's is an offset from.
 */
#ifndef _VMM_COUNTER_H
#define _VMM_COUNTER_H

#include "util.h"

/* The virtual counter; on a host without an offset that is the physical one. */
static inline u64 counter_now(void)
{
	u64 value;

	asm volatile("isb; mrs %0, cntvct_el0" : "=r" (value) : : "memory");
	return value;
}

static inline u64 counter_hz(void)
{
	u64 value;

	asm("mrs %0, cntfrq_el0" : "=r" (value));
	return value;
}

#endif /* _VMM_COUNTER_H */
