/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hypercall console (--earlycon): a guest prints with an instruction and no
 * device, from its first one on.
 *
 * A vendor-specific hypervisor service call of the SMC Calling Convention
 * (DEN0028), by HVC with the immediate 0:
 *
 *   x0	HYPERCALL_CONSOLE_WRITE
 *   x1	number of bytes, up to HYPERCALL_CONSOLE_MAX; 0 only asks
 *   x2 to x7	the bytes, from bits 7:0 of x2 on
 *
 * and back in x0 the number of bytes written, HYPERCALL_NOT_SUPPORTED if there is
 * no such console, or HYPERCALL_INVALID_PARAMETER.
 *
 * The bytes come in registers because a guest that begins has its caches off: what
 * it writes to memory is not what the VMM reads there, unless it cleans it.
 */
#ifndef _VMM_HYPERCALL_H
#define _VMM_HYPERCALL_H

#define HYPERCALL_CONSOLE_WRITE		0xc6000100
#define HYPERCALL_CONSOLE_MAX		48

#define HYPERCALL_NOT_SUPPORTED		(-1)
#define HYPERCALL_INVALID_PARAMETER	(-3)

#endif /* _VMM_HYPERCALL_H */
