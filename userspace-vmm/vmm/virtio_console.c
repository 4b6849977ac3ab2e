// SPDX-License-Identifier: GPL-2.0
/*
 * virtio console (virtio 1.2, 5.3): one port, whose size the driver is told, and
 * the emergency write, which needs no queue.
 */
#include <errno.h>
#include <linux/virtio_mmio.h>
#include <string.h>
#include <unistd.h>

#include "virtio_console.h"

enum { RECEIVEQ, TRANSMITQ, NUM_QUEUES };

/* Small enough for what takes anything at all, even if it can block. */
#define SEND_MAX	512

static struct virtio_console *to_console(struct virtio_device *vdev)
{
	return container_of(vdev, struct virtio_console, vdev);
}

/* ---- Output ------------------------------------------------------------ */

/* How many bytes have gone: all of them if nobody wants them. */
static size_t send(struct virtio_console *console, const void *buf, size_t len)
{
	struct pollfd pfd = { .fd = console->out_fd, .events = POLLOUT };
	ssize_t n;

	if (poll(&pfd, 1, 0) == 0)
		return 0;
	n = write(console->out_fd, buf, len);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : len;
	return n;
}

/* True if all of it has gone. */
static bool send_chain(struct virtio_console *console,
		       struct virtq_chain *chain)
{
	size_t skip = console->sent;
	u8 buf[SEND_MAX];

	/* What has gone before; the guest may have made it shorter. */
	if (skip > chain->out_len)
		skip = chain->out_len;
	virtq_skip(chain, skip);
	while (!virtio_stopping(&console->vdev)) {
		size_t len = virtq_peek(chain, buf, sizeof(buf)), n;

		if (!len)
			return true;
		n = send(console, buf, len);
		if (!n) {
			console->blocked = true;
			return false;
		}
		virtq_skip(chain, n);
		console->sent += n;
	}
	return false;
}

static void serve_transmitq(struct virtio_console *console,
			    struct virtqueue *vq)
{
	struct virtq_chain *chain = &vq->chain;
	unsigned int left = vq->num;

	console->blocked = false;
	do {
		virtq_disable_kick(vq);
		while (left && virtq_pop(vq, chain)) {
			if (!send_chain(console, chain)) {
				virtq_unpop(vq);
				return;
			}
			console->sent = 0;
			virtq_push(vq, chain, 0);
			virtq_notify(vq);
			left--;
		}
	} while (virtq_enable_kick(vq) && left);
	if (!left && virtq_pending(vq))
		virtio_kick(&console->vdev);
}

/* ---- Input ------------------------------------------------------------- */

/* As much of what has been typed as the chain takes. */
static u32 fill_chain(struct virtio_console *console, struct virtq_chain *chain)
{
	u8 buf[VIRTIO_CONSOLE_QUEUE_SIZE];
	unsigned int n = 0;

	pthread_mutex_lock(&console->lock);
	while (console->queue_count && n < chain->in_len) {
		buf[n++] = console->queue[console->queue_head];
		console->queue_head = (console->queue_head + 1) %
				      VIRTIO_CONSOLE_QUEUE_SIZE;
		console->queue_count--;
	}
	pthread_mutex_unlock(&console->lock);
	return virtq_write(chain, buf, n);
}

static bool has_input(struct virtio_console *console)
{
	return virtio_console_room(console) < VIRTIO_CONSOLE_QUEUE_SIZE;
}

static void serve_receiveq(struct virtio_console *console,
			   struct virtqueue *vq)
{
	struct virtq_chain *chain = &vq->chain;
	unsigned int left = vq->num;

	do {
		while (left && has_input(console) && virtq_pop(vq, chain)) {
			if (!chain->num_in) {
				virtq_fail(vq, "a receive buffer is not to be written");
				return;
			}
			virtq_push(vq, chain, fill_chain(console, chain));
			virtq_notify(vq);
			left--;
		}
		/* Buffers that come later are of interest then, too. */
	} while (virtq_enable_kick(vq) && has_input(console) && left);
	if (!left && has_input(console) && virtq_pending(vq))
		virtio_kick(&console->vdev);
}

/* ---- The device -------------------------------------------------------- */

static void console_handle(struct virtio_device *vdev, struct virtqueue *vq)
{
	if (vq->index == RECEIVEQ)
		serve_receiveq(to_console(vdev), vq);
	else
		serve_transmitq(to_console(vdev), vq);
}

static unsigned int console_prepare(struct virtio_device *vdev,
				    struct pollfd *pfds, unsigned int max,
				    int *timeout)
{
	struct virtio_console *console = to_console(vdev);

	(void)timeout;
	if (!console->blocked || !max)
		return 0;
	pfds[0] = (struct pollfd){ .fd = console->out_fd, .events = POLLOUT };
	return 1;
}

static void console_reset(struct virtio_device *vdev)
{
	struct virtio_console *console = to_console(vdev);

	console->sent = 0;
	console->blocked = false;
}

/*
 * Linux looks at the size when it changes, and not before (5.3.5 lets it look
 * at once). So what there is already is announced like a change.
 */
static void console_driver_ok(struct virtio_device *vdev)
{
	struct virtio_console *console = to_console(vdev);

	if (vdev->driver_features & VIRTIO_BIT(VIRTIO_CONSOLE_F_SIZE) &&
	    console->config.cols && console->config.rows)
		virtio_interrupt_locked(vdev, VIRTIO_MMIO_INT_CONFIG);
}

static void console_queue_off(struct virtio_device *vdev, struct virtqueue *vq)
{
	if (vq->index == TRANSMITQ)
		console_reset(vdev);
}

static void console_write_config(struct virtio_device *vdev, u32 offset,
				 unsigned int len, u64 value)
{
	u8 c = value;

	/* 5.3.4: also before there is a queue. What finds no room is lost. */
	if (offset == offsetof(struct virtio_console_config, emerg_wr) &&
	    len <= sizeof(u32))
		send(to_console(vdev), &c, 1);
}

static const struct virtio_ops console_ops = {
	.name = "virtio-console",
	.id = VIRTIO_ID_CONSOLE,
	.num_queues = NUM_QUEUES,
	.handle = console_handle,
	.reset = console_reset,
	.driver_ok = console_driver_ok,
	.queue_off = console_queue_off,
	.write_config = console_write_config,
	.prepare = console_prepare,
};

void virtio_console_init(struct virtio_console *console,
			 const struct guest_ram *ram, int out_fd)
{
	memset(console, 0, sizeof(*console));
	console->out_fd = out_fd;
	pthread_mutex_init(&console->lock, NULL);
	virtio_init(&console->vdev, &console_ops, ram,
		    VIRTIO_BIT(VIRTIO_CONSOLE_F_SIZE) |
		    VIRTIO_BIT(VIRTIO_CONSOLE_F_EMERG_WRITE),
		    &console->config, sizeof(console->config));
}

/* ---- The other end ----------------------------------------------------- */

bool virtio_console_in_use(struct virtio_console *console)
{
	struct virtio_device *vdev = &console->vdev;
	bool in_use;

	pthread_mutex_lock(&vdev->lock);
	in_use = vdev->status & VIRTIO_CONFIG_S_DRIVER_OK;
	pthread_mutex_unlock(&vdev->lock);
	return in_use;
}

unsigned int virtio_console_receive(struct virtio_console *console,
				    const u8 *chars, unsigned int count)
{
	unsigned int i;

	pthread_mutex_lock(&console->lock);
	for (i = 0; i < count &&
	     console->queue_count < VIRTIO_CONSOLE_QUEUE_SIZE; i++) {
		unsigned int tail = (console->queue_head +
				     console->queue_count++) %
				    VIRTIO_CONSOLE_QUEUE_SIZE;

		console->queue[tail] = chars[i];
	}
	pthread_mutex_unlock(&console->lock);
	virtio_kick(&console->vdev);
	return i;
}

unsigned int virtio_console_room(struct virtio_console *console)
{
	unsigned int room;

	pthread_mutex_lock(&console->lock);
	room = VIRTIO_CONSOLE_QUEUE_SIZE - console->queue_count;
	pthread_mutex_unlock(&console->lock);
	return room;
}

void virtio_console_resize(struct virtio_console *console, u16 cols, u16 rows)
{
	const u16 size[] = { cols, rows };

	_Static_assert(offsetof(struct virtio_console_config, rows) ==
		       sizeof(u16), "cols and rows are neighbours");
	virtio_set_config(&console->vdev, &console->config, size, sizeof(size));
}
