// SPDX-License-Identifier: GPL-2.0
/*
 * What the scripts of this directory need in the host: the module's system
 * calls with their error, and a VM that computes.
 */
#include <linux/kvm.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "host/module.h"
#include "system.h"

static void usage(FILE *f)
{
	fputs("modtool load [PARAMETERS] | unload | vm | holders | victim | kvm | compute FILE |\n"
	      "        allocations | faults FROM\n"
	      "\n"
	      "  load     finit_module() of " MODULE_FILE "\n"
	      "  unload   delete_module()\n"
	      "  vm       make a VM, let it compute, check the sum\n"
	      "  holders  try to unload the module with each kind of its files open\n"
	      "  victim   make a VM that has to die of a fault at EL2 (debugfs: provoke)\n"
	      "  kvm      make a VM by KVM, whose guest runs; kvm idle: it does not\n"
	      "  compute  a vCPU on each CPU computes until there is a FILE; check all sums\n"
	      "  allocations  how many a load makes, to its end or its failure\n"
	      "  faults   load with one allocation after the other that fails, from a number on\n"
	      "\n"
	      "load and unload print the error's name and exit with its number.\n", f);
}

static int report(const char *what, int ret)
{
	if (ret)
		printf("%s: %s\n", what, strerrorname_np(-ret));
	return -ret;
}

static void guest_sum(u64 count)
{
	u64 i, sum = 0;

	for (i = 1; i <= count; i++) {
		sum += i;
		asm volatile("" : "+r"(sum));
	}
	GUEST_SYNC_ARGS(1, sum, 0, 0);
}

static int run_vm(void)
{
	struct vcpu vcpu;
	struct vm vm;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	vcpu_call(&vcpu, guest_sum, 1000);
	vcpu_expect_sync(&vcpu, 1);
	if (vcpu_sync_arg(&vcpu, 0) != 500500)
		test_fail("the guest's sum is %llu", vcpu_sync_arg(&vcpu, 0));
	vcpu_close(&vcpu);
	vm_close(&vm);
	return 0;
}

static int run_victim(void)
{
	struct vcpu vcpu;
	struct vm vm;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	vcpu_call(&vcpu, guest_sum, 1000);
	vcpu_expect(&vcpu, ARMVCPU_EXIT_FAIL);
	if (vcpu.run->u.fail.reason != ARMVCPU_FAIL_EL2)
		test_fail("it failed for another reason, %u", vcpu.run->u.fail.reason);
	if (vcpu_run(&vcpu) != -ENODEV)
		test_fail("it is not dead");
	return 0;
}

static void expect_busy(const char *what)
{
	int ret = module_unload();

	if (ret != -EAGAIN)
		test_fail("unload with %s open: %s, not EAGAIN", what,
			  ret ? strerrorname_np(-ret) : "done");
	printf("%s: EAGAIN\n", what);
}

/* Closed one by one, the mapping last. */
static int try_holders(void)
{
	struct vcpu vcpu;
	struct vm vm;
	u64 size;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	size = get_cap(vm.sys, ARMVCPU_CAP_RUN_SIZE);
	expect_busy("everything");
	close(vcpu.fd);
	munmap(vcpu.run, size);
	close(vm.fd);
	expect_busy("the device");
	close(vm.sys);

	vm_init(&vm);
	close(vm.sys);
	expect_busy("the VM");
	vm.sys = sys_open();
	vcpu_init(&vcpu, &vm, 0);
	vm_close(&vm);
	expect_busy("the vCPU");
	close(vcpu.fd);
	expect_busy("the vCPU's mapping");
	munmap(vcpu.run, size);
	return report("unload", module_unload());
}

/* ---- KVM --------------------------------------------------------------------------- */

#define KVM_IPA		0x80000000UL
#define KVM_DEVICE	0x10000000UL
#define KVM_FIRST	0x4711U

/* Stores a number to where no memory is, and the next one, and so on. */
static const u32 kvm_guest[] = {
	0xd2a20001,	/* movz x1, #0x1000, lsl #16 */
	0x5288e220,	/* movz w0, #0x4711 */
	0xb9000020,	/* str w0, [x1] */
	0x11000400,	/* add w0, w0, #1 */
	0x17fffffe,	/* b .-8 */
};

static int kvm_ioctl(int fd, unsigned long request, void *arg, const char *name)
{
	int ret = ioctl(fd, request, arg);

	if (ret < 0)
		test_fail("%s: %m", name);
	return ret;
}

#define kvm_ioctl(fd, request, arg) kvm_ioctl(fd, request, (void *)(arg), #request)

static int run_kvm(u32 runs)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, vcpu;
	struct kvm_userspace_memory_region slot = {
		.guest_phys_addr = KVM_IPA, .memory_size = page_size(),
	};
	u64 pc = KVM_IPA;
	struct kvm_one_reg reg = {
		.id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |
		      KVM_REG_ARM_CORE_REG(regs.pc),
		.addr = (u64)&pc,
	};
	struct kvm_vcpu_init init;
	struct kvm_run *run;
	u32 i, value;
	void *mem;

	if (kvm < 0)
		test_fail("/dev/kvm: %m");
	mem = alloc_pages(page_size());
	memcpy(mem, kvm_guest, sizeof(kvm_guest));
	slot.userspace_addr = (u64)mem;
	vm = kvm_ioctl(kvm, KVM_CREATE_VM, 0);
	kvm_ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot);
	vcpu = kvm_ioctl(vm, KVM_CREATE_VCPU, 0);
	kvm_ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init);
	kvm_ioctl(vcpu, KVM_ARM_VCPU_INIT, &init);
	kvm_ioctl(vcpu, KVM_SET_ONE_REG, &reg);
	run = mmap(NULL, kvm_ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
		   MAP_SHARED, vcpu, 0);
	test_check(run != MAP_FAILED);
	for (i = 0; i < runs; i++) {
		kvm_ioctl(vcpu, KVM_RUN, 0);
		memcpy(&value, run->mmio.data, sizeof(value));
		if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.phys_addr != KVM_DEVICE ||
		    run->mmio.len != sizeof(value) || !run->mmio.is_write ||
		    value != KVM_FIRST + i)
			test_fail("KVM_RUN: exit %u, not the guest's store %u", run->exit_reason,
				  i);
	}
	return 0;
}

/* ---- compute: VMs that live while the host does something ------------------------ */

static struct {
	u64 rounds;
	u64 sum;
} progress[GUEST_MAX_CPUS];

static u64 stop;

static u64 next(u64 x, u64 round)
{
	return (x ^ x >> 29) * 6364136223846793005UL + round;
}

/* In a register, in memory and in an FP register; and time does not go back. */
static void guest_compute(u64 index)
{
	u64 x = index, round = 0, fp = index, now, last = 0;

	asm volatile("fmov d20, %0" : : "r"(fp));
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		round++;
		x = next(x, round);
		progress[index].sum = next(progress[index].sum, round);
		asm volatile("fmov %0, d20" : "=r"(fp));
		fp = next(fp, round);
		asm volatile("fmov d20, %0" : : "r"(fp));
		GUEST_ASSERT_EQ(x, fp);
		now = read_sysreg(cntvct_el0);
		GUEST_ASSERT(now >= last);
		last = now;
		__atomic_store_n(&progress[index].rounds, round, __ATOMIC_RELEASE);
	}
	GUEST_SYNC_ARGS(1, round, x, progress[index].sum);
}

struct runner {
	struct vm vm;
	struct vcpu vcpu;
	pthread_t thread;
	int cpu;
	int ret;
};

static void *run_vcpu(void *arg)
{
	struct runner *r = arg;

	pin_to_cpu(r->cpu);
	do {
		r->ret = vcpu_run(&r->vcpu);
	} while (r->ret == -EINTR);
	return NULL;
}

static void wait_for_rounds(u64 index, u64 more)
{
	u64 start = __atomic_load_n(&progress[index].rounds, __ATOMIC_ACQUIRE);
	int tries = 60000;

	while (__atomic_load_n(&progress[index].rounds, __ATOMIC_ACQUIRE) < start + more) {
		usleep(1000);
		if (!--tries)
			test_fail("vCPU %llu does not go on", index);
	}
}

static void check_sums(struct runner *r)
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
	if (x != vcpu_sync_arg(&r->vcpu, 1) || sum != vcpu_sync_arg(&r->vcpu, 2))
		test_fail("vCPU %llu has miscounted", index);
	printf("vCPU %llu: %llu rounds\n", index, vcpu_sync_arg(&r->vcpu, 0));
}

/* Each has a VM of its own. */
static int compute(const char *file)
{
	static struct runner runners[GUEST_MAX_CPUS];
	int count = nr_cpus() < GUEST_MAX_CPUS ? nr_cpus() : GUEST_MAX_CPUS, i;

	for (i = 0; i < count; i++) {
		runners[i].cpu = i;
		vm_init(&runners[i].vm);
		runners[i].vm.nr_vcpus = i;
		vcpu_init(&runners[i].vcpu, &runners[i].vm, 0);
		vcpu_call(&runners[i].vcpu, guest_compute, i);
		test_check(!pthread_create(&runners[i].thread, NULL, run_vcpu, &runners[i]));
	}
	for (i = 0; i < count; i++)
		wait_for_rounds(i, 100);
	puts("computing");
	fflush(stdout);
	while (access(file, F_OK))
		usleep(10000);
	/* They have not only been, they are. */
	for (i = 0; i < count; i++)
		wait_for_rounds(i, 100);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < count; i++)
		check_sums(&runners[i]);
	return 0;
}

/* ---- faults: allocations that fail, one after the other --------------------------- */

#define PROBE_REGS	"/sys/kernel/debug/el2probe/regs"
#define NEVER		100000000

/* What a load leaves behind, or "". */
static const char *left_behind(void)
{
	static const char * const paths[] = {
		"/dev/armvcpu", "/sys/module/armvcpu", "/sys/kernel/debug/armvcpu",
	};
	static const char * const lists[] = { "/proc/interrupts", "/proc/misc" };
	char line[512];
	unsigned int i;
	FILE *f;

	for (i = 0; i < ARRAY_SIZE(paths); i++)
		if (!access(paths[i], F_OK))
			return paths[i];
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		f = fopen(lists[i], "re");
		test_check(f);
		while (fgets(line, sizeof(line), f)) {
			if (strstr(line, MODULE_NAME)) {
				fclose(f);
				return lists[i];
			}
		}
		fclose(f);
	}
	return "";
}

static void read_regs(char *text, size_t size)
{
	int fd = open(PROBE_REGS, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n;

	if (fd < 0)
		test_fail(PROBE_REGS ": %m");
	while ((n = read(fd, text + used, size - 1 - used)) > 0)
		used += n;
	if (n < 0)
		test_fail(PROBE_REGS ": %m");
	text[used] = 0;
	close(fd);
}

/* The load's error, and how many allocations were left of @nth; 0: one has failed. */
static int load_with_fault(const char *params, long nth, long *left)
{
	int module = open(MODULE_FILE, O_RDONLY | O_CLOEXEC), ret;

	test_check(module >= 0);
	faults_arm(nth);
	ret = syscall(SYS_finit_module, module, params, 0) ? -errno : 0;
	*left = faults_disarm();
	close(module);
	return ret;
}

static int need_faults(void)
{
	if (faults_begin())
		return 0;
	puts("this kernel cannot make allocations fail");
	return 4;
}

static int count_allocations(void)
{
	int ret = need_faults();
	long left;

	if (ret)
		return ret;
	if (!load_with_fault("", NEVER, &left))
		test_check(!module_unload());
	printf("%ld\n", NEVER - left);
	return 0;
}

/* Whether an error of the module's (level 3) has been logged since it was asked last. */
static bool error_is_told(int log)
{
	char record[2048];
	bool told = false;
	ssize_t n;

	/* EPIPE: records are gone that nobody has read. */
	while ((n = read(log, record, sizeof(record) - 1)) >= 0 || errno == EPIPE) {
		record[n > 0 ? n : 0] = '\0';
		told |= !strncmp(record, "3,", 2) && strstr(record, ";armvcpu: ");
	}
	test_check(errno == EAGAIN);
	return told;
}

static int try_faults(long from)
{
	static char before[65536], after[65536];
	long nth, left, failed = 0, survived = 0;
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	const char *leftover;
	int ret = need_faults();
	bool told, begun = false;

	if (ret)
		return ret;
	test_check(from > 0);
	test_check(log >= 0 && lseek(log, 0, SEEK_END) >= 0);
	read_regs(before, sizeof(before));
	for (nth = from;; nth++) {
		ret = load_with_fault("debug=1", nth, &left);
		if (!ret) {
			run_vm();
			test_check(!module_unload());
		} else if (ret != -ENOMEM) {
			test_fail("without allocation %ld: %s", nth, strerrorname_np(-ret));
		}
		/* The first allocations are the kernel's, of which the module knows nothing. */
		told = error_is_told(log);
		if (ret && begun && !told)
			test_fail("without allocation %ld: ENOMEM, and no word why", nth);
		begun |= ret && told;
		leftover = left_behind();
		if (*leftover)
			test_fail("without allocation %ld, %s is left", nth, leftover);
		read_regs(after, sizeof(after));
		if (strcmp(before, after))
			test_fail("without allocation %ld EL2 is not as it was:\n%s\nnot:\n%s",
				  nth, after, before);
		if (left)
			break;
		if (ret)
			failed++;
		else
			survived++;
	}
	if (ret)
		test_fail("with all its memory the load is %s", strerrorname_np(-ret));
	test_check(begun);
	close(log);
	printf("%ld allocations failed in turn: %ld loads are ENOMEM, %ld go on without\n",
	       failed + survived, failed, survived);
	/* Two interrupts, EL2's image, its tables and stacks, the device: it was about these. */
	test_check(failed > 5);
	return 0;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "load"))
		return report("load", module_load(argc > 2 ? argv[2] : ""));
	if (!strcmp(command, "unload"))
		return report("unload", module_unload());
	if (!strcmp(command, "vm"))
		return run_vm();
	if (!strcmp(command, "holders"))
		return try_holders();
	if (!strcmp(command, "victim"))
		return run_victim();
	if (!strcmp(command, "kvm"))
		return run_kvm(argc > 2 ? 0 : 3);
	if (!strcmp(command, "compute") && argc > 2)
		return compute(argv[2]);
	if (!strcmp(command, "allocations"))
		return count_allocations();
	if (!strcmp(command, "faults") && argc > 2)
		return try_faults(atol(argv[2]));
	usage(strcmp(command, "--help") ? stderr : stdout);
	return strcmp(command, "--help") ? 255 : 0;
}
