// SPDX-License-Identifier: GPL-2.0
/*
 * HVC and SMC (SMC Calling Convention, DEN0028).  PSCI comes first.  Then an
 * SMC is looked up in the VM's policy, and an HVC that is not the convention's
 * own goes to the VMM.
 *
 * To answer a call: if the answer is near, a case in hyp/answers.h; otherwise a row in
 * known_calls[] and a function.
 */
#include <linux/acpi.h>
#include <linux/arm-smccc.h>
#include <linux/bits.h>
#include <linux/capability.h>
#include <linux/minmax.h>
#include <linux/of.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/esr.h>
#include <asm/sysreg.h>

#include "hyp/answers.h"
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

/* ---- workarounds against speculation (DEN0070) ---- */

static s64 workaround_feature(enum spectre what)
{
	switch (spectre_state(what)) {
	case SPECTRE_SAFE:
		return SMCCC_ARCH_WORKAROUND_RET_UNAFFECTED;
	case SPECTRE_FIRMWARE:
		return SMCCC_RET_SUCCESS;
	}
	return SMCCC_RET_NOT_SUPPORTED;
}

/*
 * Of _2: the host's kernel has the firmware's workaround on whenever it runs itself,
 * and with it runs the guest: there is nothing that it could turn on.
 */
static s64 workaround_2_feature(void)
{
	return spectre_state(SPECTRE_V4) == SPECTRE_VULNERABLE ?
	       SMCCC_RET_NOT_SUPPORTED : SMCCC_ARCH_WORKAROUND_RET_UNAFFECTED;
}

/**
 * smccc_configure() - what EL2 answers of what only the host knows
 * @vm: the VM; a vCPU runs for the first time.
 */
void smccc_configure(struct vm *vm)
{
	WRITE_ONCE(vm->hyp->workarounds[0], workaround_feature(SPECTRE_V2));
	WRITE_ONCE(vm->hyp->workarounds[1], workaround_2_feature());
	WRITE_ONCE(vm->hyp->workarounds[2], workaround_feature(SPECTRE_BHB));
}

/* EL2 has made the call (hyp/fast.c), unless it is an SMC of the guest. */
static int workaround(struct vcpu *vcpu, u32 fn, s64 feature)
{
	struct arm_smccc_res res;

	if (feature == SMCCC_RET_SUCCESS)
		arm_smccc_smc(fn, 0, 0, 0, 0, 0, 0, 0, &res);
	return answer(vcpu, feature < 0 ? feature : SMCCC_RET_SUCCESS);
}

static int workaround_1(struct vcpu *vcpu)
{
	return workaround(vcpu, ARM_SMCCC_ARCH_WORKAROUND_1, workaround_feature(SPECTRE_V2));
}

static int workaround_2(struct vcpu *vcpu)
{
	s64 feature = workaround_2_feature();

	return answer(vcpu, feature < 0 ? feature : SMCCC_RET_SUCCESS);
}

static int workaround_3(struct vcpu *vcpu)
{
	return workaround(vcpu, ARM_SMCCC_ARCH_WORKAROUND_3, workaround_feature(SPECTRE_BHB));
}

/* ---- random numbers (DEN0098) ---- */

#define TRNG_VERSION_1_0	0x10000
#define TRNG_INVALID_PARAMETERS	-2
#define TRNG_NO_ENTROPY		-3

/* x1 to x3 are zero with every answer but random numbers and the UUID. */
static int trng_answer(struct vcpu *vcpu, s64 result)
{
	int i;

	for (i = 1; i < 4; i++)
		vcpu_set_reg(vcpu, i, 0);
	return answer(vcpu, result);
}

static int trng_version(struct vcpu *vcpu)
{
	return trng_answer(vcpu, TRNG_VERSION_1_0);
}

static int trng_features(struct vcpu *vcpu)
{
	switch ((u32)vcpu_reg(vcpu, 1)) {
	case ARM_SMCCC_TRNG_VERSION:
	case ARM_SMCCC_TRNG_FEATURES:
	case ARM_SMCCC_TRNG_GET_UUID:
	case ARM_SMCCC_TRNG_RND32:
	case ARM_SMCCC_TRNG_RND64:
		return trng_answer(vcpu, SMCCC_RET_SUCCESS);
	}
	return trng_answer(vcpu, SMCCC_RET_NOT_SUPPORTED);
}

/* Of this source of randomness: 4f9c37d2-6a51-4be8-9d04-c7e2b18a5f36. */
static int trng_get_uuid(struct vcpu *vcpu)
{
	static const u32 words[] = { 0xd2379c4f, 0xe84b516a, 0xe2c7049d, 0x365f8ab1 };
	int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		vcpu_set_reg(vcpu, i, words[i]);
	return 1;
}

/* The lowest bits are in x3, what is above the number that was asked for is zero. */
static int trng_rnd(struct vcpu *vcpu, u64 bits, unsigned int width)
{
	u64 words[3];
	int i;

	if (!bits || bits > 3 * width)
		return trng_answer(vcpu, TRNG_INVALID_PARAMETERS);
	if (!rng_is_initialized())
		return trng_answer(vcpu, TRNG_NO_ENTROPY);
	get_random_bytes(words, sizeof(words));
	for (i = 0; i < 3; i++) {
		unsigned int here = min_t(u64, bits, width);

		vcpu_set_reg(vcpu, 3 - i, here ? words[i] & GENMASK_ULL(here - 1, 0) : 0);
		bits -= here;
	}
	memzero_explicit(words, sizeof(words));
	return answer(vcpu, SMCCC_RET_SUCCESS);
}

static int trng_rnd32(struct vcpu *vcpu)
{
	return trng_rnd(vcpu, (u32)vcpu_reg(vcpu, 1), 32);
}

static int trng_rnd64(struct vcpu *vcpu)
{
	return trng_rnd(vcpu, vcpu_reg(vcpu, 1), 64);
}

/* ---- who answers ------------------------------------------------------- */

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

/* An HVC is the VMM's, if that has not said which; an SMC has no other taker. */
static int unknown_call(struct vcpu *vcpu, u32 fn)
{
	if (ESR_ELx_EC(vcpu->hyp->esr) == ESR_ELx_EC_HVC64 &&
	    (!vcpu->vm->policy_hvc || policy_of(vcpu->vm, fn) == ARMVCPU_SMCCC_USER))
		return to_user(vcpu, ARMVCPU_EXIT_HYPERCALL);
	return answer(vcpu, SMCCC_RET_NOT_SUPPORTED);
}

/**
 * struct known_call - a call for which the host does something, over either conduit
 * @fn: W0; one of is_hosts_call().
 * @call: as an exit_handler; PC is behind the instruction.
 */
struct known_call {
	u32 fn;
	exit_handler call;
};

static const struct known_call known_calls[] = {
	{ ARM_SMCCC_ARCH_WORKAROUND_1, workaround_1 },
	{ ARM_SMCCC_ARCH_WORKAROUND_2, workaround_2 },
	{ ARM_SMCCC_ARCH_WORKAROUND_3, workaround_3 },
	{ ARM_SMCCC_TRNG_VERSION, trng_version },
	{ ARM_SMCCC_TRNG_FEATURES, trng_features },
	{ ARM_SMCCC_TRNG_GET_UUID, trng_get_uuid },
	{ ARM_SMCCC_TRNG_RND32, trng_rnd32 },
	{ ARM_SMCCC_TRNG_RND64, trng_rnd64 },
};

static int known_call(struct vcpu *vcpu, u32 fn)
{
	s64 result;
	int i;

	if (answer_smccc(vcpu->vm->hyp, vcpu->hyp, fn, vcpu_reg(vcpu, 1), &result))
		return answer(vcpu, result);
	/* A row that EL2 does not know of would not get here, then. */
	for (i = 0; is_hosts_call(fn) && i < ARRAY_SIZE(known_calls); i++)
		if (known_calls[i].fn == fn)
			return known_calls[i].call(vcpu);
	return unknown_call(vcpu, fn);
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
		return to_user(vcpu, ARMVCPU_EXIT_HYPERCALL);
	return is_psci(fn) ? psci_call(vcpu) : known_call(vcpu, fn);
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
	if (is_psci(fn))
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

/* Which HVCs are the VMM's, for EL2: all of them if there are too many ranges. */
static void claim(struct vm *vm)
{
	struct hyp_vm *hyp = vm->hyp;
	u32 i;

	hyp->all_claimed = !vm->policy_hvc;
	hyp->nr_claims = 0;
	for (i = 0; i < vm->policy_count && !hyp->all_claimed; i++) {
		const struct armvcpu_smccc_range *range = &vm->policy[i];

		if (range->action != ARMVCPU_SMCCC_USER)
			continue;
		if (hyp->nr_claims == HYP_MAX_CLAIMS) {
			hyp->all_claimed = true;
			break;
		}
		hyp->claims[hyp->nr_claims++] = (struct hyp_claim) {
			.first = range->base,
			.last = range->base + (range->count - 1),
		};
	}
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
	if (policy.flags & ~ARMVCPU_SMCCC_POLICY_FLAGS || policy.count > ARMVCPU_SMCCC_MAX_RANGES)
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
		vm->policy_hvc = policy.flags & ARMVCPU_SMCCC_POLICY_HVC;
		claim(vm);
	}
	mutex_unlock(&vm->lock);
	kfree(ranges);
	return ret;
}
