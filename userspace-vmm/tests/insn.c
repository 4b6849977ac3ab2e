// SPDX-License-Identifier: GPL-2.0
/*
 * Loads and stores that the library emulates, without a guest. That it takes each of them
 * apart as an assembler puts it together is selftests/host/decode.sh's; that each does what
 * the CPU does, selftests/emulate.c's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-vcpu.h"
#include "helper.h"

#define PSTATE_EL0	0x0
#define PSTATE_EL1T	0x4
#define PSTATE_EL1H	0x5
#define SCTLR_M		BIT(0)
#define SCTLR_E0E	BIT(24)
#define SCTLR_EE	BIT(25)

/* Virtual, and where it lies. */
#define VA		0xffff000012345000ULL
#define OFFSET		0x340

static struct fake_vcpu fake;

static u64 pattern(unsigned int i)
{
	return 0x8081828384858687ULL + i * 0x0808080808080808ULL;
}

/* x1 is the base; registers and memory differ from each other in every byte. */
static void begin(void)
{
	unsigned int i;

	fake_init(&fake);
	for (i = 0; i < 31; i++)
		fake.run.x[i] = 0x1111111111111111ULL * (i % 7 + 1) + i;
	for (i = 0; i < FAKE_SIZE; i++)
		fake.mem[i] = 0x80 + i % 0x70;
	for (i = 0; i < 32; i++) {
		fake.fp.v[i][0] = pattern(i);
		fake.fp.v[i][1] = ~pattern(i);
	}
	fake.fp.fpsr = 0x8000000;
	fake.run.x[1] = VA + OFFSET;
	fake.run.pstate = PSTATE_EL1H;
	fake.sctlr = SCTLR_M;
	fake.sp_el0 = VA + 0x400;
	fake.sp_el1 = VA + 0x500;
}

/* At an offset from the base: what the library makes of it. */
static int emulate(u32 insn, s64 offset)
{
	fake_abort(&fake, insn, fake.run.x[1] + offset, FAKE_BASE + OFFSET + offset);
	return armvcpu_vcpu_emulate(&fake.hw, &fake.access);
}

static u64 memory(unsigned int offset, unsigned int len)
{
	u64 value = 0;

	memcpy(&value, fake.mem + offset, len);
	return value;
}

/* ---- What is refused --------------------------------------------------- */

static void test_refused(void)
{
	static const struct {
		u32 insn;
		u8 refused;
		const char *text;
	} rows[] = {
		{ 0xa9401825, 0, "ldp x5, x6, [x1]" },
		{ 0x29bf7fe5, 0, "stp w5, wzr, [sp, #-8]!" },
		{ 0x4d859022, 0, "st1 {v2.s}[3], [x1], x5" },
		{ 0xa9400821, 0, "ldp x1, x2, [x1]" },
		{ 0xf84087ff, 0, "ldr xzr, [sp], #8" },
		{ 0xacc10420, 0, "ldp q0, q1, [x1], #32" },
		{ 0x58000205, 0, "ldr x5, 0x1040" },
		{ 0xa8c10821, ARMVCPU_REFUSED_UNPREDICTABLE, "ldp x1, x2, [x1], #16" },
		{ 0xa8810422, ARMVCPU_REFUSED_UNPREDICTABLE, "stp x2, x1, [x1], #16" },
		{ 0xa9401425, ARMVCPU_REFUSED_UNPREDICTABLE, "ldp x5, x5, [x1]" },
		{ 0x2d401425, ARMVCPU_REFUSED_UNPREDICTABLE, "ldp s5, s5, [x1]" },
		{ 0x28401425, ARMVCPU_REFUSED_UNPREDICTABLE, "ldnp w5, w5, [x1]" },
		{ 0xf8408421, ARMVCPU_REFUSED_UNPREDICTABLE, "ldr x1, [x1], #8" },
		{ 0xf8008c21, ARMVCPU_REFUSED_UNPREDICTABLE, "str x1, [x1, #8]!" },
		{ 0xc8c0fc25, ARMVCPU_REFUSED_UNPREDICTABLE, "ldar x5, [x1]" },
		{ 0xf8000c21, ARMVCPU_REFUSED_UNPREDICTABLE, "str x1, [x1, #0]!" },
		{ 0xc85f7c25, ARMVCPU_REFUSED_EXCLUSIVE, "ldxr x5, [x1]" },
		{ 0xf8250026, ARMVCPU_REFUSED_ATOMIC, "ldadd x5, x6, [x1]" },
		{ 0x48247c26, ARMVCPU_REFUSED_ATOMIC, "casp x4, x5, x6, x7, [x1]" },
		{ 0xf83fd020, ARMVCPU_REFUSED_BLOCK, "ld64b x0, [x1]" },
		{ 0xf8200425, ARMVCPU_REFUSED_PAUTH, "ldraa x5, [x1]" },
		{ 0xd9200825, ARMVCPU_REFUSED_TAG, "stg x5, [x1]" },
		{ 0x190404a3, ARMVCPU_REFUSED_COPY, "cpyfp [x3]!, [x4]!, x5!" },
		{ 0xf9800020, ARMVCPU_REFUSED_PREFETCH, "prfm pldl1keep, [x1]" },
		{ 0xd50b7421, ARMVCPU_REFUSED_CACHE, "dc zva, x1" },
		{ 0xb8c00c20, ARMVCPU_REFUSED_UNALLOCATED, ".inst 0xb8c00c20" },
		{ 0xe9400400, ARMVCPU_REFUSED_UNALLOCATED, ".inst 0xe9400400" },
		{ 0x8b0700c5, ARMVCPU_REFUSED_OTHER, ".inst 0x8b0700c5" },
		{ 0xffffffff, ARMVCPU_REFUSED_OTHER, ".inst 0xffffffff" },
	};
	char text[ARMVCPU_INSN_TEXT_SIZE];
	struct armvcpu_insn insn;
	struct fake_vcpu before;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK(armvcpu_insn_decode(rows[i].insn, &insn) == rows[i].refused);
		CHECK(insn.refused == rows[i].refused);
		armvcpu_insn_text(&insn, 0x1000, text, sizeof(text));
		if (strcmp(text, rows[i].text)) {
			printf("# it is '%s', not '%s'\n", text, rows[i].text);
			CHECK(false);
		}
		CHECK((armvcpu_refusal(insn.refused)[0] == '?') == !insn.refused);
		if (!rows[i].refused)
			continue;
		begin();
		fake_abort(&fake, rows[i].insn, VA + OFFSET, FAKE_BASE + OFFSET);
		before = fake;
		before.run.action = ARMVCPU_ACTION_ABORT;
		CHECK(armvcpu_vcpu_emulate(&fake.hw, &fake.access) == rows[i].refused);
		CHECK(!memcmp(&fake, &before, sizeof(fake)));
		CHECK(armvcpu_insn_emulate(&insn, NULL, 0, 0, &fake.access) == -EINVAL);
	}
}

/* Whatever room there is. */
static void test_text_is_cut(void)
{
	char text[16], guard[16];
	struct armvcpu_insn insn;
	size_t size;

	memset(guard, 'x', sizeof(guard));
	armvcpu_insn_decode(0xa9401825, &insn);
	for (size = 0; size <= sizeof(text); size++) {
		memset(text, 'x', sizeof(text));
		CHECK(armvcpu_insn_text(&insn, 0, text, size) == text);
		CHECK(!memcmp(text + size, guard, sizeof(text) - size));
		CHECK(!size || !strncmp(text, "ldp x5, x6, [x1]", size - 1));
		CHECK(!size || !text[size - 1]);
	}
}

/* The dump of an exit has the instruction, as far as it is known. */
static void test_printed(void)
{
	static const struct {
		u32 flags;
		const char *text;
	} rows[] = {
		{ ARMVCPU_ABORT_INSN_VALID, ", instruction 0xa9401825 (ldp x5, x6, [x1])\n" },
		{ ARMVCPU_ABORT_INSN_VALID | ARMVCPU_ABORT_AARCH32,
		  " aarch32, instruction 0xa9401825\n" },
		{ ARMVCPU_ABORT_USER, " user\n" },
	};
	size_t i, size;
	char *text;
	FILE *out;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin();
		fake_abort(&fake, 0xa9401825, VA + OFFSET, FAKE_BASE + OFFSET);
		fake.run.u.abort.flags = rows[i].flags;
		out = open_memstream(&text, &size);
		if (!out)
			die("no memory");
		armvcpu_print_exit(out, &fake.run);
		fclose(out);
		CHECK(strstr(text, rows[i].text));
		free(text);
	}
}

/* Exits that it cannot be, or that do not fit the instruction. */
static void test_exit(void)
{
	static const u32 ldp = 0xa9401825, ldp_pre = 0xa9c11825;

	begin();
	fake_abort(&fake, ldp, VA + OFFSET, FAKE_BASE + OFFSET);
	fake.run.exit_reason = ARMVCPU_EXIT_MMIO;
	fake.run.action = ARMVCPU_ACTION_RETRY;
	CHECK(armvcpu_vcpu_emulate(&fake.hw, &fake.access) == -EINVAL);
	CHECK(fake.run.action == ARMVCPU_ACTION_RETRY);

	fake_abort(&fake, ldp, VA + OFFSET, FAKE_BASE + OFFSET);
	fake.run.u.abort.flags = 0;
	CHECK(armvcpu_vcpu_emulate(&fake.hw, &fake.access) == ARMVCPU_REFUSED_UNREAD);
	CHECK(fake.run.action == ARMVCPU_ACTION_ABORT);
	fake.run.u.abort.flags = ARMVCPU_ABORT_AARCH32 | ARMVCPU_ABORT_INSN_VALID;
	CHECK(armvcpu_vcpu_emulate(&fake.hw, &fake.access) == ARMVCPU_REFUSED_AARCH32);
	fake.run.u.abort.flags = ARMVCPU_ABORT_WRITE | ARMVCPU_ABORT_INSN_VALID;
	CHECK(armvcpu_vcpu_emulate(&fake.hw, &fake.access) == ARMVCPU_REFUSED_MISMATCH);

	/* FAR_EL2 is outside of the access, by one byte. */
	CHECK(emulate(ldp, -1) == ARMVCPU_REFUSED_MISMATCH);
	CHECK(emulate(ldp, 16) == ARMVCPU_REFUSED_MISMATCH);
	CHECK(emulate(ldp_pre, 0) == ARMVCPU_REFUSED_MISMATCH);
	CHECK(fake.run.action == ARMVCPU_ACTION_ABORT);
	CHECK(!fake.num);
	/* And within it; it does not matter where. */
	CHECK(!emulate(ldp, 15));
	CHECK(fake.run.action == ARMVCPU_ACTION_COMPLETE);
	CHECK(fake.log[0].ipa == FAKE_BASE + OFFSET);
	CHECK(fake.run.x[5] == memory(OFFSET, 8));
	CHECK(fake.run.x[6] == memory(OFFSET + 8, 8));
	/* The tag of an address is no part of it. */
	fake.run.x[1] = VA + OFFSET;
	fake_abort(&fake, ldp, (VA + OFFSET) ^ 0x5aULL << 56, FAKE_BASE + OFFSET);
	CHECK(!armvcpu_vcpu_emulate(&fake.hw, &fake.access));
}

/* ---- What accesses are made -------------------------------------------- */

static bool made(unsigned int i, u64 ipa, unsigned int len)
{
	return fake.num > i && fake.log[i].ipa == ipa && fake.log[i].len == len;
}

static void test_accesses(void)
{
	unsigned int i;

	begin();
	CHECK(!emulate(0xa9401825, 0));			/* ldp x5, x6, [x1] */
	CHECK(fake.num == 2 && made(0, FAKE_BASE + OFFSET, 8) &&
	      made(1, FAKE_BASE + OFFSET + 8, 8));
	CHECK(!emulate(0x69401825, 0));			/* ldpsw x5, x6, [x1] */
	CHECK(fake.num == 2 && made(0, FAKE_BASE + OFFSET, 4) &&
	      made(1, FAKE_BASE + OFFSET + 4, 4));
	CHECK(fake.run.x[6] == (u64)(s64)(int)memory(OFFSET + 4, 4));
	CHECK(!emulate(0x3cc10423, 0));			/* ldr q3, [x1], #16 */
	CHECK(fake.num == 2 && made(0, FAKE_BASE + OFFSET, 8) &&
	      made(1, FAKE_BASE + OFFSET + 8, 8));
	CHECK(fake.run.x[1] == VA + OFFSET + 16);
	CHECK(fake.fp.v[3][1] == memory(OFFSET + 8, 8));

	begin();
	CHECK(!emulate(0x4c407020, 0));			/* ld1 {v0.16b}, [x1] */
	CHECK(fake.num == 16);
	for (i = 0; i < 16; i++)
		CHECK(made(i, FAKE_BASE + OFFSET + i, 1));
	CHECK(fake.fp.v[0][0] == memory(OFFSET, 8));
	CHECK(!emulate(0x0cdf843f, 0));		/* ld2 {v31.4h, v0.4h}, [x1], #16 */
	CHECK(fake.num == 8);
	for (i = 0; i < 8; i++)
		CHECK(made(i, FAKE_BASE + OFFSET + 2 * i, 2));
	CHECK(fake.fp.v[31][0] == (memory(OFFSET, 2) | memory(OFFSET + 4, 2) << 16 |
				   memory(OFFSET + 8, 2) << 32 | memory(OFFSET + 12, 2) << 48));
	CHECK(!fake.fp.v[31][1] && fake.fp.fpsr == 0x8000000);

	begin();
	CHECK(!emulate(0xad000420, 0));			/* stp q0, q1, [x1] */
	CHECK(fake.num == 4);
	for (i = 0; i < 4; i++)
		CHECK(made(i, (FAKE_BASE + OFFSET + 8 * i) | FAKE_WRITE, 8));
	CHECK(memory(OFFSET + 24, 8) == fake.fp.v[1][1]);
}

/* Whichever access finds nothing: what comes before has been made, no register changes. */
static void test_nothing_there(void)
{
	static const struct {
		u32 insn;
		unsigned int accesses;
	} rows[] = {
		{ 0xa8c11825, 2 },	/* ldp x5, x6, [x1], #16 */
		{ 0xa8811825, 2 },	/* stp x5, x6, [x1], #16 */
		{ 0x3cc10423, 2 },	/* ldr q3, [x1], #16 */
		{ 0xacc10420, 4 },	/* ldp q0, q1, [x1], #32 */
		{ 0x4cdf7020, 16 },	/* ld1 {v0.16b}, [x1], #16 */
		{ 0x0cdf843f, 8 },	/* ld2 {v31.4h, v0.4h}, [x1], #16 */
		{ 0xf8408425, 1 },	/* ldr x5, [x1], #8 */
	};
	struct fake_vcpu before;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (k = 0; k < rows[i].accesses; k++) {
			begin();
			before = fake;
			fake.nothing_from = k;
			CHECK(emulate(rows[i].insn, 0) == ARMVCPU_REFUSED_ADDRESS);
			CHECK(fake.run.action == ARMVCPU_ACTION_ABORT);
			CHECK(fake.num == k + 1);
			CHECK(!memcmp(fake.run.x, before.run.x, sizeof(fake.run.x)));
			CHECK(!memcmp(&fake.fp, &before.fp, sizeof(fake.fp)));
		}
		begin();
		fake.nothing_from = k;
		CHECK(!emulate(rows[i].insn, 0));
		CHECK(fake.num == k);
	}
}

/* Two pages: only without an MMU both addresses are known. */
static void test_crossing(void)
{
	static const u32 ldp = 0xa9401825;
	u64 base;

	for (base = 0xff1; base <= 0xfff; base++) {
		unsigned int into;

		for (into = 0; into < 16; into += 15) {
			begin();
			fake.run.x[1] = VA + base;
			fake_abort(&fake, ldp, VA + base + into, FAKE_BASE + base + into);
			CHECK(armvcpu_vcpu_emulate(&fake.hw, &fake.access) ==
			      ARMVCPU_REFUSED_CROSSING);
			CHECK(!fake.num && fake.run.action == ARMVCPU_ACTION_ABORT);
			fake.sctlr = 0;
			fake_abort(&fake, ldp, VA + base + into, FAKE_BASE + base + into);
			CHECK(!armvcpu_vcpu_emulate(&fake.hw, &fake.access));
			CHECK(made(0, FAKE_BASE + base, 8));
			CHECK(made(1, FAKE_BASE + base + 8, 8));
			CHECK(fake.run.x[6] == memory(base + 8, 8));
		}
	}
	begin();
	fake.run.x[1] = VA + 0xff0;
	fake_abort(&fake, ldp, VA + 0xff0, FAKE_BASE + 0xff0);
	CHECK(!armvcpu_vcpu_emulate(&fake.hw, &fake.access));
}

/* ---- Which registers --------------------------------------------------- */

static void test_stack_pointer(void)
{
	static const struct {
		u64 pstate;
		bool is_el1;
	} rows[] = {
		{ PSTATE_EL0, false }, { PSTATE_EL1T, false }, { PSTATE_EL1H, true },
		{ 0x600003c0 | PSTATE_EL1H, true },
	};
	static const u32 ldr_post = 0xf84087e5;	/* ldr x5, [sp], #8 */
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 sp = rows[i].is_el1 ? 0x500 : 0x400;

		begin();
		fake.run.pstate = rows[i].pstate;
		fake_abort(&fake, ldr_post, VA + sp, FAKE_BASE + sp);
		CHECK(!armvcpu_vcpu_emulate(&fake.hw, &fake.access));
		CHECK(fake.sp_el0 == VA + 0x400 + (rows[i].is_el1 ? 0 : 8));
		CHECK(fake.sp_el1 == VA + 0x500 + (rows[i].is_el1 ? 8 : 0));
		CHECK(fake.run.x[5] == memory(sp, 8));
	}
}

static void test_big_endian(void)
{
	static const struct {
		bool is_el0;
		u64 sctlr;
		bool swaps;
	} rows[] = {
		{ false, 0, false }, { false, SCTLR_E0E, false }, { false, SCTLR_EE, true },
		{ true, 0, false }, { true, SCTLR_EE, false }, { true, SCTLR_E0E, true },
	};
	u64 lo, hi;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin();
		fake.sctlr |= rows[i].sctlr;
		fake_abort(&fake, 0xad400420, VA + OFFSET, FAKE_BASE + OFFSET);
		if (rows[i].is_el0)
			fake.run.u.abort.flags |= ARMVCPU_ABORT_USER;
		CHECK(!armvcpu_vcpu_emulate(&fake.hw, &fake.access));
		lo = memory(OFFSET + 16, 8);
		hi = memory(OFFSET + 24, 8);
		/* All of the register is one number. */
		CHECK(fake.fp.v[1][0] == (rows[i].swaps ? __builtin_bswap64(hi) : lo));
		CHECK(fake.fp.v[1][1] == (rows[i].swaps ? __builtin_bswap64(lo) : hi));
	}
	/* ldrsh x5, [x1]: the sign is in the first byte. */
	begin();
	fake.sctlr |= SCTLR_EE;
	fake.mem[OFFSET] = 0xff;
	fake.mem[OFFSET + 1] = 0x12;
	CHECK(!emulate(0x79800025, 0));
	CHECK(fake.run.x[5] == 0xffffffffffffff12ULL);
	/* LDTR at EL1 is not E0E's. */
	begin();
	fake.sctlr |= SCTLR_E0E;
	CHECK(!emulate(0xb8400825, 0));
	CHECK(fake.run.x[5] == memory(OFFSET, 4));
}

/* An ioctl that fails: nothing has changed, and its error is told. */
static void test_ioctls_fail(void)
{
	static const u32 ldr_q_post = 0x3cc107e5;	/* ldr q5, [sp], #16 */
	struct fake_vcpu before;
	unsigned int i;

	for (i = 1; i <= 5; i++) {
		begin();
		before = fake;
		fake.fail = i;
		fake_abort(&fake, ldr_q_post, VA + 0x500, FAKE_BASE + 0x500);
		CHECK(armvcpu_vcpu_emulate(&fake.hw, &fake.access) == -EBUSY);
		CHECK(fake.run.action == ARMVCPU_ACTION_ABORT);
		CHECK(!memcmp(fake.run.x, before.run.x, sizeof(fake.run.x)));
		CHECK(!memcmp(&fake.fp, &before.fp, sizeof(fake.fp)));
		CHECK(fake.sp_el0 == before.sp_el0 && fake.sp_el1 == before.sp_el1);
	}
	begin();
	fake.fail = i;
	fake_abort(&fake, ldr_q_post, VA + 0x500, FAKE_BASE + 0x500);
	CHECK(!armvcpu_vcpu_emulate(&fake.hw, &fake.access));
	CHECK(fake.ioctls == 5);
}

void insn_tests(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{ "insn: what is refused, and its text", test_refused },
		{ "insn: text is cut", test_text_is_cut },
		{ "insn: an exit, printed", test_printed },
		{ "insn: exits that do not fit", test_exit },
		{ "insn: an access for each element", test_accesses },
		{ "insn: nothing there, nothing changed", test_nothing_there },
		{ "insn: two pages", test_crossing },
		{ "insn: the stack pointer", test_stack_pointer },
		{ "insn: big-endian", test_big_endian },
		{ "insn: registers that cannot be had", test_ioctls_fail },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		test_begin();
		tests[i].run();
		test_end(tests[i].name);
	}
}
