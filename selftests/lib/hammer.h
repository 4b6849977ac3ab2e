/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guests that write to all of a memory, and know what is in it, while the host does what
 * it likes to it.
 *
 * The words of a page belong to the hammer's owners in turn: vCPUs, of one VM or of several,
 * and perhaps a thread of the VMM's. An owner goes from page to page, looks at each of its
 * words there, and writes the next generation. A word is made of its place and generation:
 * one that is lost, old, of another page or of another owner is found, and so is half a one.
 *
 * What the test itself drops goes between hammer_drop() and hammer_dropped(). There a word
 * is what it was, or zero; what was written before is gone after that, and what is written
 * after that stays.
 */
#ifndef SELFTEST_HAMMER_H
#define SELFTEST_HAMMER_H

#include <pthread.h>

#include "vm.h"

#define HAMMER_MAX_PAGES	4096
#define HAMMER_MAX_OWNERS	6

struct hammer;

/**
 * struct hammer_owner - who writes
 * @hammer: to what.
 * @vcpu: a vCPU, NULL: a thread of the VMM's.
 * @base: where the memory is for it.
 * @index: its number.
 * @steps: pages that it has been at.
 * @paused: it does nothing.
 * @bad: what was wrong, NULL for nothing.
 * @word: which word, and what it was, and should have been.
 * @got: see there.
 * @want: see there.
 * @gen: by page: the generation that was written last.
 * @before: by page: what had been dropped before it was written.
 * @after: by page: what was being dropped when it had been written.
 * @thread: its thread.
 * @fails: exits with ARMVCPU_FAIL_MEMORY, EFAULT.
 */
struct hammer_owner {
	struct hammer *hammer;
	struct vcpu *vcpu;
	u64 base;
	u64 index;
	u64 steps;
	u64 paused;
	const char *bad;
	u64 word, got, want;
	u32 gen[HAMMER_MAX_PAGES];
	u32 before[HAMMER_MAX_PAGES];
	u32 after[HAMMER_MAX_PAGES];
	pthread_t thread;
	u64 fails;
};

/**
 * struct hammer - a memory that is written to
 * @mem: where it is in the VMM.
 * @page: bytes of a page.
 * @pages: how many.
 * @key: one byte of each word's making.
 * @same: pages of a generation are all the same.
 * @stay: so many times an owner only looks at all pages before it writes.
 * @lazy: what is dropped may go later, if nobody writes to it.
 * @may_fail: guests may find that the VMM has nothing there.
 * @lost: the VMM has other memory there by now than the guests.
 * @stop: the owners shall end.
 * @pause: ... or wait.
 * @count: number of owners.
 * @begun: by page: how often something began to drop it.
 * @done: by page: how often it was done.
 * @owners: they.
 */
struct hammer {
	void *mem;
	u64 page, pages;
	u64 key;
	bool same, lazy, may_fail, lost;
	u64 stay;
	u64 stop, pause;
	unsigned int count;
	u32 begun[HAMMER_MAX_PAGES];
	u32 done[HAMMER_MAX_PAGES];
	struct hammer_owner owners[HAMMER_MAX_OWNERS];
};

/* Of whole pages of the host; the content is zero. */
void hammer_init(struct hammer *h, void *mem, u64 size);

/* Before it starts: a vCPU that sees it at @base, a thread of the VMM's. */
void hammer_add_vcpu(struct hammer *h, struct vcpu *vcpu, bool mmu, u64 base);
void hammer_add_host(struct hammer *h);

void hammer_start(struct hammer *h);
/* All owners have gone through all pages at last, and the VMM sees what they wrote. */
void hammer_stop(struct hammer *h);

/* Each of them has been at so many pages more. */
void hammer_wait(struct hammer *h, u64 steps);
/* One more guest has found nothing. */
void hammer_wait_fail(struct hammer *h);
/* The same, or false after so many seconds. */
bool hammer_fails_in(struct hammer *h, u64 seconds);
u64 hammer_fails(const struct hammer *h);
/* Nobody writes until hammer_resume(). */
void hammer_pause(struct hammer *h);
void hammer_resume(struct hammer *h);

void hammer_drop(struct hammer *h, u64 first, u64 count);
void hammer_dropped(struct hammer *h, u64 first, u64 count);

/*
 * A copy of the memory, by somebody for whom it stands still: is each word one of its
 * owner's, or zero? Returns what is wrong or NULL.
 */
const char *hammer_check_copy(const struct hammer *h, const void *copy, u64 first, u64 count);

#endif /* SELFTEST_HAMMER_H */
