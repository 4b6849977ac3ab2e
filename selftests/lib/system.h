/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests ask of the host's memory management: files of numbers, swap, memory cgroups,
 * where pages are, allocations that fail.
 */
#ifndef SELFTEST_SYSTEM_H
#define SELFTEST_SYSTEM_H

#include <stdbool.h>
#include <sys/types.h>

#include "types.h"

/* 0 or -errno. */
int system_write(const char *path, const char *text);
int __printf(2, 3) system_printf(const char *path, const char *format, ...);
/* The number behind a word in a file of such lines, -1 for none. */
long system_value(const char *path, const char *key);
/* Has the kernel said that? As far back as its log goes. */
bool system_logged(const char *text);
bool kernel_at_least(int version, int patchlevel);
/* How many times slower the host may be than a quiet one: RIG_TIMEOUT_SCALE, at least 1. */
unsigned int system_scale(void);
/* The rig's debug kernel, which is built for the tests, and slow. */
bool system_is_debug(void);
/*
 * Before a test is skipped for what a kernel may lack: not the rig's debug kernel.  There the
 * test fails.
 */
void system_may_lack(const char *what);

/*
 * In main(): swap on a zram that is there and not used yet, and cgroups; both are gone when
 * the program is.
 */
void system_begin(void);

bool system_has_swap(void);

/* A memory cgroup of a test's own: false if there is none. @name is a test's own. */
bool cgroup_enter(const char *name);
int cgroup_write(const char *name, const char *file, const char *text);
long cgroup_read(const char *name, const char *file);
long cgroup_value(const char *name, const char *file, const char *key);
/* All of its processes are gone; the parent's is entered before that. */
int cgroup_remove(const char *name);
void cgroup_leave(void);

/* Number of the page behind an address, 0 for none. */
u64 page_frame(const void *addr);
/* How many of a range are in memory. */
u64 pages_present(const void *mem, u64 size);

/* Zeroed pages of the host's, at a multiple of @align. */
void *alloc_aligned(u64 size, u64 align);

/*
 * Allocations of this thread, which calls all three, that fail: of any size, also those that
 * may wait, and without a word in the log.  false: this kernel has no fault injection.
 */
bool faults_begin(void);
/* The next one but @n - 1. */
void faults_arm(unsigned long n);
/* How many were left until then; 0: it has failed. */
unsigned long faults_disarm(void);

#endif /* SELFTEST_SYSTEM_H */
