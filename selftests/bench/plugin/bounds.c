// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU 10 that measures how long a CPU is at EL2, and how long it takes no
 * interrupt, between two marks: in instructions, with the code that they were.
 * Documentation/performance.rst says what exactly that is.
 *
 *	-plugin bounds.so,out=FILE
 *
 * The marks are MOVZ XZR, #(0x100 + ROW) and #(0x200 + ROW), as in counts.c; and one more,
 * #0x300: x0 to x1 is where the module's text lies.  Of each row the longest stretches are
 * kept.  FILE is written when QEMU ends:
 *
 *	vectors ADDRESS			VBAR_EL2 while the host runs
 *	text ADDRESS ADDRESS		where the module's text lies, as #0x300 has told
 *	lost N				how often QEMU has not told of an ERET
 *	row ROW el2 N of M dark N of M	the longest of both, and how many stretches there were
 *	el2 LEVEL ADDRESS N		of the longest at EL2: each block of code, and how
 *	dark LEVEL ADDRESS N		many instructions of it; LEVEL is el1 or el2
 *
 * Whose the CPU is can only change where a block of translated code ends: QEMU ends one
 * behind each ERET, each exception, each MSR to DAIF, DAIFSet and DAIFClr.  So it is looked
 * at where one begins.
 *
 * All CPUs have to run in one thread of QEMU, as they do with -icount.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu10.h"

#define MARK_MASK	0xffe0001fu
#define MARK		0xd280001fu
#define MARK_IMM(word)	((word) >> 5 & 0xffff)
#define MARK_BEGIN	0x100
#define MARK_END	0x200
#define MARK_MODULE	0x300
#define NR_ROWS		0x100

#define NR_VCPUS	64

/* CPSR, as GDB has it: PSTATE. */
#define PSTATE_EL(x)	((x) >> 2 & 3)
#define PSTATE_I	0x80
#define PSTATE_AARCH32	0x10

#define HCR_VM		1

/* From EL1h. */
#define VECTOR_IRQ	0x280

enum where {
	OPEN,		/* the host, which takes interrupts */
	MASKED,		/* the host, which does not */
	GUEST,		/* interrupts come to EL2 */
	AT_EL2,
};

/* A block of a stretch. */
struct step {
	u64 pc, n;
	bool el2;
};

#define MAX_STEPS	0x100000

/**
 * struct stretch - one that is under way, or the longest
 * @on: it has begun, and in a row.
 * @ours: code of ours was among it.
 * @from: the CPU's counter when it began.
 * @n: how long it is.
 * @steps: @nr_steps of them; those beyond MAX_STEPS are not kept.
 */
struct stretch {
	bool on, ours;
	u64 from, n;
	struct step *steps;
	size_t nr_steps;
};

enum stretch_kind { EL2, DARK, NR_KINDS };

static const char * const kind_names[NR_KINDS] = { "el2", "dark" };

static struct cpu {
	enum where where;
	/* It has executed an ERET at EL2. */
	bool left;
	/* Instructions, from the boot on. */
	u64 count;
	/* The block before: where, and what the counter was. */
	u64 pc, at;
	bool was_el2;
	struct stretch now[NR_KINDS];
} cpus[NR_VCPUS];

static struct row {
	bool open, done;
	u64 stretches[NR_KINDS];
	struct stretch longest[NR_KINDS];
} rows[NR_ROWS], *current;

static u64 text, text_end, vectors;

/* Visits of EL2 whose end has not been seen: what is printed then is not to be trusted. */
static u64 lost;

static struct qemu_plugin_register *reg_cpsr, *reg_hcr, *reg_vbar, *reg_vbar1, *reg_x0, *reg_x1;
static struct _GByteArray *buffer;
static const char *path;

static void fail(const char *why)
{
	fprintf(stderr, "bounds: %s\n", why);
	exit(1);
}

static u64 read_register(struct qemu_plugin_register *reg)
{
	u64 value = 0;

	g_byte_array_set_size(buffer, 0);
	if (qemu_plugin_read_register(reg, buffer) < 0 || buffer->len > sizeof(value))
		fail("a register cannot be read");
	memcpy(&value, buffer->data, buffer->len);
	return value;
}

/* ---- stretches ------------------------------------------------------------- */

static void start(struct stretch *s, u64 at)
{
	s->on = true;
	s->ours = false;
	s->from = at;
	s->nr_steps = 0;
}

static void add_step(struct stretch *s, u64 pc, u64 n, bool el2)
{
	/* Loops: not the same block again and again. */
	if (s->nr_steps && s->steps[s->nr_steps - 1].pc == pc) {
		s->steps[s->nr_steps - 1].n += n;
		return;
	}
	if (s->nr_steps < MAX_STEPS)
		s->steps[s->nr_steps++] = (struct step) { pc, n, el2 };
}

static void finish(struct stretch *s, enum stretch_kind kind, u64 at)
{
	struct stretch *longest = &current->longest[kind];
	struct step *steps = longest->steps;

	s->on = false;
	if (!s->ours)
		return;
	current->stretches[kind]++;
	s->n = at - s->from;
	if (s->n <= longest->n)
		return;
	*longest = *s;
	s->steps = steps ?: malloc(MAX_STEPS * sizeof(*steps));
	if (!s->steps)
		fail("out of memory");
}

static bool is_ours(u64 pc, bool el2)
{
	return el2 || (pc >= text && pc < text_end);
}

/* Where a block begins. */
static enum where look(struct cpu *cpu)
{
	u64 pstate = read_register(reg_cpsr);
	unsigned int el = pstate & PSTATE_AARCH32 ? 0 : PSTATE_EL(pstate);

	if (el >= 2)
		return AT_EL2;
	/* Until EL2 is back, what the guest does to PSTATE is its own. */
	if (cpu->where == GUEST || (cpu->where == AT_EL2 && read_register(reg_hcr) & HCR_VM))
		return GUEST;
	return el == 1 && pstate & PSTATE_I ? MASKED : OPEN;
}

/*
 * The host takes an interrupt, so it did take interrupts, if only for no more than the
 * instruction that has turned them on.
 */
static bool is_interrupt(u64 pc, enum where where)
{
	return where == MASKED && (pc & 0x7ff) == VECTOR_IRQ &&
	       (pc & ~0x7ffUL) == read_register(reg_vbar1);
}

/* From a lower EL: at an offset of 0x400 or more of the vectors. */
static bool is_visit(u64 pc)
{
	return (pc & 0x47f) == 0x400 && (pc & ~0x7ffUL) == read_register(reg_vbar);
}

static void block(unsigned int vcpu, void *data)
{
	struct cpu *cpu = &cpus[vcpu % NR_VCPUS];
	u64 pc = (u64)data, at = cpu->count;
	enum where was = cpu->where, where = look(cpu);
	bool is_el2 = where == AT_EL2, is_dark = is_el2 || where == MASKED;
	int kind;

	if (is_el2 && was == OPEN)
		vectors = read_register(reg_vbar);
	if (is_el2 && was == AT_EL2 && !cpu->left && is_visit(pc)) {
		lost += !!current;
		cpu->left = true;
	}
	for (kind = 0; current && kind < NR_KINDS; kind++) {
		struct stretch *s = &cpu->now[kind];
		bool goes_on = kind == EL2 ? is_el2 && !cpu->left :
					     is_dark && !is_interrupt(pc, where);

		if (s->on) {
			add_step(s, cpu->pc, at - cpu->at, cpu->was_el2);
			if (!goes_on)
				finish(s, kind, at);
		}
		if (!s->on && (kind == EL2 ? is_el2 : is_dark))
			start(s, at);
		if (s->on)
			s->ours |= is_ours(pc, is_el2);
	}
	cpu->where = where;
	cpu->left = false;
	cpu->pc = pc;
	cpu->at = at;
	cpu->was_el2 = is_el2;
}

/* QEMU's own counters, which need no call, are not for a run with -icount: it dies. */
static void count(unsigned int vcpu, void *data)
{
	cpus[vcpu % NR_VCPUS].count++;
}

static void at_eret(unsigned int vcpu, void *data)
{
	struct cpu *cpu = &cpus[vcpu % NR_VCPUS];

	cpu->left = cpu->where == AT_EL2;
}

/* ---- rows ------------------------------------------------------------------ */

/* What is under way then belongs to no row. */
static void stop_all(void)
{
	int i, kind;

	for (i = 0; i < NR_VCPUS; i++)
		for (kind = 0; kind < NR_KINDS; kind++)
			cpus[i].now[kind].on = false;
}

static void begin(unsigned int vcpu, void *data)
{
	int i, kind;

	stop_all();
	current = data;
	current->open = true;
	for (i = 0; i < NR_VCPUS; i++)
		for (kind = 0; kind < NR_KINDS; kind++) {
			struct stretch *s = &cpus[i].now[kind];

			if (!s->steps)
				s->steps = malloc(MAX_STEPS * sizeof(*s->steps));
			if (!s->steps)
				fail("out of memory");
		}
}

static void end(unsigned int vcpu, void *data)
{
	if (current != data)
		return;
	stop_all();
	current->done = true;
	current = NULL;
}

static void module_is_at(unsigned int vcpu, void *data)
{
	text = read_register(reg_x0);
	text_end = read_register(reg_x1);
}

/* ---- QEMU ------------------------------------------------------------------ */

static void call(struct qemu_plugin_insn *insn, void (*cb)(unsigned int, void *),
		 enum qemu_plugin_cb_flags flags, void *data)
{
	qemu_plugin_register_vcpu_insn_exec_cb(insn, cb, flags, data);
}

static bool mark(struct qemu_plugin_insn *insn, u32 word)
{
	unsigned int imm = MARK_IMM(word);

	if ((word & MARK_MASK) != MARK)
		return false;
	switch (imm & ~(NR_ROWS - 1)) {
	case MARK_BEGIN:
		call(insn, begin, QEMU_PLUGIN_CB_NO_REGS, &rows[imm % NR_ROWS]);
		return true;
	case MARK_END:
		call(insn, end, QEMU_PLUGIN_CB_NO_REGS, &rows[imm % NR_ROWS]);
		return true;
	case MARK_MODULE:
		call(insn, module_is_at, QEMU_PLUGIN_CB_R_REGS, NULL);
		return true;
	default:
		return false;
	}
}

static bool is_eret(u32 word)
{
	/* ERET, ERETAA, ERETAB */
	return word == 0xd69f03e0 || (word & 0xfffffbff) == 0xd69f0bff;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	qemu_plugin_register_vcpu_tb_exec_cb(tb, block, QEMU_PLUGIN_CB_R_REGS,
					     (void *)qemu_plugin_tb_vaddr(tb));
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		u32 word = 0;

		/* Of T32, some have two bytes. */
		if (qemu_plugin_insn_data(insn, &word, sizeof(word)) != sizeof(word))
			word = 0;
		if (mark(insn, word))
			continue;
		call(insn, count, QEMU_PLUGIN_CB_NO_REGS, NULL);
		if (is_eret(word))
			call(insn, at_eret, QEMU_PLUGIN_CB_NO_REGS, NULL);
	}
}

/* All vCPUs have the same. */
static void vcpu_is_there(qemu_plugin_id_t id, unsigned int vcpu)
{
	static const struct {
		const char *name;
		struct qemu_plugin_register **reg;
	} wanted[] = {
		{ "cpsr", &reg_cpsr }, { "HCR_EL2", &reg_hcr }, { "VBAR_EL2", &reg_vbar },
		{ "VBAR", &reg_vbar1 }, { "x0", &reg_x0 }, { "x1", &reg_x1 },
	};
	struct _GArray *regs = qemu_plugin_get_registers();
	struct qemu_plugin_reg_descriptor *reg = (void *)regs->data;
	size_t i, n;

	for (n = 0; n < sizeof(wanted) / sizeof(*wanted); n++) {
		for (i = 0; i < regs->len; i++)
			if (!strcmp(reg[i].name, wanted[n].name))
				*wanted[n].reg = reg[i].handle;
		if (!*wanted[n].reg)
			fail("QEMU does not show a register");
	}
}

static int by_place(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	if (x->el2 != y->el2)
		return x->el2 - y->el2;
	return x->pc < y->pc ? -1 : x->pc > y->pc;
}

static void print_stretch(FILE *f, const char *name, struct stretch *s)
{
	size_t i, j;

	qsort(s->steps, s->nr_steps, sizeof(*s->steps), by_place);
	for (i = 0; i < s->nr_steps; i = j) {
		struct step sum = s->steps[i];

		for (j = i + 1; j < s->nr_steps && !by_place(&sum, &s->steps[j]); j++)
			sum.n += s->steps[j].n;
		fprintf(f, "%s %s %016llx %llu\n", name, sum.el2 ? "el2" : "el1", sum.pc, sum.n);
	}
}

static void at_exit(qemu_plugin_id_t id, void *data)
{
	FILE *f = fopen(path, "w");
	int i, kind;

	if (!f) {
		perror(path);
		return;
	}
	fprintf(f, "vectors %016llx\ntext %016llx %016llx\nlost %llu\n", vectors, text, text_end,
		lost);
	for (i = 0; i < NR_ROWS; i++) {
		struct row *row = &rows[i];

		if (!row->done)
			continue;
		fprintf(f, "row %d", i);
		for (kind = 0; kind < NR_KINDS; kind++)
			fprintf(f, " %s %llu of %llu", kind_names[kind], row->longest[kind].n,
				row->stretches[kind]);
		fputc('\n', f);
		for (kind = 0; kind < NR_KINDS; kind++)
			if (row->longest[kind].n)
				print_stretch(f, kind_names[kind], &row->longest[kind]);
	}
	if (fclose(f))
		perror(path);
}

int qemu_plugin_version = QEMU_INTERFACE;

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info,
			int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (strncmp(argv[i], "out=", 4)) {
			fprintf(stderr, "bounds: unknown argument %s\n", argv[i]);
			return 1;
		}
		path = strdup(argv[i] + 4);
	}
	if (!path) {
		fprintf(stderr, "bounds: no out=FILE\n");
		return 1;
	}
	buffer = g_byte_array_new();
	qemu_plugin_register_vcpu_init_cb(id, vcpu_is_there);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
