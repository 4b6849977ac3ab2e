/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the VMM share. vmm-test.sh needs more than busybox gives it,
 * and has it from the one program that it takes along: unit.
 */
#ifndef _VMM_TESTS_HELPER_H
#define _VMM_TESTS_HELPER_H

#include <stdio.h>

#include "util.h"

/* Of the test that runs. */
extern bool failed;

#define CHECK(cond) \
	do { \
		if (!(cond)) { \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond); \
			failed = true; \
		} \
	} while (0)

/* unit.c: one test; what it was is told behind it, as a line of TAP. */
void test_begin(void);
void test_end(const char *name);
/* The test that runs cannot be done here; until its end. */
void test_skip(const char *why);

/* virtio.c, virtio-dev.c */
void virtio_tests(void);
void virtio_dev_tests(void);
/* balloon.c */
void balloon_tests(void);
/* ram.c */
void ram_tests(void);
/* net.c */
void net_tests(void);
/* watch.c */
void watch_tests(void);
/* sandbox.c */
void sandbox_tests(void);
/* insn.c */
void insn_tests(void);

/* helper.c: "NAME ARGUMENT..."; returns an exit status. */
int helper_main(char **argv);

/* pty.c: "VMM MONITOR", the VMM at a terminal. Prints TAP without numbers. */
int pty_main(char **argv);

#endif /* _VMM_TESTS_HELPER_H */
