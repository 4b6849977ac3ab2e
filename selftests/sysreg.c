// SPDX-License-Identifier: GPL-2.0
/*
 * System registers: exits for what nothing in the module emulates, the few
 * registers that it does, and ID registers that promise no more than a guest
 * gets.
 */
#include "harness.h"

#include <sys/auxv.h>

#include "snippet.h"
#include "system.h"

/* Where the code of a case lies. */
#define CODE		GUEST_RAM

struct world {
	struct vm vm;
	struct vcpu vcpu;
	struct armvcpu_core_regs regs;
	struct snippet *code;
};

static void world_init(struct world *w)
{
	vm_init(&w->vm);
	vcpu_init(&w->vcpu, &w->vm, 0);
	w->code = vm_add_memory(&w->vm, 0, CODE, 0x10000);
	snippet_prepare(&w->vcpu, VCPU_MMU_ON);
}

/* Each time at an address of its own: no stale instruction. */
static void world_start(struct world *w, u32 insn)
{
	static unsigned int used;

	snippet_make(&w->code[used], insn);
	snippet_start(&w->vcpu, &w->regs, (void *)(CODE + used * sizeof(*w->code)),
		      SNIPPET_ADDRESS);
	used++;
}

/* The guest reads a register: false if that is undefined. */
static bool guest_mrs(struct world *w, u32 sysreg, u64 *value)
{
	u64 esr;
	int ret;

	world_start(w, insn_mrs(sysreg, 5));
	ret = vcpu_run_exit(&w->vcpu);
	if (ret)
		test_fail("ARMVCPU_RUN: %d", ret);
	if (snippet_is_stop(&w->vcpu)) {
		*value = w->vcpu.run->x[5];
		return true;
	}
	if (snippet_is_exception(&w->vcpu, &esr) && ESR_EC(esr) == EC_UNKNOWN)
		return false;
	vcpu_print_exit(&w->vcpu);
	test_fail("a read of register 0x%x", sysreg);
}

/* ---- exits ------------------------------------------------------- */

FIXTURE(exits) {
	struct world w;
};

FIXTURE_VARIANT(exits) {
	u32 reg;
	bool needs_gicv3;
	bool may_be_undefined;
	bool write_only;
	bool read_only;
};

#define REG(...) { .reg = ARMVCPU_SYSREG(__VA_ARGS__) }
#define REG_RO(...) { .reg = ARMVCPU_SYSREG(__VA_ARGS__), .read_only = true }
#define REG_WO(...) { .reg = ARMVCPU_SYSREG(__VA_ARGS__), .write_only = true }
#define REG_GIC(...) { .reg = ARMVCPU_SYSREG(__VA_ARGS__), .needs_gicv3 = true }
#define REG_MAYBE(...) { .reg = ARMVCPU_SYSREG(__VA_ARGS__), .may_be_undefined = true }

/* The debug communications channel: not every QEMU has it all. */
FIXTURE_VARIANT_ADD(exits, mdccint_el1) REG(2, 0, 0, 2, 0);
FIXTURE_VARIANT_ADD(exits, osdtrrx_el1) REG_MAYBE(2, 0, 0, 0, 2);
FIXTURE_VARIANT_ADD(exits, osdtrtx_el1) REG_MAYBE(2, 0, 0, 3, 2);
FIXTURE_VARIANT_ADD(exits, mdccsr_el0) REG_RO(2, 3, 0, 1, 0);
FIXTURE_VARIANT_ADD(exits, dbgdtr_el0) REG_MAYBE(2, 3, 0, 4, 0);
FIXTURE_VARIANT_ADD(exits, dbgdtrrx_el0) REG_MAYBE(2, 3, 0, 5, 0);
/* The GIC's CPU interface: a virtual one is for another day. */
FIXTURE_VARIANT_ADD(exits, icc_pmr_el1) REG_GIC(3, 0, 4, 6, 0);
FIXTURE_VARIANT_ADD(exits, icc_bpr1_el1) REG_GIC(3, 0, 12, 12, 3);
FIXTURE_VARIANT_ADD(exits, icc_ctlr_el1) REG_GIC(3, 0, 12, 12, 4);
FIXTURE_VARIANT_ADD(exits, icc_igrpen0_el1) REG_GIC(3, 0, 12, 12, 6);
FIXTURE_VARIANT_ADD(exits, icc_igrpen1_el1) REG_GIC(3, 0, 12, 12, 7);
FIXTURE_VARIANT_ADD(exits, icc_iar1_el1)
	{ .reg = ARMVCPU_SYSREG(3, 0, 12, 12, 0), .needs_gicv3 = true, .read_only = true };
FIXTURE_VARIANT_ADD(exits, icc_eoir1_el1)
	{ .reg = ARMVCPU_SYSREG(3, 0, 12, 12, 1), .needs_gicv3 = true, .write_only = true };
FIXTURE_VARIANT_ADD(exits, icc_sgi1r_el1)
	{ .reg = ARMVCPU_SYSREG(3, 0, 12, 11, 5), .needs_gicv3 = true, .write_only = true };
/* The physical timer is the host's. */
FIXTURE_VARIANT_ADD(exits, cntp_ctl_el0) REG(3, 3, 14, 2, 1);
FIXTURE_VARIANT_ADD(exits, cntp_cval_el0) REG(3, 3, 14, 2, 2);
FIXTURE_VARIANT_ADD(exits, cntp_tval_el0) REG(3, 3, 14, 2, 0);
/* Implementation defined, of A53, A57 and A72. */
FIXTURE_VARIANT_ADD(exits, l2ctlr_el1) REG_MAYBE(3, 1, 11, 0, 2);
FIXTURE_VARIANT_ADD(exits, cpuactlr_el1) REG_MAYBE(3, 1, 15, 2, 0);
FIXTURE_VARIANT_ADD(exits, cpuectlr_el1) REG_MAYBE(3, 1, 15, 2, 1);

FIXTURE_SETUP(exits)
{
	if (variant->needs_gicv3 && !host_has_gicv3())
		SKIP(_exit(255), "the host has no GICv3");
	world_init(&self->w);
}

FIXTURE_TEARDOWN(exits)
{
}

/* True if the exit is there, false if the hardware keeps it for itself. */
static bool expect_exit(struct world *w, u32 reg, u32 rt, bool write, bool may_be_undefined)
{
	struct armvcpu_run *run = w->vcpu.run;
	int ret;
	u64 esr;

	world_start(w, write ? insn_msr(reg, rt) : insn_mrs(reg, rt));
	ret = vcpu_run_exit(&w->vcpu);
	if (may_be_undefined && !ret &&
	    (snippet_is_stop(&w->vcpu) || snippet_is_exception(&w->vcpu, &esr)))
		return false;
	if (ret || run->exit_reason != ARMVCPU_EXIT_SYSREG) {
		vcpu_print_exit(&w->vcpu);
		test_fail("RUN is %d; expected a sysreg exit", ret);
	}
	if (run->u.sysreg.reg != reg || run->u.sysreg.is_write != write ||
	    run->u.sysreg.rt != rt || run->u.sysreg.reserved[0] || run->u.sysreg.reserved[1]) {
		vcpu_print_exit(&w->vcpu);
		test_fail("not an access to register 0x%x", reg);
	}
	if (ESR_EC(run->esr) != EC_SYS64)
		test_fail("esr 0x%llx", run->esr);
	snippet_check_regs(&w->vcpu, &w->regs);
	return true;
}

/* FEAT_IDST: what is undefined in the space of the ID registers has its own class. */
static bool is_id_trap(u32 insn, u64 esr)
{
	u32 sysreg = insn >> 5 & 0xffff;

	return ESR_EC(esr) == EC_SYS64 && (sysreg == ARMVCPU_SYSREG(3, 1, 0, 0, 4) ||
					   sysreg == ARMVCPU_SYSREG(3, 1, 0, 0, 6));
}

/* There is no such instruction: nobody's but the guest's to handle. */
static void expect_undef(struct world *w, u32 insn)
{
	u64 esr;

	world_start(w, insn);
	if (vcpu_run_exit(&w->vcpu) || !snippet_is_exception(&w->vcpu, &esr) ||
	    (ESR_EC(esr) != EC_UNKNOWN && !is_id_trap(insn, esr))) {
		vcpu_print_exit(&w->vcpu);
		test_fail("expected an undefined instruction");
	}
	/* The handler does not return: its frame goes, too. */
	vcpu_set(&w->vcpu, ARMVCPU_REG_SP_EL1, w->regs.sp_el1);
}

TEST_F(exits, read)
{
	struct armvcpu_run *run = self->w.vcpu.run;

	if (variant->write_only) {
		expect_undef(&self->w, insn_mrs(variant->reg, 5));
		return;
	}
	if (!expect_exit(&self->w, variant->reg, 5, false, variant->may_be_undefined))
		SKIP(return, "this CPU does not trap it");
	run->u.sysreg.data = 0x8877665544332211;
	self->w.regs.x[5] = 0x8877665544332211;
	snippet_expect_stop(&self->w.vcpu, &self->w.regs);

	/* Into the zero register. */
	expect_exit(&self->w, variant->reg, 31, false, false);
	run->u.sysreg.data = 0x8877665544332211;
	snippet_expect_stop(&self->w.vcpu, &self->w.regs);
}

TEST_F(exits, write)
{
	struct armvcpu_run *run = self->w.vcpu.run;

	if (variant->read_only) {
		expect_undef(&self->w, insn_msr(variant->reg, 5));
		return;
	}
	if (!expect_exit(&self->w, variant->reg, 7, true, variant->may_be_undefined))
		SKIP(return, "this CPU does not trap it");
	EXPECT_EQ(self->w.regs.x[7], run->u.sysreg.data);
	run->u.sysreg.data = 0xbad;
	snippet_expect_stop(&self->w.vcpu, &self->w.regs);

	expect_exit(&self->w, variant->reg, 31, true, false);
	EXPECT_EQ(0, run->u.sysreg.data);
	snippet_expect_stop(&self->w.vcpu, &self->w.regs);
}

/* ---- actions ----------------------------------------------------- */

#define MDCCINT		ARMVCPU_SYSREG(2, 0, 0, 2, 0)

FIXTURE(action) {
	struct world w;
};

FIXTURE_VARIANT(action) {
	bool write;
};

FIXTURE_VARIANT_ADD(action, read) { .write = false };
FIXTURE_VARIANT_ADD(action, write) { .write = true };

FIXTURE_SETUP(action)
{
	world_init(&self->w);
}

FIXTURE_TEARDOWN(action)
{
}

TEST_F(action, retry)
{
	struct armvcpu_run *run = self->w.vcpu.run;
	int i;

	expect_exit(&self->w, MDCCINT, 5, variant->write, false);
	for (i = 0; i < 10; i++) {
		run->u.sysreg.data = 0xbad;
		run->action = ARMVCPU_ACTION_RETRY;
		vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_SYSREG);
		EXPECT_EQ(MDCCINT, run->u.sysreg.reg);
		snippet_check_regs(&self->w.vcpu, &self->w.regs);
	}
}

TEST_F(action, undef)
{
	struct armvcpu_run *run = self->w.vcpu.run;
	u64 esr;

	expect_exit(&self->w, MDCCINT, 5, variant->write, false);
	run->u.sysreg.data = 0xbad;
	run->action = ARMVCPU_ACTION_UNDEF;
	ASSERT_EQ(0, vcpu_run_exit(&self->w.vcpu));
	ASSERT_TRUE(snippet_is_exception(&self->w.vcpu, &esr));
	EXPECT_EQ((u64)EC_UNKNOWN << 26 | ESR_IL, esr);
	/* ELR_EL1 is at the instruction, SPSR_EL1 is what was. */
	EXPECT_EQ(self->w.regs.pc, run->x[3]);
	EXPECT_EQ(self->w.regs.pc, vcpu_get(&self->w.vcpu, ARMVCPU_REG_ELR_EL1));
	EXPECT_EQ(self->w.regs.pstate, vcpu_get(&self->w.vcpu, ARMVCPU_REG_SPSR_EL1));
}

/* ---- what the module emulates ------------------------------------ */

static void guest_os_lock(void)
{
	GUEST_ASSERT_EQ(8, read_sysreg(oslsr_el1));
	write_sysreg(1, oslar_el1);
	GUEST_ASSERT_EQ(10, read_sysreg(oslsr_el1));
	GUEST_SYNC(1);
	GUEST_ASSERT_EQ(10, read_sysreg(oslsr_el1));
	write_sysreg(0, oslar_el1);
	GUEST_ASSERT_EQ(8, read_sysreg(oslsr_el1));
	write_sysreg(1, osdlr_el1);
	GUEST_ASSERT_EQ(1, read_sysreg(osdlr_el1));
	write_sysreg(0, osdlr_el1);
}

static void guest_mdscr(void)
{
	GUEST_ASSERT_EQ(0, read_sysreg(mdscr_el1));
	write_sysreg(BIT(12), mdscr_el1);
	GUEST_SYNC(1);
	GUEST_ASSERT_EQ(BIT(12), read_sysreg(mdscr_el1));
	write_sysreg(0, mdscr_el1);
	GUEST_ASSERT_EQ(0, read_sysreg(mdscr_el1));
}

static void guest_actlr(void)
{
	u64 before = read_sysreg(actlr_el1);

	write_sysreg(~0UL, actlr_el1);
	GUEST_ASSERT_EQ(before, read_sysreg(actlr_el1));
}

/* What is not there, or only to be read. */
static void guest_undefined(void)
{
#define UNDEFINED(statement) do {						\
	const struct guest_trap *trap = GUEST_TRAP(statement);			\
										\
	GUEST_ASSERT_EQ(1, trap->count);					\
	GUEST_ASSERT_EQ(EC_UNKNOWN, ESR_EC(trap->esr));				\
} while (0)

	/* By encoding: the assembler knows that they cannot be. */
	UNDEFINED(write_sysreg(0, s2_0_c1_c1_4));	/* OSLSR_EL1 */
	UNDEFINED(write_sysreg(0, s3_0_c0_c0_0));	/* MIDR_EL1 */
	UNDEFINED(write_sysreg(0, s3_0_c0_c4_0));	/* ID_AA64PFR0_EL1 */
	UNDEFINED(read_sysreg(s2_0_c1_c0_4));		/* OSLAR_EL1 */
	/* EL2 and EL3 */
	UNDEFINED(read_sysreg(hcr_el2));
	UNDEFINED(write_sysreg(0, hcr_el2));
	UNDEFINED(read_sysreg(vbar_el2));
	UNDEFINED(read_sysreg(sctlr_el2));
	UNDEFINED(read_sysreg(vmpidr_el2));
	UNDEFINED(read_sysreg(elr_el2));
	UNDEFINED(read_sysreg(sp_el1));
	UNDEFINED(read_sysreg(scr_el3));
	UNDEFINED(read_sysreg(vbar_el3));
}

static void guest_el2_instructions(void)
{
	u64 x = 0;

	UNDEFINED(asm volatile("at s12e1r, %0" : : "r"(x)));
	UNDEFINED(asm volatile("at s1e2r, %0" : : "r"(x)));
	UNDEFINED(asm volatile("tlbi alle1"));
	UNDEFINED(asm volatile("tlbi alle2"));
	UNDEFINED(asm volatile("tlbi vmalls12e1"));
	UNDEFINED(asm volatile("tlbi ipas2e1, %0" : : "r"(x)));
}

FIXTURE(guest) {
	struct vm vm;
	struct vcpu vcpu;
};

FIXTURE_VARIANT(guest) {
	void (*code)(void);
	unsigned int syncs;
};

FIXTURE_VARIANT_ADD(guest, os_lock) { .code = guest_os_lock, .syncs = 1 };
FIXTURE_VARIANT_ADD(guest, mdscr) { .code = guest_mdscr, .syncs = 1 };
FIXTURE_VARIANT_ADD(guest, actlr) { .code = guest_actlr };
FIXTURE_VARIANT_ADD(guest, undefined_registers) { .code = guest_undefined };
FIXTURE_VARIANT_ADD(guest, undefined_el2_instructions) { .code = guest_el2_instructions };

FIXTURE_SETUP(guest)
{
	vm_init(&self->vm);
	vcpu_init(&self->vcpu, &self->vm, 0);
}

FIXTURE_TEARDOWN(guest)
{
}

TEST_F(guest, runs)
{
	unsigned int i;

	vcpu_call(&self->vcpu, variant->code);
	for (i = 0; i < variant->syncs; i++)
		vcpu_expect_sync(&self->vcpu, 1);
	vcpu_expect_done(&self->vcpu);
}

/* What the ID registers hide, as undefined as where it is not there. */
FIXTURE(hidden) {
	struct world w;
};

FIXTURE_VARIANT(hidden) {
	u32 reg;
	u32 last;
};

#define REGS(_first, _last) { .reg = (_first), .last = (_last) }

FIXTURE_VARIANT_ADD(hidden, sctlr2_el1) REG(3, 0, 1, 0, 3);
FIXTURE_VARIANT_ADD(hidden, rgsr_el1_gcr_el1)
	REGS(ARMVCPU_SYSREG(3, 0, 1, 0, 5), ARMVCPU_SYSREG(3, 0, 1, 0, 6));
FIXTURE_VARIANT_ADD(hidden, tcr2_el1) REG(3, 0, 2, 0, 3);
FIXTURE_VARIANT_ADD(hidden, pointer_authentication_keys)
	REGS(ARMVCPU_SYSREG(3, 0, 2, 1, 0), ARMVCPU_SYSREG(3, 0, 2, 3, 1));
FIXTURE_VARIANT_ADD(hidden, gcs_el1)
	REGS(ARMVCPU_SYSREG(3, 0, 2, 5, 0), ARMVCPU_SYSREG(3, 0, 2, 5, 2));
FIXTURE_VARIANT_ADD(hidden, ras_error_records)
	REGS(ARMVCPU_SYSREG(3, 0, 5, 3, 0), ARMVCPU_SYSREG(3, 0, 5, 5, 7));
FIXTURE_VARIANT_ADD(hidden, tfsr_el1_tfsre0_el1)
	REGS(ARMVCPU_SYSREG(3, 0, 5, 6, 0), ARMVCPU_SYSREG(3, 0, 5, 6, 1));
FIXTURE_VARIANT_ADD(hidden, mair2_el1) REG(3, 0, 10, 2, 1);
FIXTURE_VARIANT_ADD(hidden, pir_el1_por_el1)
	REGS(ARMVCPU_SYSREG(3, 0, 10, 2, 2), ARMVCPU_SYSREG(3, 0, 10, 2, 5));
FIXTURE_VARIANT_ADD(hidden, amair2_el1) REG(3, 0, 10, 3, 1);
FIXTURE_VARIANT_ADD(hidden, lor)
	REGS(ARMVCPU_SYSREG(3, 0, 10, 4, 0), ARMVCPU_SYSREG(3, 0, 10, 4, 7));
FIXTURE_VARIANT_ADD(hidden, mpam)
	REGS(ARMVCPU_SYSREG(3, 0, 10, 5, 0), ARMVCPU_SYSREG(3, 0, 10, 5, 7));
/* No performance monitors, profiling, trace, branch records. */
FIXTURE_VARIANT_ADD(hidden, performance_monitors_el1)
	REGS(ARMVCPU_SYSREG(3, 0, 9, 14, 0), ARMVCPU_SYSREG(3, 0, 9, 14, 7));
FIXTURE_VARIANT_ADD(hidden, performance_monitors_el0)
	REGS(ARMVCPU_SYSREG(3, 3, 9, 12, 0), ARMVCPU_SYSREG(3, 3, 9, 14, 7));
FIXTURE_VARIANT_ADD(hidden, event_counters)
	REGS(ARMVCPU_SYSREG(3, 3, 14, 8, 0), ARMVCPU_SYSREG(3, 3, 14, 15, 7));
FIXTURE_VARIANT_ADD(hidden, profiling)
	REGS(ARMVCPU_SYSREG(3, 0, 9, 9, 0), ARMVCPU_SYSREG(3, 0, 9, 10, 7));
FIXTURE_VARIANT_ADD(hidden, trace_buffer)
	REGS(ARMVCPU_SYSREG(3, 0, 9, 11, 0), ARMVCPU_SYSREG(3, 0, 9, 11, 7));
FIXTURE_VARIANT_ADD(hidden, trace_filter)
	REGS(ARMVCPU_SYSREG(3, 0, 1, 2, 1), ARMVCPU_SYSREG(3, 0, 1, 2, 3));
FIXTURE_VARIANT_ADD(hidden, trace)
	REGS(ARMVCPU_SYSREG(2, 1, 0, 0, 0), ARMVCPU_SYSREG(2, 1, 0, 15, 7));
FIXTURE_VARIANT_ADD(hidden, branch_records)
	REGS(ARMVCPU_SYSREG(2, 1, 9, 0, 0), ARMVCPU_SYSREG(2, 1, 9, 2, 7));
FIXTURE_VARIANT_ADD(hidden, system_performance_monitors)
	REGS(ARMVCPU_SYSREG(2, 0, 9, 12, 0), ARMVCPU_SYSREG(2, 0, 9, 14, 7));
FIXTURE_VARIANT_ADD(hidden, smidr_el1) REG(3, 1, 0, 0, 6);
FIXTURE_VARIANT_ADD(hidden, accdata_el1) REG(3, 0, 13, 0, 5);
FIXTURE_VARIANT_ADD(hidden, scxtnum_el1) REG(3, 0, 13, 0, 7);
FIXTURE_VARIANT_ADD(hidden, gmid_el1) REG(3, 1, 0, 0, 4);
FIXTURE_VARIANT_ADD(hidden, por_el0) REG(3, 3, 10, 2, 4);
FIXTURE_VARIANT_ADD(hidden, scxtnum_el0) REG(3, 3, 13, 0, 7);
FIXTURE_VARIANT_ADD(hidden, activity_monitors)
	REGS(ARMVCPU_SYSREG(3, 3, 13, 2, 0), ARMVCPU_SYSREG(3, 3, 13, 15, 7));

FIXTURE_SETUP(hidden)
{
	struct vcpu *vcpu = &self->w.vcpu;

	vm_init(&self->w.vm);
	vcpu_init(vcpu, &self->w.vm, 0);
	vcpu_hide_pauth(vcpu);
	self->w.code = vm_add_memory(&self->w.vm, 0, CODE, 0x10000);
	snippet_prepare(vcpu, VCPU_MMU_ON);
}

FIXTURE_TEARDOWN(hidden)
{
}

TEST_F(hidden, read)
{
	u32 reg = variant->reg;

	do {
		expect_undef(&self->w, insn_mrs(reg, 5));
	} while (++reg <= variant->last);
}

TEST_F(hidden, write)
{
	u32 reg = variant->reg;

	do {
		expect_undef(&self->w, insn_msr(reg, 5));
	} while (++reg <= variant->last);
}

static void guest_undef_at_el0(u64 count, u64 or)
{
	const struct guest_trap *trap;
	u64 x[8], i;

	for (i = 0; i < 8; i++)
		x[i] = 0;
	for (i = 0; i < count; i++) {
		trap = guest_el0(GUEST_USER + 8 * i, PSR_EL0T, 0, x);
		if (ESR_EC(trap->esr) != or)
			GUEST_ASSERT_EQ(EC_UNKNOWN, ESR_EC(trap->esr));
		GUEST_ASSERT_EQ(GUEST_USER + 8 * i, trap->frame.elr);
	}
}

/* The code's page, for EL0. */
static void user_code(u32 *code, u32 index, u32 insn)
{
	code[2 * index] = insn;
	code[2 * index + 1] = 0xd4000001;	/* svc #0 */
	*guest_pt_entry(GUEST_USER, 3) = CODE | PTE_NORMAL | PTE_USER | PTE_RDONLY | PTE_TABLE |
					 PTE_VALID;
}

/*
 * What the core sends to EL1 before EL2 is asked: identification (FEAT_IDST), and by
 * SCTLR_EL1.TSCXT, which is RES1 for who does not know it.
 */
static u64 ec_at_el0(u32 reg)
{
	bool id = reg >= ARMVCPU_SYSREG(3, 1, 0, 0, 0) && reg <= ARMVCPU_SYSREG(3, 1, 0, 15, 7);

	return id || reg == ARMVCPU_SYSREG(3, 3, 13, 0, 7) ? EC_SYS64 : EC_UNKNOWN;
}

/* A host that lets its processes read a counter must not let a guest's. */
TEST_F(hidden, at_el0)
{
	u32 reg = variant->reg, count = 0;

	do {
		user_code((u32 *)self->w.code, count++, insn_mrs(reg, 5));
	} while (++reg <= variant->last);
	vcpu_call(&self->w.vcpu, guest_undef_at_el0, count, ec_at_el0(variant->reg));
	vcpu_expect_done(&self->w.vcpu);
}

/* ---- the physical counter ---------------------------------------- */

static void guest_counter_at_el0(void)
{
	const struct guest_trap *trap;
	u64 x[8], i, before;

	for (i = 0; i < 8; i++)
		x[i] = 0;
	/* EL0PCTEN */
	write_sysreg(1, cntkctl_el1);
	isb();
	before = read_sysreg(cntpct_el0);
	trap = guest_el0(GUEST_USER, PSR_EL0T, 0, x);
	GUEST_ASSERT_EQ(EC_SVC64, ESR_EC(trap->esr));
	isb();
	GUEST_ASSERT(trap->frame.x[5] >= before);
	GUEST_ASSERT(trap->frame.x[5] <= read_sysreg(cntpct_el0));
}

TEST(physical_counter_at_el0)
{
	struct world w;

	vm_init(&w.vm);
	vcpu_init(&w.vcpu, &w.vm, 0);
	w.code = vm_add_memory(&w.vm, 0, CODE, 0x10000);
	user_code((u32 *)w.code, 0, insn_mrs(ARMVCPU_SYSREG(3, 3, 14, 0, 1), 5));
	vcpu_call(&w.vcpu, guest_counter_at_el0);
	vcpu_expect_done(&w.vcpu);
}

/* ---- TPIDR2_EL0 -------------------------------------------------- */

/*
 * Undefined as well, but on an emulated core that has SME without FEAT_FGT, as no real one
 * may: there is no trap. It is no way to the host's value, or from it, then.
 */
#define TPIDR2_EL0		ARMVCPU_SYSREG(3, 3, 13, 0, 5)
#define NO_TRAP			"TPIDR2_EL0 is the guest's own"
#define read_tpidr2()		read_sysreg(s3_3_c13_c0_5)
#define HWCAP2_HAS_SME		BIT(23)

static void guest_tpidr2(void)
{
	u64 found = read_tpidr2();

	write_sysreg(~POISON, s3_3_c13_c0_5);
	GUEST_SYNC_ARGS(1, found, read_tpidr2(), 0);
	GUEST_DONE();
}

TEST(tpidr2_el0_is_not_the_hosts)
{
	bool host_has = getauxval(AT_HWCAP2) & HWCAP2_HAS_SME;
	struct world w;

	world_init(&w);
	if (!system_logged(NO_TRAP)) {
		expect_undef(&w, insn_mrs(TPIDR2_EL0, 5));
		expect_undef(&w, insn_msr(TPIDR2_EL0, 5));
		return;
	}
	if (host_has)
		write_sysreg(POISON, s3_3_c13_c0_5);
	vcpu_call(&w.vcpu, guest_tpidr2);
	vcpu_expect_sync(&w.vcpu, 1);
	EXPECT_EQ(0, vcpu_sync_arg(&w.vcpu, 0));
	EXPECT_EQ(~POISON, vcpu_sync_arg(&w.vcpu, 1));
	if (host_has)
		EXPECT_EQ(POISON, read_tpidr2());
	vcpu_expect_done(&w.vcpu);
}

/* ---- caches ------------------------------------------------------ */

/* Not on a line with anything else. */
static u64 cached[1024] __aligned(4096);

static void guest_fill_cached(u64 seed)
{
	u64 i;

	for (i = 0; i < ARRAY_SIZE(cached); i++)
		guest_write64((u64)&cached[i], seed ^ i * 0x0101010101010101);
}

static void guest_check_cached(u64 seed)
{
	u64 i;

	for (i = 0; i < ARRAY_SIZE(cached); i++)
		GUEST_ASSERT_EQ(seed ^ i * 0x0101010101010101, guest_read64((u64)&cached[i]));
}

/* All levels, a few sets and ways of each, as a boot loader does with all. */
static void guest_set_way(u64 seed)
{
	u64 level, set;

	for (level = 0; level < 2; level++) {
		for (set = 0; set < 4; set++) {
			u64 operand = level << 1 | set << 6;

			asm volatile("dc cisw, %0" : : "r"(operand) : "memory");
			guest_check_cached(seed);
			asm volatile("dc csw, %0" : : "r"(operand) : "memory");
			/* It must not lose what the VMM has in the cache: it cleans, too. */
			asm volatile("dc isw, %0" : : "r"(operand) : "memory");
		}
	}
	asm volatile("dc cisw, xzr; dsb sy" : : : "memory");
	guest_check_cached(seed);
}

static void guest_caches(u64 bits)
{
	write_sysreg((read_sysreg(sctlr_el1) & ~(GUEST_SCTLR_M | GUEST_SCTLR_C)) | bits,
		     sctlr_el1);
	isb();
	GUEST_ASSERT_EQ(bits, read_sysreg(sctlr_el1) & (GUEST_SCTLR_M | GUEST_SCTLR_C));
}

#define SWAP(name)								\
static u64 swap_##name(u64 value)						\
{										\
	u64 old;								\
										\
	asm volatile("mrs %0, " #name "\n"					\
		     "msr " #name ", %1\n"					\
		     "isb" : "=&r"(old) : "r"(value) : "memory");		\
	return old;								\
}

SWAP(ttbr0_el1)
SWAP(ttbr1_el1)
SWAP(tcr_el1)
SWAP(mair_el1)
SWAP(esr_el1)
SWAP(far_el1)
SWAP(contextidr_el1)
SWAP(afsr0_el1)
SWAP(afsr1_el1)
SWAP(amair_el1)

/* With its caches off a guest's writes to these trap. The last may have no bits. */
static void guest_vm_registers(void)
{
	static const struct {
		u64 (*swap)(u64 value);
		u64 value;
	} regs[] = {
		{ swap_ttbr0_el1, 0x12340000 },
		{ swap_ttbr1_el1, 0x12350000 },
		{ swap_tcr_el1, 0x3519 },
		{ swap_mair_el1, 0x1122334455667788 },
		{ swap_esr_el1, 0x96000045 },
		{ swap_far_el1, 0x8877665544332211 },
		{ swap_contextidr_el1, 0x12345678 },
		{ swap_afsr0_el1, 0 },
		{ swap_afsr1_el1, 0 },
		{ swap_amair_el1, 0 },
	};
	unsigned int i;
	u64 before;

	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		before = regs[i].swap(regs[i].value);
		GUEST_ASSERT_EQ(regs[i].value, regs[i].swap(before));
		GUEST_ASSERT_EQ(before, regs[i].swap(before));
	}
}

/* Both ways through the four states of the MMU and the data cache, three times. */
static void guest_cache_transitions(void)
{
	static const u64 states[] = {
		GUEST_SCTLR_M | GUEST_SCTLR_C, GUEST_SCTLR_C, 0, GUEST_SCTLR_M,
		GUEST_SCTLR_M | GUEST_SCTLR_C, GUEST_SCTLR_M, 0, GUEST_SCTLR_C,
	};
	u64 round, i, seed = 0x1234567890abcdef;

	guest_fill_cached(seed);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < ARRAY_SIZE(states); i++) {
			guest_caches(states[i]);
			guest_check_cached(seed);
			guest_set_way(seed);
			if (!(states[i] & GUEST_SCTLR_M))
				guest_vm_registers();
			guest_fill_cached(++seed);
			if (states[i] != (GUEST_SCTLR_M | GUEST_SCTLR_C))
				continue;
			/* The VMM sees the guest's data, and the guest the VMM's. */
			GUEST_SYNC_ARGS(1, seed, 0, 0);
			guest_check_cached(++seed);
		}
	}
}

TEST(caches_on_and_off)
{
	u64 i, k, seed;
	struct vcpu vcpu;
	struct vm vm;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	vcpu_call(&vcpu, guest_cache_transitions);
	for (i = 0; i < 6; i++) {
		vcpu_expect_sync(&vcpu, 1);
		seed = vcpu_sync_arg(&vcpu, 0);
		for (k = 0; k < ARRAY_SIZE(cached); k++) {
			ASSERT_EQ(seed ^ k * 0x0101010101010101, cached[k]);
			cached[k] = (seed + 1) ^ k * 0x0101010101010101;
		}
	}
	vcpu_expect_done(&vcpu);
}

/* EL0 has no cache maintenance by set/way: it never reaches the module. */
static void guest_set_way_at_el0(void)
{
	const u64 x[8] = { 0 };
	const struct guest_trap *trap = guest_el0(GUEST_USER, PSR_EL0T, 0, x);

	GUEST_ASSERT_EQ(1, trap->count);
	GUEST_ASSERT_EQ(EC_UNKNOWN, ESR_EC(trap->esr));
	GUEST_ASSERT_EQ(GUEST_USER, trap->frame.elr);
}

TEST(set_way_at_el0)
{
	static const u32 insns[] = { 0xd5087640, 0xd5087a40, 0xd5087e40 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(insns); i++) {
		struct vcpu vcpu;
		struct vm vm;
		u32 *code;

		vm_init(&vm);
		guest_pt_map(GUEST_USER, CODE, 0x1000, PTE_NORMAL | PTE_USER);
		vcpu_init(&vcpu, &vm, 0);
		code = vm_add_memory(&vm, 0, CODE, 0x10000);
		*code = insns[i];
		vcpu_call(&vcpu, guest_set_way_at_el0);
		vcpu_expect_done(&vcpu);
		vcpu_close(&vcpu);
		vm_close(&vm);
	}
}

/* ---- ID registers ------------------------------------------------ */

FIXTURE(id) {
	struct world w;
};

FIXTURE_VARIANT(id) {
	u32 index;
	u32 shift;
	u64 min, max;
};

#define ID(_index, ...) { .index = (_index), __VA_ARGS__ }
/* CRm * 8 + op2 */
#define PFR0	32
#define PFR1	33
#define ZFR0	36
#define SMFR0	37
#define DFR0	40
#define ISAR1	49
#define ISAR2	50
#define MMFR0	56
#define MMFR1	57
#define MMFR2	58
#define MMFR3	59
#define MMFR4	60

FIXTURE_VARIANT_ADD(id, el0_is_there) ID(PFR0, .shift = 0, .min = 1, .max = 2);
FIXTURE_VARIANT_ADD(id, el1_is_aarch64) ID(PFR0, .shift = 4, .min = 1, .max = 1);
FIXTURE_VARIANT_ADD(id, no_el2) ID(PFR0, .shift = 8);
FIXTURE_VARIANT_ADD(id, no_gic) ID(PFR0, .shift = 24);
FIXTURE_VARIANT_ADD(id, no_ras) ID(PFR0, .shift = 28);
FIXTURE_VARIANT_ADD(id, no_sve) ID(PFR0, .shift = 32);
FIXTURE_VARIANT_ADD(id, no_sel2) ID(PFR0, .shift = 36);
FIXTURE_VARIANT_ADD(id, no_mpam) ID(PFR0, .shift = 40);
FIXTURE_VARIANT_ADD(id, no_amu) ID(PFR0, .shift = 44);
FIXTURE_VARIANT_ADD(id, no_rme) ID(PFR0, .shift = 52);
FIXTURE_VARIANT_ADD(id, no_mte) ID(PFR1, .shift = 8);
FIXTURE_VARIANT_ADD(id, no_ras_fraction) ID(PFR1, .shift = 12);
FIXTURE_VARIANT_ADD(id, no_mpam_fraction) ID(PFR1, .shift = 16);
FIXTURE_VARIANT_ADD(id, no_sme) ID(PFR1, .shift = 24);
FIXTURE_VARIANT_ADD(id, no_csv2_fraction) ID(PFR1, .shift = 32);
FIXTURE_VARIANT_ADD(id, no_nmi) ID(PFR1, .shift = 36);
FIXTURE_VARIANT_ADD(id, no_gcs) ID(PFR1, .shift = 44);
FIXTURE_VARIANT_ADD(id, zfr0_zero_0) ID(ZFR0, .shift = 0);
FIXTURE_VARIANT_ADD(id, zfr0_zero_44) ID(ZFR0, .shift = 44);
FIXTURE_VARIANT_ADD(id, smfr0_zero_32) ID(SMFR0, .shift = 32);
FIXTURE_VARIANT_ADD(id, debug_v8) ID(DFR0, .shift = 0, .min = 6, .max = 6);
FIXTURE_VARIANT_ADD(id, two_breakpoints) ID(DFR0, .shift = 12, .min = 1, .max = 15);
FIXTURE_VARIANT_ADD(id, two_watchpoints) ID(DFR0, .shift = 20, .min = 1, .max = 15);
FIXTURE_VARIANT_ADD(id, no_trace) ID(DFR0, .shift = 4);
FIXTURE_VARIANT_ADD(id, no_pmu) ID(DFR0, .shift = 8);
FIXTURE_VARIANT_ADD(id, no_spe) ID(DFR0, .shift = 32);
FIXTURE_VARIANT_ADD(id, no_trace_filter) ID(DFR0, .shift = 40);
FIXTURE_VARIANT_ADD(id, no_trbe) ID(DFR0, .shift = 44);
FIXTURE_VARIANT_ADD(id, no_brbe) ID(DFR0, .shift = 52);
FIXTURE_VARIANT_ADD(id, no_ls64) ID(ISAR1, .shift = 60);
FIXTURE_VARIANT_ADD(id, no_fgt) ID(MMFR0, .shift = 56);
FIXTURE_VARIANT_ADD(id, no_ecv) ID(MMFR0, .shift = 60);
FIXTURE_VARIANT_ADD(id, no_vhe) ID(MMFR1, .shift = 8);
FIXTURE_VARIANT_ADD(id, no_lor) ID(MMFR1, .shift = 16);
FIXTURE_VARIANT_ADD(id, no_hcx) ID(MMFR1, .shift = 40);
FIXTURE_VARIANT_ADD(id, no_nested) ID(MMFR2, .shift = 24);
FIXTURE_VARIANT_ADD(id, no_tcr2) ID(MMFR3, .shift = 0);
FIXTURE_VARIANT_ADD(id, no_sctlr2) ID(MMFR3, .shift = 4);
FIXTURE_VARIANT_ADD(id, mmfr4_zero) ID(MMFR4, .shift = 0);

FIXTURE_SETUP(id)
{
	world_init(&self->w);
}

FIXTURE_TEARDOWN(id)
{
}

TEST_F(id, field)
{
	u32 reg = ARMVCPU_SYSREG(3, 0, 0, variant->index / 8, variant->index % 8);
	u64 value;

	ASSERT_TRUE(guest_mrs(&self->w, reg, &value));
	EXPECT_LE(variant->min, value >> variant->shift & 0xf) {
		TH_LOG("the register is 0x%llx", value);
	}
	EXPECT_GE(variant->max, value >> variant->shift & 0xf) {
		TH_LOG("the register is 0x%llx", value);
	}
	EXPECT_EQ(value, vcpu_get(&self->w.vcpu, ARMVCPU_REG_CLASS_SYS | reg));
}

TEST(id_space_is_all_there)
{
	struct world w;
	unsigned int i;
	u64 value;

	/* CRm 1 to 7; what is unallocated reads as zero or is what the list has. */
	world_init(&w);
	for (i = 8; i < 64; i++) {
		u32 reg = ARMVCPU_SYSREG(3, 0, 0, i / 8, i % 8);

		if (!guest_mrs(&w, reg, &value))
			test_fail("CRm %u op2 %u is undefined", i / 8, i % 8);
	}
}

/* What the list says of a register is what the guest reads. */
TEST(id_registers_are_those_of_the_list)
{
	u32 *ids, count, i, seen = 0;
	struct world w;
	u64 value;

	world_init(&w);
	ids = vcpu_reg_list(&w.vcpu, &count);
	for (i = 0; i < count; i++) {
		u32 reg = ids[i] & ~ARMVCPU_REG_CLASS_MASK;

		if ((ids[i] & ARMVCPU_REG_CLASS_MASK) != ARMVCPU_REG_CLASS_SYS ||
		    reg < ARMVCPU_SYSREG(3, 0, 0, 1, 0) || reg > ARMVCPU_SYSREG(3, 0, 0, 7, 7))
			continue;
		seen++;
		ASSERT_TRUE(guest_mrs(&w, reg, &value));
		EXPECT_EQ(vcpu_get(&w.vcpu, ids[i]), value) {
			TH_LOG("register 0x%x", reg);
		}
		/* Read-only: only its own value. */
		EXPECT_EQ(0, vcpu_try_set(&w.vcpu, ids[i], value));
		EXPECT_EQ(-EINVAL, vcpu_try_set(&w.vcpu, ids[i], value ^ BIT(63)));
		EXPECT_EQ(-EINVAL, vcpu_try_set(&w.vcpu, ids[i], value + 1));
		EXPECT_EQ(value, vcpu_get(&w.vcpu, ids[i]));
	}
	EXPECT_LE(8, seen);
}

/* A guest must not be told of more address bits than its VM has. */
TEST(id_parange_is_the_vms)
{
	static const u32 bits[] = { 32, 36, 40, 42, 44, 48, 52 };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct vcpu vcpu;
		struct vm vm;
		u64 range;

		vm_init_bare(&vm, 32 + 4 * i);
		vcpu_init(&vcpu, &vm, 0);
		range = vcpu_get(&vcpu, ARMVCPU_REG_SYS(3, 0, 0, 7, 0)) & 0xf;
		ASSERT_LT(range, ARRAY_SIZE(bits));
		EXPECT_EQ(32 + 4 * i, bits[range]);
	}
}

TEST(mpidr_is_the_vcpus)
{
	static const u64 mpidrs[] = {
		0x0000000000, 0x0000000001, 0x0000000100, 0x0000010000, 0x0100000000, 0xff00ffffff,
		0x1200345678 & 0xff00ffffff,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mpidrs); i++) {
		struct world w;
		u64 value;

		vm_init(&w.vm);
		w.vcpu.index = 0;
		vcpu_open(&w.vcpu, &w.vm, vm_create_vcpu(&w.vm, 0, mpidrs[i]));
		w.code = vm_add_memory(&w.vm, 0, CODE, 0x10000);
		snippet_prepare(&w.vcpu, VCPU_MMU_ON);
		ASSERT_TRUE(guest_mrs(&w, ARMVCPU_SYSREG(3, 0, 0, 0, 5), &value));
		EXPECT_EQ(mpidrs[i] | BIT(31), value) {
			TH_LOG("0x%llx", value);
		}
		EXPECT_EQ(mpidrs[i] | BIT(31),
			  vcpu_get(&w.vcpu, ARMVCPU_REG_SYS(3, 0, 0, 0, 5)));
		vcpu_close(&w.vcpu);
		vm_close(&w.vm);
	}
}

TEST(midr_is_the_hosts)
{
	static const char path[] = "/sys/devices/system/cpu/cpu0/regs/identification/midr_el1";
	FILE *f = fopen(path, "r");
	unsigned long long host;
	struct world w;
	u64 value;

	if (!f)
		SKIP(return, "the host shows no midr_el1");
	ASSERT_EQ(1, fscanf(f, "%llx", &host));
	fclose(f);
	world_init(&w);
	ASSERT_TRUE(guest_mrs(&w, ARMVCPU_SYSREG(3, 0, 0, 0, 0), &value));
	EXPECT_EQ(host, value);
}

/* What EL1 may read anywhere: caches, counter frequency. */
TEST(plain_registers_are_there)
{
	static const u32 regs[] = {
		ARMVCPU_SYSREG(3, 3, 0, 0, 1),	/* CTR_EL0 */
		ARMVCPU_SYSREG(3, 3, 0, 0, 7),	/* DCZID_EL0 */
		ARMVCPU_SYSREG(3, 1, 0, 0, 1),	/* CLIDR_EL1 */
		ARMVCPU_SYSREG(3, 1, 0, 0, 0),	/* CCSIDR_EL1 */
		ARMVCPU_SYSREG(3, 3, 14, 0, 0),	/* CNTFRQ_EL0 */
		ARMVCPU_SYSREG(3, 3, 14, 0, 2),	/* CNTVCT_EL0 */
		ARMVCPU_SYSREG(3, 0, 12, 1, 0),	/* ISR_EL1 */
	};
	struct world w;
	unsigned int i;
	u64 value;

	world_init(&w);
	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		EXPECT_TRUE(guest_mrs(&w, regs[i], &value)) {
			TH_LOG("register 0x%x", regs[i]);
		}
	}
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
