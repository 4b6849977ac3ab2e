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

/* A guest can use a CPU's predictors against the host: v2 or BHB. */
static bool exposed;

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
	/* A510 and A520, which not every kernel has a name for. */
	return MIDR_IMPLEMENTOR(model) == ARM_CPU_IMP_ARM &&
	       (MIDR_PARTNUM(model) == 0xd46 || MIDR_PARTNUM(model) == 0xd80);
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

static u64 csv2(void)
{
	return read_cpuid(ID_AA64PFR0_EL1) >> 56 & 0xf;
}

static u32 look_at(enum spectre what)
{
	u64 pfr1 = read_cpuid(ID_AA64PFR1_EL1);

	if (pretend)
		return SPECTRE_FIRMWARE;
	if (is_in_order())
		return SPECTRE_SAFE;
	switch (what) {
	case SPECTRE_V2:
		return csv2() ? SPECTRE_SAFE : ask_firmware(ARM_SMCCC_ARCH_WORKAROUND_1);
	case SPECTRE_V4:
		/* PSTATE.SSBS: clear, as it is at reset, nothing is bypassed. */
		return pfr1 >> 4 & 0xf ? SPECTRE_SAFE :
					 ask_firmware(ARM_SMCCC_ARCH_WORKAROUND_2);
	default:
		return csv2() >= 3 ? SPECTRE_SAFE : ask_firmware(ARM_SMCCC_ARCH_WORKAROUND_3);
	}
}

/*
 * How many branches push those of a guest out of the history, 0 if that is not known: by
 * Arm's "Spectre-BHB" white paper and the makers of the others.  PartNum of MIDR_EL1: not
 * every kernel has a name for each.
 */
static u32 bhb_branches(void)
{
	static const struct {
		u16 part;
		u16 branches;
	} cores[] = {
		{ 0xd07, 8 }, { 0xd08, 8 },			/* A57, A72 */
		{ 0xd0b, 24 }, { 0xd0c, 24 },			/* A76, N1 */
		{ 0xd0d, 24 }, { 0xd0e, 24 },			/* A77, A76AE */
		{ 0xd40, 32 }, { 0xd41, 32 },			/* V1, A78 */
		{ 0xd42, 32 }, { 0xd44, 32 },			/* A78AE, X1 */
		{ 0xd47, 32 }, { 0xd48, 32 },			/* A710, X2 */
		{ 0xd49, 32 }, { 0xd4b, 32 },			/* N2, A78C */
		{ 0xd4c, 32 }, { 0xd4d, 38 },			/* X1C, A715 */
		{ 0xd81, 38 }, { 0xd89, 38 },			/* A720, A720AE */
		{ 0xd4e, 132 }, { 0xd4f, 132 },			/* X3, V2 */
	};
	u32 midr = read_cpuid_id();
	unsigned int i;

	if ((midr & MIDR_CPU_MODEL_MASK) == MIDR_QCOM_KRYO_4XX_GOLD)
		return 24;
	if (MIDR_IMPLEMENTOR(midr) != ARM_CPU_IMP_ARM)
		return 0;
	for (i = 0; i < ARRAY_SIZE(cores); i++)
		if (MIDR_PARTNUM(midr) == cores[i].part)
			return cores[i].branches;
	return 0;
}

/* A57 and A72: the call against v2 empties all that BHB is about. */
static bool v2_call_is_enough(void)
{
	return bhb_branches() == 8;
}

static void harden(struct spectre_cpu *cpu, enum harden how, u64 arg)
{
	cpu->how = how;
	cpu->arg = arg;
	if (how == HARDEN_FIRMWARE)
		cpu->features |= HYP_HARDENS_BY_FIRMWARE;
}

/* What is left if BHB is all that there is. */
static void harden_against_bhb(struct spectre_cpu *cpu, u32 firmware)
{
	/* ECBHB: no history gets from one level to a higher one. */
	if (is_in_order() || csv2() >= 3 || read_cpuid(ID_AA64MMFR1_EL1) >> 60 & 0xf)
		return;
	/* CLRBHB is an instruction. */
	if (read_cpuid(ID_AA64ISAR2_EL1) >> 28 & 0xf)
		harden(cpu, HARDEN_CLEAR, 0);
	else if (bhb_branches())
		harden(cpu, HARDEN_LOOP, bhb_branches());
	else if (firmware == SPECTRE_FIRMWARE)
		harden(cpu, HARDEN_FIRMWARE, ARM_SMCCC_ARCH_WORKAROUND_3);
	else if (firmware == SPECTRE_VULNERABLE)
		WRITE_ONCE(exposed, true);
}

static void note(enum spectre what, u32 state)
{
	u32 old = atomic_read(&worst[what]);

	while (state > old && !atomic_try_cmpxchg(&worst[what], &old, state))
		;
}

/**
 * spectre_look() - what this CPU needs; with interrupts off
 * @cpu: out: HYP_HAS_WORKAROUND_1, HYP_HAS_WORKAROUND_3 where its firmware has them, and
 *	what is to be done when it leaves a guest.
 */
void spectre_look(struct spectre_cpu *cpu)
{
	u32 v2 = look_at(SPECTRE_V2), bhb = look_at(SPECTRE_BHB);

	*cpu = (struct spectre_cpu) { .how = HARDEN_NOT };
	note(SPECTRE_V2, v2);
	note(SPECTRE_V4, look_at(SPECTRE_V4));
	note(SPECTRE_BHB, bhb);
	if (v2 == SPECTRE_FIRMWARE)
		cpu->features |= HYP_HAS_WORKAROUND_1;
	if (bhb == SPECTRE_FIRMWARE)
		cpu->features |= HYP_HAS_WORKAROUND_3;

	/* Without a remedy for v2 there is no point in one for BHB. */
	if (v2 == SPECTRE_VULNERABLE)
		WRITE_ONCE(exposed, true);
	else if (v2 == SPECTRE_SAFE)
		harden_against_bhb(cpu, bhb);
	/* The call against BHB is one against v2 as well (DEN0070). */
	else if (bhb == SPECTRE_FIRMWARE)
		harden(cpu, HARDEN_FIRMWARE, ARM_SMCCC_ARCH_WORKAROUND_3);
	else
		harden(cpu, HARDEN_FIRMWARE, ARM_SMCCC_ARCH_WORKAROUND_1);
	if (v2 == SPECTRE_FIRMWARE && bhb == SPECTRE_VULNERABLE && !v2_call_is_enough())
		WRITE_ONCE(exposed, true);
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
 * spectre_exposed() - can a guest use the predictors of some CPU against the host?
 */
bool spectre_exposed(void)
{
	return READ_ONCE(exposed);
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
