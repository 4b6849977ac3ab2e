// SPDX-License-Identifier: GPL-2.0
/*
 * Posted writes: ranges of guest physical addresses without memory where a store of the
 * guest goes into a ring in the page of its VMM, and the guest goes on.  EL2 does that
 * (hyp/fast.c); where it does not, the store is an exit as any other.
 */
#include <linux/overflow.h>

#include "kmod.h"

static_assert(HYP_RING_SIZE == ARMVCPU_POSTED_SIZE);
static_assert(sizeof(struct hyp_posted) == sizeof(struct armvcpu_posted));
static_assert(offsetof(struct hyp_posted, data) == offsetof(struct armvcpu_posted, data));
static_assert(offsetof(struct hyp_posted, len) == offsetof(struct armvcpu_posted, len));
static_assert(sizeof(struct hyp_ring) == sizeof(struct armvcpu_posted_ring));
static_assert(offsetof(struct hyp_ring, tail) == offsetof(struct armvcpu_posted_ring, tail));
static_assert(offsetof(struct hyp_ring, writes) == offsetof(struct armvcpu_posted_ring, writes));

/**
 * posted_overlaps() - are writes posted in a range?
 * @vm: the VM; its slots_lock is held.
 * @ipa: guest physical address.
 * @size: bytes; does not wrap around.
 */
bool posted_overlaps(struct vm *vm, u64 ipa, u64 size)
{
	u32 i;

	for (i = 0; i < vm->hyp->nr_ranges; i++)
		if (vm->hyp->ranges[i].first < ipa + size && ipa <= vm->hyp->ranges[i].last)
			return true;
	return false;
}

static int insert(struct vm *vm, const struct armvcpu_posted_range *arg)
{
	struct hyp_vm *hyp = vm->hyp;

	lockdep_assert_held(&vm->lock);
	/* EL2 looks at them without a lock. */
	if (vm->started)
		return -EBUSY;
	if (memslot_overlaps(vm, arg->ipa, arg->size) || gic_overlaps(vm, arg->ipa, arg->size) ||
	    ioeventfd_overlaps(vm, arg->ipa, arg->size) ||
	    posted_overlaps(vm, arg->ipa, arg->size))
		return -EEXIST;
	if (hyp->nr_ranges == HYP_MAX_RANGES)
		return -ENOSPC;
	hyp->ranges[hyp->nr_ranges++] = (struct hyp_range) {
		.first = arg->ipa,
		.last = arg->ipa + (arg->size - 1),
	};
	return 0;
}

/**
 * posted_set() - ARMVCPU_SET_POSTED
 * @vm: the VM.
 * @arg: a copy of the caller's.
 *
 * Return: 0 or an error of the ioctl, and nothing has changed.
 */
int posted_set(struct vm *vm, const struct armvcpu_posted_range *arg)
{
	u64 end;
	int ret;

	if (arg->flags || arg->reserved || !arg->size)
		return -EINVAL;
	if (check_add_overflow(arg->ipa, arg->size, &end) || end > BIT_ULL(vm->ipa_bits))
		return -EINVAL;
	mutex_lock(&vm->lock);
	down_write(&vm->slots_lock);
	ret = insert(vm, arg);
	up_write(&vm->slots_lock);
	mutex_unlock(&vm->lock);
	return ret;
}
