// SPDX-License-Identifier: GPL-2.0
/*
 * virtio memory balloon (virtio 1.2, 5.5), without statistics.
 *
 * The driver tells which pages of 4 KiB it does without. Where the host's pages
 * are larger, one of those goes back when all of it is in the balloon; for that the
 * driver must tell of a page before it uses it again (MUST_TELL_HOST). Otherwise
 * deflating is bookkeeping: a page that the guest touches is there, and zero.
 */
#include <stdlib.h>
#include <string.h>

#include "virtio_balloon.h"

_Static_assert(BALLOON_PAGE == 1ULL << VIRTIO_BALLOON_PFN_SHIFT, "5.5.6");

enum { INFLATEQ, DEFLATEQ, NUM_QUEUES };

/* Pages looked at in one go. */
#define BATCH	256

#define WORD_BITS	(8 * sizeof(unsigned long))

static struct virtio_balloon *to_balloon(struct virtio_device *vdev)
{
	return container_of(vdev, struct virtio_balloon, vdev);
}

static bool is_held(const struct virtio_balloon *balloon, u64 page)
{
	return balloon->held[page / WORD_BITS] >> page % WORD_BITS & 1;
}

static void set_held(struct virtio_balloon *balloon, u64 page, bool held)
{
	if (is_held(balloon, page) == held)
		return;
	balloon->held[page / WORD_BITS] ^= 1UL << page % WORD_BITS;
	balloon->num_held += held ? 1 : -1;
}

/* ---- Giving back ------------------------------------------------------- */

/* Host pages that go back in one call: bytes from the beginning of memory. */
struct run {
	u64 start;
	u64 end;
};

static void flush_run(struct virtio_balloon *balloon, struct run *run)
{
	if (run->start != run->end)
		balloon->discard((char *)balloon->vdev.ram->mem + run->start,
				 run->end - run->start);
	run->end = run->start;
}

/* The host page that holds @page, if all of it is in the balloon. */
static void add_to_run(struct virtio_balloon *balloon, struct run *run,
		       u64 page)
{
	u64 size = balloon->host_page;
	u64 start = page * BALLOON_PAGE & ~(size - 1), i;

	if (start + size > balloon->vdev.ram->size)
		return;
	for (i = 0; i < size / BALLOON_PAGE; i++) {
		if (!is_held(balloon, start / BALLOON_PAGE + i))
			return;
	}
	/* Drivers come from either end. */
	if (run->start != run->end && start == run->end) {
		run->end += size;
	} else if (run->start != run->end && start + size == run->start) {
		run->start -= size;
	} else {
		flush_run(balloon, run);
		run->start = start;
		run->end = start + size;
	}
}

/* ---- Requests ---------------------------------------------------------- */

/* False if one of them is no memory. */
static bool find_pages(const struct virtio_balloon *balloon, const u32 *pfns,
		       u64 *pages, unsigned int count)
{
	const struct guest_ram *ram = balloon->vdev.ram;
	u64 first = ram->base >> VIRTIO_BALLOON_PFN_SHIFT;
	unsigned int i;

	for (i = 0; i < count; i++) {
		pages[i] = pfns[i] - first;
		if (pfns[i] < first || pages[i] >= ram->size / BALLOON_PAGE)
			return false;
	}
	return true;
}

static bool can_discard(const struct virtio_balloon *balloon)
{
	return balloon->discard &&
	       (balloon->host_page == BALLOON_PAGE ||
		virtio_has_feature(&balloon->vdev,
				   VIRTIO_BALLOON_F_MUST_TELL_HOST));
}

static void inflate(struct virtio_balloon *balloon, const u64 *pages,
		    unsigned int count)
{
	bool give_back = can_discard(balloon);
	struct run run = { 0 };
	unsigned int i;

	for (i = 0; i < count; i++) {
		set_held(balloon, pages[i], true);
		if (give_back)
			add_to_run(balloon, &run, pages[i]);
	}
	flush_run(balloon, &run);
}

static void deflate(struct virtio_balloon *balloon, const u64 *pages,
		    unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		set_held(balloon, pages[i], false);
}

static s64 balloon_request(struct virtqueue *vq, struct virtq_chain *chain)
{
	struct virtio_balloon *balloon = to_balloon(vq->vdev);
	u64 pages[BATCH];
	u32 pfns[BATCH];
	size_t len;

	/* Not more often than there are pages: nobody waits for nonsense. */
	if (chain->num_in || chain->out_len % sizeof(u32) ||
	    chain->out_len / sizeof(u32) > vq->vdev->ram->size / BALLOON_PAGE) {
		virtq_fail(vq, "a request is no array of page numbers");
		return -1;
	}
	while ((len = virtq_read(chain, pfns, sizeof(pfns)))) {
		unsigned int count = len / sizeof(pfns[0]);

		if (!find_pages(balloon, pfns, pages, count)) {
			virtq_fail(vq, "a page of the balloon is no memory");
			return -1;
		}
		if (vq->index == INFLATEQ)
			inflate(balloon, pages, count);
		else
			deflate(balloon, pages, count);
	}
	return 0;
}

static void balloon_handle(struct virtio_device *vdev, struct virtqueue *vq)
{
	(void)vdev;
	virtq_serve(vq, balloon_request);
}

/* 5.5.6: after a reset, the driver has all of its memory. */
static void balloon_reset(struct virtio_device *vdev)
{
	struct virtio_balloon *balloon = to_balloon(vdev);
	u64 pages = vdev->ram->size / BALLOON_PAGE;

	balloon->config.actual = 0;
	if (balloon->num_held)
		memset(balloon->held, 0, align_up(pages, WORD_BITS) / 8);
	balloon->num_held = 0;
}

static void balloon_write_config(struct virtio_device *vdev, u32 offset,
				 unsigned int len, u64 value)
{
	if (offset == offsetof(struct virtio_balloon_config, actual) &&
	    len == sizeof(u32))
		to_balloon(vdev)->config.actual = value;
}

static const struct virtio_ops balloon_ops = {
	.name = "virtio-balloon",
	.id = VIRTIO_ID_BALLOON,
	.num_queues = NUM_QUEUES,
	.handle = balloon_handle,
	.reset = balloon_reset,
	.write_config = balloon_write_config,
};

/* num_pages and actual, without what comes with other features. */
#define CONFIG_SIZE	(2 * sizeof(u32))

void virtio_balloon_init(struct virtio_balloon *balloon,
			 const struct guest_ram *ram)
{
	u64 pages = ram->size / BALLOON_PAGE;

	memset(balloon, 0, sizeof(*balloon));
	balloon->held = calloc(align_up(pages, WORD_BITS) / WORD_BITS,
			       sizeof(*balloon->held));
	if (!balloon->held)
		die("no memory for the balloon");
	virtio_init(&balloon->vdev, &balloon_ops, ram,
		    VIRTIO_BIT(VIRTIO_BALLOON_F_MUST_TELL_HOST) |
		    VIRTIO_BIT(VIRTIO_BALLOON_F_DEFLATE_ON_OOM),
		    &balloon->config, CONFIG_SIZE);
}

void virtio_balloon_set_discard(struct virtio_balloon *balloon, u64 host_page,
				void (*discard)(void *mem, u64 len))
{
	balloon->host_page = host_page;
	balloon->discard = discard;
}

/* ---- The other end ----------------------------------------------------- */

void virtio_balloon_set_target(struct virtio_balloon *balloon, u64 bytes)
{
	u32 pages = bytes / BALLOON_PAGE;

	virtio_set_config(&balloon->vdev, &balloon->config.num_pages, &pages,
			  sizeof(pages));
}

static u64 read_pages(struct virtio_balloon *balloon, const u32 *pages)
{
	u64 bytes;

	pthread_mutex_lock(&balloon->vdev.lock);
	bytes = *pages * BALLOON_PAGE;
	pthread_mutex_unlock(&balloon->vdev.lock);
	return bytes;
}

u64 virtio_balloon_target(struct virtio_balloon *balloon)
{
	return read_pages(balloon, &balloon->config.num_pages);
}

u64 virtio_balloon_actual(struct virtio_balloon *balloon)
{
	return read_pages(balloon, &balloon->config.actual);
}
