/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fuzzer of the ioctls: calls, programs of calls, and what they are run in.
 */
#ifndef SELFTEST_FUZZ_H
#define SELFTEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include <linux/armvcpu.h>

#include "types.h"

#define FUZZ_FIELDS	12
#define FUZZ_CALLS	64
#define FUZZ_THREADS	4
#define FUZZ_MAX_OPS	80
#define FUZZ_TIMES	192

/**
 * struct fuzz_call - a call, or several that are alike
 * @op: place in fuzz_ops[].
 * @file: which of the files of its kind.
 * @thread: which thread does it.
 * @times: how often; each time a field or two are different.
 * @fields: what its fields are made from, in the order of the operation's.
 */
struct fuzz_call {
	u16 op;
	u8 file;
	u8 thread;
	u16 times;
	u64 fields[FUZZ_FIELDS];
};

/**
 * struct fuzz_program - calls, one after the other in each thread
 * @count: how many.
 * @fail_nth: which allocation fails in each call, 0: none.
 * @setup: FUZZ_WITH_*: what is there before the first of them.
 * @threads: how many threads do them.
 * @seed: of the guest's code, and of what calls point to.
 * @calls: the calls.
 */
struct fuzz_program {
	u32 count;
	u32 fail_nth;
	u32 setup;
	u32 threads;
	u64 seed;
	struct fuzz_call calls[FUZZ_CALLS];
};

#define FUZZ_WITH_VM		BIT(0)
#define FUZZ_WITH_GIC		BIT(1)
#define FUZZ_WITH_SLOT		BIT(2)
#define FUZZ_WITH_VCPU		BIT(3)
#define FUZZ_WITH_VCPUS		BIT(4)
#define FUZZ_WITH_RUN		BIT(5)
/* A thread that changes what is shared with the module, and arguments, all the time. */
#define FUZZ_WITH_FLIPS		BIT(6)
#define FUZZ_WITH_GICV2		BIT(7)
#define FUZZ_WITH_POLICY	BIT(12)
/* Any allocation of a call may fail. */
#define FUZZ_WITH_CHANCE	BIT(13)
/* ARMVCPU_SLOT_*, ARMVCPU_VCPU_* of what is set up. */
#define FUZZ_SLOT_FLAGS(setup)	((setup) >> 8 & 7)
#define FUZZ_VCPU_FLAGS(setup)	((setup) >> 16 & 7)
#define FUZZ_FLAGS		0x70700U
#define FUZZ_WITH		0x30ffU

/* The kinds of a field: what a random number becomes. */
enum fuzz_kind {
	FUZZ_NONE,
	FUZZ_WILD,	/* anything */
	FUZZ_SMALL,	/* up to @param, mostly */
	FUZZ_BITS,	/* of a mask, mostly */
	FUZZ_ZERO,	/* mostly */
	FUZZ_IPA,
	FUZZ_SIZE,
	FUZZ_UADDR,
	FUZZ_EVENTFD,
	FUZZ_REG,
	FUZZ_MPIDR,
	FUZZ_HW_INTID,	/* one that no device has, mostly */
	FUZZ_GIC_BASE,
	FUZZ_GIC_OFFSET,
	FUZZ_BUFFER,	/* a pointer to bytes at random */
	FUZZ_PAGES,	/* ... to entries of a dirty ring */
	FUZZ_RANGES,	/* ... to SMCCC ranges */
};

/**
 * struct fuzz_field - a field of an argument
 * @kind: what it is.
 * @size: 1, 2, 4 or 8 bytes.
 * @offset: in bytes.
 * @param: see enum fuzz_kind.
 */
struct fuzz_field {
	u8 kind;
	u8 size;
	u16 offset;
	u64 param;
};

enum fuzz_file { FUZZ_NO_FILE, FUZZ_SYS, FUZZ_VM, FUZZ_VCPU, FUZZ_ANY_FILE, FUZZ_KINDS };

struct fuzz_world;

/**
 * struct fuzz_op - what can be called
 * @name: of the ioctl, or of the system call.
 * @file: what it is called on.
 * @request: of an ioctl.
 * @result: what kind of file it returns.
 * @weight: how often, compared to the others; 0: 16.
 * @times: how often in a row at the most; 0: FUZZ_TIMES.
 * @whole: no allocation of it fails, as Linux itself warns of that.
 * @fn: of anything else.
 * @fields: of its argument, up to one of no kind; of another operation, what @fn takes.
 */
struct fuzz_op {
	const char *name;
	enum fuzz_file file;
	u32 request;
	enum fuzz_file result;
	u8 weight, times;
	bool whole;
	void (*fn)(struct fuzz_world *w, int fd, const u64 *values);
	const struct fuzz_field *fields;
};

extern const struct fuzz_op fuzz_ops[];
extern const unsigned int fuzz_nr_ops;

/**
 * struct fuzz_counts - what has been done so far, by all
 * @calls: calls.
 * @ns: how long each operation took.
 * @times: how often it was done.
 */
struct fuzz_counts {
	u64 calls;
	u64 ns[FUZZ_MAX_OPS];
	u64 times[FUZZ_MAX_OPS];
};

/* Where the host has its distributor, or 0: no interrupts are raised there. */
extern u64 fuzz_gicd;
/* Each call is told. */
extern bool fuzz_list;

/* In a process of its own: whatever it does ends with it. */
void fuzz_run(const struct fuzz_program *program, struct fuzz_counts *counts);

/* ---- coverage (cover.c) -------------------------------------------------- */

#define FUZZ_MAX_TEXT	BIT(20)

/**
 * struct fuzz_cover - what has been reached so far, by all
 * @text: the module's .text.
 * @points: places reached.
 * @reached: by (PC - @text) / 4.
 */
struct fuzz_cover {
	u64 text;
	u64 points;
	u8 reached[FUZZ_MAX_TEXT / 4];
};

void cover_module(struct fuzz_cover *cover);
bool cover_open(struct fuzz_cover *cover, unsigned int threads);
void cover_begin(unsigned int thread);
void cover_end(unsigned int thread);
u64 cover_look(unsigned int thread);
void cover_useful(u32 *last);
void cover_note(unsigned int thread, unsigned int call);

/* ---- programs as text (corpus.c) ----------------------------------------- */

void program_random(struct fuzz_program *p, u64 *state);
void program_change(struct fuzz_program *p, const struct fuzz_program *other, u64 *state);
size_t program_print(char *text, size_t size, const struct fuzz_program *p);
bool program_read(FILE *f, struct fuzz_program *p);
void call_random(struct fuzz_call *call, u64 *state);

#define FUZZ_TEXT	(64 << 10)

/* ---- guests (code.c) ----------------------------------------------------- */

#define GUEST_RAM	0x40000000UL
#define GUEST_MMIO	0x80000000UL
#define GUEST_GIC	0x8000000UL
#define GUEST_GIC_CPU	(GUEST_GIC + 0x100000)
/* The second half is for AArch32. */
#define GUEST_CODE	8192
/* Where exceptions are taken to. */
#define GUEST_VECTORS	0x800

void guest_code(u32 *code, u64 seed);

/* xorshift64. */
static inline u64 fuzz_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline u64 fuzz_mix(u64 value)
{
	value = (value ^ value >> 31) * 0x9e3779b97f4a7c15UL;
	return value ^ value >> 29;
}

#endif /* SELFTEST_FUZZ_H */
