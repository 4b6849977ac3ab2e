// SPDX-License-Identifier: GPL-2.0
/*
 * armvcpu-check: whether the module can be loaded here, why not, and what would change
 * that; when it is loaded, what is wrong with it. It looks at files only, and changes
 * nothing; below another root it looks at that machine's (for its tests).
 *
 * Each refusal of the module (kmod/el2_host.c, check_el2()) has a finding here.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <linux/openat2.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

/* More of a file than this nobody looks at. */
#define FILE_MAX	(8 << 20)
/* Files of sysctl refuse to be read in pieces of megabytes. */
#define PIECE		65536
/* What EL2 and the module take of memory, generously. */
#define MEMORY_KIB	16384

static unsigned int problems, warnings;

/* ---- What is said ------------------------------------------------------ */

static void vsay(const char *level, const char *fmt, va_list args)
{
	printf("%s: ", level);
	vprintf(fmt, args);
	putchar('\n');
}

/* One line: what was found, and behind " - " what to do about it. It is good, ... */
static void __printf(1, 2) say_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsay("ok", fmt, args);
	va_end(args);
}

/* ... it may matter, ... */
static void __printf(1, 2) say_warn(const char *fmt, ...)
{
	va_list args;

	warnings++;
	va_start(args, fmt);
	vsay("warning", fmt, args);
	va_end(args);
}

/* ... or it keeps the module from being loaded, or used. */
static void __printf(1, 2) say_err(const char *fmt, ...)
{
	va_list args;

	problems++;
	va_start(args, fmt);
	vsay("problem", fmt, args);
	va_end(args);
}

/* ---- Files ------------------------------------------------------------- */

/* Of --root. */
static const char *root = "";
static int root_fd = -1;

/*
 * Below another root all links stay there, the absolute ones, too: /proc/device-tree is one.
 * Without --root it is also for kernels that do not have openat2() yet.
 */
static int open_file(const char *path, int flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };

	if (root_fd < 0)
		return open(path, flags | O_CLOEXEC);
	return syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
}

/* False with -1 as well. */
static bool close_file(int fd)
{
	return fd >= 0 && !close(fd);
}

static bool exists(const char *path)
{
	return close_file(open_file(path, O_PATH));
}

static bool __printf(1, 2) exists_fmt(const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	return exists(path);
}

/* All of it with a 0 behind it, or NULL; the caller's to free. */
static char *read_fd(int fd, size_t *size)
{
	char *buf = malloc(FILE_MAX + 1);
	size_t len = 0;
	ssize_t n;

	if (!buf)
		abort();
	while (len < FILE_MAX) {
		n = read(fd, buf + len, FILE_MAX - len < PIECE ? FILE_MAX - len : PIECE);
		/* /dev/kmsg: a line that was overwritten meanwhile; a signal. */
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		len += n;
	}
	close(fd);
	buf[len] = '\0';
	if (size)
		*size = len;
	return buf;
}

static char *read_path(const char *path, size_t *size)
{
	int fd = open_file(path, O_RDONLY | O_NONBLOCK);

	return fd < 0 ? NULL : read_fd(fd, size);
}

/* The first line of a small file in @buf; "" if there is none. */
static char *read_line(const char *path, char *buf, size_t size)
{
	char *text = read_path(path, NULL);

	snprintf(buf, size, "%.*s", text ? (int)strcspn(text, "\n") : 0, text ? text : "");
	free(text);
	return buf;
}

/*
 * What gzip makes of it. root runs this: it is no program of the caller's PATH, and has
 * nothing of the caller's environment.
 */
static char *read_gzip(const char *path)
{
	const char *gzip = !access("/usr/bin/gzip", X_OK) ? "/usr/bin/gzip" : "/bin/gzip";
	char *const argv[] = { (char *)"gzip", (char *)"-dc", NULL };
	char *const environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	int fd = open_file(path, O_RDONLY | O_NONBLOCK);
	int fds[2], err, status;
	char *text = NULL;
	pid_t pid;

	if (fd < 0)
		return NULL;
	if (pipe2(fds, O_CLOEXEC)) {
		close(fd);
		return NULL;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, 0);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	err = posix_spawn(&pid, gzip, &actions, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	close(fd);
	close(fds[1]);
	text = read_fd(fds[0], NULL);
	if (!err && waitpid(pid, &status, 0) == pid && !status)
		return text;
	free(text);
	return NULL;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : NULL;
}

/* The line in @text that begins with @key; NULL if there is none. */
static const char *find_line(const char *text, const char *key)
{
	const char *p = text;
	size_t len = strlen(key);

	for (; p; p = next_line(p)) {
		if (!strncmp(p, key, len))
			return p;
	}
	return NULL;
}

/* Where in the line it is; NULL: it is not. */
static const char *in_line(const char *line, const char *what)
{
	return memmem(line, strcspn(line, "\n"), what, strlen(what));
}

/* ---- What several checks want ------------------------------------------ */

static struct {
	char arch[65];
	char release[65];
	char *cpuinfo;
	char *cmdline;
	/* Of the kernel since it was booted; NULL: not to be read. */
	char *log;
	/* Its configuration; NULL: not found. */
	char *config;
	char *interrupts;
	bool loaded;
} host;

/* Not yet told in the log is not the same as told to be otherwise. */
static bool logged(const char *text)
{
	return host.log && strstr(host.log, text);
}

enum answer { NO, YES, UNKNOWN };

static enum answer configured(const char *option)
{
	char line[128];

	if (!host.config)
		return UNKNOWN;
	snprintf(line, sizeof(line), "%s=y\n", option);
	if (find_line(host.config, line))
		return YES;
	return NO;
}

/* A word of the kernel's command line, as a whole. */
static bool on_cmdline(const char *word)
{
	size_t len = strlen(word);
	const char *p = host.cmdline;

	while (p && (p = strstr(p, word))) {
		if ((p == host.cmdline || isspace((unsigned char)p[-1])) &&
		    (!p[len] || isspace((unsigned char)p[len])))
			return true;
		p += len;
	}
	return false;
}

/* The word of KVM's that counts is the last one that it knows (early_kvm_mode_cfg()). */
static bool kvm_is_off(void)
{
	static const char * const modes[] = { "none", "nvhe", "protected", "nested" };
	static const char key[] = "kvm-arm.mode=";
	const char *p = host.cmdline;
	bool off = false;
	size_t len, i;

	for (; p && (p = strstr(p, key)); p += len) {
		len = strcspn(p, " \t\n");
		if (p != host.cmdline && !isspace((unsigned char)p[-1]))
			continue;
		for (i = 0; i < ARRAY_SIZE(modes); i++) {
			if (len == strlen(key) + strlen(modes[i]) &&
			    !strncmp(p + strlen(key), modes[i], strlen(modes[i])))
				off = !i;
		}
	}
	return off;
}

static void find_config(void)
{
	static const char * const places[] = {
		"/boot/config-%s", "/lib/modules/%s/config", "/lib/modules/%s/build/.config",
	};
	char path[PATH_MAX];
	size_t i;

	host.config = read_gzip("/proc/config.gz");
	for (i = 0; !host.config && i < ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), places[i], host.release);
		host.config = read_path(path, NULL);
	}
}

static void look_around(void)
{
	struct utsname uts;

	read_line("/proc/sys/kernel/osrelease", host.release, sizeof(host.release));
	read_line("/proc/sys/kernel/arch", host.arch, sizeof(host.arch));
	/* Since v6.1 there is a file. */
	if (!host.arch[0] && root_fd < 0 && !uname(&uts))
		snprintf(host.arch, sizeof(host.arch), "%s", uts.machine);
	host.cpuinfo = read_path("/proc/cpuinfo", NULL);
	host.cmdline = read_path("/proc/cmdline", NULL);
	host.log = read_path("/dev/kmsg", NULL);
	host.interrupts = read_path("/proc/interrupts", NULL);
	host.loaded = exists("/sys/module/armvcpu");
	find_config();
}

/* ---- Machine and kernel ------------------------------------------------ */

static bool check_arch(void)
{
	if (!strcmp(host.arch, "aarch64")) {
		say_info("the machine is arm64");
		return true;
	}
	say_err("the machine is %s - armvcpu is for arm64 only",
		host.arch[0] ? host.arch : "unknown");
	return false;
}

static void check_release(void)
{
	unsigned int major = 0, minor = 0;

	if (sscanf(host.release, "%u.%u", &major, &minor) != 2)
		say_warn("the kernel does not tell its version - armvcpu needs Linux 6.1 or later");
	else if (major < 6 || (major == 6 && minor < 1))
		say_err("the kernel is %s - use Linux 6.1 or later", host.release);
	else
		say_info("the kernel is %s", host.release);
	if (configured("CONFIG_CPU_BIG_ENDIAN") == YES)
		say_err("the kernel is big-endian - use a little-endian one");
}

struct core {
	unsigned int implementer;
	unsigned int part;
	const char *name;
	enum answer vhe;
};

static const struct core cores[] = {
	{ 0x41, 0xd03, "Cortex-A53", NO }, { 0x41, 0xd04, "Cortex-A35", NO },
	{ 0x41, 0xd07, "Cortex-A57", NO }, { 0x41, 0xd08, "Cortex-A72", NO },
	{ 0x41, 0xd09, "Cortex-A73", NO }, { 0x41, 0xd05, "Cortex-A55", YES },
	{ 0x41, 0xd0a, "Cortex-A75", YES }, { 0x41, 0xd0b, "Cortex-A76", YES },
	{ 0x41, 0xd0c, "Neoverse N1", YES }, { 0x41, 0xd0d, "Cortex-A77", YES },
	{ 0x41, 0xd40, "Neoverse V1", YES }, { 0x41, 0xd41, "Cortex-A78", YES },
	{ 0x41, 0xd44, "Cortex-X1", YES }, { 0x41, 0xd46, "Cortex-A510", YES },
	{ 0x41, 0xd47, "Cortex-A710", YES }, { 0x41, 0xd48, "Cortex-X2", YES },
	{ 0x41, 0xd49, "Neoverse N2", YES }, { 0x41, 0xd4b, "Cortex-A78C", YES },
	{ 0x41, 0xd4f, "Neoverse V2", YES },
};

static const struct core *find_core(unsigned int implementer, unsigned int part)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cores); i++) {
		if (cores[i].implementer == implementer && cores[i].part == part)
			return &cores[i];
	}
	return NULL;
}

/* One of /proc/cpuinfo. */
struct cpu {
	unsigned int implementer;
	unsigned int part;
	unsigned int variant;
	unsigned int revision;
};

/* The next one from @p on, and where to go on; NULL: no more. An empty line ends each. */
static const char *next_cpu(const char *p, struct cpu *cpu)
{
	bool found = false;

	/* What is not told is like no other. */
	*cpu = (struct cpu) { .variant = UINT_MAX, .revision = UINT_MAX };
	for (; p && *p && !(found && *p == '\n'); p = next_line(p)) {
		if (sscanf(p, "CPU part : %x", &cpu->part) == 1)
			found = true;
		else if (sscanf(p, "CPU implementer : %x", &cpu->implementer) != 1 &&
			 sscanf(p, "CPU variant : %x", &cpu->variant) != 1)
			sscanf(p, "CPU revision : %u", &cpu->revision);
	}
	return found ? p ? p : "" : NULL;
}

/* Any of them, as far as they are known. */
static enum answer cores_have_vhe(void)
{
	const struct core *core;
	struct cpu cpu;
	const char *p = next_cpu(host.cpuinfo, &cpu);
	enum answer vhe = p ? NO : UNKNOWN;

	for (; p; p = next_cpu(p, &cpu)) {
		core = find_core(cpu.implementer, cpu.part);
		if (core && core->vhe == YES)
			return YES;
		if (!core)
			vhe = UNKNOWN;
	}
	return vhe;
}

static void say_core(const struct cpu *cpu)
{
	const struct core *core = find_core(cpu->implementer, cpu->part);

	if (!core)
		say_info("a core is of implementer 0x%02x, part 0x%03x", cpu->implementer,
			 cpu->part);
	else if (core->vhe == YES)
		say_info("a core is a %s, which can have VHE", core->name);
	else
		say_info("a core is a %s, which has no VHE", core->name);
}

/* Each kind of core once. */
static void check_cores(void)
{
	unsigned int seen[16], num_seen = 0, kind, i;
	struct cpu cpu;
	const char *p;

	for (p = next_cpu(host.cpuinfo, &cpu); p; p = next_cpu(p, &cpu)) {
		kind = cpu.implementer << 16 | cpu.part;
		for (i = 0; i < num_seen && seen[i] != kind; i++)
			;
		if (i < num_seen || num_seen == ARRAY_SIZE(seen))
			continue;
		seen[num_seen++] = kind;
		say_core(&cpu);
	}
	if (!num_seen)
		say_warn("/proc/cpuinfo names no core");
	if (num_seen > 1)
		say_warn("the cores are not all alike - guests see those of CPU 0's kind; keep their VMM there (taskset)");
}

/* ---- EL2 --------------------------------------------------------------- */

/* INTIDs of the timer that Linux uses: BSA, and all device trees that follow it. */
#define PPI_HYP		26
#define PPI_VIRT	27
#define PPI_HYP_VIRT	28
#define PPI_PHYS	30

static unsigned int timer_interrupt(void)
{
	const char *line = host.interrupts, *end, *name, *number;
	unsigned int intid;

	for (; line; line = next_line(line)) {
		end = line + strcspn(line, "\n");
		name = strstr(line, "arch_timer");
		number = strstr(line, "GIC");
		if (!name || name > end || !number || number > end)
			continue;
		/* "GICv3  30 Level", "GIC-0  30 Level" */
		if (sscanf(number + strcspn(number, " \t"), " %u", &intid) == 1)
			return intid;
	}
	return 0;
}

enum boot { BOOT_UNKNOWN, BOOT_EL1, BOOT_EL2, BOOT_VHE, BOOT_MIXED };

/*
 * What KVM says it is, from there on: "VHE", also "VHE+NV2", is with the host at EL2; "Hyp",
 * "Hyp nVHE", "Protected nVHE" and "Protected hVHE" are at EL2 with the host at EL1.
 * NULL: it has said nothing.
 */
static const char *kvm_mode(void)
{
	static const char begin[] = "]: ";
	const char *line, *mode;

	for (line = host.log; line; line = next_line(line)) {
		mode = in_line(line, "kvm [") ? in_line(line, begin) : NULL;
		if (mode && in_line(line, " mode initialized successfully"))
			return mode + strlen(begin);
	}
	return NULL;
}

/*
 * The log tells how it was started, the timer what it has made of it; the log may have
 * lost its beginning, and is not everybody's to read.
 */
static enum boot how_booted(void)
{
	unsigned int timer = timer_interrupt();
	const char *mode = kvm_mode();

	if (logged("CPUs started in inconsistent modes"))
		return BOOT_MIXED;
	if (timer == PPI_HYP || timer == PPI_HYP_VIRT)
		return BOOT_VHE;
	if (logged("CPU: All CPU(s) started at EL1") || timer == PPI_VIRT)
		return BOOT_EL1;
	if (timer == PPI_PHYS)
		return BOOT_EL2;
	if (mode)
		return strncmp(mode, "VHE", 3) ? BOOT_EL2 : BOOT_VHE;
	if (logged("detected: Virtualization Host Extensions"))
		return BOOT_VHE;
	/* Its timer is not a GIC's (Raspberry Pi 3), but it cannot have stayed there. */
	if (logged("CPU: All CPU(s) started at EL2") && cores_have_vhe() == NO)
		return BOOT_EL2;
	return BOOT_UNKNOWN;
}

static bool has_kvm(void)
{
	return exists("/dev/kvm") || kvm_mode();
}

/* What keeps KVM from EL2, and a host that KVM keeps at EL1 from going to EL2 then. */
static const char *words_against_kvm(void)
{
	if (cores_have_vhe() == NO || on_cmdline("id_aa64mmfr1.vh=0"))
		return "kvm-arm.mode=none";
	return "kvm-arm.mode=none id_aa64mmfr1.vh=0";
}

static void check_boot(void)
{
	switch (how_booted()) {
	case BOOT_EL2:
		say_info("the kernel was started at EL2 and runs at EL1");
		break;
	case BOOT_VHE:
		if (configured("CONFIG_KVM") == NO)
			say_err("the host runs at EL2 (VHE) - boot with id_aa64mmfr1.vh=0");
		else
			say_err("the host runs at EL2 (VHE) - boot with id_aa64mmfr1.vh=0 kvm-arm.mode=none%s",
				kvm_is_off() ? " (the second is there already)" : "");
		break;
	case BOOT_EL1:
		say_err("the kernel was started at EL1: there is no EL2, or firmware or a hypervisor has it - have the boot loader start the kernel at EL2; in QEMU use -M virt,virtualization=on");
		break;
	case BOOT_MIXED:
		say_err("some CPUs were started at EL1, others at EL2 - have the firmware start all of them at EL2");
		break;
	default:
		say_warn("nothing tells whether the kernel was started at EL2 - run this as root, soon after boot");
	}
}

static void check_kvm(void)
{
	if (has_kvm())
		say_err("KVM has EL2 - boot with %s", words_against_kvm());
	else if (kvm_is_off())
		say_info("KVM is off: kvm-arm.mode=none");
	else if (configured("CONFIG_KVM") == YES && how_booted() != BOOT_EL1)
		say_warn("the kernel has KVM, which may take EL2 - boot with %s",
			 words_against_kvm());
	else
		say_info("there is no KVM");
}

static void check_others(void)
{
	static const char * const traces[][2] = {
		{ "/sys/module/jailhouse", "Jailhouse" }, { "/dev/gunyah", "Gunyah" },
		{ "/proc/xen", "Xen" },
		{ "/sys/hypervisor/type", "the hypervisor of /sys/hypervisor" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(traces); i++) {
		if (!exists(traces[i][0]))
			continue;
		say_err("%s has EL2 - unload it, or boot without it", traces[i][1]);
		return;
	}
	say_info("no other hypervisor is seen");
}

/* ---- What firmware describes ------------------------------------------- */

/* Bytes of a number in a property, which is big-endian. */
#define CELL		4
/* Of a GIC's interrupt: type, number, flags. */
#define GIC_CELLS	3

/* A node of the device tree. */
struct node {
	char path[1024];
};

static char *property(const struct node *node, const char *name, size_t *size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", node->path, name);
	return read_path(path, size);
}

/* Whether its list of strings has one of @names. */
static bool lists(const struct node *node, const char *name, const char *const *names)
{
	size_t size = 0, i;
	char *list = property(node, name, &size), *p;
	bool found = false;

	for (p = list; p && p < list + size && !found; p += strlen(p) + 1) {
		for (i = 0; names[i] && !found; i++)
			found = !strcmp(p, names[i]);
	}
	free(list);
	return found;
}

/* The first node from @dir on of which @match says so; @what is its own. */
static bool find_node(struct node *node, const char *dir, unsigned int depth,
		      bool (*match)(const struct node *node, const void *what),
		      const void *what)
{
	char path[1024];
	struct dirent *entry;
	bool found = false;
	DIR *d = NULL;
	int fd;

	snprintf(node->path, sizeof(node->path), "%s", dir);
	if (match(node, what))
		return true;
	fd = depth ? open_file(dir, O_RDONLY | O_DIRECTORY) : -1;
	if (fd >= 0)
		d = fdopendir(fd);
	while (d && !found && (entry = readdir(d))) {
		/* Not every file system tells; what is no directory has nothing below it. */
		if (entry->d_name[0] == '.' ||
		    (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) <
		    sizeof(path))
			found = find_node(node, path, depth - 1, match, what);
	}
	if (d)
		closedir(d);
	return found;
}

#define DEVICE_TREE	"/proc/device-tree"
/* A bus in a bus in a bus. */
#define TREE_DEPTH	4

static bool is_compatible(const struct node *node, const void *names)
{
	return lists(node, "compatible", names);
}

static bool find_compatible(struct node *node, const char *const *names)
{
	return find_node(node, DEVICE_TREE, TREE_DEPTH, is_compatible, names);
}

static unsigned int cell_of(const char *list, size_t index)
{
	const unsigned char *cell = (const unsigned char *)list + CELL * index;

	return (unsigned int)cell[0] << 24 | cell[1] << 16 | cell[2] << 8 | cell[3];
}

/* A property that is one cell; 0 if it is not there. */
static unsigned int cell(const struct node *node, const char *name)
{
	size_t size = 0;
	char *value = property(node, name, &size);
	unsigned int result = size == CELL ? cell_of(value, 0) : 0;

	free(value);
	return result;
}

static bool has_phandle(const struct node *node, const void *phandle)
{
	return cell(node, "phandle") == *(const unsigned int *)phandle;
}

/* Cells of an interrupt of the controller @phandle; as of a GIC's where nobody tells. */
static unsigned int interrupt_cells(unsigned int phandle)
{
	struct node controller;
	unsigned int cells = 0;

	if (phandle && find_node(&controller, DEVICE_TREE, TREE_DEPTH, has_phandle, &phandle))
		cells = cell(&controller, "#interrupt-cells");
	return cells ? cells : GIC_CELLS;
}

/* Its own, or that of the next node above that names one. */
static unsigned int interrupt_parent(const struct node *node)
{
	struct node above = *node;
	unsigned int phandle;
	char *slash;

	do {
		phandle = cell(&above, "interrupt-parent");
		slash = strrchr(above.path, '/');
		if (phandle || !strcmp(above.path, DEVICE_TREE) || !slash)
			return phandle;
		*slash = '\0';
	} while (true);
}

/* How many interrupts a node has: each in @list follows the phandle of its controller. */
static size_t count_extended(const char *list, size_t size)
{
	size_t cells = size / CELL, at = 0, count;

	for (count = 0; at < cells; count++)
		at += 1 + interrupt_cells(cell_of(list, at));
	/* The last one is not all there. */
	return at > cells ? count - 1 : count;
}

static size_t count_interrupts(const struct node *node)
{
	size_t size = 0, count;
	char *list = property(node, "interrupts-extended", &size);

	if (list) {
		count = count_extended(list, size);
	} else {
		list = property(node, "interrupts", &size);
		count = size / CELL / interrupt_cells(interrupt_parent(node));
	}
	free(list);
	return count;
}

/* As kmod/el2_host.c finds it: by name, or the third. */
static bool has_virtual_timer(const struct node *timer)
{
	static const char * const virt[] = { "virt", NULL };

	return lists(timer, "interrupt-names", virt) || count_interrupts(timer) >= 3;
}

/* As kmod/el2_host.c knows it (gic_nodes). */
static void check_gic(void)
{
	static const char * const compatible[] = {
		"arm,gic-v3", "arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic",
		"qcom,msm-qgic2", NULL,
	};
	struct node gic = { "" };
	char *interrupts;

	if (!find_compatible(&gic, compatible)) {
		say_warn("the device tree has no GIC of version 2 or 3 - guests get no interrupt controller");
		return;
	}
	interrupts = property(&gic, "interrupts", NULL);
	if (interrupts)
		say_info("the GIC has a maintenance interrupt");
	else
		say_warn("the device tree has no maintenance interrupt of the GIC: guests get no interrupt controller - add interrupts to its node, PPI 9 on nearly all machines");
	free(interrupts);
}

static void check_firmware(void)
{
	static const char * const compatible[] = { "arm,armv8-timer", "arm,armv7-timer", NULL };
	struct node timer = { "" };

	if (find_compatible(&timer, compatible)) {
		if (has_virtual_timer(&timer))
			say_info("the device tree has the virtual timer's interrupt");
		else
			say_err("the device tree has no virtual timer interrupt - add it to the timer's node: the third of its interrupts");
		check_gic();
	} else if (exists("/sys/firmware/acpi/tables/GTDT")) {
		say_info("ACPI has the virtual timer's interrupt");
	} else {
		say_err("the firmware describes no timer: neither a device tree nor ACPI - add a node arm,armv8-timer to the device tree");
	}
}

/* ---- Memory ------------------------------------------------------------ */

static unsigned long long kib_of(const char *file, const char *key)
{
	char *text = read_path(file, NULL);
	const char *line = text ? find_line(text, key) : NULL;
	unsigned long long value = 0;

	if (line)
		sscanf(line + strlen(key), " %llu", &value);
	free(text);
	return value;
}

static void check_page_size(void)
{
	unsigned long long kib = kib_of("/proc/self/smaps", "KernelPageSize:");

	if (!kib && root_fd < 0)
		kib = sysconf(_SC_PAGESIZE) / 1024;
	if (kib == 16)
		say_warn("pages have 16 KiB: not every core has those for guests - if the module refuses, use a kernel with pages of 4 KiB");
	else if (kib)
		say_info("pages have %llu KiB", kib);
}

static void check_addresses(void)
{
	char *text = read_path("/proc/iomem", NULL);
	unsigned long long first, last, top = 0;
	const char *p = text;

	for (; p; p = next_line(p)) {
		if (sscanf(p, "%llx-%llx : System RAM", &first, &last) == 2 && last > top &&
		    !strncmp(p + strcspn(p, ":\n"), ": System RAM", 12))
			top = last;
	}
	free(text);
	if (!top)
		say_warn("/proc/iomem does not tell where memory is - run this as root");
	else if (top >> 48)
		say_warn("there is memory above 48 bits of address (0x%llx), and the module, or a VM, is refused if its own pages are there - boot with mem= below that then",
			 top);
	else
		say_info("memory ends at 0x%llx, below 48 bits of address", top);
}

static void check_memory(void)
{
	unsigned long long kib = kib_of("/proc/meminfo", "MemAvailable:");

	if (kib && kib < MEMORY_KIB)
		say_warn("%llu KiB of memory are available: there may be none for EL2 - free some",
			 kib);
}

/* ---- The module as a file ---------------------------------------------- */

static void check_modules(void)
{
	if (!exists("/proc/modules") || configured("CONFIG_MODULES") == NO)
		say_err("the kernel takes no modules - build it with CONFIG_MODULES");
	else
		say_info("the kernel takes modules");
	if (configured("CONFIG_KALLSYMS") == NO)
		say_warn("the kernel has no CONFIG_KALLSYMS: the module cannot see how it was started - if dmesg says \"started at EL2\", load it with allow_unknown_boot=1");
	if (exists_fmt("/lib/modules/%s/build/Makefile", host.release))
		say_info("there is what modules are built against");
	else
		say_warn("/lib/modules/%s/build is missing: nothing to build the module against - install the kernel's headers (Debian: linux-headers-%s), or make KDIR=",
			 host.release, host.release);
}

/* Where modules_install and dkms put it. */
static bool find_module(char *path, size_t size)
{
	static const char * const places[] = {
		"updates", "extra", "updates/dkms", "updates/kmod", "extra/kmod", "kernel/extra",
	};
	static const char * const suffixes[] = { "", ".xz", ".zst", ".gz" };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		for (k = 0; k < ARRAY_SIZE(suffixes); k++) {
			snprintf(path, size, "/lib/modules/%s/%s/armvcpu.ko%s", host.release,
				 places[i], suffixes[k]);
			if (exists(path))
				return true;
		}
	}
	return false;
}

/* What compresses is not read here, nor what is root's. */
static bool can_look_into(const char *path)
{
	size_t len = strlen(path);

	return len > 3 && !strcmp(path + len - 3, ".ko") &&
	       close_file(open_file(path, O_RDONLY | O_NONBLOCK));
}

/* The kernel looks at its very end only. */
static bool is_signed(const char *path)
{
	static const char mark[] = "~Module signature appended~\n";
	char end[sizeof(mark)] = "";
	struct stat st;
	int fd = open_file(path, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return false;
	if (!fstat(fd, &st) && st.st_size >= (off_t)strlen(mark) &&
	    pread(fd, end, strlen(mark), st.st_size - strlen(mark)) < 0)
		end[0] = '\0';
	close(fd);
	return !strcmp(end, mark);
}

#define SECURE_BOOT	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

static bool has_secure_boot(void)
{
	size_t size = 0;
	char *text = read_path(SECURE_BOOT, &size);
	/* Four bytes of attributes come first. */
	bool on = text && size > 4 && text[4] == 1;

	free(text);
	return on;
}

/* securityfs tells, and without it the log, which may have lost its beginning. */
static enum answer locked_down(void)
{
	char line[128];

	read_line("/sys/kernel/security/lockdown", line, sizeof(line));
	if (strstr(line, "[integrity]") || strstr(line, "[confidentiality]"))
		return YES;
	if (line[0])
		return NO;
	if (logged(";Kernel is locked down from "))
		return YES;
	if (configured("CONFIG_SECURITY_LOCKDOWN_LSM") == NO)
		return NO;
	/* What some distributions' kernels are locked down for. */
	return has_secure_boot() ? UNKNOWN : NO;
}

static enum answer must_be_signed(const char **by)
{
	char line[128];

	read_line("/sys/module/module/parameters/sig_enforce", line, sizeof(line));
	if (line[0] == 'Y') {
		*by = "module.sig_enforce";
		return YES;
	}
	if (configured("CONFIG_MODULE_SIG_FORCE") == YES) {
		*by = "CONFIG_MODULE_SIG_FORCE";
		return YES;
	}
	*by = "lockdown";
	return locked_down();
}

/* @path: NULL if there is no module yet. */
static void check_signature(const char *path)
{
	const char *by;
	enum answer must = must_be_signed(&by);

	if (must == NO)
		say_info("modules need no signature");
	else if (path && is_signed(path))
		say_info("modules %s a signature (%s), and this one has one: the kernel must know its key",
			 must == YES ? "need" : "may need", by);
	else if (must == UNKNOWN)
		say_warn("Secure Boot is on, and nothing tells whether the kernel takes signed modules only (lockdown) - mount securityfs on /sys/kernel/security and run this again");
	else
		say_err("the kernel takes signed modules only (%s%s) - sign armvcpu.ko with a key that it knows (dkms does), or boot without",
			by, has_secure_boot() ? ", Secure Boot" : "");
}

static void check_vermagic(const char *path)
{
	static const char key[] = "vermagic=";
	size_t size = 0, len;
	char *text = read_path(path, &size);
	const char *magic = text ? memmem(text, size, key, strlen(key)) : NULL;

	if (!magic && size == FILE_MAX) {
		say_warn("%s is too large to be looked into - modinfo %s tells whether it is built for %s",
			 path, path, host.release);
	} else if (!magic) {
		say_err("%s is no module of a kernel - build it again", path);
	} else {
		magic += strlen(key);
		len = strcspn(magic, " ");
		if (len == strlen(host.release) && !strncmp(magic, host.release, len))
			say_info("the module is built for this kernel");
		else
			say_err("the module is built for %.*s, this is %s - build it again",
				(int)len, magic, host.release);
	}
	free(text);
}

static void check_module_file(void)
{
	char path[PATH_MAX];
	enum answer must;
	const char *by;

	if (!find_module(path, sizeof(path))) {
		say_warn("armvcpu.ko is not installed for this kernel - make, make modules_install, depmod -a");
		check_signature(NULL);
		return;
	}
	say_info("the module is %s", path);
	if (can_look_into(path)) {
		check_vermagic(path);
		check_signature(path);
		return;
	}
	must = must_be_signed(&by);
	if (must != NO) {
		say_warn("it cannot be looked into - modinfo %s tells whether it is built for %s and signed, which it %s be (%s)",
			 path, host.release, must == YES ? "must" : "may have to", by);
	} else {
		say_warn("it cannot be looked into - modinfo %s tells whether it is built for %s",
			 path, host.release);
	}
}

/* ---- What the module has said ------------------------------------------ */

/* What a line of the log, "level,number,time,flags;text", tells of the module; or NULL. */
static const char *told(const char *line)
{
	static const char kernels[] = "module ", name[] = "armvcpu: ";
	const char *text = in_line(line, ";");

	if (!text)
		return NULL;
	text++;
	if (!strncmp(text, kernels, strlen(kernels)))
		text += strlen(kernels);
	return strncmp(text, name, strlen(name)) ? NULL : text + strlen(name);
}

struct refusal {
	const char *what;
	const char *remedy;
	/* It may be over by now, also because there is another module by now. */
	bool passes;
};

static const char booted_at_el1[] = "the kernel was booted at EL1";

/* The module's (check-test.sh compares them with its sources), and the kernel's of it. */
static const struct refusal refusals[] = {
	{ "the host runs at EL2", "see above", false },
	{ "this machine has no EL2", "see above", false },
	{ booted_at_el1, "see above", false },
	{ "the firmware describes no virtual timer", "see above", false },
	{ " interrupt is taken (", "boot with kvm-arm.mode=none", true },
	{ "no hyp-stub answers", "find out who has EL2 (dmesg, lsmod), boot without it", true },
	{ "stage 2 of this core has no", "use a kernel with another page size", false },
	{ "unknown size of physical addresses", "look for a newer armvcpu", true },
	{ "memory above", "boot with mem= below that", true },
	{ "no memory for EL2's interrupts", "free some memory and load it again", true },
	{ "no memory for EL2's image", "free some memory and load it again", true },
	{ "no memory for the ends of irqfds", "free some memory and load it again", true },
	{ "a CPU's hyp-stub did not let us in", "take that CPU offline and load it again", true },
	{ "the kernel takes no callback for its CPUs",
	  "unload a driver that is called for CPUs that come and go", true },
	{ "cannot create /dev/armvcpu", "remove what has that name", true },
	{ "version magic '", "build it against this kernel's tree (KDIR=)", true },
	{ "disagrees about version of symbol", "build it against this kernel's tree (KDIR=)",
	  true },
	{ "section size must match", "build it against this kernel's tree (KDIR=)", true },
	{ "Unknown symbol", "build it against this kernel's tree (KDIR=)", true },
};

/* Without names of functions the module says so of any kernel. */
static const struct refusal no_names = {
	booted_at_el1,
	"the kernel has no CONFIG_KALLSYMS to tell by; if dmesg says \"started at EL2\", load it with allow_unknown_boot=1",
	true,
};

static const struct refusal *find_refusal(const char *text)
{
	size_t i;

	if (in_line(text, booted_at_el1) && configured("CONFIG_KALLSYMS") == NO)
		return &no_names;
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		if (in_line(text, refusals[i].what))
			return &refusals[i];
	}
	return NULL;
}

/* The last one, unless it was loaded after that. */
static void check_last_refusal(void)
{
	const struct refusal *refusal, *why = NULL;
	const char *line, *text, *last = NULL;
	int len;

	for (line = host.log; line; line = next_line(line)) {
		text = told(line);
		if (!text)
			continue;
		if (in_line(text, "EL2 taken"))
			why = NULL;
		refusal = find_refusal(text);
		if (refusal) {
			last = text;
			why = refusal;
		}
	}
	if (!why)
		return;
	len = strcspn(last, ";\n");
	if (why->passes)
		say_warn("the last attempt to load it since boot was refused: \"%.*s\" - %s", len,
			 last, why->remedy);
	else
		say_err("the last attempt to load it since boot was refused: \"%.*s\" - %s", len,
			last, why->remedy);
}

/* ---- What guests can do to the host ------------------------------------ */

/* What the host's kernel says: "Mitigation: CSV2, but not BHB" is half of one. */
static void check_spectre(void)
{
	char line[256];

	read_line("/sys/devices/system/cpu/vulnerabilities/spectre_v2", line, sizeof(line));
	if (!strcmp(line, "Not affected"))
		say_info("Spectre v2: not affected");
	else if (!strncmp(line, "Mitigation:", 11) && !strstr(line, "but not"))
		say_info("Spectre v2: %s", line);
	else if (line[0])
		say_warn("Spectre v2: %s - run guests you trust, or see Documentation/troubleshooting.rst",
			 line);
}

/* root's: "cpu 0 firmware 0x80008000 12", a line for each. */
static void check_hardening(void)
{
	static const char * const ways[][2] = {
		{ "none", "do nothing" }, { "firmware", "call the firmware" },
		{ "loop", "branch a few times" }, { "clear", "clear the branch history" },
	};
	char *text = read_path("/sys/kernel/debug/armvcpu/spectre", NULL);
	const char *p;
	char way[16];
	int cpu, cpus;
	size_t i;

	for (i = 0; text && i < ARRAY_SIZE(ways); i++) {
		cpus = 0;
		for (p = text; p; p = next_line(p)) {
			if (sscanf(p, "cpu %d %15s", &cpu, way) == 2 && !strcmp(way, ways[i][0]))
				cpus++;
		}
		if (cpus)
			say_info("against Spectre, %d CPU(s) %s when they leave a guest", cpus,
				 ways[i][1]);
	}
	free(text);
}

/* Those of warn_of_errata() in kmod/el2_host.c. */
struct erratum {
	const char *number;
	const char *name;
	unsigned int part;
	/* The last that has it, rXpY. */
	unsigned int variant;
	unsigned int revision;
};

static const struct erratum errata[] = {
	{ "832075", "Cortex-A57", 0xd07, 1, 2 },
	{ "1508412", "Cortex-A77", 0xd0d, 1, 0 },
};

static bool has_erratum(const struct erratum *erratum)
{
	struct cpu cpu;
	const char *p;

	for (p = next_cpu(host.cpuinfo, &cpu); p; p = next_cpu(p, &cpu)) {
		if (cpu.implementer == 0x41 && cpu.part == erratum->part &&
		    (cpu.variant < erratum->variant || (cpu.variant == erratum->variant &&
							cpu.revision <= erratum->revision)))
			return true;
	}
	return false;
}

static const char trust[] = ": run guests you trust only";

/* Whether the module has warned of it. */
static bool warned_of(const char *what)
{
	const char *line, *text;

	for (line = host.log; line; line = next_line(line)) {
		text = told(line);
		if (text && in_line(text, trust) && in_line(text, what))
			return true;
	}
	return false;
}

static void check_errata(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errata); i++) {
		if (has_erratum(&errata[i]) || warned_of(errata[i].number))
			say_warn("a core is a %s with erratum %s: a guest can stop it - run guests you trust only",
				 errata[i].name, errata[i].number);
	}
}

/* What else the module has warned of, the last of it: each load says it again. */
static void check_warnings(void)
{
	const char *line, *text, *last = NULL;
	size_t i;

	for (line = host.log; line; line = next_line(line)) {
		text = told(line);
		if (!text || !in_line(text, trust))
			continue;
		for (i = 0; i < ARRAY_SIZE(errata) && !in_line(text, errata[i].number); i++)
			;
		if (i == ARRAY_SIZE(errata))
			last = text;
	}
	if (last)
		say_warn("the module has said: %.*s - run guests you trust only",
			 (int)(in_line(last, trust) - last), last);
}

/* ---- When it is loaded ------------------------------------------------- */

static void check_loaded(void)
{
	char cpus[256], online[256];

	read_line("/sys/module/armvcpu/parameters/cpus", cpus, sizeof(cpus));
	read_line("/sys/devices/system/cpu/online", online, sizeof(online));
	if (!strcmp(cpus, online))
		say_info("the module is loaded and has EL2 of the CPUs %s", cpus);
	else
		say_warn("the module is loaded and has EL2 of the CPUs %s, online are %s - see dmesg; take the others offline or load it again",
			 cpus[0] ? cpus : "(none)", online);
}

/* Its name, or its number. */
static const char *group_of(const struct stat *st, char *buf, size_t size)
{
	int fd = open_file("/etc/group", O_RDONLY);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	struct group *group = NULL;

	snprintf(buf, size, "%u", st->st_gid);
	while (file && (group = fgetgrent(file)) && group->gr_gid != st->st_gid)
		;
	if (group)
		snprintf(buf, size, "%s", group->gr_name);
	if (file)
		fclose(file);
	return buf;
}

static void check_device(void)
{
	char path[PATH_MAX], group[64];
	struct stat st;

	/* A device is this kernel's, wherever it or a link to it is. */
	snprintf(path, sizeof(path), "%s/dev/armvcpu", root);
	if (stat(path, &st)) {
		say_err("the module is loaded, and there is no /dev/armvcpu - is udev, or devtmpfs, there?");
		return;
	}
	if (!S_ISCHR(st.st_mode)) {
		say_err("/dev/armvcpu is no device - remove it and load the module again");
		return;
	}
	group_of(&st, group, sizeof(group));
	if (!access(path, R_OK | W_OK))
		say_info("/dev/armvcpu is there for this user (mode %03o, group %s)",
			 st.st_mode & 0777, group);
	else if (!st.st_gid || (st.st_mode & 0060) != 0060)
		say_err("/dev/armvcpu is root's only (mode %03o, group %s) - make install has a udev rule that gives it to the group kvm; then udevadm control --reload, udevadm trigger",
			st.st_mode & 0777, group);
	else
		say_err("/dev/armvcpu is not for this user (mode %03o, group %s) - join its group (usermod -aG %s $USER, log in anew)",
			st.st_mode & 0777, group, group);
}

static void check_rule(void)
{
	static const char * const places[] = {
		"/lib/udev/rules.d", "/usr/lib/udev/rules.d", "/etc/udev/rules.d",
		"/usr/local/lib/udev/rules.d",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		if (exists_fmt("%s/90-armvcpu.rules", places[i])) {
			say_info("the udev rule is in %s", places[i]);
			return;
		}
	}
	say_warn("there is no udev rule: /dev/armvcpu is root's - make install, udevadm control --reload, udevadm trigger");
}

static void check_pinning(void)
{
	struct rlimit limit;

	if (configured("CONFIG_MMU_NOTIFIER") != NO)
		return;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_max == RLIM_INFINITY || !geteuid()) {
		say_info("the kernel has no MMU notifiers: guests' memory is pinned, and has no limit here");
		return;
	}
	say_warn("the kernel has no MMU notifiers: guests' memory is pinned, up to %llu KiB - raise memlock (limits.conf)",
		 (unsigned long long)limit.rlim_max / 1024);
}

/* ---- The program ------------------------------------------------------- */

static const char help[] =
	"Usage: armvcpu-check [OPTION]...\n"
	"Tell whether the module armvcpu can be loaded on this machine, why not, and what\n"
	"would change that; or, when it is loaded, what is wrong with it.\n"
	"\n"
	"Each line is ok, warning or problem: what was found, and behind a dash what to do.\n"
	"As root it sees more.\n"
	"\n"
	"  --root DIR  look at the files of another machine: DIR/proc, DIR/sys, DIR/dev,\n"
	"              DIR/boot, DIR/lib, DIR/usr, DIR/etc\n"
	"  --help      this text\n"
	"  --version   version of this program\n"
	"\n"
	"Exit status: 0 it can be loaded, or is and can be used; 1 there is a problem; 2 wrong\n"
	"usage.\n";

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ 0 }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'r':
			root = optarg;
			root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
			if (root_fd >= 0 && exists("/"))
				break;
			fprintf(stderr, "armvcpu-check: --root %s: %s\n", root,
				root_fd < 0 ? "not a directory" : "it takes Linux 5.6 (openat2)");
			exit(2);
		case 'h':
			fputs(help, stdout);
			exit(0);
		case 'v':
			printf("armvcpu-check %s\n", VMM_VERSION);
			exit(0);
		default:
			fprintf(stderr, "armvcpu-check --help tells what there is\n");
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "armvcpu-check: what is '%s'? --help tells what there is\n",
			argv[optind]);
		exit(2);
	}
}

static void check_before(void)
{
	check_release();
	check_cores();
	check_boot();
	check_kvm();
	check_others();
	check_firmware();
	check_page_size();
	check_addresses();
	check_memory();
	check_modules();
	check_module_file();
	check_last_refusal();
}

static void check_after(void)
{
	check_loaded();
	check_device();
	check_rule();
	check_hardening();
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	look_around();
	if (check_arch()) {
		if (host.loaded)
			check_after();
		else
			check_before();
		check_pinning();
		check_spectre();
		check_errata();
		check_warnings();
	}
	if (host.loaded && !problems)
		printf("armvcpu is loaded and can be used, %u warning(s)\n", warnings);
	else if (!problems)
		printf("armvcpu can be loaded as far as can be seen, %u warning(s)\n", warnings);
	else
		printf("%u problem(s), %u warning(s)\n", problems, warnings);
	return problems ? 1 : 0;
}
