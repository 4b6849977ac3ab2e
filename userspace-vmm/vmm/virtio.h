/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is common to all virtio devices: the MMIO transport (virtio 1.2, 4.2) in
 * virtio.c and split virtqueues (2.7) in virtqueue.c.
 *
 * Three kinds of threads meet in a device. vCPUs read and write its registers,
 * the main thread resets it, and the device's own thread, the I/O thread, does
 * its work: only that one touches queues in guest memory, and only between
 * io_begin() and io_end() of virtio.c. Who changes what the I/O thread works with
 * (a reset, a queue that is switched on or off) keeps it from beginning and waits
 * until it has ended; so all callbacks of struct virtio_ops but write_config run
 * one at a time.
 *
 * Nothing in guest memory is trusted. What a driver must not do ends in
 * virtio_fail() or virtq_fail(): DEVICE_NEEDS_RESET, an interrupt, a note with
 * --verbose, and that queue stands still until the driver resets the device.
 */
#ifndef _VMM_VIRTIO_H
#define _VMM_VIRTIO_H

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <sys/uio.h>

#include "device.h"

/* All of it is little-endian, and so is every host. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian only");

#define VIRTIO_MMIO_SIZE	0x200

#define VIRTIO_MAX_QUEUES	5
/* QueueNumMax; also how many descriptors a chain may have. */
#define VIRTQ_MAX_SIZE		256
/* Files that an I/O thread waits for, beside its own. */
#define VIRTIO_POLL_FDS		1024

#define VIRTIO_BIT(n)		(1ULL << (n))

/**
 * struct guest_ram - memory that the guest may name to a device
 * @mem: where it is here; NULL as long as there is none.
 * @base: guest physical address.
 * @size: bytes.
 */
struct guest_ram {
	void *mem;
	u64 base;
	u64 size;
};

/* Where @len bytes at @ipa are here; NULL if any of them is no memory. */
void *guest_ram_at(const struct guest_ram *ram, u64 ipa, u64 len);

struct virtio_device;

/**
 * struct virtq_chain - a chain of descriptors: one request of the driver
 * @head: index of its first descriptor.
 * @out: what is left to read; the driver wrote it.
 * @num_out: elements of @out.
 * @out_len: bytes in @out.
 * @in: what is left to write; the driver will read it.
 * @num_in: elements of @in.
 * @in_len: bytes in @in.
 * @iov: @out and @in are in here.
 *
 * No element is empty and all of them are inside of guest memory; both sums are
 * less than 2^32. The guest may write to all of it at any time: read it once.
 */
struct virtq_chain {
	u16 head;
	struct iovec *out;
	unsigned int num_out;
	u64 out_len;
	struct iovec *in;
	unsigned int num_in;
	u64 in_len;
	struct iovec iov[VIRTQ_MAX_SIZE];
};

/**
 * struct virtqueue - a split virtqueue
 * @vdev: the device.
 * @index: its number there.
 * @num: QueueNum.
 * @ready: QueueReady.
 * @desc_addr: QueueDesc.
 * @avail_addr: QueueDriver.
 * @used_addr: QueueDevice.
 * @running: the I/O thread may use what follows.
 * @desc: descriptor table, in guest memory.
 * @avail: available ring, there.
 * @used: used ring, there.
 * @avail_idx: the next entry of @avail to take.
 * @used_idx: the next entry of @used to fill.
 * @signalled_idx: @used_idx when the driver was last thought of.
 * @event_idx: VIRTIO_F_EVENT_IDX was negotiated.
 * @indirect: VIRTIO_F_INDIRECT_DESC was negotiated.
 * @chain: for virtq_serve().
 *
 * Up to @used_addr it is the registers', under the device's lock; the rest is the
 * I/O thread's, or of who keeps it from running.
 */
struct virtqueue {
	struct virtio_device *vdev;
	unsigned int index;

	u32 num;
	bool ready;
	u64 desc_addr;
	u64 avail_addr;
	u64 used_addr;

	bool running;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	u16 avail_idx;
	u16 used_idx;
	u16 signalled_idx;
	bool event_idx;
	bool indirect;
	struct virtq_chain chain;
};

/**
 * struct virtio_ops - what a kind of device does
 * @name: for messages.
 * @id: VIRTIO_ID_*.
 * @num_queues: at most VIRTIO_MAX_QUEUES.
 * @handle: the queue runs and there may be something in it. In the I/O thread,
 *	after every wait. Takes no more than a queue's length of chains before it
 *	returns (virtq_serve() does), and looks at virtio_stopping() in between.
 * @reset: back to the state after a reset, or NULL. Under the device's lock.
 * @driver_ok: the driver has set DRIVER_OK, or NULL. Under the device's lock.
 * @queue_off: the driver has cleared QueueReady, or NULL: what was taken from the
 *	queue is forgotten. Under the device's lock; a reset calls @reset only.
 * @write_config: the driver writes @len bytes (1, 2, 4 or 8), all of them inside
 *	of the configuration space, or NULL: then it can only be read. Under the
 *	device's lock, in a vCPU's thread.
 * @prepare: fills in files to wait for, at most @max, and how long to wait for
 *	them (@timeout is -1: for ever), or NULL. In the I/O thread, before every
 *	wait. Returns their number.
 * @polled: after a wait, with the files of @prepare, before any @handle; NULL if
 *	there is no @prepare.
 */
struct virtio_ops {
	const char *name;
	u32 id;
	unsigned int num_queues;
	void (*handle)(struct virtio_device *vdev, struct virtqueue *vq);
	void (*reset)(struct virtio_device *vdev);
	void (*driver_ok)(struct virtio_device *vdev);
	void (*queue_off)(struct virtio_device *vdev, struct virtqueue *vq);
	void (*write_config)(struct virtio_device *vdev, u32 offset,
			     unsigned int len, u64 value);
	unsigned int (*prepare)(struct virtio_device *vdev,
				struct pollfd *pfds, unsigned int max,
				int *timeout);
	void (*polled)(struct virtio_device *vdev, struct pollfd *pfds,
		       unsigned int count);
};

/**
 * struct virtio_device - a device behind a virtio-mmio transport
 * @dev: on the bus.
 * @irq: its interrupt: high as long as InterruptStatus is not zero.
 * @ops: what it does.
 * @ram: guest memory.
 * @features: what it offers.
 * @num_queues: how many it has; ops->num_queues unless the device says otherwise
 *	before it works.
 * @config: configuration space, part of the device; under @lock, for the I/O
 *	thread through virtio_set_config().
 * @config_size: its bytes.
 * @kick_fd: eventfd that wakes the I/O thread: virtio_notify_fds().
 * @thread: the I/O thread.
 * @has_thread: it is there.
 * @stopping: how many keep the I/O thread from beginning; read without the lock
 *	by virtio_stopping().
 * @lock: guards what follows, and the registers in @queues.
 * @cond: @busy or @stopping has changed.
 * @busy: the I/O thread is between io_begin() and io_end().
 * @quit: the I/O thread shall end.
 * @status: Status.
 * @interrupt_status: InterruptStatus.
 * @generation: ConfigGeneration.
 * @device_sel: DeviceFeaturesSel.
 * @driver_sel: DriverFeaturesSel.
 * @queue_sel: QueueSel.
 * @driver_features: what the driver has chosen; cannot change any more once
 *	FEATURES_OK is set.
 * @driver_unknown: the driver chose from beyond 64 bits.
 * @queues: the first @num_queues of them are there.
 */
struct virtio_device {
	struct device dev;
	struct irq_line irq;
	const struct virtio_ops *ops;
	const struct guest_ram *ram;
	u64 features;
	unsigned int num_queues;
	void *config;
	size_t config_size;

	int kick_fd;
	pthread_t thread;
	bool has_thread;
	int stopping;

	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool busy;
	bool quit;
	u32 status;
	u32 interrupt_status;
	u32 generation;
	u32 device_sel;
	u32 driver_sel;
	u32 queue_sel;
	u64 driver_features;
	bool driver_unknown;
	struct virtqueue queues[VIRTIO_MAX_QUEUES];
};

/* ---- virtio.c: for the machine ---- */

/*
 * A device without an address, an interrupt and a thread: @vdev->dev.base and
 * @vdev->irq are the caller's to fill in. @features are those of the device; what
 * all of them can do is added. Dies if it cannot.
 */
void virtio_init(struct virtio_device *vdev, const struct virtio_ops *ops,
		 const struct guest_ram *ram, u64 features, void *config,
		 size_t config_size);

/* Start the I/O thread. Dies if it cannot. */
void virtio_start(struct virtio_device *vdev);

/* End the I/O thread, when what it does is done, and close the eventfd. */
void virtio_stop(struct virtio_device *vdev);

/*
 * What a QueueNotify write does, for who can do it without the VMM (an ioeventfd):
 * a write of @len bytes with the value @data at @ipa signals @fd.
 */
struct virtio_notify {
	u64 ipa;
	u32 data;
	u32 len;
	int fd;
};

/* One for each queue into @list; returns how many, VIRTIO_MAX_QUEUES at most. */
unsigned int virtio_notify_fds(const struct virtio_device *vdev,
			       struct virtio_notify *list);

/* ---- virtio.c: for devices ---- */

/* One turn of the I/O thread without the wait; returns what @prepare did. */
unsigned int virtio_turn(struct virtio_device *vdev, struct pollfd *pfds,
			 unsigned int count, unsigned int max, int *timeout);

/* Wake the I/O thread: there is something to do, not from the driver. */
void virtio_kick(struct virtio_device *vdev);

/* Somebody waits for the I/O thread: it should come to an end. */
static inline bool virtio_stopping(const struct virtio_device *vdev)
{
	return __atomic_load_n(&vdev->stopping, __ATOMIC_RELAXED);
}

/* Driver and device agreed on it; in the I/O thread, or under the lock. */
static inline bool virtio_has_feature(const struct virtio_device *vdev,
				      unsigned int bit)
{
	return vdev->driver_features >> bit & 1;
}

/*
 * Change @len bytes of the configuration space, those at @field, and tell the
 * driver if they were others. Not under the lock.
 */
void virtio_set_config(struct virtio_device *vdev, void *field,
		       const void *value, size_t len);

/* DEVICE_NEEDS_RESET. Not under the lock. */
void virtio_fail(struct virtio_device *vdev, const char *why);

/* ---- virtqueue.c: in the I/O thread ---- */

/* virtio_fail(), and the queue stands still until it is set up anew. */
void virtq_fail(struct virtqueue *vq, const char *why);

/*
 * Take the next chain that the driver has made available; false if there is none,
 * or none that is well-formed: then the queue has failed. virtq_unpop() gives the
 * last one back that has not been used, to be taken again.
 */
bool virtq_pop(struct virtqueue *vq, struct virtq_chain *chain);
void virtq_unpop(struct virtqueue *vq);

/* Whether virtq_pop() would find something. */
bool virtq_pending(const struct virtqueue *vq);

/*
 * Give a chain back: @written bytes from the beginning of what the device may
 * write. Also in two steps, for a message in several chains: the driver sees none
 * of @count chains before virtq_publish(); @n counts from zero.
 */
void virtq_push(struct virtqueue *vq, const struct virtq_chain *chain,
		u32 written);
void virtq_fill(struct virtqueue *vq, unsigned int n, u16 head, u32 written);
void virtq_publish(struct virtqueue *vq, unsigned int count);

/* Interrupt the driver for what was pushed, unless it does not want that. */
void virtq_notify(struct virtqueue *vq);

/*
 * Whether the driver shall notify the device of new chains. Switched on, the
 * answer is whether some have come in the meantime: those are not notified.
 */
void virtq_disable_kick(struct virtqueue *vq);
bool virtq_enable_kick(struct virtqueue *vq);

/*
 * Hand each chain to @request, push what it returns as the number of bytes
 * written, notify. It returns a negative number if it has called virtq_fail().
 */
void virtq_serve(struct virtqueue *vq,
		 s64 (*request)(struct virtqueue *vq, struct virtq_chain *chain));

/*
 * Take bytes from the front of what is left to read, or to write. Returns how
 * many: less than @len if there are no more.
 */
size_t virtq_read(struct virtq_chain *chain, void *buf, size_t len);
size_t virtq_write(struct virtq_chain *chain, const void *buf, size_t len);

/* virtq_read(), but the bytes stay there. */
size_t virtq_peek(const struct virtq_chain *chain, void *buf, size_t len);

/* Forget @len bytes at the front of what is left to read; there are that many. */
void virtq_skip(struct virtq_chain *chain, size_t len);

/* Take the last byte of what is left to write: NULL if nothing is. */
u8 *virtq_last_in(struct virtq_chain *chain);

/* Forget @len bytes at the front of @iov; there are that many. */
void iov_advance(struct iovec **iov, unsigned int *num, size_t len);

/* ---- between the two of them ---- */

/* What is wrong with QueueNum and the addresses, or NULL: then it can run. */
const char *virtq_set_up(struct virtqueue *vq);

/* Interrupt the driver: VIRTIO_MMIO_INT_*. */
void virtio_interrupt(struct virtio_device *vdev, u32 reason);
/* For callbacks that are under the device's lock. */
void virtio_interrupt_locked(struct virtio_device *vdev, u32 reason);

#endif /* _VMM_VIRTIO_H */
