// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of a vCPU that is not there; see fake-vcpu.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "fake-vcpu.h"

/* No file has it. */
#define FAKE_FD		0x7fffff00

static struct fake_vcpu *current;

static u64 *one_reg(u32 id)
{
	switch (id) {
	case ARMVCPU_REG_SP_EL0:
		return &current->sp_el0;
	case ARMVCPU_REG_SP_EL1:
		return &current->sp_el1;
	case ARMVCPU_REG_SYS(3, 0, 1, 0, 0):
		return &current->sctlr;
	default:
		return NULL;
	}
}

static int fake_ioctl(unsigned long request, void *arg)
{
	struct armvcpu_one_reg *one = arg;

	if (++current->ioctls == current->fail)
		return -EBUSY;
	switch (request) {
	case ARMVCPU_GET_FP_REGS:
		memcpy(arg, &current->fp, sizeof(current->fp));
		return 0;
	case ARMVCPU_SET_FP_REGS:
		memcpy(&current->fp, arg, sizeof(current->fp));
		return 0;
	case ARMVCPU_GET_ONE_REG:
		if (!one_reg(one->id))
			return -ENOENT;
		one->value = *one_reg(one->id);
		return 0;
	case ARMVCPU_SET_ONE_REG:
		if (!one_reg(one->id))
			return -ENOENT;
		*one_reg(one->id) = one->value;
		return 0;
	default:
		return -ENOTTY;
	}
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;
	int ret;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (fd != FAKE_FD)
		return __real_ioctl(fd, request, arg);
	ret = fake_ioctl(request, arg);
	if (!ret)
		return 0;
	errno = -ret;
	return -1;
}

/* NULL: nothing is there. */
static u8 *fake_access(struct fake_vcpu *fake, u64 ipa, unsigned int len, u64 flags)
{
	if (fake->num < FAKE_ACCESSES) {
		fake->log[fake->num].ipa = ipa | flags;
		fake->log[fake->num].len = len;
	}
	if (fake->num++ >= fake->nothing_from || ipa < FAKE_BASE ||
	    ipa + len > FAKE_BASE + FAKE_SIZE)
		return NULL;
	return fake->mem + (ipa - FAKE_BASE);
}

static int fake_read(void *opaque, __u64 ipa, unsigned int len, __u64 *value)
{
	u8 *mem = fake_access(opaque, ipa, len, 0);

	/* What is beyond the access means nothing. */
	*value = 0xaaaaaaaaaaaaaaaaULL;
	if (!mem)
		return -EFAULT;
	memcpy(value, mem, len);
	return 0;
}

static int fake_write(void *opaque, __u64 ipa, unsigned int len, __u64 value)
{
	u8 *mem = fake_access(opaque, ipa, len, FAKE_WRITE);

	if (!mem)
		return -EFAULT;
	memcpy(mem, &value, len);
	return 0;
}

void fake_init(struct fake_vcpu *fake)
{
	memset(fake, 0, sizeof(*fake));
	fake->hw.fd = FAKE_FD;
	fake->hw.run = &fake->run;
	fake->hw.run_size = sizeof(fake->run);
	fake->access.read = fake_read;
	fake->access.write = fake_write;
	fake->access.opaque = fake;
	fake->nothing_from = ~0U;
	current = fake;
}

void fake_abort(struct fake_vcpu *fake, u32 insn, u64 far, u64 ipa)
{
	struct armvcpu_run *run = &fake->run;
	struct armvcpu_insn decoded;

	run->exit_reason = ARMVCPU_EXIT_ABORT;
	run->action = ARMVCPU_ACTION_COMPLETE;
	run->far = far;
	run->u.abort.ipa = ipa;
	run->u.abort.insn = insn;
	run->u.abort.flags = ARMVCPU_ABORT_INSN_VALID;
	armvcpu_insn_decode(insn, &decoded);
	if (decoded.flags & ARMVCPU_INSN_STORE)
		run->u.abort.flags |= ARMVCPU_ABORT_WRITE;
	fake->ioctls = 0;
	fake->num = 0;
}
