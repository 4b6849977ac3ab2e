// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual CPU interface of a GICv3.  The host does not use it: what a guest
 * leaves in it is taken out, and nothing of the host's has to come back but
 * ICH_HCR_EL2.
 */
#include "el2.h"

#define ICH_HCR_EN		BIT(0)
#define ICH_LR_STATE		(BIT(62) | BIT(63))

#define INTID_MASK		0xffffffU

/* ICH_LR<n>_EL2: their numbers are in the instructions. */
static u64 read_lr(unsigned int n)
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

static void write_lr(unsigned int n, u64 value)
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

/**
 * hyp_gic_clear() - nobody's interrupts are in the list registers
 *
 * They come out of reset with anything, and a guest whose run ended in an
 * exception at EL2 leaves its own.
 */
void hyp_gic_clear(void)
{
	unsigned int n = read_sysreg_s(3, 4, 12, 11, 1) & 0x1f, i;

	for (i = 0; i <= n; i++)
		write_lr(i, 0);
}

/**
 * hyp_gic_enter() - the guest's interrupts in
 * @gic: what it has.
 */
void hyp_gic_enter(const struct hyp_gic *gic)
{
	unsigned int i;

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
		for (i = 0; i < gic->used; i++)
			write_lr(i, gic->lr[i]);
	}
	write_sysreg_s(gic->hcr, 3, 4, 12, 11, 0);
}

/**
 * hyp_gic_save() - what has become of them
 * @gic: where to.
 */
void hyp_gic_save(struct hyp_gic *gic)
{
	unsigned int i;

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
	for (i = 0; i < gic->used; i++) {
		gic->lr[i] = read_lr(i);
		write_lr(i, 0);
	}
}

/* ---- interrupts of the host's that are passed through ------------------ */

/* Its place in gic->passed, or gic->nr_passed. */
static u32 find_passed(const struct hyp_gic *gic, u32 intid)
{
	u32 i;

	for (i = 0; i < gic->nr_passed; i++)
		if (gic->passed[i].hw_intid == intid)
			break;
	return i;
}

/* There is none (any more): 1020 to 1023. */
static int is_special(u32 intid)
{
	return intid >> 2 == 1020 >> 2;
}

/* One list register each, again and again: the guest has ended the last one. */
static int has_room(const struct hyp_gic *gic, u32 n)
{
	const struct hyp_passed *passed = &gic->passed[n];

	if (n == gic->nr_passed || !passed->lr)
		return 0;
	if (passed->in_lr)
		return !(read_lr(passed->in_lr - 1U) & ICH_LR_STATE);
	return gic->used <= (read_sysreg_s(3, 4, 12, 11, 1) & 0x1f) &&
	       gic->used < HYP_MAX_LRS;
}

/*
 * Acknowledged with a priority mask that keeps back whatever is the host's: it may
 * come, and this one may go, at any time.  The interrupt's priority is dropped;
 * its end is the guest's, by way of the list register (IHI 0069 4.7, 6.4).
 */
static u32 acknowledge(u32 mask)
{
	u64 pmr = read_sysreg_s(3, 0, 4, 6, 0);
	u32 intid;

	write_sysreg_s(mask, 3, 0, 4, 6, 0);	/* ICC_PMR_EL1 */
	isb();
	intid = read_sysreg_s(3, 0, 12, 12, 0) & INTID_MASK;	/* ICC_IAR1_EL1 */
	/* Before anything that depends on its being active. */
	dsb(sy);
	if (!is_special(intid))
		write_sysreg_s(intid, 3, 0, 12, 12, 1);	/* ICC_EOIR1_EL1 */
	write_sysreg_s(pmr, 3, 0, 4, 6, 0);
	/* With ICC_CTLR_EL1.PMHE the redistributor goes by the mask, too. */
	dsb(sy);
	isb();
	return intid;
}

/**
 * hyp_gic_take() - an interrupt is pending: is it the guest's own?
 * @gic: of the guest that was, or is to be, in the CPU.
 *
 * Return: 1 if it is in a list register now; 0: the host looks at it.
 */
int hyp_gic_take(struct hyp_gic *gic)
{
	struct hyp_passed *passed;
	u32 intid, n;

	/* They have the highest priority: without a limit, the host's might never come. */
	if (!gic->nr_passed || gic->stray || !gic->budget)
		return 0;
	/* ICC_HPPIR1_EL1 has no side effect. */
	n = find_passed(gic, read_sysreg_s(3, 0, 12, 12, 2) & INTID_MASK);
	if (!has_room(gic, n))
		return 0;
	intid = acknowledge(gic->passed[n].mask);
	if (is_special(intid))
		return 0;
	n = find_passed(gic, intid);
	if (!has_room(gic, n)) {
		gic->stray = intid + 1;
		return 0;
	}
	passed = &gic->passed[n];
	gic->budget--;
	if (!passed->in_lr)
		passed->in_lr = ++gic->used;
	write_lr(passed->in_lr - 1U, passed->lr);
	return 1;
}
