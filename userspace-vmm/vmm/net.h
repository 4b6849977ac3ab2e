/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is behind a network card: where its frames go to and come from, and the
 * words of --net. The card itself is virtio_net.c.
 */
#ifndef _VMM_NET_H
#define _VMM_NET_H

#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/uio.h>

#include "util.h"

/* Options --net, and forwards of each. */
#define NET_MAX			4
#define NET_MAX_FORWARDS	32

/*
 * The longest frame there is: what a 64 KiB packet of TCP segmentation offload
 * has, and a VLAN tag.
 */
#define NET_FRAME_MAX		(ETH_HLEN + 4 + 0xffff)

/* A bit of struct net's features. */
#define NET_FEATURE(name)	(1ULL << (VIRTIO_NET_F_##name))

enum net_kind {
	NET_USER,
	NET_TAP,
};

/**
 * struct net_forward - a port of the host that leads to one of the guest
 * @udp: UDP instead of TCP.
 * @host_addr: where the host listens.
 * @host_port: and at which port.
 * @guest_addr: the guest's address.
 * @guest_port: and its port.
 */
struct net_forward {
	bool udp;
	struct in_addr host_addr;
	u16 host_port;
	struct in_addr guest_addr;
	u16 guest_port;
};

/**
 * struct net_config - one --net
 * @kind: what is behind the card.
 * @has_mac: @mac was given.
 * @mac: the guest's address.
 * @ifname: with NET_TAP, the interface.
 * @restricted: with NET_USER, the guest reaches nothing but what is forwarded.
 * @no_host: with NET_USER, the guest does not reach the host's loopback.
 * @num_forwards: entries of @forwards.
 * @forwards: with NET_USER, ports of the host.
 */
struct net_config {
	enum net_kind kind;
	bool has_mac;
	u8 mac[ETH_ALEN];
	char ifname[IFNAMSIZ];
	bool restricted;
	bool no_host;
	unsigned int num_forwards;
	struct net_forward forwards[NET_MAX_FORWARDS];
};

/*
 * Returns what is wrong with @arg, or NULL. The text is good until the next call
 * of a function that returns such a text.
 */
const char *net_parse(struct net_config *config, const char *arg);

/* The address of card @index if its owner gave none. */
void net_default_mac(const struct net_config *config, unsigned int index,
		     u8 *mac);

/* What the card's thread waits for. */
struct net_poll {
	struct pollfd *fds;
	unsigned int count;
	unsigned int max;
	/* Milliseconds, or -1. */
	int timeout;
};

/* The index of the new entry, or -1: there is no room. */
int net_poll_add(struct net_poll *poll, int fd, short events);

/* Wake up no later than in @ms, or in a minute. */
#define NET_POLL_LONGEST	60000
void net_poll_within(struct net_poll *poll, u64 ms);

/* What the card waits for. */
#define NET_WANT_RECEIVE	BIT(0)
#define NET_WANT_SEND		BIT(1)

struct net;

/**
 * struct net_ops - a backend
 * @name: for messages.
 * @offload: what the driver has agreed to, of the bits of net->features; with 0,
 *	no header asks for anything.
 * @prepare: before poll(), @want is what the card waits for.
 * @dispatch: after it, with the same entries.
 * @send: one frame: 0, -EAGAIN if it must be sent again later (the card then
 *	wants to send), any other error if nobody will ever take it. The guest
 *	may write to what @iov points to at any time.
 * @receive: one frame into @frame, which has room for NET_FRAME_MAX: its length,
 *	or -EAGAIN. @hdr is for the guest, num_buffers aside.
 * @close: frees everything.
 *
 * One at a time; all but @offload, @receive and @close only in the thread of the
 * card.
 */
struct net_ops {
	const char *name;
	void (*offload)(struct net *net, u64 features);
	void (*prepare)(struct net *net, struct net_poll *poll,
			unsigned int want);
	void (*dispatch)(struct net *net, struct net_poll *poll);
	int (*send)(struct net *net, const struct virtio_net_hdr_v1 *hdr,
		    const struct iovec *iov, unsigned int count);
	ssize_t (*receive)(struct net *net, struct virtio_net_hdr_v1 *hdr,
			   void *frame);
	void (*close)(struct net *net);
};

/**
 * struct net - an open backend
 * @ops: what it does.
 * @features: bits of VIRTIO_NET_F_CSUM and its like, that it can do.
 * @mtu: the longest packet without offloads.
 * @gone: what is behind it is not there any more, and never comes back.
 */
struct net {
	const struct net_ops *ops;
	u64 features;
	u16 mtu;
	bool gone;
};

/* Sets @net or returns what is wrong, as net_parse() does. */
const char *net_open(const struct net_config *config, struct net **net);

/* ---- For the backends: net_tap.c, net_user.c or net_no_user.c ---- */

const char *net_tap_open(const struct net_config *config, struct net **net);
const char *net_user_open(const struct net_config *config, struct net **net);

/* False if the program was built without libslirp. */
extern const bool net_has_user;

/* A text to return. */
const char *net_error(const char *fmt, ...) __printf(1, 2);

#endif /* _VMM_NET_H */
