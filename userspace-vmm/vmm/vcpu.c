// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU and its thread: park, run, handle the exit, run on.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "counter.h"
#include "machine.h"

#define NSEC_PER_SEC	1000000000ULL
#define NSEC_PER_MSEC	1000000ULL

/* Of what the address of an ABORT exit is known. */
#define ABORT_PAGE	(4 * KIB)

/* EL1h, MMU off, D, A, I and F masked. */
#define PSTATE_RESET	0x3c5

/* ---- State ------------------------------------------------------------- */

void vcpu_start(struct vcpu *vcpu, u64 pc, u64 x0)
{
	vcpu->start.pc = pc;
	vcpu->start.x0 = x0;
	vcpu->state = VCPU_START;
	pthread_cond_broadcast(&vcpu->vm->cond);
}

void vcpu_called(struct vcpu *vcpu)
{
	vcpu->state = VCPU_CALLED;
	pthread_cond_broadcast(&vcpu->vm->cond);
}

int vcpu_reset(struct vcpu *vcpu)
{
	vcpu->state = VCPU_OFF;
	return armvcpu_vcpu_set_power(&vcpu->hw, vcpu->index ?
				      ARMVCPU_POWER_OFF : ARMVCPU_POWER_ON);
}

void vcpu_kick(struct vcpu *vcpu)
{
	armvcpu_vcpu_request_exit(&vcpu->hw);
	pthread_kill(vcpu->thread, SIGUSR1);
}

/* What vcpu_load_regs() puts back: not what is set anew, or the VM's. */
static bool is_reset_reg(u32 id)
{
	switch (id & ARMVCPU_REG_CLASS_MASK) {
	case ARMVCPU_REG_CLASS_CORE:
		return id == ARMVCPU_REG_ELR_EL1 || id == ARMVCPU_REG_SPSR_EL1;
	case ARMVCPU_REG_CLASS_TIMER:
		return false;
	default:
		return true;
	}
}

static int vcpu_save_reset_regs(struct vcpu *vcpu)
{
	u32 *ids, count = 0, i;
	int err;

	err = armvcpu_vcpu_get_reg_list(&vcpu->hw, NULL, &count);
	if (err != -E2BIG)
		return err ? err : -EPROTO;
	ids = calloc(count, sizeof(*ids));
	vcpu->reset_regs = calloc(count, sizeof(*vcpu->reset_regs));
	if (!ids || !vcpu->reset_regs) {
		free(ids);
		return -ENOMEM;
	}
	err = armvcpu_vcpu_get_reg_list(&vcpu->hw, ids, &count);
	for (i = 0; !err && i < count; i++) {
		struct vcpu_reg *reg = &vcpu->reset_regs[vcpu->num_reset_regs];

		if (!is_reset_reg(ids[i]))
			continue;
		reg->id = ids[i];
		err = armvcpu_vcpu_get_reg(&vcpu->hw, reg->id, &reg->value);
		vcpu->num_reset_regs++;
	}
	free(ids);
	return err;
}

/* The state of a reset, but for where it starts. */
static int vcpu_load_regs(struct vcpu *vcpu)
{
	struct armvcpu_core_regs core = { .pstate = PSTATE_RESET };
	u32 i;

	for (i = 0; i < vcpu->num_reset_regs; i++) {
		const struct vcpu_reg *reg = &vcpu->reset_regs[i];
		int err = armvcpu_vcpu_set_reg(&vcpu->hw, reg->id, reg->value);

		if (err)
			return err;
	}
	core.pc = vcpu->start.pc;
	core.x[0] = vcpu->start.x0;
	return armvcpu_vcpu_set_core_regs(&vcpu->hw, &core);
}

/* ---- The end ----------------------------------------------------------- */

static void print_history(const struct vcpu *vcpu)
{
	u64 i = vcpu->num_exits > VCPU_HISTORY ?
		vcpu->num_exits - VCPU_HISTORY : 0;

	fprintf(stderr, "last of %llu exits, oldest first:\n", vcpu->num_exits);
	for (; i < vcpu->num_exits; i++) {
		const struct vcpu_history *h = &vcpu->history[i % VCPU_HISTORY];

		fprintf(stderr, "  pc 0x%016llx %s\n", h->pc,
			armvcpu_exit_name(h->reason));
	}
}

/* Tells all there is to tell, then ends the VM. Returns false: park. */
static bool vcpu_die(struct vcpu *vcpu, const char *why)
{
	int err;

	if (!vm_claim(vcpu->vm))
		return false;
	warn("CPU %u cannot go on: %s", vcpu->index, why);
	armvcpu_print_exit(stderr, vcpu->hw.run);
	err = armvcpu_print_regs(stderr, &vcpu->hw);
	if (err)
		warn("the registers cannot be read: %s", strerror(-err));
	print_history(vcpu);
	vm_publish(vcpu->vm, VM_DEAD);
	return false;
}

static bool vcpu_run_failed(struct vcpu *vcpu, int err)
{
	if (err == -ENODEV)
		return vcpu_die(vcpu, "the VM is dead, see the kernel's log");
	return vcpu_die(vcpu, strerror(-err));
}

/* ---- Exits ------------------------------------------------------------- */

static void handle_mmio(struct vcpu *vcpu)
{
	struct armvcpu_run *run = vcpu->hw.run;
	struct armvcpu_exit_mmio *mmio = &run->u.mmio;
	struct bus *bus = &vcpu->vm->bus;

	if (mmio->is_write)
		bus_write(bus, mmio->ipa, mmio->len, mmio->data, run->pc);
	else
		mmio->data = bus_read(bus, mmio->ipa, mmio->len, run->pc);
}

/*
 * What is not the bus's: the interrupt controller of the module; and memory, where an access
 * has its other part in the page of the exit.
 */
static bool is_elsewhere(const struct vcpu *vcpu, u64 ipa)
{
	const struct vm *vm = vcpu->vm;

	if (vm->has_gic && ipa >= BOARD_GICD_BASE &&
	    ipa < BOARD_GICR_BASE + BOARD_GICR_SIZE)
		return true;
	if ((ipa ^ vcpu->hw.run->u.abort.ipa) < ABORT_PAGE)
		return false;
	return guest_ram_at(&vm->guest_ram, ipa, 1) ||
	       ipa - vm->rom.dev.base < vm->rom.dev.size;
}

static int abort_read(void *opaque, __u64 ipa, unsigned int len, __u64 *value)
{
	struct vcpu *vcpu = opaque;

	if (is_elsewhere(vcpu, ipa))
		return -EFAULT;
	*value = bus_read(&vcpu->vm->bus, ipa, len, vcpu->hw.run->pc);
	return 0;
}

static int abort_write(void *opaque, __u64 ipa, unsigned int len, __u64 value)
{
	struct vcpu *vcpu = opaque;

	if (is_elsewhere(vcpu, ipa))
		return -EFAULT;
	bus_write(&vcpu->vm->bus, ipa, len, value, vcpu->hw.run->pc);
	return 0;
}

/* Tells what the guest has tried, and why it gets an abort. */
static void abort_refused(struct vcpu *vcpu, const char *why)
{
	const struct armvcpu_run *run = vcpu->hw.run;
	char text[ARMVCPU_INSN_TEXT_SIZE] = "";
	struct armvcpu_insn insn;

	if (run->u.abort.flags & ARMVCPU_ABORT_INSN_VALID &&
	    !(run->u.abort.flags & ARMVCPU_ABORT_AARCH32)) {
		armvcpu_insn_decode(run->u.abort.insn, &insn);
		armvcpu_insn_text(&insn, run->pc, text, sizeof(text));
	}
	bus_aborted(&vcpu->vm->bus, run->u.abort.ipa, run->pc, text, why);
}

/* Pairs, writeback, SIMD registers: as ordinary accesses. No device has a cache. */
static void handle_abort(struct vcpu *vcpu)
{
	struct armvcpu_access access = {
		.read = abort_read, .write = abort_write, .opaque = vcpu,
	};
	int ret;

	if (vcpu->hw.run->u.abort.flags & ARMVCPU_ABORT_CACHE_OP)
		return;
	ret = armvcpu_vcpu_emulate(&vcpu->hw, &access);
	if (ret)
		abort_refused(vcpu, ret < 0 ? strerror(-ret) : armvcpu_refusal(ret));
}

/* Nanoseconds until the guest's virtual counter is @timer, within reason. */
static u64 wait_time(struct vcpu *vcpu, u64 timer)
{
	const u64 longest = NSEC_PER_SEC / 10;
	u64 hz = counter_hz(), offset, left;

	if (timer == ~0ULL || !hz ||
	    armvcpu_vcpu_get_reg(&vcpu->hw, ARMVCPU_REG_CNTVOFF, &offset))
		return longest;
	left = timer - (counter_now() - offset);
	/*
	 * A timer that has fired and did not keep the guest from waiting is no
	 * interrupt to it: it must not make a spinning CPU of a waiting one.
	 */
	if ((s64)left <= 0)
		return NSEC_PER_MSEC;
	if (left >= hz / 10)
		return longest;
	return left * NSEC_PER_SEC / hz;
}

void vcpu_wait(struct vcpu *vcpu, u64 timer)
{
	u64 deadline = now_ns() + wait_time(vcpu, timer);
	struct timespec ts = {
		.tv_sec = deadline / NSEC_PER_SEC,
		.tv_nsec = deadline % NSEC_PER_SEC,
	};
	struct vm *vm = vcpu->vm;
	int err = 0;

	pthread_mutex_lock(&vm->lock);
	while (!vm->claimed && vm->events == vcpu->seen_events &&
	       err != ETIMEDOUT)
		err = pthread_cond_timedwait(&vm->cond, &vm->lock, &ts);
	vcpu->seen_events = vm->events;
	pthread_mutex_unlock(&vm->lock);
}

/* False if the vCPU must park. */
static bool handle_exit(struct vcpu *vcpu)
{
	struct armvcpu_run *run = vcpu->hw.run;

	switch (run->exit_reason) {
	case ARMVCPU_EXIT_MMIO:
		handle_mmio(vcpu);
		return true;
	case ARMVCPU_EXIT_ABORT:
		handle_abort(vcpu);
		return true;
	case ARMVCPU_EXIT_SYSREG:
		sysreg_handle(vcpu);
		return true;
	case ARMVCPU_EXIT_HYPERCALL:
		hypercall_handle(vcpu);
		return true;
	case ARMVCPU_EXIT_SMC:
		/* None is known: x[0] says so already. */
		return true;
	case ARMVCPU_EXIT_PSCI:
		return psci_handle(vcpu);
	case ARMVCPU_EXIT_WFX:
		vcpu_wait(vcpu, run->u.wfx.timer);
		return true;
	case ARMVCPU_EXIT_FAIL:
		return vcpu_die(vcpu, "the module has given up on it");
	default:
		return vcpu_die(vcpu, "an exit that was not asked for");
	}
}

/* Run to the next exit and handle it; false if the vCPU must park. */
static bool vcpu_run(struct vcpu *vcpu)
{
	struct armvcpu_run *run = vcpu->hw.run;
	struct vcpu_history *history;
	int err;

	err = armvcpu_vcpu_run(&vcpu->hw);
	if (err == -EINTR) {
		if (vcpu->watch)
			watch_interrupt(vcpu);
		armvcpu_vcpu_clear_request(&vcpu->hw);
		return false;
	}
	if (err)
		return vcpu_run_failed(vcpu, err);

	history = &vcpu->history[vcpu->num_exits++ % VCPU_HISTORY];
	history->pc = run->pc;
	history->reason = run->exit_reason;
	if (vcpu->watch)
		return watch_exit(vcpu, handle_exit);
	return handle_exit(vcpu);
}

/* ---- The thread -------------------------------------------------------- */

/* Returns when the vCPU may run, and whether it starts anew. */
static bool vcpu_park(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	bool start;

	pthread_mutex_lock(&vm->lock);
	vcpu->parked = true;
	pthread_cond_broadcast(&vm->cond);
	if (vm->request)
		eventfd_write(vm->event_fd, 1);
	while (vm->claimed || vcpu->state == VCPU_OFF)
		pthread_cond_wait(&vm->cond, &vm->lock);
	vcpu->parked = false;
	start = vcpu->state == VCPU_START;
	vcpu->state = VCPU_ON;
	pthread_mutex_unlock(&vm->lock);
	return start;
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;

	for (;;) {
		if (vcpu_park(vcpu)) {
			int err = vcpu_load_regs(vcpu);

			if (err) {
				vcpu_run_failed(vcpu, err);
				continue;
			}
		}
		while (vcpu_run(vcpu))
			;
	}
	return NULL;
}

void vcpu_init(struct vcpu *vcpu, struct vm *vm, unsigned int index)
{
	int err;

	vcpu->vm = vm;
	vcpu->index = index;
	vcpu->mpidr = board_mpidr(index);
	err = armvcpu_vcpu_create(vm->fd, vcpu->mpidr,
				  index ? ARMVCPU_VCPU_POWERED_OFF : 0,
				  &vcpu->hw);
	if (err)
		die("cannot create CPU %u: %s", index, strerror(-err));
	watch_init(vcpu);
	err = vcpu_save_reset_regs(vcpu);
	if (err)
		die("cannot read the registers of CPU %u: %s", index,
		    strerror(-err));
	err = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
	if (err)
		die("cannot start a thread for CPU %u: %s", index,
		    strerror(err));
}
