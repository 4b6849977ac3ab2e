/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interrupt controller of a guest: a GICv2 or a GICv3 with one security
 * state, on the virtual CPU interface of the host's GIC.
 *
 *   gic.c       the state of interrupts, and who gets which
 *   gic_dist.c  the registers in memory: distributor, redistributors; and all of
 *               them for the VMM
 *   gic_host.c  the host's GIC: list registers and what is around them
 *
 * What a guest's interrupt is, is in struct gic_irq, under gic->lock.  While a
 * vCPU is in the guest, the list registers have what they were filled with, and
 * struct gic_irq what has happened since; gic_exit() brings both together.
 */
#ifndef ARMVCPU_GIC_H
#define ARMVCPU_GIC_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/jump_label.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "hyp/hyp.h"

struct armvcpu_create_gic;
struct vcpu;
struct vm;

#define GIC_NR_SGIS		16
#define GIC_NR_PRIVATE		32	/* SGIs and PPIs */
/* INTIDs 1020 to 1023 are special. */
#define GIC_MAX_INTID		1020
#define GIC_MAX_LRS		16
#define GIC_NR_WORDS		(1024 / BITS_PER_LONG)
#define GIC_V2_MAX_VCPUS	8

/* The VMM's numbers for the timers' interrupts are those of BSA: PPIs. */
#define GIC_PPI_VTIMER		27
#define GIC_PPI_PTIMER		30

/* Sizes of the frames. */
#define GIC_V2_DIST_SIZE	0x1000
#define GIC_V2_CPU_SIZE		0x2000
#define GIC_V2_DIR		0x1000	/* GICC_DIR, in the CPU interface */
#define GIC_V3_DIST_SIZE	0x10000
#define GIC_V3_REDIST_SIZE	0x20000

/**
 * struct gic_irq - one interrupt
 * @intid: INTID.
 * @priority: GICD_IPRIORITYR, with the bits that are implemented.
 * @enabled: GICD_ISENABLER.
 * @group1: GICD_IGROUPR.
 * @edge: GICD_ICFGR: edge-triggered.
 * @pending: latched: by an edge, or by GICD_ISPENDR.
 * @level: the line.
 * @active: it is active; on @owner.
 * @hw: bound to an interrupt of the host, @hw_intid, that is active as long as
 *	this one is not done with: the virtual timer's, or a passed one.
 * @taken: a passed one: the host's has been taken, and is active.
 * @again: a passed one: it has been taken again since @lr was filled.
 * @held: a passed one: the host's stays as it is; between gic_hold() and gic_let_go().
 * @resample: irqfds with a resample_fd want to know when it has ended.
 * @hw_intid: INTID of the host's.
 * @host_irq: a passed one: Linux' number of the host's; otherwise 0.
 * @host_mask: a passed one: see struct hyp_passed; 0: not by EL2.
 * @targets: GICv2: GICD_ITARGETSR.
 * @sources: GICv2, an SGI: vCPUs that have sent it, and it is pending for.
 * @active_source: GICv2, an SGI: vCPU that had sent the one that is active.
 * @irouter: GICv3, an SPI: GICD_IROUTER.
 * @home: of a private interrupt: the vCPU; of an SPI NULL.
 * @owner: the vCPU in whose bitmap "ready" it is, or NULL.
 * @lr: one more than the list register of @owner that holds it; 0: none.
 */
struct gic_irq {
	u32 intid;
	u8 priority;
	bool enabled;
	bool group1;
	bool edge;
	bool pending;
	bool level;
	bool active;
	bool hw;
	bool taken;
	bool again;
	bool held;
	bool resample;
	u32 hw_intid;
	unsigned int host_irq;
	u8 host_mask;
	u8 targets;
	u8 sources;
	u8 active_source;
	u8 lr;
	u64 irouter;
	struct vcpu *home;
	struct vcpu *owner;
};

/**
 * struct gic_rank - what the order of interrupts depends on, of a word of them
 * @priority: a bit of it: those that have it set.
 * @group1: those of group 1.
 *
 * The same as in struct gic_irq, so that many of them can be compared at once.
 */
struct gic_rank {
	unsigned long priority[8];
	unsigned long group1;
};

/**
 * struct gic - the GIC of a VM
 * @version: 2 or 3.
 * @nr_irqs: INTIDs that are there, private ones included; a multiple of 32, at
 *	most 1024, and then the last four do not exist.
 * @max_vcpus: redistributors that there is room for; v2: CPU interfaces.
 * @hyp: where EL2 reads some of its registers.
 * @dist: guest physical address of the distributor.
 * @cpu: of the redistributors, or of GICv2's CPU interface.
 * @lock: all that follows, and struct gic_vcpu where it says so.
 * @ctlr: GICD_CTLR: EnableGrp0, EnableGrp1.
 * @vcpus: by their place in vm->vcpus.
 * @by_mpidr: the same, @nr_vcpus of them, by their affinities.
 * @nr_vcpus: how many there are.
 * @spis: the interrupts from INTID 32 on.
 * @ranks: of all interrupts, without private ones.
 * @nr_passed: how many of @passed.
 * @passed: SPIs that are interrupts of the host's; changed while no vCPU is in the
 *	guest.
 */
struct gic {
	u32 version;
	u32 nr_irqs;
	u32 max_vcpus;
	struct hyp_vm *hyp;
	u64 dist;
	u64 cpu;

	raw_spinlock_t lock;	/* see above */
	u32 ctlr;
	struct vcpu *vcpus[64];
	struct vcpu *by_mpidr[64];
	u32 nr_vcpus;
	struct gic_irq *spis;
	struct gic_rank ranks[GIC_NR_WORDS];
	u32 nr_passed;
	struct gic_irq *passed[HYP_MAX_PASSED];
};

#define GICD_CTLR_ENABLE_GRP0	BIT(0)
#define GICD_CTLR_ENABLE_GRP1	BIT(1)

/**
 * struct gic_vcpu - the GIC's side of a vCPU
 * @private: SGIs and PPIs; under the GIC's lock.
 * @rank: of these.
 * @ready: interrupts that this vCPU should take or has active; under the lock.
 * @active: of those in @ready, and in no list register, which are active.
 * @changed: @ready or something of one in it has changed; set under the lock.
 * @sgis_changed: something of an SGI has changed since EL2 was told; under the lock.
 * @vtimer_changed: the same of the virtual timer's interrupt.
 * @lr_irqs: the interrupts in the list registers; under the lock.
 * @given: whether they were pending when they went in.
 * @used: list registers in use, from the first on.
 * @asleep: GICR_WAKER.ProcessorSleep; under the lock.
 * @later: gic_later() has something to do: @deliver, or there are some in @ended.
 * @deliver: siblings have SGIs of this one's that EL2 has sent.
 * @ended: interrupts with "resample" that have come to their end.
 */
struct gic_vcpu {
	struct gic_irq private[GIC_NR_PRIVATE];
	struct gic_rank rank;
	DECLARE_BITMAP(ready, 1024);
	DECLARE_BITMAP(active, 1024);
	bool changed;
	bool sgis_changed;
	bool vtimer_changed;
	struct gic_irq *lr_irqs[GIC_MAX_LRS];
	bool given[GIC_MAX_LRS];
	unsigned int used;
	bool asleep;
	bool later;
	bool deliver;
	DECLARE_BITMAP(ended, 1024);
};

/* ---- gic.c ------------------------------------------------------------- */

int gic_create(struct vm *vm, const struct armvcpu_create_gic *arg);
void gic_destroy(struct vm *vm);
void gic_reset(struct vm *vm);
int gic_irq_ioctl(struct vm *vm, void __user *argp);
int gic_run_lines(struct vcpu *vcpu);
int gic_vcpu_init(struct vcpu *vcpu);
void gic_vcpu_exit(struct vcpu *vcpu);
void gic_vcpu_reset(struct vcpu *vcpu);

/* With the GIC's lock held. */
struct gic_irq *gic_irq_of(struct gic *gic, struct vcpu *vcpu, u32 intid);
bool gic_irq_pending(const struct gic_irq *irq);
void gic_update(struct gic *gic, struct gic_irq *irq);
void gic_set_rank(struct gic *gic, struct gic_irq *irq);
void gic_set_owner(struct gic *gic, struct gic_irq *irq, struct vcpu *owner);
void gic_update_all(struct gic *gic, unsigned long *flags);
void gic_send_sgi(struct vcpu *vcpu, struct vcpu *target, u32 intid, bool group1);
bool gic_is_elsewhere(struct vcpu *vcpu, u32 intid);
void gic_deactivate(struct vcpu *vcpu, u32 intid);
void gic_note_end(struct vcpu *vcpu, const struct gic_irq *irq);
void gic_breathe(struct gic *gic, unsigned long *flags);
void gic_refill(struct gic *gic, unsigned long *flags);
void gic_clear_host(struct gic_irq *irq);

/* In any context. */
int gic_set_line(struct vm *vm, struct vcpu *vcpu, u32 intid, bool level);
void gic_latch(struct vm *vm, u32 intid);
void gic_set_resample(struct vm *vm, u32 intid, bool resample);
void gic_take_passed(struct vm *vm, u32 intid, u32 hw_intid);

/* May sleep. */
void gic_freeze(struct vm *vm);
void gic_thaw(struct vm *vm);
int gic_can_bind(struct vm *vm, u32 intid);
void gic_bind(struct vm *vm, u32 intid, u32 hw_intid, unsigned int host_irq, u8 mask);
void gic_unbind(struct vm *vm, u32 intid);
void gic_hold(struct vm *vm, u32 intid);
void gic_let_go(struct vm *vm, u32 intid);

/* A vCPU's thread. */
bool gic_sysreg(struct vcpu *vcpu, u32 encoding, bool write, u64 *value);
bool gic_vcpu_pending(struct vcpu *vcpu);
void gic_later(struct vcpu *vcpu);
void gic_fill(struct vcpu *vcpu);
void gic_empty(struct vcpu *vcpu);
void gic_collect(struct vcpu *vcpu);
int gic_cpu_access(struct vcpu *vcpu, u32 offset, bool write, u64 *data);

/* May EL2 make it pending, of a GICv3? */
static inline bool gic_irq_is_el2s(const struct gic_irq *irq)
{
	return irq->intid < GIC_NR_SGIS || irq->intid == GIC_PPI_VTIMER;
}

static inline u64 gic_dist_size(const struct gic *gic)
{
	return gic->version == 3 ? GIC_V3_DIST_SIZE : GIC_V2_DIST_SIZE;
}

static inline u64 gic_cpu_size(const struct gic *gic)
{
	return gic->version == 3 ? (u64)gic->max_vcpus * GIC_V3_REDIST_SIZE : GIC_V2_CPU_SIZE;
}

/* ---- gic_dist.c -------------------------------------------------------- */

int gic_mmio(struct vcpu *vcpu, u64 ipa, unsigned int len, bool write, u64 *data);
bool gic_cpu_sysreg(struct vcpu *vcpu, u32 encoding, bool write, u64 *value);
bool gic_overlaps(struct vm *vm, u64 ipa, u64 size);
void gic_show(struct vm *vm, struct gic *gic);
void gic_set_ctlr(struct gic *gic, u32 ctlr);
long gic_reg_ioctl(struct vm *vm, unsigned int cmd, void __user *argp);

/* ICH_VMCR_EL2, and GICH_VMCR, which has the same fields: of PMR the upper five bits. */
#define VMCR_CTLR		0x21fU		/* GICC_CTLR: from EnableGrp0 to EOImode */
#define VMCR_ENG0		BIT(0)
#define VMCR_ENG1		BIT(1)
#define VMCR_VFIQEN		BIT(3)		/* with system registers always set */
#define VMCR_CBPR		BIT(4)
#define VMCR_EOIM		BIT(9)
#define VMCR_BPR1		GENMASK(20, 18)
#define VMCR_BPR0		GENMASK(23, 21)
#define VMCR_PMR		GENMASK(31, 24)

/* ---- gic_host.c -------------------------------------------------------- */

/**
 * struct gic_lr - a list register
 * @intid: INTID.
 * @hw_intid: with @hw: the host's interrupt that is deactivated with it.
 * @priority: its priority.
 * @source: GICv2, an SGI: the vCPU that sent it.
 * @group1: group 1.
 * @hw: see @hw_intid.
 * @eoi: a maintenance interrupt when it has been deactivated.
 * @pending: state.
 * @active: state.
 */
struct gic_lr {
	u32 intid;
	u32 hw_intid;
	u8 priority;
	u8 source;
	bool group1;
	bool hw;
	bool eoi;
	bool pending;
	bool active;
};

/**
 * struct gic_left - what there is besides what is in the list registers
 * @pending: some that the guest can take.
 * @active: some that it has not ended yet.
 * @groups: a bit for each group that it has disabled, if there is one of it.
 */
struct gic_left {
	bool pending;
	bool active;
	u32 groups;
};

void gic_host_init(void);
void gic_host_destroy(void);
void gic_host_cpu_up(void);
u32 gic_host_versions(void);
DECLARE_STATIC_KEY_FALSE(gic_host_v2);

/* List registers and all else of it are in memory. */
static inline bool gic_host_is_v2(void)
{
	return static_branch_unlikely(&gic_host_v2);
}

bool gic_host_is_v3(void);
unsigned int gic_host_nr_lrs(void);
unsigned int gic_host_priority_bits(void);
u32 gic_host_icc_ctlr(void);
bool gic_host_cpu_traps(u32 offset, bool write);
int gic_host_map(struct vm *vm, struct gic *gic);
void gic_host_cpu_access(u32 offset, bool write, u64 *data);
void gic_host_reset(struct vcpu *vcpu);
void gic_host_set_lr(struct vcpu *vcpu, unsigned int n, const struct gic_lr *lr);
void gic_host_get_lr(struct vcpu *vcpu, unsigned int n, struct gic_lr *lr);
void gic_host_set_passed(struct vcpu *vcpu, unsigned int n, const struct gic_irq *irq,
			 const struct gic_lr *lr);
void gic_host_set_sgi(struct vcpu *vcpu, unsigned int n, const struct gic_lr *lr, unsigned int in);
void gic_host_set_vtimer(struct vcpu *vcpu, const struct gic_lr *lr, unsigned int in);
u32 gic_host_lr_intid(struct vcpu *vcpu, unsigned int n);
unsigned int gic_host_passed_lr(struct vcpu *vcpu, unsigned int n);
void gic_host_set_control(struct vcpu *vcpu, unsigned int used, const struct gic_left *left);
u32 gic_host_groups(struct vcpu *vcpu);
unsigned int gic_host_eoi_count(struct vcpu *vcpu);
u32 gic_host_stray(struct vcpu *vcpu);
bool gic_host_takes(struct vcpu *vcpu, bool group1, u8 priority);
void gic_host_enter(struct vcpu *vcpu);
void gic_host_leave(struct vcpu *vcpu);

#endif /* ARMVCPU_GIC_H */
