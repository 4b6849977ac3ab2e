// SPDX-License-Identifier: GPL-2.0
/*
 * TLB maintenance that only EL2 can do: of a guest's VMID, while the host runs
 * on this CPU, and of EL2's own map.  The host has written the tables before,
 * and walks of its own may still be under way: the barrier that comes first makes
 * the former visible to the walkers of all CPUs and completes the latter, so that
 * none ends in another regime (Arm ARM D8.1.5) and is kept with a guest's VMID.
 */
#include "el2.h"

#define TCR_EPD0	BIT(7)
#define TCR_EPD1	BIT(23)

struct regime {
	u64 vttbr;
	u64 vtcr;
	u64 tcr;
};

/*
 * A VMID's turn; VTCR_EL2 says how many bits it has.  With the speculative-AT
 * errata (switch.c), no walk in it.
 */
static struct regime take_vmid(u64 vttbr, u64 vtcr, u64 features)
{
	struct regime old = {
		.vttbr = read_sysreg(vttbr_el2),
		.vtcr = read_sysreg(vtcr_el2),
	};

	if (features & HYP_ERRATUM_SPEC_AT) {
		old.tcr = read_sysreg(tcr_el1);
		write_sysreg(old.tcr | TCR_EPD0 | TCR_EPD1, tcr_el1);
		isb();
	}
	write_sysreg(vtcr, vtcr_el2);
	write_sysreg(vttbr, vttbr_el2);
	isb();
	return old;
}

static void give_vmid(struct regime old, u64 features)
{
	write_sysreg(old.vttbr, vttbr_el2);
	write_sysreg(old.vtcr, vtcr_el2);
	isb();
	if (features & HYP_ERRATUM_SPEC_AT) {
		write_sysreg(old.tcr, tcr_el1);
		isb();
	}
}

/* Both stages of a VMID, on all CPUs. */
void hyp_tlbi_vmid(u64 vttbr, u64 vtcr, u64 features)
{
	struct regime old;

	dsb(ish);
	old = take_vmid(vttbr, vtcr, features);
	asm volatile("tlbi vmalls12e1is" : : : "memory");
	dsb(ish);
	/* HYP_ERRATUM_REPEAT_TLBI: the first may not reach all; so below. */
	if (features & HYP_ERRATUM_REPEAT_TLBI) {
		asm volatile("tlbi vmalls12e1is" : : : "memory");
		dsb(ish);
	}
	isb();
	give_vmid(old, features);
}

/* All VMIDs, on all CPUs, and instruction caches that are tagged by them. */
void hyp_tlbi_all(u64 features)
{
	dsb(ish);
	asm volatile("tlbi alle1is" : : : "memory");
	dsb(ish);
	if (features & HYP_ERRATUM_REPEAT_TLBI) {
		asm volatile("tlbi alle1is" : : : "memory");
		dsb(ish);
	}
	asm volatile("ic ialluis" : : : "memory");
	dsb(ish);
	isb();
}

/*
 * Stage 1 of a VMID and the instruction cache, on this CPU: another vCPU of
 * the VM ran here last, and its ASIDs are not those of the next.
 */
void hyp_tlbi_local(u64 vttbr, u64 vtcr, u64 features)
{
	struct regime old;

	dsb(nsh);
	old = take_vmid(vttbr, vtcr, features);
	asm volatile("tlbi vmalle1" : : : "memory");
	asm volatile("ic iallu" : : : "memory");
	dsb(nsh);
	isb();
	give_vmid(old, features);
}

/*
 * FEAT_TLBIRANGE: (NUM + 1) * 2^(5 * SCALE + 1) pages at once (Arm ARM C5.5, TLBI
 * RIPAS2E1IS); what is left over is one page.
 */
static u64 tlbi_pages(u64 ipa, u64 pages)
{
	const u64 granule = HYP_PAGE_SHIFT == 12 ? 1 : HYP_PAGE_SHIFT == 14 ? 2 : 3;
	int scale;
	u64 n, operand;

	for (scale = 3; scale >= 0; scale--) {
		n = pages >> (5 * scale + 1);
		if (!n)
			continue;
		n = n < 32 ? n : 32;
		operand = ipa >> HYP_PAGE_SHIFT | (n - 1) << 39 | (u64)scale << 44 | granule << 46;
		/* tlbi ripas2e1is, which assemblers have by another name of the architecture. */
		asm volatile("sys #4, c8, c0, #2, %0" : : "r" (operand) : "memory");
		ipa += n << (5 * scale + 1 + HYP_PAGE_SHIFT);
		pages -= n << (5 * scale + 1);
	}
	return ipa;
}

/* @how: HYP_TLBI_*. */
static void tlbi_ipas(u64 ipa, u64 end, u64 how)
{
	u64 shift = how & HYP_TLBI_SHIFT;

	if (how & HYP_TLBI_RANGE && end - ipa > 1UL << shift)
		while (end - ipa > 1UL << HYP_PAGE_SHIFT)
			ipa = tlbi_pages(ipa, (end - ipa) >> HYP_PAGE_SHIFT);
	for (; ipa < end; ipa += 1UL << shift)
		asm volatile("tlbi ipas2e1is, %0" : : "r" (ipa >> 12) : "memory");
	dsb(ish);
}

/*
 * Stage 2 of a range, on all CPUs.  TLBs may hold both stages combined, which
 * only the invalidation of stage 1 after that of stage 2 reaches (Arm ARM
 * D8.14, TLBI IPAS2E1IS).
 */
void hyp_tlbi_ipa(u64 vttbr, u64 vtcr, u64 features, u64 ipa, u64 size)
{
	u64 how = ipa & (HYP_TLBI_SHIFT | HYP_TLBI_RANGE), first = ipa - how;
	struct regime old;

	dsb(ish);
	old = take_vmid(vttbr, vtcr, features);
	tlbi_ipas(first, first + size, how);
	if (features & HYP_ERRATUM_REPEAT_TLBI)
		tlbi_ipas(first, first + size, how);
	asm volatile("tlbi vmalle1is" : : : "memory");
	dsb(ish);
	if (features & HYP_ERRATUM_REPEAT_TLBI) {
		asm volatile("tlbi vmalle1is" : : : "memory");
		dsb(ish);
	}
	isb();
	give_vmid(old, features);
}

/* Stage 2 of a page, on this CPU: it may do more than before. */
void hyp_tlbi_ipa_here(u64 vttbr, u64 vtcr, u64 features, u64 ipa)
{
	struct regime old;

	dsb(ish);
	old = take_vmid(vttbr, vtcr, features);
	asm volatile("tlbi ipas2e1, %0" : : "r" (ipa >> 12) : "memory");
	dsb(nsh);
	asm volatile("tlbi vmalle1" : : : "memory");
	dsb(nsh);
	isb();
	give_vmid(old, features);
}

/* One page of EL2's own map, on all CPUs. */
void hyp_tlbi_el2(u64 addr, u64 features)
{
	dsb(ishst);
	asm volatile("tlbi vae2is, %0" : : "r" (addr >> 12) : "memory");
	dsb(ish);
	if (features & HYP_ERRATUM_REPEAT_TLBI) {
		asm volatile("tlbi vae2is, %0" : : "r" (addr >> 12) : "memory");
		dsb(ish);
	}
	isb();
}
