// SPDX-License-Identifier: GPL-2.0
/*
 * Stage 2: a VM's guest physical addresses to pages of its slots.
 *
 * A page is mapped when the guest first touches it.  A guest begins with its
 * caches off and may fetch what the VMM has just written: so a page is cleaned
 * to the point of coherency, and stale instructions are invalidated, before it
 * is mapped.  What the guest has written with its caches off is not what the host's
 * caches hold: so they drop it when it is unmapped.
 *
 * All of vm->s2 is under vm->s2_lock, a spin lock: notifiers come with locks held that
 * nobody may sleep under.  Tables are allocated before it is taken (struct pgt_cache), and
 * pages looked for (pages.c); caches are cleaned under it, a little at a time.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <asm/barrier.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>

#include "kmod.h"

#define S2_AF		BIT_ULL(10)
#define S2_SH_INNER	(3ULL << 8)
#define S2_AP_READ	BIT_ULL(6)
#define S2_AP_WRITE	BIT_ULL(7)
/* Normal, inner and outer write-back: the guest's attributes decide. */
#define S2_MEMATTR_WB	(0xfULL << 2)
/* With HCR_EL2.FWB: write-back, whatever the guest's attributes are. */
#define S2_MEMATTR_FWB	(6ULL << 2)
/* MemAttr[3:2]: not Device. */
#define S2_MEMATTR_NORMAL	(3ULL << 4)
/* Device-nGnRE, and never executed. */
#define S2_MEMATTR_DEVICE	BIT_ULL(2)
#define S2_XN			BIT_ULL(54)

#define VTCR_RES1	BIT_ULL(31)
#define VTCR_VS_16BIT	BIT_ULL(19)
#define VTCR_SH0_INNER	(3ULL << 12)
#define VTCR_ORGN0_WB	BIT_ULL(10)
#define VTCR_IRGN0_WB	BIT_ULL(8)
#define VTCR_TG0	(PAGE_SHIFT == 12 ? 0ULL : PAGE_SHIFT == 14 ? 2ULL << 14 : 1ULL << 14)
/* SL0 of a walk that begins at level 0 (Arm ARM, VTCR_EL2.SL0). */
#define VTCR_SL0_BASE	(PAGE_SHIFT == 12 ? 2 : 3)

#define VTTBR_VMID_SHIFT 48

/* More translations than that are flushed with the whole VMID; with FEAT_TLBIRANGE, pages. */
#define MAX_TLBI	64
#define MAX_TLBI_RANGE	BIT_ULL(21)

/* So many pages are unmapped, and cleaned, before others get the lock: 2 MiB. */
#define BATCH		(SZ_2M >> PAGE_SHIFT)

/* Blocks above that are cleaned without the lock. */
#define LARGE		SZ_2M

static const u8 pa_bits[] = { 32, 36, 40, 42, 44, 48, 52 };

static u64 field(u64 reg, int shift)
{
	return reg >> shift & 0xf;
}

static u64 parange(void)
{
	u64 range = field(read_sanitised_ftr_reg(SYS_ID_AA64MMFR0_EL1), 0);

	/* More than 48 bits need another descriptor format, or 64K pages. */
	return min_t(u64, range, 5);
}

/**
 * stage2_max_ipa_bits() - the largest guest physical address space
 */
unsigned int stage2_max_ipa_bits(void)
{
	return pa_bits[parange()];
}

/**
 * stage2_forces_wb() - have all cores FEAT_S2FWB?
 *
 * Then a guest's memory is write-back for the guest, too, and there is nothing in memory
 * that the caches do not know.
 */
bool stage2_forces_wb(void)
{
	return field(read_sanitised_ftr_reg(SYS_ID_AA64MMFR2_EL1), 40);
}

/**
 * stage2_vmid_bits() - 8 or 16
 */
unsigned int stage2_vmid_bits(void)
{
	return field(read_sanitised_ftr_reg(SYS_ID_AA64MMFR1_EL1), 4) == 2 ? 16 : 8;
}

/**
 * stage2_check_host() - can stage 2 have the host's page size?
 *
 * ID_AA64MMFR0_EL1.TGran*_2: 0 as stage 1, 1 not at stage 2, else supported.
 *
 * Return: 0 or -ERANGE.
 */
int stage2_check_host(void)
{
	u64 mmfr0 = read_sanitised_ftr_reg(SYS_ID_AA64MMFR0_EL1);
	int shift = PAGE_SHIFT == 12 ? 40 : PAGE_SHIFT == 14 ? 32 : 36;

	if (field(mmfr0, shift) == 1) {
		pr_err("stage 2 of this core has no %lu KiB pages: use a kernel with another page size\n",
		       PAGE_SIZE >> 10);
		return -ERANGE;
	}
	if (field(mmfr0, 0) >= ARRAY_SIZE(pa_bits)) {
		pr_err("unknown size of physical addresses (ID_AA64MMFR0_EL1.PARange %llu): the core is newer than this module; look for an update\n",
		       field(mmfr0, 0));
		return -ERANGE;
	}
	return 0;
}

/**
 * stage2_init() - an empty stage 2 and the registers for it
 * @vm: the VM; ipa_bits is set.
 *
 * Return: 0 or -ENOMEM.
 */
int stage2_init(struct vm *vm)
{
	/* Up to 16 tables side by side at the first level save a level. */
	int levels = DIV_ROUND_UP(vm->ipa_bits - 4 - PAGE_SHIFT, PGTABLE_BITS);
	int start = 4 - levels, ret;

	ret = pgt_init(&vm->s2, vm->ipa_bits, start, GFP_KERNEL_ACCOUNT);
	if (ret)
		return ret;
	spin_lock_init(&vm->s2_lock);
	vm->forces_wb = stage2_forces_wb();
	vm->vtcr = VTCR_RES1 | VTCR_SH0_INNER | VTCR_ORGN0_WB | VTCR_IRGN0_WB | VTCR_TG0 |
		   parange() << 16 | (u64)(VTCR_SL0_BASE - start) << 6 | (64 - vm->ipa_bits);
	if (stage2_vmid_bits() == 16)
		vm->vtcr |= VTCR_VS_16BIT;
	vm->vttbr = stage2_vttbr(vm, 0);
	/* The zeroes are there before any walk. */
	dsb(ishst);
	return 0;
}

/**
 * stage2_vttbr() - VTTBR_EL2
 * @vm: the VM.
 * @vmid: its VMID.
 */
u64 stage2_vttbr(const struct vm *vm, u32 vmid)
{
	return virt_to_phys(vm->s2.root) | (u64)vmid << VTTBR_VMID_SHIFT;
}

/*
 * By what its translations are in TLBs; 0: by nothing.  A VMID of an older generation may
 * be another VM's by now, which does no harm.
 */
static u64 vttbr_in_tlbs(const struct vm *vm)
{
	u64 vttbr;

	/* What has changed is seen by walks before: mirrored in vmid_take(). */
	dsb(ish);
	vttbr = READ_ONCE(vm->vttbr);
	return vttbr >> VTTBR_VMID_SHIFT ? vttbr : 0;
}

static void flush_vmid(struct vm *vm)
{
	u64 vttbr = vttbr_in_tlbs(vm);

	if (vttbr)
		el2_call_any(HYP_CALL_TLBI_VMID, vttbr, vm->vtcr, 0, 0);
}

/**
 * stage2_destroy() - the VMID is in no TLB any more, the tables are free
 * @vm: the VM; none of its vCPUs is left.
 */
void stage2_destroy(struct vm *vm)
{
	if (!vm->s2.root)
		return;
	flush_vmid(vm);
	pgt_free(&vm->s2);
}

/* ---- caches ------------------------------------------------------------ */

static void clean_range(phys_addr_t pa, u64 size, u64 ctr)
{
	unsigned long addr = (unsigned long)phys_to_virt(pa), end = addr + size;
	unsigned long line = 4UL << field(ctr, 16);

	/* Lines are powers of two, and a page has eight of them at least. */
	for (; addr < end; addr += 4 * line) {
		asm volatile("dc civac, %0" : : "r" (addr) : "memory");
		asm volatile("dc civac, %0" : : "r" (addr + line) : "memory");
		asm volatile("dc civac, %0" : : "r" (addr + 2 * line) : "memory");
		asm volatile("dc civac, %0" : : "r" (addr + 3 * line) : "memory");
	}
}

/*
 * Of what is or was mapped, but not what is broken: a line of that which is written back
 * reports an error that nobody can help any more.
 */
static void clean_memory(phys_addr_t pa, u64 size, u64 ctr)
{
	struct folio *folio = page_folio(pfn_to_page(PHYS_PFN(pa)));
	u64 done;

	/* hugetlbfs says it of the first page, for all of them; others of each. */
	if (folio_test_hugetlb(folio) && folio_test_hwpoison(folio))
		return;
	if (size > PAGE_SIZE && folio_size(folio) >= size && !folio_test_has_hwpoisoned(folio)) {
		clean_range(pa, size, ctr);
		return;
	}
	for (done = 0; done < size; done += PAGE_SIZE)
		if (!PageHWPoison(pfn_to_page(PHYS_PFN(pa + done))))
			clean_range(pa + done, PAGE_SIZE, ctr);
}

static void invalidate_insns(phys_addr_t pa, u64 ctr)
{
	unsigned long addr = (unsigned long)phys_to_virt(pa), end = addr + PAGE_SIZE;
	unsigned long line = 4UL << (ctr & 0xf);

	for (; addr < end; addr += 4 * line) {
		asm volatile("ic ivau, %0" : : "r" (addr) : "memory");
		asm volatile("ic ivau, %0" : : "r" (addr + line) : "memory");
		asm volatile("ic ivau, %0" : : "r" (addr + 2 * line) : "memory");
		asm volatile("ic ivau, %0" : : "r" (addr + 3 * line) : "memory");
	}
}

/* All data is clean: no stale instruction, of one page or (0) of all. */
static void finish_clean(phys_addr_t pa, u64 ctr)
{
	dsb(sy);
	/* CTR_EL0.DIC: no need.  L1Ip: by address only if physically tagged. */
	if (ctr & BIT(29))
		return;
	if (pa && (ctr >> 14 & 3) == 3)
		invalidate_insns(pa, ctr);
	else
		asm volatile("ic ialluis" : : : "memory");
	dsb(ish);
	isb();
}

/* CTR_EL0.IDC, too: fetches see what the caches have. */
static bool needs_clean(const struct vm *vm, u64 ctr)
{
	return !vm->forces_wb || !(ctr & BIT(28));
}

/* Data of some of these pages to the PoC: 64 KiB from @done on.  Return: where to go on. */
static u64 clean_some_of(const struct pages *got, u64 done, u64 ctr)
{
	u64 end = min_t(u64, got->count, done + max_t(u64, SZ_64K >> PAGE_SHIFT, 1));

	if (got->level < 3) {
		clean_range(got->pa + (done << PAGE_SHIFT), (end - done) << PAGE_SHIFT, ctr);
		return end;
	}
	for (; done < end; done++)
		clean_range(page_to_phys(got->pages[done]), PAGE_SIZE, ctr);
	return end;
}

/* ---- unmapping --------------------------------------------------------- */

/* What has changed: from the first to the last, and how large the smallest is. */
struct changed {
	u64 first;
	u64 end;
	unsigned int shift;
	u64 ctr;
	bool clean;
	phys_addr_t large;
	u64 large_size;
};

/* @ipa: where it begins; in any order. */
static void note_change(struct changed *changed, u64 ipa, int level)
{
	u64 end = ipa + PGTABLE_SIZE(level);

	if (changed->first >= changed->end) {
		changed->first = ipa;
		changed->end = end;
		changed->shift = PGTABLE_SHIFT(level);
		return;
	}
	changed->first = min(changed->first, ipa);
	changed->end = max(changed->end, end);
	changed->shift = min_t(unsigned int, changed->shift, PGTABLE_SHIFT(level));
}

/* ID_AA64ISAR0_EL1.TLB, of all cores. */
static bool has_range_tlbi(void)
{
	return field(read_sanitised_ftr_reg(SYS_ID_AA64ISAR0_EL1), 56) == 2;
}

/*
 * One invalidation for each descriptor that there may have been: maintenance goes by their
 * size, also where a TLB keeps a block in parts (Arm ARM D8.7, the Contiguous bit).
 */
static void flush_changed(struct vm *vm, const struct changed *changed)
{
	u64 size = changed->end - changed->first, how = changed->shift, vttbr;

	if (changed->first >= changed->end)
		return;
	if (has_range_tlbi() && size >> PAGE_SHIFT <= MAX_TLBI_RANGE) {
		how |= HYP_TLBI_RANGE;
	} else if (size >> changed->shift > MAX_TLBI) {
		flush_vmid(vm);
		return;
	}
	vttbr = vttbr_in_tlbs(vm);
	if (vttbr)
		el2_call_any(HYP_CALL_TLBI_IPA, vttbr, vm->vtcr, changed->first | how, size);
}

/* No walk finds it any more; where it leads to is still known. */
static void invalidate_entry(u64 *entry, u64 ipa, int level, void *data)
{
	if (!(*entry & PGT_VALID))
		return;
	WRITE_ONCE(*entry, *entry & ~PGT_VALID);
	note_change(data, ipa, level);
}

static bool is_device(u64 desc)
{
	return !(desc & S2_MEMATTR_NORMAL);
}

/* No TLB has it any more. */
static void clear_entry(u64 *entry, u64 ipa, int level, void *data)
{
	struct changed *changed = data;

	if (*entry & PGT_VALID)
		return;
	if (changed->clean && !is_device(*entry)) {
		if (PGTABLE_SIZE(level) <= LARGE) {
			clean_memory(*entry & PGT_ADDRESS, PGTABLE_SIZE(level), changed->ctr);
		} else {
			/* There is no room for another one in a batch. */
			changed->large = *entry & PGT_ADDRESS;
			changed->large_size = PGTABLE_SIZE(level);
		}
	}
	WRITE_ONCE(*entry, 0);
}

/* It is mapped no more, but nobody else has it yet: with s2_lock, or a reference. */
static void clean_large(const struct changed *changed, bool may_sleep)
{
	u64 done;

	for (done = 0; done < changed->large_size; done += SZ_64K) {
		clean_memory(changed->large + done, SZ_64K, changed->ctr);
		if (may_sleep)
			cond_resched();
	}
	dsb(sy);
}

/* The part of a range that can be done in one go; true if that was all of it. */
static bool unmap_some(struct vm *vm, u64 *ipa, u64 end, bool may_sleep)
	__must_hold(&vm->s2_lock)
{
	struct changed changed = { .ctr = el2_ctr(), .clean = !vm->forces_wb };
	struct pgt_walk walk = {
		.addr = *ipa, .end = end, .budget = BATCH,
		.visit = invalidate_entry, .data = &changed,
	};
	LIST_HEAD(unused);
	struct folio *folio;
	bool all;

	all = pgt_walk(&vm->s2, &walk);
	*ipa = walk.addr;
	if (changed.first >= changed.end)
		return all;
	flush_changed(vm, &changed);
	walk = (struct pgt_walk) {
		.addr = changed.first, .end = changed.end, .budget = BATCH,
		.visit = clear_entry, .data = &changed,
	};
	pgt_walk(&vm->s2, &walk);
	dsb(sy);
	pgt_prune(&vm->s2, changed.first, changed.end - changed.first, &unused);
	if (!list_empty(&unused)) {
		/* TLBs keep parts of walks, too. */
		flush_changed(vm, &changed);
		pgt_free_unused(&unused);
	}
	if (changed.large_size && may_sleep) {
		/* Others find nothing mapped any more, and wait for nobody. */
		folio = page_folio(pfn_to_page(PHYS_PFN(changed.large)));
		folio_get(folio);
		spin_unlock(&vm->s2_lock);
		clean_large(&changed, true);
		folio_put(folio);
		spin_lock(&vm->s2_lock);
	} else if (changed.large_size) {
		clean_large(&changed, false);
	}
	return all;
}

/**
 * stage2_unmap() - no vCPU reaches a range any more
 * @vm: the VM; its s2_lock is held.
 * @ipa: guest physical address.
 * @size: bytes.
 * @may_sleep: the lock may be let go for a while.
 *
 * A block goes as a whole, even if only a part of it is in the range.
 */
void stage2_unmap(struct vm *vm, u64 ipa, u64 size, bool may_sleep)
{
	u64 end = ipa + size;

	while (!unmap_some(vm, &ipa, end, may_sleep))
		if (may_sleep)
			s2_lock_break(vm);
}

/* ---- no writes --------------------------------------------------------- */

/* @which: NULL: all of them; or a bit for each page from @ipa on. */
struct protecting {
	u64 ipa;
	const unsigned long *which;
	struct changed changed;
};

static void protect_entry(u64 *entry, u64 ipa, int level, void *data)
{
	struct protecting *p = data;

	if (!(*entry & S2_AP_WRITE))
		return;
	/* Of a block, the other pages only fault once more. */
	if (p->which && level == 3 && !test_bit((ipa - p->ipa) >> PAGE_SHIFT, p->which))
		return;
	WRITE_ONCE(*entry, *entry & ~S2_AP_WRITE);
	note_change(&p->changed, ipa, level);
}

static bool protect_some(struct vm *vm, u64 *ipa, u64 end, const unsigned long *which,
			 unsigned int budget)
{
	struct protecting p = { .ipa = *ipa, .which = which };
	struct pgt_walk walk = {
		.addr = *ipa, .end = end, .budget = budget,
		.visit = protect_entry, .data = &p,
	};
	bool all = pgt_walk(&vm->s2, &walk);

	flush_changed(vm, &p.changed);
	*ipa = walk.addr;
	return all;
}

/**
 * stage2_protect() - a write to a range faults
 * @vm: the VM; its s2_lock is held.
 * @ipa: guest physical address.
 * @size: bytes.
 * @may_sleep: the lock may be let go for a while.
 */
void stage2_protect(struct vm *vm, u64 ipa, u64 size, bool may_sleep)
{
	u64 end = ipa + size;

	while (!protect_some(vm, &ipa, end, NULL, 8 * BATCH))
		if (may_sleep)
			s2_lock_break(vm);
}

/**
 * stage2_protect_some() - writes to some pages fault
 * @vm: the VM; its s2_lock is held.
 * @ipa: guest physical address of the first.
 * @which: a bit for each page.
 * @count: how many bits.
 */
void stage2_protect_some(struct vm *vm, u64 ipa, const unsigned long *which, u64 count)
{
	protect_some(vm, &ipa, ipa + (count << PAGE_SHIFT), which, UINT_MAX);
}

/**
 * stage2_protect_pages() - writes to pages here and there fault
 * @vm: the VM; its s2_lock is held.
 * @ipas: guest physical addresses.
 * @count: how many.
 */
void stage2_protect_pages(struct vm *vm, const u64 *ipas, u32 count)
{
	struct changed changed = { 0 };
	u64 *entry;
	int level;
	u32 i;

	for (i = 0; i < count; i++) {
		entry = pgt_find(&vm->s2, ipas[i], &level);
		if (!(*entry & S2_AP_WRITE))
			continue;
		WRITE_ONCE(*entry, *entry & ~S2_AP_WRITE);
		note_change(&changed, ipas[i] & ~(PGTABLE_SIZE(level) - 1), level);
	}
	/* Close together, or far apart and then all of the VM's: once, not page by page. */
	flush_changed(vm, &changed);
}

/* ---- ageing ------------------------------------------------------------ */

struct ageing {
	bool clear;
	bool young;
};

static void age_entry(u64 *entry, u64 ipa, int level, void *data)
{
	struct ageing *ageing = data;

	if (!(*entry & S2_AF))
		return;
	ageing->young = true;
	if (ageing->clear)
		WRITE_ONCE(*entry, *entry & ~S2_AF);
}

/**
 * stage2_age() - has the guest used a range since the last time?
 * @vm: the VM; its s2_lock is held.
 * @ipa: guest physical address.
 * @size: bytes.
 * @clear: and forget it.
 *
 * TLBs are not told.
 */
bool stage2_age(struct vm *vm, u64 ipa, u64 size, bool clear)
{
	struct ageing ageing = { .clear = clear };
	struct pgt_walk walk = {
		.addr = ipa, .end = ipa + size, .budget = UINT_MAX,
		.visit = age_entry, .data = &ageing,
	};

	pgt_walk(&vm->s2, &walk);
	return ageing.young;
}

/* ---- mapping ----------------------------------------------------------- */

/* The guest may do more with it than before; nothing else changes. */
static void relax(struct vm *vm, u64 *entry, u64 attrs, u64 ipa)
{
	u64 desc = *entry | (attrs & (S2_AF | S2_AP_WRITE));

	if (desc != *entry)
		WRITE_ONCE(*entry, desc);
	/*
	 * Whoever still has the old one in a TLB faults, and comes here, even if another
	 * vCPU was faster: so this CPU's TLB is enough.
	 */
	el2_call_here(HYP_CALL_TLBI_IPA_HERE, vm->vttbr, vm->vtcr, ipa & PAGE_MASK, 0);
}

/* What has been looked for may be gone after that: the guest faults again. */
static int unmap_whole(struct vm *vm, u64 ipa, int level)
{
	stage2_unmap(vm, ipa & ~(PGTABLE_SIZE(level) - 1), PGTABLE_SIZE(level), true);
	return -EAGAIN;
}

static int map_block(struct vm *vm, const struct pages *got, u64 ipa, u64 attrs,
		     struct pgt_cache *cache)
{
	u64 base = ipa & ~(PGTABLE_SIZE(got->level) - 1), *entry;
	int level;

	entry = pgt_find(&vm->s2, ipa, &level);
	if (level == got->level && (*entry & PGT_ADDRESS) == got->pa && *entry & PGT_VALID) {
		relax(vm, entry, attrs, ipa);
		return 0;
	}
	/* Pages, in place of which it comes: not without a break (Arm ARM D8.16.1). */
	if (level > got->level || *entry)
		return unmap_whole(vm, ipa, got->level);
	return pgt_map(&vm->s2, base, got->pa, got->level, attrs, cache);
}

static int map_pages(struct vm *vm, const struct memslot *slot, const struct pages *got,
		     u64 ipa, u64 attrs, struct pgt_cache *cache)
{
	u64 base = slot->ipa + (got->first << PAGE_SHIFT), *entry, pa, i;
	int level;

	/* A block of which only a part is left. */
	entry = pgt_find(&vm->s2, ipa, &level);
	if (level < 3 && *entry)
		return unmap_whole(vm, ipa, level);
	entry = pgt_reach(&vm->s2, base, 3, cache);
	if (IS_ERR(entry))
		return PTR_ERR(entry);
	for (i = 0; i < got->count; i++) {
		pa = page_to_phys(got->pages[i]);
		if (!entry[i]) {
			pgt_set(&entry[i], pa, 3, attrs);
		} else if (base + (i << PAGE_SHIFT) == (ipa & PAGE_MASK)) {
			if ((entry[i] & PGT_ADDRESS) == pa) {
				relax(vm, &entry[i], attrs, ipa);
				continue;
			}
			return unmap_whole(vm, ipa, 3);
		}
	}
	pgt_sync();
	return 0;
}

/*
 * Pages of a slot, or a block, of which one has faulted.  What is mapped there already
 * gets the rights that it lacks.  -EAGAIN: the guest has to fault again; -ENOSPC: the VMM
 * first has to make room in the ring of dirty pages.
 */
static int map(struct vcpu *vcpu, struct memslot *slot, struct pages *got, u64 ipa, bool write)
{
	bool log = write && slot->flags & ARMVCPU_SLOT_LOG_DIRTY;
	u64 attrs = S2_AF | S2_AP_READ;
	struct vm *vm = vcpu->vm;
	int ret;

	if (log && !dirty_may_mark(vcpu, slot, (ipa - slot->ipa) >> PAGE_SHIFT))
		return -ENOSPC;
	if (got->device)
		attrs |= S2_MEMATTR_DEVICE | S2_XN;
	else
		attrs |= S2_SH_INNER | (vm->forces_wb ? S2_MEMATTR_FWB : S2_MEMATTR_WB);
	/* What may be written is noted as written: only that which is. */
	if (got->writable && (write || !(slot->flags & ARMVCPU_SLOT_LOG_DIRTY)))
		attrs |= S2_AP_WRITE;
	if (got->level < 3 || got->device)
		ret = map_block(vm, got, ipa, attrs, &vcpu->tables);
	else
		ret = map_pages(vm, slot, got, ipa, attrs, &vcpu->tables);
	if (ret)
		return ret;
	if (attrs & S2_AP_WRITE)
		pages_set_dirty(got);
	if (log)
		dirty_mark(vcpu, slot, got->first);
	return 0;
}

/**
 * stage2_touch() - the guest uses what has aged
 * @vm: the VM.
 * @ipa: guest physical address.
 *
 * Return: false: nothing is mapped there.
 */
bool stage2_touch(struct vm *vm, u64 ipa)
{
	bool found = false;
	u64 *entry;
	int level;

	spin_lock(&vm->s2_lock);
	entry = pgt_find(&vm->s2, ipa, &level);
	if (*entry & PGT_VALID) {
		/* Without it, no TLB holds it (Arm ARM D8.5.4). */
		WRITE_ONCE(*entry, *entry | S2_AF);
		dsb(ishst);
		found = true;
	}
	spin_unlock(&vm->s2_lock);
	return found;
}

/**
 * stage2_is_device() - are registers of a device mapped there?
 * @vm: the VM.
 * @ipa: guest physical address.
 */
bool stage2_is_device(struct vm *vm, u64 ipa)
{
	int level;
	u64 desc;

	spin_lock(&vm->s2_lock);
	desc = *pgt_find(&vm->s2, ipa, &level);
	spin_unlock(&vm->s2_lock);
	return desc & PGT_VALID && is_device(desc);
}

static bool is_gone(struct vm *vm, const struct memslot *slot)
{
	bool gone;

	spin_lock(&vm->s2_lock);
	gone = slot->gone;
	spin_unlock(&vm->s2_lock);
	return gone;
}

/*
 * Is it there, and only lacks a right?  Then it has been cleaned, perhaps by another vCPU's
 * fault.  Of several pages, the others are left for another time.
 */
static bool is_mapped(struct vm *vm, const struct memslot *slot, struct pages *got, u64 ipa)
{
	u64 at = ((ipa - slot->ipa) >> PAGE_SHIFT) - got->first, pa;
	u64 *entry;
	int level;

	pa = got->level < 3 ? got->pa : page_to_phys(got->pages[at]);
	entry = pgt_find(&vm->s2, ipa, &level);
	if (level != got->level || !(*entry & PGT_VALID) || (*entry & PGT_ADDRESS) != pa)
		return false;
	if (level == 3) {
		got->pages[0] = got->pages[at];
		got->first += at;
		got->count = 1;
		got->held = min_t(u64, got->held, 1);
	}
	return true;
}

/*
 * What has been found, as long as it is still that: nobody holds these pages, but who takes
 * one away first waits for s2_lock.  So a page that is being cleaned can be swapped out, or
 * moved.  -EAGAIN and -ENOSPC as map().
 */
static int clean_and_map(struct vcpu *vcpu, struct memslot *slot, struct pages *got, u64 ipa,
			 bool write, unsigned long begin)
	__must_hold(&vcpu->vm->s2_lock)
{
	u64 start = slot->uaddr + (got->first << PAGE_SHIFT);
	u64 end = start + (got->count << PAGE_SHIFT), done = 0;
	struct vm *vm = vcpu->vm;
	u64 ctr = el2_ctr();

	if (slot->gone || notifier_retry(vm, begin, start, end))
		return -EAGAIN;
	if (!got->device && is_mapped(vm, slot, got, ipa))
		return map(vcpu, slot, got, ipa, write);
	if (got->device || !needs_clean(vm, ctr))
		done = got->count;
	for (;;) {
		if (slot->gone || notifier_retry(vm, begin, start, end))
			return -EAGAIN;
		if (done == got->count)
			break;
		done = clean_some_of(got, done, ctr);
		if (done < got->count)
			s2_lock_break(vm);
	}
	if (!got->device)
		finish_clean(got->count == 1 ? page_to_phys(got->pages[0]) : 0, ctr);
	return map(vcpu, slot, got, ipa, write);
}

/* Faults in a row that come to nothing. */
#define MANY_TIMES	2

/**
 * stage2_fault() - the guest has touched memory of a slot
 * @vcpu: the vCPU, in its own thread, no lock held.
 * @slot: the slot, kept.
 * @ipa: guest physical address.
 * @write: it writes.
 * @block: more than a page will do.  Not for a guest whose caches are off: it sees what
 *	the VMM writes to other pages later only if they are cleaned later.
 * @pages: out: how many pages are mapped now that were not, or some of them.
 *
 * Return: 0, also if it is to fault again; -EFAULT (nothing of the VMM's is there, or
 * nothing that may be written), -EHWPOISON, -ENOMEM, -ERANGE (memory above 48 bits),
 * -ENOSPC (there is no room for it in the vCPU's ring of dirty pages).
 */
int stage2_fault(struct vcpu *vcpu, struct memslot *slot, u64 ipa, bool write, bool block,
		 u64 *pages)
{
	u64 page = ipa & PAGE_MASK;
	u64 index = (ipa - slot->ipa) >> PAGE_SHIFT;
	struct vm *vm = vcpu->vm;
	unsigned long begin;
	struct pages got;
	int ret;

	*pages = 0;
	ret = pgt_cache_fill(&vcpu->tables, GFP_KERNEL_ACCOUNT);
	if (ret)
		return ret;
	/* As long as it goes on from page to page: twice as many as the last time. */
	vcpu->ahead = page == vcpu->next_fault ?
		      min_t(u32, 2 * vcpu->ahead + 1, FAULT_AROUND - 1) : 0;
	if (vcpu->again)
		notifier_wait(vm, slot->uaddr + (index << PAGE_SHIFT));
	begin = notifier_begin(vm);
	/* What is logged, is that by pages. */
	if (slot->flags & ARMVCPU_SLOT_LOG_DIRTY)
		block &= !write;
	/* A block takes long to clean, and something happens all the time: smaller, then. */
	if (vcpu->again > MANY_TIMES)
		block = false;
	ret = pages_get(&got, slot, index, write, block, vcpu->ahead);
	if (ret)
		return ret == -EINTR || ret == -EAGAIN || is_gone(vm, slot) ? 0 : ret;
	spin_lock(&vm->s2_lock);
	ret = clean_and_map(vcpu, slot, &got, ipa, write, begin);
	spin_unlock(&vm->s2_lock);
	vcpu->again = ret == -EAGAIN ? vcpu->again + 1 : 0;
	if (!ret) {
		*pages = got.count;
		vcpu->next_fault = slot->ipa + ((got.first + got.count) << PAGE_SHIFT);
	}
	return ret == -EAGAIN ? 0 : ret;
}

/**
 * stage2_map_device() - registers of the host that a guest may use itself
 * @vm: the VM; its slots_lock is held for writing, and no slot is there.
 * @ipa: guest physical address.
 * @pa: physical address.
 * @size: bytes, whole pages.
 *
 * They stay until the VM goes, or stage2_unmap_device().
 *
 * Return: 0, -ENOMEM, -ERANGE (beyond 48 bits); then some of it may be mapped.
 */
int stage2_map_device(struct vm *vm, u64 ipa, u64 pa, u64 size)
{
	u64 attrs = S2_AF | S2_AP_READ | S2_AP_WRITE | S2_MEMATTR_DEVICE | S2_XN, done;
	struct pgt_cache tables = { 0 };
	int ret = 0;

	if (pa >> 48)
		return -ERANGE;
	for (done = 0; done < size && !ret; done += PAGE_SIZE) {
		ret = pgt_cache_fill(&tables, GFP_KERNEL_ACCOUNT);
		if (ret)
			break;
		spin_lock(&vm->s2_lock);
		ret = pgt_map(&vm->s2, ipa + done, pa + done, 3, attrs, &tables);
		spin_unlock(&vm->s2_lock);
	}
	pgt_cache_free(&tables);
	return ret;
}

/**
 * stage2_unmap_device() - the mirror of stage2_map_device()
 * @vm: the VM; its slots_lock is held for writing.
 * @ipa: guest physical address.
 * @size: bytes.
 */
void stage2_unmap_device(struct vm *vm, u64 ipa, u64 size)
{
	spin_lock(&vm->s2_lock);
	stage2_unmap(vm, ipa, size, true);
	spin_unlock(&vm->s2_lock);
}

/* ---- by set/way --------------------------------------------------------- */

/* A part of a block is done at a time. */
struct cleaning {
	u64 ipa;
	u64 end;
	u64 ctr;
};

static void clean_entry(u64 *entry, u64 ipa, int level, void *data)
{
	const struct cleaning *cleaning = data;
	u64 first = max(ipa, cleaning->ipa), end = min(ipa + PGTABLE_SIZE(level), cleaning->end);

	if (!is_device(*entry))
		clean_memory((*entry & PGT_ADDRESS) + (first - ipa), end - first, cleaning->ctr);
}

/* Up to where is not much to do: the address to go on at. */
static u64 clean_some(struct vm *vm, u64 ipa, u64 end, u64 ctr)
{
	struct cleaning cleaning = { .ipa = ipa, .ctr = ctr };
	struct pgt_walk walk = {
		.addr = ipa, .budget = UINT_MAX, .visit = clean_entry, .data = &cleaning,
	};
	u64 *entry, size;
	int level;

	spin_lock(&vm->s2_lock);
	entry = pgt_find(&vm->s2, ipa, &level);
	if (*entry || level == 3)
		level = 2;
	size = level == 2 ? min_t(u64, PGTABLE_SIZE(2), SZ_2M) : PGTABLE_SIZE(level);
	cleaning.end = min((ipa | (size - 1)) + 1, end);
	walk.end = cleaning.end;
	if (level == 2)
		pgt_walk(&vm->s2, &walk);
	spin_unlock(&vm->s2_lock);
	return cleaning.end;
}

/**
 * stage2_clean() - clean all memory that the guest has touched to the PoC
 * @vm: the VM.
 *
 * What a guest means by cache maintenance by set/way, which reaches neither
 * other cores nor the caches it ran on before; and what it relies on when it
 * turns its caches on or off.
 */
void stage2_clean(struct vm *vm)
{
	u64 ctr = el2_ctr(), ipa, end;
	u32 i;

	if (vm->forces_wb)
		return;
	down_read(&vm->slots_lock);
	for (i = 0; i < vm->nr_slots; i++) {
		ipa = vm->slots[i]->ipa;
		end = ipa + (vm->slots[i]->npages << PAGE_SHIFT);
		/* Who is about to die never runs again. */
		while (ipa < end && !fatal_signal_pending(current)) {
			ipa = clean_some(vm, ipa, end, ctr);
			cond_resched();
		}
	}
	finish_clean(0, ctr);
	up_read(&vm->slots_lock);
}
