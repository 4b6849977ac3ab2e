// SPDX-License-Identifier: GPL-2.0
/*
 * Small things for vmm-test.sh.
 */
#include <ctype.h>
#include <libfdt.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "file.h"
#include "helper.h"

/* blocked COMMAND...: run it, as a parent does that has blocked SIGUSR1. */
static int blocked(char **argv)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	execvp(argv[0], argv);
	perror(argv[0]);
	return 1;
}

/* A string as it is, anything else in hexadecimal. */
static void print_value(const char *value, int len)
{
	int i;

	if (len > 1 && isprint(value[0]) && !value[len - 1]) {
		puts(value);
		return;
	}
	for (i = 0; i < len; i++)
		printf("%02x", (u8)value[i]);
	puts("");
}

/* dtb FILE PATH PROPERTY: its value, if FILE is a device tree and nothing else. */
static int dtb(char **argv)
{
	static char fdt[BOARD_FDT_MAX];
	const char *value;
	struct file file;
	int len;

	file_open(&file, argv[0]);
	if (file.size > sizeof(fdt))
		die("%s: too large", argv[0]);
	file_read(&file, 0, fdt, file.size);
	file_close(&file);
	if (fdt_check_full(fdt, file.size) || fdt_totalsize(fdt) != file.size)
		die("%s: not a device tree", argv[0]);
	value = fdt_getprop(fdt, fdt_path_offset(fdt, argv[1]), argv[2], &len);
	if (!value)
		die("%s: no %s in %s", argv[0], argv[2], argv[1]);
	print_value(value, len);
	return 0;
}

int helper_main(char **argv)
{
	static const struct {
		const char *name;
		int args;
		int (*run)(char **argv);
	} helpers[] = {
		{ "blocked", 1, blocked },
		{ "dtb", 3, dtb },
		{ "pty", 2, pty_main },
	};
	size_t i;
	int args;

	for (args = 0; argv[args + 1]; args++)
		;
	for (i = 0; i < ARRAY_SIZE(helpers); i++) {
		if (!strcmp(argv[0], helpers[i].name) && args >= helpers[i].args)
			return helpers[i].run(argv + 1);
	}
	die("unit %s: no such helper, or arguments are missing", argv[0]);
}
