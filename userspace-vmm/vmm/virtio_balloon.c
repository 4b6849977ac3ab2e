// SPDX-License-Identifier: GPL-2.0
/*
 * virtio memory balloon (virtio 1.2, 5.5), without statistics and without hints for
 * migration.
 *
 * The driver tells which pages of 4 KiB it does without. Where the host's pages
 * are larger, one of those goes back when all of it is in the balloon; for that the
 * driver must tell of a page before it uses it again (MUST_TELL_HOST). Otherwise
 * deflating is bookkeeping: a page that the guest touches is there, and zero.
 *
 * It also reports pages that are free (5.5.6.7), as buffers that it does not use before
 * the device has returned them, and as it likes afterwards. Nothing remembers them.
 * They go back at once, as far as they are whole pages of the host; and not at all if
 * the guest wants to find something else than zeroes there (PAGE_POISON, 5.5.6.6).
 */
#include <stdlib.h>
#include <string.h>

#include "virtio_balloon.h"

_Static_assert(BALLOON_PAGE == 1ULL << VIRTIO_BALLOON_PFN_SHIFT, "5.5.6");

/*
 * The number of reporting_vq is 4 (5.5.2), with those of a statsq and a free_page_vq
 * before it, which do not exist here. Linux leaves out the numbers of queues that do not
 * exist: then it is 2. Nobody can mean anything else by one of them, so all are the same.
 */
enum { INFLATEQ, DEFLATEQ, NUM_QUEUES, LAST_REPORTING = 4 };

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

static u64 num_host_pages(const struct virtio_balloon *balloon)
{
	return align_up(balloon->vdev.ram->size, balloon->host_page) /
	       balloon->host_page;
}

static void set_held(struct virtio_balloon *balloon, u64 page, bool held)
{
	if (is_held(balloon, page) == held)
		return;
	balloon->held[page / WORD_BITS] ^= 1UL << page % WORD_BITS;
	balloon->num_held += held ? 1 : -1;
	if (balloon->held_in)
		balloon->held_in[page * BALLOON_PAGE / balloon->host_page] +=
			held ? 1 : -1;
}

/* ---- Giving back ------------------------------------------------------- */

/* What goes back in one call: bytes from the beginning of memory, and who counts them. */
struct run {
	u64 start;
	u64 end;
	u64 *count;
};

/* Whole pages of the host only: what is beside them may be in use. */
static void flush_run(struct virtio_balloon *balloon, struct run *run)
{
	u64 start = align_up(run->start, balloon->host_page);
	u64 end = run->end & ~(balloon->host_page - 1);

	if (start < end &&
	    balloon->discard(balloon->opaque, start, end - start))
		__atomic_fetch_add(run->count, end - start, __ATOMIC_RELAXED);
	run->end = run->start;
}

/* Drivers come from either end. */
static void add_to_run(struct virtio_balloon *balloon, struct run *run,
		       u64 start, u64 end)
{
	if (run->start != run->end && start == run->end) {
		run->end = end;
	} else if (run->start != run->end && end == run->start) {
		run->start = start;
	} else {
		flush_run(balloon, run);
		run->start = start;
		run->end = end;
	}
}

/* The host page that holds @page, if all of it is in the balloon. */
static void add_host_page(struct virtio_balloon *balloon, struct run *run,
			  u64 page)
{
	u64 size = balloon->host_page;
	u64 index = page * BALLOON_PAGE / size;

	if (balloon->held_in &&
	    balloon->held_in[index] != size / BALLOON_PAGE)
		return;
	add_to_run(balloon, run, index * size, (index + 1) * size);
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
	/* A reset that waits makes it pointless, and all of it guest memory again. */
	bool give_back = can_discard(balloon) &&
			 !virtio_stopping(&balloon->vdev);
	struct run run = { .count = &balloon->inflated };
	unsigned int i;

	for (i = 0; i < count; i++) {
		set_held(balloon, pages[i], true);
		if (give_back)
			add_host_page(balloon, &run, pages[i]);
	}
	if (give_back)
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

/* 5.5.6.7.2: with PAGE_POISON, no value but poison_val comes into a page. */
static bool may_be_zero(const struct virtio_balloon *balloon)
{
	return !virtio_has_feature(&balloon->vdev, VIRTIO_BALLOON_F_PAGE_POISON) ||
	       !balloon->config.poison_val;
}

/*
 * Reporting is a courtesy, and so is taking it: whoever waits for the I/O thread does not
 * wait for all of 4 GiB. Nothing is written.
 */
static s64 report_request(struct virtqueue *vq, struct virtq_chain *chain)
{
	struct virtio_balloon *balloon = to_balloon(vq->vdev);
	struct run run = { .count = &balloon->reported };
	unsigned int i;

	if (!virtio_has_feature(vq->vdev, VIRTIO_BALLOON_F_REPORTING)) {
		virtq_fail(vq, "reports of free pages are not negotiated");
		return -1;
	}
	if (chain->num_out) {
		virtq_fail(vq, "a report has something to read");
		return -1;
	}
	if (!may_be_zero(balloon))
		return 0;
	for (i = 0; i < chain->num_in && !virtio_stopping(vq->vdev); i++) {
		const struct iovec *iov = &chain->in[i];
		u64 start = (char *)iov->iov_base - (char *)vq->vdev->ram->mem;

		add_to_run(balloon, &run, start, start + iov->iov_len);
	}
	flush_run(balloon, &run);
	return 0;
}

static void balloon_handle(struct virtio_device *vdev, struct virtqueue *vq)
{
	(void)vdev;
	virtq_serve(vq, vq->index > DEFLATEQ ? report_request : balloon_request);
}

/* 5.5.6: after a reset, the driver has all of its memory. */
static void balloon_reset(struct virtio_device *vdev)
{
	struct virtio_balloon *balloon = to_balloon(vdev);
	u64 pages = vdev->ram->size / BALLOON_PAGE;

	balloon->config.actual = 0;
	balloon->config.poison_val = 0;
	if (!balloon->num_held)
		return;
	memset(balloon->held, 0, align_up(pages, WORD_BITS) / 8);
	if (balloon->held_in)
		memset(balloon->held_in, 0, num_host_pages(balloon) *
					    sizeof(*balloon->held_in));
	balloon->num_held = 0;
}

/* All fields are words; poison_val is fixed by DRIVER_OK (5.5.6.6.1). */
static void balloon_write_config(struct virtio_device *vdev, u32 offset,
				 unsigned int len, u64 value)
{
	struct virtio_balloon_config *config = &to_balloon(vdev)->config;

	if (len != sizeof(u32))
		return;
	if (offset == offsetof(struct virtio_balloon_config, actual))
		config->actual = value;
	if (offset == offsetof(struct virtio_balloon_config, poison_val) &&
	    !(vdev->status & VIRTIO_CONFIG_S_DRIVER_OK))
		config->poison_val = value;
}

static const struct virtio_ops balloon_ops = {
	.name = "virtio-balloon",
	.id = VIRTIO_ID_BALLOON,
	.num_queues = NUM_QUEUES,
	.handle = balloon_handle,
	.reset = balloon_reset,
	.write_config = balloon_write_config,
};

/* num_pages and actual, without what comes with reports. */
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
				bool reports,
				bool (*discard)(void *opaque, u64 offset,
						u64 len),
				void *opaque)
{
	struct virtio_device *vdev = &balloon->vdev;

	balloon->host_page = host_page;
	balloon->discard = discard;
	balloon->opaque = opaque;
	if (host_page > BALLOON_PAGE) {
		balloon->held_in = calloc(num_host_pages(balloon),
					  sizeof(*balloon->held_in));
		if (!balloon->held_in)
			die("no memory for the balloon");
	}
	if (!reports)
		return;
	vdev->features |= VIRTIO_BIT(VIRTIO_BALLOON_F_REPORTING) |
			  VIRTIO_BIT(VIRTIO_BALLOON_F_PAGE_POISON);
	vdev->config_size = sizeof(balloon->config);
	vdev->num_queues = LAST_REPORTING + 1;
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

void virtio_balloon_given_back(const struct virtio_balloon *balloon,
			       u64 *inflated, u64 *reported)
{
	*inflated = __atomic_load_n(&balloon->inflated, __ATOMIC_RELAXED);
	*reported = __atomic_load_n(&balloon->reported, __ATOMIC_RELAXED);
}
