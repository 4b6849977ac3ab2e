// SPDX-License-Identifier: GPL-2.0
/*
 * Pointer authentication of guests, on cores that have it: the keys are the
 * vCPU's, across exits and CPUs; what is signed can be authenticated; and neither
 * side ever has the other's keys.
 */
#include "harness.h"

#include "snippet.h"

#define NR_KEYS		10
#define SCTLR_ENIA	BIT(31)
#define POINTER		0x12345678UL

/* By the number of the key: APIA, APIB, APDA, APDB, APGA, each Lo and Hi. */
static u32 key_id(unsigned int n)
{
	return ARMVCPU_REG_SYS(3, 0, 2, 1 + n / 4, n % 4);
}

struct world {
	struct vm vm;
	struct vcpu vcpu, second;
};

FIXTURE(pauth) {
	struct world w;
};

FIXTURE_SETUP(pauth)
{
	vm_init(&self->w.vm);
	vcpu_init(&self->w.vcpu, &self->w.vm, 0);
	vcpu_init(&self->w.second, &self->w.vm, 0);
	if (!vcpu_has_pauth(&self->w.vcpu))
		SKIP(_exit(255), "this core has no pointer authentication");
}

FIXTURE_TEARDOWN(pauth)
{
}

/* By encoding: the assembler knows what it was told that the core has. */
static u64 read_key(u64 n)
{
	switch (n) {
	case 0:
		return read_sysreg(s3_0_c2_c1_0);
	case 1:
		return read_sysreg(s3_0_c2_c1_1);
	case 2:
		return read_sysreg(s3_0_c2_c1_2);
	case 3:
		return read_sysreg(s3_0_c2_c1_3);
	case 4:
		return read_sysreg(s3_0_c2_c2_0);
	case 5:
		return read_sysreg(s3_0_c2_c2_1);
	case 6:
		return read_sysreg(s3_0_c2_c2_2);
	case 7:
		return read_sysreg(s3_0_c2_c2_3);
	case 8:
		return read_sysreg(s3_0_c2_c3_0);
	default:
		return read_sysreg(s3_0_c2_c3_1);
	}
}

static void write_key(u64 n, u64 value)
{
	switch (n) {
	case 0:
		write_sysreg(value, s3_0_c2_c1_0);
		break;
	case 1:
		write_sysreg(value, s3_0_c2_c1_1);
		break;
	case 2:
		write_sysreg(value, s3_0_c2_c1_2);
		break;
	case 3:
		write_sysreg(value, s3_0_c2_c1_3);
		break;
	case 4:
		write_sysreg(value, s3_0_c2_c2_0);
		break;
	case 5:
		write_sysreg(value, s3_0_c2_c2_1);
		break;
	case 6:
		write_sysreg(value, s3_0_c2_c2_2);
		break;
	case 7:
		write_sysreg(value, s3_0_c2_c2_3);
		break;
	case 8:
		write_sysreg(value, s3_0_c2_c3_0);
		break;
	case 9:
		write_sysreg(value, s3_0_c2_c3_1);
		break;
	}
}

static u64 key_value(u64 seed, u64 n)
{
	return (seed * 16 + n + 1) * 0x9e3779b97f4a7c15UL;
}

static void guest_check_keys(u64 seed)
{
	u64 n;

	for (n = 0; n < NR_KEYS; n++)
		GUEST_ASSERT_EQ(key_value(seed, n), read_key(n));
}

static u64 sign(u64 pointer, u64 modifier)
{
	register u64 x0 asm("x0") = pointer;
	register u64 x1 asm("x1") = modifier;

	asm volatile(".inst 0xdac10020" : "+r"(x0) : "r"(x1));	/* pacia x0, x1 */
	return x0;
}

static u64 authenticate(u64 pointer, u64 modifier)
{
	register u64 x0 asm("x0") = pointer;
	register u64 x1 asm("x1") = modifier;

	asm volatile(".inst 0xdac11020" : "+r"(x0) : "r"(x1));	/* autia x0, x1 */
	return x0;
}

/* Keys are zero at first, whatever the host has; then they are the guest's. */
static void guest_keys(u64 seed)
{
	u64 i;

	for (i = 0; i < NR_KEYS; i++)
		GUEST_ASSERT_EQ(0, read_key(i));
	for (i = 0; i < NR_KEYS; i++)
		write_key(i, key_value(seed, i));
	for (i = 0; i < 8; i++) {
		guest_check_keys(seed);
		GUEST_SYNC(1);
	}
	guest_check_keys(seed);
}

TEST_F(pauth, keys_are_the_vcpus)
{
	struct world *w = &self->w;
	unsigned int n;
	int i;

	vcpu_call(&w->vcpu, guest_keys, 1);
	vcpu_call(&w->second, guest_keys, 2);
	for (i = 0; i < 8; i++) {
		pin_to_cpu(i % nr_cpus());
		vcpu_expect_sync(&w->vcpu, 1);
		vcpu_expect_sync(&w->second, 1);
	}
	vcpu_expect_done(&w->vcpu);
	for (n = 0; n < NR_KEYS; n++) {
		EXPECT_EQ(key_value(1, n), vcpu_get(&w->vcpu, key_id(n)));
		EXPECT_EQ(key_value(2, n), vcpu_get(&w->second, key_id(n)));
	}
}

static void guest_signs(u64 rounds)
{
	u64 i, signature;

	write_sysreg(read_sysreg(sctlr_el1) | SCTLR_ENIA, sctlr_el1);
	isb();
	signature = sign(POINTER, 7);
	/* One modifier in 128 has the same. */
	GUEST_ASSERT(signature != sign(POINTER, 8) || signature != sign(POINTER, 9) ||
		     signature != sign(POINTER, 10));
	for (i = 0; i < rounds; i++) {
		GUEST_SYNC(1);
		GUEST_ASSERT_EQ(signature, sign(POINTER, 7));
		GUEST_ASSERT_EQ(POINTER, authenticate(signature, 7));
	}
	/* The key goes in. */
	GUEST_SYNC_ARGS(2, signature, 0, 0);
}

/* The first use is an instruction, and no access to a key. */
TEST_F(pauth, signatures_last)
{
	struct vcpu *vcpu = &self->w.vcpu;
	int i;

	vcpu_set(vcpu, key_id(0), 0x1122334455667788);
	vcpu_set(vcpu, key_id(1), 0x99aabbccddeeff00);
	vcpu_call(vcpu, guest_signs, 8);
	for (i = 0; i < 8; i++) {
		pin_to_cpu(i % nr_cpus());
		vcpu_expect_sync(vcpu, 1);
	}
	vcpu_expect_sync(vcpu, 2);
	EXPECT_EQ(0x1122334455667788, vcpu_get(vcpu, key_id(0)));
}

/* Saved from one, set on another: it signs alike. */
TEST_F(pauth, saved_and_restored)
{
	struct world *w = &self->w;
	u64 signature;
	unsigned int n;

	for (n = 0; n < NR_KEYS; n++)
		vcpu_set(&w->vcpu, key_id(n), key_value(3, n));
	vcpu_call(&w->vcpu, guest_signs, 0);
	vcpu_expect_sync(&w->vcpu, 2);
	signature = vcpu_sync_arg(&w->vcpu, 0);
	for (n = 0; n < NR_KEYS; n++)
		vcpu_set(&w->second, key_id(n), vcpu_get(&w->vcpu, key_id(n)));
	vcpu_call(&w->second, guest_signs, 0);
	vcpu_expect_sync(&w->second, 2);
	EXPECT_EQ(signature, vcpu_sync_arg(&w->second, 0));
}

/* This process has keys, too, if the kernel gives it some. */
TEST_F(pauth, the_hosts_keys_stay)
{
	struct vcpu *vcpu = &self->w.vcpu;
	u64 signature = sign(POINTER, 7);
	int i;

	if (signature == POINTER)
		SKIP(return, "the host does not use pointer authentication");
	vcpu_call(vcpu, guest_keys, 4);
	for (i = 0; i < 8; i++) {
		pin_to_cpu(i % nr_cpus());
		vcpu_expect_sync(vcpu, 1);
		EXPECT_EQ(signature, sign(POINTER, 7));
		EXPECT_EQ(POINTER, authenticate(signature, 7));
	}
}

TEST_F(pauth, the_list_has_the_keys)
{
	u32 *ids, count, i, keys = 0;
	unsigned int n;

	ids = vcpu_reg_list(&self->w.vcpu, &count);
	for (i = 0; i < count; i++) {
		for (n = 0; n < NR_KEYS; n++)
			keys += ids[i] == key_id(n);
	}
	EXPECT_EQ(NR_KEYS, keys);
}

static void guest_has_none(void)
{
	u64 n;

	write_sysreg(read_sysreg(sctlr_el1) | SCTLR_ENIA, sctlr_el1);
	isb();
	for (n = 0; n < NR_KEYS; n++)
		GUEST_ASSERT_EQ(1, GUEST_TRAP((void)read_key(n))->count);
	GUEST_ASSERT_EQ(1, GUEST_TRAP((void)sign(POINTER, 7))->count);
}

TEST_F(pauth, hidden_by_the_vmm)
{
	struct vcpu *vcpu = &self->w.vcpu;
	u32 *ids, count, i;
	unsigned int n;
	u64 value;

	vcpu_hide_pauth(vcpu);
	EXPECT_FALSE(vcpu_has_pauth(vcpu));
	vcpu_call(vcpu, guest_has_none);
	vcpu_expect_done(vcpu);
	ids = vcpu_reg_list(vcpu, &count);
	for (n = 0; n < NR_KEYS; n++) {
		for (i = 0; i < count; i++)
			EXPECT_NE(ids[i], key_id(n));
		EXPECT_EQ(-ENOENT, vcpu_try_get(vcpu, key_id(n), &value));
		EXPECT_EQ(-ENOENT, vcpu_try_set(vcpu, key_id(n), 1));
	}
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
