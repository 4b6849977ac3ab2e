// SPDX-License-Identifier: GPL-2.0
/*
 * The module's beginning and end, and /dev/armvcpu.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "kmod.h"

static bool debug;
module_param(debug, bool, 0444);
MODULE_PARM_DESC(debug, "files for the tests in debugfs; never on a machine that matters");

module_param_cb(cpus, &el2_cpus_param_ops, NULL, 0444);
MODULE_PARM_DESC(cpus, "CPUs whose EL2 the module holds (read-only)");

static int vms_get(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%llu\n", vm_count());
}

static const struct kernel_param_ops vms_param_ops = { .get = vms_get };
module_param_cb(vms, &vms_param_ops, NULL, 0444);
MODULE_PARM_DESC(vms, "VMs that exist (read-only)");

static struct dentry *debugfs_dir;

static long system_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *argp = (void __user *)arg;
	struct armvcpu_create_vm create;

	switch (cmd) {
	case ARMVCPU_GET_API_VERSION:
		return ARMVCPU_API_VERSION;
	case ARMVCPU_CHECK_CAP:
		return vm_check_cap(argp);
	case ARMVCPU_CREATE_VM:
		if (copy_from_user(&create, argp, sizeof(create)))
			return -EFAULT;
		return vm_create(&create);
	}
	return -ENOTTY;
}

/*
 * No compat_ioctl: a 32-bit program gets ENOTTY from the kernel.
 */
static const struct file_operations system_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = system_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice system_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "armvcpu",
	.fops = &system_fops,
	.mode = 0660,
};

static int __init armvcpu_init(void)
{
	int ret;

	ret = el2_init();
	if (ret)
		return ret;
	vcpu_init();
	fpsimd_init();
	timer_init();
	gic_host_init();
	if (gic_host_is_v3())
		redist_init();
	pass_init();
	ret = irqfd_init();
	if (ret) {
		pr_err("no memory for the ends of irqfds: free some and try again\n");
		goto out_el2;
	}
	ret = misc_register(&system_device);
	if (ret) {
		pr_err("cannot create /dev/armvcpu: %d\n", ret);
		/* Of a load it means that the module is there: modprobe calls that a success. */
		if (ret == -EEXIST)
			ret = -EBUSY;
		goto out_irqfd;
	}
	stats_init();
	debugfs_dir = debugfs_create_dir("armvcpu", NULL);
	stats_debugfs(debugfs_dir);
	el2_debugfs(debugfs_dir, debug);
	pr_info("EL2 taken on %u CPU(s); %u-bit guest addresses, %u-bit VMIDs\n",
		num_online_cpus(), stage2_max_ipa_bits(), stage2_vmid_bits());
	return 0;

out_irqfd:
	irqfd_exit();
out_el2:
	el2_exit();
	pass_exit();
	redist_destroy();
	gic_host_destroy();
	return ret;
}

static void __exit armvcpu_exit(void)
{
	debugfs_remove_recursive(debugfs_dir);
	stats_exit();
	misc_deregister(&system_device);
	irqfd_exit();
	el2_exit();
	pass_exit();
	/* No CPU comes up or out of idle to it any more. */
	redist_destroy();
	gic_host_destroy();
}

module_init(armvcpu_init);
module_exit(armvcpu_exit);

MODULE_DESCRIPTION("Hypervisor for arm64 hosts without one");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
