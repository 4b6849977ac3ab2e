// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's timers: when their interrupts come, and that each comes; WFI; time
 * that stands still while the VMM wants it to; stolen time.
 */
#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gic.h"

#define VIRT		0
#define PHYS		1
#define PPI_VIRT	27
#define PPI_PHYS	30

#define CTL_ENABLE	BIT(0)
#define CTL_IMASK	BIT(1)
#define CTL_ISTATUS	BIT(2)

#define REG_CNTP_CTL	ARMVCPU_REG_SYS(3, 3, 14, 2, 1)
#define REG_CNTP_CVAL	ARMVCPU_REG_SYS(3, 3, 14, 2, 2)
#define REG_CNTV_CTL	ARMVCPU_REG_SYS(3, 3, 14, 3, 1)
#define REG_CNTV_CVAL	ARMVCPU_REG_SYS(3, 3, 14, 3, 2)

#define PV_TIME_FEATURES	0xc5000020UL
#define PV_TIME_ST		0xc5000021UL
#define SMCCC_ARCH_FEATURES	0x80000001UL

#define NEVER		~0UL

/* ---- the guest --------------------------------------------------- */

/* Of each vCPU: what its handler has seen. */
static struct ticks {
	u64 count;
	u64 spurious;
	u64 quiet;	/* at this count the handler turns the timer off */
	u64 period;	/* before, it sets it anew, so many ticks on; 0: leaves it */
	u64 sync;	/* ... and tells the test, with the interrupt active */
	u64 await;	/* a window begins only when so many have come */
	u64 at;		/* the counter */
	u64 cval;	/* what it had waited for */
} ticks[GUEST_MAX_CPUS];

static u64 timer_now(u64 kind)
{
	isb();
	return kind == VIRT ? read_sysreg(cntvct_el0) : read_sysreg(cntpct_el0);
}

static u64 timer_ctl(u64 kind)
{
	return kind == VIRT ? read_sysreg(cntv_ctl_el0) : read_sysreg(cntp_ctl_el0);
}

static u64 timer_cval(u64 kind)
{
	return kind == VIRT ? read_sysreg(cntv_cval_el0) : read_sysreg(cntp_cval_el0);
}

static void timer_set_ctl(u64 kind, u64 ctl)
{
	if (kind == VIRT)
		write_sysreg(ctl, cntv_ctl_el0);
	else
		write_sysreg(ctl, cntp_ctl_el0);
	isb();
}

static void timer_set_cval(u64 kind, u64 cval)
{
	if (kind == VIRT)
		write_sysreg(cval, cntv_cval_el0);
	else
		write_sysreg(cval, cntp_cval_el0);
	isb();
}

static void timer_set_tval(u64 kind, u64 tval)
{
	if (kind == VIRT)
		write_sysreg(tval, cntv_tval_el0);
	else
		write_sysreg(tval, cntp_tval_el0);
	isb();
}

static void handler(struct guest_frame *frame, u64 vector)
{
	struct ticks *t = &ticks[read_sysreg(mpidr_el1) % GUEST_MAX_CPUS];
	u32 iar = guest_iar();
	u64 kind = iar == PPI_VIRT ? VIRT : PHYS;

	(void)frame;
	(void)vector;
	if (iar >= 1020) {
		t->spurious++;
		return;
	}
	GUEST_ASSERT(iar == PPI_VIRT || iar == PPI_PHYS);
	/* Level-sensitive: it is due, or the interrupt would not be there. */
	GUEST_ASSERT_EQ(CTL_ENABLE | CTL_ISTATUS, timer_ctl(kind));
	t->at = timer_now(kind);
	t->cval = timer_cval(kind);
	GUEST_ASSERT(t->at >= t->cval);
	t->count++;
	if (t->sync)
		GUEST_SYNC(2);
	if (t->count >= t->quiet)
		timer_set_ctl(kind, 0);
	else if (t->period)
		timer_set_cval(kind, timer_now(kind) + t->period);
	guest_eoi(iar);
}

static void guest_init(void)
{
	guest_cpu()->handler = handler;
	guest_gic_on(false);
}

/*
 * Interrupts are taken while the counter advances by @time.  Those that have to come
 * may be late, as far as a busy host is: it is waited for them before.
 */
static void guest_window(u64 kind, u64 time)
{
	struct ticks *t = &ticks[read_sysreg(mpidr_el1) % GUEST_MAX_CPUS];
	u64 end;

	guest_unmask();
	while (READ_ONCE(t->count) < t->await)
		;
	end = timer_now(kind) + time;
	while (timer_now(kind) < end)
		;
	guest_mask();
}

/* @cval from now (NEVER: 2^64 - 1), @ctl, a window; what has come is in ticks[]. */
static void guest_fires(u64 kind, u64 delta, u64 ctl, u64 window)
{
	guest_init();
	timer_set_cval(kind, delta == NEVER ? NEVER : timer_now(kind) + delta);
	timer_set_ctl(kind, ctl);
	guest_window(kind, window);
	GUEST_SYNC(1);
	/* Unmasked, whatever it was before. */
	ticks[0].count = 0;
	timer_set_ctl(kind, CTL_ENABLE);
	guest_window(kind, window);
	GUEST_SYNC(1);
	GUEST_DONE();
}

/* As many periods as the handler counts; with @wfi, that in between. */
static void guest_ticks(u64 kind, u64 wfi)
{
	struct ticks *t = &ticks[read_sysreg(mpidr_el1) % GUEST_MAX_CPUS];

	guest_init();
	timer_set_cval(kind, timer_now(kind) + t->period);
	timer_set_ctl(kind, CTL_ENABLE);
	guest_unmask();
	while (READ_ONCE(t->count) < t->quiet) {
		if (wfi)
			asm volatile("wfi" : : : "memory");
	}
	guest_window(kind, t->period);
	GUEST_DONE();
}

static void guest_tval(u64 kind)
{
	u64 cval, now;

	guest_init();
	timer_set_ctl(kind, CTL_IMASK);
	now = timer_now(kind);
	timer_set_tval(kind, 0x7fffffff);
	cval = timer_cval(kind);
	GUEST_ASSERT(cval - now >= 0x7fffffff && cval - timer_now(kind) <= 0x7fffffff);
	/* Signed. */
	timer_set_tval(kind, 0xffffffff00000000UL | (u32)-1000);
	GUEST_ASSERT(timer_cval(kind) < timer_now(kind));
	/* Zero-extended. */
	timer_set_cval(kind, 0);
	now = timer_now(kind);
	if (kind == VIRT)
		GUEST_ASSERT(!(read_sysreg(cntv_tval_el0) >> 32));
	else
		GUEST_ASSERT(!(read_sysreg(cntp_tval_el0) >> 32));
	/* ISTATUS, whether it is masked or not. */
	timer_set_ctl(kind, CTL_ENABLE | CTL_IMASK);
	GUEST_ASSERT_EQ(CTL_ENABLE | CTL_IMASK | CTL_ISTATUS, timer_ctl(kind));
	timer_set_cval(kind, NEVER);
	GUEST_ASSERT_EQ(CTL_ENABLE | CTL_IMASK, timer_ctl(kind));
	/* Bits that are not there. */
	timer_set_ctl(kind, ~0UL);
	GUEST_ASSERT_EQ(CTL_ENABLE | CTL_IMASK, timer_ctl(kind));
	GUEST_DONE();
}

/* Counts until it is told to stop, by the level of an SPI. */
static void guest_counter(void)
{
	for (;;)
		GUEST_SYNC_ARGS(1, timer_now(VIRT), timer_now(PHYS), 0);
}

/* An armed timer and WFI, with its interrupt taken behind that. */
static void guest_wfi(u64 kind, u64 delta)
{
	u64 start;

	guest_init();
	start = timer_now(kind);
	timer_set_cval(kind, start + delta);
	timer_set_ctl(kind, CTL_ENABLE);
	while (!(timer_ctl(kind) & CTL_ISTATUS))
		asm volatile("wfi" : : : "memory");
	GUEST_ASSERT(timer_now(kind) >= start + delta);
	GUEST_ASSERT_EQ(0, ticks[0].count);
	guest_window(kind, 1000);
	GUEST_DONE();
}

/* Due at @cval, but not taken; what has come of it by the end of a window is in ticks[]. */
static void guest_due(u64 kind, u64 cval, u64 window)
{
	guest_init();
	timer_set_cval(kind, cval);
	timer_set_ctl(kind, CTL_ENABLE);
	GUEST_SYNC(1);
	guest_window(kind, window);
	GUEST_DONE();
}

/* WFI with nothing to come; without @group, whatever comes is not signalled. */
static void guest_sleep(u64 group)
{
	guest_init();
	if (!group && guest_gic_version == 2)
		guest_write32(GUEST_GICC + GICC_CTLR, 0);
	else if (!group)
		write_sysreg(0, ICC_IGRPEN1_EL1);
	isb();
	GUEST_SYNC(1);
	for (;;) {
		asm volatile("wfi" : : : "memory");
		WRITE_ONCE(ticks[0].count, ticks[0].count + 1);
	}
}

/* ---- VMs --------------------------------------------------------- */

static void clear_ticks(void)
{
	unsigned int i;

	for (i = 0; i < GUEST_MAX_CPUS; i++)
		ticks[i] = (struct ticks){ 0 };
}

static void vm_with_timers(struct gic_vm *g, unsigned int nr_vcpus)
{
	unsigned int i;

	gic_vm_init(g, gic_version(GIC_V2 | GIC_V3), nr_vcpus);
	for (i = 0; i < nr_vcpus; i++) {
		gic_enable(g, &g->vcpu[i], PPI_VIRT, 0x80, false);
		gic_enable(g, &g->vcpu[i], PPI_PHYS, 0x80, false);
	}
	clear_ticks();
}

static bool has_gic(void)
{
	return gic_version(GIC_V2 | GIC_V3);
}

static const char no_gic[] = "the host's GIC does not help guests";

static u64 counter_hz(void)
{
	u64 hz;

	asm volatile("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz;
}

static u64 counter_now(void)
{
	u64 now;

	asm volatile("isb\nmrs %0, cntvct_el0" : "=r"(now) : : "memory");
	return now;
}

FIXTURE(timer) {
	struct gic_vm g;
	u64 ms;
};

FIXTURE_VARIANT(timer) {
	u64 kind;
};

FIXTURE_VARIANT_ADD(timer, virt) { .kind = VIRT };
FIXTURE_VARIANT_ADD(timer, phys) { .kind = PHYS };

FIXTURE_SETUP(timer)
{
	self->ms = counter_hz() / 1000;
	/* A test that is skipped here would run all the same. */
	if (has_gic())
		vm_with_timers(&self->g, 2);
}

FIXTURE_TEARDOWN(timer)
{
}

/* Each time: what comes of it with @ctl, then of the same without a mask. */
#define check_fires(delta, ctl, window, want, want_then) do {			\
	struct vcpu *__vcpu = &self->g.vcpu[0];					\
										\
	ticks[0].quiet = 1;							\
	ticks[0].await = want;							\
	vcpu_call(__vcpu, guest_fires, variant->kind, delta, ctl, window);	\
	vcpu_expect_sync(__vcpu, 1);						\
	EXPECT_EQ(ticks[0].count, ticks[0].await);				\
	ticks[0].await = want_then;						\
	vcpu_expect_sync(__vcpu, 1);						\
	EXPECT_EQ(ticks[0].count, ticks[0].await);				\
	vcpu_expect_done(__vcpu);						\
	EXPECT_EQ(ticks[0].spurious, 0);					\
} while (0)

TEST_F(timer, fires_in_the_future)
{
	if (!has_gic())
		SKIP(return, "%s", no_gic);
	check_fires(self->ms, CTL_ENABLE, 5 * self->ms, 1, 1);
}

TEST_F(timer, fires_when_it_is_past)
{
	if (!has_gic())
		SKIP(return, "%s", no_gic);
	check_fires(-1000UL, CTL_ENABLE, 100, 1, 1);
}

TEST_F(timer, fires_now)
{
	if (!has_gic())
		SKIP(return, "%s", no_gic);
	check_fires(0, CTL_ENABLE, 1000, 1, 1);
}

/*
 * QEMU before 8.2 adds the offset to CVAL, and if that overflows, its own timer
 * fires for ever and nothing else runs.
 */
static void no_overflow(struct vcpu *vcpu)
{
	vcpu_set(vcpu, ARMVCPU_REG_CNTVOFF, 0);
}

TEST_F(timer, never_fires)
{
	if (!has_gic())
		SKIP(return, "%s", no_gic);
	no_overflow(&self->g.vcpu[0]);
	check_fires(NEVER, CTL_ENABLE, 2 * self->ms, 0, 0);
}

TEST_F(timer, fires_not_before)
{
	if (!has_gic())
		SKIP(return, "%s", no_gic);
	check_fires(3600000 * self->ms, CTL_ENABLE, 2 * self->ms, 0, 0);
}

TEST_F(timer, is_masked)
{
	if (!has_gic())
		SKIP(return, "%s", no_gic);
	check_fires(-1000UL, CTL_ENABLE | CTL_IMASK, self->ms, 0, 1);
}

TEST_F(timer, is_disabled)
{
	if (!has_gic())
		SKIP(return, "%s", no_gic);
	check_fires(-1000UL, 0, self->ms, 0, 1);
}

TEST_F(timer, tval)
{
	if (!has_gic())
		SKIP(return, "%s", no_gic);
	no_overflow(&self->g.vcpu[0]);
	vcpu_call(&self->g.vcpu[0], guest_tval, variant->kind);
	vcpu_expect_done(&self->g.vcpu[0]);
}

/* Whoever leaves the timer as it is gets the interrupt again. */
TEST_F(timer, is_a_level)
{
	struct vcpu *vcpu = &self->g.vcpu[0];

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	ticks[0].quiet = 3;
	ticks[0].await = 3;
	/* Long enough for QEMU's GICv2, which looks at a line again when others change. */
	vcpu_call(vcpu, guest_fires, variant->kind, 0, CTL_ENABLE, 40 * self->ms);
	vcpu_expect_sync(vcpu, 1);
	EXPECT_EQ(ticks[0].count, 3);
	EXPECT_EQ(ticks[0].spurious, 0);
}

/* Not one more, not one less. */
TEST_F(timer, ticks)
{
	struct vcpu *vcpu = &self->g.vcpu[0];

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	ticks[0].period = self->ms / 4;
	ticks[0].quiet = 100;
	vcpu_call(vcpu, guest_ticks, variant->kind, false);
	vcpu_expect_done(vcpu);
	EXPECT_EQ(ticks[0].count, 100);
	EXPECT_EQ(ticks[0].spurious, 0);
}

TEST_F(timer, ticks_end_wfi)
{
	struct vcpu *vcpu = &self->g.vcpu[0];

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	ticks[0].period = self->ms / 4;
	ticks[0].quiet = 100;
	vcpu_call(vcpu, guest_ticks, variant->kind, true);
	vcpu_expect_done(vcpu);
	EXPECT_EQ(ticks[0].count, 100);
	EXPECT_EQ(ticks[0].spurious, 0);
}

/* Masked by PSTATE, it ends the WFI all the same. */
TEST_F(timer, wfi_waits_for_it)
{
	u64 start = now_ns();

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	ticks[0].quiet = 1;
	ticks[0].await = 1;
	vcpu_call(&self->g.vcpu[0], guest_wfi, variant->kind, 20 * self->ms);
	vcpu_expect_done(&self->g.vcpu[0]);
	EXPECT_EQ(ticks[0].count, 1);
	EXPECT_GE(now_ns() - start, 20 * NSEC_PER_MSEC);
}

TEST_F(timer, wfi_when_it_is_past)
{
	if (!has_gic())
		SKIP(return, "%s", no_gic);
	ticks[0].quiet = 1;
	ticks[0].await = 1;
	vcpu_call(&self->g.vcpu[0], guest_wfi, variant->kind, -1000UL);
	vcpu_expect_done(&self->g.vcpu[0]);
	EXPECT_EQ(ticks[0].count, 1);
}

/* It becomes due while the VMM has the vCPU. */
TEST_F(timer, fires_meanwhile)
{
	struct vcpu *vcpu = &self->g.vcpu[0];

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	ticks[0].quiet = 1;
	vcpu_call(vcpu, guest_fires, variant->kind, 3600000 * self->ms, CTL_ENABLE, 1000);
	vcpu_expect_sync(vcpu, 1);
	EXPECT_EQ(ticks[0].count, 0);
	ticks[0].await = 1;
	vcpu_set(vcpu, variant->kind == VIRT ? REG_CNTV_CVAL : REG_CNTP_CVAL, 1);
	vcpu_expect_sync(vcpu, 1);
	EXPECT_EQ(ticks[0].count, 1);
}

/* The interrupt is active on one CPU of the host, and ends on another. */
TEST_F(timer, migrates_while_active)
{
	struct vcpu *vcpu = &self->g.vcpu[0];
	int i, n = nr_cpus();

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	ticks[0].period = self->ms / 4;
	ticks[0].sync = 1;
	ticks[0].quiet = 20;
	vcpu_call(vcpu, guest_ticks, variant->kind, false);
	for (i = 0; i < 20; i++) {
		pin_to_cpu(i % n);
		vcpu_expect_sync(vcpu, 2);
		EXPECT_EQ(ticks[0].count, (u64)i + 1);
	}
	vcpu_expect_done(vcpu);
	EXPECT_EQ(ticks[0].spurious, 0);
}

/* One vCPU sits in its handler: on the same CPU the other's timer fires. */
TEST_F(timer, active_is_a_vcpus_own)
{
	struct vcpu *a = &self->g.vcpu[0], *b = &self->g.vcpu[1];

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	pin_to_cpu(0);
	ticks[0].period = self->ms;
	ticks[0].sync = 1;
	ticks[0].quiet = 2;
	ticks[1].period = self->ms / 4;
	ticks[1].quiet = 10;
	vcpu_call(a, guest_ticks, variant->kind, false);
	vcpu_call(b, guest_ticks, variant->kind, true);
	vcpu_expect_sync(a, 2);
	vcpu_expect_done(b);
	EXPECT_EQ(ticks[1].count, 10);
	vcpu_expect_sync(a, 2);
	vcpu_expect_done(a);
	EXPECT_EQ(ticks[0].count, 2);
	EXPECT_EQ(ticks[0].spurious + ticks[1].spurious, 0);
}

static void *run_to_done(void *arg)
{
	vcpu_expect_done(arg);
	return NULL;
}

/* Several at once on fewer CPUs, all of them with all of their interrupts. */
TEST_F(timer, ticks_of_all)
{
	pthread_t threads[2];
	unsigned int i;

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	for (i = 0; i < 2; i++) {
		ticks[i].period = self->ms / 4;
		ticks[i].quiet = 100;
		vcpu_call(&self->g.vcpu[i], guest_ticks, variant->kind, i);
		test_check(!pthread_create(&threads[i], NULL, run_to_done, &self->g.vcpu[i]));
	}
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(ticks[i].count, 100);
		EXPECT_EQ(ticks[i].spurious, 0);
	}
}

TEST_F(timer, registers)
{
	u32 ctl = variant->kind == VIRT ? REG_CNTV_CTL : REG_CNTP_CTL;
	u32 cval = variant->kind == VIRT ? REG_CNTV_CVAL : REG_CNTP_CVAL;
	struct vcpu *vcpu = &self->g.vcpu[0];

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	no_overflow(vcpu);
	vcpu_set(vcpu, cval, 0x123456789abcdef0);
	vcpu_set(vcpu, ctl, CTL_ENABLE | CTL_IMASK);
	EXPECT_EQ(vcpu_get(vcpu, cval), 0x123456789abcdef0);
	EXPECT_EQ(vcpu_get(vcpu, ctl), CTL_ENABLE | CTL_IMASK);
	vcpu_call(vcpu, guest_tval, variant->kind);
	vcpu_expect_done(vcpu);
	EXPECT_EQ(vcpu_get(vcpu, cval), NEVER);
	EXPECT_EQ(vcpu_get(vcpu, ctl), CTL_ENABLE | CTL_IMASK);
}

/* The line is the timer's, and no state of its own to be saved. */
TEST_F(timer, line_is_not_saved)
{
	struct vcpu *vcpu = &self->g.vcpu[0];
	u64 bit = 1UL << (variant->kind == VIRT ? PPI_VIRT : PPI_PHYS);

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	ticks[0].quiet = 1;
	ticks[0].await = 1;
	vcpu_call(vcpu, guest_due, variant->kind, 0, 1000);
	vcpu_expect_sync(vcpu, 1);
	EXPECT_EQ(gic_get(&self->g.vm, ARMVCPU_GIC_LEVEL, 0, 0) & bit, 0);
	EXPECT_EQ(gic_try_set(&self->g.vm, ARMVCPU_GIC_LEVEL, 0, 0, 0), 0);
	EXPECT_EQ(gic_try_set(&self->g.vm, ARMVCPU_GIC_LEVEL, 0, 0, bit), -EINVAL);
	/* Nor has that changed anything. */
	vcpu_expect_done(vcpu);
	EXPECT_EQ(ticks[0].count, 1);
}

TEST_F(timer, goes_with_its_registers)
{
	struct vcpu *vcpu = &self->g.vcpu[0];

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	vcpu_call(vcpu, guest_due, variant->kind, 0, self->ms);
	vcpu_expect_sync(vcpu, 1);
	vcpu_set(vcpu, variant->kind == VIRT ? REG_CNTV_CTL : REG_CNTP_CTL, 0);
	vcpu_expect_done(vcpu);
	EXPECT_EQ(ticks[0].count + ticks[0].spurious, 0);
}

/* ---- time -------------------------------------------------------- */

TEST(time_stands_still)
{
	struct gic_vm g;
	struct vcpu *vcpu = &g.vcpu[0];
	u64 before, after, paused;

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	vm_with_timers(&g, 1);
	vcpu_call(vcpu, guest_counter);
	vcpu_expect_sync(vcpu, 1);
	before = vcpu_sync_arg(vcpu, 0);
	paused = counter_now();
	usleep(100000);
	vcpu_set(vcpu, ARMVCPU_REG_CNTVOFF,
		 vcpu_get(vcpu, ARMVCPU_REG_CNTVOFF) + counter_now() - paused);
	vcpu_expect_sync(vcpu, 1);
	after = vcpu_sync_arg(vcpu, 0);
	EXPECT_GT(after, before);
	/* Much less than what has passed; the machine may be slow. */
	EXPECT_LT(after - before, counter_now() - paused - counter_hz() / 20);
	/* The physical counter is the machine's. */
	EXPECT_GE(vcpu_sync_arg(vcpu, 1), paused);
}

/* A vCPU that waits hears of an offset that another one gets. */
TEST(offset_ends_a_wait)
{
	pthread_t thread;
	struct gic_vm g;

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	vm_with_timers(&g, 2);
	ticks[0].quiet = 1;
	ticks[0].await = 1;
	vcpu_call(&g.vcpu[0], guest_wfi, VIRT, 3600 * counter_hz());
	test_check(!pthread_create(&thread, NULL, run_to_done, &g.vcpu[0]));
	usleep(50000);
	vcpu_set(&g.vcpu[1], ARMVCPU_REG_CNTVOFF,
		 vcpu_get(&g.vcpu[1], ARMVCPU_REG_CNTVOFF) - 3600 * counter_hz());
	pthread_join(thread, NULL);
	EXPECT_EQ(ticks[0].count, 1);
}

/* A timer that an offset makes undue is quiet, whichever vCPU the offset is set by. */
TEST(offset_lowers_the_line)
{
	struct gic_vm g[2];
	unsigned int by;
	u64 offset;

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	for (by = 0; by < 2; by++) {
		struct vcpu *vcpu;

		vm_with_timers(&g[by], 2);
		vcpu = g[by].vcpu;
		offset = vcpu_get(vcpu, ARMVCPU_REG_CNTVOFF);
		vcpu_set(vcpu, ARMVCPU_REG_CNTVOFF, offset - 3600 * counter_hz());
		vcpu_call(vcpu, guest_due, VIRT, 3600 * counter_hz(), counter_hz() / 1000);
		vcpu_expect_sync(vcpu, 1);
		vcpu_set(&vcpu[by], ARMVCPU_REG_CNTVOFF, offset);
		vcpu_expect_done(vcpu);
		EXPECT_EQ(ticks[0].count + ticks[0].spurious, 0);
	}
}

static void nothing(int sig)
{
	(void)sig;
}

struct sleeper {
	struct vcpu *vcpu;
	int ret;
	pid_t tid;
};

static void *sleep_in_guest(void *arg)
{
	struct sleeper *sleeper = arg;

	__atomic_store_n(&sleeper->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	sleeper->ret = vcpu_run(sleeper->vcpu);
	return NULL;
}

/* WFI does not keep a signal waiting, nor does it take the CPU meanwhile. */
TEST(signals_end_wfi)
{
	struct sigaction sa = { .sa_handler = nothing };
	struct sleeper sleeper = { 0 };
	struct timespec cpu;
	clockid_t clock;
	pthread_t thread;
	struct gic_vm g;

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	sigaction(SIGUSR1, &sa, NULL);
	vm_with_timers(&g, 1);
	vcpu_call(&g.vcpu[0], guest_sleep, true);
	vcpu_expect_sync(&g.vcpu[0], 1);
	sleeper.vcpu = &g.vcpu[0];
	test_check(!pthread_create(&thread, NULL, sleep_in_guest, &sleeper));
	usleep(300000);
	test_check(!pthread_getcpuclockid(thread, &clock));
	test_check(!clock_gettime(clock, &cpu));
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	EXPECT_EQ(sleeper.ret, -EINTR);
	EXPECT_EQ(g.vcpu[0].run->exit_reason, ARMVCPU_EXIT_INTR);
	/* A third of the time would be a lot. */
	EXPECT_EQ(cpu.tv_sec, 0);
	EXPECT_LT(cpu.tv_nsec, 100000000);
}

/* Between its beginning and the WFI there is nothing to sleep for. */
static bool is_asleep(const struct sleeper *sleeper)
{
	pid_t tid = __atomic_load_n(&sleeper->tid, __ATOMIC_ACQUIRE);
	char path[64], line[256] = "", *state;
	FILE *stat;

	if (!tid)
		return false;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	stat = fopen(path, "r");
	test_check(stat && fgets(line, sizeof(line), stat));
	fclose(stat);
	/* Behind the program's name. */
	state = strrchr(line, ')');
	return state && state[1] == ' ' && state[2] == 'S';
}

/* How often it ends its WFI when somebody does something else. */
static u64 sleeps_through(struct gic_vm *g, u64 group, void (*disturb)(struct gic_vm *g))
{
	struct sleeper sleeper = { .vcpu = &g->vcpu[0] };
	struct sigaction sa = { .sa_handler = nothing };
	pthread_t thread;

	sigaction(SIGUSR1, &sa, NULL);
	vcpu_call(&g->vcpu[0], guest_sleep, group);
	vcpu_expect_sync(&g->vcpu[0], 1);
	test_check(!pthread_create(&thread, NULL, sleep_in_guest, &sleeper));
	while (!is_asleep(&sleeper))
		usleep(1000);
	WRITE_ONCE(ticks[0].count, 0);
	disturb(g);
	usleep(100000);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	return READ_ONCE(ticks[0].count);
}

static void raise_spi(struct gic_vm *g)
{
	gic_irq(&g->vm, 40, 1);
}

/* An interrupt that the CPU interface does not signal ends no WFI. */
TEST(wfi_wants_the_group)
{
	struct gic_vm g;

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	vm_with_timers(&g, 1);
	gic_enable(&g, &g.vcpu[0], 40, 0x80, false);
	EXPECT_EQ(sleeps_through(&g, false, raise_spi), 0);
}

static void access_distributor(struct gic_vm *g)
{
	unsigned int i;

	for (i = 0; i < 10; i++)
		gic_write(&g->vcpu[1], GUEST_GICD + GICD_CTLR, 4, 3);
}

/* Nor does another vCPU that has all of them out of the guest. */
TEST(wfi_goes_on_for_others)
{
	struct gic_vm g;

	if (!has_gic())
		SKIP(return, "%s", no_gic);
	vm_with_timers(&g, 2);
	EXPECT_EQ(sleeps_through(&g, true, access_distributor), 0);
}

/*
 * Without a GIC, nobody but the VMM hears of the virtual timer; and it must not
 * keep the guest from running.
 */
static void guest_due_timer(void)
{
	write_sysreg(0, cntv_cval_el0);
	write_sysreg(CTL_ENABLE, cntv_ctl_el0);
	isb();
	GUEST_SYNC_ARGS(1, read_sysreg(cntv_ctl_el0), 0, 0);
	GUEST_DONE();
}

TEST(without_a_gic_a_due_timer_is_quiet)
{
	struct vcpu vcpu;
	struct vm vm;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	vcpu_call(&vcpu, guest_due_timer);
	vcpu_expect_sync(&vcpu, 1);
	EXPECT_EQ(vcpu_sync_arg(&vcpu, 0), CTL_ENABLE | CTL_ISTATUS);
	vcpu_expect_done(&vcpu);
}

/* ---- stolen time ------------------------------------------------- */

#define STOLEN_PAGE	GUEST_RAM

static void guest_asks(void)
{
	GUEST_SYNC_ARGS(1, guest_hvc(PV_TIME_FEATURES, PV_TIME_FEATURES, 0, 0),
			guest_hvc(PV_TIME_FEATURES, PV_TIME_ST, 0, 0),
			guest_hvc(PV_TIME_ST, 0, 0, 0));
	GUEST_SYNC_ARGS(2, guest_hvc(SMCCC_ARCH_FEATURES, PV_TIME_FEATURES, 0, 0),
			guest_hvc(PV_TIME_FEATURES, SMCCC_ARCH_FEATURES, 0, 0), 0);
	GUEST_DONE();
}

/* Runs for so many ticks without an exit of its own, and again. */
static void guest_works(u64 ticks)
{
	u64 end;

	for (;;) {
		end = timer_now(VIRT) + ticks;
		while (timer_now(VIRT) < end)
			;
		GUEST_SYNC(1);
	}
}

static bool has_stolen_time(struct vcpu *vcpu)
{
	u32 count, *ids = vcpu_reg_list(vcpu, &count), i;
	bool found = false;

	for (i = 0; i < count; i++)
		found |= ids[i] == ARMVCPU_REG_STOLEN_TIME;
	free(ids);
	return found;
}

FIXTURE(stolen) {
	struct vm vm;
	struct vcpu vcpu;
	u64 *page;
};

FIXTURE_SETUP(stolen)
{
	vm_init(&self->vm);
	self->page = vm_add_memory(&self->vm, 0, STOLEN_PAGE, page_size());
	vcpu_init(&self->vcpu, &self->vm, 0);
}

static const char not_counted[] =
	"this kernel does not count what tasks wait for (CONFIG_SCHED_INFO)";

FIXTURE_TEARDOWN(stolen)
{
}

TEST_F(stolen, is_not_there_unless_asked_for)
{
	if (!has_stolen_time(&self->vcpu))
		SKIP(return, "%s", not_counted);
	EXPECT_EQ(vcpu_get(&self->vcpu, ARMVCPU_REG_STOLEN_TIME), ARMVCPU_NO_STOLEN_TIME);
	vcpu_call(&self->vcpu, guest_asks);
	vcpu_expect_sync(&self->vcpu, 1);
	EXPECT_EQ((s64)vcpu_sync_arg(&self->vcpu, 0), -1);
	EXPECT_EQ((s64)vcpu_sync_arg(&self->vcpu, 1), -1);
	EXPECT_EQ((s64)vcpu_sync_arg(&self->vcpu, 2), -1);
	vcpu_expect_sync(&self->vcpu, 2);
	EXPECT_EQ((s64)vcpu_sync_arg(&self->vcpu, 0), -1);
	vcpu_expect_done(&self->vcpu);
}

TEST_F(stolen, is_announced)
{
	if (!has_stolen_time(&self->vcpu))
		SKIP(return, "%s", not_counted);
	vcpu_set(&self->vcpu, ARMVCPU_REG_STOLEN_TIME, STOLEN_PAGE + 64);
	vcpu_call(&self->vcpu, guest_asks);
	vcpu_expect_sync(&self->vcpu, 1);
	EXPECT_EQ(vcpu_sync_arg(&self->vcpu, 0), 0);
	EXPECT_EQ(vcpu_sync_arg(&self->vcpu, 1), 0);
	EXPECT_EQ(vcpu_sync_arg(&self->vcpu, 2), STOLEN_PAGE + 64);
	vcpu_expect_sync(&self->vcpu, 2);
	EXPECT_EQ(vcpu_sync_arg(&self->vcpu, 0), 0);
	EXPECT_EQ((s64)vcpu_sync_arg(&self->vcpu, 1), -1);
	vcpu_expect_done(&self->vcpu);
}

TEST_F(stolen, has_an_address)
{
	static const u64 bad[] = { 1, 8, 32, STOLEN_PAGE + 4, 1UL << 52, ~63UL };
	unsigned int i;

	if (!has_stolen_time(&self->vcpu))
		SKIP(return, "%s", not_counted);
	vcpu_set(&self->vcpu, ARMVCPU_REG_STOLEN_TIME, STOLEN_PAGE);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(vcpu_try_set(&self->vcpu, ARMVCPU_REG_STOLEN_TIME, bad[i]), -EINVAL);
	EXPECT_EQ(vcpu_get(&self->vcpu, ARMVCPU_REG_STOLEN_TIME), STOLEN_PAGE);
	/* Where no memory is, nothing is written. */
	vcpu_set(&self->vcpu, ARMVCPU_REG_STOLEN_TIME, 0);
	vcpu_call(&self->vcpu, guest_asks);
	vcpu_expect_sync(&self->vcpu, 1);
	vcpu_set(&self->vcpu, ARMVCPU_REG_STOLEN_TIME, ARMVCPU_NO_STOLEN_TIME);
	EXPECT_EQ(self->page[0] | self->page[1], 0);
}

/* A VM that is restored has in its memory what it knew before. */
TEST_F(stolen, goes_on_from_there)
{
	if (!has_stolen_time(&self->vcpu))
		SKIP(return, "%s", not_counted);
	self->page[1] = 1000000000000;
	vcpu_set(&self->vcpu, ARMVCPU_REG_STOLEN_TIME, STOLEN_PAGE);
	vcpu_call(&self->vcpu, guest_asks);
	vcpu_expect_sync(&self->vcpu, 1);
	EXPECT_GE(self->page[1], 1000000000000);
}

static bool stop;

static void *spin(void *arg)
{
	(void)arg;
	pin_to_cpu(0);
	while (!READ_ONCE(stop))
		;
	return NULL;
}

/* Somebody else wants the same CPU: about half of the time is stolen. */
TEST_F(stolen, grows)
{
	u64 start, wall;
	pthread_t thread;
	int i;

	if (!has_stolen_time(&self->vcpu))
		SKIP(return, "%s", not_counted);
	pin_to_cpu(0);
	vcpu_set(&self->vcpu, ARMVCPU_REG_STOLEN_TIME, STOLEN_PAGE + 64);
	vcpu_call(&self->vcpu, guest_works, counter_hz() / 50);
	vcpu_expect_sync(&self->vcpu, 1);
	test_check(!pthread_create(&thread, NULL, spin, NULL));
	start = now_ns();
	for (i = 0; i < 25; i++)
		vcpu_expect_sync(&self->vcpu, 1);
	wall = now_ns() - start;
	WRITE_ONCE(stop, true);
	pthread_join(thread, NULL);
	/* Revision and attributes; and nothing is beside it. */
	EXPECT_EQ(self->page[8], 0);
	EXPECT_GT(self->page[9], wall / 10);
	EXPECT_LT(self->page[9], wall);
	EXPECT_EQ(self->page[0] | self->page[1] | self->page[10], 0);
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
