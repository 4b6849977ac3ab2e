/* SPDX-License-Identifier: GPL-2.0 */
/* The hostile guest's image, in its test. */
	.section .rodata
	.globl	hostile_image, hostile_image_size
	.balign	16
hostile_image:
	.incbin	HOSTILE_GUEST
1:	.balign	8
hostile_image_size:
	.quad	1b - hostile_image

	.section .note.GNU-stack, "", %progbits
