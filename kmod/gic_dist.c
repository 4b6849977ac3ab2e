// SPDX-License-Identifier: GPL-2.0
/*
 * The registers of a guest's GIC that lie in memory, for the guest: distributor
 * and redistributors; and all of its state for the VMM, register by register.
 *
 * IHI 0048B is GICv2, IHI 0069 GICv3; both as they are with one security state
 * (GICv3: GICD_CTLR.DS and ARE are 1).  What is in no table reads as zero, and
 * writes of it are ignored.  So it is with an access of a size that the register
 * does not have, or that is not aligned to it, which is UNPREDICTABLE (IHI 0048B
 * 4.1.4), or CONSTRAINED UNPREDICTABLE to be that (IHI 0069 12.1.3).
 *
 * To add a register: a row in one of the tables, and a function or a field.
 */
#include <linux/bits.h>
#include <linux/bsearch.h>
#include <linux/log2.h>
#include <linux/uaccess.h>

#include "kmod.h"

/* GICD_IIDR, GICR_IIDR: product 'V', by nobody whom JEP106 knows. */
#define IIDR			(0x56U << 24)

#define TYPER_ITLINES(gic)	((gic)->nr_irqs / 32 - 1)
#define V2_TYPER_CPUS(gic)	(((gic)->max_vcpus - 1) << 5)
#define V3_TYPER_IDBITS		(9U << 19)	/* 10 bits of INTID */
#define V3_TYPER_A3V		BIT(24)
#define V3_TYPER_NO1N		BIT(25)
#define V3_TYPER_RSS		BIT(26)
#define CTLR_ENABLES		(GICD_CTLR_ENABLE_GRP0 | GICD_CTLR_ENABLE_GRP1)
#define V3_CTLR_ARE		BIT(4)
#define V3_CTLR_DS		BIT(6)
#define PIDR2_ARCH(version)	((version) << 4)
#define REDIST_LAST		BIT(4)
#define WAKER_SLEEP		BIT(1)	/* ProcessorSleep */
#define WAKER_ASLEEP		BIT(2)	/* ChildrenAsleep */
#define ICFGR_EDGE		BIT(1)
/* GICC_DIR: with it comes the sender of an SGI, of which one is active at a time. */
#define DIR_INTID		GENMASK(9, 0)

/* GICD_IROUTER: Interrupt_Routing_Mode is RES0 without 1 of N. */
#define IROUTER_AFFINITY	0xff00ffffffULL

/**
 * struct gic_frame - whose registers are accessed
 * @gic: the GIC; its lock is held.
 * @vcpu: the vCPU that private interrupts are of: GICv2: who accesses, GICv3:
 *	the redistributor's; NULL in GICv3's distributor.
 * @self: the vCPU that accesses; NULL: the VMM does.
 * @flags: of the lock.
 * @offset: in the frame.
 */
struct gic_frame {
	struct gic *gic;
	struct vcpu *vcpu;
	struct vcpu *self;
	unsigned long *flags;
	u32 offset;
};

/* ---- what there is of each interrupt ----------------------------------- */

/**
 * struct gic_field - a part of an interrupt's state, as registers show it
 * @get: its value.
 * @set: a new value, of the bits in @mask.
 * @mask: bits of this interrupt's that can change.
 */
struct gic_field {
	u64 (*get)(const struct gic *gic, const struct gic_irq *irq);
	void (*set)(struct gic_irq *irq, u64 value);
	u64 (*mask)(const struct gic *gic, const struct gic_irq *irq);
};

static bool is_sgi(const struct gic_irq *irq)
{
	return irq->intid < GIC_NR_SGIS;
}

/* Of GICv2: each of them is pending for its senders. */
static bool is_sgi_v2(const struct gic *gic, const struct gic_irq *irq)
{
	return gic->version == 2 && is_sgi(irq);
}

static u64 one_bit(const struct gic *gic, const struct gic_irq *irq)
{
	return 1;
}

static u64 get_group(const struct gic *gic, const struct gic_irq *irq)
{
	return irq->group1;
}

static void set_group(struct gic_irq *irq, u64 value)
{
	irq->group1 = value;
}

static const struct gic_field group = { get_group, set_group, one_bit };

static u64 get_enabled(const struct gic *gic, const struct gic_irq *irq)
{
	return irq->enabled;
}

static void set_enabled(struct gic_irq *irq, u64 value)
{
	irq->enabled = value;
}

/* GICv2: SGIs may be enabled for ever (IHI 0048B 4.3.5), as they are in GIC-400. */
static u64 enabled_mask(const struct gic *gic, const struct gic_irq *irq)
{
	return !is_sgi_v2(gic, irq);
}

static const struct gic_field enabled = { get_enabled, set_enabled, enabled_mask };

/* The latch, which is what writes change; the line is somebody else's. */
static u64 get_latch(const struct gic *gic, const struct gic_irq *irq)
{
	return irq->pending;
}

static void set_latch(struct gic_irq *irq, u64 value)
{
	irq->pending = value;
}

/* GICv2: SGIs have GICD_SPENDSGIR (IHI 0048B 4.3.7). */
static u64 latch_mask(const struct gic *gic, const struct gic_irq *irq)
{
	return !is_sgi_v2(gic, irq);
}

static const struct gic_field latch = { get_latch, set_latch, latch_mask };

static u64 get_pending(const struct gic *gic, const struct gic_irq *irq)
{
	return gic_irq_pending(irq);
}

static u64 get_active(const struct gic *gic, const struct gic_irq *irq)
{
	return irq->active;
}

static void set_active(struct gic_irq *irq, u64 value)
{
	irq->active = value;
}

static const struct gic_field active = { get_active, set_active, one_bit };

static u64 get_priority(const struct gic *gic, const struct gic_irq *irq)
{
	return irq->priority;
}

static void set_priority(struct gic_irq *irq, u64 value)
{
	irq->priority = value;
}

static u64 priority_mask(const struct gic *gic, const struct gic_irq *irq)
{
	return GENMASK(7, 8 - gic_host_priority_bits());
}

static const struct gic_field priority = { get_priority, set_priority, priority_mask };

static u64 get_targets(const struct gic *gic, const struct gic_irq *irq)
{
	return gic->max_vcpus == 1 ? 0 : irq->targets;
}

static void set_targets(struct gic_irq *irq, u64 value)
{
	irq->targets = value;
}

/* RAZ/WI with one CPU interface, read-only for private interrupts (4.3.12). */
static u64 targets_mask(const struct gic *gic, const struct gic_irq *irq)
{
	return irq->home || gic->max_vcpus == 1 ? 0 : GENMASK(gic->max_vcpus - 1, 0);
}

static const struct gic_field targets = { get_targets, set_targets, targets_mask };

static u64 get_config(const struct gic *gic, const struct gic_irq *irq)
{
	return irq->edge ? ICFGR_EDGE : 0;
}

static void set_config(struct gic_irq *irq, u64 value)
{
	irq->edge = value;
}

/* SGIs are edge-triggered; PPIs, the timers' among them, level-sensitive. */
static u64 config_mask(const struct gic *gic, const struct gic_irq *irq)
{
	return irq->home ? 0 : ICFGR_EDGE;
}

static const struct gic_field config = { get_config, set_config, config_mask };

static u64 get_router(const struct gic *gic, const struct gic_irq *irq)
{
	return irq->irouter;
}

static void set_router(struct gic_irq *irq, u64 value)
{
	irq->irouter = value;
}

static u64 router_mask(const struct gic *gic, const struct gic_irq *irq)
{
	return IROUTER_AFFINITY;
}

static const struct gic_field router = { get_router, set_router, router_mask };

static u64 get_sources(const struct gic *gic, const struct gic_irq *irq)
{
	return irq->sources;
}

static void set_sources(struct gic_irq *irq, u64 value)
{
	irq->sources = value;
}

static u64 sources_mask(const struct gic *gic, const struct gic_irq *irq)
{
	return GENMASK(gic->max_vcpus - 1, 0);
}

static const struct gic_field sources = { get_sources, set_sources, sources_mask };

/* The timers' follow from their registers; those that are passed through, the host's. */
static u64 level_mask(const struct gic *gic, const struct gic_irq *irq)
{
	return !is_sgi(irq) && !irq->host_irq && irq->intid != GIC_PPI_VTIMER &&
	       irq->intid != GIC_PPI_PTIMER;
}

static u64 get_level(const struct gic *gic, const struct gic_irq *irq)
{
	return level_mask(gic, irq) && irq->level;
}

static void set_level(struct gic_irq *irq, u64 value)
{
	irq->level = value;
}

static const struct gic_field level = { get_level, set_level, level_mask };

/* ---- registers that are not by interrupts ------------------------------ */

static u64 read_zero(const struct gic_frame *f)
{
	return 0;
}

static u64 read_iidr(const struct gic_frame *f)
{
	return IIDR;
}

static u64 read_pidr2(const struct gic_frame *f)
{
	return PIDR2_ARCH(f->gic->version);
}

static u64 read_v2_typer(const struct gic_frame *f)
{
	return TYPER_ITLINES(f->gic) | V2_TYPER_CPUS(f->gic);
}

/*
 * Neither LPIs, nor extended ranges, nor messages (MBIS), nor 1 of N; CPUNumber
 * is 0 as ARE is always 1.  All affinities and range selectors can be named in
 * GICD_IROUTER and in ICC_SGI1R_EL1, which traps.
 */
static u64 read_v3_typer(const struct gic_frame *f)
{
	return TYPER_ITLINES(f->gic) | V3_TYPER_IDBITS | V3_TYPER_A3V | V3_TYPER_NO1N |
	       V3_TYPER_RSS;
}

static u64 read_v2_ctlr(const struct gic_frame *f)
{
	return f->gic->ctlr;
}

/* RWP is 0: each write is complete when its instruction is. */
static u64 read_v3_ctlr(const struct gic_frame *f)
{
	return f->gic->ctlr | V3_CTLR_ARE | V3_CTLR_DS;
}

static void write_ctlr(const struct gic_frame *f, u64 value)
{
	gic_set_ctlr(f->gic, value & CTLR_ENABLES);
	gic_update_all(f->gic, f->flags);
	if (f->gic->nr_passed)
		gic_refill(f->gic, f->flags);
}

static bool holds_v2_ctlr(const struct gic_frame *f, u64 value)
{
	return !(value & ~(u64)CTLR_ENABLES);
}

static bool holds_v3_ctlr(const struct gic_frame *f, u64 value)
{
	return (value & ~(u64)CTLR_ENABLES) == (V3_CTLR_ARE | V3_CTLR_DS);
}

static void write_sgir(const struct gic_frame *f, u64 value)
{
	struct gic *gic = f->gic;
	u32 filter = value >> 24 & 3, self = f->vcpu->index, list, i;

	switch (filter) {
	case 0:
		list = value >> 16 & 0xff;
		break;
	case 1:
		list = ~BIT(self);
		break;
	case 2:
		list = BIT(self);
		break;
	default:
		return;
	}
	/* Without the Security Extensions NSATT means nothing (4.3.15). */
	for (i = 0; i < gic->max_vcpus; i++) {
		if (!(list >> i & 1) || !gic->vcpus[i])
			continue;
		gic_send_sgi(f->vcpu, gic->vcpus[i], value & 0xf, true);
		/* It may have to be woken up. */
		gic_breathe(gic, f->flags);
	}
}

/* GICC_DIR, which is never mapped. */
static void write_dir(const struct gic_frame *f, u64 value)
{
	gic_deactivate(f->vcpu, value & DIR_INTID);
}

static bool dir_is_elsewhere(const struct gic_frame *f, u64 value)
{
	return gic_is_elsewhere(f->vcpu, value & DIR_INTID);
}

static u64 read_redist_typer(const struct gic_frame *f)
{
	struct gic *gic = f->gic;
	u64 affinity = (f->vcpu->mpidr & 0xffffff) | (f->vcpu->mpidr >> 8 & 0xff000000);
	u64 value = affinity << 32 | (u64)f->vcpu->index << 8;
	u32 i;

	for (i = f->vcpu->index + 1; i < gic->max_vcpus; i++)
		if (gic->vcpus[i])
			return value;
	return value | REDIST_LAST;
}

static u64 read_waker(const struct gic_frame *f)
{
	return f->vcpu->gic.asleep ? WAKER_SLEEP | WAKER_ASLEEP : 0;
}

static void write_waker(const struct gic_frame *f, u64 value)
{
	f->vcpu->gic.asleep = value & WAKER_SLEEP;
}

static bool holds_waker(const struct gic_frame *f, u64 value)
{
	return !value || value == (WAKER_SLEEP | WAKER_ASLEEP);
}

/* ---- tables ------------------------------------------------------------ */

/* What a write does with the ones in it. */
enum write_kind {
	WRITE_ALL,		/* all bits are as written */
	WRITE_SETS,
	WRITE_CLEARS,
};

/**
 * struct gic_reg - a register, or an array of them
 * @offset: of the first.
 * @size: bytes, of all of them; without @field, of the one.
 * @lens: lengths of access, or'ed together.
 * @bits: with @field: bits of each interrupt, from INTID 0 on.
 * @kind: with @field: what a write does.  The VMM has no use for WRITE_CLEARS.
 * @whole: with @field: no other vCPU may have them in its list registers.
 *	Otherwise: none may have any, for a write.
 * @field: what they hold.
 * @view: what a guest reads, if not that.
 * @read: NULL: write-only, the VMM has no use for it.
 * @write: NULL: read-only.
 * @holds: can it have this value?
 * @elsewhere: with @whole: does writing this value concern one that another vCPU has
 *	in a list register?
 */
struct gic_reg {
	u32 offset;
	u32 size;
	u8 lens;
	u8 bits;
	u8 kind;
	bool whole;
	const struct gic_field *field;
	u64 (*view)(const struct gic *gic, const struct gic_irq *irq);
	u64 (*read)(const struct gic_frame *f);
	void (*write)(const struct gic_frame *f, u64 value);
	bool (*holds)(const struct gic_frame *f, u64 value);
	bool (*elsewhere)(const struct gic_frame *f, u64 value);
};

/**
 * struct gic_table - the registers of a frame, by offset
 * @regs: the registers.
 * @count: how many.
 */
struct gic_table {
	const struct gic_reg *regs;
	unsigned int count;
};

#define WORD(offset_, ...)							\
	{ .offset = offset_, .size = 4, .lens = 4, __VA_ARGS__ }
#define LONG(offset_, ...)							\
	{ .offset = offset_, .size = 8, .lens = 4 | 8, __VA_ARGS__ }
/* So many bits, a byte, 64 bits of each of @n interrupts. */
#define BIT_EACH(offset_, n, ...)						\
	{ .offset = offset_, .size = (n) / 8, .lens = 4, .bits = 1, __VA_ARGS__ }
#define TWO_EACH(offset_, n, ...)						\
	{ .offset = offset_, .size = (n) / 4, .lens = 4, .bits = 2, __VA_ARGS__ }
#define BYTE_EACH(offset_, n, ...)						\
	{ .offset = offset_, .size = (n), .lens = 1 | 4, .bits = 8, __VA_ARGS__ }
#define LONG_EACH(offset_, n, ...)						\
	{ .offset = offset_, .size = (n) * 8, .lens = 4 | 8, .bits = 64, __VA_ARGS__ }

/*
 * By offset.  Disabling waits for those who have the interrupt in a list register, so
 * that no write is pending when the guest asks for RWP.
 */
static const struct gic_reg v2_dist_regs[] = {
	WORD(0x000, .read = read_v2_ctlr, .write = write_ctlr, .holds = holds_v2_ctlr,
	     .whole = true),
	WORD(0x004, .read = read_v2_typer),
	WORD(0x008, .read = read_iidr),
	BIT_EACH(0x080, 1024, .field = &group),
	BIT_EACH(0x100, 1024, .field = &enabled, .kind = WRITE_SETS),
	BIT_EACH(0x180, 1024, .field = &enabled, .kind = WRITE_CLEARS, .whole = true),
	BIT_EACH(0x200, 1024, .field = &latch, .kind = WRITE_SETS, .whole = true,
		 .view = get_pending),
	BIT_EACH(0x280, 1024, .field = &latch, .kind = WRITE_CLEARS, .whole = true,
		 .view = get_pending),
	BIT_EACH(0x300, 1024, .field = &active, .kind = WRITE_SETS, .whole = true),
	BIT_EACH(0x380, 1024, .field = &active, .kind = WRITE_CLEARS, .whole = true),
	BYTE_EACH(0x400, 1024, .field = &priority),
	BYTE_EACH(0x800, 1024, .field = &targets),
	TWO_EACH(0xc00, 1024, .field = &config),
	WORD(0xf00, .write = write_sgir),
	BYTE_EACH(0xf10, 16, .field = &sources, .kind = WRITE_CLEARS),	/* CPENDSGIR */
	BYTE_EACH(0xf20, 16, .field = &sources, .kind = WRITE_SETS),	/* SPENDSGIR */
	WORD(0xfe8, .read = read_pidr2),
};

static const struct gic_reg v2_cpu_regs[] = {
	WORD(GIC_V2_DIR, .write = write_dir, .whole = true, .elsewhere = dir_is_elsewhere),
};

static const struct gic_reg v3_dist_regs[] = {
	WORD(0x0000, .read = read_v3_ctlr, .write = write_ctlr, .holds = holds_v3_ctlr,
	     .whole = true),
	WORD(0x0004, .read = read_v3_typer),
	WORD(0x0008, .read = read_iidr),
	BIT_EACH(0x0080, 1024, .field = &group),
	BIT_EACH(0x0100, 1024, .field = &enabled, .kind = WRITE_SETS),
	BIT_EACH(0x0180, 1024, .field = &enabled, .kind = WRITE_CLEARS, .whole = true),
	BIT_EACH(0x0200, 1024, .field = &latch, .kind = WRITE_SETS, .whole = true,
		 .view = get_pending),
	BIT_EACH(0x0280, 1024, .field = &latch, .kind = WRITE_CLEARS, .whole = true,
		 .view = get_pending),
	BIT_EACH(0x0300, 1024, .field = &active, .kind = WRITE_SETS, .whole = true),
	BIT_EACH(0x0380, 1024, .field = &active, .kind = WRITE_CLEARS, .whole = true),
	BYTE_EACH(0x0400, 1024, .field = &priority),
	TWO_EACH(0x0c00, 1024, .field = &config),
	LONG_EACH(0x6000, 1024, .field = &router),
	WORD(0xffe8, .read = read_pidr2),
};

/* RD_base, and SGI_base 64 KiB behind it. */
static const struct gic_reg redist_regs[] = {
	WORD(0x00000, .read = read_zero),	/* GICR_CTLR: LPIs, 1 of N, RWP */
	WORD(0x00004, .read = read_iidr),
	LONG(0x00008, .read = read_redist_typer),
	WORD(0x00014, .read = read_waker, .write = write_waker, .holds = holds_waker),
	WORD(0x0ffe8, .read = read_pidr2),
	BIT_EACH(0x10080, 32, .field = &group),
	BIT_EACH(0x10100, 32, .field = &enabled, .kind = WRITE_SETS),
	BIT_EACH(0x10180, 32, .field = &enabled, .kind = WRITE_CLEARS, .whole = true),
	BIT_EACH(0x10200, 32, .field = &latch, .kind = WRITE_SETS, .whole = true,
		 .view = get_pending),
	BIT_EACH(0x10280, 32, .field = &latch, .kind = WRITE_CLEARS, .whole = true,
		 .view = get_pending),
	BIT_EACH(0x10300, 32, .field = &active, .kind = WRITE_SETS, .whole = true),
	BIT_EACH(0x10380, 32, .field = &active, .kind = WRITE_CLEARS, .whole = true),
	BYTE_EACH(0x10400, 32, .field = &priority),
	TWO_EACH(0x10c00, 32, .field = &config),
};

/* ARMVCPU_GIC_LEVEL: by INTID. */
static const struct gic_reg level_regs[] = {
	BIT_EACH(0, 1024, .field = &level),
};

static const struct gic_table v2_dist = { v2_dist_regs, ARRAY_SIZE(v2_dist_regs) };
static const struct gic_table v2_cpu = { v2_cpu_regs, ARRAY_SIZE(v2_cpu_regs) };
static const struct gic_table v3_dist = { v3_dist_regs, ARRAY_SIZE(v3_dist_regs) };
static const struct gic_table redist = { redist_regs, ARRAY_SIZE(redist_regs) };
static const struct gic_table levels = { level_regs, ARRAY_SIZE(level_regs) };

static int compare(const void *key, const void *element)
{
	const struct gic_reg *reg = element;
	u32 offset = *(const u32 *)key;

	if (offset < reg->offset)
		return -1;
	return offset >= reg->offset + reg->size;
}

static const struct gic_reg *find_reg(const struct gic_table *table, u32 offset)
{
	return bsearch(&offset, table->regs, table->count, sizeof(*table->regs), compare);
}

static const struct gic_table *dist_table(const struct gic *gic)
{
	return gic->version == 3 ? &v3_dist : &v2_dist;
}

/* ---- an access --------------------------------------------------------- */

/**
 * struct gic_span - the interrupts that an access is about
 * @intid: the first.
 * @count: how many, at least one.
 * @shift: the first bit of it, if it is only about a part of one.
 * @mask: bits of each in the access.
 */
struct gic_span {
	u32 intid;
	u32 count;
	u32 shift;
	u64 mask;
};

static struct gic_span span_of(const struct gic_reg *reg, u32 offset, unsigned int len)
{
	u32 bit = (offset - reg->offset) * 8, bits = min_t(u32, reg->bits, len * 8);

	return (struct gic_span) {
		.intid = bit / reg->bits,
		.count = len * 8 / bits,
		.shift = bit % reg->bits,
		.mask = GENMASK_ULL(bits - 1, 0),
	};
}

static struct gic_irq *irq_in(const struct gic_frame *f, const struct gic_span *span, u32 i)
{
	return gic_irq_of(f->gic, f->vcpu, span->intid + i);
}

static u64 read_field(const struct gic_frame *f, const struct gic_reg *reg,
		      unsigned int len, bool guest)
{
	struct gic_span span = span_of(reg, f->offset, len);
	u64 value = 0;
	u32 i;

	for (i = 0; i < span.count; i++) {
		struct gic_irq *irq = irq_in(f, &span, i);
		u64 part;

		if (!irq)
			continue;
		part = guest && reg->view ? reg->view(f->gic, irq) : reg->field->get(f->gic, irq);
		value |= (part >> span.shift & span.mask) << (i * reg->bits);
	}
	return value;
}

/*
 * What a write changes of the host's interrupts takes its time, for each of them.  The lock is
 * let go then, and nothing from before is gone by after that but that no vCPU is in the guest:
 * must_freeze() has seen to it, or the VMM has all vCPUs.  Another's write to the same word
 * may come in between, for each interrupt before this one's or behind it.
 */
static void write_field(const struct gic_frame *f, const struct gic_reg *reg,
			unsigned int len, u64 value, enum write_kind kind)
{
	struct gic_span span = span_of(reg, f->offset, len);
	const struct gic_field *field = reg->field;
	bool passed = false;
	u32 i;

	for (i = 0; i < span.count; i++) {
		struct gic_irq *irq = irq_in(f, &span, i);
		u64 part = (value >> (i * reg->bits) & span.mask) << span.shift, was, mask;

		if (!irq)
			continue;
		if (irq->host_irq && field == &latch && kind == WRITE_CLEARS && part) {
			gic_clear_host(irq);
			gic_breathe(f->gic, f->flags);
		}
		was = field->get(f->gic, irq);
		mask = field->mask(f->gic, irq) & span.mask << span.shift;
		if (kind != WRITE_ALL)
			mask &= part;
		if (kind == WRITE_CLEARS)
			part = 0;
		part = (was & ~mask) | (part & mask);
		if (part == was)
			continue;
		field->set(irq, part);
		if (field == &priority || field == &group)
			gic_set_rank(f->gic, irq);
		if (field == &active && !part && f->self)
			gic_note_end(f->self, irq);
		gic_update(f->gic, irq);
		if (!irq->host_irq)
			continue;
		passed = true;
		gic_breathe(f->gic, f->flags);
	}
	if (passed)
		gic_refill(f->gic, f->flags);
}

/* ---- the guest --------------------------------------------------------- */

/* Is an interrupt what an access is about, or only in the same word? */
static bool is_meant(const struct gic_frame *f, const struct gic_reg *reg,
		     const struct gic_span *span, u32 i, bool write, u64 data)
{
	u64 part = data >> (i * reg->bits) & span->mask, was;

	if (!write)
		return true;
	if (reg->kind != WRITE_ALL)
		return part;
	was = reg->field->get(f->gic, irq_in(f, span, i));
	return part != (was >> span->shift & span->mask);
}

/*
 * The one who accesses has nothing in list registers: it is here.  Of an interrupt
 * of the host's, of another vCPU's SGI or virtual timer, only EL2 may know that it is in
 * one.
 */
static bool is_elsewhere(const struct gic_frame *f, const struct gic_reg *reg,
			 unsigned int len, bool write, u64 data)
{
	struct gic_span span = span_of(reg, f->offset, len);
	u32 i;

	for (i = 0; i < span.count; i++) {
		struct gic_irq *irq = irq_in(f, &span, i);

		bool el2s = irq && irq->home && irq->home != f->self && gic_irq_is_el2s(irq);

		if (irq && ((reg->whole && (irq->lr || el2s)) || irq->host_irq) &&
		    is_meant(f, reg, &span, i, write, data))
			return true;
	}
	return false;
}

static bool must_freeze(const struct gic_frame *f, const struct gic_reg *reg,
			unsigned int len, bool write, u64 data)
{
	if (reg->field)
		return (reg->whole || write) && is_elsewhere(f, reg, len, write, data);
	return reg->whole && write && (!reg->elsewhere || reg->elsewhere(f, data));
}

static void guest_access(const struct gic_frame *f, const struct gic_reg *reg,
			 unsigned int len, bool write, u64 *data)
{
	if (reg->field) {
		if (write)
			write_field(f, reg, len, *data, reg->kind);
		else
			*data = read_field(f, reg, len, true);
	} else if (write) {
		if (reg->write)
			reg->write(f, *data);
	} else if (reg->read) {
		*data = reg->read(f) >> (f->offset - reg->offset) * 8;
	}
}

/*
 * The frame that an address is in.  @place: the redistributor, whose vCPU may
 * come and go as long as the lock is not held; or -1.
 */
static const struct gic_table *find_frame(struct gic *gic, u64 ipa, u32 *offset, int *place)
{
	*place = -1;
	if (ipa - gic->dist < gic_dist_size(gic)) {
		*offset = ipa - gic->dist;
		return dist_table(gic);
	}
	if (ipa - gic->cpu >= gic_cpu_size(gic))
		return NULL;
	if (gic->version == 2) {
		*offset = ipa - gic->cpu;
		return &v2_cpu;
	}
	*place = (ipa - gic->cpu) / GIC_V3_REDIST_SIZE;
	*offset = (ipa - gic->cpu) % GIC_V3_REDIST_SIZE;
	return &redist;
}

/* Under the lock.  False: there is no such redistributor. */
static bool find_vcpu(struct gic_frame *f, struct vcpu *self, int place)
{
	if (place >= 0)
		f->vcpu = f->gic->vcpus[place];
	else
		f->vcpu = f->gic->version == 2 ? self : NULL;
	return place < 0 || f->vcpu;
}

/**
 * gic_mmio() - an access where no memory is
 * @vcpu: the vCPU that does it; none of its interrupts is in a list register.
 * @ipa: guest physical address.
 * @len: 1, 2, 4 or 8 bytes.
 * @write: direction.
 * @data: in or out, the byte at @ipa in bits 7:0.
 *
 * May sleep.
 *
 * Return: 1; 0: no register of the VM's GIC can be there; -EAGAIN: not now, and nothing
 * has happened.
 */
int gic_mmio(struct vcpu *vcpu, u64 ipa, unsigned int len, bool write, u64 *data)
{
	unsigned long flags;
	struct gic_frame f = {
		.gic = READ_ONCE(vcpu->vm->gic), .self = vcpu, .flags = &flags,
	};
	const struct gic_table *table;
	const struct gic_reg *reg;
	bool frozen = false;
	int place;

	if (!f.gic)
		return 0;
	table = find_frame(f.gic, ipa, &f.offset, &place);
	if (!table)
		return 0;
	if (!write)
		*data = 0;
	if (table == &v2_cpu && f.offset < GIC_V2_DIR) {
		if (len == 4 && gic_host_cpu_traps(f.offset, write))
			return gic_cpu_access(vcpu, f.offset, write, data) ?: 1;
		return 1;
	}
	reg = find_reg(table, f.offset);
	if (!reg || !(reg->lens & len) || f.offset & (len - 1))
		return 1;

	raw_spin_lock_irqsave(&f.gic->lock, flags);
	if (find_vcpu(&f, vcpu, place) && must_freeze(&f, reg, len, write, *data)) {
		raw_spin_unlock_irqrestore(&f.gic->lock, flags);
		gic_freeze(vcpu->vm);
		frozen = true;
		raw_spin_lock_irqsave(&f.gic->lock, flags);
	}
	if (find_vcpu(&f, vcpu, place))
		guest_access(&f, reg, len, write, data);
	raw_spin_unlock_irqrestore(&f.gic->lock, flags);
	if (frozen)
		gic_thaw(vcpu->vm);
	if (!write)
		*data &= GENMASK_ULL(len * 8 - 1, 0);
	return 1;
}

/**
 * gic_set_ctlr() - GICD_CTLR has changed
 * @gic: the GIC; its lock is held, or nobody else knows it.
 * @ctlr: EnableGrp0, EnableGrp1.
 */
void gic_set_ctlr(struct gic *gic, u32 ctlr)
{
	const struct gic_frame f = { .gic = gic };

	gic->ctlr = ctlr;
	WRITE_ONCE(gic->hyp->gicd_regs[0],
		   gic->version == 3 ? read_v3_ctlr(&f) : read_v2_ctlr(&f));
}

/**
 * gic_show() - what EL2 needs to know of the distributor
 * @vm: the VM.
 * @gic: its new GIC.
 */
void gic_show(struct vm *vm, struct gic *gic)
{
	const struct gic_frame f = { .gic = gic };

	/* In the order of their offsets. */
	static_assert(HYP_NR_GICD == 3);
	gic->hyp = vm->hyp;
	gic_set_ctlr(gic, gic->ctlr);
	gic->hyp->gicd_regs[1] = gic->version == 3 ? read_v3_typer(&f) : read_v2_typer(&f);
	gic->hyp->gicd_regs[2] = read_iidr(&f);
	WRITE_ONCE(gic->hyp->gicd, gic->dist);
}

/**
 * gic_overlaps() - is there a frame of the GIC in a range?
 * @vm: the VM.
 * @ipa: guest physical address.
 * @size: bytes; does not wrap around.
 */
bool gic_overlaps(struct vm *vm, u64 ipa, u64 size)
{
	const struct gic *gic = READ_ONCE(vm->gic);

	if (!gic)
		return false;
	return (ipa < gic->dist + gic_dist_size(gic) && gic->dist < ipa + size) ||
	       (ipa < gic->cpu + gic_cpu_size(gic) && gic->cpu < ipa + size);
}

/* ---- the VMM ----------------------------------------------------------- */

static bool is_vmms(const struct gic_reg *reg)
{
	return reg->field ? reg->kind != WRITE_CLEARS : !!reg->read;
}

/* What the VMM accesses in one go. */
static unsigned int reg_len(const struct gic_reg *reg)
{
	return reg->lens & 8 ? 8 : 4;
}

/* A register of a frame for the VMM, or NULL. */
static const struct gic_reg *find_vmms(const struct gic_table *table, u32 offset)
{
	const struct gic_reg *reg = find_reg(table, offset);

	return reg && is_vmms(reg) && !(offset % reg_len(reg)) ? reg : NULL;
}

/* Is there any interrupt to it? */
static bool is_there(const struct gic_frame *f, const struct gic_reg *reg)
{
	struct gic_span span;
	u32 i;

	if (!reg->field)
		return true;
	span = span_of(reg, f->offset, reg_len(reg));
	for (i = 0; i < span.count; i++)
		if (irq_in(f, &span, i))
			return true;
	return false;
}

static bool field_holds(const struct gic_frame *f, const struct gic_reg *reg, u64 value)
{
	struct gic_span span = span_of(reg, f->offset, reg_len(reg));
	const struct gic_field *field = reg->field;
	u32 i;

	for (i = 0; i < span.count; i++) {
		u64 part = value >> (i * reg->bits) & span.mask;
		struct gic_irq *irq = irq_in(f, &span, i);

		if (irq)
			part = (part ^ field->get(f->gic, irq)) & ~field->mask(f->gic, irq);
		if (part)
			return false;
	}
	return true;
}

static bool reg_holds(const struct gic_frame *f, const struct gic_reg *reg, u64 value)
{
	if (reg_len(reg) == 4 && value >> 32)
		return false;
	if (reg->field)
		return field_holds(f, reg, value);
	return reg->holds ? reg->holds(f, value) : value == reg->read(f);
}

static int vmm_access(const struct gic_frame *f, const struct gic_reg *reg, bool set, u64 *value)
{
	if (!is_there(f, reg))
		return -ENXIO;
	if (!set) {
		*value = reg->field ? read_field(f, reg, reg_len(reg), false) : reg->read(f);
		return 0;
	}
	if (!reg_holds(f, reg, *value))
		return -EINVAL;
	if (reg->field)
		write_field(f, reg, reg_len(reg), *value, WRITE_ALL);
	else if (reg->write)
		reg->write(f, *value);
	return 0;
}

/* ICC_CTLR_EL1 */
#define ICC_CTLR_CBPR		BIT(0)
#define ICC_CTLR_EOIMODE	BIT(1)

#define GICC_APR(n)		(0xd0 + 4 * (n))
#define ICC_PMR_EL1		ARMVCPU_SYSREG(3, 0, 4, 6, 0)
#define ICC_RPR_EL1		ARMVCPU_SYSREG(3, 0, 12, 11, 3)
#define ICC_CTLR_EL1		ARMVCPU_SYSREG(3, 0, 12, 12, 4)
#define ICC_AP0R_EL1(n)		ARMVCPU_SYSREG(3, 0, 12, 8, 4 + (n))
#define ICC_AP1R_EL1(n)		ARMVCPU_SYSREG(3, 0, 12, 9, n)

/**
 * struct gic_cpu_reg - a register of the CPU interface
 * @id: offset (GICv2), or encoding.
 * @vmcr: bits of VMCR that it is, the lowest of them being its bit 0.
 */
struct gic_cpu_reg {
	u32 id;
	u32 vmcr;
};

static const struct gic_cpu_reg v2_vmcr_regs[] = {
	{ 0x000, VMCR_CTLR },				/* GICC_CTLR */
	{ 0x004, VMCR_PMR },				/* GICC_PMR */
	{ 0x008, VMCR_BPR0 },				/* GICC_BPR */
	{ 0x01c, VMCR_BPR1 },				/* GICC_ABPR */
};

static const struct gic_cpu_reg v3_vmcr_regs[] = {
	{ ICC_PMR_EL1, VMCR_PMR },
	{ ARMVCPU_SYSREG(3, 0, 12, 8, 3), VMCR_BPR0 },	/* ICC_BPR0_EL1 */
	{ ARMVCPU_SYSREG(3, 0, 12, 12, 3), VMCR_BPR1 },	/* ICC_BPR1_EL1 */
	{ ARMVCPU_SYSREG(3, 0, 12, 12, 6), VMCR_ENG0 },	/* ICC_IGRPEN0_EL1 */
	{ ARMVCPU_SYSREG(3, 0, 12, 12, 7), VMCR_ENG1 },	/* ICC_IGRPEN1_EL1 */
};

/* Bits of VMCR, or 0. */
static u32 cpu_reg_bits(const struct gic *gic, u32 id)
{
	const struct gic_cpu_reg *regs = v2_vmcr_regs;
	unsigned int count = ARRAY_SIZE(v2_vmcr_regs), i;

	if (gic->version == 3) {
		regs = v3_vmcr_regs;
		count = ARRAY_SIZE(v3_vmcr_regs);
	}
	for (i = 0; i < count; i++)
		if (regs[i].id == id)
			return regs[i].vmcr;
	return 0;
}

static u64 *cpu_reg_apr(struct gic *gic, struct vcpu *vcpu, u32 id)
{
	struct hyp_gic *hyp = &vcpu->hyp->gic;
	unsigned int n;

	for (n = 0; n < hyp->nr_aprs; n++) {
		if (gic->version == 2 ? id == GICC_APR(n) : id == ICC_AP0R_EL1(n))
			return &hyp->ap0r[n];
		if (gic->version == 3 && id == ICC_AP1R_EL1(n))
			return &hyp->ap1r[n];
	}
	return NULL;
}

static int cpu_ctlr(struct vcpu *vcpu, bool set, u64 *value)
{
	u64 fixed = gic_host_icc_ctlr(), *vmcr = &vcpu->hyp->gic.vmcr;

	if (!set) {
		*value = fixed | (*vmcr & VMCR_CBPR ? ICC_CTLR_CBPR : 0) |
			 (*vmcr & VMCR_EOIM ? ICC_CTLR_EOIMODE : 0);
		return 0;
	}
	if ((*value ^ fixed) & ~(ICC_CTLR_CBPR | ICC_CTLR_EOIMODE))
		return -EINVAL;
	*vmcr &= ~(VMCR_CBPR | VMCR_EOIM);
	*vmcr |= (*value & ICC_CTLR_CBPR ? VMCR_CBPR : 0) |
		 (*value & ICC_CTLR_EOIMODE ? VMCR_EOIM : 0);
	return 0;
}

/* ARMVCPU_GIC_CPU */
static int cpu_access(struct gic *gic, struct vcpu *vcpu, u32 id, bool set, u64 *value)
{
	u64 *apr = cpu_reg_apr(gic, vcpu, id), *vmcr = &vcpu->hyp->gic.vmcr, max;
	u32 bits = cpu_reg_bits(gic, id), shift;

	/* What the CPU still has of it is not that any more. */
	if (set)
		vcpu->hyp->gic.cpu = 0;
	if (gic->version == 3 && id == ICC_CTLR_EL1)
		return cpu_ctlr(vcpu, set, value);
	if (apr) {
		if (set && *value >> 32)
			return -EINVAL;
		if (set)
			*apr = *value;
		*value = *apr;
		return 0;
	}
	if (!bits)
		return -ENXIO;
	shift = __ffs(bits);
	max = bits >> shift;
	if (bits == VMCR_PMR)
		max &= GENMASK(7, 8 - gic_host_priority_bits());
	if (set && *value & ~max)
		return -EINVAL;
	if (set)
		*vmcr = (*vmcr & ~(u64)bits) | *value << shift;
	*value = (*vmcr & bits) >> shift;
	return 0;
}

/* The highest of the active priorities; a bit for each of the groups of them. */
static u8 running_priority(const struct hyp_gic *hyp)
{
	unsigned int bits = 5 + ilog2(hyp->nr_aprs), n;

	for (n = 0; n < hyp->nr_aprs; n++) {
		u32 active = hyp->ap0r[n] | hyp->ap1r[n];

		if (active)
			return (n * 32 + __ffs(active)) << (8 - bits);
	}
	return 0xff;
}

/**
 * gic_cpu_sysreg() - what traps with ICC_DIR_EL1 on a host without ICH_HCR_EL2.TDIR
 * @vcpu: the vCPU, of a VM with a GICv3.
 * @encoding: ARMVCPU_SYSREG().
 * @write: direction.
 * @value: the value, in or out.
 *
 * Return: false if the access is UNDEFINED.
 */
bool gic_cpu_sysreg(struct vcpu *vcpu, u32 encoding, bool write, u64 *value)
{
	struct gic *gic = vcpu->vm->gic;

	switch (encoding) {
	case ICC_PMR_EL1:
		if (write)
			*value &= GENMASK(7, 8 - gic_host_priority_bits());
		return !cpu_access(gic, vcpu, encoding, write, value);
	case ICC_CTLR_EL1:
		if (write)
			*value = (*value & (ICC_CTLR_CBPR | ICC_CTLR_EOIMODE)) |
				 gic_host_icc_ctlr();
		return !cpu_access(gic, vcpu, encoding, write, value);
	case ICC_RPR_EL1:
		if (!write)
			*value = running_priority(&vcpu->hyp->gic);
		return !write;
	}
	return false;
}

static struct vcpu *vcpu_of(struct gic *gic, u64 mpidr)
{
	u32 i;

	for (i = 0; i < gic->max_vcpus; i++)
		if (gic->vcpus[i] && gic->vcpus[i]->mpidr == mpidr)
			return gic->vcpus[i];
	return NULL;
}

static u64 get_active_of(struct gic *gic, const struct gic_irq *irq)
{
	if (irq->active && is_sgi(irq))
		return irq->active_source;
	return irq->active && irq->owner ? irq->owner->mpidr : ARMVCPU_GIC_NOBODY;
}

static int set_active_of(struct gic *gic, struct gic_irq *irq, u64 value)
{
	struct vcpu *owner;

	if (value == get_active_of(gic, irq))
		return 0;
	if (!irq->active)
		return -EINVAL;
	if (is_sgi(irq)) {
		if (value >= gic->max_vcpus)
			return -EINVAL;
		irq->active_source = value;
		return 0;
	}
	owner = vcpu_of(gic, value);
	if (!owner)
		return -EINVAL;
	gic_set_owner(gic, irq, owner);
	return 0;
}

/* ARMVCPU_GIC_ACTIVE */
static int active_access(struct gic *gic, struct vcpu *vcpu, u32 intid, bool set, u64 *value)
{
	struct gic_irq *irq = gic_irq_of(gic, vcpu, intid);

	if (!irq || (irq->home && !is_sgi_v2(gic, irq)))
		return -ENXIO;
	if (set)
		return set_active_of(gic, irq, *value);
	*value = get_active_of(gic, irq);
	return 0;
}

/* Is a register each vCPU's own? */
static bool is_banked(const struct gic *gic, u32 space, u32 offset, const struct gic_reg *reg)
{
	switch (space) {
	case ARMVCPU_GIC_DIST:
		return gic->version == 2 && reg->field &&
		       span_of(reg, offset, reg_len(reg)).intid < GIC_NR_PRIVATE;
	case ARMVCPU_GIC_LEVEL:
		/* A bit for each. */
		return offset * 8 < GIC_NR_PRIVATE;
	case ARMVCPU_GIC_ACTIVE:
		return offset < GIC_NR_PRIVATE;
	}
	return true;
}

/* The table of a space that has one. */
static const struct gic_table *table_of(const struct gic *gic, u32 space)
{
	switch (space) {
	case ARMVCPU_GIC_DIST:
		return dist_table(gic);
	case ARMVCPU_GIC_REDIST:
		return gic->version == 3 ? &redist : NULL;
	case ARMVCPU_GIC_LEVEL:
		return &levels;
	}
	return NULL;
}

/* With the locks of all vCPUs, and the GIC's. */
static int access_locked(struct gic *gic, struct armvcpu_gic_reg *arg, bool set,
			 unsigned long *flags)
{
	bool tabled = arg->space != ARMVCPU_GIC_CPU && arg->space != ARMVCPU_GIC_ACTIVE;
	const struct gic_table *table = table_of(gic, arg->space);
	struct gic_frame f = { .gic = gic, .flags = flags, .offset = arg->offset };
	const struct gic_reg *reg = NULL;

	/* By INTID, and words of 32 of them. */
	if (arg->space == ARMVCPU_GIC_LEVEL) {
		if (arg->offset % 32)
			return -ENXIO;
		f.offset /= 8;
	}
	if (table)
		reg = find_vmms(table, f.offset);
	if (tabled && !reg)
		return -ENXIO;
	if (is_banked(gic, arg->space, f.offset, reg)) {
		f.vcpu = vcpu_of(gic, arg->mpidr);
		if (!f.vcpu)
			return -ENOENT;
	} else if (arg->mpidr) {
		return -EINVAL;
	}
	switch (arg->space) {
	case ARMVCPU_GIC_CPU:
		return cpu_access(gic, f.vcpu, arg->offset, set, &arg->value);
	case ARMVCPU_GIC_ACTIVE:
		return active_access(gic, f.vcpu, arg->offset, set, &arg->value);
	}
	return vmm_access(&f, reg, set, &arg->value);
}

static int reset_ioctl(struct vm *vm)
{
	int ret = vm_lock_vcpus(vm);

	if (ret)
		return ret;
	gic_reset(vm);
	vm_unlock_vcpus(vm);
	return 0;
}

/**
 * gic_reg_ioctl() - ARMVCPU_GET_GIC_REG, ARMVCPU_SET_GIC_REG, ARMVCPU_RESET_GIC
 * @vm: the VM.
 * @cmd: which of them.
 * @argp: struct armvcpu_gic_reg of the caller; not for the last.
 *
 * Return: 0 or an error of the ioctl.
 */
long gic_reg_ioctl(struct vm *vm, unsigned int cmd, void __user *argp)
{
	struct gic *gic = READ_ONCE(vm->gic);
	bool set = cmd == ARMVCPU_SET_GIC_REG;
	struct armvcpu_gic_reg arg;
	unsigned long flags;
	int ret;

	if (cmd == ARMVCPU_RESET_GIC)
		return gic ? reset_ioctl(vm) : -ENXIO;
	if (copy_from_user(&arg, argp, sizeof(arg)))
		return -EFAULT;
	if (arg.flags || arg.reserved || arg.space > ARMVCPU_GIC_ACTIVE)
		return -EINVAL;
	if (!gic)
		return -ENXIO;
	ret = vm_lock_vcpus(vm);
	if (ret)
		return ret;
	raw_spin_lock_irqsave(&gic->lock, flags);
	ret = access_locked(gic, &arg, set, &flags);
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	vm_unlock_vcpus(vm);
	if (ret || set)
		return ret;
	return copy_to_user(argp, &arg, sizeof(arg)) ? -EFAULT : 0;
}
