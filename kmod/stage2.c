// SPDX-License-Identifier: GPL-2.0
/*
 * Stage 2: a VM's guest physical addresses to pages of its slots.
 *
 * A page is mapped when the guest first touches it.  A guest begins with its
 * caches off and may fetch what the VMM has just written: so a page is cleaned
 * to the point of coherency, and stale instructions are invalidated, before it
 * is mapped.
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

/* The largest block that is worth its cache maintenance in one fault. */
#define MAX_BLOCK	SZ_32M

/* Pages that are mapped with the one that the guest has touched: they are there. */
#define FAULT_AROUND	16

/* Ranges above this many translations are flushed with the whole VMID. */
#define MAX_TLBI	512

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
 * @vm: the VM; ipa_bits and vmid are set.
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
	mutex_init(&vm->s2_lock);
	vm->vtcr = VTCR_RES1 | VTCR_SH0_INNER | VTCR_ORGN0_WB | VTCR_IRGN0_WB | VTCR_TG0 |
		   parange() << 16 | (u64)(VTCR_SL0_BASE - start) << 6 | (64 - vm->ipa_bits);
	if (stage2_vmid_bits() == 16)
		vm->vtcr |= VTCR_VS_16BIT;
	vm->vttbr = virt_to_phys(vm->s2.root) | (u64)vm->vmid << VTTBR_VMID_SHIFT;
	/* The zeroes are there before any walk. */
	dsb(ishst);
	return 0;
}

static void flush_vmid(struct vm *vm)
{
	el2_call_any(HYP_CALL_TLBI_VMID, vm->vttbr, vm->vtcr, 0, 0);
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

static void clean_data(struct page *page, u64 ctr)
{
	unsigned long addr = (unsigned long)page_address(page), end = addr + PAGE_SIZE;
	unsigned long line = 4UL << field(ctr, 16);

	/* Lines are powers of two, and a page has eight of them at least. */
	for (; addr < end; addr += 4 * line) {
		asm volatile("dc civac, %0" : : "r" (addr) : "memory");
		asm volatile("dc civac, %0" : : "r" (addr + line) : "memory");
		asm volatile("dc civac, %0" : : "r" (addr + 2 * line) : "memory");
		asm volatile("dc civac, %0" : : "r" (addr + 3 * line) : "memory");
	}
}

static void invalidate_insns(struct page *page, u64 ctr)
{
	unsigned long addr = (unsigned long)page_address(page), end = addr + PAGE_SIZE;
	unsigned long line = 4UL << (ctr & 0xf);

	for (; addr < end; addr += line)
		asm volatile("ic ivau, %0" : : "r" (addr) : "memory");
}

/* All data is clean: no stale instruction, of one page or (NULL) of all. */
static void finish_clean(struct page *page, u64 ctr)
{
	dsb(sy);
	/* CTR_EL0.DIC: no need.  L1Ip: by address only if physically tagged. */
	if (ctr & BIT(29))
		return;
	if (page && (ctr >> 14 & 3) == 3)
		invalidate_insns(page, ctr);
	else
		asm volatile("ic ialluis" : : : "memory");
	dsb(ish);
	isb();
}

static void clean_pages(struct page **pages, u64 n, u64 ctr)
{
	u64 i;

	for (i = 0; i < n; i++) {
		clean_data(pages[i], ctr);
		if (i % 16 == 15)
			cond_resched();
	}
}

/* Data to the PoC, and no stale instruction. */
static void pages_for_guest(struct page **pages, u64 n)
{
	u64 ctr = read_sanitised_ftr_reg(SYS_CTR_EL0);

	clean_pages(pages, n, ctr);
	finish_clean(n == 1 ? pages[0] : NULL, ctr);
}

/* ---- mapping ----------------------------------------------------------- */

/* Are the pages of the block of @level around @ipa one block of memory? */
static bool block_fits(const struct memslot *slot, u64 ipa, int level)
{
	u64 size = PGTABLE_SIZE(level), base = ipa & ~(size - 1), first, n, i;

	if (base < slot->ipa || base + size > slot->ipa + (slot->npages << PAGE_SHIFT))
		return false;
	first = (base - slot->ipa) >> PAGE_SHIFT;
	n = size >> PAGE_SHIFT;
	if (page_to_phys(slot->pages[first]) & (size - 1))
		return false;
	if (page_to_pfn(slot->pages[first + n - 1]) != page_to_pfn(slot->pages[first]) + n - 1)
		return false;
	for (i = 1; i < n - 1; i++)
		if (page_to_pfn(slot->pages[first + i]) != page_to_pfn(slot->pages[first]) + i)
			return false;
	return true;
}

/*
 * So many pages or blocks from @base on, in one table; those that are mapped already
 * excepted.
 */
static int map_pages(struct vm *vm, struct memslot *slot, u64 base, u64 n, int level, u64 attrs)
{
	u64 each = PGTABLE_SIZE(level) >> PAGE_SHIFT, index = (base - slot->ipa) >> PAGE_SHIFT, i;
	u64 *entry = pgt_reach(&vm->s2, base, level);

	if (IS_ERR(entry))
		return PTR_ERR(entry);
	for (i = 0; i < n; i++)
		if (page_to_phys(slot->pages[index + i * each]) >> 48)
			return -ERANGE;
	pages_for_guest(slot->pages + index, n * each);
	for (i = 0; i < n; i++)
		if (!entry[i])
			pgt_set(&entry[i], page_to_phys(slot->pages[index + i * each]), level,
				attrs);
	pgt_sync();
	return 0;
}

/**
 * stage2_map_page() - map what holds an address, a block if it can be, and what is near
 * @vm: the VM; its slots_lock is held.
 * @slot: the slot of the address.
 * @ipa: guest physical address.
 * @block: more than a page will do.  Not for a guest whose caches are off: it sees what
 *	the VMM writes to other pages later only if they are cleaned later.
 * @pages: out: how many pages are mapped now that were not, or some of them.
 *
 * Return: 0, also if another vCPU was faster; -ENOMEM; -ERANGE (memory above
 * 48 bits).
 */
int stage2_map_page(struct vm *vm, struct memslot *slot, u64 ipa, bool block, u64 *pages)
{
	u64 attrs = S2_AF | S2_SH_INNER | S2_AP_READ | S2_MEMATTR_WB, base;
	u64 n = 1;
	int ret = 0, level = 3, found;

	if (!(slot->flags & ARMVCPU_SLOT_READONLY))
		attrs |= S2_AP_WRITE;
	if (block && PGTABLE_SIZE(2) <= MAX_BLOCK && block_fits(slot, ipa, 2))
		level = 2;

	mutex_lock(&vm->s2_lock);
	*pages = 0;
	if (pgt_lookup(&vm->s2, ipa, &found))
		goto out;
	/* Some of its pages are mapped: the others, then, too. */
	if (found > level)
		level = found;
	base = ipa & ~(PGTABLE_SIZE(level) - 1);
	if (block && level == 3) {
		base = max(ipa & ~(FAULT_AROUND * PAGE_SIZE - 1), slot->ipa);
		n = min((ipa | (FAULT_AROUND * PAGE_SIZE - 1)) + 1,
			slot->ipa + (slot->npages << PAGE_SHIFT));
		n = (n - base) >> PAGE_SHIFT;
	}
	ret = map_pages(vm, slot, base, n, level, attrs);
	*pages = n << (PGTABLE_SHIFT(level) - PAGE_SHIFT);
out:
	mutex_unlock(&vm->s2_lock);
	return ret;
}

/**
 * stage2_map_device() - registers of the host that a guest may use itself
 * @vm: the VM; its slots_lock is held for writing, and no slot is there.
 * @ipa: guest physical address.
 * @pa: physical address.
 * @size: bytes, whole pages.
 *
 * They stay until the VM goes.
 *
 * Return: 0, -ENOMEM, -ERANGE (beyond 48 bits); then some of it may be mapped.
 */
int stage2_map_device(struct vm *vm, u64 ipa, u64 pa, u64 size)
{
	u64 attrs = S2_AF | S2_AP_READ | S2_AP_WRITE | S2_MEMATTR_DEVICE | S2_XN, done;
	int ret = 0;

	if (pa >> 48)
		return -ERANGE;
	mutex_lock(&vm->s2_lock);
	for (done = 0; done < size && !ret; done += PAGE_SIZE)
		ret = pgt_map(&vm->s2, ipa + done, pa + done, 3, attrs);
	mutex_unlock(&vm->s2_lock);
	return ret;
}

/**
 * stage2_unmap() - no vCPU reaches a range any more
 * @vm: the VM; its slots_lock is held for writing, so that no fault maps.
 * @ipa: guest physical address.
 * @size: bytes.
 */
void stage2_unmap(struct vm *vm, u64 ipa, u64 size)
{
	LIST_HEAD(unused);

	mutex_lock(&vm->s2_lock);
	pgt_unmap(&vm->s2, ipa, size, &unused);
	if (size >> PAGE_SHIFT > MAX_TLBI)
		flush_vmid(vm);
	else
		el2_call_any(HYP_CALL_TLBI_IPA, vm->vttbr, vm->vtcr, ipa, size);
	pgt_free_unused(&unused);
	mutex_unlock(&vm->s2_lock);
}

struct cleaning {
	struct memslot *slot;
	u64 ctr;
};

static void clean_mapped(u64 ipa, u64 size, void *data)
{
	const struct cleaning *cleaning = data;
	struct memslot *slot = cleaning->slot;

	/* Then the guest never runs again. */
	if (fatal_signal_pending(current))
		return;
	clean_pages(slot->pages + ((ipa - slot->ipa) >> PAGE_SHIFT), size >> PAGE_SHIFT,
		    cleaning->ctr);
	cond_resched();
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
	struct cleaning cleaning = { .ctr = read_sanitised_ftr_reg(SYS_CTR_EL0) };
	u32 i;

	down_read(&vm->slots_lock);
	mutex_lock(&vm->s2_lock);
	for (i = 0; i < vm->nr_slots; i++) {
		cleaning.slot = vm->slots[i];
		pgt_visit(&vm->s2, vm->slots[i]->ipa, vm->slots[i]->npages << PAGE_SHIFT,
			  clean_mapped, &cleaning);
	}
	finish_clean(NULL, cleaning.ctr);
	mutex_unlock(&vm->s2_lock);
	up_read(&vm->slots_lock);
}
