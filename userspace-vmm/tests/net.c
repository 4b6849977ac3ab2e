// SPDX-License-Identifier: GPL-2.0
/*
 * The network card, with a wire whose other end is the test; then the words of
 * --net.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "driver.h"
#include "helper.h"
#include "net-test.h"
#include "virtio_net.h"

#define RX	VIRTIO_NET_RX
#define TX	VIRTIO_NET_TX

#define F(name)	VIRTIO_BIT(VIRTIO_NET_F_##name)
#define HDR	sizeof(struct virtio_net_hdr_v1)

#define OFFLOADS (F(CSUM) | F(HOST_TSO4) | F(HOST_TSO6) | F(HOST_ECN) | \
		  F(GUEST_CSUM) | F(GUEST_TSO4) | F(GUEST_TSO6) | F(GUEST_ECN))

static struct virtio_net card;
static const u8 mac[] = { 0x52, 0x54, 0, 1, 2, 3 };

/* ---- Turns ------------------------------------------------------------- */

static struct {
	struct pollfd pfds[VIRTIO_POLL_FDS];
	unsigned int count;
	int timeout;
} turn;

void net_turn_reset(void)
{
	turn.count = 0;
	turn.timeout = 0;
}

unsigned int net_turn_files(void)
{
	return turn.count;
}

int net_turn_timeout(void)
{
	return turn.timeout;
}

void net_turn(struct virtio_device *vdev, int ms)
{
	if (turn.timeout >= 0 && turn.timeout < ms)
		ms = turn.timeout;
	if (poll(turn.pfds, turn.count, ms) < 0)
		turn.count = 0;
	turn.count = virtio_turn(vdev, turn.pfds, turn.count, VIRTIO_POLL_FDS,
				 &turn.timeout);
}

/* ---- A wire ------------------------------------------------------------ */

static struct wire {
	struct net net;
	/* A message is a header and a frame. */
	int fd;
	int peer;
	u64 offloads;
	unsigned int want;
	/* While a frame is sent, or NULL. */
	void (*sending)(void);
} wire;

static void wire_offload(struct net *net, u64 features)
{
	(void)net;
	wire.offloads = features;
}

static void wire_prepare(struct net *net, struct net_poll *poll,
			 unsigned int want)
{
	short events = 0;

	(void)net;
	wire.want = want;
	if (want & NET_WANT_RECEIVE)
		events |= POLLIN;
	if (want & NET_WANT_SEND)
		events |= POLLOUT;
	net_poll_add(poll, wire.fd, events);
}

static void wire_dispatch(struct net *net, struct net_poll *poll)
{
	if (poll->count && poll->fds[0].revents & POLLHUP)
		net->gone = true;
}

static int wire_send(struct net *net, const struct virtio_net_hdr_v1 *hdr,
		     const struct iovec *iov, unsigned int count)
{
	struct iovec all[VIRTQ_MAX_SIZE + 1];
	struct msghdr msg = { .msg_iov = all, .msg_iovlen = count + 1 };

	(void)net;
	all[0].iov_base = (void *)hdr;
	all[0].iov_len = HDR;
	memcpy(all + 1, iov, count * sizeof(*iov));
	if (wire.sending)
		wire.sending();
	return sendmsg(wire.fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static ssize_t wire_receive(struct net *net, struct virtio_net_hdr_v1 *hdr,
			    void *frame)
{
	struct iovec iov[] = { { hdr, HDR }, { frame, NET_FRAME_MAX } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t len = recvmsg(wire.fd, &msg, 0);

	(void)net;
	return len < (ssize_t)HDR ? -EAGAIN : len - (ssize_t)HDR;
}

static const struct net_ops wire_ops = {
	.name = "wire",
	.offload = wire_offload,
	.prepare = wire_prepare,
	.dispatch = wire_dispatch,
	.send = wire_send,
	.receive = wire_receive,
};

static void wire_new(u64 features)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       fds))
		die("socketpair: %s", strerror(errno));
	wire = (struct wire){
		.net = { .ops = &wire_ops, .features = features, .mtu = 1500 },
		.fd = fds[0],
		.peer = fds[1],
	};
}

/* From the other end to the card. */
static bool peer_send(const struct virtio_net_hdr_v1 *hdr, const void *frame,
		      size_t len)
{
	static const struct virtio_net_hdr_v1 none;
	struct iovec iov[] = {
		{ (void *)(hdr ? hdr : &none), HDR }, { (void *)frame, len },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	return sendmsg(wire.peer, &msg, MSG_NOSIGNAL) == (ssize_t)(HDR + len);
}

/* The next frame that the card has sent: its length, or -1. */
static ssize_t peer_receive(struct virtio_net_hdr_v1 *hdr, void *frame)
{
	struct virtio_net_hdr_v1 ignored;
	struct iovec iov[] = {
		{ hdr ? hdr : &ignored, HDR }, { frame, NET_FRAME_MAX },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t len = recvmsg(wire.peer, &msg, 0);

	return len < 0 ? -1 : len - (ssize_t)HDR;
}

/* ---- The card and its driver ------------------------------------------- */

static void card_new(u64 backend_features)
{
	ram_new();
	wire_new(backend_features);
	virtio_net_init(&card, &ram, &wire.net, mac);
	net_turn_reset();
}

static void card_end(void)
{
	virtio_stop(&card.vdev);
	close(wire.fd);
	close(wire.peer);
}

static void card_start(struct driver *d, u64 features, u16 num)
{
	card_new(OFFLOADS);
	driver_start(d, &card.vdev, features, num);
}

/* Bytes that tell one frame, and one place in it, from another. */
static void fill(u8 *frame, size_t len, unsigned int seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		frame[i] = seed + i * 7 + i / 251;
	/* No VLAN tag by chance. */
	if (len >= ETH_HLEN) {
		frame[12] = 0x88;
		frame[13] = 0xb5;
	}
}

static bool is_filled(const u8 *frame, size_t len, unsigned int seed)
{
	static u8 expected[NET_FRAME_MAX];

	fill(expected, len, seed);
	return !memcmp(frame, expected, len);
}

static u8 frame[NET_FRAME_MAX + 64];

/* An empty header and a frame, both in guest memory, in one buffer. */
static void submit_frame(struct driver *d, u64 addr, size_t len,
			 unsigned int seed)
{
	struct buf buf = { addr, HDR + len, false };

	memset(at(addr), 0, HDR);
	fill((u8 *)at(addr) + HDR, len, seed);
	driver_submit(d, TX, &buf, 1);
}

static bool peer_got(size_t len, unsigned int seed)
{
	return peer_receive(NULL, frame) == (ssize_t)len &&
	       is_filled(frame, len, seed);
}

static unsigned int count_used(struct driver *d, unsigned int q)
{
	unsigned int count = 0;
	u32 id, len;

	while (driver_reap(d, q, &id, &len))
		count++;
	return count;
}

static void submit_room(struct driver *d, u64 addr, u32 len)
{
	struct buf buf = { addr, len, true };

	memset(at(addr), 0xee, len);
	driver_submit(d, RX, &buf, 1);
}

static u16 num_buffers(u64 addr)
{
	const struct virtio_net_hdr_v1 *hdr = at(addr);

	return hdr->num_buffers;
}

/* ---- Registers --------------------------------------------------------- */

static u64 offered(struct driver *d)
{
	u64 features;

	reg_set(d, DEVICE_FEATURES_SEL, 1);
	features = (u64)reg_get(d, DEVICE_FEATURES) << 32;
	reg_set(d, DEVICE_FEATURES_SEL, 0);
	return features | reg_get(d, DEVICE_FEATURES);
}

static void test_identity(void)
{
	const u64 always = F(MAC) | F(STATUS) | F(MTU) | F(MRG_RXBUF) |
			   F_VERSION_1 | F_INDIRECT | F_EVENT_IDX;
	struct device *dev = &card.vdev.dev;
	struct driver d;
	unsigned int i;

	card_new(0);
	driver_reset(&d, &card.vdev);
	CHECK(reg_get(&d, DEVICE_ID) == 1);
	CHECK(offered(&d) == always);
	for (i = 0; i < ETH_ALEN; i++)
		CHECK(dev->ops->read(dev, CONFIG + i, 1) == mac[i]);
	CHECK(dev->ops->read(dev, CONFIG + 6, 2) == VIRTIO_NET_S_LINK_UP);
	CHECK(dev->ops->read(dev, CONFIG + 10, 2) == 1500);
	/* Nothing behind it, and nothing to be written. */
	CHECK(dev->ops->read(dev, CONFIG + 12, 4) == 0);
	dev->ops->write(dev, CONFIG, 1, 0xff);
	CHECK(dev->ops->read(dev, CONFIG, 1) == mac[0]);
	reg_set(&d, QUEUE_SEL, 2);
	CHECK(reg_get(&d, QUEUE_NUM_MAX) == 0);
	card_end();

	card_new(OFFLOADS);
	driver_reset(&d, &card.vdev);
	CHECK(offered(&d) == (always | OFFLOADS));
	card_end();
}

static void test_offload_features(void)
{
	struct driver d;

	card_start(&d, F(GUEST_CSUM) | F(CSUM) | F(MAC), 16);
	CHECK(wire.offloads == (F(GUEST_CSUM) | F(CSUM)));
	driver_start(&d, &card.vdev, F(MAC), 16);
	CHECK(wire.offloads == 0);
	driver_start(&d, &card.vdev, F(GUEST_TSO4), 16);
	CHECK(wire.offloads == F(GUEST_TSO4));
	driver_reset(&d, &card.vdev);
	CHECK(wire.offloads == 0);
	/* What the backend cannot do is refused. */
	card_end();
	card_new(0);
	driver_reset(&d, &card.vdev);
	CHECK(!driver_negotiate(&d, F_VERSION_1 | F(CSUM)));
	card_end();
}

static void test_any_access(void)
{
	struct device *dev = &card.vdev.dev;
	unsigned int len;
	u64 offset;

	card_new(OFFLOADS);
	for (offset = 0; offset < dev->size; offset++) {
		for (len = 1; len <= 8; len *= 2) {
			dev->ops->write(dev, offset, len, ~0ULL);
			dev->ops->read(dev, offset, len);
			net_turn(&card.vdev, 0);
		}
	}
	card_end();
}

/* ---- Sending ----------------------------------------------------------- */

/* The same bytes, cut in different ways. */
static void test_tx_layouts(void)
{
	static const struct {
		u32 lens[8];
		bool indirect;
	} layouts[] = {
		{ { HDR + 100 } },
		{ { HDR, 100 } },
		{ { HDR + 14, 86 } },
		{ { 1, 2, 3, 4, 5, 97 } },
		{ { 11, 1, 99, 1 } },
		{ { HDR, 1, 98, 1 }, true },
	};
	struct driver d;
	unsigned int i, n;
	u32 id, len;

	card_start(&d, F_INDIRECT, 16);
	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		struct vring_desc *table = at(DATA + 0x8000);
		struct buf bufs[8];
		u64 addr = DATA;
		u16 head;

		memset(at(DATA), 0, HDR);
		fill((u8 *)at(DATA) + HDR, 100, i);
		for (n = 0; n < 8 && layouts[i].lens[n]; n++) {
			bufs[n] = (struct buf){ addr, layouts[i].lens[n], false };
			table[n] = (struct vring_desc){ addr, bufs[n].len,
				DESC_NEXT, n + 1 };
			addr += bufs[n].len;
		}
		table[n - 1].flags = 0;
		if (layouts[i].indirect) {
			head = d.queues[TX].next_desc++ % d.num;
			desc_set(TX, head, DATA + 0x8000, n * sizeof(*table),
				 DESC_INDIRECT, 0);
			driver_offer(&d, TX, head);
		} else {
			head = driver_submit(&d, TX, bufs, n);
		}
		net_turn(&card.vdev, 0);
		CHECK(peer_got(100, i));
		CHECK(driver_reap(&d, TX, &id, &len) && id == head && len == 0);
		CHECK(driver_irq(&d) == 1);
	}
	card_end();
}

static void test_tx_lengths(void)
{
	static const struct {
		size_t len;
		bool sent;
	} lens[] = {
		{ 0, false }, { 1, false }, { 13, false }, { 14, true },
		{ 60, true }, { 1514, true }, { 9000, true },
		{ NET_FRAME_MAX, true }, { NET_FRAME_MAX + 1, false },
		{ NET_FRAME_MAX + 50, false },
	};
	struct driver d;
	unsigned int i;

	card_start(&d, 0, 16);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		submit_frame(&d, DATA, lens[i].len, i);
		net_turn(&card.vdev, 0);
		/* It comes back in any case. */
		CHECK(count_used(&d, TX) == 1);
		if (lens[i].sent)
			CHECK(peer_got(lens[i].len, i));
		else
			CHECK(peer_receive(NULL, frame) < 0);
		CHECK(!(reg_get(&d, STATUS) & STATUS_NEEDS_RESET));
	}
	CHECK(card.tx_dropped == 5);
	card_end();
}

/* Chains that no driver makes. */
static void test_tx_malformed(void)
{
	static const struct {
		struct buf bufs[2];
		unsigned int count;
	} chains[] = {
		{ { { DATA, 1 } }, 1 },
		{ { { DATA, HDR - 1 } }, 1 },
		{ { { DATA, 5 }, { DATA + 5, 6 } }, 2 },
		{ { { DATA, HDR + 60, true } }, 1 },
		{ { { DATA, HDR + 60 }, { DATA + 0x1000, 1, true } }, 2 },
		{ { { DATA, HDR }, { RAM_BASE + RAM_SIZE - 10, 60 } }, 2 },
		{ { { DATA, HDR }, { DATA, 0 } }, 2 },
	};
	struct driver d;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(chains); i++) {
		card_start(&d, 0, 16);
		driver_submit(&d, TX, chains[i].bufs, chains[i].count);
		net_turn(&card.vdev, 0);
		CHECK(driver_sees_failure(&d));
		CHECK(count_used(&d, TX) == 0);
		CHECK(peer_receive(NULL, frame) < 0);
		/* That queue stands still, and a reset makes it well. */
		submit_frame(&d, DATA, 60, 1);
		net_turn(&card.vdev, 0);
		CHECK(peer_receive(NULL, frame) < 0);
		driver_start(&d, &card.vdev, 0, 16);
		submit_frame(&d, DATA, 60, 1);
		net_turn(&card.vdev, 0);
		CHECK(peer_got(60, 1));
		card_end();
	}
}

static void test_tx_headers(void)
{
	static const struct {
		u64 features;
		struct virtio_net_hdr_v1 hdr;
		bool sent;
	} headers[] = {
		{ 0, { .flags = 1 }, false },
		{ F(CSUM), { .flags = 1, .csum_start = 34, .csum_offset = 6 },
		  true },
		{ 0, { .gso_type = 1 }, false },
		{ F(CSUM), { .flags = 1, .gso_type = 1 }, false },
		{ F(CSUM) | F(HOST_TSO4),
		  { .flags = 1, .gso_type = 1, .gso_size = 1448 }, true },
		{ F(CSUM) | F(HOST_TSO4), { .flags = 1, .gso_type = 4 }, false },
		{ F(CSUM) | F(HOST_TSO6), { .flags = 1, .gso_type = 4 }, true },
		{ F(CSUM) | F(HOST_TSO4), { .flags = 1, .gso_type = 0x81 },
		  false },
		{ F(CSUM) | F(HOST_TSO4) | F(HOST_ECN),
		  { .flags = 1, .gso_type = 0x81 }, true },
		/* UFO and USO are not there; ECN without TCP is nothing. */
		{ OFFLOADS, { .flags = 1, .gso_type = 3 }, false },
		{ OFFLOADS, { .flags = 1, .gso_type = 5 }, false },
		{ OFFLOADS, { .flags = 1, .gso_type = 0x80 }, false },
		{ OFFLOADS, { .flags = 1, .gso_type = 0x7f }, false },
		/* Flags that are the device's to set are ignored. */
		{ 0, { .flags = 0xfe, .num_buffers = 0xffff }, true },
	};
	struct virtio_net_hdr_v1 hdr;
	struct driver d;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(headers); i++) {
		struct buf buf = { DATA, HDR + 60, false };

		card_start(&d, headers[i].features, 16);
		memcpy(at(DATA), &headers[i].hdr, HDR);
		fill((u8 *)at(DATA) + HDR, 60, i);
		driver_submit(&d, TX, &buf, 1);
		net_turn(&card.vdev, 0);
		CHECK(count_used(&d, TX) == 1);
		CHECK(!(reg_get(&d, STATUS) & STATUS_NEEDS_RESET));
		if ((peer_receive(&hdr, frame) == 60) != headers[i].sent) {
			printf("# header %u\n", i);
			failed = true;
		}
		if (!headers[i].sent)
			goto next;
		CHECK(hdr.flags == (headers[i].hdr.flags & 1));
		CHECK(hdr.gso_type == headers[i].hdr.gso_type);
		CHECK(hdr.gso_size == headers[i].hdr.gso_size);
		CHECK(hdr.csum_start == headers[i].hdr.csum_start);
		CHECK(hdr.num_buffers == 0);
next:
		card_end();
	}
}

/* The wire is full: nothing is lost, nothing turns in circles. */
static void test_tx_full(void)
{
	unsigned int sent = 0, got = 0, turns;
	struct driver d;

	card_start(&d, 0, 64);
	while (sent < 60)
		submit_frame(&d, DATA + 0x1400 * sent, 5000, sent), sent++;
	net_turn(&card.vdev, 0);
	got = count_used(&d, TX);
	CHECK(got > 0 && got < 60);
	CHECK(wire.want & NET_WANT_SEND);
	CHECK(card.full);
	/* It waits for the wire. */
	net_turn(&card.vdev, 0);
	CHECK(count_used(&d, TX) == 0);
	for (turns = 0, sent = 0; sent < 60 && turns < 200; turns++) {
		while (peer_receive(NULL, frame) == 5000) {
			CHECK(is_filled(frame, 5000, sent));
			sent++;
		}
		net_turn(&card.vdev, 10);
	}
	CHECK(sent == 60);
	got += count_used(&d, TX);
	CHECK(got == 60);
	CHECK(!(wire.want & NET_WANT_SEND) && !card.tx_dropped);
	card_end();
}

static void test_tx_reset_while_full(void)
{
	struct driver d;
	unsigned int i;

	card_start(&d, 0, 64);
	for (i = 0; i < 60; i++)
		submit_frame(&d, DATA, 5000, i);
	net_turn(&card.vdev, 0);
	CHECK(card.full);
	driver_start(&d, &card.vdev, 0, 64);
	while (peer_receive(NULL, frame) >= 0)
		;
	net_turn(&card.vdev, 0);
	CHECK(!card.full && !(wire.want & NET_WANT_SEND));
	CHECK(peer_receive(NULL, frame) < 0);
	submit_frame(&d, DATA, 100, 3);
	net_turn(&card.vdev, 0);
	CHECK(peer_got(100, 3));
	card_end();
}

static struct driver *busy_driver;
static unsigned int busy_frames;

static void add_frame(void)
{
	if (!busy_frames)
		return;
	busy_frames--;
	submit_frame(busy_driver, DATA + busy_frames * 256, 60, busy_frames);
}

/* A driver that adds as fast as the device takes: others have their turns, too. */
static void test_tx_busy(void)
{
	struct driver d;
	unsigned int i;
	eventfd_t kicks;

	card_start(&d, 0, 4);
	eventfd_read(card.vdev.kick_fd, &kicks);
	busy_driver = &d;
	busy_frames = 20;
	wire.sending = add_frame;
	add_frame();
	for (i = 4; i <= 20; i += 4) {
		net_turn(&card.vdev, 0);
		CHECK(count_used(&d, TX) == 4);
		/* It is not going to sleep. */
		CHECK(!eventfd_read(card.vdev.kick_fd, &kicks) == (i < 20));
	}
	for (i = 20; i--; )
		CHECK(peer_got(60, i));
	card_end();
}

/* No interrupt for who does not want one; and one for many. */
static void test_tx_interrupts(void)
{
	struct driver d;
	unsigned int i;

	card_start(&d, 0, 16);
	avail(TX)->flags = VRING_AVAIL_F_NO_INTERRUPT;
	submit_frame(&d, DATA, 60, 0);
	net_turn(&card.vdev, 0);
	CHECK(count_used(&d, TX) == 1);
	CHECK(driver_irq(&d) == 0);
	card_end();

	card_start(&d, F_EVENT_IDX, 16);
	*used_event(&d, TX) = 5;
	for (i = 0; i < 8; i++) {
		submit_frame(&d, DATA, 60, i);
		net_turn(&card.vdev, 0);
		CHECK(driver_irq(&d) == (i == 5));
	}
	card_end();
}

/* ---- Receiving --------------------------------------------------------- */

static void test_rx(void)
{
	static const size_t lens[] = { 14, 60, 61, 1000, 1514 };
	struct virtio_net_hdr_v1 *hdr = at(DATA);
	struct driver d;
	unsigned int i;
	u32 id, len;

	card_start(&d, 0, 16);
	hdr = at(DATA);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		submit_room(&d, DATA, 2048);
		fill(frame, lens[i], i);
		CHECK(peer_send(NULL, frame, lens[i]));
		net_turn(&card.vdev, 0);
		CHECK(driver_reap(&d, RX, &id, &len) && id == i);
		CHECK(len == HDR + lens[i]);
		CHECK(hdr->flags == 0 && hdr->gso_type == 0);
		CHECK(hdr->num_buffers == 1);
		CHECK(is_filled((u8 *)at(DATA) + HDR, lens[i], i));
		/* Nothing behind it. */
		CHECK(*((u8 *)at(DATA) + HDR + lens[i]) == 0xee);
		CHECK(driver_irq(&d) == 1);
	}
	card_end();
}

/* What the header says goes on as it is; and its parts may lie anywhere. */
static void test_rx_header(void)
{
	const struct virtio_net_hdr_v1 hdr = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = 1,
		.hdr_len = 54, .gso_size = 1448, .csum_start = 34,
		.csum_offset = 16, .num_buffers = 0xffff,
	};
	const struct buf bufs[] = {
		{ DATA, 1, true }, { DATA + 1, 9, true }, { DATA + 10, 1, true },
		{ DATA + 11, 1, true }, { DATA + 12, 3, true },
		{ DATA + 15, 4000, true },
	};
	struct virtio_net_hdr_v1 expected = hdr;
	struct driver d;
	u32 id, len;

	card_start(&d, OFFLOADS | F(MRG_RXBUF) | F(MTU), 16);
	driver_submit(&d, RX, bufs, ARRAY_SIZE(bufs));
	fill(frame, 3000, 1);
	CHECK(peer_send(&hdr, frame, 3000));
	net_turn(&card.vdev, 0);
	CHECK(driver_reap(&d, RX, &id, &len) && len == HDR + 3000);
	expected.num_buffers = 1;
	CHECK(!memcmp(at(DATA), &expected, HDR));
	CHECK(is_filled((u8 *)at(DATA) + HDR, 3000, 1));
	card_end();
}

static void test_rx_merged(void)
{
	static const struct {
		u32 room;
		size_t len;
		unsigned int buffers;
	} frames[] = {
		{ 12, 60, 6 },		/* the header alone in the first */
		{ 13, 60, 6 },
		{ 36, 60, 2 },		/* to the last byte */
		{ 36, 61, 3 },
		{ 100, 1500, 16 },
		{ 1024, 1012, 1 },
		{ 1024, 1013, 2 },
		{ 4096, 65000, 16 },
	};
	struct driver d;
	unsigned int i, n;
	u32 id, len;

	for (i = 0; i < ARRAY_SIZE(frames); i++) {
		size_t total = 0;

		card_start(&d, F(MRG_RXBUF), 16);
		/* One behind another in memory. */
		for (n = 0; n < 16; n++)
			submit_room(&d, DATA + n * frames[i].room,
				    frames[i].room);
		fill(frame, frames[i].len, i);
		CHECK(peer_send(NULL, frame, frames[i].len));
		net_turn(&card.vdev, 0);
		CHECK(num_buffers(DATA) == frames[i].buffers);
		for (n = 0; driver_reap(&d, RX, &id, &len); n++) {
			CHECK(id == n && len <= frames[i].room);
			total += len;
		}
		CHECK(n == frames[i].buffers);
		CHECK(total == HDR + frames[i].len);
		CHECK(is_filled((u8 *)at(DATA) + HDR, frames[i].len, i));
		CHECK(driver_irq(&d) == 1);
		card_end();
	}
}

/* Without buffers the frames stay where they are. */
static void test_rx_no_buffers(void)
{
	struct driver d;
	unsigned int i;

	card_start(&d, F_EVENT_IDX, 16);
	for (i = 0; i < 10; i++) {
		fill(frame, 100, i);
		CHECK(peer_send(NULL, frame, 100));
	}
	for (i = 0; i < 3; i++)
		net_turn(&card.vdev, 0);
	CHECK(card.starved && !(wire.want & NET_WANT_RECEIVE));
	/* One was taken, to know that it is there. */
	CHECK(card.frame_len == 100);
	for (i = 0; i < 10; i++) {
		/* The device wants to hear of the next one. */
		CHECK(*avail_event(&d, RX) == i);
		submit_room(&d, DATA, 2048);
		net_turn(&card.vdev, 0);
		CHECK(count_used(&d, RX) == 1);
		CHECK(is_filled((u8 *)at(DATA) + HDR, 100, i));
	}
	submit_room(&d, DATA, 2048);
	net_turn(&card.vdev, 0);
	CHECK(!card.starved && wire.want & NET_WANT_RECEIVE);
	CHECK(!card.rx_dropped);
	card_end();
}

/* Some, but not enough: it waits for those behind the ones that are there. */
static void test_rx_few_buffers(void)
{
	struct driver d;
	unsigned int i;

	card_start(&d, F_EVENT_IDX | F(MRG_RXBUF), 16);
	fill(frame, 1000, 7);
	CHECK(peer_send(NULL, frame, 1000));
	for (i = 0; i < 4; i++) {
		submit_room(&d, DATA + i * 200, 200);
		net_turn(&card.vdev, 0);
		CHECK(count_used(&d, RX) == 0);
		CHECK(card.starved);
		CHECK(*avail_event(&d, RX) == i + 1);
	}
	for (; i < 6; i++)
		submit_room(&d, DATA + i * 200, 200);
	net_turn(&card.vdev, 0);
	CHECK(count_used(&d, RX) == 6);
	CHECK(num_buffers(DATA) == 6);
	CHECK(is_filled((u8 *)at(DATA) + HDR, 1000, 7));
	card_end();
}

/* One buffer must do, and does not: the frame is lost, the buffer is not. */
static void test_rx_not_mergeable(void)
{
	struct driver d;

	card_start(&d, 0, 16);
	submit_room(&d, DATA, 512);
	submit_room(&d, DATA + 0x1000, 512);
	fill(frame, 501, 1);
	CHECK(peer_send(NULL, frame, 501));
	fill(frame, 500, 2);
	CHECK(peer_send(NULL, frame, 500));
	net_turn(&card.vdev, 0);
	CHECK(count_used(&d, RX) == 1);
	CHECK(card.rx_dropped == 1);
	CHECK(num_buffers(DATA) == 1);
	CHECK(is_filled((u8 *)at(DATA) + HDR, 500, 2));
	card_end();
}

/* All buffers of the queue together are too small. */
static void test_rx_full_of_small(void)
{
	struct driver d;
	unsigned int i;

	card_start(&d, F(MRG_RXBUF), 8);
	for (i = 0; i < 8; i++)
		submit_room(&d, DATA + i * 64, 64);
	fill(frame, 501, 1);
	CHECK(peer_send(NULL, frame, 501));
	fill(frame, 500, 2);
	CHECK(peer_send(NULL, frame, 500));
	net_turn(&card.vdev, 0);
	CHECK(card.rx_dropped == 1);
	CHECK(count_used(&d, RX) == 8);
	CHECK(is_filled((u8 *)at(DATA) + HDR, 500, 2));
	card_end();
}

static void test_rx_malformed(void)
{
	static const struct {
		struct buf bufs[2];
		unsigned int count;
	} chains[] = {
		{ { { DATA, 2048 } }, 1 },
		{ { { DATA, 12 }, { DATA + 12, 2048, true } }, 2 },
		{ { { DATA, 11, true } }, 1 },
		{ { { DATA, 5, true }, { DATA + 5, 6, true } }, 2 },
		{ { { RAM_BASE + RAM_SIZE - 100, 2048, true } }, 1 },
	};
	struct driver d;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(chains); i++) {
		card_start(&d, F(MRG_RXBUF), 16);
		driver_submit(&d, RX, chains[i].bufs, chains[i].count);
		fill(frame, 60, i);
		CHECK(peer_send(NULL, frame, 60));
		net_turn(&card.vdev, 0);
		CHECK(driver_sees_failure(&d));
		CHECK(count_used(&d, RX) == 0);
		net_turn(&card.vdev, 0);
		CHECK(!(wire.want & NET_WANT_RECEIVE));
		/* The other queue goes on. */
		submit_frame(&d, DATA, 60, 1);
		net_turn(&card.vdev, 0);
		CHECK(peer_got(60, 1));
		card_end();
	}
}

static void test_rx_lengths(void)
{
	static const struct {
		u64 features;
		size_t len;
		u16 type;
		u8 gso_type;
		bool received;
	} frames[] = {
		{ 0, 0, 0x0800, 0, false },
		{ 0, 13, 0x0800, 0, false },
		{ 0, 14, 0x0800, 0, true },
		{ 0, 1600, 0x0800, 0, true },
		{ F(MTU), 1514, 0x0800, 0, true },
		{ F(MTU), 1515, 0x0800, 0, false },
		{ F(MTU), 1518, 0x8100, 0, true },
		{ F(MTU), 1519, 0x8100, 0, false },
		{ F(MTU), 1518, 0x88a8, 0, true },
		{ F(MTU) | F(GUEST_CSUM) | F(GUEST_TSO4), 9000, 0x0800, 1, true },
	};
	struct driver d;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(frames); i++) {
		struct virtio_net_hdr_v1 hdr = {
			.gso_type = frames[i].gso_type,
		};

		card_start(&d, frames[i].features, 16);
		submit_room(&d, DATA, 16384);
		fill(frame, frames[i].len, i);
		frame[12] = frames[i].type >> 8;
		frame[13] = frames[i].type;
		CHECK(peer_send(&hdr, frame, frames[i].len));
		/* What is dropped does not keep the next one waiting. */
		fill(frame, 64, i);
		CHECK(peer_send(NULL, frame, 64));
		net_turn(&card.vdev, 0);
		CHECK(count_used(&d, RX) == 1);
		CHECK(card.rx_dropped == !frames[i].received);
		if (!frames[i].received)
			CHECK(is_filled((u8 *)at(DATA) + HDR, 64, i));
		card_end();
	}
}

/* More frames than buffers in the queue, in one turn and in the next ones. */
static void test_rx_burst(void)
{
	unsigned int i, turns, got = 0;
	struct driver d;
	u32 id, len;

	card_start(&d, 0, 4);
	for (i = 0; i < 40; i++) {
		fill(frame, 80, i);
		CHECK(peer_send(NULL, frame, 80));
	}
	for (i = 0; i < 4; i++)
		submit_room(&d, DATA + i * 256, 256);
	for (turns = 0; got < 40 && turns < 100; turns++) {
		net_turn(&card.vdev, 0);
		while (driver_reap(&d, RX, &id, &len)) {
			CHECK(is_filled((u8 *)at(DATA + id * 256) + HDR, 80,
					got));
			got++;
			submit_room(&d, DATA + id * 256, 256);
		}
	}
	CHECK(got == 40);
	card_end();
}

/* ---- Resets ------------------------------------------------------------ */

/* A frame that waits for buffers does not reach the next driver. */
static void test_reset_pending(void)
{
	struct driver d;

	card_start(&d, 0, 16);
	fill(frame, 100, 1);
	CHECK(peer_send(NULL, frame, 100));
	net_turn(&card.vdev, 0);
	CHECK(card.starved && card.frame_len == 100);
	driver_start(&d, &card.vdev, 0, 16);
	CHECK(!card.starved && !card.frame_len);
	submit_room(&d, DATA, 2048);
	net_turn(&card.vdev, 0);
	CHECK(count_used(&d, RX) == 0);
	card_end();
}

/* Nor does what came while there was none. */
static void test_stale(void)
{
	struct driver d;

	card_new(0);
	fill(frame, 100, 1);
	CHECK(peer_send(NULL, frame, 100));
	net_turn(&card.vdev, 0);
	CHECK(!(wire.want & NET_WANT_RECEIVE));
	driver_start(&d, &card.vdev, 0, 16);
	submit_room(&d, DATA, 2048);
	net_turn(&card.vdev, 0);
	CHECK(count_used(&d, RX) == 0);
	fill(frame, 100, 2);
	CHECK(peer_send(NULL, frame, 100));
	net_turn(&card.vdev, 0);
	CHECK(count_used(&d, RX) == 1);
	CHECK(is_filled((u8 *)at(DATA) + HDR, 100, 2));
	card_end();
}

static bool stop_talking;

/* The other end talks and listens as fast as it can. */
static void *talk(void *arg)
{
	static u8 buf[NET_FRAME_MAX];
	u8 said[200];

	(void)arg;
	fill(said, sizeof(said), 9);
	while (!__atomic_load_n(&stop_talking, __ATOMIC_ACQUIRE)) {
		struct pollfd pfd = {
			.fd = wire.peer, .events = POLLIN | POLLOUT,
		};

		poll(&pfd, 1, 10);
		while (peer_receive(NULL, buf) >= 0)
			;
		peer_send(NULL, said, sizeof(said));
	}
	return NULL;
}

static u16 now_used(unsigned int q)
{
	return __atomic_load_n(&used(q)->idx, __ATOMIC_ACQUIRE);
}

/* With threads: traffic both ways, and resets in the middle of it. */
static void test_reset_in_flight(void)
{
	unsigned int i, n, received = 0, sent = 0;
	u64 until;
	pthread_t peer;
	struct driver d;

	card_new(OFFLOADS);
	stop_talking = false;
	CHECK(!pthread_create(&peer, NULL, talk, NULL));
	virtio_start(&card.vdev);
	for (i = 0; i < 20; i++) {
		driver_start(&d, &card.vdev, i & 1 ? F(MRG_RXBUF) : 0, 16);
		for (n = 0; n < 16; n++) {
			submit_room(&d, DATA + n * 512, 512);
			submit_frame(&d, DATA + 0x8000 + n * 512, 300, n);
		}
		reg_set(&d, QUEUE_NOTIFY, RX);
		reg_set(&d, QUEUE_NOTIFY, TX);
		/* Sometimes at once, sometimes when something has come. */
		usleep(i % 5 * 200);
		until = now_ns() + (i % 4 ? 0 : 3000000000ULL);
		while (now_ns() < until &&
		       !(now_used(RX) && now_used(TX)))
			usleep(100);
		reg_set(&d, STATUS, 0);
		received += used(RX)->idx;
		sent += used(TX)->idx;
		/* From here on, the device leaves memory alone. */
		memset(at(RAM_BASE), 0xa5, RAM_SIZE);
		usleep(100);
		CHECK(*(u8 *)at(RAM_BASE) == 0xa5 &&
		      !memcmp(at(RAM_BASE), at(RAM_BASE + 1), RAM_SIZE - 1));
	}
	CHECK(received > 0 && sent > 0);
	__atomic_store_n(&stop_talking, true, __ATOMIC_RELEASE);
	pthread_join(peer, NULL);
	card_end();
}

/* ---- What nobody expects ----------------------------------------------- */

static void test_gone(void)
{
	struct driver d;

	card_start(&d, F(STATUS), 16);
	submit_room(&d, DATA, 2048);
	net_turn(&card.vdev, 0);
	CHECK(driver_irq(&d) == 0);
	close(wire.peer);
	net_turn(&card.vdev, 10);
	CHECK(driver_irq(&d) == 2);
	CHECK(reg_get(&d, CONFIG + 4) >> 16 == 0);
	/* The driver may go on. */
	submit_frame(&d, DATA + 0x1000, 60, 1);
	net_turn(&card.vdev, 0);
	CHECK(count_used(&d, TX) == 1);
	CHECK(driver_irq(&d) == 1);
	card_end();
}

static u64 random_state;

static u64 random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Rings full of anything: the device may fail, the program may not. */
static void test_random_rings(void)
{
	unsigned int round, n, q;
	struct driver d;

	random_state = 0x9e3779b97f4a7c15ULL;
	card_start(&d, 0, 16);
	for (round = 0; round < 200; round++) {
		u64 features = random_u64() & (OFFLOADS | F(MRG_RXBUF) |
					       F_INDIRECT | F_EVENT_IDX);

		driver_start(&d, &card.vdev, features, 16);
		for (q = 0; q < 2; q++) {
			for (n = 0; n < 16; n++) {
				u64 r = random_u64();

				desc_set(q, n, DATA + (r & 0xffff),
					 r >> 16 & 0x3ff, r >> 32 & 3,
					 r >> 40 & 15);
				if (!(r >> 48 & 31))
					desc(q)[n].addr = random_u64();
				if (!(r >> 53 & 31))
					desc(q)[n].len = random_u64();
				if (!(r >> 58 & 31))
					desc(q)[n].flags |= DESC_INDIRECT;
				avail(q)->ring[n] = random_u64() & 15;
			}
			avail(q)->idx = random_u64() % 18;
		}
		for (n = 0; n < 256; n++)
			((u64 *)at(DATA))[n] = random_u64();
		fill(frame, 1500, round);
		for (n = 0; n < 4; n++)
			peer_send(NULL, frame, random_u64() % 1500);
		for (n = 0; n < 4; n++)
			net_turn(&card.vdev, 0);
		while (peer_receive(NULL, frame) >= 0)
			;
	}
	/* And it is as good as new. */
	driver_start(&d, &card.vdev, 0, 16);
	submit_frame(&d, DATA, 100, 3);
	net_turn(&card.vdev, 0);
	CHECK(peer_got(100, 3));
	card_end();
}

/* ---- Words ------------------------------------------------------------- */

static void test_parse(void)
{
	static const u8 given[] = { 0x02, 0xab, 0xcd, 0xef, 0x01, 0x99 };
	struct net_config config;

	CHECK(!net_parse(&config, "user"));
	CHECK(config.kind == NET_USER && !config.has_mac);
	CHECK(!config.num_forwards && !config.restricted && !config.no_host);

	CHECK(!net_parse(&config,
			 "user,mac=02:ab:CD:ef:01:99,restrict=on,host=off,hostfwd=tcp::2222-:22"));
	CHECK(config.has_mac && !memcmp(config.mac, given, ETH_ALEN));
	CHECK(config.restricted && config.no_host);
	CHECK(!net_parse(&config,
			 "user,hostfwd=tcp::2222-:22,hostfwd=udp:0.0.0.0:53-10.0.2.99:5353"));
	CHECK(config.num_forwards == 2);
	CHECK(!config.forwards[0].udp);
	CHECK(config.forwards[0].host_addr.s_addr == htonl(0x7f000001));
	CHECK(config.forwards[0].host_port == 2222);
	CHECK(config.forwards[0].guest_addr.s_addr == htonl(0x0a00020f));
	CHECK(config.forwards[0].guest_port == 22);
	CHECK(config.forwards[1].udp);
	CHECK(config.forwards[1].host_addr.s_addr == 0);
	CHECK(config.forwards[1].host_port == 53);
	CHECK(config.forwards[1].guest_addr.s_addr == htonl(0x0a000263));
	CHECK(config.forwards[1].guest_port == 5353);

	CHECK(!net_parse(&config, "user,restrict=off,host=on"));
	CHECK(!config.restricted && !config.no_host);
	CHECK(!net_parse(&config, "tap,ifname=tap0"));
	CHECK(config.kind == NET_TAP && !strcmp(config.ifname, "tap0"));
	CHECK(!net_parse(&config, "tap,mac=02:ab:cd:ef:01:99,ifname=abcdefghijklmno"));
	CHECK(config.has_mac && !strcmp(config.ifname, "abcdefghijklmno"));
}

static void test_parse_errors(void)
{
	static const struct {
		const char *arg;
		/* A part of what is said. */
		const char *says;
	} errors[] = {
		{ "", "'' is neither" },
		{ "users", "'users' is neither" },
		{ "bridge,br=br0", "'bridge' is neither" },
		{ "user,", "'': no KEY" },
		{ "user,,restrict=on", "'': no KEY" },
		{ "user,restrict", "'restrict': no KEY" },
		{ "user,mtu=9000", "nothing is known of 'mtu='" },
		{ "user,=on", "nothing is known of '='" },
		{ "user,ifname=tap0", "ifname= goes not with user" },
		{ "tap", "ifname= is missing" },
		{ "tap,mac=02:ab:cd:ef:01:99", "ifname= is missing" },
		{ "tap,ifname=", "not the name" },
		{ "tap,ifname=abcdefghijklmnop", "not the name" },
		{ "tap,ifname=a/b", "not the name" },
		{ "tap,ifname=tap%d", "not the name" },
		{ "tap,ifname=..", "not the name" },
		{ "tap,ifname=a,ifname=b", "ifname= is there twice" },
		{ "tap,ifname=a,hostfwd=tcp::1-:1", "hostfwd= goes not with tap" },
		{ "tap,ifname=a,restrict=on", "restrict= goes not with tap" },
		{ "user,restrict=yes", "restrict=yes: on or off" },
		{ "user,host=", "host=: on or off" },
		{ "user,restrict=on,restrict=on", "restrict= is there twice" },
		{ "user,mac=52:54:00:12:34", "not an address" },
		{ "user,mac=52:54:00:12:34:5", "not an address" },
		{ "user,mac=52:54:00:12:34:567", "not an address" },
		{ "user,mac=52-54-00-12-34-56", "not an address" },
		{ "user,mac=52:54:00:12:34:5g", "not an address" },
		{ "user,mac=52:54:00:12:34: 6", "not an address" },
		{ "user,mac=", "not an address" },
		{ "user,mac=01:00:5e:00:00:01", "of a group" },
		{ "user,mac=ff:ff:ff:ff:ff:ff", "of a group" },
		{ "user,mac=00:00:00:00:00:00", "nobody's" },
		{ "user,hostfwd=", "neither tcp: nor udp:" },
		{ "user,hostfwd=:22-:22", "neither tcp: nor udp:" },
		{ "user,hostfwd=sctp::1-:1", "neither tcp: nor udp:" },
		{ "user,hostfwd=tcp:22", "no [HOSTADDR]:PORT-" },
		{ "user,hostfwd=tcp:22-:22", "no [HOSTADDR]:PORT-" },
		{ "user,hostfwd=tcp::0-:22", "no [HOSTADDR]:PORT-" },
		{ "user,hostfwd=tcp::65536-:22", "no [HOSTADDR]:PORT-" },
		{ "user,hostfwd=tcp::-1-:22", "no [HOSTADDR]:PORT-" },
		{ "user,hostfwd=tcp:localhost:22-:22", "no [HOSTADDR]:PORT-" },
		{ "user,hostfwd=tcp:1.2.3:22-:22", "no [HOSTADDR]:PORT-" },
		{ "user,hostfwd=tcp:111.222.333.444.555:22-:22",
		  "no [HOSTADDR]:PORT-" },
		{ "user,hostfwd=tcp::22-", "no [GUESTADDR]:PORT" },
		{ "user,hostfwd=tcp::22-22", "no [GUESTADDR]:PORT" },
		{ "user,hostfwd=tcp::22-:22x", "no [GUESTADDR]:PORT" },
		{ "user,hostfwd=tcp::22-:22-:22", "no [GUESTADDR]:PORT" },
		{ "user,hostfwd=tcp::22-192.168.0.1:22", "a guest is at" },
		{ "user,hostfwd=tcp::22-10.0.2.2:22", "a guest is at" },
		{ "user,hostfwd=tcp::22-10.0.2.255:22", "a guest is at" },
		{ "user,hostfwd=udp::53-:53,restrict=on",
		  "hostfwd=udp: no answers" },
		{ "user,host=off,hostfwd=udp::53-:53",
		  "hostfwd=udp: no answers" },
	};
	struct net_config config;
	char longest[8192];
	const char *wrong;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		wrong = net_parse(&config, errors[i].arg);
		if (wrong && strstr(wrong, errors[i].says))
			continue;
		printf("# %s: %s\n", errors[i].arg, wrong ? wrong : "accepted");
		failed = true;
	}

	/* As many forwards as there may be, and one more. */
	strcpy(longest, "user");
	for (i = 0; i < NET_MAX_FORWARDS; i++)
		strcat(longest, ",hostfwd=tcp::1-:1");
	CHECK(!net_parse(&config, longest));
	CHECK(config.num_forwards == NET_MAX_FORWARDS);
	strcat(longest, ",hostfwd=tcp::1-:1");
	wrong = net_parse(&config, longest);
	CHECK(wrong && strstr(wrong, "more than 32"));
	memset(longest, 'u', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	wrong = net_parse(&config, longest);
	CHECK(wrong && strstr(wrong, "too long"));
}

static void test_default_mac(void)
{
	struct net_config config = { .kind = NET_USER };
	u8 a[ETH_ALEN], b[ETH_ALEN];

	net_default_mac(&config, 0, a);
	net_default_mac(&config, 1, b);
	CHECK(!memcmp(a, "\x52\x54\x00\x12\x34\x56", ETH_ALEN));
	CHECK(!memcmp(b, "\x52\x54\x00\x12\x34\x57", ETH_ALEN));

	/* Of one card, local, and the same each time. */
	config.kind = NET_TAP;
	strcpy(config.ifname, "tap0");
	net_default_mac(&config, 0, a);
	net_default_mac(&config, 3, b);
	CHECK(!memcmp(a, b, ETH_ALEN));
	CHECK((a[0] & 3) == 2);
	strcpy(config.ifname, "tap1");
	net_default_mac(&config, 0, b);
	CHECK(memcmp(a, b, ETH_ALEN));
}

void net_tests(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{ "net: identity and configuration", test_identity },
		{ "net: offloads go on to the backend", test_offload_features },
		{ "net: any access", test_any_access },
		{ "net: tx: frames cut in any way", test_tx_layouts },
		{ "net: tx: short and long frames", test_tx_lengths },
		{ "net: tx: malformed chains", test_tx_malformed },
		{ "net: tx: headers ask for what was agreed to", test_tx_headers },
		{ "net: tx: a full wire loses nothing", test_tx_full },
		{ "net: tx: reset while the wire is full",
		  test_tx_reset_while_full },
		{ "net: tx: a driver that never ends", test_tx_busy },
		{ "net: tx: interrupts for who wants them", test_tx_interrupts },
		{ "net: rx: frames of all lengths", test_rx },
		{ "net: rx: the header, in pieces", test_rx_header },
		{ "net: rx: merged buffers", test_rx_merged },
		{ "net: rx: no buffers lose nothing", test_rx_no_buffers },
		{ "net: rx: fewer buffers than it takes", test_rx_few_buffers },
		{ "net: rx: not mergeable and too small",
		  test_rx_not_mergeable },
		{ "net: rx: a queue full of small buffers",
		  test_rx_full_of_small },
		{ "net: rx: malformed chains", test_rx_malformed },
		{ "net: rx: short and long frames", test_rx_lengths },
		{ "net: rx: a burst", test_rx_burst },
		{ "net: reset: a frame that waits", test_reset_pending },
		{ "net: reset: frames for nobody", test_stale },
		{ "net: reset: in the middle of traffic", test_reset_in_flight },
		{ "net: a backend that goes away", test_gone },
		{ "net: random rings", test_random_rings },
		{ "net: options", test_parse },
		{ "net: options: what is wrong with them", test_parse_errors },
		{ "net: default addresses", test_default_mac },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		test_begin();
		tests[i].run();
		test_end(tests[i].name);
	}
	net_backend_tests();
}
