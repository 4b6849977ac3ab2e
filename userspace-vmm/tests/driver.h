/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's end of a virtio device, good or bad as a test wants it, with a
 * buffer for guest memory. It knows the registers by their numbers in the
 * specification, so as not to share mistakes with the device.
 */
#ifndef _VMM_TESTS_DRIVER_H
#define _VMM_TESTS_DRIVER_H

#include "virtio.h"

#define RAM_BASE	0x40000000ULL
#define RAM_SIZE	(512 * KIB)

/* Where the rings of a queue are, by default. */
#define DESC(q)		(RAM_BASE + 0x4000 * (q))
#define AVAIL(q)	(DESC(q) + 0x2000)
#define USED(q)		(DESC(q) + 0x3000)
/* And what a test has for itself. */
#define DATA		(RAM_BASE + 0x20000)
#define DATA_SIZE	(RAM_SIZE - 0x20000)

#define DESC_NEXT	1
#define DESC_WRITE	2
#define DESC_INDIRECT	4

#define STATUS_ACKNOWLEDGE	0x01
#define STATUS_DRIVER		0x02
#define STATUS_DRIVER_OK	0x04
#define STATUS_FEATURES_OK	0x08
#define STATUS_NEEDS_RESET	0x40
#define STATUS_FAILED		0x80

#define F_INDIRECT	VIRTIO_BIT(28)
#define F_EVENT_IDX	VIRTIO_BIT(29)
#define F_VERSION_1	VIRTIO_BIT(32)

enum mmio_reg {
	MAGIC = 0x000, VERSION = 0x004, DEVICE_ID = 0x008, VENDOR_ID = 0x00c,
	DEVICE_FEATURES = 0x010, DEVICE_FEATURES_SEL = 0x014,
	DRIVER_FEATURES = 0x020, DRIVER_FEATURES_SEL = 0x024,
	QUEUE_SEL = 0x030, QUEUE_NUM_MAX = 0x034, QUEUE_NUM = 0x038,
	QUEUE_READY = 0x044, QUEUE_NOTIFY = 0x050,
	INTERRUPT_STATUS = 0x060, INTERRUPT_ACK = 0x064, STATUS = 0x070,
	QUEUE_DESC = 0x080, QUEUE_DRIVER = 0x090, QUEUE_DEVICE = 0x0a0,
	SHM_SEL = 0x0ac, SHM_LEN = 0x0b0, SHM_BASE = 0x0b8,
	CONFIG_GENERATION = 0x0fc, CONFIG = 0x100,
};

/* A buffer of a chain. */
struct buf {
	u64 addr;
	u32 len;
	bool write;
};

struct driver {
	struct virtio_device *vdev;
	u16 num;
	struct {
		u16 next_desc;
		u16 next_used;
	} queues[VIRTIO_MAX_QUEUES];
};

extern struct guest_ram ram;

/* Guest memory, empty. */
void ram_new(void);
void *at(u64 ipa);

u32 reg_get(struct driver *d, enum mmio_reg reg);
void reg_set(struct driver *d, enum mmio_reg reg, u32 value);
void reg_set64(struct driver *d, enum mmio_reg reg, u64 value);
void config_write(struct driver *d, u64 offset, unsigned int len, u64 value);
u64 config_read(struct driver *d, u64 offset, unsigned int len);
u64 features_of(struct driver *d);

/* By the book up to a step; @num entries in each queue. */
void driver_reset(struct driver *d, struct virtio_device *vdev);
bool driver_negotiate(struct driver *d, u64 features);
void driver_queue(struct driver *d, unsigned int q, u16 num);
void driver_ok(struct driver *d);
/* All of it. */
void driver_start(struct driver *d, struct virtio_device *vdev, u64 features,
		  u16 num);

struct vring_desc *desc(unsigned int q);
struct vring_avail *avail(unsigned int q);
struct vring_used *used(unsigned int q);
u16 *used_event(struct driver *d, unsigned int q);
u16 *avail_event(struct driver *d, unsigned int q);

void desc_set(unsigned int q, unsigned int i, u64 addr, u32 len, u16 flags,
	      u16 next);

/* Make the chain that begins at @head available. */
void driver_offer(struct driver *d, unsigned int q, u16 head);

/* A chain of these buffers, available; returns its head. */
u16 driver_submit(struct driver *d, unsigned int q, const struct buf *bufs,
		  unsigned int count);

/* Does what the I/O thread would do now. */
void driver_io(struct driver *d);

/* The next used buffer; false if there is none. */
bool driver_reap(struct driver *d, unsigned int q, u32 *id, u32 *len);

/* The interrupt, which is acknowledged. */
u32 driver_irq(struct driver *d);

/* It needs a reset, and has told so; its interrupt is acknowledged. */
bool driver_sees_failure(struct driver *d);

#endif /* _VMM_TESTS_DRIVER_H */
