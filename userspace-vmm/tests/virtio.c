// SPDX-License-Identifier: GPL-2.0
/*
 * The transport and the queues, with a device that does as little as possible:
 * what a request lets it read, it writes back into the rest.
 */
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "driver.h"
#include "helper.h"

/* ---- The device -------------------------------------------------------- */

#define ECHO_FEATURES	(VIRTIO_BIT(3) | VIRTIO_BIT(40))

struct echo_config {
	u8 bytes[4];
	u16 half;
	u16 pad;
	u64 large;
};

static struct echo {
	struct virtio_device vdev;
	struct echo_config config;
	unsigned int requests;
	unsigned int resets;
	/* Hold a request until somebody writes; told by the other one. */
	int hold_fd;
	int held_fd;
} echo;

static s64 echo_request(struct virtqueue *vq, struct virtq_chain *chain)
{
	struct echo *dev = container_of(vq->vdev, struct echo, vdev);
	u8 buf[4096];
	eventfd_t value;
	size_t n;

	__atomic_add_fetch(&dev->requests, 1, __ATOMIC_RELAXED);
	if (dev->hold_fd >= 0) {
		eventfd_write(dev->held_fd, 1);
		eventfd_read(dev->hold_fd, &value);
	}
	n = virtq_read(chain, buf, sizeof(buf));
	return virtq_write(chain, buf, n);
}

static void echo_handle(struct virtio_device *vdev, struct virtqueue *vq)
{
	(void)vdev;
	virtq_serve(vq, echo_request);
}

static void echo_reset(struct virtio_device *vdev)
{
	container_of(vdev, struct echo, vdev)->resets++;
}

static void echo_write_config(struct virtio_device *vdev, u32 offset,
			      unsigned int len, u64 value)
{
	memcpy((char *)vdev->config + offset, &value, len);
}

static const struct virtio_ops echo_ops = {
	.name = "virtio-echo",
	.id = 63,
	.num_queues = 2,
	.handle = echo_handle,
	.reset = echo_reset,
	.write_config = echo_write_config,
};

static void echo_new(void)
{
	memset(&echo, 0, sizeof(echo));
	echo.hold_fd = -1;
	ram_new();
	virtio_init(&echo.vdev, &echo_ops, &ram, ECHO_FEATURES, &echo.config,
		    sizeof(echo.config));
	echo.vdev.dev.base = 0x0a000000;
}

static void echo_end(void)
{
	virtio_stop(&echo.vdev);
}

static void echo_start(struct driver *d, u64 features, u16 num)
{
	echo_new();
	driver_start(d, &echo.vdev, features, num);
}

/* "abc" there and back, in a chain of two. */
static const struct buf echo_bufs[] = {
	{ DATA, 3, false }, { DATA + 0x100, 8, true },
};

static bool echoes(struct driver *d, unsigned int q)
{
	u32 id = ~0U, len = 0;
	u16 head;

	memcpy(at(DATA), "abc", 3);
	memset(at(DATA + 0x100), 0, 8);
	head = driver_submit(d, q, echo_bufs, 2);
	driver_io(d);
	return driver_reap(d, q, &id, &len) && id == head && len == 3 &&
	       !memcmp(at(DATA + 0x100), "abc\0", 4);
}

/* ---- Registers --------------------------------------------------------- */

static void test_identity(void)
{
	struct driver d;

	echo_new();
	driver_reset(&d, &echo.vdev);
	CHECK(reg_get(&d, MAGIC) == 0x74726976);
	CHECK(reg_get(&d, VERSION) == 2);
	CHECK(reg_get(&d, DEVICE_ID) == 63);
	reg_set(&d, SHM_SEL, 0);
	CHECK(reg_get(&d, SHM_LEN) == ~0U && reg_get(&d, SHM_LEN + 4) == ~0U);
	CHECK(reg_get(&d, SHM_BASE) == ~0U && reg_get(&d, SHM_BASE + 4) == ~0U);
	reg_set(&d, QUEUE_SEL, 1);
	CHECK(reg_get(&d, QUEUE_NUM_MAX) == 256);
	CHECK(reg_get(&d, QUEUE_READY) == 0);
	/* One that is not there. */
	reg_set(&d, QUEUE_SEL, 2);
	CHECK(reg_get(&d, QUEUE_NUM_MAX) == 0);
	reg_set(&d, QUEUE_READY, 1);
	CHECK(reg_get(&d, QUEUE_READY) == 0);
	reg_set(&d, QUEUE_SEL, ~0U);
	CHECK(reg_get(&d, QUEUE_NUM_MAX) == 0);
	echo_end();
}

static void test_features(void)
{
	static const struct {
		u64 features;
		bool good;
	} choices[] = {
		{ F_VERSION_1, true },
		{ F_VERSION_1 | F_INDIRECT | F_EVENT_IDX, true },
		{ F_VERSION_1 | ECHO_FEATURES, true },
		{ 0, false },
		{ F_INDIRECT | F_EVENT_IDX, false },
		{ F_VERSION_1 | VIRTIO_BIT(4), false },
		{ F_VERSION_1 | VIRTIO_BIT(63), false },
		{ ~0ULL, false },
	};
	struct driver d;
	u64 offered;
	size_t i;

	echo_new();
	driver_reset(&d, &echo.vdev);
	offered = reg_get(&d, DEVICE_FEATURES);
	reg_set(&d, DEVICE_FEATURES_SEL, 1);
	offered |= (u64)reg_get(&d, DEVICE_FEATURES) << 32;
	CHECK(offered == (F_VERSION_1 | F_INDIRECT | F_EVENT_IDX |
			  ECHO_FEATURES));
	reg_set(&d, DEVICE_FEATURES_SEL, 2);
	CHECK(reg_get(&d, DEVICE_FEATURES) == 0);

	for (i = 0; i < ARRAY_SIZE(choices); i++) {
		driver_reset(&d, &echo.vdev);
		CHECK(driver_negotiate(&d, choices[i].features) ==
		      choices[i].good);
		CHECK(!(reg_get(&d, STATUS) & STATUS_NEEDS_RESET));
	}

	/* From beyond the words that there are. */
	driver_reset(&d, &echo.vdev);
	reg_set(&d, DRIVER_FEATURES_SEL, 2);
	reg_set(&d, DRIVER_FEATURES, 1);
	CHECK(!driver_negotiate(&d, F_VERSION_1));
	/* A second choice is a choice. */
	driver_reset(&d, &echo.vdev);
	CHECK(!driver_negotiate(&d, ~0ULL));
	CHECK(driver_negotiate(&d, F_VERSION_1));
	echo_end();
}

static void test_features_fixed(void)
{
	struct driver d;

	echo_start(&d, 0, 8);
	reg_set(&d, DRIVER_FEATURES_SEL, 0);
	reg_set(&d, DRIVER_FEATURES, F_INDIRECT);
	CHECK(driver_sees_failure(&d));
	CHECK(!virtio_has_feature(&echo.vdev, 28));
	echo_end();
}

static void test_ok_without_features(void)
{
	struct driver d;

	echo_new();
	driver_reset(&d, &echo.vdev);
	driver_ok(&d);
	CHECK(reg_get(&d, STATUS) == (STATUS_ACKNOWLEDGE | STATUS_DRIVER |
				      STATUS_NEEDS_RESET));
	/* Before DRIVER_OK there are no interrupts. */
	CHECK(!driver_irq(&d));
	driver_reset(&d, &echo.vdev);
	CHECK(!(reg_get(&d, STATUS) & STATUS_NEEDS_RESET));
	echo_end();
}

/* Bits are cleared by a reset only, NEEDS_RESET is the device's. */
static void test_status(void)
{
	struct driver d;

	echo_start(&d, 0, 8);
	reg_set(&d, STATUS, STATUS_ACKNOWLEDGE);
	CHECK(reg_get(&d, STATUS) == 0xf);
	reg_set(&d, STATUS, 0xf | STATUS_NEEDS_RESET);
	CHECK(reg_get(&d, STATUS) == 0xf);
	reg_set(&d, STATUS, ~0U);
	CHECK(reg_get(&d, STATUS) == (0xf | STATUS_FAILED));
	virtio_fail(&echo.vdev, "a test");
	CHECK(driver_sees_failure(&d));
	reg_set(&d, STATUS, 0xf);
	CHECK(reg_get(&d, STATUS) & STATUS_NEEDS_RESET);
	reg_set(&d, STATUS, 0);
	CHECK(!reg_get(&d, STATUS));
	echo_end();
}

static void test_queue_setup(void)
{
	static const struct {
		u32 num;
		u64 desc, avail, used;
		bool good;
	} setups[] = {
		{ 256, DESC(0), AVAIL(0), USED(0), true },
		{ 1, DESC(0), AVAIL(0), USED(0), true },
		{ 0, DESC(0), AVAIL(0), USED(0), false },
		{ 3, DESC(0), AVAIL(0), USED(0), false },
		{ 255, DESC(0), AVAIL(0), USED(0), false },
		{ 512, DESC(0), AVAIL(0), USED(0), false },
		{ 0x80000000, DESC(0), AVAIL(0), USED(0), false },
		{ 8, DESC(0) + 8, AVAIL(0), USED(0), false },
		{ 8, DESC(0), AVAIL(0) + 1, USED(0), false },
		{ 8, DESC(0), AVAIL(0), USED(0) + 2, false },
		{ 8, 0, AVAIL(0), USED(0), false },
		{ 8, DESC(0), RAM_BASE - 2, USED(0), false },
		{ 8, DESC(0), AVAIL(0), ~0ULL - 3, false },
		{ 8, RAM_BASE + RAM_SIZE - 128, AVAIL(0), USED(0), true },
		{ 8, RAM_BASE + RAM_SIZE - 112, AVAIL(0), USED(0), false },
		/* With the event behind the ring. */
		{ 8, DESC(0), RAM_BASE + RAM_SIZE - 22, USED(0), true },
		{ 8, DESC(0), RAM_BASE + RAM_SIZE - 20, USED(0), false },
		{ 8, DESC(0), AVAIL(0), RAM_BASE + RAM_SIZE - 72, true },
		{ 8, DESC(0), AVAIL(0), RAM_BASE + RAM_SIZE - 68, false },
	};
	struct driver d;
	size_t i;

	echo_new();
	for (i = 0; i < ARRAY_SIZE(setups); i++) {
		driver_reset(&d, &echo.vdev);
		driver_negotiate(&d, F_VERSION_1);
		reg_set(&d, QUEUE_NUM, setups[i].num);
		reg_set64(&d, QUEUE_DESC, setups[i].desc);
		reg_set64(&d, QUEUE_DRIVER, setups[i].avail);
		reg_set64(&d, QUEUE_DEVICE, setups[i].used);
		reg_set(&d, QUEUE_READY, 1);
		CHECK(reg_get(&d, QUEUE_READY) == setups[i].good);
		CHECK(!(reg_get(&d, STATUS) & STATUS_NEEDS_RESET) ==
		      setups[i].good);
		driver_ok(&d);
		driver_io(&d);
	}
	echo_end();
}

static void test_ready_too_early(void)
{
	struct driver d;

	echo_new();
	driver_reset(&d, &echo.vdev);
	driver_queue(&d, 0, 8);
	CHECK(reg_get(&d, QUEUE_READY) == 0);
	CHECK(reg_get(&d, STATUS) & STATUS_NEEDS_RESET);
	echo_end();
}

static void test_ready_then_changed(void)
{
	static const enum mmio_reg regs[] = {
		QUEUE_NUM, QUEUE_DESC, QUEUE_DESC + 4, QUEUE_DRIVER,
		QUEUE_DRIVER + 4, QUEUE_DEVICE, QUEUE_DEVICE + 4,
	};
	struct driver d;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		echo_start(&d, 0, 8);
		reg_set(&d, QUEUE_SEL, 0);
		reg_set(&d, regs[i], 0);
		CHECK(driver_sees_failure(&d));
		/* And it did not change. */
		CHECK(echoes(&d, 0));
		echo_end();
	}
}

/* Switched off and on again, a queue begins anew. */
static void test_queue_again(void)
{
	struct driver d;

	echo_start(&d, 0, 8);
	CHECK(echoes(&d, 0) && echoes(&d, 1));
	reg_set(&d, QUEUE_SEL, 0);
	reg_set(&d, QUEUE_READY, 0);
	CHECK(reg_get(&d, QUEUE_READY) == 0);
	driver_submit(&d, 0, echo_bufs, 2);
	driver_io(&d);
	CHECK(used(0)->idx == 1);
	CHECK(echoes(&d, 1));
	driver_queue(&d, 0, 16);
	CHECK(echoes(&d, 0));
	CHECK(used(0)->idx == 1);
	CHECK(!(reg_get(&d, STATUS) & STATUS_NEEDS_RESET));
	echo_end();
}

static void test_before_driver_ok(void)
{
	u32 id, len;
	struct driver d;

	echo_new();
	driver_reset(&d, &echo.vdev);
	driver_negotiate(&d, F_VERSION_1);
	driver_queue(&d, 0, 8);
	driver_submit(&d, 0, echo_bufs, 2);
	reg_set(&d, QUEUE_NOTIFY, 0);
	driver_io(&d);
	CHECK(!echo.requests && !used(0)->idx);
	driver_ok(&d);
	driver_io(&d);
	CHECK(driver_reap(&d, 0, &id, &len));
	echo_end();
}

static void test_reset(void)
{
	struct driver d;
	u32 reg;

	echo_start(&d, F_EVENT_IDX, 8);
	CHECK(echoes(&d, 0));
	CHECK(echo.vdev.irq.level);
	reg_set(&d, STATUS, 0);
	CHECK(!echo.vdev.irq.level);
	CHECK(!reg_get(&d, INTERRUPT_STATUS));
	for (reg = 0; reg < 2; reg++) {
		reg_set(&d, QUEUE_SEL, reg);
		CHECK(!reg_get(&d, QUEUE_READY));
	}
	driver_submit(&d, 0, echo_bufs, 2);
	driver_io(&d);
	CHECK(echo.requests == 1);
	/* As good as new. */
	driver_start(&d, &echo.vdev, 0, 4);
	CHECK(echoes(&d, 0) && echoes(&d, 1));
	echo_end();
}

static void test_config(void)
{
	struct device *dev = &echo.vdev.dev;
	u64 large = 0x1122334455667788ULL;
	struct driver d;
	u32 generation;

	echo_start(&d, 0, 8);
	dev->ops->write(dev, CONFIG + 1, 1, 0xab);
	CHECK(dev->ops->read(dev, CONFIG, 4) == 0xab00);
	CHECK(dev->ops->read(dev, CONFIG + 1, 1) == 0xab);
	dev->ops->write(dev, CONFIG + 4, 2, 0xcdef);
	CHECK(dev->ops->read(dev, CONFIG + 4, 2) == 0xcdef);

	generation = reg_get(&d, CONFIG_GENERATION);
	virtio_set_config(&echo.vdev, &echo.config.large, &large, 8);
	CHECK(reg_get(&d, CONFIG_GENERATION) != generation);
	CHECK(driver_irq(&d) == 2);
	CHECK(dev->ops->read(dev, CONFIG + 8, 4) == 0x55667788);
	CHECK(dev->ops->read(dev, CONFIG + 12, 4) == 0x11223344);
	CHECK(dev->ops->read(dev, CONFIG + 8, 8) == large);
	/* The same is no change. */
	generation = reg_get(&d, CONFIG_GENERATION);
	virtio_set_config(&echo.vdev, &echo.config.large, &large, 8);
	CHECK(reg_get(&d, CONFIG_GENERATION) == generation);
	CHECK(!driver_irq(&d));

	/* Beyond its end, and over it. */
	CHECK(dev->ops->read(dev, CONFIG + 16, 1) == 0);
	CHECK(dev->ops->read(dev, CONFIG + 12, 8) == 0);
	dev->ops->write(dev, CONFIG + 13, 4, ~0U);
	dev->ops->write(dev, CONFIG + 16, 8, ~0ULL);
	CHECK(dev->ops->read(dev, CONFIG + 8, 8) == large);
	echo_end();
}

/* Every access that a guest can make, at rest and at work. */
static void test_any_access(void)
{
	static const u64 values[] = { 0, 1, 0x4ULL, 0xf, ~0ULL };
	struct device *dev = &echo.vdev.dev;
	unsigned int len, i, work;
	struct driver d;
	u64 offset;

	for (work = 0; work < 2; work++) {
		echo_start(&d, F_INDIRECT, 8);
		for (i = 0; i < ARRAY_SIZE(values); i++) {
			for (offset = 0; offset < dev->size; offset++) {
				if (work)
					driver_io(&d);
				for (len = 1; len <= 8; len *= 2) {
					dev->ops->write(dev, offset, len,
							values[i]);
					dev->ops->read(dev, offset, len);
				}
			}
		}
		driver_start(&d, &echo.vdev, 0, 8);
		CHECK(echoes(&d, 0));
		echo_end();
	}
}

/* Registers are words: nothing else reaches them. */
static void test_narrow_access(void)
{
	struct device *dev = &echo.vdev.dev;
	struct driver d;

	echo_start(&d, 0, 8);
	dev->ops->write(dev, STATUS, 1, 0);
	dev->ops->write(dev, STATUS, 8, 0);
	dev->ops->write(dev, STATUS + 1, 4, 0);
	CHECK(reg_get(&d, STATUS) == 0xf);
	CHECK(dev->ops->read(dev, MAGIC, 1) == 0);
	CHECK(dev->ops->read(dev, MAGIC + 2, 4) == 0);
	echo_end();
}

static void test_notify_fds(void)
{
	struct virtio_notify list[VIRTIO_MAX_QUEUES];
	eventfd_t kicks = 0;
	unsigned int i;
	struct driver d;

	echo_start(&d, 0, 8);
	CHECK(virtio_notify_fds(&echo.vdev, list) == 2);
	eventfd_read(echo.vdev.kick_fd, &kicks);
	for (i = 0; i < 2; i++) {
		CHECK(list[i].ipa == 0x0a000050);
		CHECK(list[i].len == 4 && list[i].data == i);
		reg_set(&d, QUEUE_NOTIFY, i);
		CHECK(!eventfd_read(list[i].fd, &kicks) && kicks == 1);
	}
	/* A queue that is not there. */
	reg_set(&d, QUEUE_NOTIFY, 2);
	reg_set(&d, QUEUE_NOTIFY, ~0U);
	CHECK(eventfd_read(echo.vdev.kick_fd, &kicks) < 0);
	echo_end();
}

/* ---- Chains ------------------------------------------------------------ */

static void test_echo(void)
{
	struct driver d;

	echo_start(&d, 0, 8);
	CHECK(echoes(&d, 0));
	CHECK(driver_irq(&d) == 1);
	CHECK(echoes(&d, 1));
	CHECK(driver_irq(&d) == 1);
	echo_end();
}

/* What was cut into bytes comes back whole, and the other way round. */
static void test_scatter(void)
{
	struct buf bufs[16];
	u32 id, len, i;
	struct driver d;

	echo_start(&d, 0, 16);
	for (i = 0; i < 8; i++) {
		bufs[i] = (struct buf){ DATA + 16 * i, 1, false };
		bufs[8 + i] = (struct buf){ DATA + 0x100 + 16 * i, 2, true };
		*(u8 *)at(DATA + 16 * i) = 'a' + i;
	}
	driver_submit(&d, 0, bufs, 16);
	driver_io(&d);
	CHECK(driver_reap(&d, 0, &id, &len) && len == 8);
	CHECK(!memcmp(at(DATA + 0x100), "ab\0", 3));
	CHECK(!memcmp(at(DATA + 0x130), "gh\0", 3));
	CHECK(!memcmp(at(DATA + 0x140), "\0\0", 2));
	echo_end();
}

static void test_only_one_way(void)
{
	static const struct buf out = { DATA, 16, false };
	static const struct buf in = { DATA, 16, true };
	struct driver d;
	u32 id, len;

	echo_start(&d, 0, 8);
	driver_submit(&d, 0, &out, 1);
	driver_submit(&d, 0, &in, 1);
	driver_io(&d);
	CHECK(driver_reap(&d, 0, &id, &len) && len == 0);
	CHECK(driver_reap(&d, 0, &id, &len) && len == 0);
	echo_end();
}

/* As long as the queue. */
static void test_longest_chain(void)
{
	struct buf bufs[256];
	struct driver d;
	u32 id, len, i;

	echo_start(&d, 0, 256);
	for (i = 0; i < 256; i++)
		bufs[i] = (struct buf){ DATA + 4 * i, 4, i >= 128 };
	memset(at(DATA), 'x', 512);
	driver_submit(&d, 0, bufs, 256);
	driver_io(&d);
	CHECK(driver_reap(&d, 0, &id, &len) && len == 512);
	CHECK(!memcmp(at(DATA), at(DATA + 512), 512));
	echo_end();
}

static void indirect_set(u64 table, unsigned int i, u64 addr, u32 len,
			 u16 flags, u16 next)
{
	struct vring_desc indirect = { addr, len, flags, next };

	memcpy((char *)at(table) + i * sizeof(indirect), &indirect,
	       sizeof(indirect));
}

#define TABLE	(DATA + 0x10000)

static void test_indirect(void)
{
	struct driver d;
	u32 id, len, i;

	echo_start(&d, F_INDIRECT, 2);
	memcpy(at(DATA), "abcd", 4);
	/* More than the queue has, in any order, after one that is direct. */
	indirect_set(TABLE, 0, DATA + 1, 1, DESC_NEXT, 3);
	indirect_set(TABLE, 3, DATA + 2, 1, DESC_NEXT, 1);
	indirect_set(TABLE, 1, DATA + 3, 1, DESC_NEXT, 2);
	indirect_set(TABLE, 2, DATA + 0x100, 8, DESC_WRITE, 0);
	desc_set(0, 0, DATA, 1, DESC_NEXT, 1);
	/* 2.7.5.3.2: WRITE means nothing there. */
	desc_set(0, 1, TABLE, 64, DESC_INDIRECT | DESC_WRITE, 77);
	driver_offer(&d, 0, 0);
	driver_io(&d);
	CHECK(driver_reap(&d, 0, &id, &len) && id == 0 && len == 4);
	CHECK(!memcmp(at(DATA + 0x100), "abcd", 4));

	/* As long as it may be, and at an address of no alignment. */
	for (i = 0; i < 256; i++)
		indirect_set(TABLE + 1, i, DATA + 4 * i, 4,
			     (i < 128 ? 0 : DESC_WRITE) |
			     (i < 255 ? DESC_NEXT : 0), i + 1);
	desc_set(0, 1, TABLE + 1, 4096, DESC_INDIRECT, 0);
	driver_offer(&d, 0, 1);
	driver_io(&d);
	CHECK(driver_reap(&d, 0, &id, &len) && id == 1 && len == 512);
	echo_end();
}

static const struct bad_chain {
	const char *what;
	u16 head;
	struct vring_desc table[5];
	/* At TABLE. */
	struct vring_desc indirect[4];
	bool negotiated;
} bad_chains[] = {
	{ "a head beyond the queue", .head = 8 },
	{ "a head of 65535", .head = 0xffff },
	{
		"next beyond the queue",
		.table = { { DATA, 8, DESC_NEXT, 8 } },
	},
	{
		"next is 65535",
		.table = { { DATA, 8, DESC_NEXT, 0xffff } },
	},
	{
		"a descriptor that follows itself",
		.table = { { DATA, 8, DESC_NEXT, 0 } },
	},
	{
		"a loop of two",
		.table = {
			{ DATA, 8, DESC_NEXT, 1 },
			{ DATA, 8, DESC_NEXT, 0 },
		},
	},
	{
		"a loop of two that are written",
		.table = {
			{ DATA, 8, DESC_NEXT | DESC_WRITE, 1 },
			{ DATA, 8, DESC_NEXT | DESC_WRITE, 0 },
		},
	},
	{
		"a loop behind a good beginning",
		.table = {
			{ DATA, 8, DESC_NEXT, 1 },
			{ DATA, 8, DESC_NEXT, 2 },
			{ DATA, 8, DESC_NEXT, 3 },
			{ DATA, 8, DESC_NEXT, 1 },
		},
	},
	{
		"an address of 0",
		.table = { { 0, 8, 0, 0 } },
	},
	{
		"an address below the memory",
		.table = { { RAM_BASE - 1, 8, 0, 0 } },
	},
	{
		"an address behind the memory",
		.table = { { RAM_BASE + RAM_SIZE, 1, 0, 0 } },
	},
	{
		"an address of a device",
		.table = { { 0x09000000, 4, 0, 0 } },
	},
	{
		"the highest address",
		.table = { { ~0ULL, 1, 0, 0 } },
	},
	{
		"an end that wraps",
		.table = { { ~0ULL - 3, 8, 0, 0 } },
	},
	{
		"one byte too many",
		.table = { { RAM_BASE + RAM_SIZE - 8, 9, 0, 0 } },
	},
	{
		"a length of 4 GiB less one",
		.table = { { DATA, ~0U, 0, 0 } },
	},
	{
		"a length of 2 GiB",
		.table = { { DATA, 0x80000000, DESC_WRITE, 0 } },
	},
	{
		"an empty buffer",
		.table = { { DATA, 0, 0, 0 } },
	},
	{
		"an empty buffer to write",
		.table = { { DATA, 0, DESC_WRITE, 0 } },
	},
	{
		"an empty buffer in a chain",
		.table = {
			{ DATA, 8, DESC_NEXT, 1 },
			{ DATA, 0, DESC_NEXT, 2 },
			{ DATA, 8, DESC_WRITE, 0 },
		},
	},
	{
		"a buffer to read behind one to write",
		.table = {
			{ DATA, 8, DESC_NEXT | DESC_WRITE, 1 },
			{ DATA, 8, 0, 0 },
		},
	},
	{
		"the second buffer is not in memory",
		.table = { { DATA, 8, DESC_NEXT, 1 }, { 1, 8, DESC_WRITE, 0 } },
	},
	{
		"an indirect table that is not negotiated",
		.table = { { TABLE, 16, DESC_INDIRECT, 0 } },
		.indirect = { { DATA, 8, 0, 0 } },
	},
	{
		"an indirect table without length",
		.table = { { TABLE, 0, DESC_INDIRECT, 0 } },
		.indirect = { { DATA, 8, 0, 0 } },
		.negotiated = true,
	},
	{
		"an indirect table of 15 bytes",
		.table = { { TABLE, 15, DESC_INDIRECT, 0 } },
		.indirect = { { DATA, 8, 0, 0 } },
		.negotiated = true,
	},
	{
		"an indirect table of 17 bytes",
		.table = { { TABLE, 17, DESC_INDIRECT, 0 } },
		.indirect = { { DATA, 8, 0, 0 } },
		.negotiated = true,
	},
	{
		"an indirect table of 257 descriptors",
		.table = { { TABLE, 16 * 257, DESC_INDIRECT, 0 } },
		.indirect = { { DATA, 8, 0, 0 } },
		.negotiated = true,
	},
	{
		"an indirect table of 4 GiB",
		.table = { { TABLE, 0xfffffff0, DESC_INDIRECT, 0 } },
		.indirect = { { DATA, 8, 0, 0 } },
		.negotiated = true,
	},
	{
		"an indirect table that is not in memory",
		.table = { { RAM_BASE - 16, 16, DESC_INDIRECT, 0 } },
		.negotiated = true,
	},
	{
		"an indirect table that leaves memory",
		.table = { { RAM_BASE + RAM_SIZE - 16, 32, DESC_INDIRECT, 0 } },
		.negotiated = true,
	},
	{
		"an indirect table that wraps",
		.table = { { ~0ULL - 15, 32, DESC_INDIRECT, 0 } },
		.negotiated = true,
	},
	{
		"an indirect table with something behind it",
		.table = {
			{ TABLE, 16, DESC_INDIRECT | DESC_NEXT, 1 },
			{ DATA, 8, 0, 0 },
		},
		.indirect = { { DATA, 8, 0, 0 } },
		.negotiated = true,
	},
	{
		"an indirect table in an indirect table",
		.table = { { TABLE, 32, DESC_INDIRECT, 0 } },
		.indirect = {
			{ TABLE + 16, 16, DESC_INDIRECT, 0 },
			{ DATA, 8, 0, 0 },
		},
		.negotiated = true,
	},
	{
		"an indirect table that refers to itself",
		.table = { { TABLE, 16, DESC_INDIRECT, 0 } },
		.indirect = { { TABLE, 16, DESC_INDIRECT, 0 } },
		.negotiated = true,
	},
	{
		"a loop in an indirect table",
		.table = { { TABLE, 32, DESC_INDIRECT, 0 } },
		.indirect = {
			{ DATA, 8, DESC_NEXT, 1 },
			{ DATA, 8, DESC_NEXT, 0 },
		},
		.negotiated = true,
	},
	{
		"next beyond an indirect table",
		.table = { { TABLE, 32, DESC_INDIRECT, 0 } },
		.indirect = {
			{ DATA, 8, DESC_NEXT, 2 },
			{ DATA, 8, 0, 0 },
			{ DATA, 8, 0, 0 },
		},
		.negotiated = true,
	},
	{
		"an indirect buffer to read behind a direct one to write",
		.table = {
			{ DATA, 8, DESC_NEXT | DESC_WRITE, 1 },
			{ TABLE, 16, DESC_INDIRECT, 0 },
		},
		.indirect = { { DATA, 8, 0, 0 } },
		.negotiated = true,
	},
	{
		"an indirect buffer that is not in memory",
		.table = { { TABLE, 16, DESC_INDIRECT, 0 } },
		.indirect = { { 0, 8, 0, 0 } },
		.negotiated = true,
	},
	{
		"an empty indirect buffer",
		.table = { { TABLE, 16, DESC_INDIRECT, 0 } },
		.indirect = { { DATA, 0, 0, 0 } },
		.negotiated = true,
	},
};

/* It fails, with nothing done; the other queue goes on; a reset cures it. */
static void test_bad_chain(const struct bad_chain *bad)
{
	struct driver d;

	echo_start(&d, bad->negotiated ? F_INDIRECT : 0, 8);
	memcpy(desc(0), bad->table, sizeof(bad->table));
	memcpy(at(TABLE), bad->indirect, sizeof(bad->indirect));
	driver_offer(&d, 0, bad->head);
	driver_io(&d);
	CHECK(driver_sees_failure(&d));
	CHECK(!echo.requests && !used(0)->idx);
	/* Not even for something good. */
	CHECK(!echoes(&d, 0));
	CHECK(echoes(&d, 1));
	driver_start(&d, &echo.vdev, 0, 8);
	CHECK(echoes(&d, 0));
	echo_end();
}

/* 4 GiB in one chain, all of it memory: the same memory many times. */
static void test_huge_chain(void)
{
	struct buf bufs[256];
	struct driver d;
	u32 i;

	echo_start(&d, F_INDIRECT, 256);
	/* A memory that is large enough, though nobody ever touches it. */
	echo.vdev.ram = &(struct guest_ram){ ram.mem, RAM_BASE, 1ULL << 30 };
	for (i = 0; i < 256; i++)
		bufs[i] = (struct buf){ RAM_BASE, 1 << 24, true };
	driver_submit(&d, 0, bufs, 256);
	driver_io(&d);
	CHECK(driver_sees_failure(&d));
	CHECK(!echo.requests);

	/* One byte less, and it is a chain like any other. */
	driver_start(&d, &echo.vdev, 0, 256);
	bufs[255].len--;
	driver_submit(&d, 0, bufs, 256);
	driver_io(&d);
	CHECK(!(reg_get(&d, STATUS) & STATUS_NEEDS_RESET));
	CHECK(echo.requests == 1);
	echo_end();
}

/* An indirect table that, with what is before it, is longer than any chain. */
static void test_long_indirect(void)
{
	struct driver d;
	u32 i;

	echo_start(&d, F_INDIRECT, 8);
	for (i = 0; i < 256; i++)
		indirect_set(TABLE, i, DATA, 1, i < 255 ? DESC_NEXT : 0, i + 1);
	desc_set(0, 0, DATA, 1, DESC_NEXT, 1);
	desc_set(0, 1, TABLE, 4096, DESC_INDIRECT, 0);
	driver_offer(&d, 0, 0);
	driver_io(&d);
	CHECK(driver_sees_failure(&d));
	CHECK(!echo.requests);
	echo_end();
}

/* ---- Indexes ----------------------------------------------------------- */

static void test_index_jump(void)
{
	static const struct {
		u16 add;
		bool good;
	} jumps[] = {
		{ 8, true }, { 9, false }, { 0x8000, false }, { 0xffff, false },
	};
	struct driver d;
	u32 id, len;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(jumps); i++) {
		echo_start(&d, 0, 8);
		CHECK(echoes(&d, 0));
		desc_set(0, 0, DATA, 8, 0, 0);
		memset(avail(0)->ring, 0, 16);
		avail(0)->idx += jumps[i].add;
		driver_io(&d);
		CHECK(!(reg_get(&d, STATUS) & STATUS_NEEDS_RESET) ==
		      jumps[i].good);
		CHECK(echo.requests == (jumps[i].good ? 9 : 1));
		CHECK(driver_reap(&d, 0, &id, &len) == jumps[i].good);
		echo_end();
	}
}

/* Both rings, over the end of 16 bits. */
static void test_wrap(void)
{
	struct driver d;
	unsigned int i;

	echo_start(&d, 0, 4);
	for (i = 0; i < 0x10000 + 8; i++) {
		if (!echoes(&d, 0))
			break;
	}
	CHECK(i == 0x10000 + 8);
	CHECK(used(0)->idx == 8 && avail(0)->idx == 8);
	echo_end();
}

static void test_wrap_event_idx(void)
{
	struct driver d;
	unsigned int i;

	echo_start(&d, F_EVENT_IDX, 4);
	for (i = 0; i < 0x10000 + 8; i++) {
		*used_event(&d, 0) = i;
		if (!echoes(&d, 0) || driver_irq(&d) != 1)
			break;
		if (*avail_event(&d, 0) != (u16)(i + 1))
			break;
	}
	CHECK(i == 0x10000 + 8);
	echo_end();
}

/* Several at once, in a queue that they fill. */
static void test_batch(void)
{
	struct driver d;
	u32 id, len, i;

	echo_start(&d, 0, 8);
	for (i = 0; i < 4; i++)
		driver_submit(&d, 0, echo_bufs, 2);
	driver_io(&d);
	for (i = 0; i < 4; i++)
		CHECK(driver_reap(&d, 0, &id, &len) && id == 2 * i);
	CHECK(!driver_reap(&d, 0, &id, &len));
	echo_end();
}

/* ---- Notifications ----------------------------------------------------- */

static void test_no_interrupt(void)
{
	struct driver d;

	echo_start(&d, 0, 8);
	avail(0)->flags = 1;
	CHECK(echoes(&d, 0));
	CHECK(!driver_irq(&d));
	avail(0)->flags = 0;
	CHECK(echoes(&d, 0));
	CHECK(driver_irq(&d) == 1);
	/* Nothing new, nothing told. */
	driver_io(&d);
	CHECK(!driver_irq(&d));
	echo_end();
}

static void test_used_event(void)
{
	struct driver d;
	unsigned int i;

	echo_start(&d, F_EVENT_IDX, 8);
	/* The flag means nothing then (2.7.7.1). */
	avail(0)->flags = 1;
	*used_event(&d, 0) = 2;
	for (i = 0; i < 6; i++) {
		CHECK(echoes(&d, 0));
		CHECK(driver_irq(&d) == (i == 2));
	}
	/* An event in the past is one of the next round. */
	*used_event(&d, 0) = 5;
	CHECK(echoes(&d, 0));
	CHECK(!driver_irq(&d));
	*used_event(&d, 0) = 7;
	CHECK(echoes(&d, 0));
	CHECK(driver_irq(&d) == 1);
	echo_end();
}

static void test_avail_event(void)
{
	struct driver d;

	echo_start(&d, F_EVENT_IDX, 8);
	driver_io(&d);
	CHECK(*avail_event(&d, 0) == 0);
	CHECK(echoes(&d, 0));
	CHECK(*avail_event(&d, 0) == 1);
	CHECK(echoes(&d, 0) && echoes(&d, 0));
	CHECK(*avail_event(&d, 0) == 3);
	CHECK(used(0)->flags == 0);
	echo_end();
}

static void test_no_notify(void)
{
	struct driver d;

	echo_start(&d, 0, 8);
	CHECK(echoes(&d, 0));
	CHECK(used(0)->flags == 0);
	/* While it works, it needs no notification. */
	virtq_disable_kick(&echo.vdev.queues[0]);
	CHECK(used(0)->flags == 1);
	CHECK(!virtq_enable_kick(&echo.vdev.queues[0]));
	CHECK(used(0)->flags == 0);
	/* What comes in between is seen. */
	virtq_disable_kick(&echo.vdev.queues[0]);
	driver_submit(&d, 0, echo_bufs, 2);
	CHECK(virtq_enable_kick(&echo.vdev.queues[0]));
	echo_end();
}

/* Two chains for one message: seen together; and one that is given back. */
static void test_fill(void)
{
	struct virtq_chain chains[2], again;
	struct virtqueue *vq = &echo.vdev.queues[0];
	struct driver d;
	u32 id, len;

	echo_start(&d, 0, 8);
	driver_submit(&d, 0, echo_bufs, 2);
	driver_submit(&d, 0, echo_bufs, 2);
	CHECK(virtq_pending(vq));
	CHECK(virtq_pop(vq, &chains[0]) && virtq_pop(vq, &chains[1]));
	CHECK(!virtq_pop(vq, &again));
	virtq_unpop(vq);
	CHECK(virtq_pop(vq, &again) && again.head == chains[1].head);
	virtq_fill(vq, 0, chains[0].head, 1);
	virtq_fill(vq, 1, chains[1].head, 2);
	CHECK(!driver_reap(&d, 0, &id, &len));
	virtq_publish(vq, 2);
	virtq_notify(vq);
	CHECK(driver_irq(&d) == 1);
	CHECK(driver_reap(&d, 0, &id, &len) && id == 0 && len == 1);
	CHECK(driver_reap(&d, 0, &id, &len) && id == 2 && len == 2);
	echo_end();
}

/* ---- The thread -------------------------------------------------------- */

static bool wait_for(bool (*happened)(struct driver *d), struct driver *d)
{
	u64 deadline = now_ns() + 60000000000ULL;

	while (!happened(d)) {
		if (now_ns() > deadline)
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

static bool has_used(struct driver *d)
{
	return __atomic_load_n(&used(0)->idx, __ATOMIC_ACQUIRE) !=
	       d->queues[0].next_used;
}

static bool is_stopping(struct driver *d)
{
	return virtio_stopping(d->vdev);
}

static void test_thread(void)
{
	struct driver d;
	u32 id, len, i;

	echo_start(&d, F_EVENT_IDX, 8);
	virtio_start(&echo.vdev);
	for (i = 0; i < 100; i++) {
		driver_submit(&d, 0, echo_bufs, 2);
		reg_set(&d, QUEUE_NOTIFY, 0);
		if (!wait_for(has_used, &d) || !driver_reap(&d, 0, &id, &len))
			break;
	}
	CHECK(i == 100);
	echo_end();
}

static void *reset_it(void *arg)
{
	reg_set(arg, STATUS, 0);
	return NULL;
}

static void *stop_queue(void *arg)
{
	reg_set(arg, QUEUE_SEL, 0);
	reg_set(arg, QUEUE_READY, 0);
	return NULL;
}

/*
 * While a request is held, @interfere from another CPU: it must not return before
 * the request is done, and the second request must not begin.
 */
static void in_flight(void *(*interfere)(void *arg))
{
	pthread_t thread;
	eventfd_t value;
	struct driver d;

	echo_start(&d, 0, 8);
	echo.hold_fd = eventfd(0, EFD_CLOEXEC);
	echo.held_fd = eventfd(0, EFD_CLOEXEC);
	virtio_start(&echo.vdev);
	driver_submit(&d, 0, echo_bufs, 2);
	driver_submit(&d, 0, echo_bufs, 2);
	reg_set(&d, QUEUE_NOTIFY, 0);
	eventfd_read(echo.held_fd, &value);

	CHECK(!pthread_create(&thread, NULL, interfere, &d));
	CHECK(wait_for(is_stopping, &d));
	/* Its other registers can be used: nobody waits who need not. */
	CHECK(reg_get(&d, STATUS) == 0xf);
	reg_set(&d, INTERRUPT_ACK, 1);
	CHECK(used(0)->idx == 0);
	eventfd_write(echo.hold_fd, 1);
	pthread_join(thread, NULL);
	CHECK(used(0)->idx == 1);
	CHECK(echo.requests == 1);

	/* And it goes on. */
	echo.hold_fd = -1;
	driver_start(&d, &echo.vdev, 0, 8);
	driver_submit(&d, 0, echo_bufs, 2);
	reg_set(&d, QUEUE_NOTIFY, 0);
	CHECK(wait_for(has_used, &d));
	echo_end();
	close(echo.held_fd);
}

static void test_reset_in_flight(void)
{
	in_flight(reset_it);
}

static void test_stop_in_flight(void)
{
	in_flight(stop_queue);
}

struct storm {
	struct driver d;
	bool done;
};

/* Rings that change under the device's hands, as fast as another CPU can. */
static void *storm(void *arg)
{
	struct storm *s = arg;
	u32 seed = 1, i;

	for (i = 0; i < 20000; i++) {
		u16 *words = at(i & 1 ? DESC(0) : AVAIL(0));

		seed = seed * 1103515245 + 12345;
		__atomic_store_n(&words[seed >> 8 & 63], seed >> 16,
				 __ATOMIC_RELAXED);
		if (!(i & 15))
			reg_set(&s->d, QUEUE_NOTIFY, 0);
		if (!(i & 255))
			driver_start(&s->d, &echo.vdev, F_INDIRECT, 8);
	}
	__atomic_store_n(&s->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void test_storm(void)
{
	struct storm s = { 0 };
	pthread_t thread;

	echo_start(&s.d, F_INDIRECT, 8);
	virtio_start(&echo.vdev);
	CHECK(!pthread_create(&thread, NULL, storm, &s));
	pthread_join(thread, NULL);
	driver_start(&s.d, &echo.vdev, 0, 8);
	driver_submit(&s.d, 0, echo_bufs, 2);
	reg_set(&s.d, QUEUE_NOTIFY, 0);
	CHECK(wait_for(has_used, &s.d));
	echo_end();
}

/* ---- All of them ------------------------------------------------------- */

void virtio_tests(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{ "identity, and queues that are not there", test_identity },
		{ "features", test_features },
		{ "features are fixed by FEATURES_OK", test_features_fixed },
		{ "DRIVER_OK before FEATURES_OK", test_ok_without_features },
		{ "Status", test_status },
		{ "where a queue can be", test_queue_setup },
		{ "QueueReady before FEATURES_OK", test_ready_too_early },
		{ "a queue changes while it is in use", test_ready_then_changed },
		{ "a queue is switched off and on", test_queue_again },
		{ "nothing happens before DRIVER_OK", test_before_driver_ok },
		{ "reset", test_reset },
		{ "configuration space", test_config },
		{ "any access", test_any_access },
		{ "registers are words", test_narrow_access },
		{ "QueueNotify as eventfds", test_notify_fds },
		{ "a request there and back", test_echo },
		{ "a request in pieces", test_scatter },
		{ "requests that only read or only write", test_only_one_way },
		{ "a chain as long as the queue", test_longest_chain },
		{ "indirect descriptors", test_indirect },
		{ "a chain of 4 GiB", test_huge_chain },
		{ "a chain that is longer by its indirect table",
		  test_long_indirect },
		{ "the available index jumps", test_index_jump },
		{ "indexes wrap", test_wrap },
		{ "indexes wrap with EVENT_IDX", test_wrap_event_idx },
		{ "a queue full of requests", test_batch },
		{ "NO_INTERRUPT", test_no_interrupt },
		{ "used_event", test_used_event },
		{ "avail_event", test_avail_event },
		{ "NO_NOTIFY", test_no_notify },
		{ "two chains at once, one taken back", test_fill },
		{ "the thread serves", test_thread },
		{ "reset with a request in flight", test_reset_in_flight },
		{ "a queue is switched off with a request in flight",
		  test_stop_in_flight },
		{ "rings that change all the time", test_storm },
	};
	char name[96];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		test_begin();
		tests[i].run();
		snprintf(name, sizeof(name), "virtio: %s", tests[i].name);
		test_end(name);
	}
	for (i = 0; i < ARRAY_SIZE(bad_chains); i++) {
		test_begin();
		test_bad_chain(&bad_chains[i]);
		snprintf(name, sizeof(name), "virtio: refused: %s",
			 bad_chains[i].what);
		test_end(name);
	}
}
