// SPDX-License-Identifier: GPL-2.0
/*
 * What it takes to boot Linux in a guest and power it off again, the VMM's own
 * beginning and end included.  "make bench" runs it, in a host of QEMU's icount.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "icount.h"

/* What KVM needs for the same guest, with a small VMM of its own: 0.97 to 0.99 s. */
#define LIMIT		970000000UL

#define REPETITIONS	2

static const char help[] =
	"linux_boot: the price of a guest's life\n"
	"\n"
	"usage: linux_boot VMM KERNEL INITRD\n"
	"\n"
	"One line: the nanoseconds from the start of VMM to its end, with a guest of\n"
	"one CPU that boots KERNEL, quiet, and has busybox in INITRD power it off.\n"
	"The better of two. With QEMU's icount these are instructions, and there it\n"
	"exits with 1 above 970,000,000; elsewhere it only prints.\n";

/* The VMM's exit status. */
static int boot(char **argv)
{
	int status, null = open("/dev/null", O_RDWR);
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (!pid) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		execl(argv[1], argv[1], "--kernel", argv[2], "--initrd", argv[3],
		      "--append", "quiet rdinit=/bin/busybox -- poweroff -f", NULL);
		_exit(127);
	}
	close(null);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(int argc, char **argv)
{
	u64 least = ~0UL;
	bool icount;
	int i;

	if (argc != 4) {
		bool asked = argc == 2 && !strcmp(argv[1], "--help");

		fputs(help, asked ? stdout : stderr);
		return asked ? 0 : 2;
	}
	for (i = 0; i < REPETITIONS; i++) {
		u64 start = icount_ns(), ns;
		int status = boot(argv);

		ns = icount_ns() - start;
		if (status) {
			fprintf(stderr, "linux_boot: %s has ended with %d\n", argv[1], status);
			return 1;
		}
		if (ns < least)
			least = ns;
	}
	icount = icount_is_on();
	printf("%-18s %llu %s\n", "linux_boot", least, icount ? "instructions" : "ns");
	if (icount && least > LIMIT) {
		fprintf(stderr, "linux_boot takes %llu instructions, the limit is %lu\n", least,
			LIMIT);
		return 1;
	}
	return 0;
}
