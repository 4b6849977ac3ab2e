// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual CPU interface of a GICv3.  The host does not use it: what a guest
 * leaves in it is taken out, and nothing of the host's has to come back but
 * ICH_HCR_EL2.
 */
#include "el2.h"
#include "lr.h"

#define ICH_LR_PENDING		BIT(62)
#define ICH_LR_STATE		(BIT(62) | BIT(63))

#define INTID_MASK		0xffffffU

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
 * hyp_gic_aprs() - how many registers of active priorities there are, as HYP_HAS_*_APRS
 */
u64 hyp_gic_aprs(void)
{
	/* ICH_VTR_EL2.PREbits: one less than the bits of preemption levels. */
	switch (read_sysreg_s(3, 4, 12, 11, 1) >> 26 & 7) {
	case 6:
		return HYP_HAS_2_APRS | HYP_HAS_4_APRS;
	case 5:
		return HYP_HAS_2_APRS;
	}
	return 0;
}

/**
 * hyp_gic_restore() - control and active priorities in
 * @cpu: this CPU.
 * @vcpu: the guest.
 */
void hyp_gic_restore(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu)
{
	struct hyp_gic *gic = &vcpu->gic;

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
	cpu->ich_vcpu = (u64)vcpu;
	gic->cpu = (u64)cpu;
}

/**
 * hyp_gic_save_aprs() - active priorities, as the guest has left them
 * @gic: where to.
 */
void hyp_gic_save_aprs(struct hyp_gic *gic)
{
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

/*
 * A list register for an interrupt that EL2 makes pending: the one it has had, if the
 * guest has ended it, or the next.  One each, again and again.  @in: one more than its
 * number, or 0.
 */
static int is_free(const struct hyp_gic *gic, u32 in)
{
	if (in)
		return !(read_lr(in - 1) & ICH_LR_STATE);
	return gic->used < gic->nr_lrs;
}

/* Into that one; the new @in. */
static u32 put(struct hyp_gic *gic, u32 in, u64 lr)
{
	if (!in)
		in = ++gic->used;
	write_lr(in - 1, lr);
	return in;
}

static int has_room(const struct hyp_gic *gic, u32 n)
{
	return n < gic->nr_passed && gic->passed[n].lr && is_free(gic, gic->passed[n].in_lr);
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

static int take_passed(struct hyp_gic *gic, u32 intid)
{
	struct hyp_passed *passed;
	u32 n;

	/* They have the highest priority. */
	if (!gic->nr_passed || gic->stray)
		return 0;
	n = find_passed(gic, intid);
	if (!has_room(gic, n))
		return 0;
	intid = acknowledge(gic->passed[n].mask);
	if (is_special(intid))
		return 0;
	n = find_passed(gic, intid);
	if (!has_room(gic, n)) {
		gic->stray = intid + 1;
		gic->news |= HYP_GIC_STRAY;
		return 0;
	}
	passed = &gic->passed[n];
	passed->in_lr = put(gic, passed->in_lr, passed->lr);
	return 1;
}

/* ---- SGIs, and the virtual timer --------------------------------------- */

/* CNTV_CTL_EL0 */
#define CTL_ENABLE		BIT(0)
#define CTL_IMASK		BIT(1)
#define CTL_ISTATUS		BIT(2)
#define CTL_FIRES		(CTL_ENABLE | CTL_IMASK | CTL_ISTATUS)

#define GICR_ISPENDR0		0x200
#define GICR_ICPENDR0		0x280
#define GICR_ISACTIVER0		0x300

static void redist_write(u64 redist, u32 offset, u32 value)
{
	asm volatile("str %w0, [%1]" : : "rZ" (value), "r" (redist + offset) : "memory");
}

static u32 redist_read(u64 redist, u32 offset)
{
	u32 value;

	asm volatile("ldr %w0, [%1]" : "=r" (value) : "r" (redist + offset) : "memory");
	return value;
}

/**
 * hyp_gic_sgi() - the guest in the CPU gets an SGI
 * @gic: its.
 * @n: 0 to 15.
 *
 * Return: 1; 0: the host has to see to it.
 */
int hyp_gic_sgi(struct hyp_gic *gic, u32 n)
{
	u32 in = gic->sgi_in[n];
	u64 lr;

	if (!(gic->sgis >> n & 1))
		return 0;
	if (in) {
		/* Active, it becomes pending as well; pending, it is that already. */
		lr = read_lr(in - 1);
		write_lr(in - 1, lr & ICH_LR_STATE ? lr | ICH_LR_PENDING : gic->sgi_lr[n]);
		return 1;
	}
	if (gic->used >= gic->nr_lrs)
		return 0;
	gic->sgi_in[n] = put(gic, 0, gic->sgi_lr[n]);
	return 1;
}

/**
 * hyp_gic_post() - an SGI for a sibling
 * @vcpu: the sibling.
 * @n: 0 to 15.
 * @maintenance_intid: of all CPUs.
 *
 * Return: 1; 0: it is not in the guest, and the host has to tell it.
 */
int hyp_gic_post(struct hyp_vcpu *vcpu, u32 n, u32 maintenance_intid)
{
	u64 doorbell;

	__atomic_fetch_or(&vcpu->posted, 1U << n, __ATOMIC_RELEASE);
	/* Before we look where it is, mirrored in vcpu_enter(); and before it rings. */
	dsb(ish);
	doorbell = __atomic_load_n(&vcpu->doorbell, __ATOMIC_RELAXED);
	if (!doorbell)
		return 0;
	redist_write(doorbell, GICR_ISPENDR0, 1U << maintenance_intid);
	return 1;
}

/* Another vCPU has rung: the maintenance interrupt is pending, for no other reason. */
static int take_posted(const struct hyp_cpu *cpu, struct hyp_vcpu *vcpu)
{
	struct hyp_gic *gic = &vcpu->gic;
	u32 posted, rest = 0, n;

	/* The virtual CPU interface's own reasons are the host's. */
	if (read_sysreg_s(3, 4, 12, 11, 2))	/* ICH_MISR_EL2 */
		return 0;
	redist_write(cpu->redist, GICR_ICPENDR0, 1U << cpu->maintenance_intid);
	/* Who posts something from here on rings again: the write has arrived. */
	redist_read(cpu->redist, GICR_ICPENDR0);
	dsb(sy);
	posted = __atomic_exchange_n(&vcpu->posted, 0, __ATOMIC_ACQUIRE);
	for (n = 0; n < HYP_NR_SGIS; n++)
		if (posted >> n & 1 && !hyp_gic_sgi(gic, n))
			rest |= 1U << n;
	/* Nothing: somebody has taken it on the way in, and the ring was late. */
	if (!rest)
		return 1;
	__atomic_fetch_or(&vcpu->posted, rest, __ATOMIC_RELAXED);
	return 0;
}

/*
 * The virtual timer has fired.  Its interrupt is made active, and so no longer heard
 * of, until the guest deactivates it by way of its list register (IHI 0069 4.8.2).
 */
static int take_vtimer(const struct hyp_cpu *cpu, struct hyp_gic *gic)
{
	/* An interrupt that was on its way when the timer was masked is none. */
	if ((read_sysreg(cntv_ctl_el0) & CTL_FIRES) != (CTL_ENABLE | CTL_ISTATUS))
		return 0;
	if (!gic->vtimer_lr || !is_free(gic, gic->vtimer_in))
		return 0;
	redist_write(cpu->redist, GICR_ISACTIVER0, 1U << cpu->vtimer_intid);
	/* It is, when it can be read: the guest must not deactivate it before. */
	redist_read(cpu->redist, GICR_ISACTIVER0);
	dsb(sy);
	gic->vtimer_in = put(gic, gic->vtimer_in, gic->vtimer_lr);
	return 1;
}

/**
 * hyp_gic_take() - an interrupt is pending: is it the guest's own?
 * @vcpu: the guest that was, or is to be, in the CPU.
 *
 * Return: HYP_EL2_*: it is in a list register now; 0: the host looks at it.
 */
int hyp_gic_take(struct hyp_vcpu *vcpu)
{
	const struct hyp_cpu *cpu = this_cpu();
	struct hyp_gic *gic = &vcpu->gic;
	u32 intid;

	if (!(gic->hcr & ICH_HCR_EN) || !(cpu->features & HYP_HAS_GICV3))
		return 0;
	/* Siblings, and devices, may go on for ever: the host's has its turn in between. */
	if (!gic->budget)
		return 0;
	gic->budget--;
	/* ICC_HPPIR1_EL1 has no side effect. */
	intid = read_sysreg_s(3, 0, 12, 12, 2) & INTID_MASK;
	if (cpu->redist) {
		if (intid == cpu->vtimer_intid)
			return hyp_answers(vcpu, HYP_EL2_TIMER) && take_vtimer(cpu, gic) ?
			       HYP_EL2_TIMER : 0;
		if (intid == cpu->maintenance_intid)
			return take_posted(cpu, vcpu) ? HYP_EL2_SGI : 0;
	}
	return take_passed(gic, intid) ? HYP_EL2_PASSED : 0;
}
