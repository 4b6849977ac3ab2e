// SPDX-License-Identifier: GPL-2.0
/*
 * The virtio devices themselves: what they do with well-formed chains, and what
 * with requests that make no sense.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver.h"
#include "helper.h"
#include "virtio_blk.h"
#include "virtio_console.h"
#include "virtio_rng.h"

/* ---- Block ------------------------------------------------------------- */

#define SECTOR		512
#define DISK_SECTORS	64

#define BLK_IN		0
#define BLK_OUT		1
#define BLK_FLUSH	4
#define BLK_GET_ID	8
#define BLK_DISCARD	11
#define BLK_WRITE_ZEROES	13

#define BLK_OK		0
#define BLK_IOERR	1
#define BLK_UNSUPP	2

#define BLK_F_RO	VIRTIO_BIT(5)
#define BLK_F_FLUSH	VIRTIO_BIT(9)
#define BLK_F_WCE	VIRTIO_BIT(11)
#define BLK_F_DISCARD	VIRTIO_BIT(13)
#define BLK_F_ZEROES	VIRTIO_BIT(14)

/* Where a request has its parts. */
#define HEADER		DATA
#define STATUS_BYTE	(DATA + 0x40)
#define BLK_DATA	(DATA + 0x1000)

static struct virtio_blk blk;
static char disk_path[32];
static int disk_fd;

/* Each sector holds its own number. */
static void disk_new(void)
{
	u8 sector[SECTOR];
	unsigned int i;

	strcpy(disk_path, "/tmp/armvcpu-disk-XXXXXX");
	disk_fd = mkstemp(disk_path);
	if (disk_fd < 0)
		die("%s: no temporary file", disk_path);
	for (i = 0; i < DISK_SECTORS; i++) {
		memset(sector, i + 1, sizeof(sector));
		CHECK(write(disk_fd, sector, SECTOR) == SECTOR);
	}
}

static void disk_end(void)
{
	close(disk_fd);
	unlink(disk_path);
}

static bool disk_is(unsigned int sector, unsigned int count, u8 value)
{
	u8 buf[SECTOR];
	unsigned int i;

	for (; count; count--, sector++) {
		if (pread(disk_fd, buf, SECTOR, sector * SECTOR) != SECTOR)
			return false;
		for (i = 0; i < SECTOR; i++) {
			if (buf[i] != value)
				return false;
		}
	}
	return true;
}

/* With all that it offers, but for @without. */
static void blk_start_without(struct driver *d, bool read_only, u64 without)
{
	ram_new();
	disk_new();
	virtio_blk_init(&blk, &ram, disk_path, read_only, "a-disk");
	d->vdev = &blk.vdev;
	driver_start(d, &blk.vdev, features_of(d) & ~without, 16);
}

static void blk_start(struct driver *d, bool read_only)
{
	blk_start_without(d, read_only, 0);
}

static void blk_end(void)
{
	virtio_stop(&blk.vdev);
	virtio_blk_close(&blk);
	disk_end();
}

static u32 blk_written;

/* One request by the book; its status. */
static u8 blk_do(struct driver *d, u32 type, u64 sector, bool is_write, u32 len)
{
	struct virtio_blk_outhdr header = { .type = type, .sector = sector };
	const struct buf bufs[] = {
		{ HEADER, 16, false }, { BLK_DATA, len, is_write },
		{ STATUS_BYTE, 1, true },
	};
	const struct buf no_data[] = { bufs[0], bufs[2] };
	u32 id;

	memcpy(at(HEADER), &header, sizeof(header));
	*(u8 *)at(STATUS_BYTE) = 0xee;
	if (len)
		driver_submit(d, 0, bufs, 3);
	else
		driver_submit(d, 0, no_data, 2);
	driver_io(d);
	CHECK(driver_reap(d, 0, &id, &blk_written));
	CHECK(!(reg_get(d, STATUS) & STATUS_NEEDS_RESET));
	return *(u8 *)at(STATUS_BYTE);
}

static bool data_is(u64 ipa, u32 len, u8 value)
{
	const u8 *data = at(ipa);
	u32 i;

	for (i = 0; i < len; i++) {
		if (data[i] != value)
			return false;
	}
	return true;
}

static void test_blk_config(void)
{
	struct driver d;

	blk_start(&d, false);
	CHECK(reg_get(&d, DEVICE_ID) == 2);
	CHECK(config_read(&d, 0, 4) == DISK_SECTORS && !config_read(&d, 4, 4));
	CHECK(config_read(&d, 12, 4) == 254);	/* seg_max */
	CHECK(config_read(&d, 20, 4) == SECTOR);	/* blk_size */
	CHECK(config_read(&d, 32, 1) == 1);	/* writeback */
	CHECK(features_of(&d) & BLK_F_FLUSH);
	CHECK(!(features_of(&d) & BLK_F_RO));
	CHECK(features_of(&d) & BLK_F_ZEROES);
	CHECK(config_read(&d, 48, 4) > 0);	/* max_write_zeroes_sectors */
	/* Nothing but the cache can be written. */
	config_write(&d, 0, 4, 1000000);
	config_write(&d, 32, 1, 0xfe);
	CHECK(config_read(&d, 0, 4) == DISK_SECTORS);
	CHECK(config_read(&d, 32, 1) == 0);
	reg_set(&d, STATUS, 0);
	CHECK(config_read(&d, 32, 1) == 1);
	/* Not negotiated. */
	config_write(&d, 32, 1, 0);
	CHECK(config_read(&d, 32, 1) == 1);
	blk_end();
}

static void test_blk_read(void)
{
	struct driver d;

	blk_start(&d, false);
	CHECK(blk_do(&d, BLK_IN, 0, true, SECTOR) == BLK_OK);
	CHECK(blk_written == SECTOR + 1);
	CHECK(data_is(BLK_DATA, SECTOR, 1));
	CHECK(blk_do(&d, BLK_IN, DISK_SECTORS - 2, true, 2 * SECTOR) == BLK_OK);
	CHECK(data_is(BLK_DATA, SECTOR, DISK_SECTORS - 1));
	CHECK(data_is(BLK_DATA + SECTOR, SECTOR, DISK_SECTORS));
	CHECK(driver_irq(&d) == 1);
	blk_end();
}

static void test_blk_write(void)
{
	struct driver d;

	blk_start(&d, false);
	memset(at(BLK_DATA), 0xa5, 3 * SECTOR);
	CHECK(blk_do(&d, BLK_OUT, 7, false, 3 * SECTOR) == BLK_OK);
	CHECK(blk_written == 1);
	CHECK(disk_is(6, 1, 7) && disk_is(7, 3, 0xa5) && disk_is(10, 1, 11));
	memset(at(BLK_DATA), 0, 3 * SECTOR);
	CHECK(blk_do(&d, BLK_IN, 7, true, 3 * SECTOR) == BLK_OK);
	CHECK(data_is(BLK_DATA, 3 * SECTOR, 0xa5));
	blk_end();
}

static const struct bad_range {
	u64 sector;
	u32 len;
} bad_ranges[] = {
	{ DISK_SECTORS, SECTOR },
	{ DISK_SECTORS - 1, 2 * SECTOR },
	{ 0, (DISK_SECTORS + 1) * SECTOR },
	{ ~0ULL, SECTOR },
	{ ~0ULL >> 9, SECTOR },
	{ 1ULL << 55, SECTOR },
	{ 0, 1 },
	{ 0, SECTOR - 1 },
	{ 0, SECTOR + 1 },
};

static void test_blk_out_of_range(void)
{
	struct driver d;
	size_t i;

	blk_start(&d, false);
	for (i = 0; i < ARRAY_SIZE(bad_ranges); i++) {
		const struct bad_range *bad = &bad_ranges[i];

		memset(at(BLK_DATA), 0x5a, bad->len);
		CHECK(blk_do(&d, BLK_IN, bad->sector, true, bad->len) ==
		      BLK_IOERR);
		CHECK(blk_written == 0);
		CHECK(data_is(BLK_DATA, bad->len, 0x5a));
		CHECK(blk_do(&d, BLK_OUT, bad->sector, false, bad->len) ==
		      BLK_IOERR);
	}
	for (i = 0; i < DISK_SECTORS; i++)
		CHECK(disk_is(i, 1, i + 1));
	CHECK(lseek(disk_fd, 0, SEEK_END) == DISK_SECTORS * SECTOR);
	blk_end();
}

/* A file that another program cuts off. */
static void test_blk_truncated(void)
{
	struct driver d;

	blk_start(&d, false);
	CHECK(!ftruncate(disk_fd, 4 * SECTOR + 100));
	CHECK(blk_do(&d, BLK_IN, 3, true, SECTOR) == BLK_OK);
	CHECK(blk_do(&d, BLK_IN, 3, true, 2 * SECTOR) == BLK_IOERR);
	CHECK(blk_written == SECTOR + 100);
	CHECK(blk_do(&d, BLK_IN, 10, true, SECTOR) == BLK_IOERR);
	CHECK(blk_written == 0);
	blk_end();
}

/* Header, data and status in whatever pieces. */
static void test_blk_pieces(void)
{
	static const struct buf in[] = {
		{ HEADER, 1, false }, { HEADER + 1, 14, false },
		{ HEADER + 15, 1, false }, { BLK_DATA, 511, true },
		{ BLK_DATA + 511, 2, true },
	};
	/* Header and data in one, the status alone. */
	static const struct buf out[] = {
		{ BLK_DATA, 16 + SECTOR, false }, { STATUS_BYTE, 1, true },
	};
	struct virtio_blk_outhdr header = { .type = BLK_IN, .sector = 5 };
	struct driver d;
	u32 id, len;

	blk_start(&d, false);
	memcpy(at(HEADER), &header, sizeof(header));
	*(u8 *)at(BLK_DATA + SECTOR) = 0xee;
	driver_submit(&d, 0, in, ARRAY_SIZE(in));
	driver_io(&d);
	CHECK(driver_reap(&d, 0, &id, &len) && len == SECTOR + 1);
	CHECK(data_is(BLK_DATA, SECTOR, 6));
	CHECK(data_is(BLK_DATA + SECTOR, 1, BLK_OK));

	header.type = BLK_OUT;
	memcpy(at(BLK_DATA), &header, sizeof(header));
	memset(at(BLK_DATA + 16), 0x77, SECTOR);
	driver_submit(&d, 0, out, ARRAY_SIZE(out));
	driver_io(&d);
	CHECK(driver_reap(&d, 0, &id, &len) && len == 1);
	CHECK(disk_is(5, 1, 0x77) && disk_is(6, 1, 7));
	blk_end();
}

static void test_blk_no_frame(void)
{
	static const struct {
		struct buf bufs[2];
		unsigned int count;
	} bad[] = {
		{ { { HEADER, 16, false }, { 0 } }, 1 },
		{ { { HEADER, 16, true }, { 0 } }, 1 },
		{ { { HEADER, 15, false }, { STATUS_BYTE, 1, true } }, 2 },
		{ { { STATUS_BYTE, 1, true }, { 0 } }, 1 },
	};
	struct driver d;
	size_t i;

	blk_start(&d, false);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		driver_start(&d, &blk.vdev, 0, 16);
		driver_submit(&d, 0, bad[i].bufs, bad[i].count);
		driver_io(&d);
		CHECK(driver_sees_failure(&d));
		CHECK(!used(0)->idx);
	}
	blk_end();
}

static void test_blk_unknown(void)
{
	static const u32 types[] = { 2, 3, 5, 7, 10, 12, 14, 99, ~0U };
	struct driver d;
	size_t i;

	blk_start(&d, false);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		CHECK(blk_do(&d, types[i], 0, true, SECTOR) == BLK_UNSUPP);
		CHECK(blk_do(&d, types[i], 0, false, SECTOR) == BLK_UNSUPP);
		CHECK(blk_do(&d, types[i], 0, false, 0) == BLK_UNSUPP);
	}
	blk_end();
}

static void test_blk_id(void)
{
	struct driver d;

	blk_start(&d, false);
	memset(at(BLK_DATA), 0xff, 64);
	CHECK(blk_do(&d, BLK_GET_ID, 0, true, 20) == BLK_OK);
	CHECK(!strcmp(at(BLK_DATA), "a-disk"));
	CHECK(blk_written == 21);
	CHECK(data_is(BLK_DATA + 20, 44, 0xff));
	/* Other lengths get what there is room for. */
	CHECK(blk_do(&d, BLK_GET_ID, 0, true, 3) == BLK_OK);
	CHECK(blk_do(&d, BLK_GET_ID, 0, true, 64) == BLK_OK);
	CHECK(blk_written == 20);
	CHECK(data_is(BLK_DATA + 20, 44, 0xff));
	blk_end();
}

static void test_blk_flush(void)
{
	struct driver d;

	blk_start(&d, false);
	CHECK(blk_do(&d, BLK_FLUSH, 0, false, 0) == BLK_OK);
	CHECK(blk_written == 1);
	/* Whatever the cache is like. */
	config_write(&d, 32, 1, 0);
	memset(at(BLK_DATA), 0x11, SECTOR);
	CHECK(blk_do(&d, BLK_OUT, 0, false, SECTOR) == BLK_OK);
	CHECK(blk_do(&d, BLK_FLUSH, 0, false, 0) == BLK_OK);
	CHECK(disk_is(0, 1, 0x11));
	blk_end();

	blk_start_without(&d, false, BLK_F_FLUSH | BLK_F_WCE);
	memset(at(BLK_DATA), 0x22, SECTOR);
	CHECK(blk_do(&d, BLK_OUT, 1, false, SECTOR) == BLK_OK);
	CHECK(disk_is(1, 1, 0x22));
	blk_end();
}

static void test_blk_read_only(void)
{
	struct virtio_blk_discard_write_zeroes range = {
		.sector = 0, .num_sectors = 1,
	};
	struct driver d;

	blk_start(&d, true);
	CHECK(features_of(&d) & BLK_F_RO);
	CHECK(!(features_of(&d) & (BLK_F_DISCARD | BLK_F_ZEROES)));
	memset(at(BLK_DATA), 0x33, SECTOR);
	CHECK(blk_do(&d, BLK_OUT, 0, false, SECTOR) == BLK_IOERR);
	memcpy(at(BLK_DATA), &range, sizeof(range));
	CHECK(blk_do(&d, BLK_DISCARD, 0, false, 16) == BLK_UNSUPP);
	CHECK(blk_do(&d, BLK_WRITE_ZEROES, 0, false, 16) == BLK_UNSUPP);
	CHECK(blk_do(&d, BLK_IN, 0, true, SECTOR) == BLK_OK);
	CHECK(data_is(BLK_DATA, SECTOR, 1));
	CHECK(blk_do(&d, BLK_FLUSH, 0, false, 0) == BLK_OK);
	CHECK(disk_is(0, 1, 1));
	blk_end();
}

static void put_range(unsigned int i, u64 sector, u32 count, u32 flags)
{
	struct virtio_blk_discard_write_zeroes range = {
		.sector = sector, .num_sectors = count, .flags = flags,
	};

	memcpy(at(BLK_DATA + 16 * i), &range, sizeof(range));
}

static void test_blk_zeroes(void)
{
	struct driver d;

	blk_start(&d, false);
	put_range(0, 8, 8, 0);
	put_range(1, 24, 8, 1);		/* may unmap */
	put_range(2, 63, 1, 0);
	put_range(3, 0, 0, 0);		/* nothing */
	CHECK(blk_do(&d, BLK_WRITE_ZEROES, 0, false, 64) == BLK_OK);
	CHECK(disk_is(7, 1, 8) && disk_is(8, 8, 0) && disk_is(16, 1, 17));
	CHECK(disk_is(23, 1, 24) && disk_is(24, 8, 0) && disk_is(32, 1, 33));
	CHECK(disk_is(62, 1, 63) && disk_is(63, 1, 0));
	CHECK(disk_is(0, 1, 1));
	CHECK(lseek(disk_fd, 0, SEEK_END) == DISK_SECTORS * SECTOR);
	blk_end();
}

static void test_blk_discard(void)
{
	struct stat before, after;
	struct driver d;

	blk_start(&d, false);
	if (!(features_of(&d) & BLK_F_DISCARD)) {
		/* A file system that cannot punch holes. */
		CHECK(blk_do(&d, BLK_DISCARD, 0, false, 16) == BLK_UNSUPP);
		blk_end();
		return;
	}
	CHECK(config_read(&d, 36, 4) > 0);	/* max_discard_sectors */
	fstat(disk_fd, &before);
	put_range(0, 0, 32, 0);
	CHECK(blk_do(&d, BLK_DISCARD, 0, false, 16) == BLK_OK);
	CHECK(blk_do(&d, BLK_FLUSH, 0, false, 0) == BLK_OK);
	fstat(disk_fd, &after);
	CHECK(after.st_size == before.st_size);
	CHECK(disk_is(0, 32, 0) && disk_is(32, 1, 33));
	blk_end();
}

static void test_blk_bad_ranges(void)
{
	static const struct {
		u64 sector;
		u32 count;
		u32 flags;
		u8 status;
	} bad[] = {
		{ DISK_SECTORS, 1, 0, BLK_IOERR },
		{ DISK_SECTORS - 1, 2, 0, BLK_IOERR },
		{ ~0ULL, 1, 0, BLK_IOERR },
		{ ~0ULL, 2, 0, BLK_IOERR },
		{ 0, ~0U, 0, BLK_IOERR },
		{ 0, 1, 2, BLK_UNSUPP },
		{ 0, 1, ~0U, BLK_UNSUPP },
		{ ~0ULL, ~0U, 2, BLK_UNSUPP },
	};
	struct driver d;
	size_t i;

	blk_start(&d, false);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		/* One that is good before it: it must not happen either. */
		put_range(0, 0, 1, 0);
		put_range(1, bad[i].sector, bad[i].count, bad[i].flags);
		CHECK(blk_do(&d, BLK_WRITE_ZEROES, 0, false, 32) ==
		      bad[i].status);
		if (features_of(&d) & BLK_F_DISCARD)
			CHECK(blk_do(&d, BLK_DISCARD, 0, false, 32) ==
			      bad[i].status);
	}
	/* To unmap is no flag of a discard. */
	put_range(0, 0, 1, 1);
	CHECK(blk_do(&d, BLK_DISCARD, 0, false, 16) == BLK_UNSUPP);
	/* No whole number of them, none, too many. */
	put_range(0, 0, 1, 0);
	CHECK(blk_do(&d, BLK_WRITE_ZEROES, 0, false, 15) == BLK_IOERR);
	CHECK(blk_do(&d, BLK_WRITE_ZEROES, 0, false, 17) == BLK_IOERR);
	CHECK(blk_do(&d, BLK_WRITE_ZEROES, 0, false, 0) == BLK_IOERR);
	CHECK(blk_do(&d, BLK_WRITE_ZEROES, 0, false, 16 * 17) == BLK_IOERR);
	for (i = 0; i < DISK_SECTORS; i++)
		CHECK(disk_is(i, 1, i + 1));
	blk_end();
}

/* Who has it open for writing has it alone. */
static void test_blk_lock(void)
{
	struct driver d;
	int fd;

	blk_start(&d, false);
	fd = open(disk_path, O_RDONLY);
	CHECK(flock(fd, LOCK_SH | LOCK_NB) < 0);
	blk_end();
	close(fd);
	blk_start(&d, true);
	fd = open(disk_path, O_RDONLY);
	CHECK(!flock(fd, LOCK_SH | LOCK_NB));
	CHECK(flock(fd, LOCK_EX | LOCK_NB) < 0);
	close(fd);
	blk_end();
}

/* ---- Entropy ----------------------------------------------------------- */

static struct virtio_rng rng;

static void test_rng(void)
{
	static const struct buf small = { DATA, 64, true };
	static const struct buf large = { DATA, 65536, true };
	struct driver d;
	u32 id, len, i, zeros = 0;

	ram_new();
	virtio_rng_init(&rng, &ram);
	driver_start(&d, &rng.vdev, 0, 8);
	CHECK(reg_get(&d, DEVICE_ID) == 4);
	driver_submit(&d, 0, &small, 1);
	driver_io(&d);
	CHECK(driver_reap(&d, 0, &id, &len) && len == 64);
	for (i = 0; i < 64; i++)
		zeros += !((u8 *)at(DATA))[i];
	CHECK(zeros < 16);
	CHECK(data_is(DATA + 64, 64, 0));
	/* Something, but not as much as anybody asks for. */
	driver_submit(&d, 0, &large, 1);
	driver_io(&d);
	CHECK(driver_reap(&d, 0, &id, &len) && len > 0 && len <= 4096);
	CHECK(data_is(DATA + len, 65536 - len, 0));
	virtio_stop(&rng.vdev);
}

static void test_rng_readable(void)
{
	static const struct buf bufs[] = {
		{ DATA, 8, false }, { DATA, 8, true },
	};
	struct driver d;

	ram_new();
	virtio_rng_init(&rng, &ram);
	driver_start(&d, &rng.vdev, 0, 8);
	driver_submit(&d, 0, bufs, 2);
	driver_io(&d);
	CHECK(driver_sees_failure(&d));
	virtio_stop(&rng.vdev);
}

/* ---- Console ----------------------------------------------------------- */

#define RECEIVEQ	0
#define TRANSMITQ	1

static struct virtio_console console;
static int console_pipe[2];

static void console_start(struct driver *d)
{
	ram_new();
	CHECK(!pipe2(console_pipe, O_NONBLOCK | O_CLOEXEC));
	virtio_console_init(&console, &ram, console_pipe[1]);
	CHECK(!virtio_console_in_use(&console));
	driver_start(d, &console.vdev, VIRTIO_BIT(0), 8);
	CHECK(virtio_console_in_use(&console));
}

static void console_end(void)
{
	virtio_stop(&console.vdev);
	close(console_pipe[0]);
	close(console_pipe[1]);
}

static bool console_said(const char *text)
{
	char buf[64] = "";

	return read(console_pipe[0], buf, sizeof(buf)) ==
	       (ssize_t)strlen(text) && !memcmp(buf, text, strlen(text));
}

static void console_type(const char *text)
{
	CHECK(virtio_console_receive(&console, (const u8 *)text,
				     strlen(text)) == strlen(text));
}

static void test_console_output(void)
{
	static const struct buf bufs[] = {
		{ DATA, 3, false }, { DATA + 16, 2, false },
	};
	struct driver d;
	u32 id, len;

	console_start(&d);
	CHECK(reg_get(&d, DEVICE_ID) == 3);
	memcpy(at(DATA), "abc", 3);
	memcpy(at(DATA + 16), "de", 2);
	driver_submit(&d, TRANSMITQ, bufs, 2);
	driver_submit(&d, TRANSMITQ, bufs, 1);
	driver_io(&d);
	CHECK(driver_reap(&d, TRANSMITQ, &id, &len) && len == 0);
	CHECK(driver_reap(&d, TRANSMITQ, &id, &len));
	CHECK(driver_irq(&d) == 1);
	CHECK(console_said("abcdeabc"));
	console_end();
}

/* Nobody reads: the rest waits in the guest, and is not lost. */
static void test_console_blocked(void)
{
	static const struct buf buf = { DATA, 0x18000, false };
	struct pollfd pfd = { 0 };
	u32 id, len, total = 0, i;
	u8 chars[4096];
	struct driver d;
	int timeout;
	ssize_t n;

	console_start(&d);
	for (i = 0; i < buf.len; i++)
		((u8 *)at(DATA))[i] = i % 251;
	driver_submit(&d, TRANSMITQ, &buf, 1);
	driver_io(&d);
	CHECK(!driver_reap(&d, TRANSMITQ, &id, &len));
	/* It waits for who does not take more. */
	CHECK(virtio_turn(&console.vdev, NULL, 0, 0, &timeout) == 0);
	CHECK(virtio_turn(&console.vdev, &pfd, 0, 1, &timeout) == 1);
	CHECK(pfd.fd == console_pipe[1] && pfd.events == POLLOUT);
	while (total < buf.len) {
		n = read(console_pipe[0], chars, sizeof(chars));
		if (n <= 0) {
			driver_io(&d);
			n = read(console_pipe[0], chars, sizeof(chars));
		}
		if (n <= 0)
			break;
		for (i = 0; i < n; i++)
			CHECK(chars[i] == (total + i) % 251);
		total += n;
	}
	driver_io(&d);
	CHECK(total == buf.len);
	CHECK(driver_reap(&d, TRANSMITQ, &id, &len));
	console_end();
}

/* What is left of the old output goes with its queue. */
static void test_console_blocked_reset(void)
{
	static const struct buf large = { DATA, 0x18000, false };
	static const struct buf small = { DATA + 0x20000, 3, false };
	unsigned int by_reset;
	u32 id, len;
	u8 chars[4096];
	struct driver d;

	for (by_reset = 0; by_reset < 2; by_reset++) {
		console_start(&d);
		driver_submit(&d, TRANSMITQ, &large, 1);
		driver_io(&d);
		CHECK(console.blocked && console.sent > 0);
		if (by_reset) {
			driver_start(&d, &console.vdev, 0, 8);
		} else {
			reg_set(&d, QUEUE_SEL, TRANSMITQ);
			reg_set(&d, QUEUE_READY, 0);
			driver_queue(&d, TRANSMITQ, 8);
		}
		CHECK(!console.blocked);
		while (read(console_pipe[0], chars, sizeof(chars)) > 0)
			;
		memcpy(at(DATA + 0x20000), "new", 3);
		driver_submit(&d, TRANSMITQ, &small, 1);
		driver_io(&d);
		CHECK(console_said("new"));
		CHECK(driver_reap(&d, TRANSMITQ, &id, &len));
		console_end();
	}
}

static void test_console_input(void)
{
	static const struct buf small = { DATA, 3, true };
	static const struct buf large = { DATA + 0x100, 64, true };
	struct driver d;
	u32 id, len;

	console_start(&d);
	/* Typed before there is a buffer. */
	console_type("hello");
	driver_io(&d);
	CHECK(!used(RECEIVEQ)->idx);
	driver_submit(&d, RECEIVEQ, &small, 1);
	driver_submit(&d, RECEIVEQ, &large, 1);
	driver_submit(&d, RECEIVEQ, &large, 1);
	driver_io(&d);
	CHECK(driver_reap(&d, RECEIVEQ, &id, &len) && len == 3);
	CHECK(!memcmp(at(DATA), "hel", 3));
	CHECK(driver_reap(&d, RECEIVEQ, &id, &len) && len == 2);
	CHECK(!memcmp(at(DATA + 0x100), "lo\0", 3));
	CHECK(!driver_reap(&d, RECEIVEQ, &id, &len));
	/* A buffer that waits. */
	console_type("x");
	driver_io(&d);
	CHECK(driver_reap(&d, RECEIVEQ, &id, &len) && len == 1);
	CHECK(driver_irq(&d) == 1);
	console_end();
}

static void test_console_full(void)
{
	u8 chars[VIRTIO_CONSOLE_QUEUE_SIZE + 1] = { 0 };
	struct driver d;

	console_start(&d);
	CHECK(virtio_console_room(&console) == VIRTIO_CONSOLE_QUEUE_SIZE);
	CHECK(virtio_console_receive(&console, chars, sizeof(chars)) ==
	      VIRTIO_CONSOLE_QUEUE_SIZE);
	CHECK(virtio_console_room(&console) == 0);
	CHECK(virtio_console_receive(&console, chars, 1) == 0);
	console_end();
}

static void test_console_bad_buffer(void)
{
	static const struct buf buf = { DATA, 8, false };
	struct driver d;

	console_start(&d);
	console_type("x");
	driver_submit(&d, RECEIVEQ, &buf, 1);
	driver_io(&d);
	CHECK(driver_sees_failure(&d));
	console_end();
}

static void test_console_size(void)
{
	struct driver d;
	u32 generation;

	console_start(&d);
	generation = reg_get(&d, CONFIG_GENERATION);
	virtio_console_resize(&console, 132, 50);
	CHECK(driver_irq(&d) == 2);
	CHECK(config_read(&d, 0, 2) == 132 && config_read(&d, 2, 2) == 50);
	CHECK(reg_get(&d, CONFIG_GENERATION) != generation);
	virtio_console_resize(&console, 132, 50);
	CHECK(!driver_irq(&d));
	/* It is the device's to say. */
	config_write(&d, 0, 2, 80);
	CHECK(config_read(&d, 0, 2) == 132);

	/* A driver that comes later is told, too; if it wants to know. */
	driver_start(&d, &console.vdev, VIRTIO_BIT(0), 8);
	CHECK(driver_irq(&d) == 2);
	driver_start(&d, &console.vdev, 0, 8);
	CHECK(!driver_irq(&d));
	console_end();
}

static void test_console_emergency(void)
{
	struct driver d;

	console_start(&d);
	reg_set(&d, STATUS, 0);
	CHECK(!virtio_console_in_use(&console));
	config_write(&d, 8, 4, 'E');
	config_write(&d, 8, 1, '!');
	CHECK(console_said("E!"));
	console_end();
}

/* ---- All of them ------------------------------------------------------- */

void virtio_dev_tests(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{ "blk: configuration", test_blk_config },
		{ "blk: read", test_blk_read },
		{ "blk: write", test_blk_write },
		{ "blk: beyond the disk, and not in sectors",
		  test_blk_out_of_range },
		{ "blk: the file becomes shorter", test_blk_truncated },
		{ "blk: requests in pieces", test_blk_pieces },
		{ "blk: requests without header or status", test_blk_no_frame },
		{ "blk: unknown requests", test_blk_unknown },
		{ "blk: id", test_blk_id },
		{ "blk: flush, with and without cache", test_blk_flush },
		{ "blk: read-only", test_blk_read_only },
		{ "blk: write zeroes", test_blk_zeroes },
		{ "blk: discard", test_blk_discard },
		{ "blk: ranges that make no sense", test_blk_bad_ranges },
		{ "blk: the file is locked", test_blk_lock },
		{ "rng: numbers", test_rng },
		{ "rng: nothing to read", test_rng_readable },
		{ "console: output", test_console_output },
		{ "console: output that nobody reads", test_console_blocked },
		{ "console: reset while nobody reads", test_console_blocked_reset },
		{ "console: input", test_console_input },
		{ "console: more input than it takes", test_console_full },
		{ "console: a receive buffer to read", test_console_bad_buffer },
		{ "console: size", test_console_size },
		{ "console: emergency write", test_console_emergency },
	};
	char name[96];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		test_begin();
		tests[i].run();
		snprintf(name, sizeof(name), "virtio-%s", tests[i].name);
		test_end(name);
	}
}
