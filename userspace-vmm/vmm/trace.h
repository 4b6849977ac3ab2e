/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The exits to the VMM as lines of a file (--trace). Nothing in here needs a machine.
 */
#ifndef _VMM_TRACE_H
#define _VMM_TRACE_H

#include <pthread.h>
#include <linux/armvcpu.h>

#include "util.h"

/**
 * struct trace_exit - an exit, as much of it as a line shows
 * @ns: CLOCK_MONOTONIC.
 * @cpu: index of the vCPU.
 * @reason: ARMVCPU_EXIT_*.
 * @action: ARMVCPU_ACTION_*, if the VMM has decided already.
 * @pc: as in the run struct.
 * @esr: as in the run struct.
 * @far: as in the run struct.
 * @args: HYPERCALL, SMC: x1 to x3.
 * @u: by @reason, as in the run struct.
 */
struct trace_exit {
	u64 ns;
	u32 cpu;
	u32 reason;
	u32 action;
	u64 pc;
	u64 esr;
	u64 far;
	u64 args[3];
	union {
		struct armvcpu_exit_mmio mmio;
		struct armvcpu_exit_abort abort;
		struct armvcpu_exit_sysreg sysreg;
		struct armvcpu_exit_call call;
		struct armvcpu_exit_psci psci;
		struct armvcpu_exit_wfx wfx;
		struct armvcpu_exit_debug debug;
		struct armvcpu_exit_fail fail;
	} u;
};

/* Bytes of the longest line, its line feed and a NUL included. */
#define TRACE_LINE	256
/* Exits that are kept until they are written, all at once. */
#define TRACE_EXITS	1024
/* Lines, if nobody says otherwise: a hundred megabytes or so. */
#define TRACE_LIMIT	1000000

/**
 * struct trace - the file, and what is not in it yet
 * @path: its name.
 * @fd: the file, or -1: nothing is written any more.
 * @left: lines that may still come; ~0: any number.
 * @lock: guards all of it.
 * @count: how many of @exits there are.
 * @exits: those that are not written yet.
 */
struct trace {
	const char *path;
	int fd;
	u64 left;
	pthread_mutex_t lock;
	unsigned int count;
	struct trace_exit exits[TRACE_EXITS];
};

/* Creates or overwrites @path; dies if it cannot. A @limit of 0 is none. */
void trace_open(struct trace *trace, const char *path, u64 limit);

/* The exit that @run has: when it was, what it is. For trace_add(). */
void trace_fill(struct trace_exit *exit, u32 cpu, const struct armvcpu_run *run);

/* What the VMM has made of it: what was read, and its action. */
void trace_result(struct trace_exit *exit, const struct armvcpu_run *run);

/* From any thread. */
void trace_add(struct trace *trace, const struct trace_exit *exit);

/* Write what there is. Of errors the first one is told: it is the end. */
void trace_flush(struct trace *trace);

/* The line for @exit, into @buf of TRACE_LINE bytes; returns its length. */
size_t trace_line(char *buf, const struct trace_exit *exit);

#endif /* _VMM_TRACE_H */
