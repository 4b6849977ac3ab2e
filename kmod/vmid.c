// SPDX-License-Identifier: GPL-2.0
/*
 * VMIDs: the VMs' numbers in the TLBs.
 *
 * There may be more VMs than numbers.  A VM gets one when a vCPU of it is about to run,
 * the next that nobody has had.  When all have been given out, a new generation begins:
 * all guests come out, the TLBs are emptied, and whoever goes in again takes a new number.
 *
 * Where it is looked at is vcpu_load(), which a vCPU comes to before its first slice on a
 * CPU and after vcpu_unload(): a slice begins with interrupts off, and the interrupt that
 * makes it begin anew cannot come between the look and the guest.
 */
#include <linux/bits.h>
#include <linux/mutex.h>
#include <linux/smp.h>
#include <asm/barrier.h>

#include "kmod.h"

/* The lock is of all here. */
static DEFINE_MUTEX(vmid_lock);
static u64 generation = 1;
/* 0 is the host's. */
static u32 next_vmid = 1;

/**
 * vmid_is_current() - has a VM a number of this generation?
 * @vm: the VM.
 *
 * Interrupts are off; it holds until they are on.
 */
bool vmid_is_current(const struct vm *vm)
{
	/* Pairs with vmid_take(). */
	return smp_load_acquire(&vm->vmid_generation) == READ_ONCE(generation);
}

static void look_again(void *unused)
{
	vcpu_unload();
}

static void begin_generation(void)
{
	WRITE_ONCE(generation, generation + 1);
	next_vmid = 1;
	/* Out of the guest, and not in again without having seen that. */
	on_each_cpu(look_again, NULL, 1);
	el2_call_any(HYP_CALL_TLBI_ALL, 0, 0, 0, 0);
}

/**
 * vmid_take() - give a VM a number, if it has none
 * @vm: the VM.
 *
 * May sleep.
 */
void vmid_take(struct vm *vm)
{
	mutex_lock(&vmid_lock);
	if (vm->vmid_generation != generation) {
		if (next_vmid >> stage2_vmid_bits())
			begin_generation();
		WRITE_ONCE(vm->vttbr, stage2_vttbr(vm, next_vmid++));
		/* Mirrored in vttbr_in_tlbs(): it sees this, or the guest what it has changed. */
		dsb(ish);
		/* After its number: vmid_is_current(). */
		smp_store_release(&vm->vmid_generation, generation);
	}
	mutex_unlock(&vmid_lock);
}
