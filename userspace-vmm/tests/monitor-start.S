/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entry points and vectors of the monitor, behind the header of an arm64 Image:
 * it is flat code and a kernel, and firmware as well.
 */
	.section .text.start, "ax"
	.globl	_start
_start:
	b	start
	.word	0
	.quad	0x80000		/* text_offset, from the beginning of RAM */
	.quad	image_size
	.quad	0		/* flags */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.ascii	"mark"		/* for a test to change */

/*
 * x0: device tree.  x9: where we are; x10 to x11: where we belong, which a ROM
 * is not.  The MMU is off: stores reach memory.
 */
start:
	adr	x9, _start
	ldr	x10, =_start
	ldr	x11, =edata
	mov	x12, x9
	cmp	x9, x10
	b.eq	1f
0:	ldr	x13, [x12]
	str	x13, [x10]
	add	x12, x12, #8
	add	x10, x10, #8
	cmp	x10, x11
	b.lo	0b
	ic	iallu
	dsb	sy
	isb
1:	ldr	x10, =2f
	br	x10

2:	adrp	x10, entry
	add	x10, x10, :lo12:entry
	stp	x9, x0, [x10]
	stp	x1, x2, [x10, #16]
	str	x3, [x10, #32]
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
