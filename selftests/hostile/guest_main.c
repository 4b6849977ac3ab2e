// SPDX-License-Identifier: GPL-2.0
/*
 * The hostile guest: runs cases, and puts the machine back into order after each of them.
 * With a test, that is in charge; without, it prints how each case ends, in hexadecimal:
 *
 *   S NUMBER VECTOR ESR OFFSET VALUE       HOSTILE_SYSREG
 *   I NUMBER VECTOR ESR OFFSET SUM [FAR]  HOSTILE_INSN; SUM is of all registers and memory
 *   TS NUMBER, TI NUMBER                   one that the timer has ended
 *   E CASES                                the end: how many there were
 *
 * Those whose first instruction is undefined are left out.
 */
#include "guest.h"

#define PAGE_TABLES	4

/* Where the test looks for it: at the beginning of the data. */
#define __section(name)	__attribute__(( \
	__section__(name)))

struct hostile_ctl hostile_ctl __section(".ctl");
struct hostile_save hostile_save;
u64 hostile_sp;
char hostile_stack[HOSTILE_STACK] __aligned(16);

static u64 tables[PAGE_TABLES][512] __aligned(4096);
static struct hostile_case now;
static u64 counter_hz;

#define __str(x)		#x
#define str(x)			__str(x)

#define read_sysreg(name) ({							\
	u64 __value;								\
										\
	asm volatile("mrs %0, " str(name) : "=r"(__value) : : "memory");	\
	__value;								\
})
#define write_sysreg(value, name) ({						\
	asm volatile("msr " str(name) ", %x0" : : "rZ"((u64)(value)) : "memory"); \
})
/* Most are as they should be, and writes may trap. */
#define reset_sysreg(value, name) ({						\
	u64 __want = (value), __is;						\
										\
	asm volatile(".irp	reg, " str(name) "\n"				\
		     "	mrs	%0, \\reg\n"					\
		     "	cmp	%0, %1\n"					\
		     "	b.eq	1f\n"						\
		     "	msr	\\reg, %1\n"					\
		     "1:\n"							\
		     ".endr" : "=&r"(__is) : "r"(__want) : "cc", "memory");	\
})
#define isb() ({ asm volatile("isb" : : : "memory"); })
#define dsb() ({ asm volatile("dsb sy" : : : "memory"); })

static void write32(u64 address, u32 value)
{
	asm volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static void write64(u64 address, u64 value)
{
	asm volatile("str %0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static u32 read32(u64 address)
{
	u32 value;

	asm volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static u64 read64(u64 address)
{
	u64 value;

	asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return value;
}

/* ---- the MMU ----------------------------------------------------------- */

#define PTE_VALID	BIT(0)
#define PTE_TABLE	BIT(1)
#define PTE_DEVICE	BIT(2)		/* Attr1 */
#define PTE_USER	BIT(6)
#define PTE_RDONLY	BIT(7)
#define PTE_SHARED	(3UL << 8)
#define PTE_AF		BIT(10)
#define PTE_PXN		BIT(53)
#define PTE_UXN		BIT(54)
#define PTE_NORMAL	(PTE_VALID | PTE_SHARED | PTE_AF)

static void mmu_on(void)
{
	u64 *low = tables[0], *ram = tables[1], *devices = tables[2];
	u64 device = PTE_VALID | PTE_AF | PTE_DEVICE | PTE_PXN | PTE_UXN;

	/* Cases reach devices only where somebody knows what they are. */
	if (!hostile_ctl.options.tame)
		device |= PTE_USER;
	devices[HOSTILE_GICD >> 21] = HOSTILE_GICD | device;
	devices[HOSTILE_UART >> 21] = HOSTILE_UART | device;
	devices[HOSTILE_HOLE >> 21] = HOSTILE_HOLE | device;
	low[0] = (u64)devices | PTE_VALID | PTE_TABLE;
	low[1] = (u64)ram | PTE_VALID | PTE_TABLE;
	ram[0] = 0x40000000 | PTE_NORMAL | PTE_RDONLY | PTE_UXN;
	ram[1] = HOSTILE_DATA | PTE_NORMAL | PTE_PXN | PTE_UXN;
	ram[2] = HOSTILE_CODE | PTE_NORMAL | PTE_USER | PTE_RDONLY;
	ram[3] = HOSTILE_SCRATCH | PTE_NORMAL | PTE_USER | PTE_PXN | PTE_UXN;
	ram[4] = HOSTILE_CODE | PTE_NORMAL | PTE_PXN | PTE_UXN;
	dsb();
	write_sysreg(HOSTILE_MAIR, mair_el1);
	write_sysreg(HOSTILE_TCR, tcr_el1);
	write_sysreg((u64)low, ttbr0_el1);
	isb();
	asm volatile("tlbi vmalle1\ndsb nsh\nisb" : : : "memory");
	write_sysreg(HOSTILE_SCTLR | 1, sctlr_el1);
	isb();
}

/* ---- the GIC ----------------------------------------------------------- */

#define TIMER_PPI		27
#define ICC_PMR_EL1		S3_0_C4_C6_0
#define ICC_AP1R0_EL1		S3_0_C12_C9_0
#define ICC_AP0R0_EL1		S3_0_C12_C8_4
#define ICC_IAR1_EL1		S3_0_C12_C12_0
#define ICC_EOIR1_EL1		S3_0_C12_C12_1
#define ICC_BPR1_EL1		S3_0_C12_C12_3
#define ICC_CTLR_EL1		S3_0_C12_C12_4
#define ICC_SRE_EL1		S3_0_C12_C12_5
#define ICC_IGRPEN0_EL1		S3_0_C12_C12_6
#define ICC_IGRPEN1_EL1		S3_0_C12_C12_7

static void gic_private(u64 sgi, u32 group)
{
	unsigned int i;

	write32(sgi + 0x180, ~0U);			/* ICENABLER0 */
	write32(sgi + 0x280, ~0U);			/* ICPENDR0 */
	write32(sgi + 0x380, ~0U);			/* ICACTIVER0 */
	write32(sgi + 0x080, group);			/* IGROUPR0 */
	for (i = 0; i < 8; i++)
		write32(sgi + 0x400 + 4 * i, 0x80808080);	/* IPRIORITYR */
	write32(sgi + 0x100, BIT(TIMER_PPI));		/* ISENABLER0 */
}

static void gic_init(void)
{
	u64 sgi = HOSTILE_GICR + 0x10000;

	switch (hostile_ctl.options.gic) {
	case 2:
		write32(HOSTILE_GICD, 0);
		gic_private(HOSTILE_GICD, 0);
		if (hostile_ctl.options.tame == 0)
			write32(HOSTILE_GICC + 0xd0, 0);	/* GICC_APR0 */
		write32(HOSTILE_GICC + 0x04, 0xff);
		write32(HOSTILE_GICC + 0x00, 1);
		write32(HOSTILE_GICD, 1);
		break;
	case 3:
		write32(HOSTILE_GICR + 0x14, 0);		/* WAKER */
		write32(HOSTILE_GICD, 0x12);			/* ARE, EnableGrp1 */
		gic_private(sgi, ~0U);
		reset_sysreg(7, ICC_SRE_EL1);
		isb();
		write_sysreg(0, ICC_AP1R0_EL1);
		write_sysreg(0, ICC_AP0R0_EL1);
		write_sysreg(0, ICC_CTLR_EL1);
		write_sysreg(0, ICC_BPR1_EL1);
		write_sysreg(0xff, ICC_PMR_EL1);
		write_sysreg(0, ICC_IGRPEN0_EL1);
		write_sysreg(1, ICC_IGRPEN1_EL1);
		isb();
		break;
	}
}

/* All that is pending, within reason. */
static void gic_drain(void)
{
	u32 iar, i;

	for (i = 0; i < 40; i++) {
		if (hostile_ctl.options.gic == 2) {
			iar = read32(HOSTILE_GICC + 0x0c);
			if ((iar & 0x3ff) >= 1020)
				return;
			write32(HOSTILE_GICC + 0x10, iar);
		} else {
			iar = read_sysreg(ICC_IAR1_EL1);
			if (iar >= 1020)
				return;
			write_sysreg(iar, ICC_EOIR1_EL1);
			isb();
		}
	}
}

/* ---- one case ---------------------------------------------------------- */

/* What cases write to, and what would be in the way of the next. */
static void restore(void)
{
	unsigned int i;

	reset_sysreg(0, cntv_ctl_el0);
	/* Where EL1 is the highest level it can be written to. */
	reset_sysreg(counter_hz, cntfrq_el0);
	reset_sysreg((u64)hostile_vectors, vbar_el1);
	if (hostile_ctl.options.mmu) {
		u64 ttbr0 = read_sysreg(ttbr0_el1), tcr = read_sysreg(tcr_el1);
		u64 mair = read_sysreg(mair_el1);

		if (ttbr0 != (u64)tables[0] || tcr != HOSTILE_TCR || mair != HOSTILE_MAIR) {
			write_sysreg((u64)tables[0], ttbr0_el1);
			write_sysreg(HOSTILE_TCR, tcr_el1);
			write_sysreg(HOSTILE_MAIR, mair_el1);
			isb();
			asm volatile("tlbi vmalle1\ndsb nsh\nisb" : : : "memory");
		}
	} else {
		reset_sysreg(0, ttbr0_el1);
		reset_sysreg(0, tcr_el1);
		reset_sysreg(0, mair_el1);
	}
	reset_sysreg(0, ttbr1_el1);
	reset_sysreg(0, amair_el1);
	reset_sysreg(0, afsr0_el1);
	reset_sysreg(0, afsr1_el1);
	reset_sysreg(0, contextidr_el1);
	reset_sysreg(0, tpidr_el1);
	reset_sysreg(0, tpidr_el0);
	reset_sysreg(0, tpidrro_el0);
	reset_sysreg(0, par_el1);
	reset_sysreg(0, csselr_el1);
	reset_sysreg(0x303, cntkctl_el1);
	reset_sysreg(0, cntv_cval_el0);
	reset_sysreg(0, cntp_ctl_el0);
	reset_sysreg(0, mdscr_el1);
	reset_sysreg(0, far_el1);
	if (now.flags & HOSTILE_EL0)
		return;
	/* Of an EL1 case: breakpoints 0 and 1, watchpoints 0 and 1 at the least. */
	if (hostile_ctl.options.kind == HOSTILE_SYSREG ||
	    hostile_ctl.options.kind == HOSTILE_REGS ||
	    hostile_ctl.options.kind == HOSTILE_DEBUG) {
		u32 encoding = now.insn[0] >> 5 & 0xffff;

		if (hostile_ctl.options.kind != HOSTILE_SYSREG || (encoding >> 14 == 2)) {
			reset_sysreg(0, dbgbcr0_el1);
			reset_sysreg(0, dbgbcr1_el1);
			reset_sysreg(0, dbgwcr0_el1);
			reset_sysreg(0, dbgwcr1_el1);
			write_sysreg(0, oslar_el1);
			write_sysreg(0, osdlr_el1);
		}
		/* The GIC's: CRn 12, and ICC_PMR_EL1. */
		if (hostile_ctl.options.kind != HOSTILE_SYSREG ||
		    (encoding >> 7 & 15) == 12 || (encoding >> 7 & 15) == 4) {
			if (hostile_ctl.options.gic == 3)
				gic_init();
		}
	}
	if (hostile_ctl.options.kind == HOSTILE_GIC || hostile_ctl.options.kind == HOSTILE_STORM ||
	    hostile_ctl.options.kind == HOSTILE_MMIO)
		gic_init();
	for (i = 0; i < 2; i++)
		isb();
}

static u64 code_to_write(void)
{
	return hostile_ctl.options.mmu ? HOSTILE_CODE_ALIAS : HOSTILE_CODE;
}

/* A line of any cache is at least as long. */
static void sync_code(u64 write, u64 run, u64 size)
{
	u64 i;

	for (i = 0; i < size; i += 16)
		asm volatile("dc cvau, %0" : : "r"(write + i) : "memory");
	dsb();
	for (i = 0; i < size; i += 16)
		asm volatile("ic ivau, %0" : : "r"(run + i) : "memory");
	dsb();
	isb();
}

static void fill_code(void)
{
	u64 at = code_to_write() + HOSTILE_CODE_START - HOSTILE_CODE_FILLED / 2, i;

	for (i = 0; i < HOSTILE_CODE_FILLED; i += 4)
		write32(at + i, HOSTILE_END_INSN);
	sync_code(at, HOSTILE_CODE + HOSTILE_CODE_START - HOSTILE_CODE_FILLED / 2,
		  HOSTILE_CODE_FILLED);
}

/* What the pointers of cases reach, by default the first part. */
#define SCRATCH_AROUND	0x200

static void fill_scratch(void)
{
	u64 at = HOSTILE_SCRATCH + HOSTILE_SCRATCH_START - SCRATCH_AROUND, i;

	for (i = 0; i < 2 * SCRATCH_AROUND + 0x800; i += 8)
		write64(at + i, (at + i) * 0x9e3779b97f4a7c15UL);
}

/* The syndrome of the case before, where it can be read. */
static void reset_esr(void)
{
	if ((now.insn[0] & ~0x20001fU) == 0xd5185200)
		write_sysreg(0, esr_el1);
}

/* The time of a case; less where it does not matter if that was too little. */
#define HOSTED_PER_SECOND	200
#define CASE_PER_SECOND	64

static void run_case(u64 number)
{
	u64 at = code_to_write() + HOSTILE_CODE_START;
	u32 i;

	hostile_make(&now, &hostile_ctl.options, number);
	if (hostile_ctl.options.kind != HOSTILE_SYSREG)
		fill_scratch();
	for (i = 0; i < now.nr; i++)
		write32(at + 4 * i, now.insn[i]);
	write32(at + 4 * i, HOSTILE_END_INSN);
	sync_code(at, HOSTILE_CODE + HOSTILE_CODE_START, 4 * i + 4);
	/* Writes trap while the MMU is off. */
	if (hostile_ctl.options.kind == HOSTILE_SYSREG)
		reset_esr();
	/* Ends what does not end. */
	write_sysreg(read_sysreg(cntvct_el0) + counter_hz /
		     (hostile_ctl.hosted ? HOSTED_PER_SECOND : CASE_PER_SECOND), cntv_cval_el0);
	write_sysreg(1, cntv_ctl_el0);
	hostile_enter(&now);
	restore();
	if (hostile_save.vector % 4 == 1)
		gic_drain();
}

static int is_end(void)
{
	return (hostile_save.esr >> 26 & 0x3f) == 0x3c &&
	       (hostile_save.esr & 0xffff) == HOSTILE_END_IMM;
}

/* ---- with a test ------------------------------------------------------- */

static void account(u64 number)
{
	u32 ec = hostile_save.esr >> 26 & 0x3f;

	hostile_ctl.done++;
	switch (hostile_save.vector % 4) {
	case 0:
		if (is_end()) {
			hostile_ctl.completed++;
			return;
		}
		hostile_ctl.ec[ec]++;
		hostile_ctl.ec_case[ec] = number;
		hostile_ctl.ec_esr[ec] = hostile_save.esr;
		return;
	case 3:
		hostile_ctl.serrors++;
		hostile_ctl.ec_case[0x2f] = number;
		hostile_ctl.ec_esr[0x2f] = hostile_save.esr;
		return;
	default:
		hostile_ctl.interrupts++;
	}
}

static void hosted(void)
{
	u64 n = hostile_ctl.first, end = n + hostile_ctl.count;

	for (; n < end; n++) {
		hostile_ctl.current = n;
		run_case(n);
		account(n);
	}
	hostile_ctl.state = HOSTILE_DONE;
	dsb();
	for (;;)
		asm volatile("hvc %0" : : "i"(HOSTILE_CALL_IMM)
			     : "x0", "x1", "x2", "x3", "memory");
}

/* ---- by itself --------------------------------------------------------- */

static void put(char c)
{
	write32(HOSTILE_UART, c);
}

static void put_hex(u64 value)
{
	int shift = 60;

	put(' ');
	while (shift && !(value >> shift & 15))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		put("0123456789abcdef"[value >> shift & 15]);
}

static u64 sum(u64 h, u64 v)
{
	h = (h ^ v) * 0x9fb21c651e98df25UL;
	return h ^ h >> 32;
}

static u64 sum_of_all(void)
{
	u64 at = HOSTILE_SCRATCH + HOSTILE_SCRATCH_START - SCRATCH_AROUND, h = 0, i;

	for (i = 0; i < 31; i++)
		h = sum(h, hostile_save.x[i]);
	h = sum(h, hostile_save.sp_el0);
	h = sum(h, hostile_save.sp_el1);
	h = sum(h, hostile_save.spsr);
	h = sum(h, hostile_save.fpcr);
	h = sum(h, hostile_save.fpsr);
	for (i = 0; i < 32; i++)
		h = sum(sum(h, hostile_save.v[i][0]), hostile_save.v[i][1]);
	for (i = 0; i < 2 * SCRATCH_AROUND + 0x800; i += 8)
		h = sum(h, read64(at + i));
	return h;
}

static void print_case(u64 number)
{
	u64 offset = hostile_save.elr - (HOSTILE_CODE + HOSTILE_CODE_START);
	u64 esr = hostile_save.esr;
	u32 ec = esr >> 26 & 0x3f;

	/* An interrupt has no syndrome, and comes at any place: nothing to compare. */
	if (hostile_save.vector % 4 == 1)
		put('T');
	else if (!ec && !offset && !(hostile_save.vector % 4))
		return;
	put(hostile_ctl.options.kind == HOSTILE_SYSREG ? 'S' : 'I');
	put_hex(number);
	if (hostile_save.vector % 4 == 1) {
		put('\n');
		return;
	}
	put_hex(hostile_save.vector);
	put_hex(esr);
	put_hex(offset);
	if (hostile_ctl.options.kind == HOSTILE_SYSREG) {
		/* What was read; behind a write, what has become of it. */
		put_hex(hostile_save.x[number & HOSTILE_SYSREG_WRITE ? 1 : 0]);
	} else {
		put_hex(sum_of_all());
		if ((ec >= 0x20 && ec <= 0x26) || ec == 0x34 || ec == 0x35)
			put_hex(hostile_save.far);
	}
	put('\n');
}

/* The number behind a name in the device tree's bytes: in the kernel's command line. */
static u64 option(const char *fdt, const char *name, u64 otherwise)
{
	u32 size = __builtin_bswap32(read32((u64)fdt + 4)), i, k;
	u64 v = 0;

	for (i = 0; i < size && i < 0x200000; i++) {
		for (k = 0; name[k] && fdt[i + k] == name[k]; k++)
			;
		if (name[k])
			continue;
		for (i += k; fdt[i] >= '0' && fdt[i] <= '9'; i++)
			v = v * 10 + fdt[i] - '0';
		return v;
	}
	return otherwise;
}

static void alone(const char *fdt)
{
	u64 first = option(fdt, "hostile.first=", 0), n = first;
	u64 end = first + option(fdt, "hostile.count=", HOSTILE_SYSREG_CASES);

	hostile_ctl.options.seed = option(fdt, "hostile.seed=", 1);
	hostile_ctl.options.kind = option(fdt, "hostile.kind=", HOSTILE_SYSREG);
	hostile_ctl.options.gic = option(fdt, "hostile.gic=", 3);
	hostile_ctl.options.mmu = option(fdt, "hostile.mmu=", 0);
	hostile_ctl.options.tame = 1;
	if (hostile_ctl.options.mmu)
		mmu_on();
	gic_init();
	fill_code();
	for (; n < end; n++) {
		u32 tries = 0;

		/* A machine that others use as well may be slow, but not always. */
		do {
			run_case(n);
		} while (hostile_save.vector % 4 == 1 && ++tries < 5);
		print_case(n);
		/* What a case may have written to it. */
		if (n % 256 == 255)
			fill_code();
	}
	put('E');
	put_hex(end - first);
	put('\n');
	for (;;) {
		register u64 x0 asm("x0") = 0x84000008;	/* PSCI SYSTEM_OFF */

		asm volatile("hvc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
	}
}

void guest_main(const void *fdt)
{
	write_sysreg(HOSTILE_SCTLR, sctlr_el1);
	isb();
	counter_hz = read_sysreg(cntfrq_el0);
	if (!hostile_ctl.hosted)
		alone(fdt);
	if (hostile_ctl.options.mmu)
		mmu_on();
	gic_init();
	fill_code();
	hosted();
}
