// SPDX-License-Identifier: GPL-2.0
/*
 * PSCI calls (DEN0022) that the module leaves to the VMM. It has checked their
 * arguments, and x[0] holds what the guest gets if nothing is done here.
 */
#include "machine.h"

#define PSCI_SUCCESS	0

static void cpu_on(struct vcpu *caller)
{
	struct armvcpu_run *run = caller->hw.run;
	const __u64 *args = run->u.psci.args;
	struct vm *vm = caller->vm;
	unsigned int i;

	for (i = 0; i < vm->config->cpus; i++) {
		struct vcpu *target = &vm->vcpus[i];

		if (target->mpidr != args[0])
			continue;
		/*
		 * The module has reset the target, and has set its PC and x0.
		 * Its thread may still be on its way out of CPU_OFF: it finds
		 * the new state when it parks.
		 */
		pthread_mutex_lock(&vm->lock);
		vcpu_called(target);
		pthread_mutex_unlock(&vm->lock);
		run->x[0] = PSCI_SUCCESS;
		return;
	}
}

/* The machine halts with its last CPU. */
static void cpu_off(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	bool halted = true;
	unsigned int i;

	pthread_mutex_lock(&vm->lock);
	/* Another CPU may have switched it on again already. */
	if (vcpu->state == VCPU_ON)
		vcpu->state = VCPU_OFF;
	for (i = 0; i < vm->config->cpus; i++) {
		if (vm->vcpus[i].state != VCPU_OFF)
			halted = false;
	}
	pthread_mutex_unlock(&vm->lock);
	if (halted)
		vm_request(vm, VM_HALTED);
}

bool psci_handle(struct vcpu *vcpu)
{
	const struct armvcpu_exit_psci *psci = &vcpu->hw.run->u.psci;
	struct vm *vm = vcpu->vm;

	switch (psci->event) {
	case ARMVCPU_PSCI_CPU_ON:
		cpu_on(vcpu);
		return true;
	case ARMVCPU_PSCI_CPU_OFF:
		cpu_off(vcpu);
		return false;
	case ARMVCPU_PSCI_CPU_SUSPEND:
		/* PSCI lets a suspend be as shallow as one likes: a wait. */
		vcpu_wait(vcpu, psci->timer);
		return true;
	case ARMVCPU_PSCI_SYSTEM_OFF:
		vm_request(vm, VM_POWEROFF);
		return false;
	case ARMVCPU_PSCI_SYSTEM_RESET:
	case ARMVCPU_PSCI_SYSTEM_RESET2:
		vm_request(vm, VM_RESET);
		return false;
	default:
		/* SYSTEM_SUSPEND: refused by what x[0] holds. */
		return true;
	}
}
