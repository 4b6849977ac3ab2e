// SPDX-License-Identifier: GPL-2.0
/*
 * System registers that the module traps and does not answer itself. What the
 * board has none of reads as zero and ignores writes as far as guests touch it
 * without asking; anything else is undefined.
 */
#include "counter.h"
#include "machine.h"

enum sysreg_kind {
	SYSREG_RAZ_WI,
	SYSREG_COUNTER,
};

/* Bits of an encoding, to match whole groups. */
#define OP0		ARMVCPU_SYSREG(3, 0, 0, 0, 0)
#define OP1		ARMVCPU_SYSREG(0, 7, 0, 0, 0)
#define CRN		ARMVCPU_SYSREG(0, 0, 15, 0, 0)
#define CRM		ARMVCPU_SYSREG(0, 0, 0, 15, 0)
#define OP2		ARMVCPU_SYSREG(0, 0, 0, 0, 7)
#define ALL		(OP0 | OP1 | CRN | CRM | OP2)
#define GROUP		(OP0 | OP1 | CRN | CRM)

static const struct {
	u32 mask;
	u32 reg;
	enum sysreg_kind kind;
} sysregs[] = {
	/* Debug and trace: no breakpoints, the OS lock is open. */
	{ OP0, ARMVCPU_SYSREG(2, 0, 0, 0, 0), SYSREG_RAZ_WI },
	/* Identification registers without a meaning so far. */
	{ OP0 | OP1 | CRN, ARMVCPU_SYSREG(3, 0, 0, 0, 0), SYSREG_RAZ_WI },
	/* ACTLR_EL1: nothing to configure. */
	{ ALL, ARMVCPU_SYSREG(3, 0, 1, 0, 1), SYSREG_RAZ_WI },
	/* AFSR0_EL1, AFSR1_EL1, AMAIR_EL1: the same. */
	{ GROUP, ARMVCPU_SYSREG(3, 0, 5, 1, 0), SYSREG_RAZ_WI },
	{ ALL, ARMVCPU_SYSREG(3, 0, 10, 3, 0), SYSREG_RAZ_WI },
	/* Performance monitors: PMCR_EL0.N = 0, there are no counters. */
	{ OP0 | OP1 | CRN, ARMVCPU_SYSREG(3, 0, 9, 0, 0), SYSREG_RAZ_WI },
	{ OP0 | OP1 | CRN, ARMVCPU_SYSREG(3, 3, 9, 0, 0), SYSREG_RAZ_WI },
	{ OP0 | OP1 | CRN | ARMVCPU_SYSREG(0, 0, 0, 8, 0),
	  ARMVCPU_SYSREG(3, 3, 14, 8, 0), SYSREG_RAZ_WI },
	/* The physical counter runs, its timer never fires. */
	{ ALL, ARMVCPU_SYSREG(3, 3, 14, 0, 1), SYSREG_COUNTER },
	{ GROUP, ARMVCPU_SYSREG(3, 3, 14, 2, 0), SYSREG_RAZ_WI },
};

void sysreg_handle(struct vcpu *vcpu)
{
	struct armvcpu_run *run = vcpu->hw.run;
	struct armvcpu_exit_sysreg *exit = &run->u.sysreg;
	char name[ARMVCPU_REG_NAME_SIZE];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sysregs); i++) {
		if ((exit->reg & sysregs[i].mask) != sysregs[i].reg)
			continue;
		if (!exit->is_write)
			exit->data = sysregs[i].kind == SYSREG_COUNTER ?
				     counter_now() : 0;
		return;
	}

	armvcpu_reg_name(ARMVCPU_REG_CLASS_SYS | exit->reg, name, sizeof(name));
	note("CPU %u: %s of %s at pc 0x%llx is undefined", vcpu->index,
	     exit->is_write ? "write" : "read", name, run->pc);
	run->action = ARMVCPU_ACTION_UNDEF;
}
