// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's console. A terminal is raw while the VMM runs, so that Ctrl-c and
 * the like reach the guest; Ctrl-a is the way to the VMM itself.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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

bool term_is_tty(void)
{
	return is_tty;
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
	      "Ctrl-a h  this help\n",
	      stderr);
}
