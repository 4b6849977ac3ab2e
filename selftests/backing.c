// SPDX-License-Identifier: GPL-2.0
/*
 * What may lie behind a slot: files, huge pages, shared memory, devices; the same memory
 * twice; and what a VM's memory costs its host, while it lives and after that.
 */
#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "hammer.h"
#include "system.h"

#define KB			1024L
#define MB			(1024 * KB)
#define GB			(1024 * MB)

/* MAP_HUGE_*, MFD_HUGE_*: the logarithm of the size. */
#define HUGE_SHIFT		26
#define HUGE_FLAG(size)		((u64)__builtin_ctzl(size) << HUGE_SHIFT)

/* In the program: the guest knows it, too. */
static struct hammer hammer;

static bool is_pinned(const struct vm *vm)
{
	return get_cap(vm->sys, ARMVCPU_CAP_PINNED_MEMORY);
}

static void *run_to_done(void *arg)
{
	vcpu_expect_done(arg);
	return NULL;
}

/* Everybody has been everywhere. */
static void go_round(void)
{
	hammer_wait(&hammer, hammer.pages + 1);
}

/* ---- kinds of memory ----------------------------------------------------- */

enum backing {
	ANON, SHARED, MEMFD, TMPFS, FILE_SHARED, FILE_PRIVATE, HUGETLB, MEMFD_HUGETLB,
};

FIXTURE(kind) {
	struct vm vm;
	struct vcpu vcpus[2];
	bool missing;
	char pool[96];
	long pool_was;
	int fd;
	u8 *mem;
	u64 size;
	/* What is written to: all of it, if it is not too much. */
	u8 *window;
	u64 unit, window_size;
};

FIXTURE_VARIANT(kind) {
	enum backing backing;
	/* Of hugetlb: the size of its pages. */
	u64 huge;
	/* Its mapping is made of huge pages if the kernel likes to. */
	bool thp;
};

FIXTURE_VARIANT_ADD(kind, anonymous) { ANON };
FIXTURE_VARIANT_ADD(kind, anonymous_thp) { ANON, .thp = true };
FIXTURE_VARIANT_ADD(kind, shared) { SHARED };
FIXTURE_VARIANT_ADD(kind, memfd) { MEMFD };
FIXTURE_VARIANT_ADD(kind, memfd_thp) { MEMFD, .thp = true };
FIXTURE_VARIANT_ADD(kind, tmpfs) { TMPFS };
FIXTURE_VARIANT_ADD(kind, file) { FILE_SHARED };
FIXTURE_VARIANT_ADD(kind, file_private) { FILE_PRIVATE };
FIXTURE_VARIANT_ADD(kind, hugetlb_64k) { HUGETLB, .huge = 64 * KB };
FIXTURE_VARIANT_ADD(kind, hugetlb_2m) { HUGETLB, .huge = 2 * MB };
FIXTURE_VARIANT_ADD(kind, hugetlb_32m) { HUGETLB, .huge = 32 * MB };
FIXTURE_VARIANT_ADD(kind, hugetlb_1g) { HUGETLB, .huge = GB };
FIXTURE_VARIANT_ADD(kind, memfd_hugetlb_64k) { MEMFD_HUGETLB, .huge = 64 * KB };
FIXTURE_VARIANT_ADD(kind, memfd_hugetlb_2m) { MEMFD_HUGETLB, .huge = 2 * MB };

static int temporary(const char *dir)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/armvcpu-backing-%d", dir, getpid());
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	test_check(fd >= 0 && !unlink(path));
	return fd;
}

static int backing_file(enum backing backing, u64 huge)
{
	switch (backing) {
	case MEMFD:
		return memfd_create("guest", MFD_CLOEXEC);
	case MEMFD_HUGETLB:
		return memfd_create("guest", MFD_CLOEXEC | MFD_HUGETLB | HUGE_FLAG(huge));
	case TMPFS:
		return temporary("/dev/shm");
	case FILE_SHARED:
	case FILE_PRIVATE:
		return temporary("/root");
	default:
		return -1;
	}
}

static u64 flags_of(enum backing backing, u64 huge)
{
	switch (backing) {
	case ANON:
		return MAP_PRIVATE | MAP_ANONYMOUS;
	case SHARED:
		return MAP_SHARED | MAP_ANONYMOUS;
	case FILE_PRIVATE:
		return MAP_PRIVATE;
	case HUGETLB:
		return MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | HUGE_FLAG(huge);
	default:
		return MAP_SHARED;
	}
}

/* So many huge pages, and some more: what is given back may take a while. */
static bool fill_pool(const char *pool, long need, long more)
{
	char path[128];
	long spare;

	snprintf(path, sizeof(path), "%.*sfree_hugepages", (int)(strrchr(pool, '/') + 1 - pool),
		 pool);
	spare = read_number(path);
	if (spare < 0)
		return false;
	if (spare < need + more)
		system_printf(pool, "%ld", read_number(pool) + need + more - spare);
	return read_number(path) >= need;
}

FIXTURE_SETUP(kind)
{
	u64 huge = variant->huge, align, *reserved;
	unsigned int i;

	self->fd = -1;
	self->unit = huge ?: page_size();
	self->size = huge >= 32 * MB ? huge : variant->thp || huge ? 4 * MB : 64 * self->unit;
	if (huge) {
		snprintf(self->pool, sizeof(self->pool),
			 "/sys/kernel/mm/hugepages/hugepages-%llukB/nr_hugepages", huge / KB);
		self->pool_was = read_number(self->pool);
		if (!fill_pool(self->pool, self->size / huge, huge < 32 * (u64)MB ? 4 : 0)) {
			self->missing = true;
			return;
		}
	}
	align = huge ?: 2 * MB;
	reserved = alloc_aligned(self->size, align);
	self->fd = backing_file(variant->backing, huge);
	if (self->fd >= 0)
		ASSERT_EQ(0, ftruncate(self->fd, self->size));
	self->mem = mmap(reserved, self->size, PROT_READ | PROT_WRITE,
			 MAP_FIXED | flags_of(variant->backing, huge), self->fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->mem);
	if (!huge)
		madvise(self->mem, self->size, variant->thp ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	/* Of the very large, something across the middle of it. */
	self->window_size = self->size > 4 * MB ? 4 * MB : self->size;
	self->window = self->mem + (self->size - self->window_size) / 2;

	vm_init(&self->vm);
	ASSERT_EQ(0, vm_set_slot(&self->vm, 0, 0, GUEST_RAM, self->size, self->mem));
	hammer_init(&hammer, self->window, self->window_size);
	for (i = 0; i < 2; i++) {
		vcpu_init(&self->vcpus[i], &self->vm, 0);
		hammer_add_vcpu(&hammer, &self->vcpus[i], true,
				GUEST_RAM + (self->window - self->mem));
	}
}

FIXTURE_TEARDOWN(kind)
{
	if (self->mem)
		munmap(self->mem, self->size);
	if (self->fd >= 0)
		close(self->fd);
	/* The pages that are still somebody's go when it does. */
	if (self->pool[0])
		system_printf(self->pool, "%ld", self->pool_was);
}

/* Two vCPUs and the VMM; and a file has what they wrote. */
TEST_F(kind, every_byte)
{
	u8 *again;

	if (self->missing)
		SKIP(return, "the host has no huge pages of that size left");
	hammer_add_host(&hammer);
	hammer_start(&hammer);
	go_round();
	if (variant->backing != HUGETLB && variant->backing != MEMFD_HUGETLB)
		ASSERT_EQ(0, msync(self->mem, self->size, MS_SYNC));
	go_round();
	hammer_stop(&hammer);
	if (self->fd < 0)
		return;
	again = mmap(NULL, self->size, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)again);
	again += self->window - self->mem;
	if (variant->backing != FILE_PRIVATE) {
		EXPECT_EQ(NULL, hammer_check_copy(&hammer, again, 0, hammer.pages));
		EXPECT_EQ(0, memcmp(again, self->window, self->window_size));
	} else {
		/* The file is as it was: zero. */
		EXPECT_EQ(0, again[0]);
		EXPECT_EQ(0, memcmp(again, again + 1, self->window_size - 1));
	}
}

static void give_back(int fd, enum backing backing, u8 *mem, u64 offset, u64 size)
{
	int advice = backing == SHARED ? MADV_REMOVE : MADV_DONTNEED;

	if (fd >= 0)
		test_check(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
				      size));
	else
		test_check(!madvise(mem + offset, size, advice));
}

/* Holes in a file, pages that are given back: then it reads as zero. */
TEST_F(kind, dropped)
{
	u64 units = self->window_size / self->unit, first, count, per, i;
	unsigned int seed = 1;

	if (self->missing)
		SKIP(return, "the host has no huge pages of that size left");
	if (is_pinned(&self->vm))
		SKIP(return, "memory is pinned");
	if (variant->backing == FILE_PRIVATE)
		SKIP(return, "a private page of a file is the file's again");
	if (!units)
		SKIP(return, "its pages are larger than what is written to");
	/* A huge page may be taken just before it is given back. */
	hammer.may_fail = variant->huge;
	per = self->unit / hammer.page;
	hammer_start(&hammer);
	for (i = 0; i < 40; i++) {
		first = rand_r(&seed) % units;
		count = 1 + rand_r(&seed) % (units - first);
		hammer_drop(&hammer, first * per, count * per);
		give_back(self->fd, variant->backing, self->window, first * self->unit,
			  count * self->unit);
		hammer_dropped(&hammer, first * per, count * per);
		if (i % 8 == 0)
			hammer_wait(&hammer, 8);
	}
	go_round();
	hammer_stop(&hammer);
}

/* Behind the end of a file there is nothing: that is told, and nothing else happens. */
TEST_F(kind, truncated)
{
	u64 half = hammer.pages / 2;
	int i;

	if (self->missing)
		SKIP(return, "the host has no huge pages of that size left");
	if (is_pinned(&self->vm))
		SKIP(return, "memory is pinned");
	if (self->fd < 0 || variant->backing == FILE_PRIVATE)
		SKIP(return, "it is no shared file");
	hammer.may_fail = true;
	hammer_start(&hammer);
	go_round();
	for (i = 0; i < 8; i++) {
		u64 first = i % 2 ? half : 0;

		hammer_drop(&hammer, first, hammer.pages - first);
		ASSERT_EQ(0, ftruncate(self->fd, first * hammer.page));
		/*
		 * In hugetlbfs of Linux 6.1 a fault may be too late to see the new end: the
		 * page stays, for the VMM as well (and HugePages_Rsvd becomes -1).
		 */
		if (i % 4 < 2 && !hammer_fails_in(&hammer, 10)) {
			ASSERT_LT(0, pages_present(self->mem + first * hammer.page,
						   (hammer.pages - first) * hammer.page));
			ASSERT_TRUE(variant->huge);
			SKIP(return, "this kernel has left a page behind the end of the file");
		}
		ASSERT_EQ(0, ftruncate(self->fd, self->size));
		hammer_dropped(&hammer, first, hammer.pages - first);
		hammer_wait(&hammer, 8);
	}
	go_round();
	hammer_stop(&hammer);
}

/* Out and in again, elsewhere in the VMM, with a slot that goes and comes. */
TEST_F(kind, slot_again)
{
	u64 ipa = GUEST_RAM;
	unsigned int i, k;

	if (self->missing)
		SKIP(return, "the host has no huge pages of that size left");
	if (self->size > 32 * MB)
		SKIP(return, "all of it would be pinned twice");
	for (i = 0; i < 3; i++) {
		hammer_start(&hammer);
		go_round();
		hammer_stop(&hammer);
		ASSERT_EQ(0, vm_set_slot(&self->vm, 0, 0, 0, 0, NULL));
		/* Congruent to no block. */
		ipa += 2 * self->size + page_size();
		ASSERT_EQ(0, vm_set_slot(&self->vm, 0, 0, ipa, self->size, self->mem));
		memset(self->window, 0, self->window_size);
		hammer_init(&hammer, self->window, self->window_size);
		for (k = 0; k < 2; k++)
			hammer_add_vcpu(&hammer, &self->vcpus[k], i % 2,
					ipa + (self->window - self->mem));
	}
}

/* ---- read-only ----------------------------------------------------------- */

static void guest_reads_numbers(u64 base, u64 count)
{
	u64 i;

	for (i = 0; i < count; i++)
		GUEST_ASSERT_EQ(i, ((const u64 *)base)[i]);
	GUEST_SYNC(1);
	guest_write64(base + 8, 0x66);
	GUEST_ASSERT_EQ(1, guest_read64(base + 8));
	GUEST_DONE();
}

/* What may be read only is a slot that may be read only. */
static void read_only_file(struct __test_metadata *_metadata, int flags)
{
	u64 size = 256 * KB, i, *mem;
	struct vcpu vcpu;
	struct vm vm;
	char path[] = "/tmp/armvcpu-file";
	int fd;

	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	for (i = 0; i < size / 8; i++)
		ASSERT_EQ(8, write(fd, &i, 8));
	close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, unlink(path));
	mem = mmap(NULL, size, PROT_READ, flags, fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	EXPECT_EQ(-EFAULT, vm_set_slot(&vm, 0, 0, GUEST_RAM, size, mem));
	ASSERT_EQ(0, vm_set_slot(&vm, 0, ARMVCPU_SLOT_READONLY, GUEST_RAM, size, mem));
	vcpu_call(&vcpu, guest_reads_numbers, GUEST_RAM, size / 8);
	vcpu_expect_sync(&vcpu, 1);
	vcpu_expect(&vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(1, vcpu.run->u.mmio.readonly);
	EXPECT_EQ(0x66, vcpu.run->u.mmio.data);
	vcpu_expect_done(&vcpu);
	for (i = 0; i < size / 8; i++)
		ASSERT_EQ(i, mem[i]);
}

TEST(a_read_only_file_shared)
{
	read_only_file(_metadata, MAP_SHARED);
}

TEST(a_read_only_file_private)
{
	read_only_file(_metadata, MAP_PRIVATE);
}

/* ---- the zero page ------------------------------------------------------- */

/* Each page is read, then every second one is written to; then all are what they should. */
static void guest_reads_then_writes(u64 base, u64 pages, u64 page)
{
	u64 i, k;

	for (i = 0; i < pages * page; i += 8)
		GUEST_ASSERT_EQ(0, guest_read64(base + i));
	GUEST_SYNC(1);
	for (i = 0; i < pages; i += 2)
		for (k = 0; k < page; k += 8)
			guest_write64(base + i * page + k, i << 32 | k);
	for (i = 0; i < pages; i++)
		for (k = 0; k < page; k += 8)
			GUEST_ASSERT_EQ(i % 2 ? 0 : i << 32 | k, guest_read64(base + i * page + k));
	GUEST_DONE();
}

TEST(zeroes_are_read_then_written)
{
	u64 page = page_size(), pages = 64, i, k;
	struct vcpu vcpu;
	struct vm vm;
	u8 *mem;

	mem = alloc_aligned(pages * page, 2 * MB);
	madvise(mem, pages * page, MADV_NOHUGEPAGE);
	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	ASSERT_EQ(0, vm_set_slot(&vm, 0, 0, GUEST_RAM, pages * page, mem));
	vcpu_call(&vcpu, guest_reads_then_writes, GUEST_RAM, pages, page);
	vcpu_expect_sync(&vcpu, 1);
	/* One page of the host's is behind all of them. */
	if (!is_pinned(&vm) && pages_present(mem, page))
		for (i = 1; i < pages; i++)
			EXPECT_EQ(page_frame(mem), page_frame(mem + i * page));
	vcpu_expect_done(&vcpu);
	for (i = 0; i < pages; i++)
		for (k = 0; k < page; k += 8)
			ASSERT_EQ(i % 2 ? 0 : i << 32 | k, *(u64 *)(mem + i * page + k));
}

/* The VMM writes to what the guest has read as zero. */
static void guest_looks(u64 address)
{
	for (;;)
		GUEST_SYNC_ARGS(1, guest_read64(address), 0, 0);
}

TEST(zeroes_are_read_and_the_vmm_writes)
{
	struct vcpu vcpu;
	struct vm vm;
	u64 *mem, i;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	mem = vm_add_memory(&vm, 0, GUEST_RAM, page_size());
	vcpu_call(&vcpu, guest_looks, GUEST_RAM + 16);
	for (i = 0; i < 20; i++) {
		vcpu_expect_sync(&vcpu, 1);
		ASSERT_EQ(i, vcpu_sync_arg(&vcpu, 0));
		mem[2] = i + 1;
		if (i % 5 == 4 && !is_pinned(&vm)) {
			ASSERT_EQ(0, madvise(mem, page_size(), MADV_DONTNEED));
			vcpu_expect_sync(&vcpu, 1);
			ASSERT_EQ(0, vcpu_sync_arg(&vcpu, 0));
			mem[2] = i + 1;
		}
	}
}

/* ---- the same memory twice ----------------------------------------------- */

static void drop_and_stop(u8 *mem, bool pinned)
{
	unsigned int seed = 2, i;

	hammer_start(&hammer);
	go_round();
	for (i = 0; i < 60 && !pinned; i++) {
		u64 first = rand_r(&seed) % hammer.pages;
		u64 count = 1 + rand_r(&seed) % (hammer.pages - first);

		hammer_drop(&hammer, first, count);
		test_check(!madvise(mem + first * hammer.page, count * hammer.page,
				    MADV_DONTNEED));
		hammer_dropped(&hammer, first, count);
		if (i % 16 == 0)
			hammer_wait(&hammer, 8);
	}
	go_round();
	hammer_stop(&hammer);
}

FIXTURE(twice) {
	struct vm vms[2];
	struct vcpu vcpus[4];
	u8 *mem;
	u64 size;
};

/* Huge pages or not; at which offset from a huge page the guest has it. */
FIXTURE_VARIANT(twice) {
	bool huge;
	unsigned int off;
};

FIXTURE_VARIANT_ADD(twice, small) { .huge = false };
FIXTURE_VARIANT_ADD(twice, small_odd) { .off = 3 };
FIXTURE_VARIANT_ADD(twice, huge) { .huge = true };
FIXTURE_VARIANT_ADD(twice, huge_odd) { .huge = true, .off = 5 };

FIXTURE_SETUP(twice)
{
	self->size = variant->huge ? 4 * MB : 128 * page_size();
	self->mem = alloc_aligned(self->size, 2 * MB);
	madvise(self->mem, self->size, variant->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	hammer_init(&hammer, self->mem, self->size);
	vm_init(&self->vms[0]);
}

FIXTURE_TEARDOWN(twice)
{
}

static void add(struct vm *vm, u32 slot, struct vcpu *vcpu, u64 ipa, void *mem, u64 size)
{
	test_check(!vm_set_slot(vm, slot, 0, ipa, size, mem));
	vcpu_init(vcpu, vm, 0);
	hammer_add_vcpu(&hammer, vcpu, true, ipa);
}

TEST_F(twice, in_one_vm)
{
	u64 odd = variant->off * page_size(), i;

	for (i = 0; i < 3; i++)
		add(&self->vms[0], i, &self->vcpus[i], GUEST_RAM + i * (32 * MB + odd), self->mem,
		    self->size);
	hammer_add_host(&hammer);
	drop_and_stop(self->mem, is_pinned(&self->vms[0]));
}

TEST_F(twice, in_two_vms)
{
	u64 odd = variant->off * page_size(), i;

	vm_init_bare(&self->vms[1], 0);
	vm_add_program(&self->vms[1]);
	for (i = 0; i < 4; i++) {
		struct vm *vm = &self->vms[i % 2];

		/* Two vCPUs of a VM must not have one stack. */
		vm->nr_vcpus = i;
		add(vm, i, &self->vcpus[i], GUEST_RAM + i * (32 * MB + odd), self->mem, self->size);
	}
	hammer_add_host(&hammer);
	drop_and_stop(self->mem, is_pinned(&self->vms[0]));
}

/* Not from the first page on: the slot begins and ends within huge pages. */
TEST_F(twice, a_part)
{
	u64 page = page_size(), cut = (7 + variant->off) * page, i;
	u64 size = self->size - 2 * cut;

	hammer_init(&hammer, self->mem + cut, size);
	for (i = 0; i < 2; i++)
		add(&self->vms[0], i, &self->vcpus[i],
		    GUEST_RAM + i * 32 * MB + (7 + 2 * variant->off) * page, self->mem + cut, size);
	hammer_add_host(&hammer);
	drop_and_stop(self->mem + cut, is_pinned(&self->vms[0]));
}

/* ---- devices ------------------------------------------------------------- */

/* The first of QEMU's virtio-mmio, which nobody has: a magic number and a version. */
#define VIRTIO_MMIO	0xa000000UL
#define VIRTIO_NODE	"/proc/device-tree/virtio_mmio@a000000"
#define VIRTIO_MAGIC	0x74726976

static void guest_reads_device(u64 base)
{
	const struct guest_trap *trap;

	GUEST_SYNC_ARGS(1, guest_read32(base), guest_read32(base + 4), guest_read32(base + 8));
	trap = GUEST_TRAP(guest_jump(base));
	GUEST_ASSERT_EQ(1, trap->count);
	GUEST_ASSERT_EQ(EC_IABT, ESR_EC(trap->esr));
	GUEST_ASSERT_EQ(FSC_EXTABT, ESR_FSC(trap->esr));
	GUEST_ASSERT_EQ(base, trap->far);
	/* And it is a device as before. */
	GUEST_SYNC_ARGS(2, guest_read32(base), 0, 0);
	GUEST_DONE();
}

static void device(struct __test_metadata *_metadata, u32 flags, int prot)
{
	u64 page = page_size();
	u32 *regs;
	struct vcpu vcpu;
	struct vm vm;
	int fd;

	if (access(VIRTIO_NODE, F_OK))
		SKIP(return, "the host is not QEMU's virt machine");
	fd = open("/dev/mem", (prot & PROT_WRITE ? O_RDWR : O_RDONLY) | O_SYNC | O_CLOEXEC);
	if (fd < 0)
		SKIP(return, "there is no /dev/mem");
	regs = mmap(NULL, page, prot, MAP_SHARED, fd, VIRTIO_MMIO);
	if (regs == MAP_FAILED)
		SKIP(return, "the kernel keeps that for itself");
	ASSERT_EQ(VIRTIO_MAGIC, READ_ONCE(regs[0]));
	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	if (is_pinned(&vm)) {
		EXPECT_EQ(-EFAULT, vm_set_slot(&vm, 0, flags, GUEST_RAM, page, regs));
		return;
	}
	ASSERT_EQ(0, vm_set_slot(&vm, 0, flags, GUEST_RAM, page, regs));
	vcpu_call(&vcpu, guest_reads_device, GUEST_RAM);
	vcpu_expect_sync(&vcpu, 1);
	EXPECT_EQ(VIRTIO_MAGIC, vcpu_sync_arg(&vcpu, 0));
	EXPECT_EQ(READ_ONCE(regs[1]), vcpu_sync_arg(&vcpu, 1));
	EXPECT_EQ(READ_ONCE(regs[2]), vcpu_sync_arg(&vcpu, 2));
	vcpu_expect_sync(&vcpu, 2);
	EXPECT_EQ(VIRTIO_MAGIC, vcpu_sync_arg(&vcpu, 0));
	vcpu_expect_done(&vcpu);
	/* The VMM gives it back: the guest has it no more. */
	ASSERT_EQ(0, munmap(regs, page));
	vcpu_call(&vcpu, guest_looks, GUEST_RAM);
	vcpu_expect(&vcpu, ARMVCPU_EXIT_FAIL);
	EXPECT_EQ(ARMVCPU_FAIL_MEMORY, vcpu.run->u.fail.reason);
	EXPECT_EQ(EFAULT, vcpu.run->u.fail.err);
}

TEST(registers_of_a_device)
{
	device(_metadata, 0, PROT_READ | PROT_WRITE);
}

TEST(registers_of_a_device_to_be_read)
{
	device(_metadata, ARMVCPU_SLOT_READONLY, PROT_READ);
}

/* Memory of the kernel's own that it shows to each process, page frames without pages. */
static void *find_vvar(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	u64 start = 0, end;
	char line[256];

	test_check(f);
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, "[vvar]") && sscanf(line, "%llx-%llx", &start, &end) == 2)
			break;
	}
	fclose(f);
	return (void *)start;
}

TEST(memory_that_is_mapped_like_a_device)
{
	u64 page = page_size();
	struct vcpu vcpu;
	struct vm vm;
	void *vvar;
	int ret;

	vvar = find_vvar();
	if (!vvar)
		SKIP(return, "the kernel shows no data of its own");
	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	EXPECT_EQ(-EFAULT, vm_set_slot(&vm, 0, 0, GUEST_RAM, page, vvar));
	ret = vm_set_slot(&vm, 0, ARMVCPU_SLOT_READONLY, GUEST_RAM, page, vvar);
	if (is_pinned(&vm)) {
		EXPECT_EQ(-EFAULT, ret);
		return;
	}
	ASSERT_EQ(0, ret);
	vcpu_call(&vcpu, guest_looks, GUEST_RAM);
	vcpu_expect(&vcpu, ARMVCPU_EXIT_FAIL);
	EXPECT_EQ(ARMVCPU_FAIL_MEMORY, vcpu.run->u.fail.reason);
	EXPECT_EQ(EFAULT, vcpu.run->u.fail.err);
}

/* ---- broken memory ------------------------------------------------------- */

static void nothing(int sig)
{
	(void)sig;
}

TEST(a_page_that_is_broken)
{
	struct sigaction action = { .sa_handler = nothing };
	u64 page = page_size();
	struct vcpu vcpu;
	struct vm vm;
	u64 *mem, *second;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	if (is_pinned(&vm))
		SKIP(return, "memory is pinned");
	mem = vm_add_memory(&vm, 0, GUEST_RAM, 4 * page);
	second = mem + page / 8;
	mem[0] = 0x11;
	*second = 0x22;
	vcpu_call(&vcpu, guest_looks, GUEST_RAM + page);
	vcpu_expect_sync(&vcpu, 1);
	ASSERT_EQ(0x22, vcpu_sync_arg(&vcpu, 0));
	ASSERT_EQ(0, sigaction(SIGBUS, &action, NULL));
	if (madvise(second, page, MADV_HWPOISON))
		SKIP(return, "the kernel breaks no page: %m");
	vcpu_expect(&vcpu, ARMVCPU_EXIT_FAIL);
	EXPECT_EQ(ARMVCPU_FAIL_MEMORY, vcpu.run->u.fail.reason);
	EXPECT_EQ(EHWPOISON, vcpu.run->u.fail.err);
	/* The one beside it is not. */
	vcpu_call(&vcpu, guest_looks, GUEST_RAM);
	vcpu_expect_sync(&vcpu, 1);
	EXPECT_EQ(0x11, vcpu_sync_arg(&vcpu, 0));
	/* And there may be another in its place. */
	ASSERT_EQ((void *)second, mmap(second, page, PROT_READ | PROT_WRITE,
				       MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	vcpu_call(&vcpu, guest_looks, GUEST_RAM + page);
	vcpu_expect_sync(&vcpu, 1);
	EXPECT_EQ(0, vcpu_sync_arg(&vcpu, 0));
}

/* ---- what is used, and what is not --------------------------------------- */

/* Reads a word of each page of a part again and again, of the other one once. */
static void guest_uses(u64 hot, u64 cold, u64 size, u64 page)
{
	u64 i;

	for (i = 0; i < size; i += page) {
		guest_write64(hot + i, i);
		guest_write64(cold + i, i);
	}
	GUEST_SYNC(1);
	for (;;) {
		for (i = 0; i < size; i += page)
			GUEST_ASSERT_EQ(i, guest_read64(hot + i));
		GUEST_SYNC(2);
	}
}

/* Reclaim takes what the guest does not use. */
TEST(pages_in_use_stay)
{
	u64 page = page_size(), size = 4 * MB, hot, cold;
	char name[32];
	struct vcpu vcpu;
	struct vm vm;
	int i, tries;
	u8 *mem;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	if (is_pinned(&vm))
		SKIP(return, "memory is pinned");
	if (!system_has_swap())
		SKIP(return, "there is no swap: load zram, or swapon");
	snprintf(name, sizeof(name), "use-%d", getpid());
	if (!cgroup_enter(name))
		SKIP(return, "there is no cgroup v2 with a memory controller");
	mem = alloc_aligned(2 * size, 2 * MB);
	madvise(mem, 2 * size, MADV_NOHUGEPAGE);
	ASSERT_EQ(0, vm_set_slot(&vm, 0, 0, GUEST_RAM, 2 * size, mem));
	vcpu_call(&vcpu, guest_uses, GUEST_RAM, GUEST_RAM + size, size, page);
	vcpu_expect_sync(&vcpu, 1);
	ASSERT_EQ(2 * size / page, pages_present(mem, 2 * size));
	for (tries = 0; tries < 40; tries++) {
		for (i = 0; i < 2; i++)
			vcpu_expect_sync(&vcpu, 2);
		i = cgroup_write(name, "memory.reclaim", "256K");
		if (i == -ENOENT)
			SKIP(return, "the kernel has no memory.reclaim");
		hot = pages_present(mem, size);
		cold = pages_present(mem + size, size);
		if (cold <= size / page / 2)
			break;
	}
	TH_LOG("of %llu pages %llu that are used and %llu that are not are there", size / page, hot,
	       cold);
	EXPECT_LE(cold, size / page / 2);
	EXPECT_LE(size / page * 3 / 4, hot);
	cgroup_leave();
}

/* ---- what it costs ------------------------------------------------------- */

#define FAR_IPA		(16 * GB)
#define FAR_SIZE	(32 * GB)
#define FAR_STRIDE	(2 * MB)

static void guest_touches(u64 first, u64 stride, u64 count, u64 write)
{
	u64 i;

	for (i = 0; i < count; i++) {
		if (write)
			guest_write64(first + i * stride, i + 1);
		else
			GUEST_ASSERT_EQ(0, guest_read64(first + i * stride));
	}
	GUEST_DONE();
}

static void map_far(void)
{
	u64 va;

	for (va = FAR_IPA; va < FAR_IPA + FAR_SIZE; va += GB)
		*guest_pt_entry(va, 1) = va | PTE_NORMAL | PTE_VALID;
}

static void *alloc_far(void)
{
	void *mem = mmap(NULL, FAR_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	test_check(mem != MAP_FAILED);
	madvise(mem, FAR_SIZE, MADV_NOHUGEPAGE);
	return mem;
}

/* The kernel's memory that is no page table of the host's. */
static long tables_of(const char *name)
{
	return cgroup_value(name, "memory.stat", "kernel") -
	       cgroup_value(name, "memory.stat", "pagetables");
}

/* What RCU frees, and the counts of other CPUs, take a moment. */
static long tables_at_most(const char *name, long most)
{
	int tries = 300;
	long now;

	do {
		usleep(10000);
		now = tables_of(name);
	} while (now > most && --tries);
	return now;
}

/* A table for each page; when the pages go, the tables do. */
static void check_tables(struct __test_metadata *_metadata, bool write)
{
	const u64 count = 2048;
	long before, most = MB, after, want = count * page_size() * 9 / 10;
	char name[32];
	struct vcpu vcpu;
	struct vm vm;
	void *mem;
	int i;

	snprintf(name, sizeof(name), "tables-%d", getpid());
	if (!cgroup_enter(name))
		SKIP(return, "there is no cgroup v2 with a memory controller");
	vm_init(&vm);
	if (is_pinned(&vm))
		SKIP(return, "memory is pinned");
	if (cgroup_value(name, "memory.stat", "kernel") < 0)
		SKIP(return, "its kernel's part is not told");
	if (page_size() != 4 * KB)
		SKIP(return, "a table is for more than 2 MB");
	map_far();
	vcpu_init(&vcpu, &vm, 0);
	mem = alloc_far();
	ASSERT_EQ(0, vm_set_slot(&vm, 0, 0, FAR_IPA, FAR_SIZE, mem));
	for (i = 0; i < 3; i++) {
		before = tables_at_most(name, most);
		vcpu_call(&vcpu, guest_touches, FAR_IPA, FAR_STRIDE, count, write);
		vcpu_expect_done(&vcpu);
		most = tables_of(name);
		EXPECT_LE(before + want, most);
		/* Three ways for them to go. */
		ASSERT_EQ(0, i == 0 ? madvise(mem, FAR_SIZE, MADV_DONTNEED) :
			     i == 1 ? munmap(mem, FAR_SIZE) : vm_set_slot(&vm, 0, 0, 0, 0, NULL));
		after = tables_at_most(name, before + 128 * KB);
		TH_LOG("KB of tables: %ld, %ld, %ld", before / 1024, most / 1024, after / 1024);
		EXPECT_GE(before + 128 * KB, after);
		most = before + 128 * KB;
		if (i == 1) {
			ASSERT_EQ(0, vm_set_slot(&vm, 0, 0, 0, 0, NULL));
			mem = alloc_far();
			ASSERT_EQ(0, vm_set_slot(&vm, 0, 0, FAR_IPA, FAR_SIZE, mem));
		}
	}
	cgroup_leave();
}

TEST(tables_are_charged_and_go_with_the_pages)
{
	check_tables(_metadata, true);
}

TEST(tables_of_zeroes_go_too)
{
	check_tables(_metadata, false);
}

/* A process of its own in a cgroup of its own; its status. */
static int in_cgroup(const char *name, const char *max, int (*fn)(void))
{
	int status, go[2];
	pid_t pid;
	char c;

	test_check(!pipe(go));
	pid = fork();
	test_check(pid >= 0);
	if (!pid) {
		test_check(cgroup_enter(name));
		test_check(!cgroup_write(name, "memory.max", max));
		cgroup_write(name, "memory.swap.max", "0");
		test_check(write(go[1], "", 1) == 1);
		_exit(fn());
	}
	test_check(read(go[0], &c, 1) == 1);
	test_check(waitpid(pid, &status, 0) == pid);
	close(go[0]);
	close(go[1]);
	return status;
}

static int touch_far(u64 count, bool write)
{
	struct vcpu vcpu;
	struct vm vm;

	vm_init(&vm);
	map_far();
	vcpu_init(&vcpu, &vm, 0);
	test_check(!vm_set_slot(&vm, 0, 0, FAR_IPA, FAR_SIZE, alloc_far()));
	vcpu_call(&vcpu, guest_touches, FAR_IPA, FAR_STRIDE, count, write);
	if (vcpu_run_exit(&vcpu))
		return 2;
	if (vcpu.run->exit_reason == ARMVCPU_EXIT_FAIL)
		return vcpu.run->u.fail.err == ENOMEM ? 3 : 4;
	return vcpu_is_ucall(&vcpu) && vcpu.run->u.call.nr == UCALL_DONE ? 0 : 5;
}

static int touch_some(void)
{
	return touch_far(1024, true);
}

static int write_all(void)
{
	return touch_far(FAR_SIZE / FAR_STRIDE, true);
}

static int read_all(void)
{
	return touch_far(FAR_SIZE / FAR_STRIDE, false);
}

/* Nothing is charged for a VM that is gone. */
TEST(nothing_is_left_of_a_vm)
{
	long left = -1, peak;
	char name[32];
	struct vm vm;
	int tries;

	vm_init_bare(&vm, 0);
	if (is_pinned(&vm))
		SKIP(return, "memory is pinned");
	snprintf(name, sizeof(name), "left-%d", getpid());
	if (!cgroup_enter(name))
		SKIP(return, "there is no cgroup v2 with a memory controller");
	cgroup_leave();
	ASSERT_EQ(0, in_cgroup(name, "max", touch_some));
	peak = cgroup_read(name, "memory.peak");
	/* 1024 pages, a table of the host's and one of ours for each. */
	EXPECT_TRUE(peak < 0 || peak >= 1024 * 3 * (long)page_size());
	for (tries = 0; tries < 500; tries++) {
		left = cgroup_value(name, "memory.stat", "anon") +
		       cgroup_value(name, "memory.stat", "kernel");
		if (left <= 64 * KB)
			break;
		usleep(10000);
	}
	TH_LOG("%ld bytes at most, %ld are left, charged %ld", peak, left,
	       cgroup_read(name, "memory.current"));
	EXPECT_LE(left, 64 * KB);
	/* Each CPU keeps some of what was given back, for the next one. */
	EXPECT_LE(cgroup_read(name, "memory.current"),
		  left + nr_cpus() * 64 * (long)page_size());
	EXPECT_EQ(0, cgroup_remove(name));
}

/* The VM fails, or is killed, and nobody else. */
static void end_by_limit(struct __test_metadata *_metadata, int (*fn)(void))
{
	char name[32];
	struct vm vm;
	int status;

	vm_init_bare(&vm, 0);
	if (is_pinned(&vm))
		SKIP(return, "memory is pinned");
	snprintf(name, sizeof(name), "limited-%d", getpid());
	if (!cgroup_enter(name))
		SKIP(return, "there is no cgroup v2 with a memory controller");
	cgroup_leave();
	status = in_cgroup(name, "16M", fn);
	if (WIFSIGNALED(status)) {
		EXPECT_EQ(SIGKILL, WTERMSIG(status));
		EXPECT_LT(0, cgroup_value(name, "memory.events", "oom_kill"));
	} else {
		EXPECT_EQ(3, WEXITSTATUS(status));
	}
	/* This one lives on. */
	vm_add_program(&vm);
	EXPECT_EQ(0, cgroup_remove(name));
}

TEST(a_limit_ends_a_vm_by_its_pages)
{
	end_by_limit(_metadata, write_all);
}

/* All of its pages are the zero page: it is tables that it has too many of. */
TEST(a_limit_ends_a_vm_by_its_tables)
{
	end_by_limit(_metadata, read_all);
}

/* ---- pinned -------------------------------------------------------------- */

/* On a kernel without MMU notifiers the VMM's doings are not the guest's. */
FIXTURE(pinned) {
	struct vm vm;
	struct vcpu vcpus[2];
	u8 *mem;
	u64 size;
};

FIXTURE_SETUP(pinned)
{
	unsigned int i;

	self->size = 64 * page_size();
	self->mem = alloc_pages(self->size);
	vm_init(&self->vm);
	ASSERT_EQ(0, vm_set_slot(&self->vm, 0, 0, GUEST_RAM, self->size, self->mem));
	hammer_init(&hammer, self->mem, self->size);
	for (i = 0; i < 2; i++) {
		vcpu_init(&self->vcpus[i], &self->vm, 0);
		hammer_add_vcpu(&hammer, &self->vcpus[i], true, GUEST_RAM);
	}
}

FIXTURE_TEARDOWN(pinned)
{
}

TEST_F(pinned, memory_outlives_its_mapping)
{
	pthread_t thread;

	if (!is_pinned(&self->vm))
		SKIP(return, "memory is not pinned");
	memset(self->mem, 0, self->size);
	hammer.lost = true;
	hammer_start(&hammer);
	go_round();
	ASSERT_EQ(0, munmap(self->mem, self->size));
	go_round();
	hammer_stop(&hammer);
	/* All of it goes with the slot. */
	ASSERT_EQ(0, vm_set_slot(&self->vm, 0, 0, 0, 0, NULL));
	vcpu_call(&self->vcpus[0], guest_looks, GUEST_RAM);
	vcpu_expect(&self->vcpus[0], ARMVCPU_EXIT_MMIO);
	vcpu_call(&self->vcpus[1], nothing, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_to_done, &self->vcpus[1]));
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

TEST_F(pinned, memory_is_not_given_back)
{
	u64 i;

	if (!is_pinned(&self->vm))
		SKIP(return, "memory is not pinned");
	hammer.lost = true;
	hammer_start(&hammer);
	go_round();
	ASSERT_EQ(0, madvise(self->mem, self->size, MADV_DONTNEED));
	/* The VMM has other memory there now. */
	for (i = 0; i < self->size; i++)
		ASSERT_EQ(0, self->mem[i]);
	go_round();
	hammer_stop(&hammer);
	for (i = 0; i < self->size; i++)
		ASSERT_EQ(0, self->mem[i]);
}

TEST_F(pinned, protection_is_the_vmms_own)
{
	if (!is_pinned(&self->vm))
		SKIP(return, "memory is not pinned");
	hammer_start(&hammer);
	go_round();
	ASSERT_EQ(0, mprotect(self->mem, self->size, PROT_NONE));
	go_round();
	ASSERT_EQ(0, mprotect(self->mem, self->size, PROT_READ | PROT_WRITE));
	go_round();
	/* It is the same memory still. */
	hammer_stop(&hammer);
}

int main(int argc, char **argv)
{
	system_begin();
	return harness_run(argc, argv);
}
