/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All of the registers that a guest has, with a value of their own in each, on
 * both sides of an exit.
 */
#ifndef SELFTEST_GUEST_REGS_H
#define SELFTEST_GUEST_REGS_H

/* Offsets into struct guest_state and struct guest_regs, for guest_exits.S. */
#define GUEST_STATE_NZCV	248
#define GUEST_STATE_V		256
#define GUEST_STATE_FPSR	768
#define GUEST_STATE_SIZE	784
#define GUEST_REGS_GOT		GUEST_STATE_SIZE
#define GUEST_REGS_SP		(2 * GUEST_STATE_SIZE)

#ifndef __ASSEMBLY__

#include "guest.h"

/**
 * struct guest_state - the general and the FP registers
 * @x: x0 to x30.
 * @nzcv: NZCV.
 * @v: V0 to V31.
 * @fpsr: FPSR.
 * @fpcr: FPCR.
 */
struct guest_state {
	u64 x[31];
	u64 nzcv;
	u64 v[32][2];
	u64 fpsr;
	u64 fpcr;
};

/**
 * struct guest_regs - what guest_regs_exit_*() go by
 * @want: registers at the exit.
 * @got: registers after it.
 * @sp: their own stack meanwhile.
 */
struct guest_regs {
	struct guest_state want;
	struct guest_state got;
	u64 sp;
} __aligned(16);

static_assert(offsetof(struct guest_state, nzcv) == GUEST_STATE_NZCV, "as above");
static_assert(offsetof(struct guest_state, v) == GUEST_STATE_V, "as above");
static_assert(offsetof(struct guest_state, fpsr) == GUEST_STATE_FPSR, "as above");
static_assert(sizeof(struct guest_state) == GUEST_STATE_SIZE, "as above");
static_assert(offsetof(struct guest_regs, got) == GUEST_REGS_GOT, "as above");
static_assert(offsetof(struct guest_regs, sp) == GUEST_REGS_SP, "as above");

/*
 * One exit with the general registers of regs->want, which holds the address
 * of a device in x28; those after it go to regs->got.
 */
void guest_regs_exit_hvc(struct guest_regs *regs);		/* HVC #1 */
void guest_regs_exit_mmio_write(struct guest_regs *regs);	/* str xzr, [x28] */
void guest_regs_exit_mmio_read(struct guest_regs *regs);	/* ldr x7, [x28] */
void guest_regs_exit_sysreg(struct guest_regs *regs);		/* mrs x7, mdccint_el1 */
void guest_regs_exit_abort(struct guest_regs *regs);		/* ldp x7, x8, [x28] */
void guest_regs_exit_wfi(struct guest_regs *regs);
/* Traps that the module answers: no exit. */
void guest_regs_exit_id(struct guest_regs *regs);		/* mrs xzr, id_aa64pfr0_el1 */
/* ... and those that EL2 does. */
void guest_regs_exit_mrs(struct guest_regs *regs);		/* mrs x7, id_aa64pfr0_el1 */
void guest_regs_exit_call(struct guest_regs *regs);		/* HVC #0 */
void guest_regs_exit_post(struct guest_regs *regs);		/* str x7, [x28] */
void guest_regs_exit_gicd(struct guest_regs *regs);		/* ldr w7, [x28] */
void guest_regs_exit_sgi(struct guest_regs *regs);		/* msr icc_sgi1r_el1, x7 */
void guest_regs_exit_wfe(struct guest_regs *regs);

void guest_fp_load(const struct guest_state *state);
void guest_fp_store(struct guest_state *state);

/* The host's side, too: the values of a vCPU, or of a thread. */
void guest_state_fill(struct guest_state *state, u64 seed);

/* The first difference as text and values, NULL for none; guest and host. */
const char *guest_x_differ(const struct guest_state *want, const struct guest_state *got,
			   u64 *a, u64 *b);
const char *guest_fp_differ(const struct guest_state *want, const struct guest_state *got,
			    u64 *a, u64 *b);

#endif /* __ASSEMBLY__ */
#endif /* SELFTEST_GUEST_REGS_H */
