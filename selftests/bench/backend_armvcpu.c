// SPDX-License-Identifier: GPL-2.0
/* /dev/armvcpu, of which nothing else here knows; see backend.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/armvcpu.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backend.h"
#include "bench.h"

#define PSTATE_EL1H	0x3c5	/* interrupts masked */

static u64 run_size;

static void armvcpu_open(struct machine *vm)
{
	struct armvcpu_cap cap = { .cap = ARMVCPU_CAP_RUN_SIZE };

	vm->sys = checked(open("/dev/armvcpu", O_RDWR | O_CLOEXEC), "/dev/armvcpu");
	do_ioctl(vm->sys, ARMVCPU_CHECK_CAP, &cap);
	run_size = cap.value;
}

static void armvcpu_vm_create(struct machine *vm)
{
	struct armvcpu_smccc_policy policy = { .flags = ARMVCPU_SMCCC_POLICY_HVC };
	struct armvcpu_create_vm arg = { .flags = 0 };

	vm->fd = do_ioctl(vm->sys, ARMVCPU_CREATE_VM, &arg);
	vm->ring = NULL;
	/* No hypercall is ours; what the module does not know is answered by it, too. */
	do_ioctl(vm->fd, ARMVCPU_SET_SMCCC_POLICY, &policy);
}

static void armvcpu_vm_close(struct machine *vm)
{
	close(vm->fd);
}

static void armvcpu_gic_create(struct machine *vm, const struct gic_frames *frames)
{
	struct armvcpu_create_gic arg = {
		.version = 3, .nr_irqs = frames->nr_irqs, .max_vcpus = frames->nr_cpus,
		.dist = frames->dist, .cpu = frames->redist,
	};

	do_ioctl(vm->fd, ARMVCPU_CREATE_GIC, &arg);
}

static void armvcpu_gic_ready(struct machine *vm)
{
	(void)vm;
}

static void armvcpu_set_slot(struct machine *vm, u32 slot, bool readonly, u64 ipa, u64 size,
			     void *mem)
{
	struct armvcpu_mem_slot arg = { .slot = slot };

	if (size) {
		arg.flags = readonly ? ARMVCPU_SLOT_READONLY : 0;
		arg.ipa = ipa;
		arg.size = size;
		arg.uaddr = (u64)mem;
	}
	do_ioctl(vm->fd, ARMVCPU_SET_MEM_SLOT, &arg);
}

static void armvcpu_cpu_create(struct cpu *cpu, struct machine *vm, unsigned int index, bool off)
{
	struct armvcpu_create_vcpu arg = {
		.flags = off ? ARMVCPU_VCPU_POWERED_OFF : 0, .mpidr = index,
	};

	cpu->vm = vm;
	cpu->index = index;
	cpu->on = !off;
	cpu->fd = do_ioctl(vm->fd, ARMVCPU_CREATE_VCPU, &arg);
	cpu->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
	if (cpu->run == MAP_FAILED)
		bench_die("mmap of a vCPU: %m");
}

static void armvcpu_cpu_close(struct cpu *cpu)
{
	munmap(cpu->run, run_size);
	close(cpu->fd);
}

static void armvcpu_set_regs(struct cpu *cpu, const struct cpu_regs *regs)
{
	struct armvcpu_core_regs arg = {
		.x = { regs->x[0], regs->x[1], regs->x[2], regs->x[3],
		       [19] = regs->x19, [20] = regs->x20 },
		.sp_el1 = regs->sp, .pc = regs->pc, .pstate = PSTATE_EL1H,
	};

	do_ioctl(cpu->fd, ARMVCPU_SET_CORE_REGS, &arg);
}

/* ---- PSCI: the VMM's part ------------------------------------------------ */

/* To the vCPU's thread, which waits for it; its registers are as CPU_ON says. */
static void power_on(struct cpu *cpu)
{
	__atomic_store_n(&cpu->on, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &cpu->on, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* false: a signal. */
static bool wait_for_power(struct cpu *cpu)
{
	while (!__atomic_load_n(&cpu->on, __ATOMIC_ACQUIRE)) {
		if (syscall(SYS_futex, &cpu->on, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) &&
		    errno == EINTR)
			return false;
	}
	return true;
}

/* true: the guest goes on; false: it has switched its machine off. */
static bool psci(struct cpu *cpu)
{
	struct armvcpu_run *run = cpu->run;
	const struct armvcpu_exit_psci *call = &run->u.psci;

	switch (call->event) {
	case ARMVCPU_PSCI_CPU_ON:
		power_on(cpu->vm->cpus[call->args[0]]);
		run->x[0] = 0;
		break;
	case ARMVCPU_PSCI_CPU_OFF:
		WRITE_ONCE(cpu->on, 0);
		break;
	case ARMVCPU_PSCI_SYSTEM_OFF:
		return false;
	}
	return true;
}

/* The debug communications channel reads as zero; there is nothing else. */
static void sysreg(struct armvcpu_run *run)
{
	struct armvcpu_exit_sysreg *exit = &run->u.sysreg;

	if (exit->reg >> 14 == 2)
		exit->data = 0;
	else
		run->action = ARMVCPU_ACTION_UNDEF;
}

/* RUN by its short way, as libarmvcpu does it; a negative errno if it fails. */
static long run_vcpu(int fd)
{
	register long x0 asm("x0") = fd;
	register long x8 asm("x8") = SYS_fdatasync;

	asm volatile("svc #0" : "+r"(x0) : "r"(x8) : "memory");
	return x0;
}

static enum exit_kind armvcpu_run(struct cpu *cpu)
{
	struct armvcpu_run *run = cpu->run;
	long ret;

	for (;;) {
		if (!READ_ONCE(cpu->on) && !wait_for_power(cpu))
			return EXIT_INTR;
		ret = run_vcpu(cpu->fd);
		if (ret) {
			if (ret == -EINTR)
				return EXIT_INTR;
			errno = -ret;
			bench_die("RUN: %m");
		}
		switch (run->exit_reason) {
		case ARMVCPU_EXIT_MMIO:
			return EXIT_MMIO;
		case ARMVCPU_EXIT_HYPERCALL:
			return EXIT_CALL;
		case ARMVCPU_EXIT_PSCI:
			if (!psci(cpu))
				return EXIT_SHUTDOWN;
			break;
		case ARMVCPU_EXIT_SYSREG:
			sysreg(run);
			break;
		default:
			return EXIT_OTHER;
		}
	}
}

static void armvcpu_get_mmio(const struct cpu *cpu, struct mmio *mmio)
{
	const struct armvcpu_run *run = cpu->run;

	mmio->address = run->u.mmio.ipa;
	mmio->data = run->u.mmio.data;
	mmio->is_write = run->u.mmio.is_write;
}

static void armvcpu_set_mmio_data(struct cpu *cpu, u64 data)
{
	((struct armvcpu_run *)cpu->run)->u.mmio.data = data;
}

static void armvcpu_set_immediate_exit(struct cpu *cpu, bool on)
{
	((struct armvcpu_run *)cpu->run)->immediate_exit = on;
}

static void armvcpu_print_exit(const struct cpu *cpu)
{
	const struct armvcpu_run *run = cpu->run;

	fprintf(stderr, "bench: exit %u, pc 0x%llx esr 0x%llx far 0x%llx x0 0x%llx\n",
		run->exit_reason, run->pc, run->esr, run->far, run->x[0]);
}

/* With the first vCPU's next run: it needs no system call of its own. */
static void armvcpu_edge(struct machine *vm, u32 intid)
{
	struct armvcpu_run *run = vm->cpus[0]->run;

	run->lines[run->nr_lines++] = (struct armvcpu_run_line) { intid, ARMVCPU_LINE_PULSE };
}

static void armvcpu_posted(struct machine *vm, u64 address, u64 size)
{
	struct armvcpu_posted_range arg = { .ipa = address, .size = size };

	do_ioctl(vm->fd, ARMVCPU_SET_POSTED, &arg);
}

/* Of the first vCPU; it does not run. */
static unsigned int armvcpu_posted_drain(struct machine *vm)
{
	struct armvcpu_posted_ring *ring = &((struct armvcpu_run *)vm->cpus[0]->run)->posted;
	unsigned int count = 0;

	for (; ring->head != __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE); ring->head++)
		count += ring->writes[ring->head % ARMVCPU_POSTED_SIZE].len == 4;
	return count;
}

static void armvcpu_ioeventfd(struct machine *vm, u64 address, int fd, bool add)
{
	struct armvcpu_ioeventfd arg = {
		.ipa = address, .len = 4, .fd = fd,
		.flags = add ? 0 : ARMVCPU_IOEVENTFD_REMOVE,
	};

	do_ioctl(vm->fd, ARMVCPU_SET_IOEVENTFD, &arg);
}

static void armvcpu_irqfd(struct machine *vm, u32 intid, int fd, bool add)
{
	struct armvcpu_irqfd arg = {
		.intid = intid, .fd = fd, .flags = add ? 0 : ARMVCPU_IRQFD_REMOVE,
	};

	do_ioctl(vm->fd, ARMVCPU_SET_IRQFD, &arg);
}

const struct backend backend_armvcpu = {
	.name = "armvcpu",
	.open = armvcpu_open,
	.vm_create = armvcpu_vm_create,
	.vm_close = armvcpu_vm_close,
	.gic_create = armvcpu_gic_create,
	.gic_ready = armvcpu_gic_ready,
	.set_slot = armvcpu_set_slot,
	.cpu_create = armvcpu_cpu_create,
	.cpu_close = armvcpu_cpu_close,
	.set_regs = armvcpu_set_regs,
	.run = armvcpu_run,
	.get_mmio = armvcpu_get_mmio,
	.set_mmio_data = armvcpu_set_mmio_data,
	.set_immediate_exit = armvcpu_set_immediate_exit,
	.print_exit = armvcpu_print_exit,
	.edge = armvcpu_edge,
	.ioeventfd = armvcpu_ioeventfd,
	.irqfd = armvcpu_irqfd,
	.posted = armvcpu_posted,
	.posted_drain = armvcpu_posted_drain,
};
