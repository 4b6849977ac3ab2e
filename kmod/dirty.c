// SPDX-License-Identifier: GPL-2.0
/*
 * Which pages of a slot have been written to: for those who copy a guest that runs.
 *
 * A page that stage 2 lets the guest write to is noted already; all others fault at the
 * first write.  So what is forgotten has to be write-protected with it, in one piece
 * under vm->s2_lock, and before the VMM hears of it and copies the page.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "kmod.h"

/* So many bits are worked on before others get the lock. */
#define BATCH		(64 * BITS_PER_LONG)

static size_t bitmap_bytes(u64 count)
{
	return DIV_ROUND_UP_ULL(count, BITS_PER_LONG) * sizeof(long);
}

/**
 * dirty_init() - a log for a slot that wants one
 * @slot: a new slot.
 *
 * Return: 0 or -ENOMEM.
 */
int dirty_init(struct memslot *slot)
{
	if (!(slot->flags & ARMVCPU_SLOT_LOG_DIRTY))
		return 0;
	slot->dirty = kvzalloc(bitmap_bytes(slot->npages), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!slot->dirty)
		return -ENOMEM;
	/* Nobody looks at bits behind the last. */
	if (slot->flags & ARMVCPU_SLOT_DIRTY_ALL)
		memset(slot->dirty, 0xff, bitmap_bytes(slot->npages));
	return 0;
}

/**
 * dirty_destroy() - the mirror of dirty_init()
 * @slot: the slot; nobody has it any more.
 */
void dirty_destroy(struct memslot *slot)
{
	kvfree(slot->dirty);
}

/**
 * dirty_may_mark() - can it be noted that a vCPU writes to a page?
 * @vcpu: the vCPU, in its own thread.
 * @slot: a slot with a log; its VM's s2_lock is held.
 * @index: number of the page in the slot.
 *
 * Return: false: it is to be told, and the vCPU's ring is full.
 */
bool dirty_may_mark(const struct vcpu *vcpu, const struct memslot *slot, u64 index)
{
	return test_bit(index, slot->dirty) || !dirty_ring_is_full(vcpu);
}

/**
 * dirty_mark() - a vCPU writes to a page
 * @vcpu: the vCPU; dirty_may_mark().
 * @slot: a slot with a log; its VM's s2_lock is held.
 * @index: number of the page in the slot.
 */
void dirty_mark(struct vcpu *vcpu, struct memslot *slot, u64 index)
{
	if (!__test_and_set_bit(index, slot->dirty))
		dirty_ring_push(vcpu, slot, index);
}

/**
 * dirty_test_and_clear() - forget a page
 * @slot: a slot with a log; its VM's s2_lock is held, until the page is write-protected.
 * @index: number of the page in the slot.
 *
 * Return: it was dirty.
 */
bool dirty_test_and_clear(struct memslot *slot, u64 index)
{
	return __test_and_clear_bit(index, slot->dirty);
}

/**
 * dirty_mark_ipa() - the host has written to a page for the guest
 * @vm: the VM.
 * @ipa: guest physical address.
 *
 * Of whatever slot is there by now.  In no ring: a write of its own is no reason for a vCPU
 * not to run.
 */
void dirty_mark_ipa(struct vm *vm, u64 ipa)
{
	struct memslot *slot;

	spin_lock(&vm->s2_lock);
	slot = memslot_find(vm, ipa);
	if (slot && slot->dirty)
		__set_bit((ipa - slot->ipa) >> PAGE_SHIFT, slot->dirty);
	spin_unlock(&vm->s2_lock);
}

/* ---- ioctls ------------------------------------------------------------ */

/* What is asked of so many bits of a slot's, which @bits are for. */
typedef void (*dirty_op)(struct vm *vm, struct memslot *slot, u64 first, unsigned long *bits,
			 u64 count);

/* From here on they fault again. */
static void protect(struct vm *vm, struct memslot *slot, u64 first, unsigned long *bits,
		    u64 count)
{
	if (!bitmap_empty(bits, count))
		stage2_protect_some(vm, slot->ipa + (first << PAGE_SHIFT), bits, count);
}

/* Of one word of so many bits: those that are meant. */
static unsigned long mask_of(u64 count, u64 word)
{
	return word == BIT_WORD(count) ? BITMAP_LAST_WORD_MASK(count) : ~0UL;
}

static void op_get(struct vm *vm, struct memslot *slot, u64 first, unsigned long *bits,
		   u64 count)
{
	const unsigned long *dirty = slot->dirty + BIT_WORD(first);
	u64 i;

	for (i = 0; i < BITS_TO_LONGS(count); i++)
		bits[i] = dirty[i] & mask_of(count, i);
}

/* Only what is dirty can have been told, and is writable.  @bits: out: which of them were. */
static void op_clear(struct vm *vm, struct memslot *slot, u64 first, unsigned long *bits,
		     u64 count)
{
	unsigned long *dirty = slot->dirty + BIT_WORD(first);
	u64 i;

	for (i = 0; i < BITS_TO_LONGS(count); i++) {
		bits[i] &= dirty[i] & mask_of(count, i);
		dirty[i] &= ~bits[i];
	}
	protect(vm, slot, first, bits, count);
}

static void op_get_and_clear(struct vm *vm, struct memslot *slot, u64 first,
			     unsigned long *bits, u64 count)
{
	bitmap_fill(bits, BITS_TO_LONGS(count) * BITS_PER_LONG);
	op_clear(vm, slot, first, bits, count);
}

static void op_mark(struct vm *vm, struct memslot *slot, u64 first, unsigned long *bits,
		    u64 count)
{
	unsigned long *dirty = slot->dirty + BIT_WORD(first);
	u64 i;

	for (i = 0; i < BITS_TO_LONGS(count); i++)
		dirty[i] |= bits[i] & mask_of(count, i);
}

/* The slot may be another one each time that the lock has been let go. */
static struct memslot *find(struct vm *vm, const struct armvcpu_dirty_log *arg)
{
	struct memslot *slot = memslot_by_id(vm, arg->slot);

	if (!slot || !slot->dirty)
		return ERR_PTR(-ENOENT);
	if (arg->first >= slot->npages || arg->count > slot->npages - arg->first)
		return ERR_PTR(-EINVAL);
	return slot;
}

/* @done: out: bits that are done, if not all. */
static int for_bits(struct vm *vm, const struct armvcpu_dirty_log *arg, unsigned long *bits,
		    dirty_op op, u64 *done)
{
	struct memslot *slot;
	u64 n;

	*done = 0;
	spin_lock(&vm->s2_lock);
	while (*done < arg->count) {
		slot = find(vm, arg);
		if (IS_ERR(slot)) {
			spin_unlock(&vm->s2_lock);
			return PTR_ERR(slot);
		}
		n = min_t(u64, arg->count - *done, BATCH);
		op(vm, slot, arg->first + *done, bits + BIT_WORD(*done), n);
		*done += n;
		s2_lock_break(vm);
	}
	spin_unlock(&vm->s2_lock);
	return 0;
}

/* Is it there, and so large?  Before anything is allocated for it. */
static int look(struct vm *vm, const struct armvcpu_dirty_log *arg)
{
	struct memslot *slot;
	int ret;

	spin_lock(&vm->s2_lock);
	slot = find(vm, arg);
	ret = PTR_ERR_OR_ZERO(slot);
	spin_unlock(&vm->s2_lock);
	return ret;
}

static int dirty_get(struct vm *vm, const struct armvcpu_dirty_log *arg, unsigned long *bits,
		     size_t bytes)
{
	bool clear = arg->flags & ARMVCPU_DIRTY_CLEAR;
	u64 done;
	int ret;

	ret = for_bits(vm, arg, bits, clear ? op_get_and_clear : op_get, &done);
	if (!ret && !copy_to_user(u64_to_user_ptr(arg->bitmap), bits, bytes))
		return 0;
	/* Nobody has heard of it. */
	if (clear && done) {
		struct armvcpu_dirty_log again = *arg;

		again.count = done;
		for_bits(vm, &again, bits, op_mark, &done);
	}
	return ret ?: -EFAULT;
}

/**
 * dirty_ioctl() - ARMVCPU_GET_DIRTY_LOG, CLEAR_DIRTY_LOG, MARK_DIRTY
 * @vm: the VM.
 * @cmd: which of them.
 * @arg: a copy of the caller's.
 *
 * Return: 0 or an error of the ioctl; what has been noted is not lost then.
 */
int dirty_ioctl(struct vm *vm, unsigned int cmd, const struct armvcpu_dirty_log *arg)
{
	unsigned long *bits;
	size_t bytes;
	u64 done;
	int ret;

	if (arg->flags & ~(cmd == ARMVCPU_GET_DIRTY_LOG ? ARMVCPU_DIRTY_CLEAR : 0) ||
	    arg->first % BITS_PER_LONG || !arg->count)
		return -EINVAL;
	ret = look(vm, arg);
	if (ret)
		return ret;
	bytes = bitmap_bytes(arg->count);
	bits = kvzalloc(bytes, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!bits)
		return -ENOMEM;
	if (cmd == ARMVCPU_GET_DIRTY_LOG) {
		ret = dirty_get(vm, arg, bits, bytes);
		goto out;
	}
	if (copy_from_user(bits, u64_to_user_ptr(arg->bitmap), bytes)) {
		ret = -EFAULT;
		goto out;
	}
	ret = for_bits(vm, arg, bits, cmd == ARMVCPU_MARK_DIRTY ? op_mark : op_clear, &done);
out:
	kvfree(bits);
	return ret;
}
