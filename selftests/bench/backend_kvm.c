// SPDX-License-Identifier: GPL-2.0
/* /dev/kvm, of which nothing else here knows; see backend.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend.h"
#include "bench.h"

#define PSTATE_EL1H	0x3c5	/* interrupts masked */

static u32 run_size;

static void kvm_open(struct machine *vm)
{
	vm->sys = checked(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	run_size = do_ioctl(vm->sys, KVM_GET_VCPU_MMAP_SIZE, 0);
}

static void kvm_vm_create(struct machine *vm)
{
	vm->fd = do_ioctl(vm->sys, KVM_CREATE_VM, 0);
	vm->gic = -1;
	vm->ring = NULL;
}

static void kvm_vm_close(struct machine *vm)
{
	if (vm->gic >= 0)
		close(vm->gic);
	close(vm->fd);
}

static void set_gic_attr(struct machine *vm, u32 group, u64 attr, const void *value)
{
	struct kvm_device_attr arg = { .group = group, .attr = attr, .addr = (u64)value };

	do_ioctl(vm->gic, KVM_SET_DEVICE_ATTR, &arg);
}

static void kvm_gic_create(struct machine *vm, const struct gic_frames *frames)
{
	struct kvm_create_device arg = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };

	do_ioctl(vm->fd, KVM_CREATE_DEVICE, &arg);
	vm->gic = arg.fd;
	set_gic_attr(vm, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &frames->nr_irqs);
	set_gic_attr(vm, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &frames->dist);
	set_gic_attr(vm, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST,
		     &frames->redist);
}

static void kvm_gic_ready(struct machine *vm)
{
	set_gic_attr(vm, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
}

static void kvm_set_slot(struct machine *vm, u32 slot, bool readonly, u64 ipa, u64 size,
			 void *mem)
{
	struct kvm_userspace_memory_region arg = {
		.slot = slot, .flags = readonly ? KVM_MEM_READONLY : 0,
		.guest_phys_addr = ipa, .memory_size = size, .userspace_addr = (u64)mem,
	};

	do_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &arg);
}

static void kvm_cpu_create(struct cpu *cpu, struct machine *vm, unsigned int index, bool off)
{
	struct kvm_vcpu_init init;

	cpu->vm = vm;
	cpu->index = index;
	cpu->fd = do_ioctl(vm->fd, KVM_CREATE_VCPU, index);
	cpu->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
	if (cpu->run == MAP_FAILED)
		bench_die("mmap of a vCPU: %m");
	do_ioctl(vm->fd, KVM_ARM_PREFERRED_TARGET, &init);
	init.features[0] |= 1U << KVM_ARM_VCPU_PSCI_0_2;
	if (off)
		init.features[0] |= 1U << KVM_ARM_VCPU_POWER_OFF;
	do_ioctl(cpu->fd, KVM_ARM_VCPU_INIT, &init);
}

static void kvm_cpu_close(struct cpu *cpu)
{
	munmap(cpu->run, run_size);
	close(cpu->fd);
}

static void set_core_reg(struct cpu *cpu, size_t offset, u64 value)
{
	struct kvm_one_reg arg = {
		.id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | offset / sizeof(u32),
		.addr = (u64)&value,
	};

	do_ioctl(cpu->fd, KVM_SET_ONE_REG, &arg);
}

#define set_core(cpu, field, value) \
	set_core_reg(cpu, offsetof(struct kvm_regs, field), value)

static enum exit_kind kvm_run(struct cpu *cpu)
{
	const struct kvm_run *run = cpu->run;

	if (ioctl(cpu->fd, KVM_RUN, 0)) {
		if (errno == EINTR)
			return EXIT_INTR;
		bench_die("KVM_RUN: %m");
	}
	if (run->exit_reason == KVM_EXIT_MMIO)
		return EXIT_MMIO;
	if (run->exit_reason == KVM_EXIT_SYSTEM_EVENT &&
	    run->system_event.type == KVM_SYSTEM_EVENT_SHUTDOWN)
		return EXIT_SHUTDOWN;
	return EXIT_OTHER;
}

static void kvm_set_immediate_exit(struct cpu *cpu, bool on)
{
	((struct kvm_run *)cpu->run)->immediate_exit = on;
}

static void kvm_set_regs(struct cpu *cpu, const struct cpu_regs *regs)
{
	int i;

	/* The next KVM_RUN would complete an access, and move PC on. */
	kvm_set_immediate_exit(cpu, true);
	if (kvm_run(cpu) != EXIT_INTR)
		bench_die("KVM_RUN has not returned at once");
	kvm_set_immediate_exit(cpu, false);

	set_core(cpu, regs.pc, regs->pc);
	set_core(cpu, regs.pstate, PSTATE_EL1H);
	set_core(cpu, sp_el1, regs->sp);
	for (i = 0; i < 4; i++)
		set_core(cpu, regs.regs[i], regs->x[i]);
	set_core(cpu, regs.regs[19], regs->x19);
	set_core(cpu, regs.regs[20], regs->x20);
}

static void kvm_get_mmio(const struct cpu *cpu, struct mmio *mmio)
{
	const struct kvm_run *run = cpu->run;

	mmio->address = run->mmio.phys_addr;
	mmio->is_write = run->mmio.is_write;
	mmio->data = 0;
	memcpy(&mmio->data, run->mmio.data, run->mmio.len);
}

static void kvm_set_mmio_data(struct cpu *cpu, u64 data)
{
	struct kvm_run *run = cpu->run;

	memcpy(run->mmio.data, &data, sizeof(run->mmio.data));
}

static void kvm_print_exit(const struct cpu *cpu)
{
	const struct kvm_run *run = cpu->run;

	fprintf(stderr, "bench: exit %u, subcode or address 0x%llx\n", run->exit_reason,
		run->mmio.phys_addr);
}

static void kvm_edge(struct machine *vm, u32 intid)
{
	struct kvm_irq_level arg = {
		.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | intid, .level = 1,
	};

	/* It need not be lowered: each one is an edge. */
	do_ioctl(vm->fd, KVM_IRQ_LINE, &arg);
}

static void kvm_ioeventfd(struct machine *vm, u64 address, int fd, bool add)
{
	struct kvm_ioeventfd arg = {
		.addr = address, .len = 4, .fd = fd,
		.flags = add ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

	do_ioctl(vm->fd, KVM_IOEVENTFD, &arg);
}

static void kvm_irqfd(struct machine *vm, u32 intid, int fd, bool add)
{
	/* By default, GSI n is SPI n. */
	struct kvm_irqfd arg = {
		.fd = fd, .gsi = intid - 32, .flags = add ? 0 : KVM_IRQFD_FLAG_DEASSIGN,
	};

	do_ioctl(vm->fd, KVM_IRQFD, &arg);
}

static void kvm_posted(struct machine *vm, u64 address, u64 size)
{
	struct kvm_coalesced_mmio_zone arg = { .addr = address, .size = size };
	int page = do_ioctl(vm->sys, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);

	if (!page)
		bench_die("this KVM has no coalesced MMIO");
	do_ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, &arg);
	vm->ring = (char *)vm->cpus[0]->run + page * sysconf(_SC_PAGESIZE);
}

static unsigned int kvm_posted_drain(struct machine *vm)
{
	struct kvm_coalesced_mmio_ring *ring = vm->ring;
	u32 max = (sysconf(_SC_PAGESIZE) - sizeof(*ring)) / sizeof(ring->coalesced_mmio[0]);
	u32 first = ring->first, count = 0;
	u64 sum = 0;

	while (first != READ_ONCE(ring->last)) {
		sum += ring->coalesced_mmio[first].phys_addr;
		first = (first + 1) % max;
		count++;
	}
	/* As a device model would, which looks where it went. */
	asm volatile("" : : "r"(sum));
	WRITE_ONCE(ring->first, first);
	return count;
}

const struct backend backend_kvm = {
	.name = "kvm",
	.open = kvm_open,
	.vm_create = kvm_vm_create,
	.vm_close = kvm_vm_close,
	.gic_create = kvm_gic_create,
	.gic_ready = kvm_gic_ready,
	.set_slot = kvm_set_slot,
	.cpu_create = kvm_cpu_create,
	.cpu_close = kvm_cpu_close,
	.set_regs = kvm_set_regs,
	.run = kvm_run,
	.get_mmio = kvm_get_mmio,
	.set_mmio_data = kvm_set_mmio_data,
	.set_immediate_exit = kvm_set_immediate_exit,
	.print_exit = kvm_print_exit,
	.edge = kvm_edge,
	.ioeventfd = kvm_ioeventfd,
	.irqfd = kvm_irqfd,
	.posted = kvm_posted,
	.posted_drain = kvm_posted_drain,
};
