// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs come and go while VMs run: EL2 is given back and taken again, guests
 * count on, and their threads find other CPUs.
 */
#include "harness.h"

#include <pthread.h>
#include <signal.h>

#include "host/module.h"
#include "vm.h"

#define CYCLES		4
#define MAX_VCPUS	4

/* Of each vCPU's guest, in its own words. */
static struct {
	u64 rounds;
	u64 sum;
} progress[GUEST_MAX_CPUS];

static u64 stop;

static u64 next(u64 x, u64 round)
{
	return (x ^ x >> 29) * 6364136223846793005UL + round;
}

/* Registers and memory, each round; at the end both have to agree. */
static void guest_count(u64 index)
{
	u64 x = index, round = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		round++;
		x = next(x, round);
		progress[index].sum = next(progress[index].sum, round);
		__atomic_store_n(&progress[index].rounds, round, __ATOMIC_RELEASE);
	}
	GUEST_SYNC_ARGS(1, round, x, progress[index].sum);
}

static u64 rounds_of(unsigned int index)
{
	return __atomic_load_n(&progress[index].rounds, __ATOMIC_ACQUIRE);
}

/* ---- CPUs ------------------------------------------------------------------ */

static bool can_go_offline(int cpu)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	return !access(path, W_OK);
}

static void expect_cpus_are_ours(void)
{
	char cpus[64], online[64];

	read_line(MODULE_CPUS, cpus, sizeof(cpus));
	read_line("/sys/devices/system/cpu/online", online, sizeof(online));
	if (strcmp(cpus, online) || !cpus[0])
		test_fail("EL2 is held on CPUs '%s', online are '%s'", cpus, online);
}

static void go(int cpu, int online)
{
	int ret = cpu_set_online(cpu, online);

	if (ret)
		test_fail("CPU %d, online %d: %s", cpu, online, strerror(-ret));
	expect_cpus_are_ours();
}

/* ---- VMs ------------------------------------------------------------------- */

struct runner {
	struct vm vm;
	struct vcpu vcpu;
	pthread_t thread;
	int cpu;
	unsigned int interrupted;
	int ret;
};

static void *run_vcpu(void *arg)
{
	struct runner *r = arg;

	pin_to_cpu(r->cpu);
	do {
		r->ret = vcpu_run(&r->vcpu);
		r->interrupted++;
	} while (r->ret == -EINTR);
	return NULL;
}

/* A VM of its own, or one more vCPU of an older one. */
static void runner_start(struct runner *r, struct runner *older, unsigned int index, int cpu)
{
	memset(r, 0, sizeof(*r));
	r->cpu = cpu;
	if (!older) {
		vm_init(&r->vm);
		older = r;
	}
	older->vm.nr_vcpus = index;
	vcpu_init(&r->vcpu, &older->vm, 0);
	memset(&progress[index], 0, sizeof(progress[index]));
	vcpu_call(&r->vcpu, guest_count, index);
	test_check(!pthread_create(&r->thread, NULL, run_vcpu, r));
}

static void wait_for_progress(struct runner *r)
{
	unsigned int index = r->vcpu.index;
	u64 start = rounds_of(index);
	int tries = 20000;

	while (rounds_of(index) < start + 1000) {
		usleep(1000);
		if (!--tries)
			test_fail("vCPU %u does not go on", index);
	}
}

/* After the guest has been told to stop. */
static void check_result(struct runner *r)
{
	u64 index = r->vcpu.index, round, x = index, sum = 0;

	pthread_join(r->thread, NULL);
	if (r->ret)
		test_fail("vCPU %llu: RUN: %s", index, strerror(-r->ret));
	if (!vcpu_is_ucall(&r->vcpu) || r->vcpu.run->x[1] != 1) {
		vcpu_print_exit(&r->vcpu);
		test_fail("vCPU %llu did not end as it should", index);
	}
	for (round = 1; round <= vcpu_sync_arg(&r->vcpu, 0); round++) {
		x = next(x, round);
		sum = next(sum, round);
	}
	if (rounds_of(index) != vcpu_sync_arg(&r->vcpu, 0) || x != vcpu_sync_arg(&r->vcpu, 1) ||
	    sum != vcpu_sync_arg(&r->vcpu, 2) || sum != progress[index].sum)
		test_fail("vCPU %llu has miscounted", index);
}

static void check_results(struct runner *runners, int count)
{
	int i;

	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < count; i++)
		check_result(&runners[i]);
}

/* A VM that is made and runs on one CPU. */
static void check_vm_on(int cpu, unsigned int index)
{
	struct runner runner;

	stop = 0;
	runner_start(&runner, NULL, index, cpu);
	wait_for_progress(&runner);
	check_results(&runner, 1);
	vcpu_close(&runner.vcpu);
	vm_close(&runner.vm);
	stop = 0;
}

/* ---- tests ----------------------------------------------------------------- */

FIXTURE(hotplug) {
	int cpus;
	int victim;
};

FIXTURE_SETUP(hotplug)
{
	self->cpus = nr_cpus();
	if (self->cpus < 2)
		SKIP(_exit(255), "there is one CPU only");
	self->victim = self->cpus - 1;
	if (!can_go_offline(self->victim))
		SKIP(_exit(255), "CPUs cannot go offline here");
	expect_cpus_are_ours();
}

FIXTURE_TEARDOWN(hotplug)
{
}

/* Nothing runs: only EL2 comes and goes. */
TEST_F(hotplug, idle)
{
	int i;

	for (i = 0; i < CYCLES; i++) {
		go(self->victim, 0);
		check_vm_on(0, 0);
		go(self->victim, 1);
		check_vm_on(self->victim, 0);
	}
}

/* The threads may run anywhere. */
TEST_F(hotplug, unpinned_vcpus)
{
	struct runner runners[MAX_VCPUS];
	int i, cycle;

	for (i = 0; i < MAX_VCPUS; i++)
		runner_start(&runners[i], i ? &runners[0] : NULL, i, -1);
	for (cycle = 0; cycle < CYCLES; cycle++) {
		go(self->victim, 0);
		for (i = 0; i < MAX_VCPUS; i++)
			wait_for_progress(&runners[i]);
		go(self->victim, 1);
		for (i = 0; i < MAX_VCPUS; i++)
			wait_for_progress(&runners[i]);
	}
	check_results(runners, MAX_VCPUS);
}

/* The kernel takes its CPU from a pinned thread: it may run anywhere then. */
TEST_F(hotplug, pinned_vcpus)
{
	struct runner runners[2];
	int cycle;

	for (cycle = 0; cycle < CYCLES; cycle++) {
		stop = 0;
		runner_start(&runners[0], NULL, 0, self->victim);
		runner_start(&runners[1], NULL, 1, 0);
		wait_for_progress(&runners[0]);
		wait_for_progress(&runners[1]);
		go(self->victim, 0);
		wait_for_progress(&runners[0]);
		wait_for_progress(&runners[1]);
		go(self->victim, 1);
		wait_for_progress(&runners[0]);
		check_results(runners, 2);
	}
	check_vm_on(self->victim, 3);
}

TEST_F(hotplug, cpu_0)
{
	struct runner runners[2];
	int cycle, i;

	if (!can_go_offline(0))
		SKIP(return, "CPU 0 cannot go offline");
	runner_start(&runners[0], NULL, 0, 0);
	runner_start(&runners[1], NULL, 1, -1);
	for (cycle = 0; cycle < 3; cycle++) {
		go(0, 0);
		for (i = 0; i < 2; i++)
			wait_for_progress(&runners[i]);
		go(0, 1);
		for (i = 0; i < 2; i++)
			wait_for_progress(&runners[i]);
	}
	check_results(runners, 2);
	check_vm_on(0, 3);
}

/* What a VM has for each CPU is there for one that comes later. */
TEST_F(hotplug, vm_made_while_a_cpu_was_away)
{
	struct runner runner;

	go(self->victim, 0);
	vm_init(&runner.vm);
	vcpu_init(&runner.vcpu, &runner.vm, 0);
	go(self->victim, 1);
	vcpu_call(&runner.vcpu, guest_count, 0);
	runner.cpu = self->victim;
	test_check(!pthread_create(&runner.thread, NULL, run_vcpu, &runner));
	wait_for_progress(&runner);
	check_results(&runner, 1);
}

/* A VMID is used again while a CPU is away that has run its former owner: of 8 bits. */
static void guest_read_ram(void)
{
	for (;;)
		GUEST_SYNC_ARGS(1, guest_read64(GUEST_RAM), 0, 0);
}

/* So many VMs that have run, one after the other: each has taken a VMID. */
static void use_vmids(unsigned int count)
{
	struct vcpu vcpu;
	struct vm vm;

	while (count--) {
		vm_init(&vm);
		vm_add_memory(&vm, 0, GUEST_RAM, 0x10000);
		vcpu_init(&vcpu, &vm, 0);
		vcpu_call(&vcpu, guest_read_ram);
		vcpu_expect_sync(&vcpu, 1);
		vcpu_close(&vcpu);
		vm_close(&vm);
	}
}

TEST_F(hotplug, vmid_used_again_while_a_cpu_was_away)
{
	struct vcpu vcpu;
	struct vm vm;
	u64 i, *mem;

	for (i = 0; i < CYCLES; i++) {
		pin_to_cpu(self->victim);
		vm_init(&vm);
		mem = vm_add_memory(&vm, 0, GUEST_RAM, 0x10000);
		*mem = 2 * i;
		vcpu_init(&vcpu, &vm, 0);
		vcpu_call(&vcpu, guest_read_ram);
		vcpu_expect_sync(&vcpu, 1);
		ASSERT_EQ(2 * i, vcpu_sync_arg(&vcpu, 0));
		pin_to_cpu(0);
		go(self->victim, 0);
		vcpu_close(&vcpu);
		vm_close(&vm);
		/* Of 1 to 255, the same one comes next; or nearly, if others are in use. */
		use_vmids(253 + i);

		vm_init(&vm);
		mem = vm_add_memory(&vm, 0, GUEST_RAM, 0x10000);
		*mem = 2 * i + 1;
		vcpu_init(&vcpu, &vm, 0);
		go(self->victim, 1);
		pin_to_cpu(self->victim);
		vcpu_call(&vcpu, guest_read_ram);
		vcpu_expect_sync(&vcpu, 1);
		ASSERT_EQ(2 * i + 1, vcpu_sync_arg(&vcpu, 0));
		vcpu_close(&vcpu);
		vm_close(&vm);
	}
}

/* ---- the module while a CPU is away ------------------------------------------ */

TEST_F(hotplug, load_while_a_cpu_is_away)
{
	if (access(MODULE_FILE, R_OK))
		SKIP(return, "there is no " MODULE_FILE);
	ASSERT_EQ(0, cpu_set_online(self->victim, 0));
	module_reload("");
	expect_cpus_are_ours();
	check_vm_on(0, 0);
	go(self->victim, 1);
	check_vm_on(self->victim, 1);
}

/* A CPU that comes back to a host without the module has its stub: it can be had. */
TEST_F(hotplug, unload_while_a_cpu_is_away)
{
	int i;

	if (access(MODULE_FILE, R_OK))
		SKIP(return, "there is no " MODULE_FILE);
	for (i = 0; i < 2; i++) {
		go(self->victim, 0);
		ASSERT_EQ(0, module_unload());
		ASSERT_EQ(0, cpu_set_online(self->victim, 1));
		ASSERT_EQ(0, module_load(""));
		expect_cpus_are_ours();
		check_vm_on(self->victim, 0);
	}
}

/* Comings and goings in one thread, loads and unloads in another. */
static void *plug_all_the_time(void *arg)
{
	int *victim = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		cpu_set_online(*victim, 0);
		cpu_set_online(*victim, 1);
	}
	return NULL;
}

TEST_F(hotplug, load_and_unload_meanwhile)
{
	pthread_t thread;
	int i;

	if (access(MODULE_FILE, R_OK))
		SKIP(return, "there is no " MODULE_FILE);
	test_check(!pthread_create(&thread, NULL, plug_all_the_time, &self->victim));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, module_unload());
		ASSERT_EQ(0, module_load(""));
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	ASSERT_EQ(0, cpu_set_online(self->victim, 1));
	expect_cpus_are_ours();
	check_vm_on(self->victim, 0);
}

/* A test that failed half-way may have left a CPU off. */
static void all_online(void)
{
	int cpu;

	for (cpu = 0; cpu < sysconf(_SC_NPROCESSORS_CONF); cpu++) {
		if (can_go_offline(cpu))
			cpu_set_online(cpu, 1);
	}
}

int main(int argc, char **argv)
{
	module_tests_begin();
	atexit(all_online);
	return harness_run(argc, argv);
}
