// SPDX-License-Identifier: GPL-2.0
/*
 * "--net user": a network inside of this process, made by libslirp. What the guest
 * sends there becomes sockets of the VMM, so nobody needs a right for it.
 *
 * All of libslirp runs in the thread of the card. It has its time and its name
 * server in static variables, therefore cards take turns.
 */
#include <errno.h>
#include <libslirp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "net_user.h"

#define USER_MTU	1500
#define USER_FRAME_MAX	(ETH_HLEN + USER_MTU)

/* Frames for the guest that the card has not taken yet: a power of two. */
#define USER_QUEUE_SIZE	512

/*
 * libslirp keeps fragments until the packet is complete, or for half a minute,
 * without a limit of its own, and looks through all of them for each new one.
 */
#define FRAGMENTS_MAX	1024
#define FRAGMENTS_NS	(30 * 1000000000ULL)

#define NSEC_PER_MSEC	1000000ULL

const bool net_has_user = true;

struct user_timer {
	struct user_timer *next;
	SlirpTimerCb callback;
	void *opaque;
	bool armed;
	u64 expires_ms;
};

struct user_frame {
	size_t len;
	u8 data[USER_FRAME_MAX];
};

struct user {
	struct net net;
	Slirp *slirp;
	struct user_timer *timers;
	/* Of prepare and dispatch. */
	struct net_poll *poll;
	/* Nothing is read from sockets: the guest has to take what is there. */
	bool muted;

	unsigned int head;
	unsigned int tail;
	struct user_frame queue[USER_QUEUE_SIZE];

	u64 fragments_since;
	unsigned int fragments;
	u8 frame[USER_FRAME_MAX];
};

static pthread_mutex_t slirp_lock = PTHREAD_MUTEX_INITIALIZER;

static struct user *to_user(struct net *net)
{
	return container_of(net, struct user, net);
}

/* ---- What libslirp asks for -------------------------------------------- */

static ssize_t user_send_packet(const void *buf, size_t len, void *opaque)
{
	struct user *user = opaque;
	struct user_frame *frame;

	/*
	 * A guest that takes nothing loses the answers to what it sends, as it would
	 * with any other card. What comes from sockets waits there (muted).
	 */
	if (user->tail - user->head == USER_QUEUE_SIZE || len > USER_FRAME_MAX) {
		note("user network: a frame of %zu bytes is lost", len);
		return len;
	}
	frame = &user->queue[user->tail++ % USER_QUEUE_SIZE];
	memcpy(frame->data, buf, len);
	frame->len = len;
	return len;
}

static void user_guest_error(const char *msg, void *opaque)
{
	(void)opaque;
	note("user network: %s", msg);
}

static int64_t user_clock(void *opaque)
{
	(void)opaque;
	return now_ns();
}

static void *user_timer_new(SlirpTimerCb callback, void *cb_opaque,
			    void *opaque)
{
	struct user *user = opaque;
	struct user_timer *timer;

	timer = calloc(1, sizeof(*timer));
	if (!timer)
		die("no memory for a timer of the user network");
	timer->callback = callback;
	timer->opaque = cb_opaque;
	timer->next = user->timers;
	user->timers = timer;
	return timer;
}

static void user_timer_free(void *timer, void *opaque)
{
	struct user *user = opaque;
	struct user_timer **p;

	for (p = &user->timers; *p; p = &(*p)->next) {
		if (*p == timer) {
			*p = (*p)->next;
			free(timer);
			return;
		}
	}
}

static void user_timer_mod(void *arg, int64_t expires_ms, void *opaque)
{
	struct user_timer *timer = arg;

	(void)opaque;
	timer->expires_ms = expires_ms;
	timer->armed = true;
}

/* All sockets are asked about at each turn. */
static void user_poll_fd(int fd, void *opaque)
{
	(void)fd;
	(void)opaque;
}

/* All calls are in one thread, which looks at everything before it waits. */
static void user_notify(void *opaque)
{
	(void)opaque;
}

static const SlirpCb user_callbacks = {
	.send_packet = user_send_packet,
	.guest_error = user_guest_error,
	.clock_get_ns = user_clock,
	.timer_new = user_timer_new,
	.timer_free = user_timer_free,
	.timer_mod = user_timer_mod,
	.register_poll_fd = user_poll_fd,
	.unregister_poll_fd = user_poll_fd,
	.notify = user_notify,
};

/* ---- Waiting ----------------------------------------------------------- */

static const struct {
	int slirp;
	short poll;
} events[] = {
	{ SLIRP_POLL_IN, POLLIN },
	{ SLIRP_POLL_OUT, POLLOUT },
	{ SLIRP_POLL_PRI, POLLPRI },
	{ SLIRP_POLL_ERR, POLLERR },
	{ SLIRP_POLL_HUP, POLLHUP },
};

static int user_add_poll(int fd, int wanted, void *opaque)
{
	struct user *user = opaque;
	short bits = 0;
	size_t i;

	/* -1: libslirp does not ask about it afterwards. */
	if (user->muted)
		return -1;
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		if (wanted & events[i].slirp)
			bits |= events[i].poll;
	}
	return net_poll_add(user->poll, fd, bits);
}

static int user_get_revents(int index, void *opaque)
{
	struct user *user = opaque;
	int found = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(events); i++) {
		if (user->poll->fds[index].revents & events[i].poll)
			found |= events[i].slirp;
	}
	return found;
}

static void user_prepare(struct net *net, struct net_poll *poll,
			 unsigned int want)
{
	struct user *user = to_user(net);
	u64 now_ms = now_ns() / NSEC_PER_MSEC;
	u32 timeout = NET_POLL_LONGEST;
	struct user_timer *timer;

	user->muted = user->head != user->tail;
	if (user->muted && want & NET_WANT_RECEIVE)
		net_poll_within(poll, 0);
	user->poll = poll;
	pthread_mutex_lock(&slirp_lock);
	slirp_pollfds_fill(user->slirp, &timeout, user_add_poll, user);
	pthread_mutex_unlock(&slirp_lock);
	net_poll_within(poll, timeout);
	for (timer = user->timers; timer; timer = timer->next) {
		if (timer->armed)
			net_poll_within(poll, timer->expires_ms > now_ms ?
					      timer->expires_ms - now_ms : 0);
	}
}

/* A callback may free its timer, and others. */
static void run_timers(struct user *user)
{
	u64 now_ms = now_ns() / NSEC_PER_MSEC;
	struct user_timer *timer = user->timers;

	while (timer) {
		if (!timer->armed || timer->expires_ms > now_ms) {
			timer = timer->next;
			continue;
		}
		timer->armed = false;
		timer->callback(timer->opaque);
		timer = user->timers;
	}
}

static void user_dispatch(struct net *net, struct net_poll *poll)
{
	struct user *user = to_user(net);

	user->poll = poll;
	pthread_mutex_lock(&slirp_lock);
	slirp_pollfds_poll(user->slirp, 0, user_get_revents, user);
	run_timers(user);
	pthread_mutex_unlock(&slirp_lock);
}

/* ---- Frames ------------------------------------------------------------ */

/* IPv4 (RFC 791), behind the Ethernet header. */
#define IP_MIN_LEN	20
#define IP_FRAGMENT	6
#define IP_DEST		16
/* All but the bit "don't fragment". */
#define IP_FRAGMENT_MASK 0xbfff

static bool fragment_allowed(struct user *user)
{
	u64 now = now_ns();

	if (now - user->fragments_since > FRAGMENTS_NS) {
		user->fragments_since = now;
		user->fragments = 0;
	}
	return user->fragments++ < FRAGMENTS_MAX;
}

/* NULL, or why libslirp must not see the frame in user->frame. */
static const char *refuse(struct user *user, size_t len)
{
	const u8 *ip = user->frame + ETH_HLEN;
	u16 type = user->frame[12] << 8 | user->frame[13];

	if (type == ETH_P_ARP)
		return NULL;
	if (type != ETH_P_IP)
		return "neither ARP nor IPv4";
	if (len < ETH_HLEN + IP_MIN_LEN)
		return "no IPv4 header";
	/*
	 * RFC 1122, 3.2.1.3: never outside of a host. libslirp would connect to
	 * these addresses as they are, and reach the host's loopback although
	 * the guest was not to.
	 */
	if (ip[IP_DEST] == 127 || ip[IP_DEST] == 0)
		return "a destination that is nobody's";
	if ((ip[IP_FRAGMENT] << 8 | ip[IP_FRAGMENT + 1]) & IP_FRAGMENT_MASK &&
	    !fragment_allowed(user))
		return "too many fragments";
	return NULL;
}

static int user_send(struct net *net, const struct virtio_net_hdr_v1 *hdr,
		     const struct iovec *iov, unsigned int count)
{
	struct user *user = to_user(net);
	const char *why;
	size_t len = 0;
	unsigned int i;

	/* No feature, so nothing that the header could say. */
	(void)hdr;
	/* A copy: the guest cannot change what was looked at. */
	for (i = 0; i < count; i++) {
		if (iov[i].iov_len > sizeof(user->frame) - len)
			return -EMSGSIZE;
		memcpy(user->frame + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	if (len < ETH_HLEN)
		return -EINVAL;
	why = refuse(user, len);
	if (why) {
		note("user network: a frame is dropped: %s", why);
		return 0;
	}
	pthread_mutex_lock(&slirp_lock);
	slirp_input(user->slirp, user->frame, len);
	pthread_mutex_unlock(&slirp_lock);
	return 0;
}

static ssize_t user_receive(struct net *net, struct virtio_net_hdr_v1 *hdr,
			    void *frame)
{
	struct user *user = to_user(net);
	const struct user_frame *first;

	if (user->head == user->tail)
		return -EAGAIN;
	first = &user->queue[user->head++ % USER_QUEUE_SIZE];
	memset(hdr, 0, sizeof(*hdr));
	memcpy(frame, first->data, first->len);
	return first->len;
}

static void user_offload(struct net *net, u64 features)
{
	/* There are none to be had. */
	(void)net;
	(void)features;
}

/* ---- Opening and closing ----------------------------------------------- */

static void user_close(struct net *net)
{
	struct user *user = to_user(net);

	pthread_mutex_lock(&slirp_lock);
	slirp_cleanup(user->slirp);
	pthread_mutex_unlock(&slirp_lock);
	while (user->timers)
		user_timer_free(user->timers, user);
	free(user);
}

static const struct net_ops user_ops = {
	.name = "user",
	.offload = user_offload,
	.prepare = user_prepare,
	.dispatch = user_dispatch,
	.send = user_send,
	.receive = user_receive,
	.close = user_close,
};

static const char *forward_error(const struct net_forward *forward, int err)
{
	const char *proto = forward->udp ? "udp" : "tcp", *why;
	char addr[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &forward->host_addr, addr, sizeof(addr));
	switch (err) {
	case EADDRINUSE:
		why = "the port is in use by another program";
		break;
	case EADDRNOTAVAIL:
		why = "not an address of this host";
		break;
	case EACCES:
		why = "a port below 1024 is for root (sysctl net.ipv4.ip_unprivileged_port_start)";
		break;
	default:
		why = strerror(err);
	}
	return net_error("hostfwd=%s:%s:%u: %s", proto, addr,
			 forward->host_port, why);
}

static const char *add_forwards(struct user *user,
				const struct net_config *config)
{
	unsigned int i;

	for (i = 0; i < config->num_forwards; i++) {
		const struct net_forward *forward = &config->forwards[i];

		errno = 0;
		if (slirp_add_hostfwd(user->slirp, forward->udp,
				      forward->host_addr, forward->host_port,
				      forward->guest_addr, forward->guest_port))
			return forward_error(forward, errno);
	}
	return NULL;
}

const char *net_user_open(const struct net_config *config, struct net **net)
{
	/* Version 1: any libslirp can do that. No IPv6, TFTP, BOOTP file. */
	SlirpConfig slirp_config = {
		.version = 1,
		.restricted = config->restricted,
		.in_enabled = true,
		.vnetwork.s_addr = htonl(NET_USER_NETWORK),
		.vnetmask.s_addr = htonl(NET_USER_MASK),
		.vhost.s_addr = htonl(NET_USER_HOST),
		.vdhcp_start.s_addr = htonl(NET_USER_GUEST),
		.vnameserver.s_addr = htonl(NET_USER_DNS),
		.if_mtu = USER_MTU,
		.if_mru = USER_MTU,
		.disable_host_loopback = config->no_host,
	};
	const char *wrong;
	struct user *user;

	user = calloc(1, sizeof(*user));
	if (!user)
		return net_error("no memory");
	user->net.ops = &user_ops;
	user->net.mtu = USER_MTU;
	user->fragments_since = now_ns();
	pthread_mutex_lock(&slirp_lock);
	user->slirp = slirp_new(&slirp_config, &user_callbacks, user);
	wrong = user->slirp ? add_forwards(user, config) :
			      net_error("libslirp does not start");
	pthread_mutex_unlock(&slirp_lock);
	if (!user->slirp) {
		free(user);
		return wrong;
	}
	if (wrong) {
		user_close(&user->net);
		return wrong;
	}
	*net = &user->net;
	return NULL;
}
