// SPDX-License-Identifier: GPL-2.0
/*
 * The exits to the VMM as lines of a file. A vCPU only copies what it has seen; who
 * fills the last place writes all of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libarmvcpu.h"
#include "trace.h"

static const char header[] =
	"# armvcpu-vmm trace 1: nanoseconds CPU reason pc= esr= ...\n";

static const char the_end[] = "# there were more: --trace-limit\n";

static const char *dir(unsigned int is_write)
{
	return is_write ? "write" : "read";
}

/* Of a general register: where x31 is read, the zero register is meant. */
static void put_reg(struct text *line, const char *key, unsigned int reg,
		    unsigned int is_64bit)
{
	if (reg == 31)
		text_put(line, " %s=%czr", key, is_64bit ? 'x' : 'w');
	else
		text_put(line, " %s=%c%u", key, is_64bit ? 'x' : 'w', reg);
}

static void put_args(struct text *line, const __u64 *args)
{
	text_put(line, " args=0x%llx,0x%llx,0x%llx", args[0], args[1], args[2]);
}

static void put_mmio(struct text *line, const struct armvcpu_exit_mmio *mmio)
{
	text_put(line, " ipa=0x%llx dir=%s len=%u", mmio->ipa, dir(mmio->is_write),
		 mmio->len);
	put_reg(line, "reg", mmio->reg, mmio->reg64);
	text_put(line, " data=0x%llx", mmio->data & len_mask(mmio->len));
	if (mmio->readonly)
		text_put(line, " readonly=1");
}

static void put_sysreg(struct text *line,
		       const struct armvcpu_exit_sysreg *sysreg)
{
	char name[ARMVCPU_REG_NAME_SIZE];

	armvcpu_reg_name(ARMVCPU_REG_CLASS_SYS | sysreg->reg, name,
			 sizeof(name));
	text_put(line, " sysreg=%s dir=%s", name, dir(sysreg->is_write));
	put_reg(line, "reg", sysreg->rt, 1);
	text_put(line, " data=0x%llx", sysreg->data);
}

static void put_details(struct text *line, const struct trace_exit *exit)
{
	switch (exit->reason) {
	case ARMVCPU_EXIT_MMIO:
		put_mmio(line, &exit->u.mmio);
		break;
	case ARMVCPU_EXIT_ABORT:
		text_put(line, " ipa=0x%llx dir=%s flags=0x%x", exit->u.abort.ipa,
			 dir(exit->u.abort.flags & ARMVCPU_ABORT_WRITE),
			 exit->u.abort.flags);
		if (exit->u.abort.flags & ARMVCPU_ABORT_INSN_VALID)
			text_put(line, " insn=0x%08x", exit->u.abort.insn);
		break;
	case ARMVCPU_EXIT_SYSREG:
		put_sysreg(line, &exit->u.sysreg);
		break;
	case ARMVCPU_EXIT_HYPERCALL:
	case ARMVCPU_EXIT_SMC:
		text_put(line, " fn=0x%llx imm=0x%x", exit->u.call.nr,
			 exit->u.call.imm);
		put_args(line, exit->args);
		break;
	case ARMVCPU_EXIT_PSCI:
		text_put(line, " call=%s fn=0x%llx",
			 armvcpu_psci_name(exit->u.psci.event), exit->u.psci.fn);
		put_args(line, exit->u.psci.args);
		break;
	case ARMVCPU_EXIT_WFX:
		text_put(line, " insn=%s timer=0x%llx",
			 exit->u.wfx.is_wfe ? "WFE" : "WFI", exit->u.wfx.timer);
		break;
	case ARMVCPU_EXIT_DEBUG:
		text_put(line, " ec=0x%x comment=0x%x far=0x%llx", exit->u.debug.ec,
			 exit->u.debug.comment, exit->u.debug.far);
		break;
	case ARMVCPU_EXIT_FAIL:
		text_put(line, " fail=%u errno=%u far=0x%llx", exit->u.fail.reason,
			 exit->u.fail.err, exit->far);
		break;
	}
}

size_t trace_line(char *buf, const struct trace_exit *exit)
{
	static const char * const actions[] = {
		[ARMVCPU_ACTION_RETRY] = "retry",
		[ARMVCPU_ACTION_ABORT] = "abort",
		[ARMVCPU_ACTION_UNDEF] = "undef",
	};
	struct text line = { .buf = buf, .size = TRACE_LINE };

	text_put(&line, "%llu %u %s pc=0x%llx esr=0x%llx", exit->ns, exit->cpu,
		 armvcpu_exit_name(exit->reason), exit->pc, exit->esr);
	put_details(&line, exit);
	if (exit->action && exit->action < ARRAY_SIZE(actions))
		text_put(&line, " action=%s", actions[exit->action]);
	/* There is room: no line is that long. */
	text_put(&line, "\n");
	return line.len;
}

void trace_fill(struct trace_exit *exit, u32 cpu, const struct armvcpu_run *run)
{
	exit->ns = now_ns();
	exit->cpu = cpu;
	exit->reason = run->exit_reason;
	exit->action = 0;
	exit->pc = run->pc;
	exit->esr = run->esr;
	exit->far = run->far;
	memcpy(exit->args, &run->x[1], sizeof(exit->args));
	memcpy(&exit->u, &run->u, sizeof(exit->u));
}

void trace_result(struct trace_exit *exit, const struct armvcpu_run *run)
{
	exit->action = run->action;
	if (exit->reason == ARMVCPU_EXIT_MMIO)
		exit->u.mmio.data = run->u.mmio.data;
	else if (exit->reason == ARMVCPU_EXIT_SYSREG)
		exit->u.sysreg.data = run->u.sysreg.data;
}

/* ---- The file: under the lock, all of it ------------------------------- */

/* A pipe that nobody reads does not keep a guest from its end. */
#define FULL_MS		1000

static void trace_fail(struct trace *trace, const char *why)
{
	warn("--trace %s: %s; it ends here", trace->path, why);
	if (trace->fd >= 0)
		close(trace->fd);
	trace->fd = -1;
}

static void trace_write(struct trace *trace, const char *buf, size_t len)
{
	struct pollfd pfd = { .fd = trace->fd, .events = POLLOUT };

	while (len && trace->fd >= 0) {
		ssize_t n = write(trace->fd, buf, len);

		if (n > 0) {
			buf += n;
			len -= n;
		} else if (n < 0 && errno == EAGAIN) {
			if (!poll(&pfd, 1, FULL_MS))
				trace_fail(trace, "nobody reads it");
		} else if (!n || errno != EINTR) {
			trace_fail(trace, strerror(errno));
		}
	}
}

/* The lines in portions, whatever their number. */
static void trace_write_exits(struct trace *trace)
{
	char buf[64 * TRACE_LINE];
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < trace->count; i++) {
		len += trace_line(buf + len, &trace->exits[i]);
		if (len + TRACE_LINE > sizeof(buf)) {
			trace_write(trace, buf, len);
			len = 0;
		}
	}
	trace_write(trace, buf, len);
	trace->count = 0;
}

/* ---- From any thread --------------------------------------------------- */

void trace_open(struct trace *trace, const char *path, u64 limit)
{
	trace->path = path;
	trace->left = limit ? limit : ~0ULL;
	trace->count = 0;
	pthread_mutex_init(&trace->lock, NULL);
	trace->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
			 O_NONBLOCK | O_NOCTTY, 0666);
	if (trace->fd < 0)
		die("--trace %s: %s", path, strerror(errno));
	trace_write(trace, header, strlen(header));
}

void trace_add(struct trace *trace, const struct trace_exit *exit)
{
	pthread_mutex_lock(&trace->lock);
	if (trace->fd >= 0) {
		trace->exits[trace->count++] = *exit;
		if (trace->left != ~0ULL)
			trace->left--;
		if (trace->count == TRACE_EXITS || !trace->left)
			trace_write_exits(trace);
		if (!trace->left && trace->fd >= 0) {
			trace_write(trace, the_end, strlen(the_end));
			trace_fail(trace, "as many lines as --trace-limit says");
		}
	}
	pthread_mutex_unlock(&trace->lock);
}

void trace_flush(struct trace *trace)
{
	pthread_mutex_lock(&trace->lock);
	trace_write_exits(trace);
	pthread_mutex_unlock(&trace->lock);
}
