// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's end of a virtio device.
 */
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "helper.h"

struct guest_ram ram = { .base = RAM_BASE, .size = RAM_SIZE };

/* Memory of its own each time: whoever looks for misuse finds it. */
void ram_new(void)
{
	free(ram.mem);
	ram.mem = aligned_alloc(4096, RAM_SIZE);
	if (!ram.mem)
		die("no memory");
	memset(ram.mem, 0, RAM_SIZE);
}

void *at(u64 ipa)
{
	return (char *)ram.mem + (ipa - RAM_BASE);
}

u32 reg_get(struct driver *d, enum mmio_reg reg)
{
	struct device *dev = &d->vdev->dev;

	return dev->ops->read(dev, reg, 4);
}

void reg_set(struct driver *d, enum mmio_reg reg, u32 value)
{
	struct device *dev = &d->vdev->dev;

	dev->ops->write(dev, reg, 4, value);
}

void reg_set64(struct driver *d, enum mmio_reg reg, u64 value)
{
	reg_set(d, reg, value);
	reg_set(d, reg + 4, value >> 32);
}

void config_write(struct driver *d, u64 offset, unsigned int len, u64 value)
{
	struct device *dev = &d->vdev->dev;

	dev->ops->write(dev, CONFIG + offset, len, value);
}

u64 config_read(struct driver *d, u64 offset, unsigned int len)
{
	struct device *dev = &d->vdev->dev;

	return dev->ops->read(dev, CONFIG + offset, len);
}

u64 features_of(struct driver *d)
{
	u64 features;

	reg_set(d, DEVICE_FEATURES_SEL, 0);
	features = reg_get(d, DEVICE_FEATURES);
	reg_set(d, DEVICE_FEATURES_SEL, 1);
	return features | (u64)reg_get(d, DEVICE_FEATURES) << 32;
}

struct vring_desc *desc(unsigned int q)
{
	return at(DESC(q));
}

struct vring_avail *avail(unsigned int q)
{
	return at(AVAIL(q));
}

struct vring_used *used(unsigned int q)
{
	return at(USED(q));
}

u16 *used_event(struct driver *d, unsigned int q)
{
	return &avail(q)->ring[d->num];
}

u16 *avail_event(struct driver *d, unsigned int q)
{
	return (u16 *)&used(q)->ring[d->num];
}

void driver_reset(struct driver *d, struct virtio_device *vdev)
{
	memset(d, 0, sizeof(*d));
	d->vdev = vdev;
	reg_set(d, STATUS, 0);
	CHECK(reg_get(d, STATUS) == 0);
	reg_set(d, STATUS, STATUS_ACKNOWLEDGE);
	reg_set(d, STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
}

bool driver_negotiate(struct driver *d, u64 features)
{
	u32 status = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK;

	reg_set(d, DRIVER_FEATURES_SEL, 0);
	reg_set(d, DRIVER_FEATURES, features);
	reg_set(d, DRIVER_FEATURES_SEL, 1);
	reg_set(d, DRIVER_FEATURES, features >> 32);
	reg_set(d, STATUS, status);
	return reg_get(d, STATUS) == status;
}

void driver_queue(struct driver *d, unsigned int q, u16 num)
{
	memset(at(DESC(q)), 0, 0x4000);
	d->num = num;
	d->queues[q].next_desc = 0;
	d->queues[q].next_used = 0;
	reg_set(d, QUEUE_SEL, q);
	reg_set(d, QUEUE_NUM, num);
	reg_set64(d, QUEUE_DESC, DESC(q));
	reg_set64(d, QUEUE_DRIVER, AVAIL(q));
	reg_set64(d, QUEUE_DEVICE, USED(q));
	reg_set(d, QUEUE_READY, 1);
}

void driver_ok(struct driver *d)
{
	reg_set(d, STATUS, reg_get(d, STATUS) | STATUS_DRIVER_OK);
}

void driver_start(struct driver *d, struct virtio_device *vdev, u64 features,
		  u16 num)
{
	unsigned int q;

	driver_reset(d, vdev);
	CHECK(driver_negotiate(d, features | F_VERSION_1));
	for (q = 0; q < vdev->num_queues; q++) {
		driver_queue(d, q, num);
		CHECK(reg_get(d, QUEUE_READY) == 1);
	}
	driver_ok(d);
	CHECK(reg_get(d, STATUS) == (STATUS_ACKNOWLEDGE | STATUS_DRIVER |
				     STATUS_FEATURES_OK | STATUS_DRIVER_OK));
}

void desc_set(unsigned int q, unsigned int i, u64 addr, u32 len, u16 flags,
	      u16 next)
{
	desc(q)[i] = (struct vring_desc){ addr, len, flags, next };
}

void driver_offer(struct driver *d, unsigned int q, u16 head)
{
	struct vring_avail *ring = avail(q);

	ring->ring[ring->idx % d->num] = head;
	__atomic_store_n(&ring->idx, ring->idx + 1, __ATOMIC_RELEASE);
}

u16 driver_submit(struct driver *d, unsigned int q, const struct buf *bufs,
		  unsigned int count)
{
	u16 head = d->queues[q].next_desc % d->num, i = head;
	unsigned int n;

	for (n = 0; n < count; n++) {
		u16 flags = bufs[n].write ? DESC_WRITE : 0;
		u16 next = (i + 1) % d->num;

		if (n + 1 < count)
			flags |= DESC_NEXT;
		desc_set(q, i, bufs[n].addr, bufs[n].len, flags, next);
		i = next;
	}
	d->queues[q].next_desc = i;
	driver_offer(d, q, head);
	return head;
}

void driver_io(struct driver *d)
{
	int timeout;

	virtio_turn(d->vdev, NULL, 0, 0, &timeout);
}

bool driver_reap(struct driver *d, unsigned int q, u32 *id, u32 *len)
{
	u16 *next = &d->queues[q].next_used;
	struct vring_used_elem *elem = &used(q)->ring[*next % d->num];

	if (__atomic_load_n(&used(q)->idx, __ATOMIC_ACQUIRE) == *next)
		return false;
	*id = elem->id;
	*len = elem->len;
	++*next;
	return true;
}

u32 driver_irq(struct driver *d)
{
	u32 status = reg_get(d, INTERRUPT_STATUS);

	CHECK(d->vdev->irq.level == !!status);
	reg_set(d, INTERRUPT_ACK, status);
	CHECK(!d->vdev->irq.level);
	return status;
}

bool driver_sees_failure(struct driver *d)
{
	return reg_get(d, STATUS) & STATUS_NEEDS_RESET && driver_irq(d) & 2;
}
