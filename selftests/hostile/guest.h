/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hostile guest: an image that runs cases one after the other, at the test's command
 * (hostile.c) or by itself on a virt board, which it prints then (host/hostile.sh).
 */
#ifndef HOSTILE_GUEST_H
#define HOSTILE_GUEST_H

#include "cases.h"

/* Offsets into struct hostile_save, for guest.S. */
#define SAVE_SP_EL0	248
#define SAVE_SP_EL1	256
#define SAVE_ELR	264
#define SAVE_SPSR	272
#define SAVE_ESR	280
#define SAVE_FAR	288
#define SAVE_VECTOR	296
#define SAVE_FPCR	304
#define SAVE_FPSR	312
#define SAVE_V		320
#define SAVE_SIZE	832

#define HOSTILE_STACK	0x8000

/* struct hostile_ctl.state */
#define HOSTILE_BUSY	1
#define HOSTILE_DONE	2

/* HVC #imm: the test shall look at the state. */
#define HOSTILE_CALL_IMM	0x5543

#ifndef __ASSEMBLY__

/**
 * struct hostile_save - the registers at the end of a case
 * @x: x0 to x30.
 * @sp_el0: SP_EL0.
 * @sp_el1: SP_EL1.
 * @elr: ELR_EL1.
 * @spsr: SPSR_EL1.
 * @esr: ESR_EL1.
 * @far: FAR_EL1.
 * @vector: index into the table of vectors.
 * @fpcr: FPCR.
 * @fpsr: FPSR.
 * @v: V0 to V31.
 */
struct hostile_save {
	u64 x[31];
	u64 sp_el0;
	u64 sp_el1;
	u64 elr;
	u64 spsr;
	u64 esr;
	u64 far;
	u64 vector;
	u64 fpcr;
	u64 fpsr;
	u64 v[32][2];
};

/**
 * struct hostile_ctl - what the test and its guest tell each other; the first of its data
 * @hosted: 1: there is a test; 0: the guest is by itself.
 * @state: HOSTILE_*.
 * @options: what cases.
 * @first: number of the first one.
 * @count: how many.
 * @current: number of the one that runs.
 * @done: how many have come to an end.
 * @completed: ... the end that they should.
 * @interrupts: ... by an interrupt.
 * @serrors: ... by an SError.
 * @ec: ... by exceptions, by ESR_EL1.EC.
 * @ec_case: number of the last one of each.
 * @ec_esr: its ESR_EL1.
 */
struct hostile_ctl {
	u32 hosted;
	u32 state;
	struct hostile_options options;
	u64 first;
	u64 count;
	u64 current;
	u64 done;
	u64 completed;
	u64 interrupts;
	u64 serrors;
	u64 ec[64];
	u64 ec_case[64];
	u64 ec_esr[64];
};

extern struct hostile_ctl hostile_ctl;
extern struct hostile_save hostile_save;
extern const char hostile_vectors[];

/* Runs it to its end, which is then in hostile_save. */
void hostile_enter(const struct hostile_case *c);
void guest_main(const void *fdt);

/* image.S: all of this, in the test. */
extern const char hostile_image[];
extern const u64 hostile_image_size;

#endif /* __ASSEMBLY__ */
#endif /* HOSTILE_GUEST_H */
