// SPDX-License-Identifier: GPL-2.0
/* Cases of a hostile guest; see cases.h. Of the guest and of the test: no library. */
#include "cases.h"

/* ---- random numbers ---------------------------------------------------- */

static u64 mix(u64 z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9UL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebUL;
	return z ^ z >> 31;
}

u64 hostile_random(u64 *state)
{
	*state += 0x9e3779b97f4a7c15UL;
	return mix(*state);
}

static u64 rnd(u64 *state)
{
	return hostile_random(state);
}

static u32 below(u64 *state, u32 limit)
{
	return (rnd(state) >> 32) * limit >> 32;
}

/* Few bits set, few clear, the edges, anything. */
static u64 value(u64 *state)
{
	u64 r = rnd(state);

	switch (below(state, 8)) {
	case 0:
		return 0;
	case 1:
		return ~0UL;
	case 2:
		return 1UL << (r & 63);
	case 3:
		return ~(1UL << (r & 63));
	case 4:
		return r & 0xffff;
	case 5:
		return rnd(state) & r;
	default:
		return r;
	}
}

static u64 scratch(u64 *state)
{
	u64 at = HOSTILE_SCRATCH + HOSTILE_SCRATCH_START + below(state, 0x800);

	return below(state, 4) ? at & ~15UL : at;
}

static u64 device(u64 *state, const struct hostile_options *o)
{
	u64 offset = below(state, 0x10000);

	if (below(state, 4))
		offset &= ~7UL;
	switch (below(state, 6)) {
	case 0:
		return HOSTILE_GICD + offset;
	case 1:
		return (o->gic == 2 ? HOSTILE_GICC : HOSTILE_GICR) + offset;
	case 2:
		return HOSTILE_GICR + 0x10000 + (offset & 0xfff);
	case 3:
		return HOSTILE_TEXT + (offset & 0xfff);
	case 4:
		/* The end of what is memory. */
		return HOSTILE_END - 8 + (offset & 15);
	default:
		return HOSTILE_HOLE + offset;
	}
}

static u64 operand(u64 *state, const struct hostile_options *o)
{
	u64 v;

	switch (below(state, 8)) {
	case 0:
	case 1:
	case 2:
	case 3:
		return scratch(state);
	case 4:
		if (!o->tame)
			return device(state, o);
		return HOSTILE_CODE + HOSTILE_CODE_START + below(state, 16) * 4;
	case 5:
		v = rnd(state) & 0xff;
		break;
	default:
		v = value(state);
	}
	/* As an address: no devices, and no memory that another machine may not have. */
	if (o->tame && v < 1UL << 40)
		v = ~v;
	return v;
}

/* ---- instructions ------------------------------------------------------ */

#define INSN_NOP	0xd503201f
#define INSN_ISB	0xd5033fdf
#define INSN_DSB	0xd5033f9f
#define INSN_WFI	0xd503207f
#define INSN_WFE	0xd503205f
#define INSN_YIELD	0xd503203f
#define INSN_ERET	0xd69f03e0
#define INSN_DAIFCLR	0xd50344ff	/* I and F: imm 4 | imm 3 */
#define INSN_LDR(t, n)	(0xf9400000 | (n) << 5 | (t))
#define INSN_STR(t, n)	(0xf9000000 | (n) << 5 | (t))
#define INSN_LDR32(t, n) (0xb9400000 | (n) << 5 | (t))
#define INSN_STR32(t, n) (0xb9000000 | (n) << 5 | (t))
#define INSN_BR(n)	(0xd61f0000 | (n) << 5)
#define INSN_B(words)	(0x14000000 | ((words) & 0x3ffffff))
#define INSN_SUBS_X3	0xf1000463			/* subs x3, x3, #1 */
#define INSN_BNE(words)	(0x54000001 | ((words) & 0x7ffff) << 5)
#define INSN_HVC(imm)	(0xd4000002 | (imm) << 5)
#define INSN_SMC(imm)	(0xd4000003 | (imm) << 5)

#define SYS(op0, op1, crn, crm, op2) \
	((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define INSN_MSR(sys, t)	(0xd5000000 | (u32)(sys) << 5 | (t))
#define INSN_MRS(sys, t)	(0xd5200000 | (u32)(sys) << 5 | (t))

#define SCTLR_EL1	SYS(3, 0, 1, 0, 0)
#define TTBR0_EL1	SYS(3, 0, 2, 0, 0)
#define TTBR1_EL1	SYS(3, 0, 2, 0, 1)
#define TCR_EL1		SYS(3, 0, 2, 0, 2)
#define SPSR_EL1	SYS(3, 0, 4, 0, 0)
#define ELR_EL1		SYS(3, 0, 4, 0, 1)
#define MAIR_EL1	SYS(3, 0, 10, 2, 0)
#define VBAR_EL1	SYS(3, 0, 12, 0, 0)
#define ICC_PMR_EL1	SYS(3, 0, 4, 6, 0)
/*
 * Where a core has RAS, no ID register hides this one. What an ESB of the guest's has put there is
 * given back to it, so that a guest can make its own SErrors with its bit A; others would be
 * somebody's fault.
 */
#define DISR_EL1	SYS(3, 0, 12, 1, 1)
#define DISR_A		0x80000000UL
#define ICC_SGI1R_EL1	SYS(3, 0, 12, 11, 5)
#define TPIDRRO_EL0	SYS(3, 3, 13, 0, 3)
#define CNTV_TVAL_EL0	SYS(3, 3, 14, 3, 0)
#define CNTV_CTL_EL0	SYS(3, 3, 14, 3, 1)
#define CNTV_CVAL_EL0	SYS(3, 3, 14, 3, 2)
#define CNTP_CTL_EL0	SYS(3, 3, 14, 2, 1)
#define CNTP_CVAL_EL0	SYS(3, 3, 14, 2, 2)
#define MDSCR_EL1	SYS(2, 0, 0, 2, 2)
#define OSLAR_EL1	SYS(2, 0, 1, 0, 4)

#define SCTLR_BASE	HOSTILE_SCTLR
#define SCTLR_MMU	(HOSTILE_SCTLR | 1)
#define TCR_LOW		(HOSTILE_TCR & 0xffff)

static void add(struct hostile_case *c, u32 insn)
{
	if (c->nr < HOSTILE_MAX_INSNS)
		c->insn[c->nr++] = insn;
}

/*
 * A word of one of the top-level groups (Arm ARM C4.1, bits 28:25): what is left to chance
 * all over would be undefined half of the time, and a load or store hardly ever.
 */
static u32 any_insn(u64 *state)
{
	static const u8 group[16] = { 8, 9, 8, 9, 4, 6, 12, 14, 4, 6, 5, 13, 7, 15, 10, 11 };
	u32 word = rnd(state);

	if (!below(state, 32))
		return word;
	return (word & ~(15U << 25)) | (u32)group[below(state, 16)] << 25;
}

static int is_system(u32 word)
{
	/* System instructions, and exception generating ones but BRK. */
	return (word & 0xffc00000) == 0xd5000000 ||
	       ((word & 0xff000000) == 0xd4000000 && (word & 0xffe00000) != 0xd4200000);
}

/* A load or store whose base is one of x0 to x7. */
static u32 any_load_store(u64 *state)
{
	u32 word = rnd(state);

	word = (word & ~(5U << 25)) | 1U << 27;
	switch (below(state, 4)) {
	case 0:
		/* Unsigned offset, and close. */
		word = (word & 0xc4c0001f) | 0x39000000 | (below(state, 8) << 10);
		break;
	case 1:
		/* Exclusives, ordered, compare and swap. */
		word = (word & 0xc0ffffff) | 0x08000000;
		break;
	case 2:
		/* Atomics; pre-indexed, post-indexed; registers as offsets. */
		word = (word & 0xc4ffffff) | 0x38000000;
		break;
	}
	return (word & ~(0x18U << 5));
}

static u32 any_sysreg(u64 *state)
{
	u32 sys = rnd(state) & 0xffff;

	/* Most of what there is has op0 3 and op1 0 or 3, or op0 2. */
	switch (below(state, 4)) {
	case 0:
		return SYS(2, 0, 0, 0, 0) | (sys & 0x7f);
	case 1:
		return SYS(3, 0, 0, 0, 0) | (sys & 0x7ff);
	case 2:
		return SYS(3, 3, 0, 0, 0) | (sys & 0x7ff);
	default:
		return sys;
	}
}

/* ---- kinds ------------------------------------------------------------- */

/*
 * For CNTV_CVAL_EL0. QEMU 7.2 stops for good, with all that runs in it, if that and
 * CNTVOFF_EL2 together are more than 64 bits.
 */
static u64 far_moment(u64 v)
{
	return v & ((1UL << 61) - 1);
}

/*
 * What a guest that nobody watches would not come back from. The values are anything but
 * that.
 */
static u64 tamed(u32 sys, u64 v)
{
	switch (sys) {
	case SCTLR_EL1:
		/* WXN, nTWE, nTWI, UCT, DZE, UMA, SED, ITD, CP15BEN, SA0: of EL0, mostly. */
		return (SCTLR_BASE & ~0xd03b0UL) | (v & 0xd03b0UL);
	case VBAR_EL1:
		return v & 0x800 ? HOSTILE_VECTORS + 0x800 : HOSTILE_VECTORS;
	case CNTV_CTL_EL0:
		/* Masked: whether it fires at once is the machine's affair. */
		return v | 2;
	case CNTV_TVAL_EL0:
		return 0x40000000 | (v & 0x3fffffff);
	case CNTV_CVAL_EL0:
		return 1UL << 60 | far_moment(v);
	}
	return v;
}

static void make_sysreg(struct hostile_case *c, const struct hostile_options *o, u64 number,
			u64 *state)
{
	u32 sys = number & 0xffff;
	u32 op0 = sys >> 14;
	u32 rt = op0 ? 0 : 31;

	if (number & HOSTILE_SYSREG_EL0)
		c->flags |= HOSTILE_EL0;
	c->x[0] = value(state);
	if (!(number & HOSTILE_SYSREG_WRITE)) {
		add(c, INSN_MRS(sys, rt));
		return;
	}
	if (sys == DISR_EL1)
		c->x[0] &= ~DISR_A;
	if (o->tame)
		c->x[0] = tamed(sys, c->x[0]);
	else if (sys == SCTLR_EL1 || sys == VBAR_EL1)
		c->flags |= HOSTILE_WILD;
	add(c, INSN_MSR(sys, rt));
	add(c, INSN_ISB);
	/* What has become of it. */
	if (op0 >= 2)
		add(c, INSN_MRS(sys, 1));
}

static void make_insn(struct hostile_case *c, const struct hostile_options *o, u64 *state)
{
	u32 count = o->tame ? 1 : 1 + below(state, 4), word;

	while (c->nr < count) {
		word = any_insn(state);
		/* Those of the machine are other kinds'. */
		if (o->tame && is_system(word))
			continue;
		add(c, word);
	}
}

static void make_call(struct hostile_case *c, u64 *state)
{
	/* SMCCC: bit 31 fast, bit 30 64-bit, 29:24 the owner, 15:0 the number. */
	u64 id = (u64)below(state, 4) << 30 | (u64)below(state, 64) << 24;
	u32 imm = below(state, 4) ? 0 : rnd(state) & 0xffff, i;

	switch (below(state, 4)) {
	case 0:
		id |= below(state, 0x40);
		break;
	case 1:
		id |= 0x8000 | below(state, 0x40);
		break;
	case 2:
		id |= 0xff00 | below(state, 0x100);
		break;
	default:
		id |= rnd(state) & 0xffffff;
	}
	/* Standard services: PSCI, TRNG, stolen time. */
	if (!below(state, 3))
		id = 0x84000000 | (id & 0x4000001f);
	if (!below(state, 16))
		id |= rnd(state) << 32;
	c->x[0] = id;
	for (i = 1; i < 18; i++)
		c->x[i] = value(state);
	/* CPU_ON and AFFINITY_INFO find somebody. */
	if (below(state, 2))
		c->x[1] = below(state, 3);
	add(c, below(state, 2) ? INSN_HVC(imm) : INSN_SMC(imm));
}

static void make_mmio(struct hostile_case *c, const struct hostile_options *o, u64 *state)
{
	u32 i, count = 1 + below(state, 4);

	for (i = 0; i < 8; i++)
		c->x[i] = device(state, o);
	for (i = 8; i < 31; i++)
		c->x[i] = value(state);
	while (c->nr < count)
		add(c, any_load_store(state));
}

/* Tables in what the case has, in its own code, in devices, in nothing. */
static u64 any_table(u64 *state, const struct hostile_options *o)
{
	switch (below(state, 4)) {
	case 0:
		return device(state, o) & ~0xfffUL;
	case 1:
		return rnd(state);
	case 2:
		return HOSTILE_CODE + HOSTILE_CODE_START;
	default:
		return (HOSTILE_SCRATCH + below(state, HOSTILE_PART)) & ~0xfffUL;
	}
}

static u64 any_descriptor(u64 *state, const struct hostile_options *o)
{
	return any_table(state, o) | (rnd(state) & 0xfff0000000000fffUL);
}

static void make_tables(struct hostile_case *c, const struct hostile_options *o, u64 *state)
{
	/* AT S1E1R, S1E1W, S1E0R, S1E0W; with PAN. */
	static const u32 at[] = {
		SYS(1, 0, 7, 8, 0), SYS(1, 0, 7, 8, 1), SYS(1, 0, 7, 8, 2), SYS(1, 0, 7, 8, 3),
	};
	u64 high = ~0UL << (16 + below(state, 24)), i;

	/* TTBR1's part is the case's; TTBR0's keeps the guest under control. */
	c->x[0] = any_table(state, o);
	c->x[1] = (rnd(state) & 0xfff9ffffffc00000UL & ~(7UL << 32)) | 2UL << 32 | TCR_LOW |
		  (u64)below(state, 64) << 16;
	c->x[2] = (value(state) & ~0xffffUL) | 0x04ff;
	c->x[3] = high | (rnd(state) & ~high);
	c->x[4] = high | (rnd(state) & 0xffff);
	c->x[5] = scratch(state) & ~7UL;
	c->x[6] = any_descriptor(state, o);
	c->x[7] = rnd(state);
	add(c, INSN_STR(6, 5));
	add(c, INSN_MSR(TTBR1_EL1, 0));
	add(c, INSN_MSR(TCR_EL1, 1));
	add(c, INSN_MSR(MAIR_EL1, 2));
	add(c, INSN_ISB);
	if (!o->mmu && !below(state, 32)) {
		/* All of it, and on. */
		c->x[8] = any_table(state, o);
		c->x[9] = SCTLR_MMU | (value(state) & 0x2000000);
		add(c, INSN_MSR(TTBR0_EL1, 8));
		add(c, INSN_MSR(SCTLR_EL1, 9));
		add(c, INSN_ISB);
		c->flags |= HOSTILE_WILD;
	}
	for (i = 0; i < 3; i++) {
		u32 reg = 3 + below(state, 2);

		switch (below(state, 4)) {
		case 0:
			add(c, INSN_LDR(7, reg));
			break;
		case 1:
			add(c, INSN_STR(7, reg));
			break;
		case 2:
			add(c, INSN_BR(reg));
			break;
		default:
			add(c, INSN_MSR(at[below(state, ARRAY_SIZE(at))], reg));
		}
	}
}

static void make_aa32(struct hostile_case *c, const struct hostile_options *o, u64 *state)
{
	u32 i;

	if (!o->aa32) {
		make_insn(c, o, state);
		return;
	}
	c->flags |= HOSTILE_EL0;
	/* User mode; T, IT, GE, Q, NZCV, E as they come. */
	c->spsr = (rnd(state) & 0xfe0ffe20) | 0x10;
	for (i = 0; i < 4 + below(state, 5); i++) {
		u32 word = rnd(state);

		switch (below(state, 6)) {
		case 0:
			/* cp14, cp15 */
			word = (word & 0xff1ff0ffU & ~0xf000000U) | 0xe000e10U | (word & 0x100);
			break;
		case 1:
			/* Thumb, two words */
			word = 0xeee0f00e | (word & 0x0f1f0fff);
			break;
		case 2:
			/* Thumb: IT, hints, SVC, UDF */
			word = (word & 0xff00ff) | 0xbf00de00;
			break;
		case 3:
			/* Unconditional: SETEND, RFE, SRS, barriers */
			word |= 0xf0000000;
			break;
		case 4:
			/* Always. */
			word = (word & 0xfffffff) | 0xe0000000;
			break;
		}
		add(c, word);
	}
}

static void make_eret(struct hostile_case *c, const struct hostile_options *o, u64 *state)
{
	u64 spsr = value(state);

	switch (below(state, 4)) {
	case 0:
		/* All modes, those that are not there, too. */
		spsr = 0x3c0 | below(state, 32);
		break;
	case 1:
		spsr &= ~0x1fUL;
		break;
	case 2:
		spsr = (spsr & ~0x1fUL) | 5;
		break;
	}
	c->x[0] = spsr;
	c->x[1] = below(state, 4) ? HOSTILE_CODE + HOSTILE_CODE_START + below(state, 64) :
				    operand(state, o);
	add(c, INSN_MSR(SPSR_EL1, 0));
	add(c, INSN_MSR(ELR_EL1, 1));
	add(c, INSN_ERET);
}

static void make_selfmod(struct hostile_case *c, const struct hostile_options *o, u64 *state)
{
	u64 base = HOSTILE_CODE + HOSTILE_CODE_START;
	u64 target = base + 4 * (4 + below(state, 12));
	u32 i;

	/* Where it can be written, with the MMU on; where it runs. */
	c->x[0] = target - HOSTILE_CODE + (o->mmu ? HOSTILE_CODE_ALIAS : HOSTILE_CODE);
	c->x[1] = any_insn(state);
	c->x[2] = target;
	c->x[3] = 2 + below(state, 6);
	add(c, INSN_STR32(1, 0));
	for (i = 0; i < 3; i++) {
		switch (below(state, 6)) {
		case 0:
			add(c, INSN_MSR(SYS(1, 3, 7, 11, 1), 0));	/* DC CVAU */
			break;
		case 1:
			add(c, INSN_MSR(SYS(1, 3, 7, 5, 1), 2));	/* IC IVAU */
			break;
		case 2:
			add(c, INSN_MSR(SYS(1, 0, 7, 5, 0), 31));	/* IC IALLU */
			break;
		case 3:
			add(c, INSN_DSB);
			break;
		case 4:
			add(c, INSN_ISB);
			break;
		default:
			add(c, INSN_STR(1, 0));
		}
	}
	add(c, INSN_SUBS_X3);
	add(c, INSN_BNE(-5));
	if (below(state, 2))
		add(c, INSN_BR(2));
	while (c->nr < 12)
		add(c, any_insn(state));
}

static void make_storm(struct hostile_case *c, const struct hostile_options *o, u64 *state)
{
	static const u32 waits[] = { INSN_WFI, INSN_WFE, INSN_YIELD, INSN_NOP, INSN_ISB };
	u32 i, loop;

	c->spsr = 5 | (rnd(state) & 0xc0);
	c->x[0] = 1;
	c->x[1] = 0;
	c->x[2] = far_moment(value(state));
	c->x[3] = 1 + below(state, 200);
	/* SGIs to whoever there is, by both versions. */
	c->x[4] = (u64)below(state, 16) << 24 | (below(state, 2) ? rnd(state) & 0xffff : 3) |
		  (u64)below(state, 2) << 40;
	c->x[5] = HOSTILE_GICD + 0xf00;
	c->x[6] = below(state, 4) << 24 | (u64)below(state, 256) << 16 | below(state, 16);
	/* All that is private, enabled and pending. */
	c->x[7] = (o->gic == 2 ? HOSTILE_GICD : HOSTILE_GICR + 0x10000) +
		  (below(state, 2) ? 0x100 : 0x200);
	c->x[8] = rnd(state);
	if (below(state, 2))
		add(c, INSN_STR32(8, 7));
	loop = c->nr;
	for (i = 0; i < 4; i++) {
		switch (below(state, 8)) {
		case 0:
			add(c, INSN_MSR(CNTV_CVAL_EL0, 1));
			add(c, INSN_MSR(CNTV_CTL_EL0, 0));
			break;
		case 1:
			add(c, INSN_MSR(CNTP_CVAL_EL0, 1));
			add(c, INSN_MSR(CNTP_CTL_EL0, 0));
			break;
		case 2:
			if (o->gic == 3)
				add(c, INSN_MSR(ICC_SGI1R_EL1, 4));
			else
				add(c, INSN_STR32(6, 5));
			break;
		case 3:
			add(c, INSN_MSR(CNTV_CVAL_EL0, 2));
			break;
		default:
			add(c, waits[below(state, ARRAY_SIZE(waits))]);
		}
	}
	add(c, INSN_SUBS_X3);
	add(c, INSN_BNE((int)loop - (int)c->nr));
}

static void make_gic(struct hostile_case *c, const struct hostile_options *o, u64 *state)
{
	u32 i;

	for (i = 0; i < 8; i++) {
		c->x[i] = (i & 1 ? HOSTILE_GICD :
			   o->gic == 2 ? HOSTILE_GICC : HOSTILE_GICR + below(state, 2) * 0x10000) +
			  (below(state, 0x1100) & ~3U);
		if (!below(state, 8))
			c->x[i] = HOSTILE_GICD + 0x6000 + (below(state, 0x2000) & ~7U);
		c->x[8 + i] = value(state);
	}
	for (i = 0; i < 6; i++) {
		u32 a = below(state, 8), v = 8 + below(state, 8);

		/* A GICv2 has no system registers: the first ends the case. */
		switch (below(state, o->gic == 2 && below(state, 8) ? 4 : 6)) {
		case 0:
			add(c, INSN_LDR32(v, a));
			break;
		case 1:
		case 2:
			add(c, INSN_STR32(v, a));
			break;
		case 3:
			add(c, INSN_STR(v, a));
			break;
		case 4:
			add(c, INSN_MSR(SYS(3, 0, 12, 8 + below(state, 5), below(state, 8)), v));
			break;
		default:
			add(c, INSN_MRS(SYS(3, 0, 12, 8 + below(state, 5), below(state, 8)), v));
		}
	}
	if (below(state, 2)) {
		if (o->gic != 2)
			add(c, INSN_MSR(ICC_PMR_EL1, 8));
		add(c, INSN_DAIFCLR);
	}
}

static void make_debug(struct hostile_case *c, const struct hostile_options *o, u64 *state)
{
	/* Every core has two of both at the least, most have four and more. */
	u32 i, n = below(state, below(state, 8) ? 4 : 16);

	c->x[0] = HOSTILE_CODE + HOSTILE_CODE_START + 4 * below(state, HOSTILE_MAX_INSNS);
	c->x[1] = below(state, 2) ? 0x1e7 : rnd(state);		/* all bytes, EL1 and EL0 */
	c->x[2] = scratch(state) & ~7UL;
	c->x[3] = below(state, 2) ? 0x1fff | 3 : rnd(state);
	c->x[4] = 0x8000 | (rnd(state) & 0xa001);			/* MDE, KDE, SS, ... */
	c->x[5] = below(state, 4) ? 0 : rnd(state);
	c->spsr = 5 | (rnd(state) & 0x2001c0);			/* SS; D is clear */
	add(c, INSN_MSR(OSLAR_EL1, 5));
	add(c, INSN_MSR(SYS(2, 0, 0, n, 4), 0));
	add(c, INSN_MSR(SYS(2, 0, 0, n, 5), 1));
	add(c, INSN_MSR(SYS(2, 0, 0, n, 6), 2));
	add(c, INSN_MSR(SYS(2, 0, 0, n, 7), 3));
	add(c, INSN_MSR(MDSCR_EL1, 4));
	add(c, INSN_ISB);
	for (i = 0; i < 4; i++) {
		switch (below(state, 4)) {
		case 0:
			add(c, INSN_LDR(7, 2));
			break;
		case 1:
			add(c, INSN_MSR(SYS(2, 0, 0, below(state, 16), below(state, 8)), 6));
			break;
		case 2:
			add(c, INSN_NOP);
			break;
		default:
			add(c, any_insn(state));
		}
	}
	(void)o;
}

/* How registers of guest_accesses.def can be accessed. */
#define RO		BIT(0)
#define WO		BIT(1)
#define RW		(RO | WO)
#define GICV3		BIT(2)
#define GIC_RO		(GICV3 | RO)
#define GIC_WO		(GICV3 | WO)
#define GIC_RW		(GICV3 | RW)
#define HIDDEN		0

/* An access that is there: a case goes on behind it. */
static u32 any_access(u64 *state, const struct hostile_options *o, u32 rt)
{
	static const struct {
		u16 sys;
		u8 how;
	} list[] = {
#define ACCESS(op0, op1, crn, crm, op2, how) { SYS(op0, op1, crn, crm, op2), how },
#include "guest_accesses.def"
#undef ACCESS
	};
	u32 i, how;

	do {
		i = below(state, ARRAY_SIZE(list));
		how = list[i].how;
		/* See far_moment(). */
	} while (!(how & RW) || (how & GICV3 && o->gic != 3) || list[i].sys == CNTV_TVAL_EL0);
	if (how & WO && (!(how & RO) || below(state, 3)))
		return INSN_MSR(list[i].sys, rt);
	return INSN_MRS(list[i].sys, rt);
}

static void make_regs(struct hostile_case *c, const struct hostile_options *o, u64 *state)
{
	/* Mostly not at EL0 either, where there are few. */
	u32 i, any = !below(state, 4);

	if (!any)
		c->flags &= ~HOSTILE_EL0;
	for (i = 0; i < 31; i++)
		c->x[i] = value(state);
	for (i = 0; i < 8; i++) {
		u32 rt = below(state, 32), insn, sys;

		if (any) {
			sys = any_sysreg(state);
			/* See far_moment(). */
			if (sys == CNTV_TVAL_EL0 || sys == CNTV_CVAL_EL0)
				sys = CNTV_CTL_EL0;
			insn = below(state, 3) ? INSN_MSR(sys, rt) : INSN_MRS(sys, rt);
		} else {
			insn = any_access(state, o, rt);
		}
		sys = insn >> 5 & 0xffff;
		if (sys == DISR_EL1)
			insn = INSN_MRS(sys, rt);
		if (sys == SCTLR_EL1 || sys == VBAR_EL1 || sys == TTBR0_EL1 || sys == TCR_EL1 ||
		    sys == MAIR_EL1)
			c->flags |= HOSTILE_WILD;
		add(c, insn);
	}
	add(c, INSN_ISB);
}

/**
 * hostile_make() - make a case
 * @c: the case.
 * @o: what it may be.
 * @number: which one.
 */
void hostile_make(struct hostile_case *c, const struct hostile_options *o, u64 number)
{
	u64 state = mix(o->seed ^ mix(number * 16 + o->kind));
	u32 i;

	for (i = 0; i < 31; i++)
		c->x[i] = operand(&state, o);
	c->nr = 0;
	c->flags = 0;
	c->sp_el0 = HOSTILE_SCRATCH + HOSTILE_SCRATCH_START + 0x400;
	c->sp_el1 = HOSTILE_SCRATCH + HOSTILE_SCRATCH_START + 0x600;
	/* N, Z, C and V; EL1h or EL0; the guest's own timer ends what does not end. */
	c->spsr = (rnd(&state) & 0xf0000000) | 0x340;
	if (o->kind == HOSTILE_INSN && below(&state, 2))
		c->flags |= HOSTILE_EL0;
	else if (o->kind != HOSTILE_SYSREG && !below(&state, 8))
		c->flags |= HOSTILE_EL0;

	switch (o->kind) {
	case HOSTILE_SYSREG:
		make_sysreg(c, o, number, &state);
		break;
	case HOSTILE_CALL:
		make_call(c, &state);
		break;
	case HOSTILE_MMIO:
		make_mmio(c, o, &state);
		break;
	case HOSTILE_TABLES:
		c->flags &= ~HOSTILE_EL0;
		make_tables(c, o, &state);
		break;
	case HOSTILE_AA32:
		make_aa32(c, o, &state);
		break;
	case HOSTILE_ERET:
		c->flags &= ~HOSTILE_EL0;
		make_eret(c, o, &state);
		break;
	case HOSTILE_SELFMOD:
		make_selfmod(c, o, &state);
		break;
	case HOSTILE_STORM:
		c->flags &= ~HOSTILE_EL0;
		make_storm(c, o, &state);
		break;
	case HOSTILE_GIC:
		c->flags &= ~HOSTILE_EL0;
		make_gic(c, o, &state);
		break;
	case HOSTILE_DEBUG:
		c->flags &= ~HOSTILE_EL0;
		make_debug(c, o, &state);
		break;
	case HOSTILE_REGS:
		make_regs(c, o, &state);
		break;
	default:
		make_insn(c, o, &state);
	}
	if (!(c->flags & HOSTILE_EL0) && !(c->spsr & 0x10))
		c->spsr |= 5;
}
