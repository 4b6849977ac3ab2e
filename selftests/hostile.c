// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile guest (hostile/cases.h), and all that it must not change (hostile/oracles.h).
 *
 * hostile                                      some cases of each kind, always the same
 * hostile --time SECONDS [--seed N]            as many as there is time for, others each time
 * hostile --cases N [--seed N] [--kind KIND]
 * hostile --kind KIND --case N --seed N [--mmu 0|1]   one, told
 *
 * However a case ends, it ends: in the guest, by an exit, or because the guest has lost
 * itself, and is reset then. What must not be: an error of RUN, a fault at EL2, an exception
 * that nothing handles, or that a guest cannot have.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gic.h"
#include "hostile/guest.h"
#include "hostile/oracles.h"
#include "kselftest.h"
#include "system.h"
#include "vm.h"

#define GUARD		0x10000UL	/* around the guest's memory, a page at the least */
#define BATCH		1024
#define SMALL_BATCH	100
/* What the thread that runs the guest does for each takes a millisecond or two when debugged. */
#define TICK_US		4000
#define DEBUG_TICK_US	24000
/*
 * A case that has not come to its end after so many does not: it has timers of its own. A
 * time would not do, of which the thread may have had nothing.
 */
#define LOST_TICKS	10
/* Nothing at all: for all cases that follow one reset. Times system_scale(). */
#define STUCK_NS	(10000 * NSEC_PER_MSEC)

static const char * const kind_names[HOSTILE_KINDS] = {
	[HOSTILE_SYSREG] = "sysreg", [HOSTILE_INSN] = "insn", [HOSTILE_CALL] = "call",
	[HOSTILE_MMIO] = "mmio", [HOSTILE_TABLES] = "tables", [HOSTILE_AA32] = "aa32",
	[HOSTILE_ERET] = "eret", [HOSTILE_SELFMOD] = "selfmod", [HOSTILE_STORM] = "storm",
	[HOSTILE_GIC] = "gic", [HOSTILE_DEBUG] = "debug", [HOSTILE_REGS] = "regs",
};

/* Of the short run. */
static const u32 kind_cases[HOSTILE_KINDS] = {
	[HOSTILE_INSN] = 3000, [HOSTILE_CALL] = 1600, [HOSTILE_MMIO] = 2000,
	[HOSTILE_TABLES] = 1000, [HOSTILE_AA32] = 1000, [HOSTILE_ERET] = 400,
	[HOSTILE_SELFMOD] = 600, [HOSTILE_STORM] = 200, [HOSTILE_GIC] = 1000,
	[HOSTILE_DEBUG] = 600, [HOSTILE_REGS] = 600,
};

/*
 * ESR_EL1.EC of what EL1 can take (Arm ARM D19.2.37). HVC and SMC, ERET that traps, and
 * what comes from a lower level to EL2 alone are not among them. SVE's and SME's are, by
 * CPACR_EL1, which is looked at first.
 */
static const u8 ec_allowed[] = {
	0x00, 0x01, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0c, 0x0d, 0x0e, 0x11, 0x15, 0x18, 0x19, 0x1c,
	0x1d, 0x20, 0x21, 0x22, 0x24, 0x25, 0x26, 0x28, 0x2c, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35,
	0x38, 0x3c,
};

/**
 * struct hostile - a VM with a hostile guest
 * @vm: the VM.
 * @vcpu: its vCPU.
 * @region: all of the mapping: guard, text, guard, data, guard.
 * @size: of the mapping.
 * @text: the image.
 * @ctl: in the guest's data.
 * @ids: the registers of the vCPU,
 * @values: and what they hold after a reset.
 * @nr_regs: how many.
 * @gic: version, 0 for none.
 * @aa32: EL0 can run AArch32.
 * @state: of this test's random numbers.
 */
struct hostile {
	struct vm vm;
	struct vcpu vcpu;
	u8 *region;
	u64 size;
	u8 *text;
	struct hostile_ctl *ctl;
	u32 *ids;
	u64 *values;
	u32 nr_regs;
	u32 gic;
	bool aa32;
	u64 state;
};

/**
 * struct counts - how cases ended
 * @cases: how many.
 * @completed: behind their last instruction.
 * @exceptions: in one of the guest's own.
 * @interrupts: by the guest's timer, or another interrupt.
 * @lost: the guest did not come back.
 * @untold: the guest has written to its counts: how these ended is not known.
 * @exits: to the VMM, by ARMVCPU_EXIT_*; not those at the end of all cases.
 * @ec: @exceptions, by ESR_EL1.EC.
 */
struct counts {
	u64 cases;
	u64 completed;
	u64 exceptions;
	u64 interrupts;
	u64 lost;
	u64 untold;
	u64 exits[16];
	u64 ec[64];
};

static struct counts total;

/* ---- what ends a guest that spins -------------------------------------- */

static pthread_t runner;
static bool ticker_stop;
static u64 ticks;

static void on_tick(int sig)
{
	(void)sig;
	WRITE_ONCE(ticks, ticks + 1);
}

static void *ticker(void *arg)
{
	u32 us = system_is_debug() ? DEBUG_TICK_US : TICK_US;

	(void)arg;
	while (!READ_ONCE(ticker_stop)) {
		usleep(us);
		pthread_kill(runner, SIGUSR1);
	}
	return NULL;
}

/* ---- the VM ------------------------------------------------------------ */

static u8 guard_byte(u64 at)
{
	return at * 0x9d ^ at >> 8;
}

static bool is_guard(const struct hostile *h, u64 at)
{
	u64 data = GUARD + HOSTILE_TEXT_SIZE + GUARD;

	return at < GUARD || (at >= GUARD + HOSTILE_TEXT_SIZE && at < data) ||
	       at >= h->size - GUARD;
}

static void check_guards(const struct hostile *h)
{
	u64 at;

	for (at = 0; at < h->size; at++) {
		if (at == GUARD + HOSTILE_TEXT_SIZE + GUARD)
			at = h->size - GUARD;
		if (is_guard(h, at) && h->region[at] != guard_byte(at)) {
			oracle_wrong("the VMM's memory beside a slot has changed, at %llu", at);
			return;
		}
	}
	if (memcmp(h->text, hostile_image, hostile_image_size))
		oracle_wrong("a read-only slot has changed");
}

static void hostile_init(struct hostile *h, u32 gic)
{
	const u64 data_size = HOSTILE_END - HOSTILE_DATA;
	struct armvcpu_create_gic create = {
		.version = gic, .nr_irqs = 96, .max_vcpus = 1, .dist = HOSTILE_GICD,
		.cpu = gic == 2 ? HOSTILE_GICC : HOSTILE_GICR,
	};
	u64 at;
	u32 i;

	memset(h, 0, sizeof(*h));
	h->size = 3 * GUARD + HOSTILE_TEXT_SIZE + data_size;
	h->region = alloc_pages(h->size);
	h->text = h->region + GUARD;
	h->ctl = (struct hostile_ctl *)(h->text + HOSTILE_TEXT_SIZE + GUARD);
	for (at = 0; at < h->size; at++)
		if (is_guard(h, at))
			h->region[at] = guard_byte(at);
	memcpy(h->text, hostile_image, hostile_image_size);

	vm_init_bare(&h->vm, 0);
	h->gic = gic;
	if (gic)
		test_check(!xioctl(h->vm.fd, ARMVCPU_CREATE_GIC, &create));
	test_check(!vm_set_slot(&h->vm, 0, ARMVCPU_SLOT_READONLY, HOSTILE_TEXT,
				HOSTILE_TEXT_SIZE, h->text));
	test_check(!vm_set_slot(&h->vm, 1, 0, HOSTILE_DATA, data_size, h->ctl));
	vcpu_init(&h->vcpu, &h->vm, 0);
	h->ids = vcpu_reg_list(&h->vcpu, &h->nr_regs);
	h->values = calloc(h->nr_regs, sizeof(*h->values));
	test_check(h->values);
	for (i = 0; i < h->nr_regs; i++)
		h->values[i] = vcpu_get(&h->vcpu, h->ids[i]);
	h->aa32 = get_cap(h->vm.sys, ARMVCPU_CAP_AARCH32_EL0);
}

static void hostile_close(struct hostile *h)
{
	check_guards(h);
	vcpu_close(&h->vcpu);
	vm_close(&h->vm);
	munmap(h->region, h->size);
	free(h->ids);
	free(h->values);
}

/*
 * The guest's caches are off while its MMU is: what either side writes has to reach memory
 * before the other looks.
 */
static void sync_memory(const void *mem, u64 size)
{
	const char *at = mem, *end = at + size;

	asm volatile("dsb sy" : : : "memory");
	for (; at < end; at += 64)
		asm volatile("dc civac, %0" : : "r"(at) : "memory");
	asm volatile("dsb sy" : : : "memory");
}

static void sync_ctl(const struct hostile *h)
{
	sync_memory(h->ctl, sizeof(*h->ctl));
}

static void power_on(struct hostile *h)
{
	struct armvcpu_power power = { .state = ARMVCPU_POWER_ON };

	test_check(!xioctl(h->vcpu.fd, ARMVCPU_SET_POWER, &power));
}

/* The vCPU in the state of a reset, at the guest's beginning; its data is zero. */
static void hostile_reset(struct hostile *h, const struct hostile_options *o, u64 first, u64 count)
{
	struct armvcpu_core_regs regs = { .pc = HOSTILE_TEXT, .pstate = PSTATE_RESET };
	u32 i;

	for (i = 0; i < h->nr_regs; i++) {
		if ((h->ids[i] & ARMVCPU_REG_CLASS_MASK) != ARMVCPU_REG_CLASS_TIMER)
			vcpu_set(&h->vcpu, h->ids[i], h->values[i]);
	}
	vcpu_set_regs(&h->vcpu, &regs);
	/* For an exit that there is no more. */
	h->vcpu.run->action = ARMVCPU_ACTION_COMPLETE;
	power_on(h);
	if (h->gic)
		test_check(!xioctl(h->vm.fd, ARMVCPU_RESET_GIC, NULL));
	memset(h->ctl, 0, HOSTILE_BSS_SIZE);
	h->ctl->hosted = 1;
	h->ctl->state = HOSTILE_BUSY;
	h->ctl->options = *o;
	h->ctl->first = first;
	h->ctl->count = count;
	h->ctl->current = first;
	sync_memory(h->ctl, HOSTILE_BSS_SIZE);
}

/* ---- exits ------------------------------------------------------------- */

/* Whatever fits; what repeats the access comes to an end some time. */
static bool handle_exit(struct hostile *h, struct counts *counts)
{
	struct armvcpu_run *run = h->vcpu.run;
	u32 reason = run->exit_reason;
	u64 r = hostile_random(&h->state);

	if (reason == ARMVCPU_EXIT_HYPERCALL && run->u.call.imm == HOSTILE_CALL_IMM)
		return true;
	if (reason < ARRAY_SIZE(counts->exits))
		counts->exits[reason]++;
	switch (reason) {
	case ARMVCPU_EXIT_MMIO:
		run->u.mmio.data = run->u.mmio.is_write ? run->u.mmio.data : r;
		run->action = r % 8 < 6 ? ARMVCPU_ACTION_COMPLETE : ARMVCPU_ACTION_ABORT;
		return true;
	case ARMVCPU_EXIT_ABORT:
		run->action = r % 4 ? ARMVCPU_ACTION_ABORT : ARMVCPU_ACTION_COMPLETE;
		return true;
	case ARMVCPU_EXIT_SYSREG:
		run->u.sysreg.data = r;
		run->action = r % 4 ? ARMVCPU_ACTION_UNDEF : ARMVCPU_ACTION_COMPLETE;
		return true;
	case ARMVCPU_EXIT_HYPERCALL:
	case ARMVCPU_EXIT_SMC:
	case ARMVCPU_EXIT_PSCI:
	case ARMVCPU_EXIT_WFX:
		return true;
	case ARMVCPU_EXIT_FAIL:
		oracle_wrong("the guest fails: reason %u error %u ESR 0x%llx FAR 0x%llx PC 0x%llx",
			     run->u.fail.reason, run->u.fail.err, run->esr, run->far, run->pc);
		return false;
	}
	oracle_wrong("exit %u", reason);
	return false;
}

static bool is_allowed(u32 ec)
{
	u32 i;

	for (i = 0; i < sizeof(ec_allowed); i++)
		if (ec_allowed[i] == ec)
			return true;
	return false;
}

/*
 * The guest says that all of @count cases are over, and that it has done them all. A case can
 * write to either.
 */
static bool is_done(const struct hostile *h, u64 count)
{
	return READ_ONCE(h->ctl->state) == HOSTILE_DONE && READ_ONCE(h->ctl->done) == count;
}

/*
 * Adds what the guest has counted since its reset, in @count cases. Of one that has written
 * there, nothing but that.
 */
static void add_counts(const struct hostile *h, u64 count, struct counts *counts)
{
	const struct hostile_ctl *ctl = h->ctl;
	u64 exceptions = 0, sum;
	u32 ec;

	for (ec = 0; ec < 64; ec++)
		exceptions += ctl->ec[ec];
	sum = ctl->completed + ctl->interrupts + ctl->serrors + exceptions;
	/* One that was given up may have been counting. */
	if (sum > ctl->done + 1 || ctl->done > sum + 1 || ctl->done > count) {
		counts->untold += count;
		return;
	}
	counts->completed += ctl->completed;
	counts->interrupts += ctl->interrupts;
	counts->exceptions += exceptions;
	if (ctl->serrors)
		oracle_wrong("an SError in the guest, ESR 0x%llx, case %llu",
			     ctl->ec_esr[0x2f], ctl->ec_case[0x2f]);
	for (ec = 0; ec < 64; ec++) {
		counts->ec[ec] += ctl->ec[ec];
		if (ctl->ec[ec] && !is_allowed(ec))
			oracle_wrong("an exception in the guest, ESR 0x%llx, case %llu",
				     ctl->ec_esr[ec], ctl->ec_case[ec]);
	}
}

static void print_case(const struct hostile_options *o, u64 number)
{
	struct hostile_case c;
	u32 i;

	hostile_make(&c, o, number);
	printf("#   KIND=%s SEED=%llu MMU=%u CASE=%llu, at EL%u:", kind_names[o->kind],
	       o->seed, o->mmu, number, (c.flags & HOSTILE_EL0) ? 0U : 1U);
	for (i = 0; i < c.nr; i++)
		printf(" %08x", c.insn[i]);
	printf("\n");
}

/*
 * Cases from @first on. A guest that has lost itself is reset and goes on behind the case
 * that did it. Returns false if something was wrong.
 */
static bool run_cases(struct hostile *h, const struct hostile_options *o, u64 first, u64 count,
		      struct counts *counts)
{
	u64 end = first + count, at, since_tick, wrongs = oracle_wrongs(), seen, stuck;
	int ret;

	h->state = o->seed ^ first;
	while (first < end) {
		u64 known = first;

		hostile_reset(h, o, first, end - first);
		at = ~0UL;
		since_tick = READ_ONCE(ticks);
		stuck = now_ns() + STUCK_NS * system_scale();
		for (;;) {
			ret = oracle_run(&h->vcpu);
			sync_ctl(h);
			seen = READ_ONCE(h->ctl->current);
			if (seen >= first && seen < end)
				known = seen;
			if (!ret && !handle_exit(h, counts))
				break;
			if (ret == -EAGAIN) {
				/* CPU_OFF: the VMM switches it on again. */
				power_on(h);
				continue;
			}
			if (ret && ret != -EINTR) {
				oracle_wrong("ARMVCPU_RUN: %s", strerror(-ret));
				break;
			}
			if (is_done(h, end - first))
				break;
			if (seen != at) {
				at = seen;
				since_tick = READ_ONCE(ticks);
			} else if (READ_ONCE(ticks) - since_tick >= LOST_TICKS) {
				break;
			}
			if (now_ns() > stuck) {
				oracle_wrong("it does not end");
				break;
			}
		}
		if (is_done(h, end - first))
			known = end - 1;
		else
			counts->lost++;
		add_counts(h, known + 1 - first, counts);
		counts->cases += known + 1 - first;
		first = known + 1;
		if (oracle_wrongs() != wrongs) {
			printf("# at or before:\n");
			print_case(o, known);
			return false;
		}
	}
	return true;
}

static void print_counts(const char *name, const struct counts *c)
{
	u32 ec;

	printf("# %s: %llu cases: %llu to their end, %llu exceptions, %llu interrupts, %llu lost,",
	       name, c->cases, c->completed, c->exceptions, c->interrupts, c->lost);
	printf(" %llu not known;", c->untold);
	printf(" exits: %llu MMIO, %llu ABORT, %llu SYSREG, %llu calls, %llu PSCI, %llu WFX\n",
	       c->exits[ARMVCPU_EXIT_MMIO], c->exits[ARMVCPU_EXIT_ABORT],
	       c->exits[ARMVCPU_EXIT_SYSREG],
	       c->exits[ARMVCPU_EXIT_HYPERCALL] + c->exits[ARMVCPU_EXIT_SMC],
	       c->exits[ARMVCPU_EXIT_PSCI], c->exits[ARMVCPU_EXIT_WFX]);
	printf("#   by ESR_EL1.EC:");
	for (ec = 0; ec < 64; ec++)
		if (c->ec[ec])
			printf(" 0x%02x: %llu", ec, c->ec[ec]);
	printf("\n");
	fflush(stdout);
}

static void add_to_total(const struct counts *c)
{
	u32 i;

	total.cases += c->cases;
	total.completed += c->completed;
	total.exceptions += c->exceptions;
	total.interrupts += c->interrupts;
	total.lost += c->lost;
	total.untold += c->untold;
	for (i = 0; i < ARRAY_SIZE(c->ec); i++)
		total.ec[i] += c->ec[i];
	for (i = 0; i < ARRAY_SIZE(c->exits); i++)
		total.exits[i] += c->exits[i];
}

/* ---- whether they were cases at all ------------------------------------ */

static u64 sum_ec(const struct counts *c, u32 first, u32 last)
{
	u64 sum = 0;

	for (; first <= last; first++)
		sum += c->ec[first];
	return sum;
}

/* What shows that cases of a kind have done what they are for, and how often it is at least. */
static u64 has_happened(const struct counts *c, u32 kind, u32 *least)
{
	u64 aborts = sum_ec(c, 0x20, 0x21) + sum_ec(c, 0x24, 0x25);

	switch (kind) {
	case HOSTILE_CALL:
		*least = 100;
		return c->exits[ARMVCPU_EXIT_HYPERCALL] + c->exits[ARMVCPU_EXIT_SMC];
	case HOSTILE_MMIO:
		*least = 50;
		return c->exits[ARMVCPU_EXIT_MMIO] + c->exits[ARMVCPU_EXIT_ABORT];
	case HOSTILE_TABLES:
		*least = 200;
		return aborts;
	case HOSTILE_AA32:
		/* SVC and BKPT of AArch32. */
		*least = 50;
		return aborts + c->ec[0x11] + c->ec[0x38];
	case HOSTILE_ERET:
		/* Illegal states, PC alignment. */
		*least = 50;
		return c->ec[0x0e] + c->ec[0x22];
	case HOSTILE_SELFMOD:
		*least = 30;
		return c->completed + aborts;
	case HOSTILE_STORM:
		*least = 20;
		return c->interrupts;
	case HOSTILE_DEBUG:
		/* Breakpoints, steps, watchpoints. */
		*least = 20;
		return sum_ec(c, 0x30, 0x35);
	}
	*least = 100;
	return c->completed;
}

/*
 * A run whose cases are lost, or are interrupted before they begin, has shown nothing; nor
 * has one whose guest does not know how they ended. Of @kind, or of all.
 */
static bool were_cases(const struct counts *c, u32 kind)
{
	bool ok = true;

	if (c->untold * 20 > c->cases) {
		printf("# how %llu of %llu cases ended is not known\n", c->untold, c->cases);
		ok = false;
	}
	if (kind != HOSTILE_STORM && (c->completed + c->exceptions) * 2 < c->cases) {
		printf("# %llu of %llu cases have come to an end of their own\n",
		       c->completed + c->exceptions, c->cases);
		ok = false;
	}
	return ok;
}

/* ---- what to run ------------------------------------------------------- */

static u64 seed = 1;

static struct hostile_options options_for(const struct hostile *h, u32 kind, u32 mmu)
{
	struct hostile_options o = {
		.seed = seed, .kind = kind, .gic = h->gic, .aa32 = h->aa32, .mmu = mmu,
		/* With the MMU off it keeps control whatever it writes, but to these. */
		.tame = kind == HOSTILE_SYSREG,
	};

	return o;
}

/*
 * Every system register that has a name in op0 2 and 3 of op1 0 and 3, and one in @step of
 * all encodings; at EL1 and EL0, read and written.
 */
static bool run_sysregs(struct hostile *h, u32 step, struct counts *counts)
{
	struct hostile_options o = options_for(h, HOSTILE_SYSREG, 0);
	u32 group, first;

	for (group = 0; group < HOSTILE_SYSREG_CASES; group += 0x80) {
		/* 128 encodings: CRm and op2 of one op0, op1, CRn. */
		first = group & 0xffff;
		if ((group >> 7) % step && first >> 11 != 0x18 && first >> 11 != 0x1b &&
		    first >> 7 != 0x100)
			continue;
		if (!run_cases(h, &o, group, 0x80, counts))
			return false;
	}
	return true;
}

static void test_kind(struct hostile *h, u32 kind)
{
	u64 n, wrongs = oracle_wrongs(), begin = now_ns();
	struct counts counts = { 0 };
	struct hostile_options o;
	bool ok = true;
	u32 mmu, least;
	u64 happened;

	if (kind == HOSTILE_AA32 && !h->aa32) {
		ksft_test_result_skip("%s: EL0 cannot run AArch32 here\n", kind_names[kind]);
		return;
	}
	if ((kind == HOSTILE_GIC || kind == HOSTILE_STORM) && !h->gic) {
		ksft_test_result_skip("%s: the host's GIC cannot do it\n", kind_names[kind]);
		return;
	}
	if (kind == HOSTILE_SYSREG) {
		ok = run_sysregs(h, 64, &counts);
	} else {
		for (mmu = 0; mmu < 2 && ok; mmu++) {
			o = options_for(h, kind, mmu);
			for (n = 0; n < kind_cases[kind] / 2 && ok; n += SMALL_BATCH)
				ok = run_cases(h, &o, n, SMALL_BATCH, &counts);
		}
	}
	check_guards(h);
	print_counts(kind_names[kind], &counts);
	add_to_total(&counts);
	printf("#   in %llu ms\n", (now_ns() - begin) / NSEC_PER_MSEC);
	happened = has_happened(&counts, kind, &least);
	if (happened < least) {
		printf("# what these cases are for has happened %llu times, not %u\n",
		       happened, least);
		ok = false;
	}
	ok = were_cases(&counts, kind) && ok;
	ksft_test_result(ok && oracle_wrongs() == wrongs, "%s\n", kind_names[kind]);
}

/* Until the time is over, or the number reached: all kinds in turn, or one. */
static bool fuzz(struct hostile *h, u64 seconds, u64 cases, u32 only)
{
	u64 end = now_ns() + seconds * 1000000000UL, round, told = now_ns();
	bool ok = true;
	u32 kind;

	for (round = 0; ok; round++) {
		for (kind = 0; kind < HOSTILE_KINDS && ok; kind++) {
			struct hostile_options o = options_for(h, kind, round % 2);
			u64 count = kind_cases[kind] / 4, first = round * count;

			if ((only < HOSTILE_KINDS && kind != only) ||
			    (kind == HOSTILE_AA32 && !h->aa32))
				continue;
			if (kind == HOSTILE_SYSREG) {
				/* All of them, again and again, with other values. */
				count = BATCH;
				first = round * count % HOSTILE_SYSREG_CASES;
				o.seed += round * count / HOSTILE_SYSREG_CASES;
				o.mmu = 0;
			}
			if (cases && total.cases + count > cases)
				count = cases - total.cases;
			ok = run_cases(h, &o, first, count, &total);
			if (cases && total.cases >= cases)
				return ok;
			if (!cases && now_ns() > end)
				return ok;
		}
		if (now_ns() - told > 30000000000UL) {
			told = now_ns();
			print_counts("so far", &total);
		}
	}
	return ok;
}

static u32 kind_of(const char *name)
{
	u32 kind;

	for (kind = 0; kind < HOSTILE_KINDS; kind++)
		if (!strcmp(name, kind_names[kind]))
			return kind;
	fprintf(stderr, "hostile: no such kind: %s\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	/* RUN is EINTR in any case. */
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
	u64 seconds = 0, cases = 0, one = ~0UL, begin, ns;
	const char *what = "oracles";
	bool ok = true;
	u32 kind = HOSTILE_KINDS, mmu = 0;
	struct hostile h;
	pthread_t tick;
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		u64 value = strtoul(argv[i + 1], NULL, 0);

		if (!strcmp(argv[i], "--time"))
			seconds = value;
		else if (!strcmp(argv[i], "--cases"))
			cases = value;
		else if (!strcmp(argv[i], "--seed"))
			seed = value;
		else if (!strcmp(argv[i], "--mmu"))
			mmu = value;
		else if (!strcmp(argv[i], "--case"))
			one = value;
		else if (!strcmp(argv[i], "--kind"))
			kind = kind_of(argv[i + 1]);
		else
			break;
	}
	if (i < argc || (one != ~0UL && kind == HOSTILE_KINDS)) {
		fprintf(stderr, "hostile: what is %s?\n", argv[i < argc ? i : argc - 1]);
		return 2;
	}

	setvbuf(stdout, NULL, _IOLBF, 0);
	hostile_init(&h, gic_version(GIC_V2 | GIC_V3));
	if (kind == HOSTILE_AA32 && !h.aa32) {
		fprintf(stderr, "hostile: aa32: EL0 cannot run AArch32 here\n");
		return 2;
	}
	ksft_print_header();
	sigaction(SIGUSR1, &action, NULL);
	runner = pthread_self();
	oracles_begin();
	/* What an oracle's thread blocks is none of its business. */
	test_check(!pthread_create(&tick, NULL, ticker, NULL));
	begin = now_ns();

	if (one != ~0UL) {
		struct hostile_options o = options_for(&h, kind, mmu);

		ksft_set_plan(1);
		what = "case";
		print_case(&o, one);
		ok = run_cases(&h, &o, one, 1, &total);
		if (total.exceptions)
			for (i = 0; i < 64; i++)
				if (h.ctl->ec[i])
					printf("# ESR_EL1 0x%llx\n", (u64)h.ctl->ec_esr[i]);
	} else if (seconds || cases) {
		ksft_set_plan(1);
		what = "fuzz";
		printf("# seed %llu\n", seed);
		ok = fuzz(&h, seconds, cases, kind);
		/* A few may all be of those that are interrupted. */
		if (total.cases >= 100)
			ok = were_cases(&total, kind) && ok;
	} else {
		ksft_set_plan(HOSTILE_KINDS + 1);
		for (kind = 0; kind < HOSTILE_KINDS; kind++)
			test_kind(&h, kind);
	}
	ns = now_ns() - begin;
	WRITE_ONCE(ticker_stop, true);
	pthread_join(tick, NULL);
	oracles_end();
	hostile_close(&h);
	print_counts("in all", &total);
	printf("# %llu cases in %llu.%llu s, %llu a second\n", total.cases, ns / 1000000000,
	       ns / 100000000 % 10, total.cases * 1000 / (ns / 1000000 + 1));
	oracles_print();
	ksft_test_result(ok && !oracle_wrongs(), "%s\n", what);
	ksft_finished();
}
