/* SPDX-License-Identifier: GPL-2.0 */
/* The module itself: in and out, and what it says of itself. */
#ifndef SELFTEST_MODULE_H
#define SELFTEST_MODULE_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vm.h"

#define MODULE_NAME	"armvcpu"
#define MODULE_FILE	"/lib/modules/armvcpu.ko"
#define MODULE_SYSFS	"/sys/module/armvcpu/"
#define MODULE_CPUS	(MODULE_SYSFS "parameters/cpus")
#define MODULE_VMS	(MODULE_SYSFS "parameters/vms")
#define MODULE_REFCNT	(MODULE_SYSFS "refcnt")
#define MODULE_PROVOKE	"/sys/kernel/debug/armvcpu/provoke"
#define MODULE_SPECTRE	"/sys/kernel/debug/armvcpu/spectre"

/* 0 or -errno; unlike busybox's insmod it tries once. */
static inline int module_load(const char *params)
{
	int fd = open(MODULE_FILE, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);
	return ret;
}

static inline int module_unload(void)
{
	return syscall(SYS_delete_module, MODULE_NAME, O_NONBLOCK) ? -errno : 0;
}

/* A file's first line without its end; "" if there is no such file. */
static inline void read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");

	line[0] = 0;
	if (!f)
		return;
	if (!fgets(line, size, f))
		line[0] = 0;
	line[strcspn(line, "\n")] = 0;
	fclose(f);
}

/* -errno of the write, or 0. */
static inline int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		ret = -errno;
	close(fd);
	return ret;
}

/* 0 or -errno. */
static inline int cpu_set_online(int cpu, int online)
{
	char path[64];
	int ret, tries = 100;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	/* Busy is who else plugs. */
	do {
		ret = write_file(path, online ? "1" : "0");
		if (ret == -EBUSY)
			usleep(10000);
	} while (ret == -EBUSY && --tries);
	return ret;
}

/* A parameter, whatever the module was given. */
static inline bool module_debug(void)
{
	char line[8];

	read_line(MODULE_SYSFS "parameters/debug", line, sizeof(line));
	return line[0] == 'Y';
}

/* Until a file holds a number; what it holds at last. */
static inline long wait_for_number(const char *path, long number)
{
	int tries = 500;
	long value;

	do {
		value = read_number(path);
		if (value == number)
			return value;
		usleep(10000);
	} while (--tries);
	return value;
}

/* Out and in again, with other parameters; what still dies may finish. */
static inline void module_reload(const char *params)
{
	int tries = 500, ret;

	do {
		ret = module_unload();
		if (ret == -EAGAIN)
			usleep(10000);
	} while (ret == -EAGAIN && --tries);
	if (ret && ret != -ENOENT)
		test_fail("unload: %s", strerror(-ret));
	ret = module_load(params);
	if (ret)
		test_fail("load with '%s': %s", params, strerror(-ret));
}

#ifdef SELFTEST_HARNESS_H

static bool module_was_debug;

static inline void module_leave_as_found(void)
{
	if (access(MODULE_SYSFS, F_OK) || module_debug() != module_was_debug)
		module_reload(module_was_debug ? "debug=1" : "");
}

/* First in main() of a program whose tests reload the module: it is left as found. */
static inline void module_tests_begin(void)
{
	if (access(MODULE_SYSFS, F_OK))
		return;
	module_was_debug = module_debug();
	atexit(module_leave_as_found);
}

#endif /* SELFTEST_HARNESS_H */

#endif /* SELFTEST_MODULE_H */
