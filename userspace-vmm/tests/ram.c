// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's memory without a guest: what is behind it, how it goes back, and what
 * becomes of the program when it cannot be had. A file is a memfd where it can be one:
 * those have holes everywhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"
#include "ram.h"

#define SIZE	(8 * MIB)

static struct ram ram_of(const struct config *config)
{
	struct ram ram;

	ram_open(&ram, config);
	return ram;
}

static u64 page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static bool all_is(const char *mem, u64 len, char value)
{
	u64 i;

	for (i = 0; i < len; i++) {
		if (mem[i] != value)
			return false;
	}
	return true;
}

/* This process' part of the host's memory, by the kernel's own account. */
static u64 resident_set(void)
{
	unsigned long long size, pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%llu %llu", &size, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	CHECK(pages);
	return pages * page_size();
}

/* The counters of other processors may come a bit late. */
#define SLACK	MIB

static bool near(u64 a, u64 b)
{
	return a > b ? a - b < SLACK : b - a < SLACK;
}

/* A file without a name, as --mem-path. */
static int new_file(char *path, size_t size)
{
	int fd = memfd_create("ram", MFD_CLOEXEC);

	CHECK(fd >= 0);
	snprintf(path, size, "/proc/self/fd/%d", fd);
	return fd;
}

static u64 blocks(int fd)
{
	struct stat st;

	CHECK(!fstat(fd, &st));
	return st.st_blocks * 512;
}

/* ---- What ends the program --------------------------------------------- */

static char said[4096];

/* In a process of its own; returns its wait status, and what it says is in said. */
static int in_child(void (*run)(const struct config *config),
		    const struct config *config)
{
	size_t len = 0;
	int fds[2], status = -1;
	ssize_t n;
	pid_t pid;

	CHECK(!pipe(fds));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDERR_FILENO);
		run(config);
		_exit(0);
	}
	close(fds[1]);
	while (len < sizeof(said) - 1 &&
	       (n = read(fds[0], said + len, sizeof(said) - 1 - len)) > 0)
		len += n;
	said[len] = '\0';
	close(fds[0]);
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status;
}

static bool ends_with(int status, int code, const char *message)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == code &&
	    strstr(said, message))
		return true;
	printf("# status 0x%x, not %d: %s\n", status, code, said);
	return false;
}

static void just_open(const struct config *config)
{
	struct ram ram;

	ram_open(&ram, config);
}

static void open_and_prealloc(const struct config *config)
{
	struct ram ram;

	ram_open(&ram, config);
	ram_guard(&ram, EXIT_SETUP);
	ram_prealloc(&ram);
}

/* ---- Where it comes from ----------------------------------------------- */

static void test_private(void)
{
	struct config config = { .mem = 32 * MIB };
	struct ram ram = ram_of(&config);
	u64 block = page_size() / 8 * page_size(), before = resident_set();

	CHECK(!((unsigned long)ram.mem % block));
	CHECK(ram.page == page_size() && ram.fd < 0);
	CHECK(!ram_resident(&ram));
	memset(ram.mem, 0x5a, ram.size);
	CHECK(ram_resident(&ram) == ram.size);
	CHECK(near(resident_set(), before + ram.size));

	/* From the middle, so that a huge page has to be split. */
	CHECK(ram_can_discard(&ram));
	CHECK(!ram_discard(&ram, 64 * KIB, 16 * MIB));
	CHECK(ram_resident(&ram) == 16 * MIB);
	CHECK(near(resident_set(), before + 16 * MIB));
	CHECK(all_is(ram.mem, 64 * KIB, 0x5a));
	CHECK(all_is(ram.mem + 64 * KIB, 16 * MIB, 0));
	CHECK(all_is(ram.mem + 64 * KIB + 16 * MIB, 16 * MIB - 64 * KIB, 0x5a));
	CHECK(!ram_clear(&ram));
	CHECK(!ram_resident(&ram));
	CHECK(near(resident_set(), before));
	CHECK(all_is(ram.mem, ram.size, 0));
	ram_close(&ram);
}

static void test_file(void)
{
	u64 before, block = page_size() / 8 * page_size();
	char path[32], byte = 0;
	int fd = new_file(path, sizeof(path));
	struct config config = { .mem = 32 * MIB, .mem_path = path };
	struct ram ram;

	/* What it had stays, as it does beyond its end. */
	CHECK(pwrite(fd, "kept", 4, 12345) == 4);
	ram = ram_of(&config);
	CHECK(!((unsigned long)ram.mem % block));
	CHECK(lseek(fd, 0, SEEK_END) == 32 * MIB);
	CHECK(!memcmp(ram.mem + 12345, "kept", 4));
	CHECK(all_is(ram.mem + 12349, 4096, 0));

	before = resident_set();
	memset(ram.mem, 0x5a, ram.size);
	CHECK(pread(fd, &byte, 1, 20 * MIB) == 1 && byte == 0x5a);
	CHECK(blocks(fd) == 32 * MIB);
	CHECK(near(resident_set(), before + 32 * MIB));
	CHECK(ram_can_discard(&ram));
	CHECK(blocks(fd) == 32 * MIB);
	CHECK(!ram_discard(&ram, 64 * KIB, 16 * MIB));
	/* Both: of the process and of the file. */
	CHECK(blocks(fd) == 16 * MIB);
	CHECK(ram_resident(&ram) == 16 * MIB);
	CHECK(near(resident_set(), before + 16 * MIB));
	CHECK(all_is(ram.mem + 64 * KIB, 16 * MIB, 0));
	CHECK(all_is(ram.mem, 64 * KIB, 0x5a));
	CHECK(!ram_clear(&ram));
	CHECK(!blocks(fd) && all_is(ram.mem, ram.size, 0));
	CHECK(lseek(fd, 0, SEEK_END) == 32 * MIB);
	ram_close(&ram);
	close(fd);
}

/* A file that is longer than the memory: the rest is nobody's. */
static void test_file_longer(void)
{
	char path[32], text[8] = "";
	int fd = new_file(path, sizeof(path));
	struct config config = { .mem = SIZE, .mem_path = path };
	struct ram ram;

	CHECK(pwrite(fd, "behind", 6, SIZE) == 6);
	ram = ram_of(&config);
	CHECK(lseek(fd, 0, SEEK_END) == SIZE + 6);
	memset(ram.mem, 0x5a, ram.size);
	CHECK(ram_can_discard(&ram));
	CHECK(!ram_clear(&ram));
	CHECK(pread(fd, text, 6, SIZE) == 6 && !strcmp(text, "behind"));
	CHECK(lseek(fd, 0, SEEK_END) == SIZE + 6);
	ram_close(&ram);
	close(fd);
}

static char *new_directory(char *path)
{
	strcpy(path, "/tmp/armvcpu-ram-XXXXXX");
	CHECK(mkdtemp(path));
	return path;
}

static void test_file_new(void)
{
	char dir[32], path[64];
	struct config config = { .mem = SIZE, .mem_path = path };
	struct ram ram;
	struct stat st;
	int status;

	snprintf(path, sizeof(path), "%s/ram", new_directory(dir));
	ram = ram_of(&config);
	CHECK(!stat(path, &st) && st.st_size == SIZE);
	CHECK((st.st_mode & 0777) == 0600);
	strcpy(ram.mem, "remains");
	/* One VMM at a time. */
	status = in_child(just_open, &config);
	CHECK(ends_with(status, EXIT_SETUP, "another VMM uses it"));
	ram_close(&ram);
	ram = ram_of(&config);
	CHECK(!strcmp(ram.mem, "remains"));
	ram_close(&ram);
	CHECK(!unlink(path) && !rmdir(dir));
}

static void test_directory(void)
{
	char dir[32];
	struct config config = { .mem = SIZE, .mem_path = new_directory(dir) };
	struct ram ram = ram_of(&config), other = ram_of(&config);

	CHECK(ram.fd >= 0);
	strcpy(ram.mem, "alone");
	CHECK(!*other.mem);
	/* Nothing has a name there. */
	CHECK(!rmdir(dir));
	if (ram_can_discard(&ram))
		CHECK(!ram_discard(&ram, 0, SIZE) && !*ram.mem);
	ram_close(&ram);
	ram_close(&other);
}

static void test_no_file(void)
{
	static const struct {
		const char *path, *message;
	} bad[] = {
		{ "/nowhere/at/all", "No such file" },
		{ "", "No such file" },
		{ "/dev/null", "neither a directory nor a regular file" },
		{ "/proc", "--mem-path /proc: " },
		{ "/proc/version", "--mem-path /proc/version: " },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct config config = { .mem = SIZE, .mem_path = bad[i].path };

		CHECK(ends_with(in_child(just_open, &config), EXIT_SETUP,
				bad[i].message));
	}
}

/* A signal if nobody sees to it. */
static void open_with_limit(const struct config *config)
{
	struct rlimit limit = { MIB, MIB };

	/* As main() does. */
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	just_open(config);
}

static void test_file_limit(void)
{
	char path[32];
	int fd = new_file(path, sizeof(path));
	struct config config = { .mem = SIZE, .mem_path = path };

	CHECK(ends_with(in_child(open_with_limit, &config), EXIT_SETUP,
			"a file of 8 MiB: File too large"));
	close(fd);
}

/* What a child says by its status: it could not even try. */
#define NOT_HERE	77

/* ---- All of it in advance ---------------------------------------------- */

static void test_prealloc(void)
{
	/* More than one thread's part, if there is more than one CPU. */
	struct config config = { .mem = 66 * MIB, .mem_prealloc = true };
	struct ram ram = ram_of(&config);
	u64 before = resident_set();

	CHECK(!ram_resident(&ram));
	ram_prealloc(&ram);
	CHECK(ram_resident(&ram) == ram.size);
	CHECK(near(resident_set(), before + ram.size));
	/* A reset leaves it there. */
	memset(ram.mem, 0x5a, ram.size);
	CHECK(!ram_clear(&ram));
	CHECK(ram_resident(&ram) == ram.size);
	CHECK(all_is(ram.mem, ram.size, 0));
	ram_close(&ram);
}

static void test_prealloc_file(void)
{
	char path[32];
	int fd = new_file(path, sizeof(path));
	struct config config = {
		.mem = 66 * MIB, .mem_path = path, .mem_prealloc = true,
	};
	struct ram ram;

	CHECK(pwrite(fd, "kept", 4, 5 * MIB) == 4);
	ram = ram_of(&config);
	ram_prealloc(&ram);
	CHECK(blocks(fd) == ram.size && ram_resident(&ram) == ram.size);
	CHECK(!memcmp(ram.mem + 5 * MIB, "kept", 4));
	CHECK(!ram_clear(&ram));
	CHECK(blocks(fd) == ram.size && all_is(ram.mem, ram.size, 0));
	ram_close(&ram);
	close(fd);
}

/* For kernels that cannot do better. */
static void test_touch(void)
{
	struct config config = { .mem = SIZE };
	struct ram ram = ram_of(&config);

	ram.mem[page_size()] = 0x5a;
	ram_touch(ram.mem, ram.size, ram.page);
	CHECK(ram_resident(&ram) == ram.size);
	CHECK(ram.mem[page_size()] == 0x5a && !ram.mem[0]);
	ram_close(&ram);
}

/* If nobody stops it the OOM killer takes this process, and no other one. */
static void prealloc_too_much(const struct config *config)
{
	FILE *f = fopen("/proc/self/oom_score_adj", "we");

	if (!f || fputs("1000", f) < 0 || fclose(f))
		_exit(NOT_HERE);
	open_and_prealloc(config);
}

static void test_prealloc_too_much(void)
{
	/* All that the machine has: as a mapping it is no problem. */
	struct config config = {
		.mem = page_size() * sysconf(_SC_PHYS_PAGES) & ~(MIB - 1),
		.mem_prealloc = true,
	};
	struct sysinfo info;
	int status;

	if (!sysinfo(&info) && info.totalswap) {
		test_skip("there is swap, which counts as memory");
		return;
	}
	status = in_child(prealloc_too_much, &config);
	CHECK(ends_with(status, EXIT_SETUP, "MiB: take less --mem"));
}

/* A tmpfs of 4 MiB. */
static void on_small_tmpfs(const struct config *config,
			   void (*run)(const struct config *config))
{
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("ram", config->mem_path, "tmpfs", 0, "size=4M"))
		_exit(NOT_HERE);
	run(config);
}

static void prealloc_on_tmpfs(const struct config *config)
{
	on_small_tmpfs(config, open_and_prealloc);
}

static void touch(const struct config *config)
{
	struct ram ram;

	ram_open(&ram, config);
	ram_guard(&ram, EXIT_SETUP);
	ram_touch(ram.mem, ram.size, ram.page);
}

static void touch_on_tmpfs(const struct config *config)
{
	on_small_tmpfs(config, touch);
}

static void test_full_tmpfs(void)
{
	char dir[32];
	struct config config = {
		.mem = SIZE, .mem_path = new_directory(dir), .mem_prealloc = true,
	};
	int status = in_child(prealloc_on_tmpfs, &config);

	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HERE) {
		test_skip("no rights for a tmpfs");
	} else {
		CHECK(ends_with(status, EXIT_SETUP,
				"room for 4 MiB, the guest takes 8 MiB"));
		status = in_child(touch_on_tmpfs, &config);
		CHECK(ends_with(status, EXIT_SETUP, "or its file system full"));
		config.mem = 4 * MIB;
		status = in_child(prealloc_on_tmpfs, &config);
		CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	}
	CHECK(!rmdir(dir));
}

/* ---- Pages that are gone ----------------------------------------------- */

static void lose_file(const struct config *config)
{
	struct ram ram;

	ram_open(&ram, config);
	ram_guard(&ram, EXIT_DEAD);
	ram_touch(ram.mem, 1, 1);
	if (ftruncate(ram.fd, 0))
		_exit(NOT_HERE);
	ram_touch(ram.mem, 1, 1);
}

/* Not about the guest's memory: it is a crash, as ever. */
static void other_sigbus(const struct config *config)
{
	struct ram ram;
	int fd = memfd_create("other", MFD_CLOEXEC);
	char *mem = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ram_open(&ram, config);
	ram_guard(&ram, EXIT_DEAD);
	ram_touch(mem, 1, 1);
}

static void sent_sigbus(const struct config *config)
{
	siginfo_t info = { .si_code = SI_QUEUE };
	struct ram ram;

	ram_open(&ram, config);
	ram_guard(&ram, EXIT_DEAD);
	/* Whoever sends one can say anything, but not that it is from the kernel. */
	info.si_addr = ram.mem;
	syscall(SYS_rt_sigqueueinfo, getpid(), SIGBUS, &info);
	usleep(1000);
}

static void test_guard(void)
{
	char path[32];
	int fd = new_file(path, sizeof(path)), status;
	struct config config = { .mem = SIZE, .mem_path = path };

	CHECK(ends_with(in_child(lose_file, &config), EXIT_DEAD,
			"it is shorter now"));
	status = in_child(other_sigbus, &config);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	status = in_child(sent_sigbus, &config);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	close(fd);
}

/* ---- Huge pages -------------------------------------------------------- */

static u64 pool(const char *name)
{
	unsigned long long value = 0;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path),
		 "/sys/kernel/mm/hugepages/hugepages-2048kB/%s", name);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%llu", &value) != 1)
		value = 0;
	fclose(f);
	return value;
}

static bool has_pool(void)
{
	return !access("/sys/kernel/mm/hugepages/hugepages-2048kB", F_OK);
}

static void test_huge_refused(void)
{
	static const u64 sizes[] = { 1, 4096, 3 * MIB, 2 * MIB + 1, 1ULL << 62, ~0ULL };
	/* More than anybody reserves. */
	struct config config = { .mem = 255 * GIB, .hugepages = true };
	char path[64];
	size_t i;

	if (!has_pool()) {
		test_skip("no huge pages of 2M in this kernel");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		config.hugepage_size = sizes[i];
		CHECK(ends_with(in_child(just_open, &config), EXIT_SETUP,
				"the sizes of this host are "));
		CHECK(strstr(said, " 2M"));
	}
	config.hugepage_size = 2 * MIB;
	snprintf(path, sizeof(path), "echo %llu >%s/nr_hugepages",
		 130560 + pool("nr_hugepages") -
		 (pool("free_hugepages") - pool("resv_hugepages")),
		 "/sys/kernel/mm/hugepages/hugepages-2048kB");
	CHECK(ends_with(in_child(just_open, &config), EXIT_SETUP,
			"takes 130560 pages of 2M, "));
	CHECK(strstr(said, path));
	config.mem = 3 * MIB;
	CHECK(ends_with(in_child(just_open, &config), EXIT_SETUP,
			"--mem 3M: not a multiple of the huge pages of 2M"));
}

/* Pages that the pool has for anybody. */
static u64 free_pages(void)
{
	return pool("free_hugepages") - pool("resv_hugepages");
}

static void test_huge(void)
{
	struct config config = {
		.mem = 8 * MIB, .hugepages = true, .hugepage_size = 2 * MIB,
	};
	u64 before = free_pages();
	struct ram ram;

	if (before < 4) {
		test_skip("no 4 huge pages of 2M are reserved");
		return;
	}
	ram = ram_of(&config);
	CHECK(ram.huge && ram.page == 2 * MIB);
	CHECK(!((unsigned long)ram.mem % (2 * MIB)));
	/* Reserved, but not there. */
	CHECK(free_pages() == before - 4 && !ram_resident(&ram));
	ram.prealloc = true;
	ram_prealloc(&ram);
	CHECK(ram_resident(&ram) == ram.size);
	memset(ram.mem, 0x5a, ram.size);
	CHECK(ram_can_discard(&ram));
	CHECK(!ram_discard(&ram, 2 * MIB, 4 * MIB));
	CHECK(ram_resident(&ram) == 4 * MIB && free_pages() == before - 2);
	CHECK(all_is(ram.mem, 2 * MIB, 0x5a));
	CHECK(all_is(ram.mem + 2 * MIB, 4 * MIB, 0));
	/* Cleared, it has all of them reserved again. */
	ram.prealloc = false;
	CHECK(!ram_discard(&ram, 2 * MIB, 4 * MIB));
	CHECK(!ram_clear(&ram));
	CHECK(free_pages() == before - 4 && !ram_resident(&ram));
	CHECK(all_is(ram.mem, ram.size, 0));
	ram_close(&ram);
	CHECK(free_pages() == before);
}

void ram_tests(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{ "private", test_private },
		{ "a file", test_file },
		{ "a file that is longer", test_file_longer },
		{ "a file that is new", test_file_new },
		{ "a directory", test_directory },
		{ "what is no file", test_no_file },
		{ "a limit of file sizes", test_file_limit },
		{ "in advance", test_prealloc },
		{ "a file, in advance", test_prealloc_file },
		{ "in advance, page by page", test_touch },
		{ "more than there is, in advance", test_prealloc_too_much },
		{ "a file system that is full", test_full_tmpfs },
		{ "a file that becomes shorter", test_guard },
		{ "huge pages that cannot be had", test_huge_refused },
		{ "huge pages", test_huge },
	};
	char name[96];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		test_begin();
		tests[i].run();
		snprintf(name, sizeof(name), "ram: %s", tests[i].name);
		test_end(name);
	}
}
