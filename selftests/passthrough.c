// SPDX-License-Identifier: GPL-2.0
/*
 * ARMVCPU_PASS_IRQ: interrupts of the host that are a guest's.  They are made by the
 * host's own GIC (GICD_ISPENDR) and by its real-time clock, through /dev/mem: a host of
 * its own, with a CPU that is isolated (host/passthrough.sh).
 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/capability.h>
#include <linux/rtc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gic.h"
#include "host/module.h"

/* SPIs of the host's that no device has, and those of the guests'. */
#define HW(n)		(160 + (n))
#define SPI(n)		(40 + (n))
#define SPI_STOP	90
/* More than there are list registers. */
#define MANY		20
#define MAX_PASSED	32

/* QEMU's virt board. */
#define HOST_GICD	0x08000000UL
#define HOST_RTC	0x09010000UL
#define HW_RTC		34
#define HW_UART		33
#define HW_MESSAGES	143
#define RTC_NAME	"9010000.pl031"
#define RTC_DRIVER	"/sys/bus/amba/drivers/rtc-pl031/"

/* PL031 */
#define RTCDR		0x00
#define RTCMR		0x04
#define RTCIMSC		0x10
#define RTCRIS		0x14
#define RTCICR		0x1c

#define REMOVE		ARMVCPU_PASS_IRQ_REMOVE
#define EDGE		ARMVCPU_PASS_IRQ_EDGE

#define DOORBELL	(GUEST_MMIO + 0x50)
#define QUIET_RTC	1
#define HOLD		2

/* Not the test's own, CPU 0, nor the one that is isolated. */
#define OTHER_CPU	1

#define PATIENCE_MS	10000

/* ---- the host's hardware ----------------------------------------------------------------- */

static u64 gicd, rtc;

static u64 map_device(u64 pa)
{
	int fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
	void *p;

	test_check(fd >= 0);
	p = mmap(NULL, 0x10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, pa);
	if (p == MAP_FAILED)
		test_fail("/dev/mem at 0x%llx: %m", pa);
	close(fd);
	return (u64)p;
}

static bool hw_bit(u32 reg, u32 intid)
{
	return guest_read32(gicd + reg + intid / 32 * 4) >> intid % 32 & 1;
}

static void hw_set_bit(u32 reg, u32 intid)
{
	guest_write32(gicd + reg + intid / 32 * 4, 1U << intid % 32);
}

/* As its device would. */
static void hw_raise(u32 intid)
{
	hw_set_bit(GICD_ISPENDR, intid);
}

static u8 hw_byte(u32 reg, u32 intid)
{
	return guest_read32(gicd + reg + (intid & ~3U)) >> intid % 4 * 8;
}

static u8 hw_priority(u32 intid)
{
	return hw_byte(GICD_IPRIORITYR, intid);
}

static u64 hw_route(u32 intid)
{
	if (!host_has_gicv3())
		return hw_byte(GICD_ITARGETSR, intid);
	return guest_read64(gicd + GICD_IROUTER + intid * 8);
}

/* GICv3: MPIDR; GICv2: a bit.  Both of CPU @cpu of the rig. */
static u64 route_to(int cpu)
{
	return host_has_gicv3() ? (u64)cpu : 1UL << cpu;
}

/**
 * struct hw_state - what the host's GIC has of an interrupt
 * @enabled: GICD_ISENABLER.
 * @pending: GICD_ISPENDR.
 * @active: GICD_ISACTIVER.
 * @priority: GICD_IPRIORITYR.
 * @route: GICD_IROUTER or GICD_ITARGETSR.
 */
struct hw_state {
	bool enabled;
	bool pending;
	bool active;
	u8 priority;
	u64 route;
};

static struct hw_state hw_state(u32 intid)
{
	return (struct hw_state) {
		.enabled = hw_bit(GICD_ISENABLER, intid),
		.pending = hw_bit(GICD_ISPENDR, intid),
		.active = hw_bit(GICD_ISACTIVER, intid),
		.priority = hw_priority(intid),
		.route = hw_route(intid),
	};
}

static bool same_state(const struct hw_state *a, u32 intid)
{
	struct hw_state b = hw_state(intid);

	if (a->enabled == b.enabled && a->pending == b.pending && a->active == b.active &&
	    a->priority == b.priority && a->route == b.route)
		return true;
	printf("# SPI %u: enabled %d pending %d active %d priority 0x%x route 0x%llx,\n"
	       "# was: enabled %d pending %d active %d priority 0x%x route 0x%llx\n", intid,
	       b.enabled, b.pending, b.active, b.priority, b.route,
	       a->enabled, a->pending, a->active, a->priority, a->route);
	return false;
}

/* How often it has been quieted, or is about to be. */
static u64 quieted;

/*
 * A level: it stays until rtc_quiet(), which may be at once.  The alarm is for the
 * second that it is now.
 */
static void rtc_raise(void)
{
	u64 before = shared_get(quieted);

	guest_write32(rtc + RTCIMSC, 1);
	do
		guest_write32(rtc + RTCMR, guest_read32(rtc + RTCDR));
	while (!guest_read32(rtc + RTCRIS) && shared_get(quieted) == before);
}

static void rtc_quiet(void)
{
	__atomic_fetch_add(&quieted, 1, __ATOMIC_SEQ_CST);
	guest_write32(rtc + RTCICR, 1);
}

static int rtc_driver(const char *what)
{
	char path[96];

	snprintf(path, sizeof(path), RTC_DRIVER "%s", what);
	return write_file(path, RTC_NAME);
}

static bool rtc_has_driver(void)
{
	return !access(RTC_DRIVER RTC_NAME, F_OK);
}

/* Interrupts that the host's handler has had, of those that are passed; -1: none are. */
static s64 handled(void)
{
	FILE *file = fopen("/proc/interrupts", "re");
	char line[1024];
	s64 total = -1;

	test_check(file);
	while (fgets(line, sizeof(line), file)) {
		char *p = strchr(line, ':');
		int cpu;

		if (!p || !strstr(line, "armvcpu-passed"))
			continue;
		if (total < 0)
			total = 0;
		p++;
		for (cpu = 0; cpu < nr_cpus(); cpu++)
			total += strtoul(p, &p, 10);
	}
	fclose(file);
	return total;
}

/* Linux goes on counting when it is passed once more. */
static s64 handled_before;

static u64 host_count(void)
{
	return handled() - handled_before;
}

/* The first of /sys/devices/system/cpu/isolated, -1: there is none. */
static int isolated_cpu(void)
{
	char line[64] = "";
	char *end;
	long cpu;

	read_line("/sys/devices/system/cpu/isolated", line, sizeof(line));
	cpu = strtol(line, &end, 10);
	return end == line ? -1 : cpu;
}

/* ---- the guest --------------------------------------------------------------------------- */

static u64 taken[1024], enough, guests_there;
/* The same for each vCPU; the one that shall not end what it takes, plus 1. */
static u64 taken_on[GUEST_MAX_CPUS], ended_on[GUEST_MAX_CPUS], lingers;
static u64 eoimode, quiets;

static void count_irq(struct guest_frame *frame, u64 vector)
{
	u64 self = read_sysreg(mpidr_el1) % GUEST_MAX_CPUS;
	u32 iar = guest_iar();

	(void)frame;
	(void)vector;
	if (iar == SPURIOUS)
		return;
	if (quiets && iar == SPI(0))
		guest_write32(DOORBELL, QUIET_RTC);
	__atomic_fetch_add(&taken_on[self], 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&taken[iar], 1, __ATOMIC_SEQ_CST);
	while (shared_get(lingers) == self + 1)
		;
	guest_eoi(iar);
	if (eoimode)
		guest_dir(iar);
	__atomic_fetch_add(&ended_on[self], 1, __ATOMIC_SEQ_CST);
}

static void guest_begins(void)
{
	guest_cpu()->handler = count_irq;
	guest_gic_on(eoimode);
	__atomic_fetch_add(&guests_there, 1, __ATOMIC_SEQ_CST);
}

static void guest_spins(void)
{
	guest_begins();
	guest_unmask();
	while (!shared_get(enough))
		;
	guest_mask();
	GUEST_SYNC(3);
}

static void guest_waits(void)
{
	guest_begins();
	for (;;) {
		guest_mask();
		if (shared_get(enough))
			break;
		asm volatile("wfi" : : : "memory");
		guest_unmask();
	}
	GUEST_SYNC(3);
}

/* In and out all the time. */
static void guest_exits(void)
{
	guest_begins();
	guest_unmask();
	while (!shared_get(enough))
		guest_write32(DOORBELL, 0);
	guest_mask();
	GUEST_SYNC(3);
}

enum step {
	STEP_LOAD,
	STEP_STORE,
	STEP_IAR,
	STEP_EOI,
	STEP_DIR,
	/* Has somebody raise it, and polls meanwhile. */
	STEP_AWAIT,
	STEP_ON,
};

/* What a vCPU shall do next; who shall be raised, by the other thread. */
static struct {
	u64 op;
	u64 address;
	u64 value;
} steps[GUEST_MAX_CPUS];

static u64 raise_now;

static u64 take_step(u64 index)
{
	u64 address = steps[index].address, value = steps[index].value;

	switch (steps[index].op) {
	case STEP_LOAD:
		return guest_read32(address);
	case STEP_STORE:
		guest_write32(address, value);
		break;
	case STEP_IAR:
		return guest_iar();
	case STEP_EOI:
		guest_eoi(value);
		break;
	case STEP_DIR:
		guest_dir(value);
		break;
	case STEP_AWAIT:
		shared_set(raise_now, address);
		do
			value = guest_iar();
		while (value == SPURIOUS);
		return value;
	case STEP_ON:
		guest_gic_on(value);
		break;
	}
	return 0;
}

static void guest_steps(u64 index)
{
	for (;;) {
		GUEST_SYNC(5);
		steps[index].value = take_step(index);
	}
}

/* ---- the test ---------------------------------------------------------------------------- */

static int pass(struct vm *vm, u32 flags, u32 hw_intid, u32 intid, u32 cpu)
{
	struct armvcpu_pass_irq arg = {
		.flags = flags, .hw_intid = hw_intid, .intid = intid, .cpu = cpu,
	};
	int ret = xioctl(vm->fd, ARMVCPU_PASS_IRQ, &arg);

	handled_before = handled();
	return ret;
}

/* From here on the vCPU does what step() says. */
static void take_steps(struct vcpu *vcpu)
{
	vcpu_call(vcpu, guest_steps, vcpu->index);
	vcpu_expect_sync(vcpu, 5);
}

static u64 step(struct vcpu *vcpu, enum step op, u64 address, u64 value)
{
	steps[vcpu->index].op = op;
	steps[vcpu->index].address = address;
	steps[vcpu->index].value = value;
	vcpu_expect_sync(vcpu, 5);
	return steps[vcpu->index].value;
}

static void *raise_on_demand(void *arg)
{
	pin_to_cpu(0);
	for (;;) {
		u64 intid = shared_get(raise_now);

		if (intid) {
			shared_set(raise_now, 0);
			/* In the guest again: it stays there. */
			usleep(1000);
			hw_raise(intid);
		}
		if (shared_get(*(u64 *)arg))
			return NULL;
		usleep(100);
	}
}

/**
 * struct runner - a vCPU's thread
 * @vcpu: the vCPU.
 * @cpu: where it is.
 * @held: it is outside RUN.
 * @thread: it.
 */
struct runner {
	struct vcpu *vcpu;
	int cpu;
	u64 held;
	pthread_t thread;
};

static u64 hold, let_go;

static void *run_guest(void *arg)
{
	struct runner *r = arg;
	struct armvcpu_run *run = r->vcpu->run;

	pin_to_cpu(r->cpu);
	for (;;) {
		if (shared_get(hold)) {
			shared_set(r->held, 1);
			while (!shared_get(let_go))
				usleep(100);
			shared_set(r->held, 0);
		}
		if (vcpu_run_exit(r->vcpu))
			return (void *)1;
		if (run->exit_reason == ARMVCPU_EXIT_MMIO && run->u.mmio.ipa == DOORBELL) {
			if (run->u.mmio.data == QUIET_RTC)
				rtc_quiet();
			continue;
		}
		if (vcpu_is_ucall(r->vcpu))
			return NULL;
		vcpu_print_exit(r->vcpu);
		return (void *)1;
	}
}

static void start(struct runner *r, struct vcpu *vcpu, int cpu, const void *guest)
{
	u64 there = shared_get(guests_there);

	r->vcpu = vcpu;
	r->cpu = cpu;
	r->held = 0;
	vcpu_call(vcpu, guest);
	test_check(!pthread_create(&r->thread, NULL, run_guest, r));
	while (shared_get(guests_there) == there)
		usleep(100);
}

static void join(struct runner *r)
{
	void *bad;

	pthread_join(r->thread, &bad);
	if (bad)
		test_fail("the vCPU's thread failed");
}

static void stop(struct runner *r)
{
	shared_set(enough, 1);
	gic_pulse(r->vcpu->vm, SPI_STOP);
	join(r);
}

static u64 count_of(u32 intid)
{
	return __atomic_load_n(&taken[intid], __ATOMIC_SEQ_CST);
}

static bool comes(u32 intid, u64 count)
{
	u64 limit = now_ns() + PATIENCE_MS * NSEC_PER_MSEC;

	while (count_of(intid) < count) {
		if (now_ns() > limit) {
			printf("# INTID %u was taken %llu times, not %llu\n", intid,
			       count_of(intid), count);
			return false;
		}
		usleep(10);
	}
	return true;
}

static bool ends(u32 hw_intid)
{
	u64 limit = now_ns() + PATIENCE_MS * NSEC_PER_MSEC;

	while (hw_bit(GICD_ISACTIVER, hw_intid)) {
		if (now_ns() > limit) {
			printf("# SPI %u stays active\n", hw_intid);
			return false;
		}
	}
	return true;
}

/* One after the other; the guest has ended each before the next. */
static bool send(u32 hw_intid, u32 intid, u64 times)
{
	u64 i, before = count_of(intid);

	for (i = 1; i <= times; i++) {
		hw_raise(hw_intid);
		if (!comes(intid, before + i) || !ends(hw_intid))
			return false;
	}
	return true;
}

FIXTURE(passthrough)
{
	struct gic_vm g;
	struct vm *vm;
	struct runner r[2];
	int cpu;
	const char *why;
	u64 end;
	pthread_t raiser;
};

FIXTURE_VARIANT(passthrough)
{
	u32 flags;
};

FIXTURE_VARIANT_ADD(passthrough, level)
{
	.flags = 0,
};

FIXTURE_VARIANT_ADD(passthrough, edge)
{
	.flags = EDGE,
};

FIXTURE_SETUP(passthrough)
{
	u32 version = gic_version(GIC_V2 | GIC_V3);
	unsigned int i;

	self->cpu = isolated_cpu();
	if (!version)
		self->why = NO_GIC;
	else if (self->cpu < 0)
		self->why = "no CPU is isolated: isolcpus=";
	if (self->why)
		return;
	pin_to_cpu(0);
	gicd = map_device(HOST_GICD);
	gic_vm_init(&self->g, version, 2);
	self->vm = &self->g.vm;
	/* To vCPU 0, as SPI_STOP is. */
	for (i = 0; i < MAX_PASSED; i++)
		gic_enable(&self->g, &self->g.vcpu[0], SPI(i), 0x80, true);
	gic_enable(&self->g, &self->g.vcpu[0], SPI_STOP, 0x80, true);
	test_check(!pthread_create(&self->raiser, NULL, raise_on_demand, &self->end));
}

FIXTURE_TEARDOWN(passthrough)
{
	unsigned int i;

	if (self->why)
		return;
	shared_set(self->end, 1);
	pthread_join(self->raiser, NULL);
	for (i = 0; i < self->g.nr_vcpus; i++)
		vcpu_close(&self->g.vcpu[i]);
	vm_close(self->vm);
	/* Nothing of it is left. */
	EXPECT_EQ(-1, handled());
	for (i = 0; i < MAX_PASSED; i++) {
		EXPECT_FALSE(hw_bit(GICD_ISACTIVER, HW(i)));
		EXPECT_FALSE(hw_bit(GICD_ISENABLER, HW(i)));
	}
}

/*
 * Why a test is skipped: one CPU acknowledges an SPI, another has it deactivated by a
 * list register; in QEMU's GICv2, unlike a real one, active is a state of each CPU.
 */
#define V2_ACTIVE_IS_PRIVATE	"QEMU's GICv2 does not deactivate it"
#define IS_A_LEVEL		"for a level"
#define NO_RTC			"the host's real-time clock cannot be unbound"

/* ---- how they come ----------------------------------------------------------------------- */

TEST_F(passthrough, the_capability_is_the_hosts)
{
	if (self->why)
		SKIP(return, "%s", self->why);
	EXPECT_EQ(REMOVE | EDGE, get_cap(self->vm->fd, ARMVCPU_CAP_PASS_IRQ_FLAGS));
	EXPECT_EQ(host_has_gicv3(), get_cap(self->vm->fd, ARMVCPU_CAP_PASS_IRQ_DIRECT));
}

/* While it spins on the CPU that they go to: the host has no part in it. */
TEST_F(passthrough, comes_straight)
{
	bool direct;

	if (self->why)
		SKIP(return, "%s", self->why);
	direct = get_cap(self->vm->fd, ARMVCPU_CAP_PASS_IRQ_DIRECT);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	EXPECT_EQ(route_to(self->cpu), hw_route(HW(0)));
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_spins);
	EXPECT_TRUE(send(HW(0), SPI(1), 200));
	/* One may come while the host has the CPU for its tick. */
	EXPECT_LE(host_count(), direct ? 100 : 200);
	EXPECT_GE(host_count(), direct ? 0 : 100);
	stop(&self->r[0]);
	EXPECT_EQ(200, count_of(SPI(1)));
}

TEST_F(passthrough, comes_to_one_that_waits)
{
	unsigned int i;

	if (self->why)
		SKIP(return, "%s", self->why);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_waits);
	for (i = 0; i < 100; i++) {
		/* Asleep, most of the time. */
		usleep(1000);
		ASSERT_TRUE(send(HW(0), SPI(1), 1));
	}
	EXPECT_GE(host_count(), 30);
	stop(&self->r[0]);
	EXPECT_EQ(100, count_of(SPI(1)));
}

TEST_F(passthrough, comes_to_one_that_exits_all_the_time)
{
	if (self->why)
		SKIP(return, "%s", self->why);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_exits);
	EXPECT_TRUE(send(HW(0), SPI(1), 300));
	stop(&self->r[0]);
	EXPECT_EQ(300, count_of(SPI(1)));
}

TEST_F(passthrough, comes_to_one_on_another_cpu)
{
	if (self->why)
		SKIP(return, "%s", self->why);
	if (!host_has_gicv3())
		SKIP(return, V2_ACTIVE_IS_PRIVATE);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	start(&self->r[0], &self->g.vcpu[0], OTHER_CPU, guest_spins);
	EXPECT_TRUE(send(HW(0), SPI(1), 200));
	EXPECT_EQ(200, host_count());
	stop(&self->r[0]);
	EXPECT_EQ(200, count_of(SPI(1)));
}

/* The priority drop and the deactivation are two writes. */
TEST_F(passthrough, comes_with_eoimode_1)
{
	if (self->why)
		SKIP(return, "%s", self->why);
	eoimode = 1;
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_spins);
	EXPECT_TRUE(send(HW(0), SPI(1), 100));
	stop(&self->r[0]);
	EXPECT_EQ(100, count_of(SPI(1)));
}

/* Outside RUN it is pending; in the host it is active, and does not come twice. */
TEST_F(passthrough, waits_for_one_that_does_not_run)
{
	if (self->why)
		SKIP(return, "%s", self->why);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_exits);
	shared_set(hold, 1);
	while (!shared_get(self->r[0].held))
		usleep(100);
	hw_raise(HW(0));
	while (!host_count())
		usleep(100);
	EXPECT_TRUE(gic_state(&self->g, NULL, GICD_ISPENDR, SPI(1)));
	EXPECT_TRUE(hw_bit(GICD_ISACTIVER, HW(0)));
	/* Latched in the host's GIC, behind the one that is active. */
	hw_raise(HW(0));
	usleep(1000);
	EXPECT_EQ(1, host_count());
	EXPECT_EQ(0, count_of(SPI(1)));
	shared_set(hold, 0);
	shared_set(let_go, 1);
	EXPECT_TRUE(comes(SPI(1), 2));
	stop(&self->r[0]);
	EXPECT_EQ(2, count_of(SPI(1)));
}

/* More than list registers, all at once, again and again. */
TEST_F(passthrough, many_at_once)
{
	unsigned int round, i;

	if (self->why)
		SKIP(return, "%s", self->why);
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(0, pass(self->vm, variant->flags, HW(i), SPI(i), self->cpu));
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_spins);
	for (round = 1; round <= 50; round++) {
		for (i = 0; i < MANY; i++)
			hw_raise(HW(i));
		for (i = 0; i < MANY; i++)
			ASSERT_TRUE(comes(SPI(i), round));
		for (i = 0; i < MANY; i++)
			ASSERT_TRUE(ends(HW(i)));
	}
	stop(&self->r[0]);
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(50, count_of(SPI(i)));
}

/* Beside the VMM's own interrupts and the host's. */
TEST_F(passthrough, beside_others)
{
	unsigned int i;

	if (self->why)
		SKIP(return, "%s", self->why);
	for (i = 1; i <= 4; i++)
		ASSERT_EQ(0, pass(self->vm, variant->flags, HW(i), SPI(i), self->cpu));
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_spins);
	for (i = 0; i < 400; i++) {
		u32 n = 1 + i % 4, count = 1 + i / 4;

		hw_raise(HW(n));
		gic_pulse(self->vm, SPI(5 + i % 3));
		/* It leaves the guest. */
		if (i % 5 == 0)
			pthread_kill(self->r[0].thread, SIGUSR1);
		ASSERT_TRUE(comes(SPI(n), count));
		ASSERT_TRUE(comes(SPI(5 + i % 3), 1 + i / 3));
		ASSERT_TRUE(ends(HW(n)));
	}
	stop(&self->r[0]);
	for (i = 1; i <= 4; i++)
		EXPECT_EQ(100, count_of(SPI(i)));
}

/* ---- step by step ----------------------------------------------------------------------- */

/* In the test's own thread on the CPU; the other raises. */
static struct vcpu *begin_steps(struct gic_vm *g, int cpu)
{
	struct vcpu *vcpu = &g->vcpu[0];

	pin_to_cpu(cpu);
	take_steps(vcpu);
	step(vcpu, STEP_ON, 0, 0);
	return vcpu;
}

static void store(struct gic_vm *g, struct vcpu *vcpu, u32 reg, u32 intid)
{
	step(vcpu, STEP_STORE, gic_address(g, vcpu, reg, intid, 1), 1U << intid % 32);
}

static bool bit(struct gic_vm *g, struct vcpu *vcpu, u32 reg, u32 intid)
{
	return step(vcpu, STEP_LOAD, gic_address(g, vcpu, reg, intid, 1), 0) >> intid % 32 & 1;
}

/* When no guest can take it: the host does. */
static void raise_here(u32 intid)
{
	u64 count = host_count(), limit = now_ns() + PATIENCE_MS * NSEC_PER_MSEC;

	hw_raise(intid);
	while (host_count() == count)
		if (now_ns() > limit)
			test_fail("SPI %u does not come", intid);
}

/* ---- a level ----------------------------------------------------------------------------- */

static bool give_up_rtc(void)
{
	if (rtc_has_driver() && rtc_driver("unbind"))
		return false;
	rtc = map_device(HOST_RTC);
	rtc_quiet();
	return true;
}

/* The guest's handler quiets the device, which is the VMM's to do. */
TEST_F(passthrough, level_is_taken_once_for_each_time)
{
	u64 i;

	if (self->why)
		SKIP(return, "%s", self->why);
	if (variant->flags)
		SKIP(return, IS_A_LEVEL);
	if (!give_up_rtc())
		SKIP(return, NO_RTC);
	quiets = 1;
	gic_enable(&self->g, &self->g.vcpu[0], SPI(0), 0x80, false);
	ASSERT_EQ(0, pass(self->vm, 0, HW_RTC, SPI(0), self->cpu));
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_spins);
	for (i = 1; i <= 50; i++) {
		rtc_raise();
		ASSERT_TRUE(comes(SPI(0), i));
		ASSERT_TRUE(ends(HW_RTC));
	}
	stop(&self->r[0]);
	EXPECT_EQ(50, count_of(SPI(0)));
	EXPECT_EQ(0, pass(self->vm, REMOVE, HW_RTC, SPI(0), 0));
	EXPECT_EQ(0, rtc_driver("bind"));
}

/* A guest that does not quiet it has it again and again; the host goes on. */
TEST_F(passthrough, level_that_stays_is_the_guests_trouble)
{
	u64 before;

	if (self->why)
		SKIP(return, "%s", self->why);
	if (variant->flags)
		SKIP(return, IS_A_LEVEL);
	if (!give_up_rtc())
		SKIP(return, NO_RTC);
	gic_enable(&self->g, &self->g.vcpu[0], SPI(0), 0x80, false);
	ASSERT_EQ(0, pass(self->vm, 0, HW_RTC, SPI(0), self->cpu));
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_spins);
	rtc_raise();
	ASSERT_TRUE(comes(SPI(0), 1000));
	/* The CPU is the host's for a signal, and for another task. */
	before = now_ns();
	pthread_kill(self->r[0].thread, SIGUSR1);
	pin_to_cpu(self->cpu);
	pin_to_cpu(0);
	EXPECT_LT(now_ns() - before, 5000 * NSEC_PER_MSEC);
	rtc_quiet();
	stop(&self->r[0]);
	EXPECT_EQ(0, pass(self->vm, REMOVE, HW_RTC, SPI(0), 0));
	EXPECT_EQ(0, rtc_driver("bind"));
}

/* ---- the guest's GIC --------------------------------------------------------------------- */

TEST_F(passthrough, is_active_in_both_until_its_end)
{
	struct vcpu *vcpu;

	if (self->why)
		SKIP(return, "%s", self->why);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	vcpu = begin_steps(&self->g, self->cpu);
	EXPECT_EQ(SPURIOUS, step(vcpu, STEP_IAR, 0, 0));
	EXPECT_EQ(SPI(1), step(vcpu, STEP_AWAIT, HW(0), 0));
	EXPECT_TRUE(hw_bit(GICD_ISACTIVER, HW(0)));
	EXPECT_TRUE(bit(&self->g, vcpu, GICD_ISACTIVER, SPI(1)));
	EXPECT_FALSE(bit(&self->g, vcpu, GICD_ISPENDR, SPI(1)));
	/* Another behind it waits in the host's GIC. */
	hw_raise(HW(0));
	EXPECT_EQ(SPURIOUS, step(vcpu, STEP_IAR, 0, 0));
	EXPECT_TRUE(hw_bit(GICD_ISPENDR, HW(0)));
	step(vcpu, STEP_EOI, 0, SPI(1));
	EXPECT_EQ(SPI(1), step(vcpu, STEP_AWAIT, 0, 0));
	step(vcpu, STEP_EOI, 0, SPI(1));
	EXPECT_FALSE(hw_bit(GICD_ISACTIVER, HW(0)));
	EXPECT_FALSE(bit(&self->g, vcpu, GICD_ISACTIVER, SPI(1)));
	EXPECT_EQ(SPURIOUS, step(vcpu, STEP_IAR, 0, 0));
}

TEST_F(passthrough, is_kept_back_while_it_is_disabled)
{
	struct vcpu *vcpu;

	if (self->why)
		SKIP(return, "%s", self->why);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	vcpu = begin_steps(&self->g, self->cpu);
	store(&self->g, vcpu, GICD_ICENABLER, SPI(1));
	raise_here(HW(0));
	EXPECT_EQ(SPURIOUS, step(vcpu, STEP_IAR, 0, 0));
	EXPECT_TRUE(bit(&self->g, vcpu, GICD_ISPENDR, SPI(1)));
	store(&self->g, vcpu, GICD_ISENABLER, SPI(1));
	EXPECT_EQ(SPI(1), step(vcpu, STEP_IAR, 0, 0));
	step(vcpu, STEP_EOI, 0, SPI(1));
	EXPECT_EQ(SPI(1), step(vcpu, STEP_AWAIT, HW(0), 0));
	step(vcpu, STEP_EOI, 0, SPI(1));
}

TEST_F(passthrough, clearing_it_lets_the_next_come)
{
	struct vcpu *vcpu;

	if (self->why)
		SKIP(return, "%s", self->why);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	vcpu = begin_steps(&self->g, self->cpu);
	/* Pending */
	raise_here(HW(0));
	EXPECT_TRUE(hw_bit(GICD_ISACTIVER, HW(0)));
	store(&self->g, vcpu, GICD_ICPENDR, SPI(1));
	EXPECT_FALSE(hw_bit(GICD_ISACTIVER, HW(0)));
	EXPECT_EQ(SPURIOUS, step(vcpu, STEP_IAR, 0, 0));
	/* Active */
	EXPECT_EQ(SPI(1), step(vcpu, STEP_AWAIT, HW(0), 0));
	store(&self->g, vcpu, GICD_ICACTIVER, SPI(1));
	EXPECT_FALSE(hw_bit(GICD_ISACTIVER, HW(0)));
	step(vcpu, STEP_EOI, 0, SPI(1));
	EXPECT_EQ(SPI(1), step(vcpu, STEP_AWAIT, HW(0), 0));
	step(vcpu, STEP_EOI, 0, SPI(1));
	EXPECT_FALSE(hw_bit(GICD_ISACTIVER, HW(0)));
}

/* Where QEMU deactivates what was not made active by an acknowledge. */
static bool ended_in_hw(u32 intid)
{
	return !host_has_gicv3() || !hw_bit(GICD_ISACTIVER, intid);
}

/* What is pending behind one that is active comes after it, whoever made it so. */
TEST_F(passthrough, another_waits_behind_it)
{
	struct vcpu *vcpu;

	if (self->why)
		SKIP(return, "%s", self->why);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	vcpu = begin_steps(&self->g, self->cpu);
	/* The guest's own */
	EXPECT_EQ(SPI(1), step(vcpu, STEP_AWAIT, HW(0), 0));
	store(&self->g, vcpu, GICD_ISPENDR, SPI(1));
	EXPECT_TRUE(bit(&self->g, vcpu, GICD_ISPENDR, SPI(1)));
	EXPECT_TRUE(bit(&self->g, vcpu, GICD_ISACTIVER, SPI(1)));
	step(vcpu, STEP_EOI, 0, SPI(1));
	EXPECT_EQ(SPI(1), step(vcpu, STEP_IAR, 0, 0));
	EXPECT_TRUE(hw_bit(GICD_ISACTIVER, HW(0)));
	step(vcpu, STEP_EOI, 0, SPI(1));
	EXPECT_EQ(SPURIOUS, step(vcpu, STEP_IAR, 0, 0));
	EXPECT_TRUE(ended_in_hw(HW(0)));
	/* The host deactivates what it masks, as before it sleeps. */
	EXPECT_EQ(SPI(1), step(vcpu, STEP_AWAIT, HW(0), 0));
	hw_set_bit(GICD_ICACTIVER, HW(0));
	raise_here(HW(0));
	EXPECT_TRUE(bit(&self->g, vcpu, GICD_ISPENDR, SPI(1)));
	step(vcpu, STEP_EOI, 0, SPI(1));
	EXPECT_EQ(SPI(1), step(vcpu, STEP_IAR, 0, 0));
	step(vcpu, STEP_EOI, 0, SPI(1));
	EXPECT_EQ(SPURIOUS, step(vcpu, STEP_IAR, 0, 0));
	EXPECT_TRUE(ended_in_hw(HW(0)));
	/* Cleared by the guest, although it waits in the host's GIC. */
	EXPECT_EQ(SPI(1), step(vcpu, STEP_AWAIT, HW(0), 0));
	hw_raise(HW(0));
	store(&self->g, vcpu, GICD_ICPENDR, SPI(1));
	EXPECT_FALSE(hw_bit(GICD_ISPENDR, HW(0)));
	step(vcpu, STEP_EOI, 0, SPI(1));
	EXPECT_EQ(SPURIOUS, step(vcpu, STEP_IAR, 0, 0));
	EXPECT_EQ(SPI(1), step(vcpu, STEP_AWAIT, HW(0), 0));
	step(vcpu, STEP_EOI, 0, SPI(1));
}

/* Made pending or active by the guest: the host's comes after that. */
TEST_F(passthrough, the_guest_makes_one_itself)
{
	struct vcpu *vcpu;

	if (self->why)
		SKIP(return, "%s", self->why);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	vcpu = begin_steps(&self->g, self->cpu);
	store(&self->g, vcpu, GICD_ISPENDR, SPI(1));
	EXPECT_TRUE(hw_bit(GICD_ISACTIVER, HW(0)));
	EXPECT_EQ(SPI(1), step(vcpu, STEP_IAR, 0, 0));
	hw_raise(HW(0));
	EXPECT_EQ(SPURIOUS, step(vcpu, STEP_IAR, 0, 0));
	step(vcpu, STEP_EOI, 0, SPI(1));
	EXPECT_EQ(SPI(1), step(vcpu, STEP_AWAIT, 0, 0));
	step(vcpu, STEP_EOI, 0, SPI(1));
	store(&self->g, vcpu, GICD_ISACTIVER, SPI(1));
	EXPECT_TRUE(hw_bit(GICD_ISACTIVER, HW(0)));
	store(&self->g, vcpu, GICD_ICACTIVER, SPI(1));
	EXPECT_FALSE(hw_bit(GICD_ISACTIVER, HW(0)));
	EXPECT_EQ(host_has_gicv3() ? 0 : 1, host_count());
}

/* Priorities are the guest's: what is masked waits, the higher one comes first. */
TEST_F(passthrough, priorities_are_the_guests)
{
	struct vcpu *vcpu;
	u64 address;

	if (self->why)
		SKIP(return, "%s", self->why);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(1), SPI(2), self->cpu));
	vcpu = begin_steps(&self->g, self->cpu);
	/* 0x80, and 0x40 of the second. */
	address = gic_address(&self->g, vcpu, GICD_IPRIORITYR, SPI(0), 8);
	step(vcpu, STEP_STORE, address & ~3UL, 0x80408080);
	raise_here(HW(0));
	raise_here(HW(1));
	EXPECT_EQ(SPI(2), step(vcpu, STEP_IAR, 0, 0));
	EXPECT_EQ(SPURIOUS, step(vcpu, STEP_IAR, 0, 0));
	step(vcpu, STEP_EOI, 0, SPI(2));
	EXPECT_EQ(SPI(1), step(vcpu, STEP_IAR, 0, 0));
	/* It is preempted. */
	EXPECT_EQ(SPI(2), step(vcpu, STEP_AWAIT, HW(1), 0));
	step(vcpu, STEP_EOI, 0, SPI(2));
	step(vcpu, STEP_EOI, 0, SPI(1));
	EXPECT_FALSE(hw_bit(GICD_ISACTIVER, HW(0)));
	EXPECT_FALSE(hw_bit(GICD_ISACTIVER, HW(1)));
}

/* Where the guest sends it; also if it comes again while it is in a list register there. */
TEST_F(passthrough, goes_where_the_guest_routes_it)
{
	if (self->why)
		SKIP(return, "%s", self->why);
	if (!host_has_gicv3())
		SKIP(return, V2_ACTIVE_IS_PRIVATE);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	gic_enable(&self->g, &self->g.vcpu[1], SPI(1), 0x80, true);
	gic_enable(&self->g, &self->g.vcpu[1], SPI(2), 0x80, true);
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_spins);
	start(&self->r[1], &self->g.vcpu[1], OTHER_CPU, guest_spins);
	EXPECT_TRUE(send(HW(0), SPI(1), 200));
	EXPECT_EQ(200, host_count());
	stop(&self->r[0]);
	join(&self->r[1]);
	EXPECT_EQ(200, count_of(SPI(1)));
}

static u64 router(const struct gic_vm *g)
{
	return g->version == 3 ? GUEST_GICD + GICD_IROUTER + SPI(1) * 8 :
	       GUEST_GICD + GICD_ITARGETSR + (SPI(1) & ~3U);
}

static u32 route_value(const struct gic_vm *g, unsigned int vcpu)
{
	return g->version == 3 ? vcpu : 0x01010101U << vcpu;
}

/* To and fro between two vCPUs that run, while it comes. */
TEST_F(passthrough, is_rerouted_while_it_comes)
{
	struct gic_vm *g = &self->g;
	u64 i;

	if (self->why)
		SKIP(return, "%s", self->why);
	if (!host_has_gicv3())
		SKIP(return, V2_ACTIVE_IS_PRIVATE);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	gic_vm_add_vcpu(g, 2);
	start(&self->r[0], &g->vcpu[0], self->cpu, guest_spins);
	start(&self->r[1], &g->vcpu[1], OTHER_CPU, guest_spins);
	take_steps(&g->vcpu[2]);
	for (i = 1; i <= 200; i++) {
		hw_raise(HW(0));
		step(&g->vcpu[2], STEP_STORE, router(g), route_value(g, i % 2));
		ASSERT_TRUE(comes(SPI(1), i));
		ASSERT_TRUE(ends(HW(0)));
	}
	stop(&self->r[0]);
	join(&self->r[1]);
	EXPECT_EQ(200, count_of(SPI(1)));
}

/*
 * Rerouted while one has it active, in a list register: the next is the other's, also
 * if the first has not left the guest since.
 */
TEST_F(passthrough, is_rerouted_while_it_is_active)
{
	struct gic_vm *g = &self->g;
	unsigned int i;

	if (self->why)
		SKIP(return, "%s", self->why);
	if (!host_has_gicv3())
		SKIP(return, V2_ACTIVE_IS_PRIVATE);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	gic_vm_add_vcpu(g, 2);
	start(&self->r[0], &g->vcpu[0], self->cpu, guest_spins);
	start(&self->r[1], &g->vcpu[1], OTHER_CPU, guest_spins);
	take_steps(&g->vcpu[2]);
	for (i = 1; i <= 20; i++) {
		unsigned int from = 1 - i % 2, to = i % 2;
		u64 before = taken_on[to];

		shared_set(lingers, from + 1);
		hw_raise(HW(0));
		ASSERT_TRUE(comes(SPI(1), 2 * i - 1));
		ASSERT_EQ(before, shared_get(taken_on[to]));
		step(&g->vcpu[2], STEP_STORE, router(g), route_value(g, to));
		shared_set(lingers, 0);
		ASSERT_TRUE(ends(HW(0)));
		hw_raise(HW(0));
		ASSERT_TRUE(comes(SPI(1), 2 * i));
		ASSERT_TRUE(ends(HW(0)));
		EXPECT_EQ(before + 1, shared_get(taken_on[to]));
	}
	stop(&self->r[0]);
	join(&self->r[1]);
}

/* While the guest runs where it would come straight. */
TEST_F(passthrough, is_disabled_while_the_guest_runs)
{
	struct gic_vm *g = &self->g;
	struct vcpu *other = &g->vcpu[1];
	unsigned int i;

	if (self->why)
		SKIP(return, "%s", self->why);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	start(&self->r[0], &g->vcpu[0], self->cpu, guest_spins);
	take_steps(other);
	for (i = 0; i < 10; i++) {
		ASSERT_TRUE(send(HW(0), SPI(1), 1));
		store(g, other, GICD_ICENABLER, SPI(1));
		raise_here(HW(0));
		EXPECT_EQ(2 * i + 1, count_of(SPI(1)));
		EXPECT_TRUE(bit(g, other, GICD_ISPENDR, SPI(1)));
		store(g, other, GICD_ISENABLER, SPI(1));
		ASSERT_TRUE(comes(SPI(1), 2 * i + 2));
		ASSERT_TRUE(ends(HW(0)));
		/* The whole distributor. */
		step(other, STEP_STORE, GUEST_GICD + GICD_CTLR, 0);
		raise_here(HW(0));
		EXPECT_EQ(2 * i + 2, count_of(SPI(1)));
		store(g, other, GICD_ICPENDR, SPI(1));
		EXPECT_FALSE(hw_bit(GICD_ISACTIVER, HW(0)));
		step(other, STEP_STORE, GUEST_GICD + GICD_CTLR, 3);
	}
	stop(&self->r[0]);
	EXPECT_EQ(20, count_of(SPI(1)));
}

/* Pending and active as another vCPU reads them, whoever knows of it. */
TEST_F(passthrough, state_is_seen_while_the_guest_runs)
{
	struct gic_vm *g = &self->g;
	struct vcpu *other = &g->vcpu[1];
	unsigned int i;

	if (self->why)
		SKIP(return, "%s", self->why);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	start(&self->r[0], &g->vcpu[0], self->cpu, guest_spins);
	take_steps(other);
	for (i = 1; i <= 10; i++) {
		shared_set(lingers, 1);
		hw_raise(HW(0));
		ASSERT_TRUE(comes(SPI(1), 2 * i - 1));
		EXPECT_TRUE(bit(g, other, GICD_ISACTIVER, SPI(1)));
		EXPECT_FALSE(bit(g, other, GICD_ISPENDR, SPI(1)));
		shared_set(lingers, 0);
		ASSERT_TRUE(ends(HW(0)));
		EXPECT_FALSE(bit(g, other, GICD_ISACTIVER, SPI(1)));
		/* Deactivated by somebody else, and then by its owner as well. */
		shared_set(lingers, 1);
		hw_raise(HW(0));
		ASSERT_TRUE(comes(SPI(1), 2 * i));
		store(g, other, GICD_ICACTIVER, SPI(1));
		EXPECT_FALSE(hw_bit(GICD_ISACTIVER, HW(0)));
		shared_set(lingers, 0);
		while (shared_get(ended_on[0]) < 2 * i)
			usleep(10);
	}
	ASSERT_TRUE(send(HW(0), SPI(1), 1));
	stop(&self->r[0]);
	EXPECT_EQ(21, count_of(SPI(1)));
}

/* With EOImode 1 another vCPU may write GICC_DIR, or ICC_DIR_EL1. */
TEST_F(passthrough, is_deactivated_by_another)
{
	struct gic_vm *g = &self->g;
	struct vcpu *other = &g->vcpu[1];
	unsigned int i;

	if (self->why)
		SKIP(return, "%s", self->why);
	eoimode = 1;
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	start(&self->r[0], &g->vcpu[0], self->cpu, guest_spins);
	take_steps(other);
	step(other, STEP_ON, 0, 1);
	for (i = 1; i <= 10; i++) {
		shared_set(lingers, 1);
		hw_raise(HW(0));
		ASSERT_TRUE(comes(SPI(1), i));
		EXPECT_TRUE(hw_bit(GICD_ISACTIVER, HW(0)));
		step(other, STEP_DIR, 0, SPI(1));
		EXPECT_FALSE(hw_bit(GICD_ISACTIVER, HW(0)));
		shared_set(lingers, 0);
		while (shared_get(ended_on[0]) < i)
			usleep(10);
	}
	stop(&self->r[0]);
}

/* The host moves it to another CPU in the middle of a slice, as it does when one goes. */
TEST_F(passthrough, is_moved_by_the_host)
{
	u64 i, at = gicd + GICD_IROUTER + HW(0) * 8;

	if (self->why)
		SKIP(return, "%s", self->why);
	if (!host_has_gicv3())
		SKIP(return, V2_ACTIVE_IS_PRIVATE);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_spins);
	for (i = 1; i <= 200; i++) {
		guest_write32(at, i % 2 ? OTHER_CPU : self->cpu);
		hw_raise(HW(0));
		ASSERT_TRUE(comes(SPI(1), i));
		ASSERT_TRUE(ends(HW(0)));
	}
	EXPECT_GE(host_count(), 100);
	stop(&self->r[0]);
	EXPECT_EQ(200, count_of(SPI(1)));
}

TEST_F(passthrough, reset_of_the_gic_ends_it)
{
	struct vcpu *vcpu;

	if (self->why)
		SKIP(return, "%s", self->why);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	vcpu = begin_steps(&self->g, self->cpu);
	EXPECT_EQ(SPI(1), step(vcpu, STEP_AWAIT, HW(0), 0));
	EXPECT_EQ(0, xioctl(self->vm->fd, ARMVCPU_RESET_GIC, NULL));
	EXPECT_FALSE(hw_bit(GICD_ISACTIVER, HW(0)));
	gic_enable(&self->g, vcpu, SPI(1), 0x80, true);
	step(vcpu, STEP_ON, 0, 0);
	EXPECT_EQ(SPI(1), step(vcpu, STEP_AWAIT, HW(0), 0));
	step(vcpu, STEP_EOI, 0, SPI(1));
}

TEST_F(passthrough, its_line_is_the_hosts)
{
	u32 word = SPI(1) & ~31U;

	if (self->why)
		SKIP(return, "%s", self->why);
	gic_irq(self->vm, SPI(1), 1);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	EXPECT_EQ(0, gic_get(self->vm, ARMVCPU_GIC_LEVEL, word, 0));
	EXPECT_EQ(-EBUSY, gic_try_irq(self->vm, SPI(1), 0, 1));
	EXPECT_EQ(-EBUSY, gic_try_irq(self->vm, SPI(1), 0, 0));
	EXPECT_EQ(-EINVAL, gic_try_set(self->vm, ARMVCPU_GIC_LEVEL, word, 0,
				       1U << SPI(1) % 32));
	EXPECT_EQ(0, gic_try_irq(self->vm, SPI(2), 0, 1));
	EXPECT_EQ(0, gic_try_irq(self->vm, SPI(2), 0, 0));
	ASSERT_EQ(0, pass(self->vm, REMOVE, HW(0), SPI(1), 0));
	EXPECT_EQ(0, gic_try_irq(self->vm, SPI(1), 0, 1));
}

/* ---- how it ends ------------------------------------------------------------------------- */

TEST_F(passthrough, the_host_has_it_back_as_it_was)
{
	struct hw_state before;
	struct vcpu *vcpu;
	unsigned int i;

	if (self->why)
		SKIP(return, "%s", self->why);
	/* Linux knows it after the first time. */
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
		EXPECT_TRUE(hw_bit(GICD_ISENABLER, HW(0)));
		ASSERT_EQ(0, pass(self->vm, REMOVE, HW(0), SPI(1), 0));
		if (i)
			EXPECT_TRUE(same_state(&before, HW(0)));
		before = hw_state(HW(0));
	}
	EXPECT_FALSE(before.enabled);
	EXPECT_EQ(route_to(0), before.route);
	/* ... as a lower priority than those that are passed. */
	EXPECT_NE(0, before.priority);
	vcpu = begin_steps(&self->g, self->cpu);

	/* Pending in the guest: it stays. */
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	raise_here(HW(0));
	ASSERT_EQ(0, pass(self->vm, REMOVE, HW(0), SPI(1), 0));
	EXPECT_TRUE(same_state(&before, HW(0)));
	EXPECT_EQ(SPI(1), step(vcpu, STEP_IAR, 0, 0));
	step(vcpu, STEP_EOI, 0, SPI(1));
	EXPECT_EQ(SPURIOUS, step(vcpu, STEP_IAR, 0, 0));

	/* Active, and one more behind it. */
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	EXPECT_EQ(SPI(1), step(vcpu, STEP_AWAIT, HW(0), 0));
	hw_raise(HW(0));
	ASSERT_EQ(0, pass(self->vm, REMOVE, HW(0), SPI(1), 0));
	EXPECT_TRUE(same_state(&before, HW(0)));
	EXPECT_TRUE(bit(&self->g, vcpu, GICD_ISACTIVER, SPI(1)));
	step(vcpu, STEP_EOI, 0, SPI(1));
	EXPECT_FALSE(bit(&self->g, vcpu, GICD_ISACTIVER, SPI(1)));
	EXPECT_EQ(SPURIOUS, step(vcpu, STEP_IAR, 0, 0));

	/* It is an interrupt like any other, and can be passed once more, to another. */
	gic_irq(self->vm, SPI(1), 1);
	EXPECT_EQ(SPI(1), step(vcpu, STEP_IAR, 0, 0));
	step(vcpu, STEP_EOI, 0, SPI(1));
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(2), self->cpu));
	EXPECT_EQ(SPI(2), step(vcpu, STEP_AWAIT, HW(0), 0));
	step(vcpu, STEP_EOI, 0, SPI(2));
}

/* What is on its way has come. */
static void settle(u32 intid)
{
	u64 count;

	do {
		count = count_of(intid);
		usleep(20000);
	} while (count_of(intid) != count);
}

/* Comes and goes while it is in use, and while the guest runs. */
TEST_F(passthrough, removed_under_the_guest)
{
	u64 i, sent = 0;

	if (self->why)
		SKIP(return, "%s", self->why);
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_spins);
	for (i = 0; i < 40; i++) {
		ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
		EXPECT_TRUE(send(HW(0), SPI(1), 2));
		sent += 2;
		/* On its way, or gone. */
		hw_raise(HW(0));
		ASSERT_EQ(0, pass(self->vm, REMOVE, HW(0), SPI(1), 0));
		EXPECT_FALSE(hw_bit(GICD_ISACTIVER, HW(0)));
		EXPECT_FALSE(hw_bit(GICD_ISENABLER, HW(0)));
		settle(SPI(1));
		EXPECT_LE(count_of(SPI(1)), sent + 1);
		EXPECT_GE(count_of(SPI(1)), sent);
		sent = count_of(SPI(1));
	}
	stop(&self->r[0]);
}

/* Has Linux a number for it? */
static bool is_mapped(u32 intid)
{
	glob_t found;
	bool ret = false;
	size_t i;

	test_check(!glob("/sys/kernel/irq/*/hwirq", 0, NULL, &found));
	for (i = 0; i < found.gl_pathc; i++)
		ret |= read_number(found.gl_pathv[i]) == intid;
	globfree(&found);
	return ret;
}

/* Another trigger type, for who has it next. */
TEST_F(passthrough, trigger_type_is_the_next_ones)
{
	if (self->why)
		SKIP(return, "%s", self->why);
	ASSERT_EQ(0, pass(self->vm, EDGE, HW(40), SPI(1), self->cpu));
	EXPECT_EQ(2, guest_read32(gicd + GICD_ICFGR + HW(40) / 16 * 4) >> HW(40) % 16 * 2 & 3);
	EXPECT_TRUE(is_mapped(HW(40)));
	ASSERT_EQ(0, pass(self->vm, REMOVE, HW(40), SPI(1), 0));
	EXPECT_FALSE(is_mapped(HW(40)));
	ASSERT_EQ(0, pass(self->vm, 0, HW(40), SPI(1), self->cpu));
	EXPECT_EQ(0, guest_read32(gicd + GICD_ICFGR + HW(40) / 16 * 4) >> HW(40) % 16 * 2 & 3);
	ASSERT_EQ(0, pass(self->vm, REMOVE, HW(40), SPI(1), 0));
}

/* A VMM that is killed while the guest has one active, and another is pending. */
TEST_F(passthrough, killed)
{
	struct hw_state before;
	int status, pipes[2];
	pid_t pid;
	char c;

	if (self->why)
		SKIP(return, "%s", self->why);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	ASSERT_EQ(0, pass(self->vm, REMOVE, HW(0), SPI(1), 0));
	before = hw_state(HW(0));
	ASSERT_EQ(0, pipe(pipes));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		struct gic_vm g;

		pin_to_cpu(self->cpu);
		gic_vm_init(&g, self->g.version, 1);
		gic_enable(&g, &g.vcpu[0], SPI(1), 0x80, true);
		gic_enable(&g, &g.vcpu[0], SPI(2), 0x80, true);
		eoimode = 0;
		if (pass(&g.vm, variant->flags, HW(0), SPI(1), self->cpu) ||
		    pass(&g.vm, variant->flags, HW(1), SPI(2), self->cpu))
			_exit(1);
		take_steps(&g.vcpu[0]);
		step(&g.vcpu[0], STEP_ON, 0, 0);
		raise_here(HW(0));
		raise_here(HW(1));
		step(&g.vcpu[0], STEP_IAR, 0, 0);
		if (write(pipes[1], "", 1) != 1)
			_exit(1);
		vcpu_call(&g.vcpu[0], guest_spins);
		vcpu_run_exit(&g.vcpu[0]);
		_exit(1);
	}
	ASSERT_EQ(1, read(pipes[0], &c, 1));
	EXPECT_EQ(-EEXIST, pass(self->vm, 0, HW(0), SPI(1), self->cpu));
	usleep(10000);
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	/* The last of its files is closed when it has been reaped, or soon. */
	while (handled() >= 0)
		usleep(1000);
	EXPECT_TRUE(same_state(&before, HW(0)));
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_spins);
	EXPECT_TRUE(send(HW(0), SPI(1), 5));
	stop(&self->r[0]);
}

/* Each time its driver is bound it has another number. */
static int open_rtc(void)
{
	glob_t found;
	int fd;

	test_check(!glob("/dev/rtc*", 0, NULL, &found));
	fd = open(found.gl_pathv[0], O_RDONLY | O_CLOEXEC);
	test_check(fd >= 0);
	globfree(&found);
	return fd;
}

static bool alarm_goes_off(int fd)
{
	struct rtc_wkalrm alarm = { .enabled = 1 };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	unsigned long data = 0;

	test_check(!ioctl(fd, RTC_RD_TIME, &alarm.time));
	alarm.time.tm_sec += 2;
	if (alarm.time.tm_sec >= 60) {
		alarm.time.tm_sec -= 60;
		alarm.time.tm_min = (alarm.time.tm_min + 1) % 60;
		if (!alarm.time.tm_min)
			alarm.time.tm_hour = (alarm.time.tm_hour + 1) % 24;
	}
	test_check(!ioctl(fd, RTC_WKALM_SET, &alarm));
	if (poll(&p, 1, PATIENCE_MS) != 1)
		return false;
	test_check(read(fd, &data, sizeof(data)) == sizeof(data));
	return data & RTC_AF;
}

/* Its driver cannot have it meanwhile, and has it after that: the alarm goes off. */
TEST_F(passthrough, the_driver_has_it_back)
{
	int fd;

	if (self->why)
		SKIP(return, "%s", self->why);
	if (!give_up_rtc())
		SKIP(return, NO_RTC);
	if (variant->flags)
		SKIP(return, IS_A_LEVEL);
	ASSERT_EQ(0, pass(self->vm, 0, HW_RTC, SPI(0), self->cpu));
	EXPECT_EQ(-EBUSY, rtc_driver("bind"));
	EXPECT_FALSE(rtc_has_driver());
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_spins);
	quiets = 1;
	rtc_raise();
	EXPECT_TRUE(comes(SPI(0), 1));
	stop(&self->r[0]);
	ASSERT_EQ(0, pass(self->vm, REMOVE, HW_RTC, SPI(0), 0));
	ASSERT_EQ(0, rtc_driver("bind"));
	EXPECT_EQ(-EBUSY, pass(self->vm, 0, HW_RTC, SPI(0), self->cpu));
	fd = open_rtc();
	ASSERT_GE(fd, 0);
	/* The second one shows that Linux has ended the first. */
	EXPECT_TRUE(alarm_goes_off(fd));
	EXPECT_TRUE(alarm_goes_off(fd));
	close(fd);
}

/* ---- the host has its CPU ---------------------------------------------------------------- */

/* It goes offline under the guest, and comes back: interrupts come as before. */
TEST_F(passthrough, the_cpu_goes_offline)
{
	if (self->why)
		SKIP(return, "%s", self->why);
	if (!host_has_gicv3())
		SKIP(return, V2_ACTIVE_IS_PRIVATE);
	/* With nothing passed, and so for a reason of its own: 6.12 refuses it. */
	if (cpu_set_online(self->cpu, 0))
		SKIP(return, "this kernel does not let the CPU go");
	ASSERT_EQ(0, cpu_set_online(self->cpu, 1));
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_spins);
	EXPECT_TRUE(send(HW(0), SPI(1), 20));
	ASSERT_EQ(0, cpu_set_online(self->cpu, 0));
	EXPECT_TRUE(send(HW(0), SPI(1), 20));
	EXPECT_EQ(-ENXIO, pass(self->vm, variant->flags, HW(1), SPI(2), self->cpu));
	ASSERT_EQ(0, cpu_set_online(self->cpu, 1));
	while (hw_route(HW(0)) != route_to(self->cpu))
		usleep(1000);
	EXPECT_TRUE(send(HW(0), SPI(1), 20));
	stop(&self->r[0]);
	EXPECT_EQ(60, count_of(SPI(1)));
}

/* Two guests take turns on it, and each gets its own. */
TEST_F(passthrough, two_guests_on_one_cpu)
{
	struct gic_vm other;
	struct runner r;
	u64 i, n;

	if (self->why)
		SKIP(return, "%s", self->why);
	gic_vm_init(&other, self->g.version, 1);
	gic_enable(&other, &other.vcpu[0], SPI(2), 0x80, true);
	gic_enable(&other, &other.vcpu[0], SPI_STOP, 0x80, true);
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(1), SPI(1), self->cpu));
	ASSERT_EQ(0, pass(&other.vm, variant->flags, HW(0), SPI(2), self->cpu));
	EXPECT_EQ(-EEXIST, pass(&other.vm, variant->flags, HW(1), SPI(3), self->cpu));
	EXPECT_EQ(-ENOENT, pass(&other.vm, REMOVE, HW(1), SPI(1), 0));
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_spins);
	start(&r, &other.vcpu[0], self->cpu, guest_spins);
	for (i = 1; i <= 200; i++) {
		hw_raise(HW(1));
		/* The lower number comes first, if not the other has been seen already. */
		for (n = 0; n < i % 50; n++)
			asm volatile("" : : : "memory");
		hw_raise(HW(0));
		ASSERT_TRUE(comes(SPI(1), i));
		ASSERT_TRUE(comes(SPI(2), i));
		ASSERT_TRUE(ends(HW(0)));
		ASSERT_TRUE(ends(HW(1)));
	}
	stop(&self->r[0]);
	join(&r);
	vcpu_close(&other.vcpu[0]);
	vm_close(&other.vm);
	EXPECT_EQ(200, count_of(SPI(1)));
	EXPECT_EQ(200, count_of(SPI(2)));
}

/* ---- bad input --------------------------------------------------------------------------- */

TEST_F(passthrough, bad_arguments)
{
	struct armvcpu_pass_irq arg;
	unsigned int i, n;
	u32 lines;

	if (self->why)
		SKIP(return, "%s", self->why);
	lines = ((guest_read32(gicd + GICD_TYPER) & 0x1f) + 1) * 32;
	for (i = 2; i < 32; i++)
		EXPECT_EQ(-EINVAL, pass(self->vm, BIT(i), HW(0), SPI(1), self->cpu));
	for (n = 0; n < 2; n++) {
		memset(&arg, 0, sizeof(arg));
		arg.hw_intid = HW(0);
		arg.intid = SPI(1);
		arg.cpu = self->cpu;
		arg.reserved[n] = 1;
		EXPECT_EQ(-EINVAL, xioctl(self->vm->fd, ARMVCPU_PASS_IRQ, &arg));
	}
	EXPECT_EQ(-EINVAL, pass(self->vm, 0, HW(0), 31, self->cpu));
	EXPECT_EQ(-EINVAL, pass(self->vm, 0, HW(0), 96, self->cpu));
	EXPECT_EQ(-EINVAL, pass(self->vm, 0, HW(0), ~0U, self->cpu));
	EXPECT_EQ(-EINVAL, pass(self->vm, 0, 31, SPI(1), self->cpu));
	EXPECT_EQ(-EINVAL, pass(self->vm, 0, 0, SPI(1), self->cpu));
	EXPECT_EQ(-EINVAL, pass(self->vm, 0, lines, SPI(1), self->cpu));
	EXPECT_EQ(-EINVAL, pass(self->vm, 0, 1020, SPI(1), self->cpu));
	EXPECT_EQ(-EINVAL, pass(self->vm, 0, ~0U, SPI(1), self->cpu));
	EXPECT_EQ(-ENXIO, pass(self->vm, 0, HW(0), SPI(1), nr_cpus()));
	EXPECT_EQ(-ENXIO, pass(self->vm, 0, HW(0), SPI(1), ~0U));
	EXPECT_EQ(-EACCES, pass(self->vm, 0, HW(0), SPI(1), 0));
	EXPECT_EQ(-ENOENT, pass(self->vm, REMOVE, HW(0), SPI(1), 0));
	EXPECT_EQ(-EFAULT, xioctl(self->vm->fd, ARMVCPU_PASS_IRQ, (void *)8));
	/* Nothing of that is there. */
	EXPECT_EQ(-1, handled());
	EXPECT_FALSE(hw_bit(GICD_ISENABLER, HW(0)));
	EXPECT_EQ(0, pass(self->vm, 0, HW(0), SPI(1), self->cpu));
}

TEST_F(passthrough, what_is_in_use_is_busy)
{
	u64 uart;

	if (self->why)
		SKIP(return, "%s", self->why);
	uart = hw_route(HW_UART);
	EXPECT_EQ(-EBUSY, pass(self->vm, 0, HW_UART, SPI(1), self->cpu));
	/* It is described as a level. */
	EXPECT_EQ(-EINVAL, pass(self->vm, EDGE, HW_UART, SPI(1), self->cpu));
	EXPECT_TRUE(hw_bit(GICD_ISENABLER, HW_UART));
	EXPECT_EQ(uart, hw_route(HW_UART));
	/* Of the GICv2m of the virt board, which a GICv3 has not. */
	EXPECT_EQ(host_has_gicv3() ? 0 : -EBUSY,
		  pass(self->vm, EDGE, HW_MESSAGES, SPI(4), self->cpu));
	ASSERT_EQ(0, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	EXPECT_EQ(-EEXIST, pass(self->vm, variant->flags, HW(0), SPI(1), self->cpu));
	EXPECT_EQ(-EEXIST, pass(self->vm, variant->flags, HW(0), SPI(2), self->cpu));
	EXPECT_EQ(-EEXIST, pass(self->vm, variant->flags, HW(1), SPI(1), self->cpu));
	EXPECT_FALSE(hw_bit(GICD_ISENABLER, HW(1)));
	EXPECT_EQ(-ENOENT, pass(self->vm, REMOVE, HW(0), SPI(2), 0));
	EXPECT_EQ(-ENOENT, pass(self->vm, REMOVE, HW(1), SPI(1), 0));
	/* What was refused has left nothing. */
	EXPECT_EQ(0, pass(self->vm, variant->flags, HW(1), SPI(2), self->cpu));
	EXPECT_EQ(0, pass(self->vm, REMOVE, HW(0), SPI(1), 0));
	EXPECT_EQ(-ENOENT, pass(self->vm, REMOVE, HW(0), SPI(1), 0));
}

TEST_F(passthrough, so_many_and_no_more)
{
	unsigned int i;
	u64 before;

	if (self->why)
		SKIP(return, "%s", self->why);
	for (i = 0; i < MAX_PASSED; i++)
		ASSERT_EQ(0, pass(self->vm, variant->flags, HW(i), SPI(i), self->cpu));
	EXPECT_EQ(-ENOSPC, pass(self->vm, variant->flags, HW(i), SPI(i), self->cpu));
	EXPECT_FALSE(hw_bit(GICD_ISENABLER, HW(i)));
	/* The first one, of which the last takes the place. */
	EXPECT_EQ(0, pass(self->vm, REMOVE, HW(0), SPI(0), 0));
	start(&self->r[0], &self->g.vcpu[0], self->cpu, guest_spins);
	for (i = 1; i < MAX_PASSED; i++)
		EXPECT_TRUE(send(HW(i), SPI(i), 2));
	before = host_count();
	EXPECT_TRUE(send(HW(MAX_PASSED - 1), SPI(MAX_PASSED - 1), 50));
	if (get_cap(self->vm->fd, ARMVCPU_CAP_PASS_IRQ_DIRECT))
		EXPECT_LE(host_count() - before, 25);
	stop(&self->r[0]);
	EXPECT_EQ(0, pass(self->vm, variant->flags, HW(40), SPI(40), self->cpu));
}

TEST_F(passthrough, needs_a_gic)
{
	struct vm vm;

	if (self->why)
		SKIP(return, "%s", self->why);
	vm_init_bare(&vm, 0);
	EXPECT_EQ(-ENXIO, pass(&vm, 0, HW(0), SPI(1), self->cpu));
	EXPECT_EQ(-ENXIO, pass(&vm, REMOVE, HW(0), SPI(1), self->cpu));
	EXPECT_EQ(-EINVAL, pass(&vm, BIT(31), HW(0), SPI(1), self->cpu));
	vm_close(&vm);
}

/* In another process: what it does to its capabilities is for ever. */
TEST_F(passthrough, is_for_the_privileged)
{
	int status;
	pid_t pid;

	if (self->why)
		SKIP(return, "%s", self->why);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		struct gic_vm g;

		gic_vm_create(&g, self->g.version, 96, 4);
		drop_capability(CAP_SYS_RAWIO);
		_exit(pass(&g.vm, 0, HW(0), SPI(1), self->cpu) != -EPERM ||
		      pass(&g.vm, REMOVE, HW(0), SPI(1), self->cpu) != -EPERM ||
		      /* Another process. */
		      pass(self->vm, 0, HW(0), SPI(1), self->cpu) != -EIO);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

static void ignore(int signal)
{
	(void)signal;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = ignore };

	sigaction(SIGUSR1, &action, NULL);
	return harness_run(argc, argv);
}
