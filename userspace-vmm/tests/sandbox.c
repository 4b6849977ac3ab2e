// SPDX-License-Identifier: GPL-2.0
/*
 * The sandbox: what it refuses, what it lets through, what it says. Each try is a process
 * of its own, which the refusal ends.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"
#include "net-test.h"
#include "opener.h"
#include "sandbox.h"

#define SAID	1024

#ifndef SYS_close_range
#define SYS_close_range	436
#endif

/* What a try has said on stderr. */
static char said[SAID];

/* Of a try: /proc/self/status, since it cannot be opened there any more. */
static FILE *status_file;

/* A process: what it does before there is a sandbox, while files are opened, and in it. */
struct trial {
	const struct config *config;
	struct sandbox_limits limits;
	void (*before)(void);
	void (*open)(void);
	void (*act)(void);
};

/* What it ends with if it cannot even try. */
#define NOT_HERE	77

/* Returns what waitpid() tells of it. */
static int end_of(const struct trial *trial)
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
		if (trial->before)
			trial->before();
		sandbox_begin(trial->config);
		status_file = fopen("/proc/self/status", "re");
		if (trial->open)
			trial->open();
		sandbox_drop(trial->config, &trial->limits);
		sandbox_seal(trial->config);
		trial->act();
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

/* The same for a process that only does something in the sandbox. */
static int in_sandbox(const struct config *config, void (*act)(void))
{
	const struct trial trial = { .config = config, .limits.file_size = ~0ULL, .act = act };

	return end_of(&trial);
}

static bool is_well(int status)
{
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static bool died_of(int status, int sig)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == sig;
}

static void nothing(void)
{
}

/*
 * Where there is no such thing: a kernel without it, qemu-user, no libseccomp. A filter that
 * does not even let through nothing is one, and for the tests to find.
 */
static bool has_filter(void)
{
	static const struct config config = { .sandbox = SANDBOX_BEST };

	in_sandbox(&config, nothing);
	return !strstr(said, "has no filter");
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

/* With the flag for descriptors, which does not keep one from a name. */
static void do_stat_by_name(void)
{
	struct stat st;

	syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &st, AT_EMPTY_PATH);
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

static void do_raw_socket(void)
{
	socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP);
}

static void do_udplite(void)
{
	socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);
}

static void do_sctp(void)
{
	socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP);
}

static void do_connect(void)
{
	connect(0, NULL, 0);
}

static void do_bind(void)
{
	bind(0, NULL, 0);
}

static void do_listen(void)
{
	listen(0, 1);
}

/* One that libslirp sets, on nothing. */
static void do_option(void)
{
	setsockopt(0, SOL_SOCKET, SO_REUSEADDR, NULL, 0);
}

/* Both connect, if they get that far. */
static void do_fastopen(void)
{
	sendto(0, "x", 1, MSG_FASTOPEN, NULL, 0);
}

static void do_fastopen_msg(void)
{
	struct msghdr msg = { 0 };

	sendmsg(0, &msg, MSG_FASTOPEN | MSG_NOSIGNAL);
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

static void do_handler(void)
{
	signal(SIGSYS, SIG_IGN);
}

/* As above: 31 to the kernel. */
static void do_big_handler(void)
{
	syscall(SYS_rt_sigaction, 1ULL << 32 | SIGSYS, NULL, NULL, 8);
}

static void do_fallocate(void)
{
	fallocate(1, 0, 0, 1);
}

/* Behind the end, where no limit of file sizes is asked. */
static void do_keep_size(void)
{
	fallocate(1, FALLOC_FL_KEEP_SIZE, 0, 1);
}

struct attempt {
	const char *what;
	void (*act)(void);
};

static const struct attempt refused[] = {
	{ "open", do_open }, { "open of another file", do_open_other },
	{ "stat", do_stat }, { "stat with AT_EMPTY_PATH", do_stat_by_name },
	{ "unlink", do_unlink }, { "socket", do_socket },
	{ "execve", do_execve }, { "fork", do_fork }, { "a namespace", do_namespace },
	{ "ptrace", do_ptrace }, { "kill", do_kill }, { "tgkill", do_tgkill },
	{ "prctl", do_prctl }, { "setuid", do_setuid }, { "PROT_EXEC", do_executable },
	{ "mprotect", do_mprotect }, { "TIOCSTI", do_ioctl }, { "TIOCSTI, 64 bits", do_big_ioctl },
	{ "F_DUPFD", do_dup }, { "bpf", do_bpf },
	{ "a handler of SIGSYS", do_handler }, { "a handler, 64 bits", do_big_handler },
	{ "sendto with MSG_FASTOPEN", do_fastopen },
	{ "sendmsg with MSG_FASTOPEN", do_fastopen_msg },
	{ "fallocate", do_fallocate }, { "FALLOC_FL_KEEP_SIZE", do_keep_size },
};

static void check_refused(const struct config *config, const struct attempt *attempt)
{
	int status = in_sandbox(config, attempt->act);

	if (!died_of(status, SIGSYS)) {
		printf("# %s: status %#x: %s\n", attempt->what, status, said);
		failed = true;
	}
	CHECK(strstr(said, "the sandbox refuses system call"));
	CHECK(strstr(said, "--sandbox off"));
}

static void test_refused(void)
{
	static const struct config config = { .sandbox = SANDBOX_ON };
	static const struct attempt option = { "setsockopt", do_option };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refused); i++)
		check_refused(&config, &refused[i]);
	check_refused(&config, &option);
}

/* With a network in the process there are sockets, and not of every kind. */
static void test_refused_net(void)
{
	static const struct config config = {
		.sandbox = SANDBOX_ON, .nets = { { .kind = NET_USER } }, .num_nets = 1,
	};
	static const struct attempt others[] = {
		{ "a unix socket", do_unix_socket }, { "a raw socket", do_raw_socket },
		{ "UDP lite", do_udplite }, { "SCTP", do_sctp },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		if (refused[i].act != do_socket)
			check_refused(&config, &refused[i]);
	}
	for (i = 0; i < ARRAY_SIZE(others); i++)
		check_refused(&config, &others[i]);
}

/* None of which leads out of one with restrict=on; unless there is another one. */
static void test_refused_restrict(void)
{
	static const struct attempt outward[] = {
		{ "socket", do_socket }, { "connect", do_connect },
		{ "bind", do_bind }, { "listen", do_listen },
	};
	/* Not even then. */
	static const struct attempt fastopen[] = {
		{ "sendto with MSG_FASTOPEN", do_fastopen },
		{ "sendmsg with MSG_FASTOPEN", do_fastopen_msg },
	};
	struct config config = {
		.sandbox = SANDBOX_ON,
		.nets = { { .kind = NET_USER, .restricted = true }, { .kind = NET_USER } },
		.num_nets = 1,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(outward); i++)
		check_refused(&config, &outward[i]);
	for (i = 0; i < ARRAY_SIZE(fastopen); i++)
		check_refused(&config, &fastopen[i]);
	config.num_nets = 2;
	for (i = 0; i < ARRAY_SIZE(outward); i++)
		CHECK(is_well(in_sandbox(&config, outward[i].act)));
}

/* Whoever keeps the message from being said has not got the call. */
static void do_blocked(void)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	open("/dev/null", O_RDONLY);
}

static void test_refused_blocked(void)
{
	static const struct config config = { .sandbox = SANDBOX_ON };

	CHECK(died_of(in_sandbox(&config, do_blocked), SIGSYS));
}

/* Somebody's signal tells of no call, and is not to be answered as one. */
static void do_sigsys(void)
{
	raise(SIGSYS);
}

static void test_sent(void)
{
	static const struct config config = { .sandbox = SANDBOX_ON };

	CHECK(died_of(in_sandbox(&config, do_sigsys), SIGSYS));
	CHECK(!strstr(said, "refuses"));
	if (failed)
		printf("# %s\n", said);
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
	struct stat st;
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
	NEED(signal(SIGTERM, SIG_IGN) == SIG_DFL);
	/* What fstat() is depends on libc. */
	NEED(!fstat(STDERR_FILENO, &st) && S_ISFIFO(st.st_mode));
	memset(&st, 0, sizeof(st));
	NEED(!syscall(SYS_newfstatat, STDERR_FILENO, "", &st, AT_EMPTY_PATH));
	NEED(S_ISFIFO(st.st_mode));
	NEED(syscall(SYS_newfstatat, 99, "", &st, AT_EMPTY_PATH) == -1 && errno == EBADF);
	fprintf(stderr, "%s\n", strerror(ENOENT));
}

static void test_allowed(void)
{
	static const struct config config = { .sandbox = SANDBOX_ON };

	CHECK(is_well(in_sandbox(&config, use_libc)));
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
	NEED(opener_open("/etc/passwd") == -EACCES);
	open("/etc/passwd", O_RDONLY);
}

static void read_nothing(void)
{
	NEED(opener_open(path) == -ENOENT);
	/* A name that is asked for on behalf of open(), and that nobody knows without --net. */
	NEED(open("/etc/resolv.conf", O_RDONLY) == -1 && errno == EACCES);
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
	CHECK(died_of(status, SIGSYS) && strstr(said, "refuses system call"));
	unlink(name);
	CHECK(is_well(in_sandbox(&config, read_nothing)));
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

	if (stat("/etc/resolv.conf", &st) || !st.st_size) {
		test_skip("no /etc/resolv.conf");
		return;
	}
	CHECK(is_well(in_sandbox(&config, find_name_servers)));
	if (failed)
		printf("# %s\n", said);
}

static void limit_to_a_byte(void)
{
	struct rlimit limit;

	/* As main() does. */
	signal(SIGXFSZ, SIG_IGN);
	NEED(!getrlimit(RLIMIT_FSIZE, &limit));
	limit.rlim_cur = 1;
	NEED(!setrlimit(RLIMIT_FSIZE, &limit));
}

static void find_none(void)
{
	NEED(open("/etc/resolv.conf", O_RDONLY) == -1 && errno == EFBIG);
}

/* A copy of which only the beginning is there is none. */
static void test_short_copy(void)
{
	static const struct config config = {
		.sandbox = SANDBOX_ON, .nets = { { .kind = NET_USER } }, .num_nets = 1,
	};
	static const struct trial trial = {
		.config = &config, .limits.file_size = ~0ULL, .before = limit_to_a_byte,
		.act = find_none,
	};
	struct stat st;

	if (stat("/etc/resolv.conf", &st) || st.st_size < 2) {
		test_skip("no /etc/resolv.conf");
		return;
	}
	CHECK(is_well(end_of(&trial)));
	if (failed)
		printf("# %s\n", said);
}

/* From now on the system call @nr fails with @err. */
static void answer_with(unsigned int nr, int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(NOT_HERE);
}

/* Mounts that no other process sees. */
static bool own_mounts(void)
{
	return !unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* With these: another file at @at, which says @text. */
static void replace_file(const char *at, const char *text)
{
	char name[] = "/tmp/armvcpu-test-XXXXXX";
	int fd = mkstemp(name);

	NEED(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	if (!own_mounts() || mount(name, at, NULL, MS_BIND, NULL)) {
		unlink(name);
		_exit(NOT_HERE);
	}
	NEED(!chmod(name, 0644));
	unlink(name);
}

#define NAME_SERVER	"127.0.0.77"

/* A scope is asked for by libslirp whatever it wants (if_nametoindex()). */
static void scoped_servers(void)
{
	replace_file("/etc/resolv.conf",
		     "# 100 %lo\nnameserver fe80::1%lo\nnameserver 127.0.0.78%lo\n"
		     "nameserver " NAME_SERVER " # 50%\n");
}

static int name_server;

static void begin_guest_that_asks(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(53) };

	inet_pton(AF_INET, NAME_SERVER, &addr.sin_addr);
	name_server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(name_server, (struct sockaddr *)&addr, sizeof(addr)))
		_exit(NOT_HERE);
	net_guest_begin("user", 0);
}

static void ask(void)
{
	char buf[512];
	ssize_t n;
	int fd;

	NEED(net_guest_asks(name_server));
	fd = open("/etc/resolv.conf", O_RDONLY);
	n = read(fd, buf, sizeof(buf));
	NEED(n > 0 && !memchr(buf, '%', n) && memmem(buf, n, NAME_SERVER, strlen(NAME_SERVER)));
	/* A copy that is good for reading. */
	NEED(write(fd, "x", 1) == -1);
}

static void test_scoped_servers(void)
{
	static const struct config config = {
		.sandbox = SANDBOX_ON, .nets = { { .kind = NET_USER } }, .num_nets = 1,
	};
	static const struct trial trial = {
		.config = &config, .limits.file_size = ~0ULL, .before = scoped_servers,
		.open = begin_guest_that_asks, .act = ask,
	};
	int status;

	if (!net_has_user || access("/etc/resolv.conf", F_OK)) {
		test_skip("no libslirp, or no /etc/resolv.conf");
		return;
	}
	status = end_of(&trial);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HERE) {
		test_skip("no mounts of its own, or port 53 is in use");
		return;
	}
	CHECK(is_well(status));
	if (failed)
		printf("# status %#x: %s\n", status, said);
}

/* A kernel without CONFIG_SECCOMP_FILTER; what else prctl() does here is not missed. */
static void forget_filters(void)
{
	answer_with(SYS_seccomp, EINVAL);
	answer_with(SYS_prctl, EINVAL);
}

/* Without a filter nobody is asked for them: they are where they were. */
static void test_no_filter(void)
{
	struct config config = { .nets = { { .kind = NET_USER } }, .num_nets = 1 };
	struct trial trial = {
		.config = &config, .limits.file_size = ~0ULL, .before = forget_filters,
		.act = find_name_servers,
	};
	struct stat st;
	int status;

	if (stat("/etc/resolv.conf", &st) || !st.st_size) {
		test_skip("no /etc/resolv.conf");
		return;
	}
	/* Where there is none anyway, it need not be forgotten. */
	if (!has_filter())
		trial.before = NULL;
	status = end_of(&trial);
	CHECK(is_well(status));
	CHECK(strstr(said, "the sandbox has no filter for system calls"));
	CHECK(geteuid() || strstr(said, "the sandbox has no empty root: --net user"));
	config.sandbox = SANDBOX_ON;
	status = end_of(&trial);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK(strstr(said, "--sandbox on: "));
	if (failed)
		printf("# status %#x: %s\n", status, said);
}

/* What it sets is set, and of the others there are none. */
static void set_options(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), value = 1;
	socklen_t len = sizeof(value);

	NEED(!setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &value, sizeof(value)));
	NEED(!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)));
	NEED(!setsockopt(fd, IPPROTO_IP, IP_RECVERR, &value, sizeof(value)));
	NEED(!getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &len) && !value);
	NEED(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)) == -1);
	NEED(errno == ENOPROTOOPT);
	NEED(setsockopt(fd, IPPROTO_TCP, SO_OOBINLINE, &value, sizeof(value)) == -1);
	NEED(errno == ENOPROTOOPT);
	/* connect() does not connect then. */
	NEED(setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &value, sizeof(value)) == -1);
	NEED(errno == ENOPROTOOPT);
	NEED(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len) == -1 && errno == ENOPROTOOPT);
	NEED(getsockopt(fd, IPPROTO_IP, SO_ERROR, &value, &len) == -1 && errno == ENOPROTOOPT);
}

static void test_options(void)
{
	static const struct config config = {
		.sandbox = SANDBOX_ON, .nets = { { .kind = NET_USER } }, .num_nets = 1,
	};

	CHECK(is_well(in_sandbox(&config, set_options)));
	if (failed)
		printf("# %s\n", said);
}

/* ---- libslirp ---------------------------------------------------------- */

static void begin_guest(void)
{
	net_guest_begin("user", 0);
}

static void reach_host(void)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	/* Also root's VMM does without. */
	NEED(fd == -1 && errno == EPERM);
	NEED(net_guest_reaches_host());
}

static u16 port;

static void begin_restricted_guest(void)
{
	char options[64];

	snprintf(options, sizeof(options), "user,restrict=on,hostfwd=tcp::%u-:22", port);
	net_guest_begin(options, port);
}

static void do_not_reach_host(void)
{
	NEED(!net_guest_reaches_host());
	NEED(net_guest_is_reached());
}

/* What is left to it is enough for all that libslirp does. */
static void test_guest(bool restricted)
{
	const struct config config = {
		.sandbox = SANDBOX_ON,
		.nets = { { .kind = NET_USER, .restricted = restricted } }, .num_nets = 1,
	};
	const struct trial trial = {
		.config = &config, .limits.file_size = ~0ULL,
		.open = restricted ? begin_restricted_guest : begin_guest,
		.act = restricted ? do_not_reach_host : reach_host,
	};
	int status;

	if (!net_has_user) {
		test_skip("built without libslirp");
		return;
	}
	port = net_free_port();
	status = end_of(&trial);
	CHECK(is_well(status));
	if (failed)
		printf("# status %#x: %s\n", status, said);
}

static void test_guest_user(void)
{
	test_guest(false);
}

static void test_guest_restrict(void)
{
	test_guest(true);
}

/* ---- Limits ------------------------------------------------------------ */

#define FILE_SIZE	4096

static int file;

static void open_file(void)
{
	file = memfd_create("test", MFD_CLOEXEC);
	NEED(file >= 0 && !ftruncate(file, FILE_SIZE));
	/* As main() does. */
	signal(SIGXFSZ, SIG_IGN);
}

static void grow(void)
{
	struct rlimit limit;

	NEED(pwrite(file, "x", 1, FILE_SIZE - 1) == 1);
	NEED(pwrite(file, "xy", 2, FILE_SIZE - 1) == 1);
	NEED(pwrite(file, "x", 1, FILE_SIZE) == -1 && errno == EFBIG);
	NEED(fallocate(file, FALLOC_FL_ZERO_RANGE, FILE_SIZE, 1) == -1);
	NEED(!fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, FILE_SIZE));
	NEED(lseek(file, 0, SEEK_END) == FILE_SIZE);
	NEED(!getrlimit(RLIMIT_MEMLOCK, &limit));
	NEED(limit.rlim_cur == 64 * KIB && limit.rlim_max == 64 * KIB);
}

static void test_limits(void)
{
	static const struct config config = { .sandbox = SANDBOX_ON };
	static const struct trial trial = {
		.config = &config, .limits = { .locked = 64 * KIB, .file_size = FILE_SIZE },
		.open = open_file, .act = grow,
	};
	int status = end_of(&trial);

	CHECK(is_well(status));
	if (failed)
		printf("# status %#x: %s\n", status, said);
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

/* Root as some containers have it: without one of its rights. */
static void lose(unsigned int cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	NEED(!syscall(SYS_capget, &header, caps));
	caps[CAP_TO_INDEX(cap)].effective &= ~CAP_TO_MASK(cap);
	NEED(!syscall(SYS_capset, &header, caps));
}

static void lose_chroot(void)
{
	lose(CAP_SYS_CHROOT);
}

static void lose_setpcap(void)
{
	lose(CAP_SETPCAP);
}

static void lose_setuid(void)
{
	lose(CAP_SETUID);
}

/* ... and that was started with less than it wants. */
static void lose_resource(void)
{
	struct rlimit limit = { 4096, 4096 };

	NEED(!setrlimit(RLIMIT_MEMLOCK, &limit));
	lose(CAP_SYS_RESOURCE);
}

static void lose_tmp(void)
{
	if (!own_mounts() || mount("none", "/tmp", "tmpfs", MS_RDONLY, NULL))
		_exit(NOT_HERE);
}

/* With --sandbox on all of it, or no guest; otherwise it is told. */
static void test_lacking(void)
{
	static const struct {
		void (*before)(void);
		const char *what;
	} rows[] = {
		{ lose_chroot, "empty root" }, { lose_tmp, "empty root" },
		{ lose_setpcap, "empty bounding set of capabilities" },
		{ lose_setuid, "user of its own" },
		{ lose_resource, "limit of its own for locked memory" },
	};
	size_t i;

	if (geteuid()) {
		test_skip("not root");
		return;
	}
	for (i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		const bool on = i & 1;
		const struct config config = { .sandbox = on ? SANDBOX_ON : SANDBOX_BEST };
		const struct trial trial = {
			.config = &config,
			.limits = { .locked = 64 * KIB, .file_size = ~0ULL },
			.before = rows[i / 2].before, .act = nothing,
		};
		int status = end_of(&trial);

		if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HERE)
			continue;
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == on);
		CHECK(strstr(said, rows[i / 2].what));
		CHECK(strstr(said, on ? "--sandbox on: " : "the sandbox has no "));
		if (failed)
			printf("# row %zu: status %#x: %s\n", i, status, said);
	}
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

/* Names that no other machine has: nothing but this table tells who they are. */
static void other_users(void)
{
	replace_file("/etc/passwd", "root:x:0:0::/:/bin/sh\nguest:x:1234:5678::/:/bin/sh\n"
				    "nobody:x:1234:99::/:/bin/false\n");
}

static void check_other_nobody(void)
{
	NEED(status_of("Uid:", 10) == 1234);
	NEED(status_of("Gid:", 10) == 99);
}

static void test_names(void)
{
	static const struct {
		const char *user;
		void (*act)(void);
	} rows[] = {
		{ "guest", check_somebody }, { "nobody", check_other_nobody },
		{ "guest:99", check_other_nobody }, { NULL, check_other_nobody },
	};
	size_t i;

	if (geteuid()) {
		test_skip("not root");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct config config = { .user = rows[i].user };
		const struct trial trial = {
			.config = &config, .limits.file_size = ~0ULL,
			.before = other_users, .act = rows[i].act,
		};
		int status = end_of(&trial);

		if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HERE) {
			test_skip("no mounts of its own, or no /etc/passwd");
			return;
		}
		CHECK(is_well(status));
		if (failed)
			printf("# row %zu: status %#x: %s\n", i, status, said);
	}
}

/* ---- What it does not start with --------------------------------------- */

/* A kernel before v5.9. */
static void forget_close_range(void)
{
	answer_with(SYS_close_range, ENOSYS);
}

/* Exits with 1 if one is left, or too many are gone. */
static void close_all(bool old_kernel)
{
	int fds[] = { 10, 11, 500 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fds); i++)
		NEED(dup2(STDERR_FILENO, fds[i]) == fds[i]);
	if (old_kernel)
		forget_close_range();
	close_from(11);
	NEED(fcntl(10, F_GETFD) >= 0);
	for (i = 11; i < 1024; i++)
		NEED(fcntl(i, F_GETFD) == -1);
	_exit(0);
}

static void test_close_from(void)
{
	int old_kernel, status;

	for (old_kernel = 0; old_kernel < 2; old_kernel++) {
		fflush(stdout);
		if (!fork())
			close_all(old_kernel);
		wait(&status);
		if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HERE)
			continue;
		CHECK(is_well(status));
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
	run("sandbox: with a network that leads nowhere", test_refused_restrict);
	run("sandbox: who blocks its signal", test_refused_blocked);
	run("sandbox: SIGSYS from somewhere else", test_sent);
	run("sandbox: what libc needs", test_allowed);
	run("sandbox: files that are read again", test_opener);
	run("sandbox: name servers", test_name_servers);
	run("sandbox: name servers that cannot be copied", test_short_copy);
	run("sandbox: name servers with a scope", test_scoped_servers);
	run("sandbox: options of sockets", test_options);
	run("sandbox: a guest of libslirp", test_guest_user);
	run("sandbox: a guest with restrict=on", test_guest_restrict);
	run("sandbox: limits", test_limits);
	test_begin();
	test_no_filter();
	test_end("sandbox: name servers without a filter");
	test_begin();
	test_rights();
	test_end("sandbox: whose it is");
	test_begin();
	test_names();
	test_end("sandbox: whose it is, by name");
	test_begin();
	test_lacking();
	test_end("sandbox: all of it, or no guest");
	test_begin();
	test_close_from();
	test_end("sandbox: what is open at the start");
}
