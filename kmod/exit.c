// SPDX-License-Identifier: GPL-2.0
/*
 * Exits: the table over the exception class, what all handlers share, and the
 * handlers that are too small for a file of their own.
 *
 * To add an exit: a row in exit_handlers[] and a handler; if it goes to the
 * VMM, a row in exit_kinds[].
 */
#include <linux/bits.h>
#include <linux/sched.h>
#include <linux/swab.h>
#include <asm/debug-monitors.h>
#include <asm/esr.h>

#include "compat.h"
#include "kmod.h"
#include "trace.h"

#define ISS_FNV			BIT_ULL(10)
#define ISS_FSC			0x3fULL
#define FSC_ADDRESS_SIZE	0x00
#define FSC_ADDRESS_SIZE_M1	0x29
#define FSC_TRANSLATION_M1	0x2b
#define FSC_ACCESS_FLAG		0x08
#define FSC_PERMISSION		0x0c
#define FSC_EXTERNAL		0x10
#define FSC_EXTERNAL_ON_WALK	0x14
#define FSC_ALIGNMENT		0x21
#define FSC_TLB_CONFLICT	0x30
#define FSC_UNSUPPORTED		0x35

/* ---- PC ---------------------------------------------------------------- */

#define PSR_IT_LOW		GENMASK_ULL(26, 25)
#define PSR_IT_HIGH		GENMASK_ULL(15, 10)

/* IT[7:0] of an AArch32 SPSR. */
static u32 it_state(u64 pstate)
{
	return (pstate >> 25 & 3) | (pstate >> 10 & 0x3f) << 2;
}

/* As the instruction in an IT block would (Arm ARM, ITAdvance()). */
static u64 it_advance(u64 pstate)
{
	u32 it = it_state(pstate);

	it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
	pstate &= ~(PSR_IT_LOW | PSR_IT_HIGH);
	return pstate | (u64)(it & 3) << 25 | (u64)(it >> 2) << 10;
}

/**
 * skip_insn_aarch32() - move PC behind the AArch32 instruction that trapped
 * @vcpu: the vCPU; the syndrome is that of the trap.
 */
void skip_insn_aarch32(struct vcpu *vcpu)
{
	struct hyp_vcpu *hyp = vcpu->hyp;
	bool narrow = hyp->pstate & PSR_AA32_T_BIT && !(vcpu->pending.esr & ESR_ELx_IL);

	hyp->pc = (u32)(hyp->pc + (narrow ? 2 : 4));
	if (hyp->pstate & PSR_AA32_T_BIT)
		hyp->pstate = it_advance(hyp->pstate);
	/* The step of a single-stepped instruction is over. */
	hyp->pstate &= ~(u64)DBG_SPSR_SS;
}

/**
 * cond_passes() - would the trapped AArch32 instruction have executed?
 * @vcpu: the vCPU.
 *
 * Some traps are taken for an instruction whose condition fails (Arm ARM
 * G1.16.1); it then is a NOP.
 */
bool cond_passes(struct vcpu *vcpu)
{
	u64 esr = vcpu->hyp->esr, pstate = vcpu->hyp->pstate;
	bool n = pstate & PSR_AA32_N_BIT, z = pstate & PSR_AA32_Z_BIT;
	bool c = pstate & PSR_AA32_C_BIT, v = pstate & PSR_AA32_V_BIT, pass;
	u32 cond;

	if (!vcpu_aarch32(vcpu))
		return true;
	if (esr & ESR_ELx_CV)
		cond = esr >> 20 & 0xf;
	else if (it_state(pstate))
		cond = it_state(pstate) >> 4;
	else
		return true;
	switch (cond >> 1) {
	case 0:
		pass = z;
		break;
	case 1:
		pass = c;
		break;
	case 2:
		pass = n;
		break;
	case 3:
		pass = v;
		break;
	case 4:
		pass = c && !z;
		break;
	case 5:
		pass = n == v;
		break;
	case 6:
		pass = n == v && !z;
		break;
	default:
		return true;
	}
	return pass != (cond & 1);
}

/* ---- to the VMM -------------------------------------------------------- */

/**
 * exit_to_user() - fill in what every exit has
 * @vcpu: the vCPU; the handler has filled in the rest.
 * @reason: ARMVCPU_EXIT_*.
 *
 * Return: 0.
 */
int exit_to_user(struct vcpu *vcpu, u32 reason)
{
	return exit_to_user_inline(vcpu, reason);
}

/**
 * exit_fail() - the guest cannot go on by itself
 * @vcpu: the vCPU.
 * @reason: ARMVCPU_FAIL_*.
 * @err: a negative errno or 0.
 *
 * Return: 0.
 */
int exit_fail(struct vcpu *vcpu, u32 reason, int err)
{
	vcpu->run->u.fail = (struct armvcpu_exit_fail) { .reason = reason, .err = -err };
	return exit_to_user(vcpu, ARMVCPU_EXIT_FAIL);
}

/* ---- completing what the VMM was asked --------------------------------- */

static void skip_complete(struct vcpu *vcpu)
{
	skip_insn(vcpu);
}

static void debug_complete(struct vcpu *vcpu)
{
	switch (ESR_ELx_EC(vcpu->pending.esr)) {
	case ESR_ELx_EC_BRK64:
	case ESR_ELx_EC_BKPT32:
		skip_insn(vcpu);
	}
}

#define ACTION(action)	BIT(ARMVCPU_ACTION_##action)

/**
 * struct exit_kind - what may be done with a pending exit
 * @actions: ARMVCPU_ACTION_* that fit it; COMPLETE always does.
 * @complete: finishes what the guest began, with what the VMM says; NULL if
 *	nothing is left to do.
 */
struct exit_kind {
	u8 actions;
	void (*complete)(struct vcpu *vcpu);
};

static const struct exit_kind exit_kinds[] = {
	[ARMVCPU_EXIT_NONE]	 = { ACTION(COMPLETE) },
	[ARMVCPU_EXIT_INTR]	 = { ACTION(COMPLETE) },
	[ARMVCPU_EXIT_MMIO]	 = { ACTION(COMPLETE) | ACTION(RETRY) | ACTION(ABORT),
				     mmio_complete },
	[ARMVCPU_EXIT_ABORT]	 = { ACTION(COMPLETE) | ACTION(RETRY) | ACTION(ABORT),
				     skip_complete },
	[ARMVCPU_EXIT_SYSREG]	 = { ACTION(COMPLETE) | ACTION(RETRY) | ACTION(UNDEF),
				     sysreg_complete },
	[ARMVCPU_EXIT_HYPERCALL] = { ACTION(COMPLETE), call_complete },
	[ARMVCPU_EXIT_SMC]	 = { ACTION(COMPLETE), call_complete },
	[ARMVCPU_EXIT_PSCI]	 = { ACTION(COMPLETE) },
	[ARMVCPU_EXIT_WFX]	 = { ACTION(COMPLETE) | ACTION(RETRY), skip_complete },
	[ARMVCPU_EXIT_DEBUG]	 = { ACTION(COMPLETE) | ACTION(RETRY) | ACTION(UNDEF),
				     debug_complete },
	[ARMVCPU_EXIT_FAIL]	 = { ACTION(COMPLETE) | ACTION(RETRY) | ACTION(UNDEF) },
	[ARMVCPU_EXIT_DIRTY_RING_FULL] = { ACTION(COMPLETE) | ACTION(RETRY) },
};

/**
 * exit_check_action() - does the VMM's action fit the pending exit?
 * @vcpu: the vCPU.
 * @action: what the VMM asks for.
 *
 * Return: 0 or -EINVAL.
 */
int exit_check_action(struct vcpu *vcpu, u8 action)
{
	if (action > ARMVCPU_ACTION_UNDEF ||
	    !(exit_kinds[vcpu->pending.reason].actions & BIT(action)))
		return -EINVAL;
	return 0;
}

/**
 * exit_drop() - the VMM has set the guest on another way
 * @vcpu: the vCPU.
 */
void exit_drop(struct vcpu *vcpu)
{
	switch (vcpu->pending.reason) {
	case ARMVCPU_EXIT_HYPERCALL:
	case ARMVCPU_EXIT_SMC:
		call_complete(vcpu);
	}
	vcpu->pending.reason = ARMVCPU_EXIT_NONE;
}

/**
 * exit_complete_any() - do what the VMM decided about the pending exit
 * @vcpu: the vCPU.
 * @action: checked by exit_check_action().
 */
void exit_complete_any(struct vcpu *vcpu, u8 action)
{
	struct exit_state *pending = &vcpu->pending;
	u8 reason = pending->reason;

	pending->reason = ARMVCPU_EXIT_NONE;
	switch (action) {
	case ARMVCPU_ACTION_RETRY:
		return;
	case ARMVCPU_ACTION_ABORT:
		inject_abort(vcpu, false, pending->far, FSC_EXTERNAL);
		return;
	case ARMVCPU_ACTION_UNDEF:
		inject_undef(vcpu);
		return;
	}
	if (exit_kinds[reason].complete)
		exit_kinds[reason].complete(vcpu);
}

/* ---- handlers ---------------------------------------------------------- */

static int undef_handler(struct vcpu *vcpu)
{
	if (!cond_passes(vcpu))
		skip_insn(vcpu);
	else
		inject_undef(vcpu);
	return 1;
}

static int fail_handler(struct vcpu *vcpu)
{
	return exit_fail(vcpu, ARMVCPU_FAIL_EXCEPTION, 0);
}

/**
 * timer_deadline() - when the guest's virtual timer fires
 * @vcpu: the vCPU.
 *
 * Return: the guest's virtual counter, or ~0.
 */
u64 timer_deadline(struct vcpu *vcpu)
{
	/* ENABLE is set, IMASK is clear. */
	if ((vcpu_sys(vcpu, HYP_CNTV_CTL_EL0) & 3) != 1)
		return ~0ULL;
	return vcpu_sys(vcpu, HYP_CNTV_CVAL_EL0);
}

/* WFI, WFE; TI[0] tells which, TI[1] those with a timeout, hidden from guests. */
static int wfx_handler(struct vcpu *vcpu)
{
	bool wfe = vcpu->hyp->esr & 1;

	if (!cond_passes(vcpu)) {
		skip_insn(vcpu);
		return 1;
	}
	if (wfe && !(vcpu->flags & ARMVCPU_VCPU_WFE_EXITS)) {
		skip_insn(vcpu);
		schedule();
		return 1;
	}
	if (!wfe && vcpu->vm->gic) {
		skip_insn(vcpu);
		vcpu_block(vcpu);
		return 1;
	}
	/* An interrupt that is there ends a WFI, masked or not. */
	if (!wfe && (READ_ONCE(vcpu->hyp->lines) || vcpu->hyp->hcr & EL2_HCR_VSE)) {
		skip_insn(vcpu);
		return 1;
	}
	vcpu->run->u.wfx = (struct armvcpu_exit_wfx) {
		.is_wfe = wfe,
		.timer = wfe ? ~0ULL : timer_deadline(vcpu),
	};
	return exit_to_user(vcpu, ARMVCPU_EXIT_WFX);
}

/* MDCR_EL2.TDE: with ARMVCPU_VCPU_DEBUG_EXITS only. */
static int debug_handler(struct vcpu *vcpu)
{
	u64 esr = vcpu->hyp->esr;
	u32 ec = ESR_ELx_EC(esr);

	if (!(vcpu->flags & ARMVCPU_VCPU_DEBUG_EXITS))
		return fail_handler(vcpu);
	vcpu->run->u.debug = (struct armvcpu_exit_debug) {
		.ec = ec,
		.comment = ec == ESR_ELx_EC_BRK64 || ec == ESR_ELx_EC_BKPT32 ? esr & 0xffff : 0,
		.far = ec == ESR_ELx_EC_WATCHPT_LOW ? vcpu->hyp->far : 0,
	};
	return exit_to_user(vcpu, ARMVCPU_EXIT_DEBUG);
}

/*
 * The level of stage 1 whose descriptor is where no memory is; the syndrome has
 * that of stage 2.  A guest that changes its tables meanwhile gets some level.
 */
static u32 walk_level(struct vcpu *vcpu)
{
	/* TCR_EL1.TG0 and TG1, as the size of a page. */
	static const u8 tg0[] = { 12, 16, 14, 12 }, tg1[] = { 12, 14, 12, 16 };
	u64 tcr = vcpu_sys(vcpu, HYP_TCR_EL1), va = vcpu->hyp->far, table, desc;
	bool high = va & BIT_ULL(55);
	unsigned int shift = high ? tg1[tcr >> 30 & 3] : tg0[tcr >> 14 & 3];
	unsigned int bits = 64 - (tcr >> (high ? 16 : 0) & 63);
	int level = 4 - DIV_ROUND_UP(max(bits, shift + 1) - shift, shift - 3), low;

	va &= GENMASK_ULL(min(bits, 48U) - 1, 0);
	table = vcpu_sys(vcpu, high ? HYP_TTBR1_EL1 : HYP_TTBR0_EL1) & GENMASK_ULL(47, 1);
	for (level = max(level, 0); level < 3; level++) {
		low = shift + (3 - level) * (shift - 3);
		if (memslot_read(vcpu->vm, table + (va >> low) * 8, &desc, sizeof(desc)))
			break;
		if (vcpu_sys(vcpu, HYP_SCTLR_EL1) & SCTLR_ELx_EE)
			swab64s(&desc);
		table = desc & GENMASK_ULL(47, shift);
		va &= GENMASK_ULL(low - 1, 0);
	}
	return level;
}

/* Of a slot, which is kept until then. */
static noinline int slot_fault(struct vcpu *vcpu, struct memslot *slot, u64 ipa, bool write)
{
	u64 pages;
	int ret;

	ret = stage2_fault(vcpu, slot, ipa, write, vcpu_caches_on(vcpu), &pages);
	memslot_put(vcpu->vm, slot);
	if (ret == -ENOSPC)
		return exit_to_user(vcpu, ARMVCPU_EXIT_DIRTY_RING_FULL);
	if (ret)
		return exit_fail(vcpu, ARMVCPU_FAIL_MEMORY, ret);
	/* Else the guest faults again. */
	if (pages) {
		vcpu_count(&vcpu->run->stats.faults);
		vcpu_count_more(&vcpu->run->stats.pages, pages);
	}
	trace_armvcpu_fault(vcpu, ipa, write, pages);
	return 1;
}

/*
 * Without its level.  Those of level -1 (FEAT_LPA2) have codes of their own.  Stage 2 has no
 * such level here, but QEMU reports one on a guest's walk that has.
 */
static u64 fsc_type(u64 esr)
{
	switch (esr & ISS_FSC) {
	case FSC_ADDRESS_SIZE_M1:
		return FSC_ADDRESS_SIZE;
	case FSC_TRANSLATION_M1:
		return FSC_TRANSLATION;
	}
	return esr & FSC_TYPE;
}

static int memory_fault(struct vcpu *vcpu, bool insn)
{
	struct vm *vm = vcpu->vm;
	u64 esr = vcpu->hyp->esr, fsc = fsc_type(esr);
	u64 ipa = fault_ipa(vcpu);
	bool walk = esr & ISS_S1PTW, readonly = false;
	bool cache_op = !insn && esr & ISS_CM;
	bool write = !insn && !walk && !cache_op && esr & ISS_WNR;
	bool signalled = false, no_memory;
	struct memslot *slot;

	/* On a walk FAR is the address that was translated: a page is enough. */
	if (walk)
		ipa &= ~0xfffULL;
	/* Registers of a device are neither instructions nor tables (HCR_EL2.PTW). */
	no_memory = fsc == FSC_PERMISSION && (insn || walk) && stage2_is_device(vm, ipa);

	if (fsc == FSC_ACCESS_FLAG && stage2_touch(vm, ipa))
		return 1;
	down_read(&vm->slots_lock);
	slot = no_memory ? NULL : memslot_find(vm, ipa);
	if (slot) {
		readonly = slot->flags & ARMVCPU_SLOT_READONLY;
		/* A permission that is missing is that to write, whatever the syndrome says. */
		if (fsc == FSC_PERMISSION)
			write = true;
		if (!(readonly && write))
			memslot_get(slot);
	} else if (!no_memory) {
		mmio_note_page(vcpu, ipa);
		/* As long as it is certain that no memory is there. */
		if (write && esr & ISS_ISV && vm->nr_ioeventfds)
			signalled = mmio_signal(vcpu, ipa);
	}
	up_read(&vm->slots_lock);
	if (slot && !(readonly && write))
		return slot_fault(vcpu, slot, ipa, write);
	if (signalled) {
		skip_insn(vcpu);
		return 1;
	}

	/* Nothing there: what the bus would answer to a fetch or a walk. */
	if (insn || walk) {
		inject_abort(vcpu, insn, vcpu->hyp->far,
			     walk ? FSC_EXTERNAL_ON_WALK | walk_level(vcpu) : FSC_EXTERNAL);
		return 1;
	}
	if (esr & ISS_ISV && !cache_op)
		return mmio_exit(vcpu, ipa, readonly);
	return abort_exit(vcpu);
}

/* Synchronous external abort, parity or ECC error; on a walk or not. */
static bool is_external(u32 fsc)
{
	return fsc == FSC_EXTERNAL || fsc == 0x18 || (fsc & FSC_TYPE) == FSC_EXTERNAL_ON_WALK ||
	       (fsc & FSC_TYPE) == 0x1c || fsc == 0x13 || fsc == 0x1b;
}

static int abort_handler(struct vcpu *vcpu)
{
	u64 esr = vcpu->hyp->esr;
	bool insn = ESR_ELx_EC(esr) == ESR_ELx_EC_IABT_LOW;

	switch (fsc_type(esr)) {
	case FSC_ADDRESS_SIZE:
	case FSC_TRANSLATION:
	case FSC_ACCESS_FLAG:
	case FSC_PERMISSION:
		return memory_fault(vcpu, insn);
	}
	if ((esr & ISS_FSC) == FSC_TLB_CONFLICT) {
		/* Ours to solve; the guest's own conflicts go to the guest. */
		el2_call_any(HYP_CALL_TLBI_VMID, vcpu->vm->vttbr, vcpu->vm->vtcr, 0, 0);
		return 1;
	}
	/*
	 * Unaligned, or an exclusive or atomic access, where stage 2 alone makes it Device
	 * memory (GICV): the guest's mistake, as if its stage 1 had said so.
	 */
	if ((esr & ISS_FSC) == FSC_ALIGNMENT || (esr & ISS_FSC) == FSC_UNSUPPORTED) {
		inject_abort(vcpu, insn, vcpu->hyp->far, esr & (ISS_FSC | ISS_WNR));
		return 1;
	}
	/* HCR_EL2.TEA: an external abort of the guest's access, and its own. */
	if (is_external(esr & ISS_FSC)) {
		inject_abort(vcpu, insn, vcpu->hyp->far, esr & (ISS_FSC | ISS_FNV));
		return 1;
	}
	return fail_handler(vcpu);
}

static const exit_handler exit_handlers[64] = {
	[ESR_ELx_EC_WFx]	= wfx_handler,
	/* AArch32 EL0: no coprocessor register is there for it. */
	[ESR_ELx_EC_CP15_32]	= undef_handler,
	[ESR_ELx_EC_CP15_64]	= undef_handler,
	[ESR_ELx_EC_CP14_MR]	= undef_handler,
	[ESR_ELx_EC_CP14_LS]	= undef_handler,
	[ESR_ELx_EC_CP10_ID]	= undef_handler,
	[ESR_ELx_EC_CP14_64]	= undef_handler,
	/* Hidden by the ID registers; FP is switched at EL2. */
	[ESR_ELx_EC_FP_ASIMD]	= undef_handler,
	[ESR_ELx_EC_PAC]	= undef_handler,
	[0x0a]			= undef_handler,	/* LD64B, ST64B*, TSTART */
	[0x14]			= undef_handler,	/* 128-bit registers */
	[ESR_ELx_EC_SVE]	= undef_handler,
	[0x1b]			= undef_handler,	/* TSTART */
	[0x1d]			= undef_handler,	/* SME */
	[0x2d]			= undef_handler,	/* GCS */
	[ESR_ELx_EC_HVC64]	= hvc_exit,
	[ESR_ELx_EC_SMC64]	= smc_exit,
	[ESR_ELx_EC_SYS64]	= sysreg_exit,
	[ESR_ELx_EC_IABT_LOW]	= abort_handler,
	[ESR_ELx_EC_DABT_LOW]	= abort_handler,
	[ESR_ELx_EC_BREAKPT_LOW] = debug_handler,
	[ESR_ELx_EC_SOFTSTP_LOW] = debug_handler,
	[ESR_ELx_EC_WATCHPT_LOW] = debug_handler,
	[ESR_ELx_EC_BKPT32]	= debug_handler,
	[ESR_ELx_EC_BRK64]	= debug_handler,
};

/**
 * exit_handle() - what to do after a slice of the guest
 * @vcpu: the vCPU.
 * @code: HYP_EXIT_*.
 *
 * Return: as an exit_handler.
 */
int exit_handle(struct vcpu *vcpu, u64 code)
{
	exit_handler handler;
	u64 esr = vcpu->hyp->esr;

	if (likely(code == HYP_EXIT_SYNC)) {
		vcpu_count(&vcpu->run->stats.sync[ESR_ELx_EC(esr)]);
		vcpu->pending.esr = esr;
		handler = exit_handlers[ESR_ELx_EC(esr)];
		return handler ? handler(vcpu) : fail_handler(vcpu);
	}
	switch (code) {
	case HYP_EXIT_IRQ:
		/* The host's tick, above all: RCU hears of it. */
		compat_resched();
		return 1;
	case HYP_EXIT_KICK:
		/* Nobody listens any more, and EL2 has no room for what it has to tell. */
		if (vcpu->hyp->nr_traces == HYP_MAX_TRACES) {
			vcpu->hyp->tracing = 0;
			vcpu->hyp->nr_traces = 0;
		}
		return 1;
	case HYP_EXIT_SERROR:
		pr_err_ratelimited("%s[%d]: a physical SError in the guest, ESR %#llx\n",
				   current->comm, current->pid, vcpu->hyp->esr);
		return exit_fail(vcpu, ARMVCPU_FAIL_SERROR, 0);
	case HYP_EXIT_EL2:
		vm_kill(vcpu->vm);
		return exit_fail(vcpu, ARMVCPU_FAIL_EL2, 0);
	}
	/* What a hyp-stub answers: see el2_lost(). */
	return -ENODEV;
}
