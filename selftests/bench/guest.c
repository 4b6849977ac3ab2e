// SPDX-License-Identifier: GPL-2.0
/* The guest of the benchmark, the same for both hypervisors; see guest.h. */
#include "bench_guest.h"

u64 bench_result;
u64 bench_stop;

#define PSCI_CPU_ON		0xc4000003UL
#define PSCI_CPU_OFF		0x84000002UL

#define GICD_CTLR_ENABLE	0x12	/* ARE_NS, EnableGrp1NS */
#define SPI_EDGE		2
#define TIMER_PPI		27
#define CTL_ENABLE		1

/* Both by name only, below. */
static u64 second_stack[1024] __used __aligned(16);

static void doorbell(void)
{
	guest_write32(DOORBELL, 0);
}

/* ---- the GICv3 ------------------------------------------------------------- */

static void gic_on(void)
{
	u64 sgi = GUEST_GICR + read_sysreg(mpidr_el1) % 256 * GICR_STRIDE + GICR_SGI;

	guest_write32(GUEST_GICD + GICD_CTLR, GICD_CTLR_ENABLE);
	guest_write32(sgi - GICR_SGI + GICR_WAKER, 0);
	guest_write32(sgi + GICD_IGROUPR, ~0U);
	guest_write32(sgi + GICD_ISENABLER, 0xffff | BIT(TIMER_PPI));
	write_sysreg(0xff, ICC_PMR_EL1);
	write_sysreg(0, ICC_CTLR_EL1);
	write_sysreg(1, ICC_IGRPEN1_EL1);
	isb();
}

static void spi_on(void)
{
	u64 word = BENCH_SPI / 32 * 4, bit = BIT(BENCH_SPI % 32);

	gic_on();
	guest_write32(GUEST_GICD + GICD_IGROUPR + word, bit);
	guest_write32(GUEST_GICD + GICD_ICFGR + BENCH_SPI / 16 * 4,
		      SPI_EDGE << BENCH_SPI % 16 * 2);
	guest_write64(GUEST_GICD + GICD_IROUTER + BENCH_SPI * 8, 0);
	guest_write32(GUEST_GICD + GICD_ISENABLER + word, bit);
}

static u64 iar(void)
{
	return read_sysreg(ICC_IAR1_EL1);
}

static void eoi(u64 intid)
{
	write_sysreg(intid, ICC_EOIR1_EL1);
	isb();
}

/* IRQs are masked: whoever acknowledges one has it. */
static void take_interrupt(void)
{
	u64 intid;

	do {
		intid = iar();
	} while (intid == SPURIOUS);
	eoi(intid);
}

/* The same for who has nothing to do meanwhile. */
static void wait_for_interrupt(void)
{
	u64 intid;

	for (;;) {
		intid = iar();
		if (intid != SPURIOUS)
			break;
		asm volatile("wfi" : : : "memory");
	}
	eoi(intid);
}

/* ... and for who leaves the core to another thread of it, which QEMU's CPUs are. */
static void await_interrupt(void)
{
	u64 intid;

	for (;;) {
		intid = iar();
		if (intid != SPURIOUS)
			break;
		asm volatile("yield" : : : "memory");
	}
	eoi(intid);
}

static void send_sgi(u64 target)
{
	write_sysreg(BIT(target), ICC_SGI1R_EL1);
	isb();
}

/* ---- one operation per exit ------------------------------------------------ */

void bench_mmio_read(void)
{
	for (;;)
		guest_read32(DOORBELL);
}

void bench_mmio_write(void)
{
	for (;;)
		doorbell();
}

void bench_mmio_read_fp(void)
{
	for (;;) {
		guest_read32(DOORBELL);
		use_fp();
	}
}

void bench_mmio_write_irq(void)
{
	spi_on();
	for (;;) {
		doorbell();
		take_interrupt();
	}
}

void bench_irqfd(void)
{
	spi_on();
	for (;;) {
		doorbell();
		wait_for_interrupt();
	}
}

/* ---- many operations between two exits ------------------------------------- */

#define BATCH(count, operation) do {						\
	u64 __i;								\
										\
	for (;;) {								\
		doorbell();							\
		for (__i = 0; __i < (count); __i++) {				\
			operation;						\
		}								\
	}									\
} while (0)

void bench_empty(u64 count)
{
	BATCH(count, asm volatile("" : : : "memory"));
}

void bench_hvc(u64 count, u64 fn)
{
	BATCH(count, bench_result = guest_hvc(fn, 0, 0, 0));
}

void bench_mrs_id_aa64pfr0(u64 count)
{
	BATCH(count, read_sysreg(id_aa64pfr0_el1));
}

void bench_mrs_id_aa64mmfr1(u64 count)
{
	BATCH(count, read_sysreg(id_aa64mmfr1_el1));
}

void bench_mrs_oslsr(u64 count)
{
	BATCH(count, read_sysreg(oslsr_el1));
}

void bench_read(u64 count, u64 address)
{
	BATCH(count, guest_read32(address));
}

void bench_write(u64 count, u64 address)
{
	BATCH(count, guest_write32(address, 0));
}

void bench_sgi_self(u64 count)
{
	gic_on();
	BATCH(count, send_sgi(0); take_interrupt());
}

/* There and back is two. */
void bench_ipi_ping(u64 count)
{
	gic_on();
	BATCH(count / 2, send_sgi(1); await_interrupt());
}

void bench_ipi_pong(void)
{
	gic_on();
	doorbell();
	while (!READ_ONCE(bench_stop)) {
		await_interrupt();
		send_sgi(0);
	}
	for (;;)
		doorbell();
}

/* ---- memory ---------------------------------------------------------------- */

void bench_touch_read(u64 base, u64 size)
{
	u64 at;

	for (;;) {
		doorbell();
		for (at = base; at < base + size; at += 4096)
			guest_read64(at);
	}
}

void bench_touch_write(u64 base, u64 size)
{
	u64 at;

	for (;;) {
		doorbell();
		for (at = base; at < base + size; at += 4096)
			guest_write64(at, at);
	}
}

/* ---- time ------------------------------------------------------------------ */

static u64 counter(void)
{
	isb();
	return read_sysreg(cntvct_el0);
}

/* A deadline; they differ in where they lie between two ticks of the host. */
static u64 arm_timer(void)
{
	u64 deadline = counter() + TIMER_DISTANCE;

	write_sysreg(deadline, cntv_cval_el0);
	write_sysreg(CTL_ENABLE, cntv_ctl_el0);
	isb();
	return deadline;
}

static void disarm_timer(void)
{
	write_sysreg(0, cntv_ctl_el0);
	isb();
}

void bench_wfi_timer(u64 count)
{
	u64 i, intid, deadline;

	gic_on();
	for (;;) {
		doorbell();
		bench_result = 0;
		for (i = 0; i < count; i++) {
			deadline = arm_timer();
			do {
				asm volatile("wfi" : : : "memory");
				intid = iar();
			} while (intid == SPURIOUS);
			bench_result += counter() - deadline;
			disarm_timer();
			eoi(intid);
		}
	}
}

static u64 fired_at;

static void timer_handler(struct guest_frame *frame, u64 vector)
{
	u64 now = counter(), intid = iar();

	(void)frame;
	(void)vector;
	disarm_timer();
	eoi(intid);
	WRITE_ONCE(fired_at, now);
}

void bench_timer_running(u64 count)
{
	u64 i, deadline;

	gic_on();
	guest_cpu()->handler = timer_handler;
	guest_unmask();
	for (;;) {
		doorbell();
		bench_result = 0;
		for (i = 0; i < count; i++) {
			WRITE_ONCE(fired_at, 0);
			deadline = arm_timer();
			while (!READ_ONCE(fired_at))
				;
			bench_result += READ_ONCE(fired_at) - deadline;
		}
	}
}

/* ---- the second vCPU ------------------------------------------------------- */

static u64 second_started;

/* Its first instructions. */
SECOND_ENTRY(second_entry);

static void __used second_main(u64 started)
{
	WRITE_ONCE(second_started, started);
	dsb();
	send_sgi(0);
	for (;;)
		guest_hvc(PSCI_CPU_OFF, 0, 0, 0);
}

void bench_cpu_on(u64 count, u64 page_table)
{
	u64 i, start;

	gic_on();
	for (;;) {
		doorbell();
		bench_result = 0;
		for (i = 0; i < count; i++) {
			for (;;) {
				start = counter();
				if (!guest_hvc(PSCI_CPU_ON, 1, (u64)second_entry, page_table))
					break;
				/* Its CPU_OFF is still under way. */
				guest_write32(DOORBELL_YIELD, 0);
			}
			wait_for_interrupt();
			bench_result += READ_ONCE(second_started) - start;
		}
	}
}

/* ---- work ------------------------------------------------------------------ */

noinline u64 work_compute(u64 count)
{
	u64 i, x = 1;

	for (i = 0; i < count; i++) {
		x = x * 6364136223846793005UL + 1442695040888963407UL;
		x ^= x >> 29;
		/* Not to be done once for all. */
		asm volatile("" : "+r"(x));
	}
	return x;
}

noinline u64 work_memory(u64 *buffer, u64 words, u64 rounds)
{
	u64 i, sum = 0;

	while (rounds--) {
		for (i = 0; i < words; i++) {
			sum += buffer[i];
			buffer[i] = sum;
			asm volatile("" : : : "memory");
		}
	}
	return sum;
}

void bench_compute(u64 count)
{
	for (;;) {
		doorbell();
		bench_result = work_compute(count);
	}
}

void bench_memory(u64 *buffer, u64 words, u64 rounds)
{
	for (;;) {
		doorbell();
		bench_result = work_memory(buffer, words, rounds);
	}
}

void bench_spin(u64 *count)
{
	for (;;)
		WRITE_ONCE(*count, READ_ONCE(*count) + 1);
}
