// SPDX-License-Identifier: GPL-2.0
/*
 * Memory slots: guest memory over memory of the VMM.  Stage 2 maps it when the guest
 * touches it (stage2.c).
 *
 * On kernels with MMU notifiers the VMM's memory stays what it is: the host may take
 * pages away, and gives them back when they are touched (notifier.c).  On others all
 * pages of a slot are pinned as long as it lives.
 *
 * A slot does not change.  It is one of its VM's as long as it is in vm->slots; who has
 * found it there and lets go of the lock keeps a reference, and looks at slot->gone
 * before it maps something.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
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
 * @vm: the VM; its slots_lock or s2_lock is held.
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

static int find_id(const struct vm *vm, u32 id)
{
	u32 i;

	for (i = 0; i < vm->nr_slots; i++)
		if (vm->slots[i]->id == id)
			return i;
	return -ENOENT;
}

/**
 * memslot_by_id() - the slot of a number
 * @vm: the VM; its slots_lock or s2_lock is held.
 * @id: slot number.
 *
 * Return: the slot or NULL.
 */
struct memslot *memslot_by_id(const struct vm *vm, u32 id)
{
	int i = find_id(vm, id);

	return i < 0 ? NULL : vm->slots[i];
}

/**
 * memslot_get() - keep a slot
 * @slot: the slot; a lock of memslot_find() is held.
 */
void memslot_get(struct memslot *slot)
{
	refcount_inc(&slot->ref);
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

/* ---- pinned pages ------------------------------------------------------- */

static void unpin(struct page **pages, u64 count, bool writable)
{
	u64 done = 0, n;

	while (done < count) {
		n = min_t(u64, count - done, PIN_BATCH);
		unpin_user_pages_dirty_lock(pages + done, n, writable);
		done += n;
		cond_resched();
	}
}

static int pin(struct pinned *pinned, u64 uaddr, unsigned int gup_flags)
{
	u64 want = pinned->npages, done = 0, first = uaddr >> PAGE_SHIFT, batch;
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
					pinned->pages + done);
		if (n <= 0)
			break;
		done += n;
		cond_resched();
	}
	if (done == want)
		return 0;
	unpin(pinned->pages, done, false);
	return n < 0 ? n : -EFAULT;
}

static int charge(struct vm *vm, u64 npages)
{
	int ret = account_locked_vm(vm->mm, npages, true);

	if (ret)
		pr_info_ratelimited("%s[%d]: a slot of %llu KiB exceeds RLIMIT_MEMLOCK: raise it (ulimit -l)\n",
				    current->comm, current->pid, npages << (PAGE_SHIFT - 10));
	return ret;
}

static int pin_all(struct pinned *pinned, u64 uaddr, bool readonly)
{
	int ret;

	/*
	 * Also a slot that the guest only reads is pinned for writing if it
	 * can: otherwise the VMM's next write would get a page of its own.
	 */
	pinned->writable = true;
	ret = pin(pinned, uaddr, FOLL_LONGTERM | FOLL_WRITE);
	if (ret == -EFAULT && readonly) {
		pinned->writable = false;
		ret = pin(pinned, uaddr, FOLL_LONGTERM);
	}
	/* What else gup says is about memory that cannot be pinned. */
	return !ret || ret == -ENOMEM || ret == -EINTR ? ret : -EFAULT;
}

/* Charged and pinned, or neither. */
static int slot_pin(struct vm *vm, struct memslot *slot)
{
	struct pinned *pinned = kzalloc(sizeof(*pinned), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!pinned)
		return -ENOMEM;
	refcount_set(&pinned->ref, 1);
	pinned->npages = slot->npages;
	ret = charge(vm, slot->npages);
	if (ret)
		goto out_free;
	ret = -ENOMEM;
	/* Before an array is allocated for what can never be pinned. */
	if (slot->npages > totalram_pages() || slot->npages > INT_MAX / sizeof(*pinned->pages))
		goto out_charge;
	pinned->pages = kvmalloc_array(slot->npages, sizeof(*pinned->pages), GFP_KERNEL_ACCOUNT);
	if (!pinned->pages)
		goto out_charge;
	ret = pin_all(pinned, slot->uaddr, slot->flags & ARMVCPU_SLOT_READONLY);
	if (ret)
		goto out_charge;
	slot->pinned = pinned;
	return 0;

out_charge:
	account_locked_vm(vm->mm, slot->npages, false);
	kvfree(pinned->pages);
out_free:
	kfree(pinned);
	return ret;
}

static void slot_unpin(struct vm *vm, struct pinned *pinned)
{
	if (!refcount_dec_and_test(&pinned->ref))
		return;
	unpin(pinned->pages, pinned->npages, pinned->writable);
	account_locked_vm(vm->mm, pinned->npages, false);
	kvfree(pinned->pages);
	kfree(pinned);
}

/* ---- beginning and end -------------------------------------------------- */

/* Is there something of the VMM's everywhere, that the guest may write? */
static int slot_check(const struct memslot *slot)
{
	unsigned long addr = slot->uaddr, end = addr + (slot->npages << PAGE_SHIFT);
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	int ret = 0;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	while (addr < end) {
		vma = find_vma(mm, addr);
		if (!vma || vma->vm_start > addr ||
		    !(vma->vm_flags & (slot->flags & ARMVCPU_SLOT_READONLY ? VM_READ : VM_WRITE))) {
			ret = -EFAULT;
			break;
		}
		addr = vma->vm_end;
	}
	mmap_read_unlock(mm);
	return ret;
}

static bool is_same_memory(const struct memslot *slot, const struct armvcpu_mem_slot *arg)
{
	return slot->ipa == arg->ipa && slot->npages == arg->size >> PAGE_SHIFT &&
	       slot->uaddr == arg->uaddr;
}

/* Memory for it; @old: NULL, or a slot that it replaces. */
static int slot_back(struct vm *vm, struct memslot *slot, const struct memslot *old)
{
	if (!MEMSLOT_PINNED)
		return slot_check(slot);
	if (!old || old->uaddr != slot->uaddr || old->npages != slot->npages ||
	    (!old->pinned->writable && !(slot->flags & ARMVCPU_SLOT_READONLY)))
		return slot_pin(vm, slot);
	refcount_inc(&old->pinned->ref);
	slot->pinned = old->pinned;
	return 0;
}

static struct memslot *slot_new(struct vm *vm, const struct armvcpu_mem_slot *arg,
				const struct memslot *old)
{
	struct memslot *slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!slot)
		return ERR_PTR(-ENOMEM);
	refcount_set(&slot->ref, 1);
	slot->id = arg->slot;
	slot->flags = arg->flags & ~ARMVCPU_SLOT_CHANGE;
	slot->ipa = arg->ipa;
	slot->npages = arg->size >> PAGE_SHIFT;
	slot->uaddr = arg->uaddr;
	ret = slot_back(vm, slot, old);
	if (ret) {
		kfree(slot);
		return ERR_PTR(ret);
	}
	ret = dirty_init(slot);
	if (ret) {
		memslot_put(vm, slot);
		return ERR_PTR(ret);
	}
	return slot;
}

/**
 * memslot_put() - the mirror of memslot_get()
 * @vm: its VM; no lock is held.
 * @slot: the slot.
 */
void memslot_put(struct vm *vm, struct memslot *slot)
{
	if (!refcount_dec_and_test(&slot->ref))
		return;
	if (slot->pinned)
		slot_unpin(vm, slot->pinned);
	dirty_destroy(slot);
	kfree(slot);
}

/* Of a slot that is changed, its own room is free.  @i: out: its index, or -ENOENT. */
static int check_room(struct vm *vm, const struct armvcpu_mem_slot *arg, int *i)
{
	u32 k;

	*i = find_id(vm, arg->slot);
	if (arg->flags & ARMVCPU_SLOT_CHANGE ? *i < 0 : *i >= 0)
		return *i < 0 ? -ENOENT : -EEXIST;
	for (k = slot_index(vm, arg->ipa); k < vm->nr_slots; k++) {
		if (vm->slots[k]->ipa >= arg->ipa + arg->size)
			break;
		if ((int)k != *i)
			return -EEXIST;
	}
	if (gic_overlaps(vm, arg->ipa, arg->size) || posted_overlaps(vm, arg->ipa, arg->size))
		return -EEXIST;
	return 0;
}

/* With both locks; here and in slot_take() slots come and go. */
static void slot_insert(struct vm *vm, struct memslot *slot)
{
	u32 i = slot_index(vm, slot->ipa);

	memmove(&vm->slots[i + 1], &vm->slots[i], (vm->nr_slots - i) * sizeof(vm->slots[0]));
	vm->slots[i] = slot;
	vm->nr_slots++;
}

/* No fault maps it any more. */
static struct memslot *slot_take(struct vm *vm, u32 i)
{
	struct memslot *slot = vm->slots[i];

	vm->nr_slots--;
	memmove(&vm->slots[i], &vm->slots[i + 1], (vm->nr_slots - i) * sizeof(vm->slots[0]));
	slot->gone = true;
	return slot;
}

/*
 * Nothing of a slot is mapped any more, with both locks.  It is in the list until that is
 * done: notifiers find what is mapped by it, and s2_lock may be let go meanwhile.
 */
static void slot_unmap(struct vm *vm, struct memslot *slot)
{
	slot->gone = true;
	stage2_unmap(vm, slot->ipa, slot->npages << PAGE_SHIFT, true);
}

/*
 * Only flags are others: what is mapped stays, and is @slot's, which is in the list
 * already.  With both locks.
 */
static void slot_inherit(struct vm *vm, struct memslot *old, struct memslot *slot)
{
	u32 lost = slot->flags & ~old->flags;

	/* The log goes on. */
	if (old->flags & slot->flags & ARMVCPU_SLOT_LOG_DIRTY)
		swap(old->dirty, slot->dirty);
	if (lost & ARMVCPU_SLOT_READONLY ||
	    (lost & ARMVCPU_SLOT_LOG_DIRTY && !(slot->flags & ARMVCPU_SLOT_DIRTY_ALL)))
		stage2_protect(vm, slot->ipa, slot->npages << PAGE_SHIFT, true);
}

/* A new slot, or another one in place of one. */
static int slot_set(struct vm *vm, const struct armvcpu_mem_slot *arg)
{
	struct memslot *slot, *old = NULL;
	bool inherits;
	int ret, i;

	/* A first look, before the work; the one that counts comes after it. */
	down_read(&vm->slots_lock);
	ret = check_room(vm, arg, &i);
	if (!ret && i >= 0) {
		old = vm->slots[i];
		memslot_get(old);
	}
	up_read(&vm->slots_lock);
	if (ret)
		return ret;

	ret = notifier_add(vm);
	slot = ret ? ERR_PTR(ret) : slot_new(vm, arg, old);
	if (old)
		memslot_put(vm, old);
	if (IS_ERR(slot))
		return PTR_ERR(slot);

	down_write(&vm->slots_lock);
	ret = check_room(vm, arg, &i);
	if (ret) {
		up_write(&vm->slots_lock);
		memslot_put(vm, slot);
		return ret;
	}
	/*
	 * Faults that come meanwhile wait for slots_lock, so that a guest sees the one slot
	 * or the other, and never none.
	 */
	old = i < 0 ? NULL : vm->slots[i];
	inherits = old && is_same_memory(old, arg) && old->pinned == slot->pinned;
	spin_lock(&vm->s2_lock);
	if (old && !inherits)
		slot_unmap(vm, old);
	if (old)
		slot_take(vm, i);
	slot_insert(vm, slot);
	if (inherits)
		slot_inherit(vm, old, slot);
	spin_unlock(&vm->s2_lock);
	WRITE_ONCE(vm->layout, vm->layout + 1);
	up_write(&vm->slots_lock);
	if (old)
		memslot_put(vm, old);
	return 0;
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
	spin_lock(&vm->s2_lock);
	slot_unmap(vm, vm->slots[i]);
	slot = slot_take(vm, i);
	spin_unlock(&vm->s2_lock);
	WRITE_ONCE(vm->layout, vm->layout + 1);
	up_write(&vm->slots_lock);
	memslot_put(vm, slot);
	return 0;
}

/**
 * memslot_set() - create, change or delete a slot
 * @vm: the VM.
 * @arg: see the uapi; a copy of the caller's.
 *
 * Return: 0, or an error of ARMVCPU_SET_MEM_SLOT, and nothing has changed.
 */
int memslot_set(struct vm *vm, const struct armvcpu_mem_slot *arg)
{
	u64 end;

	if (arg->slot >= ARMVCPU_MAX_SLOTS || arg->flags & ~ARMVCPU_SLOT_FLAGS)
		return -EINVAL;
	if (arg->flags & ARMVCPU_SLOT_DIRTY_ALL && !(arg->flags & ARMVCPU_SLOT_LOG_DIRTY))
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
	return slot_set(vm, arg);
}

/**
 * memslot_destroy_all() - no slot is left
 * @vm: the VM; none of its vCPUs is left, and its stage 2 is in no TLB.
 */
void memslot_destroy_all(struct vm *vm)
{
	while (vm->nr_slots)
		memslot_put(vm, vm->slots[--vm->nr_slots]);
}

/* ---- by addresses of the VMM -------------------------------------------- */

/* The first slot that ends above @ipa and has something of a range of the VMM's. */
static const struct memslot *next_of_user(const struct vm *vm, u64 ipa, u64 start, u64 end)
{
	u32 i;

	for (i = slot_index(vm, ipa); i < vm->nr_slots; i++) {
		const struct memslot *slot = vm->slots[i];

		if (start < slot->uaddr + (slot->npages << PAGE_SHIFT) && end > slot->uaddr)
			return slot;
	}
	return NULL;
}

/* What it has of that range: guest physical addresses. */
static u64 user_to_ipa(const struct memslot *slot, u64 start, u64 end, u64 *size)
{
	u64 first = max(start, slot->uaddr) - slot->uaddr;

	*size = min(end - slot->uaddr, slot->npages << PAGE_SHIFT) - first;
	return slot->ipa + first;
}

/**
 * memslot_unmap_user() - the guest reaches a range of the VMM's memory no more
 * @vm: the VM; its s2_lock is held.
 * @start: address in the VMM.
 * @end: the one behind it.
 * @may_sleep: the lock may be let go for a while.
 */
void memslot_unmap_user(struct vm *vm, u64 start, u64 end, bool may_sleep)
{
	const struct memslot *slot;
	u64 ipa = 0, size, next;

	/* Slots may come and go meanwhile; a new one has nothing that is mapped yet. */
	while ((slot = next_of_user(vm, ipa, start, end))) {
		next = slot_end(slot);
		ipa = user_to_ipa(slot, start, end, &size);
		stage2_unmap(vm, ipa, size, may_sleep);
		ipa = next;
	}
}

/**
 * memslot_age_user() - has the guest used a range of the VMM's memory?
 * @vm: the VM; its s2_lock is held.
 * @start: address in the VMM.
 * @end: the one behind it.
 * @clear: and it has to use it again to be seen.
 */
bool memslot_age_user(struct vm *vm, u64 start, u64 end, bool clear)
{
	const struct memslot *slot;
	bool young = false;
	u64 ipa = 0, size;

	while ((slot = next_of_user(vm, ipa, start, end))) {
		ipa = user_to_ipa(slot, start, end, &size);
		young |= stage2_age(vm, ipa, size, clear);
		ipa = slot_end(slot);
	}
	return young;
}

/* ---- what is in it ------------------------------------------------------ */

/* The slot of an address, kept, or NULL. */
static struct memslot *find_and_get(struct vm *vm, u64 ipa)
{
	struct memslot *slot;

	down_read(&vm->slots_lock);
	slot = memslot_find(vm, ipa);
	if (slot)
		memslot_get(slot);
	up_read(&vm->slots_lock);
	return slot;
}

/**
 * memslot_read() - read guest memory
 * @vm: the VM, whose VMM this is.
 * @ipa: guest physical address.
 * @data: where to.
 * @size: bytes, not across a page.
 *
 * May sleep.
 *
 * Return: 0, -EFAULT if that is not memory.
 */
int memslot_read(struct vm *vm, u64 ipa, void *data, size_t size)
{
	struct memslot *slot = find_and_get(vm, ipa);
	int ret = -EFAULT;
	u64 offset;

	if (!slot)
		return ret;
	offset = ipa - slot->ipa;
	if (offset_in_page(ipa) + size > PAGE_SIZE)
		goto out;
	if (MEMSLOT_PINNED) {
		memcpy_from_page(data, slot->pinned->pages[offset >> PAGE_SHIFT],
				 offset_in_page(ipa), size);
		ret = 0;
	} else if (!copy_from_user(data, u64_to_user_ptr(slot->uaddr + offset), size)) {
		ret = 0;
	}
out:
	memslot_put(vm, slot);
	return ret;
}

/**
 * memslot_write_u64() - write to guest memory, all 64 bits at once
 * @vm: the VM, whose VMM this is.
 * @ipa: guest physical address, a multiple of 8.
 * @value: the value.  Nothing happens where no memory is, or the guest cannot
 *	write.
 *
 * May sleep.
 */
void memslot_write_u64(struct vm *vm, u64 ipa, u64 value)
{
	struct memslot *slot = find_and_get(vm, ipa);
	u64 offset, *p;

	if (!slot)
		return;
	offset = ipa - slot->ipa;
	if (slot->flags & ARMVCPU_SLOT_READONLY)
		goto out;
	if (MEMSLOT_PINNED) {
		p = page_address(slot->pinned->pages[offset >> PAGE_SHIFT]);
		WRITE_ONCE(p[offset_in_page(ipa) / sizeof(*p)], value);
	} else if (put_user(value, (u64 __user *)u64_to_user_ptr(slot->uaddr + offset))) {
		/* The VMM has taken it away: then there is no memory. */
		goto out;
	}
	if (slot->flags & ARMVCPU_SLOT_LOG_DIRTY)
		dirty_mark_ipa(vm, ipa);
out:
	memslot_put(vm, slot);
}
