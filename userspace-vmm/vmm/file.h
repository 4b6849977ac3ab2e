/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files that go into the guest. Whatever is wrong with them ends the program
 * with a message.
 */
#ifndef _VMM_FILE_H
#define _VMM_FILE_H

#include "util.h"

struct file {
	const char *path;
	int fd;
	u64 size;
};

/* A regular file that is not empty. */
void file_open(struct file *file, const char *path);

/* Exactly @size bytes from @offset. */
void file_read(const struct file *file, u64 offset, void *buf, u64 size);

void file_close(struct file *file);

/* Create or overwrite @path. */
void file_save(const char *path, const void *buf, size_t size);

#endif /* _VMM_FILE_H */
