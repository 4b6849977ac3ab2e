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

#endif /* _VMM_TESTS_NET_TEST_H */
