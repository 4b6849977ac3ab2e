// SPDX-License-Identifier: GPL-2.0
/*
 * libarmvcpu: the loads and stores of A64, from a word to fields and to text.
 *
 * Arm ARM (DDI 0487), C4.1, "Loads and Stores". Each class of instructions is a row of
 * rows[]: the bits that make it, and its shape. A shape is two functions, one for the fields
 * and one for the text; the first one says whether the rest of the bits means anything.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libarmvcpu.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define __attr(a)	__attribute__((a))
#define __printf(a, b)	__attr(__format__(printf, a, b))

/* Bits @hi to @lo of a word. */
static __u32 bits(__u32 word, unsigned int hi, unsigned int lo)
{
	return word >> lo & ((2U << (hi - lo)) - 1);
}

static __u32 bit(__u32 word, unsigned int n)
{
	return word >> n & 1;
}

/* The same as a signed number. */
static __s64 sbits(__u32 word, unsigned int hi, unsigned int lo)
{
	__s64 sign = 1LL << (hi - lo);

	return ((__s64)bits(word, hi, lo) ^ sign) - sign;
}

/* ---- Text -------------------------------------------------------------- */

struct text {
	char *buf;
	size_t size;
	size_t len;
};

static void put(struct text *text, const char *fmt, ...) __printf(2, 3);
static void put(struct text *text, const char *fmt, ...)
{
	size_t room = text->size - text->len;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text->buf + text->len, room, fmt, args);
	va_end(args);
	if (n > 0)
		text->len += (size_t)n < room ? (size_t)n : room - 1;
}

/* General registers: as data, where 31 is zero, and as addresses, where it is SP. */
static void put_reg(struct text *text, unsigned int reg, int is_64bit)
{
	if (reg == 31)
		put(text, "%czr", is_64bit ? 'x' : 'w');
	else
		put(text, "%c%u", is_64bit ? 'x' : 'w', reg);
}

static void put_sp_reg(struct text *text, unsigned int reg)
{
	if (reg == 31)
		put(text, "sp");
	else
		put(text, "x%u", reg);
}

/* The register of a load or store: of which kind, its flags and its size say. */
static void put_data_reg(struct text *text, const struct armvcpu_insn *insn,
			 unsigned int reg)
{
	static const char simd[] = {
		[1] = 'b', [2] = 'h', [4] = 's', [8] = 'd', [16] = 'q',
	};

	if (insn->flags & ARMVCPU_INSN_SIMD)
		put(text, "%c%u", simd[insn->size], reg);
	else
		put_reg(text, reg, insn->flags & ARMVCPU_INSN_REG64);
}

static void put_index(struct text *text, const struct armvcpu_insn *insn)
{
	static const char * const names[8] = {
		[ARMVCPU_EXTEND_UXTW] = "uxtw", [ARMVCPU_EXTEND_LSL] = "lsl",
		[ARMVCPU_EXTEND_SXTW] = "sxtw", [ARMVCPU_EXTEND_SXTX] = "sxtx",
	};
	int shifted = insn->flags & ARMVCPU_INSN_SHIFTED;

	put_reg(text, insn->rm, insn->extend & 1);
	if (insn->extend != ARMVCPU_EXTEND_LSL || shifted)
		put(text, ", %s", names[insn->extend]);
	if (shifted)
		put(text, " #%u", insn->shift);
}

static void put_address(struct text *text, const struct armvcpu_insn *insn)
{
	put(text, ", [");
	put_sp_reg(text, insn->rn);
	switch (insn->mode) {
	case ARMVCPU_MODE_OFFSET:
		if (insn->offset)
			put(text, ", #%lld", insn->offset);
		put(text, "]");
		break;
	case ARMVCPU_MODE_PRE:
		put(text, ", #%lld]!", insn->offset);
		break;
	case ARMVCPU_MODE_POST:
		put(text, "], #%lld", insn->offset);
		break;
	case ARMVCPU_MODE_POST_REG:
		put(text, "], x%u", insn->rm);
		break;
	case ARMVCPU_MODE_REG:
		put(text, ", ");
		put_index(text, insn);
		put(text, "]");
		break;
	}
}

/* ---- Rows and shapes --------------------------------------------------- */

struct row;

/*
 * decode: fills in what the row has not; 0 if the encoding is unallocated.
 * print: mnemonic and operands.
 */
struct shape {
	int (*decode)(struct armvcpu_insn *insn);
	void (*print)(struct text *text, const struct armvcpu_insn *insn,
		      const struct row *row, __u64 pc);
};

/*
 * load, store: beginning of the mnemonic. flags: of ARMVCPU_INSN_*, in addition to those
 * that the shape finds.
 */
struct row {
	__u32 mask;
	__u32 value;
	const struct shape *shape;
	__u8 kind;
	__u8 mode;
	__u16 flags;
	const char *load;
	const char *store;
};

static const char *stem(const struct armvcpu_insn *insn, const struct row *row)
{
	return insn->flags & ARMVCPU_INSN_STORE ? row->store : row->load;
}

/* ---- One register ------------------------------------------------------ */

#define STORE	ARMVCPU_INSN_STORE
#define SIGNED	ARMVCPU_INSN_SIGNED
#define REG64	ARMVCPU_INSN_REG64
#define SIMD	ARMVCPU_INSN_SIMD

/* By size (bits 31:30) and opc (bits 23:22); size 0: unallocated. */
struct form {
	__u8 size;
	__u8 flags;
	const char *suffix;
};

static const struct form general_forms[4][4] = {
	{
		{ 1, STORE, "b" }, { 1, 0, "b" },
		{ 1, SIGNED | REG64, "sb" }, { 1, SIGNED, "sb" },
	}, {
		{ 2, STORE, "h" }, { 2, 0, "h" },
		{ 2, SIGNED | REG64, "sh" }, { 2, SIGNED, "sh" },
	}, {
		{ 4, STORE, "" }, { 4, 0, "" }, { 4, SIGNED | REG64, "sw" }, { 0 },
	}, {
		/* The third one is PRFM, which has rows of its own. */
		{ 8, STORE | REG64, "" }, { 8, REG64, "" }, { 0 }, { 0 },
	},
};

static const struct form simd_forms[4][4] = {
	{ { 1, STORE, "" }, { 1, 0, "" }, { 16, STORE, "" }, { 16, 0, "" } },
	{ { 2, STORE, "" }, { 2, 0, "" }, { 0 }, { 0 } },
	{ { 4, STORE, "" }, { 4, 0, "" }, { 0 }, { 0 } },
	{ { 8, STORE, "" }, { 8, 0, "" }, { 0 }, { 0 } },
};

static const struct form *form_of(const struct armvcpu_insn *insn)
{
	__u32 size = bits(insn->word, 31, 30), opc = bits(insn->word, 23, 22);

	return insn->flags & SIMD ? &simd_forms[size][opc] :
				    &general_forms[size][opc];
}

static int decode_form(struct armvcpu_insn *insn)
{
	const struct form *form = form_of(insn);

	insn->flags |= form->flags;
	insn->size = form->size;
	insn->regs = 1;
	return form->size;
}

static void print_form(struct text *text, const struct armvcpu_insn *insn,
		       const struct row *row, __u64 pc)
{
	(void)pc;
	put(text, "%s%s ", stem(insn, row), form_of(insn)->suffix);
	put_data_reg(text, insn, insn->rt);
	put_address(text, insn);
}

/* A signed offset of nine bits. */
static int decode_single9(struct armvcpu_insn *insn)
{
	insn->offset = sbits(insn->word, 20, 12);
	return decode_form(insn);
}

/* An unsigned one of twelve bits, in elements. */
static int decode_single12(struct armvcpu_insn *insn)
{
	if (!decode_form(insn))
		return 0;
	insn->offset = (__s64)bits(insn->word, 21, 10) * insn->size;
	return 1;
}

/* What an offset in a register is shifted by: bits 15:13 and 12. */
static int decode_index(struct armvcpu_insn *insn, unsigned int shift)
{
	insn->rm = bits(insn->word, 20, 16);
	insn->extend = bits(insn->word, 15, 13);
	if (bit(insn->word, 12)) {
		insn->flags |= ARMVCPU_INSN_SHIFTED;
		insn->shift = shift;
	}
	return insn->extend & 2;
}

static int decode_single_index(struct armvcpu_insn *insn)
{
	if (!decode_form(insn))
		return 0;
	return decode_index(insn, __builtin_ctz(insn->size));
}

static const struct shape single9 = { decode_single9, print_form };
static const struct shape single12 = { decode_single12, print_form };
static const struct shape single_index = { decode_single_index, print_form };

/* ---- Relative to PC ---------------------------------------------------- */

/* By opc (bits 31:30). */
static int decode_literal(struct armvcpu_insn *insn)
{
	static const struct form general[4] = {
		{ 4, 0, "" }, { 8, REG64, "" }, { 4, SIGNED | REG64, "" }, { 0 },
	};
	static const struct form simd[4] = {
		{ 4, 0, "" }, { 8, 0, "" }, { 16, 0, "" }, { 0 },
	};
	__u32 opc = bits(insn->word, 31, 30);
	const struct form *form = insn->flags & SIMD ? &simd[opc] : &general[opc];

	insn->flags |= form->flags;
	insn->size = form->size;
	insn->regs = 1;
	insn->rn = 0;
	insn->offset = 4 * sbits(insn->word, 23, 5);
	return form->size;
}

static void print_literal(struct text *text, const struct armvcpu_insn *insn,
			  const struct row *row, __u64 pc)
{
	put(text, "%s%s ", row->load, insn->flags & SIGNED ? "sw" : "");
	put_data_reg(text, insn, insn->rt);
	put(text, ", 0x%llx", pc + insn->offset);
}

static const struct shape literal = { decode_literal, print_literal };

/* ---- Two registers ----------------------------------------------------- */

/* By opc (bits 31:30) and L (bit 22). STGP, in the gap of LDPSW, has rows of its own. */
static const struct form general_pairs[4][2] = {
	{ { 4, STORE, "" }, { 4, 0, "" } },
	{ { 0 }, { 4, SIGNED | REG64, "sw" } },
	{ { 8, STORE | REG64, "" }, { 8, REG64, "" } },
	{ { 0 }, { 0 } },
};

static const struct form simd_pairs[4][2] = {
	{ { 4, STORE, "" }, { 4, 0, "" } },
	{ { 8, STORE, "" }, { 8, 0, "" } },
	{ { 16, STORE, "" }, { 16, 0, "" } },
	{ { 0 }, { 0 } },
};

static const struct form *pair_form(const struct armvcpu_insn *insn)
{
	__u32 opc = bits(insn->word, 31, 30), load = bit(insn->word, 22);

	return insn->flags & SIMD ? &simd_pairs[opc][load] :
				    &general_pairs[opc][load];
}

static int decode_pair(struct armvcpu_insn *insn)
{
	const struct form *form = pair_form(insn);

	insn->flags |= form->flags;
	insn->size = form->size;
	insn->regs = 2;
	insn->rt2 = bits(insn->word, 14, 10);
	insn->offset = sbits(insn->word, 21, 15) * insn->size;
	/* There is no LDPSW that is non-temporal. */
	return form->size && !(insn->flags & ARMVCPU_INSN_NONTEMPORAL &&
			       insn->flags & SIGNED);
}

static void print_pair(struct text *text, const struct armvcpu_insn *insn,
		       const struct row *row, __u64 pc)
{
	(void)pc;
	put(text, "%s%s ", stem(insn, row), pair_form(insn)->suffix);
	put_data_reg(text, insn, insn->rt);
	put(text, ", ");
	put_data_reg(text, insn, insn->rt2);
	put_address(text, insn);
}

static const struct shape pair = { decode_pair, print_pair };

/* ---- SIMD structures --------------------------------------------------- */

/* Post-index: by a register, or, for 31, by what is transferred. */
static void decode_structure_offset(struct armvcpu_insn *insn, unsigned int len)
{
	if (insn->mode != ARMVCPU_MODE_POST)
		return;
	insn->rm = bits(insn->word, 20, 16);
	if (insn->rm != 31)
		insn->mode = ARMVCPU_MODE_POST_REG;
	else
		insn->offset = len;
}

static int decode_structures(struct armvcpu_insn *insn)
{
	/* By opcode: registers in all, and of one structure. */
	static const struct {
		__u8 regs;
		__u8 structure;
	} forms[16] = {
		[0] = { 4, 4 }, [2] = { 4, 1 }, [4] = { 3, 3 }, [6] = { 3, 1 },
		[7] = { 1, 1 }, [8] = { 2, 2 }, [10] = { 2, 1 },
	};
	__u32 opcode = bits(insn->word, 15, 12);

	if (!bit(insn->word, 22))
		insn->flags |= STORE;
	insn->regs = forms[opcode].regs;
	insn->structure = forms[opcode].structure;
	insn->width = bit(insn->word, 30) ? 16 : 8;
	insn->size = 1 << bits(insn->word, 11, 10);
	insn->lanes = insn->width / insn->size;
	decode_structure_offset(insn, insn->regs * insn->width);
	/* Structures of one element: there is nothing to interleave. */
	return insn->regs && (insn->lanes > 1 || insn->structure == 1);
}

/* The element's number is in Q, S and size, as far as they do not say its size. */
static int decode_lane(struct armvcpu_insn *insn)
{
	__u32 scale = bits(insn->word, 15, 14), size = bits(insn->word, 11, 10);
	__u32 s = bit(insn->word, 12), q = bit(insn->word, 30);

	insn->lane = q << 3 | s << 2 | size;
	switch (scale) {
	case 1:
		if (size & 1)
			return 0;
		break;
	case 2:
		if (size == 1) {
			if (s)
				return 0;
			scale = 3;
		} else if (size) {
			return 0;
		}
		break;
	case 3:
		if (s || insn->flags & STORE)
			return 0;
		insn->kind = ARMVCPU_INSN_REPLICATE;
		insn->lane = 0;
		scale = size;
		break;
	}
	insn->size = 1 << scale;
	if (insn->kind == ARMVCPU_INSN_LANE)
		insn->lane >>= scale;
	return 1;
}

static int decode_lanes(struct armvcpu_insn *insn)
{
	if (!bit(insn->word, 22))
		insn->flags |= STORE;
	insn->structure = bit(insn->word, 13) * 2 + bit(insn->word, 21) + 1;
	insn->regs = insn->structure;
	insn->lanes = 1;
	insn->width = bit(insn->word, 30) ? 16 : 8;
	if (!decode_lane(insn))
		return 0;
	decode_structure_offset(insn, insn->regs * insn->size);
	return 1;
}

static const char element_names[] = {
	[1] = 'b', [2] = 'h', [4] = 's', [8] = 'd',
};

/* {v0.8b}, {v0.8b, v1.8b}, {v0.8b-v2.8b}; without a range where numbers wrap around. */
static void put_list(struct text *text, const struct armvcpu_insn *insn)
{
	char what[8] = "";
	unsigned int i, step;

	if (insn->kind != ARMVCPU_INSN_LANE)
		snprintf(what, sizeof(what), "%u", (insn->width / insn->size) & 31U);
	step = insn->regs > 2 && insn->rt + insn->regs <= 32 ? insn->regs - 1 : 1;
	put(text, "{");
	for (i = 0; i < insn->regs; i += step) {
		if (i)
			put(text, "%s", step > 1 ? "-" : ", ");
		put(text, "v%u.%s%c", (insn->rt + i) % 32, what,
		    element_names[insn->size]);
	}
	put(text, "}");
	if (insn->kind == ARMVCPU_INSN_LANE)
		put(text, "[%u]", insn->lane);
}

static void print_structures(struct text *text, const struct armvcpu_insn *insn,
			     const struct row *row, __u64 pc)
{
	(void)pc;
	put(text, "%s%u%s ", stem(insn, row), insn->structure,
	    insn->kind == ARMVCPU_INSN_REPLICATE ? "r" : "");
	put_list(text, insn);
	put_address(text, insn);
}

static const struct shape structures = { decode_structures, print_structures };
static const struct shape lanes = { decode_lanes, print_structures };

/* ---- Ordered, exclusive, atomic ---------------------------------------- */

static const char * const size_suffix[4] = { "b", "h", "", "" };

static void decode_size(struct armvcpu_insn *insn)
{
	insn->size = 1 << bits(insn->word, 31, 30);
	if (insn->size == 8)
		insn->flags |= REG64;
}

/* LDAR, STLR, LDLAR, STLLR: bit 22 says load. LDAPR has the bit set. */
static int decode_ordered(struct armvcpu_insn *insn)
{
	decode_size(insn);
	insn->regs = 1;
	insn->flags |= bit(insn->word, 22) || insn->flags & ARMVCPU_INSN_ACQUIRE ?
			       ARMVCPU_INSN_ACQUIRE : STORE | ARMVCPU_INSN_RELEASE;
	return 1;
}

static void print_ordered(struct text *text, const struct armvcpu_insn *insn,
			  const struct row *row, __u64 pc)
{
	(void)pc;
	put(text, "%s%s ", stem(insn, row), size_suffix[bits(insn->word, 31, 30)]);
	put_data_reg(text, insn, insn->rt);
	put_address(text, insn);
}

static int decode_exclusive(struct armvcpu_insn *insn)
{
	decode_size(insn);
	if (!bit(insn->word, 22))
		insn->flags |= STORE;
	return 1;
}

/* With a status register if it stores, with two data registers if it is a pair. */
static void print_exclusive(struct text *text, const struct armvcpu_insn *insn,
			    const struct row *row, __u64 pc)
{
	int is_pair = bit(insn->word, 21);

	(void)pc;
	put(text, "%s%s%s%s ", stem(insn, row),
	    !bit(insn->word, 15) ? "" : insn->flags & STORE ? "l" : "a",
	    is_pair ? "xp" : "xr", size_suffix[bits(insn->word, 31, 30)]);
	if (insn->flags & STORE) {
		put_reg(text, bits(insn->word, 20, 16), 0);
		put(text, ", ");
	}
	put_data_reg(text, insn, insn->rt);
	if (is_pair) {
		put(text, ", ");
		put_data_reg(text, insn, bits(insn->word, 14, 10));
	}
	put_address(text, insn);
}

/* A (bit 22) and L (bit 15) of compare and swap. */
static void put_cas_order(struct text *text, __u32 word)
{
	put(text, "%s%s", bit(word, 22) ? "a" : "", bit(word, 15) ? "l" : "");
}

static int decode_cas(struct armvcpu_insn *insn)
{
	decode_size(insn);
	return 1;
}

static void print_cas(struct text *text, const struct armvcpu_insn *insn,
		      const struct row *row, __u64 pc)
{
	(void)row;
	(void)pc;
	put(text, "cas");
	put_cas_order(text, insn->word);
	put(text, "%s ", size_suffix[bits(insn->word, 31, 30)]);
	put_data_reg(text, insn, bits(insn->word, 20, 16));
	put(text, ", ");
	put_data_reg(text, insn, insn->rt);
	put_address(text, insn);
}

/* Pairs of registers: the first one of each is even. */
static int decode_casp(struct armvcpu_insn *insn)
{
	insn->size = bit(insn->word, 30) ? 8 : 4;
	if (insn->size == 8)
		insn->flags |= REG64;
	return !(insn->rt & 1) && !bit(insn->word, 16);
}

static void print_casp(struct text *text, const struct armvcpu_insn *insn,
		       const struct row *row, __u64 pc)
{
	unsigned int regs[] = { bits(insn->word, 20, 16), insn->rt };
	size_t i;

	(void)row;
	(void)pc;
	put(text, "casp");
	put_cas_order(text, insn->word);
	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		put(text, i ? ", " : " ");
		put_data_reg(text, insn, regs[i]);
		put(text, ", ");
		put_data_reg(text, insn, regs[i] + 1);
	}
	put_address(text, insn);
}

static const char * const atomic_ops[8] = {
	"add", "clr", "eor", "set", "smax", "smin", "umax", "umin",
};

static int decode_atomic(struct armvcpu_insn *insn)
{
	decode_size(insn);
	return 1;
}

/* What is neither kept nor acquired has a name of its own: stadd for ldadd. */
static void print_atomic(struct text *text, const struct armvcpu_insn *insn,
			 const struct row *row, __u64 pc)
{
	__u32 word = insn->word;
	int is_swap = bit(word, 15);
	int is_store = !is_swap && insn->rt == 31 && !bit(word, 23);

	(void)row;
	(void)pc;
	if (is_swap)
		put(text, "swp");
	else
		put(text, "%s%s", is_store ? "st" : "ld", atomic_ops[bits(word, 14, 12)]);
	put(text, "%s%s%s ", bit(word, 23) ? "a" : "", bit(word, 22) ? "l" : "",
	    size_suffix[bits(word, 31, 30)]);
	put_data_reg(text, insn, bits(word, 20, 16));
	if (!is_store) {
		put(text, ", ");
		put_data_reg(text, insn, insn->rt);
	}
	put_address(text, insn);
}

static const struct shape ordered = { decode_ordered, print_ordered };
static const struct shape exclusive = { decode_exclusive, print_exclusive };
static const struct shape cas = { decode_cas, print_cas };
static const struct shape casp = { decode_casp, print_casp };
static const struct shape atomic = { decode_atomic, print_atomic };

/* ---- What is known to be refused --------------------------------------- */

/* 64 bytes, of eight registers from an even one on, up to x22. */
static int decode_block(struct armvcpu_insn *insn)
{
	insn->flags |= REG64;
	return !(insn->rt & 1) && insn->rt < 24;
}

static void print_block(struct text *text, const struct armvcpu_insn *insn,
			const struct row *row, __u64 pc)
{
	(void)pc;
	put(text, "%s ", row->load);
	/* st64bv and st64bv0 have a status register. */
	if (bit(insn->word, 13)) {
		put_reg(text, bits(insn->word, 20, 16), 1);
		put(text, ", ");
	}
	put_reg(text, insn->rt, 1);
	put_address(text, insn);
}

/* The offset's sign is bit 22, and it is one of eight bytes; bit 11 is writeback. */
static int decode_pauth(struct armvcpu_insn *insn)
{
	insn->size = 8;
	insn->flags |= REG64;
	insn->offset = 8 * (__s64)bits(insn->word, 20, 12) -
		       (bit(insn->word, 22) ? 4096 : 0);
	if (bit(insn->word, 11))
		insn->mode = ARMVCPU_MODE_PRE;
	return 1;
}

static void print_pauth(struct text *text, const struct armvcpu_insn *insn,
			const struct row *row, __u64 pc)
{
	(void)row;
	(void)pc;
	put(text, "ldra%c ", bit(insn->word, 23) ? 'b' : 'a');
	put_reg(text, insn->rt, 1);
	put(text, ", [");
	put_sp_reg(text, insn->rn);
	if (insn->offset)
		put(text, ", #%lld", insn->offset);
	put(text, "]%s", insn->mode == ARMVCPU_MODE_PRE ? "!" : "");
}

static int decode_tag(struct armvcpu_insn *insn)
{
	insn->offset = 16 * sbits(insn->word, 20, 12);
	return 1;
}

/* LDG and those of many tags have an ordinary register, the others one that can be SP. */
static void print_tag(struct text *text, const struct armvcpu_insn *insn,
		      const struct row *row, __u64 pc)
{
	static const char * const names[4] = { "stg", "stzg", "st2g", "stz2g" };

	(void)pc;
	if (row->load) {
		put(text, "%s ", row->load);
		put_reg(text, insn->rt, 1);
	} else {
		put(text, "%s ", names[bits(insn->word, 23, 22)]);
		put_sp_reg(text, insn->rt);
	}
	put_address(text, insn);
}

static int decode_stgp(struct armvcpu_insn *insn)
{
	insn->flags |= STORE | REG64;
	insn->offset = 16 * sbits(insn->word, 21, 15);
	return 1;
}

static void print_stgp(struct text *text, const struct armvcpu_insn *insn,
		       const struct row *row, __u64 pc)
{
	(void)pc;
	put(text, "%s ", row->store);
	put_reg(text, insn->rt, 1);
	put(text, ", ");
	put_reg(text, bits(insn->word, 14, 10), 1);
	put_address(text, insn);
}

/* Three different registers; only the value that is set can be zero. */
static int decode_copy(struct armvcpu_insn *insn)
{
	unsigned int rs = bits(insn->word, 20, 16), stage = bits(insn->word, 23, 22);
	int is_set = stage == 3;

	if (is_set && bits(insn->word, 15, 14) == 3)
		return 0;
	if (insn->rt == 31 || insn->rn == 31 || (rs == 31 && !is_set))
		return 0;
	return insn->rt != insn->rn && insn->rt != rs && insn->rn != rs;
}

static void print_copy(struct text *text, const struct armvcpu_insn *insn,
		       const struct row *row, __u64 pc)
{
	static const char * const rights[4] = { "", "wt", "rt", "t" };
	static const char * const hints[4] = { "", "wn", "rn", "n" };
	static const char * const set_options[4] = { "", "t", "n", "tn" };
	__u32 word = insn->word, stage = bits(word, 23, 22), options = bits(word, 15, 12);
	unsigned int rs = bits(word, 20, 16);

	(void)row;
	(void)pc;
	if (stage == 3) {
		put(text, "set%s%c%s [x%u]!, x%u!, ", bit(word, 26) ? "g" : "",
		    "pme"[options >> 2], set_options[options & 3], insn->rt, insn->rn);
		put_reg(text, rs, 1);
		return;
	}
	put(text, "cpy%s%c%s%s [x%u]!, [x%u]!, x%u!", bit(word, 26) ? "" : "f",
	    "pme"[stage], rights[options & 3], hints[options >> 2], insn->rt, rs,
	    insn->rn);
}

/* The same for all addressing modes: offset and index are those of 8 bytes. */
static int decode_prefetch(struct armvcpu_insn *insn)
{
	insn->size = 8;
	insn->flags |= REG64;
	if (insn->mode == ARMVCPU_MODE_LITERAL)
		insn->offset = 4 * sbits(insn->word, 23, 5);
	else if (insn->mode == ARMVCPU_MODE_REG)
		return decode_index(insn, 3);
	else if (bit(insn->word, 24))
		insn->offset = 8 * (__s64)bits(insn->word, 21, 10);
	else
		insn->offset = sbits(insn->word, 20, 12);
	return 1;
}

static void print_prefetch(struct text *text, const struct armvcpu_insn *insn,
			   const struct row *row, __u64 pc)
{
	static const char * const types[4] = { "pld", "pli", "pst", NULL };
	unsigned int target = bits(insn->rt, 2, 1);
	const char *type = types[insn->rt >> 3];

	put(text, "%s ", row->load);
	if (type && target < 3)
		put(text, "%sl%u%s", type, target + 1, insn->rt & 1 ? "strm" : "keep");
	else
		put(text, "#0x%02x", insn->rt);
	if (insn->mode == ARMVCPU_MODE_LITERAL)
		put(text, ", 0x%llx", pc + insn->offset);
	else
		put_address(text, insn);
}

/* By address; op1 in bits 7:5 of the key, CRm and op2 in its lower ones, as in the word. */
static const struct {
	__u16 key;
	const char *name;
} cache_ops[] = {
#define CACHE_OP(op1, crm, op2)		((op1) << 8 | (crm) << 4 | (op2))
	{ CACHE_OP(0, 6, 1), "dc ivac" },
	{ CACHE_OP(0, 6, 3), "dc igvac" },
	{ CACHE_OP(0, 6, 5), "dc igdvac" },
	{ CACHE_OP(3, 4, 1), "dc zva" },
	{ CACHE_OP(3, 4, 3), "dc gva" },
	{ CACHE_OP(3, 4, 4), "dc gzva" },
	{ CACHE_OP(3, 5, 1), "ic ivau" },
	{ CACHE_OP(3, 10, 1), "dc cvac" },
	{ CACHE_OP(3, 10, 3), "dc cgvac" },
	{ CACHE_OP(3, 10, 5), "dc cgdvac" },
	{ CACHE_OP(3, 11, 1), "dc cvau" },
	{ CACHE_OP(3, 12, 1), "dc cvap" },
	{ CACHE_OP(3, 12, 3), "dc cgvap" },
	{ CACHE_OP(3, 12, 5), "dc cgdvap" },
	{ CACHE_OP(3, 13, 1), "dc cvadp" },
	{ CACHE_OP(3, 13, 3), "dc cgvadp" },
	{ CACHE_OP(3, 13, 5), "dc cgdvadp" },
	{ CACHE_OP(3, 14, 1), "dc civac" },
	{ CACHE_OP(3, 14, 3), "dc cigvac" },
	{ CACHE_OP(3, 14, 5), "dc cigdvac" },
};

static const char *cache_op_name(__u32 word)
{
	unsigned int key = CACHE_OP(bits(word, 18, 16), bits(word, 11, 8),
				    bits(word, 7, 5));
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cache_ops); i++) {
		if (cache_ops[i].key == key)
			return cache_ops[i].name;
	}
	return NULL;
}

/* Any other SYS with CRn of 7 is none by address. */
static int decode_cache(struct armvcpu_insn *insn)
{
	insn->rn = insn->rt;
	if (!cache_op_name(insn->word))
		insn->kind = ARMVCPU_INSN_OTHER;
	return 1;
}

static void print_cache(struct text *text, const struct armvcpu_insn *insn,
			const struct row *row, __u64 pc)
{
	(void)row;
	(void)pc;
	put(text, "%s, ", cache_op_name(insn->word));
	put_reg(text, insn->rt, 1);
}

static const struct shape block = { decode_block, print_block };
static const struct shape pauth = { decode_pauth, print_pauth };
static const struct shape tag = { decode_tag, print_tag };
static const struct shape stgp = { decode_stgp, print_stgp };
static const struct shape copy = { decode_copy, print_copy };
static const struct shape prefetch = { decode_prefetch, print_prefetch };
static const struct shape cache = { decode_cache, print_cache };

/* ---- The rows ---------------------------------------------------------- */

#define KIND(k)		ARMVCPU_INSN_ ## k
#define MODE(m)		ARMVCPU_MODE_ ## m
#define ACQUIRE		ARMVCPU_INSN_ACQUIRE
#define RELEASE		ARMVCPU_INSN_RELEASE
#define UNPRIV		ARMVCPU_INSN_UNPRIV
#define NONTEMPORAL	ARMVCPU_INSN_NONTEMPORAL

/* The first one that fits counts. */
static const struct row rows[] = {
	/* SIMD structures. */
	{ 0xbfbf0000, 0x0c000000, &structures, KIND(STRUCTURES), MODE(OFFSET), SIMD, "ld", "st" },
	{ 0xbfa00000, 0x0c800000, &structures, KIND(STRUCTURES), MODE(POST), SIMD, "ld", "st" },
	{ 0xbf9f0000, 0x0d000000, &lanes, KIND(LANE), MODE(OFFSET), SIMD, "ld", "st" },
	{ 0xbf800000, 0x0d800000, &lanes, KIND(LANE), MODE(POST), SIMD, "ld", "st" },

	/* Exclusive, ordered, compare and swap. */
	{ 0x3fe08000, 0x08800000, &ordered, KIND(SINGLE), MODE(OFFSET), 0, NULL, "stllr" },
	{ 0x3fe08000, 0x08808000, &ordered, KIND(SINGLE), MODE(OFFSET), 0, NULL, "stlr" },
	{ 0x3fe08000, 0x08c00000, &ordered, KIND(SINGLE), MODE(OFFSET), 0, "ldlar", NULL },
	{ 0x3fe08000, 0x08c08000, &ordered, KIND(SINGLE), MODE(OFFSET), 0, "ldar", NULL },
	{ 0x3fa07c00, 0x08a07c00, &cas, KIND(ATOMIC), MODE(OFFSET), 0, NULL, NULL },
	{ 0xbfa07c00, 0x08207c00, &casp, KIND(ATOMIC), MODE(OFFSET), 0, NULL, NULL },
	{ 0x3fa00000, 0x08000000, &exclusive, KIND(EXCLUSIVE), MODE(OFFSET), 0, "ld", "st" },
	{ 0xbfa00000, 0x88200000, &exclusive, KIND(EXCLUSIVE), MODE(OFFSET), 0, "ld", "st" },

	/* LDAPUR, STLUR; tags; memory copy and set. */
	{ 0x3fe00c00, 0x19000000, &single9, KIND(SINGLE), MODE(OFFSET), RELEASE, NULL, "stlur" },
	{ 0x3f200c00, 0x19000000, &single9, KIND(SINGLE), MODE(OFFSET), ACQUIRE, "ldapur", NULL },
	{ 0xfffffc00, 0xd9200000, &tag, KIND(TAG), MODE(OFFSET), 0, "stzgm", NULL },
	{ 0xffe00c00, 0xd9600000, &tag, KIND(TAG), MODE(OFFSET), 0, "ldg", NULL },
	{ 0xfffffc00, 0xd9a00000, &tag, KIND(TAG), MODE(OFFSET), 0, "stgm", NULL },
	{ 0xfffffc00, 0xd9e00000, &tag, KIND(TAG), MODE(OFFSET), 0, "ldgm", NULL },
	{ 0xff200c00, 0xd9200400, &tag, KIND(TAG), MODE(POST), 0, NULL, NULL },
	{ 0xff200c00, 0xd9200800, &tag, KIND(TAG), MODE(OFFSET), 0, NULL, NULL },
	{ 0xff200c00, 0xd9200c00, &tag, KIND(TAG), MODE(PRE), 0, NULL, NULL },
	{ 0xfb200c00, 0x19000400, &copy, KIND(COPY), MODE(OFFSET), 0, NULL, NULL },

	/* Relative to PC. */
	{ 0xff000000, 0xd8000000, &prefetch, KIND(PREFETCH), MODE(LITERAL), 0, "prfm", NULL },
	{ 0x3f000000, 0x18000000, &literal, KIND(SINGLE), MODE(LITERAL), 0, "ldr", NULL },
	{ 0x3f000000, 0x1c000000, &literal, KIND(SINGLE), MODE(LITERAL), SIMD, "ldr", NULL },

	/* Pairs. */
	{ 0xffc00000, 0x68800000, &stgp, KIND(TAG), MODE(POST), 0, NULL, "stgp" },
	{ 0xffc00000, 0x69000000, &stgp, KIND(TAG), MODE(OFFSET), 0, NULL, "stgp" },
	{ 0xffc00000, 0x69800000, &stgp, KIND(TAG), MODE(PRE), 0, NULL, "stgp" },
	{ 0x3f800000, 0x28000000, &pair, KIND(PAIR), MODE(OFFSET), NONTEMPORAL, "ldnp", "stnp" },
	{ 0x3f800000, 0x28800000, &pair, KIND(PAIR), MODE(POST), 0, "ldp", "stp" },
	{ 0x3f800000, 0x29000000, &pair, KIND(PAIR), MODE(OFFSET), 0, "ldp", "stp" },
	{ 0x3f800000, 0x29800000, &pair, KIND(PAIR), MODE(PRE), 0, "ldp", "stp" },
	{ 0x3f800000, 0x2c000000, &pair, KIND(PAIR), MODE(OFFSET), SIMD | NONTEMPORAL,
	  "ldnp", "stnp" },
	{ 0x3f800000, 0x2c800000, &pair, KIND(PAIR), MODE(POST), SIMD, "ldp", "stp" },
	{ 0x3f800000, 0x2d000000, &pair, KIND(PAIR), MODE(OFFSET), SIMD, "ldp", "stp" },
	{ 0x3f800000, 0x2d800000, &pair, KIND(PAIR), MODE(PRE), SIMD, "ldp", "stp" },

	/* One register: an offset of nine bits. */
	{ 0xffe00c00, 0xf8800000, &prefetch, KIND(PREFETCH), MODE(OFFSET), 0, "prfum", NULL },
	{ 0x3f200c00, 0x38000000, &single9, KIND(SINGLE), MODE(OFFSET), 0, "ldur", "stur" },
	{ 0x3f200c00, 0x38000400, &single9, KIND(SINGLE), MODE(POST), 0, "ldr", "str" },
	{ 0x3f200c00, 0x38000800, &single9, KIND(SINGLE), MODE(OFFSET), UNPRIV, "ldtr", "sttr" },
	{ 0x3f200c00, 0x38000c00, &single9, KIND(SINGLE), MODE(PRE), 0, "ldr", "str" },
	{ 0x3f200c00, 0x3c000000, &single9, KIND(SINGLE), MODE(OFFSET), SIMD, "ldur", "stur" },
	{ 0x3f200c00, 0x3c000400, &single9, KIND(SINGLE), MODE(POST), SIMD, "ldr", "str" },
	{ 0x3f200c00, 0x3c000c00, &single9, KIND(SINGLE), MODE(PRE), SIMD, "ldr", "str" },

	/* Atomics, and what lies between them. */
	{ 0x3ffffc00, 0x38bfc000, &ordered, KIND(SINGLE), MODE(OFFSET), ACQUIRE, "ldapr", NULL },
	{ 0xfffffc00, 0xf83f9000, &block, KIND(BLOCK), MODE(OFFSET), 0, "st64b", NULL },
	{ 0xffe0fc00, 0xf820a000, &block, KIND(BLOCK), MODE(OFFSET), 0, "st64bv0", NULL },
	{ 0xffe0fc00, 0xf820b000, &block, KIND(BLOCK), MODE(OFFSET), 0, "st64bv", NULL },
	{ 0xfffffc00, 0xf83fd000, &block, KIND(BLOCK), MODE(OFFSET), 0, "ld64b", NULL },
	{ 0x3f208c00, 0x38200000, &atomic, KIND(ATOMIC), MODE(OFFSET), 0, NULL, NULL },
	{ 0x3f20fc00, 0x38208000, &atomic, KIND(ATOMIC), MODE(OFFSET), 0, NULL, NULL },
	{ 0xff200400, 0xf8200400, &pauth, KIND(PAUTH), MODE(OFFSET), 0, NULL, NULL },

	/* One register: an offset in a register, or one of twelve bits. */
	{ 0xffe00c00, 0xf8a00800, &prefetch, KIND(PREFETCH), MODE(REG), 0, "prfm", NULL },
	{ 0x3f200c00, 0x38200800, &single_index, KIND(SINGLE), MODE(REG), 0, "ldr", "str" },
	{ 0x3f200c00, 0x3c200800, &single_index, KIND(SINGLE), MODE(REG), SIMD, "ldr", "str" },
	{ 0xffc00000, 0xf9800000, &prefetch, KIND(PREFETCH), MODE(OFFSET), 0, "prfm", NULL },
	{ 0x3f000000, 0x39000000, &single12, KIND(SINGLE), MODE(OFFSET), 0, "ldr", "str" },
	{ 0x3f000000, 0x3d000000, &single12, KIND(SINGLE), MODE(OFFSET), SIMD, "ldr", "str" },

	/* DC and IC are SYS with CRn of 7. */
	{ 0xfff8f000, 0xd5087000, &cache, KIND(CACHE), MODE(OFFSET), 0, NULL, NULL },
};

static const struct row *find_row(__u32 word)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if ((word & rows[i].mask) == rows[i].value)
			return &rows[i];
	}
	return NULL;
}

/* ---- What cannot be emulated ------------------------------------------- */

/*
 * CONSTRAINED UNPREDICTABLE (K1.2): writeback to a general register that is transferred as
 * well; a load of a pair into one register; LDAR, STLR, LDLAR and STLLR with zeroes where
 * ones should be, in the places of Rs and Rt2.
 */
static int is_predictable(const struct armvcpu_insn *insn)
{
	int is_pair = insn->kind == ARMVCPU_INSN_PAIR;

	if ((insn->word & 0x3fa00000) == 0x08800000 &&
	    (insn->word & 0x001f7c00) != 0x001f7c00)
		return 0;
	if (is_pair && !(insn->flags & STORE) && insn->rt == insn->rt2)
		return 0;
	if (insn->flags & SIMD || insn->rn == 31 ||
	    (insn->mode != MODE(PRE) && insn->mode != MODE(POST)))
		return 1;
	return insn->rn != insn->rt && !(is_pair && insn->rn == insn->rt2);
}

static __u8 refused(const struct armvcpu_insn *insn)
{
	static const __u8 by_kind[] = {
		[KIND(EXCLUSIVE)] = ARMVCPU_REFUSED_EXCLUSIVE,
		[KIND(ATOMIC)] = ARMVCPU_REFUSED_ATOMIC,
		[KIND(BLOCK)] = ARMVCPU_REFUSED_BLOCK,
		[KIND(PAUTH)] = ARMVCPU_REFUSED_PAUTH,
		[KIND(TAG)] = ARMVCPU_REFUSED_TAG,
		[KIND(COPY)] = ARMVCPU_REFUSED_COPY,
		[KIND(PREFETCH)] = ARMVCPU_REFUSED_PREFETCH,
		[KIND(CACHE)] = ARMVCPU_REFUSED_CACHE,
		[KIND(UNALLOCATED)] = ARMVCPU_REFUSED_UNALLOCATED,
		[KIND(OTHER)] = ARMVCPU_REFUSED_OTHER,
	};

	if (by_kind[insn->kind])
		return by_kind[insn->kind];
	return is_predictable(insn) ? 0 : ARMVCPU_REFUSED_UNPREDICTABLE;
}

const char *armvcpu_refusal(int refused)
{
	static const char * const names[] = {
		[ARMVCPU_REFUSED_UNREAD] = "an instruction that cannot be read",
		[ARMVCPU_REFUSED_AARCH32] = "an AArch32 instruction",
		[ARMVCPU_REFUSED_OTHER] = "no load or store",
		[ARMVCPU_REFUSED_UNALLOCATED] = "an unallocated instruction",
		[ARMVCPU_REFUSED_UNPREDICTABLE] = "an unpredictable instruction",
		[ARMVCPU_REFUSED_EXCLUSIVE] = "an exclusive access",
		[ARMVCPU_REFUSED_ATOMIC] = "an atomic access",
		[ARMVCPU_REFUSED_BLOCK] = "an access of 64 bytes",
		[ARMVCPU_REFUSED_PAUTH] = "an address that is authenticated",
		[ARMVCPU_REFUSED_TAG] = "an access to tags",
		[ARMVCPU_REFUSED_COPY] = "a memory copy",
		[ARMVCPU_REFUSED_PREFETCH] = "a prefetch",
		[ARMVCPU_REFUSED_CACHE] = "cache maintenance",
		[ARMVCPU_REFUSED_MISMATCH] = "not the instruction that did it",
		[ARMVCPU_REFUSED_CROSSING] = "an access to two pages",
		[ARMVCPU_REFUSED_ADDRESS] = "nothing is there",
	};

	if ((size_t)refused < ARRAY_SIZE(names) && names[refused])
		return names[refused];
	return "?";
}

int armvcpu_insn_decode(__u32 word, struct armvcpu_insn *insn)
{
	const struct row *row = find_row(word);

	memset(insn, 0, sizeof(*insn));
	insn->word = word;
	if (row) {
		insn->kind = row->kind;
		insn->mode = row->mode;
		insn->flags = row->flags;
		insn->rt = bits(word, 4, 0);
		insn->rn = bits(word, 9, 5);
		if (!row->shape->decode(insn))
			insn->kind = KIND(UNALLOCATED);
	} else {
		/* Bits 28:25 are x1x0. */
		insn->kind = (word & 0x0a000000) == 0x08000000 ? KIND(UNALLOCATED) :
								 KIND(OTHER);
	}
	insn->refused = refused(insn);
	return insn->refused;
}

char *armvcpu_insn_text(const struct armvcpu_insn *insn, __u64 pc, char *buf,
			size_t size)
{
	struct text text = { .buf = buf, .size = size };
	const struct row *row = find_row(insn->word);

	if (!size)
		return buf;
	if (row && insn->kind != KIND(UNALLOCATED) && insn->kind != KIND(OTHER))
		row->shape->print(&text, insn, row, pc);
	else
		put(&text, ".inst 0x%08x", insn->word);
	return buf;
}
