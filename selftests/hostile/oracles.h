/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a hostile guest must not change: looked at all the time by threads of their own, and
 * by who runs it. A wrong answer is told and counted, and the rest goes on.
 */
#ifndef HOSTILE_ORACLES_H
#define HOSTILE_ORACLES_H

#include "vm.h"

/**
 * struct oracle_regs - all registers of a thread; see oracles_regs.S
 * @x: x0 to x30.
 * @nzcv: NZCV.
 * @fpcr: FPCR.
 * @fpsr: FPSR.
 * @v: V0 to V31.
 */
struct oracle_regs {
	u64 x[31];
	u64 nzcv;
	u64 fpcr;
	u64 fpsr;
	u64 v[32][2];
};

/*
 * How late a thread may wake that sleeps for a millisecond, or as long as an oracle rests, in
 * milliseconds; on the debug kernel times what RIG_TIMEOUT_SCALE says.
 */
#define ORACLE_LATENESS_MS	2000U

/* oracles_regs.S */
void oracle_svc(const struct oracle_regs *in, struct oracle_regs *out);
void oracle_spin(const struct oracle_regs *in, struct oracle_regs *out);
u64 oracle_pacia(u64 value, u64 context);
u64 oracle_pacib(u64 value, u64 context);
u64 oracle_pacda(u64 value, u64 context);
u64 oracle_pacdb(u64 value, u64 context);
void oracle_fp_set(u64 seed);
u64 oracle_fp_sum(void);

void oracles_begin(void);
void oracles_end(void);

/* ARMVCPU_RUN between registers that are all known: 0 or -errno. */
int oracle_run(struct vcpu *vcpu);

/* Something is not as it must be. */
void __printf(1, 2) oracle_wrong(const char *format, ...);
/* How often so far. */
u64 oracle_wrongs(void);
/* What they have done, as comments. */
void oracles_print(void);

#endif /* HOSTILE_ORACLES_H */
