// SPDX-License-Identifier: GPL-2.0
/*
 * The MMIO transport of virtio 1.2 (4.2), version 2 only: no legacy interface. And
 * the I/O thread behind it.
 */
#include <errno.h>
#include <linux/virtio_mmio.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "virtio.h"

#define MMIO_MAGIC	0x74726976	/* "virt" */
#define MMIO_VERSION	2
/* Nobody's; drivers do not look at it. */
#define MMIO_VENDOR	0x4d564d41	/* "AMVM" */

/* What a driver sets in Status; it clears bits by a reset only. */
#define STATUS_DRIVER	(VIRTIO_CONFIG_S_ACKNOWLEDGE | \
			 VIRTIO_CONFIG_S_DRIVER | \
			 VIRTIO_CONFIG_S_DRIVER_OK | \
			 VIRTIO_CONFIG_S_FEATURES_OK | \
			 VIRTIO_CONFIG_S_FAILED)

/* What all devices can do. */
#define COMMON_FEATURES	(VIRTIO_BIT(VIRTIO_F_VERSION_1) | \
			 VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
			 VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX))

/* ---- The I/O thread, and who keeps it from running --------------------- */

static void io_begin(struct virtio_device *vdev)
{
	pthread_mutex_lock(&vdev->lock);
	while (vdev->stopping)
		pthread_cond_wait(&vdev->cond, &vdev->lock);
	vdev->busy = true;
	pthread_mutex_unlock(&vdev->lock);
}

static void io_end(struct virtio_device *vdev)
{
	pthread_mutex_lock(&vdev->lock);
	vdev->busy = false;
	pthread_cond_broadcast(&vdev->cond);
	pthread_mutex_unlock(&vdev->lock);
}

/*
 * Under the lock, which is released while it waits. What the I/O thread has begun
 * is done then, and nothing new begins.
 */
static void io_stop(struct virtio_device *vdev)
{
	__atomic_add_fetch(&vdev->stopping, 1, __ATOMIC_RELAXED);
	while (vdev->busy)
		pthread_cond_wait(&vdev->cond, &vdev->lock);
}

/* It looks at everything anew: what it left undone to end sooner, too. */
static void io_resume(struct virtio_device *vdev)
{
	__atomic_sub_fetch(&vdev->stopping, 1, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&vdev->cond);
	virtio_kick(vdev);
}

void virtio_kick(struct virtio_device *vdev)
{
	/* Does not fail but for a counter of 2^64 - 1: it is awake then. */
	eventfd_write(vdev->kick_fd, 1);
}

unsigned int virtio_turn(struct virtio_device *vdev, struct pollfd *pfds,
			 unsigned int count, unsigned int max, int *timeout)
{
	const struct virtio_ops *ops = vdev->ops;
	unsigned int i;

	io_begin(vdev);
	if (ops->polled)
		ops->polled(vdev, pfds, count);
	for (i = 0; i < vdev->num_queues; i++) {
		if (vdev->queues[i].running)
			ops->handle(vdev, &vdev->queues[i]);
	}
	*timeout = -1;
	count = ops->prepare ? ops->prepare(vdev, pfds, max, timeout) : 0;
	io_end(vdev);
	return count;
}

static bool must_quit(struct virtio_device *vdev)
{
	bool quit;

	pthread_mutex_lock(&vdev->lock);
	quit = vdev->quit;
	pthread_mutex_unlock(&vdev->lock);
	return quit;
}

static void *io_thread(void *arg)
{
	struct virtio_device *vdev = arg;
	struct pollfd pfds[1 + VIRTIO_POLL_FDS] = {
		{ .fd = vdev->kick_fd, .events = POLLIN },
	};
	unsigned int count = 0;
	eventfd_t kicks;
	int timeout;

	while (!must_quit(vdev)) {
		count = virtio_turn(vdev, pfds + 1, count, VIRTIO_POLL_FDS,
				    &timeout);
		/* A kick that comes from now on ends the wait. */
		if (poll(pfds, 1 + count, timeout) < 0)
			count = 0;
		else if (pfds[0].revents)
			eventfd_read(vdev->kick_fd, &kicks);
	}
	return NULL;
}

void virtio_start(struct virtio_device *vdev)
{
	sigset_t set, old;
	int err;

	/* Signals are for other threads, but for those of a crash. */
	sigfillset(&set);
	sigdelset(&set, SIGSEGV);
	sigdelset(&set, SIGBUS);
	sigdelset(&set, SIGFPE);
	sigdelset(&set, SIGILL);
	sigdelset(&set, SIGABRT);
	sigdelset(&set, SIGSYS);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	err = pthread_create(&vdev->thread, NULL, io_thread, vdev);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		die("cannot start a thread for %s: %s", vdev->ops->name,
		    strerror(err));
	vdev->has_thread = true;
}

void virtio_stop(struct virtio_device *vdev)
{
	pthread_mutex_lock(&vdev->lock);
	vdev->quit = true;
	pthread_mutex_unlock(&vdev->lock);
	virtio_kick(vdev);
	if (vdev->has_thread)
		pthread_join(vdev->thread, NULL);
	vdev->has_thread = false;
	close(vdev->kick_fd);
	vdev->kick_fd = -1;
}

unsigned int virtio_notify_fds(const struct virtio_device *vdev,
			       struct virtio_notify *list)
{
	unsigned int i;

	for (i = 0; i < vdev->num_queues; i++) {
		list[i] = (struct virtio_notify){
			.ipa = vdev->dev.base + VIRTIO_MMIO_QUEUE_NOTIFY,
			.data = i,
			.len = sizeof(u32),
			.fd = vdev->kick_fd,
		};
	}
	return i;
}

/* ---- Telling the driver ------------------------------------------------ */

static void update_irq(struct virtio_device *vdev)
{
	irq_line_set(&vdev->irq, vdev->interrupt_status);
}

void virtio_interrupt_locked(struct virtio_device *vdev, u32 reason)
{
	/* 2.1.2: nothing is sent before DRIVER_OK. */
	if (!(vdev->status & VIRTIO_CONFIG_S_DRIVER_OK))
		return;
	vdev->interrupt_status |= reason;
	update_irq(vdev);
}

void virtio_interrupt(struct virtio_device *vdev, u32 reason)
{
	pthread_mutex_lock(&vdev->lock);
	virtio_interrupt_locked(vdev, reason);
	pthread_mutex_unlock(&vdev->lock);
}

static void fail_locked(struct virtio_device *vdev, const char *why)
{
	note("%s at 0x%llx needs a reset: %s", vdev->ops->name, vdev->dev.base,
	     why);
	vdev->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	virtio_interrupt_locked(vdev, VIRTIO_MMIO_INT_CONFIG);
}

void virtio_fail(struct virtio_device *vdev, const char *why)
{
	pthread_mutex_lock(&vdev->lock);
	fail_locked(vdev, why);
	pthread_mutex_unlock(&vdev->lock);
}

void virtio_set_config(struct virtio_device *vdev, void *field,
		       const void *value, size_t len)
{
	pthread_mutex_lock(&vdev->lock);
	if (memcmp(field, value, len)) {
		memcpy(field, value, len);
		vdev->generation++;
		virtio_interrupt_locked(vdev, VIRTIO_MMIO_INT_CONFIG);
	}
	pthread_mutex_unlock(&vdev->lock);
}

/* ---- Registers, all under the lock ------------------------------------- */

static void reset_locked(struct virtio_device *vdev)
{
	unsigned int i;

	io_stop(vdev);
	vdev->status = 0;
	vdev->interrupt_status = 0;
	vdev->device_sel = 0;
	vdev->driver_sel = 0;
	vdev->queue_sel = 0;
	vdev->driver_features = 0;
	vdev->driver_unknown = false;
	for (i = 0; i < vdev->num_queues; i++) {
		struct virtqueue *vq = &vdev->queues[i];

		vq->num = 0;
		vq->ready = false;
		vq->desc_addr = 0;
		vq->avail_addr = 0;
		vq->used_addr = 0;
		vq->running = false;
	}
	if (vdev->ops->reset)
		vdev->ops->reset(vdev);
	update_irq(vdev);
	io_resume(vdev);
}

static bool features_ok(const struct virtio_device *vdev)
{
	return !vdev->driver_unknown &&
	       !(vdev->driver_features & ~vdev->features) &&
	       vdev->driver_features & VIRTIO_BIT(VIRTIO_F_VERSION_1);
}

static void driver_ok(struct virtio_device *vdev)
{
	unsigned int i;

	io_stop(vdev);
	/* Another CPU may have reset the device in the meantime. */
	if (!(vdev->status & VIRTIO_CONFIG_S_FEATURES_OK))
		goto out;
	vdev->status |= VIRTIO_CONFIG_S_DRIVER_OK;
	for (i = 0; i < vdev->num_queues; i++)
		vdev->queues[i].running = vdev->queues[i].ready;
	if (vdev->ops->driver_ok)
		vdev->ops->driver_ok(vdev);
out:
	io_resume(vdev);
}

static void write_status(struct virtio_device *vdev, u32 value)
{
	u32 added = value & STATUS_DRIVER & ~vdev->status;

	if (!value) {
		reset_locked(vdev);
		return;
	}
	if (added & VIRTIO_CONFIG_S_FEATURES_OK && !features_ok(vdev)) {
		note("%s at 0x%llx: the driver's features are refused",
		     vdev->ops->name, vdev->dev.base);
		added &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	}
	vdev->status |= added & ~VIRTIO_CONFIG_S_DRIVER_OK;
	if (!(added & VIRTIO_CONFIG_S_DRIVER_OK))
		return;
	if (vdev->status & VIRTIO_CONFIG_S_FEATURES_OK)
		driver_ok(vdev);
	else
		fail_locked(vdev, "DRIVER_OK before FEATURES_OK");
}

static void write_features(struct virtio_device *vdev, u32 value)
{
	unsigned int shift = 32 * vdev->driver_sel;

	if (vdev->status & VIRTIO_CONFIG_S_FEATURES_OK) {
		fail_locked(vdev, "features change after FEATURES_OK");
		return;
	}
	if (vdev->driver_sel > 1) {
		vdev->driver_unknown |= value;
		return;
	}
	vdev->driver_features &= ~((u64)~0U << shift);
	vdev->driver_features |= (u64)value << shift;
}

static struct virtqueue *selected_queue(struct virtio_device *vdev)
{
	return vdev->queue_sel < vdev->num_queues ?
	       &vdev->queues[vdev->queue_sel] : NULL;
}

static void write_ready(struct virtio_device *vdev, struct virtqueue *vq,
			u32 value)
{
	const char *wrong;

	if (vq->ready == (value & 1))
		return;
	io_stop(vdev);
	/* Unless another CPU was here in the meantime. */
	if (vq->ready == (value & 1))
		goto out;
	if (!(value & 1)) {
		vq->ready = false;
		vq->running = false;
		if (vdev->ops->queue_off)
			vdev->ops->queue_off(vdev, vq);
		goto out;
	}
	wrong = vdev->status & VIRTIO_CONFIG_S_FEATURES_OK ?
		virtq_set_up(vq) : "QueueReady before FEATURES_OK";
	if (wrong) {
		fail_locked(vdev, wrong);
		goto out;
	}
	vq->ready = true;
	vq->running = vdev->status & VIRTIO_CONFIG_S_DRIVER_OK;
out:
	io_resume(vdev);
}

static void set_low(u64 *addr, u32 value)
{
	*addr = (*addr & ~(u64)~0U) | value;
}

static void set_high(u64 *addr, u32 value)
{
	*addr = (*addr & ~0U) | (u64)value << 32;
}

/* 4.2.2.2: none of them changes while the queue is in use. */
static void write_queue(struct virtio_device *vdev, u64 reg, u32 value)
{
	struct virtqueue *vq = selected_queue(vdev);

	if (!vq)
		return;
	if (reg == VIRTIO_MMIO_QUEUE_READY) {
		write_ready(vdev, vq, value);
		return;
	}
	if (vq->ready) {
		fail_locked(vdev, "a queue changes while QueueReady is set");
		return;
	}
	switch (reg) {
	case VIRTIO_MMIO_QUEUE_NUM:
		vq->num = value;
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
		set_low(&vq->desc_addr, value);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		set_high(&vq->desc_addr, value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
		set_low(&vq->avail_addr, value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		set_high(&vq->avail_addr, value);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
		set_low(&vq->used_addr, value);
		break;
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		set_high(&vq->used_addr, value);
		break;
	}
}

static void write_reg(struct virtio_device *vdev, u64 reg, u32 value)
{
	switch (reg) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		vdev->device_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		write_features(vdev, value);
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		vdev->driver_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		vdev->queue_sel = value;
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		vdev->interrupt_status &= ~value;
		update_irq(vdev);
		break;
	case VIRTIO_MMIO_STATUS:
		write_status(vdev, value);
		break;
	default:
		write_queue(vdev, reg, value);
		break;
	}
}

static u32 read_features(const struct virtio_device *vdev)
{
	return vdev->device_sel > 1 ? 0 : vdev->features >>
					  32 * vdev->device_sel;
}

static u32 read_reg(struct virtio_device *vdev, u64 reg)
{
	const struct virtqueue *vq = selected_queue(vdev);

	switch (reg) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MMIO_MAGIC;
	case VIRTIO_MMIO_VERSION:
		return MMIO_VERSION;
	case VIRTIO_MMIO_DEVICE_ID:
		return vdev->ops->id;
	case VIRTIO_MMIO_VENDOR_ID:
		return MMIO_VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return read_features(vdev);
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return vq ? VIRTQ_MAX_SIZE : 0;
	case VIRTIO_MMIO_QUEUE_READY:
		return vq ? vq->ready : 0;
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return vdev->interrupt_status;
	case VIRTIO_MMIO_STATUS:
		return vdev->status;
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		/* 4.2.2.1: no shared memory region has this number. */
		return ~0U;
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return vdev->generation;
	}
	return 0;
}

/* ---- On the bus -------------------------------------------------------- */

/* 4.2.2.2: aligned words for all but the configuration space. */
static bool is_reg(u64 offset, unsigned int len)
{
	return len == sizeof(u32) && !(offset % sizeof(u32));
}

static bool is_config(const struct virtio_device *vdev, u64 offset,
		      unsigned int len)
{
	return offset >= VIRTIO_MMIO_CONFIG &&
	       offset - VIRTIO_MMIO_CONFIG + len <= vdev->config_size;
}

static u64 mmio_read(struct device *dev, u64 offset, unsigned int len)
{
	struct virtio_device *vdev = container_of(dev, struct virtio_device,
						  dev);
	u64 value = 0;

	pthread_mutex_lock(&vdev->lock);
	if (is_config(vdev, offset, len))
		memcpy(&value, (char *)vdev->config + offset -
			       VIRTIO_MMIO_CONFIG, len);
	else if (is_reg(offset, len))
		value = read_reg(vdev, offset);
	pthread_mutex_unlock(&vdev->lock);
	return value;
}

static void mmio_write(struct device *dev, u64 offset, unsigned int len,
		       u64 value)
{
	struct virtio_device *vdev = container_of(dev, struct virtio_device,
						  dev);

	/* Often, and nobody's to wait for. */
	if (offset == VIRTIO_MMIO_QUEUE_NOTIFY && len == sizeof(u32)) {
		if ((u32)value < vdev->num_queues)
			virtio_kick(vdev);
		return;
	}
	pthread_mutex_lock(&vdev->lock);
	if (is_config(vdev, offset, len)) {
		if (vdev->ops->write_config)
			vdev->ops->write_config(vdev,
						offset - VIRTIO_MMIO_CONFIG,
						len, value);
	} else if (is_reg(offset, len)) {
		write_reg(vdev, offset, value);
	}
	pthread_mutex_unlock(&vdev->lock);
}

static void mmio_reset(struct device *dev)
{
	struct virtio_device *vdev = container_of(dev, struct virtio_device,
						  dev);

	pthread_mutex_lock(&vdev->lock);
	reset_locked(vdev);
	pthread_mutex_unlock(&vdev->lock);
}

static const struct device_ops mmio_ops = {
	.name = "virtio-mmio",
	.read = mmio_read,
	.write = mmio_write,
	.reset = mmio_reset,
};

void virtio_init(struct virtio_device *vdev, const struct virtio_ops *ops,
		 const struct guest_ram *ram, u64 features, void *config,
		 size_t config_size)
{
	unsigned int i;

	memset(vdev, 0, sizeof(*vdev));
	vdev->dev.ops = &mmio_ops;
	vdev->dev.size = VIRTIO_MMIO_SIZE;
	vdev->ops = ops;
	vdev->ram = ram;
	vdev->features = features | COMMON_FEATURES;
	vdev->num_queues = ops->num_queues;
	vdev->config = config;
	vdev->config_size = config_size;
	pthread_mutex_init(&vdev->lock, NULL);
	pthread_cond_init(&vdev->cond, NULL);
	for (i = 0; i < VIRTIO_MAX_QUEUES; i++) {
		vdev->queues[i].vdev = vdev;
		vdev->queues[i].index = i;
	}
	vdev->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vdev->kick_fd < 0)
		die("eventfd: %s", strerror(errno));
}
