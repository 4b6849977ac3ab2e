// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that is not there, at each allocation in turn, in every ioctl and all else that
 * leads into the module: the caller gets ENOMEM, or nothing that anybody could notice;
 * never half of it. The next call of the same kind is as if there had been none.
 *
 * /proc/thread-self/fail-nth (CONFIG_FAULT_INJECTION) has the n-th allocation of a thread
 * fail. Those that the kernel makes on the way (files, checkers) count as well.
 */
#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "gic.h"
#include "state.h"
#include "system.h"
#include "vm.h"

#define VMS		"/sys/module/armvcpu/parameters/vms"
#define ISOLATED	"/sys/devices/system/cpu/isolated"
/* QEMU's virt board. */
#define RTC_NAME	"9010000.pl031"
#define RTC_DRIVER	"/sys/bus/amba/drivers/rtc-pl031/"
#define RTC_INTID	34
#define IRQS		"/sys/kernel/irq"

/* No operation allocates as often. */
#define MAX_NTH		4000

#define SLOT		3
#define SLOT_SIZE	0x40000
#define OTHER_IPA	(GUEST_RAM + 0x100000)
#define ENTRIES		1024
#define SPI		40

/* What a row needs before it can be called. */
#define HAS_VM		BIT(0)
#define HAS_SLOT	BIT(1)
#define HAS_VCPU	BIT(2)
#define HAS_GIC		BIT(3)
#define HAS_PROGRAM	BIT(4)	/* as the guest's memory, on which it runs */
#define HAS_LOG		BIT(5)	/* of the slot's dirty pages */
#define HAS_NO_CPU	BIT(6)	/* a CPU that the host does not use */
/*
 * A device whose interrupt Linux knows already. Of a new one, it WARNs at the end if it had no
 * memory for one of its files in /proc.
 */
#define HAS_RTC		BIT(7)
#define RUNS		BIT(9)	/* of itself, it changes the vCPU's state */
/* What has come before a fault stays: the host's pages, the guest's progress. */
#define STAYS		BIT(10)

/* May it fail? PERHAPS: if what it takes has not been put aside by an earlier one. */
enum allocates { NEVER, ALWAYS, PERHAPS };

struct world {
	struct vm vm;
	struct vcpu vcpu;
	u32 gic;
	int event, resample, file;
	void *mem;		/* SLOT_SIZE */
	void *page;		/* for arguments */
	void *mapping;
	u64 mapping_size;
};

struct op {
	const char *name;
	u32 request;		/* 0: another way into the module */
	u32 flags;
	enum allocates allocates;
	void (*prepare)(struct world *w);
	int (*call)(struct world *w);
	void (*check)(struct world *w);
};

/* ---- worlds ------------------------------------------------------ */

static u64 shared_word;

#define DEVICE_REG	(GUEST_MMIO + 0x40)

static void guest_works(void)
{
	shared_word = guest_read32(DEVICE_REG);
	guest_write64(GUEST_RAM, shared_word);
	GUEST_ASSERT_EQ(0x1234, guest_read64(GUEST_RAM));
}

static void world_init(struct world *w, const struct op *op)
{
	u32 flags = op->flags;

	memset(w, 0, sizeof(*w));
	w->vm.fd = -1;
	w->vm.sys = -1;
	w->gic = gic_version(GIC_V2 | GIC_V3);
	w->file = -1;
	w->event = eventfd(0, EFD_CLOEXEC);
	w->resample = eventfd(0, EFD_CLOEXEC);
	test_check(w->event >= 0 && w->resample >= 0);
	w->mem = alloc_pages(SLOT_SIZE);
	w->page = alloc_pages(0x10000);
	memset(w->mem, 0, SLOT_SIZE);
	memset(w->page, 0, 0x10000);
	if (!flags)
		return;
	if (flags & HAS_PROGRAM)
		vm_init(&w->vm);
	else
		vm_init_bare(&w->vm, 0);
	if (flags & (HAS_SLOT | HAS_LOG))
		test_check(!vm_set_slot(&w->vm, SLOT, flags & HAS_LOG ? ARMVCPU_SLOT_LOG_DIRTY |
					ARMVCPU_SLOT_DIRTY_ALL : 0, GUEST_RAM, SLOT_SIZE, w->mem));
	if (flags & HAS_GIC) {
		struct armvcpu_create_gic arg = {
			.version = w->gic, .nr_irqs = 96, .max_vcpus = 4, .dist = GUEST_GICD,
			.cpu = w->gic == 2 ? GUEST_GICC : GUEST_GICR,
		};

		test_check(!gic_vm_try_create(&w->vm, &arg));
	}
	if (flags & (HAS_VCPU | RUNS))
		vcpu_init(&w->vcpu, &w->vm, 0);
	if (flags & RUNS)
		vcpu_call(&w->vcpu, guest_works);
}

static void world_close(struct world *w)
{
	if (w->file >= 0)
		close(w->file);
	if (w->mapping)
		munmap(w->mapping, w->mapping_size);
	if (w->vcpu.run)
		vcpu_close(&w->vcpu);
	if (w->vm.sys >= 0)
		vm_close(&w->vm);
	close(w->event);
	close(w->resample);
	munmap(w->mem, SLOT_SIZE);
	munmap(w->page, 0x10000);
}

/* In a directory, -1 without it. */
static int entries(const char *path)
{
	DIR *dir = opendir(path);
	int count = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* What a call that fails leaves alone. */
struct state {
	struct vcpu_state vcpu;
	int files, irqs;
	long vms, pinned, locked;
};

static void state_save(struct world *w, const struct op *op, struct state *s)
{
	if (w->vcpu.run && !(op->flags & RUNS))
		vcpu_state_save(&w->vcpu, &s->vcpu);
	s->files = open_files();
	s->irqs = entries(IRQS);
	s->vms = read_number(VMS);
	s->pinned = system_value("/proc/self/status", "VmPin");
	s->locked = system_value("/proc/self/status", "VmLck");
}

static void state_check(struct world *w, const struct op *op, struct state *before)
{
	struct state after;

	if (w->vcpu.run && !(op->flags & RUNS))
		vcpu_state_check(&w->vcpu, &before->vcpu);
	after.files = open_files();
	after.irqs = entries(IRQS);
	after.vms = read_number(VMS);
	after.pinned = system_value("/proc/self/status", "VmPin");
	after.locked = system_value("/proc/self/status", "VmLck");
	if (after.files != before->files)
		test_fail("there were %d open files, now %d", before->files, after.files);
	if (after.irqs != before->irqs)
		test_fail("the host knew %d interrupts, now %d", before->irqs, after.irqs);
	if (after.vms != before->vms)
		test_fail("there were %ld VMs, now %ld", before->vms, after.vms);
	if (after.pinned != before->pinned || after.locked != before->locked)
		test_fail("%ld kB were pinned and %ld locked, now %ld and %ld", before->pinned,
			  before->locked, after.pinned, after.locked);
}

/* ---- rows: the device -------------------------------------------- */

static int call_open(struct world *w)
{
	w->file = open(DEVICE, O_RDWR | O_CLOEXEC);
	return w->file < 0 ? -errno : 0;
}

static int call_get_api_version(struct world *w)
{
	return xioctl(w->vm.sys, ARMVCPU_GET_API_VERSION, NULL);
}

static int call_check_cap(struct world *w)
{
	struct armvcpu_cap arg = { .cap = ARMVCPU_CAP_MAX_VCPUS };

	return xioctl(w->vm.sys, ARMVCPU_CHECK_CAP, &arg);
}

static int call_create_vm(struct world *w)
{
	struct armvcpu_create_vm arg = { .ipa_bits = 0 };

	w->file = xioctl(w->vm.sys, ARMVCPU_CREATE_VM, &arg);
	return w->file < 0 ? w->file : 0;
}

/* ---- rows: VMs --------------------------------------------------- */

static int call_create_vcpu(struct world *w)
{
	w->file = vm_create_vcpu(&w->vm, 0, 0x100);
	return w->file < 0 ? w->file : 0;
}

static int call_slot(struct world *w)
{
	return vm_set_slot(&w->vm, SLOT, 0, GUEST_RAM, SLOT_SIZE, w->mem);
}

static int call_slot_readonly(struct world *w)
{
	return vm_set_slot(&w->vm, SLOT, ARMVCPU_SLOT_READONLY, GUEST_RAM, SLOT_SIZE, w->mem);
}

/* A mapping that cannot be written to is another way of pinning it. */
static void prepare_readonly_memory(struct world *w)
{
	test_check(!mprotect(w->mem, SLOT_SIZE, PROT_READ));
}

/* Memory that nobody has touched: the host allocates it, or not. */
static void prepare_fresh_memory(struct world *w)
{
	munmap(w->mem, SLOT_SIZE);
	w->mem = mmap(NULL, SLOT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	test_check(w->mem != MAP_FAILED);
}

static int call_slot_log(struct world *w)
{
	return vm_set_slot(&w->vm, SLOT, ARMVCPU_SLOT_LOG_DIRTY, GUEST_RAM, SLOT_SIZE, w->mem);
}

static int call_slot_change(struct world *w)
{
	return vm_set_slot(&w->vm, SLOT, ARMVCPU_SLOT_CHANGE, OTHER_IPA, SLOT_SIZE, w->mem);
}

static int call_slot_begin_log(struct world *w)
{
	return vm_set_slot(&w->vm, SLOT, ARMVCPU_SLOT_CHANGE | ARMVCPU_SLOT_LOG_DIRTY, GUEST_RAM,
			   SLOT_SIZE, w->mem);
}

static int call_slot_delete(struct world *w)
{
	return vm_set_slot(&w->vm, SLOT, 0, 0, 0, NULL);
}

static void check_slot_is_there(struct world *w)
{
	if (vm_set_slot(&w->vm, SLOT + 1, 0, GUEST_RAM, SLOT_SIZE, w->mem) != -EEXIST)
		test_fail("the slot is not there");
}

static void check_slot_has_moved(struct world *w)
{
	if (vm_set_slot(&w->vm, SLOT + 1, 0, OTHER_IPA, SLOT_SIZE, w->mem) != -EEXIST)
		test_fail("the slot is not where it has moved to");
	if (vm_set_slot(&w->vm, SLOT + 1, 0, GUEST_RAM, SLOT_SIZE, w->mem))
		test_fail("the slot is where it was");
}

static void check_slot_is_gone(struct world *w)
{
	if (vm_set_slot(&w->vm, SLOT, 0, 0, 0, NULL) != -ENOENT)
		test_fail("the slot is there");
}

static u64 slot_pages(void)
{
	return SLOT_SIZE / page_size();
}

static int dirty_log(struct world *w, u32 request, u32 flags)
{
	struct armvcpu_dirty_log arg = {
		.slot = SLOT, .flags = flags, .count = slot_pages(), .bitmap = (u64)w->page,
	};

	return xioctl(w->vm.fd, request, &arg);
}

static int call_get_dirty_log(struct world *w)
{
	return dirty_log(w, ARMVCPU_GET_DIRTY_LOG, ARMVCPU_DIRTY_CLEAR);
}

/* Nothing of the log was lost: all pages were dirty. */
static void check_all_were_dirty(struct world *w)
{
	u64 i, *bits = w->page;

	for (i = 0; i < slot_pages(); i++)
		if (!(bits[i / 64] >> i % 64 & 1))
			test_fail("page %llu is not dirty any more", i);
}

static void prepare_all_bits(struct world *w)
{
	memset(w->page, 0xff, 0x10000);
}

static int call_clear_dirty_log(struct world *w)
{
	return dirty_log(w, ARMVCPU_CLEAR_DIRTY_LOG, 0);
}

static int call_mark_dirty(struct world *w)
{
	return dirty_log(w, ARMVCPU_MARK_DIRTY, 0);
}

static int call_clear_dirty_pages(struct world *w)
{
	struct armvcpu_dirty_page *pages = w->page;
	struct armvcpu_clear_dirty_pages arg = { .count = slot_pages(), .pages = (u64)pages };
	u64 i;

	for (i = 0; i < slot_pages(); i++)
		pages[i] = (struct armvcpu_dirty_page){ .slot = SLOT, .page = i };
	return xioctl(w->vm.fd, ARMVCPU_CLEAR_DIRTY_PAGES, &arg);
}

static void check_none_is_dirty(struct world *w)
{
	u64 i, *bits = w->page;

	test_check(!dirty_log(w, ARMVCPU_GET_DIRTY_LOG, 0));
	for (i = 0; i < slot_pages(); i++)
		if (bits[i / 64] >> i % 64 & 1)
			test_fail("page %llu is still dirty", i);
}

static int call_set_smccc_policy(struct world *w)
{
	struct armvcpu_smccc_range *ranges = w->page;
	struct armvcpu_smccc_policy arg = { .count = 2, .ranges = (u64)ranges };

	ranges[0] = (struct armvcpu_smccc_range){
		.base = 0x82000000, .count = 4, .action = ARMVCPU_SMCCC_USER,
	};
	ranges[1] = (struct armvcpu_smccc_range){
		.base = 0xc2000000, .count = 4, .action = ARMVCPU_SMCCC_USER,
	};
	return xioctl(w->vm.fd, ARMVCPU_SET_SMCCC_POLICY, &arg);
}

static int call_set_el2_answers(struct world *w)
{
	struct armvcpu_el2_answers arg = { .mask = 0 };

	return xioctl(w->vm.fd, ARMVCPU_SET_EL2_ANSWERS, &arg);
}

static int call_set_posted(struct world *w)
{
	struct armvcpu_posted_range arg = { .ipa = GUEST_MMIO, .size = 0x1000 };

	return xioctl(w->vm.fd, ARMVCPU_SET_POSTED, &arg);
}

static int set_ioeventfd(struct world *w, u32 flags)
{
	struct armvcpu_ioeventfd arg = {
		.ipa = GUEST_MMIO, .len = 4, .flags = flags, .fd = w->event,
	};

	return xioctl(w->vm.fd, ARMVCPU_SET_IOEVENTFD, &arg);
}

static int call_set_ioeventfd(struct world *w)
{
	return set_ioeventfd(w, 0);
}

static void check_ioeventfd(struct world *w)
{
	test_check(!set_ioeventfd(w, ARMVCPU_IOEVENTFD_REMOVE));
}

static void prepare_ioeventfd(struct world *w)
{
	test_check(!set_ioeventfd(w, 0));
}

static int call_remove_ioeventfd(struct world *w)
{
	return set_ioeventfd(w, ARMVCPU_IOEVENTFD_REMOVE);
}

static int call_create_gic(struct world *w)
{
	struct armvcpu_create_gic arg = {
		.version = w->gic, .nr_irqs = 1024, .max_vcpus = 8, .dist = GUEST_GICD,
		.cpu = w->gic == 2 ? GUEST_GICC : GUEST_GICR,
	};

	return gic_vm_try_create(&w->vm, &arg);
}

static int call_set_irq(struct world *w)
{
	return gic_try_irq(&w->vm, SPI, 0, 1);
}

static int set_irqfd(struct world *w, u32 flags)
{
	struct armvcpu_irqfd arg = {
		.fd = w->event, .intid = SPI, .flags = flags,
		.resample_fd = flags & ARMVCPU_IRQFD_RESAMPLE ? w->resample : 0,
	};

	return xioctl(w->vm.fd, ARMVCPU_SET_IRQFD, &arg);
}

static int call_set_irqfd(struct world *w)
{
	return set_irqfd(w, 0);
}

static void check_irqfd(struct world *w)
{
	test_check(!set_irqfd(w, ARMVCPU_IRQFD_REMOVE));
}

static int call_set_irqfd_resample(struct world *w)
{
	return set_irqfd(w, ARMVCPU_IRQFD_RESAMPLE);
}

static void check_irqfd_resample(struct world *w)
{
	test_check(!set_irqfd(w, ARMVCPU_IRQFD_RESAMPLE | ARMVCPU_IRQFD_REMOVE));
}

static void prepare_irqfd(struct world *w)
{
	test_check(!set_irqfd(w, 0));
}

static int call_remove_irqfd(struct world *w)
{
	return set_irqfd(w, ARMVCPU_IRQFD_REMOVE);
}

static int call_get_gic_reg(struct world *w)
{
	u64 value;

	return gic_try_get(&w->vm, ARMVCPU_GIC_DIST, GICD_ISENABLER + 4, 0, &value);
}

static int call_set_gic_reg(struct world *w)
{
	return gic_try_set(&w->vm, ARMVCPU_GIC_DIST, GICD_ISENABLER + 4, 0, 0xff);
}

static int call_reset_gic(struct world *w)
{
	return xioctl(w->vm.fd, ARMVCPU_RESET_GIC, NULL);
}

/* Read in advance: that takes memory, too. */
static u32 isolated;

static int pass_irq(struct world *w, u32 flags)
{
	struct armvcpu_pass_irq arg = {
		.flags = flags, .hw_intid = RTC_INTID, .intid = SPI, .cpu = isolated,
	};

	return xioctl(w->vm.fd, ARMVCPU_PASS_IRQ, &arg);
}

static int call_pass_irq(struct world *w)
{
	return pass_irq(w, 0);
}

/* It has no driver then. */
static void prepare_rtc(struct world *w)
{
	(void)w;
	isolated = read_number(ISOLATED);
	if (!access(RTC_DRIVER RTC_NAME, F_OK))
		test_check(!system_write(RTC_DRIVER "unbind", RTC_NAME));
}

static void check_pass_irq(struct world *w)
{
	test_check(!pass_irq(w, ARMVCPU_PASS_IRQ_REMOVE));
}

static void prepare_pass_irq(struct world *w)
{
	prepare_rtc(w);
	test_check(!pass_irq(w, 0));
}

static int call_remove_pass_irq(struct world *w)
{
	return pass_irq(w, ARMVCPU_PASS_IRQ_REMOVE);
}

/* ---- rows: vCPUs ------------------------------------------------- */

static int call_get_core_regs(struct world *w)
{
	return xioctl(w->vcpu.fd, ARMVCPU_GET_CORE_REGS, w->page);
}

static void prepare_core_regs(struct world *w)
{
	test_check(!call_get_core_regs(w));
	((struct armvcpu_core_regs *)w->page)->x[7] = POISON;
}

static int call_set_core_regs(struct world *w)
{
	return xioctl(w->vcpu.fd, ARMVCPU_SET_CORE_REGS, w->page);
}

static int call_get_fp_regs(struct world *w)
{
	return xioctl(w->vcpu.fd, ARMVCPU_GET_FP_REGS, w->page);
}

static int call_set_fp_regs(struct world *w)
{
	return xioctl(w->vcpu.fd, ARMVCPU_SET_FP_REGS, w->page);
}

static int call_get_one_reg(struct world *w)
{
	u64 value;

	return vcpu_try_get(&w->vcpu, ARMVCPU_REG_PC, &value);
}

static int call_set_one_reg(struct world *w)
{
	return vcpu_try_set(&w->vcpu, ARMVCPU_REG_X(3), POISON);
}

static int call_get_reg_list(struct world *w)
{
	struct armvcpu_reg_list arg = { .count = 0x10000 / sizeof(u32), .ids = (u64)w->page };

	return xioctl(w->vcpu.fd, ARMVCPU_GET_REG_LIST, &arg);
}

static int call_set_irq_line(struct world *w)
{
	return vcpu_line(&w->vcpu, ARMVCPU_LINE_IRQ, 1);
}

static int call_inject(struct world *w)
{
	return vcpu_inject(&w->vcpu, ARMVCPU_INJECT_UNDEF, 0);
}

static int call_get_power(struct world *w)
{
	struct armvcpu_power arg = { .state = 0 };

	return xioctl(w->vcpu.fd, ARMVCPU_GET_POWER, &arg);
}

static int call_set_power(struct world *w)
{
	struct armvcpu_power arg = { .state = ARMVCPU_POWER_OFF };

	return xioctl(w->vcpu.fd, ARMVCPU_SET_POWER, &arg);
}

static int call_set_dirty_ring(struct world *w)
{
	struct armvcpu_set_dirty_ring arg = { .entries = ENTRIES };

	return xioctl(w->vcpu.fd, ARMVCPU_SET_DIRTY_RING, &arg);
}

static int map(struct world *w, u64 size, u64 offset)
{
	void *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, w->vcpu.fd, offset);

	if (mapping == MAP_FAILED)
		return -errno;
	w->mapping = mapping;
	w->mapping_size = size;
	return 0;
}

static int call_map_run(struct world *w)
{
	return map(w, get_cap(w->vm.sys, ARMVCPU_CAP_RUN_SIZE), 0);
}

static void check_map_run(struct world *w)
{
	if (memcmp(w->mapping, w->vcpu.run, sizeof(*w->vcpu.run)))
		test_fail("it is another page");
}

static void prepare_ring(struct world *w)
{
	test_check(!call_set_dirty_ring(w));
}

static int call_map_ring(struct world *w)
{
	u64 mask = page_size() - 1;

	return map(w, (ARMVCPU_DIRTY_RING_SIZE(ENTRIES) + mask) & ~mask,
		   ARMVCPU_DIRTY_RING_OFFSET);
}

static void check_map_ring(struct world *w)
{
	struct armvcpu_dirty_ring *ring = w->mapping;

	if (ring->entries != ENTRIES)
		test_fail("it is no ring of %u entries", ENTRIES);
}

/* A host that cannot back a page is an exit; the next RUN tries again. */
static int run_result(struct world *w, int ret)
{
	const struct armvcpu_run *run = w->vcpu.run;

	if (!ret && run->exit_reason == ARMVCPU_EXIT_FAIL &&
	    run->u.fail.reason == ARMVCPU_FAIL_MEMORY)
		return -(int)run->u.fail.err;
	return ret;
}

static int call_run(struct world *w)
{
	return run_result(w, vcpu_run_exit(&w->vcpu));
}

static int call_run_by_fdatasync(struct world *w)
{
	int ret;

	do {
		ret = fdatasync(w->vcpu.fd) ? -errno : 0;
	} while (ret == -EINTR);
	return run_result(w, ret);
}

/* The guest is at its device, and goes on to its end. */
static void check_run(struct world *w)
{
	struct armvcpu_run *run = w->vcpu.run;

	if (run->exit_reason != ARMVCPU_EXIT_MMIO || run->u.mmio.ipa != DEVICE_REG) {
		vcpu_print_exit(&w->vcpu);
		test_fail("it is not the device's exit");
	}
	run->u.mmio.data = 0x1234;
	vcpu_expect_done(&w->vcpu);
	if (*(u64 *)w->mem != 0x1234)
		test_fail("the guest wrote nothing");
}

/* The rest of the guest's way: completion of the exit, and its memory. */
static void prepare_completion(struct world *w)
{
	vcpu_expect(&w->vcpu, ARMVCPU_EXIT_MMIO);
	test_check(w->vcpu.run->u.mmio.ipa == DEVICE_REG);
	w->vcpu.run->u.mmio.data = 0x1234;
}

static void check_completion(struct world *w)
{
	if (!vcpu_is_ucall(&w->vcpu) || w->vcpu.run->u.call.nr != UCALL_DONE) {
		vcpu_print_exit(&w->vcpu);
		test_fail("it is not the guest's end");
	}
	if (*(u64 *)w->mem != 0x1234)
		test_fail("the guest wrote nothing");
}

/* ---- the table --------------------------------------------------- */

static const struct op ops[] = {
	{ "open", 0, 0, ALWAYS, NULL, call_open },
	{ "get_api_version", ARMVCPU_GET_API_VERSION, HAS_VM, NEVER, NULL, call_get_api_version },
	{ "check_cap", ARMVCPU_CHECK_CAP, HAS_VM, NEVER, NULL, call_check_cap },
	{ "create_vm", ARMVCPU_CREATE_VM, HAS_VM, ALWAYS, NULL, call_create_vm },
	{ "create_vcpu", ARMVCPU_CREATE_VCPU, HAS_VCPU, ALWAYS, NULL,
	  call_create_vcpu },
	{ "slot", ARMVCPU_SET_MEM_SLOT, HAS_VCPU, ALWAYS, NULL, call_slot, check_slot_is_there },
	{ "slot_fresh", ARMVCPU_SET_MEM_SLOT, HAS_VCPU | STAYS, ALWAYS, prepare_fresh_memory,
	  call_slot, check_slot_is_there },
	{ "slot_readonly", ARMVCPU_SET_MEM_SLOT, HAS_VCPU, ALWAYS, prepare_readonly_memory,
	  call_slot_readonly, check_slot_is_there },
	{ "slot_log", ARMVCPU_SET_MEM_SLOT, HAS_VCPU, ALWAYS, NULL, call_slot_log,
	  check_none_is_dirty },
	{ "slot_change", ARMVCPU_SET_MEM_SLOT, HAS_VCPU | HAS_SLOT, ALWAYS, NULL,
	  call_slot_change, check_slot_has_moved },
	{ "slot_begin_log", ARMVCPU_SET_MEM_SLOT, HAS_VCPU | HAS_SLOT, ALWAYS, NULL,
	  call_slot_begin_log, check_none_is_dirty },
	{ "slot_delete", ARMVCPU_SET_MEM_SLOT, HAS_VCPU | HAS_SLOT, NEVER, NULL,
	  call_slot_delete, check_slot_is_gone },
	{ "get_dirty_log", ARMVCPU_GET_DIRTY_LOG, HAS_VCPU | HAS_LOG, ALWAYS, NULL,
	  call_get_dirty_log, check_all_were_dirty },
	{ "clear_dirty_log", ARMVCPU_CLEAR_DIRTY_LOG, HAS_VCPU | HAS_LOG, ALWAYS,
	  prepare_all_bits, call_clear_dirty_log, check_none_is_dirty },
	{ "mark_dirty", ARMVCPU_MARK_DIRTY, HAS_VCPU | HAS_LOG, ALWAYS, prepare_all_bits,
	  call_mark_dirty },
	{ "clear_dirty_pages", ARMVCPU_CLEAR_DIRTY_PAGES, HAS_VCPU | HAS_LOG, ALWAYS, NULL,
	  call_clear_dirty_pages, check_none_is_dirty },
	{ "set_smccc_policy", ARMVCPU_SET_SMCCC_POLICY, HAS_VCPU, ALWAYS, NULL,
	  call_set_smccc_policy },
	{ "set_el2_answers", ARMVCPU_SET_EL2_ANSWERS, HAS_VCPU, NEVER, NULL, call_set_el2_answers },
	{ "set_posted", ARMVCPU_SET_POSTED, HAS_VCPU, NEVER, NULL, call_set_posted },
	{ "set_ioeventfd", ARMVCPU_SET_IOEVENTFD, HAS_VCPU, ALWAYS, NULL, call_set_ioeventfd,
	  check_ioeventfd },
	{ "remove_ioeventfd", ARMVCPU_SET_IOEVENTFD, HAS_VCPU, NEVER, prepare_ioeventfd,
	  call_remove_ioeventfd },
	{ "create_gic", ARMVCPU_CREATE_GIC, HAS_VM, ALWAYS, NULL, call_create_gic },
	{ "set_irq", ARMVCPU_SET_IRQ, HAS_GIC | HAS_VCPU, NEVER, NULL, call_set_irq },
	{ "set_irqfd", ARMVCPU_SET_IRQFD, HAS_GIC | HAS_VCPU, ALWAYS, NULL, call_set_irqfd,
	  check_irqfd },
	{ "set_irqfd_resample", ARMVCPU_SET_IRQFD, HAS_GIC | HAS_VCPU, ALWAYS, NULL,
	  call_set_irqfd_resample, check_irqfd_resample },
	{ "remove_irqfd", ARMVCPU_SET_IRQFD, HAS_GIC | HAS_VCPU, NEVER, prepare_irqfd,
	  call_remove_irqfd },
	{ "get_gic_reg", ARMVCPU_GET_GIC_REG, HAS_GIC | HAS_VCPU, NEVER, NULL, call_get_gic_reg },
	{ "set_gic_reg", ARMVCPU_SET_GIC_REG, HAS_GIC | HAS_VCPU, NEVER, NULL, call_set_gic_reg },
	{ "reset_gic", ARMVCPU_RESET_GIC, HAS_GIC | HAS_VCPU, NEVER, NULL, call_reset_gic },
	{ "pass_irq", ARMVCPU_PASS_IRQ, HAS_GIC | HAS_VCPU | HAS_NO_CPU | HAS_RTC, ALWAYS,
	  prepare_rtc, call_pass_irq, check_pass_irq },
	{ "remove_pass_irq", ARMVCPU_PASS_IRQ, HAS_GIC | HAS_VCPU | HAS_NO_CPU | HAS_RTC,
	  NEVER, prepare_pass_irq, call_remove_pass_irq },
	{ "get_core_regs", ARMVCPU_GET_CORE_REGS, HAS_VCPU, NEVER, NULL, call_get_core_regs },
	{ "set_core_regs", ARMVCPU_SET_CORE_REGS, HAS_VCPU, NEVER, prepare_core_regs,
	  call_set_core_regs },
	{ "get_fp_regs", ARMVCPU_GET_FP_REGS, HAS_VCPU, NEVER, NULL, call_get_fp_regs },
	{ "set_fp_regs", ARMVCPU_SET_FP_REGS, HAS_VCPU, NEVER, NULL, call_set_fp_regs },
	{ "get_one_reg", ARMVCPU_GET_ONE_REG, HAS_VCPU, NEVER, NULL, call_get_one_reg },
	{ "set_one_reg", ARMVCPU_SET_ONE_REG, HAS_VCPU, NEVER, NULL, call_set_one_reg },
	{ "get_reg_list", ARMVCPU_GET_REG_LIST, HAS_VCPU, ALWAYS, NULL, call_get_reg_list },
	{ "set_irq_line", ARMVCPU_SET_IRQ_LINE, HAS_VCPU, NEVER, NULL, call_set_irq_line },
	{ "inject", ARMVCPU_INJECT, HAS_VCPU, NEVER, NULL, call_inject },
	{ "get_power", ARMVCPU_GET_POWER, HAS_VCPU, NEVER, NULL, call_get_power },
	{ "set_power", ARMVCPU_SET_POWER, HAS_VCPU, NEVER, NULL, call_set_power },
	{ "set_dirty_ring", ARMVCPU_SET_DIRTY_RING, HAS_VCPU, ALWAYS, NULL, call_set_dirty_ring },
	{ "run", ARMVCPU_RUN, HAS_PROGRAM | HAS_SLOT | RUNS, ALWAYS, NULL, call_run,
	  check_run },
	{ "run_completion", ARMVCPU_RUN, HAS_PROGRAM | HAS_SLOT | RUNS, PERHAPS,
	  prepare_completion, call_run, check_completion },
	{ "run_by_fdatasync", 0, HAS_PROGRAM | HAS_SLOT | RUNS, ALWAYS, NULL,
	  call_run_by_fdatasync, check_run },
	{ "map_run", 0, HAS_VCPU, ALWAYS, NULL, call_map_run, check_map_run },
	{ "map_ring", 0, HAS_VCPU, ALWAYS, prepare_ring, call_map_ring, check_map_ring },
};

static const struct {
	const char *name;
	u32 request;
} all_ioctls[] = {
#include "ioctls.inc"
};

/* The list is made of the header. */
TEST(every_ioctl_has_a_row)
{
	unsigned int i, j;

	EXPECT_LT(30U, ARRAY_SIZE(all_ioctls));
	for (i = 0; i < ARRAY_SIZE(all_ioctls); i++) {
		for (j = 0; j < ARRAY_SIZE(ops); j++)
			if (ops[j].request == all_ioctls[i].request)
				break;
		if (j == ARRAY_SIZE(ops))
			test_fail("%s has no row", all_ioctls[i].name);
	}
}

/*
 * Returns how many faults made it fail; @faults: how many came. One that has failed has
 * changed nothing, so the next one is in the same world: the first that does not fail
 * finds what all of them have left.
 */
static unsigned int fail_each(const struct op *op, unsigned int *faults)
{
	unsigned int n, failed = 0;
	bool came = true, fresh = true;
	struct state before;
	struct world w;
	int ret;

	for (n = 1; came; n++) {
		if (n > MAX_NTH)
			test_fail("there is no end after %u faults", MAX_NTH);
		if (fresh) {
			world_init(&w, op);
			if (op->prepare)
				op->prepare(&w);
			state_save(&w, op, &before);
		}
		faults_arm(n);
		ret = op->call(&w);
		came = !faults_disarm();
		fresh = ret >= 0 || op->flags & (RUNS | STAYS);
		if (ret < 0) {
			if (!came)
				test_fail("without a fault: %s", strerror(-ret));
			if (ret != -ENOMEM)
				test_fail("fault %u: %s", n, strerror(-ret));
			failed++;
			state_check(&w, op, &before);
			if (!fresh)
				continue;
			ret = op->call(&w);
			if (ret < 0)
				test_fail("after fault %u, once more: %s", n, strerror(-ret));
		}
		if (op->check)
			op->check(&w);
		world_close(&w);
	}
	*faults = n - 2;
	return failed;
}

FIXTURE(nth) {
};

FIXTURE_VARIANT(nth) {
	const char *name;
};

FIXTURE_VARIANT_ADD(nth, open) { .name = "open" };
FIXTURE_VARIANT_ADD(nth, get_api_version) { .name = "get_api_version" };
FIXTURE_VARIANT_ADD(nth, check_cap) { .name = "check_cap" };
FIXTURE_VARIANT_ADD(nth, create_vm) { .name = "create_vm" };
FIXTURE_VARIANT_ADD(nth, create_vcpu) { .name = "create_vcpu" };
FIXTURE_VARIANT_ADD(nth, slot) { .name = "slot" };
FIXTURE_VARIANT_ADD(nth, slot_fresh) { .name = "slot_fresh" };
FIXTURE_VARIANT_ADD(nth, slot_readonly) { .name = "slot_readonly" };
FIXTURE_VARIANT_ADD(nth, slot_log) { .name = "slot_log" };
FIXTURE_VARIANT_ADD(nth, slot_change) { .name = "slot_change" };
FIXTURE_VARIANT_ADD(nth, slot_begin_log) { .name = "slot_begin_log" };
FIXTURE_VARIANT_ADD(nth, slot_delete) { .name = "slot_delete" };
FIXTURE_VARIANT_ADD(nth, get_dirty_log) { .name = "get_dirty_log" };
FIXTURE_VARIANT_ADD(nth, clear_dirty_log) { .name = "clear_dirty_log" };
FIXTURE_VARIANT_ADD(nth, mark_dirty) { .name = "mark_dirty" };
FIXTURE_VARIANT_ADD(nth, clear_dirty_pages) { .name = "clear_dirty_pages" };
FIXTURE_VARIANT_ADD(nth, set_smccc_policy) { .name = "set_smccc_policy" };
FIXTURE_VARIANT_ADD(nth, set_el2_answers) { .name = "set_el2_answers" };
FIXTURE_VARIANT_ADD(nth, set_posted) { .name = "set_posted" };
FIXTURE_VARIANT_ADD(nth, set_ioeventfd) { .name = "set_ioeventfd" };
FIXTURE_VARIANT_ADD(nth, remove_ioeventfd) { .name = "remove_ioeventfd" };
FIXTURE_VARIANT_ADD(nth, create_gic) { .name = "create_gic" };
FIXTURE_VARIANT_ADD(nth, set_irq) { .name = "set_irq" };
FIXTURE_VARIANT_ADD(nth, set_irqfd) { .name = "set_irqfd" };
FIXTURE_VARIANT_ADD(nth, set_irqfd_resample) { .name = "set_irqfd_resample" };
FIXTURE_VARIANT_ADD(nth, remove_irqfd) { .name = "remove_irqfd" };
FIXTURE_VARIANT_ADD(nth, get_gic_reg) { .name = "get_gic_reg" };
FIXTURE_VARIANT_ADD(nth, set_gic_reg) { .name = "set_gic_reg" };
FIXTURE_VARIANT_ADD(nth, reset_gic) { .name = "reset_gic" };
FIXTURE_VARIANT_ADD(nth, pass_irq) { .name = "pass_irq" };
FIXTURE_VARIANT_ADD(nth, remove_pass_irq) { .name = "remove_pass_irq" };
FIXTURE_VARIANT_ADD(nth, get_core_regs) { .name = "get_core_regs" };
FIXTURE_VARIANT_ADD(nth, set_core_regs) { .name = "set_core_regs" };
FIXTURE_VARIANT_ADD(nth, get_fp_regs) { .name = "get_fp_regs" };
FIXTURE_VARIANT_ADD(nth, set_fp_regs) { .name = "set_fp_regs" };
FIXTURE_VARIANT_ADD(nth, get_one_reg) { .name = "get_one_reg" };
FIXTURE_VARIANT_ADD(nth, set_one_reg) { .name = "set_one_reg" };
FIXTURE_VARIANT_ADD(nth, get_reg_list) { .name = "get_reg_list" };
FIXTURE_VARIANT_ADD(nth, set_irq_line) { .name = "set_irq_line" };
FIXTURE_VARIANT_ADD(nth, inject) { .name = "inject" };
FIXTURE_VARIANT_ADD(nth, get_power) { .name = "get_power" };
FIXTURE_VARIANT_ADD(nth, set_power) { .name = "set_power" };
FIXTURE_VARIANT_ADD(nth, set_dirty_ring) { .name = "set_dirty_ring" };
FIXTURE_VARIANT_ADD(nth, run) { .name = "run" };
FIXTURE_VARIANT_ADD(nth, run_completion) { .name = "run_completion" };
FIXTURE_VARIANT_ADD(nth, run_by_fdatasync) { .name = "run_by_fdatasync" };
FIXTURE_VARIANT_ADD(nth, map_run) { .name = "map_run" };
FIXTURE_VARIANT_ADD(nth, map_ring) { .name = "map_ring" };

FIXTURE_SETUP(nth)
{
}

FIXTURE_TEARDOWN(nth)
{
}

TEST_F_TIMEOUT(nth, allocation_fails, 60)
{
	const struct op *op = ops;
	unsigned int failed, faults;

	while (strcmp(op->name, variant->name))
		ASSERT_NE(ops + ARRAY_SIZE(ops), ++op);
	if (!faults_begin())
		SKIP(return, "no CONFIG_FAULT_INJECTION, FAILSLAB, FAIL_PAGE_ALLOC");
	if ((op->flags & HAS_GIC || op->request == ARMVCPU_CREATE_GIC) &&
	    !gic_version(GIC_V2 | GIC_V3))
		SKIP(return, NO_GIC);
	if (op->flags & HAS_NO_CPU && read_number(ISOLATED) <= 0)
		SKIP(return, "no CPU that the host does not use (isolcpus=)");
	if (op->flags & HAS_RTC && access(RTC_DRIVER, F_OK))
		SKIP(return, "no real-time clock as on QEMU's virt board");
	failed = fail_each(op, &faults);
	fprintf(stderr, "# %s: %u faults, %u times ENOMEM\n", op->name, faults, failed);
	if (op->allocates != PERHAPS)
		EXPECT_EQ(op->allocates == ALWAYS, failed > 0);
}

/* Each row of the table is one of the variants. */
TEST(every_row_is_tried)
{
	const struct __fixture_variant_metadata *v;
	unsigned int count = 0;

	for (v = _nth_fixture_object.variant; v; v = v->next)
		count++;
	if (!getenv("VARIANT"))
		EXPECT_EQ(ARRAY_SIZE(ops), count);
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
