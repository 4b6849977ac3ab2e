/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cases of a hostile guest: a few instructions and all registers that they begin with, made
 * of a kind, a seed and a number and of nothing else. The guest makes them for itself; the
 * test makes them again to tell what they were.
 */
#ifndef HOSTILE_CASES_H
#define HOSTILE_CASES_H

/* The guest's memory, by IPA, and by VA with its MMU on. */
#define HOSTILE_TEXT		0x40080000	/* the guest's own code; read-only */
#define HOSTILE_TEXT_SIZE	0x20000
#define HOSTILE_VECTORS		0x40081000	/* where its vectors are, twice */
#define HOSTILE_DATA		0x40200000	/* its data; not for EL0 */
#define HOSTILE_BSS_SIZE	0x10000		/* as much of that as there is at most */
#define HOSTILE_CODE		0x40400000	/* where cases run */
#define HOSTILE_SCRATCH		0x40600000	/* what cases may read and write */
#define HOSTILE_CODE_ALIAS	0x40800000	/* by VA: HOSTILE_CODE, and it can be written */
#define HOSTILE_PART		0x200000	/* size of each of these */
#define HOSTILE_END		0x40800000	/* of the memory */
#define HOSTILE_HOLE		0x0c000000	/* nothing is there */
#define HOSTILE_GICD		0x08000000
#define HOSTILE_GICC		0x08010000
#define HOSTILE_GICR		0x080a0000
#define HOSTILE_UART		0x09000000

/* Where in HOSTILE_CODE a case begins; where in HOSTILE_SCRATCH its pointers point to. */
#define HOSTILE_CODE_START	0x100000
#define HOSTILE_CODE_FILLED	0x1000		/* around it: nothing but the end of a case */
#define HOSTILE_SCRATCH_START	0x100000

/* BRK #imm: the end of a case. */
#define HOSTILE_END_IMM		0x4853
#define HOSTILE_END_INSN	(0xd4200000 | HOSTILE_END_IMM << 5)

#define HOSTILE_MAX_INSNS	16

/*
 * Between cases the guest has these, and bit 0 of SCTLR_EL1 with its MMU on. EL0 may wait,
 * maintain caches and mask interrupts.
 */
#define HOSTILE_SCTLR		0x34d5da3c
#define HOSTILE_TCR		0x200803519	/* 39 bits by 4K pages from TTBR0 */
#define HOSTILE_MAIR		0x04ff		/* Attr0 normal write-back, Attr1 device */

/* Kinds */
#define HOSTILE_SYSREG		0	/* enumerated: MRS, MSR, SYS, SYSL, MSR (immediate) */
#define HOSTILE_INSN		1	/* instructions of all groups */
#define HOSTILE_CALL		2	/* HVC, SMC */
#define HOSTILE_MMIO		3	/* loads and stores where no memory is */
#define HOSTILE_TABLES		4	/* translation tables, and what walks them */
#define HOSTILE_AA32		5	/* AArch32 at EL0 */
#define HOSTILE_ERET		6	/* exception returns to anywhere */
#define HOSTILE_SELFMOD		7	/* code that writes code */
#define HOSTILE_STORM		8	/* interrupts, waits */
#define HOSTILE_GIC		9	/* registers of the GIC */
#define HOSTILE_DEBUG		10	/* breakpoints, watchpoints, steps */
#define HOSTILE_REGS		11	/* several system registers of any value, MMU on or off */
#define HOSTILE_KINDS		12

/* Of HOSTILE_SYSREG: bits of the number. */
#define HOSTILE_SYSREG_WRITE	0x10000
#define HOSTILE_SYSREG_EL0	0x20000
#define HOSTILE_SYSREG_CASES	0x40000

/* struct hostile_case.flags */
#define HOSTILE_EL0		0x1
#define HOSTILE_WILD		0x2	/* the guest may lose control: somebody must watch it */

#ifndef __ASSEMBLY__

#include "types.h"

/**
 * struct hostile_case - what runs, and what it begins with
 * @x: x0 to x30.
 * @sp_el0: SP_EL0.
 * @sp_el1: SP_EL1.
 * @spsr: PSTATE.
 * @nr: how many instructions.
 * @flags: HOSTILE_EL0, HOSTILE_WILD.
 * @insn: the instructions; HOSTILE_END_INSN follows.
 */
struct hostile_case {
	u64 x[31];
	u64 sp_el0;
	u64 sp_el1;
	u64 spsr;
	u32 nr;
	u32 flags;
	u32 insn[HOSTILE_MAX_INSNS];
};

/**
 * struct hostile_options - what cases there may be
 * @seed: of all that is random.
 * @kind: HOSTILE_*.
 * @gic: version of the GIC, 0 for none.
 * @aa32: EL0 can run AArch32.
 * @tame: no case may lose control, or know what machine it is on.
 * @mmu: the guest's MMU is on.
 */
struct hostile_options {
	u64 seed;
	u32 kind;
	u32 gic;
	u32 aa32;
	u32 tame;
	u32 mmu;
};

void hostile_make(struct hostile_case *c, const struct hostile_options *o, u64 number);

/* The next random number (splitmix64). */
u64 hostile_random(u64 *state);

#endif /* __ASSEMBLY__ */
#endif /* HOSTILE_CASES_H */
