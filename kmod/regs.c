// SPDX-License-Identifier: GPL-2.0
/*
 * Registers for the VMM: the general ones and FP in bulk, any one by its id,
 * and the list of the ids.  The list of system registers is that of the world
 * switch (hyp/sysregs.def).
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>

#include "kmod.h"

/* Condition flags and QC, exception bits: what FPSR has. */
#define FPSR_MASK	0xf800009fULL
/*
 * AHP, DN, FZ, RMode, Stride, FZ16, Len, exception enables; FEAT_EBF16;
 * FEAT_AFP.  Stride and Len are for AArch32, and not RES0 on all cores.
 */
#define FPCR_MASK	0x07ff9f00ULL
#define FPCR_EBF16	BIT_ULL(13)
#define FPCR_AFP	GENMASK_ULL(2, 0)

#define CORE_SP_EL0	31
#define CORE_SP_EL1	32
#define CORE_PC		33
#define CORE_PSTATE	34
#define CORE_ELR_EL1	35
#define CORE_SPSR_EL1	36
#define NR_CORE		37
#define NR_FP		66
#define TIMER_CNTVOFF		0
#define TIMER_STOLEN_TIME	1

/* Emulated ones that are part of the state. */
#define MIDR_EL1	ARMVCPU_SYSREG(3, 0, 0, 0, 0)
#define MPIDR_EL1	ARMVCPU_SYSREG(3, 0, 0, 0, 5)
#define CNTP_CTL_EL0	ARMVCPU_SYSREG(3, 3, 14, 2, 1)
#define CNTP_CVAL_EL0	ARMVCPU_SYSREG(3, 3, 14, 2, 2)
#define REVIDR_EL1	ARMVCPU_SYSREG(3, 0, 0, 0, 6)
#define AIDR_EL1	ARMVCPU_SYSREG(3, 1, 0, 0, 7)
#define CTR_EL0		ARMVCPU_SYSREG(3, 3, 0, 0, 1)
#define MPIDR_RES1	BIT_ULL(31)

static bool pstate_is_valid(u64 pstate)
{
	if (pstate & PSR_MODE32_BIT) {
		/* Only EL0, and only if this machine can; 63:32 do not exist. */
		return has_aarch32_el0() && !(pstate >> 32) &&
		       (pstate & PSR_AA32_MODE_MASK) == PSR_AA32_MODE_USR;
	}
	if (pstate & ~(pstate_mask() | PSR_MODE_MASK))
		return false;
	switch (pstate & PSR_MODE_MASK) {
	case PSR_MODE_EL0t:
	case PSR_MODE_EL1t:
	case PSR_MODE_EL1h:
		return true;
	}
	return false;
}

/* What a guest can have in FPCR on this machine. */
static u64 fpcr_mask(void)
{
	u64 mask = FPCR_MASK;

	if (read_sanitised_ftr_reg(SYS_ID_AA64MMFR1_EL1) >> 44 & 0xf)
		mask |= FPCR_AFP;
	if ((read_sanitised_ftr_reg(SYS_ID_AA64ISAR1_EL1) >> 44 & 0xf) > 1)
		mask |= FPCR_EBF16;
	return mask;
}

/* ---- one register ------------------------------------------------------ */

/* System registers that a guest reads and writes without a trap. */
static const u32 sys_encodings[HYP_NR_SYSREGS] = {
#define SYSREG(name, op0, op1, crn, crm, op2, reset) \
	[HYP_##name] = ARMVCPU_SYSREG(op0, op1, crn, crm, op2),
#include "hyp/sysregs.def"
};

/* These four have an id of the CORE class, and only that. */
static bool is_core(enum hyp_sysreg reg)
{
	return reg == HYP_SP_EL0 || reg == HYP_SP_EL1 || reg == HYP_ELR_EL1 ||
	       reg == HYP_SPSR_EL1;
}

static u64 *sys_slot(struct vcpu *vcpu, u32 encoding)
{
	int i;

	for (i = 0; i < HYP_NR_SYSREGS; i++)
		if (sys_encodings[i] == encoding && !is_core(i))
			return &vcpu->hyp->sys[i];
	return NULL;
}

/* Keys of pointer authentication; there are none if the VM has none. */
static const u32 pauth_encodings[HYP_NR_PAUTHREGS] = {
#define PAUTHREG(name, op0, op1, crn, crm, op2) \
	[HYP_##name] = ARMVCPU_SYSREG(op0, op1, crn, crm, op2),
#include "hyp/pauthregs.def"
#undef PAUTHREG
};

static u64 *pauth_slot(struct vcpu *vcpu, u32 encoding)
{
	int i;

	for (i = 0; i < HYP_NR_PAUTHREGS; i++)
		if (pauth_encodings[i] == encoding && idregs_has_pauth(vcpu->vm))
			return &vcpu->hyp->pauth[i];
	return NULL;
}

/* What the vCPU is, as a core: the VMM can make it another one. */
static u64 *identity_slot(struct vcpu *vcpu, u32 encoding)
{
	switch (encoding) {
	case MIDR_EL1:
		return &vcpu->hyp->vpidr;
	case REVIDR_EL1:
		return &vcpu->revidr;
	case AIDR_EL1:
		return &vcpu->aidr;
	}
	return NULL;
}

static int write_identity(struct vcpu *vcpu, u64 *slot, u64 value)
{
	/* MIDR_EL1 has 32 bits. */
	if (slot == &vcpu->hyp->vpidr && value >> 32)
		return -EINVAL;
	if (value != *slot && vcpu->configured)
		return -EBUSY;
	*slot = value;
	return 0;
}

static int read_sys(struct vcpu *vcpu, u32 encoding, u64 *value)
{
	u64 *slot = sys_slot(vcpu, encoding) ?: identity_slot(vcpu, encoding) ?:
		    pauth_slot(vcpu, encoding);

	if (slot)
		*value = *slot;
	else if (encoding == MPIDR_EL1)
		*value = vcpu->mpidr | MPIDR_RES1;
	else if (encoding == CTR_EL0)
		*value = el2_ctr();
	else if (!timer_get(vcpu, encoding, value) && !debug_get(vcpu, encoding, value) &&
		 !idregs_get(vcpu->vm, encoding, value))
		return -ENOENT;
	return 0;
}

static int write_sys(struct vcpu *vcpu, u32 encoding, u64 value)
{
	u64 *slot = sys_slot(vcpu, encoding), now;
	int ret;

	if (slot) {
		*slot = value;
		/*
		 * Whether the guest's next writes have to be seen (sysreg.c).
		 * Memory is the VMM's to care for: it sets registers of a guest
		 * that starts, or that it brings in from elsewhere.
		 */
		if (slot == &vcpu->hyp->sys[HYP_SCTLR_EL1]) {
			sysreg_caches_changed(vcpu);
			vcpu->cleaned = false;
		}
		if (slot == &vcpu->hyp->sys[HYP_CNTV_CTL_EL0] ||
		    slot == &vcpu->hyp->sys[HYP_CNTV_CVAL_EL0])
			timer_vtimer_set(vcpu);
		return 0;
	}
	if (timer_set(vcpu, encoding, value))
		return 0;
	slot = pauth_slot(vcpu, encoding);
	if (slot) {
		*slot = value;
		return 0;
	}
	slot = identity_slot(vcpu, encoding);
	if (slot)
		return write_identity(vcpu, slot, value);
	ret = idregs_set(vcpu->vm, encoding, value);
	if (ret == -ENOENT)
		ret = debug_set(vcpu, encoding, value);
	if (ret != -ENOENT)
		return ret;
	/* Read-only: setting it to what it is does no harm. */
	if (read_sys(vcpu, encoding, &now))
		return -ENOENT;
	return value == now ? 0 : -EINVAL;
}

static u64 *core_slot(struct vcpu *vcpu, u32 n)
{
	struct hyp_vcpu *hyp = vcpu->hyp;

	if (n < 31)
		return &vcpu->run->x[n];
	switch (n) {
	case CORE_SP_EL0:
		return &hyp->sys[HYP_SP_EL0];
	case CORE_SP_EL1:
		return &hyp->sys[HYP_SP_EL1];
	case CORE_PC:
		return &hyp->pc;
	case CORE_PSTATE:
		return &hyp->pstate;
	case CORE_ELR_EL1:
		return &hyp->sys[HYP_ELR_EL1];
	case CORE_SPSR_EL1:
		return &hyp->sys[HYP_SPSR_EL1];
	}
	return NULL;
}

static int write_core(struct vcpu *vcpu, u32 n, u64 value)
{
	u64 *slot = core_slot(vcpu, n);

	if (!slot)
		return -ENOENT;
	if (n == CORE_PSTATE && !pstate_is_valid(value))
		return -EINVAL;
	WRITE_ONCE(*slot, value);
	/* The guest goes on there, whatever it was doing. */
	if (n == CORE_PC)
		exit_drop(vcpu);
	return 0;
}

static u64 *fp_slot(struct vcpu *vcpu, u32 n)
{
	struct hyp_fp *fp = &vcpu->hyp->fp;

	if (n < 64)
		return &fp->v[n / 2][n % 2];
	return n == 64 ? &fp->fpsr : n == 65 ? &fp->fpcr : NULL;
}

static int write_fp(struct vcpu *vcpu, u32 n, u64 value)
{
	u64 *slot = fp_slot(vcpu, n);

	if (!slot)
		return -ENOENT;
	if ((n == 64 && value & ~FPSR_MASK) || (n == 65 && value & ~fpcr_mask()))
		return -EINVAL;
	*slot = value;
	return 0;
}

static int get_one(struct vcpu *vcpu, u32 id, u64 *value)
{
	u32 n = id & ~ARMVCPU_REG_CLASS_MASK;
	u64 *slot = NULL;

	switch (id & ARMVCPU_REG_CLASS_MASK) {
	case ARMVCPU_REG_CLASS_SYS:
		return read_sys(vcpu, n, value);
	case ARMVCPU_REG_CLASS_CORE:
		slot = core_slot(vcpu, n);
		break;
	case ARMVCPU_REG_CLASS_FP:
		slot = fp_slot(vcpu, n);
		break;
	case ARMVCPU_REG_CLASS_TIMER:
		slot = n == TIMER_CNTVOFF ? &vcpu->vm->hyp->cntvoff :
		       n == TIMER_STOLEN_TIME ? &vcpu->hyp->pvtime : NULL;
		break;
	}
	if (!slot)
		return -ENOENT;
	*value = READ_ONCE(*slot);
	return 0;
}

static int set_one(struct vcpu *vcpu, u32 id, u64 value)
{
	u32 n = id & ~ARMVCPU_REG_CLASS_MASK;

	switch (id & ARMVCPU_REG_CLASS_MASK) {
	case ARMVCPU_REG_CLASS_SYS:
		return write_sys(vcpu, n, value);
	case ARMVCPU_REG_CLASS_CORE:
		return write_core(vcpu, n, value);
	case ARMVCPU_REG_CLASS_FP:
		return write_fp(vcpu, n, value);
	case ARMVCPU_REG_CLASS_TIMER:
		if (n == TIMER_STOLEN_TIME)
			return pvtime_set(vcpu, value);
		if (n != TIMER_CNTVOFF)
			return -ENOENT;
		WRITE_ONCE(vcpu->vm->hyp->cntvoff, value);
		timer_offset_set(vcpu->vm);
		return 0;
	}
	return -ENOENT;
}

static long ioctl_get_one(struct vcpu *vcpu, void __user *argp)
{
	struct armvcpu_one_reg reg;
	int ret;

	if (copy_from_user(&reg, argp, sizeof(reg)))
		return -EFAULT;
	if (reg.flags)
		return -EINVAL;
	ret = get_one(vcpu, reg.id, &reg.value);
	if (ret)
		return ret;
	return copy_to_user(argp, &reg, sizeof(reg)) ? -EFAULT : 0;
}

static long ioctl_set_one(struct vcpu *vcpu, void __user *argp)
{
	struct armvcpu_one_reg reg;

	if (copy_from_user(&reg, argp, sizeof(reg)))
		return -EFAULT;
	if (reg.flags)
		return -EINVAL;
	return set_one(vcpu, reg.id, reg.value);
}

/* ---- the list ---------------------------------------------------------- */

static u32 list_registers(struct vcpu *vcpu, u32 *ids, u32 room)
{
	u32 n = 0, i, first;

#define ADD(id) do { if (n < room) ids[n] = (id); n++; } while (0)
	for (i = 0; i < NR_CORE; i++)
		ADD(ARMVCPU_REG_CLASS_CORE | i);
	for (i = 0; i < HYP_NR_SYSREGS; i++)
		if (!is_core(i))
			ADD(ARMVCPU_REG_CLASS_SYS | sys_encodings[i]);
	for (i = 0; i < HYP_NR_PAUTHREGS && idregs_has_pauth(vcpu->vm); i++)
		ADD(ARMVCPU_REG_CLASS_SYS | pauth_encodings[i]);
	ADD(ARMVCPU_REG_CLASS_SYS | MIDR_EL1);
	ADD(ARMVCPU_REG_CLASS_SYS | MPIDR_EL1);
	ADD(ARMVCPU_REG_CLASS_SYS | CNTP_CVAL_EL0);
	ADD(ARMVCPU_REG_CLASS_SYS | CNTP_CTL_EL0);
	ADD(ARMVCPU_REG_CLASS_SYS | REVIDR_EL1);
	ADD(ARMVCPU_REG_CLASS_SYS | AIDR_EL1);
	ADD(ARMVCPU_REG_CLASS_SYS | CTR_EL0);
	first = n;
	n += idregs_list(ids + min(n, room), room - min(n, room));
	n += debug_list(vcpu, ids + min(n, room), room - min(n, room));
	for (i = first; i < min(n, room); i++)
		ids[i] |= ARMVCPU_REG_CLASS_SYS;
	for (i = 0; i < NR_FP; i++)
		ADD(ARMVCPU_REG_CLASS_FP | i);
	ADD(ARMVCPU_REG_CNTVOFF);
	if (pvtime_supported())
		ADD(ARMVCPU_REG_STOLEN_TIME);
#undef ADD
	return n;
}

static long ioctl_list(struct vcpu *vcpu, void __user *argp)
{
	struct armvcpu_reg_list list;
	u32 room, *ids;
	long ret = 0;

	if (copy_from_user(&list, argp, sizeof(list)))
		return -EFAULT;
	if (list.flags)
		return -EINVAL;
	room = list.count;
	list.count = list_registers(vcpu, NULL, 0);
	if (room < list.count) {
		if (copy_to_user(argp, &list, sizeof(list)))
			return -EFAULT;
		return -E2BIG;
	}
	ids = kcalloc(list.count, sizeof(*ids), GFP_KERNEL_ACCOUNT);
	if (!ids)
		return -ENOMEM;
	/* Another vCPU may have lowered ID registers meanwhile, and with them their number. */
	list.count = min(list_registers(vcpu, ids, list.count), list.count);
	if (copy_to_user(u64_to_user_ptr(list.ids), ids, list.count * sizeof(*ids)) ||
	    copy_to_user(argp, &list, sizeof(list)))
		ret = -EFAULT;
	kfree(ids);
	return ret;
}

/* ---- in bulk ----------------------------------------------------------- */

static long ioctl_get_core(struct vcpu *vcpu, void __user *argp)
{
	struct armvcpu_core_regs regs;
	int i;

	for (i = 0; i < 31; i++)
		regs.x[i] = vcpu_reg(vcpu, i);
	regs.sp_el0 = vcpu_sys(vcpu, HYP_SP_EL0);
	regs.sp_el1 = vcpu_sys(vcpu, HYP_SP_EL1);
	regs.pc = vcpu->hyp->pc;
	regs.pstate = vcpu->hyp->pstate;
	return copy_to_user(argp, &regs, sizeof(regs)) ? -EFAULT : 0;
}

static long ioctl_set_core(struct vcpu *vcpu, void __user *argp)
{
	struct armvcpu_core_regs regs;
	int i;

	if (copy_from_user(&regs, argp, sizeof(regs)))
		return -EFAULT;
	if (!pstate_is_valid(regs.pstate))
		return -EINVAL;
	exit_drop(vcpu);
	for (i = 0; i < 31; i++)
		vcpu_set_reg(vcpu, i, regs.x[i]);
	vcpu_set_sys(vcpu, HYP_SP_EL0, regs.sp_el0);
	vcpu_set_sys(vcpu, HYP_SP_EL1, regs.sp_el1);
	vcpu->hyp->pc = regs.pc;
	vcpu->hyp->pstate = regs.pstate;
	return 0;
}

static long ioctl_get_fp(struct vcpu *vcpu, void __user *argp)
{
	const struct hyp_fp *fp = &vcpu->hyp->fp;
	struct armvcpu_fp_regs regs = { .fpsr = fp->fpsr, .fpcr = fp->fpcr };

	BUILD_BUG_ON(sizeof(regs.v) != sizeof(fp->v));
	memcpy(regs.v, fp->v, sizeof(regs.v));
	return copy_to_user(argp, &regs, sizeof(regs)) ? -EFAULT : 0;
}

static long ioctl_set_fp(struct vcpu *vcpu, void __user *argp)
{
	struct hyp_fp *fp = &vcpu->hyp->fp;
	struct armvcpu_fp_regs regs;

	if (copy_from_user(&regs, argp, sizeof(regs)))
		return -EFAULT;
	if (regs.reserved || regs.fpsr & ~FPSR_MASK || regs.fpcr & ~fpcr_mask())
		return -EINVAL;
	memcpy(fp->v, regs.v, sizeof(fp->v));
	fp->fpsr = regs.fpsr;
	fp->fpcr = regs.fpcr;
	return 0;
}

/**
 * regs_ioctl() - the ioctls on registers
 * @vcpu: the vCPU; its lock is held.
 * @cmd: ARMVCPU_*.
 * @argp: the caller's argument.
 *
 * Return: 0 or an error of the ioctl.
 */
long regs_ioctl(struct vcpu *vcpu, unsigned int cmd, void __user *argp)
{
	switch (cmd) {
	case ARMVCPU_GET_CORE_REGS:
		return ioctl_get_core(vcpu, argp);
	case ARMVCPU_SET_CORE_REGS:
		return ioctl_set_core(vcpu, argp);
	case ARMVCPU_GET_FP_REGS:
		return ioctl_get_fp(vcpu, argp);
	case ARMVCPU_SET_FP_REGS:
		return ioctl_set_fp(vcpu, argp);
	case ARMVCPU_GET_ONE_REG:
		return ioctl_get_one(vcpu, argp);
	case ARMVCPU_SET_ONE_REG:
		return ioctl_set_one(vcpu, argp);
	case ARMVCPU_GET_REG_LIST:
		return ioctl_list(vcpu, argp);
	}
	return -ENOTTY;
}
