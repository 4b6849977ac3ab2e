// SPDX-License-Identifier: GPL-2.0
/*
 * Self-hosted debug of a guest: its breakpoints, watchpoints and single step
 * (Arm ARM D2).
 *
 * Every access of a guest to its debug registers traps (MDCR_EL2.TDA, TDOSA,
 * TDRA), so the registers are the module's own, and what the CPU gets of them is
 * no more than can be a guest's: matches at EL1 and EL0, by address or by
 * CONTEXTIDR_EL1.  EL2 exchanges them for the host's only while the guest has
 * them enabled (hyp/debug.c).
 *
 * The other end of a guest's debug communications channel is its VMM: those
 * registers have no row in sysreg.c.
 */
#include <linux/bits.h>
#include <asm/cputype.h>
#include <asm/sysreg.h>

#include "kmod.h"

#define MDSCR_SS	BIT_ULL(0)
#define MDSCR_ERR	BIT_ULL(6)
#define MDSCR_TDCC	BIT_ULL(12)
#define MDSCR_KDE	BIT_ULL(13)
#define MDSCR_HDE	BIT_ULL(14)
#define MDSCR_MDE	BIT_ULL(15)
#define MDSCR_SC2	BIT_ULL(19)
#define MDSCR_TDA	BIT_ULL(21)
#define MDSCR_INTDIS	GENMASK_ULL(23, 22)
#define MDSCR_TXU	BIT_ULL(26)
#define MDSCR_RXO	BIT_ULL(27)
#define MDSCR_TXFULL	BIT_ULL(29)
#define MDSCR_RXFULL	BIT_ULL(30)
#define MDSCR_TFO	BIT_ULL(31)
/* Always the guest's; and with the OS lock, to save and restore what is behind. */
#define MDSCR_OWN	(MDSCR_SS | MDSCR_TDCC | MDSCR_KDE | MDSCR_MDE)
#define MDSCR_LOCKED	(MDSCR_OWN | MDSCR_ERR | MDSCR_HDE | MDSCR_SC2 | MDSCR_TDA | \
			 MDSCR_INTDIS | MDSCR_TXU | MDSCR_RXO | MDSCR_TXFULL | \
			 MDSCR_RXFULL | MDSCR_TFO)
#define OSLSR_OSLM	BIT_ULL(3)	/* the OS lock is implemented */
#define OSLSR_OSLK	BIT_ULL(1)
#define OSDLR_DLK	BIT_ULL(0)
/* No Secure state; external debug is implemented and disabled. */
#define AUTHSTATUS	0xaULL

/* What DBGBCRn_EL1 and DBGWCRn_EL1 have in common. */
#define CR_E		BIT_ULL(0)
#define CR_PMC		GENMASK_ULL(2, 1)
#define CR_SSC		GENMASK_ULL(15, 14)
#define CR_SSC_NS	BIT_ULL(14)
#define CR_LBN_SHIFT	16
#define CR_LBN		GENMASK_ULL(19, CR_LBN_SHIFT)
#define BCR_BAS		GENMASK_ULL(8, 5)
#define BCR_BT_SHIFT	20
#define BCR_BT		GENMASK_ULL(23, BCR_BT_SHIFT)
#define BCR_MASK	(CR_E | CR_PMC | BCR_BAS | BIT_ULL(13) | CR_SSC | CR_LBN | BCR_BT)
#define WCR_LSC		GENMASK_ULL(4, 3)
#define WCR_BAS		GENMASK_ULL(12, 5)
#define WCR_WT		BIT_ULL(20)
#define WCR_SIZE	GENMASK_ULL(28, 24)
#define WCR_MASK	(CR_E | CR_PMC | WCR_LSC | WCR_BAS | BIT_ULL(13) | CR_SSC | CR_LBN | \
			 WCR_WT | WCR_SIZE)
#define WVR_MASK	GENMASK_ULL(63, 2)

/* DBGBCRn_EL1.BT */
#define BT_ADDRESS	0
#define BT_ADDRESS_LINK	1
#define BT_CONTEXT	2
#define BT_CONTEXT_LINK	3

#define MDSCR_EL1	ARMVCPU_SYSREG(2, 0, 0, 2, 2)
#define OSECCR_EL1	ARMVCPU_SYSREG(2, 0, 0, 6, 2)
#define MDRAR_EL1	ARMVCPU_SYSREG(2, 0, 1, 0, 0)
#define OSLAR_EL1	ARMVCPU_SYSREG(2, 0, 1, 0, 4)
#define OSLSR_EL1	ARMVCPU_SYSREG(2, 0, 1, 1, 4)
#define OSDLR_EL1	ARMVCPU_SYSREG(2, 0, 1, 3, 4)
#define DBGPRCR_EL1	ARMVCPU_SYSREG(2, 0, 1, 4, 4)
#define DBGCLAIMSET_EL1	ARMVCPU_SYSREG(2, 0, 7, 8, 6)
#define DBGCLAIMCLR_EL1	ARMVCPU_SYSREG(2, 0, 7, 9, 6)
#define DBGAUTHSTATUS_EL1 ARMVCPU_SYSREG(2, 0, 7, 14, 6)

/**
 * struct counts - of ID_AA64DFR0_EL1
 * @breakpoints: how many.
 * @contexts: how many of them can match CONTEXTIDR_EL1: the last ones.
 * @watchpoints: how many.
 */
struct counts {
	unsigned int breakpoints;
	unsigned int contexts;
	unsigned int watchpoints;
};

static struct counts counts_of(u64 dfr0)
{
	return (struct counts) {
		.breakpoints = (dfr0 >> 12 & 0xf) + 1,
		.contexts = (dfr0 >> 28 & 0xf) + 1,
		.watchpoints = (dfr0 >> 20 & 0xf) + 1,
	};
}

static struct counts guest_counts(struct vcpu *vcpu)
{
	return counts_of(READ_ONCE(vcpu->vm->hyp->id[IDREG_ID_AA64DFR0_EL1]));
}

/* ---- what the CPU gets ------------------------------------------------- */

/* EL1, EL0 or both, and not of Secure state: all that a guest can match. */
static bool is_guests(u64 cr)
{
	return cr & CR_E && cr & CR_PMC && (cr & CR_SSC) <= CR_SSC_NS;
}

static bool has_context(const struct counts *guest, unsigned int n)
{
	return n < guest->breakpoints && n >= guest->breakpoints - guest->contexts;
}

/*
 * The number that a breakpoint of the guest's has in this CPU: the context-aware
 * ones are the last ones, of which there may be more.
 */
static unsigned int number_in_cpu(const struct counts *guest, const struct counts *cpu,
				  unsigned int n)
{
	return has_context(guest, n) ? n + cpu->breakpoints - guest->breakpoints : n;
}

/* LBN as this CPU needs it; false if it leads to no linked context breakpoint. */
static bool map_link(const struct vcpu_debug *debug, const struct counts *guest,
		     const struct counts *cpu, u64 cr, u64 *to)
{
	unsigned int n = (cr & CR_LBN) >> CR_LBN_SHIFT;

	if (!has_context(guest, n) ||
	    (debug->regs.bcr[n] & BCR_BT) >> BCR_BT_SHIFT != BT_CONTEXT_LINK)
		return false;
	*to |= (u64)number_in_cpu(guest, cpu, n) << CR_LBN_SHIFT;
	return true;
}

/*
 * HMC and SSC are dropped: with HMC set, what is left of it for a machine without
 * EL2 is what PMC says.  All that is reserved matches nothing.
 */
static u64 map_breakpoint(const struct vcpu_debug *debug, const struct counts *guest,
			  const struct counts *cpu, unsigned int n)
{
	u64 bcr = debug->regs.bcr[n];
	u64 to = bcr & (CR_E | CR_PMC | BCR_BAS | BCR_BT);

	switch ((bcr & BCR_BT) >> BCR_BT_SHIFT) {
	case BT_ADDRESS:
		return is_guests(bcr) ? to : 0;
	case BT_ADDRESS_LINK:
		return is_guests(bcr) && map_link(debug, guest, cpu, bcr, &to) ? to : 0;
	case BT_CONTEXT:
		return is_guests(bcr) && has_context(guest, n) ? to : 0;
	case BT_CONTEXT_LINK:
		/* Where it matches is said by those that lead to it. */
		return bcr & CR_E && has_context(guest, n) ? to : 0;
	}
	return 0;
}

static u64 map_watchpoint(const struct vcpu_debug *debug, const struct counts *guest,
			  const struct counts *cpu, unsigned int n)
{
	u64 wcr = debug->regs.wcr[n];
	u64 to = wcr & (CR_E | CR_PMC | WCR_LSC | WCR_BAS | WCR_WT | WCR_SIZE);

	if (!is_guests(wcr) || (wcr & WCR_WT && !map_link(debug, guest, cpu, wcr, &to)))
		return 0;
	return to;
}

/**
 * debug_enter() - the guest's breakpoints and watchpoints, for this CPU
 * @vcpu: the vCPU, about to run; preemption is off.
 *
 * Return: false if the CPU has fewer than the guest was told of.
 */
bool debug_enter(struct vcpu *vcpu)
{
	struct vcpu_debug *debug = &vcpu->debug;
	struct hyp_debug *to = &vcpu->hyp->debug;
	u64 dfr0 = read_cpuid(ID_AA64DFR0_EL1);
	struct counts guest, cpu;
	unsigned int n, number;

	if (likely(!(vcpu->hyp->flags & HYP_VCPU_DEBUG) || debug->mapped == dfr0))
		return true;
	guest = guest_counts(vcpu);
	cpu = counts_of(dfr0);
	if (cpu.breakpoints < guest.breakpoints || cpu.contexts < guest.contexts ||
	    cpu.watchpoints < guest.watchpoints)
		return false;
	memset(to, 0, sizeof(*to));
	for (n = 0; n < guest.breakpoints; n++) {
		number = number_in_cpu(&guest, &cpu, n);
		to->bcr[number] = map_breakpoint(debug, &guest, &cpu, n);
		to->bvr[number] = debug->regs.bvr[n];
	}
	for (n = 0; n < guest.watchpoints; n++) {
		to->wcr[n] = map_watchpoint(debug, &guest, &cpu, n);
		to->wvr[n] = debug->regs.wvr[n];
	}
	debug->mapped = dfr0;
	return true;
}

/* MDSCR_EL1 of the CPU, after anything that it depends on has changed. */
static void update(struct vcpu *vcpu)
{
	struct vcpu_debug *debug = &vcpu->debug;
	u64 mdscr = debug->mdscr & MDSCR_OWN;

	/* Either lock disables all debug exceptions but BRK's (D2.3). */
	if (vcpu->hyp->oslsr & OSLSR_OSLK || debug->osdlr & OSDLR_DLK)
		mdscr &= MDSCR_TDCC;
	vcpu->hyp->mdscr = mdscr;
	if (mdscr & MDSCR_MDE)
		vcpu->hyp->flags |= HYP_VCPU_DEBUG;
	else
		vcpu->hyp->flags &= ~HYP_VCPU_DEBUG;
	debug->mapped = 0;
}

/**
 * debug_reset() - as after a reset, with the OS lock open
 * @vcpu: the vCPU.
 */
void debug_reset(struct vcpu *vcpu)
{
	memset(&vcpu->debug, 0, sizeof(vcpu->debug));
	vcpu->hyp->oslsr = OSLSR_OSLM;
	update(vcpu);
}

/* ---- the registers ----------------------------------------------------- */

/* DBGBVRn, DBGBCRn, DBGWVRn, DBGWCRn: CRm is n, op2 4 to 7.  NULL: not there. */
static u64 *point_register(struct vcpu *vcpu, u32 encoding, u64 *mask)
{
	struct hyp_debug *regs = &vcpu->debug.regs;
	struct counts guest = guest_counts(vcpu);
	unsigned int n = encoding >> 3 & 0xf, op2 = encoding & 7;

	if (encoding < ARMVCPU_SYSREG(2, 0, 0, 0, 0) || encoding > ARMVCPU_SYSREG(2, 0, 0, 15, 7))
		return NULL;
	if (op2 < 4 || n >= (op2 < 6 ? guest.breakpoints : guest.watchpoints))
		return NULL;
	switch (op2) {
	case 4:
		*mask = ~0ULL;
		return &regs->bvr[n];
	case 5:
		*mask = BCR_MASK;
		return &regs->bcr[n];
	case 6:
		*mask = WVR_MASK;
		return &regs->wvr[n];
	default:
		*mask = WCR_MASK;
		return &regs->wcr[n];
	}
}

/* A register that is kept, and its bits. */
static u64 *kept_register(struct vcpu *vcpu, u32 encoding, u64 *mask)
{
	switch (encoding) {
	case MDSCR_EL1:
		*mask = MDSCR_LOCKED;
		return &vcpu->debug.mdscr;
	case OSDLR_EL1:
		*mask = OSDLR_DLK;
		return &vcpu->debug.osdlr;
	}
	return point_register(vcpu, encoding, mask);
}

/**
 * debug_get() - a debug register for the VMM
 * @vcpu: the vCPU.
 * @encoding: ARMVCPU_SYSREG().
 * @value: out.
 *
 * Return: false if there is no such register, or it is not kept.
 */
bool debug_get(struct vcpu *vcpu, u32 encoding, u64 *value)
{
	u64 mask, *reg = kept_register(vcpu, encoding, &mask);

	if (encoding == OSLSR_EL1)
		*value = vcpu->hyp->oslsr;
	else if (reg)
		*value = *reg;
	return reg || encoding == OSLSR_EL1;
}

/**
 * debug_set() - the VMM sets a debug register
 * @vcpu: the vCPU.
 * @encoding: ARMVCPU_SYSREG().
 * @value: the value.
 *
 * Return: 0; -ENOENT no such register; -EINVAL bits that it does not have.
 */
int debug_set(struct vcpu *vcpu, u32 encoding, u64 value)
{
	u64 mask, *reg = kept_register(vcpu, encoding, &mask);

	if (encoding == OSLSR_EL1) {
		reg = &vcpu->hyp->oslsr;
		if ((value & ~OSLSR_OSLK) != OSLSR_OSLM)
			return -EINVAL;
		mask = ~0ULL;
	}
	if (!reg)
		return -ENOENT;
	if (value & ~mask)
		return -EINVAL;
	*reg = value;
	update(vcpu);
	return 0;
}

/**
 * debug_list() - encodings of the debug registers that a vCPU has
 * @vcpu: the vCPU.
 * @ids: out, as many as there is room for.
 * @room: elements of @ids.
 *
 * Return: how many there are.
 */
unsigned int debug_list(struct vcpu *vcpu, u32 *ids, unsigned int room)
{
	static const u32 always[] = { MDSCR_EL1, OSLSR_EL1, OSDLR_EL1 };
	unsigned int i, count = 0;
	u64 mask;

	for (i = 0; i < ARRAY_SIZE(always); i++, count++)
		if (count < room)
			ids[count] = always[i];
	for (i = ARMVCPU_SYSREG(2, 0, 0, 0, 0); i <= ARMVCPU_SYSREG(2, 0, 0, 15, 7); i++) {
		if (!point_register(vcpu, i, &mask))
			continue;
		if (count < room)
			ids[count] = i;
		count++;
	}
	return count;
}

/* With the OS lock, all of MDSCR_EL1 can be written. */
static void write_kept(struct vcpu *vcpu, u64 *reg, u64 mask, u64 value)
{
	if (reg == &vcpu->debug.mdscr && !(vcpu->hyp->oslsr & OSLSR_OSLK))
		mask = MDSCR_OWN;
	/* The others of MDSCR_EL1 stay; what has no bit elsewhere is never set. */
	*reg = (*reg & ~mask) | (value & mask);
	update(vcpu);
}

/**
 * debug_access() - the guest accesses a debug register
 * @vcpu: the vCPU.
 * @encoding: ARMVCPU_SYSREG().
 * @write: direction.
 * @value: in or out.
 *
 * Return: false if that is undefined.
 */
bool debug_access(struct vcpu *vcpu, u32 encoding, bool write, u64 *value)
{
	u64 mask, *reg = kept_register(vcpu, encoding, &mask);

	if (reg) {
		if (write)
			write_kept(vcpu, reg, mask, *value);
		else
			*value = *reg;
		return true;
	}
	switch (encoding) {
	case OSLAR_EL1:
		if (write) {
			vcpu->hyp->oslsr = OSLSR_OSLM | (*value & 1 ? OSLSR_OSLK : 0);
			update(vcpu);
		}
		return write;
	case OSLSR_EL1:
		*value = vcpu->hyp->oslsr;
		return !write;
	case DBGAUTHSTATUS_EL1:
		*value = AUTHSTATUS;
		return !write;
	case MDRAR_EL1:
		*value = 0;
		return !write;
	/* Of an external debugger, which there is none. */
	case OSECCR_EL1:
	case DBGPRCR_EL1:
	case DBGCLAIMSET_EL1:
	case DBGCLAIMCLR_EL1:
		if (!write)
			*value = 0;
		return true;
	}
	return false;
}
