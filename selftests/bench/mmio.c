// SPDX-License-Identifier: GPL-2.0
/*
 * What an exit costs. In a host of QEMU's icount one instruction is one
 * nanosecond of the clock, so the figures are instructions; "make bench" runs
 * it there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "icount.h"
#include "vm.h"

/* Of a read by MMIO: half of what KVM needs on the same machine. */
#define LIMIT		2900

#define ITERATIONS	10000
#define WARM_UP		1000
#define REPETITIONS	3

#define PSCI_VERSION	0x84000000UL
/* Where the guest's stores signal: virtio-mmio's stride. */
#define SIGNAL		(GUEST_MMIO + 0x1050)
#define NR_SIGNALS	8

/* Of the range for vendors' hypervisors: nobody's. */
#define HVC_UNKNOWN	0xc600ff00UL

static const char help[] =
	"mmio: the price of an exit\n"
	"\n"
	"One line for each kind of exit: its name and the nanoseconds that it takes\n"
	"from the guest to the VMM and back, which does nothing.\n"
	"\n"
	"  mmio_read_user    the guest loads from where no memory is\n"
	"  mmio_write_user   ... stores\n"
	"  mmio_write_signal ... where it signals an eventfd, which is no exit\n"
	"  hvc_psci_version  a hypercall that the module answers itself\n"
	"  hvc_unknown       one that goes to the VMM\n"
	"  getppid           for comparison: the cheapest system call\n"
	"  ioctl_refused     ... and an ioctl of the vCPU that does not exist\n"
	"\n"
	"Each is the best of 3 times 10,000, after a warm-up. With QEMU's icount\n"
	"these are instructions; the program knows by a chain of divisions and one\n"
	"of additions, which then take exactly one nanosecond per instruction both.\n"
	"There it exits with 1 if mmio_read_user is above 2900; elsewhere it only\n"
	"prints.\n";

/* ---- the guest ------------------------------------------------------------- */

static void guest_read(void)
{
	for (;;)
		guest_read32(GUEST_MMIO);
}

static void guest_write(void)
{
	for (;;)
		guest_write32(GUEST_MMIO, 0);
}

static void guest_hvc(u64 fn)
{
	for (;;) {
		register u64 x0 asm("x0") = fn;

		asm volatile("hvc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
	}
}

/* Stores to an ioeventfd, between two exits. */
static void guest_write_batch(u64 address, u64 count)
{
	u64 i;

	for (;;) {
		guest_write32(GUEST_MMIO, 0);
		for (i = 0; i < count; i++)
			guest_write32(address, 0);
	}
}

/* Hypercalls that come back by themselves, between two exits. */
static void guest_hvc_batch(u64 fn, u64 count)
{
	u64 i;

	for (;;) {
		guest_write32(GUEST_MMIO, 0);
		for (i = 0; i < count; i++) {
			register u64 x0 asm("x0") = fn;

			asm volatile("hvc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
		}
	}
}

/* ---- the measurements ------------------------------------------------------ */

static struct vm vm;
static struct vcpu vcpu;

static void run_exits(u64 count)
{
	int fd = vcpu.fd;

	while (count--) {
		if (ioctl(fd, ARMVCPU_RUN, 0))
			test_fail("ARMVCPU_RUN: %m");
	}
}

static void check_exit(u32 reason)
{
	if (vcpu.run->exit_reason == reason)
		return;
	vcpu_print_exit(&vcpu);
	test_fail("the exit is not the one to measure");
}

static u64 cost_of_exits(u32 reason)
{
	u64 start;

	run_exits(WARM_UP);
	check_exit(reason);
	start = icount_ns();
	run_exits(ITERATIONS);
	start = icount_ns() - start;
	check_exit(reason);
	return start;
}

static u64 cost_of_mmio_read(void)
{
	vcpu_call(&vcpu, guest_read);
	return cost_of_exits(ARMVCPU_EXIT_MMIO);
}

static u64 cost_of_mmio_write(void)
{
	vcpu_call(&vcpu, guest_write);
	return cost_of_exits(ARMVCPU_EXIT_MMIO);
}

static u64 cost_of_hvc_unknown(void)
{
	vcpu_call(&vcpu, guest_hvc, HVC_UNKNOWN);
	return cost_of_exits(ARMVCPU_EXIT_HYPERCALL);
}

static u64 cost_of_batch(void)
{
	u64 start;

	/* To the first batch, through it, and through the one that counts. */
	run_exits(2);
	check_exit(ARMVCPU_EXIT_MMIO);
	start = icount_ns();
	run_exits(1);
	start = icount_ns() - start;
	check_exit(ARMVCPU_EXIT_MMIO);
	return start;
}

static u64 cost_of_psci_version(void)
{
	vcpu_call(&vcpu, guest_hvc_batch, PSCI_VERSION, ITERATIONS);
	return cost_of_batch();
}

/* Of one among those that a few devices have. */
static u64 cost_of_mmio_signal(void)
{
	struct armvcpu_ioeventfd arg = { .len = 4, .data_mask = 0xffffffff };
	int fd = eventfd(0, EFD_CLOEXEC);
	u64 cost;

	test_check(fd >= 0);
	arg.fd = fd;
	for (arg.ipa = SIGNAL; arg.ipa < SIGNAL + NR_SIGNALS * 0x200; arg.ipa += 0x200)
		test_check(!ioctl(vm.fd, ARMVCPU_SET_IOEVENTFD, &arg));
	vcpu_call(&vcpu, guest_write_batch, SIGNAL + 0x200, ITERATIONS);
	cost = cost_of_batch();
	arg.flags = ARMVCPU_IOEVENTFD_REMOVE;
	for (arg.ipa = SIGNAL; arg.ipa < SIGNAL + NR_SIGNALS * 0x200; arg.ipa += 0x200)
		test_check(!ioctl(vm.fd, ARMVCPU_SET_IOEVENTFD, &arg));
	close(fd);
	return cost;
}

static u64 cost_of_getppid(void)
{
	u64 i, start = icount_ns();

	for (i = 0; i < ITERATIONS; i++)
		syscall(SYS_getppid);
	return icount_ns() - start;
}

static u64 cost_of_refused_ioctl(void)
{
	u64 i, start = icount_ns();

	for (i = 0; i < ITERATIONS; i++) {
		if (ioctl(vcpu.fd, _IO(ARMVCPU_IOC, 0xff), 0) != -1)
			test_fail("an ioctl that should not be there");
	}
	return icount_ns() - start;
}

static const struct {
	const char *name;
	u64 (*cost)(void);
} rows[] = {
	{ "mmio_read_user", cost_of_mmio_read },
	{ "mmio_write_user", cost_of_mmio_write },
	{ "mmio_write_signal", cost_of_mmio_signal },
	{ "hvc_psci_version", cost_of_psci_version },
	{ "hvc_unknown", cost_of_hvc_unknown },
	{ "getppid", cost_of_getppid },
	{ "ioctl_refused", cost_of_refused_ioctl },
};

static u64 best(u64 (*cost)(void))
{
	u64 least = ~0UL;
	int i;

	for (i = 0; i < REPETITIONS; i++) {
		u64 ns = cost();

		if (ns < least)
			least = ns;
	}
	return least / ITERATIONS;
}

int main(int argc, char **argv)
{
	u64 costs[ARRAY_SIZE(rows)];
	bool icount;
	size_t i;

	if (argc > 1) {
		bool asked = !strcmp(argv[1], "--help");

		fputs(help, asked ? stdout : stderr);
		return asked ? 0 : 2;
	}
	vm_init(&vm);
	vcpu_init(&vcpu, &vm, 0);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		costs[i] = best(rows[i].cost);
	icount = icount_is_on();
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		printf("%-18s %6llu %s\n", rows[i].name, costs[i], icount ? "instructions" : "ns");
	if (icount && costs[0] > LIMIT) {
		fprintf(stderr, "mmio: mmio_read_user takes %llu instructions, the limit is %d\n",
			costs[0], LIMIT);
		return 1;
	}
	return 0;
}
