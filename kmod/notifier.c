// SPDX-License-Identifier: GPL-2.0
/*
 * The host's memory management tells what it does to the VMM's memory, and stage 2
 * follows.  Only on kernels with MMU notifiers; on others slots are pinned (memslot.c).
 *
 * A fault looks for a page without any lock of ours, and the page may be taken away
 * before it is mapped: notifier_begin() and notifier_retry() tell whether that may have
 * happened.  Who takes it away comes to invalidate_range_start() first and to
 * invalidate_range_end() when the host's own page tables are changed; in between nothing
 * of the range is mapped, and what was being looked for since then is looked for again.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "compat.h"
#include "kmod.h"

struct notifier {
	struct mmu_notifier mn;
	struct vm *vm;
};

static struct vm *vm_of(struct mmu_notifier *mn)
{
	return container_of(mn, struct notifier, mn)->vm;
}

static int range_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct vm *vm = vm_of(mn);

	spin_lock(&vm->s2_lock);
	/* Several at a time are one range: the faults in it come again. */
	if (!vm->invalidating++) {
		vm->invalid_start = range->start;
		vm->invalid_end = range->end;
	} else {
		vm->invalid_start = min(vm->invalid_start, range->start);
		vm->invalid_end = max(vm->invalid_end, range->end);
	}
	memslot_unmap_user(vm, range->start, range->end, mmu_notifier_range_blockable(range));
	spin_unlock(&vm->s2_lock);
	return 0;
}

static void range_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct vm *vm = vm_of(mn);
	bool over;

	spin_lock(&vm->s2_lock);
	vm->recent[vm->invalidations % NR_INVALIDATIONS] = (struct invalidation) {
		.start = range->start, .end = range->end,
	};
	/*
	 * What began before that may have found a page that is gone now.  After the page
	 * tables: pairs with notifier_begin().
	 */
	smp_store_release(&vm->invalidations, vm->invalidations + 1);
	over = !--vm->invalidating;
	spin_unlock(&vm->s2_lock);
	if (over && wq_has_sleeper(&vm->valid))
		wake_up_all(&vm->valid);
}

/*
 * TLBs may remember for a while that it is young, as those of the host's own page tables
 * may: who asks wants an estimate, and asks for many.
 */
static compat_young_t clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
				  unsigned long start, unsigned long end)
{
	struct vm *vm = vm_of(mn);
	bool young;

	spin_lock(&vm->s2_lock);
	young = memslot_age_user(vm, start, end, true);
	spin_unlock(&vm->s2_lock);
	return young;
}

static compat_young_t test_young(struct mmu_notifier *mn, struct mm_struct *mm,
				 unsigned long address)
{
	struct vm *vm = vm_of(mn);
	bool young;

	spin_lock(&vm->s2_lock);
	young = memslot_age_user(vm, address, address + PAGE_SIZE, false);
	spin_unlock(&vm->s2_lock);
	return young;
}

/* The process ends; no vCPU of its runs any more, but the VM's file may live on. */
static void release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct vm *vm = vm_of(mn);

	spin_lock(&vm->s2_lock);
	memslot_unmap_user(vm, 0, ULONG_MAX, true);
	spin_unlock(&vm->s2_lock);
}

static const struct mmu_notifier_ops notifier_ops = {
	.release = release,
	.invalidate_range_start = range_start,
	.invalidate_range_end = range_end,
	.clear_flush_young = clear_young,
	.clear_young = clear_young,
	.test_young = test_young,
};

static struct notifier *notifier_new(struct vm *vm)
{
	struct notifier *notifier = kzalloc(sizeof(*notifier), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!notifier)
		return ERR_PTR(-ENOMEM);
	notifier->vm = vm;
	notifier->mn.ops = &notifier_ops;
	ret = mmu_notifier_register(&notifier->mn, vm->mm);
	if (ret) {
		kfree(notifier);
		/* Any signal ends it; once that is handled, the ioctl begins anew. */
		return ERR_PTR(ret == -EINTR ? -ERESTARTNOINTR : ret);
	}
	return notifier;
}

/**
 * notifier_add() - hear of what happens to the memory of the VM's creator
 * @vm: the VM; no lock is held.  Its first slot is still to come, or it does so already.
 *
 * Return: 0, -ENOMEM, -ERESTARTNOINTR.
 */
int notifier_add(struct vm *vm)
{
	struct notifier *notifier;
	int ret = 0;

	mutex_lock(&vm->lock);
	if (!vm->notifier) {
		notifier = notifier_new(vm);
		ret = PTR_ERR_OR_ZERO(notifier);
		if (!ret)
			vm->notifier = notifier;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

/**
 * notifier_remove() - the mirror of notifier_add(); nothing is heard when it returns
 * @vm: the VM; none of its vCPUs is left.
 */
void notifier_remove(struct vm *vm)
{
	if (!vm->notifier)
		return;
	mmu_notifier_unregister(&vm->notifier->mn, vm->mm);
	kfree(vm->notifier);
	vm->notifier = NULL;
}

static bool is_invalid(struct vm *vm, unsigned long start, unsigned long end)
{
	bool ret;

	spin_lock(&vm->s2_lock);
	ret = vm->invalidating && start < vm->invalid_end && end > vm->invalid_start;
	spin_unlock(&vm->s2_lock);
	return ret;
}

/**
 * notifier_wait() - until what is being taken away is gone
 * @vm: the VM; no lock is held.
 * @addr: address in the VMM; what matters is the block that it may be mapped by.
 *
 * It may take long; a guest that faults there meanwhile would come again and again.
 * Signals end it.
 */
void notifier_wait(struct vm *vm, unsigned long addr)
{
	unsigned long start = addr & ~(PGTABLE_SIZE(2) - 1);

	wait_event_interruptible(vm->valid,
				 !is_invalid(vm, start, start + PGTABLE_SIZE(2)));
}

/**
 * notifier_begin() - from here on a page is looked for
 * @vm: the VM.
 *
 * Return: what notifier_retry() wants to know.
 */
unsigned long notifier_begin(struct vm *vm)
{
	/* Before the page tables are read.  Pairs with range_end(). */
	return smp_load_acquire(&vm->invalidations);
}

/**
 * notifier_retry() - may the page be another one, or none, by now?
 * @vm: the VM; its s2_lock is held.
 * @begin: of notifier_begin().
 * @start: address in the VMM.
 * @end: the one behind it.
 */
bool notifier_retry(struct vm *vm, unsigned long begin, unsigned long start, unsigned long end)
{
	const struct invalidation *other;

	if (vm->invalidating && start < vm->invalid_end && end > vm->invalid_start)
		return true;
	/* Those since then, as far as they are known: others' memory does not matter. */
	if (vm->invalidations - begin > NR_INVALIDATIONS)
		return true;
	for (; begin != vm->invalidations; begin++) {
		other = &vm->recent[begin % NR_INVALIDATIONS];
		if (start < other->end && end > other->start)
			return true;
	}
	return false;
}
