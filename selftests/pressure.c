// SPDX-License-Identifier: GPL-2.0
/*
 * What the host's memory management does to guests' memory by itself, while they write to all
 * of it: it merges equal pages, moves them, and swaps them out when there are too many.
 */
#include "harness.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "system.h"
#include "writers.h"

FIXTURE(shift) {
	struct world w;
};

FIXTURE_VARIANT(shift) {
	struct writers who;
};

FIXTURE_VARIANT_ADD(shift, small_pages) { { .cpus = 2 } };
FIXTURE_VARIANT_ADD(shift, caches_off) { { .caches_off = true } };
FIXTURE_VARIANT_ADD(shift, huge_pages) { { .huge = true } };

FIXTURE_SETUP(shift)
{
	world_init(&self->w, &variant->who);
}

FIXTURE_TEARDOWN(shift)
{
}

/* ---- KSM ----------------------------------------------------------------- */

#define KSM "/sys/kernel/mm/ksm/"

/* All at once, all the time; newer ones look less and less often at what was not merged. */
static const struct {
	const char *path, *value;
} ksm_settings[] = {
	{ KSM "pages_to_scan", "2000" },
	{ KSM "sleep_millisecs", "2" },
	{ KSM "smart_scan", "0" },
};

TEST_F(shift, ksm)
{
	struct world *w = &self->w;
	long merged = 0, now, before[ARRAY_SIZE(ksm_settings)];
	int i, tries;

	if (w->pinned)
		SKIP(return, "memory is pinned");
	if (access(KSM "run", F_OK))
		SKIP(return, "the kernel has no KSM");
	world_add_host(&self->w);
	/* All pages are the same for some rounds, then they are written to. */
	hammer.same = true;
	hammer.stay = w->who.huge ? 20 : 150;
	ASSERT_EQ(0, madvise(w->mem, w->size, MADV_MERGEABLE));
	for (i = 0; i < (int)ARRAY_SIZE(ksm_settings); i++) {
		before[i] = read_number(ksm_settings[i].path);
		system_write(ksm_settings[i].path, ksm_settings[i].value);
	}
	hammer_start(&hammer);
	ASSERT_EQ(0, system_write(KSM "run", "1"));
	for (i = 0; i < 2; i++) {
		for (tries = 0; tries < 1500; tries++) {
			now = read_number(KSM "pages_sharing");
			if (now > merged)
				merged = now;
			if (now > (long)hammer.pages / 4)
				break;
			usleep(1000);
		}
		/* Each of them is written to, and merged or not. */
		hammer_wait(&hammer, (hammer.stay + 1) * hammer.pages);
	}
	EXPECT_EQ(0, system_write(KSM "run", "2"));
	EXPECT_EQ(0, system_write(KSM "run", "0"));
	for (i = 0; i < (int)ARRAY_SIZE(ksm_settings); i++)
		if (before[i] >= 0)
			system_printf(ksm_settings[i].path, "%ld", before[i]);
	hammer_stop(&hammer);
	EXPECT_LT(0, merged);
}

/* ---- where pages are ----------------------------------------------------- */

static void frames(const struct world *w, u64 *where)
{
	u64 i;

	for (i = 0; i < hammer.pages; i++)
		where[i] = page_frame(w->mem + i * w->page);
}

static u64 moved(const struct world *w, const u64 *before, u64 *after)
{
	u64 i, n = 0;

	frames(w, after);
	for (i = 0; i < hammer.pages; i++)
		n += before[i] && after[i] && before[i] != after[i];
	return n;
}

#define GIGANTIC "/sys/kernel/mm/hugepages/hugepages-32768kB/nr_hugepages"

/*
 * Compaction, in a memory of which every second page is free; and pages of 32M, which are
 * made of whatever is in their place.
 */
TEST_F(shift, compaction)
{
	u64 before[HAMMER_MAX_PAGES], after[HAMMER_MAX_PAGES], n = 0, size, i;
	struct world *w = &self->w;
	long pages;
	u8 *hog;
	int k;

	if (access("/proc/sys/vm/compact_memory", F_OK))
		SKIP(return, "the kernel has no compaction");
	world_add_host(&self->w);
	hammer_start(&hammer);
	world_go_round();
	/* More and more of all, until it is enough. */
	for (k = 0; k < 4 && (k < 2 || !n); k++) {
		size = 16 * MB;
		hog = alloc_pages(size);
		madvise(hog, size, MADV_NOHUGEPAGE);
		for (i = 0; i < size; i += w->page)
			hog[i] = 1;
		for (i = 0; i < size; i += 2 * w->page)
			ASSERT_EQ(0, madvise(hog + i, w->page, MADV_DONTNEED));
		frames(w, before);
		ASSERT_EQ(0, system_write("/proc/sys/vm/compact_memory", "1"));
		n += moved(w, before, after);
		ASSERT_EQ(0, munmap(hog, size));
		ASSERT_EQ(0, system_write("/proc/sys/vm/compact_memory", "1"));
		frames(w, before);
		pages = system_value("/proc/meminfo", "MemFree") / 32768 * (k + 4) / 8;
		if (k && !read_number(GIGANTIC) && !system_printf(GIGANTIC, "%ld", pages))
			ASSERT_EQ(0, system_write(GIGANTIC, "0"));
		n += moved(w, before, after);
		hammer_wait(&hammer, hammer.pages);
	}
	hammer_stop(&hammer);
	TH_LOG("%llu pages have moved", n);
	EXPECT_FALSE(w->pinned && n);
	if (!w->pinned && !n)
		SKIP(return, "no page of the guest's was in the way");
}

/* From node to node, and back. */
TEST_F(shift, move_pages)
{
	int nodes[HAMMER_MAX_PAGES], status[HAMMER_MAX_PAGES], k;
	void *pages[HAMMER_MAX_PAGES];
	struct world *w = &self->w;
	u64 n = 0, i;

	if (w->pinned)
		SKIP(return, "memory is pinned");
	if (access("/sys/devices/system/node/node1", F_OK))
		SKIP(return, "the host has one node only");
	world_add_host(&self->w);
	hammer_start(&hammer);
	world_go_round();
	for (k = 0; k < 20; k++) {
		for (i = 0; i < hammer.pages; i++) {
			pages[i] = w->mem + i * w->page;
			nodes[i] = k % 2;
			status[i] = -1;
		}
		ASSERT_LE(0, syscall(SYS_move_pages, 0, hammer.pages, pages, nodes, status, 2));
		for (i = 0; i < hammer.pages; i++)
			n += status[i] == k % 2;
		hammer_wait(&hammer, hammer.pages / 4);
	}
	hammer_stop(&hammer);
	/* One that somebody is about to map may stay. */
	EXPECT_LT(10 * hammer.pages, n);
}

/* ---- memory that is not enough ------------------------------------------- */

FIXTURE(squeeze) {
	struct world w;
};

FIXTURE_VARIANT(squeeze) {
	struct writers who;
};

FIXTURE_VARIANT_ADD(squeeze, small_pages) { { .pages = MANY_PAGES } };
FIXTURE_VARIANT_ADD(squeeze, caches_off) { { .pages = MANY_PAGES, .caches_off = true } };
/* More than those that vCPUs and who looks for memory have in their hands. */
FIXTURE_VARIANT_ADD(squeeze, huge_pages) { { .huge = true, .pages = 6 } };

FIXTURE_SETUP(squeeze)
{
	world_init(&self->w, &variant->who);
}

FIXTURE_TEARDOWN(squeeze)
{
}

TEST_F(squeeze, swap)
{
	long before = system_value("/proc/vmstat", "pswpout");
	long back = system_value("/proc/vmstat", "pswpin");
	struct world *w = &self->w;
	u64 first, count;
	int i;

	if (w->pinned)
		SKIP(return, "memory is pinned");
	if (!system_has_swap())
		SKIP(return, "there is no swap: load zram, or swapon");
	world_add_host(&self->w);
	hammer_start(&hammer);
	world_go_round();
	for (i = 0; i < 8; i++) {
		world_pick(w, &first, &count);
		world_page_out(w, first, count);
		if (i % 8 == 0)
			hammer_wait(&hammer, hammer.pages / 4);
	}
	/* All at once, and from there. */
	for (i = 0; i < 3; i++) {
		hammer_pause(&hammer);
		world_page_out(w, 0, hammer.pages);
		EXPECT_GT(hammer.pages / 4, pages_present(w->mem, w->size));
		hammer_resume(&hammer);
		hammer_wait(&hammer, hammer.pages);
	}
	hammer_stop(&hammer);
	EXPECT_LT(before + (long)hammer.pages, system_value("/proc/vmstat", "pswpout"));
	EXPECT_LT(back + (long)hammer.pages / 2, system_value("/proc/vmstat", "pswpin"));
}

TEST_F(squeeze, cgroup_limits)
{
	struct world *w = &self->w;
	char name[32], text[32];
	long swapped;
	int i;

	if (w->pinned)
		SKIP(return, "memory is pinned");
	if (!system_has_swap())
		SKIP(return, "there is no swap: load zram, or swapon");
	snprintf(name, sizeof(name), "limits-%d", getpid());
	if (!cgroup_enter(name))
		SKIP(return, "there is no cgroup v2 with a memory controller");
	world_add_host(&self->w);
	hammer_start(&hammer);
	world_go_round();
	swapped = cgroup_value(name, "memory.stat", "pgmajfault");
	for (i = 0; i < 3; i++) {
		/* The guest's memory is most of what is charged here: a half of it. */
		snprintf(text, sizeof(text), "%llu", w->size / 2 + (i % 2 ? 640 : 384) * KB);
		ASSERT_EQ(0, cgroup_write(name, "memory.max", text));
		hammer_wait(&hammer, hammer.pages / 16);
		ASSERT_EQ(0, cgroup_write(name, "memory.max", "max"));
		cgroup_write(name, "memory.reclaim", "256K");
		snprintf(text, sizeof(text), "%llu", w->size - 256 * KB);
		ASSERT_EQ(0, cgroup_write(name, "memory.high", text));
		ASSERT_EQ(0, cgroup_write(name, "memory.high", "max"));
	}
	hammer_stop(&hammer);
	EXPECT_LT(swapped, cgroup_value(name, "memory.stat", "pgmajfault"));
	EXPECT_EQ(0, cgroup_value(name, "memory.events", "oom_kill"));
	cgroup_leave();
}

/* ---- somebody else's memory ---------------------------------------------- */

struct churn {
	u64 rounds, stop;
	pthread_t thread;
};

/* Pages of the VMM's that no guest has come and go as fast as they can. */
static void *churn(void *arg)
{
	struct churn *c = arg;
	u64 page = page_size();
	u8 *mem = alloc_pages(page);

	while (!READ_ONCE(c->stop)) {
		WRITE_ONCE(*mem, 1);
		test_check(!madvise(mem, page, MADV_DONTNEED));
		WRITE_ONCE(c->rounds, c->rounds + 1);
	}
	return NULL;
}

static void guest_touches(u64 base, u64 stride, u64 count)
{
	u64 i;

	for (i = 0; i < count; i++)
		guest_write64(base + i * stride, i + 1);
	GUEST_DONE();
}

/* A fault that is tried again because of them would be tried again for ever. */
FIXTURE(others) {
	struct vm vm;
	struct vcpu vcpu;
};

FIXTURE_VARIANT(others) {
	bool huge;
};

FIXTURE_VARIANT_ADD(others, small_pages) { .huge = false };
FIXTURE_VARIANT_ADD(others, huge_pages) { .huge = true };

FIXTURE_SETUP(others)
{
	vm_init(&self->vm);
	vcpu_init(&self->vcpu, &self->vm, 0);
}

FIXTURE_TEARDOWN(others)
{
}

TEST_F(others, memory_comes_and_goes)
{
	u64 count = 64, stride = variant->huge ? HUGE : page_size(), faults[2], i;
	struct churn c = { 0 };
	u8 *mem;

	if (get_cap(self->vm.sys, ARMVCPU_CAP_PINNED_MEMORY))
		SKIP(return, "memory is pinned");
	mem = alloc_aligned(count * stride, HUGE);
	madvise(mem, count * stride, variant->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	ASSERT_EQ(0, vm_set_slot(&self->vm, 0, 0, GUEST_RAM, count * stride, mem));
	for (i = 0; i < 2; i++) {
		if (i) {
			ASSERT_EQ(0, madvise(mem, count * stride, MADV_DONTNEED));
			ASSERT_EQ(0, pthread_create(&c.thread, NULL, churn, &c));
			while (READ_ONCE(c.rounds) < 100)
				usleep(100);
		}
		vcpu_call(&self->vcpu, guest_touches, GUEST_RAM, stride, count);
		faults[i] = self->vcpu.run->stats.faults;
		vcpu_expect_done(&self->vcpu);
		faults[i] = self->vcpu.run->stats.faults - faults[i];
	}
	WRITE_ONCE(c.stop, 1);
	ASSERT_EQ(0, pthread_join(c.thread, NULL));
	TH_LOG("faults: %llu alone, %llu with %llu rounds of others", faults[0], faults[1],
	       c.rounds);
	EXPECT_GE(4 * faults[0] + 64, faults[1]);
}

int main(int argc, char **argv)
{
	system_begin();
	return harness_run(argc, argv);
}
