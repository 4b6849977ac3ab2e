// SPDX-License-Identifier: GPL-2.0
/*
 * A driver for virtio-mmio in a guest without MMU and interrupts: one request at a
 * time, whose end it waits for in the used ring.
 *
 * Our loads and stores do not go through the caches, the VMM's do: so each side's
 * lines are cleaned out of the way by address, on this or any other CPU.
 */
#include <linux/virtio_balloon.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

#include "board.h"
#include "monitor.h"

#define MAGIC		0x74726976
#define NUM		4
#define MAX_QUEUES	3
#define SECTOR		512

#define STATUS_UP_TO_FEATURES	0x0b
#define STATUS_ALL		0x0f
#define VERSION_1		1	/* bit 32 */

/* Nothing else is in the lines of these. */
#define OWN_LINES	__aligned(256)

static struct {
	struct vring_desc desc[NUM];
	u16 avail[3 + NUM] OWN_LINES;
	struct {
		u16 flags;
		u16 idx;
		struct vring_used_elem ring[NUM];
	} used OWN_LINES;
} queues[MAX_QUEUES] OWN_LINES;

static u8 data[2 * SECTOR] OWN_LINES;
static struct virtio_blk_outhdr header OWN_LINES;
static u8 status OWN_LINES;

static void clean(const void *mem, unsigned long len)
{
	unsigned long addr = (unsigned long)mem & ~15UL;

	asm volatile("dsb sy" : : : "memory");
	for (; addr < (unsigned long)mem + len; addr += 16)
		asm volatile("dc civac, %0" : : "r" (addr) : "memory");
	asm volatile("dsb sy" : : : "memory");
}

static unsigned long slot_base(unsigned int slot)
{
	return BOARD_VIRTIO_BASE + slot * BOARD_VIRTIO_STRIDE;
}

void virtio_list(void)
{
	unsigned int i;

	for (i = 0; i < BOARD_VIRTIO_SLOTS; i++) {
		if (read32(slot_base(i)) != MAGIC)
			continue;
		report("slot", i);
		report("device", read32(slot_base(i) + VIRTIO_MMIO_DEVICE_ID));
	}
}

static void set_address(unsigned long reg, const void *addr)
{
	write32(reg, (unsigned long)addr);
	write32(reg + 4, (unsigned long)addr >> 32);
}

static void set_up_queue(unsigned long base, unsigned int q)
{
	unsigned int i;

	queues[q].avail[1] = 0;
	queues[q].used.idx = 0;
	for (i = 0; i < NUM; i++)
		queues[q].avail[2 + i] = 0;
	clean(&queues[q], sizeof(queues[q]));
	write32(base + VIRTIO_MMIO_QUEUE_SEL, q);
	write32(base + VIRTIO_MMIO_QUEUE_NUM, NUM);
	set_address(base + VIRTIO_MMIO_QUEUE_DESC_LOW, queues[q].desc);
	set_address(base + VIRTIO_MMIO_QUEUE_AVAIL_LOW, queues[q].avail);
	set_address(base + VIRTIO_MMIO_QUEUE_USED_LOW, &queues[q].used);
	write32(base + VIRTIO_MMIO_QUEUE_READY, 1);
}

/* The first device with @id; 0 if there is none. */
static unsigned long find(u32 id)
{
	unsigned int i;

	for (i = 0; i < BOARD_VIRTIO_SLOTS; i++) {
		if (read32(slot_base(i)) == MAGIC &&
		    read32(slot_base(i) + VIRTIO_MMIO_DEVICE_ID) == id)
			return slot_base(i);
	}
	report("no device", id);
	return 0;
}

/* The same, ready to work. */
static unsigned long start(u32 id, unsigned int num_queues, u32 features)
{
	unsigned long base = find(id);
	unsigned int q;

	if (!base)
		return 0;
	write32(base + VIRTIO_MMIO_STATUS, 0);
	write32(base + VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	write32(base + VIRTIO_MMIO_DRIVER_FEATURES, features);
	write32(base + VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	write32(base + VIRTIO_MMIO_DRIVER_FEATURES, VERSION_1);
	write32(base + VIRTIO_MMIO_STATUS, STATUS_UP_TO_FEATURES);
	for (q = 0; q < num_queues; q++)
		set_up_queue(base, q);
	write32(base + VIRTIO_MMIO_STATUS, STATUS_ALL);
	if (read32(base + VIRTIO_MMIO_STATUS) != STATUS_ALL)
		report("status", read32(base + VIRTIO_MMIO_STATUS));
	return base;
}

static void set_desc(unsigned int q, unsigned int i, const void *addr, u32 len,
		     bool write, bool last)
{
	struct vring_desc *desc = &queues[q].desc[i];

	desc->addr = (unsigned long)addr;
	desc->len = len;
	desc->flags = (write ? VRING_DESC_F_WRITE : 0) |
		      (last ? 0 : VRING_DESC_F_NEXT);
	desc->next = i + 1;
}

/* The chain from descriptor 0; returns the bytes that the device has written. */
static u32 request(unsigned long base, unsigned int q)
{
	u16 idx = queues[q].avail[1];

	queues[q].avail[2 + idx % NUM] = 0;
	queues[q].avail[1] = idx + 1;
	clean(&queues[q], sizeof(queues[q]));
	write32(base + VIRTIO_MMIO_QUEUE_NOTIFY, q);
	do {
		clean(&queues[q].used, sizeof(queues[q].used));
	} while (__atomic_load_n(&queues[q].used.idx, __ATOMIC_ACQUIRE) == idx);
	return queues[q].used.ring[idx % NUM].len;
}

/* ---- Disk -------------------------------------------------------------- */

static unsigned int blk(unsigned long base, u32 type, u64 sector, bool write,
			u32 len)
{
	unsigned int i = 0;

	header.type = type;
	header.sector = sector;
	status = 0xff;
	set_desc(0, i++, &header, sizeof(header), false, false);
	if (len)
		set_desc(0, i++, data, len, write, false);
	set_desc(0, i, &status, 1, true, true);
	clean(&header, sizeof(header));
	clean(data, sizeof(data));
	clean(&status, 1);
	request(base, 0);
	clean(data, sizeof(data));
	clean(&status, 1);
	return status;
}

static u32 first_word(void)
{
	return data[0] | data[1] << 8 | data[2] << 16 | (u32)data[3] << 24;
}

/* Sector 0 is read, and written to sector 1 with every bit the other way. */
void virtio_disk(void)
{
	unsigned long base = start(VIRTIO_ID_BLOCK, 1, 0);
	unsigned int i;

	if (!base)
		return;
	report("sectors", read32(base + VIRTIO_MMIO_CONFIG));
	report("read", blk(base, VIRTIO_BLK_T_IN, 0, true, SECTOR));
	report("word", first_word());
	for (i = 0; i < SECTOR; i++)
		data[i] = ~data[i];
	report("write", blk(base, VIRTIO_BLK_T_OUT, 1, false, SECTOR));
	report("flush", blk(base, VIRTIO_BLK_T_FLUSH, 0, false, 0));
	report("read", blk(base, VIRTIO_BLK_T_IN, 1, true, SECTOR));
	report("word", first_word());
	report("beyond", blk(base, VIRTIO_BLK_T_IN,
			     read32(base + VIRTIO_MMIO_CONFIG), true, SECTOR));
	report("id", blk(base, VIRTIO_BLK_T_GET_ID, 0, true, 20));
	data[20] = '\0';
	print((const char *)data);
	print("\n");
}

/* Without a rest: it still works when the guest is reset. */
void virtio_busy(void)
{
	unsigned long base = start(VIRTIO_ID_BLOCK, 1, 0);

	if (!base)
		return;
	header.type = VIRTIO_BLK_T_IN;
	header.sector = 0;
	set_desc(0, 0, &header, sizeof(header), false, false);
	set_desc(0, 1, data, SECTOR, true, false);
	set_desc(0, 2, &status, 1, true, true);
	clean(&header, sizeof(header));
	queues[0].avail[1] = NUM;
	clean(&queues[0], sizeof(queues[0]));
	write32(base + VIRTIO_MMIO_QUEUE_NOTIFY, 0);
}

/* ---- The others -------------------------------------------------------- */

void virtio_random(void)
{
	unsigned long base = start(VIRTIO_ID_RNG, 1, 0);
	unsigned int i, zeros = 0;

	if (!base)
		return;
	set_desc(0, 0, data, 64, true, true);
	clean(data, sizeof(data));
	report("random bytes", request(base, 0));
	clean(data, sizeof(data));
	for (i = 0; i < 64; i++)
		zeros += !data[i];
	report("too many zeros", zeros > 16);
}

/* Prints a line there, reads a character from there. */
void virtio_talk(void)
{
	static const char line[] = "the virtio console says hello\n";
	unsigned long base = start(VIRTIO_ID_CONSOLE, 2, 1);
	unsigned int i;

	if (!base)
		return;
	for (i = 0; i < sizeof(line) - 1; i++)
		data[i] = line[i];
	clean(data, sizeof(data));
	set_desc(1, 0, data, sizeof(line) - 1, false, true);
	request(base, 1);
	print("type\n");
	set_desc(0, 0, data, 1, true, true);
	report("typed", request(base, 0));
	clean(data, sizeof(data));
	/* Given up, before anybody types on: that comes to the serial port again. */
	write32(base + VIRTIO_MMIO_STATUS, 0);
	report("there", data[0]);
}

/* Its size, of which we are told at the beginning, and again when it changes. */
void virtio_size(void)
{
	unsigned long base = start(VIRTIO_ID_CONSOLE, 2, 1);
	u32 generation, size;

	if (!base)
		return;
	report("told", read32(base + VIRTIO_MMIO_INTERRUPT_STATUS));
	write32(base + VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	/* First: who is told the size may change it at once. */
	generation = read32(base + VIRTIO_MMIO_CONFIG_GENERATION);
	report("size", read32(base + VIRTIO_MMIO_CONFIG));
	while (read32(base + VIRTIO_MMIO_CONFIG_GENERATION) == generation)
		;
	report("interrupt", read32(base + VIRTIO_MMIO_INTERRUPT_STATUS));
	size = read32(base + VIRTIO_MMIO_CONFIG);
	/* As above. */
	write32(base + VIRTIO_MMIO_STATUS, 0);
	report("new size", size);
}

/* A page of our own goes into the balloon, and comes out again. */
void virtio_inflate(void)
{
	static u8 page[4096] __aligned(65536);
	unsigned long base = start(VIRTIO_ID_BALLOON, 2, 1);
	u32 pfn = (unsigned long)page >> 12;
	unsigned int i;

	if (!base)
		return;
	report("pages wanted", read32(base + VIRTIO_MMIO_CONFIG));
	for (i = 0; i < 4; i++)
		data[i] = pfn >> 8 * i;
	clean(data, sizeof(data));
	page[0] = 1;
	set_desc(0, 0, data, 4, false, true);
	set_desc(1, 0, data, 4, false, true);
	request(base, 0);
	request(base, 1);
	page[1] = 1;
	report("balloon status", read32(base + VIRTIO_MMIO_STATUS));
}

/* One of both queues gets the pages of SPARE. */
static void send_spare(unsigned long base, unsigned int q)
{
	unsigned long pfn, done;
	unsigned int i;

	for (done = 0; done < SPARE_SIZE; done += sizeof(data) / 4 * 4096) {
		pfn = (SPARE + done) >> 12;
		for (i = 0; i < sizeof(data); i++)
			data[i] = (pfn + i / 4) >> 8 * (i % 4);
		clean(data, sizeof(data));
		set_desc(q, 0, data, sizeof(data), false, true);
		request(base, q);
	}
}

/* Into the balloon, and out again when somebody types. */
void virtio_inflate_all(void)
{
	unsigned long base = start(VIRTIO_ID_BALLOON, 2, 1);

	if (!base)
		return;
	send_spare(base, 0);
	print("inflated\n");
	getchar();
	send_spare(base, 1);
	print("deflated\n");
}

/* SPARE is reported as free, in four buffers. */
void virtio_report_all(void)
{
	u32 bit = 1 << VIRTIO_BALLOON_F_REPORTING;
	unsigned long base = find(VIRTIO_ID_BALLOON);
	unsigned int i;

	if (!base)
		return;
	write32(base + VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	if (!(read32(base + VIRTIO_MMIO_DEVICE_FEATURES) & bit)) {
		print("no reports\n");
		return;
	}
	base = start(VIRTIO_ID_BALLOON, 3, bit);
	for (i = 0; i < NUM; i++)
		set_desc(2, i, (void *)(SPARE + SPARE_SIZE / NUM * i),
			 SPARE_SIZE / NUM, true, i == NUM - 1);
	report("reported", request(base, 2));
}

/* A chain that ends nowhere: the device must say so, and work after a reset. */
void virtio_hostile(void)
{
	unsigned long base = start(VIRTIO_ID_RNG, 1, 0);

	if (!base)
		return;
	set_desc(0, 0, data, 64, true, false);
	set_desc(0, 1, data, 64, true, false);
	queues[0].desc[1].next = 0;
	queues[0].avail[1] = 1;
	clean(&queues[0], sizeof(queues[0]));
	write32(base + VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	while (read32(base + VIRTIO_MMIO_STATUS) == STATUS_ALL)
		;
	report("status", read32(base + VIRTIO_MMIO_STATUS));
	report("interrupt", read32(base + VIRTIO_MMIO_INTERRUPT_STATUS));
	virtio_random();
}
