/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's console: stdin and stdout of the VMM, a terminal or not.
 */
#ifndef _VMM_TERM_H
#define _VMM_TERM_H

#include "util.h"

#define TERM_ESCAPE	0x01	/* Ctrl-a */

enum term_key {
	TERM_NONE,	/* the first half of an escape */
	TERM_CHAR,	/* for the guest */
	TERM_BREAK,
	TERM_QUIT,
	TERM_HELP,
	TERM_CONSOLE,	/* type into the other console */
	TERM_INFLATE,	/* the balloon */
	TERM_DEFLATE,
};

/* Turns what is typed into what is meant; all zero at the beginning. */
struct term_decoder {
	bool escape;
};

/* With TERM_CHAR, @c is the character that the guest gets. */
enum term_key term_decode(struct term_decoder *decoder, u8 *c);

/*
 * If stdin is a terminal, make it raw until the program ends, in whatever way
 * but SIGKILL. Once, from the main thread.
 */
void term_init(void);

/* To cooked mode and back, around a stop of the program. */
void term_suspend(void);
void term_resume(void);

/* The program ends by @sig, and the terminal is as it was. Also in a handler of @sig. */
void term_end_by(int sig);

bool term_is_tty(void);

/* Columns and rows; false if it has none. */
bool term_size(u16 *cols, u16 *rows);

/*
 * stdout for somebody who never waits for it: it takes what it can. Not to be
 * closed.
 */
int term_output_fd(void);

/* A character from the guest. Blocks as long as stdout does. */
void term_putc(u8 c);

void term_help(void);

#endif /* _VMM_TERM_H */
