// SPDX-License-Identifier: GPL-2.0
/*
 * The registers: every one survives exits, another vCPU, another CPU and a
 * host that does its worst; none of the host's reaches the guest or the other
 * way round; and each can be read, written, saved and restored by its id.
 */
#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "guest_regs.h"
#include "snippet.h"

/* ---- the system registers of a guest ----------------------------- */

enum {
#define SYSREG(name, ...) SYS_##name,
#include "lib/guest_sysregs.def"
#undef SYSREG
	NR_SYS
};

/* The guest's accessors. */
#define SYSREG(name, ...) static u64 guest_get_##name(void) { return read_sysreg(name); }
#include "lib/guest_sysregs.def"
#undef SYSREG

#define SYSREG(name, ...) static void guest_set_##name(u64 value) { write_sysreg(value, name); }
#include "lib/guest_sysregs.def"
#undef SYSREG

static const struct {
	const char *name;
	u32 sysreg;
	u64 any;
	u64 run;
	u64 (*get)(void);
	void (*set)(u64 value);
} sys_regs[] = {
#define SYSREG(_name, _op0, _op1, _crn, _crm, _op2, _any, _run)			\
	[SYS_##_name] = {							\
		.name = #_name,							\
		.sysreg = ARMVCPU_SYSREG(_op0, _op1, _crn, _crm, _op2),		\
		.any = (_any),							\
		.run = (_run),							\
		.get = guest_get_##_name,					\
		.set = guest_set_##_name,					\
	},
#include "lib/guest_sysregs.def"
#undef SYSREG
};

/* The id by which the host knows it. */
static u32 reg_id(u32 i)
{
	switch (i) {
	case SYS_sp_el0:
		return ARMVCPU_REG_SP_EL0;
	case SYS_elr_el1:
		return ARMVCPU_REG_ELR_EL1;
	case SYS_spsr_el1:
		return ARMVCPU_REG_SPSR_EL1;
	}
	return ARMVCPU_REG_CLASS_SYS | sys_regs[i].sysreg;
}

/* ---- ten thousand exits ------------------------------------------ */

/**
 * struct load - one vCPU's part of a test
 * @regs: its general and FP registers.
 * @sys: its system registers, two values of each; bits that must not change
 *	are those that the guest has found.
 * @mmu: its MMU is on.
 * @count: exits.
 */
struct load {
	struct guest_regs regs;
	u64 sys[2][NR_SYS];
	bool mmu;
	u64 count;
};

static struct load loads[GUEST_MAX_CPUS];

static u64 guest_get(u32 i)
{
	u64 value = sys_regs[i].get();

	/* ISTATUS of a timer that is off is nothing that is kept. */
	return i == SYS_cntv_ctl_el0 ? value & 3 : value;
}

/* What a core has of a register that may have nothing. */
static u64 guest_bits(u32 i)
{
	u64 before = sys_regs[i].get(), bits;

	sys_regs[i].set(~0UL);
	isb();
	bits = sys_regs[i].get();
	sys_regs[i].set(before);
	isb();
	return bits;
}

static u64 guest_free_bits(const struct load *load, u32 i)
{
	/* Used with the MMU off as with the MMU on. */
	if (load->mmu || i == SYS_vbar_el1 || i == SYS_cpacr_el1)
		return sys_regs[i].run;
	return sys_regs[i].any ?: guest_bits(i);
}

static void guest_fill_sys(struct load *load)
{
	u32 i, set;

	for (i = 0; i < NR_SYS; i++) {
		u64 found = guest_get(i), bits = guest_free_bits(load, i);

		for (set = 0; set < 2; set++)
			load->sys[set][i] = (found & ~bits) | (load->sys[set][i] & bits);
	}
}

static void guest_check_exit(struct load *load, const u64 *sys,
			     void (*exit)(struct guest_regs *regs))
{
	struct guest_state *want = &load->regs.want, *got = &load->regs.got;
	const char *what;
	u64 a, b;
	u32 i;

	exit(&load->regs);
	what = guest_x_differ(want, got, &a, &b);
	__GUEST_ASSERT(!what, what, a, b);
	guest_fp_store(got);
	what = guest_fp_differ(want, got, &a, &b);
	__GUEST_ASSERT(!what, what, a, b);
	for (i = 0; i < NR_SYS; i++) {
		b = guest_get(i);
		__GUEST_ASSERT(b == sys[i], sys_regs[i].name, sys[i], b);
	}
}

/* How many exits a set of values lasts. */
#define PERIOD		48

static void guest_exits(struct load *load)
{
	static void (* const exits[])(struct guest_regs *regs) = {
		guest_regs_exit_mmio_write, guest_regs_exit_hvc, guest_regs_exit_mmio_read,
		guest_regs_exit_sysreg, guest_regs_exit_abort, guest_regs_exit_wfi,
	};
	const u64 *sys = load->sys[0];
	u64 n;
	u32 i;

	guest_fp_load(&load->regs.want);
	guest_fill_sys(load);
	for (n = 0; n < load->count; n++) {
		if (n % PERIOD == 0) {
			sys = load->sys[n / PERIOD % 2];
			for (i = 0; i < NR_SYS; i++)
				sys_regs[i].set(sys[i]);
			isb();
		}
		guest_check_exit(load, sys, exits[n % ARRAY_SIZE(exits)]);
		if (n % 16 == 0)
			guest_check_exit(load, sys, guest_regs_exit_id);
	}
}

static void load_init(struct load *load, struct vcpu *vcpu, bool mmu, u64 seed, u64 count)
{
	struct guest_state other;
	u32 i;

	guest_state_fill(&load->regs.want, seed);
	load->mmu = mmu;
	load->count = count;
	for (i = 0; i < NR_SYS; i++) {
		guest_state_fill(&other, seed + 1000 * (i + 1));
		load->sys[0][i] = other.x[1];
		load->sys[1][i] = ~other.x[1];
	}
	if (mmu)
		vcpu_call(vcpu, guest_exits, (u64)load);
	else
		vcpu_call_mmu_off(vcpu, guest_exits, (u64)load);
}

/*
 * Completes the exits of guest_exits() without changing a register; how many
 * there were. A WFI is one of them even if it found an interrupt to end it.
 * @moves counts how often it was another CPU than the last time.
 */
static u64 serve(struct vcpu *vcpu, u64 count, u64 *moves)
{
	struct armvcpu_run *run = vcpu->run;
	u64 exits = 0, waits = 0;
	int ret, cpu, last_cpu = sched_getcpu();

	for (;;) {
		ret = vcpu_run_exit(vcpu);
		if (ret)
			test_fail("ARMVCPU_RUN: %s", strerror(-ret));
		exits++;
		cpu = sched_getcpu();
		*moves += cpu != last_cpu;
		last_cpu = cpu;
		switch (run->exit_reason) {
		case ARMVCPU_EXIT_HYPERCALL:
			if (vcpu_is_ucall(vcpu)) {
				if (run->u.call.nr != UCALL_DONE)
					break;
				if (!waits || waits > count / 6)
					test_fail("%llu exits of WFI", waits);
				return exits - 1 - waits + count / 6;
			}
			run->x[0] = run->u.call.nr;
			continue;
		case ARMVCPU_EXIT_MMIO:
			if (!run->u.mmio.is_write)
				run->u.mmio.data = run->x[7];
			continue;
		case ARMVCPU_EXIT_SYSREG:
			run->u.sysreg.data = run->x[7];
			continue;
		case ARMVCPU_EXIT_ABORT:
			continue;
		case ARMVCPU_EXIT_WFX:
			waits++;
			continue;
		}
		vcpu_print_exit(vcpu);
		test_fail("vCPU %u after %llu exits", vcpu->index, exits);
	}
}

/* Multiples of the six kinds; a quiet host first, which says more if it fails. */
#define QUIET_EXITS	1002
#define EXITS		10002

FIXTURE(exits) {
	struct vm vm;
	struct vcpu vcpu;
};

FIXTURE_VARIANT(exits) {
	bool mmu;
};

FIXTURE_VARIANT_ADD(exits, mmu_on) { .mmu = true };
FIXTURE_VARIANT_ADD(exits, mmu_off) { .mmu = false };

FIXTURE_SETUP(exits)
{
	vm_init(&self->vm);
	vcpu_init(&self->vcpu, &self->vm, 0);
}

FIXTURE_TEARDOWN(exits)
{
}

TEST_F_TIMEOUT(exits, registers_survive, 60)
{
	u64 moves = 0;

	load_init(&loads[0], &self->vcpu, variant->mmu, 1, QUIET_EXITS);
	EXPECT_EQ(QUIET_EXITS, serve(&self->vcpu, QUIET_EXITS, &moves));
}

/* ---- ... of several vCPUs, on a host that does its worst --------- */

static atomic_int stop;
static atomic_ulong worst[4];

static void ignore_signal(int sig)
{
	(void)sig;
}

/* Often in between, but most of the time is the vCPUs'. */
static void be_modest(void)
{
	test_check(!setpriority(PRIO_PROCESS, syscall(SYS_gettid), 5));
}

/* FP registers of a thread of the host, between its system calls. */
static void *fp_clobber(void *arg)
{
	struct guest_state want, got;
	const char *what;
	u64 a, b;

	(void)arg;
	be_modest();
	while (!stop) {
		guest_state_fill(&want, ++worst[0]);
		guest_fp_load(&want);
		syscall(SYS_sched_yield);
		guest_fp_store(&got);
		what = guest_fp_differ(&want, &got, &a, &b);
		if (what)
			test_fail("the host's %s was 0x%llx, is 0x%llx", what, a, b);
	}
	return NULL;
}

static void *syscall_storm(void *arg)
{
	(void)arg;
	be_modest();
	while (!stop) {
		syscall(SYS_getpid);
		worst[1]++;
	}
	return NULL;
}

/**
 * struct runner - a thread that serves a vCPU
 * @thread: the thread.
 * @tid: its kernel's number, once it runs.
 * @vcpu: the vCPU.
 * @exits: how many it had.
 * @moves: how often another CPU went on with it.
 */
struct runner {
	pthread_t thread;
	atomic_int tid;
	struct vcpu vcpu;
	u64 exits;
	u64 moves;
};

#define RUNNERS	4

static struct runner runners[RUNNERS];

static void *run_load(void *arg)
{
	struct runner *runner = arg;

	runner->tid = syscall(SYS_gettid);
	runner->exits = serve(&runner->vcpu, EXITS, &runner->moves);
	return NULL;
}

/* Signals, and another CPU, at moments that nobody has chosen. */
static void *shove(void *arg)
{
	struct sched_param param = { .sched_priority = 1 };
	int cpus = nr_cpus(), cpu;

	(void)arg;
	/* Not when the others leave it a CPU. */
	test_check(!sched_setscheduler(0, SCHED_FIFO, &param));
	while (!stop) {
		struct runner *runner = &runners[worst[2]++ % RUNNERS];
		unsigned long mask;

		if (!runner->tid)
			continue;
		cpu = worst[2] / RUNNERS % cpus;
		mask = BIT(cpu);
		if (!syscall(SYS_sched_setaffinity, runner->tid, sizeof(mask), &mask))
			worst[3]++;
		if (worst[2] % 3 == 0)
			syscall(SYS_tgkill, getpid(), runner->tid, SIGUSR1);
		usleep(1000);
	}
	return NULL;
}

FIXTURE(hostile_host) {
	struct vm vms[2];
};

FIXTURE_SETUP(hostile_host)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		vm_init_bare(&self->vms[i], 0);
		vm_add_program(&self->vms[i]);
		/* Stacks go by the number of the vCPU. */
		self->vms[i].nr_vcpus = i * RUNNERS / 2;
	}
	guest_pt_init();
}

FIXTURE_TEARDOWN(hostile_host)
{
}

/* Ten thousand exits of each of four vCPUs in two VMs, two with their MMU on. */
TEST_F_TIMEOUT(hostile_host, registers_survive, 60)
{
	void *(* const pests[])(void *arg) = { fp_clobber, syscall_storm, shove };
	struct sigaction action = { .sa_handler = ignore_signal };
	pthread_t threads[ARRAY_SIZE(pests)];
	unsigned int i;

	if (nr_cpus() < 2)
		SKIP(return, "one CPU: there is nowhere to go");
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	for (i = 0; i < RUNNERS; i++) {
		struct vcpu *vcpu = &runners[i].vcpu;

		vcpu_init(vcpu, &self->vms[i / (RUNNERS / 2)], 0);
		load_init(&loads[i], vcpu, i % 2, 10 + i, EXITS);
	}
	for (i = 0; i < ARRAY_SIZE(pests); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, pests[i], NULL));
	for (i = 0; i < RUNNERS; i++)
		ASSERT_EQ(0, pthread_create(&runners[i].thread, NULL, run_load, &runners[i]));
	for (i = 0; i < RUNNERS; i++) {
		ASSERT_EQ(0, pthread_join(runners[i].thread, NULL));
		runners[i].tid = 0;
		EXPECT_EQ(EXITS, runners[i].exits);
		EXPECT_LT(50, runners[i].moves);
	}
	stop = 1;
	for (i = 0; i < ARRAY_SIZE(pests); i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	/* They were there. */
	EXPECT_LT(10, worst[0]);
	EXPECT_LT(100, worst[1]);
	EXPECT_LT(10, worst[3]);
}

/* ---- FP ---------------------------------------------------------- */

struct world {
	struct vm vm;
	struct vcpu vcpu;
	struct armvcpu_core_regs regs;
};

static void world_init(struct world *w)
{
	vm_init(&w->vm);
	vcpu_init(&w->vcpu, &w->vm, 0);
}

static struct guest_state guest_seen;

static void guest_stores_fp(void)
{
	guest_fp_store(&guest_seen);
	GUEST_SYNC(1);
}

static void check_fp(const struct guest_state *want, const struct guest_state *got)
{
	const char *what;
	u64 a, b;

	what = guest_fp_differ(want, got, &a, &b);
	if (what)
		test_fail("%s is 0x%llx, not 0x%llx", what, b, a);
}

TEST(fp_of_a_new_vcpu_is_zero)
{
	struct guest_state zero, host;
	struct armvcpu_fp_regs regs;
	struct world w;

	memset(&zero, 0, sizeof(zero));
	memset(&guest_seen, 0xff, sizeof(guest_seen));
	world_init(&w);
	vcpu_call_mmu_off(&w.vcpu, guest_stores_fp);
	/* What this thread has in its own. */
	guest_state_fill(&host, 77);
	guest_fp_load(&host);
	vcpu_expect_sync(&w.vcpu, 1);
	check_fp(&zero, &guest_seen);
	ASSERT_EQ(0, xioctl(w.vcpu.fd, ARMVCPU_GET_FP_REGS, &regs));
	EXPECT_EQ(0, memcmp(regs.v, zero.v, sizeof(zero.v)));
}

static struct guest_state guest_want;

static void guest_loads_fp(u64 exits)
{
	u64 i;

	guest_fp_load(&guest_want);
	for (i = 0; i < exits; i++)
		guest_write64(GUEST_MMIO, i);
	GUEST_SYNC(2);
}

/* The thread that runs the guest keeps its own, across RUN itself. */
TEST(fp_of_the_host_survives)
{
	struct guest_state host, got;
	struct world w;
	int i;

	guest_state_fill(&guest_want, 5);
	world_init(&w);
	vcpu_call(&w.vcpu, guest_loads_fp, 200);
	for (i = 0; i < 200; i++) {
		long ret;

		guest_state_fill(&host, 100 + i);
		guest_fp_load(&host);
		ret = syscall(SYS_ioctl, w.vcpu.fd, ARMVCPU_RUN, 0);
		guest_fp_store(&got);
		ASSERT_EQ(0, ret);
		ASSERT_EQ(ARMVCPU_EXIT_MMIO, w.vcpu.run->exit_reason);
		check_fp(&host, &got);
	}
	vcpu_expect_sync(&w.vcpu, 2);
}

TEST(fp_regs_by_the_ioctl)
{
	struct armvcpu_fp_regs regs = { .fpsr = 0 }, back;
	struct guest_state want, got;
	struct world w;

	world_init(&w);
	/* In. */
	guest_state_fill(&want, 8);
	memcpy(regs.v, want.v, sizeof(regs.v));
	regs.fpsr = want.fpsr;
	regs.fpcr = want.fpcr;
	ASSERT_EQ(0, xioctl(w.vcpu.fd, ARMVCPU_SET_FP_REGS, &regs));
	memset(&back, 0xff, sizeof(back));
	ASSERT_EQ(0, xioctl(w.vcpu.fd, ARMVCPU_GET_FP_REGS, &back));
	EXPECT_EQ(0, memcmp(&regs, &back, sizeof(regs)));
	vcpu_call(&w.vcpu, guest_stores_fp);
	vcpu_expect_sync(&w.vcpu, 1);
	check_fp(&want, &guest_seen);
	/* Out. */
	guest_state_fill(&guest_want, 9);
	vcpu_call(&w.vcpu, guest_loads_fp, 0);
	vcpu_expect_sync(&w.vcpu, 2);
	ASSERT_EQ(0, xioctl(w.vcpu.fd, ARMVCPU_GET_FP_REGS, &back));
	memcpy(got.v, back.v, sizeof(got.v));
	got.fpsr = back.fpsr;
	got.fpcr = back.fpcr;
	check_fp(&guest_want, &got);
	EXPECT_EQ(0, back.reserved);
	/* The other way to get them. */
	EXPECT_EQ(guest_want.v[17][1], vcpu_get(&w.vcpu, ARMVCPU_REG_V_HI(17)));
	EXPECT_EQ(guest_want.fpcr, vcpu_get(&w.vcpu, ARMVCPU_REG_FPCR));
}

/* Two vCPUs by turns in one thread, with nothing in between. */
TEST(fp_of_two_vcpus)
{
	struct guest_state states[2];
	struct armvcpu_fp_regs regs;
	struct vcpu vcpus[2];
	struct vm vm;
	int i, round;

	vm_init(&vm);
	for (i = 0; i < 2; i++) {
		vcpu_init(&vcpus[i], &vm, 0);
		guest_state_fill(&guest_want, 20 + i);
		states[i] = guest_want;
		vcpu_call(&vcpus[i], guest_loads_fp, 1000);
		vcpu_expect(&vcpus[i], ARMVCPU_EXIT_MMIO);
	}
	for (round = 0; round < 100; round++) {
		for (i = 0; i < 2; i++)
			vcpu_expect(&vcpus[i], ARMVCPU_EXIT_MMIO);
		i = round % 2;
		ASSERT_EQ(0, xioctl(vcpus[i].fd, ARMVCPU_GET_FP_REGS, &regs));
		ASSERT_EQ(0, memcmp(regs.v, states[i].v, sizeof(regs.v)));
		ASSERT_EQ(states[i].fpcr, regs.fpcr);
	}
}

/* ---- one register ------------------------------------------------ */

FIXTURE(sys) {
	struct world w;
	struct snippet *code;
	u64 found;
	u64 mask;
};

FIXTURE_VARIANT(sys) {
	u32 i;
};

FIXTURE_VARIANT_ADD(sys, sctlr_el1) { .i = SYS_sctlr_el1 };
FIXTURE_VARIANT_ADD(sys, sp_el0) { .i = SYS_sp_el0 };
FIXTURE_VARIANT_ADD(sys, elr_el1) { .i = SYS_elr_el1 };
FIXTURE_VARIANT_ADD(sys, spsr_el1) { .i = SYS_spsr_el1 };
FIXTURE_VARIANT_ADD(sys, ttbr0_el1) { .i = SYS_ttbr0_el1 };
FIXTURE_VARIANT_ADD(sys, ttbr1_el1) { .i = SYS_ttbr1_el1 };
FIXTURE_VARIANT_ADD(sys, tcr_el1) { .i = SYS_tcr_el1 };
FIXTURE_VARIANT_ADD(sys, esr_el1) { .i = SYS_esr_el1 };
FIXTURE_VARIANT_ADD(sys, afsr0_el1) { .i = SYS_afsr0_el1 };
FIXTURE_VARIANT_ADD(sys, afsr1_el1) { .i = SYS_afsr1_el1 };
FIXTURE_VARIANT_ADD(sys, far_el1) { .i = SYS_far_el1 };
FIXTURE_VARIANT_ADD(sys, par_el1) { .i = SYS_par_el1 };
FIXTURE_VARIANT_ADD(sys, mair_el1) { .i = SYS_mair_el1 };
FIXTURE_VARIANT_ADD(sys, amair_el1) { .i = SYS_amair_el1 };
FIXTURE_VARIANT_ADD(sys, vbar_el1) { .i = SYS_vbar_el1 };
FIXTURE_VARIANT_ADD(sys, contextidr_el1) { .i = SYS_contextidr_el1 };
FIXTURE_VARIANT_ADD(sys, tpidr_el0) { .i = SYS_tpidr_el0 };
FIXTURE_VARIANT_ADD(sys, tpidrro_el0) { .i = SYS_tpidrro_el0 };
FIXTURE_VARIANT_ADD(sys, tpidr_el1) { .i = SYS_tpidr_el1 };
FIXTURE_VARIANT_ADD(sys, cntkctl_el1) { .i = SYS_cntkctl_el1 };
FIXTURE_VARIANT_ADD(sys, cntv_cval_el0) { .i = SYS_cntv_cval_el0 };
FIXTURE_VARIANT_ADD(sys, cntv_ctl_el0) { .i = SYS_cntv_ctl_el0 };
FIXTURE_VARIANT_ADD(sys, csselr_el1) { .i = SYS_csselr_el1 };
FIXTURE_VARIANT_ADD(sys, cpacr_el1) { .i = SYS_cpacr_el1 };

static void guest_probe(u64 i)
{
	GUEST_SYNC_ARGS(1, guest_bits(i), 0, 0);
}

FIXTURE_SETUP(sys)
{
	struct vcpu *vcpu = &self->w.vcpu;

	world_init(&self->w);
	self->code = vm_add_memory(&self->w.vm, 0, GUEST_RAM, 0x10000);
	self->mask = sys_regs[variant->i].any;
	if (!self->mask) {
		vcpu_call_mmu_off(vcpu, guest_probe, variant->i);
		vcpu_expect_sync(vcpu, 1);
		self->mask = vcpu_sync_arg(vcpu, 0);
		if (!self->mask)
			SKIP(_exit(255), "this core has no bits in it");
	}
	snippet_prepare(vcpu, VCPU_MMU_OFF);
	self->found = vcpu_get(vcpu, reg_id(variant->i)) & ~self->mask;
}

FIXTURE_TEARDOWN(sys)
{
}

static const u64 patterns[] = { 0, ~0UL, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa };

/* By its id, without the guest. */
TEST_F(sys, set_and_get)
{
	u32 id = reg_id(variant->i), i;

	for (i = 0; i < ARRAY_SIZE(patterns); i++) {
		u64 value = self->found | (patterns[i] & self->mask);

		ASSERT_EQ(0, vcpu_try_set(&self->w.vcpu, id, value));
		EXPECT_EQ(value, vcpu_get(&self->w.vcpu, id));
	}
}

TEST_F(sys, set_and_read_by_the_guest)
{
	struct world *w = &self->w;
	u32 i;

	snippet_make(self->code, insn_mrs(sys_regs[variant->i].sysreg, 5));
	for (i = 0; i < ARRAY_SIZE(patterns); i++) {
		u64 value = patterns[i] & self->mask;

		snippet_start(&w->vcpu, &w->regs, (void *)GUEST_RAM, 0);
		vcpu_set(&w->vcpu, reg_id(variant->i), self->found | value);
		vcpu_expect(&w->vcpu, ARMVCPU_EXIT_MMIO);
		ASSERT_TRUE(snippet_is_stop(&w->vcpu));
		EXPECT_EQ(value, w->vcpu.run->x[5] & self->mask) {
			TH_LOG("0x%llx, not 0x%llx", w->vcpu.run->x[5], value);
		}
		EXPECT_EQ(value, vcpu_get(&w->vcpu, reg_id(variant->i)) & self->mask);
	}
}

TEST_F(sys, written_by_the_guest)
{
	struct world *w = &self->w;
	u32 i;

	snippet_make(self->code, insn_msr(sys_regs[variant->i].sysreg, 5));
	for (i = 0; i < ARRAY_SIZE(patterns); i++) {
		u64 value = patterns[i] & self->mask;

		snippet_start(&w->vcpu, &w->regs, (void *)GUEST_RAM, 0);
		w->vcpu.run->x[5] = self->found | value;
		vcpu_expect(&w->vcpu, ARMVCPU_EXIT_MMIO);
		ASSERT_TRUE(snippet_is_stop(&w->vcpu));
		EXPECT_EQ(value, vcpu_get(&w->vcpu, reg_id(variant->i)) & self->mask);
	}
}

TEST(core_registers_by_id)
{
	struct armvcpu_core_regs regs;
	struct world w;
	u32 i;

	world_init(&w);
	for (i = 0; i < 31; i++)
		vcpu_set(&w.vcpu, ARMVCPU_REG_X(i), 0x1000 + i);
	vcpu_set(&w.vcpu, ARMVCPU_REG_SP_EL0, 0x1031);
	vcpu_set(&w.vcpu, ARMVCPU_REG_SP_EL1, 0x1032);
	vcpu_set(&w.vcpu, ARMVCPU_REG_PC, 0x1034);
	vcpu_set(&w.vcpu, ARMVCPU_REG_PSTATE, PSR_EL1T | PSR_I);
	vcpu_set(&w.vcpu, ARMVCPU_REG_ELR_EL1, 0x1035);
	vcpu_set(&w.vcpu, ARMVCPU_REG_SPSR_EL1, 0x3c4);
	vcpu_get_regs(&w.vcpu, &regs);
	for (i = 0; i < 31; i++) {
		EXPECT_EQ(0x1000 + i, regs.x[i]);
		EXPECT_EQ(0x1000 + i, w.vcpu.run->x[i]);
		EXPECT_EQ(0x1000 + i, vcpu_get(&w.vcpu, ARMVCPU_REG_X(i)));
	}
	EXPECT_EQ(0x1031, regs.sp_el0);
	EXPECT_EQ(0x1032, regs.sp_el1);
	EXPECT_EQ(0x1034, regs.pc);
	EXPECT_EQ(PSR_EL1T | PSR_I, regs.pstate);
	EXPECT_EQ(0x1031, vcpu_get(&w.vcpu, ARMVCPU_REG_SP_EL0));
	EXPECT_EQ(0x1032, vcpu_get(&w.vcpu, ARMVCPU_REG_SP_EL1));
	EXPECT_EQ(0x1034, vcpu_get(&w.vcpu, ARMVCPU_REG_PC));
	EXPECT_EQ(PSR_EL1T | PSR_I, vcpu_get(&w.vcpu, ARMVCPU_REG_PSTATE));
	EXPECT_EQ(0x1035, vcpu_get(&w.vcpu, ARMVCPU_REG_ELR_EL1));
	EXPECT_EQ(0x3c4, vcpu_get(&w.vcpu, ARMVCPU_REG_SPSR_EL1));
}

TEST(fp_registers_by_id)
{
	struct armvcpu_fp_regs regs;
	struct world w;
	u32 i;

	world_init(&w);
	for (i = 0; i < 32; i++) {
		vcpu_set(&w.vcpu, ARMVCPU_REG_V_LO(i), 0x2000 + i);
		vcpu_set(&w.vcpu, ARMVCPU_REG_V_HI(i), 0x3000 + i);
	}
	vcpu_set(&w.vcpu, ARMVCPU_REG_FPSR, 0x9f);
	vcpu_set(&w.vcpu, ARMVCPU_REG_FPCR, 0x3000000);
	ASSERT_EQ(0, xioctl(w.vcpu.fd, ARMVCPU_GET_FP_REGS, &regs));
	for (i = 0; i < 32; i++) {
		EXPECT_EQ(0x2000 + i, regs.v[i][0]);
		EXPECT_EQ(0x3000 + i, regs.v[i][1]);
		EXPECT_EQ(0x2000 + i, vcpu_get(&w.vcpu, ARMVCPU_REG_V_LO(i)));
		EXPECT_EQ(0x3000 + i, vcpu_get(&w.vcpu, ARMVCPU_REG_V_HI(i)));
	}
	EXPECT_EQ(0x9f, regs.fpsr);
	EXPECT_EQ(0x3000000, regs.fpcr);
}

/* Whatever a guest has made of them: it can be saved, and set again. */
TEST(fp_control_as_the_guest_sets_it)
{
	static const struct {
		u32 sysreg;
		u32 id;
	} rows[] = {
		{ ARMVCPU_SYSREG(3, 3, 4, 4, 0), ARMVCPU_REG_FPCR },
		{ ARMVCPU_SYSREG(3, 3, 4, 4, 1), ARMVCPU_REG_FPSR },
	};
	struct snippet *code;
	unsigned int i, k;
	struct world w;
	u64 value;

	world_init(&w);
	code = vm_add_memory(&w.vm, 0, GUEST_RAM, 0x10000);
	snippet_prepare(&w.vcpu, VCPU_MMU_OFF);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (k = 0; k < 64; k++) {
			snippet_make(code, insn_msr(rows[i].sysreg, 5));
			snippet_start(&w.vcpu, &w.regs, (void *)GUEST_RAM, 0);
			w.vcpu.run->x[5] = k < 63 ? BIT(k) : ~0UL;
			vcpu_expect(&w.vcpu, ARMVCPU_EXIT_MMIO);
			ASSERT_TRUE(snippet_is_stop(&w.vcpu));
			value = vcpu_get(&w.vcpu, rows[i].id);
			EXPECT_EQ(0, vcpu_try_set(&w.vcpu, rows[i].id, value)) {
				TH_LOG("register 0x%x, 0x%llx", rows[i].id, value);
			}
			EXPECT_EQ(value, vcpu_get(&w.vcpu, rows[i].id));
		}
		/* The bits that every core has. */
		EXPECT_EQ(i ? 0x8000000 : 0x7c00000, value & (i ? 0x8000000 : 0x7c00000));
	}
}

/* ---- the list ---------------------------------------------------- */

/* What has a test: those above by name or number, some in sysreg.c and idregs.c. */
static bool is_tested(u32 id)
{
	u32 n = id & ~ARMVCPU_REG_CLASS_MASK, i;

	switch (id & ARMVCPU_REG_CLASS_MASK) {
	case ARMVCPU_REG_CLASS_CORE:
		return n < 37;
	case ARMVCPU_REG_CLASS_FP:
		return n < 66;
	case ARMVCPU_REG_CLASS_TIMER:
		/* The other one in timer.c. */
		return id == ARMVCPU_REG_CNTVOFF || id == ARMVCPU_REG_STOLEN_TIME;
	case ARMVCPU_REG_CLASS_SYS:
		break;
	default:
		return false;
	}
	for (i = 0; i < NR_SYS; i++) {
		if (id == reg_id(i))
			return true;
	}
	switch (n) {
	case ARMVCPU_SYSREG(2, 0, 0, 2, 2):	/* MDSCR_EL1 */
	case ARMVCPU_SYSREG(2, 0, 1, 1, 4):	/* OSLSR_EL1 */
	case ARMVCPU_SYSREG(3, 0, 0, 0, 0):	/* MIDR_EL1 */
	case ARMVCPU_SYSREG(3, 0, 0, 0, 5):	/* MPIDR_EL1 */
	case ARMVCPU_SYSREG(3, 0, 0, 0, 6):	/* REVIDR_EL1 */
	case ARMVCPU_SYSREG(3, 1, 0, 0, 7):	/* AIDR_EL1 */
	case ARMVCPU_SYSREG(3, 3, 0, 0, 1):	/* CTR_EL0 */
	case ARMVCPU_SYSREG(3, 3, 14, 2, 1):	/* CNTP_CTL_EL0, in timer.c */
	case ARMVCPU_SYSREG(3, 3, 14, 2, 2):	/* CNTP_CVAL_EL0 */
		return true;
	}
	/* Keys of pointer authentication (pauth.c). */
	if (n >= ARMVCPU_SYSREG(3, 0, 2, 1, 0) && n <= ARMVCPU_SYSREG(3, 0, 2, 3, 1))
		return true;
	/* Breakpoints and watchpoints (debug.c), OSDLR_EL1. */
	if (n >= ARMVCPU_SYSREG(2, 0, 0, 0, 0) && n <= ARMVCPU_SYSREG(2, 0, 0, 15, 7))
		return (n & 7) >= 4;
	if (n == ARMVCPU_SYSREG(2, 0, 1, 3, 4))
		return true;
	/* The ID registers. */
	return n >= ARMVCPU_SYSREG(3, 0, 0, 1, 0) && n <= ARMVCPU_SYSREG(3, 0, 0, 7, 7);
}

TEST(the_list_is_complete)
{
	const struct __fixture_variant_metadata *variant;
	u32 *ids, count, i, j;
	struct world w;

	/* Those of the table have their tests. */
	for (variant = _sys_fixture_object.variant, i = 0; variant; variant = variant->next)
		i++;
	ASSERT_EQ(NR_SYS, i);
	world_init(&w);
	ids = vcpu_reg_list(&w.vcpu, &count);
	for (i = 0; i < count; i++) {
		u64 value = vcpu_get(&w.vcpu, ids[i]);

		for (j = 0; j < i; j++)
			ASSERT_NE(ids[i], ids[j]);
		EXPECT_TRUE(is_tested(ids[i])) {
			TH_LOG("register 0x%x is on the list, and has no test", ids[i]);
		}
		/* What it holds it can be set to. */
		EXPECT_EQ(0, vcpu_try_set(&w.vcpu, ids[i], value)) {
			TH_LOG("register 0x%x", ids[i]);
		}
		EXPECT_EQ(value, vcpu_get(&w.vcpu, ids[i]));
	}
	for (i = 0; i < NR_SYS + 37 + 66 + 1; i++) {
		u32 id = i < NR_SYS ? reg_id(i) :
			 i < NR_SYS + 37 ? ARMVCPU_REG_CLASS_CORE | (i - NR_SYS) :
			 i < NR_SYS + 37 + 66 ? ARMVCPU_REG_CLASS_FP | (i - NR_SYS - 37) :
			 ARMVCPU_REG_CNTVOFF;

		for (j = 0; j < count && ids[j] != id; j++)
			;
		EXPECT_LT(j, count) {
			TH_LOG("register 0x%x is not on the list", id);
		}
	}
}

TEST(a_new_vcpu_is_as_after_a_reset)
{
	struct armvcpu_core_regs regs;
	struct world w;
	u32 i;

	world_init(&w);
	vcpu_get_regs(&w.vcpu, &regs);
	for (i = 0; i < 31; i++)
		EXPECT_EQ(0, regs.x[i] | w.vcpu.run->x[i]);
	EXPECT_EQ(PSTATE_RESET, regs.pstate);
	EXPECT_EQ(0, vcpu_get(&w.vcpu, ARMVCPU_REG_SYS(3, 0, 1, 0, 0)) &
		     (GUEST_SCTLR_M | GUEST_SCTLR_C | GUEST_SCTLR_I | GUEST_SCTLR_EE));
	EXPECT_EQ(0, vcpu_get(&w.vcpu, reg_id(SYS_cntv_ctl_el0)) & 1);
	for (i = 0; i < 32; i++)
		EXPECT_EQ(0, vcpu_get(&w.vcpu, ARMVCPU_REG_V_LO(i)) |
			     vcpu_get(&w.vcpu, ARMVCPU_REG_V_HI(i)));
	EXPECT_EQ(ARMVCPU_EXIT_NONE, w.vcpu.run->exit_reason);
	EXPECT_EQ(0, w.vcpu.run->immediate_exit | w.vcpu.run->action);
}

/* The same vCPU elsewhere: in another VM of the same memory. */
FIXTURE(restore) {
	struct world w;
};

FIXTURE_VARIANT(restore) {
	bool backwards;
	bool mmu;
};

FIXTURE_VARIANT_ADD(restore, mmu_on) { .mmu = true };
FIXTURE_VARIANT_ADD(restore, mmu_off) { .mmu = false };
FIXTURE_VARIANT_ADD(restore, backwards) { .mmu = true, .backwards = true };

FIXTURE_SETUP(restore)
{
	world_init(&self->w);
}

FIXTURE_TEARDOWN(restore)
{
}

TEST_F(restore, goes_on)
{
	struct armvcpu_core_regs old, new;
	struct vcpu *vcpu = &self->w.vcpu;
	struct world w;
	u32 *ids, count, i;
	u64 values[512], moves = 0;

	load_init(&loads[0], vcpu, variant->mmu, 31, 24);
	/* Half-way through, whatever becomes of WFI. */
	for (i = 0; i < 10; i += vcpu->run->exit_reason != ARMVCPU_EXIT_WFX) {
		ASSERT_EQ(0, vcpu_run_exit(vcpu));
		if (vcpu->run->exit_reason == ARMVCPU_EXIT_HYPERCALL)
			vcpu->run->x[0] = vcpu->run->u.call.nr;
		if (vcpu->run->exit_reason == ARMVCPU_EXIT_MMIO && !vcpu->run->u.mmio.is_write)
			vcpu->run->u.mmio.data = vcpu->run->x[7];
		if (vcpu->run->exit_reason == ARMVCPU_EXIT_SYSREG)
			vcpu->run->u.sysreg.data = vcpu->run->x[7];
	}
	/* The last exit is completed, and no more. */
	vcpu->run->immediate_exit = 1;
	ASSERT_EQ(-EINTR, vcpu_run(vcpu));

	vm_init_bare(&w.vm, 0);
	vm_add_program(&w.vm);
	vcpu_init(&w.vcpu, &w.vm, 0);
	ids = vcpu_reg_list(vcpu, &count);
	ASSERT_LT(count, ARRAY_SIZE(values));
	for (i = 0; i < count; i++)
		values[i] = vcpu_get(vcpu, ids[i]);
	for (i = 0; i < count; i++) {
		u32 k = variant->backwards ? count - 1 - i : i;

		ASSERT_EQ(0, vcpu_try_set(&w.vcpu, ids[k], values[k])) {
			TH_LOG("register 0x%x", ids[k]);
		}
	}
	for (i = 0; i < count; i++) {
		EXPECT_EQ(values[i], vcpu_get(&w.vcpu, ids[i])) {
			TH_LOG("register 0x%x", ids[i]);
		}
	}
	vcpu_get_regs(vcpu, &old);
	vcpu_get_regs(&w.vcpu, &new);
	EXPECT_EQ(0, memcmp(&old, &new, sizeof(new)));
	/* The guest goes on where it was, and finds everything as it was. */
	EXPECT_EQ(10 + 3, serve(&w.vcpu, 18, &moves));
}

/* ---- the virtual counter ----------------------------------------- */

static void guest_counts(void)
{
	for (;;) {
		isb();
		GUEST_SYNC_ARGS(1, read_sysreg(cntvct_el0), 0, 0);
	}
}

static u64 host_counter(void)
{
	isb();
	return read_sysreg(cntvct_el0);
}

static void check_counter(struct vcpu *vcpu, u64 offset)
{
	u64 before = host_counter(), guest, after;

	vcpu_expect_sync(vcpu, 1);
	after = host_counter();
	guest = vcpu_sync_arg(vcpu, 0) + offset;
	if (guest - before > after - before)
		test_fail("the guest's counter 0x%llx is not between 0x%llx and 0x%llx",
			  guest, before, after);
}

TEST(cntvoff_is_the_vms)
{
	struct vcpu second, other;
	struct world w;
	struct vm vm;
	u64 offset;

	world_init(&w);
	vcpu_init(&second, &w.vm, 0);
	vm_init_bare(&vm, 0);
	vm_add_program(&vm);
	vm.nr_vcpus = 2;
	vcpu_init(&other, &vm, 0);
	vcpu_call(&w.vcpu, guest_counts);
	vcpu_call(&second, guest_counts);
	vcpu_call(&other, guest_counts);

	offset = vcpu_get(&w.vcpu, ARMVCPU_REG_CNTVOFF);
	EXPECT_EQ(offset, vcpu_get(&second, ARMVCPU_REG_CNTVOFF));
	check_counter(&w.vcpu, offset);
	check_counter(&second, offset);
	/* Set on one it is set for all of the VM, and for no other. */
	vcpu_set(&second, ARMVCPU_REG_CNTVOFF, 0x123456789abc);
	EXPECT_EQ(0x123456789abc, vcpu_get(&w.vcpu, ARMVCPU_REG_CNTVOFF));
	check_counter(&w.vcpu, 0x123456789abc);
	check_counter(&second, 0x123456789abc);
	vcpu_set(&w.vcpu, ARMVCPU_REG_CNTVOFF, 0);
	check_counter(&second, 0);
	check_counter(&other, vcpu_get(&other, ARMVCPU_REG_CNTVOFF));
}

static u64 counted;
static bool enough;

static void guest_counts_on(void)
{
	while (!__atomic_load_n(&enough, __ATOMIC_RELAXED)) {
		isb();
		__atomic_store_n(&counted, read_sysreg(cntvct_el0), __ATOMIC_RELAXED);
	}
	GUEST_SYNC(1);
}

static void *count_on(void *arg)
{
	vcpu_expect_sync(arg, 1);
	return NULL;
}

/* Also for a vCPU that is in RUN, and comes out of it for nobody. */
TEST(cntvoff_reaches_a_vcpu_that_runs)
{
	u64 end, offset, last;
	struct vcpu second;
	struct world w;
	pthread_t thread;
	int i;

	world_init(&w);
	vcpu_init(&second, &w.vm, 0);
	vcpu_call(&w.vcpu, guest_counts_on);
	ASSERT_EQ(0, pthread_create(&thread, NULL, count_on, &w.vcpu));
	for (i = 0; i < 3; i++) {
		/* The offset goes back, the counter ahead: by days. */
		offset = host_counter() - ((i + 1UL) << 44);
		vcpu_set(&second, ARMVCPU_REG_CNTVOFF, offset);
		end = now_ns() + 20 * 1000 * NSEC_PER_MSEC;
		do {
			usleep(1000);
			last = __atomic_load_n(&counted, __ATOMIC_RELAXED);
		} while (last >> 44 != i + 1UL && now_ns() < end);
		EXPECT_EQ(i + 1UL, last >> 44);
	}
	__atomic_store_n(&enough, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

/* The host's own counter and timer go on, whatever a guest did to its own. */
TEST(the_hosts_time_goes_on)
{
	u64 before = host_counter(), start = now_ns();
	struct world w;

	world_init(&w);
	vcpu_set(&w.vcpu, ARMVCPU_REG_CNTVOFF, 1UL << 50);
	vcpu_call(&w.vcpu, guest_counts);
	vcpu_expect_sync(&w.vcpu, 1);
	usleep(10000);
	EXPECT_LT(before, host_counter());
	EXPECT_GT(1UL << 49, host_counter() - before);
	EXPECT_LT(10 * NSEC_PER_MSEC, now_ns() - start);
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
