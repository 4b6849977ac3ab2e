// SPDX-License-Identifier: GPL-2.0
/*
 * How VMs end: closed in any order, out of descriptors, more of them than VMIDs, killed
 * in the middle of everything. Whatever happens, all of it comes back: the VM, the module's
 * references, locked memory, pages.
 */
#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "host/module.h"
#include "vm.h"

#define SLOT_SIZE	0x10000		/* the largest page there is */

static u64 ticks[GUEST_MAX_CPUS];

static void guest_spin(u64 index)
{
	u64 count = 0;

	for (;;)
		__atomic_store_n(&ticks[index], ++count, __ATOMIC_RELAXED);
}

static u64 ticks_of(unsigned int index)
{
	return __atomic_load_n(&ticks[index], __ATOMIC_RELAXED);
}

static void wait_for_ticks(unsigned int index)
{
	while (ticks_of(index) < 100)
		usleep(1000);
}

static void guest_read_ram(void)
{
	for (;;)
		GUEST_SYNC_ARGS(1, guest_read64(GUEST_RAM), 0, 0);
}

static void guest_touch(u64 address, u64 size)
{
	u64 end = address + size;

	for (; address < end; address += 4096)
		guest_write64(address, address);
	GUEST_SYNC(1);
}

static void check_vm(void)
{
	struct vcpu vcpu;
	struct vm vm;
	u64 *mem;

	vm_init(&vm);
	mem = vm_add_memory(&vm, 0, GUEST_RAM, SLOT_SIZE);
	*mem = 0x1234567890UL;
	vcpu_init(&vcpu, &vm, 0);
	vcpu_call(&vcpu, guest_read_ram);
	vcpu_expect_sync(&vcpu, 1);
	if (vcpu_sync_arg(&vcpu, 0) != *mem)
		test_fail("the guest reads 0x%llx", vcpu_sync_arg(&vcpu, 0));
	vcpu_close(&vcpu);
	vm_close(&vm);
	munmap(mem, SLOT_SIZE);
}

/* ---- what there is ------------------------------------------------------------- */

/* Free pages with those in the CPUs' own lists, which MemFree does not count. */
static long free_pages(void)
{
	char line[128];
	long total = 0, value;
	FILE *f;

	sync();
	test_check(!write_file("/proc/sys/vm/drop_caches", "3"));
	/* What waits for a grace period. */
	usleep(200000);
	f = fopen("/proc/zoneinfo", "re");
	test_check(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " nr_free_pages %ld", &value) == 1 ||
		    sscanf(line, " count: %ld", &value) == 1)
			total += value;
	}
	fclose(f);
	return total;
}

/* Does the host have it?  The answer takes long: main() asks. */
static bool kasan;

static bool has_kasan(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	bool found = false;
	char line[256];

	test_check(f);
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, " kasan_report\n");
	fclose(f);
	return found;
}

static long locked_kb(void)
{
	char line[128];
	long value = -1;
	FILE *f = fopen("/proc/self/status", "re");

	test_check(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "VmLck: %ld", &value) == 1)
			break;
	}
	fclose(f);
	return value;
}

FIXTURE(life) {
	long refs;
};

FIXTURE_SETUP(life)
{
	/* Those of the test before may still be dying. */
	ASSERT_EQ(0, wait_for_number(MODULE_VMS, 0));
	self->refs = read_number(MODULE_REFCNT);
	memset(ticks, 0, sizeof(ticks));
}

FIXTURE_TEARDOWN(life)
{
	EXPECT_EQ(0, wait_for_number(MODULE_VMS, 0));
	EXPECT_EQ(self->refs, wait_for_number(MODULE_REFCNT, self->refs));
	check_vm();
}

/* ---- closing -------------------------------------------------------------------- */

TEST_F(life, create_and_close_500)
{
	struct vcpu vcpu;
	struct vm vm;
	int i;

	for (i = 0; i < 500; i++) {
		vm_init_bare(&vm, 0);
		vcpu_init(&vcpu, &vm, 0);
		ASSERT_EQ(1, read_number(MODULE_VMS));
		vcpu_close(&vcpu);
		vm_close(&vm);
		ASSERT_EQ(0, read_number(MODULE_VMS));
	}
}

TEST_F(life, vm_file_before_its_vcpus)
{
	struct vcpu first, second;
	struct vm vm;
	u64 *mem;

	vm_init(&vm);
	mem = vm_add_memory(&vm, 0, GUEST_RAM, SLOT_SIZE);
	*mem = 77;
	vcpu_init(&first, &vm, 0);
	vcpu_init(&second, &vm, 0);
	close(vm.fd);
	/* Everything is still there for a vCPU. */
	vcpu_call(&first, guest_read_ram);
	vcpu_expect_sync(&first, 1);
	EXPECT_EQ(77, vcpu_sync_arg(&first, 0));
	vcpu_close(&first);
	EXPECT_EQ(1, read_number(MODULE_VMS));
	vcpu_call(&second, guest_read_ram);
	vcpu_expect_sync(&second, 1);
	EXPECT_EQ(77, vcpu_sync_arg(&second, 0));
	vcpu_close(&second);
	EXPECT_EQ(0, read_number(MODULE_VMS));
	EXPECT_EQ(0, locked_kb());
	close(vm.sys);
}

/* Each of the 24 orders, and who comes last keeps the VM. */
TEST_F(life, every_order_of_closing)
{
	int order, i;

	for (order = 0; order < 256; order++) {
		int step[4] = { order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6 & 3 };
		struct vcpu vcpus[2];
		unsigned int left = 7;
		struct vm vm;

		if ((1 << step[0] | 1 << step[1] | 1 << step[2] | 1 << step[3]) != 15)
			continue;
		vm_init_bare(&vm, 0);
		vm_add_memory(&vm, 0, GUEST_RAM, SLOT_SIZE);
		vcpu_init(&vcpus[0], &vm, 0);
		vcpu_init(&vcpus[1], &vm, 0);
		for (i = 0; i < 4; i++) {
			switch (step[i]) {
			case 0:
			case 1:
				munmap(vcpus[step[i]].run, page_size());
				close(vcpus[step[i]].fd);
				break;
			case 2:
				close(vm.fd);
				break;
			case 3:
				close(vm.sys);
				continue;
			}
			left &= ~(1 << step[i]);
			ASSERT_EQ(!!left, read_number(MODULE_VMS));
		}
		ASSERT_EQ(0, locked_kb());
	}
}

TEST_F(life, the_run_page_outlives_the_file)
{
	struct vcpu vcpu;
	struct vm vm;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	vcpu_call(&vcpu, guest_read_ram);
	vcpu.run->x[30] = 0x3030;
	close(vcpu.fd);
	vm_close(&vm);
	/* Still ours to read and to write. */
	EXPECT_EQ(0x3030, vcpu.run->x[30]);
	vcpu.run->x[30] = 1;
	EXPECT_EQ(1, vcpu.run->x[30]);
	munmap(vcpu.run, page_size());
}

/* A closed number can be had again. */
TEST_F(life, the_same_mpidr_again_and_again)
{
	struct vm vm;
	int i, fd;

	vm_init_bare(&vm, 0);
	for (i = 0; i < 200; i++) {
		fd = vm_create_vcpu(&vm, 0, 0x101);
		ASSERT_LE(0, fd);
		ASSERT_EQ(-EEXIST, vm_create_vcpu(&vm, 0, 0x101));
		close(fd);
	}
	vm_close(&vm);
}

static void wake(int sig)
{
	(void)sig;
}

struct runner {
	struct vcpu *vcpu;
	pthread_t thread;
	int ret;
	bool done;
};

static void *run_vcpu(void *arg)
{
	struct runner *r = arg;

	do {
		r->ret = vcpu_run(r->vcpu);
	} while (!r->ret || (r->ret == -EINTR && !r->vcpu->run->immediate_exit));
	__atomic_store_n(&r->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static void runner_start(struct runner *r, struct vcpu *vcpu)
{
	r->vcpu = vcpu;
	r->done = false;
	vcpu_call(vcpu, guest_spin, vcpu->index);
	test_check(!pthread_create(&r->thread, NULL, run_vcpu, r));
	wait_for_ticks(vcpu->index);
}

static void runner_stop(struct runner *r)
{
	r->vcpu->run->immediate_exit = 1;
	pthread_kill(r->thread, SIGUSR1);
	pthread_join(r->thread, NULL);
}

/*
 * A vCPU that runs keeps itself and its VM when other threads close the files:
 * until the kernel restarts the call for reasons of its own, and finds no file.
 */
TEST_F(life, all_files_while_a_vcpu_runs)
{
	struct sigaction action = { .sa_handler = wake };
	struct runner runner;
	struct vcpu vcpu;
	struct vm vm;
	u64 before;

	sigaction(SIGUSR1, &action, NULL);
	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	runner_start(&runner, &vcpu);
	vm_close(&vm);
	close(vcpu.fd);
	before = ticks[0];
	usleep(50000);
	ticks[0] = 0;
	while (ticks_of(0) < 100 && !__atomic_load_n(&runner.done, __ATOMIC_SEQ_CST))
		usleep(1000);
	EXPECT_NE(0, before);
	EXPECT_EQ(1, read_number(MODULE_VMS));
	runner_stop(&runner);
	EXPECT_TRUE(runner.ret == -EINTR || runner.ret == -EBADF) {
		TH_LOG("RUN is %d", runner.ret);
	}
	munmap(vcpu.run, page_size());
	EXPECT_EQ(0, wait_for_number(MODULE_VMS, 0));
}

/* ---- two at once ------------------------------------------------------------------ */

/* The same addresses, other memory, on the same CPU: the VMID tells them apart. */
TEST_F(life, two_vms_with_the_same_addresses)
{
	u64 *mem[2], round;
	struct vcpu vcpus[2];
	struct vm vms[2];
	int i;

	pin_to_cpu(0);
	for (i = 0; i < 2; i++) {
		vm_init(&vms[i]);
		mem[i] = vm_add_memory(&vms[i], 0, GUEST_RAM, SLOT_SIZE);
		vms[i].nr_vcpus = i;
		vcpu_init(&vcpus[i], &vms[i], 0);
		vcpu_call(&vcpus[i], guest_read_ram);
	}
	for (round = 0; round < 300; round++) {
		for (i = 0; i < 2; i++) {
			*mem[i] = round << 8 | i;
			vcpu_expect_sync(&vcpus[i], 1);
			ASSERT_EQ(round << 8 | i, vcpu_sync_arg(&vcpus[i], 0));
		}
	}
	for (i = 0; i < 2; i++) {
		vcpu_close(&vcpus[i]);
		vm_close(&vms[i]);
	}
}

/* A VMID that is used again (VMIDs of 8 bits) has no translations left of the one before. */
TEST_F(life, memory_of_a_former_vm)
{
	u64 i;

	pin_to_cpu(0);
	for (i = 0; i < 300; i++) {
		struct vcpu vcpu;
		struct vm vm;
		u64 *mem;

		vm_init(&vm);
		mem = vm_add_memory(&vm, 0, GUEST_RAM, SLOT_SIZE);
		*mem = i;
		vcpu_init(&vcpu, &vm, 0);
		vcpu_call(&vcpu, guest_read_ram);
		vcpu_expect_sync(&vcpu, 1);
		ASSERT_EQ(i, vcpu_sync_arg(&vcpu, 0));
		/* Its memory stays with us: the next VM gets other pages. */
		vcpu_close(&vcpu);
		vm_close(&vm);
	}
}

/* ---- limits ------------------------------------------------------------------------- */

/* More than there are VMIDs of 8 bits, at once. */
#define ALIVE		280
#define PASSES		3

static void guest_reads_its_own(u64 address)
{
	for (;;)
		GUEST_SYNC_ARGS(1, guest_read64(address), 0, 0);
}

/*
 * All of them are alive, and take turns: by the time that one runs again, its VMID is
 * another's. Each has memory of its own at the same address, and a TLB that mistakes one
 * for another shows the other's.
 */
TEST_F(life, more_vms_than_vmids)
{
	static struct vcpu vcpus[ALIVE];
	static struct vm vms[ALIVE];
	struct rlimit limit = { .rlim_cur = 4 * ALIVE, .rlim_max = 4 * ALIVE };
	u64 page = page_size(), i, pass;
	u8 *mem = alloc_pages(ALIVE * page);

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	pin_to_cpu(0);
	for (i = 0; i < ALIVE; i++) {
		vm_init(&vms[i]);
		vcpu_init(&vcpus[i], &vms[i], 0);
		*(u64 *)(mem + i * page) = i;
		ASSERT_EQ(0, vm_set_slot(&vms[i], 0, 0, GUEST_RAM, page, mem + i * page));
		vcpu_call(&vcpus[i], guest_reads_its_own, GUEST_RAM);
	}
	for (pass = 0; pass < PASSES; pass++) {
		for (i = 0; i < ALIVE; i++) {
			vcpu_expect_sync(&vcpus[i], 1);
			ASSERT_EQ(i + 1000 * pass, vcpu_sync_arg(&vcpus[i], 0));
			*(u64 *)(mem + i * page) += 1000;
			/* Two on another CPU, too, each time. */
			pin_to_cpu(i % 7 == 0 && nr_cpus() > 1);
		}
	}
	for (i = 0; i < ALIVE; i++) {
		vcpu_close(&vcpus[i]);
		vm_close(&vms[i]);
	}
}

/* One after the other, while one runs all the time: the numbers come round again. */
TEST_F(life, thousands_of_vms)
{
	struct vcpu first, vcpu;
	u64 page = page_size(), i, *mem = alloc_pages(2 * page);
	struct vm own, vm;

	vm_init(&own);
	vcpu_init(&first, &own, 0);
	ASSERT_EQ(0, vm_set_slot(&own, 0, 0, GUEST_RAM, page, mem));
	vcpu_call(&first, guest_reads_its_own, GUEST_RAM);
	for (i = 0; i < 2000; i++) {
		u64 *other = (u64 *)((u8 *)mem + page);

		mem[0] = i;
		other[0] = ~i;
		vm_init(&vm);
		vcpu_init(&vcpu, &vm, 0);
		ASSERT_EQ(0, vm_set_slot(&vm, 0, 0, GUEST_RAM, page, other));
		vcpu_call(&vcpu, guest_reads_its_own, GUEST_RAM);
		vcpu_expect_sync(&vcpu, 1);
		ASSERT_EQ(~i, vcpu_sync_arg(&vcpu, 0));
		if (i % 50 == 0) {
			vcpu_expect_sync(&first, 1);
			ASSERT_EQ(i, vcpu_sync_arg(&first, 0));
		}
		vcpu_close(&vcpu);
		vm_close(&vm);
	}
	vcpu_close(&first);
	vm_close(&own);
}

/* What one takes before it has memory, in pages, with some room. */
#define VM_PAGES	8

/* As many as there can be: a host with memory for them (make check-lifecycle). */
TEST_F(life, so_many_vms_and_no_more)
{
	u64 max, need, page = page_size(), i;
	struct armvcpu_create_vm arg = { 0 };
	struct rlimit limit;
	int sys, fd, *fds;

	sys = sys_open();
	max = get_cap(sys, ARMVCPU_CAP_MAX_VMS);
	need = max * VM_PAGES * page / 1024;
	if (system_value("/proc/meminfo", "MemAvailable") < (long)need) {
		close(sys);
		SKIP(return, "%llu VMs need %llu MB", max, need / 1024);
	}
	limit.rlim_cur = max + 100;
	limit.rlim_max = max + 100;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	fds = calloc(max, sizeof(*fds));
	ASSERT_NE(NULL, fds);
	for (i = 0; i < max; i++) {
		fds[i] = xioctl(sys, ARMVCPU_CREATE_VM, &arg);
		ASSERT_LE(0, fds[i]);
	}
	EXPECT_EQ(max, (u64)read_number(MODULE_VMS));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-ENOSPC, xioctl(sys, ARMVCPU_CREATE_VM, &arg));
	EXPECT_EQ(max, (u64)read_number(MODULE_VMS));
	/* One that goes makes room for exactly one. */
	close(fds[max / 2]);
	fd = xioctl(sys, ARMVCPU_CREATE_VM, &arg);
	EXPECT_LE(0, fd);
	EXPECT_EQ(-ENOSPC, xioctl(sys, ARMVCPU_CREATE_VM, &arg));
	/* The last one that there is room for works as any other. */
	close(fd);
	check_vm();
	for (i = 0; i < max; i++) {
		if (i != max / 2)
			close(fds[i]);
	}
	free(fds);
	close(sys);
}

/* No descriptor is left for the VM, or for its vCPU: EMFILE, and nothing stays. */
TEST_F(life, descriptors_run_out)
{
	struct armvcpu_create_vm arg = { 0 };
	struct rlimit limit, saved;
	struct vm vm;
	int sys = sys_open(), i;

	vm_init_bare(&vm, 0);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &saved));
	limit = saved;
	limit.rlim_cur = vm.fd + 1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	/* More often than there are VMIDs and places for vCPUs. */
	for (i = 0; i < 300; i++) {
		ASSERT_EQ(-EMFILE, xioctl(sys, ARMVCPU_CREATE_VM, &arg));
		ASSERT_EQ(-EMFILE, vm_create_vcpu(&vm, 0, i & 0xff));
	}
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &saved));
	EXPECT_EQ(1, read_number(MODULE_VMS));
	/* Its MPIDR is free, too. */
	i = vm_create_vcpu(&vm, 0, 0);
	EXPECT_LE(0, i);
	close(i);
	vm_close(&vm);
	close(sys);
}

/* ---- other processes ------------------------------------------------------------------ */

static int try_everything(struct vm *vm, struct vcpu *vcpu)
{
	void *mem = alloc_pages(SLOT_SIZE);
	struct armvcpu_core_regs regs;
	struct armvcpu_cap cap = { .cap = ARMVCPU_CAP_MAX_VMS };

	if (vm_create_vcpu(vm, 0, 9) != -EIO)
		return 1;
	if (vm_set_slot(vm, 1, 0, GUEST_RAM, SLOT_SIZE, mem) != -EIO)
		return 2;
	if (vm_set_slot(vm, 0, 0, 0, 0, NULL) != -EIO)
		return 3;
	if (xioctl(vm->fd, ARMVCPU_CHECK_CAP, &cap) != -EIO)
		return 4;
	if (vcpu_run(vcpu) != -EIO)
		return 5;
	if (xioctl(vcpu->fd, ARMVCPU_GET_CORE_REGS, &regs) != -EIO)
		return 6;
	if (vcpu_line(vcpu, ARMVCPU_LINE_IRQ, 1) != -EIO)
		return 7;
	if (mmap(NULL, page_size(), PROT_READ, MAP_SHARED, vcpu->fd, 0) != MAP_FAILED ||
	    errno != EIO)
		return 8;
	/* The device is everybody's. */
	check_vm();
	return 0;
}

/* Its files mean nothing to a child, nor does the child's end to the VM. */
TEST_F(life, child_gets_eio)
{
	struct vcpu vcpu;
	struct vm vm;
	int status;
	pid_t pid;
	u64 *mem;

	vm_init(&vm);
	mem = vm_add_memory(&vm, 0, GUEST_RAM, SLOT_SIZE);
	*mem = 99;
	vcpu_init(&vcpu, &vm, 0);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(try_everything(&vm, &vcpu));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(1, read_number(MODULE_VMS));
	vcpu_call(&vcpu, guest_read_ram);
	vcpu_expect_sync(&vcpu, 1);
	EXPECT_EQ(99, vcpu_sync_arg(&vcpu, 0));
	vcpu_close(&vcpu);
	vm_close(&vm);
}

/* ---- killed ------------------------------------------------------------------------------ */

/* What the VMM that is killed shares with the one that kills it. */
struct shared {
	u64 ready;
	pid_t grandchild;
};

static void vmm_ready(struct shared *shared)
{
	__atomic_store_n(&shared->ready, 1, __ATOMIC_SEQ_CST);
}

/* In the guest all the time. */
static void vmm_spins(struct shared *shared)
{
	struct runner runner;
	struct vcpu vcpu;
	struct vm vm;

	vm_init(&vm);
	vm_add_memory(&vm, 0, GUEST_RAM, 0x40000);
	vcpu_init(&vcpu, &vm, 0);
	vcpu_call(&vcpu, guest_touch, GUEST_RAM, 0x40000);
	vcpu_expect_sync(&vcpu, 1);
	vmm_ready(shared);
	vcpu_call(&vcpu, guest_spin, 0);
	runner.vcpu = &vcpu;
	run_vcpu(&runner);
}

static void vmm_spins_with_threads(struct shared *shared)
{
	struct runner runners[3];
	struct vcpu vcpus[3];
	struct vm vm;
	int i;

	vm_init(&vm);
	for (i = 0; i < 3; i++) {
		vcpu_init(&vcpus[i], &vm, 0);
		runner_start(&runners[i], &vcpus[i]);
	}
	vmm_ready(shared);
	pause();
}

static void vmm_creates_and_closes(struct shared *shared)
{
	for (;;) {
		check_vm();
		vmm_ready(shared);
	}
}

static void vmm_pins_and_unpins(struct shared *shared)
{
	u64 size = 0x200000;
	void *mem = alloc_pages(size);
	struct vcpu vcpu;
	struct vm vm;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	for (;;) {
		test_check(!vm_set_slot(&vm, 0, 0, GUEST_RAM, size, mem));
		vcpu_call(&vcpu, guest_touch, GUEST_RAM, 0x40000);
		vcpu_expect_sync(&vcpu, 1);
		vmm_ready(shared);
		test_check(!vm_set_slot(&vm, 0, 0, 0, 0, NULL));
	}
}

/* A child has the files, and thereby the VM, until it ends as well. */
static void vmm_with_a_child(struct shared *shared)
{
	struct runner runner;
	struct vcpu vcpu;
	struct vm vm;
	pid_t pid;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	pid = fork();
	test_check(pid >= 0);
	if (!pid) {
		/* It has the files, but not the run page, which is its parent's. */
		if (!msync(vcpu.run, page_size(), MS_ASYNC) || errno != ENOMEM)
			_exit(1);
		for (;;)
			pause();
	}
	shared->grandchild = pid;
	vmm_ready(shared);
	vcpu_call(&vcpu, guest_spin, 0);
	runner.vcpu = &vcpu;
	run_vcpu(&runner);
}

FIXTURE(killed) {
	struct shared *shared;
	long refs;
};

FIXTURE_VARIANT(killed) {
	void (*vmm)(struct shared *shared);
};

FIXTURE_VARIANT_ADD(killed, in_the_guest) { .vmm = vmm_spins };
FIXTURE_VARIANT_ADD(killed, with_threads) { .vmm = vmm_spins_with_threads };
FIXTURE_VARIANT_ADD(killed, at_create_or_close) { .vmm = vmm_creates_and_closes };
FIXTURE_VARIANT_ADD(killed, at_slots) { .vmm = vmm_pins_and_unpins };
FIXTURE_VARIANT_ADD(killed, with_a_child) { .vmm = vmm_with_a_child };

FIXTURE_SETUP(killed)
{
	self->shared = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
	ASSERT_EQ(0, wait_for_number(MODULE_VMS, 0));
	self->refs = read_number(MODULE_REFCNT);
}

FIXTURE_TEARDOWN(killed)
{
	check_vm();
}

static void kill_one(struct shared *shared, void (*vmm)(struct shared *shared), unsigned int delay)
{
	int status;
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	pid = fork();
	test_check(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		vmm(shared);
		_exit(1);
	}
	while (!__atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST)) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			test_fail("the VMM ended by itself, 0x%x", status);
		usleep(500);
	}
	usleep(delay);
	kill(pid, SIGKILL);
	test_check(waitpid(pid, &status, 0) == pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		test_fail("the VMM ended by itself, 0x%x", status);
	if (!shared->grandchild)
		return;
	if (read_number(MODULE_VMS) != 1)
		test_fail("%ld VMs while a child has the files", read_number(MODULE_VMS));
	kill(shared->grandchild, SIGKILL);
}

/* In half a second: what waits for a grace period is free at its end. */
static long most_free_pages(void)
{
	long most = 0, pages;
	int i;

	for (i = 0; i < 10; i++) {
		pages = free_pages();
		if (pages > most)
			most = pages;
		usleep(50000);
	}
	return most;
}

/* Of each kind; what is lost for other reasons is a page or two. */
#define KILLS_BEFORE	10
#define KILLS		30
#define PAGES_LOST	20

/* A page for each kill shows, and so does a VM or a reference. */
TEST_F(killed, leaves_nothing)
{
	long before = 0, after = 0;
	unsigned int i;

	for (i = 0; i < KILLS_BEFORE + KILLS; i++) {
		if (i == KILLS_BEFORE && !kasan)
			before = most_free_pages();
		kill_one(self->shared, variant->vmm, i * 131 % 5000);
		ASSERT_EQ(0, wait_for_number(MODULE_VMS, 0));
	}
	/* What is free only after a grace period may take its time, a leak stays. */
	for (i = 0; i < 50 && !kasan; i++) {
		after = free_pages();
		if (before - after < PAGES_LOST)
			break;
		usleep(100000);
	}
	EXPECT_EQ(self->refs, wait_for_number(MODULE_REFCNT, self->refs));
	/* KASAN keeps freed memory for a while, by the megabyte: no pages to count. */
	if (!kasan) {
		fprintf(stderr, "# %ld pages less are free after %d kills\n", before - after,
			KILLS);
		EXPECT_GT(PAGES_LOST, before - after);
	}
}

int main(int argc, char **argv)
{
	module_tests_begin();
	kasan = has_kasan();
	return harness_run(argc, argv);
}
