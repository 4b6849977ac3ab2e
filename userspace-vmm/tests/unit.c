// SPDX-License-Identifier: GPL-2.0
/*
 * What can be tested of the VMM without a guest: devices, bus, console keys,
 * Image header, device tree. Prints TAP. With arguments it is what helper.c makes
 * of it.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "boot.h"
#include "device.h"
#include "helper.h"
#include "libarmvcpu.h"
#include "pl011.h"
#include "pl031.h"
#include "term.h"

bool failed;
static bool any_failed;
static unsigned int num_tests;
static const char *skipped;

void test_begin(void)
{
	failed = false;
	skipped = NULL;
}

void test_skip(const char *why)
{
	skipped = why;
}

void test_end(const char *name)
{
	printf("%sok %u %s", failed ? "not " : "", ++num_tests, name);
	if (skipped && !failed)
		printf(" # SKIP %s", skipped);
	printf("\n");
	fflush(stdout);
	any_failed |= failed;
}

static u32 reg_read(struct device *dev, u64 reg)
{
	return dev->ops->read(dev, reg, 4);
}

static void reg_write(struct device *dev, u64 reg, u32 value)
{
	dev->ops->write(dev, reg, 4, value);
}

static void check_primecell_id(struct device *dev, const u8 *part)
{
	static const u8 cell[] = { 0x0d, 0xf0, 0x05, 0xb1 };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		CHECK(reg_read(dev, 0xfe0 + 4 * i) == part[i]);
		CHECK(reg_read(dev, 0xff0 + 4 * i) == cell[i]);
	}
}

/* ---- PL011 ------------------------------------------------------------- */

#define DR	0x00
#define RSR	0x04
#define FR	0x18
#define LCR_H	0x2c
#define CR	0x30
#define IFLS	0x34
#define IMSC	0x38
#define RIS	0x3c
#define MIS	0x40
#define ICR	0x44

#define RXFE	BIT(4)
#define RXFF	BIT(6)
#define TXFE	BIT(7)

#define RX	BIT(4)
#define TX	BIT(5)
#define RT	BIT(6)
#define BE	BIT(9)

static struct pl011 uart;
static char sent[64];
static size_t num_sent;

static void keep(struct pl011 *from, u8 c)
{
	(void)from;
	if (num_sent < sizeof(sent))
		sent[num_sent++] = c;
}

static void uart_new(void)
{
	pl011_init(&uart, BOARD_UART_BASE, BOARD_UART_SIZE);
	uart.transmit = keep;
	num_sent = 0;
}

static void type(unsigned int count, u16 first)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		u16 c = (u8)(first + i);

		CHECK(pl011_receive(&uart, &c, 1) == 1);
	}
}

static void test_pl011_reset(void)
{
	static const u8 part[] = { 0x11, 0x10, 0x14, 0x00 };

	uart_new();
	CHECK((reg_read(&uart.dev, FR) & (RXFE | RXFF | TXFE)) == (RXFE | TXFE));
	CHECK(reg_read(&uart.dev, CR) == 0x300);
	CHECK(reg_read(&uart.dev, IFLS) == 0x12);
	CHECK(!reg_read(&uart.dev, RIS));
	CHECK(!reg_read(&uart.dev, DR));
	check_primecell_id(&uart.dev, part);

	reg_write(&uart.dev, CR, 0xffffffff);
	reg_write(&uart.dev, IMSC, 0xffffffff);
	reg_write(&uart.dev, LCR_H, 0xffffffff);
	CHECK(reg_read(&uart.dev, CR) == 0xff87);
	CHECK(reg_read(&uart.dev, IMSC) == 0x7ff);
	CHECK(reg_read(&uart.dev, LCR_H) == 0xff);
	uart.dev.ops->reset(&uart.dev);
	CHECK(reg_read(&uart.dev, CR) == 0x300);
	CHECK(!reg_read(&uart.dev, IMSC));
}

static void test_pl011_transmit(void)
{
	uart_new();
	reg_write(&uart.dev, DR, 'a');
	uart.dev.ops->write(&uart.dev, DR, 1, 'b');
	CHECK(num_sent == 2 && sent[0] == 'a' && sent[1] == 'b');
	CHECK(reg_read(&uart.dev, RIS) == TX);
	CHECK(!uart.irq.level);
	reg_write(&uart.dev, IMSC, TX);
	CHECK(uart.irq.level);
	CHECK(reg_read(&uart.dev, MIS) == TX);
	reg_write(&uart.dev, ICR, TX);
	CHECK(!uart.irq.level);

	/* Loopback. */
	reg_write(&uart.dev, CR, 0x380);
	reg_write(&uart.dev, DR, 'c');
	CHECK(num_sent == 2);
	CHECK(reg_read(&uart.dev, DR) == 'c');
}

static void test_pl011_receive(void)
{
	unsigned int i;

	/* Without FIFOs: one character, the others wait outside. */
	uart_new();
	reg_write(&uart.dev, IMSC, RX);
	type(3, 'a');
	CHECK((reg_read(&uart.dev, FR) & (RXFE | RXFF)) == RXFF);
	CHECK(uart.irq.level);
	CHECK(reg_read(&uart.dev, DR) == 'a');
	CHECK(uart.irq.level);
	CHECK(reg_read(&uart.dev, DR) == 'b');
	CHECK(reg_read(&uart.dev, DR) == 'c');
	CHECK(!uart.irq.level);
	CHECK((reg_read(&uart.dev, FR) & (RXFE | RXFF)) == RXFE);

	/* With FIFOs: trigger level 8, and the timeout below it. */
	uart_new();
	reg_write(&uart.dev, LCR_H, 0x70);
	type(7, 0);
	CHECK((reg_read(&uart.dev, RIS) & (RX | RT)) == RT);
	type(1, 7);
	CHECK((reg_read(&uart.dev, RIS) & (RX | RT)) == (RX | RT));
	type(8, 8);
	CHECK(reg_read(&uart.dev, FR) & RXFF);
	type(20, 16);
	for (i = 0; i < 36; i++) {
		CHECK(!(reg_read(&uart.dev, FR) & RXFE));
		CHECK(reg_read(&uart.dev, DR) == i);
	}
	CHECK(reg_read(&uart.dev, FR) & RXFE);
	CHECK(!(reg_read(&uart.dev, RIS) & (RX | RT)));

	/* Over a reset nothing is lost. */
	type(20, 0);
	uart.dev.ops->reset(&uart.dev);
	CHECK(reg_read(&uart.dev, RIS) == RX);
	for (i = 0; i < 20; i++) {
		CHECK(!(reg_read(&uart.dev, FR) & RXFE));
		CHECK(reg_read(&uart.dev, DR) == i);
	}
	CHECK(reg_read(&uart.dev, FR) & RXFE);
}

static void test_pl011_break(void)
{
	u16 c = PL011_BREAK;

	uart_new();
	pl011_receive(&uart, &c, 1);
	CHECK(reg_read(&uart.dev, RIS) & BE);
	CHECK(reg_read(&uart.dev, DR) == 0x500);
	CHECK(reg_read(&uart.dev, RSR) == 0x5);
	reg_write(&uart.dev, RSR, 0);
	CHECK(!reg_read(&uart.dev, RSR));
}

static void test_pl011_full(void)
{
	u16 chars[PL011_QUEUE_SIZE + 8] = { 0 };

	uart_new();
	CHECK(pl011_room(&uart) == PL011_QUEUE_SIZE);
	CHECK(pl011_receive(&uart, chars, ARRAY_SIZE(chars)) == PL011_QUEUE_SIZE);
	/* One of them has moved on into the holding register. */
	CHECK(pl011_room(&uart) == 1);
	CHECK(pl011_receive(&uart, chars, 2) == 1);
	CHECK(pl011_receive(&uart, chars, 1) == 0);
	reg_read(&uart.dev, DR);
	CHECK(pl011_room(&uart) == 1);
}

/* Any access a guest can make, with all lengths and offsets. */
static void test_hostile(struct device *dev)
{
	unsigned int len;
	u64 offset;

	for (offset = 0; offset < dev->size; offset++) {
		for (len = 1; len <= 8; len *= 2) {
			dev->ops->write(dev, offset, len, ~0ULL);
			dev->ops->read(dev, offset, len);
		}
	}
}

static void test_pl011_hostile(void)
{
	uart_new();
	test_hostile(&uart.dev);
	CHECK(num_sent > 0);
}

/* ---- PL031 ------------------------------------------------------------- */

static struct pl031 rtc;
static time_t fake_time;

static time_t fake_now(void)
{
	return fake_time;
}

static void rtc_new(time_t now)
{
	pl031_init(&rtc, BOARD_RTC_BASE, BOARD_RTC_SIZE);
	rtc.now = fake_now;
	fake_time = now;
}

static void test_pl031_time(void)
{
	static const u8 part[] = { 0x31, 0x10, 0x04, 0x00 };

	rtc_new(1700000000);
	CHECK(reg_read(&rtc.dev, 0x00) == 1700000000);
	fake_time++;
	CHECK(reg_read(&rtc.dev, 0x00) == 1700000001);
	CHECK(reg_read(&rtc.dev, 0x0c) == 1);
	check_primecell_id(&rtc.dev, part);

	/* Set, and kept over a reset. */
	reg_write(&rtc.dev, 0x08, 1000);
	fake_time += 5;
	CHECK(reg_read(&rtc.dev, 0x00) == 1005);
	rtc.dev.ops->reset(&rtc.dev);
	CHECK(reg_read(&rtc.dev, 0x00) == 1005);
}

static void test_pl031_alarm(void)
{
	rtc_new(1700000000);
	reg_write(&rtc.dev, 0x04, 1700000010);
	reg_write(&rtc.dev, 0x10, 1);
	fake_time += 9;
	rtc.dev.ops->tick(&rtc.dev);
	CHECK(!rtc.irq.level);
	fake_time++;
	rtc.dev.ops->tick(&rtc.dev);
	CHECK(rtc.irq.level);
	CHECK(reg_read(&rtc.dev, 0x18) == 1);
	reg_write(&rtc.dev, 0x1c, 1);
	CHECK(!rtc.irq.level);
	/* Once. */
	fake_time += 10;
	rtc.dev.ops->tick(&rtc.dev);
	CHECK(!reg_read(&rtc.dev, 0x14));
}

static void test_pl031_hostile(void)
{
	rtc_new(1700000000);
	test_hostile(&rtc.dev);
}

/* ---- Bus --------------------------------------------------------------- */

static void test_bus(void)
{
	static struct bus bus;
	u64 i;

	uart_new();
	bus_init(&bus);
	bus_add(&bus, &uart.dev);
	bus_write(&bus, BOARD_UART_BASE, 1, 'x', 0);
	CHECK(num_sent == 1 && sent[0] == 'x');
	CHECK(bus_read(&bus, BOARD_UART_BASE + CR, 4, 0) == 0x300);
	/* The other bytes of a register. */
	CHECK(bus_read(&bus, BOARD_UART_BASE + CR + 1, 1, 0) == 0x03);

	CHECK(bus_read(&bus, BOARD_UART_BASE - 1, 1, 0) == 0);
	CHECK(bus_read(&bus, BOARD_UART_BASE + BOARD_UART_SIZE, 8, 0) == 0);
	bus_write(&bus, ~0ULL, 8, 0, 0);
	CHECK(bus.num_holes == 3);
	/* More pages than it counts one by one. */
	for (i = 0; i < 1000; i++)
		bus_read(&bus, 0x100000000ULL + i * 4096, 4, 0);
	CHECK(bus.num_holes == BUS_HOLES);
	CHECK(bus.rest.reads == 1000 - (BUS_HOLES - 3));
}

/* ---- Console ----------------------------------------------------------- */

static void test_keys(void)
{
	static const struct {
		const char *in;
		enum term_key last;
		u8 c;
	} keys[] = {
		{ "x", TERM_CHAR, 'x' },
		{ "\001", TERM_NONE, 0 },
		{ "\001x", TERM_QUIT, 0 },
		{ "\001b", TERM_BREAK, 0 },
		{ "\001h", TERM_HELP, 0 },
		{ "\001?", TERM_HELP, 0 },
		{ "\001a", TERM_CHAR, 1 },
		{ "\001\001", TERM_CHAR, 1 },
		{ "\001\001x", TERM_CHAR, 'x' },
		{ "\001c", TERM_CONSOLE, 0 },
		{ "\001-", TERM_INFLATE, 0 },
		{ "\001+", TERM_DEFLATE, 0 },
		{ "\001ax", TERM_CHAR, 'x' },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		struct term_decoder decoder = { 0 };
		enum term_key key = TERM_NONE;
		const char *p;
		u8 c = 0;

		for (p = keys[i].in; *p; p++) {
			c = *p;
			key = term_decode(&decoder, &c);
		}
		CHECK(key == keys[i].last);
		CHECK(key != TERM_CHAR || c == keys[i].c);
	}
}

/* ---- Image ------------------------------------------------------------- */

static void test_image(void)
{
	struct image_header good = {
		.image_size = htole64(0x2000000),
		.magic = htole32(0x644d5241),
	};
	struct image_header header = good;
	u64 offset, size;

	CHECK(!boot_parse_image(&header, 0x1000000, &offset, &size));
	CHECK(offset == 0 && size == 0x2000000);
	/* A file that is longer than it says. */
	CHECK(!boot_parse_image(&header, 0x3000000, &offset, &size));
	CHECK(size == 0x3000000);
	/* Before v3.17. */
	header.image_size = 0;
	CHECK(!boot_parse_image(&header, 0x1000, &offset, &size));
	CHECK(offset == 0x80000 && size == 0x1000);

	CHECK(boot_parse_image(&good, 63, &offset, &size));
	header = good;
	header.magic = 0;
	CHECK(boot_parse_image(&header, 0x1000, &offset, &size));
	header = good;
	header.text_offset = htole64(~0ULL);
	CHECK(boot_parse_image(&header, 0x1000, &offset, &size));
	header = good;
	header.image_size = htole64(~0ULL);
	CHECK(boot_parse_image(&header, 0x1000, &offset, &size));
	header = good;
	memcpy(&header, "\x1f\x8b", 2);
	CHECK(boot_parse_image(&header, 0x1000, &offset, &size));
	memcpy(&header, "\177ELF", 4);
	CHECK(boot_parse_image(&header, 0x1000, &offset, &size));
}

/* ---- Device tree ------------------------------------------------------- */

static char fdt[BOARD_FDT_MAX];

static const void *fdt_prop(const char *path, const char *name, int *len)
{
	int node = fdt_path_offset(fdt, path);

	*len = -1;
	return node < 0 ? NULL : fdt_getprop(fdt, node, name, len);
}

static void check_cells(const char *path, const char *name, const u32 *cells,
			int count)
{
	const fdt32_t *prop;
	int len, i;

	prop = fdt_prop(path, name, &len);
	CHECK(prop && len == count * 4);
	if (!prop || len != count * 4)
		return;
	for (i = 0; i < count; i++)
		CHECK(fdt32_to_cpu(prop[i]) == cells[i]);
}

#define CHECK_CELLS(path, name, ...) \
	check_cells(path, name, (u32 []){ __VA_ARGS__ }, \
		    ARRAY_SIZE(((u32 []){ __VA_ARGS__ })))

static void check_string(const char *path, const char *name, const char *string)
{
	const char *prop;
	int len;

	prop = fdt_prop(path, name, &len);
	CHECK(prop && !strcmp(prop, string));
}

/* Each property that the host's timer has, and no other. */
static void test_timer_errata(void)
{
	static const char * const names[] = {
		"fsl,erratum-a008585", "hisilicon,erratum-161010101", "allwinner,erratum-unknown1",
	};
	struct config config = { .cpus = 1, .gic = 3, .mem = 128 << 20 };
	char dir[] = "/tmp/armvcpu-unit-XXXXXX", path[128];
	struct boot_plan plan = { 0 };
	unsigned int i, k;
	int len;

	CHECK(mkdtemp(dir));
	for (i = 0; i <= ARRAY_SIZE(names); i++) {
		if (i < ARRAY_SIZE(names)) {
			snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
			CHECK(close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) == 0);
		}
		config.timer_errata = fdt_timer_errata(dir);
		fdt_build(&config, &plan, fdt, sizeof(fdt));
		for (k = 0; k < ARRAY_SIZE(names); k++)
			CHECK(!!fdt_prop("/timer", names[k], &len) == (k == i));
		unlink(path);
	}
	rmdir(dir);
	CHECK(!fdt_timer_errata(dir));
}

static void test_fdt(void)
{
	struct config config = {
		.mem = 5 * GIB, .cpus = 3, .gic = 3, .append = "quiet",
	};
	struct boot_plan plan = {
		.initrd = 0x48000000, .initrd_size = 0x1234,
	};
	size_t size;

	size = fdt_build(&config, &plan, fdt, sizeof(fdt));
	CHECK(!fdt_check_full(fdt, size));
	CHECK_CELLS("/memory@40000000", "reg", 0, 0x40000000, 1, 0x40000000);
	CHECK_CELLS("/chosen", "linux,initrd-start", 0, 0x48000000);
	CHECK_CELLS("/chosen", "linux,initrd-end", 0, 0x48001234);
	check_string("/chosen", "bootargs", "quiet");
	check_string("/chosen", "stdout-path", "/pl011@9000000");
	check_string("/psci", "method", "hvc");
	CHECK_CELLS("/cpus/cpu@2", "reg", 2);
	CHECK(fdt_path_offset(fdt, "/cpus/cpu@3") < 0);
	check_string("/intc@8000000", "compatible", "arm,gic-v3");
	CHECK_CELLS("/pl011@9000000", "interrupts", 0, 1, 4);
	CHECK_CELLS("/pl031@9010000", "reg", 0, 0x09010000, 0, 0x1000);
	CHECK_CELLS("/timer", "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4,
		    1, 10, 4);

	CHECK(fdt_path_offset(fdt, "/virtio_mmio@a000000") < 0);

	config.num_disks = 30;
	config.rng = true;
	config.console = true;
	size = fdt_build(&config, &plan, fdt, sizeof(fdt));
	CHECK(!fdt_check_full(fdt, size));
	check_string("/virtio_mmio@a000000", "compatible", "virtio,mmio");
	CHECK_CELLS("/virtio_mmio@a000000", "reg", 0, 0x0a000000, 0, 0x200);
	CHECK_CELLS("/virtio_mmio@a000000", "interrupts", 0, 16, 4);
	CHECK_CELLS("/virtio_mmio@a003e00", "reg", 0, 0x0a003e00, 0, 0x200);
	CHECK_CELLS("/virtio_mmio@a003e00", "interrupts", 0, 47, 4);
	CHECK(fdt_path_offset(fdt, "/virtio_mmio@a004000") < 0);
	/* The kernel finds them in the order of the tree. */
	CHECK(fdt_path_offset(fdt, "/virtio_mmio@a000000") <
	      fdt_path_offset(fdt, "/virtio_mmio@a000200"));

	config.gic = 2;
	config.append = NULL;
	plan.initrd_size = 0;
	fdt_build(&config, &plan, fdt, sizeof(fdt));
	check_string("/intc@8000000", "compatible", "arm,cortex-a15-gic");
	CHECK_CELLS("/timer", "interrupts", 1, 13, 0x704, 1, 14, 0x704,
		    1, 11, 0x704, 1, 10, 0x704);
	CHECK(fdt_path_offset(fdt, "/chosen") >= 0);
	CHECK(!fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), "bootargs",
			   NULL));
}

/* ---- Names ------------------------------------------------------------- */

static void check_reg_name(u32 id, const char *name)
{
	char buf[ARMVCPU_REG_NAME_SIZE];

	CHECK(!strcmp(armvcpu_reg_name(id, buf, sizeof(buf)), name));
}

static void test_names(void)
{
	check_reg_name(ARMVCPU_REG_SYS(3, 0, 1, 0, 0), "SCTLR_EL1");
	check_reg_name(ARMVCPU_REG_SYS(3, 0, 15, 2, 1), "S3_0_C15_C2_1");
	check_reg_name(ARMVCPU_REG_SYS(2, 0, 0, 13, 7), "DBGWCR13_EL1");
	check_reg_name(ARMVCPU_REG_SYS(2, 0, 0, 13, 3), "S2_0_C0_C13_3");
	check_reg_name(ARMVCPU_REG_X(30), "x30");
	check_reg_name(ARMVCPU_REG_SPSR_EL1, "SPSR_EL1");
	check_reg_name(ARMVCPU_REG_V_HI(31), "v31.d[1]");
	check_reg_name(ARMVCPU_REG_FPCR, "FPCR");
	check_reg_name(ARMVCPU_REG_CNTVOFF, "CNTVOFF_EL2");
	check_reg_name(ARMVCPU_REG_CLASS_CORE | 37, "0x02000025");
	check_reg_name(~0U, "0xffffffff");
	CHECK(!strcmp(armvcpu_exit_name(ARMVCPU_EXIT_FAIL), "FAIL"));
	CHECK(!strcmp(armvcpu_exit_name(ARMVCPU_EXIT_DIRTY_RING_FULL), "DIRTY_RING_FULL"));
	CHECK(!strcmp(armvcpu_exit_name(ARMVCPU_EXIT_DIRTY_RING_FULL + 1), "?"));
	CHECK(!strcmp(armvcpu_ec_name(0x24), "data abort"));
	CHECK(!strcmp(armvcpu_ec_name(0x3f), "?"));
	CHECK(!strcmp(armvcpu_ec_name(0x40), "?"));
	CHECK(!strcmp(armvcpu_el2_name(ARMVCPU_EL2_GIC), "GIC"));
	CHECK(!strcmp(armvcpu_el2_name(7), "?"));
	CHECK(!strcmp(armvcpu_el2_name(ARMVCPU_EL2_PASSED), "PASSED"));
	CHECK(!strcmp(armvcpu_el2_name(ARMVCPU_EL2_PASSED + 1), "?"));
	CHECK(!strcmp(armvcpu_psci_name(ARMVCPU_PSCI_CPU_ON), "CPU_ON"));
}

/* ---- What a vCPU shares with us ---------------------------------------- */

static void test_queue_line(void)
{
	static struct armvcpu_run run;
	struct armvcpu_vcpu vcpu = { .fd = -1, .run = &run };
	u32 i;

	memset(&run, 0, sizeof(run));
	for (i = 0; i < ARMVCPU_RUN_LINES; i++)
		CHECK(!armvcpu_vcpu_queue_line(&vcpu, 32 + i,
					       ARMVCPU_LINE_HIGH));
	CHECK(armvcpu_vcpu_queue_line(&vcpu, 99, ARMVCPU_LINE_LOW) == -ENOSPC);
	CHECK(run.nr_lines == ARMVCPU_RUN_LINES);
	CHECK(run.lines[0].intid == 32 && run.lines[7].intid == 39);
	CHECK(run.lines[7].level == ARMVCPU_LINE_HIGH);
	/* RUN has set them. */
	run.nr_lines = 0;
	CHECK(!armvcpu_vcpu_queue_line(&vcpu, 17, ARMVCPU_LINE_PULSE));
	CHECK(run.lines[0].intid == 17 && run.nr_lines == 1);
}

static void test_posted(void)
{
	static struct armvcpu_run run;
	struct armvcpu_vcpu vcpu = { .fd = -1, .run = &run };
	struct armvcpu_posted_ring *ring = &run.posted;
	struct armvcpu_posted write = { .ipa = 1 };
	u32 i;

	memset(&run, 0, sizeof(run));
	/* Both numbers wrap around. */
	ring->head = -3;
	ring->tail = -3;
	CHECK(!armvcpu_vcpu_next_posted(&vcpu, &write));
	CHECK(write.ipa == 1);
	for (i = 0; i < ARMVCPU_POSTED_SIZE; i++) {
		ring->writes[ring->tail++ % ARMVCPU_POSTED_SIZE] =
			(struct armvcpu_posted){ .ipa = 0x1000 + i, .len = 4 };
	}
	for (i = 0; i < ARMVCPU_POSTED_SIZE; i++) {
		CHECK(armvcpu_vcpu_next_posted(&vcpu, &write) == 1);
		CHECK(write.ipa == 0x1000 + i && write.len == 4);
	}
	CHECK(!armvcpu_vcpu_next_posted(&vcpu, &write));
	CHECK(ring->head == ring->tail);
}

static void test_dirty_ring(void)
{
	const size_t size = ARMVCPU_DIRTY_RING_SIZE((size_t)64);
	struct armvcpu_dirty_ring *ring = calloc(1, size);
	struct armvcpu_vcpu vcpu = { .fd = -1, .ring = ring, .ring_entries = 64 };
	struct armvcpu_dirty_page pages[64] = { { .slot = 1 } };
	u32 i;

	if (!ring)
		abort();
	/* What is written there is not believed. */
	ring->entries = 7;
	ring->head = -3;
	ring->tail = -3;
	CHECK(armvcpu_vcpu_take_dirty_pages(&vcpu, pages, 64) == 0);
	CHECK(pages[0].slot == 1);
	for (i = 0; i < 64; i++) {
		ring->pages[ring->tail++ % 64] =
			(struct armvcpu_dirty_page){ .slot = 2, .page = i };
	}
	CHECK(armvcpu_vcpu_take_dirty_pages(&vcpu, pages, 10) == 10);
	CHECK(pages[0].page == 0 && pages[9].page == 9);
	CHECK(ring->head == 7);
	CHECK(armvcpu_vcpu_take_dirty_pages(&vcpu, pages, 64) == 54);
	CHECK(pages[0].page == 10 && pages[53].page == 63);
	CHECK(ring->head == ring->tail);
	free(ring);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{ "pl011: state after a reset", test_pl011_reset },
		{ "pl011: transmit", test_pl011_transmit },
		{ "pl011: receive", test_pl011_receive },
		{ "pl011: break", test_pl011_break },
		{ "pl011: more input than it takes", test_pl011_full },
		{ "pl011: any access", test_pl011_hostile },
		{ "pl031: time", test_pl031_time },
		{ "pl031: alarm", test_pl031_alarm },
		{ "pl031: any access", test_pl031_hostile },
		{ "bus: devices and holes", test_bus },
		{ "term: keys", test_keys },
		{ "boot: Image header", test_image },
		{ "fdt: what the guest is told", test_fdt },
		{ "fdt: the host's errata of its counter are the guest's", test_timer_errata },
		{ "lib: names", test_names },
		{ "lib: lines for the next RUN", test_queue_line },
		{ "lib: posted writes", test_posted },
		{ "lib: rings of dirty pages", test_dirty_ring },
	};
	size_t i;

	if (argc > 1)
		return helper_main(argv + 1);
	printf("TAP version 13\n");
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		test_begin();
		tests[i].run();
		test_end(tests[i].name);
	}
	virtio_tests();
	virtio_dev_tests();
	balloon_tests();
	ram_tests();
	net_tests();
	watch_tests();
	insn_tests();
	sandbox_tests();
	printf("1..%u\n", num_tests);
	return any_failed;
}
