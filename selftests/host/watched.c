// SPDX-License-Identifier: GPL-2.0
/*
 * A program for debuggers: gdb has it in a guest (debugger.sh), and at the same time it
 * debugs itself in the host, by the same registers at the same addresses.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "types.h"

/* DBGBCR<n>_EL1 and DBGWCR<n>_EL1 as far as ptrace takes them. */
#define CTRL_EL0	(BIT(0) | 2 << 1)
#define CTRL_EXECUTE	(0xf << 5)
#define CTRL_STORE	(2 << 3 | 0xff << 5)

/* As in the kernel's struct user_hwdebug_state, of one register. */
struct hwdebug {
	u32 info;
	u32 pad;
	u64 addr;
	u32 ctrl;
	u32 pad2;
};

#define NR_COUNTS	8

u64 counter;
u64 looked_at = 7;

/* What is stopped at. */
static noinline void count(void)
{
	WRITE_ONCE(counter, READ_ONCE(counter) + 1);
}

/* A second at which nothing stops, with all that is set. */
static void spin(void)
{
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - start.tv_sec < 2 && (now.tv_sec == start.tv_sec ||
						   now.tv_nsec < start.tv_nsec));
}

static int count_some(void)
{
	int i;

	for (i = 0; i < NR_COUNTS; i++)
		count();
	spin();
	return READ_ONCE(looked_at) == 7 ? 0 : 1;
}

static void count_for_ever(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	for (;;) {
		count();
		/* gdb waits for that in the guest. */
		READ_ONCE(looked_at);
		usleep(100000);
	}
}

static void fail(const char *what)
{
	printf("watched: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void set(pid_t pid, int kind, const void *addr, u32 ctrl)
{
	struct hwdebug state = { .addr = (u64)addr, .ctrl = ctrl };
	struct iovec iov = { &state, sizeof(state) };

	if (ptrace(PTRACE_SETREGSET, pid, kind, &iov))
		fail("a debug register");
}

static void resume(pid_t pid, int request)
{
	int status;

	if (ptrace(request, pid, 0, 0) || waitpid(pid, &status, 0) != pid)
		fail("cannot go on");
	if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP)
		return;
	printf("watched: it did not stop for its debugger: status %x\n", status);
	exit(1);
}

/* Resumes it; it must stop at @addr next, for a debug register. */
static void expect(pid_t pid, const void *addr)
{
	siginfo_t info;

	resume(pid, PTRACE_CONT);
	if (ptrace(PTRACE_GETSIGINFO, pid, 0, &info))
		fail("no reason to stop");
	if (info.si_code != TRAP_HWBKPT || info.si_addr != addr) {
		printf("watched: stopped at %p (%d), not at %p\n", info.si_addr,
		       info.si_code, addr);
		exit(1);
	}
}

static u64 value_of(pid_t pid)
{
	errno = 0;
	return ptrace(PTRACE_PEEKDATA, pid, &counter, 0);
}

static sig_atomic_t enough;

static void stop(int sig)
{
	(void)sig;
	WRITE_ONCE(enough, 1);
}

/* Each call and each store stop it, once, in this order; nothing else does. */
static int watch(void)
{
	u64 hits = 0;
	pid_t pid;

	signal(SIGTERM, stop);
	pid = fork();
	if (!pid)
		count_for_ever();
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		fail("no process");
	while (!READ_ONCE(enough)) {
		set(pid, NT_ARM_HW_BREAK, count, CTRL_EL0 | CTRL_EXECUTE);
		expect(pid, count);
		set(pid, NT_ARM_HW_BREAK, count, 0);
		set(pid, NT_ARM_HW_WATCH, &counter, CTRL_EL0 | CTRL_STORE);
		expect(pid, &counter);
		if (value_of(pid) != hits)
			fail("stopped behind the store, or one was missed");
		set(pid, NT_ARM_HW_WATCH, &counter, 0);
		resume(pid, PTRACE_SINGLESTEP);
		hits++;
		if (value_of(pid) != hits)
			fail("one step, and no store");
	}
	kill(pid, SIGKILL);
	printf("watched: %llu of %llu\n", (unsigned long long)hits, (unsigned long long)hits);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return count_some();
	if (argc == 2 && !strcmp(argv[1], "--watch"))
		return watch();
	fputs("watched [--watch]\n"
	      "\n"
	      "Without an argument, counts to 8. With --watch, does so for ever and debugs\n"
	      "itself until SIGTERM; fails if anything but that stops it.\n", stderr);
	return 2;
}
