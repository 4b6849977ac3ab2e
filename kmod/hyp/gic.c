// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual CPU interface of a GICv3.  The host does not use it: what a guest
 * leaves in it is taken out, and nothing of the host's has to come back but
 * ICH_HCR_EL2.
 */
#include "el2.h"

#define ICH_HCR_EN		BIT(0)

/**
 * hyp_gic_clear() - nobody's interrupts are in the list registers
 *
 * They come out of reset with anything, and a guest whose run ended in an
 * exception at EL2 leaves its own.
 */
void hyp_gic_clear(void)
{
	switch ((read_sysreg_s(3, 4, 12, 11, 1) & 0x1f) + 1) {
#define LR(n, crm, op2)								\
	case (n) + 1:								\
		write_sysreg_s(0, 3, 4, 12, crm, op2);				\
		fallthrough;
#include "lrs.def"
#undef LR
	default:
		break;
	}
}

/**
 * hyp_gic_enter() - the guest's interrupts in
 * @gic: what it has.
 */
void hyp_gic_enter(const struct hyp_gic *gic)
{
	if (gic->hcr & ICH_HCR_EN) {
		write_sysreg_s(gic->vmcr, 3, 4, 12, 11, 7);
		switch (gic->nr_aprs) {
		case 4:
			write_sysreg_s(gic->ap0r[3], 3, 4, 12, 8, 3);
			write_sysreg_s(gic->ap0r[2], 3, 4, 12, 8, 2);
			write_sysreg_s(gic->ap1r[3], 3, 4, 12, 9, 3);
			write_sysreg_s(gic->ap1r[2], 3, 4, 12, 9, 2);
			fallthrough;
		case 2:
			write_sysreg_s(gic->ap0r[1], 3, 4, 12, 8, 1);
			write_sysreg_s(gic->ap1r[1], 3, 4, 12, 9, 1);
			fallthrough;
		default:
			write_sysreg_s(gic->ap0r[0], 3, 4, 12, 8, 0);
			write_sysreg_s(gic->ap1r[0], 3, 4, 12, 9, 0);
		}
		switch (gic->used) {
#define LR(n, crm, op2)								\
		case (n) + 1:							\
			write_sysreg_s(gic->lr[n], 3, 4, 12, crm, op2);		\
			fallthrough;
#include "lrs.def"
#undef LR
		default:
			break;
		}
	}
	write_sysreg_s(gic->hcr, 3, 4, 12, 11, 0);
}

/**
 * hyp_gic_save() - what has become of them
 * @gic: where to.
 */
void hyp_gic_save(struct hyp_gic *gic)
{
	if (!(gic->hcr & ICH_HCR_EN))
		return;
	/* With EOIcount. */
	gic->hcr = read_sysreg_s(3, 4, 12, 11, 0);
	gic->vmcr = read_sysreg_s(3, 4, 12, 11, 7);
	switch (gic->nr_aprs) {
	case 4:
		gic->ap0r[3] = read_sysreg_s(3, 4, 12, 8, 3);
		gic->ap0r[2] = read_sysreg_s(3, 4, 12, 8, 2);
		gic->ap1r[3] = read_sysreg_s(3, 4, 12, 9, 3);
		gic->ap1r[2] = read_sysreg_s(3, 4, 12, 9, 2);
		fallthrough;
	case 2:
		gic->ap0r[1] = read_sysreg_s(3, 4, 12, 8, 1);
		gic->ap1r[1] = read_sysreg_s(3, 4, 12, 9, 1);
		fallthrough;
	default:
		gic->ap0r[0] = read_sysreg_s(3, 4, 12, 8, 0);
		gic->ap1r[0] = read_sysreg_s(3, 4, 12, 9, 0);
	}
	/* Taken out: the next vCPU here may use fewer of them. */
	switch (gic->used) {
#define LR(n, crm, op2)								\
	case (n) + 1:								\
		gic->lr[n] = read_sysreg_s(3, 4, 12, crm, op2);			\
		write_sysreg_s(0, 3, 4, 12, crm, op2);				\
		fallthrough;
#include "lrs.def"
#undef LR
	default:
		break;
	}
}
