// SPDX-License-Identifier: GPL-2.0
/*
 * A guest for testing the VMM: does what the characters on its serial port say
 * and tells what came of it. Runs with the MMU off, on whatever loads it.
 */
#include "hypercall.h"
#include "monitor.h"

#define UART		0x09000000UL
#define UARTDR		(UART + 0x00)
#define UARTFR		(UART + 0x18)
#define UARTFR_RXFE	0x10
#define UARTID		(UART + 0xfe0)
#define RTC		0x09010000UL
#define GICD		0x08000000UL
#define ROM		0x00000000UL
/* Nothing is here, up to the RAM. */
#define NOWHERE		0x0a000000UL

#define FDT_MAGIC	0xd00dfeedU

#define PSCI_CPU_SUSPEND	0xc4000001
#define PSCI_CPU_OFF		0x84000002
#define PSCI_CPU_ON		0xc4000003
#define PSCI_AFFINITY_INFO	0xc4000004
#define PSCI_SYSTEM_OFF		0x84000008
#define PSCI_SYSTEM_RESET	0x84000009
#define PSCI_SYSTEM_SUSPEND	0xc400000e
/* Of no one. */
#define CALL_UNKNOWN		0xc6000000

/* Context id of a CPU that stays in the guest. */
#define STAY			0x57a1

u64 entry[5];
static u64 mailbox;
static u64 touched;

u32 read32(unsigned long addr)
{
	u32 value;

	asm volatile("ldr %w0, [%1]" : "=r" (value) : "r" (addr) : "memory");
	return value;
}

void write32(unsigned long addr, u32 value)
{
	asm volatile("str %w0, [%1]" : : "r" (value), "r" (addr) : "memory");
}

static long call(u64 fn, u64 a1, u64 a2, u64 a3)
{
	register u64 x0 asm("x0") = fn;
	register u64 x1 asm("x1") = a1;
	register u64 x2 asm("x2") = a2;
	register u64 x3 asm("x3") = a3;

	asm volatile("hvc #0"
		     : "+r" (x0), "+r" (x1), "+r" (x2), "+r" (x3) : : "memory");
	return x0;
}

void print(const char *text)
{
	while (*text)
		write32(UARTDR, *text++);
}

static void print_hex(u64 value)
{
	int shift;

	for (shift = 60; shift > 0 && !(value >> shift); shift -= 4)
		;
	for (; shift >= 0; shift -= 4)
		write32(UARTDR, "0123456789abcdef"[value >> shift & 15]);
}

void report(const char *what, u64 value)
{
	print(what);
	print(" ");
	print_hex(value);
	print("\n");
}

int getchar(void)
{
	while (read32(UARTFR) & UARTFR_RXFE)
		;
	return read32(UARTDR) & 0xff;
}

/* Goes on behind the instruction. */
void exception(u64 esr)
{
	report("took ec", esr >> 26);
}

void secondary(u64 context)
{
	u64 stale;

	/* What an earlier life of this CPU left must not be there. */
	asm volatile("mrs %0, tpidr_el1" : "=r" (stale));
	__atomic_store_n(&mailbox, context + stale, __ATOMIC_RELEASE);
	if (context == STAY) {
		for (;;)
			;
	}
	asm volatile("msr tpidr_el1, %0" : : "r" (0x1000UL));
	call(PSCI_CPU_OFF, 0, 0, 0);
}

static void start_secondary(u64 context)
{
	mailbox = 0;
	report("CPU_ON", call(PSCI_CPU_ON, 1, (unsigned long)secondary_start,
			      context));
	while (!__atomic_load_n(&mailbox, __ATOMIC_ACQUIRE))
		;
	report("CPU 1 says", mailbox);
}

/* Twice: it must come back from off as it came the first time. */
static void use_secondary(u64 context)
{
	start_secondary(context);
	while (call(PSCI_AFFINITY_INFO, 1, 0, 0) != 1)
		;
}

static void access_nowhere(void)
{
	u64 value;

	write32(NOWHERE, 0x12345678);
	report("unmapped", read32(NOWHERE));
	asm volatile("ldr %0, [%1]" : "=r" (value) : "r" (NOWHERE) : "memory");
	report("unmapped", value);
}

/* What has no syndrome, and works: pairs, writeback, SIMD registers. */
static void access_devices(void)
{
	u64 a, b, at = UARTID;

	asm volatile("msr cpacr_el1, %0; isb" : : "r" (3UL << 20));
	asm volatile("ldp %w0, %w1, [%2]"
		     : "=&r" (a), "=&r" (b) : "r" (at) : "memory");
	report("PL011 by a pair", a << 8 | b);
	asm volatile("ldr %w0, [%1, #8]!" : "=&r" (a), "+r" (at) : : "memory");
	report("with writeback", a << 16 | (at & 0xfff));
	at = UARTID + 16;
	asm volatile("ld1 {v0.4s}, [%1], #16; xtn v0.4h, v0.4s; umov %0, v0.d[0]"
		     : "=&r" (a), "+r" (at) : : "memory");
	report("by a SIMD register", a);
	report("and behind it", at & 0xffff);
	asm volatile("ldr q0, [%0]; str q0, [%0]" : : "r" (NOWHERE) : "memory");
	asm volatile("stp %w0, wzr, [%1]" : : "r" ('='), "r" (UARTDR) : "memory");
	at = UARTDR;
	asm volatile("strb %w1, [%0], #1" : "+r" (at) : "r" ('\n') : "memory");
	/* Two pages, of which the second one is nobody's. */
	asm volatile("ldp %w0, %w1, [%2]"
		     : "=&r" (a), "=&r" (b) : "r" (UART + 0xffc) : "memory");
	report("in two pages", a << 8 | b);
	/* The first virtio slot. */
	asm volatile("ldp %w0, %w1, [%2]"
		     : "=&r" (a), "=&r" (b) : "r" (NOWHERE) : "memory");
	report("virtio", a << 8 | b);
	at = read32(ROM);
	asm volatile("stp %0, %0, [%1]" : : "r" (~at), "r" (ROM) : "memory");
	report("the ROM has changed", at != read32(ROM));
}

/* What has none, and does not: an exclusive; a pair of the module's interrupt controller. */
static void access_in_vain(void)
{
	asm volatile("ldxr w0, [%0]" : : "r" (NOWHERE) : "x0", "memory");
	asm volatile("ldxr w0, [%0]" : : "r" (UART) : "x0", "memory");
	asm volatile("ldp w0, w1, [%0]" : : "r" (GICD) : "x0", "x1", "memory");
}

static void flood(void)
{
	unsigned int i;

	for (i = 0; i < 1000; i++)
		read32(NOWHERE + 4096UL * i);
	for (i = 0; i < 1000; i++)
		asm volatile("mrs x0, s3_0_c12_c12_0" : : : "x0");
}

static u64 counter(void)
{
	u64 value;

	asm volatile("isb; mrs %0, cntvct_el0" : "=r" (value) : : "memory");
	return value;
}

/* A tenth of a second; a WFI may end before its time, but not often. */
static void wait(void)
{
	unsigned int count = 0;
	u64 until, hz;

	asm volatile("mrs %0, cntfrq_el0" : "=r" (hz));
	until = counter() + hz / 10;
	asm volatile("msr cntv_cval_el0, %0; msr cntv_ctl_el0, %1; isb"
		     : : "r" (until), "r" (1UL));
	while (counter() < until) {
		asm volatile("wfi");
		count++;
	}
	report("waited too often", count > 5);
	asm volatile("msr cntv_ctl_el0, %0" : : "r" (0UL));
}

/*
 * Suspends that the timer ends early. Not all of them, for the host may be slow;
 * more than the input ends that is still coming.
 */
static int suspend_briefly(void)
{
	unsigned int i, early = 0;
	u64 hz, began;

	asm volatile("mrs %0, cntfrq_el0" : "=r" (hz));
	for (i = 0; i < 20; i++) {
		began = counter();
		asm volatile("msr cntv_cval_el0, %0; msr cntv_ctl_el0, %1; isb"
			     : : "r" (began + hz / 100), "r" (1UL));
		call(PSCI_CPU_SUSPEND, 0, 0, 0);
		early += counter() - began < hz / 12;
	}
	asm volatile("msr cntv_ctl_el0, %0" : : "r" (0UL));
	return early > 4;
}

/* Registers that are no business of the VMM's, and still are there. */
static void silent_registers(void)
{
	u64 value, later;

	/* ID_AA64MMFR0_EL1, one without a meaning, MPIDR_EL1. */
	asm volatile("mrs %0, s3_0_c0_c7_0" : "=r" (value));
	asm volatile("mrs %0, s3_0_c0_c7_7" : "=r" (value));
	asm volatile("mrs %0, mpidr_el1" : "=r" (value));
	/* ACTLR_EL1, AFSR0_EL1, AFSR1_EL1, AMAIR_EL1. */
	asm volatile("msr actlr_el1, %0; mrs %0, actlr_el1" : "+r" (value));
	asm volatile("msr afsr0_el1, xzr; mrs %0, afsr0_el1" : "=r" (value));
	asm volatile("msr afsr1_el1, xzr; mrs %0, afsr1_el1" : "=r" (value));
	asm volatile("msr amair_el1, xzr; mrs %0, amair_el1" : "=r" (value));
	/* The physical counter runs; its timer does not. */
	asm volatile("isb; mrs %0, cntpct_el0" : "=r" (value) : : "memory");
	asm volatile("msr s3_3_c14_c2_1, %0" : : "r" (1UL));
	asm volatile("isb; mrs %0, cntpct_el0" : "=r" (later) : : "memory");
	report("the counter runs", later > value);
	asm volatile("mrs %0, s3_3_c14_c2_1" : "=r" (value));
	report("CNTP_CTL_EL0", value);
}

static void report_entry(void)
{
	u64 el, daif, sctlr;

	asm volatile("mrs %0, currentel; mrs %1, daif; mrs %2, sctlr_el1"
		     : "=r" (el), "=r" (daif), "=r" (sctlr));
	report("entry", entry[0]);
	report("x0", entry[1]);
	report("x1 to x3", entry[2] | entry[3] | entry[4]);
	report("EL", el >> 2);
	report("masked", daif >> 6);
	report("MMU and caches", sctlr & 0x1005);
}

static long console_write(u64 count, const u64 *bytes)
{
	register u64 x0 asm("x0") = HYPERCALL_CONSOLE_WRITE;
	register u64 x1 asm("x1") = count;

	asm volatile("ldp x2, x3, [%2]; ldp x4, x5, [%2, #16]\n"
		     "ldp x6, x7, [%2, #32]; hvc #0"
		     : "+r" (x0), "+r" (x1) : "r" (bytes)
		     : "x2", "x3", "x4", "x5", "x6", "x7", "memory");
	return x0;
}

/* Without a device; the line has as many bytes as fit. */
static void print_early(void)
{
	static const union {
		char text[56];
		u64 bytes[7];
	} lines[] = {
		{ .text = "this line comes without a device, in one piece!\n" },
		{ .text = "?" },
	};

	report("early", console_write(0, lines[1].bytes));
	report("early", console_write(48, lines[0].bytes));
	report("too long", console_write(49, lines[1].bytes));
	report("much too long", console_write(~0UL, lines[1].bytes));
}

/* As it is, without a line's end. */
static void dump_fdt(void)
{
	const u8 *fdt = (const u8 *)entry[1];
	u32 i, size = __builtin_bswap32(*(const u32 *)(fdt + 4));

	for (i = 0; i < size; i++)
		write32(UARTDR, fdt[i]);
}

/* The one at an address of eight digits. */
static void read_word(void)
{
	unsigned int i;
	u64 addr = 0;

	for (i = 0; i < 8; i++) {
		int c = getchar();

		addr = addr << 4 | (c <= '9' ? c - '0' : c - 'a' + 10);
	}
	print("word ");
	print_hex(addr);
	report("", read32(addr));
}

/* Writes to all pages of it, and tells how many of them had something. */
static void touch_spare(void)
{
	unsigned long addr;
	u64 kept = 0;

	for (addr = SPARE; addr < SPARE + SPARE_SIZE; addr += 4096) {
		kept += !!read32(addr);
		write32(addr, 0x11111111);
	}
	report("kept", kept);
}

static int command(int c)
{
	u64 value;

	switch (c) {
	case '1':
		use_secondary(0x5a);
		use_secondary(0xa5);
		return 1;
	case '2':
		start_secondary(STAY);
		return 1;
	case '@':
		read_word();
		return 1;
	case 'a':
		access_in_vain();
		return 1;
	case 'b':
		print_early();
		return 1;
	case 'c':
		report("unknown call", call(CALL_UNKNOWN, 1, 2, 3));
		return 1;
	case 'd':
		dump_fdt();
		return 1;
	case 'e':
		report("echo", getchar());
		return 1;
	case 'f':
		flood();
		return 1;
	case 'g':
		/* MDCCINT_EL1, and a register of an interrupt controller. */
		asm volatile("mrs %0, s2_0_c0_c2_0" : "=r" (value));
		asm volatile("mrs x0, s3_0_c12_c12_0" : : : "x0");
		return 1;
	case 'h':
		call(PSCI_CPU_OFF, 0, 0, 0);
		return 1;
	case 'i':
		silent_registers();
		return 1;
	case 'j':
		access_devices();
		return 1;
	case 'k':
		report_entry();
		return 1;
	case 'm':
		report("memory was", touched);
		touched = 1;
		return 1;
	case 'n':
		for (;;)
			;
	case 'p':
		call(PSCI_SYSTEM_OFF, 0, 0, 0);
		return 1;
	case 'r':
		call(PSCI_SYSTEM_RESET, 0, 0, 0);
		return 1;
	case 's':
		report("CPU_SUSPEND", call(PSCI_CPU_SUSPEND, 0, 0, 0));
		report("SYSTEM_SUSPEND", call(PSCI_SYSTEM_SUSPEND,
					      (unsigned long)secondary_start,
					      0, 0));
		return 1;
	case 't':
		report("RTC later than 2020", read32(RTC) > 1577836800);
		return 1;
	case 'u':
		access_nowhere();
		return 1;
	case 'w':
		wait();
		return 1;
	case 'z':
		report("CPU_SUSPEND ends with the timer", suspend_briefly());
		return 1;
	case 'B':
		virtio_inflate();
		return 1;
	case 'C':
		virtio_talk();
		return 1;
	case 'D':
		virtio_disk();
		return 1;
	case 'F':
		virtio_report_all();
		return 1;
	case 'G':
		virtio_inflate_all();
		return 1;
	case 'H':
		virtio_hostile();
		return 1;
	case 'L':
		virtio_list();
		return 1;
	case 'M':
		touch_spare();
		return 1;
	case 'R':
		virtio_random();
		return 1;
	case 'S':
		virtio_size();
		return 1;
	case 'Y':
		virtio_busy();
		return 1;
	case 'W':
		for (;;)
			asm volatile("wfi");
	}
	return 0;
}

void monitor(const u32 *fdt)
{
	report("device tree", __builtin_bswap32(*fdt) == FDT_MAGIC);
	for (;;) {
		int c = getchar();

		if (!command(c))
			report("no such command", c);
	}
}
