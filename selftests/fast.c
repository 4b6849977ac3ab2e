// SPDX-License-Identifier: GPL-2.0
/*
 * What EL2 answers itself, and the short ways between a guest and its VMM: a
 * guest notices nothing of it. Each kind of answer is forced on and off, and
 * what the guest has seen is compared; all registers survive; nothing that is
 * posted, sent or due is lost, or comes twice.
 */
#include "harness.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gic.h"
#include "guest_regs.h"
#include "snippet.h"

#define ALL_ANSWERS	0x7fUL
#define ANY		(GIC_V2 | GIC_V3)

SNIPPET(insn_hvc, "hvc #0");

static const char no_wfe[] = "this CPU does not trap WFE";
static const char no_gicv3[] = "these are of a GICv3, which the host's GIC is not";

/* Where writes are posted. */
#define POSTED		(GUEST_MMIO + 0x40000)
#define POSTED_SIZE	0x1000
#define POSTED_SIZED	(POSTED + 0x800)	/* of any size */
/* A device. */
#define DEVICE_REG	(GUEST_MMIO + 0x60000)

#define PPI_VTIMER	27
#define CTL_ENABLE	BIT(0)

#define PSCI_VERSION	0x84000000UL
#define PSCI_CPU_ON_64	0xc4000003UL

static void set_answers(struct vm *vm, u64 mask)
{
	struct armvcpu_el2_answers arg = { .mask = mask };
	int ret = xioctl(vm->fd, ARMVCPU_SET_EL2_ANSWERS, &arg);

	if (ret)
		test_fail("answers 0x%llx: %s", mask, strerror(-ret));
}

static int try_post(struct vm *vm, u64 ipa, u64 size)
{
	struct armvcpu_posted_range arg = { .ipa = ipa, .size = size };

	return xioctl(vm->fd, ARMVCPU_SET_POSTED, &arg);
}

static void set_posted(struct vm *vm, u64 ipa, u64 size)
{
	int ret = try_post(vm, ipa, size);

	if (ret)
		test_fail("writes to 0x%llx posted: %s", ipa, strerror(-ret));
}

/* All of the counters that the guest's traps are in. */
static u64 counted(const struct vcpu *vcpu, unsigned int kind)
{
	return READ_ONCE(vcpu->run->stats.el2[kind]);
}

/* What checks itself takes ten times as long: fewer rounds there say as much. */
static u64 rounds(u64 count)
{
	return access("/proc/lockdep_stats", F_OK) ? count : count / 10;
}

/* ---- the VM ------------------------------------------------------ */

#define NR_VCPUS	4

/* Of an MPIDR each. */
static const u64 mpidrs[NR_VCPUS] = { 0, 1, 0x102, 0x100000203 };

/* @version: of its GIC; 0: none. The first vCPU is on, the second one off. */
static void world_init(struct gic_vm *g, u32 version)
{
	if (version) {
		gic_vm_create(g, version, 96, NR_VCPUS);
	} else {
		memset(g, 0, sizeof(*g));
		vm_init(&g->vm);
	}
}

static void world_add_vcpus(struct gic_vm *g, unsigned int count, u32 flags)
{
	unsigned int i;

	for (i = 0; i < count; i++, flags ^= ARMVCPU_VCPU_POWERED_OFF) {
		g->vcpu[i].index = i;
		vcpu_open(&g->vcpu[i], &g->vm, vm_create_vcpu(&g->vm, flags, mpidrs[i]));
	}
	g->nr_vcpus = count;
}

static void world_close(struct gic_vm *g)
{
	unsigned int i;

	for (i = 0; i < g->nr_vcpus; i++)
		vcpu_close(&g->vcpu[i]);
	vm_close(&g->vm);
}

/* ---- the same with and without ----------------------------------- */

/* What the guest has seen, and the VMM of it, in this order. */
static struct transcript {
	u64 count;
	u64 words[16384];
} seen, before;

static void note(u64 word)
{
	if (seen.count < ARRAY_SIZE(seen.words))
		seen.words[seen.count] = word;
	seen.count++;
}

#define ID(m, o)	note(read_sysreg(S3_0_C0_C##m##_##o))
static void guest_reads_ids(void)
{
	ID(1, 0); ID(1, 1); ID(1, 2); ID(1, 3); ID(1, 4); ID(1, 5); ID(1, 6); ID(1, 7);
	ID(2, 0); ID(2, 1); ID(2, 2); ID(2, 3); ID(2, 4); ID(2, 5); ID(2, 6); ID(2, 7);
	ID(3, 0); ID(3, 1); ID(3, 2); ID(3, 3); ID(3, 4); ID(3, 5); ID(3, 6); ID(3, 7);
	ID(4, 0); ID(4, 1); ID(4, 2); ID(4, 3); ID(4, 4); ID(4, 5); ID(4, 6); ID(4, 7);
	ID(5, 0); ID(5, 1); ID(5, 2); ID(5, 3); ID(5, 4); ID(5, 5); ID(5, 6); ID(5, 7);
	ID(6, 0); ID(6, 1); ID(6, 2); ID(6, 3); ID(6, 4); ID(6, 5); ID(6, 6); ID(6, 7);
	ID(7, 0); ID(7, 1); ID(7, 2); ID(7, 3); ID(7, 4); ID(7, 5); ID(7, 6); ID(7, 7);
	GUEST_DONE();
}

/* Bit 0 is the lock; as it was, and changed. */
static void guest_locks(void)
{
	static const u64 values[] = { 1, 1, 0, 0, 2, 3, 1, ~1UL, ~0UL, 0 };
	u64 i;

	note(read_sysreg(oslsr_el1));
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		write_sysreg(values[i], oslar_el1);
		note(read_sysreg(oslsr_el1));
	}
	asm volatile("msr oslar_el1, xzr\nmrs xzr, oslsr_el1");
	note(read_sysreg(oslsr_el1));
	GUEST_DONE();
}

static void call3(u64 fn, u64 arg1, u64 arg2)
{
	register u64 x0 asm("x0") = fn;
	register u64 x1 asm("x1") = arg1;
	register u64 x2 asm("x2") = arg2;
	register u64 x3 asm("x3") = 0x3333333333333333;

	asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
	note(x0);
	note(x1);
	note(x2);
	note(x3);
}

#define CALL_GARBAGE	0xabcdef0100000000UL

static void guest_calls(void)
{
	static const u64 targets[] = {
		0, 1, 2, 0x100, 0x102, 0x200, 0x203, 0x10000, 0x100000203, 0x100000000,
		0x200000203, BIT(24), BIT(31), BIT(40), BIT(63), 0xff00ffffff, ~0UL,
	};
	static const u64 arch[] = {
		0x80000000, 0x80000001, 0x80000002, 0x80000003, 0x80008000, 0x80007fff,
		0x80003fff, 0x80007ffe, 0xc5000020, 0xc5000021, 0x84000000, 0, ~0UL,
		CALL_GARBAGE | 0x80000000,
	};
	/* That nobody knows, and some that only the host does; none that acts. */
	static const u64 others[] = {
		0x84000005, 0x84000007, 0x8400000b, 0x8400000c, 0x8400000d, 0x8400000f,
		0x84000010, 0x84000011, 0x84000013, 0x8400001f, 0x84000020, 0xc4000000,
		0xc4000006, 0xc400000a, 0xc400001f, 0xc4000020, 0x83ffffff, 0x80000003,
		0xc0000000, 0xc0000001, 0x00000000, 0x04000000, 0xffffffff, 0x81000000,
		0x82000000, 0x83000000, 0x83000010, 0xc3000000, 0x85000000, 0x86000000,
		0x86000001, 0x86000fff, 0xbf00ff01, 0xc5000022, 0x85000020, 0x84000050,
		0x84000051, 0x84000052, 0x80008000, 0x80007fff, 0x80003fff,
	};
	u64 i, level;

	call3(PSCI_VERSION, 1, 2);
	call3(CALL_GARBAGE | PSCI_VERSION, 1, 2);
	for (i = 0; i <= 0x20; i++) {
		call3(0x8400000a, 0x84000000 + i, 0);
		call3(0x8400000a, 0xc4000000 + i, 0);
	}
	call3(0x8400000a, 0x80000000, 0);
	call3(0x8400000a, CALL_GARBAGE | 0x84000003, 0);
	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		for (level = 0; level < 5; level++) {
			call3(0x84000004, targets[i], level);
			call3(0xc4000004, targets[i], level);
		}
		call3(0x84000004, CALL_GARBAGE | targets[i], CALL_GARBAGE);
		call3(0xc4000004, targets[i], CALL_GARBAGE);
	}
	call3(0x84000006, 0, 0);
	call3(0x80000000, 0, 0);
	for (i = 0; i < ARRAY_SIZE(arch); i++) {
		call3(0x80000001, arch[i], 0);
		call3(0xc5000020, arch[i], 0);
	}
	call3(0x80000002, 0, 0);
	call3(0x80000002, 1, 0);
	call3(0xc5000021, 0, 0);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		call3(others[i], 0x84000050, 2);
		call3(CALL_GARBAGE | others[i], CALL_GARBAGE | 0x84000050, 2);
	}
	/* The second one is on its way now. */
	call3(PSCI_CPU_ON_64, 1, (u64)guest_start);
	call3(0x84000004, 1, 0);
	call3(0xc4000004, 1, 1);
	call3(0xc4000004, 0, 2);
	/* No call of the convention. */
	asm volatile("hvc #1" : : : "x0", "x1", "x2", "x3", "x4", "x5", "memory");
	GUEST_DONE();
}

static void guest_waits_for_events(void)
{
	u64 i, nzcv;

	for (i = 0; i < 300; i++) {
		asm volatile("msr nzcv, %1\n"
			     "wfe\n"
			     "mrs %0, nzcv"
			     : "=r"(nzcv) : "r"((i & 15) << 28) : "cc", "memory");
		note(nzcv);
	}
	GUEST_DONE();
}

#define SGI_FRAME	(GUEST_GICR + GICR_SGI)

static void sgi_state(void)
{
	note(read_sysreg(isr_el1));
	note(read_sysreg(ICC_HPPIR1_EL1));
	note(guest_read32(SGI_FRAME + GICD_ISPENDR) & 0xffff);
	note(guest_read32(SGI_FRAME + GICD_ISACTIVER) & 0xffff);
}

static void sgi_self(u64 n)
{
	write_sysreg(BIT(0) | n << 24, ICC_SGI1R_EL1);
	isb();
}

/* Each combination, one SGI in it: bits of what it is. */
static void guest_gets_sgis(void)
{
	u64 what, n, iar, i;

	guest_write32(GUEST_GICD + GICD_CTLR, 0x13);
	guest_gic_on(false);
	for (what = 0; what < 128; what++) {
		n = what * 5 % 16;
		guest_write32(SGI_FRAME + GICD_ICENABLER, 0xffff);
		guest_write32(SGI_FRAME + GICD_ICPENDR, 0xffff);
		guest_write32(SGI_FRAME + GICD_ICACTIVER, 0xffff);
		guest_write32(SGI_FRAME + GICD_IPRIORITYR + n / 4 * 4,
			      0x01010101U * (what & 1 ? 0xa0 : 0x80));
		guest_write32(SGI_FRAME + GICD_IGROUPR, what & 2 ? 0 : 0xffffffff);
		if (!(what & 4))
			guest_write32(SGI_FRAME + GICD_ISENABLER, 1U << n);
		if (what & 8)
			guest_write32(SGI_FRAME + GICD_ISPENDR, 1U << n);
		if (what & 16)
			guest_write32(SGI_FRAME + GICD_ISACTIVER, 1U << n);
		guest_set_pmr(what & 32 ? 0x90 : 0xff);
		write_sysreg(!(what & 64), ICC_IGRPEN1_EL1);
		write_sysreg(1, ICC_IGRPEN0_EL1);
		isb();
		sgi_self(n);
		note(read_sysreg(isr_el1));
		sgi_self(n);
		sgi_state();
		iar = guest_iar();
		note(iar);
		note(guest_rpr());
		/* Active, and pending as well. */
		sgi_self(n);
		sgi_state();
		if (iar < 1020)
			guest_eoi(iar);
		for (i = 0; i < 3; i++) {
			iar = guest_iar();
			note(iar);
			if (iar < 1020)
				guest_eoi(iar);
		}
		iar = read_sysreg(ICC_IAR0_EL1);
		note(iar);
		if (iar < 1020)
			write_sysreg(iar, ICC_EOIR0_EL1);
		sgi_state();
	}
	GUEST_DONE();
}

/* More of them than there are list registers, of all priorities, nested. */
static void guest_gets_many_sgis(void)
{
	u64 i, round, seed = 1, depth = 0, stack[16];

	guest_write32(GUEST_GICD + GICD_CTLR, 0x13);
	guest_gic_on(false);
	write_sysreg(0, ICC_BPR1_EL1);
	guest_write32(SGI_FRAME + GICD_IGROUPR, 0xffffffff);
	for (i = 0; i < 4; i++)
		guest_write32(SGI_FRAME + GICD_IPRIORITYR + 4 * i, 0x80a0c060 + i * 0x08080808);
	guest_write32(SGI_FRAME + GICD_ISENABLER, 0xffff);
	for (round = 0; round < 600; round++) {
		seed = seed * 6364136223846793005UL + 1442695040888963407UL;
		switch (seed >> 60) {
		case 0:
			note(guest_read32(SGI_FRAME + GICD_ISPENDR));
			break;
		case 1:
			note(guest_read32(SGI_FRAME + GICD_ISACTIVER));
			break;
		case 2 ... 5:
			stack[depth] = guest_iar();
			note(stack[depth]);
			note(guest_rpr());
			if (stack[depth] < 1020)
				depth++;
			break;
		case 6 ... 9:
			if (depth)
				guest_eoi(stack[--depth]);
			break;
		default:
			sgi_self(seed >> 40 & 15);
			note(guest_hppir());
		}
	}
	while (depth)
		guest_eoi(stack[--depth]);
	for (i = 0; i < 20; i++) {
		stack[0] = guest_iar();
		note(stack[0]);
		if (stack[0] < 1020)
			guest_eoi(stack[0]);
	}
	GUEST_DONE();
}

/* The timer is due, and stays so until it is told otherwise: no times in here. */
static void guest_gets_timers(u64 eoimode)
{
	u64 i, end, iar;

	guest_write32(GUEST_GICD + GICD_CTLR, 0x13);
	guest_write32(SGI_FRAME + GICD_IGROUPR, 0xffffffff);
	guest_write32(SGI_FRAME + GICD_IPRIORITYR + PPI_VTIMER / 4 * 4, 0x80808080);
	guest_write32(SGI_FRAME + GICD_ISENABLER, 1U << PPI_VTIMER);
	guest_gic_on(eoimode);
	for (i = 0; i < 100; i++) {
		write_sysreg(read_sysreg(cntvct_el0) + 2000, cntv_cval_el0);
		write_sysreg(CTL_ENABLE, cntv_ctl_el0);
		isb();
		while (!read_sysreg(isr_el1))
			;
		note(guest_hppir());
		iar = guest_iar();
		note(iar);
		note(guest_rpr());
		note(read_sysreg(cntv_ctl_el0));
		/* Active: not once more. */
		note(guest_iar());
		if (i % 4 == 1)
			note(guest_read32(SGI_FRAME + GICD_ISACTIVER));
		guest_eoi(iar);
		if (eoimode) {
			/* Still active, whatever its priority is. */
			note(read_sysreg(isr_el1));
			note(guest_iar());
			guest_dir(iar);
		}
		/* Still due. */
		while (!read_sysreg(isr_el1))
			;
		iar = guest_iar();
		note(iar);
		write_sysreg(0, cntv_ctl_el0);
		isb();
		if (i % 4 == 2)
			note(guest_read32(SGI_FRAME + GICD_ISPENDR) & 1U << PPI_VTIMER);
		guest_eoi(iar);
		if (eoimode)
			guest_dir(iar);
		end = read_sysreg(cntvct_el0) + 1000;
		while (read_sysreg(cntvct_el0) < end)
			isb();
		note(read_sysreg(isr_el1));
		note(guest_iar());
	}
	GUEST_DONE();
}

/* More of them than the ring holds. */
static void guest_posts_all(void)
{
	u64 i, value;

	for (i = 0; i < 200; i++) {
		value = 0x1020304050607080 * (i + 1);
		switch (i % 4) {
		case 0:
			asm volatile("strb %w0, [%1]" : : "r"(value), "r"(POSTED_SIZED + i));
			break;
		case 1:
			asm volatile("strh %w0, [%1]" : : "r"(value), "r"(POSTED_SIZED + i * 2));
			break;
		case 2:
			asm volatile("str %w0, [%1]" : : "r"(value), "r"(POSTED_SIZED + i * 4));
			break;
		default:
			asm volatile("str %0, [%1]" : : "r"(value), "r"(POSTED_SIZED + i * 8));
		}
		/* What is no write to there. */
		if (i % 16 == 5)
			note(guest_read32(POSTED + i));
		if (i % 16 == 9)
			guest_write32(POSTED - 4, i);
		if (i % 16 == 12)
			guest_write32(POSTED + POSTED_SIZE, i);
	}
	asm volatile("str xzr, [%0]\nstrb wzr, [%0]" : : "r"(POSTED));
	GUEST_DONE();
}

static void guest_reads_gicd(void)
{
	u64 offset, ctlr, value;

	for (ctlr = 0; ctlr < 64; ctlr++) {
		guest_write32(GUEST_GICD + GICD_CTLR, ctlr * 0x01010101);
		note(guest_read32(GUEST_GICD + GICD_CTLR));
	}
	for (offset = 0; offset < 0x20; offset += 4) {
		u64 address = GUEST_GICD + offset;

		note(guest_read32(address));
		asm volatile("ldrsw %0, [%1]" : "=r"(value) : "r"(address));
		note(value);
		asm volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(address));
		note(value);
		asm volatile("ldrb %w0, [%1, #3]" : "=r"(value) : "r"(address));
		note(value);
		asm volatile("ldrsb %0, [%1, #1]" : "=r"(value) : "r"(address));
		note(value);
		asm volatile("ldrh %w0, [%1, #2]" : "=r"(value) : "r"(address));
		note(value);
		if (offset % 8)
			continue;
		asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(address));
		note(value);
	}
	GUEST_DONE();
}

/**
 * struct script - what a guest does, with a kind of answers and without
 * @kind: ARMVCPU_EL2_*.
 * @guest: the guest, which gets @arg.
 * @gics: versions of a GIC; 0: without.
 * @least: so many answers at least.
 * @policy: with a policy for HVCs.
 * @stolen: with stolen time.
 * @arg: see above.
 */
struct script {
	u32 kind;
	const void *guest;
	u32 gics;
	u64 least;
	bool policy, stolen;
	u64 arg;
};

FIXTURE(same) {
	struct gic_vm g;
};

FIXTURE_VARIANT(same) {
	struct script script;
};

FIXTURE_VARIANT_ADD(same, id_registers) {
	.script.kind = ARMVCPU_EL2_SYSREG, .script.guest = guest_reads_ids, .script.least = 56,
};

FIXTURE_VARIANT_ADD(same, os_lock) {
	.script.kind = ARMVCPU_EL2_SYSREG, .script.guest = guest_locks, .script.least = 16,
};

FIXTURE_VARIANT_ADD(same, calls) {
	.script.kind = ARMVCPU_EL2_CALL, .script.guest = guest_calls, .script.least = 280,
};

FIXTURE_VARIANT_ADD(same, calls_with_policy) {
	.script.kind = ARMVCPU_EL2_CALL, .script.guest = guest_calls, .script.least = 340,
	.script.policy = true,
};

FIXTURE_VARIANT_ADD(same, calls_with_stolen_time) {
	.script.kind = ARMVCPU_EL2_CALL, .script.guest = guest_calls, .script.least = 280,
	.script.stolen = true,
};

FIXTURE_VARIANT_ADD(same, calls_with_a_gic) {
	.script.kind = ARMVCPU_EL2_CALL, .script.guest = guest_calls, .script.least = 280,
	.script.gics = ANY,
};

FIXTURE_VARIANT_ADD(same, wfe) {
	.script.kind = ARMVCPU_EL2_WFE, .script.guest = guest_waits_for_events,
	.script.least = 250,
};

FIXTURE_VARIANT_ADD(same, sgis) {
	.script.kind = ARMVCPU_EL2_SGI, .script.guest = guest_gets_sgis,
	.script.gics = GIC_V3, .script.least = 64,
};

FIXTURE_VARIANT_ADD(same, many_sgis) {
	.script.kind = ARMVCPU_EL2_SGI, .script.guest = guest_gets_many_sgis,
	.script.gics = GIC_V3, .script.least = 50,
};

FIXTURE_VARIANT_ADD(same, timer) {
	.script.kind = ARMVCPU_EL2_TIMER, .script.guest = guest_gets_timers,
	.script.gics = GIC_V3, .script.least = 50,
};

FIXTURE_VARIANT_ADD(same, timer_eoimode_1) {
	.script.kind = ARMVCPU_EL2_TIMER, .script.guest = guest_gets_timers,
	.script.gics = GIC_V3, .script.least = 20,
	.script.arg = 1,
};

FIXTURE_VARIANT_ADD(same, posted) {
	.script.kind = ARMVCPU_EL2_POSTED, .script.guest = guest_posts_all, .script.least = 100,
};

FIXTURE_VARIANT_ADD(same, gicd) {
	.script.kind = ARMVCPU_EL2_GIC, .script.guest = guest_reads_gicd, .script.gics = ANY,
	.script.least = 64,
};

FIXTURE_SETUP(same)
{
}

FIXTURE_TEARDOWN(same)
{
}

static void note_write(u64 ipa, u64 len, u64 data)
{
	note(0x100);
	note(ipa);
	note(len);
	note(data);
}

static void drain(struct vcpu *vcpu)
{
	struct armvcpu_posted_ring *ring = &vcpu->run->posted;
	u32 head = ring->head, tail = shared_get(ring->tail);

	for (; head != tail; head++) {
		struct armvcpu_posted *write = &ring->writes[head % ARMVCPU_POSTED_SIZE];

		test_check(!write->pad);
		note_write(write->ipa, write->len, write->data);
	}
	shared_set(ring->head, head);
}

/* The VMM of all these guests: it notes what it is asked. */
static void run_to_done(struct vcpu *vcpu)
{
	struct armvcpu_run *run = vcpu->run;

	for (;;) {
		int ret = vcpu_run_exit(vcpu);

		if (ret)
			test_fail("ARMVCPU_RUN: %s", strerror(-ret));
		drain(vcpu);
		if (vcpu_is_ucall(vcpu) && run->u.call.nr == UCALL_DONE)
			return;
		switch (run->exit_reason) {
		case ARMVCPU_EXIT_MMIO:
			if (run->u.mmio.is_write) {
				note_write(run->u.mmio.ipa, run->u.mmio.len, run->u.mmio.data);
			} else {
				note(run->u.mmio.ipa);
				run->u.mmio.data = run->u.mmio.ipa * 3;
			}
			continue;
		case ARMVCPU_EXIT_PSCI:
			note(run->u.psci.event);
			note(run->u.psci.fn);
			note(run->u.psci.args[0]);
			run->x[0] = 0;
			continue;
		case ARMVCPU_EXIT_HYPERCALL:
			if (vcpu_is_ucall(vcpu))
				break;
			note(run->u.call.nr);
			note(run->u.call.imm);
			note(run->u.call.is_32bit);
			note(run->x[1]);
			note(run->pc);
			continue;
		}
		vcpu_print_exit(vcpu);
		test_fail("an exit that nobody expects");
	}
}

/* What is asked for in it, and so is the VMM's; and what is not. */
static void set_policy(struct vm *vm)
{
	struct armvcpu_smccc_range ranges[] = {
		{ .base = 0x83000000, .count = 0x11, .action = ARMVCPU_SMCCC_USER },
		{ .base = 0x86000001, .count = 1, .action = ARMVCPU_SMCCC_USER },
		{ .base = 0xc3000000, .count = 1, .action = ARMVCPU_SMCCC_DENY },
		/* What the module answers is never looked up. */
		{ .base = 0x80000000, .count = 2, .action = ARMVCPU_SMCCC_USER },
		{ .base = 0xffffffff, .count = 1, .action = ARMVCPU_SMCCC_USER },
	};
	struct armvcpu_smccc_policy policy = {
		.flags = ARMVCPU_SMCCC_POLICY_HVC, .count = ARRAY_SIZE(ranges),
		.ranges = (u64)ranges,
	};

	test_check(!xioctl(vm->fd, ARMVCPU_SET_SMCCC_POLICY, &policy));
}

/* false: this kernel counts no stolen time. */
static bool run_script(struct gic_vm *g, const struct script *script, u64 mask,
		       struct armvcpu_stats *stats)
{
	world_init(g, gic_version(script->gics));
	if (script->policy)
		set_policy(&g->vm);
	set_posted(&g->vm, POSTED, POSTED_SIZE);
	world_add_vcpus(g, NR_VCPUS, 0);
	if (script->stolen) {
		vm_add_memory(&g->vm, 0, GUEST_RAM, 0x10000);
		if (vcpu_try_set(&g->vcpu[0], ARMVCPU_REG_STOLEN_TIME, GUEST_RAM + 64))
			return false;
	}
	set_answers(&g->vm, mask);
	seen.count = 0;
	vcpu_call(&g->vcpu[0], script->guest, script->arg);
	run_to_done(&g->vcpu[0]);
	*stats = g->vcpu[0].run->stats;
	world_close(g);
	return true;
}

TEST_F(same, with_and_without)
{
	const struct script *script = &variant->script;
	const u64 masks[] = {
		ALL_ANSWERS, ALL_ANSWERS & ~BIT(script->kind), BIT(script->kind), 0,
	};
	struct armvcpu_stats stats;
	unsigned int i, k;
	u64 n, least;

	if (script->gics && !gic_version(script->gics))
		SKIP(return, "%s", no_gicv3);
	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		if (!run_script(&self->g, script, masks[i], &stats))
			SKIP(return, "this kernel does not count what tasks wait for");
		ASSERT_LT(seen.count, ARRAY_SIZE(seen.words));
		ASSERT_LT(10, seen.count);
		for (k = 0; k <= ARMVCPU_EL2_GIC; k++) {
			u64 most = masks[i] & BIT(k) ? ~0UL : 0;

			EXPECT_GE(most, stats.el2[k]);
		}
		if (!i && script->kind == ARMVCPU_EL2_WFE && !stats.el2[ARMVCPU_EL2_WFE])
			SKIP(return, "%s", no_wfe);
		least = masks[i] & BIT(script->kind) ? script->least : 0;
		EXPECT_LE(least, stats.el2[script->kind]);
		if (!i)
			before = seen;
		EXPECT_EQ(before.count, seen.count);
		for (n = 0; n < seen.count; n++) {
			ASSERT_EQ(before.words[n], seen.words[n]) {
				TH_LOG("word %llu, answers 0x%llx", n, masks[i]);
			}
		}
	}
}

/* A VMM that wants to see them sees them all. */
TEST(wfe_exits_come_before)
{
	struct gic_vm g;
	int i;

	world_init(&g, 0);
	world_add_vcpus(&g, 1, ARMVCPU_VCPU_WFE_EXITS);
	set_answers(&g.vm, ALL_ANSWERS);
	vcpu_call(&g.vcpu[0], guest_waits_for_events);
	for (i = 0; i < 300; i++) {
		ASSERT_EQ(0, vcpu_run_exit(&g.vcpu[0]));
		if (!i && vcpu_is_ucall(&g.vcpu[0]))
			SKIP(return, "%s", no_wfe);
		ASSERT_EQ(ARMVCPU_EXIT_WFX, g.vcpu[0].run->exit_reason);
		ASSERT_EQ(1, g.vcpu[0].run->u.wfx.is_wfe);
	}
	vcpu_expect_done(&g.vcpu[0]);
	EXPECT_EQ(0, counted(&g.vcpu[0], ARMVCPU_EL2_WFE));
}

/* EL2 keeps 16 ranges of ids that are the VMM's: more than that are as good. */
TEST(policy_of_many_ranges)
{
	struct armvcpu_smccc_range ranges[ARMVCPU_SMCCC_MAX_RANGES];
	struct armvcpu_smccc_policy policy = {
		.flags = ARMVCPU_SMCCC_POLICY_HVC, .ranges = (u64)ranges,
	};
	static const u32 counts[] = { 0, 1, 15, 16, 17, 64 };
	struct armvcpu_core_regs regs;
	unsigned int i, k;

	memset(ranges, 0, sizeof(ranges));
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		ranges[i].base = 0x83000000 + 4 * i;
		ranges[i].count = 2;
		ranges[i].action = ARMVCPU_SMCCC_USER;
	}
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		bool near = counts[i] <= 16;
		struct gic_vm g;
		struct vcpu *vcpu = &g.vcpu[0];

		policy.count = counts[i];
		world_init(&g, 0);
		ASSERT_EQ(0, xioctl(g.vm.fd, ARMVCPU_SET_SMCCC_POLICY, &policy));
		world_add_vcpus(&g, 1, 0);
		snippet_prepare(vcpu, VCPU_MMU_ON);
		for (k = 0; k < 4 * counts[i] + 4; k++) {
			u64 was = counted(vcpu, ARMVCPU_EL2_CALL);

			snippet_start(vcpu, &regs, &insn_hvc, 0);
			regs.x[0] = 0x83000000 + k;
			vcpu_set_regs(vcpu, &regs);
			if (k < 4 * counts[i] && k % 4 < 2) {
				vcpu_expect(vcpu, ARMVCPU_EXIT_HYPERCALL);
				ASSERT_EQ(0x83000000 + k, vcpu->run->u.call.nr);
				ASSERT_EQ(was, counted(vcpu, ARMVCPU_EL2_CALL));
			} else {
				ASSERT_EQ(0, vcpu_run_exit(vcpu));
				ASSERT_TRUE(snippet_is_stop(vcpu));
				ASSERT_EQ(was + near, counted(vcpu, ARMVCPU_EL2_CALL));
			}
			ASSERT_EQ(-1, (s64)vcpu->run->x[0]);
		}
		world_close(&g);
	}
}

/* ---- registers --------------------------------------------------- */

/* One instruction, and calls that tell by how much PC went on. */
struct stepped {
	u32 insn;
	u32 calls[3];
};

#define CODE		GUEST_RAM
#define CODE_SIZE	0x10000
#define INSN_HVC(imm)	(0xd4000002 | (imm) << 5)
#define INSN_LDR_W(rt)	(0xb9400020 | (rt))	/* ldr w<rt>, [x1] */
#define INSN_NOP	0xd503201f
#define SYSREG_PFR0	ARMVCPU_SYSREG(3, 0, 0, 4, 0)
#define SYSREG_OSLSR	ARMVCPU_SYSREG(2, 0, 1, 1, 4)
#define SYSREG_OSLAR	ARMVCPU_SYSREG(2, 0, 1, 0, 4)
#define SYSREG_SGI1R	ARMVCPU_SYSREG(3, 0, 12, 11, 5)

/* A vCPU, and where its code lies. */
struct lab {
	struct gic_vm g;
	struct stepped *code;
	unsigned int used;
};

FIXTURE(insn) {
	struct lab lab;
};

FIXTURE_VARIANT(insn) {
	bool off;
};

FIXTURE_VARIANT_ADD(insn, on) { .off = false };
FIXTURE_VARIANT_ADD(insn, off) { .off = true };

static void insn_init(struct lab *lab, bool off, u32 flags)
{
	u32 version = gic_version(ANY);
	unsigned int i;

	world_init(&lab->g, version);
	set_posted(&lab->g.vm, POSTED, POSTED_SIZE);
	lab->code = vm_add_memory(&lab->g.vm, 0, CODE, CODE_SIZE);
	world_add_vcpus(&lab->g, 1, flags);
	if (off)
		set_answers(&lab->g.vm, 0);
	snippet_prepare(&lab->g.vcpu[0], VCPU_MMU_ON);
	for (i = 0; version && i < 16; i++)
		gic_enable(&lab->g, &lab->g.vcpu[0], i, 0x80, true);
}

FIXTURE_SETUP(insn)
{
	insn_init(&self->lab, variant->off, 0);
}

FIXTURE_TEARDOWN(insn)
{
}

/* Where nothing has been executed yet; x1 is @address. */
static void insn_start(struct lab *lab, struct armvcpu_core_regs *regs, u32 insn,
		       u64 address)
{
	struct stepped *code = &lab->code[lab->used];
	unsigned int i;

	test_check((lab->used + 1) * sizeof(*code) <= CODE_SIZE);
	code->insn = insn;
	for (i = 0; i < ARRAY_SIZE(code->calls); i++)
		code->calls[i] = INSN_HVC(i + 1);
	snippet_start(&lab->g.vcpu[0], regs, (void *)(CODE + lab->used * sizeof(*code)), address);
	lab->used++;
}

/* One instruction on, with these registers, and nothing else has changed. */
static void insn_check(struct lab *lab, const struct armvcpu_core_regs *regs)
{
	struct vcpu *vcpu = &lab->g.vcpu[0];
	struct armvcpu_run *run = vcpu->run;
	struct armvcpu_core_regs got;
	unsigned int i;

	if (vcpu_run_exit(vcpu) || run->exit_reason != ARMVCPU_EXIT_HYPERCALL ||
	    vcpu_is_ucall(vcpu)) {
		vcpu_print_exit(vcpu);
		test_fail("not the call behind the instruction");
	}
	vcpu_get_regs(vcpu, &got);
	if (run->u.call.imm != 1 || run->pc != regs->pc + 8)
		test_fail("PC went on by %u instructions", run->u.call.imm);
	if (run->u.call.nr != regs->x[0])
		test_fail("x0 is 0x%llx, not 0x%llx", run->u.call.nr, regs->x[0]);
	for (i = 1; i < 31; i++) {
		if (run->x[i] != regs->x[i])
			test_fail("x%u is 0x%llx, not 0x%llx", i, run->x[i], regs->x[i]);
	}
	if (run->pstate != regs->pstate || got.sp_el0 != regs->sp_el0 ||
	    got.sp_el1 != regs->sp_el1)
		test_fail("pstate 0x%llx, not 0x%llx", run->pstate, regs->pstate);
}

static void expect_count(struct lab *lab, unsigned int kind, u64 want)
{
	if (counted(&lab->g.vcpu[0], kind) != want)
		test_fail("answers of kind %u: %llu, not %llu", kind,
			  counted(&lab->g.vcpu[0], kind), want);
}

static void set_reg(struct armvcpu_core_regs *regs, unsigned int rt, u64 value)
{
	if (rt < 31)
		regs->x[rt] = value;
}

/* All of the flags, and what an instruction that is done takes away. */
static void set_flags(struct vcpu *vcpu, struct armvcpu_core_regs *regs, unsigned int n)
{
	u64 nzcv = (u64)(n & 15) << 28;

	regs->pstate = PSTATE_RESET | nzcv;
	if (get_cap(vcpu->vm->sys, ARMVCPU_CAP_PSTATE_MASK) & PSR_BTYPE)
		regs->pstate |= PSR_BTYPE_CALL;
	vcpu_set_regs(vcpu, regs);
	regs->pstate = PSTATE_RESET | nzcv;
}

TEST_F(insn, mrs_to_each_register)
{
	static const u32 sysregs[] = { SYSREG_PFR0, SYSREG_OSLSR };
	struct vcpu *vcpu = &self->lab.g.vcpu[0];
	struct armvcpu_core_regs regs;
	unsigned int i, rt;

	for (i = 0; i < ARRAY_SIZE(sysregs); i++) {
		u64 value = i ? 0x8 : vcpu_get(vcpu, ARMVCPU_REG_CLASS_SYS | sysregs[i]);

		for (rt = 0; rt < 32; rt++) {
			insn_start(&self->lab, &regs, insn_mrs(sysregs[i], rt), SNIPPET_ADDRESS);
			set_flags(vcpu, &regs, rt);
			set_reg(&regs, rt, value);
			insn_check(&self->lab, &regs);
			expect_count(&self->lab, ARMVCPU_EL2_SYSREG,
				     variant->off ? 0 : i * 32 + rt + 1);
		}
	}
}

TEST_F(insn, oslar_from_each_register)
{
	struct vcpu *vcpu = &self->lab.g.vcpu[0];
	struct armvcpu_core_regs regs;
	unsigned int rt;

	/* The first one locks, which is the module's; from then on it is as it is. */
	for (rt = 0; rt < 31; rt++) {
		insn_start(&self->lab, &regs, insn_msr(SYSREG_OSLAR, rt), SNIPPET_ADDRESS);
		set_reg(&regs, rt, ~0UL);
		set_flags(vcpu, &regs, rt);
		insn_check(&self->lab, &regs);
		expect_count(&self->lab, ARMVCPU_EL2_SYSREG, variant->off ? 0 : rt);
	}
	/* Zero unlocks. */
	for (rt = 0; rt < 2; rt++) {
		insn_start(&self->lab, &regs, insn_msr(SYSREG_OSLAR, 31), SNIPPET_ADDRESS);
		insn_check(&self->lab, &regs);
		expect_count(&self->lab, ARMVCPU_EL2_SYSREG, variant->off ? 0 : 30 + rt);
	}
	insn_start(&self->lab, &regs, insn_mrs(SYSREG_OSLSR, 5), SNIPPET_ADDRESS);
	set_reg(&regs, 5, 0x8);
	insn_check(&self->lab, &regs);
}

TEST_F(insn, gicd_to_each_register)
{
	struct vcpu *vcpu = &self->lab.g.vcpu[0];
	struct armvcpu_core_regs regs;
	unsigned int rt;
	u32 typer;

	if (!self->lab.g.version)
		SKIP(return, NO_GIC);
	typer = gic_get(&self->lab.g.vm, ARMVCPU_GIC_DIST, GICD_TYPER, 0);
	for (rt = 0; rt < 32; rt++) {
		insn_start(&self->lab, &regs, INSN_LDR_W(rt), GUEST_GICD + GICD_TYPER);
		set_flags(vcpu, &regs, rt);
		set_reg(&regs, rt, typer);
		insn_check(&self->lab, &regs);
		expect_count(&self->lab, ARMVCPU_EL2_GIC, variant->off ? 0 : rt + 1);
	}
}

TEST_F(insn, store_from_each_register)
{
	/* strb, strh, str of 4 and 8 bytes: <rt>, [x1] */
	static const u32 stores[] = { 0x39000020, 0x79000020, 0xb9000020, 0xf9000020 };
	struct vcpu *vcpu = &self->lab.g.vcpu[0];
	struct armvcpu_posted_ring *ring = &vcpu->run->posted;
	struct armvcpu_core_regs regs;
	unsigned int i, rt;
	u32 n = 0;

	for (i = 0; i < ARRAY_SIZE(stores); i++) {
		u64 len = 1 << i, mask = ~0UL >> (64 - 8 * len);

		for (rt = 0; rt < 32; rt++, n++) {
			struct armvcpu_posted *write = &ring->writes[n % ARMVCPU_POSTED_SIZE];
			u64 ipa = POSTED + 8 * rt, data;

			insn_start(&self->lab, &regs, stores[i] | rt, ipa);
			set_flags(vcpu, &regs, rt);
			data = rt < 31 ? regs.x[rt] & mask : 0;
			if (variant->off) {
				vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
				ASSERT_EQ(ipa, vcpu->run->u.mmio.ipa);
				ASSERT_EQ(len, vcpu->run->u.mmio.len);
				ASSERT_EQ(data, vcpu->run->u.mmio.data);
				insn_check(&self->lab, &regs);
				ASSERT_EQ(0, ring->tail);
				continue;
			}
			memset(write, 0xee, sizeof(*write));
			insn_check(&self->lab, &regs);
			ASSERT_EQ(n + 1, ring->tail);
			ASSERT_EQ(ipa, write->ipa);
			ASSERT_EQ(len, write->len);
			ASSERT_EQ(data, write->data);
			ASSERT_EQ(0, write->pad);
			shared_set(ring->head, n + 1);
			expect_count(&self->lab, ARMVCPU_EL2_POSTED, n + 1);
		}
	}
}

TEST_F(insn, sgi_from_each_register)
{
	const u32 ispendr = GICR_SGI + GICD_ISPENDR;
	struct vcpu *vcpu = &self->lab.g.vcpu[0];
	struct vm *vm = &self->lab.g.vm;
	struct armvcpu_core_regs regs;
	unsigned int rt;

	if (self->lab.g.version != 3)
		SKIP(return, "%s", no_gicv3);
	for (rt = 0; rt < 32; rt++) {
		insn_start(&self->lab, &regs, insn_msr(SYSREG_SGI1R, rt), SNIPPET_ADDRESS);
		set_reg(&regs, rt, BIT(0) | rt % 16 << 24);
		set_flags(vcpu, &regs, rt);
		insn_check(&self->lab, &regs);
		expect_count(&self->lab, ARMVCPU_EL2_SGI, variant->off ? 0 : rt + 1);
		/* The zero register: to nobody. */
		ASSERT_EQ(rt < 31 ? 1U << rt % 16 : 0,
			  gic_get(vm, ARMVCPU_GIC_REDIST, ispendr, 0));
		gic_set(vm, ARMVCPU_GIC_REDIST, ispendr, 0, 0);
	}
}

TEST_F(insn, call_keeps_the_others)
{
	struct vcpu *vcpu = &self->lab.g.vcpu[0];
	struct armvcpu_core_regs regs;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		insn_start(&self->lab, &regs, INSN_HVC(0), SNIPPET_ADDRESS);
		set_reg(&regs, 0, PSCI_VERSION);
		set_flags(vcpu, &regs, i);
		set_reg(&regs, 0, 0x10001);
		insn_check(&self->lab, &regs);
		expect_count(&self->lab, ARMVCPU_EL2_CALL, variant->off ? 0 : i + 1);
	}
}

/* ---- single steps ------------------------------------------------ */

struct step {
	u32 insn;
	u64 x0, x1;
	bool gicv3;
	unsigned int kind;
};

static const struct step steps[] = {
	{ 0xd5380400, 0, 0, false, ARMVCPU_EL2_SYSREG },	/* mrs x0, id_aa64pfr0_el1 */
	{ 0xd5101081, 0, 0, false, ARMVCPU_EL2_SYSREG },	/* msr oslar_el1, x1 */
	{ 0xd4000002, PSCI_VERSION, 0, false, ARMVCPU_EL2_CALL },
	{ 0xf9000020, 5, POSTED, false, ARMVCPU_EL2_POSTED },	/* str x0, [x1] */
	{ 0xb9400020, 5, GUEST_GICD + GICD_TYPER, true, ARMVCPU_EL2_GIC },
	{ 0xd518cba0, 1, 0, true, ARMVCPU_EL2_SGI },		/* msr icc_sgi1r_el1, x0 */
};

/* The VMM steps: each is one, whoever has the answer. */
static void check_steps(struct lab *lab, bool off)
{
	struct vcpu *vcpu = &lab->g.vcpu[0];
	struct armvcpu_run *run = vcpu->run;
	struct armvcpu_core_regs regs;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		u64 was = counted(vcpu, steps[i].kind), pc;

		if (steps[i].gicv3 && lab->g.version != 3)
			continue;
		insn_start(lab, &regs, steps[i].insn, steps[i].x1);
		regs.x[0] = steps[i].x0;
		regs.pstate |= PSR_SS;
		vcpu_set_regs(vcpu, &regs);
		pc = regs.pc + 4;
		vcpu_set(vcpu, ARMVCPU_REG_SYS(2, 0, 0, 2, 2), BIT(0));
		if (vcpu_run_exit(vcpu))
			test_fail("ARMVCPU_RUN: %m");
		if (off && steps[i].kind == ARMVCPU_EL2_POSTED) {
			if (run->exit_reason != ARMVCPU_EXIT_MMIO)
				test_fail("step %u: no exit of a write", i);
			if (vcpu_run_exit(vcpu))
				test_fail("ARMVCPU_RUN: %m");
		}
		if (run->exit_reason != ARMVCPU_EXIT_DEBUG || run->u.debug.ec != EC_STEP_LOW ||
		    run->pc != pc || run->pstate & PSR_SS) {
			vcpu_print_exit(vcpu);
			test_fail("step %u: not one step, to 0x%llx", i, pc);
		}
		if (counted(vcpu, steps[i].kind) != was + !off)
			test_fail("step %u: answered by somebody else", i);
	}
}

TEST(steps_of_the_vmm)
{
	struct lab on = { 0 }, off = { 0 };

	insn_init(&on, false, ARMVCPU_VCPU_DEBUG_EXITS);
	check_steps(&on, false);
	insn_init(&off, true, ARMVCPU_VCPU_DEBUG_EXITS);
	check_steps(&off, true);
}

static void guest_step(u64 code, u64 arg0, u64 arg1)
{
	register u64 x0 asm("x0") = arg0;
	register u64 x1 asm("x1") = arg1;

	asm volatile("adr x30, 1f\n"
		     "msr elr_el1, %[code]\n"
		     "msr spsr_el1, %[spsr]\n"
		     "eret\n"
		     "1:\n"
		     : "+r"(x0), "+r"(x1)
		     : [code] "r"(code), [spsr] "r"((PSR_MASKED & ~PSR_D) | PSR_EL1H | PSR_SS)
		     : "x2", "x3", "x4", "x5", "x30", "cc", "memory");
}

/* The guest steps itself: an exception behind each, and only there. */
static void guest_steps(u64 version)
{
	const struct guest_trap *trap;
	u64 i, k, code = CODE;

	for (i = 0; i < ARRAY_SIZE(steps); i++, code += 8) {
		if (steps[i].gicv3 && version != 3)
			continue;
		for (k = 0; k < 3; k++) {
			write_sysreg(BIT(0) | BIT(13), mdscr_el1);
			isb();
			trap = GUEST_TRAP(guest_step(code, steps[i].x0, steps[i].x1));
			asm volatile("msr daifset, #8");
			GUEST_ASSERT_EQ(1, trap->count);
			GUEST_ASSERT_EQ(EC_STEP, ESR_EC(trap->esr));
			GUEST_ASSERT_EQ(code + 4, trap->frame.elr);
			GUEST_ASSERT_EQ(0, trap->frame.spsr & PSR_SS);
			note(trap->esr);
			note(trap->frame.x[0]);
			note(trap->frame.spsr);
		}
	}
	GUEST_DONE();
}

TEST(steps_of_the_guest)
{
	unsigned int off, i;

	for (off = 0; off < 2; off++) {
		struct lab w = { 0 };
		u32 *code;

		insn_init(&w, off, 0);
		code = (u32 *)w.code;
		for (i = 0; i < ARRAY_SIZE(steps); i++) {
			*code++ = steps[i].insn;
			*code++ = 0xd65f03c0;	/* ret */
		}
		seen.count = 0;
		vcpu_call(&w.g.vcpu[0], guest_steps, w.g.version);
		run_to_done(&w.g.vcpu[0]);
		for (i = 0; i < ARRAY_SIZE(steps); i++) {
			u64 answers = counted(&w.g.vcpu[0], steps[i].kind);

			if (!steps[i].gicv3 || w.g.version == 3)
				test_check(!off == (answers >= 3));
		}
		ASSERT_LT(0, seen.count);
		world_close(&w.g);
	}
}

/* ---- what survives ----------------------------------------------- */

static struct guest_regs survivor;

static void guest_check_fp(u64 seed)
{
	const char *differs;
	u64 a = 0, b = 0;

	guest_fp_store(&survivor.got);
	differs = guest_fp_differ(&survivor.want, &survivor.got, &a, &b);
	__GUEST_ASSERT(!differs, differs, a, b);
	GUEST_ASSERT_EQ(~seed, read_sysreg(tpidr_el0));
	GUEST_ASSERT_EQ(seed * 3, read_sysreg(tpidr_el1));
	GUEST_ASSERT_EQ(seed * 16, read_sysreg(sp_el0));
	GUEST_ASSERT_EQ(seed * 7, read_sysreg(contextidr_el1) << 32 >> 32);
}

/* All registers hold something across each; what has a result holds that. */
static void guest_survives(u64 count, u64 version, u64 pfr0, u64 typer)
{
	const u64 seed = 0x1234567;
	struct guest_state *want = &survivor.want, *got = &survivor.got;
	const char *differs;
	u64 i, a = 0, b = 0;

	if (version)
		guest_gic_on(false);
	guest_state_fill(want, 1);
	guest_fp_load(want);
	write_sysreg(~seed, tpidr_el0);
	write_sysreg(seed * 3, tpidr_el1);
	write_sysreg(seed * 16, sp_el0);
	write_sysreg(seed * 7, contextidr_el1);
	for (i = 0; i < count; i++) {
		/* The values of another run in the general registers each time. */
		want->x[i % 27] += i;
		want->nzcv = (i & 15) << 28;
		want->x[28] = POSTED_SIZED + i % 64 * 8;
		switch (i % 6) {
		case 0:
			guest_regs_exit_mrs(&survivor);
			GUEST_ASSERT_EQ(pfr0, got->x[7]);
			got->x[7] = want->x[7];
			break;
		case 1:
			want->x[0] = PSCI_VERSION;
			guest_regs_exit_call(&survivor);
			GUEST_ASSERT_EQ(0x10001, got->x[0]);
			got->x[0] = want->x[0];
			break;
		case 2:
			guest_regs_exit_post(&survivor);
			break;
		case 3:
			guest_regs_exit_wfe(&survivor);
			break;
		case 4:
			if (!version)
				continue;
			want->x[28] = GUEST_GICD + GICD_TYPER;
			guest_regs_exit_gicd(&survivor);
			GUEST_ASSERT_EQ(typer, got->x[7]);
			got->x[7] = want->x[7];
			break;
		default:
			if (version != 3)
				continue;
			want->x[7] = BIT(0) | (i & 15) << 24;
			guest_regs_exit_sgi(&survivor);
			isb();
			GUEST_ASSERT_EQ(i & 15, guest_iar());
			guest_eoi(i & 15);
		}
		differs = guest_x_differ(want, got, &a, &b);
		__GUEST_ASSERT(!differs, differs, a, b);
		if (i % 128 == 0)
			guest_check_fp(seed);
	}
	guest_check_fp(seed);
	GUEST_DONE();
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Signals to this thread, so many microseconds apart; 0: no more. */
static void alarm_every(unsigned int us)
{
	struct itimerval timer = { { 0, us }, { 0, us } };
	struct sigaction action = { .sa_handler = on_alarm };

	test_check(!sigaction(SIGALRM, &action, NULL));
	test_check(!setitimer(ITIMER_REAL, &timer, NULL));
}

static void check_survival(u64 mask)
{
	u32 version = gic_version(ANY);
	struct gic_vm g;
	struct vcpu *vcpu = &g.vcpu[0];
	u64 i, pfr0, typer = 0;

	world_init(&g, version);
	set_posted(&g.vm, POSTED, POSTED_SIZE);
	world_add_vcpus(&g, 1, 0);
	set_answers(&g.vm, mask);
	for (i = 0; version && i < 16; i++)
		gic_enable(&g, vcpu, i, 0x80, true);
	if (version)
		typer = gic_get(&g.vm, ARMVCPU_GIC_DIST, GICD_TYPER, 0);
	pfr0 = vcpu_get(vcpu, ARMVCPU_REG_CLASS_SYS | SYSREG_PFR0);
	alarm_every(500);
	vcpu_call(vcpu, guest_survives, rounds(10000), version, pfr0, typer);
	run_to_done(vcpu);
	alarm_every(0);
	test_check(vcpu->run->stats.irqs);
	world_close(&g);
}

TEST(registers_survive)
{
	check_survival(ALL_ANSWERS);
}

TEST(registers_survive_without)
{
	check_survival(0);
}

/* Now here, now there. */
TEST(registers_survive_both)
{
	check_survival(BIT(ARMVCPU_EL2_SYSREG) | BIT(ARMVCPU_EL2_SGI) | BIT(ARMVCPU_EL2_GIC));
}

/* ---- posted writes ----------------------------------------------- */

FIXTURE(posted) {
	struct gic_vm g;
	struct vm *vm;
	struct vcpu *vcpu;
	struct armvcpu_posted_ring *ring;
};

FIXTURE_SETUP(posted)
{
	world_init(&self->g, 0);
	self->vm = &self->g.vm;
	set_posted(self->vm, POSTED, POSTED_SIZE);
	world_add_vcpus(&self->g, 1, 0);
	self->vcpu = &self->g.vcpu[0];
	self->ring = &self->vcpu->run->posted;
}

FIXTURE_TEARDOWN(posted)
{
}

/* @count writes: numbers from @first on, each to the next word. */
static void guest_posts(u64 first, u64 count)
{
	u64 i;

	for (i = first; i < first + count; i++)
		guest_write32(POSTED + i * 4 % POSTED_SIZE, i);
	GUEST_DONE();
}

static bool is_post(const struct armvcpu_posted *write, u64 n)
{
	return write->ipa == POSTED + n * 4 % POSTED_SIZE && write->data == n && write->len == 4 &&
	       !write->pad;
}

TEST_F(posted, go_into_the_ring_in_order)
{
	unsigned int i;

	memset(self->ring->writes, 0xff, sizeof(self->ring->writes));
	vcpu_call(self->vcpu, guest_posts, 0, ARMVCPU_POSTED_SIZE - 1);
	vcpu_expect_done(self->vcpu);
	ASSERT_EQ(0, self->ring->head);
	ASSERT_EQ(ARMVCPU_POSTED_SIZE - 1, self->ring->tail);
	for (i = 0; i < ARMVCPU_POSTED_SIZE - 1; i++)
		ASSERT_TRUE(is_post(&self->ring->writes[i], i));
	/* What has not been written is as it was. */
	EXPECT_EQ(~0ULL, self->ring->writes[i].ipa);
	EXPECT_EQ(ARMVCPU_POSTED_SIZE - 1, counted(self->vcpu, ARMVCPU_EL2_POSTED));
	EXPECT_EQ(0, self->vcpu->run->stats.user[ARMVCPU_EXIT_MMIO]);
}

/* One after the other by exits then, and nothing is lost. */
TEST_F(posted, full_ring)
{
	struct armvcpu_exit_mmio *mmio = &self->vcpu->run->u.mmio;
	const u32 size = ARMVCPU_POSTED_SIZE;
	unsigned int i;

	vcpu_call(self->vcpu, guest_posts, 0, size + 5 + size);
	for (i = 0; i < 5; i++) {
		vcpu_expect(self->vcpu, ARMVCPU_EXIT_MMIO);
		ASSERT_EQ(size, self->ring->tail);
		ASSERT_EQ(size + i, mmio->data);
		ASSERT_EQ(POSTED + (size + i) * 4, mmio->ipa);
		ASSERT_EQ(1, mmio->is_write);
	}
	for (i = 0; i < size; i++)
		ASSERT_TRUE(is_post(&self->ring->writes[i], i));
	/* Room for one: it comes, and the next is an exit. */
	shared_set(self->ring->head, 1);
	vcpu_expect(self->vcpu, ARMVCPU_EXIT_MMIO);
	ASSERT_EQ(size + 6, mmio->data);
	ASSERT_EQ(size + 1, self->ring->tail);
	ASSERT_TRUE(is_post(&self->ring->writes[0], size + 5));
	shared_set(self->ring->head, size + 1);
	vcpu_expect_done(self->vcpu);
	ASSERT_EQ(2 * size - 1, self->ring->tail);
	for (i = size + 7; i < 2 * size + 5; i++)
		ASSERT_TRUE(is_post(&self->ring->writes[(i - 6) % size], i));
	/* An exit that is completed is not done again. */
	EXPECT_EQ(6, self->vcpu->run->stats.user[ARMVCPU_EXIT_MMIO]);
}

/* RETRY: into the ring, once there is room. */
TEST_F(posted, retry_of_a_full_ring)
{
	vcpu_call(self->vcpu, guest_posts, 0, ARMVCPU_POSTED_SIZE + 1);
	vcpu_expect(self->vcpu, ARMVCPU_EXIT_MMIO);
	shared_set(self->ring->head, self->ring->tail);
	self->vcpu->run->action = ARMVCPU_ACTION_RETRY;
	vcpu_expect_done(self->vcpu);
	ASSERT_EQ(ARMVCPU_POSTED_SIZE + 1, self->ring->tail);
	ASSERT_TRUE(is_post(&self->ring->writes[0], ARMVCPU_POSTED_SIZE));
}

TEST_F(posted, wraps_at_32_bits)
{
	u32 n = 0xffffffe0, i;

	self->ring->head = n;
	self->ring->tail = n;
	vcpu_call(self->vcpu, guest_posts, 7, ARMVCPU_POSTED_SIZE);
	vcpu_expect_done(self->vcpu);
	ASSERT_EQ(n, self->ring->head);
	ASSERT_EQ(n + ARMVCPU_POSTED_SIZE, self->ring->tail);
	for (i = 0; i < ARMVCPU_POSTED_SIZE; i++)
		ASSERT_TRUE(is_post(&self->ring->writes[(n + i) % ARMVCPU_POSTED_SIZE], 7 + i));
	EXPECT_EQ(0, self->vcpu->run->stats.user[ARMVCPU_EXIT_MMIO]);
	/* Full, whatever the numbers are. */
	vcpu_call(self->vcpu, guest_posts, 0, 1);
	vcpu_expect(self->vcpu, ARMVCPU_EXIT_MMIO);
}

/* What stands in head and tail is nobody's but the VMM's own trouble. */
TEST_F(posted, indices_of_garbage)
{
	static const u32 garbage[][2] = {
		{ 1, 0 }, { 64, 0 }, { 65, 0 }, { 0x80000000, 0 }, { 0x7fffffff, 0 },
		{ 0xffffffff, 0 }, { 0xffffffc0, 0 }, { 0xffffffbf, 0 }, { 0, 0xffffffff },
		{ 0, 64 }, { 0, 65 }, { 12345678, 87654321 }, { 0xdeadbeef, 0xdeadbeef },
		{ 0xffffffff, 0xffffffff }, { 63, 62 }, { 0, 0x80000000 },
	};
	struct armvcpu_run *run = self->vcpu->run;
	struct armvcpu_run was;
	unsigned int i, k, exits;

	for (i = 0; i < ARRAY_SIZE(garbage); i++) {
		u32 used = garbage[i][1] - garbage[i][0], room, total;

		memset(run->pad2, 0x5a, sizeof(run->pad2));
		memset(run->lines, 0x5a, sizeof(run->lines));
		memset(&run->times, 0x5a, sizeof(run->times));
		run->pad1 = 0x5a5a5a5a;
		memset(self->ring->writes, 0xa5, sizeof(self->ring->writes));
		self->ring->head = garbage[i][0];
		self->ring->tail = garbage[i][1];
		was = *run;
		vcpu_call(self->vcpu, guest_posts, 0, 100);
		for (exits = 0; exits <= 100; exits++) {
			ASSERT_EQ(0, vcpu_run_exit(self->vcpu));
			if (run->exit_reason != ARMVCPU_EXIT_MMIO)
				break;
		}
		ASSERT_TRUE(vcpu_is_ucall(self->vcpu));
		ASSERT_EQ(UCALL_DONE, run->u.call.nr);
		/* As many as there was room for. */
		room = used < ARMVCPU_POSTED_SIZE ? ARMVCPU_POSTED_SIZE - used : 0;
		total = room + exits;
		ASSERT_EQ(100, total);
		ASSERT_EQ(garbage[i][0], self->ring->head);
		ASSERT_EQ(garbage[i][1] + room, self->ring->tail);
		for (k = 0; k < ARMVCPU_POSTED_SIZE; k++) {
			u32 n = k - garbage[i][1] % ARMVCPU_POSTED_SIZE;
			struct armvcpu_posted *write = &self->ring->writes[k];

			n %= ARMVCPU_POSTED_SIZE;
			ASSERT_TRUE(n < room ? is_post(write, n) :
					       write->ipa == 0xa5a5a5a5a5a5a5a5);
		}
		/* Nothing else in the page. */
		ASSERT_EQ(0, memcmp(&run->nr_lines, &was.nr_lines,
				    offsetof(struct armvcpu_run, posted) -
				    offsetof(struct armvcpu_run, nr_lines)));
		ASSERT_EQ(0, memcmp(&run->times, &was.times, sizeof(run->times)));
	}
}

/* The first byte is what counts; loads, and what is next to it, are exits. */
static void guest_stores_around(void)
{
	asm volatile("strb wzr, [%0, #-1]\n"
		     "strb wzr, [%0]\n"
		     "strb wzr, [%1, #-1]\n"
		     "strb wzr, [%1]\n"
		     "ldrb w2, [%0]\n"
		     "str xzr, [%1, #-8]\n"
		     : : "r"((u64)POSTED), "r"((u64)POSTED + POSTED_SIZE) : "x2", "memory");
	GUEST_DONE();
}

TEST_F(posted, edges_of_a_range)
{
	static const u64 exits[] = { POSTED - 1, POSTED + POSTED_SIZE, POSTED };
	static const u64 posts[] = { POSTED, POSTED + POSTED_SIZE - 1, POSTED + POSTED_SIZE - 8 };
	unsigned int i;

	vcpu_call(self->vcpu, guest_stores_around);
	for (i = 0; i < ARRAY_SIZE(exits); i++) {
		vcpu_expect(self->vcpu, ARMVCPU_EXIT_MMIO);
		ASSERT_EQ(exits[i], self->vcpu->run->u.mmio.ipa);
		/* What has come before it can be seen. */
		ASSERT_EQ(i ? 2 : 0, self->ring->tail);
	}
	vcpu_expect_done(self->vcpu);
	ASSERT_EQ(ARRAY_SIZE(posts), self->ring->tail);
	for (i = 0; i < ARRAY_SIZE(posts); i++)
		ASSERT_EQ(posts[i], self->ring->writes[i].ipa);
}

SNIPPET(insn_stp, "stp x5, x6, [x1]");
SNIPPET(insn_str_post, "str x5, [x1], #8");
SNIPPET(insn_str_x, "str x5, [x1]");

/* No syndrome describes them. */
TEST_F(posted, without_a_syndrome)
{
	const struct snippet *codes[] = { &insn_stp, &insn_str_post };
	struct armvcpu_core_regs regs;
	unsigned int i;

	snippet_prepare(self->vcpu, VCPU_MMU_ON);
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		snippet_start(self->vcpu, &regs, codes[i], POSTED);
		vcpu_expect(self->vcpu, ARMVCPU_EXIT_ABORT);
		ASSERT_EQ(POSTED, self->vcpu->run->u.abort.ipa);
		ASSERT_EQ(ARMVCPU_ABORT_WRITE,
			  self->vcpu->run->u.abort.flags & ARMVCPU_ABORT_WRITE);
		ASSERT_EQ(0, self->ring->tail);
	}
}

TEST_F(posted, big_endian)
{
	struct armvcpu_core_regs regs;

	snippet_prepare(self->vcpu, VCPU_MMU_OFF);
	vcpu_set(self->vcpu, ARMVCPU_REG_SYS(3, 0, 1, 0, 0), GUEST_SCTLR_RES1 | GUEST_SCTLR_EE);
	snippet_start(self->vcpu, &regs, &insn_str_x, POSTED);
	vcpu_expect(self->vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(POSTED, self->vcpu->run->u.mmio.ipa);
	EXPECT_EQ(__builtin_bswap64(regs.x[5]), self->vcpu->run->u.mmio.data);
	EXPECT_EQ(0, self->ring->tail);
	snippet_expect_stop(self->vcpu, &regs);
	/* And EL0's: E0E alone. */
	vcpu_set(self->vcpu, ARMVCPU_REG_SYS(3, 0, 1, 0, 0), GUEST_SCTLR_RES1 | GUEST_SCTLR_E0E);
	snippet_start(self->vcpu, &regs, &insn_str_x, POSTED);
	regs.pstate = PSR_MASKED | PSR_EL0T;
	vcpu_set_regs(self->vcpu, &regs);
	vcpu_expect(self->vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(__builtin_bswap64(regs.x[5]), self->vcpu->run->u.mmio.data);
	EXPECT_EQ(0, self->ring->tail);
}

/* AArch32 at EL0: r1 the address, r2 the value. */
static void guest_posts_a32(void)
{
	const u64 x[8] = { 0x11, POSTED, 0x22, 0x33 };
	const struct guest_trap *trap = guest_el0(GUEST_USER, PSR_AA32_USER, 0, x);

	GUEST_ASSERT_EQ(EC_SVC32, ESR_EC(trap->esr));
	GUEST_DONE();
}

TEST_F(posted, aarch32)
{
	/* str r2, [r1]; svc #0 */
	static const u32 code[] = { 0xe5812000, 0xef000000 };

	if (!get_cap(self->vm->sys, ARMVCPU_CAP_AARCH32_EL0))
		SKIP(return, "no AArch32 at EL0 on this machine");
	guest_pt_map(GUEST_USER, GUEST_RAM, 0x1000, PTE_NORMAL | PTE_USER);
	memcpy(vm_add_memory(self->vm, 0, GUEST_RAM, 0x10000), code, sizeof(code));
	vcpu_call(self->vcpu, guest_posts_a32);
	vcpu_expect(self->vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(0x22, self->vcpu->run->u.mmio.data);
	EXPECT_EQ(4, self->vcpu->run->u.mmio.len);
	EXPECT_EQ(0, self->ring->tail);
	vcpu_expect_done(self->vcpu);
}

/* Each vCPU has a ring of its own. */
TEST_F(posted, of_each_vcpu)
{
	struct vcpu other;

	other.index = 1;
	vcpu_open(&other, self->vm, vm_create_vcpu(self->vm, 0, 1));
	vcpu_call(self->vcpu, guest_posts, 0, 3);
	vcpu_expect_done(self->vcpu);
	vcpu_call(&other, guest_posts, 5, 1);
	vcpu_expect_done(&other);
	EXPECT_EQ(3, self->ring->tail);
	EXPECT_EQ(1, other.run->posted.tail);
	EXPECT_TRUE(is_post(&other.run->posted.writes[0], 5));
	EXPECT_TRUE(is_post(&self->ring->writes[0], 0));
}

/* ---- posted writes: who takes them out --------------------------- */

/* Writes that have come, by whatever way. */
static struct taker {
	pthread_mutex_t lock;
	struct vcpu *vcpu;
	u64 next;
	u64 posts;
	bool stop;
} taker = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void take_posts(void)
{
	struct armvcpu_posted_ring *ring = &taker.vcpu->run->posted;
	u32 head = ring->head, tail = shared_get(ring->tail);

	for (; head != tail; head++, taker.next++, taker.posts++) {
		if (!is_post(&ring->writes[head % ARMVCPU_POSTED_SIZE], taker.next))
			test_fail("write %llu is of 0x%llx to 0x%llx", taker.next,
				  ring->writes[head % ARMVCPU_POSTED_SIZE].data,
				  ring->writes[head % ARMVCPU_POSTED_SIZE].ipa);
	}
	shared_set(ring->head, head);
}

static void *take_until_stopped(void *arg)
{
	(void)arg;
	while (!shared_get(taker.stop)) {
		pthread_mutex_lock(&taker.lock);
		take_posts();
		pthread_mutex_unlock(&taker.lock);
	}
	return NULL;
}

static void *toggle_answers(void *arg)
{
	struct vm *vm = arg;
	u64 seed = 1;

	while (!shared_get(taker.stop)) {
		seed = seed * 6364136223846793005UL + 1442695040888963407UL;
		set_answers(vm, seed >> 57);
		usleep(seed >> 55 & 255);
	}
	set_answers(vm, ALL_ANSWERS);
	return NULL;
}

static void run_taker(struct vcpu *vcpu, u64 count, bool toggle)
{
	struct armvcpu_exit_mmio *mmio = &vcpu->run->u.mmio;
	pthread_t takes, toggles;

	taker.vcpu = vcpu;
	test_check(!pthread_create(&takes, NULL, take_until_stopped, NULL));
	if (toggle)
		test_check(!pthread_create(&toggles, NULL, toggle_answers, vcpu->vm));
	vcpu_call(vcpu, guest_posts, 0, count);
	for (;;) {
		int ret = vcpu_run_exit(vcpu);

		if (ret)
			test_fail("ARMVCPU_RUN: %s", strerror(-ret));
		if (vcpu->run->exit_reason != ARMVCPU_EXIT_MMIO)
			break;
		/* All that has come before, and then this. */
		pthread_mutex_lock(&taker.lock);
		take_posts();
		if (mmio->data != taker.next)
			test_fail("exit of %llu after %llu", mmio->data, taker.next);
		taker.next++;
		pthread_mutex_unlock(&taker.lock);
	}
	if (!vcpu_is_ucall(vcpu) || vcpu->run->u.call.nr != UCALL_DONE) {
		vcpu_print_exit(vcpu);
		test_fail("not the end");
	}
	shared_set(taker.stop, true);
	test_check(!pthread_join(takes, NULL));
	if (toggle)
		test_check(!pthread_join(toggles, NULL));
	take_posts();
	if (taker.next != count || taker.posts != counted(vcpu, ARMVCPU_EL2_POSTED))
		test_fail("%llu writes, %llu posted, %llu counted", taker.next, taker.posts,
			  counted(vcpu, ARMVCPU_EL2_POSTED));
	if (taker.posts + vcpu->run->stats.user[ARMVCPU_EXIT_MMIO] != count)
		test_fail("%llu posted, %llu exits", taker.posts,
			  vcpu->run->stats.user[ARMVCPU_EXIT_MMIO]);
}

TEST_F(posted, taken_by_another_thread)
{
	run_taker(self->vcpu, rounds(100000), false);
	EXPECT_NE(0, taker.posts);
}

TEST_F(posted, taken_while_answers_come_and_go)
{
	run_taker(self->vcpu, rounds(20000), true);
}

/* ---- posted writes: where they can be ---------------------------- */

static int try_ioeventfd(struct vm *vm, u64 ipa, u32 len)
{
	struct armvcpu_ioeventfd arg = {
		.ipa = ipa, .len = len, .fd = eventfd(0, EFD_CLOEXEC),
	};

	return xioctl(vm->fd, ARMVCPU_SET_IOEVENTFD, &arg);
}

static int try_slot(struct vm *vm, u64 ipa)
{
	return vm_set_slot(vm, 1, 0, ipa, page_size(), alloc_pages(page_size()));
}

#define OTHER		(GUEST_MMIO + 0x1000000)	/* free */

TEST(posted_first_or_last)
{
	struct armvcpu_create_gic gic = {
		.nr_irqs = 64, .max_vcpus = 1, .dist = GUEST_GICD,
		.version = gic_version(ANY),
	};
	struct vm vm;

	gic.cpu = gic.version == 2 ? GUEST_GICC : GUEST_GICR;
	vm_init_bare(&vm, 0);
	/* After the others. */
	ASSERT_EQ(0, try_slot(&vm, GUEST_RAM));
	ASSERT_EQ(0, try_ioeventfd(&vm, OTHER + 8, 4));
	EXPECT_EQ(-EEXIST, try_post(&vm, GUEST_RAM, 4));
	EXPECT_EQ(-EEXIST, try_post(&vm, GUEST_RAM + page_size() - 1, 4));
	EXPECT_EQ(-EEXIST, try_post(&vm, GUEST_RAM - 4, 5));
	EXPECT_EQ(-EEXIST, try_post(&vm, OTHER, 9));
	EXPECT_EQ(-EEXIST, try_post(&vm, OTHER + 11, 9));
	EXPECT_EQ(0, try_post(&vm, OTHER, 8));
	EXPECT_EQ(0, try_post(&vm, OTHER + 12, 4));
	EXPECT_EQ(-EEXIST, try_post(&vm, OTHER + 7, 1));
	EXPECT_EQ(-EEXIST, try_post(&vm, OTHER - 8, 100));
	EXPECT_EQ(0, try_post(&vm, GUEST_RAM + page_size(), 4));
	/* Before them. */
	EXPECT_EQ(-EEXIST, try_slot(&vm, OTHER));
	EXPECT_EQ(-EEXIST, try_slot(&vm, GUEST_RAM + page_size()));
	EXPECT_EQ(-EEXIST, try_ioeventfd(&vm, OTHER, 4));
	EXPECT_EQ(-EEXIST, try_ioeventfd(&vm, OTHER + 15, 1));
	EXPECT_EQ(-EEXIST, try_ioeventfd(&vm, OTHER - 4, 8));
	EXPECT_EQ(0, try_ioeventfd(&vm, OTHER + 16, 4));
	if (gic.version) {
		u64 dist_size = gic.version == 2 ? 0x1000 : 0x10000;

		EXPECT_EQ(0, try_post(&vm, gic.dist - 4, 4));
		/* Nothing shares its frames' 64K. */
		EXPECT_EQ(0, try_post(&vm, gic.dist + 0x10000, 4));
		EXPECT_EQ(0, try_post(&vm, gic.cpu + 0x1000, 1));
		EXPECT_EQ(-EEXIST, gic_vm_try_create(&vm, &gic));
		gic.cpu += 0x1000000;
		EXPECT_EQ(0, gic_vm_try_create(&vm, &gic));
		EXPECT_EQ(-EEXIST, try_post(&vm, gic.dist, 1));
		EXPECT_EQ(-EEXIST, try_post(&vm, gic.dist + dist_size - 1, 1));
		EXPECT_EQ(-EEXIST, try_post(&vm, gic.cpu + 0x1ffc, 4));
	}
	vm_close(&vm);
}

TEST(posted_up_to_the_capability)
{
	unsigned int i, max;
	struct vcpu vcpu;
	struct vm vm;

	vm_init(&vm);
	max = get_cap(vm.sys, ARMVCPU_CAP_MAX_POSTED);
	for (i = 0; i < max; i++)
		ASSERT_EQ(0, try_post(&vm, POSTED + 16 * i, 8));
	EXPECT_EQ(-ENOSPC, try_post(&vm, POSTED + 16 * i, 8));
	EXPECT_EQ(-EEXIST, try_post(&vm, POSTED, 8));
	vcpu_init(&vcpu, &vm, 0);
	/* All are looked at; between them is nothing. */
	vcpu_call(&vcpu, guest_posts, 0, max * 4);
	for (i = 0; i < 2 * max; i++) {
		vcpu_expect(&vcpu, ARMVCPU_EXIT_MMIO);
		ASSERT_EQ(i / 2 * 4 + 2 + i % 2, vcpu.run->u.mmio.data);
	}
	vcpu_expect_done(&vcpu);
	EXPECT_EQ(2 * max, vcpu.run->posted.tail);
}

/* Whichever vCPU it was; also if all that it did was not to run. */
TEST(posted_before_the_first_run)
{
	struct gic_vm g;

	world_init(&g, 0);
	world_add_vcpus(&g, 2, 0);
	/* It is powered off. */
	EXPECT_EQ(-EAGAIN, vcpu_run(&g.vcpu[1]));
	EXPECT_EQ(0, try_post(&g.vm, POSTED, 8));
	vcpu_call(&g.vcpu[0], guest_posts, 0, 1);
	vcpu_expect_done(&g.vcpu[0]);
	EXPECT_EQ(-EBUSY, try_post(&g.vm, POSTED + 64, 8));
	vcpu_close(&g.vcpu[0]);
	EXPECT_EQ(-EBUSY, try_post(&g.vm, POSTED + 64, 8));
	EXPECT_EQ(-EINVAL, try_post(&g.vm, POSTED + 64, 0));
}

/* ---- lines in RUN ------------------------------------------------ */

#define ACK		(GUEST_MMIO + 0x40)
#define SPI		40	/* edge-triggered, as the next; */
#define SPI_LEVEL	50	/* level-sensitive, as the next */
#define PPI		20

static struct taken {
	u64 count;
	u32 iar[64];
} taken;

static void take(struct guest_frame *frame, u64 vector)
{
	u32 iar = guest_iar() & 0x3ff;

	(void)frame;
	(void)vector;
	GUEST_ASSERT(taken.count < ARRAY_SIZE(taken.iar));
	taken.iar[taken.count++] = iar;
	if (iar >= 1020)
		return;
	/* The device lowers its line. */
	guest_write32(ACK, iar);
	guest_eoi(iar);
}

static void guest_windows(void)
{
	guest_cpu()->handler = take;
	guest_gic_on(false);
	for (;;) {
		GUEST_SYNC(1);
		guest_unmask();
		guest_mask();
	}
}

FIXTURE(lines) {
	struct gic_vm g;
	struct vcpu *vcpu, *other;
	struct armvcpu_run *run;
};

FIXTURE_SETUP(lines)
{
	struct gic_vm *g = &self->g;
	unsigned int i;

	if (!gic_version(ANY))
		return;
	gic_vm_init(g, gic_version(ANY), 2);
	self->vcpu = &g->vcpu[0];
	self->other = &g->vcpu[1];
	self->run = self->vcpu->run;
	for (i = 0; i < 10; i++) {
		gic_enable(g, self->vcpu, SPI + i, 0x80, true);
		gic_enable(g, self->vcpu, SPI_LEVEL + i, 0x80, false);
	}
	gic_enable(g, self->vcpu, PPI, 0x80, false);
	vcpu_call(self->vcpu, guest_windows);
	vcpu_expect_sync(self->vcpu, 1);
}

FIXTURE_TEARDOWN(lines)
{
}

static void add_line(struct vcpu *vcpu, u32 intid, u32 level)
{
	struct armvcpu_run_line *line = &vcpu->run->lines[vcpu->run->nr_lines++];

	line->intid = intid;
	line->level = level;
}

/* The next window, with @count interrupts in it; each lowers its line by a line. */
static void window(struct vcpu *vcpu, unsigned int count)
{
	struct armvcpu_run *run = vcpu->run;
	unsigned int i;

	taken.count = 0;
	for (i = 0; i < count; i++) {
		vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
		if (run->nr_lines)
			test_fail("%u lines are left", run->nr_lines);
		if (run->u.mmio.ipa != ACK)
			test_fail("0x%llx", run->u.mmio.ipa);
		if (run->u.mmio.data >= SPI_LEVEL || run->u.mmio.data == PPI)
			add_line(vcpu, run->u.mmio.data, ARMVCPU_LINE_LOW);
	}
	vcpu_expect_sync(vcpu, 1);
	if (run->nr_lines)
		test_fail("%u lines are left", run->nr_lines);
	if (taken.count != count)
		test_fail("%llu interrupts, not %u", taken.count, count);
}

TEST_F(lines, edges)
{
	struct vcpu *vcpu = self->vcpu;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	add_line(vcpu, SPI, ARMVCPU_LINE_PULSE);
	window(vcpu, 1);
	EXPECT_EQ(SPI, taken.iar[0]);
	window(vcpu, 0);
	/* Raised, it is one; it is not another while it stays so. */
	add_line(vcpu, SPI, ARMVCPU_LINE_HIGH);
	window(vcpu, 1);
	add_line(vcpu, SPI, ARMVCPU_LINE_HIGH);
	window(vcpu, 0);
	add_line(vcpu, SPI, ARMVCPU_LINE_LOW);
	window(vcpu, 0);
	/* In the order of the lines. */
	add_line(vcpu, SPI, ARMVCPU_LINE_HIGH);
	add_line(vcpu, SPI, ARMVCPU_LINE_LOW);
	window(vcpu, 1);
	/* Two before the guest sees the first are one. */
	add_line(vcpu, SPI, ARMVCPU_LINE_PULSE);
	add_line(vcpu, SPI, ARMVCPU_LINE_PULSE);
	window(vcpu, 1);
	EXPECT_EQ(0, gic_get(&self->g.vm, ARMVCPU_GIC_LEVEL, 32, 0));
}

TEST_F(lines, levels)
{
	static const u32 intids[] = { SPI_LEVEL, PPI };
	struct vcpu *vcpu = self->vcpu;
	unsigned int i;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	for (i = 0; i < ARRAY_SIZE(intids); i++) {
		u32 intid = intids[i];

		add_line(vcpu, intid, ARMVCPU_LINE_HIGH);
		window(vcpu, 1);
		EXPECT_EQ(intid, taken.iar[0]);
		window(vcpu, 0);
		/* The line of ARMVCPU_SET_IRQ. */
		ASSERT_EQ(0, gic_try_irq(&self->g.vm, intid, 0, 1));
		add_line(vcpu, intid, ARMVCPU_LINE_LOW);
		window(vcpu, 0);
		/* Gone before anybody has looked. */
		add_line(vcpu, intid, ARMVCPU_LINE_HIGH);
		add_line(vcpu, intid, ARMVCPU_LINE_LOW);
		window(vcpu, 0);
		add_line(vcpu, intid, ARMVCPU_LINE_PULSE);
		window(vcpu, 0);
		/* It is raised until it is lowered. */
		add_line(vcpu, intid, ARMVCPU_LINE_HIGH);
		taken.count = 0;
		vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
		vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
		add_line(vcpu, intid, ARMVCPU_LINE_LOW);
		vcpu_expect_sync(vcpu, 1);
		EXPECT_EQ(2, taken.count);
	}
}

TEST_F(lines, eight_and_no_more)
{
	struct vcpu *vcpu = self->vcpu;
	unsigned int i;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	for (i = 0; i < ARMVCPU_RUN_LINES; i++)
		add_line(vcpu, SPI + i, ARMVCPU_LINE_PULSE);
	window(vcpu, ARMVCPU_RUN_LINES);
	for (i = 0; i < ARMVCPU_RUN_LINES; i++)
		EXPECT_EQ(SPI + i, taken.iar[i]);
	for (i = ARMVCPU_RUN_LINES + 1; i; i *= 2) {
		self->run->nr_lines = i;
		EXPECT_EQ(-EINVAL, vcpu_run(vcpu));
		EXPECT_EQ(i, self->run->nr_lines);
	}
	self->run->nr_lines = 0;
	window(vcpu, 0);
}

/* A good one before it is not set, and the last exit is not completed. */
TEST_F(lines, bad_ones_change_nothing)
{
	static const struct armvcpu_run_line bad[] = {
		{ 0, 1 }, { 1, 1 }, { 15, 1 }, { 15, 0 }, { PPI_VTIMER, 1 }, { 30, 1 },
		{ PPI_VTIMER, 0 }, { 96, 1 }, { 1019, 1 }, { 1020, 1 }, { 1023, 0 }, { 1024, 1 },
		{ 8192, 1 }, { ~0U, 1 }, { BIT(31) | SPI, 1 }, { BIT(30) | SPI, 1 },
		{ SPI + 1, 3 }, { SPI + 1, 4 }, { SPI + 1, ~0U }, { SPI + 1, BIT(31) },
		{ PPI, 3 },
	};
	struct armvcpu_run *run = self->run;
	struct vcpu *vcpu = self->vcpu;
	unsigned int i;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	add_line(vcpu, SPI_LEVEL + 1, ARMVCPU_LINE_HIGH);
	taken.count = 0;
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		u64 pc = run->pc;

		add_line(vcpu, SPI, ARMVCPU_LINE_PULSE);
		add_line(vcpu, SPI_LEVEL, ARMVCPU_LINE_HIGH);
		add_line(vcpu, bad[i].intid, bad[i].level);
		add_line(vcpu, PPI, ARMVCPU_LINE_HIGH);
		ASSERT_EQ(-EINVAL, vcpu_run(vcpu)) {
			TH_LOG("line %u to %u", bad[i].intid, bad[i].level);
		}
		ASSERT_EQ(4, run->nr_lines);
		ASSERT_EQ(ARMVCPU_EXIT_MMIO, run->exit_reason);
		ASSERT_EQ(pc, vcpu_get(vcpu, ARMVCPU_REG_PC));
		run->nr_lines = 0;
		ASSERT_EQ(1U << (SPI_LEVEL + 1 - 32),
			  gic_get(&self->g.vm, ARMVCPU_GIC_LEVEL, 32, 0));
		ASSERT_EQ(0, gic_get(&self->g.vm, ARMVCPU_GIC_LEVEL, 0, 0) & BIT(PPI));
		ASSERT_FALSE(gic_state(&self->g, vcpu, GICD_ISPENDR, SPI));
	}
	add_line(vcpu, SPI_LEVEL + 1, ARMVCPU_LINE_LOW);
	vcpu_expect_sync(vcpu, 1);
	EXPECT_EQ(1, taken.count);
}

/* Before the guest runs: also where it does not. */
TEST_F(lines, set_by_a_run_that_returns_at_once)
{
	struct vcpu *vcpu = self->vcpu;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	add_line(vcpu, SPI, ARMVCPU_LINE_PULSE);
	self->run->immediate_exit = 1;
	EXPECT_EQ(-EINTR, vcpu_run(vcpu));
	EXPECT_EQ(0, self->run->nr_lines);
	EXPECT_TRUE(gic_state(&self->g, vcpu, GICD_ISPENDR, SPI));
	self->run->immediate_exit = 0;
	window(vcpu, 1);
	/* An action that does not fit comes first. */
	add_line(vcpu, SPI, ARMVCPU_LINE_PULSE);
	self->run->action = ARMVCPU_ACTION_UNDEF;
	EXPECT_EQ(-EINVAL, vcpu_run(vcpu));
	EXPECT_EQ(1, self->run->nr_lines);
	self->run->action = ARMVCPU_ACTION_COMPLETE;
	EXPECT_FALSE(gic_state(&self->g, vcpu, GICD_ISPENDR, SPI));
	window(vcpu, 1);
}

static void guest_waits_for_one(void)
{
	guest_cpu()->handler = take;
	guest_gic_on(false);
	while (!READ_ONCE(taken.count)) {
		asm volatile("wfi" : : : "memory");
		guest_unmask();
		guest_mask();
	}
	GUEST_DONE();
}

static void *run_ignoring_mmio(void *arg)
{
	struct vcpu *vcpu = arg;

	do {
		test_check(!vcpu_run_exit(vcpu));
	} while (vcpu->run->exit_reason == ARMVCPU_EXIT_MMIO);
	test_check(vcpu_is_ucall(vcpu) && vcpu->run->u.call.nr == UCALL_DONE);
	return NULL;
}

/* An SPI is whose it is routed to, whoever's RUN raises it. */
TEST_F(lines, of_another_vcpu)
{
	pthread_t thread;

	if (!gic_version(ANY))
		SKIP(return, NO_GIC);
	gic_enable(&self->g, self->other, SPI + 2, 0x80, true);
	taken.count = 0;
	vcpu_call(self->other, guest_waits_for_one);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_ignoring_mmio, self->other));
	usleep(20000);
	add_line(self->vcpu, SPI + 2, ARMVCPU_LINE_PULSE);
	vcpu_expect_sync(self->vcpu, 1);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(1, taken.count);
	EXPECT_EQ(SPI + 2, taken.iar[0]);
}

TEST(lines_without_a_gic)
{
	struct gic_vm g;
	struct vcpu *vcpu = &g.vcpu[0];

	world_init(&g, 0);
	world_add_vcpus(&g, 1, 0);
	vcpu_call(vcpu, guest_posts, 3, 1);
	add_line(vcpu, SPI, ARMVCPU_LINE_PULSE);
	EXPECT_EQ(-ENXIO, vcpu_run(vcpu));
	EXPECT_EQ(1, vcpu->run->nr_lines);
	EXPECT_EQ(ARMVCPU_EXIT_NONE, vcpu->run->exit_reason);
	vcpu->run->nr_lines = 0;
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	/* Neither is an exit completed. */
	add_line(vcpu, SPI, ARMVCPU_LINE_PULSE);
	EXPECT_EQ(-ENXIO, vcpu_run(vcpu));
	vcpu->run->nr_lines = 0;
	vcpu->run->action = ARMVCPU_ACTION_RETRY;
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	vcpu_expect_done(vcpu);
}

/* ---- RUN by fdatasync() ------------------------------------------ */

FIXTURE(by) {
	struct gic_vm g;
	struct vcpu *vcpu;
	struct armvcpu_core_regs regs;
};

FIXTURE_VARIANT(by) {
	bool fdatasync;
};

FIXTURE_VARIANT_ADD(by, ioctl) { .fdatasync = false };
FIXTURE_VARIANT_ADD(by, fdatasync) { .fdatasync = true };

SNIPPET(insn_ldr_x, "ldr x5, [x1]");

FIXTURE_SETUP(by)
{
	world_init(&self->g, 0);
	world_add_vcpus(&self->g, 2, 0);
	self->vcpu = &self->g.vcpu[0];
	snippet_prepare(self->vcpu, VCPU_MMU_ON);
	snippet_start(self->vcpu, &self->regs, &insn_ldr_x, SNIPPET_ADDRESS);
}

FIXTURE_TEARDOWN(by)
{
}

static int run_by(struct vcpu *vcpu, bool by_fdatasync)
{
	if (!by_fdatasync)
		return vcpu_run(vcpu);
	return fdatasync(vcpu->fd) ? -errno : 0;
}

TEST_F(by, exit_and_completion)
{
	struct armvcpu_run *run = self->vcpu->run;

	ASSERT_EQ(0, run_by(self->vcpu, variant->fdatasync));
	ASSERT_EQ(ARMVCPU_EXIT_MMIO, run->exit_reason);
	EXPECT_EQ(SNIPPET_ADDRESS, run->u.mmio.ipa);
	snippet_check_regs(self->vcpu, &self->regs);
	/* Again, and then with a value. */
	run->action = ARMVCPU_ACTION_RETRY;
	ASSERT_EQ(0, run_by(self->vcpu, variant->fdatasync));
	EXPECT_EQ(ARMVCPU_ACTION_COMPLETE, run->action);
	EXPECT_EQ(SNIPPET_ADDRESS, run->u.mmio.ipa);
	run->u.mmio.data = 0x123456789a;
	ASSERT_EQ(0, run_by(self->vcpu, variant->fdatasync));
	EXPECT_TRUE(snippet_is_stop(self->vcpu));
	self->regs.x[5] = 0x123456789a;
	self->regs.pc += 4;
	snippet_check_regs(self->vcpu, &self->regs);
}

TEST_F(by, errors)
{
	struct vcpu *vcpu = self->vcpu;
	struct armvcpu_run *run = vcpu->run;

	run->action = ARMVCPU_ACTION_UNDEF + 1;
	EXPECT_EQ(-EINVAL, run_by(vcpu, variant->fdatasync));
	run->action = ARMVCPU_ACTION_ABORT;
	EXPECT_EQ(-EINVAL, run_by(vcpu, variant->fdatasync));
	run->action = ARMVCPU_ACTION_COMPLETE;
	run->nr_lines = 1;
	EXPECT_EQ(-ENXIO, run_by(vcpu, variant->fdatasync));
	run->nr_lines = ARMVCPU_RUN_LINES + 1;
	EXPECT_EQ(-EINVAL, run_by(vcpu, variant->fdatasync));
	run->nr_lines = 0;
	EXPECT_EQ(-EAGAIN, run_by(&self->g.vcpu[1], variant->fdatasync));
	run->immediate_exit = 1;
	EXPECT_EQ(-EINTR, run_by(vcpu, variant->fdatasync));
	EXPECT_EQ(ARMVCPU_EXIT_INTR, run->exit_reason);
	snippet_check_regs(vcpu, &self->regs);
	run->immediate_exit = 0;
	ASSERT_EQ(0, run_by(vcpu, variant->fdatasync));
	EXPECT_EQ(ARMVCPU_EXIT_MMIO, run->exit_reason);
}

static u64 spins;

static void guest_spins(void)
{
	for (;;)
		WRITE_ONCE(spins, READ_ONCE(spins) + 1);
}

TEST_F(by, signal)
{
	int i;

	vcpu_call(self->vcpu, guest_spins);
	alarm_every(2000);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(-EINTR, run_by(self->vcpu, variant->fdatasync));
		ASSERT_EQ(ARMVCPU_EXIT_INTR, self->vcpu->run->exit_reason);
	}
	alarm_every(0);
	EXPECT_LT(0, spins);
}

struct by_thread {
	struct vcpu *vcpu;
	bool fdatasync;
};

static void *run_until_told(void *arg)
{
	const struct by_thread *by = arg;
	int ret;

	do {
		ret = run_by(by->vcpu, by->fdatasync);
	} while (ret == -EINTR && !by->vcpu->run->immediate_exit);
	test_check(ret == -EINTR);
	return NULL;
}

TEST_F(by, another_thread_is_busy)
{
	struct by_thread by = { self->vcpu, !variant->fdatasync };
	struct armvcpu_core_regs regs;
	pthread_t thread;

	/* The handler, and no alarm. */
	alarm_every(0);
	vcpu_call(self->vcpu, guest_spins);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_until_told, &by));
	while (!READ_ONCE(spins))
		usleep(100);
	EXPECT_EQ(-EBUSY, run_by(self->vcpu, variant->fdatasync));
	EXPECT_EQ(-EBUSY, xioctl(self->vcpu->fd, ARMVCPU_GET_CORE_REGS, &regs));
	self->vcpu->run->immediate_exit = 1;
	ASSERT_EQ(0, pthread_kill(thread, SIGALRM));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	self->vcpu->run->immediate_exit = 0;
}

TEST_F(by, another_process_gets_eio)
{
	int status;
	pid_t pid;

	ASSERT_EQ(0, run_by(self->vcpu, variant->fdatasync));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(run_by(self->vcpu, variant->fdatasync) == -EIO ? 33 : 1);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(33, WEXITSTATUS(status));
	snippet_check_regs(self->vcpu, &self->regs);
}

#define SQ_ENTRIES	1

static char *map_ring(int fd, u64 size, u64 offset)
{
	char *ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	test_check(ring != MAP_FAILED);
	return ring;
}

static u32 *ring_word(char *ring, u32 offset)
{
	return (u32 *)(ring + offset);
}

/* fdatasync(@fd) by a thread of the kernel's; its result. */
static int uring_fdatasync(int uring, const struct io_uring_params *p, int fd)
{
	const struct io_uring_sqe sqe = {
		.opcode = IORING_OP_FSYNC, .fd = fd, .fsync_flags = IORING_FSYNC_DATASYNC,
	};
	struct io_uring_cqe cqe;
	char *sqes = map_ring(uring, SQ_ENTRIES * sizeof(sqe), IORING_OFF_SQES);
	char *sq = map_ring(uring, p->sq_off.array + SQ_ENTRIES * sizeof(u32), IORING_OFF_SQ_RING);
	char *cq = map_ring(uring, p->cq_off.cqes + p->cq_entries * sizeof(cqe),
			    IORING_OFF_CQ_RING);

	memcpy(sqes, &sqe, sizeof(sqe));
	*ring_word(sq, p->sq_off.array) = 0;
	__atomic_store_n(ring_word(sq, p->sq_off.tail), 1, __ATOMIC_RELEASE);
	test_check(syscall(SYS_io_uring_enter, uring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1);
	test_check(__atomic_load_n(ring_word(cq, p->cq_off.tail), __ATOMIC_ACQUIRE) == 1);
	memcpy(&cqe, cq + p->cq_off.cqes, sizeof(cqe));
	return cqe.res;
}

/* It has the process' memory, but neither signals nor a way back to user mode. */
TEST(a_thread_of_the_kernels_does_not_run)
{
	struct io_uring_params p = { .flags = 0 };
	struct armvcpu_core_regs regs;
	struct armvcpu_run was;
	struct gic_vm g;
	struct vcpu *vcpu = &g.vcpu[0];
	int uring = syscall(SYS_io_uring_setup, SQ_ENTRIES, &p);

	if (uring < 0)
		SKIP(return, "io_uring: %s", strerror(errno));
	world_init(&g, 0);
	world_add_vcpus(&g, 1, 0);
	snippet_prepare(vcpu, VCPU_MMU_ON);
	snippet_start(vcpu, &regs, &insn_ldr_x, SNIPPET_ADDRESS);
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	was = *vcpu->run;
	EXPECT_EQ(-EINVAL, uring_fdatasync(uring, &p, vcpu->fd));
	EXPECT_EQ(0, memcmp(&was, vcpu->run, sizeof(was)));
	snippet_check_regs(vcpu, &regs);
	close(uring);
}

/* What else means that there is something to be written. */
TEST(what_only_syncs_does_not_run)
{
	struct armvcpu_core_regs regs;
	struct armvcpu_run was;
	struct gic_vm g;
	struct vcpu *vcpu = &g.vcpu[0];

	world_init(&g, 0);
	world_add_vcpus(&g, 1, 0);
	snippet_prepare(vcpu, VCPU_MMU_ON);
	snippet_start(vcpu, &regs, &insn_ldr_x, SNIPPET_ADDRESS);
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	was = *vcpu->run;
	EXPECT_EQ(0, fsync(vcpu->fd));
	EXPECT_EQ(0, msync(vcpu->run, page_size(), MS_SYNC));
	EXPECT_EQ(0, msync(vcpu->run, page_size(), MS_ASYNC));
	/* No file but a vCPU's has anything of the kind. */
	EXPECT_NE(0, fdatasync(g.vm.fd));
	EXPECT_NE(0, fdatasync(g.vm.sys));
	EXPECT_EQ(0, memcmp(&was, vcpu->run, sizeof(was)));
	snippet_check_regs(vcpu, &regs);
	vcpu->run->u.mmio.data = 0x77;
	regs.x[5] = 0x77;
	snippet_expect_stop(vcpu, &regs);
}

/* ---- SGIs between vCPUs ------------------------------------------ */

#define SGI		3

/* How many each has taken, by its number. */
static u64 balls[NR_VCPUS];
static u64 odd;
static bool enough;
/* One more than there were, at the end. */
static u64 rallies;

static u64 my_number(void)
{
	return read_sysreg(mpidr_el1) & 7;
}

static void catch_ball(struct guest_frame *frame, u64 vector)
{
	u32 iar = guest_iar();

	(void)frame;
	(void)vector;
	if (iar != SGI) {
		WRITE_ONCE(odd, READ_ONCE(odd) + 1);
		if (iar >= 1020)
			return;
	}
	guest_eoi(iar);
	shared_set(balls[my_number()], balls[my_number()] + 1);
}

/* Until this vCPU has taken so many. */
static void guest_awaits(u64 count, u64 wfi)
{
	const u64 *mine = &balls[my_number()];

	if (!wfi) {
		guest_unmask();
		while (shared_get(*mine) < count)
			;
		guest_mask();
		return;
	}
	while (shared_get(*mine) < count) {
		asm volatile("wfi" : : : "memory");
		guest_unmask();
		guest_mask();
	}
}

/* So many, or as many as there is time for; the last one says that it is. */
static void guest_plays(u64 me, u64 count, u64 wfi)
{
	u64 i;

	guest_cpu()->handler = catch_ball;
	guest_gic_on(false);
	for (i = 1; !shared_get(rallies); i++) {
		if (!me) {
			if (i > count || shared_get(enough))
				shared_set(rallies, i);
			guest_send_sgi(1, SGI);
			if (shared_get(rallies))
				break;
		}
		guest_awaits(i, wfi);
		if (me && !shared_get(rallies))
			guest_send_sgi(0, SGI);
	}
	if (me)
		guest_awaits(shared_get(rallies), wfi);
	/* Nothing comes that has not been sent. */
	guest_unmask();
	guest_mask();
	GUEST_DONE();
}

/* What two CPUs do in no time, takes them long where others want them, too. */
static void *stop_soon(void *arg)
{
	(void)arg;
	sleep(1);
	shared_set(enough, true);
	return NULL;
}

static void *run_to_the_end(void *arg)
{
	struct vcpu *vcpu = arg;

	pin_to_cpu(vcpu->index % nr_cpus());
	vcpu_expect_done(vcpu);
	return NULL;
}

/* A VM with a GICv3 where all take the SGI. */
static void table_init(struct gic_vm *g, unsigned int nr_vcpus)
{
	unsigned int i, k;

	gic_vm_create(g, 3, 96, NR_VCPUS);
	world_add_vcpus(g, nr_vcpus, 0);
	for (i = 0; i < nr_vcpus; i++) {
		struct armvcpu_power power = { .state = ARMVCPU_POWER_ON };

		test_check(!xioctl(g->vcpu[i].fd, ARMVCPU_SET_POWER, &power));
		for (k = 0; k < 16; k++)
			gic_enable(g, &g->vcpu[i], k, 0x80, true);
	}
}

FIXTURE(sgi) {
	struct gic_vm g;
};

FIXTURE_VARIANT(sgi) {
	u64 count;
	bool wfi, toggle, off;
};

FIXTURE_VARIANT_ADD(sgi, spin) { .count = 20000 };
FIXTURE_VARIANT_ADD(sgi, spin_off) { .count = 1000, .off = true };
FIXTURE_VARIANT_ADD(sgi, spin_toggled) { .count = 2000, .toggle = true };
FIXTURE_VARIANT_ADD(sgi, wfi) { .count = 5000, .wfi = true };
FIXTURE_VARIANT_ADD(sgi, wfi_toggled) { .count = 2000, .wfi = true, .toggle = true };

FIXTURE_SETUP(sgi)
{
}

FIXTURE_TEARDOWN(sgi)
{
}

TEST_F(sgi, to_and_fro)
{
	struct gic_vm *g = &self->g;
	u64 count = rounds(variant->count), answers = 0, i;
	pthread_t thread, toggles, stops;

	if (gic_version(ANY) != 3)
		SKIP(return, "%s", no_gicv3);
	if (!variant->wfi && nr_cpus() < 2)
		SKIP(return, "two that spin need two CPUs");
	table_init(g, 2);
	if (variant->off)
		set_answers(&g->vm, ALL_ANSWERS & ~BIT(ARMVCPU_EL2_SGI));
	for (i = 0; i < 2; i++)
		vcpu_call(&g->vcpu[i], guest_plays, i, count, variant->wfi);
	if (variant->toggle)
		test_check(!pthread_create(&toggles, NULL, toggle_answers, &g->vm));
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_to_the_end, &g->vcpu[1]));
	ASSERT_EQ(0, pthread_create(&stops, NULL, stop_soon, NULL));
	run_to_the_end(&g->vcpu[0]);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	shared_set(taker.stop, true);
	if (variant->toggle)
		test_check(!pthread_join(toggles, NULL));
	count = rallies - 1;
	ASSERT_LT(10, count);
	EXPECT_EQ(count, balls[0]);
	EXPECT_EQ(count + 1, balls[1]);
	EXPECT_EQ(0, odd);
	/* The sender's are one each; who gets one counts what EL2 hands over. */
	for (i = 0; i < 2; i++)
		answers += counted(&g->vcpu[i], ARMVCPU_EL2_SGI);
	EXPECT_GE(variant->off ? 0 : ~0UL, answers);
	EXPECT_LE(variant->off || variant->toggle ? 0 : 2 * count, answers);
}

/* More than list registers, and all masked: who gets them runs all the while. */
static void guest_sends_16(u64 count)
{
	u64 i, n;

	for (i = 1; i <= count; i++) {
		for (n = 0; n < 16; n++)
			guest_send_sgi(1, (n + i) % 16);
		shared_set(balls[0], i);
		while (shared_get(balls[1]) < i)
			;
	}
	GUEST_DONE();
}

static void guest_gets_16(u64 count)
{
	u64 i, n, found;

	guest_gic_on(false);
	for (i = 1; i <= count; i++) {
		while (shared_get(balls[0]) < i)
			;
		/* The last of them may be on its way. */
		for (n = 0, found = 0; n < 16;) {
			u64 iar = guest_iar();

			if (iar >= 1020)
				continue;
			GUEST_ASSERT(iar < 16);
			found |= BIT(iar & 15);
			guest_eoi(iar);
			n++;
		}
		GUEST_ASSERT_EQ(0xffff, found);
		GUEST_ASSERT_EQ(SPURIOUS, guest_iar());
		shared_set(balls[1], i);
	}
	GUEST_DONE();
}

TEST(sgis_more_than_list_registers)
{
	u64 count = rounds(500);
	pthread_t thread;
	struct gic_vm g;

	if (gic_version(ANY) != 3)
		SKIP(return, "%s", no_gicv3);
	if (nr_cpus() < 2)
		SKIP(return, "two that spin need two CPUs");
	table_init(&g, 2);
	vcpu_call(&g.vcpu[0], guest_sends_16, count);
	vcpu_call(&g.vcpu[1], guest_gets_16, count);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_to_the_end, &g.vcpu[1]));
	run_to_the_end(&g.vcpu[0]);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(count, balls[1]);
	EXPECT_EQ(16 * count, counted(&g.vcpu[0], ARMVCPU_EL2_SGI));
}

/* One that does not run gets each once, whenever it comes on. */
static void guest_sends_all(u64 count)
{
	u64 i;

	for (i = 0; i < count; i++)
		write_sysreg(BIT(1) | (i & 15) << 24, ICC_SGI1R_EL1);
	GUEST_DONE();
}

static void guest_takes_all(void)
{
	guest_cpu()->handler = take;
	guest_gic_on(false);
	guest_unmask();
	guest_mask();
	GUEST_DONE();
}

static void check_latched(struct gic_vm *g)
{
	u32 found = 0;
	u64 i;

	taken.count = 0;
	vcpu_call(&g->vcpu[1], guest_takes_all);
	run_ignoring_mmio(&g->vcpu[1]);
	for (i = 0; i < taken.count; i++)
		if (taken.iar[i] < 16)
			found |= 1U << taken.iar[i];
	if (found != 0xffff || taken.count != 16)
		test_fail("%llu interrupts, SGIs 0x%x", taken.count, found);
}

TEST(sgis_to_who_does_not_run)
{
	struct armvcpu_power power = { .state = ARMVCPU_POWER_OFF };
	static const u64 masks[] = { ALL_ANSWERS, 0 };
	struct gic_vm g;
	unsigned int i;

	if (gic_version(ANY) != 3)
		SKIP(return, "%s", no_gicv3);
	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		table_init(&g, 2);
		set_answers(&g.vm, masks[i]);
		/* On, off, and before its first RUN. */
		vcpu_call(&g.vcpu[0], guest_sends_all, 160);
		vcpu_expect_done(&g.vcpu[0]);
		check_latched(&g);
		power.state = ARMVCPU_POWER_OFF;
		ASSERT_EQ(0, xioctl(g.vcpu[1].fd, ARMVCPU_SET_POWER, &power));
		vcpu_call(&g.vcpu[0], guest_sends_all, 1600);
		vcpu_expect_done(&g.vcpu[0]);
		EXPECT_EQ(-EAGAIN, vcpu_run(&g.vcpu[1]));
		power.state = ARMVCPU_POWER_ON;
		ASSERT_EQ(0, xioctl(g.vcpu[1].fd, ARMVCPU_SET_POWER, &power));
		check_latched(&g);
		EXPECT_EQ(masks[i] ? 1760 : 0, counted(&g.vcpu[0], ARMVCPU_EL2_SGI));
		world_close(&g);
	}
}

/* What another sees of it: GICR_ISPENDR0 by the VMM, while nobody runs. */
TEST(sgis_by_affinity)
{
	static const struct {
		u64 value;
		u32 who;	/* by their numbers; the sender is the first */
	} rows[] = {
		{ 0, 0 }, { BIT(0), 1 }, { BIT(1), 2 }, { BIT(0) | BIT(1), 3 }, { BIT(2), 0 },
		{ 0xffff, 3 }, { 1UL << 16 | BIT(2), 4 }, { 1UL << 16 | BIT(0), 0 },
		{ 1UL << 16 | 0xffff, 4 }, { 1UL << 48 | 2UL << 16 | BIT(3), 8 },
		{ 2UL << 16 | BIT(3), 0 }, { 1UL << 48 | BIT(3), 0 }, { 1UL << 32 | BIT(0), 0 },
		{ BIT(40), 14 }, { BIT(40) | BIT(0), 14 }, { BIT(40) | 0xffff, 14 },
		{ 1UL << 44 | BIT(0), 0 }, { 1UL << 44 | 0xffff, 0 },
		{ BIT(40) | 1UL << 44 | 7UL << 16, 14 }, { BIT(41) | BIT(1), 2 },
		{ 1UL << 48 | 2UL << 16 | 0xffff, 8 },
	};
	static const u64 masks[] = { ALL_ANSWERS, 0 };
	struct armvcpu_core_regs regs;
	unsigned int i, k, n;
	struct snippet *code;
	struct gic_vm g;

	if (gic_version(ANY) != 3)
		SKIP(return, "%s", no_gicv3);
	for (n = 0; n < ARRAY_SIZE(masks); n++) {
		table_init(&g, NR_VCPUS);
		set_answers(&g.vm, masks[n]);
		code = vm_add_memory(&g.vm, 0, CODE, CODE_SIZE);
		snippet_make(code, insn_msr(SYSREG_SGI1R, 5));
		snippet_prepare(&g.vcpu[0], VCPU_MMU_ON);
		for (i = 0; i < ARRAY_SIZE(rows); i++) {
			snippet_start(&g.vcpu[0], &regs, (void *)CODE, 0);
			regs.x[5] = rows[i].value | (u64)(i % 16) << 24;
			vcpu_set_regs(&g.vcpu[0], &regs);
			snippet_expect_stop(&g.vcpu[0], &regs);
			for (k = 0; k < NR_VCPUS; k++) {
				u32 ispendr = GICR_SGI + GICD_ISPENDR;
				u32 want = rows[i].who >> k & 1 ? 1U << i % 16 : 0;

				ASSERT_EQ(want, gic_get(&g.vm, ARMVCPU_GIC_REDIST, ispendr,
							mpidrs[k])) {
					TH_LOG("row %u, vCPU %u, answers 0x%llx", i, k, masks[n]);
				}
				gic_set(&g.vm, ARMVCPU_GIC_REDIST, ispendr, mpidrs[k], 0);
			}
		}
		EXPECT_EQ(masks[n] ? i : 0, counted(&g.vcpu[0], ARMVCPU_EL2_SGI));
		world_close(&g);
	}
}

/* To all others at once, and each of them once. */
static void guest_calls_all(u64 count)
{
	u64 i;

	for (i = 1; i <= count; i++) {
		write_sysreg(BIT(40) | SGI << 24, ICC_SGI1R_EL1);
		isb();
		while (shared_get(balls[1]) < i || shared_get(balls[2]) < i ||
		       shared_get(balls[3]) < i)
			;
	}
	GUEST_DONE();
}

static void guest_listens(u64 count)
{
	guest_cpu()->handler = catch_ball;
	guest_gic_on(false);
	guest_awaits(count, true);
	GUEST_DONE();
}

TEST(sgis_to_all_others)
{
	u64 count = rounds(200), i;
	pthread_t threads[NR_VCPUS];
	struct gic_vm g;

	if (gic_version(ANY) != 3)
		SKIP(return, "%s", no_gicv3);
	if (nr_cpus() < 2)
		SKIP(return, "one that spins needs a CPU of its own");
	table_init(&g, NR_VCPUS);
	vcpu_call(&g.vcpu[0], guest_calls_all, count);
	for (i = 1; i < NR_VCPUS; i++) {
		vcpu_call(&g.vcpu[i], guest_listens, count);
		/* The sender's CPU is its own. */
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, run_to_the_end, &g.vcpu[i]));
	}
	run_to_the_end(&g.vcpu[0]);
	for (i = 1; i < NR_VCPUS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		EXPECT_EQ(count, balls[i]);
	}
	EXPECT_EQ(0, balls[0]);
	EXPECT_EQ(0, odd);
	EXPECT_EQ(count, counted(&g.vcpu[0], ARMVCPU_EL2_SGI));
}

/* To one that may not be there any more, or not yet. */
static void guest_sends_on(void)
{
	while (!shared_get(enough)) {
		guest_send_sgi(1, SGI);
		write_sysreg(BIT(40) | SGI << 24, ICC_SGI1R_EL1);
		WRITE_ONCE(balls[0], balls[0] + 1);
	}
	GUEST_DONE();
}

/* Its own redistributor: nobody else may touch that while the sender runs. */
static void guest_lives(u64 count)
{
	guest_write32(GUEST_GICR + GICR_STRIDE + GICR_SGI + GICD_IGROUPR, ~0U);
	guest_write32(GUEST_GICR + GICR_STRIDE + GICR_SGI + GICD_ISENABLER, 1U << SGI);
	guest_listens(count);
}

TEST(sgis_to_who_comes_and_goes)
{
	u64 i, count = rounds(80);
	pthread_t thread;
	struct gic_vm g;
	struct vcpu *b = &g.vcpu[1];

	if (gic_version(ANY) != 3)
		SKIP(return, "%s", no_gicv3);
	if (nr_cpus() < 2)
		SKIP(return, "one that spins needs a CPU of its own");
	table_init(&g, 1);
	vcpu_call(&g.vcpu[0], guest_sends_on);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_to_the_end, &g.vcpu[0]));
	b->index = 1;
	for (i = 0; i < count; i++) {
		vcpu_open(b, &g.vm, vm_create_vcpu(&g.vm, 0, 1));
		shared_set(balls[1], 0);
		/* Some never run. */
		if (i % 4) {
			vcpu_call(b, guest_lives, i % 8);
			run_to_the_end(b);
			ASSERT_LE(i % 8, balls[1]);
		}
		vcpu_close(b);
	}
	shared_set(enough, true);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_LT(count, balls[0]);
	EXPECT_EQ(0, odd);
	world_close(&g);
}

/* ---- the virtual timer ------------------------------------------- */

static struct due {
	u64 count;
	u64 quiet;	/* at this count the handler turns the timer off */
	u64 period;	/* before, it sets it anew, so many ticks on; 0: leaves it */
	u64 spurious;
} due;

static u64 now(void)
{
	isb();
	return read_sysreg(cntvct_el0);
}

static void set_timer(u64 cval, u64 ctl)
{
	write_sysreg(cval, cntv_cval_el0);
	write_sysreg(ctl, cntv_ctl_el0);
	isb();
}

static void on_timer(struct guest_frame *frame, u64 vector)
{
	u32 iar = guest_iar();

	(void)frame;
	(void)vector;
	if (iar >= 1020) {
		due.spurious++;
		return;
	}
	GUEST_ASSERT_EQ(PPI_VTIMER, iar);
	/* Level-sensitive: it is due, or the interrupt would not be there. */
	GUEST_ASSERT_EQ(5, read_sysreg(cntv_ctl_el0));
	GUEST_ASSERT(now() >= read_sysreg(cntv_cval_el0));
	due.count++;
	if (due.count >= due.quiet)
		set_timer(0, 0);
	else if (due.period)
		write_sysreg(now() + due.period, cntv_cval_el0);
	guest_eoi(iar);
	if (read_sysreg(ICC_CTLR_EL1) & ICC_CTLR_EOIMODE)
		guest_dir(iar);
}

/* Interrupts are taken for so many ticks, or until the timer is quiet. */
static void guest_passes_time(u64 ticks, u64 wfi)
{
	u64 end = now() + ticks;

	while (ticks ? now() < end : READ_ONCE(due.count) < due.quiet) {
		if (wfi)
			asm volatile("wfi" : : : "memory");
		guest_unmask();
		guest_mask();
	}
}

static void guest_ticks(u64 count, u64 period, u64 eoimode, u64 wfi)
{
	guest_cpu()->handler = on_timer;
	guest_gic_on(eoimode);
	due.quiet = count;
	due.period = period;
	set_timer(now() + period, CTL_ENABLE);
	guest_passes_time(0, wfi);
	guest_passes_time(50000, false);
	GUEST_DONE();
}

FIXTURE(timer) {
	struct gic_vm g;
};

FIXTURE_VARIANT(timer) {
	u64 count, ns;
	bool off, wfi, eoimode;
};

FIXTURE_VARIANT_ADD(timer, running) { .count = 2000, .ns = 20000 };
FIXTURE_VARIANT_ADD(timer, running_off) { .count = 500, .ns = 20000, .off = true };
FIXTURE_VARIANT_ADD(timer, running_eoimode_1) { .count = 1000, .ns = 20000, .eoimode = true };
/* Due again before it is over, and always. */
FIXTURE_VARIANT_ADD(timer, running_at_once) { .count = 2000, .ns = 100 };
FIXTURE_VARIANT_ADD(timer, level) { .count = 1000, .ns = 0 };
FIXTURE_VARIANT_ADD(timer, level_off) { .count = 500, .ns = 0, .off = true };
FIXTURE_VARIANT_ADD(timer, level_eoimode_1) { .count = 1000, .ns = 0, .eoimode = true };
FIXTURE_VARIANT_ADD(timer, wfi_5us) { .count = 500, .ns = 5000, .wfi = true };
FIXTURE_VARIANT_ADD(timer, wfi_50us) { .count = 500, .ns = 50000, .wfi = true };
FIXTURE_VARIANT_ADD(timer, wfi_50us_off) {
	.count = 500, .ns = 50000, .wfi = true, .off = true,
};

FIXTURE_VARIANT_ADD(timer, wfi_1ms) { .count = 100, .ns = 1000000, .wfi = true };
FIXTURE_VARIANT_ADD(timer, wfi_20ms) { .count = 10, .ns = 20000000, .wfi = true };
FIXTURE_VARIANT_ADD(timer, wfi_20ms_off) {
	.count = 10, .ns = 20000000, .wfi = true, .off = true,
};

FIXTURE_SETUP(timer)
{
	if (gic_version(ANY) != 3)
		return;
	table_init(&self->g, 1);
	gic_enable(&self->g, &self->g.vcpu[0], PPI_VTIMER, 0x80, false);
}

FIXTURE_TEARDOWN(timer)
{
}

static u64 ticks_of_ns(u64 ns)
{
	return ns * read_sysreg(cntfrq_el0) / 1000000000;
}

TEST_F(timer, each_comes_once)
{
	u64 count = variant->count < 100 ? variant->count : rounds(variant->count);
	struct vcpu *vcpu = &self->g.vcpu[0];
	const struct armvcpu_stats *stats;

	if (gic_version(ANY) != 3)
		SKIP(return, "%s", no_gicv3);
	stats = &vcpu->run->stats;
	if (variant->off)
		set_answers(&self->g.vm, ALL_ANSWERS & ~BIT(ARMVCPU_EL2_TIMER));
	vcpu_call(vcpu, guest_ticks, count, ticks_of_ns(variant->ns), variant->eoimode,
		  variant->wfi);
	vcpu_expect_done(vcpu);
	EXPECT_EQ(count, due.count);
	EXPECT_EQ(0, due.spurious);
	EXPECT_GE(variant->off ? 0 : count, stats->el2[ARMVCPU_EL2_TIMER]);
	/* With EOImode 1 the end of it traps: from the first one on it is the module's. */
	EXPECT_LE(variant->off || variant->wfi ? 0 : variant->eoimode ? 1 : count / 2,
		  stats->el2[ARMVCPU_EL2_TIMER]);
	/* No more often than it says WFI, and it does so once for each that is not due yet. */
	EXPECT_GE(variant->wfi ? 2 * count + 10 : 0, stats->waits);
	EXPECT_LE(variant->wfi && variant->ns >= 20000000 ? count / 2 : 0, stats->waits);
}

/* What keeps an interrupt back keeps this one back, too. */
enum keeps { DISABLED, MASKED, GROUP_OFF, DISTRIBUTOR_OFF, PRIORITY_IDLE, ACTIVE };

static void guest_keeps_back(u64 how)
{
	u32 ctlr = guest_read32(GUEST_GICD + GICD_CTLR);

	guest_cpu()->handler = on_timer;
	guest_gic_on(false);
	due.quiet = 1;
	due.period = 0;
	switch (how) {
	case DISABLED:
		guest_write32(SGI_FRAME + GICD_ICENABLER, 1U << PPI_VTIMER);
		break;
	case MASKED:
		guest_set_pmr(0x80);
		break;
	case GROUP_OFF:
		write_sysreg(0, ICC_IGRPEN1_EL1);
		break;
	case DISTRIBUTOR_OFF:
		guest_write32(GUEST_GICD + GICD_CTLR, ctlr & ~2U);
		break;
	case PRIORITY_IDLE:
		guest_write32(SGI_FRAME + GICD_IPRIORITYR + PPI_VTIMER / 4 * 4, 0xffffffff);
		guest_set_pmr(0xf0);
		break;
	case ACTIVE:
		guest_write32(SGI_FRAME + GICD_ISACTIVER, 1U << PPI_VTIMER);
		break;
	}
	isb();
	set_timer(now() + 1000, CTL_ENABLE);
	guest_passes_time(100000, false);
	GUEST_ASSERT_EQ(0, due.count);
	GUEST_ASSERT_EQ(0, read_sysreg(isr_el1));
	switch (how) {
	case DISABLED:
		guest_write32(SGI_FRAME + GICD_ISENABLER, 1U << PPI_VTIMER);
		break;
	case PRIORITY_IDLE:
		guest_write32(SGI_FRAME + GICD_IPRIORITYR + PPI_VTIMER / 4 * 4, 0);
		break;
	case MASKED:
		guest_set_pmr(0xff);
		break;
	case GROUP_OFF:
		write_sysreg(1, ICC_IGRPEN1_EL1);
		break;
	case DISTRIBUTOR_OFF:
		guest_write32(GUEST_GICD + GICD_CTLR, ctlr);
		break;
	case ACTIVE:
		guest_write32(SGI_FRAME + GICD_ICACTIVER, 1U << PPI_VTIMER);
		break;
	}
	isb();
	guest_passes_time(0, false);
	guest_passes_time(50000, false);
	GUEST_ASSERT_EQ(1, due.count);
	GUEST_ASSERT_EQ(0, due.spurious);
	GUEST_DONE();
}

TEST(timer_is_kept_back)
{
	struct gic_vm g;
	unsigned int i;

	if (gic_version(ANY) != 3)
		SKIP(return, "%s", no_gicv3);
	for (i = DISABLED; i <= 2 * ACTIVE + 1; i++) {
		table_init(&g, 1);
		gic_enable(&g, &g.vcpu[0], PPI_VTIMER, 0x80, false);
		if (i % 2)
			set_answers(&g.vm, 0);
		memset(&due, 0, sizeof(due));
		vcpu_call(&g.vcpu[0], guest_keeps_back, i / 2);
		vcpu_expect_done(&g.vcpu[0]);
		world_close(&g);
	}
}

/* Due, and masked: no reason to wake, nor to look all the time. */
static void guest_sleeps_on(void)
{
	guest_gic_on(false);
	guest_set_pmr(0x40);
	set_timer(0, CTL_ENABLE);
	for (;;) {
		asm volatile("wfi" : : : "memory");
		WRITE_ONCE(spins, READ_ONCE(spins) + 1);
	}
}

TEST(timer_masked_in_wfi)
{
	const struct armvcpu_stats *stats;
	struct gic_vm g;
	int i, k;

	if (gic_version(ANY) != 3)
		SKIP(return, "%s", no_gicv3);
	for (k = 0; k < 2; k++) {
		table_init(&g, 1);
		stats = &g.vcpu[0].run->stats;
		gic_enable(&g, &g.vcpu[0], PPI_VTIMER, 0x80, false);
		if (k)
			set_answers(&g.vm, 0);
		spins = 0;
		vcpu_call(&g.vcpu[0], guest_sleeps_on);
		alarm_every(20000);
		/* On a busy host some come before it waits. */
		for (i = 0; i < 10 || (stats->waits < 9 && i < 1000); i++)
			ASSERT_EQ(-EINTR, vcpu_run(&g.vcpu[0]));
		alarm_every(0);
		EXPECT_LE(9, stats->waits);
		EXPECT_GE(6 * i, stats->waits);
		EXPECT_GE(6 * i, stats->sync[EC_WFX]);
		EXPECT_GE(6 * i, spins);
		/* That the host heard of it once for each is all. */
		EXPECT_GE(2, stats->el2[ARMVCPU_EL2_TIMER]);
		world_close(&g);
	}
}

/* ---- counters ---------------------------------------------------- */

static void guest_keeps_the_vmm_busy(u64 count)
{
	u64 i;

	for (i = 0; i < count; i++) {
		guest_read32(DEVICE_REG);
		guest_write32(DEVICE_REG, i);
		read_sysreg(mdccint_el1);
		asm volatile("hvc #1" : : : "x0", "memory");
		/* For the module, and for EL2. */
		read_sysreg(actlr_el1);
		read_sysreg(id_aa64pfr0_el1);
		read_sysreg(oslsr_el1);
	}
	GUEST_DONE();
}

TEST(counters)
{
	static const u64 masks[] = { ALL_ANSWERS, 0 };
	struct armvcpu_stats stats, zero;
	unsigned int i, k;
	struct gic_vm g;

	memset(&zero, 0, sizeof(zero));
	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		struct vcpu *vcpu = &g.vcpu[0];
		u64 n = 50, sync = 0;

		world_init(&g, 0);
		world_add_vcpus(&g, 1, 0);
		ASSERT_EQ(0, memcmp(&zero, &vcpu->run->stats, sizeof(zero)));
		set_answers(&g.vm, masks[i]);
		snippet_prepare(vcpu, VCPU_MMU_ON);
		/* The VMM may begin anew. */
		memset(&vcpu->run->stats, 0, sizeof(stats));
		vcpu_call(vcpu, guest_keeps_the_vmm_busy, n);
		do {
			ASSERT_EQ(0, vcpu_run_exit(vcpu));
		} while (!vcpu_is_ucall(vcpu));
		stats = vcpu->run->stats;
		EXPECT_EQ(2 * n, stats.user[ARMVCPU_EXIT_MMIO]);
		EXPECT_EQ(n, stats.user[ARMVCPU_EXIT_SYSREG]);
		EXPECT_EQ(n + 1, stats.user[ARMVCPU_EXIT_HYPERCALL]);
		EXPECT_EQ(0, stats.user[ARMVCPU_EXIT_ABORT]);
		EXPECT_EQ(n + 1, stats.sync[EC_HVC64]);
		/* MDCCINT and ACTLR; and what EL2 does not answer. */
		EXPECT_EQ(masks[i] ? 2 * n : 4 * n, stats.sync[EC_SYS64]);
		EXPECT_EQ(masks[i] ? 2 * n : 0, stats.el2[ARMVCPU_EL2_SYSREG]);
		EXPECT_EQ(0, stats.waits);
		/* The guest's own pages, if it has new ones, and nothing of the device. */
		EXPECT_GE(2 * n + 20, stats.sync[EC_DABT_LOW]);
		for (k = 0; k < ARRAY_SIZE(stats.user); k++)
			sync += stats.user[k];
		EXPECT_EQ(4 * n + 1 + stats.user[ARMVCPU_EXIT_INTR], sync);
		for (k = 0; k < ARRAY_SIZE(stats.reserved); k++)
			EXPECT_EQ(0, stats.reserved[k]);
		world_close(&g);
	}
}

#define PAGES		40

static void guest_touches(u64 stride)
{
	u64 i;

	for (i = 0; i < PAGES; i++)
		guest_write64(GUEST_RAM + i * stride, i);
	/* Once more: they are there. */
	for (i = 0; i < PAGES; i++)
		guest_write64(GUEST_RAM + i * stride + 8, i);
	GUEST_DONE();
}

TEST(counters_of_memory)
{
	struct gic_vm g;
	struct vcpu *vcpu = &g.vcpu[0];
	u64 faults;

	world_init(&g, 0);
	world_add_vcpus(&g, 1, 0);
	vm_add_memory(&g.vm, 0, GUEST_RAM, PAGES * page_size());
	snippet_prepare(vcpu, VCPU_MMU_ON);
	faults = vcpu->run->stats.faults;
	EXPECT_LT(0, faults);
	vcpu_call(vcpu, guest_touches, page_size());
	vcpu_expect_done(vcpu);
	faults = vcpu->run->stats.faults - faults;
	EXPECT_LE(1, faults);
	/* And what of the program has not been touched before. */
	EXPECT_GE(PAGES + 8, faults);
	/* All of it is there now. */
	vcpu_call(vcpu, guest_touches, page_size());
	faults = vcpu->run->stats.faults;
	vcpu_expect_done(vcpu);
	EXPECT_EQ(faults, vcpu->run->stats.faults);
}

TEST(counters_of_pages)
{
	struct gic_vm g;
	struct vcpu *vcpu = &g.vcpu[0];
	u64 pages;

	world_init(&g, 0);
	world_add_vcpus(&g, 1, 0);
	vm_add_memory(&g.vm, 0, GUEST_RAM, PAGES * page_size());
	snippet_prepare(vcpu, VCPU_MMU_ON);
	pages = vcpu->run->stats.pages;
	vcpu_call(vcpu, guest_touches, page_size());
	vcpu_expect_done(vcpu);
	EXPECT_LE(PAGES, vcpu->run->stats.pages - pages);
	EXPECT_GE(vcpu->run->stats.pages, vcpu->run->stats.faults);
}

TEST(counters_of_interrupts)
{
	struct gic_vm g;
	struct vcpu *vcpu = &g.vcpu[0];
	u64 irqs;
	int i;

	world_init(&g, 0);
	world_add_vcpus(&g, 1, 0);
	vcpu_call(vcpu, guest_spins);
	alarm_every(5000);
	for (i = 0; i < 10; i++)
		ASSERT_EQ(-EINTR, vcpu_run(vcpu));
	alarm_every(0);
	/* Each alarm is one of a timer's, or of the CPU that has it. */
	irqs = vcpu->run->stats.irqs;
	EXPECT_LE(5, irqs);
	EXPECT_EQ(10, vcpu->run->stats.user[ARMVCPU_EXIT_INTR]);
	EXPECT_EQ(0, vcpu->run->stats.sync[EC_HVC64]);
}

/* Only while the VMM wants it, and where it belongs. */
TEST(times)
{
	static const struct armvcpu_times zero;
	struct armvcpu_times times;
	struct gic_vm g;
	struct vcpu *vcpu = &g.vcpu[0];
	u64 spent;
	int i;

	world_init(&g, 0);
	world_add_vcpus(&g, 1, 0);
	vcpu_call(vcpu, guest_keeps_the_vmm_busy, 20);
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, vcpu_run_exit(vcpu));
	EXPECT_EQ(0, memcmp(&zero, &vcpu->run->times, sizeof(zero)));

	vcpu->run->timing = 1;
	for (i = 0; i < 40; i++) {
		ASSERT_EQ(0, vcpu_run_exit(vcpu));
		if (i >= 20 && i < 30)
			usleep(2000);
	}
	times = vcpu->run->times;
	EXPECT_LT(0, times.sync[EC_DABT_LOW]);
	EXPECT_LT(0, times.sync[EC_HVC64]);
	EXPECT_LT(0, times.sync[EC_SYS64]);
	/* What the VMM does is in it: ten sleeps. */
	spent = times.sync[EC_DABT_LOW] + times.sync[EC_HVC64] + times.sync[EC_SYS64];
	EXPECT_LT(ticks_of_ns(20 * NSEC_PER_MSEC), spent);
	EXPECT_EQ(0, times.sync[EC_SMC64]);
	EXPECT_EQ(0, times.sync[EC_WFX]);

	vcpu->run->timing = 0;
	for (i = 0; i < 15; i++)
		ASSERT_EQ(0, vcpu_run_exit(vcpu));
	times = vcpu->run->times;
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, vcpu_run_exit(vcpu));
	EXPECT_EQ(0, memcmp(&times, &vcpu->run->times, sizeof(times)));

	/* Interrupts of the host's have a place of their own. */
	memset(&vcpu->run->times, 0, sizeof(times));
	vcpu->run->timing = 0xff;
	vcpu_call(vcpu, guest_spins);
	alarm_every(5000);
	for (i = 0; i < 10; i++)
		ASSERT_EQ(-EINTR, vcpu_run(vcpu));
	alarm_every(0);
	EXPECT_LT(0, vcpu->run->times.irq);
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
