/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's side of its GIC, of either version: where it lies, and the CPU
 * interface as functions.  Interrupts are of group 0 with GICv2 and of group 1
 * with GICv3 if nothing else is said, which makes them IRQs.
 */
#ifndef SELFTEST_GUEST_GIC_H
#define SELFTEST_GUEST_GIC_H

#include <stdbool.h>

#include "guest.h"

/* In GUEST_MMIO, as on the virt board. */
#define GUEST_GICD		(GUEST_MMIO + 0x8000000)
#define GUEST_GICC		(GUEST_MMIO + 0x8010000)
#define GUEST_GICR		(GUEST_MMIO + 0x80a0000)
#define GICR_STRIDE		0x20000
#define GICR_SGI		0x10000		/* SGI_base */

/* The distributor, and SGI_base for private interrupts. */
#define GICD_CTLR		0x000
#define GICD_TYPER		0x004
#define GICD_IIDR		0x008
#define GICD_IGROUPR		0x080
#define GICD_ISENABLER		0x100
#define GICD_ICENABLER		0x180
#define GICD_ISPENDR		0x200
#define GICD_ICPENDR		0x280
#define GICD_ISACTIVER		0x300
#define GICD_ICACTIVER		0x380
#define GICD_IPRIORITYR		0x400
#define GICD_ITARGETSR		0x800
#define GICD_ICFGR		0xc00
#define GICD_IGRPMODR		0xd00
#define GICD_NSACR		0xe00
#define GICD_SGIR		0xf00
#define GICD_CPENDSGIR		0xf10
#define GICD_SPENDSGIR		0xf20
#define GICD_V2_PIDR2		0xfe8
#define GICD_IROUTER		0x6000
#define GICD_PIDR2		0xffe8

#define GICR_CTLR		0x0000
#define GICR_IIDR		0x0004
#define GICR_TYPER		0x0008
#define GICR_WAKER		0x0014
#define GICR_PIDR2		0xffe8

#define GICC_CTLR		0x00
#define GICC_PMR		0x04
#define GICC_BPR		0x08
#define GICC_IAR		0x0c
#define GICC_EOIR		0x10
#define GICC_RPR		0x14
#define GICC_HPPIR		0x18
#define GICC_ABPR		0x1c
#define GICC_AIAR		0x20
#define GICC_AEOIR		0x24
#define GICC_APR		0xd0
#define GICC_DIR		0x1000

#define GICC_CTLR_GRP0		BIT(0)
#define GICC_CTLR_GRP1		BIT(1)
#define GICC_CTLR_ACKCTL	BIT(2)
#define GICC_CTLR_FIQEN		BIT(3)
#define GICC_CTLR_EOIMODE	BIT(9)

#define ICC_PMR_EL1		S3_0_C4_C6_0
#define ICC_IAR0_EL1		S3_0_C12_C8_0
#define ICC_EOIR0_EL1		S3_0_C12_C8_1
#define ICC_BPR0_EL1		S3_0_C12_C8_3
#define ICC_DIR_EL1		S3_0_C12_C11_1
#define ICC_RPR_EL1		S3_0_C12_C11_3
#define ICC_SGI1R_EL1		S3_0_C12_C11_5
#define ICC_ASGI1R_EL1		S3_0_C12_C11_6
#define ICC_SGI0R_EL1		S3_0_C12_C11_7
#define ICC_IAR1_EL1		S3_0_C12_C12_0
#define ICC_EOIR1_EL1		S3_0_C12_C12_1
#define ICC_HPPIR1_EL1		S3_0_C12_C12_2
#define ICC_BPR1_EL1		S3_0_C12_C12_3
#define ICC_CTLR_EL1		S3_0_C12_C12_4
#define ICC_SRE_EL1		S3_0_C12_C12_5
#define ICC_IGRPEN0_EL1		S3_0_C12_C12_6
#define ICC_IGRPEN1_EL1		S3_0_C12_C12_7

#define ICC_CTLR_EOIMODE	BIT(1)

#define SPURIOUS		1023

/* Set by the test, in the program that both share. */
extern u32 guest_gic_version;

static inline u32 guest_iar(void)
{
	if (guest_gic_version == 2)
		return guest_read32(GUEST_GICC + GICC_IAR);
	return read_sysreg(ICC_IAR1_EL1);
}

static inline void guest_eoi(u32 iar)
{
	if (guest_gic_version == 2)
		guest_write32(GUEST_GICC + GICC_EOIR, iar);
	else
		write_sysreg(iar, ICC_EOIR1_EL1);
	isb();
}

static inline void guest_dir(u32 iar)
{
	if (guest_gic_version == 2)
		guest_write32(GUEST_GICC + GICC_DIR, iar);
	else
		write_sysreg(iar, ICC_DIR_EL1);
	isb();
}

static inline u32 guest_hppir(void)
{
	if (guest_gic_version == 2)
		return guest_read32(GUEST_GICC + GICC_HPPIR);
	return read_sysreg(ICC_HPPIR1_EL1);
}

static inline u32 guest_rpr(void)
{
	if (guest_gic_version == 2)
		return guest_read32(GUEST_GICC + GICC_RPR);
	return read_sysreg(ICC_RPR_EL1);
}

static inline void guest_set_pmr(u32 pmr)
{
	if (guest_gic_version == 2)
		guest_write32(GUEST_GICC + GICC_PMR, pmr);
	else
		write_sysreg(pmr, ICC_PMR_EL1);
	isb();
}

static inline void guest_set_bpr(u32 bpr)
{
	if (guest_gic_version == 2)
		guest_write32(GUEST_GICC + GICC_BPR, bpr);
	else
		write_sysreg(bpr, ICC_BPR1_EL1);
	isb();
}

/* All priorities, in the group of the version; PSTATE still masks. */
static inline void guest_gic_on(bool eoimode)
{
	guest_set_pmr(0xff);
	if (guest_gic_version == 2) {
		guest_write32(GUEST_GICC + GICC_CTLR,
			      GICC_CTLR_GRP0 | (eoimode ? GICC_CTLR_EOIMODE : 0));
	} else {
		write_sysreg(eoimode ? ICC_CTLR_EOIMODE : 0, ICC_CTLR_EL1);
		write_sysreg(1, ICC_IGRPEN1_EL1);
	}
	isb();
}

/* To the vCPU whose MPIDR_EL1 is @target, one of the first eight. */
static inline void guest_send_sgi(u64 target, u64 intid)
{
	if (guest_gic_version == 2)
		guest_write32(GUEST_GICD + GICD_SGIR, BIT(target) << 16 | intid);
	else
		write_sysreg(BIT(target) | intid << 24, ICC_SGI1R_EL1);
	isb();
}

#define guest_unmask()		({ asm volatile("msr daifclr, #3\nisb" : : : "memory"); })
#define guest_mask()		({ asm volatile("msr daifset, #3\nisb" : : : "memory"); })

#endif /* SELFTEST_GUEST_GIC_H */
