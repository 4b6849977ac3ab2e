/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Breakpoints and watchpoints to memory and back, the first so many of them: a
 * register's number is in the instruction.  By encoding, S2_0_C0_Cn_op2.
 */
#include "asm.inc"

	.text

	.macro	save n, op2
	mrs	x2, S2_0_C0_C\n\()_\op2
	str	x2, [x0], #8
	subs	w1, w1, #1
	b.eq	1f
	.endm

	.macro	restore n, op2
	ldr	x2, [x0], #8
	msr	S2_0_C0_C\n\()_\op2, x2
	subs	w1, w1, #1
	b.eq	1f
	.endm

/* x0: where to, or from, w1: how many, 1 to 16. */
	.macro	debug_registers name, op2
	entry	hyp_save_\name
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	save	\n, \op2
	.endr
1:	ret
	end	hyp_save_\name

	entry	hyp_restore_\name
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	restore	\n, \op2
	.endr
1:	ret
	end	hyp_restore_\name
	.endm

	debug_registers	bvr, 4
	debug_registers	bcr, 5
	debug_registers	wvr, 6
	debug_registers	wcr, 7
