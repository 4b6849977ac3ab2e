/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The running machine: one thread per vCPU and the main thread, which has the
 * console, the signals and every change of the whole machine.
 *
 * vm->lock guards the requests and the power states; it is taken last, after a
 * device's own lock.
 */
#ifndef _VMM_MACHINE_H
#define _VMM_MACHINE_H

#include <pthread.h>

#include "board.h"
#include "boot.h"
#include "device.h"
#include "libarmvcpu.h"
#include "pl011.h"
#include "pl031.h"
#include "ram.h"
#include "rom.h"
#include "stats.h"
#include "trace.h"
#include "virtio_balloon.h"
#include "virtio_blk.h"
#include "virtio_console.h"
#include "virtio_net.h"
#include "virtio_rng.h"
#include "vmm.h"

/* What a vCPU asks the main thread for. */
enum vm_request {
	VM_NONE,
	VM_RESET,
	VM_POWEROFF,
	VM_HALTED,
	VM_DEAD,
};

enum vcpu_state {
	VCPU_OFF,
	VCPU_START,	/* with the registers of vcpu->start */
	VCPU_CALLED,	/* by CPU_ON: the module has set its registers */
	VCPU_ON,
};

/* The last exits of a vCPU, for the story of its death. */
#define VCPU_HISTORY	16

struct vcpu_history {
	u64 pc;
	u32 reason;
};

/* A register as it was when the vCPU was created. */
struct vcpu_reg {
	u32 id;
	u64 value;
};

/* Who looks on: of one vCPU. */
struct watch {
	struct stats_vcpu stats;
	/* --trace, or NULL. */
	struct trace *trace;
};

struct vcpu {
	struct vm *vm;
	unsigned int index;
	u64 mpidr;
	pthread_t thread;

	/* The thread's own; the main thread's while the vCPU is parked. */
	struct armvcpu_vcpu hw;
	struct vcpu_reg *reset_regs;
	u32 num_reset_regs;
	struct vcpu_history history[VCPU_HISTORY];
	u64 num_exits;
	/* What --stats and --trace want of each exit; NULL without either. */
	struct watch *watch;
	/* The value of vm->events that its last wait has seen. */
	u64 seen_events;

	/* Under vm->lock. */
	enum vcpu_state state;
	bool parked;
	struct {
		u64 pc;
		u64 x0;
	} start;
};

struct vm {
	struct config *config;
	struct boot_plan plan;
	int fd;
	/* There is an interrupt controller in the module. */
	bool has_gic;
	u64 page_size;
	/* A slot's memory stays as it is until the slot is gone. */
	bool pinned;
	struct ram ram;
	struct vcpu vcpus[BOARD_MAX_CPUS];
	struct trace trace;

	struct bus bus;
	struct rom rom;
	struct pl011 uart;
	struct pl031 rtc;

	/* What virtio devices may touch; and they, by slot. */
	struct guest_ram guest_ram;
	struct virtio_device *virtio[BOARD_VIRTIO_SLOTS];
	unsigned int num_virtio;
	struct virtio_blk disks[MAX_DISKS];
	struct virtio_net nets[NET_MAX];
	struct virtio_rng rng;
	struct virtio_console console;
	struct virtio_balloon balloon;

	/* Wakes the main thread. */
	int event_fd;

	pthread_mutex_t lock;
	/* Something below, or a vCPU's state, has changed. */
	pthread_cond_t cond;
	/* No vCPU enters the guest: somebody is about to ask for something. */
	bool claimed;
	enum vm_request request;
	/* Counts what ends a WFI. */
	u64 events;

	/* --stats: the main thread's. */
	struct {
		struct stats_sample first;
		struct stats_sample last;
		u64 due;
		/* Lines that the last table has on the screen. */
		unsigned int lines;
	} stats;
};

/* Everything but running. Dies if it cannot. */
void vm_init(struct vm *vm, struct config *config);

/* The GIC that guests have on this host; 2 if there is none to ask. */
unsigned int vm_host_gic(void);

/* Runs the machine to its end and returns the exit status. */
int vm_run(struct vm *vm);

/*
 * Ask the main thread for something. The first one wins: false if somebody was
 * faster. Either way the caller must park.
 */
bool vm_request(struct vm *vm, enum vm_request request);

/* The same in two steps, for those who have something to do in between. */
bool vm_claim(struct vm *vm);
void vm_publish(struct vm *vm, enum vm_request request);

/* End the WFI of all vCPUs. */
void vm_wake(struct vm *vm);

/* For the interrupt lines of devices, with @line->opaque the VM. */
void vm_irq_changed(struct irq_line *line);

/* ---- vm_virtio.c ---- */

/* The devices of the command line. Dies if one cannot be. */
void vm_add_virtio(struct vm *vm);

/* Let them work: the guest's memory is there, and signals are set up. */
void vm_start_virtio(struct vm *vm);

/* The terminal's size may be another one. */
void vm_resize_console(struct vm *vm);

/* Take a part of the guest's memory, or give it back. */
void vm_move_balloon(struct vm *vm, bool inflate);

/* With --verbose: what the host has got back. */
void vm_report_balloon(struct vm *vm);

/* ---- vcpu.c: from here on, and only there, a vCPU runs. ---- */

/* Creates vCPU and thread; the thread parks. Dies if it cannot. */
void vcpu_init(struct vcpu *vcpu, struct vm *vm, unsigned int index);

/* Let a vCPU that is off run from @pc; under vm->lock. */
void vcpu_start(struct vcpu *vcpu, u64 pc, u64 x0);

/* The same, from where CPU_ON says. */
void vcpu_called(struct vcpu *vcpu);

/* Power state of a reset; all vCPUs are parked. Returns a negative errno. */
int vcpu_reset(struct vcpu *vcpu);

/* Make it leave the guest; it parks if vm->claimed is set. */
void vcpu_kick(struct vcpu *vcpu);

/*
 * Wait for an event, for the virtual counter to reach @timer (~0: never), or for
 * a tenth of a second: a WFI may end without a reason.
 */
void vcpu_wait(struct vcpu *vcpu, u64 timer);

/* ---- watch.c ---- */

/* For --stats and --trace, before the vCPU's thread is there. */
void watch_init(struct vcpu *vcpu);

/* Handles the exit in the run struct, as @handle does, and takes note of it. */
bool watch_exit(struct vcpu *vcpu, bool (*handle)(struct vcpu *vcpu));

/* RUN was interrupted. */
void watch_interrupt(struct vcpu *vcpu);

/* From the main thread: vm->stats.due says when --stats prints something. */
void watch_begin(struct vm *vm);
void watch_print(struct vm *vm);

/* The guest has come to its end: totals, and the end of the trace. */
void watch_end(struct vm *vm);

/* ---- psci.c ---- */

/* Carries out the call in the run struct; false if the vCPU must park. */
bool psci_handle(struct vcpu *vcpu);

/* ---- hypercall.c ---- */

/* Answers the call in the run struct, or leaves it as it is. */
void hypercall_handle(struct vcpu *vcpu);

/* ---- sysreg.c ---- */

/* Answers the access in the run struct. */
void sysreg_handle(struct vcpu *vcpu);

#endif /* _VMM_MACHINE_H */
