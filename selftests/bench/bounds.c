// SPDX-License-Identifier: GPL-2.0
/*
 * Guests, and VMMs, that try to keep a CPU of the host at EL2, or from its interrupts, for
 * as long as they can.  A plugin of QEMU (plugin/bounds.c) measures for how long; "make
 * bench-bounds" runs this in a deterministic host and compares that with bounds.def.
 *
 * Each row is one thing that grows with what a guest or a VMM may choose, at the most of it:
 * vCPUs, interrupts, ranges, pages, VMs.
 */
#include <errno.h>
#include <pthread.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "gic.h"
#include "markers.h"

static const char help[] =
	"bounds: guests that keep a CPU for themselves\n"
	"\n"
	"usage: bounds [ROW]...\n"
	"       bounds --rows\n"
	"\n"
	"Runs each row between its marks (markers.h), for a QEMU that measures, and prints its\n"
	"name.  ROW is a regular expression for whole names; by default all rows are run.\n"
	"\n"
	"  --rows   number and name of each row that there is with the host's GIC, its bounds at\n"
	"           EL2 and without interrupts\n";

MARKER_TABLE(markers_begin, MARKER_BEGIN);
MARKER_TABLE(markers_end, MARKER_END);

enum row_number {
#define BOUND(name, ...) ROW_##name,
#include "bounds.def"
	NR_ROWS
};

/* More than a row takes. */
#define TURN_SEC	10

/* With a GICv3; more than eight are not for a GICv2. */
#define MAX_VCPUS	64
#define MAX_VCPUS_V2	8
#define MAX_INTID	1020

/* Of a VM: as many as the GIC can have. */
static unsigned int max_vcpus;

/* 16 in each of four clusters: what one write of ICC_SGI1R_EL1 can name. */
static u64 mpidr_of(unsigned int index)
{
	return (index / 16) << 8 | index % 16;
}

/* ---- the guest ------------------------------------------------------------- */

#define GICD_CTLR_ENABLE	0x13	/* both groups; GICv3: ARE */
#define NO_DEVICE		(GUEST_MMIO + 0x1000)
#define POSTED			(GUEST_MMIO + 0x20000)
#define POSTED_STRIDE		0x10000
#define NR_POSTED		16
#define TIMER_PPI		27
#define ROUTED_TO_NOBODY	0xff00000000UL

/* A VMM's that it keeps back for itself. */
#define HVC_CLAIMED		0x86000100UL
#define HVC_UNKNOWN		0x86000042UL

/* The registers of a vCPU's SGIs and PPIs: with a GICv2 everybody sees its own. */
static u64 private_frame(u64 index)
{
	if (guest_gic_version == 2)
		return GUEST_GICD;
	return GUEST_GICR + index * GICR_STRIDE + GICR_SGI;
}

static void private_on(u64 index)
{
	if (guest_gic_version == 3) {
		guest_write32(GUEST_GICR + index * GICR_STRIDE + GICR_WAKER, 0);
		guest_write32(private_frame(index) + GICD_IGROUPR, ~0U);
	}
	guest_write32(private_frame(index) + GICD_ISENABLER, 0xffff | BIT(TIMER_PPI));
}

static void guest_gic_all(u64 nr_vcpus)
{
	u64 i;

	guest_write32(GUEST_GICD + GICD_CTLR, GICD_CTLR_ENABLE);
	for (i = 0; i < (guest_gic_version == 2 ? 1 : nr_vcpus); i++)
		private_on(i);
	guest_gic_on(false);
}

/* GICD_ITARGETSR of a vCPU by its MPIDR_EL1; of nobody: none. */
static u32 target_of(u64 mpidr)
{
	return mpidr < MAX_VCPUS_V2 ? BIT(mpidr) : 0;
}

static void guest_write8(u64 address, u8 value)
{
	asm volatile("strb %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

/* An SPI to the vCPU of this MPIDR_EL1. */
static void spi_route(u64 intid, u64 mpidr)
{
	if (guest_gic_version == 2)
		guest_write8(GUEST_GICD + GICD_ITARGETSR + intid, target_of(mpidr));
	else
		guest_write64(GUEST_GICD + GICD_IROUTER + intid * 8, mpidr);
}

/* All of them: with a GICv2 four at a time. */
static void spis_route(u64 mpidr)
{
	u64 n;

	if (guest_gic_version == 2) {
		for (n = 32; n < MAX_INTID; n += 4)
			guest_write32(GUEST_GICD + GICD_ITARGETSR + n,
				      target_of(mpidr) * 0x01010101U);
		return;
	}
	for (n = 32; n < MAX_INTID; n++)
		spi_route(n, mpidr);
}

/*
 * All SPIs, of the version's group and edge-triggered; of those that come later the priority
 * is the higher, so that each is put in before the others.
 */
static void spis_on(u64 mpidr)
{
	u64 n;

	spis_route(mpidr);
	for (n = 32; n < 1024; n += 32)
		guest_write32(GUEST_GICD + GICD_IGROUPR + n / 8,
			      guest_gic_version == 3 ? ~0U : 0);
	for (n = 32; n < 1024; n += 16)
		guest_write32(GUEST_GICD + GICD_ICFGR + n / 4, 0xaaaaaaaa);
	for (n = 32; n < 1024; n += 4)
		guest_write32(GUEST_GICD + GICD_IPRIORITYR + n,
			      (0xf8 - n / 32 * 8) * 0x01010101U);
	for (n = 32; n < 1024; n += 32)
		guest_write32(GUEST_GICD + GICD_ISENABLER + n / 8, ~0U);
}

static void spis_write(u32 reg)
{
	u64 n;

	for (n = 32; n < 1024; n += 32)
		guest_write32(GUEST_GICD + reg + n / 8, ~0U);
}

/* Acknowledges what is signalled, if anything is, and ends it. */
static __always_inline void guest_take(void)
{
	u32 iar = guest_iar();

	/* With a GICv2's SGI comes its sender. */
	if ((iar & 0x3ff) < MAX_INTID)
		guest_eoi(iar);
}

/* Sleeps; takes what comes.  No stack of its own. */
static void guest_sleeps(void)
{
	guest_gic_on(false);
	for (;;) {
		asm volatile("wfi" : : : "memory");
		guest_take();
	}
}

/* An SGI to all but itself; with a GICv3, to all of those that one write can name. */
static void guest_sgi_to_others(u64 intid)
{
	if (guest_gic_version == 2)
		guest_write32(GUEST_GICD + GICD_SGIR, 1U << 24 | intid);
	else
		write_sysreg(BIT(40) | intid << 24, ICC_SGI1R_EL1);
}

/* So many priorities are active that nothing has been acknowledged for. */
static void guest_set_active_priorities(void)
{
	if (guest_gic_version == 2) {
		guest_write32(GUEST_GICC + GICC_APR, ~0U);
		/* QEMU believes it when it comes from the module: once out, and in. */
		guest_write32(NO_DEVICE, 0);
	} else {
		write_sysreg(~0U, S3_0_C12_C9_0);	/* ICC_AP1R0_EL1 */
		isb();
	}
}

static void use_all(void)
{
	asm volatile(".arch_extension fp\n"
		     "fmov d0, #1.0\n"
		     "fadd d0, d0, d0\n" : : : "memory");
}

static void guest_switch(u64 count)
{
	u64 n;

	guest_gic_all(1);
	spis_on(0);
	/* As many as there are list registers, and none taken: PSTATE masks them. */
	guest_write32(GUEST_GICD + GICD_ISPENDR + 4, 0xffff);
	write_sysreg(1, dbgbcr0_el1);
	write_sysreg(1, dbgbcr1_el1);
	write_sysreg(BIT(15), mdscr_el1);	/* MDE */
	GUEST_SYNC(1);
	for (n = 0; n < count; n++) {
		use_all();
		guest_write32(NO_DEVICE, n);
	}
	GUEST_DONE();
}

static void guest_answers(u64 nr_vcpus, u64 count)
{
	u64 n;

	guest_gic_all(1);
	GUEST_SYNC(1);
	for (n = 0; n < count; n++) {
		guest_hvc(HVC_UNKNOWN, 0, 0, 0);
		guest_hvc(0x84000000, 0, 0, 0);	/* PSCI_VERSION */
		guest_hvc(0x84000004, n, 0, 0);	/* AFFINITY_INFO */
		guest_hvc(0x84000004, mpidr_of(nr_vcpus - 1), 0, 0);
		guest_hvc(0x8400000a, 0xc4000003, 0, 0);	/* PSCI_FEATURES */
		guest_hvc(0x80000001, 0x80008000, 0, 0);	/* SMCCC_ARCH_FEATURES */
		read_sysreg(id_aa64pfr0_el1);
		write_sysreg(0, oslar_el1);
		guest_read32(GUEST_GICD + GICD_TYPER);
		guest_write32(POSTED + (NR_POSTED - 1) * POSTED_STRIDE, n);
		/* GICD_SGIR is the module's at EL1. */
		if (guest_gic_version == 3)
			write_sysreg(1, ICC_SGI1R_EL1);
		asm volatile("wfe" : : : "memory");
	}
	GUEST_DONE();
}

/* Whatever traps: each register with op0 = 3 or 2, each class of exception. */
#define SYSREG_GARBAGE(op0, op1, crn, crm, op2) ({				\
	asm volatile("mrs x9, s" #op0 "_" #op1 "_c" #crn "_c" #crm "_" #op2	\
		     : : : "x9", "memory");					\
})

static void guest_traps(u64 count)
{
	u64 n;

	GUEST_SYNC(1);
	for (n = 0; n < count; n++) {
		guest_expect(GUEST_EXPECT_SKIP);
		read_sysreg(actlr_el1);
		write_sysreg(0, sctlr_el1);
		write_sysreg(GUEST_SCTLR_ON, sctlr_el1);
		SYSREG_GARBAGE(3, 3, 9, 12, 0);
		SYSREG_GARBAGE(3, 0, 11, 0, 0);
		SYSREG_GARBAGE(2, 0, 0, 5, 4);
		SYSREG_GARBAGE(3, 4, 1, 1, 0);
		asm volatile("smc #0" : : : "x0", "x1", "x2", "x3", "memory");
		asm volatile("dc csw, %0" : : "r"(0UL) : "memory");
		asm volatile("tlbi vmalle1is\ndsb ish\nic ialluis\ndsb ish\nisb" : : : "memory");
		asm volatile("ldp x9, x10, [%0]" : : "r"(GUEST_UNMAPPED) : "x9", "x10", "memory");
		asm volatile("brk #1" : : : "memory");
		asm volatile("udf #0" : : : "memory");
		guest_expect(GUEST_EXPECT_NONE);
	}
	GUEST_DONE();
}

static void guest_sgi_all(u64 nr_vcpus, u64 count)
{
	u64 n;

	guest_gic_all(nr_vcpus);
	GUEST_SYNC(1);
	for (n = 0; n < count; n++)
		guest_sgi_to_others(n % 16);
	GUEST_DONE();
}

/* Each word of SPIs, all of them pending, for the last vCPU and for nobody. */
static void guest_gic_words(u64 nr_vcpus, u64 last)
{
	guest_gic_all(nr_vcpus);
	GUEST_SYNC(1);
	spis_on(last);
	spis_write(GICD_ISPENDR);
	spis_write(GICD_ICENABLER);
	spis_write(GICD_ISENABLER);
	spis_write(GICD_ISACTIVER);
	spis_write(GICD_ICACTIVER);
	spis_write(GICD_ICPENDR);
	spis_route(ROUTED_TO_NOBODY);
	spis_write(GICD_ISPENDR);
	spis_write(GICD_ICENABLER);
	spis_write(GICD_ISENABLER);
	GUEST_DONE();
}

static void guest_gic_ctlr(u64 nr_vcpus, u64 last)
{
	u64 n;

	guest_gic_all(nr_vcpus);
	spis_on(last);
	spis_write(GICD_ISPENDR);
	GUEST_SYNC(1);
	for (n = 0; n < 6; n++)
		guest_write32(GUEST_GICD + GICD_CTLR, n & 1 ? GICD_CTLR_ENABLE : 0);
	GUEST_DONE();
}

/* Accesses anywhere in the frames, of all kinds: a GICv2's CPU interface has two pages. */
static void guest_gic_garbage(u64 nr_vcpus, u64 count)
{
	u64 seed = 1, n;

	guest_gic_all(nr_vcpus);
	spis_on(0);
	GUEST_SYNC(1);
	for (n = 0; n < count; n++) {
		u64 offset, frame, value;

		seed = seed * 6364136223846793005UL + 1442695040888963407UL;
		offset = seed >> 33 & 0xffc;
		frame = seed >> 45 & 63;
		value = seed >> 20;
		if (!(seed >> 63))
			frame = GUEST_GICD;
		else if (guest_gic_version == 2)
			frame = GUEST_GICC + frame % 2 * 0x1000;
		else
			frame = private_frame(frame % nr_vcpus);
		if (seed >> 62 & 1)
			guest_write32(frame + offset, value);
		else
			guest_read32(frame + offset);
	}
	GUEST_DONE();
}

/* All of them pending, again and again out of the guest and in. */
static void guest_ready_all(u64 count)
{
	u64 n;

	guest_gic_all(1);
	spis_on(0);
	spis_write(GICD_ISPENDR);
	GUEST_SYNC(1);
	for (n = 0; n < count; n++) {
		guest_write32(GUEST_GICD + GICD_ICPENDR + 4, 1);
		guest_write32(GUEST_GICD + GICD_ISPENDR + 4, 1);
	}
	/* And taken, one after the other. */
	for (n = 0; n < count; n++)
		guest_take();
	GUEST_DONE();
}

/*
 * All of them active, and priorities that are dropped although nothing of that has been
 * acknowledged: those behind the list registers are deactivated.
 */
static void guest_active_all(u64 count)
{
	u64 n, i;

	guest_gic_all(1);
	spis_on(0);
	spis_write(GICD_ISACTIVER);
	GUEST_SYNC(1);
	for (n = 0; n < count; n++) {
		guest_set_active_priorities();
		for (i = 0; i < 32; i++)
			guest_eoi(MAX_INTID - 1 - i);
	}
	GUEST_DONE();
}

/* All of them pending, and kept back by the priority mask: none ends a WFI. */
static void guest_wait_all(u64 count)
{
	u64 n;
	u32 iar;

	guest_gic_all(1);
	spis_on(0);
	/* Only the timer comes through. */
	guest_write32(private_frame(0) + GICD_IPRIORITYR + (TIMER_PPI & ~3U), 0);
	spis_write(GICD_ISPENDR);
	guest_set_pmr(0x08);
	for (n = 32; n < 1024; n += 4)
		guest_write32(GUEST_GICD + GICD_IPRIORITYR + n, 0xf0f0f0f0);
	GUEST_SYNC(1);
	for (n = 0; n < count; n++) {
		write_sysreg(read_sysreg(cntvct_el0) + (n & 1 ? 6250 : 125000), cntv_cval_el0);
		write_sysreg(1, cntv_ctl_el0);
		asm volatile("wfi" : : : "memory");
		iar = guest_iar();
		write_sysreg(0, cntv_ctl_el0);
		if (iar < SPURIOUS)
			guest_eoi(iar);
	}
	GUEST_DONE();
}

/* The timer fires as often as it can. */
static void guest_timer_storm(u64 count)
{
	u64 n;

	guest_gic_all(1);
	GUEST_SYNC(1);
	for (n = 0; n < count; n++) {
		write_sysreg(read_sysreg(cntvct_el0), cntv_cval_el0);
		write_sysreg(1, cntv_ctl_el0);
		isb();
		guest_take();
	}
	write_sysreg(0, cntv_ctl_el0);
	GUEST_DONE();
}

static void guest_lines(u64 count)
{
	u64 n;

	guest_gic_all(1);
	spis_on(0);
	GUEST_SYNC(1);
	for (n = 0; n < count; n++)
		guest_write32(NO_DEVICE, n);
	GUEST_DONE();
}

/* Each SPI is another sibling's than the one before. */
static void guest_lines_of_others(u64 nr_vcpus, u64 count)
{
	u64 n;

	guest_gic_all(nr_vcpus);
	spis_on(0);
	for (n = 32; n < MAX_INTID; n++)
		spi_route(n, mpidr_of(1 + n % (nr_vcpus - 1)));
	GUEST_SYNC(1);
	for (n = 0; n < count; n++)
		guest_write32(NO_DEVICE, n);
	GUEST_DONE();
}

static void guest_touch(u64 base, u64 size)
{
	u64 at;

	GUEST_SYNC(1);
	for (;;) {
		for (at = base; at < base + size; at += 4096)
			guest_write32(at, at);
		GUEST_SYNC(2);
	}
}

static void guest_cpu_on(u64 nr_vcpus, u64 count)
{
	u64 n;

	guest_gic_all(nr_vcpus);
	GUEST_SYNC(1);
	for (n = 0; n < count; n++)
		guest_hvc(0xc4000003, mpidr_of(1 + n % (nr_vcpus - 1)), (u64)guest_sleeps, 0);
	GUEST_DONE();
}

/* ---- VMs ------------------------------------------------------------------- */

static struct vm vm;
static struct vcpu vcpus[MAX_VCPUS];
static pthread_t threads[MAX_VCPUS];
static unsigned int nr_vcpus;
static bool stop;
static unsigned int row_number;

static void begin(void)
{
	marker_call(markers_begin, row_number);
}

static void end(void)
{
	marker_call(markers_end, row_number);
}

static void vm_open(void)
{
	vm_init(&vm);
	nr_vcpus = 0;
}

static void vm_add_gic(unsigned int count)
{
	const struct armvcpu_create_gic arg = {
		.version = guest_gic_version, .nr_irqs = 1024, .max_vcpus = count,
		.dist = GUEST_GICD, .cpu = guest_gic_version == 2 ? GUEST_GICC : GUEST_GICR,
	};

	test_check(!xioctl(vm.fd, ARMVCPU_CREATE_GIC, (void *)&arg));
}

static void vm_add_vcpus(unsigned int count, u32 flags)
{
	for (; nr_vcpus < count; nr_vcpus++) {
		struct vcpu *vcpu = &vcpus[nr_vcpus];

		vcpu->index = vm.nr_vcpus++;
		vcpu_open(vcpu, &vm, vm_create_vcpu(&vm, nr_vcpus ? flags : 0,
						    mpidr_of(nr_vcpus)));
	}
}

/* With a GIC of all interrupts that there can be. */
static void machine(unsigned int count, u32 flags)
{
	vm_open();
	vm_add_gic(count);
	vm_add_vcpus(count, flags);
}

static void machine_close(void)
{
	while (nr_vcpus)
		vcpu_close(&vcpus[--nr_vcpus]);
	vm_close(&vm);
}

static void wake_up(int sig)
{
	(void)sig;
}

static void *run_sibling(void *arg)
{
	struct vcpu *vcpu = arg;
	int ret;

	while (!READ_ONCE(stop)) {
		ret = vcpu_run(vcpu);
		/* Off, by PSCI or to begin with. */
		if (ret == -EAGAIN)
			usleep(1000);
		else if (ret && ret != -EINTR)
			test_fail("vCPU %u: %s", vcpu->index, strerror(-ret));
	}
	return NULL;
}

/* All others, each in a thread. */
static void siblings_start(bool asleep)
{
	unsigned int i;

	WRITE_ONCE(stop, false);
	for (i = 1; i < nr_vcpus; i++) {
		if (asleep)
			vcpu_call(&vcpus[i], guest_sleeps);
		test_check(!pthread_create(&threads[i], NULL, run_sibling, &vcpus[i]));
	}
	/* Until they are. */
	usleep(200000);
}

static void siblings_stop(void)
{
	unsigned int i;

	WRITE_ONCE(stop, true);
	for (i = 1; i < nr_vcpus; i++) {
		vcpus[i].run->immediate_exit = 1;
		while (pthread_tryjoin_np(threads[i], NULL)) {
			pthread_kill(threads[i], SIGUSR1);
			usleep(1000);
		}
	}
}

/* On, to the guest's end; its accesses and calls lead nowhere. */
static void run_to_done(struct vcpu *vcpu)
{
	struct armvcpu_run *run = vcpu->run;

	for (;;) {
		int ret = vcpu_run_exit(vcpu);

		if (ret)
			test_fail("ARMVCPU_RUN: %s", strerror(-ret));
		if (vcpu_is_ucall(vcpu)) {
			if (run->u.call.nr == UCALL_DONE)
				return;
			vcpu_print_exit(vcpu);
			test_fail("the guest says something else");
		}
		run->posted.head = run->posted.tail;
		switch (run->exit_reason) {
		case ARMVCPU_EXIT_MMIO:
			run->u.mmio.data = 0;
			break;
		case ARMVCPU_EXIT_SYSREG:
			run->action = ARMVCPU_ACTION_UNDEF;
			break;
		case ARMVCPU_EXIT_ABORT:
			run->action = ARMVCPU_ACTION_ABORT;
			break;
		case ARMVCPU_EXIT_HYPERCALL:
		case ARMVCPU_EXIT_SMC:
			run->x[0] = ~0UL;
			break;
		case ARMVCPU_EXIT_PSCI:
			run->x[0] = 0;
			break;
		default:
			vcpu_print_exit(vcpu);
			test_fail("an exit that does not belong here");
		}
	}
}

static void measure(struct vcpu *vcpu)
{
	vcpu_expect_sync(vcpu, 1);
	begin();
	run_to_done(vcpu);
	end();
}

/* ---- rows ------------------------------------------------------------------ */

/* Into the guest and out of it: FP registers, breakpoints, all list registers in use. */
static void bound_switch(void)
{
	machine(1, 0);
	vcpu_call(vcpus, guest_switch, 200);
	measure(vcpus);
	machine_close();
}

/* All that EL2 answers, the tables that it looks through being full. */
static void bound_answers(void)
{
	struct armvcpu_smccc_range ranges[16];
	struct armvcpu_smccc_policy policy = {
		.flags = ARMVCPU_SMCCC_POLICY_HVC, .count = ARRAY_SIZE(ranges),
		.ranges = (u64)ranges,
	};
	unsigned int i;

	machine(max_vcpus, ARMVCPU_VCPU_POWERED_OFF);
	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		ranges[i] = (struct armvcpu_smccc_range) {
			.base = HVC_CLAIMED + 2 * i, .count = 1,
			.action = ARMVCPU_SMCCC_USER,
		};
	test_check(!xioctl(vm.fd, ARMVCPU_SET_SMCCC_POLICY, &policy));
	for (i = 0; i < NR_POSTED; i++) {
		struct armvcpu_posted_range range = {
			.ipa = POSTED + i * POSTED_STRIDE, .size = 4096,
		};

		test_check(!xioctl(vm.fd, ARMVCPU_SET_POSTED, &range));
	}
	vcpu_call(vcpus, guest_answers, max_vcpus, 200);
	measure(vcpus);
	machine_close();
}

/* What traps, of each kind. */
static void bound_traps(void)
{
	machine(1, 0);
	vcpu_call(vcpus, guest_traps, 50);
	measure(vcpus);
	machine_close();
}

/* An SGI to all other vCPUs, which wait for it. */
static void sgi_all(u64 answers)
{
	struct armvcpu_el2_answers arg = { .mask = answers };

	machine(max_vcpus, 0);
	test_check(!xioctl(vm.fd, ARMVCPU_SET_EL2_ANSWERS, &arg));
	vcpu_call(vcpus, guest_sgi_all, max_vcpus, 32);
	vcpu_expect_sync(vcpus, 1);
	siblings_start(true);
	begin();
	run_to_done(vcpus);
	end();
	siblings_stop();
	machine_close();
}

static void bound_sgi_all(void)
{
	int sys = sys_open();
	u64 answers = get_cap(sys, ARMVCPU_CAP_EL2_ANSWERS);

	close(sys);
	sgi_all(answers);
}

/* The same, by the module: with a GICv2 GICD_SGIR always is. */
static void bound_sgi_all_host(void)
{
	sgi_all(0);
}

/* Words of the distributor, 32 interrupts each, that are the last vCPU's, or nobody's. */
static void bound_gic_words(void)
{
	machine(max_vcpus, ARMVCPU_VCPU_POWERED_OFF);
	vcpu_call(vcpus, guest_gic_words, max_vcpus, mpidr_of(max_vcpus - 1));
	measure(vcpus);
	machine_close();
}

/* GICD_CTLR, which concerns all interrupts of all vCPUs. */
static void bound_gic_ctlr(void)
{
	machine(max_vcpus, ARMVCPU_VCPU_POWERED_OFF);
	vcpu_call(vcpus, guest_gic_ctlr, max_vcpus, mpidr_of(max_vcpus - 1));
	measure(vcpus);
	machine_close();
}

static void bound_gic_garbage(void)
{
	machine(max_vcpus, ARMVCPU_VCPU_POWERED_OFF);
	vcpu_call(vcpus, guest_gic_garbage, max_vcpus, 4000);
	measure(vcpus);
	machine_close();
}

/* 988 interrupts that are pending, and the list registers are four. */
static void bound_ready_all(void)
{
	machine(1, 0);
	vcpu_call(vcpus, guest_ready_all, 100);
	measure(vcpus);
	machine_close();
}

/* ... that are active, and end. */
static void bound_active_all(void)
{
	machine(1, 0);
	vcpu_call(vcpus, guest_active_all, 20);
	measure(vcpus);
	machine_close();
}

/* ... that are pending, while a vCPU waits for another one. */
static void bound_wait_all(void)
{
	machine(1, 0);
	vcpu_call(vcpus, guest_wait_all, 20);
	measure(vcpus);
	machine_close();
}

static void bound_timer_storm(void)
{
	machine(1, 0);
	vcpu_call(vcpus, guest_timer_storm, 2000);
	measure(vcpus);
	machine_close();
}

/* RUN, with all lines that it can set: of these SPIs, from the last one down. */
static void run_with_lines(unsigned int last)
{
	struct armvcpu_run *run = vcpus[0].run;
	unsigned int i;

	for (i = 0; i < ARMVCPU_RUN_LINES; i++)
		run->lines[i] = (struct armvcpu_run_line) { last - i, ARMVCPU_LINE_PULSE };
	run->nr_lines = ARMVCPU_RUN_LINES;
	vcpu_expect(vcpus, ARMVCPU_EXIT_MMIO);
}

/* All lines that one RUN can set. */
static void bound_lines(void)
{
	unsigned int n;

	machine(1, 0);
	vcpu_call(vcpus, guest_lines, 50);
	vcpu_expect_sync(vcpus, 1);
	begin();
	for (n = 0; n < 50; n++)
		run_with_lines(MAX_INTID - 1);
	end();
	machine_close();
}

/* The same, each for another vCPU, which waits for it. */
static void bound_line_sleepers(void)
{
	unsigned int n;

	machine(max_vcpus, 0);
	vcpu_call(vcpus, guest_lines_of_others, max_vcpus, 50);
	vcpu_expect_sync(vcpus, 1);
	siblings_start(true);
	begin();
	for (n = 0; n < 50; n++) {
		run_with_lines(MAX_INTID - 1 - n * ARMVCPU_RUN_LINES);
		/* Until they wait again. */
		usleep(10000);
	}
	end();
	siblings_stop();
	machine_close();
}

/* Pages come, are written to, and go: by the VMM's unmapping, a dirty log, the slot's end. */
static void bound_memory(void)
{
	const u64 size = 16 << 20;
	char *mem;

	vm_open();
	vm_add_vcpus(1, 0);
	mem = vm_add_memory(&vm, 1, GUEST_RAM, size);
	vcpu_call(vcpus, guest_touch, GUEST_RAM, size);
	vcpu_expect_sync(vcpus, 1);
	begin();
	vcpu_expect_sync(vcpus, 2);
	test_check(!madvise(mem, size, MADV_DONTNEED));
	vcpu_expect_sync(vcpus, 2);
	test_check(!madvise(mem + 0x10000, 64 * 4096, MADV_DONTNEED));
	test_check(!vm_set_slot(&vm, 1, ARMVCPU_SLOT_LOG_DIRTY | ARMVCPU_SLOT_CHANGE,
				GUEST_RAM, size, mem));
	vcpu_expect_sync(vcpus, 2);
	test_check(!vm_set_slot(&vm, 1, 0, 0, 0, NULL));
	end();
	machine_close();
	munmap(mem, size);
}

/* CPU_ON of vCPUs that are on, that are off, and that are just being turned on. */
static void bound_cpu_on(void)
{
	machine(max_vcpus, ARMVCPU_VCPU_POWERED_OFF);
	vcpu_call(vcpus, guest_cpu_on, max_vcpus, 3 * max_vcpus);
	vcpu_expect_sync(vcpus, 1);
	siblings_start(false);
	begin();
	run_to_done(vcpus);
	usleep(100000);
	end();
	siblings_stop();
	machine_close();
}

/* A vCPU comes and goes that all interrupts are for, in the middle of them. */
static void bound_vcpu_gone(void)
{
	machine(max_vcpus, ARMVCPU_VCPU_POWERED_OFF);
	vcpu_call(vcpus, guest_gic_words, max_vcpus, mpidr_of(max_vcpus - 1));
	vcpu_expect_sync(vcpus, 1);
	run_to_done(vcpus);
	vcpu_call(vcpus, guest_gic_ctlr, max_vcpus, mpidr_of(max_vcpus - 1));
	vcpu_expect_sync(vcpus, 1);
	begin();
	vcpu_close(&vcpus[--nr_vcpus]);
	vm_add_vcpus(max_vcpus, 0);
	end();
	machine_close();
}

/* The VMM resets a GIC that is full of them. */
static void bound_gic_reset(void)
{
	machine(max_vcpus, ARMVCPU_VCPU_POWERED_OFF);
	vcpu_call(vcpus, guest_gic_ctlr, max_vcpus, mpidr_of(max_vcpus - 1));
	vcpu_expect_sync(vcpus, 1);
	begin();
	test_check(!xioctl(vm.fd, ARMVCPU_RESET_GIC, NULL));
	end();
	machine_close();
}

static void guest_once(void)
{
	GUEST_DONE();
}

/* More VMs than there are VMIDs. */
static void bound_vmids(void)
{
	unsigned int i;

	begin();
	for (i = 0; i < 260; i++) {
		vm_open();
		vm_add_vcpus(1, 0);
		vcpu_call(vcpus, guest_once);
		run_to_done(vcpus);
		machine_close();
	}
	end();
}

/* ---- the program ----------------------------------------------------------- */

#define V3	GIC_V3
#define V23	(GIC_V2 | GIC_V3)

static const struct {
	const char *name;
	void (*run)(void);
	u32 versions;
	u64 el2, dark;
} rows[] = {
#define BOUND(name, versions, el2, dark) { #name, bound_##name, versions, el2, dark },
#include "bounds.def"
};

/* So that the plugin knows which code is ours. */
static void tell_module(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	u64 first = ~0UL, last = 0, address;
	char type, name[128], module[64], line[256];

	test_check(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %c %127s [%63[^]]", &address, &type, name, module) != 4 ||
		    strcmp(module, "armvcpu") || (type != 't' && type != 'T'))
			continue;
		if (address < first)
			first = address;
		if (address > last)
			last = address;
	}
	fclose(f);
	if (!last)
		test_fail("the module's code is not in /proc/kallsyms");
	/* What follows the last symbol is the end of a function, less than a page. */
	asm volatile("mov x0, %0\n"
		     "mov x1, %1\n"
		     ".inst 0xd280001f | 0x300 << 5\n"
		     : : "r"(first), "r"(last + 4096) : "x0", "x1");
}

/* With this host's GIC. */
static bool is_row(unsigned int i)
{
	return rows[i].versions & BIT(guest_gic_version);
}

static bool wanted(const char *name, int count, char **patterns)
{
	regex_t regex;
	char whole[256];
	bool match = !count;
	int i;

	for (i = 0; i < count && !match; i++) {
		snprintf(whole, sizeof(whole), "^(%s)$", patterns[i]);
		if (regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB)) {
			fprintf(stderr, "bounds: %s: not a regular expression\n", patterns[i]);
			exit(2);
		}
		match = !regexec(&regex, name, 0, NULL, 0);
		regfree(&regex);
	}
	return match;
}

/*
 * A row begins at a time that does not depend on when others have ended, and so at the same
 * place between two ticks of the host.  It prints nothing, either: QEMU's console answers when
 * it likes.
 */
static void wait_for_turn(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += 2 * TURN_SEC - at.tv_sec % TURN_SEC;
	at.tv_nsec = 0;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL))
		;
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = wake_up };
	unsigned int i;

	static_assert(NR_ROWS <= MARKER_MAX, "a mark for each");
	if (argc > 1 && argv[1][0] == '-' && strcmp(argv[1], "--rows")) {
		fputs(help, strcmp(argv[1], "--help") ? stderr : stdout);
		return strcmp(argv[1], "--help") ? 2 : 0;
	}
	guest_gic_version = gic_version(V23);
	if (!guest_gic_version)
		test_fail("the host's GIC is none for guests");
	max_vcpus = guest_gic_version == 2 ? MAX_VCPUS_V2 : MAX_VCPUS;
	if (argc > 1 && argv[1][0] == '-') {
		for (i = 0; i < NR_ROWS; i++)
			if (is_row(i))
				printf("%u %s %llu %llu\n", i, rows[i].name, rows[i].el2,
				       rows[i].dark);
		return 0;
	}
	sigaction(SIGUSR1, &action, NULL);
	setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
	tell_module();
	for (i = 0; i < NR_ROWS; i++) {
		if (!is_row(i) || !wanted(rows[i].name, argc - 1, argv + 1))
			continue;
		row_number = i;
		wait_for_turn();
		rows[i].run();
		printf("%s\n", rows[i].name);
	}
	return 0;
}
