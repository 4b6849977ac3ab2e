// SPDX-License-Identifier: GPL-2.0
/*
 * A fuzzer of the module's ioctls: programs of calls at random, and changed ones of those
 * that have reached something new in the module (KCOV).
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define CORPUS		1024
#define MAX_WORKERS	16
#define HANGS_AFTER_S	120
#define DEBUGFS		"/sys/kernel/debug/"
#define PROVOKE		DEBUGFS "armvcpu/provoke"
/* What the host may keep itself: up to 8 MB were seen, a page of each call is 40 GB. */
#define KEPT_KB		32768

/**
 * struct shared - what all workers have
 * @lock: @corpus_size; the standard output.
 * @counts: calls.
 * @programs: so far.
 * @killed: programs that a signal has ended.
 * @hung: ... because they took too long.
 * @not_begun: ... that did not get as far as their first call.
 * @given: how many of the corpus are from a file.
 * @next: ... and which of those is run next.
 * @corpus_size: of @corpus.
 * @useful: of each worker's program, behind the last call that has reached something new.
 * @cover: coverage.
 * @found: those of @corpus that have reached something new in this run.
 * @corpus: programs.
 */
struct shared {
	pthread_mutex_t lock;
	struct fuzz_counts counts;
	u64 programs, killed, hung, not_begun;
	u32 given, next, corpus_size;
	u32 useful[MAX_WORKERS];
	struct fuzz_cover cover;
	bool found[CORPUS];
	struct fuzz_program corpus[CORPUS];
};

static struct shared *shared;
static bool guided;
/* How long programs have been run. */
static u64 took_ms;
static struct {
	u64 seconds, calls, seed;
	unsigned int workers;
	const char *corpus, *replay, *module;
	unsigned int rounds;
	bool points, verbose;
} options = { .seconds = 60, .calls = ~0UL, .seed = 1, .rounds = 1 };

static void __noreturn die(const char *what)
{
	fprintf(stderr, "fuzz: %s: %s\n", what, strerror(errno));
	exit(1);
}

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000UL + ts.tv_nsec / 1000000;
}

/* ---- workers ------------------------------------------------------------- */

static void keep(const struct fuzz_program *p)
{
	u32 at;

	pthread_mutex_lock(&shared->lock);
	at = shared->corpus_size < CORPUS ? shared->corpus_size : shared->programs % CORPUS;
	shared->corpus[at] = *p;
	shared->found[at] = true;
	if (at == shared->corpus_size)
		shared->corpus_size++;
	pthread_mutex_unlock(&shared->lock);
}

/* All of it, and whoever reads at the other end of a pipe has taken it. */
static void say(const char *text, size_t size)
{
	struct stat st;
	size_t at = 0;
	ssize_t n;
	int left;

	while (at < size) {
		n = write(STDOUT_FILENO, text + at, size - at);
		if (n < 0)
			return;
		at += n;
	}
	if (fstat(STDOUT_FILENO, &st) || !S_ISFIFO(st.st_mode))
		return;
	while (!ioctl(STDOUT_FILENO, FIONREAD, &left) && left > 0)
		usleep(100);
}

/*
 * Before it runs: who reads it has it even if this machine does not survive.  In the rig,
 * cat stands between: it takes the second line when it has passed on the first ones.
 */
static void say_program(unsigned int worker, const struct fuzz_program *p)
{
	static char text[FUZZ_TEXT];
	size_t size = snprintf(text, sizeof(text), "worker %u\n", worker);

	size += program_print(text + size, sizeof(text) - size, p);
	pthread_mutex_lock(&shared->lock);
	say(text, size);
	say("told\n", 5);
	pthread_mutex_unlock(&shared->lock);
}

static void run_one(unsigned int worker, const struct fuzz_program *p)
{
	pid_t child;
	int status;

	say_program(worker, p);
	shared->useful[worker] = 0;
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		/* Whoever is not through by then, hangs. */
		alarm(HANGS_AFTER_S);
		fuzz_run(p, &shared->counts);
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0)
		;
	if (WIFSIGNALED(status)) {
		__atomic_fetch_add(&shared->killed, 1, __ATOMIC_RELAXED);
		if (WTERMSIG(status) == SIGALRM)
			__atomic_fetch_add(&shared->hung, 1, __ATOMIC_RELAXED);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status))
		__atomic_fetch_add(&shared->not_begun, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&shared->programs, 1, __ATOMIC_RELAXED);
}

static void next_program(struct fuzz_program *p, u64 *state)
{
	u32 size = READ_ONCE(shared->corpus_size), next;

	if (READ_ONCE(shared->next) < shared->given) {
		next = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
		if (next < shared->given) {
			*p = shared->corpus[next];
			return;
		}
	}
	if (!size || fuzz_random(state) % 5 == 0) {
		program_random(p, state);
	} else {
		*p = shared->corpus[fuzz_random(state) % size];
		program_change(p, &shared->corpus[fuzz_random(state) % size], state);
	}
}

/* As they were, by one alone. */
static void replay(void)
{
	unsigned int round;
	u32 i;

	for (round = 0; round < options.rounds; round++)
		for (i = 0; i < shared->given; i++)
			run_one(0, &shared->corpus[i]);
}

static void __noreturn work(unsigned int worker, u64 end)
{
	static struct fuzz_program p;
	u64 state = fuzz_mix(options.seed * MAX_WORKERS + worker + 1) | 1;

	cover_open(&shared->cover, FUZZ_THREADS);
	cover_useful(&shared->useful[worker]);
	if (options.replay) {
		replay();
		exit(0);
	}
	while (now_ms() < end && READ_ONCE(shared->counts.calls) < options.calls) {
		next_program(&p, &state);
		run_one(worker, &p);
		if (!shared->useful[worker])
			continue;
		/* What comes after that call has been of no use. */
		p.count = shared->useful[worker];
		keep(&p);
	}
	exit(0);
}

/* ---- the machine around them --------------------------------------------- */

static bool write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, value, strlen(value)) >= 0;
	close(fd);
	return ok;
}

/*
 * Also those that may wait; without a line in the log for each.  By chance: one in twenty of
 * those threads that say so (make-it-fail).
 */
static void injection_on(void)
{
	static const char * const files[][2] = {
		{ DEBUGFS "failslab/ignore-gfp-wait", "N" },
		{ DEBUGFS "failslab/verbose", "0" },
		{ DEBUGFS "failslab/task-filter", "Y" },
		{ DEBUGFS "failslab/times", "-1" },
		{ DEBUGFS "failslab/probability", "5" },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N" },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ DEBUGFS "fail_page_alloc/min-order", "0" },
		{ DEBUGFS "fail_page_alloc/verbose", "0" },
		{ DEBUGFS "fail_page_alloc/task-filter", "Y" },
		{ DEBUGFS "fail_page_alloc/times", "-1" },
		{ DEBUGFS "fail_page_alloc/probability", "5" },
	};
	unsigned int i;

	/* A kernel has all of it or nothing. */
	if (access(DEBUGFS "failslab", F_OK)) {
		printf("# no allocation fails: the kernel cannot make them\n");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(files); i++)
		if (!write_file(files[i][0], files[i][1]))
			die(files[i][0]);
}

/* Exceptions at EL2, a restart of it, another hardening: whatever CPU it is. */
static void provoke(u64 n)
{
	static const char * const words[] = {
		"hvc", "undef", "sp_el0", "stack", "unknown", "restart", "bhb_loop", "bhb_clear",
		"bare", "firmware",
	};

	write_file(PROVOKE, words[n % ARRAY_SIZE(words)]);
}

/* A CPU whose EL2 is not the module's any more, until it comes up again. */
static void lose_el2(void)
{
	cpu_set_t second, all;
	unsigned int i;

	CPU_ZERO(&second);
	CPU_SET(1, &second);
	if (sched_getaffinity(0, sizeof(all), &all) ||
	    sched_setaffinity(0, sizeof(second), &second))
		return;
	write_file(PROVOKE, "reset");
	usleep(20000);
	sched_setaffinity(0, sizeof(all), &all);
	for (i = 0; i < 20 && !write_file("/sys/devices/system/cpu/cpu1/online", "0"); i++)
		usleep(50000);
	write_file("/sys/devices/system/cpu/cpu1/online", "1");
}

/* What other programs, and who looks after the machine, may do meanwhile. */
static void disturb(u64 n)
{
	static const char * const thp[] = { "always", "madvise", "never" };

	switch (n % 12) {
	case 0:
	case 1:	/* Also one CPU alone. */
		write_file("/sys/devices/system/cpu/cpu1/online", "0");
		usleep(100000);
		write_file("/sys/devices/system/cpu/cpu1/online", "1");
		break;
	case 2:
		write_file("/proc/sys/vm/compact_memory", "1");
		break;
	case 3:
		write_file("/proc/sys/vm/drop_caches", "3");
		break;
	case 4:
		write_file("/sys/kernel/mm/transparent_hugepage/enabled",
			   thp[n / 12 % ARRAY_SIZE(thp)]);
		break;
	case 5:	/* Pages that are equal become one. */
		write_file("/sys/kernel/mm/ksm/run", n / 12 % 2 ? "1" : "2");
		break;
	case 6:	/* An exception at EL2: a VM dies of it. */
		write_file(PROVOKE, "run");
		break;
	case 7:
	case 8:
		provoke(n / 12);
		break;
	case 9:
		lose_el2();
		break;
	}
}

static bool unload(void)
{
	bool ok;

	cover_begin(0);
	ok = !syscall(SYS_delete_module, "armvcpu", O_NONBLOCK);
	cover_end(0);
	cover_look(0);
	return ok;
}

/* With the file that provokes exceptions at EL2; loading is part of what is reached. */
static bool load(void)
{
	int fd = open(options.module, O_RDONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		die(options.module);
	cover_begin(0);
	ok = !syscall(SYS_finit_module, fd, "debug=1", 0);
	cover_end(0);
	close(fd);
	cover_module(&shared->cover);
	cover_look(0);
	return ok;
}

/* What only the module's own tests do: EL2's reports, and its answers to the stub's calls. */
static void use_knob(void)
{
	static const char * const words[] = {
		"hvc", "undef", "sp_el0", "stack", "unknown", "restart", "none", "firmware",
	};
	unsigned int i;

	cover_begin(0);
	for (i = 0; i < ARRAY_SIZE(words); i++)
		write_file(PROVOKE, words[i]);
	cover_end(0);
	cover_look(0);
}

/* ---- the run ------------------------------------------------------------- */

static void tell(u64 begin, const char *what)
{
	u64 ms = now_ms() - begin + 1, calls = READ_ONCE(shared->counts.calls);

	took_ms = ms;
	pthread_mutex_lock(&shared->lock);
	printf("# %s: %llu calls in %llu programs, %llu calls/s", what, calls,
	       READ_ONCE(shared->programs), calls * 1000 / ms);
	if (guided)
		printf(", %llu points reached, corpus of %u", READ_ONCE(shared->cover.points),
		       READ_ONCE(shared->corpus_size));
	printf(", %llu ended by a signal\n", READ_ONCE(shared->killed));
	fflush(stdout);
	pthread_mutex_unlock(&shared->lock);
}

/* Where the time goes. */
static void tell_ops(void)
{
	unsigned int i;

	for (i = 0; i < fuzz_nr_ops; i++)
		if (shared->counts.times[i])
			printf("# %8llu calls of %8llu us each: %s\n", shared->counts.times[i],
			       shared->counts.ns[i] / shared->counts.times[i] / 1000,
			       fuzz_ops[i].name);
}

/* With nothing to guide it, all that there was; otherwise what has been of use this time. */
static void tell_corpus(void)
{
	static char text[FUZZ_TEXT];
	u32 i;

	for (i = 0; i < shared->corpus_size; i++) {
		if (guided && !shared->found[i])
			continue;
		program_print(text, sizeof(text), &shared->corpus[i]);
		printf("corpus\n%s", text);
	}
}

static void read_programs(const char *path)
{
	FILE *f = fopen(path, "re");

	if (!f)
		die(path);
	while (shared->corpus_size < CORPUS &&
	       program_read(f, &shared->corpus[shared->corpus_size]))
		shared->corpus_size++;
	fclose(f);
	shared->given = shared->corpus_size;
	if (!shared->given && options.replay) {
		fprintf(stderr, "fuzz: %s has no program\n", path);
		exit(1);
	}
}

static int fuzz(void)
{
	u64 begin = now_ms(), next = begin + 10000, next_disturbance = begin, n = 0;
	unsigned int i, left;
	int status = 0, ret = 0;

	for (i = 0; i < options.workers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid)
			work(i, begin + options.seconds * 1000);
	}
	for (left = options.workers; left; ) {
		if (waitpid(-1, &status, WNOHANG) > 0) {
			left--;
			ret |= status;
			continue;
		}
		usleep(50000);
		if (now_ms() >= next_disturbance) {
			cover_begin(0);
			disturb(fuzz_mix(options.seed + n++) >> 16);
			cover_end(0);
			cover_look(0);
			next_disturbance = now_ms() + 1000;
		}
		if (now_ms() < next)
			continue;
		tell(begin, "so far");
		next += 10000;
	}
	tell(begin, "all");
	return ret;
}

/* What is free when all that can be brought back has gone. */
static u64 free_kb(void)
{
	char line[128];
	u64 kb = 0;
	FILE *f;

	write_file("/proc/sys/vm/drop_caches", "3");
	/* RCU has freed what was to be freed. */
	sleep(2);
	write_file("/proc/sys/vm/drop_caches", "3");
	f = fopen("/proc/meminfo", "re");
	if (!f)
		die("/proc/meminfo");
	while (fgets(line, sizeof(line), f) && sscanf(line, "MemFree: %llu", &kb) != 1)
		;
	fclose(f);
	if (!kb)
		die("/proc/meminfo: MemFree");
	return kb;
}

/*
 * It looks.  The file is there, too, when the kernel was booted with kmemleak=off, or when it
 * has turned itself off; then it takes no words (this one is what it does anyway).
 */
static bool has_kmemleak(void)
{
	return write_file(DEBUGFS "kmemleak", "stack=on");
}

/* Where kmemleak does not look for it: pages that are gone, the module as well. */
static int look_for_memory(u64 before)
{
	long long less = before - free_kb();

	if (has_kmemleak())
		return 0;
	printf("# %lld kB less are free than before\n", less);
	return less > KEPT_KB;
}

/* A VM, or a reference to the module, that nobody has any more. */
static int look_for_leaks(void)
{
	FILE *f = fopen("/sys/module/armvcpu/parameters/vms", "re");
	u64 vms = ~0UL;

	if (!f || fscanf(f, "%llu", &vms) != 1)
		vms = ~0UL;
	if (f)
		fclose(f);
	if (vms)
		printf("# %llu VMs are left, and nobody has them\n", vms);
	return vms != 0;
}

static const struct option longs[] = {
	{ "time", required_argument, NULL, 't' },
	{ "calls", required_argument, NULL, 'n' },
	{ "workers", required_argument, NULL, 'w' },
	{ "seed", required_argument, NULL, 's' },
	{ "corpus", required_argument, NULL, 'i' },
	{ "replay", required_argument, NULL, 'r' },
	{ "rounds", required_argument, NULL, 'R' },
	{ "list", no_argument, NULL, 'l' },
	{ "module", required_argument, NULL, 'm' },
	{ "gicd", required_argument, NULL, 'g' },
	{ "points", no_argument, NULL, 'c' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static void __noreturn show_help(FILE *out)
{
	fprintf(out, "fuzz [OPTION]...: the ioctls of /dev/armvcpu, as nobody should call them\n"
		"  -t, --time S      for so many seconds (60)\n"
		"  -n, --calls N     ... or until there have been so many calls: fewer are a failure\n"
		"  -w, --workers N   processes that run programs (one for each CPU)\n"
		"  -s, --seed N      of what is random (1)\n"
		"  -i, --corpus F    begin with the programs of a file\n"
		"  -r, --replay F    run those, and no others, one after the other\n"
		"  -R, --rounds N    ... so often (1)\n"
		"  -l, --list        tell each call, and what it returns\n"
		"  -m, --module F    load the module from there, with debug=1; unload it in the end\n"
		"  -g, --gicd PA     raise interrupts of the host's GIC that is there (/dev/mem)\n"
		"  -c, --points      in the end: the corpus, and the places reached, as offsets in\n"
		"                    the module's .text\n"
		"  -v, --verbose     in the end: how long each kind of call takes\n");
	exit(out == stderr);
}

static void parse(int argc, char **argv)
{
	int c;

	options.workers = sysconf(_SC_NPROCESSORS_ONLN);
	while ((c = getopt_long(argc, argv, "t:n:w:s:i:r:R:lm:g:cvh", longs, NULL)) != -1) {
		switch (c) {
		case 't':
			options.seconds = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			options.calls = strtoull(optarg, NULL, 0);
			break;
		case 'w':
			options.workers = strtoul(optarg, NULL, 0);
			break;
		case 's':
			options.seed = strtoull(optarg, NULL, 0);
			break;
		case 'i':
			options.corpus = optarg;
			break;
		case 'r':
			options.replay = optarg;
			break;
		case 'R':
			options.rounds = strtoul(optarg, NULL, 0);
			break;
		case 'l':
			fuzz_list = true;
			break;
		case 'm':
			options.module = optarg;
			break;
		case 'g':
			fuzz_gicd = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			options.points = true;
			break;
		case 'v':
			options.verbose = true;
			break;
		case 'h':
			show_help(stdout);
		default:
			show_help(stderr);
		}
	}
	if (!options.workers || options.workers > MAX_WORKERS)
		options.workers = 2;
	if (options.replay || fuzz_list)
		options.workers = 1;
}

int main(int argc, char **argv)
{
	pthread_mutexattr_t attr;
	u64 i, before = 0;
	int ret;

	parse(argc, argv);
	/* What is mapped anywhere is at the same place the next time. */
	if (!(personality(~0U) & ADDR_NO_RANDOMIZE) && personality(ADDR_NO_RANDOMIZE) >= 0)
		execvp(argv[0], argv);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&shared->lock, &attr);
	cover_module(&shared->cover);
	guided = cover_open(&shared->cover, 1);
	injection_on();
	if (options.corpus || options.replay)
		read_programs(options.replay ?: options.corpus);
	if (options.module) {
		unload();
		before = free_kb();
		if (!load())
			die("the module does not load");
	}
	ret = fuzz();
	if (options.verbose)
		tell_ops();
	ret |= look_for_leaks();
	if (options.module) {
		use_knob();
		if (!unload()) {
			printf("# the module does not unload: %s\n", strerror(errno));
			ret = 1;
		}
		ret |= look_for_memory(before);
	}
	if (options.points) {
		tell_corpus();
		for (i = 0; i < FUZZ_MAX_TEXT / 4; i++)
			if (shared->cover.reached[i])
				printf("reached %llx\n", i * 4);
	}
	printf("# counts: %llu cases, %llu calls, %llu ms\n", shared->programs,
	       shared->counts.calls, took_ms);
	if (options.calls != ~0UL && shared->counts.calls < options.calls) {
		printf("# %llu calls were asked for\n", options.calls);
		ret = 1;
	}
	/* One may lose EL2 for the others, which is over a second later. */
	if (shared->not_begun * 10 > shared->programs || !shared->counts.calls) {
		printf("# %llu programs of %llu could not begin\n", shared->not_begun,
		       shared->programs);
		ret = 1;
	}
	if (shared->hung) {
		printf("# %llu programs took more than %d s\n", shared->hung, HANGS_AFTER_S);
		ret = 1;
	}
	return !!ret;
}
