/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The frame that try-guest puts around instructions: before them a stack,
 * vectors that tell what the guest took, and FP switched on; behind them the
 * value of x0 on the serial port, and power-off. INSTRUCTIONS is their file.
 *
 * Flat: loaded 0x80000 behind the beginning of RAM, entered at its first byte,
 * at EL1 with the MMU off.
 */
#define UART		0x09000000
#define SYSTEM_OFF	0x84000008

	.text
	.globl	_start
_start:
	adr	x9, stack_end
	mov	sp, x9
	adr	x9, vectors
	msr	vbar_el1, x9
	mov	x9, #(3 << 20)		// CPACR_EL1.FPEN
	msr	cpacr_el1, x9
	isb

	.globl	instructions
instructions:
#include INSTRUCTIONS

	mov	x19, x0
	adr	x0, text_x0
	bl	print
	mov	x0, x19
	bl	print_hex
	adr	x0, text_newline
	bl	print
power_off:
	ldr	w0, =SYSTEM_OFF
	hvc	#0
	b	.

/* x0: text.  Uses x0 to x2. */
print:
	mov	x1, #UART
1:	ldrb	w2, [x0], #1
	cbz	w2, 2f
	strb	w2, [x1]
	b	1b
2:	ret

/* x0: number.  Uses x0 to x4. */
print_hex:
	mov	x1, #UART
	mov	w3, #60
1:	lsr	x2, x0, x3
	and	w2, w2, #15
	add	w4, w2, #('a' - 10)
	cmp	w2, #10
	add	w2, w2, #'0'
	csel	w2, w2, w4, lo
	strb	w2, [x1]
	subs	w3, w3, #4
	b.ge	1b
	ret

	.macro	vector offset
	.org	vectors + \offset
	mov	x19, #\offset
	b	report
	.endm

	.p2align 11
vectors:
	.irp	offset, 0x000, 0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380
	vector	\offset
	.endr
	.irp	offset, 0x400, 0x480, 0x500, 0x580, 0x600, 0x680, 0x700, 0x780
	vector	\offset
	.endr

report:
	adr	x0, text_vector
	bl	print
	mov	x0, x19
	bl	print_hex
	adr	x0, text_esr
	bl	print
	mrs	x0, esr_el1
	bl	print_hex
	adr	x0, text_elr
	bl	print
	mrs	x0, elr_el1
	bl	print_hex
	adr	x0, text_far
	bl	print
	mrs	x0, far_el1
	bl	print_hex
	adr	x0, text_newline
	bl	print
	b	power_off

	.ltorg
text_x0:
	.asciz	"guest: x0 = 0x"
text_vector:
	.asciz	"guest: took the exception of vector 0x"
text_esr:
	.asciz	"\nguest: ESR_EL1 0x"
text_elr:
	.asciz	" ELR_EL1 0x"
text_far:
	.asciz	" FAR_EL1 0x"
text_newline:
	.asciz	"\n"

	.p2align 4
	.skip	1024
stack_end:
	.section .note.GNU-stack, "", %progbits
