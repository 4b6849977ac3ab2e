/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Answers that need nothing but a look: EL2 gives them itself (fast.c), and the host
 * where EL2 does not (psci.c, smccc.c, for an SMC, and if a VMM has turned it off).
 *
 * To answer one more: a case in one of the switches.
 */
#ifndef ARMVCPU_HYP_ANSWERS_H
#define ARMVCPU_HYP_ANSWERS_H

#include "hyp.h"

/* PSCI 1.1 (DEN0022): function ids, with bit 30 for the 64-bit ones. */
#define PSCI_FN_BASE		0x84000000U
#define PSCI_FN_64BIT		0x40000000U
#define PSCI_FN_MAX		0x1fU
#define FN_PSCI_VERSION		0x84000000U
#define FN_CPU_SUSPEND		0x84000001U
#define FN_CPU_OFF		0x84000002U
#define FN_CPU_ON		0x84000003U
#define FN_AFFINITY_INFO	0x84000004U
#define FN_MIGRATE_INFO_TYPE	0x84000006U
#define FN_SYSTEM_OFF		0x84000008U
#define FN_SYSTEM_RESET		0x84000009U
#define FN_PSCI_FEATURES	0x8400000aU
#define FN_SYSTEM_SUSPEND	0x8400000eU
#define FN_SYSTEM_RESET2	0x84000012U

#define PSCI_1_1		0x10001
#define PSCI_NO_MIGRATION	2	/* MIGRATE_INFO_TYPE: no Trusted OS that would have to */
#define PSCI_NOT_SUPPORTED	(-1)
#define PSCI_INVALID_PARAMS	(-2)
#define PSCI_AFFINITY		0xff00ffffffULL
#define PSCI_MAX_LEVEL		3

/* SMCCC (DEN0028), its workarounds (DEN0070), stolen time (DEN0057). */
#define FN_SMCCC_VERSION	0x80000000U
#define FN_ARCH_FEATURES	0x80000001U
#define FN_ARCH_SOC_ID		0x80000002U
#define FN_ARCH_WORKAROUND_1	0x80008000U
#define FN_ARCH_WORKAROUND_2	0x80007fffU
#define FN_ARCH_WORKAROUND_3	0x80003fffU
#define FN_PV_TIME_FEATURES	0xc5000020U
#define FN_PV_TIME_ST		0xc5000021U

/* Owners of functions: 4 the standard secure services, 5 the standard hypervisor's. */
#define SMCCC_OWNER(fn)		((fn) >> 24 & 0x3f)
#define SMCCC_LAST_OWNER	5	/* of those that anybody here knows */
#define SMCCC_1_1		0x10001
#define SMCCC_SUCCESS		0
#define SMCCC_NOT_SUPPORTED	(-1)

/**
 * is_psci() - is it a function id of PSCI?
 * @fn: W0 of the call.
 */
static inline int is_psci(u32 fn)
{
	return (fn & ~PSCI_FN_64BIT) - PSCI_FN_BASE <= PSCI_FN_MAX;
}

static inline s64 psci_feature(u32 fn)
{
	switch (fn) {
	case FN_PSCI_VERSION:
	/* The original format of the power state, no OS-initiated mode. */
	case FN_CPU_SUSPEND:
	case FN_CPU_SUSPEND | PSCI_FN_64BIT:
	case FN_CPU_OFF:
	case FN_CPU_ON:
	case FN_CPU_ON | PSCI_FN_64BIT:
	case FN_AFFINITY_INFO:
	case FN_AFFINITY_INFO | PSCI_FN_64BIT:
	case FN_MIGRATE_INFO_TYPE:
	case FN_SYSTEM_OFF:
	case FN_SYSTEM_RESET:
	case FN_PSCI_FEATURES:
	case FN_SYSTEM_SUSPEND:
	case FN_SYSTEM_SUSPEND | PSCI_FN_64BIT:
	case FN_SYSTEM_RESET2:
	case FN_SYSTEM_RESET2 | PSCI_FN_64BIT:
	case FN_SMCCC_VERSION:
		return 0;
	}
	return PSCI_NOT_SUPPORTED;
}

/* ON if one of the affinity instance is; else ON_PENDING; else OFF. */
static inline s64 psci_affinity_info(const struct hyp_vm *vm, u64 affinity, u64 level)
{
	u32 n = __atomic_load_n(&vm->nr_siblings, __ATOMIC_ACQUIRE), i;
	int on = 0, pending = 0, found = 0, power;
	u64 mask;

	if (affinity & ~PSCI_AFFINITY || level > PSCI_MAX_LEVEL)
		return PSCI_INVALID_PARAMS;
	/* Aff3 is not next to the others. */
	mask = level == PSCI_MAX_LEVEL ? 0xff00000000ULL : PSCI_AFFINITY & ~0ULL << level * 8;
	for (i = 0; i < n && i < HYP_MAX_VCPUS; i++) {
		u64 mpidr = __atomic_load_n(&vm->siblings[i].mpidr, __ATOMIC_RELAXED);

		if (mpidr == ~0ULL || (mpidr ^ affinity) & mask)
			continue;
		found = 1;
		power = __atomic_load_n(&vm->siblings[i].power, __ATOMIC_RELAXED);
		on |= power == HYP_POWER_ON;
		pending |= power == HYP_POWER_ON_PENDING || power == HYP_POWER_ON_REQUESTED;
	}
	if (!found)
		return PSCI_INVALID_PARAMS;
	return on ? 0 : pending ? 2 : 1;
}

/**
 * answer_psci() - a PSCI call that only asks
 * @vm: the VM.
 * @fn: W0.
 * @arg1: X1.
 * @arg2: X2.
 * @result: out: X0.
 *
 * Return: 0 if it does more than that.
 */
static inline int answer_psci(const struct hyp_vm *vm, u32 fn, u64 arg1, u64 arg2, s64 *result)
{
	switch (fn) {
	case FN_PSCI_VERSION:
		*result = PSCI_1_1;
		return 1;
	case FN_PSCI_FEATURES:
		*result = psci_feature(arg1);
		return 1;
	case FN_AFFINITY_INFO:
		*result = psci_affinity_info(vm, (u32)arg1, (u32)arg2);
		return 1;
	case FN_AFFINITY_INFO | PSCI_FN_64BIT:
		*result = psci_affinity_info(vm, arg1, arg2);
		return 1;
	case FN_MIGRATE_INFO_TYPE:
		*result = PSCI_NO_MIGRATION;
		return 1;
	}
	return 0;
}

static inline s64 pvtime_feature(const struct hyp_vcpu *vcpu, u32 fn)
{
	if (vcpu->pvtime == HYP_NO_STOLEN_TIME)
		return SMCCC_NOT_SUPPORTED;
	return fn == FN_PV_TIME_FEATURES || fn == FN_PV_TIME_ST ? SMCCC_SUCCESS :
								  SMCCC_NOT_SUPPORTED;
}

static inline s64 arch_feature(const struct hyp_vm *vm, const struct hyp_vcpu *vcpu, u32 fn)
{
	switch (fn) {
	case FN_SMCCC_VERSION:
	case FN_ARCH_FEATURES:
		return SMCCC_SUCCESS;
	case FN_ARCH_WORKAROUND_1:
		return vm->workarounds[0];
	case FN_ARCH_WORKAROUND_2:
		return vm->workarounds[1];
	case FN_ARCH_WORKAROUND_3:
		return vm->workarounds[2];
	/* Discovered by this one, too (DEN0057). */
	case FN_PV_TIME_FEATURES:
		return pvtime_feature(vcpu, fn);
	}
	return SMCCC_NOT_SUPPORTED;
}

/**
 * answer_smccc() - a call of the convention's own that only asks
 * @vm: the VM.
 * @vcpu: the vCPU.
 * @fn: W0.
 * @arg1: X1.
 * @result: out: X0.
 *
 * Return: 0 if it does more than that, or nobody knows it.
 */
static inline int answer_smccc(const struct hyp_vm *vm, const struct hyp_vcpu *vcpu, u32 fn,
			       u64 arg1, s64 *result)
{
	/* What everybody asks first. */
	if (fn == FN_SMCCC_VERSION) {
		*result = SMCCC_1_1;
		return 1;
	}
	switch (fn) {
	case FN_ARCH_FEATURES:
		*result = arch_feature(vm, vcpu, arg1);
		return 1;
	case FN_ARCH_SOC_ID:
		/* The host's system on chip is none of the guest's business. */
		*result = SMCCC_NOT_SUPPORTED;
		return 1;
	case FN_PV_TIME_FEATURES:
		*result = pvtime_feature(vcpu, arg1);
		return 1;
	case FN_PV_TIME_ST:
		/* The address, or all ones: not supported. */
		*result = vcpu->pvtime;
		return 1;
	}
	return 0;
}

/* True random numbers (DEN0098). */
#define FN_TRNG_VERSION		0x84000050U
#define FN_TRNG_FEATURES	0x84000051U
#define FN_TRNG_GET_UUID	0x84000052U
#define FN_TRNG_RND32		0x84000053U
#define FN_TRNG_RND64		0xc4000053U

/**
 * is_hosts_call() - does the host do something for a call, besides PSCI's?
 * @fn: W0.
 */
static inline int is_hosts_call(u32 fn)
{
	switch (fn) {
	case FN_ARCH_WORKAROUND_1:
	case FN_ARCH_WORKAROUND_2:
	case FN_ARCH_WORKAROUND_3:
	case FN_TRNG_VERSION:
	case FN_TRNG_FEATURES:
	case FN_TRNG_GET_UUID:
	case FN_TRNG_RND32:
	case FN_TRNG_RND64:
		return 1;
	}
	return 0;
}

#endif /* ARMVCPU_HYP_ANSWERS_H */
