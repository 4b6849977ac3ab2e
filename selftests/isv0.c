// SPDX-License-Identifier: GPL-2.0
/*
 * Accesses whose syndrome does not describe them (ESR_EL2.ISS.ISV is 0): the
 * exit has the address and the instruction, and nothing has happened yet.
 */
#include "harness.h"

#include <asm/hwcap.h>
#include <sys/auxv.h>

#include "snippet.h"

FIXTURE(isv0) {
	struct vm vm;
	struct vcpu vcpu;
	struct armvcpu_core_regs regs;
};

FIXTURE_VARIANT(isv0) {
	const struct snippet *code;
	bool write;
	s64 offset;		/* of the access from x1 */
	s64 writeback;		/* what the VMM adds to x1 */
	u64 address;
	bool mmu_off;
	bool atomics;		/* needs FEAT_LSE */
	bool cache_op;		/* may go without an exit */
};

SNIPPET(insn_ldp, "ldp x5, x6, [x1]");
FIXTURE_VARIANT_ADD(isv0, ldp) { .code = &insn_ldp };

SNIPPET(insn_ldp_w, "ldp w5, w6, [x1, #8]");
FIXTURE_VARIANT_ADD(isv0, ldp_w) { .code = &insn_ldp_w, .offset = 8 };

SNIPPET(insn_ldpsw, "ldpsw x5, x6, [x1]");
FIXTURE_VARIANT_ADD(isv0, ldpsw) { .code = &insn_ldpsw };

SNIPPET(insn_ldnp, "ldnp x5, x6, [x1]");
FIXTURE_VARIANT_ADD(isv0, ldnp) { .code = &insn_ldnp };

SNIPPET(insn_stp, "stp x5, x6, [x1]");
FIXTURE_VARIANT_ADD(isv0, stp) { .code = &insn_stp, .write = true };

SNIPPET(insn_stp_zr, "stp xzr, xzr, [x1]");
FIXTURE_VARIANT_ADD(isv0, stp_xzr) { .code = &insn_stp_zr, .write = true };

SNIPPET(insn_stp_w, "stp w5, w6, [x1, #-8]");
FIXTURE_VARIANT_ADD(isv0, stp_w) { .code = &insn_stp_w, .write = true, .offset = -8 };

SNIPPET(insn_ldp_pre, "ldp x5, x6, [x1, #16]!");
FIXTURE_VARIANT_ADD(isv0, ldp_pre_index) {
	.code = &insn_ldp_pre, .offset = 16, .writeback = 16,
};

SNIPPET(insn_stp_post, "stp x5, x6, [x1], #-16");
FIXTURE_VARIANT_ADD(isv0, stp_post_index) {
	.code = &insn_stp_post, .write = true, .writeback = -16,
};

SNIPPET(insn_ldr_post, "ldr x5, [x1], #8");
FIXTURE_VARIANT_ADD(isv0, ldr_post_index) { .code = &insn_ldr_post, .writeback = 8 };

SNIPPET(insn_ldr_pre, "ldr w5, [x1, #-4]!");
FIXTURE_VARIANT_ADD(isv0, ldr_pre_index) {
	.code = &insn_ldr_pre, .offset = -4, .writeback = -4,
};

SNIPPET(insn_ldrb_post, "ldrb w5, [x1], #1");
FIXTURE_VARIANT_ADD(isv0, ldrb_post_index) { .code = &insn_ldrb_post, .writeback = 1 };

SNIPPET(insn_str_post, "str x5, [x1], #8");
FIXTURE_VARIANT_ADD(isv0, str_post_index) {
	.code = &insn_str_post, .write = true, .writeback = 8,
};

SNIPPET(insn_strh_pre, "strh w5, [x1, #2]!");
FIXTURE_VARIANT_ADD(isv0, strh_pre_index) {
	.code = &insn_strh_pre, .write = true, .offset = 2, .writeback = 2,
};

SNIPPET(insn_ldr_q, "ldr q0, [x1]");
FIXTURE_VARIANT_ADD(isv0, ldr_q) { .code = &insn_ldr_q };

SNIPPET(insn_str_q, "str q0, [x1]");
FIXTURE_VARIANT_ADD(isv0, str_q) { .code = &insn_str_q, .write = true };

SNIPPET(insn_ldr_d, "ldr d0, [x1]");
FIXTURE_VARIANT_ADD(isv0, ldr_d) { .code = &insn_ldr_d };

SNIPPET(insn_str_s, "str s0, [x1]");
FIXTURE_VARIANT_ADD(isv0, str_s) { .code = &insn_str_s, .write = true };

SNIPPET(insn_ldr_b, "ldr b0, [x1]");
FIXTURE_VARIANT_ADD(isv0, ldr_b) { .code = &insn_ldr_b };

SNIPPET(insn_ldp_q, "ldp q0, q1, [x1]");
FIXTURE_VARIANT_ADD(isv0, ldp_q) { .code = &insn_ldp_q };

SNIPPET(insn_ld1, "ld1 {v0.16b}, [x1]");
FIXTURE_VARIANT_ADD(isv0, ld1) { .code = &insn_ld1 };

SNIPPET(insn_st4, "st4 {v0.2d, v1.2d, v2.2d, v3.2d}, [x1]");
FIXTURE_VARIANT_ADD(isv0, st4) { .code = &insn_st4, .write = true };

SNIPPET(insn_ldxr, "ldxr x5, [x1]");
FIXTURE_VARIANT_ADD(isv0, ldxr) { .code = &insn_ldxr };

SNIPPET(insn_ldaxrb, "ldaxrb w5, [x1]");
FIXTURE_VARIANT_ADD(isv0, ldaxrb) { .code = &insn_ldaxrb };

SNIPPET(insn_ldxp, "ldxp x5, x6, [x1]");
FIXTURE_VARIANT_ADD(isv0, ldxp) { .code = &insn_ldxp };

/* An atomic's direction is that of its first access: both are right. */
SNIPPET(insn_cas, ".arch_extension lse\ncas x5, x6, [x1]");
FIXTURE_VARIANT_ADD(isv0, cas) { .code = &insn_cas, .atomics = true };

SNIPPET(insn_ldadd, ".arch_extension lse\nldadd w5, w6, [x1]");
FIXTURE_VARIANT_ADD(isv0, ldadd) { .code = &insn_ldadd, .atomics = true };

SNIPPET(insn_swp, ".arch_extension lse\nswp x5, x6, [x1]");
FIXTURE_VARIANT_ADD(isv0, swp) { .code = &insn_swp, .atomics = true };

/* Normal memory, or it is an alignment fault of stage 1. */
SNIPPET(insn_dc_zva, "dc zva, x1");
FIXTURE_VARIANT_ADD(isv0, dc_zva) {
	.code = &insn_dc_zva, .write = true, .address = GUEST_MMIO_NORMAL + 0x2000,
};

SNIPPET(insn_dc_civac, "dc civac, x1");
FIXTURE_VARIANT_ADD(isv0, dc_civac) { .code = &insn_dc_civac, .cache_op = true };

SNIPPET(insn_dc_cvac, "dc cvac, x1");
FIXTURE_VARIANT_ADD(isv0, dc_cvac) { .code = &insn_dc_cvac, .cache_op = true };

SNIPPET(insn_ic_ivau, "ic ivau, x1");
FIXTURE_VARIANT_ADD(isv0, ic_ivau) { .code = &insn_ic_ivau, .cache_op = true };

FIXTURE_VARIANT_ADD(isv0, ldp_unaligned) {
	.code = &insn_ldp, .address = GUEST_MMIO_NORMAL + 0x1001,
};

FIXTURE_VARIANT_ADD(isv0, ldp_mmu_off) { .code = &insn_ldp, .mmu_off = true };
FIXTURE_VARIANT_ADD(isv0, stp_mmu_off) { .code = &insn_stp, .mmu_off = true, .write = true };
FIXTURE_VARIANT_ADD(isv0, str_q_mmu_off) { .code = &insn_str_q, .mmu_off = true, .write = true };

FIXTURE_VARIANT_ADD(isv0, ldr_post_index_mmu_off) {
	.code = &insn_ldr_post, .mmu_off = true, .writeback = 8,
};

FIXTURE_SETUP(isv0)
{
	if (variant->atomics && !(getauxval(AT_HWCAP) & HWCAP_ATOMICS))
		SKIP(_exit(255), "this CPU has no atomic instructions");
	vm_init(&self->vm);
	vcpu_init(&self->vcpu, &self->vm, 0);
	snippet_prepare(&self->vcpu, !variant->mmu_off);
	snippet_start(&self->vcpu, &self->regs, variant->code,
		      variant->address ?: SNIPPET_ADDRESS);
}

FIXTURE_TEARDOWN(isv0)
{
}

static u64 ipa_of(u64 va)
{
	return va >= GUEST_MMIO_NORMAL ? va - GUEST_MMIO_NORMAL + GUEST_MMIO : va;
}

TEST_F(isv0, access)
{
	struct armvcpu_run *run = self->vcpu.run;
	struct armvcpu_exit_abort *abort = &run->u.abort;
	u64 va = (variant->address ?: SNIPPET_ADDRESS) + variant->offset;
	u32 flags = ARMVCPU_ABORT_INSN_VALID;

	if (variant->cache_op) {
		/* A core may do nothing where there is no memory. */
		ASSERT_EQ(0, vcpu_run_exit(&self->vcpu));
		if (snippet_is_stop(&self->vcpu))
			SKIP(return, "this CPU's cache operation needs no memory");
		ASSERT_EQ(ARMVCPU_EXIT_ABORT, run->exit_reason);
		flags |= ARMVCPU_ABORT_CACHE_OP;
		/* WnR is 1 for cache maintenance. */
		EXPECT_EQ(flags, abort->flags & ~ARMVCPU_ABORT_WRITE);
	} else {
		vcpu_expect(&self->vcpu, ARMVCPU_EXIT_ABORT);
		if (variant->write)
			flags |= ARMVCPU_ABORT_WRITE;
		EXPECT_EQ(flags, variant->atomics ? abort->flags & ~ARMVCPU_ABORT_WRITE :
						    abort->flags) {
			TH_LOG("flags 0x%x", abort->flags);
		}
	}
	EXPECT_EQ(ipa_of(va), abort->ipa);
	EXPECT_EQ(variant->code->insn, abort->insn) {
		TH_LOG("instruction 0x%08x", abort->insn);
	}
	EXPECT_EQ(EC_DABT_LOW, ESR_EC(run->esr));
	EXPECT_EQ(va, run->far);
	snippet_check_regs(&self->vcpu, &self->regs);

	/* Emulated on the registers, as the VMM sees fit. */
	run->x[6] = 0x6666;
	run->x[1] += variant->writeback;
	self->regs.x[6] = 0x6666;
	self->regs.x[1] += variant->writeback;
	snippet_expect_stop(&self->vcpu, &self->regs);
}

/* ---- what else the VMM may do ------------------------------------ */

FIXTURE(answer) {
	struct vm vm;
	struct vcpu vcpu;
	struct armvcpu_core_regs regs;
};

FIXTURE_SETUP(answer)
{
	vm_init(&self->vm);
	vcpu_init(&self->vcpu, &self->vm, 0);
}

FIXTURE_TEARDOWN(answer)
{
}

TEST_F(answer, retry_finds_memory)
{
	u64 page = page_size(), ipa = SNIPPET_ADDRESS & ~(page - 1);
	u64 *mem;

	snippet_prepare(&self->vcpu, VCPU_MMU_ON);
	snippet_start(&self->vcpu, &self->regs, &insn_ldp_pre, SNIPPET_ADDRESS);
	vcpu_expect(&self->vcpu, ARMVCPU_EXIT_ABORT);
	mem = vm_add_memory(&self->vm, 0, ipa, page);
	mem += (SNIPPET_ADDRESS - ipa + 16) / 8;
	mem[0] = 0x5555;
	mem[1] = 0x6666;
	self->vcpu.run->action = ARMVCPU_ACTION_RETRY;
	self->regs.x[5] = 0x5555;
	self->regs.x[6] = 0x6666;
	self->regs.x[1] += 16;
	snippet_expect_stop(&self->vcpu, &self->regs);
}

static void guest_aborts(u64 write)
{
	const struct guest_trap *trap;
	u64 base = SNIPPET_ADDRESS;

	if (write)
		trap = GUEST_TRAP(asm volatile("stp x0, x1, [%0], #16" : "+r"(base) : : "memory"));
	else
		trap = GUEST_TRAP(asm volatile("ldp x9, x10, [%0], #16"
					       : "+r"(base) : : "memory", "x9", "x10"));
	GUEST_ASSERT_EQ(1, trap->count);
	GUEST_ASSERT_EQ(EC_DABT, ESR_EC(trap->esr));
	GUEST_ASSERT_EQ(FSC_EXTABT, ESR_FSC(trap->esr));
	GUEST_ASSERT_EQ(SNIPPET_ADDRESS, trap->far);
	/* The base is as it was: the access did not happen. */
	GUEST_ASSERT_EQ(SNIPPET_ADDRESS, base);
	GUEST_SYNC(1);
}

TEST_F(answer, abort_of_a_load)
{
	vcpu_call(&self->vcpu, guest_aborts, 0);
	vcpu_expect(&self->vcpu, ARMVCPU_EXIT_ABORT);
	self->vcpu.run->action = ARMVCPU_ACTION_ABORT;
	vcpu_expect_sync(&self->vcpu, 1);
}

TEST_F(answer, abort_of_a_store)
{
	vcpu_call(&self->vcpu, guest_aborts, 1);
	vcpu_expect(&self->vcpu, ARMVCPU_EXIT_ABORT);
	self->vcpu.run->action = ARMVCPU_ACTION_ABORT;
	vcpu_expect_sync(&self->vcpu, 1);
}

/* The instruction is found through the guest's own tables, and at EL0. */
TEST_F(answer, instruction_at_el0_of_another_address)
{
	struct armvcpu_run *run = self->vcpu.run;
	u8 *mem = vm_add_memory(&self->vm, 0, GUEST_RAM, 0x20000);

	/* Not the first page, so that no address is right by chance. */
	guest_pt_map(GUEST_USER, GUEST_RAM + 0x13000, 0x1000, PTE_NORMAL | PTE_USER);
	memcpy(mem + 0x13ff0, &insn_stp_post, sizeof(insn_stp_post));
	snippet_prepare(&self->vcpu, VCPU_MMU_ON);
	snippet_start(&self->vcpu, &self->regs, (void *)(GUEST_USER + 0xff0), SNIPPET_ADDRESS);
	self->regs.pstate = 0x60000000 | PSR_EL0T;
	vcpu_set_regs(&self->vcpu, &self->regs);
	vcpu_expect(&self->vcpu, ARMVCPU_EXIT_ABORT);
	EXPECT_EQ(ARMVCPU_ABORT_INSN_VALID | ARMVCPU_ABORT_WRITE | ARMVCPU_ABORT_USER,
		  run->u.abort.flags);
	EXPECT_EQ(insn_stp_post.insn, run->u.abort.insn);
	EXPECT_EQ(SNIPPET_ADDRESS, run->u.abort.ipa);
	snippet_check_regs(&self->vcpu, &self->regs);
	snippet_expect_stop(&self->vcpu, &self->regs);
}

/* EL0 executes what it must not read: nor does the VMM get to see it. */
TEST_F(answer, instruction_that_cannot_be_read)
{
	struct armvcpu_run *run = self->vcpu.run;
	u8 *mem = vm_add_memory(&self->vm, 0, GUEST_RAM, 0x20000);

	guest_pt_map(GUEST_USER, GUEST_RAM + 0x13000, 0x1000, PTE_NORMAL);
	memcpy(mem + 0x13000, &insn_stp_post, sizeof(insn_stp_post));
	snippet_prepare(&self->vcpu, VCPU_MMU_ON);
	snippet_start(&self->vcpu, &self->regs, (void *)GUEST_USER, SNIPPET_ADDRESS);
	self->regs.pstate = 0x60000000 | PSR_EL0T;
	vcpu_set_regs(&self->vcpu, &self->regs);
	vcpu_expect(&self->vcpu, ARMVCPU_EXIT_ABORT);
	EXPECT_EQ(ARMVCPU_ABORT_WRITE | ARMVCPU_ABORT_USER, run->u.abort.flags);
	EXPECT_EQ(0, run->u.abort.insn);
	EXPECT_EQ(SNIPPET_ADDRESS, run->u.abort.ipa);
	snippet_check_regs(&self->vcpu, &self->regs);
	snippet_expect_stop(&self->vcpu, &self->regs);
}

/* A slot that may not be written to, by a pair. */
TEST_F(answer, read_only_slot)
{
	struct armvcpu_run *run = self->vcpu.run;
	u64 page = page_size(), *mem = alloc_pages(page);

	mem[0] = 0x1111;
	mem[1] = 0x2222;
	ASSERT_EQ(0, vm_set_slot(&self->vm, 0, ARMVCPU_SLOT_READONLY, GUEST_RAM, page, mem));
	snippet_prepare(&self->vcpu, VCPU_MMU_ON);
	/* Reading works, and leaves a page that is mapped. */
	snippet_start(&self->vcpu, &self->regs, &insn_ldp, GUEST_RAM);
	self->regs.x[5] = 0x1111;
	self->regs.x[6] = 0x2222;
	snippet_expect_stop(&self->vcpu, &self->regs);

	snippet_start(&self->vcpu, &self->regs, &insn_stp, GUEST_RAM);
	vcpu_expect(&self->vcpu, ARMVCPU_EXIT_ABORT);
	EXPECT_EQ(ARMVCPU_ABORT_INSN_VALID | ARMVCPU_ABORT_WRITE | ARMVCPU_ABORT_READONLY,
		  run->u.abort.flags);
	EXPECT_EQ(GUEST_RAM, run->u.abort.ipa);
	snippet_expect_stop(&self->vcpu, &self->regs);
	EXPECT_EQ(0x1111, mem[0]);
	EXPECT_EQ(0x2222, mem[1]);
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
