// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls: capabilities, the layout of the contract, and every way to call
 * one of them wrongly. An ioctl that fails has its own errno and changes
 * nothing: neither its argument, nor the vCPU, nor the table of open files.
 */
#include "harness.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include "state.h"
#include "vm.h"

#define SLOT_SIZE	0x10000		/* the largest page there is */

enum file { FILE_SYS, FILE_VM, FILE_VCPU, FILE_COUNT };

static const struct {
	u32 request;
	bool on[FILE_COUNT];
	bool no_arg;
} ioctls[] = {
	{ ARMVCPU_GET_API_VERSION, { 1, 0, 0 }, true },
	{ ARMVCPU_CHECK_CAP,       { 1, 1, 0 } },
	{ ARMVCPU_CREATE_VM,       { 1, 0, 0 } },
	{ ARMVCPU_CREATE_VCPU,     { 0, 1, 0 } },
	{ ARMVCPU_SET_MEM_SLOT,    { 0, 1, 0 } },
	{ ARMVCPU_SET_SMCCC_POLICY, { 0, 1, 0 } },
	{ ARMVCPU_CREATE_GIC,      { 0, 1, 0 } },
	{ ARMVCPU_SET_IRQ,         { 0, 1, 0 } },
	{ ARMVCPU_GET_GIC_REG,     { 0, 1, 0 } },
	{ ARMVCPU_SET_GIC_REG,     { 0, 1, 0 } },
	{ ARMVCPU_RESET_GIC,       { 0, 1, 0 }, true },
	{ ARMVCPU_SET_IOEVENTFD,   { 0, 1, 0 } },
	{ ARMVCPU_SET_IRQFD,       { 0, 1, 0 } },
	{ ARMVCPU_PASS_IRQ,        { 0, 1, 0 } },
	{ ARMVCPU_SET_EL2_ANSWERS, { 0, 1, 0 } },
	{ ARMVCPU_SET_POSTED,      { 0, 1, 0 } },
	{ ARMVCPU_GET_DIRTY_LOG,   { 0, 1, 0 } },
	{ ARMVCPU_CLEAR_DIRTY_LOG, { 0, 1, 0 } },
	{ ARMVCPU_MARK_DIRTY,      { 0, 1, 0 } },
	{ ARMVCPU_CLEAR_DIRTY_PAGES, { 0, 1, 0 } },
	{ ARMVCPU_GET_CORE_REGS,   { 0, 0, 1 } },
	{ ARMVCPU_SET_CORE_REGS,   { 0, 0, 1 } },
	{ ARMVCPU_GET_FP_REGS,     { 0, 0, 1 } },
	{ ARMVCPU_SET_FP_REGS,     { 0, 0, 1 } },
	{ ARMVCPU_GET_ONE_REG,     { 0, 0, 1 } },
	{ ARMVCPU_SET_ONE_REG,     { 0, 0, 1 } },
	{ ARMVCPU_GET_REG_LIST,    { 0, 0, 1 } },
	{ ARMVCPU_SET_IRQ_LINE,    { 0, 0, 1 } },
	{ ARMVCPU_INJECT,          { 0, 0, 1 } },
	{ ARMVCPU_GET_POWER,       { 0, 0, 1 } },
	{ ARMVCPU_SET_POWER,       { 0, 0, 1 } },
	{ ARMVCPU_SET_DIRTY_RING,  { 0, 0, 1 } },
	{ ARMVCPU_RUN,             { 0, 0, 1 }, true },
};

/* A VM with one slot at GUEST_RAM and one vCPU. */
struct world {
	struct vm vm;
	struct vcpu vcpu;
	int fd[FILE_COUNT];
	void *mem;
};

static void world_init(struct world *w)
{
	vm_init_bare(&w->vm, 0);
	w->mem = vm_add_memory(&w->vm, 0, GUEST_RAM, SLOT_SIZE);
	vcpu_init(&w->vcpu, &w->vm, 0);
	w->fd[FILE_SYS] = w->vm.sys;
	w->fd[FILE_VM] = w->vm.fd;
	w->fd[FILE_VCPU] = w->vcpu.fd;
}

static void check_unchanged(struct world *w, struct vcpu_state *before)
{
	vcpu_state_check(&w->vcpu, before);
	/* The slot is where it was, and nowhere else. */
	if (vm_set_slot(&w->vm, 1, 0, GUEST_RAM, SLOT_SIZE, w->mem) != -EEXIST)
		test_fail("the slot is gone");
	if (vm_set_slot(&w->vm, 1, 0, 0, 0, NULL) != -ENOENT)
		test_fail("there is a second slot");
}

/* ---- capabilities ------------------------------------------------ */

FIXTURE(cap) {
	int fd;
	struct vm vm;
};

FIXTURE_VARIANT(cap) {
	u32 cap;
	u64 min, max;
};

#define CAP(_cap, _min, _max) { .cap = (_cap), .min = (_min), .max = (_max) }

FIXTURE_VARIANT_ADD(cap, max_ipa_bits)
	CAP(ARMVCPU_CAP_MAX_IPA_BITS, 32, 52);
FIXTURE_VARIANT_ADD(cap, run_size)
	CAP(ARMVCPU_CAP_RUN_SIZE, sizeof(struct armvcpu_run), 65536);
FIXTURE_VARIANT_ADD(cap, max_vcpus)
	CAP(ARMVCPU_CAP_MAX_VCPUS, 8, 65536);
FIXTURE_VARIANT_ADD(cap, max_slots)
	CAP(ARMVCPU_CAP_MAX_SLOTS, 32, 65536);
FIXTURE_VARIANT_ADD(cap, page_size)
	CAP(ARMVCPU_CAP_PAGE_SIZE, 4096, 65536);
FIXTURE_VARIANT_ADD(cap, pinned_memory)
	CAP(ARMVCPU_CAP_PINNED_MEMORY, 0, 1);
FIXTURE_VARIANT_ADD(cap, aarch32_el0)
	CAP(ARMVCPU_CAP_AARCH32_EL0, 0, 1);
FIXTURE_VARIANT_ADD(cap, vcpu_flags)
	CAP(ARMVCPU_CAP_VCPU_FLAGS, 7, ~0U);
FIXTURE_VARIANT_ADD(cap, pstate_mask)
	CAP(ARMVCPU_CAP_PSTATE_MASK, 0xf00003c0, ~0ULL);
FIXTURE_VARIANT_ADD(cap, max_vms)
	CAP(ARMVCPU_CAP_MAX_VMS, 8, 65536);
FIXTURE_VARIANT_ADD(cap, gic_versions)
	CAP(ARMVCPU_CAP_GIC_VERSIONS, 0, BIT(2) | BIT(3));
FIXTURE_VARIANT_ADD(cap, max_ioeventfds)
	CAP(ARMVCPU_CAP_MAX_IOEVENTFDS, 64, 65536);
FIXTURE_VARIANT_ADD(cap, ioeventfd_flags)
	CAP(ARMVCPU_CAP_IOEVENTFD_FLAGS, ARMVCPU_IOEVENTFD_REMOVE, ~0U);
FIXTURE_VARIANT_ADD(cap, max_irqfds)
	CAP(ARMVCPU_CAP_MAX_IRQFDS, 64, 65536);
FIXTURE_VARIANT_ADD(cap, irqfd_flags)
	CAP(ARMVCPU_CAP_IRQFD_FLAGS, ARMVCPU_IRQFD_REMOVE | ARMVCPU_IRQFD_RESAMPLE, ~0U);
FIXTURE_VARIANT_ADD(cap, pass_irq_flags)
	CAP(ARMVCPU_CAP_PASS_IRQ_FLAGS, 0, ARMVCPU_PASS_IRQ_REMOVE | ARMVCPU_PASS_IRQ_EDGE);
FIXTURE_VARIANT_ADD(cap, pass_irq_direct)
	CAP(ARMVCPU_CAP_PASS_IRQ_DIRECT, 0, 1);
FIXTURE_VARIANT_ADD(cap, smccc_policy_flags)
	CAP(ARMVCPU_CAP_SMCCC_POLICY_FLAGS, ARMVCPU_SMCCC_POLICY_HVC, ~0U);
FIXTURE_VARIANT_ADD(cap, el2_answers)
	CAP(ARMVCPU_CAP_EL2_ANSWERS, 0x7f, 0x7f);
FIXTURE_VARIANT_ADD(cap, stats)
	CAP(ARMVCPU_CAP_STATS, 1, 1);
FIXTURE_VARIANT_ADD(cap, run_by_fdatasync)
	CAP(ARMVCPU_CAP_RUN_BY_FDATASYNC, 1, 1);
FIXTURE_VARIANT_ADD(cap, max_posted)
	CAP(ARMVCPU_CAP_MAX_POSTED, 8, 65536);
FIXTURE_VARIANT_ADD(cap, max_lines)
	CAP(ARMVCPU_CAP_MAX_LINES, ARMVCPU_RUN_LINES, ARMVCPU_RUN_LINES);
FIXTURE_VARIANT_ADD(cap, slot_flags)
	CAP(ARMVCPU_CAP_SLOT_FLAGS, 0xf, ~0U);
FIXTURE_VARIANT_ADD(cap, dirty_log)
	CAP(ARMVCPU_CAP_DIRTY_LOG, 1, 1);
FIXTURE_VARIANT_ADD(cap, max_dirty_ring)
	CAP(ARMVCPU_CAP_MAX_DIRTY_RING, 65536, 65536);
FIXTURE_VARIANT_ADD(cap, unknown_zero)
	CAP(0, 0, 0);
FIXTURE_VARIANT_ADD(cap, unknown_next)
	CAP(ARMVCPU_CAP_MAX_DIRTY_RING + 1, 0, 0);
FIXTURE_VARIANT_ADD(cap, unknown_last)
	CAP(~0U, 0, 0);

FIXTURE_SETUP(cap)
{
	self->fd = sys_open();
	vm_init_bare(&self->vm, 0);
}

FIXTURE_TEARDOWN(cap)
{
}

TEST_F(cap, value)
{
	struct armvcpu_cap arg = { .cap = variant->cap, .value = POISON };

	ASSERT_EQ(0, xioctl(self->fd, ARMVCPU_CHECK_CAP, &arg));
	EXPECT_EQ(variant->cap, arg.cap);
	EXPECT_EQ(0, arg.flags);
	EXPECT_LE(variant->min, arg.value);
	EXPECT_GE(variant->max, arg.value);
	/* The VM's file says the same. */
	EXPECT_EQ(arg.value, get_cap(self->vm.fd, variant->cap));
}

TEST(cap_page_size_is_the_hosts)
{
	EXPECT_EQ(page_size(), get_cap(sys_open(), ARMVCPU_CAP_PAGE_SIZE));
}

TEST(cap_run_size_is_whole_pages)
{
	EXPECT_EQ(0, get_cap(sys_open(), ARMVCPU_CAP_RUN_SIZE) % page_size());
}

TEST(api_version)
{
	EXPECT_EQ(1, xioctl(sys_open(), ARMVCPU_GET_API_VERSION, NULL));
}

/* Compiled in: that this program exists is the test, its run prints it. */
#define ASSERT_OFFSET(type, field, offset) \
	static_assert(offsetof(struct type, field) == (offset), #type "." #field)
#define ASSERT_SIZE(type, size) static_assert(sizeof(struct type) == (size), #type)

ASSERT_SIZE(armvcpu_cap, 16);
ASSERT_SIZE(armvcpu_create_vm, 32);
ASSERT_SIZE(armvcpu_create_vcpu, 16);
ASSERT_SIZE(armvcpu_mem_slot, 32);
ASSERT_SIZE(armvcpu_smccc_range, 16);
ASSERT_SIZE(armvcpu_smccc_policy, 16);
ASSERT_SIZE(armvcpu_create_gic, 48);
ASSERT_SIZE(armvcpu_irq, 24);
ASSERT_SIZE(armvcpu_gic_reg, 32);
ASSERT_SIZE(armvcpu_ioeventfd, 56);
ASSERT_SIZE(armvcpu_irqfd, 32);
ASSERT_SIZE(armvcpu_pass_irq, 32);
ASSERT_SIZE(armvcpu_el2_answers, 16);
ASSERT_SIZE(armvcpu_posted_range, 24);
ASSERT_SIZE(armvcpu_core_regs, 35 * 8);
ASSERT_SIZE(armvcpu_fp_regs, 528);
ASSERT_SIZE(armvcpu_one_reg, 16);
ASSERT_SIZE(armvcpu_reg_list, 16);
ASSERT_SIZE(armvcpu_irq_line, 8);
ASSERT_SIZE(armvcpu_inject, 16);
ASSERT_SIZE(armvcpu_power, 8);
ASSERT_SIZE(armvcpu_exit_mmio, 24);
ASSERT_SIZE(armvcpu_exit_abort, 16);
ASSERT_SIZE(armvcpu_exit_sysreg, 16);
ASSERT_SIZE(armvcpu_exit_call, 16);
ASSERT_SIZE(armvcpu_exit_psci, 48);
ASSERT_SIZE(armvcpu_exit_wfx, 16);
ASSERT_SIZE(armvcpu_exit_debug, 16);
ASSERT_SIZE(armvcpu_exit_fail, 8);
ASSERT_SIZE(armvcpu_stats, 112 * 8);
ASSERT_OFFSET(armvcpu_stats, sync, 8);
ASSERT_OFFSET(armvcpu_stats, user, 65 * 8);
ASSERT_OFFSET(armvcpu_stats, el2, 81 * 8);
ASSERT_OFFSET(armvcpu_stats, faults, 97 * 8);
ASSERT_OFFSET(armvcpu_stats, pages, 98 * 8);
ASSERT_OFFSET(armvcpu_stats, waits, 99 * 8);
ASSERT_SIZE(armvcpu_run_line, 8);
ASSERT_SIZE(armvcpu_posted, 24);
ASSERT_OFFSET(armvcpu_posted, data, 8);
ASSERT_OFFSET(armvcpu_posted, len, 16);
ASSERT_SIZE(armvcpu_dirty_log, 32);
ASSERT_OFFSET(armvcpu_dirty_log, bitmap, 24);
ASSERT_SIZE(armvcpu_dirty_page, 16);
ASSERT_OFFSET(armvcpu_dirty_page, page, 8);
ASSERT_SIZE(armvcpu_clear_dirty_pages, 16);
ASSERT_OFFSET(armvcpu_clear_dirty_pages, pages, 8);
ASSERT_SIZE(armvcpu_set_dirty_ring, 8);
ASSERT_SIZE(armvcpu_dirty_ring, 128);
ASSERT_OFFSET(armvcpu_dirty_ring, tail, 64);
ASSERT_OFFSET(armvcpu_dirty_ring, entries, 68);
ASSERT_OFFSET(armvcpu_dirty_ring, pages, 128);
ASSERT_SIZE(armvcpu_posted_ring, 8 + 64 * 24);
ASSERT_OFFSET(armvcpu_posted_ring, tail, 4);
ASSERT_OFFSET(armvcpu_posted_ring, writes, 8);
ASSERT_SIZE(armvcpu_times, 65 * 8);
ASSERT_OFFSET(armvcpu_times, sync, 8);
ASSERT_SIZE(armvcpu_run, 3608);
ASSERT_OFFSET(armvcpu_run, immediate_exit, 248);
ASSERT_OFFSET(armvcpu_run, action, 249);
ASSERT_OFFSET(armvcpu_run, timing, 250);
ASSERT_OFFSET(armvcpu_run, exit_reason, 252);
ASSERT_OFFSET(armvcpu_run, pc, 256);
ASSERT_OFFSET(armvcpu_run, hpfar, 288);
ASSERT_OFFSET(armvcpu_run, u, 296);
ASSERT_OFFSET(armvcpu_run, stats, 512);
ASSERT_OFFSET(armvcpu_run, nr_lines, 1408);
ASSERT_OFFSET(armvcpu_run, lines, 1416);
ASSERT_OFFSET(armvcpu_run, posted, 1544);
ASSERT_OFFSET(armvcpu_run, times, 3088);

/* The numbers, too, are for ever. */
static_assert(_IOC_NR(ARMVCPU_SET_EL2_ANSWERS) == 0x1b, "ARMVCPU_SET_EL2_ANSWERS");
static_assert(_IOC_NR(ARMVCPU_SET_POSTED) == 0x1c, "ARMVCPU_SET_POSTED");
static_assert(_IOC_NR(ARMVCPU_GET_DIRTY_LOG) == 0x1d, "ARMVCPU_GET_DIRTY_LOG");
static_assert(_IOC_NR(ARMVCPU_CLEAR_DIRTY_LOG) == 0x1e, "ARMVCPU_CLEAR_DIRTY_LOG");
static_assert(_IOC_NR(ARMVCPU_MARK_DIRTY) == 0x1f, "ARMVCPU_MARK_DIRTY");
static_assert(_IOC_NR(ARMVCPU_SET_DIRTY_RING) == 0x2c, "ARMVCPU_SET_DIRTY_RING");
static_assert(_IOC_NR(ARMVCPU_CLEAR_DIRTY_PAGES) == 0x30, "ARMVCPU_CLEAR_DIRTY_PAGES");

/* ---- any file, any number ---------------------------------------- */

FIXTURE(numbers) {
	struct world w;
};

FIXTURE_VARIANT(numbers) {
	enum file file;
};

FIXTURE_VARIANT_ADD(numbers, system) { .file = FILE_SYS };
FIXTURE_VARIANT_ADD(numbers, vm) { .file = FILE_VM };
FIXTURE_VARIANT_ADD(numbers, vcpu) { .file = FILE_VCPU };

FIXTURE_SETUP(numbers)
{
	world_init(&self->w);
}

FIXTURE_TEARDOWN(numbers)
{
}

static bool takes(enum file file, u32 request)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ioctls); i++) {
		if (ioctls[i].request == request)
			return ioctls[i].on[file];
	}
	return false;
}

static u8 scratch[16384] __aligned(8);

/* Every number in every direction and some sizes that are not ours. */
TEST_F(numbers, unknown_is_enotty)
{
	static const u32 sizes[] = { 0, 8, 16, 24, 32, 40, 56, 280, 528 };
	unsigned int nr, dir, i;
	struct vcpu_state before;

	vcpu_state_save(&self->w.vcpu, &before);
	for (nr = 0; nr < 256; nr++) {
		for (dir = 0; dir < 4; dir++) {
			for (i = 0; i < ARRAY_SIZE(sizes); i++) {
				u32 request = _IOC(dir, ARMVCPU_IOC, nr, sizes[i]);

				if (takes(variant->file, request))
					continue;
				ASSERT_EQ(-ENOTTY, xioctl(self->w.fd[variant->file], request,
							  scratch)) {
					TH_LOG("request 0x%x", request);
				}
			}
		}
	}
	check_unchanged(&self->w, &before);
}

/* Numbers of the other two kinds of file, with sound arguments. */
TEST_F(numbers, of_another_file_is_enotty)
{
	struct vcpu_state before;
	unsigned int i;

	vcpu_state_save(&self->w.vcpu, &before);
	for (i = 0; i < ARRAY_SIZE(ioctls); i++) {
		if (ioctls[i].on[variant->file])
			continue;
		EXPECT_EQ(-ENOTTY, xioctl(self->w.fd[variant->file], ioctls[i].request,
					  scratch)) {
			TH_LOG("request 0x%x", ioctls[i].request);
		}
	}
	check_unchanged(&self->w, &before);
}

/* Of terminals, of KVM, of nobody. */
TEST_F(numbers, of_another_driver_is_enotty)
{
	static const u32 requests[] = {
		0x5401, 0x5413, 0xae00, 0xae01, 0xae80, 0, ~0U, 0x80000000,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		EXPECT_EQ(-ENOTTY, xioctl(self->w.fd[variant->file], requests[i], scratch)) {
			TH_LOG("request 0x%x", requests[i]);
		}
	}
}

/* The three kinds of file are for ioctl() and, the vCPU's, for mmap(). */
TEST_F(numbers, no_read_no_write)
{
	int fd = self->w.fd[variant->file];

	EXPECT_EQ(-1, read(fd, scratch, 8));
	EXPECT_EQ(-1, write(fd, scratch, 8));
	EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

/* ---- bad pointers ------------------------------------------------ */

FIXTURE(pointer) {
	struct world w;
	int fd;
	u8 *edge;
};

FIXTURE_VARIANT(pointer) {
	enum file file;
	u32 request;
};

#define POINTER(_file, _request) { .file = (_file), .request = (_request) }

FIXTURE_VARIANT_ADD(pointer, check_cap)
	POINTER(FILE_SYS, ARMVCPU_CHECK_CAP);
FIXTURE_VARIANT_ADD(pointer, vm_check_cap)
	POINTER(FILE_VM, ARMVCPU_CHECK_CAP);
FIXTURE_VARIANT_ADD(pointer, create_vm)
	POINTER(FILE_SYS, ARMVCPU_CREATE_VM);
FIXTURE_VARIANT_ADD(pointer, create_vcpu)
	POINTER(FILE_VM, ARMVCPU_CREATE_VCPU);
FIXTURE_VARIANT_ADD(pointer, set_mem_slot)
	POINTER(FILE_VM, ARMVCPU_SET_MEM_SLOT);
FIXTURE_VARIANT_ADD(pointer, set_smccc_policy)
	POINTER(FILE_VM, ARMVCPU_SET_SMCCC_POLICY);
FIXTURE_VARIANT_ADD(pointer, create_gic)
	POINTER(FILE_VM, ARMVCPU_CREATE_GIC);
FIXTURE_VARIANT_ADD(pointer, set_irq)
	POINTER(FILE_VM, ARMVCPU_SET_IRQ);
FIXTURE_VARIANT_ADD(pointer, get_gic_reg)
	POINTER(FILE_VM, ARMVCPU_GET_GIC_REG);
FIXTURE_VARIANT_ADD(pointer, set_gic_reg)
	POINTER(FILE_VM, ARMVCPU_SET_GIC_REG);
FIXTURE_VARIANT_ADD(pointer, set_ioeventfd)
	POINTER(FILE_VM, ARMVCPU_SET_IOEVENTFD);
FIXTURE_VARIANT_ADD(pointer, set_irqfd)
	POINTER(FILE_VM, ARMVCPU_SET_IRQFD);
FIXTURE_VARIANT_ADD(pointer, pass_irq)
	POINTER(FILE_VM, ARMVCPU_PASS_IRQ);
FIXTURE_VARIANT_ADD(pointer, set_el2_answers)
	POINTER(FILE_VM, ARMVCPU_SET_EL2_ANSWERS);
FIXTURE_VARIANT_ADD(pointer, set_posted)
	POINTER(FILE_VM, ARMVCPU_SET_POSTED);
FIXTURE_VARIANT_ADD(pointer, get_dirty_log)
	POINTER(FILE_VM, ARMVCPU_GET_DIRTY_LOG);
FIXTURE_VARIANT_ADD(pointer, clear_dirty_log)
	POINTER(FILE_VM, ARMVCPU_CLEAR_DIRTY_LOG);
FIXTURE_VARIANT_ADD(pointer, mark_dirty)
	POINTER(FILE_VM, ARMVCPU_MARK_DIRTY);
FIXTURE_VARIANT_ADD(pointer, clear_dirty_pages)
	POINTER(FILE_VM, ARMVCPU_CLEAR_DIRTY_PAGES);
FIXTURE_VARIANT_ADD(pointer, get_core_regs)
	POINTER(FILE_VCPU, ARMVCPU_GET_CORE_REGS);
FIXTURE_VARIANT_ADD(pointer, set_core_regs)
	POINTER(FILE_VCPU, ARMVCPU_SET_CORE_REGS);
FIXTURE_VARIANT_ADD(pointer, get_fp_regs)
	POINTER(FILE_VCPU, ARMVCPU_GET_FP_REGS);
FIXTURE_VARIANT_ADD(pointer, set_fp_regs)
	POINTER(FILE_VCPU, ARMVCPU_SET_FP_REGS);
FIXTURE_VARIANT_ADD(pointer, get_one_reg)
	POINTER(FILE_VCPU, ARMVCPU_GET_ONE_REG);
FIXTURE_VARIANT_ADD(pointer, set_one_reg)
	POINTER(FILE_VCPU, ARMVCPU_SET_ONE_REG);
FIXTURE_VARIANT_ADD(pointer, get_reg_list)
	POINTER(FILE_VCPU, ARMVCPU_GET_REG_LIST);
FIXTURE_VARIANT_ADD(pointer, set_irq_line)
	POINTER(FILE_VCPU, ARMVCPU_SET_IRQ_LINE);
FIXTURE_VARIANT_ADD(pointer, inject)
	POINTER(FILE_VCPU, ARMVCPU_INJECT);
FIXTURE_VARIANT_ADD(pointer, get_power)
	POINTER(FILE_VCPU, ARMVCPU_GET_POWER);
FIXTURE_VARIANT_ADD(pointer, set_power)
	POINTER(FILE_VCPU, ARMVCPU_SET_POWER);
FIXTURE_VARIANT_ADD(pointer, set_dirty_ring)
	POINTER(FILE_VCPU, ARMVCPU_SET_DIRTY_RING);

FIXTURE_SETUP(pointer)
{
	u64 page = page_size();

	world_init(&self->w);
	self->fd = self->w.fd[variant->file];
	/* A page, and none behind it. */
	self->edge = alloc_pages(2 * page);
	memset(self->edge, 0, page);
	ASSERT_EQ(0, munmap(self->edge + page, page));
	self->edge += page;
}

FIXTURE_TEARDOWN(pointer)
{
}

TEST_F(pointer, is_efault)
{
	u32 size = _IOC_SIZE(variant->request);
	void *pointers[] = {
		NULL, (void *)8, self->edge, self->edge - size + 1, self->edge - 1,
		(void *)(BIT(63) - 8), (void *)0xffff000000000000UL, (void *)-1UL,
	};
	struct vcpu_state before;
	unsigned int i;

	vcpu_state_save(&self->w.vcpu, &before);
	for (i = 0; i < ARRAY_SIZE(pointers); i++) {
		EXPECT_EQ(-EFAULT, xioctl(self->fd, variant->request, pointers[i])) {
			TH_LOG("pointer %p", pointers[i]);
		}
	}
	/* What the ioctl wants to write to; there is no GIC here, see gic.c. */
	if (_IOC_DIR(variant->request) & _IOC_READ &&
	    variant->request != ARMVCPU_GET_GIC_REG) {
		void *page = alloc_pages(page_size());

		if (variant->request == ARMVCPU_GET_ONE_REG)
			*(u32 *)page = ARMVCPU_REG_X(3);
		if (variant->request == ARMVCPU_CHECK_CAP)
			*(u32 *)page = ARMVCPU_CAP_MAX_VCPUS;
		ASSERT_EQ(0, mprotect(page, page_size(), PROT_READ));
		EXPECT_EQ(-EFAULT, xioctl(self->fd, variant->request, page));
	}
	check_unchanged(&self->w, &before);
}

/* ---- bad arguments ----------------------------------------------- */

FIXTURE(misuse) {
	struct world w;
};

FIXTURE_VARIANT(misuse) {
	enum file file;
	u32 request;
	const void *arg;
	int err;
};

#define MISUSE(_file, _request, _err, _type, ...) { \
	.file = (_file), .request = (_request), .err = (_err),			\
	.arg = &(const struct armvcpu_##_type) { __VA_ARGS__ },			\
}

FIXTURE_VARIANT_ADD(misuse, cap_flags)
	MISUSE(FILE_SYS, ARMVCPU_CHECK_CAP, EINVAL, cap,
	       .cap = ARMVCPU_CAP_MAX_VCPUS, .flags = 1);
FIXTURE_VARIANT_ADD(misuse, cap_flags_last)
	MISUSE(FILE_SYS, ARMVCPU_CHECK_CAP, EINVAL, cap,
	       .cap = ARMVCPU_CAP_MAX_VCPUS, .flags = BIT(31));
FIXTURE_VARIANT_ADD(misuse, cap_flags_unknown)
	MISUSE(FILE_VM, ARMVCPU_CHECK_CAP, EINVAL, cap, .cap = ~0U, .flags = 1);

FIXTURE_VARIANT_ADD(misuse, vm_flags)
	MISUSE(FILE_SYS, ARMVCPU_CREATE_VM, EINVAL, create_vm, .flags = 1);
FIXTURE_VARIANT_ADD(misuse, vm_flags_last)
	MISUSE(FILE_SYS, ARMVCPU_CREATE_VM, EINVAL, create_vm, .flags = BIT(31));
FIXTURE_VARIANT_ADD(misuse, vm_ipa_1)
	MISUSE(FILE_SYS, ARMVCPU_CREATE_VM, EINVAL, create_vm, .ipa_bits = 1);
FIXTURE_VARIANT_ADD(misuse, vm_ipa_31)
	MISUSE(FILE_SYS, ARMVCPU_CREATE_VM, EINVAL, create_vm, .ipa_bits = 31);
FIXTURE_VARIANT_ADD(misuse, vm_ipa_53)
	MISUSE(FILE_SYS, ARMVCPU_CREATE_VM, EINVAL, create_vm, .ipa_bits = 53);
FIXTURE_VARIANT_ADD(misuse, vm_ipa_64)
	MISUSE(FILE_SYS, ARMVCPU_CREATE_VM, EINVAL, create_vm, .ipa_bits = 64);
FIXTURE_VARIANT_ADD(misuse, vm_ipa_wild)
	MISUSE(FILE_SYS, ARMVCPU_CREATE_VM, EINVAL, create_vm, .ipa_bits = ~0U);
FIXTURE_VARIANT_ADD(misuse, vm_reserved_0)
	MISUSE(FILE_SYS, ARMVCPU_CREATE_VM, EINVAL, create_vm, .reserved[0] = 1);
FIXTURE_VARIANT_ADD(misuse, vm_reserved_1)
	MISUSE(FILE_SYS, ARMVCPU_CREATE_VM, EINVAL, create_vm, .reserved[1] = BIT(63));
FIXTURE_VARIANT_ADD(misuse, vm_reserved_2)
	MISUSE(FILE_SYS, ARMVCPU_CREATE_VM, EINVAL, create_vm, .reserved[2] = BIT(32));

FIXTURE_VARIANT_ADD(misuse, vcpu_flags)
	MISUSE(FILE_VM, ARMVCPU_CREATE_VCPU, EINVAL, create_vcpu,
	       .flags = 8, .mpidr = 1);
FIXTURE_VARIANT_ADD(misuse, vcpu_flags_last)
	MISUSE(FILE_VM, ARMVCPU_CREATE_VCPU, EINVAL, create_vcpu,
	       .flags = BIT(31), .mpidr = 1);
FIXTURE_VARIANT_ADD(misuse, vcpu_reserved)
	MISUSE(FILE_VM, ARMVCPU_CREATE_VCPU, EINVAL, create_vcpu,
	       .reserved = 1, .mpidr = 1);
FIXTURE_VARIANT_ADD(misuse, vcpu_mpidr_bit24)
	MISUSE(FILE_VM, ARMVCPU_CREATE_VCPU, EINVAL, create_vcpu, .mpidr = BIT(24));
FIXTURE_VARIANT_ADD(misuse, vcpu_mpidr_mt)
	MISUSE(FILE_VM, ARMVCPU_CREATE_VCPU, EINVAL, create_vcpu, .mpidr = BIT(25));
FIXTURE_VARIANT_ADD(misuse, vcpu_mpidr_u)
	MISUSE(FILE_VM, ARMVCPU_CREATE_VCPU, EINVAL, create_vcpu, .mpidr = BIT(30) | 1);
FIXTURE_VARIANT_ADD(misuse, vcpu_mpidr_res1)
	MISUSE(FILE_VM, ARMVCPU_CREATE_VCPU, EINVAL, create_vcpu,
	       .mpidr = BIT(31) | 1);
FIXTURE_VARIANT_ADD(misuse, vcpu_mpidr_bit40)
	MISUSE(FILE_VM, ARMVCPU_CREATE_VCPU, EINVAL, create_vcpu, .mpidr = BIT(40));
FIXTURE_VARIANT_ADD(misuse, vcpu_mpidr_bit63)
	MISUSE(FILE_VM, ARMVCPU_CREATE_VCPU, EINVAL, create_vcpu, .mpidr = BIT(63));
FIXTURE_VARIANT_ADD(misuse, vcpu_mpidr_taken)
	MISUSE(FILE_VM, ARMVCPU_CREATE_VCPU, EEXIST, create_vcpu, .mpidr = 0);

FIXTURE_VARIANT_ADD(misuse, policy_flags)
	MISUSE(FILE_VM, ARMVCPU_SET_SMCCC_POLICY, EINVAL, smccc_policy, .flags = 2);
FIXTURE_VARIANT_ADD(misuse, policy_flags_last)
	MISUSE(FILE_VM, ARMVCPU_SET_SMCCC_POLICY, EINVAL, smccc_policy,
	       .flags = ARMVCPU_SMCCC_POLICY_HVC | BIT(31));
FIXTURE_VARIANT_ADD(misuse, policy_count)
	MISUSE(FILE_VM, ARMVCPU_SET_SMCCC_POLICY, EINVAL, smccc_policy,
	       .count = ARMVCPU_SMCCC_MAX_RANGES + 1, .ranges = (u64)scratch);
FIXTURE_VARIANT_ADD(misuse, policy_count_wild)
	MISUSE(FILE_VM, ARMVCPU_SET_SMCCC_POLICY, EINVAL, smccc_policy,
	       .count = ~0U, .ranges = (u64)scratch);
FIXTURE_VARIANT_ADD(misuse, policy_null)
	MISUSE(FILE_VM, ARMVCPU_SET_SMCCC_POLICY, EFAULT, smccc_policy, .count = 1);
FIXTURE_VARIANT_ADD(misuse, policy_kernel)
	MISUSE(FILE_VM, ARMVCPU_SET_SMCCC_POLICY, EFAULT, smccc_policy,
	       .count = 1, .ranges = 0xffff000000000000);

#define EL2_ANSWERS(...) \
	MISUSE(FILE_VM, ARMVCPU_SET_EL2_ANSWERS, EINVAL, el2_answers, __VA_ARGS__)

FIXTURE_VARIANT_ADD(misuse, el2_answers_next)
	EL2_ANSWERS(.mask = BIT(ARMVCPU_EL2_GIC + 1));
/* Counted, but nobody else could answer. */
FIXTURE_VARIANT_ADD(misuse, el2_answers_fp)
	EL2_ANSWERS(.mask = BIT(ARMVCPU_EL2_FP));
FIXTURE_VARIANT_ADD(misuse, el2_answers_passed)
	EL2_ANSWERS(.mask = BIT(ARMVCPU_EL2_PASSED));
FIXTURE_VARIANT_ADD(misuse, el2_answers_last)
	EL2_ANSWERS(.mask = BIT(63));
FIXTURE_VARIANT_ADD(misuse, el2_answers_all)
	EL2_ANSWERS(.mask = ~0ULL);
FIXTURE_VARIANT_ADD(misuse, el2_answers_reserved)
	EL2_ANSWERS(.mask = BIT(ARMVCPU_EL2_CALL), .reserved = 1);
FIXTURE_VARIANT_ADD(misuse, el2_answers_reserved_last)
	EL2_ANSWERS(.reserved = BIT(63));

#define POSTED(_err, ...) \
	MISUSE(FILE_VM, ARMVCPU_SET_POSTED, _err, posted_range, __VA_ARGS__)

FIXTURE_VARIANT_ADD(misuse, posted_flags)
	POSTED(EINVAL, .ipa = GUEST_MMIO, .size = 16, .flags = 1);
FIXTURE_VARIANT_ADD(misuse, posted_flags_last)
	POSTED(EINVAL, .ipa = GUEST_MMIO, .size = 16, .flags = BIT(31));
FIXTURE_VARIANT_ADD(misuse, posted_reserved)
	POSTED(EINVAL, .ipa = GUEST_MMIO, .size = 16, .reserved = 1);
FIXTURE_VARIANT_ADD(misuse, posted_size_0)
	POSTED(EINVAL, .ipa = GUEST_MMIO);
FIXTURE_VARIANT_ADD(misuse, posted_wraps)
	POSTED(EINVAL, .ipa = ~0ULL, .size = 2);
FIXTURE_VARIANT_ADD(misuse, posted_wraps_to_0)
	POSTED(EINVAL, .ipa = GUEST_MMIO, .size = -(u64)GUEST_MMIO);
FIXTURE_VARIANT_ADD(misuse, posted_size_wild)
	POSTED(EINVAL, .ipa = GUEST_MMIO, .size = ~0ULL);
FIXTURE_VARIANT_ADD(misuse, posted_beyond_the_ipas)
	POSTED(EINVAL, .ipa = BIT(52), .size = 1);
FIXTURE_VARIANT_ADD(misuse, posted_on_a_slot)
	POSTED(EEXIST, .ipa = GUEST_RAM, .size = 8);
FIXTURE_VARIANT_ADD(misuse, posted_into_a_slot)
	POSTED(EEXIST, .ipa = GUEST_RAM - 8, .size = 9);
FIXTURE_VARIANT_ADD(misuse, posted_out_of_a_slot)
	POSTED(EEXIST, .ipa = GUEST_RAM + SLOT_SIZE - 1, .size = 2);
FIXTURE_VARIANT_ADD(misuse, posted_around_a_slot)
	POSTED(EEXIST, .ipa = GUEST_RAM - 8, .size = SLOT_SIZE + 16);

/* The VM has a vCPU already, and no GIC. */
FIXTURE_VARIANT_ADD(misuse, gic_version)
	MISUSE(FILE_VM, ARMVCPU_CREATE_GIC, EINVAL, create_gic,
	       .version = 1, .nr_irqs = 64, .max_vcpus = 1, .cpu = 0x10000);
FIXTURE_VARIANT_ADD(misuse, gic_flags)
	MISUSE(FILE_VM, ARMVCPU_CREATE_GIC, EINVAL, create_gic,
	       .version = 3, .flags = 1, .nr_irqs = 64, .max_vcpus = 1, .cpu = 0x10000);
FIXTURE_VARIANT_ADD(misuse, irq_without_gic)
	MISUSE(FILE_VM, ARMVCPU_SET_IRQ, ENXIO, irq, .intid = 40, .level = 1);
FIXTURE_VARIANT_ADD(misuse, gic_reg_without_gic)
	MISUSE(FILE_VM, ARMVCPU_GET_GIC_REG, ENXIO, gic_reg, .value = 1);
FIXTURE_VARIANT_ADD(misuse, set_gic_reg_without_gic)
	MISUSE(FILE_VM, ARMVCPU_SET_GIC_REG, ENXIO, gic_reg, .value = 1);
FIXTURE_VARIANT_ADD(misuse, gic_reg_space)
	MISUSE(FILE_VM, ARMVCPU_GET_GIC_REG, EINVAL, gic_reg, .space = 5);
#define IOEVENTFD(_err, ...) \
	MISUSE(FILE_VM, ARMVCPU_SET_IOEVENTFD, _err, ioeventfd, \
	       .ipa = GUEST_MMIO, __VA_ARGS__)

FIXTURE_VARIANT_ADD(misuse, ioeventfd_flags)
	IOEVENTFD(EINVAL, .len = 4, .flags = 2, .fd = -1);
FIXTURE_VARIANT_ADD(misuse, ioeventfd_flags_last)
	IOEVENTFD(EINVAL, .len = 4, .flags = BIT(31), .fd = -1);
FIXTURE_VARIANT_ADD(misuse, ioeventfd_pad)
	IOEVENTFD(EINVAL, .len = 4, .pad = 1, .fd = -1);
FIXTURE_VARIANT_ADD(misuse, ioeventfd_reserved_0)
	IOEVENTFD(EINVAL, .len = 4, .reserved[0] = 1, .fd = -1);
FIXTURE_VARIANT_ADD(misuse, ioeventfd_reserved_1)
	IOEVENTFD(EINVAL, .len = 4, .reserved[1] = BIT(63), .fd = -1);
FIXTURE_VARIANT_ADD(misuse, ioeventfd_len_0)
	IOEVENTFD(EINVAL, .len = 0, .fd = -1);
FIXTURE_VARIANT_ADD(misuse, ioeventfd_len_3)
	IOEVENTFD(EINVAL, .len = 3, .fd = -1);
FIXTURE_VARIANT_ADD(misuse, ioeventfd_len_16)
	IOEVENTFD(EINVAL, .len = 16, .fd = -1);
FIXTURE_VARIANT_ADD(misuse, ioeventfd_len_wild)
	IOEVENTFD(EINVAL, .len = BIT(31), .fd = -1);
FIXTURE_VARIANT_ADD(misuse, ioeventfd_data_outside_mask)
	IOEVENTFD(EINVAL, .len = 4, .data = 0x101, .data_mask = 0xff, .fd = -1);
FIXTURE_VARIANT_ADD(misuse, ioeventfd_mask_too_wide)
	IOEVENTFD(EINVAL, .len = 4, .data_mask = 0x1ffffffff, .fd = -1);
FIXTURE_VARIANT_ADD(misuse, ioeventfd_remove_len_0)
	IOEVENTFD(EINVAL, .flags = ARMVCPU_IOEVENTFD_REMOVE, .fd = -1);
FIXTURE_VARIANT_ADD(misuse, ioeventfd_fd)
	IOEVENTFD(EBADF, .len = 4, .fd = -1);
FIXTURE_VARIANT_ADD(misuse, ioeventfd_fd_wild)
	IOEVENTFD(EBADF, .len = 4, .fd = 0x7fffffff);
FIXTURE_VARIANT_ADD(misuse, ioeventfd_remove_fd)
	IOEVENTFD(EBADF, .len = 4, .flags = ARMVCPU_IOEVENTFD_REMOVE, .fd = -1);

#define IRQFD(_err, ...) \
	MISUSE(FILE_VM, ARMVCPU_SET_IRQFD, _err, irqfd, .intid = 40, __VA_ARGS__)

FIXTURE_VARIANT_ADD(misuse, irqfd_flags)
	IRQFD(EINVAL, .flags = 4, .fd = -1);
FIXTURE_VARIANT_ADD(misuse, irqfd_flags_last)
	IRQFD(EINVAL, .flags = BIT(31), .fd = -1);
FIXTURE_VARIANT_ADD(misuse, irqfd_reserved_0)
	IRQFD(EINVAL, .reserved[0] = 1, .fd = -1);
FIXTURE_VARIANT_ADD(misuse, irqfd_reserved_1)
	IRQFD(EINVAL, .reserved[1] = BIT(63), .fd = -1);
FIXTURE_VARIANT_ADD(misuse, irqfd_resample_alone)
	IRQFD(EINVAL, .resample_fd = -1, .fd = -1);
FIXTURE_VARIANT_ADD(misuse, irqfd_no_gic)
	IRQFD(ENXIO, .fd = -1);
FIXTURE_VARIANT_ADD(misuse, irqfd_remove_no_gic)
	IRQFD(ENXIO, .flags = ARMVCPU_IRQFD_REMOVE, .fd = -1);

/* What needs a GIC, and more than that of the host: passthrough.c. */
#define PASS_IRQ(_err, ...) \
	MISUSE(FILE_VM, ARMVCPU_PASS_IRQ, _err, pass_irq, .hw_intid = 160, .intid = 40, \
	       __VA_ARGS__)

FIXTURE_VARIANT_ADD(misuse, pass_irq_flags)
	PASS_IRQ(EINVAL, .flags = 4);
FIXTURE_VARIANT_ADD(misuse, pass_irq_flags_last)
	PASS_IRQ(EINVAL, .flags = BIT(31));
FIXTURE_VARIANT_ADD(misuse, pass_irq_reserved_0)
	PASS_IRQ(EINVAL, .reserved[0] = 1);
FIXTURE_VARIANT_ADD(misuse, pass_irq_reserved_1)
	PASS_IRQ(EINVAL, .reserved[1] = BIT(63));
FIXTURE_VARIANT_ADD(misuse, pass_irq_no_gic)
	PASS_IRQ(ENXIO, .flags = 0);
FIXTURE_VARIANT_ADD(misuse, pass_irq_remove_no_gic)
	PASS_IRQ(ENXIO, .flags = ARMVCPU_PASS_IRQ_REMOVE);

#define PSTATE(_pstate) \
	MISUSE(FILE_VCPU, ARMVCPU_SET_CORE_REGS, EINVAL, core_regs, \
	       .x[3] = 0x3333, .pstate = (_pstate))

FIXTURE_VARIANT_ADD(misuse, pstate_el2h)
	PSTATE(PSR_MASKED | 0x9);
FIXTURE_VARIANT_ADD(misuse, pstate_el2t)
	PSTATE(PSR_MASKED | 0x8);
FIXTURE_VARIANT_ADD(misuse, pstate_el3h)
	PSTATE(PSR_MASKED | 0xd);
FIXTURE_VARIANT_ADD(misuse, pstate_el3t)
	PSTATE(PSR_MASKED | 0xc);
FIXTURE_VARIANT_ADD(misuse, pstate_mode1)
	PSTATE(PSR_MASKED | 0x1);
FIXTURE_VARIANT_ADD(misuse, pstate_mode2)
	PSTATE(PSR_MASKED | 0x2);
FIXTURE_VARIANT_ADD(misuse, pstate_mode3)
	PSTATE(PSR_MASKED | 0x3);
FIXTURE_VARIANT_ADD(misuse, pstate_mode7)
	PSTATE(PSR_MASKED | 0x7);
FIXTURE_VARIANT_ADD(misuse, pstate_a32_fiq)
	PSTATE(PSR_MASKED | 0x11);
FIXTURE_VARIANT_ADD(misuse, pstate_a32_irq)
	PSTATE(PSR_MASKED | 0x12);
FIXTURE_VARIANT_ADD(misuse, pstate_a32_svc)
	PSTATE(PSR_MASKED | 0x13);
FIXTURE_VARIANT_ADD(misuse, pstate_a32_mon)
	PSTATE(PSR_MASKED | 0x16);
FIXTURE_VARIANT_ADD(misuse, pstate_a32_abt)
	PSTATE(PSR_MASKED | 0x17);
FIXTURE_VARIANT_ADD(misuse, pstate_a32_hyp)
	PSTATE(PSR_MASKED | 0x1a);
FIXTURE_VARIANT_ADD(misuse, pstate_a32_und)
	PSTATE(PSR_MASKED | 0x1b);
FIXTURE_VARIANT_ADD(misuse, pstate_a32_sys)
	PSTATE(PSR_MASKED | 0x1f);
FIXTURE_VARIANT_ADD(misuse, pstate_upper)
	PSTATE(PSTATE_RESET | BIT(40));
FIXTURE_VARIANT_ADD(misuse, pstate_bit63)
	PSTATE(PSTATE_RESET | BIT(63));

FIXTURE_VARIANT_ADD(misuse, fp_fpsr_reserved)
	MISUSE(FILE_VCPU, ARMVCPU_SET_FP_REGS, EINVAL, fp_regs,
	       .v[1][0] = 5, .fpsr = BIT(20));
FIXTURE_VARIANT_ADD(misuse, fp_fpcr_reserved)
	MISUSE(FILE_VCPU, ARMVCPU_SET_FP_REGS, EINVAL, fp_regs,
	       .v[1][0] = 5, .fpcr = BIT(30));
FIXTURE_VARIANT_ADD(misuse, fp_reserved)
	MISUSE(FILE_VCPU, ARMVCPU_SET_FP_REGS, EINVAL, fp_regs,
	       .v[1][0] = 5, .reserved = 1);

FIXTURE_VARIANT_ADD(misuse, get_reg_flags)
	MISUSE(FILE_VCPU, ARMVCPU_GET_ONE_REG, EINVAL, one_reg,
	       .id = ARMVCPU_REG_X(0), .flags = 1);
FIXTURE_VARIANT_ADD(misuse, set_reg_flags)
	MISUSE(FILE_VCPU, ARMVCPU_SET_ONE_REG, EINVAL, one_reg,
	       .id = ARMVCPU_REG_X(0), .flags = BIT(31), .value = 5);
FIXTURE_VARIANT_ADD(misuse, set_reg_pstate_mode)
	MISUSE(FILE_VCPU, ARMVCPU_SET_ONE_REG, EINVAL, one_reg,
	       .id = ARMVCPU_REG_PSTATE, .value = PSR_MASKED | 0x9);
FIXTURE_VARIANT_ADD(misuse, set_reg_pstate_bits)
	MISUSE(FILE_VCPU, ARMVCPU_SET_ONE_REG, EINVAL, one_reg,
	       .id = ARMVCPU_REG_PSTATE, .value = PSTATE_RESET | BIT(63));

/* Both ways: SET with the argument of GET is as wrong. */
#define NO_SUCH_REG(_id) \
	MISUSE(FILE_VCPU, ARMVCPU_GET_ONE_REG, ENOENT, one_reg, .id = (_id))

FIXTURE_VARIANT_ADD(misuse, reg_zero)
	NO_SUCH_REG(0);
FIXTURE_VARIANT_ADD(misuse, reg_class0)
	NO_SUCH_REG(5);
FIXTURE_VARIANT_ADD(misuse, reg_class5)
	NO_SUCH_REG(5U << 24);
FIXTURE_VARIANT_ADD(misuse, reg_class255)
	NO_SUCH_REG(255U << 24);
FIXTURE_VARIANT_ADD(misuse, reg_all_ones)
	NO_SUCH_REG(~0U);
FIXTURE_VARIANT_ADD(misuse, core_37)
	NO_SUCH_REG(ARMVCPU_REG_CLASS_CORE | 37);
FIXTURE_VARIANT_ADD(misuse, core_last)
	NO_SUCH_REG(ARMVCPU_REG_CLASS_CORE | 0xffffff);
FIXTURE_VARIANT_ADD(misuse, fp_66)
	NO_SUCH_REG(ARMVCPU_REG_CLASS_FP | 66);
FIXTURE_VARIANT_ADD(misuse, fp_last)
	NO_SUCH_REG(ARMVCPU_REG_CLASS_FP | 0xffffff);
FIXTURE_VARIANT_ADD(misuse, timer_2)
	NO_SUCH_REG(ARMVCPU_REG_CLASS_TIMER | 2);
FIXTURE_VARIANT_ADD(misuse, timer_last)
	NO_SUCH_REG(ARMVCPU_REG_CLASS_TIMER | 0xffffff);
/* Encodings of EL2 and EL3, of nobody, and a bit above the encoding. */
FIXTURE_VARIANT_ADD(misuse, sys_hcr_el2)
	NO_SUCH_REG(ARMVCPU_REG_SYS(3, 4, 1, 1, 0));
FIXTURE_VARIANT_ADD(misuse, sys_vbar_el2)
	NO_SUCH_REG(ARMVCPU_REG_SYS(3, 4, 12, 0, 0));
FIXTURE_VARIANT_ADD(misuse, sys_scr_el3)
	NO_SUCH_REG(ARMVCPU_REG_SYS(3, 6, 1, 1, 0));
FIXTURE_VARIANT_ADD(misuse, sys_nothing)
	NO_SUCH_REG(ARMVCPU_REG_SYS(3, 7, 15, 15, 7));
FIXTURE_VARIANT_ADD(misuse, sys_bit16)
	NO_SUCH_REG(ARMVCPU_REG_SYS(3, 0, 2, 0, 0) | BIT(16));
FIXTURE_VARIANT_ADD(misuse, sys_bit23)
	NO_SUCH_REG(ARMVCPU_REG_SYS(3, 0, 2, 0, 0) | BIT(23));

FIXTURE_VARIANT_ADD(misuse, list_flags)
	MISUSE(FILE_VCPU, ARMVCPU_GET_REG_LIST, EINVAL, reg_list,
	       .count = 4096, .flags = 1, .ids = (u64)scratch);
FIXTURE_VARIANT_ADD(misuse, list_null)
	MISUSE(FILE_VCPU, ARMVCPU_GET_REG_LIST, EFAULT, reg_list, .count = 4096);
FIXTURE_VARIANT_ADD(misuse, list_kernel)
	MISUSE(FILE_VCPU, ARMVCPU_GET_REG_LIST, EFAULT, reg_list,
	       .count = 4096, .ids = 0xffff000000000000);

FIXTURE_VARIANT_ADD(misuse, line_number)
	MISUSE(FILE_VCPU, ARMVCPU_SET_IRQ_LINE, EINVAL, irq_line, .line = 2);
FIXTURE_VARIANT_ADD(misuse, line_number_last)
	MISUSE(FILE_VCPU, ARMVCPU_SET_IRQ_LINE, EINVAL, irq_line, .line = ~0U);
FIXTURE_VARIANT_ADD(misuse, line_level)
	MISUSE(FILE_VCPU, ARMVCPU_SET_IRQ_LINE, EINVAL, irq_line, .level = 2);
FIXTURE_VARIANT_ADD(misuse, line_level_last)
	MISUSE(FILE_VCPU, ARMVCPU_SET_IRQ_LINE, EINVAL, irq_line, .level = ~0U);

FIXTURE_VARIANT_ADD(misuse, inject_type)
	MISUSE(FILE_VCPU, ARMVCPU_INJECT, EINVAL, inject, .type = 4);
FIXTURE_VARIANT_ADD(misuse, inject_type_last)
	MISUSE(FILE_VCPU, ARMVCPU_INJECT, EINVAL, inject, .type = ~0U);
FIXTURE_VARIANT_ADD(misuse, inject_flags)
	MISUSE(FILE_VCPU, ARMVCPU_INJECT, EINVAL, inject,
	       .type = ARMVCPU_INJECT_UNDEF, .flags = 1);
FIXTURE_VARIANT_ADD(misuse, inject_undef_far)
	MISUSE(FILE_VCPU, ARMVCPU_INJECT, EINVAL, inject,
	       .type = ARMVCPU_INJECT_UNDEF, .far = 8);
FIXTURE_VARIANT_ADD(misuse, inject_serror_far)
	MISUSE(FILE_VCPU, ARMVCPU_INJECT, EINVAL, inject,
	       .type = ARMVCPU_INJECT_SERROR, .far = 8);

FIXTURE_VARIANT_ADD(misuse, power_flags)
	MISUSE(FILE_VCPU, ARMVCPU_SET_POWER, EINVAL, power,
	       .state = ARMVCPU_POWER_OFF, .flags = 1);
FIXTURE_VARIANT_ADD(misuse, power_on_pending)
	MISUSE(FILE_VCPU, ARMVCPU_SET_POWER, EINVAL, power,
	       .state = ARMVCPU_POWER_ON_PENDING);
FIXTURE_VARIANT_ADD(misuse, power_state)
	MISUSE(FILE_VCPU, ARMVCPU_SET_POWER, EINVAL, power, .state = 3);
FIXTURE_VARIANT_ADD(misuse, power_state_last)
	MISUSE(FILE_VCPU, ARMVCPU_SET_POWER, EINVAL, power, .state = ~0U);

FIXTURE_SETUP(misuse)
{
	world_init(&self->w);
}

FIXTURE_TEARDOWN(misuse)
{
}

TEST_F(misuse, changes_nothing)
{
	u32 size = _IOC_SIZE(variant->request);
	struct vcpu_state before;
	u8 arg[1024] __aligned(8);
	int err = variant->err;

	vcpu_state_save(&self->w.vcpu, &before);
	memcpy(arg, variant->arg, size);
	EXPECT_EQ(-variant->err, xioctl(self->w.fd[variant->file], variant->request, arg));
	EXPECT_EQ(0, memcmp(arg, variant->arg, size)) {
		TH_LOG("the argument was written to");
	}
	/* What cannot be got cannot be set. */
	if (variant->request == ARMVCPU_GET_ONE_REG)
		err = -xioctl(self->w.vcpu.fd, ARMVCPU_SET_ONE_REG, arg);
	EXPECT_EQ(variant->err, err);
	check_unchanged(&self->w, &before);
}

/* ---- what a table does not say ----------------------------------- */

TEST(pstate_bits_outside_the_mask)
{
	struct armvcpu_core_regs regs;
	unsigned int bit;
	struct world w;
	u64 mask;

	world_init(&w);
	mask = get_cap(w.vm.sys, ARMVCPU_CAP_PSTATE_MASK);
	vcpu_get_regs(&w.vcpu, &regs);
	for (bit = 5; bit < 64; bit++) {
		int want = mask & BIT(bit) ? 0 : -EINVAL;

		regs.pstate = PSR_EL1H | BIT(bit);
		EXPECT_EQ(want, xioctl(w.vcpu.fd, ARMVCPU_SET_CORE_REGS, &regs)) {
			TH_LOG("bit %u", bit);
		}
		EXPECT_EQ(want, vcpu_try_set(&w.vcpu, ARMVCPU_REG_PSTATE, regs.pstate)) {
			TH_LOG("bit %u", bit);
		}
	}
}

TEST(pstate_modes)
{
	static const u64 good[] = { PSR_EL0T, PSR_EL1T, PSR_EL1H };
	struct armvcpu_core_regs regs, back;
	struct world w;
	unsigned int i;

	world_init(&w);
	vcpu_get_regs(&w.vcpu, &regs);
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		regs.pstate = PSR_MASKED | good[i];
		vcpu_set_regs(&w.vcpu, &regs);
		vcpu_get_regs(&w.vcpu, &back);
		EXPECT_EQ(regs.pstate, back.pstate);
	}
	regs.pstate = PSR_AA32_USER;
	EXPECT_EQ(get_cap(w.vm.sys, ARMVCPU_CAP_AARCH32_EL0) ? 0 : -EINVAL,
		  xioctl(w.vcpu.fd, ARMVCPU_SET_CORE_REGS, &regs));
}

TEST(reg_list_too_small)
{
	struct armvcpu_reg_list list = { .ids = (u64)scratch };
	struct world w;
	u32 *ids, count;

	world_init(&w);
	ids = vcpu_reg_list(&w.vcpu, &count);
	memset(scratch, 0xaa, sizeof(scratch));
	list.count = count - 1;
	EXPECT_EQ(-E2BIG, xioctl(w.vcpu.fd, ARMVCPU_GET_REG_LIST, &list));
	EXPECT_EQ(count, list.count);
	EXPECT_EQ(0xaa, scratch[0]);
	/* More room than there is: what is behind the list stays. */
	ASSERT_LT(count, sizeof(scratch) / 4);
	list.count = sizeof(scratch) / 4;
	EXPECT_EQ(0, xioctl(w.vcpu.fd, ARMVCPU_GET_REG_LIST, &list));
	EXPECT_EQ(count, list.count);
	EXPECT_EQ(0, memcmp(ids, scratch, count * sizeof(u32)));
	EXPECT_EQ(0xaa, scratch[count * 4]);
}

TEST(mmap_of_a_vcpu)
{
	struct world w;
	u64 size;
	int fd;

	world_init(&w);
	fd = w.vcpu.fd;
	size = get_cap(w.vm.sys, ARMVCPU_CAP_RUN_SIZE);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 2 * size, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size, PROT_READ, MAP_SHARED, fd, size));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size, PROT_READ, MAP_SHARED, w.vm.fd, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size, PROT_READ, MAP_SHARED, w.vm.sys, 0));
}

/* The mapping may outlive the file. */
TEST(mmap_outlives_its_vcpu)
{
	struct world w;

	world_init(&w);
	close(w.vcpu.fd);
	vm_close(&w.vm);
	w.vcpu.run->x[7] = 0x1234;
	EXPECT_EQ(0x1234, w.vcpu.run->x[7]);
}

TEST(ipa_bits_within_the_capability)
{
	int fd = sys_open(), max = get_cap(fd, ARMVCPU_CAP_MAX_IPA_BITS), bits;

	for (bits = 32; bits <= 52; bits++) {
		struct armvcpu_create_vm arg = { .ipa_bits = bits };
		int vm = xioctl(fd, ARMVCPU_CREATE_VM, &arg);

		if (bits > max) {
			EXPECT_EQ(-EINVAL, vm);
			continue;
		}
		EXPECT_LE(0, vm) {
			TH_LOG("%d bits", bits);
		}
		EXPECT_TRUE(fcntl(vm, F_GETFD) & FD_CLOEXEC);
		close(vm);
	}
}

TEST(vcpus_up_to_the_capability)
{
	unsigned int i, max;
	struct vm vm;

	vm_init_bare(&vm, 0);
	max = get_cap(vm.sys, ARMVCPU_CAP_MAX_VCPUS);
	for (i = 0; i < max; i++) {
		/* All four affinity fields. */
		u64 mpidr = (i & 3) | (i >> 2 & 3) << 8 | (i >> 4 & 3) << 16 |
			    (u64)(i >> 6 & 0xff) << 32;

		ASSERT_LE(0, vm_create_vcpu(&vm, 0, mpidr)) {
			TH_LOG("vCPU %u", i);
		}
	}
	EXPECT_EQ(-ENOSPC, vm_create_vcpu(&vm, 0, 0xfefefe));
	EXPECT_EQ(-EEXIST, vm_create_vcpu(&vm, 0, 1));
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
