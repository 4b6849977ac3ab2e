// SPDX-License-Identifier: GPL-2.0
/*
 * Taking EL2 and giving it back.
 *
 * The hyp-stub of a kernel that dropped to EL1 leads the way in: its
 * HVC_SOFT_RESTART branches to our code at EL2, which keeps what it finds and
 * installs our vectors.  That is done per CPU, again after a CPU was offline or
 * lost its state in idle, and undone before the CPU goes, at reboot and at
 * unload.
 *
 * Nothing is tried before it is known to be harmless: hvc is UNDEFINED where
 * there is no EL2, and a hypervisor that is there would act on our calls.
 */
#include <linux/acpi.h>
#include <linux/cpu.h>
#include <linux/cpu_pm.h>
#include <linux/debugfs.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/kallsyms.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/of.h>
#include <linux/of_irq.h>
#include <linux/percpu.h>
#include <linux/reboot.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <clocksource/arm_arch_timer.h>
#include <asm/barrier.h>
#include <asm/cpufeature.h>
#include <asm/cputype.h>
#include <asm/sysreg.h>

#include "hyp/layout.h"
#include "kmod.h"
#include "madt.h"

#ifdef CONFIG_CPU_BIG_ENDIAN
#error "armvcpu is for little-endian kernels"
#endif

static_assert(HYP_PAGE_SHIFT == PAGE_SHIFT);

/* EL2's map: identity, 48 bits, whatever the host's own virtual addresses. */
#define EL2_VA_BITS	48
#define EL2_START_LEVEL	(4 - DIV_ROUND_UP(EL2_VA_BITS - PAGE_SHIFT, PGTABLE_BITS))

#define S1_AF		BIT_ULL(10)
#define S1_SH_INNER	(3ULL << 8)
#define S1_AP_RES1	BIT_ULL(6)
#define S1_AP_RO	BIT_ULL(7)
#define S1_XN		BIT_ULL(54)
#define S1_BASE		(S1_AF | S1_SH_INNER | S1_AP_RES1)
#define S1_RX		(S1_BASE | S1_AP_RO)
#define S1_RO		(S1_BASE | S1_AP_RO | S1_XN)
#define S1_RW		(S1_BASE | S1_XN)

#define S1_DEVICE	(S1_AF | S1_AP_RES1 | S1_XN | 1 << 2)

/* Attribute 0: Normal, write-back, allocate; 1: Device-nGnRE. */
#define EL2_MAIR	0x04ffULL

/* RES1; MMU, alignment of SP, both caches, no writable page is executable. */
#define EL2_SCTLR	(0x30c50830ULL | BIT_ULL(0) | BIT_ULL(2) | BIT_ULL(3) | \
			 BIT_ULL(12) | BIT_ULL(19))

/* RES1; inner shareable, write-back walks; T0SZ. */
#define EL2_TCR		(BIT_ULL(31) | BIT_ULL(23) | (3ULL << 12) | (1ULL << 10) | \
			 (1ULL << 8) | (64 - EL2_VA_BITS))
#define EL2_TCR_TG0	(PAGE_SHIFT == 12 ? 0ULL : PAGE_SHIFT == 14 ? 2ULL << 14 : 1ULL << 14)

static void *el2_image;
static size_t el2_image_size;
static struct pgtable el2_pgtable;
/* el2_pgtable, after init. */
static DEFINE_MUTEX(el2_map_lock);

/**
 * struct el2_cpu - the host's side of one CPU's EL2
 * @hyp: what it shares with EL2, at the top of its stack.
 * @stack: the allocation: a page that EL2 does not map, and the stack's.
 * @wanted: they shall be, whenever the CPU is there.
 * @installed: our vectors are in place.  Changed on the CPU with interrupts off.
 * @reported: exceptions that have been reported.
 * @midr: MIDR_EL1.
 */
struct el2_cpu {
	struct hyp_cpu *hyp;
	unsigned long stack;
	bool wanted;
	bool installed;
	u64 reported;
	u32 midr;
};

static DEFINE_PER_CPU(struct el2_cpu, el2_cpus);
static bool el2_allint;
/* CTR_EL0 and CLIDR_EL1 of the CPU that was taken first; another has another CTR_EL0. */
static u64 el2_first_ctr, el2_first_clidr;
static bool el2_other_ctr;
static enum cpuhp_state el2_hp_state;
/* No CPU may take EL2 any more. */
static bool el2_shut;
static bool el2_in_init;

static bool allow_unknown_boot;
module_param(allow_unknown_boot, bool, 0444);
MODULE_PARM_DESC(allow_unknown_boot,
		 "take EL2 although the kernel's symbols do not tell that it was booted there");

/* ---- hypercalls -------------------------------------------------------- */

/**
 * el2_call() - hvc on this CPU
 * @id: HYP_CALL_* or the stub's.
 * @arg1: x1.
 * @arg2: x2.
 * @arg3: x3.
 * @arg4: x4.
 *
 * Preemption is off, unless any CPU will do.
 *
 * Return: x0.
 */
u64 el2_call(u64 id, u64 arg1, u64 arg2, u64 arg3, u64 arg4)
{
	register u64 x0 asm("x0") = id;
	register u64 x1 asm("x1") = arg1;
	register u64 x2 asm("x2") = arg2;
	register u64 x3 asm("x3") = arg3;
	register u64 x4 asm("x4") = arg4;

	asm volatile("hvc #0"
		     : "+r" (x0), "+r" (x1), "+r" (x2), "+r" (x3), "+r" (x4)
		     :
		     : "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
		       "x14", "x15", "x16", "x17", "cc", "memory");
	return x0;
}

/* ---- caches ------------------------------------------------------------ */

/* To the PoC, and out of the caches: EL2 comes in with its MMU off. */
static void clean_to_poc(const void *start, size_t size)
{
	unsigned long line = 4UL << (read_sanitised_ftr_reg(SYS_CTR_EL0) >> 16 & 0xf);
	unsigned long addr = (unsigned long)start & ~(line - 1);
	unsigned long end = (unsigned long)start + size;

	for (; addr < end; addr += line)
		asm volatile("dc civac, %0" : : "r" (addr) : "memory");
	dsb(sy);
}

/* ---- one CPU ----------------------------------------------------------- */

static u64 field(u64 reg, int shift)
{
	return reg >> shift & 0xf;
}

/*
 * 4118414 and its like (CVE-2025-10263): PartNum of MIDR_EL1, not all of which every
 * kernel has a name for.  Arm's, in all revisions.
 */
static bool repeats_tlbi(u32 midr)
{
	static const u16 parts[] = {
		0xd0b, 0xd0c, 0xd0d, 0xd0e,	/* A76, N1, A77, A76AE */
		0xd40, 0xd41, 0xd42, 0xd44,	/* V1, A78, A78AE, X1 */
		0xd47, 0xd48, 0xd49, 0xd4b,	/* A710, X2, N2, A78C */
		0xd4c, 0xd4e, 0xd4f,		/* X1C, X3, V2 */
		0xd82, 0xd83, 0xd84, 0xd85,	/* X4, V3AE, V3, X925 */
		0xd8c, 0xd90,			/* C1-Ultra, C1-Premium */
	};
	unsigned int i;

	/* 1009, of the first Kryo: all with this part of the number. */
	if (MIDR_IMPLEMENTOR(midr) == ARM_CPU_IMP_QCOM)
		return (MIDR_PARTNUM(midr) & 0xf00) == 0x200;
	if (MIDR_IMPLEMENTOR(midr) != ARM_CPU_IMP_ARM)
		return false;
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		if (MIDR_PARTNUM(midr) == parts[i])
			return true;
	return false;
}

/*
 * HYP_ERRATUM_*: Documentation/errata.rst.  The Kryos named are an A53, an A55 and an A76
 * by another name, with their errata.
 */
static u64 cpu_errata(u32 midr)
{
	u64 errata = repeats_tlbi(midr) ? HYP_ERRATUM_REPEAT_TLBI : 0;

	switch (midr & MIDR_CPU_MODEL_MASK) {
	case MIDR_CORTEX_A53:			/* 1530924 */
	case MIDR_QCOM_KRYO_2XX_SILVER:
	case MIDR_CORTEX_A72:			/* 1319367 */
		errata |= HYP_ERRATUM_SPEC_AT;
		break;
	case MIDR_CORTEX_A57:			/* 1319537; 834220 up to r1p2 */
		errata |= HYP_ERRATUM_SPEC_AT | HYP_ERRATUM_834220;
		break;
	case MIDR_CORTEX_A55:			/* 1530923 up to r2p0, 2441007 */
	case MIDR_QCOM_KRYO_4XX_SILVER:
	case MIDR_CORTEX_A76:			/* 1165522 and 1286807, up to r3p0 */
	case MIDR_QCOM_KRYO_4XX_GOLD:
		errata |= HYP_ERRATUM_SPEC_AT | HYP_ERRATUM_REPEAT_TLBI;
		break;
	case MIDR_CORTEX_A77:			/* 1508412 */
		if (midr_is_cpu_model_range(midr, MIDR_CORTEX_A77, 0, MIDR_CPU_VAR_REV(1, 0)))
			errata |= HYP_ERRATUM_1508412;
		break;
	case MIDR_CORTEX_A510:			/* 2441009 up to r1p1, 2077057 up to r0p2 */
		errata |= HYP_ERRATUM_REPEAT_TLBI;
		if (midr_is_cpu_model_range(midr, MIDR_CORTEX_A510, 0, MIDR_CPU_VAR_REV(0, 2)))
			errata |= HYP_ERRATUM_2077057;
		break;
	case MIDR_QCOM_FALKOR_V1:		/* 1009 */
		errata |= HYP_ERRATUM_REPEAT_TLBI;
		break;
	}
	return errata;
}

/**
 * el2_has_allint() - has any CPU FEAT_NMI?
 *
 * It sets PSTATE.ALLINT at each exception to EL1, whatever the guest and the host's kernel
 * know of it: kernels without a driver for it leave it out of the registers that all CPUs
 * have in common.
 */
bool el2_has_allint(void)
{
	return READ_ONCE(el2_allint);
}

/* Of this CPU: another may have another core. */
static u64 cpu_features(void)
{
	u64 pfr0 = read_cpuid(ID_AA64PFR0_EL1);
	u64 dfr0 = read_cpuid(ID_AA64DFR0_EL1);
	u64 mmfr0 = read_cpuid(ID_AA64MMFR0_EL1);
	u64 mmfr1 = read_cpuid(ID_AA64MMFR1_EL1);
	u32 midr = read_cpuid_id();
	u64 features = 0;

	if (field(mmfr0, 56))
		features |= HYP_HAS_FGT;
	if (field(mmfr0, 56) > 1)
		features |= HYP_HAS_FGT2;
	/*
	 * TPIDR2_EL0 (FEAT_SME) can only be trapped by FEAT_FGT, which any core with SME
	 * has.  QEMU 7.2's "max" has not: there the register is the guest's while it runs.
	 * The kernel uses it itself, so EL3 does not trap it (arm64's booting.rst: EnTP2).
	 */
	if (field(read_cpuid(ID_AA64PFR1_EL1), 24) && !field(mmfr0, 56)) {
		features |= HYP_HAS_TPIDR2;
		pr_notice_once("SME without FEAT_FGT: TPIDR2_EL0 is the guest's own, not undefined\n");
	}
	if (field(read_cpuid(ID_AA64PFR1_EL1), 36))
		WRITE_ONCE(el2_allint, true);
	if (field(pfr0, 40))
		features |= HYP_HAS_MPAM;
	if (field(dfr0, 8) && field(dfr0, 8) != 0xf)
		features |= HYP_HAS_PMU;
	if (field(mmfr1, 40))
		features |= HYP_HAS_HCX;
	if (field(pfr0, 28))
		features |= HYP_HAS_RAS;
	if (field(pfr0, 24))
		features |= HYP_HAS_GICV3;
	if (field(pfr0, 44))
		features |= HYP_HAS_AMU;
	if (field(dfr0, 40))
		features |= HYP_HAS_TRF;
	/* The trace buffer, unless EL3 keeps it (TRBIDR_EL1.P). */
	if (field(dfr0, 44) && !(read_sysreg_s(SYS_TRBIDR_EL1) & BIT(4)))
		features |= HYP_HAS_TRBE;
	/* The statistical profiling buffer, unless EL3 keeps it (PMBIDR_EL1.P). */
	if (field(dfr0, 32) && !(read_sysreg_s(SYS_PMBIDR_EL1) & BIT(4)))
		features |= HYP_HAS_SPE;

	/* RES0 on all cores of Arm's own, says the manual of each. */
	if ((midr >> 24) != ARM_CPU_IMP_ARM)
		features |= HYP_HAS_AUX;

	return features | cpu_errata(midr);
}

/*
 * What a guest can do to the host on some cores.  832075 of the A57, 1508412 of the A77:
 * a guest that mixes exclusives and loads of Device memory without the workaround can
 * stop the core for good.  Spectre v2 and BHB: branch predictors trained by the guest
 * are used by the host, where the firmware has nothing against it (spectre.c).
 */
static void warn_of_errata(unsigned int cpu)
{
	enum { A57_832075, A77_1508412, SPECTRE };
	static unsigned long told;
	u32 midr = per_cpu_ptr(&el2_cpus, cpu)->midr;

	/* One CPU of each kind tells for all. */
	if (midr_is_cpu_model_range(midr, MIDR_CORTEX_A57, 0, MIDR_CPU_VAR_REV(1, 2)) &&
	    !test_and_set_bit(A57_832075, &told))
		pr_warn("CPU%u is a Cortex-A57 with erratum 832075: run guests you trust only\n",
			cpu);
	if (midr_is_cpu_model_range(midr, MIDR_CORTEX_A77, 0, MIDR_CPU_VAR_REV(1, 0)) &&
	    !test_and_set_bit(A77_1508412, &told))
		pr_warn("CPU%u is a Cortex-A77 with erratum 1508412: run guests you trust only\n",
			cpu);
	if (spectre_exposed() && !test_and_set_bit(SPECTRE, &told))
		pr_warn("guests share the branch predictors with the host, and the firmware has no call against it (Spectre v2, Spectre-BHB): run guests you trust only\n");
}

/* The image is read from memory itself when EL2's MMU is off. */
static void clean_image(void)
{
	clean_to_poc(el2_image, el2_image_size);
	/*
	 * Its pages may have held other code, and a restored image comes as data.
	 * Each CPU does this for itself before it goes there.
	 */
	asm volatile("ic iallu" : : : "memory");
	dsb(nsh);
	isb();
}

/*
 * A CPU's invalidations reach all others: if one of these takes them for done too early,
 * whoever sends them repeats them.  CPUs come here at the same time, and back from idle; a
 * CPU's own features are its own, and EL2's.
 */
static void spread_errata(struct hyp_cpu *hyp)
{
	static DEFINE_RAW_SPINLOCK(lock);
	static u64 of_any;
	u64 errata = hyp->cpu_features & HYP_ERRATUM_REPEAT_TLBI;
	int cpu;

	/* It never shrinks, and who makes it grow tells all. */
	if (READ_ONCE(of_any) == (READ_ONCE(of_any) | errata))
		return;
	raw_spin_lock(&lock);
	WRITE_ONCE(of_any, of_any | errata);
	for_each_possible_cpu(cpu)
		WRITE_ONCE(per_cpu_ptr(&el2_cpus, cpu)->hyp->others, of_any);
	raw_spin_unlock(&lock);
}

/* On that CPU, which is in no guest then: it would leave it by the old table. */
static void set_hardening(struct hyp_cpu *hyp, const struct spectre_cpu *spectre)
{
	static const u64 tables[NR_HARDEN] = {
		[HARDEN_NOT]	  = sym_hyp_guest_vectors,
		[HARDEN_FIRMWARE] = sym_hyp_guest_vectors_firmware,
		[HARDEN_LOOP]	  = sym_hyp_guest_vectors_loop,
		[HARDEN_CLEAR]	  = sym_hyp_guest_vectors_clear,
	};

	hyp->features = (hyp->features & ~HYP_HARDENS_BY_FIRMWARE) | spectre->features;
	hyp->harden_arg = spectre->arg;
	hyp->guest_vectors = virt_to_phys(el2_image) + tables[spectre->how];
}

/* To the image, by whoever answers HVC_SOFT_RESTART.  With interrupts off. */
static bool enter_image(struct hyp_cpu *hyp)
{
	struct spectre_cpu spectre;

	spectre_look(&spectre);
	set_hardening(hyp, &spectre);
	hyp->cpu_features = cpu_features() | spectre.features;
	spread_errata(hyp);
	hyp->mair = EL2_MAIR;
	hyp->tcr = EL2_TCR | EL2_TCR_TG0 |
		   min_t(u64, field(read_cpuid(ID_AA64MMFR0_EL1), 0), 5) << 16;
	hyp->ttbr0 = virt_to_phys(el2_pgtable.root);
	hyp->sctlr = EL2_SCTLR;
	clean_to_poc(hyp, sizeof(*hyp));
	clean_image();

	el2_call(HYP_STUB_SOFT_RESTART,
		 virt_to_phys(el2_image) + sym_hyp_stub_install,
		 virt_to_phys(hyp), 0, 0);
	return el2_call(HYP_CALL_VERSION, 0, 0, 0, 0) == HYP_VERSION;
}

static void look_at_caches(void)
{
	u64 ctr = read_cpuid_cachetype();
	u64 first = cmpxchg64(&el2_first_ctr, 0, ctr);

	if (!first)
		WRITE_ONCE(el2_first_clidr, read_sysreg(clidr_el1));
	else if (first != ctr)
		WRITE_ONCE(el2_other_ctr, true);
}

/**
 * el2_caches_differ() - has one CPU another CTR_EL0 than the others?
 */
bool el2_caches_differ(void)
{
	return READ_ONCE(el2_other_ctr);
}

/**
 * el2_ctr() - CTR_EL0 that holds for all CPUs
 */
u64 el2_ctr(void)
{
	return el2_caches_differ() ? read_sanitised_ftr_reg(SYS_CTR_EL0) :
				     READ_ONCE(el2_first_ctr);
}

/**
 * el2_clidr() - CLIDR_EL1 of one of the CPUs, always the same
 */
u64 el2_clidr(void)
{
	return READ_ONCE(el2_first_clidr);
}

/* With interrupts off.  Returns 0, -EBUSY if the stub is not there. */
static int install_this_cpu(void)
{
	struct el2_cpu *cpu = this_cpu_ptr(&el2_cpus);

	if (cpu->installed || READ_ONCE(el2_shut))
		return 0;
	if (el2_call(HYP_CALL_PROBE, 0, 0, 0, 0) != HYP_STUB_ERR)
		return -EBUSY;

	cpu->midr = read_cpuid_id();
	look_at_caches();
	if (!enter_image(cpu->hyp))
		return -EBUSY;
	cpu->installed = true;
	vcpu_unload();
	return 0;
}

static void restore_this_cpu(void *unused)
{
	struct el2_cpu *cpu = this_cpu_ptr(&el2_cpus);

	if (!cpu->installed)
		return;
	el2_report(NULL);
	cpu->installed = false;
	vcpu_unload();
	el2_call(HYP_CALL_RESTORE, 0, 0, 0, 0);
}

/**
 * el2_ready() - does this CPU's EL2 belong to us?  Preemption is off.
 */
bool el2_ready(void)
{
	struct el2_cpu *cpu = this_cpu_ptr(&el2_cpus);

	/* A trap of the host's own that it has taken as undefined. */
	if (unlikely(cpu->installed && cpu->reported != cpu->hyp->report.count))
		el2_report(NULL);
	return cpu->installed;
}

/**
 * struct el2_ppi - a per-CPU interrupt that belongs to whoever has EL2
 * @what: for messages.
 * @irq: Linux interrupt number, 0 if it is not there.
 * @gsi: its number in ACPI, 0 without.
 * @dev: what Linux identifies the request by.
 */
struct el2_ppi {
	const char *what;
	unsigned int irq;
	u32 gsi;
	int __percpu *dev;
};

/* The first one is always there. */
static struct el2_ppi el2_ppis[] = {
	{ .what = "virtual timer" },
	{ .what = "GIC maintenance" },
};

/**
 * el2_maintenance_irq() - Linux' number of the GIC's maintenance interrupt, or 0
 */
unsigned int el2_maintenance_irq(void)
{
	return el2_ppis[1].irq;
}

/**
 * el2_vtimer_irq() - Linux' number of the virtual timer's interrupt
 */
unsigned int el2_vtimer_irq(void)
{
	return el2_ppis[0].irq;
}

/**
 * el2_irq_data() - an interrupt as the GIC itself has it
 * @irq: Linux' number of it.
 *
 * Return: it, or NULL.
 */
struct irq_data *el2_irq_data(unsigned int irq)
{
	struct irq_data *data = irq_get_irq_data(irq);

#ifdef CONFIG_IRQ_DOMAIN_HIERARCHY
	while (data && data->parent_data)
		data = data->parent_data;
#endif
	return data;
}

/*
 * Has the interrupt controller an active state that can be set?  Without one (not a
 * GIC), nothing could quiet a guest's timer: it must not interrupt, then.
 */
static bool can_be_quiet(unsigned int irq)
{
	bool active;

	return !irq_get_irqchip_state(irq, IRQCHIP_STATE_ACTIVE, &active);
}

/* Interrupts are off. */
static void enable_ppis(void)
{
	int i;

	gic_host_cpu_up();
	redist_cpu_up();
	for (i = 0; i < ARRAY_SIZE(el2_ppis); i++)
		if (el2_ppis[i].dev && can_be_quiet(el2_ppis[i].irq))
			enable_percpu_irq(el2_ppis[i].irq, IRQ_TYPE_NONE);
}

static void disable_ppis(void)
{
	int i;

	timer_cpu_quiet();
	for (i = 0; i < ARRAY_SIZE(el2_ppis); i++)
		if (el2_ppis[i].dev && can_be_quiet(el2_ppis[i].irq))
			disable_percpu_irq(el2_ppis[i].irq);
}

/**
 * el2_lost() - this CPU's EL2 answers as the stub does
 *
 * Somebody has called HVC_RESET_VECTORS.  Preemption is off.
 */
void el2_lost(void)
{
	this_cpu_write(el2_cpus.installed, false);
	vcpu_unload();
	/* The end of the host came in between. */
	if (READ_ONCE(el2_shut))
		return;
	pr_err_ratelimited("CPU%u: EL2 is not ours any more: something has called HVC_RESET_VECTORS\n",
			   smp_processor_id());
}

struct any_call {
	u64 id;
	u64 args[4];
	bool done;
};

static void call_here(void *data)
{
	struct any_call *call = data;
	u64 ret;

	if (call->done || !el2_ready())
		return;
	ret = el2_call(call->id, call->args[0], call->args[1], call->args[2], call->args[3]);
	if (ret == HYP_STUB_ERR) {
		el2_lost();
		return;
	}
	/* Whatever it was, it has not been done. */
	if (ret == HYP_EXIT_EL2) {
		el2_report(NULL);
		return;
	}
	call->done = true;
}

/**
 * el2_call_any() - hvc on a CPU whose EL2 is ours: for maintenance of all TLBs
 * @id: HYP_CALL_TLBI_*.
 * @arg1: x1.
 * @arg2: x2.
 * @arg3: x3.
 * @arg4: x4.
 *
 * In process context, with interrupts on; a spin lock may be held.  If there is no such
 * CPU, no guest runs anywhere, and all that TLBs hold is dropped when EL2 is taken again.
 */
void el2_call_any(u64 id, u64 arg1, u64 arg2, u64 arg3, u64 arg4)
{
	struct any_call call = { .id = id, .args = { arg1, arg2, arg3, arg4 } };
	int cpu;

	/* As long as it is off, no CPU goes offline. */
	preempt_disable();
	call_here(&call);
	if (unlikely(!call.done)) {
		for_each_online_cpu(cpu)
			if (!call.done && READ_ONCE(per_cpu_ptr(&el2_cpus, cpu)->installed))
				smp_call_function_single(cpu, call_here, &call, 1);
	}
	preempt_enable();
}

/**
 * el2_call_here() - hvc on this CPU, if its EL2 is ours: for maintenance of its TLB
 * @id: HYP_CALL_TLBI_*.
 * @arg1: x1.
 * @arg2: x2.
 * @arg3: x3.
 * @arg4: x4.
 */
void el2_call_here(u64 id, u64 arg1, u64 arg2, u64 arg3, u64 arg4)
{
	struct any_call call = { .id = id, .args = { arg1, arg2, arg3, arg4 } };

	preempt_disable();
	call_here(&call);
	preempt_enable();
}

/* ---- comings and goings of CPUs ---------------------------------------- */

static int el2_cpu_up(unsigned int cpu)
{
	unsigned long flags;
	int ret;

	local_irq_save(flags);
	ret = install_this_cpu();
	if (!ret || !el2_in_init) {
		this_cpu_write(el2_cpus.wanted, true);
		enable_ppis();
	}
	local_irq_restore(flags);
	if (!el2_in_init)
		pass_cpu_up();
	if (!ret) {
		warn_of_errata(cpu);
		return 0;
	}
	if (el2_in_init)
		return ret;
	pr_err("CPU%u came back without a hyp-stub: vCPUs cannot run there; take it offline\n",
	       cpu);
	return 0;
}

static int el2_cpu_down(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	this_cpu_write(el2_cpus.wanted, false);
	disable_ppis();
	restore_this_cpu(NULL);
	local_irq_restore(flags);
	return 0;
}

static int el2_pm_notify(struct notifier_block *self, unsigned long event, void *data)
{
	switch (event) {
	case CPU_PM_ENTER:
		restore_this_cpu(NULL);
		break;
	case CPU_PM_ENTER_FAILED:
	case CPU_PM_EXIT:
		timer_cpu_changed();
		gic_host_cpu_up();
		if (this_cpu_read(el2_cpus.wanted) && install_this_cpu())
			pr_err_ratelimited("CPU%u woke up without a hyp-stub: vCPUs cannot run there; take it offline\n",
					   smp_processor_id());
		break;
	}
	return NOTIFY_OK;
}

static struct notifier_block el2_pm_notifier = { .notifier_call = el2_pm_notify };

/* A CPU that sleeps has given it back before. */
static void restore_and_count(void *given)
{
	if (this_cpu_read(el2_cpus.installed))
		atomic_inc(given);
	restore_this_cpu(NULL);
}

/* The next kernel finds EL2 as this one did. */
static int el2_reboot_notify(struct notifier_block *self, unsigned long event, void *data)
{
	atomic_t given = ATOMIC_INIT(0);

	WRITE_ONCE(el2_shut, true);
	on_each_cpu(restore_and_count, &given, 1);
	pr_info("the host goes down: EL2 given back on %d CPU(s)\n", atomic_read(&given));
	return NOTIFY_OK;
}

static struct notifier_block el2_reboot_notifier = { .notifier_call = el2_reboot_notify };

/* ---- EL2's map --------------------------------------------------------- */

static int map_range(const void *start, size_t size, u64 attrs)
{
	u64 pa = virt_to_phys((void *)start), end = pa + size;
	int ret = 0;

	if (end > BIT_ULL(EL2_VA_BITS))
		return -ERANGE;
	for (; pa < end && !ret; pa += PAGE_SIZE)
		ret = pgt_map(&el2_pgtable, pa, pa, 3, attrs, NULL);
	return ret;
}

/**
 * el2_share() - let EL2 read and write a page of the linear map
 * @page: its address.
 *
 * Return: 0, -ENOMEM, -ERANGE (memory above 48 bits).
 */
int el2_share(void *page)
{
	int ret;

	mutex_lock(&el2_map_lock);
	ret = map_range(page, PAGE_SIZE, S1_RW);
	mutex_unlock(&el2_map_lock);
	return ret;
}

/**
 * el2_map_device() - let EL2 read and write registers of a device
 * @pa: physical address of a page.
 *
 * For as long as the module is there.
 *
 * Return: 0, -ENOMEM, -ERANGE (above 48 bits), -EEXIST, -EINVAL (no whole page).
 */
int el2_map_device(phys_addr_t pa)
{
	int ret = -ERANGE;

	if (!PAGE_ALIGNED(pa))
		return -EINVAL;
	mutex_lock(&el2_map_lock);
	if (pa + PAGE_SIZE <= BIT_ULL(EL2_VA_BITS))
		ret = pgt_map(&el2_pgtable, pa, pa, 3, S1_DEVICE, NULL);
	mutex_unlock(&el2_map_lock);
	return ret;
}

/**
 * el2_set_redist() - which redistributor is this CPU's
 * @sgi: physical address of its SGI_base, which EL2 has in its map.
 *
 * With preemption off.
 */
void el2_set_redist(phys_addr_t sgi)
{
	struct hyp_cpu *hyp = this_cpu_ptr(&el2_cpus)->hyp;
	struct irq_data *vtimer = el2_irq_data(el2_vtimer_irq());
	struct irq_data *maintenance = el2_irq_data(el2_maintenance_irq());

	/* Not an extended one (IHI 0069 2.2.1): those have registers of their own. */
	if (!vtimer || !maintenance || irqd_to_hwirq(vtimer) / 16 != 1 ||
	    irqd_to_hwirq(maintenance) / 16 != 1)
		return;
	hyp->vtimer_intid = irqd_to_hwirq(vtimer);
	hyp->maintenance_intid = irqd_to_hwirq(maintenance);
	WRITE_ONCE(hyp->redist, sgi);
}

/**
 * el2_redist() - this CPU's redistributor, as set, or 0
 *
 * With preemption off.
 */
u64 el2_redist(void)
{
	return this_cpu_ptr(&el2_cpus)->hyp->redist;
}

/**
 * el2_unshare() - the page is the host's alone again
 * @page: its address.
 */
void el2_unshare(void *page)
{
	u64 pa = virt_to_phys(page);
	LIST_HEAD(unused);

	mutex_lock(&el2_map_lock);
	pgt_unmap_page(&el2_pgtable, pa, &unused);
	el2_call_any(HYP_CALL_TLBI_EL2, pa, 0, 0, 0);
	pgt_free_unused(&unused);
	mutex_unlock(&el2_map_lock);
}

static void free_el2_memory(void)
{
	int cpu;

	pgt_free(&el2_pgtable);
	for_each_possible_cpu(cpu) {
		struct el2_cpu *c = per_cpu_ptr(&el2_cpus, cpu);

		free_pages(c->stack, 1);
		c->stack = 0;
	}
	if (el2_image)
		free_pages_exact(el2_image, el2_image_size);
	el2_image = NULL;
}

static int build_image(void)
{
	el2_image_size = armvcpu_hyp_image_end - armvcpu_hyp_image;
	if (WARN_ON(el2_image_size != sym_hyp_image_end))
		return -ENOEXEC;
	/* In one piece: it runs with the MMU off first. */
	el2_image = alloc_pages_exact(el2_image_size, GFP_KERNEL);
	if (!el2_image)
		return -ENOMEM;
	memcpy(el2_image, armvcpu_hyp_image, el2_image_size);
	return 0;
}

static int build_map(void)
{
	int cpu, ret;

	ret = map_range(el2_image, sym_hyp_rodata_start, S1_RX);
	if (!ret)
		ret = map_range(el2_image + sym_hyp_rodata_start,
				sym_hyp_data_start - sym_hyp_rodata_start, S1_RO);
	if (!ret)
		ret = map_range(el2_image + sym_hyp_data_start,
				sym_hyp_image_end - sym_hyp_data_start, S1_RW);
	for_each_possible_cpu(cpu) {
		struct el2_cpu *c = per_cpu_ptr(&el2_cpus, cpu);

		if (ret)
			break;
		c->stack = __get_free_pages(GFP_KERNEL | __GFP_ZERO, 1);
		if (!c->stack)
			return -ENOMEM;
		c->hyp = (void *)(c->stack + 2 * PAGE_SIZE - sizeof(struct hyp_cpu));
		c->installed = false;
		c->reported = 0;
		/* The lower page stays unmapped: a stack that overflows faults. */
		ret = map_range((void *)(c->stack + PAGE_SIZE), PAGE_SIZE, S1_RW);
	}
	return ret;
}

/* ---- is EL2 free? ------------------------------------------------------ */

static irqreturn_t el2_irq(int irq, void *data)
{
	return IRQ_HANDLED;
}

static const struct of_device_id timer_nodes[] = {
	{ .compatible = "arm,armv8-timer" },
	{ .compatible = "arm,armv7-timer" },
	{ }
};

static const struct of_device_id gic_nodes[] = {
	{ .compatible = "arm,gic-v3" },
	{ .compatible = "arm,gic-400" },
	{ .compatible = "arm,cortex-a15-gic" },
	{ .compatible = "arm,cortex-a7-gic" },
	{ .compatible = "qcom,msm-qgic2" },
	{ }
};

/* By name if the node names its interrupts, which may then leave some out. */
static unsigned int of_ppi(const struct of_device_id *match, const char *name, int index)
{
	struct device_node *node = of_find_matching_node(NULL, match);
	unsigned int irq = 0;
	int named;

	if (node) {
		named = name ? of_property_match_string(node, "interrupt-names", name) : -1;
		irq = irq_of_parse_and_map(node, named >= 0 ? named : index);
	}
	of_node_put(node);
	return irq;
}

#ifdef CONFIG_ACPI
static u32 madt_maintenance_gsi(u32 *flags)
{
	struct acpi_table_header *table;
	struct acpi_subtable_header *entry = NULL;
	u32 gsi = 0;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_MADT, 0, &table)))
		return 0;
	while ((entry = madt_next(table, entry))) {
		struct acpi_madt_generic_interrupt *gicc = (void *)entry;

		if (entry->type != ACPI_MADT_TYPE_GENERIC_INTERRUPT)
			continue;
		gsi = gicc->vgic_interrupt;
		*flags = gicc->flags & ACPI_MADT_VGIC_IRQ_MODE;
		break;
	}
	acpi_put_table(table);
	return gsi;
}

static void acpi_ppis(void)
{
	struct acpi_table_header *table;
	u32 flags = 0;
	int irq;

	if (ACPI_SUCCESS(acpi_get_table(ACPI_SIG_GTDT, 0, &table))) {
		struct acpi_table_gtdt *gtdt = (void *)table;

		irq = acpi_register_gsi(NULL, gtdt->virtual_timer_interrupt,
					gtdt->virtual_timer_flags & ACPI_GTDT_INTERRUPT_MODE ?
					ACPI_EDGE_SENSITIVE : ACPI_LEVEL_SENSITIVE,
					gtdt->virtual_timer_flags & ACPI_GTDT_INTERRUPT_POLARITY ?
					ACPI_ACTIVE_LOW : ACPI_ACTIVE_HIGH);
		if (irq > 0)
			el2_ppis[0].irq = irq;
		acpi_put_table(table);
	}
	el2_ppis[1].gsi = madt_maintenance_gsi(&flags);
	if (!el2_ppis[1].gsi)
		return;
	irq = acpi_register_gsi(NULL, el2_ppis[1].gsi,
				flags ? ACPI_EDGE_SENSITIVE : ACPI_LEVEL_SENSITIVE,
				ACPI_ACTIVE_HIGH);
	if (irq > 0)
		el2_ppis[1].irq = irq;
	else
		el2_ppis[1].gsi = 0;
}
#else
static void acpi_ppis(void)
{
}
#endif

static void release_ppis(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(el2_ppis); i++) {
		struct el2_ppi *ppi = &el2_ppis[i];

		if (ppi->dev) {
			free_percpu_irq(ppi->irq, ppi->dev);
			free_percpu(ppi->dev);
			ppi->dev = NULL;
		}
#ifdef CONFIG_ACPI
		if (ppi->gsi)
			acpi_unregister_gsi(ppi->gsi);
#endif
		ppi->gsi = 0;
	}
}

/*
 * KVM requests both once it has EL2, and fails to initialise while they are
 * ours: whoever comes first keeps the other out.
 */
static int claim_ppis(void)
{
	int i, ret;

	if (acpi_disabled) {
		el2_ppis[0].irq = of_ppi(timer_nodes, "virt", 2);
		el2_ppis[1].irq = of_ppi(gic_nodes, NULL, 0);
	} else {
		acpi_ppis();
	}
	if (!el2_ppis[0].irq) {
		pr_err("the firmware describes no virtual timer interrupt: nothing tells whether EL2 is in use; add it to the timer node of the device tree\n");
		return -ENODEV;
	}
	for (i = 0; i < ARRAY_SIZE(el2_ppis); i++) {
		struct el2_ppi *ppi = &el2_ppis[i];

		if (!ppi->irq)
			continue;
		ppi->dev = alloc_percpu(int);
		if (!ppi->dev)
			return -ENOMEM;
		ret = request_percpu_irq(ppi->irq, el2_irq, KBUILD_MODNAME, ppi->dev);
		if (ret) {
			free_percpu(ppi->dev);
			ppi->dev = NULL;
			if (ret == -ENOMEM)
				return ret;
			pr_err("the %s interrupt is taken (%d): KVM or another hypervisor uses EL2; boot with kvm-arm.mode=none\n",
			       ppi->what, ret);
			return -EBUSY;
		}
	}
	return 0;
}

/*
 * A kernel that was booted at EL2 and runs at EL1 has the physical timer for
 * itself: its counter function says so, and is exported.
 */
static bool booted_at_el2(void)
{
	char name[KSYM_SYMBOL_LEN];

	snprintf(name, sizeof(name), "%ps", arch_timer_read_counter);
	return strstr(name, "cntpct");
}

static void probe_stub(void *failed)
{
	if (el2_call(HYP_CALL_PROBE, 0, 0, 0, 0) != HYP_STUB_ERR)
		atomic_inc(failed);
}

static int check_el2(void)
{
	atomic_t failed = ATOMIC_INIT(0);
	int ret;

	if (read_sysreg(CurrentEL) == CurrentEL_EL2) {
		pr_err("the host runs at EL2 (VHE): boot with id_aa64mmfr1.vh=0 kvm-arm.mode=none\n");
		return -EOPNOTSUPP;
	}
	if (!field(read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1), 8)) {
		pr_err("this machine has no EL2, or its firmware hides it: nothing can be loaded here; in QEMU use -M virt,virtualization=on\n");
		return -ENODEV;
	}
	if (!booted_at_el2() && !allow_unknown_boot) {
		pr_err("the kernel was booted at EL1 (it counts by %ps): EL2 belongs to the firmware or a hypervisor; have the boot loader start the kernel at EL2\n",
		       arch_timer_read_counter);
		return -ENODEV;
	}
	ret = claim_ppis();
	if (ret)
		return ret;
	on_each_cpu(probe_stub, &failed, 1);
	if (atomic_read(&failed)) {
		pr_err("no hyp-stub answers at EL2 of %d CPU(s): another hypervisor is there; boot with kvm-arm.mode=none\n",
		       atomic_read(&failed));
		return -EBUSY;
	}
	return stage2_check_host();
}

/* ---- init and exit ----------------------------------------------------- */

/**
 * el2_init() - take EL2 on all CPUs, or on none
 *
 * Return: 0; -EOPNOTSUPP a VHE host; -ENODEV no EL2; -EBUSY it is taken;
 * -ERANGE a page size or addresses that stage 2 cannot do; -ENOMEM.
 */
int el2_init(void)
{
	int ret;

	ret = check_el2();
	if (ret == -ENOMEM)
		pr_err("no memory for EL2's interrupts: free some and try again\n");
	if (ret)
		goto out_ppis;
	ret = build_image();
	if (!ret)
		ret = pgt_init(&el2_pgtable, EL2_VA_BITS, EL2_START_LEVEL, GFP_KERNEL);
	if (!ret)
		ret = build_map();
	if (ret) {
		if (ret == -ERANGE)
			pr_err("memory above %d bits of physical address: not supported; boot with mem= below that\n",
			       EL2_VA_BITS);
		else
			pr_err("no memory for EL2's image and stacks: free some and try again\n");
		goto out_memory;
	}
	/* First: once one is taken, a CPU may come back from idle, or the host go down. */
	cpu_pm_register_notifier(&el2_pm_notifier);
	register_reboot_notifier(&el2_reboot_notifier);
	/* No CPU comes meanwhile: it would be taken for one of those that were there. */
	cpus_read_lock();
	el2_in_init = true;
	ret = cpuhp_setup_state_cpuslocked(CPUHP_AP_ONLINE_DYN, "armvcpu:online", el2_cpu_up,
					   el2_cpu_down);
	el2_in_init = false;
	cpus_read_unlock();
	if (ret < 0) {
		if (ret == -EBUSY)
			pr_err("a CPU's hyp-stub did not let us in (%d): EL2 is as it was; take that CPU offline and try again\n",
			       ret);
		else
			pr_err("the kernel takes no callback for its CPUs (%d)\n", ret);
		unregister_reboot_notifier(&el2_reboot_notifier);
		cpu_pm_unregister_notifier(&el2_pm_notifier);
		goto out_memory;
	}
	el2_hp_state = ret;
	return 0;

out_memory:
	free_el2_memory();
out_ppis:
	release_ppis();
	return ret;
}

/**
 * el2_exit() - give EL2 back on all CPUs
 */
void el2_exit(void)
{
	cpuhp_remove_state(el2_hp_state);
	unregister_reboot_notifier(&el2_reboot_notifier);
	cpu_pm_unregister_notifier(&el2_pm_notifier);
	free_el2_memory();
	release_ppis();
}

/* ---- what a person sees of it ------------------------------------------ */

/* Which CPUs' EL2 is ours. */
static int cpus_get(char *buffer, const struct kernel_param *param)
{
	cpumask_var_t mask;
	int cpu, len;

	if (!zalloc_cpumask_var(&mask, GFP_KERNEL))
		return -ENOMEM;
	for_each_online_cpu(cpu)
		if (READ_ONCE(per_cpu_ptr(&el2_cpus, cpu)->installed))
			cpumask_set_cpu(cpu, mask);
	len = cpumap_print_to_pagebuf(true, buffer, mask);
	free_cpumask_var(mask);
	return len;
}

const struct kernel_param_ops el2_cpus_param_ops = { .get = cpus_get };

struct hyp_symbol {
	u64 addr;
	const char *name;
};

#define HYP_SYMBOL(addr, name) { addr, #name },

static const struct hyp_symbol hyp_symbols[] = {
#include "hyp/symbols.def"
};

#undef HYP_SYMBOL

static const struct hyp_symbol *symbol_of(u64 offset)
{
	int i;

	if (offset >= sym_hyp_image_end)
		return NULL;
	for (i = ARRAY_SIZE(hyp_symbols) - 1; i > 0; i--)
		if (hyp_symbols[i].addr <= offset)
			break;
	return &hyp_symbols[i];
}

/**
 * el2_report() - log the exception that this CPU's EL2 took
 * @vcpu: the vCPU whose RUN met it, or NULL.
 *
 * Preemption is off.  Rate-limited: a VM dies of each, and a new one can be
 * made to follow.
 */
void el2_report(const struct vcpu *vcpu)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 4);
	struct el2_cpu *cpu = this_cpu_ptr(&el2_cpus);
	const struct hyp_report *r = &cpu->hyp->report;
	const struct hyp_symbol *symbol;
	u64 offset = r->elr - virt_to_phys(el2_image);
	int i;

	if (cpu->reported == r->count)
		return;
	cpu->reported = r->count;
	if (!__ratelimit(&limit))
		return;
	symbol = symbol_of(offset);
	pr_err("EL2: unexpected exception on CPU%d, vector %#x, %s\n", smp_processor_id(),
	       r->vector, r->guest ? "while a guest was loaded" : "in a hypercall");
	if (vcpu)
		pr_err("EL2: vCPU %u of VM %llu, of %s[%d]: that VM is dead\n", vcpu->index,
		       vcpu->vm->number, vcpu->vm->comm, vcpu->vm->pid);
	pr_err("EL2: ELR %#018llx (%s+%#llx) ESR %#010llx (EC %#llx) SPSR %#010llx\n",
	       offset, symbol ? symbol->name : "not in the image",
	       symbol ? offset - symbol->addr : 0, r->esr, r->esr >> 26 & 0x3f, r->spsr);
	pr_err("EL2: FAR %#018llx HPFAR %#018llx SP %#018llx\n", r->far, r->hpfar, r->sp);
	for (i = 0; i < 30; i += 3)
		pr_err("EL2: x%-2d %016llx  x%-2d %016llx  x%-2d %016llx\n", i, r->x[i],
		       i + 1, r->x[i + 1], i + 2, r->x[i + 2]);
	offset = r->x[30] - virt_to_phys(el2_image);
	symbol = symbol_of(offset);
	pr_err("EL2: x30 %016llx (%s+%#llx)\n", r->x[30],
	       symbol ? symbol->name : "not in the image", symbol ? offset - symbol->addr : 0);
}

/* ---- the knob for the tests -------------------------------------------- */

/* What the next vCPU shall meet. */
#define PROVOKE_NOTHING	0
#define PROVOKE_RUN	1	/* a fault at EL2, in its entry */
#define PROVOKE_OOPS	2	/* one in the module, before its first */

static atomic_t el2_provoke_next = ATOMIC_INIT(PROVOKE_NOTHING);

DEFINE_STATIC_KEY_FALSE(el2_provokes);

/**
 * el2_take_provocation_now() - shall the next entry fault at EL2?
 */
bool el2_take_provocation_now(void)
{
	return unlikely(atomic_read(&el2_provoke_next) == PROVOKE_RUN) &&
	       atomic_cmpxchg(&el2_provoke_next, PROVOKE_RUN, PROVOKE_NOTHING) == PROVOKE_RUN;
}

/**
 * el2_provoke_oops() - what a bug of the module's does: the kernel ends this thread
 *
 * In process context, in the first RUN of a vCPU; if it was asked for.
 */
void el2_provoke_oops(void)
{
	u64 *nowhere = NULL;

	OPTIMIZER_HIDE_VAR(nowhere);
	if (atomic_cmpxchg(&el2_provoke_next, PROVOKE_OOPS, PROVOKE_NOTHING) == PROVOKE_OOPS)
		WRITE_ONCE(*nowhere, 1);
}

static void provoke_exception(u64 kind)
{
	preempt_disable();
	if (el2_ready() && el2_call(HYP_CALL_PROVOKE, kind, 0, 0, 0) == HYP_EXIT_EL2)
		el2_report(NULL);
	preempt_enable();
}

/* An id that nobody knows: the stub's answer. */
static int provoke_unknown(void)
{
	return el2_call(HYP_CALL_PROBE, 1, 2, 3, 4) == HYP_STUB_ERR ? 0 : -EIO;
}

/* What kexec does: the stub's vectors, and later an online CPU takes EL2 again. */
static int provoke_reset(void)
{
	if (el2_call(HYP_STUB_RESET_VECTORS, 0, 0, 0, 0))
		return -EIO;
	return el2_call(HYP_CALL_VERSION, 0, 0, 0, 0) == HYP_STUB_ERR ? 0 : -EIO;
}

/*
 * HVC_SOFT_RESTART of our own vectors, into the image once more: EL2 is given
 * back, and what is found then must be what was found the first time.
 */
static int provoke_restart(void)
{
	struct hyp_cpu *hyp = this_cpu_ptr(&el2_cpus)->hyp;
	/* What was found: old_vbar to saved[]. */
	static u64 before[(offsetof(struct hyp_cpu, host_pmscr) -
			   offsetof(struct hyp_cpu, old_vbar)) / sizeof(u64)];
	const u64 *found = (void *)hyp + offsetof(struct hyp_cpu, old_vbar);
	unsigned int i;
	int ret = 0;

	memcpy(before, found, sizeof(before));
	if (!enter_image(hyp)) {
		el2_lost();
		return -EIO;
	}
	for (i = 0; i < ARRAY_SIZE(before); i++) {
		if (found[i] == before[i])
			continue;
		pr_err("EL2: register %u of those found was %#llx and is %#llx after a restart\n",
		       i, before[i], found[i]);
		ret = -EIO;
	}
	return ret;
}

static void harden_here(void *spectre)
{
	struct el2_cpu *cpu = this_cpu_ptr(&el2_cpus);

	if (cpu->installed)
		set_hardening(cpu->hyp, spectre);
}

static int provoke_hardening(const struct spectre_cpu *spectre)
{
	on_each_cpu(harden_here, (void *)spectre, 1);
	return 0;
}

/*
 * As if the firmware had the workarounds against Spectre: QEMU's has not, but
 * takes the calls.
 */
static int provoke_firmware(void)
{
	struct spectre_cpu spectre;

	spectre_pretend();
	spectre_look(&spectre);
	return provoke_hardening(&spectre);
}

/* As on the cores that need the most branches. */
static int provoke_loop(void)
{
	return provoke_hardening(&(struct spectre_cpu) { .how = HARDEN_LOOP, .arg = 132 });
}

/* A NOP on cores that do not have it. */
static int provoke_clear(void)
{
	return provoke_hardening(&(struct spectre_cpu) { .how = HARDEN_CLEAR });
}

static int provoke_bare(void)
{
	return provoke_hardening(&(struct spectre_cpu) { .how = HARDEN_NOT });
}

static int provoke_call(int (*call)(void))
{
	static DEFINE_RAW_SPINLOCK(lock);
	unsigned long flags;
	int ret = -ENODEV;

	raw_spin_lock_irqsave(&lock, flags);
	if (el2_ready())
		ret = call();
	raw_spin_unlock_irqrestore(&lock, flags);
	return ret;
}

/**
 * struct provocation - a word for the knob
 * @word: what is written to the file.
 * @call: a hypercall that must have an answer, with interrupts off; or NULL:
 * @harden: something for all CPUs, in process context; or NULL:
 * @kind: HYP_PROVOKE_*, an exception at EL2.
 */
struct provocation {
	const char *word;
	int (*call)(void);
	int (*harden)(void);
	u64 kind;
};

static const struct provocation provocations[] = {
	{ "hvc", .kind = HYP_PROVOKE_LOAD },
	{ "undef", .kind = HYP_PROVOKE_UNDEF },
	{ "sp_el0", .kind = HYP_PROVOKE_SP_EL0 },
	{ "stack", .kind = HYP_PROVOKE_STACK },
	{ "unknown", provoke_unknown },
	{ "restart", provoke_restart },
	{ "reset", provoke_reset },
	{ "firmware", .harden = provoke_firmware },
	{ "bhb_loop", .harden = provoke_loop },
	{ "bhb_clear", .harden = provoke_clear },
	{ "bare", .harden = provoke_bare },
};

static ssize_t provoke_write(struct file *file, const char __user *user, size_t size,
			     loff_t *pos)
{
	char word[12] = "";
	int i, ret;

	if (!size || size >= sizeof(word))
		return -EINVAL;
	if (copy_from_user(word, user, size))
		return -EFAULT;
	if (sysfs_streq(word, "run") || sysfs_streq(word, "oops")) {
		atomic_set(&el2_provoke_next, word[0] == 'r' ? PROVOKE_RUN : PROVOKE_OOPS);
		return size;
	}
	for (i = 0; i < ARRAY_SIZE(provocations); i++)
		if (sysfs_streq(word, provocations[i].word))
			break;
	if (i == ARRAY_SIZE(provocations))
		return -EINVAL;
	if (provocations[i].harden) {
		ret = provocations[i].harden();
		return ret ?: size;
	}
	if (!provocations[i].call) {
		provoke_exception(provocations[i].kind);
		return size;
	}
	ret = provoke_call(provocations[i].call);
	return ret ?: size;
}

/* A line for each CPU whose EL2 is ours: what it does when it leaves a guest, how often. */
static int spectre_show(struct seq_file *file, void *unused)
{
	int cpu;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		const struct el2_cpu *c = per_cpu_ptr(&el2_cpus, cpu);
		u64 table = c->hyp->guest_vectors - virt_to_phys(el2_image);
		const char *how = "none";

		if (!READ_ONCE(c->installed))
			continue;
		if (table == sym_hyp_guest_vectors_firmware)
			how = "firmware";
		else if (table == sym_hyp_guest_vectors_loop)
			how = "loop";
		else if (table == sym_hyp_guest_vectors_clear)
			how = "clear";
		seq_printf(file, "cpu %d %s %#llx %llu\n", cpu, how, c->hyp->harden_arg,
			   READ_ONCE(c->hyp->hardened));
	}
	cpus_read_unlock();
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(spectre);

static const struct file_operations provoke_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = provoke_write,
};

/**
 * el2_debugfs() - the file "spectre", and "provoke" for the module's parameter debug
 * @dir: the module's directory.
 * @debug: that parameter.
 */
void el2_debugfs(struct dentry *dir, bool debug)
{
	debugfs_create_file("spectre", 0400, dir, NULL, &spectre_fops);
	if (!debug)
		return;
	static_branch_enable(&el2_provokes);
	debugfs_create_file("provoke", 0200, dir, NULL, &provoke_fops);
}
