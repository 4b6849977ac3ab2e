// SPDX-License-Identifier: GPL-2.0
/*
 * The balloon: what is in it, free pages that are reported, and that the memory behind
 * both is gone from this process.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver.h"
#include "helper.h"
#include "ram.h"
#include "virtio_balloon.h"

#define INFLATEQ	0
#define DEFLATEQ	1
/* As Linux numbers the queues that are there, and as the specification does. */
#define REPORTINGQ	2
#define REPORTINGQ_SPEC	4

#define F_MUST_TELL	VIRTIO_BIT(0)
#define F_PAGE_POISON	VIRTIO_BIT(4)
#define F_REPORTING	VIRTIO_BIT(5)

static struct virtio_balloon balloon;
static struct { u64 ipa; u64 len; } discarded[8];
static unsigned int num_discarded;

static bool note_discard(void *opaque, u64 offset, u64 len)
{
	CHECK(opaque == &balloon);
	CHECK(len && offset < RAM_SIZE && len <= RAM_SIZE - offset);
	if (num_discarded < ARRAY_SIZE(discarded)) {
		discarded[num_discarded].ipa = RAM_BASE + offset;
		discarded[num_discarded].len = len;
	}
	num_discarded++;
	return true;
}

typedef bool (*discard_fn)(void *opaque, u64 offset, u64 len);

/* Without @discard, memory is pinned. */
static void balloon_new(struct driver *d, u64 host_page, discard_fn discard)
{
	memset(d, 0, sizeof(*d));
	d->vdev = &balloon.vdev;
	ram_new();
	num_discarded = 0;
	virtio_balloon_init(&balloon, &ram);
	if (discard)
		virtio_balloon_set_discard(&balloon, host_page, true, discard,
					   &balloon);
}

static void balloon_start(struct driver *d, u64 host_page, u64 features,
			  discard_fn discard)
{
	balloon_new(d, host_page, discard);
	driver_start(d, &balloon.vdev, features, 8);
}

static void balloon_end(void)
{
	virtio_stop(&balloon.vdev);
	free(balloon.held);
	free(balloon.held_in);
}

/* Pages are counted from the beginning of memory. */
static void balloon_send(struct driver *d, unsigned int q, const u32 *pages,
			 unsigned int count)
{
	struct buf buf = { DATA, 4 * count, false };
	u32 *pfns = at(DATA);
	unsigned int i;

	for (i = 0; i < count; i++)
		pfns[i] = (RAM_BASE >> 12) + pages[i];
	num_discarded = 0;
	driver_submit(d, q, &buf, 1);
	driver_io(d);
}

static bool discarded_is(unsigned int i, u32 page, u32 count)
{
	return i < num_discarded &&
	       discarded[i].ipa == RAM_BASE + 4096ULL * page &&
	       discarded[i].len == 4096ULL * count;
}

static void test_balloon(void)
{
	/* Runs in both directions, and a page alone. */
	static const u32 pages[] = { 100, 101, 102, 90, 89, 88, 120 };
	struct driver d;
	u32 id, len;

	balloon_start(&d, 4096, 0, note_discard);
	CHECK(reg_get(&d, DEVICE_ID) == 5);
	balloon_send(&d, INFLATEQ, pages, ARRAY_SIZE(pages));
	CHECK(driver_reap(&d, INFLATEQ, &id, &len) && len == 0);
	CHECK(num_discarded == 3);
	CHECK(discarded_is(0, 100, 3));
	CHECK(discarded_is(1, 88, 3));
	CHECK(discarded_is(2, 120, 1));
	CHECK(balloon.num_held == 7);
	/* Once more is no more. */
	balloon_send(&d, INFLATEQ, pages, 1);
	CHECK(balloon.num_held == 7);
	balloon_send(&d, DEFLATEQ, pages, 3);
	CHECK(!num_discarded);
	CHECK(balloon.num_held == 4);
	balloon_send(&d, DEFLATEQ, pages, ARRAY_SIZE(pages));
	CHECK(balloon.num_held == 0);
	balloon_end();
}

/* A host with larger pages gives back whole ones only. */
static void test_balloon_host_pages(void)
{
	static const u32 some[] = { 33, 34, 35 };
	static const u32 rest[] = { 32 };
	struct driver d;

	balloon_start(&d, 16384, F_MUST_TELL, note_discard);
	balloon_send(&d, INFLATEQ, some, 3);
	CHECK(!num_discarded);
	balloon_send(&d, INFLATEQ, rest, 1);
	CHECK(num_discarded == 1 && discarded_is(0, 32, 4));
	/* Taken out, and put in again. */
	balloon_send(&d, DEFLATEQ, some, 2);
	balloon_send(&d, INFLATEQ, some, 1);
	CHECK(!num_discarded);
	balloon_send(&d, INFLATEQ, some + 1, 1);
	CHECK(num_discarded == 1 && discarded_is(0, 32, 4));
	/* Twice the same is not two, and a reset empties all: not three and one. */
	balloon_send(&d, DEFLATEQ, some, 3);
	driver_start(&d, &balloon.vdev, F_MUST_TELL, 8);
	balloon_send(&d, INFLATEQ, some, 3);
	balloon_send(&d, INFLATEQ, some, 3);
	CHECK(!num_discarded && balloon.num_held == 3);
	balloon_end();

	/* A driver that uses pages before it tells would lose some. */
	balloon_start(&d, 16384, 0, note_discard);
	balloon_send(&d, INFLATEQ, some, 3);
	balloon_send(&d, INFLATEQ, rest, 1);
	CHECK(!num_discarded && balloon.num_held == 4);
	balloon_end();
}

static void test_balloon_pinned(void)
{
	static const u32 pages[] = { 1, 2, 3 };
	struct driver d;

	balloon_start(&d, 4096, 0, NULL);
	balloon_send(&d, INFLATEQ, pages, 3);
	CHECK(balloon.num_held == 3);
	CHECK(!(reg_get(&d, STATUS) & STATUS_NEEDS_RESET));
	/* Nor are free pages of any use. */
	CHECK(!(features_of(&d) & (F_REPORTING | F_PAGE_POISON)));
	reg_set(&d, QUEUE_SEL, REPORTINGQ);
	CHECK(!reg_get(&d, QUEUE_NUM_MAX));
	driver_reset(&d, &balloon.vdev);
	CHECK(!driver_negotiate(&d, F_VERSION_1 | F_REPORTING));
	balloon_end();
}

static void test_balloon_target(void)
{
	static const u32 pages[] = { 1 };
	struct driver d;

	balloon_start(&d, 4096, 0, note_discard);
	CHECK(!config_read(&d, 0, 4));
	virtio_balloon_set_target(&balloon, 64 * KIB);
	CHECK(driver_irq(&d) == 2);
	CHECK(config_read(&d, 0, 4) == 16);
	CHECK(virtio_balloon_target(&balloon) == 64 * KIB);
	config_write(&d, 4, 4, 10);
	CHECK(virtio_balloon_actual(&balloon) == 40 * KIB);
	config_write(&d, 0, 4, 0);
	CHECK(config_read(&d, 0, 4) == 16);
	/* A new driver begins with all of its memory, and the old target. */
	balloon_send(&d, INFLATEQ, pages, 1);
	driver_start(&d, &balloon.vdev, 0, 8);
	CHECK(config_read(&d, 0, 4) == 16);
	CHECK(!virtio_balloon_actual(&balloon) && !balloon.num_held);
	balloon_end();
}

static void test_balloon_bad(void)
{
	static const u32 bad_pages[] = {
		RAM_SIZE >> 12,			/* the first one behind */
		-1U,				/* the last one before */
		-(u32)(RAM_BASE >> 12),		/* page 0 */
		~0U - (u32)(RAM_BASE >> 12),	/* the highest of all */
	};
	static const struct buf bad_bufs[] = {
		{ DATA, 3, false }, { DATA, 4, true },
		/* More than there are pages. */
		{ DATA, 4 * (RAM_SIZE / 4096 + 1), false },
	};
	struct driver d;
	size_t i;

	balloon_start(&d, 4096, 0, note_discard);
	for (i = 0; i < ARRAY_SIZE(bad_pages); i++) {
		driver_start(&d, &balloon.vdev, 0, 8);
		balloon_send(&d, INFLATEQ, &bad_pages[i], 1);
		CHECK(driver_sees_failure(&d));
		driver_start(&d, &balloon.vdev, 0, 8);
		balloon_send(&d, DEFLATEQ, &bad_pages[i], 1);
		CHECK(driver_sees_failure(&d));
	}
	for (i = 0; i < ARRAY_SIZE(bad_bufs); i++) {
		driver_start(&d, &balloon.vdev, 0, 8);
		driver_submit(&d, INFLATEQ, &bad_bufs[i], 1);
		driver_io(&d);
		CHECK(driver_sees_failure(&d));
	}
	CHECK(!num_discarded && !balloon.num_held);
	balloon_end();
}

/* ---- Reports of free pages --------------------------------------------- */

/* One chain of @count buffers; what came of it is in the used ring. */
static void report_bufs(struct driver *d, unsigned int q, const struct buf *bufs,
			unsigned int count)
{
	num_discarded = 0;
	driver_submit(d, q, bufs, count);
	driver_io(d);
}

/* It came back, with nothing written to it. */
static bool acknowledged(struct driver *d, unsigned int q)
{
	u32 id, len;

	return driver_reap(d, q, &id, &len) && !len &&
	       !(reg_get(d, STATUS) & STATUS_NEEDS_RESET);
}

/* Pages from the beginning of memory. */
#define PAGES(page, count)	{ RAM_BASE + 4096ULL * (page), 4096 * (count), true }

static void test_reports(void)
{
	/* Side by side in both directions, and one alone. */
	static const struct buf bufs[] = {
		PAGES(64, 2), PAGES(66, 1), PAGES(62, 2), PAGES(100, 4),
	};
	static const unsigned int queues[] = { REPORTINGQ, REPORTINGQ_SPEC };
	u64 inflated, reported;
	struct driver d;
	size_t i;

	balloon_new(&d, 4096, note_discard);
	CHECK(features_of(&d) & F_REPORTING);
	driver_start(&d, &balloon.vdev, F_REPORTING, 8);
	reg_set(&d, QUEUE_SEL, REPORTINGQ_SPEC + 1);
	CHECK(!reg_get(&d, QUEUE_NUM_MAX));
	for (i = 0; i < ARRAY_SIZE(queues); i++) {
		report_bufs(&d, queues[i], bufs, ARRAY_SIZE(bufs));
		CHECK(acknowledged(&d, queues[i]));
		CHECK(driver_irq(&d) == 1);
		CHECK(num_discarded == 2);
		CHECK(discarded_is(0, 62, 5));
		CHECK(discarded_is(1, 100, 4));
	}
	/* They are the driver's again at once: nothing is in the balloon. */
	CHECK(!balloon.num_held);
	virtio_balloon_given_back(&balloon, &inflated, &reported);
	CHECK(!inflated && reported == 2 * 9 * 4096);
	/* A page of the balloon goes back as before. */
	balloon_send(&d, INFLATEQ, (const u32 []){ 7 }, 1);
	CHECK(num_discarded == 1 && discarded_is(0, 7, 1));
	virtio_balloon_given_back(&balloon, &inflated, &reported);
	CHECK(inflated == 4096 && reported == 2 * 9 * 4096);
	balloon_end();
}

static bool refuse_discard(void *opaque, u64 offset, u64 len)
{
	note_discard(opaque, offset, len);
	return false;
}

/* A host that does not take it is no matter of the guest's. */
static void test_reports_refused(void)
{
	static const struct buf buf = PAGES(64, 1);
	u64 inflated, reported;
	struct driver d;

	balloon_start(&d, 4096, F_REPORTING, refuse_discard);
	report_bufs(&d, REPORTINGQ, &buf, 1);
	CHECK(acknowledged(&d, REPORTINGQ) && num_discarded == 1);
	virtio_balloon_given_back(&balloon, &inflated, &reported);
	CHECK(!reported);
	balloon_end();
}

/* The largest chain that there is, in an indirect table. */
static void test_reports_indirect(void)
{
	struct vring_desc *table;
	struct driver d;
	unsigned int i;

	balloon_start(&d, 4096, F_REPORTING | F_INDIRECT, note_discard);
	table = at(DATA);
	for (i = 0; i < 256; i++) {
		table[i] = (struct vring_desc){
			/* Each one twice: the second time it is not beside. */
			RAM_BASE + 4096ULL * (64 + i / 4), 2048,
			DESC_WRITE | (i < 255 ? DESC_NEXT : 0), i + 1
		};
		table[i].addr += 2048 * (i % 2);
	}
	num_discarded = 0;
	desc_set(REPORTINGQ, 0, DATA, 256 * sizeof(*table), DESC_INDIRECT, 0);
	driver_offer(&d, REPORTINGQ, 0);
	driver_io(&d);
	CHECK(acknowledged(&d, REPORTINGQ));
	/* Bounded by the chain, however often it names a page. */
	CHECK(num_discarded == 65 && discarded_is(0, 64, 1));
	balloon_end();
}

static void test_reports_host_pages(void)
{
	static const struct {
		struct buf bufs[3];
		unsigned int count;
		/* What goes back, in pages of 4K; nothing: 0. */
		u32 page, pages;
	} reports[] = {
		{ { PAGES(64, 4) }, 1, 64, 4 },
		{ { PAGES(64, 16) }, 1, 64, 16 },
		/* Smaller than a page, or across a boundary. */
		{ { PAGES(64, 3) }, 1, 0, 0 },
		{ { PAGES(66, 4) }, 1, 0, 0 },
		/* What is whole in there. */
		{ { PAGES(65, 7) }, 1, 68, 4 },
		{ { PAGES(63, 10) }, 1, 64, 8 },
		/* Together they are whole, but not if one is missing. */
		{ { PAGES(64, 2), PAGES(66, 2) }, 2, 64, 4 },
		{ { PAGES(66, 2), PAGES(64, 2) }, 2, 64, 4 },
		{ { PAGES(64, 2), PAGES(67, 1) }, 2, 0, 0 },
		/* Bytes, not pages. */
		{ { { RAM_BASE + 64 * 4096 + 1, 16384, true } }, 1, 0, 0 },
		{ { { RAM_BASE + 64 * 4096 - 1, 16386, true } }, 1, 64, 4 },
		{ { { RAM_BASE + 64 * 4096, 16383, true } }, 1, 0, 0 },
		{ { { RAM_BASE + 64 * 4096, 1, true },
		    { RAM_BASE + 64 * 4096 + 1, 16383, true } }, 2, 64, 4 },
		/* The end of memory. */
		{ { PAGES(RAM_SIZE / 4096 - 5, 5) }, 1, RAM_SIZE / 4096 - 4, 4 },
	};
	struct driver d;
	size_t i;

	balloon_start(&d, 16384, F_REPORTING, note_discard);
	for (i = 0; i < ARRAY_SIZE(reports); i++) {
		report_bufs(&d, REPORTINGQ, reports[i].bufs, reports[i].count);
		CHECK(acknowledged(&d, REPORTINGQ));
		if (!reports[i].pages)
			CHECK(!num_discarded);
		else
			CHECK(num_discarded == 1 &&
			      discarded_is(0, reports[i].page,
					   reports[i].pages));
		if (failed) {
			printf("# report %zu\n", i);
			break;
		}
	}
	balloon_end();

	/* A page of the host that is larger than all of the memory. */
	balloon_start(&d, MIB, F_REPORTING | F_MUST_TELL, note_discard);
	report_bufs(&d, REPORTINGQ, (const struct buf []){ PAGES(0, 128) }, 1);
	CHECK(acknowledged(&d, REPORTINGQ) && !num_discarded);
	balloon_send(&d, INFLATEQ, (const u32 []){ 127 }, 1);
	CHECK(!num_discarded && balloon.num_held == 1);
	balloon_end();
}

static void test_reports_bad(void)
{
	static const struct {
		struct buf bufs[2];
		unsigned int count;
	} bad[] = {
		/* Something to read, alone and before the rest. */
		{ { { RAM_BASE + 0x40000, 4096, false } }, 1 },
		{ { { RAM_BASE + 0x40000, 4096, false }, PAGES(80, 1) }, 2 },
		/* ... and behind it. */
		{ { PAGES(80, 1), { RAM_BASE + 0x40000, 4096, false } }, 2 },
		/* Not in memory, or not all of it. */
		{ { PAGES(RAM_SIZE / 4096, 1) }, 1 },
		{ { PAGES(RAM_SIZE / 4096 - 1, 2) }, 1 },
		{ { { RAM_BASE - 4096, 8192, true } }, 1 },
		{ { { 0, 4096, true } }, 1 },
		{ { { RAM_BASE, ~0U, true } }, 1 },
		/* Around the end of all addresses. */
		{ { { ~0ULL - 4095, 8192, true } }, 1 },
		{ { { ~0ULL, ~0U, true } }, 1 },
		/* Behind one that is good: nothing happens at all. */
		{ { PAGES(80, 1), PAGES(RAM_SIZE / 4096, 1) }, 2 },
		{ { PAGES(80, 1), { RAM_BASE + 0x40000, 0, true } }, 2 },
	};
	struct driver d;
	size_t i;

	balloon_start(&d, 4096, F_REPORTING, note_discard);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		driver_start(&d, &balloon.vdev, F_REPORTING, 8);
		report_bufs(&d, REPORTINGQ, bad[i].bufs, bad[i].count);
		CHECK(driver_sees_failure(&d));
		CHECK(!num_discarded && !used(REPORTINGQ)->idx);
		/* The other queues go on. */
		balloon_send(&d, INFLATEQ, (const u32 []){ 9 }, 1);
		CHECK(num_discarded == 1);
		if (failed) {
			printf("# report %zu\n", i);
			break;
		}
	}
	balloon_end();
}

static void test_reports_not_negotiated(void)
{
	static const struct buf buf = PAGES(80, 1);
	unsigned int q;
	struct driver d;

	balloon_start(&d, 4096, 0, note_discard);
	for (q = REPORTINGQ; q <= REPORTINGQ_SPEC; q++) {
		driver_start(&d, &balloon.vdev, F_PAGE_POISON, 8);
		report_bufs(&d, q, &buf, 1);
		CHECK(driver_sees_failure(&d) && !num_discarded);
	}
	balloon_end();
}

#define POISON	0xaaaaaaaaU

static void test_poison(void)
{
	static const struct buf buf = PAGES(80, 4);
	static const struct {
		u64 features;
		u32 before, after;
		bool goes;
	} poisons[] = {
		{ F_REPORTING | F_PAGE_POISON, 0, 0, true },
		{ F_REPORTING | F_PAGE_POISON, POISON, 0, false },
		{ F_REPORTING | F_PAGE_POISON, 1, 0, false },
		/* Too late to change. */
		{ F_REPORTING | F_PAGE_POISON, POISON, POISON - 1, false },
		{ F_REPORTING | F_PAGE_POISON, 0, POISON, true },
		/* Whatever it is, if nobody has asked for it. */
		{ F_REPORTING, POISON, POISON, true },
	};
	struct driver d;
	unsigned int q;
	size_t i;

	balloon_new(&d, 4096, note_discard);
	CHECK(features_of(&d) & F_PAGE_POISON);
	for (i = 0; i < ARRAY_SIZE(poisons); i++) {
		driver_reset(&d, &balloon.vdev);
		/* Each driver begins with none. */
		CHECK(!config_read(&d, 12, 4));
		CHECK(driver_negotiate(&d, poisons[i].features | F_VERSION_1));
		for (q = 0; q <= REPORTINGQ; q++)
			driver_queue(&d, q, 8);
		config_write(&d, 12, 4, poisons[i].before);
		CHECK(config_read(&d, 12, 4) == poisons[i].before);
		driver_ok(&d);
		if (poisons[i].after)
			config_write(&d, 12, 4, poisons[i].after);
		CHECK(config_read(&d, 12, 4) == poisons[i].before);

		memset(at(buf.addr), 0xaa, buf.len);
		report_bufs(&d, REPORTINGQ, &buf, 1);
		CHECK(acknowledged(&d, REPORTINGQ));
		CHECK(num_discarded == poisons[i].goes);
		/* The device itself writes nothing there. */
		CHECK(*(u8 *)at(buf.addr) == 0xaa);
		/* Who deflates fills the page: the balloon may take it. */
		balloon_send(&d, INFLATEQ, (const u32 []){ 90 }, 1);
		CHECK(num_discarded == 1);
		if (failed) {
			printf("# poison %zu\n", i);
			break;
		}
	}
	/* Parts of it are no way to write it, and there are no hints. */
	driver_reset(&d, &balloon.vdev);
	config_write(&d, 12, 1, 1);
	config_write(&d, 13, 4, ~0U);
	config_write(&d, 8, 4, ~0U);
	config_write(&d, 8, 8, ~0ULL);
	CHECK(!config_read(&d, 8, 4) && !config_read(&d, 12, 4));
	config_write(&d, 16, 4, 1);
	CHECK(!config_read(&d, 16, 4));
	balloon_end();
}

/* Both indices, which have 16 bits, and the ring. */
static void test_reports_wrap(void)
{
	static const struct buf buf = PAGES(80, 1);
	u64 inflated, reported;
	unsigned int i, count = 0x10000 + 20;
	struct driver d;

	balloon_start(&d, 4096, F_REPORTING, note_discard);
	for (i = 0; i < count && !failed; i++) {
		report_bufs(&d, REPORTINGQ, &buf, 1);
		CHECK(num_discarded == 1 && acknowledged(&d, REPORTINGQ));
	}
	virtio_balloon_given_back(&balloon, &inflated, &reported);
	CHECK(reported == 4096ULL * count);
	CHECK(used(REPORTINGQ)->idx == (u16)count);
	balloon_end();
}

/* Somebody waits for the I/O thread from the first call on. */
static bool note_and_stop(void *opaque, u64 offset, u64 len)
{
	balloon.vdev.stopping = 1;
	return note_discard(opaque, offset, len);
}

static void test_reports_reset(void)
{
	static const struct buf bufs[] = {
		PAGES(80, 1), PAGES(82, 1), PAGES(84, 1), PAGES(86, 1),
	};
	struct driver d;
	u32 id, len;

	balloon_start(&d, 4096, F_REPORTING, note_and_stop);
	num_discarded = 0;
	driver_submit(&d, REPORTINGQ, bufs, ARRAY_SIZE(bufs));
	driver_submit(&d, REPORTINGQ, bufs, ARRAY_SIZE(bufs));
	driver_io(&d);
	CHECK(num_discarded && num_discarded < ARRAY_SIZE(bufs));
	/* What it had is given back all the same, and no more is taken. */
	CHECK(driver_reap(&d, REPORTINGQ, &id, &len));
	CHECK(!driver_reap(&d, REPORTINGQ, &id, &len));
	balloon.vdev.stopping = 0;
	/* A driver that begins anew finds a device that works. */
	driver_start(&d, &balloon.vdev, F_REPORTING, 8);
	balloon.discard = note_discard;
	report_bufs(&d, REPORTINGQ, bufs, ARRAY_SIZE(bufs));
	CHECK(acknowledged(&d, REPORTINGQ) && num_discarded == ARRAY_SIZE(bufs));
	balloon_end();
}

/* ---- With memory behind it --------------------------------------------- */

static bool discard_ram(void *opaque, u64 offset, u64 len)
{
	return !ram_discard(opaque, offset, len);
}

/* Where page numbers are: behind the rings. */
#define PFNS		(RAM_BASE + 0x18000)

/* With a file or NULL: half of what a test has for itself goes, and is zero then. */
static void give_back(const char *path)
{
	struct config config = { .mem = RAM_SIZE, .mem_path = path };
	u64 half = DATA_SIZE / 2, page = sysconf(_SC_PAGESIZE), before;
	struct buf buf = { DATA, half, true };
	struct buf pfns = { PFNS, half / 4096 * 4, false };
	struct ram backing;
	void *old = ram.mem;
	struct driver d;
	unsigned int i;

	ram_open(&backing, &config);
	ram.mem = backing.mem;
	memset(ram.mem, 0, RAM_SIZE);
	virtio_balloon_init(&balloon, &ram);
	virtio_balloon_set_discard(&balloon, page, true, discard_ram, &backing);
	driver_start(&d, &balloon.vdev, F_MUST_TELL | F_REPORTING, 8);

	memset(at(DATA), 0x55, DATA_SIZE);
	before = ram_resident(&backing);
	CHECK(before == RAM_SIZE);
	driver_submit(&d, REPORTINGQ, &buf, 1);
	driver_io(&d);
	CHECK(acknowledged(&d, REPORTINGQ));
	CHECK(ram_resident(&backing) == before - half);
	CHECK(!*(u8 *)at(DATA) && !*(u8 *)at(DATA + half - 1));
	CHECK(*(u8 *)at(DATA + half) == 0x55);

	memset(at(DATA), 0x55, half);
	for (i = 0; i < half / 4096; i++)
		((u32 *)at(PFNS))[i] = (DATA >> 12) + i;
	driver_submit(&d, INFLATEQ, &pfns, 1);
	driver_io(&d);
	CHECK(acknowledged(&d, INFLATEQ));
	CHECK(ram_resident(&backing) == before - half);
	driver_submit(&d, DEFLATEQ, &pfns, 1);
	driver_io(&d);
	CHECK(acknowledged(&d, DEFLATEQ) && !balloon.num_held);
	CHECK(!*(u8 *)at(DATA) && !*(u8 *)at(DATA + half - 1));
	CHECK(*(u8 *)at(DATA + half) == 0x55);

	balloon_end();
	ram.mem = old;
	ram_close(&backing);
}

static void test_give_back(void)
{
	give_back(NULL);
}

static void test_give_back_file(void)
{
	int fd = memfd_create("balloon", MFD_CLOEXEC);
	struct stat st;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	give_back(path);
	/* The file is shorter by what went, but for what was looked at. */
	CHECK(!fstat(fd, &st) && st.st_size == RAM_SIZE);
	CHECK((u64)st.st_blocks * 512 <= RAM_SIZE - DATA_SIZE / 2 +
					 4 * sysconf(_SC_PAGESIZE));
	close(fd);
}

/* ---- All of them ------------------------------------------------------- */

void balloon_tests(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{ "inflate and deflate", test_balloon },
		{ "a host with larger pages", test_balloon_host_pages },
		{ "memory that is pinned", test_balloon_pinned },
		{ "target", test_balloon_target },
		{ "pages that are none", test_balloon_bad },
		{ "reports of free pages", test_reports },
		{ "reports that the host cannot take", test_reports_refused },
		{ "reports as long as they can be", test_reports_indirect },
		{ "reports on a host with larger pages", test_reports_host_pages },
		{ "reports of what is no memory, or to read", test_reports_bad },
		{ "reports without the feature", test_reports_not_negotiated },
		{ "poison", test_poison },
		{ "reports until the indices wrap", test_reports_wrap },
		{ "a reset meets a report", test_reports_reset },
		{ "private memory goes back", test_give_back },
		{ "a file's memory goes back", test_give_back_file },
	};
	char name[96];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		test_begin();
		tests[i].run();
		snprintf(name, sizeof(name), "virtio-balloon: %s", tests[i].name);
		test_end(name);
	}
}
