/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The EL1 side's own declarations, by the file that defines them.
 *
 * Locks, outermost first: vcpu->busy (only ever tried), pass_mutex (passthrough.c), vm->lock,
 * vm->vcpus_lock, vm->slots_lock, the lock of EL2's map (el2_host.c), vm->irqfds_mutex,
 * an eventfd's, vm->irqfds_lock, gic->lock.  vm_lock_vcpus() tries vcpu->busy within
 * vm->vcpus_lock.  vm->s2_lock is a spin lock within vm->slots_lock, and within all locks
 * of the host's memory management; none of the others is taken under these, but mmap_lock
 * within vm->lock.
 */
#ifndef ARMVCPU_KMOD_H
#define ARMVCPU_KMOD_H

#include <linux/hrtimer.h>
#include <linux/jump_label.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/mm_types.h>
#include <linux/rcuwait.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/armvcpu.h>
#include <asm/debug-monitors.h>
#include <asm/esr.h>
#include <asm/ptrace.h>
#include <asm/sysreg.h>

#include "gic.h"
#include "hyp/hyp.h"

#undef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#define ARMVCPU_MAX_VMS		65535
#define ARMVCPU_MAX_VCPUS	64
#define ARMVCPU_MAX_SLOTS	512
#define ARMVCPU_MIN_IPA_BITS	32
#define ARMVCPU_SLOT_FLAGS	(ARMVCPU_SLOT_READONLY | ARMVCPU_SLOT_LOG_DIRTY | \
				 ARMVCPU_SLOT_DIRTY_ALL | ARMVCPU_SLOT_CHANGE)
#define ARMVCPU_MIN_DIRTY_RING	64
#define ARMVCPU_MAX_DIRTY_RING	65536
#define ARMVCPU_MAX_IOEVENTFDS	512
#define ARMVCPU_IOEVENTFD_FLAGS	ARMVCPU_IOEVENTFD_REMOVE
#define ARMVCPU_MAX_IRQFDS	512
#define ARMVCPU_IRQFD_FLAGS	(ARMVCPU_IRQFD_REMOVE | ARMVCPU_IRQFD_RESAMPLE)
#define ARMVCPU_SMCCC_POLICY_FLAGS	ARMVCPU_SMCCC_POLICY_HVC
#define ARMVCPU_EL2_ANSWERS	(BIT_ULL(ARMVCPU_EL2_SYSREG) | BIT_ULL(ARMVCPU_EL2_CALL) | \
				 BIT_ULL(ARMVCPU_EL2_WFE) | BIT_ULL(ARMVCPU_EL2_SGI) | \
				 BIT_ULL(ARMVCPU_EL2_TIMER) | BIT_ULL(ARMVCPU_EL2_POSTED) | \
				 BIT_ULL(ARMVCPU_EL2_GIC))
#define ARMVCPU_PASS_IRQ_FLAGS	(ARMVCPU_PASS_IRQ_REMOVE | ARMVCPU_PASS_IRQ_EDGE)

struct dentry;
struct file;
struct irq_data;
struct user_fpsimd_state;

/* ---- pgtable.c: translation tables of either stage --------------------- */

/**
 * struct pgtable - a translation table of the host's granule
 * @root: first table; 2^@root_order pages.
 * @root_order: order of the allocation.
 * @start_level: level of @root, 0 to 3.
 * @ia_bits: size of the input address.
 * @gfp: how tables are allocated.
 *
 * The caller serialises all calls on one table, and does the TLB maintenance.
 */
struct pgtable {
	u64 *root;
	unsigned int root_order;
	int start_level;
	unsigned int ia_bits;
	gfp_t gfp;
};

#define PGTABLE_BITS		(PAGE_SHIFT - 3)
#define PGTABLE_SHIFT(level)	(PAGE_SHIFT + (3 - (level)) * PGTABLE_BITS)
#define PGTABLE_SIZE(level)	(1ULL << PGTABLE_SHIFT(level))

/* Descriptors (Arm ARM D8.3): does it map something, and where to. */
#define PGT_VALID		BIT_ULL(0)
#define PGT_ADDRESS		GENMASK_ULL(47, PAGE_SHIFT)

/**
 * struct pgt_cache - tables to be had where nothing can be allocated
 * @count: how many.
 * @tables: zeroed pages.
 */
struct pgt_cache {
	unsigned int count;
	u64 *tables[3];
};

/**
 * struct pgt_walk - a way through a range of a table
 * @addr: the first input address; and the next one, when the way ends before its time.
 * @end: the one behind the last.
 * @budget: so many pages, or blocks of as many pages, may be visited.
 * @visit: called for each with the input address where it begins; it may change the
 *	descriptor.
 * @data: for @visit.
 */
struct pgt_walk {
	u64 addr;
	u64 end;
	unsigned int budget;
	void (*visit)(u64 *entry, u64 addr, int level, void *data);
	void *data;
};

int pgt_init(struct pgtable *pt, unsigned int ia_bits, int start_level, gfp_t gfp);
void pgt_free(struct pgtable *pt);
int pgt_cache_fill(struct pgt_cache *cache, gfp_t gfp);
void pgt_cache_free(struct pgt_cache *cache);
u64 *pgt_reach(struct pgtable *pt, u64 addr, int level, struct pgt_cache *cache);
void pgt_set(u64 *entry, u64 pa, int level, u64 attrs);
void pgt_sync(void);
int pgt_map(struct pgtable *pt, u64 addr, u64 pa, int level, u64 attrs,
	    struct pgt_cache *cache);
u64 *pgt_find(struct pgtable *pt, u64 addr, int *level);
bool pgt_walk(struct pgtable *pt, struct pgt_walk *walk);
void pgt_prune(struct pgtable *pt, u64 addr, u64 size, struct list_head *unused);
void pgt_unmap_page(struct pgtable *pt, u64 addr, struct list_head *unused);
void pgt_free_unused(struct list_head *unused);

/* ---- el2_host.c -------------------------------------------------------- */

/* hyp_blob.S */
extern const char armvcpu_hyp_image[], armvcpu_hyp_image_end[];

int el2_init(void);
void el2_exit(void);
int el2_share(void *page);
void el2_unshare(void *page);
bool el2_ready(void);
/**
 * el2_run() - HYP_CALL_RUN
 * @hyp_pa: physical address of struct hyp_vcpu.
 *
 * Interrupts are off.
 *
 * Return: HYP_EXIT_*; HYP_STUB_ERR: EL2 is not ours any more, see el2_lost().
 */
static __always_inline u64 el2_run(u64 hyp_pa)
{
	register u64 x0 asm("x0") = HYP_CALL_RUN;
	register u64 x1 asm("x1") = hyp_pa;

	asm volatile("hvc #0"
		     : "+r" (x0), "+r" (x1)
		     :
		     : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
		       "x13", "x14", "x15", "x16", "x17", "cc", "memory");
	return x0;
}

u64 el2_call(u64 id, u64 arg1, u64 arg2, u64 arg3, u64 arg4);
void el2_call_any(u64 id, u64 arg1, u64 arg2, u64 arg3, u64 arg4);
void el2_call_here(u64 id, u64 arg1, u64 arg2, u64 arg3, u64 arg4);
void el2_lost(void);
struct vcpu;
void el2_report(const struct vcpu *vcpu);
void el2_debugfs(struct dentry *dir, bool debug);
bool el2_take_provocation_now(void);
void el2_provoke_oops(void);
DECLARE_STATIC_KEY_FALSE(el2_provokes);

/* Shall the next entry fault at EL2?  Only with the module's parameter debug. */
static inline bool el2_take_provocation(void)
{
	return static_branch_unlikely(&el2_provokes) && el2_take_provocation_now();
}

unsigned int el2_vtimer_irq(void);
struct irq_data *el2_irq_data(unsigned int irq);
int el2_map_device(phys_addr_t pa);
void el2_set_redist(phys_addr_t sgi);
u64 el2_redist(void);
unsigned int el2_maintenance_irq(void);
bool el2_caches_differ(void);
bool el2_has_allint(void);
u64 el2_ctr(void);
u64 el2_clidr(void);
extern const struct kernel_param_ops el2_cpus_param_ops;

/* ---- redist.c ---------------------------------------------------------- */

void redist_init(void);
void redist_cpu_up(void);
void redist_destroy(void);

/* ---- spectre.c --------------------------------------------------------- */

enum spectre {
	SPECTRE_V2,
	SPECTRE_V4,
	SPECTRE_BHB,
	NR_SPECTRE
};

#define SPECTRE_SAFE		0	/* nothing to do */
#define SPECTRE_FIRMWARE	1	/* the firmware has a call for it */
#define SPECTRE_VULNERABLE	2	/* nobody does anything, as far as is known */

/* What a CPU does when it leaves a guest: the tables of hyp/vectors.S. */
enum harden {
	HARDEN_NOT,
	HARDEN_FIRMWARE,
	HARDEN_LOOP,
	HARDEN_CLEAR,
	NR_HARDEN
};

/**
 * struct spectre_cpu - what a CPU needs against speculation
 * @features: HYP_HAS_WORKAROUND_1, HYP_HAS_WORKAROUND_3, HYP_HARDENS_BY_FIRMWARE.
 * @how: what it does at each exit of a guest.
 * @arg: the firmware's function id, or how many branches.
 */
struct spectre_cpu {
	u64 features;
	enum harden how;
	u64 arg;
};

void spectre_look(struct spectre_cpu *cpu);
u32 spectre_state(enum spectre what);
bool spectre_exposed(void);
void spectre_pretend(void);

/* ---- vm.c -------------------------------------------------------------- */

struct ioeventfd;
struct memslot;
struct notifier;
struct vcpu;

/* Their places in struct hyp_vm.id: IDREG_<name>. */
#define ID_PLACES
enum id_reg {
#include "idregs.def"
	NR_ID_REGS = 64
};

#undef ID_PLACES

/**
 * struct invalidation - a range of the VMM's memory that the host has taken away
 * @start: address.
 * @end: the one behind it.
 */
struct invalidation {
	unsigned long start;
	unsigned long end;
};

#define NR_INVALIDATIONS	16

/**
 * struct vm - a virtual machine
 * @ref: the VM's file and its vCPUs.
 * @all: among all VMs (stats.c).
 * @mm: address space of the creator, who alone may use it.
 * @hyp: the page it shares with EL2: ID registers, power states, answers.
 * @ipa_bits: size of the guest physical address space.
 * @number: which one it is, of all there have been; for who looks at them.
 * @vtcr: VTCR_EL2.
 * @vttbr: VTTBR_EL2; VMID 0: it has not run yet.
 * @vmid_generation: of the VMID in @vttbr: see vmid.c.
 * @forces_wb: stage2_forces_wb().
 * @lock: @policy, @hyp->id, @started and @notifier.
 * @started: a vCPU has run: @policy and @hyp->id are final.
 * @dead: EL2 faulted under it; it never runs again.
 * @policy: ranges of SMCCC function ids, sorted.
 * @policy_count: number of them.
 * @policy_hvc: they are for HVC, too.
 * @gic: the interrupt controller, or NULL; final once there is a vCPU.
 * @frozen: no vCPU may enter the guest (gic_freeze()).
 * @thawed: who waits until they may.
 * @nr_vcpus: number of @vcpus, which only grows.
 * @vcpus: the vCPUs; an entry below @nr_vcpus is NULL once it is closed.
 * @vcpus_lock: entries of @vcpus against their vCPU going away.
 * @slots_lock: @slots and @ioeventfds; for reading while an address of the guest
 *	is resolved, but not while a page is looked for (see notifier.c).
 * @layout: another number each time that @slots or @ioeventfds have changed; from 1.
 * @nr_slots: number of @slots.
 * @slots: sorted by guest physical address.
 * @nr_ioeventfds: number of @ioeventfds.
 * @ioeventfds: sorted by guest physical address, length and value.
 * @irqfds_mutex: who adds or removes irqfds, and @resamplers.
 * @resamplers: irqfds that want to know of the end of their interrupt.
 * @irqfds_lock: @irqfds and @nr_irqfds; taken in any context.
 * @irqfds: eventfds that raise interrupts.
 * @nr_irqfds: number of them, and of those on their way out.
 * @s2_lock: @s2, @slots (whoever changes these has both locks), and what follows; under
 *	it, nobody sleeps, and what may be reclaimed is not waited for.
 * @s2: stage 2.
 * @notifier: notifier.c's; NULL as long as there has been no slot.  With @lock.
 * @invalidating: so many ranges of the VMM's memory are being taken away,
 * @invalid_start: which lie between this address of the VMM
 * @invalid_end: and this one.
 * @invalidations: how often one has been.
 * @recent: the last ones of these, by that number.
 * @valid: who waits until none is under way.
 * @last_ran: per CPU, the serial number of the vCPU that ran there last.
 * @comm: the name of the thread that made it; for the log.
 * @pid: the process of that thread; for the log.
 */
struct vm {
	struct kref ref;
	struct list_head all;
	struct mm_struct *mm;
	struct hyp_vm *hyp;
	u32 ipa_bits;
	u64 number;
	u64 vtcr;
	u64 vttbr;
	u64 vmid_generation;
	bool forces_wb;

	struct mutex lock;	/* see above */
	bool started;
	bool dead;
	struct armvcpu_smccc_range *policy;
	u32 policy_count;
	bool policy_hvc;

	struct gic *gic;
	atomic_t frozen;
	wait_queue_head_t thawed;

	u32 nr_vcpus;
	struct vcpu *vcpus[ARMVCPU_MAX_VCPUS];
	struct mutex vcpus_lock;	/* see above */

	struct rw_semaphore slots_lock;
	unsigned long layout;
	u32 nr_slots;
	struct memslot *slots[ARMVCPU_MAX_SLOTS];
	u32 nr_ioeventfds;
	struct ioeventfd *ioeventfds[ARMVCPU_MAX_IOEVENTFDS];

	struct mutex irqfds_mutex;	/* see above */
	struct list_head resamplers;
	spinlock_t irqfds_lock;	/* see above */
	struct list_head irqfds;
	u32 nr_irqfds;

	spinlock_t s2_lock;	/* see above */
	struct pgtable s2;
	struct notifier *notifier;
	u32 invalidating;
	unsigned long invalid_start;
	unsigned long invalid_end;
	unsigned long invalidations;
	struct invalidation recent[NR_INVALIDATIONS];
	wait_queue_head_t valid;
	u64 __percpu *last_ran;
	char comm[TASK_COMM_LEN];
	pid_t pid;
};

/**
 * s2_lock_break() - let others have the lock, or the CPU
 * @vm: the VM; its s2_lock is held, and may be let go.
 *
 * As cond_resched_lock(), which on a kernel without preemption does not look who waits.
 */
static inline void s2_lock_break(struct vm *vm)
	__must_hold(&vm->s2_lock)
{
	if (!need_resched() && !spin_is_contended(&vm->s2_lock))
		return;
	spin_unlock(&vm->s2_lock);
	cond_resched();
	spin_lock(&vm->s2_lock);
}

int vm_create(const struct armvcpu_create_vm *arg);
void vm_get(struct vm *vm);
void vm_put(struct vm *vm);
void vm_kick(struct vm *vm);
void vm_kill(struct vm *vm);
int vm_lock_vcpus(struct vm *vm);
void vm_unlock_vcpus(struct vm *vm);
int vm_check_cap(void __user *argp);
u64 vm_count(void);
u64 pstate_mask(void);
bool has_aarch32_el0(void);

/* ---- stats.c ----------------------------------------------------------- */

void stats_add(struct vm *vm);
void stats_remove(struct vm *vm);
void stats_trace(struct vcpu *vcpu);
void stats_debugfs(struct dentry *dir);
void stats_init(void);
void stats_exit(void);

/* ---- memslot.c --------------------------------------------------------- */

/* On this kernel nobody tells what happens to a process' memory: it has to stay. */
#define MEMSLOT_PINNED	(!IS_ENABLED(CONFIG_MMU_NOTIFIER))

/**
 * struct pinned - pages that stay
 * @ref: slots over them: one and those that replace it.
 * @npages: how many.
 * @pages: the pages.
 * @writable: pinned for writing.
 */
struct pinned {
	refcount_t ref;
	u64 npages;
	struct page **pages;
	bool writable;
};

/**
 * struct memslot - guest memory over memory of the VMM
 * @ref: vm->slots, and who has found it there.
 * @id: slot number.
 * @flags: ARMVCPU_SLOT_*.
 * @ipa: guest physical address.
 * @npages: size in pages.
 * @uaddr: address in the VMM.
 * @gone: it is none of the VM's any more: nothing of it may be mapped; with vm->s2_lock.
 * @pinned: its pages, on a kernel where they are that.
 * @dirty: with ARMVCPU_SLOT_LOG_DIRTY, a bit for each page; with vm->s2_lock.
 */
struct memslot {
	refcount_t ref;
	u32 id;
	u32 flags;
	u64 ipa;
	u64 npages;
	u64 uaddr;
	bool gone;
	struct pinned *pinned;
	unsigned long *dirty;
};

int memslot_set(struct vm *vm, const struct armvcpu_mem_slot *arg);
struct memslot *memslot_find(struct vm *vm, u64 ipa);
struct memslot *memslot_by_id(const struct vm *vm, u32 id);
void memslot_get(struct memslot *slot);
void memslot_put(struct vm *vm, struct memslot *slot);
bool memslot_overlaps(struct vm *vm, u64 ipa, u64 size);
void memslot_destroy_all(struct vm *vm);
void memslot_unmap_user(struct vm *vm, u64 start, u64 end, bool may_sleep);
bool memslot_age_user(struct vm *vm, u64 start, u64 end, bool clear);
int memslot_read(struct vm *vm, u64 ipa, void *data, size_t size);
void memslot_write_u64(struct vm *vm, u64 ipa, u64 value);

/* ---- dirty.c ----------------------------------------------------------- */

int dirty_init(struct memslot *slot);
void dirty_destroy(struct memslot *slot);
bool dirty_may_mark(const struct vcpu *vcpu, const struct memslot *slot, u64 index);
void dirty_mark(struct vcpu *vcpu, struct memslot *slot, u64 index);
bool dirty_test_and_clear(struct memslot *slot, u64 index);
void dirty_mark_ipa(struct vm *vm, u64 ipa);
int dirty_ioctl(struct vm *vm, unsigned int cmd, const struct armvcpu_dirty_log *arg);

/* ---- dirty_ring.c ------------------------------------------------------ */

struct dirty_ring;

bool dirty_ring_is_full(const struct vcpu *vcpu);
void dirty_ring_push(struct vcpu *vcpu, const struct memslot *slot, u64 index);
int dirty_ring_set(struct vcpu *vcpu, const struct armvcpu_set_dirty_ring *arg);
void dirty_ring_destroy(struct vcpu *vcpu);
int dirty_ring_mmap(struct vcpu *vcpu, struct vm_area_struct *vma);
int dirty_clear_pages(struct vm *vm, const struct armvcpu_clear_dirty_pages *arg);

/* ---- notifier.c -------------------------------------------------------- */

#ifdef CONFIG_MMU_NOTIFIER
int notifier_add(struct vm *vm);
void notifier_remove(struct vm *vm);
void notifier_wait(struct vm *vm, unsigned long addr);
unsigned long notifier_begin(struct vm *vm);
bool notifier_retry(struct vm *vm, unsigned long begin, unsigned long start,
		    unsigned long end);
#else
static inline int notifier_add(struct vm *vm)
{
	return 0;
}

static inline void notifier_remove(struct vm *vm)
{
}

static inline void notifier_wait(struct vm *vm, unsigned long addr)
{
}

static inline unsigned long notifier_begin(struct vm *vm)
{
	return 0;
}

static inline bool notifier_retry(struct vm *vm, unsigned long begin, unsigned long start,
				  unsigned long end)
{
	return false;
}
#endif

/* ---- pages.c ----------------------------------------------------------- */

/* Pages that are mapped with the one that the guest has touched: they are there. */
#define FAULT_AROUND	16

/**
 * struct pages - pages of a slot, to be mapped
 * @first: number of the first one in the slot.
 * @count: how many.
 * @level: 3: they are in @pages; less: one block of that level, at @pa.
 * @writable: the guest may write to them.
 * @device: no memory: one page of registers, at @pa.
 * @pa: see above.
 * @held: so many of @pages are the VMM's own, and not pinned.
 * @pages: the pages; of a block, its first or the one that was asked for.
 */
struct pages {
	u64 first;
	u64 count;
	int level;
	bool writable;
	bool device;
	phys_addr_t pa;
	u64 held;
	struct page *pages[FAULT_AROUND];
};

int pages_get(struct pages *got, const struct memslot *slot, u64 index, bool write, bool more,
	      u64 ahead);
void pages_set_dirty(struct pages *got);

/* ---- eventfd.c --------------------------------------------------------- */

int ioeventfd_set(struct vm *vm, const struct armvcpu_ioeventfd *arg);
bool ioeventfd_signal(struct vm *vm, u64 ipa, u32 len, u64 data);
bool ioeventfd_overlaps(struct vm *vm, u64 ipa, u64 size);
void ioeventfd_destroy_all(struct vm *vm);

/* ---- posted.c ---------------------------------------------------------- */

int posted_set(struct vm *vm, const struct armvcpu_posted_range *arg);
bool posted_overlaps(struct vm *vm, u64 ipa, u64 size);

/* ---- irqfd.c ----------------------------------------------------------- */

int irqfd_init(void);
void irqfd_exit(void);
int irqfd_set(struct vm *vm, const struct armvcpu_irqfd *arg);
void irqfd_resample(struct vm *vm, u32 intid);
void irqfd_destroy_all(struct vm *vm);

/* ---- passthrough.c ----------------------------------------------------- */

void pass_init(void);
void pass_exit(void);
u32 pass_flags(void);
bool pass_is_direct(void);
int pass_set(struct vm *vm, const struct armvcpu_pass_irq *arg);
void pass_stray(u32 hw_intid);
void pass_cpu_up(void);
void pass_destroy_all(struct vm *vm);

/* ---- stage2.c ---------------------------------------------------------- */

int stage2_check_host(void);
unsigned int stage2_max_ipa_bits(void);
bool stage2_forces_wb(void);
unsigned int stage2_vmid_bits(void);
int stage2_init(struct vm *vm);
u64 stage2_vttbr(const struct vm *vm, u32 vmid);
void stage2_destroy(struct vm *vm);
int stage2_fault(struct vcpu *vcpu, struct memslot *slot, u64 ipa, bool write, bool block,
		 u64 *pages);
bool stage2_touch(struct vm *vm, u64 ipa);
bool stage2_is_device(struct vm *vm, u64 ipa);
int stage2_map_device(struct vm *vm, u64 ipa, u64 pa, u64 size);
void stage2_unmap_device(struct vm *vm, u64 ipa, u64 size);
void stage2_unmap(struct vm *vm, u64 ipa, u64 size, bool may_sleep);
void stage2_protect(struct vm *vm, u64 ipa, u64 size, bool may_sleep);
void stage2_protect_some(struct vm *vm, u64 ipa, const unsigned long *which, u64 count);
void stage2_protect_pages(struct vm *vm, const u64 *ipas, u32 count);
bool stage2_age(struct vm *vm, u64 ipa, u64 size, bool clear);
void stage2_clean(struct vm *vm);

/* ---- vmid.c ------------------------------------------------------------ */

bool vmid_is_current(const struct vm *vm);
void vmid_take(struct vm *vm);

/* ---- vcpu.c ------------------------------------------------------------ */

/**
 * struct exit_state - what completes the exit that is pending
 * @reason: ARMVCPU_EXIT_*, NONE if there is nothing to complete.
 * @rt: of a system register: destination of a read, 31 for none.
 * @is_write: ...: direction.
 * @swap: of MMIO: the guest's access was big-endian.
 * @masked: of a call: x1 to x7 were cut to 32 bits.
 * @args: and this is what they were.
 * @far: FAR_EL2, for an abort that is injected.
 * @esr: ESR_EL2.
 */
struct exit_state {
	u8 reason;
	u8 rt;
	bool is_write;
	bool swap;
	bool masked;
	u64 args[7];
	u64 far;
	u64 esr;
};

/**
 * struct cpu_on - arguments of PSCI's CPU_ON
 * @entry: PC.
 * @context: x0.
 * @big_endian: SCTLR_EL1.EE of the caller.
 */
struct cpu_on {
	u64 entry;
	u64 context;
	bool big_endian;
};

/* A few devices; each page has its place. */
#define NR_MMIO_NOTES	4
#define MMIO_NOTE(ipa)	((ipa) >> 12 & (NR_MMIO_NOTES - 1))

/**
 * struct mmio_note - a page of guest physical addresses that a vCPU was at
 * @page: its first address; there is no memory, nor the GIC.
 * @layout: vm->layout at that time: if it still is that, so is the rest.
 * @eventfds: a write may signal one.
 */
struct mmio_note {
	u64 page;
	unsigned long layout;
	bool eventfds;
};

/**
 * struct timer_vcpu - a vCPU's timers
 * @wait: stands in for the virtual timer while the vCPU waits.
 * @advance: nanoseconds that it is early.
 * @soon: it has been.
 * @fired: the counter when it was.
 * @latency: ticks from there until it is awake, of the last few times.
 * @phys: the physical timer.
 * @p_ctl: CNTP_CTL_EL0: ENABLE, IMASK.  Changed while @phys is not queued.
 * @p_cval: CNTP_CVAL_EL0, the same way.
 */
struct timer_vcpu {
	struct hrtimer wait;
	u64 advance;
	bool soon;
	u64 fired;
	u64 latency;
	struct hrtimer phys;
	u64 p_ctl;
	u64 p_cval;
};

/**
 * struct pvtime - a vCPU's stolen time
 * @stolen: nanoseconds so far.
 * @last: what @task had waited by then.
 * @task: who ran the vCPU last.
 */
struct pvtime {
	u64 stolen;
	u64 last;
	const struct task_struct *task;
};

/**
 * struct vcpu_debug - debug registers as the guest sees them
 * @regs: breakpoints and watchpoints.
 * @mdscr: MDSCR_EL1.
 * @osdlr: OSDLR_EL1.
 * @mapped: ID_AA64DFR0_EL1 of the CPUs for which hyp->debug has them; 0: none.
 */
struct vcpu_debug {
	struct hyp_debug regs;
	u64 mdscr;
	u64 osdlr;
	u64 mapped;
};

/**
 * struct vcpu - a virtual CPU
 * @vm: its VM.
 * @hyp: the page it shares with EL2.
 * @run: the page it shares with the VMM, and EL2 for the registers in it.
 * @hyp_pa: physical address of @hyp.
 * @busy: the vCPU's lock: 1 in every ioctl but those that say otherwise; in RUN all
 *	along.  Nobody waits for it.
 * @flags: ARMVCPU_VCPU_*.
 * @mpidr: VMPIDR_EL2.
 * @index: its place in vm->vcpus.
 * @configured: it has run: nothing of what it is changes any more.
 * @revidr: REVIDR_EL1.
 * @aidr: AIDR_EL1.
 * @serial: unique for ever, never 0.
 * @power: ARMVCPU_POWER_* or POWER_ON_REQUESTED: its hyp_sibling's.
 * @on: how another vCPU's CPU_ON wants it to begin; while it is POWER_ON_REQUESTED.
 * @pending: the exit to complete.
 * @timed: @run->timing, as far as it has been noticed.
 * @left: of @run->times: what it is out of the guest for; NULL: it is not.
 * @left_at: the counter when it began.
 * @mmio: where the last MMIO exits were.
 * @inject: ARMVCPU_INJECT_* + 1 of a synchronous exception to take at entry.
 * @inject_far: its FAR_EL1.
 * @runner: the task in RUN, for kicks.
 * @wait: that task, while it waits for an interrupt.
 * @kicked: it shall not wait (any longer).
 * @in_guest: it is in the guest, or nearly: its interrupts are not in memory.
 * @cleaned: cache maintenance by set/way has been done, caches are as then.
 * @debug: debug registers.
 * @scratch: for compat_fpsimd_release().
 * @gic: its side of the interrupt controller.
 * @timer: its timers.
 * @pvtime: its stolen time.
 * @tables: for stage 2, before its lock is taken.
 * @next_fault: guest physical address behind what the last fault has mapped.
 * @ahead: so many pages were brought in by it that nobody had touched.
 * @again: so many faults in a row came to nothing.
 * @ring: of dirty pages, or NULL.
 */
struct vcpu {
	struct vm *vm;
	struct hyp_vcpu *hyp;
	struct armvcpu_run *run;
	u64 hyp_pa;
	atomic_t busy;
	u32 flags;
	u32 index;
	bool configured;
	u64 revidr;
	u64 aidr;
	u64 serial;
	u64 mpidr;
	atomic_t *power;
	struct cpu_on on;
	struct exit_state pending;
	u8 timed;
	u64 *left;
	u64 left_at;
	struct mmio_note mmio[NR_MMIO_NOTES];
	u32 inject;
	u64 inject_far;
	struct task_struct *runner;
	struct rcuwait wait;
	bool kicked;
	bool in_guest;
	bool cleaned;
	struct vcpu_debug debug;
	struct user_fpsimd_state *scratch;
	struct gic_vcpu gic;
	struct timer_vcpu timer;
	struct pvtime pvtime;
	struct pgt_cache tables;
	u64 next_fault;
	u32 ahead;
	u32 again;
	struct dirty_ring *ring;
};

/*
 * ON_PENDING as others see it: CPU_ON has come, and the vCPU is reset by the
 * next ioctl that has its lock.
 */
#define POWER_ON_REQUESTED	HYP_POWER_ON_REQUESTED

void vcpu_init(void);
int vcpu_create(struct vm *vm, const struct armvcpu_create_vcpu *arg);
void vcpu_reset(struct vcpu *vcpu);
void vcpu_settle(struct vcpu *vcpu);
void vcpu_unload(void);
void vcpu_kick(struct vcpu *vcpu);
void vcpu_wake(struct vcpu *vcpu);
void vcpu_block(struct vcpu *vcpu);
u32 vcpu_power(const struct vcpu *vcpu);

static inline bool vcpu_trylock(struct vcpu *vcpu)
{
	return !atomic_xchg_acquire(&vcpu->busy, 1);
}

static inline void vcpu_unlock(struct vcpu *vcpu)
{
	atomic_set_release(&vcpu->busy, 0);
}

/* One more, in the page that the VMM has, too. */
static inline void vcpu_count(u64 *count)
{
	WRITE_ONCE(*count, READ_ONCE(*count) + 1);
}

static inline void vcpu_count_more(u64 *count, u64 n)
{
	WRITE_ONCE(*count, READ_ONCE(*count) + n);
}

static inline u64 vcpu_sys(const struct vcpu *vcpu, enum hyp_sysreg reg)
{
	return vcpu->hyp->sys[reg];
}

static inline void vcpu_set_sys(struct vcpu *vcpu, enum hyp_sysreg reg, u64 value)
{
	vcpu->hyp->sys[reg] = value;
}

/* HCR_EL2 bits that more than one file handles. */
#define EL2_HCR_VSE		BIT_ULL(8)
#define EL2_HCR_TVM		BIT_ULL(26)	/* writes of the registers of stage 1 */

static inline bool vcpu_caches_on(const struct vcpu *vcpu)
{
	u64 on = SCTLR_ELx_M | SCTLR_ELx_C;

	return (vcpu_sys(vcpu, HYP_SCTLR_EL1) & on) == on;
}

static inline u64 vcpu_reg(const struct vcpu *vcpu, unsigned int reg)
{
	return reg == 31 ? 0 : READ_ONCE(vcpu->run->x[reg]);
}

static inline void vcpu_set_reg(struct vcpu *vcpu, unsigned int reg, u64 value)
{
	if (reg != 31)
		WRITE_ONCE(vcpu->run->x[reg], value);
}

static inline bool vcpu_aarch32(const struct vcpu *vcpu)
{
	return vcpu->hyp->pstate & PSR_MODE32_BIT;
}

static inline bool vcpu_user(const struct vcpu *vcpu)
{
	return (vcpu->hyp->pstate & 0xf) == PSR_MODE_EL0t;
}

/* ---- exit.c and the families of handlers ------------------------------- */

/*
 * A handler returns > 0: back into the guest; 0: to the VMM, the exit is in
 * the run struct; < 0: RUN fails with this error.
 */
typedef int (*exit_handler)(struct vcpu *vcpu);

int exit_handle(struct vcpu *vcpu, u64 code);
int exit_check_action(struct vcpu *vcpu, u8 action);
void exit_complete_any(struct vcpu *vcpu, u8 action);
void exit_drop(struct vcpu *vcpu);
int exit_to_user(struct vcpu *vcpu, u32 reason);
int exit_fail(struct vcpu *vcpu, u32 reason, int err);
void skip_insn_aarch32(struct vcpu *vcpu);
bool cond_passes(struct vcpu *vcpu);
u64 timer_deadline(struct vcpu *vcpu);

int mmio_exit(struct vcpu *vcpu, u64 ipa, bool readonly);
int mmio_to_user(struct vcpu *vcpu, u64 ipa);
void mmio_note_page(struct vcpu *vcpu, u64 ipa);
bool mmio_signal(struct vcpu *vcpu, u64 ipa);
void mmio_complete(struct vcpu *vcpu);

/* exit_to_user() for who is in a hurry. */
static __always_inline int exit_to_user_inline(struct vcpu *vcpu, u32 reason)
{
	struct armvcpu_run *run = vcpu->run;
	const struct hyp_vcpu *hyp = vcpu->hyp;
	u64 pc = hyp->pc, pstate = hyp->pstate, esr = hyp->esr, far = hyp->far;

	run->pc = pc;
	run->pstate = pstate;
	run->esr = esr;
	run->far = far;
	run->hpfar = hyp->hpfar;
	WRITE_ONCE(run->exit_reason, reason);
	vcpu_count(&run->stats.user[reason]);
	if (unlikely(reason == ARMVCPU_EXIT_INTR)) {
		WRITE_ONCE(run->esr, 0);
		return 0;
	}
	vcpu->pending.reason = reason;
	vcpu->pending.far = far;
	vcpu->pending.esr = esr;
	return 0;
}

/* ISS of the exceptions that stage 2 and external aborts make. */
#define ISS_CM			BIT_ULL(8)
#define ISS_S1PTW		BIT_ULL(7)
#define ISS_WNR			BIT_ULL(6)
#define ISS_ISV			BIT_ULL(24)
#define FSC_TYPE		0x3cULL
#define FSC_TRANSLATION		0x04

static inline u64 fault_ipa(const struct vcpu *vcpu)
{
	return vcpu->hyp->hpfar >> 4 << 12 | (vcpu->hyp->far & 0xfff);
}

/**
 * mmio_is_noted() - is it known what lies there: nothing that the module looks after?
 * @vcpu: the vCPU.
 * @ipa: guest physical address.
 * @write: direction.
 */
static inline bool mmio_is_noted(const struct vcpu *vcpu, u64 ipa, bool write)
{
	const struct mmio_note *note = &vcpu->mmio[MMIO_NOTE(ipa)];

	return (ipa ^ note->page) < 4096 && !(write && note->eventfds) &&
	       READ_ONCE(vcpu->vm->layout) == note->layout;
}

/**
 * skip_insn() - move PC behind the instruction that trapped
 * @vcpu: the vCPU; the syndrome is that of the trap.
 */
static inline void skip_insn(struct vcpu *vcpu)
{
	struct hyp_vcpu *hyp = vcpu->hyp;

	if (unlikely(vcpu_aarch32(vcpu))) {
		skip_insn_aarch32(vcpu);
		return;
	}
	hyp->pc += 4;
	/* The step of a single-stepped instruction is over. */
	hyp->pstate &= ~(u64)(PSR_BTYPE_MASK | DBG_SPSR_SS);
}

/**
 * mmio_is_again() - a device of the VMM's, where the guest has been just now?
 * @vcpu: the vCPU, after a trap.
 */
static __always_inline bool mmio_is_again(struct vcpu *vcpu)
{
	u64 esr = vcpu->hyp->esr;

	return (esr & (ESR_ELx_EC_MASK | ISS_ISV | ISS_CM | ISS_S1PTW | FSC_TYPE)) ==
	       ((u64)ESR_ELx_EC_DABT_LOW << ESR_ELx_EC_SHIFT | ISS_ISV | FSC_TRANSLATION) &&
	       mmio_is_noted(vcpu, fault_ipa(vcpu), esr & ISS_WNR);
}

/**
 * exit_complete() - do what the VMM decided about the pending exit
 * @vcpu: the vCPU.
 * @action: checked by exit_check_action().
 */
static inline void exit_complete(struct vcpu *vcpu, u8 action)
{
	if (likely(vcpu->pending.reason == ARMVCPU_EXIT_MMIO &&
		   action == ARMVCPU_ACTION_COMPLETE)) {
		vcpu->pending.reason = ARMVCPU_EXIT_NONE;
		mmio_complete(vcpu);
	} else if (vcpu->pending.reason) {
		exit_complete_any(vcpu, action);
	}
}

int abort_exit(struct vcpu *vcpu);

int sysreg_exit(struct vcpu *vcpu);
void sysreg_complete(struct vcpu *vcpu);
void sysreg_caches_changed(struct vcpu *vcpu);

/* ---- idregs.c ---------------------------------------------------------- */

void idregs_init(struct vm *vm);
void idregs_show_gicv3(struct vm *vm);
bool idregs_has_fp(struct vm *vm);
bool idregs_has_pauth(struct vm *vm);
bool idregs_get(struct vm *vm, u32 encoding, u64 *value);
int idregs_set(struct vm *vm, u32 encoding, u64 value);
unsigned int idregs_list(u32 *ids, unsigned int room);

int psci_call(struct vcpu *vcpu);

int hvc_exit(struct vcpu *vcpu);
int smc_exit(struct vcpu *vcpu);
void call_complete(struct vcpu *vcpu);
void smccc_configure(struct vm *vm);
int smccc_set_policy(struct vm *vm, void __user *argp);

void inject_undef(struct vcpu *vcpu);
void inject_abort(struct vcpu *vcpu, bool insn, u64 far, u32 fsc);
void inject_pending(struct vcpu *vcpu);

/* ---- timer.c ----------------------------------------------------------- */

void timer_init(void);
void timer_cpu_changed(void);
void timer_cpu_quiet(void);
void timer_vcpu_init(struct vcpu *vcpu);
void timer_vcpu_reset(struct vcpu *vcpu);
void timer_vcpu_exit(struct vcpu *vcpu);
void timer_bind(struct vcpu *vcpu);
void timer_set_active(bool active);
void timer_vtimer_set(struct vcpu *vcpu);
void timer_offset_set(struct vm *vm);
u64 timer_vtimer_look(struct vcpu *vcpu);
void timer_taken(bool active);
void timer_block(struct vcpu *vcpu, u64 advance_ns);
bool timer_is_soon(struct vcpu *vcpu);
u64 timer_advance(const struct vcpu *vcpu, u64 max_ns);
bool timer_is_over(const struct vcpu *vcpu, u64 deadline);
bool timer_is_near(const struct vcpu *vcpu, u64 deadline, u64 ns);
void timer_unblock(struct vcpu *vcpu);
bool timer_sysreg(struct vcpu *vcpu, u32 encoding, bool write, u64 *value);
bool timer_get(struct vcpu *vcpu, u32 encoding, u64 *value);
bool timer_set(struct vcpu *vcpu, u32 encoding, u64 value);

/* CNTV_CTL_EL0, CNTP_CTL_EL0 */
#define TIMER_CTL_ENABLE	BIT(0)
#define TIMER_CTL_IMASK		BIT(1)
#define TIMER_CTL_ISTATUS	BIT(2)

/*
 * The virtual timer's interrupt of this CPU is active: then it does not interrupt,
 * although the timer in the CPU says it should.  -1: nobody knows.
 */
DECLARE_PER_CPU(s8, vtimer_active);

/**
 * timer_enter() - is this CPU's interrupt to be heard of?
 * @active: the guest's is pending or active, or there is no GIC: nobody would quiet it.
 *
 * Interrupts are off.  It is not while the guest has heard of it.  As an interrupt that
 * is active in the host's GIC, it is deactivated by the guest itself, by way of its list
 * register.
 */
static inline void timer_enter(u8 active)
{
	if (unlikely(__this_cpu_read(vtimer_active) != active))
		timer_set_active(active);
}

/* ---- gic.c, around a slice --------------------------------------------- */

/**
 * gic_enter() - what is ready into the list registers, and the virtual timer
 * @vcpu: the vCPU, about to enter the guest.  Interrupts are off.
 * @hyp: its page.
 */
static inline void gic_enter(struct vcpu *vcpu, struct hyp_vcpu *hyp)
{
	const struct gic_irq *vtimer = &vcpu->gic.private[GIC_PPI_VTIMER];

	if (unlikely(READ_ONCE(hyp->posted)))
		gic_collect(vcpu);
	if (READ_ONCE(vcpu->gic.changed))
		gic_fill(vcpu);
	/* It may have changed EOImode. */
	if (unlikely(gic_host_is_v2() || hyp->gic.vmcr & VMCR_EOIM))
		gic_host_enter(vcpu);
	timer_enter(READ_ONCE(vtimer->level) | READ_ONCE(vtimer->pending) |
		    READ_ONCE(vtimer->active));
}

/**
 * gic_exit() - what the list registers say, back into the state; and the virtual timer's
 *	line, as it was when the guest stopped
 * @vcpu: the vCPU, out of the guest.  Interrupts are off.
 * @hyp: its page.
 */
static inline void gic_exit(struct vcpu *vcpu, struct hyp_vcpu *hyp)
{
	u64 ctl = hyp->sys[HYP_CNTV_CTL_EL0];
	bool level = (ctl & (TIMER_CTL_ENABLE | TIMER_CTL_IMASK | TIMER_CTL_ISTATUS)) ==
		     (TIMER_CTL_ENABLE | TIMER_CTL_ISTATUS);

	if (gic_host_is_v2())
		gic_host_leave(vcpu);
	if (hyp->doorbell) {
		WRITE_ONCE(hyp->doorbell, 0);
		/* Who sees that tells us in another way; mirrored in hyp_gic_post(). */
		smp_mb();
		if (unlikely(READ_ONCE(hyp->posted)))
			gic_collect(vcpu);
	}
	/* With those of EL2. */
	if (hyp->gic.used | hyp->gic.news)
		gic_empty(vcpu);
	if (unlikely(level != READ_ONCE(vcpu->gic.private[GIC_PPI_VTIMER].level)))
		gic_set_line(vcpu->vm, vcpu, GIC_PPI_VTIMER, level);
}

/**
 * gic_after() - what an exit has left for when interrupts are on
 * @vcpu: the vCPU, in its own thread, out of the guest.  May sleep.
 */
static inline void gic_after(struct vcpu *vcpu)
{
	if (unlikely(vcpu->gic.later))
		gic_later(vcpu);
}

/* ---- pvtime.c ---------------------------------------------------------- */

bool pvtime_supported(void);
int pvtime_set(struct vcpu *vcpu, u64 ipa);
void pvtime_tell(struct vcpu *vcpu);

static inline void pvtime_update(struct vcpu *vcpu)
{
	if (unlikely(vcpu->hyp->pvtime != ARMVCPU_NO_STOLEN_TIME))
		pvtime_tell(vcpu);
}

/* ---- regs.c ------------------------------------------------------------ */

long regs_ioctl(struct vcpu *vcpu, unsigned int cmd, void __user *argp);

/* ---- debug.c ----------------------------------------------------------- */

void debug_reset(struct vcpu *vcpu);
bool debug_enter(struct vcpu *vcpu);
bool debug_get(struct vcpu *vcpu, u32 encoding, u64 *value);
int debug_set(struct vcpu *vcpu, u32 encoding, u64 value);
unsigned int debug_list(struct vcpu *vcpu, u32 *ids, unsigned int room);
bool debug_access(struct vcpu *vcpu, u32 encoding, bool write, u64 *value);

/* ---- fpsimd.c ---------------------------------------------------------- */

void fpsimd_init(void);
bool fpsimd_needs_scratch(void);
void fpsimd_enter(struct vcpu *vcpu);
DECLARE_STATIC_KEY_FALSE(fpsimd_long);

/* Has the host registers that are longer than V0 to V31? */
static inline bool fpsimd_is_long(void)
{
	return static_branch_unlikely(&fpsimd_long);
}

#endif /* ARMVCPU_KMOD_H */
