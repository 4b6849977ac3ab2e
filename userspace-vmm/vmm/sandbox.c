// SPDX-License-Identifier: GPL-2.0
/*
 * See sandbox.h. What the filter refuses ends the program, with a message; but for the
 * two calls by which libslirp looks for the host's name servers, each time the guest asks
 * for a name: opener.c does those; for options of sockets that the filter does not know,
 * which are answered as a kernel does that does not know them; and for libc's fstat(), which
 * is a stat() with flags that a filter cannot tell from one by name.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "opener.h"
#include "sandbox.h"
#include "term.h"

/* Of the kernel's <asm/siginfo.h>, which does not go with libc's. */
#ifndef SYS_SECCOMP
#define SYS_SECCOMP	1
#endif

/* Who has no rights, where /etc/passwd does not know. */
#define NOBODY		65534

static bool sealed;
/* libslirp is in the process. */
static bool has_sockets;

/* ---- Who it is to be --------------------------------------------------- */

struct identity {
	uid_t uid;
	gid_t gid;
};

/* Found while there is an /etc/passwd: an empty root has none. */
static struct identity identity;

static bool parse_id(const char *text, unsigned int *id)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value >= ~0U)
		return false;
	*id = value;
	return true;
}

/* Not getpwnam(): that loads libraries, which a static program cannot. */
static bool look_up(const char *name, struct identity *who)
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *entry;
	bool found = false;

	while (f && !found && (entry = fgetpwent(f))) {
		found = !strcmp(entry->pw_name, name);
		if (found)
			*who = (struct identity){ entry->pw_uid, entry->pw_gid };
	}
	if (f)
		fclose(f);
	return found;
}

/* NAME, UID or UID:GID; also NAME:GID. */
static struct identity parse_user(const char *user)
{
	struct identity who = { NOBODY, NOBODY };
	char name[64];
	const char *gid;

	if (!user) {
		look_up("nobody", &who);
		return who;
	}
	gid = strchrnul(user, ':');
	if ((size_t)(gid - user) >= sizeof(name))
		die("--user %s: that is too long", user);
	memcpy(name, user, gid - user);
	name[gid - user] = '\0';
	if (parse_id(name, &who.uid))
		who.gid = who.uid;
	else if (!look_up(name, &who))
		die("--user %s: /etc/passwd has no %s: a number will do", user, name);
	if (*gid && !parse_id(gid + 1, &who.gid))
		die("--user %s: the group is a number", user);
	return who;
}

static bool is_root(void)
{
	return !geteuid();
}

static bool is_off(const struct config *config)
{
	return config->sandbox == SANDBOX_OFF;
}

/* ---- Before ------------------------------------------------------------ */

static bool has_user_net(const struct config *config)
{
	unsigned int i;

	for (i = 0; i < config->num_nets; i++) {
		if (config->nets[i].kind == NET_USER)
			return true;
	}
	return false;
}

void sandbox_begin(const struct config *config)
{
	const char *const paths[] = {
		config->firmware, config->kernel, config->flat, config->initrd,
		has_user_net(config) ? RESOLV_CONF : NULL,
	};

	if (is_off(config))
		return;
	if (config->user && !is_root())
		die("--user takes root: you are nobody else than you are");
	identity = parse_user(config->user);
	opener_start(paths, ARRAY_SIZE(paths));
}

/* ---- Rights ------------------------------------------------------------ */

/* With --sandbox on, what cannot be had is the end; otherwise it is told. */
static void lacking(const struct config *config, const char *what, const char *why)
{
	if (config->sandbox == SANDBOX_ON)
		die("--sandbox on: %s: %s", what, why);
	warn("the sandbox has no %s: %s", what, why);
}

/* A directory that is gone: nothing is in it, and nothing can be put there. */
static void enter_empty_root(const struct config *config)
{
	char dir[] = "/tmp/armvcpu-XXXXXX";
	int wrong;

	/* libslirp opens its file by name, and nobody does it instead (answer()). */
	if (has_user_net(config) && filter_missing()) {
		lacking(config, "empty root",
			"--net user opens " RESOLV_CONF " there, without a filter");
		return;
	}
	if (!mkdtemp(dir)) {
		lacking(config, "empty root", strerror(errno));
		return;
	}
	/* Gone in any case. */
	wrong = chdir(dir) ? errno : 0;
	if (rmdir(dir) && !wrong)
		wrong = errno;
	if (!wrong && chroot("."))
		wrong = errno;
	if (wrong)
		lacking(config, "empty root", strerror(wrong));
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none))
		die("cannot give up capabilities: %s", strerror(errno));
}

/* What a program that it would execute could get. Needs a capability. */
static void clear_bounding_set(const struct config *config)
{
	int wrong = 0, cap = 0, there;

	while ((there = prctl(PR_CAPBSET_READ, cap, 0, 0, 0)) >= 0) {
		if (there && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			wrong = errno;
		cap++;
	}
	/* So the kernel says behind the last one. */
	if (errno != EINVAL || !cap)
		wrong = errno;
	if (wrong)
		lacking(config, "empty bounding set of capabilities", strerror(wrong));
}

static void change_user(const struct config *config)
{
	const uid_t uid = identity.uid;
	const gid_t gid = identity.gid;

	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid)) {
		if (config->user)
			die("--user %s: %s", config->user, strerror(errno));
		/* A container, where nobody else is known. */
		lacking(config, "user of its own", strerror(errno));
		return;
	}
	info("the sandbox is user %u, group %u", uid, gid);
}

/* The guest's memory is pinned again after a reset, and root had no limit. */
static void limit_locked(const struct config *config, u64 bytes)
{
	struct rlimit limit = { bytes, bytes }, now;
	int wrong = getrlimit(RLIMIT_MEMLOCK, &now) ? errno : 0;

	/* It has less, and cannot have more. */
	if (!wrong && now.rlim_max < bytes && !is_root())
		return;
	if (!wrong && setrlimit(RLIMIT_MEMLOCK, &limit))
		wrong = errno;
	if (wrong)
		lacking(config, "limit of its own for locked memory", strerror(wrong));
}

static void limit_files(const struct config *config, u64 bytes)
{
	struct rlimit limit = { bytes, bytes }, now;
	int wrong = getrlimit(RLIMIT_FSIZE, &now) ? errno : 0;

	/* Not more than whoever has started the VMM wants. */
	if (!wrong && now.rlim_cur <= bytes)
		return;
	if (!wrong && setrlimit(RLIMIT_FSIZE, &limit))
		wrong = errno;
	if (wrong)
		lacking(config, "limit for the length of files", strerror(wrong));
}

void sandbox_drop(const struct config *config, const struct sandbox_limits *limits)
{
	if (is_off(config))
		return;
	if (limits->locked)
		limit_locked(config, limits->locked);
	limit_files(config, limits->file_size);
	if (is_root()) {
		enter_empty_root(config);
		clear_bounding_set(config);
		change_user(config);
	}
	drop_capabilities();
	/* Nobody else of this user reads its memory, and it leaves no core file. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		lacking(config, "way to keep from new rights", strerror(errno));
}

/* ---- What the filter refuses ------------------------------------------- */

#if defined(__aarch64__)
#define ARG(context, n)	((context)->uc_mcontext.regs[n])
#define RESULT(context)	((context)->uc_mcontext.regs[0])
#elif defined(__x86_64__)
static const int arg_regs[] = { REG_RDI, REG_RSI, REG_RDX, REG_R10 };
#define ARG(context, n)	((context)->uc_mcontext.gregs[arg_regs[n]])
#define RESULT(context)	((context)->uc_mcontext.gregs[REG_RAX])
#endif

#ifdef ARG
/* Not fstat(), which may be the call that was refused. */
static int stat_fd(int fd, struct stat *st)
{
	return syscall(SYS_fstat, fd, st) ? -errno : 0;
}

static int stat_name_servers(struct stat *st)
{
	int fd = opener_open(RESOLV_CONF), err;

	if (fd < 0)
		return fd;
	err = stat_fd(fd, st);
	close(fd);
	return err;
}

/* True if it was one of these: errno or its result is in the registers then. */
static bool answer(int nr, ucontext_t *context)
{
	const char *path = (const char *)ARG(context, 1);
	struct stat *st = (struct stat *)ARG(context, 2);
	bool is_stat = nr == SYS_newfstatat;

	/* Another libslirp may try one more, and does without. */
	if (has_sockets && (nr == SYS_setsockopt || nr == SYS_getsockopt)) {
		RESULT(context) = -ENOPROTOOPT;
		return true;
	}
	if ((nr != SYS_openat && !is_stat) || !path)
		return false;
	/* Whatever the path becomes in the meantime: a descriptor is what is looked at. */
	if (is_stat && !*path && (int)ARG(context, 3) == AT_EMPTY_PATH)
		RESULT(context) = stat_fd(ARG(context, 0), st);
	else if (!strcmp(path, RESOLV_CONF))
		RESULT(context) = is_stat ? stat_name_servers(st) : opener_open(RESOLV_CONF);
	else
		return false;
	return true;
}
#else
static bool answer(int nr, void *context)
{
	(void)nr;
	(void)context;
	return false;
}
#endif

/* No stdio: another thread may hold its locks. */
static void say(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

static void say_refused(int nr)
{
	char digits[] = "0000";
	int i, n;

	for (i = 3, n = nr; i >= 0; i--, n /= 10)
		digits[i] = '0' + n % 10;
	say("armvcpu-vmm: the sandbox refuses system call ");
	say(digits);
	say(": the guest may have got into the VMM.\n"
	    "armvcpu-vmm: If you trust the guest, --sandbox off goes without; please report it.\n");
}

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	/* Whoever else sends it does not tell of a call. */
	bool refused = info->si_code == SYS_SECCOMP;
	int saved = errno;

	if (refused && answer(info->si_syscall, context)) {
		errno = saved;
		return;
	}
	term_suspend();
	if (refused)
		say_refused(info->si_syscall);
	/* The filter refuses that as well, and SIGSYS is blocked here: the end, by this signal. */
	term_end_by(sig);
	_exit(EXIT_DEAD);
}

void sandbox_seal(const struct config *config)
{
	struct sigaction sa = {
		.sa_sigaction = on_sigsys,
		.sa_flags = SA_SIGINFO,
	};
	const char *wrong;

	if (is_off(config))
		return;
	sigaction(SIGSYS, &sa, NULL);
	has_sockets = has_user_net(config);
	sealed = true;
	wrong = filter_install(config);
	if (!wrong)
		return;
	sealed = false;
	lacking(config, "filter for system calls", wrong);
}

bool sandbox_sealed(void)
{
	return sealed;
}
