// SPDX-License-Identifier: GPL-2.0
/*
 * Every exception class that a guest can produce leads to the exit or to the
 * fault in the guest that it should: its own faults are its own, and nothing
 * it does is more than an exit.
 */
#include "harness.h"

#include <sys/syscall.h>

#include "guest_regs.h"
#include "snippet.h"

#define CNTV_CTL_ENABLE		1
#define CNTV_CTL_IMASK		2

struct world {
	struct vm vm;
	struct vcpu vcpu;
	u8 *ram;
};

static void world_init(struct world *w, u32 flags)
{
	vm_init(&w->vm);
	vcpu_init(&w->vcpu, &w->vm, flags);
	w->ram = vm_add_memory(&w->vm, 0, GUEST_RAM, 0x20000);
	/* What EL0 gets of it. */
	guest_pt_map(GUEST_USER, GUEST_RAM, 0x10000, PTE_NORMAL | PTE_USER);
}

/* ---- the guest's own business: no exit --------------------------- */

#define EXPECT_TRAP(_ec, statement) ({						\
	const struct guest_trap *__trap = GUEST_TRAP(statement);		\
										\
	GUEST_ASSERT_EQ(1, __trap->count);					\
	GUEST_ASSERT_EQ(_ec, ESR_EC(__trap->esr));				\
	__trap;									\
})

static void guest_udf(void)
{
	const struct guest_trap *trap;

	trap = EXPECT_TRAP(EC_UNKNOWN, asm volatile(".inst 0"));
	GUEST_ASSERT_EQ(0, ESR_ISS(trap->esr));
	trap = EXPECT_TRAP(EC_UNKNOWN, asm volatile(".inst 0x0000ffff"));
	/* An encoding in the space of loads and stores. */
	EXPECT_TRAP(EC_UNKNOWN, asm volatile(".inst 0x1b800000"));
}

static void guest_svc(void)
{
	const struct guest_trap *trap = EXPECT_TRAP(EC_SVC64, asm volatile("svc #0x1234"));

	GUEST_ASSERT_EQ(0x1234, ESR_ISS(trap->esr));
	GUEST_ASSERT_EQ(GUEST_VECTOR_SP_ELX, trap->vector);
}

static void guest_brk(void)
{
	const struct guest_trap *trap = EXPECT_TRAP(EC_BRK64, asm volatile("brk #0x4321"));

	GUEST_ASSERT_EQ(0x4321, ESR_ISS(trap->esr));
}

static void guest_stage1_translation(void)
{
	const struct guest_trap *trap;

	trap = EXPECT_TRAP(EC_DABT, guest_read64(GUEST_UNMAPPED));
	GUEST_ASSERT_EQ(FSC_TRANS_L1, ESR_FSC(trap->esr));
	GUEST_ASSERT_EQ(GUEST_UNMAPPED, trap->far);
	trap = EXPECT_TRAP(EC_DABT, guest_write64(GUEST_USER + 0x10008, 0));
	GUEST_ASSERT_EQ(FSC_TRANS_L3, ESR_FSC(trap->esr));
	GUEST_ASSERT_EQ(GUEST_USER + 0x10008, trap->far);
	trap = EXPECT_TRAP(EC_IABT, guest_jump(GUEST_UNMAPPED + 0x40));
	GUEST_ASSERT_EQ(FSC_TRANS_L1, ESR_FSC(trap->esr));
	GUEST_ASSERT_EQ(GUEST_UNMAPPED + 0x40, trap->far);
}

/* GUEST_USER + 0x11000 is read-only, and EL1 executes nothing of EL0. */
static void guest_stage1_permission(void)
{
	const struct guest_trap *trap;

	GUEST_ASSERT_EQ(0, guest_read64(GUEST_USER + 0x11000));
	trap = EXPECT_TRAP(EC_DABT, guest_write64(GUEST_USER + 0x11000, 0));
	GUEST_ASSERT_EQ(FSC_PERM_L3, ESR_FSC(trap->esr));
	trap = EXPECT_TRAP(EC_IABT, guest_jump(GUEST_USER));
	GUEST_ASSERT_EQ(FSC_PERM_L3, ESR_FSC(trap->esr));
}

static void guest_alignment(void)
{
	const struct guest_trap *trap;

	/* Asked for: not every QEMU cares about device memory. */
	write_sysreg(read_sysreg(sctlr_el1) | GUEST_SCTLR_A, sctlr_el1);
	isb();
	trap = EXPECT_TRAP(EC_DABT, guest_read64(GUEST_MMIO + 1));
	GUEST_ASSERT_EQ(FSC_ALIGN, ESR_FSC(trap->esr));
	GUEST_ASSERT_EQ(GUEST_MMIO + 1, trap->far);
	EXPECT_TRAP(EC_PC_ALIGN, guest_jump((u64)guest_vectors + 2));
}

/* On SP_EL0, so that the handler has a stack that is aligned. */
static void guest_sp_alignment(void)
{
	const struct guest_trap *trap;

	trap = GUEST_TRAP(asm volatile("msr spsel, #0\n"
				       "mov sp, %0\n"
				       "ldr x9, [sp]\n"
				       "msr spsel, #1\n" : : "r"((u64)guest_cpus | 8) : "x9"));
	GUEST_SYNC_ARGS(1, trap->count, ESR_EC(trap->esr), trap->vector);
}

/* Exception returns to states that are not the guest's. */
static void guest_illegal_return(void)
{
	static const u64 spsrs[] = {
		PSR_MASKED | 0x9, PSR_MASKED | 0x8, PSR_MASKED | 0xd, PSR_MASKED | 0xc,
		PSR_MASKED | 0x2, PSR_MASKED | 0x13, PSR_MASKED | 0x1f,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(spsrs); i++) {
		EXPECT_TRAP(EC_ILLEGAL,
			    asm volatile("adr x30, 1f\n"
					 "msr elr_el1, x30\n"
					 "msr spsr_el1, %0\n"
					 "eret\n"
					 "1:\n" : : "r"(spsrs[i]) : "x30", "memory"));
	}
}

static void guest_fp_trap(void)
{
	write_sysreg(0, cpacr_el1);
	isb();
	EXPECT_TRAP(EC_FP, asm volatile("fmov d0, xzr"));
	write_sysreg(3 << 20, cpacr_el1);
	isb();
	asm volatile("fmov d0, xzr");
	/* EL0 only. */
	write_sysreg(1 << 20, cpacr_el1);
	isb();
	asm volatile("fmov d0, xzr");
}

/* Not promised by the ID registers: undefined, with the guest's own traps off. */
static void guest_sve(void)
{
	write_sysreg(3 << 20 | 3 << 16, cpacr_el1);
	isb();
	EXPECT_TRAP(EC_UNKNOWN, asm volatile(".inst 0x04e0e3e0" : : : "x0"));	/* cntd x0 */
	EXPECT_TRAP(EC_UNKNOWN, asm volatile(".inst 0x2518e3e0"));	/* ptrue p0.b */
	EXPECT_TRAP(EC_UNKNOWN, (void)read_sysreg(s3_0_c1_c2_0));	/* ZCR_EL1 */
}

static void guest_sme(void)
{
	write_sysreg(3 << 20 | 3 << 16 | 3 << 24, cpacr_el1);
	isb();
	EXPECT_TRAP(EC_UNKNOWN, asm volatile(".inst 0xd503477f"));	/* smstart */
	EXPECT_TRAP(EC_UNKNOWN, (void)read_sysreg(s3_3_c4_c2_2));	/* SVCR */
	/* For TPIDR2_EL0 see sysreg.c: not every machine traps it. */
}

static void guest_pauth(void)
{
	u64 sctlr = read_sysreg(sctlr_el1), sp;

	/* In the space of hints: not there is no operation. */
	asm volatile("mov %0, sp\n"
		     "mov x30, #0x1234\n"
		     "hint #25\n"		/* paciasp */
		     : "=r"(sp) : : "x30");
	/* Enabled by a guest that does not look at the ID registers. */
	write_sysreg(sctlr | BIT(31), sctlr_el1);
	isb();
	EXPECT_TRAP(EC_UNKNOWN, asm volatile(".inst 0xdac10020" : : : "x0"));	/* pacia x0, x1 */
	write_sysreg(sctlr, sctlr_el1);
	isb();
	EXPECT_TRAP(EC_UNKNOWN, (void)read_sysreg(s3_0_c2_c1_0));	/* APIAKeyLo_EL1 */
	EXPECT_TRAP(EC_UNKNOWN, write_sysreg(0, s3_0_c2_c3_0));		/* APGAKeyLo_EL1 */
}

FIXTURE(own) {
	struct world w;
};

FIXTURE_VARIANT(own) {
	void (*code)(void);
	bool mmu_off;
};

FIXTURE_VARIANT_ADD(own, udf) { .code = guest_udf };
FIXTURE_VARIANT_ADD(own, udf_mmu_off) { .code = guest_udf, .mmu_off = true };
FIXTURE_VARIANT_ADD(own, svc) { .code = guest_svc };
FIXTURE_VARIANT_ADD(own, brk) { .code = guest_brk };
FIXTURE_VARIANT_ADD(own, stage1_translation) { .code = guest_stage1_translation };
FIXTURE_VARIANT_ADD(own, stage1_permission) { .code = guest_stage1_permission };
FIXTURE_VARIANT_ADD(own, alignment) { .code = guest_alignment };
FIXTURE_VARIANT_ADD(own, illegal_return) { .code = guest_illegal_return };
FIXTURE_VARIANT_ADD(own, fp_trap) { .code = guest_fp_trap };
FIXTURE_VARIANT_ADD(own, sve) { .code = guest_sve };
FIXTURE_VARIANT_ADD(own, sme) { .code = guest_sme };
FIXTURE_VARIANT_ADD(own, pauth) { .code = guest_pauth };

FIXTURE_SETUP(own)
{
	world_init(&self->w, 0);
	vcpu_hide_pauth(&self->w.vcpu);
	guest_pt_map(GUEST_USER + 0x11000, GUEST_RAM + 0x11000, 0x1000, PTE_NORMAL | PTE_RDONLY);
}

FIXTURE_TEARDOWN(own)
{
}

TEST_F(own, fault)
{
	if (variant->mmu_off)
		vcpu_call_mmu_off(&self->w.vcpu, variant->code);
	else
		vcpu_call(&self->w.vcpu, variant->code);
	vcpu_expect_done(&self->w.vcpu);
}

TEST(sp_alignment)
{
	struct world w;

	world_init(&w, 0);
	vcpu_call(&w.vcpu, guest_sp_alignment);
	vcpu_expect_sync(&w.vcpu, 1);
	if (!vcpu_sync_arg(&w.vcpu, 0))
		SKIP(return, "this CPU does not check the stack pointer");
	EXPECT_EQ(EC_SP_ALIGN, vcpu_sync_arg(&w.vcpu, 1));
	EXPECT_EQ(GUEST_VECTOR_SYNC, vcpu_sync_arg(&w.vcpu, 2));
}

/* ---- fetches and walks beyond memory: an external abort in the guest  */

#define NOWHERE		0x7ff00000UL		/* RAM in stage 1, not in stage 2 */

static void guest_fetch_nowhere(u64 address)
{
	const struct guest_trap *trap = EXPECT_TRAP(EC_IABT, guest_jump(address));

	GUEST_ASSERT_EQ(FSC_EXTABT, ESR_FSC(trap->esr));
	GUEST_ASSERT_EQ(address, trap->far);
	GUEST_ASSERT_EQ(address, trap->frame.elr);
	GUEST_ASSERT_EQ(GUEST_VECTOR_SP_ELX, trap->vector);
	GUEST_ASSERT_EQ(PSTATE_RESET & 0xf, trap->frame.spsr & 0xf);
}

/* The level is the one of the guest's own walk. */
static void guest_walk_nowhere(u64 va, u64 level)
{
	const struct guest_trap *trap;

	trap = EXPECT_TRAP(EC_DABT, guest_read64(va + 0x128));
	GUEST_ASSERT_EQ(FSC_EXTABT_WALK(level), ESR_FSC(trap->esr));
	GUEST_ASSERT_EQ(va + 0x128, trap->far);
	trap = EXPECT_TRAP(EC_DABT, guest_write64(va + 0x128, 1));
	GUEST_ASSERT_EQ(FSC_EXTABT_WALK(level), ESR_FSC(trap->esr));
	trap = EXPECT_TRAP(EC_IABT, guest_jump(va));
	GUEST_ASSERT_EQ(FSC_EXTABT_WALK(level), ESR_FSC(trap->esr));
	GUEST_ASSERT_EQ(va, trap->far);
}

FIXTURE(beyond) {
	struct world w;
};

FIXTURE_SETUP(beyond)
{
	world_init(&self->w, 0);
}

FIXTURE_TEARDOWN(beyond)
{
}

TEST_F(beyond, fetch)
{
	vcpu_call(&self->w.vcpu, guest_fetch_nowhere, NOWHERE);
	vcpu_expect_done(&self->w.vcpu);
}

TEST_F(beyond, fetch_mmu_off)
{
	vcpu_call_mmu_off(&self->w.vcpu, guest_fetch_nowhere, NOWHERE);
	vcpu_expect_done(&self->w.vcpu);
}

/* Just behind a slot. */
TEST_F(beyond, fetch_behind_a_slot)
{
	vcpu_call(&self->w.vcpu, guest_fetch_nowhere, GUEST_RAM + 0x20000);
	vcpu_expect_done(&self->w.vcpu);
}

/* A device is no place for code: mapped as memory, in stage 1. */
TEST_F(beyond, fetch_mmu_off_device)
{
	vcpu_call_mmu_off(&self->w.vcpu, guest_fetch_nowhere, GUEST_MMIO);
	vcpu_expect_done(&self->w.vcpu);
}

TEST_F(beyond, walk_level_2)
{
	u64 va = 8UL << 30;

	*guest_pt_entry(va, 1) = NOWHERE | PTE_TABLE | PTE_VALID;
	vcpu_call(&self->w.vcpu, guest_walk_nowhere, va, 2);
	vcpu_expect_done(&self->w.vcpu);
}

TEST_F(beyond, walk_level_3)
{
	u64 va = 8UL << 30;

	*guest_pt_entry(va, 2) = NOWHERE | PTE_TABLE | PTE_VALID;
	vcpu_call(&self->w.vcpu, guest_walk_nowhere, va, 3);
	vcpu_expect_done(&self->w.vcpu);
}

/* ---- branch targets ---------------------------------------------- */

/* Guarded pages of EL1's and of EL0's, with the same code in both. */
#define GUARDED		(GUEST_USER + 0x12000)
#define GUARDED_EL0	(GUEST_USER + 0x13000)
#define NO_TARGET	0
#define TARGET		0x40

FIXTURE(bti) {
	struct world w;
};

FIXTURE_SETUP(bti)
{
	static const u32 no_target[] = { 0xd503201f, 0xd65f03c0 };	/* nop, ret */
	static const u32 target[] = { 0xd503245f, 0xd65f03c0 };		/* bti c, ret */
	u8 *code;

	world_init(&self->w, 0);
	if (!(vcpu_get(&self->w.vcpu, ARMVCPU_REG_SYS(3, 0, 0, 4, 1)) & 0xf))
		SKIP(_exit(255), "this core does not check the targets of branches");
	code = self->w.ram + 0x12000;
	memcpy(code + NO_TARGET, no_target, sizeof(no_target));
	memcpy(code + TARGET, target, sizeof(target));
	guest_pt_map(GUARDED, GUEST_RAM + 0x12000, 0x1000, PTE_NORMAL | PTE_GP);
	guest_pt_map(GUARDED_EL0, GUEST_RAM + 0x12000, 0x1000, PTE_NORMAL | PTE_GP | PTE_USER);
}

FIXTURE_TEARDOWN(bti)
{
}

static void guest_bti(void)
{
	const struct guest_trap *trap;

	guest_jump(GUARDED + TARGET);
	trap = EXPECT_TRAP(EC_BTI, guest_jump(GUARDED + NO_TARGET));
	GUEST_ASSERT_EQ(GUARDED + NO_TARGET, trap->frame.elr);
	GUEST_ASSERT_EQ(GUEST_VECTOR_SP_ELX, trap->vector);
	GUEST_ASSERT_EQ(PSR_BTYPE_CALL, trap->frame.spsr & PSR_BTYPE);
	GUEST_ASSERT_EQ(PSR_BTYPE_CALL >> 10, ESR_ISS(trap->esr));
}

TEST_F(bti, at_el1)
{
	vcpu_call(&self->w.vcpu, guest_bti);
	vcpu_expect_done(&self->w.vcpu);
}

static void guest_bti_el0(void)
{
	const u64 x[8] = { 0, GUARDED_EL0 + NO_TARGET };
	const struct guest_trap *trap = guest_el0(GUEST_USER, PSR_EL0T, 0, x);

	GUEST_ASSERT_EQ(GUEST_VECTOR_EL0_64, trap->vector);
	GUEST_ASSERT_EQ(EC_BTI, ESR_EC(trap->esr));
	GUEST_ASSERT_EQ(GUARDED_EL0 + NO_TARGET, trap->frame.elr);
}

TEST_F(bti, at_el0)
{
	static const u32 blr = 0xd63f0020;	/* blr x1 */

	memcpy(self->w.ram, &blr, sizeof(blr));
	vcpu_call(&self->w.vcpu, guest_bti_el0);
	vcpu_expect_done(&self->w.vcpu);
}

static void guest_calls_a_load(void)
{
	asm volatile("adr x9, 1f\n"
		     "blr x9\n"
		     "b 2f\n"
		     "1: ldr x10, [%0]\n"
		     "ret\n"
		     "2:\n" : : "r"(SNIPPET_ADDRESS) : "x9", "x10", "x30", "memory");
}

/* What the call has left in PSTATE is gone behind the next instruction. */
TEST_F(bti, completed_with_the_instruction)
{
	struct vcpu *vcpu = &self->w.vcpu;

	vcpu_call(vcpu, guest_calls_a_load);
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(PSR_BTYPE_CALL, vcpu->run->pstate & PSR_BTYPE);
	vcpu->run->immediate_exit = 1;
	EXPECT_EQ(-EINTR, vcpu_run(vcpu));
	EXPECT_EQ(0, vcpu_get(vcpu, ARMVCPU_REG_PSTATE) & PSR_BTYPE);
	vcpu->run->immediate_exit = 0;
	vcpu_expect_done(vcpu);
}

/* ---- debug exits ------------------------------------------------- */

SNIPPET(insn_brk, "brk #0xbeef");
SNIPPET(insn_wfi, "wfi");
SNIPPET(insn_wfe, "wfe");

FIXTURE(debug) {
	struct world w;
	struct armvcpu_core_regs regs;
};

FIXTURE_SETUP(debug)
{
	struct armvcpu_run *run;

	world_init(&self->w, ARMVCPU_VCPU_DEBUG_EXITS);
	run = self->w.vcpu.run;
	snippet_prepare(&self->w.vcpu, VCPU_MMU_ON);
	snippet_start(&self->w.vcpu, &self->regs, &insn_brk, 0);
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_DEBUG);
	ASSERT_EQ(EC_BRK64, run->u.debug.ec);
	ASSERT_EQ(0xbeef, run->u.debug.comment);
	ASSERT_EQ(EC_BRK64, ESR_EC(run->esr));
	snippet_check_regs(&self->w.vcpu, &self->regs);
}

FIXTURE_TEARDOWN(debug)
{
}

TEST_F(debug, brk_complete)
{
	snippet_expect_stop(&self->w.vcpu, &self->regs);
}

TEST_F(debug, brk_retry)
{
	self->w.vcpu.run->action = ARMVCPU_ACTION_RETRY;
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_DEBUG);
	snippet_check_regs(&self->w.vcpu, &self->regs);
	snippet_expect_stop(&self->w.vcpu, &self->regs);
}

TEST_F(debug, brk_undef)
{
	u64 esr;

	self->w.vcpu.run->action = ARMVCPU_ACTION_UNDEF;
	ASSERT_EQ(0, vcpu_run_exit(&self->w.vcpu));
	ASSERT_TRUE(snippet_is_exception(&self->w.vcpu, &esr));
	EXPECT_EQ(EC_UNKNOWN, ESR_EC(esr));
	EXPECT_EQ(self->regs.pc, self->w.vcpu.run->x[3]);
}

/* ---- waiting ----------------------------------------------------- */

FIXTURE(wait) {
	struct world w;
	struct armvcpu_core_regs regs;
};

FIXTURE_VARIANT(wait) {
	u64 cval;
	u64 ctl;
	u64 deadline;
};

#define SOON	0x0100000000000000UL

FIXTURE_VARIANT_ADD(wait, timer_off) { .cval = SOON, .ctl = 0, .deadline = ~0UL };
FIXTURE_VARIANT_ADD(wait, timer_masked) {
	.cval = SOON, .ctl = CNTV_CTL_ENABLE | CNTV_CTL_IMASK, .deadline = ~0UL,
};

FIXTURE_VARIANT_ADD(wait, timer_on) {
	.cval = SOON, .ctl = CNTV_CTL_ENABLE, .deadline = SOON,
};

/* Not the last value there is: QEMU 7.2 itself hangs if CNTVOFF makes it wrap. */
FIXTURE_VARIANT_ADD(wait, timer_on_never) {
	.cval = ~0UL >> 1, .ctl = CNTV_CTL_ENABLE, .deadline = ~0UL >> 1,
};

FIXTURE_SETUP(wait)
{
	world_init(&self->w, 0);
	snippet_prepare(&self->w.vcpu, VCPU_MMU_ON);
	vcpu_set(&self->w.vcpu, ARMVCPU_REG_SYS(3, 3, 14, 3, 2), variant->cval);
	vcpu_set(&self->w.vcpu, ARMVCPU_REG_SYS(3, 3, 14, 3, 1), variant->ctl);
}

FIXTURE_TEARDOWN(wait)
{
}

static void check_wfx(struct world *w, struct armvcpu_core_regs *regs, u64 deadline)
{
	const struct armvcpu_exit_wfx *wfx = &w->vcpu.run->u.wfx;

	if (wfx->is_wfe || wfx->reserved || wfx->timer != deadline)
		test_fail("wfe %u, timer 0x%llx", wfx->is_wfe, wfx->timer);
	snippet_check_regs(&w->vcpu, regs);
}

TEST_F(wait, wfi)
{
	struct world *w = &self->w;

	snippet_start_wfi(&w->vcpu, &self->regs, &insn_wfi);
	check_wfx(w, &self->regs, variant->deadline);
	snippet_expect_stop(&w->vcpu, &self->regs);
}

TEST_F(wait, wfi_once_more)
{
	struct world *w = &self->w;
	int i;

	snippet_start_wfi(&w->vcpu, &self->regs, &insn_wfi);
	for (i = 0; i < 5; i++) {
		w->vcpu.run->action = ARMVCPU_ACTION_RETRY;
		ASSERT_EQ(0, vcpu_run_exit(&w->vcpu));
		if (snippet_is_stop(&w->vcpu))
			snippet_start_wfi(&w->vcpu, &self->regs, &insn_wfi);
		ASSERT_EQ(ARMVCPU_EXIT_WFX, w->vcpu.run->exit_reason);
		check_wfx(w, &self->regs, variant->deadline);
	}
	snippet_expect_stop(&w->vcpu, &self->regs);
}

/* An interrupt that is there ends the wait, masked as it is. */
TEST(wfi_with_an_interrupt)
{
	struct armvcpu_core_regs regs;
	struct world w;
	u32 line;

	world_init(&w, 0);
	snippet_prepare(&w.vcpu, VCPU_MMU_ON);
	for (line = ARMVCPU_LINE_IRQ; line <= ARMVCPU_LINE_FIQ; line++) {
		ASSERT_EQ(0, vcpu_line(&w.vcpu, line, 1));
		snippet_start(&w.vcpu, &regs, &insn_wfi, 0);
		snippet_expect_stop(&w.vcpu, &regs);
		ASSERT_EQ(0, vcpu_line(&w.vcpu, line, 0));
		snippet_start_wfi(&w.vcpu, &regs, &insn_wfi);
	}
}

static void guest_yields(void)
{
	u64 i;

	for (i = 0; i < 100; i++)
		asm volatile("wfe; yield; sev; wfe");
}

TEST(wfe_goes_on_by_itself)
{
	struct world w;

	world_init(&w, 0);
	vcpu_call(&w.vcpu, guest_yields);
	vcpu_expect_done(&w.vcpu);
}

TEST(wfe_exits)
{
	struct armvcpu_core_regs regs;
	struct world w;
	int i;

	world_init(&w, ARMVCPU_VCPU_WFE_EXITS);
	snippet_prepare(&w.vcpu, VCPU_MMU_ON);
	/* The first one may find an event. */
	for (i = 0; i < 2; i++) {
		snippet_start(&w.vcpu, &regs, &insn_wfe, 0);
		ASSERT_EQ(0, vcpu_run_exit(&w.vcpu));
		if (w.vcpu.run->exit_reason == ARMVCPU_EXIT_WFX)
			break;
		ASSERT_TRUE(snippet_is_stop(&w.vcpu));
	}
	if (i == 2)
		SKIP(return, "this CPU does not trap WFE");
	EXPECT_EQ(1, w.vcpu.run->u.wfx.is_wfe);
	snippet_check_regs(&w.vcpu, &regs);
	snippet_expect_stop(&w.vcpu, &regs);
}

/* ---- EL0 --------------------------------------------------------- */

/* What EL0 must not do comes to the guest's EL1, never to EL2. */
FIXTURE(el0) {
	struct world w;
};

FIXTURE_VARIANT(el0) {
	u32 insn;
	u64 ec;
	u64 iss;
	bool any_iss;
};

FIXTURE_VARIANT_ADD(el0, svc) { .insn = 0xd4000001 | 0x77 << 5, .ec = EC_SVC64, .iss = 0x77 };
FIXTURE_VARIANT_ADD(el0, hvc) { .insn = 0xd4000002, .ec = EC_UNKNOWN };
FIXTURE_VARIANT_ADD(el0, smc) { .insn = 0xd4000003, .ec = EC_UNKNOWN };
FIXTURE_VARIANT_ADD(el0, udf) { .insn = 0, .ec = EC_UNKNOWN };
FIXTURE_VARIANT_ADD(el0, brk) { .insn = 0xd4200000 | 5 << 5, .ec = EC_BRK64, .iss = 5 };
FIXTURE_VARIANT_ADD(el0, eret) { .insn = 0xd69f03e0, .ec = EC_UNKNOWN };
FIXTURE_VARIANT_ADD(el0, mrs_ttbr0) { .insn = 0xd5382000, .ec = EC_UNKNOWN };
FIXTURE_VARIANT_ADD(el0, mrs_vbar_el2) { .insn = 0xd53cc000, .ec = EC_UNKNOWN };
FIXTURE_VARIANT_ADD(el0, tlbi) { .insn = 0xd508871f, .ec = EC_UNKNOWN };
/* By SCTLR_EL1 of the guest: UCT, DZE, UCI. */
FIXTURE_VARIANT_ADD(el0, mrs_ctr) { .insn = 0xd53b0020, .ec = EC_SYS64, .any_iss = true };
FIXTURE_VARIANT_ADD(el0, dc_zva) { .insn = 0xd50b7420, .ec = EC_SYS64, .any_iss = true };
FIXTURE_VARIANT_ADD(el0, dc_civac) { .insn = 0xd50b7e20, .ec = EC_SYS64, .any_iss = true };
/* By CNTKCTL_EL1 of the guest. */
FIXTURE_VARIANT_ADD(el0, mrs_cntvct) { .insn = 0xd53be040, .ec = EC_SYS64, .any_iss = true };
/* ldr x0, [x1]: a page of EL1's. */
FIXTURE_VARIANT_ADD(el0, load_of_el1) { .insn = 0xf9400020, .ec = EC_DABT_LOW, .any_iss = true };

FIXTURE_SETUP(el0)
{
	world_init(&self->w, 0);
	memcpy(self->w.ram, &variant->insn, 4);
}

FIXTURE_TEARDOWN(el0)
{
}

static void guest_runs_el0(u64 x1)
{
	const u64 x[8] = { 0, x1 };
	const struct guest_trap *trap = guest_el0(GUEST_USER, PSR_EL0T, 0, x);

	GUEST_ASSERT_EQ(1, trap->count);
	GUEST_ASSERT_EQ(GUEST_VECTOR_EL0_64, trap->vector);
	GUEST_SYNC_ARGS(1, trap->esr, trap->frame.elr, trap->frame.spsr);
}

TEST_F(el0, faults_at_el1)
{
	u64 esr;

	vcpu_call(&self->w.vcpu, guest_runs_el0, (u64)guest_vectors);
	vcpu_expect_sync(&self->w.vcpu, 1);
	esr = vcpu_sync_arg(&self->w.vcpu, 0);
	EXPECT_EQ(variant->ec, ESR_EC(esr)) {
		TH_LOG("ESR_EL1 0x%llx", esr);
	}
	if (!variant->any_iss)
		ASSERT_EQ(variant->iss, ESR_ISS(esr));
	EXPECT_EQ(GUEST_USER + (variant->ec == EC_SVC64 ? 4 : 0),
		  vcpu_sync_arg(&self->w.vcpu, 1));
	EXPECT_EQ(PSR_EL0T, vcpu_sync_arg(&self->w.vcpu, 2) & 0x1f);
}

/* The module's own injection finds the right vector. */
TEST(el0_fetch_beyond_memory)
{
	struct world w;

	world_init(&w, 0);
	guest_pt_map(GUEST_USER, NOWHERE, 0x1000, PTE_NORMAL | PTE_USER);
	vcpu_call(&w.vcpu, guest_runs_el0, 0);
	vcpu_expect_sync(&w.vcpu, 1);
	EXPECT_EQ(EC_IABT_LOW, ESR_EC(vcpu_sync_arg(&w.vcpu, 0)));
	EXPECT_EQ(FSC_EXTABT, ESR_FSC(vcpu_sync_arg(&w.vcpu, 0)));
	EXPECT_EQ(GUEST_USER, vcpu_sync_arg(&w.vcpu, 1));
}

TEST(el0_abort_of_a_load)
{
	static const u32 ldr = 0xf9400020;	/* ldr x0, [x1] */
	struct world w;

	world_init(&w, 0);
	memcpy(w.ram, &ldr, 4);
	vcpu_call(&w.vcpu, guest_runs_el0, SNIPPET_ADDRESS);
	vcpu_expect(&w.vcpu, ARMVCPU_EXIT_MMIO);
	w.vcpu.run->action = ARMVCPU_ACTION_ABORT;
	vcpu_expect_sync(&w.vcpu, 1);
	EXPECT_EQ(EC_DABT_LOW, ESR_EC(vcpu_sync_arg(&w.vcpu, 0)));
	EXPECT_EQ(FSC_EXTABT, ESR_FSC(vcpu_sync_arg(&w.vcpu, 0)));
	EXPECT_EQ(GUEST_USER, vcpu_sync_arg(&w.vcpu, 1));
}

/* ---- AArch32 at EL0 ---------------------------------------------- */

FIXTURE(a32) {
	struct world w;
};

static bool a32_init(struct world *w)
{
	world_init(w, ARMVCPU_VCPU_DEBUG_EXITS);
	return get_cap(w->vm.sys, ARMVCPU_CAP_AARCH32_EL0);
}

FIXTURE_SETUP(a32)
{
	if (!a32_init(&self->w))
		SKIP(_exit(255), "no AArch32 at EL0 on this machine");
}

FIXTURE_TEARDOWN(a32)
{
}

/* CNTKCTL_EL1: EL0 may use the physical timer, as far as EL1 is concerned. */
#define CNTKCTL_EL0PTEN	BIT(9)

/* r0, r2, r3 as they come; r1 the device. Ends with SVC. */
static void guest_runs_a32(u64 pstate, u64 r0, u64 pc, u64 cntkctl)
{
	const u64 x[8] = { r0, SNIPPET_ADDRESS, 0x22, 0x33 };
	const struct guest_trap *trap;

	/* nTWI: it may wait. */
	write_sysreg(read_sysreg(sctlr_el1) | BIT(16), sctlr_el1);
	write_sysreg(cntkctl, cntkctl_el1);
	isb();
	trap = guest_el0(pc, pstate, 0, x);
	GUEST_ASSERT_EQ(1, trap->count);
	GUEST_ASSERT_EQ(GUEST_VECTOR_EL0_32, trap->vector);
	if (ESR_EC(trap->esr) != EC_SVC32)
		GUEST_SYNC_ARGS(2, trap->esr, trap->far, trap->frame.elr);
	GUEST_ASSERT_EQ(EC_SVC32, ESR_EC(trap->esr));
	GUEST_ASSERT_EQ(SNIPPET_ADDRESS, trap->frame.x[1]);
	/* Nothing is left of an IT block. */
	GUEST_ASSERT_EQ(0, trap->frame.spsr & 0x0600fc00);
	GUEST_SYNC_ARGS(1, trap->frame.x[0], trap->frame.x[2], trap->frame.x[3]);
}

static void start_a32(struct world *w, const void *code, size_t size, u64 flags)
{
	memcpy(w->ram, code, size);
	vcpu_call(&w->vcpu, guest_runs_a32, PSR_AA32_USER | flags, 0x11, GUEST_USER,
		  CNTKCTL_EL0PTEN);
}

static void check_a32(struct world *w, u64 r0, u64 r2, u64 r3)
{
	u64 got[3] = {
		vcpu_sync_arg(&w->vcpu, 0), vcpu_sync_arg(&w->vcpu, 1), vcpu_sync_arg(&w->vcpu, 2),
	};

	if (got[0] != r0 || got[1] != r2 || got[2] != r3)
		test_fail("r0 0x%llx, r2 0x%llx, r3 0x%llx", got[0], got[1], got[2]);
}

#define Z_FLAG		BIT(30)

TEST_F(a32, svc)
{
	static const u32 code[] = { 0xef000000 };

	start_a32(&self->w, code, sizeof(code), 0);
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 0x11, 0x22, 0x33);
}

TEST_F(a32, mmio_read)
{
	struct armvcpu_run *run = self->w.vcpu.run;
	static const u32 code[] = {
		0xe5910000,	/* ldr r0, [r1] */
		0xe3a03009,	/* mov r3, #9 */
		0xef000000,	/* svc #0 */
	};

	start_a32(&self->w, code, sizeof(code), 0);
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(SNIPPET_ADDRESS, run->u.mmio.ipa);
	EXPECT_EQ(4, run->u.mmio.len);
	EXPECT_EQ(0, run->u.mmio.is_write);
	EXPECT_EQ(0, run->u.mmio.reg);
	EXPECT_EQ(0, run->u.mmio.reg64);
	EXPECT_EQ(GUEST_USER, run->pc);
	EXPECT_EQ(PSR_AA32_USER, run->pstate & 0x1f);
	run->u.mmio.data = 0x80000077;
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 0x80000077, 0x22, 9);
}

TEST_F(a32, mmio_read_sign_extended)
{
	struct armvcpu_run *run = self->w.vcpu.run;
	static const u32 code[] = {
		0xe1d100d0,	/* ldrsb r0, [r1] */
		0xef000000,	/* svc #0 */
	};

	start_a32(&self->w, code, sizeof(code), 0);
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(1, run->u.mmio.len);
	EXPECT_EQ(1, run->u.mmio.sign_extend);
	run->u.mmio.data = 0x80;
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 0xffffff80, 0x22, 0x33);
}

TEST_F(a32, mmio_write)
{
	struct armvcpu_run *run = self->w.vcpu.run;
	static const u32 code[] = {
		0xe1c120b0,	/* strh r2, [r1] */
		0xe3a03009,	/* mov r3, #9 */
		0xef000000,	/* svc #0 */
	};

	start_a32(&self->w, code, sizeof(code), 0);
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(1, run->u.mmio.is_write);
	EXPECT_EQ(2, run->u.mmio.len);
	EXPECT_EQ(2, run->u.mmio.reg);
	EXPECT_EQ(0x22, run->u.mmio.data);
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 0x11, 0x22, 9);
}

/* A condition that fails is no access, hence no exit. */
TEST_F(a32, condition_fails)
{
	static const u32 code[] = {
		0x05910000,	/* ldreq r0, [r1] */
		0xe3a03009,	/* mov r3, #9 */
		0xef000000,	/* svc #0 */
	};

	start_a32(&self->w, code, sizeof(code), 0);
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 0x11, 0x22, 9);
}

TEST_F(a32, condition_passes)
{
	static const u32 code[] = {
		0x05910000,	/* ldreq r0, [r1] */
		0xe3a03009,	/* mov r3, #9 */
		0xef000000,	/* svc #0 */
	};

	start_a32(&self->w, code, sizeof(code), Z_FLAG);
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_MMIO);
	self->w.vcpu.run->u.mmio.data = 5;
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 5, 0x22, 9);
}

/* Two bytes of code, and an IT block that goes on where it was. */
TEST_F(a32, thumb_it_block)
{
	static const u16 code[] = {
		0xbf0c,		/* ite eq */
		0x6808,		/* ldreq r0, [r1] */
		0x2207,		/* movne r2, #7 */
		0x2309,		/* movs r3, #9 */
		0xdf00,		/* svc #0 */
	};

	start_a32(&self->w, code, sizeof(code), PSR_AA32_THUMB | Z_FLAG);
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(GUEST_USER + 2, self->w.vcpu.run->pc);
	EXPECT_EQ(4, self->w.vcpu.run->u.mmio.len);
	self->w.vcpu.run->u.mmio.data = 5;
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 5, 0x22, 9);
}

TEST_F(a32, thumb_it_block_of_four)
{
	static const u16 code[] = {
		0xbf0f,		/* iteee eq */
		0x6808,		/* ldreq r0, [r1] */
		0x2207,		/* movne r2, #7 */
		0x2307,		/* movne r3, #7 */
		0x2207,		/* movne r2, #7 */
		0x2309,		/* movs r3, #9 */
		0xdf00,		/* svc #0 */
	};

	start_a32(&self->w, code, sizeof(code), PSR_AA32_THUMB | Z_FLAG);
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_MMIO);
	self->w.vcpu.run->u.mmio.data = 5;
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 5, 0x22, 9);
}

TEST_F(a32, thumb_wide)
{
	static const u16 code[] = {
		0xf8d1, 0x0000,	/* ldr.w r0, [r1] */
		0x2309,		/* movs r3, #9 */
		0xdf00,		/* svc #0 */
	};

	start_a32(&self->w, code, sizeof(code), PSR_AA32_THUMB);
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_MMIO);
	self->w.vcpu.run->u.mmio.data = 6;
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 6, 0x22, 9);
}

TEST_F(a32, isv0)
{
	struct armvcpu_run *run = self->w.vcpu.run;
	static const u32 code[] = {
		0xe891000d,	/* ldm r1, {r0, r2, r3} */
		0xef000000,	/* svc #0 */
	};

	start_a32(&self->w, code, sizeof(code), 0);
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_ABORT);
	EXPECT_EQ(ARMVCPU_ABORT_INSN_VALID | ARMVCPU_ABORT_AARCH32 | ARMVCPU_ABORT_USER,
		  run->u.abort.flags);
	EXPECT_EQ(code[0], run->u.abort.insn);
	EXPECT_EQ(SNIPPET_ADDRESS, run->u.abort.ipa);
	run->x[0] = 0xa;
	run->x[2] = 0xb;
	run->x[3] = 0xc;
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 0xa, 0xb, 0xc);
}

/* The first halfword is the upper half of a wide instruction. */
TEST_F(a32, thumb_isv0_wide)
{
	struct armvcpu_run *run = self->w.vcpu.run;
	static const u16 code[] = {
		0xe9d1, 0x0200,	/* ldrd r0, r2, [r1] */
		0x2309,		/* movs r3, #9 */
		0xdf00,		/* svc #0 */
	};

	start_a32(&self->w, code, sizeof(code), PSR_AA32_THUMB);
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_ABORT);
	EXPECT_EQ(ARMVCPU_ABORT_INSN_VALID | ARMVCPU_ABORT_AARCH32 | ARMVCPU_ABORT_USER,
		  run->u.abort.flags);
	EXPECT_EQ(0xe9d10200, run->u.abort.insn);
	EXPECT_EQ(SNIPPET_ADDRESS, run->u.abort.ipa);
	run->x[0] = 0xa;
	run->x[2] = 0xb;
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 0xa, 0xb, 9);
}

TEST_F(a32, thumb_isv0_narrow)
{
	struct armvcpu_run *run = self->w.vcpu.run;
	static const u16 code[] = {
		0xc10d,		/* stmia r1!, {r0, r2, r3} */
		0x2309,		/* movs r3, #9 */
		0xdf00,		/* svc #0 */
	};

	start_a32(&self->w, code, sizeof(code), PSR_AA32_THUMB);
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_ABORT);
	EXPECT_EQ(ARMVCPU_ABORT_INSN_VALID | ARMVCPU_ABORT_AARCH32 | ARMVCPU_ABORT_USER |
		  ARMVCPU_ABORT_WRITE, run->u.abort.flags);
	EXPECT_EQ(0xc10d, run->u.abort.insn);
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 0x11, 0x22, 9);
}

/* At the end of a page, and on into one that lies elsewhere. */
static void start_at_end_of_page(struct world *w, const u16 *code, size_t size)
{
	guest_pt_map(GUEST_USER + 0x1000, GUEST_RAM + 0x15000, 0x1000, PTE_NORMAL | PTE_USER);
	memcpy(w->ram + 0xffe, code, 2);
	memcpy(w->ram + 0x15000, code + 1, size - 2);
	vcpu_call(&w->vcpu, guest_runs_a32, PSR_AA32_USER | PSR_AA32_THUMB, 0x11,
		  GUEST_USER + 0xffe, 0);
}

/* Nobody has translated the second page: the instruction is not there. */
TEST_F(a32, thumb_isv0_across_a_page)
{
	struct armvcpu_run *run = self->w.vcpu.run;
	static const u16 code[] = {
		0xe9d1, 0x0200,	/* ldrd r0, r2, [r1] */
		0x2309,		/* movs r3, #9 */
		0xdf00,		/* svc #0 */
	};

	start_at_end_of_page(&self->w, code, sizeof(code));
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_ABORT);
	EXPECT_EQ(ARMVCPU_ABORT_AARCH32 | ARMVCPU_ABORT_USER, run->u.abort.flags);
	EXPECT_EQ(GUEST_USER + 0xffe, run->pc);
	EXPECT_EQ(SNIPPET_ADDRESS, run->u.abort.ipa);
	run->x[0] = 0xa;
	run->x[2] = 0xb;
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 0xa, 0xb, 9);
}

TEST_F(a32, thumb_mmio_across_a_page)
{
	static const u16 code[] = {
		0xf8d1, 0x0000,	/* ldr.w r0, [r1] */
		0x2309,		/* movs r3, #9 */
		0xdf00,		/* svc #0 */
	};

	start_at_end_of_page(&self->w, code, sizeof(code));
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(GUEST_USER + 0xffe, self->w.vcpu.run->pc);
	self->w.vcpu.run->u.mmio.data = 6;
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 6, 0x22, 9);
}

/* A narrow one is all on its page. */
TEST_F(a32, thumb_isv0_narrow_at_the_end_of_a_page)
{
	struct armvcpu_run *run = self->w.vcpu.run;
	static const u16 code[] = {
		0xc10d,		/* stmia r1!, {r0, r2, r3} */
		0x2309,		/* movs r3, #9 */
		0xdf00,		/* svc #0 */
	};

	start_at_end_of_page(&self->w, code, sizeof(code));
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_ABORT);
	EXPECT_TRUE(run->u.abort.flags & ARMVCPU_ABORT_INSN_VALID);
	EXPECT_EQ(0xc10d, run->u.abort.insn);
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 0x11, 0x22, 9);
}

/* By the vector of AArch32, at the instruction. */
TEST_F(a32, abort_of_a_read)
{
	static const u16 code[] = {
		0x2309,		/* movs r3, #9 */
		0x6808,		/* ldr r0, [r1] */
		0xdf00,		/* svc #0 */
	};

	start_a32(&self->w, code, sizeof(code), PSR_AA32_THUMB);
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_MMIO);
	self->w.vcpu.run->action = ARMVCPU_ACTION_ABORT;
	vcpu_expect_sync(&self->w.vcpu, 2);
	EXPECT_EQ(EC_DABT_LOW, ESR_EC(vcpu_sync_arg(&self->w.vcpu, 0)));
	EXPECT_EQ(FSC_EXTABT, ESR_FSC(vcpu_sync_arg(&self->w.vcpu, 0)));
	EXPECT_EQ(SNIPPET_ADDRESS, vcpu_sync_arg(&self->w.vcpu, 1));
	EXPECT_EQ(GUEST_USER + 2, vcpu_sync_arg(&self->w.vcpu, 2));
}

TEST_F(a32, injected_undef)
{
	static const u32 code[] = {
		0xe5810000,	/* str r0, [r1] */
		0xef000000,	/* svc #0 */
	};

	start_a32(&self->w, code, sizeof(code), 0);
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_MMIO);
	ASSERT_EQ(0, vcpu_inject(&self->w.vcpu, ARMVCPU_INJECT_UNDEF, 0));
	vcpu_expect_sync(&self->w.vcpu, 2);
	EXPECT_EQ(EC_UNKNOWN, ESR_EC(vcpu_sync_arg(&self->w.vcpu, 0)));
	EXPECT_EQ(GUEST_USER, vcpu_sync_arg(&self->w.vcpu, 2));
}

TEST_F(a32, fetch_beyond_memory)
{
	static const u32 code[] = {
		0xe28ff902,	/* add pc, pc, #0x8000 */
	};

	guest_pt_map(GUEST_USER + 0x8000, NOWHERE, 0x1000, PTE_NORMAL | PTE_USER);
	start_a32(&self->w, code, sizeof(code), 0);
	vcpu_expect_sync(&self->w.vcpu, 2);
	EXPECT_EQ(EC_IABT_LOW, ESR_EC(vcpu_sync_arg(&self->w.vcpu, 0)));
	EXPECT_EQ(FSC_EXTABT, ESR_FSC(vcpu_sync_arg(&self->w.vcpu, 0)));
	EXPECT_EQ(GUEST_USER + 0x8008, vcpu_sync_arg(&self->w.vcpu, 1));
}

/* Started again where an interrupt of the host has ended the wait. */
static void start_a32_wfi(struct world *w, const void *code, size_t size, u64 flags)
{
	int i;

	for (i = 0; i < 10; i++) {
		start_a32(w, code, size, flags);
		if (vcpu_run_exit(&w->vcpu) || !vcpu_is_ucall(&w->vcpu))
			break;
	}
	if (w->vcpu.run->exit_reason != ARMVCPU_EXIT_WFX || w->vcpu.run->pc != GUEST_USER) {
		vcpu_print_exit(&w->vcpu);
		test_fail("expected the exit of a WFI");
	}
}

TEST_F(a32, wfi)
{
	static const u32 code[] = {
		0xe320f003,	/* wfi */
		0xe3a03009,	/* mov r3, #9 */
		0xef000000,	/* svc #0 */
	};

	start_a32_wfi(&self->w, code, sizeof(code), 0);
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 0x11, 0x22, 9);
}

TEST_F(a32, thumb_wfi)
{
	static const u16 code[] = {
		0xbf30,		/* wfi */
		0x2309,		/* movs r3, #9 */
		0xdf00,		/* svc #0 */
	};

	start_a32_wfi(&self->w, code, sizeof(code), PSR_AA32_THUMB);
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 0x11, 0x22, 9);
}

TEST_F(a32, bkpt)
{
	struct armvcpu_run *run = self->w.vcpu.run;
	static const u32 code[] = {
		0xe1200172,	/* bkpt #0x12 */
		0xe3a03009,	/* mov r3, #9 */
		0xef000000,	/* svc #0 */
	};

	start_a32(&self->w, code, sizeof(code), 0);
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_DEBUG);
	EXPECT_EQ(0x38, run->u.debug.ec);
	EXPECT_EQ(0x12, run->u.debug.comment);
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 0x11, 0x22, 9);
}

/*
 * The first use of FP, which EL2 switches lazily, from AArch32. D31 is the
 * upper half of V15, D0 the lower one of V0.
 */
TEST_F(a32, fp_first_use)
{
	static const u32 code[] = {
		0xec520b3f,	/* vmov r0, r2, d31 */
		0xeef13a10,	/* vmrs r3, fpscr */
		0xec410b10,	/* vmov d0, r0, r1 */
		0xef000000,	/* svc #0 */
	};
	struct armvcpu_fp_regs want = { .fpsr = 0x10, .fpcr = 0x1000000 }, got;
	struct vcpu *vcpu = &self->w.vcpu;
	struct guest_state host, after;
	const char *what;
	u64 a, b;

	guest_state_fill(&host, 1);
	guest_state_fill(&after, 2);
	memcpy(want.v, after.v, sizeof(want.v));
	ASSERT_EQ(0, xioctl(vcpu->fd, ARMVCPU_SET_FP_REGS, &want));
	start_a32(&self->w, code, sizeof(code), 0);
	guest_fp_load(&host);
	ASSERT_EQ(0, syscall(SYS_ioctl, vcpu->fd, ARMVCPU_RUN, 0));
	guest_fp_store(&after);
	ASSERT_TRUE(vcpu_is_ucall(vcpu));
	ASSERT_EQ(1, vcpu->run->x[1]);
	check_a32(&self->w, (u32)want.v[15][1], want.v[15][1] >> 32, 0x1000010);
	what = guest_fp_differ(&host, &after, &a, &b);
	if (what)
		test_fail("the host's %s was 0x%llx, is 0x%llx", what, a, b);
	ASSERT_EQ(0, xioctl(vcpu->fd, ARMVCPU_GET_FP_REGS, &got));
	want.v[0][0] = (u32)want.v[15][1] | (u64)SNIPPET_ADDRESS << 32;
	EXPECT_EQ(0, memcmp(&want, &got, sizeof(got)));
}

/* ---- ... and what it has no access to ---------------------------- */

#define A32_EQ		0x0fffffff		/* & an instruction: if Z is set */

#define A32_MRC(cp, op1, crn, crm, op2) \
	(0xee100010U | (op1) << 21 | (crn) << 16 | (cp) << 8 | (op2) << 5 | (crm))
#define A32_MCR(cp, op1, crn, crm, op2) \
	(0xee000010U | (op1) << 21 | (crn) << 16 | (cp) << 8 | (op2) << 5 | (crm))
/* r0 and r2 */
#define A32_MRRC(cp, op1, crm)	(0xec520000U | (cp) << 8 | (op1) << 4 | (crm))
#define A32_MCRR(cp, op1, crm)	(0xec420000U | (cp) << 8 | (op1) << 4 | (crm))

/* In some cases a trap to EL2, in others none: undefined for the guest in all. */
FIXTURE(a32_undefined) {
	struct world w;
};

FIXTURE_VARIANT(a32_undefined) {
	u32 insn;
	bool may_be_there;
};

#define INSN(_insn) { .insn = (_insn) }
/* Some QEMUs let these pass. */
#define INSN_MAYBE(_insn) { .insn = (_insn), .may_be_there = true }

/* Performance monitors */
FIXTURE_VARIANT_ADD(a32_undefined, pmcr_read) INSN(A32_MRC(15, 0, 9, 12, 0));
FIXTURE_VARIANT_ADD(a32_undefined, pmcr_write) INSN(A32_MCR(15, 0, 9, 12, 0));
FIXTURE_VARIANT_ADD(a32_undefined, pmccntr_read) INSN_MAYBE(A32_MRC(15, 0, 9, 13, 0));
FIXTURE_VARIANT_ADD(a32_undefined, pmccntr_read_64) INSN(A32_MRRC(15, 0, 9));
FIXTURE_VARIANT_ADD(a32_undefined, pmccntr_write_64) INSN(A32_MCRR(15, 0, 9));
/* The physical timer */
FIXTURE_VARIANT_ADD(a32_undefined, cntp_ctl_read) INSN(A32_MRC(15, 0, 14, 2, 1));
FIXTURE_VARIANT_ADD(a32_undefined, cntp_ctl_write) INSN(A32_MCR(15, 0, 14, 2, 1));
FIXTURE_VARIANT_ADD(a32_undefined, cntp_cval_read) INSN(A32_MRRC(15, 2, 14));
FIXTURE_VARIANT_ADD(a32_undefined, cntp_cval_write) INSN(A32_MCRR(15, 2, 14));
/* EL1's, and implementation defined */
FIXTURE_VARIANT_ADD(a32_undefined, sctlr_read) INSN(A32_MRC(15, 0, 1, 0, 0));
FIXTURE_VARIANT_ADD(a32_undefined, c15_read) INSN(A32_MRC(15, 0, 15, 0, 0));
FIXTURE_VARIANT_ADD(a32_undefined, c15_write) INSN(A32_MCR(15, 0, 15, 0, 0));
FIXTURE_VARIANT_ADD(a32_undefined, c15_read_64) INSN(A32_MRRC(15, 0, 15));
/* Debug */
FIXTURE_VARIANT_ADD(a32_undefined, dbgdidr_read) INSN(A32_MRC(14, 0, 0, 0, 0));
FIXTURE_VARIANT_ADD(a32_undefined, dbgdrar_read) INSN(A32_MRC(14, 0, 1, 0, 0));
FIXTURE_VARIANT_ADD(a32_undefined, dbgdrar_read_64) INSN_MAYBE(A32_MRRC(14, 0, 1));
FIXTURE_VARIANT_ADD(a32_undefined, dbgdsar_read_64) INSN_MAYBE(A32_MRRC(14, 0, 2));
FIXTURE_VARIANT_ADD(a32_undefined, dbgdtr_write) INSN(A32_MCR(14, 0, 0, 5, 0));
FIXTURE_VARIANT_ADD(a32_undefined, dbgdtr_load) INSN(0xed915e00U);	/* ldc p14, c5, [r1] */
FIXTURE_VARIANT_ADD(a32_undefined, dbgdtr_store) INSN(0xed815e00U);	/* stc p14, c5, [r1] */
/* Trace, and the ID registers of FP */
FIXTURE_VARIANT_ADD(a32_undefined, trace_read) INSN(A32_MRC(14, 1, 0, 1, 0));
FIXTURE_VARIANT_ADD(a32_undefined, mvfr0_read) INSN(0xeef70a10U);	/* vmrs r0, mvfr0 */

FIXTURE_SETUP(a32_undefined)
{
	if (!a32_init(&self->w))
		SKIP(_exit(255), "no AArch32 at EL0 on this machine");
}

FIXTURE_TEARDOWN(a32_undefined)
{
}

/* False if the instruction has passed. */
static bool a32_undef(struct world *w, u64 pc)
{
	if (vcpu_run_exit(&w->vcpu) || !vcpu_is_ucall(&w->vcpu) ||
	    w->vcpu.run->u.call.nr != UCALL_SYNC) {
		vcpu_print_exit(&w->vcpu);
		test_fail("expected the guest's GUEST_SYNC");
	}
	if (w->vcpu.run->x[1] == 1)
		return false;
	if (ESR_EC(vcpu_sync_arg(&w->vcpu, 0)) != EC_UNKNOWN || vcpu_sync_arg(&w->vcpu, 2) != pc) {
		vcpu_print_exit(&w->vcpu);
		test_fail("not an undefined instruction at 0x%llx", pc);
	}
	return true;
}

TEST_F(a32_undefined, a32)
{
	const u32 code[] = { variant->insn, 0xef000000 };
	bool undef;

	start_a32(&self->w, code, sizeof(code), 0);
	undef = a32_undef(&self->w, GUEST_USER);
	if (!undef && variant->may_be_there)
		SKIP(return, "this CPU does not trap it");
	EXPECT_TRUE(undef);
}

TEST_F(a32_undefined, t32)
{
	const u16 code[] = { 0x2309, variant->insn >> 16, variant->insn, 0xdf00 };
	bool undef;

	start_a32(&self->w, code, sizeof(code), PSR_AA32_THUMB);
	undef = a32_undef(&self->w, GUEST_USER + 2);
	if (!undef && variant->may_be_there)
		SKIP(return, "this CPU does not trap it");
	EXPECT_TRUE(undef);
}

/* Trapped or not: a condition that fails makes it no operation. */
TEST_F(a32_undefined, condition_fails)
{
	const u32 code[] = {
		variant->insn & A32_EQ,
		0xe3a03009,	/* mov r3, #9 */
		0xef000000,	/* svc #0 */
	};

	start_a32(&self->w, code, sizeof(code), 0);
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 0x11, 0x22, 9);
}

TEST_F(a32_undefined, condition_passes)
{
	const u32 code[] = { variant->insn & A32_EQ, 0xef000000 };
	bool undef;

	start_a32(&self->w, code, sizeof(code), Z_FLAG);
	undef = a32_undef(&self->w, GUEST_USER);
	if (!undef && variant->may_be_there)
		SKIP(return, "this CPU does not trap it");
	EXPECT_TRUE(undef);
}

/* In an IT block, which goes on behind it. */
TEST_F(a32_undefined, condition_fails_in_an_it_block)
{
	const u16 code[] = {
		0xbf0c,		/* ite eq */
		variant->insn >> 16, variant->insn,
		0x2309,		/* movne r3, #9 */
		0xdf00,		/* svc #0 */
	};

	start_a32(&self->w, code, sizeof(code), PSR_AA32_THUMB);
	vcpu_expect_sync(&self->w.vcpu, 1);
	check_a32(&self->w, 0x11, 0x22, 9);
}

/* The guest's own trap is its own: CNTKCTL_EL1.EL0PTEN is clear. */
TEST_F(a32, timer_trapped_by_the_guest)
{
	const u32 code[] = { A32_MRC(15, 0, 14, 2, 1), 0xef000000 };

	memcpy(self->w.ram, code, sizeof(code));
	vcpu_call(&self->w.vcpu, guest_runs_a32, PSR_AA32_USER, 0x11, GUEST_USER, 0);
	vcpu_expect_sync(&self->w.vcpu, 2);
	EXPECT_EQ(EC_CP15_32, ESR_EC(vcpu_sync_arg(&self->w.vcpu, 0)));
	EXPECT_EQ(GUEST_USER, vcpu_sync_arg(&self->w.vcpu, 2));
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
