// SPDX-License-Identifier: GPL-2.0
/*
 * PSCI 1.1 (DEN0022), by HVC and by SMC: what the module answers, what goes to
 * the VMM, and every malformed call.
 */
#include "harness.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "snippet.h"

#define FN32(n)			(0x84000000UL | (n))
#define FN64(n)			(0xc4000000UL | (n))
#define PSCI_VERSION		FN32(0)
#define CPU_SUSPEND		FN32(1)
#define CPU_SUSPEND_64		FN64(1)
#define CPU_OFF			FN32(2)
#define CPU_ON			FN32(3)
#define CPU_ON_64		FN64(3)
#define AFFINITY_INFO		FN32(4)
#define AFFINITY_INFO_64	FN64(4)
#define MIGRATE			FN32(5)
#define MIGRATE_INFO_TYPE	FN32(6)
#define MIGRATE_INFO_UP_CPU	FN32(7)
#define SYSTEM_OFF		FN32(8)
#define SYSTEM_RESET		FN32(9)
#define PSCI_FEATURES		FN32(10)
#define CPU_FREEZE		FN32(11)
#define CPU_DEFAULT_SUSPEND	FN32(12)
#define NODE_HW_STATE		FN32(13)
#define SYSTEM_SUSPEND		FN32(14)
#define SYSTEM_SUSPEND_64	FN64(14)
#define SET_SUSPEND_MODE	FN32(15)
#define STAT_RESIDENCY		FN32(16)
#define STAT_COUNT		FN32(17)
#define SYSTEM_RESET2		FN32(18)
#define SYSTEM_RESET2_64	FN64(18)
#define MEM_PROTECT		FN32(19)
#define SMCCC_VERSION		0x80000000UL

#define SUCCESS			0
#define NOT_SUPPORTED		-1
#define INVALID_PARAMETERS	-2
#define DENIED			-3
#define ALREADY_ON		-4
#define ON_PENDING		-5
#define INTERNAL_FAILURE	-6
#define INVALID_ADDRESS		-9

/* The vCPUs: the caller is on, one is off, one is about to come on. */
#define MPIDR_CALLER		0
#define MPIDR_OFF		1
#define MPIDR_PENDING		0x100
#define MPIDR_NOBODY		2

#define GARBAGE			0x5a5a5a5a00000000UL
#define ENTRY			GUEST_RAM

SNIPPET(insn_hvc, "hvc #0");
SNIPPET(insn_smc, "smc #0");

/* Three vCPUs: who calls, who is off, who is about to come on. */
struct cpus {
	struct vm vm;
	struct vcpu caller, off, pending;
	struct armvcpu_core_regs regs;
};

/*
 * A call and its result; or the event with its arguments, and what the guest
 * gets if the VMM does nothing.
 */
struct call {
	u64 fn;
	u64 args[3];
	s64 result;
	u32 event;
	u64 event_args[3];
};

FIXTURE(psci) {
	struct cpus cpus;
};

FIXTURE_VARIANT(psci) {
	struct call call;
};

#define CALL(_fn, _x1, _x2, _x3, _result) {					\
	.call = {								\
		.fn = (_fn), .args = { (_x1), (_x2), (_x3) },			\
		.result = (_result),						\
	}									\
}

#define EVENT(_fn, _x1, _x2, _x3, _result, _event, _a1, _a2, _a3) {		\
	.call = {								\
		.fn = (_fn), .args = { (_x1), (_x2), (_x3) },			\
		.result = (_result), .event = ARMVCPU_PSCI_##_event,		\
		.event_args = { (_a1), (_a2), (_a3) },				\
	}									\
}

/* ---- answered in the module -------------------------------------- */

FIXTURE_VARIANT_ADD(psci, version)
	CALL(PSCI_VERSION, 0, 0, 0, 0x10001);
FIXTURE_VARIANT_ADD(psci, version_garbage)
	CALL(GARBAGE | PSCI_VERSION, GARBAGE, GARBAGE, GARBAGE, 0x10001);
FIXTURE_VARIANT_ADD(psci, version_64)
	CALL(FN64(0), 0, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, features_version)
	CALL(PSCI_FEATURES, PSCI_VERSION, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_cpu_suspend)
	CALL(PSCI_FEATURES, CPU_SUSPEND, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_cpu_suspend_64)
	CALL(PSCI_FEATURES, CPU_SUSPEND_64, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_cpu_off)
	CALL(PSCI_FEATURES, CPU_OFF, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_cpu_on)
	CALL(PSCI_FEATURES, CPU_ON, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_cpu_on_64)
	CALL(PSCI_FEATURES, CPU_ON_64, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_affinity_info)
	CALL(PSCI_FEATURES, AFFINITY_INFO, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_affinity_info_64)
	CALL(PSCI_FEATURES, AFFINITY_INFO_64, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_migrate_info_type)
	CALL(PSCI_FEATURES, MIGRATE_INFO_TYPE, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_system_off)
	CALL(PSCI_FEATURES, SYSTEM_OFF, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_system_reset)
	CALL(PSCI_FEATURES, SYSTEM_RESET, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_features)
	CALL(PSCI_FEATURES, PSCI_FEATURES, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_system_suspend)
	CALL(PSCI_FEATURES, SYSTEM_SUSPEND, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_system_suspend_64)
	CALL(PSCI_FEATURES, SYSTEM_SUSPEND_64, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_system_reset2)
	CALL(PSCI_FEATURES, SYSTEM_RESET2, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_system_reset2_64)
	CALL(PSCI_FEATURES, SYSTEM_RESET2_64, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_smccc_version)
	CALL(PSCI_FEATURES, SMCCC_VERSION, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_migrate)
	CALL(PSCI_FEATURES, MIGRATE, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, features_migrate_info_up_cpu)
	CALL(PSCI_FEATURES, MIGRATE_INFO_UP_CPU, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, features_cpu_freeze)
	CALL(PSCI_FEATURES, CPU_FREEZE, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, features_cpu_default_suspend)
	CALL(PSCI_FEATURES, CPU_DEFAULT_SUSPEND, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, features_node_hw_state)
	CALL(PSCI_FEATURES, NODE_HW_STATE, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, features_set_suspend_mode)
	CALL(PSCI_FEATURES, SET_SUSPEND_MODE, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, features_stat_residency)
	CALL(PSCI_FEATURES, STAT_RESIDENCY, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, features_stat_count)
	CALL(PSCI_FEATURES, STAT_COUNT, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, features_mem_protect)
	CALL(PSCI_FEATURES, MEM_PROTECT, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, features_cpu_off_64)
	CALL(PSCI_FEATURES, FN64(2), 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, features_beyond)
	CALL(PSCI_FEATURES, FN32(0x20), 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, features_zero)
	CALL(PSCI_FEATURES, 0, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, features_garbage)
	CALL(PSCI_FEATURES, GARBAGE | CPU_ON_64, 0, 0, SUCCESS);
FIXTURE_VARIANT_ADD(psci, features_64)
	CALL(FN64(10), PSCI_VERSION, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, affinity_on)
	CALL(AFFINITY_INFO, MPIDR_CALLER, 0, 0, 0);
FIXTURE_VARIANT_ADD(psci, affinity_off)
	CALL(AFFINITY_INFO, MPIDR_OFF, 0, 0, 1);
FIXTURE_VARIANT_ADD(psci, affinity_on_pending)
	CALL(AFFINITY_INFO, MPIDR_PENDING, 0, 0, 2);
FIXTURE_VARIANT_ADD(psci, affinity_off_64)
	CALL(AFFINITY_INFO_64, MPIDR_OFF, 0, 0, 1);
FIXTURE_VARIANT_ADD(psci, affinity_garbage)
	CALL(AFFINITY_INFO, GARBAGE | MPIDR_OFF, GARBAGE, 0, 1);
FIXTURE_VARIANT_ADD(psci, affinity_garbage_64)
	CALL(AFFINITY_INFO_64, GARBAGE | MPIDR_OFF, 0, 0, INVALID_PARAMETERS);
FIXTURE_VARIANT_ADD(psci, affinity_nobody)
	CALL(AFFINITY_INFO, MPIDR_NOBODY, 0, 0, INVALID_PARAMETERS);
FIXTURE_VARIANT_ADD(psci, affinity_level_4)
	CALL(AFFINITY_INFO, MPIDR_CALLER, 4, 0, INVALID_PARAMETERS);
FIXTURE_VARIANT_ADD(psci, affinity_level_wild)
	CALL(AFFINITY_INFO_64, MPIDR_CALLER, BIT(32), 0, INVALID_PARAMETERS);
FIXTURE_VARIANT_ADD(psci, affinity_reserved_bits)
	CALL(AFFINITY_INFO, BIT(31) | MPIDR_OFF, 0, 0, INVALID_PARAMETERS);
FIXTURE_VARIANT_ADD(psci, migrate_info_type)
	CALL(MIGRATE_INFO_TYPE, 0, 0, 0, 2);
FIXTURE_VARIANT_ADD(psci, migrate)
	CALL(MIGRATE, 0, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, migrate_64)
	CALL(FN64(5), 0, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, migrate_info_up_cpu)
	CALL(MIGRATE_INFO_UP_CPU, 0, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, cpu_freeze)
	CALL(CPU_FREEZE, 0, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, mem_protect)
	CALL(MEM_PROTECT, 1, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, unknown_0x15)
	CALL(FN32(0x15), 1, 2, 3, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, unknown_0x1f)
	CALL(FN32(0x1f), 1, 2, 3, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, unknown_0x1f_64)
	CALL(FN64(0x1f), 1, 2, 3, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, cpu_off_64)
	CALL(FN64(2), 0, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, system_off_64)
	CALL(FN64(8), 0, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, system_reset_64)
	CALL(FN64(9), 0, 0, 0, NOT_SUPPORTED);
FIXTURE_VARIANT_ADD(psci, cpu_on_itself)
	CALL(CPU_ON_64, MPIDR_CALLER, ENTRY, 0, ALREADY_ON);
FIXTURE_VARIANT_ADD(psci, cpu_on_pending)
	CALL(CPU_ON_64, MPIDR_PENDING, ENTRY, 0, ON_PENDING);
FIXTURE_VARIANT_ADD(psci, cpu_on_nobody)
	CALL(CPU_ON_64, MPIDR_NOBODY, ENTRY, 0, INVALID_PARAMETERS);
FIXTURE_VARIANT_ADD(psci, cpu_on_reserved_bits)
	CALL(CPU_ON_64, BIT(31) | MPIDR_OFF, ENTRY, 0, INVALID_PARAMETERS);
FIXTURE_VARIANT_ADD(psci, cpu_on_upper_bits)
	CALL(CPU_ON_64, BIT(40) | MPIDR_OFF, ENTRY, 0, INVALID_PARAMETERS);
FIXTURE_VARIANT_ADD(psci, cpu_on_entry_beyond)
	CALL(CPU_ON_64, MPIDR_OFF, BIT(50), 0, INVALID_ADDRESS);
FIXTURE_VARIANT_ADD(psci, cpu_on_entry_wild)
	CALL(CPU_ON_64, MPIDR_OFF, ~0xfffUL, 0, INVALID_ADDRESS);
FIXTURE_VARIANT_ADD(psci, cpu_on_entry_device)
	CALL(CPU_ON, MPIDR_OFF, GUEST_MMIO, 0, INVALID_ADDRESS);
FIXTURE_VARIANT_ADD(psci, cpu_on_entry_odd)
	CALL(CPU_ON, MPIDR_OFF, ENTRY + 1, 0, INVALID_ADDRESS);
FIXTURE_VARIANT_ADD(psci, cpu_on_entry_misaligned)
	CALL(CPU_ON_64, MPIDR_OFF, ENTRY + 2, 0, INVALID_ADDRESS);
FIXTURE_VARIANT_ADD(psci, suspend_power_down_entry_beyond)
	CALL(CPU_SUSPEND, BIT(16), GUEST_MMIO, 0, INVALID_ADDRESS);
FIXTURE_VARIANT_ADD(psci, suspend_power_down_entry_wild)
	CALL(CPU_SUSPEND_64, BIT(16) | 1, ~0xfffUL, 0, INVALID_ADDRESS);
FIXTURE_VARIANT_ADD(psci, suspend_power_down_entry_misaligned)
	CALL(CPU_SUSPEND_64, BIT(16), ENTRY + 2, 0, INVALID_ADDRESS);
FIXTURE_VARIANT_ADD(psci, system_suspend_entry_beyond)
	CALL(SYSTEM_SUSPEND, GUEST_MMIO, 0, 0, INVALID_ADDRESS);
FIXTURE_VARIANT_ADD(psci, system_suspend_entry_wild)
	CALL(SYSTEM_SUSPEND_64, GARBAGE | ENTRY, 0, 0, INVALID_ADDRESS);
FIXTURE_VARIANT_ADD(psci, system_suspend_entry_misaligned)
	CALL(SYSTEM_SUSPEND_64, ENTRY + 1, 0, 0, INVALID_ADDRESS);
FIXTURE_VARIANT_ADD(psci, system_suspend_while_another_comes)
	CALL(SYSTEM_SUSPEND, ENTRY, 0x99, 0, DENIED);
FIXTURE_VARIANT_ADD(psci, system_suspend_while_another_comes_64)
	CALL(SYSTEM_SUSPEND_64, ENTRY, GARBAGE, 0, DENIED);
FIXTURE_VARIANT_ADD(psci, system_reset2_bad_type)
	CALL(SYSTEM_RESET2, 1, 0, 0, INVALID_PARAMETERS);
FIXTURE_VARIANT_ADD(psci, system_reset2_bad_type_64)
	CALL(SYSTEM_RESET2_64, 0x7fffffff, 0, 0, INVALID_PARAMETERS);
FIXTURE_VARIANT_ADD(psci, suspend_reserved_bits)
	CALL(CPU_SUSPEND, BIT(31), ENTRY, 0, INVALID_PARAMETERS);

/* ---- carried out by the VMM -------------------------------------- */

FIXTURE_VARIANT_ADD(psci, cpu_on)
	EVENT(CPU_ON, MPIDR_OFF, ENTRY, 0x1234, INTERNAL_FAILURE,
	      CPU_ON, MPIDR_OFF, ENTRY, 0x1234);
FIXTURE_VARIANT_ADD(psci, cpu_on_64)
	EVENT(CPU_ON_64, MPIDR_OFF, ENTRY, ~0UL, INTERNAL_FAILURE,
	      CPU_ON, MPIDR_OFF, ENTRY, ~0UL);
FIXTURE_VARIANT_ADD(psci, cpu_on_garbage)
	EVENT(GARBAGE | CPU_ON, GARBAGE | MPIDR_OFF, GARBAGE | ENTRY, GARBAGE | 5, INTERNAL_FAILURE,
	      CPU_ON, MPIDR_OFF, ENTRY, 5);
FIXTURE_VARIANT_ADD(psci, suspend)
	EVENT(CPU_SUSPEND, 0, 0, 0, SUCCESS,
	      CPU_SUSPEND, 0, 0, 0);
FIXTURE_VARIANT_ADD(psci, suspend_entry_of_no_use)
	EVENT(CPU_SUSPEND_64, 1, ENTRY + 1, 0, SUCCESS,
	      CPU_SUSPEND, 1, ENTRY + 1, 0);
FIXTURE_VARIANT_ADD(psci, suspend_power_down)
	EVENT(CPU_SUSPEND, BIT(16) | 1, ENTRY, 7, SUCCESS,
	      CPU_SUSPEND, BIT(16) | 1, ENTRY, 7);
FIXTURE_VARIANT_ADD(psci, suspend_64)
	EVENT(CPU_SUSPEND_64, BIT(16), ENTRY, GARBAGE, SUCCESS,
	      CPU_SUSPEND, BIT(16), ENTRY, GARBAGE);
FIXTURE_VARIANT_ADD(psci, suspend_garbage)
	EVENT(CPU_SUSPEND, GARBAGE | 2, GARBAGE, GARBAGE | 3, SUCCESS,
	      CPU_SUSPEND, 2, 0, 3);
FIXTURE_VARIANT_ADD(psci, system_off)
	EVENT(SYSTEM_OFF, 0, 0, 0, INTERNAL_FAILURE,
	      SYSTEM_OFF, 0, 0, 0);
FIXTURE_VARIANT_ADD(psci, system_off_garbage)
	EVENT(GARBAGE | SYSTEM_OFF, 0, 0, 0, INTERNAL_FAILURE,
	      SYSTEM_OFF, 0, 0, 0);
FIXTURE_VARIANT_ADD(psci, system_reset)
	EVENT(SYSTEM_RESET, 0, 0, 0, INTERNAL_FAILURE,
	      SYSTEM_RESET, 0, 0, 0);
FIXTURE_VARIANT_ADD(psci, system_reset2)
	EVENT(SYSTEM_RESET2, 0, 0x77, 0, INTERNAL_FAILURE,
	      SYSTEM_RESET2, 0, 0x77, 0);
FIXTURE_VARIANT_ADD(psci, system_reset2_64)
	EVENT(SYSTEM_RESET2_64, 0, GARBAGE, 0, INTERNAL_FAILURE,
	      SYSTEM_RESET2, 0, GARBAGE, 0);
FIXTURE_VARIANT_ADD(psci, system_reset2_vendor)
	EVENT(SYSTEM_RESET2, GARBAGE | BIT(31) | 9, GARBAGE | 8, 0, INTERNAL_FAILURE,
	      SYSTEM_RESET2, BIT(31) | 9, 8, 0);

FIXTURE_SETUP(psci)
{
	struct cpus *c = &self->cpus;

	vm_init(&c->vm);
	vm_add_memory(&c->vm, 0, ENTRY, 0x10000);
	vcpu_init(&c->caller, &c->vm, 0);
	vcpu_init(&c->off, &c->vm, ARMVCPU_VCPU_POWERED_OFF);
	vcpu_open(&c->pending, &c->vm,
		  vm_create_vcpu(&c->vm, ARMVCPU_VCPU_POWERED_OFF, MPIDR_PENDING));
	snippet_prepare(&c->caller, VCPU_MMU_ON);
	/* Nobody completes this one: its target stays as it is. */
	snippet_start(&c->caller, &c->regs, &insn_hvc, 0);
	c->caller.run->x[0] = CPU_ON_64;
	c->caller.run->x[1] = MPIDR_PENDING;
	c->caller.run->x[2] = ENTRY;
	vcpu_expect(&c->caller, ARMVCPU_EXIT_PSCI);
	ASSERT_EQ(ARMVCPU_POWER_ON_PENDING, vcpu_power(&c->pending));
}

FIXTURE_TEARDOWN(psci)
{
}

static void start_call(struct vcpu *vcpu, struct armvcpu_core_regs *regs,
		       const struct snippet *insn, u64 fn, const u64 *args)
{
	unsigned int i;

	snippet_start(vcpu, regs, insn, 0);
	regs->x[0] = fn;
	for (i = 0; i < 3; i++)
		regs->x[1 + i] = args[i];
	vcpu_set_regs(vcpu, regs);
}

/* x0 has the result; x1 to x3 are the callee's, all else is the caller's. */
static void expect_result(struct vcpu *vcpu, struct armvcpu_core_regs *regs, s64 result)
{
	unsigned int i;

	vcpu_expect(vcpu, ARMVCPU_EXIT_MMIO);
	if (!snippet_is_stop(vcpu) || vcpu->run->u.mmio.ipa != SNIPPET_STOP) {
		vcpu_print_exit(vcpu);
		test_fail("the guest did not go on behind the call");
	}
	if ((s64)vcpu->run->x[0] != result)
		test_fail("x0 is %lld, not %lld", (s64)vcpu->run->x[0], result);
	for (i = 1; i < 4; i++)
		regs->x[i] = vcpu->run->x[i];
	regs->x[0] = result;
	regs->pc += 4;
	snippet_check_regs(vcpu, regs);
}

static void check_call(struct cpus *c, const struct call *call, const struct snippet *insn)
{
	struct armvcpu_exit_psci *psci = &c->caller.run->u.psci;
	struct vcpu *vcpu = &c->caller;
	unsigned int i;

	start_call(vcpu, &c->regs, insn, call->fn, call->args);
	if (call->event) {
		vcpu_expect(vcpu, ARMVCPU_EXIT_PSCI);
		if (psci->event != call->event || psci->reserved ||
		    (u32)psci->fn != (u32)call->fn)
			test_fail("event %u of function 0x%llx", psci->event, psci->fn);
		for (i = 0; i < 3; i++) {
			if (psci->args[i] != call->event_args[i])
				test_fail("argument %u is 0x%llx, not 0x%llx", i, psci->args[i],
					  call->event_args[i]);
		}
		if ((s64)vcpu->run->x[0] != call->result)
			test_fail("x0 is %lld, not %lld", (s64)vcpu->run->x[0], call->result);
	}
	expect_result(vcpu, &c->regs, call->result);
	/* Nobody else's state has changed, but for the one that comes on. */
	if (vcpu_power(&c->caller) != ARMVCPU_POWER_ON ||
	    vcpu_power(&c->pending) != ARMVCPU_POWER_ON_PENDING ||
	    vcpu_power(&c->off) != (call->event == ARMVCPU_PSCI_CPU_ON ?
				       ARMVCPU_POWER_ON_PENDING : ARMVCPU_POWER_OFF))
		test_fail("power states %d %d %d", vcpu_power(&c->caller),
			  vcpu_power(&c->pending), vcpu_power(&c->off));
}

TEST_F(psci, hvc)
{
	check_call(&self->cpus, &variant->call, &insn_hvc);
}

TEST_F(psci, smc)
{
	check_call(&self->cpus, &variant->call, &insn_smc);
}

/* ---- a CPU comes and goes ---------------------------------------- */

static void guest_second(u64 context)
{
	GUEST_ASSERT_EQ(0x77, context);
	GUEST_SYNC(2);
}

/* str x0, [x1]: to 0, where no memory is, as the target has zeroes in x1 to x30. */
#define INSN_STR_X0_X1	0xf9000020

#define SCTLR_EL1	ARMVCPU_REG_SYS(3, 0, 1, 0, 0)

struct pair {
	struct vm vm;
	void *memory;
	struct vcpu first, second;
	struct armvcpu_core_regs regs;
};

FIXTURE(life) {
	struct pair pair;
};

FIXTURE_SETUP(life)
{
	struct pair *p = &self->pair;

	vm_init(&p->vm);
	p->memory = vm_add_memory(&p->vm, 0, ENTRY, 0x10000);
	vcpu_init(&p->first, &p->vm, 0);
	vcpu_init(&p->second, &p->vm, ARMVCPU_VCPU_POWERED_OFF);
	snippet_prepare(&p->first, VCPU_MMU_ON);
}

FIXTURE_TEARDOWN(life)
{
}

static void call_cpu_on(struct pair *p)
{
	const u64 args[] = { 1, ENTRY, 0x77 };

	start_call(&p->first, &p->regs, &insn_hvc, CPU_ON_64, args);
	vcpu_expect(&p->first, ARMVCPU_EXIT_PSCI);
	if (p->first.run->u.psci.event != ARMVCPU_PSCI_CPU_ON)
		test_fail("not CPU_ON");
}

/* The VMM carries it out: both run, AFFINITY_INFO follows. */
TEST_F(life, cpu_on)
{
	struct pair *p = &self->pair;
	const u64 info[] = { 1, 0, 0 }, again[] = { 1, ENTRY, 0 };

	EXPECT_EQ(-EAGAIN, vcpu_run(&p->second));
	call_cpu_on(p);
	EXPECT_EQ(ARMVCPU_POWER_ON_PENDING, vcpu_power(&p->second));
	vcpu_call(&p->second, guest_second, 0x77);
	EXPECT_EQ(ARMVCPU_POWER_ON_PENDING, vcpu_power(&p->second));
	vcpu_expect_sync(&p->second, 2);
	EXPECT_EQ(ARMVCPU_POWER_ON, vcpu_power(&p->second));
	p->first.run->x[0] = SUCCESS;
	expect_result(&p->first, &p->regs, SUCCESS);

	start_call(&p->first, &p->regs, &insn_hvc, AFFINITY_INFO_64, info);
	expect_result(&p->first, &p->regs, 0);
	start_call(&p->first, &p->regs, &insn_hvc, CPU_ON_64, again);
	expect_result(&p->first, &p->regs, ALREADY_ON);
}

/* It comes out of a reset, whatever it was before. */
TEST_F(life, cpu_on_resets_the_target)
{
	struct pair *p = &self->pair;
	struct armvcpu_core_regs regs;
	unsigned int i;

	vcpu_get_regs(&p->second, &regs);
	for (i = 0; i < 31; i++)
		regs.x[i] = POISON;
	regs.pc = POISON;
	regs.pstate = PSR_EL0T;
	vcpu_set_regs(&p->second, &regs);
	vcpu_set(&p->second, ARMVCPU_REG_SYS(3, 0, 2, 0, 0), POISON);
	vcpu_set(&p->second, SCTLR_EL1, GUEST_SCTLR_ON);
	vcpu_set(&p->second, ARMVCPU_REG_V_HI(7), POISON);
	call_cpu_on(p);
	vcpu_get_regs(&p->second, &regs);
	/* But for what the caller says: the entry point, and the context. */
	EXPECT_EQ(ENTRY, regs.pc);
	EXPECT_EQ(0x77, regs.x[0]);
	for (i = 1; i < 31; i++)
		EXPECT_EQ(0, regs.x[i]);
	EXPECT_EQ(PSTATE_RESET, regs.pstate);
	/* The MMU and the caches are off, data is little-endian as the caller's. */
	EXPECT_EQ(0, vcpu_get(&p->second, SCTLR_EL1) &
		     (GUEST_SCTLR_M | GUEST_SCTLR_C | GUEST_SCTLR_I | GUEST_SCTLR_EE));
	EXPECT_EQ(0, vcpu_get(&p->second, ARMVCPU_REG_V_HI(7)));
}

/* The VMM does nothing but run it: not even registers have to be set. */
TEST_F(life, cpu_on_needs_no_registers_of_the_vmm)
{
	struct pair *p = &self->pair;
	struct armvcpu_core_regs regs;

	call_cpu_on(p);
	/* Lost: the target is not reset before its next ioctl. */
	p->second.run->x[0] = POISON;
	p->second.run->x[5] = POISON;
	*(u32 *)p->memory = INSN_STR_X0_X1;
	vcpu_expect(&p->second, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(ENTRY, p->second.run->pc);
	EXPECT_EQ(0, p->second.run->u.mmio.ipa);
	EXPECT_EQ(0x77, p->second.run->u.mmio.data);
	EXPECT_EQ(0, p->second.run->x[5]);
	vcpu_get_regs(&p->second, &regs);
	EXPECT_EQ(PSTATE_RESET, regs.pstate);
	/* Once: from here on they are the vCPU's own. */
	EXPECT_EQ(ARMVCPU_POWER_ON, vcpu_power(&p->second));
}

/* The byte order of the caller's data (DEN0022, CPU_ON). */
TEST_F(life, cpu_on_by_a_big_endian_caller)
{
	struct pair *p = &self->pair;
	const u64 args[] = { 1, ENTRY, 0x77 };

	vcpu_set(&p->first, SCTLR_EL1, GUEST_SCTLR_RES1 | GUEST_SCTLR_EE);
	start_call(&p->first, &p->regs, &insn_hvc, CPU_ON_64, args);
	vcpu_expect(&p->first, ARMVCPU_EXIT_PSCI);
	EXPECT_EQ(ARMVCPU_PSCI_CPU_ON, p->first.run->u.psci.event);
	EXPECT_EQ(GUEST_SCTLR_EE, vcpu_get(&p->second, SCTLR_EL1) &
				  (GUEST_SCTLR_EE | GUEST_SCTLR_M));
	/* The store of 8 bytes, as the bus has it. */
	*(u32 *)p->memory = INSN_STR_X0_X1;
	vcpu_expect(&p->second, ARMVCPU_EXIT_MMIO);
	EXPECT_EQ(0x7700000000000000, p->second.run->u.mmio.data);
}

TEST_F(life, cpu_on_refused_by_the_vmm)
{
	struct pair *p = &self->pair;
	struct armvcpu_power power = { .state = ARMVCPU_POWER_OFF };

	call_cpu_on(p);
	ASSERT_EQ(0, xioctl(p->second.fd, ARMVCPU_SET_POWER, &power));
	EXPECT_EQ(ARMVCPU_POWER_OFF, vcpu_power(&p->second));
	expect_result(&p->first, &p->regs, INTERNAL_FAILURE);
	EXPECT_EQ(-EAGAIN, vcpu_run(&p->second));
	/* It can be tried again. */
	call_cpu_on(p);
	EXPECT_EQ(ARMVCPU_POWER_ON_PENDING, vcpu_power(&p->second));
}

TEST_F(life, cpu_off)
{
	struct pair *p = &self->pair;
	struct armvcpu_power power = { .state = ARMVCPU_POWER_ON };
	const u64 none[] = { 0, 0, 0 };

	start_call(&p->first, &p->regs, &insn_hvc, CPU_OFF, none);
	vcpu_expect(&p->first, ARMVCPU_EXIT_PSCI);
	EXPECT_EQ(ARMVCPU_PSCI_CPU_OFF, p->first.run->u.psci.event);
	EXPECT_EQ(DENIED, (s64)p->first.run->x[0]);
	EXPECT_EQ(ARMVCPU_POWER_OFF, vcpu_power(&p->first));
	EXPECT_EQ(-EAGAIN, vcpu_run(&p->first));
	EXPECT_EQ(-EAGAIN, vcpu_run(&p->first));
	/* A VMM that will not have it off. */
	ASSERT_EQ(0, xioctl(p->first.fd, ARMVCPU_SET_POWER, &power));
	expect_result(&p->first, &p->regs, DENIED);
}

TEST_F(life, cpu_off_then_on)
{
	struct pair *p = &self->pair;
	const u64 none[] = { 0, 0, 0 };

	call_cpu_on(p);
	vcpu_call(&p->second, guest_second, 0x77);
	vcpu_expect_sync(&p->second, 2);
	start_call(&p->second, &p->regs, &insn_smc, CPU_OFF, none);
	vcpu_expect(&p->second, ARMVCPU_EXIT_PSCI);
	EXPECT_EQ(ARMVCPU_POWER_OFF, vcpu_power(&p->second));
	call_cpu_on(p);
	EXPECT_EQ(ARMVCPU_POWER_ON_PENDING, vcpu_power(&p->second));
	vcpu_call(&p->second, guest_second, 0x77);
	vcpu_expect_sync(&p->second, 2);
}

/* A closed vCPU is nobody's target any more. */
TEST_F(life, cpu_on_of_a_closed_vcpu)
{
	struct pair *p = &self->pair;
	const u64 args[] = { 1, ENTRY, 0 };

	vcpu_close(&p->second);
	start_call(&p->first, &p->regs, &insn_hvc, CPU_ON_64, args);
	expect_result(&p->first, &p->regs, INVALID_PARAMETERS);
	vcpu_open(&p->second, &p->vm,
		  vm_create_vcpu(&p->vm, ARMVCPU_VCPU_POWERED_OFF, 1));
	call_cpu_on(p);
}

/* What a WFI would tell: when to wake. */
TEST_F(life, suspend_carries_the_timer)
{
	const u64 standby[] = { 0, 0, 0 };
	struct pair *p = &self->pair;

	start_call(&p->first, &p->regs, &insn_hvc, CPU_SUSPEND, standby);
	vcpu_expect(&p->first, ARMVCPU_EXIT_PSCI);
	EXPECT_EQ(~0ULL, p->first.run->u.psci.timer);
	expect_result(&p->first, &p->regs, SUCCESS);

	vcpu_set(&p->first, ARMVCPU_REG_SYS(3, 3, 14, 3, 2), 0x100000000000000);
	vcpu_set(&p->first, ARMVCPU_REG_SYS(3, 3, 14, 3, 1), 1);
	start_call(&p->first, &p->regs, &insn_hvc, CPU_SUSPEND, standby);
	vcpu_expect(&p->first, ARMVCPU_EXIT_PSCI);
	EXPECT_EQ(0x100000000000000, p->first.run->u.psci.timer);
	expect_result(&p->first, &p->regs, SUCCESS);
}

/* The last one there is: only then. */
TEST_F(life, system_suspend_of_the_last_one)
{
	const u64 none[] = { 0, 0, 0 }, args[] = { ENTRY, GARBAGE | 0x99, 0 };
	static const u64 fns[] = { SYSTEM_SUSPEND, SYSTEM_SUSPEND_64 };
	struct pair *p = &self->pair;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct armvcpu_exit_psci *psci = &p->first.run->u.psci;

		start_call(&p->first, &p->regs, &insn_hvc, fns[i], args);
		vcpu_expect(&p->first, ARMVCPU_EXIT_PSCI);
		EXPECT_EQ(ARMVCPU_PSCI_SYSTEM_SUSPEND, psci->event);
		EXPECT_EQ(ENTRY, psci->args[0]);
		EXPECT_EQ(i ? GARBAGE | 0x99 : 0x99, psci->args[1]);
		expect_result(&p->first, &p->regs, INTERNAL_FAILURE);
	}
	/* Not while the other is on, and again once it is off. */
	call_cpu_on(p);
	vcpu_call(&p->second, guest_second, 0x77);
	vcpu_expect_sync(&p->second, 2);
	start_call(&p->first, &p->regs, &insn_hvc, SYSTEM_SUSPEND, args);
	expect_result(&p->first, &p->regs, DENIED);
	start_call(&p->second, &p->regs, &insn_hvc, CPU_OFF, none);
	vcpu_expect(&p->second, ARMVCPU_EXIT_PSCI);
	start_call(&p->first, &p->regs, &insn_hvc, SYSTEM_SUSPEND, args);
	vcpu_expect(&p->first, ARMVCPU_EXIT_PSCI);
}

/* Affinity levels above the CPU's: on if one of them is. */
TEST_F(life, affinity_info_of_a_cluster)
{
	struct pair *p = &self->pair;
	const u64 own[] = { 0, 1, 0 }, other[] = { 0x500, 1, 0 };

	start_call(&p->first, &p->regs, &insn_hvc, AFFINITY_INFO, own);
	expect_result(&p->first, &p->regs, 0);
	start_call(&p->first, &p->regs, &insn_hvc, AFFINITY_INFO, other);
	expect_result(&p->first, &p->regs, INVALID_PARAMETERS);
}

/* ---- many want the same ------------------------------------------ */

#define CALLERS		7
#define ROUNDS		40

/* Seven vCPUs that call, and the eighth, which they call. */
static struct {
	struct vm vm;
	struct vcpu callers[CALLERS], target;
	pthread_barrier_t barrier;
	sem_t start, idle;
	atomic_int succeeded, born, stop;
} race;

/* What it got, and how the target is then. */
static void guest_wants_cpu_on(void)
{
	for (;;) {
		u64 result = guest_hvc(CPU_ON_64, CALLERS, ENTRY, 0x77);

		GUEST_SYNC_ARGS(3, result, guest_hvc(AFFINITY_INFO_64, CALLERS, 0, 0), 0);
	}
}

static void guest_is_born(u64 context)
{
	GUEST_ASSERT_EQ(0x77, context);
	GUEST_ASSERT_EQ(0, guest_hvc(AFFINITY_INFO_64, CALLERS, 0, 0));
	GUEST_SYNC(4);
	guest_hvc(CPU_OFF, 0, 0, 0);
}

static void race_init(unsigned int parties)
{
	unsigned int i;

	memset(&race, 0, sizeof(race));
	vm_init(&race.vm);
	vm_add_memory(&race.vm, 0, ENTRY, 0x10000);
	for (i = 0; i < CALLERS; i++) {
		vcpu_init(&race.callers[i], &race.vm, 0);
		vcpu_call(&race.callers[i], guest_wants_cpu_on);
	}
	vcpu_init(&race.target, &race.vm, ARMVCPU_VCPU_POWERED_OFF);
	test_check(!pthread_barrier_init(&race.barrier, NULL, parties));
	test_check(!sem_init(&race.start, 0, 0));
	test_check(!sem_init(&race.idle, 0, 1));
}

/* To the end of the call; what a VMM does if it is the one that succeeds. */
static s64 run_caller(struct vcpu *vcpu)
{
	while (!vcpu_run_exit(vcpu) && vcpu->run->exit_reason == ARMVCPU_EXIT_PSCI) {
		if (vcpu->run->u.psci.event != ARMVCPU_PSCI_CPU_ON)
			break;
		/* The target's thread may be on its way out of CPU_OFF. */
		test_check(!sem_wait(&race.idle));
		vcpu_call(&race.target, guest_is_born, vcpu->run->u.psci.args[2]);
		test_check(!sem_post(&race.start));
		vcpu->run->x[0] = SUCCESS;
		race.succeeded++;
	}
	if (!vcpu_is_ucall(vcpu) || vcpu->run->u.call.nr != UCALL_SYNC) {
		vcpu_print_exit(vcpu);
		test_fail("vCPU %u does not come to the end of its call", vcpu->index);
	}
	return vcpu_sync_arg(vcpu, 0);
}

/* One life of the target. */
static void run_target(bool wait)
{
	vcpu_expect_sync(&race.target, 4);
	race.born++;
	if (wait)
		pthread_barrier_wait(&race.barrier);
	vcpu_expect(&race.target, ARMVCPU_EXIT_PSCI);
	if (race.target.run->u.psci.event != ARMVCPU_PSCI_CPU_OFF)
		test_fail("not CPU_OFF");
	test_check(!sem_post(&race.idle));
}

static void *want_cpu_on_at_once(void *arg)
{
	struct vcpu *vcpu = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		s64 result, info;

		pthread_barrier_wait(&race.barrier);
		result = run_caller(vcpu);
		info = vcpu_sync_arg(vcpu, 1);
		if (result != SUCCESS && result != ALREADY_ON && result != ON_PENDING)
			test_fail("CPU_ON is %lld", result);
		/* On, or about to be. */
		if (info != 0 && info != 2)
			test_fail("AFFINITY_INFO is %lld", info);
		pthread_barrier_wait(&race.barrier);
	}
	return NULL;
}

/* In each round exactly one of seven calls succeeds. */
TEST(cpu_on_by_seven_at_once)
{
	pthread_t threads[CALLERS];
	int i;

	race_init(CALLERS + 1);
	for (i = 0; i < CALLERS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, want_cpu_on_at_once,
					    &race.callers[i]));
	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&race.barrier);
		ASSERT_EQ(0, sem_wait(&race.start));
		run_target(true);
		ASSERT_EQ(i + 1, race.succeeded);
		ASSERT_EQ(ARMVCPU_POWER_OFF, vcpu_power(&race.target));
	}
	for (i = 0; i < CALLERS; i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	EXPECT_EQ(ROUNDS, race.born);
}

static void *want_cpu_on_again(void *arg)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		s64 result = run_caller(arg);

		if (result != SUCCESS && result != ALREADY_ON && result != ON_PENDING)
			test_fail("CPU_ON is %lld", result);
	}
	return NULL;
}

static void *live_again(void *arg)
{
	(void)arg;
	for (;;) {
		test_check(!sem_wait(&race.start));
		if (race.stop)
			return NULL;
		run_target(false);
	}
}

/* It goes off as they call: each success is a life, and there is no other. */
TEST(cpu_on_while_the_target_goes_off)
{
	pthread_t threads[CALLERS], target;
	int i;

	race_init(1);
	ASSERT_EQ(0, pthread_create(&target, NULL, live_again, NULL));
	for (i = 0; i < CALLERS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, want_cpu_on_again,
					    &race.callers[i]));
	for (i = 0; i < CALLERS; i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	/* The last life may not be over yet. */
	ASSERT_EQ(0, sem_wait(&race.idle));
	race.stop = 1;
	ASSERT_EQ(0, sem_post(&race.start));
	ASSERT_EQ(0, pthread_join(target, NULL));
	EXPECT_LT(1, race.succeeded);
	EXPECT_EQ(race.succeeded, race.born);
	EXPECT_EQ(ARMVCPU_POWER_OFF, vcpu_power(&race.target));
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
