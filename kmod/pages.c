// SPDX-License-Identifier: GPL-2.0
/*
 * The pages behind a slot: what a fault maps.
 *
 * Pinned ones are known.  Otherwise the host's memory management is asked as for an
 * access of the VMM's, which may sleep, and brings in what is not there.  Whatever it
 * finds may be taken away again before it is mapped: see notifier.c.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "kmod.h"

/* The largest block whose pages are looked at one by one. */
#define MAX_BLOCK	SZ_32M

/* Does the whole block of @level around a page lie in the slot, at the same offset? */
static bool block_is_aligned(const struct memslot *slot, u64 index, int level, u64 *first)
{
	u64 size = PGTABLE_SIZE(level), ipa = slot->ipa + (index << PAGE_SHIFT);
	u64 base = ipa & ~(size - 1);

	if (base < slot->ipa || base + size > slot->ipa + (slot->npages << PAGE_SHIFT))
		return false;
	*first = (base - slot->ipa) >> PAGE_SHIFT;
	return true;
}

static void got_block(struct pages *got, u64 first, int level, phys_addr_t pa)
{
	got->first = first;
	got->count = PGTABLE_SIZE(level) >> PAGE_SHIFT;
	got->level = level;
	got->pa = pa;
}

/* Are these one block of memory? */
static bool is_block(struct page **pages, int level)
{
	u64 n = PGTABLE_SIZE(level) >> PAGE_SHIFT, i;

	if (page_to_phys(pages[0]) & (PGTABLE_SIZE(level) - 1))
		return false;
	/* The last one first: it mostly says no. */
	if (page_to_pfn(pages[n - 1]) != page_to_pfn(pages[0]) + n - 1)
		return false;
	for (i = 1; i < n - 1; i++)
		if (page_to_pfn(pages[i]) != page_to_pfn(pages[0]) + i)
			return false;
	return true;
}

/* What of the pages around one may be mapped with it, in one table: the first, how many. */
static u64 around(const struct memslot *slot, u64 index, u64 *count)
{
	u64 size = FAULT_AROUND * PAGE_SIZE, ipa = slot->ipa + (index << PAGE_SHIFT);
	u64 first = max(ipa & ~(size - 1), slot->ipa);
	u64 end = min((ipa | (size - 1)) + 1, slot->ipa + (slot->npages << PAGE_SHIFT));

	*count = (end - first) >> PAGE_SHIFT;
	return (first - slot->ipa) >> PAGE_SHIFT;
}

/* ---- pinned ------------------------------------------------------------ */

static int get_pinned(struct pages *got, const struct memslot *slot, u64 index, bool more)
{
	u64 first = index, count = 1, i;

	got->writable = !(slot->flags & ARMVCPU_SLOT_READONLY);
	if (more && !(slot->flags & ARMVCPU_SLOT_LOG_DIRTY) && PGTABLE_SIZE(2) <= MAX_BLOCK &&
	    block_is_aligned(slot, index, 2, &first) && is_block(slot->pinned->pages + first, 2)) {
		got_block(got, first, 2, page_to_phys(slot->pinned->pages[first]));
		return 0;
	}
	if (more)
		first = around(slot, index, &count);
	got->first = first;
	got->count = count;
	for (i = 0; i < count; i++)
		got->pages[i] = slot->pinned->pages[first + i];
	return 0;
}

/* ---- on demand --------------------------------------------------------- */

static unsigned long user_address(const struct memslot *slot, u64 index)
{
	return slot->uaddr + (index << PAGE_SHIFT);
}

/* As mapped now: nothing is brought in, nobody sleeps. */
static int get_present(const struct memslot *slot, u64 index, u64 count, bool write,
		       struct page **pages)
{
	int n;

	/* Of none, it would take all. */
	if (!count)
		return 0;
	n = get_user_pages_fast_only(user_address(slot, index), count,
				     write ? FOLL_WRITE : 0, pages);
	return max(n, 0);
}

/*
 * Brought in, if that takes no waiting: no disk is waited for, and nobody is asked who
 * handles the VMM's page faults.
 */
static int get_ahead(const struct memslot *slot, u64 index, u64 count, bool write,
		     struct page **pages)
{
	long n = 0;

	if (count)
		n = get_user_pages_unlocked(user_address(slot, index), count, pages,
					    FOLL_NOWAIT | (write ? FOLL_WRITE : 0));
	return max(n, 0L);
}

static void put_all(struct page **pages, u64 count)
{
	while (count--)
		put_page(pages[count]);
}

/*
 * Registers of a device that the VMM has mapped.  Memory that is mapped like that would
 * be the host's own, with attributes that nobody here knows.
 */
static int get_device(struct pages *got, const struct memslot *slot, u64 index, bool write)
{
	unsigned long addr = user_address(slot, index), pfn;
	bool writable;
	int ret;

	ret = compat_follow_pfn(current->mm, addr, write, &pfn, &writable);
	if (ret)
		return ret;
	if (pfn_valid(pfn) || page_is_ram(pfn))
		return -EFAULT;
	if (write && !writable)
		return -EFAULT;
	got->device = true;
	got->writable = writable && !(slot->flags & ARMVCPU_SLOT_READONLY);
	got->first = index;
	got->count = 1;
	got->pa = PFN_PHYS(pfn);
	return 0;
}

/* Are the first page and the last one of a block where the whole of it would have them? */
static bool ends_are(const struct memslot *slot, u64 first, int level, bool write,
		     unsigned long pfn)
{
	u64 last = (PGTABLE_SIZE(level) >> PAGE_SHIFT) - 1;
	struct page *pages[2];
	int n = get_present(slot, first, 1, write, pages);
	bool ret;

	if (n)
		n += get_present(slot, first + last, 1, write, pages + 1);
	ret = n == 2 && page_to_pfn(pages[0]) == pfn && page_to_pfn(pages[1]) == pfn + last;
	put_all(pages, n);
	return ret;
}

/*
 * A huge page that the VMM's page tables have as a whole may be a block.  hugetlbfs' are
 * that always, of others each page is looked at: some may have been taken out.
 */
static bool get_block(struct pages *got, const struct memslot *slot, u64 index)
{
	struct folio *folio = page_folio(got->pages[0]);
	struct page **pages;
	u64 first, n;
	int level;
	bool ret;

	if (folio_size(folio) < PGTABLE_SIZE(2))
		return false;
	/* Those that are not broken, one by one. */
	if (folio_test_has_hwpoisoned(folio))
		return false;
	if (folio_test_hugetlb(folio)) {
		for (level = PAGE_SHIFT == 12 ? 1 : 2; level < 3; level++) {
			n = page_to_pfn(got->pages[0]) & ((PGTABLE_SIZE(level) >> PAGE_SHIFT) - 1);
			if (folio_size(folio) < PGTABLE_SIZE(level) ||
			    !block_is_aligned(slot, index, level, &first) || first + n != index ||
			    !ends_are(slot, first, level, got->writable,
				      page_to_pfn(got->pages[0]) - n))
				continue;
			got_block(got, first, level, PFN_PHYS(page_to_pfn(got->pages[0]) - n));
			return true;
		}
		return false;
	}
	if (PGTABLE_SIZE(2) > MAX_BLOCK || !block_is_aligned(slot, index, 2, &first))
		return false;
	n = PGTABLE_SIZE(2) >> PAGE_SHIFT;
	if ((page_to_pfn(got->pages[0]) & (n - 1)) != index - first)
		return false;
	/* The page that is held may be what would have to go for it: it is not worth a kill. */
	pages = kvmalloc_array(n, sizeof(*pages),
			       GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN);
	if (!pages)
		return false;
	n = get_present(slot, first, n, got->writable, pages);
	ret = n == PGTABLE_SIZE(2) >> PAGE_SHIFT && is_block(pages, 2);
	if (ret)
		got_block(got, first, 2, page_to_phys(pages[0]));
	/* All of one, as a rule. */
	if (n && page_folio(pages[n - 1]) == page_folio(pages[0]) && ret)
		folio_put_refs(page_folio(pages[0]), n);
	else
		put_all(pages, n);
	kvfree(pages);
	return ret;
}

/* @present: out: it was there. */
static int get_one(struct pages *got, const struct memslot *slot, u64 index, bool write,
		   bool *present)
{
	bool may_write = !(slot->flags & ARMVCPU_SLOT_READONLY);
	unsigned int flags = FOLL_HWPOISON | COMPAT_FOLL_INTERRUPTIBLE;
	long n;

	got->writable = may_write;
	*present = may_write && get_present(slot, index, 1, true, got->pages);
	if (*present)
		return 0;
	/* The zero page, or one that is shared: to be read only. */
	got->writable = write;
	if (write)
		flags |= FOLL_WRITE;
	n = get_user_pages_unlocked(user_address(slot, index), 1, got->pages, flags);
	return n == 1 ? 0 : n < 0 ? n : -EFAULT;
}

static int get_on_demand(struct pages *got, const struct memslot *slot, u64 index, bool write,
			 bool more, u64 ahead)
{
	u64 first, count;
	bool present;
	int ret;

	ret = get_one(got, slot, index, write, &present);
	if (ret == -EFAULT)
		return get_device(got, slot, index, write);
	if (ret)
		return ret;
	got->first = index;
	got->count = 1;
	got->held = 1;
	if (more && (slot->flags & ARMVCPU_SLOT_LOG_DIRTY || !get_block(got, slot, index))) {
		/* Those behind it: a guest goes upwards, if it goes anywhere. */
		first = around(slot, index, &count);
		count -= index + 1 - first;
		if (present)
			got->count += get_present(slot, index + 1, count, got->writable,
						  got->pages + 1);
		else
			got->count += get_ahead(slot, index + 1, min(count, ahead),
						got->writable, got->pages + 1);
		got->held = got->count;
	}
	return 0;
}

/**
 * pages_get() - the page of an address, and what may be mapped with it
 * @got: out.  Nobody holds these pages: they are what it says as long as notifier_retry()
 *	says so.
 * @slot: the slot, kept.
 * @index: number of the page in the slot.
 * @write: the guest writes.
 * @more: others may be mapped as well, if they are there.
 * @ahead: and so many that are not.
 *
 * In the VMM's thread; may sleep.
 *
 * Return: 0; -EFAULT (nothing of the VMM's is there, nothing that may be written, or
 * nothing that can be mapped), -EHWPOISON, -ENOMEM, -EINTR or -EAGAIN (a signal),
 * -ERANGE (above 48 bits of address).
 */
int pages_get(struct pages *got, const struct memslot *slot, u64 index, bool write, bool more,
	      u64 ahead)
{
	u64 i;
	int ret;

	/* All but got->pages[], which is large. */
	got->level = 3;
	got->device = false;
	got->pa = 0;
	got->held = 0;
	if (MEMSLOT_PINNED)
		ret = get_pinned(got, slot, index, more);
	else
		ret = get_on_demand(got, slot, index, write, more, ahead);
	if (ret)
		return ret;
	if (got->pa >> 48)
		ret = -ERANGE;
	for (i = 0; i < got->held; i++)
		if (page_to_phys(got->pages[i]) >> 48)
			ret = -ERANGE;
	put_all(got->pages, got->held);
	return ret;
}

/**
 * pages_set_dirty() - the guest may write to them, which the host does not see
 * @got: of pages_get(), and mapped; the VM's s2_lock is held since notifier_retry().
 *
 * Their file, if there is one, knows: they have been looked for to be written to, and
 * nobody has cleaned them since.
 */
void pages_set_dirty(struct pages *got)
{
	u64 i;

	for (i = 0; i < got->held; i++)
		if (!PageDirty(got->pages[i]))
			SetPageDirty(got->pages[i]);
}
