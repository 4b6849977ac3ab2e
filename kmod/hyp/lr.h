/* SPDX-License-Identifier: GPL-2.0 */
/*
 * List registers, and the virtual CPU interface's part of the world switch: in line there.
 */
#ifndef ARMVCPU_HYP_LR_H
#define ARMVCPU_HYP_LR_H

#include "el2.h"

#define ICH_HCR_EN		BIT(0)
#define ICH_HCR_LRENPIE		BIT(2)

/* ICH_LR<n>_EL2: their numbers are in the instructions. */
static inline u64 read_lr(unsigned int n)
{
	switch (n) {
	case 0:
		return read_sysreg_s(3, 4, 12, 12, 0);
	case 1:
		return read_sysreg_s(3, 4, 12, 12, 1);
	case 2:
		return read_sysreg_s(3, 4, 12, 12, 2);
	case 3:
		return read_sysreg_s(3, 4, 12, 12, 3);
	case 4:
		return read_sysreg_s(3, 4, 12, 12, 4);
	case 5:
		return read_sysreg_s(3, 4, 12, 12, 5);
	case 6:
		return read_sysreg_s(3, 4, 12, 12, 6);
	case 7:
		return read_sysreg_s(3, 4, 12, 12, 7);
	case 8:
		return read_sysreg_s(3, 4, 12, 13, 0);
	case 9:
		return read_sysreg_s(3, 4, 12, 13, 1);
	case 10:
		return read_sysreg_s(3, 4, 12, 13, 2);
	case 11:
		return read_sysreg_s(3, 4, 12, 13, 3);
	case 12:
		return read_sysreg_s(3, 4, 12, 13, 4);
	case 13:
		return read_sysreg_s(3, 4, 12, 13, 5);
	case 14:
		return read_sysreg_s(3, 4, 12, 13, 6);
	default:
		return read_sysreg_s(3, 4, 12, 13, 7);
	}
}

static inline void write_lr(unsigned int n, u64 value)
{
	switch (n) {
	case 0:
		write_sysreg_s(value, 3, 4, 12, 12, 0);
		break;
	case 1:
		write_sysreg_s(value, 3, 4, 12, 12, 1);
		break;
	case 2:
		write_sysreg_s(value, 3, 4, 12, 12, 2);
		break;
	case 3:
		write_sysreg_s(value, 3, 4, 12, 12, 3);
		break;
	case 4:
		write_sysreg_s(value, 3, 4, 12, 12, 4);
		break;
	case 5:
		write_sysreg_s(value, 3, 4, 12, 12, 5);
		break;
	case 6:
		write_sysreg_s(value, 3, 4, 12, 12, 6);
		break;
	case 7:
		write_sysreg_s(value, 3, 4, 12, 12, 7);
		break;
	case 8:
		write_sysreg_s(value, 3, 4, 12, 13, 0);
		break;
	case 9:
		write_sysreg_s(value, 3, 4, 12, 13, 1);
		break;
	case 10:
		write_sysreg_s(value, 3, 4, 12, 13, 2);
		break;
	case 11:
		write_sysreg_s(value, 3, 4, 12, 13, 3);
		break;
	case 12:
		write_sysreg_s(value, 3, 4, 12, 13, 4);
		break;
	case 13:
		write_sysreg_s(value, 3, 4, 12, 13, 5);
		break;
	case 14:
		write_sysreg_s(value, 3, 4, 12, 13, 6);
		break;
	default:
		write_sysreg_s(value, 3, 4, 12, 13, 7);
		break;
	}
}

/* gic.c */
void hyp_gic_restore(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu);
void hyp_gic_save_aprs(struct hyp_gic *gic);

/**
 * hyp_gic_enter() - the guest's interrupts in
 * @cpu: this CPU.
 * @vcpu: the guest.
 *
 * The host does not use the virtual CPU interface: what the guest left in it is still
 * there if nobody else has come in between.
 */
static inline void hyp_gic_enter(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu)
{
	struct hyp_gic *gic = &vcpu->gic;
	unsigned int i;

	if (gic->hcr & ICH_HCR_EN) {
		if (unlikely(cpu->ich_vcpu != (u64)vcpu || gic->cpu != (u64)cpu))
			hyp_gic_restore(cpu, vcpu);
		for (i = 0; i < gic->used; i++)
			write_lr(i, gic->lr[i]);
	}
	write_sysreg_s(gic->hcr, 3, 4, 12, 11, 0);
}

/**
 * hyp_gic_save() - what has become of them
 * @gic: where to.
 */
static inline void hyp_gic_save(struct hyp_gic *gic)
{
	unsigned int i;

	if (!(gic->hcr & ICH_HCR_EN))
		return;
	/* Where EOIcount is asked for. */
	if (unlikely(gic->hcr & ICH_HCR_LRENPIE))
		gic->hcr = read_sysreg_s(3, 4, 12, 11, 0);
	gic->vmcr = read_sysreg_s(3, 4, 12, 11, 7);
	/* The guest may write them as well: nothing traps ICC_AP1R0_EL1. */
	gic->ap0r[0] = read_sysreg_s(3, 4, 12, 8, 0);
	gic->ap1r[0] = read_sysreg_s(3, 4, 12, 9, 0);
	if (unlikely(gic->nr_aprs > 1))
		hyp_gic_save_aprs(gic);
	/* Taken out: the next vCPU here may use fewer of them. */
	for (i = 0; i < gic->used; i++) {
		gic->lr[i] = read_lr(i);
		write_lr(i, 0);
	}
}

#endif /* ARMVCPU_HYP_LR_H */
