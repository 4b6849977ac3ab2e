// SPDX-License-Identifier: GPL-2.0
/*
 * The host's FP state.  EL2 swaps V0 to V31 itself when the guest first uses
 * them (hyp/switch.c), and the host never notices.  Where the host's registers
 * are longer than that (SVE, SME), the guest's use of them clears the rest: so
 * there the host's state is put away before.
 */
#include <linux/sched.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>

#include "compat.h"
#include "kmod.h"

DEFINE_STATIC_KEY_FALSE(fpsimd_long);

/**
 * fpsimd_init() - look at what the host has
 */
void fpsimd_init(void)
{
	/* SVE in ID_AA64PFR0_EL1, SME in ID_AA64PFR1_EL1. */
	if ((read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1) >> 32 & 0xf) ||
	    (read_sanitised_ftr_reg(SYS_ID_AA64PFR1_EL1) >> 24 & 0xf))
		static_branch_enable(&fpsimd_long);
}

/**
 * fpsimd_needs_scratch() - does fpsimd_enter() use vcpu->scratch?
 */
bool fpsimd_needs_scratch(void)
{
	return fpsimd_is_long();
}

/**
 * fpsimd_enter() - the registers beyond V0 to V31 hold nothing of the host
 * @vcpu: the vCPU that is about to run.
 *
 * fpsimd_is_long().  Preemption is off and stays off until the guest has run, interrupts
 * are on.
 */
void fpsimd_enter(struct vcpu *vcpu)
{
	/* Also if they are not current's: they may be another task's. */
	compat_fpsimd_release(vcpu->scratch);
}
