/* SPDX-License-Identifier: GPL-2.0 */
/*
 * virtio memory balloon (virtio 1.2, 5.5): what the guest does not need, the host
 * gets back.
 */
#ifndef _VMM_VIRTIO_BALLOON_H
#define _VMM_VIRTIO_BALLOON_H

#include <linux/virtio_balloon.h>

#include "virtio.h"

/* The unit of everything here, whatever pages host and guest have. */
#define BALLOON_PAGE	(4 * KIB)

/**
 * struct virtio_balloon - a balloon
 * @vdev: the device.
 * @config: its configuration space.
 * @discard: gives guest memory back to the host; NULL if that is not possible
 *	while the guest has it: then the balloon holds it and no more.
 * @host_page: what it can give back at once.
 * @held: a bit for each page of guest memory: it is in the balloon.
 * @num_held: how many are.
 */
struct virtio_balloon {
	struct virtio_device vdev;
	struct virtio_balloon_config config;
	void (*discard)(void *mem, u64 len);
	u64 host_page;
	unsigned long *held;
	u64 num_held;
};

/* @ram has its size already. Dies if there is no memory for it. */
void virtio_balloon_init(struct virtio_balloon *balloon,
			 const struct guest_ram *ram);

/*
 * @discard is called for multiples of @host_page, with what it shall give back.
 * Before the device works.
 */
void virtio_balloon_set_discard(struct virtio_balloon *balloon, u64 host_page,
				void (*discard)(void *mem, u64 len));

/* How much of its memory the guest shall do without. */
void virtio_balloon_set_target(struct virtio_balloon *balloon, u64 bytes);
u64 virtio_balloon_target(struct virtio_balloon *balloon);

/* How much that is now, by its own account. */
u64 virtio_balloon_actual(struct virtio_balloon *balloon);

#endif /* _VMM_VIRTIO_BALLOON_H */
