/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is an instruction a nanosecond?  In a host of QEMU's icount it is.
 */
#ifndef SELFTEST_ICOUNT_H
#define SELFTEST_ICOUNT_H

#include <stdbool.h>

#include "types.h"

/* Nanoseconds; only differences mean anything. */
u64 icount_ns(void);

/*
 * A chain of divisions and one of additions take exactly one nanosecond per
 * instruction, both.
 */
bool icount_is_on(void);

#endif /* SELFTEST_ICOUNT_H */
