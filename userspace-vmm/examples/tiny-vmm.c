// SPDX-License-Identifier: GPL-2.0
/*
 * tiny-vmm: all of /dev/armvcpu that a guest needs, on bare ioctls.
 *
 * The guest is in this file. It writes its greeting, one character at a time,
 * to an address where there is no memory, and switches itself off. The exit
 * status is 0 only if the greeting came out whole and the guest powered off.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/armvcpu.h>

#define RAM_BASE	0x40000000UL
#define RAM_SIZE	0x00010000UL	/* a page, whatever its size */
#define GREETING	0x100UL		/* from the beginning of RAM */
#define UART		0x09000000UL	/* what is written here is sent */

/* The guest: at EL1, MMU off, position independent. */
static const __u32 guest[] = {
	0xd2a12001,	/*	mov	x1, #0x09000000		the UART */
	0x100007e2,	/*	adr	x2, . + 0xfc		the greeting */
	0x38401443,	/* 1:	ldrb	w3, [x2], #1 */
	0x34000063,	/*	cbz	w3, 2f */
	0x39000023,	/*	strb	w3, [x1]		exit: MMIO */
	0x17fffffd,	/*	b	1b */
	0x52b08000,	/* 2:	mov	w0, #0x84000000 */
	0x321d0000,	/*	orr	w0, w0, #8		SYSTEM_OFF */
	0xd4000002,	/*	hvc	#0			exit: PSCI */
	0x14000000,	/*	b	. */
};

static const char greeting[] = "Hello from the guest\n";

/* Everything the guest has sent so far. */
static char console[sizeof(greeting)];
static size_t sent;

static void mmio(struct armvcpu_exit_mmio *mmio)
{
	if (!mmio->is_write) {
		mmio->data = 0;
		return;
	}
	if (mmio->ipa != UART)
		return;
	putchar(mmio->data);
	if (sent < sizeof(console) - 1)
		console[sent++] = mmio->data;
}

/* Runs the vCPU until the guest powers off. */
static void run_guest(int vcpu, struct armvcpu_run *run)
{
	for (;;) {
		if (ioctl(vcpu, ARMVCPU_RUN))
			err(1, "RUN");

		switch (run->exit_reason) {
		case ARMVCPU_EXIT_MMIO:
			mmio(&run->u.mmio);
			break;
		case ARMVCPU_EXIT_PSCI:
			if (run->u.psci.event == ARMVCPU_PSCI_SYSTEM_OFF)
				return;
			break;
		default:
			errx(1, "exit %u at pc 0x%llx, esr 0x%llx",
			     run->exit_reason, run->pc, run->esr);
		}
	}
}

int main(void)
{
	struct armvcpu_create_vm create_vm = { 0 };
	struct armvcpu_create_vcpu create_vcpu = { 0 };
	struct armvcpu_cap cap = { .cap = ARMVCPU_CAP_RUN_SIZE };
	struct armvcpu_core_regs regs = { .pc = RAM_BASE, .pstate = 0x3c5 };
	struct armvcpu_mem_slot slot = { .ipa = RAM_BASE, .size = RAM_SIZE };
	struct armvcpu_run *run;
	int sys, vm, vcpu;
	char *ram;

	/* The system file: are we talking about the same thing? */
	sys = open("/dev/armvcpu", O_RDWR | O_CLOEXEC);
	if (sys < 0)
		err(1, "/dev/armvcpu");
	if (ioctl(sys, ARMVCPU_GET_API_VERSION) != ARMVCPU_API_VERSION)
		errx(1, "another version of the API");
	if (ioctl(sys, ARMVCPU_CHECK_CAP, &cap))
		err(1, "CHECK_CAP");

	/* A VM with memory: ours, with the guest's code and data in it. */
	vm = ioctl(sys, ARMVCPU_CREATE_VM, &create_vm);
	if (vm < 0)
		err(1, "CREATE_VM");
	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		err(1, "memory");
	memcpy(ram, guest, sizeof(guest));
	memcpy(ram + GREETING, greeting, sizeof(greeting));
	slot.uaddr = (unsigned long)ram;
	if (ioctl(vm, ARMVCPU_SET_MEM_SLOT, &slot))
		err(1, "SET_MEM_SLOT");

	/* One vCPU, and the page in which its exits appear. */
	vcpu = ioctl(vm, ARMVCPU_CREATE_VCPU, &create_vcpu);
	if (vcpu < 0)
		err(1, "CREATE_VCPU");
	run = mmap(NULL, cap.value, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu,
		   0);
	if (run == MAP_FAILED)
		err(1, "run struct");

	/* It starts at the first byte of RAM, at EL1 with interrupts masked. */
	if (ioctl(vcpu, ARMVCPU_SET_CORE_REGS, &regs))
		err(1, "SET_CORE_REGS");

	run_guest(vcpu, run);
	if (strcmp(console, greeting))
		errx(1, "the guest powered off, but this is not its greeting");
	return 0;
}
