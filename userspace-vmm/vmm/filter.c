// SPDX-License-Identifier: GPL-2.0
/*
 * The system calls of a VMM whose guest runs; all else is SIGSYS. A call that can do much
 * is let through with the arguments only that it has here.
 *
 * A refusal is no kill: the handler of SIGSYS says which call it was, and is the end of the
 * program. So nobody gets another handler for it.
 */
#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <errno.h>
#include <linux/falloc.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/armvcpu.h>

#include "sandbox.h"

/* From <fcntl.h>, which does not go with the kernel's headers above. */
#define CMD_GETFD	1
#define CMD_SETFD	2
#define CMD_GETFL	3
#define CMD_SETFL	4

/* With any arguments. */
static const int always[] = {
	/* Disks, consoles, cards, eventfds: what is open. */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(preadv), SCMP_SYS(pwritev),
	SCMP_SYS(preadv2), SCMP_SYS(pwritev2), SCMP_SYS(fsync), SCMP_SYS(fdatasync),
	SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(poll), SCMP_SYS(ppoll),
	/* opener.c, on its socket; and sendto, see allow_sending(). */
	SCMP_SYS(recvmsg),
	/* Memory. */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(mincore),
	/* Threads. */
	SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(gettid),
	SCMP_SYS(getpid), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(exit), SCMP_SYS(exit_group),
	/* Signals. */
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall),
	/* Time, where the vDSO does not know it, and chance. */
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(getrandom), SCMP_SYS(sysinfo),
};

/* libslirp's sockets: what leads into the guest was there before. */
static const int sockets[] = {
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	SCMP_SYS(recvfrom), SCMP_SYS(shutdown),
};

/* And what leads out of it, which is nothing with restrict=on. */
static const int outward[] = {
	SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(listen),
};

/* All of them are of AF_INET. */
static const struct {
	unsigned int type;
	unsigned int protocol;
	u32 action;
} kinds[] = {
	{ SOCK_STREAM, 0, SCMP_ACT_ALLOW },
	{ SOCK_STREAM, IPPROTO_TCP, SCMP_ACT_ALLOW },
	{ SOCK_DGRAM, 0, SCMP_ACT_ALLOW },
	{ SOCK_DGRAM, IPPROTO_UDP, SCMP_ACT_ALLOW },
	{ SOCK_DGRAM, IPPROTO_ICMP, SCMP_ACT_ALLOW },
	/* Where the one above is not to be had, libslirp tries, and does without. */
	{ SOCK_RAW, IPPROTO_ICMP, SCMP_ACT_ERRNO(EPERM) },
};

/* Of such a socket, what libslirp 4 sets. */
static const struct {
	unsigned int level;
	unsigned int name;
} options[] = {
	{ SOL_SOCKET, SO_REUSEADDR }, { SOL_SOCKET, SO_OOBINLINE },
	{ IPPROTO_TCP, TCP_NODELAY },
	{ IPPROTO_IP, IP_TTL }, { IPPROTO_IP, IP_RECVERR },
};

/* The first one is the one that counts for speed. */
static const unsigned int ioctls[] = {
	ARMVCPU_RUN, ARMVCPU_SET_IRQ,
	ARMVCPU_GET_ONE_REG, ARMVCPU_SET_ONE_REG, ARMVCPU_GET_CORE_REGS,
	ARMVCPU_SET_CORE_REGS, ARMVCPU_GET_FP_REGS, ARMVCPU_SET_FP_REGS,
	ARMVCPU_GET_REG_LIST, ARMVCPU_GET_POWER, ARMVCPU_SET_POWER, ARMVCPU_INJECT,
	ARMVCPU_SET_MEM_SLOT, ARMVCPU_RESET_GIC,
	TCGETS, TCSETS, TIOCGWINSZ,
#ifdef TCGETS2
	TCGETS2, TCSETS2,
#endif
};

static const unsigned int tap_ioctls[] = { TUNSETOFFLOAD };
static const unsigned int socket_ioctls[] = { FIONREAD, FIONBIO };

static const unsigned int fcntls[] = { CMD_GETFD, CMD_SETFD, CMD_GETFL, CMD_SETFL };

/* Discards and zeroes: nothing that allocates behind the end of a file (RLIMIT_FSIZE). */
static const unsigned int fallocates[] = {
	FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
};

/* What a thread of this process is; none of it is a namespace. */
#define THREAD_FLAGS	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | \
			 CLONE_SYSVSEM)
#define NEW_FLAGS	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
			 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* An argument of which the kernel looks at 32 bits, and one of 64. */
#define ARG_IS(arg, value)	SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, 0xffffffff, value)
#define ARG64_IS(arg, value)	SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, ~0ULL, value)

static int allow(scmp_filter_ctx ctx, const int *calls, size_t count)
{
	int err = 0;
	size_t i;

	for (i = 0; i < count && !err; i++) {
		/* Below zero: another architecture's. */
		if (calls[i] >= 0)
			err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	}
	return err;
}

static int allow_values(scmp_filter_ctx ctx, int call, unsigned int arg,
			const unsigned int *values, size_t count)
{
	int err = 0;
	size_t i;

	for (i = 0; i < count && !err; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 1,
				       ARG_IS(arg, values[i]));
	return err;
}

static int allow_masked(scmp_filter_ctx ctx, int call, unsigned int arg, u64 mask, u64 value)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 1,
				SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, mask, value));
}

/* Memory that is executed stays what it was; no memory becomes it. */
static int allow_memory(scmp_filter_ctx ctx)
{
	int err = allow_masked(ctx, SCMP_SYS(mmap), 2, PROT_EXEC, 0);

	return err ? err : allow_masked(ctx, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
}

/* A reset may take several. Where clone3's flags are, no filter can look: libc has clone. */
static int allow_threads(scmp_filter_ctx ctx)
{
	int err = allow_masked(ctx, SCMP_SYS(clone), 0, THREAD_FLAGS | NEW_FLAGS, THREAD_FLAGS);

	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	/* Signals to ourselves: a vCPU is taken out of the guest by one. */
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				       ARG_IS(0, getpid()));
	return err;
}

/* Those below SIGSYS, in 64 bits: none that becomes it in 32. */
static int allow_handlers(scmp_filter_ctx ctx)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(rt_sigaction), 1,
				SCMP_CMP(0, SCMP_CMP_LT, SIGSYS, 0));
}

/* Of files only those that are open, and stat() of none (sandbox.c); and getrlimit(). */
static int allow_files(scmp_filter_ctx ctx)
{
	int err = allow_values(ctx, SCMP_SYS(fallocate), 1, fallocates, ARRAY_SIZE(fallocates));

	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2,
				       ARG_IS(0, 0), ARG64_IS(2, 0));
	return err ? err : allow_values(ctx, SCMP_SYS(fcntl), 1, fcntls, ARRAY_SIZE(fcntls));
}

/*
 * With MSG_FASTOPEN they are connect(): also on a socket that has listened, so that a forward
 * into the guest would lead out of it.
 */
static int allow_sending(scmp_filter_ctx ctx, int call, unsigned int flags)
{
	return allow_masked(ctx, call, flags, MSG_FASTOPEN, 0);
}

/* There are hundreds, some of which are programs or tables. Of the others see sandbox.c. */
static int allow_options(scmp_filter_ctx ctx)
{
	int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(getsockopt), 2,
				   ARG_IS(1, SOL_SOCKET), ARG_IS(2, SO_ERROR));
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options) && !err; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2,
				       ARG_IS(1, options[i].level), ARG_IS(2, options[i].name));
	return err;
}

static int allow_outward(scmp_filter_ctx ctx)
{
	int err = allow(ctx, outward, ARRAY_SIZE(outward));
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds) && !err; i++)
		err = seccomp_rule_add(ctx, kinds[i].action, SCMP_SYS(socket), 3,
				       ARG_IS(0, AF_INET),
				       SCMP_CMP(1, SCMP_CMP_MASKED_EQ,
						0xffffffff & ~(SOCK_CLOEXEC | SOCK_NONBLOCK),
						kinds[i].type),
				       ARG_IS(2, kinds[i].protocol));
	return err;
}

/* One of them that may do a thing is enough: all of them are in this process. */
static int allow_nets(scmp_filter_ctx ctx, const struct config *config)
{
	bool tap = false, user = false, out = false;
	unsigned int i;
	int err = 0;

	for (i = 0; i < config->num_nets; i++) {
		bool is_user = config->nets[i].kind == NET_USER;

		tap |= !is_user;
		user |= is_user;
		out |= is_user && !config->nets[i].restricted;
	}
	if (tap)
		err = allow_values(ctx, SCMP_SYS(ioctl), 1, tap_ioctls, ARRAY_SIZE(tap_ioctls));
	if (!err && user)
		err = allow_values(ctx, SCMP_SYS(ioctl), 1, socket_ioctls,
				   ARRAY_SIZE(socket_ioctls));
	if (!err && user)
		err = allow(ctx, sockets, ARRAY_SIZE(sockets));
	if (!err && user)
		err = allow_sending(ctx, SCMP_SYS(sendmsg), 2);
	if (!err && user)
		err = allow_options(ctx);
	return err || !out ? err : allow_outward(ctx);
}

static int add_rules(scmp_filter_ctx ctx, const struct config *config)
{
	int err;

	err = allow(ctx, always, ARRAY_SIZE(always));
	if (!err)
		err = allow_values(ctx, SCMP_SYS(ioctl), 1, ioctls, ARRAY_SIZE(ioctls));
	if (!err)
		err = allow_memory(ctx);
	if (!err)
		err = allow_threads(ctx);
	if (!err)
		err = allow_handlers(ctx);
	if (!err)
		err = allow_files(ctx);
	if (!err)
		err = allow_sending(ctx, SCMP_SYS(sendto), 3);
	if (!err)
		err = allow_nets(ctx, config);
	/* Looked for first: what each exit is. */
	return err ? err : seccomp_syscall_priority(ctx, SCMP_SYS(ioctl), 255);
}

const char *filter_missing(void)
{
	/* No filter at that address: EFAULT, where there is something to look for one. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) && errno == EFAULT)
		return NULL;
	return "this kernel has none (CONFIG_SECCOMP_FILTER)";
}

const char *filter_install(const struct config *config)
{
	const char *why = filter_missing();
	scmp_filter_ctx ctx;
	int err;

	/* By another way than libseccomp does: it cannot tell one EINVAL from another. */
	if (why)
		return why;
	ctx = seccomp_init(SCMP_ACT_TRAP);
	if (!ctx)
		return "libseccomp does not start";
	err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* All threads, those that are there as well. */
	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!err)
		err = add_rules(ctx, config);
	if (err) {
		seccomp_release(ctx);
		die("the sandbox's filter: %s", strerror(-err));
	}
	err = seccomp_load(ctx);
	seccomp_release(ctx);
	return err ? "this kernel does not take it (CONFIG_SECCOMP_FILTER)" : NULL;
}
