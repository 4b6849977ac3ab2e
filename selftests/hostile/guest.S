/* SPDX-License-Identifier: GPL-2.0 */
/* The hostile guest's beginning, its way into a case, and its vectors. */
#include "guest.h"

#define LOW_V	0, 1, 2, 3, 4, 5, 6, 7
#define HIGH_V	8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, \
		28, 29, 30, 31

	.section .head, "ax"
/* As the header of a Linux Image, for who loads one. */
	.globl	_start
_start:
	b	start
	.long	0
	.quad	0x80000			/* text_offset */
	.quad	HOSTILE_END - HOSTILE_TEXT
	.quad	0xa
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

start:
	msr	spsel, #1
	msr	daifset, #0xf
	mov	x1, #(3 << 20)
	msr	cpacr_el1, x1
	ldr	x1, =hostile_vectors
	msr	vbar_el1, x1
	ldr	x1, =hostile_stack + HOSTILE_STACK
	mov	sp, x1
	isb
	mov	x29, xzr
	mov	x30, xzr
	bl	guest_main
1:	wfi
	b	1b
	.ltorg

	.text
/* hostile_enter(case): x, sp_el0, sp_el1, spsr are the first of it. */
	.globl	hostile_enter
	.type	hostile_enter, %function
hostile_enter:
	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	adrp	x9, hostile_sp
	mov	x10, sp
	str	x10, [x9, :lo12:hostile_sp]
	/* FP registers of what the case has in its own: all bytes of it somewhere. */
	.irp	n, LOW_V
	ldr	q\n, [x0, #16 * \n]
	.endr
	.irp	n, HIGH_V
	movi	v\n\().16b, #\n
	.endr
	msr	fpcr, xzr
	msr	fpsr, xzr
	ldr	x10, =HOSTILE_CODE + HOSTILE_CODE_START
	msr	elr_el1, x10
	ldr	x10, [x0, #248 + 16]
	msr	spsr_el1, x10
	ldp	x10, x11, [x0, #248]
	msr	sp_el0, x10
	mov	sp, x11
	ldp	x2, x3, [x0, #16]
	ldp	x4, x5, [x0, #32]
	ldp	x6, x7, [x0, #48]
	ldp	x8, x9, [x0, #64]
	ldp	x10, x11, [x0, #80]
	ldp	x12, x13, [x0, #96]
	ldp	x14, x15, [x0, #112]
	ldp	x16, x17, [x0, #128]
	ldp	x18, x19, [x0, #144]
	ldp	x20, x21, [x0, #160]
	ldp	x22, x23, [x0, #176]
	ldp	x24, x25, [x0, #192]
	ldp	x26, x27, [x0, #208]
	ldp	x28, x29, [x0, #224]
	ldr	x30, [x0, #240]
	ldp	x0, x1, [x0]
	isb
	eret
	.ltorg

/*
 * All registers are the case's: TPIDRRO_EL0 is where x0 goes. Its stack is not touched.
 */
	.macro	vector index
	.p2align 7
	msr	tpidrro_el0, x0
	adrp	x0, hostile_save
	add	x0, x0, :lo12:hostile_save
	str	x1, [x0, #8]
	mov	x1, #\index
	b	vector_common
	.endm

/* Twice, so that VBAR_EL1 has a bit that can change. */
	.section .vectors, "ax"
	.globl	hostile_vectors
	.p2align 11
hostile_vectors:
	.rept	2
	.irp	index, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vector	\index
	.endr
	.p2align 11
	.endr

	.text
vector_common:
	str	x1, [x0, #SAVE_VECTOR]
	mrs	x1, tpidrro_el0
	str	x1, [x0]
	ldr	x1, =HOSTILE_SCTLR
	stp	x2, x3, [x0, #16]
	mrs	x2, sctlr_el1
	bfi	x1, x2, #0, #1		/* the MMU stays as it is */
	cmp	x1, x2
	b.eq	1f
	msr	sctlr_el1, x1
	isb
1:	stp	x4, x5, [x0, #32]
	stp	x6, x7, [x0, #48]
	stp	x8, x9, [x0, #64]
	stp	x10, x11, [x0, #80]
	stp	x12, x13, [x0, #96]
	stp	x14, x15, [x0, #112]
	stp	x16, x17, [x0, #128]
	stp	x18, x19, [x0, #144]
	stp	x20, x21, [x0, #160]
	stp	x22, x23, [x0, #176]
	stp	x24, x25, [x0, #192]
	stp	x26, x27, [x0, #208]
	stp	x28, x29, [x0, #224]
	str	x30, [x0, #240]
	mrs	x1, sp_el0
	mov	x2, sp
	stp	x1, x2, [x0, #SAVE_SP_EL0]
	mrs	x1, elr_el1
	mrs	x2, spsr_el1
	stp	x1, x2, [x0, #SAVE_ELR]
	mrs	x1, esr_el1
	mrs	x2, far_el1
	stp	x1, x2, [x0, #SAVE_ESR]
	mov	x1, #(3 << 20)
	msr	cpacr_el1, x1
	isb
	mrs	x1, fpcr
	mrs	x2, fpsr
	stp	x1, x2, [x0, #SAVE_FPCR]
	add	x1, x0, #SAVE_V
	.irp	n, LOW_V, HIGH_V
	str	q\n, [x1], #16
	.endr
	adrp	x9, hostile_sp
	ldr	x10, [x9, :lo12:hostile_sp]
	mov	sp, x10
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #96
	ret
	.ltorg

	.section .note.GNU-stack, "", %progbits
