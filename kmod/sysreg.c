// SPDX-License-Identifier: GPL-2.0
/*
 * Trapped system registers: the few that the module emulates, the ID registers
 * (idregs.c), and the way of the rest to the VMM.
 *
 * To emulate a register: a row in emulated[] and a function.
 */
#include <linux/bits.h>
#include <linux/bsearch.h>
#include <clocksource/arm_arch_timer.h>
#include <asm/cpufeature.h>
#include <asm/esr.h>
#include <asm/sysreg.h>

#include "kmod.h"

/* ---- registers that the module emulates -------------------------------- */

/*
 * Each returns false for an access that is UNDEFINED; a read stores into
 * *value, a write takes it from there.
 */
typedef bool (*sysreg_access)(struct vcpu *vcpu, bool write, u64 *value);

static bool undefined(struct vcpu *vcpu, bool write, u64 *value)
{
	return false;
}

/* Nothing in there is the guest's business, nor has it an effect. */
static bool raz_wi(struct vcpu *vcpu, bool write, u64 *value)
{
	if (!write)
		*value = 0;
	return true;
}

/* ISS: op0 21:20, op2 19:17, op1 16:14, CRn 13:10, Rt 9:5, CRm 4:1, read 0. */
static u32 encoding_of(u64 iss)
{
	return ARMVCPU_SYSREG(iss >> 20, iss >> 14, iss >> 10, iss >> 1, iss >> 17);
}

static bool debug(struct vcpu *vcpu, bool write, u64 *value)
{
	return debug_access(vcpu, encoding_of(vcpu->hyp->esr), write, value);
}

/* What a vCPU is, HCR_EL2.TID1. */
static bool revidr(struct vcpu *vcpu, bool write, u64 *value)
{
	*value = vcpu->revidr;
	return !write;
}

static bool aidr(struct vcpu *vcpu, bool write, u64 *value)
{
	*value = vcpu->aidr;
	return !write;
}

/*
 * Not trapped (CNTHCTL_EL2.EL1PCTEN), and the guest's as it is.  QEMU 7.2 goes by EL1PCEN,
 * which is the timer's, where EL0 reads it.
 */
static bool cntpct(struct vcpu *vcpu, bool write, u64 *value)
{
	*value = arch_timer_read_counter();
	return !write;
}

/* ---- caches ------------------------------------------------------------ */

/*
 * Where the host's CPUs have different caches, HCR_EL2.TID2 shows a guest what
 * holds for all of them: the smallest lines, and no geometry, which nobody needs
 * who maintains them by address.  By set and way it then finds a single line,
 * and one such operation is enough (set_way() below).
 */
static bool ctr(struct vcpu *vcpu, bool write, u64 *value)
{
	*value = el2_ctr();
	return !write;
}

static bool clidr(struct vcpu *vcpu, bool write, u64 *value)
{
	*value = el2_clidr();
	return !write;
}

static bool ccsidr(struct vcpu *vcpu, bool write, u64 *value)
{
	/* LineSize: log2 of the bytes, less 4.  CTR_EL0.DminLine: of the words. */
	*value = (el2_ctr() >> 16 & 0xf) - 2;
	return !write;
}

static bool csselr(struct vcpu *vcpu, bool write, u64 *value)
{
	if (write)
		vcpu_set_sys(vcpu, HYP_CSSELR_EL1, *value & GENMASK_ULL(3, 0));
	else
		*value = vcpu_sys(vcpu, HYP_CSSELR_EL1);
	return true;
}

/*
 * A guest that works with its caches off, or by set/way, means all caches
 * between it and memory; the hardware's operations by set/way reach those of
 * one CPU, which need not be the one it ran on before.  So, until its MMU and
 * data cache are on, the writes that turn them on and off trap (HCR_EL2.TVM),
 * and at each such moment, and at its first operation by set/way, all that it
 * has touched is cleaned to the PoC.
 */

/**
 * sysreg_caches_changed() - SCTLR_EL1 was written for the guest
 * @vcpu: the vCPU.
 */
void sysreg_caches_changed(struct vcpu *vcpu)
{
	if (vcpu_caches_on(vcpu))
		vcpu->hyp->hcr &= ~EL2_HCR_TVM;
	else
		vcpu->hyp->hcr |= EL2_HCR_TVM;
}

static bool set_way(struct vcpu *vcpu, bool write, u64 *value)
{
	if (!write)
		return false;
	/* More of them come, until the caches change. */
	if (!vcpu->cleaned || !(vcpu->hyp->hcr & EL2_HCR_TVM)) {
		stage2_clean(vcpu->vm);
		vcpu->hyp->hcr |= EL2_HCR_TVM;
		vcpu->cleaned = true;
	}
	return true;
}

static bool write_sctlr(struct vcpu *vcpu, bool write, u64 *value)
{
	bool were_on = vcpu_caches_on(vcpu);

	if (!write)
		return false;
	vcpu_set_sys(vcpu, HYP_SCTLR_EL1, *value);
	if (vcpu_caches_on(vcpu) != were_on)
		stage2_clean(vcpu->vm);
	vcpu->cleaned = false;
	sysreg_caches_changed(vcpu);
	return true;
}

/* The others that HCR_EL2.TVM traps. */
#define WRITE_VM_REGISTER(name)							\
static bool write_##name(struct vcpu *vcpu, bool write, u64 *value)		\
{										\
	if (write)								\
		vcpu_set_sys(vcpu, HYP_##name, *value);				\
	return write;								\
}

WRITE_VM_REGISTER(TTBR0_EL1)
WRITE_VM_REGISTER(TTBR1_EL1)
WRITE_VM_REGISTER(TCR_EL1)
WRITE_VM_REGISTER(AFSR0_EL1)
WRITE_VM_REGISTER(AFSR1_EL1)
WRITE_VM_REGISTER(ESR_EL1)
WRITE_VM_REGISTER(FAR_EL1)
WRITE_VM_REGISTER(MAIR_EL1)
WRITE_VM_REGISTER(AMAIR_EL1)
WRITE_VM_REGISTER(CONTEXTIDR_EL1)

/**
 * struct emulated_register - a range of encodings that does not go to the VMM
 * @first: ARMVCPU_SYSREG().
 * @last: the last one of the range; 0: a range of one.
 * @access: what it does.
 */
struct emulated_register {
	u16 first;
	u16 last;
	sysreg_access access;
};

/*
 * By encoding.  What the ID registers hide is undefined: besides what is named,
 * trace and profiling (op0 2; CRn 9), pointer authentication's keys if they are
 * hidden (CRn 2; if not, EL2 has them), GCS, RAS error records and TFSR (CRn 5),
 * PIR, POR, LOR (CRn 10), activity monitors (CRn 13), performance monitors (CRn 9
 * and 14).
 */
static const struct emulated_register emulated[] = {
	{ ARMVCPU_SYSREG(1, 0, 7, 6, 2), 0, set_way },		/* DC ISW */
	{ ARMVCPU_SYSREG(1, 0, 7, 10, 2), 0, set_way },		/* DC CSW */
	{ ARMVCPU_SYSREG(1, 0, 7, 14, 2), 0, set_way },		/* DC CISW */
	/* All but MDCCINT_EL1, OSDTRRX_EL1 and OSDTRTX_EL1, which are the VMM's. */
	{ ARMVCPU_SYSREG(2, 0, 0, 0, 4), ARMVCPU_SYSREG(2, 0, 0, 1, 7), debug },
	{ ARMVCPU_SYSREG(2, 0, 0, 2, 2), ARMVCPU_SYSREG(2, 0, 0, 3, 1), debug },
	{ ARMVCPU_SYSREG(2, 0, 0, 3, 4), ARMVCPU_SYSREG(2, 0, 7, 15, 7), debug },
	{ ARMVCPU_SYSREG(2, 0, 8, 0, 0), ARMVCPU_SYSREG(2, 1, 15, 15, 7), undefined },
	{ ARMVCPU_SYSREG(2, 3, 9, 0, 0), ARMVCPU_SYSREG(2, 3, 15, 15, 7), undefined },
	{ ARMVCPU_SYSREG(3, 0, 0, 0, 6), 0, revidr },
	{ ARMVCPU_SYSREG(3, 0, 1, 0, 0), 0, write_sctlr },
	{ ARMVCPU_SYSREG(3, 0, 1, 0, 1), 0, raz_wi },		/* ACTLR_EL1 */
	{ ARMVCPU_SYSREG(3, 0, 1, 0, 3), 0, undefined },		/* SCTLR2_EL1 */
	{ ARMVCPU_SYSREG(3, 0, 1, 0, 5), 0, undefined },		/* RGSR_EL1 */
	{ ARMVCPU_SYSREG(3, 0, 1, 0, 6), 0, undefined },		/* GCR_EL1 */
	{ ARMVCPU_SYSREG(3, 0, 1, 2, 1), ARMVCPU_SYSREG(3, 0, 1, 2, 3), undefined }, /* TRFCR_EL1 */
	{ ARMVCPU_SYSREG(3, 0, 2, 0, 0), 0, write_TTBR0_EL1 },
	{ ARMVCPU_SYSREG(3, 0, 2, 0, 1), 0, write_TTBR1_EL1 },
	{ ARMVCPU_SYSREG(3, 0, 2, 0, 2), 0, write_TCR_EL1 },
	{ ARMVCPU_SYSREG(3, 0, 2, 0, 3), 0, undefined },		/* TCR2_EL1 */
	{ ARMVCPU_SYSREG(3, 0, 2, 1, 0), ARMVCPU_SYSREG(3, 0, 2, 3, 1), undefined },
	{ ARMVCPU_SYSREG(3, 0, 2, 5, 0), ARMVCPU_SYSREG(3, 0, 2, 5, 2), undefined },
	{ ARMVCPU_SYSREG(3, 0, 5, 1, 0), 0, write_AFSR0_EL1 },
	{ ARMVCPU_SYSREG(3, 0, 5, 1, 1), 0, write_AFSR1_EL1 },
	{ ARMVCPU_SYSREG(3, 0, 5, 2, 0), 0, write_ESR_EL1 },
	{ ARMVCPU_SYSREG(3, 0, 5, 3, 0), ARMVCPU_SYSREG(3, 0, 5, 5, 7), undefined },
	{ ARMVCPU_SYSREG(3, 0, 5, 6, 0), ARMVCPU_SYSREG(3, 0, 5, 6, 1), undefined },
	{ ARMVCPU_SYSREG(3, 0, 6, 0, 0), 0, write_FAR_EL1 },
	{ ARMVCPU_SYSREG(3, 0, 9, 9, 0), ARMVCPU_SYSREG(3, 0, 9, 15, 7), undefined },
	{ ARMVCPU_SYSREG(3, 0, 10, 2, 0), 0, write_MAIR_EL1 },
	{ ARMVCPU_SYSREG(3, 0, 10, 2, 1), 0, undefined },	/* MAIR2_EL1 */
	{ ARMVCPU_SYSREG(3, 0, 10, 2, 2), ARMVCPU_SYSREG(3, 0, 10, 2, 5), undefined },
	{ ARMVCPU_SYSREG(3, 0, 10, 3, 0), 0, write_AMAIR_EL1 },
	{ ARMVCPU_SYSREG(3, 0, 10, 3, 1), 0, undefined },	/* AMAIR2_EL1 */
	{ ARMVCPU_SYSREG(3, 0, 10, 4, 0), ARMVCPU_SYSREG(3, 0, 10, 4, 7), undefined },
	{ ARMVCPU_SYSREG(3, 0, 10, 5, 0), ARMVCPU_SYSREG(3, 0, 10, 5, 7), undefined }, /* MPAM */
	{ ARMVCPU_SYSREG(3, 0, 13, 0, 1), 0, write_CONTEXTIDR_EL1 },
	{ ARMVCPU_SYSREG(3, 0, 13, 0, 5), 0, undefined },		/* ACCDATA_EL1 */
	{ ARMVCPU_SYSREG(3, 0, 13, 0, 7), 0, undefined },		/* SCXTNUM_EL1 */
	{ ARMVCPU_SYSREG(3, 1, 0, 0, 0), 0, ccsidr },
	{ ARMVCPU_SYSREG(3, 1, 0, 0, 1), 0, clidr },
	{ ARMVCPU_SYSREG(3, 1, 0, 0, 2), 0, undefined },		/* CCSIDR2_EL1 */
	{ ARMVCPU_SYSREG(3, 1, 0, 0, 4), 0, undefined },		/* GMID_EL1 */
	{ ARMVCPU_SYSREG(3, 1, 0, 0, 6), 0, undefined },		/* SMIDR_EL1 */
	{ ARMVCPU_SYSREG(3, 1, 0, 0, 7), 0, aidr },
	{ ARMVCPU_SYSREG(3, 2, 0, 0, 0), 0, csselr },
	{ ARMVCPU_SYSREG(3, 3, 0, 0, 1), 0, ctr },
	{ ARMVCPU_SYSREG(3, 3, 9, 0, 0), ARMVCPU_SYSREG(3, 3, 9, 15, 7), undefined },
	{ ARMVCPU_SYSREG(3, 3, 10, 2, 4), 0, undefined },	/* POR_EL0 */
	{ ARMVCPU_SYSREG(3, 3, 13, 0, 5), 0, undefined },		/* TPIDR2_EL0 */
	{ ARMVCPU_SYSREG(3, 3, 13, 0, 7), 0, undefined },		/* SCXTNUM_EL0 */
	{ ARMVCPU_SYSREG(3, 3, 13, 2, 0), ARMVCPU_SYSREG(3, 3, 13, 15, 7), undefined },
	{ ARMVCPU_SYSREG(3, 3, 14, 0, 1), 0, cntpct },
	{ ARMVCPU_SYSREG(3, 3, 14, 8, 0), ARMVCPU_SYSREG(3, 3, 14, 15, 7), undefined },
};

static int compare(const void *key, const void *element)
{
	const struct emulated_register *reg = element;
	u32 encoding = *(const u32 *)key;

	if (encoding < reg->first)
		return -1;
	return encoding > (reg->last ?: reg->first);
}

/* ICC_*: ICC_PMR_EL1, and CRn 12 from ICC_IAR0_EL1 on. */
static bool is_gic(u32 encoding)
{
	return encoding == ARMVCPU_SYSREG(3, 0, 4, 6, 0) ||
	       (encoding >= ARMVCPU_SYSREG(3, 0, 12, 8, 0) &&
		encoding <= ARMVCPU_SYSREG(3, 0, 12, 12, 7));
}

/**
 * sysreg_exit() - a trapped MRS, MSR, SYS or SYSL
 * @vcpu: the vCPU.
 *
 * Return: as an exit_handler.
 */
int sysreg_exit(struct vcpu *vcpu)
{
	u64 iss = vcpu->hyp->esr, value = 0;
	u32 encoding = encoding_of(iss);
	bool write = !(iss & 1);
	u8 rt = iss >> 5 & 31;
	const struct emulated_register *reg;

	if (!write && idregs_get(vcpu->vm, encoding, &value)) {
		vcpu_set_reg(vcpu, rt, value);
		skip_insn(vcpu);
		return 1;
	}
	if (write)
		value = vcpu_reg(vcpu, rt);
	if (vcpu->vm->gic && is_gic(encoding)) {
		if (!gic_sysreg(vcpu, encoding, write, &value)) {
			inject_undef(vcpu);
			return 1;
		}
		goto done;
	}
	if (vcpu->vm->gic && timer_sysreg(vcpu, encoding, write, &value))
		goto done;
	reg = bsearch(&encoding, emulated, ARRAY_SIZE(emulated), sizeof(emulated[0]), compare);
	if (reg) {
		if (!reg->access(vcpu, write, &value)) {
			inject_undef(vcpu);
			return 1;
		}
		goto done;
	}

	vcpu->pending.rt = rt;
	vcpu->pending.is_write = write;
	vcpu->run->u.sysreg = (struct armvcpu_exit_sysreg) {
		.reg = encoding,
		.is_write = write,
		.rt = rt,
		.data = value,
	};
	return exit_to_user(vcpu, ARMVCPU_EXIT_SYSREG);

done:
	if (!write)
		vcpu_set_reg(vcpu, rt, value);
	skip_insn(vcpu);
	return 1;
}

/**
 * sysreg_complete() - the value of a read to its register, PC moves on
 * @vcpu: the vCPU.
 */
void sysreg_complete(struct vcpu *vcpu)
{
	if (!vcpu->pending.is_write)
		vcpu_set_reg(vcpu, vcpu->pending.rt, READ_ONCE(vcpu->run->u.sysreg.data));
	skip_insn(vcpu);
}
