/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the EL1 side of the module and the EL2 image share: hypercalls, exit
 * codes and the memory both read.  Layouts are the compiler's; assembly gets
 * its offsets from offsets.c.
 */
#ifndef ARMVCPU_HYP_H
#define ARMVCPU_HYP_H

#include <vdso/bits.h>

/*
 * The hyp-stub's calls (Documentation/virt/kvm/arm/hyp-abi.rst of the kernel),
 * which our vectors answer while they are in place.
 */
#define HYP_STUB_SOFT_RESTART	1
#define HYP_STUB_RESET_VECTORS	2
#define HYP_STUB_ERR		0xbadca11

/*
 * Ours.  Far from the stub's, which grow, and from SMCCC function ids.  x0 is
 * the id and the result; x1 and x2 are arguments; x0 to x17 are clobbered.
 */
#define HYP_CALL_BASE		0x41560000
#define HYP_CALL_RUN		0x41560000	/* the first; x1: struct hyp_vcpu; HYP_EXIT_* */
#define HYP_CALL_TLBI_VMID	0x41560001	/* x1: VTTBR_EL2, x2: VTCR_EL2; so below */
#define HYP_CALL_TLBI_LOCAL	0x41560002	/* ...; this CPU, and the I-cache */
#define HYP_CALL_TLBI_IPA	0x41560003	/* ..., x3: IPA | HYP_TLBI_*, x4: bytes */
#define HYP_CALL_TLBI_EL2	0x41560004	/* x1: address of a page of EL2's own map */
#define HYP_CALL_RESTORE	0x41560005	/* give EL2 back */
#define HYP_CALL_VERSION	0x41560006	/* HYP_VERSION: the image is in place */
#define HYP_CALL_PROVOKE	0x41560007	/* x1: HYP_PROVOKE_*; for tests */
#define HYP_CALL_GIC_VTR	0x41560008	/* ICH_VTR_EL2, HYP_STUB_ERR without a GICv3 */
#define HYP_CALL_TLBI_ALL	0x41560009	/* all of EL1 and EL0, the host's, too */
#define HYP_CALL_TLBI_IPA_HERE	0x4156000a	/* x1, x2, x3: IPA of a page; this CPU */
#define HYP_CALL_NR		11

/* HYP_CALL_TLBI_IPA, x3. */
#define HYP_TLBI_SHIFT		0x3fULL		/* log2 of the smallest translation there may be */
#define HYP_TLBI_RANGE		BIT(6)		/* all CPUs have FEAT_TLBIRANGE */

/* An id that no stub knows: the probe for a hyp-stub. */
#define HYP_CALL_PROBE		0xffff4156

#define HYP_VERSION		0x4156000000000001

/*
 * What HYP_CALL_RUN returns.  The other calls return 0 unless it says otherwise
 * above, HYP_EXIT_EL2 after an exception, and HYP_STUB_ERR if nobody knows them.
 */
#define HYP_EXIT_SYNC		1	/* esr, far, hpfar are in struct hyp_vcpu */
#define HYP_EXIT_IRQ		2	/* a physical interrupt, pending for the host */
#define HYP_EXIT_SERROR		3	/* a physical SError in the guest; esr */
#define HYP_EXIT_KICK		4	/* nothing of the guest's: struct hyp_gic.news, traces */
#define HYP_EXIT_EL2		5	/* EL2 itself took an exception: struct hyp_report */

/* Exceptions at EL2. */
#define HYP_PROVOKE_LOAD	0	/* of an address that EL2 does not map */
#define HYP_PROVOKE_UNDEF	1	/* an undefined instruction */
#define HYP_PROVOKE_SP_EL0	2	/* the load, with SP_EL0 selected */
#define HYP_PROVOKE_STACK	3	/* the stack overflows */

/* struct hyp_cpu.features; the same word on each CPU says what that CPU has. */
#define HYP_HAS_FGT		BIT(0)
#define HYP_HAS_HCX		BIT(1)
#define HYP_HAS_RAS		BIT(2)
#define HYP_HAS_GICV3		BIT(3)	/* ICC_SRE_EL2.SRE is set */
#define HYP_HAS_SPE		BIT(4)
#define HYP_HAS_TRF		BIT(5)
#define HYP_HAS_AMU		BIT(6)
#define HYP_HAS_MPAM		BIT(7)
#define HYP_HAS_FGT2		BIT(11)
#define HYP_HAS_PMU		BIT(12)
#define HYP_HAS_TRBE		BIT(13)
#define HYP_HAS_WORKAROUND_1	BIT(14)	/* of the firmware: SMCCC_ARCH_WORKAROUND_1 */
#define HYP_HAS_WORKAROUND_3	BIT(15)	/* SMCCC_ARCH_WORKAROUND_3 */
#define HYP_HAS_AUX		BIT(16)	/* AMAIR_EL1, AFSR0_EL1, AFSR1_EL1 do something */
#define HYP_HAS_TPIDR2		BIT(20)	/* TPIDR2_EL0, and nothing to trap it with */
#define HYP_HAS_2_APRS		BIT(21)	/* ICH_AP0R1_EL2, ICH_AP1R1_EL2 */
#define HYP_HAS_4_APRS		BIT(22)	/* ... to ICH_AP0R3_EL2, ICH_AP1R3_EL2 */
#define HYP_ERRATUM_SPEC_AT	BIT(8)
#define HYP_ERRATUM_834220	BIT(9)
#define HYP_ERRATUM_REPEAT_TLBI	BIT(10)
#define HYP_ERRATUM_2077057	BIT(17)
#define HYP_ERRATUM_1508412	BIT(19)
#define HYP_HARDENS_BY_FIRMWARE	BIT(18)	/* @guest_vectors make the call of the firmware */

/* struct hyp_vcpu.flags */
#define HYP_VCPU_PROVOKE	BIT(0)	/* fault at EL2 in the next entry, for tests */
#define HYP_VCPU_NO_FP		BIT(1)	/* the guest's ID registers show no FP */
#define HYP_VCPU_DEBUG		BIT(2)	/* the guest has breakpoints or watchpoints */
#define HYP_VCPU_PAUTH		BIT(3)	/* its ID registers show pointer authentication */
#define HYP_VCPU_TIMING		BIT(4)	/* the VMM wants to know where the time goes */

/*
 * What EL2 answers itself (fast.c), as bits of struct hyp_vm.answers and places in
 * the counters; ARMVCPU_EL2_* of the uapi.  From HYP_EL2_FP on they are only counted:
 * nobody but EL2 has an answer.
 */
#define HYP_EL2_SYSREG		0
#define HYP_EL2_CALL		1
#define HYP_EL2_WFE		2
#define HYP_EL2_SGI		3
#define HYP_EL2_TIMER		4
#define HYP_EL2_POSTED		5
#define HYP_EL2_GIC		6
#define HYP_EL2_FP		8
#define HYP_EL2_PAUTH		9
#define HYP_EL2_FIRMWARE	10
#define HYP_EL2_PASSED		11

/* struct hyp_sibling.power: ARMVCPU_POWER_* and POWER_ON_REQUESTED. */
#define HYP_POWER_OFF		0
#define HYP_POWER_ON		1
#define HYP_POWER_ON_PENDING	2
#define HYP_POWER_ON_REQUESTED	3

/* struct hyp_vcpu.pvtime: the vCPU has no stolen time. */
#define HYP_NO_STOLEN_TIME	(~0ULL)

/* The host's page size is EL2's too. */
#if defined(CONFIG_ARM64_64K_PAGES)
#define HYP_PAGE_SHIFT		16
#elif defined(CONFIG_ARM64_16K_PAGES)
#define HYP_PAGE_SHIFT		14
#else
#define HYP_PAGE_SHIFT		12
#endif

#ifndef __ASSEMBLY__

#include <asm-generic/int-ll64.h>
#include <linux/compiler_attributes.h>

#define SYSREG(name, op0, op1, crn, crm, op2, reset) HYP_##name,
enum hyp_sysreg {
#include "sysregs.def"
	HYP_NR_SYSREGS
};

#define EL2REG(name, op0, op1, crn, crm, op2, feature) HYP_SAVED_##name,
enum hyp_el2reg {
#include "el2regs.def"
	HYP_NR_EL2REGS
};

#undef EL2REG

#define PAUTHREG(name, op0, op1, crn, crm, op2) HYP_##name,
enum hyp_pauthreg {
#include "pauthregs.def"
	HYP_NR_PAUTHREGS
};

#undef PAUTHREG

/**
 * struct hyp_fp - FP/SIMD registers
 * @v: V0 to V31.
 * @fpsr: FPSR.
 * @fpcr: FPCR.
 */
struct hyp_fp {
	u64 v[32][2];
	u64 fpsr;
	u64 fpcr;
} __aligned(16);

/* As many as an architecture has. */
#define HYP_MAX_LRS	16
#define HYP_MAX_APRS	4

#define HYP_NR_SGIS	16

/* Interrupts of the host's that are passed through to one VM. */
#define HYP_MAX_PASSED	32

/* How many interrupts EL2 looks at for a guest before the host has its turn. */
#define HYP_IRQ_BUDGET		64

/**
 * struct hyp_passed - an interrupt of the host's that is passed through
 * @lr: ICH_LR<n>_EL2 to begin with, pending; 0: it is not this vCPU's now.
 * @hw_intid: its INTID in the host's GIC.
 * @in_lr: one more than the list register that has it, or 0; in and out.
 * @mask: ICC_PMR_EL1 that lets it through and none of the host's own.
 */
struct hyp_passed {
	u64 lr;
	u32 hw_intid;
	u16 in_lr;
	u16 mask;
};

/* struct hyp_gic.news */
#define HYP_GIC_STRAY	BIT(0)	/* @stray is set */
#define HYP_GIC_KICK	BIT(1)	/* a sibling that is not in the guest has something in @posted */

/**
 * struct hyp_gic - the virtual CPU interface of a vCPU
 * @hcr: ICH_HCR_EL2 (GICv2: GICH_HCR); out: with EOIcount, if En is set.
 * @vmcr: ICH_VMCR_EL2 (GICH_VMCR).
 * @ap0r: ICH_AP0R<n>_EL2 (GICH_APR).
 * @ap1r: ICH_AP1R<n>_EL2.
 * @lr: ICH_LR<n>_EL2 (GICH_LR<n>), @used of them.
 * @cpu: where @vmcr, @ap0r and @ap1r are in the CPU as well, if its @ich_vcpu says so; 0:
 *	the host has changed one of them.
 * @used: list registers in use; out: with those that EL2 has filled.
 * @news: out: HYP_GIC_*.
 * @nr_aprs: registers of @ap0r, and of @ap1r, that are there: 1, 2 or 4.
 * @nr_passed: how many of @passed.
 * @nr_lrs: list registers that there are.
 * @sgis: SGIs that EL2 may make pending, a bit for each.
 * @sgi_lr: ICH_LR<n>_EL2 of each SGI, pending.
 * @sgi_in: one more than the list register that has it, or 0; in and out.
 * @vtimer_lr: the same of the virtual timer's interrupt; 0: it is the host's to take.
 * @vtimer_in: ...
 * @stray: out: one more than the INTID of an interrupt of the host's that was
 *	acknowledged, and is not of this vCPU; or 0.  Then it is in @news as well.
 * @budget: how many more interrupts EL2 may look at before the host has its turn.
 * @passed: interrupts of the host's that EL2 hands to the guest.
 *
 * All but @hcr only counts while its En is set.
 */
struct hyp_gic {
	u64 hcr;
	u64 vmcr;
	u64 ap0r[HYP_MAX_APRS];
	u64 ap1r[HYP_MAX_APRS];
	u64 lr[HYP_MAX_LRS];
	u64 cpu;
	u32 used;
	u32 news;
	u32 nr_aprs;
	u32 nr_passed;
	u32 stray;
	u32 budget;
	u32 nr_lrs;
	u32 sgis;
	u32 vtimer_in;
	u8 sgi_in[HYP_NR_SGIS];
	u64 vtimer_lr;
	u64 sgi_lr[HYP_NR_SGIS];
	struct hyp_passed passed[HYP_MAX_PASSED];
};

/* Answers of EL2 that nobody has read yet: more are the host's to read first. */
#define HYP_MAX_TRACES		16

/**
 * struct hyp_trace - an answer of EL2, for a tracepoint
 * @count: the physical counter.
 * @pc: where the guest goes on.
 * @esr: ESR_EL2 of the trap.
 * @what: HYP_EL2_*.
 */
struct hyp_trace {
	u64 count;
	u64 pc;
	u64 esr;
	u64 what;
};

#define HYP_MAX_DEBUG		16

#define HYP_MAX_VCPUS		64

/**
 * struct hyp_sibling - what each vCPU of a VM knows of the others
 * @mpidr: its affinity, as PSCI has it; no such vCPU: all ones.
 * @vcpu: its struct hyp_vcpu as an address of EL2's, or 0.
 * @power: HYP_POWER_*.
 * @pad: zero.
 */
struct hyp_sibling {
	u64 mpidr;
	u64 vcpu;
	int power;
	u32 pad;
};

/* Ranges of HVC function ids that the VMM wants to see. */
#define HYP_MAX_CLAIMS		16

/**
 * struct hyp_claim - HVC function ids that are the VMM's
 * @first: the first one.
 * @last: the last one.
 */
struct hyp_claim {
	u32 first;
	u32 last;
};

/* Ranges where writes are posted. */
#define HYP_MAX_RANGES		16

/**
 * struct hyp_range - guest physical addresses
 * @first: the first one.
 * @last: the last one.
 */
struct hyp_range {
	u64 first;
	u64 last;
};

#define HYP_RING_SIZE		64

/**
 * struct hyp_posted - a write that was posted
 * @ipa: guest physical address.
 * @data: the value, zero above @len.
 * @len: bytes.
 * @pad: zero.
 */
struct hyp_posted {
	u64 ipa;
	u64 data;
	u32 len;
	u32 pad;
};

/**
 * struct hyp_ring - writes that were posted, in the page of struct hyp_vcpu.x
 * @head: how many the VMM has taken out; anything can be in there.
 * @tail: how many EL2 has put in.
 * @writes: the places, modulo their number.
 */
struct hyp_ring {
	u32 head;
	u32 tail;
	struct hyp_posted writes[HYP_RING_SIZE];
};

/* Registers of the distributor that only have to be read: GICD_CTLR, TYPER, IIDR. */
#define HYP_NR_GICD		3

/* SMCCC_ARCH_WORKAROUND_1 to _3. */
#define HYP_NR_WORKAROUNDS	3

/**
 * struct hyp_vm - one VM as EL2 sees it, in a page of its own
 * @answers: what EL2 answers itself: bits of HYP_EL2_*.
 * @cntvoff: CNTVOFF_EL2 of all its vCPUs.
 * @id: the ID registers, by CRm and op2: op0 3, op1 0, CRn 0.
 * @workarounds: what SMCCC_ARCH_FEATURES says of them.
 * @all_claimed: any HVC that nobody answers is the VMM's; else those of @claims.
 * @nr_claims: how many of @claims.
 * @claims: see above.
 * @nr_ranges: how many of @ranges.
 * @ranges: where writes are posted.
 * @gicd: guest physical address of the distributor; all ones without.
 * @gicd_regs: its first registers.
 * @nr_siblings: how many of @siblings; it only grows.
 * @siblings: the vCPUs by their place.
 *
 * Written by the host alone.
 */
struct hyp_vm {
	u64 answers;
	u64 cntvoff;
	u64 id[64];
	s64 workarounds[HYP_NR_WORKAROUNDS];
	u32 all_claimed;
	u32 nr_claims;
	struct hyp_claim claims[HYP_MAX_CLAIMS];
	u32 nr_ranges;
	struct hyp_range ranges[HYP_MAX_RANGES];
	u64 gicd;
	u32 gicd_regs[HYP_NR_GICD];
	u32 nr_siblings;
	struct hyp_sibling siblings[HYP_MAX_VCPUS];
};

/**
 * struct hyp_debug - breakpoints and watchpoints, by their numbers in the CPU
 * @bcr: DBGBCRn_EL1.
 * @bvr: DBGBVRn_EL1.
 * @wcr: DBGWCRn_EL1.
 * @wvr: DBGWVRn_EL1.
 */
struct hyp_debug {
	u64 bcr[HYP_MAX_DEBUG];
	u64 bvr[HYP_MAX_DEBUG];
	u64 wcr[HYP_MAX_DEBUG];
	u64 wvr[HYP_MAX_DEBUG];
};

/**
 * struct hyp_vcpu - one vCPU as EL2 sees it, in a page of its own
 * @x: x0 to x30, at the beginning of the page that the VMM maps; as an
 *	address of EL2's.
 * @vm: its VM: struct hyp_vm, as an address of EL2's.
 * @doorbell: SGI_base of the redistributor of the CPU that it is in the guest on, or is
 *	about to be, as an address of EL2's; or 0.  Only if it has siblings.
 * @counts: how often EL2 has answered, by HYP_EL2_*: in the page of @x, too.
 * @ring: struct hyp_ring, also there.
 * @pc: ELR_EL2 of the guest.
 * @pstate: SPSR_EL2 of the guest.
 * @esr: out: ESR_EL2 of the exit.
 * @far: out: FAR_EL2.
 * @hpfar: out: HPFAR_EL2, computed where the hardware leaves it UNKNOWN.
 * @insn_pa: out: guest physical address of @pc by the guest's own stage 1, or
 *	PAR_EL1 with its F bit; only for an abort without a valid syndrome.
 * @hcr: HCR_EL2 without the interrupt lines; VSE is updated at exit.
 * @lines: HCR_EL2.VI and VF.  The host's other CPUs write it at any time.
 * @vttbr: VTTBR_EL2.
 * @vtcr: VTCR_EL2.
 * @vmpidr: VMPIDR_EL2.
 * @vpidr: VPIDR_EL2.
 * @mdcr: MDCR_EL2 without HPMN, which stays the host's.
 * @mdscr: MDSCR_EL1 while the guest runs.
 * @flags: HYP_VCPU_*.
 * @fp_live: the guest's FP registers are in the CPU, not in @fp.
 * @host_pauth_saved: @host_pauth is the host's, the CPU has the guest's keys.
 * @host_debug_saved: @host_debug is the host's, the CPU has @debug.
 * @posted: SGIs that siblings have sent, at EL2; taken by whoever comes first.
 * @tracing: somebody listens to a tracepoint of the host's.
 * @nr_traces: how many of @traces; in and out.
 * @wfe_budget: how many more WFEs EL2 passes over before the host sees one.
 * @not_answered: bits of struct hyp_vm.answers that are not for this vCPU.
 * @oslsr: OSLSR_EL1 as the guest reads it.
 * @pvtime: guest physical address of its stolen time, or HYP_NO_STOLEN_TIME.
 * @sys: the registers of sysregs.def.
 * @gic: the virtual CPU interface; on a GICv2, the host's alone.
 * @fp: FP/SIMD registers.
 * @pauth: the guest's keys of pointer authentication.
 * @host_pauth: the host's, meanwhile.
 * @debug: what the guest's breakpoints and watchpoints are in this CPU.
 * @host_debug: the host's, meanwhile.
 * @traces: with @tracing: answers of EL2.
 */
struct hyp_vcpu {
	u64 x;
	u64 vm;
	u64 doorbell;
	u64 counts;
	u64 ring;
	u64 pc;
	u64 pstate;
	u64 esr;
	u64 far;
	u64 hpfar;
	u64 insn_pa;
	u64 hcr;
	u64 lines;
	u64 vttbr;
	u64 vtcr;
	u64 vmpidr;
	u64 vpidr;
	u64 mdcr;
	u64 mdscr;
	u32 flags;
	u32 fp_live;
	u32 host_pauth_saved;
	u32 host_debug_saved;
	u32 posted;
	u32 tracing;
	u32 nr_traces;
	u32 wfe_budget;
	u32 not_answered;
	u64 oslsr;
	u64 pvtime;
	u64 sys[HYP_NR_SYSREGS];
	struct hyp_gic gic;
	struct hyp_fp fp;
	u64 pauth[HYP_NR_PAUTHREGS];
	u64 host_pauth[HYP_NR_PAUTHREGS];
	struct hyp_debug debug;
	struct hyp_debug host_debug;
	struct hyp_trace traces[HYP_MAX_TRACES];
};

/**
 * struct hyp_report - an exception that EL2 took itself
 * @count: exceptions so far on this CPU; the host reports each new one.
 * @vector: offset into the vector table.
 * @guest: 1: with a guest's vectors in place.
 * @esr: ESR_EL2.
 * @elr: ELR_EL2: an address of the image.
 * @far: FAR_EL2.
 * @hpfar: HPFAR_EL2.
 * @spsr: SPSR_EL2.
 * @sp: SP_EL2.
 * @x: x0 to x30.
 */
struct hyp_report {
	u64 count;
	u32 vector;
	u32 guest;
	u64 esr;
	u64 elr;
	u64 far;
	u64 hpfar;
	u64 spsr;
	u64 sp;
	u64 x[31];
};

/**
 * struct hyp_cpu - EL2's memory of one CPU; TPIDR_EL2 points to it
 * @vcpu: the guest that runs, or 0.
 * @host_sp: frame of the host's hvc while one is answered, or 0.
 * @features: HYP_HAS_*, HYP_ERRATUM_*.
 * @serror: ESR_EL2 of an SError taken in the window of entry.S, or 0.
 * @host: the host's registers of sysregs.def while a guest runs.
 * @redist: SGI_base of its redistributor, as an address of EL2's; or 0.
 * @vtimer_intid: the virtual timer's interrupt.
 * @maintenance_intid: that of the virtual CPU interface.
 * @cntv_cval: CNTV_CVAL_EL0, which stays when a guest goes.
 * @ich_vcpu: whose ICH_VMCR_EL2, ICH_AP0R<n>_EL2 and ICH_AP1R<n>_EL2 are in the CPU.
 * @guest_cptr: CPTR_EL2 for guests on this CPU, with FP trapped.
 * @guest_mdcr: what of MDCR_EL2 is the same for all guests.
 * @guest_cnthctl: CNTHCTL_EL2 for guests.
 * @guest_sre: ICC_SRE_EL2 for guests.
 * @mair: MAIR_EL2 to install.
 * @tcr: TCR_EL2 to install.
 * @ttbr0: TTBR0_EL2 to install.
 * @sctlr: SCTLR_EL2 to install.
 * @old_vbar: VBAR_EL2 found at install; so the other @old_ fields.
 * @old_sctlr: SCTLR_EL2.
 * @old_tcr: TCR_EL2.
 * @old_ttbr0: TTBR0_EL2.
 * @old_mair: MAIR_EL2.
 * @old_tpidr: TPIDR_EL2.
 * @old_sp: SP_EL2.
 * @saved: the registers of el2regs.def as found at install.
 * @host_mdscr: MDSCR_EL1 of the host while a guest runs.
 * @host_pmuserenr: PMUSERENR_EL0.
 * @host_pmscr: PMSCR_EL1.
 * @host_trfcr: TRFCR_EL1.
 * @host_pmblimitr: PMBLIMITR_EL1.
 * @host_trblimitr: TRBLIMITR_EL1.
 * @host_tpidr2: TPIDR2_EL0.
 * @host_tpidr2_saved: that is there.
 * @host_fp: the host's FP registers while the guest has loaded its own.
 * @report: the last unexpected exception at EL2.
 * @cpu_features: what the host says of this CPU; hyp_install() makes @features of it.
 * @others: HYP_ERRATUM_REPEAT_TLBI if any CPU has it: see el2_host.c.
 * @guest_vectors: VBAR_EL2 while a guest runs: those of vectors.S that this CPU needs
 *	against speculation.
 * @harden_arg: for these: the firmware's function id, or how many branches.
 * @hardened: how often they have done something.
 *
 * Lies at the top of the CPU's EL2 stack, whose other end has an unmapped page.
 */
struct hyp_cpu {
	u64 vcpu;
	u64 host_sp;
	u64 features;
	u64 serror;
	u64 host[HYP_NR_SYSREGS];
	u64 redist;
	u32 vtimer_intid;
	u32 maintenance_intid;
	u64 cntv_cval;
	u64 ich_vcpu;
	u64 guest_cptr;
	u64 guest_mdcr;
	u64 guest_cnthctl;
	u64 guest_sre;
	u64 host_mdscr;
	u64 host_pmuserenr;
	u64 mair;
	u64 tcr;
	u64 ttbr0;
	u64 sctlr;
	u64 old_vbar;
	u64 old_sctlr;
	u64 old_tcr;
	u64 old_ttbr0;
	u64 old_mair;
	u64 old_tpidr;
	u64 old_sp;
	u64 saved[HYP_NR_EL2REGS];
	u64 host_pmscr;
	u64 host_trfcr;
	u64 host_pmblimitr;
	u64 host_trblimitr;
	u64 host_tpidr2;
	u64 host_tpidr2_saved;
	struct hyp_fp host_fp;
	struct hyp_report report;
	u64 cpu_features;
	u64 others;
	u64 guest_vectors;
	u64 harden_arg;
	u64 hardened;
} __aligned(64);

/* Half of the smallest page stays for the stack. */
_Static_assert(sizeof(struct hyp_cpu) <= 2048, "EL2's stack needs the room");
_Static_assert(sizeof(struct hyp_vcpu) <= 4096, "one page");
_Static_assert(sizeof(struct hyp_vm) <= 4096, "one page");

#endif /* __ASSEMBLY__ */
#endif /* ARMVCPU_HYP_H */
