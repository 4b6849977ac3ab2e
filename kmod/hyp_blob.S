/* SPDX-License-Identifier: GPL-2.0 */
/* The EL2 image as data; el2_host.c copies it to where EL2 runs it. */
	.section .rodata, "a"
	.p2align 3
	.globl	armvcpu_hyp_image
armvcpu_hyp_image:
	.incbin "image.bin"
	.globl	armvcpu_hyp_image_end
armvcpu_hyp_image_end:
	.section .note.GNU-stack, "", %progbits
