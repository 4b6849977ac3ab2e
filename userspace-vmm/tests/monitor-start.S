/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entry points and vectors of the monitor.
 */
	.section .text.start, "ax"
	.globl	_start
_start:				/* x0: device tree */
	adr	x1, vectors
	msr	vbar_el1, x1
	adrp	x1, stack_end
	add	x1, x1, :lo12:stack_end
	mov	sp, x1
	bl	monitor
	b	.

	.globl	secondary_start
secondary_start:		/* x0: context id */
	adrp	x1, secondary_stack_end
	add	x1, x1, :lo12:secondary_stack_end
	mov	sp, x1
	bl	secondary
	b	.

	.balign	2048
vectors:
	.rept	4
	.balign	128
	b	.
	.endr
	.balign	128		/* synchronous, EL1h */
	b	synchronous
	.balign	2048

synchronous:
	stp	x0, x1, [sp, #-160]!
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x30, [sp, #144]
	mrs	x0, esr_el1
	bl	exception
	mrs	x0, elr_el1
	add	x0, x0, #4
	msr	elr_el1, x0
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x30, [sp, #144]
	ldp	x0, x1, [sp], #160
	eret

	.bss
	.balign	16
	.skip	4096
stack_end:
	.skip	4096
secondary_stack_end:
