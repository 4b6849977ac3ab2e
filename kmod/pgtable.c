// SPDX-License-Identifier: GPL-2.0
/*
 * Translation tables in the long-descriptor format: EL2's own stage 1 and the
 * VMs' stage 2 (Arm ARM D8.3).  A table may begin with up to 16 concatenated
 * pages, as stage 2 does.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <asm/barrier.h>

#include "kmod.h"

#define DESC_TABLE	(PGT_VALID | BIT_ULL(1))
#define DESC_PAGE	(PGT_VALID | BIT_ULL(1))
#define DESC_BLOCK	PGT_VALID

static bool is_table(u64 desc, int level)
{
	return level < 3 && (desc & 3) == DESC_TABLE;
}

static u64 *table_of(u64 desc)
{
	return __va(desc & PGT_ADDRESS);
}

static unsigned int root_entries(const struct pgtable *pt)
{
	return 1U << (pt->ia_bits - PGTABLE_SHIFT(pt->start_level));
}

static u64 *entry_of(const struct pgtable *pt, u64 *table, u64 addr, int level)
{
	unsigned int entries = level == pt->start_level ? root_entries(pt) : PTRS_PER_PTE;

	return &table[addr >> PGTABLE_SHIFT(level) & (entries - 1)];
}

/**
 * pgt_init() - an empty table
 * @pt: what to set up.
 * @ia_bits: bits of the input address.
 * @start_level: level of the first lookup.
 * @gfp: how to allocate tables.
 *
 * Return: 0 or -ENOMEM.
 */
int pgt_init(struct pgtable *pt, unsigned int ia_bits, int start_level, gfp_t gfp)
{
	pt->ia_bits = ia_bits;
	pt->start_level = start_level;
	pt->gfp = gfp | __GFP_ZERO;
	/* Aligned to its size, as concatenated tables must be. */
	pt->root_order = get_order(root_entries(pt) * sizeof(u64));
	pt->root = (u64 *)__get_free_pages(pt->gfp, pt->root_order);
	return pt->root ? 0 : -ENOMEM;
}

static void free_tables(u64 *table, unsigned int entries, int level)
{
	unsigned int i;

	for (i = 0; i < entries; i++) {
		if (!is_table(table[i], level))
			continue;
		free_tables(table_of(table[i]), PTRS_PER_PTE, level + 1);
		free_page((unsigned long)table_of(table[i]));
		cond_resched();
	}
}

/**
 * pgt_free() - free all tables, not what they map
 * @pt: the table; no TLB may still refer to it.
 */
void pgt_free(struct pgtable *pt)
{
	if (!pt->root)
		return;
	free_tables(pt->root, root_entries(pt), pt->start_level);
	free_pages((unsigned long)pt->root, pt->root_order);
	pt->root = NULL;
}

/**
 * pgt_cache_fill() - as many tables as one pgt_reach() takes
 * @cache: filled up.
 * @gfp: how to allocate them.
 *
 * Return: 0 or -ENOMEM.
 */
int pgt_cache_fill(struct pgt_cache *cache, gfp_t gfp)
{
	while (cache->count < ARRAY_SIZE(cache->tables)) {
		u64 *table = (u64 *)__get_free_page(gfp | __GFP_ZERO);

		if (!table)
			return -ENOMEM;
		cache->tables[cache->count++] = table;
	}
	return 0;
}

/**
 * pgt_cache_free() - free what has not been needed
 * @cache: the tables.
 */
void pgt_cache_free(struct pgt_cache *cache)
{
	while (cache->count)
		free_page((unsigned long)cache->tables[--cache->count]);
}

static u64 *new_table(struct pgtable *pt, struct pgt_cache *cache)
{
	if (!cache)
		return (u64 *)__get_free_page(pt->gfp);
	return cache->count ? cache->tables[--cache->count] : NULL;
}

/**
 * pgt_reach() - the descriptor of an address
 * @pt: the table.
 * @addr: input address.
 * @level: its level.
 * @cache: where the tables on the way there come from; NULL: they are allocated.
 *
 * What is behind it are the descriptors of the next addresses, up to the end of the
 * table.
 *
 * Return: it, or an error: -EEXIST something larger is mapped there, -ENOMEM.
 */
u64 *pgt_reach(struct pgtable *pt, u64 addr, int level, struct pgt_cache *cache)
{
	u64 *table = pt->root, *entry;
	int l;

	for (l = pt->start_level; ; l++) {
		entry = entry_of(pt, table, addr, l);
		if (l == level)
			return entry;
		if (!*entry) {
			u64 *next = new_table(pt, cache);

			if (!next)
				return ERR_PTR(-ENOMEM);
			/* Its zeroes are there before it is. */
			smp_store_release(entry, __pa(next) | DESC_TABLE);
		} else if (!is_table(*entry, l)) {
			return ERR_PTR(-EEXIST);
		}
		table = table_of(*entry);
	}
}

/**
 * pgt_set() - a descriptor that maps something
 * @entry: from pgt_reach(); nothing is mapped there.
 * @pa: output address, aligned to the size of @level.
 * @level: 3 for a page, less for a block.
 * @attrs: attributes.
 *
 * pgt_sync() comes after the last one.
 */
void pgt_set(u64 *entry, u64 pa, int level, u64 attrs)
{
	WRITE_ONCE(*entry, pa | attrs | (level == 3 ? DESC_PAGE : DESC_BLOCK));
}

/**
 * pgt_sync() - walks see what has been mapped
 *
 * An invalid descriptor is in no TLB, so there is nothing to invalidate.
 */
void pgt_sync(void)
{
	dsb(ishst);
	isb();
}

/**
 * pgt_map() - map one page or block
 * @pt: the table.
 * @addr: input address, aligned to the size of @level.
 * @pa: output address, aligned likewise.
 * @level: 3 for a page, less for a block.
 * @attrs: attributes of the descriptor.
 * @cache: as for pgt_reach().
 *
 * On return a walk sees the mapping.
 *
 * Return: 0, -EEXIST if something is mapped there, -ENOMEM.
 */
int pgt_map(struct pgtable *pt, u64 addr, u64 pa, int level, u64 attrs,
	    struct pgt_cache *cache)
{
	u64 *entry = pgt_reach(pt, addr, level, cache);

	if (IS_ERR(entry))
		return PTR_ERR(entry);
	if (*entry)
		return -EEXIST;
	pgt_set(entry, pa, level, attrs);
	pgt_sync();
	return 0;
}

/**
 * pgt_find() - where a walk ends
 * @pt: the table.
 * @addr: input address.
 * @level: out: level of the last descriptor.
 *
 * Return: that descriptor; it need not map anything.
 */
u64 *pgt_find(struct pgtable *pt, u64 addr, int *level)
{
	u64 *table = pt->root, *entry;

	for (*level = pt->start_level; ; (*level)++) {
		entry = entry_of(pt, table, addr, *level);
		if (!is_table(*entry, *level))
			return entry;
		table = table_of(*entry);
	}
}

/* What a table costs of the budget: less than a sixteenth of BATCH in stage2.c. */
#define TABLE_COST	8U

static bool walk_level(struct pgtable *pt, u64 *table, int level, struct pgt_walk *walk)
{
	u64 next, *entry;

	/* As far as this table goes; the caller goes on behind it. */
	do {
		next = (walk->addr | (PGTABLE_SIZE(level) - 1)) + 1;
		entry = entry_of(pt, table, walk->addr, level);
		if (is_table(*entry, level)) {
			/* What is empty in it takes its time, too. */
			if (!walk->budget)
				return false;
			walk->budget -= min(walk->budget, TABLE_COST);
			if (!walk_level(pt, table_of(*entry), level + 1, walk))
				return false;
			continue;
		}
		if (*entry) {
			if (!walk->budget)
				return false;
			walk->budget -= min_t(u64, walk->budget,
					      PGTABLE_SIZE(level) >> PAGE_SHIFT);
			walk->visit(entry, walk->addr & ~(PGTABLE_SIZE(level) - 1), level,
				    walk->data);
		}
		walk->addr = next;
	} while (walk->addr < walk->end && walk->addr & (PGTABLE_SIZE(level - 1) - 1));
	return true;
}

/**
 * pgt_walk() - call a function for all descriptors of a range that are not zero
 * @pt: the table.
 * @walk: the range, the function, and how many descriptors; see there.
 *
 * Tables themselves are not visited.  In time, a descriptor that is zero is much less
 * than one that is visited.
 *
 * Return: true if that was all of the range; false: @walk->budget is used up, and
 * @walk->addr is where to go on.  A block is visited as a whole if anything is left.
 */
bool pgt_walk(struct pgtable *pt, struct pgt_walk *walk)
{
	while (walk->addr < walk->end)
		if (!walk_level(pt, pt->root, pt->start_level, walk))
			return false;
	return true;
}

static bool is_empty(const u64 *table)
{
	unsigned int i;

	for (i = 0; i < PTRS_PER_PTE; i++)
		if (table[i])
			return false;
	return true;
}

static void prune_level(struct pgtable *pt, u64 *table, int level, u64 addr, u64 end,
			struct list_head *unused)
{
	u64 next, *entry, *child;

	for (; addr < end; addr = next) {
		next = min((addr | (PGTABLE_SIZE(level) - 1)) + 1, end);
		entry = entry_of(pt, table, addr, level);
		if (!is_table(*entry, level))
			continue;
		child = table_of(*entry);
		prune_level(pt, child, level + 1, addr, next, unused);
		if (is_empty(child)) {
			WRITE_ONCE(*entry, 0);
			list_add(&virt_to_page(child)->lru, unused);
		}
	}
}

/**
 * pgt_prune() - unlink the tables of a range that have nothing in them
 * @pt: the table.
 * @addr: input address.
 * @size: bytes.
 * @unused: these tables are added.
 *
 * The caller invalidates the TLBs, which hold parts of walks, and then calls
 * pgt_free_unused().
 */
void pgt_prune(struct pgtable *pt, u64 addr, u64 size, struct list_head *unused)
{
	prune_level(pt, pt->root, pt->start_level, addr, addr + size, unused);
}

/**
 * pgt_unmap_page() - unmap a page
 * @pt: the table.
 * @addr: input address.
 * @unused: tables that nothing refers to any more are added.
 *
 * The caller invalidates the TLBs, and then calls pgt_free_unused().
 */
void pgt_unmap_page(struct pgtable *pt, u64 addr, struct list_head *unused)
{
	int level;
	u64 *entry = pgt_find(pt, addr, &level);

	if (level == 3)
		WRITE_ONCE(*entry, 0);
	pgt_prune(pt, addr, PAGE_SIZE, unused);
}

/**
 * pgt_free_unused() - free the tables that are not in use any more
 * @unused: the list; no TLB holds anything of them.
 */
void pgt_free_unused(struct list_head *unused)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, unused, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}
