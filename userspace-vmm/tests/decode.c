// SPDX-License-Identifier: GPL-2.0
/*
 * The decoder of loads and stores, for selftests/host/decode.sh, which compares it with an
 * assembler and a disassembler. Runs on any little-endian machine.
 *
 *   decode shapes            each shape: for the assembler, a tab, the text, a tab, fields
 *   decode words SEED COUNT  random words, nine of ten in the loads' and stores' space
 *   decode text <WORDS       each word: in hex, a tab, the text, a tab, fields
 *
 * What "shapes" says of text and fields comes from what was asked for, not from the decoder.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libarmvcpu.h"
#include "util.h"

static void put_fields(const struct armvcpu_insn *insn)
{
	printf("kind=%u refused=%u", insn->kind, insn->refused);
	if (insn->kind <= ARMVCPU_INSN_REPLICATE) {
		printf(" mode=%u flags=0x%x rt=%u rt2=%u rn=%u rm=%u", insn->mode, insn->flags,
		       insn->rt, insn->rt2, insn->rn, insn->rm);
		printf(" extend=%u shift=%u size=%u regs=%u structure=%u", insn->extend,
		       insn->shift, insn->size, insn->regs, insn->structure);
		printf(" lanes=%u lane=%u width=%u offset=%lld", insn->lanes, insn->lane,
		       insn->width, insn->offset);
	}
	printf("\n");
}

/* ---- Words ------------------------------------------------------------- */

static u64 seed;

static u32 random32(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return seed >> 32;
}

static void put_words(unsigned long count)
{
	while (count--) {
		u32 word = random32();

		/* Bits 28:25 are x1x0. */
		if (random32() % 10)
			word = (word & ~0x0a000000U) | 0x08000000;
		/* Some that are rare: ST64BV and its like; DC and IC. */
		else if (!(random32() % 10))
			word = (word & 0x001fffff) | 0xf8200000;
		else if (!(random32() % 10))
			word = (word & 0x0007ffff) | 0xd5087000;
		fwrite(&word, sizeof(word), 1, stdout);
	}
}

static void put_text(void)
{
	char text[ARMVCPU_INSN_TEXT_SIZE];
	struct armvcpu_insn insn;
	u64 pc = 0;
	u32 word;

	for (; fread(&word, sizeof(word), 1, stdin) == 1; pc += 4) {
		armvcpu_insn_decode(word, &insn);
		printf("%08x\t%s\t", word, armvcpu_insn_text(&insn, pc, text, sizeof(text)));
		put_fields(&insn);
	}
}

/* ---- Shapes ------------------------------------------------------------ */

/* What the assembler gets, and what is wanted of it. */
static struct text line;
static char line_buf[256];
static u64 here;

static void begin(void)
{
	line = (struct text){ .buf = line_buf, .size = sizeof(line_buf) };
}

static void end_as(const char *text, const struct armvcpu_insn *want)
{
	printf("%s\t%s\t", line_buf, text);
	put_fields(want);
	here += 4;
}

static void end(const struct armvcpu_insn *want)
{
	end_as(line_buf, want);
}

/* Registers where an encoding could go wrong: both ends, some between. */
static const unsigned int reg_numbers[] = { 0, 1, 10, 21, 30, 31 };

#define NUM_REGS	ARRAY_SIZE(reg_numbers)

static const char *base_name(unsigned int reg)
{
	static char names[31][4];

	if (reg == 31)
		return "sp";
	snprintf(names[reg], sizeof(names[reg]), "x%u", reg % 31);
	return names[reg];
}

/* Good until four others have been asked for. */
static const char *data_name(char kind, unsigned int reg)
{
	static char names[4][8];
	static unsigned int next;
	char *name = names[next++ % 4];

	if (reg == 31 && (kind == 'x' || kind == 'w'))
		snprintf(name, sizeof(names[0]), "%czr", kind);
	else
		snprintf(name, sizeof(names[0]), "%c%u", kind, reg);
	return name;
}

struct form {
	const char *name;
	char reg;
	u8 size;
	u16 flags;
};

#define STORE	ARMVCPU_INSN_STORE
#define SIGNED	ARMVCPU_INSN_SIGNED
#define REG64	ARMVCPU_INSN_REG64
#define SIMD	ARMVCPU_INSN_SIMD

static const struct form singles[] = {
	{ "strb", 'w', 1, STORE },
	{ "ldrb", 'w', 1 },
	{ "ldrsb", 'x', 1, SIGNED | REG64 },
	{ "ldrsb", 'w', 1, SIGNED },
	{ "strh", 'w', 2, STORE },
	{ "ldrh", 'w', 2 },
	{ "ldrsh", 'x', 2, SIGNED | REG64 },
	{ "ldrsh", 'w', 2, SIGNED },
	{ "str", 'w', 4, STORE },
	{ "ldr", 'w', 4 },
	{ "ldrsw", 'x', 4, SIGNED | REG64 },
	{ "str", 'x', 8, STORE | REG64 },
	{ "ldr", 'x', 8, REG64 },
	{ "str", 'b', 1, STORE | SIMD },
	{ "ldr", 'b', 1, SIMD },
	{ "str", 'h', 2, STORE | SIMD },
	{ "ldr", 'h', 2, SIMD },
	{ "str", 's', 4, STORE | SIMD },
	{ "ldr", 's', 4, SIMD },
	{ "str", 'd', 8, STORE | SIMD },
	{ "ldr", 'd', 8, SIMD },
	{ "str", 'q', 16, STORE | SIMD },
	{ "ldr", 'q', 16, SIMD },
};

static struct armvcpu_insn single(const struct form *form, unsigned int rt,
				  unsigned int rn)
{
	return (struct armvcpu_insn){
		.kind = ARMVCPU_INSN_SINGLE, .flags = form->flags, .rt = rt, .rn = rn,
		.size = form->size, .regs = 1,
	};
}

/* The same with a letter behind "ld" or "st". */
static void put_with(const char *name, const char *letter)
{
	text_put(&line, "%.2s%s%s", name, letter, name + 2);
}

static void put_offset(s64 offset)
{
	if (offset)
		text_put(&line, ", #%lld", offset);
}

static void immediates(const struct form *form, unsigned int rt, unsigned int rn)
{
	static const s64 small[] = { -256, -255, -1, 0, 1, 254, 255 };
	static const unsigned int large[] = { 0, 1, 2, 1365, 4094, 4095 };
	struct armvcpu_insn want = single(form, rt, rn);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(large); i++) {
		want.offset = (s64)large[i] * form->size;
		begin();
		text_put(&line, "%s %s, [%s", form->name, data_name(form->reg, rt),
			 base_name(rn));
		put_offset(want.offset);
		text_put(&line, "]");
		end(&want);
	}
	for (i = 0; i < ARRAY_SIZE(small); i++) {
		want.offset = small[i];
		begin();
		put_with(form->name, "u");
		text_put(&line, " %s, [%s", data_name(form->reg, rt), base_name(rn));
		put_offset(small[i]);
		text_put(&line, "]");
		end(&want);
		if (form->flags & SIMD)
			continue;
		want.flags |= ARMVCPU_INSN_UNPRIV;
		begin();
		put_with(form->name, "t");
		text_put(&line, " %s, [%s", data_name(form->reg, rt), base_name(rn));
		put_offset(small[i]);
		text_put(&line, "]");
		end(&want);
		want.flags &= ~ARMVCPU_INSN_UNPRIV;
	}
	if (!(form->flags & SIMD) && rt == rn && rn != 31)
		want.refused = ARMVCPU_REFUSED_UNPREDICTABLE;
	for (i = 0; i < ARRAY_SIZE(small); i++) {
		want.offset = small[i];
		want.mode = ARMVCPU_MODE_PRE;
		begin();
		text_put(&line, "%s %s, [%s, #%lld]!", form->name,
			 data_name(form->reg, rt), base_name(rn), small[i]);
		end(&want);
		want.mode = ARMVCPU_MODE_POST;
		begin();
		text_put(&line, "%s %s, [%s], #%lld", form->name,
			 data_name(form->reg, rt), base_name(rn), small[i]);
		end(&want);
	}
}

static void indices(const struct form *form, unsigned int rt, unsigned int rn,
		    unsigned int rm)
{
	static const struct {
		const char *name;
		char reg;
		u8 extend;
	} extends[] = {
		{ "uxtw", 'w', ARMVCPU_EXTEND_UXTW },
		{ "lsl", 'x', ARMVCPU_EXTEND_LSL },
		{ "sxtw", 'w', ARMVCPU_EXTEND_SXTW },
		{ "sxtx", 'x', ARMVCPU_EXTEND_SXTX },
	};
	unsigned int shifted;
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(extends); i++) {
		struct armvcpu_insn want = single(form, rt, rn);

		shifted = i & 1;
		want.mode = ARMVCPU_MODE_REG;
		want.rm = rm;
		want.extend = extends[i / 2].extend;
		if (shifted) {
			want.flags |= ARMVCPU_INSN_SHIFTED;
			want.shift = __builtin_ctz(form->size);
		}
		begin();
		text_put(&line, "%s %s, [%s, %s", form->name, data_name(form->reg, rt),
			 base_name(rn), data_name(extends[i / 2].reg, rm));
		if (shifted)
			text_put(&line, ", %s #%u", extends[i / 2].name, want.shift);
		else if (want.extend != ARMVCPU_EXTEND_LSL)
			text_put(&line, ", %s", extends[i / 2].name);
		text_put(&line, "]");
		end(&want);
	}
}

static void shapes_single(void)
{
	unsigned int rt, rn, i, k;
	size_t f;

	for (f = 0; f < ARRAY_SIZE(singles); f++) {
		for (i = 0; i < NUM_REGS; i++) {
			rt = reg_numbers[i];
			for (k = 0; k < NUM_REGS; k++) {
				rn = reg_numbers[k];
				immediates(&singles[f], rt, rn);
				indices(&singles[f], rt, rn, 31 - rt);
			}
		}
	}
}

static void shapes_ordered(void)
{
#define ACQUIRE	ARMVCPU_INSN_ACQUIRE
#define RELEASE	(ARMVCPU_INSN_RELEASE | STORE)
	static const struct {
		const char *name;
		u16 flags;
	} ordered[] = {
		{ "ldar", ACQUIRE }, { "ldlar", ACQUIRE }, { "ldapr", ACQUIRE },
		{ "stlr", RELEASE }, { "stllr", RELEASE },
	};
	static const struct form unscaled[] = {
		{ "stlurb", 'w', 1, RELEASE },
		{ "ldapurb", 'w', 1, ACQUIRE },
		{ "ldapursb", 'x', 1, ACQUIRE | SIGNED | REG64 },
		{ "ldapursb", 'w', 1, ACQUIRE | SIGNED },
		{ "stlurh", 'w', 2, RELEASE },
		{ "ldapurh", 'w', 2, ACQUIRE },
		{ "ldapursh", 'x', 2, ACQUIRE | SIGNED | REG64 },
		{ "ldapursh", 'w', 2, ACQUIRE | SIGNED },
		{ "stlur", 'w', 4, RELEASE },
		{ "ldapur", 'w', 4, ACQUIRE },
		{ "ldapursw", 'x', 4, ACQUIRE | SIGNED | REG64 },
		{ "stlur", 'x', 8, RELEASE | REG64 },
		{ "ldapur", 'x', 8, ACQUIRE | REG64 },
	};
	static const char * const suffix[4] = { "b", "h", "", "" };
	static const s64 offsets[] = { -256, -1, 0, 3, 255 };
	unsigned int rt, rn, i, k, size;
	struct armvcpu_insn want;
	struct form form = { 0 };
	size_t f, o;

	for (i = 0; i < NUM_REGS; i++) {
		rt = reg_numbers[i];
		for (k = 0; k < NUM_REGS; k++) {
			rn = reg_numbers[k];
			for (f = 0; f < ARRAY_SIZE(ordered) * 4; f++) {
				size = f % 4;
				form.size = 1 << size;
				form.flags = ordered[f / 4].flags | (size == 3 ? REG64 : 0);
				want = single(&form, rt, rn);
				begin();
				text_put(&line, "%s%s %s, [%s]", ordered[f / 4].name,
					 suffix[size], data_name(size == 3 ? 'x' : 'w', rt),
					 base_name(rn));
				end(&want);
			}
			for (f = 0; f < ARRAY_SIZE(unscaled) * ARRAY_SIZE(offsets); f++) {
				o = f % ARRAY_SIZE(offsets);
				form = unscaled[f / ARRAY_SIZE(offsets)];
				want = single(&form, rt, rn);
				want.offset = offsets[o];
				begin();
				text_put(&line, "%s %s, [%s", form.name,
					 data_name(form.reg, rt), base_name(rn));
				put_offset(want.offset);
				text_put(&line, "]");
				end(&want);
			}
		}
	}
}

static void shapes_literal(void)
{
	static const struct form forms[] = {
		{ "ldr", 'w', 4 },
		{ "ldr", 'x', 8, REG64 },
		{ "ldrsw", 'x', 4, SIGNED | REG64 },
		{ "ldr", 's', 4, SIMD },
		{ "ldr", 'd', 8, SIMD },
		{ "ldr", 'q', 16, SIMD },
	};
	static const s64 offsets[] = { -0x100000, -4, 0, 4, 0x3038, 0xffffc };
	char text[64];
	unsigned int rt, i;
	size_t f, o;

	for (f = 0; f < ARRAY_SIZE(forms) * ARRAY_SIZE(offsets); f++) {
		const struct form *form = &forms[f / ARRAY_SIZE(offsets)];

		o = f % ARRAY_SIZE(offsets);
		for (i = 0; i < NUM_REGS; i++) {
			rt = reg_numbers[i];
			struct armvcpu_insn want = single(form, rt, 0);

			want.mode = ARMVCPU_MODE_LITERAL;
			want.offset = offsets[o];
			begin();
			text_put(&line, "%s %s, .%+lld", form->name,
				 data_name(form->reg, rt), offsets[o]);
			snprintf(text, sizeof(text), "%s %s, 0x%llx", form->name,
				 data_name(form->reg, rt), here + offsets[o]);
			end_as(text, &want);
		}
	}
}

static void put_pair(const struct form *form, const struct armvcpu_insn *want,
		     const char *letter)
{
	begin();
	put_with(form->name, letter);
	text_put(&line, " %s, %s, [%s", data_name(form->reg, want->rt),
		 data_name(form->reg, want->rt2), base_name(want->rn));
	switch (want->mode) {
	case ARMVCPU_MODE_PRE:
		text_put(&line, ", #%lld]!", want->offset);
		break;
	case ARMVCPU_MODE_POST:
		text_put(&line, "], #%lld", want->offset);
		break;
	default:
		put_offset(want->offset);
		text_put(&line, "]");
	}
	end(want);
}

static void pairs(const struct form *form, unsigned int rt, unsigned int rt2,
		  unsigned int rn)
{
	static const s64 offsets[] = { -64, -63, -1, 0, 1, 62, 63 };
	bool is_load = !(form->flags & STORE), is_simd = form->flags & SIMD;
	bool is_signed = form->flags & SIGNED, overlaps = is_load && rt == rt2;
	struct armvcpu_insn want = {
		.kind = ARMVCPU_INSN_PAIR, .rt = rt, .rt2 = rt2, .rn = rn,
		.size = form->size, .regs = 2,
	};
	bool is_wrong_base = !is_simd && rn != 31 && (rn == rt || rn == rt2);
	unsigned int mode;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		want.offset = offsets[i] * form->size;
		for (mode = ARMVCPU_MODE_OFFSET; mode <= ARMVCPU_MODE_POST; mode++) {
			bool is_wrong = overlaps || (mode && is_wrong_base);

			/* The assembler takes no such LDPSW. */
			if (is_wrong && is_signed)
				continue;
			want.flags = form->flags;
			want.mode = mode;
			want.refused = is_wrong ? ARMVCPU_REFUSED_UNPREDICTABLE : 0;
			put_pair(form, &want, "");
			if (mode != ARMVCPU_MODE_OFFSET || is_signed)
				continue;
			want.flags |= ARMVCPU_INSN_NONTEMPORAL;
			put_pair(form, &want, "n");
		}
	}
}

static void shapes_pair(void)
{
	static const struct form forms[] = {
		{ "stp", 'w', 4, STORE },
		{ "ldp", 'w', 4 },
		{ "ldpsw", 'x', 4, SIGNED | REG64 },
		{ "stp", 'x', 8, STORE | REG64 },
		{ "ldp", 'x', 8, REG64 },
		{ "stp", 's', 4, STORE | SIMD },
		{ "ldp", 's', 4, SIMD },
		{ "stp", 'd', 8, STORE | SIMD },
		{ "ldp", 'd', 8, SIMD },
		{ "stp", 'q', 16, STORE | SIMD },
		{ "ldp", 'q', 16, SIMD },
	};
	unsigned int rt, rn, i, k;
	size_t f;

	for (f = 0; f < ARRAY_SIZE(forms); f++) {
		for (i = 0; i < NUM_REGS; i++) {
			rt = reg_numbers[i];
			for (k = 0; k < NUM_REGS; k++) {
				rn = reg_numbers[k];
				pairs(&forms[f], rt, 31 - rt, rn);
				pairs(&forms[f], rt, rt, rn);
				pairs(&forms[f], rt, 7, 9);
			}
		}
	}
}

static const char element[] = { [1] = 'b', [2] = 'h', [4] = 's', [8] = 'd' };

/* A list with the arrangement or the element of its registers. */
static void put_list(const struct armvcpu_insn *insn, const char *what)
{
	unsigned int last = (insn->rt + insn->regs - 1) % 32, i;

	if (insn->regs > 2 && last > insn->rt) {
		text_put(&line, "{v%u.%s-v%u.%s}", insn->rt, what, last, what);
		return;
	}
	for (i = 0; i < insn->regs; i++)
		text_put(&line, "%sv%u.%s", i ? ", " : "{", (insn->rt + i) % 32, what);
	text_put(&line, "}");
}

/* Without writeback, by what is transferred, and by a register. */
static void structures(const char *name, struct armvcpu_insn want, unsigned int bytes)
{
	char what[8];
	unsigned int i;

	if (want.kind == ARMVCPU_INSN_LANE)
		snprintf(what, sizeof(what), "%c", element[want.size]);
	else
		snprintf(what, sizeof(what), "%u%c", want.width / want.size,
			 element[want.size]);
	for (i = 0; i < 4; i++) {
		want.mode = ARMVCPU_MODE_OFFSET;
		want.offset = 0;
		want.rm = 0;
		begin();
		text_put(&line, "%s%u%s ", name, want.structure,
			 want.kind == ARMVCPU_INSN_REPLICATE ? "r" : "");
		put_list(&want, what);
		if (want.kind == ARMVCPU_INSN_LANE)
			text_put(&line, "[%u]", want.lane);
		text_put(&line, ", [%s]", base_name(want.rn));
		switch (i) {
		case 1:
			want.mode = ARMVCPU_MODE_POST;
			want.offset = bytes;
			want.rm = 31;
			text_put(&line, ", #%u", bytes);
			break;
		case 2:
		case 3:
			want.mode = ARMVCPU_MODE_POST_REG;
			want.rm = i == 2 ? 0 : 30;
			text_put(&line, ", x%u", want.rm);
			break;
		}
		end(&want);
	}
}

static void shapes_structures(void)
{
	static const struct {
		u8 structure;
		u8 regs;
	} forms[] = {
		{ 1, 1 }, { 1, 2 }, { 1, 3 }, { 1, 4 }, { 2, 2 }, { 3, 3 }, { 4, 4 },
	};
	unsigned int rt, i, store, width, size;
	size_t f;

	for (f = 0; f < ARRAY_SIZE(forms) * 16; f++) {
		store = f & 1;
		width = f & 2 ? 16 : 8;
		size = 1 << (f >> 2 & 3);
		for (i = 0; i < NUM_REGS; i++) {
			rt = reg_numbers[i];
			struct armvcpu_insn want = {
				.kind = ARMVCPU_INSN_STRUCTURES,
				.flags = SIMD | (store ? STORE : 0),
				.rt = rt, .rn = 31 - rt, .size = size,
				.regs = forms[f >> 4].regs,
				.structure = forms[f >> 4].structure,
				.lanes = width / size, .width = width,
			};

			if (width == size && want.structure > 1)
				continue;
			structures(store ? "st" : "ld", want, want.regs * width);
		}
	}
}

static void shapes_lanes(void)
{
	unsigned int regs, size, lane, i, rt, store;

	for (regs = 1; regs <= 4; regs++) {
		for (size = 1; size <= 8; size *= 2) {
			for (i = 0; i < NUM_REGS; i++) {
				rt = reg_numbers[i];
				struct armvcpu_insn want = {
					.rt = rt, .rn = 31 - rt, .size = size, .regs = regs,
					.structure = regs, .lanes = 1,
				};

				want.kind = ARMVCPU_INSN_LANE;
				for (lane = 0; lane < 2 * 16 / size; lane++) {
					store = lane & 1;
					want.lane = lane / 2;
					want.flags = SIMD | (store ? STORE : 0);
					want.width = want.lane * size < 8 ? 8 : 16;
					structures(store ? "st" : "ld", want, regs * size);
				}
				want.kind = ARMVCPU_INSN_REPLICATE;
				want.flags = SIMD;
				want.lane = 0;
				for (want.width = 8; want.width <= 16; want.width += 8)
					structures("ld", want, regs * size);
			}
		}
	}
}

/* What is refused, as it should be printed. */
static void refused(u8 kind, u8 why, const char *fmt, ...) __printf(3, 4);
static void refused(u8 kind, u8 why, const char *fmt, ...)
{
	struct armvcpu_insn want = { .kind = kind, .refused = why };
	char buf[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	begin();
	text_put(&line, "%s", buf);
	end(&want);
}

#define REFUSED(what, ...) \
	refused(ARMVCPU_INSN_ ## what, ARMVCPU_REFUSED_ ## what, __VA_ARGS__)

static void shapes_exclusive(unsigned int rt, unsigned int rn)
{
	static const char * const orders[] = { "", "a", "l", "al" };
	static const char * const ops[] = {
		"add", "clr", "eor", "set", "smax", "smin", "umax", "umin",
	};
	static const char * const suffix[4] = { "b", "h", "", "" };
	const char *base = base_name(rn);
	unsigned int i, k, o;

	for (i = 0; i < 4; i++) {
		char r = i == 3 ? 'x' : 'w', data[8];

		snprintf(data, sizeof(data), "%s", data_name(r, rt));
		REFUSED(EXCLUSIVE, "ldxr%s %s, [%s]", suffix[i], data, base);
		REFUSED(EXCLUSIVE, "ldaxr%s %s, [%s]", suffix[i], data, base);
		REFUSED(EXCLUSIVE, "stxr%s w7, %s, [%s]", suffix[i], data, base);
		REFUSED(EXCLUSIVE, "stlxr%s w8, %s, [%s]", suffix[i], data, base);
		for (o = 0; o < ARRAY_SIZE(orders); o++) {
			REFUSED(ATOMIC, "cas%s%s %c9, %s, [%s]", orders[o], suffix[i], r, data,
				base);
			REFUSED(ATOMIC, "swp%s%s %c9, %s, [%s]", orders[o], suffix[i], r, data,
				base);
			for (k = 0; k < ARRAY_SIZE(ops); k++) {
				bool is_store = rt == 31 && !(o & 1);

				/* "st" is what it is called then. */
				if (is_store)
					REFUSED(ATOMIC, "st%s%s%s %c9, [%s]", ops[k], orders[o],
						suffix[i], r, base);
				else
					REFUSED(ATOMIC, "ld%s%s%s %c9, %s, [%s]", ops[k],
						orders[o], suffix[i], r, data, base);
			}
		}
		if (i < 2)
			continue;
		REFUSED(EXCLUSIVE, "ldxp %s, %c9, [%s]", data, r, base);
		REFUSED(EXCLUSIVE, "ldaxp %s, %c9, [%s]", data, r, base);
		REFUSED(EXCLUSIVE, "stxp w7, %s, %c9, [%s]", data, r, base);
		REFUSED(EXCLUSIVE, "stlxp w7, %s, %c9, [%s]", data, r, base);
		if (rt % 2)
			continue;
		for (o = 0; o < ARRAY_SIZE(orders); o++)
			REFUSED(ATOMIC, "casp%s %c8, %c9, %s, %s, [%s]", orders[o], r, r, data,
				data_name(r, rt + 1), base);
	}
}

static void shapes_tag(unsigned int rt, unsigned int rn)
{
	static const char * const names[] = { "stg", "stzg", "st2g", "stz2g" };
	const char *base = base_name(rn);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		REFUSED(TAG, "%s %s, [%s]", names[i], base_name(rt), base);
		REFUSED(TAG, "%s %s, [%s, #-4096]", names[i], base_name(rt), base);
		REFUSED(TAG, "%s %s, [%s, #4080]!", names[i], base_name(rt), base);
		REFUSED(TAG, "%s %s, [%s], #16", names[i], base_name(rt), base);
	}
	REFUSED(TAG, "ldg %s, [%s, #32]", data_name('x', rt), base);
	REFUSED(TAG, "ldgm %s, [%s]", data_name('x', rt), base);
	REFUSED(TAG, "stgm %s, [%s]", data_name('x', rt), base);
	REFUSED(TAG, "stzgm %s, [%s]", data_name('x', rt), base);
	REFUSED(TAG, "stgp %s, x9, [%s]", data_name('x', rt), base);
	REFUSED(TAG, "stgp %s, x9, [%s, #-1024]", data_name('x', rt), base);
	REFUSED(TAG, "stgp %s, x9, [%s, #1008]!", data_name('x', rt), base);
	REFUSED(TAG, "stgp %s, x9, [%s], #16", data_name('x', rt), base);
}

static void shapes_prefetch(unsigned int rn)
{
	static const char * const names[] = {
		"pldl1keep", "pldl1strm", "pldl2keep", "pldl3strm", "plil1keep", "plil3strm",
		"pstl1keep", "pstl2strm", "pstl3keep", "#0x06", "#0x0f", "#0x17", "#0x1f",
	};
	const char *base = base_name(rn);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		REFUSED(PREFETCH, "prfm %s, [%s]", names[i], base);
		REFUSED(PREFETCH, "prfm %s, [%s, #32760]", names[i], base);
		REFUSED(PREFETCH, "prfum %s, [%s, #-256]", names[i], base);
		REFUSED(PREFETCH, "prfm %s, [%s, x%u, lsl #3]", names[i], base, i);
		REFUSED(PREFETCH, "prfm %s, [%s, w%u, sxtw]", names[i], base, i);
	}
}

static void shapes_refused(void)
{
	static const char * const cache[] = {
		"dc ivac", "dc igvac", "dc igdvac", "dc zva", "dc gva", "dc gzva", "ic ivau",
		"dc cvac", "dc cgvac", "dc cgdvac", "dc cvau", "dc cvap", "dc cgvap",
		"dc cgdvap", "dc cvadp", "dc cgvadp", "dc cgdvadp", "dc civac", "dc cigvac",
		"dc cigdvac",
	};
	/* What follows a copy's beginning is not looked at: the assembler only warns. */
	static const char * const copies[] = {
		"cpyfp", "cpyfm", "cpyfe", "cpyp", "cpym", "cpye", "cpyfpwt", "cpyfprt", "cpyfpt",
		"cpyfpwn", "cpyfprn", "cpyfpn", "cpymwtwn", "cpyertwn", "cpyptwn", "cpypwtrn",
		"cpyprtrn", "cpyptrn", "cpypwtn", "cpyprtn", "cpyptn",
	};
	static const char * const sets[] = {
		"setp", "setm", "sete", "setgp", "setgm", "setge", "setpt", "setmn", "setetn",
	};
	unsigned int rt, rn, i, k;

	for (i = 0; i < NUM_REGS; i++) {
		rt = reg_numbers[i];
		for (k = 0; k < NUM_REGS; k++) {
			rn = reg_numbers[k];
			shapes_exclusive(rt, rn);
			shapes_tag(rt, rn);
			REFUSED(PAUTH, "ldraa %s, [%s]", data_name('x', rt), base_name(rn));
			REFUSED(PAUTH, "ldrab %s, [%s, #-4096]", data_name('x', rt),
				base_name(rn));
			REFUSED(PAUTH, "ldraa %s, [%s, #4088]!", data_name('x', rt),
				base_name(rn));
			if (rt % 2 || rt > 22)
				continue;
			REFUSED(BLOCK, "ld64b x%u, [%s]", rt, base_name(rn));
			REFUSED(BLOCK, "st64b x%u, [%s]", rt, base_name(rn));
			REFUSED(BLOCK, "st64bv x30, x%u, [%s]", rt, base_name(rn));
			REFUSED(BLOCK, "st64bv0 xzr, x%u, [%s]", rt, base_name(rn));
		}
		shapes_prefetch(rt);
		for (k = 0; k < ARRAY_SIZE(cache); k++)
			REFUSED(CACHE, "%s, %s", cache[k], data_name('x', rt));
		if (rt == 31 || rt == 9 || rt == 21)
			continue;
		for (k = 0; k < ARRAY_SIZE(copies); k++)
			REFUSED(COPY, "%s [x%u]!, [x9]!, x21!", copies[k], rt);
		for (k = 0; k < ARRAY_SIZE(sets); k++) {
			REFUSED(COPY, "%s [x%u]!, x9!, x21", sets[k], rt);
			REFUSED(COPY, "%s [x21]!, x%u!, xzr", sets[k], rt);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "text")) {
		put_text();
	} else if (argc == 2 && !strcmp(argv[1], "shapes")) {
		shapes_single();
		shapes_ordered();
		shapes_literal();
		shapes_pair();
		shapes_structures();
		shapes_lanes();
		shapes_refused();
	} else if (argc == 4 && !strcmp(argv[1], "words")) {
		seed = strtoull(argv[2], NULL, 0);
		put_words(strtoul(argv[3], NULL, 0));
	} else {
		die("decode shapes | words SEED COUNT | text");
	}
	return fflush(stdout) || ferror(stdout);
}
