/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hypervisor as the benchmark sees it: one table of functions for each of
 * /dev/kvm and /dev/armvcpu, so that both do the same work.  What a back end
 * lacks is NULL, and its rows are empty.
 *
 * All of it ends the program with a message if it fails.
 */
#ifndef BENCH_BACKEND_H
#define BENCH_BACKEND_H

#include <stdbool.h>

#include "types.h"

struct backend;
struct cpu;

#define MACHINE_MAX_CPUS	8

/**
 * struct machine - a VM
 * @be: whose.
 * @sys: file of the device.
 * @fd: file of the VM.
 * @gic: the back end's: a file, if it has one for it.
 * @ring: the back end's: writes that were posted.
 * @cpus: its vCPUs.
 */
struct machine {
	const struct backend *be;
	int sys;
	int fd;
	int gic;
	void *ring;
	struct cpu *cpus[MACHINE_MAX_CPUS];
};

/**
 * struct cpu - a vCPU
 * @vm: its VM.
 * @fd: its file.
 * @run: what it shares with the hypervisor.
 * @index: its number; Aff0 of its MPIDR is the same.
 * @on: the back end's: 0 while it is powered off.
 */
struct cpu {
	struct machine *vm;
	int fd;
	void *run;
	unsigned int index;
	u32 on;
};

/* Why a vCPU's run() is back. */
enum exit_kind {
	EXIT_MMIO,	/* an access without memory: get_mmio() */
	EXIT_CALL,	/* a hypercall that nobody knows: run on, and x0 says so */
	EXIT_SHUTDOWN,	/* the guest has switched its machine off */
	EXIT_INTR,	/* a signal, or immediate exit */
	EXIT_OTHER,	/* anything else: print_exit() */
};

/**
 * struct cpu_regs - where a vCPU starts, at EL1 with its MMU off
 * @pc: address.
 * @sp: SP_EL1.
 * @x: x0 to x3.
 * @x19: for guest_start: the function.
 * @x20: for guest_start: the page table.
 */
struct cpu_regs {
	u64 pc;
	u64 sp;
	u64 x[4];
	u64 x19;
	u64 x20;
};

/**
 * struct mmio - an access of the guest
 * @address: guest physical address.
 * @data: of a write.
 * @is_write: direction.
 */
struct mmio {
	u64 address;
	u64 data;
	bool is_write;
};

/**
 * struct gic_frames - where the guest's GICv3 lies
 * @dist: the distributor.
 * @redist: redistributors.
 * @nr_irqs: INTIDs.
 * @nr_cpus: vCPUs that the VM will have.
 */
struct gic_frames {
	u64 dist;
	u64 redist;
	u32 nr_irqs;
	u32 nr_cpus;
};

struct backend {
	const char *name;

	void (*open)(struct machine *vm);
	/* A VM with nothing in it; @vm->sys is open. */
	void (*vm_create)(struct machine *vm);
	void (*vm_close)(struct machine *vm);
	/* A GICv3: before the vCPUs; and when all vCPUs are there. */
	void (*gic_create)(struct machine *vm, const struct gic_frames *frames);
	void (*gic_ready)(struct machine *vm);
	/* A slot of guest memory; away again with @size of 0. */
	void (*set_slot)(struct machine *vm, u32 slot, bool readonly, u64 ipa, u64 size,
			 void *mem);

	void (*cpu_create)(struct cpu *cpu, struct machine *vm, unsigned int index, bool off);
	void (*cpu_close)(struct cpu *cpu);
	/* An exit that has not been completed is forgotten. */
	void (*set_regs)(struct cpu *cpu, const struct cpu_regs *regs);
	/* Until an exit.  PSCI's CPU_ON and CPU_OFF are none. */
	enum exit_kind (*run)(struct cpu *cpu);
	void (*get_mmio)(const struct cpu *cpu, struct mmio *mmio);
	/* The answer to a read, which the next run() gives. */
	void (*set_mmio_data)(struct cpu *cpu, u64 data);
	void (*set_immediate_exit)(struct cpu *cpu, bool on);
	void (*print_exit)(const struct cpu *cpu);

	/* An edge on the line of an SPI that is edge-triggered. */
	void (*edge)(struct machine *vm, u32 intid);
	/* Writes of 4 bytes signal an eventfd; and not any more. */
	void (*ioeventfd)(struct machine *vm, u64 address, int fd, bool add);
	/* An eventfd raises an SPI. */
	void (*irqfd)(struct machine *vm, u32 intid, int fd, bool add);
	/*
	 * Writes from @address on are kept, POSTED_BATCH at least, until posted_drain()
	 * after the next exit; which returns how many there were.
	 */
	void (*posted)(struct machine *vm, u64 address, u64 size);
	unsigned int (*posted_drain)(struct machine *vm);
};

/* armvcpu's ring has room for 64, KVM's for 85. */
#define POSTED_BATCH	60

extern const struct backend backend_kvm, backend_armvcpu;

#endif /* BENCH_BACKEND_H */
