/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libarmvcpu: the ioctls of /dev/armvcpu as functions; and what a load or store does
 * that the CPU has not described.
 *
 * A thin layer without policy: it keeps no state of its own, starts no thread,
 * prints nothing unless asked to, and adds no rule to those in
 * <linux/armvcpu.h>, which stays the manual.
 *
 * Return values: functions that return int give 0 (or a file descriptor) on
 * success and a negative errno on failure; errno itself is not promised to be
 * left alone. The errors listed with a function are those it adds to what the
 * ioctl behind it documents.
 *
 * Threads: every function may be called from any thread. Calls that name the
 * same vCPU exclude each other in the module: while one thread is in
 * armvcpu_vcpu_run(), a second armvcpu_vcpu_run() and the register functions
 * fail with -EBUSY. armvcpu_vcpu_set_irq_line(), armvcpu_vcpu_request_exit(),
 * armvcpu_vcpu_get_power(), armvcpu_vcpu_next_posted() and
 * armvcpu_vcpu_take_dirty_pages() work at any time.
 */
#ifndef _LIBARMVCPU_H
#define _LIBARMVCPU_H

#include <stddef.h>
#include <stdio.h>
#include <stdbool.h>
#include <linux/armvcpu.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ARMVCPU_DEVICE		"/dev/armvcpu"

/* ---- /dev/armvcpu ------------------------------------------------------ */

/**
 * armvcpu_open() - open the system file and check the version of its API
 * @path: device file; NULL for %ARMVCPU_DEVICE.
 *
 * Return: a file descriptor (close-on-exec), or what open() gave (-ENOENT: the
 * module is not loaded, -EACCES: no permission, ...), -ENOTTY if @path is
 * something else, -EPROTO if the module speaks another version than
 * %ARMVCPU_API_VERSION.
 */
int armvcpu_open(const char *path);

/**
 * armvcpu_check_cap() - ask for one capability
 * @fd: system or VM file.
 * @cap: ARMVCPU_CAP_*.
 * @value: out: the value; 0 if the module does not know @cap.
 *
 * Return: 0, or a negative errno and @value untouched.
 */
int armvcpu_check_cap(int fd, __u32 cap, __u64 *value);

/* ---- VM ---------------------------------------------------------------- */

/**
 * armvcpu_vm_create() - create a VM
 * @fd: system file.
 * @ipa_bits: size of the guest physical address space in bits, 0 for the
 *	module's choice.
 *
 * The VM lives until the file that this returns and all its vCPUs are closed;
 * @fd may be closed earlier.
 *
 * Return: the VM's file descriptor (close-on-exec), or a negative errno.
 */
int armvcpu_vm_create(int fd, __u32 ipa_bits);

/**
 * armvcpu_vm_add_slot() - give the guest memory
 * @vm: VM file.
 * @slot: number of a slot that is free; with %ARMVCPU_SLOT_CHANGE, of one in use.
 * @flags: ARMVCPU_SLOT_*.
 * @ipa: guest physical address.
 * @mem: the caller's mapping.
 * @size: bytes, not 0.
 *
 * @ipa, @mem and @size are multiples of %ARMVCPU_CAP_PAGE_SIZE. The guest has what
 * is mapped there at each moment; see struct armvcpu_mem_slot.
 *
 * Return: 0, or a negative errno; -EINVAL also for a @size of 0.
 */
int armvcpu_vm_add_slot(int vm, __u32 slot, __u32 flags, __u64 ipa, void *mem,
			__u64 size);

/**
 * armvcpu_vm_delete_slot() - take memory back
 * @vm: VM file.
 * @slot: number of a slot in use.
 *
 * On return no vCPU reaches the memory any more. Works while vCPUs run.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vm_delete_slot(int vm, __u32 slot);

/**
 * armvcpu_vm_get_dirty_log() - which pages of a slot have been written to
 * @vm: VM file.
 * @slot: number of a slot with %ARMVCPU_SLOT_LOG_DIRTY.
 * @clear: they are clean from now on.
 * @first: number of a page, a multiple of 64.
 * @count: pages from there on.
 * @bitmap: out: a bit for each, in (@count + 63) / 64 words.
 *
 * See struct armvcpu_dirty_log.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vm_get_dirty_log(int vm, __u32 slot, bool clear, __u64 first,
			     __u64 count, __u64 *bitmap);

/**
 * armvcpu_vm_clear_dirty_log() - pages are clean from now on
 * @vm: VM file.
 * @slot: number of a slot with %ARMVCPU_SLOT_LOG_DIRTY.
 * @first: number of a page, a multiple of 64.
 * @count: pages from there on.
 * @bitmap: a bit for each that is meant.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vm_clear_dirty_log(int vm, __u32 slot, __u64 first, __u64 count,
			       const __u64 *bitmap);

/**
 * armvcpu_vm_mark_dirty() - the caller has written to pages itself
 * @vm: VM file.
 * @slot: number of a slot with %ARMVCPU_SLOT_LOG_DIRTY.
 * @first: number of a page, a multiple of 64.
 * @count: pages from there on.
 * @bitmap: a bit for each that is meant.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vm_mark_dirty(int vm, __u32 slot, __u64 first, __u64 count,
			  const __u64 *bitmap);

/**
 * armvcpu_vm_clear_dirty_pages() - pages of any slots are clean from now on
 * @vm: VM file.
 * @pages: the pages.
 * @count: how many, at least 1 and at most %ARMVCPU_CAP_MAX_DIRTY_RING.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vm_clear_dirty_pages(int vm, const struct armvcpu_dirty_page *pages,
				 __u32 count);

/**
 * armvcpu_vm_create_gic() - give the VM an interrupt controller
 * @vm: VM file.
 * @version: 2 or 3; %ARMVCPU_CAP_GIC_VERSIONS tells what the host can.
 * @nr_irqs: INTIDs, a multiple of 32 from 64 to 1024.
 * @max_vcpus: vCPUs that the VM can have.
 * @dist: guest physical address of the distributor.
 * @cpu: of the CPU interface (GICv2), or of the redistributors (GICv3).
 *
 * Before the first vCPU is created.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vm_create_gic(int vm, __u32 version, __u32 nr_irqs, __u32 max_vcpus,
			  __u64 dist, __u64 cpu);

/**
 * armvcpu_vm_set_spi() - raise or lower the line of a shared interrupt
 * @vm: VM file.
 * @intid: INTID, from 32 on.
 * @level: 1 or 0.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vm_set_spi(int vm, __u32 intid, int level);

/**
 * armvcpu_vm_set_ppi() - raise or lower the line of a vCPU's private interrupt
 * @vm: VM file.
 * @mpidr: the vCPU.
 * @intid: INTID, 16 to 31.
 * @level: 1 or 0.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vm_set_ppi(int vm, __u64 mpidr, __u32 intid, int level);

/**
 * armvcpu_vm_get_gic_reg() - a register of the interrupt controller
 * @vm: VM file; none of its vCPUs runs.
 * @space: ARMVCPU_GIC_*.
 * @offset: which one.
 * @mpidr: whose, if each vCPU has its own; otherwise 0.
 * @value: out.
 *
 * Return: 0, or a negative errno and @value untouched.
 */
int armvcpu_vm_get_gic_reg(int vm, __u32 space, __u32 offset, __u64 mpidr,
			   __u64 *value);

/**
 * armvcpu_vm_set_gic_reg() - set a register of the interrupt controller
 * @vm: VM file; none of its vCPUs runs.
 * @space: ARMVCPU_GIC_*.
 * @offset: which one.
 * @mpidr: whose, if each vCPU has its own; otherwise 0.
 * @value: its value, bit for bit.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vm_set_gic_reg(int vm, __u32 space, __u32 offset, __u64 mpidr,
			   __u64 value);

/**
 * armvcpu_vm_reset_gic() - the interrupt controller in the state of a reset
 * @vm: VM file; none of its vCPUs runs.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vm_reset_gic(int vm);

/**
 * armvcpu_vm_set_smccc_policy() - say what the guest's SMC calls do, and HVCs
 * @vm: VM file.
 * @flags: ARMVCPU_SMCCC_POLICY_*: bits of %ARMVCPU_CAP_SMCCC_POLICY_FLAGS.
 * @ranges: ranges of function ids; the call does not keep the array.
 * @count: number of @ranges, 0 to %ARMVCPU_SMCCC_MAX_RANGES.
 *
 * Replaces the whole list. Only before the first vCPU has run.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vm_set_smccc_policy(int vm, __u32 flags,
				const struct armvcpu_smccc_range *ranges,
				__u32 count);

/**
 * armvcpu_vm_set_el2_answers() - say what EL2 answers by itself
 * @vm: VM file.
 * @mask: 1 << ARMVCPU_EL2_*: bits of %ARMVCPU_CAP_EL2_ANSWERS, which is what a
 *	VM begins with.
 *
 * What EL2 does not answer, the module does: a guest notices nothing. Works
 * while vCPUs run.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vm_set_el2_answers(int vm, __u64 mask);

/**
 * armvcpu_vm_add_posted() - post the guest's writes to a range
 * @vm: VM file.
 * @ipa: guest physical address.
 * @size: bytes.
 *
 * For good, and only before the first vCPU has run. The VMM takes the writes
 * out with armvcpu_vcpu_next_posted(), at the latest before it looks at the next
 * exit of that vCPU; a write can still be an exit as without.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vm_add_posted(int vm, __u64 ipa, __u64 size);

/**
 * armvcpu_vm_set_ioeventfd() - writes of the guest signal, and are no exits
 * @vm: VM file.
 * @arg: see struct armvcpu_ioeventfd; ARMVCPU_IOEVENTFD_REMOVE removes.
 *
 * Works while vCPUs run: on return it is in effect, or over.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vm_set_ioeventfd(int vm, const struct armvcpu_ioeventfd *arg);

/**
 * armvcpu_vm_set_irqfd() - an eventfd raises an SPI
 * @vm: VM file.
 * @arg: see struct armvcpu_irqfd; ARMVCPU_IRQFD_REMOVE removes.
 *
 * Works while vCPUs run: on return it is in effect, or over.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vm_set_irqfd(int vm, const struct armvcpu_irqfd *arg);

/**
 * armvcpu_vm_pass_irq() - an interrupt of the host's becomes the guest's
 * @vm: file of the VM.
 * @arg: see struct armvcpu_pass_irq; ARMVCPU_PASS_IRQ_REMOVE removes.
 *
 * Needs CAP_SYS_RAWIO.
 *
 * Return: 0 or -errno.
 */
int armvcpu_vm_pass_irq(int vm, const struct armvcpu_pass_irq *arg);

/* ---- vCPU -------------------------------------------------------------- */

/**
 * struct armvcpu_vcpu - a vCPU and its run struct
 * @fd: vCPU file.
 * @run_size: bytes mapped at @run.
 * @run: what is shared with the module.
 * @run_by_fdatasync: %ARMVCPU_CAP_RUN_BY_FDATASYNC of the module.
 * @ring: its ring of dirty pages, or NULL: armvcpu_vcpu_set_dirty_ring().
 * @ring_entries: how many pages that holds.
 *
 * Filled by armvcpu_vcpu_create(); the caller reads it and owns the memory.
 */
struct armvcpu_vcpu {
	int fd;
	__u32 run_size;
	struct armvcpu_run *run;
	int run_by_fdatasync;
	struct armvcpu_dirty_ring *ring;
	__u32 ring_entries;
};

/**
 * armvcpu_vcpu_create() - create a vCPU and map its run struct
 * @vm: VM file.
 * @mpidr: affinity fields, unique in the VM.
 * @flags: ARMVCPU_VCPU_*.
 * @vcpu: out.
 *
 * Return: 0, or a negative errno and @vcpu untouched; -EPROTO if the module's
 * run struct is smaller than the one this library was built with.
 */
int armvcpu_vcpu_create(int vm, __u64 mpidr, __u32 flags,
			struct armvcpu_vcpu *vcpu);

/**
 * armvcpu_vcpu_destroy() - unmap the run struct and close the vCPU
 * @vcpu: from armvcpu_vcpu_create(); no thread uses it any more.
 *
 * Leaves @vcpu so that a second call does nothing.
 */
void armvcpu_vcpu_destroy(struct armvcpu_vcpu *vcpu);

/**
 * armvcpu_vcpu_run() - complete the last exit and run to the next one
 * @vcpu: vCPU.
 *
 * By the shortest system call that the module offers: fdatasync() of the vCPU's
 * file, or else the ioctl. No cancellation point of threads.
 *
 * Return: 0 with the exit in @vcpu->run, or a negative errno, among them
 * -EINTR: a signal or armvcpu_vcpu_request_exit(), -EAGAIN: powered off,
 * -ENODEV: the VM is dead.
 */
int armvcpu_vcpu_run(struct armvcpu_vcpu *vcpu);

/**
 * armvcpu_vcpu_request_exit() - make the next entry return at once
 * @vcpu: vCPU.
 *
 * Sets immediate_exit. A vCPU that is already in the guest needs a signal to
 * its thread as well, sent after this call: whichever of the two the thread
 * meets first, armvcpu_vcpu_run() returns -EINTR. Async-signal-safe.
 */
void armvcpu_vcpu_request_exit(struct armvcpu_vcpu *vcpu);

/**
 * armvcpu_vcpu_clear_request() - take armvcpu_vcpu_request_exit() back
 * @vcpu: vCPU.
 *
 * What the requesting thread stored before its request is visible to the
 * caller afterwards. Async-signal-safe.
 */
void armvcpu_vcpu_clear_request(struct armvcpu_vcpu *vcpu);

/**
 * armvcpu_vcpu_queue_line() - raise or lower a line with the next RUN
 * @vcpu: vCPU, not running; of a module with %ARMVCPU_CAP_MAX_LINES.
 * @intid: INTID: 16 to 31 a PPI of this vCPU; from 32 on an SPI.
 * @level: %ARMVCPU_LINE_LOW, %ARMVCPU_LINE_HIGH or %ARMVCPU_LINE_PULSE.
 *
 * Saves the system call of armvcpu_vm_set_spi(). Lines are set in the order in
 * which they were queued, when armvcpu_vcpu_run() is called and not before: what
 * another thread does to the same line in the meantime is undone.
 * A wrong @intid or @level is told by armvcpu_vcpu_run(), -EINVAL.
 *
 * Return: 0, or -ENOSPC if %ARMVCPU_RUN_LINES are queued already.
 */
int armvcpu_vcpu_queue_line(struct armvcpu_vcpu *vcpu, __u32 intid, __u32 level);

/**
 * armvcpu_vcpu_next_posted() - take the oldest posted write out of the ring
 * @vcpu: vCPU, running or not.
 * @write: out.
 *
 * Of a range of armvcpu_vm_add_posted(). Any thread, but one at a time for each
 * vCPU.
 *
 * Return: 1, or 0 and @write untouched if there is none.
 */
int armvcpu_vcpu_next_posted(struct armvcpu_vcpu *vcpu,
			     struct armvcpu_posted *write);

/**
 * armvcpu_vcpu_set_dirty_ring() - give a vCPU a ring of dirty pages, and map it
 * @vcpu: vCPU, not running.
 * @entries: pages that it holds: a power of two from 64 to
 *	%ARMVCPU_CAP_MAX_DIRTY_RING; 0: nothing is put in any more, until this is
 *	called with the same number as before.
 *
 * See struct armvcpu_dirty_ring.
 *
 * Return: 0, or a negative errno; after a failed mmap() it can be called again.
 */
int armvcpu_vcpu_set_dirty_ring(struct armvcpu_vcpu *vcpu, __u32 entries);

/**
 * armvcpu_vcpu_take_dirty_pages() - take the oldest pages out of the ring
 * @vcpu: vCPU, running or not; without a ring there are none.
 * @pages: out.
 * @count: room in @pages.
 *
 * Any thread, but one at a time for each vCPU. The pages are dirty until
 * armvcpu_vm_clear_dirty_pages(), and are copied after that.
 *
 * Return: how many there were, up to @count.
 */
__u32 armvcpu_vcpu_take_dirty_pages(struct armvcpu_vcpu *vcpu,
				    struct armvcpu_dirty_page *pages,
				    __u32 count);

/**
 * armvcpu_vcpu_get_core_regs() - read the general registers
 * @vcpu: vCPU, not running.
 * @regs: out.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vcpu_get_core_regs(const struct armvcpu_vcpu *vcpu,
			       struct armvcpu_core_regs *regs);

/**
 * armvcpu_vcpu_set_core_regs() - write the general registers
 * @vcpu: vCPU, not running.
 * @regs: in.
 *
 * Drops an exit that has not been completed.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vcpu_set_core_regs(struct armvcpu_vcpu *vcpu,
			       const struct armvcpu_core_regs *regs);

/**
 * armvcpu_vcpu_get_fp_regs() - read the FP/SIMD registers
 * @vcpu: vCPU, not running.
 * @regs: out.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vcpu_get_fp_regs(const struct armvcpu_vcpu *vcpu,
			     struct armvcpu_fp_regs *regs);

/**
 * armvcpu_vcpu_set_fp_regs() - write the FP/SIMD registers
 * @vcpu: vCPU, not running.
 * @regs: in.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vcpu_set_fp_regs(struct armvcpu_vcpu *vcpu,
			     const struct armvcpu_fp_regs *regs);

/**
 * armvcpu_vcpu_get_reg() - read one register
 * @vcpu: vCPU, not running.
 * @id: ARMVCPU_REG_*.
 * @value: out.
 *
 * Return: 0, or a negative errno and @value untouched.
 */
int armvcpu_vcpu_get_reg(const struct armvcpu_vcpu *vcpu, __u32 id,
			 __u64 *value);

/**
 * armvcpu_vcpu_set_reg() - write one register
 * @vcpu: vCPU, not running.
 * @id: ARMVCPU_REG_*.
 * @value: in.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vcpu_set_reg(struct armvcpu_vcpu *vcpu, __u32 id, __u64 value);

/**
 * armvcpu_vcpu_get_reg_list() - list the ids of all registers
 * @vcpu: vCPU.
 * @ids: out: the ids; may be NULL if *@count is 0.
 * @count: in: room in @ids; out: number of registers, also with -E2BIG.
 *
 * Return: 0, -E2BIG if @ids is too small, or another negative errno.
 */
int armvcpu_vcpu_get_reg_list(const struct armvcpu_vcpu *vcpu, __u32 *ids,
			      __u32 *count);

/**
 * armvcpu_vcpu_set_irq_line() - set the level of the virtual IRQ or FIQ input
 * @vcpu: vCPU, running or not.
 * @line: ARMVCPU_LINE_*.
 * @level: 1 raised, 0 lowered.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vcpu_set_irq_line(struct armvcpu_vcpu *vcpu, __u32 line,
			      __u32 level);

/**
 * armvcpu_vcpu_inject() - give the guest an exception
 * @vcpu: vCPU, not running.
 * @type: ARMVCPU_INJECT_*.
 * @far: FAR_EL1 for the aborts, otherwise 0.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vcpu_inject(struct armvcpu_vcpu *vcpu, __u32 type, __u64 far);

/**
 * armvcpu_vcpu_get_power() - read the power state
 * @vcpu: vCPU, running or not.
 * @state: out: ARMVCPU_POWER_*.
 *
 * Return: 0, or a negative errno and @state untouched.
 */
int armvcpu_vcpu_get_power(const struct armvcpu_vcpu *vcpu, __u32 *state);

/**
 * armvcpu_vcpu_set_power() - set the power state
 * @vcpu: vCPU, not running.
 * @state: %ARMVCPU_POWER_OFF or %ARMVCPU_POWER_ON.
 *
 * Return: 0, or a negative errno.
 */
int armvcpu_vcpu_set_power(struct armvcpu_vcpu *vcpu, __u32 state);

/* ---- Loads and stores that the syndrome does not describe --------------- */

/* Kinds of instruction; those up to REPLICATE can be emulated. */
#define ARMVCPU_INSN_SINGLE		1	/* one register, also LDAR, STLR, LDAPR */
#define ARMVCPU_INSN_PAIR		2
#define ARMVCPU_INSN_STRUCTURES		3	/* LD1 to LD4, ST1 to ST4: whole registers */
#define ARMVCPU_INSN_LANE		4	/* ... one element of each register */
#define ARMVCPU_INSN_REPLICATE		5	/* LD1R to LD4R */
#define ARMVCPU_INSN_EXCLUSIVE		6	/* LDXR, STXR, ... */
#define ARMVCPU_INSN_ATOMIC		7	/* LDADD, SWP, CAS, CASP, ... */
#define ARMVCPU_INSN_BLOCK		8	/* LD64B, ST64B, ... */
#define ARMVCPU_INSN_PAUTH		9	/* LDRAA, LDRAB */
#define ARMVCPU_INSN_TAG		10	/* LDG, STG, STGP, ... */
#define ARMVCPU_INSN_COPY		11	/* CPYP, SETP, ... */
#define ARMVCPU_INSN_PREFETCH		12	/* PRFM, PRFUM */
#define ARMVCPU_INSN_CACHE		13	/* DC ZVA and others by address */
#define ARMVCPU_INSN_UNALLOCATED	14	/* of the loads and stores */
#define ARMVCPU_INSN_OTHER		15	/* no load or store of these */

/* Addressing modes. */
#define ARMVCPU_MODE_OFFSET		0	/* [Xn, #offset] */
#define ARMVCPU_MODE_PRE		1	/* [Xn, #offset]! */
#define ARMVCPU_MODE_POST		2	/* [Xn], #offset */
#define ARMVCPU_MODE_POST_REG		3	/* [Xn], Xm */
#define ARMVCPU_MODE_REG		4	/* [Xn, Rm, extend #shift] */
#define ARMVCPU_MODE_LITERAL		5	/* relative to PC */

/* How the register of ARMVCPU_MODE_REG is extended: the instruction's "option". */
#define ARMVCPU_EXTEND_UXTW		2
#define ARMVCPU_EXTEND_LSL		3
#define ARMVCPU_EXTEND_SXTW		6
#define ARMVCPU_EXTEND_SXTX		7

/* struct armvcpu_insn.flags */
#define ARMVCPU_INSN_STORE		0x01
#define ARMVCPU_INSN_SIGNED		0x02	/* what is loaded is sign-extended */
#define ARMVCPU_INSN_REG64		0x04	/* to 64 bits, otherwise to 32 */
#define ARMVCPU_INSN_SIMD		0x08	/* the registers are V0 to V31 */
#define ARMVCPU_INSN_UNPRIV		0x10	/* LDTR, STTR: with the rights of EL0 */
#define ARMVCPU_INSN_NONTEMPORAL	0x20	/* LDNP, STNP */
#define ARMVCPU_INSN_ACQUIRE		0x40
#define ARMVCPU_INSN_RELEASE		0x80
#define ARMVCPU_INSN_SHIFTED		0x100	/* of ARMVCPU_MODE_REG: its S bit */

/* Why an instruction is not emulated; armvcpu_refusal() has words for it. */
#define ARMVCPU_REFUSED_UNREAD		1	/* nobody could read the instruction */
#define ARMVCPU_REFUSED_AARCH32		2
#define ARMVCPU_REFUSED_OTHER		3	/* no load or store */
#define ARMVCPU_REFUSED_UNALLOCATED	4
#define ARMVCPU_REFUSED_UNPREDICTABLE	5	/* CONSTRAINED UNPREDICTABLE */
#define ARMVCPU_REFUSED_EXCLUSIVE	6
#define ARMVCPU_REFUSED_ATOMIC		7
#define ARMVCPU_REFUSED_BLOCK		8
#define ARMVCPU_REFUSED_PAUTH		9
#define ARMVCPU_REFUSED_TAG		10
#define ARMVCPU_REFUSED_COPY		11
#define ARMVCPU_REFUSED_PREFETCH	12
#define ARMVCPU_REFUSED_CACHE		13
#define ARMVCPU_REFUSED_MISMATCH	14	/* not the access that the exit tells of */
#define ARMVCPU_REFUSED_CROSSING	15	/* the other page's address is not known */
#define ARMVCPU_REFUSED_ADDRESS		16	/* a callback says: nothing is there */

/**
 * struct armvcpu_insn - a load or store of A64, taken apart
 * @word: the instruction.
 * @kind: ARMVCPU_INSN_*.
 * @mode: ARMVCPU_MODE_*.
 * @refused: ARMVCPU_REFUSED_*: why it cannot be emulated; 0: it can.
 * @flags: ARMVCPU_INSN_STORE and those below it.
 * @rt: the first register that is loaded or stored.
 * @rt2: the second one of a pair.
 * @rn: the base, 31 is the stack pointer; not with %ARMVCPU_MODE_LITERAL.
 * @rm: the register of %ARMVCPU_MODE_REG and %ARMVCPU_MODE_POST_REG.
 * @extend: %ARMVCPU_MODE_REG: ARMVCPU_EXTEND_*.
 * @shift: %ARMVCPU_MODE_REG: by how many bits @rm is shifted to the left.
 * @size: bytes of an element: 1, 2, 4, 8 or 16.
 * @regs: registers that are loaded or stored. From the third on, and of structures from
 *	the second on, they follow @rt; behind 31 comes 0.
 * @structure: structures: elements of one structure, each for another register.
 * @lanes: elements of each register: 1 but for %ARMVCPU_INSN_STRUCTURES.
 * @lane: %ARMVCPU_INSN_LANE: which element of the registers.
 * @width: SIMD structures: bytes of a register that are in use: 8 or 16.
 * @pad: zero.
 * @offset: bytes; of %ARMVCPU_MODE_LITERAL from the instruction.
 *
 * Of kinds behind %ARMVCPU_INSN_REPLICATE the registers are only in @word.
 */
struct armvcpu_insn {
	__u32 word;
	__u8 kind;
	__u8 mode;
	__u8 refused;
	__u8 rt;
	__u16 flags;
	__u8 rt2;
	__u8 rn;
	__u8 rm;
	__u8 extend;
	__u8 shift;
	__u8 size;
	__u8 regs;
	__u8 structure;
	__u8 lanes;
	__u8 lane;
	__u8 width;
	__u8 pad[3];
	__s64 offset;
};

/**
 * armvcpu_insn_decode() - take an instruction apart
 * @word: any 32 bits, an instruction of A64.
 * @insn: out.
 *
 * Knows the loads and stores of the base instruction set and of SIMD and FP registers
 * up to Armv9.3, and cache maintenance by address. Not those of SVE and SME: guests have
 * neither. Encodings that are CONSTRAINED UNPREDICTABLE (Arm ARM, K1.2: writeback to a
 * register that is transferred as well, loading one register twice) are refused.
 *
 * Return: @insn->refused: 0 if it can be emulated, otherwise ARMVCPU_REFUSED_*.
 */
int armvcpu_insn_decode(__u32 word, struct armvcpu_insn *insn);

/* Room for any text that armvcpu_insn_text() makes, with its NUL. */
#define ARMVCPU_INSN_TEXT_SIZE	80

/**
 * armvcpu_insn_text() - an instruction as an assembler has it
 * @insn: from armvcpu_insn_decode().
 * @pc: where it is, for those that are relative to PC.
 * @buf: room for the text.
 * @size: bytes at @buf, %ARMVCPU_INSN_TEXT_SIZE for an uncut text.
 *
 * What objdump prints, with a blank for its tab; ".inst 0x01234567" for what is
 * unallocated or no load or store.
 *
 * Return: @buf.
 */
char *armvcpu_insn_text(const struct armvcpu_insn *insn, __u64 pc, char *buf,
			size_t size);

/**
 * armvcpu_refusal() - why an instruction is not emulated
 * @refused: ARMVCPU_REFUSED_*.
 *
 * Return: a constant string, "an exclusive access" for instance; "?" for an unknown one.
 */
const char *armvcpu_refusal(int refused);

/**
 * struct armvcpu_insn_regs - what a load or store works on
 * @x: x0 to x30.
 * @sp: the stack pointer that is in use.
 * @pc: address of the instruction.
 * @v: V0 to V31; v[n][0] holds bits 63:0.
 */
struct armvcpu_insn_regs {
	__u64 x[31];
	__u64 sp;
	__u64 pc;
	__u64 v[32][2];
};

/**
 * struct armvcpu_access - where emulated accesses go
 * @read: a read of @len bytes at @ipa into @value; bits beyond @len are ignored.
 * @write: a write; @value is zero-extended.
 * @opaque: for both.
 *
 * @len is 1, 2, 4 or 8; @value is in little-endian order, as armvcpu_exit_mmio.data is.
 * One access for each element, in ascending order of the addresses: two of 8 bytes for a
 * pair of x registers, 16 of one byte for ld1 {v0.16b}. An element of 16 bytes (a q register)
 * is two accesses of 8. Unaligned elements come as they are, as they do in an MMIO exit.
 *
 * Both return 0, or something else: nothing is at @ipa. Nothing comes behind that. What has
 * been read or written before stays so, as on hardware.
 */
struct armvcpu_access {
	int (*read)(void *opaque, __u64 ipa, unsigned int len, __u64 *value);
	int (*write)(void *opaque, __u64 ipa, unsigned int len, __u64 value);
	void *opaque;
};

/**
 * armvcpu_insn_address() - the lowest address that an instruction accesses
 * @insn: from armvcpu_insn_decode(), which has not refused it.
 * @regs: the registers; @v is not looked at.
 *
 * Return: the address, as the guest has it (a virtual one, with its tag).
 */
__u64 armvcpu_insn_address(const struct armvcpu_insn *insn,
			   const struct armvcpu_insn_regs *regs);

/**
 * armvcpu_insn_bytes() - how many bytes an instruction accesses
 * @insn: from armvcpu_insn_decode(), which has not refused it.
 *
 * Return: bytes, 1 to 64.
 */
unsigned int armvcpu_insn_bytes(const struct armvcpu_insn *insn);

/**
 * armvcpu_insn_emulate() - do what a load or store does
 * @insn: from armvcpu_insn_decode(), which has not refused it.
 * @regs: in and out: the registers. @pc stays as it is.
 * @big_endian: not 0: data is big-endian.
 * @ipa: guest physical address of the first byte; all others follow it.
 * @access: where the accesses go.
 *
 * Works on nothing but what it is given. The registers change when all accesses have been
 * made.
 *
 * Return: 0; or what a callback returned, and @regs untouched; or -EINVAL, without any
 * access, if armvcpu_insn_decode() has refused @insn.
 */
int armvcpu_insn_emulate(const struct armvcpu_insn *insn,
			 struct armvcpu_insn_regs *regs, int big_endian,
			 __u64 ipa, const struct armvcpu_access *access);

/**
 * armvcpu_vcpu_emulate() - do what the instruction of an ABORT exit does
 * @vcpu: vCPU, whose exit_reason is %ARMVCPU_EXIT_ABORT; not running.
 * @access: where the accesses go.
 *
 * When all accesses have been made, writes the registers and sets the action to
 * %ARMVCPU_ACTION_COMPLETE: the next RUN goes on behind the instruction. In all other cases the
 * registers are as they were, and the action is %ARMVCPU_ACTION_ABORT: a data abort for the
 * guest, unless the VMM sets another one.
 *
 * The exit has the guest physical address of one page. An access that lies in two pages of
 * 4 KiB is refused (%ARMVCPU_REFUSED_CROSSING), unless the guest's MMU is off: then addresses
 * are physical, and @access is asked for both pages. One of them may be memory, of which the
 * library knows nothing: @access has to say that nothing is there, or access it.
 *
 * %ARMVCPU_REFUSED_MISMATCH: the instruction does not make the access that the exit tells of.
 * The guest has changed it in the meantime.
 *
 * Return: 0: it is done. ARMVCPU_REFUSED_*: it is not. A negative errno: -EINVAL for another
 * exit, whose action stays as it is; or a register could not be read or written.
 */
int armvcpu_vcpu_emulate(struct armvcpu_vcpu *vcpu,
			 const struct armvcpu_access *access);

/* ---- Names and dumps --------------------------------------------------- */

/* Room for any name that armvcpu_reg_name() makes, with its NUL. */
#define ARMVCPU_REG_NAME_SIZE	24

/**
 * armvcpu_exit_name() - name of an exit reason
 * @reason: ARMVCPU_EXIT_*.
 *
 * Return: a constant string, "MMIO" for instance; "?" for an unknown reason.
 */
const char *armvcpu_exit_name(__u32 reason);

/**
 * armvcpu_ec_name() - name of an exception class
 * @ec: ESR_EL2.EC, bits 31:26 of armvcpu_run.esr; a place in
 *	armvcpu_stats.sync and armvcpu_times.sync.
 *
 * Return: a constant string, "data abort" for instance; "?" for a class that has
 * no name here.
 */
const char *armvcpu_ec_name(__u32 ec);

/**
 * armvcpu_el2_name() - name of what EL2 answers by itself
 * @answer: ARMVCPU_EL2_*, a place in armvcpu_stats.el2.
 *
 * Return: a constant string, "SYSREG" for instance; "?" for an unknown one.
 */
const char *armvcpu_el2_name(__u32 answer);

/**
 * armvcpu_psci_name() - name of a PSCI call
 * @event: ARMVCPU_PSCI_*.
 *
 * Return: a constant string, "CPU_ON" for instance; "?" for an unknown one.
 */
const char *armvcpu_psci_name(__u32 event);

/**
 * armvcpu_reg_name() - name of a register
 * @id: ARMVCPU_REG_*.
 * @buf: room for the name.
 * @size: bytes at @buf, %ARMVCPU_REG_NAME_SIZE for an uncut name.
 *
 * The Arm ARM's name, its generic form "S3_0_C1_C0_0" for a system register
 * that has no name here, the id in hex for anything else.
 *
 * Return: @buf.
 */
char *armvcpu_reg_name(__u32 id, char *buf, size_t size);

/**
 * armvcpu_print_exit() - print what happened, on a few lines
 * @out: stream.
 * @run: run struct of a vCPU that has just left the guest.
 */
void armvcpu_print_exit(FILE *out, const struct armvcpu_run *run);

/**
 * armvcpu_print_regs() - print all registers of a vCPU
 * @out: stream.
 * @vcpu: vCPU, not running.
 *
 * The FP/SIMD registers are left out as long as all of them are 0.
 *
 * Return: 0, or a negative errno if the registers could not be read.
 */
int armvcpu_print_regs(FILE *out, const struct armvcpu_vcpu *vcpu);

#ifdef __cplusplus
}
#endif

#endif /* _LIBARMVCPU_H */
