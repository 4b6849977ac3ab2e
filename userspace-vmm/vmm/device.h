/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices and the bus they sit on.
 */
#ifndef _VMM_DEVICE_H
#define _VMM_DEVICE_H

#include <pthread.h>

#include "util.h"

struct device;

/**
 * struct device_ops - what a device does
 * @name: for messages.
 * @read: a read of @len bytes (1, 2, 4 or 8) at @offset, which is inside the
 *	device. Bits of the result beyond @len bytes are ignored.
 * @write: the same for a write; @value is zero-extended.
 * @reset: puts the device into the state of a reset. No vCPU runs.
 * @tick: once a second, or NULL.
 *
 * @read and @write come from all vCPU threads at once, @tick from the main
 * thread: a device locks itself. Nothing the guest passes may be trusted.
 */
struct device_ops {
	const char *name;
	u64 (*read)(struct device *dev, u64 offset, unsigned int len);
	void (*write)(struct device *dev, u64 offset, unsigned int len,
		      u64 value);
	void (*reset)(struct device *dev);
	void (*tick)(struct device *dev);
};

struct device {
	const struct device_ops *ops;
	u64 base;
	u64 size;
};

/**
 * struct irq_line - the wire from a device to the interrupt controller
 * @spi: number of the shared peripheral interrupt.
 * @level: what the device drives.
 * @changed: tells the other end, or NULL.
 * @opaque: for @changed.
 *
 * Under the lock of the device that drives it.
 */
struct irq_line {
	unsigned int spi;
	bool level;
	void (*changed)(struct irq_line *line);
	void *opaque;
};

static inline void irq_line_set(struct irq_line *line, bool level)
{
	if (line->level == level)
		return;
	line->level = level;
	if (line->changed)
		line->changed(line);
}

/* Pages of unmapped addresses that are counted one by one. */
#define BUS_HOLES	32
#define BUS_DEVICES	40

/**
 * struct bus_hole - accesses to one page without a device
 * @page: guest physical address, a multiple of 4 KiB.
 * @reads: reads, they gave zero.
 * @writes: writes, they were ignored.
 * @aborts: accesses that the VMM cannot emulate, they aborted.
 */
struct bus_hole {
	u64 page;
	u64 reads;
	u64 writes;
	u64 aborts;
};

struct bus {
	struct device *devices[BUS_DEVICES];
	unsigned int num_devices;

	/* Guards what follows. */
	pthread_mutex_t lock;
	struct bus_hole holes[BUS_HOLES];
	unsigned int num_holes;
	/* All pages beyond those. */
	struct bus_hole rest;
};

void bus_init(struct bus *bus);

/* The device is complete; it never goes away. */
void bus_add(struct bus *bus, struct device *dev);

/* Any address, any length of 1 to 8; @pc is for messages. */
u64 bus_read(struct bus *bus, u64 ipa, unsigned int len, u64 pc);
void bus_write(struct bus *bus, u64 ipa, unsigned int len, u64 value, u64 pc);

/*
 * Count and tell of an access that the VMM answers with an abort. @insn is the instruction
 * in text, or empty; @why it cannot be made.
 */
void bus_aborted(struct bus *bus, u64 ipa, u64 pc, const char *insn,
		 const char *why);

void bus_reset(struct bus *bus);
void bus_tick(struct bus *bus);

/* The totals of all that had no device, with --verbose. */
void bus_report(struct bus *bus);

/*
 * Peripheral and PrimeCell identification: eight words, one byte each, at the
 * end of the 4 KiB of an Arm PrimeCell.
 */
#define PRIMECELL_ID_BASE	0xfe0
#define PRIMECELL_ID_SIZE	8

#endif /* _VMM_DEVICE_H */
