// SPDX-License-Identifier: GPL-2.0
/* VMs and vCPUs by plain ioctls; see vm.h. */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "vm.h"

/* In the program, hence in the guest. */
static u8 guest_stacks[GUEST_MAX_CPUS][GUEST_STACK_SIZE] __aligned(4096);

void __test_fail(const char *file, int line, const char *format, ...)
{
	int saved_errno = errno;
	va_list args;

	fprintf(stderr, "# %s:%d: ", file, line);
	va_start(args, format);
	errno = saved_errno;
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(1);
}

/* ---- files ---------------------------------------------------------------- */

int xioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

int sys_open(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		test_fail("%s: %m", DEVICE);
	return fd;
}

u64 get_cap(int fd, u32 cap)
{
	struct armvcpu_cap arg = { .cap = cap };
	int ret = xioctl(fd, ARMVCPU_CHECK_CAP, &arg);

	if (ret)
		test_fail("capability %u: %s", cap, strerror(-ret));
	return arg.value;
}

/* ---- VMs ------------------------------------------------------------------ */

void vm_init_bare(struct vm *vm, u32 ipa_bits)
{
	struct armvcpu_create_vm arg = { .ipa_bits = ipa_bits };

	memset(vm, 0, sizeof(*vm));
	vm->sys = sys_open();
	vm->next_slot = get_cap(vm->sys, ARMVCPU_CAP_MAX_SLOTS);
	vm->fd = xioctl(vm->sys, ARMVCPU_CREATE_VM, &arg);
	if (vm->fd < 0)
		test_fail("ARMVCPU_CREATE_VM: %s", strerror(-vm->fd));
}

int vm_set_slot(struct vm *vm, u32 slot, u32 flags, u64 ipa, u64 size, const void *mem)
{
	struct armvcpu_mem_slot arg = {
		.slot = slot, .flags = flags, .ipa = ipa, .size = size, .uaddr = (u64)mem,
	};

	return xioctl(vm->fd, ARMVCPU_SET_MEM_SLOT, &arg);
}

/* Each loadable segment at its own address. */
static int add_segments(struct dl_phdr_info *info, size_t size, void *arg)
{
	u64 mask = page_size() - 1;
	struct vm *vm = arg;
	unsigned int i;

	(void)size;
	for (i = 0; i < info->dlpi_phnum; i++) {
		u64 start = info->dlpi_phdr[i].p_vaddr;
		u64 end = start + info->dlpi_phdr[i].p_memsz;
		bool writable = info->dlpi_phdr[i].p_flags & PF_W;
		int ret;

		if (info->dlpi_phdr[i].p_type != PT_LOAD)
			continue;
		start &= ~mask;
		end = (end + mask) & ~mask;
		ret = vm_set_slot(vm, --vm->next_slot, writable ? 0 : ARMVCPU_SLOT_READONLY,
				  start, end - start, (void *)start);
		if (ret)
			test_fail("the program as guest memory, 0x%llx..0x%llx: %s",
				  start, end, strerror(-ret));
	}
	return 1;
}

void vm_add_program(struct vm *vm)
{
	dl_iterate_phdr(add_segments, vm);
}

void vm_init(struct vm *vm)
{
	guest_pt_init();
	vm_init_bare(vm, 0);
	vm_add_program(vm);
}

void vm_close(struct vm *vm)
{
	close(vm->fd);
	close(vm->sys);
}

void *vm_add_memory(struct vm *vm, u32 slot, u64 ipa, u64 size)
{
	void *mem = alloc_pages(size);
	int ret = vm_set_slot(vm, slot, 0, ipa, size, mem);

	if (ret)
		test_fail("slot %u: %s", slot, strerror(-ret));
	return mem;
}

/* ---- vCPUs ---------------------------------------------------------------- */

int vm_create_vcpu(struct vm *vm, u32 flags, u64 mpidr)
{
	struct armvcpu_create_vcpu arg = { .flags = flags, .mpidr = mpidr };

	return xioctl(vm->fd, ARMVCPU_CREATE_VCPU, &arg);
}

void vcpu_open(struct vcpu *vcpu, struct vm *vm, int fd)
{
	if (fd < 0)
		test_fail("ARMVCPU_CREATE_VCPU: %s", strerror(-fd));
	vcpu->vm = vm;
	vcpu->fd = fd;
	vcpu->run = mmap(NULL, get_cap(vm->sys, ARMVCPU_CAP_RUN_SIZE), PROT_READ | PROT_WRITE,
			 MAP_SHARED, fd, 0);
	if (vcpu->run == MAP_FAILED)
		test_fail("mmap of a vCPU: %m");
}

void vcpu_init(struct vcpu *vcpu, struct vm *vm, u32 flags)
{
	vcpu->index = vm->nr_vcpus++;
	vcpu_open(vcpu, vm, vm_create_vcpu(vm, flags, vcpu->index));
}

void vcpu_close(struct vcpu *vcpu)
{
	munmap(vcpu->run, get_cap(vcpu->vm->sys, ARMVCPU_CAP_RUN_SIZE));
	close(vcpu->fd);
}

void vcpu_start(struct vcpu *vcpu, bool mmu, const void *fn, const u64 *args, unsigned int count)
{
	struct armvcpu_core_regs regs = {
		.pc = (u64)guest_start,
		.pstate = PSTATE_RESET,
		.sp_el1 = (u64)guest_stacks[vcpu->index % GUEST_MAX_CPUS] + GUEST_STACK_SIZE,
	};
	unsigned int i;

	for (i = 0; i < count; i++)
		regs.x[i] = args[i];
	regs.x[19] = (u64)fn;
	regs.x[20] = mmu ? guest_pt_root() : 0;
	vcpu_set_regs(vcpu, &regs);
}

void vcpu_get_regs(struct vcpu *vcpu, struct armvcpu_core_regs *regs)
{
	int ret = xioctl(vcpu->fd, ARMVCPU_GET_CORE_REGS, regs);

	if (ret)
		test_fail("ARMVCPU_GET_CORE_REGS: %s", strerror(-ret));
}

void vcpu_set_regs(struct vcpu *vcpu, const struct armvcpu_core_regs *regs)
{
	int ret = xioctl(vcpu->fd, ARMVCPU_SET_CORE_REGS, (void *)regs);

	if (ret)
		test_fail("ARMVCPU_SET_CORE_REGS: %s", strerror(-ret));
}

int vcpu_try_get(struct vcpu *vcpu, u32 id, u64 *value)
{
	struct armvcpu_one_reg arg = { .id = id, .value = POISON };
	int ret = xioctl(vcpu->fd, ARMVCPU_GET_ONE_REG, &arg);

	*value = arg.value;
	return ret;
}

int vcpu_try_set(struct vcpu *vcpu, u32 id, u64 value)
{
	struct armvcpu_one_reg arg = { .id = id, .value = value };

	return xioctl(vcpu->fd, ARMVCPU_SET_ONE_REG, &arg);
}

u64 vcpu_get(struct vcpu *vcpu, u32 id)
{
	u64 value;
	int ret = vcpu_try_get(vcpu, id, &value);

	if (ret)
		test_fail("get register 0x%x: %s", id, strerror(-ret));
	return value;
}

void vcpu_set(struct vcpu *vcpu, u32 id, u64 value)
{
	int ret = vcpu_try_set(vcpu, id, value);

	if (ret)
		test_fail("set register 0x%x to 0x%llx: %s", id, value, strerror(-ret));
}

u32 *vcpu_reg_list(struct vcpu *vcpu, u32 *count)
{
	struct armvcpu_reg_list list = { .count = 0 };
	u32 *ids;
	int ret;

	ret = xioctl(vcpu->fd, ARMVCPU_GET_REG_LIST, &list);
	if (ret != -E2BIG || !list.count)
		test_fail("ARMVCPU_GET_REG_LIST without room: %d, %u", ret, list.count);
	ids = calloc(list.count, sizeof(*ids));
	test_check(ids);
	list.ids = (u64)ids;
	ret = xioctl(vcpu->fd, ARMVCPU_GET_REG_LIST, &list);
	if (ret)
		test_fail("ARMVCPU_GET_REG_LIST: %s", strerror(-ret));
	*count = list.count;
	return ids;
}

#define ID_AA64ISAR1		ARMVCPU_REG_SYS(3, 0, 0, 6, 1)
#define ID_AA64ISAR2		ARMVCPU_REG_SYS(3, 0, 0, 6, 2)
/* APA, API, GPA, GPI; GPA3, APA3 */
#define ISAR1_PAUTH		0xff000ff0UL
#define ISAR2_PAUTH		0xff00UL

bool vcpu_has_pauth(struct vcpu *vcpu)
{
	return vcpu_get(vcpu, ID_AA64ISAR1) & ISAR1_PAUTH ||
	       vcpu_get(vcpu, ID_AA64ISAR2) & ISAR2_PAUTH;
}

void vcpu_hide_pauth(struct vcpu *vcpu)
{
	vcpu_set(vcpu, ID_AA64ISAR1, vcpu_get(vcpu, ID_AA64ISAR1) & ~ISAR1_PAUTH);
	vcpu_set(vcpu, ID_AA64ISAR2, vcpu_get(vcpu, ID_AA64ISAR2) & ~ISAR2_PAUTH);
}

int vcpu_inject(struct vcpu *vcpu, u32 type, u64 far)
{
	struct armvcpu_inject arg = { .type = type, .far = far };

	return xioctl(vcpu->fd, ARMVCPU_INJECT, &arg);
}

int vcpu_line(struct vcpu *vcpu, u32 line, u32 level)
{
	struct armvcpu_irq_line arg = { .line = line, .level = level };

	return xioctl(vcpu->fd, ARMVCPU_SET_IRQ_LINE, &arg);
}

int vcpu_power(struct vcpu *vcpu)
{
	struct armvcpu_power arg = { .state = ~0U };
	int ret = xioctl(vcpu->fd, ARMVCPU_GET_POWER, &arg);

	if (ret)
		test_fail("ARMVCPU_GET_POWER: %s", strerror(-ret));
	return arg.state;
}

/* ---- running -------------------------------------------------------------- */

int vcpu_run(struct vcpu *vcpu)
{
	return xioctl(vcpu->fd, ARMVCPU_RUN, NULL);
}

int vcpu_run_exit(struct vcpu *vcpu)
{
	int tries = 100000, ret;

	do {
		ret = vcpu_run(vcpu);
	} while (ret == -EINTR && --tries);
	return ret;
}

static void run_to_exit(struct vcpu *vcpu, const char *file, int line)
{
	int ret = vcpu_run_exit(vcpu);

	if (ret)
		__test_fail(file, line, "ARMVCPU_RUN: %s", strerror(-ret));
}

bool vcpu_is_ucall(const struct vcpu *vcpu)
{
	return vcpu->run->exit_reason == ARMVCPU_EXIT_HYPERCALL &&
	       vcpu->run->u.call.imm == UCALL_IMM;
}

u64 vcpu_sync_arg(const struct vcpu *vcpu, unsigned int index)
{
	return vcpu->run->x[2 + index];
}

void vcpu_print_exit(const struct vcpu *vcpu)
{
	static const char * const names[] = {
		"NONE", "INTR", "MMIO", "ABORT", "SYSREG", "HYPERCALL", "SMC", "PSCI", "WFX",
		"DEBUG", "FAIL", "DIRTY_RING_FULL",
	};
	const struct armvcpu_run *run = vcpu->run;
	u32 reason = run->exit_reason;

	fprintf(stderr, "# vcpu %u: exit %u (%s) pc 0x%llx pstate 0x%llx esr 0x%llx",
		vcpu->index, reason, reason < ARRAY_SIZE(names) ? names[reason] : "?",
		run->pc, run->pstate, run->esr);
	fprintf(stderr, " far 0x%llx hpfar 0x%llx x0 0x%llx\n", run->far, run->hpfar, run->x[0]);
	if (vcpu_is_ucall(vcpu)) {
		switch (run->u.call.nr) {
		case UCALL_DONE:
			fprintf(stderr, "#   the guest is done\n");
			break;
		case UCALL_SYNC:
			fprintf(stderr, "#   the guest is at stage 0x%llx (0x%llx 0x%llx 0x%llx)\n",
				run->x[1], run->x[2], run->x[3], run->x[4]);
			break;
		case UCALL_ASSERT:
			fprintf(stderr, "#   guest: %s:%llu: %s (0x%llx, 0x%llx)\n",
				(const char *)run->x[2], run->x[3], (const char *)run->x[1],
				run->x[4], run->x[5]);
			break;
		case UCALL_EXCEPTION:
			fprintf(stderr, "#   the guest took vector %llu esr 0x%llx", run->x[1],
				run->x[2]);
			fprintf(stderr, " elr 0x%llx far 0x%llx\n", run->x[3], run->x[4]);
			break;
		}
	} else if (reason == ARMVCPU_EXIT_MMIO) {
		fprintf(stderr, "#   ipa 0x%llx data 0x%llx len %u write %u", run->u.mmio.ipa,
			run->u.mmio.data, run->u.mmio.len, run->u.mmio.is_write);
		fprintf(stderr, " sign %u reg64 %u reg %u\n", run->u.mmio.sign_extend,
			run->u.mmio.reg64, run->u.mmio.reg);
	} else if (reason == ARMVCPU_EXIT_ABORT) {
		fprintf(stderr, "#   ipa 0x%llx flags 0x%x insn 0x%08x\n", run->u.abort.ipa,
			run->u.abort.flags, run->u.abort.insn);
	} else if (reason == ARMVCPU_EXIT_SYSREG) {
		fprintf(stderr, "#   reg 0x%x write %u rt %u data 0x%llx\n", run->u.sysreg.reg,
			run->u.sysreg.is_write, run->u.sysreg.rt, run->u.sysreg.data);
	} else if (reason == ARMVCPU_EXIT_HYPERCALL || reason == ARMVCPU_EXIT_SMC) {
		fprintf(stderr, "#   nr 0x%llx imm 0x%x\n", run->u.call.nr, run->u.call.imm);
	} else if (reason == ARMVCPU_EXIT_FAIL) {
		fprintf(stderr, "#   reason %u err %u\n", run->u.fail.reason, run->u.fail.err);
	}
}

void __vcpu_expect(struct vcpu *vcpu, u32 reason, const char *file, int line)
{
	run_to_exit(vcpu, file, line);
	if (vcpu->run->exit_reason == reason &&
	    (reason != ARMVCPU_EXIT_HYPERCALL || !vcpu_is_ucall(vcpu)))
		return;
	vcpu_print_exit(vcpu);
	__test_fail(file, line, "expected exit %u", reason);
}

static void expect_ucall(struct vcpu *vcpu, u64 id, u64 n, const char *file, int line)
{
	run_to_exit(vcpu, file, line);
	if (vcpu_is_ucall(vcpu) && vcpu->run->u.call.nr == id &&
	    (id != UCALL_SYNC || vcpu->run->x[1] == n))
		return;
	vcpu_print_exit(vcpu);
	__test_fail(file, line, "expected the guest's %s 0x%llx",
		    id == UCALL_SYNC ? "GUEST_SYNC" : "GUEST_DONE", n);
}

void __vcpu_expect_sync(struct vcpu *vcpu, u64 n, const char *file, int line)
{
	expect_ucall(vcpu, UCALL_SYNC, n, file, line);
}

void __vcpu_expect_done(struct vcpu *vcpu, const char *file, int line)
{
	expect_ucall(vcpu, UCALL_DONE, 0, file, line);
}

/* ---- odds and ends -------------------------------------------------------- */

u64 page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

void *alloc_pages(u64 size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	test_check(mem != MAP_FAILED);
	return mem;
}

u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000UL + ts.tv_nsec;
}

/* The calling thread; any CPU again for -1. */
void pin_to_cpu(int cpu)
{
	cpu_set_t set;
	int i;

	CPU_ZERO(&set);
	for (i = 0; i < CPU_SETSIZE; i++) {
		if (cpu < 0 || i == cpu)
			CPU_SET(i, &set);
	}
	test_check(!sched_setaffinity(0, sizeof(set), &set));
}

int nr_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

void drop_capability(int cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	test_check(!syscall(SYS_capget, &header, data));
	data[cap / 32].effective &= ~(1U << cap % 32);
	data[cap / 32].permitted &= ~(1U << cap % 32);
	test_check(!syscall(SYS_capset, &header, data));
}

long read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	long value = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

bool host_has_gicv3(void)
{
	char compatible[16] = "";
	FILE *f = fopen("/proc/device-tree/intc@8000000/compatible", "re");

	if (!f || !fgets(compatible, sizeof(compatible), f))
		test_fail("the host's GIC is not where it should be: %m");
	fclose(f);
	return !strcmp(compatible, "arm,gic-v3");
}
