/* SPDX-License-Identifier: GPL-2.0 */
/*
 * virtio console (virtio 1.2, 5.3): one port.
 */
#ifndef _VMM_VIRTIO_CONSOLE_H
#define _VMM_VIRTIO_CONSOLE_H

#include <linux/virtio_console.h>

#include "virtio.h"

/* What has been typed while the guest had no buffer for it. */
#define VIRTIO_CONSOLE_QUEUE_SIZE	1024

/**
 * struct virtio_console - a console
 * @vdev: the device.
 * @config: its configuration space.
 * @out_fd: where the guest's output goes. Nobody waits for it: what it does not
 *	take stays in the guest until it does.
 * @sent: bytes of the chain that is next in the transmit queue that it has taken.
 * @blocked: it did not take more.
 * @lock: guards what follows; taken last.
 * @queue: what has been typed.
 * @queue_head: index of the first byte.
 * @queue_count: how many.
 */
struct virtio_console {
	struct virtio_device vdev;
	struct virtio_console_config config;
	int out_fd;
	size_t sent;
	bool blocked;

	pthread_mutex_t lock;
	u8 queue[VIRTIO_CONSOLE_QUEUE_SIZE];
	unsigned int queue_head;
	unsigned int queue_count;
};

void virtio_console_init(struct virtio_console *console,
			 const struct guest_ram *ram, int out_fd);

/* A driver has it. */
bool virtio_console_in_use(struct virtio_console *console);

/*
 * Typed characters; returns how many of them found room: all if there are no more
 * than virtio_console_room() says.
 */
unsigned int virtio_console_receive(struct virtio_console *console,
				    const u8 *chars, unsigned int count);
unsigned int virtio_console_room(struct virtio_console *console);

/* The size of the terminal at the other end. */
void virtio_console_resize(struct virtio_console *console, u16 cols, u16 rows);

#endif /* _VMM_VIRTIO_CONSOLE_H */
