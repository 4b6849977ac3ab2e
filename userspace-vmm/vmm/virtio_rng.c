// SPDX-License-Identifier: GPL-2.0
/*
 * virtio entropy device (virtio 1.2, 5.4). A request gets as much as the kernel
 * gives at once and no more than RNG_MAX, whatever its size: the driver asks
 * again, and nobody makes the host produce gigabytes.
 */
#include <sys/random.h>
#include <string.h>

#include "virtio_rng.h"

#define RNG_MAX	4096

static s64 rng_request(struct virtqueue *vq, struct virtq_chain *chain)
{
	u8 buf[RNG_MAX];
	ssize_t n;

	/* 5.4.6.1: the driver must not ask in another way. */
	if (chain->num_out || !chain->num_in) {
		virtq_fail(vq, "a request has something to read");
		return -1;
	}
	n = getrandom(buf, chain->in_len < RNG_MAX ? chain->in_len : RNG_MAX, 0);
	if (n <= 0) {
		virtq_fail(vq, "the host has no random numbers");
		return -1;
	}
	virtq_write(chain, buf, n);
	/* They are the guest's alone. */
	explicit_bzero(buf, n);
	return n;
}

static void rng_handle(struct virtio_device *vdev, struct virtqueue *vq)
{
	(void)vdev;
	virtq_serve(vq, rng_request);
}

static const struct virtio_ops rng_ops = {
	.name = "virtio-rng",
	.id = VIRTIO_ID_RNG,
	.num_queues = 1,
	.handle = rng_handle,
};

void virtio_rng_init(struct virtio_rng *rng, const struct guest_ram *ram)
{
	virtio_init(&rng->vdev, &rng_ops, ram, 0, NULL, 0);
}
