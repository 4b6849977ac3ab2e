// SPDX-License-Identifier: GPL-2.0
/*
 * The world switch.  The host lives at EL1 as the guest does, so its whole EL1
 * state goes out and the guest's comes in, and back.
 *
 * On cores that may speculatively execute an AT of the other context (A53
 * 1530924, A55 1530923, A57 1319537, A72 1319367, A76 1165522) no walk may begin between
 * the first and the last register of a translation regime: stage 1 walks are
 * disabled by TCR_EL1.EPDx with SCTLR_EL1.M set while stage 2 is not that of
 * stage 1.
 */
#include "el2.h"
#include "lr.h"

#define HCR_VI			BIT(7)
#define HCR_VF			BIT(6)
#define HCR_VSE			BIT(8)

/* RES1 of CPTR_EL2 without SVE and SME; with them, it traps them. */
#define CPTR_RES1		0x33ffULL
#define CPTR_TFP		BIT(10)
#define CPTR_TTA		BIT(20)
#define CPTR_TAM		BIT(30)

#define MDCR_HPMN		0x1fULL

#define HSTR_T15		BIT(15)

#define CNTHCTL_EL1PCTEN	BIT(0)
#define CNTHCTL_EL1PCEN		BIT(1)

#define ICC_SRE_ENABLE		BIT(3)

/* MPAM2_EL2: trap MPAM0_EL1, MPAM1_EL1. */
#define MPAM2_TRAP		(BIT(48) | BIT(49))

/*
 * PMUSERENR_EL0.EN: no trap to EL1 for EL0, they all come to EL2. Of ER, CR and SW, which
 * say nothing beside it, QEMU makes that MDCR_EL2.TPM says nothing either.
 */
#define PMUSERENR_EN		0x1ULL

/* PMBLIMITR_EL1.E, TRBLIMITR_EL1.E */
#define BUFFER_ENABLE		BIT(0)

#define VDISR_A			BIT(31)
#define DISR_A			BIT(31)
/* IDS, AET, EA and DFSC are where ESR_EL2 has them. */
#define DISR_ISS		0x1ffffffULL
#define ESR_SERROR		(0x2fULL << ESR_EC_SHIFT | BIT(25))

#define SCTLR_M			BIT(0)
#define TCR_EPD0		BIT(7)
#define TCR_EPD1		BIT(23)

#define ESR_ISV			BIT(24)
#define ESR_FNV			BIT(10)
#define ESR_S1PTW		BIT(7)
#define ESR_FSC_TYPE		0x3cULL
#define FSC_ADDRESS_SIZE	0x00ULL
#define FSC_TRANSLATION		0x04ULL
#define FSC_ACCESS_FLAG		0x08ULL
#define FSC_PERMISSION		0x0cULL

#define PAR_F			BIT(0)
#define PAR_S			BIT(9)		/* stage 2 of the walk */
#define PAR_PA			0x000ffffffffff000ULL
#define PSTATE_MODE		0xfULL

#define HYP_HAS_TRACE		(HYP_HAS_SPE | HYP_HAS_TRF | HYP_HAS_TRBE)
#define HYP_HAS_RARE_TRAPS	(HYP_HAS_HCX | HYP_HAS_FGT | HYP_HAS_FGT2 | HYP_HAS_MPAM | \
				 HYP_HAS_RAS | HYP_HAS_TPIDR2)

static inline u64 host_reg(const struct hyp_cpu *cpu, int reg)
{
	return cpu->saved[reg];
}

/*
 * The registers by pairs, which is half of the accesses to memory: rows of sysregs.def
 * from number hyp_row on, an even one, in the order of the rows.  x9 and x10 are theirs.
 */
asm(".macro hyp_save base, reg\n"
	"	.if	hyp_row & 1\n"
	"	mrs	x10, \\reg\n"
	"	stp	x9, x10, [\\base, #(hyp_row - 1) * 8]\n"
	"	.else\n"
	"	mrs	x9, \\reg\n"
	"	.endif\n"
	"	.set	hyp_row, hyp_row + 1\n"
	".endm\n"
	".macro hyp_restore base, reg\n"
	"	.if	hyp_row & 1\n"
	"	msr	\\reg, x10\n"
	"	.else\n"
	"	ldp	x9, x10, [\\base, #hyp_row * 8]\n"
	"	msr	\\reg, x9\n"
	"	.endif\n"
	"	.set	hyp_row, hyp_row + 1\n"
	".endm\n");

#define SAVE_ROW(name, op0, op1, crn, crm, op2, reset) \
	"hyp_save %0, " sysreg_name(op0, op1, crn, crm, op2) "\n"
#define RESTORE_ROW(name, op0, op1, crn, crm, op2, reset) \
	"hyp_restore %0, " sysreg_name(op0, op1, crn, crm, op2) "\n"
#define SAVE(name, op0, op1, crn, crm, op2, reset) \
	({ sys[HYP_##name] = read_sysreg_s(op0, op1, crn, crm, op2); }),
#define RESTORE(name, op0, op1, crn, crm, op2, reset) \
	write_sysreg_s(sys[HYP_##name], op0, op1, crn, crm, op2),
#define NOTHING(...)

/* The kinds are next to each other, in this order, and each has pairs. */
_Static_assert(HYP_SCTLR_EL1 == 0 && HYP_CPACR_EL1 == 6 && HYP_ESR_EL1 == 14 &&
	       HYP_AMAIR_EL1 == 22, "rows of sysregs.def");

static inline void save_aux(u64 *sys)
{
#define SYSREG NOTHING
#define SYSREG_AUX SAVE
	(void)((void)0,
#include "sysregs.def"
	0);
}

static inline void restore_aux(const u64 *sys)
{
#define SYSREG NOTHING
#define SYSREG_AUX RESTORE
	(void)((void)0,
#include "sysregs.def"
	0);
}

/* Only stores are between the barriers besides, and they are of Normal memory. */
static inline void save_guest_sysregs(u64 *sys, u64 features)
{
	if (unlikely(features & HYP_ERRATUM_1508412))
		dmb(sy);
	asm volatile(".set hyp_row, 0\n"
#define SYSREG SAVE_ROW
#define SYSREG_AUX NOTHING
#include "sysregs.def"
		     : : "r" (sys) : "x9", "x10", "memory");
	if (unlikely(features & HYP_ERRATUM_1508412))
		dmb(sy);
	if (unlikely(features & HYP_HAS_AUX))
		save_aux(sys);
}

static inline void restore_guest_sysregs(const u64 *sys, u64 features)
{
	asm volatile(".set hyp_row, %c1\n"
#define SYSREG RESTORE_ROW
#define SYSREG_MMU NOTHING
#define SYSREG_TIMER NOTHING
#define SYSREG_AUX NOTHING
#include "sysregs.def"
		     : : "r" (sys), "i" (HYP_CPACR_EL1) : "x9", "x10", "memory");
	if (unlikely(features & HYP_HAS_AUX))
		restore_aux(sys);
}

static inline void save_host_sysregs(u64 *sys)
{
	asm volatile(".set hyp_row, 0\n"
#define SYSREG SAVE_ROW
#define SYSREG_DEAD NOTHING
#define SYSREG_TIMER NOTHING
#define SYSREG_AUX NOTHING
#include "sysregs.def"
		     : : "r" (sys) : "x9", "x10", "memory");
}

static inline void restore_host_sysregs(const u64 *sys, u64 features)
{
	asm volatile(".set hyp_row, %c1\n"
#define SYSREG RESTORE_ROW
#define SYSREG_MMU NOTHING
#define SYSREG_DEAD NOTHING
#define SYSREG_TIMER NOTHING
#define SYSREG_AUX NOTHING
#include "sysregs.def"
		     : : "r" (sys), "i" (HYP_CPACR_EL1) : "x9", "x10", "memory");
	if (unlikely(features & HYP_HAS_AUX))
		restore_aux(sys);
}

/**
 * hyp_switch_install() - what is the same for all guests, and for the host all along
 * @cpu: this CPU, with @cpu->saved.
 */
void hyp_switch_install(struct hyp_cpu *cpu)
{
	save_aux(cpu->host);
	cpu->guest_cptr = CPTR_RES1 | CPTR_TFP | CPTR_TTA;
	if (cpu->features & HYP_HAS_AMU)
		cpu->guest_cptr |= CPTR_TAM;
	cpu->guest_mdcr = host_reg(cpu, HYP_SAVED_MDCR_EL2) & MDCR_HPMN;
	cpu->guest_cnthctl = (host_reg(cpu, HYP_SAVED_CNTHCTL_EL2) & ~CNTHCTL_EL1PCEN) |
			     CNTHCTL_EL1PCTEN;
	cpu->cntv_cval = read_sysreg(cntv_cval_el0);
	write_sysreg(0, cntv_ctl_el0);
	cpu->ich_vcpu = 0;
	cpu->guest_sre = host_reg(cpu, HYP_SAVED_ICC_SRE_EL2) & ~ICC_SRE_ENABLE;
}

static void save_pauth(u64 *keys)
{
#define PAUTHREG(name, op0, op1, crn, crm, op2) \
	({ keys[HYP_##name] = read_sysreg_s(op0, op1, crn, crm, op2); }),
	(void)((void)0,
#include "pauthregs.def"
	0);
#undef PAUTHREG
}

static void restore_pauth(const u64 *keys)
{
#define PAUTHREG(name, op0, op1, crn, crm, op2) \
	write_sysreg_s(keys[HYP_##name], op0, op1, crn, crm, op2),
	(void)((void)0,
#include "pauthregs.def"
	0);
#undef PAUTHREG
}

/*
 * From one translation regime to another, both stages of it, in one piece: all values
 * are in registers, and nothing else is done in between.  @from: sysregs.def's of the
 * one that is in place, @to: of the other.
 *
 * Walks of the old regime that have begun must be over before its registers change (Arm
 * ARM D8.1.5, out-of-context translation regimes): the caller's DSB.
 *
 * With the speculative-AT erratum no walk may begin from the first write to the last:
 * TCR_EL1.EPDx disables those of stage 1, and SCTLR_EL1.M makes sure that it counts.
 * SCTLR comes first of the two in the end, and TCR opens the walks.
 */
static __always_inline void switch_regime(const u64 *from, const u64 *to, u64 vttbr, u64 hcr,
					  u64 features)
{
	u64 sctlr = to[HYP_SCTLR_EL1], tcr = to[HYP_TCR_EL1];
	u64 ttbr0 = to[HYP_TTBR0_EL1], ttbr1 = to[HYP_TTBR1_EL1];
	u64 mair = to[HYP_MAIR_EL1], contextidr = to[HYP_CONTEXTIDR_EL1];

	if (likely(features & HYP_ERRATUM_SPEC_AT)) {
		u64 blocked_tcr = from[HYP_TCR_EL1] | TCR_EPD0 | TCR_EPD1;
		u64 blocked_sctlr = from[HYP_SCTLR_EL1] | SCTLR_M;

		asm volatile("msr	tcr_el1, %[blocked_tcr]\n"
			     "isb\n"
			     "msr	sctlr_el1, %[blocked_sctlr]\n"
			     "isb\n"
			     "msr	hcr_el2, %[hcr]\n"
			     "msr	vttbr_el2, %[vttbr]\n"
			     "msr	ttbr0_el1, %[ttbr0]\n"
			     "msr	ttbr1_el1, %[ttbr1]\n"
			     "msr	mair_el1, %[mair]\n"
			     "msr	contextidr_el1, %[contextidr]\n"
			     "isb\n"
			     "msr	sctlr_el1, %[sctlr]\n"
			     "isb\n"
			     "msr	tcr_el1, %[tcr]\n"
			     : : [blocked_tcr] "r" (blocked_tcr),
			       [blocked_sctlr] "r" (blocked_sctlr), [hcr] "r" (hcr),
			       [vttbr] "r" (vttbr), [ttbr0] "r" (ttbr0), [ttbr1] "r" (ttbr1),
			       [mair] "r" (mair), [contextidr] "r" (contextidr),
			       [sctlr] "r" (sctlr), [tcr] "r" (tcr) : "memory");
	} else {
		asm volatile("msr	sctlr_el1, %[sctlr]\n"
			     "msr	tcr_el1, %[tcr]\n"
			     "msr	hcr_el2, %[hcr]\n"
			     "msr	vttbr_el2, %[vttbr]\n"
			     "msr	ttbr0_el1, %[ttbr0]\n"
			     "msr	ttbr1_el1, %[ttbr1]\n"
			     "msr	mair_el1, %[mair]\n"
			     "msr	contextidr_el1, %[contextidr]\n"
			     : : [hcr] "r" (hcr), [vttbr] "r" (vttbr), [ttbr0] "r" (ttbr0),
			       [ttbr1] "r" (ttbr1), [mair] "r" (mair),
			       [contextidr] "r" (contextidr), [sctlr] "r" (sctlr),
			       [tcr] "r" (tcr) : "memory");
	}
}

/*
 * The host's profiling must not run on into the guest.  Neither may its buffers
 * stay enabled: their pointers are addresses of the host's regime, and as soon as
 * MDCR_EL2 is the guest's, E2PB and E2TB say that they are EL2's.
 */
static void stop_tracing(struct hyp_cpu *cpu)
{
	if (cpu->features & HYP_HAS_SPE) {
		cpu->host_pmscr = read_sysreg_s(3, 0, 9, 9, 0);
		if (cpu->host_pmscr) {
			write_sysreg_s(0, 3, 0, 9, 9, 0);
			isb();
			asm volatile("hint #17" : : : "memory");	/* PSB CSYNC */
			dsb(nsh);
		}
		cpu->host_pmblimitr = read_sysreg_s(3, 0, 9, 10, 0);
		if (cpu->host_pmblimitr & BUFFER_ENABLE)
			write_sysreg_s(0, 3, 0, 9, 10, 0);
	}
	if (cpu->features & HYP_HAS_TRF) {
		cpu->host_trfcr = read_sysreg_s(3, 0, 1, 2, 1);
		if (cpu->host_trfcr) {
			write_sysreg_s(0, 3, 0, 1, 2, 1);
			isb();
			asm volatile("hint #18" : : : "memory");	/* TSB CSYNC */
			dsb(nsh);
		}
	}
	if (cpu->features & HYP_HAS_TRBE) {
		cpu->host_trblimitr = read_sysreg_s(3, 0, 9, 11, 0);
		if (cpu->host_trblimitr & BUFFER_ENABLE)
			write_sysreg_s(0, 3, 0, 9, 11, 0);
	}
	isb();
}

/* Once the host's translation regime and MDCR_EL2 are back. */
static void resume_tracing(const struct hyp_cpu *cpu)
{
	isb();
	if ((cpu->features & HYP_HAS_SPE) && cpu->host_pmblimitr & BUFFER_ENABLE)
		write_sysreg_s(cpu->host_pmblimitr, 3, 0, 9, 10, 0);
	if ((cpu->features & HYP_HAS_TRBE) && cpu->host_trblimitr & BUFFER_ENABLE)
		write_sysreg_s(cpu->host_trblimitr, 3, 0, 9, 11, 0);
	isb();
	if ((cpu->features & HYP_HAS_SPE) && cpu->host_pmscr)
		write_sysreg_s(cpu->host_pmscr, 3, 0, 9, 9, 0);
	if ((cpu->features & HYP_HAS_TRF) && cpu->host_trfcr)
		write_sysreg_s(cpu->host_trfcr, 3, 0, 1, 2, 1);
}

/* What newer cores have.  Zero hides what the guest's ID registers do not show. */
static noinline void activate_rare_traps(struct hyp_cpu *cpu)
{
	u64 features = cpu->features;

	if (features & HYP_HAS_HCX)
		write_sysreg_s(0, 3, 4, 1, 2, 2);
	if (features & HYP_HAS_FGT) {
		write_sysreg_s(0, 3, 4, 1, 1, 4);
		write_sysreg_s(0, 3, 4, 1, 1, 5);
		write_sysreg_s(0, 3, 4, 1, 1, 6);
		write_sysreg_s(0, 3, 4, 3, 1, 4);
		write_sysreg_s(0, 3, 4, 3, 1, 5);
	}
	if (features & HYP_HAS_FGT2) {
		write_sysreg_s(0, 3, 4, 3, 1, 2);
		write_sysreg_s(0, 3, 4, 3, 1, 3);
		write_sysreg_s(0, 3, 4, 3, 1, 7);
		write_sysreg_s(0, 3, 4, 3, 1, 0);
		write_sysreg_s(0, 3, 4, 3, 1, 1);
	}
	if (features & HYP_HAS_MPAM)
		write_sysreg_s(host_reg(cpu, HYP_SAVED_MPAM2_EL2) | MPAM2_TRAP, 3, 4, 10, 5, 0);
	if (features & HYP_HAS_RAS) {
		write_sysreg_s(0, 3, 4, 5, 2, 3);	/* VSESR_EL2 */
		write_sysreg_s(0, 3, 4, 12, 1, 1);	/* VDISR_EL2 */
	}
	if (features & HYP_HAS_TPIDR2) {
		cpu->host_tpidr2_saved = 1;
		cpu->host_tpidr2 = read_sysreg_s(3, 3, 13, 0, 5);
		write_sysreg_s(0, 3, 3, 13, 0, 5);
	}
}

static noinline void deactivate_rare_traps(struct hyp_cpu *cpu)
{
	u64 features = cpu->features;

	if (cpu->host_tpidr2_saved)
		write_sysreg_s(cpu->host_tpidr2, 3, 3, 13, 0, 5);
	cpu->host_tpidr2_saved = 0;
	if (features & HYP_HAS_HCX)
		write_sysreg_s(host_reg(cpu, HYP_SAVED_HCRX_EL2), 3, 4, 1, 2, 2);
	if (features & HYP_HAS_FGT) {
		write_sysreg_s(host_reg(cpu, HYP_SAVED_HFGRTR_EL2), 3, 4, 1, 1, 4);
		write_sysreg_s(host_reg(cpu, HYP_SAVED_HFGWTR_EL2), 3, 4, 1, 1, 5);
		write_sysreg_s(host_reg(cpu, HYP_SAVED_HFGITR_EL2), 3, 4, 1, 1, 6);
		write_sysreg_s(host_reg(cpu, HYP_SAVED_HDFGRTR_EL2), 3, 4, 3, 1, 4);
		write_sysreg_s(host_reg(cpu, HYP_SAVED_HDFGWTR_EL2), 3, 4, 3, 1, 5);
	}
	if (features & HYP_HAS_FGT2) {
		write_sysreg_s(host_reg(cpu, HYP_SAVED_HFGRTR2_EL2), 3, 4, 3, 1, 2);
		write_sysreg_s(host_reg(cpu, HYP_SAVED_HFGWTR2_EL2), 3, 4, 3, 1, 3);
		write_sysreg_s(host_reg(cpu, HYP_SAVED_HFGITR2_EL2), 3, 4, 3, 1, 7);
		write_sysreg_s(host_reg(cpu, HYP_SAVED_HDFGRTR2_EL2), 3, 4, 3, 1, 0);
		write_sysreg_s(host_reg(cpu, HYP_SAVED_HDFGWTR2_EL2), 3, 4, 3, 1, 1);
	}
	if (features & HYP_HAS_MPAM)
		write_sysreg_s(host_reg(cpu, HYP_SAVED_MPAM2_EL2), 3, 4, 10, 5, 0);
	if (features & HYP_HAS_RAS)
		write_sysreg_s(host_reg(cpu, HYP_SAVED_VSESR_EL2), 3, 4, 5, 2, 3);
}

/* Two at a time: what lies together in memory is loaded together. */
static inline void activate_traps(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu)
{
	u64 features = cpu->features, cntvoff = ((const struct hyp_vm *)vcpu->vm)->cntvoff;
	u64 cptr = cpu->guest_cptr, mdcr = cpu->guest_mdcr;
	u64 cnthctl = cpu->guest_cnthctl, sre = cpu->guest_sre;
	u64 vmpidr = vcpu->vmpidr, vpidr = vcpu->vpidr;

	write_sysreg(cptr, cptr_el2);
	write_sysreg(HSTR_T15, hstr_el2);
	write_sysreg(mdcr | vcpu->mdcr, mdcr_el2);
	write_sysreg(cnthctl, cnthctl_el2);
	write_sysreg(cntvoff, cntvoff_el2);
	write_sysreg(vmpidr, vmpidr_el2);
	write_sysreg(vpidr, vpidr_el2);
	/* Nobody's but ours, and without HCR_EL2.VM it says nothing (D19.2.163). */
	write_sysreg(vcpu->vtcr, vtcr_el2);
	if (likely(features & HYP_HAS_GICV3)) {
		write_sysreg_s(sre, 3, 4, 12, 9, 5);
		hyp_gic_enter(cpu, vcpu);
	}
	if (unlikely(features & HYP_HAS_RARE_TRAPS))
		activate_rare_traps(cpu);
}

static inline void deactivate_traps(struct hyp_cpu *cpu)
{
	u64 features = cpu->features, mdcr = host_reg(cpu, HYP_SAVED_MDCR_EL2);
	u64 cptr = host_reg(cpu, HYP_SAVED_CPTR_EL2), hstr = host_reg(cpu, HYP_SAVED_HSTR_EL2);
	u64 vpidr = host_reg(cpu, HYP_SAVED_VPIDR_EL2);
	u64 vmpidr = host_reg(cpu, HYP_SAVED_VMPIDR_EL2);

	write_sysreg(cptr, cptr_el2);
	write_sysreg(hstr, hstr_el2);
	write_sysreg(mdcr, mdcr_el2);
	write_sysreg(vmpidr, vmpidr_el2);
	write_sysreg(vpidr, vpidr_el2);
	if (likely(features & HYP_HAS_GICV3)) {
		u64 sre = host_reg(cpu, HYP_SAVED_ICC_SRE_EL2);
		u64 ich_hcr = host_reg(cpu, HYP_SAVED_ICH_HCR_EL2);

		write_sysreg_s(sre, 3, 4, 12, 9, 5);
		write_sysreg_s(ich_hcr, 3, 4, 12, 11, 0);
	}
	if (unlikely(features & HYP_HAS_RARE_TRAPS))
		deactivate_rare_traps(cpu);
}

/* CVAL before the CTL that arms it.  What is in the CPU already is not written again. */
static inline void restore_guest_timer(struct hyp_cpu *cpu, const u64 *sys)
{
	u64 cval = sys[HYP_CNTV_CVAL_EL0], ctl = sys[HYP_CNTV_CTL_EL0];

	if (cval != cpu->cntv_cval) {
		write_sysreg(cval, cntv_cval_el0);
		cpu->cntv_cval = cval;
	}
	/* It must not compare with what was there before. */
	if (ctl) {
		isb();
		write_sysreg(ctl, cntv_ctl_el0);
	}
}

/* It is off when its offset comes back.  @sys: as the guest has left it. */
static inline void restore_host_timer(struct hyp_cpu *cpu, const u64 *sys)
{
	u64 cnthctl = host_reg(cpu, HYP_SAVED_CNTHCTL_EL2);
	u64 cntvoff = host_reg(cpu, HYP_SAVED_CNTVOFF_EL2);

	cpu->cntv_cval = sys[HYP_CNTV_CVAL_EL0];
	if (sys[HYP_CNTV_CTL_EL0])
		write_sysreg(0, cntv_ctl_el0);
	write_sysreg(cnthctl, cnthctl_el2);
	write_sysreg(cntvoff, cntvoff_el2);
}

/* EL2 itself uses none of the keys. */
static void exchange_pauth(struct hyp_vcpu *vcpu)
{
	save_pauth(vcpu->host_pauth);
	vcpu->host_pauth_saved = 1;
	restore_pauth(vcpu->pauth);
}

/**
 * hyp_pauth_enable() - the guest uses pointer authentication for the first time
 * @vcpu: the guest, which is in the CPU.
 *
 * Until then its traps are set.  From then on its keys are exchanged at each entry:
 * its kernel uses them all the time.
 */
void hyp_pauth_enable(struct hyp_vcpu *vcpu)
{
	exchange_pauth(vcpu);
	vcpu->hcr |= HCR_APK | HCR_API;
	write_sysreg(read_sysreg(hcr_el2) | HCR_APK | HCR_API, hcr_el2);
}

/**
 * hyp_fp_enable() - no trap of the FP registers, the guest's or EL2's
 */
void hyp_fp_enable(void)
{
	write_sysreg(read_sysreg(cptr_el2) & ~CPTR_TFP, cptr_el2);
	isb();
}

/* What few guests have. */
static noinline void enter_rare(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu)
{
	/* First: hyp_leave() starts what this has stopped. */
	if (cpu->features & HYP_HAS_TRACE)
		stop_tracing(cpu);
	if (vcpu->flags & HYP_VCPU_DEBUG)
		hyp_debug_enter(vcpu);
	if (vcpu->hcr & HCR_APK)
		exchange_pauth(vcpu);
	if (vcpu->flags & HYP_VCPU_PROVOKE)
		hyp_provoke(HYP_PROVOKE_LOAD);
}

static inline int is_rare(const struct hyp_cpu *cpu, const struct hyp_vcpu *vcpu)
{
	return unlikely(vcpu->flags & (HYP_VCPU_DEBUG | HYP_VCPU_PROVOKE) ||
			vcpu->hcr & HCR_APK || cpu->features & HYP_HAS_TRACE);
}

/**
 * hyp_enter() - from the host to the guest, all but general registers
 * @cpu: this CPU.
 * @vcpu: the guest.
 */
void hyp_enter(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu)
{
	u64 features = cpu->features, hcr;

	save_host_sysregs(cpu->host);
	cpu->host_mdscr = read_sysreg(mdscr_el1);
	if (likely(features & HYP_HAS_PMU))
		cpu->host_pmuserenr = read_sysreg(pmuserenr_el0);
	cpu->vcpu = (u64)vcpu;
	write_sysreg(cpu->guest_vectors, vbar_el2);
	/* From here on hyp_panic() has a host to go back to. */
	isb();

	/* The host's breakpoints and its single step are not the guest's. */
	if (vcpu->mdscr != cpu->host_mdscr)
		write_sysreg(vcpu->mdscr, mdscr_el1);
	/*
	 * With PMSELR_EL0.SEL of no counter an access would be UNDEFINED at EL1,
	 * and PMUSERENR_EL0 could send EL0's to EL1, before EL2 sees them.  The host
	 * has nothing in PMSELR_EL0: Linux does not use it, nor keep it for a task.
	 */
	if (likely(features & HYP_HAS_PMU)) {
		write_sysreg(0, pmselr_el0);
		write_sysreg(PMUSERENR_EN, pmuserenr_el0);
	}
	if (is_rare(cpu, vcpu))
		enter_rare(cpu, vcpu);

	activate_traps(cpu, vcpu);
	restore_guest_sysregs(vcpu->sys, features);
	restore_guest_timer(cpu, vcpu->sys);
	hcr = vcpu->hcr | __atomic_load_n(&vcpu->lines, __ATOMIC_RELAXED);
	dsb(nsh);
	switch_regime(cpu->host, vcpu->sys, vcpu->vttbr, hcr, features);
	/* What entry.S finds in ISR_EL1 is no older than that DSB: an ESB would hide it. */
	if (unlikely(features & HYP_HAS_RAS))
		isb();
	/* The exception return synchronises the rest. */
}

static __always_inline void save_guest(const struct hyp_cpu *cpu, struct hyp_vcpu *vcpu)
{
	u64 features = cpu->features;

	if (unlikely(vcpu->fp_live))
		hyp_fp_save(&vcpu->fp);
	save_guest_sysregs(vcpu->sys, features);
	if (likely(features & HYP_HAS_GICV3))
		hyp_gic_save(&vcpu->gic);
	if (unlikely(vcpu->host_pauth_saved))
		save_pauth(vcpu->pauth);
	/* Taken by the guest, it has gone from HCR_EL2. */
	if (unlikely(vcpu->hcr & HCR_VSE))
		vcpu->hcr = (vcpu->hcr & ~HCR_VSE) | (read_sysreg(hcr_el2) & HCR_VSE);
	/* Deferred by an ESB; the guest has no RAS, so to it that is a NOP. */
	if (unlikely(features & HYP_HAS_RAS) && read_sysreg_s(3, 4, 12, 1, 1) & VDISR_A)
		vcpu->hcr |= HCR_VSE;
}

/*
 * The host in place of the guest, whose SCTLR_EL1 and TCR_EL1 are @sys', and so is its
 * virtual timer.
 */
static __always_inline void leave(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu, const u64 *sys)
{
	u64 features = cpu->features;

	if (unlikely(vcpu->fp_live)) {
		/* After an exception at EL2, maybe not the guest's CPTR_EL2. */
		hyp_fp_enable();
		hyp_fp_restore(&cpu->host_fp);
		vcpu->fp_live = 0;
	}
	dsb(nsh);
	switch_regime(sys, cpu->host, host_reg(cpu, HYP_SAVED_VTTBR_EL2),
		      host_reg(cpu, HYP_SAVED_HCR_EL2), features);
	deactivate_traps(cpu);
	restore_host_sysregs(cpu->host, features);
	restore_host_timer(cpu, sys);
	if (unlikely(features & HYP_HAS_TRACE))
		resume_tracing(cpu);
	if (likely(features & HYP_HAS_PMU))
		write_sysreg(cpu->host_pmuserenr, pmuserenr_el0);
	if (unlikely(vcpu->host_debug_saved))
		hyp_debug_leave(vcpu);
	if (unlikely(vcpu->host_pauth_saved)) {
		restore_pauth(vcpu->host_pauth);
		vcpu->host_pauth_saved = 0;
	}
	if (vcpu->mdscr != cpu->host_mdscr)
		write_sysreg(cpu->host_mdscr, mdscr_el1);
	write_sysreg(hyp_host_vectors, vbar_el2);
	cpu->vcpu = 0;
	isb();
}

/**
 * hyp_leave() - the mirror of hyp_enter(), after an exception at EL2
 * @cpu: this CPU.
 * @vcpu: the guest; what it had in the CPU is lost unless it has been saved.
 *
 * In the middle of the way in or out: nothing here depends on how far it got.
 */
void hyp_leave(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu)
{
	u64 sys[HYP_NR_SYSREGS];

	sys[HYP_TCR_EL1] = read_sysreg(tcr_el1);
	sys[HYP_SCTLR_EL1] = read_sysreg(sctlr_el1);
	sys[HYP_CNTV_CVAL_EL0] = read_sysreg(cntv_cval_el0);
	sys[HYP_CNTV_CTL_EL0] = read_sysreg(cntv_ctl_el0);
	leave(cpu, vcpu, sys);
}

/* The barriers: erratum 1508412, of each read of PAR_EL1. */
static u64 translate(u64 va, int el0)
{
	u64 saved, par;

	dmb(sy);
	saved = read_sysreg(par_el1);
	dmb(sy);

	if (el0)
		asm volatile("at s1e0r, %0" : : "r" (va) : "memory");
	else
		asm volatile("at s1e1r, %0" : : "r" (va) : "memory");
	isb();
	dmb(sy);
	par = read_sysreg(par_el1);
	dmb(sy);
	write_sysreg(saved, par_el1);
	return par;
}

/*
 * The guest executes the instruction again.  If its own walk failed because the host has
 * taken a page of its tables, only a walk of the CPU's brings that in: so no TLB may spare
 * it one.
 */
static int walk_again(void)
{
	asm volatile("tlbi vmalle1" : : : "memory");
	dsb(nsh);
	isb();
	return 0;
}

/*
 * HPFAR_EL2 of a stage 2 abort.  UNKNOWN for a permission fault that is not on
 * a walk (Arm ARM, HPFAR_EL2), and by erratum 834220 of the A57 for a
 * translation fault that hides a stage 1 fault: then the guest's own walk says
 * it.  Returns 0 if that walk fails: the guest changed its tables meanwhile, or
 * its own fault was hidden; it executes the instruction again.
 */
static int fault_address(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu)
{
	u64 esr = vcpu->esr, type = esr & ESR_FSC_TYPE, par;

	vcpu->hpfar = read_sysreg(hpfar_el2);
	/* A device, as a rule. */
	if (likely((esr & (ESR_ISV | ESR_S1PTW | ESR_FSC_TYPE)) == (ESR_ISV | FSC_TRANSLATION) &&
		   !(cpu->features & HYP_ERRATUM_834220)))
		return 1;
	if (type > FSC_PERMISSION)
		return 1;
	if (!(esr & ESR_S1PTW) && (type == FSC_PERMISSION ||
				   (cpu->features & HYP_ERRATUM_834220))) {
		par = translate(vcpu->far, 0);
		if (par & PAR_F)
			return walk_again();
		vcpu->hpfar = (par & PAR_PA) >> 12 << 4;
	}
	if ((esr >> ESR_EC_SHIFT & 0x3f) == ESR_EC_DABT_LOWER &&
	    !(esr & (ESR_ISV | ESR_S1PTW))) {
		vcpu->insn_pa = translate(vcpu->pc, !(vcpu->pstate & PSTATE_MODE));
		/* Of the guest's tables, a page is not there just now. */
		if ((vcpu->insn_pa & (PAR_F | PAR_S)) == (PAR_F | PAR_S))
			return walk_again();
	}
	return 1;
}

/*
 * An SError of the guest's that the ESB of entry.S has found.  DISR_EL1 at EL2 is the
 * physical one, and what the host had pending has kept the guest out.
 */
static noinline void take_deferred_serror(struct hyp_cpu *cpu)
{
	u64 disr = read_sysreg_s(3, 0, 12, 1, 1);

	if (!(disr & DISR_A))
		return;
	write_sysreg_s(0, 3, 0, 12, 1, 1);
	cpu->serror = ESR_SERROR | (disr & DISR_ISS);
}

/**
 * hyp_exit() - the guest has stopped; its registers but x0 to x30, PC, PSTATE,
 *	ESR and FAR are still in the CPU
 * @cpu: this CPU.
 * @vcpu: the guest.
 * @code: HYP_EXIT_SYNC, HYP_EXIT_IRQ, HYP_EXIT_SERROR.
 * @ran: it has executed something; 0: what is pending was pending before.
 *
 * Return: 0: back into the guest.  Otherwise the host is in place, and this is
 * the result of its HYP_CALL_RUN.
 */
u64 hyp_exit(struct hyp_cpu *cpu, struct hyp_vcpu *vcpu, u64 code, u64 ran)
{
	u64 ec = vcpu->esr >> ESR_EC_SHIFT & 0x3f;

	if (unlikely(cpu->features & HYP_HAS_RAS) && ran)
		take_deferred_serror(cpu);
	if (cpu->serror) {
		/* PC is behind an HVC that nobody will see: once more, then. */
		if (code == HYP_EXIT_SYNC && ec == ESR_EC_HVC64)
			vcpu->pc -= 4;
		vcpu->esr = cpu->serror;
		cpu->serror = 0;
		code = HYP_EXIT_SERROR;
	}
	if ((code == HYP_EXIT_IRQ && hyp_gic_take(vcpu)) ||
	    (code == HYP_EXIT_SYNC && (ec == ESR_EC_IABT_LOWER || ec == ESR_EC_DABT_LOWER) &&
	     !fault_address(cpu, vcpu))) {
		hyp_before_aarch32(vcpu->pstate);
		return 0;
	}
	/* Whose turn it is now. */
	if (code == HYP_EXIT_IRQ)
		vcpu->gic.budget = HYP_IRQ_BUDGET;
	save_guest(cpu, vcpu);
	leave(cpu, vcpu, vcpu->sys);
	return code;
}
