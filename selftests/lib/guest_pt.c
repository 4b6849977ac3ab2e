// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's stage 1 page table, built by the test in the program's memory:
 * 4K pages, 39 bits, whatever the host's page size is.
 */
#include <string.h>

#include "vm.h"

#define PT_PAGES	12
#define PT_SHIFT(level)	(12 + 9 * (3 - (level)))
#define PT_SIZE(level)	(1UL << PT_SHIFT(level))
#define PT_ADDRESS	0xfffffff000UL

static u64 tables[PT_PAGES][512] __aligned(4096);
static unsigned int used;

u64 guest_pt_root(void)
{
	return (u64)tables[0];
}

/* Identity map in blocks of 1 GiB; see guest.h. */
void guest_pt_init(void)
{
	memset(tables, 0, sizeof(tables));
	used = 1;
	tables[0][0] = PTE_NORMAL | PTE_VALID;
	tables[0][GUEST_RAM >> 30] = GUEST_RAM | PTE_NORMAL | PTE_VALID;
	tables[0][GUEST_MMIO >> 30] = GUEST_MMIO | PTE_DEVICE | PTE_USER | PTE_VALID;
	tables[0][GUEST_MMIO_NORMAL >> 30] = GUEST_MMIO | PTE_NORMAL | PTE_PXN | PTE_UXN |
					     PTE_VALID;
}

/* The entry of an address at a level; tables on the way are made. */
u64 *guest_pt_entry(u64 va, int level)
{
	u64 *table = tables[0];
	int at;

	for (at = 1; ; at++) {
		u64 *entry = &table[va >> PT_SHIFT(at) & 511];

		if (at == level)
			return entry;
		if (!(*entry & PTE_VALID)) {
			if (used == PT_PAGES)
				test_fail("no page table is left");
			*entry = (u64)tables[used++] | PTE_TABLE | PTE_VALID;
		}
		if (!(*entry & PTE_TABLE))
			test_fail("a block is in the way of 0x%llx", va);
		table = (u64 *)(*entry & PT_ADDRESS);
	}
}

void guest_pt_map(u64 va, u64 pa, u64 size, u64 attrs)
{
	for (; size; size -= PT_SIZE(3), va += PT_SIZE(3), pa += PT_SIZE(3))
		*guest_pt_entry(va, 3) = pa | attrs | PTE_TABLE | PTE_VALID;
}

/* As a guest with SCTLR_EL1.EE reads them; and back. */
void guest_pt_swap(void)
{
	unsigned int i;

	for (i = 0; i < used * 512; i++)
		tables[i / 512][i % 512] = __builtin_bswap64(tables[i / 512][i % 512]);
}
