// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's memory. Without an option it is private memory of this process, with
 * --mem-path a file that is mapped shared, with --hugepages a file as well, which has
 * no name and whose pages are those of hugetlb.
 *
 * What is mapped shared does not go back by unmapping it: its file has to have a hole.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "board.h"
#include "ram.h"
#include "sandbox.h"
#include "term.h"

#define POOLS		"/sys/kernel/mm/hugepages"

/* Of what is done by several threads, each has so much to do at least. */
#define PART_MIN	(64 * MIB)
#define MAX_PARTS	16

/* Pages that ram_resident() looks at in one go. */
#define RESIDENT_BATCH	4096

/* As on the command line: 64K, 2M, 1G. */
struct size_name {
	char text[24];
};

static struct size_name size_name(u64 size)
{
	static const char units[] = "\0KMG";
	const char *unit = units;
	struct size_name name;

	while (size && !(size % KIB) && *unit != 'G') {
		size /= KIB;
		unit++;
	}
	snprintf(name.text, sizeof(name.text), "%llu%.1s", size, unit);
	return name;
}

static u64 host_page(void)
{
	return sysconf(_SC_PAGESIZE);
}

static u64 mebibytes(u64 bytes)
{
	return bytes / MIB + !!(bytes % MIB);
}

/* ---- Huge pages -------------------------------------------------------- */

/* A file of the pool that has pages of @page bytes. */
struct pool_path {
	char text[96];
};

static struct pool_path pool_path(u64 page, const char *name)
{
	struct pool_path path;

	snprintf(path.text, sizeof(path.text), POOLS "/hugepages-%llukB/%s",
		 page / KIB, name);
	return path;
}

/* 0 if it is not there. */
static u64 pool_read(u64 page, const char *name)
{
	FILE *f = fopen(pool_path(page, name).text, "re");
	unsigned long long value = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%llu", &value) != 1)
		value = 0;
	fclose(f);
	return value;
}

/* What to do about a pool that has too few. */
static void __noreturn die_pool(const struct ram *ram)
{
	struct size_name page = size_name(ram->page);
	const char *what = ram->path ? ram->path : "--hugepages";
	u64 need = ram->size / ram->page, free, reserved;

	if (sandbox_sealed())
		die("%s: no huge pages of %s are left for the guest: see %s", what, page.text,
		    pool_path(ram->page, "").text);
	free = pool_read(ram->page, "free_hugepages");
	reserved = pool_read(ram->page, "resv_hugepages");
	free = free > reserved ? free - reserved : 0;
	if (free >= need)
		die("%s: no room for %llu pages of %s in its mount (size=) or control group",
		    what, need, page.text);
	if (ram->page >= GIB)
		warn("pages of %s are best had at boot: hugepagesz=%s hugepages=%llu",
		     page.text, page.text, need);
	die("%s: the guest takes %llu pages of %s, %llu are free: echo %llu >%s",
	    what, need, page.text, free,
	    pool_read(ram->page, "nr_hugepages") + need - free,
	    pool_path(ram->page, "nr_hugepages").text);
}

static void put_pool_sizes(struct text *text)
{
	DIR *dir = opendir(POOLS);
	unsigned long long size;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, "hugepages-%llukB", &size) == 1)
			text_put(text, " %s", size_name(size * KIB).text);
	}
	if (dir)
		closedir(dir);
}

/* With @size 0, the host's default. */
static int open_huge(u64 size)
{
	unsigned int flags = MFD_CLOEXEC | MFD_HUGETLB;
	char buf[256] = "";
	struct text text = { .buf = buf, .size = sizeof(buf) };
	int fd;

	put_pool_sizes(&text);
	if (!text.len)
		die("--hugepages: the host's kernel has none (CONFIG_HUGETLBFS)");
	if (size && (size % KIB ||
		     access(pool_path(size, "nr_hugepages").text, F_OK)))
		die("--hugepages=%s: the sizes of this host are%s",
		    size_name(size).text, buf);
	if (size)
		flags |= (unsigned int)__builtin_ctzll(size) << MFD_HUGE_SHIFT;
	fd = memfd_create("armvcpu-ram", flags);
	if (fd < 0)
		die("--hugepages: %s", strerror(errno));
	return fd;
}

/* ---- Files ------------------------------------------------------------- */

/* Without a name: it is gone when nobody has it open any more. */
static int open_in_directory(const char *dir)
{
	char *path;
	int fd;

	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	/* Not every file system can do that. */
	if (asprintf(&path, "%s/armvcpu-ram-XXXXXX", dir) < 0)
		die("no memory for --mem-path");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		die("--mem-path %s: %s", dir, strerror(errno));
	unlink(path);
	free(path);
	return fd;
}

static int open_file(const char *path)
{
	struct stat st;
	int fd;

	/* What it would do to a FIFO or a device is not known. */
	if (!stat(path, &st)) {
		if (S_ISDIR(st.st_mode))
			return open_in_directory(path);
		if (!S_ISREG(st.st_mode))
			die("--mem-path %s: neither a directory nor a regular file",
			    path);
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die("--mem-path %s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB))
		die("--mem-path %s: %s", path, errno == EWOULDBLOCK ?
		    "another VMM uses it" : strerror(errno));
	return fd;
}

/* What is behind the memory; a file is long enough then. */
static void open_backing(struct ram *ram, const struct config *config)
{
	const char *what = ram->path ? ram->path : "--hugepages";
	struct statfs fs;
	struct stat st;

	ram->page = host_page();
	ram->fd = -1;
	if (config->hugepages)
		ram->fd = open_huge(config->hugepage_size);
	else if (ram->path)
		ram->fd = open_file(ram->path);
	if (ram->fd < 0)
		return;
	if (fstatfs(ram->fd, &fs) || fstat(ram->fd, &st))
		die("%s: %s", what, strerror(errno));
	if (fs.f_type == HUGETLBFS_MAGIC) {
		ram->huge = true;
		ram->page = fs.f_bsize;
		if (ram->size % ram->page)
			die("--mem %s: not a multiple of the huge pages of %s",
			    size_name(ram->size).text, size_name(ram->page).text);
	}
	if ((u64)st.st_size < ram->size && ftruncate(ram->fd, ram->size))
		die("%s: a file of %llu MiB: %s", what, mebibytes(ram->size),
		    strerror(errno));
}

/* ---- Mapping ----------------------------------------------------------- */

/* What a table of the last level maps, here and in the module. */
static u64 block_size(void)
{
	return host_page() / sizeof(u64) * host_page();
}

static void *map_at(const struct ram *ram, void *addr)
{
	int flags = ram->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;

	return mmap(addr, ram->size, PROT_READ | PROT_WRITE, flags | MAP_FIXED,
		    ram->fd, 0);
}

static void __noreturn die_map(const struct ram *ram)
{
	if (ram->huge && errno == ENOMEM)
		die_pool(ram);
	if (ram->path && errno != ENOMEM)
		die("--mem-path %s: it cannot be memory: %s", ram->path,
		    strerror(errno));
	die("no memory for --mem %s: %s", size_name(ram->size).text,
	    strerror(errno));
}

static void map(struct ram *ram)
{
	u64 align = ram->page > block_size() ? ram->page : block_size();
	u64 size = align_up(ram->size, host_page());
	char *hole, *start;

	hole = mmap(NULL, size + align, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (hole == MAP_FAILED)
		die_map(ram);
	start = (char *)align_up((unsigned long)hole, align);
	if (map_at(ram, start) == MAP_FAILED)
		die_map(ram);
	if (start > hole)
		munmap(hole, start - hole);
	munmap(start + size, hole + align - start);
	ram->mem = start;
	/* Only a matter of speed; hugetlb does not want to hear of it. */
	if (!ram->huge)
		madvise(start, size, MADV_HUGEPAGE);
}

/* Asked in advance: that opens a file. */
static unsigned int count_cpus(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (cpus < 1)
		return 1;
	return cpus > MAX_PARTS ? MAX_PARTS : cpus;
}

void ram_open(struct ram *ram, const struct config *config)
{
	*ram = (struct ram){
		.size = config->mem,
		.path = config->mem_path,
		.prealloc = config->mem_prealloc,
		.cpus = count_cpus(),
	};
	open_backing(ram, config);
	map(ram);
}

void ram_close(struct ram *ram)
{
	munmap(ram->mem, ram->size);
	if (ram->fd >= 0)
		close(ram->fd);
}

/* ---- All of it at once ------------------------------------------------- */

/* One thread's part. */
struct part {
	int (*work)(char *mem, u64 len, u64 page);
	char *mem;
	u64 len;
	u64 page;
	pthread_t thread;
	bool has_thread;
	int err;
};

static void *do_part(void *arg)
{
	struct part *part = arg;

	part->err = part->work(part->mem, part->len, part->page);
	return NULL;
}

/* Most of it is zeroing: more CPUs are faster. Returns a negative errno. */
static int do_parts(const struct ram *ram,
		    int (*work)(char *mem, u64 len, u64 page))
{
	struct part parts[MAX_PARTS];
	unsigned int num = 0, i;
	u64 len = PART_MIN, offset;
	int err = 0;

	if (len < ram->size / ram->cpus + 1)
		len = ram->size / ram->cpus + 1;
	len = align_up(len, ram->page);
	for (offset = 0; offset < ram->size; offset += len) {
		struct part *part = &parts[num++];

		*part = (struct part){
			.work = work,
			.mem = ram->mem + offset,
			.len = len < ram->size - offset ? len :
							  ram->size - offset,
			.page = ram->page,
		};
		/* The last one is our own; so are those that get no thread. */
		if (offset + part->len < ram->size)
			part->has_thread = !pthread_create(&part->thread, NULL,
							   do_part, part);
		if (!part->has_thread)
			do_part(part);
	}
	for (i = 0; i < num; i++) {
		if (parts[i].has_thread)
			pthread_join(parts[i].thread, NULL);
		if (parts[i].err)
			err = parts[i].err;
	}
	return err;
}

void ram_touch(char *mem, u64 len, u64 page)
{
	u64 offset;

	for (offset = 0; offset < len; offset += page)
		__atomic_fetch_or(mem + offset, 0, __ATOMIC_RELAXED);
}

static int populate(char *mem, u64 len, u64 page)
{
	int err;

	do {
		err = madvise(mem, len, MADV_POPULATE_WRITE) ? -errno : 0;
	} while (err == -EINTR || err == -EAGAIN);
	/* Before v5.14. What cannot be had is a SIGBUS then: ram_guard(). */
	if (err == -EINVAL) {
		ram_touch(mem, len, page);
		return 0;
	}
	return err;
}

/* From /proc/meminfo; 0 if it is not there. */
static u64 meminfo_bytes(const char *name)
{
	unsigned long long kib;
	char line[128];
	u64 value = 0;
	FILE *f;

	f = fopen("/proc/meminfo", "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, strlen(name)) &&
		    sscanf(line + strlen(name), ": %llu", &kib) == 1)
			value = kib * KIB;
	}
	fclose(f);
	return value;
}

/* Who takes more than there is meets the kernel's OOM killer, which has no message. */
static void check_available(const struct ram *ram)
{
	u64 available = meminfo_bytes("MemAvailable"), need = ram->size;
	u64 resident = ram_resident(ram);

	need -= resident < need ? resident : need;
	if (!available)
		return;
	available += meminfo_bytes("SwapFree");
	if (need > available)
		die("--mem-prealloc takes %llu MiB, the host has %llu MiB: take less --mem",
		    mebibytes(need), available / MIB);
}

/* Its blocks, if the file system gives them in advance: an errno, no SIGBUS. */
static void allocate_file(const struct ram *ram)
{
	struct statfs fs = { 0 };

	if (!fallocate(ram->fd, 0, 0, ram->size) || errno != ENOSPC)
		return;
	fstatfs(ram->fd, &fs);
	die("--mem-path %s: room for %llu MiB, the guest takes %llu MiB: take less --mem",
	    ram->path, (u64)fs.f_bavail * fs.f_bsize / MIB,
	    mebibytes(ram->size));
}

void ram_prealloc(const struct ram *ram)
{
	struct statfs fs;
	int err;

	if (!ram->prealloc)
		return;
	if (ram->fd < 0 || (!fstatfs(ram->fd, &fs) && fs.f_type == TMPFS_MAGIC))
		check_available(ram);
	if (ram->fd >= 0 && !ram->huge)
		allocate_file(ram);
	err = do_parts(ram, populate);
	if (!err)
		return;
	/* EFAULT is what would have been a SIGBUS. */
	if (ram->huge && (err == -EFAULT || err == -ENOMEM))
		die_pool(ram);
	if (ram->path && err == -EFAULT)
		die("--mem-path %s: its file system has no room for --mem %s: take less",
		    ram->path, size_name(ram->size).text);
	die("--mem-prealloc: --mem %s cannot be had now: %s", size_name(ram->size).text,
	    strerror(-err));
}

/* ---- A page that is not there ------------------------------------------ */

static const struct ram *guarded;
static int guard_status;

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	const struct ram *ram = guarded;
	const char *addr = info->si_addr;

	(void)context;
	if (info->si_code <= 0 || addr < ram->mem ||
	    addr >= ram->mem + ram->size) {
		term_end_by(sig);
		return;
	}
	/*
	 * Whoever touches the guest's memory holds no lock of stdio's: this is as
	 * good a place as any other.
	 */
	if (info->si_code != BUS_ADRERR)
		warn("the host's memory is broken behind the guest's address 0x%llx",
		     BOARD_RAM_BASE + (u64)(addr - ram->mem));
	else if (ram->huge)
		warn("no huge page of %s is left for the guest: reserve more, or --mem-prealloc",
		     size_name(ram->page).text);
	else
		warn("--mem-path %s: it is shorter now, or its file system full (--mem-prealloc)",
		     ram->path ? ram->path : "");
	exit(guard_status);
}

void ram_guard(const struct ram *ram, int status)
{
	struct sigaction sa = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO,
	};

	guarded = ram;
	guard_status = status;
	sigaction(SIGBUS, &sa, NULL);
}

/* ---- Giving back ------------------------------------------------------- */

int ram_discard(const struct ram *ram, u64 offset, u64 len)
{
	int ret;

	do {
		ret = ram->fd < 0 ?
		      madvise(ram->mem + offset, len, MADV_DONTNEED) :
		      fallocate(ram->fd, FALLOC_FL_PUNCH_HOLE |
				FALLOC_FL_KEEP_SIZE, offset, len);
	} while (ret && errno == EINTR);
	return ret ? -errno : 0;
}

bool ram_can_discard(const struct ram *ram)
{
	struct stat st;
	u64 end;

	if (ram->fd < 0)
		return true;
	/* Behind the end of the file, so that nothing is lost. */
	if (fstat(ram->fd, &st))
		return false;
	end = align_up(st.st_size, ram->page);
	return !fallocate(ram->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  end, ram->page);
}

static int zero(char *mem, u64 len, u64 page)
{
	(void)page;
	memset(mem, 0, len);
	return 0;
}

int ram_clear(struct ram *ram)
{
	int err = -EOPNOTSUPP;

	/* What is there stays there. */
	if (!ram->prealloc)
		err = ram_discard(ram, 0, ram->size);
	if (err == -EOPNOTSUPP)
		return do_parts(ram, zero);
	/* A huge page that went back is not reserved any more; a new mapping does that. */
	if (!err && ram->huge && map_at(ram, ram->mem) == MAP_FAILED)
		die_map(ram);
	return err;
}

u64 ram_resident(const struct ram *ram)
{
	u64 page = host_page(), pages = align_up(ram->size, page) / page;
	unsigned char here[RESIDENT_BATCH];
	u64 first, count, i, sum = 0;

	for (first = 0; first < pages; first += count) {
		count = pages - first < RESIDENT_BATCH ? pages - first :
							 RESIDENT_BATCH;
		if (mincore(ram->mem + first * page, count * page, here))
			break;
		for (i = 0; i < count; i++)
			sum += here[i] & 1;
	}
	return sum * page;
}
