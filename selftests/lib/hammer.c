// SPDX-License-Identifier: GPL-2.0
/* Writers of memory, in the guest and beside it; see hammer.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hammer.h"

#define MIX1		0x9e3779b97f4a7c15UL
#define MIX2		0xc2b2ae3d27d4eb4fUL

/* ---- what is in it: the guest's side, too -------------------------------- */

static u64 words_of(const struct hammer *h)
{
	return h->page / sizeof(u64);
}

/* One to one. */
static u64 mix(u64 x)
{
	x *= MIX1;
	x ^= x >> 32;
	return x * MIX2;
}

static u64 value_of(const struct hammer *h, u64 word, u64 gen)
{
	if (h->same)
		word %= words_of(h);
	return mix(h->key << 56 | word << 32 | gen);
}

/* The first thing that is wrong is what counts. */
static void complain(struct hammer_owner *o, const char *bad, u64 word, u64 got, u64 want)
{
	if (o->bad)
		return;
	o->word = word;
	o->got = got;
	o->want = want;
	WRITE_ONCE(o->bad, bad);
}

static void look_at(struct hammer_owner *o, u64 page)
{
	struct hammer *h = o->hammer;
	u64 words = words_of(h), first = page * words, i;
	const u64 *mem = (const u64 *)o->base;
	u64 kept = ~0UL, zero = ~0UL;
	u32 gen = o->gen[page], done;

	done = __atomic_load_n(&h->done[page], __ATOMIC_ACQUIRE);
	for (i = first + o->index; i < first + words; i += h->count) {
		u64 value = READ_ONCE(mem[i]), want = gen ? value_of(h, i, gen) : 0;

		if (value == want)
			kept = i;
		else if (!value)
			zero = i;
		else
			complain(o, "a word that nobody wrote here", i, value, want);
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (zero != ~0UL && READ_ONCE(h->begun[page]) == o->before[page])
		complain(o, "a word is lost", zero, 0, value_of(h, zero, gen));
	if (gen && kept != ~0UL && !h->lazy && (int)(done - o->after[page]) > 0)
		complain(o, "what was dropped is there again", kept, mem[kept], 0);
}

static void write_to(struct hammer_owner *o, u64 page)
{
	struct hammer *h = o->hammer;
	u64 words = words_of(h), first = page * words, i;
	u64 *mem = (u64 *)o->base;
	u32 gen = o->gen[page] + 1;

	o->before[page] = __atomic_load_n(&h->done[page], __ATOMIC_ACQUIRE);
	o->gen[page] = gen;
	for (i = first + o->index; i < first + words; i += h->count)
		WRITE_ONCE(mem[i], value_of(h, i, gen));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	o->after[page] = READ_ONCE(h->begun[page]);
}

/* Until something is wrong or the test wants an end; a guest calls nothing else. */
static void work(struct hammer_owner *o)
{
	/* Prime, and so are numbers of pages that are powers of two to them. */
	static const u8 strides[HAMMER_MAX_OWNERS] = { 1, 7, 13, 3, 11, 5 };
	struct hammer *h = o->hammer;
	u64 pages = h->pages, page = o->index * pages / h->count, i = 0;

	while (!READ_ONCE(h->stop) && !o->bad) {
		if (READ_ONCE(h->pause)) {
			__atomic_store_n(&o->paused, 1, __ATOMIC_RELEASE);
			continue;
		}
		if (o->paused)
			__atomic_store_n(&o->paused, 0, __ATOMIC_RELEASE);
		look_at(o, page);
		if (!h->stay || i / pages % h->stay == 0)
			write_to(o, page);
		page = (page + strides[o->index]) % pages;
		WRITE_ONCE(o->steps, ++i);
	}
	for (i = 0; i < pages && !o->bad; i++)
		look_at(o, i);
}

static void guest_works(struct hammer_owner *o)
{
	work(o);
	GUEST_DONE();
}

/* ---- the test's side ------------------------------------------------------ */

void hammer_init(struct hammer *h, void *mem, u64 size)
{
	memset(h, 0, sizeof(*h));
	h->mem = mem;
	h->page = page_size();
	h->pages = size / h->page;
	h->key = 0x5a;
	if (h->pages > HAMMER_MAX_PAGES)
		test_fail("%llu pages are too many for a hammer", h->pages);
}

static struct hammer_owner *add_owner(struct hammer *h)
{
	struct hammer_owner *o = &h->owners[h->count];

	test_check(h->count < HAMMER_MAX_OWNERS);
	o->hammer = h;
	o->index = h->count++;
	return o;
}

void hammer_add_vcpu(struct hammer *h, struct vcpu *vcpu, bool mmu, u64 base)
{
	struct hammer_owner *o = add_owner(h);
	u64 args[] = { (u64)o };

	o->vcpu = vcpu;
	o->base = base;
	vcpu_start(vcpu, mmu, guest_works, args, 1);
}

void hammer_add_host(struct hammer *h)
{
	struct hammer_owner *o = add_owner(h);

	o->base = (u64)h->mem;
}

static void __noreturn say_what_is_bad(const struct hammer_owner *o, const char *who)
{
	u64 page = o->word / words_of(o->hammer);

	fprintf(stderr, "# owner %llu (of %u), page %llu: generation %u, ", o->index,
		o->hammer->count, page, o->gen[page]);
	fprintf(stderr, "dropped %u to %u, %u to %u now\n", o->before[page], o->after[page],
		o->hammer->done[page], o->hammer->begun[page]);
	test_fail("%s: %s: word 0x%llx is 0x%llx, not 0x%llx", who, o->bad, o->word, o->got,
		  o->want);
}

/* The VMM has nothing there; it may well have something later. */
static void failed(struct hammer_owner *o)
{
	struct armvcpu_run *run = o->vcpu->run;
	u64 ipa = (run->hpfar >> 4 & 0xfffffffffUL) << 12;

	if (run->u.fail.reason != ARMVCPU_FAIL_MEMORY || run->u.fail.err != EFAULT ||
	    !o->hammer->may_fail || ipa < (o->base & ~0xfffUL) ||
	    ipa >= o->base + o->hammer->pages * o->hammer->page) {
		vcpu_print_exit(o->vcpu);
		test_fail("a fail that nobody expected");
	}
	__atomic_add_fetch(&o->fails, 1, __ATOMIC_SEQ_CST);
	run->action = o->fails % 2 ? ARMVCPU_ACTION_RETRY : ARMVCPU_ACTION_COMPLETE;
	usleep(50);
}

static void *run_owner(void *arg)
{
	struct hammer_owner *o = arg;
	int ret;

	if (!o->vcpu) {
		work(o);
		return NULL;
	}
	for (;;) {
		ret = vcpu_run_exit(o->vcpu);
		if (ret)
			test_fail("RUN: %s", strerror(-ret));
		if (o->vcpu->run->exit_reason != ARMVCPU_EXIT_FAIL)
			break;
		failed(o);
	}
	if (!vcpu_is_ucall(o->vcpu) || o->vcpu->run->u.call.nr != UCALL_DONE) {
		vcpu_print_exit(o->vcpu);
		test_fail("the guest did not end as it should");
	}
	return NULL;
}

void hammer_start(struct hammer *h)
{
	unsigned int i;

	for (i = 0; i < h->count; i++)
		test_check(!pthread_create(&h->owners[i].thread, NULL, run_owner, &h->owners[i]));
}

/* What a guest has written with its caches off is not in ours. */
static void drop_caches(const struct hammer *h)
{
	u64 addr = (u64)h->mem, end = addr + h->pages * h->page;

	for (; addr < end; addr += 16)
		asm volatile("dc civac, %0" : : "r"(addr) : "memory");
	dsb();
}

void hammer_stop(struct hammer *h)
{
	unsigned int i;
	u64 page;

	WRITE_ONCE(h->stop, 1);
	for (i = 0; i < h->count; i++)
		test_check(!pthread_join(h->owners[i].thread, NULL));
	for (i = 0; i < h->count; i++) {
		if (h->owners[i].bad)
			say_what_is_bad(&h->owners[i], h->owners[i].vcpu ? "the guest" : "the VMM");
		if (!h->owners[i].steps)
			test_fail("owner %u has done nothing", i);
	}
	if (h->lost)
		return;
	drop_caches(h);
	for (i = 0; i < h->count; i++) {
		struct hammer_owner *o = &h->owners[i];

		o->base = (u64)h->mem;
		for (page = 0; page < h->pages; page++)
			look_at(o, page);
		if (o->bad)
			say_what_is_bad(o, "at last, in the VMM");
	}
}

static void check_alive(const struct hammer *h)
{
	unsigned int i;

	for (i = 0; i < h->count; i++)
		if (READ_ONCE(h->owners[i].bad))
			say_what_is_bad(&h->owners[i],
					h->owners[i].vcpu ? "the guest" : "the VMM");
}

void hammer_wait(struct hammer *h, u64 steps)
{
	u64 begin[HAMMER_MAX_OWNERS];
	unsigned int i;

	for (i = 0; i < h->count; i++)
		begin[i] = READ_ONCE(h->owners[i].steps);
	for (i = 0; i < h->count; i++) {
		while (READ_ONCE(h->owners[i].steps) - begin[i] < steps) {
			check_alive(h);
			usleep(100);
		}
	}
}

u64 hammer_fails(const struct hammer *h)
{
	u64 fails = 0;
	unsigned int i;

	for (i = 0; i < h->count; i++)
		fails += READ_ONCE(h->owners[i].fails);
	return fails;
}

bool hammer_fails_in(struct hammer *h, u64 seconds)
{
	u64 begin = hammer_fails(h), start = now_ns();

	while (hammer_fails(h) == begin) {
		check_alive(h);
		if ((now_ns() - start) / 1000000000UL >= seconds)
			return false;
		usleep(100);
	}
	return true;
}

void hammer_wait_fail(struct hammer *h)
{
	test_check(hammer_fails_in(h, ~0UL));
}

void hammer_pause(struct hammer *h)
{
	unsigned int i;

	WRITE_ONCE(h->pause, 1);
	for (i = 0; i < h->count; i++)
		while (!__atomic_load_n(&h->owners[i].paused, __ATOMIC_ACQUIRE)) {
			check_alive(h);
			usleep(100);
		}
}

void hammer_resume(struct hammer *h)
{
	unsigned int i;

	WRITE_ONCE(h->pause, 0);
	for (i = 0; i < h->count; i++)
		while (__atomic_load_n(&h->owners[i].paused, __ATOMIC_ACQUIRE)) {
			check_alive(h);
			usleep(100);
		}
}

void hammer_drop(struct hammer *h, u64 first, u64 count)
{
	while (count--)
		WRITE_ONCE(h->begun[first + count], h->begun[first + count] + 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void hammer_dropped(struct hammer *h, u64 first, u64 count)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	while (count--)
		WRITE_ONCE(h->done[first + count], h->done[first + count] + 1);
}

/* The other factor of 1; five bits of it are right to begin with. */
static u64 inverse(u64 x)
{
	u64 y = x * 3 ^ 2;
	int i;

	for (i = 0; i < 4; i++)
		y *= 2 - x * y;
	return y;
}

const char *hammer_check_copy(const struct hammer *h, const void *copy, u64 first, u64 count)
{
	u64 words = words_of(h), back1 = inverse(MIX1), back2 = inverse(MIX2), i, page;
	const u64 *mem = copy;

	for (page = first; page < first + count; page++) {
		for (i = 0; i < words; i++) {
			u64 word = page * words + i, x = *mem++, gen;

			if (!x)
				continue;
			x *= back2;
			x ^= x >> 32;
			x *= back1;
			gen = (u32)x;
			if (x >> 56 != h->key || (x >> 32 & 0xffffff) != (h->same ? i : word))
				return "a word that nobody wrote there";
			if (!gen)
				return "a word that was never written";
		}
	}
	return NULL;
}
