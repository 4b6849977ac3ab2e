// SPDX-License-Identifier: GPL-2.0
/*
 * What is reached in the module: KCOV, where the kernel has it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#define KCOV		"/sys/kernel/debug/kcov"
#define KCOV_INIT_TRACE	_IOR('c', 1, unsigned long)
#define KCOV_ENABLE	_IO('c', 100)
#define KCOV_DISABLE	_IO('c', 101)
#define KCOV_TRACE_PC	0
#define KCOV_SIZE	(128UL << 10)

/* A worker's: the threads of all the processes that it starts use them in turn. */
static struct {
	int fd;
	u64 *trace;
} kcov[FUZZ_THREADS];
static struct fuzz_cover *cover;
static u32 *useful;

/**
 * cover_module() - the module is loaded
 * @c: learns where.
 */
void cover_module(struct fuzz_cover *c)
{
	FILE *f = fopen("/sys/module/armvcpu/sections/.text", "re");

	if (!f)
		return;
	if (fscanf(f, "%llx", &c->text) != 1)
		c->text = 0;
	fclose(f);
}

/**
 * cover_open() - coverage for the threads of this process, and of its children
 * @c: what all have reached.
 * @threads: how many there may be.
 *
 * Return: is there any?
 */
bool cover_open(struct fuzz_cover *c, unsigned int threads)
{
	unsigned int i;

	cover = c;
	for (i = 0; i < threads; i++) {
		int fd = open(KCOV, O_RDWR | O_CLOEXEC);
		void *mem;

		kcov[i].fd = fd;
		if (fd < 0)
			return false;
		if (ioctl(fd, KCOV_INIT_TRACE, KCOV_SIZE))
			return false;
		mem = mmap(NULL, KCOV_SIZE * sizeof(u64), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   0);
		if (mem == MAP_FAILED)
			return false;
		kcov[i].trace = mem;
	}
	return true;
}

/**
 * cover_useful() - where cover_note() tells
 * @last: behind the last call that has reached something new; shared.
 */
void cover_useful(u32 *last)
{
	useful = last;
}

/**
 * cover_begin() - what this thread reaches, counts
 * @thread: its number.
 */
void cover_begin(unsigned int thread)
{
	if (!kcov[thread].trace)
		return;
	WRITE_ONCE(kcov[thread].trace[0], 0);
	ioctl(kcov[thread].fd, KCOV_ENABLE, KCOV_TRACE_PC);
}

/**
 * cover_end() - and no more
 * @thread: its number.
 */
void cover_end(unsigned int thread)
{
	if (kcov[thread].trace)
		ioctl(kcov[thread].fd, KCOV_DISABLE, 0);
}

/**
 * cover_look() - what has this thread reached since the last time?
 * @thread: its number.
 *
 * Return: places that nobody had reached before.
 */
u64 cover_look(unsigned int thread)
{
	u64 *trace = kcov[thread].trace, n = trace ? READ_ONCE(trace[0]) : 0, fresh = 0, offset, i;

	if (n >= KCOV_SIZE)
		n = KCOV_SIZE - 1;
	for (i = 1; i <= n; i++) {
		offset = trace[i] - cover->text;
		if (offset < FUZZ_MAX_TEXT && !READ_ONCE(cover->reached[offset / 4]) &&
		    !__atomic_exchange_n(&cover->reached[offset / 4], 1, __ATOMIC_RELAXED))
			fresh++;
	}
	if (trace)
		WRITE_ONCE(trace[0], 0);
	if (fresh)
		__atomic_fetch_add(&cover->points, fresh, __ATOMIC_RELAXED);
	return fresh;
}

/**
 * cover_note() - a call of a program is done
 * @thread: whose.
 * @call: which of the program's.
 */
void cover_note(unsigned int thread, unsigned int call)
{
	u32 last;

	if (!cover_look(thread) || !useful)
		return;
	last = READ_ONCE(*useful);
	while (last <= call && !__atomic_compare_exchange_n(useful, &last, call + 1, false,
							    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}
