// SPDX-License-Identifier: GPL-2.0
/*
 * The log of dirty pages, and the rings that tell of them: what makes a page dirty and what
 * does not, that none is missed while vCPUs write and the log is cleared, that slots keep or
 * begin it.
 */
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "host/module.h"
#include "snippet.h"
#include "system.h"

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
	u8 *mem = alloc_aligned(2 * size, size);

	if (page_size() != 4096)
		SKIP(return, "a huge page is larger than that");
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

/* ---- rings --------------------------------------------------------------- */

#define RING		64U

static int set_ring(struct vcpu *vcpu, u32 entries)
{
	struct armvcpu_set_dirty_ring arg = { .entries = entries };

	return xioctl(vcpu->fd, ARMVCPU_SET_DIRTY_RING, &arg);
}

static struct armvcpu_dirty_ring *map_ring(struct vcpu *vcpu, u32 entries)
{
	struct armvcpu_dirty_ring *ring;

	test_check(!set_ring(vcpu, entries));
	ring = mmap(NULL, ARMVCPU_DIRTY_RING_SIZE(entries), PROT_READ | PROT_WRITE, MAP_SHARED,
		    vcpu->fd, ARMVCPU_DIRTY_RING_OFFSET);
	test_check(ring != MAP_FAILED);
	test_check(ring->entries == entries);
	return ring;
}

static u32 take(struct armvcpu_dirty_ring *ring, struct armvcpu_dirty_page *pages, u32 count)
{
	u32 head = ring->head, n = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) - head, i;

	n = n < count ? n : count;
	for (i = 0; i < n; i++)
		pages[i] = ring->pages[(head + i) % ring->entries];
	__atomic_store_n(&ring->head, head + n, __ATOMIC_RELEASE);
	return n;
}

static int clear_pages(struct vm *vm, const struct armvcpu_dirty_page *pages, u32 count)
{
	struct armvcpu_clear_dirty_pages arg = { .count = count, .pages = (u64)pages };

	return xioctl(vm->fd, ARMVCPU_CLEAR_DIRTY_PAGES, &arg);
}

FIXTURE(ring) {
	struct vm vm;
	struct vcpu vcpu, other;
	u8 *mem;
	struct armvcpu_dirty_ring *ring;
	struct armvcpu_dirty_page pages[RING];
	u64 bits[PAGES / 64 + 2];
};

/* Slots 5 and 6 are logged, and lie behind each other. */
FIXTURE_SETUP(ring)
{
	vm_init(&self->vm);
	vcpu_init(&self->vcpu, &self->vm, 0);
	vcpu_init(&self->other, &self->vm, 0);
	self->mem = alloc_pages(bytes_of(2 * PAGES));
	ASSERT_EQ(65536, get_cap(self->vm.sys, ARMVCPU_CAP_MAX_DIRTY_RING));
	ASSERT_EQ(0, set_slot(&self->vm, 5, ARMVCPU_SLOT_LOG_DIRTY, GUEST_RAM, PAGES, self->mem));
	ASSERT_EQ(0, set_slot(&self->vm, 6, ARMVCPU_SLOT_LOG_DIRTY, GUEST_RAM + bytes_of(PAGES),
			      PAGES, self->mem + bytes_of(PAGES)));
	self->ring = map_ring(&self->vcpu, RING);
}

FIXTURE_TEARDOWN(ring)
{
}

static bool is_dirty(struct vm *vm, u32 slot, u64 page)
{
	u64 bits[PAGES / 64 + 2];

	test_check(!dirty_ioctl(vm, ARMVCPU_GET_DIRTY_LOG, slot, 0, 0, PAGES, bits));
	return is_set(bits, page);
}

TEST_F(ring, in_the_order_of_writes)
{
	static const u64 order[] = { 7, 3, 250, 3, 90, 7, 399, 0, 250 };
	static const u64 told[] = { 7, 3, 250, 90, 399, 0 };
	u32 i;

	read_pages(&self->vcpu, 0, 2 * PAGES);
	EXPECT_EQ(0, self->ring->tail);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		write_pages(&self->vcpu, order[i], 1);
	ASSERT_EQ(ARRAY_SIZE(told), take(self->ring, self->pages, RING));
	for (i = 0; i < ARRAY_SIZE(told); i++) {
		EXPECT_EQ(told[i] < PAGES ? 5 : 6, self->pages[i].slot);
		EXPECT_EQ(told[i] % PAGES, self->pages[i].page);
		EXPECT_EQ(0, self->pages[i].reserved);
		/* The log has it, too. */
		EXPECT_TRUE(is_dirty(&self->vm, self->pages[i].slot, self->pages[i].page));
	}
	EXPECT_EQ(0, take(self->ring, self->pages, RING));
}

TEST_F(ring, cleared_and_told_anew)
{
	struct armvcpu_dirty_page some[20];
	u32 round, i;

	/* More often than there is room. */
	for (round = 0; round < 5; round++) {
		write_pages(&self->vcpu, PAGES - 20, 40);
		ASSERT_EQ(40, take(self->ring, self->pages, RING));
		write_pages(&self->vcpu, PAGES - 20, 40);
		ASSERT_EQ(0, take(self->ring, self->pages + 40, RING - 40));
		/* Every other one, backwards. */
		for (i = 0; i < 20; i++)
			some[i] = self->pages[39 - 2 * i];
		ASSERT_EQ(0, clear_pages(&self->vm, some, 20));
		for (i = 0; i < 40; i++)
			ASSERT_EQ(i % 2 == 0, is_dirty(&self->vm, 5 + i / 20,
						       (PAGES - 20 + i) % PAGES));
		read_pages(&self->vcpu, PAGES - 20, 40);
		ASSERT_EQ(0, take(self->ring, self->pages, RING));
		write_pages(&self->vcpu, PAGES - 20, 40);
		ASSERT_EQ(20, take(self->ring, self->pages, RING));
		for (i = 0; i < 20; i++)
			ASSERT_EQ((PAGES - 20 + 2 * i + 1) % PAGES, self->pages[i].page);
		ASSERT_EQ(0, dirty_ioctl(&self->vm, ARMVCPU_GET_DIRTY_LOG, 5, ARMVCPU_DIRTY_CLEAR,
					 0, PAGES, self->bits));
		ASSERT_EQ(0, dirty_ioctl(&self->vm, ARMVCPU_GET_DIRTY_LOG, 6, ARMVCPU_DIRTY_CLEAR,
					 0, PAGES, self->bits));
	}
	/* The numbers only grow. */
	EXPECT_EQ(300, self->ring->head);
	EXPECT_EQ(300, self->ring->tail);
}

/* What has no room has not happened. */
TEST_F(ring, full)
{
	u64 page = page_size();
	struct vcpu *vcpu = &self->vcpu;
	u32 i;

	vcpu_call(vcpu, guest_writes, GUEST_RAM, page, PAGES);
	for (i = 0; i < 3; i++) {
		vcpu_expect(vcpu, ARMVCPU_EXIT_DIRTY_RING_FULL);
		EXPECT_EQ(RING, self->ring->tail);
		EXPECT_EQ(GUEST_RAM + RING - 1, *(u64 *)(self->mem + (RING - 1) * page));
		EXPECT_EQ(0, *(u64 *)(self->mem + RING * page));
		EXPECT_FALSE(is_dirty(&self->vm, 5, RING));
		vcpu->run->action = i ? ARMVCPU_ACTION_RETRY : ARMVCPU_ACTION_COMPLETE;
	}
	EXPECT_EQ(3, vcpu->run->stats.user[ARMVCPU_EXIT_DIRTY_RING_FULL]);
	vcpu->run->action = ARMVCPU_ACTION_ABORT;
	EXPECT_EQ(-EINVAL, xioctl(vcpu->fd, ARMVCPU_RUN, NULL));
	vcpu->run->action = ARMVCPU_ACTION_COMPLETE;
	/* Room for one is room for one. */
	ASSERT_EQ(1, take(self->ring, self->pages, 1));
	vcpu_expect(vcpu, ARMVCPU_EXIT_DIRTY_RING_FULL);
	EXPECT_EQ(RING + 1, self->ring->tail);
	EXPECT_TRUE(is_dirty(&self->vm, 5, RING));
	EXPECT_EQ(0, *(u64 *)(self->mem + (RING + 1) * page));
	for (i = 1; i < PAGES - RING; i++) {
		ASSERT_EQ(1, take(self->ring, self->pages, 1));
		ASSERT_EQ(i, self->pages[0].page);
		if (i < PAGES - RING - 1)
			vcpu_expect(vcpu, ARMVCPU_EXIT_DIRTY_RING_FULL);
	}
	vcpu_expect_done(vcpu);
	ASSERT_EQ(RING, take(self->ring, self->pages, RING));
	EXPECT_EQ(PAGES - 1, self->pages[RING - 1].page);
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(GUEST_RAM + i, *(u64 *)(self->mem + i * page));
}

/* What is dirty already, or not logged, needs no room. */
TEST_F(ring, full_and_no_matter)
{
	ASSERT_EQ(0, set_slot(&self->vm, 6, ARMVCPU_SLOT_CHANGE, GUEST_RAM + bytes_of(PAGES),
			      PAGES, self->mem + bytes_of(PAGES)));
	write_pages(&self->vcpu, 0, RING);
	write_pages(&self->vcpu, 0, RING);
	write_pages(&self->vcpu, PAGES, PAGES);
	read_pages(&self->vcpu, 0, 2 * PAGES);
	/* Others have rings of their own, or none. */
	write_pages(&self->other, RING, RING);
	write_pages(&self->vcpu, RING, RING);
	EXPECT_EQ(RING, self->ring->tail);
	EXPECT_EQ(0, self->vcpu.run->stats.user[ARMVCPU_EXIT_DIRTY_RING_FULL]);
}

/* Whatever the VMM writes to it, only its guest stops. */
TEST_F(ring, nonsense_in_it)
{
	static const u32 heads[] = { 1, 0x80000000, RING + 1, ~0U - RING };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(heads); i++) {
		self->ring->head = heads[i];
		self->ring->tail = heads[i] * 3;
		self->ring->entries = heads[i] * 7;
		vcpu_call(&self->vcpu, guest_writes, GUEST_RAM + bytes_of(i), page_size(), 1);
		vcpu_expect(&self->vcpu, ARMVCPU_EXIT_DIRTY_RING_FULL);
		EXPECT_FALSE(is_dirty(&self->vm, 5, i));
	}
	/* Nothing of that was believed. */
	memset(self->ring->pages, 0xff, RING * sizeof(self->pages[0]));
	self->ring->head = 0;
	write_pages(&self->vcpu, 30, 1);
	EXPECT_EQ(1, self->ring->tail);
	EXPECT_EQ(30, self->ring->pages[0].page);
}

TEST_F(ring, one_of_two_tells)
{
	struct armvcpu_dirty_ring *others = map_ring(&self->other, 2 * RING);

	write_pages(&self->vcpu, 0, 20);
	write_pages(&self->other, 10, 20);
	write_pages(&self->vcpu, 0, 40);
	EXPECT_EQ(30, take(self->ring, self->pages, RING));
	EXPECT_EQ(10, take(others, self->pages, RING));
	EXPECT_EQ(20, self->pages[0].page);
}

/* They are in the log alone. */
TEST_F(ring, not_by_writes)
{
	u64 mark[PAGES / 64 + 1] = { 0xf };
	bool stolen = !vcpu_try_set(&self->vcpu, ARMVCPU_REG_STOLEN_TIME,
				    GUEST_RAM + bytes_of(77));

	ASSERT_EQ(0, dirty_ioctl(&self->vm, ARMVCPU_MARK_DIRTY, 5, 0, 0, PAGES, mark));
	write_pages(&self->vcpu, 0, 5);
	EXPECT_EQ(1, take(self->ring, self->pages, RING));
	EXPECT_EQ(4, self->pages[0].page);
	/* Not on a kernel that does not count what tasks wait for. */
	EXPECT_EQ(stolen, is_dirty(&self->vm, 5, 77));
	ASSERT_EQ(0, set_slot(&self->vm, 6, 0, 0, 0, NULL));
	ASSERT_EQ(0, set_slot(&self->vm, 6, ARMVCPU_SLOT_LOG_DIRTY | ARMVCPU_SLOT_DIRTY_ALL,
			      GUEST_RAM + bytes_of(PAGES), PAGES, self->mem));
	write_pages(&self->vcpu, PAGES, PAGES);
	EXPECT_EQ(0, take(self->ring, self->pages, RING));
}

/* What has become of a slot since it was told of. */
TEST_F(ring, slots_of_yesterday)
{
	static const struct armvcpu_dirty_page gone[] = {
		{ .slot = 5, .page = PAGES }, { .slot = 5, .page = ~0UL }, { .slot = 4 },
		{ .slot = 511 }, { .slot = 6, .page = 2 }, { .slot = 5, .page = 1 },
	};

	write_pages(&self->vcpu, 0, 3);
	write_pages(&self->vcpu, PAGES, 3);
	ASSERT_EQ(0, set_slot(&self->vm, 6, ARMVCPU_SLOT_CHANGE, GUEST_RAM + bytes_of(PAGES),
			      PAGES, self->mem + bytes_of(PAGES)));
	ASSERT_EQ(0, clear_pages(&self->vm, gone, ARRAY_SIZE(gone)));
	EXPECT_TRUE(is_dirty(&self->vm, 5, 0));
	EXPECT_FALSE(is_dirty(&self->vm, 5, 1));
	EXPECT_TRUE(is_dirty(&self->vm, 5, 2));
	/* Not logged, and so not protected either. */
	write_pages(&self->vcpu, PAGES, 3);
	EXPECT_EQ(6, self->ring->tail);
}

TEST_F(ring, keeps_the_vcpu)
{
	long before;
	u32 i;

	vcpu_close(&self->other);
	vcpu_close(&self->vcpu);
	vm_close(&self->vm);
	before = read_number(MODULE_REFCNT);
	ASSERT_LT(0, before);
	for (i = 0; i < RING; i++)
		self->ring->pages[i].page = i;
	ASSERT_EQ(0, munmap(self->ring, ARMVCPU_DIRTY_RING_SIZE(RING)));
	EXPECT_EQ(before - 1, read_number(MODULE_REFCNT));
}

/* It can be turned off, and on again. */
TEST_F(ring, off_and_on)
{
	ASSERT_EQ(-ENOENT, set_ring(&self->other, 0));
	write_pages(&self->vcpu, 0, 10);
	ASSERT_EQ(0, set_ring(&self->vcpu, 0));
	write_pages(&self->vcpu, 10, PAGES);
	EXPECT_EQ(10, self->ring->tail);
	EXPECT_TRUE(is_dirty(&self->vm, 5, 100));
	EXPECT_EQ(-EEXIST, set_ring(&self->vcpu, 2 * RING));
	ASSERT_EQ(0, set_ring(&self->vcpu, RING));
	write_pages(&self->vcpu, 0, PAGES + 20);
	ASSERT_EQ(20, take(self->ring, self->pages, RING));
	EXPECT_EQ(5, self->pages[9].slot);
	EXPECT_EQ(9, self->pages[9].page);
	EXPECT_EQ(6, self->pages[10].slot);
	EXPECT_EQ(10, self->pages[10].page);
}

TEST_F(ring, refused)
{
	static const u32 sizes[] = { 1, 32, 63, 65, 96, 131072, BIT(31), ~0U };
	u64 size = ARMVCPU_DIRTY_RING_SIZE(RING), page = page_size();
	int fd = self->vcpu.fd, prot = PROT_READ | PROT_WRITE;
	struct armvcpu_set_dirty_ring arg = { .entries = RING, .flags = 1 };
	struct armvcpu_clear_dirty_pages clear = { .count = 1, .pages = (u64)self->pages };
	u32 i;

	EXPECT_EQ(-EEXIST, set_ring(&self->vcpu, 2 * RING));
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		EXPECT_EQ(-EINVAL, set_ring(&self->other, sizes[i]));
	EXPECT_EQ(-EINVAL, xioctl(self->other.fd, ARMVCPU_SET_DIRTY_RING, &arg));
	/* None there, another size, not shared, at another place. */
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size, prot, MAP_SHARED, self->other.fd,
				   ARMVCPU_DIRTY_RING_OFFSET));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size + page, prot, MAP_SHARED, fd,
				   ARMVCPU_DIRTY_RING_OFFSET));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size, prot, MAP_PRIVATE, fd,
				   ARMVCPU_DIRTY_RING_OFFSET));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page, prot, MAP_SHARED, fd,
				   ARMVCPU_DIRTY_RING_OFFSET + page));
	EXPECT_EQ(EINVAL, errno);
	/* The largest. */
	EXPECT_EQ(65536, map_ring(&self->other, 65536)->entries);

	write_pages(&self->vcpu, 0, 2);
	ASSERT_EQ(2, take(self->ring, self->pages, RING));
	EXPECT_EQ(-EINVAL, clear_pages(&self->vm, self->pages, 0));
	EXPECT_EQ(-EINVAL, clear_pages(&self->vm, self->pages, 65537));
	EXPECT_EQ(-EFAULT, clear_pages(&self->vm, (void *)8, 1));
	clear.flags = 1;
	EXPECT_EQ(-EINVAL, xioctl(self->vm.fd, ARMVCPU_CLEAR_DIRTY_PAGES, &clear));
	self->pages[1].reserved = 1;
	EXPECT_EQ(-EINVAL, clear_pages(&self->vm, self->pages, 2));
	self->pages[1].reserved = 0;
	self->pages[1].slot = 512;
	EXPECT_EQ(-EINVAL, clear_pages(&self->vm, self->pages, 2));
	EXPECT_TRUE(is_dirty(&self->vm, 5, 0));
	EXPECT_TRUE(is_dirty(&self->vm, 5, 1));
	EXPECT_EQ(0, clear_pages(&self->vm, self->pages, 1));
	EXPECT_FALSE(is_dirty(&self->vm, 5, 0));
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
#define ROUNDS		20
/* From one round to the next, by all of them. */
#define WRITES		50000UL

static u64 rounds;
static u64 written[WRITERS];

/* Each has a word of its own in every page, and what it writes is never the same. */
static void guest_writes_at_random(u64 writer, u64 page)
{
	u64 state = 0x9e3779b97f4a7c15UL * (writer + 1), i;

	for (i = 1; READ_ONCE(rounds) < ROUNDS; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		guest_write64(GUEST_RAM + (state >> 20) % MANY_PAGES * page + 64 * writer, i);
		WRITE_ONCE(written[writer], i);
	}
	GUEST_DONE();
}

static unsigned int running;

static u64 sum_written(void)
{
	u64 sum = 0, i;

	for (i = 0; i < WRITERS; i++)
		sum += READ_ONCE(written[i]);
	return sum;
}

/*
 * Until the guests have written, however slow the host is: who clears all the time has guests
 * that do nothing but fault.  A writer may wait for room in its ring, but not all do: half of
 * the rings have room for everything.  In the end they write no more.
 */
static void wait_for_writes(void)
{
	u64 until = sum_written() + WRITES;

	do
		usleep(10000);
	while (sum_written() < until && READ_ONCE(rounds) < ROUNDS);
}

static void *writer_thread(void *arg)
{
	struct vcpu *vcpu = arg;

	/* Full: somebody is taking pages out all the time. */
	do {
		test_check(!xioctl(vcpu->fd, ARMVCPU_RUN, NULL));
	} while (vcpu->run->exit_reason == ARMVCPU_EXIT_DIRTY_RING_FULL && !sched_yield());
	if (!vcpu_is_ucall(vcpu) || vcpu->run->u.call.nr != UCALL_DONE) {
		vcpu_print_exit(vcpu);
		test_fail("the guest should have been done");
	}
	__atomic_fetch_sub(&running, 1, __ATOMIC_RELEASE);
	return NULL;
}

struct moving {
	struct vm vm;
	struct vcpu vcpus[WRITERS];
	u8 *mem, *copy;
	struct armvcpu_dirty_ring *rings[WRITERS];
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
	bool ring;
};

FIXTURE_VARIANT_ADD(many, get_and_clear) { .by_name = false };
FIXTURE_VARIANT_ADD(many, get_then_clear) { .by_name = true };
FIXTURE_VARIANT_ADD(many, all_in_the_beginning) { .by_name = true, .all = true };
FIXTURE_VARIANT_ADD(many, huge) { .huge = true };
FIXTURE_VARIANT_ADD(many, ring) { .ring = true };
FIXTURE_VARIANT_ADD(many, ring_huge) { .ring = true, .huge = true };

FIXTURE_SETUP(many)
{
	u64 size = bytes_of(MANY_PAGES), i;
	u32 flags = ARMVCPU_SLOT_LOG_DIRTY | (variant->all ? ARMVCPU_SLOT_DIRTY_ALL : 0);

	vm_init(&self->m.vm);
	self->m.mem = alloc_aligned(size, size);
	if (variant->huge)
		madvise(self->m.mem, size, MADV_HUGEPAGE);
	self->m.copy = alloc_pages(size);
	ASSERT_EQ(0, vm_set_slot(&self->m.vm, 0, variant->huge ? 0 : flags, GUEST_RAM, size,
				 self->m.mem));
	for (i = 0; i < WRITERS; i++)
		vcpu_init(&self->m.vcpus[i], &self->m.vm, 0);
	for (i = 0; i < WRITERS && variant->ring; i++)
		self->m.rings[i] = map_ring(&self->m.vcpus[i], i % 2 ? RING : 4 * MANY_PAGES);
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

static void copy_page(struct moving *m, u64 page)
{
	memcpy(m->copy + page * page_size(), m->mem + page * page_size(), page_size());
	m->copied++;
}

/* As who moves a guest: what is dirty is copied once more. */
static void copy_dirty(struct moving *m, bool by_name)
{
	u64 i;

	test_check(!dirty_ioctl(&m->vm, ARMVCPU_GET_DIRTY_LOG, 0,
				by_name ? 0 : ARMVCPU_DIRTY_CLEAR, 0, MANY_PAGES, m->bits));
	if (by_name)
		test_check(!dirty_ioctl(&m->vm, ARMVCPU_CLEAR_DIRTY_LOG, 0, 0, 0, MANY_PAGES,
					m->bits));
	for (i = 0; i < MANY_PAGES; i++) {
		if (is_set(m->bits, i))
			copy_page(m, i);
	}
}

/* The same by what the rings tell. */
static void copy_told(struct moving *m)
{
	static struct armvcpu_dirty_page pages[4 * MANY_PAGES];
	u32 n, i, k;

	for (i = 0; i < WRITERS; i++) {
		n = take(m->rings[i], pages, ARRAY_SIZE(pages));
		if (!n)
			continue;
		test_check(!clear_pages(&m->vm, pages, n));
		for (k = 0; k < n; k++)
			copy_page(m, pages[k].page);
	}
}

/* A device: its writes are marked. */
static void device_writes(struct moving *m, u64 round)
{
	u64 page = round * 37 % MANY_PAGES, mark[MANY_PAGES / 64] = { 0 };

	*(u64 *)(m->mem + page * page_size() + 1024) = round;
	mark[page / 64] = 1UL << page % 64;
	test_check(!dirty_ioctl(&m->vm, ARMVCPU_MARK_DIRTY, 0, 0, 0, MANY_PAGES, mark));
	/* No ring tells of that, nor of the guest's next write: the VMM knows of it. */
	if (m->rings[0]) {
		test_check(!dirty_ioctl(&m->vm, ARMVCPU_CLEAR_DIRTY_LOG, 0, 0, 0, MANY_PAGES,
					mark));
		copy_page(m, page);
	}
}

TEST_F(many, none_is_missed)
{
	struct moving *m = &self->m;
	u64 page = page_size(), i;
	pthread_t threads[WRITERS];

	rounds = 0;
	memset(written, 0, sizeof(written));
	running = WRITERS;
	for (i = 0; i < WRITERS; i++) {
		vcpu_call(&m->vcpus[i], guest_writes_at_random, i, page);
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, writer_thread, &m->vcpus[i]));
	}
	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE)) {
		wait_for_writes();
		device_writes(m, rounds);
		if (variant->ring)
			copy_told(m);
		else
			copy_dirty(m, variant->by_name);
		WRITE_ONCE(rounds, rounds + 1);
	}
	for (i = 0; i < WRITERS; i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	device_writes(m, rounds);
	/* They write no more: what is copied now is all. */
	if (variant->ring)
		copy_told(m);
	else
		copy_dirty(m, variant->by_name);
	/* It is not simply all, always; nor is anything left that was told nowhere. */
	ASSERT_EQ(0, dirty_ioctl(&m->vm, ARMVCPU_GET_DIRTY_LOG, 0, 0, 0, MANY_PAGES, m->bits));
	ASSERT_EQ(0, count_set(m->bits, MANY_PAGES));
	for (i = 0; i < MANY_PAGES; i++)
		ASSERT_EQ(0, memcmp(m->copy + i * page, m->mem + i * page, page));
	TH_LOG("%llu pages copied in %llu rounds", m->copied, rounds);
	for (i = 1; i < WRITERS && variant->ring; i += 2)
		EXPECT_LT(0, m->vcpus[i].run->stats.user[ARMVCPU_EXIT_DIRTY_RING_FULL]);
	for (i = 0; i < WRITERS; i++)
		EXPECT_LE(MANY_PAGES, written[i]);
	/* Some of it while they wrote. */
	EXPECT_LE(ROUNDS, rounds);
	EXPECT_LT(MANY_PAGES, m->copied);
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
