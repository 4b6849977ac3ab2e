/* SPDX-License-Identifier: GPL-2.0 */
/* Exits between registers that are all known; see guest_regs.h. */
#include "guest_regs.h"

/*
 * The registers come from and go to memory by way of SP, which so is one of
 * those under test. x0: struct guest_regs.
 */
	.macro	exit_function name, insn:vararg
	.globl	guest_regs_exit_\name
	.type	guest_regs_exit_\name, %function
guest_regs_exit_\name:
	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	mov	x1, sp
	str	x1, [x0, #GUEST_REGS_SP]
	mov	sp, x0
	ldr	x0, [sp, #GUEST_STATE_NZCV]
	msr	nzcv, x0
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
	\insn
	str	x30, [sp, #GUEST_REGS_GOT + 240]
	add	x30, sp, #GUEST_REGS_GOT
	stp	x0, x1, [x30]
	stp	x2, x3, [x30, #16]
	stp	x4, x5, [x30, #32]
	stp	x6, x7, [x30, #48]
	stp	x8, x9, [x30, #64]
	stp	x10, x11, [x30, #80]
	stp	x12, x13, [x30, #96]
	stp	x14, x15, [x30, #112]
	stp	x16, x17, [x30, #128]
	stp	x18, x19, [x30, #144]
	stp	x20, x21, [x30, #160]
	stp	x22, x23, [x30, #176]
	stp	x24, x25, [x30, #192]
	stp	x26, x27, [x30, #208]
	stp	x28, x29, [x30, #224]
	mrs	x0, nzcv
	str	x0, [x30, #GUEST_STATE_NZCV]
	ldr	x0, [sp, #GUEST_REGS_SP]
	mov	sp, x0
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #96
	ret
	.endm

	.text
	exit_function hvc, hvc #1
	exit_function mmio_write, str xzr, [x28]
	exit_function mmio_read, ldr x7, [x28]
	exit_function sysreg, mrs x7, mdccint_el1
	exit_function abort, ldp x7, x8, [x28]
	exit_function wfi, wfi
	exit_function id, mrs xzr, id_aa64pfr0_el1
	exit_function mrs, mrs x7, id_aa64pfr0_el1
	exit_function call, hvc #0
	exit_function post, str x7, [x28]
	exit_function gicd, ldr w7, [x28]
	exit_function sgi, msr s3_0_c12_c11_5, x7
	exit_function wfe, wfe

	.macro	fp_all op
	add	x1, x0, #GUEST_STATE_V
	\op	q0, q1, [x1]
	\op	q2, q3, [x1, #32]
	\op	q4, q5, [x1, #64]
	\op	q6, q7, [x1, #96]
	\op	q8, q9, [x1, #128]
	\op	q10, q11, [x1, #160]
	\op	q12, q13, [x1, #192]
	\op	q14, q15, [x1, #224]
	\op	q16, q17, [x1, #256]
	\op	q18, q19, [x1, #288]
	\op	q20, q21, [x1, #320]
	\op	q22, q23, [x1, #352]
	\op	q24, q25, [x1, #384]
	\op	q26, q27, [x1, #416]
	\op	q28, q29, [x1, #448]
	\op	q30, q31, [x1, #480]
	.endm

	.globl	guest_fp_load
	.type	guest_fp_load, %function
guest_fp_load:
	fp_all	ldp
	ldr	x1, [x0, #GUEST_STATE_FPSR]
	ldr	x2, [x0, #GUEST_STATE_FPSR + 8]
	msr	fpsr, x1
	msr	fpcr, x2
	ret

	.globl	guest_fp_store
	.type	guest_fp_store, %function
guest_fp_store:
	fp_all	stp
	mrs	x1, fpsr
	mrs	x2, fpcr
	str	x1, [x0, #GUEST_STATE_FPSR]
	str	x2, [x0, #GUEST_STATE_FPSR + 8]
	ret

	.section .note.GNU-stack, "", %progbits
