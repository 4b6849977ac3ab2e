/* SPDX-License-Identifier: GPL-2.0 */
/*
 * EL2's vector tables.  The host's is in place while Linux runs at EL1, the guest's, one
 * of four, from hyp_enter() to hyp_leave(); so no entry has to ask whose it is.
 * Each of the 16 entries is real (Arm ARM D1.3.1.2).
 *
 * At EL2 all of PSTATE.DAIF is masked, save in the window of entry.S where a
 * pending SError of the guest is taken.
 */
#include "hyp.h"
#include "el2.h"
#include "asm.inc"
#include "offsets.h"

	.text

	.macro	slot offset, table
	.org	\table + \offset
	.endm

/*
 * An exception that EL2 takes itself, or the host in an unknown way.  The
 * stack's other end has an unmapped page, so SP may be out of it: its bit
 * PAGE_SHIFT is set as long as it is not.  Both are looked at without a free
 * register: x0 becomes SP, SP becomes SP + x0, and back.
 */
	.macro	unexpected vector, guest
	add	sp, sp, x0
	sub	x0, sp, x0
	tbz	x0, #HYP_PAGE_SHIFT, 1f
	sub	x0, sp, x0
	sub	sp, sp, x0
	stp	x0, x1, [sp, #-16]!
	mov	x0, #\vector
	mov	x1, #\guest
	b	hyp_unexpected
1:	mov	x0, #\vector
	mov	x1, #\guest
	b	hyp_stack_overflow
	.endm

/*
 * Before the first indirect branch at EL2, and before the host at EL1 executes any, what
 * the guest has taught the branch predictors must be of no use (Spectre v2 and BHB;
 * spectre.c says which table a CPU gets).  No conditional branch decides whether it is
 * done: that could be predicted, too.  x0 and x1 lie on the stack; NZCV is in SPSR_EL2.
 */
	.macro	harden_not
	.endm

	.macro	harden_count
	mrs	x0, tpidr_el2
	ldr	x1, [x0, #CPU_HARDENED]
	add	x1, x1, #1
	str	x1, [x0, #CPU_HARDENED]
	ldr	x0, [x0, #CPU_HARDEN_ARG]
	.endm

/* x0 to x3 are the firmware's (DEN0028, 1.1). */
	.macro	harden_firmware
	stp	x2, x3, [sp, #-16]!
	harden_count
	smc	#0
	ldp	x2, x3, [sp], #16
	.endm

/* Branches that push all others out of the history. */
	.macro	harden_loop
	harden_count
1:	b	2f
2:	subs	x0, x0, #1
	b.ne	1b
	dsb	nsh
	isb
	.endm

	.macro	harden_clear
	harden_count
	hint	#22			// CLRBHB
	isb
	.endm

	.macro	exit_guest how, harden
	stp	x0, x1, [sp, #-16]!
	harden_\harden
	b	hyp_guest_\how
	.endm

	.macro	current_el table, guest
	slot	0x000, \table
	unexpected 0x000, \guest
	slot	0x080, \table
	unexpected 0x080, \guest
	slot	0x100, \table
	unexpected 0x100, \guest
	slot	0x180, \table
	unexpected 0x180, \guest
	slot	0x200, \table
	unexpected 0x200, \guest
	slot	0x280, \table
	unexpected 0x280, \guest
	slot	0x300, \table
	unexpected 0x300, \guest
	slot	0x380, \table
	.if	\guest
	b	hyp_serror
	.else
	unexpected 0x380, \guest
	.endif
	.endm

	.p2align 11
	entry	hyp_host_vectors
	current_el hyp_host_vectors, 0
	slot	0x400, hyp_host_vectors
	b	hyp_host_sync
	/* Nothing of these is routed to EL2 while the host runs. */
	slot	0x480, hyp_host_vectors
	b	hyp_host_other
	slot	0x500, hyp_host_vectors
	b	hyp_host_other
	slot	0x580, hyp_host_vectors
	b	hyp_host_other
	slot	0x600, hyp_host_vectors
	b	hyp_host_other
	slot	0x680, hyp_host_vectors
	b	hyp_host_other
	slot	0x700, hyp_host_vectors
	b	hyp_host_other
	slot	0x780, hyp_host_vectors
	b	hyp_host_other
	slot	0x800, hyp_host_vectors
	end	hyp_host_vectors

	.macro	guest_vectors table, harden
	.p2align 11
	entry	\table
	current_el \table, 1
	slot	0x400, \table
	exit_guest sync, \harden
	slot	0x480, \table
	exit_guest irq, \harden
	slot	0x500, \table
	exit_guest irq, \harden
	slot	0x580, \table
	exit_guest serror, \harden
	/* The same from AArch32, which EL0 may be in. */
	slot	0x600, \table
	exit_guest sync, \harden
	slot	0x680, \table
	exit_guest irq, \harden
	slot	0x700, \table
	exit_guest irq, \harden
	slot	0x780, \table
	exit_guest serror, \harden
	slot	0x800, \table
	end	\table
	.endm

	guest_vectors hyp_guest_vectors, not
	guest_vectors hyp_guest_vectors_firmware, firmware
	guest_vectors hyp_guest_vectors_loop, loop
	guest_vectors hyp_guest_vectors_clear, clear

/*
 * Stack out of bounds: x0 vector, x1 guest; the old values of x0 to x3 are lost.
 * Above is the frame of the host's hvc, the way back.
 */
	entry	hyp_stack_overflow
	mrs	x2, tpidr_el2
	sub	x2, x2, #HYP_FRAME_SIZE
	mov	sp, x2
	stp	xzr, xzr, [sp, #-16]!
	/* fall through */

/* x0: vector, x1: guest; their old values lie on the stack. */
	entry	hyp_unexpected
	stp	x2, x3, [sp, #-16]!
	mrs	x2, tpidr_el2
	add	x3, x2, #CPU_REPORT_X
	stp	x4, x5, [x3, #32]
	stp	x6, x7, [x3, #48]
	stp	x8, x9, [x3, #64]
	stp	x10, x11, [x3, #80]
	stp	x12, x13, [x3, #96]
	stp	x14, x15, [x3, #112]
	stp	x16, x17, [x3, #128]
	stp	x18, x19, [x3, #144]
	stp	x20, x21, [x3, #160]
	stp	x22, x23, [x3, #176]
	stp	x24, x25, [x3, #192]
	stp	x26, x27, [x3, #208]
	stp	x28, x29, [x3, #224]
	str	x30, [x3, #240]
	ldp	x4, x5, [sp], #16
	stp	x4, x5, [x3, #16]
	ldp	x4, x5, [sp], #16
	stp	x4, x5, [x3]
	mov	x4, sp
	str	x4, [x2, #CPU_REPORT_SP]

	/*
	 * Go on above the frame of the host's hvc.  A fault in here finds no
	 * such frame and stops this CPU: nothing is left that can be trusted.
	 */
	mov	x19, x2
	ldr	x20, [x2, #CPU_HOST_SP]
	str	xzr, [x2, #CPU_HOST_SP]
	cbz	x20, 2f
	mov	sp, x20
	mov	w2, w1
	mov	w1, w0
	mov	x0, x19
	mov	x29, xzr
	bl	hyp_panic
	mov	x0, #HYP_EXIT_EL2
	b	hyp_call_return
2:	wfe
	b	2b
	end	hyp_unexpected
	end	hyp_stack_overflow

/*
 * An SError at EL2, with the guest's vectors.  Expected in the window only;
 * there it is noted and stays masked on return.
 */
	entry	hyp_serror
	stp	x0, x1, [sp, #-16]!
	mrs	x0, elr_el2
	adr	x1, hyp_serror_window
	cmp	x0, x1
	b.lo	1f
	adr	x1, hyp_serror_window_end
	cmp	x0, x1
	b.hi	1f
	mrs	x0, spsr_el2
	orr	x0, x0, #(1 << 8)		// PSTATE.A
	msr	spsr_el2, x0
	mrs	x0, esr_el2
	mrs	x1, tpidr_el2
	str	x0, [x1, #CPU_SERROR]
	ldp	x0, x1, [sp], #16
	exception_return
1:	mov	x0, #0x380
	mov	x1, #1
	b	hyp_unexpected
	end	hyp_serror
