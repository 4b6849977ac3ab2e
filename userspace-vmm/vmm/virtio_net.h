/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMM_VIRTIO_NET_H
#define _VMM_VIRTIO_NET_H

#include "net.h"
#include "virtio.h"

#define VIRTIO_NET_RX	0
#define VIRTIO_NET_TX	1

/* Up to and with the MTU; nothing that lies behind it is offered. */
#define VIRTIO_NET_CONFIG_SIZE	offsetof(struct virtio_net_config, speed)

/**
 * struct virtio_net - a network card
 * @vdev: the device.
 * @config: its configuration space.
 * @net: where frames go to and come from.
 * @starved: the driver has to provide buffers before anything can be received.
 * @full: @net takes no frame at the moment.
 * @frame_len: length of the frame in @frame, which waits for buffers; or 0.
 * @hdr: its header.
 * @frame: its bytes.
 * @chain: the buffer that is being filled.
 * @rx_dropped: frames that did not fit into any buffers.
 * @tx_dropped: frames that were no frames, or that nobody took.
 *
 * All but @vdev is the I/O thread's, or of who keeps it from running.
 */
struct virtio_net {
	struct virtio_device vdev;
	struct virtio_net_config config;
	struct net *net;
	bool starved;
	bool full;
	size_t frame_len;
	struct virtio_net_hdr_v1 hdr;
	u8 frame[NET_FRAME_MAX];
	struct virtq_chain chain;
	u64 rx_dropped;
	u64 tx_dropped;
};

/* @mac is copied. */
void virtio_net_init(struct virtio_net *card, const struct guest_ram *ram,
		     struct net *net, const u8 *mac);

#endif /* _VMM_VIRTIO_NET_H */
