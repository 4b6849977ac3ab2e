/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instructions for emulate.c, in lists. x1 or SP is the base, x2 an index; not x28, which
 * the stops need.
 */
	.macro	begin name
	.section .rodata
	.balign	8
	.globl	insns_\name
insns_\name:
	.quad	1f, 2f
1:
	.endm

	.macro	end
2:
	.endm

	.macro	single m, r
	\m	\r\()5, [x1]
	\m	\r\()0, [x1, #48]
	\m	\r\()5, [x1], #1
	\m	\r\()30, [x1], #-256
	\m	\r\()5, [x1, #255]!
	\m	\r\()29, [x1, #-17]!
	\m	\r\()7, [sp], #16
	\m	\r\()7, [sp, #-32]!
	\m	\r\()7, [sp, #16]
	\m	\r\()5, [x1, x2]
	\m	\r\()5, [x1, w2, uxtw]
	\m	\r\()5, [x1, w2, sxtw]
	\m	\r\()5, [x1, x2, sxtx]
	\m	\r\()2, [x1, x2]
	\m	\r\()5, [sp, xzr]
	.endm

	.macro	unscaled m, r
	\m	\r\()5, [x1]
	\m	\r\()1, [x1, #-8]
	\m	\r\()5, [x1, #5]
	.endm

	begin	single
	single strb, w
	single ldrb, w
	single ldrsb, x
	single ldrsb, w
	single strh, w
	single ldrh, w
	single ldrsh, x
	single ldrsh, w
	single str, w
	single ldr, w
	single ldrsw, x
	single str, x
	single ldr, x
	single str, b
	single ldr, b
	single str, h
	single ldr, h
	single str, s
	single ldr, s
	single str, d
	single ldr, d
	single str, q
	single ldr, q
	unscaled sturb, w
	unscaled ldurb, w
	unscaled ldursb, x
	unscaled ldursb, w
	unscaled sturh, w
	unscaled ldurh, w
	unscaled ldursh, x
	unscaled ldursh, w
	unscaled stur, w
	unscaled ldur, w
	unscaled ldursw, x
	unscaled stur, x
	unscaled ldur, x
	unscaled stur, b
	unscaled ldur, b
	unscaled stur, h
	unscaled ldur, h
	unscaled stur, s
	unscaled ldur, s
	unscaled stur, d
	unscaled ldur, d
	unscaled stur, q
	unscaled ldur, q
	unscaled sttrb, w
	unscaled ldtrb, w
	unscaled ldtrsb, x
	unscaled ldtrsb, w
	unscaled sttrh, w
	unscaled ldtrh, w
	unscaled ldtrsh, x
	unscaled ldtrsh, w
	unscaled sttr, w
	unscaled ldtr, w
	unscaled ldtrsw, x
	unscaled sttr, x
	unscaled	ldtr, x
	/* An index is shifted by the size. */
	strb	w5, [x1, x2, lsl #0]
	strh	w5, [x1, x2, lsl #1]
	ldrsw	x5, [x1, w2, sxtw #2]
	ldr	w5, [x1, w2, uxtw #2]
	str	x5, [x1, w2, sxtw #3]
	ldr	x5, [x1, x2, sxtx #3]
	ldr	q5, [x1, w2, uxtw #4]
	str	d5, [x1, x2, lsl #3]
	/* The zero register, and a base that is loaded. */
	str	wzr, [x1], #4
	str	xzr, [x1, #8]!
	ldr	xzr, [x1], #8
	ldrsb	wzr, [x1]
	ldr	x1, [x1]
	ldr	w1, [x1, #4]
	str	x1, [x1, #8]
	end

	begin	pair
	.irp	r, w, x, s, d, q
	stp	\r\()5, \r\()6, [x1]
	ldp	\r\()5, \r\()6, [x1]
	stp	\r\()0, \r\()30, [x1, #-256]
	ldp	\r\()30, \r\()0, [x1, #-256]
	stp	\r\()5, \r\()6, [x1], #16
	ldp	\r\()5, \r\()6, [x1], #-64
	stp	\r\()5, \r\()6, [x1, #-32]!
	ldp	\r\()6, \r\()5, [x1, #240]!
	stnp	\r\()5, \r\()6, [x1, #16]
	ldnp	\r\()5, \r\()6, [x1, #-16]
	stp	\r\()5, \r\()6, [sp, #-16]!
	ldp	\r\()5, \r\()6, [sp], #32
	stp	\r\()5, \r\()6, [sp, #64]
	stp	\r\()5, \r\()5, [x1]
	stp	\r\()1, \r\()2, [x1]
	ldp	\r\()1, \r\()2, [x1]
	ldp	\r\()2, \r\()1, [x1]
	.endr
	ldpsw	x5, x6, [x1]
	ldpsw	x0, x30, [x1, #-8]!
	ldpsw	x5, x6, [sp], #16
	ldpsw	x1, x5, [x1]
	stp	wzr, w5, [x1], #8
	stp	x5, xzr, [x1, #16]!
	stp	xzr, xzr, [x1]
	ldp	xzr, x5, [x1]
	ldp	w5, wzr, [x1], #4
	stp	q31, q0, [x1], #1008
	ldp	q31, q0, [x1, #-1024]!
	ldp	d1, d2, [x1], #8
	end

	begin	literal
	/* The code begins below 0x100, and the data 0x10000 behind it. */
	1:	ldr w5, 1b + 0x10840
	1:	ldr x30, 1b + 0x10840
	1:	ldrsw x5, 1b + 0x10844
	1:	ldr s5, 1b + 0x10840
	1:	ldr d31, 1b + 0x10848
	1:	ldr q0, 1b + 0x10850
	end

	begin	structures
	.irp	t, 8b, 16b, 4h, 8h, 2s, 4s, 1d, 2d
	ld1	{v5.\t}, [x1]
	st1	{v5.\t}, [x1]
	ld1	{v5.\t, v6.\t}, [x1], x2
	st1	{v31.\t, v0.\t}, [x1], x2
	ld1	{v30.\t, v31.\t, v0.\t}, [sp]
	st1	{v5.\t, v6.\t, v7.\t}, [sp], x2
	ld1	{v5.\t, v6.\t, v7.\t, v8.\t}, [x1], x2
	st1	{v29.\t, v30.\t, v31.\t, v0.\t}, [x1], x2
	ld1r	{v5.\t}, [x1]
	ld2r	{v31.\t, v0.\t}, [x1], x2
	ld3r	{v5.\t, v6.\t, v7.\t}, [x1]
	ld4r	{v5.\t, v6.\t, v7.\t, v8.\t}, [sp], x2
	.endr
	.irp	t, 8b, 16b, 4h, 8h, 2s, 4s, 2d
	ld2	{v5.\t, v6.\t}, [x1]
	st2	{v31.\t, v0.\t}, [x1], x2
	ld3	{v30.\t, v31.\t, v0.\t}, [x1], x2
	st3	{v5.\t, v6.\t, v7.\t}, [x1]
	ld4	{v29.\t, v30.\t, v31.\t, v0.\t}, [sp], x2
	st4	{v5.\t, v6.\t, v7.\t, v8.\t}, [sp]
	.endr
	ld1	{v5.8b}, [x1], #8
	st1	{v5.16b, v6.16b}, [x1], #32
	ld2	{v5.4s, v6.4s}, [x1], #32
	ld3	{v5.8b, v6.8b, v7.8b}, [x1], #24
	st4	{v5.2d, v6.2d, v7.2d, v8.2d}, [x1], #64
	ld3r	{v5.4h, v6.4h, v7.4h}, [x1], #6
	end

	begin	lanes
	.irp	i, 0, 1, 6, 7, 8, 15
	ld1	{v5.b}[\i], [x1]
	st1	{v5.b}[\i], [x1], x2
	ld2	{v31.b, v0.b}[\i], [x1], #2
	st3	{v5.b, v6.b, v7.b}[\i], [x1], x2
	ld4	{v5.b, v6.b, v7.b, v8.b}[\i], [sp], #4
	.endr
	.irp	i, 0, 3, 4, 7
	ld1	{v5.h}[\i], [x1], #2
	st2	{v31.h, v0.h}[\i], [x1]
	ld3	{v5.h, v6.h, v7.h}[\i], [x1], x2
	st4	{v30.h, v31.h, v0.h, v1.h}[\i], [sp], x2
	.endr
	.irp	i, 0, 1, 2, 3
	st1	{v5.s}[\i], [x1], #4
	ld2	{v5.s, v6.s}[\i], [x1], x2
	st3	{v5.s, v6.s, v7.s}[\i], [sp], #12
	ld4	{v5.s, v6.s, v7.s, v8.s}[\i], [x1]
	.endr
	.irp	i, 0, 1
	ld1	{v5.d}[\i], [x1], x2
	st2	{v31.d, v0.d}[\i], [x1], #16
	ld3	{v5.d, v6.d, v7.d}[\i], [sp]
	st4	{v5.d, v6.d, v7.d, v8.d}[\i], [x1], x2
	.endr
	end

	begin	ordered
	ldar	x5, [x1]
	ldar	w30, [x1]
	ldarb	w5, [sp]
	ldarh	w1, [x1]
	stlr	x5, [x1]
	stlr	w1, [x1]
	stlrb	wzr, [x1]
	stlrh	w5, [sp]
	end

	begin	lor
	.arch_extension	lor
	ldlar	x5, [x1]
	ldlarb	w5, [x1]
	stllr	w5, [x1]
	stllrh	w5, [x1]
	end

	begin	lrcpc
	.inst	0xf8bfc025, 0xb8bfc025, 0x78bfc025, 0x38bfc03e
	end

	begin	ilrcpc
	/* ldapurb w, ldapursb x, w; ldapursh x, w; ldapur w, x; ldapursw; stlurb to x: + 8. */
	.inst	0x19408025, 0x19808025, 0x19c08025, 0x59808025, 0x59c08025
	.inst	0x99408025, 0xd9408025, 0x99808025
	.inst	0x19008025, 0x59008025, 0x99008025, 0xd9008025
	end

	.section .note.GNU-stack, "", %progbits
