/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's memory: where it comes from, and how the host gets some of it back.
 */
#ifndef _VMM_RAM_H
#define _VMM_RAM_H

#include "vmm.h"

/**
 * struct ram - the guest's memory
 * @mem: where it is mapped: at a boundary of the largest page that can be behind it.
 * @size: its bytes.
 * @page: a page of what is behind it: less than that does not go back.
 * @fd: a file that is mapped shared, from its beginning; -1: memory of this process.
 * @path: that of the file, or of the directory that it is in; NULL: it has none.
 * @cpus: of the host, who share what there is to do for all of it.
 * @huge: @page is one of hugetlb, of which the host has a pool.
 * @prealloc: all of it is there before the guest starts.
 */
struct ram {
	char *mem;
	u64 size;
	u64 page;
	int fd;
	const char *path;
	unsigned int cpus;
	bool huge;
	bool prealloc;
};

/*
 * Map config->mem bytes of what the command line wants. They are zero, but for those
 * that a file had before. Dies if it cannot.
 */
void ram_open(struct ram *ram, const struct config *config);

/* With @prealloc, get all of its pages. Dies if it cannot. */
void ram_prealloc(const struct ram *ram);

/* Write to the first byte of each page, which stays what it is; from @mem. */
void ram_touch(char *mem, u64 len, u64 page);

/*
 * From now on a page that the host cannot provide ends the program with @status and a
 * message, not with SIGBUS. One @ram at a time.
 */
void ram_guard(const struct ram *ram, int status);

/* Whether ram_discard() would do something. */
bool ram_can_discard(const struct ram *ram);

/*
 * The host gets @len bytes back, both multiples of @page; who touches them next finds
 * zeroes. Returns a negative errno.
 */
int ram_discard(const struct ram *ram, u64 offset, u64 len);

/* All of it is zero then. Nobody else uses it. Returns a negative errno. */
int ram_clear(struct ram *ram);

/* How much of it is in the host's memory now. */
u64 ram_resident(const struct ram *ram);

void ram_close(struct ram *ram);

#endif /* _VMM_RAM_H */
