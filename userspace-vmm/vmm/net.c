// SPDX-License-Identifier: GPL-2.0
/*
 * The words of --net, and what all backends share.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net.h"
#include "net_user.h"

#define MACHINE_ID	"/etc/machine-id"
/* Longer than any list of forwards that anybody types. */
#define ARG_MAX_LEN	4096

const char *net_error(const char *fmt, ...)
{
	static char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return text;
}

/* ---- Words ------------------------------------------------------------- */

/* Exactly six bytes in hexadecimal with colons between them. */
static const char *parse_mac(struct net_config *config, const char *value)
{
	static const char digits[] = "0123456789abcdef";
	u8 mac[ETH_ALEN] = { 0 };
	static const u8 zero[ETH_ALEN];
	const char *p = value, *digit;
	unsigned int i;

	for (i = 0; i < 3 * ETH_ALEN - 1; i++, p++) {
		if (i % 3 == 2) {
			if (*p != ':')
				break;
			continue;
		}
		digit = *p ? strchr(digits, *p >= 'A' ? *p | 0x20 : *p) : NULL;
		if (!digit)
			break;
		mac[i / 3] = mac[i / 3] << 4 | (digit - digits);
	}
	if (i < 3 * ETH_ALEN - 1 || *p)
		return net_error("mac=%s: not an address (52:54:00:12:34:56)",
				 value);
	/* IEEE 802.3, 3.2.3: the first bit on the wire is of a group. */
	if (mac[0] & 1)
		return net_error("mac=%s: the address of a group, not of a card",
				 value);
	if (!memcmp(mac, zero, ETH_ALEN))
		return net_error("mac=%s: nobody's address", value);
	memcpy(config->mac, mac, ETH_ALEN);
	config->has_mac = true;
	return NULL;
}

/* Rules of the kernel's dev_valid_name(); '%' would ask it for a new name. */
static const char *parse_ifname(struct net_config *config, const char *value)
{
	if (!*value || strlen(value) >= sizeof(config->ifname) ||
	    strpbrk(value, "/:% \t\n") || !strcmp(value, ".") ||
	    !strcmp(value, ".."))
		return net_error("ifname=%s: not the name of an interface",
				 value);
	strcpy(config->ifname, value);
	return NULL;
}

static const char *parse_switch(const char *key, const char *value, bool *on)
{
	if (strcmp(value, "on") && strcmp(value, "off"))
		return net_error("%s=%s: on or off", key, value);
	*on = !strcmp(value, "on");
	return NULL;
}

static const char *parse_restrict(struct net_config *config, const char *value)
{
	return parse_switch("restrict", value, &config->restricted);
}

static const char *parse_host(struct net_config *config, const char *value)
{
	const char *wrong;
	bool on = true;

	wrong = parse_switch("host", value, &on);
	config->no_host = !on;
	return wrong;
}

/* "[ADDRESS]:PORT" of @len characters; @addr keeps its value without an address. */
static bool parse_end(const char *text, size_t len, struct in_addr *addr,
		      u16 *port)
{
	char buf[INET_ADDRSTRLEN + sizeof(":65535")], *colon, *end;
	unsigned long value;

	if (len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	colon = strchr(buf, ':');
	if (!colon)
		return false;
	*colon++ = '\0';
	if (*buf && inet_pton(AF_INET, buf, addr) != 1)
		return false;
	value = strtoul(colon, &end, 10);
	if (*colon < '0' || *colon > '9' || *end || !value || value > 0xffff)
		return false;
	*port = value;
	return true;
}

/* "tcp|udp:[HOSTADDR]:PORT-[GUESTADDR]:PORT" */
static const char *parse_forward(struct net_config *config, const char *value)
{
	struct net_forward forward = {
		.host_addr.s_addr = htonl(INADDR_LOOPBACK),
		.guest_addr.s_addr = htonl(NET_USER_GUEST),
	};
	const char *text = value, *dash;

	if (config->num_forwards == NET_MAX_FORWARDS)
		return net_error("more than %u hostfwd", NET_MAX_FORWARDS);
	forward.udp = !strncmp(text, "udp:", 4);
	if (!forward.udp && strncmp(text, "tcp:", 4))
		return net_error("hostfwd=%s: begins with neither tcp: nor udp:",
				 value);
	text += 4;
	dash = strchr(text, '-');
	if (!dash || !parse_end(text, dash - text, &forward.host_addr,
				&forward.host_port))
		return net_error("hostfwd=%s: no [HOSTADDR]:PORT- after %.4s",
				 value, value);
	if (!parse_end(dash + 1, strlen(dash + 1), &forward.guest_addr,
		       &forward.guest_port))
		return net_error("hostfwd=%s: no [GUESTADDR]:PORT after the -",
				 value);
	if (!net_user_is_guest(forward.guest_addr))
		return net_error("hostfwd=%s: a guest is at " NET_USER_GUESTS,
				 value);
	config->forwards[config->num_forwards++] = forward;
	return NULL;
}

static const struct word {
	const char *key;
	const char *(*parse)(struct net_config *config, const char *value);
	/* Kinds it goes with, as bits. */
	unsigned int kinds;
	bool repeats;
} words[] = {
	{ "mac", parse_mac, BIT(NET_USER) | BIT(NET_TAP), false },
	{ "ifname", parse_ifname, BIT(NET_TAP), false },
	{ "hostfwd", parse_forward, BIT(NET_USER), true },
	{ "restrict", parse_restrict, BIT(NET_USER), false },
	{ "host", parse_host, BIT(NET_USER), false },
};

/* "KEY=VALUE"; a bit of @seen for each key there was. */
static const char *parse_word(struct net_config *config, char *text,
			      unsigned int *seen)
{
	char *value = strchr(text, '=');
	size_t i;

	if (!value)
		return net_error("'%s': no KEY=VALUE", text);
	*value++ = '\0';
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		const struct word *word = &words[i];

		if (strcmp(text, word->key))
			continue;
		if (!(word->kinds & BIT(config->kind)))
			return net_error("%s= goes not with %s", text,
					 config->kind == NET_TAP ? "tap" : "user");
		if (*seen & BIT(i) && !word->repeats)
			return net_error("%s= is there twice", text);
		*seen |= BIT(i);
		return word->parse(config, value);
	}
	return net_error("nothing is known of '%s='", text);
}

static const char *check(const struct net_config *config)
{
	unsigned int i;

	if (config->kind == NET_TAP && !*config->ifname)
		return net_error("ifname= is missing");
	for (i = 0; i < config->num_forwards; i++) {
		if (config->forwards[i].udp &&
		    (config->restricted || config->no_host))
			return net_error("hostfwd=udp: no answers with restrict=on or host=off");
	}
	return NULL;
}

const char *net_parse(struct net_config *config, const char *arg)
{
	char copy[ARG_MAX_LEN], *rest = copy, *word;
	const char *wrong = NULL;
	unsigned int seen = 0;

	if (strlen(arg) >= sizeof(copy))
		return net_error("too long");
	strcpy(copy, arg);
	memset(config, 0, sizeof(*config));
	word = strsep(&rest, ",");
	if (!strcmp(word, "user"))
		config->kind = NET_USER;
	else if (!strcmp(word, "tap"))
		config->kind = NET_TAP;
	else
		return net_error("'%s' is neither user nor tap", word);
	while (!wrong && rest) {
		word = strsep(&rest, ",");
		wrong = parse_word(config, word, &seen);
	}
	return wrong ? wrong : check(config);
}

/* ---- Addresses --------------------------------------------------------- */

/* FNV-1a: not to be secret, only to differ. */
static u64 hash(u64 sum, const void *data, size_t len)
{
	const u8 *p = data;

	while (len--)
		sum = (sum ^ *p++) * 0x100000001b3ULL;
	return sum;
}

/*
 * Other cards on the same wire must have other addresses: for an interface of this
 * machine one that stays with both.
 */
static void tap_mac(const char *ifname, u8 *mac)
{
	u64 sum = 0xcbf29ce484222325ULL;
	char id[64];
	ssize_t len;
	int fd;

	fd = open(MACHINE_ID, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		len = read(fd, id, sizeof(id));
		if (len > 0)
			sum = hash(sum, id, len);
		close(fd);
	}
	sum = hash(sum, ifname, strlen(ifname));
	memcpy(mac, &sum, ETH_ALEN);
	/* Not of a group, and not from a manufacturer. */
	mac[0] = (mac[0] & ~1) | 2;
}

void net_default_mac(const struct net_config *config, unsigned int index,
		     u8 *mac)
{
	static const u8 user[ETH_ALEN] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

	if (config->kind == NET_TAP) {
		tap_mac(config->ifname, mac);
	} else {
		memcpy(mac, user, ETH_ALEN);
		mac[ETH_ALEN - 1] += index;
	}
}

/* ---- Waiting, opening -------------------------------------------------- */

int net_poll_add(struct net_poll *poll, int fd, short events)
{
	if (poll->count == poll->max)
		return -1;
	poll->fds[poll->count] = (struct pollfd){ .fd = fd, .events = events };
	return poll->count++;
}

void net_poll_within(struct net_poll *poll, u64 ms)
{
	if (poll->timeout < 0 || ms < (u64)poll->timeout)
		poll->timeout = ms > NET_POLL_LONGEST ? NET_POLL_LONGEST : ms;
}

const char *net_open(const struct net_config *config, struct net **net)
{
	return config->kind == NET_TAP ? net_tap_open(config, net) :
					 net_user_open(config, net);
}
