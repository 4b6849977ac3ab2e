// SPDX-License-Identifier: GPL-2.0
/*
 * Text: into a buffer, and messages, all of them on stderr: the guest's console has
 * stdout to itself. And what libc has not.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "util.h"
#include "vmm.h"

#define NSEC_PER_SEC	1000000000ULL

static bool verbose;

static void vsay(const char *fmt, va_list args)
{
	flockfile(stderr);
	fputs("armvcpu-vmm: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	fflush(stderr);
	funlockfile(stderr);
}

void warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsay(fmt, args);
	va_end(args);
}

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsay(fmt, args);
	va_end(args);
	exit(EXIT_SETUP);
}

void info(const char *fmt, ...)
{
	va_list args;

	if (!verbose)
		return;
	va_start(args, fmt);
	vsay(fmt, args);
	va_end(args);
}

void text_put(struct text *text, const char *fmt, ...)
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

/* A bucket of NOTE_BURST lines, refilled by one each second. */
static bool note_allowed(unsigned long *left_out)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static unsigned long suppressed;
	static u64 tokens = NOTE_BURST, refilled;
	u64 now = now_ns(), seconds;
	bool allowed;

	pthread_mutex_lock(&lock);
	seconds = (now - refilled) / NSEC_PER_SEC;
	refilled += seconds * NSEC_PER_SEC;
	tokens = seconds > NOTE_BURST - tokens ? NOTE_BURST : tokens + seconds;
	allowed = tokens > 0;
	*left_out = 0;
	if (allowed) {
		tokens--;
		*left_out = suppressed;
		suppressed = 0;
	} else {
		suppressed++;
	}
	pthread_mutex_unlock(&lock);
	return allowed;
}

void note(const char *fmt, ...)
{
	unsigned long left_out;
	va_list args;

	if (!verbose || !note_allowed(&left_out))
		return;
	if (left_out)
		warn("(%lu messages left out)", left_out);
	va_start(args, fmt);
	vsay(fmt, args);
	va_end(args);
}

void set_verbose(bool on)
{
	verbose = on;
}

bool is_verbose(void)
{
	return verbose;
}

/* What /proc knows of; false if it is not there. */
static bool close_known(int first)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!dir)
		return false;
	while ((entry = readdir(dir))) {
		/* 0 for what is no number. */
		int fd = atoi(entry->d_name);

		if (fd >= first && fd != dirfd(dir))
			close(fd);
	}
	closedir(dir);
	return true;
}

void close_from(int first)
{
	struct rlimit limit = { .rlim_cur = 1024 };
	int fd;

#ifdef SYS_close_range
	/* Since v5.9. */
	if (!syscall(SYS_close_range, first, ~0U, 0))
		return;
#endif
	if (close_known(first))
		return;
	getrlimit(RLIMIT_NOFILE, &limit);
	for (fd = first; fd < (int)limit.rlim_cur; fd++)
		close(fd);
}

u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}
