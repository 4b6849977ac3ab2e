/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The test's side of a VM with a GIC: what guest_gic.h describes, at its
 * addresses; its registers by the guest and by the VMM; lines.
 */
#ifndef SELFTEST_GIC_H
#define SELFTEST_GIC_H

#include "guest_gic.h"
#include "vm.h"

/* What the guest and the test, or two threads of it, tell each other. */
#define shared_get(word)	__atomic_load_n(&(word), __ATOMIC_ACQUIRE)
#define shared_set(word, value)	__atomic_store_n(&(word), (value), __ATOMIC_RELEASE)

/**
 * struct gic_vm - a VM with a GIC
 * @vm: the VM, with the program in it.
 * @vcpu: its vCPUs, @nr_vcpus of them, by default at work in guest_accesses().
 * @nr_vcpus: how many.
 * @version: of the GIC.
 */
struct gic_vm {
	struct vm vm;
	struct vcpu vcpu[GUEST_MAX_CPUS];
	unsigned int nr_vcpus;
	u32 version;
};

/* As in ARMVCPU_CAP_GIC_VERSIONS. */
#define GIC_V2			BIT(2)
#define GIC_V3			BIT(3)

/* Why a test is skipped; by itself, as what a fixture says is not heard. */
#define NO_GIC			"the host's GIC cannot do it"

/* The latest of these versions that the host can do, 0 if there is none. */
u32 gic_version(u32 versions);

/* These fail the test if the host does not have @version. */
void gic_vm_create(struct gic_vm *g, u32 version, u32 nr_irqs, u32 max_vcpus);
void gic_vm_add_vcpu(struct gic_vm *g, u64 mpidr);
/* 96 INTIDs, four vCPUs at most, so many of them there. */
void gic_vm_init(struct gic_vm *g, u32 version, unsigned int nr_vcpus);
int gic_vm_try_create(struct vm *vm, const struct armvcpu_create_gic *arg);

/* A vCPU's access, one exit each; it does nothing else. */
u64 gic_read(struct vcpu *vcpu, u64 address, unsigned int len);
void gic_write(struct vcpu *vcpu, u64 address, unsigned int len, u64 value);
/* The word of an interrupt's bit, and so on, in the frame of a vCPU that has it. */
u64 gic_address(const struct gic_vm *g, const struct vcpu *vcpu, u32 reg, u32 intid,
		unsigned int bits);
bool gic_bit(struct gic_vm *g, struct vcpu *vcpu, u32 reg, u32 intid);
void gic_set_bit(struct gic_vm *g, struct vcpu *vcpu, u32 reg, u32 intid);
void gic_set_priority(struct gic_vm *g, struct vcpu *vcpu, u32 intid, u8 priority);
/* To @target, of the version's group, at a priority, enabled; edge or level. */
void gic_enable(struct gic_vm *g, struct vcpu *target, u32 intid, u8 priority, bool edge);

/* The VMM: 0 or -errno; the variants without "try" fail the test. */
int gic_try_get(struct vm *vm, u32 space, u32 offset, u64 mpidr, u64 *value);
int gic_try_set(struct vm *vm, u32 space, u32 offset, u64 mpidr, u64 value);
u64 gic_get(struct vm *vm, u32 space, u32 offset, u64 mpidr);
void gic_set(struct vm *vm, u32 space, u32 offset, u64 mpidr, u64 value);
/* The state of an interrupt as the VMM sees it: a bit of a register. */
bool gic_state(struct gic_vm *g, struct vcpu *vcpu, u32 reg, u32 intid);

int gic_try_irq(struct vm *vm, u32 intid, u64 mpidr, u32 level);
void gic_irq(struct vm *vm, u32 intid, u32 level);
void gic_pulse(struct vm *vm, u32 intid);

u8 gic_priority_mask(struct gic_vm *g);

#endif /* SELFTEST_GIC_H */
