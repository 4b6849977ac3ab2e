// SPDX-License-Identifier: GPL-2.0
/*
 * An exception that EL2 takes itself.  It is noted for the host's log, and the
 * host goes on behind its hvc, which returns HYP_EXIT_EL2.
 */
#include "el2.h"

#define SPSR_EL1H_DAIF		0x3c5ULL
#define SPSR_MODE		0x1fULL
#define SPSR_FROM_EL1H		0x05ULL
#define SPSR_FROM_EL1T		0x04ULL
#define ESR_UNKNOWN_IL		BIT(25)

static void note(struct hyp_cpu *cpu, u32 vector, u32 guest)
{
	struct hyp_report *report = &cpu->report;

	report->vector = vector;
	report->guest = guest;
	report->esr = read_sysreg(esr_el2);
	report->elr = read_sysreg(elr_el2);
	report->far = read_sysreg(far_el2);
	report->hpfar = read_sysreg(hpfar_el2);
	report->spsr = read_sysreg(spsr_el2);
	report->count++;
}

/**
 * hyp_panic() - note the exception and bring the host's state back
 * @cpu: this CPU; the general registers are in its report already.
 * @vector: offset into the vector table.
 * @guest: 1: a guest's vectors were in place.
 */
void hyp_panic(struct hyp_cpu *cpu, u32 vector, u32 guest)
{
	struct hyp_vcpu *vcpu = (struct hyp_vcpu *)cpu->vcpu;

	note(cpu, vector, guest);
	if (!vcpu)
		return;
	/* For the exit that the VMM gets. */
	vcpu->esr = cpu->report.esr;
	vcpu->far = cpu->report.far;
	vcpu->hpfar = cpu->report.hpfar;
	if (cpu->features & HYP_HAS_GICV3)
		hyp_gic_clear();
	/* What is in the CPU may be the host's: none of it becomes the guest's. */
	hyp_leave(cpu, vcpu);
}

/**
 * hyp_host_fault() - an exception of the host that is no hvc
 * @cpu: this CPU.
 *
 * Becomes an undefined instruction at EL1, as if EL2 were not there: Linux
 * kills the process or says where in the kernel it was.
 */
void hyp_host_fault(struct hyp_cpu *cpu)
{
	u64 spsr = read_sysreg(spsr_el2), offset;

	note(cpu, 0x400, 0);
	switch (spsr & SPSR_MODE) {
	case SPSR_FROM_EL1H:
		offset = 0x200;
		break;
	case SPSR_FROM_EL1T:
		offset = 0x000;
		break;
	default:
		offset = spsr & SPSR_AARCH32 ? 0x600 : 0x400;
	}
	write_sysreg(ESR_UNKNOWN_IL, esr_el1);
	write_sysreg(read_sysreg(elr_el2), elr_el1);
	write_sysreg(spsr, spsr_el1);
	write_sysreg(read_sysreg(vbar_el1) + offset, elr_el2);
	write_sysreg(SPSR_EL1H_DAIF, spsr_el2);
}

/**
 * hyp_provoke() - an exception at EL2
 * @kind: HYP_PROVOKE_*.
 *
 * For the test of all this, behind the module's parameter debug.
 */
void hyp_provoke(u64 kind)
{
	u64 value;

	switch (kind) {
	case HYP_PROVOKE_LOAD:
		asm volatile("ldr %0, [%1]" : "=r" (value) : "r" (8ULL) : "memory");
		break;
	case HYP_PROVOKE_UNDEF:
		asm volatile(".inst 0" : : : "memory");	/* UDF */
		break;
	case HYP_PROVOKE_SP_EL0:
		asm volatile("msr spsel, #0\n\t"
			     "ldr %0, [%1]\n\t"
			     "msr spsel, #1" : "=r" (value) : "r" (8ULL) : "memory");
		break;
	case HYP_PROVOKE_STACK:
		asm volatile("sub sp, sp, %0\n\t"
			     "str xzr, [sp]\n\t"
			     "add sp, sp, %0" : : "r" (1ULL << HYP_PAGE_SHIFT) : "memory");
		break;
	}
}
