/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the VMM gives up before its guest runs, so that a guest that gets into the VMM
 * gets no further: root's user, capabilities, the file system, and with them all system
 * calls that it does not need any more.
 *
 * All of its threads are alike in this. They share their memory, therefore whoever has
 * one of them has all of them.
 */
#ifndef _VMM_SANDBOX_H
#define _VMM_SANDBOX_H

#include "vmm.h"

/* In this order, each once; with --sandbox off none of them does anything. */

/* Before memory, files and threads. Dies if --user makes no sense. */
void sandbox_begin(const struct config *config);

/**
 * struct sandbox_limits - what the VMM takes of its host from here on
 * @locked: bytes of memory that may be locked, 0: as it is (RLIMIT_MEMLOCK).
 * @file_size: bytes that a file may have that is written to, ~0: any (RLIMIT_FSIZE).
 */
struct sandbox_limits {
	u64 locked;
	u64 file_size;
};

/*
 * Everything is open: another user, no capabilities, an empty root, limits. Before threads
 * are started, since each has its own.
 */
void sandbox_drop(const struct config *config, const struct sandbox_limits *limits);

/* Everything runs but the guest: the filter for system calls, in all threads. */
void sandbox_seal(const struct config *config);

/* Nothing can be opened by name any more, but by opener_open(). */
bool sandbox_sealed(void);

/* ---- filter.c, or filter_none.c without libseccomp ---- */

/* NULL, or why there cannot be one. */
const char *filter_missing(void);

/* NULL, or why there is none: a filter that refuses all else with SIGSYS. */
const char *filter_install(const struct config *config);

#endif /* _VMM_SANDBOX_H */
