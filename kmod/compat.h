/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels this module builds for: Linux 6.1 to 7.2.
 * Everything that asks for a kernel's version is in here.
 */
#ifndef ARMVCPU_COMPAT_H
#define ARMVCPU_COMPAT_H

#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/task_work.h>
#include <linux/thread_info.h>
#include <linux/version.h>
#include <asm/neon.h>
#include <asm/processor.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "armvcpu needs Linux 6.1 or later"
#endif
#ifndef CONFIG_EVENTFD
#error "armvcpu needs CONFIG_EVENTFD"
#endif

/**
 * compat_fpsimd_release() - the task's FP state leaves the CPU's registers
 * @scratch: where newer kernels keep the state of kernel mode FP.
 *
 * Preemption is off; the registers are nobody's when it is on again.
 */
static inline void compat_fpsimd_release(struct user_fpsimd_state *scratch)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
	kernel_neon_begin(scratch);
	kernel_neon_end(scratch);
#else
	kernel_neon_begin();
	kernel_neon_end();
#endif
}

/**
 * compat_vm_flags_set() - more flags for a mapping that is being made
 * @vma: the mapping.
 * @flags: VM_*.
 */
static inline void compat_vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

/**
 * compat_eventfd_signal() - add 1 to an eventfd's count, or leave it at its highest
 * @ctx: the eventfd.
 */
static inline void compat_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

#ifdef CONFIG_PREEMPT_LAZY
#define COMPAT_TIF_LAZY		_TIF_NEED_RESCHED_LAZY
#else
#define COMPAT_TIF_LAZY		0
#endif

/**
 * compat_task_has_work() - is there a reason for this task not to stay in the kernel?
 *
 * Signals, the scheduler, and what is done on the way to userspace.
 */
static __always_inline bool compat_task_has_work(void)
{
	unsigned long flags = READ_ONCE(current_thread_info()->flags);

	if (likely(!(flags & (_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL | _TIF_NOTIFY_RESUME |
			      _TIF_NEED_RESCHED | COMPAT_TIF_LAZY))))
		return false;
	/* TIF_NOTIFY_RESUME alone has other uses, which can wait. */
	return flags & (_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL | _TIF_NEED_RESCHED |
			COMPAT_TIF_LAZY) || task_work_pending(current);
}

/**
 * compat_resched() - let others run; a quiescent state for RCU and RCU tasks
 *
 * Where the kernel preempts by itself, cond_resched() does nothing; but what asked for it
 * did so while interrupts were off.
 */
static inline void compat_resched(void)
{
	if (READ_ONCE(current_thread_info()->flags) & (_TIF_NEED_RESCHED | COMPAT_TIF_LAZY))
		schedule();
	cond_resched_tasks_rcu_qs();
}

/**
 * compat_hrtimer_setup() - a timer with its function
 * @timer: the timer.
 * @function: what it calls.
 * @clock: CLOCK_*.
 * @mode: HRTIMER_MODE_*.
 */
static inline void compat_hrtimer_setup(struct hrtimer *timer,
					enum hrtimer_restart (*function)(struct hrtimer *),
					clockid_t clock, enum hrtimer_mode mode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

/* get_user_pages_unlocked(): a signal ends a wait, not only a fatal one. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define COMPAT_FOLL_INTERRUPTIBLE	FOLL_INTERRUPTIBLE
#else
#define COMPAT_FOLL_INTERRUPTIBLE	0
#endif

/* What MMU notifiers return that are asked for the age of a page. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
#define compat_young_t		bool
#else
#define compat_young_t		int
#endif

/* Of a mapping without struct pages; the mm's lock is held. */
static inline int compat_follow_pfn_locked(struct vm_area_struct *vma, unsigned long addr,
					   unsigned long *pfn, bool *writable)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	struct follow_pfnmap_args args = { .vma = vma, .address = addr };
	int ret = follow_pfnmap_start(&args);

	if (ret)
		return ret;
	*pfn = args.pfn;
	*writable = args.writable;
	follow_pfnmap_end(&args);
#else
	spinlock_t *lock;	/* the page table's */
	pte_t *pte;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	int ret = follow_pte(vma, addr, &pte, &lock);
#else
	int ret = follow_pte(vma->vm_mm, addr, &pte, &lock);
#endif

	if (ret)
		return ret;
	__acquire(lock);
	*pfn = pte_pfn(*pte);
	*writable = pte_write(*pte);
	pte_unmap_unlock(pte, lock);
#endif
	return 0;
}

/**
 * compat_follow_pfn() - where a mapping without struct pages leads to
 * @mm: the caller's.
 * @addr: address of it.
 * @write: it shall be there to be written.
 * @pfn: out.
 * @writable: out: it may be.
 *
 * Return: 0, -EFAULT (no such mapping), or what the fault returns.
 */
static inline int compat_follow_pfn(struct mm_struct *mm, unsigned long addr, bool write,
				    unsigned long *pfn, bool *writable)
{
	struct vm_area_struct *vma;
	int ret = -EFAULT;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = vma_lookup(mm, addr);
	if (vma && vma->vm_flags & VM_PFNMAP) {
		ret = compat_follow_pfn_locked(vma, addr, pfn, writable);
		if (ret) {
			bool unlocked = false;

			ret = fixup_user_fault(mm, addr, write ? FAULT_FLAG_WRITE : 0, &unlocked);
			/* If it is another mapping by now, the guest faults again. */
			if (!ret)
				ret = unlocked ? -EAGAIN :
				      compat_follow_pfn_locked(vma, addr, pfn, writable);
		}
	}
	mmap_read_unlock(mm);
	return ret;
}

#endif /* ARMVCPU_COMPAT_H */
