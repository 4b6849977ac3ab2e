// SPDX-License-Identifier: GPL-2.0
/* The host's memory management, by its files; see system.h. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "system.h"
#include "vm.h"

#define CGROUP_MOUNT	"/tmp/armvcpu-cgroup"
#define ZRAM		"/dev/zram0"
#define ZRAM_SIZE	(512UL << 20)

static const char *cgroup_root;
static bool swap_is_ours, mount_is_ours;
static pid_t owner;

/* ---- files --------------------------------------------------------------- */

int system_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;
	ssize_t length = strlen(text);

	if (fd < 0)
		return -errno;
	if (write(fd, text, length) != length)
		ret = errno ? -errno : -EIO;
	close(fd);
	return ret;
}

int system_printf(const char *path, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return system_write(path, text);
}

long system_value(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	size_t length = strlen(key);
	char line[512];
	long value = -1;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, length) && (line[length] == ' ' || line[length] == ':')) {
			value = strtol(line + length + 1, NULL, 10);
			break;
		}
	}
	fclose(f);
	return value;
}

bool system_logged(const char *text)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[2048];
	bool found = false;
	ssize_t size;

	test_check(fd >= 0);
	/* One line each; EPIPE: some were lost. */
	while (!found && ((size = read(fd, record, sizeof(record) - 1)) > 0 ||
			  (size < 0 && errno == EPIPE))) {
		if (size <= 0)
			continue;
		record[size] = 0;
		found = strstr(record, text);
	}
	close(fd);
	return found;
}

bool kernel_at_least(int version, int patchlevel)
{
	struct utsname uts;
	int a, b;

	test_check(!uname(&uts) && sscanf(uts.release, "%d.%d", &a, &b) == 2);
	return a > version || (a == version && b >= patchlevel);
}

unsigned int system_scale(void)
{
	const char *times = getenv("RIG_TIMEOUT_SCALE");

	return times && atoi(times) > 0 ? atoi(times) : 1;
}

bool system_is_debug(void)
{
	const char *debug = getenv("RIG_DEBUG");

	return debug && !strcmp(debug, "1");
}

void system_may_lack(const char *what)
{
	if (system_is_debug())
		test_fail("the rig's debug kernel has no %s", what);
}

/* ---- swap ---------------------------------------------------------------- */

bool system_has_swap(void)
{
	return system_value("/proc/meminfo", "SwapTotal") > 0;
}

/* What mkswap writes: version 1, the last page, at the end of the page its name. */
static bool make_swap(const char *path, u64 size)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	u64 page = page_size();
	u8 *header = calloc(1, page);
	bool ok;

	test_check(header);
	*(u32 *)(header + 1024) = 1;
	*(u32 *)(header + 1028) = size / page - 1;
	memcpy(header + page - 10, "SWAPSPACE2", 10);
	ok = fd >= 0 && pwrite(fd, header, page, 0) == (ssize_t)page && !fsync(fd);
	free(header);
	if (fd >= 0)
		close(fd);
	return ok;
}

static void swap_begin(void)
{
	if (system_has_swap() || read_number("/sys/block/zram0/disksize"))
		return;
	if (system_printf("/sys/block/zram0/disksize", "%lu", ZRAM_SIZE) ||
	    !make_swap(ZRAM, ZRAM_SIZE) || swapon(ZRAM, 0))
		fprintf(stderr, "# no swap on %s: %m\n", ZRAM);
	else
		swap_is_ours = true;
}

static void swap_end(void)
{
	if (!swap_is_ours)
		return;
	if (swapoff(ZRAM) || system_write("/sys/block/zram0/reset", "1"))
		fprintf(stderr, "# the swap on %s stays: %m\n", ZRAM);
}

/* ---- cgroups ------------------------------------------------------------- */

static void cgroup_begin(void)
{
	if (!access("/sys/fs/cgroup/cgroup.controllers", F_OK)) {
		cgroup_root = "/sys/fs/cgroup";
	} else {
		mkdir(CGROUP_MOUNT, 0755);
		if (mount("none", CGROUP_MOUNT, "cgroup2", 0, NULL))
			return;
		mount_is_ours = true;
		cgroup_root = CGROUP_MOUNT;
	}
	if (cgroup_write("", "cgroup.subtree_control", "+memory"))
		cgroup_root = NULL;
}

static void cgroup_path(char *path, size_t size, const char *name, const char *file)
{
	snprintf(path, size, "%s/%s%s%s%s", cgroup_root, *name ? "armvcpu-" : "", name,
		 *file ? "/" : "", file);
}

int cgroup_write(const char *name, const char *file, const char *text)
{
	char path[256];

	cgroup_path(path, sizeof(path), name, file);
	return system_write(path, text);
}

long cgroup_read(const char *name, const char *file)
{
	char path[256];

	cgroup_path(path, sizeof(path), name, file);
	return read_number(path);
}

long cgroup_value(const char *name, const char *file, const char *key)
{
	char path[256];

	cgroup_path(path, sizeof(path), name, file);
	return system_value(path, key);
}

bool cgroup_enter(const char *name)
{
	char path[256];

	if (!cgroup_root)
		return false;
	cgroup_path(path, sizeof(path), name, "");
	if (mkdir(path, 0755) && errno != EEXIST)
		return false;
	cgroup_path(path, sizeof(path), name, "memory.max");
	return !access(path, F_OK) && !cgroup_write(name, "cgroup.procs", "0");
}

void cgroup_leave(void)
{
	if (cgroup_root)
		cgroup_write("", "cgroup.procs", "0");
}

int cgroup_remove(const char *name)
{
	char path[256];
	int tries = 500;

	cgroup_path(path, sizeof(path), name, "");
	/* Who has ended is there for a moment. */
	while (rmdir(path)) {
		if (errno != EBUSY || !--tries)
			return -errno;
		usleep(10000);
	}
	return 0;
}

/* Those of tests that have ended, too. */
static void cgroup_end(void)
{
	char path[256];
	glob_t found;
	size_t i;

	if (!cgroup_root)
		return;
	snprintf(path, sizeof(path), "%s/armvcpu-*", cgroup_root);
	if (!glob(path, 0, NULL, &found)) {
		for (i = 0; i < found.gl_pathc; i++)
			if (rmdir(found.gl_pathv[i]))
				fprintf(stderr, "# %s stays: %m\n", found.gl_pathv[i]);
		globfree(&found);
	}
	if (mount_is_ours && (umount2(CGROUP_MOUNT, MNT_DETACH) || rmdir(CGROUP_MOUNT)))
		fprintf(stderr, "# %s stays: %m\n", CGROUP_MOUNT);
}

/* The harness ends the program by itself; its tests are processes of their own. */
static void system_end(void)
{
	if (getpid() != owner)
		return;
	swap_end();
	cgroup_end();
}

void system_begin(void)
{
	owner = getpid();
	test_check(!atexit(system_end));
	swap_begin();
	cgroup_begin();
}

/* ---- pages --------------------------------------------------------------- */

static u64 map_entry(const void *addr)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	u64 entry = 0;

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry), (u64)addr / page_size() * sizeof(entry)) !=
	    sizeof(entry))
		entry = 0;
	close(fd);
	return entry;
}

u64 page_frame(const void *addr)
{
	u64 entry = map_entry(addr);

	return entry & BIT(63) ? entry & (BIT(55) - 1) : 0;
}

u64 pages_present(const void *mem, u64 size)
{
	u64 page = page_size(), present = 0, i;

	for (i = 0; i < size; i += page)
		present += map_entry((const u8 *)mem + i) >> 63;
	return present;
}

void *alloc_aligned(u64 size, u64 align)
{
	u8 *mem = alloc_pages(size + align), *start;

	start = (u8 *)(((u64)mem + align - 1) & ~(align - 1));
	if (start > mem)
		test_check(!munmap(mem, start - mem));
	if (start + size < mem + size + align)
		test_check(!munmap(start + size, mem + align - start));
	return start;
}

/* ---- allocations that fail ----------------------------------------------- */

#define FAIL_NTH	"/proc/thread-self/fail-nth"

static int fail_nth = -1;

bool faults_begin(void)
{
	static const char * const settings[][2] = {
		{ "failslab/ignore-gfp-wait", "N" },
		{ "failslab/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "fail_page_alloc/min-order", "0" },
		{ "fail_page_alloc/verbose", "0" },
	};
	char path[80];
	unsigned int i;

	fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	for (i = 0; fail_nth >= 0 && i < ARRAY_SIZE(settings); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s", settings[i][0]);
		if (system_write(path, settings[i][1])) {
			close(fail_nth);
			fail_nth = -1;
		}
	}
	if (fail_nth < 0)
		system_may_lack("CONFIG_FAULT_INJECTION, FAILSLAB, FAIL_PAGE_ALLOC");
	return fail_nth >= 0;
}

void faults_arm(unsigned long n)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%lu", n);

	test_check(pwrite(fail_nth, text, len, 0) == len);
}

unsigned long faults_disarm(void)
{
	char text[24] = "";

	test_check(pread(fail_nth, text, sizeof(text) - 1, 0) > 0);
	test_check(pwrite(fail_nth, "0", 1, 0) == 1);
	return strtoul(text, NULL, 10);
}
