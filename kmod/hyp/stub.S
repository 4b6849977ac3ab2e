/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Taking EL2 from the hyp-stub and giving it back: the parts that run with
 * EL2's MMU off.  The map is an identity map, so that turning the MMU on and
 * off does not move the PC.  With it off, instructions and data come from
 * memory itself: the host has cleaned to the PoC what is used here.
 */
#include "hyp.h"
#include "el2.h"
#include "asm.inc"
#include "offsets.h"

	.text

/*
 * The target of HVC_SOFT_RESTART.  x0: struct hyp_cpu.  ELR_EL2 and SPSR_EL2
 * lead back behind the host's hvc, which has given up x0 to x17.
 */
	entry	hyp_stub_install
	mrs	x9, vbar_el2
	mrs	x10, sctlr_el2
	mrs	x11, tcr_el2
	mrs	x12, ttbr0_el2
	mrs	x13, mair_el2
	mrs	x14, tpidr_el2
	mov	x15, sp

	ldp	x1, x2, [x0, #CPU_MAIR]
	ldp	x3, x4, [x0, #CPU_TTBR0]
	msr	mair_el2, x1
	msr	tcr_el2, x2
	msr	ttbr0_el2, x3
	/*
	 * What this CPU's TLBs and its I-cache hold is of another time: a CPU
	 * that was away has missed the others' broadcasts, for our VMIDs, too.
	 */
	isb
	tlbi	alle2
	tlbi	alle1
	dsb	nsh
	ic	iallu
	dsb	nsh
	isb
	msr	sctlr_el2, x4
	isb

	msr	tpidr_el2, x0
	mov	sp, x0
	adr	x1, hyp_host_vectors
	msr	vbar_el2, x1
	isb
	stp	x9, x10, [x0, #CPU_OLD_VBAR]
	stp	x11, x12, [x0, #CPU_OLD_TCR]
	stp	x13, x14, [x0, #CPU_OLD_MAIR]
	str	x15, [x0, #CPU_OLD_SP]
	mrs	x9, elr_el2
	mrs	x10, spsr_el2
	stp	x9, x10, [sp, #-16]!
	stp	x29, x30, [sp, #-16]!
	mov	x29, xzr
	bl	hyp_install
	ldp	x29, x30, [sp], #16
	ldp	x9, x10, [sp], #16
	msr	elr_el2, x9
	msr	spsr_el2, x10
	mov	x0, xzr
	exception_return
	end	hyp_stub_install

/*
 * MMU and caches off, EL2 as it was.  Touches x9 to x17; memory is not
 * accessed once the caches are off.
 */
	.macro	el2_as_it_was
	mrs	x9, tpidr_el2
	ldp	x10, x11, [x9, #CPU_OLD_VBAR]
	ldp	x12, x13, [x9, #CPU_OLD_TCR]
	ldp	x14, x15, [x9, #CPU_OLD_MAIR]
	ldr	x16, [x9, #CPU_OLD_SP]
	mrs	x17, sctlr_el2
	mov	x9, #SCTLR_EL2_M_C_I
	bic	x17, x17, x9
	dsb	sy
	msr	sctlr_el2, x17
	isb
	tlbi	alle2
	dsb	nsh
	isb
	msr	tcr_el2, x12
	msr	ttbr0_el2, x13
	msr	mair_el2, x14
	msr	tpidr_el2, x15
	mov	sp, x16
	msr	vbar_el2, x10
	msr	sctlr_el2, x11
	isb
	.endm

/* HYP_CALL_RESTORE; x19: struct hyp_cpu, SP: the frame. */
	entry	hyp_give_back
	str	xzr, [x19, #CPU_HOST_SP]
	mov	x0, x19
	bl	hyp_restore
	frame_pop
	el2_as_it_was
	mov	x0, xzr
	exception_return
	end	hyp_give_back

/* HVC_RESET_VECTORS: the stub's vectors, whose call this is. */
	entry	hyp_stub_reset_vectors
	frame_push
	mov	x29, xzr
	mrs	x0, tpidr_el2
	bl	hyp_restore
	frame_pop
	el2_as_it_was
	mov	x0, xzr
	exception_return
	end	hyp_stub_reset_vectors

/* HVC_SOFT_RESTART: x1 is where to go on at EL2, x2 to x4 its x0 to x2. */
	entry	hyp_stub_soft_restart
	frame_push
	mov	x29, xzr
	mov	x19, x1
	mov	x20, x2
	mov	x21, x3
	mov	x22, x4
	mrs	x0, tpidr_el2
	bl	hyp_restore
	mov	x4, x19
	mov	x0, x20
	mov	x1, x21
	mov	x2, x22
	frame_pop
	el2_as_it_was
	br	x4
	end	hyp_stub_soft_restart
