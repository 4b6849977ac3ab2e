/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Arm PrimeCell UART (PL011), DDI 0183.
 */
#ifndef _VMM_PL011_H
#define _VMM_PL011_H

#include "device.h"

#define PL011_FIFO_SIZE		16
/* What the other end has sent while the FIFO was full. */
#define PL011_QUEUE_SIZE	1024

/* In place of a character: a break on the line. */
#define PL011_BREAK		0x100

struct pl011 {
	struct device dev;
	struct irq_line irq;
	/* A character leaves; called without the lock. */
	void (*transmit)(struct pl011 *uart, u8 c);

	/* Guards what follows. */
	pthread_mutex_t lock;
	/* Characters as DR shows them: with the error bits. */
	u16 fifo[PL011_FIFO_SIZE];
	unsigned int fifo_head;
	unsigned int fifo_count;
	u16 queue[PL011_QUEUE_SIZE];
	unsigned int queue_head;
	unsigned int queue_count;

	u32 rsr;
	u32 ilpr;
	u32 ibrd;
	u32 fbrd;
	u32 lcr_h;
	u32 cr;
	u32 ifls;
	u32 imsc;
	u32 ris;
	u32 dmacr;
};

/* @uart->irq and @uart->transmit are the caller's to fill in. */
void pl011_init(struct pl011 *uart, u64 base, u64 size);

/*
 * Characters, or PL011_BREAK, from the other end. Returns how many of them
 * found room; all of them do if there are no more than pl011_room() says.
 */
unsigned int pl011_receive(struct pl011 *uart, const u16 *chars,
			   unsigned int count);
unsigned int pl011_room(struct pl011 *uart);

#endif /* _VMM_PL011_H */
