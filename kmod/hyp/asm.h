/* SPDX-License-Identifier: GPL-2.0 */
/* Macros of the image's assembly files. */
#ifndef ARMVCPU_HYP_ASM_H
#define ARMVCPU_HYP_ASM_H

#define ENTRY(name)		\
	.globl	name;		\
	.hidden	name;		\
	.type	name, %function; \
	.p2align 2;		\
name:

#define END(name)		\
	.size	name, . - name

#ifdef __ASSEMBLY__

/* The frame of a hypercall (el2.h); x18 is free once it is in there. */
	.macro	frame_push
	sub	sp, sp, #HYP_FRAME_SIZE
	stp	x18, x19, [sp]
	stp	x20, x21, [sp, #16]
	stp	x22, x23, [sp, #32]
	stp	x24, x25, [sp, #48]
	stp	x26, x27, [sp, #64]
	stp	x28, x29, [sp, #80]
	mrs	x18, elr_el2
	stp	x30, x18, [sp, #96]
	mrs	x18, spsr_el2
	str	x18, [sp, #112]
	.endm

	.macro	frame_pop
	ldr	x18, [sp, #112]
	msr	spsr_el2, x18
	ldp	x30, x18, [sp, #96]
	msr	elr_el2, x18
	ldp	x28, x29, [sp, #80]
	ldp	x26, x27, [sp, #64]
	ldp	x24, x25, [sp, #48]
	ldp	x22, x23, [sp, #32]
	ldp	x20, x21, [sp, #16]
	ldp	x18, x19, [sp]
	add	sp, sp, #HYP_FRAME_SIZE
	.endm

/* No speculation behind an exception return. */
	.macro	exception_return
	eret
	dsb	nsh
	isb
	.endm

#endif
#endif /* ARMVCPU_HYP_ASM_H */
