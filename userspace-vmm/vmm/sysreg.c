// SPDX-License-Identifier: GPL-2.0
/*
 * System registers that the module traps and does not answer itself. What the
 * board has none of reads as zero and ignores writes as far as guests touch it
 * without asking; anything else is undefined.
 */
#include "machine.h"

/* Bits of an encoding, to match whole groups. */
#define OP0		ARMVCPU_SYSREG(3, 0, 0, 0, 0)
#define OP1		ARMVCPU_SYSREG(0, 7, 0, 0, 0)
#define CRN		ARMVCPU_SYSREG(0, 0, 15, 0, 0)
#define CRM		ARMVCPU_SYSREG(0, 0, 0, 15, 0)

/* Read as zero, ignore writes. */
static const struct {
	u32 mask;
	u32 reg;
} raz_wi[] = {
	/* The debug communications channel: nobody at its other end. */
	{ OP0, ARMVCPU_SYSREG(2, 0, 0, 0, 0) },
	/* The physical timer never fires. */
	{ OP0 | OP1 | CRN | CRM, ARMVCPU_SYSREG(3, 3, 14, 2, 0) },
};

void sysreg_handle(struct vcpu *vcpu)
{
	struct armvcpu_run *run = vcpu->hw.run;
	struct armvcpu_exit_sysreg *exit = &run->u.sysreg;
	char name[ARMVCPU_REG_NAME_SIZE];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(raz_wi); i++) {
		if ((exit->reg & raz_wi[i].mask) != raz_wi[i].reg)
			continue;
		if (!exit->is_write)
			exit->data = 0;
		return;
	}

	armvcpu_reg_name(ARMVCPU_REG_CLASS_SYS | exit->reg, name, sizeof(name));
	note("CPU %u: %s of %s at pc 0x%llx is undefined", vcpu->index,
	     exit->is_write ? "write" : "read", name, run->pc);
	run->action = ARMVCPU_ACTION_UNDEF;
}
