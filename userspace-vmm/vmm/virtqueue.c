// SPDX-License-Identifier: GPL-2.0
/*
 * Split virtqueues (virtio 1.2, 2.7), the device's end.
 *
 * The driver runs on other CPUs at the same time, and may be hostile. Each index,
 * each descriptor is read once, into memory of our own, checked there and used
 * from there. Whatever is wrong stops the queue (virtq_fail()). No loop depends on
 * the driver for its end: a chain has VIRTQ_MAX_SIZE descriptors at most.
 *
 * Both ends are CPUs of one coherent system, so the barriers are those between
 * threads: indexes are loaded with acquire and stored with release, and there is a
 * full fence where each end stores one thing and then loads what the other stores
 * (2.7.7, 2.7.10: notification suppression).
 */
#include <linux/virtio_mmio.h>
#include <string.h>

#include "virtio.h"

void *guest_ram_at(const struct guest_ram *ram, u64 ipa, u64 len)
{
	if (!ram->mem || ipa < ram->base || len > ram->size ||
	    ipa - ram->base > ram->size - len)
		return NULL;
	return (char *)ram->mem + (ipa - ram->base);
}

static u16 load16(const u16 *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static u16 load16_acquire(const u16 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void store16(u16 *p, u16 value)
{
	__atomic_store_n(p, value, __ATOMIC_RELAXED);
}

/* Stores before it are seen before loads behind it are done. */
static void full_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* @used_event: when the driver wants to hear of used buffers. */
static const u16 *used_event(const struct virtqueue *vq)
{
	return &vq->avail->ring[vq->num];
}

/* @avail_event: when the device wants to hear of available ones. */
static u16 *avail_event(struct virtqueue *vq)
{
	return (u16 *)&vq->used->ring[vq->num];
}

/* ---- Setting up -------------------------------------------------------- */

const char *virtq_set_up(struct virtqueue *vq)
{
	const struct guest_ram *ram = vq->vdev->ram;
	u64 num = vq->num;

	if (!num || num > VIRTQ_MAX_SIZE || num & (num - 1))
		return "QueueNum is not a power of two up to QueueNumMax";
	if (vq->desc_addr % 16 || vq->avail_addr % 2 || vq->used_addr % 4)
		return "a ring is not aligned";
	/* Both rings with their event word, whether it is in use or not. */
	vq->desc = guest_ram_at(ram, vq->desc_addr, num * sizeof(*vq->desc));
	vq->avail = guest_ram_at(ram, vq->avail_addr, (3 + num) * sizeof(u16));
	vq->used = guest_ram_at(ram, vq->used_addr,
				2 * sizeof(u16) +
				num * sizeof(vq->used->ring[0]) + sizeof(u16));
	if (!vq->desc || !vq->avail || !vq->used)
		return "a ring is not in memory";
	vq->avail_idx = 0;
	vq->used_idx = 0;
	vq->signalled_idx = 0;
	vq->event_idx = virtio_has_feature(vq->vdev, VIRTIO_RING_F_EVENT_IDX);
	vq->indirect = virtio_has_feature(vq->vdev,
					  VIRTIO_RING_F_INDIRECT_DESC);
	return NULL;
}

void virtq_fail(struct virtqueue *vq, const char *why)
{
	vq->running = false;
	note("%s at 0x%llx: queue %u stops", vq->vdev->ops->name,
	     vq->vdev->dev.base, vq->index);
	virtio_fail(vq->vdev, why);
}

/* ---- Chains ------------------------------------------------------------ */

/*
 * One copy: whatever the guest does to the descriptor now comes too late. An
 * indirect table may have any alignment.
 */
static struct vring_desc read_desc(const char *table, unsigned int i)
{
	struct vring_desc desc;

	memcpy(&desc, table + i * sizeof(desc), sizeof(desc));
	asm volatile("" : : : "memory");
	return desc;
}

/* NULL, or what is wrong with it. */
static const char *add_buffer(struct virtqueue *vq, struct virtq_chain *chain,
			      const struct vring_desc *desc)
{
	unsigned int n = chain->num_out + chain->num_in;
	struct iovec *iov = &chain->iov[n];

	if (n == VIRTQ_MAX_SIZE)
		return "a chain is longer than the queue";
	if (!desc->len)
		return "a buffer is empty";
	iov->iov_base = guest_ram_at(vq->vdev->ram, desc->addr, desc->len);
	iov->iov_len = desc->len;
	if (!iov->iov_base)
		return "a buffer is not in memory";
	if (!(desc->flags & VRING_DESC_F_WRITE) && chain->num_in)
		return "a buffer to read is behind one to write";
	if (desc->flags & VRING_DESC_F_WRITE) {
		chain->num_in++;
		chain->in_len += desc->len;
	} else {
		chain->num_out++;
		chain->out_len += desc->len;
	}
	/* 2.7.5: 2^32 bytes at most; of 2^32 - 1 the used ring can tell. */
	if (chain->out_len + chain->in_len > ~0U)
		return "a chain is too large";
	return NULL;
}

/*
 * All descriptors of a table from the one at @i; the one behind them that refers
 * to an indirect table, if there is one, into @indirect: its length is not zero.
 */
static const char *walk_table(struct virtqueue *vq, struct virtq_chain *chain,
			      const void *table, unsigned int num,
			      unsigned int i, struct vring_desc *indirect)
{
	unsigned int seen;

	for (seen = 0; seen < num; seen++) {
		struct vring_desc desc;
		const char *wrong;

		if (i >= num)
			return "a descriptor is beyond its table";
		desc = read_desc(table, i);
		if (desc.flags & VRING_DESC_F_INDIRECT) {
			if (!vq->indirect)
				return "indirect descriptors are not negotiated";
			if (!indirect)
				return "an indirect table refers to another one";
			if (desc.flags & VRING_DESC_F_NEXT)
				return "something follows an indirect table";
			if (!desc.len || desc.len % sizeof(desc) ||
			    desc.len / sizeof(desc) > VIRTQ_MAX_SIZE)
				return "an indirect table has a bad length";
			*indirect = desc;
			return NULL;
		}
		wrong = add_buffer(vq, chain, &desc);
		if (wrong || !(desc.flags & VRING_DESC_F_NEXT))
			return wrong;
		i = desc.next;
	}
	return "a chain has a loop";
}

static const char *walk_chain(struct virtqueue *vq, struct virtq_chain *chain,
			      u16 head)
{
	struct vring_desc indirect = { 0 };
	const void *table;
	const char *wrong;

	chain->head = head;
	chain->num_out = 0;
	chain->num_in = 0;
	chain->out_len = 0;
	chain->in_len = 0;
	wrong = walk_table(vq, chain, vq->desc, vq->num, head, &indirect);
	if (!wrong && indirect.len) {
		table = guest_ram_at(vq->vdev->ram, indirect.addr,
				     indirect.len);
		if (!table)
			return "an indirect table is not in memory";
		wrong = walk_table(vq, chain, table,
				   indirect.len / sizeof(indirect), 0,
				   NULL);
	}
	chain->out = chain->iov;
	chain->in = chain->iov + chain->num_out;
	return wrong;
}

bool virtq_pending(const struct virtqueue *vq)
{
	return vq->running && load16_acquire(&vq->avail->idx) != vq->avail_idx;
}

bool virtq_pop(struct virtqueue *vq, struct virtq_chain *chain)
{
	u16 pending, head;
	const char *wrong;

	if (!vq->running)
		return false;
	/* Pairs with the driver's barrier between the ring and its index. */
	pending = load16_acquire(&vq->avail->idx) - vq->avail_idx;
	if (!pending)
		return false;
	if (pending > vq->num) {
		virtq_fail(vq, "more is available than the queue holds");
		return false;
	}
	head = load16(&vq->avail->ring[vq->avail_idx % vq->num]);
	wrong = walk_chain(vq, chain, head);
	if (wrong) {
		virtq_fail(vq, wrong);
		return false;
	}
	vq->avail_idx++;
	return true;
}

void virtq_unpop(struct virtqueue *vq)
{
	vq->avail_idx--;
}

/* ---- Giving back ------------------------------------------------------- */

void virtq_fill(struct virtqueue *vq, unsigned int n, u16 head, u32 written)
{
	struct vring_used_elem *elem;

	if (!vq->running)
		return;
	elem = &vq->used->ring[(u16)(vq->used_idx + n) % vq->num];
	__atomic_store_n(&elem->id, head, __ATOMIC_RELAXED);
	__atomic_store_n(&elem->len, written, __ATOMIC_RELAXED);
}

void virtq_publish(struct virtqueue *vq, unsigned int count)
{
	if (!vq->running)
		return;
	vq->used_idx += count;
	/* What the device has written comes first, the elements as well. */
	__atomic_store_n(&vq->used->idx, vq->used_idx, __ATOMIC_RELEASE);
}

void virtq_push(struct virtqueue *vq, const struct virtq_chain *chain,
		u32 written)
{
	virtq_fill(vq, 0, chain->head, written);
	virtq_publish(vq, 1);
}

/* 2.7.7.2, 2.7.10: who wants to hear of entries from @old up to @new. */
static bool has_passed(u16 event, u16 new, u16 old)
{
	return (u16)(new - event - 1) < (u16)(new - old);
}

void virtq_notify(struct virtqueue *vq)
{
	u16 old = vq->signalled_idx;
	bool wanted;

	if (!vq->running || old == vq->used_idx)
		return;
	/* used->idx before what the driver stores when it looked at that. */
	full_fence();
	if (vq->event_idx)
		wanted = has_passed(load16(used_event(vq)), vq->used_idx, old);
	else
		wanted = !(load16(&vq->avail->flags) &
			   VRING_AVAIL_F_NO_INTERRUPT);
	vq->signalled_idx = vq->used_idx;
	if (wanted)
		virtio_interrupt(vq->vdev, VIRTIO_MMIO_INT_VRING);
}

void virtq_disable_kick(struct virtqueue *vq)
{
	/* With EVENT_IDX, avail_event stays behind: that is enough. */
	if (vq->running && !vq->event_idx)
		store16(&vq->used->flags, VRING_USED_F_NO_NOTIFY);
}

bool virtq_enable_kick(struct virtqueue *vq)
{
	if (!vq->running)
		return false;
	if (vq->event_idx)
		store16(avail_event(vq), vq->avail_idx);
	else
		store16(&vq->used->flags, 0);
	/* That before the last look at avail->idx. */
	full_fence();
	return virtq_pending(vq);
}

void virtq_serve(struct virtqueue *vq,
		 s64 (*request)(struct virtqueue *vq, struct virtq_chain *chain))
{
	struct virtio_device *vdev = vq->vdev;
	unsigned int left = vq->num;
	s64 written;

	do {
		virtq_disable_kick(vq);
		while (left && !virtio_stopping(vdev) &&
		       virtq_pop(vq, &vq->chain)) {
			written = request(vq, &vq->chain);
			if (written < 0)
				return;
			virtq_push(vq, &vq->chain, written);
			virtq_notify(vq);
			left--;
		}
	} while (virtq_enable_kick(vq) && left && !virtio_stopping(vdev));

	/* The other queues and files have their turn first. */
	if (!left && virtq_pending(vq))
		virtio_kick(vdev);
}

/* ---- What is in a chain ------------------------------------------------ */

void iov_advance(struct iovec **iov, unsigned int *num, size_t len)
{
	while (len) {
		size_t part = len < (*iov)->iov_len ? len : (*iov)->iov_len;

		(*iov)->iov_base = (char *)(*iov)->iov_base + part;
		(*iov)->iov_len -= part;
		len -= part;
		if (!(*iov)->iov_len) {
			(*iov)++;
			(*num)--;
		}
	}
}

size_t virtq_peek(const struct virtq_chain *chain, void *buf, size_t len)
{
	size_t done = 0;
	unsigned int i;

	for (i = 0; i < chain->num_out && done < len; i++) {
		size_t part = chain->out[i].iov_len;

		if (part > len - done)
			part = len - done;
		memcpy((char *)buf + done, chain->out[i].iov_base, part);
		done += part;
	}
	/* What was read is not read again. */
	asm volatile("" : : : "memory");
	return done;
}

void virtq_skip(struct virtq_chain *chain, size_t len)
{
	iov_advance(&chain->out, &chain->num_out, len);
	chain->out_len -= len;
}

size_t virtq_read(struct virtq_chain *chain, void *buf, size_t len)
{
	size_t done = virtq_peek(chain, buf, len);

	virtq_skip(chain, done);
	return done;
}

size_t virtq_write(struct virtq_chain *chain, const void *buf, size_t len)
{
	size_t done = 0;

	while (done < len && chain->num_in) {
		size_t part = chain->in->iov_len;

		if (part > len - done)
			part = len - done;
		memcpy(chain->in->iov_base, (const char *)buf + done, part);
		iov_advance(&chain->in, &chain->num_in, part);
		done += part;
	}
	chain->in_len -= done;
	return done;
}

u8 *virtq_last_in(struct virtq_chain *chain)
{
	struct iovec *last;

	if (!chain->num_in)
		return NULL;
	last = &chain->in[chain->num_in - 1];
	last->iov_len--;
	chain->in_len--;
	if (!last->iov_len)
		chain->num_in--;
	return (u8 *)last->iov_base + last->iov_len;
}
