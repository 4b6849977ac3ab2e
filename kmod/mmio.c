// SPDX-License-Identifier: GPL-2.0
/*
 * Accesses to guest physical addresses without memory.
 */
#include <linux/bitops.h>
#include <linux/swab.h>
#include <asm/esr.h>
#include <asm/sysreg.h>

#include "kmod.h"

/* ISS of a data abort with a valid syndrome (Arm ARM, ESR_ELx). */
#define ISS_SAS(esr)	((esr) >> 22 & 3)
#define ISS_SSE		BIT_ULL(21)
#define ISS_SRT(esr)	((esr) >> 16 & 31)
#define ISS_SF		BIT_ULL(15)

#define SCTLR_E0E	BIT_ULL(24)
#define SCTLR_EE	BIT_ULL(25)
#define PAR_F		BIT_ULL(0)
#define PAR_PA		GENMASK_ULL(51, 12)

static bool data_is_big_endian(struct vcpu *vcpu)
{
	u64 sctlr = vcpu_sys(vcpu, HYP_SCTLR_EL1);

	if (vcpu_aarch32(vcpu))
		return vcpu->hyp->pstate & PSR_AA32_E_BIT;
	return sctlr & (vcpu_user(vcpu) ? SCTLR_E0E : SCTLR_EE);
}

static u64 swab_len(u64 data, unsigned int len)
{
	switch (len) {
	case 2:
		return swab16(data);
	case 4:
		return swab32(data);
	case 8:
		return swab64(data);
	}
	return data;
}

static u64 mask_len(u64 data, unsigned int len)
{
	return data & GENMASK_ULL(len * 8 - 1, 0);
}

/* The value of a read to its register, PC moves on. */
static __always_inline void access_complete(struct vcpu *vcpu, u64 data)
{
	u64 esr = vcpu->pending.esr;
	unsigned int len = 1 << ISS_SAS(esr);

	if (!(esr & ISS_WNR)) {
		data = mask_len(data, len);
		if (esr & ISS_SSE)
			data = sign_extend64(data, len * 8 - 1);
		if (!(esr & ISS_SF))
			data = (u32)data;
		vcpu_set_reg(vcpu, ISS_SRT(esr), data);
	}
	skip_insn(vcpu);
}

/* The same of a big-endian access: apart, so that nobody else pays for it. */
static noinline void access_complete_swapped(struct vcpu *vcpu, u64 data)
{
	access_complete(vcpu, swab_len(data, 1 << ISS_SAS(vcpu->pending.esr)));
}

/* What a store puts on the bus, in little-endian order. */
static u64 write_data(struct vcpu *vcpu, unsigned int rt, unsigned int len, bool swap)
{
	u64 data = mask_len(vcpu_reg(vcpu, rt), len);

	return swap ? swab_len(data, len) : data;
}

/**
 * mmio_signal() - does an eventfd wait for this write?
 * @vcpu: the vCPU; its VM's slots_lock is held.
 * @ipa: guest physical address, where no memory is.
 *
 * The syndrome describes the write.
 *
 * Return: true if it has been signalled: the guest goes on.
 */
bool mmio_signal(struct vcpu *vcpu, u64 ipa)
{
	u64 esr = vcpu->hyp->esr;
	unsigned int len = 1 << ISS_SAS(esr);
	u64 data = write_data(vcpu, ISS_SRT(esr), len, data_is_big_endian(vcpu));

	return ioeventfd_signal(vcpu->vm, ipa, len, data);
}

/* To the VMM; @data is what a write puts on the bus. */
static __always_inline int to_user(struct vcpu *vcpu, u64 ipa, bool readonly, bool swap,
				   u64 data)
{
	u64 esr = vcpu->hyp->esr;

	vcpu->pending.swap = swap;
	vcpu->run->u.mmio = (struct armvcpu_exit_mmio) {
		.ipa = ipa,
		.data = data,
		.len = 1 << ISS_SAS(esr),
		.is_write = !!(esr & ISS_WNR),
		.sign_extend = !!(esr & ISS_SSE),
		.reg64 = !!(esr & ISS_SF),
		.reg = ISS_SRT(esr),
		.readonly = readonly,
	};
	return exit_to_user_inline(vcpu, ARMVCPU_EXIT_MMIO);
}

/* What a write puts on the bus; zero for a read. */
static __always_inline u64 bus_data(struct vcpu *vcpu, bool swap)
{
	u64 esr = vcpu->hyp->esr;

	if (!(esr & ISS_WNR))
		return 0;
	return write_data(vcpu, ISS_SRT(esr), 1 << ISS_SAS(esr), swap);
}

static noinline int to_user_swapped(struct vcpu *vcpu, u64 ipa)
{
	return to_user(vcpu, ipa, false, true, bus_data(vcpu, true));
}

/**
 * mmio_to_user() - an access that the syndrome describes, where only the VMM has something
 * @vcpu: the vCPU.
 * @ipa: guest physical address.
 *
 * Return: as an exit_handler.
 */
int mmio_to_user(struct vcpu *vcpu, u64 ipa)
{
	if (unlikely(data_is_big_endian(vcpu)))
		return to_user_swapped(vcpu, ipa);
	return to_user(vcpu, ipa, false, false, bus_data(vcpu, false));
}

/**
 * mmio_exit() - an access that the syndrome describes
 * @vcpu: the vCPU.
 * @ipa: guest physical address.
 * @readonly: a write to a read-only slot.
 *
 * Return: as an exit_handler.
 */
int mmio_exit(struct vcpu *vcpu, u64 ipa, bool readonly)
{
	bool swap = data_is_big_endian(vcpu);
	u64 esr = vcpu->hyp->esr, data = bus_data(vcpu, swap);
	int ret;

	vcpu->pending.swap = swap;
	ret = readonly ? 0 : gic_mmio(vcpu, ipa, 1 << ISS_SAS(esr), esr & ISS_WNR, &data);
	if (!ret)
		return to_user(vcpu, ipa, readonly, swap, data);
	/* Or the instruction is done again. */
	if (ret > 0) {
		if (swap)
			access_complete_swapped(vcpu, data);
		else
			access_complete(vcpu, data);
	}
	return 1;
}

/**
 * mmio_note_page() - nothing is at an address: remember that, and of its page
 * @vcpu: the vCPU; its VM's slots_lock is held.
 * @ipa: guest physical address, where no memory is.
 */
void mmio_note_page(struct vcpu *vcpu, u64 ipa)
{
	struct vm *vm = vcpu->vm;
	struct mmio_note *note = &vcpu->mmio[MMIO_NOTE(ipa)];
	u64 page = ipa & ~4095ULL;

	if (gic_overlaps(vm, page, 4096))
		return;
	note->page = page;
	note->layout = vm->layout;
	note->eventfds = ioeventfd_overlaps(vm, page, 4096);
}

/**
 * mmio_complete() - the value of a read to its register, PC moves on
 * @vcpu: the vCPU.
 */
void mmio_complete(struct vcpu *vcpu)
{
	u64 data = READ_ONCE(vcpu->run->u.mmio.data);

	if (unlikely(vcpu->pending.swap))
		access_complete_swapped(vcpu, data);
	else
		access_complete(vcpu, data);
}

/* The instruction at PC, where EL2 has found PC in guest memory. */
static bool fetch(struct vcpu *vcpu, u32 *insn)
{
	u64 pc = vcpu->hyp->pc, par = vcpu->hyp->insn_pa, ipa;
	u32 first;
	__le16 half;
	__le32 word;

	if (par & PAR_F)
		return false;
	ipa = (par & PAR_PA) | (pc & 0xfff);
	if (!vcpu_aarch32(vcpu) || !(vcpu->hyp->pstate & PSR_AA32_T_BIT)) {
		if (memslot_read(vcpu->vm, ipa & ~3ULL, &word, 4))
			return false;
		*insn = le32_to_cpu(word);
		return true;
	}
	/* T32: the first halfword in the upper half of a wide instruction. */
	if (memslot_read(vcpu->vm, ipa & ~1ULL, &half, 2))
		return false;
	first = le16_to_cpu(half);
	if (first >> 11 < 0x1d) {
		*insn = first;
		return true;
	}
	/* The second one may lie on another page, which nobody translated. */
	if ((pc & 0xfff) == 0xffe || memslot_read(vcpu->vm, (ipa & ~1ULL) + 2, &half, 2))
		return false;
	*insn = first << 16 | le16_to_cpu(half);
	return true;
}

/**
 * abort_exit() - an access that the syndrome does not describe
 * @vcpu: the vCPU.
 *
 * Return: 0.
 */
int abort_exit(struct vcpu *vcpu)
{
	struct armvcpu_exit_abort exit = { 0 };
	u64 esr = vcpu->hyp->esr;

	exit.ipa = vcpu->hyp->hpfar >> 4 << 12 | (vcpu->hyp->far & 0xfff);
	if (esr & ISS_WNR)
		exit.flags |= ARMVCPU_ABORT_WRITE;
	if (esr & ISS_CM)
		exit.flags |= ARMVCPU_ABORT_CACHE_OP;
	if (vcpu_aarch32(vcpu))
		exit.flags |= ARMVCPU_ABORT_AARCH32;
	if (vcpu_user(vcpu))
		exit.flags |= ARMVCPU_ABORT_USER;
	down_read(&vcpu->vm->slots_lock);
	if (memslot_find(vcpu->vm, exit.ipa))
		exit.flags |= ARMVCPU_ABORT_READONLY;
	up_read(&vcpu->vm->slots_lock);
	if (fetch(vcpu, &exit.insn))
		exit.flags |= ARMVCPU_ABORT_INSN_VALID;
	vcpu->run->u.abort = exit;
	exit_to_user(vcpu, ARMVCPU_EXIT_ABORT);
	/* Without a valid syndrome IL is set for a T32 instruction of 16 bits, too. */
	if (exit.flags & ARMVCPU_ABORT_INSN_VALID && vcpu_aarch32(vcpu) &&
	    vcpu->hyp->pstate & PSR_AA32_T_BIT && !(exit.insn >> 16))
		vcpu->pending.esr &= ~(u64)ESR_ELx_IL;
	return 0;
}
