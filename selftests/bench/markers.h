/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a plugin of QEMU counts by: around the measured part of each repetition
 * of a row the harness executes one instruction that does nothing,
 *
 *	movz	xzr, #(0x100 + n)	at the beginning
 *	movz	xzr, #(0x200 + n)	at the end
 *
 * where n is the row's number: its place in rows.def, counted from 0.  No
 * compiler makes these.  "bench --ops" says how many operations lie in between.
 */
#ifndef BENCH_MARKERS_H
#define BENCH_MARKERS_H

#include "types.h"

#define MARKER_MOVZ_XZR		0xd280001f	/* | imm16 << 5 */
#define MARKER_BEGIN		0x100
#define MARKER_END		0x200
#define MARKER_MAX		64

#define __marker_str(x)		#x
#define marker_str(x)		__marker_str(x)

/* The immediate is part of the instruction: a function of its own for each. */
#define MARKER_TABLE(name, first)						\
	asm(".pushsection .text.markers, \"ax\"\n"				\
	    ".balign 8\n"							\
	    #name ":\n"								\
	    ".set marker_imm, " marker_str(first) "\n"				\
	    ".rept " marker_str(MARKER_MAX) "\n"				\
	    ".inst " marker_str(MARKER_MOVZ_XZR) " | marker_imm << 5\n"		\
	    "ret\n"								\
	    ".set marker_imm, marker_imm + 1\n"					\
	    ".endr\n"								\
	    ".popsection\n");							\
	extern const char name[]

#define MARKER_ENTRY		8	/* bytes */

static inline void marker_call(const char *table, unsigned int row)
{
	((void (*)(void))(table + row * MARKER_ENTRY))();
}

#endif /* BENCH_MARKERS_H */
