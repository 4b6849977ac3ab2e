/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The addresses of "--net user", those of QEMU: a network of one guest, its
 * gateway, which is the host, and a name server, which is the host's.
 */
#ifndef _VMM_NET_USER_H
#define _VMM_NET_USER_H

#include <arpa/inet.h>
#include <netinet/in.h>

#include "util.h"

#define NET_USER_NETWORK	0x0a000200U	/* 10.0.2.0 */
#define NET_USER_MASK		0xffffff00U
#define NET_USER_HOST		0x0a000202U	/* 10.0.2.2 */
#define NET_USER_DNS		0x0a000203U	/* 10.0.2.3 */
#define NET_USER_GUEST		0x0a00020fU	/* 10.0.2.15 */
#define NET_USER_GUESTS		"10.0.2.4 to 10.0.2.254"

/* Whether a guest may have it. */
static inline bool net_user_is_guest(struct in_addr addr)
{
	u32 ip = ntohl(addr.s_addr);

	return ip > NET_USER_DNS && ip < (NET_USER_NETWORK | ~NET_USER_MASK);
}

#endif /* _VMM_NET_USER_H */
