// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts that a guest takes from its GIC: which, when, in which order and
 * how often; more of them than list registers; their end; SGIs between vCPUs;
 * and a guest that goes on in another VM in the midst of one.
 */
#include "harness.h"

#include <pthread.h>

#include "gic.h"

#define ACK		(GUEST_MMIO + 0x40)
#define SPI		40
#define LOG_SIZE	256

/* ---- the guest --------------------------------------------------- */

/**
 * struct log - what the guest has taken
 * @count: how many.
 * @iar: GICC_IAR or ICC_IAR1_EL1.
 * @vector: GUEST_VECTOR_IRQ or FIQ.
 * @rpr: running priority, once it is acknowledged.
 */
static struct log {
	u64 count;
	u32 iar[LOG_SIZE];
	u32 vector[LOG_SIZE];
	u32 rpr[LOG_SIZE];
} taken;

/* What the handler does: HANDLER_*, or'ed. */
#define HANDLER_ACK	BIT(0)	/* tells the device */
#define HANDLER_NEST	BIT(1)	/* others may come */
#define HANDLER_SYNC	BIT(2)	/* stage 2, before the end */

static u64 how;
/* What a window begins with: the IAR of one to deactivate, 0: none. */
static u64 deactivate;
static u64 word;

static void record(u32 iar, u64 vector)
{
	u64 n = taken.count % LOG_SIZE;

	GUEST_ASSERT_EQ(n, taken.count);
	taken.iar[n] = iar;
	taken.vector[n] = vector % 4;
	taken.rpr[n] = guest_rpr();
	taken.count = n + 1;
}

static void handler(struct guest_frame *frame, u64 vector)
{
	u32 iar = guest_iar();

	(void)frame;
	record(iar, vector);
	/* GICv2's come with their sender. */
	if ((iar & 0x3ff) >= 1020)
		return;
	if (how & HANDLER_ACK)
		guest_write32(ACK, iar);
	if (how & HANDLER_NEST) {
		guest_unmask();
		guest_mask();
	}
	if (how & HANDLER_SYNC)
		GUEST_SYNC(2);
	guest_eoi(iar);
}

/* A time in which interrupts are taken, between two stages. */
static void guest_windows(u64 eoimode)
{
	guest_cpu()->handler = handler;
	guest_gic_on(eoimode);
	for (;;) {
		GUEST_SYNC(1);
		if (deactivate) {
			guest_dir(deactivate);
			deactivate = 0;
		}
		guest_unmask();
		guest_mask();
	}
}

/* ---- the test ---------------------------------------------------- */

#define ANY		(GIC_V2 | GIC_V3)

FIXTURE(irq) {
	struct gic_vm g;
	struct vm *vm;
	struct vcpu *a, *b;
};

FIXTURE_SETUP(irq)
{
	u32 version = gic_version(ANY);

	if (!version)
		return;
	gic_vm_init(&self->g, version, 2);
	self->vm = &self->g.vm;
	self->a = &self->g.vcpu[0];
	self->b = &self->g.vcpu[1];
}

FIXTURE_TEARDOWN(irq)
{
}

/* To the beginning of the first window. */
static void start(struct vcpu *vcpu, u64 handler_does, bool eoimode)
{
	how = handler_does;
	vcpu_call(vcpu, guest_windows, eoimode);
	vcpu_expect_sync(vcpu, 1);
}

/* One window, in which so many are taken. */
#define window(vcpu, count) __window(vcpu, count, __FILE__, __LINE__)
static void __window(struct vcpu *vcpu, u64 count, const char *file, int line)
{
	u64 i;

	taken.count = 0;
	__vcpu_expect_sync(vcpu, 1, file, line);
	if (taken.count == count)
		return;
	for (i = 0; i < taken.count; i++)
		fprintf(stderr, "# IAR %u at running priority 0x%x\n", taken.iar[i],
			taken.rpr[i]);
	__test_fail(file, line, "%llu interrupts, not %llu", taken.count, count);
}

static void expect_ack(struct vcpu *vcpu, u32 intid)
{
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	if (vcpu->run->u.mmio.ipa != ACK || vcpu->run->u.mmio.data != intid) {
		vcpu_print_exit(vcpu);
		test_fail("not the acknowledgment of %u", intid);
	}
}

static void dir_next(u32 iar)
{
	deactivate = iar;
}

/* ---- one of them ------------------------------------------------- */

TEST_F(irq, edge)
{
	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(&self->g, self->a, SPI, 0x80, true);
	start(self->a, 0, false);
	window(self->a, 0);
	gic_pulse(self->vm, SPI);
	window(self->a, 1);
	EXPECT_EQ(SPI, taken.iar[0]);
	EXPECT_EQ(GUEST_VECTOR_IRQ, taken.vector[0]);
	EXPECT_EQ(0x80, taken.rpr[0]);
	window(self->a, 0);
	/* Several edges before it is taken are one. */
	gic_pulse(self->vm, SPI);
	gic_pulse(self->vm, SPI);
	window(self->a, 1);
	EXPECT_FALSE(gic_state(&self->g, self->a, GICD_ISPENDR, SPI));
	EXPECT_FALSE(gic_state(&self->g, self->a, GICD_ISACTIVER, SPI));
}

/* As long as the line is up: the state is looked at again after each end. */
TEST_F(irq, level)
{
	int i;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(&self->g, self->a, SPI, 0x80, false);
	start(self->a, HANDLER_ACK, false);
	gic_irq(self->vm, SPI, 1);
	taken.count = 0;
	for (i = 0; i < 3; i++)
		expect_ack(self->a, SPI);
	EXPECT_TRUE(gic_state(&self->g, self->a, GICD_ISACTIVER, SPI));
	gic_irq(self->vm, SPI, 0);
	vcpu_expect_sync(self->a, 1);
	EXPECT_EQ(3, taken.count);
	/* Lowered before it is taken: it was never there. */
	gic_irq(self->vm, SPI, 1);
	gic_irq(self->vm, SPI, 0);
	window(self->a, 0);
}

/* GICD_ISPENDR of a level-sensitive one: once, the line being low. */
TEST_F(irq, level_latched)
{
	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(&self->g, self->a, SPI, 0x80, false);
	gic_set_bit(&self->g, self->b, GICD_ISPENDR, SPI);
	start(self->a, 0, false);
	window(self->a, 1);
	window(self->a, 0);
	EXPECT_FALSE(gic_state(&self->g, self->a, GICD_ISPENDR, SPI));
}

/* An edge while it is active: another one, when this one is done. */
TEST_F(irq, edge_while_active)
{
	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(&self->g, self->a, SPI, 0x80, true);
	start(self->a, HANDLER_ACK, false);
	gic_pulse(self->vm, SPI);
	taken.count = 0;
	expect_ack(self->a, SPI);
	gic_pulse(self->vm, SPI);
	EXPECT_TRUE(gic_bit(&self->g, self->b, GICD_ISPENDR, SPI));
	EXPECT_TRUE(gic_bit(&self->g, self->b, GICD_ISACTIVER, SPI));
	expect_ack(self->a, SPI);
	vcpu_expect_sync(self->a, 1);
	EXPECT_EQ(2, taken.count);
	window(self->a, 0);
}

TEST_F(irq, ppi)
{
	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(&self->g, self->a, 22, 0x80, false);
	gic_enable(&self->g, self->b, 22, 0x80, false);
	start(self->a, HANDLER_ACK, false);
	ASSERT_EQ(0, gic_try_irq(self->vm, 22, 1, 1));
	window(self->a, 0);
	ASSERT_EQ(0, gic_try_irq(self->vm, 22, 0, 1));
	expect_ack(self->a, 22);
	ASSERT_EQ(0, gic_try_irq(self->vm, 22, 0, 0));
	vcpu_expect_sync(self->a, 1);
	/* The other's is still there, for the other. */
	start(self->b, HANDLER_ACK, false);
	expect_ack(self->b, 22);
	ASSERT_EQ(0, gic_try_irq(self->vm, 22, 1, 0));
	vcpu_expect_sync(self->b, 1);
}

/* Not enabled, or not its group: it stays pending. */
TEST_F(irq, disabled)
{
	struct gic_vm *g = &self->g;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(g, self->a, SPI, 0x80, true);
	start(self->a, 0, false);
	gic_set_bit(g, self->b, GICD_ICENABLER, SPI);
	gic_pulse(self->vm, SPI);
	window(self->a, 0);
	EXPECT_TRUE(gic_bit(g, self->b, GICD_ISPENDR, SPI));
	gic_set_bit(g, self->b, GICD_ISENABLER, SPI);
	window(self->a, 1);
	gic_write(self->b, GUEST_GICD + GICD_CTLR, 4, g->version == 3 ? 1 : 2);
	gic_pulse(self->vm, SPI);
	window(self->a, 0);
	EXPECT_TRUE(gic_bit(g, self->b, GICD_ISPENDR, SPI));
	gic_write(self->b, GUEST_GICD + GICD_CTLR, 4, 3);
	window(self->a, 1);
}

/* What software has made active is taken by nobody. */
TEST_F(irq, active_by_software)
{
	struct gic_vm *g = &self->g;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(g, self->a, SPI, 0x80, false);
	gic_set_bit(g, self->b, GICD_ISACTIVER, SPI);
	start(self->a, HANDLER_ACK, false);
	gic_irq(self->vm, SPI, 1);
	window(self->a, 0);
	EXPECT_TRUE(gic_bit(g, self->b, GICD_ISACTIVER, SPI));
	gic_set_bit(g, self->b, GICD_ICACTIVER, SPI);
	expect_ack(self->a, SPI);
	gic_irq(self->vm, SPI, 0);
	vcpu_expect_sync(self->a, 1);
}

static void guest_looks(void)
{
	guest_gic_on(false);
	GUEST_ASSERT_EQ(SPURIOUS, guest_hppir());
	GUEST_ASSERT_EQ(SPURIOUS, guest_iar());
	GUEST_ASSERT_EQ(0xff, guest_rpr());
	GUEST_SYNC(1);
	GUEST_ASSERT(read_sysreg(isr_el1) & PSR_I);
	GUEST_ASSERT_EQ(SPI, guest_hppir());
	GUEST_ASSERT_EQ(SPI, guest_hppir());
	GUEST_ASSERT_EQ(SPI, guest_iar());
	GUEST_ASSERT_EQ(SPURIOUS, guest_iar());
	GUEST_ASSERT_EQ(0, read_sysreg(isr_el1) & PSR_I);
	GUEST_ASSERT_EQ(0x80, guest_rpr());
	guest_eoi(SPI);
	GUEST_ASSERT_EQ(0xff, guest_rpr());
}

/* By polling, PSTATE masking all. */
TEST_F(irq, polled)
{
	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(&self->g, self->a, SPI, 0x80, true);
	vcpu_call(self->a, guest_looks);
	vcpu_expect_sync(self->a, 1);
	gic_pulse(self->vm, SPI);
	vcpu_expect_done(self->a);
}

/* ---- priorities -------------------------------------------------- */

TEST_F(irq, highest_priority_first)
{
	static const u8 priorities[] = { 0xc0, 0x40, 0xf0, 0x00, 0x80, 0x20 };
	static const u8 order[] = { 3, 5, 1, 4, 0, 2 };
	unsigned int i;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	for (i = 0; i < ARRAY_SIZE(priorities); i++) {
		gic_enable(&self->g, self->a, SPI + i, priorities[i], true);
		gic_pulse(self->vm, SPI + i);
	}
	start(self->a, 0, false);
	window(self->a, ARRAY_SIZE(order));
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		EXPECT_EQ(SPI + order[i], taken.iar[i]);
		EXPECT_EQ(priorities[order[i]], taken.rpr[i]);
	}
}

/* In the midst of one: the higher ones now, the others after it. */
TEST_F(irq, preemption)
{
	static const u8 priorities[] = { 0x80, 0x40, 0x80, 0xc0, 0x20 };
	static const u8 order[] = { 0, 1, 4, 2, 3 };
	unsigned int i;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	for (i = 0; i < ARRAY_SIZE(priorities); i++)
		gic_enable(&self->g, self->a, SPI + i, priorities[i], true);
	start(self->a, HANDLER_ACK | HANDLER_NEST, false);
	gic_pulse(self->vm, SPI);
	taken.count = 0;
	expect_ack(self->a, SPI);
	for (i = 1; i < 4; i++)
		gic_pulse(self->vm, SPI + i);
	expect_ack(self->a, SPI + 1);
	/* A third level. */
	gic_pulse(self->vm, SPI + 4);
	expect_ack(self->a, SPI + 4);
	expect_ack(self->a, SPI + 2);
	expect_ack(self->a, SPI + 3);
	vcpu_expect_sync(self->a, 1);
	ASSERT_EQ(ARRAY_SIZE(order), taken.count);
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		EXPECT_EQ(SPI + order[i], taken.iar[i]);
		EXPECT_EQ(priorities[order[i]], taken.rpr[i]);
	}
	for (i = 0; i < ARRAY_SIZE(order); i++)
		EXPECT_FALSE(gic_state(&self->g, self->a, GICD_ISACTIVER, SPI + i));
}

static void guest_windows_bpr(u64 bpr)
{
	guest_set_bpr(bpr);
	guest_windows(false);
}

/* A binary point of 7: only bit 7 makes a group, or nothing does. */
TEST_F(irq, binary_point)
{
	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(&self->g, self->a, SPI, 0xa0, true);
	gic_enable(&self->g, self->a, SPI + 1, 0x80, true);
	how = HANDLER_ACK | HANDLER_NEST;
	vcpu_call(self->a, guest_windows_bpr, 7);
	vcpu_expect_sync(self->a, 1);
	gic_pulse(self->vm, SPI);
	taken.count = 0;
	expect_ack(self->a, SPI);
	gic_pulse(self->vm, SPI + 1);
	/* No preemption: only when the first is done. */
	vcpu_expect(self->a, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(2, taken.count);
	EXPECT_FALSE(gic_state(&self->g, self->a, GICD_ISACTIVER, SPI));
	vcpu_expect_sync(self->a, 1);
}

static void guest_windows_pmr(u64 pmr)
{
	guest_cpu()->handler = handler;
	guest_gic_on(false);
	guest_set_pmr(pmr);
	for (;;) {
		GUEST_SYNC(1);
		if (word)
			guest_set_pmr(word);
		guest_unmask();
		guest_mask();
	}
}

/* Only what is higher than the mask. */
TEST_F(irq, priority_mask)
{
	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(&self->g, self->a, SPI, 0x80, true);
	gic_enable(&self->g, self->a, SPI + 1, 0x78, true);
	vcpu_call(self->a, guest_windows_pmr, 0x80);
	vcpu_expect_sync(self->a, 1);
	gic_pulse(self->vm, SPI);
	gic_pulse(self->vm, SPI + 1);
	window(self->a, 1);
	EXPECT_EQ(SPI + 1, taken.iar[0]);
	word = 0x88;
	window(self->a, 1);
	EXPECT_EQ(SPI, taken.iar[0]);
}

/* Changed while it is pending. */
TEST_F(irq, priority_changes)
{
	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(&self->g, self->a, SPI, 0x80, true);
	gic_enable(&self->g, self->a, SPI + 1, 0x90, true);
	start(self->a, 0, false);
	gic_pulse(self->vm, SPI);
	gic_pulse(self->vm, SPI + 1);
	gic_set_priority(&self->g, self->b, SPI, 0xa0);
	window(self->a, 2);
	EXPECT_EQ(SPI + 1, taken.iar[0]);
	EXPECT_EQ(SPI, taken.iar[1]);
	EXPECT_EQ(0xa0, taken.rpr[1]);
}

/* ---- more than list registers ------------------------------------ */

#define MANY	48	/* from SPI on */

/* All of them, once each, by priority. */
TEST_F(irq, many_pending)
{
	u64 seen = 0;
	unsigned int i;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	for (i = 0; i < MANY; i++) {
		gic_enable(&self->g, self->a, SPI + i, i * 7 % 30 << 3, true);
		gic_pulse(self->vm, SPI + i);
	}
	start(self->a, 0, false);
	window(self->a, MANY);
	for (i = 0; i < MANY; i++) {
		seen |= BIT(taken.iar[i] - SPI);
		if (i)
			EXPECT_LE(taken.rpr[i - 1], taken.rpr[i]);
	}
	EXPECT_EQ(BIT(MANY) - 1, seen);
	window(self->a, 0);
}

TEST_F(irq, many_levels)
{
	unsigned int i;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	for (i = 0; i < MANY; i++) {
		gic_enable(&self->g, self->a, SPI + i, 0x80, false);
		gic_irq(self->vm, SPI + i, 1);
	}
	start(self->a, HANDLER_ACK, false);
	taken.count = 0;
	for (i = 0; i < MANY; i++) {
		vcpu_expect(self->a, ARMVCPU_EXIT_MMIO);
		gic_irq(self->vm, self->a->run->u.mmio.data, 0);
	}
	vcpu_expect_sync(self->a, 1);
	EXPECT_EQ(MANY, taken.count);
}

/* Nested to a depth that no list registers hold: as many as there are priorities. */
TEST_F(irq, many_active_nested)
{
	unsigned int i, n = 24;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	for (i = 0; i < n; i++)
		gic_enable(&self->g, self->a, SPI + i, (n - i) << 3, true);
	start(self->a, HANDLER_ACK | HANDLER_NEST, false);
	gic_pulse(self->vm, SPI);
	taken.count = 0;
	for (i = 0; i < n; i++) {
		expect_ack(self->a, SPI + i);
		if (i + 1 < n)
			gic_pulse(self->vm, SPI + i + 1);
	}
	vcpu_expect_sync(self->a, 1);
	EXPECT_EQ(n, taken.count);
	for (i = 0; i < n; i++) {
		EXPECT_FALSE(gic_state(&self->g, self->a, GICD_ISACTIVER, SPI + i)) {
			TH_LOG("SPI %u", SPI + i);
		}
		gic_pulse(self->vm, SPI + i);
	}
	/* All can be taken again. */
	for (i = 0; i < n; i++)
		vcpu_expect(self->a, ARMVCPU_EXIT_MMIO);
	vcpu_expect_sync(self->a, 1);
	EXPECT_EQ(2 * n, taken.count);
}

/* ---- EOImode 1 --------------------------------------------------- */

/* Its priority is dropped, but it is active until it is deactivated. */
TEST_F(irq, eoimode_1)
{
	struct gic_vm *g = &self->g;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(g, self->a, SPI, 0x80, false);
	gic_enable(g, self->a, SPI + 1, 0x80, true);
	start(self->a, 0, true);
	gic_irq(self->vm, SPI, 1);
	window(self->a, 1);
	EXPECT_TRUE(gic_state(g, self->a, GICD_ISACTIVER, SPI));
	/* The line is up, and it is not taken again. */
	window(self->a, 0);
	/* Others of the same priority are. */
	gic_pulse(self->vm, SPI + 1);
	window(self->a, 1);
	EXPECT_EQ(SPI + 1, taken.iar[0]);
	dir_next(SPI + 1);
	window(self->a, 0);
	EXPECT_FALSE(gic_state(g, self->a, GICD_ISACTIVER, SPI + 1));
	/* Deactivated, it is taken again, for its line. */
	dir_next(SPI);
	window(self->a, 1);
	EXPECT_EQ(SPI, taken.iar[0]);
	gic_irq(self->vm, SPI, 0);
	dir_next(SPI);
	window(self->a, 0);
	EXPECT_FALSE(gic_state(g, self->a, GICD_ISACTIVER, SPI));
}

/* An edge meanwhile waits for the deactivation. */
TEST_F(irq, eoimode_1_edge)
{
	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(&self->g, self->a, SPI, 0x80, true);
	start(self->a, 0, true);
	gic_pulse(self->vm, SPI);
	window(self->a, 1);
	gic_pulse(self->vm, SPI);
	window(self->a, 0);
	dir_next(SPI);
	window(self->a, 1);
	dir_next(SPI);
	window(self->a, 0);
}

/* Many that are active at the same time, deactivated in another order. */
TEST_F(irq, eoimode_1_many)
{
	struct gic_vm *g = &self->g;
	unsigned int i;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	for (i = 0; i < MANY; i++) {
		gic_enable(g, self->a, SPI + i, 0x80, true);
		gic_pulse(self->vm, SPI + i);
	}
	start(self->a, 0, true);
	window(self->a, MANY);
	for (i = 0; i < MANY; i++) {
		EXPECT_TRUE(gic_state(g, self->a, GICD_ISACTIVER, SPI + i)) {
			TH_LOG("SPI %u", SPI + i);
		}
	}
	/* One more gets through. */
	gic_enable(g, self->a, 33, 0x80, true);
	gic_pulse(self->vm, 33);
	window(self->a, 1);
	EXPECT_EQ(33, taken.iar[0]);
	dir_next(33);
	for (i = 0; i < MANY; i++) {
		u32 intid = SPI + i * 5 % MANY, next = SPI + (i + 1) * 5 % MANY;

		window(self->a, 0);
		dir_next(intid);
		window(self->a, 0);
		EXPECT_FALSE(gic_state(g, self->a, GICD_ISACTIVER, intid)) {
			TH_LOG("SPI %u", intid);
		}
		EXPECT_EQ(i + 1 < MANY, gic_state(g, self->a, GICD_ISACTIVER, next)) {
			TH_LOG("SPI %u", next);
		}
	}
}

/* The guest is in there, with one that it has not deactivated. */
static void guest_holds(u64 intid)
{
	guest_cpu()->handler = handler;
	guest_gic_on(true);
	GUEST_SYNC(1);
	guest_unmask();
	guest_mask();
	GUEST_ASSERT_EQ(1, taken.count);
	GUEST_ASSERT_EQ(intid, taken.iar[0]);
	shared_set(word, 1);
	while (shared_get(word) == 1)
		;
	/* Ended by another, it comes again; perhaps later than the word. */
	guest_unmask();
	while (shared_get(taken.count) < 2)
		;
	guest_mask();
}

static void *run_to_done(void *arg)
{
	vcpu_expect_done(arg);
	return NULL;
}

/* An SPI is deactivated by who likes to, not only by who has acknowledged it. */
TEST_F(irq, eoimode_1_by_another)
{
	struct gic_vm *g = &self->g;
	pthread_t thread;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(g, self->a, SPI, 0x80, true);
	start(self->a, 0, true);
	start(self->b, 0, true);
	gic_pulse(self->vm, SPI);
	window(self->a, 1);
	dir_next(SPI);
	window(self->b, 0);
	EXPECT_FALSE(gic_state(g, self->a, GICD_ISACTIVER, SPI));
	gic_pulse(self->vm, SPI);
	window(self->a, 1);
	dir_next(SPI);
	window(self->b, 0);
	/* The same while it is in the other's list register. */
	taken.count = 0;
	vcpu_call(self->a, guest_holds, SPI);
	vcpu_expect_sync(self->a, 1);
	gic_pulse(self->vm, SPI);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_to_done, self->a));
	while (!shared_get(word))
		usleep(1000);
	EXPECT_EQ(1, taken.count);
	dir_next(SPI);
	__vcpu_expect_sync(self->b, 1, __FILE__, __LINE__);
	gic_pulse(self->vm, SPI);
	shared_set(word, 2);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(2, taken.count);
}

/* ---- group 0 ----------------------------------------------------- */

static void fiq_handler(struct guest_frame *frame, u64 vector)
{
	u32 iar;

	(void)frame;
	if (guest_gic_version == 2) {
		/* With AckCtl, for both groups. */
		iar = guest_iar();
		record(iar, vector);
		guest_eoi(iar);
	} else if (vector % 4 == GUEST_VECTOR_FIQ) {
		iar = read_sysreg(ICC_IAR0_EL1);
		record(iar, vector);
		write_sysreg(iar, ICC_EOIR0_EL1);
	} else {
		iar = read_sysreg(ICC_IAR1_EL1);
		record(iar, vector);
		write_sysreg(iar, ICC_EOIR1_EL1);
	}
	isb();
}

/* Group 1 alone for one window; then both. */
static void guest_group_1_first(void)
{
	guest_cpu()->handler = fiq_handler;
	guest_set_pmr(0xff);
	if (guest_gic_version == 2)
		guest_write32(GUEST_GICC + GICC_CTLR,
			      GICC_CTLR_GRP1 | GICC_CTLR_ACKCTL | GICC_CTLR_FIQEN);
	else
		write_sysreg(1, ICC_IGRPEN1_EL1);
	isb();
	GUEST_SYNC(1);
	guest_unmask();
	guest_mask();
	GUEST_SYNC(1);
	guest_unmask();
	if (guest_gic_version == 2)
		guest_write32(GUEST_GICC + GICC_CTLR,
			      GICC_CTLR_GRP0 | GICC_CTLR_GRP1 | GICC_CTLR_ACKCTL |
			      GICC_CTLR_FIQEN);
	else
		write_sysreg(1, ICC_IGRPEN0_EL1);
	isb();
	while (shared_get(taken.count) < MANY + (guest_gic_version == 2))
		;
	guest_mask();
	GUEST_SYNC(1);
}

static void guest_two_groups(void)
{
	guest_cpu()->handler = fiq_handler;
	guest_set_pmr(0xff);
	if (guest_gic_version == 2) {
		guest_write32(GUEST_GICC + GICC_CTLR,
			      GICC_CTLR_GRP0 | GICC_CTLR_GRP1 | GICC_CTLR_ACKCTL |
			      GICC_CTLR_FIQEN);
	} else {
		write_sysreg(1, ICC_IGRPEN0_EL1);
		write_sysreg(1, ICC_IGRPEN1_EL1);
		isb();
	}
	for (;;) {
		GUEST_SYNC(1);
		guest_unmask();
		guest_mask();
	}
}

TEST_F(irq, groups)
{
	u32 bits = BIT((SPI + 1) % 32);

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(&self->g, self->a, SPI, 0x80, true);
	gic_enable(&self->g, self->a, SPI + 1, 0x90, true);
	/* Group 1 is the second one alone. */
	gic_set(self->vm, ARMVCPU_GIC_DIST, GICD_IGROUPR + 4, 0, bits);
	vcpu_call(self->a, guest_two_groups);
	vcpu_expect_sync(self->a, 1);
	gic_pulse(self->vm, SPI);
	window(self->a, 1);
	EXPECT_EQ(SPI, taken.iar[0]);
	EXPECT_EQ(GUEST_VECTOR_FIQ, taken.vector[0]);
	gic_pulse(self->vm, SPI + 1);
	window(self->a, 1);
	EXPECT_EQ(SPI + 1, taken.iar[0]);
	EXPECT_EQ(GUEST_VECTOR_IRQ, taken.vector[0]);
	/* Both, and then each group's enable bit. */
	gic_pulse(self->vm, SPI);
	gic_pulse(self->vm, SPI + 1);
	window(self->a, 2);
	gic_write(self->b, GUEST_GICD + GICD_CTLR, 4, 2);
	gic_pulse(self->vm, SPI);
	gic_pulse(self->vm, SPI + 1);
	window(self->a, 1);
	EXPECT_EQ(SPI + 1, taken.iar[0]);
	gic_write(self->b, GUEST_GICD + GICD_CTLR, 4, 1);
	gic_pulse(self->vm, SPI + 1);
	window(self->a, 1);
	EXPECT_EQ(SPI, taken.iar[0]);
}

/*
 * What is pending in a group that the guest has disabled does not fill its list
 * registers; a GICv2 signals nothing, then.
 */
TEST_F(irq, groups_kept_back)
{
	unsigned int other = SPI + MANY, i;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	for (i = 0; i <= MANY; i++)
		gic_enable(&self->g, self->a, SPI + i, i < MANY ? 0x80 : 0x90, true);
	gic_set(self->vm, ARMVCPU_GIC_DIST, GICD_IGROUPR + 4, 0, 0);
	gic_set(self->vm, ARMVCPU_GIC_DIST, GICD_IGROUPR + 8, 0, BIT(other % 32));
	vcpu_call(self->a, guest_group_1_first);
	vcpu_expect_sync(self->a, 1);
	for (i = 0; i <= MANY; i++)
		gic_pulse(self->vm, SPI + i);
	if (self->g.version == 3) {
		window(self->a, 1);
		EXPECT_EQ(other, taken.iar[0]);
		EXPECT_EQ(GUEST_VECTOR_IRQ, taken.vector[0]);
		window(self->a, MANY);
	} else {
		window(self->a, 0);
		window(self->a, MANY + 1);
		EXPECT_EQ(other, taken.iar[MANY]);
	}
	EXPECT_EQ(GUEST_VECTOR_FIQ, taken.vector[0]);
}

/* ---- who gets it ------------------------------------------------- */

static void route(struct gic_vm *g, struct vcpu *by, u32 intid, struct vcpu *to)
{
	if (g->version == 3)
		gic_write(by, GUEST_GICD + GICD_IROUTER + intid * 8, 8, to ? to->index : 0xffffff);
	else
		gic_write(by, GUEST_GICD + GICD_ITARGETSR + intid, 1, to ? BIT(to->index) : 0);
}

TEST_F(irq, routing)
{
	struct gic_vm *g = &self->g;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_vm_add_vcpu(g, 2);
	gic_enable(g, self->a, SPI, 0x80, true);
	start(self->a, 0, false);
	start(self->b, 0, false);
	route(g, &g->vcpu[2], SPI, self->b);
	gic_pulse(self->vm, SPI);
	window(self->a, 0);
	window(self->b, 1);
	/* To another while it is pending. */
	gic_pulse(self->vm, SPI);
	route(g, &g->vcpu[2], SPI, self->a);
	window(self->b, 0);
	window(self->a, 1);
	/* To nobody; it is kept. */
	route(g, &g->vcpu[2], SPI, NULL);
	gic_pulse(self->vm, SPI);
	window(self->b, 0);
	window(self->a, 0);
	route(g, &g->vcpu[2], SPI, self->b);
	window(self->b, 1);
}

/* Routed to a vCPU that comes later. */
TEST_F(irq, routed_to_one_that_comes)
{
	struct gic_vm *g = &self->g;
	struct vcpu *c = &g->vcpu[2];

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(g, self->a, SPI, 0x80, true);
	if (g->version == 3)
		gic_set(self->vm, ARMVCPU_GIC_DIST, GICD_IROUTER + SPI * 8, 0, 2);
	else
		gic_set(self->vm, ARMVCPU_GIC_DIST, GICD_ITARGETSR + SPI, 0, BIT(2));
	gic_pulse(self->vm, SPI);
	start(self->a, 0, false);
	window(self->a, 0);
	gic_vm_add_vcpu(g, 2);
	start(c, 0, false);
	window(c, 1);
}

/* A vCPU goes with what it had: pending is kept, active is not. */
TEST_F(irq, a_vcpu_goes)
{
	struct gic_vm *g = &self->g;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(g, self->b, SPI, 0x80, true);
	gic_enable(g, self->b, SPI + 1, 0xa0, true);
	start(self->b, HANDLER_ACK, false);
	gic_pulse(self->vm, SPI);
	gic_pulse(self->vm, SPI + 1);
	expect_ack(self->b, SPI);
	vcpu_close(self->b);
	EXPECT_FALSE(gic_bit(g, self->a, GICD_ISACTIVER, SPI));
	EXPECT_TRUE(gic_bit(g, self->a, GICD_ISPENDR, SPI + 1));
	route(g, self->a, SPI, self->a);
	route(g, self->a, SPI + 1, self->a);
	start(self->a, 0, false);
	window(self->a, 1);
	EXPECT_EQ(SPI + 1, taken.iar[0]);
	gic_pulse(self->vm, SPI);
	window(self->a, 1);
}

/* ---- SGIs -------------------------------------------------------- */

#define SGI	3

static void guest_sends(u64 target)
{
	guest_send_sgi(target, SGI);
}

static void guest_sends_to_self(u64 target)
{
	guest_cpu()->handler = handler;
	guest_gic_on(false);
	guest_unmask();
	guest_sends(target);
	guest_mask();
	GUEST_ASSERT_EQ(1, taken.count);
	GUEST_ASSERT_EQ(SGI | (guest_gic_version == 2 ? target << 10 : 0), taken.iar[0]);
}

TEST_F(irq, sgi_to_self)
{
	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(&self->g, self->b, SGI, 0x80, true);
	vcpu_call(self->b, guest_sends_to_self, self->b->index);
	vcpu_expect_done(self->b);
}

/* GICv2: each sender's is one; GICv3 does not tell them apart. */
TEST_F(irq, sgi_of_two_senders)
{
	struct vcpu *c = &self->g.vcpu[2];
	u64 senders = 0;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_vm_add_vcpu(&self->g, 2);
	gic_enable(&self->g, self->a, SGI, 0x80, true);
	start(self->a, 0, false);
	vcpu_call(self->b, guest_sends, 0);
	vcpu_expect_done(self->b);
	vcpu_call(c, guest_sends, 0);
	vcpu_expect_done(c);
	if (self->g.version == 3) {
		window(self->a, 1);
		EXPECT_EQ(SGI, taken.iar[0]);
		return;
	}
	window(self->a, 2);
	senders = BIT(taken.iar[0] >> 10) | BIT(taken.iar[1] >> 10);
	EXPECT_EQ(6, senders);
	EXPECT_EQ(SGI, taken.iar[0] & 0x3ff);
	EXPECT_EQ(SGI, taken.iar[1] & 0x3ff);
	window(self->a, 0);
}

#define ROUNDS	100

static void answer(struct guest_frame *frame, u64 vector)
{
	u32 iar = guest_iar();

	(void)frame;
	(void)vector;
	GUEST_ASSERT_EQ(SGI, iar & 0x3ff);
	guest_eoi(iar);
	if (shared_get(word) < ROUNDS) {
		shared_set(word, shared_get(word) + 1);
		guest_sends(!guest_cpu()->trap.count);
	} else {
		shared_set(word, ~0UL);
	}
}

/* Interrupts are masked while it looks, so none is missed before the WFI. */
static void guest_plays(u64 index)
{
	struct guest_cpu *cpu = guest_cpu();

	cpu->handler = answer;
	/* Which of the two it is. */
	cpu->trap.count = index;
	guest_gic_on(false);
	GUEST_SYNC(1);
	if (!index)
		guest_sends(1);
	while (shared_get(word) != ~0UL) {
		asm volatile("wfi" : : : "memory");
		guest_unmask();
		guest_mask();
		/* The last one wakes the other. */
		if (shared_get(word) == ~0UL)
			guest_sends(!index);
	}
}

/* To and fro, each waiting in WFI for the other: none is lost. */
TEST_F(irq, sgis_to_and_fro)
{
	pthread_t thread;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(&self->g, self->a, SGI, 0x80, true);
	gic_enable(&self->g, self->b, SGI, 0x80, true);
	vcpu_call(self->a, guest_plays, 0);
	vcpu_call(self->b, guest_plays, 1);
	vcpu_expect_sync(self->a, 1);
	vcpu_expect_sync(self->b, 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_to_done, self->b));
	vcpu_expect_done(self->a);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(~0UL, word);
}

/* ---- WFI --------------------------------------------------------- */

static void guest_waits(void)
{
	guest_gic_on(false);
	GUEST_SYNC(1);
	asm volatile("wfi" : : : "memory");
	GUEST_SYNC_ARGS(2, guest_hppir(), 0, 0);
}

static void *pulse_later(void *arg)
{
	struct gic_vm *g = arg;

	usleep(20000);
	/* One that is disabled, and one that is not its own, do not wake it. */
	gic_pulse(&g->vm, SPI + 1);
	gic_pulse(&g->vm, SPI + 2);
	usleep(20000);
	shared_set(word, 1);
	gic_pulse(&g->vm, SPI);
	return NULL;
}

TEST_F(irq, wfi)
{
	struct gic_vm *g = &self->g;
	pthread_t thread;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(g, self->a, SPI, 0x80, true);
	gic_enable(g, self->a, SPI + 1, 0x80, true);
	gic_set_bit(g, self->b, GICD_ICENABLER, SPI + 1);
	gic_enable(g, self->b, SPI + 2, 0x80, true);
	vcpu_call(self->a, guest_waits);
	vcpu_expect_sync(self->a, 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, pulse_later, g));
	vcpu_expect_sync(self->a, 2);
	EXPECT_EQ(1, shared_get(word));
	EXPECT_EQ(SPI, vcpu_sync_arg(self->a, 0));
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

/* ---- from another thread ----------------------------------------- */

#define EDGES	200

static void count_handler(struct guest_frame *frame, u64 vector)
{
	u32 iar = guest_iar();

	(void)frame;
	(void)vector;
	GUEST_ASSERT_EQ(SPI, iar);
	shared_set(word, shared_get(word) + 1);
	guest_eoi(iar);
}

static void guest_counts(void)
{
	guest_cpu()->handler = count_handler;
	guest_gic_on(false);
	GUEST_SYNC(1);
	guest_unmask();
	while (shared_get(word) < EDGES)
		;
	guest_mask();
}

static void *send_edges(void *arg)
{
	struct gic_vm *g = arg;
	u64 i, end = now_ns() + 30000 * NSEC_PER_MSEC;

	for (i = 0; i < EDGES; i++) {
		gic_pulse(&g->vm, SPI);
		while (shared_get(word) == i && now_ns() < end)
			;
	}
	return NULL;
}

/* A guest that computes: each edge interrupts it, at once and once. */
TEST_F(irq, edges_from_outside)
{
	pthread_t thread;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(&self->g, self->a, SPI, 0x80, true);
	vcpu_call(self->a, guest_counts);
	vcpu_expect_sync(self->a, 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_edges, &self->g));
	vcpu_expect_done(self->a);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(EDGES, word);
}

/* ---- to another VM ----------------------------------------------- */

/**
 * struct range - registers to save
 * @versions: of which GIC.
 * @space: ARMVCPU_GIC_*.
 * @first: offset of the first.
 * @last: of the last.
 * @step: from one to the next.
 * @banked: each vCPU's own.
 */
struct range {
	u32 versions;
	u32 space;
	u32 first;
	u32 last;
	u32 step;
	bool banked;
};

#define ICC(crn, crm, op2)	ARMVCPU_SYSREG(3, 0, crn, crm, op2)

/* In the order in which they are restored. */
static const struct range ranges[] = {
	{ ANY, ARMVCPU_GIC_DIST, GICD_TYPER, GICD_IIDR, 4, false },
	{ GIC_V2, ARMVCPU_GIC_DIST, GICD_IGROUPR, GICD_IGROUPR, 4, true },
	{ ANY, ARMVCPU_GIC_DIST, GICD_IGROUPR + 4, GICD_IGROUPR + 8, 4, false },
	{ GIC_V2, ARMVCPU_GIC_DIST, GICD_ISENABLER, GICD_ISENABLER, 4, true },
	{ ANY, ARMVCPU_GIC_DIST, GICD_ISENABLER + 4, GICD_ISENABLER + 8, 4, false },
	{ GIC_V2, ARMVCPU_GIC_DIST, GICD_IPRIORITYR, GICD_IPRIORITYR + 28, 4, true },
	{ ANY, ARMVCPU_GIC_DIST, GICD_IPRIORITYR + 32, GICD_IPRIORITYR + 92, 4, false },
	{ GIC_V2, ARMVCPU_GIC_DIST, GICD_ITARGETSR + 32, GICD_ITARGETSR + 92, 4, false },
	{ ANY, ARMVCPU_GIC_DIST, GICD_ICFGR + 8, GICD_ICFGR + 20, 4, false },
	{ GIC_V3, ARMVCPU_GIC_DIST, GICD_IROUTER + 32 * 8, GICD_IROUTER + 95 * 8, 8, false },
	{ GIC_V2, ARMVCPU_GIC_DIST, GICD_SPENDSGIR, GICD_SPENDSGIR + 12, 4, true },
	{ GIC_V2, ARMVCPU_GIC_DIST, GICD_ISPENDR, GICD_ISPENDR, 4, true },
	{ ANY, ARMVCPU_GIC_DIST, GICD_ISPENDR + 4, GICD_ISPENDR + 8, 4, false },
	{ GIC_V2, ARMVCPU_GIC_DIST, GICD_ISACTIVER, GICD_ISACTIVER, 4, true },
	{ ANY, ARMVCPU_GIC_DIST, GICD_ISACTIVER + 4, GICD_ISACTIVER + 8, 4, false },
	{ GIC_V3, ARMVCPU_GIC_REDIST, GICR_TYPER, GICR_TYPER, 8, true },
	{ GIC_V3, ARMVCPU_GIC_REDIST, GICR_WAKER, GICR_WAKER, 4, true },
	{ GIC_V3, ARMVCPU_GIC_REDIST, GICR_SGI + GICD_IGROUPR, GICR_SGI + GICD_IGROUPR, 4, true },
	{ GIC_V3, ARMVCPU_GIC_REDIST, GICR_SGI + GICD_ISENABLER, GICR_SGI + GICD_ISENABLER, 4,
	  true },
	{ GIC_V3, ARMVCPU_GIC_REDIST, GICR_SGI + GICD_IPRIORITYR, GICR_SGI + GICD_IPRIORITYR + 28,
	  4, true },
	{ GIC_V3, ARMVCPU_GIC_REDIST, GICR_SGI + GICD_ISPENDR, GICR_SGI + GICD_ISPENDR, 4, true },
	{ GIC_V3, ARMVCPU_GIC_REDIST, GICR_SGI + GICD_ISACTIVER, GICR_SGI + GICD_ISACTIVER, 4,
	  true },
	{ GIC_V2, ARMVCPU_GIC_ACTIVE, 0, 15, 1, true },
	{ ANY, ARMVCPU_GIC_ACTIVE, 32, 95, 1, false },
	{ ANY, ARMVCPU_GIC_LEVEL, 0, 0, 32, true },
	{ ANY, ARMVCPU_GIC_LEVEL, 32, 64, 32, false },
	{ GIC_V2, ARMVCPU_GIC_CPU, GICC_CTLR, GICC_BPR, 4, true },
	{ GIC_V2, ARMVCPU_GIC_CPU, GICC_ABPR, GICC_ABPR, 4, true },
	{ GIC_V2, ARMVCPU_GIC_CPU, GICC_APR, GICC_APR, 4, true },
	{ GIC_V3, ARMVCPU_GIC_CPU, ICC(4, 6, 0), ICC(4, 6, 0), 1, true },	/* ICC_PMR_EL1 */
	{ GIC_V3, ARMVCPU_GIC_CPU, ICC(12, 8, 3), ICC(12, 8, 3), 1, true },	/* ICC_BPR0_EL1 */
	{ GIC_V3, ARMVCPU_GIC_CPU, ICC(12, 8, 4), ICC(12, 8, 4), 1, true },	/* ICC_AP0R0_EL1 */
	{ GIC_V3, ARMVCPU_GIC_CPU, ICC(12, 9, 0), ICC(12, 9, 0), 1, true },	/* ICC_AP1R0_EL1 */
	{ GIC_V3, ARMVCPU_GIC_CPU, ICC(12, 12, 3), ICC(12, 12, 3), 1, true },	/* ICC_BPR1_EL1 */
	{ GIC_V3, ARMVCPU_GIC_CPU, ICC(12, 12, 4), ICC(12, 12, 4), 1, true },	/* ICC_CTLR_EL1 */
	{ GIC_V3, ARMVCPU_GIC_CPU, ICC(12, 12, 6), ICC(12, 12, 6), 1, true }, /* ICC_IGRPEN0_EL1 */
	{ GIC_V3, ARMVCPU_GIC_CPU, ICC(12, 12, 7), ICC(12, 12, 7), 1, true }, /* ICC_IGRPEN1_EL1 */
	{ ANY, ARMVCPU_GIC_DIST, GICD_CTLR, GICD_CTLR, 4, false },
};

static u64 saved[1024];

typedef void (*reg_action)(struct vm *vm, u32 space, u32 offset, u64 mpidr, u64 *value);

static void do_regs(struct gic_vm *g, reg_action fn)
{
	unsigned int i, n = 0;
	u64 mpidr;
	u32 at;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		const struct range *r = &ranges[i];

		if (!(r->versions & BIT(g->version)))
			continue;
		for (mpidr = 0; mpidr < (r->banked ? g->nr_vcpus : 1); mpidr++) {
			for (at = r->first; at <= r->last; at += r->step) {
				test_check(n < ARRAY_SIZE(saved));
				fn(&g->vm, r->space, at, mpidr, &saved[n++]);
			}
		}
	}
}

static void save_one(struct vm *vm, u32 space, u32 offset, u64 mpidr, u64 *value)
{
	*value = gic_get(vm, space, offset, mpidr);
}

static void restore_one(struct vm *vm, u32 space, u32 offset, u64 mpidr, u64 *value)
{
	gic_set(vm, space, offset, mpidr, *value);
}

static void check_one(struct vm *vm, u32 space, u32 offset, u64 mpidr, u64 *value)
{
	u64 now = gic_get(vm, space, offset, mpidr);

	if (now != *value)
		test_fail("0x%x of %u, vCPU %llu: 0x%llx, was 0x%llx", offset, space, mpidr, now,
			  *value);
}

/* The vCPUs' other registers; their memory is this program's in any case. */
static void copy_vcpu(struct vcpu *from, struct vcpu *to)
{
	u32 count, i, *ids = vcpu_reg_list(from, &count);

	for (i = 0; i < count; i++)
		vcpu_set(to, ids[i], vcpu_get(from, ids[i]));
	free(ids);
}

static void move_gic(struct gic_vm *from, struct gic_vm *to)
{
	unsigned int i;

	do_regs(from, save_one);
	gic_vm_init(to, from->version, from->nr_vcpus);
	for (i = 0; i < from->nr_vcpus; i++)
		copy_vcpu(&from->vcpu[i], &to->vcpu[i]);
	do_regs(to, restore_one);
	do_regs(to, check_one);
}

/* What a guest does that has slept: its priorities are back, and no list register. */
static void guest_puts_active_priorities_back(void)
{
	write_sysreg(0x100, S3_0_C12_C9_0);	/* ICC_AP1R0_EL1 */
	isb();
	GUEST_DONE();
}

TEST(active_priorities_of_the_guest_are_kept)
{
	struct gic_vm g;

	if (gic_version(ANY) != 3)
		SKIP(return, NO_GIC);
	gic_vm_init(&g, 3, 1);
	vcpu_call(&g.vcpu[0], guest_puts_active_priorities_back);
	vcpu_expect_done(&g.vcpu[0]);
	EXPECT_EQ(0x100, gic_get(&g.vm, ARMVCPU_GIC_CPU, ICC(12, 9, 0), 0));
}

/* In the handler of one: another one pending, one waiting for its end, a line up. */
TEST_F(irq, moves_in_the_midst)
{
	struct gic_vm *g = &self->g, to;
	struct vcpu *a = &to.vcpu[0];

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(g, self->a, SPI, 0x80, true);
	gic_enable(g, self->a, SPI + 1, 0xc0, true);
	gic_enable(g, self->a, SPI + 2, 0x90, false);
	gic_enable(g, self->a, 20, 0xa0, false);
	gic_enable(g, self->a, SGI, 0xb0, true);
	start(self->a, HANDLER_SYNC, false);
	gic_pulse(self->vm, SPI);
	taken.count = 0;
	vcpu_expect_sync(self->a, 2);
	gic_pulse(self->vm, SPI + 1);
	gic_pulse(self->vm, SPI);
	gic_irq(self->vm, SPI + 2, 1);
	ASSERT_EQ(0, gic_try_irq(self->vm, 20, 0, 1));
	vcpu_call(self->b, guest_sends, 0);
	vcpu_expect_done(self->b);
	move_gic(g, &to);
	EXPECT_TRUE(gic_state(&to, a, GICD_ISACTIVER, SPI));
	EXPECT_TRUE(gic_state(&to, a, GICD_ISPENDR, SPI));
	/* It ends, and comes again; then by priority, lines until they are lowered. */
	vcpu_expect_sync(a, 2);
	EXPECT_EQ(SPI, taken.iar[1]);
	vcpu_expect_sync(a, 2);
	EXPECT_EQ(SPI + 2, taken.iar[2]);
	gic_irq(&to.vm, SPI + 2, 0);
	vcpu_expect_sync(a, 2);
	EXPECT_EQ(20, taken.iar[3]);
	ASSERT_EQ(0, gic_try_irq(&to.vm, 20, 0, 0));
	vcpu_expect_sync(a, 2);
	EXPECT_EQ(SGI | (g->version == 2 ? 1 << 10 : 0), taken.iar[4]);
	vcpu_expect_sync(a, 2);
	EXPECT_EQ(SPI + 1, taken.iar[5]);
	vcpu_expect_sync(a, 1);
	EXPECT_EQ(6, taken.count);
	window(a, 0);
}

/* Dropped but not deactivated, more of them than list registers. */
TEST_F(irq, moves_with_many_active)
{
	struct gic_vm *g = &self->g, to;
	struct vcpu *a = &to.vcpu[0];
	unsigned int i;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	for (i = 0; i < 20; i++) {
		gic_enable(g, self->a, SPI + i, 0x80, true);
		gic_pulse(self->vm, SPI + i);
	}
	start(self->a, 0, true);
	window(self->a, 20);
	move_gic(g, &to);
	for (i = 0; i < 20; i++) {
		gic_pulse(&to.vm, SPI + i);
		window(a, 0);
	}
	for (i = 0; i < 20; i++) {
		dir_next(SPI + i);
		window(a, 1);
		EXPECT_EQ(SPI + i, taken.iar[0]);
	}
}

/* Routed to another since it was acknowledged: who has it still ends it. */
TEST_F(irq, moves_with_its_owner)
{
	struct gic_vm *g = &self->g, to;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(g, self->a, SPI, 0x80, true);
	start(self->a, 0, true);
	start(self->b, 0, true);
	gic_pulse(self->vm, SPI);
	window(self->a, 1);
	gic_enable(g, self->b, SPI, 0x80, true);
	EXPECT_EQ(0, gic_get(self->vm, ARMVCPU_GIC_ACTIVE, SPI, 0));
	move_gic(g, &to);
	EXPECT_EQ(0, gic_get(&to.vm, ARMVCPU_GIC_ACTIVE, SPI, 0));
	/* It is active, so the other one does not get it. */
	gic_pulse(&to.vm, SPI);
	window(&to.vcpu[1], 0);
	EXPECT_TRUE(gic_state(&to, &to.vcpu[1], GICD_ISACTIVER, SPI));
	dir_next(SPI);
	window(&to.vcpu[0], 0);
	window(&to.vcpu[1], 1);
	dir_next(SPI);
	window(&to.vcpu[1], 0);
	EXPECT_FALSE(gic_state(&to, &to.vcpu[1], GICD_ISACTIVER, SPI));
	gic_pulse(&to.vm, SPI);
	window(&to.vcpu[0], 0);
	window(&to.vcpu[1], 1);
}

/* GICv2: an SGI ends with the number of its sender. */
TEST_F(irq, moves_with_its_sender)
{
	struct gic_vm *g = &self->g, to;

	if (!gic_version(GIC_V2))
		SKIP(return, NO_GIC);
	gic_enable(g, self->a, SGI, 0x80, true);
	start(self->a, HANDLER_SYNC, false);
	vcpu_call(self->b, guest_sends, 0);
	vcpu_expect_done(self->b);
	vcpu_expect_sync(self->a, 2);
	EXPECT_EQ(1, gic_get(self->vm, ARMVCPU_GIC_ACTIVE, SGI, 0));
	move_gic(g, &to);
	EXPECT_EQ(1, gic_get(&to.vm, ARMVCPU_GIC_ACTIVE, SGI, 0));
	vcpu_expect_sync(&to.vcpu[0], 1);
	EXPECT_EQ(ARMVCPU_GIC_NOBODY, gic_get(&to.vm, ARMVCPU_GIC_ACTIVE, SGI, 0));
}

static void guest_does_nothing(void)
{
}

/* All of it as at the beginning, but for the lines. */
TEST_F(irq, reset)
{
	struct gic_vm *g = &self->g, other;
	unsigned int i;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_vm_init(&other, g->version, 2);
	do_regs(&other, save_one);
	for (i = 0; i < 20; i++)
		gic_enable(g, self->a, SPI + i, 0x80, i & 1);
	gic_enable(g, self->a, SGI, 0x80, true);
	start(self->a, 0, true);
	for (i = 1; i < 20; i += 2)
		gic_pulse(self->vm, SPI + i);
	window(self->a, 10);
	vcpu_call(self->b, guest_sends, 0);
	vcpu_expect_done(self->b);
	ASSERT_EQ(0, xioctl(self->vm->fd, ARMVCPU_RESET_GIC, NULL));
	/* Binary points are what the hardware has once they have been in it. */
	vcpu_call(self->a, guest_does_nothing);
	vcpu_expect_done(self->a);
	vcpu_call(self->b, guest_does_nothing);
	vcpu_expect_done(self->b);
	do_regs(g, check_one);
	/* A line that is up is seen again by who enables it. */
	gic_irq(self->vm, SPI, 1);
	ASSERT_EQ(0, xioctl(self->vm->fd, ARMVCPU_RESET_GIC, NULL));
	EXPECT_EQ(BIT(SPI % 32), gic_get(self->vm, ARMVCPU_GIC_LEVEL, 32, 0));
	gic_enable(g, self->a, SPI, 0x80, false);
	start(self->a, HANDLER_ACK, false);
	expect_ack(self->a, SPI);
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
