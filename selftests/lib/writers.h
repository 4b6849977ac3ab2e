/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests in which vCPUs write to all of their memory (hammer.h) while something happens to it:
 * their fixtures, and what such tests have in common.
 */
#ifndef SELFTEST_WRITERS_H
#define SELFTEST_WRITERS_H

#include "hammer.h"

#define KB			BIT(10)
#define MB			BIT(20)
#define HUGE			(2 * MB)
#define MAX_VCPUS		4

/* How much a guest writes to: quickly gone through, or more than what queues hold. */
#define FEW_PAGES		128
#define MANY_PAGES		512

/* In the program: the guest knows it, too. */
extern struct hammer hammer;

/**
 * struct writers - who shall write, of which a fixture's variants are made
 * @cpus: how many vCPUs; 2 if it is 0.
 * @caches_off: with their MMU and their caches off.
 * @huge: to huge pages.
 * @pages: how many pages, huge or not; 0: FEW_PAGES, or two huge ones.
 */
struct writers {
	unsigned int cpus;
	bool caches_off, huge;
	u64 pages;
};

/**
 * struct world - a VM of writers
 * @vm: it.
 * @vcpus: its vCPUs.
 * @mem: the memory, which the guest has at GUEST_RAM.
 * @size: bytes.
 * @page: bytes of a page.
 * @who: as it was asked for.
 * @pinned: it is pinned.
 * @seed: of what comes by chance, the same each time.
 */
struct world {
	struct vm vm;
	struct vcpu vcpus[MAX_VCPUS];
	u8 *mem;
	u64 size, page;
	struct writers who;
	bool pinned;
	unsigned int seed;
};

void world_init(struct world *w, const struct writers *who);

/* The VMM writes, too, if it sees what a guest writes, and its memory is the guest's. */
void world_add_host(struct world *w);

/* A range of pages, mostly short. */
void world_pick(struct world *w, u64 *first, u64 *count);

/* Around what drops pages.  The guest of a VM with pinned memory does not notice. */
void world_drop(struct world *w, u64 first, u64 count);
void world_dropped(struct world *w, u64 first, u64 count);

/* Everybody has been everywhere. */
void world_go_round(void);

/*
 * What the guest has used since the last time is kept for once: the second time it goes,
 * unless it waits in another CPU's queue.
 */
void world_page_out(struct world *w, u64 first, u64 count);

#endif /* SELFTEST_WRITERS_H */
