// SPDX-License-Identifier: GPL-2.0
/*
 * Loads and stores that the library emulates: each does what the CPU does.
 *
 * The same instruction runs twice, at the same address, with the same registers and the
 * same data: in a VM with memory there, where the CPU executes it; and in a VM without,
 * where it is an exit, and the data is a device's. All registers and all of the data must be
 * the same afterwards.
 */
#include "harness.h"

#include <asm/hwcap.h>
#include <sys/auxv.h>

#include "emulate.h"
#include "libarmvcpu.h"
#include "snippet.h"

/* Code and data, for EL0 as well; near each other, for what is relative to PC. */
#define CODE_VA		GUEST_USER
#define CODE_IPA	GUEST_RAM
#define DATA_VA		(GUEST_USER + 0x10000)
#define DATA_IPA	(GUEST_RAM + 0x10000)
#define AREA_SIZE	0x10000
/* All of the data that is mapped but for one test. */
#define DATA_PAGE	0x1000

#define SCTLR_EL1	ARMVCPU_REG_SYS(3, 0, 1, 0, 0)
#define ID_AA64MMFR1	ARMVCPU_REG_SYS(3, 0, 0, 7, 1)
#define MMFR1_LO(mmfr1)	((mmfr1) >> 16 & 15)

/* ---- The two machines ---------------------------------------------------- */

struct machine {
	struct vm vm;
	struct vcpu vcpu;
	struct armvcpu_vcpu hw;
};

/**
 * struct both - the two, and how they are
 * @native: has memory at DATA_IPA.
 * @emulated: has none.
 * @el0: the instructions are executed at EL0, otherwise at EL1.
 * @big_endian: data is.
 * @access: to @device.
 * @code: of both.
 * @memory: of @native.
 * @device: of @emulated.
 * @used: bytes of @code.
 * @accesses: to @device so far.
 * @nothing_from: number of the first one that finds nothing.
 * @aborts: exits without a syndrome.
 */
struct both {
	struct machine native;
	struct machine emulated;
	bool el0;
	bool big_endian;
	struct armvcpu_access access;
	u8 *code;
	u8 *memory;
	u8 device[AREA_SIZE];
	unsigned int used;
	unsigned int accesses;
	unsigned int nothing_from;
	unsigned int aborts;
};

FIXTURE(emulate) {
	struct both both;
};

FIXTURE_VARIANT(emulate) {
	bool el0;
	bool big_endian;
};

FIXTURE_VARIANT_ADD(emulate, el1) { };
FIXTURE_VARIANT_ADD(emulate, el0) { .el0 = true };
FIXTURE_VARIANT_ADD(emulate, el1_big_endian) { .big_endian = true };
FIXTURE_VARIANT_ADD(emulate, el0_big_endian) { .el0 = true, .big_endian = true };

static u8 *device_at(struct both *both, u64 ipa, unsigned int len)
{
	if (both->accesses++ >= both->nothing_from || ipa < DATA_IPA ||
	    ipa + len > DATA_IPA + AREA_SIZE)
		return NULL;
	return both->device + (ipa - DATA_IPA);
}

static int device_read(void *opaque, __u64 ipa, unsigned int len, __u64 *value)
{
	u8 *at = device_at(opaque, ipa, len);

	*value = POISON;
	if (at)
		memcpy(value, at, len);
	return at ? 0 : -EFAULT;
}

static int device_write(void *opaque, __u64 ipa, unsigned int len, __u64 value)
{
	u8 *at = device_at(opaque, ipa, len);

	if (at)
		memcpy(at, &value, len);
	return at ? 0 : -EFAULT;
}

static void machine_init(struct machine *machine, void *code)
{
	vm_init(&machine->vm);
	test_check(!vm_set_slot(&machine->vm, 0, 0, CODE_IPA, AREA_SIZE, code));
	vcpu_init(&machine->vcpu, &machine->vm, 0);
	machine->hw.fd = machine->vcpu.fd;
	machine->hw.run = machine->vcpu.run;
}

FIXTURE_SETUP(emulate)
{
	struct both *both = &self->both;
	u64 offset, sctlr = GUEST_SCTLR_ON;

	both->el0 = variant->el0;
	both->big_endian = variant->big_endian;
	both->code = alloc_pages(AREA_SIZE);
	machine_init(&both->native, both->code);
	machine_init(&both->emulated, both->code);
	both->memory = vm_add_memory(&both->native.vm, 1, DATA_IPA, AREA_SIZE);
	both->access.read = device_read;
	both->access.write = device_write;
	both->access.opaque = both;
	both->nothing_from = ~0U;

	/* EL1 executes nothing that EL0 can write to. */
	for (offset = 0; offset < AREA_SIZE; offset += 0x1000)
		guest_pt_map(CODE_VA + offset, CODE_IPA + offset, 0x1000,
			     PTE_NORMAL | PTE_USER | PTE_RDONLY);
	for (offset = 0; offset < 2 * DATA_PAGE; offset += 0x1000)
		guest_pt_map(DATA_VA + offset, DATA_IPA + offset, 0x1000,
			     PTE_NORMAL | PTE_USER | PTE_PXN | PTE_UXN);
	snippet_prepare(&both->native.vcpu, VCPU_MMU_ON);
	snippet_prepare(&both->emulated.vcpu, VCPU_MMU_ON);
	if (both->big_endian && !both->el0)
		guest_pt_swap();
	if (both->big_endian)
		sctlr |= both->el0 ? GUEST_SCTLR_E0E : GUEST_SCTLR_EE;
	vcpu_set(&both->native.vcpu, SCTLR_EL1, sctlr);
	vcpu_set(&both->emulated.vcpu, SCTLR_EL1, sctlr);
}

FIXTURE_TEARDOWN(emulate)
{
}

/* ---- One instruction ------------------------------------------------------ */

struct registers {
	struct armvcpu_core_regs core;
	struct armvcpu_fp_regs fp;
};

static void get_registers(struct machine *machine, struct registers *regs)
{
	vcpu_get_regs(&machine->vcpu, &regs->core);
	test_check(!armvcpu_vcpu_get_fp_regs(&machine->hw, &regs->fp));
}

static void set_registers(struct machine *machine, const struct registers *regs)
{
	vcpu_set_regs(&machine->vcpu, &regs->core);
	test_check(!armvcpu_vcpu_set_fp_regs(&machine->hw, &regs->fp));
}

static void library_regs(const struct registers *regs, bool el0, struct armvcpu_insn_regs *out)
{
	memcpy(out->x, regs->core.x, sizeof(out->x));
	memcpy(out->v, regs->fp.v, sizeof(out->v));
	out->sp = el0 ? regs->core.sp_el0 : regs->core.sp_el1;
	out->pc = regs->core.pc;
}

static struct snippet *add_code(struct both *both, u32 word)
{
	struct snippet *code = (struct snippet *)(both->code + both->used);

	if (both->used + sizeof(*code) > AREA_SIZE)
		test_fail("too many instructions");
	both->used += sizeof(*code);
	snippet_make(code, word);
	__builtin___clear_cache((char *)code, (char *)(code + 1));
	return code;
}

/* All registers, so that the access of the code just added is at @address. */
static void prepare(struct both *both, const struct armvcpu_insn *insn, u64 address,
		    struct registers *regs)
{
	struct armvcpu_insn_regs lib = { 0 };
	unsigned int i;
	u64 base;

	snippet_start(&both->native.vcpu, &regs->core, NULL, 0);
	regs->core.pc = CODE_VA + both->used - sizeof(struct snippet);
	if (both->el0)
		regs->core.pstate = 0x60000000 | PSR_MASKED | PSR_EL0T;
	/* As an index: a small one as 64 bits, and as 32 bits of both kinds. */
	regs->core.x[2] = insn->extend == ARMVCPU_EXTEND_UXTW ? 0xdeadbeef00000011UL :
			  insn->extend == ARMVCPU_EXTEND_SXTW ? 0x1badcafeffffffedUL :
			  0xfffffffffffffff3UL;
	memset(&regs->fp, 0, sizeof(regs->fp));
	for (i = 0; i < 64; i++)
		regs->fp.v[i / 2][i % 2] = 0x8796a5b4c3d2e1f0UL ^ i * 0x0103050709010305UL;
	for (i = 0; i < AREA_SIZE; i++)
		both->device[i] = (i * 37 + i / 256) ^ 0x80;
	memcpy(both->memory, both->device, AREA_SIZE);

	library_regs(regs, both->el0, &lib);
	lib.sp = 0;
	if (insn->rn != 31)
		lib.x[insn->rn] = 0;
	base = address - armvcpu_insn_address(insn, &lib);
	if (insn->mode == ARMVCPU_MODE_LITERAL)
		return;
	/* SCTLR_EL1.SA */
	if (insn->rn != 31)
		regs->core.x[insn->rn] = base;
	else if (both->el0)
		regs->core.sp_el0 = base & ~15UL;
	else
		regs->core.sp_el1 = base & ~15UL;
}

/* The same by the CPU; the registers at the stop behind it. */
static void run_native(struct both *both, const struct registers *before,
		       struct registers *after)
{
	struct vcpu *vcpu = &both->native.vcpu;

	set_registers(&both->native, before);
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	if (!snippet_is_stop(vcpu)) {
		vcpu_print_exit(vcpu);
		test_fail("the CPU does not execute it");
	}
	get_registers(&both->native, after);
}

/* Where there is a syndrome the library is asked nevertheless. */
static int emulate_mmio(struct both *both, const struct armvcpu_insn *insn)
{
	struct vcpu *vcpu = &both->emulated.vcpu;
	struct registers regs;
	struct armvcpu_insn_regs lib;
	int ret;

	get_registers(&both->emulated, &regs);
	library_regs(&regs, both->el0, &lib);
	if (vcpu->run->far != armvcpu_insn_address(insn, &lib))
		test_fail("the access is at 0x%llx", vcpu->run->far);
	ret = armvcpu_insn_emulate(insn, &lib, both->big_endian, vcpu->run->u.mmio.ipa,
				   &both->access);
	memcpy(regs.core.x, lib.x, sizeof(lib.x));
	memcpy(regs.fp.v, lib.v, sizeof(lib.v));
	if (both->el0)
		regs.core.sp_el0 = lib.sp;
	else
		regs.core.sp_el1 = lib.sp;
	regs.core.pc += 4;
	set_registers(&both->emulated, &regs);
	return ret;
}

static void emulate(struct both *both, const struct armvcpu_insn *insn,
		    const struct registers *before, struct registers *after)
{
	struct vcpu *vcpu = &both->emulated.vcpu;
	int ret;

	set_registers(&both->emulated, before);
	test_check(!vcpu_run_exit(vcpu));
	if (vcpu->run->exit_reason == ARMVCPU_EXIT_MMIO && !snippet_is_stop(vcpu)) {
		ret = emulate_mmio(both, insn);
	} else {
		both->aborts++;
		ret = armvcpu_vcpu_emulate(&both->emulated.hw, &both->access);
	}
	if (ret) {
		vcpu_print_exit(vcpu);
		test_fail("the library: %d, %s", ret, armvcpu_refusal(ret));
	}
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	if (!snippet_is_stop(vcpu)) {
		vcpu_print_exit(vcpu);
		test_fail("not the store behind the instruction");
	}
	get_registers(&both->emulated, after);
}

static void print_difference(const struct registers *want, const struct registers *got)
{
	const u64 *a = (const u64 *)want, *b = (const u64 *)got;
	size_t i;

	for (i = 0; i < sizeof(*want) / 8; i++) {
		if (a[i] != b[i])
			fprintf(stderr, "#   %s[%zu]: 0x%llx, not 0x%llx\n", i < 35 ? "core" : "fp",
				i < 35 ? i : i - 35, b[i], a[i]);
	}
}

static void compare(struct both *both, const struct armvcpu_insn *insn, u64 address)
{
	struct registers before, want, got;
	char text[ARMVCPU_INSN_TEXT_SIZE];

	prepare(both, insn, address, &before);
	run_native(both, &before, &want);
	emulate(both, insn, &before, &got);
	if (!memcmp(&want, &got, sizeof(want)) &&
	    !memcmp(both->memory, both->device, AREA_SIZE))
		return;
	print_difference(&want, &got);
	test_fail("0x%llx: %s (0x%08x)%s", address,
		  armvcpu_insn_text(insn, before.core.pc, text, sizeof(text)), insn->word,
		  memcmp(both->memory, both->device, AREA_SIZE) ? ": the data differs" : "");
}

/* Aligned and not; at both ends of the page. */
static void compare_all(struct both *both, const struct insn_list *list)
{
	struct armvcpu_insn insn;
	const u32 *word;

	for (word = list->begin; word < list->end; word++) {
		u16 order = ARMVCPU_INSN_ACQUIRE | ARMVCPU_INSN_RELEASE;

		if (armvcpu_insn_decode(*word, &insn))
			test_fail("0x%08x: %s", *word, armvcpu_refusal(insn.refused));
		add_code(both, *word);
		compare(both, &insn, DATA_VA + 0x840);
		if (insn.rn == 31 || insn.mode == ARMVCPU_MODE_LITERAL)
			continue;
		compare(both, &insn, DATA_VA);
		compare(both, &insn, DATA_VA + DATA_PAGE - armvcpu_insn_bytes(&insn));
		if (!(insn.flags & order))
			compare(both, &insn, DATA_VA + 0x843);
	}
}

static unsigned int length(const struct insn_list *list)
{
	return list->end - list->begin;
}

TEST_F(emulate, single_registers)
{
	struct both *both = &self->both;

	compare_all(both, &insns_single);
	ASSERT_GT(both->aborts, 0);
}

TEST_F(emulate, pairs)
{
	struct both *both = &self->both;

	compare_all(both, &insns_pair);
	/* None of them has a syndrome. */
	ASSERT_GE(both->aborts, length(&insns_pair));
}

TEST_F(emulate, relative_to_pc)
{
	struct both *both = &self->both;

	compare_all(both, &insns_literal);
}

TEST_F(emulate, simd_structures)
{
	struct both *both = &self->both;

	compare_all(both, &insns_structures);
	ASSERT_GE(both->aborts, length(&insns_structures));
}

TEST_F(emulate, simd_lanes)
{
	struct both *both = &self->both;

	compare_all(both, &insns_lanes);
	ASSERT_GE(both->aborts, length(&insns_lanes));
}

TEST_F(emulate, ordered)
{
	struct both *both = &self->both;

	compare_all(both, &insns_ordered);
	if (MMFR1_LO(vcpu_get(&both->native.vcpu, ID_AA64MMFR1)))
		compare_all(both, &insns_lor);
	if (getauxval(AT_HWCAP) & HWCAP_LRCPC)
		compare_all(both, &insns_lrcpc);
	if (getauxval(AT_HWCAP) & HWCAP_ILRCPC)
		compare_all(both, &insns_ilrcpc);
}

/* ---- What is not done -------------------------------------------------------- */

/* The exit of a word, which the library answers so; all of the registers are as they were. */
static void refuse(struct both *both, u32 word, u64 address, int want)
{
	struct vcpu *vcpu = &both->emulated.vcpu;
	struct registers before, after;
	struct armvcpu_insn insn;
	u64 esr;
	int ret;

	armvcpu_insn_decode(word, &insn);
	add_code(both, word);
	prepare(both, &insn, address, &before);
	/* In what is refused a base is not known to the library. */
	before.core.x[1] = address;
	set_registers(&both->emulated, &before);
	vcpu_expect(vcpu, ARMVCPU_EXIT_ABORT);
	ret = armvcpu_vcpu_emulate(&both->emulated.hw, &both->access);
	if (ret != want)
		test_fail("0x%08x: %d (%s), not %d", word, ret, armvcpu_refusal(ret), want);
	test_check(vcpu->run->action == ARMVCPU_ACTION_ABORT);
	get_registers(&both->emulated, &after);
	if (memcmp(&before, &after, sizeof(before))) {
		print_difference(&before, &after);
		test_fail("0x%08x: what is refused changes registers", word);
	}
	/* Its vectors push what is big-endian onto a stack: nobody looks there. */
	test_check(!vcpu_run_exit(vcpu));
	if (!snippet_is_exception(vcpu, &esr)) {
		vcpu_print_exit(vcpu);
		test_fail("expected an exception");
	}
	if (ESR_EC(esr) != (both->el0 ? EC_DABT_LOW : EC_DABT) || ESR_FSC(esr) != FSC_EXTABT)
		test_fail("0x%08x: esr 0x%llx", word, esr);
}

#define INSN_LDP	0xa9401825	/* ldp x5, x6, [x1] */
#define INSN_LDP_POST	0xa8c11825	/* ldp x5, x6, [x1], #16 */
#define INSN_STP_POST	0xa8811825	/* stp x5, x6, [x1], #16 */
#define INSN_LD4_POST	0x4cdf0025	/* ld4 {v5.16b-v8.16b}, [x1], #64 */
#define INSN_LDXR	0xc85f7c25	/* ldxr x5, [x1] */
#define INSN_LDAXP	0xc87f9825	/* ldaxp x5, x6, [x1] */
#define INSN_LDADD	0xf8250026	/* ldadd x5, x6, [x1] */

TEST_F(emulate, refused)
{
	struct both *both = &self->both;
	const u64 at = DATA_VA + 0x840;

	refuse(both, INSN_LDXR, at, ARMVCPU_REFUSED_EXCLUSIVE);
	refuse(both, INSN_LDAXP, at, ARMVCPU_REFUSED_EXCLUSIVE);
	if (getauxval(AT_HWCAP) & HWCAP_ATOMICS)
		refuse(both, INSN_LDADD, at, ARMVCPU_REFUSED_ATOMIC);
	ASSERT_EQ(0, both->accesses);
}

/* From some access on there is nothing. */
TEST_F(emulate, nothing_there)
{
	struct both *both = &self->both;
	static const struct {
		u32 word;
		unsigned int accesses;
	} rows[] = {
		{ INSN_LDP_POST, 2 }, { INSN_STP_POST, 2 }, { INSN_LD4_POST, 64 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		both->accesses = 0;
		both->nothing_from = rows[i].accesses - 1;
		refuse(both, rows[i].word, DATA_VA + 0x840, ARMVCPU_REFUSED_ADDRESS);
		ASSERT_EQ(rows[i].accesses, both->accesses);
	}
}

/* Two pages, of which the exit has the address of one. */
TEST_F(emulate, two_pages)
{
	struct both *both = &self->both;

	refuse(both, INSN_LDP, DATA_VA + DATA_PAGE - 8, ARMVCPU_REFUSED_CROSSING);
	refuse(both, INSN_LDP_POST, DATA_VA + DATA_PAGE - 1, ARMVCPU_REFUSED_CROSSING);
	refuse(both, INSN_STP_POST, DATA_VA + DATA_PAGE - 15, ARMVCPU_REFUSED_CROSSING);
	ASSERT_EQ(0, both->accesses);
}

static u64 device_word(const struct both *both, unsigned int offset)
{
	u64 value;

	memcpy(&value, both->device + offset, sizeof(value));
	return both->big_endian ? __builtin_bswap64(value) : value;
}

/* With the MMU off both are known. */
TEST_F(emulate, two_pages_without_mmu)
{
	struct both *both = &self->both;
	struct vcpu *vcpu = &both->emulated.vcpu;
	const unsigned int at = DATA_PAGE - 8;
	struct registers before, after;
	struct armvcpu_insn insn;

	vcpu_set(vcpu, SCTLR_EL1,
		 vcpu_get(vcpu, SCTLR_EL1) & ~(GUEST_SCTLR_M | GUEST_SCTLR_C));
	armvcpu_insn_decode(INSN_LDP_POST, &insn);
	add_code(both, INSN_LDP_POST);
	prepare(both, &insn, DATA_IPA + at, &before);
	before.core.pc = before.core.pc - CODE_VA + CODE_IPA;
	emulate(both, &insn, &before, &after);
	EXPECT_EQ(device_word(both, at), after.core.x[5]);
	EXPECT_EQ(device_word(both, at + 8), after.core.x[6]);
	EXPECT_EQ(DATA_IPA + at + 16, after.core.x[1]);
	EXPECT_EQ(2, both->accesses);
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
