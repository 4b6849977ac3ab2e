// SPDX-License-Identifier: GPL-2.0
/*
 * HVC that is neither PSCI nor anything the module knows: the console of
 * --earlycon. Without it, x[0] says NOT_SUPPORTED already.
 */
#include "hypercall.h"
#include "machine.h"
#include "term.h"

static s64 console_write(const __u64 *x)
{
	u64 count = x[1], i;

	if (count > HYPERCALL_CONSOLE_MAX)
		return HYPERCALL_INVALID_PARAMETER;
	for (i = 0; i < count; i++)
		term_putc(x[2 + i / 8] >> 8 * (i % 8));
	return count;
}

void hypercall_handle(struct vcpu *vcpu)
{
	struct armvcpu_run *run = vcpu->hw.run;
	const struct armvcpu_exit_call *call = &run->u.call;

	/* DEN0028: the immediate of a call is 0. */
	if (call->imm || call->nr != HYPERCALL_CONSOLE_WRITE ||
	    !vcpu->vm->config->earlycon)
		return;
	run->x[0] = console_write(run->x);
}
