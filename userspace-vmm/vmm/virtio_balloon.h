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
 * @discard: gives guest memory back to the host: @len bytes from @offset on, counted
 *	from the beginning of memory; false if the host does not get it. NULL if that
 *	is not possible while the guest has it: then the balloon holds it and no more.
 * @opaque: for @discard.
 * @host_page: what it can give back at once.
 * @held: a bit for each page of guest memory: it is in the balloon.
 * @num_held: how many are.
 * @held_in: and how many of each host page; NULL if those are no larger.
 * @inflated: bytes that have gone back because they were in the balloon, also again.
 * @reported: bytes that have because they were free.
 */
struct virtio_balloon {
	struct virtio_device vdev;
	struct virtio_balloon_config config;
	bool (*discard)(void *opaque, u64 offset, u64 len);
	void *opaque;
	u64 host_page;
	unsigned long *held;
	u64 num_held;
	u32 *held_in;
	u64 inflated;
	u64 reported;
};

/* @ram has its size already. Dies if there is no memory for it. */
void virtio_balloon_init(struct virtio_balloon *balloon,
			 const struct guest_ram *ram);

/*
 * @discard is called for multiples of @host_page (a power of two, at least
 * BALLOON_PAGE), with what it shall give back: pages in the balloon, and with @reports
 * free ones. Before the device works.
 */
void virtio_balloon_set_discard(struct virtio_balloon *balloon, u64 host_page,
				bool reports,
				bool (*discard)(void *opaque, u64 offset,
						u64 len),
				void *opaque);

/* How much of its memory the guest shall do without. */
void virtio_balloon_set_target(struct virtio_balloon *balloon, u64 bytes);
u64 virtio_balloon_target(struct virtio_balloon *balloon);

/* How much that is now, by its own account. */
u64 virtio_balloon_actual(struct virtio_balloon *balloon);

/* How much the host has got back so far; a page may have gone more than once. */
void virtio_balloon_given_back(const struct virtio_balloon *balloon,
			       u64 *inflated, u64 *reported);

#endif /* _VMM_VIRTIO_BALLOON_H */
