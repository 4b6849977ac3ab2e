// SPDX-License-Identifier: GPL-2.0
/*
 * ARMVCPU_SET_IRQFD: eventfds that raise interrupts, edges and lines that stay up
 * until the guest has done with them, and how they end.
 */
#include "harness.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gic.h"

/* Of the 96 INTIDs of gic_vm_init(); the first four are taken by the guest. */
#define SPI		40
#define SPI_STOP	50
#define NR_IRQS		96
#define DOORBELL	(GUEST_MMIO + 0x50)

#define REMOVE		ARMVCPU_IRQFD_REMOVE
#define RESAMPLE	ARMVCPU_IRQFD_RESAMPLE

/* Of waiting for what must come; the harness ends the rest. */
#define PATIENCE_MS	10000

/* ---- the guest --------------------------------------------------------------------------- */

/* How often each was taken; when it shall end. */
static u64 taken[1024], enough;

static void count_irq(struct guest_frame *frame, u64 vector)
{
	u32 iar = guest_iar();

	(void)frame;
	(void)vector;
	if (iar == SPURIOUS)
		return;
	__atomic_fetch_add(&taken[iar], 1, __ATOMIC_SEQ_CST);
	guest_eoi(iar);
}

static void guest_waits(void)
{
	guest_cpu()->handler = count_irq;
	guest_gic_on(false);
	for (;;) {
		/* What comes in between ends the WFI, masked or not. */
		guest_mask();
		if (__atomic_load_n(&enough, __ATOMIC_SEQ_CST))
			break;
		asm volatile("wfi" : : : "memory");
		guest_unmask();
	}
	GUEST_SYNC(3);
}

/* Rings, and is answered by an interrupt each time. */
static void guest_rings(u64 count)
{
	u64 i;

	guest_cpu()->handler = count_irq;
	guest_gic_on(false);
	guest_unmask();
	for (i = 0; i < count; i++) {
		guest_write32(DOORBELL, i);
		while (__atomic_load_n(&taken[SPI], __ATOMIC_SEQ_CST) <= i)
			;
	}
	GUEST_SYNC(4);
}

/* ---- the test ---------------------------------------------------------------------------- */

static int set(struct vm *vm, u32 flags, u32 intid, int fd, int resample_fd)
{
	struct armvcpu_irqfd arg = {
		.fd = fd, .resample_fd = resample_fd, .intid = intid, .flags = flags,
	};

	return xioctl(vm->fd, ARMVCPU_SET_IRQFD, &arg);
}

static int make_eventfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	test_check(fd >= 0);
	return fd;
}

static void signal_fd(int fd)
{
	u64 one = 1;

	test_check(write(fd, &one, sizeof(one)) == sizeof(one));
}

/* The eventfd's count, which is zero after that. */
static u64 signals(int fd)
{
	u64 value;

	if (read(fd, &value, sizeof(value)) == sizeof(value))
		return value;
	test_check(errno == EAGAIN);
	return 0;
}

/* ... once there is one. */
static u64 wait_for_signal(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, PATIENCE_MS) != 1)
		test_fail("nobody signals");
	return signals(fd);
}

static u64 count_of(u32 intid)
{
	return __atomic_load_n(&taken[intid], __ATOMIC_SEQ_CST);
}

static void wait_for_irqs(u32 intid, u64 count)
{
	u64 limit = now_ns() + PATIENCE_MS * NSEC_PER_MSEC;

	while (count_of(intid) < count) {
		if (now_ns() > limit)
			test_fail("INTID %u was taken %llu times, not %llu", intid,
				  count_of(intid), count);
		usleep(10);
	}
}

/**
 * struct machine - a VM with a GIC, and who runs its vCPUs
 * @g: the VM.
 * @threads: of the vCPUs.
 */
struct machine {
	struct gic_vm g;
	pthread_t threads[GUEST_MAX_CPUS];
};

static bool machine_init(struct machine *m, unsigned int nr_vcpus)
{
	u32 version = gic_version(GIC_V2 | GIC_V3);

	if (!version)
		return false;
	memset(taken, 0, sizeof(taken));
	gic_vm_init(&m->g, version, nr_vcpus);
	return true;
}

static bool latched(struct machine *m, u32 intid)
{
	return gic_state(&m->g, NULL, GICD_ISPENDR, intid);
}

static bool raised(struct machine *m, u32 intid)
{
	return gic_get(&m->g.vm, ARMVCPU_GIC_LEVEL, intid & ~31U, 0) >> intid % 32 & 1;
}

static void *run_to_the_end(void *arg)
{
	vcpu_expect_sync(arg, 3);
	return NULL;
}

static void machine_run(struct machine *m)
{
	unsigned int i;

	enough = 0;
	/* The VMM's registers are for when no vCPU runs. */
	for (i = 0; i < m->g.nr_vcpus; i++)
		gic_enable(&m->g, &m->g.vcpu[i], SPI_STOP + i, 0x40, true);
	for (i = 0; i < m->g.nr_vcpus; i++) {
		vcpu_call(&m->g.vcpu[i], guest_waits);
		test_check(!pthread_create(&m->threads[i], NULL, run_to_the_end, &m->g.vcpu[i]));
	}
}

static void machine_stop(struct machine *m)
{
	unsigned int i;

	__atomic_store_n(&enough, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < m->g.nr_vcpus; i++) {
		gic_pulse(&m->g.vm, SPI_STOP + i);
		pthread_join(m->threads[i], NULL);
	}
}

static void machine_close(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < m->g.nr_vcpus; i++)
		vcpu_close(&m->g.vcpu[i]);
	vm_close(&m->g.vm);
}

FIXTURE(irqfd) {
	struct machine m;
	struct vm *vm;
	int fd;
	int resample;
};

FIXTURE_SETUP(irqfd)
{
	if (!machine_init(&self->m, 1))
		SKIP(_exit(255), "no GIC for guests on this machine");
	self->vm = &self->m.g.vm;
	self->fd = make_eventfd();
	self->resample = make_eventfd();
}

FIXTURE_TEARDOWN(irqfd)
{
	machine_close(&self->m);
}

/* ---- edges ------------------------------------------------------------------------------- */

TEST_F(irqfd, edge_is_latched)
{
	gic_enable(&self->m.g, &self->m.g.vcpu[0], SPI, 0x40, true);
	ASSERT_EQ(0, set(self->vm, 0, SPI, self->fd, 0));
	EXPECT_FALSE(latched(&self->m, SPI));
	signal_fd(self->fd);
	EXPECT_TRUE(latched(&self->m, SPI));
	EXPECT_FALSE(raised(&self->m, SPI));
	/* It has been taken out of the eventfd. */
	EXPECT_EQ(0, signals(self->fd));
	/* Two are one, until it is acknowledged. */
	signal_fd(self->fd);
	machine_run(&self->m);
	wait_for_irqs(SPI, 1);
	machine_stop(&self->m);
	EXPECT_EQ(1, count_of(SPI));
	EXPECT_FALSE(latched(&self->m, SPI));
}

/* Of the time before: one interrupt, and none is left in the eventfd. */
TEST_F(irqfd, what_was_signalled_before_counts)
{
	gic_enable(&self->m.g, &self->m.g.vcpu[0], SPI, 0x40, true);
	signal_fd(self->fd);
	signal_fd(self->fd);
	ASSERT_EQ(0, set(self->vm, 0, SPI, self->fd, 0));
	EXPECT_TRUE(latched(&self->m, SPI));
	EXPECT_EQ(0, signals(self->fd));
	machine_run(&self->m);
	wait_for_irqs(SPI, 1);
	machine_stop(&self->m);
	EXPECT_EQ(1, count_of(SPI));
}

TEST_F(irqfd, edge_is_nothing_to_a_level)
{
	gic_enable(&self->m.g, &self->m.g.vcpu[0], SPI, 0x40, false);
	ASSERT_EQ(0, set(self->vm, 0, SPI, self->fd, 0));
	signal_fd(self->fd);
	EXPECT_FALSE(latched(&self->m, SPI));
	EXPECT_FALSE(raised(&self->m, SPI));
	EXPECT_EQ(0, signals(self->fd));
	machine_run(&self->m);
	machine_stop(&self->m);
	EXPECT_EQ(0, count_of(SPI));
}

/* One that the guest has not enabled waits. */
TEST_F(irqfd, edge_waits_for_its_enable)
{
	ASSERT_EQ(0, set(self->vm, 0, SPI, self->fd, 0));
	gic_enable(&self->m.g, &self->m.g.vcpu[0], SPI, 0x40, true);
	gic_set(self->vm, ARMVCPU_GIC_DIST, GICD_ISENABLER + SPI / 32 * 4, 0, 0);
	machine_run(&self->m);
	signal_fd(self->fd);
	machine_stop(&self->m);
	EXPECT_TRUE(latched(&self->m, SPI));
	EXPECT_EQ(0, count_of(SPI));
	gic_enable(&self->m.g, &self->m.g.vcpu[0], SPI, 0x40, true);
	machine_run(&self->m);
	wait_for_irqs(SPI, 1);
	machine_stop(&self->m);
	EXPECT_EQ(1, count_of(SPI));
}

/**
 * struct sender - a thread that signals, and waits for the guest each time
 * @thread: the thread.
 * @fd: the eventfd.
 * @intid: what it raises.
 * @count: how often.
 */
struct sender {
	pthread_t thread;
	int fd;
	u32 intid;
	u64 count;
};

static void *send_edges(void *arg)
{
	struct sender *s = arg;
	u64 i;

	for (i = 0; i < s->count; i++) {
		signal_fd(s->fd);
		wait_for_irqs(s->intid, i + 1);
	}
	return NULL;
}

/* What is sent and what is received: equal; several at a time, on two vCPUs. */
TEST(edges_sent_are_edges_received)
{
	struct sender senders[4];
	struct machine m;
	int i;

	if (!machine_init(&m, 2))
		SKIP(return, "no GIC for guests on this machine");
	for (i = 0; i < 4; i++) {
		senders[i] = (struct sender) {
			.fd = make_eventfd(), .intid = SPI + i, .count = 100,
		};
		gic_enable(&m.g, &m.g.vcpu[i % 2], SPI + i, 0x40, true);
		ASSERT_EQ(0, set(&m.g.vm, 0, SPI + i, senders[i].fd, 0));
	}
	machine_run(&m);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&senders[i].thread, NULL, send_edges, &senders[i]));
	for (i = 0; i < 4; i++)
		pthread_join(senders[i].thread, NULL);
	machine_stop(&m);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(senders[i].count, count_of(SPI + i));
		EXPECT_EQ(0, signals(senders[i].fd));
	}
	machine_close(&m);
}

/* ---- all kinds at once ------------------------------------------------------------------- */

#define PPI_TIMER	27
#define SGI		3
#define PLAYERS		4
#define AT_LEAST	50

/**
 * struct traffic - what a vCPU has sent and received
 * @armed: how often it has set its timer.
 * @ticks: the interrupts of that.
 * @sent: SGIs, to the next vCPU.
 * @got: those of the one before.
 * @done: nothing more will be sent.
 */
static struct traffic {
	u64 armed;
	u64 ticks;
	u64 sent;
	u64 got;
	u64 done;
} traffic[PLAYERS];

/* In two milliseconds. */
static void arm_timer(struct traffic *t)
{
	shared_set(t->armed, t->armed + 1);
	isb();
	write_sysreg(read_sysreg(cntvct_el0) + read_sysreg(cntfrq_el0) / 500, cntv_cval_el0);
	write_sysreg(1, cntv_ctl_el0);
	isb();
}

static void count_traffic(struct guest_frame *frame, u64 vector)
{
	struct traffic *t = &traffic[read_sysreg(mpidr_el1) % PLAYERS];
	u32 iar = guest_iar();

	(void)frame;
	(void)vector;
	if (iar == SPURIOUS)
		return;
	/* With GICv2, the sender's number is above that. */
	switch (iar & 0x3ff) {
	case PPI_TIMER:
		shared_set(t->ticks, t->ticks + 1);
		if (shared_get(enough)) {
			write_sysreg(0, cntv_ctl_el0);
			isb();
		} else {
			arm_timer(t);
		}
		break;
	case SGI:
		shared_set(t->got, t->got + 1);
		break;
	default:
		__atomic_fetch_add(&taken[iar], 1, __ATOMIC_SEQ_CST);
	}
	guest_eoi(iar);
}

static bool is_settled(void)
{
	int i;

	for (i = 0; i < PLAYERS; i++) {
		struct traffic *t = &traffic[i], *next = &traffic[(i + 1) % PLAYERS];

		if (!shared_get(t->done) || shared_get(t->ticks) != shared_get(t->armed) ||
		    shared_get(next->got) != shared_get(t->sent))
			return false;
	}
	return true;
}

static void guest_plays(u64 index)
{
	u64 target = (index + 1) % PLAYERS;
	struct traffic *t = &traffic[index];

	guest_cpu()->handler = count_traffic;
	guest_gic_on(false);
	arm_timer(t);
	while (!shared_get(enough)) {
		/* What comes in between ends the WFI, masked or not. */
		guest_mask();
		/* One that is still pending would swallow the next. */
		if (shared_get(traffic[target].got) == t->sent) {
			shared_set(t->sent, t->sent + 1);
			guest_send_sgi(target, SGI);
		}
		asm volatile("wfi" : : : "memory");
		guest_unmask();
	}
	shared_set(t->done, 1);
	while (!is_settled())
		;
	GUEST_SYNC(3);
}

/* As long as there are more of them from time to time. */
static void wait_for_count(const u64 *count, const char *what)
{
	u64 now, before = 0, limit = now_ns() + PATIENCE_MS * NSEC_PER_MSEC;

	while ((now = shared_get(*count)) < AT_LEAST) {
		if (now != before)
			limit = now_ns() + PATIENCE_MS * NSEC_PER_MSEC;
		else if (now_ns() > limit)
			test_fail("no more %s after %llu", what, now);
		before = now;
		usleep(100);
	}
}

/*
 * Timers, SGIs and edges of irqfds, of and to more vCPUs than the host has CPUs: what is
 * received is what was sent, of each kind and on each vCPU.
 */
TEST(all_that_is_sent_is_received)
{
	struct sender senders[PLAYERS];
	struct machine m;
	int i;

	if (!machine_init(&m, PLAYERS))
		SKIP(return, "no GIC for guests on this machine");
	enough = 0;
	for (i = 0; i < PLAYERS; i++) {
		senders[i] = (struct sender) {
			.fd = make_eventfd(), .intid = SPI + i, .count = AT_LEAST,
		};
		gic_enable(&m.g, &m.g.vcpu[i], SPI + i, 0x40, true);
		gic_enable(&m.g, &m.g.vcpu[i], SGI, 0x40, true);
		gic_enable(&m.g, &m.g.vcpu[i], PPI_TIMER, 0x40, false);
		ASSERT_EQ(0, set(&m.g.vm, 0, SPI + i, senders[i].fd, 0));
	}
	for (i = 0; i < PLAYERS; i++) {
		vcpu_call(&m.g.vcpu[i], guest_plays, i);
		ASSERT_EQ(0, pthread_create(&m.threads[i], NULL, run_to_the_end, &m.g.vcpu[i]));
		ASSERT_EQ(0, pthread_create(&senders[i].thread, NULL, send_edges, &senders[i]));
	}
	for (i = 0; i < PLAYERS; i++)
		pthread_join(senders[i].thread, NULL);
	for (i = 0; i < PLAYERS; i++) {
		wait_for_count(&traffic[i].ticks, "ticks");
		wait_for_count(&traffic[i].got, "SGIs");
	}
	shared_set(enough, 1);
	for (i = 0; i < PLAYERS; i++)
		pthread_join(m.threads[i], NULL);
	for (i = 0; i < PLAYERS; i++) {
		EXPECT_EQ(traffic[i].armed, traffic[i].ticks);
		EXPECT_EQ(traffic[i].sent, traffic[(i + 1) % PLAYERS].got);
		EXPECT_EQ(senders[i].count, count_of(SPI + i));
		EXPECT_EQ(0, signals(senders[i].fd));
	}
	machine_close(&m);
}

/* Two eventfds of one interrupt: none of their edges gets lost to the other's. */
TEST_F(irqfd, two_of_one_interrupt)
{
	int other = make_eventfd(), i;

	gic_enable(&self->m.g, &self->m.g.vcpu[0], SPI, 0x40, true);
	ASSERT_EQ(0, set(self->vm, 0, SPI, self->fd, 0));
	ASSERT_EQ(0, set(self->vm, 0, SPI, other, 0));
	machine_run(&self->m);
	for (i = 0; i < 20; i++) {
		signal_fd(i % 2 ? other : self->fd);
		wait_for_irqs(SPI, i + 1);
	}
	machine_stop(&self->m);
	EXPECT_EQ(20, count_of(SPI));
}

/* A doorbell of the guest, that rings it itself: no thread of the VMM is in it. */
TEST_F(irqfd, behind_an_ioeventfd)
{
	struct armvcpu_ioeventfd bell = { .ipa = DOORBELL, .len = 4, .fd = self->fd };

	gic_enable(&self->m.g, &self->m.g.vcpu[0], SPI, 0x40, true);
	ASSERT_EQ(0, set(self->vm, 0, SPI, self->fd, 0));
	ASSERT_EQ(0, xioctl(self->vm->fd, ARMVCPU_SET_IOEVENTFD, &bell));
	vcpu_call(&self->m.g.vcpu[0], guest_rings, 100);
	vcpu_expect_sync(&self->m.g.vcpu[0], 4);
	EXPECT_EQ(100, count_of(SPI));
	EXPECT_EQ(0, signals(self->fd));
}

/* One eventfd, and two VMs that it interrupts. */
TEST_F(irqfd, may_be_shared_by_vms)
{
	struct machine m;

	ASSERT_TRUE(machine_init(&m, 1));
	gic_enable(&self->m.g, &self->m.g.vcpu[0], SPI, 0x40, true);
	gic_enable(&m.g, &m.g.vcpu[0], SPI + 1, 0x40, true);
	ASSERT_EQ(0, set(self->vm, 0, SPI, self->fd, 0));
	ASSERT_EQ(0, set(&m.g.vm, 0, SPI + 1, self->fd, 0));
	signal_fd(self->fd);
	EXPECT_TRUE(latched(&self->m, SPI));
	EXPECT_TRUE(latched(&m, SPI + 1));
	machine_close(&m);
	signal_fd(self->fd);
	EXPECT_EQ(0, signals(self->fd));
}

/* ---- lines ------------------------------------------------------------------------------- */

TEST_F(irqfd, line_is_up_until_the_end)
{
	int i;

	gic_enable(&self->m.g, &self->m.g.vcpu[0], SPI, 0x40, false);
	ASSERT_EQ(0, set(self->vm, RESAMPLE, SPI, self->fd, self->resample));
	signal_fd(self->fd);
	EXPECT_TRUE(raised(&self->m, SPI));
	EXPECT_FALSE(latched(&self->m, SPI));
	EXPECT_EQ(0, signals(self->fd));
	EXPECT_EQ(0, signals(self->resample));
	machine_run(&self->m);
	/* A device that is never content. */
	for (i = 0; i < 50; i++) {
		EXPECT_EQ(1, wait_for_signal(self->resample));
		EXPECT_EQ(i + 1, count_of(SPI));
		signal_fd(self->fd);
	}
	EXPECT_EQ(1, wait_for_signal(self->resample));
	machine_stop(&self->m);
	EXPECT_EQ(51, count_of(SPI));
	EXPECT_FALSE(raised(&self->m, SPI));
	EXPECT_EQ(0, signals(self->resample));
}

/* Deactivated by the distributor's register, it has come to its end as well. */
TEST_F(irqfd, line_is_up_until_icactiver)
{
	struct vcpu *vcpu = &self->m.g.vcpu[0];

	gic_enable(&self->m.g, vcpu, SPI, 0x40, false);
	ASSERT_EQ(0, set(self->vm, RESAMPLE, SPI, self->fd, self->resample));
	signal_fd(self->fd);
	gic_set_bit(&self->m.g, vcpu, GICD_ISACTIVER, SPI);
	EXPECT_TRUE(raised(&self->m, SPI));
	EXPECT_EQ(0, signals(self->resample));
	gic_set_bit(&self->m.g, vcpu, GICD_ICACTIVER, SPI);
	EXPECT_EQ(1, wait_for_signal(self->resample));
	EXPECT_FALSE(raised(&self->m, SPI));
	/* It was not active: nothing has ended. */
	signal_fd(self->fd);
	gic_set_bit(&self->m.g, vcpu, GICD_ICACTIVER, SPI);
	EXPECT_EQ(0, signals(self->resample));
	EXPECT_TRUE(raised(&self->m, SPI));
}

/* Who shares it is told, whoever has raised it; another interrupt's is not. */
TEST_F(irqfd, all_of_an_interrupt_are_told)
{
	int fds[3], resamples[3], i;

	gic_enable(&self->m.g, &self->m.g.vcpu[0], SPI, 0x40, false);
	gic_enable(&self->m.g, &self->m.g.vcpu[0], SPI + 1, 0x40, false);
	for (i = 0; i < 3; i++) {
		fds[i] = make_eventfd();
		resamples[i] = make_eventfd();
		ASSERT_EQ(0, set(self->vm, RESAMPLE, SPI + i / 2, fds[i], resamples[i]));
	}
	machine_run(&self->m);
	for (i = 0; i < 10; i++) {
		signal_fd(fds[i % 2]);
		EXPECT_EQ(1, wait_for_signal(resamples[0]));
		EXPECT_EQ(1, wait_for_signal(resamples[1]));
		EXPECT_EQ(0, signals(resamples[2]));
		EXPECT_EQ(i + 1, count_of(SPI));
	}
	signal_fd(fds[2]);
	EXPECT_EQ(1, wait_for_signal(resamples[2]));
	EXPECT_EQ(0, signals(resamples[0]));
	EXPECT_EQ(0, signals(resamples[1]));
	machine_stop(&self->m);
	EXPECT_EQ(10, count_of(SPI));
	EXPECT_EQ(1, count_of(SPI + 1));
}

/* Its own answer: the guest is kept busy, and nobody else. */
TEST_F(irqfd, may_resample_itself)
{
	gic_enable(&self->m.g, &self->m.g.vcpu[0], SPI, 0x40, false);
	ASSERT_EQ(0, set(self->vm, RESAMPLE, SPI, self->fd, self->fd));
	machine_run(&self->m);
	signal_fd(self->fd);
	wait_for_irqs(SPI, 20);
	ASSERT_EQ(0, set(self->vm, RESAMPLE | REMOVE, SPI, self->fd, 0));
	machine_stop(&self->m);
	EXPECT_FALSE(raised(&self->m, SPI));
}

/* A guest that takes no notice finds the line as it is. */
TEST_F(irqfd, last_one_lowers_the_line)
{
	int other = make_eventfd();

	ASSERT_EQ(0, set(self->vm, RESAMPLE, SPI, self->fd, self->resample));
	ASSERT_EQ(0, set(self->vm, RESAMPLE, SPI, other, self->resample));
	signal_fd(self->fd);
	ASSERT_EQ(0, set(self->vm, RESAMPLE | REMOVE, SPI, self->fd, 0));
	EXPECT_TRUE(raised(&self->m, SPI));
	ASSERT_EQ(0, set(self->vm, RESAMPLE | REMOVE, SPI, other, 0));
	EXPECT_FALSE(raised(&self->m, SPI));
	EXPECT_EQ(0, signals(self->resample));
}

/* ---- the end ----------------------------------------------------------------------------- */

TEST_F(irqfd, removed_raises_nothing)
{
	int i;

	gic_enable(&self->m.g, &self->m.g.vcpu[0], SPI, 0x40, true);
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, set(self->vm, 0, SPI, self->fd, 0));
		ASSERT_EQ(0, set(self->vm, REMOVE, SPI, self->fd, 0));
		/* On return it is the reader's again. */
		signal_fd(self->fd);
		ASSERT_EQ(1, signals(self->fd));
	}
	EXPECT_FALSE(latched(&self->m, SPI));
	EXPECT_EQ(0, set(self->vm, 0, SPI, self->fd, 0));
	signal_fd(self->fd);
	EXPECT_TRUE(latched(&self->m, SPI));
}

/* Its last file is. */
TEST_F(irqfd, goes_with_its_eventfd)
{
	u64 limit = now_ns() + PATIENCE_MS * NSEC_PER_MSEC;
	int fd = make_eventfd(), again = dup(fd);

	ASSERT_EQ(0, set(self->vm, RESAMPLE, SPI, fd, self->resample));
	close(fd);
	signal_fd(again);
	EXPECT_TRUE(raised(&self->m, SPI));
	close(again);
	/* A little later: who closes does not wait for it. */
	while (raised(&self->m, SPI)) {
		ASSERT_GT(limit, now_ns());
		usleep(10);
	}
	EXPECT_EQ(0, signals(self->resample));
}

TEST_F(irqfd, outlives_its_vm)
{
	struct machine m;

	ASSERT_TRUE(machine_init(&m, 1));
	ASSERT_EQ(0, set(&m.g.vm, 0, SPI, self->fd, 0));
	ASSERT_EQ(0, set(&m.g.vm, RESAMPLE, SPI + 1, self->resample, self->fd));
	machine_close(&m);
	signal_fd(self->fd);
	signal_fd(self->resample);
	EXPECT_EQ(1, signals(self->fd));
	EXPECT_EQ(1, signals(self->resample));
	EXPECT_EQ(0, set(self->vm, 0, SPI, self->fd, 0));
}

static void *send_on(void *arg)
{
	struct sender *s = arg;

	while (!__atomic_load_n(&enough, __ATOMIC_SEQ_CST)) {
		signal_fd(s->fd);
		s->count++;
	}
	return NULL;
}

/* Signals come while it comes and goes: each is an interrupt or in the eventfd. */
TEST_F(irqfd, comes_and_goes)
{
	struct sender s = { .fd = self->fd };
	u64 seen = 0;
	int i;

	gic_enable(&self->m.g, &self->m.g.vcpu[0], SPI, 0x40, true);
	ASSERT_EQ(0, pthread_create(&s.thread, NULL, send_on, &s));
	for (i = 0; i < 40; i++) {
		u32 flags = i % 2 ? RESAMPLE : 0;

		ASSERT_EQ(0, set(self->vm, flags, SPI + i % 4, self->fd,
				 flags ? self->resample : 0));
		/* Once at least it is there when something comes; it stays latched then. */
		while (!i && !latched(&self->m, SPI))
			sched_yield();
		ASSERT_EQ(0, set(self->vm, flags | REMOVE, SPI + i % 4, self->fd, 0));
		/* On return they are the reader's. */
		while (!wait_for_signal(self->fd))
			;
		seen++;
	}
	__atomic_store_n(&enough, 1, __ATOMIC_SEQ_CST);
	pthread_join(s.thread, NULL);
	EXPECT_EQ(40, seen);
	EXPECT_LE(40, s.count);
	EXPECT_TRUE(latched(&self->m, SPI));
	EXPECT_FALSE(raised(&self->m, SPI + 1));
}

/**
 * struct closer - a thread that closes an eventfd
 * @thread: the thread.
 * @fd: the eventfd.
 */
struct closer {
	pthread_t thread;
	int fd;
};

static void *close_one(void *arg)
{
	struct closer *c = arg;

	close(c->fd);
	return NULL;
}

/* Who is first: the last close, the removal, or the end of the VM? */
TEST_F(irqfd, closed_and_removed_at_once)
{
	struct closer c;
	int i, ret;

	for (i = 0; i < 30; i++) {
		struct machine m;
		struct vm *vm = self->vm;

		if (i % 3 == 2) {
			ASSERT_TRUE(machine_init(&m, 0));
			vm = &m.g.vm;
		}
		c.fd = make_eventfd();
		ASSERT_EQ(0, set(vm, RESAMPLE, SPI, c.fd, self->resample));
		ASSERT_EQ(0, pthread_create(&c.thread, NULL, close_one, &c));
		if (i % 3 == 2) {
			machine_close(&m);
		} else {
			ret = set(vm, RESAMPLE | REMOVE, SPI, c.fd, 0);
			EXPECT_TRUE(!ret || ret == -ENOENT || ret == -EBADF);
		}
		pthread_join(c.thread, NULL);
	}
	/* Nothing is left of them. */
	ASSERT_EQ(0, set(self->vm, RESAMPLE, SPI, self->fd, self->resample));
	ASSERT_EQ(0, set(self->vm, RESAMPLE | REMOVE, SPI, self->fd, 0));
}

/* Removed in the middle of what it does to a guest. */
TEST_F(irqfd, comes_and_goes_in_a_guest)
{
	u64 i, before;

	gic_enable(&self->m.g, &self->m.g.vcpu[0], SPI, 0x40, false);
	machine_run(&self->m);
	for (i = 0; i < 20; i++) {
		before = count_of(SPI);
		ASSERT_EQ(0, set(self->vm, RESAMPLE, SPI, self->fd, self->fd));
		signal_fd(self->fd);
		wait_for_irqs(SPI, before + 2);
		ASSERT_EQ(0, set(self->vm, RESAMPLE | REMOVE, SPI, self->fd, 0));
		/* The last resampling may have been for the reader. */
		EXPECT_GE(1, signals(self->fd));
		EXPECT_EQ(0, signals(self->fd));
	}
	machine_stop(&self->m);
	EXPECT_FALSE(raised(&self->m, SPI));
}

/* ---- limits and bad calls ---------------------------------------------------------------- */

TEST_F(irqfd, as_many_as_it_says)
{
	u64 max = get_cap(self->vm->fd, ARMVCPU_CAP_MAX_IRQFDS), i;
	int fds[1024], fd = -1;

	ASSERT_LT(0, max);
	ASSERT_GE(ARRAY_SIZE(fds), max);
	for (i = 0; i < max; i++) {
		fd = make_eventfd();
		fds[i] = fd;
		ASSERT_EQ(0, set(self->vm, 0, 32 + i % (NR_IRQS - 32), fd, 0));
	}
	EXPECT_EQ(-ENOSPC, set(self->vm, 0, SPI, self->fd, 0));
	EXPECT_EQ(-EEXIST, set(self->vm, 0, SPI, fd, 0));
	ASSERT_EQ(0, set(self->vm, REMOVE, 32 + (max - 1) % (NR_IRQS - 32), fd, 0));
	EXPECT_EQ(0, set(self->vm, 0, SPI, self->fd, 0));
	gic_enable(&self->m.g, &self->m.g.vcpu[0], SPI, 0x40, true);
	signal_fd(self->fd);
	EXPECT_TRUE(latched(&self->m, SPI));
	/* Those whose eventfds are closed make room, at once. */
	EXPECT_EQ(-ENOSPC, set(self->vm, 0, SPI, self->resample, 0));
	for (i = 0; i < 20; i++) {
		close(fds[i]);
		EXPECT_EQ(0, set(self->vm, 0, SPI, make_eventfd(), 0));
	}
}

TEST_F(irqfd, takes_spis_only)
{
	static const u32 bad[] = { 0, 15, 16, 27, 30, 31, NR_IRQS, 1019, 1020, 1023, 1024, ~0U };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, set(self->vm, 0, bad[i], self->fd, 0));
		EXPECT_EQ(-EINVAL, set(self->vm, RESAMPLE, bad[i], self->fd, self->resample));
		EXPECT_EQ(-EINVAL, set(self->vm, REMOVE, bad[i], self->fd, 0));
	}
	EXPECT_EQ(0, set(self->vm, 0, 32, self->fd, 0));
	EXPECT_EQ(0, set(self->vm, 0, NR_IRQS - 1, self->resample, 0));
}

TEST_F(irqfd, takes_eventfds_only)
{
	int closed = make_eventfd(), bad[] = { self->vm->fd, self->m.g.vcpu[0].fd };
	unsigned int i;

	close(closed);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, set(self->vm, 0, SPI, bad[i], 0));
		EXPECT_EQ(-EINVAL, set(self->vm, REMOVE, SPI, bad[i], 0));
		EXPECT_EQ(-EINVAL, set(self->vm, RESAMPLE, SPI, self->fd, bad[i]));
		EXPECT_EQ(-EINVAL, set(self->vm, RESAMPLE, SPI, bad[i], self->resample));
	}
	EXPECT_EQ(-EBADF, set(self->vm, 0, SPI, closed, 0));
	EXPECT_EQ(-EBADF, set(self->vm, 0, SPI, -1, 0));
	EXPECT_EQ(-EBADF, set(self->vm, REMOVE, SPI, -1, 0));
	EXPECT_EQ(-EBADF, set(self->vm, RESAMPLE, SPI, self->fd, closed));
	EXPECT_EQ(-EBADF, set(self->vm, RESAMPLE, SPI, self->fd, -1));
	/* Nothing of that is there. */
	signal_fd(self->fd);
	EXPECT_EQ(1, signals(self->fd));
}

TEST_F(irqfd, removing_takes_the_same)
{
	ASSERT_EQ(0, set(self->vm, RESAMPLE, SPI, self->fd, self->resample));
	EXPECT_EQ(-EEXIST, set(self->vm, RESAMPLE, SPI, self->fd, self->resample));
	EXPECT_EQ(-EEXIST, set(self->vm, 0, SPI + 1, self->fd, 0));
	EXPECT_EQ(-ENOENT, set(self->vm, REMOVE, SPI, self->fd, 0));
	EXPECT_EQ(-ENOENT, set(self->vm, RESAMPLE | REMOVE, SPI + 1, self->fd, 0));
	EXPECT_EQ(-ENOENT, set(self->vm, RESAMPLE | REMOVE, SPI, self->resample, 0));
	EXPECT_EQ(-EINVAL, set(self->vm, REMOVE, SPI, self->fd, self->resample));
	signal_fd(self->fd);
	EXPECT_TRUE(raised(&self->m, SPI));
	EXPECT_EQ(0, set(self->vm, RESAMPLE | REMOVE, SPI, self->fd, -1));
	EXPECT_EQ(-ENOENT, set(self->vm, RESAMPLE | REMOVE, SPI, self->fd, 0));
}

/* All that it lets one ask for, and nothing else. */
TEST_F(irqfd, flags_are_those_of_the_capability)
{
	u32 flags = get_cap(self->vm->fd, ARMVCPU_CAP_IRQFD_FLAGS), bit;

	for (bit = 0; bit < 32; bit++)
		EXPECT_EQ(flags & BIT(bit) ? -ENOENT : -EINVAL,
			  set(self->vm, REMOVE | BIT(bit), SPI, self->fd, 0));
}

TEST_F(irqfd, needs_a_gic)
{
	struct vm vm;

	vm_init_bare(&vm, 0);
	EXPECT_EQ(-ENXIO, set(&vm, 0, SPI, self->fd, 0));
	EXPECT_EQ(-ENXIO, set(&vm, REMOVE, SPI, self->fd, 0));
	EXPECT_EQ(-EINVAL, set(&vm, BIT(31), SPI, self->fd, 0));
	vm_close(&vm);
}

/* The GIC's registers are no place for an ioeventfd, whoever is first. */
TEST_F(irqfd, no_ioeventfd_in_the_gic)
{
	struct armvcpu_ioeventfd arg = { .len = 4, .fd = self->fd };
	struct armvcpu_create_gic gic = {
		.version = self->m.g.version, .nr_irqs = 64, .max_vcpus = 1,
		.dist = GUEST_GICD, .cpu = self->m.g.version == 2 ? GUEST_GICC : GUEST_GICR,
	};
	u64 places[] = { gic.dist, gic.cpu, gic.cpu + 0x1000 };
	unsigned int i;
	struct vm vm;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		arg.ipa = places[i];
		arg.flags = 0;
		EXPECT_EQ(-EEXIST, xioctl(self->vm->fd, ARMVCPU_SET_IOEVENTFD, &arg));
		vm_init_bare(&vm, 0);
		ASSERT_EQ(0, xioctl(vm.fd, ARMVCPU_SET_IOEVENTFD, &arg));
		EXPECT_EQ(-EEXIST, gic_vm_try_create(&vm, &gic));
		arg.flags = ARMVCPU_IOEVENTFD_REMOVE;
		ASSERT_EQ(0, xioctl(vm.fd, ARMVCPU_SET_IOEVENTFD, &arg));
		EXPECT_EQ(0, gic_vm_try_create(&vm, &gic));
		vm_close(&vm);
	}
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
