/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kselftest_harness.h, with limits that follow the host: a test's are there to
 * end what hangs, and RIG_TIMEOUT_SCALE says how slow the host may be. TEST and VARIANT are
 * parts of the names of those tests, and variants, that shall run alone.
 */
#ifndef SELFTEST_HARNESS_H
#define SELFTEST_HARNESS_H

#include "kselftest_harness.h"
#include "system.h"

/* Only those whose name has a text in it. */
static inline struct __test_metadata *harness_tests(struct __test_metadata *t, const char *text)
{
	struct __test_metadata *next;

	if (!t)
		return NULL;
	next = harness_tests(t->next, text);
	if (!strstr(t->name, text))
		return next;
	t->next = next;
	return t;
}

static inline struct __fixture_variant_metadata *
harness_variants(struct __fixture_variant_metadata *v, const char *text)
{
	struct __fixture_variant_metadata *next;

	if (!v)
		return NULL;
	next = harness_variants(v->next, text);
	if (!strstr(v->name, text))
		return next;
	v->next = next;
	return v;
}

/* What main() returns, in place of TEST_HARNESS_MAIN. */
static inline int harness_run(int argc, char **argv)
{
	const char *test = getenv("TEST"), *variant = getenv("VARIANT");
	struct __fixture_metadata *f;
	struct __test_metadata *t;

	for (f = __fixture_list; f; f = f->next)
		for (t = f->tests; t; t = t->next)
			t->timeout *= system_scale();
	for (f = __fixture_list; f; f = f->next) {
		if (test)
			f->tests = harness_tests(f->tests, test);
		if (!variant)
			continue;
		f->variant = harness_variants(f->variant, variant);
		if (!f->variant)
			f->tests = NULL;
	}
	return test_harness_run(argc, argv);
}

#endif /* SELFTEST_HARNESS_H */
