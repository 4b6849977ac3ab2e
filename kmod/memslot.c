// SPDX-License-Identifier: GPL-2.0
/*
 * Memory slots: guest memory over pages of the VMM, pinned as long as the slot
 * lives.  Stage 2 maps them when the guest touches them (stage2.c).
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "kmod.h"

/* Pages pinned in one go: no long time without a look at signals. */
#define PIN_BATCH	512

static u64 slot_end(const struct memslot *slot)
{
	return slot->ipa + (slot->npages << PAGE_SHIFT);
}

/* Index of the first slot that ends above an address. */
static u32 slot_index(const struct vm *vm, u64 ipa)
{
	u32 low = 0, high = vm->nr_slots;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (slot_end(vm->slots[mid]) <= ipa)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/**
 * memslot_find() - the slot that holds an address
 * @vm: the VM; its slots_lock is held.
 * @ipa: guest physical address.
 *
 * Return: the slot or NULL.
 */
struct memslot *memslot_find(struct vm *vm, u64 ipa)
{
	u32 i = slot_index(vm, ipa);

	if (i == vm->nr_slots || vm->slots[i]->ipa > ipa)
		return NULL;
	return vm->slots[i];
}

/**
 * memslot_overlaps() - is there memory in a range?
 * @vm: the VM; its slots_lock is held.
 * @ipa: guest physical address.
 * @size: bytes.
 */
bool memslot_overlaps(struct vm *vm, u64 ipa, u64 size)
{
	u32 i = slot_index(vm, ipa);

	return i < vm->nr_slots && vm->slots[i]->ipa < ipa + size;
}

static void unpin(struct memslot *slot)
{
	u64 done = 0, n;

	while (done < slot->npages) {
		n = min_t(u64, slot->npages - done, PIN_BATCH);
		unpin_user_pages_dirty_lock(slot->pages + done, n, slot->writable);
		done += n;
		cond_resched();
	}
}

static int pin(struct memslot *slot, u64 uaddr, unsigned int gup_flags)
{
	u64 want = slot->npages, done = 0, first = uaddr >> PAGE_SHIFT, batch;
	int n;

	while (done < want) {
		if (fatal_signal_pending(current)) {
			n = -EINTR;
			break;
		}
		/*
		 * A huge page, probably: the first of its pages makes it be there, and
		 * then the others are taken together.
		 */
		batch = PIN_BATCH - (first + done) % PIN_BATCH;
		if (batch == PIN_BATCH)
			batch = 1;
		n = pin_user_pages_fast(uaddr + (done << PAGE_SHIFT),
					min_t(u64, want - done, batch), gup_flags,
					slot->pages + done);
		if (n <= 0)
			break;
		done += n;
		cond_resched();
	}
	if (done == want)
		return 0;
	slot->npages = done;
	slot->writable = false;
	unpin(slot);
	slot->npages = want;
	return n < 0 ? n : -EFAULT;
}

static void slot_free(struct memslot *slot)
{
	kvfree(slot->pages);
	kfree(slot);
}

static struct memslot *slot_alloc(const struct armvcpu_mem_slot *arg)
{
	struct memslot *slot;

	/* Before an array is allocated for what can never be pinned. */
	if (arg->size >> PAGE_SHIFT > totalram_pages() ||
	    arg->size >> PAGE_SHIFT > INT_MAX / sizeof(*slot->pages))
		return NULL;
	slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);
	if (!slot)
		return NULL;
	slot->id = arg->slot;
	slot->flags = arg->flags;
	slot->ipa = arg->ipa;
	slot->npages = arg->size >> PAGE_SHIFT;
	slot->pages = kvmalloc_array(slot->npages, sizeof(*slot->pages), GFP_KERNEL_ACCOUNT);
	if (!slot->pages) {
		kfree(slot);
		return NULL;
	}
	return slot;
}

static int charge(struct vm *vm, const struct armvcpu_mem_slot *arg)
{
	int ret = account_locked_vm(vm->mm, arg->size >> PAGE_SHIFT, true);

	if (ret)
		pr_info_ratelimited("%s[%d]: a slot of %llu KiB exceeds RLIMIT_MEMLOCK: raise it (ulimit -l)\n",
				    current->comm, current->pid, arg->size >> 10);
	return ret;
}

static void uncharge(struct vm *vm, u64 npages)
{
	account_locked_vm(vm->mm, npages, false);
}

static int slot_fill(struct memslot *slot, u64 uaddr)
{
	int ret;

	/*
	 * Also a slot that the guest only reads is pinned for writing if it
	 * can: otherwise the VMM's next write would get a page of its own.
	 */
	slot->writable = true;
	ret = pin(slot, uaddr, FOLL_LONGTERM | FOLL_WRITE);
	if (ret == -EFAULT && slot->flags & ARMVCPU_SLOT_READONLY) {
		slot->writable = false;
		ret = pin(slot, uaddr, FOLL_LONGTERM);
	}
	/* What else gup says is about memory that cannot be pinned. */
	return !ret || ret == -ENOMEM || ret == -EINTR ? ret : -EFAULT;
}

static void slot_drain(struct vm *vm, struct memslot *slot)
{
	unpin(slot);
	uncharge(vm, slot->npages);
	slot_free(slot);
}

static int find_id(const struct vm *vm, u32 id)
{
	u32 i;

	for (i = 0; i < vm->nr_slots; i++)
		if (vm->slots[i]->id == id)
			return i;
	return -ENOENT;
}

static int check_room(struct vm *vm, const struct armvcpu_mem_slot *arg)
{
	if (find_id(vm, arg->slot) >= 0 || memslot_overlaps(vm, arg->ipa, arg->size) ||
	    gic_overlaps(vm, arg->ipa, arg->size) || posted_overlaps(vm, arg->ipa, arg->size))
		return -EEXIST;
	return 0;
}

static int slot_create(struct vm *vm, const struct armvcpu_mem_slot *arg)
{
	struct memslot *slot;
	u32 i;
	int ret;

	/* A first look, before the work; the one that counts comes after it. */
	down_read(&vm->slots_lock);
	ret = check_room(vm, arg);
	up_read(&vm->slots_lock);
	if (ret)
		return ret;

	ret = charge(vm, arg);
	if (ret)
		return ret;
	slot = slot_alloc(arg);
	if (!slot) {
		uncharge(vm, arg->size >> PAGE_SHIFT);
		return -ENOMEM;
	}
	ret = slot_fill(slot, arg->uaddr);
	if (ret) {
		uncharge(vm, slot->npages);
		slot_free(slot);
		return ret;
	}

	down_write(&vm->slots_lock);
	ret = check_room(vm, arg);
	if (!ret) {
		i = slot_index(vm, slot->ipa);
		memmove(&vm->slots[i + 1], &vm->slots[i],
			(vm->nr_slots - i) * sizeof(vm->slots[0]));
		vm->slots[i] = slot;
		vm->nr_slots++;
		WRITE_ONCE(vm->layout, vm->layout + 1);
	}
	up_write(&vm->slots_lock);
	if (ret)
		slot_drain(vm, slot);
	return ret;
}

static void slot_remove(struct vm *vm, u32 i)
{
	vm->nr_slots--;
	WRITE_ONCE(vm->layout, vm->layout + 1);
	memmove(&vm->slots[i], &vm->slots[i + 1],
		(vm->nr_slots - i) * sizeof(vm->slots[0]));
}

static int slot_delete(struct vm *vm, u32 id)
{
	struct memslot *slot;
	int i;

	down_write(&vm->slots_lock);
	i = find_id(vm, id);
	if (i < 0) {
		up_write(&vm->slots_lock);
		return i;
	}
	slot = vm->slots[i];
	slot_remove(vm, i);
	/* No fault can map it again; none of its translations is left. */
	stage2_unmap(vm, slot->ipa, slot->npages << PAGE_SHIFT);
	up_write(&vm->slots_lock);
	slot_drain(vm, slot);
	return 0;
}

/**
 * memslot_set() - create or delete a slot
 * @vm: the VM.
 * @arg: see the uapi; a copy of the caller's.
 *
 * Return: 0, or an error of ARMVCPU_SET_MEM_SLOT, and nothing has changed.
 */
int memslot_set(struct vm *vm, const struct armvcpu_mem_slot *arg)
{
	u64 end;

	if (arg->slot >= ARMVCPU_MAX_SLOTS || arg->flags & ~ARMVCPU_SLOT_READONLY)
		return -EINVAL;
	if (!arg->size) {
		if (arg->ipa || arg->uaddr || arg->flags)
			return -EINVAL;
		return slot_delete(vm, arg->slot);
	}
	if ((arg->ipa | arg->size | arg->uaddr) & ~PAGE_MASK)
		return -EINVAL;
	if (check_add_overflow(arg->uaddr, arg->size, &end))
		return -EINVAL;
	if (check_add_overflow(arg->ipa, arg->size, &end) || end > BIT_ULL(vm->ipa_bits))
		return -EINVAL;
	return slot_create(vm, arg);
}

/**
 * memslot_destroy_all() - unpin everything
 * @vm: the VM; none of its vCPUs is left, and its stage 2 is in no TLB.
 */
void memslot_destroy_all(struct vm *vm)
{
	while (vm->nr_slots)
		slot_drain(vm, vm->slots[--vm->nr_slots]);
}

/**
 * memslot_read() - read guest memory
 * @vm: the VM.
 * @ipa: guest physical address.
 * @data: where to.
 * @size: bytes, not across a page.
 *
 * Return: 0, -EFAULT if that is not memory.
 */
int memslot_read(struct vm *vm, u64 ipa, void *data, size_t size)
{
	struct memslot *slot;
	int ret = -EFAULT;

	down_read(&vm->slots_lock);
	slot = memslot_find(vm, ipa);
	if (slot && offset_in_page(ipa) + size <= PAGE_SIZE) {
		memcpy_from_page(data, slot->pages[(ipa - slot->ipa) >> PAGE_SHIFT],
				 offset_in_page(ipa), size);
		ret = 0;
	}
	up_read(&vm->slots_lock);
	return ret;
}

/**
 * memslot_write_u64() - write to guest memory, all 64 bits at once
 * @vm: the VM.
 * @ipa: guest physical address, a multiple of 8.
 * @value: the value.  Nothing happens where no memory is, or the guest cannot
 *	write.
 */
void memslot_write_u64(struct vm *vm, u64 ipa, u64 value)
{
	struct memslot *slot;
	u64 *p;

	down_read(&vm->slots_lock);
	slot = memslot_find(vm, ipa);
	if (slot && slot->writable && !(slot->flags & ARMVCPU_SLOT_READONLY)) {
		p = page_address(slot->pages[(ipa - slot->ipa) >> PAGE_SHIFT]);
		WRITE_ONCE(p[offset_in_page(ipa) / sizeof(*p)], value);
	}
	up_read(&vm->slots_lock);
}
