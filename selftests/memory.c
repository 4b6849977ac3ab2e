// SPDX-License-Identifier: GPL-2.0
/*
 * What the VMM does to its memory while guests write to all of it: dropping, protecting,
 * moving, forking, huge pages that come and go, userfaultfd.  Nothing that is written may be
 * lost, and nothing that is dropped may come back (lib/hammer.h).
 *
 * On kernels without MMU notifiers slots are pinned: then most of it must not disturb the
 * guest at all, and the rest is not tried.
 */
#include "harness.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "system.h"
#include "writers.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE		25
#endif

static void drop_by_madvise(struct world *w, u64 first, u64 count)
{
	world_drop(w, first, count);
	test_check(!madvise(w->mem + first * w->page, count * w->page, MADV_DONTNEED));
	world_dropped(w, first, count);
}

/* Two looks at a range that nobody can write to. */
static void stands_still(const void *mem, u64 size)
{
	void *copy = malloc(size);

	test_check(copy);
	memcpy(copy, mem, size);
	usleep(300);
	if (memcmp(copy, mem, size))
		test_fail("somebody writes to %p", mem);
	free(copy);
}

/* ---- while they write ---------------------------------------------------- */

FIXTURE(race) {
	struct world w;
};

FIXTURE_VARIANT(race) {
	struct writers who;
};

FIXTURE_VARIANT_ADD(race, two_vcpus) { { .cpus = 2 } };
FIXTURE_VARIANT_ADD(race, four_vcpus) { { .cpus = 4 } };
FIXTURE_VARIANT_ADD(race, caches_off) { { .caches_off = true } };
FIXTURE_VARIANT_ADD(race, huge_pages) { { .huge = true } };

FIXTURE_SETUP(race)
{
	world_init(&self->w, &variant->who);
}

FIXTURE_TEARDOWN(race)
{
}

/* Nothing happens; is the hammer itself right? */
TEST_F(race, nothing)
{
	if (!variant->who.caches_off)
		hammer_add_host(&hammer);
	hammer_start(&hammer);
	world_go_round();
	hammer_stop(&hammer);
}

TEST_F(race, munmap_and_mmap)
{
	struct world *w = &self->w;
	u64 first, count;
	int i;

	hammer.may_fail = !w->pinned;
	hammer_start(&hammer);
	for (i = 0; i < 24; i++) {
		world_pick(w, &first, &count);
		world_drop(w, first, count);
		ASSERT_EQ(0, munmap(w->mem + first * w->page, count * w->page));
		/* Into the hole. */
		if (i % 4 == 0 && !w->pinned)
			hammer_wait_fail(&hammer);
		ASSERT_EQ(w->mem + first * w->page,
			  mmap(w->mem + first * w->page, count * w->page, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
		world_dropped(w, first, count);
		if (i % 8 == 0)
			hammer_wait(&hammer, 8);
	}
	world_go_round();
	hammer_stop(&hammer);
	EXPECT_TRUE(w->pinned ? !hammer_fails(&hammer) : hammer_fails(&hammer) >= 6);
}

/* Another mapping at once, without a hole in between. */
TEST_F(race, mmap_over)
{
	struct world *w = &self->w;
	u64 first, count;
	int i;

	hammer.may_fail = !w->pinned;
	hammer_start(&hammer);
	for (i = 0; i < 50; i++) {
		world_pick(w, &first, &count);
		world_drop(w, first, count);
		ASSERT_EQ(w->mem + first * w->page,
			  mmap(w->mem + first * w->page, count * w->page, PROT_READ | PROT_WRITE,
			       (i % 2 ? MAP_PRIVATE : MAP_SHARED) | MAP_ANONYMOUS | MAP_FIXED,
			       -1, 0));
		world_dropped(w, first, count);
		if (i % 8 == 0)
			hammer_wait(&hammer, 8);
	}
	world_go_round();
	hammer_stop(&hammer);
}

TEST_F(race, dontneed)
{
	struct world *w = &self->w;
	u64 first, count;
	int i;

	world_add_host(&self->w);
	hammer_start(&hammer);
	for (i = 0; i < 150; i++) {
		world_pick(w, &first, &count);
		drop_by_madvise(w, first, count);
		if (i % 16 == 0)
			hammer_wait(&hammer, 8);
	}
	world_go_round();
	hammer_stop(&hammer);
}

/* What is written behind it stays; what is not may go at any time. */
TEST_F(race, free)
{
	struct world *w = &self->w;
	u64 first, count, zeroes = 0, i, k;

	if (w->pinned)
		SKIP(return, "memory is pinned");
	world_add_host(&self->w);
	hammer.lazy = true;
	hammer_start(&hammer);
	world_go_round();
	for (i = 0; i < 24; i++) {
		world_pick(w, &first, &count);
		if (i % 8 == 0)
			hammer_pause(&hammer);
		hammer_drop(&hammer, first, count);
		ASSERT_EQ(0, madvise(w->mem + first * w->page, count * w->page, MADV_FREE));
		hammer_dropped(&hammer, first, count);
		if (i % 3)
			hammer_wait(&hammer, i % 8 ? 8 : 0);
		world_page_out(w, first, count);
		if (i % 8 == 0) {
			for (k = first; k < first + count; k++)
				zeroes += !pages_present(w->mem + k * w->page, w->page);
			hammer_resume(&hammer);
		}
	}
	world_go_round();
	hammer_stop(&hammer);
	/* Something was freed indeed, but not what is a part of a huge page. */
	if (!w->who.huge)
		EXPECT_LT(0, zeroes);
}

static void protect(struct world *w, int prot, int rounds)
{
	u64 first, count;
	u8 *mem;
	int i;

	hammer.may_fail = !w->pinned;
	hammer_start(&hammer);
	for (i = 0; i < rounds; i++) {
		world_pick(w, &first, &count);
		mem = w->mem + first * w->page;
		test_check(!mprotect(mem, count * w->page, prot));
		if (i % 4 == 0 && !w->pinned) {
			hammer_wait_fail(&hammer);
			/* We cannot look, either: then only the guest tells. */
			if (prot & PROT_READ)
				stands_still(mem, count * w->page);
		}
		test_check(!mprotect(mem, count * w->page, PROT_READ | PROT_WRITE));
		if (i % 8 == 0)
			hammer_wait(&hammer, 8);
	}
	world_go_round();
	hammer_stop(&hammer);
	if (!hammer_fails(&hammer) != w->pinned)
		test_fail("%llu fails", hammer_fails(&hammer));
}

TEST_F(race, mprotect_read)
{
	protect(&self->w, PROT_READ, 32);
}

TEST_F(race, mprotect_none)
{
	protect(&self->w, PROT_NONE, 32);
}

/* It moves away with its content, and back. */
TEST_F(race, mremap)
{
	struct world *w = &self->w;
	u64 first, count;
	u8 *away, *mem;
	int i;

	away = mmap(NULL, w->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, away);
	hammer.may_fail = !w->pinned;
	hammer_start(&hammer);
	for (i = 0; i < 24; i++) {
		/* Always the same pieces: a piece is one mapping. */
		world_pick(w, &first, &count);
		first &= ~15UL;
		count = 16;
		mem = w->mem + first * w->page;
		ASSERT_EQ(away, mremap(mem, count * w->page, count * w->page,
				       MREMAP_MAYMOVE | MREMAP_FIXED, away));
		if (i % 4 == 0 && !w->pinned) {
			stands_still(away, count * w->page);
			ASSERT_EQ(NULL, hammer_check_copy(&hammer, away, first, count));
			hammer_wait_fail(&hammer);
		}
		ASSERT_EQ(mem, mremap(away, count * w->page, count * w->page,
				      MREMAP_MAYMOVE | MREMAP_FIXED, mem));
		if (i % 8 == 0)
			hammer_wait(&hammer, 8);
	}
	world_go_round();
	hammer_stop(&hammer);
	EXPECT_EQ(w->pinned, !hammer_fails(&hammer));
}

/* ---- fork ---------------------------------------------------------------- */

/* What a child does with its copy: 0, or how it ends. */
static int child_writes(struct world *w, int go)
{
	const u64 garbage = 0x6b6b6b6b6b6b6b6b;
	u64 *mem = (u64 *)w->mem, words = w->size / sizeof(u64), i;

	(void)go;
	if (hammer_check_copy(&hammer, mem, 0, hammer.pages))
		return 2;
	for (i = 0; i < words; i++)
		mem[i] = garbage;
	usleep(2000);
	for (i = 0; i < words; i++)
		if (READ_ONCE(mem[i]) != garbage)
			return 3;
	return 0;
}

/* The guest writes to all pages meanwhile: that is not for the child. */
static int child_reads(struct world *w, int go)
{
	u8 *copy = alloc_pages(w->size);
	char c;

	memcpy(copy, w->mem, w->size);
	if (read(go, &c, 1) != 1)
		return 3;
	if (memcmp(copy, w->mem, w->size))
		return 4;
	return hammer_check_copy(&hammer, copy, 0, hammer.pages) ? 5 : 0;
}

static int child_ends(struct world *w, int go)
{
	(void)w;
	(void)go;
	return 0;
}

static void with_children(struct world *w, int (*child)(struct world *w, int go), int rounds)
{
	int i, go[2], status;
	pid_t pid;

	hammer_start(&hammer);
	world_go_round();
	for (i = 0; i < rounds; i++) {
		test_check(!pipe(go));
		pid = fork();
		test_check(pid >= 0);
		if (!pid)
			_exit(child(w, go[0]));
		if (child == child_reads)
			hammer_wait(&hammer, hammer.pages);
		test_check(write(go[1], "", 1) == 1);
		test_check(waitpid(pid, &status, 0) == pid);
		if (status)
			test_fail("round %d: the child's status is 0x%x", i, status);
		close(go[0]);
		close(go[1]);
	}
	world_go_round();
	hammer_stop(&hammer);
}

/* Both ways that it can go: a page is copied for the child, or for the guest. */
TEST_F(race, fork_and_the_child_writes)
{
	world_add_host(&self->w);
	with_children(&self->w, child_writes, 5);
}

TEST_F(race, fork_and_the_guest_writes)
{
	world_add_host(&self->w);
	with_children(&self->w, child_reads, 5);
}

TEST_F(race, fork_again_and_again)
{
	world_add_host(&self->w);
	with_children(&self->w, child_ends, 16);
}

/* A child that takes over the memory's last reference, and one that drops it. */
static int child_drops(struct world *w, int go)
{
	(void)go;
	if (madvise(w->mem, w->size, MADV_DONTNEED))
		return 2;
	w->mem[0] = 1;
	return munmap(w->mem, w->size) ? 3 : 0;
}

TEST_F(race, fork_and_the_child_drops)
{
	with_children(&self->w, child_drops, 5);
}

/* ---- huge pages ---------------------------------------------------------- */

static long huge_kb(void)
{
	return system_value("/proc/self/smaps_rollup", "AnonHugePages");
}

/* Blocks come and go in stage 2 with the host's huge pages. */
FIXTURE(thp) {
	struct world w;
};

FIXTURE_VARIANT(thp) {
	struct writers who;
};

FIXTURE_VARIANT_ADD(thp, two_vcpus) { { .huge = true } };
FIXTURE_VARIANT_ADD(thp, four_vcpus) { { .huge = true, .cpus = 4 } };
FIXTURE_VARIANT_ADD(thp, caches_off) { { .huge = true, .caches_off = true } };

FIXTURE_SETUP(thp)
{
	world_init(&self->w, &variant->who);
}

FIXTURE_TEARDOWN(thp)
{
}

TEST_F(thp, split_and_collapse)
{
	struct world *w = &self->w;
	u64 first, count;
	int i, collapsed = 0;

	if (w->pinned)
		SKIP(return, "memory is pinned");
	world_add_host(&self->w);
	hammer_start(&hammer);
	world_go_round();
	if (!huge_kb()) {
		hammer_stop(&hammer);
		SKIP(return, "the host has no huge pages");
	}
	for (i = 0; i < 40; i++) {
		u8 *mem;

		world_pick(w, &first, &count);
		mem = w->mem + first * w->page;
		switch (i % 4) {
		case 0:
			/* One page in the middle of a huge one. */
			drop_by_madvise(w, first, 1);
			break;
		case 1:
			ASSERT_EQ(0, madvise(mem, count * w->page, MADV_COLD));
			break;
		case 2:
			ASSERT_EQ(0, mprotect(mem, count * w->page, PROT_READ | PROT_WRITE |
					      PROT_EXEC));
			break;
		case 3:
			ASSERT_EQ(0, mprotect(w->mem, w->size, PROT_READ | PROT_WRITE));
			break;
		}
		hammer_wait(&hammer, 32);
		collapsed += !madvise(w->mem, w->size, MADV_COLLAPSE);
	}
	world_go_round();
	hammer_stop(&hammer);
	if (!collapsed)
		SKIP(return, "the kernel did not collapse anything: %m");
	EXPECT_LT(0, huge_kb());
}

/* ---- userfaultfd --------------------------------------------------------- */

struct user_faults {
	struct world *w;
	int fd;
	int quit[2];
	pthread_t thread;
	u64 missing, writes, delay;
	/* Of write-protection: the page as it was. */
	u8 *snapshot;
	bool seen[HAMMER_MAX_PAGES];
};

static bool uffd_open(struct user_faults *u, struct world *w, u64 mode, u64 features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	struct uffdio_register reg = {
		.range = { .start = (u64)w->mem, .len = w->size }, .mode = mode,
	};

	memset(u, 0, sizeof(*u));
	u->w = w;
	u->fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (u->fd < 0)
		return false;
	if (ioctl(u->fd, UFFDIO_API, &api) || ioctl(u->fd, UFFDIO_REGISTER, &reg)) {
		close(u->fd);
		return false;
	}
	test_check(!pipe(u->quit));
	return true;
}

static void uffd_write_protect(struct user_faults *u, u64 addr, u64 size, bool on)
{
	struct uffdio_writeprotect wp = {
		.range = { .start = addr, .len = size },
		.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};
	int tries = 1000;

	while (ioctl(u->fd, UFFDIO_WRITEPROTECT, &wp))
		test_check(errno == EAGAIN && tries--);
}

static void uffd_missing(struct user_faults *u, u64 addr)
{
	static const u8 zeroes[65536];
	struct uffdio_zeropage zero = { .range = { .start = addr, .len = u->w->page } };
	struct uffdio_copy copy = { .dst = addr, .src = (u64)zeroes, .len = u->w->page };
	int ret;

	u->missing++;
	if (u->missing % 2)
		ret = ioctl(u->fd, UFFDIO_ZEROPAGE, &zero);
	else
		ret = ioctl(u->fd, UFFDIO_COPY, &copy);
	/* Somebody else's fault was answered already, or it is being dropped: once more. */
	if (ret && errno == EEXIST)
		ret = ioctl(u->fd, UFFDIO_WAKE, &zero.range);
	test_check(!ret || errno == EAGAIN);
}

static void *uffd_serve(void *arg)
{
	struct user_faults *u = arg;
	struct pollfd fds[2] = {
		{ .fd = u->fd, .events = POLLIN }, { .fd = u->quit[0], .events = POLLIN },
	};
	struct uffd_msg msg;

	for (;;) {
		u64 addr, page;

		test_check(poll(fds, 2, -1) > 0);
		if (fds[1].revents)
			return NULL;
		if (read(u->fd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		test_check(msg.event == UFFD_EVENT_PAGEFAULT);
		addr = msg.arg.pagefault.address & ~(u->w->page - 1);
		page = (addr - (u64)u->w->mem) / u->w->page;
		if (u->delay)
			usleep(u->delay);
		if (!(msg.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP)) {
			uffd_missing(u, addr);
			continue;
		}
		/* Two faults of a page are two messages: the second may come late. */
		if (!u->seen[page]) {
			u->writes++;
			memcpy(u->snapshot + page * u->w->page, (void *)addr, u->w->page);
			u->seen[page] = true;
		}
		uffd_write_protect(u, addr, u->w->page, false);
	}
}

static void uffd_start(struct user_faults *u)
{
	test_check(!pthread_create(&u->thread, NULL, uffd_serve, u));
}

static void uffd_stop(struct user_faults *u)
{
	test_check(write(u->quit[1], "", 1) == 1);
	test_check(!pthread_join(u->thread, NULL));
	close(u->fd);
}

FIXTURE(userfaultfd) {
	struct world w;
};

FIXTURE_VARIANT(userfaultfd) {
	struct writers who;
};

FIXTURE_VARIANT_ADD(userfaultfd, small_pages) { { .cpus = 2 } };
FIXTURE_VARIANT_ADD(userfaultfd, caches_off) { { .caches_off = true } };
FIXTURE_VARIANT_ADD(userfaultfd, huge_pages) { { .huge = true } };

FIXTURE_SETUP(userfaultfd)
{
	world_init(&self->w, &variant->who);
}

FIXTURE_TEARDOWN(userfaultfd)
{
}

TEST_F(userfaultfd, missing)
{
	struct world *w = &self->w;
	struct user_faults *u = calloc(1, sizeof(*u));
	u64 first, count;
	int i;

	if (w->pinned)
		SKIP(return, "memory is pinned");
	if (!uffd_open(u, w, UFFDIO_REGISTER_MODE_MISSING, 0))
		SKIP(return, "there is no userfaultfd");
	world_add_host(&self->w);
	uffd_start(u);
	hammer_start(&hammer);
	world_go_round();
	for (i = 0; i < (w->who.huge ? 8 : 30); i++) {
		world_pick(w, &first, &count);
		drop_by_madvise(w, first, count);
		hammer_wait(&hammer, 8);
	}
	world_go_round();
	hammer_stop(&hammer);
	uffd_stop(u);
	EXPECT_LE(hammer.pages, u->missing);
}

/* A snapshot of running vCPUs: each page as it was before its first write. */
TEST_F(userfaultfd, write_protect)
{
	struct user_faults *u = calloc(1, sizeof(*u));
	struct world *w = &self->w;
	u8 *before;
	u64 i;
	int k;

	if (w->pinned)
		SKIP(return, "memory is pinned");
	if (!uffd_open(u, w, UFFDIO_REGISTER_MODE_WP, UFFD_FEATURE_PAGEFAULT_FLAG_WP))
		SKIP(return, "userfaultfd has no write protection");
	before = alloc_pages(w->size);
	u->snapshot = alloc_pages(w->size);
	world_add_host(&self->w);
	hammer_start(&hammer);
	uffd_start(u);
	world_go_round();
	for (k = 0; k < (w->who.huge ? 1 : 3); k++) {
		hammer_pause(&hammer);
		memset(u->seen, 0, sizeof(u->seen));
		u->writes = 0;
		memcpy(before, w->mem, w->size);
		uffd_write_protect(u, (u64)w->mem, w->size, true);
		hammer_resume(&hammer);
		hammer_wait(&hammer, hammer.pages + 1);
		hammer_pause(&hammer);
		for (i = 0; i < w->size; i += w->page) {
			ASSERT_TRUE(u->seen[i / w->page]);
			ASSERT_EQ(0, memcmp(before + i, u->snapshot + i, w->page));
		}
		EXPECT_EQ(hammer.pages, u->writes);
		hammer_resume(&hammer);
	}
	hammer_stop(&hammer);
	uffd_stop(u);
}

/* ---- userfaultfd: who waits ---------------------------------------------- */

static void nothing(int sig)
{
	(void)sig;
}

static void guest_reads_once(u64 address)
{
	GUEST_SYNC(1);
	GUEST_SYNC_ARGS(2, guest_read64(address), 0, 0);
}

struct waiting {
	struct vcpu *vcpu;
	u64 ended;
	int ret;
};

static void *run_once(void *arg)
{
	struct waiting *waiting = arg;

	waiting->ret = vcpu_run(waiting->vcpu);
	WRITE_ONCE(waiting->ended, 1);
	return NULL;
}

static void wait_in_uffd(struct world *w, struct user_faults *u, struct waiting *waiting,
			 pthread_t *thread)
{
	struct pollfd fd = { .fd = u->fd, .events = POLLIN };
	struct sigaction action = { .sa_handler = nothing };

	test_check(!sigaction(SIGUSR1, &action, NULL));
	vcpu_call(&w->vcpus[0], guest_reads_once, GUEST_RAM + 8);
	vcpu_expect_sync(&w->vcpus[0], 1);
	waiting->vcpu = &w->vcpus[0];
	test_check(!pthread_create(thread, NULL, run_once, waiting));
	test_check(poll(&fd, 1, -1) == 1);
	usleep(1000);
}

/* A vCPU that waits for a page can be called away. */
TEST(a_signal_ends_a_wait_for_userfaultfd)
{
	struct user_faults *u = calloc(1, sizeof(*u));
	struct waiting waiting = { 0 };
	struct world w = { 0 };
	pthread_t thread;
	int tries;

	world_init(&w, &(struct writers) { .cpus = 1, .pages = 16 });
	if (w.pinned)
		SKIP(return, "memory is pinned");
	if (!uffd_open(u, &w, UFFDIO_REGISTER_MODE_MISSING, 0))
		SKIP(return, "there is no userfaultfd");
	if (!kernel_at_least(6, 2))
		SKIP(return, "such waits cannot be interrupted before Linux 6.2");
	wait_in_uffd(&w, u, &waiting, &thread);
	ASSERT_EQ(0, READ_ONCE(waiting.ended));
	ASSERT_EQ(0, pthread_kill(thread, SIGUSR1));
	for (tries = 0; tries < 5000 && !READ_ONCE(waiting.ended); tries++)
		usleep(1000);
	ASSERT_EQ(1, READ_ONCE(waiting.ended));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(-EINTR, waiting.ret);
	/* Then it is there. */
	uffd_start(u);
	vcpu_expect_sync(&w.vcpus[0], 2);
	EXPECT_EQ(0, vcpu_sync_arg(&w.vcpus[0], 0));
	uffd_stop(u);
}

/* Nor does it keep the process from being killed. */
TEST(a_wait_for_userfaultfd_can_be_killed)
{
	int status, ready[2], tries;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct user_faults *u = calloc(1, sizeof(*u));
		struct waiting waiting = { 0 };
		struct world w = { 0 };
		pthread_t thread;

		world_init(&w, &(struct writers) { .cpus = 1, .pages = 16 });
		if (w.pinned)
			_exit(4);
		if (!uffd_open(u, &w, UFFDIO_REGISTER_MODE_MISSING, 0))
			_exit(5);
		wait_in_uffd(&w, u, &waiting, &thread);
		test_check(write(ready[1], "", 1) == 1);
		pause();
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1) {
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		if (WEXITSTATUS(status) == 4)
			SKIP(return, "memory is pinned");
		if (WEXITSTATUS(status) == 5)
			SKIP(return, "there is no userfaultfd");
		ASSERT_EQ(0, status);
	}
	ASSERT_EQ(0, kill(pid, SIGKILL));
	for (tries = 0; tries < 5000; tries++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
		usleep(1000);
	}
	ASSERT_GT(5000, tries);
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
}

/* ---- huge pages that are none any more ----------------------------------- */

static u64 guest_sees(struct vcpu *vcpu, u64 ipa)
{
	vcpu_call(vcpu, guest_reads_once, ipa);
	vcpu_expect_sync(vcpu, 1);
	vcpu_expect_sync(vcpu, 2);
	return vcpu_sync_arg(vcpu, 0);
}

/* All of its pages are there, and all but one are still where they belong: that is no block. */
TEST(a_huge_page_of_which_one_page_is_another)
{
	struct world w = { 0 };
	u64 i, k, page;

	world_init(&w, &(struct writers) { .cpus = 1, .huge = true });
	if (w.pinned)
		SKIP(return, "memory is pinned");
	page = w.page;
	for (i = 0; i < HUGE / page; i++)
		*(u64 *)(w.mem + i * page) = 0x1000 + i;
	if (!huge_kb())
		SKIP(return, "the host has no huge pages");
	EXPECT_EQ(0x1000, guest_sees(&w.vcpus[0], GUEST_RAM));
	/* The last one, the first one, and those between. */
	for (k = HUGE / page - 1; k < HUGE / page; k -= HUGE / page / 4 - 3) {
		ASSERT_EQ(0, madvise(w.mem + k * page, page, MADV_DONTNEED));
		*(u64 *)(w.mem + k * page) = 0x2000 + k;
		i = k ? 0 : 40;
		EXPECT_EQ(*(u64 *)(w.mem + i * page),
			  guest_sees(&w.vcpus[0], GUEST_RAM + i * page));
		EXPECT_EQ(0x2000 + k, guest_sees(&w.vcpus[0], GUEST_RAM + k * page));
	}
	for (i = 0; i < HUGE / page; i++)
		ASSERT_EQ(*(u64 *)(w.mem + i * page),
			  guest_sees(&w.vcpus[0], GUEST_RAM + i * page));
}

/* The content that somebody brings is what the guest reads, page by page. */
static void guest_reads_all(struct hammer *h, u64 base)
{
	const u64 *mem = (const u64 *)base;
	u64 page, i;

	for (page = 0; page < h->pages; page++)
		for (i = 0; i < h->page / 8; i++)
			GUEST_ASSERT_EQ(page << 32 | i, mem[page * h->page / 8 + i]);
}

static void *bring(void *arg)
{
	struct user_faults *u = arg;
	u64 page = u->w->page, i, n, *from = alloc_pages(page);
	struct uffd_msg msg;

	for (n = 0; n < hammer.pages; n++) {
		struct pollfd fd = { .fd = u->fd, .events = POLLIN };
		struct uffdio_copy copy = { .src = (u64)from, .len = page };

		do {
			test_check(poll(&fd, 1, -1) == 1);
		} while (read(u->fd, &msg, sizeof(msg)) != sizeof(msg));
		copy.dst = msg.arg.pagefault.address & ~(page - 1);
		for (i = 0; i < page / 8; i++)
			from[i] = (copy.dst - (u64)u->w->mem) / page << 32 | i;
		/* Both vCPUs may ask for it. */
		if (ioctl(u->fd, UFFDIO_COPY, &copy)) {
			test_check(errno == EEXIST);
			n--;
		}
	}
	return NULL;
}

static void *run_to_done(void *arg)
{
	vcpu_expect_done(arg);
	return NULL;
}

TEST(userfaultfd_brings_the_content)
{
	struct user_faults *u = calloc(1, sizeof(*u));
	pthread_t threads[3];
	struct world w = { 0 };
	int i;

	world_init(&w, &(struct writers) { .cpus = 2, .pages = 256 });
	if (w.pinned)
		SKIP(return, "memory is pinned");
	if (!uffd_open(u, &w, UFFDIO_REGISTER_MODE_MISSING, 0))
		SKIP(return, "there is no userfaultfd");
	ASSERT_EQ(0, pthread_create(&threads[2], NULL, bring, u));
	for (i = 0; i < 2; i++) {
		vcpu_call(&w.vcpus[i], guest_reads_all, (u64)&hammer, GUEST_RAM);
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, run_to_done, &w.vcpus[i]));
	}
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
}

int main(int argc, char **argv)
{
	system_begin();
	return harness_run(argc, argv);
}
