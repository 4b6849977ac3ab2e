// SPDX-License-Identifier: GPL-2.0
/*
 * vCPU files and the run loop.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched/stat.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>
#include <linux/vtime.h>
#include <clocksource/arm_arch_timer.h>
#include <asm/cpufeature.h>
#include <asm/cputype.h>
#include <asm/daifflags.h>
#include <asm/sysreg.h>

#include "compat.h"
#include "kmod.h"
#include "trace.h"

/* HCR_EL2 (Arm ARM D19.2.48). */
#define EL2_HCR_VM		BIT_ULL(0)	/* stage 2 */
#define EL2_HCR_SWIO		BIT_ULL(1)	/* invalidate by set/way cleans, too */
#define EL2_HCR_PTW		BIT_ULL(2)	/* no walk through Device memory */
#define EL2_HCR_FMO		BIT_ULL(3)	/* physical FIQ, IRQ, SError come to EL2, */
#define EL2_HCR_IMO		BIT_ULL(4)
#define EL2_HCR_AMO		BIT_ULL(5)	/* and the virtual ones are there */
#define EL2_HCR_VF		BIT_ULL(6)
#define EL2_HCR_VI		BIT_ULL(7)
#define EL2_HCR_FB		BIT_ULL(9)	/* the guest's TLB and I-cache operations */
#define EL2_HCR_BSU_IS		BIT_ULL(10)	/* and barriers reach all CPUs: it migrates */
#define EL2_HCR_TWI		BIT_ULL(13)
#define EL2_HCR_TWE		BIT_ULL(14)
#define EL2_HCR_TID1		BIT_ULL(16)	/* REVIDR_EL1, AIDR_EL1 */
#define EL2_HCR_TID2		BIT_ULL(17)	/* CTR_EL0, CLIDR_EL1, CCSIDR_EL1, CSSELR_EL1 */
#define EL2_HCR_TID3		BIT_ULL(18)	/* ID registers */
#define EL2_HCR_TSC		BIT_ULL(19)	/* SMC */
#define EL2_HCR_TIDCP		BIT_ULL(20)	/* implementation defined registers */
#define EL2_HCR_TACR		BIT_ULL(21)	/* ACTLR_EL1 */
#define EL2_HCR_TSW		BIT_ULL(22)	/* cache maintenance by set/way */
#define EL2_HCR_RW		BIT_ULL(31)	/* EL1 is AArch64 */
#define EL2_HCR_TLOR		BIT_ULL(35)	/* limited ordering regions */
#define EL2_HCR_TERR		BIT_ULL(36)	/* RAS error records */
#define EL2_HCR_TEA		BIT_ULL(37)	/* synchronous external aborts come to EL2 */
#define EL2_HCR_FWB		BIT_ULL(46)	/* stage 2 alone says what is cached */
#define EL2_HCR_TID5		BIT_ULL(58)	/* GMID_EL1 */

#define EL2_HCR_GUEST							\
	(EL2_HCR_VM | EL2_HCR_SWIO | EL2_HCR_PTW | EL2_HCR_FMO | EL2_HCR_IMO |	\
	 EL2_HCR_AMO | EL2_HCR_FB | EL2_HCR_BSU_IS | EL2_HCR_TWI | EL2_HCR_TWE |	\
	 EL2_HCR_TID1 | EL2_HCR_TID3 | EL2_HCR_TSC | EL2_HCR_TIDCP | EL2_HCR_TACR |		\
	 EL2_HCR_TSW | EL2_HCR_TVM | EL2_HCR_RW | EL2_HCR_TLOR)

/* MDCR_EL2: the PMU, debug, trace and profiling registers trap. */
#define EL2_MDCR_TPMCR		BIT_ULL(5)
#define EL2_MDCR_TPM		BIT_ULL(6)
#define EL2_MDCR_TDE		BIT_ULL(8)
#define EL2_MDCR_TDA		BIT_ULL(9)
#define EL2_MDCR_TDOSA		BIT_ULL(10)
#define EL2_MDCR_TDRA		BIT_ULL(11)
#define EL2_MDCR_TPMS		BIT_ULL(14)
#define EL2_MDCR_TTRF		BIT_ULL(19)
#define EL2_MDCR_GUEST							\
	(EL2_MDCR_TPMCR | EL2_MDCR_TPM | EL2_MDCR_TDA | EL2_MDCR_TDOSA |	\
	 EL2_MDCR_TDRA | EL2_MDCR_TPMS | EL2_MDCR_TTRF)

#define VMPIDR_RES1	BIT_ULL(31)
#define MPIDR_AFFINITY	0xff00ffffffULL

/* HCR_EL2 of a guest on this machine. */
static u64 hcr_guest __ro_after_init;

/**
 * vcpu_init() - what is the same for all vCPUs
 */
void __init vcpu_init(void)
{
	hcr_guest = EL2_HCR_GUEST;
	if (stage2_forces_wb())
		hcr_guest |= EL2_HCR_FWB;
	if (read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1) >> 28 & 0xf)
		hcr_guest |= EL2_HCR_TERR | EL2_HCR_TEA;
	if (read_sanitised_ftr_reg(SYS_ID_AA64PFR1_EL1) >> 8 & 0xf)
		hcr_guest |= EL2_HCR_TID5;
}

/**
 * vcpu_reset() - the state of a core that comes out of reset
 * @vcpu: the vCPU; its lock is held, or nobody else knows it.
 */
void vcpu_reset(struct vcpu *vcpu)
{
	static const u64 reset[HYP_NR_SYSREGS] = {
#define SYSREG(name, op0, op1, crn, crm, op2, value) \
		[HYP_##name] = (value),
#include "hyp/sysregs.def"
	};
	struct hyp_vcpu *hyp = vcpu->hyp;

	memset(vcpu->run->x, 0, sizeof(vcpu->run->x));
	memcpy(hyp->sys, reset, sizeof(reset));
	memset(&hyp->fp, 0, sizeof(hyp->fp));
	memset(hyp->pauth, 0, sizeof(hyp->pauth));
	hyp->pc = 0;
	hyp->pstate = PSR_MODE_EL1h | PSR_D_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT;
	hyp->hcr = hcr_guest;
	if (el2_caches_differ())
		hyp->hcr |= EL2_HCR_TID2;
	hyp->mdcr = EL2_MDCR_GUEST;
	if (vcpu->flags & ARMVCPU_VCPU_DEBUG_EXITS)
		hyp->mdcr |= EL2_MDCR_TDE;
	vcpu->pending.reason = ARMVCPU_EXIT_NONE;
	vcpu->inject = 0;
	vcpu->cleaned = false;
	debug_reset(vcpu);
	gic_vcpu_reset(vcpu);
	timer_vcpu_reset(vcpu);
}

/**
 * vcpu_kick() - make a vCPU that runs come out of the guest and in again
 * @vcpu: the vCPU.
 */
void vcpu_kick(struct vcpu *vcpu)
{
	struct task_struct *task;

	WRITE_ONCE(vcpu->kicked, true);
	/* What is changed for it, before who runs; mirrored in vcpu_enter(). */
	smp_mb();
	rcu_read_lock();
	task = READ_ONCE(vcpu->runner);
	if (task)
		kick_process(task);
	rcu_read_unlock();
	rcuwait_wake_up(&vcpu->wait);
}

/**
 * vcpu_wake() - a vCPU that waits for an interrupt looks whether there is one
 * @vcpu: the vCPU.
 */
void vcpu_wake(struct vcpu *vcpu)
{
	rcuwait_wake_up(&vcpu->wait);
}

static uint poll_ns = 100000;
module_param(poll_ns, uint, 0644);
MODULE_PARM_DESC(poll_ns, "a vCPU that waits for its timer wakes up as much earlier as that takes, but no more nanoseconds than this (100000); 0: never");

/* Why a wait for an interrupt ends, besides the timer. */
static bool is_woken(struct vcpu *vcpu)
{
	return gic_vcpu_pending(vcpu) || READ_ONCE(vcpu->kicked) ||
	       vcpu->hyp->hcr & EL2_HCR_VSE || signal_pending(current) ||
	       READ_ONCE(vcpu->vm->dead);
}

/* Is the timer's interrupt there as soon as the guest is, without the host? */
static bool timer_is_direct(struct vcpu *vcpu)
{
	const struct gic_irq *irq = &vcpu->gic.private[GIC_PPI_VTIMER];

	/* Not one that the guest has heard of already, or keeps back itself. */
	return vcpu->hyp->gic.vtimer_lr && !READ_ONCE(irq->level) && !READ_ONCE(irq->active) &&
	       gic_host_takes(vcpu, irq->group1, irq->priority) &&
	       READ_ONCE(vcpu->vm->hyp->answers) & BIT_ULL(ARMVCPU_EL2_TIMER);
}

/*
 * The guest's timer fires sooner than the host can go to sleep and wake up again: look
 * at the clock until then, as long as nobody else wants the CPU.
 */
static bool vcpu_poll(struct vcpu *vcpu)
{
	u64 deadline = timer_deadline(vcpu);
	bool heard;

	if (!timer_is_near(vcpu, deadline, timer_advance(vcpu, READ_ONCE(poll_ns))))
		return false;
	/* The guest may have heard of it already, and waits for something else. */
	heard = timer_is_over(vcpu, deadline);
	while (!timer_is_over(vcpu, deadline)) {
		if (unlikely(!single_task_running() || compat_task_has_work()))
			return false;
		if (unlikely(READ_ONCE(vcpu->gic.changed) || READ_ONCE(vcpu->kicked)) &&
		    is_woken(vcpu))
			return true;
		cpu_relax();
	}
	if (!heard && timer_is_direct(vcpu))
		return true;
	/* It may be masked, or have been heard of. */
	timer_vtimer_look(vcpu);
	return is_woken(vcpu);
}

/* Until one of these; true: the timer will fire very soon. */
static bool vcpu_sleep(struct vcpu *vcpu, u64 max_ns)
{
	bool soon;

	timer_block(vcpu, timer_advance(vcpu, max_ns));
	prepare_to_rcuwait(&vcpu->wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		soon = timer_is_soon(vcpu);
		if (soon || is_woken(vcpu))
			break;
		schedule();
	}
	finish_rcuwait(&vcpu->wait);
	timer_unblock(vcpu);
	return soon;
}

/**
 * vcpu_block() - WFI: wait for an interrupt, a signal or a kick
 * @vcpu: the vCPU, in its own thread, of a VM with a GIC.
 *
 * PC is behind the instruction: who waits no longer than it wants is no worse off.
 */
void vcpu_block(struct vcpu *vcpu)
{
	vcpu_count(&vcpu->run->stats.waits);
	/* If the CPU is not ours for the rest of it, then asleep to the very end. */
	if (!vcpu_poll(vcpu) && vcpu_sleep(vcpu, READ_ONCE(poll_ns)) && !vcpu_poll(vcpu))
		vcpu_sleep(vcpu, 0);
}

/**
 * vcpu_power() - power state as the outside sees it
 * @vcpu: the vCPU.
 *
 * Return: ARMVCPU_POWER_*.
 */
u32 vcpu_power(const struct vcpu *vcpu)
{
	u32 power = atomic_read(vcpu->power);

	return power == POWER_ON_REQUESTED ? ARMVCPU_POWER_ON_PENDING : power;
}

/* Late CPUs need not have it, whatever the others have. */
static bool cpu_has_pauth(void)
{
	return read_cpuid(ID_AA64ISAR1_EL1) & 0xff000ff0 || read_cpuid(ID_AA64ISAR2_EL1) & 0xff00;
}

/* Serial number of the vCPU that ran on this CPU last, and found all it needs; or 0. */
static DEFINE_PER_CPU(u64, loaded);

/**
 * vcpu_unload() - what runs on this CPU next looks again at what is there
 */
void vcpu_unload(void)
{
	this_cpu_write(loaded, 0);
}

/* The VMM may begin and end with that at any time. */
static noinline void vcpu_set_timing(struct vcpu *vcpu)
{
	vcpu->timed = READ_ONCE(vcpu->run->timing);
	if (vcpu->timed)
		vcpu->hyp->flags |= HYP_VCPU_TIMING;
	else
		vcpu->hyp->flags &= ~HYP_VCPU_TIMING;
	vcpu->left = NULL;
}

/* Out of the guest: from now on it counts for this. */
static noinline void timing_exit(struct vcpu *vcpu, u64 code)
{
	struct armvcpu_times *times = &vcpu->run->times;

	vcpu->left = code == HYP_EXIT_SYNC ? &times->sync[ESR_ELx_EC(vcpu->hyp->esr)] : &times->irq;
	vcpu->left_at = arch_timer_read_counter();
}

static void timing_enter(struct vcpu *vcpu)
{
	if (!vcpu->left)
		return;
	WRITE_ONCE(*vcpu->left,
		   READ_ONCE(*vcpu->left) + arch_timer_read_counter() - vcpu->left_at);
	vcpu->left = NULL;
}

/*
 * The first slice on this CPU, or the first after another vCPU's: not all cores of a
 * machine need have what the guest was told of.  Interrupts are off.
 */
#define LOADED		1
#define NO_VMID		2

static noinline int vcpu_load(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	u64 *last_ran;

	if (unlikely(!el2_ready())) {
		pr_err_ratelimited("%s[%d]: this CPU's EL2 is not ours (any more)\n",
				   current->comm, current->pid);
		return -ENODEV;
	}
	if (unlikely(!vmid_is_current(vm)))
		return NO_VMID;
	vcpu->hyp->vttbr = vm->vttbr;
	timing_enter(vcpu);
	if (unlikely((vcpu->hyp->flags & HYP_VCPU_PAUTH && !cpu_has_pauth()) ||
		     !debug_enter(vcpu))) {
		/* No exception of the guest's. */
		vcpu->hyp->esr = 0;
		return exit_fail(vcpu, ARMVCPU_FAIL_ENTRY, 0);
	}
	/* ASIDs are a vCPU's own; the TLB knows the VM only. */
	last_ran = this_cpu_ptr(vm->last_ran);
	if (*last_ran != vcpu->serial) {
		if (*last_ran)
			el2_call(HYP_CALL_TLBI_LOCAL, vm->vttbr, vm->vtcr, 0, 0);
		*last_ran = vcpu->serial;
	}
	this_cpu_write(loaded, vcpu->serial);
	return LOADED;
}

/* What has to be looked at whatever ran here before.  Interrupts are off. */
static __always_inline bool is_loaded(struct vcpu *vcpu, struct hyp_vcpu *hyp)
{
	return likely(__this_cpu_read(loaded) == vcpu->serial &&
		      !(hyp->flags & (HYP_VCPU_DEBUG | HYP_VCPU_TIMING)));
}

/* AArch32 at EL0, where not all CPUs need have it.  Interrupts are off. */
static noinline int vcpu_check_aarch32(struct vcpu *vcpu)
{
	if ((read_cpuid(ID_AA64PFR0_EL1) & 0xf) == 2)
		return 1;
	vcpu->hyp->esr = 0;
	return exit_fail(vcpu, ARMVCPU_FAIL_ENTRY, 0);
}

static int vcpu_interrupted(struct vcpu *vcpu)
{
	exit_to_user(vcpu, ARMVCPU_EXIT_INTR);
	return -EINTR;
}

/*
 * What the kernel wants of this task is done on the way to userspace, and that
 * is no exported function: so all the way there, and back into RUN without the
 * VMM noticing.  The exit that was pending has been completed, once.
 */
static int vcpu_restart(struct vcpu *vcpu)
{
	/* Another thread may come in between: nothing is pending any more. */
	exit_to_user(vcpu, ARMVCPU_EXIT_INTR);
	/* The VMM does not see it, so it is none of its exits. */
	vcpu_count_more(&vcpu->run->stats.user[ARMVCPU_EXIT_INTR], -1);
	set_thread_flag(TIF_NOTIFY_SIGNAL);
	return -ERESTARTNOINTR;
}

/*
 * Is there anything for this thread to do, or a reason for the vCPU not to run?  Asked
 * once, with interrupts off: whatever comes later ends the slice.
 */
static __always_inline bool has_work(struct vm *vm)
{
	return unlikely(compat_task_has_work() || READ_ONCE(vm->dead) ||
			atomic_read(&vm->frozen));
}

/* Do it.  > 0: go on; otherwise what RUN returns. */
static noinline int vcpu_work(struct vcpu *vcpu)
{
	compat_resched();
	if (task_sigpending(current))
		return vcpu_interrupted(vcpu);
	if (signal_pending(current) || task_work_pending(current))
		return vcpu_restart(vcpu);
	if (READ_ONCE(vcpu->vm->dead))
		return -ENODEV;
	if (atomic_read(&vcpu->vm->frozen))
		wait_event_interruptible(vcpu->vm->thawed, !atomic_read(&vcpu->vm->frozen));
	return 1;
}

/* It does not go into the guest after all.  Interrupts are off. */
static void vcpu_stay(struct vcpu *vcpu)
{
	WRITE_ONCE(vcpu->hyp->doorbell, 0);
	/* Who has rung meanwhile, has posted before. */
	smp_mb();
	if (vcpu->vm->gic && READ_ONCE(vcpu->hyp->posted))
		gic_collect(vcpu);
	/* With all that is in memory now, to gic_freeze(). */
	smp_store_release(&vcpu->in_guest, false);
}

/* EL2 does not answer as it should, or has taken an exception itself. */
static noinline void vcpu_el2_failed(struct vcpu *vcpu, u64 code)
{
	if (code == HYP_EXIT_EL2)
		el2_report(vcpu);
	else if (code == HYP_STUB_ERR)
		el2_lost();
	/* EL2 may have made it active, and not have said so. */
	timer_cpu_changed();
}

/* The interrupt that ended the slice is taken here, in the guest's time. */
static noinline void vcpu_take_interrupt(struct vcpu *vcpu)
{
	bool by_tick = !vtime_accounting_enabled_this_cpu();

	vcpu_count(&vcpu->run->stats.irqs);
	preempt_disable();
	/* A tick that comes now was the guest's: nobody else asks. */
	if (by_tick)
		vtime_account_guest_enter();
	local_irq_enable();
	isb();
	local_irq_disable();
	if (by_tick)
		vtime_account_guest_exit();
	preempt_enable();
}

/* One slice of the guest.  > 0: handled, go on; 0: exit; < 0: error. */
static __always_inline int vcpu_enter(struct vcpu *vcpu)
{
	struct hyp_vcpu *hyp = vcpu->hyp;
	struct vm *vm = vcpu->vm;
	struct gic *gic = vm->gic;
	u64 code;
	int ret;

	if (unlikely(vcpu->inject))
		inject_pending(vcpu);
	WRITE_ONCE(vcpu->kicked, false);
	if (unlikely(fpsimd_is_long())) {
		preempt_disable();
		fpsimd_enter(vcpu);
		local_irq_disable();
		preempt_enable();
	} else {
		local_irq_disable();
	}
	/* Siblings' EL2 rings here, from now on. */
	if (vm->hyp->nr_siblings > 1)
		WRITE_ONCE(hyp->doorbell, el2_redist());
	/*
	 * Before we look whether it may run: mirrored in vcpu_kick(), gic_freeze(), in
	 * notify() of gic.c, and in hyp_gic_post().
	 */
	smp_store_mb(vcpu->in_guest, true);
	if (has_work(vm)) {
		vcpu_stay(vcpu);
		local_irq_enable();
		return vcpu_work(vcpu);
	}
	if (unlikely(!is_loaded(vcpu, hyp)))
		ret = vcpu_load(vcpu);
	else
		ret = LOADED;
	if (unlikely(hyp->pstate & PSR_MODE32_BIT) && ret == LOADED)
		ret = vcpu_check_aarch32(vcpu);
	if (unlikely(ret != LOADED)) {
		vcpu_stay(vcpu);
		local_irq_enable();
		if (ret == NO_VMID)
			vmid_take(vm);
		return ret;
	}

	/* Once it is filled, whoever changes an interrupt in it freezes us first. */
	if (gic)
		gic_enter(vcpu, hyp);
	else
		timer_enter(true);
	if (unlikely(el2_take_provocation()))
		hyp->flags |= HYP_VCPU_PROVOKE;
	trace_armvcpu_entry(vcpu);
	if (trace_armvcpu_el2_enabled())
		hyp->tracing = 1;
	if (unlikely(vtime_accounting_enabled_this_cpu()))
		vtime_account_guest_enter();
	/* With pseudo-NMIs "off" is a priority, at which nothing reaches the guest's CPU. */
	if (system_uses_irq_prio_masking()) {
		local_daif_mask();
		pmr_sync();
	}
	code = el2_run(vcpu->hyp_pa);
	if (system_uses_irq_prio_masking())
		local_daif_restore(DAIF_PROCCTX_NOIRQ);
	if (unlikely(hyp->flags & HYP_VCPU_TIMING))
		timing_exit(vcpu, code);
	if (trace_armvcpu_el2_enabled())
		stats_trace(vcpu);
	trace_armvcpu_exit(vcpu, code);
	if (gic)
		gic_exit(vcpu, hyp);
	if (unlikely(code > HYP_EXIT_KICK))
		vcpu_el2_failed(vcpu, code);
	/* With all that is in memory now, to gic_freeze(). */
	smp_store_release(&vcpu->in_guest, false);
	if (code == HYP_EXIT_IRQ)
		vcpu_take_interrupt(vcpu);
	if (unlikely(vtime_accounting_enabled_this_cpu()))
		vtime_account_guest_exit();
	local_irq_enable();
	if (likely(code == HYP_EXIT_SYNC) && mmio_is_again(vcpu))
		return mmio_to_user(vcpu, fault_ipa(vcpu));
	return exit_handle(vcpu, code);
}

/* ON_PENDING is over, and what the VM is made of is final.  Or it is not on. */
static noinline int vcpu_start(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	atomic_cmpxchg(vcpu->power, ARMVCPU_POWER_ON_PENDING, ARMVCPU_POWER_ON);
	if (vcpu->configured)
		return 0;
	if (static_branch_unlikely(&el2_provokes))
		el2_provoke_oops();
	mutex_lock(&vm->lock);
	smccc_configure(vm);
	/* The policy and the ID registers are final from here on. */
	vm->started = true;
	mutex_unlock(&vm->lock);
	if (!idregs_has_fp(vm))
		vcpu->hyp->flags |= HYP_VCPU_NO_FP;
	if (idregs_has_pauth(vm))
		vcpu->hyp->flags |= HYP_VCPU_PAUTH;
	vcpu->configured = true;
	return 0;
}

static __always_inline int vcpu_run(struct vcpu *vcpu)
{
	struct armvcpu_run *run = vcpu->run;
	u8 action = READ_ONCE(run->action);
	int power = atomic_read(vcpu->power), ret;

	if (unlikely(READ_ONCE(vcpu->vm->dead)))
		return -ENODEV;
	if (unlikely(power != ARMVCPU_POWER_ON)) {
		vcpu_settle(vcpu);
		power = atomic_read(vcpu->power);
		/* POWER_ON_REQUESTED: only just, and not reset yet. */
		if (power != ARMVCPU_POWER_ON && power != ARMVCPU_POWER_ON_PENDING)
			return -EAGAIN;
	}
	if (unlikely(action)) {
		ret = exit_check_action(vcpu, action);
		if (ret)
			return ret;
	}
	if (READ_ONCE(run->nr_lines)) {
		ret = gic_run_lines(vcpu);
		if (ret)
			return ret;
	}
	if (unlikely(action))
		WRITE_ONCE(run->action, ARMVCPU_ACTION_COMPLETE);
	if (unlikely(power != ARMVCPU_POWER_ON || !vcpu->configured))
		vcpu_start(vcpu);
	exit_complete(vcpu, action);
	if (unlikely(READ_ONCE(run->timing) != vcpu->timed))
		vcpu_set_timing(vcpu);
	if (unlikely(READ_ONCE(run->immediate_exit)))
		return vcpu_interrupted(vcpu);
	/* The barrier is with in_guest. */
	WRITE_ONCE(vcpu->runner, current);
	do {
		pvtime_update(vcpu);
		ret = vcpu_enter(vcpu);
		gic_after(vcpu);
	} while (ret > 0);
	if (!ret)
		trace_armvcpu_user(vcpu, READ_ONCE(run->exit_reason));
	WRITE_ONCE(vcpu->runner, NULL);
	return ret;
}

/* ---- the other ioctls -------------------------------------------------- */

static long vcpu_set_line(struct vcpu *vcpu, void __user *argp)
{
	struct armvcpu_irq_line line;
	u64 bit;

	if (copy_from_user(&line, argp, sizeof(line)))
		return -EFAULT;
	if (vcpu->vm->gic)
		return -ENXIO;
	if (line.level > 1)
		return -EINVAL;
	switch (line.line) {
	case ARMVCPU_LINE_IRQ:
		bit = __ffs(EL2_HCR_VI);
		break;
	case ARMVCPU_LINE_FIQ:
		bit = __ffs(EL2_HCR_VF);
		break;
	default:
		return -EINVAL;
	}
	if (line.level)
		set_bit(bit, (unsigned long *)&vcpu->hyp->lines);
	else
		clear_bit(bit, (unsigned long *)&vcpu->hyp->lines);
	vcpu_kick(vcpu);
	return 0;
}

static long vcpu_get_power(struct vcpu *vcpu, void __user *argp)
{
	struct armvcpu_power power = { .state = vcpu_power(vcpu) };

	return copy_to_user(argp, &power, sizeof(power)) ? -EFAULT : 0;
}

static long vcpu_set_power(struct vcpu *vcpu, void __user *argp)
{
	struct armvcpu_power power;

	if (copy_from_user(&power, argp, sizeof(power)))
		return -EFAULT;
	if (power.flags || (power.state != ARMVCPU_POWER_OFF && power.state != ARMVCPU_POWER_ON))
		return -EINVAL;
	atomic_set(vcpu->power, power.state);
	return 0;
}

static long vcpu_inject(struct vcpu *vcpu, void __user *argp)
{
	struct armvcpu_inject inject;

	if (copy_from_user(&inject, argp, sizeof(inject)))
		return -EFAULT;
	if (inject.flags || inject.type > ARMVCPU_INJECT_UNDEF)
		return -EINVAL;
	if (inject.far && inject.type != ARMVCPU_INJECT_DATA_ABORT &&
	    inject.type != ARMVCPU_INJECT_INSN_ABORT)
		return -EINVAL;
	if (inject.type == ARMVCPU_INJECT_SERROR) {
		vcpu->hyp->hcr |= EL2_HCR_VSE;
		return 0;
	}
	if (vcpu->inject)
		return -EBUSY;
	vcpu->inject = inject.type + 1;
	vcpu->inject_far = inject.far;
	exit_drop(vcpu);
	return 0;
}

/**
 * vcpu_settle() - before anybody looks: another vCPU's CPU_ON may have turned it on
 * @vcpu: the vCPU; its lock is held.
 */
void vcpu_settle(struct vcpu *vcpu)
{
	/* With all of vcpu->on; mirrored in cpu_on() of psci.c. */
	if (likely(atomic_read_acquire(vcpu->power) != POWER_ON_REQUESTED))
		return;
	vcpu_reset(vcpu);
	/* As CPU_ON has it (DEN0022 6.4): the address, the context, the byte order. */
	vcpu->hyp->pc = vcpu->on.entry;
	vcpu_set_reg(vcpu, 0, vcpu->on.context);
	if (vcpu->on.big_endian)
		vcpu->hyp->sys[HYP_SCTLR_EL1] |= SCTLR_ELx_EE;
	atomic_cmpxchg(vcpu->power, POWER_ON_REQUESTED, ARMVCPU_POWER_ON_PENDING);
}

static long vcpu_set_dirty_ring(struct vcpu *vcpu, void __user *argp)
{
	struct armvcpu_set_dirty_ring ring;

	if (copy_from_user(&ring, argp, sizeof(ring)))
		return -EFAULT;
	return dirty_ring_set(vcpu, &ring);
}

static long vcpu_locked_ioctl(struct vcpu *vcpu, unsigned int cmd, void __user *argp)
{
	switch (cmd) {
	case ARMVCPU_INJECT:
		return vcpu_inject(vcpu, argp);
	case ARMVCPU_SET_POWER:
		return vcpu_set_power(vcpu, argp);
	case ARMVCPU_SET_DIRTY_RING:
		return vcpu_set_dirty_ring(vcpu, argp);
	}
	return regs_ioctl(vcpu, cmd, argp);
}

/* All that RUN is not: it does not pay for the others' variables on the stack. */
static noinline long vcpu_other_ioctl(struct vcpu *vcpu, unsigned int cmd, void __user *argp)
{
	long ret;

	/* From any thread, at any time. */
	switch (cmd) {
	case ARMVCPU_SET_IRQ_LINE:
		return vcpu_set_line(vcpu, argp);
	case ARMVCPU_GET_POWER:
		return vcpu_get_power(vcpu, argp);
	}
	if (!vcpu_trylock(vcpu))
		return -EBUSY;
	vcpu_settle(vcpu);
	ret = vcpu_locked_ioctl(vcpu, cmd, argp);
	vcpu_unlock(vcpu);
	return ret;
}

/*
 * fdatasync(): RUN, by a system call that is little more than a call.  Others come here
 * as well (msync() of the run struct): there is nothing to be written back.
 */
static int vcpu_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct vcpu *vcpu = file->private_data;
	int ret;

	if (unlikely(!datasync || start || end != LLONG_MAX))
		return 0;
	if (unlikely(current->mm != vcpu->vm->mm))
		return -EIO;
	/* io_uring's: it has no way to userspace, where signals are. */
	if (unlikely(current->flags & (PF_KTHREAD | PF_IO_WORKER)))
		return -EINVAL;
	if (!vcpu_trylock(vcpu))
		return -EBUSY;
	ret = vcpu_run(vcpu);
	vcpu_unlock(vcpu);
	return ret;
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vcpu *vcpu = file->private_data;

	if (cmd == ARMVCPU_RUN)
		return vcpu_fsync(file, 0, LLONG_MAX, true);
	if (unlikely(current->mm != vcpu->vm->mm))
		return -EIO;
	return vcpu_other_ioctl(vcpu, cmd, (void __user *)arg);
}

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vcpu *vcpu = file->private_data;

	if (current->mm != vcpu->vm->mm)
		return -EIO;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	/* A child is another process. */
	compat_vm_flags_set(vma, VM_DONTCOPY | VM_DONTEXPAND);
	if (vma->vm_pgoff == ARMVCPU_DIRTY_RING_OFFSET >> PAGE_SHIFT)
		return dirty_ring_mmap(vcpu, vma);
	if (vma->vm_pgoff || vma_pages(vma) != 1)
		return -EINVAL;
	return vm_insert_page(vma, vma->vm_start, virt_to_page(vcpu->run));
}

/* ---- beginning and end ------------------------------------------------- */

static void vcpu_free(struct vcpu *vcpu)
{
	if (vcpu->run)
		put_page(virt_to_page(vcpu->run));
	free_page((unsigned long)vcpu->hyp);
	pgt_cache_free(&vcpu->tables);
	dirty_ring_destroy(vcpu);
	kfree(vcpu->scratch);
	kfree(vcpu);
}

static void vcpu_unlink(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	u32 i;

	mutex_lock(&vm->vcpus_lock);
	gic_vcpu_exit(vcpu);
	for (i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpus[i] == vcpu)
			vm->vcpus[i] = NULL;
	WRITE_ONCE(vm->hyp->siblings[vcpu->index].mpidr, ~0ULL);
	WRITE_ONCE(vm->hyp->siblings[vcpu->index].vcpu, 0);
	mutex_unlock(&vm->vcpus_lock);
}

static void vcpu_destroy(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	timer_vcpu_exit(vcpu);
	vcpu_unlink(vcpu);
	/* EL2 of a sibling may be about to post something to it. */
	if (vm->gic) {
		gic_freeze(vm);
		gic_thaw(vm);
	}
	el2_unshare(vcpu->run);
	el2_unshare(vcpu->hyp);
	vcpu_free(vcpu);
	vm_put(vm);
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	vcpu_destroy(file->private_data);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.release = vcpu_release,
	.unlocked_ioctl = vcpu_ioctl,
	.fsync = vcpu_fsync,
	.mmap = vcpu_mmap,
	.llseek = noop_llseek,
};

/* As the core that the caller is on; it stays that wherever the vCPU runs. */
static void vcpu_identify(struct vcpu *vcpu)
{
	preempt_disable();
	vcpu->hyp->vpidr = read_cpuid_id();
	vcpu->revidr = read_sysreg_s(SYS_REVIDR_EL1);
	vcpu->aidr = read_sysreg_s(SYS_AIDR_EL1);
	preempt_enable();
}

static struct vcpu *vcpu_alloc(struct vm *vm, const struct armvcpu_create_vcpu *arg)
{
	struct vcpu *vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);

	if (!vcpu)
		return NULL;
	vcpu->vm = vm;
	vcpu->flags = arg->flags;
	vcpu->mpidr = arg->mpidr;
	rcuwait_init(&vcpu->wait);
	timer_vcpu_init(vcpu);
	vcpu->hyp = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	vcpu->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (fpsimd_needs_scratch())
		vcpu->scratch = kzalloc(sizeof(*vcpu->scratch), GFP_KERNEL_ACCOUNT);
	if (!vcpu->hyp || !vcpu->run || (fpsimd_needs_scratch() && !vcpu->scratch)) {
		vcpu_free(vcpu);
		return NULL;
	}
	vcpu->hyp_pa = virt_to_phys(vcpu->hyp);
	vcpu->hyp->x = virt_to_phys(vcpu->run->x);
	vcpu->hyp->vm = virt_to_phys(vm->hyp);
	vcpu->hyp->counts = virt_to_phys(vcpu->run->stats.el2);
	vcpu->hyp->ring = virt_to_phys(&vcpu->run->posted);
	vcpu->hyp->pvtime = ARMVCPU_NO_STOLEN_TIME;
	if (arg->flags & ARMVCPU_VCPU_WFE_EXITS)
		vcpu->hyp->not_answered |= BIT(HYP_EL2_WFE);
	if (!vm->gic || vm->gic->version != 3)
		vcpu->hyp->not_answered |= BIT(HYP_EL2_SGI) | BIT(HYP_EL2_TIMER);
	if (!vm->gic)
		vcpu->hyp->not_answered |= BIT(HYP_EL2_GIC);
	vcpu->hyp->vmpidr = arg->mpidr | VMPIDR_RES1;
	vcpu_identify(vcpu);
	vcpu->hyp->vttbr = vm->vttbr;
	vcpu->hyp->vtcr = vm->vtcr;
	vcpu_reset(vcpu);
	return vcpu;
}

/* What the others, and EL2, know of it. */
static void vcpu_show(struct vcpu *vcpu)
{
	struct hyp_sibling *sibling = &vcpu->vm->hyp->siblings[vcpu->index];

	static_assert(sizeof(sibling->power) == sizeof(atomic_t));
	vcpu->power = (atomic_t *)&sibling->power;
	atomic_set(vcpu->power, vcpu->flags & ARMVCPU_VCPU_POWERED_OFF ?
				ARMVCPU_POWER_OFF : ARMVCPU_POWER_ON);
	/* Complete, to EL2 of the others. */
	smp_store_release(&sibling->vcpu, vcpu->hyp_pa);
	/* Power before there is somebody that has it. */
	smp_store_release(&sibling->mpidr, vcpu->mpidr);
}

/* Its place among the others. */
static int vcpu_link(struct vm *vm, struct vcpu *vcpu)
{
	static atomic64_t serial = ATOMIC64_INIT(0);
	u32 i, place = ARMVCPU_MAX_VCPUS;
	int ret = 0;

	mutex_lock(&vm->vcpus_lock);
	for (i = 0; i < vm->nr_vcpus; i++) {
		if (!vm->vcpus[i])
			place = min(place, i);
		else if (vm->vcpus[i]->mpidr == vcpu->mpidr)
			ret = -EEXIST;
	}
	place = min(place, vm->nr_vcpus);
	if (!ret && place == ARMVCPU_MAX_VCPUS)
		ret = -ENOSPC;
	vcpu->index = place;
	if (!ret)
		ret = gic_vcpu_init(vcpu);
	if (!ret) {
		vcpu->serial = atomic64_inc_return(&serial);
		vcpu_show(vcpu);
		vm->vcpus[place] = vcpu;
		vm->nr_vcpus = max(vm->nr_vcpus, place + 1);
		/* With its place filled in. */
		smp_store_release(&vm->hyp->nr_siblings, vm->nr_vcpus);
	}
	mutex_unlock(&vm->vcpus_lock);
	return ret;
}

/**
 * vcpu_create() - ARMVCPU_CREATE_VCPU
 * @vm: the VM.
 * @arg: a copy of the caller's.
 *
 * Return: a file descriptor, or an error of the ioctl.
 */
int vcpu_create(struct vm *vm, const struct armvcpu_create_vcpu *arg)
{
	struct vcpu *vcpu;
	int ret;

	if (arg->flags & ~(ARMVCPU_VCPU_POWERED_OFF | ARMVCPU_VCPU_DEBUG_EXITS |
			   ARMVCPU_VCPU_WFE_EXITS))
		return -EINVAL;
	if (arg->reserved || arg->mpidr & ~MPIDR_AFFINITY)
		return -EINVAL;
	if (READ_ONCE(vm->dead))
		return -ENODEV;

	vcpu = vcpu_alloc(vm, arg);
	if (!vcpu)
		return -ENOMEM;
	ret = el2_share(vcpu->hyp);
	if (ret)
		goto out_free;
	ret = el2_share(vcpu->run);
	if (ret)
		goto out_hyp;
	ret = vcpu_link(vm, vcpu);
	if (ret)
		goto out_run;
	vm_get(vm);
	ret = anon_inode_getfd("armvcpu-vcpu", &vcpu_fops, vcpu, O_RDWR | O_CLOEXEC);
	if (ret < 0)
		vcpu_destroy(vcpu);
	return ret;

out_run:
	el2_unshare(vcpu->run);
out_hyp:
	el2_unshare(vcpu->hyp);
out_free:
	vcpu_free(vcpu);
	return ret;
}
