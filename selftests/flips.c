// SPDX-License-Identifier: GPL-2.0
/*
 * Another thread changes all the time what the module reads of its caller's memory: the run
 * struct, the arguments of ioctls.  What has been checked must be what is used.
 */
#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

#include "gic.h"
#include "system.h"

#define RAM		0x40000000UL
#define VECTORS		(RAM + 0x800)
#define RAM_SIZE	0x10000UL
#define NSEC		1000000000UL

/*
 * A guest for which it does not matter what its registers hold: exits of all kinds, and
 * its exceptions go on at the beginning.
 */
static const u32 loop[] = {
	0xd5300205,	/* mrs x5, mdccint_el1 */
	0xd4000002,	/* hvc #0 */
	0xd4000003,	/* smc #0 */
	0xd2b20001,	/* mov x1, #0x90000000 */
	0xf9400026,	/* ldr x6, [x1] */
	0xb9000027,	/* str w7, [x1] */
	0xd5380008,	/* mrs x8, midr_el1 */
	0xd503205f,	/* wfe */
	0x17fffff8,	/* b loop */
};

#define LOOP_END	(RAM + sizeof(loop))

struct flips {
	struct vm vm;
	struct vcpu vcpu;
	u32 *ram;
	pthread_t thread;
	bool done;
	u64 flips;
};

static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* The one who flips and the one who calls are on two CPUs, or they wait for each other. */
static void calls_here(void)
{
	pin_to_cpu(0);
}

static void flips_here(void)
{
	pin_to_cpu(nr_cpus() - 1);
}

/*
 * A test goes on for @seconds, and on to twice that until there have been so many calls
 * during which something was flipped: this machine may have no two CPUs to spare.  Where they
 * take turns, a call now and then sees flips, but not the next one as well.  Until there has
 * been one at all, it goes on for RIG_TIMEOUT_SCALE times longer.
 */
#define TOGETHER	500

struct pace {
	u64 begin, seconds, flips, calls, together;
	bool flipped;
};

static bool goes_on(struct pace *pace, const u64 *flips)
{
	u64 now = now_ns(), seen = READ_ONCE(*flips);
	bool flipped = pace->begin && seen != pace->flips;

	if (!pace->begin)
		pace->begin = now;
	else
		pace->calls++;
	if (flipped && pace->flipped)
		pace->together++;
	pace->flipped = flipped;
	pace->flips = seen;
	now -= pace->begin;
	return now < pace->seconds * NSEC ||
	       (pace->together < TOGETHER && now < 2 * pace->seconds * NSEC) ||
	       (!pace->together && now < (1 + system_scale()) * pace->seconds * NSEC);
}

/* Without a flip nothing was tested. */
static void check_pace(struct __test_metadata *_metadata, const struct pace *pace,
		       const char *what)
{
	printf("# %s: %llu calls, %llu flips, %llu calls while it flipped\n", what, pace->calls,
	       pace->flips, pace->together);
	if (!pace->together)
		printf("# %s: flips between calls only: no two CPUs to spare\n", what);
	EXPECT_LT(0, pace->flips) {
		TH_LOG("%s: nothing was flipped", what);
	}
}

/* Any word of the run struct; the registers and what RUN reads, more often. */
static void *flip_run(void *arg)
{
	struct flips *f = arg;
	u64 *page = (u64 *)f->vcpu.run, state = 1, words = page_size() / 8;

	flips_here();
	while (!READ_ONCE(f->done)) {
		u64 n = next_random(&state), place = n >> 8;

		switch (n & 7) {
		case 0:
			WRITE_ONCE(page[place % words], n);
			break;
		case 1:
			WRITE_ONCE(f->vcpu.run->action, place & 0x300 ? 0 : place % 5);
			break;
		case 2:
			WRITE_ONCE(f->vcpu.run->nr_lines, place & 0x700 ? 0 : place % 10);
			break;
		case 3:
			WRITE_ONCE(f->vcpu.run->immediate_exit, place % 64 == 0);
			break;
		case 4:	/* functions of PSCI and others */
			WRITE_ONCE(f->vcpu.run->x[0], 0x84000000 | (n >> 32 & 0x4000001f));
			break;
		case 5:	/* what it says of the exit */
			WRITE_ONCE(*(&f->vcpu.run->pc + place % 12), n);
			break;
		default:
			WRITE_ONCE(f->vcpu.run->x[place % 31], n);
			break;
		}
		f->flips++;
	}
	return NULL;
}

static void flips_init(struct flips *f)
{
	struct armvcpu_core_regs regs = { .pc = RAM, .pstate = PSTATE_RESET };
	unsigned int i;

	vm_init_bare(&f->vm, 0);
	f->ram = vm_add_memory(&f->vm, 0, RAM, RAM_SIZE);
	for (i = 0; i < sizeof(loop) / 4; i++)
		f->ram[i] = loop[i];
	for (i = 0; i < 0x800 / 4; i++)
		f->ram[0x800 / 4 + i] = 0x14000000 | (-(0x800 / 4 + i) & 0x3ffffff);
	vcpu_init(&f->vcpu, &f->vm, 0);
	vcpu_set_regs(&f->vcpu, &regs);
	vcpu_set(&f->vcpu, ARMVCPU_REG_SYS(3, 0, 12, 0, 0), VECTORS);
}

static void flips_end(struct flips *f)
{
	WRITE_ONCE(f->done, true);
	pthread_join(f->thread, NULL);
	vcpu_close(&f->vcpu);
	vm_close(&f->vm);
}

/*
 * PC, PSTATE and system registers are not in the run struct, and what is there of an exit
 * is not what it is completed by.
 */
TEST(run_struct)
{
	struct flips f = { 0 };
	static const unsigned int exits[] = { 0, 2, 4, 5 };
	struct armvcpu_core_regs regs;
	struct pace pace = { .seconds = 4 };
	u64 vbar, sctlr, ran = 0, refused = 0, at[ARRAY_SIZE(loop) + 1] = { 0 };
	unsigned int i;
	int ret;

	flips_init(&f);
	sctlr = vcpu_get(&f.vcpu, ARMVCPU_REG_SYS(3, 0, 1, 0, 0));
	ASSERT_EQ(0, pthread_create(&f.thread, NULL, flip_run, &f));
	while (goes_on(&pace, &f.flips)) {
		ret = vcpu_run(&f.vcpu);
		if (!ret) {
			ran++;
		} else if (ret == -EAGAIN) {
			/* CPU_OFF. */
			struct armvcpu_power on = { .state = ARMVCPU_POWER_ON };

			ASSERT_EQ(0, xioctl(f.vcpu.fd, ARMVCPU_SET_POWER, &on));
		} else {
			/* An action that does not fit, lines and no GIC, immediate_exit. */
			ASSERT_TRUE(ret == -EINVAL || ret == -ENXIO || ret == -EINTR) {
				TH_LOG("RUN: %d", ret);
			}
			refused++;
		}
		vcpu_get_regs(&f.vcpu, &regs);
		ASSERT_TRUE((regs.pc >= RAM && regs.pc <= LOOP_END) ||
			    (regs.pc >= VECTORS && regs.pc < VECTORS + 0x800)) {
			TH_LOG("PC 0x%llx", regs.pc);
		}
		if (!ret && regs.pc < LOOP_END)
			at[(regs.pc - RAM) / 4]++;
		ASSERT_EQ(PSTATE_RESET, regs.pstate);
		vbar = vcpu_get(&f.vcpu, ARMVCPU_REG_SYS(3, 0, 12, 0, 0));
		ASSERT_EQ(VECTORS, vbar);
		ASSERT_EQ(sctlr, vcpu_get(&f.vcpu, ARMVCPU_REG_SYS(3, 0, 1, 0, 0)));
	}
	check_pace(_metadata, &pace, "run struct");
	/* Behind a call, at anything else: a register's, HVC's, a load's, a store's. */
	for (i = 0; i < ARRAY_SIZE(exits); i++)
		EXPECT_LT(0, at[exits[i]]) {
			TH_LOG("no exit at 0x%x", exits[i] * 4);
		}
	EXPECT_LT(100, ran);
	EXPECT_LT(0, refused);
	flips_end(&f);
}

/* ---- what an exit is completed by ------------------------------------------ */

#define DEVICE_AT	0x90000000UL
#define ABORT_AT	0x91000000UL
#define SCTLR_EE	(3UL << 24)
/* What nobody writes to, and what is written to. */
#define SENTINEL(n)	(0x5a5a000000000000UL | (n) * 0x0101010101UL)
#define RT		6
#define HALVES_A	0x1111111111111111UL
#define HALVES_B	0xeeeeeeeeeeeeeeeeUL

/**
 * struct completion - an instruction that exits, and what becomes of it
 * @name: for people.
 * @insn: it; x1 is DEVICE_AT, x6 is read into or written.
 * @base: another x1.
 * @ee: data are big-endian.
 * @result: x0 is one, that the module gives.
 * @data: what the VMM stores, the one or the other; none if they are equal.
 * @x6: what it becomes by that.
 */
struct completion {
	const char *name;
	u32 insn;
	u64 base;
	bool ee, result;
	u64 data[2];
	u64 x6[2];
};

#define UNCHANGED	{ SENTINEL(RT), SENTINEL(RT) }

static const struct completion completions[] = {
	{ "ldr x", 0xf9400026, 0, false, false,
	  { HALVES_A, HALVES_B }, { HALVES_A, HALVES_B } },
	{ "ldr w", 0xb9400026, 0, false, false,
	  { HALVES_A, HALVES_B }, { 0x11111111, 0xeeeeeeee } },
	{ "ldrb", 0x39400026, 0, false, false, { 0x1234, 0xfeed }, { 0x34, 0xed } },
	{ "ldrsw", 0xb9800026, 0, false, false,
	  { 0x7fffffff, 0x80000001 }, { 0x7fffffff, 0xffffffff80000001 } },
	{ "ldrsb w", 0x39c00026, 0, false, false, { 0x7f, 0x81 }, { 0x7f, 0xffffff81 } },
	{ "ldr x, big-endian", 0xf9400026, 0, true, false,
	  { 0x0102030405060708, 0xf1f2f3f4f5f6f7f8 }, { 0x0807060504030201, 0xf8f7f6f5f4f3f2f1 } },
	{ "str x", 0xf9000026, 0, false, false, { HALVES_A, HALVES_B }, UNCHANGED },
	{ "mrs", 0xd5300206, 0, false, false,
	  { HALVES_A, HALVES_B }, { HALVES_A, HALVES_B } },
	{ "msr", 0xd5100206, 0, false, false, { HALVES_A, HALVES_B }, UNCHANGED },
	/* Without a syndrome: ldp. */
	{ "ldp", 0xa9401c26, ABORT_AT, false, false, { 0, 0 }, UNCHANGED },
	{ "wfi", 0xd503207f, 0, false, false, { 0, 0 }, UNCHANGED },
	{ "hvc", 0xd4002462, 0, false, true, { 0, 0 }, UNCHANGED },
};

/* Where mmio.data and sysreg.data are. */
#define DATA_WORD	1
#define INFO_WORDS	5
_Static_assert(offsetof(struct armvcpu_exit_mmio, data) == 8 * DATA_WORD &&
	       offsetof(struct armvcpu_exit_sysreg, data) == 8 * DATA_WORD, "DATA_WORD");
_Static_assert(offsetof(struct armvcpu_run, u) ==
	       offsetof(struct armvcpu_run, pc) + 8 * INFO_WORDS, "INFO_WORDS");

struct completion_flips {
	struct flips f;
	const struct completion *c;
};

/* The data is always one of the two; all else that tells of the exit is anything. */
static void *flip_exit(void *arg)
{
	struct completion_flips *cf = arg;
	struct armvcpu_run *run = cf->f.vcpu.run;
	u64 *info = &run->pc, state = 1, n, word;
	unsigned int i;

	flips_here();
	while (!READ_ONCE(cf->f.done)) {
		n = next_random(&state);
		/* Most of the time: two reads are close to each other. */
		for (i = 0; i < 16; i++) {
			WRITE_ONCE(run->u.pad[DATA_WORD], cf->c->data[0]);
			WRITE_ONCE(run->u.pad[DATA_WORD], cf->c->data[1]);
		}
		/* Whichever is the last one, for a while. */
		if (n & BIT(63))
			WRITE_ONCE(run->u.pad[DATA_WORD], cf->c->data[0]);
		word = n % (INFO_WORDS + ARRAY_SIZE(run->u.pad));
		if (word != INFO_WORDS + DATA_WORD)
			WRITE_ONCE(info[word], n);
		WRITE_ONCE(run->exit_reason, n >> 32 & 15);
		cf->f.flips++;
	}
	return NULL;
}

static void completion_init(struct completion_flips *cf)
{
	u64 sctlr;

	flips_init(&cf->f);
	cf->f.ram[0] = cf->c->insn;
	cf->f.ram[1] = 0x17ffffff;	/* b .-4 */
	sctlr = vcpu_get(&cf->f.vcpu, ARMVCPU_REG_SYS(3, 0, 1, 0, 0));
	if (cf->c->ee)
		vcpu_set(&cf->f.vcpu, ARMVCPU_REG_SYS(3, 0, 1, 0, 0), sctlr | SCTLR_EE);
}

/*
 * Before the guest goes on: x6 is what the completion, or nobody, writes to.  The data of a
 * read, which the module has set to zero, is the first value until the other thread sets it.
 */
static void completion_regs(struct completion_flips *cf)
{
	unsigned int i;

	for (i = 0; i < 31; i++)
		cf->f.vcpu.run->x[i] = SENTINEL(i);
	cf->f.vcpu.run->x[1] = cf->c->base ?: DEVICE_AT;
	WRITE_ONCE(cf->f.vcpu.run->u.pad[DATA_WORD], cf->c->data[0]);
}

/* All of it is what it was, but for x6, and x0 if that is the module's. */
static bool completion_is_well(const struct completion_flips *cf)
{
	const u64 *x = cf->f.vcpu.run->x;
	unsigned int i;

	for (i = 0; i < 31; i++) {
		u64 expected = i == 1 ? cf->c->base ?: DEVICE_AT : SENTINEL(i);

		if (i == 0 && cf->c->result)
			expected = ~0UL;
		if (i != RT && x[i] != expected)
			return false;
	}
	return x[RT] == cf->c->x6[0] || x[RT] == cf->c->x6[1];
}

static void try_completion(struct __test_metadata *_metadata, const struct completion *c)
{
	struct completion_flips cf = { .c = c };
	struct armvcpu_core_regs regs;
	struct pace pace = { .seconds = 1 };
	u64 seen[2] = { 0 };

	completion_init(&cf);
	completion_regs(&cf);
	/* Its first exit. */
	ASSERT_EQ(0, vcpu_run(&cf.f.vcpu));
	ASSERT_EQ(0, pthread_create(&cf.f.thread, NULL, flip_exit, &cf));
	while (goes_on(&pace, &cf.f.flips)) {
		completion_regs(&cf);
		ASSERT_EQ(0, vcpu_run(&cf.f.vcpu));
		vcpu_get_regs(&cf.f.vcpu, &regs);
		ASSERT_TRUE(completion_is_well(&cf)) {
			TH_LOG("%s: x6 0x%llx after %llu, x1 0x%llx", c->name,
			       (u64)cf.f.vcpu.run->x[RT], pace.calls, (u64)cf.f.vcpu.run->x[1]);
		}
		/* At the instruction; behind a call. */
		ASSERT_EQ(c->result ? RAM + 4 : RAM, regs.pc) {
			TH_LOG("%s", c->name);
		}
		ASSERT_EQ(PSTATE_RESET, regs.pstate);
		seen[cf.f.vcpu.run->x[RT] == c->x6[1]]++;
	}
	WRITE_ONCE(cf.f.done, true);
	pthread_join(cf.f.thread, NULL);
	check_pace(_metadata, &pace, c->name);
	if (c->x6[0] != c->x6[1]) {
		EXPECT_LT(0, seen[0]);
		EXPECT_LT(0, seen[1]);
	}
	vcpu_close(&cf.f.vcpu);
	vm_close(&cf.f.vm);
}

TEST(completion)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(completions); i++)
		try_completion(_metadata, &completions[i]);
}

/* ---- what RUN is asked for -------------------------------------------------- */

/* Each of its threads: so many places, each with two values, in turn. */
struct place {
	void *at;
	u8 size;
	u64 value[2];
};

struct places {
	const struct place *places;
	unsigned int count;
	bool done;
	u64 flips;
};

static void set_place(const struct place *p, u64 value)
{
	switch (p->size) {
	case 1:
		WRITE_ONCE(*(u8 *)p->at, value);
		break;
	case 4:
		WRITE_ONCE(*(u32 *)p->at, value);
		break;
	default:
		WRITE_ONCE(*(u64 *)p->at, value);
		break;
	}
}

static void *flip_places(void *arg)
{
	struct places *p = arg;
	u64 state = 1, n;
	unsigned int pause;

	flips_here();
	while (!READ_ONCE(p->done)) {
		n = next_random(&state);
		set_place(&p->places[(n >> 8) % p->count],
			  p->places[(n >> 8) % p->count].value[n >> 4 & 1]);
		/* As long as the module needs from one read to the next. */
		for (pause = n >> 32 & 63; pause; pause--)
			asm volatile("yield" : : : "memory");
		p->flips++;
	}
	return NULL;
}

/* An access to a register of the VMM's may be completed or retried, but is no abort. */
TEST(an_action)
{
	struct flips f = { 0 };
	struct place place = {
		.size = 1, .value = { ARMVCPU_ACTION_RETRY, ARMVCPU_ACTION_ABORT },
	};
	struct places p = { .places = &place, .count = 1 };
	struct pace pace = { .seconds = 2 };
	struct armvcpu_core_regs regs;
	u64 n[2] = { 0 };
	int ret;

	flips_init(&f);
	f.ram[0] = 0xd5300206;		/* mrs x6, mdccint_el1 */
	f.ram[1] = 0x17ffffff;		/* b .-4 */
	f.ram[(VECTORS - RAM + 0x200) / 4] = 0xd4002462;	/* hvc #0x123 */
	place.at = &f.vcpu.run->action;
	ASSERT_EQ(0, vcpu_run(&f.vcpu));
	ASSERT_EQ(0, pthread_create(&f.thread, NULL, flip_places, &p));
	while (goes_on(&pace, &p.flips)) {
		ret = vcpu_run(&f.vcpu);
		ASSERT_TRUE(!ret || ret == -EINVAL) {
			TH_LOG("%d", ret);
		}
		n[!ret]++;
		vcpu_get_regs(&f.vcpu, &regs);
		ASSERT_EQ(RAM, regs.pc);
	}
	WRITE_ONCE(p.done, true);
	pthread_join(f.thread, NULL);
	check_pace(_metadata, &pace, "action");
	EXPECT_LT(0, n[0]);
	EXPECT_LT(0, n[1]);
	vcpu_close(&f.vcpu);
	vm_close(&f.vm);
}

static void guest_exits_for_ever(void)
{
	for (;;)
		guest_read32(GUEST_MMIO);
}

#define SGI		3
#define SPI		40

/* Private interrupts and SPIs that are pending; of the former, only SGIs. */
static u64 pending(struct gic_vm *g)
{
	u64 private = g->version == 3 ?
		gic_get(&g->vm, ARMVCPU_GIC_REDIST, GICR_SGI + GICD_ISPENDR, 0) :
		gic_get(&g->vm, ARMVCPU_GIC_DIST, GICD_ISPENDR, 0);

	return (private & 0xffff) |
	       gic_get(&g->vm, ARMVCPU_GIC_DIST, GICD_ISPENDR + 4, 0) << 32;
}

/* Lines that RUN sets: what is not the VMM's to set, and what there is not, never is. */
TEST(lines)
{
	struct pace pace = { .seconds = 2 };
	struct places p = { 0 };
	u64 n[2] = { 0 }, now;
	struct gic_vm g;
	pthread_t thread;
	int ret;

	if (!gic_version(GIC_V2 | GIC_V3))
		SKIP(return, NO_GIC);
	gic_vm_init(&g, gic_version(GIC_V2 | GIC_V3), 1);
	vcpu_call(&g.vcpu[0], guest_exits_for_ever);

	struct armvcpu_run *run = g.vcpu[0].run;
	const struct place places[] = {
		{ &run->nr_lines, 4, { 1, ARMVCPU_RUN_LINES } },
		{ &run->nr_lines, 4, { 1, ARMVCPU_RUN_LINES + 1 } },
		{ &run->lines[0].intid, 4, { SPI, SGI } },
		{ &run->lines[0].intid, 4, { SPI, 0x10000000 } },
		{ &run->lines[0].level, 4, { 1, 7 } },
		{ &run->lines[1].intid, 4, { SPI, SGI } },
	};

	p.places = places;
	p.count = ARRAY_SIZE(places);
	for (now = 0; now < ARMVCPU_RUN_LINES; now++)
		run->lines[now].intid = SPI;
	ASSERT_EQ(0, pthread_create(&thread, NULL, flip_places, &p));
	while (goes_on(&pace, &p.flips)) {
		ret = vcpu_run(&g.vcpu[0]);
		ASSERT_TRUE(!ret || ret == -EINVAL) {
			TH_LOG("%d", ret);
		}
		n[!ret]++;
		now = pending(&g);
		ASSERT_EQ(0, now & ~((u64)BIT(SPI - 32) << 32)) {
			TH_LOG("pending: 0x%llx", now);
		}
	}
	WRITE_ONCE(p.done, true);
	pthread_join(thread, NULL);
	check_pace(_metadata, &pace, "lines");
	EXPECT_LT(0, n[0]);
	EXPECT_LT(0, n[1]);
}

/* ---- arguments ------------------------------------------------------------ */

static struct {
	u64 *word, good, bad;
	bool done;
	u64 flips;
} race;

static void *flip_word(void *arg)
{
	(void)arg;
	flips_here();
	while (!READ_ONCE(race.done)) {
		WRITE_ONCE(*race.word, race.good);
		WRITE_ONCE(*race.word, race.bad);
		race.flips++;
	}
	return NULL;
}

/* @try returns what the ioctl does: 0 with what was good, EINVAL with what was bad. */
static void race_for(struct __test_metadata *_metadata, u64 seconds, u64 *word, u64 good, u64 bad,
		     int (*try)(void *arg), bool (*is_well)(void *arg), void *arg)
{
	struct pace pace = { .seconds = seconds };
	pthread_t thread;
	u64 n[2] = { 0 };
	int ret;

	race.word = word;
	race.good = good;
	race.bad = bad;
	race.done = false;
	race.flips = 0;
	*word = good;
	ASSERT_EQ(0, pthread_create(&thread, NULL, flip_word, NULL));
	while (goes_on(&pace, &race.flips)) {
		ret = try(arg);
		ASSERT_TRUE(!ret || ret == -EINVAL) {
			TH_LOG("%d", ret);
		}
		n[!ret]++;
		ASSERT_TRUE(is_well(arg));
	}
	WRITE_ONCE(race.done, true);
	pthread_join(thread, NULL);
	check_pace(_metadata, &pace, "an argument");
	EXPECT_LT(0, n[0]);
	EXPECT_LT(0, n[1]);
}

struct regs_race {
	struct flips *f;
	struct armvcpu_core_regs regs;
	struct armvcpu_one_reg one;
};

static int try_core(void *arg)
{
	struct regs_race *r = arg;

	return xioctl(r->f->vcpu.fd, ARMVCPU_SET_CORE_REGS, &r->regs);
}

static int try_one(void *arg)
{
	struct regs_race *r = arg;

	return xioctl(r->f->vcpu.fd, ARMVCPU_SET_ONE_REG, &r->one);
}

static bool is_el1(void *arg)
{
	struct regs_race *r = arg;
	struct armvcpu_core_regs regs;

	vcpu_get_regs(&r->f->vcpu, &regs);
	return regs.pstate == PSTATE_RESET;
}

/* A mode that is EL2's. */
#define EL2H	(PSR_MASKED | 9)

TEST(arguments)
{
	struct flips f = { 0 };
	struct regs_race r = {
		.f = &f,
		.regs = { .pc = RAM },
		.one = { .id = ARMVCPU_REG_PSTATE },
	};

	flips_init(&f);
	race_for(_metadata, 2, &r.regs.pstate, PSTATE_RESET, EL2H, try_core, is_el1, &r);
	race_for(_metadata, 2, &r.one.value, PSTATE_RESET, EL2H, try_one, is_el1, &r);
	vcpu_close(&f.vcpu);
	vm_close(&f.vm);
}

int main(int argc, char **argv)
{
	/* A test ends without what is left in a buffer. */
	setlinebuf(stdout);
	calls_here();
	return harness_run(argc, argv);
}
