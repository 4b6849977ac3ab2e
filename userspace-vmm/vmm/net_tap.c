// SPDX-License-Identifier: GPL-2.0
/*
 * "--net tap": frames go to and come from a TAP interface of the host
 * (Documentation/networking/tuntap.rst of the kernel), each behind a header of
 * virtio: so the host's own network stack can do the checksums and the
 * segmentation that the guest has left out, and the other way round.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

#define TUN_DEVICE	"/dev/net/tun"
#define DEFAULT_MTU	1500
/* The header and a list of buffers; writev() takes no more (IOV_MAX). */
#define TAP_MAX_IOV	1024

/* What the driver may leave to the host, and the host to the driver. */
#define HOST_FEATURES	(NET_FEATURE(CSUM) | \
			 NET_FEATURE(HOST_TSO4) | \
			 NET_FEATURE(HOST_TSO6) | \
			 NET_FEATURE(HOST_ECN))
#define GUEST_FEATURES	(NET_FEATURE(GUEST_CSUM) | \
			 NET_FEATURE(GUEST_TSO4) | \
			 NET_FEATURE(GUEST_TSO6) | \
			 NET_FEATURE(GUEST_ECN))

struct tap {
	struct net net;
	int fd;
	char ifname[IFNAMSIZ];
};

static struct tap *to_tap(struct net *net)
{
	return container_of(net, struct tap, net);
}

/* TUN_F_TSO* need TUN_F_CSUM, TUN_F_TSO_ECN one of those, as in virtio. */
static unsigned int tun_offloads(u64 features)
{
	unsigned int flags = 0;

	if (!(features & NET_FEATURE(GUEST_CSUM)))
		return 0;
	flags = TUN_F_CSUM;
	if (features & NET_FEATURE(GUEST_TSO4))
		flags |= TUN_F_TSO4;
	if (features & NET_FEATURE(GUEST_TSO6))
		flags |= TUN_F_TSO6;
	if (flags != TUN_F_CSUM && features & NET_FEATURE(GUEST_ECN))
		flags |= TUN_F_TSO_ECN;
	return flags;
}

static void tap_offload(struct net *net, u64 features)
{
	struct tap *tap = to_tap(net);

	/* Fewer than what was tried when it was opened. */
	if (ioctl(tap->fd, TUNSETOFFLOAD, tun_offloads(features)))
		note("%s: TUNSETOFFLOAD: %s", tap->ifname, strerror(errno));
}

static void tap_prepare(struct net *net, struct net_poll *poll,
			unsigned int want)
{
	short events = 0;

	if (want & NET_WANT_RECEIVE)
		events |= POLLIN;
	if (want & NET_WANT_SEND)
		events |= POLLOUT;
	/* POLLERR is told whatever one asks for, and would be told for ever. */
	if (events && !net->gone)
		net_poll_add(poll, to_tap(net)->fd, events);
}

/* The card sends and receives whatever poll() has found. */
static void tap_dispatch(struct net *net, struct net_poll *poll)
{
	if (!poll->count || !(poll->fds[0].revents & POLLERR))
		return;
	net->gone = true;
	warn("the interface %s is gone", to_tap(net)->ifname);
}

static int tap_send(struct net *net, const struct virtio_net_hdr_v1 *hdr,
		    const struct iovec *iov, unsigned int count)
{
	struct iovec all[TAP_MAX_IOV];

	if (count >= TAP_MAX_IOV)
		return -EMSGSIZE;
	all[0].iov_base = (void *)hdr;
	all[0].iov_len = sizeof(*hdr);
	memcpy(all + 1, iov, count * sizeof(*iov));
	/*
	 * The kernel does not trust the header either. It does the same with one
	 * that a process has made up.
	 */
	if (writev(to_tap(net)->fd, all, count + 1) < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return 0;
}

static ssize_t tap_receive(struct net *net, struct virtio_net_hdr_v1 *hdr,
			   void *frame)
{
	struct iovec iov[] = {
		{ .iov_base = hdr, .iov_len = sizeof(*hdr) },
		{ .iov_base = frame, .iov_len = NET_FRAME_MAX },
	};
	ssize_t len;

	len = readv(to_tap(net)->fd, iov, ARRAY_SIZE(iov));
	/* Whatever it is, there is nothing to be had now. */
	if (len < (ssize_t)sizeof(*hdr))
		return -EAGAIN;
	return len - sizeof(*hdr);
}

static void tap_close(struct net *net)
{
	struct tap *tap = to_tap(net);

	close(tap->fd);
	free(tap);
}

static const struct net_ops tap_ops = {
	.name = "tap",
	.offload = tap_offload,
	.prepare = tap_prepare,
	.dispatch = tap_dispatch,
	.send = tap_send,
	.receive = tap_receive,
	.close = tap_close,
};

/* ---- Opening ----------------------------------------------------------- */

static const char *open_device(int *fd)
{
	*fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (*fd >= 0)
		return NULL;
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return net_error("no " TUN_DEVICE ": load the driver (modprobe tun)");
	case EACCES:
	case EPERM:
		return net_error("no permission for " TUN_DEVICE ": see its group and mode");
	}
	return net_error(TUN_DEVICE ": %s", strerror(errno));
}

static const char *attach_error(const char *ifname, int err)
{
	switch (err) {
	case EPERM:
		if (!if_nametoindex(ifname))
			return net_error("no %s: as root, ip tuntap add %s mode tap user NAME",
					 ifname, ifname);
		return net_error("the interface %s belongs to another user (ip tuntap show)",
				 ifname);
	case EBUSY:
		return net_error("the interface %s is in use by another program",
				 ifname);
	case EINVAL:
		return net_error("the interface %s is no TAP interface, or one with multi_queue",
				 ifname);
	}
	return net_error("the interface %s: %s", ifname, strerror(err));
}

static const char *attach(struct tap *tap)
{
	struct ifreq ifr = { 0 };
	unsigned int features;
	int size = sizeof(struct virtio_net_hdr_v1), little = 1;

	if (ioctl(tap->fd, TUNGETFEATURES, &features) ||
	    !(features & IFF_VNET_HDR))
		return net_error("the kernel's TUN driver is too old: no IFF_VNET_HDR");
	strcpy(ifr.ifr_name, tap->ifname);
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(tap->fd, TUNSETIFF, &ifr))
		return attach_error(tap->ifname, errno);
	if (ioctl(tap->fd, TUNSETVNETHDRSZ, &size))
		return net_error("%s: TUNSETVNETHDRSZ: %s", tap->ifname,
				 strerror(errno));
	/* The default, unless somebody has had it before us. */
	if (ioctl(tap->fd, TUNSETVNETLE, &little) && errno != EINVAL &&
	    errno != ENOTTY)
		return net_error("%s: TUNSETVNETLE: %s", tap->ifname,
				 strerror(errno));
	return NULL;
}

/* Any socket has these. */
static void look_at_interface(struct tap *tap)
{
	struct ifreq ifr = { 0 };
	int fd;

	tap->net.mtu = DEFAULT_MTU;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	strcpy(ifr.ifr_name, tap->ifname);
	if (!ioctl(fd, SIOCGIFMTU, &ifr) && ifr.ifr_mtu >= ETH_MIN_MTU &&
	    ifr.ifr_mtu <= (int)ETH_MAX_MTU)
		tap->net.mtu = ifr.ifr_mtu;
	if (!ioctl(fd, SIOCGIFFLAGS, &ifr) && !(ifr.ifr_flags & IFF_UP))
		warn("%s is down: ip link set %s up", tap->ifname, tap->ifname);
	close(fd);
}

const char *net_tap_open(const struct net_config *config, struct net **net)
{
	struct tap *tap;
	const char *wrong;

	tap = calloc(1, sizeof(*tap));
	if (!tap)
		return net_error("no memory");
	tap->net.ops = &tap_ops;
	strcpy(tap->ifname, config->ifname);
	wrong = open_device(&tap->fd);
	if (wrong) {
		free(tap);
		return wrong;
	}
	wrong = attach(tap);
	if (wrong) {
		tap_close(&tap->net);
		return wrong;
	}
	/* All or nothing: kernels have had all of them since 2.6.30. */
	if (!ioctl(tap->fd, TUNSETOFFLOAD, tun_offloads(GUEST_FEATURES)))
		tap->net.features = GUEST_FEATURES | HOST_FEATURES;
	tap_offload(&tap->net, 0);
	look_at_interface(tap);
	*net = &tap->net;
	return NULL;
}
