/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One instruction under test, between registers that are all known.
 *
 * Behind it the guest stores to one of three addresses without memory, which
 * tells by how much PC went on and changes no register.
 */
#ifndef SELFTEST_SNIPPET_H
#define SELFTEST_SNIPPET_H

#include "vm.h"

/* Where the stops store to: x28 in a snippet. */
#define SNIPPET_STOP		(GUEST_MMIO + 0x10000)
/* Where x1 points to, unless a test says otherwise. */
#define SNIPPET_ADDRESS		(GUEST_MMIO + 0x2340)

/**
 * struct snippet - code of one instruction
 * @insn: the instruction.
 * @stops: str xzr, [x28], str xzr, [x28, #8], str xzr, [x28, #16].
 */
struct snippet {
	u32 insn;
	u32 stops[3];
};

#define SNIPPET_STOPS	"str xzr, [x28]\nstr xzr, [x28, #8]\nstr xzr, [x28, #16]\n"

/* A snippet in the program, hence in the guest. */
#define SNIPPET(_name, _insn)							\
	asm(".pushsection .text.snippets, \"ax\"\n"				\
	    ".balign 4\n"							\
	    #_name ":\n" _insn "\n" SNIPPET_STOPS ".popsection\n");		\
	extern const struct snippet _name

/* A function of the program's that passes an address of its own and returns. */
#define SNIPPET_FUNCTION(_name, _here)						\
	asm(".pushsection .text.snippets, \"ax\"\n"				\
	    ".balign 4\n"							\
	    #_name ":\nnop\n" #_here ":\nnop\nret\n"				\
	    ".popsection\n");							\
	extern const char _name[], _here[]

/* A snippet, made at run time of any word. */
void snippet_make(struct snippet *snippet, u32 insn);
u32 insn_mrs(u32 sysreg, u32 rt);
u32 insn_msr(u32 sysreg, u32 rt);

/*
 * The vCPU sits in a snippet's first instruction: all registers hold what
 * @regs then says. The guest's MMU, vectors and stack are set up before.
 */
void snippet_prepare(struct vcpu *vcpu, bool mmu);
void snippet_start(struct vcpu *vcpu, struct armvcpu_core_regs *regs, const void *code,
		   u64 address);

/*
 * The same with a WFI in @code, and on to its exit. Where an interrupt of the
 * host is pending just then, there is nothing to wait for: once more, then.
 */
void snippet_start_wfi(struct vcpu *vcpu, struct armvcpu_core_regs *regs, const void *code);

/* All registers in the run struct and by the ioctl are those of @regs. */
#define snippet_check_regs(vcpu, regs) __snippet_check_regs(vcpu, regs, __FILE__, __LINE__)
void __snippet_check_regs(struct vcpu *vcpu, const struct armvcpu_core_regs *regs,
			  const char *file, int line);

/* RUN to the first stop; the registers are those of @regs but for PC. */
#define snippet_expect_stop(vcpu, regs) __snippet_expect_stop(vcpu, regs, __FILE__, __LINE__)
void __snippet_expect_stop(struct vcpu *vcpu, struct armvcpu_core_regs *regs,
			   const char *file, int line);

/* The exit is a stop; which one of the three. */
bool snippet_is_stop(const struct vcpu *vcpu);

/* The exit is the report of an exception that the guest took; its ESR_EL1. */
bool snippet_is_exception(const struct vcpu *vcpu, u64 *esr);

#endif /* SELFTEST_SNIPPET_H */
