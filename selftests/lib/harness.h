/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kselftest_harness.h, with limits that follow the host: a test's are there to
 * end what hangs, and RIG_TIMEOUT_SCALE says how slow the host may be.
 */
#ifndef SELFTEST_HARNESS_H
#define SELFTEST_HARNESS_H

#include "kselftest_harness.h"

/* What main() returns, in place of TEST_HARNESS_MAIN. */
static inline int harness_run(int argc, char **argv)
{
	const char *scale = getenv("RIG_TIMEOUT_SCALE");
	struct __fixture_metadata *f;
	struct __test_metadata *t;

	for (f = __fixture_list; f && scale && atoi(scale) > 0; f = f->next)
		for (t = f->tests; t; t = t->next)
			t->timeout *= atoi(scale);
	return test_harness_run(argc, argv);
}

#endif /* SELFTEST_HARNESS_H */
