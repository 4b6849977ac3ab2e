// SPDX-License-Identifier: GPL-2.0
/*
 * EL2's state of before, and the small hypercalls.
 */
#include "el2.h"

static inline int has(const struct hyp_cpu *cpu, u64 feature)
{
	return !feature || cpu->features & feature;
}

/**
 * hyp_install() - keep what EL2 held; called once, by stub.S
 * @cpu: this CPU; @cpu->cpu_features says which registers it has.
 */
void hyp_install(struct hyp_cpu *cpu)
{
	cpu->vcpu = 0;
	cpu->host_sp = 0;
	cpu->serror = 0;
	cpu->host_pmscr = 0;
	cpu->host_trfcr = 0;
	cpu->host_pmblimitr = 0;
	cpu->host_trblimitr = 0;
	cpu->host_tpidr2_saved = 0;
	/* hyp_restore() has gone by what was there until now. */
	cpu->features = cpu->cpu_features;
	/* UNKNOWN at reset, and not every kernel knows of it. */
	if (cpu->features & HYP_HAS_RAS)
		write_sysreg_s(0, 3, 0, 12, 1, 1);	/* DISR_EL1 */
	/* The core has the registers, but the host may use a GICv2 (SRE is clear). */
	if ((cpu->features & HYP_HAS_GICV3) && !(read_sysreg_s(3, 4, 12, 9, 5) & 1))
		cpu->features &= ~(u64)HYP_HAS_GICV3;
	if (cpu->features & HYP_HAS_GICV3) {
		hyp_gic_clear();
		cpu->features |= hyp_gic_aprs();
	}
#define EL2REG(name, op0, op1, crn, crm, op2, feature)				\
	({ cpu->saved[HYP_SAVED_##name] = has(cpu, feature) ?			\
		read_sysreg_s(op0, op1, crn, crm, op2) : 0; }),
	(void)((void)0,
#include "el2regs.def"
	0);
#undef EL2REG
	hyp_switch_install(cpu);
}

/**
 * hyp_restore() - what EL2 held, but for the registers of the MMU (stub.S)
 * @cpu: this CPU.
 */
void hyp_restore(struct hyp_cpu *cpu)
{
#define EL2REG(name, op0, op1, crn, crm, op2, feature)				\
	({ has(cpu, feature) ?							\
		write_sysreg_s(cpu->saved[HYP_SAVED_##name],			\
			       op0, op1, crn, crm, op2) : (void)0; }),
	(void)((void)0,
#include "el2regs.def"
	0);
#undef EL2REG
	isb();
}

/**
 * hyp_call() - the host's calls other than RUN and RESTORE
 * @cpu: this CPU.
 * @id: HYP_CALL_*.
 * @arg1: see hyp.h.
 * @arg2: see hyp.h.
 * @arg3: see hyp.h.
 * @arg4: see hyp.h.
 *
 * Return: the result, HYP_STUB_ERR for an id nobody uses.
 */
u64 hyp_call(struct hyp_cpu *cpu, u64 id, u64 arg1, u64 arg2, u64 arg3, u64 arg4)
{
	u64 features = cpu->features | cpu->others;

	switch (id) {
	case HYP_CALL_TLBI_VMID:
		hyp_tlbi_vmid(arg1, arg2, features);
		return 0;
	case HYP_CALL_TLBI_IPA_HERE:
		hyp_tlbi_ipa_here(arg1, arg2, features, arg3);
		return 0;
	case HYP_CALL_TLBI_ALL:
		hyp_tlbi_all(features);
		return 0;
	case HYP_CALL_TLBI_LOCAL:
		hyp_tlbi_local(arg1, arg2, features);
		return 0;
	case HYP_CALL_TLBI_IPA:
		hyp_tlbi_ipa(arg1, arg2, features, arg3, arg4);
		return 0;
	case HYP_CALL_TLBI_EL2:
		hyp_tlbi_el2(arg1, features);
		return 0;
	case HYP_CALL_VERSION:
		return HYP_VERSION;
	case HYP_CALL_GIC_VTR:
		return cpu->features & HYP_HAS_GICV3 ? read_sysreg_s(3, 4, 12, 11, 1) :
						       HYP_STUB_ERR;
	case HYP_CALL_PROVOKE:
		hyp_provoke(arg1);
		return 0;
	}
	return HYP_STUB_ERR;
}
