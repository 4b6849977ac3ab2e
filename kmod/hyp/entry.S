/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's hvc, and the way into a guest and out of it.
 *
 * Registers across a hypercall: the host gives up x0 to x17.  x18 to x30 and
 * the way back (ELR_EL2, SPSR_EL2) are in a frame on EL2's stack from the hvc
 * to its return, so nothing in between has to be kept for the host.
 */
#include "hyp.h"
#include "el2.h"
#include "asm.inc"
#include "offsets.h"

	.text

/* From the host's vector: all registers are the host's. */
	entry	hyp_host_sync
	str	x1, [sp, #-16]!
	mrs	x1, esr_el2
	lsr	x1, x1, #ESR_EC_SHIFT
	cmp	x1, #ESR_EC_HVC64
	b.ne	hyp_host_trap

	movz	x1, #(HYP_CALL_BASE >> 16), lsl #16
	sub	x1, x0, x1
	cbz	x1, hyp_run			// HYP_CALL_RUN: the first of them
	cmp	x1, #HYP_CALL_NR
	b.lo	1f
	ldr	x1, [sp], #16
	cmp	x0, #HYP_STUB_SOFT_RESTART
	b.eq	hyp_stub_soft_restart
	cmp	x0, #HYP_STUB_RESET_VECTORS
	b.eq	hyp_stub_reset_vectors
	/* The stub's answer to what it does not know; no other register moves. */
	movz	x0, #(HYP_STUB_ERR >> 16), lsl #16
	movk	x0, #(HYP_STUB_ERR & 0xffff)
	exception_return

1:	mov	x9, x1			// the call's number
	ldr	x1, [sp], #16
	frame_push
	mrs	x19, tpidr_el2
	mov	x10, sp
	str	x10, [x19, #CPU_HOST_SP]
	mov	x29, xzr
	cmp	x9, #(HYP_CALL_RESTORE - HYP_CALL_BASE)
	b.eq	hyp_give_back
	mov	x5, x4
	mov	x4, x3
	mov	x3, x2
	mov	x2, x1
	mov	x1, x0
	mov	x0, x19
	bl	hyp_call
	/* fall through */

/* x0: the result; SP: the frame. */
	entry	hyp_call_return
	mrs	x9, tpidr_el2
	str	xzr, [x9, #CPU_HOST_SP]
	frame_pop
	exception_return
	end	hyp_call_return
	end	hyp_host_sync

/*
 * Something of the host but an hvc.  Nothing that EL2 holds for the host asks
 * for such a trap; the host takes it as an undefined instruction of its own.
 */
	entry	hyp_host_trap
	ldr	x1, [sp], #16
	/* fall through */

	entry	hyp_host_other
	frame_push
	stp	x0, x1, [sp, #-16]!
	stp	x2, x3, [sp, #-16]!
	stp	x4, x5, [sp, #-16]!
	stp	x6, x7, [sp, #-16]!
	stp	x8, x9, [sp, #-16]!
	stp	x10, x11, [sp, #-16]!
	stp	x12, x13, [sp, #-16]!
	stp	x14, x15, [sp, #-16]!
	stp	x16, x17, [sp, #-16]!
	mrs	x0, tpidr_el2
	mov	x29, xzr
	bl	hyp_host_fault		// sets ELR_EL2, SPSR_EL2
	mrs	x0, elr_el2
	str	x0, [sp, #(144 + 104)]
	mrs	x0, spsr_el2
	str	x0, [sp, #(144 + 112)]
	ldp	x16, x17, [sp], #16
	ldp	x14, x15, [sp], #16
	ldp	x12, x13, [sp], #16
	ldp	x10, x11, [sp], #16
	ldp	x8, x9, [sp], #16
	ldp	x6, x7, [sp], #16
	ldp	x4, x5, [sp], #16
	ldp	x2, x3, [sp], #16
	ldp	x0, x1, [sp], #16
	frame_pop
	exception_return
	end	hyp_host_other
	end	hyp_host_trap

/* From the host's hvc; x1, struct hyp_vcpu, lies on the stack. */
	entry	hyp_run
	ldr	x1, [sp], #16
	frame_push
	mrs	x19, tpidr_el2
	mov	x10, sp
	str	x10, [x19, #CPU_HOST_SP]
	mov	x29, xzr
	mov	x20, x1
	mov	x0, x19
	bl	hyp_enter
	/* fall through */

/* x19: struct hyp_cpu, x20: struct hyp_vcpu; the guest's registers are in. */
	entry	hyp_guest_enter
	/*
	 * What is pending now is the host's: an SError above all, which must
	 * not be taken for the guest's, but an interrupt needs no slice either.
	 */
	mov	x21, #HYP_EXIT_IRQ
	mov	x3, xzr
	mrs	x2, isr_el1
	cbnz	x2, hyp_guest_left
	ldp	x2, x3, [x20, #VCPU_PC]
	msr	elr_el2, x2
	msr	spsr_el2, x3
	ldr	x0, [x20, #VCPU_X]
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
	exception_return
	end	hyp_guest_enter
	end	hyp_run

/*
 * From the guest's vectors; x0 and x1 lie on the stack.  Up to the answer of @fast only
 * what a function may change is saved, and x19: the image is compiled without x12 to x18.
 */
	.macro	guest_exit code, fast
	mrs	x0, tpidr_el2
	ldr	x0, [x0, #CPU_VCPU]
	ldr	x1, [x0, #VCPU_X]
	stp	x2, x3, [x1, #16]
	stp	x4, x5, [x1, #32]
	stp	x6, x7, [x1, #48]
	stp	x8, x9, [x1, #64]
	stp	x10, x11, [x1, #80]
	str	x19, [x1, #152]
	str	x30, [x1, #240]
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x1]
	mov	x19, x1
	mov	w1, #0
	bl	\fast
	cbz	w0, hyp_guest_resume
	stp	x20, x21, [x19, #160]
	mov	x21, #\code
	b	hyp_guest_stop
	.endm

	entry	hyp_guest_sync
	guest_exit HYP_EXIT_SYNC, hyp_fast_sync
	end	hyp_guest_sync

	entry	hyp_guest_irq
	guest_exit HYP_EXIT_IRQ, hyp_fast_irq
	end	hyp_guest_irq

	entry	hyp_guest_serror
	guest_exit HYP_EXIT_SERROR, hyp_fast_serror
	end	hyp_guest_serror

/* x19: struct hyp_vcpu.x; x12 to x18 and x20 to x29 are the guest's. */
	entry	hyp_guest_resume
	ldp	x2, x3, [x19, #16]
	ldp	x4, x5, [x19, #32]
	ldp	x6, x7, [x19, #48]
	ldp	x8, x9, [x19, #64]
	ldp	x10, x11, [x19, #80]
	ldr	x30, [x19, #240]
	ldp	x0, x1, [x19]
	ldr	x19, [x19, #152]
	exception_return
	end	hyp_guest_resume

/*
 * x19: struct hyp_vcpu.x, x21: the exit, w0: FAST_*; x12 to x18 and x22 to x29 are the
 * guest's.
 */
	entry	hyp_guest_stop
	stp	x12, x13, [x19, #96]
	stp	x14, x15, [x19, #112]
	stp	x16, x17, [x19, #128]
	str	x18, [x19, #144]
	stp	x22, x23, [x19, #176]
	stp	x24, x25, [x19, #192]
	stp	x26, x27, [x19, #208]
	stp	x28, x29, [x19, #224]
	mov	x29, xzr
	cmp	w0, #FAST_HOST
	b.eq	1f
	cmp	w0, #FAST_KICK
	b.eq	2f
	mrs	x0, tpidr_el2
	ldr	x0, [x0, #CPU_VCPU]
	mov	w1, #1
	bl	hyp_fast_sync
	cmp	w0, #FAST_KICK
	b.eq	2f
	cbnz	w0, 1f
	ldp	x12, x13, [x19, #96]
	ldp	x14, x15, [x19, #112]
	ldp	x16, x17, [x19, #128]
	ldr	x18, [x19, #144]
	ldp	x20, x21, [x19, #160]
	ldp	x22, x23, [x19, #176]
	ldp	x24, x25, [x19, #192]
	ldp	x26, x27, [x19, #208]
	ldp	x28, x29, [x19, #224]
	b	hyp_guest_resume

	/* Nothing is left of the trap; but the guest does not go on at once. */
2:	mov	x21, #HYP_EXIT_KICK
1:	mrs	x19, tpidr_el2
	ldr	x20, [x19, #CPU_VCPU]
/* All of it before the window below: an SError overwrites it. */
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x2, x3, [x20, #VCPU_PC]
	mrs	x2, esr_el2
	mrs	x3, far_el2
	stp	x2, x3, [x20, #VCPU_ESR]

	/*
	 * An SError that an access of the guest caused and that has not been
	 * taken yet is the guest's: complete its accesses, look, and take it
	 * here, where it can be told from the host's own.  With FEAT_RAS the ESB leaves
	 * it in DISR_EL1 instead, for hyp_exit(); without, that is a NOP.
	 */
	hint	#16			// ESB
	dsb	sy
	isb
	mrs	x2, isr_el1
	tbz	x2, #ISR_EL1_A_BIT, 1f
	msr	daifclr, #4
	entry	hyp_serror_window
	isb
	nop
	entry	hyp_serror_window_end
	msr	daifset, #4
	end	hyp_serror_window_end
	end	hyp_serror_window

	1:	mov	x3, #1
/* x19, x20 as above, x21: the exit, x3: the guest has run. */
	entry	hyp_guest_left
	mov	x0, x19
	mov	x1, x20
	mov	x2, x21
	bl	hyp_exit
	cbz	x0, hyp_guest_enter
	b	hyp_call_return
	end	hyp_guest_left
	end	hyp_guest_stop

/* Q0 to Q31, FPSR and FPCR; CPTR_EL2.TFP is clear.  x0: struct hyp_fp. */
	.arch_extension fp
	.arch_extension simd
	entry	hyp_fp_save
	stp	q0, q1, [x0]
	stp	q2, q3, [x0, #32]
	stp	q4, q5, [x0, #64]
	stp	q6, q7, [x0, #96]
	stp	q8, q9, [x0, #128]
	stp	q10, q11, [x0, #160]
	stp	q12, q13, [x0, #192]
	stp	q14, q15, [x0, #224]
	stp	q16, q17, [x0, #256]
	stp	q18, q19, [x0, #288]
	stp	q20, q21, [x0, #320]
	stp	q22, q23, [x0, #352]
	stp	q24, q25, [x0, #384]
	stp	q26, q27, [x0, #416]
	stp	q28, q29, [x0, #448]
	stp	q30, q31, [x0, #480]
	mrs	x1, fpsr
	mrs	x2, fpcr
	add	x0, x0, #FP_FPSR
	stp	x1, x2, [x0]
	ret
	end	hyp_fp_save

	entry	hyp_fp_restore
	ldp	q0, q1, [x0]
	ldp	q2, q3, [x0, #32]
	ldp	q4, q5, [x0, #64]
	ldp	q6, q7, [x0, #96]
	ldp	q8, q9, [x0, #128]
	ldp	q10, q11, [x0, #160]
	ldp	q12, q13, [x0, #192]
	ldp	q14, q15, [x0, #224]
	ldp	q16, q17, [x0, #256]
	ldp	q18, q19, [x0, #288]
	ldp	q20, q21, [x0, #320]
	ldp	q22, q23, [x0, #352]
	ldp	q24, q25, [x0, #384]
	ldp	q26, q27, [x0, #416]
	ldp	q28, q29, [x0, #448]
	ldp	q30, q31, [x0, #480]
	add	x0, x0, #FP_FPSR
	ldp	x1, x2, [x0]
	msr	fpsr, x1
	msr	fpcr, x2
	ret
	end	hyp_fp_restore
