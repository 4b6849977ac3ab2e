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
#define ISS_CM		BIT_ULL(8)
#define ISS_WNR		BIT_ULL(6)

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
static void access_complete(struct vcpu *vcpu, u64 data)
{
	struct exit_state *pending = &vcpu->pending;

	if (!pending->is_write) {
		data = mask_len(data, pending->len);
		if (pending->swap)
			data = swab_len(data, pending->len);
		if (pending->sign_extend)
			data = sign_extend64(data, pending->len * 8 - 1);
		if (!pending->reg64)
			data = (u32)data;
		vcpu_set_reg(vcpu, pending->rt, data);
	}
	skip_insn(vcpu);
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
	struct exit_state *pending = &vcpu->pending;
	u64 esr = vcpu->hyp->esr, data = 0;

	pending->rt = ISS_SRT(esr);
	pending->len = 1 << ISS_SAS(esr);
	pending->is_write = esr & ISS_WNR;
	pending->sign_extend = esr & ISS_SSE;
	pending->reg64 = esr & ISS_SF;
	pending->swap = data_is_big_endian(vcpu);
	if (pending->is_write)
		data = write_data(vcpu, pending->rt, pending->len, pending->swap);
	if (!readonly && gic_mmio(vcpu, ipa, pending->len, pending->is_write, &data)) {
		access_complete(vcpu, data);
		return 1;
	}
	vcpu->run->u.mmio = (struct armvcpu_exit_mmio) {
		.ipa = ipa,
		.data = data,
		.len = pending->len,
		.is_write = pending->is_write,
		.sign_extend = pending->sign_extend,
		.reg64 = pending->reg64,
		.reg = pending->rt,
		.readonly = readonly,
	};
	return exit_to_user(vcpu, ARMVCPU_EXIT_MMIO);
}

/**
 * mmio_complete() - the value of a read to its register, PC moves on
 * @vcpu: the vCPU.
 */
void mmio_complete(struct vcpu *vcpu)
{
	access_complete(vcpu, READ_ONCE(vcpu->run->u.mmio.data));
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
