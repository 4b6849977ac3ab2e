/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vCPU that has left the guest, without a module: its registers, and where its accesses go.
 * Programs with it are linked with --wrap=ioctl.
 */
#ifndef _VMM_TESTS_FAKE_VCPU_H
#define _VMM_TESTS_FAKE_VCPU_H

#include "libarmvcpu.h"
#include "util.h"

/* Two pages, at an address that stands for nothing. */
#define FAKE_BASE	0x10000000ULL
#define FAKE_SIZE	8192
#define FAKE_ACCESSES	64

/**
 * struct fake_vcpu - the vCPU, and a device
 * @hw: for the library.
 * @run: its run struct.
 * @fp: what the ioctls read and write.
 * @sp_el0: the same.
 * @sp_el1: the same.
 * @sctlr: the same: SCTLR_EL1.
 * @fail: number of the ioctl that fails, counted from 1; 0: none.
 * @ioctls: how many there have been.
 * @access: to @mem, by @log.
 * @nothing_from: number of the access from which on nothing is there, counted from 0.
 * @num: accesses so far.
 * @log: the first of them: address and length, writes with bit 63 set.
 * @mem: the device.
 */
struct fake_vcpu {
	struct armvcpu_vcpu hw;
	struct armvcpu_run run;
	struct armvcpu_fp_regs fp;
	u64 sp_el0;
	u64 sp_el1;
	u64 sctlr;
	unsigned int fail;
	unsigned int ioctls;

	struct armvcpu_access access;
	unsigned int nothing_from;
	unsigned int num;
	struct {
		u64 ipa;
		unsigned int len;
	} log[FAKE_ACCESSES];
	u8 mem[FAKE_SIZE];
};

#define FAKE_WRITE	0x8000000000000000ULL

/* The one that the ioctls are about; all of it is set to zero. */
void fake_init(struct fake_vcpu *fake);

/* An exit with @insn, whose access faults at @far, which is at @ipa. */
void fake_abort(struct fake_vcpu *fake, u32 insn, u64 far, u64 ipa);

/* In place of ioctl(), and that. */
int __wrap_ioctl(int fd, unsigned long request, ...);
int __real_ioctl(int fd, unsigned long request, ...);

#endif /* _VMM_TESTS_FAKE_VCPU_H */
