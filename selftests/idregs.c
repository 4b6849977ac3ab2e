// SPDX-License-Identifier: GPL-2.0
/*
 * ID registers: a guest is told of what it can use and of nothing else; the VMM
 * can tell it of less until it runs, and what is hidden is not there.
 */
#include "harness.h"

#include "snippet.h"

#define CODE		GUEST_RAM

/* CRm and op2 */
#define ID(crm, op2)	((crm) * 8 + (op2))
#define NR_ID		64

#define PFR0		ID(4, 0)
#define PFR1		ID(4, 1)
#define DFR0		ID(5, 0)
#define ISAR0		ID(6, 0)
#define ISAR1		ID(6, 1)
#define ISAR2		ID(6, 2)
#define MMFR0		ID(7, 0)
#define MMFR1		ID(7, 1)
#define MMFR2		ID(7, 2)

#define MIDR		ARMVCPU_REG_SYS(3, 0, 0, 0, 0)
#define REVIDR		ARMVCPU_REG_SYS(3, 0, 0, 0, 6)
#define AIDR		ARMVCPU_REG_SYS(3, 1, 0, 0, 7)
#define CLIDR		ARMVCPU_REG_SYS(3, 1, 0, 0, 1)
#define CTR		ARMVCPU_REG_SYS(3, 3, 0, 0, 1)
#define CTR_IDC		BIT(28)

/* By its number ID() among them. */
static u32 id_reg(unsigned int n)
{
	return ARMVCPU_REG_SYS(3, 0, 0, n / 8, n % 8);
}

static u64 field(u64 value, unsigned int shift)
{
	return value >> shift & 0xf;
}

static u64 with_field(u64 value, unsigned int shift, u64 bits)
{
	return (value & ~(0xfUL << shift)) | (bits & 0xf) << shift;
}

struct world {
	struct vm vm;
	struct vcpu vcpu;
	struct armvcpu_core_regs regs;
	struct snippet *code;
};

static void world_init(struct world *w)
{
	vm_init(&w->vm);
	vcpu_init(&w->vcpu, &w->vm, 0);
	w->code = vm_add_memory(&w->vm, 0, CODE, 0x10000);
}

static u64 id_get(struct world *w, unsigned int n)
{
	return vcpu_get(&w->vcpu, id_reg(n));
}

static int id_set(struct world *w, unsigned int n, u64 value)
{
	return vcpu_try_set(&w->vcpu, id_reg(n), value);
}

/* The guest reads a register, at an address of its own: no stale instruction. */
static u64 guest_mrs(struct vcpu *vcpu, struct snippet *code, u32 sysreg)
{
	static unsigned int used;
	struct armvcpu_core_regs regs;
	u64 address = CODE + used * sizeof(*code);

	snippet_make(&code[used], insn_mrs(sysreg, 5));
	used = (used + 1) % 0x1000;
	snippet_start(vcpu, &regs, (void *)address, 0);
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	if (!snippet_is_stop(vcpu))
		test_fail("a read of register 0x%x", sysreg);
	return vcpu->run->x[5];
}

/* ---- the view ---------------------------------------------------- */

/*
 * Every field of every register that may be anything but zero, and the values
 * that it may have; -1 and 15 are the same.
 */
static const struct {
	u8 reg;
	u8 shift;
	int min, max;
} shown[] = {
	{ PFR0, 0, 1, 2 }, { PFR0, 4, 1, 1 }, { PFR0, 16, -1, 1 }, { PFR0, 20, -1, 1 },
	{ PFR0, 48, 0, 1 }, { PFR0, 56, 0, 1 }, { PFR0, 60, 0, 1 },
	{ PFR1, 0, 0, 1 }, { PFR1, 4, 0, 2 },
	{ DFR0, 0, 6, 6 }, { DFR0, 12, 1, 15 }, { DFR0, 20, 1, 15 }, { DFR0, 28, 0, 15 },
	{ ISAR0, 4, 0, 2 }, { ISAR0, 8, 0, 1 }, { ISAR0, 12, 0, 2 }, { ISAR0, 16, 0, 1 },
	{ ISAR0, 20, 0, 2 }, { ISAR0, 28, 0, 1 }, { ISAR0, 32, 0, 1 }, { ISAR0, 36, 0, 1 },
	{ ISAR0, 40, 0, 1 }, { ISAR0, 44, 0, 1 }, { ISAR0, 48, 0, 1 }, { ISAR0, 52, 0, 2 },
	{ ISAR0, 56, 0, 2 }, { ISAR0, 60, 0, 1 },
	{ ISAR1, 4, 0, 5 }, { ISAR1, 8, 0, 5 }, { ISAR1, 24, 0, 1 }, { ISAR1, 28, 0, 1 },
	{ ISAR2, 8, 0, 1 }, { ISAR2, 12, 0, 5 },
	{ ISAR1, 0, 0, 2 }, { ISAR1, 12, 0, 1 }, { ISAR1, 16, 0, 1 }, { ISAR1, 20, 0, 3 },
	{ ISAR1, 32, 0, 1 }, { ISAR1, 36, 0, 1 }, { ISAR1, 40, 0, 2 }, { ISAR1, 44, 0, 2 },
	{ ISAR1, 48, 0, 1 }, { ISAR1, 52, 0, 1 },
	{ ISAR2, 4, 0, 1 }, { ISAR2, 20, 0, 1 }, { ISAR2, 28, 0, 1 }, { ISAR2, 52, 0, 1 },
	{ MMFR0, 0, 0, 5 }, { MMFR0, 4, 0, 2 }, { MMFR0, 8, 0, 1 }, { MMFR0, 16, 0, 1 },
	{ MMFR0, 20, 0, 1 }, { MMFR0, 24, -1, 0 }, { MMFR0, 28, -1, 0 }, { MMFR0, 44, 0, 1 },
	{ MMFR1, 0, 0, 2 }, { MMFR1, 12, 0, 2 }, { MMFR1, 20, 0, 3 }, { MMFR1, 24, 0, 1 },
	{ MMFR1, 36, 0, 3 }, { MMFR1, 44, 0, 1 },
	{ MMFR2, 0, 0, 1 }, { MMFR2, 4, 0, 1 }, { MMFR2, 8, 0, 1 }, { MMFR2, 16, 0, 1 },
	{ MMFR2, 20, 0, 1 }, { MMFR2, 28, 0, 1 }, { MMFR2, 32, 0, 1 }, { MMFR2, 36, 0, 1 },
	{ MMFR2, 48, 0, 1 }, { MMFR2, 52, 0, 2 }, { MMFR2, 60, 0, 1 },
};

/* One for each register of AArch64's, so that a failure says where. */
FIXTURE(view) {
	struct world w;
};

FIXTURE_VARIANT(view) {
	u8 crm;
};

FIXTURE_VARIANT_ADD(view, pfr) { .crm = 4 };
FIXTURE_VARIANT_ADD(view, dfr) { .crm = 5 };
FIXTURE_VARIANT_ADD(view, isar) { .crm = 6 };
FIXTURE_VARIANT_ADD(view, mmfr) { .crm = 7 };

FIXTURE_SETUP(view)
{
	world_init(&self->w);
	snippet_prepare(&self->w.vcpu, VCPU_MMU_ON);
}

FIXTURE_TEARDOWN(view)
{
}

static void check_field(unsigned int n, unsigned int shift, u64 value)
{
	s64 min = 0, max = 0, got = field(value, shift);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shown); i++) {
		if (shown[i].reg == n && shown[i].shift == shift) {
			min = shown[i].min;
			max = shown[i].max;
		}
	}
	if (min < 0 && got == 15)
		got = -1;
	if (got < min || got > max)
		test_fail("CRm %u op2 %u is 0x%llx: bits from %u are %lld", n / 8, n % 8, value,
			  shift, got);
}

TEST_F(view, is_what_the_guest_has)
{
	unsigned int n, shift;

	for (n = variant->crm * 8; n < variant->crm * 8 + 8U; n++) {
		u64 value = guest_mrs(&self->w.vcpu, self->w.code, id_reg(n) & 0xffff);

		EXPECT_EQ(value, id_get(&self->w, n));
		for (shift = 0; shift < 64; shift += 4)
			check_field(n, shift, value);
	}
}

TEST(view_of_aarch32_is_empty_without_it)
{
	struct world w;
	bool aarch32;
	unsigned int n;
	u64 any = 0;

	world_init(&w);
	snippet_prepare(&w.vcpu, VCPU_MMU_ON);
	aarch32 = get_cap(w.vm.sys, ARMVCPU_CAP_AARCH32_EL0);
	for (n = 8; n < 32; n++) {
		u64 value = guest_mrs(&w.vcpu, w.code, id_reg(n) & 0xffff);

		EXPECT_EQ(value, id_get(&w, n));
		EXPECT_EQ(0, value >> 32);
		any |= value;
		/* Without it there is nothing to be told of. */
		if (!aarch32)
			EXPECT_EQ(0, value);
	}
	EXPECT_EQ(aarch32, !!any);
	EXPECT_EQ(aarch32 ? 2 : 1, field(id_get(&w, PFR0), 0));
}

TEST(view_has_fp_and_advsimd_alike)
{
	struct world w;
	u64 pfr0;

	world_init(&w);
	pfr0 = id_get(&w, PFR0);
	EXPECT_EQ(field(pfr0, 16), field(pfr0, 20));
}

/* Two vCPUs, on any CPUs: the VM's. */
TEST(view_is_the_vms)
{
	struct vcpu second;
	unsigned int n;
	struct world w;

	world_init(&w);
	vcpu_init(&second, &w.vm, 0);
	ASSERT_EQ(0, id_set(&w, ISAR0, 0));
	for (n = 8; n < NR_ID; n++)
		EXPECT_EQ(id_get(&w, n), vcpu_get(&second, id_reg(n)));
	snippet_prepare(&second, VCPU_MMU_ON);
	EXPECT_EQ(0, guest_mrs(&second, w.code, id_reg(ISAR0) & 0xffff));
}

TEST(view_is_not_the_next_vms)
{
	struct world first, second;
	u64 isar0;

	world_init(&first);
	isar0 = id_get(&first, ISAR0);
	ASSERT_EQ(0, id_set(&first, ISAR0, 0));
	vm_init_bare(&second.vm, 0);
	vcpu_init(&second.vcpu, &second.vm, 0);
	EXPECT_EQ(isar0, id_get(&second, ISAR0));
}

/* ---- set by the VMM ---------------------------------------------- */

enum kind { LOWER, SIGNED, HIGHER, EXACT };

/* Fields of each kind that exist on many cores. */
FIXTURE(set) {
	struct world w;
	u64 value;
};

FIXTURE_VARIANT(set) {
	u8 reg;
	u8 shift;
	u8 kind;
	u8 least;
};

#define FIELD(_reg, _shift, _kind, ...) \
	{ .reg = (_reg), .shift = (_shift), .kind = (_kind), ##__VA_ARGS__ }

FIXTURE_VARIANT_ADD(set, pfr0_el0) FIELD(PFR0, 0, LOWER, .least = 1);
FIXTURE_VARIANT_ADD(set, pfr0_el1) FIELD(PFR0, 4, EXACT);
FIXTURE_VARIANT_ADD(set, pfr0_el2) FIELD(PFR0, 8, EXACT);
FIXTURE_VARIANT_ADD(set, pfr0_gic) FIELD(PFR0, 24, EXACT);
FIXTURE_VARIANT_ADD(set, pfr0_sve) FIELD(PFR0, 32, EXACT);
FIXTURE_VARIANT_ADD(set, pfr0_dit) FIELD(PFR0, 48, LOWER);
FIXTURE_VARIANT_ADD(set, pfr0_csv2) FIELD(PFR0, 56, LOWER);
FIXTURE_VARIANT_ADD(set, pfr1_ssbs) FIELD(PFR1, 4, LOWER);
FIXTURE_VARIANT_ADD(set, pfr1_mte) FIELD(PFR1, 8, EXACT);
FIXTURE_VARIANT_ADD(set, dfr0_debugver) FIELD(DFR0, 0, EXACT);
FIXTURE_VARIANT_ADD(set, dfr0_pmuver) FIELD(DFR0, 8, EXACT);
FIXTURE_VARIANT_ADD(set, isar0_aes) FIELD(ISAR0, 4, LOWER);
FIXTURE_VARIANT_ADD(set, isar0_crc32) FIELD(ISAR0, 16, LOWER);
FIXTURE_VARIANT_ADD(set, isar0_atomic) FIELD(ISAR0, 20, LOWER);
FIXTURE_VARIANT_ADD(set, isar0_tme) FIELD(ISAR0, 24, EXACT);
FIXTURE_VARIANT_ADD(set, isar0_rndr) FIELD(ISAR0, 60, LOWER);
FIXTURE_VARIANT_ADD(set, isar1_dpb) FIELD(ISAR1, 0, LOWER);
FIXTURE_VARIANT_ADD(set, isar1_ls64) FIELD(ISAR1, 60, EXACT);
FIXTURE_VARIANT_ADD(set, isar2_mops) FIELD(ISAR2, 16, EXACT);
FIXTURE_VARIANT_ADD(set, mmfr0_parange) FIELD(MMFR0, 0, LOWER);
FIXTURE_VARIANT_ADD(set, mmfr0_asidbits) FIELD(MMFR0, 4, LOWER);
FIXTURE_VARIANT_ADD(set, mmfr0_tgran64) FIELD(MMFR0, 24, SIGNED);
FIXTURE_VARIANT_ADD(set, mmfr0_tgran4) FIELD(MMFR0, 28, SIGNED);
FIXTURE_VARIANT_ADD(set, mmfr1_hafdbs) FIELD(MMFR1, 0, LOWER);
FIXTURE_VARIANT_ADD(set, mmfr1_vh) FIELD(MMFR1, 8, EXACT);
FIXTURE_VARIANT_ADD(set, mmfr1_pan) FIELD(MMFR1, 20, LOWER);
FIXTURE_VARIANT_ADD(set, mmfr1_specsei) FIELD(MMFR1, 24, HIGHER);
FIXTURE_VARIANT_ADD(set, mmfr2_ccidx) FIELD(MMFR2, 20, EXACT);

FIXTURE_SETUP(set)
{
	world_init(&self->w);
	self->value = id_get(&self->w, variant->reg);
}

FIXTURE_TEARDOWN(set)
{
}

static bool fits(u8 kind, s64 least, s64 host, s64 new)
{
	switch (kind) {
	case LOWER:
		return new <= host && (new >= least || new == host);
	case SIGNED:
		return (new > 7 ? new - 16 : new) <= (host > 7 ? host - 16 : host) &&
		       (new == 15 || new < 8);
	case HIGHER:
		return new >= host;
	default:
		return new == host;
	}
}

/* Each of the sixteen values; what is refused changes nothing. */
TEST_F(set, before_the_first_run)
{
	u64 host = field(self->value, variant->shift), bits, now = self->value;

	for (bits = 0; bits < 16; bits++) {
		u64 value = with_field(self->value, variant->shift, bits);
		int ret = id_set(&self->w, variant->reg, value);

		if (fits(variant->kind, variant->least, host, bits)) {
			EXPECT_EQ(0, ret) {
				TH_LOG("0x%llx in place of 0x%llx", value, self->value);
			}
			now = value;
		} else {
			EXPECT_EQ(-EINVAL, ret) {
				TH_LOG("0x%llx in place of 0x%llx", value, self->value);
			}
		}
		ASSERT_EQ(now, id_get(&self->w, variant->reg));
	}
	/* And up again. */
	EXPECT_EQ(0, id_set(&self->w, variant->reg, self->value));
	EXPECT_EQ(self->value, id_get(&self->w, variant->reg));
}

TEST_F(set, is_what_the_guest_reads)
{
	u64 bits = field(self->value, variant->shift), value = self->value;

	if (variant->kind == LOWER && bits > variant->least)
		value = with_field(value, variant->shift, variant->least);
	if (variant->kind == SIGNED)
		value = with_field(value, variant->shift, 15);
	if (variant->kind == HIGHER)
		value = with_field(value, variant->shift, 1);
	ASSERT_EQ(0, id_set(&self->w, variant->reg, value));
	snippet_prepare(&self->w.vcpu, VCPU_MMU_ON);
	EXPECT_EQ(value, guest_mrs(&self->w.vcpu, self->w.code, id_reg(variant->reg) & 0xffff));
	/* Now it is too late, but for what it is. */
	EXPECT_EQ(0, id_set(&self->w, variant->reg, value));
	if (value != self->value)
		EXPECT_EQ(-EBUSY, id_set(&self->w, variant->reg, self->value));
	EXPECT_EQ(value, id_get(&self->w, variant->reg));
}

/* FP and AdvSIMD go together. */
TEST(set_fp_without_advsimd)
{
	struct world w;
	u64 pfr0;

	world_init(&w);
	pfr0 = id_get(&w, PFR0);
	EXPECT_EQ(-EINVAL, id_set(&w, PFR0, with_field(pfr0, 16, 15)));
	EXPECT_EQ(-EINVAL, id_set(&w, PFR0, with_field(pfr0, 20, 15)));
	EXPECT_EQ(pfr0, id_get(&w, PFR0));
	EXPECT_EQ(0, id_set(&w, PFR0, with_field(with_field(pfr0, 16, 15), 20, 15)));
}

static void guest_uses_fp(u64 there)
{
	const struct guest_trap *trap = GUEST_TRAP(asm volatile("fmov d0, xzr"));

	GUEST_ASSERT_EQ(!there, trap->count);
	if (!there)
		GUEST_ASSERT_EQ(EC_UNKNOWN, ESR_EC(trap->esr));
	trap = GUEST_TRAP((void)read_sysreg(fpsr));
	GUEST_ASSERT_EQ(!there, trap->count);
}

/* What has a trap is not there if the guest is told so. */
TEST(hidden_fp_is_undefined)
{
	struct world w;
	u64 pfr0;

	world_init(&w);
	pfr0 = id_get(&w, PFR0);
	ASSERT_EQ(0, id_set(&w, PFR0, with_field(with_field(pfr0, 16, 15), 20, 15)));
	vcpu_call(&w.vcpu, guest_uses_fp, 0);
	vcpu_expect_done(&w.vcpu);
	vcpu_close(&w.vcpu);
	vm_close(&w.vm);
	world_init(&w);
	vcpu_call(&w.vcpu, guest_uses_fp, 1);
	vcpu_expect_done(&w.vcpu);
}

/* Registers that say nothing. */
TEST(set_of_what_is_zero)
{
	static const u8 zero[] = {
		ID(3, 7), ID(4, 2), ID(4, 4), ID(4, 5), ID(4, 7), ID(5, 1), ID(5, 4), ID(6, 3),
		ID(7, 3), ID(7, 4), ID(7, 7),
	};
	struct world w;
	unsigned int i;

	world_init(&w);
	for (i = 0; i < ARRAY_SIZE(zero); i++) {
		EXPECT_EQ(0, id_get(&w, zero[i]));
		EXPECT_EQ(0, id_set(&w, zero[i], 0));
		EXPECT_EQ(-EINVAL, id_set(&w, zero[i], 1));
		EXPECT_EQ(-EINVAL, id_set(&w, zero[i], BIT(63)));
		EXPECT_EQ(0, id_get(&w, zero[i]));
	}
}

/* Of AArch32's all fields can be lowered, and none raised. */
TEST(set_of_aarch32)
{
	u64 host, bits;
	struct world w;
	unsigned int n, shift;

	world_init(&w);
	for (n = ID(2, 0); n <= ID(3, 2); n++) {
		host = id_get(&w, n);
		for (shift = 0; shift < 64; shift += 4) {
			bits = field(host, shift);
			if (bits < 15)
				EXPECT_EQ(-EINVAL,
					  id_set(&w, n, with_field(host, shift, bits + 1)));
			EXPECT_EQ(0, id_set(&w, n, with_field(host, shift, 0)));
			EXPECT_EQ(0, id_set(&w, n, host));
		}
		EXPECT_EQ(host, id_get(&w, n));
	}
}

/* Another vCPU of the VM has run. */
TEST(set_is_too_late_for_all)
{
	struct vcpu second;
	struct world w;
	u64 isar0;

	world_init(&w);
	vcpu_init(&second, &w.vm, 0);
	isar0 = vcpu_get(&second, id_reg(ISAR0));
	snippet_prepare(&w.vcpu, VCPU_MMU_ON);
	EXPECT_EQ(0, vcpu_try_set(&second, id_reg(ISAR0), isar0));
	if (isar0)
		EXPECT_EQ(-EBUSY, vcpu_try_set(&second, id_reg(ISAR0), 0));
	/* What can never be is wrong first. */
	EXPECT_EQ(-EINVAL, vcpu_try_set(&second, id_reg(ISAR0), ~0UL));
	EXPECT_EQ(isar0, vcpu_get(&second, id_reg(ISAR0)));
}

/* A VM whose addresses are short is told of no more, whatever its VMM says. */
TEST(set_parange_within_the_vms)
{
	struct vcpu vcpu;
	struct vm vm;
	u64 mmfr0;

	vm_init_bare(&vm, 36);
	vcpu_init(&vcpu, &vm, 0);
	mmfr0 = vcpu_get(&vcpu, id_reg(MMFR0));
	EXPECT_EQ(1, field(mmfr0, 0));
	EXPECT_EQ(-EINVAL, vcpu_try_set(&vcpu, id_reg(MMFR0), mmfr0 + 1));
	EXPECT_EQ(0, vcpu_try_set(&vcpu, id_reg(MMFR0), mmfr0 - 1));
	EXPECT_EQ(0, vcpu_try_set(&vcpu, id_reg(MMFR0), mmfr0));
}

/* All of a lesser machine's, saved there and set here. */
TEST(saved_and_restored)
{
	u64 saved[NR_ID], midr;
	struct world from, to;
	unsigned int n;

	world_init(&from);
	ASSERT_EQ(0, id_set(&from, ISAR0, 0));
	ASSERT_EQ(0, id_set(&from, ISAR1, 0));
	ASSERT_EQ(0, id_set(&from, MMFR0, with_field(id_get(&from, MMFR0), 0, 2)));
	ASSERT_EQ(0, id_set(&from, PFR0, with_field(id_get(&from, PFR0), 56, 0)));
	vcpu_set(&from.vcpu, MIDR, 0x410fd034);
	snippet_prepare(&from.vcpu, VCPU_MMU_ON);
	for (n = 8; n < NR_ID; n++)
		saved[n] = id_get(&from, n);
	midr = vcpu_get(&from.vcpu, MIDR);

	memset(&to, 0, sizeof(to));
	vm_init_bare(&to.vm, 0);
	vm_add_program(&to.vm);
	vcpu_init(&to.vcpu, &to.vm, 0);
	to.code = vm_add_memory(&to.vm, 0, CODE, 0x10000);
	for (n = 8; n < NR_ID; n++)
		ASSERT_EQ(0, id_set(&to, n, saved[n]));
	vcpu_set(&to.vcpu, MIDR, midr);
	snippet_prepare(&to.vcpu, VCPU_MMU_ON);
	for (n = 8; n < NR_ID; n++)
		EXPECT_EQ(saved[n], guest_mrs(&to.vcpu, to.code, id_reg(n) & 0xffff));
	EXPECT_EQ(0x410fd034, guest_mrs(&to.vcpu, to.code, MIDR & 0xffff));
}

/* ---- what the core is -------------------------------------------- */

FIXTURE(identity) {
	struct world w;
};

FIXTURE_VARIANT(identity) {
	u32 id;
	const char *file;
};

FIXTURE_VARIANT_ADD(identity, midr_el1) {
	.id = MIDR, .file = "/sys/devices/system/cpu/cpu0/regs/identification/midr_el1",
};

FIXTURE_VARIANT_ADD(identity, revidr_el1) {
	.id = REVIDR, .file = "/sys/devices/system/cpu/cpu0/regs/identification/revidr_el1",
};

FIXTURE_VARIANT_ADD(identity, aidr_el1) { .id = AIDR };

FIXTURE_SETUP(identity)
{
	world_init(&self->w);
}

FIXTURE_TEARDOWN(identity)
{
}

TEST_F(identity, is_the_hosts)
{
	u64 value = vcpu_get(&self->w.vcpu, variant->id);
	unsigned long long host;
	FILE *f;

	snippet_prepare(&self->w.vcpu, VCPU_MMU_ON);
	EXPECT_EQ(value, guest_mrs(&self->w.vcpu, self->w.code, variant->id & 0xffff));
	if (!variant->file)
		return;
	f = fopen(variant->file, "re");
	if (!f)
		SKIP(return, "the host shows no such file");
	ASSERT_EQ(1, fscanf(f, "%llx", &host));
	fclose(f);
	EXPECT_EQ(host, value);
}

/* Of each vCPU its own, wherever it runs. */
TEST_F(identity, is_the_vcpus)
{
	struct world *w = &self->w;
	struct vcpu second;
	u64 host;
	int i;

	vcpu_init(&second, &w->vm, 0);
	host = vcpu_get(&second, variant->id);
	vcpu_set(&w->vcpu, variant->id, 0x12345678);
	EXPECT_EQ(host, vcpu_get(&second, variant->id));
	snippet_prepare(&w->vcpu, VCPU_MMU_ON);
	snippet_prepare(&second, VCPU_MMU_ON);
	for (i = 0; i < 4; i++) {
		pin_to_cpu(i % nr_cpus());
		EXPECT_EQ(0x12345678, guest_mrs(&w->vcpu, w->code, variant->id & 0xffff));
		EXPECT_EQ(host, guest_mrs(&second, w->code, variant->id & 0xffff));
	}
	pin_to_cpu(-1);
	/* Too late for this one, once it has run. */
	EXPECT_EQ(-EBUSY, vcpu_try_set(&w->vcpu, variant->id, 1));
	EXPECT_EQ(0, vcpu_try_set(&w->vcpu, variant->id, 0x12345678));
	EXPECT_EQ(0x12345678, vcpu_get(&w->vcpu, variant->id));
}

TEST(midr_has_32_bits)
{
	struct world w;

	world_init(&w);
	EXPECT_EQ(-EINVAL, vcpu_try_set(&w.vcpu, MIDR, BIT(32)));
}

/*
 * CTR_EL0 as Linux lets EL0 see it: where CLIDR_EL1 has no level that a clean to the point
 * of unification concerns (LoC is 0, or LoUIS and LoUU are), IDC is 1 whatever the
 * register says (Arm ARM, CTR_EL0.IDC; so it is with QEMU 7.2's neoverse-n1).
 */
static u64 ctr_at_el0(u64 ctr, u64 clidr)
{
	u64 louis = clidr >> 21 & 7, loc = clidr >> 24 & 7, louu = clidr >> 27 & 7;

	return !loc || (!louis && !louu) ? ctr | CTR_IDC : ctr;
}

TEST(ctr_is_the_hosts)
{
	struct world w;
	u64 host, ctr;

	world_init(&w);
	snippet_prepare(&w.vcpu, VCPU_MMU_ON);
	host = read_sysreg(ctr_el0);
	ctr = ctr_at_el0(vcpu_get(&w.vcpu, CTR), guest_mrs(&w.vcpu, w.code, CLIDR & 0xffff));
	EXPECT_EQ(host & 0xffffffff, ctr & 0xffffffff);
	EXPECT_EQ(vcpu_get(&w.vcpu, CTR), guest_mrs(&w.vcpu, w.code, CTR & 0xffff));
	EXPECT_EQ(-EINVAL, vcpu_try_set(&w.vcpu, CTR, host ^ 1));
	EXPECT_EQ(0, vcpu_try_set(&w.vcpu, CTR, vcpu_get(&w.vcpu, CTR)));
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
