/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the EL2 image alone: system registers, barriers, and what its files
 * call of each other.
 */
#ifndef ARMVCPU_EL2_H
#define ARMVCPU_EL2_H

#define ESR_EC_SHIFT		26
#define ESR_EC_WFX		0x01
#define ESR_EC_FP		0x07
#define ESR_EC_PAC		0x09
#define ESR_EC_HVC64		0x16
#define ESR_EC_SYS64		0x18
#define ESR_EC_IABT_LOWER	0x20
#define ESR_EC_DABT_LOWER	0x24

#define ISR_EL1_A_BIT		8

/* SCTLR_EL2: the MMU, both caches. */
#define SCTLR_EL2_M_C_I		0x1005

/* What hyp_fast() returns. */
#define FAST_DONE		0	/* answered: back into the guest */
#define FAST_HOST		1	/* no: the host looks at it */
#define FAST_AGAIN		2	/* once more, with all registers in memory */
#define FAST_KICK		3	/* answered, but the host has something to do */

/* The frame of a hypercall: x18 to x30, ELR_EL2, SPSR_EL2, one spare. */
#define HYP_FRAME_SIZE		128

#ifndef __ASSEMBLY__

#include <linux/stringify.h>

#include "hyp.h"

/* All within the image: no detour by a global offset table. */
#pragma GCC visibility push(hidden)

#define sysreg_name(op0, op1, crn, crm, op2) \
	__stringify(S##op0##_##op1##_C##crn##_C##crm##_##op2)

/* By encoding, so that the assembler's age does not matter. */
#define read_sysreg_s(op0, op1, crn, crm, op2) ({				\
	u64 __value;								\
	asm volatile("mrs %0, " sysreg_name(op0, op1, crn, crm, op2)		\
		     : "=r" (__value));						\
	__value;								\
})

#define write_sysreg_s(value, op0, op1, crn, crm, op2) ({			\
	asm volatile("msr " sysreg_name(op0, op1, crn, crm, op2) ", %x0"	\
		     : : "rZ" ((u64)(value)));					\
})

#define read_sysreg(name) ({							\
	u64 __value;								\
	asm volatile("mrs %0, " #name : "=r" (__value));			\
	__value;								\
})

#define write_sysreg(value, name) ({						\
	asm volatile("msr " #name ", %x0" : : "rZ" ((u64)(value)));		\
})

#define HCR_APK			BIT(40)	/* no trap of keys, of pointer authentication */
#define HCR_API			BIT(41)

#define dsb(option) ({								\
	asm volatile("dsb " #option : : : "memory");				\
})
#define dmb(option) ({								\
	asm volatile("dmb " #option : : : "memory");				\
})

static inline void isb(void)
{
	asm volatile("isb" : : : "memory");
}

#define SPSR_AARCH32		0x10ULL

/*
 * Erratum 845719 of the A53: in AArch32 state a load may get the data of an earlier one
 * of another level, unless CONTEXTIDR_EL1 is written in between.  switch_regime() does;
 * this is for who goes back without it.
 */
static inline void hyp_before_aarch32(u64 spsr)
{
	if (__builtin_expect(!!(spsr & SPSR_AARCH32), 0))
		write_sysreg(read_sysreg(contextidr_el1), contextidr_el1);
}

static inline struct hyp_cpu *this_cpu(void)
{
	return (struct hyp_cpu *)read_sysreg(tpidr_el2);
}

#define likely(condition)	__builtin_expect(!!(condition), 1)
#define unlikely(condition)	__builtin_expect(!!(condition), 0)

/* Does EL2 answer something itself, HYP_EL2_*, for this vCPU? */
static inline int hyp_answers(const struct hyp_vcpu *vcpu, int what)
{
	const struct hyp_vm *vm = (const struct hyp_vm *)vcpu->vm;

	return (__atomic_load_n(&vm->answers, __ATOMIC_RELAXED) & ~(u64)vcpu->not_answered) >>
		what & 1;
}

/* vectors.S, entry.S: addresses, not data. */
extern const char hyp_host_vectors[];

void hyp_fp_save(struct hyp_fp *fp);
void hyp_fp_restore(const struct hyp_fp *fp);

/* debug_regs.S */
void hyp_save_bvr(u64 *bvr, unsigned int count);
void hyp_save_bcr(u64 *bcr, unsigned int count);
void hyp_save_wvr(u64 *wvr, unsigned int count);
void hyp_save_wcr(u64 *wcr, unsigned int count);
void hyp_restore_bvr(const u64 *bvr, unsigned int count);
void hyp_restore_bcr(const u64 *bcr, unsigned int count);
void hyp_restore_wvr(const u64 *wvr, unsigned int count);
void hyp_restore_wcr(const u64 *wcr, unsigned int count);

/* debug.c */
void hyp_debug_enter(struct hyp_vcpu *vcpu);
void hyp_debug_leave(struct hyp_vcpu *vcpu);

/* switch.c */
void hyp_switch_install(struct hyp_cpu *cpu);
void hyp_enter(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu);
u64 hyp_exit(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu, u64 code, u64 ran);
void hyp_leave(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu);
void hyp_fp_enable(void);
void hyp_pauth_enable(struct hyp_vcpu *vcpu);

/* fast.c */
int hyp_fast_sync(struct hyp_vcpu *vcpu, int all);
int hyp_fast_irq(struct hyp_vcpu *vcpu);
int hyp_fast_serror(struct hyp_vcpu *vcpu);

/* call.c */
void hyp_install(struct hyp_cpu *cpu);
void hyp_restore(struct hyp_cpu *cpu);
u64 hyp_call(struct hyp_cpu *cpu, u64 id, u64 arg1, u64 arg2, u64 arg3, u64 arg4);

/* gic.c */
void hyp_gic_clear(void);
u64 hyp_gic_aprs(void);
int hyp_gic_take(struct hyp_vcpu *vcpu);
int hyp_gic_sgi(struct hyp_gic *gic, u32 n);
int hyp_gic_post(struct hyp_vcpu *vcpu, u32 n, u32 maintenance_intid);

/* tlb.c */
void hyp_tlbi_vmid(u64 vttbr, u64 vtcr, u64 features);
void hyp_tlbi_all(u64 features);
void hyp_tlbi_ipa_here(u64 vttbr, u64 vtcr, u64 features, u64 ipa);
void hyp_tlbi_local(u64 vttbr, u64 vtcr, u64 features);
void hyp_tlbi_ipa(u64 vttbr, u64 vtcr, u64 features, u64 ipa, u64 size);
void hyp_tlbi_el2(u64 addr, u64 features);

/* panic.c */
void hyp_panic(struct hyp_cpu *cpu, u32 vector, u32 guest);
void hyp_host_fault(struct hyp_cpu *cpu);
void hyp_provoke(u64 kind);

#pragma GCC visibility pop

#endif /* __ASSEMBLY__ */
#endif /* ARMVCPU_EL2_H */
