// SPDX-License-Identifier: GPL-2.0
/* VMs of vCPUs that write; see writers.h. */
#include <stdlib.h>
#include <sys/mman.h>

#include "system.h"
#include "writers.h"

struct hammer hammer;

void world_init(struct world *w, const struct writers *who)
{
	unsigned int i;

	vm_init(&w->vm);
	w->who = *who;
	w->page = page_size();
	w->pinned = get_cap(w->vm.sys, ARMVCPU_CAP_PINNED_MEMORY);
	w->size = who->huge ? (who->pages ?: 2) * HUGE : (who->pages ?: FEW_PAGES) * w->page;
	w->mem = alloc_aligned(w->size, who->huge ? HUGE : 64 * KB);
	/* A kernel without huge pages knows neither. */
	madvise(w->mem, w->size, who->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	test_check(!vm_set_slot(&w->vm, 0, 0, GUEST_RAM, w->size, w->mem));
	hammer_init(&hammer, w->mem, w->size);
	for (i = 0; i < (who->cpus ?: 2); i++) {
		vcpu_init(&w->vcpus[i], &w->vm, 0);
		hammer_add_vcpu(&hammer, &w->vcpus[i], !who->caches_off, GUEST_RAM);
	}
}

void world_add_host(struct world *w)
{
	if (!w->who.caches_off && !w->pinned)
		hammer_add_host(&hammer);
}

void world_pick(struct world *w, u64 *first, u64 *count)
{
	u64 pages = hammer.pages;

	*first = rand_r(&w->seed) % pages;
	*count = 1 + rand_r(&w->seed) % (rand_r(&w->seed) % 4 ? 8 : pages / 2);
	if (*first + *count > pages)
		*count = pages - *first;
}

void world_drop(struct world *w, u64 first, u64 count)
{
	if (w->pinned)
		hammer.lost = true;
	else
		hammer_drop(&hammer, first, count);
}

void world_dropped(struct world *w, u64 first, u64 count)
{
	if (!w->pinned)
		hammer_dropped(&hammer, first, count);
}

void world_go_round(void)
{
	hammer_wait(&hammer, hammer.pages + 1);
}

void world_page_out(struct world *w, u64 first, u64 count)
{
	int i;

	for (i = 0; i < 3; i++)
		test_check(!madvise(w->mem + first * w->page, count * w->page, MADV_PAGEOUT));
}
