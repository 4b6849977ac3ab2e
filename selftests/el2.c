// SPDX-License-Identifier: GPL-2.0
/*
 * An exception that EL2 takes itself: it is in the log, the host goes on, the
 * VM that ran is dead and nobody else notices. The module's parameter debug
 * has a file that provokes one; these tests load the module with it.
 */
#include "harness.h"

#include <pthread.h>
#include <sys/eventfd.h>

#include "host/module.h"
#include "vm.h"

/* What the provoked instruction does: a load from here. */
#define PROVOKED_EC	0x25
#define PROVOKED_FAR	8

#define LOG_SIZE	32768

static void guest_compute(u64 rounds)
{
	u64 i, x = 1;

	for (i = 0; i < rounds; i++) {
		x = x * 6364136223846793005UL + i;
		asm volatile("" : "+r"(x));
	}
	GUEST_SYNC_ARGS(1, x, rounds, 0);
}

static u64 computed(u64 rounds)
{
	u64 i, x = 1;

	for (i = 0; i < rounds; i++)
		x = x * 6364136223846793005UL + i;
	return x;
}

/* Written by guests, by the number of their vCPU. */
static u64 ticks[GUEST_MAX_CPUS];
static u64 stop;

static u64 ticks_of(unsigned int index)
{
	return __atomic_load_n(&ticks[index], __ATOMIC_RELAXED);
}

static void guest_spin(u64 index)
{
	u64 count = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		__atomic_store_n(&ticks[index], ++count, __ATOMIC_RELAXED);
	GUEST_SYNC_ARGS(2, count, 0, 0);
}

/* ---- the log ---------------------------------------------------------------- */

static void log_forget(int kmsg)
{
	test_check(lseek(kmsg, 0, SEEK_END) >= 0);
}

/* The module's lines since, without the kernel's prefix. */
static void log_read(int kmsg, char *log)
{
	char record[2048], *text;
	size_t used = 0;
	ssize_t size;

	log[0] = 0;
	for (;;) {
		size = read(kmsg, record, sizeof(record) - 1);
		if (size < 0 && errno == EPIPE)
			continue;
		if (size < 0)
			break;
		record[size] = 0;
		text = strchr(record, ';');
		if (!text || strncmp(text + 1, MODULE_NAME ": ", strlen(MODULE_NAME) + 2))
			continue;
		used += snprintf(log + used, LOG_SIZE - used, "%s", text + 1);
		test_check(used < LOG_SIZE);
	}
	test_check(errno == EAGAIN);
}

static int log_count(const char *log, const char *text)
{
	int count = 0;

	while ((log = strstr(log, text))) {
		count++;
		log++;
	}
	return count;
}

static void log_expect(const char *log, const char *text)
{
	if (!strstr(log, text))
		test_fail("the log does not say '%s' but:\n%s", text, log);
}

/* A whole report of what the knob does; @far: ~0 for any. */
static void log_expect_exception(const char *log, int cpu, const char *where, u32 vector, u32 ec,
				 u64 far_expected)
{
	const char *line, *x;
	u64 esr, far, value;
	char text[80];
	int i;

	log_expect(log, "EL2: unexpected exception on CPU");
	if (cpu >= 0) {
		snprintf(text, sizeof(text), "exception on CPU%d, vector ", cpu);
		log_expect(log, text);
	}
	snprintf(text, sizeof(text), ", vector 0x%x, %s", vector, where);
	log_expect(log, text);
	log_expect(log, "(hyp_provoke+0x");
	line = strstr(log, " ESR ");
	if (!line || sscanf(line, " ESR %llx", &esr) != 1 || ESR_EC(esr) != ec)
		test_fail("not the ESR of an exception of class 0x%x in:\n%s", ec, log);
	line = strstr(log, "EL2: FAR ");
	if (!line || sscanf(line, "EL2: FAR %llx", &far) != 1 ||
	    (far_expected != ~0UL && far != far_expected))
		test_fail("not the FAR of the load in:\n%s", log);
	for (i = 0; i < 31; i++) {
		snprintf(text, sizeof(text), " x%-2d ", i);
		x = strstr(log, text);
		if (!x || sscanf(x + strlen(text), "%16llx", &value) != 1)
			test_fail("no x%d in:\n%s", i, log);
	}
}

static void log_expect_report(const char *log, int cpu, const char *where)
{
	log_expect_exception(log, cpu, where, 0x200, PROVOKED_EC, PROVOKED_FAR);
}

/* Whose VM it was: ours. */
static void log_expect_owner(const char *log, unsigned int index)
{
	char text[80];

	snprintf(text, sizeof(text), ", of %s[%d]: that VM is dead", program_invocation_short_name,
		 getpid());
	log_expect(log, text);
	snprintf(text, sizeof(text), "EL2: vCPU %u of VM ", index);
	log_expect(log, text);
}

/* ---- the knob --------------------------------------------------------------- */

FIXTURE(el2) {
	int kmsg;
	char log[LOG_SIZE];
};

FIXTURE_SETUP(el2)
{
	if (access(MODULE_FILE, R_OK))
		SKIP(_exit(255), "there is no " MODULE_FILE " to load with debug=1");
	module_reload("debug=1");
	self->kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, self->kmsg);
	log_forget(self->kmsg);
}

FIXTURE_TEARDOWN(el2)
{
}

static void provoke(const char *what)
{
	int ret = write_file(MODULE_PROVOKE, what);

	if (ret)
		test_fail("the knob and '%s': %s", what, strerror(-ret));
}

static void check_vm(void)
{
	struct vcpu vcpu;
	struct vm vm;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	vcpu_call(&vcpu, guest_compute, 1000);
	vcpu_expect_sync(&vcpu, 1);
	if (vcpu_sync_arg(&vcpu, 0) != computed(1000))
		test_fail("a VM computes 0x%llx", vcpu_sync_arg(&vcpu, 0));
	vcpu_close(&vcpu);
	vm_close(&vm);
}

TEST_F(el2, no_knob_without_debug)
{
	module_reload("");
	EXPECT_FALSE(module_debug());
	EXPECT_NE(0, access(MODULE_PROVOKE, F_OK));
	EXPECT_EQ(ENOENT, errno);
	check_vm();
}

TEST_F(el2, words_that_the_knob_does_not_know)
{
	EXPECT_TRUE(module_debug());
	EXPECT_EQ(-EINVAL, write_file(MODULE_PROVOKE, "hvx"));
	EXPECT_EQ(-EINVAL, write_file(MODULE_PROVOKE, "hv"));
	EXPECT_EQ(-EINVAL, write_file(MODULE_PROVOKE, "runs"));
	EXPECT_EQ(-EINVAL, write_file(MODULE_PROVOKE, "hvc and a lot of other things"));
	log_read(self->kmsg, self->log);
	EXPECT_STREQ("", self->log);
	check_vm();
}

TEST_F(el2, parameters)
{
	char cpus[64], online[64];
	struct vm first, second;
	struct vcpu vcpu;

	read_line(MODULE_CPUS, cpus, sizeof(cpus));
	read_line("/sys/devices/system/cpu/online", online, sizeof(online));
	EXPECT_STREQ(online, cpus);
	EXPECT_NE(0, strlen(cpus));
	EXPECT_EQ(0, read_number(MODULE_VMS));
	vm_init_bare(&first, 0);
	EXPECT_EQ(1, read_number(MODULE_VMS));
	vm_init_bare(&second, 0);
	EXPECT_EQ(2, read_number(MODULE_VMS));
	vcpu_init(&vcpu, &second, 0);
	EXPECT_EQ(2, read_number(MODULE_VMS));
	vm_close(&first);
	EXPECT_EQ(1, read_number(MODULE_VMS));
	close(second.fd);
	/* It lives in its vCPU. */
	EXPECT_EQ(1, read_number(MODULE_VMS));
	vcpu_close(&vcpu);
	EXPECT_EQ(0, read_number(MODULE_VMS));
	/* Nobody writes to them. */
	EXPECT_NE(0, write_file(MODULE_VMS, "7"));
	EXPECT_NE(0, write_file(MODULE_CPUS, "7"));
}

/* ---- in a hypercall of the host ---------------------------------------------- */

TEST_F(el2, hypercall_is_reported_on_each_cpu)
{
	/* As many as the log takes in a short time. */
	int cpu, count = nr_cpus() < 4 ? nr_cpus() : 4;

	for (cpu = 0; cpu < count; cpu++) {
		pin_to_cpu(cpu);
		log_forget(self->kmsg);
		provoke("hvc");
		log_read(self->kmsg, self->log);
		log_expect_report(self->log, cpu, "in a hypercall");
		ASSERT_EQ(0, log_count(self->log, "that VM is dead"));
		ASSERT_EQ(1, log_count(self->log, "unexpected exception"));
	}
}

/* A table of its own, and each entry of it is real. */
TEST_F(el2, other_exceptions_are_reported)
{
	static const struct {
		const char *word;
		u32 vector;
		u32 ec;
		u64 far;
	} rows[] = {
		{ "undef", 0x200, 0x00, ~0UL },
		{ "sp_el0", 0x000, PROVOKED_EC, PROVOKED_FAR },
		/* Below the stack: its address is nobody's business. */
		{ "stack", 0x200, PROVOKED_EC, ~0UL },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		pin_to_cpu(i % nr_cpus());
		log_forget(self->kmsg);
		provoke(rows[i].word);
		log_read(self->kmsg, self->log);
		log_expect_exception(self->log, i % nr_cpus(), "in a hypercall", rows[i].vector,
				     rows[i].ec, rows[i].far);
		check_vm();
	}
}

/* ---- the stub's calls, which our vectors answer ------------------------------- */

TEST_F(el2, unknown_hypercalls_get_the_stubs_answer)
{
	int cpu;

	for (cpu = 0; cpu < nr_cpus(); cpu++) {
		pin_to_cpu(cpu);
		provoke("unknown");
	}
	log_read(self->kmsg, self->log);
	EXPECT_STREQ("", self->log);
	check_vm();
}

/*
 * HVC_SOFT_RESTART, as kexec does it: EL2 is given back, with all registers as
 * they were found (the knob compares them), and the code that it leads to runs.
 */
TEST_F(el2, soft_restart_gives_back_what_was_found)
{
	struct vcpu vcpu;
	struct vm vm;
	int cpu, i;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	for (i = 0; i < 3; i++) {
		for (cpu = 0; cpu < nr_cpus(); cpu++) {
			pin_to_cpu(cpu);
			/* The guest's are in EL2's registers before and after. */
			vcpu_call(&vcpu, guest_compute, 100 + cpu);
			vcpu_expect_sync(&vcpu, 1);
			provoke("restart");
			vcpu_call(&vcpu, guest_compute, 200 + cpu);
			vcpu_expect_sync(&vcpu, 1);
			ASSERT_EQ(computed(200 + cpu), vcpu_sync_arg(&vcpu, 0));
		}
	}
	log_read(self->kmsg, self->log);
	EXPECT_STREQ("", self->log);
}

static int set_online(int cpu, const char *online)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	return write_file(path, online);
}

/* HVC_RESET_VECTORS: the stub has EL2 again; who runs a guest is told. */
TEST_F(el2, reset_vectors_and_the_way_back)
{
	int cpu = nr_cpus() - 1;
	char cpus[64], online[64];
	struct vcpu vcpu;
	struct vm vm;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	pin_to_cpu(cpu);
	vcpu_call(&vcpu, guest_compute, 10);
	vcpu_expect_sync(&vcpu, 1);

	provoke("reset");
	vcpu_call(&vcpu, guest_compute, 20);
	EXPECT_EQ(-ENODEV, vcpu_run(&vcpu));
	EXPECT_EQ(-ENODEV, vcpu_run(&vcpu));
	log_read(self->kmsg, self->log);
	log_expect(self->log, "EL2 is not ours any more: something has called HVC_RESET_VECTORS");
	EXPECT_EQ(-ENODEV, write_file(MODULE_PROVOKE, "unknown"));
	read_line(MODULE_CPUS, cpus, sizeof(cpus));
	read_line("/sys/devices/system/cpu/online", online, sizeof(online));
	EXPECT_STRNE(online, cpus);

	/* The other CPUs have not lost it, and the VM nothing. */
	if (cpu) {
		pin_to_cpu(0);
		vcpu_expect_sync(&vcpu, 1);
		ASSERT_EQ(computed(20), vcpu_sync_arg(&vcpu, 0));
		/* A CPU that comes takes EL2. */
		ASSERT_EQ(0, set_online(cpu, "0"));
		ASSERT_EQ(0, set_online(cpu, "1"));
		read_line(MODULE_CPUS, cpus, sizeof(cpus));
		EXPECT_STREQ(online, cpus);
		pin_to_cpu(cpu);
		vcpu_call(&vcpu, guest_compute, 30);
		vcpu_expect_sync(&vcpu, 1);
		ASSERT_EQ(computed(30), vcpu_sync_arg(&vcpu, 0));
	}
}

TEST_F(el2, unload_after_reset_vectors)
{
	int cpu;

	for (cpu = 0; cpu < nr_cpus(); cpu++) {
		pin_to_cpu(cpu);
		provoke("reset");
	}
	EXPECT_EQ(0, module_unload());
	EXPECT_EQ(0, module_load("debug=1"));
	check_vm();
}

TEST_F(el2, vms_go_on_after_a_hypercall)
{
	char before[64], after[64];
	struct vcpu vcpu;
	struct vm vm;
	int cpu;

	read_line(MODULE_CPUS, before, sizeof(before));
	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	vcpu_call(&vcpu, guest_compute, 500);
	vcpu_expect_sync(&vcpu, 1);
	for (cpu = 0; cpu < nr_cpus(); cpu++) {
		pin_to_cpu(cpu);
		provoke("hvc");
		/* The one that was there, and a new one. */
		vcpu_call(&vcpu, guest_compute, 1000 + cpu);
		vcpu_expect_sync(&vcpu, 1);
		ASSERT_EQ(computed(1000 + cpu), vcpu_sync_arg(&vcpu, 0));
		check_vm();
	}
	read_line(MODULE_CPUS, after, sizeof(after));
	EXPECT_STREQ(before, after);
}

TEST_F(el2, a_flood_is_limited_and_its_first_is_told)
{
	int i, told;

	for (i = 0; i < 200; i++)
		provoke("hvc");
	log_read(self->kmsg, self->log);
	log_expect_report(self->log, -1, "in a hypercall");
	told = log_count(self->log, "unexpected exception");
	/* Four in five seconds, and a slow host takes some. */
	EXPECT_LE(1, told);
	EXPECT_GT(40, told);
	/* None in half. */
	EXPECT_EQ(told, log_count(self->log, "EL2: x30 "));
	/* Later ones are told again. */
	sleep(6);
	log_forget(self->kmsg);
	provoke("hvc");
	log_read(self->kmsg, self->log);
	log_expect_report(self->log, -1, "in a hypercall");
	check_vm();
}

TEST_F(el2, unload_after_a_hypercall)
{
	provoke("hvc");
	EXPECT_EQ(0, module_unload());
	EXPECT_EQ(0, module_load("debug=1"));
	check_vm();
	/* Its reports count from the beginning. */
	log_forget(self->kmsg);
	provoke("hvc");
	log_read(self->kmsg, self->log);
	log_expect_report(self->log, -1, "in a hypercall");
}

/* ---- in the entry of a vCPU --------------------------------------------------- */

static void expect_el2_exit(const struct vcpu *vcpu)
{
	const struct armvcpu_run *run = vcpu->run;

	if (run->exit_reason == ARMVCPU_EXIT_FAIL && run->u.fail.reason == ARMVCPU_FAIL_EL2 &&
	    ESR_EC(run->esr) == PROVOKED_EC && run->far == PROVOKED_FAR)
		return;
	vcpu_print_exit(vcpu);
	test_fail("not the exit of a fault at EL2");
}

static void expect_dead(struct vm *vm, struct vcpu *vcpu)
{
	struct armvcpu_ioeventfd ioeventfd = { .ipa = GUEST_MMIO, .len = 4 };
	struct armvcpu_pass_irq pass = { .hw_intid = 160, .intid = 40 };
	struct armvcpu_posted_range posted = { .ipa = GUEST_MMIO, .size = 8 };
	struct armvcpu_irqfd irqfd = { .intid = 40 };
	void *mem = alloc_pages(page_size());
	struct armvcpu_core_regs regs;
	int i;

	/* Whatever the VMM makes of the exit. */
	for (i = ARMVCPU_ACTION_COMPLETE; i <= ARMVCPU_ACTION_UNDEF + 1; i++) {
		vcpu->run->action = i;
		if (vcpu_run(vcpu) != -ENODEV)
			test_fail("RUN of a dead VM, action %d: %d", i, vcpu_run(vcpu));
	}
	vcpu->run->action = ARMVCPU_ACTION_COMPLETE;
	if (!fdatasync(vcpu->fd) || errno != ENODEV)
		test_fail("RUN of a dead VM by fdatasync(): %m");
	/* Its registers can still be read. */
	vcpu_get_regs(vcpu, &regs);
	if (vm_create_vcpu(vm, 0, 0x700) != -ENODEV)
		test_fail("a dead VM gets a vCPU");
	ioeventfd.fd = eventfd(0, EFD_CLOEXEC);
	if (xioctl(vm->fd, ARMVCPU_SET_IOEVENTFD, &ioeventfd) != -ENODEV)
		test_fail("a dead VM gets an ioeventfd");
	ioeventfd.flags = ARMVCPU_IOEVENTFD_REMOVE;
	if (xioctl(vm->fd, ARMVCPU_SET_IOEVENTFD, &ioeventfd) != -ENODEV)
		test_fail("a dead VM loses an ioeventfd");
	irqfd.fd = ioeventfd.fd;
	if (xioctl(vm->fd, ARMVCPU_SET_IRQFD, &irqfd) != -ENODEV)
		test_fail("a dead VM gets an irqfd");
	close(ioeventfd.fd);
	if (xioctl(vm->fd, ARMVCPU_PASS_IRQ, &pass) != -ENODEV)
		test_fail("a dead VM gets an interrupt of the host's");
	pass.flags = ARMVCPU_PASS_IRQ_REMOVE;
	if (xioctl(vm->fd, ARMVCPU_PASS_IRQ, &pass) != -ENODEV)
		test_fail("a dead VM loses an interrupt of the host's");
	if (xioctl(vm->fd, ARMVCPU_SET_POSTED, &posted) != -ENODEV)
		test_fail("a dead VM gets a range of posted writes");
	if (vm_set_slot(vm, 0, 0, GUEST_RAM, page_size(), mem) != -ENODEV)
		test_fail("a dead VM gets a slot");
}

TEST_F(el2, entry_kills_the_vm_and_no_other)
{
	struct vm victim, other;
	struct vcpu vcpu, idle, bystander;
	int ret;

	vm_init(&victim);
	vcpu_init(&vcpu, &victim, 0);
	vcpu_init(&idle, &victim, 0);
	vm_init(&other);
	/* Both see the same memory: other stacks. */
	other.nr_vcpus = 4;
	vcpu_init(&bystander, &other, 0);
	vcpu_call(&bystander, guest_compute, 2000);
	vcpu_expect_sync(&bystander, 1);
	vcpu_call(&vcpu, guest_compute, 1000);
	vcpu_expect_sync(&vcpu, 1);

	log_forget(self->kmsg);
	provoke("run");
	do {
		ret = vcpu_run(&vcpu);
	} while (ret == -EINTR);
	ASSERT_EQ(0, ret);
	expect_el2_exit(&vcpu);
	log_read(self->kmsg, self->log);
	log_expect_report(self->log, -1, "while a guest was loaded");
	log_expect_owner(self->log, vcpu.index);
	EXPECT_EQ(1, log_count(self->log, "unexpected exception"));
	expect_dead(&victim, &vcpu);
	expect_dead(&victim, &idle);

	/* It was that one entry. */
	vcpu_call(&bystander, guest_compute, 3000);
	vcpu_expect_sync(&bystander, 1);
	EXPECT_EQ(computed(3000), vcpu_sync_arg(&bystander, 0));
	check_vm();

	/* The dead hold the module, too, but not for ever. */
	EXPECT_EQ(2, read_number(MODULE_VMS));
	EXPECT_EQ(-EAGAIN, module_unload());
	vcpu_close(&vcpu);
	vcpu_close(&idle);
	vm_close(&victim);
	EXPECT_EQ(1, read_number(MODULE_VMS));
	vcpu_close(&bystander);
	vm_close(&other);
	EXPECT_EQ(0, read_number(MODULE_VMS));
	EXPECT_EQ(0, module_unload());
	EXPECT_EQ(0, module_load("debug=1"));
	check_vm();
}

struct runner {
	struct vcpu *vcpu;
	pthread_t thread;
	int cpu;
	int ret;
};

static void *run_vcpu(void *arg)
{
	struct runner *r = arg;

	pin_to_cpu(r->cpu);
	do {
		r->ret = vcpu_run(r->vcpu);
	} while (r->ret == -EINTR);
	return NULL;
}

static void runner_start(struct runner *r, struct vcpu *vcpu, int cpu)
{
	r->vcpu = vcpu;
	r->cpu = cpu % nr_cpus();
	__atomic_store_n(&ticks[vcpu->index], 0, __ATOMIC_RELAXED);
	vcpu_call(vcpu, guest_spin, vcpu->index);
	test_check(!pthread_create(&r->thread, NULL, run_vcpu, r));
}

static void wait_for_ticks(unsigned int index, u64 more)
{
	u64 start = ticks_of(index);

	while (ticks_of(index) < start + more)
		usleep(1000);
}

/* All are in the guest when one of them faults. */
TEST_F(el2, entry_brings_the_siblings_out)
{
	struct vcpu vcpus[4];
	struct runner runners[4];
	unsigned int i, faults = 0;
	struct vm vm;

	vm_init(&vm);
	for (i = 0; i < 4; i++)
		vcpu_init(&vcpus[i], &vm, 0);
	for (i = 0; i < 4; i++)
		runner_start(&runners[i], &vcpus[i], i);
	for (i = 0; i < 4; i++)
		wait_for_ticks(i, 100);
	provoke("run");
	for (i = 0; i < 4; i++) {
		pthread_join(runners[i].thread, NULL);
		if (!runners[i].ret) {
			expect_el2_exit(&vcpus[i]);
			faults++;
		} else {
			EXPECT_EQ(-ENODEV, runners[i].ret);
		}
	}
	EXPECT_EQ(1, faults);
	for (i = 0; i < 4; i++)
		expect_dead(&vm, &vcpus[i]);
	check_vm();
}

/* One of two running VMs faults; the other counts on to its end. */
TEST_F(el2, entry_leaves_a_running_vm_alone)
{
	struct vcpu vcpus[2];
	struct runner runners[2];
	struct vm vms[2];
	unsigned int i, dead;
	u64 count;

	for (i = 0; i < 2; i++) {
		vm_init(&vms[i]);
		vms[i].nr_vcpus = i;
		vcpu_init(&vcpus[i], &vms[i], 0);
		runner_start(&runners[i], &vcpus[i], i);
	}
	for (i = 0; i < 2; i++)
		wait_for_ticks(i, 100);
	log_forget(self->kmsg);
	provoke("run");
	do {
		usleep(1000);
		log_read(self->kmsg, self->log);
	} while (!strstr(self->log, "EL2: x30"));
	/* Who it is shows by who joins. */
	dead = !pthread_tryjoin_np(runners[1].thread, NULL);
	while (!dead && pthread_tryjoin_np(runners[0].thread, NULL)) {
		usleep(1000);
		dead = !pthread_tryjoin_np(runners[1].thread, NULL);
	}
	ASSERT_EQ(0, runners[dead].ret);
	expect_el2_exit(&vcpus[dead]);
	expect_dead(&vms[dead], &vcpus[dead]);

	wait_for_ticks(!dead, 100);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(runners[!dead].thread, NULL);
	ASSERT_EQ(0, runners[!dead].ret);
	ASSERT_TRUE(vcpu_is_ucall(&vcpus[!dead]));
	count = vcpu_sync_arg(&vcpus[!dead], 0);
	EXPECT_EQ(ticks_of(!dead), count);
}

/* ---- calls of the firmware ------------------------------------------------------- */

#define ARCH_FEATURES		0x80000001UL
#define ARCH_WORKAROUND_1	0x80008000UL
#define ARCH_WORKAROUND_2	0x80007fffUL
#define ARCH_WORKAROUND_3	0x80003fffUL

static u64 guest_smc(u64 fn, u64 arg)
{
	register u64 x0 asm("x0") = fn;
	register u64 x1 asm("x1") = arg;

	asm volatile("smc #0" : "+r"(x0), "+r"(x1) : : "x2", "x3", "memory");
	return x0;
}

static void guest_calls_workarounds(void)
{
	static const u64 fns[] = { ARCH_WORKAROUND_1, ARCH_WORKAROUND_3 };
	u64 i, n;

	/* What the kernel of the host has on anyway is not required. */
	GUEST_ASSERT_EQ(1, guest_hvc(ARCH_FEATURES, ARCH_WORKAROUND_2, 0, 0));
	GUEST_ASSERT_EQ(0, guest_hvc(ARCH_WORKAROUND_2, 0, 0, 0));
	for (i = 0; i < ARRAY_SIZE(fns); i++) {
		GUEST_ASSERT_EQ(0, guest_hvc(ARCH_FEATURES, fns[i], 0, 0));
		GUEST_ASSERT_EQ(0, guest_smc(ARCH_FEATURES, fns[i]));
		for (n = 0; n < 100; n++) {
			/* The upper half of the function id is nobody's. */
			GUEST_ASSERT_EQ(0, guest_hvc(fns[i] | n << 32, n, 0, 0));
			GUEST_ASSERT_EQ(0, guest_smc(fns[i], n));
		}
	}
	GUEST_SYNC(1);
}

/* By EL2 itself, or by the module; the guest and the host go on. */
TEST_F(el2, firmware_carries_out_workarounds)
{
	struct vcpu vcpu;
	struct vm vm;

	provoke("firmware");
	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	vcpu_call(&vcpu, guest_calls_workarounds);
	vcpu_expect_sync(&vcpu, 1);
}

/* ---- what is done when a guest is left ------------------------------------------- */

#define SMCCC_VERSION		0x80000000UL

struct hardening {
	char how[16];
	u64 arg;
	u64 count;
};

static struct hardening hardening_of(int cpu)
{
	struct hardening found = { .how = "" };
	char line[80];
	FILE *f = fopen(MODULE_SPECTRE, "re");
	int n;

	test_check(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "cpu %d %15s %llx %llu", &n, found.how, &found.arg,
			   &found.count) == 4 && n == cpu)
			break;
	test_check(!ferror(f) && n == cpu);
	fclose(f);
	return found;
}

/* All that the vectors touch themselves. */
static void guest_checks_registers(u64 value)
{
	register u64 x0 asm("x0") = SMCCC_VERSION;
	register u64 x1 asm("x1") = value;
	register u64 x2 asm("x2") = ~value;
	register u64 x3 asm("x3") = value * 3;
	u64 nzcv = value << 28 & 0xf0000000;

	asm volatile("msr nzcv, %[nzcv]\n"
		     "hvc #0\n"
		     "mrs %[nzcv], nzcv"
		     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), [nzcv] "+r"(nzcv)
		     : : "cc", "memory");
	GUEST_ASSERT_EQ(0x10001, x0);
	GUEST_ASSERT_EQ(value, x1);
	GUEST_ASSERT_EQ(~value, x2);
	GUEST_ASSERT_EQ(value * 3, x3);
	GUEST_ASSERT_EQ(value << 28 & 0xf0000000, nzcv);
}

/* Exits that EL2 answers, that the module does, and that are the VMM's. */
static void guest_exits(u64 rounds)
{
	u64 i;

	for (i = 0; i < rounds; i++) {
		guest_checks_registers(i);
		guest_smc(SMCCC_VERSION, 0);
		GUEST_ASSERT_EQ(i, guest_read32(GUEST_MMIO));
	}
	GUEST_SYNC(1);
}

static u64 sum(const __u64 *counts, unsigned int n)
{
	u64 total = 0;

	while (n--)
		total += counts[n];
	return total;
}

/* How often the vectors of the CPU that this runs on did something, and should have. */
static void count_exits(struct vcpu *vcpu, u64 rounds, u64 *did, u64 *at_least, u64 *at_most)
{
	struct armvcpu_stats *stats = &vcpu->run->stats;
	u64 before = hardening_of(0).count, i;

	memset(stats, 0, sizeof(*stats));
	vcpu_call(vcpu, guest_exits, rounds);
	for (i = 0; i < rounds; i++) {
		vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
		vcpu->run->u.mmio.data = i;
	}
	vcpu_expect_sync(vcpu, 1);
	*did = hardening_of(0).count - before;
	*at_least = sum(stats->sync, ARRAY_SIZE(stats->sync)) + stats->user[ARMVCPU_EXIT_MMIO] +
		    sum(stats->el2, ARRAY_SIZE(stats->el2)) - stats->sync[EC_DABT_LOW];
	/* An interrupt may have come before the guest was in. */
	*at_most = *at_least + stats->irqs + stats->sync[EC_DABT_LOW];
}

FIXTURE(hardening) {
	struct vm vm;
	struct vcpu vcpu;
};

FIXTURE_VARIANT(hardening) {
	const char *word;
	const char *how;
	u64 arg;
};

FIXTURE_VARIANT_ADD(hardening, firmware) {
	.word = "firmware", .how = "firmware", .arg = ARCH_WORKAROUND_3,
};

FIXTURE_VARIANT_ADD(hardening, loop) {
	.word = "bhb_loop", .how = "loop", .arg = 132,
};

FIXTURE_VARIANT_ADD(hardening, clear) {
	.word = "bhb_clear", .how = "clear", .arg = 0,
};

FIXTURE_VARIANT_ADD(hardening, none) {
	.word = "bare", .how = "none", .arg = 0,
};

FIXTURE_SETUP(hardening)
{
	if (access(MODULE_FILE, R_OK))
		SKIP(_exit(255), "there is no " MODULE_FILE " to load with debug=1");
	module_reload("debug=1");
	pin_to_cpu(0);
	vm_init(&self->vm);
	vcpu_init(&self->vcpu, &self->vm, 0);
}

FIXTURE_TEARDOWN(hardening)
{
	vcpu_close(&self->vcpu);
	vm_close(&self->vm);
}

TEST_F(hardening, is_done_once_for_each_exit)
{
	u64 did, at_least, at_most, rounds = 2000;
	struct hardening found;

	provoke(variant->word);
	found = hardening_of(0);
	ASSERT_STREQ(variant->how, found.how);
	ASSERT_EQ(variant->arg, found.arg);
	count_exits(&self->vcpu, rounds, &did, &at_least, &at_most);
	ASSERT_LE(3 * rounds, at_least);
	if (!strcmp(variant->how, "none")) {
		EXPECT_EQ(0, did);
		return;
	}
	EXPECT_LE(at_least, did);
	EXPECT_GE(at_most, did);
}

/* What this core gets by itself, and that it counts where it does something. */
TEST_F(el2, hardening_by_itself_is_what_the_core_needs)
{
	u64 did, at_least, at_most, csv2;
	struct hardening found;
	struct vcpu vcpu;
	struct vm vm;

	pin_to_cpu(0);
	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	csv2 = vcpu_get(&vcpu, ARMVCPU_REG_SYS(3, 0, 0, 4, 0)) >> 56 & 0xf;
	found = hardening_of(0);
	count_exits(&vcpu, 100, &did, &at_least, &at_most);
	if (!strcmp(found.how, "none")) {
		ASSERT_EQ(0, did);
	} else {
		ASSERT_LE(at_least, did);
		ASSERT_GE(at_most, did);
	}
	/* QEMU's firmware has no call: without CSV2 nothing helps. */
	if (!csv2)
		ASSERT_STREQ("none", found.how);
}

/* ---- the host's FP registers --------------------------------------------------- */

static void guest_spin_with_fp(u64 index)
{
	u64 count = 0;

	for (;;) {
		asm volatile("dup v0.2d, %0\n"
			     "dup v9.2d, %0\n"
			     "dup v31.2d, %0" : : "r"(~count));
		__atomic_store_n(&ticks[index], ++count, __ATOMIC_RELAXED);
	}
}

#define FP_NUMBERS \
	"0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, " \
	"16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n"

/* RUN with nothing between it and the registers. */
static long run_with_fp(int fd, const u64 (*in)[2], u64 (*out)[2])
{
	register long x0 asm("x0") = fd;
	register long x1 asm("x1") = ARMVCPU_RUN;
	register long x2 asm("x2") = 0;
	register long x8 asm("x8") = SYS_ioctl;

	asm volatile("mov x9, %[in]\n"
		     ".irp n, " FP_NUMBERS
		     "ldr q\\n, [x9, #16 * \\n]\n"
		     ".endr\n"
		     "svc #0\n"
		     "mov x9, %[out]\n"
		     ".irp n, " FP_NUMBERS
		     "str q\\n, [x9, #16 * \\n]\n"
		     ".endr\n"
		     : "+r"(x0)
		     : "r"(x1), "r"(x2), "r"(x8), [in] "r"(in), [out] "r"(out)
		     : "x9", "memory");
	return x0;
}

static void *provoke_when_it_ticks(void *arg)
{
	(void)arg;
	wait_for_ticks(0, 100);
	provoke("run");
	return NULL;
}

TEST_F(el2, entry_leaves_the_hosts_fp_registers_alone)
{
	u64 in[32][2], out[32][2] = { 0 };
	pthread_t thread;
	struct vcpu vcpu;
	struct vm vm;
	long ret;
	int i;

	for (i = 0; i < 64; i++)
		in[i / 2][i % 2] = 0x0123456789abcdefUL * (i + 1);
	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	vcpu_call(&vcpu, guest_spin_with_fp, 0);
	test_check(!pthread_create(&thread, NULL, provoke_when_it_ticks, NULL));
	do {
		ret = run_with_fp(vcpu.fd, in, out);
		if (memcmp(in, out, sizeof(in)))
			test_fail("the host's FP registers have changed");
	} while (ret == -EINTR);
	pthread_join(thread, NULL);
	ASSERT_EQ(0, ret);
	expect_el2_exit(&vcpu);
}

int main(int argc, char **argv)
{
	module_tests_begin();
	return harness_run(argc, argv);
}
