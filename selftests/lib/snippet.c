// SPDX-License-Identifier: GPL-2.0
/* One instruction under test; see snippet.h. */
#include <string.h>

#include "snippet.h"

SNIPPET(snippet_template, "nop");

void snippet_make(struct snippet *snippet, u32 insn)
{
	memcpy(snippet, &snippet_template, sizeof(*snippet));
	snippet->insn = insn;
}

u32 insn_mrs(u32 sysreg, u32 rt)
{
	return 0xd5200000 | sysreg << 5 | rt;
}

u32 insn_msr(u32 sysreg, u32 rt)
{
	return 0xd5000000 | sysreg << 5 | rt;
}

static void guest_park(void)
{
	for (;;)
		GUEST_SYNC(0x70);
}

void snippet_prepare(struct vcpu *vcpu, bool mmu)
{
	if (mmu)
		vcpu_call(vcpu, guest_park);
	else
		vcpu_call_mmu_off(vcpu, guest_park);
	vcpu_expect_sync(vcpu, 0x70);
}

void snippet_start(struct vcpu *vcpu, struct armvcpu_core_regs *regs, const void *code,
		   u64 address)
{
	unsigned int i;

	/* The stack stays, for the guest's vectors. */
	vcpu_get_regs(vcpu, regs);
	for (i = 0; i < 31; i++)
		regs->x[i] = 0x9182a3b4c5d6e7f8UL ^ i * 0x0101010101010101UL;
	regs->x[1] = address;
	regs->x[2] = 0;
	regs->x[28] = SNIPPET_STOP;
	regs->sp_el0 = 0x7766554433221100UL;
	regs->pc = (u64)code;
	/* Z and C, which no instruction in here changes by itself. */
	regs->pstate = PSTATE_RESET | 0x60000000;
	vcpu_set_regs(vcpu, regs);
}

void snippet_start_wfi(struct vcpu *vcpu, struct armvcpu_core_regs *regs, const void *code)
{
	int i;

	for (i = 0; i < 10; i++) {
		snippet_start(vcpu, regs, code, SNIPPET_ADDRESS);
		if (vcpu_run_exit(vcpu) || !snippet_is_stop(vcpu))
			break;
	}
	if (vcpu->run->exit_reason != ARMVCPU_EXIT_WFX) {
		vcpu_print_exit(vcpu);
		test_fail("expected the exit of a WFI");
	}
}

void __snippet_check_regs(struct vcpu *vcpu, const struct armvcpu_core_regs *regs,
			  const char *file, int line)
{
	struct armvcpu_core_regs got;
	unsigned int i;

	vcpu_get_regs(vcpu, &got);
	for (i = 0; i < 31; i++) {
		if (vcpu->run->x[i] != regs->x[i] || got.x[i] != regs->x[i])
			__test_fail(file, line, "x%u is 0x%llx, by the ioctl 0x%llx, not 0x%llx",
				    i, vcpu->run->x[i], got.x[i], regs->x[i]);
	}
	if (vcpu->run->pc != regs->pc || got.pc != regs->pc)
		__test_fail(file, line, "pc is 0x%llx, by the ioctl 0x%llx, not 0x%llx",
			    vcpu->run->pc, got.pc, regs->pc);
	if (vcpu->run->pstate != regs->pstate || got.pstate != regs->pstate)
		__test_fail(file, line, "pstate is 0x%llx, by the ioctl 0x%llx, not 0x%llx",
			    vcpu->run->pstate, got.pstate, regs->pstate);
	if (got.sp_el0 != regs->sp_el0 || got.sp_el1 != regs->sp_el1)
		__test_fail(file, line, "sp_el0 0x%llx, not 0x%llx; sp_el1 0x%llx, not 0x%llx",
			    got.sp_el0, regs->sp_el0, got.sp_el1, regs->sp_el1);
}

bool snippet_is_stop(const struct vcpu *vcpu)
{
	const struct armvcpu_run *run = vcpu->run;

	return run->exit_reason == ARMVCPU_EXIT_MMIO && run->u.mmio.is_write &&
	       run->u.mmio.ipa >= SNIPPET_STOP && run->u.mmio.ipa < SNIPPET_STOP + 24;
}

void __snippet_expect_stop(struct vcpu *vcpu, struct armvcpu_core_regs *regs,
			   const char *file, int line)
{
	__vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO, file, line);
	if (!snippet_is_stop(vcpu)) {
		vcpu_print_exit(vcpu);
		__test_fail(file, line, "not the store behind the instruction");
	}
	if (vcpu->run->u.mmio.ipa != SNIPPET_STOP)
		__test_fail(file, line, "PC went on by %llu instructions instead of one",
			    1 + (vcpu->run->u.mmio.ipa - SNIPPET_STOP) / 8);
	regs->pc += 4;
	__snippet_check_regs(vcpu, regs, file, line);
}

bool snippet_is_exception(const struct vcpu *vcpu, u64 *esr)
{
	if (!vcpu_is_ucall(vcpu) || vcpu->run->u.call.nr != UCALL_EXCEPTION)
		return false;
	*esr = vcpu->run->x[2];
	return true;
}
