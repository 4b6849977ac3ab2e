// SPDX-License-Identifier: GPL-2.0
/*
 * Arm PrimeCell real time clock (PL031): the host's time, moved by what the
 * guest sets, and an alarm. The clock goes on over a reset of the guest.
 */
#include <string.h>

#include "pl031.h"

#define RTCDR		0x00
#define RTCMR		0x04
#define RTCLR		0x08
#define RTCCR		0x0c
#define RTCIMSC		0x10
#define RTCRIS		0x14
#define RTCMIS		0x18
#define RTCICR		0x1c

#define RTC_INT		1U

static const u8 pl031_id[PRIMECELL_ID_SIZE] = {
	0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1,
};

static time_t host_now(void)
{
	return time(NULL);
}

static u32 counter(const struct pl031 *rtc)
{
	return (u32)rtc->now() + rtc->offset;
}

static void update_irq(struct pl031 *rtc)
{
	if (rtc->alarm && rtc->now() >= rtc->alarm) {
		rtc->alarm = 0;
		rtc->ris = RTC_INT;
	}
	irq_line_set(&rtc->irq, rtc->ris & rtc->imsc);
}

/* The counter wraps, so that every match lies ahead. */
static void set_alarm(struct pl031 *rtc)
{
	rtc->alarm = rtc->now() + (u32)(rtc->match - counter(rtc));
}

static u32 read_reg(struct pl031 *rtc, u64 reg)
{
	update_irq(rtc);
	switch (reg) {
	case RTCDR:
		return counter(rtc);
	case RTCMR:
		return rtc->match;
	case RTCLR:
		return rtc->load;
	case RTCCR:
		/* Always on. */
		return 1;
	case RTCIMSC:
		return rtc->imsc;
	case RTCRIS:
		return rtc->ris;
	case RTCMIS:
		return rtc->ris & rtc->imsc;
	}
	if (reg >= PRIMECELL_ID_BASE &&
	    reg < PRIMECELL_ID_BASE + 4 * PRIMECELL_ID_SIZE)
		return pl031_id[(reg - PRIMECELL_ID_BASE) / 4];
	return 0;
}

static u64 pl031_read(struct device *dev, u64 offset, unsigned int len)
{
	struct pl031 *rtc = container_of(dev, struct pl031, dev);
	u64 value;

	(void)len;
	pthread_mutex_lock(&rtc->lock);
	value = read_reg(rtc, offset & ~3ULL);
	pthread_mutex_unlock(&rtc->lock);
	return value >> 8 * (offset & 3);
}

static void write_reg(struct pl031 *rtc, u64 reg, u32 value)
{
	switch (reg) {
	case RTCMR:
		rtc->match = value;
		set_alarm(rtc);
		break;
	case RTCLR:
		rtc->load = value;
		rtc->offset = value - (u32)rtc->now();
		set_alarm(rtc);
		break;
	case RTCIMSC:
		rtc->imsc = value & RTC_INT;
		break;
	case RTCICR:
		rtc->ris &= ~(value & RTC_INT);
		break;
	}
	update_irq(rtc);
}

static void pl031_write(struct device *dev, u64 offset, unsigned int len,
			u64 value)
{
	struct pl031 *rtc = container_of(dev, struct pl031, dev);

	(void)len;
	/* A register is written as a whole. */
	if (offset & 3)
		return;
	pthread_mutex_lock(&rtc->lock);
	write_reg(rtc, offset, value);
	pthread_mutex_unlock(&rtc->lock);
}

static void pl031_reset(struct device *dev)
{
	struct pl031 *rtc = container_of(dev, struct pl031, dev);

	pthread_mutex_lock(&rtc->lock);
	rtc->match = 0;
	rtc->load = 0;
	rtc->imsc = 0;
	rtc->ris = 0;
	rtc->alarm = 0;
	update_irq(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

static void pl031_tick(struct device *dev)
{
	struct pl031 *rtc = container_of(dev, struct pl031, dev);

	pthread_mutex_lock(&rtc->lock);
	update_irq(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

static const struct device_ops pl031_ops = {
	.name = "pl031",
	.read = pl031_read,
	.write = pl031_write,
	.reset = pl031_reset,
	.tick = pl031_tick,
};

void pl031_init(struct pl031 *rtc, u64 base, u64 size)
{
	memset(rtc, 0, sizeof(*rtc));
	rtc->dev.ops = &pl031_ops;
	rtc->dev.base = base;
	rtc->dev.size = size;
	rtc->now = host_now;
	pthread_mutex_init(&rtc->lock, NULL);
	pl031_reset(&rtc->dev);
}
