/* SPDX-License-Identifier: GPL-2.0 */
/* The guest's first instructions, its vectors, and its way to EL0. */
#include "guest.h"

/*
 * What lib/vm.c starts a vCPU with: x0-x3 the arguments, x19 the function,
 * x20 the address of the page table or 0 for a guest with its MMU off,
 * SP_EL1 the stack.
 */
	.text
	.globl	guest_start
	.type	guest_start, %function
guest_start:
	ldr	x9, =guest_vectors
	msr	vbar_el1, x9
	mov	x9, #(3 << 20)
	msr	cpacr_el1, x9
	isb
	cbz	x20, 1f
	ldr	x9, =GUEST_MAIR
	msr	mair_el1, x9
	ldr	x9, =GUEST_TCR
	msr	tcr_el1, x9
	msr	ttbr0_el1, x20
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	ldr	x9, =GUEST_SCTLR_ON
	msr	sctlr_el1, x9
	isb
1:	mov	x29, xzr
	blr	x19
	ldr	x0, =UCALL_DONE
2:	hvc	#UCALL_IMM
	b	2b
	.ltorg

	.macro	vector index
	.p2align 7
	sub	sp, sp, #GUEST_FRAME_SIZE
	stp	x0, x1, [sp]
	mov	x1, #\index
	b	vector_common
	.endm

/* Several tables, all the same, so that VBAR_EL1 has bits that can change. */
	.globl	guest_vectors
	.p2align 14
guest_vectors:
	.rept	GUEST_VECTORS_MASK / 0x800 + 1
	.irp	index, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vector	\index
	.endr
	.p2align 11
	.endr

	.p2align 2
vector_common:
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	str	x30, [sp, #240]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	mrs	x4, sp_el0
	str	x2, [sp, #GUEST_FRAME_ELR]
	stp	x3, x4, [sp, #GUEST_FRAME_SPSR]
	mov	x0, sp
	bl	guest_exception
	ldr	x2, [sp, #GUEST_FRAME_ELR]
	ldp	x3, x4, [sp, #GUEST_FRAME_SPSR]
	msr	elr_el1, x2
	msr	spsr_el1, x3
	msr	sp_el0, x4
	ldp	x0, x1, [sp]
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	ldr	x30, [sp, #240]
	add	sp, sp, #GUEST_FRAME_SIZE
	eret

/*
 * guest_el0_enter(cpu, frame): keeps the callee's registers on the stack and
 * the stack in cpu->el0_sp (offset 0); enters frame, x0 to x7 of it.
 * guest_el0_return(cpu) comes back from there.
 */
	.globl	guest_el0_enter
	.type	guest_el0_enter, %function
guest_el0_enter:
	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	mov	x9, sp
	str	x9, [x0]
	ldr	x2, [x1, #GUEST_FRAME_ELR]
	ldp	x3, x4, [x1, #GUEST_FRAME_SPSR]
	msr	elr_el1, x2
	msr	spsr_el1, x3
	msr	sp_el0, x4
	ldp	x6, x7, [x1, #48]
	ldp	x4, x5, [x1, #32]
	ldp	x2, x3, [x1, #16]
	ldp	x0, x1, [x1]
	eret

	.globl	guest_el0_return
	.type	guest_el0_return, %function
guest_el0_return:
	ldr	x9, [x0]
	str	xzr, [x0]
	mov	sp, x9
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #96
	ret

/* guest_jump(address): calls what may be no code; x30 leads back. */
	.globl	guest_jump
	.type	guest_jump, %function
guest_jump:
	stp	x29, x30, [sp, #-16]!
	blr	x0
	ldp	x29, x30, [sp], #16
	ret

	.section .note.GNU-stack, "", %progbits
