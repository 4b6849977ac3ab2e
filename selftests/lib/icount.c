// SPDX-License-Identifier: GPL-2.0
#include <time.h>

#include "icount.h"

u64 icount_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return ts.tv_sec * 1000000000UL + ts.tv_nsec;
}

#define CHAIN_LENGTH	1000000UL

static u64 time_of_additions(void)
{
	u64 count = CHAIN_LENGTH / 4, x = 1, start = icount_ns();

	asm volatile("1: add %1, %1, #1\n"
		     "add %1, %1, #1\n"
		     "subs %0, %0, #1\n"
		     "b.ne 1b" : "+r"(count), "+r"(x) : : "cc");
	return icount_ns() - start;
}

static u64 time_of_divisions(void)
{
	u64 count = CHAIN_LENGTH / 4, x = ~0UL, start = icount_ns();

	asm volatile("1: udiv %1, %1, %2\n"
		     "orr %1, %1, %3\n"
		     "subs %0, %0, #1\n"
		     "b.ne 1b" : "+r"(count), "+r"(x) : "r"(3UL), "r"(1UL << 63) : "cc");
	return icount_ns() - start;
}

/* The host may be busy with something else meanwhile: the best of some. */
#define CHAINS		5

static bool is_one_per_ns(u64 (*chain)(void))
{
	u64 least = ~0UL, ns;
	int i;

	for (i = 0; i < CHAINS; i++) {
		ns = chain();
		if (ns < least)
			least = ns;
	}
	/* A timer's interrupt or two lie in between. */
	return least >= CHAIN_LENGTH && least < CHAIN_LENGTH + CHAIN_LENGTH / 10;
}

bool icount_is_on(void)
{
	return is_one_per_ns(time_of_additions) && is_one_per_ns(time_of_divisions);
}
