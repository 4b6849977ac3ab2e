// SPDX-License-Identifier: GPL-2.0
/*
 * Breakpoints and watchpoints, which host and guest take turns with.  Only for a
 * guest that has some: for any other MDSCR_EL1.MDE is clear while it runs, which
 * disables the host's (Arm ARM D2.8, D2.9).
 *
 * Guests never write to these registers themselves (MDCR_EL2.TDA), so there is
 * nothing of theirs to be saved.  At EL2 none of it is an exception: they are all
 * for EL1, or PSTATE.D masks them.
 */
#include "el2.h"

/* ID_AA64DFR0_EL1.BRPs and WRPs: one less than there are. */
static unsigned int nr_breakpoints(void)
{
	return (read_sysreg(id_aa64dfr0_el1) >> 12 & 0xf) + 1;
}

static unsigned int nr_watchpoints(void)
{
	return (read_sysreg(id_aa64dfr0_el1) >> 20 & 0xf) + 1;
}

static void save(struct hyp_debug *debug)
{
	hyp_save_bcr(debug->bcr, nr_breakpoints());
	hyp_save_bvr(debug->bvr, nr_breakpoints());
	hyp_save_wcr(debug->wcr, nr_watchpoints());
	hyp_save_wvr(debug->wvr, nr_watchpoints());
}

static void restore(const struct hyp_debug *debug)
{
	hyp_restore_bvr(debug->bvr, nr_breakpoints());
	hyp_restore_bcr(debug->bcr, nr_breakpoints());
	hyp_restore_wvr(debug->wvr, nr_watchpoints());
	hyp_restore_wcr(debug->wcr, nr_watchpoints());
}

/**
 * hyp_debug_enter() - the guest's breakpoints and watchpoints for the host's
 * @vcpu: the guest.
 */
void hyp_debug_enter(struct hyp_vcpu *vcpu)
{
	save(&vcpu->host_debug);
	vcpu->host_debug_saved = 1;
	restore(&vcpu->debug);
}

/**
 * hyp_debug_leave() - and back
 * @vcpu: the guest; @vcpu->host_debug_saved.
 */
void hyp_debug_leave(struct hyp_vcpu *vcpu)
{
	restore(&vcpu->host_debug);
	vcpu->host_debug_saved = 0;
}
