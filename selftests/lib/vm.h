/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The test's side: VMs and vCPUs by plain ioctls, and what the guest says.
 *
 * What is not the subject of a test is done by functions that end the test
 * with a message if they fail; what is, by ioctls that return -errno.
 */
#ifndef SELFTEST_VM_H
#define SELFTEST_VM_H

#include <linux/armvcpu.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "guest.h"
#include "types.h"

#define DEVICE			"/dev/armvcpu"

/* Of a reset: EL1h, interrupts masked. */
#define PSTATE_RESET		(PSR_MASKED | PSR_EL1H)

/* A value that no test gives a meaning to. */
#define POISON			0xdead00000000beefUL

#define NSEC_PER_MSEC		1000000UL

/* Ends the test, whatever thread it is in. */
void __noreturn __printf(3, 4) __test_fail(const char *file, int line, const char *format, ...);
#define test_fail(...)	__test_fail(__FILE__, __LINE__, __VA_ARGS__)
#define test_check(cond) do {							\
	if (!(cond))								\
		test_fail("%s: %m", #cond);					\
} while (0)

/**
 * struct vm - a virtual machine
 * @sys: file of the device.
 * @fd: file of the VM.
 * @nr_vcpus: how many vcpu_init() has made.
 * @next_slot: where the program's own slots go, downwards.
 */
struct vm {
	int sys;
	int fd;
	unsigned int nr_vcpus;
	unsigned int next_slot;
};

/**
 * struct vcpu - a virtual CPU
 * @vm: its VM.
 * @fd: its file.
 * @run: the page it shares with the module.
 * @index: its number; its MPIDR is the same.
 */
struct vcpu {
	struct vm *vm;
	int fd;
	struct armvcpu_run *run;
	unsigned int index;
};

int xioctl(int fd, unsigned long request, void *arg);
#define xioctl_value(fd, request, value) xioctl(fd, request, (void *)(unsigned long)(value))

int sys_open(void);
u64 get_cap(int fd, u32 cap);

/* A VM with nothing in it; the program as its memory; both. */
void vm_init_bare(struct vm *vm, u32 ipa_bits);
void vm_add_program(struct vm *vm);
void vm_init(struct vm *vm);
void vm_close(struct vm *vm);
int vm_set_slot(struct vm *vm, u32 slot, u32 flags, u64 ipa, u64 size, const void *mem);
void *vm_add_memory(struct vm *vm, u32 slot, u64 ipa, u64 size);

int vm_create_vcpu(struct vm *vm, u32 flags, u64 mpidr);
void vcpu_init(struct vcpu *vcpu, struct vm *vm, u32 flags);
void vcpu_open(struct vcpu *vcpu, struct vm *vm, int fd);
void vcpu_close(struct vcpu *vcpu);

#define VCPU_MMU_ON	true
#define VCPU_MMU_OFF	false

/* Registers for guest_start: @fn with up to four arguments. */
void vcpu_start(struct vcpu *vcpu, bool mmu, const void *fn, const u64 *args, unsigned int count);
#define vcpu_call(vcpu, fn, ...) do {						\
	u64 __args[] = { 0, ##__VA_ARGS__ };					\
										\
	vcpu_start(vcpu, VCPU_MMU_ON, fn, __args + 1, ARRAY_SIZE(__args) - 1);	\
} while (0)
#define vcpu_call_mmu_off(vcpu, fn, ...) do {					\
	u64 __args[] = { 0, ##__VA_ARGS__ };					\
										\
	vcpu_start(vcpu, VCPU_MMU_OFF, fn, __args + 1, ARRAY_SIZE(__args) - 1);	\
} while (0)

void vcpu_get_regs(struct vcpu *vcpu, struct armvcpu_core_regs *regs);
void vcpu_set_regs(struct vcpu *vcpu, const struct armvcpu_core_regs *regs);
u64 vcpu_get(struct vcpu *vcpu, u32 id);
void vcpu_set(struct vcpu *vcpu, u32 id, u64 value);
int vcpu_try_get(struct vcpu *vcpu, u32 id, u64 *value);
int vcpu_try_set(struct vcpu *vcpu, u32 id, u64 value);
u32 *vcpu_reg_list(struct vcpu *vcpu, u32 *count);
/* Has the guest pointer authentication? Not any more: before the first run. */
bool vcpu_has_pauth(struct vcpu *vcpu);
void vcpu_hide_pauth(struct vcpu *vcpu);
int vcpu_inject(struct vcpu *vcpu, u32 type, u64 far);
int vcpu_line(struct vcpu *vcpu, u32 line, u32 level);
int vcpu_power(struct vcpu *vcpu);

/* One RUN: 0 or -errno. */
int vcpu_run(struct vcpu *vcpu);

/* RUN until an exit, whatever signals a test sends meanwhile. */
int vcpu_run_exit(struct vcpu *vcpu);

/* ... which has to be this one. */
#define vcpu_expect(vcpu, reason) __vcpu_expect(vcpu, reason, __FILE__, __LINE__)
void __vcpu_expect(struct vcpu *vcpu, u32 reason, const char *file, int line);

/* RUN until GUEST_SYNC(), which has to be this one; its further arguments. */
#define vcpu_expect_sync(vcpu, n) __vcpu_expect_sync(vcpu, n, __FILE__, __LINE__)
void __vcpu_expect_sync(struct vcpu *vcpu, u64 n, const char *file, int line);
u64 vcpu_sync_arg(const struct vcpu *vcpu, unsigned int index);

/* RUN until GUEST_DONE(). */
#define vcpu_expect_done(vcpu) __vcpu_expect_done(vcpu, __FILE__, __LINE__)
void __vcpu_expect_done(struct vcpu *vcpu, const char *file, int line);

bool vcpu_is_ucall(const struct vcpu *vcpu);
void vcpu_print_exit(const struct vcpu *vcpu);

/* The guest's stage 1; vm_init() makes the map that guest.h describes. */
void guest_pt_init(void);
void guest_pt_map(u64 va, u64 pa, u64 size, u64 attrs);
u64 *guest_pt_entry(u64 va, int level);
u64 guest_pt_root(void);
void guest_pt_swap(void);

/* Odds and ends */
u64 page_size(void);
void *alloc_pages(u64 size);
u64 now_ns(void);
void pin_to_cpu(int cpu);
int nr_cpus(void);
void drop_capability(int cap);
long read_number(const char *path);
bool host_has_gicv3(void);

#endif /* SELFTEST_VM_H */
