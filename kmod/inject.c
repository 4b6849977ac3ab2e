// SPDX-License-Identifier: GPL-2.0
/*
 * Exceptions for the guest's EL1, as hardware would take them (Arm ARM
 * AArch64.TakeException()).
 */
#include <linux/bits.h>
#include <asm/cpufeature.h>
#include <asm/esr.h>
#include <asm/sysreg.h>

#include "kmod.h"

#define FSC_EXTERNAL		0x10

#define SCTLR_SPAN		BIT_ULL(23)
#define SCTLR_DSSBS		BIT_ULL(44)

static bool host_has(u32 reg, int shift)
{
	return read_sanitised_ftr_reg(reg) >> shift & 0xf;
}

/* PSTATE at the first instruction of the handler. */
static u64 handler_pstate(struct vcpu *vcpu)
{
	u64 old = vcpu->hyp->pstate, sctlr = vcpu_sys(vcpu, HYP_SCTLR_EL1);
	u64 new = PSR_MODE_EL1h | PSR_D_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT;

	/* NZCV stay. */
	new |= old & (PSR_N_BIT | PSR_Z_BIT | PSR_C_BIT | PSR_V_BIT);
	/* PAN stays, or is set if SCTLR_EL1.SPAN is clear. */
	if (host_has(SYS_ID_AA64MMFR1_EL1, 20)) {
		if (vcpu_aarch32(vcpu) ? old & PSR_AA32_PAN_BIT : old & PSR_PAN_BIT)
			new |= PSR_PAN_BIT;
		if (!(sctlr & SCTLR_SPAN))
			new |= PSR_PAN_BIT;
	}
	if (host_has(SYS_ID_AA64PFR1_EL1, 4) && sctlr & SCTLR_DSSBS)
		new |= PSR_SSBS_BIT;
	if (host_has(SYS_ID_AA64PFR1_EL1, 8))
		new |= PSR_TCO_BIT;
	/* DIT stays. */
	if (host_has(SYS_ID_AA64PFR0_EL1, 48))
		new |= old & PSR_DIT_BIT;
	return new;
}

/* A synchronous exception, taken at the present PC. */
static void take(struct vcpu *vcpu, u64 esr)
{
	struct hyp_vcpu *hyp = vcpu->hyp;
	u64 offset;

	switch (hyp->pstate & (PSR_MODE32_BIT | PSR_MODE_MASK)) {
	case PSR_MODE_EL1h:
		offset = 0x200;
		break;
	case PSR_MODE_EL1t:
		offset = 0x000;
		break;
	case PSR_MODE_EL0t:
		offset = 0x400;
		break;
	default:
		offset = 0x600;
	}
	vcpu_set_sys(vcpu, HYP_ESR_EL1, esr);
	vcpu_set_sys(vcpu, HYP_ELR_EL1, hyp->pc);
	vcpu_set_sys(vcpu, HYP_SPSR_EL1, hyp->pstate);
	hyp->pc = (vcpu_sys(vcpu, HYP_VBAR_EL1) & ~0x7ffULL) + offset;
	hyp->pstate = handler_pstate(vcpu);
}

/**
 * inject_undef() - an undefined instruction at PC
 * @vcpu: the vCPU.
 */
void inject_undef(struct vcpu *vcpu)
{
	take(vcpu, (u64)ESR_ELx_EC_UNKNOWN << ESR_ELx_EC_SHIFT | ESR_ELx_IL);
}

/**
 * inject_abort() - a synchronous abort at PC: an external one, as a rule
 * @vcpu: the vCPU.
 * @insn: on a fetch; otherwise on a data access.
 * @far: FAR_EL1.
 * @fsc: fault status code of ESR_EL1, WnR, and FnV: @far is not valid.
 */
void inject_abort(struct vcpu *vcpu, bool insn, u64 far, u32 fsc)
{
	bool lower = vcpu_aarch32(vcpu) || vcpu_user(vcpu);
	u64 ec;

	if (insn)
		ec = lower ? ESR_ELx_EC_IABT_LOW : ESR_ELx_EC_IABT_CUR;
	else
		ec = lower ? ESR_ELx_EC_DABT_LOW : ESR_ELx_EC_DABT_CUR;
	/* A data abort without syndrome has IL set, a fetch is of 32 bits. */
	take(vcpu, ec << ESR_ELx_EC_SHIFT | ESR_ELx_IL | fsc);
	vcpu_set_sys(vcpu, HYP_FAR_EL1, far);
}

/**
 * inject_pending() - take what ARMVCPU_INJECT has left
 * @vcpu: the vCPU, about to enter the guest.
 */
void inject_pending(struct vcpu *vcpu)
{
	u32 inject = vcpu->inject;

	if (likely(!inject))
		return;
	vcpu->inject = 0;
	switch (inject - 1) {
	case ARMVCPU_INJECT_DATA_ABORT:
		inject_abort(vcpu, false, vcpu->inject_far, FSC_EXTERNAL);
		break;
	case ARMVCPU_INJECT_INSN_ABORT:
		inject_abort(vcpu, true, vcpu->inject_far, FSC_EXTERNAL);
		break;
	case ARMVCPU_INJECT_UNDEF:
		inject_undef(vcpu);
		break;
	}
}
