// SPDX-License-Identifier: GPL-2.0
/*
 * Memory slots: what may be one, what a guest sees of it and when, read-only
 * ones, many of them, and what deleting one takes away.
 */
#include "harness.h"

#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "snippet.h"

#define MB		BIT(20)
/* A multiple of any page size there is. */
#define SIZE		0x10000UL

SNIPPET(insn_ldr, "ldr x5, [x1]");
SNIPPET(insn_str, "str x5, [x1]");

struct world {
	struct vm vm;
	struct vcpu vcpu;
	struct armvcpu_core_regs regs;
};

static void world_init(struct world *w)
{
	vm_init(&w->vm);
	vcpu_init(&w->vcpu, &w->vm, 0);
}

static int set_slot(struct vm *vm, u32 slot, u64 ipa, u64 size, const void *mem)
{
	return vm_set_slot(vm, slot, 0, ipa, size, mem);
}

static int delete_slot(struct vm *vm, u32 slot)
{
	return vm_set_slot(vm, slot, 0, 0, 0, NULL);
}

/* ---- what is no slot --------------------------------------------- */

FIXTURE(wrong) {
	struct vm vm;
	u8 *mem;
	u64 locked;
};

/* Sizes and addresses in pages of the host, unless they are meant to be odd. */
FIXTURE_VARIANT(wrong) {
	u32 slot;
	u32 flags;
	u64 ipa, size, offset;
	bool in_bytes;
	const void *uaddr;
	int err;
};

/* Slot 1 covers the IPAs of pages 16 to 31. */
FIXTURE_VARIANT_ADD(wrong, slot_number) { .slot = 512, .size = 1, .err = EINVAL };
FIXTURE_VARIANT_ADD(wrong, slot_number_wild) { .slot = ~0U, .size = 1, .err = EINVAL };
FIXTURE_VARIANT_ADD(wrong, flags) { .flags = 16, .size = 1, .err = EINVAL };
FIXTURE_VARIANT_ADD(wrong, flags_last) { .flags = BIT(31), .size = 1, .err = EINVAL };
FIXTURE_VARIANT_ADD(wrong, ipa_odd) {
	.in_bytes = true, .ipa = 8, .size = SIZE, .err = EINVAL,
};

FIXTURE_VARIANT_ADD(wrong, ipa_half_page) {
	.in_bytes = true, .ipa = 0x800, .size = SIZE, .err = EINVAL,
};

FIXTURE_VARIANT_ADD(wrong, size_odd) { .in_bytes = true, .size = SIZE + 8, .err = EINVAL };
FIXTURE_VARIANT_ADD(wrong, size_one) { .in_bytes = true, .size = 1, .err = EINVAL };
FIXTURE_VARIANT_ADD(wrong, uaddr_odd) {
	.in_bytes = true, .size = SIZE, .offset = 8, .err = EINVAL,
};

FIXTURE_VARIANT_ADD(wrong, ipa_beyond) {
	.in_bytes = true, .ipa = 1UL << 40, .size = SIZE, .err = EINVAL,
};

FIXTURE_VARIANT_ADD(wrong, ipa_end_beyond) {
	.in_bytes = true, .ipa = (1UL << 40) - SIZE, .size = 2 * SIZE, .err = EINVAL,
};

FIXTURE_VARIANT_ADD(wrong, ipa_wraps) {
	.in_bytes = true, .ipa = -SIZE, .size = 2 * SIZE, .err = EINVAL,
};

FIXTURE_VARIANT_ADD(wrong, ipa_wraps_to_zero) {
	.in_bytes = true, .ipa = -SIZE, .size = SIZE, .err = EINVAL,
};

FIXTURE_VARIANT_ADD(wrong, size_wild) { .in_bytes = true, .size = -SIZE, .err = EINVAL };
FIXTURE_VARIANT_ADD(wrong, uaddr_wraps) {
	.in_bytes = true, .size = 2 * SIZE, .uaddr = (void *)-SIZE, .err = EINVAL,
};

FIXTURE_VARIANT_ADD(wrong, taken_number) { .slot = 1, .ipa = 64, .size = 1, .err = EEXIST };
FIXTURE_VARIANT_ADD(wrong, the_same_again) { .slot = 1, .ipa = 16, .size = 16, .err = EEXIST };
FIXTURE_VARIANT_ADD(wrong, overlap_same) { .ipa = 16, .size = 16, .err = EEXIST };
FIXTURE_VARIANT_ADD(wrong, overlap_first_page) { .ipa = 8, .size = 9, .err = EEXIST };
FIXTURE_VARIANT_ADD(wrong, overlap_last_page) { .ipa = 31, .size = 8, .err = EEXIST };
FIXTURE_VARIANT_ADD(wrong, overlap_within) { .ipa = 20, .size = 1, .err = EEXIST };
FIXTURE_VARIANT_ADD(wrong, overlap_around) { .ipa = 8, .size = 32, .err = EEXIST };
FIXTURE_VARIANT_ADD(wrong, delete_nothing) { .slot = 2, .err = ENOENT };
FIXTURE_VARIANT_ADD(wrong, delete_ipa) { .slot = 1, .ipa = 16, .err = EINVAL };
FIXTURE_VARIANT_ADD(wrong, delete_flags) {
	.slot = 1, .flags = ARMVCPU_SLOT_READONLY, .err = EINVAL,
};

FIXTURE_VARIANT_ADD(wrong, delete_number) { .slot = 512, .err = EINVAL };
FIXTURE_VARIANT_ADD(wrong, not_mapped) { .size = 1, .uaddr = (void *)0x10000, .err = EFAULT };
FIXTURE_VARIANT_ADD(wrong, kernel_memory) {
	.size = 1, .uaddr = (void *)0xffff000000000000, .err = EFAULT,
};

FIXTURE_VARIANT_ADD(wrong, not_mapped_at_its_end) {
	.ipa = 64, .size = 60, .offset = 8, .err = EFAULT,
};

FIXTURE_VARIANT_ADD(wrong, read_only_memory) { .size = 1, .offset = 63, .err = EFAULT };

static u64 locked_kb(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	u64 kb = 0;

	test_check(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "VmLck: %llu", &kb) == 1)
			break;
	}
	fclose(f);
	return kb;
}

/* 64 pages of memory, the last read-only, with nothing behind them. */
FIXTURE_SETUP(wrong)
{
	u64 page = page_size();

	vm_init_bare(&self->vm, 0);
	self->mem = alloc_pages(65 * page);
	ASSERT_EQ(0, munmap(self->mem + 64 * page, page));
	ASSERT_EQ(0, mprotect(self->mem + 63 * page, page, PROT_READ));
	ASSERT_EQ(0, set_slot(&self->vm, 1, 16 * page, 16 * page, self->mem));
	self->locked = locked_kb();
}

FIXTURE_TEARDOWN(wrong)
{
}

TEST_F(wrong, is_refused)
{
	u64 unit = variant->in_bytes ? 1 : page_size(), page = page_size();
	const u8 *uaddr = variant->uaddr ?: self->mem + variant->offset * unit;

	/* Deleting has no address. */
	if (!variant->size)
		uaddr = NULL;
	EXPECT_EQ(-variant->err, vm_set_slot(&self->vm, variant->slot, variant->flags,
					     variant->ipa * unit, variant->size * unit, uaddr));
	EXPECT_EQ(self->locked, locked_kb());
	/* Around slot 1 there is room, and slot 1 is there to be deleted. */
	EXPECT_EQ(0, set_slot(&self->vm, 0, 0, 16 * page, self->mem));
	EXPECT_EQ(0, set_slot(&self->vm, 2, 32 * page, 16 * page, self->mem));
	EXPECT_EQ(0, delete_slot(&self->vm, 1));
	EXPECT_EQ(0, delete_slot(&self->vm, 0));
	EXPECT_EQ(0, delete_slot(&self->vm, 2));
	EXPECT_EQ(0, locked_kb());
}

TEST(delete_with_an_address)
{
	u8 *mem = alloc_pages(SIZE);
	struct vm vm;

	vm_init_bare(&vm, 0);
	ASSERT_EQ(0, set_slot(&vm, 0, GUEST_RAM, SIZE, mem));
	EXPECT_EQ(-EINVAL, vm_set_slot(&vm, 0, 0, 0, 0, mem));
	EXPECT_EQ(0, delete_slot(&vm, 0));
	EXPECT_EQ(-ENOENT, delete_slot(&vm, 0));
}

/* The last page of the address space is as good as any. */
TEST(the_ends_of_the_address_space)
{
	static const u32 bits[] = { 32, 36, 40 };
	u8 *mem = alloc_pages(SIZE);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		struct vm vm;

		vm_init_bare(&vm, bits[i]);
		EXPECT_EQ(0, set_slot(&vm, 0, 0, SIZE, mem));
		EXPECT_EQ(0, set_slot(&vm, 1, BIT(bits[i]) - SIZE, SIZE, mem));
		EXPECT_EQ(-EINVAL, set_slot(&vm, 2, BIT(bits[i]), SIZE, mem));
		vm_close(&vm);
	}
}

/* A guest of so many bits: what it reads and writes, and that there is an end. */
static void use_the_ends(u32 bits, bool beyond)
{
	const u64 at[] = { BIT(bits) - SIZE, BIT(bits - 1), BIT(bits - 1) - SIZE };
	u64 *mem[ARRAY_SIZE(at)];
	struct world w;
	unsigned int i;

	guest_pt_init();
	vm_init_bare(&w.vm, bits);
	vm_add_program(&w.vm);
	vcpu_init(&w.vcpu, &w.vm, 0);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		mem[i] = vm_add_memory(&w.vm, i, at[i], SIZE);
		mem[i][0] = 0x1000 * bits + i;
	}
	/* Its own tables would not reach so far. */
	snippet_prepare(&w.vcpu, VCPU_MMU_OFF);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		snippet_start(&w.vcpu, &w.regs, &insn_ldr, at[i]);
		w.regs.x[5] = 0x1000 * bits + i;
		snippet_expect_stop(&w.vcpu, &w.regs);
		snippet_start(&w.vcpu, &w.regs, &insn_str, at[i] + SIZE - 8);
		snippet_expect_stop(&w.vcpu, &w.regs);
	}
	if (beyond) {
		snippet_start(&w.vcpu, &w.regs, &insn_ldr, BIT(bits));
		vcpu_expect(&w.vcpu, ARMVCPU_EXIT_MMIO);
		test_check(w.vcpu.run->u.mmio.ipa == BIT(bits));
	}
	/* It wrote with its caches off: seen by the VMM when that is over. */
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		test_check(!delete_slot(&w.vm, i));
		test_check(mem[i][0] == 0x1000 * bits + i);
		test_check(mem[i][SIZE / 8 - 1] == w.regs.x[5]);
		test_check(!munmap(mem[i], SIZE));
	}
	vcpu_close(&w.vcpu);
	vm_close(&w.vm);
}

TEST(every_size_of_the_address_space)
{
	int fd = sys_open();
	u32 max = get_cap(fd, ARMVCPU_CAP_MAX_IPA_BITS), bits;

	close(fd);
	/* Beyond what the CPU has, it is the guest's own fault. */
	for (bits = 32; bits <= max; bits++)
		use_the_ends(bits, bits < max);
	TH_LOG("32 to %u bits", max);
}

static unsigned int alarms;

static void on_alarm(int sig)
{
	(void)sig;
	__atomic_fetch_add(&alarms, 1, __ATOMIC_RELAXED);
}

/*
 * Signals that kill nobody end nothing.  With its first slot, a VM begins to hear of what
 * happens to the VMM's memory; with many mappings that takes so long that one comes meanwhile.
 */
TEST(a_first_slot_while_a_signal_comes)
{
	struct sigaction action = { .sa_handler = on_alarm };
	u64 page = page_size(), many = 2000, n;
	struct itimerval never = { { 0 } };
	u8 *mem = alloc_pages(SIZE), *maps = alloc_pages(2 * many * page);
	struct vm vm;
	int i;

	for (n = 0; n < many; n++)
		ASSERT_EQ(0, mprotect(maps + 2 * n * page, page, PROT_READ));
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	for (i = 0; i < 100; i++) {
		struct itimerval soon = { .it_value = { 0, 10 + 20 * i } };

		vm_init_bare(&vm, 0);
		ASSERT_EQ(0, setitimer(ITIMER_REAL, &soon, NULL));
		EXPECT_EQ(0, set_slot(&vm, 0, GUEST_RAM, SIZE, mem));
		ASSERT_EQ(0, setitimer(ITIMER_REAL, &never, NULL));
		vm_close(&vm);
	}
	/* Some did. */
	EXPECT_LT(0, __atomic_load_n(&alarms, __ATOMIC_RELAXED));
}

/* ---- RLIMIT_MEMLOCK ---------------------------------------------- */

TEST(memory_is_charged)
{
	u64 before = locked_kb();
	struct vm vm;
	void *mem;

	vm_init_bare(&vm, 0);
	if (!get_cap(vm.sys, ARMVCPU_CAP_PINNED_MEMORY))
		SKIP(return, "memory is not pinned");
	mem = alloc_pages(4 * MB);
	ASSERT_EQ(0, set_slot(&vm, 0, GUEST_RAM, 4 * MB, mem));
	EXPECT_EQ(before + 4096, locked_kb());
	/* The same memory a second time is charged a second time. */
	ASSERT_EQ(0, set_slot(&vm, 1, GUEST_RAM + 4 * MB, 4 * MB, mem));
	EXPECT_EQ(before + 8192, locked_kb());
	ASSERT_EQ(0, delete_slot(&vm, 0));
	EXPECT_EQ(before + 4096, locked_kb());
	/* With the VM goes the rest. */
	vm_close(&vm);
	EXPECT_EQ(before, locked_kb());
}

TEST(the_limit_holds_without_the_privilege)
{
	struct rlimit limit = { .rlim_cur = MB, .rlim_max = MB };
	struct vm vm;
	void *mem;

	vm_init_bare(&vm, 0);
	if (!get_cap(vm.sys, ARMVCPU_CAP_PINNED_MEMORY))
		SKIP(return, "memory is not pinned");
	mem = alloc_pages(2 * MB);
	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	drop_capability(CAP_IPC_LOCK);
	EXPECT_EQ(-ENOMEM, set_slot(&vm, 0, GUEST_RAM, 2 * MB, mem));
	EXPECT_EQ(0, locked_kb());
	EXPECT_EQ(0, set_slot(&vm, 0, GUEST_RAM, MB, mem));
	EXPECT_EQ(-ENOMEM, set_slot(&vm, 1, GUEST_RAM + MB, page_size(), mem));
	EXPECT_EQ(0, delete_slot(&vm, 0));
	EXPECT_EQ(0, set_slot(&vm, 1, GUEST_RAM, MB, mem));
}

TEST(more_than_there_is)
{
	struct vm vm;
	void *mem = mmap(NULL, 1UL << 38, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ASSERT_NE(MAP_FAILED, mem);
	vm_init_bare(&vm, 0);
	/* Only what is pinned has to be there. */
	EXPECT_EQ(get_cap(vm.sys, ARMVCPU_CAP_PINNED_MEMORY) ? -ENOMEM : 0,
		  set_slot(&vm, 0, 0, 1UL << 38, mem));
	EXPECT_EQ(0, locked_kb());
}

/* ---- read-only --------------------------------------------------- */

FIXTURE(readonly) {
	struct world w;
	u64 *mem;
};

FIXTURE_SETUP(readonly)
{
	world_init(&self->w);
	self->mem = alloc_pages(SIZE);
	self->mem[3] = 0x3333;
	ASSERT_EQ(0, vm_set_slot(&self->w.vm, 0, ARMVCPU_SLOT_READONLY, GUEST_RAM, SIZE,
				 self->mem));
	snippet_prepare(&self->w.vcpu, VCPU_MMU_ON);
}

FIXTURE_TEARDOWN(readonly)
{
}

static void guest_reads(struct world *w, u64 address, u64 value)
{
	snippet_start(&w->vcpu, &w->regs, &insn_ldr, address);
	w->regs.x[5] = value;
	snippet_expect_stop(&w->vcpu, &w->regs);
}

/* A write, the exit, and that the memory is untouched. */
static void guest_write_exits(struct world *w, u64 *mem, u64 ipa)
{
	struct armvcpu_exit_mmio *mmio = &w->vcpu.run->u.mmio;
	u64 before = mem[(ipa - GUEST_RAM) / 8];

	snippet_start(&w->vcpu, &w->regs, &insn_str, ipa);
	vcpu_expect(&w->vcpu, ARMVCPU_EXIT_MMIO);
	if (mmio->ipa != ipa || !mmio->is_write || !mmio->readonly || mmio->len != 8 ||
	    mmio->data != w->regs.x[5]) {
		vcpu_print_exit(&w->vcpu);
		test_fail("readonly %u", mmio->readonly);
	}
	snippet_expect_stop(&w->vcpu, &w->regs);
	if (mem[(ipa - GUEST_RAM) / 8] != before)
		test_fail("the memory was written to");
}

TEST_F(readonly, read_then_write)
{
	guest_reads(&self->w, GUEST_RAM + 24, 0x3333);
	guest_write_exits(&self->w, self->mem, GUEST_RAM + 24);
	guest_reads(&self->w, GUEST_RAM + 24, 0x3333);
}

/* Before anything is mapped. */
TEST_F(readonly, write_first)
{
	guest_write_exits(&self->w, self->mem, GUEST_RAM + 24);
	guest_reads(&self->w, GUEST_RAM + 24, 0x3333);
	guest_write_exits(&self->w, self->mem, GUEST_RAM + SIZE - 8);
}

/* The VMM may write, and the guest sees it. */
TEST_F(readonly, written_by_the_vmm)
{
	guest_reads(&self->w, GUEST_RAM + 24, 0x3333);
	self->mem[3] = 0x4444;
	guest_reads(&self->w, GUEST_RAM + 24, 0x4444);
}

TEST_F(readonly, abort_of_a_write)
{
	u64 esr;

	snippet_start(&self->w.vcpu, &self->w.regs, &insn_str, GUEST_RAM);
	vcpu_expect(&self->w.vcpu, ARMVCPU_EXIT_MMIO);
	self->w.vcpu.run->action = ARMVCPU_ACTION_ABORT;
	ASSERT_EQ(0, vcpu_run_exit(&self->w.vcpu));
	ASSERT_TRUE(snippet_is_exception(&self->w.vcpu, &esr));
	EXPECT_EQ(EC_DABT, ESR_EC(esr));
	EXPECT_EQ(FSC_EXTABT, ESR_FSC(esr));
	EXPECT_EQ(GUEST_RAM, self->w.vcpu.run->x[4]);
}

/* Code runs there: a ROM. */
TEST_F(readonly, execute)
{
	struct snippet *code = (void *)(self->mem + 8);

	snippet_make(code, 0xd503201f);
	snippet_start(&self->w.vcpu, &self->w.regs, (void *)(GUEST_RAM + 64), 0);
	snippet_expect_stop(&self->w.vcpu, &self->w.regs);
}

/* Memory that the VMM itself may only read. */
TEST_F(readonly, of_read_only_memory)
{
	u64 *mem = alloc_pages(SIZE);

	mem[0] = 0x77;
	ASSERT_EQ(0, mprotect(mem, SIZE, PROT_READ));
	EXPECT_EQ(-EFAULT, set_slot(&self->w.vm, 1, GUEST_RAM + SIZE, SIZE, mem));
	ASSERT_EQ(0, vm_set_slot(&self->w.vm, 1, ARMVCPU_SLOT_READONLY, GUEST_RAM + SIZE, SIZE,
				 mem));
	guest_reads(&self->w, GUEST_RAM + SIZE, 0x77);
}

/* ---- what the guest sees ----------------------------------------- */

/* First touch by reading, by writing; with the guest's caches off and on. */
FIXTURE(sight) {
	struct world w;
	u64 *mem;
};

FIXTURE_VARIANT(sight) {
	bool mmu;
};

FIXTURE_VARIANT_ADD(sight, caches_on) { .mmu = true };
FIXTURE_VARIANT_ADD(sight, caches_off) { .mmu = false };

FIXTURE_SETUP(sight)
{
	world_init(&self->w);
	self->mem = vm_add_memory(&self->w.vm, 0, GUEST_RAM, SIZE);
}

FIXTURE_TEARDOWN(sight)
{
}

TEST_F(sight, what_the_vmm_wrote_before)
{
	u64 i, page = page_size();

	snippet_prepare(&self->w.vcpu, variant->mmu);
	for (i = 0; i < SIZE / 8; i++)
		self->mem[i] = i * 0x0101010101010101;
	for (i = 0; i < SIZE / 8; i += page / 8 / 4 + 1)
		guest_reads(&self->w, GUEST_RAM + i * 8, i * 0x0101010101010101);
}

TEST_F(sight, what_the_guest_writes)
{
	u64 i, page = page_size();

	snippet_prepare(&self->w.vcpu, variant->mmu);
	for (i = 0; i < SIZE; i += page) {
		snippet_start(&self->w.vcpu, &self->w.regs, &insn_str, GUEST_RAM + i + 8);
		snippet_expect_stop(&self->w.vcpu, &self->w.regs);
		/* What it writes with caches off is in memory: ours are to be dropped. */
		if (!variant->mmu)
			asm volatile("dc civac, %0\ndsb sy" : : "r"(self->mem + i / 8 + 1)
				     : "memory");
		EXPECT_EQ(self->w.regs.x[5], self->mem[i / 8 + 1]);
		EXPECT_EQ(0, self->mem[i / 8]);
	}
}

/* Code that the guest writes itself, with the maintenance that it owes. */
static u64 guest_calls(u64 (*fn)(void))
{
	return fn();
}

static void guest_patches(u64 address)
{
	u64 (*fn)(void) = (void *)address;
	u32 i;

	for (i = 1; i < 100; i++) {
		/* mov w0, #i; ret */
		guest_write32(address, 0x52800000 | i << 5);
		guest_write32(address + 4, 0xd65f03c0);
		asm volatile("dc cvau, %0\n"
			     "dsb ish\n"
			     "ic ivau, %0\n"
			     "dsb ish\n"
			     "isb" : : "r"(address) : "memory");
		GUEST_ASSERT_EQ(i, guest_calls(fn));
	}
}

TEST_F(sight, code_that_changes_itself)
{
	if (variant->mmu)
		vcpu_call(&self->w.vcpu, guest_patches, GUEST_RAM + 0x100);
	else
		vcpu_call_mmu_off(&self->w.vcpu, guest_patches, GUEST_RAM + 0x100);
	vcpu_expect_done(&self->w.vcpu);
}

/* Code that the VMM writes where the guest has already run code. */
TEST_F(sight, code_in_a_new_slot)
{
	struct snippet *code = (void *)self->mem;
	u32 i;

	snippet_prepare(&self->w.vcpu, variant->mmu);
	for (i = 1; i < 20; i++) {
		snippet_make(code, 0xd2800005 | i << 5);	/* mov x5, #i */
		snippet_start(&self->w.vcpu, &self->w.regs, (void *)GUEST_RAM, 0);
		self->w.regs.x[5] = i;
		snippet_expect_stop(&self->w.vcpu, &self->w.regs);
		ASSERT_EQ(0, delete_slot(&self->w.vm, 0));
		code = vm_add_memory(&self->w.vm, 0, GUEST_RAM, SIZE);
	}
}

/* ---- two VMs ----------------------------------------------------- */

/* The same address is different memory, in the same TLB. */
TEST(two_vms)
{
	struct world w[2];
	u64 *mem[2], i;

	for (i = 0; i < 2; i++) {
		world_init(&w[i]);
		mem[i] = vm_add_memory(&w[i].vm, 0, GUEST_RAM, SIZE);
		mem[i][0] = 0x1000 + i;
		snippet_prepare(&w[i].vcpu, VCPU_MMU_ON);
	}
	for (i = 0; i < 100; i++) {
		struct world *turn = &w[i % 2];

		guest_reads(turn, GUEST_RAM, 0x1000 + i % 2);
		snippet_start(&turn->vcpu, &turn->regs, &insn_str, GUEST_RAM + 8);
		snippet_expect_stop(&turn->vcpu, &turn->regs);
		ASSERT_EQ(turn->regs.x[5], mem[i % 2][1]);
		mem[i % 2][1] = 0;
		ASSERT_EQ(0, mem[(i + 1) % 2][1]);
	}
	/* What is memory in one is none in the other. */
	ASSERT_EQ(0, delete_slot(&w[0].vm, 0));
	guest_reads(&w[1], GUEST_RAM, 0x1001);
	snippet_start(&w[0].vcpu, &w[0].regs, &insn_ldr, GUEST_RAM);
	vcpu_expect(&w[0].vcpu, ARMVCPU_EXIT_MMIO);
}

/* ---- two vCPUs -------------------------------------------------------- */

#define OWN_VA		(6UL << 30)
#define OWN_IPA		(5UL << 30)

static u64 second_root[512] __aligned(4096);

static void guest_looks(u64 address)
{
	for (;;)
		GUEST_SYNC_ARGS(1, guest_read64(address), 0, 0);
}

/* The same address by other tables, of the same ASID, in the TLB of one CPU. */
TEST(two_vcpus_with_tables_of_their_own)
{
	struct vcpu vcpus[2];
	struct vm vm;
	u64 *mem[2];
	int i;

	pin_to_cpu(0);
	vm_init(&vm);
	mem[0] = vm_add_memory(&vm, 0, GUEST_RAM, SIZE);
	mem[1] = vm_add_memory(&vm, 1, OWN_IPA, SIZE);
	*guest_pt_entry(OWN_VA, 1) = OWN_IPA | PTE_NORMAL | PTE_VALID;
	memcpy(second_root, (void *)guest_pt_root(), sizeof(second_root));
	*guest_pt_entry(OWN_VA, 1) = GUEST_RAM | PTE_NORMAL | PTE_VALID;
	for (i = 0; i < 2; i++) {
		vcpu_init(&vcpus[i], &vm, 0);
		vcpu_call(&vcpus[i], guest_looks, OWN_VA);
		mem[i][0] = 0x1000 + i;
	}
	/* x20 of guest_start */
	vcpu_set(&vcpus[1], ARMVCPU_REG_X(20), (u64)second_root);
	for (i = 0; i < 100; i++) {
		vcpu_expect_sync(&vcpus[i % 2], 1);
		ASSERT_EQ(0x1000 + i % 2, vcpu_sync_arg(&vcpus[i % 2], 0));
	}
	/* And after each other, on the other CPU. */
	if (nr_cpus() < 2)
		return;
	pin_to_cpu(1);
	for (i = 0; i < 100; i++) {
		vcpu_expect_sync(&vcpus[i / 50], 1);
		ASSERT_EQ(0x1000 + i / 50, vcpu_sync_arg(&vcpus[i / 50], 0));
	}
}

/* The same memory in two VMs, and twice in one. */
TEST(shared_memory)
{
	struct world w[2];
	u64 *mem = alloc_pages(SIZE);
	unsigned int i;

	for (i = 0; i < 2; i++) {
		world_init(&w[i]);
		ASSERT_EQ(0, set_slot(&w[i].vm, 0, GUEST_RAM, SIZE, mem));
		ASSERT_EQ(0, set_slot(&w[i].vm, 1, GUEST_RAM + SIZE, SIZE, mem));
		snippet_prepare(&w[i].vcpu, VCPU_MMU_ON);
	}
	snippet_start(&w[0].vcpu, &w[0].regs, &insn_str, GUEST_RAM);
	snippet_expect_stop(&w[0].vcpu, &w[0].regs);
	guest_reads(&w[0], GUEST_RAM + SIZE, w[0].regs.x[5]);
	guest_reads(&w[1], GUEST_RAM, mem[0]);
	guest_reads(&w[1], GUEST_RAM + SIZE, mem[0]);
}

/* ---- deleting ---------------------------------------------------- */

TEST(deleted_memory_is_gone)
{
	struct world w;
	u64 *mem;

	world_init(&w);
	mem = vm_add_memory(&w.vm, 0, GUEST_RAM, SIZE);
	mem[0] = 0x11;
	snippet_prepare(&w.vcpu, VCPU_MMU_ON);
	guest_reads(&w, GUEST_RAM, 0x11);
	ASSERT_EQ(0, delete_slot(&w.vm, 0));
	snippet_start(&w.vcpu, &w.regs, &insn_ldr, GUEST_RAM);
	vcpu_expect(&w.vcpu, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(GUEST_RAM, w.vcpu.run->u.mmio.ipa);
	EXPECT_EQ(0, w.vcpu.run->u.mmio.readonly);
	/* Other memory in its place. */
	mem = vm_add_memory(&w.vm, 5, GUEST_RAM, SIZE);
	mem[0] = 0x22;
	guest_reads(&w, GUEST_RAM, 0x22);
	/* A slot that was writable is read-only now. */
	ASSERT_EQ(0, delete_slot(&w.vm, 5));
	ASSERT_EQ(0, vm_set_slot(&w.vm, 5, ARMVCPU_SLOT_READONLY, GUEST_RAM, SIZE, mem));
	guest_write_exits(&w, mem, GUEST_RAM);
}

/* A guest that writes all the time, and says so. */
static void guest_hammers(u64 address, u64 count)
{
	u64 i = 0;

	GUEST_SYNC(1);
	for (;;) {
		i++;
		guest_write64(address + i % count * 8, i);
	}
}

static void *run_to_mmio(void *arg)
{
	struct vcpu *vcpu = arg;

	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	return NULL;
}

/* On return no vCPU reaches the memory any more. */
TEST_F(sight, deleting_while_it_is_written_to)
{
	struct vcpu *vcpu = &self->w.vcpu;
	int round;

	ASSERT_EQ(0, delete_slot(&self->w.vm, 0));
	for (round = 0; round < 20; round++) {
		u64 *mem = vm_add_memory(&self->w.vm, 0, GUEST_RAM, SIZE), i;
		pthread_t thread;

		if (variant->mmu)
			vcpu_call(vcpu, guest_hammers, GUEST_RAM, SIZE / 8);
		else
			vcpu_call_mmu_off(vcpu, guest_hammers, GUEST_RAM, SIZE / 8);
		vcpu_expect_sync(vcpu, 1);
		ASSERT_EQ(0, pthread_create(&thread, NULL, run_to_mmio, vcpu));
		usleep(1000);
		ASSERT_EQ(0, delete_slot(&self->w.vm, 0));
		for (i = 0; i < SIZE / 8; i++)
			mem[i] = 0x5a;
		ASSERT_EQ(0, pthread_join(thread, NULL));
		EXPECT_EQ(1, vcpu->run->u.mmio.is_write);
		EXPECT_EQ(GUEST_RAM, vcpu->run->u.mmio.ipa & ~(SIZE - 1));
		for (i = 0; i < SIZE / 8; i++)
			ASSERT_EQ(0x5a, mem[i]);
		ASSERT_EQ(0, munmap(mem, SIZE));
	}
}

/* The VMM unmaps it: it stays the guest's until the slot goes. */
TEST(unmapped_by_the_vmm)
{
	struct world w;
	u64 *mem;

	world_init(&w);
	if (!get_cap(w.vm.sys, ARMVCPU_CAP_PINNED_MEMORY))
		SKIP(return, "memory is not pinned");
	mem = vm_add_memory(&w.vm, 0, GUEST_RAM, SIZE);
	mem[0] = 0x99;
	snippet_prepare(&w.vcpu, VCPU_MMU_ON);
	ASSERT_EQ(0, munmap(mem, SIZE));
	guest_reads(&w, GUEST_RAM, 0x99);
	ASSERT_EQ(0, delete_slot(&w.vm, 0));
}

/* ---- changing ---------------------------------------------------- */

static int change_slot(struct vm *vm, u32 slot, u32 flags, u64 ipa, u64 size, const void *mem)
{
	return vm_set_slot(vm, slot, flags | ARMVCPU_SLOT_CHANGE, ipa, size, mem);
}

TEST(moved_resized_and_over_other_memory)
{
	struct world w;
	u64 *mem;

	world_init(&w);
	mem = vm_add_memory(&w.vm, 0, GUEST_RAM, 4 * SIZE);
	mem[0] = 0x10;
	mem[SIZE / 8] = 0x11;
	snippet_prepare(&w.vcpu, VCPU_MMU_ON);
	guest_reads(&w, GUEST_RAM, 0x10);
	/* Moved, over a part of where it was. */
	ASSERT_EQ(0, change_slot(&w.vm, 0, 0, GUEST_RAM + SIZE, 4 * SIZE, mem));
	guest_reads(&w, GUEST_RAM + SIZE, 0x10);
	guest_reads(&w, GUEST_RAM + 2 * SIZE, 0x11);
	snippet_start(&w.vcpu, &w.regs, &insn_ldr, GUEST_RAM);
	vcpu_expect(&w.vcpu, ARMVCPU_EXIT_MMIO);
	/* Smaller, larger. */
	ASSERT_EQ(0, change_slot(&w.vm, 0, 0, GUEST_RAM + SIZE, SIZE, mem));
	guest_reads(&w, GUEST_RAM + SIZE, 0x10);
	snippet_start(&w.vcpu, &w.regs, &insn_ldr, GUEST_RAM + 2 * SIZE);
	vcpu_expect(&w.vcpu, ARMVCPU_EXIT_MMIO);
	ASSERT_EQ(0, change_slot(&w.vm, 0, 0, GUEST_RAM + SIZE, 2 * SIZE, mem));
	guest_reads(&w, GUEST_RAM + 2 * SIZE, 0x11);
	/* Other memory. */
	ASSERT_EQ(0, change_slot(&w.vm, 0, 0, GUEST_RAM + SIZE, 2 * SIZE, mem + SIZE / 8));
	guest_reads(&w, GUEST_RAM + SIZE, 0x11);
	EXPECT_EQ(0, delete_slot(&w.vm, 0));
}

TEST(read_only_and_back)
{
	struct world w;
	u64 *mem;
	int i;

	world_init(&w);
	mem = vm_add_memory(&w.vm, 0, GUEST_RAM, SIZE);
	snippet_prepare(&w.vcpu, VCPU_MMU_ON);
	for (i = 0; i < 3; i++) {
		mem[0] = i;
		snippet_start(&w.vcpu, &w.regs, &insn_str, GUEST_RAM);
		snippet_expect_stop(&w.vcpu, &w.regs);
		EXPECT_EQ(w.regs.x[5], mem[0]);
		ASSERT_EQ(0, change_slot(&w.vm, 0, ARMVCPU_SLOT_READONLY, GUEST_RAM, SIZE, mem));
		guest_write_exits(&w, mem, GUEST_RAM);
		guest_reads(&w, GUEST_RAM, mem[0]);
		ASSERT_EQ(0, change_slot(&w.vm, 0, 0, GUEST_RAM, SIZE, mem));
	}
}

/* What is refused changes nothing. */
TEST(changes_that_are_refused)
{
	struct world w;
	u64 *mem;

	world_init(&w);
	mem = vm_add_memory(&w.vm, 0, GUEST_RAM, 2 * SIZE);
	vm_add_memory(&w.vm, 1, GUEST_RAM + 4 * SIZE, SIZE);
	mem[0] = 0x77;
	snippet_prepare(&w.vcpu, VCPU_MMU_ON);
	EXPECT_EQ(-ENOENT, change_slot(&w.vm, 2, 0, GUEST_RAM + 6 * SIZE, SIZE, mem));
	EXPECT_EQ(-EEXIST, change_slot(&w.vm, 0, 0, GUEST_RAM + 3 * SIZE, 2 * SIZE, mem));
	EXPECT_EQ(-EEXIST, change_slot(&w.vm, 0, 0, GUEST_RAM, 5 * SIZE, mem));
	EXPECT_EQ(-EINVAL, change_slot(&w.vm, 0, 0, GUEST_RAM + 8, SIZE, mem));
	EXPECT_EQ(-EINVAL, change_slot(&w.vm, 0, 0, 0, 0, NULL));
	EXPECT_EQ(-EINVAL, change_slot(&w.vm, 0, 0, 1UL << 40, SIZE, mem));
	EXPECT_EQ(-EFAULT, change_slot(&w.vm, 0, 0, GUEST_RAM, SIZE, (void *)0x10000));
	guest_reads(&w, GUEST_RAM, 0x77);
	guest_reads(&w, GUEST_RAM + 4 * SIZE, 0);
}

static void *run_to_done(void *arg)
{
	vcpu_expect_done(arg);
	return NULL;
}

static u64 enough;

/* Each reads one of two values, and nothing else, whatever the slot is just then. */
static void guest_compares(u64 address)
{
	while (!READ_ONCE(enough)) {
		u64 value = guest_read64(address);

		GUEST_ASSERT(value == 0x1111 || value == 0x2222);
		guest_write64(address + 0x1000, value);
	}
	GUEST_DONE();
}

/* Never a hole: all of it is memory before and after. */
TEST(changing_while_it_is_used)
{
	u64 *mem[2], size = 4 * SIZE, i;
	pthread_t threads[2];
	struct vcpu vcpus[2];
	struct vm vm;

	vm_init(&vm);
	enough = 0;
	for (i = 0; i < 2; i++) {
		mem[i] = alloc_pages(size);
		mem[i][0] = 0x1111 * (i + 1);
		mem[i][SIZE / 8] = mem[i][0];
	}
	ASSERT_EQ(0, set_slot(&vm, 0, GUEST_RAM, size, mem[0]));
	for (i = 0; i < 2; i++) {
		vcpu_init(&vcpus[i], &vm, 0);
		vcpu_call(&vcpus[i], guest_compares, GUEST_RAM + i * SIZE);
	}
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, run_to_done, &vcpus[i]));
	for (i = 0; i < 300; i++) {
		/* Other memory, another size, a log, none. */
		ASSERT_EQ(0, change_slot(&vm, 0, i % 3 ? 0 : ARMVCPU_SLOT_LOG_DIRTY, GUEST_RAM,
					 size - i % 2 * SIZE, mem[i / 2 % 2]));
		usleep(200);
	}
	WRITE_ONCE(enough, 1);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
}

/* ---- many -------------------------------------------------------- */

static void guest_touches(u64 first, u64 stride, u64 count)
{
	u64 i;

	for (i = 0; i < count; i++) {
		GUEST_ASSERT_EQ(i, guest_read64(first + i * stride));
		guest_write64(first + i * stride, ~i);
	}
}

/* All there are, in an order that makes the module sort; one page each. */
TEST(as_many_as_there_can_be)
{
	u64 page = page_size(), i, n;
	struct world w;
	u8 *mem;

	world_init(&w);
	n = w.vm.next_slot;
	mem = alloc_pages(n * page);
	for (i = 0; i < n; i++) {
		/* 97 is prime to any number of slots near 512. */
		u64 k = i * 97 % n;

		*(u64 *)(mem + k * page) = k;
		ASSERT_EQ(0, set_slot(&w.vm, i, GUEST_RAM + 2 * k * page, page, mem + k * page));
	}
	EXPECT_EQ(-EINVAL, set_slot(&w.vm, get_cap(w.vm.sys, ARMVCPU_CAP_MAX_SLOTS), 0, page, mem));
	vcpu_call(&w.vcpu, guest_touches, GUEST_RAM, 2 * page, n);
	vcpu_expect_done(&w.vcpu);
	for (i = 0; i < n; i++)
		ASSERT_EQ(~i, *(u64 *)(mem + i * page));
	/* Every second one goes, the rest stays. */
	for (i = 0; i < n; i += 2)
		ASSERT_EQ(0, delete_slot(&w.vm, i));
	for (i = 0; i < n; i++) {
		u64 k = i * 97 % n;

		snippet_prepare(&w.vcpu, VCPU_MMU_ON);
		snippet_start(&w.vcpu, &w.regs, &insn_ldr, GUEST_RAM + 2 * k * page);
		if (i % 2) {
			w.regs.x[5] = ~k;
			snippet_expect_stop(&w.vcpu, &w.regs);
		} else {
			vcpu_expect(&w.vcpu, ARMVCPU_EXIT_MMIO);
			ASSERT_EQ(GUEST_RAM + 2 * k * page, w.vcpu.run->u.mmio.ipa);
		}
	}
}

/* Large and not aligned to anything large. */
TEST(sixteen_megabytes)
{
	u64 page = page_size(), size = 16 * MB, i;
	struct world w;
	u64 *mem;

	world_init(&w);
	mem = alloc_pages(size);
	for (i = 0; i < size / page; i++)
		mem[i * page / 8] = i;
	ASSERT_EQ(0, set_slot(&w.vm, 0, GUEST_RAM + 3 * page, size, mem));
	vcpu_call(&w.vcpu, guest_touches, GUEST_RAM + 3 * page, page, size / page);
	vcpu_expect_done(&w.vcpu);
	for (i = 0; i < size / page; i++)
		ASSERT_EQ(~i, mem[i * page / 8]);
}

/* Two vCPUs fault on the same pages at the same time. */
static void guest_adds(u64 address, u64 pages, u64 page)
{
	u64 i, value;
	u32 failed = 0;

	for (i = 0; i < pages; i++) {
		do {
			asm volatile("ldxr %0, [%2]\n"
				     "add %0, %0, #1\n"
				     "stxr %w1, %0, [%2]"
				     : "=&r"(value), "=&r"(failed)
				     : "r"(address + i * page) : "memory");
		} while (failed);
	}
}

TEST(faults_of_two_vcpus)
{
	u64 page = page_size(), pages = 512, i;
	pthread_t threads[2];
	struct vcpu vcpus[2];
	struct vm vm;
	u8 *mem;

	vm_init(&vm);
	mem = vm_add_memory(&vm, 0, GUEST_RAM, pages * page);
	for (i = 0; i < 2; i++) {
		vcpu_init(&vcpus[i], &vm, 0);
		vcpu_call(&vcpus[i], guest_adds, GUEST_RAM, pages, page);
	}
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, run_to_done, &vcpus[i]));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	for (i = 0; i < pages; i++)
		ASSERT_EQ(2, *(u64 *)(mem + i * page));
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
