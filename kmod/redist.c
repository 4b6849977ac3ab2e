// SPDX-License-Identifier: GPL-2.0
/*
 * The redistributors of the host's GICv3: EL2 uses each CPU's own to make the virtual
 * timer's interrupt a guest's without the host, and the others' to ring at the CPU that
 * another vCPU is on (hyp/gic.c).  Both interrupts are ours (el2_host.c); Linux does
 * not notice.
 *
 * Where firmware does not say where they are, the host does all of that.
 */
#include <linux/acpi.h>
#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/of.h>
#include <linux/of_address.h>
#include <linux/slab.h>
#include <asm/cputype.h>

#include "kmod.h"
#include "madt.h"

#define GICR_TYPER		0x0008
#define GICR_PIDR2		0xffe8
#define GICR_TYPER_VLPIS	BIT_ULL(1)
#define GICR_TYPER_LAST		BIT_ULL(4)
#define GICR_FRAME		0x10000
/* RD_base and SGI_base; with VLPIs two frames more. */
#define GICR_SIZE		(2 * GICR_FRAME)

/**
 * struct redist - one of them
 * @affinity: of its CPU, as GICR_TYPER has it.
 * @sgi: physical address of its SGI_base.
 */
struct redist {
	u32 affinity;
	phys_addr_t sgi;
};

static struct redist *redists;
static unsigned int nr_redists;

static void note(u64 typer, phys_addr_t base)
{
	phys_addr_t sgi = base + GICR_FRAME;

	if (nr_redists == num_possible_cpus() || el2_map_device(sgi))
		return;
	redists[nr_redists++] = (struct redist) { .affinity = typer >> 32, .sgi = sgi };
}

/* All of a region; or only the first one, of a CPU whose firmware names it alone. */
static void walk(phys_addr_t base, u64 size, u64 stride, bool one)
{
	void __iomem *regs = ioremap(base, size);
	u64 offset = 0, typer;
	u32 rev;

	if (!regs)
		return;
	while (offset + GICR_SIZE <= size) {
		rev = readl_relaxed(regs + offset + GICR_PIDR2) >> 4 & 0xf;
		if (rev != 3 && rev != 4)
			break;
		typer = readq_relaxed(regs + offset + GICR_TYPER);
		note(typer, base + offset);
		if (one || typer & GICR_TYPER_LAST)
			break;
		offset += stride ?: typer & GICR_TYPER_VLPIS ? 2 * GICR_SIZE : GICR_SIZE;
	}
	iounmap(regs);
}

static void __init find_of(void)
{
	struct device_node *node = of_find_compatible_node(NULL, NULL, "arm,gic-v3");
	u32 regions = 1, i;
	u64 stride = 0;

	if (!node)
		return;
	of_property_read_u32(node, "#redistributor-regions", &regions);
	of_property_read_u64(node, "redistributor-stride", &stride);
	for (i = 0; i < regions; i++) {
		struct resource res;

		/* The first one is the distributor. */
		if (of_address_to_resource(node, 1 + i, &res))
			break;
		walk(res.start, resource_size(&res), stride, false);
	}
	of_node_put(node);
}

#ifdef CONFIG_ACPI
static void __init find_acpi(void)
{
	struct acpi_table_header *table;
	struct acpi_subtable_header *entry = NULL;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_MADT, 0, &table)))
		return;
	while ((entry = madt_next(table, entry))) {
		struct acpi_madt_generic_redistributor *region = (void *)entry;
		struct acpi_madt_generic_interrupt *gicc = (void *)entry;

		if (entry->type == ACPI_MADT_TYPE_GENERIC_REDISTRIBUTOR)
			walk(region->base_address, region->length, 0, false);
		else if (entry->type == ACPI_MADT_TYPE_GENERIC_INTERRUPT &&
			 gicc->gicr_base_address)
			walk(gicc->gicr_base_address, GICR_SIZE, 0, true);
	}
	acpi_put_table(table);
}
#else
static void __init find_acpi(void)
{
}
#endif

/**
 * redist_cpu_up() - EL2 of this CPU gets to know its own
 */
void redist_cpu_up(void)
{
	u64 mpidr = read_cpuid_mpidr();
	u32 affinity = (mpidr >> 32 & 0xff) << 24 | (mpidr & 0xffffff), i;

	for (i = 0; i < nr_redists; i++)
		if (redists[i].affinity == affinity)
			el2_set_redist(redists[i].sgi);
}

static void cpu_up_here(void *unused)
{
	redist_cpu_up();
}

/**
 * redist_init() - find them; the host has a GICv3, and EL2 is ours
 */
void __init redist_init(void)
{
	redists = kcalloc(num_possible_cpus(), sizeof(*redists), GFP_KERNEL);
	if (!redists)
		return;
	if (acpi_disabled)
		find_of();
	else
		find_acpi();
	/* CPUs that come later do it themselves. */
	on_each_cpu(cpu_up_here, NULL, 1);
}

/**
 * redist_destroy() - the module goes, EL2's map has gone
 */
void redist_destroy(void)
{
	kfree(redists);
}
