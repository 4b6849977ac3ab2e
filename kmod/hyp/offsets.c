// SPDX-License-Identifier: GPL-2.0
/*
 * Structure offsets for assembly.  Compiled, never linked: Kbuild turns the
 * marked lines of the compiler's output into offsets.h.
 */
#include "hyp.h"

#define OFFSET(sym, type, member) ({						\
	asm volatile("\n.ascii \"->" #sym " %0\""				\
		     : : "i" (__builtin_offsetof(type, member)));		\
})

static void __used offsets(void)
{
	OFFSET(VCPU_X, struct hyp_vcpu, x);
	OFFSET(VCPU_PC, struct hyp_vcpu, pc);
	OFFSET(VCPU_ESR, struct hyp_vcpu, esr);
	OFFSET(FP_FPSR, struct hyp_fp, fpsr);
	OFFSET(CPU_VCPU, struct hyp_cpu, vcpu);
	OFFSET(CPU_HOST_SP, struct hyp_cpu, host_sp);
	OFFSET(CPU_SERROR, struct hyp_cpu, serror);
	OFFSET(CPU_MAIR, struct hyp_cpu, mair);
	OFFSET(CPU_TTBR0, struct hyp_cpu, ttbr0);
	OFFSET(CPU_OLD_VBAR, struct hyp_cpu, old_vbar);
	OFFSET(CPU_OLD_TCR, struct hyp_cpu, old_tcr);
	OFFSET(CPU_OLD_MAIR, struct hyp_cpu, old_mair);
	OFFSET(CPU_OLD_SP, struct hyp_cpu, old_sp);
	OFFSET(CPU_HARDEN_ARG, struct hyp_cpu, harden_arg);
	OFFSET(CPU_HARDENED, struct hyp_cpu, hardened);
	OFFSET(CPU_REPORT_X, struct hyp_cpu, report.x);
	OFFSET(CPU_REPORT_SP, struct hyp_cpu, report.sp);
}

/* What assembly reads in pairs. */
#define FOLLOWS(type, first, second) \
	_Static_assert(__builtin_offsetof(type, second) == \
		       __builtin_offsetof(type, first) + 8, #second " follows " #first)

FOLLOWS(struct hyp_vcpu, pc, pstate);
FOLLOWS(struct hyp_vcpu, esr, far);
FOLLOWS(struct hyp_fp, fpsr, fpcr);
FOLLOWS(struct hyp_cpu, mair, tcr);
FOLLOWS(struct hyp_cpu, ttbr0, sctlr);
FOLLOWS(struct hyp_cpu, old_vbar, old_sctlr);
FOLLOWS(struct hyp_cpu, old_tcr, old_ttbr0);
FOLLOWS(struct hyp_cpu, old_mair, old_tpidr);
