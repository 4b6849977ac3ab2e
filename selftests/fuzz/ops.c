// SPDX-License-Identifier: GPL-2.0
/*
 * What can be called, and with what: the structures of the uapi, field by field, and the
 * system calls that matter to a driver.  Most values are nearly right, for what is all wrong
 * is refused at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define NR_FILES	6
#define NR_EVENTFDS	4
#define ARENA_SIZE	(8UL << 20)
#define AREA_SIZE	(256UL << 10)
#define SCRATCH		4096

/* What an ioctl may take. */
union arg {
	struct armvcpu_cap cap;
	struct armvcpu_create_vm create_vm;
	struct armvcpu_create_vcpu create_vcpu;
	struct armvcpu_mem_slot mem_slot;
	struct armvcpu_dirty_log dirty_log;
	struct armvcpu_clear_dirty_pages clear_dirty_pages;
	struct armvcpu_smccc_policy smccc_policy;
	struct armvcpu_el2_answers el2_answers;
	struct armvcpu_posted_range posted_range;
	struct armvcpu_ioeventfd ioeventfd;
	struct armvcpu_create_gic create_gic;
	struct armvcpu_irq irq;
	struct armvcpu_irqfd irqfd;
	struct armvcpu_gic_reg gic_reg;
	struct armvcpu_pass_irq pass_irq;
	struct armvcpu_core_regs core_regs;
	struct armvcpu_fp_regs fp_regs;
	struct armvcpu_one_reg one_reg;
	struct armvcpu_reg_list reg_list;
	struct armvcpu_irq_line irq_line;
	struct armvcpu_inject inject;
	struct armvcpu_power power;
	struct armvcpu_set_dirty_ring set_dirty_ring;
};

/**
 * struct fuzz_thread - one that calls
 * @tid: of the system.
 * @timer: its signal ends a RUN.
 * @fail_nth: the file that makes an allocation of this thread's fail.
 * @may_fail: the file that has it be one of those whose allocations fail by chance.
 * @gone: it does no more.
 * @next: of @buffers.
 * @arg: the argument.
 * @buffers: what arguments point to.
 */
struct fuzz_thread {
	pid_t tid;
	timer_t timer;
	int fail_nth, may_fail;
	bool gone;
	unsigned int next;
	union arg arg;
	u64 buffers[4][SCRATCH / 8];
};

/**
 * struct fuzz_world - what a program works on
 * @lock: @files, @maps.
 * @files: by their kind. Those of no kind are bytes at random, and one to write to.
 * @arena: memory for guests; code of theirs at its beginning.
 * @shared: of a file.
 * @readonly: not to be written.
 * @hole: nothing.
 * @slot_size: of the slot that is there before.
 * @maps: what has been mapped of vCPUs' files.
 * @done: all threads have ended.
 */
struct fuzz_world {
	pthread_mutex_t lock;
	int files[FUZZ_KINDS][NR_FILES];
	int eventfds[NR_EVENTFDS];
	u8 *arena, *shared, *readonly, *hole;
	struct {
		void *mem;
		size_t size;
	} maps[NR_FILES];
	u64 page, slot_size;
	const struct fuzz_program *program;
	struct fuzz_counts *counts;
	struct fuzz_thread threads[FUZZ_THREADS];
	bool done;
};

u64 fuzz_gicd;
bool fuzz_list;
static struct fuzz_world world;
static __thread struct fuzz_thread *self;

/* ---- values -------------------------------------------------------------- */

static bool rarely(u64 raw, u64 one_in)
{
	return raw % one_in == 0;
}

static u64 pick_ipa(u64 raw)
{
	u64 n = raw >> 16, page = world.page;

	switch (raw >> 8 & 15) {
	case 0:
		return 0;
	case 1:
		return GUEST_MMIO + n % 4 * page;
	case 2:
		return GUEST_GIC + n % 4 * 0x10000;
	case 3:
		return (1UL << (32 + n % 17)) - page;
	case 4:
		return GUEST_RAM + n % 3 * (2UL << 20);
	case 5:
		return n;
	case 6:
		return GUEST_RAM + n % ARENA_SIZE;
	case 7:
	case 8:
		return GUEST_RAM + n % 8 * 4 * page;
	}
	/* Where a slot is already. */
	return GUEST_RAM;
}

static u64 pick_size(u64 raw)
{
	u64 n = raw >> 16;

	switch (raw >> 8 & 15) {
	case 0:
		return 0;
	case 1:
		return n;
	case 2:
		return 2UL << 20;
	case 3:
		return ARENA_SIZE;
	case 4:
		return n % 64;
	case 5:
	case 6:
	case 7:
		return (1 + n % 32) * world.page;
	case 8:
		return 0;
	}
	return world.slot_size;
}

static u64 pick_uaddr(u64 raw)
{
	u64 n = raw >> 16;

	switch (raw >> 8 & 15) {
	case 0:
		return 0;
	case 1:
		return (u64)world.readonly;
	case 2:
		return (u64)world.hole;
	case 3:
		return -world.page;
	case 4:
		return 0xffff800000000000UL + n % (1UL << 32);
	case 5:
		return (u64)world.shared + n % 16 * world.page;
	case 6:
		return (u64)world.maps[n % NR_FILES].mem;
	case 7:
		return n;
	case 8:
		return (u64)world.arena + n % 3 * (2UL << 20);
	case 9:
	case 10:
		return (u64)world.arena + n % 8 * 4 * world.page;
	}
	return (u64)world.arena;
}

static u64 pick_reg(u64 raw)
{
	u64 n = raw >> 16;

	switch (raw >> 8 & 7) {
	case 0:
		return n;
	case 1:
		return ARMVCPU_REG_CLASS_FP | n % 70;
	case 2:
		return ARMVCPU_REG_CLASS_TIMER | n % 4;
	case 3:
		return ARMVCPU_REG_CLASS_CORE | n % 40;
	case 4:	/* ID registers, and those around them */
		return ARMVCPU_REG_SYS(3, 0, 0, n % 8, n >> 8 & 7);
	case 5:	/* debug */
		return ARMVCPU_REG_SYS(2, n >> 8 & 7, n >> 16 & 15, n % 16, n >> 24 & 7);
	}
	return ARMVCPU_REG_SYS(3, n >> 8 & 7, n >> 16 & 15, n % 16, n >> 24 & 7);
}

static u64 pick_gic_base(u64 raw)
{
	static const u64 bases[] = {
		GUEST_GIC, GUEST_GIC_CPU, GUEST_GIC, GUEST_GIC_CPU, GUEST_GIC + 0x10000, GUEST_RAM,
		GUEST_MMIO,
	};

	return raw >> 8 & 15 ? bases[(raw >> 16) % ARRAY_SIZE(bases)] : raw >> 16;
}

static u64 pick_gic_offset(u64 raw)
{
	static const u32 offsets[] = {
		0x0, 0x4, 0x8, 0x14, 0x80, 0x84, 0x100, 0x104, 0x180, 0x200, 0x204, 0x280, 0x300,
		0x304, 0x380, 0x400, 0x420, 0x800, 0x820, 0xc00, 0xc08, 0xd00, 0xf00, 0xf10, 0xf20,
		0x6100, 0x6108, 0xffe8, 0xfe8, 0x10080, 0x10100, 0x10200, 0x10300, 0x10400, 0x10c00,
		0xd0, 0xdc,
	};
	/* PMR, BPR0, BPR1, CTLR, IGRPEN0, IGRPEN1, AP0R0, AP1R0, AP1R1, RPR */
	static const u32 icc[] = {
		ARMVCPU_SYSREG(3, 0, 4, 6, 0), ARMVCPU_SYSREG(3, 0, 12, 8, 3),
		ARMVCPU_SYSREG(3, 0, 12, 12, 3), ARMVCPU_SYSREG(3, 0, 12, 12, 4),
		ARMVCPU_SYSREG(3, 0, 12, 12, 6), ARMVCPU_SYSREG(3, 0, 12, 12, 7),
		ARMVCPU_SYSREG(3, 0, 12, 8, 4), ARMVCPU_SYSREG(3, 0, 12, 9, 0),
		ARMVCPU_SYSREG(3, 0, 12, 9, 1), ARMVCPU_SYSREG(3, 0, 12, 11, 3),
	};
	u64 n = raw >> 16;

	switch (raw >> 8 & 7) {
	case 0:
		return n & 0x1fffc;
	case 1:
		return n;
	case 2:	/* a level, a register of the CPU interface */
		return n % 8 * 32;
	case 3:
	case 4:
		return icc[n % ARRAY_SIZE(icc)];
	}
	return offsets[n % ARRAY_SIZE(offsets)];
}

static u64 pick_buffer(u64 raw)
{
	u64 *buffer = self->buffers[self->next++ % 4], state = raw | 1, mask;
	unsigned int i;

	switch (raw >> 8 & 31) {
	case 0:
		return 0;
	case 1:
		return (u64)world.hole;
	case 2:
		return (u64)world.readonly;
	case 3:	/* the last bytes before nothing */
		return (u64)world.hole - 8;
	case 4:
		return 0xffff800000000000UL;
	}
	/* Behind these is what others have left. */
	mask = raw >> 13 & 1 ? ~0UL : 0xffff0000ffffUL;
	for (i = 0; i < 24; i++)
		buffer[i] = fuzz_random(&state) & mask;
	return (u64)buffer;
}

/* What has to be a buffer. */
static void *own_buffer(u64 raw)
{
	return (void *)pick_buffer(raw | 0x1f00);
}

static u64 pick_pages(u64 raw)
{
	struct armvcpu_dirty_page *pages = own_buffer(raw);
	u64 state = raw | 1;
	unsigned int i;

	for (i = 0; i < SCRATCH / sizeof(*pages); i++) {
		pages[i].slot = fuzz_random(&state) % 32 ? 0 : fuzz_random(&state) % 8;
		pages[i].reserved = 0;
		pages[i].page = fuzz_random(&state) % 64 ? fuzz_random(&state) % 1024 : state;
	}
	return (u64)pages;
}

static u64 pick_ranges(u64 raw)
{
	struct armvcpu_smccc_range *ranges = own_buffer(raw);
	u64 state = raw | 1, base = 0x80000000 + (raw >> 16) % 8 * 0x1000000;
	unsigned int i;

	for (i = 0; i < SCRATCH / sizeof(*ranges); i++) {
		ranges[i].base = base;
		ranges[i].count = 1 + fuzz_random(&state) % 4;
		ranges[i].action = fuzz_random(&state) % 3;
		ranges[i].reserved = 0;
		base += ranges[i].count + fuzz_random(&state) % 3;
		if (i % 8 == 7)
			base += 0x1000000;
	}
	return (u64)ranges;
}

static u64 make_value(const struct fuzz_field *f, u64 raw)
{
	/* The timers', the UART's, the clock's, messages'. */
	static const u32 in_use[] = { 27, 30, 33, 34, 80, 143 };
	u64 n = raw >> 16;

	switch (f->kind) {
	case FUZZ_WILD:
		return rarely(raw, 3) ? n % 256 : raw * 0x9e3779b97f4a7c15UL;
	case FUZZ_SMALL:
		return rarely(raw, 24) ? n : n % (f->param + 1);
	case FUZZ_BITS:
		return rarely(raw, 24) ? n : n & f->param;
	case FUZZ_ZERO:
		return rarely(raw, 48) ? n : 0;
	case FUZZ_IPA:
		return pick_ipa(raw);
	case FUZZ_SIZE:
		return pick_size(raw);
	case FUZZ_UADDR:
		return pick_uaddr(raw);
	case FUZZ_EVENTFD:
		return rarely(raw, 16) ? n % 64 - 1 : (u64)world.eventfds[n % NR_EVENTFDS];
	case FUZZ_REG:
		return pick_reg(raw);
	case FUZZ_MPIDR:
		return rarely(raw, 16) ? n : n % 6;
	case FUZZ_HW_INTID:
		return rarely(raw, 4) ? in_use[n % ARRAY_SIZE(in_use)] :
		       rarely(raw, 5) ? n % 192 : 160 + n % 6;
	case FUZZ_GIC_BASE:
		return pick_gic_base(raw);
	case FUZZ_GIC_OFFSET:
		return pick_gic_offset(raw);
	case FUZZ_BUFFER:
		return pick_buffer(raw);
	case FUZZ_PAGES:
		return pick_pages(raw);
	case FUZZ_RANGES:
		return pick_ranges(raw);
	}
	return 0;
}

/* ---- files --------------------------------------------------------------- */

static int get_file(enum fuzz_file kind, u8 which)
{
	int fd;

	if (kind == FUZZ_NO_FILE)
		return -1;
	/* Another's: it does not know the call. */
	if (kind == FUZZ_ANY_FILE || which >= 240)
		kind = FUZZ_SYS + which % 3;
	pthread_mutex_lock(&world.lock);
	fd = world.files[kind][which % NR_FILES];
	if (fd < 0)
		fd = world.files[kind][0];
	pthread_mutex_unlock(&world.lock);
	return fd;
}

static void put_file(enum fuzz_file kind, int fd)
{
	int old = -1;
	unsigned int i;

	pthread_mutex_lock(&world.lock);
	for (i = 0; i < NR_FILES && world.files[kind][i] >= 0; i++)
		;
	if (i == NR_FILES) {
		i = fd % NR_FILES;
		old = world.files[kind][i];
	}
	world.files[kind][i] = fd;
	pthread_mutex_unlock(&world.lock);
	if (old >= 0)
		close(old);
}

#define RUN_OFFSET(field) offsetof(struct armvcpu_run, field)

/* What the module reads: by a system call, as the page may have gone. */
static void scribble(u8 *mem, u64 raw)
{
	static const struct {
		u16 offset, size;
	} places[] = {
		{ RUN_OFFSET(action), 1 }, { RUN_OFFSET(action), 1 }, { RUN_OFFSET(action), 1 },
		{ RUN_OFFSET(immediate_exit), 1 }, { RUN_OFFSET(timing), 1 },
		{ RUN_OFFSET(nr_lines), 4 }, { RUN_OFFSET(nr_lines), 4 },
		{ RUN_OFFSET(lines[0]), 8 }, { RUN_OFFSET(lines[1]), 8 },
		{ RUN_OFFSET(posted), 8 }, { RUN_OFFSET(u), 8 }, { RUN_OFFSET(u) + 8, 8 },
	};
	u64 offset = (raw >> 16) % 31 * 8, size = 8, n = raw >> 24;

	if (raw & BIT(8)) {
		offset = places[(raw >> 16) % ARRAY_SIZE(places)].offset;
		size = places[(raw >> 16) % ARRAY_SIZE(places)].size;
		/* Words that are small: see set_up_memory(). */
		n |= 8;
		/* An interrupt, and its level. */
		if (offset >= RUN_OFFSET(lines))
			n |= 24;
	}
	if (pread(world.files[0][0], mem + offset, size, n % SCRATCH & ~7UL) < 0)
		return;
}

static u8 *run_page_of(int fd)
{
	u8 *mem = NULL;
	unsigned int i;

	pthread_mutex_lock(&world.lock);
	for (i = 0; i < NR_FILES; i++)
		if (world.files[FUZZ_VCPU][i] == fd)
			mem = world.maps[i].mem;
	pthread_mutex_unlock(&world.lock);
	return mem;
}

/* A guest that has got lost begins anew, one that is off is turned on. */
static void rescue(int fd, u64 raw)
{
	/* Of EL1, and of EL0: AArch64, AArch32. */
	static const u64 states[] = { 0x345, 0x345, 0x305, 0x345, 0, 0x1c0, 0x10, 0x1d0, 0x30 };
	struct armvcpu_core_regs regs = {
		.pstate = states[(raw >> 8) % ARRAY_SIZE(states)],
		.pc = GUEST_RAM + (raw >> 16) % (GUEST_VECTORS - 64) / 4 * 4,
	};
	struct armvcpu_power on = { .state = ARMVCPU_POWER_ON };
	struct armvcpu_one_reg sctlr = {
		.id = ARMVCPU_REG_SYS(3, 0, 1, 0, 0), .value = 0x30d00800,
	}, ttbr = {
		.id = ARMVCPU_REG_SYS(3, 0, 2, 0, 0),
		.value = raw & BIT(50) ? GUEST_MMIO : GUEST_RAM + GUEST_CODE,
	}, vbar = {
		.id = ARMVCPU_REG_SYS(3, 0, 12, 0, 0), .value = GUEST_RAM + GUEST_VECTORS,
	};

	if (rarely(raw, 4))
		return;
	if (regs.pstate & 0x10) {
		regs.pc = GUEST_RAM + GUEST_CODE / 2 + (raw >> 16) % 1024 / 4 * 4;
		regs.pstate |= raw & 0xf0000000;
	}
	/* Big-endian data; an MMU that is on, with tables that are none. */
	if (rarely(raw >> 40, 8))
		sctlr.value |= 3UL << 24;
	if (rarely(raw >> 40, 12))
		sctlr.value |= 1;
	/* Some of their registers are addresses. */
	regs.x[0] = GUEST_RAM + GUEST_CODE;
	regs.x[1] = GUEST_MMIO;
	ioctl(fd, ARMVCPU_SET_ONE_REG, &sctlr);
	ioctl(fd, ARMVCPU_SET_ONE_REG, &vbar);
	if (sctlr.value & 1)
		ioctl(fd, ARMVCPU_SET_ONE_REG, &ttbr);
	ioctl(fd, ARMVCPU_SET_CORE_REGS, &regs);
	ioctl(fd, ARMVCPU_SET_POWER, &on);
}

/* RUN ends by a signal, if by nothing else; another one if that came too early. */
static unsigned int run_for_a_while(int fd, bool by_fdatasync, unsigned int times, u64 raw)
{
	struct itimerspec soon = { { 0, 1000000 }, { 0, 1000000 } }, never = { 0 };
	u8 *mem = run_page_of(fd);
	unsigned int i, lost = 0;
	int ret;

	timer_settime(self->timer, 0, &soon, NULL);
	for (i = 0; i < times && lost < 6; i++) {
		raw = fuzz_mix(raw + i);
		if (mem && rarely(raw, 3))
			scribble(mem, raw);
		ret = by_fdatasync || rarely(raw, 16) ? fdatasync(fd) : ioctl(fd, ARMVCPU_RUN);
		if (ret < 0) {
			lost++;
			rescue(fd, raw);
		}
	}
	timer_settime(self->timer, 0, &never, NULL);
	return i;
}

/* ---- what is no ioctl ---------------------------------------------------- */

static void op_open(struct fuzz_world *w, int fd, const u64 *v)
{
	(void)w;
	(void)v;
	fd = open("/dev/armvcpu", O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		put_file(FUZZ_SYS, fd);
}

static void op_close(struct fuzz_world *w, int fd, const u64 *v)
{
	int *slot = &w->files[FUZZ_SYS + v[0] % 3][v[1] % NR_FILES];

	(void)fd;
	pthread_mutex_lock(&w->lock);
	fd = *slot;
	*slot = -1;
	pthread_mutex_unlock(&w->lock);
	if (fd >= 0)
		close(fd);
}

static void op_mmap(struct fuzz_world *w, int fd, const u64 *v)
{
	static const off_t offsets[] = { 0, 0, 0, ARMVCPU_DIRTY_RING_OFFSET, 4096, 1L << 40 };
	size_t size = v[0] % 8 ? w->page : (1 + v[0] / 8 % 40) * w->page;
	void *mem = mmap(NULL, size, v[2] % 8 ? PROT_READ | PROT_WRITE : PROT_READ,
			 v[3] % 8 ? MAP_SHARED : MAP_PRIVATE, fd,
			 offsets[v[1] % ARRAY_SIZE(offsets)]);
	unsigned int i = v[4] % NR_FILES;

	if (mem == MAP_FAILED)
		return;
	pthread_mutex_lock(&w->lock);
	if (w->maps[i].mem)
		munmap(w->maps[i].mem, w->maps[i].size);
	w->maps[i].mem = mem;
	w->maps[i].size = size;
	pthread_mutex_unlock(&w->lock);
}

static void op_munmap(struct fuzz_world *w, int fd, const u64 *v)
{
	unsigned int i = v[0] % NR_FILES;

	(void)fd;
	pthread_mutex_lock(&w->lock);
	if (w->maps[i].mem)
		munmap(w->maps[i].mem, w->maps[i].size);
	w->maps[i].mem = NULL;
	pthread_mutex_unlock(&w->lock);
}

/* Anything to what is shared with the module: it faults if that is not there any more. */
static void op_scribble(struct fuzz_world *w, int fd, const u64 *v)
{
	u64 word = v[1] >> 8, i;
	void *mem;
	size_t size;

	(void)fd;
	pthread_mutex_lock(&w->lock);
	mem = w->maps[v[0] % NR_FILES].mem;
	size = w->maps[v[0] % NR_FILES].size;
	/* By a system call: it has EFAULT where an access has a signal. */
	for (i = 0; mem && i <= v[2] % 8; i++) {
		u64 offset = v[1] % 3 ? 248 + v[1] % 16 : v[1] * 8 % size;

		if (v[1] % 7 == 0)
			offset = 1408 + v[1] / 8 % 256;
		offset = (offset + i * 8) % (size - 7);
		if (pread(w->files[0][0], (u8 *)mem + offset, 8, word % SCRATCH) < 0)
			break;
	}
	pthread_mutex_unlock(&w->lock);
}

static void op_madvise(struct fuzz_world *w, int fd, const u64 *v)
{
	static const int advices[] = {
		MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_MERGEABLE,
		21 /* PAGEOUT */, 20 /* COLD */, 25 /* COLLAPSE */,
	};

	(void)fd;
	madvise(w->arena + v[0] % 512 * w->page, (1 + v[1] % 600) * w->page,
		advices[v[2] % ARRAY_SIZE(advices)]);
}

static void op_mprotect(struct fuzz_world *w, int fd, const u64 *v)
{
	(void)fd;
	mprotect(w->arena + v[0] % 512 * w->page, (1 + v[1] % 64) * w->page,
		 v[2] % 3 ? PROT_READ | PROT_WRITE : v[2] % 2 ? PROT_READ : PROT_NONE);
}

static void op_remap(struct fuzz_world *w, int fd, const u64 *v)
{
	u8 *at = w->arena + v[0] % 512 * w->page;
	size_t size = (1 + v[1] % 64) * w->page;

	(void)fd;
	munmap(at, size);
	if (v[2] % 4)
		mmap(at, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void op_fork(struct fuzz_world *w, int fd, const u64 *v)
{
	static bool done;
	pid_t child;

	/* It takes as long as a thousand other calls. */
	if (READ_ONCE(done))
		return;
	WRITE_ONCE(done, true);
	child = fork();
	if (!child) {
		/* Another process: EIO. */
		ioctl(fd, ARMVCPU_RUN);
		if (pread(w->files[0][0], w->arena + v[0] % ARENA_SIZE, 8, 0) < 0)
			_exit(1);
		_exit(0);
	}
	if (child > 0)
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
}

static void op_dup(struct fuzz_world *w, int fd, const u64 *v)
{
	enum fuzz_file kind;
	unsigned int i;

	(void)v;
	pthread_mutex_lock(&w->lock);
	for (kind = FUZZ_SYS; kind <= FUZZ_VCPU; kind++)
		for (i = 0; i < NR_FILES; i++)
			if (w->files[kind][i] == fd)
				goto found;
found:
	pthread_mutex_unlock(&w->lock);
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0 && kind <= FUZZ_VCPU)
		put_file(kind, fd);
	else if (fd >= 0)
		close(fd);
}

static void op_mremap(struct fuzz_world *w, int fd, const u64 *v)
{
	unsigned int i = v[0] % NR_FILES;
	size_t size = (1 + v[1] % 8) * w->page;
	void *mem;

	(void)fd;
	pthread_mutex_lock(&w->lock);
	if (w->maps[i].mem) {
		mem = mremap(w->maps[i].mem, w->maps[i].size, size, MREMAP_MAYMOVE);
		if (mem != MAP_FAILED) {
			w->maps[i].mem = mem;
			w->maps[i].size = size;
		}
	}
	pthread_mutex_unlock(&w->lock);
}

/* Also none that there is. */
static void op_affinity(struct fuzz_world *w, int fd, const u64 *v)
{
	(void)w;
	(void)fd;
	syscall(SYS_sched_setaffinity, 0, sizeof(v[0]), v);
}

static void op_signal(struct fuzz_world *w, int fd, const u64 *v)
{
	pid_t tid = READ_ONCE(w->threads[v[0] % FUZZ_THREADS].tid);

	(void)fd;
	if (tid)
		syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
}

static void op_exit_thread(struct fuzz_world *w, int fd, const u64 *v)
{
	(void)fd;
	(void)v;
	/* The first one waits for the others. */
	if (self != &w->threads[0])
		self->gone = true;
}

static void op_read_stats(struct fuzz_world *w, int fd, const u64 *v)
{
	static const char * const names[] = {
		"/sys/kernel/debug/armvcpu/stats", "/sys/kernel/debug/armvcpu/spectre",
		"/sys/module/armvcpu/parameters/cpus", "/sys/module/armvcpu/parameters/vms",
	};
	char text[512];

	(void)w;
	fd = open(names[v[0] % ARRAY_SIZE(names)], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while (read(fd, text, sizeof(text)) > 0 && v[1] % 4)
		;
	close(fd);
}

static void op_files(struct fuzz_world *w, int fd, const u64 *v)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLOUT };
	u8 bytes[16] = { 0 };

	(void)w;
	switch (v[0] % 8) {
	case 0:
		if (read(fd, bytes, sizeof(bytes)) < 0)
			return;
		return;
	case 1:
		if (write(fd, bytes, sizeof(bytes)) < 0)
			return;
		return;
	case 2:
		lseek(fd, v[1], SEEK_SET);
		return;
	case 3:
		poll(&poll_fd, 1, 0);
		return;
	case 4:
		fsync(fd);
		return;
	case 5:
		fcntl(fd, F_SETFL, v[1] % 2 ? O_NONBLOCK : O_ASYNC);
		return;
	case 6:
		ioctl(fd, v[1], w->arena);
		return;
	}
	run_for_a_while(fd, true, 1, v[1]);
}

/* An interrupt of the host's hardware: one that no device has, and a guest may. */
static void op_raise(struct fuzz_world *w, int fd, const u64 *v)
{
	static u32 *gicd;
	u32 intid = 160 + v[0] % 6;
	void *mem;

	(void)w;
	if (!fuzz_gicd)
		return;
	if (!READ_ONCE(gicd)) {
		fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
		if (fd < 0)
			return;
		mem = mmap(NULL, 0x10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, fuzz_gicd);
		close(fd);
		if (mem == MAP_FAILED)
			return;
		WRITE_ONCE(gicd, mem);
	}
	/* GICD_ISPENDR */
	WRITE_ONCE(gicd[(0x200 + intid / 32 * 4) / 4], 1U << intid % 32);
}

static void op_eventfd(struct fuzz_world *w, int fd, const u64 *v)
{
	u64 one = v[1] % 8 ? 1 : v[1];

	fd = w->eventfds[v[0] % NR_EVENTFDS];
	if (v[2] % 2 ? write(fd, &one, 8) < 0 : read(fd, &one, 8) < 0)
		return;
}

static void op_guest_code(struct fuzz_world *w, int fd, const u64 *v)
{
	static __thread u32 code[GUEST_CODE / 4];

	(void)fd;
	guest_code(code, v[0]);
	/* Wherever it may be written to: by a system call, which says so if not. */
	if (pwrite(w->files[0][1], code, GUEST_CODE, 0) == GUEST_CODE &&
	    pread(w->files[0][1], w->arena, GUEST_CODE, 0) < 0)
		return;
}

/* ---- all of them --------------------------------------------------------- */

/* selftests/Makefile looks for each ioctl of the uapi header here. */
#define IOCTL(_file, _name) .name = #_name, .file = FUZZ_##_file, .request = ARMVCPU_##_name
#define FIELD(_member, _kind, _param) {						\
	.kind = FUZZ_##_kind, .size = sizeof(_member), .offset = (size_t)&(_member),	\
	.param = (_param) }
#define ARG ((union arg *)0)
#define FIELDS(...) .fields = (const struct fuzz_field[]){ __VA_ARGS__, { .kind = FUZZ_NONE } }
#define VALUE { .kind = FUZZ_WILD }

static const struct fuzz_field values_3[] = { VALUE, VALUE, VALUE, { .kind = FUZZ_NONE } };

static const struct fuzz_field dirty_log_fields[] = {
	FIELD(ARG->dirty_log.slot, SMALL, 2), FIELD(ARG->dirty_log.flags, BITS, 1),
	FIELD(ARG->dirty_log.first, BITS, 0x1c0), FIELD(ARG->dirty_log.count, SMALL, 600),
	FIELD(ARG->dirty_log.bitmap, BUFFER, 0), { .kind = FUZZ_NONE },
};

static const struct fuzz_field gic_reg_fields[] = {
	FIELD(ARG->gic_reg.space, SMALL, 4), FIELD(ARG->gic_reg.offset, GIC_OFFSET, 0),
	FIELD(ARG->gic_reg.mpidr, MPIDR, 0), FIELD(ARG->gic_reg.value, WILD, 0),
	FIELD(ARG->gic_reg.flags, ZERO, 0),
	FIELD(ARG->gic_reg.reserved, ZERO, 0), { .kind = FUZZ_NONE },
};

const struct fuzz_op fuzz_ops[] = {
	{ .name = "open", .fn = op_open, .weight = 2, .times = 2 },
	{ .name = "close", .fn = op_close, .fields = values_3, .weight = 2, .times = 1 },
	{ .name = "dup", .file = FUZZ_ANY_FILE, .fn = op_dup, .weight = 2, .times = 2 },
	{ .name = "mmap", .file = FUZZ_VCPU, .fn = op_mmap, .weight = 6, .times = 4,
	  FIELDS(VALUE, VALUE, VALUE, VALUE, VALUE) },
	{ .name = "munmap", .fn = op_munmap, .fields = values_3, .weight = 2, .times = 1 },
	{ .name = "mremap", .fn = op_mremap, .fields = values_3, .weight = 2, .times = 2 },
	{ .name = "scribble", .fn = op_scribble, .fields = values_3, .times = 16 },
	{ .name = "madvise", .fn = op_madvise, .fields = values_3, .weight = 3, .times = 2 },
	{ .name = "mprotect", .fn = op_mprotect, .fields = values_3, .weight = 2, .times = 2 },
	{ .name = "remap", .fn = op_remap, .fields = values_3, .weight = 2, .times = 1 },
	{ .name = "fork", .file = FUZZ_VCPU, .fn = op_fork, .fields = values_3, .weight = 1,
	  .times = 1 },
	{ .name = "files", .file = FUZZ_ANY_FILE, .fn = op_files, .fields = values_3,
	  .weight = 8, .times = 16 },
	{ .name = "eventfd", .fn = op_eventfd, .fields = values_3 },
	{ .name = "raise", .fn = op_raise, .fields = values_3, .weight = 4, .times = 4 },
	{ .name = "guest_code", .fn = op_guest_code, .fields = values_3, .weight = 4, .times = 1 },
	{ .name = "affinity", .fn = op_affinity, .fields = values_3, .weight = 2, .times = 2 },
	{ .name = "signal", .fn = op_signal, .fields = values_3, .weight = 4, .times = 4 },
	{ .name = "exit_thread", .fn = op_exit_thread, .weight = 1, .times = 1 },
	{ .name = "read_stats", .fn = op_read_stats, .fields = values_3, .weight = 2,
	  .times = 2 },
	{ IOCTL(SYS, GET_API_VERSION), .weight = 4, .times = 8 },
	{ IOCTL(ANY_FILE, CHECK_CAP), .weight = 8,
	  FIELDS(FIELD(ARG->cap.cap, SMALL, 30), FIELD(ARG->cap.flags, ZERO, 0)) },
	{ IOCTL(SYS, CREATE_VM), .result = FUZZ_VM, .weight = 4, .times = 1,
	  FIELDS(FIELD(ARG->create_vm.flags, ZERO, 0), FIELD(ARG->create_vm.ipa_bits, SMALL, 48),
		 FIELD(ARG->create_vm.reserved[1], ZERO, 0)) },
	{ IOCTL(VM, CREATE_VCPU), .result = FUZZ_VCPU, .weight = 6, .times = 4,
	  FIELDS(FIELD(ARG->create_vcpu.flags, BITS, 7), FIELD(ARG->create_vcpu.reserved, ZERO, 0),
		 FIELD(ARG->create_vcpu.mpidr, MPIDR, 0)) },
	{ IOCTL(VM, SET_MEM_SLOT), .weight = 16, .times = 12,
	  FIELDS(FIELD(ARG->mem_slot.slot, SMALL, 2), FIELD(ARG->mem_slot.flags, BITS, 0xf),
		 FIELD(ARG->mem_slot.ipa, IPA, 0), FIELD(ARG->mem_slot.size, SIZE, 0),
		 FIELD(ARG->mem_slot.uaddr, UADDR, 0)) },
	{ IOCTL(VM, GET_DIRTY_LOG), .fields = dirty_log_fields, .times = 32 },
	{ IOCTL(VM, CLEAR_DIRTY_LOG), .fields = dirty_log_fields, .times = 32 },
	{ IOCTL(VM, MARK_DIRTY), .fields = dirty_log_fields, .times = 32 },
	{ IOCTL(VM, CLEAR_DIRTY_PAGES), .times = 16,
	  FIELDS(FIELD(ARG->clear_dirty_pages.count, SMALL, 200),
		 FIELD(ARG->clear_dirty_pages.flags, ZERO, 0),
		 FIELD(ARG->clear_dirty_pages.pages, PAGES, 0)) },
	{ IOCTL(VM, SET_SMCCC_POLICY), .weight = 8, .times = 8,
	  FIELDS(FIELD(ARG->smccc_policy.flags, BITS, 1), FIELD(ARG->smccc_policy.count, SMALL, 66),
		 FIELD(ARG->smccc_policy.ranges, RANGES, 0)) },
	{ IOCTL(VM, SET_EL2_ANSWERS), .weight = 8,
	  FIELDS(FIELD(ARG->el2_answers.mask, BITS, 0x7f),
		 FIELD(ARG->el2_answers.reserved, ZERO, 0)) },
	{ IOCTL(VM, SET_POSTED),
	  FIELDS(FIELD(ARG->posted_range.ipa, IPA, 0), FIELD(ARG->posted_range.size, SIZE, 0),
		 FIELD(ARG->posted_range.flags, ZERO, 0),
		 FIELD(ARG->posted_range.reserved, ZERO, 0)) },
	{ IOCTL(VM, SET_IOEVENTFD),
	  FIELDS(FIELD(ARG->ioeventfd.ipa, IPA, 0), FIELD(ARG->ioeventfd.data, SMALL, 4),
		 FIELD(ARG->ioeventfd.data_mask, BITS, 7), FIELD(ARG->ioeventfd.len, SMALL, 8),
		 FIELD(ARG->ioeventfd.flags, BITS, 1), FIELD(ARG->ioeventfd.fd, EVENTFD, 0),
		 FIELD(ARG->ioeventfd.pad, ZERO, 0), FIELD(ARG->ioeventfd.reserved[0], ZERO, 0)) },
	{ IOCTL(VM, CREATE_GIC), .weight = 8, .times = 4,
	  FIELDS(FIELD(ARG->create_gic.version, SMALL, 3), FIELD(ARG->create_gic.flags, ZERO, 0),
		 FIELD(ARG->create_gic.nr_irqs, BITS, 0x1e0),
		 FIELD(ARG->create_gic.max_vcpus, SMALL, 8),
		 FIELD(ARG->create_gic.dist, GIC_BASE, 0),
		 FIELD(ARG->create_gic.cpu, GIC_BASE, 0)) },
	{ IOCTL(VM, SET_IRQ), .weight = 24,
	  FIELDS(FIELD(ARG->irq.intid, SMALL, 128), FIELD(ARG->irq.level, SMALL, 2),
		 FIELD(ARG->irq.mpidr, MPIDR, 0), FIELD(ARG->irq.flags, ZERO, 0),
		 FIELD(ARG->irq.reserved, ZERO, 0)) },
	{ IOCTL(VM, SET_IRQFD),
	  FIELDS(FIELD(ARG->irqfd.fd, EVENTFD, 0), FIELD(ARG->irqfd.resample_fd, EVENTFD, 0),
		 FIELD(ARG->irqfd.intid, SMALL, 128), FIELD(ARG->irqfd.flags, BITS, 3)) },
	{ IOCTL(VM, GET_GIC_REG), .fields = gic_reg_fields },
	{ IOCTL(VM, SET_GIC_REG), .fields = gic_reg_fields, .weight = 24 },
	{ IOCTL(VM, RESET_GIC), .weight = 2, .times = 2 },
	/* An interrupt's files in /proc are there, or Linux warns when it is freed. */
	{ IOCTL(VM, PASS_IRQ), .times = 8, .weight = 8, .whole = true,
	  FIELDS(FIELD(ARG->pass_irq.flags, BITS, 3), FIELD(ARG->pass_irq.hw_intid, HW_INTID, 0),
		 FIELD(ARG->pass_irq.intid, SMALL, 96), FIELD(ARG->pass_irq.cpu, SMALL, 2)) },
	{ IOCTL(VCPU, GET_CORE_REGS), .weight = 8 },
	{ IOCTL(VCPU, SET_CORE_REGS),
	  FIELDS(FIELD(ARG->core_regs.x[0], WILD, 0), FIELD(ARG->core_regs.x[1], IPA, 0),
		 FIELD(ARG->core_regs.x[2], WILD, 0), FIELD(ARG->core_regs.sp_el1, IPA, 0),
		 FIELD(ARG->core_regs.pc, IPA, 0),
		 FIELD(ARG->core_regs.pstate, BITS, 0xf00003df)) },
	{ IOCTL(VCPU, GET_FP_REGS), .weight = 8 },
	{ IOCTL(VCPU, SET_FP_REGS), .weight = 8,
	  FIELDS(FIELD(ARG->fp_regs.v[3][0], WILD, 0), FIELD(ARG->fp_regs.fpsr, WILD, 0),
		 FIELD(ARG->fp_regs.fpcr, WILD, 0), FIELD(ARG->fp_regs.reserved, ZERO, 0)) },
	{ IOCTL(VCPU, GET_ONE_REG),
	  FIELDS(FIELD(ARG->one_reg.id, REG, 0), FIELD(ARG->one_reg.flags, ZERO, 0)) },
	{ IOCTL(VCPU, SET_ONE_REG),
	  FIELDS(FIELD(ARG->one_reg.id, REG, 0), FIELD(ARG->one_reg.flags, ZERO, 0),
		 FIELD(ARG->one_reg.value, WILD, 0)) },
	{ IOCTL(VCPU, GET_REG_LIST), .weight = 4, .times = 4,
	  FIELDS(FIELD(ARG->reg_list.count, SMALL, 1000), FIELD(ARG->reg_list.flags, ZERO, 0),
		 FIELD(ARG->reg_list.ids, BUFFER, 0)) },
	{ IOCTL(VCPU, SET_IRQ_LINE),
	  FIELDS(FIELD(ARG->irq_line.line, SMALL, 2), FIELD(ARG->irq_line.level, SMALL, 1)) },
	{ IOCTL(VCPU, INJECT),
	  FIELDS(FIELD(ARG->inject.type, SMALL, 4), FIELD(ARG->inject.flags, ZERO, 0),
		 FIELD(ARG->inject.far, WILD, 0)) },
	{ IOCTL(VCPU, GET_POWER), .weight = 8 },
	{ IOCTL(VCPU, SET_POWER), .weight = 8,
	  FIELDS(FIELD(ARG->power.state, SMALL, 3), FIELD(ARG->power.flags, ZERO, 0)) },
	{ IOCTL(VCPU, SET_DIRTY_RING), .weight = 8, .times = 2,
	  FIELDS(FIELD(ARG->set_dirty_ring.entries, BITS, 0x1c0),
		 FIELD(ARG->set_dirty_ring.flags, ZERO, 0)) },
	{ IOCTL(VCPU, RUN), .weight = 64, .fields = values_3 },
};

const unsigned int fuzz_nr_ops = ARRAY_SIZE(fuzz_ops);
_Static_assert(ARRAY_SIZE(fuzz_ops) <= FUZZ_MAX_OPS, "counts");

/* ---- running ------------------------------------------------------------- */

static unsigned int number_of_self(void)
{
	return self - world.threads;
}

/* In a line of its own: other threads do it as well. */
static void say_call(const struct fuzz_op *op, int fd, const u64 *values, unsigned int n)
{
	char text[512];
	unsigned int i, at;

	at = snprintf(text, sizeof(text), "call %u %s fd=%d", number_of_self(), op->name, fd);
	for (i = 0; i < n; i++)
		at += snprintf(text + at, sizeof(text) - at, " %#llx", values[i]);
	text[at++] = '\n';
	if (write(STDOUT_FILENO, text, at) < 0)
		fuzz_list = false;
}

static void say_result(long result)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "= %u %ld\n", number_of_self(), result);

	if (write(STDOUT_FILENO, text, n) < 0)
		fuzz_list = false;
}

/* Once; the argument is in memory that other threads may change. */
static int call_ioctl(const struct fuzz_op *op, int fd, const u64 *values, u64 raw)
{
	unsigned int i, size = _IOC_SIZE(op->request);
	void *argp = &self->arg;
	int ret;

	memset(argp, 0, size);
	for (i = 0; op->fields && op->fields[i].kind; i++)
		memcpy((u8 *)argp + op->fields[i].offset, &values[i], op->fields[i].size);
	/* What is no field of the table is not always zero. */
	if (size && rarely(raw, 32))
		((u8 *)argp)[(raw >> 8) % size] ^= 1 << (raw >> 32) % 8;
	if (rarely(raw, 61))
		argp = (void *)pick_buffer((raw >> 8) % 5 << 8);
	ret = ioctl(fd, op->request, argp);
	if (ret >= 0 && op->result)
		put_file(op->result, ret);
	return ret < 0 ? -errno : ret;
}

/* How often it was done. */
static unsigned int do_call(const struct fuzz_call *call)
{
	const struct fuzz_op *op = &fuzz_ops[call->op % fuzz_nr_ops];
	int fd = get_file(op->file, call->file);
	u64 values[FUZZ_FIELDS] = { 0 }, raws[FUZZ_FIELDS], raw = call->fields[FUZZ_FIELDS - 1];
	unsigned int i, n, times;
	int ret;

	if (op->file != FUZZ_NO_FILE && fd < 0)
		return 0;
	if (op->request == ARMVCPU_RUN) {
		if (fuzz_list)
			say_call(op, fd, &raw, 1);
		times = run_for_a_while(fd, false, call->times, raw);
		if (fuzz_list)
			say_result(times);
		return times;
	}
	memcpy(raws, call->fields, sizeof(raws));
	for (n = 0; op->fields && op->fields[n].kind; n++)
		;
	for (times = 0; times < call->times; times++) {
		if (times) {
			raw = fuzz_mix(raw + times);
			/* As it was, but for one or two. */
			if (n)
				raws[raw % n] = fuzz_mix(raw + 1);
			if (n && raw & BIT(40))
				raws[(raw >> 16) % n] = fuzz_mix(raw + 2);
		}
		for (i = 0; i < n; i++)
			values[i] = make_value(&op->fields[i], raws[i]);
		if (fuzz_list)
			say_call(op, fd, values, n);
		ret = 0;
		if (op->fn)
			op->fn(&world, fd, values);
		else
			ret = call_ioctl(op, fd, values, raw);
		if (fuzz_list)
			say_result(ret);
	}
	return times;
}

static void set_failures(u32 nth, bool chance)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	if (self->may_fail >= 0 && pwrite(self->may_fail, chance ? "1" : "0", 1, 0) < 0)
		self->may_fail = -1;
	if (self->fail_nth >= 0 && pwrite(self->fail_nth, text, len, 0) < 0)
		self->fail_nth = -1;
}

static void open_failures(const struct fuzz_program *program)
{
	self->fail_nth = -1;
	self->may_fail = -1;
	if (program->fail_nth)
		self->fail_nth = open("/proc/thread-self/fail-nth", O_WRONLY | O_CLOEXEC);
	if (program->setup & FUZZ_WITH_CHANCE)
		self->may_fail = open("/proc/thread-self/make-it-fail", O_WRONLY | O_CLOEXEC);
}

static void close_failures(void)
{
	if (self->fail_nth >= 0)
		close(self->fail_nth);
	if (self->may_fail >= 0)
		close(self->may_fail);
}

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000UL + ts.tv_nsec;
}

static void run_thread(unsigned int thread)
{
	const struct fuzz_program *program = world.program;
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	unsigned int i, op, times;
	u64 begin;

	self = &world.threads[thread];
	self->tid = syscall(SYS_gettid);
	event._sigev_un._tid = self->tid;
	open_failures(program);
	if (timer_create(CLOCK_MONOTONIC, &event, &self->timer))
		return;
	if (thread)
		cover_begin(thread);
	for (i = 0; i < program->count && !self->gone; i++) {
		if (program->calls[i].thread % program->threads != thread)
			continue;
		op = program->calls[i].op % fuzz_nr_ops;
		if (!fuzz_ops[op].whole)
			set_failures(program->fail_nth, true);
		begin = now_ns();
		times = do_call(&program->calls[i]);
		set_failures(0, false);
		__atomic_fetch_add(&world.counts->ns[op], now_ns() - begin, __ATOMIC_RELAXED);
		__atomic_fetch_add(&world.counts->times[op], times, __ATOMIC_RELAXED);
		__atomic_fetch_add(&world.counts->calls, times, __ATOMIC_RELAXED);
		cover_note(thread, i);
	}
	if (thread)
		cover_end(thread);
	WRITE_ONCE(self->tid, 0);
	timer_delete(self->timer);
	close_failures();
}

static void *other_thread(void *arg)
{
	run_thread((u64)arg);
	return NULL;
}

/* Where the thread goes on that touches what has gone. */
static __thread sigjmp_buf * flip_fault;

static void fault(int sig)
{
	if (flip_fault)
		siglongjmp(*flip_fault, 1);
	signal(sig, SIG_DFL);
}

/* Between two reads of the same word it may have become another one. */
static void flip_all(u64 *state)
{
	sigjmp_buf here;
	unsigned int i;

	pthread_mutex_lock(&world.lock);
	if (!sigsetjmp(here, 1)) {
		flip_fault = &here;
		for (i = 0; i < 64; i++) {
			u64 n = fuzz_random(state), place = n >> 8;
			struct fuzz_thread *thread = &world.threads[n % FUZZ_THREADS];
			u64 *word = (u64 *)&thread->arg + place % 8;

			if (n & BIT(60))
				word = &thread->buffers[n >> 4 & 3][place % 32];
			if (n & BIT(61) && world.maps[n % 3].mem)
				word = (u64 *)world.maps[n % 3].mem + place % 256;
			WRITE_ONCE(*word, n & BIT(62) ? *word ^ BIT(place % 64) : place % 64);
		}
	}
	flip_fault = NULL;
	pthread_mutex_unlock(&world.lock);
}

static void *flip(void *arg)
{
	u64 state = fuzz_mix((u64)arg) | 1;

	while (!READ_ONCE(world.done)) {
		flip_all(&state);
		sched_yield();
	}
	return NULL;
}

static void set_up_vcpu(int vm_fd, u32 mpidr, u32 setup)
{
	struct armvcpu_create_vcpu vcpu = { .mpidr = mpidr, .flags = FUZZ_VCPU_FLAGS(setup) };
	struct armvcpu_core_regs regs = { .pc = GUEST_RAM + 64 * mpidr, .pstate = 0x345 };
	struct armvcpu_one_reg vbar = {
		.id = ARMVCPU_REG_SYS(3, 0, 12, 0, 0), .value = GUEST_RAM + GUEST_VECTORS,
	};
	int fd = ioctl(vm_fd, ARMVCPU_CREATE_VCPU, &vcpu);
	void *mem;

	if (fd < 0)
		return;
	put_file(FUZZ_VCPU, fd);
	ioctl(fd, ARMVCPU_SET_CORE_REGS, &regs);
	ioctl(fd, ARMVCPU_SET_ONE_REG, &vbar);
	if (!(setup & FUZZ_WITH_RUN))
		return;
	mem = mmap(NULL, world.page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return;
	world.maps[mpidr].mem = mem;
	world.maps[mpidr].size = world.page;
}

/* Without it most programs would end at the first call that needs a file. */
static void set_up(const struct fuzz_program *program)
{
	u32 setup = program->setup, i, n = setup & FUZZ_WITH_VCPUS ? 3 : 1;
	struct armvcpu_create_vm vm = { 0 };
	struct armvcpu_create_gic gic = {
		.version = setup & FUZZ_WITH_GICV2 ? 2 : 3, .nr_irqs = 128, .max_vcpus = 4,
		.dist = GUEST_GIC, .cpu = GUEST_GIC_CPU,
	};
	struct armvcpu_mem_slot slot = {
		.ipa = GUEST_RAM, .uaddr = (u64)world.arena, .flags = FUZZ_SLOT_FLAGS(setup),
		/* Large enough for blocks, sometimes; where it is pinned, that costs time. */
		.size = program->seed % 8 ? ARENA_SIZE / 32 : ARENA_SIZE / 2,
	};
	/* What there is at 0x82000000, is the board's: here it is nothing. */
	struct armvcpu_smccc_range ranges[] = {
		{ .base = 0x81000000, .count = 0x10000, .action = ARMVCPU_SMCCC_DENY },
		{ .base = 0x82000000, .count = 0x10000, .action = ARMVCPU_SMCCC_FORWARD },
		{ .base = 0xc2000000, .count = 0x10000, .action = ARMVCPU_SMCCC_FORWARD },
		{ .base = 0x86000000, .count = 0x10000, .action = ARMVCPU_SMCCC_USER },
		{ .base = 0xc6000000, .count = 0x10000, .action = ARMVCPU_SMCCC_USER },
	};
	struct armvcpu_smccc_policy policy = {
		.flags = program->seed & ARMVCPU_SMCCC_POLICY_HVC, .count = ARRAY_SIZE(ranges),
		.ranges = (u64)ranges,
	};
	int sys = open("/dev/armvcpu", O_RDWR | O_CLOEXEC), vm_fd;

	if (sys < 0)
		_exit(1);
	put_file(FUZZ_SYS, sys);
	guest_code((u32 *)world.arena, program->seed);
	if (!(setup & FUZZ_WITH_VM))
		return;
	vm_fd = ioctl(sys, ARMVCPU_CREATE_VM, &vm);
	if (vm_fd < 0)
		return;
	put_file(FUZZ_VM, vm_fd);
	if (setup & FUZZ_WITH_GIC && ioctl(vm_fd, ARMVCPU_CREATE_GIC, &gic)) {
		gic.version ^= 1;
		ioctl(vm_fd, ARMVCPU_CREATE_GIC, &gic);
	}
	if (setup & FUZZ_WITH_POLICY)
		ioctl(vm_fd, ARMVCPU_SET_SMCCC_POLICY, &policy);
	world.slot_size = slot.size;
	if (setup & FUZZ_WITH_SLOT)
		ioctl(vm_fd, ARMVCPU_SET_MEM_SLOT, &slot);
	for (i = 0; setup & FUZZ_WITH_VCPU && i < n; i++)
		set_up_vcpu(vm_fd, i, setup);
}

static void nothing(int sig)
{
	(void)sig;
}

static u8 *area(size_t size, int prot, int fd)
{
	void *mem = mmap(NULL, size, prot, fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd,
			 0);

	if (mem == MAP_FAILED)
		_exit(1);
	return mem;
}

static void set_up_memory(u64 seed)
{
	u64 noise[SCRATCH / 8 + 8], state = fuzz_mix(seed) | 1;
	unsigned int i;
	int fd;

	world.page = sysconf(_SC_PAGESIZE);
	world.arena = area(ARENA_SIZE, PROT_READ | PROT_WRITE, -1);
	world.readonly = area(AREA_SIZE, PROT_READ, -1);
	/* What is before the hole, is there. */
	world.hole = area(AREA_SIZE, PROT_READ | PROT_WRITE, -1) + AREA_SIZE / 2;
	munmap(world.hole, AREA_SIZE / 2);
	fd = memfd_create("shared", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, AREA_SIZE))
		_exit(1);
	world.shared = area(AREA_SIZE, PROT_READ | PROT_WRITE, fd);
	close(fd);
	for (i = 0; i < ARRAY_SIZE(noise); i++)
		noise[i] = fuzz_random(&state) & (i % 4 == 3 ? 0x30000007fUL : i % 2 ? 3 : ~0UL);
	for (i = 0; i < 2; i++) {
		world.files[0][i] = memfd_create("noise", MFD_CLOEXEC);
		if (world.files[0][i] < 0 ||
		    write(world.files[0][i], noise, sizeof(noise)) != sizeof(noise))
			_exit(1);
	}
	for (i = 0; i < NR_EVENTFDS; i++)
		world.eventfds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* What the end of a process does as well, but here it is seen what that reaches. */
static void tear_down(void)
{
	unsigned int i, kind;

	for (i = 0; i < NR_FILES; i++)
		if (world.maps[i].mem)
			munmap(world.maps[i].mem, world.maps[i].size);
	for (kind = FUZZ_VCPU; kind >= FUZZ_SYS; kind--)
		for (i = 0; i < NR_FILES; i++)
			if (world.files[kind][i] >= 0)
				close(world.files[kind][i]);
}

/**
 * fuzz_run() - run a program
 * @program: the program.
 * @counts: what it has done is added to.
 */
void fuzz_run(const struct fuzz_program *program, struct fuzz_counts *counts)
{
	struct sigaction action = { .sa_handler = nothing };
	pthread_t threads[FUZZ_THREADS], flipper;
	bool flips = program->setup & FUZZ_WITH_FLIPS;
	u64 i, k;

	world.program = program;
	world.counts = counts;
	pthread_mutex_init(&world.lock, NULL);
	for (i = 0; i < FUZZ_KINDS; i++)
		for (k = 0; k < NR_FILES; k++)
			world.files[i][k] = -1;
	set_up_memory(program->seed);
	sigaction(SIGUSR1, &action, NULL);
	action.sa_handler = fault;
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	cover_begin(0);
	set_up(program);
	cover_note(0, 0);
	if (flips && pthread_create(&flipper, NULL, flip, (void *)program->seed))
		flips = false;
	for (i = 1; i < program->threads; i++)
		if (pthread_create(&threads[i], NULL, other_thread, (void *)i))
			_exit(1);
	run_thread(0);
	for (i = 1; i < program->threads; i++)
		pthread_join(threads[i], NULL);
	WRITE_ONCE(world.done, true);
	if (flips)
		pthread_join(flipper, NULL);
	tear_down();
	cover_end(0);
	cover_note(0, program->count - 1);
}
