// SPDX-License-Identifier: GPL-2.0
/*
 * Eventfds in place of exits. ARMVCPU_SET_IOEVENTFD: writes of the guest that
 * signal and are no exits, and all those that still are.
 */
#include "harness.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "snippet.h"

#define REG		(GUEST_MMIO + 0x50)
/* The values of @mask for "any value" and for "this one". */
#define ANY		0
#define ALL(len)	(~0UL >> (64 - 8 * (len)))
/* Of waiting for what must come; the harness ends the rest. */
#define PATIENCE_MS	10000

/* ---- the guest --------------------------------------------------------------------------- */

#define WRITE_BE	0x100		/* big-endian */
#define WRITE_PAIR	0x200		/* two registers: no valid syndrome */
#define WRITE_READ	0x400		/* a load */

static void guest_store(u64 address, u64 how, u64 value)
{
	u64 sctlr = read_sysreg(sctlr_el1), be = sctlr | (how & WRITE_BE ? GUEST_SCTLR_EE : 0);

	/* No other access to memory while data is big-endian. */
#define STORE(insn) ({								\
	asm volatile("msr sctlr_el1, %[be]\n\t"					\
		     "isb\n\t"							\
		     insn "\n\t"						\
		     "msr sctlr_el1, %[sctlr]\n\t"				\
		     "isb"							\
		     : : [be] "r"(be), [sctlr] "r"(sctlr), [v] "r"(value),	\
		       [a] "r"(address) : "x9", "memory");			\
})
	if (how & WRITE_PAIR)
		STORE("stp %w[v], %w[v], [%[a]]");
	else if (how & WRITE_READ)
		STORE("ldr w9, [%[a]]");
	else if ((how & 0xf) == 1)
		STORE("strb %w[v], [%[a]]");
	else if ((how & 0xf) == 2)
		STORE("strh %w[v], [%[a]]");
	else if ((how & 0xf) == 4)
		STORE("str %w[v], [%[a]]");
	else
		STORE("str %[v], [%[a]]");
}

static void guest_write(u64 address, u64 how, u64 value)
{
	guest_store(address, how, value);
	GUEST_SYNC(1);
}

static void guest_writes(u64 address, u64 count)
{
	u64 i;

	for (i = 0; i < count; i++)
		guest_write32(address, i);
	GUEST_DONE();
}

/* How many guest_writes_on() has made so far; when it shall end. */
static u64 written[GUEST_MAX_CPUS], enough;

static void guest_writes_on(u64 address, u64 index)
{
	u64 count = 0;

	do {
		guest_write32(address, count++);
		__atomic_store_n(&written[index], count, __ATOMIC_RELAXED);
	} while (!__atomic_load_n(&enough, __ATOMIC_RELAXED));
	GUEST_SYNC_ARGS(2, count, 0, 0);
}

/* AArch32 at EL0: r1 the device, r2 the value; r3 at the end. */
static void guest_runs_a32(u64 pstate, u64 pc)
{
	const u64 x[8] = { 0x11, REG, 0x22, 0x33 };
	const struct guest_trap *trap = guest_el0(pc, pstate, 0, x);

	GUEST_ASSERT_EQ(1, trap->count);
	GUEST_ASSERT_EQ(GUEST_VECTOR_EL0_32, trap->vector);
	GUEST_ASSERT_EQ(EC_SVC32, ESR_EC(trap->esr));
	GUEST_ASSERT_EQ(0x11, trap->frame.x[0]);
	GUEST_ASSERT_EQ(REG, trap->frame.x[1]);
	GUEST_ASSERT_EQ(0x22, trap->frame.x[2]);
	/* Nothing is left of an IT block. */
	GUEST_ASSERT_EQ(0, trap->frame.spsr & 0x0600fc00);
	GUEST_SYNC_ARGS(1, trap->frame.x[3], trap->frame.elr - pc, 0);
}

/* ---- the test ---------------------------------------------------------------------------- */

static int set(struct vm *vm, u32 flags, u64 ipa, u32 len, u64 mask, u64 data, int fd)
{
	struct armvcpu_ioeventfd arg = {
		.ipa = ipa, .data = data, .data_mask = mask, .len = len, .flags = flags, .fd = fd,
	};

	return xioctl(vm->fd, ARMVCPU_SET_IOEVENTFD, &arg);
}

static int add(struct vm *vm, u64 ipa, u32 len, u64 mask, u64 data, int fd)
{
	return set(vm, 0, ipa, len, mask, data, fd);
}

static int take(struct vm *vm, u64 ipa, u32 len, u64 mask, u64 data, int fd)
{
	return set(vm, ARMVCPU_IOEVENTFD_REMOVE, ipa, len, mask, data, fd);
}

static int make_eventfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	test_check(fd >= 0);
	return fd;
}

/* The eventfd's count, which is zero after that. */
static u64 signals(int fd)
{
	u64 value;

	if (read(fd, &value, sizeof(value)) == sizeof(value))
		return value;
	test_check(errno == EAGAIN);
	return 0;
}

/* One write of the guest: its exit, 0 if there is none. */
static u32 write_once(struct vcpu *vcpu, u64 address, u64 how, u64 value)
{
	u32 reason = 0;

	/* The walks of stage 1 would be big-endian as well. */
	if (how & WRITE_BE) {
		vcpu_set(vcpu, ARMVCPU_REG_SYS(3, 0, 1, 0, 0), GUEST_SCTLR_RES1);
		vcpu_call_mmu_off(vcpu, guest_write, address, how, value);
	} else {
		vcpu_call(vcpu, guest_write, address, how, value);
	}
	test_check(!vcpu_run_exit(vcpu));
	if (!vcpu_is_ucall(vcpu)) {
		reason = vcpu->run->exit_reason;
		vcpu_expect_sync(vcpu, 1);
	} else if (vcpu->run->u.call.nr != UCALL_SYNC || vcpu->run->x[1] != 1) {
		vcpu_print_exit(vcpu);
		test_fail("the guest has come elsewhere");
	}
	return reason;
}

FIXTURE(ioeventfd) {
	struct vm vm;
	struct vcpu vcpu;
	int fd;
};

FIXTURE_SETUP(ioeventfd)
{
	vm_init(&self->vm);
	vcpu_init(&self->vcpu, &self->vm, 0);
	self->fd = make_eventfd();
}

FIXTURE_TEARDOWN(ioeventfd)
{
	vcpu_close(&self->vcpu);
	vm_close(&self->vm);
	close(self->fd);
}

/* ---- which accesses signal --------------------------------------------------------------- */

#define SIGNALS	0
#define MMIO	ARMVCPU_EXIT_MMIO
#define ABORT	ARMVCPU_EXIT_ABORT

/* What is set; what the guest does at REG, @offset bytes behind it; what comes of it. */
static const struct access {
	const char *name;
	u32 len;
	u64 mask;
	u64 data;
	s64 offset;
	u64 how;
	u64 value;
	u32 exit;
} accesses[] = {
	{ "1 byte",		1, ANY, 0, 0, 1, 5, SIGNALS },
	{ "2 bytes",		2, ANY, 0, 0, 2, 5, SIGNALS },
	{ "4 bytes",		4, ANY, 0, 0, 4, 5, SIGNALS },
	{ "8 bytes",		8, ANY, 0, 0, 8, 5, SIGNALS },
	{ "shorter",		4, ANY, 0, 0, 2, 5, MMIO },
	{ "longer",		4, ANY, 0, 0, 8, 5, MMIO },
	{ "before",		4, ANY, 0, -4, 4, 5, MMIO },
	{ "behind",		4, ANY, 0, 4, 4, 5, MMIO },
	{ "in the middle",	4, ANY, 0, 2, 1, 5, MMIO },
	{ "around",		2, ANY, 0, -2, 4, 5, MMIO },
	{ "same value",		4, ALL(4), 7, 0, 4, 7, SIGNALS },
	{ "zero",		4, ALL(4), 0, 0, 4, 0, SIGNALS },
	{ "other value",	4, ALL(4), 7, 0, 4, 6, MMIO },
	{ "not zero",		4, ALL(4), 0, 0, 4, 1, MMIO },
	{ "value, other length", 4, ALL(4), 7, 0, 2, 7, MMIO },
	{ "8 bytes' value",	8, ALL(8), BIT(63) | 1, 0, 8, BIT(63) | 1, SIGNALS },
	{ "8 bytes, upper bit",	8, ALL(8), BIT(63) | 1, 0, 8, 1, MMIO },
	/* What the store leaves out of the register is no part of the value. */
	{ "1 byte of 8",	1, ALL(1), 0x34, 0, 1, 0xff1234, SIGNALS },
	{ "2 bytes of 8",	2, ALL(2), 0x1234, 0, 2, 0xff1234, SIGNALS },
	{ "4 bytes of 8",	4, ALL(4), 0x1234, 0, 4, BIT(40) | 0x1234, SIGNALS },
	/* Virtio's notification with data: the queue in bits 15:0. */
	{ "masked",		4, 0xffff, 7, 0, 4, 0x12340007, SIGNALS },
	{ "masked, other",	4, 0xffff, 7, 0, 4, 0x00070008, MMIO },
	{ "masked above",	4, 0xff00, 0x700, 0, 4, 0xffff07ff, SIGNALS },
	{ "masked above, other", 4, 0xff00, 0x700, 0, 4, 7, MMIO },
	{ "one bit",		8, BIT(63), 0, 0, 8, ~BIT(63), SIGNALS },
	{ "one bit, other",	8, BIT(63), 0, 0, 8, BIT(63), MMIO },
	/* Of the bus, as in the exit. */
	{ "big-endian",		4, ALL(4), 0x01000000, 0, 4 | WRITE_BE, 1, SIGNALS },
	{ "big-endian, other",	4, ALL(4), 1, 0, 4 | WRITE_BE, 1, MMIO },
	{ "read",		4, ANY, 0, 0, WRITE_READ, 0, MMIO },
	{ "pair",		8, ANY, 0, 0, WRITE_PAIR, 0, ABORT },
};

TEST_F(ioeventfd, signals_or_exits)
{
	const struct access *a;

	for (a = accesses; a < accesses + ARRAY_SIZE(accesses); a++) {
		u64 ipa = REG - a->offset, count;
		u32 exits[2];

		ASSERT_EQ(0, add(&self->vm, ipa, a->len, a->mask, a->data, self->fd)) {
			TH_LOG("%s", a->name);
		}
		exits[0] = write_once(&self->vcpu, REG, a->how, a->value);
		count = signals(self->fd);
		/* Without it, each is an exit. */
		ASSERT_EQ(0, take(&self->vm, ipa, a->len, a->mask, a->data, self->fd));
		exits[1] = write_once(&self->vcpu, REG, a->how, a->value);
		EXPECT_EQ(a->exit, exits[0]) {
			TH_LOG("%s", a->name);
		}
		EXPECT_EQ(a->exit ? 0 : 1, count) {
			TH_LOG("%s", a->name);
		}
		EXPECT_EQ(a->exit ?: MMIO, exits[1]) {
			TH_LOG("%s", a->name);
		}
		EXPECT_EQ(0, signals(self->fd)) {
			TH_LOG("%s", a->name);
		}
	}
}

/* ---- and nothing else -------------------------------------------------------------------- */

SNIPPET(insn_strb_w, "strb w5, [x1]");
SNIPPET(insn_strh_w, "strh w5, [x1]");
SNIPPET(insn_str_w, "str w5, [x1]");
SNIPPET(insn_str_x, "str x5, [x1]");
SNIPPET(insn_str_xzr, "str xzr, [x1]");
SNIPPET(insn_str_base, "str x1, [x1]");
SNIPPET(insn_str_x30, "str x30, [x1, x2]");

static const struct {
	const struct snippet *code;
	u32 len;
} stores[] = {
	{ &insn_strb_w, 1 }, { &insn_strh_w, 2 }, { &insn_str_w, 4 }, { &insn_str_x, 8 },
	{ &insn_str_xzr, 8 }, { &insn_str_base, 8 }, { &insn_str_x30, 8 },
};

/* PC goes on by one instruction, all registers are what they were. */
TEST_F(ioeventfd, changes_no_register)
{
	struct armvcpu_core_regs regs;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stores); i++) {
		u32 len = stores[i].len;

		ASSERT_EQ(0, add(&self->vm, SNIPPET_ADDRESS, len, ANY, 0, self->fd));
		snippet_prepare(&self->vcpu, VCPU_MMU_ON);
		snippet_start(&self->vcpu, &regs, stores[i].code, SNIPPET_ADDRESS);
		snippet_expect_stop(&self->vcpu, &regs);
		EXPECT_EQ(1, signals(self->fd)) {
			TH_LOG("store %u", i);
		}
		ASSERT_EQ(0, take(&self->vm, SNIPPET_ADDRESS, len, ANY, 0, self->fd));
	}
}

/* What an instruction that has been executed ends, the store ends as well. */
TEST_F(ioeventfd, ends_what_an_instruction_ends)
{
	u64 bits[] = { PSR_BTYPE_CALL, PSR_BTYPE, PSR_SS };
	u64 mask = get_cap(self->vm.sys, ARMVCPU_CAP_PSTATE_MASK);
	struct armvcpu_core_regs regs;
	unsigned int i;

	ASSERT_EQ(0, add(&self->vm, SNIPPET_ADDRESS, 8, ANY, 0, self->fd));
	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		if ((mask & bits[i]) != bits[i])
			continue;
		snippet_prepare(&self->vcpu, VCPU_MMU_ON);
		snippet_start(&self->vcpu, &regs, &insn_str_x, SNIPPET_ADDRESS);
		regs.pstate |= bits[i];
		vcpu_set_regs(&self->vcpu, &regs);
		regs.pstate &= ~bits[i];
		snippet_expect_stop(&self->vcpu, &regs);
		EXPECT_EQ(1, signals(self->fd));
	}
}

/* The VMM adds it at the first exit of its kind, and has the guest try again. */
TEST_F(ioeventfd, retry_finds_it)
{
	struct armvcpu_core_regs regs;

	snippet_prepare(&self->vcpu, VCPU_MMU_ON);
	snippet_start(&self->vcpu, &regs, &insn_str_w, SNIPPET_ADDRESS);
	vcpu_expect(&self->vcpu, MMIO);
	EXPECT_EQ(SNIPPET_ADDRESS, self->vcpu.run->u.mmio.ipa);
	ASSERT_EQ(0, add(&self->vm, SNIPPET_ADDRESS, 4, ALL(4), (u32)regs.x[5], self->fd));
	EXPECT_EQ(0, signals(self->fd));
	self->vcpu.run->action = ARMVCPU_ACTION_RETRY;
	snippet_expect_stop(&self->vcpu, &regs);
	EXPECT_EQ(1, signals(self->fd));
}

/* An exit that is pending is none of its business. */
TEST_F(ioeventfd, complete_does_not_signal)
{
	struct armvcpu_core_regs regs;

	snippet_prepare(&self->vcpu, VCPU_MMU_ON);
	snippet_start(&self->vcpu, &regs, &insn_str_w, SNIPPET_ADDRESS);
	vcpu_expect(&self->vcpu, MMIO);
	ASSERT_EQ(0, add(&self->vm, SNIPPET_ADDRESS, 4, ANY, 0, self->fd));
	snippet_expect_stop(&self->vcpu, &regs);
	EXPECT_EQ(0, signals(self->fd));
}

#define Z_FLAG	BIT(30)

/* @size bytes of code: a write of 0x22 to REG, r3 = 9, SVC. */
static const struct {
	const char *name;
	u64 flags;
	u32 len;
	u32 size;
	u16 code[8];
} a32_codes[] = {
	/* strh r2, [r1]; mov r3, #9; svc #0 */
	{ "A32", 0, 2, 12, { 0x20b0, 0xe1c1, 0x3009, 0xe3a0, 0x0000, 0xef00 } },
	/* str r2, [r1]; movs r3, #9; svc #0 */
	{ "T32, narrow", PSR_AA32_THUMB, 4, 6, { 0x600a, 0x2309, 0xdf00 } },
	/* str.w r2, [r1]; movs r3, #9; svc #0 */
	{ "T32, wide", PSR_AA32_THUMB, 4, 8, { 0xf8c1, 0x2000, 0x2309, 0xdf00 } },
	/* ite eq; streq r2, [r1]; movne r3, #7; movs r3, #9; svc #0 */
	{ "IT block", PSR_AA32_THUMB | Z_FLAG, 4, 10,
	  { 0xbf0c, 0x600a, 0x2307, 0x2309, 0xdf00 } },
	/* ittte eq; moveq r3, #9; streq r2, [r1]; moveq r3, #9; movne r3, #7; svc #0 */
	{ "IT block of four", PSR_AA32_THUMB | Z_FLAG, 4, 12,
	  { 0xbf03, 0x2309, 0x600a, 0x2309, 0x2307, 0xdf00 } },
};

TEST_F(ioeventfd, from_aarch32)
{
	unsigned int i;
	void *mem;

	if (!get_cap(self->vm.sys, ARMVCPU_CAP_AARCH32_EL0))
		SKIP(_exit(255), "no AArch32 at EL0 on this machine");
	guest_pt_map(GUEST_USER, GUEST_RAM, 0x1000, PTE_NORMAL | PTE_USER);
	for (i = 0; i < ARRAY_SIZE(a32_codes); i++) {
		/* A new slot: what has been written there is what is fetched. */
		mem = vm_add_memory(&self->vm, 0, GUEST_RAM, 0x10000);
		memcpy(mem, a32_codes[i].code, a32_codes[i].size);
		ASSERT_EQ(0, add(&self->vm, REG, a32_codes[i].len, ALL(a32_codes[i].len), 0x22,
				 self->fd));
		vcpu_call(&self->vcpu, guest_runs_a32, PSR_AA32_USER | a32_codes[i].flags,
			  GUEST_USER);
		vcpu_expect_sync(&self->vcpu, 1);
		EXPECT_EQ(9, vcpu_sync_arg(&self->vcpu, 0)) {
			TH_LOG("%s", a32_codes[i].name);
		}
		EXPECT_EQ(a32_codes[i].size, vcpu_sync_arg(&self->vcpu, 1)) {
			TH_LOG("%s", a32_codes[i].name);
		}
		EXPECT_EQ(1, signals(self->fd)) {
			TH_LOG("%s", a32_codes[i].name);
		}
		ASSERT_EQ(0, take(&self->vm, REG, a32_codes[i].len, ALL(a32_codes[i].len), 0x22,
				  self->fd));
		ASSERT_EQ(0, vm_set_slot(&self->vm, 0, 0, 0, 0, NULL));
	}
}

/* ---- together ---------------------------------------------------------------------------- */

/* Two at one address, the second @offset behind it, and what it gets. */
static const struct pair {
	const char *name;
	u32 len[2];
	u64 mask[2];
	u64 data[2];
	s64 offset;
	int err;
} pairs[] = {
	{ "same", { 4, 4 }, .err = EEXIST },
	{ "same value", { 4, 4 }, { ALL(4), ALL(4) }, { 3, 3 }, .err = EEXIST },
	{ "a value, any", { 4, 4 }, { ALL(4), ANY }, { 3, 0 }, .err = EEXIST },
	{ "any, a value", { 4, 4 }, { ANY, ALL(4) }, { 0, 3 }, .err = EEXIST },
	{ "any, zero", { 4, 4 }, { ANY, ALL(4) }, { 0, 0 }, .err = EEXIST },
	{ "masks of one value", { 4, 4 }, { 0xff, 0xffff }, { 3, 0x103 }, .err = EEXIST },
	{ "masks apart", { 4, 4 }, { 0xff, 0xffff }, { 3, 4 }, .err = EEXIST },
	{ "other value", { 4, 4 }, { ALL(4), ALL(4) }, { 3, 4 } },
	{ "other value, masked", { 4, 4 }, { 0xff00, 0xff00 }, { 0x300, 0x400 } },
	{ "other length", { 4, 2 } },
	{ "other length, same value", { 4, 2 }, { ALL(4), ALL(2) }, { 3, 3 } },
	{ "other address", { 4, 4 }, .offset = 1 },
	{ "address before", { 4, 4 }, .offset = -1 },
};

TEST_F(ioeventfd, never_two_for_a_write)
{
	int other = make_eventfd();
	const struct pair *p;

	for (p = pairs; p < pairs + ARRAY_SIZE(pairs); p++) {
		int ret[4];

		ret[0] = add(&self->vm, REG, p->len[0], p->mask[0], p->data[0], self->fd);
		ret[1] = add(&self->vm, REG + p->offset, p->len[1], p->mask[1], p->data[1], other);
		/* What is there has not changed, what is not cannot be removed. */
		ret[2] = take(&self->vm, REG, p->len[0], p->mask[0], p->data[0], self->fd);
		ret[3] = take(&self->vm, REG + p->offset, p->len[1], p->mask[1], p->data[1],
			      other);
		if (ret[0] || ret[1] != -p->err || ret[2] || ret[3] != (p->err ? -ENOENT : 0))
			test_fail("%s: %d, %d, %d, %d", p->name, ret[0], ret[1], ret[2], ret[3]);
	}
}

/* A queue for each value, as virtio-mmio has them; with its data above. */
TEST_F(ioeventfd, a_value_each)
{
	u64 i, j, mask;
	int fds[8];

	for (i = 0; i < 8; i++)
		fds[i] = make_eventfd();
	for (mask = 0xffffffff; mask; mask = mask >> 16) {
		u64 data = ~mask & 0x43210000;

		for (i = 0; i < 8; i++)
			ASSERT_EQ(0, add(&self->vm, REG, 4, mask, i * 3, fds[i]));
		for (i = 0; i < 8; i++) {
			EXPECT_EQ(SIGNALS, write_once(&self->vcpu, REG, 4, data | i * 3));
			for (j = 0; j < 8; j++)
				EXPECT_EQ(i == j, signals(fds[j]));
			EXPECT_EQ(MMIO, write_once(&self->vcpu, REG, 4, data | (i * 3 + 1)));
		}
		for (i = 0; i < 8; i++)
			ASSERT_EQ(0, take(&self->vm, REG, 4, mask, i * 3, fds[i]));
	}
}

TEST_F(ioeventfd, every_write_counts)
{
	ASSERT_EQ(0, add(&self->vm, REG, 4, ANY, 0, self->fd));
	vcpu_call(&self->vcpu, guest_writes, REG, 300);
	vcpu_expect_done(&self->vcpu);
	EXPECT_EQ(300, signals(self->fd));
}

/* Memory, once it is there, is memory. */
TEST_F(ioeventfd, memory_comes_first)
{
	u32 *mem, *ro = alloc_pages(0x10000);

	ASSERT_EQ(0, add(&self->vm, GUEST_RAM + 0x10, 4, ANY, 0, self->fd));
	ASSERT_EQ(0, add(&self->vm, GUEST_RAM + 0x10010, 4, ANY, 0, self->fd));
	EXPECT_EQ(SIGNALS, write_once(&self->vcpu, GUEST_RAM + 0x10, 4, 5));
	EXPECT_EQ(1, signals(self->fd));
	mem = vm_add_memory(&self->vm, 0, GUEST_RAM, 0x10000);
	EXPECT_EQ(0, write_once(&self->vcpu, GUEST_RAM + 0x10, 4, 6));
	EXPECT_EQ(6, mem[4]);
	EXPECT_EQ(0, signals(self->fd));
	/* A read-only slot's exit is the VMM's. */
	ASSERT_EQ(0, vm_set_slot(&self->vm, 1, ARMVCPU_SLOT_READONLY, GUEST_RAM + 0x10000,
				 0x10000, ro));
	vcpu_call(&self->vcpu, guest_write, GUEST_RAM + 0x10010, 4, 7);
	vcpu_expect(&self->vcpu, MMIO);
	EXPECT_EQ(1, self->vcpu.run->u.mmio.readonly);
	vcpu_expect_sync(&self->vcpu, 1);
	EXPECT_EQ(0, signals(self->fd));
	EXPECT_EQ(0, ro[4]);
	/* And without them again. */
	ASSERT_EQ(0, vm_set_slot(&self->vm, 0, 0, 0, 0, NULL));
	EXPECT_EQ(SIGNALS, write_once(&self->vcpu, GUEST_RAM + 0x10, 4, 8));
	EXPECT_EQ(1, signals(self->fd));
	EXPECT_EQ(6, mem[4]);
}

/* ---- the eventfd ------------------------------------------------------------------------- */

TEST_F(ioeventfd, may_be_closed)
{
	int fd = make_eventfd(), other = dup(fd);

	ASSERT_EQ(0, add(&self->vm, REG, 4, ANY, 0, fd));
	close(fd);
	EXPECT_EQ(SIGNALS, write_once(&self->vcpu, REG, 4, 5));
	EXPECT_EQ(1, signals(other));
	close(other);
	/* Nobody listens any more. It keeps its place. */
	EXPECT_EQ(SIGNALS, write_once(&self->vcpu, REG, 4, 5));
	EXPECT_EQ(-EEXIST, add(&self->vm, REG, 4, ANY, 0, self->fd));
	EXPECT_EQ(-ENOENT, take(&self->vm, REG, 4, ANY, 0, self->fd));
}

/* One that can count no further holds up nobody. */
TEST_F(ioeventfd, may_be_full)
{
	u64 full = ~0UL - 1;

	ASSERT_EQ(0, add(&self->vm, REG, 4, ANY, 0, self->fd));
	ASSERT_EQ(sizeof(full), write(self->fd, &full, sizeof(full)));
	vcpu_call(&self->vcpu, guest_writes, REG, 10);
	vcpu_expect_done(&self->vcpu);
	EXPECT_EQ(~0UL, signals(self->fd));
	vcpu_call(&self->vcpu, guest_writes, REG, 10);
	vcpu_expect_done(&self->vcpu);
	EXPECT_EQ(10, signals(self->fd));
}

/**
 * struct reader - a thread that reads an eventfd
 * @fd: the eventfd, which blocks.
 * @thread: the thread.
 * @tid: its number, 0 until it runs.
 * @done: it has read.
 */
struct reader {
	int fd;
	pthread_t thread;
	int tid;
	bool done;
};

static void *read_one(void *arg)
{
	struct reader *r = arg;
	u64 value;

	__atomic_store_n(&r->tid, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	test_check(read(r->fd, &value, sizeof(value)) == sizeof(value));
	__atomic_store_n(&r->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/* The thread sleeps: its state is the first letter behind its name. */
static bool sleeps(int tid)
{
	char path[64], line[128] = "", *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "re");
	test_check(f && fgets(line, sizeof(line), f));
	fclose(f);
	end = strrchr(line, ')');
	return end && end[2] == 'S';
}

TEST_F(ioeventfd, wakes_who_waits)
{
	struct reader r = { .fd = eventfd(0, EFD_CLOEXEC) };
	u64 limit = now_ns() + PATIENCE_MS * NSEC_PER_MSEC;

	ASSERT_LE(0, r.fd);
	ASSERT_EQ(0, add(&self->vm, REG, 4, ANY, 0, r.fd));
	ASSERT_EQ(0, pthread_create(&r.thread, NULL, read_one, &r));
	while (!__atomic_load_n(&r.tid, __ATOMIC_SEQ_CST) || !sleeps(r.tid)) {
		ASSERT_GT(limit, now_ns());
		sched_yield();
	}
	EXPECT_EQ(SIGNALS, write_once(&self->vcpu, REG, 4, 5));
	while (!__atomic_load_n(&r.done, __ATOMIC_SEQ_CST)) {
		ASSERT_GT(limit, now_ns());
		sched_yield();
	}
	pthread_join(r.thread, NULL);
}

/* One eventfd at many places, in two VMs. */
TEST_F(ioeventfd, may_be_shared)
{
	struct vcpu vcpu;
	struct vm vm;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	ASSERT_EQ(0, add(&self->vm, REG, 4, ANY, 0, self->fd));
	ASSERT_EQ(0, add(&self->vm, REG + 4, 4, ANY, 0, self->fd));
	EXPECT_EQ(MMIO, write_once(&vcpu, REG, 4, 5));
	ASSERT_EQ(0, add(&vm, REG, 4, ANY, 0, self->fd));
	EXPECT_EQ(SIGNALS, write_once(&self->vcpu, REG, 4, 5));
	EXPECT_EQ(SIGNALS, write_once(&self->vcpu, REG + 4, 4, 5));
	EXPECT_EQ(SIGNALS, write_once(&vcpu, REG, 4, 5));
	EXPECT_EQ(3, signals(self->fd));
	vcpu_close(&vcpu);
	vm_close(&vm);
	EXPECT_EQ(SIGNALS, write_once(&self->vcpu, REG, 4, 5));
	EXPECT_EQ(1, signals(self->fd));
}

/* ---- while vCPUs run --------------------------------------------------------------------- */

/**
 * struct writer - a vCPU that writes until it is told that it is enough
 * @vcpu: the vCPU.
 * @thread: its thread.
 * @exits: writes that were exits.
 * @count: all of its writes, at the end.
 */
struct writer {
	struct vcpu vcpu;
	pthread_t thread;
	u64 exits;
	u64 count;
};

static void *write_on(void *arg)
{
	struct writer *w = arg;

	for (;;) {
		test_check(!vcpu_run_exit(&w->vcpu));
		if (vcpu_is_ucall(&w->vcpu))
			break;
		if (w->vcpu.run->exit_reason != MMIO || w->vcpu.run->u.mmio.readonly) {
			vcpu_print_exit(&w->vcpu);
			test_fail("the guest writes, and this is no MMIO");
		}
		__atomic_store_n(&w->exits, w->exits + 1, __ATOMIC_SEQ_CST);
	}
	if (w->vcpu.run->u.call.nr != UCALL_SYNC || w->vcpu.run->x[1] != 2) {
		vcpu_print_exit(&w->vcpu);
		test_fail("the guest has come elsewhere");
	}
	w->count = vcpu_sync_arg(&w->vcpu, 0);
	return NULL;
}

static void writers_start(struct writer *w, unsigned int count, struct vm *vm, u64 address)
{
	enough = 0;
	for (; count--; w++) {
		memset(w, 0, sizeof(*w));
		vcpu_init(&w->vcpu, vm, 0);
		written[w->vcpu.index] = 0;
		vcpu_call(&w->vcpu, guest_writes_on, address, w->vcpu.index);
		test_check(!pthread_create(&w->thread, NULL, write_on, w));
	}
}

static void writers_stop(struct writer *w, unsigned int count)
{
	__atomic_store_n(&enough, 1, __ATOMIC_SEQ_CST);
	for (; count--; w++) {
		pthread_join(w->thread, NULL);
		vcpu_close(&w->vcpu);
	}
}

/* ... until each has made one more write, at least: begun and ended it. */
static void writers_go_on(struct writer *w, unsigned int count)
{
	for (; count--; w++) {
		u64 *writes = &written[w->vcpu.index];
		u64 start = __atomic_load_n(writes, __ATOMIC_SEQ_CST);

		/* Who sleeps leaves the CPUs to the writers. */
		while (__atomic_load_n(writes, __ATOMIC_SEQ_CST) < start + 2)
			usleep(10);
	}
}

TEST_F(ioeventfd, from_four_vcpus)
{
	struct writer w[4];
	u64 count = 0;
	int i;

	ASSERT_EQ(0, add(&self->vm, REG, 4, ANY, 0, self->fd));
	writers_start(w, 4, &self->vm, REG);
	for (i = 0; i < 10; i++)
		writers_go_on(w, 4);
	writers_stop(w, 4);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, w[i].exits);
		EXPECT_LE(20, w[i].count);
		count += w[i].count;
	}
	EXPECT_EQ(count, signals(self->fd));
}

/* Each write is a signal or an exit, never both, never nothing. */
TEST_F(ioeventfd, comes_and_goes)
{
	u64 exits, total = 0, signalled = 0;
	struct writer w[2];
	int i;

	writers_start(w, 2, &self->vm, REG);
	for (i = 0; i < 20; i++) {
		u64 count;

		ASSERT_EQ(0, add(&self->vm, REG, 4, ANY, 0, self->fd));
		exits = __atomic_load_n(&w[0].exits, __ATOMIC_SEQ_CST);
		writers_go_on(w, 2);
		/* One may have been on its way. */
		EXPECT_GE(exits + 1, __atomic_load_n(&w[0].exits, __ATOMIC_SEQ_CST));
		ASSERT_EQ(0, take(&self->vm, REG, 4, ANY, 0, self->fd));
		count = signals(self->fd);
		EXPECT_LT(0, count);
		signalled += count;
		exits = __atomic_load_n(&w[0].exits, __ATOMIC_SEQ_CST);
		writers_go_on(w, 2);
		/* On return it is over. */
		EXPECT_LT(exits, __atomic_load_n(&w[0].exits, __ATOMIC_SEQ_CST));
		EXPECT_EQ(0, signals(self->fd));
	}
	writers_stop(w, 2);
	exits = w[0].exits + w[1].exits;
	total = w[0].count + w[1].count;
	TH_LOG("%llu writes, %llu exits, %llu signals", total, exits, signalled);
	EXPECT_EQ(total, exits + signalled);
}

/*
 * It is there as long as memory is, and hidden by it: no write ever finds the one
 * without the other.
 */
TEST_F(ioeventfd, never_shows_behind_memory)
{
	u64 address = GUEST_RAM + 0x50, exits, stored = 0;
	u32 *mem = alloc_pages(0x10000);
	struct writer w[2];
	int i;

	writers_start(w, 2, &self->vm, address);
	for (i = 0; i < 40; i++) {
		mem[0x50 / 4] = ~0U;
		ASSERT_EQ(0, vm_set_slot(&self->vm, 0, 0, GUEST_RAM, 0x10000, mem));
		ASSERT_EQ(0, add(&self->vm, address, 4, ANY, 0, self->fd));
		if (!(i % 4))
			writers_go_on(w, 2);
		ASSERT_EQ(0, take(&self->vm, address, 4, ANY, 0, self->fd));
		ASSERT_EQ(0, vm_set_slot(&self->vm, 0, 0, 0, 0, NULL));
		stored += mem[0x50 / 4] != ~0U;
		if (!(i % 4))
			writers_go_on(w, 2);
	}
	writers_stop(w, 2);
	exits = w[0].exits + w[1].exits;
	TH_LOG("%llu exits, %llu times memory of %d", exits, stored, i);
	EXPECT_LT(0, exits);
	EXPECT_LT(0, stored);
	EXPECT_EQ(0, signals(self->fd));
}

/* Memory comes and goes in front of it: writes signal or reach memory, none exits. */
TEST_F(ioeventfd, shows_without_memory)
{
	u64 address = GUEST_RAM + 0x50, signalled = 0, stored = 0;
	u32 *mem = alloc_pages(0x10000);
	struct writer w[2];
	int i;

	ASSERT_EQ(0, add(&self->vm, address, 4, ANY, 0, self->fd));
	writers_start(w, 2, &self->vm, address);
	for (i = 0; i < 20; i++) {
		mem[0x50 / 4] = ~0U;
		ASSERT_EQ(0, vm_set_slot(&self->vm, 0, 0, GUEST_RAM, 0x10000, mem));
		signalled += signals(self->fd);
		writers_go_on(w, 2);
		/* On return of the ioctl it is memory. */
		EXPECT_EQ(0, signals(self->fd));
		ASSERT_EQ(0, vm_set_slot(&self->vm, 0, 0, 0, 0, NULL));
		stored += mem[0x50 / 4] != ~0U;
		writers_go_on(w, 2);
	}
	signalled += signals(self->fd);
	writers_stop(w, 2);
	EXPECT_EQ(i, stored);
	EXPECT_LE(i, signalled);
	EXPECT_EQ(0, w[0].exits + w[1].exits);
}

/* ---- limits and bad calls ---------------------------------------------------------------- */

TEST_F(ioeventfd, as_many_as_it_says)
{
	u64 max = get_cap(self->vm.fd, ARMVCPU_CAP_MAX_IOEVENTFDS), i;

	ASSERT_LT(0, max);
	/* Half of them in one place, the others all over; not in order. */
	for (i = 0; i < max; i++) {
		u64 n = i * 0x9d % max;

		ASSERT_EQ(0, add(&self->vm, n % 2 ? REG : REG + n, 8, ALL(8), n, self->fd));
	}
	EXPECT_EQ(-ENOSPC, add(&self->vm, REG, 8, ALL(8), max, self->fd));
	EXPECT_EQ(-EEXIST, add(&self->vm, REG, 8, ALL(8), 1, self->fd));
	for (i = 1; i < max; i += max / 8)
		EXPECT_EQ(SIGNALS, write_once(&self->vcpu, REG, 8, i));
	EXPECT_EQ(SIGNALS, write_once(&self->vcpu, REG + max - 8, 8, max - 8));
	EXPECT_EQ(MMIO, write_once(&self->vcpu, REG + max - 8, 8, max - 7));
	EXPECT_EQ(MMIO, write_once(&self->vcpu, REG, 8, max));
	EXPECT_EQ(MMIO, write_once(&self->vcpu, REG, 8, 2));
	EXPECT_EQ(9, signals(self->fd));
	EXPECT_EQ(0, take(&self->vm, REG, 8, ALL(8), 1, self->fd));
	EXPECT_EQ(0, add(&self->vm, REG, 8, ALL(8), max, self->fd));
	EXPECT_EQ(SIGNALS, write_once(&self->vcpu, REG, 8, max));
	EXPECT_EQ(MMIO, write_once(&self->vcpu, REG, 8, 1));
	EXPECT_EQ(1, signals(self->fd));
}

/* Up to the last byte of the guest's addresses. */
TEST_F(ioeventfd, at_the_end_of_the_addresses)
{
	struct vm vm;

	vm_init_bare(&vm, 32);
	EXPECT_EQ(0, add(&vm, BIT(32) - 4, 4, ANY, 0, self->fd));
	EXPECT_EQ(0, add(&vm, BIT(32) - 1, 1, ANY, 0, self->fd));
	EXPECT_EQ(-EINVAL, add(&vm, BIT(32) - 3, 4, ANY, 0, self->fd));
	EXPECT_EQ(-EINVAL, add(&vm, BIT(32), 1, ANY, 0, self->fd));
	EXPECT_EQ(-EINVAL, add(&vm, ~0UL, 1, ANY, 0, self->fd));
	EXPECT_EQ(-EINVAL, add(&vm, ~0UL - 3, 8, ANY, 0, self->fd));
	vm_close(&vm);
}

TEST_F(ioeventfd, removing_takes_the_same)
{
	int other = make_eventfd(), again = dup(self->fd);

	ASSERT_EQ(0, add(&self->vm, REG, 4, ALL(4), 7, self->fd));
	EXPECT_EQ(-ENOENT, take(&self->vm, REG, 4, ANY, 0, self->fd));
	EXPECT_EQ(-ENOENT, take(&self->vm, REG, 4, 0xff, 7, self->fd));
	EXPECT_EQ(-ENOENT, take(&self->vm, REG, 4, ALL(4), 6, self->fd));
	EXPECT_EQ(-ENOENT, take(&self->vm, REG, 8, ALL(4), 7, self->fd));
	EXPECT_EQ(-ENOENT, take(&self->vm, REG + 1, 4, ALL(4), 7, self->fd));
	EXPECT_EQ(-ENOENT, take(&self->vm, REG, 4, ALL(4), 7, other));
	EXPECT_EQ(SIGNALS, write_once(&self->vcpu, REG, 4, 7));
	EXPECT_EQ(1, signals(self->fd));
	/* Another descriptor of it is the same eventfd. */
	EXPECT_EQ(0, take(&self->vm, REG, 4, ALL(4), 7, again));
	EXPECT_EQ(-ENOENT, take(&self->vm, REG, 4, ALL(4), 7, self->fd));
	EXPECT_EQ(MMIO, write_once(&self->vcpu, REG, 4, 7));
}

TEST_F(ioeventfd, takes_eventfds_only)
{
	int closed = make_eventfd(), flags;

	close(closed);
	ASSERT_EQ(0, add(&self->vm, REG, 4, ANY, 0, self->fd));
	for (flags = 0; flags <= ARMVCPU_IOEVENTFD_REMOVE; flags++) {
		EXPECT_EQ(-EINVAL, set(&self->vm, flags, REG, 4, ANY, 0, self->vm.fd));
		EXPECT_EQ(-EINVAL, set(&self->vm, flags, REG, 4, ANY, 0, self->vcpu.fd));
		EXPECT_EQ(-EBADF, set(&self->vm, flags, REG, 4, ANY, 0, closed));
		/* What eventfd() returns if it fails. */
		EXPECT_EQ(-EBADF, set(&self->vm, flags, REG, 4, ANY, 0, -1));
	}
	EXPECT_EQ(SIGNALS, write_once(&self->vcpu, REG, 4, 5));
}

/* All that it lets one ask for, and nothing else. */
TEST_F(ioeventfd, flags_are_those_of_the_capability)
{
	u32 flags = get_cap(self->vm.sys, ARMVCPU_CAP_IOEVENTFD_FLAGS), bit;

	for (bit = 0; bit < 32; bit++)
		EXPECT_EQ(flags & BIT(bit) ? -ENOENT : -EINVAL,
			  set(&self->vm, ARMVCPU_IOEVENTFD_REMOVE | BIT(bit), REG, 4, ANY, 0,
			      self->fd));
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
