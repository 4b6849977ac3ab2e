// SPDX-License-Identifier: GPL-2.0
/*
 * The host's GIC, as far as it helps a guest: list registers and the registers
 * of the virtual CPU interface.  Those of a GICv3 are system registers of EL2,
 * which are switched there (hyp/gic.c) from struct hyp_gic; those of a GICv2 lie
 * in memory (GICH), and are written here around a run.
 */
#include <linux/acpi.h>
#include <linux/bits.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/of.h>
#include <linux/of_address.h>
#include <asm/cputype.h>

#include "kmod.h"
#include "madt.h"

/* GICH_*, the hypervisor's control registers (IHI 0048B 5.3). */
#define GICH_HCR		0x000
#define GICH_VTR		0x004
#define GICH_VMCR		0x008
#define GICH_APR		0x0f0
#define GICH_LR(n)		(0x100 + 4 * (n))
#define GICH_SIZE		0x200

/* GICH_HCR and ICH_HCR_EL2. */
#define HCR_EN			BIT(0)
#define HCR_LRENPIE		BIT(2)
#define HCR_NPIE		BIT(3)
#define HCR_VGRP0EIE		BIT(4)
#define HCR_VGRP1EIE		BIT(6)
#define HCR_TC			BIT(10)
#define HCR_TALL0		BIT(11)
#define HCR_TALL1		BIT(12)
#define HCR_TDIR		BIT(14)
#define HCR_EOICOUNT(hcr)	((hcr) >> 27 & 0x1f)

/* GICH_VTR and ICH_VTR_EL2. */
#define VTR_NR_LRS(vtr)		(((vtr) & 0x1f) + 1)
#define VTR_TDS			BIT(19)
#define VTR_PREBITS(vtr)	(((vtr) >> 26 & 7) + 1)
#define VTR_PRIBITS(vtr)	(((vtr) >> 29 & 7) + 1)

#define VTR_A3V			BIT(21)
#define VTR_SEIS		BIT(22)
#define VTR_IDBITS(vtr)		((vtr) >> 23 & 7)

/* ICC_CTLR_EL1 */
#define ICC_CTLR_PRIBITS(n)	(((n) - 1) << 8)
#define ICC_CTLR_IDBITS(n)	((n) << 11)
#define ICC_CTLR_SEIS		BIT(14)
#define ICC_CTLR_A3V		BIT(15)
#define ICC_CTLR_RSS		BIT(18)

/* ICH_LR<n>_EL2 */
#define V3_LR_EOI		BIT_ULL(41)
#define V3_LR_HW_INTID(id)	((u64)(id) << 32)
#define V3_LR_PRIORITY(p)	((u64)(p) << 48)
#define V3_LR_GROUP1		BIT_ULL(60)
#define V3_LR_HW		BIT_ULL(61)
#define V3_LR_PENDING		BIT_ULL(62)
#define V3_LR_ACTIVE		BIT_ULL(63)

/* GICH_LR<n> */
#define V2_LR_SOURCE(cpu)	((u32)(cpu) << 10)
#define V2_LR_HW_INTID(id)	((u32)(id) << 10)
#define V2_LR_EOI		BIT(19)
#define V2_LR_PRIORITY(p)	((u32)(p) >> 3 << 23)
#define V2_LR_PENDING		BIT(28)
#define V2_LR_ACTIVE		BIT(29)
#define V2_LR_GROUP1		BIT(30)
#define V2_LR_HW		BIT(31)

/**
 * struct gic_host - the host's GIC
 * @versions: bits of the versions that a guest can have.
 * @v3: list registers are system registers.
 * @nr_lrs: number of them.
 * @priority_bits: implemented.
 * @nr_aprs: ICH_AP0R<n>_EL2 that there are, and so of group 1.
 * @icc_ctlr: ICC_CTLR_EL1 of a guest, what does not change.
 * @traps_dir: ICH_HCR_EL2.TDIR is there.
 * @gich: GICv2: the registers.
 * @gicv: GICv2: physical address of the virtual CPU interface.
 * @gicv_regs: GICv2: its registers, if no guest can have them mapped; or NULL.
 */
static struct gic_host {
	u32 versions;
	bool v3;
	unsigned int nr_lrs;
	unsigned int priority_bits;
	unsigned int nr_aprs;
	u32 icc_ctlr;
	bool traps_dir;
	void __iomem *gich;
	phys_addr_t gicv;
	void __iomem *gicv_regs;
} gic_host __read_mostly;

DEFINE_STATIC_KEY_FALSE(gic_host_v2);

u32 gic_host_versions(void)
{
	return gic_host.versions;
}

bool gic_host_is_v3(void)
{
	return gic_host.v3;
}

unsigned int gic_host_nr_lrs(void)
{
	return gic_host.nr_lrs;
}

unsigned int gic_host_priority_bits(void)
{
	return gic_host.priority_bits;
}

/**
 * gic_host_icc_ctlr() - the read-only fields of a guest's ICC_CTLR_EL1
 */
u32 gic_host_icc_ctlr(void)
{
	return gic_host.icc_ctlr;
}

/* ---- list registers ---------------------------------------------------- */

static u64 encode_v3(const struct gic_lr *lr)
{
	u64 value = lr->intid | V3_LR_PRIORITY(lr->priority);

	if (lr->group1)
		value |= V3_LR_GROUP1;
	if (lr->hw)
		value |= V3_LR_HW | V3_LR_HW_INTID(lr->hw_intid);
	else if (lr->eoi)
		value |= V3_LR_EOI;
	if (lr->pending)
		value |= V3_LR_PENDING;
	if (lr->active)
		value |= V3_LR_ACTIVE;
	return value;
}

static u32 encode_v2(const struct gic_lr *lr)
{
	u32 value = lr->intid | V2_LR_PRIORITY(lr->priority);

	if (lr->group1)
		value |= V2_LR_GROUP1;
	if (lr->hw)
		value |= V2_LR_HW | V2_LR_HW_INTID(lr->hw_intid);
	else
		value |= V2_LR_SOURCE(lr->source) | (lr->eoi ? V2_LR_EOI : 0);
	if (lr->pending)
		value |= V2_LR_PENDING;
	if (lr->active)
		value |= V2_LR_ACTIVE;
	return value;
}

/**
 * gic_host_set_lr() - what a list register shall hold in the guest
 * @vcpu: the vCPU.
 * @n: number of the list register.
 * @lr: its contents.
 */
void gic_host_set_lr(struct vcpu *vcpu, unsigned int n, const struct gic_lr *lr)
{
	vcpu->hyp->gic.lr[n] = gic_host.v3 ? encode_v3(lr) : encode_v2(lr);
}

/**
 * gic_host_get_lr() - the state that a list register has come back with
 * @vcpu: the vCPU.
 * @n: number of the list register.
 * @lr: out: pending, active, source.
 */
void gic_host_get_lr(struct vcpu *vcpu, unsigned int n, struct gic_lr *lr)
{
	u64 value = vcpu->hyp->gic.lr[n];

	if (gic_host.v3) {
		lr->pending = value & V3_LR_PENDING;
		lr->active = value & V3_LR_ACTIVE;
		lr->source = 0;
	} else {
		lr->pending = value & V2_LR_PENDING;
		lr->active = value & V2_LR_ACTIVE;
		lr->source = value >> 10 & 7;
	}
}

/**
 * gic_host_set_passed() - what EL2 does when an interrupt comes that is passed through
 * @vcpu: the vCPU.
 * @n: its place among those that are.
 * @irq: the guest's interrupt.
 * @lr: what a list register shall hold then; NULL: the host takes it.
 */
void gic_host_set_passed(struct vcpu *vcpu, unsigned int n, const struct gic_irq *irq,
			 const struct gic_lr *lr)
{
	struct hyp_gic *hyp = &vcpu->hyp->gic;

	/* A GICv2's registers are not EL2's. */
	if (!gic_host.v3)
		return;
	hyp->passed[n].lr = lr && irq->host_mask ? encode_v3(lr) : 0;
	hyp->passed[n].hw_intid = irq->hw_intid;
	hyp->passed[n].mask = irq->host_mask;
	hyp->passed[n].in_lr = lr ? irq->lr : 0;
	hyp->nr_passed = n + 1;
}

/**
 * gic_host_set_sgi() - what EL2 does when an SGI comes
 * @vcpu: the vCPU.
 * @n: 0 to 15.
 * @lr: what a list register shall hold then; NULL: the host sees to it.
 * @in: one more than the list register that has it now, or 0.
 */
void gic_host_set_sgi(struct vcpu *vcpu, unsigned int n, const struct gic_lr *lr, unsigned int in)
{
	struct hyp_gic *hyp = &vcpu->hyp->gic;

	hyp->sgi_in[n] = in;
	if (lr) {
		hyp->sgi_lr[n] = encode_v3(lr);
		hyp->sgis |= BIT(n);
	} else {
		hyp->sgis &= ~BIT(n);
	}
}

/**
 * gic_host_set_vtimer() - what EL2 does when the virtual timer fires
 * @vcpu: the vCPU.
 * @lr: what a list register shall hold then; NULL: the host sees to it.
 * @in: one more than the list register that has it now, or 0.
 */
void gic_host_set_vtimer(struct vcpu *vcpu, const struct gic_lr *lr, unsigned int in)
{
	vcpu->hyp->gic.vtimer_lr = lr ? encode_v3(lr) : 0;
	vcpu->hyp->gic.vtimer_in = in;
}

/**
 * gic_host_lr_intid() - whose a list register is
 * @vcpu: the vCPU; of a GICv3.
 * @n: number of the list register.
 */
u32 gic_host_lr_intid(struct vcpu *vcpu, unsigned int n)
{
	return vcpu->hyp->gic.lr[n];
}

/**
 * gic_host_passed_lr() - where EL2 has put an interrupt
 * @vcpu: the vCPU, out of the guest.
 * @n: its place among those that are passed through.
 *
 * Return: one more than the number of the list register, or 0.
 */
unsigned int gic_host_passed_lr(struct vcpu *vcpu, unsigned int n)
{
	struct hyp_gic *hyp = &vcpu->hyp->gic;

	return n < hyp->nr_passed ? hyp->passed[n].in_lr : 0;
}

/**
 * gic_host_stray() - an interrupt that EL2 has acknowledged, and that is for somebody else
 * @vcpu: the vCPU, out of the guest.
 *
 * Return: one more than its INTID, once; or 0.
 */
u32 gic_host_stray(struct vcpu *vcpu)
{
	u32 stray = vcpu->hyp->gic.stray;

	if (unlikely(stray))
		vcpu->hyp->gic.stray = 0;
	return stray;
}

/*
 * The hardware deactivates what is in a list register of this CPU.  With EOImode 1 a
 * guest may mean another: one that was left out, or an SPI that another vCPU has
 * acknowledged.  TDIR traps what a guest without EOImode 1 has no use for.  Where
 * there is no TDIR, ICC_DIR_EL1 traps with the other registers of both groups only:
 * not before the guest has been seen with EOImode 1, if nothing was left out.
 */
static u32 dir_trap(struct vcpu *vcpu, bool left_active)
{
	bool others = vcpu->vm->gic->max_vcpus > 1;

	if (!gic_host.v3)
		return 0;
	if (gic_host.traps_dir)
		return left_active || others ? HCR_TDIR : 0;
	return left_active || (others && vcpu->hyp->gic.vmcr & VMCR_EOIM) ? HCR_TC : 0;
}

/**
 * gic_host_set_control() - what asks for a maintenance interrupt
 * @vcpu: the vCPU.
 * @used: list registers in use.
 * @left: what did not get one: to be asked for when the guest has taken those that
 *	are there, when it is done with it, when it enables the group.
 */
void gic_host_set_control(struct vcpu *vcpu, unsigned int used, const struct gic_left *left)
{
	struct hyp_gic *hyp = &vcpu->hyp->gic;

	hyp->used = used;
	hyp->nr_passed = 0;
	hyp->hcr = HCR_EN | dir_trap(vcpu, left->active);
	if (left->pending)
		hyp->hcr |= HCR_NPIE;
	if (left->active)
		hyp->hcr |= HCR_LRENPIE;
	if (left->groups & BIT(0))
		hyp->hcr |= HCR_VGRP0EIE;
	if (left->groups & BIT(1))
		hyp->hcr |= HCR_VGRP1EIE;
}

/**
 * gic_host_eoi_count() - interrupts in no list register that the guest has ended
 * @vcpu: the vCPU.
 *
 * With EOImode 1 it is not GICC_EOIR but GICC_DIR that ends one, which traps.
 */
unsigned int gic_host_eoi_count(struct vcpu *vcpu)
{
	if (vcpu->hyp->gic.vmcr & VMCR_EOIM)
		return 0;
	return HCR_EOICOUNT(vcpu->hyp->gic.hcr);
}

/**
 * gic_host_groups() - the groups that the CPU interface signals
 * @vcpu: the vCPU.
 *
 * Return: a bit for each.
 */
u32 gic_host_groups(struct vcpu *vcpu)
{
	u64 vmcr = vcpu->hyp->gic.vmcr;

	return (vmcr & VMCR_ENG0 ? BIT(0) : 0) | (vmcr & VMCR_ENG1 ? BIT(1) : 0);
}

/**
 * gic_host_takes() - would the CPU interface signal an interrupt?
 * @vcpu: the vCPU.
 * @group1: its group.
 * @priority: its priority.
 */
bool gic_host_takes(struct vcpu *vcpu, bool group1, u8 priority)
{
	return gic_host_groups(vcpu) & BIT(group1) &&
	       priority < (vcpu->hyp->gic.vmcr & VMCR_PMR) >> 24;
}

/**
 * gic_host_reset() - the CPU interface in the state of a reset
 * @vcpu: the vCPU.
 */
void gic_host_reset(struct vcpu *vcpu)
{
	struct hyp_gic *hyp = &vcpu->hyp->gic;

	memset(hyp, 0, sizeof(*hyp));
	/* EL2 has to be told of all of it again. */
	vcpu->gic.sgis_changed = true;
	vcpu->gic.vtimer_changed = true;
	hyp->nr_aprs = gic_host.nr_aprs;
	hyp->nr_lrs = gic_host.nr_lrs;
	hyp->budget = HYP_IRQ_BUDGET;
	if (!vcpu->vm->gic || (gic_host.v3 && vcpu->vm->gic->version == 2)) {
		/* Nothing of it is the guest's. */
		hyp->hcr = HCR_TC | HCR_TALL0 | HCR_TALL1;
		return;
	}
	hyp->hcr = HCR_EN | dir_trap(vcpu, false);
	/* Zero: the smallest binary points; priority 0 masks all. */
	if (gic_host.v3)
		hyp->vmcr = VMCR_VFIQEN;
}

/* ---- GICv2: around a run ----------------------------------------------- */

/**
 * gic_host_enter() - the registers in memory, before the guest runs
 * @vcpu: the vCPU, of a VM with a GIC.  Interrupts are off.
 */
void gic_host_enter(struct vcpu *vcpu)
{
	struct hyp_gic *hyp = &vcpu->hyp->gic;
	unsigned int i;

	if (gic_host.v3) {
		hyp->hcr |= dir_trap(vcpu, false);
		return;
	}
	for (i = 0; i < hyp->used; i++)
		writel_relaxed(hyp->lr[i], gic_host.gich + GICH_LR(i));
	writel_relaxed(hyp->vmcr, gic_host.gich + GICH_VMCR);
	writel_relaxed(hyp->ap0r[0], gic_host.gich + GICH_APR);
	/* All of it before the guest reads GICV_IAR. */
	writel(hyp->hcr, gic_host.gich + GICH_HCR);
}

/**
 * gic_host_leave() - the registers in memory, after the guest has run; of a GICv2
 * @vcpu: the vCPU, of a VM with a GIC.  Interrupts are off.
 */
void gic_host_leave(struct vcpu *vcpu)
{
	struct hyp_gic *hyp = &vcpu->hyp->gic;
	unsigned int i;

	hyp->vmcr = readl_relaxed(gic_host.gich + GICH_VMCR);
	hyp->ap0r[0] = readl_relaxed(gic_host.gich + GICH_APR);
	if (hyp->hcr & HCR_LRENPIE)
		hyp->hcr = readl_relaxed(gic_host.gich + GICH_HCR);
	for (i = 0; i < hyp->used; i++) {
		hyp->lr[i] = readl_relaxed(gic_host.gich + GICH_LR(i));
		writel_relaxed(0, gic_host.gich + GICH_LR(i));
	}
	/* And with it the maintenance interrupt, which the host has taken or not. */
	writel_relaxed(0, gic_host.gich + GICH_HCR);
}

/* The registers of GICV below GIC_V2_DIR (IHI 0048B 5.5). */
#define CPU_READ	BIT(0)
#define CPU_WRITE	BIT(1)
#define GICV_IIDR	0x0fc

static const u8 cpu_regs[GIC_V2_DIR / 4] = {
	[0x000 / 4]			= CPU_READ | CPU_WRITE,	/* CTLR */
	[0x004 / 4]			= CPU_READ | CPU_WRITE,	/* PMR */
	[0x008 / 4]			= CPU_READ | CPU_WRITE,	/* BPR */
	[0x00c / 4]			= CPU_READ,		/* IAR */
	[0x010 / 4]			= CPU_WRITE,		/* EOIR */
	[0x014 / 4]			= CPU_READ,		/* RPR */
	[0x018 / 4]			= CPU_READ,		/* HPPIR */
	[0x01c / 4]			= CPU_READ | CPU_WRITE,	/* ABPR */
	[0x020 / 4]			= CPU_READ,		/* AIAR */
	[0x024 / 4]			= CPU_WRITE,		/* AEOIR */
	[0x028 / 4]			= CPU_READ,		/* AHPPIR */
	[0x0d0 / 4]			= CPU_READ | CPU_WRITE,	/* APR0, of five bits */
	[GICV_IIDR / 4]			= CPU_READ,
};

/**
 * gic_host_cpu_traps() - is an access to GICV trapped, that the hardware shall do?
 * @offset: in the frame, less than GIC_V2_DIR.
 * @write: direction.
 *
 * Of what is no register, the GIC may signal an error; it would be the host's.
 */
bool gic_host_cpu_traps(u32 offset, bool write)
{
	return gic_host.gicv_regs && !(offset % 4) &&
	       cpu_regs[offset / 4] & (write ? CPU_WRITE : CPU_READ);
}

/**
 * gic_host_cpu_access() - an access of the guest's to GICV, which is not mapped
 * @offset: of the register; gic_host_cpu_traps() says yes.
 * @write: direction.
 * @data: in or out.
 *
 * Interrupts are off, and the guest's state is in the hardware: gic_host_enter().
 */
void gic_host_cpu_access(u32 offset, bool write, u64 *data)
{
	/* What has been written has come there. */
	readl(gic_host.gich + GICH_HCR);
	/* GICH and GICV may be two peripherals, which nothing else keeps in order. */
	mb();
	if (write) {
		writel_relaxed(*data, gic_host.gicv_regs + offset);
		/* GICV has it, for GICH to show. */
		readl_relaxed(gic_host.gicv_regs + GICV_IIDR);
	} else {
		*data = readl_relaxed(gic_host.gicv_regs + offset);
	}
	/* For gic_host_leave(). */
	mb();
}

/**
 * gic_host_map() - the CPU interface of a guest's GICv2 is the host's GICV
 * @vm: the VM; its slots_lock is held for writing.
 * @gic: its GIC.
 *
 * But for GICV_DIR: of an interrupt that is in no list register, the hardware
 * would not tell which one it is.
 *
 * Return: 0, -ENOMEM.
 */
int gic_host_map(struct vm *vm, struct gic *gic)
{
	int ret;

	if (gic->version == 3 || gic_host.gicv_regs)
		return 0;
	ret = stage2_map_device(vm, gic->cpu, gic_host.gicv, GIC_V2_DIR);
	if (ret)
		stage2_unmap_device(vm, gic->cpu, GIC_V2_DIR);
	return ret;
}

/**
 * gic_host_cpu_up() - this CPU's list registers are empty
 *
 * They come out of reset with anything.  A GICv3's are EL2's to clear.
 */
void gic_host_cpu_up(void)
{
	unsigned int i;

	if (!gic_host.gich)
		return;
	writel_relaxed(0, gic_host.gich + GICH_HCR);
	for (i = 0; i < gic_host.nr_lrs; i++)
		writel_relaxed(0, gic_host.gich + GICH_LR(i));
}

static void cpu_up_here(void *unused)
{
	gic_host_cpu_up();
}

/* ---- finding it -------------------------------------------------------- */

static void __init init_v3(u64 vtr)
{
	gic_host.v3 = true;
	gic_host.versions = BIT(3);
	gic_host.nr_lrs = min_t(u32, VTR_NR_LRS(vtr), GIC_MAX_LRS);
	gic_host.priority_bits = VTR_PRIBITS(vtr);
	gic_host.nr_aprs = 1 << (max_t(int, VTR_PREBITS(vtr), 5) - 5);
	gic_host.traps_dir = vtr & VTR_TDS;
	gic_host.icc_ctlr = ICC_CTLR_PRIBITS(VTR_PRIBITS(vtr)) |
			    ICC_CTLR_IDBITS(VTR_IDBITS(vtr)) |
			    (vtr & VTR_SEIS ? ICC_CTLR_SEIS : 0) |
			    (vtr & VTR_A3V ? ICC_CTLR_A3V : 0) |
			    (read_sysreg_s(SYS_ICC_CTLR_EL1) & ICC_CTLR_RSS);
}

/*
 * A page of GICV for a guest has no GICV_DIR in it, nor what is not GICV.  Where there is no
 * such page, all of it traps.
 */
static bool __init gicv_can_be_mapped(void)
{
	return PAGE_SIZE <= GIC_V2_DIR && PAGE_ALIGNED(gic_host.gicv);
}

static void __init init_v2(phys_addr_t gich, phys_addr_t gicv)
{
	u32 vtr;

	gic_host.gicv = gicv;
	gic_host.gich = ioremap(gich, GICH_SIZE);
	if (!gic_host.gich)
		return;
	if (!gicv_can_be_mapped()) {
		gic_host.gicv_regs = ioremap(gicv, GIC_V2_DIR);
		if (!gic_host.gicv_regs) {
			iounmap(gic_host.gich);
			gic_host.gich = NULL;
			return;
		}
	}
	vtr = readl_relaxed(gic_host.gich + GICH_VTR);
	gic_host.versions = BIT(2);
	static_branch_enable(&gic_host_v2);
	gic_host.nr_lrs = min_t(u32, VTR_NR_LRS(vtr), GIC_MAX_LRS);
	gic_host.priority_bits = 5;
	gic_host.nr_aprs = 1;
	/* CPUs that come later do it themselves. */
	on_each_cpu(cpu_up_here, NULL, 1);
}

static const struct of_device_id gicv2_nodes[] __initconst = {
	{ .compatible = "arm,gic-400" },
	{ .compatible = "arm,cortex-a15-gic" },
	{ .compatible = "arm,cortex-a7-gic" },
	{ .compatible = "qcom,msm-qgic2" },
	{ }
};

static void __init find_v2_of(void)
{
	struct device_node *node = of_find_matching_node(NULL, gicv2_nodes);
	struct resource gich, gicv;

	/* Distributor, CPU interface, GICH, GICV. */
	if (node && !of_address_to_resource(node, 2, &gich) &&
	    !of_address_to_resource(node, 3, &gicv) &&
	    resource_size(&gicv) >= GIC_V2_DIR)
		init_v2(gich.start, gicv.start);
	of_node_put(node);
}

#ifdef CONFIG_ACPI
static void __init find_v2_acpi(void)
{
	struct acpi_table_header *table;
	struct acpi_subtable_header *entry = NULL;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_MADT, 0, &table)))
		return;
	while ((entry = madt_next(table, entry))) {
		struct acpi_madt_generic_interrupt *gicc = (void *)entry;

		if (entry->type != ACPI_MADT_TYPE_GENERIC_INTERRUPT)
			continue;
		/* The same for all CPUs. */
		if (gicc->gich_base_address && gicc->gicv_base_address)
			init_v2(gicc->gich_base_address, gicc->gicv_base_address);
		break;
	}
	acpi_put_table(table);
}
#else
static void __init find_v2_acpi(void)
{
}
#endif

/* Cavium 30115: a guest's ICC_IGRPEN can disable the host's interrupts. */
static bool __init lets_guests_block_interrupts(void)
{
	u32 midr = read_cpuid_id();

	return midr_is_cpu_model_range(midr, MIDR_THUNDERX, 0, MIDR_CPU_VAR_REV(2, 2)) ||
	       midr_is_cpu_model_range(midr, MIDR_THUNDERX_81XX, 0, MIDR_CPU_VAR_REV(1, 2)) ||
	       midr_is_cpu_model_range(midr, MIDR_THUNDERX_83XX, 0, MIDR_CPU_VAR_REV(1, 0));
}

/**
 * gic_host_init() - find out what guests can have; EL2 is ours
 */
void __init gic_host_init(void)
{
	u64 vtr;

	if (!el2_maintenance_irq()) {
		pr_info("the firmware describes no maintenance interrupt of the GIC: no interrupt controller for guests; add it to the GIC's node of the device tree\n");
		return;
	}
	if (lets_guests_block_interrupts()) {
		pr_info("erratum 30115 of this core: no interrupt controller for guests\n");
		return;
	}
	preempt_disable();
	vtr = el2_call(HYP_CALL_GIC_VTR, 0, 0, 0, 0);
	preempt_enable();
	if (vtr != HYP_STUB_ERR)
		init_v3(vtr);
	else if (acpi_disabled)
		find_v2_of();
	else
		find_v2_acpi();
	if (gic_host.versions)
		pr_info("guests can have a GICv%d with %u list registers%s\n",
			gic_host.v3 ? 3 : 2, gic_host.nr_lrs,
			gic_host.gicv_regs ? ", whose CPU interface traps" : "");
	else
		pr_info("the host's GIC has no virtual CPU interface: no interrupt controller for guests\n");
}

/**
 * gic_host_destroy() - the module goes
 */
void gic_host_destroy(void)
{
	if (gic_host.gicv_regs)
		iounmap(gic_host.gicv_regs);
	if (gic_host.gich)
		iounmap(gic_host.gich);
}
