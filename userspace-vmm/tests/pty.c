// SPDX-License-Identifier: GPL-2.0
/*
 * The VMM at a terminal: what the keys do there, and that the terminal is as it
 * was on every way out. This program does what a shell does: it has the session
 * with the terminal, and the VMM is its foreground job.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "helper.h"

#define PROVOKE		"/sys/kernel/debug/armvcpu/provoke"
#define NSEC_PER_SEC	1000000000ULL
#define POLL_MS		20

static const char *vmm, *monitor;
/* One more option, or NULL. */
static const char *option;
/* How long to wait for anything, on a slow host as the rig says. */
static u64 patience = 30 * NSEC_PER_SEC;

/* Both ends of the terminal, and the VMM. */
static int master, tty;
static struct termios before;
static pid_t pid;

/* What the VMM and the guest have printed, and how much of it is used up. */
static char out[16384];
static size_t out_len, out_seen;

/* ---- Waiting ----------------------------------------------------------- */

/* Keeps the terminal's other end empty: a full one stops who writes. */
static void pump(void)
{
	struct pollfd pfd = { .fd = master, .events = POLLIN };
	char buf[256];
	ssize_t n;

	if (poll(&pfd, 1, POLL_MS) <= 0)
		return;
	n = read(master, buf, sizeof(buf));
	if (n <= 0)
		return;
	if (out_len + n >= sizeof(out)) {
		/* Nobody looks back that far. */
		out_len = 0;
		out_seen = 0;
	}
	memcpy(out + out_len, buf, n);
	out_len += n;
	out[out_len] = '\0';
}

static bool until(bool (*happened)(const void *arg), const void *arg)
{
	u64 deadline = now_ns() + patience;

	while (!happened(arg)) {
		if (now_ns() > deadline)
			return false;
		pump();
	}
	return true;
}

static bool has_said(const void *arg)
{
	const char *text = arg, *found = strstr(out + out_seen, text);

	if (!found)
		return false;
	out_seen = found - out + strlen(text);
	return true;
}

static bool says(const char *text)
{
	return until(has_said, text);
}

/* Raw for input; output keeps its processing. */
static bool is_raw(const void *arg)
{
	struct termios now;

	(void)arg;
	if (tcgetattr(tty, &now))
		return false;
	return !(now.c_lflag & (ICANON | ECHO | ISIG | IEXTEN)) &&
	       !(now.c_iflag & (ICRNL | IXON | BRKINT)) &&
	       now.c_oflag == before.c_oflag && now.c_cc[VMIN] == 1;
}

static bool is_as_before(void)
{
	struct termios now;

	if (tcgetattr(tty, &now))
		return false;
	return now.c_iflag == before.c_iflag && now.c_oflag == before.c_oflag &&
	       now.c_cflag == before.c_cflag && now.c_lflag == before.c_lflag &&
	       !memcmp(now.c_cc, before.c_cc, sizeof(now.c_cc));
}

/* What waitpid() said last. */
static int wait_status;

static bool has_changed(const void *arg)
{
	(void)arg;
	return waitpid(pid, &wait_status, WNOHANG | WUNTRACED) == pid;
}

/* ---- The job ----------------------------------------------------------- */

static void foreground(pid_t group)
{
	CHECK(!tcsetpgrp(tty, group));
}

static void run_vmm(void)
{
	static const int signals[] = {
		SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU,
	};
	size_t i;

	setpgid(0, 0);
	tcsetpgrp(tty, getpid());
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_DFL);
	dup2(tty, STDIN_FILENO);
	dup2(tty, STDOUT_FILENO);
	dup2(tty, STDERR_FILENO);
	execl(vmm, vmm, "--flat", monitor, "--mem", "8M", "--console",
	      option, NULL);
	perror(vmm);
	_exit(127);
}

/* Whether it has ever come so far that the guest ran at a raw terminal. */
static bool has_started;

static bool start(void)
{
	bool runs;

	/* Nothing of the one before. */
	do {
		out_len = 0;
		pump();
	} while (out_len);
	out_seen = 0;
	out[0] = '\0';
	tcflush(tty, TCIOFLUSH);
	CHECK(!tcsetattr(tty, TCSANOW, &before) && is_as_before());
	pid = fork();
	if (!pid)
		run_vmm();
	runs = until(is_raw, NULL) && says("device tree 1");
	CHECK(runs);
	has_started |= runs;
	return runs;
}

static void type(const char *keys)
{
	CHECK(write(master, keys, strlen(keys)) == (ssize_t)strlen(keys));
}

/* It has ended so, and the terminal is ours again as it was. */
static void check_end(int sig, int status)
{
	bool ended = until(has_changed, NULL) && !WIFSTOPPED(wait_status);

	CHECK(ended);
	CHECK(is_as_before());
	if (!ended)
		return;
	pid = 0;
	if (sig)
		CHECK(WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == sig);
	else
		CHECK(WIFEXITED(wait_status) &&
		      WEXITSTATUS(wait_status) == status);
}

/* Whatever a test has left. */
static void clean_up(void)
{
	size_t i;

	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	pid = 0;
	tcsetpgrp(tty, getpgrp());
	if (!failed)
		return;
	printf("# it said: ");
	for (i = 0; i < out_len; i++) {
		if (out[i] == '\n')
			printf("\n# it said: ");
		else if (out[i] != '\r')
			putchar(out[i]);
	}
	printf("\n");
}

/* ---- Tests ------------------------------------------------------------- */

/* Nothing is a key of the terminal's own, nothing is echoed or turned. */
static void test_keys(void)
{
	static const struct {
		const char *typed;
		const char *said;
	} keys[] = {
		{ "ex", "\necho 78\r\n" },
		{ "e\003", "\necho 3\r\n" },	/* Ctrl-c */
		{ "e\034", "\necho 1c\r\n" },	/* Ctrl-\ */
		{ "e\032", "\necho 1a\r\n" },	/* Ctrl-z */
		{ "e\004", "\necho 4\r\n" },	/* Ctrl-d */
		{ "e\023", "\necho 13\r\n" },	/* Ctrl-s */
		{ "e\026", "\necho 16\r\n" },	/* Ctrl-v */
		{ "e\r", "\necho d\r\n" },
		{ "e\n", "\necho a\r\n" },
		{ "e\177", "\necho 7f\r\n" },
		{ "e\377", "\necho ff\r\n" },
		{ "e\001a", "\necho 1\r\n" },
	};
	size_t i;

	if (!start())
		return;
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		/* The line's end before it belongs to what was said before. */
		out_seen = out_len ? out_len - 1 : 0;
		type(keys[i].typed);
		CHECK(says(keys[i].said));
	}
	type("\001h");
	CHECK(says("Ctrl-a x  quit the VMM\r\n"));
	CHECK(until(is_raw, NULL));
	type("e\001\001");
	CHECK(says("echo 1\r\n"));
	type("\001x");
	check_end(0, 3);
}

/* Whoever is chosen gets what is typed. */
static void test_consoles(void)
{
	CHECK(start());
	type("\001c");
	CHECK(says("you type into the virtio console now"));
	type("ex");
	type("\001c");
	CHECK(says("you type into the serial port now"));
	type("ey");
	CHECK(says("echo 79"));
	/* The other one is not there before it has a driver. */
	type("C");
	CHECK(says("the virtio console says hello"));
	CHECK(says("type"));
	/* "ex" has been there all the time. */
	CHECK(says("typed 1"));
	CHECK(says("there 65"));
	type("p");
	check_end(0, 0);
}

static void resize(u16 cols, u16 rows)
{
	struct winsize size = { .ws_col = cols, .ws_row = rows };

	CHECK(!ioctl(master, TIOCSWINSZ, &size));
}

static void test_resize(void)
{
	resize(132, 50);
	CHECK(start());
	type("S");
	CHECK(says("told 2"));
	CHECK(says("size 320084"));
	resize(100, 40);
	CHECK(says("interrupt 2"));
	CHECK(says("new size 280064"));
	type("p");
	check_end(0, 0);
}

/* Stopped as by "kill -TSTP", continued as by "fg". */
static void test_stop(void)
{
	if (!start())
		return;
	kill(pid, SIGTSTP);
	CHECK(until(has_changed, NULL) && WIFSTOPPED(wait_status));
	CHECK(is_as_before());
	foreground(getpgrp());
	foreground(pid);
	kill(-pid, SIGCONT);
	CHECK(until(is_raw, NULL));
	type("ex");
	CHECK(says("echo 78\r\n"));

	/* Nothing can be done about this one, but afterwards. */
	kill(pid, SIGSTOP);
	CHECK(until(has_changed, NULL) && WIFSTOPPED(wait_status));
	foreground(getpgrp());
	tcsetattr(tty, TCSANOW, &before);
	foreground(pid);
	kill(-pid, SIGCONT);
	CHECK(until(is_raw, NULL));
	type("ex");
	CHECK(says("echo 78\r\n"));
	type("p");
	check_end(0, 0);
}

/* Ended while it is stopped: the terminal is the shell's by then. */
static void test_end_stopped(void)
{
	if (!start())
		return;
	kill(pid, SIGTSTP);
	CHECK(until(has_changed, NULL) && WIFSTOPPED(wait_status));
	foreground(getpgrp());
	kill(pid, SIGTERM);
	foreground(pid);
	kill(-pid, SIGCONT);
	check_end(SIGTERM, 0);
}

static void test_dead(void)
{
	int fd;

	if (!start())
		return;
	fd = open(PROVOKE, O_WRONLY);
	CHECK(write(fd, "run", 3) == 3);
	close(fd);
	/* A guest that asks for input enters all the time. */
	check_end(0, 2);
}

static const struct way_out {
	const char *what;
	const char *keys;
	int sig;
	int status;
} ways_out[] = {
	{ "power-off", "p", 0, 0 },
	{ "power-off after resets", "rrp", 0, 0 },
	{ "Ctrl-a x", "\001x", 0, 3 },
	{ "Ctrl-a x in a guest that spins", "n\001x", 0, 3 },
	{ "the last CPU off", "h", 0, 4 },
	{ "SIGINT", NULL, SIGINT, 0 },
	{ "SIGTERM", NULL, SIGTERM, 0 },
	{ "SIGHUP", NULL, SIGHUP, 0 },
	{ "SIGQUIT", NULL, SIGQUIT, 0 },
	{ "SIGSEGV", NULL, SIGSEGV, 0 },
	{ "SIGBUS", NULL, SIGBUS, 0 },
	{ "SIGABRT", NULL, SIGABRT, 0 },
	{ "SIGALRM", NULL, SIGALRM, 0 },
	{ "SIGUSR2", NULL, SIGUSR2, 0 },
};

static void test_way_out(const struct way_out *way)
{
	if (!start())
		return;
	if (way->keys)
		type(way->keys);
	else
		kill(pid, way->sig);
	check_end(way->sig, way->status);
}

/* The last test: the file is gone after it. */
static void test_failed_reset(void)
{
	if (!start())
		return;
	unlink(monitor);
	type("r");
	check_end(0, 1);
	CHECK(says("No such file"));
}

/* ---- All of them ------------------------------------------------------- */

static bool open_terminal(void)
{
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master))
		return false;
	tty = open(ptsname(master), O_RDWR | O_CLOEXEC);
	if (tty < 0 || ioctl(tty, TIOCSCTTY, 0) || tcgetattr(tty, &before))
		return false;
	/* What a raw terminal has otherwise, and what nobody else would set. */
	before.c_lflag |= ICANON | ECHO | ISIG | IEXTEN;
	before.c_iflag |= ICRNL | IXON | BRKINT | INLCR;
	before.c_oflag |= OPOST | ONLCR;
	before.c_cc[VINTR] = 003;
	before.c_cc[VMIN] = 5;
	before.c_cc[VTIME] = 7;
	return true;
}

static bool all_good = true;

static void begin(void)
{
	failed = false;
}

static void end(const char *what)
{
	clean_up();
	printf("%sok - %s\n", failed ? "not " : "", what);
	fflush(stdout);
	all_good &= !failed;
}

/* At the top of the screen, again and again; at the end as text. */
static void test_stats(void)
{
	option = "--stats";
	if (start()) {
		CHECK(says("\0337\033[Harmvcpu-vmm: in "));
		CHECK(says("data abort"));
		CHECK(says("\0338"));
		CHECK(says("\0337\033[Harmvcpu-vmm: in "));
		type("\001x");
		CHECK(says("s in all"));
		check_end(0, 3);
	}
	option = NULL;
}

static int run_tests(void)
{
	size_t i;

	signal(SIGTTOU, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (setsid() < 0 || !open_terminal()) {
		printf("# no terminal: %s\n", strerror(errno));
		return 1;
	}
	begin();
	test_keys();
	end("every key but Ctrl-a is the guest's");
	begin();
	test_consoles();
	end("two consoles, one keyboard");
	begin();
	test_resize();
	end("its size is the virtio console's");
	/* What follows would wait as long in vain. */
	if (!has_started)
		return 1;
	begin();
	test_stats();
	end("--stats draws in place");
	begin();
	test_stop();
	end("stopped, it gives the terminal back");
	begin();
	test_end_stopped();
	end("restored after a signal while it was stopped");
	for (i = 0; i < ARRAY_SIZE(ways_out); i++) {
		char what[64];

		begin();
		test_way_out(&ways_out[i]);
		snprintf(what, sizeof(what), "restored after %s",
			 ways_out[i].what);
		end(what);
	}
	if (!access(PROVOKE, W_OK)) {
		begin();
		test_dead();
		end("restored after a dead VM");
	}
	begin();
	test_failed_reset();
	end("restored after a reset that fails");
	return !all_good;
}

int pty_main(char **argv)
{
	const char *scale = getenv("RIG_TIMEOUT_SCALE");
	int status;
	pid_t child;

	vmm = argv[0];
	monitor = argv[1];
	if (scale && atoi(scale) > 0)
		patience *= atoi(scale);
	/* Only a process that leads nothing can have a session of its own. */
	fflush(stdout);
	child = fork();
	if (!child)
		exit(run_tests());
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
