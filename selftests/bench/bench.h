/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the benchmark share. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <sys/ioctl.h>

#include "backend.h"
#include "types.h"

/* Ends the program; names the row that was under way. */
void __noreturn __printf(1, 2) bench_die(const char *format, ...);

/* What a system call has returned, unless it failed. */
static inline int checked(int ret, const char *what)
{
	if (ret < 0)
		bench_die("%s: %m", what);
	return ret;
}

#define do_ioctl(fd, request, arg) \
	checked(ioctl(fd, request, (unsigned long)(arg)), #request)

/**
 * struct boot_files - what Linux boots from
 * @kernel: an arm64 Image.
 * @initrd: with /bin/busybox in it.
 * @vmm: armvcpu-vmm, or NULL.
 */
struct boot_files {
	const char *kernel;
	const char *initrd;
	const char *vmm;
};

/* A guest's whole life in this process: until it has powered off and all is gone. */
void boot_linux(const struct backend *be, const struct boot_files *files);

#endif /* BENCH_BENCH_H */
