// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU 7.2 that counts what a host executes between two marks: how
 * many instructions, how often it is at EL2, how many of them are of a kind that
 * is dear on silicon. Documentation/performance.rst has what the counts mean.
 *
 * The marks are MOVZ XZR, #(0x100 + ROW) and #(0x200 + ROW), which do nothing
 * and which no compiler emits. A row may be measured several times: reported is
 * the time with the fewest instructions.
 *
 *	-plugin counts.so,out=FILE[,profile=ROW]
 *
 * FILE is written when QEMU ends. A line for each row, "row ROW total N hvc N ...";
 * "all total N ..." is everything from the boot on. With profile= there is
 * "pc ADDRESS WORD N" for each instruction of that row besides, after its line.
 *
 * Counters are QEMU's inline additions, which are not atomic: all CPUs have to
 * run in one thread of QEMU, as they do with -icount.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu.h"

#define MARK_MASK	0xffe0001fu
#define MARK		0xd280001fu
#define MARK_IMM(word)	((word) >> 5 & 0xffff)
#define MARK_BEGIN	0x100
#define MARK_END	0x200
#define NR_ROWS		0x100

#define NR_VCPUS	64

enum event {
	EV_total,
	EV_hvc, EV_svc, EV_smc, EV_eret, EV_eret_el2,
	EV_ttbr, EV_tcr, EV_sctlr,
	EV_vttbr, EV_vtcr, EV_hcr, EV_cptr, EV_mdcr,
	EV_othermsr, EV_pstate, EV_mrs,
	EV_isb, EV_dsb, EV_dmb,
	EV_tlbi, EV_dc, EV_ic, EV_at, EV_zva,
	EV_atomic, EV_acqrel,
	NR_EVENTS,
	EV_none = NR_EVENTS
};

static const char * const event_names[NR_EVENTS] = {
	[EV_total] = "total",
	[EV_hvc] = "hvc",
	[EV_svc] = "svc",
	[EV_smc] = "smc",
	[EV_eret] = "eret",
	[EV_eret_el2] = "eret_el2",
	[EV_ttbr] = "ttbr",
	[EV_tcr] = "tcr",
	[EV_sctlr] = "sctlr",
	[EV_vttbr] = "vttbr",
	[EV_vtcr] = "vtcr",
	[EV_hcr] = "hcr",
	[EV_cptr] = "cptr",
	[EV_mdcr] = "mdcr",
	[EV_othermsr] = "othermsr",
	[EV_pstate] = "pstate",
	[EV_mrs] = "mrs",
	[EV_isb] = "isb",
	[EV_dsb] = "dsb",
	[EV_dmb] = "dmb",
	[EV_tlbi] = "tlbi",
	[EV_dc] = "dc",
	[EV_ic] = "ic",
	[EV_at] = "at",
	[EV_zva] = "zva",
	[EV_atomic] = "atomic",
	[EV_acqrel] = "acqrel",
};

struct counts {
	u64 n[NR_EVENTS];
};

/* From the boot on, and what they were where a row began. */
static struct counts now;
static struct row {
	bool open, done;
	struct counts begin, least;
} rows[NR_ROWS];

/* On this CPU, an instruction of EL2's own since the last ERET. */
static bool was_el2[NR_VCPUS];

static const char *path;
static long profiled = -1;

/* ---- what an instruction is ------------------------------------------------ */

/* Those that name op0, op1, CRn, CRm, op2: MSR, MRS, SYS. */
#define SYS(op0, op1, crn, crm, op2) \
	((op0) << 19 | (op1) << 16 | (crn) << 12 | (crm) << 8 | (op2) << 5)
#define SYS_MASK	SYS(3u, 7u, 15u, 15u, 7u)
#define SYS_OP0(word)	((word) >> 19 & 3)
#define SYS_OP1(word)	((word) >> 16 & 7)
#define SYS_CRN(word)	((word) >> 12 & 15)
#define SYS_CRM(word)	((word) >> 8 & 15)
#define SYS_OP2(word)	((word) >> 5 & 7)

static bool is_sys(u32 word)
{
	return (word & 0xffc00000) == 0xd5000000;
}

static bool is_read(u32 word)
{
	return word & 1u << 21;
}

static bool is_eret(u32 word)
{
	/* ERET, ERETAA, ERETAB */
	return word == 0xd69f03e0 || (word & 0xfffffbff) == 0xd69f0bff;
}

/*
 * Nothing but EL2 executes these: registers and operations with op1 = 4. At EL1
 * they are UNDEFINED.
 */
static bool is_el2_only(u32 word)
{
	return is_sys(word) && SYS_OP0(word) && SYS_OP1(word) == 4;
}

static enum event barrier_event(u32 word)
{
	if (SYS_OP1(word) != 3 || SYS_CRN(word) != 3)
		/* MSR of a field of PSTATE, or a hint. */
		return SYS_CRN(word) == 4 ? EV_pstate : EV_none;
	switch (SYS_OP2(word)) {
	case 1:
	case 4:
		return EV_dsb;
	case 5:
		return EV_dmb;
	case 6:
		return EV_isb;
	default:
		return EV_none;
	}
}

static enum event operation_event(u32 word)
{
	if (SYS_CRN(word) == 8 || SYS_CRN(word) == 9)
		return EV_tlbi;
	if (SYS_CRN(word) != 7)
		return EV_none;
	switch (SYS_CRM(word)) {
	case 1:
	case 5:
		return EV_ic;
	case 8:
	case 9:
		return EV_at;
	case 4:
		/* DC ZVA and its like are stores. */
		return EV_zva;
	case 6:
	case 10 ... 14:
		return EV_dc;
	default:
		return EV_none;
	}
}

static enum event msr_event(u32 word)
{
	switch (word & SYS_MASK) {
	case SYS(3, 0, 2, 0, 0):
	case SYS(3, 0, 2, 0, 1):
		return EV_ttbr;
	case SYS(3, 0, 2, 0, 2):
		return EV_tcr;
	case SYS(3, 0, 1, 0, 0):
		return EV_sctlr;
	case SYS(3, 4, 2, 1, 0):
		return EV_vttbr;
	case SYS(3, 4, 2, 1, 2):
		return EV_vtcr;
	case SYS(3, 4, 1, 1, 0):
		return EV_hcr;
	case SYS(3, 4, 1, 1, 2):
		return EV_cptr;
	case SYS(3, 4, 1, 1, 1):
		return EV_mdcr;
	default:
		return EV_othermsr;
	}
}

static enum event event_of(u32 word)
{
	if (is_sys(word)) {
		switch (SYS_OP0(word)) {
		case 0:
			return barrier_event(word);
		case 1:
			return operation_event(word);
		default:
			return is_read(word) ? EV_mrs : msr_event(word);
		}
	}
	if (is_eret(word))
		return EV_eret;
	switch (word & 0xffe0001f) {
	case 0xd4000001:
		return EV_svc;
	case 0xd4000002:
		return EV_hvc;
	case 0xd4000003:
		return EV_smc;
	}
	/* LDAPR: its encoding is among those of the atomic instructions. */
	if ((word & 0x3ffffc00) == 0x38bfc000)
		return EV_acqrel;
	/* LDADD and the like, SWP. */
	if ((word & 0x3f200c00) == 0x38200000)
		return EV_atomic;
	if ((word & 0x3f000000) == 0x08000000) {
		bool ordered = word & 1u << 23, load = word & 1u << 22, pair = word & 1u << 21;

		/* CAS, CASP; then LDAR, STLR; then the exclusive ones, by their store. */
		if (pair && (ordered || !(word & 1u << 31)))
			return EV_atomic;
		if (ordered)
			return EV_acqrel;
		return load ? EV_none : EV_atomic;
	}
	return EV_none;
}

/* ---- where it is: the instructions of one row ------------------------------ */

/*
 * An address may be one of the host, of the guest and of EL2, so the word is part
 * of the key. QEMU's code has the address of n for good.
 */
struct place {
	u64 pc, n, begin, least;
	u32 word;
	struct place *next;
};

#define HASH_BITS	20
#define CHUNK		4096

static struct place **hash;
static struct place *chunks[CHUNK];
static size_t nr_places;
/* 16 million are more than there is code. */
static struct place others;

static struct place *nth_place(size_t i)
{
	return &chunks[i / CHUNK][i % CHUNK];
}

static struct place *place_of(u64 pc, u32 word)
{
	struct place **head = &hash[(u32)(pc >> 2) * 2654435761u >> (32 - HASH_BITS)];
	struct place *p;

	for (p = *head; p; p = p->next) {
		if (p->pc == pc && p->word == word)
			return p;
	}
	if (nr_places == (size_t)CHUNK * CHUNK)
		return &others;
	if (!chunks[nr_places / CHUNK]) {
		chunks[nr_places / CHUNK] = calloc(CHUNK, sizeof(*p));
		if (!chunks[nr_places / CHUNK]) {
			fprintf(stderr, "counts: out of memory\n");
			exit(1);
		}
	}
	p = &chunks[nr_places / CHUNK][nr_places % CHUNK];
	nr_places++;
	p->pc = pc;
	p->word = word;
	p->next = *head;
	*head = p;
	return p;
}

/* ---- rows ------------------------------------------------------------------ */

static void begin(unsigned int vcpu, void *data)
{
	struct row *row = data;
	size_t i;

	for (i = 0; row - rows == profiled && i < nr_places; i++)
		nth_place(i)->begin = nth_place(i)->n;
	row->begin = now;
	row->open = true;
}

static void end(unsigned int vcpu, void *data)
{
	struct row *row = data;
	struct counts c;
	size_t i;

	if (!row->open)
		return;
	row->open = false;
	for (i = 0; i < NR_EVENTS; i++)
		c.n[i] = now.n[i] - row->begin.n[i];
	if (row->done && c.n[EV_total] >= row->least.n[EV_total])
		return;
	row->done = true;
	row->least = c;
	for (i = 0; row - rows == profiled && i < nr_places; i++)
		nth_place(i)->least = nth_place(i)->n - nth_place(i)->begin;
}

/*
 * Each visit of EL2 reads or writes a register of EL2's, if only its syndrome or
 * TPIDR_EL2, and ends in an ERET; nothing else does either between two ERETs. So
 * the first ERET after such an access is EL2's.
 */
static void at_el2(unsigned int vcpu, void *data)
{
	was_el2[vcpu % NR_VCPUS] = true;
}

static void at_eret(unsigned int vcpu, void *data)
{
	bool *was = &was_el2[vcpu % NR_VCPUS];

	now.n[EV_eret_el2] += *was;
	*was = false;
}

/* ---- QEMU ------------------------------------------------------------------ */

static void count(struct qemu_plugin_insn *insn, u64 *counter)
{
	qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, counter, 1);
}

static void call(struct qemu_plugin_insn *insn, void (*cb)(unsigned int, void *), void *data)
{
	qemu_plugin_register_vcpu_insn_exec_cb(insn, cb, QEMU_PLUGIN_CB_NO_REGS, data);
}

/* A mark counts for nothing. */
static bool mark(struct qemu_plugin_insn *insn, u32 word)
{
	unsigned int imm = MARK_IMM(word);

	if ((word & MARK_MASK) != MARK)
		return false;
	switch (imm & ~(NR_ROWS - 1)) {
	case MARK_BEGIN:
		call(insn, begin, &rows[imm % NR_ROWS]);
		return true;
	case MARK_END:
		call(insn, end, &rows[imm % NR_ROWS]);
		return true;
	default:
		return false;
	}
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		enum event event;
		u32 word = 0;

		/* Of T32, some have two bytes. */
		if (qemu_plugin_insn_size(insn) == sizeof(word))
			memcpy(&word, qemu_plugin_insn_data(insn), sizeof(word));
		if (mark(insn, word))
			continue;
		count(insn, &now.n[EV_total]);
		if (hash)
			count(insn, &place_of(qemu_plugin_insn_vaddr(insn), word)->n);
		event = event_of(word);
		if (event != EV_none)
			count(insn, &now.n[event]);
		if (event == EV_eret)
			call(insn, at_eret, NULL);
		else if (is_el2_only(word))
			call(insn, at_el2, NULL);
	}
}

static void print_counts(FILE *f, const struct counts *c)
{
	int i;

	for (i = 0; i < NR_EVENTS; i++)
		fprintf(f, " %s %llu", event_names[i], c->n[i]);
	fputc('\n', f);
}

static void print_places(FILE *f)
{
	size_t i;

	for (i = 0; i < nr_places; i++) {
		struct place *p = nth_place(i);

		if (p->least)
			fprintf(f, "pc %016llx %08x %llu\n", p->pc, p->word, p->least);
	}
}

static void at_exit(qemu_plugin_id_t id, void *data)
{
	FILE *f = fopen(path, "w");
	int i;

	if (!f) {
		perror(path);
		return;
	}
	for (i = 0; i < NR_ROWS; i++) {
		if (!rows[i].done)
			continue;
		fprintf(f, "row %d", i);
		print_counts(f, &rows[i].least);
		if (i == profiled)
			print_places(f);
	}
	fputs("all", f);
	print_counts(f, &now);
	if (fclose(f))
		perror(path);
}

int qemu_plugin_version = QEMU_INTERFACE;

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info,
			int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		char *end = "";

		if (!strncmp(argv[i], "out=", 4)) {
			/* QEMU keeps its arguments, but does not say so. */
			path = strdup(argv[i] + 4);
		} else if (!strncmp(argv[i], "profile=", 8)) {
			profiled = strtol(argv[i] + 8, &end, 0);
		} else {
			fprintf(stderr, "counts: unknown argument %s\n", argv[i]);
			return 1;
		}
		if (*end || profiled >= NR_ROWS) {
			fprintf(stderr, "counts: %s: no row\n", argv[i]);
			return 1;
		}
	}
	if (!path) {
		fprintf(stderr, "counts: no out=FILE\n");
		return 1;
	}
	if (profiled >= 0) {
		hash = calloc(1u << HASH_BITS, sizeof(*hash));
		if (!hash) {
			fprintf(stderr, "counts: out of memory\n");
			return 1;
		}
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
