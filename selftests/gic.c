// SPDX-License-Identifier: GPL-2.0
/*
 * The registers of a guest's GIC: each one's value at reset, which of its bits
 * can change, by which accesses, and what the VMM sees; whose they are; what
 * pending, active and enabled mean; SGIs; saving and restoring; wrong ioctls.
 *
 * IHI 0048B is GICv2, IHI 0069 GICv3.
 */
#include "harness.h"

#include <pthread.h>

#include "gic.h"

#define V2		GIC_V2
#define V3		GIC_V3
#define V23		(V2 | V3)

#define NR_IRQS		96
#define MAX_VCPUS	4

/* ---- register by register ---------------------------------------- */

enum where {
	DIST,
	PRIVATE,	/* GICv2: the distributor, GICv3: SGI_base */
	REDIST,
};

enum kind {
	RW,		/* a write sets and clears */
	SET,		/* a write sets, one at "clear" clears */
	RO,
	NONE,		/* reserved: RES0 */
};

FIXTURE(reg) {
	struct gic_vm g;
	struct vcpu *vcpu;
	u64 address;
	u64 mask;
	u32 len;
};

/*
 * @lens: lengths of access. @mask: bits that can change. @priority: @mask is
 * that of the priorities that there are.
 */
FIXTURE_VARIANT(reg) {
	u32 versions;
	enum where where;
	enum kind kind;
	u32 offset;
	u32 clear;
	u32 lens;
	u64 reset;
	u64 mask;
	bool priority;
};

#define REG_RW(_versions, _where, _offset, _lens, _reset, _mask) {		\
	.versions = (_versions), .where = (_where), .kind = RW,			\
	.offset = (_offset), .lens = (_lens), .reset = (_reset), .mask = (_mask) }
#define REG_PRIORITY(_versions, _where, _offset) {				\
	.versions = (_versions), .where = (_where), .kind = RW,			\
	.offset = (_offset), .lens = 1 | 4, .priority = true }
#define REG_SET(_versions, _where, _set, _clear, _reset, _mask) {		\
	.versions = (_versions), .where = (_where), .kind = SET, .lens = 4,	\
	.offset = (_set), .clear = (_clear), .reset = (_reset), .mask = (_mask) }
#define REG_RO(_versions, _where, _offset, _lens, _reset) {			\
	.versions = (_versions), .where = (_where), .kind = RO,			\
	.offset = (_offset), .lens = (_lens), .reset = (_reset) }
#define REG_NONE(_versions, _where, _offset) {					\
	.versions = (_versions), .where = (_where), .kind = NONE,		\
	.offset = (_offset), .lens = 4 }

FIXTURE_VARIANT_ADD(reg, v2_ctlr)
	REG_RW(V2, DIST, GICD_CTLR, 4, 0, 3);
FIXTURE_VARIANT_ADD(reg, v3_ctlr)
	REG_RW(V3, DIST, GICD_CTLR, 4, 0x50, 3);
/* ITLinesNumber, CPUNumber. */
FIXTURE_VARIANT_ADD(reg, v2_typer)
	REG_RO(V2, DIST, GICD_TYPER, 4, 0x62);
/* ... IDbits, A3V, No1N, RSS. */
FIXTURE_VARIANT_ADD(reg, v3_typer)
	REG_RO(V3, DIST, GICD_TYPER, 4, 0x7480002);
FIXTURE_VARIANT_ADD(reg, iidr)
	REG_RO(V23, DIST, GICD_IIDR, 4, 0x56000000);
FIXTURE_VARIANT_ADD(reg, v2_pidr2)
	REG_RO(V2, DIST, GICD_V2_PIDR2, 4, 0x20);
FIXTURE_VARIANT_ADD(reg, v3_pidr2)
	REG_RO(V3, DIST, GICD_PIDR2, 4, 0x30);

FIXTURE_VARIANT_ADD(reg, igroupr0)
	REG_RW(V23, PRIVATE, GICD_IGROUPR, 4, 0, 0xffffffff);
FIXTURE_VARIANT_ADD(reg, igroupr1)
	REG_RW(V23, DIST, GICD_IGROUPR + 4, 4, 0, 0xffffffff);
FIXTURE_VARIANT_ADD(reg, igroupr2)
	REG_RW(V23, DIST, GICD_IGROUPR + 8, 4, 0, 0xffffffff);
FIXTURE_VARIANT_ADD(reg, igroupr_beyond)
	REG_NONE(V23, DIST, GICD_IGROUPR + 12);

/* GICv2: SGIs are always enabled, and pending for their senders. */
FIXTURE_VARIANT_ADD(reg, v2_isenabler0)
	REG_SET(V2, PRIVATE, GICD_ISENABLER, GICD_ICENABLER, 0xffff, 0xffff0000);
FIXTURE_VARIANT_ADD(reg, v3_isenabler0)
	REG_SET(V3, PRIVATE, GICD_ISENABLER, GICD_ICENABLER, 0, 0xffffffff);
FIXTURE_VARIANT_ADD(reg, isenabler1)
	REG_SET(V23, DIST, GICD_ISENABLER + 4, GICD_ICENABLER + 4, 0, 0xffffffff);
FIXTURE_VARIANT_ADD(reg, isenabler_beyond)
	REG_NONE(V23, DIST, GICD_ISENABLER + 12);
FIXTURE_VARIANT_ADD(reg, v2_ispendr0)
	REG_SET(V2, PRIVATE, GICD_ISPENDR, GICD_ICPENDR, 0, 0xffff0000);
FIXTURE_VARIANT_ADD(reg, v3_ispendr0)
	REG_SET(V3, PRIVATE, GICD_ISPENDR, GICD_ICPENDR, 0, 0xffffffff);
FIXTURE_VARIANT_ADD(reg, ispendr1)
	REG_SET(V23, DIST, GICD_ISPENDR + 4, GICD_ICPENDR + 4, 0, 0xffffffff);
FIXTURE_VARIANT_ADD(reg, ispendr_beyond)
	REG_NONE(V23, DIST, GICD_ISPENDR + 12);
FIXTURE_VARIANT_ADD(reg, isactiver0)
	REG_SET(V23, PRIVATE, GICD_ISACTIVER, GICD_ICACTIVER, 0, 0xffffffff);
FIXTURE_VARIANT_ADD(reg, isactiver2)
	REG_SET(V23, DIST, GICD_ISACTIVER + 8, GICD_ICACTIVER + 8, 0, 0xffffffff);
FIXTURE_VARIANT_ADD(reg, isactiver_beyond)
	REG_NONE(V23, DIST, GICD_ISACTIVER + 12);

FIXTURE_VARIANT_ADD(reg, ipriorityr_sgis)
	REG_PRIORITY(V23, PRIVATE, GICD_IPRIORITYR);
FIXTURE_VARIANT_ADD(reg, ipriorityr_ppis)
	REG_PRIORITY(V23, PRIVATE, GICD_IPRIORITYR + 28);
FIXTURE_VARIANT_ADD(reg, ipriorityr_spis)
	REG_PRIORITY(V23, DIST, GICD_IPRIORITYR + 32);
FIXTURE_VARIANT_ADD(reg, ipriorityr_last)
	REG_PRIORITY(V23, DIST, GICD_IPRIORITYR + NR_IRQS - 4);
FIXTURE_VARIANT_ADD(reg, ipriorityr_beyond)
	REG_NONE(V23, DIST, GICD_IPRIORITYR + NR_IRQS);

FIXTURE_VARIANT_ADD(reg, icfgr_sgis)
	REG_RO(V23, PRIVATE, GICD_ICFGR, 4, 0xaaaaaaaa);
FIXTURE_VARIANT_ADD(reg, icfgr_ppis)
	REG_RO(V23, PRIVATE, GICD_ICFGR + 4, 4, 0);
FIXTURE_VARIANT_ADD(reg, icfgr_spis)
	REG_RW(V23, DIST, GICD_ICFGR + 8, 4, 0, 0xaaaaaaaa);
FIXTURE_VARIANT_ADD(reg, icfgr_last)
	REG_RW(V23, DIST, GICD_ICFGR + 20, 4, 0, 0xaaaaaaaa);
FIXTURE_VARIANT_ADD(reg, icfgr_beyond)
	REG_NONE(V23, DIST, GICD_ICFGR + 24);

FIXTURE_VARIANT_ADD(reg, v2_itargetsr_sgis)
	REG_RO(V2, DIST, GICD_ITARGETSR, 1 | 4, 0x01010101);
FIXTURE_VARIANT_ADD(reg, v2_itargetsr_ppis)
	REG_RO(V2, DIST, GICD_ITARGETSR + 28, 1 | 4, 0x01010101);
FIXTURE_VARIANT_ADD(reg, v2_itargetsr_spis)
	REG_RW(V2, DIST, GICD_ITARGETSR + 32, 1 | 4, 0, 0x0f0f0f0f);
FIXTURE_VARIANT_ADD(reg, v2_itargetsr_beyond)
	REG_NONE(V2, DIST, GICD_ITARGETSR + NR_IRQS);
FIXTURE_VARIANT_ADD(reg, v2_igrpmodr)
	REG_NONE(V2, DIST, GICD_IGRPMODR);
FIXTURE_VARIANT_ADD(reg, v2_nsacr)
	REG_NONE(V2, DIST, GICD_NSACR);
FIXTURE_VARIANT_ADD(reg, v2_reserved)
	REG_NONE(V2, DIST, 0x00c);
FIXTURE_VARIANT_ADD(reg, v2_cidr0)
	REG_NONE(V2, DIST, 0xff0);
FIXTURE_VARIANT_ADD(reg, v2_last)
	REG_NONE(V2, DIST, 0xffc);

/* What GICD_ITARGETSR and the SGI registers are without affinity routing. */
FIXTURE_VARIANT_ADD(reg, v3_itargetsr)
	REG_NONE(V3, DIST, GICD_ITARGETSR + 32);
FIXTURE_VARIANT_ADD(reg, v3_sgir)
	REG_NONE(V3, DIST, GICD_SGIR);
FIXTURE_VARIANT_ADD(reg, v3_cpendsgir)
	REG_NONE(V3, DIST, GICD_CPENDSGIR);
FIXTURE_VARIANT_ADD(reg, v3_spendsgir)
	REG_NONE(V3, DIST, GICD_SPENDSGIR);
/* What there is only with two security states. */
FIXTURE_VARIANT_ADD(reg, v3_igrpmodr1)
	REG_NONE(V3, DIST, GICD_IGRPMODR + 4);
FIXTURE_VARIANT_ADD(reg, v3_nsacr2)
	REG_NONE(V3, DIST, GICD_NSACR + 8);
/* Private interrupts have the redistributor. */
FIXTURE_VARIANT_ADD(reg, v3_dist_igroupr0)
	REG_NONE(V3, DIST, GICD_IGROUPR);
FIXTURE_VARIANT_ADD(reg, v3_dist_isenabler0)
	REG_NONE(V3, DIST, GICD_ISENABLER);
FIXTURE_VARIANT_ADD(reg, v3_dist_ispendr0)
	REG_NONE(V3, DIST, GICD_ISPENDR);
FIXTURE_VARIANT_ADD(reg, v3_dist_isactiver0)
	REG_NONE(V3, DIST, GICD_ISACTIVER);
FIXTURE_VARIANT_ADD(reg, v3_dist_ipriorityr0)
	REG_NONE(V3, DIST, GICD_IPRIORITYR);
FIXTURE_VARIANT_ADD(reg, v3_dist_icfgr1)
	REG_NONE(V3, DIST, GICD_ICFGR + 4);
/* TYPER2, STATUSR, SETSPI_NSR, CLRSPI_NSR, IGROUPR0E. */
FIXTURE_VARIANT_ADD(reg, v3_typer2)
	REG_NONE(V3, DIST, 0x000c);
FIXTURE_VARIANT_ADD(reg, v3_statusr)
	REG_NONE(V3, DIST, 0x0010);
FIXTURE_VARIANT_ADD(reg, v3_setspi_nsr)
	REG_NONE(V3, DIST, 0x0040);
FIXTURE_VARIANT_ADD(reg, v3_clrspi_nsr)
	REG_NONE(V3, DIST, 0x0048);
FIXTURE_VARIANT_ADD(reg, v3_igroupr0e)
	REG_NONE(V3, DIST, 0x1000);
FIXTURE_VARIANT_ADD(reg, v3_irouter31)
	REG_NONE(V3, DIST, GICD_IROUTER + 31 * 8);
FIXTURE_VARIANT_ADD(reg, v3_irouter32)
	REG_RW(V3, DIST, GICD_IROUTER + 32 * 8, 4 | 8, 0, 0xff00ffffff);
FIXTURE_VARIANT_ADD(reg, v3_irouter_last)
	REG_RW(V3, DIST, GICD_IROUTER + (NR_IRQS - 1) * 8, 4 | 8, 0, 0xff00ffffff);
FIXTURE_VARIANT_ADD(reg, v3_irouter_beyond)
	REG_NONE(V3, DIST, GICD_IROUTER + NR_IRQS * 8);
FIXTURE_VARIANT_ADD(reg, v3_dist_last)
	REG_NONE(V3, DIST, 0xfffc);

FIXTURE_VARIANT_ADD(reg, gicr_ctlr)
	REG_RO(V3, REDIST, GICR_CTLR, 4, 0);
FIXTURE_VARIANT_ADD(reg, gicr_iidr)
	REG_RO(V3, REDIST, GICR_IIDR, 4, 0x56000000);
FIXTURE_VARIANT_ADD(reg, gicr_typer)
	REG_RO(V3, REDIST, GICR_TYPER, 4 | 8, 0x10);
FIXTURE_VARIANT_ADD(reg, gicr_waker)
	REG_RW(V3, REDIST, GICR_WAKER, 4, 6, 6);
FIXTURE_VARIANT_ADD(reg, gicr_pidr2)
	REG_RO(V3, REDIST, GICR_PIDR2, 4, 0x30);
FIXTURE_VARIANT_ADD(reg, gicr_statusr)
	REG_NONE(V3, REDIST, 0x0010);
/* SETLPIR, PROPBASER, PENDBASER, SYNCR: LPIs. */
FIXTURE_VARIANT_ADD(reg, gicr_setlpir)
	REG_NONE(V3, REDIST, 0x0040);
FIXTURE_VARIANT_ADD(reg, gicr_propbaser)
	REG_NONE(V3, REDIST, 0x0070);
FIXTURE_VARIANT_ADD(reg, gicr_pendbaser)
	REG_NONE(V3, REDIST, 0x0078);
FIXTURE_VARIANT_ADD(reg, gicr_syncr)
	REG_NONE(V3, REDIST, 0x00c0);
FIXTURE_VARIANT_ADD(reg, gicr_igroupr1e)
	REG_NONE(V3, REDIST, GICR_SGI + GICD_IGROUPR + 4);
FIXTURE_VARIANT_ADD(reg, gicr_igrpmodr0)
	REG_NONE(V3, REDIST, GICR_SGI + GICD_IGRPMODR);
FIXTURE_VARIANT_ADD(reg, gicr_nsacr)
	REG_NONE(V3, REDIST, GICR_SGI + GICD_NSACR);
FIXTURE_VARIANT_ADD(reg, gicr_last)
	REG_NONE(V3, REDIST, 0x1fffc);

FIXTURE_SETUP(reg)
{
	u32 version = gic_version(variant->versions);

	if (!version)
		return;
	gic_vm_init(&self->g, version, 1);
	self->vcpu = &self->g.vcpu[0];
	self->address = GUEST_GICD;
	if (variant->where == REDIST)
		self->address = GUEST_GICR;
	else if (variant->where == PRIVATE && version == 3)
		self->address = GUEST_GICR + GICR_SGI;
	self->address += variant->offset;
	self->len = variant->lens & 8 ? 8 : 4;
	self->mask = variant->mask;
	if (variant->priority)
		self->mask = gic_priority_mask(&self->g) * 0x01010101UL;
}

FIXTURE_TEARDOWN(reg)
{
}

TEST_F(reg, bits)
{
	u64 fixed = variant->reset & ~self->mask, clear, ones = fixed | self->mask;

	if (!gic_version(variant->versions))
		SKIP(return, NO_GIC);
	EXPECT_EQ(variant->reset, gic_read(self->vcpu, self->address, self->len));
	gic_write(self->vcpu, self->address, self->len, ~0UL);
	EXPECT_EQ(ones, gic_read(self->vcpu, self->address, self->len));
	gic_write(self->vcpu, self->address, self->len, 0);
	EXPECT_EQ(variant->kind == SET ? ones : fixed,
		  gic_read(self->vcpu, self->address, self->len));
	if (variant->kind != SET)
		return;
	/* Its twin shows the same, and clears; zeroes do nothing. */
	clear = self->address - variant->offset + variant->clear;
	EXPECT_EQ(ones, gic_read(self->vcpu, clear, 4));
	gic_write(self->vcpu, clear, 4, 0);
	EXPECT_EQ(ones, gic_read(self->vcpu, clear, 4));
	gic_write(self->vcpu, clear, 4, 0x5a5a5a5a);
	EXPECT_EQ(fixed | (self->mask & 0xa5a5a5a5), gic_read(self->vcpu, self->address, 4));
	EXPECT_EQ(fixed | (self->mask & 0xa5a5a5a5), gic_read(self->vcpu, clear, 4));
	gic_write(self->vcpu, clear, 4, ~0U);
	EXPECT_EQ(fixed, gic_read(self->vcpu, clear, 4));
}

static u64 low_bits(u64 value, unsigned int len)
{
	return len == 8 ? value : value & ((1UL << len * 8) - 1);
}

/* Every part of it by every length; what it does not have does nothing. */
TEST_F(reg, lengths)
{
	unsigned int len, at;
	u64 full;

	if (!gic_version(variant->versions))
		SKIP(return, NO_GIC);
	gic_write(self->vcpu, self->address, self->len, 0xa596c3e1a596c3e1);
	full = gic_read(self->vcpu, self->address, self->len);
	for (len = 1; len <= 8; len *= 2) {
		for (at = 0; at < self->len; at += len) {
			u64 address = (self->address + at) & ~(u64)(len - 1);
			u64 want = variant->lens & len ? low_bits(full >> at * 8, len) : 0, now;

			EXPECT_EQ(want, gic_read(self->vcpu, address, len)) {
				TH_LOG("read of %u bytes at +%u", len, at);
			}
			if (variant->lens & len && variant->kind == SET)
				continue;
			/* Another value there, and nothing else has changed. */
			gic_write(self->vcpu, address, len, ~(full >> at * 8));
			now = gic_read(self->vcpu, self->address, self->len);
			want = full;
			if (variant->lens & len && variant->kind == RW)
				want ^= low_bits(~0UL, len) << at * 8 & self->mask;
			EXPECT_EQ(want, now) {
				TH_LOG("write of %u bytes at +%u", len, at);
			}
			gic_write(self->vcpu, self->address, self->len, full);
		}
	}
	/* Not aligned: by a mapping that allows it, unlike a device's. */
	for (at = 1; at < 4; at++) {
		u64 address = self->address - GUEST_MMIO + GUEST_MMIO_NORMAL + at;

		EXPECT_EQ(0, gic_read(self->vcpu, address, 4));
		gic_write(self->vcpu, address, 4, ~0U);
		EXPECT_EQ(full, gic_read(self->vcpu, self->address, self->len));
	}
}

TEST_F(reg, for_the_vmm)
{
	struct vm *vm = &self->g.vm;
	u32 space = ARMVCPU_GIC_DIST, offset = variant->offset, bit;
	u64 ones = variant->reset | self->mask, value;
	int ret;

	if (!gic_version(variant->versions))
		SKIP(return, NO_GIC);
	if (variant->where != DIST && self->g.version == 3) {
		space = ARMVCPU_GIC_REDIST;
		offset += variant->where == PRIVATE ? GICR_SGI : 0;
	}
	if (variant->kind == NONE) {
		EXPECT_EQ(-ENXIO, gic_try_get(vm, space, offset, 0, &value));
		EXPECT_EQ(POISON, value);
		EXPECT_EQ(-ENXIO, gic_try_set(vm, space, offset, 0, 0));
		return;
	}
	EXPECT_EQ(variant->reset, gic_get(vm, space, offset, 0));
	EXPECT_EQ(0, gic_try_set(vm, space, offset, 0, ones));
	EXPECT_EQ(ones, gic_get(vm, space, offset, 0));
	EXPECT_EQ(ones, gic_read(self->vcpu, self->address, self->len));
	for (bit = 0; bit < 64; bit++) {
		if (self->mask >> bit & 1)
			continue;
		ret = gic_try_set(vm, space, offset, 0, variant->reset ^ BIT(bit));
		EXPECT_EQ(-EINVAL, ret) {
			TH_LOG("bit %u", bit);
		}
	}
	EXPECT_EQ(ones, gic_get(vm, space, offset, 0));
	/* Zeroes clear, also where a guest's do not. */
	EXPECT_EQ(0, gic_try_set(vm, space, offset, 0, variant->reset & ~self->mask));
	EXPECT_EQ(variant->reset & ~self->mask, gic_read(self->vcpu, self->address, self->len));
	if (variant->kind == SET)
		EXPECT_EQ(-ENXIO, gic_try_get(vm, space, offset - variant->offset + variant->clear,
					      0, &value));
	for (bit = 1; bit < self->len; bit++) {
		ret = gic_try_get(vm, space, offset + bit, 0, &value);
		EXPECT_EQ(-ENXIO, ret) {
			TH_LOG("%u bytes on", bit);
		}
	}
}

/* ---- how many, and whose ----------------------------------------- */

FIXTURE(size) {
	struct gic_vm g;
};

FIXTURE_VARIANT(size) {
	u32 nr_irqs;
	u32 max_vcpus;
};

FIXTURE_VARIANT_ADD(size, smallest) { .nr_irqs = 64, .max_vcpus = 1 };
FIXTURE_VARIANT_ADD(size, middle) { .nr_irqs = 288, .max_vcpus = 3 };
FIXTURE_VARIANT_ADD(size, no_special_intids) { .nr_irqs = 992, .max_vcpus = 2 };
FIXTURE_VARIANT_ADD(size, largest) { .nr_irqs = 1024, .max_vcpus = 8 };

FIXTURE_SETUP(size)
{
	if (!gic_version(V23))
		return;
	gic_vm_create(&self->g, gic_version(V23), variant->nr_irqs, variant->max_vcpus);
	gic_vm_add_vcpu(&self->g, 0);
}

FIXTURE_TEARDOWN(size)
{
}

TEST_F(size, typer)
{
	u32 typer = gic_read(&self->g.vcpu[0], GUEST_GICD + GICD_TYPER, 4);

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	EXPECT_EQ(variant->nr_irqs / 32 - 1, typer & 31);
	if (self->g.version == 2)
		EXPECT_EQ(variant->max_vcpus - 1, typer >> 5 & 7);
}

/* The first word that is not there; 1020 to 1023 are not in any case. */
TEST_F(size, last_interrupts)
{
	u32 word = GICD_ISENABLER + (variant->nr_irqs / 32 - 1) * 4;
	u32 ones = variant->nr_irqs == 1024 ? 0x0fffffff : 0xffffffff;
	struct vcpu *vcpu = &self->g.vcpu[0];
	struct vm *vm = &self->g.vm;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	gic_write(vcpu, GUEST_GICD + word, 4, ~0U);
	EXPECT_EQ(ones, gic_read(vcpu, GUEST_GICD + word, 4));
	EXPECT_EQ(0, gic_try_set(vm, ARMVCPU_GIC_DIST, word, 0, ones));
	if (variant->nr_irqs == 1024) {
		EXPECT_EQ(-EINVAL, gic_try_set(vm, ARMVCPU_GIC_DIST, word, 0, BIT(28)));
		EXPECT_EQ(-EINVAL, gic_try_irq(vm, 1020, 0, 1));
		EXPECT_EQ(0, gic_try_irq(vm, 1019, 0, 1));
		return;
	}
	gic_write(vcpu, GUEST_GICD + word + 4, 4, ~0U);
	EXPECT_EQ(0, gic_read(vcpu, GUEST_GICD + word + 4, 4));
	EXPECT_EQ(-ENXIO, gic_try_set(vm, ARMVCPU_GIC_DIST, word + 4, 0, 0));
	EXPECT_EQ(-ENXIO, gic_try_set(vm, ARMVCPU_GIC_LEVEL, variant->nr_irqs, 0, 0));
	EXPECT_EQ(-EINVAL, gic_try_irq(vm, variant->nr_irqs, 0, 1));
	EXPECT_EQ(0, gic_try_irq(vm, variant->nr_irqs - 1, 0, 1));
}

/* RAZ/WI with one CPU interface, otherwise a bit for each. */
TEST_F(size, targets)
{
	u32 mask = variant->max_vcpus == 1 ? 0 : (1U << variant->max_vcpus) - 1;
	struct vcpu *vcpu = &self->g.vcpu[0];

	if (!gic_version(V2))
		SKIP(return, NO_GIC);
	gic_write(vcpu, GUEST_GICD + GICD_ITARGETSR + 32, 1, 0xff);
	EXPECT_EQ(mask, gic_read(vcpu, GUEST_GICD + GICD_ITARGETSR + 32, 1));
	EXPECT_EQ(variant->max_vcpus == 1 ? 0 : 1,
		  gic_read(vcpu, GUEST_GICD + GICD_ITARGETSR, 1));
	gic_write(vcpu, GUEST_GICD + GICD_SPENDSGIR + 3, 1, 0xff);
	EXPECT_EQ((1U << variant->max_vcpus) - 1,
		  gic_read(vcpu, GUEST_GICD + GICD_SPENDSGIR + 3, 1));
}

TEST_F(size, no_more_vcpus)
{
	u32 i;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	for (i = 1; i < variant->max_vcpus; i++)
		gic_vm_add_vcpu(&self->g, i);
	EXPECT_EQ(-ENOSPC, vm_create_vcpu(&self->g.vm, 0, i));
	/* A place that has become free is taken again. */
	vcpu_close(&self->g.vcpu[0]);
	EXPECT_LE(0, vm_create_vcpu(&self->g.vm, 0, i));
}

/* An ioctl of the VM's that wants all of them to stand still. */
TEST(as_many_vcpus_as_there_can_be)
{
	struct gic_vm g;
	u32 i, max;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	max = gic_version(V23) == 2 ? 8 : get_cap(sys_open(), ARMVCPU_CAP_MAX_VCPUS);
	gic_vm_create(&g, gic_version(V23), NR_IRQS, max);
	for (i = 0; i < max; i++)
		ASSERT_LE(0, vm_create_vcpu(&g.vm, 0, i));
	EXPECT_EQ(-ENOSPC, vm_create_vcpu(&g.vm, 0, max));
	gic_set(&g.vm, ARMVCPU_GIC_LEVEL, 0, max - 1, BIT(20));
	EXPECT_EQ(BIT(20), gic_get(&g.vm, ARMVCPU_GIC_LEVEL, 0, max - 1));
	EXPECT_EQ(0, gic_get(&g.vm, ARMVCPU_GIC_LEVEL, 0, 0));
	EXPECT_EQ(0, xioctl(g.vm.fd, ARMVCPU_RESET_GIC, NULL));
}

FIXTURE(gic) {
	struct gic_vm g;
	struct vcpu *a, *b;
};

FIXTURE_SETUP(gic)
{
	if (!gic_version(V23))
		return;
	gic_vm_init(&self->g, gic_version(V23), 2);
	self->a = &self->g.vcpu[0];
	self->b = &self->g.vcpu[1];
}

FIXTURE_TEARDOWN(gic)
{
}

/* Each vCPU its own, of the same number. */
TEST_F(gic, private_interrupts)
{
	static const u32 regs[] = { GICD_IGROUPR, GICD_ISENABLER, GICD_ISPENDR, GICD_ISACTIVER };
	struct gic_vm *g = &self->g;
	unsigned int i;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		gic_set_bit(g, self->a, regs[i], 20);
		gic_set_bit(g, self->b, regs[i], 21);
		EXPECT_TRUE(gic_bit(g, self->a, regs[i], 20));
		EXPECT_FALSE(gic_bit(g, self->a, regs[i], 21));
		EXPECT_FALSE(gic_bit(g, self->b, regs[i], 20));
		EXPECT_TRUE(gic_bit(g, self->b, regs[i], 21));
		EXPECT_TRUE(gic_state(g, self->a, regs[i], 20));
		EXPECT_FALSE(gic_state(g, self->b, regs[i], 20));
	}
	gic_set_priority(g, self->a, 3, 0x80);
	gic_set_priority(g, self->b, 3, 0x40);
	EXPECT_EQ(0x80, gic_read(self->a, gic_address(g, self->a, GICD_IPRIORITYR, 3, 8), 1));
	EXPECT_EQ(0x40, gic_read(self->b, gic_address(g, self->b, GICD_IPRIORITYR, 3, 8), 1));
}

/* All the same, whoever looks. */
TEST_F(gic, shared_interrupts)
{
	static const u32 regs[] = { GICD_IGROUPR, GICD_ISENABLER, GICD_ISPENDR, GICD_ISACTIVER };
	unsigned int i;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		gic_set_bit(&self->g, self->a, regs[i], 50);
		EXPECT_TRUE(gic_bit(&self->g, self->b, regs[i], 50));
	}
	gic_set_bit(&self->g, self->b, GICD_ICENABLER, 50);
	EXPECT_FALSE(gic_bit(&self->g, self->a, GICD_ISENABLER, 50));
}

TEST_F(gic, own_bit_in_itargetsr)
{
	if (!gic_version(V2))
		SKIP(return, NO_GIC);
	EXPECT_EQ(0x01010101, gic_read(self->a, GUEST_GICD + GICD_ITARGETSR + 4, 4));
	EXPECT_EQ(0x02020202, gic_read(self->b, GUEST_GICD + GICD_ITARGETSR + 4, 4));
	EXPECT_EQ(0x02020202, gic_get(&self->g.vm, ARMVCPU_GIC_DIST, GICD_ITARGETSR + 4, 1));
}

/* A redistributor is for all to see and to set. */
TEST_F(gic, redistributor_of_another)
{
	u64 frame = GUEST_GICR + GICR_STRIDE + GICR_SGI;

	if (!gic_version(V3))
		SKIP(return, NO_GIC);
	gic_write(self->a, frame + GICD_ISENABLER, 4, BIT(18));
	gic_write(self->a, frame + GICD_IPRIORITYR + 18, 1, 0xa0);
	gic_write(self->a, frame + GICD_ISPENDR, 4, BIT(18));
	EXPECT_TRUE(gic_bit(&self->g, self->b, GICD_ISENABLER, 18));
	EXPECT_TRUE(gic_bit(&self->g, self->b, GICD_ISPENDR, 18));
	EXPECT_FALSE(gic_bit(&self->g, self->a, GICD_ISENABLER, 18));
	EXPECT_EQ(0xa0, gic_read(self->b, frame + GICD_IPRIORITYR + 18, 1));
}

/* What is not there yet, and what can never be. */
TEST_F(gic, frames)
{
	u64 dist_end = GUEST_GICD + (self->g.version == 3 ? 0x10000 : 0x1000);
	u64 outside[] = { GUEST_GICD - 4, dist_end,
			  self->g.version == 3 ? GUEST_GICR + MAX_VCPUS * GICR_STRIDE :
						 GUEST_GICC + 0x10000,
			  self->g.version == 3 ? GUEST_GICR - 4 : GUEST_GICC - 4 };
	unsigned int i;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	if (self->g.version == 3) {
		u64 frame = GUEST_GICR + 2 * GICR_STRIDE;

		gic_write(self->a, frame + GICR_WAKER, 4, ~0U);
		gic_write(self->a, frame + GICR_SGI + GICD_ISENABLER, 4, ~0U);
		EXPECT_EQ(0, gic_read(self->a, frame + GICR_PIDR2, 4));
		EXPECT_EQ(0, gic_read(self->a, frame + GICR_SGI + GICD_ISENABLER, 4));
	}
	for (i = 0; i < ARRAY_SIZE(outside); i++) {
		vcpu_call(self->a, guest_read32, outside[i]);
		vcpu_expect(self->a, ARMVCPU_EXIT_MMIO);
		EXPECT_EQ(outside[i], self->a->run->u.mmio.ipa);
	}
}

/* Affinity, Processor_Number, Last; a vCPU that goes makes another the last. */
TEST(redistributor_typer)
{
	static const u64 mpidr[] = { 0x0, 0x7010203, 0x101, 0x2300000011, 0xff00ffffff };
	struct gic_vm g;
	unsigned int i;
	u64 typer;

	if (!gic_version(V3))
		SKIP(return, NO_GIC);
	gic_vm_create(&g, 3, NR_IRQS, 8);
	gic_vm_add_vcpu(&g, mpidr[0]);
	gic_vm_add_vcpu(&g, mpidr[2]);
	gic_vm_add_vcpu(&g, mpidr[3]);
	gic_vm_add_vcpu(&g, mpidr[4]);
	for (i = 0; i < 4; i++) {
		u64 id = mpidr[i ? i + 1 : 0], affinity = (id & 0xffffff) | id >> 32 << 24;

		typer = gic_read(&g.vcpu[0], GUEST_GICR + i * GICR_STRIDE + GICR_TYPER, 8);
		EXPECT_EQ(affinity << 32 | i << 8 | (i == 3 ? 0x10 : 0), typer);
		EXPECT_EQ(typer, gic_get(&g.vm, ARMVCPU_GIC_REDIST, GICR_TYPER, id));
	}
	vcpu_close(&g.vcpu[3]);
	typer = gic_read(&g.vcpu[0], GUEST_GICR + 2 * GICR_STRIDE + GICR_TYPER, 8);
	EXPECT_EQ(0x10, typer & 0x10);
	EXPECT_EQ(0, gic_read(&g.vcpu[0], GUEST_GICR + 3 * GICR_STRIDE + GICR_TYPER, 8));
}

/* ---- pending, active, lines -------------------------------------- */

#define SPI	40

static u64 level_of(struct gic_vm *g, u32 intid)
{
	return gic_get(&g->vm, ARMVCPU_GIC_LEVEL, intid & ~31U, 0) >> intid % 32 & 1;
}

/* The line, or the latch of GICD_ISPENDR: either makes it pending. */
TEST_F(gic, level_and_latch)
{
	struct gic_vm *g = &self->g;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	gic_irq(&g->vm, SPI, 1);
	EXPECT_TRUE(gic_bit(g, self->a, GICD_ISPENDR, SPI));
	EXPECT_FALSE(gic_state(g, self->a, GICD_ISPENDR, SPI));
	EXPECT_EQ(1, level_of(g, SPI));
	/* Clearing cannot lower the line. */
	gic_set_bit(g, self->a, GICD_ICPENDR, SPI);
	EXPECT_TRUE(gic_bit(g, self->a, GICD_ISPENDR, SPI));
	gic_irq(&g->vm, SPI, 0);
	EXPECT_FALSE(gic_bit(g, self->a, GICD_ISPENDR, SPI));
	/* The latch is there although the line is up, and stays when it goes. */
	gic_irq(&g->vm, SPI, 1);
	gic_set_bit(g, self->a, GICD_ISPENDR, SPI);
	EXPECT_TRUE(gic_state(g, self->a, GICD_ISPENDR, SPI));
	gic_irq(&g->vm, SPI, 0);
	EXPECT_EQ(0, level_of(g, SPI));
	EXPECT_TRUE(gic_bit(g, self->a, GICD_ICPENDR, SPI));
	gic_set_bit(g, self->a, GICD_ICPENDR, SPI);
	EXPECT_FALSE(gic_bit(g, self->a, GICD_ISPENDR, SPI));
	EXPECT_FALSE(gic_state(g, self->a, GICD_ISPENDR, SPI));
}

/* It is the rising edge that counts, once. */
TEST_F(gic, edge)
{
	struct gic_vm *g = &self->g;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	gic_write(self->a, gic_address(g, self->a, GICD_ICFGR, SPI, 2), 4, 2 << SPI % 16 * 2);
	gic_irq(&g->vm, SPI, 1);
	EXPECT_TRUE(gic_state(g, self->a, GICD_ISPENDR, SPI));
	gic_irq(&g->vm, SPI, 0);
	EXPECT_TRUE(gic_bit(g, self->a, GICD_ISPENDR, SPI));
	gic_irq(&g->vm, SPI, 1);
	gic_set_bit(g, self->a, GICD_ICPENDR, SPI);
	EXPECT_FALSE(gic_bit(g, self->a, GICD_ISPENDR, SPI));
	/* Raised already: no edge. */
	gic_irq(&g->vm, SPI, 1);
	EXPECT_FALSE(gic_bit(g, self->a, GICD_ISPENDR, SPI));
	EXPECT_EQ(1, level_of(g, SPI));
	gic_irq(&g->vm, SPI, 0);
	gic_irq(&g->vm, SPI, 1);
	EXPECT_TRUE(gic_bit(g, self->a, GICD_ISPENDR, SPI));
}

/* A line is not asked by what is edge-triggered, and is when it is not any more. */
TEST_F(gic, configuration_changes)
{
	struct gic_vm *g = &self->g;
	u64 icfgr = gic_address(g, self->a, GICD_ICFGR, SPI, 2);

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	gic_irq(&g->vm, SPI, 1);
	EXPECT_TRUE(gic_bit(g, self->a, GICD_ISPENDR, SPI));
	gic_write(self->a, icfgr, 4, 2 << SPI % 16 * 2);
	EXPECT_FALSE(gic_bit(g, self->a, GICD_ISPENDR, SPI));
	gic_write(self->a, icfgr, 4, 0);
	EXPECT_TRUE(gic_bit(g, self->a, GICD_ISPENDR, SPI));
}

/* PPIs: level-sensitive, each vCPU's own line. */
TEST_F(gic, lines_of_ppis)
{
	struct gic_vm *g = &self->g;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	EXPECT_EQ(0, gic_try_irq(&g->vm, 23, 1, 1));
	EXPECT_FALSE(gic_bit(g, self->a, GICD_ISPENDR, 23));
	EXPECT_TRUE(gic_bit(g, self->b, GICD_ISPENDR, 23));
	EXPECT_EQ(BIT(23), gic_get(&g->vm, ARMVCPU_GIC_LEVEL, 0, 1));
	EXPECT_EQ(0, gic_get(&g->vm, ARMVCPU_GIC_LEVEL, 0, 0));
	EXPECT_EQ(0, gic_try_irq(&g->vm, 23, 1, 0));
	EXPECT_FALSE(gic_bit(g, self->b, GICD_ISPENDR, 23));
}

TEST_F(gic, level_for_the_vmm)
{
	struct vm *vm = &self->g.vm;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	EXPECT_EQ(0, gic_try_set(vm, ARMVCPU_GIC_LEVEL, 32, 0, BIT(5) | BIT(31)));
	EXPECT_TRUE(gic_bit(&self->g, self->a, GICD_ISPENDR, 37));
	EXPECT_TRUE(gic_bit(&self->g, self->a, GICD_ISPENDR, 63));
	EXPECT_EQ(BIT(5) | BIT(31), gic_get(vm, ARMVCPU_GIC_LEVEL, 32, 0));
	EXPECT_EQ(0, gic_try_set(vm, ARMVCPU_GIC_LEVEL, 32, 0, 0));
	EXPECT_FALSE(gic_bit(&self->g, self->a, GICD_ISPENDR, 37));
	/* SGIs have no line; the offset is an INTID. */
	EXPECT_EQ(-EINVAL, gic_try_set(vm, ARMVCPU_GIC_LEVEL, 0, 0, 1));
	EXPECT_EQ(-EINVAL, gic_try_set(vm, ARMVCPU_GIC_LEVEL, 32, 0, BIT(32)));
	EXPECT_EQ(-ENXIO, gic_try_set(vm, ARMVCPU_GIC_LEVEL, 4, 0, 0));
	EXPECT_EQ(-ENXIO, gic_try_set(vm, ARMVCPU_GIC_LEVEL, 96, 0, 0));
	EXPECT_EQ(-ENXIO, gic_try_set(vm, ARMVCPU_GIC_LEVEL, 1024, 0, 0));
	EXPECT_EQ(-ENXIO, gic_try_set(vm, ARMVCPU_GIC_LEVEL, -32U, 0, 0));
}

/* What no register shows: to whom, or of whom, it is active. */
TEST_F(gic, active_for_the_vmm)
{
	struct vm *vm = &self->g.vm;
	u64 value;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	EXPECT_EQ(ARMVCPU_GIC_NOBODY, gic_get(vm, ARMVCPU_GIC_ACTIVE, SPI, 0));
	EXPECT_EQ(-EINVAL, gic_try_set(vm, ARMVCPU_GIC_ACTIVE, SPI, 0, 0));
	EXPECT_EQ(0, gic_try_set(vm, ARMVCPU_GIC_ACTIVE, SPI, 0, ARMVCPU_GIC_NOBODY));
	gic_set_bit(&self->g, self->a, GICD_ISACTIVER, SPI);
	EXPECT_EQ(0, gic_try_set(vm, ARMVCPU_GIC_ACTIVE, SPI, 0, 1));
	EXPECT_EQ(1, gic_get(vm, ARMVCPU_GIC_ACTIVE, SPI, 0));
	EXPECT_EQ(-EINVAL, gic_try_set(vm, ARMVCPU_GIC_ACTIVE, SPI, 0, 2));
	EXPECT_EQ(-EINVAL, gic_try_set(vm, ARMVCPU_GIC_ACTIVE, SPI, 0, ARMVCPU_GIC_NOBODY));
	EXPECT_EQ(-EINVAL, gic_try_get(vm, ARMVCPU_GIC_ACTIVE, SPI, 1, &value));
	EXPECT_EQ(1, gic_get(vm, ARMVCPU_GIC_ACTIVE, SPI, 0));
	/* A PPI is always its vCPU's. */
	EXPECT_EQ(-ENXIO, gic_try_get(vm, ARMVCPU_GIC_ACTIVE, 20, 0, &value));
	EXPECT_EQ(-ENXIO, gic_try_get(vm, ARMVCPU_GIC_ACTIVE, NR_IRQS, 0, &value));
	if (self->g.version == 3) {
		EXPECT_EQ(-ENXIO, gic_try_get(vm, ARMVCPU_GIC_ACTIVE, 3, 0, &value));
		return;
	}
	EXPECT_EQ(ARMVCPU_GIC_NOBODY, gic_get(vm, ARMVCPU_GIC_ACTIVE, 3, 1));
	gic_set_bit(&self->g, self->b, GICD_ISACTIVER, 3);
	EXPECT_EQ(-EINVAL, gic_try_set(vm, ARMVCPU_GIC_ACTIVE, 3, 1, MAX_VCPUS));
	EXPECT_EQ(0, gic_try_set(vm, ARMVCPU_GIC_ACTIVE, 3, 1, MAX_VCPUS - 1));
	EXPECT_EQ(MAX_VCPUS - 1, gic_get(vm, ARMVCPU_GIC_ACTIVE, 3, 1));
}

/* ---- the CPU interface for the VMM ------------------------------- */

/* @mask: bits that can change, besides 1 << @priority. */
FIXTURE(cpu_reg) {
	struct gic_vm g;
};

FIXTURE_VARIANT(cpu_reg) {
	u32 versions;
	u32 offset;
	u64 mask;
	bool priority;
	bool fixed;
};

#define CPU_REG(_versions, _offset, _mask) {					\
	.versions = (_versions), .offset = (_offset), .mask = (_mask) }
#define ICC(crn, crm, op2)	ARMVCPU_SYSREG(3, 0, crn, crm, op2)

FIXTURE_VARIANT_ADD(cpu_reg, gicc_ctlr) CPU_REG(V2, GICC_CTLR, 0x21f);
FIXTURE_VARIANT_ADD(cpu_reg, gicc_pmr) { V2, GICC_PMR, .priority = true };
FIXTURE_VARIANT_ADD(cpu_reg, gicc_bpr) CPU_REG(V2, GICC_BPR, 7);
FIXTURE_VARIANT_ADD(cpu_reg, gicc_abpr) CPU_REG(V2, GICC_ABPR, 7);
FIXTURE_VARIANT_ADD(cpu_reg, gicc_apr0) CPU_REG(V2, GICC_APR, 0xffffffff);
FIXTURE_VARIANT_ADD(cpu_reg, icc_pmr) { V3, ICC(4, 6, 0), .priority = true };
FIXTURE_VARIANT_ADD(cpu_reg, icc_bpr0) CPU_REG(V3, ICC(12, 8, 3), 7);
FIXTURE_VARIANT_ADD(cpu_reg, icc_bpr1) CPU_REG(V3, ICC(12, 12, 3), 7);
FIXTURE_VARIANT_ADD(cpu_reg, icc_ctlr) { V3, ICC(12, 12, 4), 3, .fixed = true };
FIXTURE_VARIANT_ADD(cpu_reg, icc_igrpen0) CPU_REG(V3, ICC(12, 12, 6), 1);
FIXTURE_VARIANT_ADD(cpu_reg, icc_igrpen1) CPU_REG(V3, ICC(12, 12, 7), 1);
FIXTURE_VARIANT_ADD(cpu_reg, icc_ap0r0) CPU_REG(V3, ICC(12, 8, 4), 0xffffffff);
FIXTURE_VARIANT_ADD(cpu_reg, icc_ap1r0) CPU_REG(V3, ICC(12, 9, 0), 0xffffffff);

FIXTURE_SETUP(cpu_reg)
{
	u32 version = gic_version(variant->versions);

	if (version)
		gic_vm_init(&self->g, version, 2);
}

FIXTURE_TEARDOWN(cpu_reg)
{
}

TEST_F(cpu_reg, bits)
{
	struct vm *vm = &self->g.vm;
	u64 mask, fixed, other;
	u32 bit;

	if (!gic_version(variant->versions))
		SKIP(return, NO_GIC);
	mask = variant->priority ? gic_priority_mask(&self->g) : variant->mask;
	fixed = gic_get(vm, ARMVCPU_GIC_CPU, variant->offset, 1) & ~mask;
	other = gic_get(vm, ARMVCPU_GIC_CPU, variant->offset, 0);
	EXPECT_EQ(variant->fixed, fixed != 0);
	EXPECT_EQ(0, gic_try_set(vm, ARMVCPU_GIC_CPU, variant->offset, 1, fixed | mask));
	EXPECT_EQ(fixed | mask, gic_get(vm, ARMVCPU_GIC_CPU, variant->offset, 1));
	for (bit = 0; bit < 64; bit++) {
		if (!(mask >> bit & 1))
			EXPECT_EQ(-EINVAL, gic_try_set(vm, ARMVCPU_GIC_CPU, variant->offset, 1,
						       fixed ^ BIT(bit)));
	}
	EXPECT_EQ(fixed | mask, gic_get(vm, ARMVCPU_GIC_CPU, variant->offset, 1));
	EXPECT_EQ(0, gic_try_set(vm, ARMVCPU_GIC_CPU, variant->offset, 1, fixed));
	EXPECT_EQ(fixed, gic_get(vm, ARMVCPU_GIC_CPU, variant->offset, 1));
	/* The other vCPU's is its own. */
	EXPECT_EQ(other, gic_get(vm, ARMVCPU_GIC_CPU, variant->offset, 0));
}

/* Setting one leaves the others in ICH_VMCR_EL2 alone, and the guest sees it. */
static void guest_reads_its_interface(void)
{
	if (guest_gic_version == 2)
		GUEST_SYNC_ARGS(1, guest_read32(GUEST_GICC + GICC_PMR),
				guest_read32(GUEST_GICC + GICC_CTLR),
				guest_read32(GUEST_GICC + GICC_BPR));
	else
		GUEST_SYNC_ARGS(1, read_sysreg(ICC_PMR_EL1), read_sysreg(ICC_CTLR_EL1),
				read_sysreg(ICC_BPR0_EL1));
}

TEST_F(gic, cpu_interface)
{
	u32 pmr = ICC(4, 6, 0), ctlr = ICC(12, 12, 4), bpr = ICC(12, 8, 3);
	struct vm *vm = &self->g.vm;
	u64 value;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	if (self->g.version == 2) {
		pmr = GICC_PMR;
		ctlr = GICC_CTLR;
		bpr = GICC_BPR;
	}
	value = gic_get(vm, ARMVCPU_GIC_CPU, ctlr, 0) | 1;
	gic_set(vm, ARMVCPU_GIC_CPU, bpr, 0, 5);
	gic_set(vm, ARMVCPU_GIC_CPU, ctlr, 0, value);
	gic_set(vm, ARMVCPU_GIC_CPU, pmr, 0, 0xa8);
	vcpu_call(self->a, guest_reads_its_interface);
	vcpu_expect_sync(self->a, 1);
	EXPECT_EQ(0xa8, vcpu_sync_arg(self->a, 0));
	EXPECT_EQ(value, vcpu_sync_arg(self->a, 1));
	EXPECT_EQ(5, vcpu_sync_arg(self->a, 2));
}

static void guest_turns_on(u64 mpidr)
{
	GUEST_ASSERT_EQ(0, guest_hvc(0xc4000003, mpidr, (u64)guest_turns_on, 0));	/* CPU_ON */
}

/* CPU_ON resets it with the rest of the core, though that has not run yet. */
TEST_F(gic, cpu_interface_of_one_turned_on)
{
	struct armvcpu_power off = { .state = ARMVCPU_POWER_OFF };
	struct vm *vm = &self->g.vm;
	u32 pmr;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	pmr = self->g.version == 2 ? GICC_PMR : ICC(4, 6, 0);
	ASSERT_EQ(0, xioctl(self->b->fd, ARMVCPU_SET_POWER, &off));
	gic_set(vm, ARMVCPU_GIC_CPU, pmr, self->b->index, 0xa8);
	EXPECT_EQ(0xa8, gic_get(vm, ARMVCPU_GIC_CPU, pmr, self->b->index));
	vcpu_call(self->a, guest_turns_on, self->b->index);
	vcpu_expect(self->a, ARMVCPU_EXIT_PSCI);
	EXPECT_EQ(0, gic_get(vm, ARMVCPU_GIC_CPU, pmr, self->b->index));
	EXPECT_EQ(ARMVCPU_POWER_ON_PENDING, vcpu_power(self->b));
	self->a->run->x[0] = 0;
	vcpu_expect_done(self->a);
}

/* ---- wrong ioctls ------------------------------------------------ */

FIXTURE(wrong_reg) {
	struct gic_vm g;
};

FIXTURE_VARIANT(wrong_reg) {
	u32 versions;
	int err;
	struct armvcpu_gic_reg arg;
};

#define WRONG(_versions, _err, ...)						\
	{ .versions = (_versions), .err = (_err), .arg = { __VA_ARGS__ } }

FIXTURE_VARIANT_ADD(wrong_reg, space)
	WRONG(V23, EINVAL, .space = 5);
FIXTURE_VARIANT_ADD(wrong_reg, space_last)
	WRONG(V23, EINVAL, .space = ~0U);
FIXTURE_VARIANT_ADD(wrong_reg, flags)
	WRONG(V23, EINVAL, .space = ARMVCPU_GIC_DIST, .flags = 1);
FIXTURE_VARIANT_ADD(wrong_reg, flags_last)
	WRONG(V23, EINVAL, .space = ARMVCPU_GIC_DIST, .flags = BIT(31));
FIXTURE_VARIANT_ADD(wrong_reg, reserved)
	WRONG(V23, EINVAL, .space = ARMVCPU_GIC_DIST, .reserved = 1);
FIXTURE_VARIANT_ADD(wrong_reg, shared_of_a_vcpu)
	WRONG(V23, EINVAL, .space = ARMVCPU_GIC_DIST, .offset = GICD_CTLR, .mpidr = 1);
FIXTURE_VARIANT_ADD(wrong_reg, spi_of_a_vcpu)
	WRONG(V23, EINVAL, .space = ARMVCPU_GIC_DIST, .offset = GICD_ISENABLER + 4, .mpidr = 1);
FIXTURE_VARIANT_ADD(wrong_reg, level_of_a_vcpu)
	WRONG(V23, EINVAL, .space = ARMVCPU_GIC_LEVEL, .offset = 32, .mpidr = 1);
FIXTURE_VARIANT_ADD(wrong_reg, beyond_the_frame)
	WRONG(V23, ENXIO, .space = ARMVCPU_GIC_DIST, .offset = 0x10000);
FIXTURE_VARIANT_ADD(wrong_reg, offset_last)
	WRONG(V23, ENXIO, .space = ARMVCPU_GIC_DIST, .offset = ~3U);
FIXTURE_VARIANT_ADD(wrong_reg, sgir)
	WRONG(V2, ENXIO, .space = ARMVCPU_GIC_DIST, .offset = GICD_SGIR);
FIXTURE_VARIANT_ADD(wrong_reg, cpendsgir)
	WRONG(V2, ENXIO, .space = ARMVCPU_GIC_DIST, .offset = GICD_CPENDSGIR);
FIXTURE_VARIANT_ADD(wrong_reg, redist_of_a_gicv2)
	WRONG(V2, ENXIO, .space = ARMVCPU_GIC_REDIST, .offset = GICR_WAKER);
FIXTURE_VARIANT_ADD(wrong_reg, half_of_irouter)
	WRONG(V3, ENXIO, .space = ARMVCPU_GIC_DIST, .offset = GICD_IROUTER + 32 * 8 + 4);
FIXTURE_VARIANT_ADD(wrong_reg, half_of_gicr_typer)
	WRONG(V3, ENXIO, .space = ARMVCPU_GIC_REDIST, .offset = GICR_TYPER + 4);
FIXTURE_VARIANT_ADD(wrong_reg, banked_of_nobody)
	WRONG(V2, ENOENT, .space = ARMVCPU_GIC_DIST, .offset = GICD_ISENABLER, .mpidr = 2);
FIXTURE_VARIANT_ADD(wrong_reg, redist_of_nobody)
	WRONG(V3, ENOENT, .space = ARMVCPU_GIC_REDIST, .offset = GICR_WAKER, .mpidr = 2);
FIXTURE_VARIANT_ADD(wrong_reg, cpu_of_nobody)
	WRONG(V23, ENOENT, .space = ARMVCPU_GIC_CPU, .offset = GICC_PMR, .mpidr = BIT(31) | 1);
FIXTURE_VARIANT_ADD(wrong_reg, level_of_nobody)
	WRONG(V23, ENOENT, .space = ARMVCPU_GIC_LEVEL, .mpidr = 2);
FIXTURE_VARIANT_ADD(wrong_reg, cpu_v2_iar)
	WRONG(V2, ENXIO, .space = ARMVCPU_GIC_CPU, .offset = GICC_IAR);
FIXTURE_VARIANT_ADD(wrong_reg, cpu_v2_apr1)
	WRONG(V2, ENXIO, .space = ARMVCPU_GIC_CPU, .offset = GICC_APR + 4);
FIXTURE_VARIANT_ADD(wrong_reg, cpu_v3_offset)
	WRONG(V3, ENXIO, .space = ARMVCPU_GIC_CPU, .offset = GICC_PMR);
FIXTURE_VARIANT_ADD(wrong_reg, cpu_v3_iar1)
	WRONG(V3, ENXIO, .space = ARMVCPU_GIC_CPU, .offset = ICC(12, 12, 0));
FIXTURE_VARIANT_ADD(wrong_reg, cpu_v3_sgi1r)
	WRONG(V3, ENXIO, .space = ARMVCPU_GIC_CPU, .offset = ICC(12, 11, 5));
FIXTURE_VARIANT_ADD(wrong_reg, cpu_v2_encoding)
	WRONG(V2, ENXIO, .space = ARMVCPU_GIC_CPU, .offset = ICC(4, 6, 0));

FIXTURE_SETUP(wrong_reg)
{
	u32 version = gic_version(variant->versions);

	if (version)
		gic_vm_init(&self->g, version, 1);
}

FIXTURE_TEARDOWN(wrong_reg)
{
}

TEST_F(wrong_reg, is_refused)
{
	struct armvcpu_gic_reg arg = variant->arg;

	if (!gic_version(variant->versions))
		SKIP(return, NO_GIC);
	EXPECT_EQ(-variant->err, xioctl(self->g.vm.fd, ARMVCPU_GET_GIC_REG, &arg));
	EXPECT_EQ(0, memcmp(&arg, &variant->arg, sizeof(arg)));
	EXPECT_EQ(-variant->err, xioctl(self->g.vm.fd, ARMVCPU_SET_GIC_REG, &arg));
}

/* What cannot be written to, with all else right. */
TEST_F(gic, get_to_read_only_memory)
{
	struct armvcpu_gic_reg *arg = alloc_pages(page_size());

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	arg->offset = GICD_TYPER;
	ASSERT_EQ(0, mprotect(arg, page_size(), PROT_READ));
	EXPECT_EQ(-EFAULT, xioctl(self->g.vm.fd, ARMVCPU_GET_GIC_REG, arg));
	EXPECT_EQ(-EINVAL, xioctl(self->g.vm.fd, ARMVCPU_SET_GIC_REG, arg));
}

static int set_irq(struct vm *vm, struct armvcpu_irq arg)
{
	return xioctl(vm->fd, ARMVCPU_SET_IRQ, &arg);
}

TEST_F(gic, wrong_lines)
{
	struct vm *vm = &self->g.vm;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	EXPECT_EQ(-EINVAL, gic_try_irq(vm, 0, 0, 1));
	EXPECT_EQ(-EINVAL, gic_try_irq(vm, 15, 0, 1));
	EXPECT_EQ(-EINVAL, gic_try_irq(vm, NR_IRQS, 0, 1));
	EXPECT_EQ(-EINVAL, gic_try_irq(vm, 1023, 0, 1));
	EXPECT_EQ(-EINVAL, gic_try_irq(vm, ~0U, 0, 1));
	EXPECT_EQ(-EINVAL, gic_try_irq(vm, SPI, 1, 1));
	EXPECT_EQ(-EINVAL, gic_try_irq(vm, SPI, 0, 2));
	EXPECT_EQ(-EINVAL, gic_try_irq(vm, SPI, 0, ~0U));
	/* The timers' are the module's. */
	EXPECT_EQ(-EINVAL, gic_try_irq(vm, 27, 0, 1));
	EXPECT_EQ(-EINVAL, gic_try_irq(vm, 30, 1, 0));
	EXPECT_EQ(-ENOENT, gic_try_irq(vm, 20, 2, 1));
	EXPECT_EQ(-ENOENT, gic_try_irq(vm, 20, BIT(31), 1));
	EXPECT_EQ(-EINVAL, set_irq(vm, (struct armvcpu_irq) { .intid = SPI, .flags = 1 }));
	EXPECT_EQ(-EINVAL, set_irq(vm, (struct armvcpu_irq) { .intid = SPI, .reserved = 1 }));
	EXPECT_EQ(0, gic_get(vm, ARMVCPU_GIC_LEVEL, 32, 0));
	EXPECT_EQ(0, gic_get(vm, ARMVCPU_GIC_LEVEL, 0, 0));
	/* The CPU's own lines are the GIC's. */
	EXPECT_EQ(-ENXIO, vcpu_line(self->a, ARMVCPU_LINE_IRQ, 1));
}

FIXTURE(wrong_gic) {
	struct vm vm;
};

FIXTURE_VARIANT(wrong_gic) {
	int err;
	u32 version;
	struct armvcpu_create_gic arg;
};

/* Sound, but for what is said; version 0: the host's. */
#define CREATE(_err, _version, ...) {						\
	.err = (_err), .version = (_version),					\
	.arg = {								\
		.nr_irqs = NR_IRQS, .max_vcpus = MAX_VCPUS,			\
		.dist = GUEST_GICD, .cpu = GUEST_GICR, ##__VA_ARGS__ }		\
}

FIXTURE_VARIANT_ADD(wrong_gic, version_1) CREATE(EINVAL, 1);
FIXTURE_VARIANT_ADD(wrong_gic, version_4) CREATE(EINVAL, 4);
FIXTURE_VARIANT_ADD(wrong_gic, version_last) CREATE(EINVAL, ~0U);
FIXTURE_VARIANT_ADD(wrong_gic, flags) CREATE(EINVAL, 0, .flags = 1);
FIXTURE_VARIANT_ADD(wrong_gic, reserved_0) CREATE(EINVAL, 0, .reserved[0] = 1);
FIXTURE_VARIANT_ADD(wrong_gic, reserved_1) CREATE(EINVAL, 0, .reserved[1] = BIT(63));

FIXTURE_VARIANT_ADD(wrong_gic, no_max_vcpus) {
	EINVAL, 0, { 0, 0, NR_IRQS, 0, GUEST_GICD, GUEST_GICR }
};

FIXTURE_VARIANT_ADD(wrong_gic, max_vcpus_65) {
	EINVAL, 0, { 0, 0, NR_IRQS, 65, GUEST_GICD, GUEST_GICR }
};

FIXTURE_VARIANT_ADD(wrong_gic, max_vcpus_wild) {
	EINVAL, 0, { 0, 0, NR_IRQS, ~0U, GUEST_GICD, GUEST_GICR }
};

FIXTURE_VARIANT_ADD(wrong_gic, irqs_32) {
	EINVAL, 0, { 0, 0, 32, MAX_VCPUS, GUEST_GICD, GUEST_GICR }
};

FIXTURE_VARIANT_ADD(wrong_gic, irqs_65) {
	EINVAL, 0, { 0, 0, 65, MAX_VCPUS, GUEST_GICD, GUEST_GICR }
};

FIXTURE_VARIANT_ADD(wrong_gic, irqs_1056) {
	EINVAL, 0, { 0, 0, 1056, MAX_VCPUS, GUEST_GICD, GUEST_GICR }
};

FIXTURE_VARIANT_ADD(wrong_gic, irqs_wild) {
	EINVAL, 0, { 0, 0, ~31U, MAX_VCPUS, GUEST_GICD, GUEST_GICR }
};

FIXTURE_VARIANT_ADD(wrong_gic, dist_not_aligned) {
	EINVAL, 0, { 0, 0, NR_IRQS, MAX_VCPUS, GUEST_GICD + 0x1000, GUEST_GICR }
};

FIXTURE_VARIANT_ADD(wrong_gic, cpu_not_aligned) {
	EINVAL, 0, { 0, 0, NR_IRQS, MAX_VCPUS, GUEST_GICD, GUEST_GICR + 8 }
};

FIXTURE_VARIANT_ADD(wrong_gic, frames_overlap) {
	EINVAL, 0, { 0, 0, NR_IRQS, MAX_VCPUS, GUEST_GICD, GUEST_GICD }
};

FIXTURE_VARIANT_ADD(wrong_gic, dist_beyond) {
	EINVAL, 0, { 0, 0, NR_IRQS, MAX_VCPUS, BIT(40), GUEST_GICR }
};

FIXTURE_VARIANT_ADD(wrong_gic, dist_wild) {
	EINVAL, 0, { 0, 0, NR_IRQS, MAX_VCPUS, ~0xffffUL, GUEST_GICR }
};

FIXTURE_VARIANT_ADD(wrong_gic, cpu_wild) {
	EINVAL, 0, { 0, 0, NR_IRQS, MAX_VCPUS, GUEST_GICD, ~0xffffUL }
};

FIXTURE_SETUP(wrong_gic)
{
	vm_init_bare(&self->vm, 40);
}

FIXTURE_TEARDOWN(wrong_gic)
{
}

TEST_F(wrong_gic, is_refused)
{
	struct armvcpu_create_gic arg = variant->arg;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	arg.version = variant->version ?: gic_version(V23);
	EXPECT_EQ(-variant->err, gic_vm_try_create(&self->vm, &arg));
	/* And nothing is there. */
	EXPECT_EQ(-ENXIO, gic_try_irq(&self->vm, SPI, 0, 1));
	EXPECT_EQ(-ENXIO, xioctl(self->vm.fd, ARMVCPU_RESET_GIC, NULL));
}

TEST(gic_beside_memory)
{
	struct armvcpu_create_gic arg = {
		.nr_irqs = NR_IRQS, .max_vcpus = MAX_VCPUS, .dist = GUEST_GICD,
	};
	struct vm vm;
	void *mem;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	arg.version = gic_version(V23);
	arg.cpu = arg.version == 3 ? GUEST_GICR : GUEST_GICC;
	vm_init_bare(&vm, 40);
	/* A slot that is in the way, of either frame. */
	mem = vm_add_memory(&vm, 0, GUEST_GICD, 0x10000);
	EXPECT_EQ(-EEXIST, gic_vm_try_create(&vm, &arg));
	ASSERT_EQ(0, vm_set_slot(&vm, 0, 0, 0, 0, NULL));
	ASSERT_EQ(0, vm_set_slot(&vm, 0, 0, arg.cpu - 0x10000 + page_size(), 0x10000, mem));
	EXPECT_EQ(-EEXIST, gic_vm_try_create(&vm, &arg));
	ASSERT_EQ(0, vm_set_slot(&vm, 0, 0, 0, 0, NULL));
	/* And the other way round. */
	ASSERT_EQ(0, gic_vm_try_create(&vm, &arg));
	EXPECT_EQ(-EEXIST, gic_vm_try_create(&vm, &arg));
	EXPECT_EQ(-EEXIST, vm_set_slot(&vm, 0, 0, GUEST_GICD, 0x10000, mem));
	EXPECT_EQ(-EEXIST, vm_set_slot(&vm, 0, 0, arg.cpu, 0x10000, mem));
	EXPECT_EQ(0, vm_set_slot(&vm, 0, 0, GUEST_GICD - 0x10000, 0x10000, mem));
}

TEST(gic_comes_first)
{
	struct armvcpu_create_gic arg = {
		.nr_irqs = NR_IRQS, .max_vcpus = MAX_VCPUS, .dist = GUEST_GICD,
	};
	struct vm vm;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	arg.version = gic_version(V23);
	arg.cpu = arg.version == 3 ? GUEST_GICR : GUEST_GICC;
	vm_init_bare(&vm, 40);
	ASSERT_LE(0, vm_create_vcpu(&vm, 0, 0));
	EXPECT_EQ(-EBUSY, gic_vm_try_create(&vm, &arg));
}

TEST(gic_the_host_cannot_do)
{
	struct armvcpu_create_gic arg = {
		.nr_irqs = NR_IRQS, .max_vcpus = MAX_VCPUS, .dist = GUEST_GICD, .cpu = GUEST_GICR,
	};
	struct vm vm;
	u32 versions = (gic_version(V2) ? V2 : 0) | (gic_version(V3) ? V3 : 0);

	if (versions == V23)
		SKIP(return, "it can do both");
	vm_init_bare(&vm, 40);
	arg.version = versions & V2 ? 3 : 2;
	EXPECT_EQ(-EOPNOTSUPP, gic_vm_try_create(&vm, &arg));
	/* One of a GICv2 has eight CPU interfaces; that is said first. */
	arg.version = 2;
	arg.max_vcpus = 9;
	EXPECT_EQ(-EINVAL, gic_vm_try_create(&vm, &arg));
}

/* ---- while another vCPU runs ------------------------------------- */

static u64 shared_word;

static void nothing(struct guest_frame *frame, u64 vector)
{
	(void)frame;
	(void)vector;
}

/* Its interrupt is in a list register all the time, and not taken. */
static void guest_spins_masked(bool acknowledge)
{
	guest_cpu()->handler = nothing;
	guest_gic_on(false);
	GUEST_SYNC(1);
	while (!(read_sysreg(isr_el1) & PSR_I))
		;
	if (acknowledge)
		GUEST_ASSERT_EQ(SPI, guest_iar());
	shared_set(shared_word, 1);
	while (shared_get(shared_word) == 1)
		;
	GUEST_SYNC_ARGS(2, read_sysreg(isr_el1) & PSR_I, 0, 0);
}

static void *run_to_stage_2(void *arg)
{
	vcpu_expect_sync(arg, 2);
	return NULL;
}

static void wait_for_shared_word(void)
{
	u64 end = now_ns() + 10000 * NSEC_PER_MSEC;

	while (!shared_get(shared_word) && now_ns() < end)
		usleep(100);
	test_check(shared_get(shared_word));
}

/* vCPU 0 sees, and changes, what vCPU 1 has in a list register. */
TEST_F(gic, pending_elsewhere)
{
	struct gic_vm *g = &self->g;
	pthread_t thread;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	gic_enable(g, self->b, SPI, 0x80, true);
	vcpu_call(self->b, guest_spins_masked, false);
	vcpu_expect_sync(self->b, 1);
	gic_pulse(&g->vm, SPI);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_to_stage_2, self->b));
	wait_for_shared_word();
	EXPECT_TRUE(gic_bit(g, self->a, GICD_ISPENDR, SPI));
	EXPECT_FALSE(gic_bit(g, self->a, GICD_ISACTIVER, SPI));
	gic_set_bit(g, self->a, GICD_ICPENDR, SPI);
	EXPECT_FALSE(gic_bit(g, self->a, GICD_ISPENDR, SPI));
	shared_set(shared_word, 2);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, vcpu_sync_arg(self->b, 0));
}

TEST_F(gic, active_elsewhere)
{
	struct gic_vm *g = &self->g;
	pthread_t thread;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	gic_enable(g, self->b, SPI, 0x80, true);
	vcpu_call(self->b, guest_spins_masked, true);
	vcpu_expect_sync(self->b, 1);
	gic_pulse(&g->vm, SPI);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_to_stage_2, self->b));
	wait_for_shared_word();
	EXPECT_FALSE(gic_bit(g, self->a, GICD_ISPENDR, SPI));
	EXPECT_TRUE(gic_bit(g, self->a, GICD_ISACTIVER, SPI));
	gic_set_bit(g, self->a, GICD_ICACTIVER, SPI);
	EXPECT_FALSE(gic_bit(g, self->a, GICD_ISACTIVER, SPI));
	shared_set(shared_word, 2);
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

/* When the write is done, so is the interrupt: GICD_CTLR.RWP is never set. */
TEST_F(gic, disabled_elsewhere)
{
	struct gic_vm *g = &self->g;
	pthread_t thread;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	gic_enable(g, self->b, SPI, 0x80, true);
	vcpu_call(self->b, guest_spins_masked, false);
	vcpu_expect_sync(self->b, 1);
	gic_pulse(&g->vm, SPI);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_to_stage_2, self->b));
	wait_for_shared_word();
	gic_set_bit(g, self->a, GICD_ICENABLER, SPI);
	shared_set(shared_word, 2);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, vcpu_sync_arg(self->b, 0));
	/* Still pending, for whoever enables it. */
	EXPECT_TRUE(gic_bit(g, self->a, GICD_ISPENDR, SPI));
}

TEST_F(gic, groups_disabled_elsewhere)
{
	struct gic_vm *g = &self->g;
	pthread_t thread;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	gic_enable(g, self->b, SPI, 0x80, true);
	vcpu_call(self->b, guest_spins_masked, false);
	vcpu_expect_sync(self->b, 1);
	gic_pulse(&g->vm, SPI);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_to_stage_2, self->b));
	wait_for_shared_word();
	gic_write(self->a, GUEST_GICD + GICD_CTLR, 4, 0);
	shared_set(shared_word, 2);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, vcpu_sync_arg(self->b, 0));
	EXPECT_TRUE(gic_bit(g, self->a, GICD_ISPENDR, SPI));
}

/* The VMM's ioctls are for a VM that stands still. */
TEST_F(gic, busy)
{
	struct gic_vm *g = &self->g;
	pthread_t thread;
	u64 value;

	if (!gic_version(V23))
		SKIP(return, NO_GIC);
	gic_enable(g, self->b, SPI, 0x80, true);
	vcpu_call(self->b, guest_spins_masked, false);
	vcpu_expect_sync(self->b, 1);
	gic_pulse(&g->vm, SPI);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_to_stage_2, self->b));
	wait_for_shared_word();
	EXPECT_EQ(-EBUSY, gic_try_get(&g->vm, ARMVCPU_GIC_DIST, GICD_CTLR, 0, &value));
	EXPECT_EQ(-EBUSY, gic_try_set(&g->vm, ARMVCPU_GIC_DIST, GICD_CTLR, 0, 0));
	EXPECT_EQ(-EBUSY, xioctl(g->vm.fd, ARMVCPU_RESET_GIC, NULL));
	shared_set(shared_word, 2);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(1, vcpu_sync_arg(self->b, 0) != 0);
	EXPECT_EQ(0, gic_try_get(&g->vm, ARMVCPU_GIC_DIST, GICD_CTLR, 0, &value));
}

/* ---- SGIs -------------------------------------------------------- */

#define SGI	5

static u32 sgi_sources(struct gic_vm *g, u64 mpidr, u32 intid)
{
	return gic_get(&g->vm, ARMVCPU_GIC_DIST, GICD_SPENDSGIR + (intid & ~3U), mpidr) >>
	       intid % 4 * 8 & 0xff;
}

/* Three of four vCPUs that there may be; the second one sends. */
FIXTURE(sgir) {
	struct gic_vm g;
};

FIXTURE_VARIANT(sgir) {
	u32 value;
	u32 got;
};

#define SGIR(filter, list) ((filter) << 24 | (list) << 16 | SGI)

FIXTURE_VARIANT_ADD(sgir, nobody) { SGIR(0, 0), 0 };
FIXTURE_VARIANT_ADD(sgir, list_of_one) { SGIR(0, 4), 4 };
FIXTURE_VARIANT_ADD(sgir, list_with_self) { SGIR(0, 3), 3 };
FIXTURE_VARIANT_ADD(sgir, list_of_all) { SGIR(0, 0xff), 7 };
FIXTURE_VARIANT_ADD(sgir, not_there) { SGIR(0, 0xf8), 0 };
FIXTURE_VARIANT_ADD(sgir, all_but_self) { SGIR(1, 0), 5 };
FIXTURE_VARIANT_ADD(sgir, all_but_self_ignores_the_list) { SGIR(1, 2), 5 };
FIXTURE_VARIANT_ADD(sgir, self) { SGIR(2, 0), 2 };
FIXTURE_VARIANT_ADD(sgir, self_ignores_the_list) { SGIR(2, 0xff), 2 };
FIXTURE_VARIANT_ADD(sgir, reserved) { SGIR(3, 0xff), 0 };
FIXTURE_VARIANT_ADD(sgir, nsatt) { SGIR(0, 1) | 1 << 15, 1 };
FIXTURE_VARIANT_ADD(sgir, reserved_bits) { SGIR(0, 1) | 0xfc007ff0, 1 };

FIXTURE_SETUP(sgir)
{
	if (gic_version(V2))
		gic_vm_init(&self->g, 2, 3);
}

FIXTURE_TEARDOWN(sgir)
{
}

TEST_F(sgir, targets)
{
	u32 i, intid;

	if (!gic_version(V2))
		SKIP(return, NO_GIC);
	gic_write(&self->g.vcpu[1], GUEST_GICD + GICD_SGIR, 4, variant->value);
	for (i = 0; i < 3; i++) {
		for (intid = 0; intid < 16; intid++) {
			u32 want = intid == SGI && variant->got >> i & 1 ? 2 : 0;

			EXPECT_EQ(want, sgi_sources(&self->g, i, intid)) {
				TH_LOG("vCPU %u, SGI %u", i, intid);
			}
		}
	}
}

/* Pending for each of its senders, and shown as pending once. */
TEST(sgi_of_two_senders)
{
	struct gic_vm g;
	struct vcpu *a;

	if (!gic_version(V2))
		SKIP(return, NO_GIC);
	gic_vm_init(&g, 2, 3);
	a = &g.vcpu[0];
	gic_write(&g.vcpu[1], GUEST_GICD + GICD_SGIR, 4, SGIR(0, 1));
	gic_write(&g.vcpu[2], GUEST_GICD + GICD_SGIR, 4, SGIR(0, 1));
	EXPECT_EQ(6, gic_read(a, GUEST_GICD + GICD_SPENDSGIR + SGI, 1));
	EXPECT_EQ(6, gic_read(a, GUEST_GICD + GICD_CPENDSGIR + SGI, 1));
	EXPECT_TRUE(gic_bit(&g, a, GICD_ISPENDR, SGI));
	/* Only by its own registers. */
	gic_set_bit(&g, a, GICD_ICPENDR, SGI);
	EXPECT_TRUE(gic_bit(&g, a, GICD_ISPENDR, SGI));
	gic_write(a, GUEST_GICD + GICD_CPENDSGIR + SGI, 1, 2);
	EXPECT_EQ(4, gic_read(a, GUEST_GICD + GICD_SPENDSGIR + SGI, 1));
	gic_write(a, GUEST_GICD + GICD_SPENDSGIR + 4, 4, 0x09 << SGI % 4 * 8);
	EXPECT_EQ(0xd, gic_read(a, GUEST_GICD + GICD_CPENDSGIR + SGI, 1));
	gic_write(a, GUEST_GICD + GICD_CPENDSGIR + 4, 4, ~0U);
	EXPECT_FALSE(gic_bit(&g, a, GICD_ISPENDR, SGI));
	/* The others' are their own. */
	gic_write(a, GUEST_GICD + GICD_SPENDSGIR + SGI, 1, 1);
	EXPECT_EQ(0, gic_read(&g.vcpu[1], GUEST_GICD + GICD_SPENDSGIR + SGI, 1));
	EXPECT_EQ(1, sgi_sources(&g, 0, SGI));
	EXPECT_EQ(0, gic_read(a, GUEST_GICD + GICD_SGIR, 4));
}

/* By their affinities; the third one sends. */
static const u64 affinities[] = { 0x0, 0x1, 0x3, 0x13, 0x100, 0x10000, 0x100000000, 0x1ff };

FIXTURE(sgi1r) {
	struct gic_vm g;
};

FIXTURE_VARIANT(sgi1r) {
	u64 value;
	u32 got;
};

#define SGI1R(list, rs, aff1, aff2, aff3) \
	((list) | (u64)(aff1) << 16 | (u64)SGI << 24 | (u64)(aff2) << 32 | \
	 (u64)(rs) << 44 | (u64)(aff3) << 48)
#define SGI1R_IRM	BIT(40)

FIXTURE_VARIANT_ADD(sgi1r, nobody) { SGI1R(0, 0, 0, 0, 0), 0 };
FIXTURE_VARIANT_ADD(sgi1r, first) { SGI1R(1, 0, 0, 0, 0), BIT(0) };
FIXTURE_VARIANT_ADD(sgi1r, list) { SGI1R(0xb, 0, 0, 0, 0), BIT(0) | BIT(1) | BIT(2) };
FIXTURE_VARIANT_ADD(sgi1r, whole_list) { SGI1R(0xffff, 0, 0, 0, 0), BIT(0) | BIT(1) | BIT(2) };
FIXTURE_VARIANT_ADD(sgi1r, self) { SGI1R(8, 0, 0, 0, 0), BIT(2) };
FIXTURE_VARIANT_ADD(sgi1r, range_selector) { SGI1R(8, 1, 0, 0, 0), BIT(3) };
FIXTURE_VARIANT_ADD(sgi1r, range_selector_15) { SGI1R(BIT(15), 15, 1, 0, 0), BIT(7) };
FIXTURE_VARIANT_ADD(sgi1r, range_without_anybody) { SGI1R(0xffff, 2, 0, 0, 0), 0 };
FIXTURE_VARIANT_ADD(sgi1r, aff1) { SGI1R(1, 0, 1, 0, 0), BIT(4) };
FIXTURE_VARIANT_ADD(sgi1r, aff2) { SGI1R(1, 0, 0, 1, 0), BIT(5) };
FIXTURE_VARIANT_ADD(sgi1r, aff3) { SGI1R(1, 0, 0, 0, 1), BIT(6) };
FIXTURE_VARIANT_ADD(sgi1r, cluster_without_anybody) { SGI1R(0xffff, 0, 1, 1, 0), 0 };
FIXTURE_VARIANT_ADD(sgi1r, not_there) { SGI1R(0x10, 0, 0, 0, 0), 0 };
FIXTURE_VARIANT_ADD(sgi1r, broadcast) { SGI1R(0, 0, 0, 0, 0) | SGI1R_IRM, 0xff & ~BIT(2) };
FIXTURE_VARIANT_ADD(sgi1r, broadcast_ignores_the_list) {
	SGI1R(0x8, 3, 7, 7, 7) | SGI1R_IRM, 0xff & ~BIT(2)
};

FIXTURE_SETUP(sgi1r)
{
	u32 i;

	if (!gic_version(V3))
		return;
	gic_vm_create(&self->g, 3, NR_IRQS, 8);
	for (i = 0; i < ARRAY_SIZE(affinities); i++)
		gic_vm_add_vcpu(&self->g, affinities[i]);
}

FIXTURE_TEARDOWN(sgi1r)
{
}

static void guest_sends_sgi1r(u64 value)
{
	write_sysreg(value, ICC_SGI1R_EL1);
}

static void guest_sends_sgi0r(u64 value)
{
	write_sysreg(value, ICC_SGI0R_EL1);
}

static void guest_sends_asgi1r(u64 value)
{
	write_sysreg(value, ICC_ASGI1R_EL1);
}

TEST_F(sgi1r, targets)
{
	u32 i;

	if (!gic_version(V3))
		SKIP(return, NO_GIC);
	for (i = 0; i < ARRAY_SIZE(affinities); i++)
		gic_set(&self->g.vm, ARMVCPU_GIC_REDIST, GICR_SGI + GICD_IGROUPR, affinities[i],
			0xffffffff);
	vcpu_call(&self->g.vcpu[2], guest_sends_sgi1r, variant->value);
	vcpu_expect_done(&self->g.vcpu[2]);
	for (i = 0; i < ARRAY_SIZE(affinities); i++) {
		u64 pending = gic_get(&self->g.vm, ARMVCPU_GIC_REDIST, GICR_SGI + GICD_ISPENDR,
				      affinities[i]);

		EXPECT_EQ(variant->got >> i & 1 ? BIT(SGI) : 0, pending) {
			TH_LOG("vCPU %u", i);
		}
	}
}

/* IHI 0069, "Forwarding an SGI to a target PE": with one security state. */
TEST(sgi_groups)
{
	static const struct {
		const void *guest;
		u32 group;
		bool sent;
	} rows[] = {
		{ guest_sends_sgi1r, 1, true },
		{ guest_sends_sgi0r, 0, true },
		{ guest_sends_sgi0r, 1, false },
		{ guest_sends_asgi1r, 1, false },
	};
	struct gic_vm g;
	unsigned int i;

	if (!gic_version(V3))
		SKIP(return, NO_GIC);
	gic_vm_init(&g, 3, 2);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		gic_set(&g.vm, ARMVCPU_GIC_REDIST, GICR_SGI + GICD_IGROUPR, 1,
			rows[i].group ? BIT(SGI) : 0);
		gic_set(&g.vm, ARMVCPU_GIC_REDIST, GICR_SGI + GICD_ISPENDR, 1, 0);
		vcpu_call(&g.vcpu[0], rows[i].guest, SGI1R(2, 0, 0, 0, 0));
		vcpu_expect_done(&g.vcpu[0]);
		EXPECT_EQ(rows[i].sent, gic_state(&g, &g.vcpu[1], GICD_ISPENDR, SGI)) {
			TH_LOG("row %u", i);
		}
	}
}

/* ---- what only stage 2 makes Device memory ------------------------- */

static void guest_unaligned(u64 address)
{
	const struct guest_trap *trap;

	write_sysreg(read_sysreg(sctlr_el1) & ~(u64)GUEST_SCTLR_A, sctlr_el1);
	isb();
	trap = GUEST_TRAP(guest_read32(address));
	GUEST_SYNC_ARGS(1, trap->count, trap->esr, trap->far);
	trap = GUEST_TRAP(guest_write32(address, 0));
	GUEST_SYNC_ARGS(2, trap->count, trap->esr, trap->far);
	GUEST_DONE();
}

/*
 * The frame of a GICv2 CPU interface is the hardware's: an alignment fault there may be taken
 * to EL2, and is the guest's.  QEMU has one from version 10 on (RIG_QEMU).  Where the host's
 * pages are larger than the frame, the guest has it by traps only, and nothing faults.
 */
TEST(unaligned_cpu_interface)
{
	const char *qemu = getenv("RIG_QEMU");
	struct gic_vm g;
	u64 n, faults = 0;

	if (!gic_version(GIC_V2))
		SKIP(return, NO_GIC);
	gic_vm_init(&g, 2, 1);
	/* To stage 1 it is memory like any other. */
	guest_pt_map(GUEST_USER, GUEST_GICC, 0x1000, PTE_NORMAL);
	vcpu_call(&g.vcpu[0], guest_unaligned, GUEST_USER + 0x11);
	for (n = 1; n < 3; n++) {
		vcpu_expect_sync(&g.vcpu[0], n);
		if (!vcpu_sync_arg(&g.vcpu[0], 0))
			continue;
		faults++;
		EXPECT_EQ(EC_DABT, ESR_EC(vcpu_sync_arg(&g.vcpu[0], 1)));
		EXPECT_EQ(FSC_ALIGN, ESR_FSC(vcpu_sync_arg(&g.vcpu[0], 1)));
		EXPECT_EQ(n == 2, vcpu_sync_arg(&g.vcpu[0], 1) >> 6 & 1);
		EXPECT_EQ(GUEST_USER + 0x11, vcpu_sync_arg(&g.vcpu[0], 2));
	}
	vcpu_expect_done(&g.vcpu[0]);
	if (page_size() > 4096) {
		EXPECT_EQ(0, faults);
		return;
	}
	if (!faults && (!qemu || strcmp(qemu, "10")))
		SKIP(return, "this CPU has no alignment faults there");
	EXPECT_EQ(2, faults);
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
