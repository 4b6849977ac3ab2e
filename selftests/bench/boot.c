// SPDX-License-Identifier: GPL-2.0
/*
 * The least of a VMM that boots Linux and powers it off, the same for both
 * hypervisors: an Image, an initial ramdisk and a device tree in memory, a PL011
 * that is always ready, and what the hypervisor has itself: GICv3, timer, PSCI.
 */
#include <endian.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define MIB		0x100000UL
#define IMAGE_ALIGN	(2 * MIB)
#define FDT_MAX		0x10000UL

#define RAM_BASE	0x40000000UL
#define RAM_SIZE	(128 * MIB)
#define GICD_BASE	0x08000000UL
#define GICD_SIZE	0x10000UL
#define GICR_BASE	0x080a0000UL
#define GICR_SIZE	0x20000UL
#define UART_BASE	0x09000000UL
#define UART_SIZE	0x1000UL
#define UART_SPI	1
#define CLOCK_HZ	24000000

#define PHANDLE_GIC	1
#define PHANDLE_CLOCK	2
#define IRQ_SPI		0
#define IRQ_PPI		1
#define IRQ_LEVEL_HIGH	4

#define BOOTARGS	"quiet rdinit=/bin/busybox -- poweroff -f"

/* ---- what is in memory --------------------------------------------------- */

static u64 align_up(u64 value, u64 align)
{
	return (value + align - 1) & ~(align - 1);
}

/* The whole file; its size. */
static u64 load(const char *path, char *ram, u64 offset)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	u64 done = 0;

	if (fd < 0 || fstat(fd, &st))
		bench_die("%s: %m", path);
	if (offset + st.st_size > RAM_SIZE)
		bench_die("%s: too large", path);
	while (done < (u64)st.st_size) {
		ssize_t n = read(fd, ram + offset + done, st.st_size - done);

		if (n <= 0)
			bench_die("%s: %m", path);
		done += n;
	}
	close(fd);
	return done;
}

/* Of Documentation/arm64/booting.rst. */
struct image_header {
	u32 code[2];
	u64 text_offset;
	u64 image_size;
	u64 flags;
	u64 reserved[3];
	u32 magic;
	u32 pe_offset;
};

#define IMAGE_MAGIC	0x644d5241

/* The first error counts; what follows it does nothing. */
static int fdt_error;

#define try_fdt(call) do {							\
	if (!fdt_error)								\
		fdt_error = (call);						\
} while (0)

static void prop_cells(void *fdt, const char *name, const u32 *cells, unsigned int count)
{
	fdt32_t values[16];
	unsigned int i;

	for (i = 0; i < count; i++)
		values[i] = cpu_to_fdt32(cells[i]);
	try_fdt(fdt_property(fdt, name, values, count * sizeof(*values)));
}

#define prop_u32s(fdt, name, ...) do {						\
	const u32 __cells[] = { __VA_ARGS__ };					\
										\
	prop_cells(fdt, name, __cells, ARRAY_SIZE(__cells));			\
} while (0)
#define prop_string(fdt, name, value)	try_fdt(fdt_property_string(fdt, name, value))
/* Several: each but the last ends in a NUL written out. */
#define prop_strings(fdt, name, value)	try_fdt(fdt_property(fdt, name, value, sizeof(value)))
#define prop_empty(fdt, name)		try_fdt(fdt_property(fdt, name, NULL, 0))
#define begin_node(fdt, name)		try_fdt(fdt_begin_node(fdt, name))
#define end_node(fdt)			try_fdt(fdt_end_node(fdt))

static void add_platform(void *fdt)
{
	begin_node(fdt, "psci");
	prop_strings(fdt, "compatible", "arm,psci-1.0\0arm,psci-0.2");
	prop_string(fdt, "method", "hvc");
	end_node(fdt);

	begin_node(fdt, "timer");
	prop_string(fdt, "compatible", "arm,armv8-timer");
	prop_empty(fdt, "always-on");
	prop_u32s(fdt, "interrupts", IRQ_PPI, 13, IRQ_LEVEL_HIGH, IRQ_PPI, 14, IRQ_LEVEL_HIGH,
		  IRQ_PPI, 11, IRQ_LEVEL_HIGH, IRQ_PPI, 10, IRQ_LEVEL_HIGH);
	end_node(fdt);

	begin_node(fdt, "intc@8000000");
	prop_string(fdt, "compatible", "arm,gic-v3");
	prop_empty(fdt, "interrupt-controller");
	prop_u32s(fdt, "#interrupt-cells", 3);
	prop_u32s(fdt, "#address-cells", 0);
	prop_u32s(fdt, "reg", 0, GICD_BASE, 0, GICD_SIZE, 0, GICR_BASE, 0, GICR_SIZE);
	prop_u32s(fdt, "phandle", PHANDLE_GIC);
	end_node(fdt);

	begin_node(fdt, "apb-pclk");
	prop_string(fdt, "compatible", "fixed-clock");
	prop_u32s(fdt, "#clock-cells", 0);
	prop_u32s(fdt, "clock-frequency", CLOCK_HZ);
	prop_u32s(fdt, "phandle", PHANDLE_CLOCK);
	end_node(fdt);

	begin_node(fdt, "pl011@9000000");
	prop_strings(fdt, "compatible", "arm,pl011\0arm,primecell");
	prop_u32s(fdt, "reg", 0, UART_BASE, 0, UART_SIZE);
	prop_u32s(fdt, "interrupts", IRQ_SPI, UART_SPI, IRQ_LEVEL_HIGH);
	prop_u32s(fdt, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
	prop_strings(fdt, "clock-names", "uartclk\0apb_pclk");
	end_node(fdt);
}

static void build_fdt(void *fdt, u64 initrd, u64 initrd_size)
{
	fdt_error = 0;
	try_fdt(fdt_create(fdt, FDT_MAX));
	try_fdt(fdt_finish_reservemap(fdt));
	begin_node(fdt, "");
	prop_string(fdt, "compatible", "linux,dummy-virt");
	prop_u32s(fdt, "#address-cells", 2);
	prop_u32s(fdt, "#size-cells", 2);
	prop_u32s(fdt, "interrupt-parent", PHANDLE_GIC);

	begin_node(fdt, "chosen");
	prop_string(fdt, "stdout-path", "/pl011@9000000");
	prop_string(fdt, "bootargs", BOOTARGS);
	prop_u32s(fdt, "linux,initrd-start", 0, initrd);
	prop_u32s(fdt, "linux,initrd-end", 0, initrd + initrd_size);
	end_node(fdt);

	begin_node(fdt, "cpus");
	prop_u32s(fdt, "#address-cells", 1);
	prop_u32s(fdt, "#size-cells", 0);
	begin_node(fdt, "cpu@0");
	prop_string(fdt, "device_type", "cpu");
	prop_string(fdt, "compatible", "arm,armv8");
	prop_u32s(fdt, "reg", 0);
	prop_string(fdt, "enable-method", "psci");
	end_node(fdt);
	end_node(fdt);

	begin_node(fdt, "memory@40000000");
	prop_string(fdt, "device_type", "memory");
	prop_u32s(fdt, "reg", 0, RAM_BASE, 0, RAM_SIZE);
	end_node(fdt);

	add_platform(fdt);
	end_node(fdt);
	try_fdt(fdt_finish(fdt));
	if (fdt_error)
		bench_die("the device tree: %s", fdt_strerror(fdt_error));
}

/* As armvcpu-vmm lays it out; where the kernel begins and where its device tree is. */
static void load_all(const struct boot_files *files, char *ram, struct cpu_regs *regs)
{
	const struct image_header *header;
	u64 image, end, initrd, size;
	struct image_header copy;
	int fd = open(files->kernel, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, &copy, sizeof(copy)) != sizeof(copy))
		bench_die("%s: %m", files->kernel);
	close(fd);
	header = &copy;
	if (le32toh(header->magic) != IMAGE_MAGIC)
		bench_die("%s: not an arm64 Image", files->kernel);
	image = le64toh(header->text_offset);
	load(files->kernel, ram, image);

	end = align_up(image + le64toh(header->image_size), IMAGE_ALIGN);
	initrd = align_up(end + FDT_MAX, IMAGE_ALIGN);
	size = load(files->initrd, ram, initrd);
	build_fdt(ram + end, RAM_BASE + initrd, size);
	regs->pc = RAM_BASE + image;
	regs->x[0] = RAM_BASE + end;
}

/* ---- the PL011 ------------------------------------------------------------- */

#define UARTDR		0x00
#define UARTFR		0x18
#define UARTRIS		0x3c
#define UARTMIS		0x40
#define UARTICR		0x44
#define UART_ID		0xfe0
#define FR_RXFE		BIT(4)
#define FR_TXFE		BIT(7)

static u32 uart_regs[UART_SIZE / 4];

static u32 uart_read(u64 offset)
{
	static const u8 id[] = { 0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	switch (offset) {
	case UARTFR:
		return FR_RXFE | FR_TXFE;
	case UARTDR:
	case UARTRIS:
	case UARTMIS:
		return 0;
	}
	if (offset >= UART_ID)
		return id[(offset - UART_ID) / 4];
	return uart_regs[offset / 4];
}

static void uart_write(u64 offset, u32 value)
{
	/* What it sends goes nowhere. */
	uart_regs[offset / 4] = value;
}

/* ---- a life ---------------------------------------------------------------- */

static void handle_mmio(const struct backend *be, struct cpu *cpu)
{
	struct mmio mmio;
	bool uart;

	be->get_mmio(cpu, &mmio);
	uart = mmio.address >= UART_BASE && mmio.address < UART_BASE + UART_SIZE;
	if (mmio.is_write) {
		if (uart)
			uart_write(mmio.address - UART_BASE, mmio.data);
	} else {
		be->set_mmio_data(cpu, uart ? uart_read(mmio.address - UART_BASE) : 0);
	}
}

void boot_linux(const struct backend *be, const struct boot_files *files)
{
	static const struct gic_frames frames = {
		.dist = GICD_BASE, .redist = GICR_BASE, .nr_irqs = 64, .nr_cpus = 1,
	};
	struct machine vm = { .be = be };
	struct cpu_regs regs = { .pc = 0 };
	struct cpu cpu;
	char *ram;

	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		bench_die("the guest's memory: %m");
	be->open(&vm);
	be->vm_create(&vm);
	be->gic_create(&vm, &frames);
	be->cpu_create(&cpu, &vm, 0, false);
	vm.cpus[0] = &cpu;
	be->gic_ready(&vm);
	load_all(files, ram, &regs);
	be->set_slot(&vm, 0, false, RAM_BASE, RAM_SIZE, ram);
	be->set_regs(&cpu, &regs);

	for (;;) {
		switch (be->run(&cpu)) {
		case EXIT_MMIO:
			handle_mmio(be, &cpu);
			break;
		case EXIT_CALL:
		case EXIT_INTR:
			break;
		case EXIT_SHUTDOWN:
			be->cpu_close(&cpu);
			be->vm_close(&vm);
			close(vm.sys);
			munmap(ram, RAM_SIZE);
			return;
		default:
			be->print_exit(&cpu);
			bench_die("the guest cannot go on");
		}
	}
}
