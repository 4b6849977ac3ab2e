// SPDX-License-Identifier: GPL-2.0
/*
 * What guests do: code at random, most of it of the kind that leaves the guest.
 */
#include "fuzz.h"

#define MOVZ_W(rd, imm)		(0x52800000 | (u32)(imm) << 5 | (rd))
#define MOVK_W_16(rd, imm)	(0x72a00000 | (u32)(imm) << 5 | (rd))
#define MOVZ_X(rd, imm)		(0xd2800000 | (u32)(imm) << 5 | (rd))
#define MOVZ_X_16(rd, imm)	(0xd2a00000 | (u32)(imm) << 5 | (rd))
#define MOVK_X(rd, imm)		(0xf2800000 | (u32)(imm) << 5 | (rd))
#define BRANCH(words)		(0x14000000 | ((words) & 0x3ffffff))
#define SYSREG(op1, crn, crm, op2) \
	(0xd5180000 | (op1) << 16 | (crn) << 12 | (crm) << 8 | (op2) << 5)
#define READ			0x200000

#define PMR		SYSREG(0, 4, 6, 0)
#define IAR1		SYSREG(0, 12, 12, 0)
#define EOIR1		SYSREG(0, 12, 12, 1)
#define IAR0		SYSREG(0, 12, 8, 0)
#define EOIR0		SYSREG(0, 12, 8, 1)
#define DIR		SYSREG(0, 12, 11, 1)
#define SGI1R		SYSREG(0, 12, 11, 5)
#define IGRPEN1		SYSREG(0, 12, 12, 7)
#define CNTV_TVAL	SYSREG(3, 14, 3, 0)
#define CNTV_CTL	SYSREG(3, 14, 3, 1)
#define DEBUG(crn, crm, op2)	(SYSREG(0, crn, crm, op2) & ~0x80000)
#define MDSCR		DEBUG(0, 2, 2)
#define OSLAR		DEBUG(1, 0, 4)
#define ELR		SYSREG(0, 4, 0, 1)
#define ADD_X9_4	0x91001129
#define ERET		0xd69f03e0
#define LDR_W(rt, rn, offset)	(0xb9400000 | (offset) / 4 << 10 | (rn) << 5 | (rt))
#define STR_W(rt, rn, offset)	(0xb9000000 | (offset) / 4 << 10 | (rn) << 5 | (rt))

#define VECTORS		(GUEST_VECTORS / 4)
#define MAX_INSNS	6

/* Loads and stores; the registers are filled in: from or to the first, by the second. */
static const u32 accesses[] = {
	0xb9400000, 0xb9000000, 0xf9400000, 0xf9000000,	/* ldr, str: w, x */
	0xb9400000, 0xb9000000,
	0x39400000, 0x39000000, 0x79400000, 0x79000000,	/* ldrb, strb, ldrh, strh */
	0xb9800000, 0x39c00000, 0xf8408c00, 0xf8008c00,	/* ldrsw, ldrsb, pre-index */
	0xa9400800, 0xa9000800, 0x3dc00000, 0x3d800000,	/* ldp, stp, ldr q, str q */
	0xc85f7c00, 0xc8047c05, 0xf8200000, 0xd50b7b20,	/* ldxr, stxr, ldadd, dc civac */
};

/* Registers that a guest has work with, as a rule: written, but for those that are read-only. */
#define RO		READ
#define GIC_RO		0
#define GIC_RW		0
#define GIC_WO		0
#define HIDDEN		0
#define RW		0
#define WO		0
static const u32 registers[] = {
#define ACCESS(op0, op1, crn, crm, op2, how) \
	((SYSREG(op1, crn, crm, op2) & ~0x80000) | ((op0) & 1) << 19 | (how)),
#include "lib/guest_accesses.def"
#undef ACCESS
};

static const u32 others[] = {
	0xd503207f, 0xd503205f, 0xd503203f, 0xd503209f,	/* wfi, wfe, yield, sev */
	0xd4000001, 0xd4200000, 0xd4400000, 0xd5033fdf,	/* svc, brk, hlt, isb */
	0xd50342df, 0xd50342ff, 0xd503427f, 0x1e604000,	/* daifset, daifclr, fmov */
	0xd508831f, 0xd508751f, 0xd50b7520, 0xd5087641,	/* tlbi, ic, ic ivau, dc isw */
	0x1e620020, 0x4ea01c00, 0xd5087a41, 0xd5087e41,	/* scvtf, orr v; dc csw, dc cisw */
	0xd4000002, 0xd4000003, 0xd4002462, 0xdac10000,	/* hvc, smc, hvc #0x123, pacia */
};

/* The upper halves of function ids. */
static const u32 functions[] = {
	0x8400, 0xc400, 0x8400, 0xc400, 0x8400, 0xc400, 0x8200, 0xc200, 0x8100, 0x8000, 0x8600,
	0xc600, 0x8500, 0xc500, 0x9400,
};

/* Their lower halves: PSCI's that do something, */
static const u16 psci[] = {
	1, 1, 1, 2, 3, 3, 4, 5, 8, 9, 0xa, 0xe, 0xe, 0x12, 0x13,
};

/* ... and of other owners: TRNG, stolen time; Arm's architecture calls. */
static const u16 lows[] = {
	0x50, 0x51, 0x52, 0x53, 0x20, 0x21, 0x22, 0x8000, 0x7fff, 0x3fff, 0xff01, 0xff03,
};

/* AArch32, with a condition: wfi, wfe, mrc p14 and p15, mrrc, ldr, str, msr apsr, svc, nop */
static const u32 a32[] = {
	0x0320f003, 0x0320f002, 0x0e100e11, 0x0e190f1c, 0x0e090f1c, 0x0e1e0f32, 0x0c510f0e,
	0x05910000, 0x05810000, 0x0328f20f, 0x0328f205, 0x0328f20a, 0x0f000000, 0x0320f000,
	0x0e1d0f70, 0x0e010f10,
};

/* Offsets into the frames of a GIC. */
static const u16 gic_offsets[] = {
	0x0, 0x4, 0x8, 0x14, 0x80, 0x84, 0x100, 0x104, 0x180, 0x184, 0x200, 0x204, 0x280, 0x284,
	0x300, 0x304, 0x380, 0x384, 0x400, 0x420, 0x43c, 0x800, 0x820, 0x83c, 0xc00, 0xc04, 0xc08,
	0xd00, 0xe00, 0xf00, 0xf10, 0xf20, 0x6100, 0x6108, 0xffe8, 0xfe8, 0xc, 0x10, 0x18, 0x28,
	0x2c, 0x1000,
};

static unsigned int guest_access(u32 *code, u64 n)
{
	u32 access = accesses[(n >> 24) % ARRAY_SIZE(accesses)] | 1 << 5 | (n >> 8 & 7);

	switch (n >> 32 & 7) {
	case 0:	/* a GIC's: the distributor, a redistributor's two frames, the CPU interface */
	case 1:
	case 2:
		code[0] = MOVZ_X_16(1, (n & BIT(40) ? GUEST_GIC : GUEST_GIC_CPU) >> 16 |
				       (n >> 41 & 3));
		code[1] = MOVK_X(1, gic_offsets[(n >> 44) % ARRAY_SIZE(gic_offsets)] |
				    (n >> 52 & 15 ? 0 : n >> 56 & 7));
		code[2] = access;
		return 3;
	case 3:	/* where eventfds and ranges that are posted may be */
	case 4:
		code[0] = MOVZ_X_16(1, GUEST_MMIO >> 16);
		code[1] = MOVK_X(1, (n >> 40 & 3) << 12 | (n >> 44 & 15));
		code[2] = access;
		return 3;
	case 5:	/* nowhere */
		code[0] = MOVZ_X_16(1, n >> 48);
		code[1] = MOVK_X(1, n >> 40 & 0xff8);
		code[2] = access;
		return 3;
	}
	/* Memory. */
	code[0] = MOVZ_X_16(1, GUEST_RAM >> 16 | (n >> 41 & 0x7f));
	code[1] = MOVK_X(1, 0x2000 + (n >> 48 & 0x8ff8));
	code[2] = access;
	return 3;
}

/* Some words of a guest's. */
static unsigned int guest_insns(u32 *code, u64 *state)
{
	u64 n = fuzz_random(state);
	u32 rt = n >> 8 & 7, low = n >> 16 & 31;

	switch (n % 17) {
	case 0:	/* a call: of another CPU, perhaps */
	case 1:
		code[0] = MOVZ_X(1, n >> 36 & 3);
		code[1] = MOVZ_X_16(2, GUEST_RAM >> 16);
		if ((n >> 21 & 3) == 3)
			low = lows[low % ARRAY_SIZE(lows)];
		else if (n & BIT(22))
			low = psci[low % ARRAY_SIZE(psci)];
		code[2] = MOVZ_W(0, low);
		code[3] = MOVK_W_16(0, functions[(n >> 24) % ARRAY_SIZE(functions)]);
		code[4] = n >> 32 & 1 ? 0xd4000002 : 0xd4000003;
		return 5;
	case 2:	/* mrs, msr: any of op0 2 and 3 */
		code[0] = 0xd5100000 | (n >> 32 & 0xfffe0) | rt | READ;
		if (n >> 24 & 1)
			code[0] = (code[0] & ~0x70000) | 0x80000;
		/* Seldom a write: the guest would be lost soon. */
		if ((n >> 25 & 7) == 0)
			code[0] &= ~READ;
		return 1;
	case 3:
	case 4:
	case 5:
		code[0] = MOVZ_X(9, n >> 40 & (n & BIT(63) ? 0xffff : 0xf));
		code[1] = registers[(n >> 24) % ARRAY_SIZE(registers)] | 9;
		if (n & BIT(16))
			code[1] |= READ;
		return 2;
	case 6:	/* ready for interrupts, and one to itself */
		code[0] = MOVZ_X(9, 0xff);
		code[1] = PMR | 9;
		code[2] = IGRPEN1 | 9;
		code[3] = MOVZ_X(9, 1);
		code[4] = SGI1R | 9;
		code[5] = 0xd50342ff;
		return 6;
	case 7:	/* the timer, soon */
		code[0] = MOVZ_X(9, n >> 40 & 0x3ff);
		code[1] = CNTV_TVAL | 9;
		code[2] = MOVZ_X(9, 1);
		code[3] = CNTV_CTL | 9;
		code[4] = n & BIT(60) ? 0xd503207f : 0xd503201f;
		return 5;
	case 8:	/* the distributor on, all groups and priorities; SPIs */
		code[0] = MOVZ_X_16(1, GUEST_GIC >> 16);
		code[1] = MOVZ_W(9, n & BIT(40) ? 3 : 0xffff);
		code[2] = STR_W(9, 1, n & BIT(41) ? 0 : 0x84);
		code[3] = STR_W(9, 1, 0x104);
		code[4] = STR_W(9, 1, n & BIT(42) ? 0x204 : 0x284);
		code[5] = STR_W(9, 1, n & BIT(43) ? 0x820 : 0x420);
		return 6;
	case 9:	/* sys */
		code[0] = 0xd5080000 | (n >> 32 & 0x7ffe0) | rt;
		return 1;
	case 10:
	case 11:
	case 12:
		return guest_access(code, n);
	case 13:	/* GICv2: acknowledge, end; and an SGI */
		code[0] = MOVZ_X_16(1, GUEST_GIC_CPU >> 16);
		code[1] = LDR_W(9, 1, 0xc);
		code[2] = STR_W(9, 1, 0x10);
		code[3] = MOVZ_W(9, 0xff);
		code[4] = STR_W(9, 1, n & BIT(40) ? 0 : 4);
		code[5] = 0xd50342ff;
		return 6;
	case 14:	/* breakpoints and watchpoints */
		if (n & BIT(40))
			break;
		code[0] = OSLAR | 31;
		code[1] = MOVZ_X(9, n & BIT(41) ? 0xa000 : 0x8000);
		code[2] = MDSCR | 9;
		code[3] = MOVZ_X(9, n >> 44 & 0xffff);
		code[4] = (n & BIT(42) ? DEBUG(0, 0, 5) : DEBUG(0, 0, 7)) | (n >> 60 & 7) << 8 | 9;
		return 5;
	case 15:
		code[0] = others[(n >> 24) % ARRAY_SIZE(others)];
		return 1;
	}
	/* Anything: most of them are undefined. */
	code[0] = n >> 32;
	return 1;
}

/**
 * guest_code() - two pages of code
 * @code: GUEST_CODE bytes.
 * @seed: what it is made from.
 *
 * Exceptions are taken to GUEST_VECTORS: what is wrong is left out, an interrupt is taken
 * and ended, or they go on anywhere.
 */
void guest_code(u32 *code, u64 seed)
{
	static const u32 skip[] = { ELR | READ | 9, ADD_X9_4, ELR | 9, ERET };
	static const u32 irq[] = { IAR1 | READ | 10, EOIR1 | 10, DIR | 10, ERET };
	static const u32 fiq[] = { IAR0 | READ | 10, EOIR0 | 10, ERET, ERET };
	u64 state = fuzz_mix(seed) | 1;
	unsigned int i, k, kind;

	for (i = 0; i < VECTORS - MAX_INSNS; )
		i += guest_insns(code + i, &state);
	for (; i < GUEST_CODE / 8; i++)
		code[i] = BRANCH((fuzz_random(&state) % (VECTORS - MAX_INSNS)) - i);
	for (; i < GUEST_CODE / 4 - 1; i++) {
		u64 n = fuzz_random(&state);

		code[i] = a32[(n >> 8) % ARRAY_SIZE(a32)] | (n & BIT(32) ? n >> 40 & 15 : 14) << 28;
	}
	/* b, to the beginning of these */
	code[i] = 0xea000000 | ((GUEST_CODE / 8 - i - 2) & 0xffffff);
	/* 16 vectors of 32 words: four kinds of exceptions, from four places. */
	for (i = 0; i < 16; i++) {
		kind = i % 4;
		if (kind == 3 || fuzz_random(&state) % 16 == 0)
			continue;
		for (k = 0; k < 4; k++)
			code[VECTORS + i * 32 + k] = (kind == 0 ? skip : kind == 1 ? irq : fiq)[k];
		/* Without priority drop alone as well. */
		if (kind == 1 && fuzz_random(&state) % 2)
			code[VECTORS + i * 32 + 2] = ERET;
	}
}
