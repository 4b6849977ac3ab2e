// SPDX-License-Identifier: GPL-2.0
/*
 * HVC and SMC beside PSCI: hypercall exits, the convention's own functions,
 * and the VM's policy for SMC with its privilege.
 */
#include "harness.h"

#include <linux/capability.h>
#include <sys/random.h>

#include "snippet.h"

#define SMCCC_VERSION		0x80000000UL
#define ARCH_FEATURES		0x80000001UL
#define ARCH_SOC_ID		0x80000002UL
#define ARCH_WORKAROUND_1	0x80008000UL
#define ARCH_WORKAROUND_2	0x80007fffUL
#define ARCH_WORKAROUND_3	0x80003fffUL
#define PSCI_VERSION		0x84000000UL
#define TRNG_VERSION		0x84000050UL
#define TRNG_FEATURES		0x84000051UL
#define TRNG_GET_UUID		0x84000052UL
#define TRNG_RND32		0x84000053UL
#define TRNG_RND64		0xc4000053UL
#define QEMU_CPU_ON		0x95c1ba60UL
#define NOT_SUPPORTED		-1
#define INVALID_PARAMETERS	-2
#define ALREADY_ON		-4

/* Function ids of an OEM, 32-bit and 64-bit. */
#define OEM32			0x83000000UL
#define OEM64			0xc3000000UL

#define GARBAGE			0x5a5a5a5a00000000UL

SNIPPET(insn_hvc, "hvc #0");
SNIPPET(insn_hvc_1, "hvc #1");
SNIPPET(insn_hvc_ffff, "hvc #0xffff");
SNIPPET(insn_smc, "smc #0");
SNIPPET(insn_smc_1, "smc #1");

struct world {
	struct vm vm;
	struct vcpu vcpu;
	struct armvcpu_core_regs regs;
};

static void world_init(struct world *w)
{
	vm_init(&w->vm);
	vcpu_init(&w->vcpu, &w->vm, 0);
}

static void start_call(struct world *w, const struct snippet *insn, u64 fn, u64 x1)
{
	snippet_prepare(&w->vcpu, VCPU_MMU_ON);
	snippet_start(&w->vcpu, &w->regs, insn, x1);
	w->regs.x[0] = fn;
	vcpu_set_regs(&w->vcpu, &w->regs);
}

/* The answer of the module; no register but x0 to x3 has changed. */
static s64 expect_answer(struct world *w)
{
	unsigned int i;

	vcpu_expect(&w->vcpu, ARMVCPU_EXIT_MMIO);
	if (!snippet_is_stop(&w->vcpu) || w->vcpu.run->u.mmio.ipa != SNIPPET_STOP) {
		vcpu_print_exit(&w->vcpu);
		test_fail("the guest did not go on behind the call");
	}
	for (i = 0; i < 4; i++)
		w->regs.x[i] = w->vcpu.run->x[i];
	w->regs.pc += 4;
	snippet_check_regs(&w->vcpu, &w->regs);
	return w->regs.x[0];
}

/* ---- hypercalls -------------------------------------------------- */

FIXTURE(hypercall) {
	struct world w;
};

FIXTURE_VARIANT(hypercall) {
	const struct snippet *insn;
	u64 fn;
	u32 imm;
	bool is_32bit;
};

FIXTURE_VARIANT_ADD(hypercall, oem_32) {
	.insn = &insn_hvc, .fn = OEM32 | 5, .is_32bit = true,
};

FIXTURE_VARIANT_ADD(hypercall, oem_64) { .insn = &insn_hvc, .fn = OEM64 | 5 };

FIXTURE_VARIANT_ADD(hypercall, upper_half_32) {
	.insn = &insn_hvc, .fn = GARBAGE | OEM32 | 6, .is_32bit = true,
};

FIXTURE_VARIANT_ADD(hypercall, upper_half_64) { .insn = &insn_hvc, .fn = GARBAGE | OEM64 | 6 };
FIXTURE_VARIANT_ADD(hypercall, zero) { .insn = &insn_hvc, .fn = 0, .is_32bit = true };
FIXTURE_VARIANT_ADD(hypercall, ones) { .insn = &insn_hvc, .fn = ~0UL };

/* A yielding call, and ids just around those of PSCI. */
FIXTURE_VARIANT_ADD(hypercall, yielding) {
	.insn = &insn_hvc, .fn = 0x03000001, .is_32bit = true,
};

FIXTURE_VARIANT_ADD(hypercall, below_psci) {
	.insn = &insn_hvc, .fn = 0x83ffffff, .is_32bit = true,
};

FIXTURE_VARIANT_ADD(hypercall, above_psci) {
	.insn = &insn_hvc, .fn = 0x84000020, .is_32bit = true,
};

FIXTURE_VARIANT_ADD(hypercall, above_psci_64) { .insn = &insn_hvc, .fn = 0xc4000020 };
FIXTURE_VARIANT_ADD(hypercall, vendor_uid) {
	.insn = &insn_hvc, .fn = 0x8600ff01, .is_32bit = true,
};

/* The convention is for HVC #0: all others are the VMM's, whatever x0 says. */
FIXTURE_VARIANT_ADD(hypercall, imm_1) { .insn = &insn_hvc_1, .fn = OEM64, .imm = 1 };
FIXTURE_VARIANT_ADD(hypercall, imm_ffff) { .insn = &insn_hvc_ffff, .fn = OEM64, .imm = 0xffff };

FIXTURE_SETUP(hypercall)
{
	world_init(&self->w);
}

FIXTURE_TEARDOWN(hypercall)
{
}

TEST_F(hypercall, exits)
{
	struct armvcpu_run *run = self->w.vcpu.run;
	struct world *w = &self->w;
	unsigned int i;

	start_call(w, variant->insn, variant->fn, GARBAGE | 0x1111);
	vcpu_expect(&w->vcpu, ARMVCPU_EXIT_HYPERCALL);
	EXPECT_EQ(variant->fn, run->u.call.nr);
	EXPECT_EQ(variant->imm, run->u.call.imm);
	EXPECT_EQ(variant->is_32bit, run->u.call.is_32bit);
	EXPECT_EQ(EC_HVC64, ESR_EC(run->esr));
	/* PC is behind it: the architecture moves it. */
	w->regs.pc += 4;
	w->regs.x[0] = NOT_SUPPORTED;
	if (variant->is_32bit) {
		for (i = 1; i < 8; i++)
			w->regs.x[i] = (u32)w->regs.x[i];
	}
	snippet_check_regs(&w->vcpu, &w->regs);
	/* An answer, in more registers than four. */
	for (i = 0; i < 8; i++) {
		w->regs.x[i] = 0xa000 + i;
		run->x[i] = 0xa000 + i;
	}
	w->regs.pc -= 4;
	snippet_expect_stop(&w->vcpu, &w->regs);
}

/*
 * A VMM that knows nothing just runs on. Since version 1.1 of the convention
 * the caller relies on x4 to x17, of a 32-bit call as of any other.
 */
TEST_F(hypercall, unknown_is_not_supported)
{
	struct world *w = &self->w;

	start_call(w, variant->insn, variant->fn, 7);
	vcpu_expect(&w->vcpu, ARMVCPU_EXIT_HYPERCALL);
	EXPECT_EQ(NOT_SUPPORTED, expect_answer(w));
}

/* ---- the convention's own ---------------------------------------- */

FIXTURE(arch) {
	struct world w;
};

FIXTURE_VARIANT(arch) {
	u64 fn;
	u64 x1;
	s64 min, max;
};

FIXTURE_VARIANT_ADD(arch, version) { .fn = SMCCC_VERSION, .min = 0x10001, .max = 0x1ffff };
FIXTURE_VARIANT_ADD(arch, version_garbage) {
	.fn = GARBAGE | SMCCC_VERSION, .x1 = GARBAGE, .min = 0x10001, .max = 0x1ffff,
};

FIXTURE_VARIANT_ADD(arch, features_version) { .fn = ARCH_FEATURES, .x1 = SMCCC_VERSION };
FIXTURE_VARIANT_ADD(arch, features_features) { .fn = ARCH_FEATURES, .x1 = ARCH_FEATURES };
FIXTURE_VARIANT_ADD(arch, features_garbage) {
	.fn = GARBAGE | ARCH_FEATURES, .x1 = GARBAGE | ARCH_FEATURES,
};

/* The host's system on chip is not the guest's. */
FIXTURE_VARIANT_ADD(arch, soc_id) {
	.fn = ARCH_SOC_ID, .min = NOT_SUPPORTED, .max = NOT_SUPPORTED,
};

FIXTURE_VARIANT_ADD(arch, features_soc_id) {
	.fn = ARCH_FEATURES, .x1 = ARCH_SOC_ID, .min = NOT_SUPPORTED, .max = NOT_SUPPORTED,
};

/* Only what is the architecture's. */
FIXTURE_VARIANT_ADD(arch, features_trng) {
	.fn = ARCH_FEATURES, .x1 = TRNG_RND32, .min = NOT_SUPPORTED, .max = NOT_SUPPORTED,
};

FIXTURE_VARIANT_ADD(arch, features_psci) {
	.fn = ARCH_FEATURES, .x1 = PSCI_VERSION, .min = NOT_SUPPORTED, .max = NOT_SUPPORTED,
};

FIXTURE_VARIANT_ADD(arch, features_unknown) {
	.fn = ARCH_FEATURES, .x1 = 0x80001234, .min = NOT_SUPPORTED, .max = NOT_SUPPORTED,
};

FIXTURE_VARIANT_ADD(arch, features_oem) {
	.fn = ARCH_FEATURES, .x1 = OEM64, .min = NOT_SUPPORTED, .max = NOT_SUPPORTED,
};

FIXTURE_SETUP(arch)
{
	world_init(&self->w);
}

FIXTURE_TEARDOWN(arch)
{
}

TEST_F(arch, hvc)
{
	s64 answer;

	start_call(&self->w, &insn_hvc, variant->fn, variant->x1);
	answer = expect_answer(&self->w);
	EXPECT_LE(variant->min, answer);
	EXPECT_GE(variant->max, answer);
}

TEST_F(arch, smc)
{
	s64 answer;

	start_call(&self->w, &insn_smc, variant->fn, variant->x1);
	answer = expect_answer(&self->w);
	EXPECT_LE(variant->min, answer);
	EXPECT_GE(variant->max, answer);
}

/* ---- workarounds of the firmware's against speculation ----------- */

FIXTURE(workaround) {
	struct world w;
};

FIXTURE_VARIANT(workaround) {
	u64 fn;
	/* ID register and field that say that the core needs none, from this value on. */
	u32 id;
	u32 shift;
	u64 safe;
};

FIXTURE_VARIANT_ADD(workaround, 1) {
	.fn = ARCH_WORKAROUND_1, .id = ARMVCPU_REG_SYS(3, 0, 0, 4, 0), .shift = 56, .safe = 1,
};

FIXTURE_VARIANT_ADD(workaround, 2) {
	.fn = ARCH_WORKAROUND_2, .id = ARMVCPU_REG_SYS(3, 0, 0, 4, 1), .shift = 4, .safe = 1,
};

/* The guest is told of no more than 1 of CSV2, which is not enough. */
FIXTURE_VARIANT_ADD(workaround, 3) {
	.fn = ARCH_WORKAROUND_3, .id = ARMVCPU_REG_SYS(3, 0, 0, 4, 0), .shift = 56, .safe = 16,
};

FIXTURE_SETUP(workaround)
{
	world_init(&self->w);
}

FIXTURE_TEARDOWN(workaround)
{
}

/* Cortex-A35, A53, A55: in order. */
static bool is_in_order(u64 midr)
{
	u64 model = midr & 0xff00fff0;

	return model == 0x4100d040 || model == 0x4100d030 || model == 0x4100d050;
}

/* What a core needs that says what it needs, and for the others what can be. */
static void check_workaround(struct world *w, const struct snippet *insn, u64 fn, bool is_safe)
{
	s64 feature, answer;

	start_call(w, insn, ARCH_FEATURES, fn);
	feature = expect_answer(w);
	if (is_safe ? feature != 1 : feature < -1 || feature > 1)
		test_fail("the feature is %lld", feature);
	/* The call does what the feature says. */
	start_call(w, insn, fn, 0);
	answer = expect_answer(w);
	if (answer != (feature < 0 ? NOT_SUPPORTED : 0))
		test_fail("the feature is %lld, the answer is %lld", feature, answer);
}

TEST_F(workaround, is_as_the_core_says)
{
	struct world *w = &self->w;
	bool is_safe = (vcpu_get(&w->vcpu, variant->id) >> variant->shift & 0xf) >= variant->safe ||
		       is_in_order(vcpu_get(&w->vcpu, ARMVCPU_REG_SYS(3, 0, 0, 0, 0)));

	check_workaround(w, &insn_hvc, variant->fn, is_safe);
	check_workaround(w, &insn_smc, variant->fn, is_safe);
}

/* ---- random numbers (DEN0098) ------------------------------------ */

FIXTURE(trng) {
	struct world w;
};

FIXTURE_VARIANT(trng) {
	u64 fn;
	u64 x1;
	s64 answer;
	/* Of random numbers: how many bits, in words of how many. */
	unsigned int bits, width;
};

#define TRNG(_fn, _x1, _answer) { .fn = (_fn), .x1 = (_x1), .answer = (_answer) }
#define RND32(_bits) { .fn = TRNG_RND32, .bits = (_bits), .width = 32 }
#define RND64(_bits) { .fn = TRNG_RND64, .bits = (_bits), .width = 64 }

FIXTURE_VARIANT_ADD(trng, version) TRNG(TRNG_VERSION, 0, 0x10000);
FIXTURE_VARIANT_ADD(trng, version_garbage) TRNG(GARBAGE | TRNG_VERSION, GARBAGE, 0x10000);
FIXTURE_VARIANT_ADD(trng, features_version) TRNG(TRNG_FEATURES, TRNG_VERSION, 0);
FIXTURE_VARIANT_ADD(trng, features_features) TRNG(TRNG_FEATURES, TRNG_FEATURES, 0);
FIXTURE_VARIANT_ADD(trng, features_get_uuid) TRNG(TRNG_FEATURES, TRNG_GET_UUID, 0);
FIXTURE_VARIANT_ADD(trng, features_rnd32) TRNG(TRNG_FEATURES, TRNG_RND32, 0);
FIXTURE_VARIANT_ADD(trng, features_rnd64) TRNG(TRNG_FEATURES, GARBAGE | TRNG_RND64, 0);
FIXTURE_VARIANT_ADD(trng, features_unknown) TRNG(TRNG_FEATURES, TRNG_RND32 + 1, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(trng, features_of_others) TRNG(TRNG_FEATURES, PSCI_VERSION, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(trng, rnd32_none) TRNG(TRNG_RND32, 0, INVALID_PARAMETERS);
FIXTURE_VARIANT_ADD(trng, rnd32_97) TRNG(TRNG_RND32, 97, INVALID_PARAMETERS);
FIXTURE_VARIANT_ADD(trng, rnd32_wild) TRNG(TRNG_RND32, 0xffffffff, INVALID_PARAMETERS);
FIXTURE_VARIANT_ADD(trng, rnd64_none) TRNG(TRNG_RND64, 0, INVALID_PARAMETERS);
FIXTURE_VARIANT_ADD(trng, rnd64_193) TRNG(TRNG_RND64, 193, INVALID_PARAMETERS);
/* 64 bits count. */
FIXTURE_VARIANT_ADD(trng, rnd64_wild) TRNG(TRNG_RND64, GARBAGE | 8, INVALID_PARAMETERS);
FIXTURE_VARIANT_ADD(trng, rnd32_1) RND32(1);
FIXTURE_VARIANT_ADD(trng, rnd32_31) RND32(31);
FIXTURE_VARIANT_ADD(trng, rnd32_32) RND32(32);
FIXTURE_VARIANT_ADD(trng, rnd32_33) RND32(33);
FIXTURE_VARIANT_ADD(trng, rnd32_96) RND32(96);
FIXTURE_VARIANT_ADD(trng, rnd64_1) RND64(1);
FIXTURE_VARIANT_ADD(trng, rnd64_63) RND64(63);
FIXTURE_VARIANT_ADD(trng, rnd64_64) RND64(64);
FIXTURE_VARIANT_ADD(trng, rnd64_129) RND64(129);
FIXTURE_VARIANT_ADD(trng, rnd64_192) RND64(192);

FIXTURE_SETUP(trng)
{
	u8 byte;

	/* Waits until the host has some. */
	ASSERT_EQ(1, getrandom(&byte, 1, 0));
	world_init(&self->w);
}

FIXTURE_TEARDOWN(trng)
{
}

/* Bits of word @i, x3 first, of @bits random ones. */
static u64 random_mask(unsigned int bits, unsigned int width, unsigned int i)
{
	unsigned int here = bits > i * width ? bits - i * width : 0;

	if (here >= width)
		here = width;
	return here == 64 ? ~0UL : BIT(here) - 1;
}

/* Each bit that was asked for is once set and once clear, and no other. */
static void check_random(struct world *w, const struct snippet *insn, u64 fn,
			 unsigned int bits, unsigned int width)
{
	u64 ones[3] = { 0 }, zeroes[3] = { 0 };
	unsigned int i, n;

	for (n = 0; n < 30; n++) {
		start_call(w, insn, fn, bits);
		if (expect_answer(w))
			test_fail("x0 is %lld", (s64)w->regs.x[0]);
		for (i = 0; i < 3; i++) {
			ones[i] |= w->regs.x[3 - i];
			zeroes[i] |= ~w->regs.x[3 - i];
		}
	}
	for (i = 0; i < 3; i++) {
		if (ones[i] != random_mask(bits, width, i) || ~zeroes[i])
			test_fail("x%u has had 0x%llx set and 0x%llx clear", 3 - i, ones[i],
				  zeroes[i]);
	}
}

static void check_trng(struct world *w, const struct snippet *insn, u64 fn, u64 x1, s64 answer)
{
	unsigned int i;

	start_call(w, insn, fn, x1);
	for (i = 2; i < 4; i++)
		w->vcpu.run->x[i] = POISON;
	if (expect_answer(w) != answer)
		test_fail("x0 is %lld, not %lld", (s64)w->regs.x[0], answer);
	for (i = 1; i < 4; i++) {
		if (w->regs.x[i])
			test_fail("x%u is 0x%llx", i, w->regs.x[i]);
	}
}

TEST_F(trng, hvc)
{
	if (variant->width)
		check_random(&self->w, &insn_hvc, variant->fn, variant->bits, variant->width);
	else
		check_trng(&self->w, &insn_hvc, variant->fn, variant->x1, variant->answer);
}

TEST_F(trng, smc)
{
	if (variant->width)
		check_random(&self->w, &insn_smc, variant->fn, variant->bits, variant->width);
	else
		check_trng(&self->w, &insn_smc, variant->fn, variant->x1, variant->answer);
}

/* The same wherever it is asked for; no number that could be an error's. */
TEST(trng_uuid)
{
	struct armvcpu_core_regs first;
	struct world w;
	unsigned int i;

	world_init(&w);
	start_call(&w, &insn_hvc, TRNG_GET_UUID, 0);
	expect_answer(&w);
	first = w.regs;
	EXPECT_NE(0xffffffff, (u32)first.x[0]);
	/* Version 4, variant 1. */
	EXPECT_EQ(4, first.x[1] >> 20 & 0xf);
	EXPECT_EQ(2, first.x[2] >> 6 & 3);
	start_call(&w, &insn_smc, TRNG_GET_UUID, 0);
	expect_answer(&w);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, first.x[i] >> 32);
		EXPECT_EQ(first.x[i], w.regs.x[i]);
	}
}

/* ---- SMC and the policy ------------------------------------------ */

static int set_policy(struct vm *vm, const struct armvcpu_smccc_range *ranges, u32 count)
{
	struct armvcpu_smccc_policy arg = { .count = count, .ranges = (u64)ranges };

	return xioctl(vm->fd, ARMVCPU_SET_SMCCC_POLICY, &arg);
}

FIXTURE(smc) {
	struct world w;
};

FIXTURE_VARIANT(smc) {
	u64 fn;
	const struct snippet *insn;
	u32 want;		/* ARMVCPU_SMCCC_* of the result */
};

/*
 * Not in this order, so that the module has to sort: USER in two ranges that
 * touch, DENY for the convention's version, USER for PSCI, which has no effect.
 */
static const struct armvcpu_smccc_range policy[] = {
	{ .base = OEM64 + 0x10, .count = 0x10, .action = ARMVCPU_SMCCC_USER },
	{ .base = OEM32, .count = 1, .action = ARMVCPU_SMCCC_USER },
	{ .base = SMCCC_VERSION, .count = 1, .action = ARMVCPU_SMCCC_DENY },
	{ .base = OEM64 + 0x20, .count = 1, .action = ARMVCPU_SMCCC_USER },
	{ .base = OEM64 + 0x30, .count = 0x10, .action = ARMVCPU_SMCCC_DENY },
	{ .base = PSCI_VERSION, .count = 0x20, .action = ARMVCPU_SMCCC_USER },
	{ .base = ~0U, .count = 1, .action = ARMVCPU_SMCCC_USER },
	{ .base = 0, .count = 2, .action = ARMVCPU_SMCCC_USER },
};

FIXTURE_VARIANT_ADD(smc, unlisted) { .fn = OEM64 };
FIXTURE_VARIANT_ADD(smc, unlisted_32) { .fn = OEM32 + 1 };
FIXTURE_VARIANT_ADD(smc, before_a_range) { .fn = OEM64 + 0xf };
FIXTURE_VARIANT_ADD(smc, first_of_a_range) { .fn = OEM64 + 0x10, .want = ARMVCPU_SMCCC_USER };
FIXTURE_VARIANT_ADD(smc, last_of_a_range) { .fn = OEM64 + 0x1f, .want = ARMVCPU_SMCCC_USER };
FIXTURE_VARIANT_ADD(smc, the_range_behind) { .fn = OEM64 + 0x20, .want = ARMVCPU_SMCCC_USER };
FIXTURE_VARIANT_ADD(smc, behind_the_ranges) { .fn = OEM64 + 0x21 };
FIXTURE_VARIANT_ADD(smc, denied) { .fn = OEM64 + 0x35 };
FIXTURE_VARIANT_ADD(smc, denied_version) { .fn = SMCCC_VERSION };
FIXTURE_VARIANT_ADD(smc, one_id_32) { .fn = OEM32, .want = ARMVCPU_SMCCC_USER };
FIXTURE_VARIANT_ADD(smc, upper_half) { .fn = GARBAGE | OEM32, .want = ARMVCPU_SMCCC_USER };
FIXTURE_VARIANT_ADD(smc, first_id_of_all) { .fn = 0, .want = ARMVCPU_SMCCC_USER };
FIXTURE_VARIANT_ADD(smc, last_id_of_all) { .fn = ~0UL, .want = ARMVCPU_SMCCC_USER };
/* SMC of another immediate is nobody's. */
FIXTURE_VARIANT_ADD(smc, imm_1) { .fn = OEM64 + 0x10, .insn = &insn_smc_1 };

FIXTURE_SETUP(smc)
{
	world_init(&self->w);
	ASSERT_EQ(0, set_policy(&self->w.vm, policy, ARRAY_SIZE(policy)));
}

FIXTURE_TEARDOWN(smc)
{
}

TEST_F(smc, by_policy)
{
	const struct snippet *insn = variant->insn ?: &insn_smc;
	struct armvcpu_run *run = self->w.vcpu.run;
	struct world *w = &self->w;
	unsigned int i;

	start_call(w, insn, variant->fn, GARBAGE | 0x1111);
	if (variant->want == ARMVCPU_SMCCC_DENY) {
		EXPECT_EQ(NOT_SUPPORTED, expect_answer(w));
		return;
	}
	vcpu_expect(&w->vcpu, ARMVCPU_EXIT_SMC);
	EXPECT_EQ(variant->fn, run->u.call.nr);
	EXPECT_EQ(0, run->u.call.imm);
	EXPECT_EQ(!(variant->fn & BIT(30)), run->u.call.is_32bit);
	EXPECT_EQ(EC_SMC64, ESR_EC(run->esr));
	w->regs.x[0] = NOT_SUPPORTED;
	if (run->u.call.is_32bit) {
		for (i = 1; i < 8; i++)
			w->regs.x[i] = (u32)w->regs.x[i];
	}
	/* PC of an SMC exit is where it is of an HVC exit: behind it. */
	w->regs.pc += 4;
	snippet_check_regs(&w->vcpu, &w->regs);
	for (i = 0; i < 18; i++) {
		w->regs.x[i] = 0xb000 + i;
		run->x[i] = 0xb000 + i;
	}
	w->regs.pc -= 4;
	snippet_expect_stop(&w->vcpu, &w->regs);
}

TEST(policy_never_sees_psci)
{
	struct world w;

	world_init(&w);
	ASSERT_EQ(0, set_policy(&w.vm, policy, ARRAY_SIZE(policy)));
	start_call(&w, &insn_smc, PSCI_VERSION, 0);
	EXPECT_EQ(0x10001, expect_answer(&w));
}

/* HVC is not SMC: the list says nothing about it. */
TEST(policy_is_for_smc_only)
{
	struct world w;

	world_init(&w);
	ASSERT_EQ(0, set_policy(&w.vm, policy, ARRAY_SIZE(policy)));
	start_call(&w, &insn_hvc, SMCCC_VERSION, 0);
	EXPECT_LE(0x10001, expect_answer(&w));
	start_call(&w, &insn_hvc, OEM64 + 0x35, 0);
	vcpu_expect(&w.vcpu, ARMVCPU_EXIT_HYPERCALL);
}

TEST(policy_replaces_the_whole_list)
{
	const struct armvcpu_smccc_range other = {
		.base = OEM64, .count = 1, .action = ARMVCPU_SMCCC_USER,
	};
	struct world w;

	world_init(&w);
	ASSERT_EQ(0, set_policy(&w.vm, policy, ARRAY_SIZE(policy)));
	ASSERT_EQ(0, set_policy(&w.vm, &other, 1));
	start_call(&w, &insn_smc, OEM64 + 0x10, 0);
	EXPECT_EQ(NOT_SUPPORTED, expect_answer(&w));
	start_call(&w, &insn_smc, OEM64, 0);
	vcpu_expect(&w.vcpu, ARMVCPU_EXIT_SMC);
}

TEST(policy_can_be_emptied)
{
	struct world w;

	world_init(&w);
	ASSERT_EQ(0, set_policy(&w.vm, policy, ARRAY_SIZE(policy)));
	ASSERT_EQ(0, set_policy(&w.vm, NULL, 0));
	start_call(&w, &insn_smc, OEM64 + 0x10, 0);
	EXPECT_EQ(NOT_SUPPORTED, expect_answer(&w));
	start_call(&w, &insn_smc, SMCCC_VERSION, 0);
	EXPECT_LE(0x10001, expect_answer(&w));
}

/* A list that is refused leaves the one that was. */
FIXTURE(refused) {
	struct world w;
};

FIXTURE_VARIANT(refused) {
	struct armvcpu_smccc_range ranges[3];
	u32 count;
};

FIXTURE_VARIANT_ADD(refused, no_ids) { .ranges = { { 5, 0, 0, 0 } }, .count = 1 };
FIXTURE_VARIANT_ADD(refused, wraps) { .ranges = { { ~0U, 2, 0, 0 } }, .count = 1 };
FIXTURE_VARIANT_ADD(refused, wraps_far) { .ranges = { { 0x80000000, ~0U, 0, 0 } }, .count = 1 };
FIXTURE_VARIANT_ADD(refused, unknown_action) { .ranges = { { 5, 1, 3, 0 } }, .count = 1 };
FIXTURE_VARIANT_ADD(refused, wild_action) { .ranges = { { 5, 1, ~0U, 0 } }, .count = 1 };
FIXTURE_VARIANT_ADD(refused, reserved) { .ranges = { { 5, 1, 0, 1 } }, .count = 1 };
FIXTURE_VARIANT_ADD(refused, overlap) {
	.ranges = { { 5, 10, 1, 0 }, { 14, 1, 1, 0 } }, .count = 2,
};

FIXTURE_VARIANT_ADD(refused, overlap_unsorted) {
	.ranges = { { 14, 1, 1, 0 }, { 100, 1, 1, 0 }, { 5, 10, 1, 0 } }, .count = 3,
};

FIXTURE_VARIANT_ADD(refused, twice) {
	.ranges = { { 5, 1, 1, 0 }, { 5, 1, 1, 0 } }, .count = 2,
};

FIXTURE_VARIANT_ADD(refused, within) {
	.ranges = { { 0, ~0U, 1, 0 }, { 5, 1, 1, 0 } }, .count = 2,
};

FIXTURE_VARIANT_ADD(refused, the_last_of_three) {
	.ranges = { { 1, 1, 1, 0 }, { 2, 1, 1, 0 }, { 3, 1, 7, 0 } }, .count = 3,
};

FIXTURE_SETUP(refused)
{
	world_init(&self->w);
	ASSERT_EQ(0, set_policy(&self->w.vm, policy, ARRAY_SIZE(policy)));
}

FIXTURE_TEARDOWN(refused)
{
}

TEST_F(refused, leaves_the_old_list)
{
	EXPECT_EQ(-EINVAL, set_policy(&self->w.vm, variant->ranges, variant->count));
	start_call(&self->w, &insn_smc, OEM64 + 0x10, 0);
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_SMC);
	start_call(&self->w, &insn_smc, 5, 0);
	EXPECT_EQ(NOT_SUPPORTED, expect_answer(&self->w));
}

TEST(policy_of_64_ranges)
{
	struct armvcpu_smccc_range ranges[ARMVCPU_SMCCC_MAX_RANGES + 1];
	struct world w;
	unsigned int i;

	memset(ranges, 0, sizeof(ranges));
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		ranges[i].base = OEM64 + 2 * ((i * 37) % 65);
		ranges[i].count = 1;
		ranges[i].action = ARMVCPU_SMCCC_USER;
	}
	world_init(&w);
	EXPECT_EQ(-EINVAL, set_policy(&w.vm, ranges, ARMVCPU_SMCCC_MAX_RANGES + 1));
	ASSERT_EQ(0, set_policy(&w.vm, ranges, ARMVCPU_SMCCC_MAX_RANGES));
	for (i = 0; i < ARMVCPU_SMCCC_MAX_RANGES; i++) {
		start_call(&w, &insn_smc, ranges[i].base, 0);
		vcpu_expect(&w.vcpu, ARMVCPU_EXIT_SMC);
		start_call(&w, &insn_smc, ranges[i].base + 1, 0);
		ASSERT_EQ(NOT_SUPPORTED, expect_answer(&w));
	}
}

TEST(policy_is_final_once_a_vcpu_has_run)
{
	struct vcpu other;
	struct world w;

	world_init(&w);
	vcpu_init(&other, &w.vm, 0);
	ASSERT_EQ(0, set_policy(&w.vm, policy, ARRAY_SIZE(policy)));
	snippet_prepare(&w.vcpu, VCPU_MMU_ON);
	EXPECT_EQ(-EBUSY, set_policy(&w.vm, policy, ARRAY_SIZE(policy)));
	EXPECT_EQ(-EBUSY, set_policy(&w.vm, NULL, 0));
	/* It is what it was. */
	start_call(&w, &insn_smc, OEM64 + 0x10, 0);
	vcpu_expect(&w.vcpu, ARMVCPU_EXIT_SMC);
}

/* ---- firmware ---------------------------------------------------- */

static const struct armvcpu_smccc_range forward[] = {
	{ .base = SMCCC_VERSION, .count = 2, .action = ARMVCPU_SMCCC_FORWARD },
	{ .base = OEM64, .count = 1, .action = ARMVCPU_SMCCC_FORWARD },
	{ .base = QEMU_CPU_ON, .count = 1, .action = ARMVCPU_SMCCC_FORWARD },
};

/* The rights of this process, not of this user, count. */
TEST(forward_needs_the_privilege)
{
	struct world w;

	world_init(&w);
	drop_capability(CAP_SYS_RAWIO);
	EXPECT_EQ(-EPERM, set_policy(&w.vm, forward, ARRAY_SIZE(forward)));
	EXPECT_EQ(-EPERM, set_policy(&w.vm, forward + 1, 1));
	/* The other two do not. */
	EXPECT_EQ(0, set_policy(&w.vm, policy, ARRAY_SIZE(policy)));
	/* And what is wrong anyway is wrong first. */
	start_call(&w, &insn_smc, OEM64 + 0x10, 0);
	vcpu_expect(&w.vcpu, ARMVCPU_EXIT_SMC);
}

TEST(forward_reaches_the_firmware)
{
	struct world w;
	int ret;

	world_init(&w);
	ret = set_policy(&w.vm, forward, ARRAY_SIZE(forward));
	if (ret == -EOPNOTSUPP)
		SKIP(return, "this host has no firmware behind SMC");
	ASSERT_EQ(0, ret);
	/*
	 * The module would answer this itself; QEMU's firmware is PSCI and
	 * nothing else.
	 */
	start_call(&w, &insn_smc, SMCCC_VERSION, 0);
	EXPECT_EQ(NOT_SUPPORTED, expect_answer(&w));
	start_call(&w, &insn_smc, OEM64, 0);
	EXPECT_EQ(NOT_SUPPORTED, expect_answer(&w));
	/* Not on the list, and PSCI: not forwarded. */
	start_call(&w, &insn_smc, PSCI_VERSION, 0);
	EXPECT_EQ(0x10001, expect_answer(&w));
}

/*
 * QEMU's firmware also knows PSCI 0.1, by ids of its own that are nobody's in
 * the convention. What CPU_ON answers depends on its x1: it is not there, or
 * runs already, as the CPU that asks does.
 */
TEST(forward_passes_arguments)
{
	struct armvcpu_core_regs regs;
	struct world w;
	unsigned int i;
	int ret;

	world_init(&w);
	ret = set_policy(&w.vm, forward, ARRAY_SIZE(forward));
	if (ret == -EOPNOTSUPP)
		SKIP(return, "this host has no firmware behind SMC");
	ASSERT_EQ(0, ret);
	start_call(&w, &insn_smc, QEMU_CPU_ON, 0xffff);
	regs = w.regs;
	ret = expect_answer(&w);
	if (ret == NOT_SUPPORTED)
		SKIP(return, "this firmware has no call whose answer tells");
	EXPECT_EQ(INVALID_PARAMETERS, ret);
	/* What is no result is as it was, upper halves included. */
	for (i = 1; i < 4; i++)
		EXPECT_EQ(regs.x[i], w.regs.x[i]);
	/* CPU 0 of the host; a 32-bit call passes 32 bits. */
	start_call(&w, &insn_smc, QEMU_CPU_ON, 0);
	EXPECT_EQ(ALREADY_ON, expect_answer(&w));
	start_call(&w, &insn_smc, QEMU_CPU_ON, GARBAGE);
	EXPECT_EQ(ALREADY_ON, expect_answer(&w));
	EXPECT_EQ(GARBAGE, w.regs.x[1]);
}

/* A guest's reset is not the host's, whatever the list says. */
TEST(forward_of_psci_has_no_effect)
{
	const struct armvcpu_smccc_range all = {
		.base = PSCI_VERSION, .count = 0x20, .action = ARMVCPU_SMCCC_FORWARD,
	};
	struct world w;
	int ret;

	world_init(&w);
	ret = set_policy(&w.vm, &all, 1);
	if (ret == -EOPNOTSUPP)
		SKIP(return, "this host has no firmware behind SMC");
	ASSERT_EQ(0, ret);
	start_call(&w, &insn_smc, 0x84000009, 0);
	vcpu_expect(&w.vcpu, ARMVCPU_EXIT_PSCI);
	EXPECT_EQ(ARMVCPU_PSCI_SYSTEM_RESET, w.vcpu.run->u.psci.event);
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
