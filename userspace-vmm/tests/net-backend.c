// SPDX-License-Identifier: GPL-2.0
/*
 * The backends, seen from a guest: frames go through the card's queues into
 * libslirp, or a TAP interface, and to a real socket at the other end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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

/* Buffers that are always there to receive into. */
#define ROOMS		16
#define ROOM_SIZE	4096
#define ROOM(n)		(DATA + 0x20000 + (n) * ROOM_SIZE)

/* How long something may take that happens, and that does not. */
#define SOON_MS		3000
#define NEVER_MS	50

static struct virtio_net card;
static struct driver drv;
static const u8 guest_mac[] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

static struct virtio_net_hdr_v1 hdr;
static u8 frame[NET_FRAME_MAX];

static void submit_room(unsigned int n)
{
	struct buf buf = { ROOM(n), ROOM_SIZE, true };

	driver_submit(&drv, RX, &buf, 1);
}

static void guest_start(struct net *net, u64 features)
{
	unsigned int n;

	ram_new();
	net_turn_reset();
	virtio_net_init(&card, &ram, net, guest_mac);
	driver_start(&drv, &card.vdev, features, ROOMS);
	for (n = 0; n < ROOMS; n++)
		submit_room(n);
}

static void guest_end(void)
{
	virtio_stop(&card.vdev);
	card.net->ops->close(card.net);
}

static void guest_send_hdr(const struct virtio_net_hdr_v1 *with,
			   const void *data, size_t len)
{
	struct buf buf = { DATA, HDR + len, false };
	u32 id, used;

	memcpy(at(DATA), with, HDR);
	memcpy((u8 *)at(DATA) + HDR, data, len);
	driver_submit(&drv, TX, &buf, 1);
	net_turn(&card.vdev, 0);
	CHECK(driver_reap(&drv, TX, &id, &used));
}

static void guest_send(const void *data, size_t len)
{
	static const struct virtio_net_hdr_v1 none;

	guest_send_hdr(&none, data, len);
}

/* The next frame into hdr and frame, in however many buffers; its length or -1. */
static ssize_t guest_receive(int ms)
{
	u64 until = now_ns() + ms * 1000000ULL;
	unsigned int left;
	size_t len = 0;
	u32 id, used;

	while (!driver_reap(&drv, RX, &id, &used)) {
		if (now_ns() >= until)
			return -1;
		net_turn(&card.vdev, 10);
	}
	memcpy(&hdr, at(ROOM(id)), HDR);
	left = hdr.num_buffers;
	do {
		size_t skip = len ? 0 : HDR;

		memcpy(frame + len, (u8 *)at(ROOM(id)) + skip, used - skip);
		len += used - skip;
		submit_room(id);
	} while (--left && driver_reap(&drv, RX, &id, &used));
	CHECK(!left);
	return len;
}

/* ---- Packets ----------------------------------------------------------- */

#define GUEST_IP	0x0a00020fU
#define HOST_IP		0x0a000202U
#define DNS_IP		0x0a000203U

#define ETH	14
#define IP	20

static void put16(u8 *p, u16 value)
{
	p[0] = value >> 8;
	p[1] = value;
}

static void put32(u8 *p, u32 value)
{
	put16(p, value >> 16);
	put16(p + 2, value);
}

static u16 get16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

static u32 get32(const u8 *p)
{
	return (u32)get16(p) << 16 | get16(p + 2);
}

/* RFC 1071. */
static u16 checksum(const u8 *data, size_t len, u32 sum)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += get16(data + i);
	if (len & 1)
		sum += data[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* What TCP and UDP add of the IPv4 header. */
static u32 pseudo_sum(const u8 *ip, unsigned int proto, size_t len)
{
	return get16(ip + 12) + get16(ip + 14) + get16(ip + 16) + get16(ip + 18) +
	       proto + len;
}

static void put_eth(u8 *p, u16 type)
{
	/* Of whoever has the address; libslirp takes all. */
	memcpy(p, "\x52\x55\x0a\x00\x02\x02", ETH_ALEN);
	memcpy(p + ETH_ALEN, guest_mac, ETH_ALEN);
	put16(p + 12, type);
}

/* Ethernet and IPv4 headers for @len bytes; returns where those go. */
static u8 *put_ip(u8 *p, unsigned int proto, u32 src, u32 dst, size_t len)
{
	put_eth(p, ETH_P_IP);
	p += ETH;
	memset(p, 0, IP);
	p[0] = 0x45;
	put16(p + 2, IP + len);
	p[8] = 64;
	p[9] = proto;
	put32(p + 12, src);
	put32(p + 16, dst);
	put16(p + 10, checksum(p, IP, 0));
	return p + IP;
}

static size_t put_udp(u8 *p, u32 dst, u16 sport, u16 dport, const void *data,
		      size_t len)
{
	u8 *udp = put_ip(p, IPPROTO_UDP, GUEST_IP, dst, 8 + len);

	put16(udp, sport);
	put16(udp + 2, dport);
	put16(udp + 4, 8 + len);
	/* No checksum. */
	put16(udp + 6, 0);
	memcpy(udp + 8, data, len);
	return ETH + IP + 8 + len;
}

#define TCP_FIN	0x01
#define TCP_SYN	0x02
#define TCP_RST	0x04
#define TCP_ACK	0x10

static size_t put_tcp(u8 *p, u32 src, u32 dst, u16 sport, u16 dport, u32 seq,
		      u32 ack, u8 flags, const void *data, size_t len)
{
	u8 *tcp = put_ip(p, IPPROTO_TCP, src, dst, 20 + len);

	memset(tcp, 0, 20);
	put16(tcp, sport);
	put16(tcp + 2, dport);
	put32(tcp + 4, seq);
	put32(tcp + 8, ack);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	put16(tcp + 14, 0x4000);
	memcpy(tcp + 20, data, len);
	put16(tcp + 16, checksum(tcp, 20 + len,
				 pseudo_sum(p + ETH, IPPROTO_TCP, 20 + len)));
	return ETH + IP + 20 + len;
}

/* The next frame of IPv4 and @proto to the guest: what is behind the header. */
static const u8 *receive_ip(unsigned int proto, int ms, size_t *len)
{
	u64 until = now_ns() + ms * 1000000ULL;
	ssize_t got;

	while (now_ns() < until) {
		got = guest_receive(ms);
		if (got < ETH + IP || get16(frame + 12) != ETH_P_IP ||
		    frame[ETH + 9] != proto)
			continue;
		CHECK(!checksum(frame + ETH, IP, 0));
		CHECK(get16(frame + ETH + 2) <= got - ETH);
		*len = get16(frame + ETH + 2) - IP;
		return frame + ETH + IP;
	}
	return NULL;
}

/* ---- Sockets of the host ----------------------------------------------- */

static int host_socket(int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket: %s", strerror(errno));
	return fd;
}

static struct sockaddr_in loopback(u16 port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* A server at 127.0.0.1, at a port that was free. */
static int host_server(int type, u16 *port)
{
	struct sockaddr_in addr = loopback(0);
	socklen_t size = sizeof(addr);
	int fd = host_socket(type);

	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    getsockname(fd, (struct sockaddr *)&addr, &size) ||
	    (type == SOCK_STREAM && listen(fd, 4)))
		die("a server at 127.0.0.1: %s", strerror(errno));
	*port = ntohs(addr.sin_port);
	return fd;
}

static u16 free_port(int type)
{
	u16 port;

	close(host_server(type, &port));
	return port;
}

/* While the guest's network goes on. */
static bool host_readable(int fd, int ms)
{
	u64 until = now_ns() + ms * 1000000ULL;

	do {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		if (poll(&pfd, 1, 1) > 0)
			return true;
		net_turn(&card.vdev, 5);
	} while (now_ns() < until);
	return false;
}

/* ---- libslirp ---------------------------------------------------------- */

/* False if there is none: the test is skipped. */
static bool user_start(const char *options)
{
	struct net_config config;
	const char *wrong;
	struct net *net;

	if (!net_has_user) {
		test_skip("built without libslirp");
		return false;
	}
	wrong = net_parse(&config, options);
	if (!wrong)
		wrong = net_open(&config, &net);
	if (wrong)
		die("--net %s: %s", options, wrong);
	guest_start(net, F(MRG_RXBUF));
	return true;
}

/* Who has @ip? libslirp learns the guest's address from it. */
static void send_arp(u32 ip)
{
	u8 request[42];

	put_eth(request, ETH_P_ARP);
	memset(request, 0xff, ETH_ALEN);
	put16(request + 14, 1);
	put16(request + 16, ETH_P_IP);
	request[18] = ETH_ALEN;
	request[19] = 4;
	put16(request + 20, 1);
	memcpy(request + 22, guest_mac, ETH_ALEN);
	put32(request + 28, GUEST_IP);
	memset(request + 32, 0, ETH_ALEN);
	put32(request + 38, ip);
	guest_send(request, sizeof(request));
}

static bool arp_answered(u32 ip, int ms)
{
	send_arp(ip);
	return guest_receive(ms) >= 42 && get16(frame + 12) == ETH_P_ARP &&
	       get16(frame + 20) == 2 && get32(frame + 28) == ip &&
	       !memcmp(frame + 32, guest_mac, ETH_ALEN) &&
	       get32(frame + 38) == GUEST_IP;
}

static void test_user_arp(void)
{
	if (!user_start("user"))
		return;
	/* The answer is there before it goes to sleep. */
	send_arp(HOST_IP);
	CHECK(net_turn_timeout() == 0);
	CHECK(guest_receive(SOON_MS) >= 42);
	CHECK(net_turn_timeout() != 0);
	CHECK(arp_answered(HOST_IP, SOON_MS));
	CHECK(arp_answered(DNS_IP, SOON_MS));
	/* Nobody is there. */
	CHECK(!arp_answered(0x0a000242, NEVER_MS));
	guest_end();
}

/* Options of DHCP (RFC 2132) from @p on: where the value of @code is. */
static const u8 *dhcp_option(const u8 *p, const u8 *end, u8 code)
{
	while (p + 1 < end && *p != 255) {
		if (*p == code)
			return p + 2;
		p += *p ? 2 + p[1] : 1;
	}
	return NULL;
}

static void test_user_dhcp(void)
{
	static const u8 discover[] = { 0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255 };
	u8 request[ETH + IP + 8 + 300] = { 0 }, *ip = request + ETH;
	u8 bootp[300] = { 1, 1, 6, 0, 0xca, 0xfe, 0xba, 0xbe };
	const u8 *udp, *value;
	size_t len = 0;

	if (!user_start("user"))
		return;
	memcpy(bootp + 28, guest_mac, ETH_ALEN);
	memcpy(bootp + 236, discover, sizeof(discover));
	put_udp(request, 0xffffffff, 68, 67, bootp, sizeof(bootp));
	/* It has no address yet. */
	put32(ip + 12, 0);
	put16(ip + 10, 0);
	put16(ip + 10, checksum(ip, IP, 0));
	guest_send(request, sizeof(request));
	udp = receive_ip(IPPROTO_UDP, SOON_MS, &len);
	CHECK(udp && len > 8 + 240);
	if (!udp)
		goto out;
	CHECK(get16(udp) == 67 && get16(udp + 2) == 68);
	CHECK(get32(udp + 8 + 4) == 0xcafebabe);
	CHECK(get32(udp + 8 + 16) == GUEST_IP);
	value = dhcp_option(udp + 8 + 240, udp + len, 53);
	CHECK(value && *value == 2);
	value = dhcp_option(udp + 8 + 240, udp + len, 3);
	CHECK(value && get32(value) == HOST_IP);
	value = dhcp_option(udp + 8 + 240, udp + len, 6);
	CHECK(value && get32(value) == DNS_IP);
out:
	guest_end();
}

static void test_user_ping(void)
{
	u8 request[ETH + IP + 40], *icmp;
	const u8 *answer;
	size_t len = 0;

	if (!user_start("user"))
		return;
	CHECK(arp_answered(HOST_IP, SOON_MS));
	icmp = put_ip(request, IPPROTO_ICMP, GUEST_IP, HOST_IP, 40);
	memset(icmp, 0x5a, 40);
	put32(icmp, 8 << 24);
	put16(icmp + 2, checksum(icmp, 40, 0));
	guest_send(request, sizeof(request));
	answer = receive_ip(IPPROTO_ICMP, SOON_MS, &len);
	CHECK(answer && len == 40 && answer[0] == 0);
	CHECK(answer && !memcmp(answer + 4, icmp + 4, 36));
	CHECK(answer && get32(frame + ETH + 12) == HOST_IP);
	guest_end();
}

/* What the guest sends to @dst arrives at a server of the host's loopback. */
static bool udp_arrives(u32 dst, int fd, u16 port, int ms)
{
	u8 packet[ETH + IP + 8 + 4];
	char buf[16];

	guest_send(packet, put_udp(packet, dst, 1000, port, "ping", 4));
	return host_readable(fd, ms) &&
	       recv(fd, buf, sizeof(buf), MSG_DONTWAIT) == 4 &&
	       !memcmp(buf, "ping", 4);
}

static void test_user_udp(void)
{
	u8 packet[ETH + IP + 8 + 1400], data[1400];
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	const u8 *udp;
	size_t len = 0;
	unsigned int i;
	u16 port;
	int fd;

	if (!user_start("user"))
		return;
	fd = host_server(SOCK_DGRAM, &port);
	CHECK(arp_answered(HOST_IP, SOON_MS));
	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 3;
	guest_send(packet, put_udp(packet, HOST_IP, 1000, port, data, 1400));
	CHECK(host_readable(fd, SOON_MS));
	memset(data, 0, sizeof(data));
	CHECK(recvfrom(fd, data, sizeof(data), MSG_DONTWAIT,
		       (struct sockaddr *)&from, &size) == 1400);
	for (i = 0; i < sizeof(data); i++) {
		if (data[i] != (u8)(i * 3))
			break;
	}
	CHECK(i == sizeof(data));
	/* And back. */
	CHECK(sendto(fd, "pong", 4, 0, (struct sockaddr *)&from, size) == 4);
	udp = receive_ip(IPPROTO_UDP, SOON_MS, &len);
	CHECK(udp && len == 12 && !memcmp(udp + 8, "pong", 4));
	CHECK(udp && get32(frame + ETH + 12) == HOST_IP);
	CHECK(udp && get16(udp) == port && get16(udp + 2) == 1000);
	close(fd);
	guest_end();
}

static const u8 *receive_tcp(u8 flags, size_t *len)
{
	const u8 *tcp;

	do {
		tcp = receive_ip(IPPROTO_TCP, SOON_MS, len);
	} while (tcp && (tcp[13] & (TCP_SYN | TCP_RST | TCP_FIN | TCP_ACK)) !=
			flags);
	return tcp;
}

/* A connection of the guest, with a few bytes each way. */
static void test_user_tcp(void)
{
	const u32 seq = 1000;
	u8 packet[128];
	const u8 *tcp;
	size_t len = 0;
	int fd, conn;
	char buf[16];
	u32 theirs;
	u16 port;

	if (!user_start("user"))
		return;
	fd = host_server(SOCK_STREAM, &port);
	CHECK(arp_answered(HOST_IP, SOON_MS));
	guest_send(packet, put_tcp(packet, GUEST_IP, HOST_IP, 2000, port, seq, 0,
				   TCP_SYN, "", 0));
	tcp = receive_tcp(TCP_SYN | TCP_ACK, &len);
	CHECK(tcp && get32(tcp + 8) == seq + 1);
	if (!tcp)
		goto out;
	theirs = get32(tcp + 4) + 1;
	guest_send(packet, put_tcp(packet, GUEST_IP, HOST_IP, 2000, port,
				   seq + 1, theirs, TCP_ACK, "hello", 5));
	CHECK(host_readable(fd, SOON_MS));
	conn = accept(fd, NULL, NULL);
	CHECK(host_readable(conn, SOON_MS));
	CHECK(recv(conn, buf, sizeof(buf), MSG_DONTWAIT) == 5);
	CHECK(!memcmp(buf, "hello", 5));
	CHECK(send(conn, "world!", 6, MSG_NOSIGNAL) == 6);
	do {
		tcp = receive_ip(IPPROTO_TCP, SOON_MS, &len);
	} while (tcp && len == (size_t)(tcp[12] >> 4) * 4);
	CHECK(tcp && len == (size_t)(tcp[12] >> 4) * 4 + 6);
	CHECK(tcp && !memcmp(tcp + (tcp[12] >> 4) * 4, "world!", 6));
	close(conn);
	/* Nobody listens at this one. */
	guest_send(packet, put_tcp(packet, GUEST_IP, HOST_IP, 2001,
				   free_port(SOCK_STREAM), seq, 0, TCP_SYN, "",
				   0));
	CHECK(receive_tcp(TCP_RST | TCP_ACK, &len));
out:
	close(fd);
	guest_end();
}

static void test_user_hostfwd_tcp(void)
{
	const u16 port = free_port(SOCK_STREAM);
	struct sockaddr_in addr = loopback(port);
	char options[64], buf[4];
	u8 packet[128];
	const u8 *tcp;
	size_t len = 0;
	int fd;

	/* Forwards are what a restricted guest is left with. */
	snprintf(options, sizeof(options),
		 "user,restrict=on,host=off,hostfwd=tcp::%u-:22", port);
	if (!user_start(options))
		return;
	CHECK(arp_answered(HOST_IP, SOON_MS));
	fd = host_socket(SOCK_STREAM);
	CHECK(!connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
	tcp = receive_tcp(TCP_SYN, &len);
	CHECK(tcp && get16(tcp + 2) == 22);
	CHECK(tcp && get32(frame + ETH + 16) == GUEST_IP);
	if (tcp) {
		/* The guest says no, and the host hears of it. */
		guest_send(packet, put_tcp(packet, GUEST_IP, HOST_IP, 22,
					   get16(tcp), 0, get32(tcp + 4) + 1,
					   TCP_RST | TCP_ACK, "", 0));
		CHECK(host_readable(fd, SOON_MS));
		CHECK(recv(fd, buf, sizeof(buf), MSG_DONTWAIT) <= 0);
	}
	close(fd);
	guest_end();
}

static void test_user_hostfwd_udp(void)
{
	const u16 port = free_port(SOCK_DGRAM);
	struct sockaddr_in addr = loopback(port);
	u8 packet[ETH + IP + 8 + 4];
	char options[64], buf[16];
	const u8 *udp;
	size_t len = 0;
	int fd;

	snprintf(options, sizeof(options),
		 "user,hostfwd=udp:127.0.0.1:%u-10.0.2.15:53", port);
	if (!user_start(options))
		return;
	CHECK(arp_answered(HOST_IP, SOON_MS));
	fd = host_socket(SOCK_DGRAM);
	CHECK(sendto(fd, "ask", 3, 0, (struct sockaddr *)&addr,
		     sizeof(addr)) == 3);
	udp = receive_ip(IPPROTO_UDP, SOON_MS, &len);
	CHECK(udp && len == 11 && !memcmp(udp + 8, "ask", 3));
	CHECK(udp && get16(udp + 2) == 53);
	if (udp) {
		put_udp(packet, get32(frame + ETH + 12), 53, get16(udp), "told",
			4);
		guest_send(packet, sizeof(packet));
		CHECK(host_readable(fd, SOON_MS));
		CHECK(recv(fd, buf, sizeof(buf), MSG_DONTWAIT) == 4);
		CHECK(!memcmp(buf, "told", 4));
	}
	close(fd);
	guest_end();
}

/* From where a server of the host's loopback can be reached. */
static void test_user_loopback(void)
{
	static const struct {
		const char *options;
		u32 dst;
		bool arrives;
	} ways[] = {
		{ "user", HOST_IP, true },
		{ "user,host=off", HOST_IP, false },
		{ "user,restrict=on", HOST_IP, false },
		/* By its own name never. */
		{ "user", INADDR_LOOPBACK, false },
		{ "user,host=off", INADDR_LOOPBACK, false },
		{ "user,host=off", 0x7f010203, false },
		{ "user,host=off", 0, false },
		{ "user,restrict=on", INADDR_LOOPBACK, false },
	};
	unsigned int i;
	u16 port;
	int fd;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		if (!user_start(ways[i].options))
			return;
		fd = host_server(SOCK_DGRAM, &port);
		CHECK(arp_answered(HOST_IP, SOON_MS));
		if (udp_arrives(ways[i].dst, fd, port, ways[i].arrives ?
				SOON_MS : NEVER_MS) != ways[i].arrives) {
			printf("# %s, 0x%08x\n", ways[i].options, ways[i].dst);
			failed = true;
		}
		close(fd);
		guest_end();
	}
}

/* What is not ARP or IPv4, and what is only a part of it. */
static void test_user_hostile(void)
{
	static const u16 types[] = { ETH_P_IPV6, 0x88f8, ETH_P_8021Q, 0, 0xffff };
	u8 packet[1514];
	unsigned int i;
	size_t len;

	if (!user_start("user"))
		return;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		memset(packet, 0xff, sizeof(packet));
		put_eth(packet, types[i]);
		guest_send(packet, sizeof(packet));
		CHECK(guest_receive(0) < 0);
	}
	/* A header that ends anywhere, or says so. */
	put_udp(packet, HOST_IP, 1, 1, frame, 500);
	for (len = ETH; len < ETH + IP + 8; len++)
		guest_send(packet, len);
	for (i = 0; i < 256; i++) {
		packet[ETH] = i;
		guest_send(packet, 200);
	}
	packet[ETH] = 0x45;
	for (i = 0; i < 65536; i += 1024 - 1) {
		put16(packet + ETH + 2, i);
		guest_send(packet, 200);
	}
	/* Longer than the network takes. */
	guest_send(frame, 1515);
	guest_send(frame, NET_FRAME_MAX);
	CHECK(card.tx_dropped == 2);
	while (guest_receive(0) >= 0)
		;
	CHECK(arp_answered(HOST_IP, SOON_MS));
	guest_end();
}

/* A datagram of two fragments arrives, unless the guest has sent too many. */
static bool fragments_arrive(int fd, u16 port, int ms)
{
	u8 packet[ETH + IP + 8 + 800], *ip = packet + ETH;
	char buf[2000];
	u8 data[800] = { 0 };

	put_udp(packet, HOST_IP, 1000, port, data, 800);
	put16(ip + 4, 0xabcd);
	put16(ip + 6, 0x2000);
	put16(ip + 10, 0);
	put16(ip + 10, checksum(ip, IP, 0));
	/* Its length is that of the whole. */
	put16(ip + IP + 4, 8 + 800 + 8);
	guest_send(packet, sizeof(packet));
	put_ip(packet, IPPROTO_UDP, GUEST_IP, HOST_IP, 8);
	put16(ip + 4, 0xabcd);
	put16(ip + 6, (8 + 800) / 8);
	put16(ip + 10, 0);
	put16(ip + 10, checksum(ip, IP, 0));
	guest_send(packet, ETH + IP + 8);
	return host_readable(fd, ms) &&
	       recv(fd, buf, sizeof(buf), MSG_DONTWAIT) == 808;
}

static void test_user_fragments(void)
{
	u8 packet[ETH + IP + 8], *ip = packet + ETH;
	unsigned int i;
	u16 port;
	int fd;

	if (!user_start("user"))
		return;
	fd = host_server(SOCK_DGRAM, &port);
	CHECK(arp_answered(HOST_IP, SOON_MS));
	CHECK(fragments_arrive(fd, port, SOON_MS));
	/* Beginnings of packets that never end: libslirp would keep them all. */
	for (i = 0; i < 1024; i++) {
		put_ip(packet, IPPROTO_UDP, GUEST_IP, HOST_IP, 8);
		put16(ip + 4, i);
		put16(ip + 6, 0x2000);
		put16(ip + 10, 0);
		put16(ip + 10, checksum(ip, IP, 0));
		guest_send(packet, sizeof(packet));
	}
	CHECK(!fragments_arrive(fd, port, NEVER_MS));
	/* All else goes on. */
	CHECK(udp_arrives(HOST_IP, fd, port, SOON_MS));
	close(fd);
	guest_end();
}

/*
 * A guest that takes nothing: what comes from the host waits in its sockets, and
 * comes when there are buffers.
 */
static void test_user_backlog(void)
{
	struct buf buf = { DATA, HDR + ETH + IP + 9, false };
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	unsigned int i, got = 0;
	const u8 *udp;
	size_t len;
	u32 id;
	u16 port;
	int fd;

	if (!user_start("user"))
		return;
	fd = host_server(SOCK_DGRAM, &port);
	CHECK(arp_answered(HOST_IP, SOON_MS));
	/* Another life, with nothing to receive into. */
	driver_start(&drv, &card.vdev, F(MRG_RXBUF), ROOMS);
	memset(at(DATA), 0, HDR);
	put_udp((u8 *)at(DATA) + HDR, HOST_IP, 1000, port, "x", 1);
	driver_submit(&drv, TX, &buf, 1);
	CHECK(host_readable(fd, SOON_MS));
	CHECK(recvfrom(fd, &id, sizeof(id), MSG_DONTWAIT,
		       (struct sockaddr *)&from, &size) == 1);
	for (i = 0; i < 100; i++)
		CHECK(sendto(fd, &i, sizeof(i), 0, (struct sockaddr *)&from,
			     size) == sizeof(i));
	for (i = 0; i < 20; i++)
		net_turn(&card.vdev, 1);
	/* It does not even look at its sockets, and is not in a hurry. */
	CHECK(card.starved);
	CHECK(net_turn_files() == 0 && net_turn_timeout() != 0);
	for (i = 0; i < ROOMS; i++)
		submit_room(i);
	while (got < 100) {
		udp = receive_ip(IPPROTO_UDP, SOON_MS, &len);
		if (!udp || len != 8 + sizeof(i))
			break;
		memcpy(&i, udp + 8, sizeof(i));
		CHECK(i == got);
		got++;
	}
	CHECK(got == 100);
	CHECK(!card.rx_dropped);
	close(fd);
	guest_end();
}

static void check_open_error(const char *options, const char *says)
{
	struct net_config config;
	const char *wrong;
	struct net *net;

	CHECK(!net_parse(&config, options));
	wrong = net_open(&config, &net);
	if (!wrong)
		net->ops->close(net);
	if (wrong && strstr(wrong, says))
		return;
	printf("# %s: %s\n", options, wrong ? wrong : "opened");
	failed = true;
}

static void test_user_errors(void)
{
	char options[128];
	u16 port;
	int fd;

	if (!net_has_user) {
		check_open_error("user", "built without libslirp");
		return;
	}
	fd = host_server(SOCK_STREAM, &port);
	snprintf(options, sizeof(options), "user,hostfwd=tcp::%u-:22", port);
	check_open_error(options, "in use by another program");
	close(fd);
	fd = host_server(SOCK_DGRAM, &port);
	snprintf(options, sizeof(options), "user,hostfwd=udp::%u-:22", port);
	check_open_error(options, "in use by another program");
	close(fd);
	/* TEST-NET-1 (RFC 5737). */
	check_open_error("user,hostfwd=tcp:192.0.2.1:2222-:22",
			 "192.0.2.1:2222: not an address of this host");
}

/* ---- For the sandbox --------------------------------------------------- */

/* What nobody answers, and everybody may try (RFC 5737). */
#define FAR_IP		0xc0000201U

static int guests_server;
static u16 guests_port;

void net_guest_begin(const char *options, u16 port)
{
	struct sockaddr_in addr = loopback(port);

	if (!user_start(options))
		die("no libslirp");
	if (!arp_answered(HOST_IP, SOON_MS))
		die("libslirp does not answer");
	guests_server = host_server(SOCK_DGRAM, &guests_port);
	if (port && connect(host_socket(SOCK_STREAM), (struct sockaddr *)&addr, sizeof(addr)))
		die("port %u: %s", port, strerror(errno));
}

bool net_guest_reaches_host(void)
{
	u8 packet[ETH + IP + 40], *icmp;

	icmp = put_ip(packet, IPPROTO_ICMP, GUEST_IP, FAR_IP, 40);
	memset(icmp, 0, 40);
	put32(icmp, 8 << 24);
	put16(icmp + 2, checksum(icmp, 40, 0));
	guest_send(packet, sizeof(packet));
	guest_send(packet, put_tcp(packet, GUEST_IP, HOST_IP, 2000, guests_port, 1000, 0,
				   TCP_SYN, "", 0));
	return udp_arrives(HOST_IP, guests_server, guests_port, 20 * NEVER_MS);
}

bool net_guest_is_reached(void)
{
	size_t len;

	return receive_tcp(TCP_SYN, &len);
}

bool net_guest_asks(int server)
{
	return udp_arrives(DNS_IP, server, 53, SOON_MS);
}

u16 net_free_port(void)
{
	return free_port(SOCK_STREAM);
}

/* ---- TAP --------------------------------------------------------------- */

/* IEEE 802: local experimental EtherTypes. */
#define TEST_TYPE	0x88b5
#define PROBE_TYPE	0x88b6

static struct {
	char name[IFNAMSIZ];
	/* Sends into the interface, receives from it. */
	int packet;
} tap;

static int packet_open(bool vnet_hdr)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(tap.name),
	};
	int fd, on = vnet_hdr;

	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    (vnet_hdr && setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on,
				    sizeof(on))))
		die("a packet socket at %s: %s", tap.name, strerror(errno));
	return fd;
}

static void tap_flags(unsigned short flags)
{
	struct ifreq ifr = { .ifr_flags = flags };
	int fd = host_socket(SOCK_DGRAM);

	strcpy(ifr.ifr_name, tap.name);
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		die("%s: %s", tap.name, strerror(errno));
	close(fd);
}

static void tap_mtu(int mtu)
{
	struct ifreq ifr = { .ifr_mtu = mtu };
	int fd = host_socket(SOCK_DGRAM);

	strcpy(ifr.ifr_name, tap.name);
	if (ioctl(fd, SIOCSIFMTU, &ifr))
		die("%s: %s", tap.name, strerror(errno));
	close(fd);
}

/* Nothing of the host's own in between. */
static void tap_quiet(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6",
		 tap.name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "1", 1) != 1)
		warn("%s: %s", path, strerror(errno));
	close(fd);
}

/* An interface of our own, there until tap_delete(). False: it is skipped. */
static bool tap_create(bool vnet_hdr)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd;

	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		test_skip("no /dev/net/tun");
		return false;
	}
	strcpy(ifr.ifr_name, "avtap%d");
	if (ioctl(fd, TUNSETIFF, &ifr) || ioctl(fd, TUNSETPERSIST, 1)) {
		test_skip("no right to make an interface");
		close(fd);
		return false;
	}
	close(fd);
	strcpy(tap.name, ifr.ifr_name);
	tap_quiet();
	tap_flags(IFF_UP | IFF_PROMISC);
	tap.packet = packet_open(vnet_hdr);
	return true;
}

/* RTM_DELLINK: also while somebody uses it. */
static void tap_delete(void)
{
	struct {
		struct nlmsghdr nlh;
		struct ifinfomsg ifi;
	} request = {
		.nlh.nlmsg_len = sizeof(request),
		.nlh.nlmsg_type = RTM_DELLINK,
		.nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		.ifi.ifi_index = if_nametoindex(tap.name),
	};
	char answer[256];
	int fd;

	if (tap.packet >= 0)
		close(tap.packet);
	tap.packet = -1;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0 || send(fd, &request, sizeof(request), 0) < 0 ||
	    recv(fd, answer, sizeof(answer), 0) < 0)
		die("cannot delete %s: %s", tap.name, strerror(errno));
	close(fd);
}

static ssize_t guest_receive_type(u16 type, int ms)
{
	ssize_t len;

	do {
		len = guest_receive(ms);
	} while (len >= 0 && (len < ETH || get16(frame + 12) != type));
	return len;
}

/*
 * Since somebody has opened the interface it has a carrier, but the kernel throws
 * frames away until it has looked at that (net/core/link_watch.c).
 */
static void wait_for_link(bool vnet_hdr)
{
	u8 buf[sizeof(struct virtio_net_hdr) + 60] = { 0 };
	size_t skip = vnet_hdr ? sizeof(struct virtio_net_hdr) : 0;
	u64 until = now_ns() + SOON_MS * 1000000ULL;

	put_eth(buf + skip, PROBE_TYPE);
	do {
		CHECK(send(tap.packet, buf, skip + 60, 0) > 0);
	} while (guest_receive_type(PROBE_TYPE, 2) < 0 && now_ns() < until);
	while (guest_receive(0) >= 0)
		;
}

/* An interface and a guest at it. */
static bool tap_start(u64 features, bool vnet_hdr)
{
	char options[64];
	struct net_config config;
	const char *wrong;
	struct net *net;

	if (!tap_create(vnet_hdr))
		return false;
	snprintf(options, sizeof(options), "tap,ifname=%s", tap.name);
	wrong = net_parse(&config, options);
	if (!wrong)
		wrong = net_open(&config, &net);
	if (wrong)
		die("--net %s: %s", options, wrong);
	guest_start(net, features);
	wait_for_link(vnet_hdr);
	return true;
}

static void tap_end(void)
{
	guest_end();
	tap_delete();
}

/* The next frame of our own that comes out of the interface. */
static ssize_t host_receive(u8 *buf, size_t size, size_t type_at, u16 type)
{
	u64 until = now_ns() + SOON_MS * 1000000ULL;
	ssize_t len;

	while (now_ns() < until) {
		if (!host_readable(tap.packet, 10))
			continue;
		len = recv(tap.packet, buf, size, 0);
		if (len >= (ssize_t)type_at + 2 && get16(buf + type_at) == type)
			return len;
	}
	return -1;
}

static void test_tap_frames(void)
{
	static const size_t lens[] = { 60, 61, 999, 1514 };
	u8 packet[1514], buf[2048];
	unsigned int i, n;

	if (!tap_start(F(MRG_RXBUF), false))
		return;
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		for (n = 0; n < lens[i]; n++)
			packet[n] = n + i;
		put_eth(packet, TEST_TYPE);
		guest_send(packet, lens[i]);
		CHECK(host_receive(buf, sizeof(buf), 12, TEST_TYPE) ==
		      (ssize_t)lens[i]);
		CHECK(!memcmp(buf, packet, lens[i]));

		packet[20] ^= 0xff;
		CHECK(send(tap.packet, packet, lens[i], 0) == (ssize_t)lens[i]);
		CHECK(guest_receive_type(TEST_TYPE, SOON_MS) == (ssize_t)lens[i]);
		CHECK(!memcmp(frame, packet, lens[i]));
		CHECK(hdr.flags == 0 && hdr.gso_type == 0 &&
		      hdr.num_buffers == 1);
	}
	CHECK(!card.tx_dropped && !card.rx_dropped);
	tap_end();
}

static void test_tap_mtu(void)
{
	struct net_config config = { .kind = NET_TAP };
	const char *wrong;
	struct net *net;

	if (!tap_create(false))
		return;
	tap_mtu(9000);
	strcpy(config.ifname, tap.name);
	wrong = net_open(&config, &net);
	CHECK(!wrong);
	if (!wrong) {
		CHECK(net->mtu == 9000);
		net->ops->close(net);
	}
	tap_delete();
}

/* A checksum that one end leaves to the other. */
static void test_tap_checksum(void)
{
	struct virtio_net_hdr_v1 partial = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = ETH + IP, .csum_offset = 6,
	};
	u8 packet[ETH + IP + 8 + 11], *udp = packet + ETH + IP;
	struct virtio_net_hdr *vnet;
	u8 buf[2048];
	u64 features;
	u32 pseudo;

	for (features = F(CSUM); features;
	     features = features & F(GUEST_CSUM) ? 0 : F(CSUM) | F(GUEST_CSUM)) {
		if (!tap_start(features, true))
			return;
		put_udp(packet, HOST_IP, 7, 8, "hello world", 11);
		pseudo = pseudo_sum(packet + ETH, IPPROTO_UDP, 8 + 11);
		put16(udp + 6, (u16)~checksum(NULL, 0, pseudo));
		guest_send_hdr(&partial, packet, sizeof(packet));
		CHECK(host_receive(buf, sizeof(buf), sizeof(*vnet) + 12,
				   ETH_P_IP) ==
		      (ssize_t)(sizeof(*vnet) + sizeof(packet)));
		vnet = (struct virtio_net_hdr *)buf;
		CHECK(vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
		CHECK(vnet->csum_start == ETH + IP && vnet->csum_offset == 6);

		/* And the other way round. */
		memcpy(buf, &partial, sizeof(*vnet));
		memcpy(buf + sizeof(*vnet), packet, sizeof(packet));
		CHECK(send(tap.packet, buf, sizeof(*vnet) + sizeof(packet), 0) >
		      0);
		CHECK(guest_receive_type(ETH_P_IP, SOON_MS) == sizeof(packet));
		CHECK(!!(hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) ==
		      !!(features & F(GUEST_CSUM)));
		/* Complete for who did not agree to do it. */
		if (!(features & F(GUEST_CSUM)))
			CHECK(!checksum(frame + ETH + IP, 8 + 11, pseudo));
		tap_end();
	}
}

/* 4000 bytes of TCP from the host: one frame, or several. */
static void test_tap_segmentation(void)
{
	static const u64 choices[] = {
		F(MRG_RXBUF) | F(GUEST_CSUM) | F(GUEST_TSO4), F(MRG_RXBUF),
	};
	struct virtio_net_hdr vnet = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = ETH + IP + 20, .gso_size = 1448,
		.csum_start = ETH + IP, .csum_offset = 16,
	};
	u8 buf[sizeof(vnet) + ETH + IP + 20 + 4000], data[4000] = { 0 };
	u8 *packet = buf + sizeof(vnet), *tcp = packet + ETH + IP;
	size_t total;
	unsigned int i;
	ssize_t len;

	for (i = 0; i < ARRAY_SIZE(choices); i++) {
		if (!tap_start(choices[i], true))
			return;
		memcpy(buf, &vnet, sizeof(vnet));
		put_tcp(packet, HOST_IP, GUEST_IP, 1, 2, 100, 200, TCP_ACK, data,
			sizeof(data));
		put16(tcp + 16,
		      (u16)~checksum(NULL, 0, pseudo_sum(packet + ETH,
							 IPPROTO_TCP,
							 20 + sizeof(data))));
		CHECK(send(tap.packet, buf, sizeof(buf), 0) == sizeof(buf));
		for (total = 0; total < sizeof(data); ) {
			len = guest_receive_type(ETH_P_IP, SOON_MS);
			if (len <= ETH + IP + 20)
				break;
			total += len - (ETH + IP + 20);
			if (!i)
				CHECK(hdr.gso_type == VIRTIO_NET_HDR_GSO_TCPV4);
			else
				CHECK(len <= 1514 && !hdr.gso_type);
		}
		CHECK(total == sizeof(data));
		tap_end();
	}
}

static void test_tap_errors(void)
{
	struct net_config config = { .kind = NET_TAP };
	struct net *first;
	char options[64];

	if (!tap_create(false))
		return;
	strcpy(config.ifname, tap.name);
	CHECK(!net_open(&config, &first));
	snprintf(options, sizeof(options), "tap,ifname=%s", tap.name);
	check_open_error(options, "in use by another program");
	first->ops->close(first);
	check_open_error("tap,ifname=lo", "no TAP interface");
	tap_delete();
}

/* The interface is deleted while the guest uses it. */
static void test_tap_gone(void)
{
	u8 packet[60] = { 0 };
	unsigned int i;

	if (!tap_start(F(STATUS), false))
		return;
	net_turn(&card.vdev, 0);
	tap_delete();
	for (i = 0; i < 10 && !card.net->gone; i++)
		net_turn(&card.vdev, 100);
	CHECK(card.net->gone);
	CHECK(reg_get(&drv, CONFIG + 4) >> 16 == 0);
	put_eth(packet, TEST_TYPE);
	guest_send(packet, sizeof(packet));
	CHECK(card.tx_dropped == 1);
	/* There is nothing to wait for any more. */
	CHECK(!card.full);
	guest_end();
}

void net_backend_tests(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{ "net: user: ARP", test_user_arp },
		{ "net: user: DHCP", test_user_dhcp },
		{ "net: user: ping", test_user_ping },
		{ "net: user: UDP to the host and back", test_user_udp },
		{ "net: user: TCP to the host and back", test_user_tcp },
		{ "net: user: hostfwd, TCP", test_user_hostfwd_tcp },
		{ "net: user: hostfwd, UDP", test_user_hostfwd_udp },
		{ "net: user: ways to the host's loopback", test_user_loopback },
		{ "net: user: what is no packet", test_user_hostile },
		{ "net: user: too many fragments", test_user_fragments },
		{ "net: user: a guest that takes nothing", test_user_backlog },
		{ "net: user: what cannot be opened", test_user_errors },
		{ "net: tap: frames both ways", test_tap_frames },
		{ "net: tap: the interface's MTU", test_tap_mtu },
		{ "net: tap: checksums", test_tap_checksum },
		{ "net: tap: segmentation", test_tap_segmentation },
		{ "net: tap: what cannot be opened", test_tap_errors },
		{ "net: tap: an interface that goes away", test_tap_gone },
	};
	size_t i;

	/* As machine.c does: sockets come to their end. */
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		test_begin();
		tests[i].run();
		test_end(tests[i].name);
	}
}
