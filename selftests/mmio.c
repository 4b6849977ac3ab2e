// SPDX-License-Identifier: GPL-2.0
/*
 * MMIO exits: every load and store whose syndrome describes it. Each case
 * checks the exit, the value, the destination register, that PC moves by one
 * instruction at completion and not before, and that all else survives.
 */
#include "harness.h"

#include "snippet.h"

/* Registers of a case: x1 the address, x2 zero, x5 the data. */
#define GARBAGE		0xa5a5a5a5a5a5a5a5UL

FIXTURE(mmio) {
	struct vm vm;
	struct vcpu vcpu;
	struct armvcpu_core_regs regs;
};

/*
 * What the exit says, and: for a read, what the VMM answers and the register
 * holds then; for a write, the register's value (0: leave it) and the data.
 */
FIXTURE_VARIANT(mmio) {
	const struct snippet *code;
	u8 len;
	bool write;
	bool sign;
	bool reg64;
	u8 reg;
	u64 value;
	u64 result;
	u64 address;
	s64 offset;
	bool mmu_off;
	bool big_endian;
};

/* ---- reads: width, sign, size of the register -------------------- */

SNIPPET(insn_ldrb_w, "ldrb w5, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldrb_w) {
	.code = &insn_ldrb_w, .len = 1, .reg = 5, .value = GARBAGE << 8 | 0x80, .result = 0x80,
};

SNIPPET(insn_ldrsb_w, "ldrsb w5, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldrsb_w_negative) {
	.code = &insn_ldrsb_w, .len = 1, .sign = 1, .reg = 5,
	.value = GARBAGE << 8 | 0x80, .result = 0xffffff80,
};

FIXTURE_VARIANT_ADD(mmio, ldrsb_w_positive) {
	.code = &insn_ldrsb_w, .len = 1, .sign = 1, .reg = 5,
	.value = GARBAGE << 8 | 0x7f, .result = 0x7f,
};

SNIPPET(insn_ldrsb_x, "ldrsb x5, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldrsb_x_negative) {
	.code = &insn_ldrsb_x, .len = 1, .sign = 1, .reg64 = 1, .reg = 5,
	.value = GARBAGE << 8 | 0xff, .result = ~0UL,
};

FIXTURE_VARIANT_ADD(mmio, ldrsb_x_positive) {
	.code = &insn_ldrsb_x, .len = 1, .sign = 1, .reg64 = 1, .reg = 5,
	.value = GARBAGE << 8 | 0x01, .result = 1,
};

SNIPPET(insn_ldrh_w, "ldrh w5, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldrh_w) {
	.code = &insn_ldrh_w, .len = 2, .reg = 5, .value = GARBAGE << 16 | 0x8001, .result = 0x8001,
};

SNIPPET(insn_ldrsh_w, "ldrsh w5, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldrsh_w_negative) {
	.code = &insn_ldrsh_w, .len = 2, .sign = 1, .reg = 5,
	.value = GARBAGE << 16 | 0x8001, .result = 0xffff8001,
};

FIXTURE_VARIANT_ADD(mmio, ldrsh_w_positive) {
	.code = &insn_ldrsh_w, .len = 2, .sign = 1, .reg = 5,
	.value = GARBAGE << 16 | 0x7ffe, .result = 0x7ffe,
};

SNIPPET(insn_ldrsh_x, "ldrsh x5, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldrsh_x_negative) {
	.code = &insn_ldrsh_x, .len = 2, .sign = 1, .reg64 = 1, .reg = 5,
	.value = GARBAGE << 16 | 0x8001, .result = 0xffffffffffff8001,
};

FIXTURE_VARIANT_ADD(mmio, ldrsh_x_positive) {
	.code = &insn_ldrsh_x, .len = 2, .sign = 1, .reg64 = 1, .reg = 5,
	.value = GARBAGE << 16 | 0x7ffe, .result = 0x7ffe,
};

SNIPPET(insn_ldr_w, "ldr w5, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldr_w) {
	.code = &insn_ldr_w, .len = 4, .reg = 5,
	.value = GARBAGE << 32 | 0x80000001, .result = 0x80000001,
};

SNIPPET(insn_ldrsw_x, "ldrsw x5, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldrsw_x_negative) {
	.code = &insn_ldrsw_x, .len = 4, .sign = 1, .reg64 = 1, .reg = 5,
	.value = GARBAGE << 32 | 0x80000001, .result = 0xffffffff80000001,
};

FIXTURE_VARIANT_ADD(mmio, ldrsw_x_positive) {
	.code = &insn_ldrsw_x, .len = 4, .sign = 1, .reg64 = 1, .reg = 5,
	.value = GARBAGE << 32 | 0x7ffffffe, .result = 0x7ffffffe,
};

SNIPPET(insn_ldr_x, "ldr x5, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldr_x) {
	.code = &insn_ldr_x, .len = 8, .reg64 = 1, .reg = 5,
	.value = 0x8877665544332211, .result = 0x8877665544332211,
};

/* ---- reads: the zero register, the first, the last, the base itself  */

SNIPPET(insn_ldrb_wzr, "ldrb wzr, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldrb_wzr) {
	.code = &insn_ldrb_wzr, .len = 1, .reg = 31, .value = GARBAGE,
};

SNIPPET(insn_ldrsb_xzr, "ldrsb xzr, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldrsb_xzr) {
	.code = &insn_ldrsb_xzr, .len = 1, .sign = 1, .reg64 = 1, .reg = 31, .value = GARBAGE,
};

SNIPPET(insn_ldrh_wzr, "ldrh wzr, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldrh_wzr) {
	.code = &insn_ldrh_wzr, .len = 2, .reg = 31, .value = GARBAGE,
};

SNIPPET(insn_ldrsh_xzr, "ldrsh xzr, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldrsh_xzr) {
	.code = &insn_ldrsh_xzr, .len = 2, .sign = 1, .reg64 = 1, .reg = 31, .value = GARBAGE,
};

SNIPPET(insn_ldr_wzr, "ldr wzr, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldr_wzr) {
	.code = &insn_ldr_wzr, .len = 4, .reg = 31, .value = GARBAGE,
};

SNIPPET(insn_ldrsw_xzr, "ldrsw xzr, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldrsw_xzr) {
	.code = &insn_ldrsw_xzr, .len = 4, .sign = 1, .reg64 = 1, .reg = 31, .value = GARBAGE,
};

SNIPPET(insn_ldr_xzr, "ldr xzr, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldr_xzr) {
	.code = &insn_ldr_xzr, .len = 8, .reg64 = 1, .reg = 31, .value = GARBAGE,
};

SNIPPET(insn_ldr_x0, "ldr x0, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldr_x0) {
	.code = &insn_ldr_x0, .len = 8, .reg64 = 1, .reg = 0, .value = 0x1000, .result = 0x1000,
};

SNIPPET(insn_ldr_x30, "ldr x30, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldr_x30) {
	.code = &insn_ldr_x30, .len = 8, .reg64 = 1, .reg = 30, .value = 0x3030, .result = 0x3030,
};

SNIPPET(insn_ldr_base, "ldr x1, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldr_into_its_base) {
	.code = &insn_ldr_base, .len = 8, .reg64 = 1, .reg = 1, .value = 0x1111, .result = 0x1111,
};

/* ---- reads: addressing ------------------------------------------- */

SNIPPET(insn_ldur, "ldur x5, [x1, #-8]");
FIXTURE_VARIANT_ADD(mmio, ldur) {
	.code = &insn_ldur, .len = 8, .reg64 = 1, .reg = 5, .value = 1, .result = 1, .offset = -8,
};

SNIPPET(insn_ldr_offset, "ldr x5, [x1, #64]");
FIXTURE_VARIANT_ADD(mmio, ldr_offset) {
	.code = &insn_ldr_offset, .len = 8, .reg64 = 1, .reg = 5, .value = 1, .result = 1,
	.offset = 64,
};

SNIPPET(insn_ldr_register, "ldr w5, [x1, x2]");
FIXTURE_VARIANT_ADD(mmio, ldr_register) {
	.code = &insn_ldr_register, .len = 4, .reg = 5, .value = 2, .result = 2,
};

SNIPPET(insn_ldr_extended, "ldrh w5, [x1, w2, sxtw #1]");
FIXTURE_VARIANT_ADD(mmio, ldr_extended) {
	.code = &insn_ldr_extended, .len = 2, .reg = 5, .value = 3, .result = 3,
};

SNIPPET(insn_ldtr, "ldtr w5, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldtr) {
	.code = &insn_ldtr, .len = 4, .reg = 5, .value = 4, .result = 4,
};

SNIPPET(insn_ldar, "ldar x5, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldar_x) {
	.code = &insn_ldar, .len = 8, .reg64 = 1, .reg = 5, .value = 5, .result = 5,
};

SNIPPET(insn_ldarb, "ldarb w5, [x1]");
FIXTURE_VARIANT_ADD(mmio, ldarb) {
	.code = &insn_ldarb, .len = 1, .reg = 5, .value = GARBAGE, .result = 0xa5,
};

/* ---- reads: alignment, MMU, byte order --------------------------- */

FIXTURE_VARIANT_ADD(mmio, ldrh_unaligned) {
	.code = &insn_ldrh_w, .len = 2, .reg = 5, .value = 0x1234, .result = 0x1234,
	.address = GUEST_MMIO_NORMAL + 0x1001,
};

FIXTURE_VARIANT_ADD(mmio, ldr_w_unaligned_1) {
	.code = &insn_ldr_w, .len = 4, .reg = 5, .value = 0x12345678, .result = 0x12345678,
	.address = GUEST_MMIO_NORMAL + 0x1001,
};

FIXTURE_VARIANT_ADD(mmio, ldr_w_unaligned_2) {
	.code = &insn_ldr_w, .len = 4, .reg = 5, .value = 0x12345678, .result = 0x12345678,
	.address = GUEST_MMIO_NORMAL + 0x1002,
};

FIXTURE_VARIANT_ADD(mmio, ldr_x_unaligned_3) {
	.code = &insn_ldr_x, .len = 8, .reg64 = 1, .reg = 5,
	.value = 0x8877665544332211, .result = 0x8877665544332211,
	.address = GUEST_MMIO_NORMAL + 0x1003,
};

FIXTURE_VARIANT_ADD(mmio, ldr_x_unaligned_7) {
	.code = &insn_ldr_x, .len = 8, .reg64 = 1, .reg = 5,
	.value = 0x8877665544332211, .result = 0x8877665544332211,
	.address = GUEST_MMIO_NORMAL + 0x1007,
};

FIXTURE_VARIANT_ADD(mmio, ldrsw_x_unaligned) {
	.code = &insn_ldrsw_x, .len = 4, .sign = 1, .reg64 = 1, .reg = 5,
	.value = 0x80000000, .result = 0xffffffff80000000,
	.address = GUEST_MMIO_NORMAL + 0x1003,
};

FIXTURE_VARIANT_ADD(mmio, ldrb_last_byte_of_a_page) {
	.code = &insn_ldrb_w, .len = 1, .reg = 5, .value = 0x99, .result = 0x99,
	.address = GUEST_MMIO + 0x1fff,
};

FIXTURE_VARIANT_ADD(mmio, ldrb_mmu_off) {
	.code = &insn_ldrb_w, .len = 1, .reg = 5, .value = 0x99, .result = 0x99, .mmu_off = true,
};

FIXTURE_VARIANT_ADD(mmio, ldrsh_x_mmu_off) {
	.code = &insn_ldrsh_x, .len = 2, .sign = 1, .reg64 = 1, .reg = 5,
	.value = 0x8001, .result = 0xffffffffffff8001, .mmu_off = true,
};

FIXTURE_VARIANT_ADD(mmio, ldr_x_mmu_off) {
	.code = &insn_ldr_x, .len = 8, .reg64 = 1, .reg = 5,
	.value = 0x8877665544332211, .result = 0x8877665544332211, .mmu_off = true,
};

/* A little-endian device: the guest sees its bytes the other way round. */
FIXTURE_VARIANT_ADD(mmio, ldrb_big_endian) {
	.code = &insn_ldrb_w, .len = 1, .reg = 5, .value = 0x12, .result = 0x12,
	.mmu_off = true, .big_endian = true,
};

FIXTURE_VARIANT_ADD(mmio, ldrh_big_endian) {
	.code = &insn_ldrh_w, .len = 2, .reg = 5, .value = 0x1234, .result = 0x3412,
	.mmu_off = true, .big_endian = true,
};

FIXTURE_VARIANT_ADD(mmio, ldrsh_x_big_endian) {
	.code = &insn_ldrsh_x, .len = 2, .sign = 1, .reg64 = 1, .reg = 5,
	.value = 0x0180, .result = 0xffffffffffff8001, .mmu_off = true, .big_endian = true,
};

FIXTURE_VARIANT_ADD(mmio, ldr_w_big_endian) {
	.code = &insn_ldr_w, .len = 4, .reg = 5, .value = 0x12345678, .result = 0x78563412,
	.mmu_off = true, .big_endian = true,
};

FIXTURE_VARIANT_ADD(mmio, ldr_x_big_endian) {
	.code = &insn_ldr_x, .len = 8, .reg64 = 1, .reg = 5,
	.value = 0x8877665544332211, .result = 0x1122334455667788,
	.mmu_off = true, .big_endian = true,
};

/* ---- writes ------------------------------------------------------ */

SNIPPET(insn_strb, "strb w5, [x1]");
FIXTURE_VARIANT_ADD(mmio, strb) {
	.code = &insn_strb, .len = 1, .write = 1, .reg = 5,
	.value = 0x8877665544332211, .result = 0x11,
};

SNIPPET(insn_strh, "strh w5, [x1]");
FIXTURE_VARIANT_ADD(mmio, strh) {
	.code = &insn_strh, .len = 2, .write = 1, .reg = 5,
	.value = 0x8877665544332211, .result = 0x2211,
};

SNIPPET(insn_str_w, "str w5, [x1]");
FIXTURE_VARIANT_ADD(mmio, str_w) {
	.code = &insn_str_w, .len = 4, .write = 1, .reg = 5,
	.value = 0x8877665594332211, .result = 0x94332211,
};

SNIPPET(insn_str_x, "str x5, [x1]");
FIXTURE_VARIANT_ADD(mmio, str_x) {
	.code = &insn_str_x, .len = 8, .write = 1, .reg64 = 1, .reg = 5,
	.value = 0x8877665544332211, .result = 0x8877665544332211,
};

SNIPPET(insn_strb_wzr, "strb wzr, [x1]");
FIXTURE_VARIANT_ADD(mmio, strb_wzr) {
	.code = &insn_strb_wzr, .len = 1, .write = 1, .reg = 31,
};

SNIPPET(insn_strh_wzr, "strh wzr, [x1]");
FIXTURE_VARIANT_ADD(mmio, strh_wzr) {
	.code = &insn_strh_wzr, .len = 2, .write = 1, .reg = 31,
};

SNIPPET(insn_str_wzr, "str wzr, [x1]");
FIXTURE_VARIANT_ADD(mmio, str_wzr) {
	.code = &insn_str_wzr, .len = 4, .write = 1, .reg = 31,
};

SNIPPET(insn_str_xzr, "str xzr, [x1]");
FIXTURE_VARIANT_ADD(mmio, str_xzr) {
	.code = &insn_str_xzr, .len = 8, .write = 1, .reg64 = 1, .reg = 31,
};

SNIPPET(insn_str_x0, "str x0, [x1]");
FIXTURE_VARIANT_ADD(mmio, str_x0) {
	.code = &insn_str_x0, .len = 8, .write = 1, .reg64 = 1, .reg = 0,
	.value = 0x10, .result = 0x10,
};

SNIPPET(insn_str_x30, "str x30, [x1]");
FIXTURE_VARIANT_ADD(mmio, str_x30) {
	.code = &insn_str_x30, .len = 8, .write = 1, .reg64 = 1, .reg = 30,
	.value = 0x30, .result = 0x30,
};

SNIPPET(insn_str_base, "str w1, [x1]");
FIXTURE_VARIANT_ADD(mmio, str_its_base) {
	.code = &insn_str_base, .len = 4, .write = 1, .reg = 1,
	.value = SNIPPET_ADDRESS, .result = SNIPPET_ADDRESS,
};

SNIPPET(insn_stur, "stur x5, [x1, #-16]");
FIXTURE_VARIANT_ADD(mmio, stur) {
	.code = &insn_stur, .len = 8, .write = 1, .reg64 = 1, .reg = 5, .value = 6, .result = 6,
	.offset = -16,
};

SNIPPET(insn_str_register, "str w5, [x1, x2, lsl #2]");
FIXTURE_VARIANT_ADD(mmio, str_register) {
	.code = &insn_str_register, .len = 4, .write = 1, .reg = 5, .value = 7, .result = 7,
};

SNIPPET(insn_sttr, "sttr w5, [x1]");
FIXTURE_VARIANT_ADD(mmio, sttr) {
	.code = &insn_sttr, .len = 4, .write = 1, .reg = 5, .value = 8, .result = 8,
};

SNIPPET(insn_stlr, "stlr x5, [x1]");
FIXTURE_VARIANT_ADD(mmio, stlr_x) {
	.code = &insn_stlr, .len = 8, .write = 1, .reg64 = 1, .reg = 5, .value = 9, .result = 9,
};

SNIPPET(insn_stlrh, "stlrh w5, [x1]");
FIXTURE_VARIANT_ADD(mmio, stlrh) {
	.code = &insn_stlrh, .len = 2, .write = 1, .reg = 5, .value = 0x123456, .result = 0x3456,
};

FIXTURE_VARIANT_ADD(mmio, strh_unaligned) {
	.code = &insn_strh, .len = 2, .write = 1, .reg = 5, .value = 0x1234, .result = 0x1234,
	.address = GUEST_MMIO_NORMAL + 0x1001,
};

FIXTURE_VARIANT_ADD(mmio, str_w_unaligned) {
	.code = &insn_str_w, .len = 4, .write = 1, .reg = 5, .value = 0x1234, .result = 0x1234,
	.address = GUEST_MMIO_NORMAL + 0x1003,
};

FIXTURE_VARIANT_ADD(mmio, str_x_unaligned) {
	.code = &insn_str_x, .len = 8, .write = 1, .reg64 = 1, .reg = 5,
	.value = 0x8877665544332211, .result = 0x8877665544332211,
	.address = GUEST_MMIO_NORMAL + 0x1005,
};

FIXTURE_VARIANT_ADD(mmio, strb_mmu_off) {
	.code = &insn_strb, .len = 1, .write = 1, .reg = 5, .value = 0x1234, .result = 0x34,
	.mmu_off = true,
};

FIXTURE_VARIANT_ADD(mmio, str_x_mmu_off) {
	.code = &insn_str_x, .len = 8, .write = 1, .reg64 = 1, .reg = 5,
	.value = 0x8877665544332211, .result = 0x8877665544332211, .mmu_off = true,
};

FIXTURE_VARIANT_ADD(mmio, strb_big_endian) {
	.code = &insn_strb, .len = 1, .write = 1, .reg = 5, .value = 0x1234, .result = 0x34,
	.mmu_off = true, .big_endian = true,
};

FIXTURE_VARIANT_ADD(mmio, strh_big_endian) {
	.code = &insn_strh, .len = 2, .write = 1, .reg = 5, .value = 0x1234, .result = 0x3412,
	.mmu_off = true, .big_endian = true,
};

FIXTURE_VARIANT_ADD(mmio, str_w_big_endian) {
	.code = &insn_str_w, .len = 4, .write = 1, .reg = 5,
	.value = 0xff12345678, .result = 0x78563412, .mmu_off = true, .big_endian = true,
};

FIXTURE_VARIANT_ADD(mmio, str_x_big_endian) {
	.code = &insn_str_x, .len = 8, .write = 1, .reg64 = 1, .reg = 5,
	.value = 0x8877665544332211, .result = 0x1122334455667788,
	.mmu_off = true, .big_endian = true,
};

/* Halfway up the address space. */
#define FAR_VA		GUEST_USER
#define FAR_IPA		0x8000000000UL

FIXTURE_VARIANT_ADD(mmio, ldr_w_far_away) {
	.code = &insn_ldr_w, .len = 4, .reg = 5, .value = 1, .result = 1,
	.address = FAR_VA + 0x124,
};

FIXTURE_SETUP(mmio)
{
	u64 address = variant->address ?: SNIPPET_ADDRESS;

	vm_init(&self->vm);
	vcpu_init(&self->vcpu, &self->vm, 0);
	if (address >= FAR_VA && address < GUEST_MMIO_NORMAL)
		guest_pt_map(FAR_VA, FAR_IPA, 0x1000, PTE_DEVICE);
	snippet_prepare(&self->vcpu, !variant->mmu_off);
	if (variant->big_endian)
		vcpu_set(&self->vcpu, ARMVCPU_REG_SYS(3, 0, 1, 0, 0),
			 GUEST_SCTLR_RES1 | GUEST_SCTLR_EE);
	snippet_start(&self->vcpu, &self->regs, variant->code, address);
	if (variant->write && variant->value && variant->reg != 1) {
		self->regs.x[variant->reg] = variant->value;
		vcpu_set_regs(&self->vcpu, &self->regs);
	}
}

FIXTURE_TEARDOWN(mmio)
{
}

static u64 ipa_of(u64 va)
{
	if (va >= GUEST_MMIO_NORMAL)
		return va - GUEST_MMIO_NORMAL + GUEST_MMIO;
	if (va >= FAR_VA)
		return va - FAR_VA + FAR_IPA;
	return va;
}

TEST_F(mmio, access)
{
	struct armvcpu_run *run = self->vcpu.run;
	u64 va = (variant->address ?: SNIPPET_ADDRESS) + variant->offset;
	struct armvcpu_exit_mmio *mmio = &run->u.mmio;

	vcpu_expect(&self->vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(ipa_of(va), mmio->ipa);
	EXPECT_EQ(variant->len, mmio->len);
	EXPECT_EQ(variant->write, mmio->is_write);
	EXPECT_EQ(variant->reg, mmio->reg);
	EXPECT_EQ(0, mmio->readonly);
	EXPECT_EQ(0, mmio->reserved[0] | mmio->reserved[1]);
	if (variant->write) {
		EXPECT_EQ(variant->result, mmio->data) {
			TH_LOG("data 0x%llx", mmio->data);
		}
	} else {
		EXPECT_EQ(variant->sign, mmio->sign_extend);
		EXPECT_EQ(variant->reg64, mmio->reg64);
	}
	/* A valid syndrome of a translation fault, and where it was. */
	EXPECT_EQ(EC_DABT_LOW, ESR_EC(run->esr));
	EXPECT_TRUE(run->esr & BIT(24));
	EXPECT_EQ(va, run->far);
	EXPECT_EQ(ipa_of(va) >> 12, run->hpfar >> 4);
	/* Nothing has moved yet. */
	snippet_check_regs(&self->vcpu, &self->regs);

	if (!variant->write) {
		mmio->data = variant->value;
		if (variant->reg != 31)
			self->regs.x[variant->reg] = variant->result;
	} else {
		/* Not read back. */
		mmio->data = ~mmio->data;
	}
	snippet_expect_stop(&self->vcpu, &self->regs);
}

/* ---- beyond one access ------------------------------------------- */

FIXTURE(device) {
	struct vm vm;
	struct vcpu vcpu;
	struct armvcpu_core_regs regs;
};

FIXTURE_SETUP(device)
{
	vm_init(&self->vm);
	vcpu_init(&self->vcpu, &self->vm, 0);
}

FIXTURE_TEARDOWN(device)
{
}

/* The memory comes while the vCPU waits: the instruction finds it. */
TEST_F(device, retry_finds_memory)
{
	u64 page = page_size(), ipa = SNIPPET_ADDRESS & ~(page - 1);
	u64 *mem;

	snippet_prepare(&self->vcpu, VCPU_MMU_ON);
	snippet_start(&self->vcpu, &self->regs, &insn_ldr_x, SNIPPET_ADDRESS);
	vcpu_expect(&self->vcpu, ARMVCPU_EXIT_MMIO);
	mem = vm_add_memory(&self->vm, 0, ipa, page);
	mem[(SNIPPET_ADDRESS - ipa) / 8] = 0x123456789;
	/* What would complete it. */
	self->vcpu.run->u.mmio.data = 0xbad;
	self->vcpu.run->action = ARMVCPU_ACTION_RETRY;
	self->regs.x[5] = 0x123456789;
	snippet_expect_stop(&self->vcpu, &self->regs);
	EXPECT_EQ(ARMVCPU_ACTION_COMPLETE, self->vcpu.run->action);
}

/* Without memory it is the same exit again, as often as one likes. */
TEST_F(device, retry_exits_again)
{
	int i;

	snippet_prepare(&self->vcpu, VCPU_MMU_ON);
	snippet_start(&self->vcpu, &self->regs, &insn_str_w, SNIPPET_ADDRESS);
	for (i = 0; i < 100; i++) {
		vcpu_expect(&self->vcpu, ARMVCPU_EXIT_MMIO);
		ASSERT_EQ(SNIPPET_ADDRESS, self->vcpu.run->u.mmio.ipa);
		snippet_check_regs(&self->vcpu, &self->regs);
		self->vcpu.run->action = ARMVCPU_ACTION_RETRY;
	}
	vcpu_expect(&self->vcpu, ARMVCPU_EXIT_MMIO);
	snippet_expect_stop(&self->vcpu, &self->regs);
}

static void guest_aborts(u64 write)
{
	const struct guest_trap *trap;
	u64 value = 0x77;

	if (write)
		trap = GUEST_TRAP(asm volatile("str %0, [%1]"
					       : : "r"(value), "r"(SNIPPET_ADDRESS) : "memory"));
	else
		trap = GUEST_TRAP(asm volatile("ldr %0, [%1]"
					       : "+r"(value) : "r"(SNIPPET_ADDRESS) : "memory"));
	GUEST_ASSERT_EQ(1, trap->count);
	GUEST_ASSERT_EQ(GUEST_VECTOR_SP_ELX + GUEST_VECTOR_SYNC, trap->vector);
	GUEST_ASSERT_EQ(EC_DABT, ESR_EC(trap->esr));
	GUEST_ASSERT_EQ(FSC_EXTABT, ESR_FSC(trap->esr));
	GUEST_ASSERT(trap->esr & ESR_IL);
	GUEST_ASSERT_EQ(SNIPPET_ADDRESS, trap->far);
	/* FAR is valid. */
	GUEST_ASSERT_EQ(0, trap->esr & BIT(10));
	GUEST_ASSERT_EQ(0x77, value);
	GUEST_SYNC_ARGS(1, trap->frame.elr, trap->frame.spsr, 0);
}

static void check_abort(struct vcpu *vcpu, bool write)
{
	struct armvcpu_core_regs regs;
	u64 pc;

	vcpu_call(vcpu, guest_aborts, write);
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	pc = vcpu->run->pc;
	vcpu_get_regs(vcpu, &regs);
	vcpu->run->action = ARMVCPU_ACTION_ABORT;
	vcpu_expect_sync(vcpu, 1);
	if (vcpu_sync_arg(vcpu, 0) != pc)
		test_fail("ELR_EL1 is 0x%llx, not 0x%llx", vcpu_sync_arg(vcpu, 0), pc);
	if (vcpu_sync_arg(vcpu, 1) != regs.pstate)
		test_fail("SPSR_EL1 is 0x%llx, not 0x%llx", vcpu_sync_arg(vcpu, 1), regs.pstate);
}

TEST_F(device, abort_of_a_read)
{
	check_abort(&self->vcpu, false);
}

TEST_F(device, abort_of_a_write)
{
	check_abort(&self->vcpu, true);
}

/* What the VMM stores in the run struct is what the guest resumes with. */
TEST_F(device, registers_can_be_changed)
{
	struct armvcpu_run *run = self->vcpu.run;
	int i;

	snippet_prepare(&self->vcpu, VCPU_MMU_ON);
	snippet_start(&self->vcpu, &self->regs, &insn_ldr_w, SNIPPET_ADDRESS);
	vcpu_expect(&self->vcpu, ARMVCPU_EXIT_MMIO);
	for (i = 0; i < 31; i++) {
		if (i == 28)
			continue;
		self->regs.x[i] = 0x1000 + i;
		run->x[i] = self->regs.x[i];
	}
	run->u.mmio.data = 0x5555;
	self->regs.x[5] = 0x5555;
	snippet_expect_stop(&self->vcpu, &self->regs);
}

/* A VMM that scribbles over what it is told gets nothing by it. */
TEST_F(device, the_exit_is_not_read_back)
{
	struct armvcpu_run *run = self->vcpu.run;
	struct armvcpu_run scribble;

	snippet_prepare(&self->vcpu, VCPU_MMU_ON);
	snippet_start(&self->vcpu, &self->regs, &insn_ldrsh_w, SNIPPET_ADDRESS);
	vcpu_expect(&self->vcpu, ARMVCPU_EXIT_MMIO);
	memset(&scribble, 0xff, sizeof(scribble));
	memcpy(&run->exit_reason, &scribble.exit_reason,
	       sizeof(*run) - offsetof(struct armvcpu_run, exit_reason));
	/* This one is for the VMM to say. */
	run->nr_lines = 0;
	run->u.mmio.data = 0x8000;
	self->regs.x[5] = 0xffff8000;
	snippet_expect_stop(&self->vcpu, &self->regs);
}

/* SET_CORE_REGS drops the exit: nothing is left to complete. */
TEST_F(device, set_core_regs_drops_the_exit)
{
	snippet_prepare(&self->vcpu, VCPU_MMU_ON);
	snippet_start(&self->vcpu, &self->regs, &insn_ldr_x, SNIPPET_ADDRESS);
	vcpu_expect(&self->vcpu, ARMVCPU_EXIT_MMIO);
	self->regs.pc += 4;
	vcpu_set_regs(&self->vcpu, &self->regs);
	self->vcpu.run->u.mmio.data = 0xbad;
	self->regs.pc -= 4;
	snippet_expect_stop(&self->vcpu, &self->regs);
}

static void guest_talks(u64 count)
{
	u64 i, sum = 0;

	for (i = 0; i < count; i++) {
		guest_write32(GUEST_MMIO + 0x100, i);
		sum += guest_read32(GUEST_MMIO + 0x200);
		sum += guest_read64(GUEST_MMIO + 0x300);
	}
	GUEST_SYNC_ARGS(2, sum, 0, 0);
}

/* A conversation: what goes out comes back changed. */
TEST_F(device, a_thousand_accesses)
{
	struct armvcpu_run *run = self->vcpu.run;
	u64 i, last = 0, sum = 0, count = 1000;

	vcpu_call(&self->vcpu, guest_talks, count);
	for (i = 0; i < 3 * count; i++) {
		vcpu_expect(&self->vcpu, ARMVCPU_EXIT_MMIO);
		switch (run->u.mmio.ipa) {
		case GUEST_MMIO + 0x100:
			ASSERT_EQ(i / 3, run->u.mmio.data);
			last = run->u.mmio.data;
			break;
		case GUEST_MMIO + 0x200:
			run->u.mmio.data = last * 3;
			sum += last * 3;
			break;
		case GUEST_MMIO + 0x300:
			run->u.mmio.data = last << 32;
			sum += last << 32;
			break;
		default:
			ASSERT_TRUE(false);
		}
	}
	vcpu_expect_sync(&self->vcpu, 2);
	EXPECT_EQ(sum, vcpu_sync_arg(&self->vcpu, 0));
}

/* From EL0: the same exit, and back to EL0. */

TEST_F(device, from_el0)
{
	struct armvcpu_run *run = self->vcpu.run;
	void *mem = vm_add_memory(&self->vm, 0, GUEST_RAM, 0x10000);

	guest_pt_map(GUEST_USER, GUEST_RAM, 0x1000, PTE_NORMAL | PTE_USER);
	memcpy(mem, &insn_ldr_x, sizeof(insn_ldr_x));
	snippet_prepare(&self->vcpu, VCPU_MMU_ON);
	snippet_start(&self->vcpu, &self->regs, (void *)GUEST_USER, SNIPPET_ADDRESS);
	self->regs.pstate = 0x60000000 | PSR_EL0T;
	vcpu_set_regs(&self->vcpu, &self->regs);
	vcpu_expect(&self->vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(SNIPPET_ADDRESS, run->u.mmio.ipa);
	snippet_check_regs(&self->vcpu, &self->regs);
	run->u.mmio.data = 0x4321;
	self->regs.x[5] = 0x4321;
	snippet_expect_stop(&self->vcpu, &self->regs);
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
