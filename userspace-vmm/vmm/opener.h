/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files that the VMM reads again after it has given up the right to open any: those of the
 * guest that a reset loads anew, and the host's name servers. A process of its own opens
 * them, which keeps what rights the VMM was started with and knows no other names.
 */
#ifndef _VMM_OPENER_H
#define _VMM_OPENER_H

/* The host's name servers. Who asks for these gets a copy, see opener.c. */
#define RESOLV_CONF	"/etc/resolv.conf"

/* Names that it can know. */
#define OPENER_MAX	8

/*
 * Starts it for @count of @paths, which stay the caller's; NULLs are left out. Before the
 * first thread, and before anything is open that it shall not have. Dies if it cannot.
 */
void opener_start(const char *const *paths, unsigned int count);

/*
 * Opens @path for reading: a descriptor, or a negative errno; without opener_start(), or
 * for a name that it does not know, as open() does, or -EACCES once the filter is there.
 * Keeps errno, takes no lock of stdio's or malloc's, so it is fit for a signal handler.
 */
int opener_open(const char *path);

/* The socket's end of this process, or -1. */
int opener_fd(void);

#endif /* _VMM_OPENER_H */
