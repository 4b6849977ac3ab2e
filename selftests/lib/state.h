/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All of a vCPU that an ioctl could change, and of the process: to be compared with what
 * it was before one that has failed.
 */
#ifndef SELFTEST_STATE_H
#define SELFTEST_STATE_H

#include "vm.h"

struct vcpu_state {
	struct armvcpu_core_regs core;
	struct armvcpu_fp_regs fp;
	struct armvcpu_run run;
	u64 *values;
	u32 count;
	int power;
	int files;
};

int open_files(void);

void vcpu_state_save(struct vcpu *vcpu, struct vcpu_state *s);
/* Ends the test if anything has changed. */
void vcpu_state_check(struct vcpu *vcpu, struct vcpu_state *before);

#endif /* SELFTEST_STATE_H */
