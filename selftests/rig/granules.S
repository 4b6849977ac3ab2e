/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bare metal for QEMU's virt board, with semihosting: which pages its core has.
 * QEMU's exit status is 64 + 1 for pages of 4K + 2 for 16K + 4 for 64K: the fields
 * TGran4, TGran16 and TGran64 of ID_AA64MMFR0_EL1.  A raw image, runs where it lies.
 */
	.text
	.globl	_start
_start:
	mrs	x2, id_aa64mmfr0_el1
	mov	w3, #64

	ubfx	x4, x2, #28, #4		// TGran4: 0b1111 is none
	cmp	w4, #0xf
	orr	w5, w3, #1
	csel	w3, w5, w3, ne

	ubfx	x4, x2, #20, #4		// TGran16: 0b0000 is none
	cmp	w4, #0
	orr	w5, w3, #2
	csel	w3, w5, w3, ne

	ubfx	x4, x2, #24, #4		// TGran64: 0b1111 is none
	cmp	w4, #0xf
	orr	w5, w3, #4
	csel	w3, w5, w3, ne

	adr	x1, block
	str	x3, [x1, #8]
	mov	w0, #0x18		// SYS_EXIT
	hlt	#0xf000
0:	wfi
	b	0b

	.balign	8
block:	.quad	0x20026			// ADP_Stopped_ApplicationExit
	.quad	0
