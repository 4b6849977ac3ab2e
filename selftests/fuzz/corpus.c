// SPDX-License-Identifier: GPL-2.0
/*
 * Programs: made at random, changed, written and read as text.
 *
 *	program setup=0x7f fail=0 threads=2 seed=0x1234
 *	SET_IRQ file=0 thread=1 times=16 0x20 0x1 0x0 0x0 0x0
 *	end
 *
 * A call's numbers are what its fields are made from, not what they become.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static unsigned int weight_of(unsigned int op)
{
	return fuzz_ops[op].weight ?: 16;
}

static u16 random_op(u64 *state)
{
	unsigned int i, total = 0, at;

	for (i = 0; i < fuzz_nr_ops; i++)
		total += weight_of(i);
	at = fuzz_random(state) % total;
	for (i = 0; at >= weight_of(i); i++)
		at -= weight_of(i);
	return i;
}

static u16 random_times(unsigned int op, u64 *state)
{
	unsigned int most = fuzz_ops[op].times ?: FUZZ_TIMES;

	return fuzz_random(state) % 3 ? 1 + fuzz_random(state) % most : 1;
}

/**
 * call_random() - any call
 * @call: where to.
 * @state: of the random numbers.
 */
void call_random(struct fuzz_call *call, u64 *state)
{
	unsigned int i;

	call->op = random_op(state);
	call->file = fuzz_random(state) % 16 ? fuzz_random(state) % 3 : fuzz_random(state);
	call->thread = fuzz_random(state) % FUZZ_THREADS;
	call->times = random_times(call->op, state);
	for (i = 0; i < FUZZ_FIELDS; i++)
		call->fields[i] = fuzz_random(state);
}

/**
 * program_random() - any program
 * @p: where to.
 * @state: of the random numbers.
 */
void program_random(struct fuzz_program *p, u64 *state)
{
	unsigned int i;

	p->count = FUZZ_CALLS / 4 + fuzz_random(state) % (FUZZ_CALLS * 3 / 4);
	p->fail_nth = fuzz_random(state) % 5 ? 0 : 1 + fuzz_random(state) % 12;
	p->threads = fuzz_random(state) % 3 ? 1 + fuzz_random(state) % 2 :
					      1 + fuzz_random(state) % FUZZ_THREADS;
	p->setup = fuzz_random(state) & (FUZZ_FLAGS | FUZZ_WITH);
	p->seed = fuzz_random(state);
	/* All of it, as a rule; the threads that change everything, sometimes. */
	if (fuzz_random(state) % 8)
		p->setup |= FUZZ_WITH_VM | FUZZ_WITH_SLOT | FUZZ_WITH_VCPU | FUZZ_WITH_RUN;
	if (fuzz_random(state) % 4)
		p->setup &= ~FUZZ_WITH_FLIPS;
	if (fuzz_random(state) % 8)
		p->setup &= ~FUZZ_WITH_CHANCE;
	if (fuzz_random(state) % 4)
		p->setup &= ~FUZZ_FLAGS;
	for (i = 0; i < FUZZ_CALLS; i++)
		call_random(&p->calls[i], state);
}

static void change_call(struct fuzz_call *call, u64 *state)
{
	u64 *field = &call->fields[fuzz_random(state) % FUZZ_FIELDS];

	switch (fuzz_random(state) % 6) {
	case 0:
		*field ^= BIT(fuzz_random(state) % 64);
		break;
	case 1:
		*field = fuzz_random(state);
		break;
	case 2:
		call->file = fuzz_random(state) % 3;
		break;
	case 3:
		*field += (fuzz_random(state) % 8 - 4) << 16;
		break;
	case 4:
		call->times = random_times(call->op, state);
		break;
	case 5:
		call->thread = fuzz_random(state) % FUZZ_THREADS;
		break;
	}
}

/**
 * program_change() - another program, of two that have been of use
 * @p: the one, which becomes it.
 * @other: the other one.
 * @state: of the random numbers.
 */
void program_change(struct fuzz_program *p, const struct fuzz_program *other, u64 *state)
{
	unsigned int n = 1 + fuzz_random(state) % 16, at, k;

	if (fuzz_random(state) % 4 == 0)
		p->seed = fuzz_random(state);
	while (n--) {
		at = fuzz_random(state) % p->count;
		switch (fuzz_random(state) % 10) {
		case 0:	/* one more */
		case 1:
			if (p->count == FUZZ_CALLS)
				break;
			memmove(&p->calls[at + 1], &p->calls[at],
				(p->count++ - at) * sizeof(p->calls[0]));
			call_random(&p->calls[at], state);
			break;
		case 2:	/* one less */
			if (p->count == 1)
				break;
			memmove(&p->calls[at], &p->calls[at + 1],
				(--p->count - at) * sizeof(p->calls[0]));
			break;
		case 3:	/* the beginning of the other, behind this */
			for (k = 0; p->count < FUZZ_CALLS && k < other->count; k++)
				p->calls[p->count++] = other->calls[k];
			break;
		case 4:
			p->fail_nth = fuzz_random(state) % 2 ? 0 : 1 + fuzz_random(state) % 20;
			break;
		case 5:
			p->setup ^= BIT(fuzz_random(state) % 20) & (FUZZ_FLAGS | FUZZ_WITH);
			break;
		case 6:
			call_random(&p->calls[at], state);
			break;
		default:
			change_call(&p->calls[at], state);
			break;
		}
	}
}

static unsigned int nr_fields(const struct fuzz_op *op)
{
	unsigned int n = 0;

	while (op->fields && n < FUZZ_FIELDS && op->fields[n].kind)
		n++;
	return n;
}

/**
 * program_print() - as text
 * @text: where to.
 * @size: of @text.
 * @p: the program.
 *
 * Return: bytes written.
 */
size_t program_print(char *text, size_t size, const struct fuzz_program *p)
{
	unsigned int i, k;
	size_t at;

	at = snprintf(text, size, "program setup=%#x fail=%u threads=%u seed=%#llx\n", p->setup,
		      p->fail_nth, p->threads, p->seed);
	for (i = 0; i < p->count; i++) {
		const struct fuzz_call *call = &p->calls[i];
		const struct fuzz_op *op = &fuzz_ops[call->op];

		at += snprintf(text + at, size - at, "%s file=%u thread=%u times=%u", op->name,
			       call->file, call->thread, call->times);
		/* The last one has uses of its own. */
		for (k = 0; k < FUZZ_FIELDS; k++)
			if (k < nr_fields(op) || k == FUZZ_FIELDS - 1)
				at += snprintf(text + at, size - at, " %#llx", call->fields[k]);
		at += snprintf(text + at, size - at, "\n");
	}
	at += snprintf(text + at, size - at, "end\n");
	return at;
}

static bool read_call(char *line, struct fuzz_call *call)
{
	char name[32], *at;
	unsigned int op, file, thread, times, k, n;
	int used;

	if (sscanf(line, "%31s file=%u thread=%u times=%u%n", name, &file, &thread, &times,
		   &used) != 4)
		return false;
	for (op = 0; op < fuzz_nr_ops && strcmp(name, fuzz_ops[op].name); op++)
		;
	if (op == fuzz_nr_ops)
		return false;
	*call = (struct fuzz_call) {
		.op = op, .file = file, .thread = thread % FUZZ_THREADS,
		.times = times > FUZZ_TIMES ? FUZZ_TIMES : times,
	};
	n = nr_fields(&fuzz_ops[op]);
	for (k = 0, at = line + used; k < FUZZ_FIELDS; k++)
		if (k < n || k == FUZZ_FIELDS - 1)
			call->fields[k] = strtoull(at, &at, 0);
	return true;
}

/**
 * program_read() - from text
 * @f: where from. Calls that are not known any more are left out.
 * @p: where to.
 *
 * Return: has there been one?
 */
bool program_read(FILE *f, struct fuzz_program *p)
{
	char line[1024];
	bool inside = false;

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "program setup=%x fail=%u threads=%u seed=%llx", &p->setup,
			   &p->fail_nth, &p->threads, &p->seed) == 4) {
			inside = true;
			p->count = 0;
		} else if (inside && !strncmp(line, "end", 3)) {
			inside = false;
			if (p->count)
				return true;
		} else if (inside && p->count < FUZZ_CALLS &&
			   read_call(line, &p->calls[p->count])) {
			p->count++;
		}
	}
	return false;
}
