// SPDX-License-Identifier: GPL-2.0
/*
 * libarmvcpu: names of exits and registers, and dumps a person can read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libarmvcpu.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* ---- Names ------------------------------------------------------------- */

const char *armvcpu_exit_name(__u32 reason)
{
	static const char * const names[] = {
		[ARMVCPU_EXIT_NONE] = "NONE",
		[ARMVCPU_EXIT_INTR] = "INTR",
		[ARMVCPU_EXIT_MMIO] = "MMIO",
		[ARMVCPU_EXIT_ABORT] = "ABORT",
		[ARMVCPU_EXIT_SYSREG] = "SYSREG",
		[ARMVCPU_EXIT_HYPERCALL] = "HYPERCALL",
		[ARMVCPU_EXIT_SMC] = "SMC",
		[ARMVCPU_EXIT_PSCI] = "PSCI",
		[ARMVCPU_EXIT_WFX] = "WFX",
		[ARMVCPU_EXIT_DEBUG] = "DEBUG",
		[ARMVCPU_EXIT_FAIL] = "FAIL",
		[ARMVCPU_EXIT_DIRTY_RING_FULL] = "DIRTY_RING_FULL",
	};

	return reason < ARRAY_SIZE(names) ? names[reason] : "?";
}

/* The Arm ARM's names, those of ESR_EL2.EC, cut to what fits a column. */
const char *armvcpu_ec_name(__u32 ec)
{
	static const char * const names[64] = {
		[0x00] = "unknown",
		[0x01] = "WFI, WFE",
		[0x03] = "CP15 MCR, MRC",
		[0x04] = "CP15 MCRR, MRRC",
		[0x05] = "CP14 MCR, MRC",
		[0x06] = "CP14 LDC, STC",
		[0x07] = "FP, SIMD",
		[0x08] = "CP10 VMRS",
		[0x09] = "PAuth instruction",
		[0x0a] = "LD64B, ST64B",
		[0x0c] = "CP14 MRRC",
		[0x0d] = "branch target",
		[0x0e] = "illegal execution",
		[0x11] = "SVC, AArch32",
		[0x12] = "HVC, AArch32",
		[0x13] = "SMC, AArch32",
		[0x15] = "SVC",
		[0x16] = "HVC",
		[0x17] = "SMC",
		[0x18] = "MSR, MRS",
		[0x19] = "SVE",
		[0x1a] = "ERET",
		[0x1c] = "PAuth failure",
		[0x1d] = "SME",
		[0x20] = "instruction abort",
		[0x21] = "instr. abort, EL2",
		[0x22] = "PC alignment",
		[0x24] = "data abort",
		[0x25] = "data abort, EL2",
		[0x26] = "SP alignment",
		[0x28] = "FP, AArch32",
		[0x2c] = "FP",
		[0x2f] = "SError",
		[0x30] = "breakpoint",
		[0x31] = "breakpoint, EL2",
		[0x32] = "step",
		[0x33] = "step, EL2",
		[0x34] = "watchpoint",
		[0x35] = "watchpoint, EL2",
		[0x38] = "BKPT, AArch32",
		[0x3a] = "vector catch",
		[0x3c] = "BRK",
	};

	return ec < ARRAY_SIZE(names) && names[ec] ? names[ec] : "?";
}

const char *armvcpu_el2_name(__u32 answer)
{
	static const char * const names[] = {
		[ARMVCPU_EL2_SYSREG] = "SYSREG",
		[ARMVCPU_EL2_CALL] = "CALL",
		[ARMVCPU_EL2_WFE] = "WFE",
		[ARMVCPU_EL2_SGI] = "SGI",
		[ARMVCPU_EL2_TIMER] = "TIMER",
		[ARMVCPU_EL2_POSTED] = "POSTED",
		[ARMVCPU_EL2_GIC] = "GIC",
		[ARMVCPU_EL2_FP] = "FP",
		[ARMVCPU_EL2_PAUTH] = "PAUTH",
		[ARMVCPU_EL2_FIRMWARE] = "FIRMWARE",
		[ARMVCPU_EL2_PASSED] = "PASSED",
	};

	return answer < ARRAY_SIZE(names) && names[answer] ? names[answer] : "?";
}

const char *armvcpu_psci_name(__u32 event)
{
	static const char * const names[] = {
		[0] = "?",
		[ARMVCPU_PSCI_CPU_ON] = "CPU_ON",
		[ARMVCPU_PSCI_CPU_OFF] = "CPU_OFF",
		[ARMVCPU_PSCI_CPU_SUSPEND] = "CPU_SUSPEND",
		[ARMVCPU_PSCI_SYSTEM_OFF] = "SYSTEM_OFF",
		[ARMVCPU_PSCI_SYSTEM_RESET] = "SYSTEM_RESET",
		[ARMVCPU_PSCI_SYSTEM_RESET2] = "SYSTEM_RESET2",
		[ARMVCPU_PSCI_SYSTEM_SUSPEND] = "SYSTEM_SUSPEND",
	};

	return event < ARRAY_SIZE(names) ? names[event] : "?";
}

static const char *fail_name(__u32 reason)
{
	static const char * const names[] = {
		[0] = "?",
		[ARMVCPU_FAIL_EXCEPTION] = "an exception that nothing handles",
		[ARMVCPU_FAIL_SERROR] = "a physical SError in the guest",
		[ARMVCPU_FAIL_EL2] = "a fault at EL2: the VM is dead, see the kernel's log",
		[ARMVCPU_FAIL_MEMORY] = "the host cannot back a page",
		[ARMVCPU_FAIL_ENTRY] = "illegal guest state at entry",
	};

	return reason < ARRAY_SIZE(names) ? names[reason] : "?";
}

static const struct {
	__u32 reg;
	const char *name;
} sysregs[] = {
	{ ARMVCPU_SYSREG(2, 0, 0, 2, 0), "MDCCINT_EL1" },
	{ ARMVCPU_SYSREG(2, 0, 0, 2, 2), "MDSCR_EL1" },
	{ ARMVCPU_SYSREG(2, 0, 1, 0, 4), "OSLAR_EL1" },
	{ ARMVCPU_SYSREG(2, 0, 1, 1, 4), "OSLSR_EL1" },
	{ ARMVCPU_SYSREG(2, 0, 1, 3, 4), "OSDLR_EL1" },
	{ ARMVCPU_SYSREG(2, 3, 0, 1, 0), "MDCCSR_EL0" },
	{ ARMVCPU_SYSREG(2, 3, 0, 4, 0), "DBGDTR_EL0" },
	{ ARMVCPU_SYSREG(2, 3, 0, 5, 0), "DBGDTRRX_EL0" },
	{ ARMVCPU_SYSREG(3, 0, 0, 0, 0), "MIDR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 0, 5), "MPIDR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 0, 6), "REVIDR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 1, 0), "ID_PFR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 1, 1), "ID_PFR1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 1, 2), "ID_DFR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 1, 3), "ID_AFR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 1, 4), "ID_MMFR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 1, 5), "ID_MMFR1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 1, 6), "ID_MMFR2_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 1, 7), "ID_MMFR3_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 2, 0), "ID_ISAR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 2, 1), "ID_ISAR1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 2, 2), "ID_ISAR2_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 2, 3), "ID_ISAR3_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 2, 4), "ID_ISAR4_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 2, 5), "ID_ISAR5_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 2, 6), "ID_MMFR4_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 2, 7), "ID_ISAR6_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 3, 0), "MVFR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 3, 1), "MVFR1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 3, 2), "MVFR2_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 3, 4), "ID_PFR2_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 3, 5), "ID_DFR1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 3, 6), "ID_MMFR5_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 4, 0), "ID_AA64PFR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 4, 1), "ID_AA64PFR1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 4, 4), "ID_AA64ZFR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 4, 5), "ID_AA64SMFR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 5, 0), "ID_AA64DFR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 5, 1), "ID_AA64DFR1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 5, 4), "ID_AA64AFR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 5, 5), "ID_AA64AFR1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 6, 0), "ID_AA64ISAR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 6, 1), "ID_AA64ISAR1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 6, 2), "ID_AA64ISAR2_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 7, 0), "ID_AA64MMFR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 7, 1), "ID_AA64MMFR1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 7, 2), "ID_AA64MMFR2_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 0, 7, 3), "ID_AA64MMFR3_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 1, 0, 0), "SCTLR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 1, 0, 1), "ACTLR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 1, 0, 2), "CPACR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 2, 0, 0), "TTBR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 2, 0, 1), "TTBR1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 2, 0, 2), "TCR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 2, 1, 0), "APIAKeyLo_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 2, 1, 1), "APIAKeyHi_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 2, 1, 2), "APIBKeyLo_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 2, 1, 3), "APIBKeyHi_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 2, 2, 0), "APDAKeyLo_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 2, 2, 1), "APDAKeyHi_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 2, 2, 2), "APDBKeyLo_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 2, 2, 3), "APDBKeyHi_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 2, 3, 0), "APGAKeyLo_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 2, 3, 1), "APGAKeyHi_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 4, 0, 0), "SPSR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 4, 0, 1), "ELR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 4, 1, 0), "SP_EL0" },
	{ ARMVCPU_SYSREG(3, 0, 4, 6, 0), "ICC_PMR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 5, 1, 0), "AFSR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 5, 1, 1), "AFSR1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 5, 2, 0), "ESR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 5, 3, 0), "ERRIDR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 6, 0, 0), "FAR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 7, 4, 0), "PAR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 9, 14, 1), "PMINTENSET_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 9, 14, 2), "PMINTENCLR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 10, 2, 0), "MAIR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 10, 3, 0), "AMAIR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 12, 0, 0), "VBAR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 12, 1, 1), "DISR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 12, 8, 0), "ICC_IAR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 12, 8, 1), "ICC_EOIR0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 12, 11, 1), "ICC_DIR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 12, 11, 3), "ICC_RPR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 12, 11, 5), "ICC_SGI1R_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 12, 12, 0), "ICC_IAR1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 12, 12, 1), "ICC_EOIR1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 12, 12, 2), "ICC_HPPIR1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 12, 12, 3), "ICC_BPR1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 12, 12, 4), "ICC_CTLR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 12, 12, 5), "ICC_SRE_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 12, 12, 6), "ICC_IGRPEN0_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 12, 12, 7), "ICC_IGRPEN1_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 13, 0, 1), "CONTEXTIDR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 13, 0, 4), "TPIDR_EL1" },
	{ ARMVCPU_SYSREG(3, 0, 14, 1, 0), "CNTKCTL_EL1" },
	{ ARMVCPU_SYSREG(3, 1, 0, 0, 7), "AIDR_EL1" },
	{ ARMVCPU_SYSREG(3, 2, 0, 0, 0), "CSSELR_EL1" },
	{ ARMVCPU_SYSREG(3, 3, 0, 0, 1), "CTR_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 0, 0, 7), "DCZID_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 9, 12, 0), "PMCR_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 9, 12, 1), "PMCNTENSET_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 9, 12, 2), "PMCNTENCLR_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 9, 12, 3), "PMOVSCLR_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 9, 12, 5), "PMSELR_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 9, 13, 0), "PMCCNTR_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 9, 14, 0), "PMUSERENR_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 13, 0, 2), "TPIDR_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 13, 0, 3), "TPIDRRO_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 14, 0, 0), "CNTFRQ_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 14, 0, 1), "CNTPCT_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 14, 0, 2), "CNTVCT_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 14, 2, 0), "CNTP_TVAL_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 14, 2, 1), "CNTP_CTL_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 14, 2, 2), "CNTP_CVAL_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 14, 3, 0), "CNTV_TVAL_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 14, 3, 1), "CNTV_CTL_EL0" },
	{ ARMVCPU_SYSREG(3, 3, 14, 3, 2), "CNTV_CVAL_EL0" },
	{ ARMVCPU_SYSREG(3, 4, 3, 0, 0), "DACR32_EL2" },
	{ ARMVCPU_SYSREG(3, 4, 5, 0, 1), "IFSR32_EL2" },
	{ ARMVCPU_SYSREG(3, 4, 5, 3, 0), "FPEXC32_EL2" },
};

static void sysreg_name(__u32 reg, char *buf, size_t size)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sysregs); i++) {
		if (sysregs[i].reg == reg) {
			snprintf(buf, size, "%s", sysregs[i].name);
			return;
		}
	}
	/* DBGBVRn_EL1 and its like. */
	if ((reg & ~ARMVCPU_SYSREG(0, 0, 0, 15, 3)) == ARMVCPU_SYSREG(2, 0, 0, 0, 4)) {
		static const char * const points[] = { "BV", "BC", "WV", "WC" };

		snprintf(buf, size, "DBG%sR%u_EL1", points[reg & 3], reg >> 3 & 15);
		return;
	}
	snprintf(buf, size, "S%u_%u_C%u_C%u_%u", reg >> 14 & 3, reg >> 11 & 7,
		 reg >> 7 & 15, reg >> 3 & 15, reg & 7);
}

char *armvcpu_reg_name(__u32 id, char *buf, size_t size)
{
	static const char * const core[] = {
		"SP_EL0", "SP_EL1", "PC", "PSTATE", "ELR_EL1", "SPSR_EL1",
	};
	__u32 n = id & ~ARMVCPU_REG_CLASS_MASK;

	switch (id & ARMVCPU_REG_CLASS_MASK) {
	case ARMVCPU_REG_CLASS_SYS:
		if (n > 0xffff)
			break;
		sysreg_name(n, buf, size);
		return buf;
	case ARMVCPU_REG_CLASS_CORE:
		if (n < 31)
			snprintf(buf, size, "x%u", n);
		else if (n - 31 < ARRAY_SIZE(core))
			snprintf(buf, size, "%s", core[n - 31]);
		else
			break;
		return buf;
	case ARMVCPU_REG_CLASS_FP:
		if (n < 64)
			snprintf(buf, size, "v%u.d[%u]", n / 2, n % 2);
		else if (n < 66)
			snprintf(buf, size, "%s", n == 64 ? "FPSR" : "FPCR");
		else
			break;
		return buf;
	case ARMVCPU_REG_CLASS_TIMER:
		if (n)
			break;
		snprintf(buf, size, "CNTVOFF_EL2");
		return buf;
	}
	snprintf(buf, size, "0x%08x", id);
	return buf;
}

/* ---- Dumps ------------------------------------------------------------- */

static void print_abort(FILE *out, const struct armvcpu_exit_abort *abort, __u64 pc)
{
	static const char * const flags[] = {
		"write", "cache-op", NULL, "aarch32", "readonly", "user",
	};
	char text[ARMVCPU_INSN_TEXT_SIZE];
	struct armvcpu_insn insn;
	unsigned int i;

	fprintf(out, "access without syndrome at ipa 0x%llx", abort->ipa);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		if (flags[i] && abort->flags & 1U << i)
			fprintf(out, " %s", flags[i]);
	}
	if (!(abort->flags & ARMVCPU_ABORT_INSN_VALID))
		return;
	fprintf(out, ", instruction 0x%08x", abort->insn);
	if (!(abort->flags & ARMVCPU_ABORT_AARCH32)) {
		armvcpu_insn_decode(abort->insn, &insn);
		fprintf(out, " (%s)", armvcpu_insn_text(&insn, pc, text, sizeof(text)));
	}
}

void armvcpu_print_exit(FILE *out, const struct armvcpu_run *run)
{
	char name[ARMVCPU_REG_NAME_SIZE];

	fprintf(out, "exit %s: ", armvcpu_exit_name(run->exit_reason));
	switch (run->exit_reason) {
	case ARMVCPU_EXIT_MMIO:
		fprintf(out, "%s of %u byte(s) at ipa 0x%llx%s",
			run->u.mmio.is_write ? "write" : "read",
			run->u.mmio.len, run->u.mmio.ipa,
			run->u.mmio.readonly ? " (read-only slot)" : "");
		if (run->u.mmio.is_write)
			fprintf(out, ", value 0x%llx", run->u.mmio.data);
		break;
	case ARMVCPU_EXIT_ABORT:
		print_abort(out, &run->u.abort, run->pc);
		break;
	case ARMVCPU_EXIT_SYSREG:
		armvcpu_reg_name(ARMVCPU_REG_CLASS_SYS | run->u.sysreg.reg,
				 name, sizeof(name));
		fprintf(out, "%s of %s",
			run->u.sysreg.is_write ? "write" : "read", name);
		if (run->u.sysreg.is_write)
			fprintf(out, ", value 0x%llx", run->u.sysreg.data);
		break;
	case ARMVCPU_EXIT_HYPERCALL:
	case ARMVCPU_EXIT_SMC:
		fprintf(out, "function 0x%llx, immediate 0x%x",
			run->u.call.nr, run->u.call.imm);
		break;
	case ARMVCPU_EXIT_PSCI:
		fprintf(out, "%s (0x%llx, 0x%llx, 0x%llx)",
			armvcpu_psci_name(run->u.psci.event), run->u.psci.args[0],
			run->u.psci.args[1], run->u.psci.args[2]);
		break;
	case ARMVCPU_EXIT_WFX:
		fprintf(out, "%s", run->u.wfx.is_wfe ? "WFE" : "WFI");
		break;
	case ARMVCPU_EXIT_DEBUG:
		fprintf(out, "exception class 0x%x, comment 0x%x, far 0x%llx",
			run->u.debug.ec, run->u.debug.comment,
			run->u.debug.far);
		break;
	case ARMVCPU_EXIT_FAIL:
		fprintf(out, "%s", fail_name(run->u.fail.reason));
		if (run->u.fail.err)
			fprintf(out, " (%s)", strerror(run->u.fail.err));
		break;
	case ARMVCPU_EXIT_DIRTY_RING_FULL:
		fprintf(out, "take pages out of its ring");
		break;
	default:
		fprintf(out, "reason %u", run->exit_reason);
		break;
	}
	fprintf(out, "\n  pc 0x%016llx  pstate 0x%08llx\n", run->pc,
		run->pstate);
	fprintf(out, "  esr_el2 0x%08llx (ec 0x%02llx: %s)  far_el2 0x%llx  hpfar_el2 0x%llx\n",
		run->esr, run->esr >> 26 & 0x3f, armvcpu_ec_name(run->esr >> 26 & 0x3f),
		run->far, run->hpfar);
}

static void print_pstate(FILE *out, __u64 pstate)
{
	static const struct {
		__u64 bit;
		char set, clear;
	} flags[] = {
		{ 1U << 31, 'N', 'n' }, { 1U << 30, 'Z', 'z' },
		{ 1U << 29, 'C', 'c' }, { 1U << 28, 'V', 'v' },
		{ 0, ' ', ' ' },
		{ 1U << 9, 'D', 'd' }, { 1U << 8, 'A', 'a' },
		{ 1U << 7, 'I', 'i' }, { 1U << 6, 'F', 'f' },
	};
	unsigned int mode = pstate & 0x1f;
	size_t i;

	fprintf(out, "PSTATE 0x%08llx (", pstate);
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		fputc(pstate & flags[i].bit ? flags[i].set : flags[i].clear,
		      out);
	if (mode & 0x10)
		fprintf(out, " AArch32 mode 0x%x)", mode);
	else
		fprintf(out, " EL%u%c)", mode >> 2, mode & 1 ? 'h' : 't');
}

static int print_core_regs(FILE *out, const struct armvcpu_vcpu *vcpu)
{
	struct armvcpu_core_regs regs;
	unsigned int i;
	int ret;

	ret = armvcpu_vcpu_get_core_regs(vcpu, &regs);
	if (ret)
		return ret;
	for (i = 0; i < 31; i++) {
		char name[ARMVCPU_REG_NAME_SIZE];

		armvcpu_reg_name(ARMVCPU_REG_X(i), name, sizeof(name));
		fprintf(out, "  %-3s 0x%016llx%s", name, regs.x[i],
			i % 3 == 2 ? "\n" : "");
	}
	fprintf(out, "\n  SP_EL0 0x%016llx  SP_EL1 0x%016llx\n", regs.sp_el0,
		regs.sp_el1);
	fprintf(out, "  PC     0x%016llx  ", regs.pc);
	print_pstate(out, regs.pstate);
	fputc('\n', out);
	return 0;
}

/* What print_core_regs() and print_fp_regs() show. */
static int printed_elsewhere(__u32 id)
{
	switch (id & ARMVCPU_REG_CLASS_MASK) {
	case ARMVCPU_REG_CLASS_CORE:
		return id != ARMVCPU_REG_ELR_EL1 && id != ARMVCPU_REG_SPSR_EL1;
	case ARMVCPU_REG_CLASS_FP:
		return 1;
	default:
		return 0;
	}
}

static int print_listed_regs(FILE *out, const struct armvcpu_vcpu *vcpu)
{
	unsigned int column = 0;
	__u32 *ids, count = 0, i;
	int ret;

	ret = armvcpu_vcpu_get_reg_list(vcpu, NULL, &count);
	if (ret != -E2BIG)
		return ret;
	ids = calloc(count, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	ret = armvcpu_vcpu_get_reg_list(vcpu, ids, &count);
	for (i = 0; !ret && i < count; i++) {
		char name[ARMVCPU_REG_NAME_SIZE];
		__u64 value;

		if (printed_elsewhere(ids[i]))
			continue;
		ret = armvcpu_vcpu_get_reg(vcpu, ids[i], &value);
		if (ret)
			break;
		armvcpu_reg_name(ids[i], name, sizeof(name));
		fprintf(out, "  %-16s 0x%016llx", name, value);
		if (++column % 2 == 0)
			fputc('\n', out);
	}
	if (column % 2)
		fputc('\n', out);
	free(ids);
	return ret;
}

static int print_fp_regs(FILE *out, const struct armvcpu_vcpu *vcpu)
{
	static const struct armvcpu_fp_regs zero;
	struct armvcpu_fp_regs regs;
	unsigned int i;
	int ret;

	ret = armvcpu_vcpu_get_fp_regs(vcpu, &regs);
	if (ret)
		return ret;
	if (!memcmp(&regs, &zero, sizeof(regs)))
		return 0;
	for (i = 0; i < 32; i++)
		fprintf(out, "  v%-2u 0x%016llx%016llx%s", i, regs.v[i][1],
			regs.v[i][0], i % 2 ? "\n" : "");
	fprintf(out, "  FPSR 0x%08x  FPCR 0x%08x\n", regs.fpsr, regs.fpcr);
	return 0;
}

int armvcpu_print_regs(FILE *out, const struct armvcpu_vcpu *vcpu)
{
	int ret;

	ret = print_core_regs(out, vcpu);
	if (!ret)
		ret = print_listed_regs(out, vcpu);
	if (!ret)
		ret = print_fp_regs(out, vcpu);
	return ret;
}
