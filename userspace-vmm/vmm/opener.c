// SPDX-License-Identifier: GPL-2.0
/*
 * A request is the number of a name, an answer an errno and, with 0, a descriptor. The
 * process ends with the VMM: there is nobody at the other end of its socket any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "opener.h"
#include "sandbox.h"
#include "util.h"

/* Of a list of name servers, what is looked at. */
#define NAME_SERVERS_MAX	(64 * KIB)

/* Since v6.3: some hosts want to hear it (vm.memfd_noexec). */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	8U
#endif

static const char *names[OPENER_MAX];
static unsigned int num_names;
static int sock = -1;

/* One request at a time. A mutex: its holder waits for another process and nothing else. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

union control {
	struct cmsghdr header;
	char buf[CMSG_SPACE(sizeof(int))];
};

/* ---- The process ------------------------------------------------------- */

static void answer(int fd, int file, int err)
{
	struct iovec iov = { .iov_base = &err, .iov_len = sizeof(err) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control = { .buf = "" };
	struct cmsghdr *cmsg;

	if (file >= 0) {
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &file, sizeof(int));
	}
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0)
		_exit(EXIT_FAILURE);
}

static int new_memfd(void)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(RESOLV_CONF, flags | MFD_NOEXEC_SEAL);

	return fd < 0 && errno == EINVAL ? memfd_create(RESOLV_CONF, flags) : fd;
}

/*
 * A copy of the list of name servers, without a '%': behind one is the interface that an
 * address of IPv6 belongs to. libslirp asks the kernel for its number, also where it looks
 * for IPv4 alone, and the filter has no calls for that. What is left of such an address is
 * none, and passed over. Nobody writes to the copy. Returns a negative errno.
 */
static int copy_name_servers(int file)
{
	static char buf[NAME_SERVERS_MAX];
	size_t len = 0;
	ssize_t n;
	char *p;
	int fd, err;

	while (len < sizeof(buf) && (n = read(file, buf + len, sizeof(buf) - len))) {
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? n : 0;
	}
	for (p = buf; (p = memchr(p, '%', buf + len - p));)
		*p = '#';
	fd = new_memfd();
	if (fd < 0)
		return -errno;
	n = pwrite(fd, buf, len, 0);
	err = n < 0 ? -errno : 0;
	/* A limit of file sizes, which is the user's. */
	if (!err && n != (ssize_t)len)
		err = -EFBIG;
	if (!err && fcntl(fd, F_ADD_SEALS,
			  F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL))
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* For reading: a descriptor, or a negative errno. */
static int open_name(const char *name)
{
	/* What a name stands for by now may block: O_NONBLOCK is for that. */
	int file = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), copy;

	if (file < 0)
		return -errno;
	if (strcmp(name, RESOLV_CONF))
		return file;
	copy = copy_name_servers(file);
	close(file);
	return copy;
}

static void __noreturn serve(int fd)
{
	unsigned char request;
	ssize_t n;
	int file;

	while ((n = recv(fd, &request, sizeof(request), 0)) == 1 ||
	       (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		if (request >= num_names)
			break;
		file = open_name(names[request]);
		answer(fd, file, file < 0 ? -file : 0);
		if (file >= 0)
			close(file);
	}
	_exit(EXIT_SUCCESS);
}

/* A terminal's signals are the VMM's alone: it may want a file on its way out. */
static void ignore_signals(void)
{
	static const int signals[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGUSR1,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_IGN);
}

void opener_start(const char *const *paths, unsigned int count)
{
	int fds[2];
	unsigned int i;
	pid_t pid;

	for (i = 0; i < count; i++) {
		if (paths[i] && num_names < OPENER_MAX)
			names[num_names++] = paths[i];
	}
	if (!num_names)
		return;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		die("socketpair: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("cannot start the process that opens files: %s", strerror(errno));
	if (!pid) {
		ignore_signals();
		/* It has this end, and nothing else. */
		if (dup2(fds[1], STDIN_FILENO) < 0)
			_exit(EXIT_FAILURE);
		close_from(STDIN_FILENO + 1);
		prctl(PR_SET_NAME, "armvcpu-opener", 0, 0, 0);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		serve(STDIN_FILENO);
	}
	close(fds[1]);
	sock = fds[0];
}

/* ---- The VMM's end ----------------------------------------------------- */

static int ask(unsigned char request)
{
	int err = EPROTO, file = -1;
	struct iovec iov = { .iov_base = &err, .iov_len = sizeof(err) };
	union control control = { .buf = "" };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cmsg;
	ssize_t n;

	do {
		n = send(sock, &request, sizeof(request), MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(err))
		return n < 0 ? -errno : -EPIPE;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!err && cmsg && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(&file, CMSG_DATA(cmsg), sizeof(int));
	return err ? -err : file < 0 ? -EPROTO : file;
}

int opener_open(const char *path)
{
	int saved = errno, fd = -ENOENT;
	unsigned int i;

	for (i = 0; i < num_names && strcmp(names[i], path); i++)
		;
	if (sock >= 0 && i < num_names) {
		pthread_mutex_lock(&lock);
		fd = ask(i);
		pthread_mutex_unlock(&lock);
	} else if (sandbox_sealed()) {
		/* open() is what brings some here (sandbox.c). */
		fd = -EACCES;
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	errno = saved;
	return fd;
}

int opener_fd(void)
{
	return sock;
}
