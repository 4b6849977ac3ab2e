// SPDX-License-Identifier: GPL-2.0
/*
 * The sandbox: what it refuses, what it lets through, what it says. Each try is a process
 * of its own, which the refusal ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"
#include "opener.h"
#include "sandbox.h"

#define SAID	1024

/* What a try has said on stderr. */
static char said[SAID];

/* Of a try: /proc/self/status, since it cannot be opened there any more. */
static FILE *status_file;

/* Returns what waitpid() tells of a process that does @act in the sandbox of @config. */
static int in_sandbox(const struct config *config, void (*act)(void))
{
	int fds[2], status = -1;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		abort();
	fflush(stdout);
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDERR_FILENO);
		sandbox_begin(config);
		status_file = fopen("/proc/self/status", "re");
		sandbox_drop(config, false);
		sandbox_seal(config);
		act();
		_exit(0);
	}
	close(fds[1]);
	while (len < SAID - 1 && (n = read(fds[0], said + len, SAID - 1 - len)) > 0)
		len += n;
	said[len] = '\0';
	close(fds[0]);
	waitpid(pid, &status, 0);
	return status;
}

static void nothing(void)
{
}

/* Where there is no such thing: a kernel without it, qemu-user, no libseccomp. */
static bool has_filter(void)
{
	static const struct config config = { .sandbox = SANDBOX_BEST };
	int status = in_sandbox(&config, nothing);

	return WIFEXITED(status) && !WEXITSTATUS(status) && !strstr(said, "has no filter");
}

/* ---- What is refused --------------------------------------------------- */

static void do_open(void)
{
	open("/dev/null", O_RDONLY);
}

static void do_open_other(void)
{
	open("/etc/passwd", O_RDONLY);
}

static void do_stat(void)
{
	struct stat st;

	stat("/", &st);
}

static void do_unlink(void)
{
	unlink("/no-such-file");
}

static void do_socket(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}

static void do_unix_socket(void)
{
	socket(AF_UNIX, SOCK_STREAM, 0);
}

static void do_execve(void)
{
	char name[] = "true";
	char *const argv[] = { name, NULL };

	execve("/bin/true", argv, argv + 1);
}

static void do_fork(void)
{
	if (!syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
		_exit(0);
}

static void do_namespace(void)
{
	syscall(SYS_clone, CLONE_NEWUSER | CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			   CLONE_THREAD | CLONE_SYSVSEM, 0, 0, 0, 0);
}

static void do_ptrace(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
}

static void do_kill(void)
{
	kill(getppid(), 0);
}

static void do_tgkill(void)
{
	syscall(SYS_tgkill, 1, 1, 0);
}

static void do_prctl(void)
{
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void do_setuid(void)
{
	syscall(SYS_setuid, 0);
}

static void do_executable(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void do_mprotect(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static void do_ioctl(void)
{
	/* TIOCSTI: types for whoever has the terminal next. */
	syscall(SYS_ioctl, 0, 0x5412, "x");
}

static void do_big_ioctl(void)
{
	/* The same to the kernel, whatever the upper half is. */
	syscall(SYS_ioctl, 0, 0x100005412ULL, "x");
}

static void do_dup(void)
{
	syscall(SYS_fcntl, 1, F_DUPFD, 100);
}

static void do_bpf(void)
{
	syscall(SYS_bpf, 0, 0, 0);
}

struct attempt {
	const char *what;
	void (*act)(void);
};

static const struct attempt refused[] = {
	{ "open", do_open }, { "open of another file", do_open_other },
	{ "stat", do_stat }, { "unlink", do_unlink }, { "socket", do_socket },
	{ "execve", do_execve }, { "fork", do_fork }, { "a namespace", do_namespace },
	{ "ptrace", do_ptrace }, { "kill", do_kill }, { "tgkill", do_tgkill },
	{ "prctl", do_prctl }, { "setuid", do_setuid }, { "PROT_EXEC", do_executable },
	{ "mprotect", do_mprotect }, { "TIOCSTI", do_ioctl }, { "TIOCSTI, 64 bits", do_big_ioctl },
	{ "F_DUPFD", do_dup }, { "bpf", do_bpf },
};

static void check_refused(const struct config *config, const struct attempt *attempt)
{
	int status = in_sandbox(config, attempt->act);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
		printf("# %s: status %#x: %s\n", attempt->what, status, said);
		failed = true;
	}
	CHECK(strstr(said, "the sandbox refuses system call"));
	CHECK(strstr(said, "--sandbox off"));
}

static void test_refused(void)
{
	static const struct config config = { .sandbox = SANDBOX_ON };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refused); i++)
		check_refused(&config, &refused[i]);
}

/* With a network in the process there are sockets, and not of every kind. */
static void test_refused_net(void)
{
	static const struct config config = {
		.sandbox = SANDBOX_ON, .nets = { { .kind = NET_USER } }, .num_nets = 1,
	};
	static const struct attempt unix_socket = { "a unix socket", do_unix_socket };
	size_t i;
	int status;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		if (refused[i].act != do_socket)
			check_refused(&config, &refused[i]);
	}
	check_refused(&config, &unix_socket);
	status = in_sandbox(&config, do_socket);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
}

/* ---- What is not ------------------------------------------------------- */

#define NEED(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s\n", #cond); \
			_exit(1); \
		} \
	} while (0)

static void *thread(void *arg)
{
	return arg;
}

/* What libc does behind a VMM's back. */
static void use_libc(void)
{
	size_t size = 64 * MIB;
	pthread_t other;
	char *mem, *more;

	NEED(!pthread_create(&other, NULL, thread, NULL));
	NEED(!pthread_join(other, NULL));
	mem = malloc(size);
	NEED(mem);
	memset(mem, 1, size);
	more = realloc(mem, 2 * size);
	NEED(more && more[size - 1] == 1);
	free(more);
	NEED(now_ns());
	NEED(!raise(SIGCONT));
	fprintf(stderr, "%s\n", strerror(ENOENT));
}

static void test_allowed(void)
{
	static const struct config config = { .sandbox = SANDBOX_ON };
	int status = in_sandbox(&config, use_libc);

	CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	CHECK(!strcmp(said, "No such file or directory\n"));
}

static const char *path;

/* What is behind the name by now, by the process that keeps it. */
static void read_again(void)
{
	char c = 0;
	int fd = opener_open(path);

	NEED(fd >= 0 && read(fd, &c, 1) == 1 && c == '1');
	close(fd);
	/* Nobody else's; and not open() either. */
	opener_open("/etc/passwd");
}

static void read_nothing(void)
{
	NEED(opener_open(path) == -ENOENT);
}

static void test_opener(void)
{
	char name[] = "/tmp/armvcpu-test-XXXXXX";
	struct config config = { .sandbox = SANDBOX_ON, .flat = name };
	int fd = mkstemp(name), status;

	CHECK(fd >= 0 && write(fd, "1", 1) == 1);
	close(fd);
	path = name;
	status = in_sandbox(&config, read_again);
	/* The one that it knows is there; the other is refused. */
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	unlink(name);
	status = in_sandbox(&config, read_nothing);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	if (failed)
		printf("# %s\n", said);
}

/* As libslirp does: by name, twice. */
static void find_name_servers(void)
{
	struct stat st;
	char buf[16];
	int fd;

	NEED(!stat("/etc/resolv.conf", &st));
	NEED(S_ISREG(st.st_mode) && st.st_size > 0);
	fd = open("/etc/resolv.conf", O_RDONLY);
	NEED(fd >= 0 && read(fd, buf, sizeof(buf)) > 0);
}

static void test_name_servers(void)
{
	static const struct config config = {
		.sandbox = SANDBOX_ON, .nets = { { .kind = NET_USER } }, .num_nets = 1,
	};
	struct stat st;
	int status;

	if (stat("/etc/resolv.conf", &st) || !st.st_size) {
		test_skip("no /etc/resolv.conf");
		return;
	}
	status = in_sandbox(&config, find_name_servers);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	if (failed)
		printf("# %s\n", said);
}

/* ---- Who it is --------------------------------------------------------- */

static u64 status_of(const char *key, int base)
{
	char line[256];
	u64 value = ~0ULL;

	rewind(status_file);
	while (fgets(line, sizeof(line), status_file)) {
		if (!strncmp(line, key, strlen(key)))
			value = strtoull(line + strlen(key), NULL, base);
	}
	return value;
}

static void check_nobody(void)
{
	NEED(status_of("CapEff:", 16) == 0);
	NEED(status_of("CapPrm:", 16) == 0);
	NEED(status_of("CapInh:", 16) == 0);
	NEED(status_of("CapBnd:", 16) == 0);
	NEED(status_of("NoNewPrivs:", 10) == 1);
	NEED(status_of("Uid:", 10) == 65534);
	NEED(status_of("Gid:", 10) == 65534);
}

static void check_somebody(void)
{
	NEED(status_of("CapEff:", 16) == 0);
	NEED(status_of("Uid:", 10) == 1234);
	NEED(status_of("Gid:", 10) == 5678);
}

static void check_root(void)
{
	NEED(status_of("CapEff:", 16) == 0);
	NEED(status_of("Uid:", 10) == 0);
}

static void check_unchanged(void)
{
	NEED(status_of("NoNewPrivs:", 10) == 0);
	NEED(status_of("Uid:", 10) == 0);
	NEED(!access("/proc", F_OK));
}

static void test_rights(void)
{
	static const struct {
		const char *user;
		enum sandbox sandbox;
		void (*act)(void);
		const char *refusal;
	} rows[] = {
		{ NULL, SANDBOX_BEST, check_nobody, NULL },
		{ "1234:5678", SANDBOX_BEST, check_somebody, NULL },
		{ "0", SANDBOX_BEST, check_root, NULL },
		{ NULL, SANDBOX_OFF, check_unchanged, NULL },
		{ "no-such-user", SANDBOX_BEST, nothing, "a number will do" },
		{ "0:x", SANDBOX_BEST, nothing, "the group is a number" },
		{ "4294967295", SANDBOX_BEST, nothing, "a number will do" },
	};
	size_t i;

	if (geteuid()) {
		test_skip("not root");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config config = { .sandbox = rows[i].sandbox, .user = rows[i].user };
		int status = in_sandbox(&config, rows[i].act);

		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == !!rows[i].refusal);
		CHECK(!rows[i].refusal || strstr(said, rows[i].refusal));
		if (failed)
			printf("# row %zu: %s\n", i, said);
	}
}

/* Those that need more than another user. */
static void run(const char *name, void (*test)(void))
{
	test_begin();
	if (has_filter())
		test();
	else
		test_skip("no filter for system calls: the kernel, qemu-user, or no libseccomp");
	test_end(name);
}

void sandbox_tests(void)
{
	run("sandbox: what it refuses", test_refused);
	run("sandbox: with a network", test_refused_net);
	run("sandbox: what libc needs", test_allowed);
	run("sandbox: files that are read again", test_opener);
	run("sandbox: name servers", test_name_servers);
	test_begin();
	test_rights();
	test_end("sandbox: whose it is");
}
