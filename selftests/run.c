// SPDX-License-Identifier: GPL-2.0
/*
 * ARMVCPU_RUN: signals and immediate_exit, two threads, power, actions that do
 * not fit, other processes, and callers of 32 bits.
 */
#include "harness.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "host/module.h"
#include "snippet.h"
#include "system.h"

SNIPPET(insn_ldr, "ldr x5, [x1]");
SNIPPET(insn_ldp, "ldp x5, x6, [x1]");
SNIPPET(insn_mdccint, "mrs x5, mdccint_el1");
SNIPPET(insn_hvc, "hvc #0");
SNIPPET(insn_smc, "smc #0");
SNIPPET(insn_wfi, "wfi");
SNIPPET(insn_brk, "brk #0");

struct world {
	struct vm vm;
	struct vcpu vcpu;
	struct armvcpu_core_regs regs;
};

static void world_init(struct world *w)
{
	vm_init(&w->vm);
	vcpu_init(&w->vcpu, &w->vm, ARMVCPU_VCPU_DEBUG_EXITS);
}

static void world_start(struct world *w, const struct snippet *code)
{
	snippet_prepare(&w->vcpu, VCPU_MMU_ON);
	snippet_start(&w->vcpu, &w->regs, code, SNIPPET_ADDRESS);
}

static void guest_spin(void)
{
	u64 i = 0;

	GUEST_SYNC(1);
	for (;;)
		asm volatile("add %0, %0, #1" : "+r"(i));
}

static atomic_int signals;

static void count_signal(int sig)
{
	(void)sig;
	signals++;
}

static void catch_usr1(void)
{
	struct sigaction action = { .sa_handler = count_signal };

	test_check(!sigaction(SIGUSR1, &action, NULL));
}

/* ---- immediate_exit ---------------------------------------------- */

TEST(immediate_exit)
{
	struct armvcpu_run *run;
	struct world w;
	int i;

	world_init(&w);
	world_start(&w, &insn_ldr);
	run = w.vcpu.run;
	run->immediate_exit = 1;
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EINTR, vcpu_run(&w.vcpu));
		EXPECT_EQ(ARMVCPU_EXIT_INTR, run->exit_reason);
		EXPECT_EQ(0, run->esr);
		snippet_check_regs(&w.vcpu, &w.regs);
	}
	/* It is the VMM's to clear. */
	EXPECT_EQ(1, run->immediate_exit);
	run->immediate_exit = 0xff;
	EXPECT_EQ(-EINTR, vcpu_run(&w.vcpu));
	run->immediate_exit = 0;
	vcpu_expect(&w.vcpu, ARMVCPU_EXIT_MMIO);
}

/* The way to have an exit completed and no more: to save a vCPU's state. */
TEST(immediate_exit_completes_the_last_exit)
{
	struct armvcpu_run *run;
	struct world w;

	world_init(&w);
	world_start(&w, &insn_ldr);
	run = w.vcpu.run;
	vcpu_expect(&w.vcpu, ARMVCPU_EXIT_MMIO);
	run->u.mmio.data = 0x4711;
	run->immediate_exit = 1;
	EXPECT_EQ(-EINTR, vcpu_run(&w.vcpu));
	w.regs.x[5] = 0x4711;
	w.regs.pc += 4;
	snippet_check_regs(&w.vcpu, &w.regs);
	/* Once, not twice. */
	run->u.mmio.data = 0xbad;
	EXPECT_EQ(-EINTR, vcpu_run(&w.vcpu));
	snippet_check_regs(&w.vcpu, &w.regs);
	run->immediate_exit = 0;
	w.regs.pc -= 4;
	snippet_expect_stop(&w.vcpu, &w.regs);
}

TEST(immediate_exit_before_the_first_instruction)
{
	struct armvcpu_core_regs regs;
	struct world w;

	world_init(&w);
	w.vcpu.run->immediate_exit = 1;
	EXPECT_EQ(-EINTR, vcpu_run(&w.vcpu));
	vcpu_get_regs(&w.vcpu, &regs);
	EXPECT_EQ(0, regs.pc);
	EXPECT_EQ(PSTATE_RESET, regs.pstate);
}

/* ---- signals ----------------------------------------------------- */

/**
 * struct shooter - a thread that signals another
 * @thread: the thread.
 * @target: the other one.
 * @count: how many signals, each a little later than the last, and no two at
 *	a time: they would be one.
 */
struct shooter {
	pthread_t thread, target;
	int count;
};

static void *shoot(void *arg)
{
	struct shooter *s = arg;
	int i;

	for (i = 0; i < s->count; i++) {
		usleep(1000 + i * 37);
		test_check(!pthread_kill(s->target, SIGUSR1));
		while (signals <= i)
			usleep(100);
	}
	return NULL;
}

static void shooter_start(struct shooter *s, int count)
{
	s->target = pthread_self();
	s->count = count;
	test_check(!pthread_create(&s->thread, NULL, shoot, s));
}

TEST(signals_interrupt_a_guest_that_spins)
{
	u64 last = 0, low = (u64)guest_spin;
	struct armvcpu_core_regs regs;
	struct shooter shooter;
	struct world w;
	int returns = 0;

	catch_usr1();
	world_init(&w);
	vcpu_call(&w.vcpu, guest_spin);
	vcpu_expect_sync(&w.vcpu, 1);
	shooter_start(&shooter, 50);
	while (signals < 50) {
		int before = signals;

		ASSERT_EQ(-EINTR, vcpu_run(&w.vcpu));
		returns++;
		EXPECT_EQ(ARMVCPU_EXIT_INTR, w.vcpu.run->exit_reason);
		/* Whatever it is that interrupts: it is rare without a signal. */
		if (signals == before)
			ASSERT_GT(1000, returns);
		vcpu_get_regs(&w.vcpu, &regs);
		ASSERT_TRUE(regs.pc > low && regs.pc < low + 256) {
			TH_LOG("pc 0x%llx", regs.pc);
		}
		EXPECT_EQ(regs.pc, w.vcpu.run->pc);
	}
	EXPECT_EQ(0, pthread_join(shooter.thread, NULL));
	/* It has been counting all the while: one of its registers grows. */
	vcpu_get_regs(&w.vcpu, &regs);
	for (low = 0; low < 16; low++)
		last = regs.x[low] > last && regs.x[low] < 1UL << 40 ? regs.x[low] : last;
	EXPECT_LT(1000, last);
}

/* Between an exit and its completion. */
TEST(signals_do_not_lose_a_completion)
{
	struct shooter shooter;
	struct world w;
	u64 i;

	catch_usr1();
	world_init(&w);
	snippet_prepare(&w.vcpu, VCPU_MMU_ON);
	shooter_start(&shooter, 100);
	for (i = 0; signals < 100; i++) {
		snippet_start(&w.vcpu, &w.regs, &insn_ldr, SNIPPET_ADDRESS);
		ASSERT_EQ(0, vcpu_run_exit(&w.vcpu));
		ASSERT_EQ(ARMVCPU_EXIT_MMIO, w.vcpu.run->exit_reason);
		ASSERT_EQ(SNIPPET_ADDRESS, w.vcpu.run->u.mmio.ipa);
		w.vcpu.run->u.mmio.data = i;
		w.regs.x[5] = i;
		snippet_expect_stop(&w.vcpu, &w.regs);
	}
	EXPECT_EQ(0, pthread_join(shooter.thread, NULL));
}

/* What is blocked does not interrupt. */
TEST(a_blocked_signal_waits)
{
	struct world w;
	sigset_t set;

	catch_usr1();
	world_init(&w);
	world_start(&w, &insn_ldr);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	ASSERT_EQ(0, pthread_sigmask(SIG_BLOCK, &set, NULL));
	ASSERT_EQ(0, raise(SIGUSR1));
	vcpu_expect(&w.vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(0, signals);
}

/* An exception vector that faults on itself, for ever: only the guest hangs. */
static void guest_vectors_nowhere(void)
{
	write_sysreg(0x7ff00000, vbar_el1);
	isb();
	GUEST_SYNC(1);
	asm volatile(".inst 0");
}

TEST(signals_interrupt_a_loop_of_exceptions)
{
	struct shooter shooter;
	struct world w;

	catch_usr1();
	world_init(&w);
	vcpu_call(&w.vcpu, guest_vectors_nowhere);
	vcpu_expect_sync(&w.vcpu, 1);
	shooter_start(&shooter, 5);
	while (signals < 5)
		ASSERT_EQ(-EINTR, vcpu_run(&w.vcpu));
	EXPECT_EQ(0, pthread_join(shooter.thread, NULL));
}

/* The host's own interrupts are not the VMM's business. */
static void guest_computes(u64 count)
{
	u64 i, x = 1;

	for (i = 0; i < count; i++)
		x = x * 6364136223846793005UL + 1442695040888963407UL;
	GUEST_SYNC_ARGS(1, x, 0, 0);
}

TEST(interrupts_of_the_host_are_invisible)
{
	u64 i, x = 1, count = 20000000, start = now_ns(), elapsed, interrupted = 0;
	int ret;
	struct world w;

	world_init(&w);
	vcpu_call(&w.vcpu, guest_computes, count);
	/* Several ticks of the host go by. */
	while ((ret = vcpu_run(&w.vcpu)) == -EINTR)
		interrupted++;
	ASSERT_EQ(0, ret);
	ASSERT_TRUE(vcpu_is_ucall(&w.vcpu));
	elapsed = now_ns() - start;
	EXPECT_LT(10 * NSEC_PER_MSEC, elapsed);
	/* Neither a tick nor the kernel's own work for the thread is the VMM's. */
	EXPECT_EQ(0, interrupted);
	for (i = 0; i < count; i++)
		x = x * 6364136223846793005UL + 1442695040888963407UL;
	EXPECT_EQ(x, vcpu_sync_arg(&w.vcpu, 0));
}

/* ---- threads ----------------------------------------------------- */

/* Whoever asks for a register at the same moment makes the vCPU busy, too. */
static void *run_until_signal(void *arg)
{
	struct vcpu *vcpu = arg;
	long ret;

	do {
		ret = vcpu_run(vcpu);
	} while (!signals && (ret == -EBUSY || ret == -EINTR));
	return (void *)ret;
}

TEST(a_vcpu_that_runs_is_busy)
{
	struct armvcpu_power power = { .state = ARMVCPU_POWER_OFF };
	struct armvcpu_fp_regs fp = { .fpsr = 0 };
	struct armvcpu_reg_list list = { .count = 0 };
	struct armvcpu_core_regs regs;
	pthread_t thread;
	struct world w;
	void *ret;
	u64 value;

	catch_usr1();
	world_init(&w);
	vcpu_call(&w.vcpu, guest_spin);
	vcpu_expect_sync(&w.vcpu, 1);
	vcpu_get_regs(&w.vcpu, &regs);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_until_signal, &w.vcpu));
	while (vcpu_try_get(&w.vcpu, ARMVCPU_REG_PC, &value) != -EBUSY)
		usleep(100);
	EXPECT_EQ(-EBUSY, vcpu_run(&w.vcpu));
	EXPECT_EQ(-EBUSY, xioctl(w.vcpu.fd, ARMVCPU_GET_CORE_REGS, &regs));
	EXPECT_EQ(-EBUSY, xioctl(w.vcpu.fd, ARMVCPU_SET_CORE_REGS, &regs));
	EXPECT_EQ(-EBUSY, xioctl(w.vcpu.fd, ARMVCPU_GET_FP_REGS, &fp));
	EXPECT_EQ(-EBUSY, xioctl(w.vcpu.fd, ARMVCPU_SET_FP_REGS, &fp));
	EXPECT_EQ(-EBUSY, vcpu_try_set(&w.vcpu, ARMVCPU_REG_X(1), 0));
	EXPECT_EQ(-EBUSY, vcpu_inject(&w.vcpu, ARMVCPU_INJECT_UNDEF, 0));
	EXPECT_EQ(-EBUSY, vcpu_inject(&w.vcpu, ARMVCPU_INJECT_SERROR, 0));
	EXPECT_EQ(-EBUSY, xioctl(w.vcpu.fd, ARMVCPU_SET_POWER, &power));
	/* These work at any time. */
	EXPECT_EQ(0, vcpu_line(&w.vcpu, ARMVCPU_LINE_IRQ, 1));
	EXPECT_EQ(0, vcpu_line(&w.vcpu, ARMVCPU_LINE_IRQ, 0));
	EXPECT_EQ(ARMVCPU_POWER_ON, vcpu_power(&w.vcpu));
	/* The list is the same for all vCPUs: busy or not, it is not wrong. */
	value = -xioctl(w.vcpu.fd, ARMVCPU_GET_REG_LIST, &list);
	EXPECT_TRUE(value == EBUSY || value == E2BIG);
	ASSERT_EQ(0, pthread_kill(thread, SIGUSR1));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(-EINTR, (long)ret);
	vcpu_get_regs(&w.vcpu, &regs);
}

/* A vCPU belongs to no thread: each RUN may come from another one. */
static void *run_once(void *arg)
{
	struct vcpu *vcpu = arg;

	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	return NULL;
}

static void guest_writes(void)
{
	u64 i;

	for (i = 0; ; i++)
		guest_write64(GUEST_MMIO, i);
}

TEST(each_run_from_another_thread)
{
	struct world w;
	u64 i;

	world_init(&w);
	vcpu_call(&w.vcpu, guest_writes);
	for (i = 0; i < 50; i++) {
		pthread_t thread;

		ASSERT_EQ(0, pthread_create(&thread, NULL, run_once, &w.vcpu));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(i, w.vcpu.run->u.mmio.data);
	}
}

/* ---- power ------------------------------------------------------- */

TEST(a_vcpu_that_is_off_does_not_run)
{
	struct armvcpu_power power = { .state = ARMVCPU_POWER_ON };
	struct vcpu vcpu;
	struct vm vm;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, ARMVCPU_VCPU_POWERED_OFF);
	vcpu_call(&vcpu, guest_spin);
	EXPECT_EQ(ARMVCPU_POWER_OFF, vcpu_power(&vcpu));
	EXPECT_EQ(-EAGAIN, vcpu_run(&vcpu));
	EXPECT_EQ(ARMVCPU_EXIT_NONE, vcpu.run->exit_reason);
	ASSERT_EQ(0, xioctl(vcpu.fd, ARMVCPU_SET_POWER, &power));
	vcpu_expect_sync(&vcpu, 1);
	power.state = ARMVCPU_POWER_OFF;
	ASSERT_EQ(0, xioctl(vcpu.fd, ARMVCPU_SET_POWER, &power));
	EXPECT_EQ(-EAGAIN, vcpu_run(&vcpu));
}

/* ---- no memory --------------------------------------------------- */

/* Fault injection of the host's kernel, where it has that. */
#define FAULTS		"/sys/kernel/debug/fail_page_alloc/"
#define STARVE		"/proc/self/make-it-fail"

static bool can_starve(void)
{
	if (!access(FAULTS "probability", W_OK) && !access(STARVE, W_OK))
		return true;
	system_may_lack("CONFIG_FAULT_INJECTION, FAIL_PAGE_ALLOC");
	return false;
}

static void set_fault(const char *file, const char *value)
{
	char path[128];
	int ret;

	snprintf(path, sizeof(path), FAULTS "%s", file);
	ret = write_file(path, value);
	if (ret)
		test_fail("%s: %s", path, strerror(-ret));
}

/* A vCPU in a load from memory for which the module gets no table. */
static void world_starve(struct world *w)
{
	u64 *mem = vm_add_memory(&w->vm, 0, GUEST_RAM, 0x10000);
	int fd = open(STARVE, O_WRONLY | O_CLOEXEC), ret;

	*mem = 0x4711;
	snippet_prepare(&w->vcpu, VCPU_MMU_ON);
	/* A load elsewhere needs tables, and takes those that the vCPU has in reserve. */
	vm_add_memory(&w->vm, 1, GUEST_RAM + 0x10000000, 0x10000);
	snippet_start(&w->vcpu, &w->regs, &insn_ldr, GUEST_RAM + 0x10000000);
	test_check(!vcpu_run(&w->vcpu) && snippet_is_stop(&w->vcpu));
	snippet_start(&w->vcpu, &w->regs, &insn_ldr, GUEST_RAM);
	set_fault("task-filter", "Y");
	set_fault("ignore-gfp-wait", "N");
	set_fault("min-order", "0");
	set_fault("verbose", "0");
	set_fault("times", "-1");
	set_fault("probability", "100");
	test_check(write(fd, "1", 1) == 1);
	ret = vcpu_run(&w->vcpu);
	test_check(write(fd, "0", 1) == 1);
	close(fd);
	set_fault("probability", "0");
	if (ret || w->vcpu.run->exit_reason != ARMVCPU_EXIT_FAIL) {
		vcpu_print_exit(&w->vcpu);
		test_fail("RUN without memory is %d", ret);
	}
}

FIXTURE(no_memory) {
	struct world w;
};

FIXTURE_VARIANT(no_memory) {
	u8 action;
};

FIXTURE_VARIANT_ADD(no_memory, complete) { .action = ARMVCPU_ACTION_COMPLETE };
FIXTURE_VARIANT_ADD(no_memory, retry) { .action = ARMVCPU_ACTION_RETRY };
FIXTURE_VARIANT_ADD(no_memory, undef) { .action = ARMVCPU_ACTION_UNDEF };

FIXTURE_SETUP(no_memory)
{
	if (!can_starve())
		SKIP(_exit(255), "the host's kernel does not inject faults");
	world_init(&self->w);
	world_starve(&self->w);
}

FIXTURE_TEARDOWN(no_memory)
{
}

TEST_F(no_memory, is_an_exit)
{
	struct armvcpu_run *run = self->w.vcpu.run;
	u64 esr;

	EXPECT_EQ(ARMVCPU_FAIL_MEMORY, run->u.fail.reason);
	EXPECT_EQ(ENOMEM, run->u.fail.err);
	EXPECT_EQ(EC_DABT_LOW, ESR_EC(run->esr));
	EXPECT_EQ(GUEST_RAM, run->far);
	EXPECT_EQ(GUEST_RAM >> 12 << 4, run->hpfar);
	snippet_check_regs(&self->w.vcpu, &self->w.regs);
	run->action = variant->action;
	if (variant->action == ARMVCPU_ACTION_UNDEF) {
		ASSERT_EQ(0, vcpu_run(&self->w.vcpu));
		ASSERT_TRUE(snippet_is_exception(&self->w.vcpu, &esr));
		EXPECT_EQ(EC_UNKNOWN, ESR_EC(esr));
		EXPECT_EQ(self->w.regs.pc, run->x[3]);
		return;
	}
	/* Both execute the instruction again. */
	self->w.regs.x[5] = 0x4711;
	snippet_expect_stop(&self->w.vcpu, &self->w.regs);
}

/* ---- actions ----------------------------------------------------- */

#define ALLOW(action) BIT(ARMVCPU_ACTION_##action)

FIXTURE(action) {
	struct world w;
};

FIXTURE_VARIANT(action) {
	const struct snippet *code;
	u32 reason;
	u32 allowed;
};

FIXTURE_VARIANT_ADD(action, mmio) {
	.code = &insn_ldr, .reason = ARMVCPU_EXIT_MMIO,
	.allowed = ALLOW(COMPLETE) | ALLOW(RETRY) | ALLOW(ABORT),
};

FIXTURE_VARIANT_ADD(action, abort) {
	.code = &insn_ldp, .reason = ARMVCPU_EXIT_ABORT,
	.allowed = ALLOW(COMPLETE) | ALLOW(RETRY) | ALLOW(ABORT),
};

FIXTURE_VARIANT_ADD(action, sysreg) {
	.code = &insn_mdccint, .reason = ARMVCPU_EXIT_SYSREG,
	.allowed = ALLOW(COMPLETE) | ALLOW(RETRY) | ALLOW(UNDEF),
};

FIXTURE_VARIANT_ADD(action, hypercall) {
	.code = &insn_hvc, .reason = ARMVCPU_EXIT_HYPERCALL, .allowed = ALLOW(COMPLETE),
};

FIXTURE_VARIANT_ADD(action, psci) {
	.code = &insn_smc, .reason = ARMVCPU_EXIT_PSCI, .allowed = ALLOW(COMPLETE),
};

FIXTURE_VARIANT_ADD(action, wfx) {
	.code = &insn_wfi, .reason = ARMVCPU_EXIT_WFX, .allowed = ALLOW(COMPLETE) | ALLOW(RETRY),
};

FIXTURE_VARIANT_ADD(action, debug) {
	.code = &insn_brk, .reason = ARMVCPU_EXIT_DEBUG,
	.allowed = ALLOW(COMPLETE) | ALLOW(RETRY) | ALLOW(UNDEF),
};

/* Of those that can be had: the one of a fault at EL2 has no action (el2.c). */
FIXTURE_VARIANT_ADD(action, fail) {
	.code = &insn_ldr, .reason = ARMVCPU_EXIT_FAIL,
	.allowed = ALLOW(COMPLETE) | ALLOW(RETRY) | ALLOW(UNDEF),
};

FIXTURE_SETUP(action)
{
	struct world *w = &self->w;

	if (variant->reason == ARMVCPU_EXIT_FAIL && !can_starve())
		SKIP(_exit(255), "the host's kernel does not inject faults");
	world_init(w);
	if (variant->reason != ARMVCPU_EXIT_FAIL)
		world_start(w, variant->code);
	if (variant->code == &insn_smc) {
		w->regs.x[0] = 0x84000008;	/* SYSTEM_OFF */
		vcpu_set_regs(&w->vcpu, &w->regs);
	}
	if (variant->reason == ARMVCPU_EXIT_FAIL)
		world_starve(w);
	else if (variant->code == &insn_wfi)
		snippet_start_wfi(&w->vcpu, &w->regs, &insn_wfi);
	else
		vcpu_expect(&w->vcpu, variant->reason);
	vcpu_get_regs(&w->vcpu, &w->regs);
}

FIXTURE_TEARDOWN(action)
{
}

TEST_F(action, that_does_not_fit)
{
	struct armvcpu_run *run = self->w.vcpu.run, before;
	unsigned int action;

	memcpy(&before, run, sizeof(before));
	for (action = 0; action < 256; action++) {
		if (action < 4 && variant->allowed & BIT(action))
			continue;
		run->action = action;
		EXPECT_EQ(-EINVAL, vcpu_run(&self->w.vcpu)) {
			TH_LOG("action %u", action);
		}
		EXPECT_EQ(action, run->action);
		run->action = 0;
		ASSERT_EQ(0, memcmp(&before, run, sizeof(before)));
	}
	snippet_check_regs(&self->w.vcpu, &self->w.regs);
	/* The exit is still there to be completed. */
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_TRUE(snippet_is_stop(&self->w.vcpu));
	EXPECT_EQ(SNIPPET_STOP, run->u.mmio.ipa);
}

TEST(action_without_an_exit)
{
	unsigned int action;
	struct world w;

	world_init(&w);
	world_start(&w, &insn_ldr);
	for (action = 1; action < 5; action++) {
		w.vcpu.run->action = action;
		EXPECT_EQ(-EINVAL, vcpu_run(&w.vcpu));
	}
	w.vcpu.run->action = ARMVCPU_ACTION_COMPLETE;
	vcpu_expect(&w.vcpu, ARMVCPU_EXIT_MMIO);
}

/* ---- other processes --------------------------------------------- */

#define CHILD_OK	33

/* In a child: another address space with the same files. */
static int in_a_child(int (*check)(struct world *w), struct world *w)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	test_check(pid >= 0);
	if (!pid)
		_exit(check(w));
	test_check(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int check_eio(struct world *w)
{
	static const u32 of_vm[] = {
		ARMVCPU_CHECK_CAP, ARMVCPU_CREATE_VCPU, ARMVCPU_SET_MEM_SLOT,
		ARMVCPU_SET_SMCCC_POLICY, ARMVCPU_SET_IOEVENTFD, ARMVCPU_SET_IRQFD,
		ARMVCPU_PASS_IRQ, ARMVCPU_SET_EL2_ANSWERS, ARMVCPU_SET_POSTED,
	};
	static const u32 of_vcpu[] = {
		ARMVCPU_GET_CORE_REGS, ARMVCPU_SET_CORE_REGS, ARMVCPU_GET_FP_REGS,
		ARMVCPU_SET_FP_REGS, ARMVCPU_GET_ONE_REG, ARMVCPU_SET_ONE_REG,
		ARMVCPU_GET_REG_LIST, ARMVCPU_SET_IRQ_LINE, ARMVCPU_INJECT, ARMVCPU_GET_POWER,
		ARMVCPU_SET_POWER, ARMVCPU_RUN,
	};
	static u64 arg[128];
	unsigned int i;

	for (i = 1; i < ARRAY_SIZE(of_vm); i++)
		if (xioctl(w->vm.fd, of_vm[i], arg) != -EIO)
			test_fail("VM request 0x%x", of_vm[i]);
	for (i = 0; i < ARRAY_SIZE(of_vcpu); i++)
		if (xioctl(w->vcpu.fd, of_vcpu[i], arg) != -EIO)
			test_fail("vCPU request 0x%x", of_vcpu[i]);
	if (!fdatasync(w->vcpu.fd) || errno != EIO)
		test_fail("fdatasync() of another process's vCPU: %m");
	if (mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, w->vcpu.fd, 0) !=
	    MAP_FAILED)
		test_fail("mmap() of another process's vCPU");
	/* The device is anybody's. */
	if (xioctl(w->vm.sys, ARMVCPU_GET_API_VERSION, NULL) != ARMVCPU_API_VERSION)
		test_fail("the device's own ioctls");
	return CHILD_OK;
}

TEST(another_process_gets_eio)
{
	struct world w;

	world_init(&w);
	world_start(&w, &insn_ldr);
	EXPECT_EQ(CHILD_OK, in_a_child(check_eio, &w));
	/* And has changed nothing. */
	vcpu_expect(&w.vcpu, ARMVCPU_EXIT_MMIO);
	snippet_check_regs(&w.vcpu, &w.regs);
}

static int check_own_vm(struct world *w)
{
	struct world own;

	(void)w;
	world_init(&own);
	world_start(&own, &insn_ldr);
	vcpu_expect(&own.vcpu, ARMVCPU_EXIT_MMIO);
	return CHILD_OK;
}

TEST(another_process_has_vms_of_its_own)
{
	struct world w;

	world_init(&w);
	world_start(&w, &insn_ldr);
	EXPECT_EQ(CHILD_OK, in_a_child(check_own_vm, &w));
	vcpu_expect(&w.vcpu, ARMVCPU_EXIT_MMIO);
}

/* The vCPU keeps the VM. */
TEST(a_vcpu_outlives_the_file_of_its_vm)
{
	struct world w;

	world_init(&w);
	world_start(&w, &insn_ldr);
	vm_close(&w.vm);
	vcpu_expect(&w.vcpu, ARMVCPU_EXIT_MMIO);
	w.vcpu.run->u.mmio.data = 3;
	w.regs.x[5] = 3;
	snippet_expect_stop(&w.vcpu, &w.regs);
}

/* ---- callers of 32 bits ------------------------------------------ */

/*
 * An AArch32 program that calls ioctl(3, request, buffer) and exits with the
 * errno: an ELF header, one program header, a few instructions, a buffer.
 */
#define A32_BASE	0x10000
#define A32_CODE	84

static void write_a32_program(int fd, u32 request)
{
	u32 image[256] = {
		0x464c457f, 0x00010101, 0, 0,		/* ELF, 32 bits, little-endian */
		0x00280002, 1,				/* executable, ARM */
		A32_BASE + A32_CODE, 52, 0,		/* entry, program headers */
		0x05000000,				/* EABI 5 */
		0x00200034, 0x00000001, 0,		/* one of them */
		1, 0, A32_BASE, A32_BASE, sizeof(image), sizeof(image), 7, 0x10000,
		0xe3a00003,				/* mov r0, #3 */
		0xe59f1018,				/* ldr r1, [pc, #24] */
		0xe28f2018,				/* add r2, pc, #24 */
		0xe3a07036,				/* mov r7, #54 */
		0xef000000,				/* svc #0: ioctl */
		0xe2600000,				/* rsb r0, r0, #0 */
		0xe3a07001,				/* mov r7, #1 */
		0xef000000,				/* svc #0: exit */
		0, request,
	};

	test_check(write(fd, image, sizeof(image)) == sizeof(image));
}

FIXTURE(compat) {
	struct world w;
};

FIXTURE_VARIANT(compat) {
	u32 request;
	int which;
};

FIXTURE_VARIANT_ADD(compat, system) { .request = ARMVCPU_GET_API_VERSION, .which = 0 };
FIXTURE_VARIANT_ADD(compat, system_create_vm) { .request = ARMVCPU_CREATE_VM, .which = 0 };
FIXTURE_VARIANT_ADD(compat, vm) { .request = ARMVCPU_CREATE_VCPU, .which = 1 };
FIXTURE_VARIANT_ADD(compat, vcpu) { .request = ARMVCPU_RUN, .which = 2 };

FIXTURE_SETUP(compat)
{
	world_init(&self->w);
}

FIXTURE_TEARDOWN(compat)
{
}

TEST_F(compat, is_refused)
{
	int fds[] = { self->w.vm.sys, self->w.vm.fd, self->w.vcpu.fd };
	char path[] = "/tmp/armvcpu-compat.XXXXXX";
	int fd = mkstemp(path), status;
	pid_t pid;

	ASSERT_LE(0, fd);
	write_a32_program(fd, variant->request);
	ASSERT_EQ(0, fchmod(fd, 0700));
	close(fd);
	fflush(NULL);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* A duplicate is not closed by execve(). */
		if (dup2(fds[variant->which], 100) < 0 || dup2(100, 3) < 0)
			_exit(200);
		execl(path, path, NULL);
		_exit(errno == ENOEXEC ? 201 : 202);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	unlink(path);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 201)
		SKIP(return, "the host runs no AArch32 programs");
	ASSERT_TRUE(WIFEXITED(status)) {
		TH_LOG("status 0x%x", status);
	}
	EXPECT_EQ(ENOTTY, WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
