// SPDX-License-Identifier: GPL-2.0
/*
 * libarmvcpu: one function per ioctl, and those for what a vCPU shares with its
 * VMM. Nothing here decides anything; what prints is in print.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libarmvcpu.h"

static int do_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

/* ---- /dev/armvcpu ------------------------------------------------------ */

int armvcpu_open(const char *path)
{
	int fd, version;

	fd = open(path ? path : ARMVCPU_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	version = do_ioctl(fd, ARMVCPU_GET_API_VERSION, NULL);
	if (version == ARMVCPU_API_VERSION)
		return fd;
	close(fd);
	return version < 0 ? version : -EPROTO;
}

int armvcpu_check_cap(int fd, __u32 cap, __u64 *value)
{
	struct armvcpu_cap arg = { .cap = cap };
	int ret = do_ioctl(fd, ARMVCPU_CHECK_CAP, &arg);

	if (!ret)
		*value = arg.value;
	return ret;
}

/* ---- VM ---------------------------------------------------------------- */

int armvcpu_vm_create(int fd, __u32 ipa_bits)
{
	struct armvcpu_create_vm arg = { .ipa_bits = ipa_bits };

	return do_ioctl(fd, ARMVCPU_CREATE_VM, &arg);
}

int armvcpu_vm_add_slot(int vm, __u32 slot, __u32 flags, __u64 ipa, void *mem,
			__u64 size)
{
	struct armvcpu_mem_slot arg = {
		.slot = slot,
		.flags = flags,
		.ipa = ipa,
		.size = size,
		.uaddr = (unsigned long)mem,
	};

	/* To the ioctl, a size of 0 is another command. */
	if (!size)
		return -EINVAL;
	return do_ioctl(vm, ARMVCPU_SET_MEM_SLOT, &arg);
}

int armvcpu_vm_delete_slot(int vm, __u32 slot)
{
	struct armvcpu_mem_slot arg = { .slot = slot };

	return do_ioctl(vm, ARMVCPU_SET_MEM_SLOT, &arg);
}

static int dirty_log(int vm, unsigned long request, __u32 slot, __u32 flags,
		     __u64 first, __u64 count, const __u64 *bitmap)
{
	struct armvcpu_dirty_log arg = {
		.slot = slot,
		.flags = flags,
		.first = first,
		.count = count,
		.bitmap = (unsigned long)bitmap,
	};

	return do_ioctl(vm, request, &arg);
}

int armvcpu_vm_get_dirty_log(int vm, __u32 slot, bool clear, __u64 first,
			     __u64 count, __u64 *bitmap)
{
	return dirty_log(vm, ARMVCPU_GET_DIRTY_LOG, slot,
			 clear ? ARMVCPU_DIRTY_CLEAR : 0, first, count, bitmap);
}

int armvcpu_vm_clear_dirty_log(int vm, __u32 slot, __u64 first, __u64 count,
			       const __u64 *bitmap)
{
	return dirty_log(vm, ARMVCPU_CLEAR_DIRTY_LOG, slot, 0, first, count,
			 bitmap);
}

int armvcpu_vm_mark_dirty(int vm, __u32 slot, __u64 first, __u64 count,
			  const __u64 *bitmap)
{
	return dirty_log(vm, ARMVCPU_MARK_DIRTY, slot, 0, first, count, bitmap);
}

int armvcpu_vm_clear_dirty_pages(int vm, const struct armvcpu_dirty_page *pages,
				 __u32 count)
{
	struct armvcpu_clear_dirty_pages arg = {
		.count = count,
		.pages = (unsigned long)pages,
	};

	return do_ioctl(vm, ARMVCPU_CLEAR_DIRTY_PAGES, &arg);
}

int armvcpu_vm_set_smccc_policy(int vm, __u32 flags,
				const struct armvcpu_smccc_range *ranges,
				__u32 count)
{
	struct armvcpu_smccc_policy arg = {
		.flags = flags,
		.count = count,
		.ranges = (unsigned long)ranges,
	};

	return do_ioctl(vm, ARMVCPU_SET_SMCCC_POLICY, &arg);
}

int armvcpu_vm_set_el2_answers(int vm, __u64 mask)
{
	struct armvcpu_el2_answers arg = { .mask = mask };

	return do_ioctl(vm, ARMVCPU_SET_EL2_ANSWERS, &arg);
}

int armvcpu_vm_add_posted(int vm, __u64 ipa, __u64 size)
{
	struct armvcpu_posted_range arg = { .ipa = ipa, .size = size };

	return do_ioctl(vm, ARMVCPU_SET_POSTED, &arg);
}

int armvcpu_vm_set_irqfd(int vm, const struct armvcpu_irqfd *arg)
{
	return do_ioctl(vm, ARMVCPU_SET_IRQFD, (void *)arg);
}

int armvcpu_vm_pass_irq(int vm, const struct armvcpu_pass_irq *arg)
{
	return do_ioctl(vm, ARMVCPU_PASS_IRQ, (void *)arg);
}

int armvcpu_vm_create_gic(int vm, __u32 version, __u32 nr_irqs, __u32 max_vcpus,
			  __u64 dist, __u64 cpu)
{
	struct armvcpu_create_gic arg = {
		.version = version,
		.nr_irqs = nr_irqs,
		.max_vcpus = max_vcpus,
		.dist = dist,
		.cpu = cpu,
	};

	return do_ioctl(vm, ARMVCPU_CREATE_GIC, &arg);
}

int armvcpu_vm_set_spi(int vm, __u32 intid, int level)
{
	struct armvcpu_irq arg = { .intid = intid, .level = level };

	return do_ioctl(vm, ARMVCPU_SET_IRQ, &arg);
}

int armvcpu_vm_set_ppi(int vm, __u64 mpidr, __u32 intid, int level)
{
	struct armvcpu_irq arg = { .intid = intid, .level = level, .mpidr = mpidr };

	return do_ioctl(vm, ARMVCPU_SET_IRQ, &arg);
}

int armvcpu_vm_get_gic_reg(int vm, __u32 space, __u32 offset, __u64 mpidr,
			   __u64 *value)
{
	struct armvcpu_gic_reg arg = {
		.space = space,
		.offset = offset,
		.mpidr = mpidr,
	};
	int ret = do_ioctl(vm, ARMVCPU_GET_GIC_REG, &arg);

	if (!ret)
		*value = arg.value;
	return ret;
}

int armvcpu_vm_set_gic_reg(int vm, __u32 space, __u32 offset, __u64 mpidr,
			   __u64 value)
{
	struct armvcpu_gic_reg arg = {
		.space = space,
		.offset = offset,
		.mpidr = mpidr,
		.value = value,
	};

	return do_ioctl(vm, ARMVCPU_SET_GIC_REG, &arg);
}

int armvcpu_vm_reset_gic(int vm)
{
	return do_ioctl(vm, ARMVCPU_RESET_GIC, NULL);
}

int armvcpu_vm_set_ioeventfd(int vm, const struct armvcpu_ioeventfd *arg)
{
	return do_ioctl(vm, ARMVCPU_SET_IOEVENTFD, (void *)arg);
}

/* ---- vCPU -------------------------------------------------------------- */

int armvcpu_vcpu_create(int vm, __u64 mpidr, __u32 flags,
			struct armvcpu_vcpu *vcpu)
{
	struct armvcpu_create_vcpu arg = { .flags = flags, .mpidr = mpidr };
	__u64 size, by_fdatasync;
	void *run;
	int fd, ret;

	ret = armvcpu_check_cap(vm, ARMVCPU_CAP_RUN_BY_FDATASYNC, &by_fdatasync);
	if (!ret)
		ret = armvcpu_check_cap(vm, ARMVCPU_CAP_RUN_SIZE, &size);
	if (ret)
		return ret;
	if (size < sizeof(struct armvcpu_run) || size > INT_MAX)
		return -EPROTO;

	fd = do_ioctl(vm, ARMVCPU_CREATE_VCPU, &arg);
	if (fd < 0)
		return fd;
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (run == MAP_FAILED) {
		ret = -errno;
		close(fd);
		return ret;
	}

	vcpu->fd = fd;
	vcpu->run_size = size;
	vcpu->run = run;
	vcpu->run_by_fdatasync = !!by_fdatasync;
	vcpu->ring = NULL;
	vcpu->ring_entries = 0;
	return 0;
}

/* In whole pages, as mmap() and munmap() take it themselves. */
static size_t ring_size(__u32 entries)
{
	return ARMVCPU_DIRTY_RING_SIZE((size_t)entries);
}

void armvcpu_vcpu_destroy(struct armvcpu_vcpu *vcpu)
{
	if (!vcpu->run)
		return;
	/* It keeps the vCPU, too. */
	if (vcpu->ring)
		munmap(vcpu->ring, ring_size(vcpu->ring_entries));
	vcpu->ring = NULL;
	munmap(vcpu->run, vcpu->run_size);
	close(vcpu->fd);
	vcpu->run = NULL;
	vcpu->fd = -1;
}

/* What fdatasync() is, less what libc has around it: errno, thread cancellation. */
static int raw_fdatasync(int fd)
{
#ifdef __aarch64__
	register long x8 asm("x8") = SYS_fdatasync;
	register long x0 asm("x0") = fd;

	asm volatile("svc #0" : "+r" (x0) : "r" (x8) : "memory", "cc");
	return x0;
#else
	return syscall(SYS_fdatasync, fd) < 0 ? -errno : 0;
#endif
}

int armvcpu_vcpu_run(struct armvcpu_vcpu *vcpu)
{
	if (vcpu->run_by_fdatasync)
		return raw_fdatasync(vcpu->fd);
	return do_ioctl(vcpu->fd, ARMVCPU_RUN, NULL);
}

void armvcpu_vcpu_request_exit(struct armvcpu_vcpu *vcpu)
{
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_RELEASE);
}

void armvcpu_vcpu_clear_request(struct armvcpu_vcpu *vcpu)
{
	__atomic_exchange_n(&vcpu->run->immediate_exit, 0, __ATOMIC_ACQ_REL);
}

int armvcpu_vcpu_queue_line(struct armvcpu_vcpu *vcpu, __u32 intid, __u32 level)
{
	struct armvcpu_run *run = vcpu->run;

	if (run->nr_lines >= ARMVCPU_RUN_LINES)
		return -ENOSPC;
	run->lines[run->nr_lines].intid = intid;
	run->lines[run->nr_lines].level = level;
	run->nr_lines++;
	return 0;
}

int armvcpu_vcpu_next_posted(struct armvcpu_vcpu *vcpu,
			     struct armvcpu_posted *write)
{
	struct armvcpu_posted_ring *ring = &vcpu->run->posted;
	__u32 head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);

	if (head == __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE))
		return 0;
	*write = ring->writes[head % ARMVCPU_POSTED_SIZE];
	/* From here on EL2 has the place again. */
	__atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
	return 1;
}

int armvcpu_vcpu_set_dirty_ring(struct armvcpu_vcpu *vcpu, __u32 entries)
{
	struct armvcpu_set_dirty_ring arg = { .entries = entries };
	void *ring;
	int ret;

	ret = do_ioctl(vcpu->fd, ARMVCPU_SET_DIRTY_RING, &arg);
	if (ret || !entries || vcpu->ring)
		return ret;
	ring = mmap(NULL, ring_size(entries), PROT_READ | PROT_WRITE,
		    MAP_SHARED, vcpu->fd, ARMVCPU_DIRTY_RING_OFFSET);
	if (ring == MAP_FAILED)
		return -errno;
	vcpu->ring = ring;
	vcpu->ring_entries = entries;
	return 0;
}

__u32 armvcpu_vcpu_take_dirty_pages(struct armvcpu_vcpu *vcpu,
				    struct armvcpu_dirty_page *pages,
				    __u32 count)
{
	struct armvcpu_dirty_ring *ring = vcpu->ring;
	__u32 head, there, n;

	if (!ring)
		return 0;
	head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
	there = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) - head;
	if (count > there)
		count = there;
	for (n = 0; n < count; n++, head++)
		pages[n] = ring->pages[head & (vcpu->ring_entries - 1)];
	/* From here on the module has the places again. */
	__atomic_store_n(&ring->head, head, __ATOMIC_RELEASE);
	return count;
}

int armvcpu_vcpu_get_core_regs(const struct armvcpu_vcpu *vcpu,
			       struct armvcpu_core_regs *regs)
{
	return do_ioctl(vcpu->fd, ARMVCPU_GET_CORE_REGS, regs);
}

int armvcpu_vcpu_set_core_regs(struct armvcpu_vcpu *vcpu,
			       const struct armvcpu_core_regs *regs)
{
	return do_ioctl(vcpu->fd, ARMVCPU_SET_CORE_REGS, (void *)regs);
}

int armvcpu_vcpu_get_fp_regs(const struct armvcpu_vcpu *vcpu,
			     struct armvcpu_fp_regs *regs)
{
	return do_ioctl(vcpu->fd, ARMVCPU_GET_FP_REGS, regs);
}

int armvcpu_vcpu_set_fp_regs(struct armvcpu_vcpu *vcpu,
			     const struct armvcpu_fp_regs *regs)
{
	return do_ioctl(vcpu->fd, ARMVCPU_SET_FP_REGS, (void *)regs);
}

int armvcpu_vcpu_get_reg(const struct armvcpu_vcpu *vcpu, __u32 id,
			 __u64 *value)
{
	struct armvcpu_one_reg arg = { .id = id };
	int ret = do_ioctl(vcpu->fd, ARMVCPU_GET_ONE_REG, &arg);

	if (!ret)
		*value = arg.value;
	return ret;
}

int armvcpu_vcpu_set_reg(struct armvcpu_vcpu *vcpu, __u32 id, __u64 value)
{
	struct armvcpu_one_reg arg = { .id = id, .value = value };

	return do_ioctl(vcpu->fd, ARMVCPU_SET_ONE_REG, &arg);
}

int armvcpu_vcpu_get_reg_list(const struct armvcpu_vcpu *vcpu, __u32 *ids,
			      __u32 *count)
{
	struct armvcpu_reg_list arg = {
		.count = *count,
		.ids = (unsigned long)ids,
	};
	int ret = do_ioctl(vcpu->fd, ARMVCPU_GET_REG_LIST, &arg);

	if (!ret || ret == -E2BIG)
		*count = arg.count;
	return ret;
}

int armvcpu_vcpu_set_irq_line(struct armvcpu_vcpu *vcpu, __u32 line,
			      __u32 level)
{
	struct armvcpu_irq_line arg = { .line = line, .level = level };

	return do_ioctl(vcpu->fd, ARMVCPU_SET_IRQ_LINE, &arg);
}

int armvcpu_vcpu_inject(struct armvcpu_vcpu *vcpu, __u32 type, __u64 far)
{
	struct armvcpu_inject arg = { .type = type, .far = far };

	return do_ioctl(vcpu->fd, ARMVCPU_INJECT, &arg);
}

int armvcpu_vcpu_get_power(const struct armvcpu_vcpu *vcpu, __u32 *state)
{
	struct armvcpu_power arg;
	int ret;

	memset(&arg, 0, sizeof(arg));
	ret = do_ioctl(vcpu->fd, ARMVCPU_GET_POWER, &arg);
	if (!ret)
		*state = arg.state;
	return ret;
}

int armvcpu_vcpu_set_power(struct armvcpu_vcpu *vcpu, __u32 state)
{
	struct armvcpu_power arg = { .state = state };

	return do_ioctl(vcpu->fd, ARMVCPU_SET_POWER, &arg);
}
