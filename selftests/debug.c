// SPDX-License-Identifier: GPL-2.0
/*
 * Self-hosted debug of guests: breakpoints, watchpoints and single steps are the
 * guest's, across exits and CPUs, and nothing of them reaches the host or another
 * guest, or comes from there. And a VMM that debugs its guest with them.
 */
#include "harness.h"

#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>

#include "snippet.h"

#define MDSCR_SS	BIT(0)
#define MDSCR_KDE	BIT(13)
#define MDSCR_MDE	BIT(15)

#define CR_E		BIT(0)
#define CR_EL1		BIT(1)
#define CR_EL0		BIT(2)
#define BCR_BAS		(0xfUL << 5)
#define BCR_LBN(n)	((u64)(n) << 16)
#define BCR_BT(n)	((u64)(n) << 20)
#define BCR_EL1		(CR_E | CR_EL1 | BCR_BAS)
#define WCR_LOAD	BIT(3)
#define WCR_STORE	BIT(4)
#define WCR_BAS		(0xffUL << 5)
#define WCR_EL1		(CR_E | CR_EL1 | WCR_BAS)

#define DBGBVR(n)	ARMVCPU_REG_SYS(2, 0, 0, n, 4)
#define DBGBCR(n)	ARMVCPU_REG_SYS(2, 0, 0, n, 5)
#define DBGWVR(n)	ARMVCPU_REG_SYS(2, 0, 0, n, 6)
#define DBGWCR(n)	ARMVCPU_REG_SYS(2, 0, 0, n, 7)
#define MDSCR		ARMVCPU_REG_SYS(2, 0, 0, 2, 2)
#define OSLSR		ARMVCPU_REG_SYS(2, 0, 1, 1, 4)
#define DFR0		ARMVCPU_REG_SYS(3, 0, 0, 5, 0)

#define CODE		GUEST_RAM

/* What is stopped at, in the program and at the same address in every guest. */
SNIPPET_FUNCTION(debug_code, debug_here);

static u64 watched __aligned(64);

struct world {
	struct vm vm;
	struct vcpu vcpu;
	u32 *code;
};

static void world_init(struct world *w, u32 flags)
{
	vm_init(&w->vm);
	vcpu_init(&w->vcpu, &w->vm, flags);
	w->code = vm_add_memory(&w->vm, 0, CODE, 0x20000);
}

static unsigned int breakpoints(struct vcpu *vcpu)
{
	return (vcpu_get(vcpu, DFR0) >> 12 & 0xf) + 1;
}

static unsigned int watchpoints(struct vcpu *vcpu)
{
	return (vcpu_get(vcpu, DFR0) >> 20 & 0xf) + 1;
}

/* ---- the guest's own --------------------------------------------- */

static void guest_debug_on(u64 mdscr)
{
	write_sysreg(mdscr, mdscr_el1);
	isb();
	asm volatile("msr daifclr, #8");
}

static void guest_debug_off(void)
{
	asm volatile("msr daifset, #8");
	write_sysreg(0, mdscr_el1);
	isb();
}

/* How often it stops at debug_here. */
static u64 guest_stops(void)
{
	const struct guest_trap *trap = GUEST_TRAP(guest_jump((u64)debug_code));

	if (trap->count) {
		GUEST_ASSERT_EQ(EC_BREAKPT, ESR_EC(trap->esr));
		GUEST_ASSERT_EQ(debug_here, trap->frame.elr);
	}
	return trap->count;
}

static void guest_breakpoint(u64 rounds)
{
	u64 i;

	write_sysreg((u64)debug_here, dbgbvr0_el1);
	write_sysreg(BCR_EL1, dbgbcr0_el1);
	GUEST_ASSERT_EQ(0, guest_stops());
	guest_debug_on(MDSCR_MDE | MDSCR_KDE);
	for (i = 0; i < rounds; i++) {
		GUEST_ASSERT_EQ(1, guest_stops());
		GUEST_SYNC(1);
	}
	/* Any of what enables it off, and it is not there. */
	write_sysreg(BCR_EL1 & ~CR_E, dbgbcr0_el1);
	GUEST_ASSERT_EQ(0, guest_stops());
	write_sysreg(BCR_EL1 ^ CR_EL1 ^ CR_EL0, dbgbcr0_el1);
	GUEST_ASSERT_EQ(0, guest_stops());
	write_sysreg(BCR_EL1, dbgbcr0_el1);
	GUEST_ASSERT_EQ(1, guest_stops());
	guest_debug_on(MDSCR_MDE);
	GUEST_ASSERT_EQ(0, guest_stops());
	guest_debug_on(MDSCR_KDE);
	GUEST_ASSERT_EQ(0, guest_stops());
	guest_debug_off();
	write_sysreg(MDSCR_MDE | MDSCR_KDE, mdscr_el1);
	isb();
	GUEST_ASSERT_EQ(0, guest_stops());
}

TEST(breakpoint)
{
	struct world w;
	int i;

	world_init(&w, 0);
	vcpu_call(&w.vcpu, guest_breakpoint, 10);
	for (i = 0; i < 10; i++) {
		pin_to_cpu(i % nr_cpus());
		vcpu_expect_sync(&w.vcpu, 1);
	}
	vcpu_expect_done(&w.vcpu);
	EXPECT_EQ((u64)debug_here, vcpu_get(&w.vcpu, DBGBVR(0)));
	EXPECT_EQ(BCR_EL1, vcpu_get(&w.vcpu, DBGBCR(0)));
}

/* The OS lock and the double lock disable it, and forget nothing. */
static void guest_locks(void)
{
	write_sysreg((u64)debug_here, dbgbvr0_el1);
	write_sysreg(BCR_EL1, dbgbcr0_el1);
	guest_debug_on(MDSCR_MDE | MDSCR_KDE);
	GUEST_ASSERT_EQ(1, guest_stops());
	write_sysreg(1, oslar_el1);
	isb();
	GUEST_ASSERT_EQ(0, guest_stops());
	/* BRK is not disabled by anything. */
	GUEST_ASSERT_EQ(1, GUEST_TRAP(asm volatile("brk #1"))->count);
	GUEST_ASSERT_EQ(MDSCR_MDE | MDSCR_KDE, read_sysreg(mdscr_el1));
	write_sysreg(0, oslar_el1);
	isb();
	GUEST_ASSERT_EQ(1, guest_stops());
	write_sysreg(1, osdlr_el1);
	isb();
	GUEST_ASSERT_EQ(0, guest_stops());
	write_sysreg(0, osdlr_el1);
	isb();
	GUEST_ASSERT_EQ(1, guest_stops());
	GUEST_ASSERT_EQ(BCR_EL1, read_sysreg(dbgbcr0_el1));
	/* What only the OS lock lets write; a step is not wanted. */
	asm volatile("msr daifset, #8");
	write_sysreg(~0UL, mdscr_el1);
	GUEST_ASSERT_EQ(MDSCR_MDE | MDSCR_KDE | MDSCR_SS | BIT(12), read_sysreg(mdscr_el1));
	write_sysreg(0, mdscr_el1);
	write_sysreg(1, oslar_el1);
	write_sysreg(BIT(14) | BIT(29), mdscr_el1);
	write_sysreg(0, oslar_el1);
	GUEST_ASSERT_EQ(BIT(14) | BIT(29), read_sysreg(mdscr_el1));
	write_sysreg(0, mdscr_el1);
	GUEST_ASSERT_EQ(BIT(14) | BIT(29), read_sysreg(mdscr_el1));
}

TEST(locks)
{
	struct world w;

	world_init(&w, 0);
	vcpu_call(&w.vcpu, guest_locks);
	vcpu_expect_done(&w.vcpu);
}

static u64 guest_touches(bool store)
{
	const struct guest_trap *trap;

	if (store)
		trap = GUEST_TRAP(guest_write64((u64)&watched, 1));
	else
		trap = GUEST_TRAP(guest_read64((u64)&watched));
	if (trap->count) {
		GUEST_ASSERT_EQ(EC_WATCHPT, ESR_EC(trap->esr));
		GUEST_ASSERT_EQ(&watched, trap->far);
	}
	return trap->count;
}

static void guest_watchpoint(u64 lsc)
{
	u64 i;

	write_sysreg((u64)&watched, dbgwvr1_el1);
	write_sysreg(WCR_EL1 | lsc, dbgwcr1_el1);
	guest_debug_on(MDSCR_MDE | MDSCR_KDE);
	for (i = 0; i < 6; i++) {
		GUEST_ASSERT_EQ(!!(lsc & WCR_STORE), guest_touches(true));
		GUEST_ASSERT_EQ(!!(lsc & WCR_LOAD), guest_touches(false));
		GUEST_SYNC(1);
	}
	write_sysreg(0, dbgwcr1_el1);
	GUEST_ASSERT_EQ(0, guest_touches(true));
	GUEST_ASSERT_EQ(0, guest_touches(false));
}

FIXTURE(watchpoint) {
	struct world w;
};

FIXTURE_VARIANT(watchpoint) {
	u64 lsc;
};

FIXTURE_VARIANT_ADD(watchpoint, load) { .lsc = WCR_LOAD };
FIXTURE_VARIANT_ADD(watchpoint, store) { .lsc = WCR_STORE };
FIXTURE_VARIANT_ADD(watchpoint, both) { .lsc = WCR_LOAD | WCR_STORE };
FIXTURE_VARIANT_ADD(watchpoint, none) { .lsc = 0 };

FIXTURE_SETUP(watchpoint)
{
	world_init(&self->w, 0);
}

FIXTURE_TEARDOWN(watchpoint)
{
}

TEST_F(watchpoint, of_the_guest)
{
	int i;

	vcpu_call(&self->w.vcpu, guest_watchpoint, variant->lsc);
	for (i = 0; i < 6; i++) {
		/* The host's accesses are not the guest's. */
		pin_to_cpu(i % nr_cpus());
		__atomic_store_n(&watched, i, __ATOMIC_RELAXED);
		vcpu_expect_sync(&self->w.vcpu, 1);
		(void)__atomic_load_n(&watched, __ATOMIC_RELAXED);
	}
	vcpu_expect_done(&self->w.vcpu);
}

/* ---- linked breakpoints ------------------------------------------ */

#define SET_CONTEXT(n) do {							\
	if (last == (n)) {							\
		write_sysreg(context, dbgbvr##n##_el1);				\
		write_sysreg(CR_E | BCR_BT(3), dbgbcr##n##_el1);		\
	}									\
} while (0)

static void guest_set_context(u64 last, u64 context)
{
	SET_CONTEXT(1);
	SET_CONTEXT(2);
	SET_CONTEXT(3);
	SET_CONTEXT(4);
	SET_CONTEXT(5);
	SET_CONTEXT(6);
	SET_CONTEXT(7);
	SET_CONTEXT(8);
	SET_CONTEXT(9);
	SET_CONTEXT(10);
	SET_CONTEXT(11);
	SET_CONTEXT(12);
	SET_CONTEXT(13);
	SET_CONTEXT(14);
	SET_CONTEXT(15);
}

/* The last breakpoint knows the context, the first the address. */
static void guest_linked(u64 last)
{
	guest_set_context(last, 5);
	write_sysreg((u64)debug_here, dbgbvr0_el1);
	write_sysreg(BCR_EL1 | BCR_BT(1) | BCR_LBN(last), dbgbcr0_el1);
	guest_debug_on(MDSCR_MDE | MDSCR_KDE);
	write_sysreg(5, contextidr_el1);
	isb();
	GUEST_ASSERT_EQ(1, guest_stops());
	write_sysreg(6, contextidr_el1);
	isb();
	GUEST_ASSERT_EQ(0, guest_stops());
	/* To one that is no context breakpoint, to itself, to none. */
	write_sysreg(5, contextidr_el1);
	isb();
	write_sysreg(BCR_EL1 | BCR_BT(1) | BCR_LBN(0), dbgbcr0_el1);
	GUEST_ASSERT_EQ(0, guest_stops());
	write_sysreg(BCR_EL1 | BCR_BT(1) | BCR_LBN(15), dbgbcr0_el1);
	if (last != 15)
		GUEST_ASSERT_EQ(0, guest_stops());
	write_sysreg(BCR_EL1 | BCR_BT(1) | BCR_LBN(last), dbgbcr0_el1);
	GUEST_ASSERT_EQ(1, guest_stops());
}

TEST(linked_breakpoint)
{
	struct world w;

	world_init(&w, 0);
	vcpu_call(&w.vcpu, guest_linked, breakpoints(&w.vcpu) - 1);
	vcpu_expect_done(&w.vcpu);
}

/* The last of three is not the CPU's last one. */
TEST(linked_breakpoint_of_fewer)
{
	struct world w;
	u64 dfr0;

	world_init(&w, 0);
	if (breakpoints(&w.vcpu) < 4)
		SKIP(return, "this core has too few breakpoints");
	dfr0 = vcpu_get(&w.vcpu, DFR0) & ~(0xf00000000000UL | 0xf0000000UL | 0xf000UL);
	/* One that knows contexts. */
	ASSERT_EQ(0, vcpu_try_set(&w.vcpu, DFR0, dfr0 | 2 << 12));
	vcpu_call(&w.vcpu, guest_linked, 2);
	vcpu_expect_done(&w.vcpu);
}

/* What is not for a guest: EL2, Secure state, VMIDs. */
static void guest_reserved(void)
{
	static const u64 bcrs[] = {
		BCR_EL1 | BCR_BT(4), BCR_EL1 | BCR_BT(8), BCR_EL1 | BCR_BT(10),
		BCR_EL1 | BCR_BT(12), BCR_EL1 | BCR_BT(14), BCR_EL1 | BIT(15),
		(BCR_EL1 & ~CR_EL1) | BIT(13) | BIT(14) | BIT(15),
		(BCR_EL1 & ~CR_EL1) | BIT(13),
	};
	unsigned int i;

	write_sysreg((u64)debug_here, dbgbvr0_el1);
	guest_debug_on(MDSCR_MDE | MDSCR_KDE);
	for (i = 0; i < ARRAY_SIZE(bcrs); i++) {
		write_sysreg(bcrs[i], dbgbcr0_el1);
		GUEST_ASSERT_EQ(bcrs[i], read_sysreg(dbgbcr0_el1));
		GUEST_ASSERT_EQ(0, guest_stops());
	}
	/* All exception levels: those that there are. */
	write_sysreg(BCR_EL1 | CR_EL0 | BIT(13), dbgbcr0_el1);
	GUEST_ASSERT_EQ(1, guest_stops());
	/* Non-secure state: the guest's. */
	write_sysreg(BCR_EL1 | BIT(14), dbgbcr0_el1);
	GUEST_ASSERT_EQ(1, guest_stops());
}

TEST(reserved_breakpoints)
{
	struct world w;

	world_init(&w, 0);
	vcpu_call(&w.vcpu, guest_reserved);
	vcpu_expect_done(&w.vcpu);
}

/* ---- single steps ------------------------------------------------ */

/* One instruction, which something else may have to carry out. */
FIXTURE(step) {
	struct world w;
};

FIXTURE_VARIANT(step) {
	u32 insn;
	u64 x0;
	/* An exit of its own to the VMM. */
	u32 exit;
};

FIXTURE_VARIANT_ADD(step, nop) { .insn = 0xd503201f };
FIXTURE_VARIANT_ADD(step, isb) { .insn = 0xd5033fdf };
FIXTURE_VARIANT_ADD(step, mrs_id) { .insn = 0xd5380400 };		/* ID_AA64PFR0_EL1 */
FIXTURE_VARIANT_ADD(step, mrs_actlr) { .insn = 0xd5381020 };
FIXTURE_VARIANT_ADD(step, msr_oslar) { .insn = 0xd510109f };
FIXTURE_VARIANT_ADD(step, hvc_psci) { .insn = 0xd4000002, .x0 = 0x84000000 };
FIXTURE_VARIANT_ADD(step, smc_psci) { .insn = 0xd4000003, .x0 = 0x84000000 };
FIXTURE_VARIANT_ADD(step, hvc) {
	.insn = 0xd4000002 | 7 << 5, .exit = ARMVCPU_EXIT_HYPERCALL,
};

/* ldr x0, [x1]; str x0, [x1] */
FIXTURE_VARIANT_ADD(step, mmio_read) { .insn = 0xf9400020, .exit = ARMVCPU_EXIT_MMIO };
FIXTURE_VARIANT_ADD(step, mmio_write) { .insn = 0xf9000020, .exit = ARMVCPU_EXIT_MMIO };
FIXTURE_VARIANT_ADD(step, mrs_mdccint) { .insn = 0xd5300200, .exit = ARMVCPU_EXIT_SYSREG };
/* ldr x0, [x2]: a page that is not there yet. */
FIXTURE_VARIANT_ADD(step, stage2_fault) { .insn = 0xf9400040 };
/* fmov d0, xzr: EL2 loads the registers, and it is executed again. */
FIXTURE_VARIANT_ADD(step, first_fp) { .insn = 0x9e6703e0 };

FIXTURE_SETUP(step)
{
	world_init(&self->w, 0);
	self->w.code[0] = variant->insn;
	self->w.code[1] = 0xd65f03c0;	/* ret */
}

FIXTURE_TEARDOWN(step)
{
}

static void guest_step(u64 fn)
{
	register u64 x0 asm("x0") = fn;
	register u64 x1 asm("x1") = GUEST_MMIO;
	register u64 x2 asm("x2") = CODE + 0x10000;

	asm volatile("adr x30, 1f\n"
		     "msr elr_el1, %[code]\n"
		     "msr spsr_el1, %[spsr]\n"
		     "eret\n"
		     "1:\n"
		     : "+r"(x0), "+r"(x1), "+r"(x2)
		     : [code] "r"((u64)CODE),
		       [spsr] "r"((PSR_MASKED & ~PSR_D) | PSR_EL1H | PSR_SS)
		     : "x3", "x30", "memory");
}

static void guest_steps(u64 fn)
{
	const struct guest_trap *trap;
	u64 i;

	for (i = 0; i < 3; i++) {
		write_sysreg(MDSCR_SS | MDSCR_KDE, mdscr_el1);
		isb();
		trap = GUEST_TRAP(guest_step(fn));
		asm volatile("msr daifset, #8");
		GUEST_ASSERT_EQ(1, trap->count);
		GUEST_ASSERT_EQ(EC_STEP, ESR_EC(trap->esr));
		GUEST_ASSERT_EQ(CODE + 4, trap->frame.elr);
		GUEST_ASSERT_EQ(0, trap->frame.spsr & PSR_SS);
	}
	GUEST_SYNC(1);
}

TEST_F(step, is_one)
{
	struct vcpu *vcpu = &self->w.vcpu;
	int i;

	vcpu_call(vcpu, guest_steps, variant->x0);
	for (i = 0; variant->exit && i < 3; i++) {
		pin_to_cpu(i % nr_cpus());
		vcpu_expect(vcpu, variant->exit);
	}
	vcpu_expect_sync(vcpu, 1);
}

/* A fault instead: the handler's first instruction is not stepped. */
static void guest_steps_a_fault(void)
{
	const struct guest_trap *trap;

	write_sysreg(MDSCR_SS | MDSCR_KDE, mdscr_el1);
	isb();
	trap = GUEST_TRAP(guest_step(0));
	asm volatile("msr daifset, #8");
	/* Undefined, by the module; and the step behind it. */
	GUEST_ASSERT_EQ(2, trap->count);
	GUEST_ASSERT_EQ(EC_STEP, ESR_EC(trap->esr));
	GUEST_SYNC(1);
}

TEST(step_of_what_is_undefined)
{
	struct world w;

	world_init(&w, 0);
	w.code[0] = insn_mrs(ARMVCPU_SYSREG(3, 0, 13, 0, 7), 0);	/* SCXTNUM_EL1 */
	w.code[1] = 0xd503201f;
	w.code[2] = 0xd65f03c0;
	vcpu_call(&w.vcpu, guest_steps_a_fault);
	vcpu_expect_sync(&w.vcpu, 1);
}

/* EL0, which needs no KDE. */
static void guest_steps_el0(void)
{
	const u64 x[8] = { 0 };
	const struct guest_trap *trap;

	write_sysreg(MDSCR_SS, mdscr_el1);
	isb();
	trap = guest_el0(GUEST_USER, PSR_EL0T | PSR_SS, 0, x);
	GUEST_ASSERT_EQ(1, trap->count);
	GUEST_ASSERT_EQ(EC_STEP_LOW, ESR_EC(trap->esr));
	GUEST_ASSERT_EQ(GUEST_USER + 4, trap->frame.elr);
	write_sysreg(0, mdscr_el1);
	GUEST_SYNC(1);
}

TEST(step_of_el0)
{
	struct world w;

	world_init(&w, 0);
	guest_pt_map(GUEST_USER, CODE, 0x1000, PTE_NORMAL | PTE_USER);
	w.code[0] = 0xd503201f;
	w.code[1] = 0xd4000001;
	vcpu_call(&w.vcpu, guest_steps_el0);
	vcpu_expect_sync(&w.vcpu, 1);
}

/* ---- the registers ----------------------------------------------- */

/* As many as the ID register says; each holds what it can hold. */
TEST(registers)
{
	static const u64 masks[] = { ~0UL, 0xffe1e7, ~3UL, 0x1f1fffff };
	struct armvcpu_core_regs regs;
	unsigned int n, k;
	struct world w;
	u64 esr;

	world_init(&w, 0);
	snippet_prepare(&w.vcpu, VCPU_MMU_ON);
	for (n = 0; n < 16; n++) {
		for (k = 0; k < 4; k++) {
			bool there = n < (k < 2 ? breakpoints(&w.vcpu) : watchpoints(&w.vcpu));
			u32 id = DBGBVR(n) + k;
			struct snippet *code = (void *)&w.code[(n * 4 + k) * 8];
			u64 value;

			snippet_make(code, insn_msr(id & 0xffff, 5));
			snippet_start(&w.vcpu, &regs, (void *)(CODE + (n * 4 + k) * 32UL), 0);
			w.vcpu.run->x[5] = ~CR_E;
			ASSERT_EQ(0, vcpu_run_exit(&w.vcpu));
			EXPECT_EQ(there, snippet_is_stop(&w.vcpu));
			if (!there) {
				EXPECT_TRUE(snippet_is_exception(&w.vcpu, &esr));
				vcpu_set(&w.vcpu, ARMVCPU_REG_SP_EL1, regs.sp_el1);
				EXPECT_EQ(-ENOENT, vcpu_try_get(&w.vcpu, id, &value));
				EXPECT_EQ(-ENOENT, vcpu_try_set(&w.vcpu, id, 0));
				continue;
			}
			EXPECT_EQ(~CR_E & masks[k], vcpu_get(&w.vcpu, id));
			if (~masks[k])
				EXPECT_EQ(-EINVAL, vcpu_try_set(&w.vcpu, id, ~0UL));
			EXPECT_EQ(0, vcpu_try_set(&w.vcpu, id, masks[k] & 0x12345678));
			EXPECT_EQ(masks[k] & 0x12345678, vcpu_get(&w.vcpu, id));
		}
	}
}

TEST(dfr0_is_as_the_registers)
{
	struct world w;
	u64 dfr0, value;

	world_init(&w, 0);
	dfr0 = vcpu_get(&w.vcpu, DFR0);
	/* Two of each at least; no more contexts than breakpoints. */
	EXPECT_EQ(-EINVAL, vcpu_try_set(&w.vcpu, DFR0, dfr0 & ~0xf000UL));
	EXPECT_EQ(-EINVAL, vcpu_try_set(&w.vcpu, DFR0, dfr0 & ~0xf00000UL));
	EXPECT_EQ(-EINVAL, vcpu_try_set(&w.vcpu, DFR0, dfr0 + 0x1000));
	EXPECT_EQ(-EINVAL, vcpu_try_set(&w.vcpu, DFR0, dfr0 + 0x100000));
	ASSERT_EQ(0, vcpu_try_set(&w.vcpu, DFR0, (dfr0 & ~0xf0f0f000UL) | 0x101000));
	EXPECT_EQ(0, vcpu_try_get(&w.vcpu, DBGBVR(1), &value));
	EXPECT_EQ(-ENOENT, vcpu_try_get(&w.vcpu, DBGBVR(2), &value));
	EXPECT_EQ(-ENOENT, vcpu_try_get(&w.vcpu, DBGWCR(2), &value));
}

/* Some QEMUs lack some of them: then they are undefined before they can trap. */
#define OTHER(name, value) do {							\
	u64 __want = (value), __seen = __want;					\
	const struct guest_trap *__trap = GUEST_TRAP(__seen = read_sysreg(name));	\
										\
	if (__trap->count)							\
		GUEST_ASSERT_EQ(EC_UNKNOWN, ESR_EC(__trap->esr));		\
	else									\
		__GUEST_ASSERT(__want == __seen, #name, __want, __seen);	\
} while (0)

static void guest_other_registers(void)
{
	OTHER(mdrar_el1, 0);
	OTHER(oseccr_el1, 0);
	OTHER(dbgauthstatus_el1, 0xa);
	(void)GUEST_TRAP(write_sysreg(0xff, dbgclaimset_el1));
	OTHER(dbgclaimclr_el1, 0);
	(void)GUEST_TRAP(write_sysreg(1, dbgprcr_el1));
	OTHER(dbgprcr_el1, 0);
}

TEST(other_registers)
{
	struct world w;

	world_init(&w, 0);
	vcpu_call(&w.vcpu, guest_other_registers);
	vcpu_expect_done(&w.vcpu);
}

TEST(locks_by_the_vmm)
{
	struct world w;

	world_init(&w, 0);
	EXPECT_EQ(8, vcpu_get(&w.vcpu, OSLSR));
	EXPECT_EQ(0, vcpu_try_set(&w.vcpu, OSLSR, 10));
	EXPECT_EQ(10, vcpu_get(&w.vcpu, OSLSR));
	EXPECT_EQ(-EINVAL, vcpu_try_set(&w.vcpu, OSLSR, 2));
	EXPECT_EQ(-EINVAL, vcpu_try_set(&w.vcpu, OSLSR, 9));
	EXPECT_EQ(-EINVAL, vcpu_try_set(&w.vcpu, MDSCR, BIT(1)));
	EXPECT_EQ(10, vcpu_get(&w.vcpu, OSLSR));
}

/* ---- and nobody else's ------------------------------------------- */

static void guest_breakpoint_stays(void)
{
	write_sysreg((u64)debug_here, dbgbvr0_el1);
	write_sysreg(BCR_EL1 | CR_EL0, dbgbcr0_el1);
	write_sysreg((u64)&watched, dbgwvr0_el1);
	write_sysreg(WCR_EL1 | CR_EL0 | WCR_LOAD | WCR_STORE, dbgwcr0_el1);
	guest_debug_on(MDSCR_MDE | MDSCR_KDE);
	for (;;) {
		GUEST_ASSERT_EQ(1, guest_stops());
		GUEST_SYNC(1);
	}
}

static void guest_without_debug(void)
{
	for (;;) {
		GUEST_ASSERT_EQ(0, guest_stops());
		GUEST_ASSERT_EQ(0, guest_touches(true));
		GUEST_SYNC(1);
	}
}

/* The same addresses mean something to one of them only. */
TEST(breakpoints_are_one_guests)
{
	struct vcpu same_vm, other;
	struct world w;
	struct vm vm;
	int i;

	world_init(&w, 0);
	vcpu_init(&same_vm, &w.vm, 0);
	vm_init_bare(&vm, 0);
	vm_add_program(&vm);
	vm.nr_vcpus = 2;
	vcpu_init(&other, &vm, 0);
	vcpu_call(&w.vcpu, guest_breakpoint_stays);
	vcpu_call(&same_vm, guest_without_debug);
	vcpu_call(&other, guest_without_debug);
	for (i = 0; i < 8; i++) {
		pin_to_cpu(i % nr_cpus());
		vcpu_expect_sync(&w.vcpu, 1);
		vcpu_expect_sync(&same_vm, 1);
		vcpu_expect_sync(&other, 1);
		/* The host stops nowhere. */
		((void (*)(void))debug_code)();
		__atomic_store_n(&watched, i, __ATOMIC_RELAXED);
	}
}

static long host_watch(void *address, u32 type, u64 len)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT, .size = sizeof(attr), .bp_type = type,
		.bp_addr = (u64)address, .bp_len = len, .exclude_kernel = 1, .exclude_hv = 1,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static u64 host_count(int fd)
{
	u64 count = 0;

	test_check(read(fd, &count, sizeof(count)) == sizeof(count));
	return count;
}

static void guest_writes_on(void)
{
	for (;;) {
		u64 i;

		for (i = 0; i < 10; i++) {
			guest_write64((u64)&watched, i);
			guest_jump((u64)debug_code);
		}
		GUEST_SYNC(1);
	}
}

/* In the same registers as the host's, and not at the same places. */
static void guest_breakpoint_elsewhere(void)
{
	static u64 unwatched;
	u64 i;

	write_sysreg((u64)guest_breakpoint_elsewhere, dbgbvr0_el1);
	write_sysreg(BCR_EL1, dbgbcr0_el1);
	write_sysreg((u64)&unwatched, dbgwvr0_el1);
	write_sysreg(WCR_EL1 | WCR_STORE, dbgwcr0_el1);
	guest_debug_on(MDSCR_MDE | MDSCR_KDE);
	for (;;) {
		for (i = 0; i < 10; i++) {
			guest_write64((u64)&watched, i);
			guest_jump((u64)debug_code);
		}
		GUEST_SYNC(1);
	}
}

/* The host's own watchpoint and breakpoint of this thread, beside a guest's. */
FIXTURE(host) {
	struct world w;
	int watch, stop;
};

FIXTURE_VARIANT(host) {
	void (*guest)(void);
};

FIXTURE_VARIANT_ADD(host, beside_a_guest_without) { .guest = guest_writes_on };
FIXTURE_VARIANT_ADD(host, beside_a_guest_with) { .guest = guest_breakpoint_stays };
FIXTURE_VARIANT_ADD(host, beside_a_guest_elsewhere) { .guest = guest_breakpoint_elsewhere };

FIXTURE_SETUP(host)
{
	self->watch = host_watch(&watched, HW_BREAKPOINT_W, HW_BREAKPOINT_LEN_8);
	if (self->watch < 0)
		SKIP(_exit(255), "the host's kernel has no hardware breakpoints");
	self->stop = host_watch((void *)debug_here, HW_BREAKPOINT_X, sizeof(long));
	ASSERT_LE(0, self->stop);
	world_init(&self->w, 0);
}

FIXTURE_TEARDOWN(host)
{
}

TEST_F(host, keeps_its_own)
{
	u64 watch = host_count(self->watch), stop = host_count(self->stop);
	int i;

	vcpu_call(&self->w.vcpu, variant->guest);
	for (i = 1; i < 9; i++) {
		pin_to_cpu(i % nr_cpus());
		vcpu_expect_sync(&self->w.vcpu, 1);
		EXPECT_EQ(watch, host_count(self->watch));
		EXPECT_EQ(stop, host_count(self->stop));
		__atomic_store_n(&watched, i, __ATOMIC_RELAXED);
		((void (*)(void))debug_code)();
		EXPECT_EQ(++watch, host_count(self->watch));
		EXPECT_EQ(++stop, host_count(self->stop));
	}
}

/* ---- a VMM that debugs ------------------------------------------- */

FIXTURE(vmm) {
	struct world w;
	struct armvcpu_core_regs regs;
};

FIXTURE_SETUP(vmm)
{
	struct world *w = &self->w;

	world_init(w, ARMVCPU_VCPU_DEBUG_EXITS);
	snippet_prepare(&w->vcpu, VCPU_MMU_ON);
	w->code[0] = 0xd503201f;		/* nop */
	w->code[1] = 0xf9400020;		/* ldr x0, [x1] */
	w->code[2] = 0xd503201f;
	w->code[3] = 0xf900039f;		/* str xzr, [x28] */
	snippet_start(&w->vcpu, &self->regs, (void *)CODE, (u64)&watched);
}

FIXTURE_TEARDOWN(vmm)
{
}

static void expect_debug(struct vcpu *vcpu, u32 ec, u64 pc, u64 far)
{
	vcpu_expect(vcpu, ARMVCPU_EXIT_DEBUG);
	if (vcpu->run->u.debug.ec != ec || vcpu->run->pc != pc || vcpu->run->u.debug.far != far ||
	    vcpu->run->u.debug.comment) {
		vcpu_print_exit(vcpu);
		test_fail("ec 0x%x far 0x%llx comment 0x%x", vcpu->run->u.debug.ec,
			  vcpu->run->u.debug.far, vcpu->run->u.debug.comment);
	}
}

/* The guest has masked debug exceptions: those of the VMM are above it. */
TEST_F(vmm, steps)
{
	struct vcpu *vcpu = &self->w.vcpu;
	u64 pc;

	vcpu_set(vcpu, MDSCR, MDSCR_SS);
	for (pc = CODE; pc < CODE + 12; pc += 4) {
		vcpu_set(vcpu, ARMVCPU_REG_PSTATE, vcpu_get(vcpu, ARMVCPU_REG_PSTATE) | PSR_SS);
		expect_debug(vcpu, EC_STEP_LOW, pc + 4, 0);
	}
	vcpu_set(vcpu, MDSCR, 0);
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_TRUE(snippet_is_stop(vcpu));
}

/* An exit on the way is completed, and then is the step. */
TEST_F(vmm, steps_over_an_exit)
{
	struct vcpu *vcpu = &self->w.vcpu;

	vcpu_set(vcpu, ARMVCPU_REG_X(1), GUEST_MMIO);
	vcpu_set(vcpu, ARMVCPU_REG_PC, CODE + 4);
	vcpu_set(vcpu, ARMVCPU_REG_PSTATE, vcpu_get(vcpu, ARMVCPU_REG_PSTATE) | PSR_SS);
	vcpu_set(vcpu, MDSCR, MDSCR_SS);
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(CODE + 4, vcpu->run->pc);
	vcpu->run->u.mmio.data = 0x77;
	expect_debug(vcpu, EC_STEP_LOW, CODE + 8, 0);
	EXPECT_EQ(0x77, vcpu->run->x[0]);
}

TEST_F(vmm, stops)
{
	struct vcpu *vcpu = &self->w.vcpu;
	int i;

	vcpu_set(vcpu, DBGBVR(1), CODE + 8);
	vcpu_set(vcpu, DBGBCR(1), BCR_EL1);
	vcpu_set(vcpu, MDSCR, MDSCR_MDE);
	/* Whatever is done with it, it is there again. */
	for (i = 0; i < 3; i++) {
		expect_debug(vcpu, EC_BREAKPT_LOW, CODE + 8, 0);
		vcpu->run->action = i ? ARMVCPU_ACTION_RETRY : ARMVCPU_ACTION_COMPLETE;
	}
	vcpu->run->action = ARMVCPU_ACTION_COMPLETE;
	vcpu_set(vcpu, DBGBCR(1), 0);
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_TRUE(snippet_is_stop(vcpu));
}

TEST_F(vmm, watches)
{
	struct vcpu *vcpu = &self->w.vcpu;

	vcpu_set(vcpu, DBGWVR(0), (u64)&watched);
	vcpu_set(vcpu, DBGWCR(0), WCR_EL1 | WCR_LOAD);
	vcpu_set(vcpu, MDSCR, MDSCR_MDE);
	expect_debug(vcpu, 0x34, CODE + 4, (u64)&watched);
	vcpu_set(vcpu, DBGWCR(0), 0);
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_TRUE(snippet_is_stop(vcpu));
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
