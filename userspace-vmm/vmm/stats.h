/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What exits cost: the counters of the run structs as a table (--stats). Nothing in
 * here needs a machine.
 */
#ifndef _VMM_STATS_H
#define _VMM_STATS_H

#include <linux/armvcpu.h>

#include "util.h"

#define STATS_REASONS	16	/* places in armvcpu_stats.user */
#define STATS_CLASSES	64	/* exception classes */
#define STATS_ANSWERS	16	/* places in armvcpu_stats.el2 */

/**
 * struct stats_vcpu - what the VMM itself knows of a vCPU's exits
 * @ticks: how long it took to handle them, by ARMVCPU_EXIT_*, in ticks of the
 *	counter.
 * @counted: data aborts that are MMIO exits, and in armvcpu_stats.sync as well.
 *
 * Written by the vCPU's thread only; others may look at any time.
 */
struct stats_vcpu {
	u64 ticks[STATS_REASONS];
	u64 counted;
};

/* By the only thread that writes there. */
static inline void stats_add(u64 *count, u64 n)
{
	__atomic_store_n(count, *count + n, __ATOMIC_RELAXED);
}

/**
 * struct stats_sample - all counters at one moment, summed over vCPUs
 * @ns: when that was, in nanoseconds of any clock.
 * @stats: as in the run struct; but of the data aborts, all are in @stats.sync.
 * @times: as there.
 * @user_ticks: the VMM's part, by ARMVCPU_EXIT_*.
 */
struct stats_sample {
	u64 ns;
	struct armvcpu_stats stats;
	struct armvcpu_times times;
	u64 user_ticks[STATS_REASONS];
};

/* Add one vCPU, which need not stop; @sample was zero at first. */
void stats_add_vcpu(struct stats_sample *sample, const struct armvcpu_run *run,
		    const struct stats_vcpu *vcpu);

/* Room for any table. */
#define STATS_TABLE_SIZE	16384

/**
 * stats_table() - what has happened between two samples
 * @buf: %STATS_TABLE_SIZE bytes.
 * @from: the earlier one.
 * @to: the later one.
 * @hz: frequency of the counter.
 * @what: for the first line: "1.0 s", "in all".
 *
 * Lines that end with a line feed, without those that would be zero.
 *
 * Return: length of the text.
 */
size_t stats_table(char *buf, const struct stats_sample *from,
		   const struct stats_sample *to, u64 hz, const char *what);

#endif /* _VMM_STATS_H */
