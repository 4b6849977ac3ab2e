// SPDX-License-Identifier: GPL-2.0
/*
 * Files that go into the guest.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "opener.h"

void file_open(struct file *file, const char *path)
{
	struct stat st;

	file->path = path;
	file->fd = opener_open(path);
	if (file->fd < 0)
		die("%s: %s", path, strerror(-file->fd));
	if (fstat(file->fd, &st))
		die("%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		die("%s: not a regular file", path);
	if (!st.st_size)
		die("%s: the file is empty", path);
	file->size = st.st_size;
}

void file_read(const struct file *file, u64 offset, void *buf, u64 size)
{
	char *p = buf;

	while (size) {
		ssize_t n = pread(file->fd, p, size, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EFAULT)
			die("%s: no memory for it: is the file system of --mem-path full?",
			    file->path);
		if (n < 0)
			die("%s: %s", file->path, strerror(errno));
		if (!n)
			die("%s: the file is shorter than it was",
			    file->path);
		p += n;
		offset += n;
		size -= n;
	}
}

void file_close(struct file *file)
{
	close(file->fd);
	file->fd = -1;
}

void file_save(const char *path, const void *buf, size_t size)
{
	FILE *f = fopen(path, "we");

	if (!f)
		die("%s: %s", path, strerror(errno));
	if (fwrite(buf, 1, size, f) != size || fclose(f))
		die("%s: %s", path, strerror(errno));
}
