// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that never stops leaves the CPU to others: to the host's tick and its timers, to
 * another thread on the same CPU, and to a signal for its own.  Whatever it does meanwhile:
 * with interrupts masked, without an exit, or with exits that never reach the VMM.
 */
#include "harness.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "gic.h"

#define IOEVENTFD	(GUEST_MMIO + 0x50)

/* Of the time that both threads have wanted the CPU: half of it is fair. */
#define TRIAL_MS	2000
#define SHARE_PERCENT	30
/* Lateness of a thread that sleeps; the rig's machine may be busy. */
#define LATE_MS		500

static u64 rounds;

/* ---- the guest: for ever, and all of PSTATE.DAIF is masked ------------------------------- */

static void guest_branch(void)
{
	asm volatile("b ." : : : "memory");
}

static void guest_adds(void)
{
	for (;;)
		WRITE_ONCE(rounds, READ_ONCE(rounds) + 1);
}

#define FOR_EVER(what) do {							\
	for (;;) {								\
		what;								\
		WRITE_ONCE(rounds, READ_ONCE(rounds) + 1);			\
	}									\
} while (0)

static void guest_wfe(void)
{
	FOR_EVER(asm volatile("sevl\nwfe\nwfe" : : : "memory"));
}

/* An SGI is pending, and never taken: none of them waits. */
static void guest_wfi(void)
{
	guest_write32(GUEST_GICD + GICD_CTLR, 0x12);
	guest_write32(GUEST_GICR + GICR_WAKER, 0);
	guest_write32(GUEST_GICR + GICR_SGI + GICD_IGROUPR, ~0U);
	guest_write32(GUEST_GICR + GICR_SGI + GICD_ISENABLER, 1);
	guest_gic_on(false);
	guest_send_sgi(0, 0);
	FOR_EVER(asm volatile("wfi" : : : "memory"));
}

/* SGIs to itself, which EL2 answers. */
static void guest_sgi(void)
{
	FOR_EVER(guest_send_sgi(0, 0));
}

/* Its vectors have no translation: an abort of the abort, and so on. */
static void guest_abort_loop(void)
{
	WRITE_ONCE(rounds, 1);
	write_sysreg(GUEST_UNMAPPED, vbar_el1);
	isb();
	guest_read32(GUEST_UNMAPPED);
}

/* A call that EL2 answers. */
static void guest_calls(void)
{
	FOR_EVER(guest_hvc(0x84000000, 0, 0, 0));
}

static void guest_mrs(void)
{
	FOR_EVER(read_sysreg(id_aa64pfr0_el1));
}

/* The virtual timer, fired for good. */
static void guest_timer(void)
{
	write_sysreg(0, cntv_cval_el0);
	write_sysreg(1, cntv_ctl_el0);
	isb();
	FOR_EVER(read_sysreg(cntv_ctl_el0));
}

/* An exit to the module each time. */
static void guest_ioeventfd(void)
{
	FOR_EVER(guest_write32(IOEVENTFD, 1));
}

static void guest_tlbi(void)
{
	FOR_EVER(asm volatile("tlbi vmalle1is\ndsb ish\nic ialluis\ndsb ish" : : : "memory"));
}

/* ---- the test ----------------------------------------------------------------------------- */

FIXTURE(forward) {
	struct gic_vm g;
	int eventfd;
	pthread_t thread;
	struct vcpu *vcpu;
};

FIXTURE_VARIANT(forward) {
	const void *guest;
};

FIXTURE_VARIANT_ADD(forward, branch) { .guest = guest_branch };
FIXTURE_VARIANT_ADD(forward, adds) { .guest = guest_adds };
FIXTURE_VARIANT_ADD(forward, wfe) { .guest = guest_wfe };
FIXTURE_VARIANT_ADD(forward, wfi) { .guest = guest_wfi };
FIXTURE_VARIANT_ADD(forward, sgi) { .guest = guest_sgi };
FIXTURE_VARIANT_ADD(forward, abort_loop) { .guest = guest_abort_loop };
FIXTURE_VARIANT_ADD(forward, hvc) { .guest = guest_calls };
FIXTURE_VARIANT_ADD(forward, mrs) { .guest = guest_mrs };
FIXTURE_VARIANT_ADD(forward, timer) { .guest = guest_timer };
FIXTURE_VARIANT_ADD(forward, ioeventfd) { .guest = guest_ioeventfd };
FIXTURE_VARIANT_ADD(forward, tlbi) { .guest = guest_tlbi };

static void nothing(int sig)
{
	(void)sig;
}

FIXTURE_SETUP(forward)
{
	const struct sigaction action = { .sa_handler = nothing };
	struct armvcpu_ioeventfd arg = { .ipa = IOEVENTFD, .len = 4 };

	rounds = 0;
	sigaction(SIGUSR1, &action, NULL);
	if (gic_version(GIC_V3)) {
		gic_vm_create(&self->g, 3, 96, 1);
	} else {
		memset(&self->g, 0, sizeof(self->g));
		vm_init(&self->g.vm);
	}
	self->vcpu = &self->g.vcpu[0];
	vcpu_init(self->vcpu, &self->g.vm, 0);
	self->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	test_check(self->eventfd >= 0);
	arg.fd = self->eventfd;
	test_check(!xioctl(self->g.vm.fd, ARMVCPU_SET_IOEVENTFD, &arg));
	vcpu_call(self->vcpu, variant->guest);
}

FIXTURE_TEARDOWN(forward)
{
	vcpu_close(self->vcpu);
	close(self->eventfd);
	vm_close(&self->g.vm);
}

static bool needs_gic(const void *guest)
{
	return guest == guest_wfi || guest == guest_sgi;
}

static void *run_guest(void *arg)
{
	struct vcpu *vcpu = arg;

	pin_to_cpu(0);
	return (void *)(long)vcpu_run(vcpu);
}

static u64 thread_ms(pthread_t thread)
{
	struct timespec ts;
	clockid_t clock;

	test_check(!pthread_getcpuclockid(thread, &clock));
	test_check(!clock_gettime(clock, &ts));
	return ts.tv_sec * 1000UL + ts.tv_nsec / NSEC_PER_MSEC;
}

static void start(pthread_t *thread, struct vcpu *vcpu)
{
	pin_to_cpu(0);
	test_check(!pthread_create(thread, NULL, run_guest, vcpu));
	/* It is in its guest: it uses the CPU. */
	while (thread_ms(*thread) < 50)
		usleep(10000);
}

/* By a signal, as all of these would go on for ever. */
static long stop(pthread_t thread)
{
	void *ret;

	while (pthread_kill(thread, SIGUSR1) == 0 && pthread_tryjoin_np(thread, &ret))
		usleep(1000);
	return (long)ret;
}

/* It has not come out by itself, and has done what it shall do. */
#define EXPECT_SPUN(ret, before) do {						\
	EXPECT_EQ(-EINTR, ret);							\
	EXPECT_EQ(ARMVCPU_EXIT_INTR, self->vcpu->run->exit_reason);		\
	EXPECT_EQ(PSR_MASKED, self->vcpu->run->pstate & PSR_MASKED);		\
	if (variant->guest == guest_branch) {					\
		EXPECT_EQ(0x14000000, *(u32 *)self->vcpu->run->pc);		\
	} else if (variant->guest == guest_abort_loop) {			\
		EXPECT_EQ(GUEST_UNMAPPED + 0x200, self->vcpu->run->pc);		\
	} else {								\
		EXPECT_LT(before, READ_ONCE(rounds));				\
	}									\
} while (0)

/* Both want all of one CPU. */
TEST_F(forward, another_thread_has_its_share)
{
	u64 mine, its, before, until;
	long ret;

	if (needs_gic(variant->guest) && !self->g.version)
		SKIP(return, NO_GIC);
	start(&self->thread, self->vcpu);
	before = READ_ONCE(rounds);
	mine = thread_ms(pthread_self());
	its = thread_ms(self->thread);
	until = now_ns() + TRIAL_MS * NSEC_PER_MSEC;
	while (now_ns() < until)
		;
	mine = thread_ms(pthread_self()) - mine;
	its = thread_ms(self->thread) - its;
	ret = stop(self->thread);
	EXPECT_LE(SHARE_PERCENT * (mine + its), 100 * mine);
	EXPECT_LE(SHARE_PERCENT * (mine + its), 100 * its);
	EXPECT_SPUN(ret, before);
}

/* The host's timers come when they should, on the CPU that the guest has. */
TEST_F(forward, a_sleeper_wakes_up)
{
	const struct timespec nap = { .tv_nsec = 5 * NSEC_PER_MSEC };
	u64 before, since, late = 0, ms;
	long ret;
	int i;

	if (needs_gic(variant->guest) && !self->g.version)
		SKIP(return, NO_GIC);
	start(&self->thread, self->vcpu);
	before = READ_ONCE(rounds);
	for (i = 0; i < 50; i++) {
		since = now_ns();
		nanosleep(&nap, NULL);
		ms = (now_ns() - since) / NSEC_PER_MSEC;
		late = ms > late ? ms : late;
	}
	ret = stop(self->thread);
	EXPECT_GE(LATE_MS, late);
	EXPECT_SPUN(ret, before);
}

/* The kernel's timer, with nobody else on that CPU, and the signal is for who runs the guest. */
TEST_F(forward, a_timer_s_signal_ends_it)
{
	struct itimerval timer = { .it_value.tv_usec = 300000 };
	const struct sigaction action = { .sa_handler = nothing };
	sigset_t set;
	u64 before;
	void *ret;

	if (needs_gic(variant->guest) && !self->g.version)
		SKIP(return, NO_GIC);
	sigaction(SIGALRM, &action, NULL);
	start(&self->thread, self->vcpu);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	test_check(!pthread_sigmask(SIG_BLOCK, &set, NULL));
	before = READ_ONCE(rounds);
	test_check(!setitimer(ITIMER_REAL, &timer, NULL));
	EXPECT_EQ(0, pthread_join(self->thread, &ret));
	EXPECT_SPUN((long)ret, before);
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
