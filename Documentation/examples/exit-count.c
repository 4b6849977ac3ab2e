// SPDX-License-Identifier: GPL-2.0
/*
 * The test of adding-an-exit.patch: a VMM and its guest in one file, as in
 * tiny-vmm.c. Prints a line "ok - WHAT" or "not ok - WHAT" for each test; the
 * exit status is 0 if all are ok.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/armvcpu.h>

#define RAM_BASE	0x40000000UL
#define RAM_SIZE	0x00010000UL	/* a page, whatever its size */
#define LABEL		7

/*
 * The guest, at EL1 with the MMU off, position independent:
 *   x20 an address without memory, x21 and x22 what is measured, x23 ESR_EL1 of
 *   an exception, x24 the count after the writes.
 */
extern const char guest[], guest_end[];
asm(".pushsection .rodata\n"
    "	.globl	guest, guest_end\n"
    "	.balign	0x800\n"
    "guest:	mov	x20, #0x09000000\n"
    "	adr	x9, guest + 0x800\n"
    "	msr	vbar_el1, x9\n"
    "	isb\n"
    "	bl	count\n"
    "	mov	x21, x0\n"
    /* Five exits to the VMM. */
    "	strb	wzr, [x20]\n"
    "	strb	wzr, [x20]\n"
    "	strb	wzr, [x20]\n"
    "	strb	wzr, [x20]\n"
    "	strb	wzr, [x20]\n"
    "	bl	count\n"
    "	sub	x21, x0, x21\n"
    "	mov	x24, x0\n"
    /* The register: one exit more than the call before. */
    "	mrs	x22, mdccint_el1\n"
    "	sub	x22, x22, x0\n"
    "	mov	x23, xzr\n"
    "	msr	mdccint_el1, xzr\n"
    "	mov	w0, #0x0042\n"
    "	movk	w0, #0xc600, lsl #16\n"
    "	mov	x1, #7\n"
    "	hvc	#0\n"
    "	mov	w0, #0x0008\n"
    "	movk	w0, #0x8400, lsl #16\n"
    "	hvc	#0\n"
    "	b	.\n"
    "count:	mov	w0, #0x0041\n"
    "	movk	w0, #0xc600, lsl #16\n"
    "	hvc	#0\n"
    "	ret\n"
    /* A synchronous exception at EL1: note it, go on behind it. */
    "	.org	guest + 0x800 + 0x200\n"
    "	mrs	x23, esr_el1\n"
    "	mrs	x9, elr_el1\n"
    "	add	x9, x9, #4\n"
    "	msr	elr_el1, x9\n"
    "	eret\n"
    "guest_end:\n"
    ".popsection\n");

static bool failed;

static void check(bool ok, const char *what)
{
	printf("%s - %s\n", ok ? "ok" : "not ok", what);
	failed |= !ok;
}

/* RUN to the guest's next exit that is not a write to x20. */
static void run_on(int vcpu, struct armvcpu_run *run)
{
	do {
		if (ioctl(vcpu, ARMVCPU_RUN))
			err(1, "RUN");
	} while (run->exit_reason == ARMVCPU_EXIT_MMIO);
}

/* A new vCPU at the beginning of RAM, run until the guest calls MARK. */
static int run_guest(int vm, struct armvcpu_create_vcpu create, struct armvcpu_run **run)
{
	struct armvcpu_core_regs regs = { .pc = RAM_BASE, .pstate = 0x3c5 };
	int vcpu = ioctl(vm, ARMVCPU_CREATE_VCPU, &create);

	if (vcpu < 0)
		err(1, "CREATE_VCPU");
	*run = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (*run == MAP_FAILED)
		err(1, "run struct");
	if (ioctl(vcpu, ARMVCPU_SET_CORE_REGS, &regs))
		err(1, "SET_CORE_REGS");
	run_on(vcpu, *run);
	return vcpu;
}

int main(void)
{
	struct armvcpu_cap cap = { .cap = ARMVCPU_CAP_VCPU_FLAGS };
	struct armvcpu_create_vcpu plain = { .mpidr = 0 };
	struct armvcpu_create_vcpu marks = { .mpidr = 1, .flags = ARMVCPU_VCPU_MARK_EXITS };
	struct armvcpu_mem_slot slot = { .ipa = RAM_BASE, .size = RAM_SIZE };
	struct armvcpu_create_vm create_vm = { 0 };
	struct armvcpu_run *run;
	int sys, vm, vcpu;
	char *ram;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sys = open("/dev/armvcpu", O_RDWR | O_CLOEXEC);
	if (sys < 0)
		err(1, "/dev/armvcpu");
	if (ioctl(sys, ARMVCPU_CHECK_CAP, &cap))
		err(1, "CHECK_CAP");
	check(cap.value & ARMVCPU_VCPU_MARK_EXITS, "a VMM can ask for the exit");

	vm = ioctl(sys, ARMVCPU_CREATE_VM, &create_vm);
	if (vm < 0)
		err(1, "CREATE_VM");
	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		err(1, "memory");
	memcpy(ram, guest, guest_end - guest);
	slot.uaddr = (unsigned long)ram;
	if (ioctl(vm, ARMVCPU_SET_MEM_SLOT, &slot))
		err(1, "SET_MEM_SLOT");

	vcpu = run_guest(vm, marks, &run);
	check(run->x[21] == 6, "the hypercall counts five exits and itself");
	check(run->x[22] == 1, "the register goes on from there");
	check(run->x[23] >> 26 == 0 && run->x[23], "a write to it is undefined");
	check(run->exit_reason == ARMVCPU_EXIT_MARK, "MARK comes to the VMM");
	check(run->u.mark.label == LABEL, "... with the guest's label");
	check(run->u.mark.exits == run->x[24] + 3, "... and the count");
	run->action = ARMVCPU_ACTION_RETRY;
	check(ioctl(vcpu, ARMVCPU_RUN) == -1 && errno == EINVAL, "... and cannot be retried");
	run->action = ARMVCPU_ACTION_COMPLETE;
	run_on(vcpu, run);
	check(run->exit_reason == ARMVCPU_EXIT_PSCI, "the guest goes on behind it");

	run_guest(vm, plain, &run);
	check(run->exit_reason == ARMVCPU_EXIT_HYPERCALL && run->u.call.nr == ARMVCPU_FN_MARK &&
	      run->x[0] == ~0ULL, "who did not ask gets a HYPERCALL");
	return failed;
}
