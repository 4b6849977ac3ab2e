// SPDX-License-Identifier: GPL-2.0
/*
 * PSCI 1.1 (DEN0022): what only reports has an answer in hyp/answers.h, what acts
 * goes to the VMM.  The host's firmware never hears of any of it.
 */
#include <linux/psci.h>
#include <uapi/linux/psci.h>
#include <linux/arm-smccc.h>

#include "hyp/answers.h"
#include "kmod.h"

static_assert(HYP_POWER_OFF == ARMVCPU_POWER_OFF && HYP_POWER_ON == ARMVCPU_POWER_ON &&
	      HYP_POWER_ON_PENDING == ARMVCPU_POWER_ON_PENDING);

#define AFFINITY		PSCI_AFFINITY

static int answer(struct vcpu *vcpu, s64 result)
{
	vcpu_set_reg(vcpu, 0, result);
	return 1;
}

/* To the VMM; @result is what the guest gets if the VMM does nothing. */
static int ask(struct vcpu *vcpu, u32 event, u64 fn, const u64 *args, s64 result)
{
	vcpu->run->u.psci = (struct armvcpu_exit_psci) {
		.event = event,
		.fn = fn,
		.args = { args[0], args[1], args[2] },
		.timer = event == ARMVCPU_PSCI_CPU_SUSPEND ? timer_deadline(vcpu) : 0,
	};
	vcpu_set_reg(vcpu, 0, result);
	return exit_to_user(vcpu, ARMVCPU_EXIT_PSCI);
}

static bool is_memory(struct vm *vm, u64 ipa)
{
	bool found;

	down_read(&vm->slots_lock);
	found = memslot_find(vm, ipa);
	up_read(&vm->slots_lock);
	return found;
}

static bool entry_is_valid(struct vcpu *vcpu, u64 entry)
{
	return !(entry & 3) && is_memory(vcpu->vm, entry);
}

static int cpu_on(struct vcpu *vcpu, u64 fn, const u64 *args)
{
	struct vm *vm = vcpu->vm;
	struct vcpu *target = NULL;
	int ret = PSCI_RET_SUCCESS;
	u32 i;

	if (args[0] & ~AFFINITY)
		return answer(vcpu, PSCI_RET_INVALID_PARAMS);
	mutex_lock(&vm->vcpus_lock);
	for (i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpus[i] && vm->vcpus[i]->mpidr == args[0])
			target = vm->vcpus[i];
	if (!target) {
		ret = PSCI_RET_INVALID_PARAMS;
	} else if (!entry_is_valid(vcpu, args[1])) {
		ret = PSCI_RET_INVALID_ADDRESS;
	} else {
		/* It reads that only when it has been requested; nobody else does so. */
		if (atomic_read(target->power) == ARMVCPU_POWER_OFF)
			target->on = (struct cpu_on) {
				.entry = args[1],
				.context = args[2],
				.big_endian = vcpu_sys(vcpu, HYP_SCTLR_EL1) & SCTLR_ELx_EE,
			};
		/* With all of it: a full barrier. */
		switch (atomic_cmpxchg(target->power, ARMVCPU_POWER_OFF,
				       POWER_ON_REQUESTED)) {
		case ARMVCPU_POWER_OFF:
			break;
		case POWER_ON_REQUESTED:
		case ARMVCPU_POWER_ON_PENDING:
			ret = PSCI_RET_ON_PENDING;
			break;
		default:
			ret = PSCI_RET_ALREADY_ON;
			break;
		}
	}
	mutex_unlock(&vm->vcpus_lock);
	if (ret)
		return answer(vcpu, ret);
	return ask(vcpu, ARMVCPU_PSCI_CPU_ON, fn, args, PSCI_RET_INTERNAL_FAILURE);
}

/* Of the original format: Type and ID, PowerLevel; all else is reserved. */
static bool power_state_is_valid(u64 state)
{
	return !(state & ~(u64)(PSCI_0_2_POWER_STATE_ID_MASK | PSCI_0_2_POWER_STATE_TYPE_MASK |
				PSCI_0_2_POWER_STATE_AFFL_MASK));
}

static int cpu_suspend(struct vcpu *vcpu, u64 fn, const u64 *args)
{
	if (!power_state_is_valid(args[0]))
		return answer(vcpu, PSCI_RET_INVALID_PARAMS);
	if (args[0] & PSCI_0_2_POWER_STATE_TYPE_MASK && !entry_is_valid(vcpu, args[1]))
		return answer(vcpu, PSCI_RET_INVALID_ADDRESS);
	/* As shallow as one likes: a wait. */
	if (vcpu->vm->gic) {
		vcpu_block(vcpu);
		return answer(vcpu, PSCI_RET_SUCCESS);
	}
	return ask(vcpu, ARMVCPU_PSCI_CPU_SUSPEND, fn, args, PSCI_RET_SUCCESS);
}

/* No other vCPU is on, nor on its way: nobody can turn one on but the caller. */
static bool is_alone(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	bool alone = true;
	u32 i;

	mutex_lock(&vm->vcpus_lock);
	for (i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpus[i] && vm->vcpus[i] != vcpu &&
		    vcpu_power(vm->vcpus[i]) != ARMVCPU_POWER_OFF)
			alone = false;
	mutex_unlock(&vm->vcpus_lock);
	return alone;
}

static int system_suspend(struct vcpu *vcpu, u64 fn, const u64 *args)
{
	if (!entry_is_valid(vcpu, args[0]))
		return answer(vcpu, PSCI_RET_INVALID_ADDRESS);
	/* All others must have called CPU_OFF before (DEN0022, SYSTEM_SUSPEND). */
	if (!is_alone(vcpu))
		return answer(vcpu, PSCI_RET_DENIED);
	return ask(vcpu, ARMVCPU_PSCI_SYSTEM_SUSPEND, fn, args, PSCI_RET_INTERNAL_FAILURE);
}

static int system_reset2(struct vcpu *vcpu, u64 fn, const u64 *args)
{
	u32 type = args[0];

	/* 0 is a warm reset; vendors' types have the top bit set. */
	if (type && !(type & BIT(31)))
		return answer(vcpu, PSCI_RET_INVALID_PARAMS);
	return ask(vcpu, ARMVCPU_PSCI_SYSTEM_RESET2, fn, args, PSCI_RET_INTERNAL_FAILURE);
}

static int cpu_off(struct vcpu *vcpu, u64 fn, const u64 *args)
{
	atomic_set(vcpu->power, ARMVCPU_POWER_OFF);
	return ask(vcpu, ARMVCPU_PSCI_CPU_OFF, fn, args, PSCI_RET_DENIED);
}

/**
 * psci_call() - a call of the PSCI range, from HVC or SMC
 * @vcpu: the vCPU; PC is behind the instruction.
 *
 * Return: as an exit_handler.
 */
int psci_call(struct vcpu *vcpu)
{
	u32 fn = vcpu_reg(vcpu, 0);
	bool is_64bit = fn & PSCI_0_2_64BIT;
	u64 args[3];
	s64 result;
	int i;

	for (i = 0; i < 3; i++) {
		args[i] = vcpu_reg(vcpu, i + 1);
		if (!is_64bit)
			args[i] = (u32)args[i];
	}
	if (answer_psci(vcpu->vm->hyp, fn, args[0], args[1], &result))
		return answer(vcpu, result);
	switch (fn) {
	case PSCI_0_2_FN_CPU_ON:
	case PSCI_0_2_FN64_CPU_ON:
		return cpu_on(vcpu, fn, args);
	case PSCI_0_2_FN_CPU_OFF:
		return cpu_off(vcpu, fn, args);
	case PSCI_0_2_FN_CPU_SUSPEND:
	case PSCI_0_2_FN64_CPU_SUSPEND:
		return cpu_suspend(vcpu, fn, args);
	case PSCI_0_2_FN_SYSTEM_OFF:
		return ask(vcpu, ARMVCPU_PSCI_SYSTEM_OFF, fn, args, PSCI_RET_INTERNAL_FAILURE);
	case PSCI_0_2_FN_SYSTEM_RESET:
		return ask(vcpu, ARMVCPU_PSCI_SYSTEM_RESET, fn, args, PSCI_RET_INTERNAL_FAILURE);
	case PSCI_1_0_FN_SYSTEM_SUSPEND:
	case PSCI_1_0_FN64_SYSTEM_SUSPEND:
		return system_suspend(vcpu, fn, args);
	case PSCI_1_1_FN_SYSTEM_RESET2:
	case PSCI_1_1_FN64_SYSTEM_RESET2:
		return system_reset2(vcpu, fn, args);
	}
	return answer(vcpu, PSCI_RET_NOT_SUPPORTED);
}
