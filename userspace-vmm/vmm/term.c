// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's console. A terminal is raw while the VMM runs, so that Ctrl-c and
 * the like reach the guest; Ctrl-a is the way to the VMM itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "term.h"

static struct termios cooked, raw;
/* Read and written in signal handlers, too. */
static int is_raw;
static bool is_tty;

enum term_key term_decode(struct term_decoder *decoder, u8 *c)
{
	if (!decoder->escape) {
		decoder->escape = *c == TERM_ESCAPE;
		return decoder->escape ? TERM_NONE : TERM_CHAR;
	}
	decoder->escape = false;
	switch (*c) {
	case 'x':
		return TERM_QUIT;
	case 'b':
		return TERM_BREAK;
	case 'c':
		return TERM_CONSOLE;
	case '-':
		return TERM_INFLATE;
	case '+':
		return TERM_DEFLATE;
	case 'a':
	case TERM_ESCAPE:
		*c = TERM_ESCAPE;
		return TERM_CHAR;
	default:
		return TERM_HELP;
	}
}

/* Async-signal-safe. */
static void restore(void)
{
	if (__atomic_exchange_n(&is_raw, 0, __ATOMIC_SEQ_CST))
		tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
}

/* The handler is gone after one call: the signal then does what it does. */
static void crashed(int sig)
{
	restore();
	raise(sig);
}

static void make_raw(void)
{
	__atomic_store_n(&is_raw, 1, __ATOMIC_SEQ_CST);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

/* If nobody handles it. */
static bool ends_program(int sig)
{
	switch (sig) {
	case SIGKILL:
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
	case SIGCONT:
	case SIGCHLD:
	case SIGURG:
	case SIGWINCH:
		return false;
	}
	return true;
}

void term_init(void)
{
	struct sigaction sa = { .sa_handler = crashed, .sa_flags = SA_RESETHAND };
	struct sigaction old;
	int sig;

	if (tcgetattr(STDIN_FILENO, &cooked))
		return;
	is_tty = true;
	raw = cooked;
	raw.c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR |
			 ICRNL | IXON);
	raw.c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	raw.c_cflag &= ~(CSIZE | PARENB);
	raw.c_cflag |= CS8;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	/* Output keeps its processing, for the VMM's own messages. */

	atexit(restore);
	for (sig = 1; sig <= SIGRTMAX; sig++) {
		if (ends_program(sig) && !sigaction(sig, NULL, &old) &&
		    old.sa_handler == SIG_DFL)
			sigaction(sig, &sa, NULL);
	}
	make_raw();
}

void term_suspend(void)
{
	restore();
}

void term_resume(void)
{
	if (is_tty)
		make_raw();
}

void term_end_by(int sig)
{
	sigset_t set;

	restore();
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(sig);
}

bool term_is_tty(void)
{
	return is_tty;
}

bool term_size(u16 *cols, u16 *rows)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) &&
	    ioctl(STDIN_FILENO, TIOCGWINSZ, &size))
		return false;
	*cols = size.ws_col;
	*rows = size.ws_row;
	return true;
}

int term_output_fd(void)
{
	struct stat st;
	int fd = -1;

	/*
	 * O_NONBLOCK belongs to the open file, which we share with the shell:
	 * so it is opened once more. A file on a disk has a position in there as
	 * well, but it does not block.
	 */
	if (!fstat(STDOUT_FILENO, &st) &&
	    (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode)))
		fd = open("/proc/self/fd/1",
			  O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? STDOUT_FILENO : fd;
}

void term_putc(u8 c)
{
	struct pollfd pfd = { .fd = STDOUT_FILENO, .events = POLLOUT };

	while (write(STDOUT_FILENO, &c, 1) < 0) {
		if (errno == EAGAIN)
			poll(&pfd, 1, -1);
		else if (errno != EINTR)
			/* A console that went away does not stop the guest. */
			return;
	}
}

void term_help(void)
{
	fputs("\n"
	      "Ctrl-a x  quit the VMM\n"
	      "Ctrl-a b  send a break to the guest\n"
	      "Ctrl-a a  send Ctrl-a to the guest (Ctrl-a Ctrl-a as well)\n"
	      "Ctrl-a c  type into the other console (--console)\n"
	      "Ctrl-a -  take memory from the guest, Ctrl-a + give it back (--balloon)\n"
	      "Ctrl-a h  this help\n",
	      stderr);
}
