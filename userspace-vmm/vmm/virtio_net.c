// SPDX-License-Identifier: GPL-2.0
/*
 * virtio network device (virtio 1.2, 5.1): one pair of queues, and no control
 * queue, so it hands everything on that it receives.
 *
 * Nothing is lost for want of time: as long as the driver has no buffers for the
 * next frame, no other one is taken from the backend, and as long as the backend
 * takes none, no other one is taken from the driver. A frame that cannot be right
 * is dropped, a chain that cannot be right stops the queue.
 */
#include <errno.h>
#include <string.h>

#include "virtio_net.h"

/* Frames of the time before the driver was there. */
#define STALE_MAX	1024

static struct virtio_net *to_card(struct virtio_device *vdev)
{
	return container_of(vdev, struct virtio_net, vdev);
}

/* ---- Frames for the driver --------------------------------------------- */

static bool is_vlan(const u8 *frame)
{
	u16 type = frame[2 * ETH_ALEN] << 8 | frame[2 * ETH_ALEN + 1];

	return type == ETH_P_8021Q || type == ETH_P_8021AD;
}

/* 5.1.4.1: with VIRTIO_NET_F_MTU nothing longer is passed on in one piece. */
static bool is_too_long(const struct virtio_net *card)
{
	size_t max = card->config.mtu + ETH_HLEN;

	if (!virtio_has_feature(&card->vdev, VIRTIO_NET_F_MTU) ||
	    card->hdr.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return false;
	return card->frame_len > max + (is_vlan(card->frame) ? 4 : 0);
}

/* False if there is none. */
static bool next_frame(struct virtio_net *card)
{
	ssize_t len;

	len = card->net->ops->receive(card->net, &card->hdr, card->frame);
	if (len < 0)
		return false;
	card->frame_len = len;
	if (len >= ETH_HLEN && !is_too_long(card))
		return true;
	/* The next turn finds the next one. */
	card->frame_len = 0;
	card->rx_dropped++;
	return true;
}

static void drop_frame(struct virtio_net *card)
{
	card->frame_len = 0;
	card->rx_dropped++;
	note("virtio-net at 0x%llx: no buffers fit a frame for the guest, it is dropped",
	     card->vdev.dev.base);
}

/* Where the byte at @offset of what is left to write will be; it is in there. */
static u8 *byte_at(const struct virtq_chain *chain, size_t offset)
{
	const struct iovec *iov = chain->in;

	while (offset >= iov->iov_len)
		offset -= iov++->iov_len;
	return (u8 *)iov->iov_base + offset;
}

/* Header and frame, from @done bytes on, as much as fits. */
static size_t write_part(struct virtio_net *card, size_t done)
{
	const size_t hdr_len = sizeof(card->hdr);
	size_t n = 0;

	if (!done)
		n = virtq_write(&card->chain, &card->hdr, hdr_len);
	return n + virtq_write(&card->chain, card->frame + done + n - hdr_len,
			       card->frame_len + hdr_len - done - n);
}

enum delivery {
	DELIVERED,	/* or dropped: the frame is done */
	STARVED,	/* more buffers are needed; the driver will tell */
	RETRY,		/* some more have come in the meantime */
	STOPPED,	/* the queue has failed */
};

/*
 * All buffers together are too small. Event index and flags are for what comes
 * behind the buffers that were taken: those the driver has told of.
 */
static enum delivery give_up(struct virtio_net *card, struct virtqueue *vq,
			     unsigned int count)
{
	bool more = virtq_enable_kick(vq);
	unsigned int i;

	for (i = 0; i < count; i++)
		virtq_unpop(vq);
	if (count < vq->num)
		return more ? RETRY : STARVED;
	/* The queue is full of them; more cannot come. */
	drop_frame(card);
	return DELIVERED;
}

/* 5.1.6.3.1, 5.1.6.4: each buffer has room for the header at least. */
static const char *bad_buffer(const struct virtq_chain *chain)
{
	if (chain->num_out)
		return "a buffer to receive into is one to read";
	if (chain->in_len < sizeof(struct virtio_net_hdr_v1))
		return "a buffer has no room for a header";
	return NULL;
}

/* 5.1.6.4: the header is in the first buffer and has the number of them. */
static enum delivery deliver(struct virtio_net *card, struct virtqueue *vq)
{
	const bool mergeable = virtio_has_feature(&card->vdev,
						  VIRTIO_NET_F_MRG_RXBUF);
	const size_t total = sizeof(card->hdr) + card->frame_len;
	struct virtq_chain *chain = &card->chain;
	u8 *low = NULL, *high = NULL;
	size_t done = 0, part;
	const char *wrong;
	u16 count = 0;

	card->hdr.num_buffers = 1;
	do {
		if (!virtq_pop(vq, chain))
			return vq->running ? give_up(card, vq, count) : STOPPED;
		wrong = bad_buffer(chain);
		if (wrong) {
			virtq_fail(vq, wrong);
			return STOPPED;
		}
		if (!mergeable && chain->in_len < total) {
			virtq_unpop(vq);
			drop_frame(card);
			return DELIVERED;
		}
		if (!count) {
			part = offsetof(struct virtio_net_hdr_v1, num_buffers);
			low = byte_at(chain, part);
			high = byte_at(chain, part + 1);
		}
		part = write_part(card, done);
		virtq_fill(vq, count++, chain->head, part);
		done += part;
	} while (done < total);
	*low = count;
	*high = count >> 8;
	virtq_publish(vq, count);
	card->frame_len = 0;
	return DELIVERED;
}

static void handle_rx(struct virtio_net *card, struct virtqueue *vq)
{
	enum delivery result = DELIVERED;
	unsigned int left;

	card->starved = false;
	virtq_disable_kick(vq);
	for (left = vq->num; left && !virtio_stopping(&card->vdev); left--) {
		if (!card->frame_len && !next_frame(card))
			break;
		if (card->frame_len)
			result = deliver(card, vq);
		if (result == STARVED || result == STOPPED)
			break;
	}
	card->starved = result == STARVED;
	virtq_notify(vq);
}

/* ---- Frames of the driver ---------------------------------------------- */

/* 5.1.6.2.1: what the driver may ask for, of what it has agreed to. */
static bool is_good_header(const struct virtio_net *card,
			   const struct virtio_net_hdr_v1 *hdr)
{
	const struct virtio_device *vdev = &card->vdev;

	if (hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	    !virtio_has_feature(vdev, VIRTIO_NET_F_CSUM))
		return false;
	if (hdr->gso_type & VIRTIO_NET_HDR_GSO_ECN &&
	    !virtio_has_feature(vdev, VIRTIO_NET_F_HOST_ECN))
		return false;
	switch (hdr->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return hdr->gso_type == VIRTIO_NET_HDR_GSO_NONE;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return virtio_has_feature(vdev, VIRTIO_NET_F_HOST_TSO4);
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return virtio_has_feature(vdev, VIRTIO_NET_F_HOST_TSO6);
	}
	return false;
}

/* 0, or -EAGAIN: again, later; or another error: the queue has failed. */
static int transmit(struct virtio_net *card, struct virtqueue *vq,
		    struct virtq_chain *chain)
{
	struct virtio_net_hdr_v1 hdr;
	int err;

	if (chain->num_in) {
		virtq_fail(vq, "a buffer to send is one to write");
		return -EINVAL;
	}
	if (virtq_read(chain, &hdr, sizeof(hdr)) < sizeof(hdr)) {
		virtq_fail(vq, "a frame has no header");
		return -EINVAL;
	}
	/* 5.1.6.2.2: the device ignores the other flags; the host need not see them. */
	hdr.flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
	hdr.num_buffers = 0;
	err = -EINVAL;
	if (chain->out_len >= ETH_HLEN && chain->out_len <= NET_FRAME_MAX &&
	    is_good_header(card, &hdr))
		err = card->net->ops->send(card->net, &hdr, chain->out,
					   chain->num_out);
	if (err && err != -EAGAIN) {
		note("virtio-net at 0x%llx: a frame of %llu bytes is dropped: %s",
		     card->vdev.dev.base, chain->out_len, strerror(-err));
		card->tx_dropped++;
		err = 0;
	}
	return err;
}

static void handle_tx(struct virtio_net *card, struct virtqueue *vq)
{
	struct virtio_device *vdev = &card->vdev;
	struct virtq_chain *chain = &vq->chain;
	unsigned int left = vq->num;
	int err = 0;

	do {
		virtq_disable_kick(vq);
		while (left && !virtio_stopping(vdev) &&
		       virtq_pop(vq, chain)) {
			err = transmit(card, vq, chain);
			if (err)
				break;
			virtq_push(vq, chain, 0);
			left--;
		}
	} while (!err && virtq_enable_kick(vq) && left &&
		 !virtio_stopping(vdev));

	card->full = err == -EAGAIN;
	if (card->full)
		virtq_unpop(vq);
	virtq_notify(vq);
	/* The other queue and the backend have their turn first. */
	if (!err && !left && virtq_pending(vq))
		virtio_kick(vdev);
}

/* ---- The device -------------------------------------------------------- */

static void net_handle(struct virtio_device *vdev, struct virtqueue *vq)
{
	if (vq->index == VIRTIO_NET_RX)
		handle_rx(to_card(vdev), vq);
	else
		handle_tx(to_card(vdev), vq);
}

static unsigned int net_prepare(struct virtio_device *vdev,
				struct pollfd *pfds, unsigned int max,
				int *timeout)
{
	struct virtio_net *card = to_card(vdev);
	struct net_poll poll = { .fds = pfds, .max = max, .timeout = *timeout };
	unsigned int want = 0;

	if (vdev->queues[VIRTIO_NET_RX].running && !card->starved) {
		want |= NET_WANT_RECEIVE;
		if (card->frame_len)
			net_poll_within(&poll, 0);
	}
	if (card->full)
		want |= NET_WANT_SEND;
	card->net->ops->prepare(card->net, &poll, want);
	*timeout = poll.timeout;
	return poll.count;
}

static void net_polled(struct virtio_device *vdev, struct pollfd *pfds,
		       unsigned int count)
{
	struct virtio_net *card = to_card(vdev);
	struct net_poll poll = { .fds = pfds, .count = count, .max = count };
	const u16 no_link = 0;

	card->net->ops->dispatch(card->net, &poll);
	if (card->net->gone)
		virtio_set_config(vdev, &card->config.status, &no_link,
				  sizeof(no_link));
}

static void net_reset(struct virtio_device *vdev)
{
	struct virtio_net *card = to_card(vdev);

	card->starved = false;
	card->full = false;
	card->frame_len = 0;
	card->net->ops->offload(card->net, 0);
}

static void net_driver_ok(struct virtio_device *vdev)
{
	struct virtio_net *card = to_card(vdev);
	struct net *net = card->net;
	unsigned int i;

	/* Not for this driver, and not with the offloads it has agreed to. */
	for (i = 0; i < STALE_MAX; i++) {
		if (net->ops->receive(net, &card->hdr, card->frame) < 0)
			break;
	}
	net->ops->offload(net, vdev->driver_features & net->features);
}

static const struct virtio_ops net_ops = {
	.name = "virtio-net",
	.id = VIRTIO_ID_NET,
	.num_queues = 2,
	.handle = net_handle,
	.reset = net_reset,
	.driver_ok = net_driver_ok,
	.prepare = net_prepare,
	.polled = net_polled,
};

void virtio_net_init(struct virtio_net *card, const struct guest_ram *ram,
		     struct net *net, const u8 *mac)
{
	const u64 features = VIRTIO_BIT(VIRTIO_NET_F_MAC) |
			     VIRTIO_BIT(VIRTIO_NET_F_STATUS) |
			     VIRTIO_BIT(VIRTIO_NET_F_MTU) |
			     VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF);

	memset(card, 0, sizeof(*card));
	card->net = net;
	memcpy(card->config.mac, mac, ETH_ALEN);
	card->config.status = VIRTIO_NET_S_LINK_UP;
	/* Without VIRTIO_NET_F_MQ there is one, and nobody reads it. */
	card->config.max_virtqueue_pairs = 1;
	card->config.mtu = net->mtu;
	virtio_init(&card->vdev, &net_ops, ram, features | net->features,
		    &card->config, VIRTIO_NET_CONFIG_SIZE);
}
