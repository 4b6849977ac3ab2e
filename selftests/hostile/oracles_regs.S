/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All registers of a thread, known before and looked at behind: a system call, or a while of
 * nothing. Of struct oracle_regs: x0 to x30, NZCV, FPCR, FPSR, V0 to V31.
 */
#define NZCV	248
#define FPCR	256
#define FPSR	264
#define V	272
#define STACK	128

#define X2_TO_X30	2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, \
			20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
#define ALL_V		0, 1, X2_TO_X30, 31

	.macro	load_all
	stp	x29, x30, [sp, #-STACK]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	x0, x1, [sp, #96]
	stp	d8, d9, [sp, #-64]!
	stp	d10, d11, [sp, #16]
	stp	d12, d13, [sp, #32]
	stp	d14, d15, [sp, #48]
	add	x1, x0, #V
	.irp	n, ALL_V
	ldr	q\n, [x1], #16
	.endr
	ldp	x1, x2, [x0, #NZCV]
	msr	nzcv, x1
	msr	fpcr, x2
	ldr	x1, [x0, #FPSR]
	msr	fpsr, x1
	.irp	n, 1, X2_TO_X30
	ldr	x\n, [x0, #8 * \n]
	.endr
	ldr	x0, [x0]
	.endm

	.macro	store_all
	stp	x0, x1, [sp, #-16]!
	ldr	x0, [sp, #16 + 64 + 104]
	.irp	n, X2_TO_X30
	str	x\n, [x0, #8 * \n]
	.endr
	ldp	x1, x2, [sp], #16
	stp	x1, x2, [x0]
	mrs	x1, nzcv
	mrs	x2, fpcr
	stp	x1, x2, [x0, #NZCV]
	mrs	x1, fpsr
	str	x1, [x0, #FPSR]
	add	x1, x0, #V
	.irp	n, ALL_V
	str	q\n, [x1], #16
	.endr
	msr	fpcr, xzr
	msr	fpsr, xzr
	ldp	d10, d11, [sp, #16]
	ldp	d12, d13, [sp, #32]
	ldp	d14, d15, [sp, #48]
	ldp	d8, d9, [sp], #64
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #STACK
	ret
	.endm

	.text
/* oracle_svc(in, out): x0 to x5 and x8 are those of a system call. */
	.globl	oracle_svc
	.type	oracle_svc, %function
oracle_svc:
	load_all
	svc	#0
	store_all

/* oracle_spin(in, out): x0 times nothing; flags are as they were. */
	.globl	oracle_spin
	.type	oracle_spin, %function
oracle_spin:
	load_all
1:	sub	x0, x0, #1
	cbnz	x0, 1b
	store_all

/* oracle_pac*(value, context): with the keys that the thread has. By its encoding: pac* x0, x1 */
		.macro	pac name, insn
		.globl	oracle_\name
		.type	oracle_\name, %function
oracle_\name:
		.inst	\insn
		ret
		.endm

	pac	pacia, 0xdac10020
	pac	pacib, 0xdac10420
	pac	pacda, 0xdac10820
	pac	pacdb, 0xdac10c20

/* oracle_fp_set(seed), oracle_fp_sum(): of a guest, whose C has no FP registers. */
	.globl	oracle_fp_set
	.type	oracle_fp_set, %function
oracle_fp_set:
	.irp	n, ALL_V
	add	x1, x0, #\n
	dup	v\n\().2d, x1
	.endr
	ret

	.globl	oracle_fp_sum
	.type	oracle_fp_sum, %function
oracle_fp_sum:
	mov	x0, xzr
	.irp	n, ALL_V
	umov	x1, v\n\().d[0]
	umov	x2, v\n\().d[1]
	add	x0, x0, x1
	eor	x0, x2, x0, ror #7
	.endr
	ret

	.section .note.GNU-stack, "", %progbits
