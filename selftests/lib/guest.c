// SPDX-License-Identifier: GPL-2.0
/* The guest's exceptions: expected ones are recorded, all others reported. */
#include "guest.h"

struct guest_cpu guest_cpus[GUEST_MAX_CPUS];

void guest_expect(u64 how)
{
	struct guest_cpu *cpu = guest_cpu();

	cpu->trap.count = 0;
	cpu->trap.vector = 0;
	cpu->trap.esr = 0;
	cpu->trap.far = 0;
	cpu->expect = how;
	asm volatile("" : : : "memory");
}

const struct guest_trap *guest_expected(void)
{
	struct guest_cpu *cpu = guest_cpu();

	asm volatile("" : : : "memory");
	cpu->expect = GUEST_EXPECT_NONE;
	return &cpu->trap;
}

/* Assignments of structures are calls of memcpy(). */
static void copy_frame(struct guest_frame *to, const struct guest_frame *from)
{
	u64 *dst = (u64 *)to;
	const u64 *src = (const u64 *)from;
	unsigned int i;

	for (i = 0; i < sizeof(*to) / sizeof(u64); i++) {
		dst[i] = src[i];
		asm volatile("" : : : "memory");
	}
}

const struct guest_trap *guest_el0(u64 pc, u64 pstate, u64 sp, const u64 *x)
{
	struct guest_cpu *cpu = guest_cpu();
	struct guest_frame frame;
	unsigned int i;

	for (i = 0; i < 8; i++)
		frame.x[i] = x[i];
	frame.elr = pc;
	frame.spsr = pstate;
	frame.sp_el0 = sp;
	guest_expect(GUEST_EXPECT_SKIP);
	guest_el0_enter(cpu, &frame);
	return guest_expected();
}

/* Where the guest goes on behind an exception that was expected. */
static void step_over(struct guest_frame *frame, u64 ec)
{
	switch (ec) {
	case EC_SVC64:
	case EC_HVC64:
		break;
	case EC_STEP:
		/* One, unless the test wants more. */
		write_sysreg(read_sysreg(mdscr_el1) & ~1UL, mdscr_el1);
		break;
	case EC_IABT:
	case EC_PC_ALIGN:
	case EC_BTI:
		frame->elr = frame->x[30];
		break;
	case EC_ILLEGAL:
		/* An exception return to nowhere: x30 says where to. */
		frame->spsr &= ~PSR_IL;
		frame->elr = frame->x[30];
		break;
	default:
		frame->elr += 4;
	}
}

void guest_exception(struct guest_frame *frame, u64 vector)
{
	struct guest_cpu *cpu = guest_cpu();
	u64 esr = read_sysreg(esr_el1), far = read_sysreg(far_el1);

	if (vector % 4 != GUEST_VECTOR_SYNC) {
		cpu->interrupts++;
		if (cpu->handler) {
			cpu->handler(frame, vector);
			return;
		}
	} else if (cpu->expect) {
		cpu->trap.count++;
		cpu->trap.vector = vector;
		cpu->trap.esr = esr;
		cpu->trap.far = far;
		copy_frame(&cpu->trap.frame, frame);
		if (cpu->el0_sp && vector >= GUEST_VECTOR_EL0_64)
			guest_el0_return(cpu);
		if (cpu->expect == GUEST_EXPECT_SKIP)
			step_over(frame, ESR_EC(esr));
		return;
	}
	ucall(UCALL_EXCEPTION, vector, esr, frame->elr, far, 0);
}
