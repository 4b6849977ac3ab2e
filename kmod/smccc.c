// SPDX-License-Identifier: GPL-2.0
/*
 * HVC and SMC (SMC Calling Convention, DEN0028).  PSCI comes first.  Then an
 * SMC is looked up in the VM's policy, and an HVC that is not the convention's
 * own goes to the VMM.
 *
 * To answer a call: a row in known_calls[] and a function.
 */
#include <linux/acpi.h>
#include <linux/arm-smccc.h>
#include <linux/capability.h>
#include <linux/of.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/esr.h>
#include <asm/sysreg.h>

#include "kmod.h"

static u64 call_imm(const struct vcpu *vcpu)
{
	return vcpu->hyp->esr & 0xffff;
}

static int answer(struct vcpu *vcpu, s64 result)
{
	vcpu_set_reg(vcpu, 0, result);
	return 1;
}

/* Arguments of a 32-bit call: W1 to W7. */
#define NR_ARGS	ARRAY_SIZE(((struct exit_state *)0)->args)

static bool is_32bit_call(u64 fn)
{
	return !((u32)fn & BIT(30));
}

static int to_user(struct vcpu *vcpu, u32 reason)
{
	u64 fn = vcpu_reg(vcpu, 0);
	/* With another immediate it is no call of the convention. */
	bool is_32bit = !call_imm(vcpu) && is_32bit_call(fn);
	int i;

	vcpu->pending.masked = is_32bit;
	if (is_32bit) {
		for (i = 0; i < NR_ARGS; i++) {
			vcpu->pending.args[i] = vcpu_reg(vcpu, i + 1);
			vcpu_set_reg(vcpu, i + 1, (u32)vcpu->pending.args[i]);
		}
	}
	vcpu->run->u.call = (struct armvcpu_exit_call) {
		.nr = fn,
		.imm = call_imm(vcpu),
		.is_32bit = is_32bit,
	};
	answer(vcpu, SMCCC_RET_NOT_SUPPORTED);
	return exit_to_user(vcpu, reason);
}

/* The caller of a 32-bit call keeps the upper halves of what is no result. */
static void unmask(struct vcpu *vcpu, int reg, u64 arg)
{
	if (vcpu_reg(vcpu, reg) == (u32)arg)
		vcpu_set_reg(vcpu, reg, arg);
}

/**
 * call_complete() - back from the VMM
 * @vcpu: the vCPU.
 */
void call_complete(struct vcpu *vcpu)
{
	int i;

	if (!vcpu->pending.masked)
		return;
	for (i = 0; i < NR_ARGS; i++)
		unmask(vcpu, i + 1, vcpu->pending.args[i]);
}

/* ---- calls that the module answers ------------------------------------- */

static int smccc_version(struct vcpu *vcpu)
{
	return answer(vcpu, ARM_SMCCC_VERSION_1_1);
}

static int arch_features(struct vcpu *vcpu)
{
	switch ((u32)vcpu_reg(vcpu, 1)) {
	case ARM_SMCCC_VERSION_FUNC_ID:
	case ARM_SMCCC_ARCH_FEATURES_FUNC_ID:
		return answer(vcpu, SMCCC_RET_SUCCESS);
	case ARM_SMCCC_HV_PV_TIME_FEATURES:
		return pvtime_call(vcpu);
	}
	return answer(vcpu, SMCCC_RET_NOT_SUPPORTED);
}

/* HVC goes to the VMM; for an SMC that no policy names there is no other taker. */
static int unknown_call(struct vcpu *vcpu)
{
	if (ESR_ELx_EC(vcpu->hyp->esr) == ESR_ELx_EC_HVC64)
		return to_user(vcpu, ARMVCPU_EXIT_HYPERCALL);
	return answer(vcpu, SMCCC_RET_NOT_SUPPORTED);
}

/**
 * struct known_call - a call that the module answers, over either conduit
 * @fn: W0.
 * @call: as an exit_handler; PC is behind the instruction.
 */
struct known_call {
	u32 fn;
	exit_handler call;
};

static const struct known_call known_calls[] = {
	{ ARM_SMCCC_VERSION_FUNC_ID, smccc_version },
	{ ARM_SMCCC_ARCH_FEATURES_FUNC_ID, arch_features },
	{ ARM_SMCCC_HV_PV_TIME_FEATURES, pvtime_call },
	{ ARM_SMCCC_HV_PV_TIME_ST, pvtime_call },
};

static int known_call(struct vcpu *vcpu, u32 fn)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(known_calls); i++)
		if (known_calls[i].fn == fn)
			return known_calls[i].call(vcpu);
	return unknown_call(vcpu);
}

/**
 * hvc_exit() - HVC; PC is behind it already
 * @vcpu: the vCPU.
 *
 * Return: as an exit_handler.
 */
int hvc_exit(struct vcpu *vcpu)
{
	u32 fn = vcpu_reg(vcpu, 0);

	/* The convention is for HVC #0 only. */
	if (call_imm(vcpu))
		return unknown_call(vcpu);
	return psci_is_call(fn) ? psci_call(vcpu) : known_call(vcpu, fn);
}

/* ---- SMC --------------------------------------------------------------- */

/* Is there firmware behind SMC?  Without, the instruction is UNDEFINED. */
static bool firmware_answers(void)
{
	struct device_node *node;
	const char *method;
	bool smc = false;

	if (read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1) >> 12 & 0xf)
		return true;
	if (arm_smccc_1_1_get_conduit() == SMCCC_CONDUIT_SMC)
		return true;
	node = of_find_compatible_node(NULL, NULL, "arm,psci-1.0");
	if (!node)
		node = of_find_compatible_node(NULL, NULL, "arm,psci-0.2");
	if (node && !of_property_read_string(node, "method", &method))
		smc = !strcmp(method, "smc");
	of_node_put(node);
	return smc;
}

/*
 * x0 to x17 go in and come out, as since version 1.2.  @fn is W0 as the policy
 * was asked about it: the VMM may write to the registers meanwhile.
 */
static int forward(struct vcpu *vcpu, u32 fn)
{
	union {
		struct arm_smccc_1_2_regs regs;
		unsigned long x[18];
	} call;
	u64 args[NR_ARGS];
	bool is_32bit;
	int i;

	BUILD_BUG_ON(sizeof(call.regs) != sizeof(call.x));
	call.x[0] = fn;
	for (i = 1; i < ARRAY_SIZE(call.x); i++)
		call.x[i] = vcpu_reg(vcpu, i);
	is_32bit = is_32bit_call(call.x[0]);
	for (i = 0; i < NR_ARGS; i++) {
		args[i] = call.x[i + 1];
		if (is_32bit)
			call.x[i + 1] = (u32)args[i];
	}
	arm_smccc_1_2_smc(&call.regs, &call.regs);
	for (i = 0; i < ARRAY_SIZE(call.x); i++)
		vcpu_set_reg(vcpu, i, call.x[i]);
	for (i = 0; is_32bit && i < NR_ARGS; i++)
		unmask(vcpu, i + 1, args[i]);
	return 1;
}

/* The list is final once a vCPU has run, and sorted. */
static u32 policy_of(const struct vm *vm, u32 fn)
{
	u32 low = 0, high = vm->policy_count;

	while (low < high) {
		u32 mid = low + (high - low) / 2;
		const struct armvcpu_smccc_range *range = &vm->policy[mid];

		if (fn < range->base)
			high = mid;
		else if (fn - range->base >= range->count)
			low = mid + 1;
		else
			return range->action;
	}
	return ~0U;
}

/**
 * smc_exit() - SMC, trapped: PC is at the instruction
 * @vcpu: the vCPU.
 *
 * Return: as an exit_handler.
 */
int smc_exit(struct vcpu *vcpu)
{
	u32 fn = vcpu_reg(vcpu, 0);

	skip_insn(vcpu);
	if (call_imm(vcpu))
		return answer(vcpu, SMCCC_RET_NOT_SUPPORTED);
	if (psci_is_call(fn))
		return psci_call(vcpu);
	switch (policy_of(vcpu->vm, fn)) {
	case ARMVCPU_SMCCC_DENY:
		return answer(vcpu, SMCCC_RET_NOT_SUPPORTED);
	case ARMVCPU_SMCCC_USER:
		return to_user(vcpu, ARMVCPU_EXIT_SMC);
	case ARMVCPU_SMCCC_FORWARD:
		return forward(vcpu, fn);
	}
	return known_call(vcpu, fn);
}

/* ---- the policy -------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	u32 x = ((const struct armvcpu_smccc_range *)a)->base;
	u32 y = ((const struct armvcpu_smccc_range *)b)->base;

	return x < y ? -1 : x > y;
}

static int check_ranges(struct armvcpu_smccc_range *ranges, u32 count)
{
	bool forward = false;
	u32 i;

	for (i = 0; i < count; i++) {
		struct armvcpu_smccc_range *range = &ranges[i];

		if (!range->count || range->reserved || range->action > ARMVCPU_SMCCC_FORWARD ||
		    range->base + (range->count - 1) < range->base)
			return -EINVAL;
		forward |= range->action == ARMVCPU_SMCCC_FORWARD;
	}
	sort(ranges, count, sizeof(ranges[0]), compare, NULL);
	for (i = 1; i < count; i++)
		if (ranges[i].base - ranges[i - 1].base < ranges[i - 1].count)
			return -EINVAL;
	if (!forward)
		return 0;
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	return firmware_answers() ? 0 : -EOPNOTSUPP;
}

/**
 * smccc_set_policy() - ARMVCPU_SET_SMCCC_POLICY
 * @vm: the VM.
 * @argp: struct armvcpu_smccc_policy of the caller.
 *
 * Return: 0 or an error of the ioctl, and nothing has changed.
 */
int smccc_set_policy(struct vm *vm, void __user *argp)
{
	struct armvcpu_smccc_range *ranges = NULL;
	struct armvcpu_smccc_policy policy;
	int ret = 0;

	if (copy_from_user(&policy, argp, sizeof(policy)))
		return -EFAULT;
	if (policy.flags || policy.count > ARMVCPU_SMCCC_MAX_RANGES)
		return -EINVAL;
	if (policy.count) {
		ranges = memdup_user(u64_to_user_ptr(policy.ranges),
				     policy.count * sizeof(*ranges));
		if (IS_ERR(ranges))
			return PTR_ERR(ranges);
		ret = check_ranges(ranges, policy.count);
	}
	mutex_lock(&vm->lock);
	if (!ret && vm->started)
		ret = -EBUSY;
	if (!ret) {
		swap(vm->policy, ranges);
		vm->policy_count = policy.count;
	}
	mutex_unlock(&vm->lock);
	kfree(ranges);
	return ret;
}
