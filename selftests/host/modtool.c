// SPDX-License-Identifier: GPL-2.0
/*
 * What the scripts of this directory need in the host: the module's system
 * calls with their error, and a VM that computes.
 */
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "host/module.h"

static void usage(FILE *f)
{
	fputs("modtool load [PARAMETERS] | unload | vm | holders | kvm\n"
	      "\n"
	      "  load     finit_module() of " MODULE_FILE "\n"
	      "  unload   delete_module()\n"
	      "  vm       make a VM, let it compute, check the sum\n"
	      "  holders  try to unload the module with each kind of its files open\n"
	      "  kvm      make a VM by KVM\n"
	      "\n"
	      "load and unload print the error's name and exit with its number.\n", f);
}

static int report(const char *what, int ret)
{
	if (ret)
		printf("%s: %s\n", what, strerrorname_np(-ret));
	return -ret;
}

static void guest_sum(u64 count)
{
	u64 i, sum = 0;

	for (i = 1; i <= count; i++) {
		sum += i;
		asm volatile("" : "+r"(sum));
	}
	GUEST_SYNC_ARGS(1, sum, 0, 0);
}

static int run_vm(void)
{
	struct vcpu vcpu;
	struct vm vm;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	vcpu_call(&vcpu, guest_sum, 1000);
	vcpu_expect_sync(&vcpu, 1);
	if (vcpu_sync_arg(&vcpu, 0) != 500500)
		test_fail("the guest's sum is %llu", vcpu_sync_arg(&vcpu, 0));
	vcpu_close(&vcpu);
	vm_close(&vm);
	return 0;
}

static void expect_busy(const char *what)
{
	int ret = module_unload();

	if (ret != -EAGAIN)
		test_fail("unload with %s open: %s, not EAGAIN", what,
			  ret ? strerrorname_np(-ret) : "done");
	printf("%s: EAGAIN\n", what);
}

/* Closed one by one, the mapping last. */
static int try_holders(void)
{
	struct vcpu vcpu;
	struct vm vm;
	u64 size;

	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	size = get_cap(vm.sys, ARMVCPU_CAP_RUN_SIZE);
	expect_busy("everything");
	close(vcpu.fd);
	munmap(vcpu.run, size);
	close(vm.fd);
	expect_busy("the device");
	close(vm.sys);

	vm_init(&vm);
	close(vm.sys);
	expect_busy("the VM");
	vm.sys = sys_open();
	vcpu_init(&vcpu, &vm, 0);
	vm_close(&vm);
	expect_busy("the vCPU");
	close(vcpu.fd);
	expect_busy("the vCPU's mapping");
	munmap(vcpu.run, size);
	return report("unload", module_unload());
}

static int run_kvm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm, vcpu;

	if (kvm < 0)
		test_fail("/dev/kvm: %m");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		test_fail("KVM_CREATE_VM: %m");
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		test_fail("KVM_CREATE_VCPU: %m");
	return 0;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "load"))
		return report("load", module_load(argc > 2 ? argv[2] : ""));
	if (!strcmp(command, "unload"))
		return report("unload", module_unload());
	if (!strcmp(command, "vm"))
		return run_vm();
	if (!strcmp(command, "holders"))
		return try_holders();
	if (!strcmp(command, "kvm"))
		return run_kvm();
	usage(strcmp(command, "--help") ? stderr : stdout);
	return strcmp(command, "--help") ? 255 : 0;
}
