/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * armvcpu: the whole contract between the module and userspace.
 *
 * Three kinds of file: /dev/armvcpu (system), one per VM, one per vCPU.  An
 * ioctl that fails changes nothing, but where GET_REG_LIST and RUN say so.
 * Unknown ioctls are ENOTTY, unknown flags and non-zero padding are EINVAL.
 * Nothing here ever changes its layout; new things come with a new capability.
 *
 * A VM's file and those of its vCPUs are for the process (address space) that
 * created the VM: any other gets EIO, whatever it asks for.  A vCPU's file is
 * for one thread at a time: EBUSY, whatever it asks for, while another one is
 * in an ioctl of it; ARMVCPU_SET_IRQ_LINE and ARMVCPU_GET_POWER excepted.
 */
#ifndef _UAPI_LINUX_ARMVCPU_H
#define _UAPI_LINUX_ARMVCPU_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define ARMVCPU_API_VERSION		1

#define ARMVCPU_IOC			0xA5

/* ---- /dev/armvcpu ------------------------------------------------------ */

/*
 * ARMVCPU_GET_API_VERSION - returns ARMVCPU_API_VERSION.  A program refuses to
 * go on with any other number.
 */
#define ARMVCPU_GET_API_VERSION		_IO(ARMVCPU_IOC, 0x00)

/**
 * struct armvcpu_cap - ask for one capability
 * @cap: in: one of ARMVCPU_CAP_*.
 * @flags: in: zero.
 * @value: out: the capability's value; zero says "not there".  An unknown
 *	@cap is no error: it reads as zero, so a program can ask an older
 *	module for something newer.
 *
 * Used with ARMVCPU_CHECK_CAP on the system and on VM files.
 *
 * Errors: EINVAL (@flags), EFAULT, EIO (a VM file, another process).
 */
struct armvcpu_cap {
	__u32 cap;
	__u32 flags;
	__u64 value;
};

#define ARMVCPU_CHECK_CAP		_IOWR(ARMVCPU_IOC, 0x01, struct armvcpu_cap)

/* Largest @ipa_bits of ARMVCPU_CREATE_VM on this machine. */
#define ARMVCPU_CAP_MAX_IPA_BITS	1
/* Bytes to mmap() from a vCPU file at offset 0. */
#define ARMVCPU_CAP_RUN_SIZE		2
/* vCPUs in one VM. */
#define ARMVCPU_CAP_MAX_VCPUS		3
/* Memory slots in one VM: slot numbers are below this. */
#define ARMVCPU_CAP_MAX_SLOTS		4
/* Granule of memory slots in bytes: the host's page size. */
#define ARMVCPU_CAP_PAGE_SIZE		5
/* 1: a slot's memory is pinned and charged to RLIMIT_MEMLOCK: ARMVCPU_SET_MEM_SLOT. */
#define ARMVCPU_CAP_PINNED_MEMORY	6
/* 1: a guest may run AArch32 code at EL0. */
#define ARMVCPU_CAP_AARCH32_EL0		7
/* Mask of the ARMVCPU_VCPU_* flags that ARMVCPU_CREATE_VCPU takes. */
#define ARMVCPU_CAP_VCPU_FLAGS		8
/* Mask of AArch64's PSTATE bits, mode aside, that ARMVCPU_SET_CORE_REGS takes. */
#define ARMVCPU_CAP_PSTATE_MASK		9
/* VMs that can exist at the same time. */
#define ARMVCPU_CAP_MAX_VMS		10
/* ioeventfds in one VM. */
#define ARMVCPU_CAP_MAX_IOEVENTFDS	11
/* Mask of the versions that ARMVCPU_CREATE_GIC takes: bit 2, bit 3. */
#define ARMVCPU_CAP_GIC_VERSIONS	12
/* Mask of the ARMVCPU_IOEVENTFD_* flags that ARMVCPU_SET_IOEVENTFD takes. */
#define ARMVCPU_CAP_IOEVENTFD_FLAGS	13
/* irqfds in one VM. */
#define ARMVCPU_CAP_MAX_IRQFDS		14
/* Mask of the ARMVCPU_IRQFD_* flags that ARMVCPU_SET_IRQFD takes. */
#define ARMVCPU_CAP_IRQFD_FLAGS		15
/*
 * Mask of the ARMVCPU_PASS_IRQ_* flags that ARMVCPU_PASS_IRQ takes; 0: this host's
 * interrupts cannot be passed through.
 */
#define ARMVCPU_CAP_PASS_IRQ_FLAGS	16
/* 1: an interrupt that is passed through reaches a guest that runs without the host. */
#define ARMVCPU_CAP_PASS_IRQ_DIRECT	17
/* Mask of the ARMVCPU_SMCCC_POLICY_* flags that ARMVCPU_SET_SMCCC_POLICY takes. */
#define ARMVCPU_CAP_SMCCC_POLICY_FLAGS	18
/* Mask of 1 << ARMVCPU_EL2_*: what ARMVCPU_SET_EL2_ANSWERS can turn on and off. */
#define ARMVCPU_CAP_EL2_ANSWERS		19
/* 1: struct armvcpu_run.stats counts. */
#define ARMVCPU_CAP_STATS		20
/* 1: fdatasync() of a vCPU's file is ARMVCPU_RUN. */
#define ARMVCPU_CAP_RUN_BY_FDATASYNC	21
/* Ranges of ARMVCPU_SET_POSTED in one VM. */
#define ARMVCPU_CAP_MAX_POSTED		22
/* Lines that one RUN sets: struct armvcpu_run.lines. */
#define ARMVCPU_CAP_MAX_LINES		23
/* Mask of the ARMVCPU_SLOT_* flags that ARMVCPU_SET_MEM_SLOT takes. */
#define ARMVCPU_CAP_SLOT_FLAGS		24
/* 1: there are ARMVCPU_GET_DIRTY_LOG, ARMVCPU_CLEAR_DIRTY_LOG and ARMVCPU_MARK_DIRTY. */
#define ARMVCPU_CAP_DIRTY_LOG		25
/*
 * Entries that the ring of ARMVCPU_SET_DIRTY_RING can have, and pages that
 * ARMVCPU_CLEAR_DIRTY_PAGES takes; 0: there is neither.
 */
#define ARMVCPU_CAP_MAX_DIRTY_RING	26

/**
 * struct armvcpu_create_vm - a new VM
 * @flags: zero.
 * @ipa_bits: size of the guest's physical address space in bits: 32 to
 *	ARMVCPU_CAP_MAX_IPA_BITS, or 0 for the smaller of 40 and that.
 * @reserved: zero.
 *
 * ARMVCPU_CREATE_VM returns a new file descriptor (close-on-exec).  The VM
 * lives until this file and those of all its vCPUs are closed and the run
 * structs and rings are unmapped.  Only the process (address space) that created it may
 * use it; others get EIO.
 *
 * Errors: EINVAL (flags, range, reserved), ENOMEM, ENOSPC (ARMVCPU_CAP_MAX_VMS
 * VMs exist), EMFILE and ENFILE (no file descriptor, no file is left), EFAULT.
 */
struct armvcpu_create_vm {
	__u32 flags;
	__u32 ipa_bits;
	__u64 reserved[3];
};

#define ARMVCPU_CREATE_VM		_IOW(ARMVCPU_IOC, 0x02, struct armvcpu_create_vm)

/* ---- VM files ---------------------------------------------------------- */

/* vCPU starts powered off: RUN is EAGAIN until CPU_ON or ARMVCPU_SET_POWER. */
#define ARMVCPU_VCPU_POWERED_OFF	0x1
/*
 * Debug exceptions of the guest are exits (MDCR_EL2.TDE) and not its own: BRK,
 * BKPT of AArch32, breakpoints, watchpoints and single steps (struct
 * armvcpu_exit_debug).
 */
#define ARMVCPU_VCPU_DEBUG_EXITS	0x2
/* WFE that would wait is an exit; otherwise the module yields the CPU. */
#define ARMVCPU_VCPU_WFE_EXITS		0x4

/**
 * struct armvcpu_create_vcpu - a new vCPU
 * @flags: ARMVCPU_VCPU_*.
 * @reserved: zero.
 * @mpidr: affinity fields as in MPIDR_EL1: Aff0 in bits 7:0, Aff1 in 15:8,
 *	Aff2 in 23:16, Aff3 in 39:32; all other bits zero.  Unique in the VM.
 *
 * ARMVCPU_CREATE_VCPU returns a new file descriptor (close-on-exec).  The
 * vCPU is in the state of a reset: EL1h, interrupts masked, MMU off, all
 * general registers zero.
 *
 * Errors: EINVAL (flags, reserved, bits of @mpidr), EEXIST (@mpidr is taken),
 * ENOSPC (ARMVCPU_CAP_MAX_VCPUS), ENODEV (the VM is dead), ENOMEM, ERANGE (the
 * host's memory for it lies above 48 bits of address, where EL2 has no map),
 * EMFILE, ENFILE, EFAULT, EIO (another process).
 */
struct armvcpu_create_vcpu {
	__u32 flags;
	__u32 reserved;
	__u64 mpidr;
};

#define ARMVCPU_CREATE_VCPU		_IOW(ARMVCPU_IOC, 0x10, struct armvcpu_create_vcpu)

/* Guest writes to the slot are exits: MMIO, or ABORT, with "readonly" set. */
#define ARMVCPU_SLOT_READONLY		0x1
/* Pages that are written to are noted: ARMVCPU_GET_DIRTY_LOG. */
#define ARMVCPU_SLOT_LOG_DIRTY		0x2
/* With LOG_DIRTY: all pages are noted in the beginning. */
#define ARMVCPU_SLOT_DIRTY_ALL		0x4
/* The slot is there, and becomes what this says. */
#define ARMVCPU_SLOT_CHANGE		0x8

/**
 * struct armvcpu_mem_slot - guest memory over the caller's own mapping
 * @slot: slot number, below ARMVCPU_CAP_MAX_SLOTS.
 * @flags: ARMVCPU_SLOT_*: bits of ARMVCPU_CAP_SLOT_FLAGS.
 * @ipa: guest physical address, a multiple of ARMVCPU_CAP_PAGE_SIZE.
 * @size: bytes, a multiple of it; 0 deletes the slot (then @ipa, @uaddr and
 *	@flags are zero).
 * @uaddr: address in the caller, a multiple of it.
 *
 * The guest's memory is whatever the caller has mapped there at each moment: what
 * munmap(), mmap(), mprotect(), madvise(), mremap() and the like do to it takes effect
 * for the guest before they return, and the host may swap, move and share its pages.
 * A page is brought in when the guest first touches it.  Where nothing is mapped then,
 * or nothing that the guest may write to as it does, RUN ends with ARMVCPU_EXIT_FAIL,
 * ARMVCPU_FAIL_MEMORY and EFAULT; the next RUN tries again.  Registers of a device that
 * the caller has mapped can be a slot; the guest has them as Device memory, and does not
 * execute them.  Not other memory without struct pages.
 *
 * On a kernel without MMU notifiers (ARMVCPU_CAP_PINNED_MEMORY is 1) nobody tells of
 * such changes.  There the memory is pinned until the slot is deleted or the VM is gone,
 * and charged to RLIMIT_MEMLOCK of the caller (no limit with CAP_IPC_LOCK): the guest
 * keeps the pages that were mapped when the slot was made.  Registers of devices are
 * refused.
 *
 * Slots can be created, changed and deleted while vCPUs run: on return no vCPU reaches
 * what was there before.  With ARMVCPU_SLOT_CHANGE a vCPU finds what the slot was or what
 * it becomes at each of its accesses, never a hole, where both have memory.  If only
 * flags change, nothing of the memory does, and a log of dirty pages that is kept goes
 * on; it begins anew if anything else changes.
 *
 * The guest may run with caches off: memory that userspace writes before the
 * guest first touches a page of it is seen by the guest in any case.  A vCPU
 * whose caches are on may touch a whole block (2 MiB with 4K pages, 32 MiB with
 * 16K) when it touches one page of it, for the others as well: what userspace
 * writes there later is for guests that access it through their caches.  What a guest writes
 * with its caches off is seen by userspace for certain when the slot is deleted.
 *
 * Errors: EINVAL (slot number, flags, alignment, wrap-around, beyond the IPA
 * size), EEXIST (the slot number is in use, or the range overlaps another
 * slot or the GIC's frames), ENOENT (deleting or changing a slot that is not there),
 * ENOMEM (memory or RLIMIT_MEMLOCK), EFAULT (the argument; or @uaddr is not mapped, not
 * writable for a writable slot, or, where it would be pinned, memory that the kernel does
 * not pin: a device's, or a file's that newer kernels refuse to), ENODEV (the VM is dead;
 * deleting, too), EIO (another process), EINTR (a fatal signal).
 */
struct armvcpu_mem_slot {
	__u32 slot;
	__u32 flags;
	__u64 ipa;
	__u64 size;
	__u64 uaddr;
};

#define ARMVCPU_SET_MEM_SLOT		_IOW(ARMVCPU_IOC, 0x11, struct armvcpu_mem_slot)

/* What ARMVCPU_GET_DIRTY_LOG tells is forgotten, and noted anew. */
#define ARMVCPU_DIRTY_CLEAR		0x1

/**
 * struct armvcpu_dirty_log - which pages of a slot have been written to
 * @slot: number of a slot with ARMVCPU_SLOT_LOG_DIRTY.
 * @flags: of ARMVCPU_GET_DIRTY_LOG: ARMVCPU_DIRTY_CLEAR or 0; else 0.
 * @first: number of a page in the slot, a multiple of 64.
 * @count: number of pages from there on, at least 1.
 * @bitmap: user pointer to an array of u64: bit n % 64 of word n / 64 is for page
 *	@first + n.  Of the last word, bits behind the last page are written as 0 and
 *	not looked at.
 *
 * A page (ARMVCPU_CAP_PAGE_SIZE) is dirty once the guest has written to it, or the module
 * for the guest, since the log began or was last cleared there.  Of what the VMM writes to
 * guest memory itself nobody knows but the VMM: ARMVCPU_MARK_DIRTY puts it into the log.
 * In the beginning no page is dirty, or with ARMVCPU_SLOT_DIRTY_ALL each: then the guest
 * does not fault at its first write to a page that it could write to before, and that has not
 * been cleared yet.
 *
 * ARMVCPU_GET_DIRTY_LOG tells which are; with ARMVCPU_DIRTY_CLEAR they are clean from then
 * on, without a write lost in between: a write after that makes the page dirty again, all
 * before it can be read when the ioctl returns (but those of a guest whose caches are off, see
 * struct armvcpu_mem_slot).  ARMVCPU_CLEAR_DIRTY_LOG does the same to
 * those pages that the caller names, for who looks first and clears page by page before
 * it copies.  All of these may be used while vCPUs run.
 *
 * Errors: EINVAL (flags, @first, @count, or beyond the slot), ENOENT (no such slot, or it
 * has no log), ENOMEM, EFAULT, EIO (another process).  On an error nothing of the log is
 * lost.
 */
struct armvcpu_dirty_log {
	__u32 slot;
	__u32 flags;
	__u64 first;
	__u64 count;
	__u64 bitmap;
};

#define ARMVCPU_GET_DIRTY_LOG		_IOW(ARMVCPU_IOC, 0x1d, struct armvcpu_dirty_log)
#define ARMVCPU_CLEAR_DIRTY_LOG		_IOW(ARMVCPU_IOC, 0x1e, struct armvcpu_dirty_log)
#define ARMVCPU_MARK_DIRTY		_IOW(ARMVCPU_IOC, 0x1f, struct armvcpu_dirty_log)

/**
 * struct armvcpu_dirty_page - a page of a slot
 * @slot: slot number.
 * @reserved: zero.
 * @page: number of the page in the slot.
 */
struct armvcpu_dirty_page {
	__u32 slot;
	__u32 reserved;
	__u64 page;
};

/**
 * struct armvcpu_clear_dirty_pages - these pages are clean from now on
 * @count: how many, at least 1, and at most ARMVCPU_CAP_MAX_DIRTY_RING.
 * @flags: zero.
 * @pages: user pointer to an array of struct armvcpu_dirty_page, which may be a part of a
 *	ring.
 *
 * What ARMVCPU_CLEAR_DIRTY_LOG does, for pages of any slots, in any order.  Those that are
 * not dirty stay what they are; those of slots that are not there, that have no log or not
 * as many pages, as may have happened since a ring told of them, are passed over.
 *
 * Errors: EINVAL (@count, @flags, reserved, a slot number that cannot be), ENOMEM, EFAULT,
 * EIO (another process).
 */
struct armvcpu_clear_dirty_pages {
	__u32 count;
	__u32 flags;
	__u64 pages;
};

#define ARMVCPU_CLEAR_DIRTY_PAGES	_IOW(ARMVCPU_IOC, 0x30, struct armvcpu_clear_dirty_pages)

/* What a guest's SMC with a listed function id does. */
#define ARMVCPU_SMCCC_DENY		0	/* x0 = NOT_SUPPORTED */
#define ARMVCPU_SMCCC_USER		1	/* ARMVCPU_EXIT_SMC */
#define ARMVCPU_SMCCC_FORWARD		2	/* to the host's firmware, x0-x17 */

/**
 * struct armvcpu_smccc_range - one range of SMCCC function identifiers
 * @base: first function id (bits 31:0 of x0).
 * @count: number of ids, at least 1; must not wrap.
 * @action: ARMVCPU_SMCCC_*.
 * @reserved: zero.
 */
struct armvcpu_smccc_range {
	__u32 base;
	__u32 count;
	__u32 action;
	__u32 reserved;
};

#define ARMVCPU_SMCCC_MAX_RANGES	64

/* The list is for HVC #0, too. */
#define ARMVCPU_SMCCC_POLICY_HVC	0x1

/**
 * struct armvcpu_smccc_policy - what SMC calls of the guest do, and HVCs
 * @flags: ARMVCPU_SMCCC_POLICY_*: bits of ARMVCPU_CAP_SMCCC_POLICY_FLAGS.
 * @count: number of ranges, at most ARMVCPU_SMCCC_MAX_RANGES.
 * @ranges: user pointer to an array of struct armvcpu_smccc_range.
 *
 * Replaces the VM's whole list.  PSCI function ids are never looked up in it:
 * PSCI is answered first.  SMCs outside the list are answered by the module
 * (SMCCC_VERSION, SMCCC_ARCH_*, TRNG) or are NOT_SUPPORTED.  A list with a
 * FORWARD range is taken from a process with CAP_SYS_RAWIO only.
 *
 * HVC #0 with a function id that the module does not answer is
 * ARMVCPU_EXIT_HYPERCALL.  With ARMVCPU_SMCCC_POLICY_HVC it is that in a USER range
 * alone, and NOT_SUPPORTED everywhere else, without an exit: EL2 itself says so if
 * there are at most 16 such ranges.  HVC with another immediate is an exit always.
 *
 * Errors: EINVAL (flags, count, wrap, unknown action, reserved, ranges that
 * overlap), EPERM (FORWARD without the privilege), EOPNOTSUPP (FORWARD on a
 * host without firmware behind SMC), EBUSY (a vCPU has already run), EFAULT,
 * ENOMEM, EIO (another process).
 */
struct armvcpu_smccc_policy {
	__u32 flags;
	__u32 count;
	__u64 ranges;
};

#define ARMVCPU_SET_SMCCC_POLICY	_IOW(ARMVCPU_IOC, 0x12, struct armvcpu_smccc_policy)

/*
 * What EL2 can answer itself, at a twentieth of an exit's price: places in
 * armvcpu_stats.el2, and bits of struct armvcpu_el2_answers.mask.
 */
#define ARMVCPU_EL2_SYSREG	0	/* ID registers, OSLSR_EL1, OSLAR_EL1 */
#define ARMVCPU_EL2_CALL	1	/* PSCI and SMCCC calls that only ask, and unknown ones */
#define ARMVCPU_EL2_WFE		2	/* most WFEs; not with ARMVCPU_VCPU_WFE_EXITS */
#define ARMVCPU_EL2_SGI		3	/* SGIs of a GICv3, sent and received while in the guest */
#define ARMVCPU_EL2_TIMER	4	/* the virtual timer's interrupt; GICv3 */
#define ARMVCPU_EL2_POSTED	5	/* writes in a range of ARMVCPU_SET_POSTED */
#define ARMVCPU_EL2_GIC		6	/* reads of GICD_CTLR, GICD_TYPER, GICD_IIDR */
/* These have no bit: nobody else could. */
#define ARMVCPU_EL2_FP		8	/* the guest begins to use FP registers */
#define ARMVCPU_EL2_PAUTH	9	/* ... pointer authentication */
#define ARMVCPU_EL2_FIRMWARE	10	/* workarounds against speculation, by the firmware */
#define ARMVCPU_EL2_PASSED	11	/* interrupts of the host's that are passed through */

/**
 * struct armvcpu_el2_answers - what EL2 answers itself
 * @mask: 1 << ARMVCPU_EL2_*: bits of ARMVCPU_CAP_EL2_ANSWERS, which is what a VM
 *	begins with.
 * @reserved: zero.
 *
 * ARMVCPU_SET_EL2_ANSWERS.  A guest notices nothing: what EL2 does not answer, the
 * module does.  For tests, and for who wants to see all that traps.  At any time; a
 * vCPU that is in the guest goes by it from its next trap on.
 *
 * Errors: EINVAL (@mask, @reserved), EFAULT, EIO (another process).
 */
struct armvcpu_el2_answers {
	__u64 mask;
	__u64 reserved;
};

#define ARMVCPU_SET_EL2_ANSWERS		_IOW(ARMVCPU_IOC, 0x1b, struct armvcpu_el2_answers)

/**
 * struct armvcpu_posted_range - where the guest's writes are posted
 * @ipa: guest physical address.
 * @size: bytes.
 * @flags: zero.
 * @reserved: zero.
 *
 * ARMVCPU_SET_POSTED.  For registers of a device whose writes need no answer at once: a
 * store to the range goes into armvcpu_run.posted of the vCPU, and the guest goes on.
 * The VMM takes the writes out when it gets to it, at the latest before it looks at
 * what the next exit of this vCPU is about: they have come before.
 *
 * What else can be, is an exit as without, and the VMM must be ready for it: when the
 * ring is full; for a store whose syndrome is not valid, by AArch32 or big-endian code;
 * on a core with erratum 834220 (some Cortex-A57); without ARMVCPU_EL2_POSTED.  Reads
 * always are.
 *
 * Before the first vCPU runs, for good.  No memory slot, ioeventfd or GIC can be there.
 *
 * Errors: EINVAL (@size, @flags, @reserved, wrap-around, beyond the IPA size), EEXIST
 * (it overlaps one of those, or another range), EBUSY (a vCPU has run), ENOSPC
 * (ARMVCPU_CAP_MAX_POSTED), EFAULT, ENODEV (the VM is dead), EIO (another process).
 */
struct armvcpu_posted_range {
	__u64 ipa;
	__u64 size;
	__u32 flags;
	__u32 reserved;
};

#define ARMVCPU_SET_POSTED		_IOW(ARMVCPU_IOC, 0x1c, struct armvcpu_posted_range)

/* Remove one. */
#define ARMVCPU_IOEVENTFD_REMOVE	0x1

/**
 * struct armvcpu_ioeventfd - writes of the guest that signal an eventfd
 * @ipa: guest physical address.
 * @data: what the bits of @data_mask must be; all others are zero.
 * @data_mask: the bits of the value that matter, as armvcpu_exit_mmio.data has
 *	them: 0 for any value, all @len bytes of ones for one value, or what is a
 *	queue's number in virtio's notification with data.
 * @len: bytes of the write: 1, 2, 4 or 8.
 * @flags: ARMVCPU_IOEVENTFD_*: bits of ARMVCPU_CAP_IOEVENTFD_FLAGS.
 * @fd: the eventfd.
 * @pad: zero.
 * @reserved: zero.
 *
 * A write of @len bytes to exactly @ipa that would be an MMIO exit adds 1 to the
 * eventfd's count instead (which stays at the highest value once it is there),
 * and the guest goes on.  All else that an access may be is what it is without:
 * reads, other lengths and values, ABORT exits, and accesses to memory.
 *
 * No write matches two: at one @ipa and @len each has a @data of its own, and
 * the same @data_mask.
 *
 * One may lie where a slot is.  Memory comes first, a read-only slot, too, whose
 * exit is the VMM's.  When the slot is deleted, writes signal, also in between
 * when it is only created anew.
 *
 * ARMVCPU_IOEVENTFD_REMOVE takes away what was added with the same values of all
 * else, the same eventfd in @fd.  Where the last file of the eventfd has been
 * closed this cannot be said any more: it goes with the VM.
 *
 * Both can be done while vCPUs run: on return the one is in effect, the other
 * is over.
 *
 * Errors: EINVAL (@flags, @len, @data, @data_mask, @pad, @reserved, beyond the IPA
 * size, @fd is no eventfd), EBADF (@fd), EEXIST (a write could match another one,
 * or the @data_mask is not that of the others there, or the GIC is there), ENOENT
 * (nothing to remove), ENOSPC (ARMVCPU_CAP_MAX_IOEVENTFDS), ENOMEM, EFAULT, ENODEV
 * (the VM is dead; removing, too), EIO (another process).
 */
struct armvcpu_ioeventfd {
	__u64 ipa;
	__u64 data;
	__u64 data_mask;
	__u32 len;
	__u32 flags;
	__s32 fd;
	__u32 pad;
	__u64 reserved[2];
};

#define ARMVCPU_SET_IOEVENTFD		_IOW(ARMVCPU_IOC, 0x13, struct armvcpu_ioeventfd)

/**
 * struct armvcpu_create_gic - an interrupt controller in the module
 * @version: 2 or 3: a bit of ARMVCPU_CAP_GIC_VERSIONS.
 * @flags: zero.
 * @nr_irqs: INTIDs, private ones (0 to 31) included: a multiple of 32 from 64 to
 *	1024. INTIDs from 1020 on do not exist in any case.
 * @max_vcpus: vCPUs that the VM can have, from 1 to ARMVCPU_CAP_MAX_VCPUS;
 *	GICv2: to 8. ARMVCPU_CREATE_VCPU is ENOSPC beyond.
 * @dist: guest physical address of the distributor, a multiple of 64 KiB: 4 KiB
 *	of registers (GICv2), or 64 KiB (GICv3).
 * @cpu: guest physical address of the CPU interface (GICv2, 8 KiB), or of
 *	@max_vcpus redistributors of 128 KiB (GICv3), in the order in which the
 *	vCPUs were created; a multiple of 64 KiB.
 * @reserved: zero.
 *
 * Without it, the addresses of a GIC are MMIO as any other, and the VMM raises
 * and lowers a vCPU's interrupts itself (ARMVCPU_SET_IRQ_LINE).  With it:
 *
 * - The interrupt controller has one security state (GICD_CTLR.DS is 1): groups
 *   0 and 1 are vFIQ and vIRQ of the guest.  GICv3 comes with affinity routing
 *   and system registers (ICC_*), without LPIs, extended ranges and 1-of-N.
 * - The virtual timer is PPI 27, the physical one PPI 30, both level-sensitive.
 *   They need nothing of the VMM.
 * - WFI waits in the module; there is no ARMVCPU_EXIT_WFX for it.  Neither is
 *   there one for PSCI CPU_SUSPEND.
 * - ARMVCPU_SET_IRQ_LINE is ENXIO, ARMVCPU_SET_IRQ takes its place.
 *
 * Before the first vCPU is created; once.
 *
 * Errors: EINVAL (@flags, @reserved, @version that never is, @nr_irqs,
 * @max_vcpus, alignment, frames that overlap each other or lie beyond the IPA
 * size), EOPNOTSUPP (the host's GIC cannot do @version), EEXIST (there is one; or
 * a memory slot or an ioeventfd is in the way), EBUSY (there are vCPUs), ENOMEM,
 * EFAULT, ENODEV (the VM is dead), EIO (another process).
 */
struct armvcpu_create_gic {
	__u32 version;
	__u32 flags;
	__u32 nr_irqs;
	__u32 max_vcpus;
	__u64 dist;
	__u64 cpu;
	__u64 reserved[2];
};

#define ARMVCPU_CREATE_GIC		_IOW(ARMVCPU_IOC, 0x14, struct armvcpu_create_gic)

/**
 * struct armvcpu_irq - the line of an interrupt
 * @intid: INTID: 16 to 31 a PPI of the vCPU @mpidr, which is level-sensitive;
 *	from 32 on an SPI.
 * @level: 1 raised, 0 lowered.
 * @mpidr: PPI: as in struct armvcpu_create_vcpu. SPI: zero.
 * @flags: zero.
 * @reserved: zero.
 *
 * ARMVCPU_SET_IRQ.  A level-sensitive interrupt is pending for as long as the
 * line is raised; an edge-triggered one becomes pending when it is raised.  From
 * any thread, also while vCPUs run.
 *
 * Errors: ENXIO (the VM has no GIC), EINVAL (@intid: no such interrupt, an SGI,
 * or a timer's; @level, @flags, @reserved, @mpidr of an SPI), ENOENT (no such
 * vCPU), EBUSY (an SPI of ARMVCPU_PASS_IRQ), EFAULT, EIO (another process).
 */
struct armvcpu_irq {
	__u32 intid;
	__u32 level;
	__u64 mpidr;
	__u32 flags;
	__u32 reserved;
};

#define ARMVCPU_SET_IRQ			_IOW(ARMVCPU_IOC, 0x15, struct armvcpu_irq)

/* Remove one. */
#define ARMVCPU_IRQFD_REMOVE		0x1
/* Level-sensitive: the line stays raised until the guest has done with it. */
#define ARMVCPU_IRQFD_RESAMPLE		0x2

/**
 * struct armvcpu_irqfd - an eventfd that raises an SPI
 * @fd: the eventfd.
 * @resample_fd: ARMVCPU_IRQFD_RESAMPLE: the eventfd that says that the guest has
 *	come to the end of the interrupt; otherwise zero.
 * @intid: INTID of the SPI: 32 to 1019.
 * @flags: ARMVCPU_IRQFD_*: bits of ARMVCPU_CAP_IRQFD_FLAGS.
 * @reserved: zero.
 *
 * ARMVCPU_SET_IRQFD.  Whoever signals @fd, a thread, the kernel or another guest,
 * raises the interrupt, and no thread of the VMM has to wake for it.  The count of
 * the eventfd is taken: it is zero again, or one less if it is an EFD_SEMAPHORE.  A
 * signal of the time before is not lost.
 *
 * Without ARMVCPU_IRQFD_RESAMPLE a signal is an edge, for what the guest has
 * configured as edge-triggered; to a level-sensitive interrupt it is nothing.  Two
 * before the guest has acknowledged the first are one interrupt.
 *
 * With it a signal raises the line of a level-sensitive interrupt.  When the guest
 * has deactivated it, the line is lowered, and then @resample_fd is signalled: a
 * device that still has something to say signals @fd again.  Several may have the
 * same @intid: the line is lowered for all, and each @resample_fd is signalled.
 * Of ARMVCPU_SET_IRQ it is the same line; what is set last counts.
 *
 * In one VM an eventfd raises one interrupt.  When its last file is closed the
 * irqfd goes with it; with the last one of an @intid that has RESAMPLE the line is
 * lowered.
 *
 * ARMVCPU_IRQFD_REMOVE takes away what was added with this @fd, @intid and
 * ARMVCPU_IRQFD_RESAMPLE or not; with that, @resample_fd is not looked at.  On
 * return no signal raises it any more, and @resample_fd is not signalled.
 *
 * Errors: EINVAL (@flags, @reserved, @resample_fd without the flag, @intid: no such
 * SPI; @fd or @resample_fd is no eventfd), ENXIO (the VM has no GIC), EBADF (@fd,
 * @resample_fd), EEXIST (@fd raises an interrupt of this VM already), ENOENT
 * (nothing to remove), ENOSPC (ARMVCPU_CAP_MAX_IRQFDS), ENOMEM, EFAULT, ENODEV (the
 * VM is dead; removing, too), EIO (another process).
 */
struct armvcpu_irqfd {
	__s32 fd;
	__s32 resample_fd;
	__u32 intid;
	__u32 flags;
	__u64 reserved[2];
};

#define ARMVCPU_SET_IRQFD		_IOW(ARMVCPU_IOC, 0x16, struct armvcpu_irqfd)

/* What a register of the GIC belongs to. */
#define ARMVCPU_GIC_DIST		0	/* the distributor, at @offset of its frame */
#define ARMVCPU_GIC_REDIST		1	/* GICv3: a redistributor's two frames */
#define ARMVCPU_GIC_CPU			2	/* see below */
#define ARMVCPU_GIC_LEVEL		3	/* lines of 32 interrupts, from INTID @offset on */
#define ARMVCPU_GIC_ACTIVE		4	/* see below */

/**
 * struct armvcpu_gic_reg - a register of the GIC, for saving and restoring it
 * @space: ARMVCPU_GIC_*.
 * @offset: the register: a multiple of 4, of 8 where it has 64 bits.  With
 *	ARMVCPU_GIC_CPU: GICv2: offset in the CPU interface: GICC_CTLR, GICC_PMR,
 *	GICC_BPR, GICC_ABPR, GICC_APRn.  GICv3: ARMVCPU_SYSREG() of ICC_PMR_EL1,
 *	ICC_BPR0_EL1, ICC_BPR1_EL1, ICC_CTLR_EL1, ICC_IGRPEN0_EL1,
 *	ICC_IGRPEN1_EL1, ICC_AP0Rn_EL1, ICC_AP1Rn_EL1.  With ARMVCPU_GIC_ACTIVE: an
 *	INTID: an SPI's or, GICv2, an SGI's.
 * @mpidr: the vCPU; zero for registers that all share.  Those of INTIDs 0 to 31
 *	of a GICv2's distributor are each vCPU's own.
 * @value: in for SET, out for GET.
 * @flags: zero.
 * @reserved: zero.
 *
 * ARMVCPU_GET_GIC_REG and ARMVCPU_SET_GIC_REG see and set the state itself:
 * GICD_ISPENDR, GICD_ISACTIVER, GICD_ISENABLER (and GICR_*) have 0 as well as 1
 * written; of pending it is what is latched, apart from the line, for which
 * there is ARMVCPU_GIC_LEVEL (without the timers': theirs follow from the timers'
 * registers, and read as zero); reads have no side effect.  GICv2's SGIs:
 * GICD_SPENDSGIR.  Read-only registers take the value that they have, so that a
 * VM is restored only on what is like it.
 *
 * ARMVCPU_GIC_ACTIVE is what no register of a GIC shows of an interrupt that is
 * active: of an SPI the MPIDR of the vCPU that has acknowledged it, or
 * ARMVCPU_GIC_NOBODY; of a GICv2's SGI the number of the vCPU that sent it.  Of one
 * that is not active, it is ARMVCPU_GIC_NOBODY.
 *
 * To restore: vCPUs in the order in which they were created; GICD_CTLR last,
 * ARMVCPU_GIC_ACTIVE after GICD_ISACTIVER and GICD_IROUTER or GICD_ITARGETSR.
 *
 * Errors: ENXIO (the VM has no GIC; no such register), EINVAL (@space, @flags,
 * @reserved, a value the register cannot hold), ENOENT (no such vCPU), EBUSY (a
 * vCPU runs), EFAULT, EIO (another process).
 */
struct armvcpu_gic_reg {
	__u32 space;
	__u32 offset;
	__u64 mpidr;
	__u64 value;
	__u32 flags;
	__u32 reserved;
};

#define ARMVCPU_GIC_NOBODY		(~0ULL)

#define ARMVCPU_GET_GIC_REG		_IOWR(ARMVCPU_IOC, 0x17, struct armvcpu_gic_reg)
#define ARMVCPU_SET_GIC_REG		_IOW(ARMVCPU_IOC, 0x18, struct armvcpu_gic_reg)

/*
 * ARMVCPU_RESET_GIC - the whole GIC in the state of a reset, all vCPUs' parts
 * included.  Lines stay as they are: they are their drivers'.
 *
 * Errors: ENXIO (the VM has no GIC), EBUSY (a vCPU runs), EIO (another process).
 */
#define ARMVCPU_RESET_GIC		_IO(ARMVCPU_IOC, 0x19)

/* Remove one. */
#define ARMVCPU_PASS_IRQ_REMOVE		0x1
/* The host's interrupt is edge-triggered; otherwise it is level-sensitive. */
#define ARMVCPU_PASS_IRQ_EDGE		0x2

/**
 * struct armvcpu_pass_irq - an interrupt of the host's that becomes the guest's
 * @flags: ARMVCPU_PASS_IRQ_*: bits of ARMVCPU_CAP_PASS_IRQ_FLAGS.
 * @hw_intid: INTID of an SPI of the host's GIC: 32 to 1019.
 * @intid: INTID of the guest's SPI.
 * @cpu: the host's CPU that it goes to; online, and not one that the host uses: by
 *	isolcpus= or nohz_full= on its command line.  With REMOVE not looked at.
 * @reserved: zero.
 *
 * ARMVCPU_PASS_IRQ.  For a device that is the guest's and no driver's of the host; by
 * who has CAP_SYS_RAWIO.  Where the guest routes @intid is where the interrupt goes.
 * If that vCPU runs on @cpu then, it reaches the guest without the host's doing
 * (ARMVCPU_CAP_PASS_IRQ_DIRECT): so its thread should be pinned there, alone
 * (sched_setaffinity()).  If it waits or runs elsewhere, the host hands it on.
 *
 * The host's interrupt stays active until the guest deactivates its own, and only then
 * it comes again.  Its line is no longer the VMM's: ARMVCPU_SET_IRQ of it is EBUSY, and
 * irqfds do nothing.  A guest's write to GICD_ISPENDR, too, makes the host's active.
 *
 * All other interrupts of @cpu stay the host's and end the guest's slice as anywhere:
 * so does a signal or a kick.  When @cpu goes offline the interrupt moves on, and when
 * it is back, so is the interrupt.
 *
 * ARMVCPU_PASS_IRQ_REMOVE takes away what was added with this @hw_intid and @intid, and
 * so does the end of the VM.  On return the host's interrupt is as it was, masked; what
 * the guest has pending or active of it stays, as an interrupt of its own.
 *
 * Errors: EINVAL (@flags, @reserved, @intid: no such SPI, @hw_intid: the host has no
 * such SPI, or it is triggered otherwise), ENXIO (the VM has no GIC; @cpu is not
 * online), EOPNOTSUPP (this host's interrupts cannot be passed through), EPERM
 * (CAP_SYS_RAWIO), EACCES (the host uses @cpu), EBUSY (a driver or another interrupt
 * controller of the host uses @hw_intid, or it carries messages), EEXIST (@hw_intid is
 * passed through already, or to @intid another is), ENOENT (nothing to remove), ENOSPC
 * (32 of this VM are), ENOMEM, EFAULT, ENODEV (the VM is dead; removing, too), EIO
 * (another process).
 */
struct armvcpu_pass_irq {
	__u32 flags;
	__u32 hw_intid;
	__u32 intid;
	__u32 cpu;
	__u64 reserved[2];
};

#define ARMVCPU_PASS_IRQ		_IOW(ARMVCPU_IOC, 0x1a, struct armvcpu_pass_irq)

/* ---- vCPU files -------------------------------------------------------- */

/**
 * struct armvcpu_core_regs - general registers, in one go
 * @x: x0 to x30.
 * @sp_el0: SP_EL0.
 * @sp_el1: SP_EL1.
 * @pc: address of the next instruction.
 * @pstate: PSTATE in the format of SPSR_EL2: mode EL0t, EL1t or EL1h; with
 *	ARMVCPU_CAP_AARCH32_EL0 also AArch32 User mode, and then bits 31:5 as
 *	they are.
 *
 * ARMVCPU_SET_CORE_REGS and ARMVCPU_GET_CORE_REGS.  A Linux guest starts with
 * @pc at the image, x0 = the device tree, x1 = x2 = x3 = 0, @pstate = 0x3c5.
 *
 * SET drops an exit that has not been completed: the guest goes on at @pc.
 *
 * Errors: EINVAL (SET: @pstate has a bit outside ARMVCPU_CAP_PSTATE_MASK or
 * another mode), EBUSY (the vCPU runs), EFAULT, EIO (another process).
 */
struct armvcpu_core_regs {
	__u64 x[31];
	__u64 sp_el0;
	__u64 sp_el1;
	__u64 pc;
	__u64 pstate;
};

#define ARMVCPU_GET_CORE_REGS		_IOR(ARMVCPU_IOC, 0x20, struct armvcpu_core_regs)
#define ARMVCPU_SET_CORE_REGS		_IOW(ARMVCPU_IOC, 0x21, struct armvcpu_core_regs)

/**
 * struct armvcpu_fp_regs - the FP/SIMD state
 * @v: V0 to V31; v[n][0] holds bits 63:0, v[n][1] bits 127:64.
 * @fpsr: FPSR.
 * @fpcr: FPCR.
 * @reserved: zero.
 *
 * ARMVCPU_SET_FP_REGS and ARMVCPU_GET_FP_REGS.
 *
 * Errors: EINVAL (SET: @reserved, reserved bits of @fpsr, @fpcr), EBUSY (the
 * vCPU runs), EFAULT, EIO (another process).
 */
struct armvcpu_fp_regs {
	__u64 v[32][2];
	__u32 fpsr;
	__u32 fpcr;
	__u64 reserved;
};

#define ARMVCPU_GET_FP_REGS		_IOR(ARMVCPU_IOC, 0x22, struct armvcpu_fp_regs)
#define ARMVCPU_SET_FP_REGS		_IOW(ARMVCPU_IOC, 0x23, struct armvcpu_fp_regs)

/*
 * Register ids: class in bits 31:24, and
 *   SYS:  the encoding of MRS/MSR, op0 in 15:14, op1 in 13:11, CRn in 10:7,
 *         CRm in 6:3, op2 in 2:0.  Same encoding as in sysreg exits.
 *   CORE: 0..30 x0..x30, 31 SP_EL0, 32 SP_EL1, 33 PC, 34 PSTATE,
 *         35 ELR_EL1, 36 SPSR_EL1.
 *   FP:   2n and 2n+1 the low and the high half of Vn, 64 FPSR, 65 FPCR.
 *   TIMER: 0 the offset of the virtual counter (CNTVOFF_EL2), the same for
 *         all vCPUs of one VM: writing it on one writes it for the VM.
 *         1 guest physical address of the structure with the vCPU's stolen time
 *         (DEN0057), a multiple of 64; ARMVCPU_NO_STOLEN_TIME: the guest is told
 *         that there is none.  Only on kernels that count it.
 */
#define ARMVCPU_SYSREG(op0, op1, crn, crm, op2) \
	(((op0) & 3U) << 14 | ((op1) & 7U) << 11 | ((crn) & 15U) << 7 | \
	 ((crm) & 15U) << 3 | ((op2) & 7U))

#define ARMVCPU_REG_CLASS_SYS		0x1000000
#define ARMVCPU_REG_CLASS_CORE		(2U << 24)
#define ARMVCPU_REG_CLASS_FP		(3U << 24)
#define ARMVCPU_REG_CLASS_TIMER		(4U << 24)
#define ARMVCPU_REG_CLASS_MASK		(0xffU << 24)

#define ARMVCPU_REG_SYS(op0, op1, crn, crm, op2) \
	(ARMVCPU_REG_CLASS_SYS | ARMVCPU_SYSREG(op0, op1, crn, crm, op2))
#define ARMVCPU_REG_X(n)		(ARMVCPU_REG_CLASS_CORE | (n))
#define ARMVCPU_REG_SP_EL0		(ARMVCPU_REG_CLASS_CORE | 31)
#define ARMVCPU_REG_SP_EL1		(ARMVCPU_REG_CLASS_CORE | 32)
#define ARMVCPU_REG_PC			(ARMVCPU_REG_CLASS_CORE | 33)
#define ARMVCPU_REG_PSTATE		(ARMVCPU_REG_CLASS_CORE | 34)
#define ARMVCPU_REG_ELR_EL1		(ARMVCPU_REG_CLASS_CORE | 35)
#define ARMVCPU_REG_SPSR_EL1		(ARMVCPU_REG_CLASS_CORE | 36)
#define ARMVCPU_REG_V_LO(n)		(ARMVCPU_REG_CLASS_FP | (2 * (n)))
#define ARMVCPU_REG_V_HI(n)		(ARMVCPU_REG_CLASS_FP | (2 * (n) + 1))
#define ARMVCPU_REG_FPSR		(ARMVCPU_REG_CLASS_FP | 64)
#define ARMVCPU_REG_FPCR		(ARMVCPU_REG_CLASS_FP | 65)
#define ARMVCPU_REG_CNTVOFF		(ARMVCPU_REG_CLASS_TIMER | 0)
#define ARMVCPU_REG_STOLEN_TIME		(ARMVCPU_REG_CLASS_TIMER | 1)
#define ARMVCPU_NO_STOLEN_TIME		(~0ULL)

/**
 * struct armvcpu_one_reg - one register
 * @id: register id, as ARMVCPU_GET_REG_LIST lists them.
 * @flags: zero.
 * @value: the value: in for SET, out for GET.
 *
 * ID registers (CRm 1 to 7) are the VM's, and can be set to less than the
 * machine has until a vCPU of the VM has run; MIDR_EL1, REVIDR_EL1 and AIDR_EL1
 * are the vCPU's, and can be set until it has run.  What a register holds it can
 * be set to at any time.
 *
 * Errors: ENOENT (no such register), EINVAL (flags; SET: a value the register
 * cannot hold, of PSTATE, FPSR, FPCR, MIDR_EL1, the stolen time's address and the
 * debug registers; more than the machine has, of an ID register; a read-only
 * register set to another value), EBUSY (the vCPU runs; SET: it has run, see
 * above), EFAULT, EIO (another process).
 */
struct armvcpu_one_reg {
	__u32 id;
	__u32 flags;
	__u64 value;
};

#define ARMVCPU_GET_ONE_REG		_IOWR(ARMVCPU_IOC, 0x24, struct armvcpu_one_reg)
#define ARMVCPU_SET_ONE_REG		_IOW(ARMVCPU_IOC, 0x25, struct armvcpu_one_reg)

/**
 * struct armvcpu_reg_list - ids of all registers of a vCPU
 * @count: in: room in @ids; out: number of registers there are.
 * @flags: zero.
 * @ids: user pointer to an array of __u32.
 *
 * Saving the registers of the list and setting them on a new vCPU of the same
 * MPIDR and flags gives a vCPU with the same registers.  What is no register is
 * the VMM's to know and to set: the lines that are raised, the power state, an
 * ARMVCPU_INJECT that no RUN has delivered yet.  Whether an injected SError is
 * still pending cannot be asked.  An exit that has not been completed is not
 * saved either: RUN with @immediate_exit set completes it.
 *
 * Errors: E2BIG (too little room: @count is still written), EINVAL (@flags),
 * ENOMEM, EBUSY (the vCPU runs), EFAULT, EIO (another process).
 */
struct armvcpu_reg_list {
	__u32 count;
	__u32 flags;
	__u64 ids;
};

#define ARMVCPU_GET_REG_LIST		_IOWR(ARMVCPU_IOC, 0x26, struct armvcpu_reg_list)

#define ARMVCPU_LINE_IRQ		0
#define ARMVCPU_LINE_FIQ		1

/**
 * struct armvcpu_irq_line - level of the vCPU's virtual IRQ or FIQ input
 * @line: ARMVCPU_LINE_*.
 * @level: 1 raised, 0 lowered.
 *
 * Level sensitive: the guest takes the exception for as long as the line is
 * raised and PSTATE does not mask it.  From any thread, also while the vCPU
 * runs: it is then interrupted, and sees the new level when it goes on.  That
 * may be shortly after the return.
 *
 * Errors: ENXIO (the VM has a GIC), EINVAL (@line, @level), EFAULT, EIO (another
 * process).
 */
struct armvcpu_irq_line {
	__u32 line;
	__u32 level;
};

#define ARMVCPU_SET_IRQ_LINE		_IOW(ARMVCPU_IOC, 0x27, struct armvcpu_irq_line)

/* A virtual SError, pending until the guest unmasks it (HCR_EL2.VSE). */
#define ARMVCPU_INJECT_SERROR		0
/* A synchronous external abort on a data access, at @far. */
#define ARMVCPU_INJECT_DATA_ABORT	1
/* A synchronous external abort on an instruction fetch, at @far. */
#define ARMVCPU_INJECT_INSN_ABORT	2
/* An undefined instruction. */
#define ARMVCPU_INJECT_UNDEF		3

/**
 * struct armvcpu_inject - an exception for the guest
 * @type: ARMVCPU_INJECT_*.
 * @flags: zero.
 * @far: FAR_EL1 for the aborts, otherwise zero.
 *
 * A synchronous exception is taken at the guest's present PC, in place of
 * completing an exit that is pending; one per entry.
 *
 * Errors: EINVAL (@type, @flags, @far of what has none), EBUSY (the vCPU runs,
 * or a synchronous exception is already pending), EFAULT, EIO (another
 * process).
 */
struct armvcpu_inject {
	__u32 type;
	__u32 flags;
	__u64 far;
};

#define ARMVCPU_INJECT			_IOW(ARMVCPU_IOC, 0x28, struct armvcpu_inject)

#define ARMVCPU_POWER_OFF		0
#define ARMVCPU_POWER_ON		1
/* Between a CPU_ON exit and the target's first RUN; what the exit leaves. */
#define ARMVCPU_POWER_ON_PENDING	2

/**
 * struct armvcpu_power - power state, as PSCI AFFINITY_INFO reports it
 * @state: ARMVCPU_POWER_*; SET takes OFF and ON.
 * @flags: zero.
 *
 * A vCPU becomes ON_PENDING by another's PSCI CPU_ON (ARMVCPU_EXIT_PSCI): the
 * VMM then sets its registers and runs it, which makes it ON; or refuses with
 * SET to OFF.  A vCPU becomes OFF by its own CPU_OFF.  SET changes no register.
 *
 * Errors: EINVAL (SET: @state, @flags), EBUSY (SET: the vCPU runs), EFAULT, EIO
 * (another process).
 */
struct armvcpu_power {
	__u32 state;
	__u32 flags;
};

#define ARMVCPU_GET_POWER		_IOR(ARMVCPU_IOC, 0x29, struct armvcpu_power)
#define ARMVCPU_SET_POWER		_IOW(ARMVCPU_IOC, 0x2a, struct armvcpu_power)

/*
 * ARMVCPU_RUN - complete the last exit, then run the guest until the next.
 *
 * fdatasync() of the vCPU's file is the same, with the same errors: with
 * ARMVCPU_CAP_RUN_BY_FDATASYNC.  Of the system calls that lead to a driver it is the
 * shortest one; an exit to the VMM and back costs a fifth less.
 *
 * Returns 0 with the exit in struct armvcpu_run, or fails:
 *   EINTR   a signal is pending, or @immediate_exit is set; @exit_reason is
 *           ARMVCPU_EXIT_INTR.  The last exit has been completed.
 *   EBUSY   another thread runs this vCPU or reads or writes its registers.
 *           If @exit_reason is ARMVCPU_EXIT_INTR now, the last exit has been
 *           completed: the kernel restarted RUN, and the other was faster.
 *   EAGAIN  the vCPU is powered off.
 *   EINVAL  @action is unknown or does not fit the last exit; @nr_lines is too large, or
 *           one of @lines nobody's to set; RUN comes from a worker of io_uring.
 *   ENXIO   there are @lines, and the VM has no GIC; they have changed nothing.
 *   ENODEV  the VM is dead (a fault at EL2); or EL2 of the CPU that the thread
 *           is on is not the module's: it was given back for a reboot, or
 *           something has taken it away.  See the kernel log.  The last exit
 *           may have been completed.
 *   EIO     another process than the VM's.
 *   EBADF   another thread has closed the file: before RUN began, or before the
 *           kernel restarted it.
 */
#define ARMVCPU_RUN			_IO(ARMVCPU_IOC, 0x2b)

/**
 * struct armvcpu_set_dirty_ring - a vCPU gets a ring of dirty pages
 * @entries: how many pages it holds: a power of two, 64 to ARMVCPU_CAP_MAX_DIRTY_RING; or 0:
 *	nothing is put into the ring any more.
 * @flags: zero.
 *
 * See struct armvcpu_dirty_ring.  It is there as long as the vCPU; with the same @entries
 * again, it goes on where it was.  As long as it is on, somebody has to take pages out: also
 * those of slots that are logged for another purpose.
 *
 * Errors: EINVAL (@entries, @flags), EEXIST (it has one with other @entries), ENOENT (0, and it
 * has none), EBUSY (it runs), ENOMEM, EFAULT, EIO (another process).
 */
struct armvcpu_set_dirty_ring {
	__u32 entries;
	__u32 flags;
};

#define ARMVCPU_SET_DIRTY_RING		_IOW(ARMVCPU_IOC, 0x2c, struct armvcpu_set_dirty_ring)

/* Where mmap() of a vCPU's file finds its ring. */
#define ARMVCPU_DIRTY_RING_OFFSET	0x100000
/* Bytes of a ring; mmap() takes so many, rounded up to ARMVCPU_CAP_PAGE_SIZE. */
#define ARMVCPU_DIRTY_RING_SIZE(entries)	\
	(sizeof(struct armvcpu_dirty_ring) + (entries) * sizeof(struct armvcpu_dirty_page))

/**
 * struct armvcpu_dirty_ring - pages that a vCPU has made dirty
 * @head: how many the VMM has taken out so far, which writes that.
 * @reserved: zero.
 * @tail: how many there have been so far.
 * @entries: how many there is room for.
 * @reserved2: zero.
 * @pages: page number n is in n modulo @entries.
 *
 * When a vCPU's write makes a page dirty in the log of its slot (struct armvcpu_dirty_log), it
 * is put in here, too.  So each page is told of once, by the vCPU that was first, until
 * it is cleared.  What is dirty for any other reason is in the logs alone
 * (ARMVCPU_GET_DIRTY_LOG): in the beginning (ARMVCPU_SLOT_DIRTY_ALL), marked by the VMM, written
 * by the module for the guest (stolen time), or by a vCPU that had no ring then.  Such a page
 * enters no ring until it is cleared.
 *
 * Who moves a guest takes pages out of the rings, clears them
 * (ARMVCPU_CLEAR_DIRTY_PAGES), and copies them after that.  When no vCPU runs any more, and
 * the rings are empty, the logs have what is left.  Which memory the number of a slot means
 * is looked up after the clearing, while slots do not change: else a page of what has taken
 * its place would be clean and not copied.
 *
 * If there is no room, a write that would need it has not happened: RUN ends with
 * ARMVCPU_EXIT_DIRTY_RING_FULL, and the next one executes it again.
 *
 * @head and @tail wrap around at 2^32.  Any thread of the VMM can take pages out, one thread
 * at a time, while the vCPU runs: it reads @tail with acquire semantics, and writes @head
 * with release semantics.  mmap() at ARMVCPU_DIRTY_RING_OFFSET of the vCPU's file, shared,
 * readable and writable; EINVAL with another size, not shared, or if there is no ring; else
 * as for the run struct.
 */
struct armvcpu_dirty_ring {
	__u32 head;
	__u32 reserved[15];
	__u32 tail;
	__u32 entries;
	__u32 reserved2[14];
	struct armvcpu_dirty_page pages[];
};

/* ---- The run struct ---------------------------------------------------- */

/* exit_reason */
#define ARMVCPU_EXIT_NONE		0
#define ARMVCPU_EXIT_INTR		1	/* signal or immediate_exit */
#define ARMVCPU_EXIT_MMIO		2	/* u.mmio */
#define ARMVCPU_EXIT_ABORT		3	/* u.abort: access without valid syndrome */
#define ARMVCPU_EXIT_SYSREG		4	/* u.sysreg */
#define ARMVCPU_EXIT_HYPERCALL		5	/* u.call */
#define ARMVCPU_EXIT_SMC		6	/* u.call */
#define ARMVCPU_EXIT_PSCI		7	/* u.psci */
#define ARMVCPU_EXIT_WFX		8	/* u.wfx */
#define ARMVCPU_EXIT_DEBUG		9	/* u.debug */
#define ARMVCPU_EXIT_FAIL		10	/* u.fail: nothing handles the exception */
#define ARMVCPU_EXIT_DIRTY_RING_FULL	11	/* struct armvcpu_dirty_ring; COMPLETE, RETRY */

/*
 * action: what the next RUN does with the exit that is pending.  A RUN that
 * completes the exit sets it back to COMPLETE.
 */
/* Complete it: result to the register, PC behind the instruction. */
#define ARMVCPU_ACTION_COMPLETE		0
/* Execute the instruction again; nothing moves. */
#define ARMVCPU_ACTION_RETRY		1
/* A synchronous external abort instead (MMIO, ABORT). */
#define ARMVCPU_ACTION_ABORT		2
/* An undefined-instruction exception instead (SYSREG, DEBUG, FAIL). */
#define ARMVCPU_ACTION_UNDEF		3

/**
 * struct armvcpu_exit_mmio - access to a guest physical address without memory
 * @ipa: guest physical address.
 * @data: write: the value, zero-extended; read: the VMM stores the value here,
 *	bits beyond @len bytes are ignored.  In the byte order of the bus,
 *	little-endian: for a guest that accesses data big-endian the module
 *	swaps the bytes.
 * @len: 1, 2, 4 or 8 bytes.
 * @is_write: 1 write, 0 read.
 * @sign_extend: read: the value is sign-extended (information).
 * @reg64: the register is 64 bits wide (information).
 * @reg: number of the general register, 31 is the zero register
 *	(information).
 * @readonly: 1: a write to an ARMVCPU_SLOT_READONLY slot.
 * @reserved: zero.
 *
 * Actions: COMPLETE, RETRY, ABORT.
 */
struct armvcpu_exit_mmio {
	__u64 ipa;
	__u64 data;
	__u8 len;
	__u8 is_write;
	__u8 sign_extend;
	__u8 reg64;
	__u8 reg;
	__u8 readonly;
	__u8 reserved[2];
};

#define ARMVCPU_ABORT_WRITE		0x1	/* ISS.WnR */
#define ARMVCPU_ABORT_CACHE_OP		0x2	/* ISS.CM */
#define ARMVCPU_ABORT_INSN_VALID	0x4	/* @insn could be read */
#define ARMVCPU_ABORT_AARCH32		0x8	/* EL0 runs AArch32 */
#define ARMVCPU_ABORT_READONLY		0x10	/* a read-only slot */
#define ARMVCPU_ABORT_USER		0x20	/* access from EL0 */

/**
 * struct armvcpu_exit_abort - access whose syndrome does not describe it
 * @ipa: guest physical address.
 * @flags: ARMVCPU_ABORT_*.
 * @insn: the instruction at PC, if ARMVCPU_ABORT_INSN_VALID.
 *
 * ISS.ISV is 0: a load or store pair, writeback, SIMD&FP, an exclusive or
 * atomic, DC ZVA and other cache maintenance.  The VMM may emulate it on the
 * registers and COMPLETE, which moves PC on; ABORT is the safe answer.
 *
 * Actions: COMPLETE, RETRY, ABORT.
 */
struct armvcpu_exit_abort {
	__u64 ipa;
	__u32 flags;
	__u32 insn;
};

/**
 * struct armvcpu_exit_sysreg - trapped MRS, MSR (register), SYS or SYSL
 * @reg: ARMVCPU_SYSREG(op0, op1, CRn, CRm, op2).
 * @is_write: 1 MSR, 0 MRS.
 * @rt: number of the general register, 31 is XZR (information).
 * @reserved: zero.
 * @data: write: the value; read: the VMM stores the value here.
 *
 * Actions: COMPLETE, RETRY, UNDEF.
 */
struct armvcpu_exit_sysreg {
	__u32 reg;
	__u8 is_write;
	__u8 rt;
	__u8 reserved[2];
	__u64 data;
};

/**
 * struct armvcpu_exit_call - HVC, or SMC by the VM's policy
 * @nr: x0 as the guest gave it; arguments are in the run struct's x[1] on.
 * @imm: the instruction's 16-bit immediate.
 * @is_32bit: 1: @imm is 0 and @nr is an SMC32/HVC32 function id: x[1] to x[7]
 *	are masked to 32 bits until the exit is completed or dropped.  Those
 *	that the VMM leaves alone then get their upper halves back (SMCCC: what
 *	is no result is preserved).
 *
 * x[0] already holds NOT_SUPPORTED (-1): a VMM that does not know the call
 * just runs on.  One that does writes x[0] to x[3] (SMCCC 1.1) or more.
 * COMPLETE and nothing else.
 */
struct armvcpu_exit_call {
	__u64 nr;
	__u32 imm;
	__u32 is_32bit;
};

/* psci.event */
#define ARMVCPU_PSCI_CPU_ON		1
#define ARMVCPU_PSCI_CPU_OFF		2
#define ARMVCPU_PSCI_CPU_SUSPEND	3
#define ARMVCPU_PSCI_SYSTEM_OFF		4
#define ARMVCPU_PSCI_SYSTEM_RESET	5
#define ARMVCPU_PSCI_SYSTEM_RESET2	6
#define ARMVCPU_PSCI_SYSTEM_SUSPEND	7

/**
 * struct armvcpu_exit_psci - a PSCI call that the VMM carries out (DEN0022)
 * @event: ARMVCPU_PSCI_*.
 * @reserved: zero.
 * @fn: the function id.
 * @args: x1 to x3, masked to 32 bits for an SMC32 id.
 *	CPU_ON: target MPIDR, entry point, context id.
 *	CPU_SUSPEND: power state, entry point, context id.
 *	SYSTEM_SUSPEND: entry point, context id.
 *	SYSTEM_RESET2: reset type, cookie.
 * @timer: CPU_SUSPEND: as in struct armvcpu_exit_wfx.
 *
 * The module has checked the arguments and answers whatever is wrong itself.
 * x[0] holds what the guest gets if the VMM does nothing: for CPU_ON
 * INTERNAL_FAILURE (-6); the VMM stores 0 once the target is on its way.  For
 * CPU_SUSPEND SUCCESS: the CPU wakes at once.  For CPU_OFF DENIED (-3), for
 * the SYSTEM_ calls INTERNAL_FAILURE.  COMPLETE and nothing else.
 *
 * With CPU_ON the module gives the target the state of a reset, system registers
 * included, and what the call asks for: PC is the entry point, x0 the context id,
 * SCTLR_EL1.EE the caller's.  The VMM only has to run it.  The target is reset when its
 * next ioctl or RUN begins: ARMVCPU_SET_CORE_REGS then changes what it says, but what was
 * stored in the target's x[] before is lost.
 */
struct armvcpu_exit_psci {
	__u32 event;
	__u32 reserved;
	__u64 fn;
	__u64 args[3];
	__u64 timer;
};

/**
 * struct armvcpu_exit_wfx - the guest waits
 * @is_wfe: 0 WFI, 1 WFE (ARMVCPU_VCPU_WFE_EXITS).
 * @reserved: zero.
 * @timer: WFI: the virtual counter's value at which the guest's virtual timer
 *	fires; ~0: it is off or masked.  Its present value is CNTVCT_EL0 as the
 *	VMM reads it, less ARMVCPU_REG_CNTVOFF.
 *
 * COMPLETE: the wait is over.  RETRY: the instruction traps again.
 */
struct armvcpu_exit_wfx {
	__u32 is_wfe;
	__u32 reserved;
	__u64 timer;
};

/**
 * struct armvcpu_exit_debug - debug exception (ARMVCPU_VCPU_DEBUG_EXITS)
 * @ec: ESR_EL2.EC: 0x3c BRK, 0x38 BKPT of AArch32, 0x30 breakpoint, 0x32
 *	software step, 0x34 watchpoint.
 * @comment: BRK, BKPT: the immediate of the instruction.
 * @far: watchpoint: the address; otherwise 0.
 *
 * The VMM sets breakpoints and watchpoints in the guest's own registers
 * (DBGBVRn_EL1, DBGBCRn_EL1, DBGWVRn_EL1, DBGWCRn_EL1, as many as
 * ID_AA64DFR0_EL1 shows), and MDSCR_EL1.MDE.  For a single step it sets
 * MDSCR_EL1.SS, and PSTATE.SS before each RUN.  They come whether the guest masks
 * debug exceptions (PSTATE.D) or not.  A guest that uses these registers itself
 * and a VMM that does are in each other's way.
 *
 * PC is at the instruction; of a step, behind the one that was stepped.  COMPLETE
 * moves it behind a BRK or BKPT and leaves it alone for the others, so what has
 * not been taken away is met again; RETRY leaves it; UNDEF injects an undefined
 * instruction.
 */
struct armvcpu_exit_debug {
	__u32 ec;
	__u32 comment;
	__u64 far;
};

/* fail.reason */
#define ARMVCPU_FAIL_EXCEPTION		1	/* no handler for ESR_EL2.EC */
#define ARMVCPU_FAIL_SERROR		2	/* a physical SError came in guest */
#define ARMVCPU_FAIL_EL2		3	/* EL2 itself faulted: VM is dead */
#define ARMVCPU_FAIL_MEMORY		4	/* host cannot back the page, see @err */
#define ARMVCPU_FAIL_ENTRY		5	/* a CPU lacks what the guest was told of */

/**
 * struct armvcpu_exit_fail - the guest cannot go on by itself
 * @reason: ARMVCPU_FAIL_*.
 * @err: a positive errno, or 0.
 *
 * ESR, FAR, HPFAR and PC are in the run struct.  After COMPLETE or RETRY the
 * instruction is executed again, after UNDEF the guest takes an undefined
 * instruction in its place, unless the VM is dead.
 */
struct armvcpu_exit_fail {
	__u32 reason;
	__u32 err;
};

/**
 * struct armvcpu_stats - what a vCPU has done so far
 * @irqs: how often an interrupt of the host's ended a slice of the guest.
 * @sync: how often a trap did, by ESR_EL2.EC; data aborts (0x24) where the module knew at
 *	once that they are the VMM's are in @user only.
 * @user: exits to the VMM, by ARMVCPU_EXIT_*.
 * @el2: what EL2 has answered itself, by ARMVCPU_EL2_*.
 * @faults: stage 2 faults that mapped memory.
 * @pages: pages that they mapped.
 * @waits: how often it waited for an interrupt in the module.
 * @reserved: zero.
 *
 * Anybody who has the mapping may look at any time, and the vCPU need not stop.  The
 * VMM may set them to zero while the vCPU does not run.  They only count: nothing in
 * the module goes by them.
 */
struct armvcpu_stats {
	__u64 irqs;
	__u64 sync[64];
	__u64 user[16];
	__u64 el2[16];
	__u64 faults;
	__u64 pages;
	__u64 waits;
	__u64 reserved[12];
};

/* armvcpu_run_line.level */
#define ARMVCPU_LINE_LOW	0
#define ARMVCPU_LINE_HIGH	1
#define ARMVCPU_LINE_PULSE	2	/* up and down again: an edge */

/**
 * struct armvcpu_run_line - the line of an interrupt, for RUN
 * @intid: INTID: 16 to 31 a PPI of this vCPU; from 32 on an SPI.
 * @level: ARMVCPU_LINE_*.
 */
struct armvcpu_run_line {
	__u32 intid;
	__u32 level;
};

#define ARMVCPU_RUN_LINES	8

/**
 * struct armvcpu_posted - a write of the guest that was posted
 * @ipa: guest physical address.
 * @data: the value, as armvcpu_exit_mmio.data has it.
 * @len: bytes: 1, 2, 4 or 8.
 * @pad: zero.
 */
struct armvcpu_posted {
	__u64 ipa;
	__u64 data;
	__u32 len;
	__u32 pad;
};

#define ARMVCPU_POSTED_SIZE	64

/**
 * struct armvcpu_posted_ring - writes that were posted
 * @head: how many the VMM has taken out so far, which writes that.
 * @tail: how many there have been so far.
 * @writes: the places: write number n is in n modulo their number.
 *
 * Both numbers wrap around at 2^32.  Any thread of the VMM can take them out, one at a
 * time, while the vCPU runs: it reads @tail with acquire semantics, and writes @head
 * with release semantics.
 */
struct armvcpu_posted_ring {
	__u32 head;
	__u32 tail;
	struct armvcpu_posted writes[ARMVCPU_POSTED_SIZE];
};

/**
 * struct armvcpu_times - how long a vCPU was out of the guest
 * @irq: for interrupts of the host's, and what the scheduler made of them.
 * @sync: for a trap, by ESR_EL2.EC: from the end of the slice until the next one began.
 *	With an exit to the VMM, all that the VMM did is in it.
 *
 * In ticks of the counter, CNTFRQ_EL0 a second.  While armvcpu_run.timing is not zero.
 * What EL2 answers itself is not in here.  The VMM may set them to zero while the vCPU
 * does not run.
 */
struct armvcpu_times {
	__u64 irq;
	__u64 sync[64];
};

/**
 * struct armvcpu_run - the page a vCPU shares with its VMM
 * @x: general registers x0 to x30.  Valid whenever the vCPU does not run;
 *	what the VMM stores is what the guest resumes with.
 * @immediate_exit: in: non-zero makes RUN return EINTR before the guest runs.
 *	A signal handler sets it to close the race between a test of a flag
 *	and RUN.
 * @action: in: ARMVCPU_ACTION_*.
 * @timing: in: non-zero: @times are counted, which costs each exit some instructions.
 * @pad0: zero.
 * @exit_reason: out: ARMVCPU_EXIT_*.
 * @pc: out: the guest's PC at the exit: at the instruction, or behind it for a
 *	call (HYPERCALL, SMC, PSCI).  Setting it here has no effect.
 * @pstate: out: the guest's PSTATE at the exit.
 * @esr: out: ESR_EL2 of the exit; 0 for INTR and for ARMVCPU_FAIL_ENTRY.
 * @far: out: FAR_EL2 of MMIO, ABORT and FAIL; otherwise no meaning.
 * @hpfar: out: HPFAR_EL2 of these, or as computed where the hardware leaves it
 *	unknown; otherwise no meaning.
 * @u: out: by @exit_reason; fields that the VMM stores are marked.
 * @stats: what the vCPU has done so far.
 * @nr_lines: in: how many of @lines; RUN sets it to zero when it has set them.
 * @pad1: zero.
 * @lines: in: lines to raise or lower before the guest runs, as ARMVCPU_SET_IRQ would,
 *	without another system call.
 * @pad2: zero.
 * @posted: ARMVCPU_SET_POSTED: writes of the guest.
 * @times: with @timing: where the time goes.
 *
 * mmap() ARMVCPU_CAP_RUN_SIZE bytes of the vCPU file at offset 0, shared,
 * readable and writable.  A child of fork() does not get the mapping.  It keeps
 * the vCPU alive after its file is closed.  mmap() fails with EINVAL (another
 * offset or size, not shared), EIO (another process), ENOMEM.
 *
 * The module keeps its own copy of what it needs to complete an exit: nothing
 * here but @x, @immediate_exit, @action, @timing, mmio.data, sysreg.data, @nr_lines, @lines and
 * the ring's head is read back.
 */
struct armvcpu_run {
	__u64 x[31];
	__u8 immediate_exit;
	__u8 action;
	__u8 timing;
	__u8 pad0;
	__u32 exit_reason;
	__u64 pc;
	__u64 pstate;
	__u64 esr;
	__u64 far;
	__u64 hpfar;
	union {
		struct armvcpu_exit_mmio mmio;
		struct armvcpu_exit_abort abort;
		struct armvcpu_exit_sysreg sysreg;
		struct armvcpu_exit_call call;
		struct armvcpu_exit_psci psci;
		struct armvcpu_exit_wfx wfx;
		struct armvcpu_exit_debug debug;
		struct armvcpu_exit_fail fail;
		__u64 pad[27];
	} u;
	struct armvcpu_stats stats;
	__u32 nr_lines;
	__u32 pad1;
	struct armvcpu_run_line lines[ARMVCPU_RUN_LINES];
	__u64 pad2[8];
	struct armvcpu_posted_ring posted;
	struct armvcpu_times times;
};

#endif /* _UAPI_LINUX_ARMVCPU_H */
