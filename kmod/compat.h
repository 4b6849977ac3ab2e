/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels this module builds for: Linux 6.1 to 7.2.
 * Everything that asks for a kernel's version is in here.
 */
#ifndef ARMVCPU_COMPAT_H
#define ARMVCPU_COMPAT_H

#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/version.h>
#include <asm/neon.h>
#include <asm/processor.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "armvcpu needs Linux 6.1 or later"
#endif

/**
 * compat_fpsimd_release() - the task's FP state leaves the CPU's registers
 * @scratch: where newer kernels keep the state of kernel mode FP.
 *
 * Preemption is off; the registers are nobody's when it is on again.
 */
static inline void compat_fpsimd_release(struct user_fpsimd_state *scratch)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
	kernel_neon_begin(scratch);
	kernel_neon_end(scratch);
#else
	kernel_neon_begin();
	kernel_neon_end();
#endif
}

#endif /* ARMVCPU_COMPAT_H */
