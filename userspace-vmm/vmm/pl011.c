// SPDX-License-Identifier: GPL-2.0
/*
 * Arm PrimeCell UART (PL011), revision r1p3: receive FIFO of 16 characters,
 * interrupts, loopback. The transmitter is never busy: what is written has left
 * when the write returns. DMA requests lead nowhere.
 *
 * As on QEMU's virt board, UARTEN, TXE and RXE do not stop characters: early
 * consoles print and read without setting the UART up.
 */
#include <string.h>

#include "pl011.h"

#define UARTDR		0x00
#define UARTRSR		0x04
#define UARTFR		0x18
#define UARTILPR	0x20
#define UARTIBRD	0x24
#define UARTFBRD	0x28
#define UARTLCR_H	0x2c
#define UARTCR		0x30
#define UARTIFLS	0x34
#define UARTIMSC	0x38
#define UARTRIS		0x3c
#define UARTMIS		0x40
#define UARTICR		0x44
#define UARTDMACR	0x48

#define DR_FE		BIT(8)
#define DR_BE		BIT(10)
#define DR_ERROR_SHIFT	8

#define FR_CTS		BIT(0)
#define FR_DSR		BIT(1)
#define FR_DCD		BIT(2)
#define FR_RXFE		BIT(4)
#define FR_RXFF		BIT(6)
#define FR_TXFE		BIT(7)

#define LCR_H_FEN	BIT(4)

#define CR_LBE		BIT(7)
#define CR_TXE		BIT(8)
#define CR_RXE		BIT(9)

#define INT_RX		BIT(4)
#define INT_TX		BIT(5)
#define INT_RT		BIT(6)
#define INT_FE		BIT(7)
#define INT_BE		BIT(9)

/* Bits that can be written. */
#define ILPR_MASK	0x00ff
#define IBRD_MASK	0xffff
#define FBRD_MASK	0x003f
#define LCR_H_MASK	0x00ff
#define CR_MASK		0xff87
#define IFLS_MASK	0x003f
#define INT_MASK	0x07ff
#define DMACR_MASK	0x0007

#define CR_RESET	(CR_TXE | CR_RXE)
/* Both FIFOs half full. */
#define IFLS_RESET	0x12

static const u8 pl011_id[PRIMECELL_ID_SIZE] = {
	0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1,
};

/* Without FIFOs there is a holding register for one character. */
static unsigned int fifo_depth(const struct pl011 *uart)
{
	return uart->lcr_h & LCR_H_FEN ? PL011_FIFO_SIZE : 1;
}

/* Fill level that raises the receive interrupt. */
static unsigned int rx_trigger(const struct pl011 *uart)
{
	static const u8 levels[] = { 2, 4, 8, 12, 14, 14, 14, 14 };

	if (!(uart->lcr_h & LCR_H_FEN))
		return 1;
	return levels[uart->ifls >> 3 & 7];
}

static void update_irq(struct pl011 *uart)
{
	irq_line_set(&uart->irq, uart->ris & uart->imsc);
}

/*
 * Characters have come. With the queue empty the line is idle: that is the
 * receive timeout, without waiting for it.
 */
static void arrived(struct pl011 *uart)
{
	if (uart->fifo_count >= rx_trigger(uart))
		uart->ris |= INT_RX;
	if (uart->fifo_count && !uart->queue_count)
		uart->ris |= INT_RT;
}

/* From the queue into the FIFO, as far as there is room. */
static void refill(struct pl011 *uart)
{
	unsigned int count = uart->fifo_count;

	while (uart->queue_count && uart->fifo_count < fifo_depth(uart)) {
		unsigned int tail = (uart->fifo_head + uart->fifo_count) %
				    PL011_FIFO_SIZE;
		u16 c = uart->queue[uart->queue_head];

		uart->fifo[tail] = c;
		uart->fifo_count++;
		uart->queue_head = (uart->queue_head + 1) % PL011_QUEUE_SIZE;
		uart->queue_count--;
		if (c & DR_BE)
			uart->ris |= INT_BE;
		if (c & DR_FE)
			uart->ris |= INT_FE;
	}
	if (uart->fifo_count > count)
		arrived(uart);
}

static void enqueue(struct pl011 *uart, u16 c)
{
	unsigned int tail = (uart->queue_head + uart->queue_count) %
			    PL011_QUEUE_SIZE;

	uart->queue[tail] = c & PL011_BREAK ? DR_BE | DR_FE : c;
	uart->queue_count++;
}

static u32 read_data(struct pl011 *uart)
{
	u32 c;

	if (!uart->fifo_count)
		return 0;
	c = uart->fifo[uart->fifo_head];
	uart->fifo_head = (uart->fifo_head + 1) % PL011_FIFO_SIZE;
	uart->fifo_count--;
	uart->rsr = c >> DR_ERROR_SHIFT;

	if (uart->fifo_count < rx_trigger(uart))
		uart->ris &= ~INT_RX;
	refill(uart);
	if (!uart->fifo_count)
		uart->ris &= ~INT_RT;
	else if (!uart->queue_count)
		uart->ris |= INT_RT;
	update_irq(uart);
	return c;
}

static u32 read_flags(const struct pl011 *uart)
{
	/* Somebody listens, and the transmitter is always empty. */
	u32 fr = FR_CTS | FR_DSR | FR_DCD | FR_TXFE;

	if (!uart->fifo_count)
		fr |= FR_RXFE;
	if (uart->fifo_count >= fifo_depth(uart))
		fr |= FR_RXFF;
	return fr;
}

static u32 read_reg(struct pl011 *uart, u64 reg)
{
	switch (reg) {
	case UARTDR:
		return read_data(uart);
	case UARTRSR:
		return uart->rsr;
	case UARTFR:
		return read_flags(uart);
	case UARTILPR:
		return uart->ilpr;
	case UARTIBRD:
		return uart->ibrd;
	case UARTFBRD:
		return uart->fbrd;
	case UARTLCR_H:
		return uart->lcr_h;
	case UARTCR:
		return uart->cr;
	case UARTIFLS:
		return uart->ifls;
	case UARTIMSC:
		return uart->imsc;
	case UARTRIS:
		return uart->ris;
	case UARTMIS:
		return uart->ris & uart->imsc;
	case UARTDMACR:
		return uart->dmacr;
	}
	if (reg >= PRIMECELL_ID_BASE &&
	    reg < PRIMECELL_ID_BASE + 4 * PRIMECELL_ID_SIZE)
		return pl011_id[(reg - PRIMECELL_ID_BASE) / 4];
	return 0;
}

static u64 pl011_read(struct device *dev, u64 offset, unsigned int len)
{
	struct pl011 *uart = container_of(dev, struct pl011, dev);
	u64 value;

	(void)len;
	pthread_mutex_lock(&uart->lock);
	value = read_reg(uart, offset & ~3ULL);
	pthread_mutex_unlock(&uart->lock);
	return value >> 8 * (offset & 3);
}

/* True if @value left the UART: with loopback it comes in again instead. */
static bool write_data(struct pl011 *uart, u8 value)
{
	bool loopback = uart->cr & CR_LBE;

	if (loopback && uart->queue_count < PL011_QUEUE_SIZE) {
		enqueue(uart, value);
		refill(uart);
	}
	/* It has left already: the FIFO passed its trigger level again. */
	uart->ris |= INT_TX;
	return !loopback;
}

static void write_reg(struct pl011 *uart, u64 reg, u32 value)
{
	switch (reg) {
	case UARTRSR:
		uart->rsr = 0;
		break;
	case UARTILPR:
		uart->ilpr = value & ILPR_MASK;
		break;
	case UARTIBRD:
		uart->ibrd = value & IBRD_MASK;
		break;
	case UARTFBRD:
		uart->fbrd = value & FBRD_MASK;
		break;
	case UARTLCR_H:
		/* What the FIFO holds stays there to be read. */
		uart->lcr_h = value & LCR_H_MASK;
		refill(uart);
		break;
	case UARTCR:
		uart->cr = value & CR_MASK;
		break;
	case UARTIFLS:
		uart->ifls = value & IFLS_MASK;
		break;
	case UARTIMSC:
		uart->imsc = value & INT_MASK;
		break;
	case UARTICR:
		uart->ris &= ~(value & INT_MASK);
		break;
	case UARTDMACR:
		uart->dmacr = value & DMACR_MASK;
		break;
	}
}

static void pl011_write(struct device *dev, u64 offset, unsigned int len,
			u64 value)
{
	struct pl011 *uart = container_of(dev, struct pl011, dev);
	bool leaves = false;

	(void)len;
	/* The bytes of a register but the first have no address to write. */
	if (offset & 3)
		return;
	pthread_mutex_lock(&uart->lock);
	if (offset == UARTDR)
		leaves = write_data(uart, value);
	else
		write_reg(uart, offset, value);
	update_irq(uart);
	pthread_mutex_unlock(&uart->lock);
	/* May block for as long as nobody reads our output. */
	if (leaves)
		uart->transmit(uart, value);
}

/* The line's other end knows nothing of our reset: what it sent is not lost. */
static void pl011_reset(struct device *dev)
{
	struct pl011 *uart = container_of(dev, struct pl011, dev);

	pthread_mutex_lock(&uart->lock);
	uart->rsr = 0;
	uart->ilpr = 0;
	uart->ibrd = 0;
	uart->fbrd = 0;
	uart->lcr_h = 0;
	uart->cr = CR_RESET;
	uart->ifls = IFLS_RESET;
	uart->imsc = 0;
	uart->ris = 0;
	uart->dmacr = 0;
	arrived(uart);
	update_irq(uart);
	pthread_mutex_unlock(&uart->lock);
}

static const struct device_ops pl011_ops = {
	.name = "pl011",
	.read = pl011_read,
	.write = pl011_write,
	.reset = pl011_reset,
};

void pl011_init(struct pl011 *uart, u64 base, u64 size)
{
	memset(uart, 0, sizeof(*uart));
	uart->dev.ops = &pl011_ops;
	uart->dev.base = base;
	uart->dev.size = size;
	pthread_mutex_init(&uart->lock, NULL);
	pl011_reset(&uart->dev);
}

unsigned int pl011_receive(struct pl011 *uart, const u16 *chars,
			   unsigned int count)
{
	unsigned int i;

	pthread_mutex_lock(&uart->lock);
	for (i = 0; i < count && uart->queue_count < PL011_QUEUE_SIZE; i++)
		enqueue(uart, chars[i]);
	refill(uart);
	update_irq(uart);
	pthread_mutex_unlock(&uart->lock);
	return i;
}

unsigned int pl011_room(struct pl011 *uart)
{
	unsigned int room;

	pthread_mutex_lock(&uart->lock);
	room = PL011_QUEUE_SIZE - uart->queue_count;
	pthread_mutex_unlock(&uart->lock);
	return room;
}
