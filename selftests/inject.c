// SPDX-License-Identifier: GPL-2.0
/*
 * Exceptions that come from the VMM: synchronous ones at the guest's present
 * PC, SError, and the levels of the vIRQ and vFIQ lines.
 */
#include "harness.h"

#include <pthread.h>

#include "snippet.h"

#define FAR		0x123456789abcUL
#define VBAR_EL1	(ARMVCPU_REG_CLASS_SYS | ARMVCPU_SYSREG(3, 0, 12, 0, 0))

struct world {
	struct vm vm;
	struct vcpu vcpu;
	u8 *ram;
};

static void world_init(struct world *w)
{
	vm_init(&w->vm);
	vcpu_init(&w->vcpu, &w->vm, 0);
	w->ram = vm_add_memory(&w->vm, 0, GUEST_RAM, 0x10000);
	guest_pt_map(GUEST_USER, GUEST_RAM, 0x10000, PTE_NORMAL | PTE_USER);
}

/* ---- synchronous ------------------------------------------------- */

/* At the exit of a hypercall PC is behind it; the register is the VMM's sign. */
static void guest_waits(void)
{
	const struct guest_trap *trap;

	trap = GUEST_TRAP_RESUME(GUEST_SYNC(1));
	GUEST_SYNC_ARGS(2, trap->count, trap->esr, trap->far);
	GUEST_SYNC_ARGS(3, trap->frame.elr, trap->frame.spsr, trap->vector);
}

FIXTURE(sync) {
	struct world w;
};

FIXTURE_VARIANT(sync) {
	u32 type;
	u64 far;
	u64 ec, ec_low;
	u64 fsc;
};

FIXTURE_VARIANT_ADD(sync, undef) {
	.type = ARMVCPU_INJECT_UNDEF, .ec = EC_UNKNOWN, .ec_low = EC_UNKNOWN,
};

FIXTURE_VARIANT_ADD(sync, data_abort) {
	.type = ARMVCPU_INJECT_DATA_ABORT, .far = FAR,
	.ec = EC_DABT, .ec_low = EC_DABT_LOW, .fsc = FSC_EXTABT,
};

FIXTURE_VARIANT_ADD(sync, data_abort_at_zero) {
	.type = ARMVCPU_INJECT_DATA_ABORT, .far = 0,
	.ec = EC_DABT, .ec_low = EC_DABT_LOW, .fsc = FSC_EXTABT,
};

FIXTURE_VARIANT_ADD(sync, insn_abort) {
	.type = ARMVCPU_INJECT_INSN_ABORT, .far = ~3UL,
	.ec = EC_IABT, .ec_low = EC_IABT_LOW, .fsc = FSC_EXTABT,
};

FIXTURE_SETUP(sync)
{
	world_init(&self->w);
}

FIXTURE_TEARDOWN(sync)
{
}

TEST_F(sync, at_pc)
{
	struct vcpu *vcpu = &self->w.vcpu;
	struct armvcpu_core_regs regs;
	u64 esr;

	vcpu_call(vcpu, guest_waits);
	vcpu_expect_sync(vcpu, 1);
	vcpu_get_regs(vcpu, &regs);
	ASSERT_EQ(0, vcpu_inject(vcpu, variant->type, variant->far));
	/* One per entry. */
	EXPECT_EQ(-EBUSY, vcpu_inject(vcpu, variant->type, variant->far));
	EXPECT_EQ(-EBUSY, vcpu_inject(vcpu, ARMVCPU_INJECT_UNDEF, 0));
	vcpu_expect_sync(vcpu, 2);
	esr = vcpu_sync_arg(vcpu, 1);
	EXPECT_EQ(1, vcpu_sync_arg(vcpu, 0));
	EXPECT_EQ(variant->ec, ESR_EC(esr)) {
		TH_LOG("ESR_EL1 0x%llx", esr);
	}
	EXPECT_EQ(variant->fsc, ESR_FSC(esr));
	EXPECT_TRUE(esr & ESR_IL);
	if (variant->type != ARMVCPU_INJECT_UNDEF)
		ASSERT_EQ(variant->far, vcpu_sync_arg(vcpu, 2));
	vcpu_expect_sync(vcpu, 3);
	EXPECT_EQ(regs.pc, vcpu_sync_arg(vcpu, 0));
	EXPECT_EQ(regs.pstate, vcpu_sync_arg(vcpu, 1));
	EXPECT_EQ(GUEST_VECTOR_SP_ELX, vcpu_sync_arg(vcpu, 2));
	vcpu_expect_done(vcpu);
}

/* The read is not completed: its register and PC are as they were. */
TEST_F(sync, in_place_of_an_exit)
{
	struct vcpu *vcpu = &self->w.vcpu;
	struct armvcpu_core_regs regs;
	struct snippet code;
	u64 esr;

	snippet_make(&code, 0xf9400025);	/* ldr x5, [x1] */
	memcpy(self->w.ram, &code, sizeof(code));
	snippet_prepare(vcpu, VCPU_MMU_ON);
	snippet_start(vcpu, &regs, (void *)GUEST_RAM, SNIPPET_ADDRESS);
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	vcpu->run->u.mmio.data = 0xbad;
	ASSERT_EQ(0, vcpu_inject(vcpu, variant->type, variant->far));
	ASSERT_EQ(0, vcpu_run_exit(vcpu));
	ASSERT_TRUE(snippet_is_exception(vcpu, &esr));
	EXPECT_EQ(variant->ec, ESR_EC(esr));
	EXPECT_EQ(regs.pc, vcpu->run->x[3]);
	EXPECT_EQ(regs.pc, vcpu_get(vcpu, ARMVCPU_REG_ELR_EL1));
	EXPECT_EQ(regs.pstate, vcpu_get(vcpu, ARMVCPU_REG_SPSR_EL1));
	/* The vectors have stored what was in x5 on the guest's stack. */
	EXPECT_EQ(regs.x[5], *(u64 *)(regs.sp_el1 - GUEST_FRAME_SIZE + 5 * 8));
}

/* As hardware takes it: the handler begins with the flags of what it interrupts. */
TEST_F(sync, flags_stay)
{
	static const u64 flags[] = { 0, 0xfUL << 28, 0x5UL << 28, 0xaUL << 28 };
	struct vcpu *vcpu = &self->w.vcpu;
	u32 *vectors = (u32 *)(self->w.ram + 0x800);
	struct armvcpu_core_regs regs;
	struct snippet code;
	unsigned int i;

	snippet_make(&code, 0xf9400025);	/* ldr x5, [x1] */
	memcpy(self->w.ram, &code, sizeof(code));
	for (i = 0; i < 0x800 / sizeof(*vectors); i++)
		vectors[i] = 0xd4000022;	/* hvc #1 */
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		snippet_prepare(vcpu, VCPU_MMU_ON);
		snippet_start(vcpu, &regs, (void *)GUEST_RAM, SNIPPET_ADDRESS);
		vcpu_set(vcpu, VBAR_EL1, GUEST_RAM + 0x800);
		vcpu_set(vcpu, ARMVCPU_REG_PSTATE, (regs.pstate & ~(0xfUL << 28)) | flags[i]);
		vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
		ASSERT_EQ(0, vcpu_inject(vcpu, variant->type, variant->far));
		vcpu_expect(vcpu, ARMVCPU_EXIT_HYPERCALL);
		EXPECT_EQ(GUEST_RAM + 0x800 + 0x204, vcpu->run->pc);
		EXPECT_EQ(flags[i], vcpu->run->pstate & (0xfUL << 28));
		EXPECT_EQ(flags[i], vcpu_get(vcpu, ARMVCPU_REG_SPSR_EL1) & (0xfUL << 28));
	}
}

static void guest_el0_spins(void)
{
	const u64 x[8] = { 0, GUEST_MMIO };
	const struct guest_trap *trap = guest_el0(GUEST_USER, PSR_EL0T, 0, x);

	GUEST_SYNC_ARGS(4, trap->vector, trap->esr, trap->frame.elr);
}

TEST_F(sync, at_el0)
{
	static const u32 code[] = {
		0xf9000020,	/* str x0, [x1] */
		0x17ffffff,	/* b .-4 */
	};
	struct vcpu *vcpu = &self->w.vcpu;

	memcpy(self->w.ram, code, sizeof(code));
	vcpu_call(vcpu, guest_el0_spins);
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	ASSERT_EQ(0, vcpu_inject(vcpu, variant->type, variant->far));
	vcpu_expect_sync(vcpu, 4);
	EXPECT_EQ(GUEST_VECTOR_EL0_64, vcpu_sync_arg(vcpu, 0));
	EXPECT_EQ(variant->ec_low, ESR_EC(vcpu_sync_arg(vcpu, 1)));
	EXPECT_EQ(GUEST_USER, vcpu_sync_arg(vcpu, 2));
}

/* ---- SError ------------------------------------------------------ */

static void serror_handler(struct guest_frame *frame, u64 vector)
{
	(void)frame;
	GUEST_ASSERT_EQ(GUEST_VECTOR_SERROR, vector % 4);
	GUEST_ASSERT_EQ(EC_SERROR, ESR_EC(read_sysreg(esr_el1)));
}

static void guest_serror(void)
{
	struct guest_cpu *cpu = guest_cpu();

	cpu->handler = serror_handler;
	/* Masked: it stays pending, and can be seen. */
	GUEST_SYNC(1);
	GUEST_ASSERT_EQ(0, cpu->interrupts);
	GUEST_ASSERT(read_sysreg(isr_el1) & PSR_A);
	GUEST_SYNC(2);
	GUEST_ASSERT_EQ(0, cpu->interrupts);
	asm volatile("msr daifclr, #4\nisb" : : : "memory");
	GUEST_ASSERT_EQ(1, cpu->interrupts);
	/* Taken, it is gone. */
	asm volatile("msr daifset, #4\nisb" : : : "memory");
	GUEST_ASSERT_EQ(0, read_sysreg(isr_el1) & PSR_A);
	asm volatile("msr daifclr, #4\nisb" : : : "memory");
	GUEST_SYNC(3);
	GUEST_ASSERT_EQ(2, cpu->interrupts);
	GUEST_SYNC(4);
	GUEST_ASSERT_EQ(2, cpu->interrupts);
}

TEST(serror)
{
	struct world w;

	world_init(&w);
	vcpu_call(&w.vcpu, guest_serror);
	vcpu_expect_sync(&w.vcpu, 1);
	ASSERT_EQ(0, vcpu_inject(&w.vcpu, ARMVCPU_INJECT_SERROR, 0));
	vcpu_expect_sync(&w.vcpu, 2);
	vcpu_expect_sync(&w.vcpu, 3);
	ASSERT_EQ(0, vcpu_inject(&w.vcpu, ARMVCPU_INJECT_SERROR, 0));
	vcpu_expect_sync(&w.vcpu, 4);
	vcpu_expect_done(&w.vcpu);
}

/*
 * On a core with RAS an ESB takes a pending SError for itself. The guest does not
 * know of RAS: to it that is a NOP.
 */
static void guest_serror_and_esb(void)
{
	struct guest_cpu *cpu = guest_cpu();

	cpu->handler = serror_handler;
	GUEST_SYNC(1);
	asm volatile("hint #16" : : : "memory");
	GUEST_SYNC(2);
	GUEST_ASSERT(read_sysreg(isr_el1) & PSR_A);
	asm volatile("hint #16" : : : "memory");
	GUEST_SYNC(3);
	asm volatile("msr daifclr, #4\nisb" : : : "memory");
	GUEST_ASSERT_EQ(1, cpu->interrupts);
	GUEST_SYNC(4);
	GUEST_ASSERT_EQ(1, cpu->interrupts);
}

TEST(serror_survives_esb)
{
	struct world w;

	world_init(&w);
	vcpu_call(&w.vcpu, guest_serror_and_esb);
	vcpu_expect_sync(&w.vcpu, 1);
	ASSERT_EQ(0, vcpu_inject(&w.vcpu, ARMVCPU_INJECT_SERROR, 0));
	vcpu_expect_sync(&w.vcpu, 2);
	vcpu_expect_sync(&w.vcpu, 3);
	vcpu_expect_sync(&w.vcpu, 4);
	vcpu_expect_done(&w.vcpu);
}

/* Beside a synchronous exception, which comes first: the guest masks in it. */
static void guest_serror_and_undef(void)
{
	struct guest_cpu *cpu = guest_cpu();
	const struct guest_trap *trap;

	cpu->handler = serror_handler;
	trap = GUEST_TRAP_RESUME(GUEST_SYNC(1));
	GUEST_ASSERT_EQ(1, trap->count);
	GUEST_ASSERT_EQ(0, cpu->interrupts);
	asm volatile("msr daifclr, #4\nisb" : : : "memory");
	GUEST_ASSERT_EQ(1, cpu->interrupts);
}

TEST(serror_beside_a_synchronous_exception)
{
	struct world w;

	world_init(&w);
	vcpu_call(&w.vcpu, guest_serror_and_undef);
	vcpu_expect_sync(&w.vcpu, 1);
	ASSERT_EQ(0, vcpu_inject(&w.vcpu, ARMVCPU_INJECT_SERROR, 0));
	ASSERT_EQ(0, vcpu_inject(&w.vcpu, ARMVCPU_INJECT_UNDEF, 0));
	vcpu_expect_done(&w.vcpu);
}

/* ---- vIRQ and vFIQ ----------------------------------------------- */

#define ACK		(GUEST_MMIO + 0x40)
#define UNMASK		"msr daifclr, #3\nisb"
#define MASK		"msr daifset, #3\nisb"

/* As a driver: tells the device, which lowers the line. */
static void irq_handler(struct guest_frame *frame, u64 vector)
{
	(void)frame;
	guest_write32(ACK, vector % 4);
}

static void guest_irq_masked(u64 isr)
{
	struct guest_cpu *cpu = guest_cpu();

	cpu->handler = irq_handler;
	GUEST_SYNC(1);
	/* Raised, and masked. */
	GUEST_ASSERT_EQ(isr, read_sysreg(isr_el1) & (PSR_I | PSR_F));
	GUEST_ASSERT_EQ(0, cpu->interrupts);
	GUEST_SYNC(2);
	/* Lowered without having been taken. */
	GUEST_ASSERT_EQ(0, read_sysreg(isr_el1) & (PSR_I | PSR_F));
	asm volatile(UNMASK : : : "memory");
	GUEST_ASSERT_EQ(0, cpu->interrupts);
	GUEST_SYNC(3);
	GUEST_ASSERT_EQ(1, cpu->interrupts);
	/* A level: again and again until the device lowers it. */
	GUEST_SYNC(4);
	GUEST_ASSERT_EQ(4, cpu->interrupts);
}

FIXTURE(line) {
	struct world w;
};

FIXTURE_VARIANT(line) {
	u32 line;
	u32 vector;
	u64 isr;
};

FIXTURE_VARIANT_ADD(line, irq) {
	.line = ARMVCPU_LINE_IRQ, .vector = GUEST_VECTOR_IRQ, .isr = PSR_I,
};

FIXTURE_VARIANT_ADD(line, fiq) {
	.line = ARMVCPU_LINE_FIQ, .vector = GUEST_VECTOR_FIQ, .isr = PSR_F,
};

FIXTURE_SETUP(line)
{
	world_init(&self->w);
}

FIXTURE_TEARDOWN(line)
{
}

static void expect_ack(struct vcpu *vcpu, u32 vector)
{
	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	if (vcpu->run->u.mmio.ipa != ACK || vcpu->run->u.mmio.data != vector) {
		vcpu_print_exit(vcpu);
		test_fail("not the acknowledgment of vector %u", vector);
	}
}

TEST_F(line, level)
{
	struct vcpu *vcpu = &self->w.vcpu;
	int i;

	vcpu_call(vcpu, guest_irq_masked, variant->isr);
	vcpu_expect_sync(vcpu, 1);
	ASSERT_EQ(0, vcpu_line(vcpu, variant->line, 1));
	vcpu_expect_sync(vcpu, 2);
	ASSERT_EQ(0, vcpu_line(vcpu, variant->line, 0));
	vcpu_expect_sync(vcpu, 3);
	ASSERT_EQ(0, vcpu_line(vcpu, variant->line, 1));
	/* Raising it twice is raising it once. */
	ASSERT_EQ(0, vcpu_line(vcpu, variant->line, 1));
	expect_ack(vcpu, variant->vector);
	ASSERT_EQ(0, vcpu_line(vcpu, variant->line, 0));
	vcpu_expect_sync(vcpu, 4);
	ASSERT_EQ(0, vcpu_line(vcpu, variant->line, 1));
	for (i = 0; i < 3; i++)
		expect_ack(vcpu, variant->vector);
	ASSERT_EQ(0, vcpu_line(vcpu, variant->line, 0));
	vcpu_expect_done(vcpu);
}

/* The guest spins, another thread raises and lowers. */
static void guest_spins_unmasked(void)
{
	guest_cpu()->handler = irq_handler;
	GUEST_SYNC(1);
	asm volatile(UNMASK : : : "memory");
	for (;;)
		asm volatile("nop");
}

static void *raise_later(void *arg)
{
	const struct vcpu *vcpu = arg;
	struct armvcpu_irq_line line = { .line = vcpu->index, .level = 1 };

	usleep(2000);
	test_check(!xioctl(vcpu->fd, ARMVCPU_SET_IRQ_LINE, &line));
	return NULL;
}

TEST_F(line, raised_from_another_thread)
{
	struct vcpu *vcpu = &self->w.vcpu, other = *vcpu;
	pthread_t thread;
	int i;

	/* What raise_later() takes the line from. */
	other.index = variant->line;
	vcpu_call(vcpu, guest_spins_unmasked);
	vcpu_expect_sync(vcpu, 1);
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, raise_later, &other));
		expect_ack(vcpu, variant->vector);
		ASSERT_EQ(0, vcpu_line(vcpu, variant->line, 0));
		ASSERT_EQ(0, pthread_join(thread, NULL));
	}
}

/* Interrupts that one CPU has sent another so far. */
static u64 ipis(int cpu)
{
	FILE *f = fopen("/proc/interrupts", "re");
	char line[512], *column;
	u64 sum = 0;
	int i;

	test_check(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, "IPI"))
			continue;
		column = strchr(line, ':');
		for (i = 0; column && i <= cpu; i++) {
			u64 count = strtoull(column + 1, &column, 10);

			sum += i == cpu ? count : 0;
		}
	}
	fclose(f);
	return sum;
}

/* No other task takes the CPU from it, but for a moment each second. */
static void *run_on_cpu_1(void *arg)
{
	struct sched_param param = { .sched_priority = 1 };

	pin_to_cpu(1);
	test_check(!sched_setscheduler(0, SCHED_FIFO, &param));
	expect_ack(arg, GUEST_VECTOR_IRQ);
	return NULL;
}

/* Lowered again and again: nothing that the guest would exit for. */
static bool line_interrupts(struct vcpu *vcpu)
{
	u64 before = ipis(1), end = now_ns() + 100 * NSEC_PER_MSEC;

	test_check(!vcpu_line(vcpu, ARMVCPU_LINE_FIQ, 0));
	while (ipis(1) == before && now_ns() < end)
		usleep(100);
	return ipis(1) != before;
}

/*
 * A guest that runs learns of a change now, and not at the next tick of the
 * host: the ioctl interrupts its CPU.
 */
TEST(a_line_interrupts_a_guest_that_runs)
{
	pthread_t thread;
	struct world w;
	int i, seen = 0;

	if (nr_cpus() < 2)
		SKIP(return, "there is one CPU");
	world_init(&w);
	pin_to_cpu(0);
	vcpu_call(&w.vcpu, guest_spins_unmasked);
	vcpu_expect_sync(&w.vcpu, 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_on_cpu_1, &w.vcpu));
	usleep(20000);
	/* Twice, because of that moment. */
	for (i = 0; i < 30; i++)
		seen += line_interrupts(&w.vcpu) || line_interrupts(&w.vcpu);
	EXPECT_EQ(30, seen);
	ASSERT_EQ(0, vcpu_line(&w.vcpu, ARMVCPU_LINE_IRQ, 1));
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

/* FIQ before IRQ, as the architecture has it for equal masks. */
static void guest_both(void)
{
	struct guest_cpu *cpu = guest_cpu();

	cpu->handler = irq_handler;
	GUEST_SYNC(1);
	GUEST_ASSERT_EQ(PSR_I | PSR_F, read_sysreg(isr_el1) & (PSR_I | PSR_F));
	asm volatile(UNMASK : : : "memory");
	GUEST_ASSERT_EQ(2, cpu->interrupts);
	asm volatile(MASK : : : "memory");
}

TEST(both_lines)
{
	u32 i, seen = 0;
	struct world w;

	world_init(&w);
	vcpu_call(&w.vcpu, guest_both);
	vcpu_expect_sync(&w.vcpu, 1);
	ASSERT_EQ(0, vcpu_line(&w.vcpu, ARMVCPU_LINE_IRQ, 1));
	ASSERT_EQ(0, vcpu_line(&w.vcpu, ARMVCPU_LINE_FIQ, 1));
	for (i = 0; i < 2; i++) {
		u64 vector;

		vcpu_expect(&w.vcpu, ARMVCPU_EXIT_MMIO);
		ASSERT_EQ(ACK, w.vcpu.run->u.mmio.ipa);
		vector = w.vcpu.run->u.mmio.data;
		ASSERT_TRUE(vector == GUEST_VECTOR_IRQ || vector == GUEST_VECTOR_FIQ);
		seen |= BIT(vector);
		ASSERT_EQ(0, vcpu_line(&w.vcpu, vector == GUEST_VECTOR_IRQ ? ARMVCPU_LINE_IRQ :
								      ARMVCPU_LINE_FIQ, 0));
	}
	EXPECT_EQ(BIT(GUEST_VECTOR_IRQ) | BIT(GUEST_VECTOR_FIQ), seen);
	vcpu_expect_done(&w.vcpu);
}

/* A line belongs to one vCPU. */
static void guest_quiet(void)
{
	guest_cpu()->handler = irq_handler;
	asm volatile(UNMASK : : : "memory");
	GUEST_SYNC(1);
	GUEST_ASSERT_EQ(0, guest_cpu()->interrupts);
}

TEST(lines_are_the_vcpus_own)
{
	struct vcpu other;
	struct world w;

	world_init(&w);
	vcpu_init(&other, &w.vm, 0);
	vcpu_call(&w.vcpu, guest_quiet);
	vcpu_expect_sync(&w.vcpu, 1);
	ASSERT_EQ(0, vcpu_line(&other, ARMVCPU_LINE_IRQ, 1));
	vcpu_expect_done(&w.vcpu);
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
