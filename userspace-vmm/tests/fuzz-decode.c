// SPDX-License-Identifier: GPL-2.0
/*
 * The library's decoder and emulation, on whatever a guest may execute: any word, any
 * registers, any syndrome. For clang's libFuzzer; with fuzz-main.c a program of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-vcpu.h"
#include "fuzz.h"

const size_t fuzz_input_size = 64;

/* What an input says; what it is too short for is zero. */
struct input {
	u32 word;
	u8 flags;
	u8 el;
	u8 nothing_from;
	u8 fail;
	u64 far;
	u64 sctlr;
	u64 base;
	u64 fill;
	/* Else FAR is that of the access. */
	u8 any_far;
};

static void check_fields(const struct armvcpu_insn *insn)
{
	char text[ARMVCPU_INSN_TEXT_SIZE];
	size_t len;

	armvcpu_insn_text(insn, 0xfffffffffffff000ULL, text, sizeof(text));
	len = strlen(text);
	/* It is all there. */
	EXPECT(len && len < sizeof(text) - 1);
	EXPECT(insn->kind && insn->kind <= ARMVCPU_INSN_OTHER);
	EXPECT(armvcpu_refusal(insn->refused)[0] != '?' || !insn->refused);
	if (insn->kind > ARMVCPU_INSN_REPLICATE) {
		EXPECT(insn->refused);
		return;
	}
	EXPECT(insn->size && insn->size <= 16 && !(insn->size & (insn->size - 1)));
	EXPECT(insn->regs >= 1 && insn->regs <= 4);
	EXPECT(armvcpu_insn_bytes(insn) >= 1 && armvcpu_insn_bytes(insn) <= 64);
}

static u64 mix(u64 *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state;
}

static void set_registers(struct fake_vcpu *fake, const struct input *in,
			  const struct armvcpu_insn *insn)
{
	u64 state = in->fill;
	unsigned int i;

	for (i = 0; i < 31; i++)
		fake->run.x[i] = mix(&state);
	for (i = 0; i < 64; i++)
		fake->fp.v[i / 2][i % 2] = mix(&state);
	fake->sp_el0 = in->base;
	fake->sp_el1 = in->base;
	if (insn->rn < 31)
		fake->run.x[insn->rn] = in->base;
	fake->run.pc = in->base & ~3ULL;
	fake->run.pstate = in->el & 0x1f;
	fake->sctlr = in->sctlr;
}

/* Like the library, by the library: only where the access is, is asked here. */
static u64 address_of(const struct fake_vcpu *fake, const struct armvcpu_insn *insn)
{
	struct armvcpu_insn_regs regs = { .sp = fake->sp_el1, .pc = fake->run.pc };

	memcpy(regs.x, fake->run.x, sizeof(regs.x));
	return armvcpu_insn_address(insn, &regs);
}

static void check_nothing_changed(const struct fake_vcpu *fake,
				  const struct fake_vcpu *before)
{
	EXPECT(!memcmp(fake->run.x, before->run.x, sizeof(fake->run.x)));
	EXPECT(!memcmp(&fake->fp, &before->fp, sizeof(fake->fp)));
	EXPECT(fake->sp_el0 == before->sp_el0 && fake->sp_el1 == before->sp_el1);
	EXPECT(fake->run.action == ARMVCPU_ACTION_ABORT);
}

static void check_accesses(const struct fake_vcpu *fake, const struct armvcpu_insn *insn)
{
	unsigned int i, bytes = 0;

	for (i = 0; i < fake->num; i++) {
		EXPECT(i < FAKE_ACCESSES);
		EXPECT((fake->log[i].ipa & ~FAKE_WRITE) ==
		       (fake->log[0].ipa & ~FAKE_WRITE) + bytes);
		EXPECT(!(fake->log[i].ipa & FAKE_WRITE) == !(insn->flags & ARMVCPU_INSN_STORE));
		bytes += fake->log[i].len;
	}
	EXPECT(bytes == armvcpu_insn_bytes(insn));
}

/* The word a load or store, and what follows it such that it can be emulated. */
void fuzz_shape(u8 *data, u32 chance)
{
	u32 word;

	if (!(chance % 8))
		return;
	memcpy(&word, data, sizeof(word));
	word = (word & ~0x0a000000U) | 0x08000000;
	memcpy(data, &word, sizeof(word));
	if (chance >> 8 & 3)
		memset(data + 4, 0, 12);
	if (chance >> 16 & 3)
		memset(data + 40, 0, fuzz_input_size - 40);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct fake_vcpu fake, before;
	struct armvcpu_insn insn;
	struct input in = { 0 };
	u64 address = 0;
	int ret;

	memcpy(&in, data, size < sizeof(in) ? size : sizeof(in));
	EXPECT(armvcpu_insn_decode(in.word, &insn) == insn.refused);
	check_fields(&insn);

	fake_init(&fake);
	set_registers(&fake, &in, &insn);
	if (!insn.refused)
		address = address_of(&fake, &insn);
	if (in.any_far)
		address = in.far;
	else
		address += in.far % 64;
	fake_abort(&fake, in.word, address, FAKE_BASE + 4096 + (address & 0xfff));
	fake.run.u.abort.flags ^= in.flags;
	fake.nothing_from = in.nothing_from ? in.nothing_from : ~0U;
	fake.fail = in.fail;
	before = fake;
	ret = armvcpu_vcpu_emulate(&fake.hw, &fake.access);
	if (ret) {
		check_nothing_changed(&fake, &before);
		return 0;
	}
	EXPECT(!insn.refused);
	EXPECT(fake.run.action == ARMVCPU_ACTION_COMPLETE);
	check_accesses(&fake, &insn);
	if (insn.flags & ARMVCPU_INSN_STORE)
		EXPECT(!memcmp(&fake.fp, &before.fp, sizeof(fake.fp)));
	else
		EXPECT(!memcmp(fake.mem, before.mem, sizeof(fake.mem)));
	return 0;
}
