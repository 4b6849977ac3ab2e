/* SPDX-License-Identifier: GPL-2.0 */
/*
 * virtio entropy device (virtio 1.2, 5.4): the host's random numbers.
 */
#ifndef _VMM_VIRTIO_RNG_H
#define _VMM_VIRTIO_RNG_H

#include "virtio.h"

struct virtio_rng {
	struct virtio_device vdev;
};

void virtio_rng_init(struct virtio_rng *rng, const struct guest_ram *ram);

#endif /* _VMM_VIRTIO_RNG_H */
