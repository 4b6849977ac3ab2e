// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's timers.  The virtual one is the hardware's: it is in the CPU while
 * the guest is, and its interrupt ends the guest's slice.  The physical one is
 * the host's, so the guest's is emulated with an hrtimer.  Only with a GIC in the
 * module; else the VMM looks after both.
 */
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/math64.h>
#include <linux/percpu.h>
#include <clocksource/arm_arch_timer.h>
#include <asm/arch_timer.h>
#include <asm/sysreg.h>

#include "compat.h"
#include "kmod.h"

DEFINE_PER_CPU(s8, vtimer_active) = -1;

static u32 vtimer_hw_intid;

static u64 virtual_count(const struct vcpu *vcpu)
{
	return arch_timer_read_counter() - READ_ONCE(vcpu->vm->hyp->cntvoff);
}

/* A wake-up that takes more than a 5000th of a second is not one that is waited for. */
#define LATENCY_MAX_HZ	5000

/* Nanoseconds for so many ticks; a day at most, who waits looks again then. */
static u64 ticks_to_ns(u64 ticks)
{
	u64 hz = read_sysreg(cntfrq_el0), rest;

	if (!hz)
		return NSEC_PER_MSEC;
	ticks = min(ticks, hz * 86400);
	ticks = div64_u64_rem(ticks, hz, &rest);
	/* Rounded up: it is not to fire before its time. */
	return ticks * NSEC_PER_SEC + div64_u64(rest * NSEC_PER_SEC + hz - 1, hz);
}

/* ---- the virtual timer ------------------------------------------------- */

static struct gic_irq *vtimer_irq(struct vcpu *vcpu)
{
	return &vcpu->gic.private[GIC_PPI_VTIMER];
}

/**
 * timer_bind() - a vCPU's virtual timer interrupt is this CPU's, whichever that is
 * @vcpu: the vCPU; it has not run.
 */
void timer_bind(struct vcpu *vcpu)
{
	vtimer_irq(vcpu)->hw = true;
	vtimer_irq(vcpu)->hw_intid = vtimer_hw_intid;
}

/**
 * timer_taken() - what a list register says of this CPU's interrupt
 * @active: the guest has taken it, or EL2 for it; otherwise it has deactivated it.
 *
 * Interrupts are off.
 */
void timer_taken(bool active)
{
	__this_cpu_write(vtimer_active, active);
}

/**
 * timer_set_active() - shall this CPU's interrupt be heard of?
 * @active: no, as an interrupt that is active.
 *
 * Interrupts are off.
 */
void timer_set_active(bool active)
{
	unsigned int host = el2_vtimer_irq();
	bool is;

	if (irq_set_irqchip_state(host, IRQCHIP_STATE_ACTIVE, active))
		return;
	/* There before the guest deactivates it: the write may be on its way for long. */
	irq_get_irqchip_state(host, IRQCHIP_STATE_ACTIVE, &is);
	__this_cpu_write(vtimer_active, active);
}

/**
 * timer_vtimer_set() - the VMM has set a register of the virtual timer
 * @vcpu: the vCPU.  If it is in the guest, somebody kicks it.
 *
 * The line comes up again when the guest has run or waits, if it is time.
 */
void timer_vtimer_set(struct vcpu *vcpu)
{
	if (vcpu->vm->gic)
		gic_set_line(vcpu->vm, vcpu, GIC_PPI_VTIMER, false);
}

/**
 * timer_offset_set() - the VM's virtual counter has another offset now
 * @vm: the VM.
 *
 * Of all its vCPUs: what was due need not be any more.  Those that run or wait begin
 * anew.  A vCPU's lock may be held, none is taken.
 */
void timer_offset_set(struct vm *vm)
{
	u32 i;

	mutex_lock(&vm->vcpus_lock);
	for (i = 0; i < vm->nr_vcpus; i++) {
		if (!vm->vcpus[i])
			continue;
		timer_vtimer_set(vm->vcpus[i]);
		vcpu_kick(vm->vcpus[i]);
	}
	mutex_unlock(&vm->vcpus_lock);
}

/**
 * timer_vtimer_look() - raise the line of the virtual timer if it is time
 * @vcpu: the vCPU, not in the guest.
 *
 * Return: nanoseconds until then; 0: it is up, or never will be.
 */
u64 timer_vtimer_look(struct vcpu *vcpu)
{
	u64 deadline = timer_deadline(vcpu), now;

	if (deadline == ~0ULL)
		return 0;
	now = virtual_count(vcpu);
	if (now < deadline)
		return ticks_to_ns(deadline - now);
	gic_set_line(vcpu->vm, vcpu, GIC_PPI_VTIMER, true);
	return 0;
}

static enum hrtimer_restart vtimer_fires(struct hrtimer *timer)
{
	struct vcpu *vcpu = container_of(timer, struct vcpu, timer.wait);
	u64 ns = timer_vtimer_look(vcpu), advance = vcpu->timer.advance;

	if (ns > advance) {
		hrtimer_forward_now(timer, ns_to_ktime(ns - advance));
		return HRTIMER_RESTART;
	}
	if (ns) {
		vcpu->timer.fired = arch_timer_read_counter();
		/* Pairs with timer_is_soon(), which may run elsewhere: fired is first. */
		smp_store_release(&vcpu->timer.soon, true);
		vcpu_wake(vcpu);
	}
	return HRTIMER_NORESTART;
}

/**
 * timer_block() - the vCPU waits: its virtual timer goes on in software
 * @vcpu: the vCPU, in its own thread, of a VM with a GIC.
 * @advance_ns: it wakes up so much before the timer fires.
 */
void timer_block(struct vcpu *vcpu, u64 advance_ns)
{
	u64 ns = timer_vtimer_look(vcpu);

	vcpu->timer.advance = advance_ns;
	WRITE_ONCE(vcpu->timer.soon, false);
	if (!ns)
		return;
	/* At once, if it is that near already. */
	ns = ns > advance_ns ? ns - advance_ns : 0;
	hrtimer_start(&vcpu->timer.wait, ns_to_ktime(ns), HRTIMER_MODE_REL_HARD);
}

/**
 * timer_advance() - how much before its timer fires does a vCPU have to be woken?
 * @vcpu: the vCPU.
 * @max_ns: no more than that.
 *
 * Return: nanoseconds: what it takes to wake up, and half of that for luck.
 */
u64 timer_advance(const struct vcpu *vcpu, u64 max_ns)
{
	return min(ticks_to_ns(vcpu->timer.latency + vcpu->timer.latency / 2), max_ns);
}

/**
 * timer_is_soon() - has it been woken because its timer is about to fire?
 * @vcpu: the vCPU, in its own thread, since timer_block().
 *
 * If so, it is noted how long that took.
 */
bool timer_is_soon(struct vcpu *vcpu)
{
	struct timer_vcpu *timer = &vcpu->timer;
	u64 took;

	/* Pairs with vtimer_fires(). */
	if (!smp_load_acquire(&timer->soon))
		return false;
	/* What is longer was spent behind somebody else, and says nothing. */
	took = min_t(u64, arch_timer_read_counter() - timer->fired,
		     read_sysreg(cntfrq_el0) / LATENCY_MAX_HZ);
	timer->latency += (s64)(took - timer->latency) / 4;
	return true;
}

/**
 * timer_is_over() - has a moment of the guest's virtual counter passed?
 * @vcpu: the vCPU.
 * @deadline: the moment; ~0: never.
 */
bool timer_is_over(const struct vcpu *vcpu, u64 deadline)
{
	return virtual_count(vcpu) >= deadline;
}

/**
 * timer_is_near() - is it not far to a moment of the guest's virtual counter?
 * @vcpu: the vCPU.
 * @deadline: the moment; ~0: never.
 * @ns: how far.
 */
bool timer_is_near(const struct vcpu *vcpu, u64 deadline, u64 ns)
{
	u64 now = virtual_count(vcpu);

	return deadline != ~0ULL && (now >= deadline || ticks_to_ns(deadline - now) <= ns);
}

/**
 * timer_unblock() - the wait is over
 * @vcpu: the vCPU, in its own thread.
 */
void timer_unblock(struct vcpu *vcpu)
{
	hrtimer_cancel(&vcpu->timer.wait);
}

/* ---- the physical timer ------------------------------------------------ */

static bool ptimer_is_due(const struct timer_vcpu *timer)
{
	return timer->p_ctl & TIMER_CTL_ENABLE && arch_timer_read_counter() >= timer->p_cval;
}

/* The line, and nanoseconds until it rises; 0: it is up, or never does. */
static u64 ptimer_look(struct vcpu *vcpu)
{
	struct timer_vcpu *timer = &vcpu->timer;
	u64 now = arch_timer_read_counter();
	bool armed = (timer->p_ctl & (TIMER_CTL_ENABLE | TIMER_CTL_IMASK)) == TIMER_CTL_ENABLE;

	gic_set_line(vcpu->vm, vcpu, GIC_PPI_PTIMER, armed && now >= timer->p_cval);
	if (!armed || now >= timer->p_cval)
		return 0;
	return ticks_to_ns(timer->p_cval - now);
}

static enum hrtimer_restart ptimer_fires(struct hrtimer *timer)
{
	struct vcpu *vcpu = container_of(timer, struct vcpu, timer.phys);
	u64 ns = ptimer_look(vcpu);

	if (!ns)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, ns_to_ktime(ns));
	return HRTIMER_RESTART;
}

static void ptimer_set(struct vcpu *vcpu, u64 ctl, u64 cval)
{
	u64 ns;

	hrtimer_cancel(&vcpu->timer.phys);
	vcpu->timer.p_ctl = ctl & (TIMER_CTL_ENABLE | TIMER_CTL_IMASK);
	vcpu->timer.p_cval = cval;
	if (!vcpu->vm->gic)
		return;
	ns = ptimer_look(vcpu);
	if (ns)
		hrtimer_start(&vcpu->timer.phys, ns_to_ktime(ns), HRTIMER_MODE_REL_HARD);
}

static u64 ptimer_ctl(const struct timer_vcpu *timer)
{
	return timer->p_ctl | (ptimer_is_due(timer) ? TIMER_CTL_ISTATUS : 0);
}

/**
 * timer_get() - a register of the physical timer, for the VMM
 * @vcpu: the vCPU; its lock is held.
 * @encoding: ARMVCPU_SYSREG().
 * @value: out.
 *
 * Return: true if it is one.
 */
bool timer_get(struct vcpu *vcpu, u32 encoding, u64 *value)
{
	switch (encoding) {
	case ARMVCPU_SYSREG(3, 3, 14, 2, 1):	/* CNTP_CTL_EL0 */
		*value = ptimer_ctl(&vcpu->timer);
		return true;
	case ARMVCPU_SYSREG(3, 3, 14, 2, 2):	/* CNTP_CVAL_EL0 */
		*value = vcpu->timer.p_cval;
		return true;
	}
	return false;
}

/**
 * timer_set() - a register of the physical timer, for the VMM or the guest
 * @vcpu: the vCPU; its lock is held.
 * @encoding: ARMVCPU_SYSREG().
 * @value: the value.
 *
 * Return: true if it is one.
 */
bool timer_set(struct vcpu *vcpu, u32 encoding, u64 value)
{
	switch (encoding) {
	case ARMVCPU_SYSREG(3, 3, 14, 2, 1):
		ptimer_set(vcpu, value, vcpu->timer.p_cval);
		return true;
	case ARMVCPU_SYSREG(3, 3, 14, 2, 2):
		ptimer_set(vcpu, vcpu->timer.p_ctl, value);
		return true;
	}
	return false;
}

/**
 * timer_sysreg() - a trapped access to the physical timer
 * @vcpu: the vCPU, of a VM with a GIC.
 * @encoding: ARMVCPU_SYSREG().
 * @write: direction.
 * @value: the value, in or out.
 *
 * Return: false if it is none of its registers.
 */
bool timer_sysreg(struct vcpu *vcpu, u32 encoding, bool write, u64 *value)
{
	/* CNTP_TVAL_EL0: what is left, as a signed number of 32 bits. */
	if (encoding == ARMVCPU_SYSREG(3, 3, 14, 2, 0)) {
		u64 now = arch_timer_read_counter();

		if (write)
			ptimer_set(vcpu, vcpu->timer.p_ctl, now + (s32)*value);
		else
			*value = (u32)(vcpu->timer.p_cval - now);
		return true;
	}
	return write ? timer_set(vcpu, encoding, *value) : timer_get(vcpu, encoding, value);
}

/* ---- beginning and end ------------------------------------------------- */

/**
 * timer_vcpu_init() - a new vCPU's timers
 * @vcpu: the vCPU.
 */
void timer_vcpu_init(struct vcpu *vcpu)
{
	compat_hrtimer_setup(&vcpu->timer.wait, vtimer_fires, CLOCK_MONOTONIC,
			     HRTIMER_MODE_REL_HARD);
	/* Until it is known: 10 us. */
	vcpu->timer.latency = read_sysreg(cntfrq_el0) / 100000;
	compat_hrtimer_setup(&vcpu->timer.phys, ptimer_fires, CLOCK_MONOTONIC,
			     HRTIMER_MODE_REL_HARD);
}

/**
 * timer_vcpu_reset() - timers of a core that comes out of reset: off
 * @vcpu: the vCPU; its lock is held, and it does not run.
 */
void timer_vcpu_reset(struct vcpu *vcpu)
{
	ptimer_set(vcpu, 0, 0);
	/* Its registers have been reset. */
	if (vcpu->vm->gic)
		gic_set_line(vcpu->vm, vcpu, GIC_PPI_VTIMER, false);
}

/**
 * timer_vcpu_exit() - the vCPU goes
 * @vcpu: the vCPU.
 */
void timer_vcpu_exit(struct vcpu *vcpu)
{
	hrtimer_cancel(&vcpu->timer.wait);
	hrtimer_cancel(&vcpu->timer.phys);
}

/**
 * timer_cpu_changed() - this CPU's interrupt controller may have been reset
 */
void timer_cpu_changed(void)
{
	this_cpu_write(vtimer_active, -1);
}

/**
 * timer_cpu_quiet() - leave this CPU's interrupt as it was found: not active
 *
 * Interrupts are off.
 */
void timer_cpu_quiet(void)
{
	if (__this_cpu_read(vtimer_active))
		irq_set_irqchip_state(el2_vtimer_irq(), IRQCHIP_STATE_ACTIVE, false);
	timer_cpu_changed();
}

/**
 * timer_init() - which interrupt of the GIC is the virtual timer's?
 */
void __init timer_init(void)
{
	struct irq_data *data = el2_irq_data(el2_vtimer_irq());

	vtimer_hw_intid = data ? irqd_to_hwirq(data) : GIC_PPI_VTIMER;
}
