// SPDX-License-Identifier: GPL-2.0
/*
 * The log of dirty pages: what makes a page dirty and what does not, that none is
 * missed while vCPUs write and the log is cleared, and that slots keep or begin it.
 */
#include "harness.h"

#include <pthread.h>

#include "snippet.h"

#define PAGES		200UL
/* Bits of which none may be touched. */
#define CANARY		0xa5a5a5a5a5a5a5a5UL

static u64 bytes_of(u64 pages)
{
	return pages * page_size();
}

static int set_slot(struct vm *vm, u32 slot, u32 flags, u64 ipa, u64 pages, const void *mem)
{
	return vm_set_slot(vm, slot, flags, ipa, bytes_of(pages), mem);
}

static int dirty_ioctl(struct vm *vm, unsigned long cmd, u32 slot, u32 flags, u64 first,
		       u64 count, const void *bitmap)
{
	struct armvcpu_dirty_log arg = {
		.slot = slot, .flags = flags, .first = first, .count = count,
		.bitmap = (u64)bitmap,
	};

	return xioctl(vm->fd, cmd, &arg);
}

static void get_log(struct vm *vm, u32 flags, u64 *bits)
{
	memset(bits, 0xff, PAGES / 8 + 8);
	test_check(!dirty_ioctl(vm, ARMVCPU_GET_DIRTY_LOG, 0, flags, 0, PAGES, bits));
}

static bool is_set(const u64 *bits, u64 page)
{
	return bits[page / 64] >> page % 64 & 1;
}

static u64 count_set(const u64 *bits, u64 count)
{
	u64 n = 0, i;

	for (i = 0; i < count; i++)
		n += is_set(bits, i);
	return n;
}

static void guest_writes(u64 address, u64 stride, u64 count)
{
	u64 i;

	for (i = 0; i < count; i++)
		guest_write64(address + i * stride, address + i);
	GUEST_DONE();
}

static void guest_reads(u64 address, u64 stride, u64 count)
{
	u64 i;

	for (i = 0; i < count; i++)
		guest_read64(address + i * stride);
	GUEST_DONE();
}

FIXTURE(dirty) {
	struct vm vm;
	struct vcpu vcpu;
	u8 *mem;
	u64 bits[PAGES / 64 + 2];
};

/* Slot 0 is logged, slot 1 behind it is not. */
FIXTURE_SETUP(dirty)
{
	vm_init(&self->vm);
	vcpu_init(&self->vcpu, &self->vm, 0);
	self->mem = alloc_pages(bytes_of(2 * PAGES));
	ASSERT_EQ(1, get_cap(self->vm.sys, ARMVCPU_CAP_DIRTY_LOG));
	ASSERT_EQ(0, set_slot(&self->vm, 0, ARMVCPU_SLOT_LOG_DIRTY, GUEST_RAM, PAGES, self->mem));
	ASSERT_EQ(0, set_slot(&self->vm, 1, 0, GUEST_RAM + bytes_of(PAGES), PAGES,
			      self->mem + bytes_of(PAGES)));
}

FIXTURE_TEARDOWN(dirty)
{
}

static void write_pages(struct vcpu *vcpu, u64 first, u64 count)
{
	vcpu_call(vcpu, guest_writes, GUEST_RAM + bytes_of(first), page_size(), count);
	vcpu_expect_done(vcpu);
}

static void read_pages(struct vcpu *vcpu, u64 first, u64 count)
{
	vcpu_call(vcpu, guest_reads, GUEST_RAM + bytes_of(first), page_size(), count);
	vcpu_expect_done(vcpu);
}

TEST_F(dirty, writes_and_no_reads)
{
	u64 i;

	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(0, count_set(self->bits, PAGES));
	read_pages(&self->vcpu, 0, PAGES);
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(0, count_set(self->bits, PAGES));
	/* Of what has been read, and is mapped. */
	for (i = 3; i < PAGES; i += 7)
		write_pages(&self->vcpu, i, 1);
	get_log(&self->vm, 0, self->bits);
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(i % 7 == 3, is_set(self->bits, i));
	/* The rest of the last word. */
	for (; i % 64; i++)
		ASSERT_EQ(0, is_set(self->bits, i));
	/* The same again. */
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ((PAGES + 3) / 7, count_set(self->bits, PAGES));
}

/* Nothing there yet, and neither is what is near it. */
TEST_F(dirty, first_touches)
{
	u64 i;

	for (i = 0; i < 20; i++)
		write_pages(&self->vcpu, i, 1);
	write_pages(&self->vcpu, PAGES - 1, 1);
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(21, count_set(self->bits, PAGES));
	EXPECT_EQ(1, is_set(self->bits, PAGES - 1));
}

TEST_F(dirty, cleared_and_noted_anew)
{
	int round;

	for (round = 0; round < 3; round++) {
		write_pages(&self->vcpu, 10, 100);
		get_log(&self->vm, ARMVCPU_DIRTY_CLEAR, self->bits);
		ASSERT_EQ(100, count_set(self->bits, PAGES));
		ASSERT_EQ(1, is_set(self->bits, 10));
		ASSERT_EQ(1, is_set(self->bits, 109));
		get_log(&self->vm, 0, self->bits);
		ASSERT_EQ(0, count_set(self->bits, PAGES));
		read_pages(&self->vcpu, 10, 100);
		get_log(&self->vm, 0, self->bits);
		ASSERT_EQ(0, count_set(self->bits, PAGES));
	}
}

/* A window of the log: the rest of it stays, and so does what is behind the bitmap. */
TEST_F(dirty, part_of_the_log)
{
	write_pages(&self->vcpu, 0, PAGES);
	self->bits[1] = CANARY;
	ASSERT_EQ(0, dirty_ioctl(&self->vm, ARMVCPU_GET_DIRTY_LOG, 0, ARMVCPU_DIRTY_CLEAR, 64, 37,
				 self->bits));
	EXPECT_EQ((1UL << 37) - 1, self->bits[0]);
	EXPECT_EQ(CANARY, self->bits[1]);
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(PAGES - 37, count_set(self->bits, PAGES));
	EXPECT_EQ(1, is_set(self->bits, 63));
	EXPECT_EQ(0, is_set(self->bits, 64));
	EXPECT_EQ(0, is_set(self->bits, 100));
	EXPECT_EQ(1, is_set(self->bits, 101));
	write_pages(&self->vcpu, 70, 1);
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(PAGES - 36, count_set(self->bits, PAGES));
	/* The last pages, which are no whole word. */
	ASSERT_EQ(0, dirty_ioctl(&self->vm, ARMVCPU_GET_DIRTY_LOG, 0, ARMVCPU_DIRTY_CLEAR, 192, 8,
				 self->bits));
	EXPECT_EQ(0xff, self->bits[0]);
}

TEST_F(dirty, named_pages)
{
	u64 clear[PAGES / 64 + 1] = { [0] = 0xf0, [1] = 1, [3] = ~0UL };
	u64 i;

	write_pages(&self->vcpu, 0, PAGES);
	ASSERT_EQ(0, dirty_ioctl(&self->vm, ARMVCPU_CLEAR_DIRTY_LOG, 0, 0, 0, PAGES, clear));
	get_log(&self->vm, 0, self->bits);
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(!is_set(clear, i), is_set(self->bits, i));
	write_pages(&self->vcpu, 5, 1);
	/* Clean pages can be cleared, too; the next write is seen. */
	ASSERT_EQ(0, dirty_ioctl(&self->vm, ARMVCPU_CLEAR_DIRTY_LOG, 0, 0, 0, PAGES, clear));
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(0, is_set(self->bits, 5));
	write_pages(&self->vcpu, 4, 2);
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(1, is_set(self->bits, 4));
	EXPECT_EQ(1, is_set(self->bits, 5));
	EXPECT_EQ(0, is_set(self->bits, 6));
}

TEST_F(dirty, marked_by_the_vmm)
{
	u64 mark[PAGES / 64 + 1] = { [0] = 0x21, [3] = 0x80 };

	write_pages(&self->vcpu, 1, 1);
	ASSERT_EQ(0, dirty_ioctl(&self->vm, ARMVCPU_MARK_DIRTY, 0, 0, 0, PAGES, mark));
	get_log(&self->vm, ARMVCPU_DIRTY_CLEAR, self->bits);
	EXPECT_EQ(0x23, self->bits[0]);
	EXPECT_EQ(0x80, self->bits[3]);
	EXPECT_EQ(4, count_set(self->bits, PAGES));
	/* They were not writable by that: the guest's own writes count. */
	write_pages(&self->vcpu, 0, 6);
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(0x3f, self->bits[0]);
}

/* What the module writes for the guest. */
TEST_F(dirty, stolen_time)
{
	if (vcpu_try_set(&self->vcpu, ARMVCPU_REG_STOLEN_TIME, GUEST_RAM + bytes_of(77)))
		SKIP(return, "this kernel does not count what tasks wait for");
	read_pages(&self->vcpu, 0, 1);
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(1, is_set(self->bits, 77));
	EXPECT_EQ(1, count_set(self->bits, PAGES));
}

/* An access that is an exit has written nothing. */
TEST_F(dirty, readonly_slots)
{
	struct armvcpu_core_regs regs;
	struct vcpu *vcpu = &self->vcpu;

	SNIPPET(insn_str, "str x5, [x1]");
	ASSERT_EQ(0, vm_set_slot(&self->vm, 0,
				 ARMVCPU_SLOT_CHANGE | ARMVCPU_SLOT_READONLY |
				 ARMVCPU_SLOT_LOG_DIRTY,
				 GUEST_RAM, bytes_of(PAGES), self->mem));
	snippet_prepare(vcpu, VCPU_MMU_ON);
	snippet_start(vcpu, &regs, &insn_str, GUEST_RAM);
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(1, vcpu->run->u.mmio.readonly);
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(0, count_set(self->bits, PAGES));
}

/* ---- from the beginning -------------------------------------------------- */

TEST_F(dirty, all_in_the_beginning)
{
	u64 faults, one[PAGES / 64 + 1] = { 2 };

	ASSERT_EQ(0, vm_set_slot(&self->vm, 0, 0, 0, 0, NULL));
	/* Mapped, and written to, before there is a log. */
	ASSERT_EQ(0, set_slot(&self->vm, 0, 0, GUEST_RAM, PAGES, self->mem));
	write_pages(&self->vcpu, 0, PAGES);
	ASSERT_EQ(0, set_slot(&self->vm, 0, ARMVCPU_SLOT_CHANGE | ARMVCPU_SLOT_LOG_DIRTY |
			      ARMVCPU_SLOT_DIRTY_ALL, GUEST_RAM, PAGES, self->mem));
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(PAGES, count_set(self->bits, PAGES));
	faults = self->vcpu.run->stats.faults;
	write_pages(&self->vcpu, 0, PAGES);
	EXPECT_EQ(faults, self->vcpu.run->stats.faults);
	/* What is cleared is noted anew, and nothing else faults. */
	ASSERT_EQ(0, dirty_ioctl(&self->vm, ARMVCPU_CLEAR_DIRTY_LOG, 0, 0, 0, PAGES, one));
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(PAGES - 1, count_set(self->bits, PAGES));
	write_pages(&self->vcpu, 0, PAGES);
	EXPECT_LT(faults, self->vcpu.run->stats.faults);
	get_log(&self->vm, ARMVCPU_DIRTY_CLEAR, self->bits);
	EXPECT_EQ(PAGES, count_set(self->bits, PAGES));
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(0, count_set(self->bits, PAGES));
}

/* The log is turned on while the guest has written, and runs. */
TEST_F(dirty, turned_on_and_off)
{
	int round;

	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, set_slot(&self->vm, 0, ARMVCPU_SLOT_CHANGE, GUEST_RAM, PAGES,
				      self->mem));
		ASSERT_EQ(-ENOENT, dirty_ioctl(&self->vm, ARMVCPU_GET_DIRTY_LOG, 0, 0, 0, PAGES,
					       self->bits));
		write_pages(&self->vcpu, 0, PAGES);
		ASSERT_EQ(0, set_slot(&self->vm, 0, ARMVCPU_SLOT_CHANGE | ARMVCPU_SLOT_LOG_DIRTY,
				      GUEST_RAM, PAGES, self->mem));
		get_log(&self->vm, 0, self->bits);
		EXPECT_EQ(0, count_set(self->bits, PAGES));
		write_pages(&self->vcpu, 40, 3);
		get_log(&self->vm, 0, self->bits);
		EXPECT_EQ(3, count_set(self->bits, PAGES));
		EXPECT_EQ(1, is_set(self->bits, 42));
	}
}

TEST_F(dirty, kept_or_begun_anew)
{
	u32 log = ARMVCPU_SLOT_CHANGE | ARMVCPU_SLOT_LOG_DIRTY;

	write_pages(&self->vcpu, 8, 8);
	/* Only flags. */
	ASSERT_EQ(0, set_slot(&self->vm, 0, log | ARMVCPU_SLOT_READONLY, GUEST_RAM, PAGES,
			      self->mem));
	ASSERT_EQ(0, set_slot(&self->vm, 0, log, GUEST_RAM, PAGES, self->mem));
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(8, count_set(self->bits, PAGES));
	write_pages(&self->vcpu, 0, 8);
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(16, count_set(self->bits, PAGES));
	/* Another size. */
	ASSERT_EQ(0, set_slot(&self->vm, 0, log, GUEST_RAM, PAGES - 1, self->mem));
	EXPECT_EQ(-EINVAL, dirty_ioctl(&self->vm, ARMVCPU_GET_DIRTY_LOG, 0, 0, 0, PAGES,
				       self->bits));
	EXPECT_EQ(0, dirty_ioctl(&self->vm, ARMVCPU_GET_DIRTY_LOG, 0, 0, 0, PAGES - 1,
				 self->bits));
	EXPECT_EQ(0, count_set(self->bits, PAGES - 1));
}

/* Memory that was mapped by blocks is logged by pages. */
TEST_F(dirty, huge_pages)
{
	u64 size = 2UL << 20, pages = 2 * size / page_size(), *bits, i;
	u8 *mem = alloc_pages(3 * size);

	if (page_size() != 4096)
		SKIP(return, "a huge page is larger than that");
	mem = (u8 *)(((u64)mem + size - 1) & ~(size - 1));
	if (madvise(mem, 2 * size, MADV_HUGEPAGE))
		SKIP(return, "this host has no huge pages");
	memset(mem, 1, 2 * size);
	bits = calloc(pages / 64, sizeof(*bits));
	ASSERT_EQ(0, vm_set_slot(&self->vm, 2, 0, GUEST_RAM + 0x10000000, 2 * size, mem));
	vcpu_call(&self->vcpu, guest_writes, GUEST_RAM + 0x10000000, 4096, pages);
	vcpu_expect_done(&self->vcpu);
	ASSERT_EQ(0, vm_set_slot(&self->vm, 2, ARMVCPU_SLOT_CHANGE | ARMVCPU_SLOT_LOG_DIRTY,
				 GUEST_RAM + 0x10000000, 2 * size, mem));
	for (i = 0; i < pages; i += 100) {
		vcpu_call(&self->vcpu, guest_writes, GUEST_RAM + 0x10000000 + i * 4096, 4096, 1);
		vcpu_expect_done(&self->vcpu);
	}
	ASSERT_EQ(0, dirty_ioctl(&self->vm, ARMVCPU_GET_DIRTY_LOG, 2, 0, 0, pages, bits));
	for (i = 0; i < pages; i++)
		ASSERT_EQ(i % 100 == 0, is_set(bits, i));
	/* And what was there is there still. */
	for (i = 0; i < pages; i++)
		ASSERT_EQ(GUEST_RAM + 0x10000000 + (i % 100 ? i : i * 4096),
			  *(u64 *)(mem + i * 4096));
	/* By blocks again, when the log is over. */
	ASSERT_EQ(0, vm_set_slot(&self->vm, 2, ARMVCPU_SLOT_CHANGE, GUEST_RAM + 0x10000000,
				 2 * size, mem));
	vcpu_call(&self->vcpu, guest_writes, GUEST_RAM + 0x10000000, 4096, pages);
	vcpu_expect_done(&self->vcpu);
	for (i = 0; i < pages; i++)
		ASSERT_EQ(GUEST_RAM + 0x10000000 + i, *(u64 *)(mem + i * 4096));
	free(bits);
}

/* ---- what is refused ----------------------------------------------------- */

FIXTURE(refused) {
	struct vm vm;
	struct vcpu vcpu;
	u8 *mem;
	u64 bits[PAGES / 64 + 2];
};

FIXTURE_VARIANT(refused) {
	u32 slot, flags;
	u64 first, count;
	bool bad_pointer;
	int err;
};

FIXTURE_VARIANT_ADD(refused, flags) { .flags = 2, .count = 1, .err = EINVAL };
FIXTURE_VARIANT_ADD(refused, flags_last) { .flags = BIT(31), .count = 1, .err = EINVAL };
FIXTURE_VARIANT_ADD(refused, first_odd) { .first = 8, .count = 1, .err = EINVAL };
FIXTURE_VARIANT_ADD(refused, none) { .count = 0, .err = EINVAL };
FIXTURE_VARIANT_ADD(refused, beyond) { .count = PAGES + 1, .err = EINVAL };
FIXTURE_VARIANT_ADD(refused, first_beyond) { .first = 256, .count = 1, .err = EINVAL };
FIXTURE_VARIANT_ADD(refused, end_beyond) { .first = 192, .count = 9, .err = EINVAL };
FIXTURE_VARIANT_ADD(refused, wraps) { .first = 64, .count = -64, .err = EINVAL };
FIXTURE_VARIANT_ADD(refused, first_wild) { .first = -64, .count = 128, .err = EINVAL };
FIXTURE_VARIANT_ADD(refused, no_slot) { .slot = 7, .count = 1, .err = ENOENT };
FIXTURE_VARIANT_ADD(refused, no_such_slot) { .slot = ~0U, .count = 1, .err = ENOENT };
FIXTURE_VARIANT_ADD(refused, no_log) { .slot = 1, .count = 1, .err = ENOENT };
FIXTURE_VARIANT_ADD(refused, pointer) { .count = PAGES, .bad_pointer = true, .err = EFAULT };

FIXTURE_SETUP(refused)
{
	vm_init(&self->vm);
	vcpu_init(&self->vcpu, &self->vm, 0);
	self->mem = alloc_pages(bytes_of(2 * PAGES));
	ASSERT_EQ(0, set_slot(&self->vm, 0, ARMVCPU_SLOT_LOG_DIRTY, GUEST_RAM, PAGES, self->mem));
	ASSERT_EQ(0, set_slot(&self->vm, 1, 0, GUEST_RAM + bytes_of(PAGES), PAGES,
			      self->mem + bytes_of(PAGES)));
}

FIXTURE_TEARDOWN(refused)
{
}

TEST_F(refused, and_nothing_is_lost)
{
	static const unsigned long cmds[] = {
		ARMVCPU_GET_DIRTY_LOG, ARMVCPU_GET_DIRTY_LOG, ARMVCPU_CLEAR_DIRTY_LOG,
		ARMVCPU_MARK_DIRTY,
	};
	const void *bits = variant->bad_pointer ? (void *)8 : self->bits;
	unsigned int i;

	write_pages(&self->vcpu, 0, 50);
	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		memset(self->bits, 0xff, sizeof(self->bits));
		EXPECT_EQ(-variant->err,
			  dirty_ioctl(&self->vm, cmds[i], variant->slot,
				      variant->flags | (i == 1 ? ARMVCPU_DIRTY_CLEAR : 0),
				      variant->first, variant->count, bits));
		EXPECT_EQ(~0UL, self->bits[0]);
	}
	/* CLEAR is GET's alone. */
	EXPECT_EQ(-EINVAL, dirty_ioctl(&self->vm, ARMVCPU_CLEAR_DIRTY_LOG, 0, ARMVCPU_DIRTY_CLEAR,
				       0, 64, self->bits));
	EXPECT_EQ(-EINVAL, dirty_ioctl(&self->vm, ARMVCPU_MARK_DIRTY, 0, ARMVCPU_DIRTY_CLEAR, 0,
				       64, self->bits));
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(50, count_set(self->bits, PAGES));
	write_pages(&self->vcpu, 49, 2);
	get_log(&self->vm, 0, self->bits);
	EXPECT_EQ(51, count_set(self->bits, PAGES));
}

TEST(flags_of_slots)
{
	u8 *mem = alloc_pages(bytes_of(16));
	struct vm vm;

	vm_init_bare(&vm, 0);
	EXPECT_EQ(0xf, get_cap(vm.sys, ARMVCPU_CAP_SLOT_FLAGS));
	EXPECT_EQ(-EINVAL, set_slot(&vm, 0, ARMVCPU_SLOT_DIRTY_ALL, GUEST_RAM, 16, mem));
	EXPECT_EQ(-ENOENT, set_slot(&vm, 0, ARMVCPU_SLOT_CHANGE, GUEST_RAM, 16, mem));
	EXPECT_EQ(-EINVAL, vm_set_slot(&vm, 0, ARMVCPU_SLOT_CHANGE, 0, 0, NULL));
	EXPECT_EQ(0, set_slot(&vm, 0, ARMVCPU_SLOT_LOG_DIRTY | ARMVCPU_SLOT_DIRTY_ALL, GUEST_RAM,
			      16, mem));
}

/* ---- none is missed ------------------------------------------------------ */

#define MANY_PAGES	512UL
#define WRITERS		4
#define WRITES		250000UL
#define ROUNDS		20

static u64 rounds;

/* Each has a word of its own in every page, and what it writes is never the same. */
static void guest_writes_at_random(u64 writer, u64 page)
{
	u64 state = 0x9e3779b97f4a7c15UL * (writer + 1), i;

	/* As often as that, and as long as somebody looks. */
	for (i = 1; i <= WRITES || READ_ONCE(rounds) < ROUNDS; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		guest_write64(GUEST_RAM + (state >> 20) % MANY_PAGES * page + 64 * writer, i);
	}
	GUEST_DONE();
}

static unsigned int running;

static void *writer_thread(void *arg)
{
	vcpu_expect_done(arg);
	__atomic_fetch_sub(&running, 1, __ATOMIC_RELEASE);
	return NULL;
}

struct moving {
	struct vm vm;
	struct vcpu vcpus[WRITERS];
	u8 *mem, *copy;
	u64 bits[MANY_PAGES / 64];
	u64 copied;
};

FIXTURE(many) {
	struct moving m;
};

FIXTURE_VARIANT(many) {
	bool by_name;
	bool all;
	bool huge;
};

FIXTURE_VARIANT_ADD(many, get_and_clear) { .by_name = false };
FIXTURE_VARIANT_ADD(many, get_then_clear) { .by_name = true };
FIXTURE_VARIANT_ADD(many, all_in_the_beginning) { .by_name = true, .all = true };
FIXTURE_VARIANT_ADD(many, huge) { .huge = true };

FIXTURE_SETUP(many)
{
	u64 size = bytes_of(MANY_PAGES), i;
	u32 flags = ARMVCPU_SLOT_LOG_DIRTY | (variant->all ? ARMVCPU_SLOT_DIRTY_ALL : 0);

	vm_init(&self->m.vm);
	self->m.mem = alloc_pages(2 * size);
	self->m.mem = (u8 *)(((u64)self->m.mem + size - 1) & ~(size - 1));
	if (variant->huge)
		madvise(self->m.mem, size, MADV_HUGEPAGE);
	self->m.copy = alloc_pages(size);
	ASSERT_EQ(0, vm_set_slot(&self->m.vm, 0, variant->huge ? 0 : flags, GUEST_RAM, size,
				 self->m.mem));
	for (i = 0; i < WRITERS; i++)
		vcpu_init(&self->m.vcpus[i], &self->m.vm, 0);
	if (!variant->huge)
		return;
	/* Mapped by then. */
	write_pages(&self->m.vcpus[0], 0, MANY_PAGES);
	memcpy(self->m.copy, self->m.mem, size);
	ASSERT_EQ(0, vm_set_slot(&self->m.vm, 0, flags | ARMVCPU_SLOT_CHANGE, GUEST_RAM, size,
				 self->m.mem));
}

FIXTURE_TEARDOWN(many)
{
}

/* As who moves a guest: what is dirty is copied once more. */
static void copy_dirty(struct moving *m, bool by_name)
{
	u64 page = page_size(), i;

	test_check(!dirty_ioctl(&m->vm, ARMVCPU_GET_DIRTY_LOG, 0,
				by_name ? 0 : ARMVCPU_DIRTY_CLEAR, 0, MANY_PAGES, m->bits));
	if (by_name)
		test_check(!dirty_ioctl(&m->vm, ARMVCPU_CLEAR_DIRTY_LOG, 0, 0, 0, MANY_PAGES,
					m->bits));
	for (i = 0; i < MANY_PAGES; i++) {
		if (!is_set(m->bits, i))
			continue;
		memcpy(m->copy + i * page, m->mem + i * page, page);
		m->copied++;
	}
}

/* A device: its writes are marked. */
static void device_writes(struct moving *m, u64 round)
{
	u64 page = round * 37 % MANY_PAGES, mark[MANY_PAGES / 64] = { 0 };

	*(u64 *)(m->mem + page * page_size() + 1024) = round;
	mark[page / 64] = 1UL << page % 64;
	test_check(!dirty_ioctl(&m->vm, ARMVCPU_MARK_DIRTY, 0, 0, 0, MANY_PAGES, mark));
}

TEST_F(many, none_is_missed)
{
	struct moving *m = &self->m;
	u64 page = page_size(), i;
	pthread_t threads[WRITERS];

	rounds = 0;
	running = WRITERS;
	for (i = 0; i < WRITERS; i++) {
		vcpu_call(&m->vcpus[i], guest_writes_at_random, i, page);
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, writer_thread, &m->vcpus[i]));
	}
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE)) {
		device_writes(m, rounds);
		copy_dirty(m, variant->by_name);
		WRITE_ONCE(rounds, rounds + 1);
		/* Whoever clears all the time has a guest that does nothing but fault. */
		usleep(100000);
	}
	for (i = 0; i < WRITERS; i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	device_writes(m, rounds);
	/* They write no more: what is copied now is all. */
	copy_dirty(m, variant->by_name);
	/* It is not simply all, always. */
	ASSERT_EQ(0, dirty_ioctl(&m->vm, ARMVCPU_GET_DIRTY_LOG, 0, 0, 0, MANY_PAGES, m->bits));
	ASSERT_EQ(0, count_set(m->bits, MANY_PAGES));
	for (i = 0; i < MANY_PAGES; i++)
		ASSERT_EQ(0, memcmp(m->copy + i * page, m->mem + i * page, page));
	TH_LOG("%llu pages copied in %llu rounds", m->copied, rounds);
	/* Some of it while they wrote. */
	EXPECT_LE(ROUNDS, rounds);
	EXPECT_LT(MANY_PAGES, m->copied);
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
