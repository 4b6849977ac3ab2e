/* SPDX-License-Identifier: GPL-2.0 */
/*
 * virtio block device (virtio 1.2, 5.2): a disk in a file, raw, or a block device
 * of the host.
 */
#ifndef _VMM_VIRTIO_BLK_H
#define _VMM_VIRTIO_BLK_H

#include <linux/virtio_blk.h>

#include "virtio.h"

/**
 * struct virtio_blk - a disk
 * @vdev: the device.
 * @config: its configuration space.
 * @path: the file.
 * @fd: it, open.
 * @read_only: nothing is written to it.
 * @id: serial number, without a NUL if it is as long as that.
 */
struct virtio_blk {
	struct virtio_device vdev;
	struct virtio_blk_config config;
	const char *path;
	int fd;
	bool read_only;
	char id[VIRTIO_BLK_ID_BYTES];
};

/*
 * Opens @path and locks it: no other VMM may write to it. @id is what the guest
 * sees as its serial number; NULL for none. Dies if the file is no disk, or if it
 * cannot be written to and @read_only was not asked for.
 */
void virtio_blk_init(struct virtio_blk *blk, const struct guest_ram *ram,
		     const char *path, bool read_only, const char *id);

/* What virtio_blk_init() has opened; the I/O thread is gone. */
void virtio_blk_close(struct virtio_blk *blk);

#endif /* _VMM_VIRTIO_BLK_H */
