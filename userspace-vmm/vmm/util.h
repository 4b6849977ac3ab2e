/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every file of the VMM uses: short types, messages, arithmetic.
 */
#ifndef _VMM_UTIL_H
#define _VMM_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;

#define __attr(a)	__attribute__((a))
#define __printf(a, b)	__attr(__format__(printf, a, b))
#define __noreturn	__attr(__noreturn__)
#define __aligned(n)	__attr(__aligned__(n))

#define KIB		1024ULL
#define MIB		(1024 * KIB)
#define GIB		(1024 * MIB)

#define BIT(n)		(1U << (n))

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

/* @align is a power of two; the caller knows that @value is not near 2^64. */
static inline u64 align_up(u64 value, u64 align)
{
	return (value + align - 1) & ~(align - 1);
}

/* A mask of the low @len bytes, 1 to 8. */
static inline u64 len_mask(unsigned int len)
{
	return len >= 8 ? ~0ULL : (1ULL << len * 8) - 1;
}

/* One line on stderr, with the program's name before it. */
void warn(const char *fmt, ...) __printf(1, 2);

/* warn(), then exit with EXIT_SETUP. */
void die(const char *fmt, ...) __printf(1, 2) __noreturn;

/* With --verbose: a line about what the VMM does. */
void info(const char *fmt, ...) __printf(1, 2);

/*
 * With --verbose: a line about what the guest does. The guest decides how often
 * this is called, so it may print NOTE_BURST lines and then one a second; the
 * number of lines left out is told.
 */
#define NOTE_BURST	32
void note(const char *fmt, ...) __printf(1, 2);

/*
 * Text in a buffer of @size bytes, of which @len are used; there is always a 0 behind
 * it. What does not fit is left out.
 */
struct text {
	char *buf;
	size_t size;
	size_t len;
};

void text_put(struct text *text, const char *fmt, ...) __printf(2, 3);

void set_verbose(bool on);
bool is_verbose(void);

/* Closes what is open, from descriptor @first on, which is not 0. */
void close_from(int first);

/* Nanoseconds of CLOCK_MONOTONIC. */
u64 now_ns(void);

#endif /* _VMM_UTIL_H */
