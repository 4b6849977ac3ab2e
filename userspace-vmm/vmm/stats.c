// SPDX-License-Identifier: GPL-2.0
/*
 * What exits cost: the counters of the run structs as a table.
 *
 * There are two blocks. Whatever takes a vCPU out of its guest's code is in one row
 * of the first, so that their shares make 100 %. Exits to the VMM are what becomes
 * of some of these.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libarmvcpu.h"
#include "stats.h"

#define NSEC_PER_SEC	1000000000ULL

#define EC_DATA_ABORT	0x24

/* One row of the table. */
struct row {
	const char *who;
	const char *name;
	u64 count;
	/* 0: nobody has taken the time. */
	u64 ticks;
};

#define MAX_ROWS	(1 + STATS_CLASSES + STATS_ANSWERS)

static u64 peek(const __u64 *count)
{
	return __atomic_load_n(count, __ATOMIC_RELAXED);
}

void stats_add_vcpu(struct stats_sample *sample, const struct armvcpu_run *run,
		    const struct stats_vcpu *vcpu)
{
	const struct armvcpu_stats *stats = &run->stats;
	unsigned int i;

	sample->stats.irqs += peek(&stats->irqs);
	sample->times.irq += peek(&run->times.irq);
	for (i = 0; i < STATS_CLASSES; i++) {
		sample->stats.sync[i] += peek(&stats->sync[i]);
		sample->times.sync[i] += peek(&run->times.sync[i]);
	}
	for (i = 0; i < STATS_REASONS; i++) {
		sample->stats.user[i] += peek(&stats->user[i]);
		sample->user_ticks[i] += peek(&vcpu->ticks[i]);
	}
	for (i = 0; i < STATS_ANSWERS; i++)
		sample->stats.el2[i] += peek(&stats->el2[i]);
	sample->stats.faults += peek(&stats->faults);
	sample->stats.pages += peek(&stats->pages);
	sample->stats.waits += peek(&stats->waits);
	/* The module leaves out most of those that are the VMM's. */
	sample->stats.sync[EC_DATA_ABORT] +=
		peek(&stats->user[ARMVCPU_EXIT_MMIO]) - peek(&vcpu->counted);
}

/* Samples are taken while counters count: of two, one may be a little behind. */
static u64 since(u64 from, u64 to)
{
	return to > from && to - from < 1ULL << 63 ? to - from : 0;
}

static int by_count(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return strcmp(left->name, right->name);
}

static double rate(u64 count, u64 ns)
{
	return ns ? (double)count * NSEC_PER_SEC / ns : 0.0;
}

static double share(u64 count, u64 all)
{
	return all ? 100.0 * count / all : 0.0;
}

static void put_sum(struct text *text, const char *what, u64 count, u64 all,
		    u64 ns)
{
	text_put(text, "  %-26s %11llu %10.0f %6.1f%% %11s\n", what, count,
		 rate(count, ns), share(count, all), "-");
}

static void put_rows(struct text *text, struct row *rows, unsigned int count,
		     u64 all, u64 ns, u64 hz)
{
	unsigned int i;

	qsort(rows, count, sizeof(*rows), by_count);
	for (i = 0; i < count && rows[i].count; i++) {
		const struct row *row = &rows[i];

		text_put(text, "  %-5s %-20s %11llu %10.0f %6.1f%% ", row->who,
			 row->name, row->count, rate(row->count, ns),
			 share(row->count, all));
		if (row->ticks && hz)
			text_put(text, "%11.0f\n", (double)row->ticks *
				 NSEC_PER_SEC / hz / row->count);
		else
			text_put(text, "%11s\n", "-");
	}
}

/* What is in one of the rows already. */
static void put_note(struct text *text, const char *what, u64 count)
{
	if (count)
		text_put(text, "  %-33s %5llu\n", what, count);
}

size_t stats_table(char *buf, const struct stats_sample *from,
		   const struct stats_sample *to, u64 hz, const char *what)
{
	const struct armvcpu_stats *a = &from->stats, *b = &to->stats;
	struct row rows[MAX_ROWS], user[STATS_REASONS];
	struct text text = { .buf = buf, .size = STATS_TABLE_SIZE };
	unsigned int n = 0, i;
	u64 all = 0, exits = 0, ns = since(from->ns, to->ns);

	rows[n++] = (struct row) {
		"host", "interrupt", since(a->irqs, b->irqs),
		since(from->times.irq, to->times.irq)
	};
	for (i = 0; i < STATS_CLASSES; i++)
		rows[n++] = (struct row) {
			"trap", armvcpu_ec_name(i), since(a->sync[i], b->sync[i]),
			since(from->times.sync[i], to->times.sync[i])
		};
	for (i = 0; i < STATS_ANSWERS; i++)
		rows[n++] = (struct row) {
			"EL2", armvcpu_el2_name(i), since(a->el2[i], b->el2[i]), 0
		};
	for (i = 0; i < STATS_REASONS; i++)
		user[i] = (struct row) {
			"VMM", armvcpu_exit_name(i), since(a->user[i], b->user[i]),
			since(from->user_ticks[i], to->user_ticks[i])
		};
	for (i = 0; i < n; i++)
		all += rows[i].count;
	for (i = 0; i < STATS_REASONS; i++)
		exits += user[i].count;

	text_put(&text, "armvcpu-vmm: %-16s%11s %10s %7s %11s\n", what, "count",
		 "per second", "share", "ns each");
	put_rows(&text, rows, n, all, ns, hz);
	put_sum(&text, "all of these", all, all, ns);
	put_sum(&text, "of these, to the VMM", exits, all, ns);
	put_rows(&text, user, STATS_REASONS, all, ns, hz);
	put_note(&text, "stage 2 faults that mapped memory", since(a->faults, b->faults));
	put_note(&text, "pages that they mapped", since(a->pages, b->pages));
	put_note(&text, "waits for an interrupt", since(a->waits, b->waits));
	return text.len;
}
