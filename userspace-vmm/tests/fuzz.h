/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzzers share: an input is a list of steps, each of which takes as many bytes
 * as it needs. What is missing is zero, so that every input means something.
 */
#ifndef _VMM_TESTS_FUZZ_H
#define _VMM_TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Steps of an input. */
#define FUZZ_STEPS	400

#define EXPECT(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

struct fuzz {
	const u8 *data;
	size_t left;
};

static inline void fuzz_bytes(struct fuzz *in, void *buf, size_t len)
{
	size_t n = len < in->left ? len : in->left;

	memset(buf, 0, len);
	memcpy(buf, in->data, n);
	in->data += n;
	in->left -= n;
}

static inline u8 fuzz_u8(struct fuzz *in)
{
	u8 value;

	fuzz_bytes(in, &value, sizeof(value));
	return value;
}

static inline u16 fuzz_u16(struct fuzz *in)
{
	u16 value;

	fuzz_bytes(in, &value, sizeof(value));
	return value;
}

static inline u32 fuzz_u32(struct fuzz *in)
{
	u32 value;

	fuzz_bytes(in, &value, sizeof(value));
	return value;
}

static inline u64 fuzz_u64(struct fuzz *in)
{
	u64 value;

	fuzz_bytes(in, &value, sizeof(value));
	return value;
}

/* 1, 2, 4 or 8. */
static inline unsigned int fuzz_len(struct fuzz *in)
{
	return 1U << fuzz_u8(in) % 4;
}

/* What libFuzzer calls; in a program without it, fuzz-main.c. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/*
 * For fuzz-main.c: its inputs have @fuzz_input_size bytes at most; fuzz_shape() makes more
 * of some random ones than chance would.
 */
extern const size_t fuzz_input_size;
void fuzz_shape(u8 *data, u32 chance);

#endif /* _VMM_TESTS_FUZZ_H */
