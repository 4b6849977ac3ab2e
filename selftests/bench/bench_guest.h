/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest of the benchmark does: functions that never return.  Each
 * first sets up what it needs, then begins again and again with a store to
 * DOORBELL, which is an exit; what is measured lies between two of them.
 *
 * The names are bench_*, as guest_* is the library's.
 */
#ifndef BENCH_BENCH_GUEST_H
#define BENCH_BENCH_GUEST_H

#include "guest_gic.h"

#define DOORBELL		(GUEST_MMIO + 0x0000)
/* vCPU 0 has nothing to do until the other one is done. */
#define DOORBELL_YIELD		(GUEST_MMIO + 0x0010)
/* Where no memory is, and no device either. */
#define NO_DEVICE		(GUEST_MMIO + 0x1000)
/* virtio-mmio's QueueNotify of a few devices: ioeventfds. */
#define KICK(n)			(GUEST_MMIO + 0x10050 + (n) * 0x200)
#define NR_KICKS		8
/* A device whose writes are posted. */
#define POSTED			(GUEST_MMIO + 0x20000)
#define POSTED_SIZE		0x1000

#define BENCH_SPI		42

/*
 * Ticks from arming a timer to its deadline: 1 ms of a counter of 62.5 MHz, which
 * is longer than KVM polls before it lets a thread sleep (halt_poll_ns, 0.5 ms).
 */
#define TIMER_DISTANCE		62500

/* What the guest has found out: the sum of some time, or a result to be checked. */
extern u64 bench_result;
/* Second vCPU: come to an end. */
extern u64 bench_stop;

/* One operation per exit */
void bench_mmio_read(void);
void bench_mmio_write(void);
void bench_mmio_read_fp(void);
void bench_mmio_write_irq(void);
void bench_irqfd(void);

/* @count operations between two exits */
void bench_empty(u64 count);
void bench_hvc(u64 count, u64 fn);
void bench_mrs_id_aa64pfr0(u64 count);
void bench_mrs_id_aa64mmfr1(u64 count);
void bench_mrs_oslsr(u64 count);
void bench_read(u64 count, u64 address);
void bench_write(u64 count, u64 address);
void bench_sgi_self(u64 count);
void bench_ipi_ping(u64 count);
void bench_ipi_pong(void);

/* One word of each 4K page */
void bench_touch_read(u64 base, u64 size);
void bench_touch_write(u64 base, u64 size);

/* Ticks in bench_result, of all @count together */
void bench_wfi_timer(u64 count);
void bench_timer_running(u64 count);
void bench_cpu_on(u64 count, u64 page_table);

/*
 * The first instructions of the second vCPU; x0, PSCI's context, is the page table.
 * On with what guest_start expects: the time of the first one to second_main().
 */
#define SECOND_ENTRY(name)							\
	asm(".pushsection .text, \"ax\"\n"					\
	    ".balign 4\n"							\
	    #name ":\n"								\
	    "mrs x9, cntvct_el0\n"						\
	    "ldr x10, =second_stack + 8192\n"					\
	    "mov sp, x10\n"							\
	    "mov x20, x0\n"							\
	    "ldr x19, =second_main\n"						\
	    "mov x0, x9\n"							\
	    "b guest_start\n"							\
	    ".ltorg\n"								\
	    ".popsection\n");							\
	extern const char name[]

/* Work, in the guest or natively; the guest's wrappers */
u64 work_compute(u64 count);
u64 work_memory(u64 *buffer, u64 words, u64 rounds);
void bench_compute(u64 count);
void bench_memory(u64 *buffer, u64 words, u64 rounds);

/* For ever; @count: how far. */
void bench_spin(u64 *count);

/* FP state that is in use, on whatever side; one register of it. */
static inline void use_fp(void)
{
	asm volatile(".arch_extension fp\n"
		     "fmov d0, #1.0\n"
		     "fadd d0, d0, d0\n" : : : "memory");
}

#endif /* BENCH_BENCH_GUEST_H */
