/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VMM_TESTS_NET_TEST_H
#define _VMM_TESTS_NET_TEST_H

#include "virtio.h"

/* net.c: one turn of an I/O thread that is not there; waits up to @ms first. */
void net_turn(struct virtio_device *vdev, int ms);
/* Another device is next. */
void net_turn_reset(void);
/* What its last turn waits for: how many files, and how long (ms, -1: no limit). */
unsigned int net_turn_files(void);
int net_turn_timeout(void);

/* net-backend.c: the real backends. */
void net_backend_tests(void);

/*
 * net-backend.c, for sandbox.c: a guest with "--net user,@options" and a host that would
 * like to get in by hostfwd=tcp::@port, if that is not 0. Dies if it cannot.
 */
void net_guest_begin(const char *options, u16 port);
/* Does it reach the host? It tries an echo, TCP, UDP: that one counts. */
bool net_guest_reaches_host(void);
/* Does it hear from the host that would like to get in? */
bool net_guest_is_reached(void);
/* Does a question for a name arrive at this server? */
bool net_guest_asks(int server);
/* A port that nobody has. */
u16 net_free_port(void);

#endif /* _VMM_TESTS_NET_TEST_H */
