// SPDX-License-Identifier: GPL-2.0
/*
 * What the host needs against branch predictors and store buffers that one
 * context trains for another: Spectre v2 (SMCCC_ARCH_WORKAROUND_1), v4 (_2) and
 * BHB (_3).  Nothing of what the kernel knows of it is exported, so the same
 * sources are asked: the ID registers, the list of cores that have no such thing,
 * and the firmware (DEN0070, "Firmware interfaces for mitigating cache
 * speculation vulnerabilities").
 *
 * Looked at on each CPU as it is taken.  A guest may run on any of them, so what
 * it is told is the worst.
 */
#include <linux/arm-smccc.h>
#include <linux/bits.h>
#include <asm/cputype.h>
#include <asm/sysreg.h>

#include "kmod.h"

static atomic_t worst[NR_SPECTRE] = { ATOMIC_INIT(SPECTRE_SAFE) };

/* As if each CPU's firmware had all that can be had; for tests. */
static bool pretend;

/* In-order cores: they speculate, but not that far. */
static bool is_in_order(void)
{
	static const u32 models[] = {
		MIDR_CORTEX_A35, MIDR_CORTEX_A53, MIDR_CORTEX_A55, MIDR_BRAHMA_B53,
		MIDR_QCOM_KRYO_2XX_SILVER, MIDR_QCOM_KRYO_3XX_SILVER,
		MIDR_QCOM_KRYO_4XX_SILVER,
	};
	u32 model = read_cpuid_id() & MIDR_CPU_MODEL_MASK;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(models); i++)
		if (model == models[i])
			return true;
	return false;
}

/* SMCCC_ARCH_FEATURES of the firmware, of this CPU. */
static u32 ask_firmware(u32 fn)
{
	struct arm_smccc_res res;

	if (pretend)
		return SPECTRE_FIRMWARE;
	/* NONE unless the firmware has version 1.1 of the convention. */
	if (arm_smccc_1_1_get_conduit() != SMCCC_CONDUIT_SMC)
		return SPECTRE_VULNERABLE;
	arm_smccc_smc(ARM_SMCCC_ARCH_FEATURES_FUNC_ID, fn, 0, 0, 0, 0, 0, 0, &res);
	switch ((int)res.a0) {
	case SMCCC_RET_SUCCESS:
		return SPECTRE_FIRMWARE;
	case SMCCC_ARCH_WORKAROUND_RET_UNAFFECTED:
	case SMCCC_RET_NOT_REQUIRED:
		return SPECTRE_SAFE;
	}
	return SPECTRE_VULNERABLE;
}

static u32 look_at(enum spectre what)
{
	u64 pfr0 = read_cpuid(ID_AA64PFR0_EL1), pfr1 = read_cpuid(ID_AA64PFR1_EL1);
	u64 csv2 = pfr0 >> 56 & 0xf;

	if (pretend)
		return SPECTRE_FIRMWARE;
	if (is_in_order())
		return SPECTRE_SAFE;
	switch (what) {
	case SPECTRE_V2:
		return csv2 ? SPECTRE_SAFE : ask_firmware(ARM_SMCCC_ARCH_WORKAROUND_1);
	case SPECTRE_V4:
		/* PSTATE.SSBS: clear, as it is at reset, nothing is bypassed. */
		return pfr1 >> 4 & 0xf ? SPECTRE_SAFE :
					 ask_firmware(ARM_SMCCC_ARCH_WORKAROUND_2);
	default:
		return csv2 >= 3 ? SPECTRE_SAFE : ask_firmware(ARM_SMCCC_ARCH_WORKAROUND_3);
	}
}

static void note(enum spectre what, u32 state)
{
	u32 old = atomic_read(&worst[what]);

	while (state > old && !atomic_try_cmpxchg(&worst[what], &old, state))
		;
}

/**
 * spectre_look() - what this CPU needs; with interrupts off
 *
 * Return: HYP_HAS_WORKAROUND_1, HYP_HAS_WORKAROUND_3 where its firmware has them.
 */
u64 spectre_look(void)
{
	u32 v2 = look_at(SPECTRE_V2), bhb = look_at(SPECTRE_BHB);
	u64 features = 0;

	note(SPECTRE_V2, v2);
	note(SPECTRE_V4, look_at(SPECTRE_V4));
	note(SPECTRE_BHB, bhb);
	if (v2 == SPECTRE_FIRMWARE)
		features |= HYP_HAS_WORKAROUND_1;
	if (bhb == SPECTRE_FIRMWARE)
		features |= HYP_HAS_WORKAROUND_3;
	return features;
}

/**
 * spectre_state() - what the worst of the host's CPUs needs
 * @what: which one.
 *
 * Return: SPECTRE_SAFE, SPECTRE_FIRMWARE or SPECTRE_VULNERABLE.
 */
u32 spectre_state(enum spectre what)
{
	return atomic_read(&worst[what]);
}

/**
 * spectre_pretend() - as if the firmware had all workarounds; for tests
 */
void spectre_pretend(void)
{
	int i;

	pretend = true;
	for (i = 0; i < NR_SPECTRE; i++)
		atomic_set(&worst[i], SPECTRE_FIRMWARE);
}
