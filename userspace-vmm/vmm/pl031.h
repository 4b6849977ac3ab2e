/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Arm PrimeCell real time clock (PL031), DDI 0224.
 */
#ifndef _VMM_PL031_H
#define _VMM_PL031_H

#include <time.h>

#include "device.h"

struct pl031 {
	struct device dev;
	struct irq_line irq;
	/* Seconds since 1970; time() unless a test says otherwise. */
	time_t (*now)(void);

	/* Guards what follows. */
	pthread_mutex_t lock;
	/* What the guest has set the clock to, less the host's time. */
	u32 offset;
	u32 match;
	u32 load;
	u32 imsc;
	u32 ris;
	/* Seconds since 1970 at which the clock reaches @match, or 0. */
	s64 alarm;
};

/* @rtc->irq is the caller's to fill in. */
void pl031_init(struct pl031 *rtc, u64 base, u64 size);

#endif /* _VMM_PL031_H */
