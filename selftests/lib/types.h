/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's short names of types and attributes. */
#ifndef SELFTEST_TYPES_H
#define SELFTEST_TYPES_H

#ifdef __ASSEMBLY__

#define BIT(n)		(1 << (n))

#else

#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;

/* What another thread, the guest, or an interrupt changes. */
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value)	__atomic_store_n(&(x), (value), __ATOMIC_RELAXED)

#define BIT(n)		(1UL << (n))

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

/* What the kernel has in compiler_attributes.h. */
#define __aligned(n)		__attribute__(( \
	__aligned__(n)))
#define __noreturn		__attribute__(( \
	__noreturn__))
#define noinline		__attribute__(( \
	__noinline__))
#define __used			__attribute__(( \
	__used__))
#define __printf(fmt, args)	__attribute__(( \
	__format__(printf, fmt, args)))

#endif /* __ASSEMBLY__ */
#endif /* SELFTEST_TYPES_H */
