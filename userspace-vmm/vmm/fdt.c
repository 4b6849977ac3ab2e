// SPDX-License-Identifier: GPL-2.0
/*
 * The device tree: what is on the board, as the virt board of QEMU words it.
 */
#include <libfdt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "boot.h"

#define PHANDLE_GIC		1
#define PHANDLE_CLOCK		2

/* Cells of an interrupt specifier of a GIC. */
#define GIC_SPI			0
#define GIC_PPI			1
#define IRQ_LEVEL_HIGH		4
/* GICv2: the CPUs that a PPI goes to. */
#define GIC_CPU_MASK(cpus)	(((1U << (cpus)) - 1) << 8)

/* PSCI 0.1 let the device tree choose the function ids. */
#define PSCI_CPU_SUSPEND	0xc4000001
#define PSCI_CPU_OFF		0x84000002
#define PSCI_CPU_ON		0xc4000003

/* The tree so far, and the first error: what follows it does nothing. */
struct tree {
	void *buf;
	int err;
};

static void begin_node(struct tree *t, const char *name)
{
	if (!t->err)
		t->err = fdt_begin_node(t->buf, name);
}

static void end_node(struct tree *t)
{
	if (!t->err)
		t->err = fdt_end_node(t->buf);
}

static void prop(struct tree *t, const char *name, const void *value, size_t len)
{
	if (!t->err)
		t->err = fdt_property(t->buf, name, value, len);
}

static void prop_string(struct tree *t, const char *name, const char *value)
{
	prop(t, name, value, strlen(value) + 1);
}

/* Several strings: each but the last ends in a NUL written out. */
#define prop_strings(t, name, value)	prop(t, name, value, sizeof(value))

static void prop_empty(struct tree *t, const char *name)
{
	prop(t, name, NULL, 0);
}

#define MAX_CELLS	16

static void prop_cells(struct tree *t, const char *name, const u32 *values,
		       size_t count)
{
	fdt32_t cells[MAX_CELLS];
	size_t i;

	for (i = 0; i < count; i++)
		cells[i] = cpu_to_fdt32(values[i]);
	prop(t, name, cells, count * sizeof(*cells));
}

#define prop_u32s(t, name, ...) \
	prop_cells(t, name, (u32 []){ __VA_ARGS__ }, \
		   ARRAY_SIZE(((u32 []){ __VA_ARGS__ })))

static void prop_u64(struct tree *t, const char *name, u64 value)
{
	prop_u32s(t, name, value >> 32, value);
}

/* With #address-cells = #size-cells = 2. */
static void prop_reg(struct tree *t, u64 base, u64 size)
{
	prop_u32s(t, "reg", base >> 32, base, size >> 32, size);
}

static void add_chosen(struct tree *t, const struct config *config,
		       const struct boot_plan *plan)
{
	begin_node(t, "chosen");
	prop_string(t, "stdout-path", "/pl011@9000000");
	if (config->append)
		prop_string(t, "bootargs", config->append);
	if (plan->initrd_size) {
		prop_u64(t, "linux,initrd-start", plan->initrd);
		prop_u64(t, "linux,initrd-end",
			 plan->initrd + plan->initrd_size);
	}
	end_node(t);
}

static void add_cpus(struct tree *t, const struct config *config)
{
	unsigned int i;
	char name[16];

	begin_node(t, "cpus");
	prop_u32s(t, "#address-cells", 1);
	prop_u32s(t, "#size-cells", 0);
	for (i = 0; i < config->cpus; i++) {
		snprintf(name, sizeof(name), "cpu@%llx", board_mpidr(i));
		begin_node(t, name);
		prop_string(t, "device_type", "cpu");
		prop_string(t, "compatible", "arm,armv8");
		prop_u32s(t, "reg", board_mpidr(i));
		prop_string(t, "enable-method", "psci");
		end_node(t);
	}
	end_node(t);
}

static void add_memory(struct tree *t, const struct config *config)
{
	begin_node(t, "memory@40000000");
	prop_string(t, "device_type", "memory");
	prop_reg(t, BOARD_RAM_BASE, config->mem);
	end_node(t);
}

static void add_psci(struct tree *t)
{
	begin_node(t, "psci");
	prop_strings(t, "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
	prop_string(t, "method", "hvc");
	prop_u32s(t, "cpu_suspend", PSCI_CPU_SUSPEND);
	prop_u32s(t, "cpu_off", PSCI_CPU_OFF);
	prop_u32s(t, "cpu_on", PSCI_CPU_ON);
	end_node(t);
}

/*
 * What some systems on a chip say of their counter, as Linux' arm,arch_timer binding has it.
 * A guest reads the counter itself.
 */
static const char * const timer_errata[] = {
	"fsl,erratum-a008585", "hisilicon,erratum-161010101", "allwinner,erratum-unknown1",
};

unsigned int fdt_timer_errata(const char *node)
{
	char path[PATH_MAX];
	unsigned int i, found = 0;

	for (i = 0; i < ARRAY_SIZE(timer_errata); i++) {
		snprintf(path, sizeof(path), "%s/%s", node, timer_errata[i]);
		if (!access(path, F_OK))
			found |= 1U << i;
	}
	return found;
}

static void add_timer(struct tree *t, const struct config *config)
{
	u32 flags = IRQ_LEVEL_HIGH;
	unsigned int i;

	if (config->gic == 2)
		flags |= GIC_CPU_MASK(config->cpus);
	begin_node(t, "timer");
	prop_string(t, "compatible", "arm,armv8-timer");
	prop_empty(t, "always-on");
	for (i = 0; i < ARRAY_SIZE(timer_errata); i++)
		if (config->timer_errata & 1U << i)
			prop_empty(t, timer_errata[i]);
	prop_u32s(t, "interrupts",
		  GIC_PPI, BOARD_TIMER_SEC_PPI, flags,
		  GIC_PPI, BOARD_TIMER_PHYS_PPI, flags,
		  GIC_PPI, BOARD_TIMER_VIRT_PPI, flags,
		  GIC_PPI, BOARD_TIMER_HYP_PPI, flags);
	end_node(t);
}

static void add_gic(struct tree *t, const struct config *config)
{
	begin_node(t, "intc@8000000");
	prop_empty(t, "interrupt-controller");
	prop_u32s(t, "#interrupt-cells", 3);
	prop_u32s(t, "#address-cells", 0);
	prop_u32s(t, "phandle", PHANDLE_GIC);
	if (config->gic == 3) {
		prop_string(t, "compatible", "arm,gic-v3");
		prop_u32s(t, "#redistributor-regions", 1);
		prop_u32s(t, "reg",
			  0, BOARD_GICD_BASE, 0, BOARD_GICD_SIZE,
			  0, BOARD_GICR_BASE, 0, BOARD_GICR_SIZE);
	} else {
		prop_string(t, "compatible", "arm,cortex-a15-gic");
		prop_u32s(t, "reg",
			  0, BOARD_GICD_BASE, 0, BOARD_GICD_SIZE,
			  0, BOARD_GICC_BASE, 0, BOARD_GICC_SIZE);
	}
	end_node(t);
}

static void add_clock(struct tree *t)
{
	begin_node(t, "apb-pclk");
	prop_string(t, "compatible", "fixed-clock");
	prop_u32s(t, "#clock-cells", 0);
	prop_u32s(t, "clock-frequency", BOARD_CLOCK_HZ);
	prop_string(t, "clock-output-names", "clk24mhz");
	prop_u32s(t, "phandle", PHANDLE_CLOCK);
	end_node(t);
}

static void add_uart(struct tree *t)
{
	begin_node(t, "pl011@9000000");
	prop_strings(t, "compatible", "arm,pl011\0arm,primecell");
	prop_reg(t, BOARD_UART_BASE, BOARD_UART_SIZE);
	prop_u32s(t, "interrupts", GIC_SPI, BOARD_UART_SPI, IRQ_LEVEL_HIGH);
	prop_u32s(t, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
	prop_strings(t, "clock-names", "uartclk\0apb_pclk");
	end_node(t);
}

static void add_rtc(struct tree *t)
{
	begin_node(t, "pl031@9010000");
	prop_strings(t, "compatible", "arm,pl031\0arm,primecell");
	prop_reg(t, BOARD_RTC_BASE, BOARD_RTC_SIZE);
	prop_u32s(t, "interrupts", GIC_SPI, BOARD_RTC_SPI, IRQ_LEVEL_HIGH);
	prop_u32s(t, "clocks", PHANDLE_CLOCK);
	prop_string(t, "clock-names", "apb_pclk");
	end_node(t);
}

/*
 * In the order of their addresses, in which the kernel finds them. The level is
 * InterruptStatus: high until the driver has acknowledged all of it.
 */
static void add_virtio(struct tree *t, const struct config *config)
{
	unsigned int i;
	char name[32];
	u64 base;

	for (i = 0; i < config_virtio_slots(config); i++) {
		base = BOARD_VIRTIO_BASE + i * BOARD_VIRTIO_STRIDE;
		snprintf(name, sizeof(name), "virtio_mmio@%llx", base);
		begin_node(t, name);
		prop_string(t, "compatible", "virtio,mmio");
		prop_reg(t, base, BOARD_VIRTIO_STRIDE);
		prop_u32s(t, "interrupts", GIC_SPI, BOARD_VIRTIO_SPI + i,
			  IRQ_LEVEL_HIGH);
		prop_empty(t, "dma-coherent");
		end_node(t);
	}
}

size_t fdt_build(const struct config *config, const struct boot_plan *plan,
		 void *buf, size_t size)
{
	struct tree tree = { .buf = buf };

	tree.err = fdt_create(buf, size);
	if (!tree.err)
		tree.err = fdt_finish_reservemap(buf);
	begin_node(&tree, "");
	prop_string(&tree, "compatible", "linux,dummy-virt");
	prop_string(&tree, "model", "armvcpu");
	prop_u32s(&tree, "#address-cells", 2);
	prop_u32s(&tree, "#size-cells", 2);
	prop_u32s(&tree, "interrupt-parent", PHANDLE_GIC);
	add_chosen(&tree, config, plan);
	add_cpus(&tree, config);
	add_memory(&tree, config);
	add_psci(&tree);
	add_timer(&tree, config);
	add_gic(&tree, config);
	add_clock(&tree);
	add_uart(&tree);
	add_rtc(&tree);
	add_virtio(&tree, config);
	end_node(&tree);
	if (!tree.err)
		tree.err = fdt_finish(buf);
	if (tree.err == -FDT_ERR_NOSPACE)
		die("the device tree does not fit: is --append too long?");
	if (tree.err)
		die("the device tree: %s", fdt_strerror(tree.err));
	return fdt_totalsize(buf);
}
