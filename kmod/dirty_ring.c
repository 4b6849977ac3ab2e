// SPDX-License-Identifier: GPL-2.0
/*
 * Rings of dirty pages: the log again (dirty.c), as a list, in the order of the writes, and
 * without a system call.  What makes a page dirty in the log puts it into the ring of the
 * vCPU that wrote; a VMM that works by lists need not look through bitmaps of which nearly
 * all is zero.
 *
 * The ring is the VMM's to write to as well: nothing is read back but how far it has come.
 * Whatever it says there, only what it is told itself suffers, or its guest stops.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "kmod.h"

/* Pages that are cleared before others get the lock. */
#define BATCH	512

/**
 * struct dirty_ring - the ring of a vCPU
 * @on: pages are put in; changed with the vCPU's lock.
 * @entries: how many, a power of two.
 * @tail: how many pages have been put in so far; with vm->s2_lock.
 * @nr_pages: number of @pages.
 * @pages: what the VMM maps: struct armvcpu_dirty_ring.
 */
struct dirty_ring {
	bool on;
	u32 entries;
	u32 tail;
	u32 nr_pages;
	struct page *pages[];
};

static_assert(sizeof(struct armvcpu_dirty_ring) % sizeof(struct armvcpu_dirty_page) == 0);
static_assert(ARMVCPU_DIRTY_RING_OFFSET % SZ_64K == 0);

static struct armvcpu_dirty_ring *header(const struct dirty_ring *ring)
{
	return page_address(ring->pages[0]);
}

/* None lies across the end of a page. */
static struct armvcpu_dirty_page *entry(const struct dirty_ring *ring, u32 number)
{
	size_t offset = offsetof(struct armvcpu_dirty_ring, pages) +
			(number & (ring->entries - 1)) * sizeof(struct armvcpu_dirty_page);

	return page_address(ring->pages[offset >> PAGE_SHIFT]) + offset_in_page(offset);
}

/**
 * dirty_ring_is_full() - is there no room for another page?
 * @vcpu: the vCPU, in its own thread.
 *
 * If there is, there still is when it comes to dirty_ring_push(): nobody else puts in.
 */
bool dirty_ring_is_full(const struct vcpu *vcpu)
{
	const struct dirty_ring *ring = vcpu->ring;

	if (!ring || !ring->on)
		return false;
	/* The VMM has read what is overwritten then.  And it may have written nonsense. */
	return ring->tail - smp_load_acquire(&header(ring)->head) >= ring->entries;
}

/**
 * dirty_ring_push() - a page has become dirty
 * @vcpu: the vCPU whose guest writes to it; dirty_ring_is_full() said no.
 * @slot: its slot; the VM's s2_lock is held.
 * @index: number of the page in the slot.
 */
void dirty_ring_push(struct vcpu *vcpu, const struct memslot *slot, u64 index)
{
	struct dirty_ring *ring = vcpu->ring;

	if (!ring || !ring->on)
		return;
	*entry(ring, ring->tail) = (struct armvcpu_dirty_page) {
		.slot = slot->id,
		.page = index,
	};
	/* After the entry itself: the VMM reads this one first. */
	smp_store_release(&header(ring)->tail, ++ring->tail);
}

/* ---- the ring's memory --------------------------------------------------- */

static void ring_free(struct dirty_ring *ring)
{
	u32 i;

	for (i = 0; i < ring->nr_pages && ring->pages[i]; i++)
		put_page(ring->pages[i]);
	kfree(ring);
}

static struct dirty_ring *ring_alloc(u32 entries)
{
	u32 nr_pages = DIV_ROUND_UP(ARMVCPU_DIRTY_RING_SIZE((size_t)entries), PAGE_SIZE), i;
	struct dirty_ring *ring;

	ring = kzalloc(struct_size(ring, pages, nr_pages), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return NULL;
	ring->entries = entries;
	ring->nr_pages = nr_pages;
	for (i = 0; i < nr_pages; i++) {
		ring->pages[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!ring->pages[i]) {
			ring_free(ring);
			return NULL;
		}
	}
	header(ring)->entries = entries;
	return ring;
}

/**
 * dirty_ring_set() - ARMVCPU_SET_DIRTY_RING
 * @vcpu: the vCPU; its lock is held.
 * @arg: a copy of the caller's.
 *
 * Return: 0 or an error of the ioctl.
 */
int dirty_ring_set(struct vcpu *vcpu, const struct armvcpu_set_dirty_ring *arg)
{
	struct dirty_ring *ring = vcpu->ring;

	if (arg->flags)
		return -EINVAL;
	if (!arg->entries) {
		if (ring)
			ring->on = false;
		return ring ? 0 : -ENOENT;
	}
	if (arg->entries < ARMVCPU_MIN_DIRTY_RING || arg->entries > ARMVCPU_MAX_DIRTY_RING ||
	    !is_power_of_2(arg->entries))
		return -EINVAL;
	if (ring) {
		if (ring->entries != arg->entries)
			return -EEXIST;
		ring->on = true;
		return 0;
	}
	ring = ring_alloc(arg->entries);
	if (!ring)
		return -ENOMEM;
	ring->on = true;
	/* Complete: mirrored in dirty_ring_mmap(), without a lock. */
	smp_store_release(&vcpu->ring, ring);
	return 0;
}

/**
 * dirty_ring_destroy() - the mirror of dirty_ring_set()
 * @vcpu: the vCPU; nobody has it any more.
 */
void dirty_ring_destroy(struct vcpu *vcpu)
{
	if (vcpu->ring)
		ring_free(vcpu->ring);
}

/**
 * dirty_ring_mmap() - the VMM maps the ring
 * @vcpu: the vCPU, whose VMM the caller is.
 * @vma: shared; at ARMVCPU_DIRTY_RING_OFFSET.
 *
 * Return: 0, -EINVAL (there is no ring, or its size is another), -ENOMEM.
 */
int dirty_ring_mmap(struct vcpu *vcpu, struct vm_area_struct *vma)
{
	/* Once there, it stays. */
	const struct dirty_ring *ring = smp_load_acquire(&vcpu->ring);
	int ret = 0;
	u32 i;

	if (!ring || vma_pages(vma) != ring->nr_pages)
		return -EINVAL;
	for (i = 0; i < ring->nr_pages && !ret; i++)
		ret = vm_insert_page(vma, vma->vm_start + i * PAGE_SIZE, ring->pages[i]);
	return ret;
}

/* ---- clearing ------------------------------------------------------------ */

/* Those of some pages that are dirty are clean then. */
static void clear_some(struct vm *vm, const struct armvcpu_dirty_page *pages, u32 count,
		       u64 *ipas)
{
	struct memslot *slot = NULL;
	u32 n = 0, i;
	u64 page;

	for (i = 0; i < count; i++) {
		if (!slot || slot->id != pages[i].slot)
			slot = memslot_by_id(vm, pages[i].slot);
		if (!slot || !slot->dirty || pages[i].page >= slot->npages)
			continue;
		page = array_index_nospec(pages[i].page, slot->npages);
		if (dirty_test_and_clear(slot, page))
			ipas[n++] = slot->ipa + (page << PAGE_SHIFT);
	}
	stage2_protect_pages(vm, ipas, n);
}

/**
 * dirty_clear_pages() - ARMVCPU_CLEAR_DIRTY_PAGES
 * @vm: the VM.
 * @arg: a copy of the caller's.
 *
 * Return: 0 or an error of the ioctl, and nothing has changed.
 */
int dirty_clear_pages(struct vm *vm, const struct armvcpu_clear_dirty_pages *arg)
{
	struct armvcpu_dirty_page *pages;
	u32 i, done, n;
	int ret = 0;
	u64 *ipas;

	if (arg->flags || !arg->count || arg->count > ARMVCPU_MAX_DIRTY_RING)
		return -EINVAL;
	/* All at once: half of them would be no answer to a bad pointer. */
	pages = kvmalloc_array(arg->count, sizeof(*pages), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	ipas = kmalloc_array(BATCH, sizeof(*ipas), GFP_KERNEL_ACCOUNT);
	if (!pages || !ipas) {
		ret = -ENOMEM;
		goto out;
	}
	if (copy_from_user(pages, u64_to_user_ptr(arg->pages), arg->count * sizeof(*pages))) {
		ret = -EFAULT;
		goto out;
	}
	for (i = 0; i < arg->count; i++) {
		if (pages[i].slot >= ARMVCPU_MAX_SLOTS || pages[i].reserved) {
			ret = -EINVAL;
			goto out;
		}
	}
	spin_lock(&vm->s2_lock);
	for (done = 0; done < arg->count; done += n) {
		n = min_t(u32, arg->count - done, BATCH);
		clear_some(vm, pages + done, n, ipas);
		s2_lock_break(vm);
	}
	spin_unlock(&vm->s2_lock);
out:
	kfree(ipas);
	kvfree(pages);
	return ret;
}
