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

#include "vm.h"

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

/* Any word of the run struct; the registers and what RUN reads, more often. */
static void *flip_run(void *arg)
{
	struct flips *f = arg;
	u64 *page = (u64 *)f->vcpu.run, state = 1, words = page_size() / 8;

	while (!READ_ONCE(f->done)) {
		u64 n = next_random(&state), place = n >> 8;

		switch (n & 7) {
		case 0:
			WRITE_ONCE(page[place % words], n);
			break;
		case 1:
			WRITE_ONCE(f->vcpu.run->action, place % 5);
			break;
		case 2:
			WRITE_ONCE(f->vcpu.run->nr_lines, place % 10);
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
	printf("# %llu flips\n", f->flips);
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
	struct armvcpu_core_regs regs;
	u64 end, vbar, sctlr, ran = 0, refused = 0;
	int ret;

	flips_init(&f);
	sctlr = vcpu_get(&f.vcpu, ARMVCPU_REG_SYS(3, 0, 1, 0, 0));
	ASSERT_EQ(0, pthread_create(&f.thread, NULL, flip_run, &f));
	end = now_ns() + 4 * NSEC;
	while (now_ns() < end) {
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
		ASSERT_EQ(PSTATE_RESET, regs.pstate);
		vbar = vcpu_get(&f.vcpu, ARMVCPU_REG_SYS(3, 0, 12, 0, 0));
		ASSERT_EQ(VECTORS, vbar);
		ASSERT_EQ(sctlr, vcpu_get(&f.vcpu, ARMVCPU_REG_SYS(3, 0, 1, 0, 0)));
	}
	EXPECT_LT(100, ran);
	EXPECT_LT(0, refused);
	flips_end(&f);
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
	u64 end = now_ns() + seconds * NSEC, n[2] = { 0 };
	pthread_t thread;
	int ret;

	race.word = word;
	race.good = good;
	race.bad = bad;
	race.done = false;
	race.flips = 0;
	*word = good;
	ASSERT_EQ(0, pthread_create(&thread, NULL, flip_word, NULL));
	while (now_ns() < end) {
		ret = try(arg);
		ASSERT_TRUE(!ret || ret == -EINVAL) {
			TH_LOG("%d", ret);
		}
		n[!ret]++;
		ASSERT_TRUE(is_well(arg));
	}
	WRITE_ONCE(race.done, true);
	pthread_join(thread, NULL);
	printf("# %llu done, %llu refused, %llu flips\n", n[1], n[0], race.flips);
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
	return harness_run(argc, argv);
}
