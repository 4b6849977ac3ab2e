// SPDX-License-Identifier: GPL-2.0
/*
 * VM files.  A VM lives as long as its file or one of its vCPUs' is open.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <clocksource/arm_arch_timer.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>

#include "kmod.h"

/* The VMs that there are, and how many there have been. */
static atomic64_t nr_vms = ATOMIC64_INIT(0);
static atomic64_t last_vm = ATOMIC64_INIT(0);

/**
 * vm_count() - VMs that exist
 */
u64 vm_count(void)
{
	return atomic64_read(&nr_vms);
}

/**
 * has_aarch32_el0() - may a guest's EL0 run AArch32 code?
 */
bool has_aarch32_el0(void)
{
	return (read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1) & 0xf) == 2;
}

/**
 * pstate_mask() - bits of PSTATE that this machine has in AArch64, M[4:0] aside
 */
u64 pstate_mask(void)
{
	u64 pfr0 = read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1);
	u64 pfr1 = read_sanitised_ftr_reg(SYS_ID_AA64PFR1_EL1);
	u64 mmfr1 = read_sanitised_ftr_reg(SYS_ID_AA64MMFR1_EL1);
	u64 mmfr2 = read_sanitised_ftr_reg(SYS_ID_AA64MMFR2_EL1);
	u64 mask = GENMASK_ULL(31, 28) | PSR_D_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT |
		   BIT_ULL(20) | BIT_ULL(21);	/* NZCV, DAIF, IL, SS */

	if (pfr0 >> 48 & 0xf)
		mask |= PSR_DIT_BIT;
	if (pfr1 >> 4 & 0xf)
		mask |= PSR_SSBS_BIT;
	if (pfr1 & 0xf)
		mask |= BIT_ULL(10) | BIT_ULL(11);	/* BTYPE */
	/* Hidden from guests, but nothing keeps them from writing these. */
	if (pfr1 >> 8 & 0xf)
		mask |= PSR_TCO_BIT;
	if (el2_has_allint())
		mask |= BIT_ULL(13);	/* ALLINT */
	if (mmfr1 >> 20 & 0xf)
		mask |= PSR_PAN_BIT;
	if (mmfr2 >> 4 & 0xf)
		mask |= PSR_UAO_BIT;
	return mask;
}

/**
 * vm_check_cap() - ARMVCPU_CHECK_CAP
 * @argp: struct armvcpu_cap of the caller.
 *
 * Return: 0, -EFAULT, -EINVAL.
 */
int vm_check_cap(void __user *argp)
{
	struct armvcpu_cap cap;

	if (copy_from_user(&cap, argp, sizeof(cap)))
		return -EFAULT;
	if (cap.flags)
		return -EINVAL;
	switch (cap.cap) {
	case ARMVCPU_CAP_MAX_IPA_BITS:
		cap.value = stage2_max_ipa_bits();
		break;
	case ARMVCPU_CAP_RUN_SIZE:
	case ARMVCPU_CAP_PAGE_SIZE:
		cap.value = PAGE_SIZE;
		break;
	case ARMVCPU_CAP_MAX_VCPUS:
		cap.value = ARMVCPU_MAX_VCPUS;
		break;
	case ARMVCPU_CAP_MAX_SLOTS:
		cap.value = ARMVCPU_MAX_SLOTS;
		break;
	case ARMVCPU_CAP_PINNED_MEMORY:
		cap.value = MEMSLOT_PINNED;
		break;
	case ARMVCPU_CAP_AARCH32_EL0:
		cap.value = has_aarch32_el0();
		break;
	case ARMVCPU_CAP_VCPU_FLAGS:
		cap.value = ARMVCPU_VCPU_POWERED_OFF | ARMVCPU_VCPU_DEBUG_EXITS |
			    ARMVCPU_VCPU_WFE_EXITS;
		break;
	case ARMVCPU_CAP_PSTATE_MASK:
		cap.value = pstate_mask();
		break;
	case ARMVCPU_CAP_GIC_VERSIONS:
		cap.value = gic_host_versions();
		break;
	case ARMVCPU_CAP_MAX_VMS:
		cap.value = ARMVCPU_MAX_VMS;
		break;
	case ARMVCPU_CAP_MAX_IOEVENTFDS:
		cap.value = ARMVCPU_MAX_IOEVENTFDS;
		break;
	case ARMVCPU_CAP_IOEVENTFD_FLAGS:
		cap.value = ARMVCPU_IOEVENTFD_FLAGS;
		break;
	case ARMVCPU_CAP_MAX_IRQFDS:
		cap.value = ARMVCPU_MAX_IRQFDS;
		break;
	case ARMVCPU_CAP_IRQFD_FLAGS:
		cap.value = ARMVCPU_IRQFD_FLAGS;
		break;
	case ARMVCPU_CAP_PASS_IRQ_FLAGS:
		cap.value = pass_flags();
		break;
	case ARMVCPU_CAP_SMCCC_POLICY_FLAGS:
		cap.value = ARMVCPU_SMCCC_POLICY_FLAGS;
		break;
	case ARMVCPU_CAP_MAX_POSTED:
		cap.value = HYP_MAX_RANGES;
		break;
	case ARMVCPU_CAP_MAX_LINES:
		cap.value = ARMVCPU_RUN_LINES;
		break;
	case ARMVCPU_CAP_EL2_ANSWERS:
		cap.value = ARMVCPU_EL2_ANSWERS;
		break;
	case ARMVCPU_CAP_STATS:
	case ARMVCPU_CAP_RUN_BY_FDATASYNC:
		cap.value = 1;
		break;
	case ARMVCPU_CAP_SLOT_FLAGS:
		cap.value = ARMVCPU_SLOT_FLAGS;
		break;
	case ARMVCPU_CAP_DIRTY_LOG:
		cap.value = 1;
		break;
	case ARMVCPU_CAP_MAX_DIRTY_RING:
		cap.value = ARMVCPU_MAX_DIRTY_RING;
		break;
	case ARMVCPU_CAP_PASS_IRQ_DIRECT:
		cap.value = pass_is_direct();
		break;
	default:
		cap.value = 0;
		break;
	}
	return copy_to_user(argp, &cap, sizeof(cap)) ? -EFAULT : 0;
}

static void vm_destroy(struct kref *ref)
{
	struct vm *vm = container_of(ref, struct vm, ref);

	stats_remove(vm);
	notifier_remove(vm);
	stage2_destroy(vm);
	memslot_destroy_all(vm);
	ioeventfd_destroy_all(vm);
	irqfd_destroy_all(vm);
	pass_destroy_all(vm);
	gic_destroy(vm);
	free_percpu(vm->last_ran);
	kfree(vm->policy);
	el2_unshare(vm->hyp);
	free_page((unsigned long)vm->hyp);
	mmdrop(vm->mm);
	kvfree(vm);
	atomic64_dec(&nr_vms);
}

/* Room for one more. */
static bool count_vm(void)
{
	if (atomic64_inc_return(&nr_vms) <= ARMVCPU_MAX_VMS)
		return true;
	atomic64_dec(&nr_vms);
	return false;
}

/**
 * vm_kick() - make all vCPUs that run come out of the guest and in again
 * @vm: the VM.
 */
void vm_kick(struct vm *vm)
{
	u32 i;

	mutex_lock(&vm->vcpus_lock);
	for (i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpus[i])
			vcpu_kick(vm->vcpus[i]);
	mutex_unlock(&vm->vcpus_lock);
}

/**
 * vm_kill() - none of the VM's vCPUs runs again
 * @vm: the VM.
 */
void vm_kill(struct vm *vm)
{
	WRITE_ONCE(vm->dead, true);
	vm_kick(vm);
}

static void unlock_vcpus(struct vm *vm, u32 count)
{
	while (count--)
		if (vm->vcpus[count])
			vcpu_unlock(vm->vcpus[count]);
	mutex_unlock(&vm->vcpus_lock);
}

/**
 * vm_lock_vcpus() - none of the vCPUs runs, comes or goes until vm_unlock_vcpus()
 * @vm: the VM.
 *
 * Return: 0, -EBUSY (a thread is in an ioctl of one of them).
 */
int vm_lock_vcpus(struct vm *vm)
{
	u32 i;

	mutex_lock(&vm->vcpus_lock);
	for (i = 0; i < vm->nr_vcpus; i++) {
		if (!vm->vcpus[i])
			continue;
		if (!vcpu_trylock(vm->vcpus[i])) {
			unlock_vcpus(vm, i);
			return -EBUSY;
		}
		vcpu_settle(vm->vcpus[i]);
	}
	return 0;
}

/**
 * vm_unlock_vcpus() - the vCPUs may run again
 * @vm: the VM, from vm_lock_vcpus().
 */
void vm_unlock_vcpus(struct vm *vm)
{
	unlock_vcpus(vm, vm->nr_vcpus);
}

/**
 * vm_get() - a reference more
 * @vm: the VM.
 */
void vm_get(struct vm *vm)
{
	kref_get(&vm->ref);
}

/**
 * vm_put() - a reference less; the last one destroys the VM
 * @vm: the VM.
 */
void vm_put(struct vm *vm)
{
	kref_put(&vm->ref, vm_destroy);
}

static int vm_release(struct inode *inode, struct file *file)
{
	vm_put(file->private_data);
	return 0;
}

static int set_answers(struct vm *vm, const struct armvcpu_el2_answers *arg)
{
	if (arg->mask & ~ARMVCPU_EL2_ANSWERS || arg->reserved)
		return -EINVAL;
	/* EL2 looks at each exit. */
	WRITE_ONCE(vm->hyp->answers, arg->mask);
	return 0;
}

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vm *vm = file->private_data;
	void __user *argp = (void __user *)arg;
	struct armvcpu_el2_answers answers;
	struct armvcpu_clear_dirty_pages dirty_pages;
	struct armvcpu_create_vcpu create;
	struct armvcpu_create_gic gic;
	struct armvcpu_dirty_log dirty;
	struct armvcpu_ioeventfd ioeventfd;
	struct armvcpu_irqfd irqfd;
	struct armvcpu_mem_slot slot;
	struct armvcpu_pass_irq pass;
	struct armvcpu_posted_range posted;

	if (current->mm != vm->mm)
		return -EIO;
	switch (cmd) {
	case ARMVCPU_CHECK_CAP:
		return vm_check_cap(argp);
	case ARMVCPU_CREATE_VCPU:
		if (copy_from_user(&create, argp, sizeof(create)))
			return -EFAULT;
		return vcpu_create(vm, &create);
	case ARMVCPU_SET_MEM_SLOT:
		if (copy_from_user(&slot, argp, sizeof(slot)))
			return -EFAULT;
		if (READ_ONCE(vm->dead))
			return -ENODEV;
		return memslot_set(vm, &slot);
	case ARMVCPU_GET_DIRTY_LOG:
	case ARMVCPU_CLEAR_DIRTY_LOG:
	case ARMVCPU_MARK_DIRTY:
		if (copy_from_user(&dirty, argp, sizeof(dirty)))
			return -EFAULT;
		return dirty_ioctl(vm, cmd, &dirty);
	case ARMVCPU_CLEAR_DIRTY_PAGES:
		if (copy_from_user(&dirty_pages, argp, sizeof(dirty_pages)))
			return -EFAULT;
		return dirty_clear_pages(vm, &dirty_pages);
	case ARMVCPU_CREATE_GIC:
		if (copy_from_user(&gic, argp, sizeof(gic)))
			return -EFAULT;
		return gic_create(vm, &gic);
	case ARMVCPU_SET_IRQ:
		return gic_irq_ioctl(vm, argp);
	case ARMVCPU_GET_GIC_REG:
	case ARMVCPU_SET_GIC_REG:
	case ARMVCPU_RESET_GIC:
		return gic_reg_ioctl(vm, cmd, argp);
	case ARMVCPU_SET_SMCCC_POLICY:
		return smccc_set_policy(vm, argp);
	case ARMVCPU_SET_POSTED:
		if (copy_from_user(&posted, argp, sizeof(posted)))
			return -EFAULT;
		if (READ_ONCE(vm->dead))
			return -ENODEV;
		return posted_set(vm, &posted);
	case ARMVCPU_SET_EL2_ANSWERS:
		if (copy_from_user(&answers, argp, sizeof(answers)))
			return -EFAULT;
		return set_answers(vm, &answers);
	case ARMVCPU_SET_IOEVENTFD:
		if (copy_from_user(&ioeventfd, argp, sizeof(ioeventfd)))
			return -EFAULT;
		if (READ_ONCE(vm->dead))
			return -ENODEV;
		return ioeventfd_set(vm, &ioeventfd);
	case ARMVCPU_SET_IRQFD:
		if (copy_from_user(&irqfd, argp, sizeof(irqfd)))
			return -EFAULT;
		if (READ_ONCE(vm->dead))
			return -ENODEV;
		return irqfd_set(vm, &irqfd);
	case ARMVCPU_PASS_IRQ:
		if (copy_from_user(&pass, argp, sizeof(pass)))
			return -EFAULT;
		if (READ_ONCE(vm->dead))
			return -ENODEV;
		return pass_set(vm, &pass);
	}
	return -ENOTTY;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_release,
	.unlocked_ioctl = vm_ioctl,
	.llseek = noop_llseek,
};

/* What EL2 knows of the VM. */
static int share_page(struct vm *vm)
{
	int ret;

	vm->hyp = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vm->hyp)
		return -ENOMEM;
	vm->hyp->answers = ARMVCPU_EL2_ANSWERS;
	vm->hyp->all_claimed = true;
	vm->hyp->gicd = ~0ULL;
	ret = el2_share(vm->hyp);
	if (ret)
		free_page((unsigned long)vm->hyp);
	return ret;
}

/**
 * vm_create() - ARMVCPU_CREATE_VM
 * @arg: a copy of the caller's.
 *
 * Return: a file descriptor, or an error of the ioctl.
 */
int vm_create(const struct armvcpu_create_vm *arg)
{
	unsigned int max_bits = stage2_max_ipa_bits();
	struct vm *vm;
	int ret;

	if (arg->flags || arg->reserved[0] || arg->reserved[1] || arg->reserved[2])
		return -EINVAL;
	if (arg->ipa_bits && (arg->ipa_bits < ARMVCPU_MIN_IPA_BITS || arg->ipa_bits > max_bits))
		return -EINVAL;

	if (!count_vm())
		return -ENOSPC;
	ret = -ENOMEM;
	vm = kvzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		goto out_count;
	kref_init(&vm->ref);
	mutex_init(&vm->lock);
	mutex_init(&vm->vcpus_lock);
	init_rwsem(&vm->slots_lock);
	init_waitqueue_head(&vm->thawed);
	init_waitqueue_head(&vm->valid);
	mutex_init(&vm->irqfds_mutex);
	INIT_LIST_HEAD(&vm->resamplers);
	spin_lock_init(&vm->irqfds_lock);
	INIT_LIST_HEAD(&vm->irqfds);
	vm->layout = 1;
	vm->ipa_bits = arg->ipa_bits ?: min(40U, max_bits);

	ret = share_page(vm);
	if (ret)
		goto out_vm;
	idregs_init(vm);
	/* The guest's counter begins at zero. */
	vm->hyp->cntvoff = arch_timer_read_counter();
	vm->last_ran = alloc_percpu_gfp(u64, GFP_KERNEL_ACCOUNT);
	if (!vm->last_ran) {
		ret = -ENOMEM;
		goto out_page;
	}
	vm->number = atomic64_inc_return(&last_vm);
	ret = stage2_init(vm);
	if (ret)
		goto out_last_ran;
	mmgrab(current->mm);
	vm->mm = current->mm;
	strscpy(vm->comm, current->comm, sizeof(vm->comm));
	vm->pid = current->tgid;
	stats_add(vm);

	ret = anon_inode_getfd("armvcpu-vm", &vm_fops, vm, O_RDWR | O_CLOEXEC);
	if (ret < 0)
		vm_put(vm);
	return ret;

out_last_ran:
	free_percpu(vm->last_ran);
out_page:
	el2_unshare(vm->hyp);
	free_page((unsigned long)vm->hyp);
out_vm:
	kvfree(vm);
out_count:
	atomic64_dec(&nr_vms);
	return ret;
}
