// SPDX-License-Identifier: GPL-2.0
/*
 * Stolen time (DEN0057): how long a vCPU that wanted to run did not get a CPU.
 * The kernel counts that for each task; it is in guest memory for the guest.
 */
#include <linux/sched.h>

#include "kmod.h"

static_assert(HYP_NO_STOLEN_TIME == ARMVCPU_NO_STOLEN_TIME);

/* The structure for a vCPU: revision and attributes are zero, and its size. */
#define STOLEN_TIME		8
#define PVTIME_SIZE		64

/**
 * pvtime_supported() - does this kernel count what is stolen?
 */
bool pvtime_supported(void)
{
	return IS_ENABLED(CONFIG_SCHED_INFO);
}

/* Nanoseconds that this task has waited for a CPU. */
static u64 run_delay(void)
{
#ifdef CONFIG_SCHED_INFO
	return current->sched_info.run_delay;
#else
	return 0;
#endif
}

/**
 * pvtime_set() - where a vCPU's structure is
 * @vcpu: the vCPU; its lock is held.
 * @ipa: guest physical address, or ARMVCPU_NO_STOLEN_TIME.
 *
 * Return: 0, -EINVAL (alignment, beyond the IPA size, or the kernel does not
 * count).
 */
int pvtime_set(struct vcpu *vcpu, u64 ipa)
{
	if (ipa != ARMVCPU_NO_STOLEN_TIME &&
	    (!pvtime_supported() || ipa % PVTIME_SIZE || ipa >> vcpu->vm->ipa_bits))
		return -EINVAL;
	vcpu->hyp->pvtime = ipa;
	vcpu->pvtime.task = NULL;
	return 0;
}

/**
 * pvtime_tell() - tell the guest what has been stolen since
 * @vcpu: the vCPU, in its own thread, about to enter the guest.
 *
 * Where no memory is, the guest has asked for nothing.
 */
void pvtime_tell(struct vcpu *vcpu)
{
	struct pvtime *pvtime = &vcpu->pvtime;
	u64 delay;

	delay = run_delay();
	if (pvtime->task != current) {
		/* What it has waited for before is none of the guest's. */
		pvtime->last = delay;
		/* The VM may have been saved, and goes on with what the guest knows. */
		memslot_read(vcpu->vm, vcpu->hyp->pvtime + STOLEN_TIME, &pvtime->stolen,
			     sizeof(pvtime->stolen));
	} else if (delay == pvtime->last) {
		return;
	}
	if (delay > pvtime->last)
		pvtime->stolen += delay - pvtime->last;
	pvtime->last = delay;
	pvtime->task = current;
	memslot_write_u64(vcpu->vm, vcpu->hyp->pvtime + STOLEN_TIME, pvtime->stolen);
}
