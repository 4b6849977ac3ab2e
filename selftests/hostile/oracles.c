// SPDX-License-Identifier: GPL-2.0
/* What a hostile guest must not change; see oracles.h. */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hostile/oracles.h"
#include "system.h"

/* How long an oracle may not look, in milliseconds; times what RIG_TIMEOUT_SCALE says. */
#define LONGEST_MS	2000UL
/*
 * However slow the host is, the guest has its time: an oracle rests for so many times as long as
 * it has been at work.  That can be a stall of the machine that emulates it, so not for long.
 */
#define REST		8
#define LONGEST_REST_NS	(100 * NSEC_PER_MSEC)

/**
 * struct oracle - one that looks at something again and again
 * @name: at what.
 * @looks: how often it has.
 * @last_ns: when.
 * @longest_ns: from one look to the next, at most.
 * @absent: the host does not have what it looks at.
 */
struct oracle {
	const char *name;
	u64 looks;
	u64 last_ns;
	u64 longest_ns;
	bool absent;
};

static struct oracle spins = { "a thread's registers" }, probes = { "what EL0 reads" };
static struct oracle watches = { "a watchpoint" }, sleeps = { "the host's timer" };
static struct oracle sums = { "the other VM" };
static struct oracle * const oracles[] = { &spins, &probes, &watches, &sleeps, &sums };

static bool stop;
static u64 wrongs;
static u64 runs;
static u64 latest_ns;

static u64 lateness_ms(void)
{
	return ORACLE_LATENESS_MS * (system_is_debug() ? system_scale() : 1);
}

void oracle_wrong(const char *format, ...)
{
	va_list args;

	/* One may be many. */
	if (__atomic_fetch_add(&wrongs, 1, __ATOMIC_RELAXED) > 20)
		return;
	flockfile(stdout);
	printf("# wrong: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	funlockfile(stdout);
}

u64 oracle_wrongs(void)
{
	return READ_ONCE(wrongs);
}

static void gap(struct oracle *o)
{
	u64 now = now_ns(), ns = now - o->last_ns;

	if (ns > o->longest_ns)
		o->longest_ns = ns;
	o->last_ns = now;
}

static void looked(struct oracle *o)
{
	gap(o);
	WRITE_ONCE(o->looks, o->looks + 1);
}

static u64 clock_ns(clockid_t clock)
{
	struct timespec ts;

	/* A system call: the vDSO would read the counter that is in question. */
	syscall(SYS_clock_gettime, clock, &ts);
	return ts.tv_sec * 1000000000UL + ts.tv_nsec;
}

/* How long the calling thread, which has looked, rests: at least @least_ns. */
static u64 rest_ns(u64 least_ns)
{
	static __thread u64 last;
	u64 now = clock_ns(CLOCK_THREAD_CPUTIME_ID), ns = (now - last) * REST;

	last = now;
	if (ns > LONGEST_REST_NS)
		ns = LONGEST_REST_NS;
	return ns > least_ns ? ns : least_ns;
}

static void rest(u64 least_us)
{
	usleep(rest_ns(least_us * 1000) / 1000);
}

/* ---- registers --------------------------------------------------------- */

static void fill_regs(struct oracle_regs *regs, u64 seed)
{
	unsigned int i;

	for (i = 0; i < 31; i++)
		regs->x[i] = seed + i * 0x0101010101010101UL;
	for (i = 0; i < 64; i++)
		regs->v[i / 2][i % 2] = ~seed - i * 0x1010101010101UL;
	regs->nzcv = (seed & 0xf) << 28;
	/* Rounding, default NaN; saturation, inexact. */
	regs->fpcr = (seed & 3) << 22 | (seed >> 2 & 1) << 25;
	regs->fpsr = (seed & 1) << 27 | (seed >> 1 & 1) << 4;
}

static void compare_regs(const char *who, const struct oracle_regs *in,
			 const struct oracle_regs *out)
{
	const u64 *a = (const u64 *)in, *b = (const u64 *)out;
	unsigned int i;

	/* x0 is the result. */
	for (i = 1; i < sizeof(*in) / sizeof(u64); i++) {
		if (a[i] == b[i])
			continue;
		if (i < 31)
			oracle_wrong("%s: x%u is 0x%llx, not 0x%llx", who, i, b[i], a[i]);
		else if (i < 34)
			oracle_wrong("%s: %s is 0x%llx, not 0x%llx", who,
				     i == 31 ? "NZCV" : i == 32 ? "FPCR" : "FPSR", b[i], a[i]);
		else
			oracle_wrong("%s: v%u is 0x%llx, not 0x%llx", who, (i - 34) / 2, b[i],
				     a[i]);
	}
}

/* Pointers signed with each key, by a core that has them: of the keys a process has. */
static const struct pac_key {
	const char *name;
	u64 (*sign)(u64 value, u64 context);
} pac_keys[] = {
	{ "APIAKey", oracle_pacia }, { "APIBKey", oracle_pacib },
	{ "APDAKey", oracle_pacda }, { "APDBKey", oracle_pacdb },
};

static u64 pacs[ARRAY_SIZE(pac_keys)];
static u64 signs;

static bool has_pac(void)
{
	return getauxval(AT_HWCAP) & HWCAP_PACA;
}

static u64 sign(unsigned int i)
{
	return pac_keys[i].sign(0x7654321000, 0x123);
}

/*
 * The thread that has called RUN: Linux loads the keys (but for APIAKey) when it switches
 * to another thread, which would hide what is wrong.
 */
static void check_keys(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pacs); i++) {
		u64 now = sign(i);

		if (now != pacs[i])
			oracle_wrong("%s: a pointer is signed 0x%llx, not 0x%llx", pac_keys[i].name,
				     now, pacs[i]);
	}
	signs++;
}

static u64 tpidr(void)
{
	return (u64)__builtin_thread_pointer();
}

static u64 watched_word;
/* Of the thread that runs the guest, and how often it has been looked at. */
static int own_watch = -1;
static u64 own_looks;

/* Negative if the host has none. */
static int watch_open(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT, .size = sizeof(attr), .bp_type = HW_BREAKPOINT_W,
		.bp_addr = (u64)&watched_word, .bp_len = HW_BREAKPOINT_LEN_8,
		.sample_period = 1 << 30, .exclude_kernel = 1, .exclude_hv = 1,
	};

	int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	/* No perf (ENOSYS), or no watchpoints. Whatever else is not for want of one. */
	if (fd < 0 && ((errno != ENOENT && errno != ENODEV && errno != EOPNOTSUPP &&
			errno != ENOSYS) || system_is_debug()))
		oracle_wrong("no watchpoint: %m");
	return fd;
}

/* The thread's own has to see ten writes, and @more perhaps. */
static void watch_look(int fd, u64 more)
{
	u64 before = 0, after = 0, i;

	if (read(fd, &before, 8) != 8)
		oracle_wrong("a watchpoint is gone: %m");
	for (i = 0; i < 10; i++)
		WRITE_ONCE(watched_word, i);
	if (read(fd, &after, 8) != 8 || after < before + 10 || after > before + 10 + more)
		oracle_wrong("a watchpoint has seen %llu of 10 writes", after - before);
}

int oracle_run(struct vcpu *vcpu)
{
	struct oracle_regs in, out;
	u64 thread = tpidr();

	fill_regs(&in, ++runs * 0x9e3779b97f4a7c15UL);
	in.x[0] = vcpu->fd;
	in.x[1] = ARMVCPU_RUN;
	in.x[2] = 0;
	in.x[8] = SYS_ioctl;
	oracle_svc(&in, &out);
	if (has_pac())
		check_keys();
	compare_regs("the thread that runs the guest", &in, &out);
	/*
	 * Linux writes the registers of any other thread's anew when that runs.  It counts a
	 * write twice if the thread is preempted before its step over it is done.
	 */
	if (runs % 8 == 1 && own_watch >= 0) {
		watch_look(own_watch, 10);
		own_looks++;
	}
	if (tpidr() != thread)
		oracle_wrong("TPIDR_EL0 is 0x%llx, not 0x%llx", tpidr(), thread);
	return (int)out.x[0];
}

/* One that the guest interrupts, on any CPU. */
static void *spin_thread(void *arg)
{
	struct oracle_regs in, out;
	u64 n = 1;

	(void)arg;
	while (!READ_ONCE(stop)) {
		fill_regs(&in, n++ * 0xd1342543de82ef95UL);
		in.x[0] = 20000;
		oracle_spin(&in, &out);
		compare_regs("a thread beside it", &in, &out);
		looked(&spins);
		rest(2000);
	}
	return NULL;
}

/* ---- what EL0 may read ------------------------------------------------- */

static __thread sigjmp_buf illegal;

static void on_illegal(int sig)
{
	siglongjmp(illegal, sig);
}

#define S(reg) static u64 read_##reg(void) { return read_sysreg(reg); }
S(S3_3_C0_C0_1)		/* CTR_EL0 */
S(S3_3_C0_C0_7)		/* DCZID_EL0 */
S(S3_0_C0_C0_0)		/* MIDR_EL1 */
S(S3_3_C4_C2_1)		/* DAIF */
S(S3_3_C9_C12_0)	/* PMCR_EL0 */
S(S3_3_C9_C12_5)	/* PMSELR_EL0 */
S(S3_3_C9_C13_0)	/* PMCCNTR_EL0 */
S(S3_3_C9_C14_0)	/* PMUSERENR_EL0 */
S(S3_3_C13_C0_3)	/* TPIDRRO_EL0 */
S(S3_3_C14_C0_0)	/* CNTFRQ_EL0 */
S(S3_3_C14_C0_1)	/* CNTPCT_EL0 */
S(S3_3_C14_C0_2)	/* CNTVCT_EL0 */
S(S3_3_C14_C2_1)	/* CNTP_CTL_EL0 */
S(S3_3_C14_C3_1)	/* CNTV_CTL_EL0 */
S(S2_3_C0_C1_0)		/* MDCCSR_EL0 */
S(S3_3_C14_C8_0)	/* PMEVCNTR0_EL0 */

/* What a process may read and what not is the host's EL1 to say, and it stays like that. */
static const struct probe {
	const char *name;
	u64 (*read)(void);
	bool changes;
} probe_list[] = {
	{ "CTR_EL0", read_S3_3_C0_C0_1 },
	{ "DCZID_EL0", read_S3_3_C0_C0_7 },
	/* Of the CPU that the thread is on; the same in a host with one kind of cores. */
	{ "MIDR_EL1", read_S3_0_C0_C0_0, true },
	{ "DAIF", read_S3_3_C4_C2_1 },
	{ "PMCR_EL0", read_S3_3_C9_C12_0 },
	{ "PMSELR_EL0", read_S3_3_C9_C12_5, true },
	{ "PMCCNTR_EL0", read_S3_3_C9_C13_0, true },
	{ "PMUSERENR_EL0", read_S3_3_C9_C14_0 },
	{ "TPIDRRO_EL0", read_S3_3_C13_C0_3, true },
	{ "CNTFRQ_EL0", read_S3_3_C14_C0_0 },
	{ "CNTPCT_EL0", read_S3_3_C14_C0_1, true },
	{ "CNTVCT_EL0", read_S3_3_C14_C0_2, true },
	{ "CNTP_CTL_EL0", read_S3_3_C14_C2_1 },
	{ "CNTV_CTL_EL0", read_S3_3_C14_C3_1 },
	{ "MDCCSR_EL0", read_S2_3_C0_C1_0 },
	{ "PMEVCNTR0_EL0", read_S3_3_C14_C8_0, true },
};

struct probed {
	bool legal;
	u64 value;
};

static struct probed probed[ARRAY_SIZE(probe_list)];

static struct probed probe(const struct probe *p)
{
	struct probed got = { 0 };

	if (!sigsetjmp(illegal, 1)) {
		got.value = p->read();
		got.legal = true;
	}
	return got;
}

/* What CNTVCT_EL0 may be beside the kernel's clock, which has its counter and no offset. */
#define COUNTER_NS	(5 * NSEC_PER_MSEC)

/**
 * struct moment - CNTVCT_EL0, and what the kernel's clock was meanwhile
 * @count: CNTVCT_EL0.
 * @before: before it was read.
 * @after: and after that: whoever came between is in there.
 */
struct moment {
	u64 count;
	u64 before;
	u64 after;
};

static struct moment read_moment(void)
{
	struct moment m;

	m.before = clock_ns(CLOCK_MONOTONIC_RAW);
	m.count = read_S3_3_C14_C0_2();
	m.after = clock_ns(CLOCK_MONOTONIC_RAW);
	return m;
}

/* Of so many the one that nobody came between, or for the shortest time. */
static struct moment short_moment(void)
{
	struct moment m, best = read_moment();
	unsigned int i;

	for (i = 0; i < 1000 && best.after - best.before >= NSEC_PER_MSEC; i++) {
		m = read_moment();
		if (m.after - m.before < best.after - best.before)
			best = m;
	}
	return best;
}

/*
 * CNTVCT_EL0 has gone on as the kernel's clock since @from: no offset of a guest's was left in
 * there. 0, or by how many nanoseconds it has not.
 */
static s64 counter_is_off(const struct moment *from, u64 hz)
{
	struct moment now = read_moment();
	u64 before = now.before - from->after, after = now.after - from->before;
	u64 count = now.count - from->count;
	u64 ns = count / hz * 1000000000UL + count % hz * 1000000000UL / hz;
	u64 may = COUNTER_NS + before / 1000;

	if (ns + may < before)
		return ns - before;
	return ns > after + may ? ns - after : 0;
}

static void *probe_thread(void *arg)
{
	u64 last = 0, hz = read_S3_3_C14_C0_0();
	const struct moment from = short_moment();
	unsigned int i;
	u64 count;
	s64 off;

	(void)arg;
	while (!READ_ONCE(stop)) {
		for (i = 0; i < ARRAY_SIZE(probe_list); i++) {
			struct probed now = probe(&probe_list[i]);

			if (now.legal != probed[i].legal ||
			    (!probe_list[i].changes && now.value != probed[i].value))
				oracle_wrong("%s at EL0: %s 0x%llx, not %s 0x%llx",
					     probe_list[i].name, now.legal ? "" : "SIGILL",
					     now.value, probed[i].legal ? "" : "SIGILL",
					     probed[i].value);
		}
		count = read_S3_3_C14_C0_2();
		if (count < last)
			oracle_wrong("CNTVCT_EL0 goes back from 0x%llx to 0x%llx", last, count);
		last = count;
		off = counter_is_off(&from, hz);
		if (off)
			oracle_wrong("CNTVCT_EL0 is %lld us off", off / 1000);
		looked(&probes);
		rest(3000);
	}
	return NULL;
}

/* ---- watchpoints of the host's ----------------------------------------- */

/* It counts each of the thread's writes, wherever that runs. */
static void *watch_thread(void *arg)
{
	int fd = watch_open();

	(void)arg;
	if (fd < 0) {
		WRITE_ONCE(watches.absent, true);
		return NULL;
	}
	while (!READ_ONCE(stop)) {
		watch_look(fd, 0);
		looked(&watches);
		rest(5000);
	}
	close(fd);
	return NULL;
}

/* ---- the host's timer -------------------------------------------------- */

static void *sleep_thread(void *arg)
{
	struct sched_param param = { .sched_priority = 1 };
	u64 until, late, most = lateness_ms() * NSEC_PER_MSEC;
	struct timespec ts;

	(void)arg;
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
	until = now_ns();
	while (!READ_ONCE(stop)) {
		until += rest_ns(NSEC_PER_MSEC);
		ts.tv_sec = until / 1000000000;
		ts.tv_nsec = until % 1000000000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		late = now_ns() - until;
		if (late > latest_ns)
			latest_ns = late;
		if (late > most)
			oracle_wrong("a timer came %llu ms late", late / NSEC_PER_MSEC);
		/* Those that were missed are over. */
		until = now_ns();
		looked(&sleeps);
	}
	return NULL;
}

/* ---- another VM -------------------------------------------------------- */

#define SUM_WORDS	4096

static u64 sum_data[SUM_WORDS] __aligned(4096);

/* The same at both sides. */
static u64 sum_step(u64 sum, u64 word)
{
	sum = (sum ^ word) * 0x9fb21c651e98df25UL;
	return sum ^ sum >> 29;
}

static u64 sum_word(u64 i)
{
	return i * 0x2545f4914f6cdd1dUL;
}

/* Not from memory: what has been written to that is in the guest's sum alone. */
static u64 sum_value(u64 round)
{
	u64 sum = round, i;

	for (i = 0; i < SUM_WORDS; i++)
		sum = sum_step(sum, sum_word(i));
	return sum;
}

static void guest_sums(void)
{
	u64 round, fp, i, sum;

	write_sysreg(0x1111, tpidr_el0);
	write_sysreg(0x2222, tpidr_el1);
	write_sysreg(0x3333, tpidrro_el0);
	oracle_fp_set(0x4444);
	fp = oracle_fp_sum();
	for (round = 0; ; round++) {
		sum = round;
		for (i = 0; i < SUM_WORDS; i++)
			sum = sum_step(sum, sum_data[i]);
		GUEST_ASSERT_EQ(0x1111, read_sysreg(tpidr_el0));
		GUEST_ASSERT_EQ(0x2222, read_sysreg(tpidr_el1));
		GUEST_ASSERT_EQ(0x3333, read_sysreg(tpidrro_el0));
		GUEST_ASSERT_EQ(fp, oracle_fp_sum());
		GUEST_ASSERT_EQ((u64)guest_vectors, read_sysreg(vbar_el1));
		GUEST_SYNC_ARGS(round, sum, 0, 0);
	}
}

static void *sum_thread(void *arg)
{
	struct vcpu vcpu;
	struct vm vm;
	u64 round = 0;
	int ret;

	(void)arg;
	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	vcpu_call(&vcpu, guest_sums);
	while (!READ_ONCE(stop)) {
		ret = vcpu_run_exit(&vcpu);
		if (ret || !vcpu_is_ucall(&vcpu) || vcpu.run->u.call.nr != UCALL_SYNC ||
		    vcpu.run->x[1] != round) {
			vcpu_print_exit(&vcpu);
			oracle_wrong("the other VM is not where it should be: %d, round %llu", ret,
				     round);
			break;
		}
		if (vcpu_sync_arg(&vcpu, 0) != sum_value(round))
			oracle_wrong("the other VM's sum is 0x%llx", vcpu_sync_arg(&vcpu, 0));
		round++;
		looked(&sums);
		rest(1000);
	}
	vcpu_close(&vcpu);
	vm_close(&vm);
	return NULL;
}

/* ---- all of them ------------------------------------------------------- */

static void *(*const threads[])(void *) = {
	spin_thread, probe_thread, watch_thread, sleep_thread, sum_thread,
};

static pthread_t ids[ARRAY_SIZE(threads)];

void oracles_begin(void)
{
	struct sigaction action = { .sa_handler = on_illegal };
	unsigned int i;

	sigaction(SIGILL, &action, NULL);
	for (i = 0; i < SUM_WORDS; i++)
		sum_data[i] = sum_word(i);
	for (i = 0; i < ARRAY_SIZE(probe_list); i++)
		probed[i] = probe(&probe_list[i]);
	for (i = 0; i < ARRAY_SIZE(pacs) && has_pac(); i++)
		pacs[i] = sign(i);
	for (i = 0; i < ARRAY_SIZE(oracles); i++)
		oracles[i]->last_ns = now_ns();
	own_watch = watch_open();
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		test_check(!pthread_create(&ids[i], NULL, threads[i], NULL));
}

static bool all_have_looked(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(oracles); i++)
		if (!READ_ONCE(oracles[i]->looks) && !READ_ONCE(oracles[i]->absent))
			return false;
	return true;
}

/* From the beginning to the end. */
static void check_oracles(void)
{
	u64 most_ms = LONGEST_MS * system_scale();
	unsigned int i;

	if (own_watch >= 0 && !own_looks)
		oracle_wrong("an oracle has not looked: its watchpoint");
	for (i = 0; i < ARRAY_SIZE(oracles); i++) {
		struct oracle *o = oracles[i];

		if (o->absent)
			continue;
		if (!o->looks)
			oracle_wrong("an oracle has not looked: %s", o->name);
		else if (o->longest_ns > most_ms * NSEC_PER_MSEC)
			oracle_wrong("an oracle has not looked for %llu ms: %s",
				     o->longest_ns / NSEC_PER_MSEC, o->name);
	}
}

void oracles_end(void)
{
	unsigned int i;

	for (i = 0; i < 1000 && !all_have_looked(); i++)
		usleep(10000);
	WRITE_ONCE(stop, true);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(ids[i], NULL);
	if (own_watch >= 0)
		close(own_watch);
	for (i = 0; i < ARRAY_SIZE(oracles); i++)
		gap(oracles[i]);
	check_oracles();
}

void oracles_print(void)
{
	unsigned int i;

	printf("# oracles: %llu times the registers of the thread that runs the guest;\n", runs);
	if (own_watch >= 0)
		printf("#   %llu times its watchpoint;\n", own_looks);
	else
		printf("#   its watchpoint: the host has none\n");
	if (has_pac())
		printf("#   %llu times its keys of pointer authentication;\n", signs);
	for (i = 0; i < ARRAY_SIZE(oracles); i++) {
		const struct oracle *o = oracles[i];

		if (o->absent)
			printf("#   %s: the host has none\n", o->name);
		else
			printf("#   %llu times %s, for %llu ms not;\n", o->looks, o->name,
			       o->longest_ns / NSEC_PER_MSEC);
	}
	printf("#   the latest timer was %llu.%03llu ms late (%llu ms may be)\n",
	       latest_ns / NSEC_PER_MSEC, latest_ns / 1000 % 1000, lateness_ms());
}
