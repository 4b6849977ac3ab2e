// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest must not find: anything of the host, of another VM, or of another vCPU,
 * in any register that it can read.  The host, and a VM before, have values of their own
 * in all of theirs; the guest reads all of the space of system registers, and the rest.
 * And what a VMM must not find in what it shares with the module.
 */
#include "harness.h"

#include <fcntl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "guest_regs.h"
#include "snippet.h"

/* Op0 is 2 or 3: 15 bits of an encoding. */
#define NR_SYSREGS	32768
#define SYSREG_OF(n)	(0x8000 | (n))

/* What x0 holds if a read has not taken place, or the VMM has answered it. */
#define MARK_NOTHING	0x4e4f7448494e4721UL
#define MARK_VMM	0x766d6d7a766d6d7aUL

/* In the upper half of all that is planted. */
#define TAG_HOST	0x5ec2e701UL
#define TAG_VM		0x5ec2e702UL
#define SECRET(tag, n)	((tag) << 32 | (u32)(n) * 0x01010101U)

/* By their number: mrs x0, ...; ret. */
static u32 code[NR_SYSREGS][2];
static u64 found[NR_SYSREGS];
static struct guest_regs guest_regs;
static struct guest_state guest_seen;

static void make_code(void)
{
	u32 n;

	for (n = 0; n < NR_SYSREGS; n++) {
		code[n][0] = insn_mrs(SYSREG_OF(n), 0);
		code[n][1] = 0xd65f03c0;
	}
}

static void guest_reads_all(void)
{
	u64 n;

	/* Before anything else could be in them. */
	guest_fp_store(&guest_seen);
	for (n = 0; n < NR_SYSREGS; n++) {
		guest_expect(GUEST_EXPECT_SKIP);
		found[n] = ((u64(*)(u64))code[n])(MARK_NOTHING);
		guest_expected();
	}
	GUEST_SYNC(1);
}

/* ---- the host's side ------------------------------------------------------ */

#define PLANTED	"9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28"

/*
 * RUN with secrets in all registers that a system call does not need. Linux clears x0 to x29
 * behind its entry from EL0 (arm64's kernel_entry): these get as far as pt_regs, on the stack
 * of the module's ioctl, and no farther. What check_block() looks for is memory of that stack
 * in the run struct. That no general register of the host's comes through, whatever is in it,
 * is check_general_registers()'s to show.
 */
static long run_planted(int fd)
{
	register long x0 asm("x0") = fd;
	register long x1 asm("x1") = ARMVCPU_RUN;
	register long x2 asm("x2") = 0;
	register long x8 asm("x8") = 29;	/* ioctl */
	register u64 x3 asm("x3") = SECRET(TAG_HOST, 3);

	asm volatile(".irp n, " PLANTED "\n"
		     "add x\\n, x3, #\\n\n"
		     ".endr\n"
		     ".irp n, 4, 5, 6, 7\n"
		     "add x\\n, x3, #\\n\n"
		     ".endr\n"
		     "svc #0"
		     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
		     : "r"(x8)
		     : "x4", "x5", "x6", "x7", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
		       "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25",
		       "x26", "x27", "x28", "x30", "cc", "memory");
	return x0;
}

/* The host's own FP registers: this file is compiled to use none. */
static void plant_fp(struct guest_state *state, u64 tag)
{
	unsigned int i;

	memset(state, 0, sizeof(*state));
	for (i = 0; i < 32; i++) {
		state->v[i][0] = SECRET(tag, 0x20 + i);
		state->v[i][1] = SECRET(tag, 0x40 + i);
	}
	state->fpsr = 0x8000009f;	/* QC, and the cumulative exceptions */
	state->fpcr = 0x3c00000;	/* RMode, FZ, DN */
}

static bool is_tagged(u64 value, u64 tag)
{
	return value >> 32 == tag || (value & 0xffffffff) == tag;
}

/* TTBR1's half, whatever the size of the host's addresses is; not all ones. */
static bool is_kernel_address(u64 value)
{
	return value >> 52 == 0xfff && value >> 12 != ~0UL >> 12 && (int)value != -1;
}

static void check_value(const char *what, u64 n, u64 value)
{
	const u64 own = (u64)__builtin_thread_pointer();

	if (is_tagged(value, TAG_HOST))
		test_fail("%s %llx: 0x%llx, which is the host's", what, n, value);
	if (is_tagged(value, TAG_VM))
		test_fail("%s %llx: 0x%llx, which is another VM's", what, n, value);
	if (value == own)
		test_fail("%s %llx: 0x%llx, the VMM's TPIDR_EL0", what, n, value);
	if (is_kernel_address(value))
		test_fail("%s %llx: 0x%llx, which may be a kernel's address", what, n, value);
}

static void check_block(const char *what, const void *block, size_t size)
{
	const u64 *words = block;
	size_t i;

	for (i = 0; i < size / sizeof(u64); i++)
		check_value(what, i * sizeof(u64), words[i]);
}

/*
 * What a guest reads by itself, without a trap, and that is in no list: it is the same for
 * all, or changes all the time.
 */
static bool is_everybodys(u32 reg)
{
	switch (reg) {
	case ARMVCPU_SYSREG(2, 0, 7, 14, 6):	/* DBGAUTHSTATUS_EL1 */
	case ARMVCPU_SYSREG(3, 0, 0, 0, 5):	/* MPIDR_EL1 */
	case ARMVCPU_SYSREG(3, 1, 0, 0, 0):	/* CCSIDR_EL1 */
	case ARMVCPU_SYSREG(3, 1, 0, 0, 1):	/* CLIDR_EL1 */
	case ARMVCPU_SYSREG(3, 3, 0, 0, 1):	/* CTR_EL0 */
	case ARMVCPU_SYSREG(3, 3, 0, 0, 7):	/* DCZID_EL0 */
	case ARMVCPU_SYSREG(3, 3, 14, 0, 0):	/* CNTFRQ_EL0 */
	case ARMVCPU_SYSREG(3, 3, 14, 0, 1):	/* CNTPCT_EL0 */
	case ARMVCPU_SYSREG(3, 3, 14, 0, 2):	/* CNTVCT_EL0 */
	case ARMVCPU_SYSREG(3, 3, 14, 0, 5):	/* CNTPCTSS_EL0 */
	case ARMVCPU_SYSREG(3, 3, 14, 0, 6):	/* CNTVCTSS_EL0 */
	case ARMVCPU_SYSREG(3, 3, 14, 3, 0):	/* CNTV_TVAL_EL0 */
	case ARMVCPU_SYSREG(3, 0, 12, 1, 0):	/* ISR_EL1 */
	case ARMVCPU_SYSREG(3, 0, 12, 12, 5):	/* ICC_SRE_EL1, a constant */
	case ARMVCPU_SYSREG(3, 3, 2, 4, 0):	/* RNDR */
	case ARMVCPU_SYSREG(3, 3, 2, 4, 1):	/* RNDRRS */
		return true;
	}
	return false;
}

/* Op0 is 3, CRn 11 or 15: of the core, as it was made. */
static bool is_impdef(u32 reg)
{
	return reg >> 14 == 3 && ((reg >> 7 & 0xf) == 11 || (reg >> 7 & 0xf) == 15);
}

/* PSTATE, and what an exception in the guest itself has left. */
static bool is_the_guests(u32 reg)
{
	switch (reg) {
	case ARMVCPU_SYSREG(3, 0, 4, 0, 0):	/* SPSR_EL1 */
	case ARMVCPU_SYSREG(3, 0, 4, 0, 1):	/* ELR_EL1 */
	case ARMVCPU_SYSREG(3, 0, 4, 1, 0):	/* SP_EL0 */
	case ARMVCPU_SYSREG(3, 0, 5, 2, 0):	/* ESR_EL1 */
	case ARMVCPU_SYSREG(3, 0, 4, 2, 0):	/* SPSel */
	case ARMVCPU_SYSREG(3, 0, 4, 2, 2):	/* CurrentEL */
	case ARMVCPU_SYSREG(3, 0, 4, 2, 3):	/* PAN */
	case ARMVCPU_SYSREG(3, 0, 4, 2, 4):	/* UAO */
	case ARMVCPU_SYSREG(3, 3, 4, 2, 0):	/* NZCV */
	case ARMVCPU_SYSREG(3, 3, 4, 2, 1):	/* DAIF */
	case ARMVCPU_SYSREG(3, 3, 4, 2, 5):	/* DIT */
	case ARMVCPU_SYSREG(3, 3, 4, 2, 6):	/* SSBS */
	case ARMVCPU_SYSREG(3, 3, 4, 2, 7):	/* TCO */
	case ARMVCPU_SYSREG(3, 3, 4, 4, 0):	/* FPCR */
	case ARMVCPU_SYSREG(3, 3, 4, 4, 1):	/* FPSR */
		return true;
	}
	return false;
}

/* RUN, and each trap that nobody emulates gets a mark. */
static void run_scan(struct vcpu *vcpu, const struct guest_state *fp)
{
	struct armvcpu_run *run = vcpu->run;
	int ret;

	vcpu_call(vcpu, guest_reads_all);
	for (;;) {
		guest_fp_load(fp);
		ret = run_planted(vcpu->fd);
		if (ret == -EINTR)
			continue;
		test_check(!ret);
		check_block("the run struct at", run, sizeof(*run));
		if (run->exit_reason != ARMVCPU_EXIT_SYSREG)
			break;
		run->u.sysreg.data = MARK_VMM;
	}
	if (!vcpu_is_ucall(vcpu) || run->x[1] != 1) {
		vcpu_print_exit(vcpu);
		test_fail("the guest has not read all");
	}
}

/* All that a guest has found is its own. */
static void check_scan(struct vcpu *vcpu)
{
	unsigned int n, direct = 0, wrong = 0;
	u64 value;

	for (n = 0; n < NR_SYSREGS; n++) {
		u32 reg = SYSREG_OF(n);

		if (found[n] == MARK_NOTHING || found[n] == MARK_VMM)
			continue;
		direct++;
		/* Where HCR_EL2.TIDCP traps nothing, as in QEMU 7.2. */
		if (is_everybodys(reg) || is_impdef(reg))
			continue;
		check_value("register", reg, found[n]);
		if (is_the_guests(reg))
			continue;
		if (vcpu_try_get(vcpu, ARMVCPU_REG_CLASS_SYS | reg, &value)) {
			/* Nothing is behind it: reserved, or what nobody keeps. */
			if (!found[n])
				continue;
			printf("# the guest reads register 0x%x, 0x%llx, which is in no list\n",
			       reg, found[n]);
			wrong++;
		} else if (value != found[n]) {
			printf("# register 0x%x is 0x%llx, and the guest reads 0x%llx\n", reg,
			       value, found[n]);
			wrong++;
		}
	}
	fflush(stdout);
	if (wrong)
		test_fail("%u registers are not as they should be", wrong);
	/* ID registers alone are more. */
	if (direct < 80)
		test_fail("the guest could read %u registers only", direct);
}

static void check_fp_is_zero(void)
{
	u64 zero = 0;
	int i;

	for (i = 0; i < 32; i++)
		zero |= guest_seen.v[i][0] | guest_seen.v[i][1];
	if (zero || guest_seen.fpsr || guest_seen.fpcr)
		test_fail("the FP registers of a new vCPU are not zero: V0 0x%llx, FPCR 0x%llx",
			  guest_seen.v[0][0], guest_seen.fpcr);
}

static u64 breakpoint_here[2] __aligned(8);

/* A watchpoint of this thread's: an address of the host in its debug registers. */
static int plant_watchpoint(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (u64)&breakpoint_here[1],
		.bp_len = HW_BREAKPOINT_LEN_8,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	/* No perf (ENOSYS), or no watchpoints: the host has none. Whatever else is a failure. */
	if (fd < 0 && errno != ENOENT && errno != ENODEV && errno != EOPNOTSUPP && errno != ENOSYS)
		test_fail("no watchpoint: %m");
	return fd;
}

/* ---- registers ------------------------------------------------------------- */

FIXTURE(secrets) {
	struct vm vm;
	struct vcpu vcpu;
	struct guest_state fp;
};

FIXTURE_SETUP(secrets)
{
	make_code();
	pin_to_cpu(0);
	memset(found, 0xff, sizeof(found));
	memset(&guest_seen, 0xff, sizeof(guest_seen));
	vm_init(&self->vm);
	vcpu_init(&self->vcpu, &self->vm, 0);
	plant_fp(&self->fp, TAG_HOST);
}

FIXTURE_TEARDOWN(secrets)
{
	vcpu_close(&self->vcpu);
	vm_close(&self->vm);
}

/* The thread's own FP registers, its TPIDR_EL0; addresses of the kernel. */
TEST_F_TIMEOUT(secrets, of_the_host_are_in_no_register, 120)
{
	run_scan(&self->vcpu, &self->fp);
	check_scan(&self->vcpu);
	check_fp_is_zero();
}

TEST_F_TIMEOUT(secrets, of_the_hosts_debugger_are_in_no_register, 120)
{
	int watch = plant_watchpoint();
	unsigned int n;

	if (watch < 0)
		SKIP(return, "the host has no watchpoints");
	run_scan(&self->vcpu, &self->fp);
	check_scan(&self->vcpu);
	for (n = 0; n < NR_SYSREGS; n++)
		if (found[n] == (u64)&breakpoint_here[1])
			test_fail("register 0x%x is that of the host's watchpoint", SYSREG_OF(n));
	close(watch);
}

static void guest_is_full_of_secrets(u64 n)
{
	guest_fp_load(&guest_regs.want);
	for (;;) {
		guest_regs_exit_hvc(&guest_regs);
		GUEST_SYNC_ARGS(n, 0, 0, 0);
	}
}

static void fill_with_secrets(struct guest_regs *regs)
{
	int i;

	plant_fp(&regs->want, TAG_VM);
	for (i = 0; i < 31; i++)
		regs->want.x[i] = SECRET(TAG_VM, 0x100 + i);
}

/* It is at its exit with x0 to x30 full of them; at GUEST_SYNC() they are C's, and none. */
static void expect_full_of_secrets(struct vcpu *vcpu)
{
	int i;

	vcpu_expect(vcpu, ARMVCPU_EXIT_HYPERCALL);
	/* x0 has the answer already. */
	for (i = 1; i < 31; i++)
		if (vcpu->run->x[i] != SECRET(TAG_VM, 0x100 + i))
			test_fail("x%d of the other VM is 0x%llx: no secret", i, vcpu->run->x[i]);
}

/* From the beginning: its stack is that of the other guest in this program, too. */
static void run_full_of_secrets(struct vcpu *vcpu)
{
	fill_with_secrets(&guest_regs);
	vcpu_call(vcpu, guest_is_full_of_secrets, 2);
	expect_full_of_secrets(vcpu);
}

/*
 * At the guest's first instruction, all of its general registers are what its VMM has set:
 * there is nothing of the host's, nor of @other's, which has exited with secrets in all of
 * its own just before, if there is one.
 */
static void check_general_registers(struct vcpu *vcpu, const struct guest_state *fp,
				    struct vcpu *other)
{
	struct armvcpu_core_regs regs;
	struct snippet nop;
	int i, ret;

	snippet_make(&nop, 0xd503201f);
	snippet_prepare(vcpu, VCPU_MMU_OFF);
	for (i = 0; i < 100; i++) {
		/* Everything in the guest lies in the program. */
		static struct snippet in_guest;

		in_guest = nop;
		snippet_start(vcpu, &regs, &in_guest, SNIPPET_ADDRESS);
		if (other)
			run_full_of_secrets(other);
		do {
			guest_fp_load(fp);
			ret = run_planted(vcpu->fd);
		} while (ret == -EINTR);
		test_check(!ret);
		if (!snippet_is_stop(vcpu)) {
			vcpu_print_exit(vcpu);
			test_fail("not the store behind the instruction");
		}
		regs.pc += 4;
		snippet_check_regs(vcpu, &regs);
		check_block("the run struct at", vcpu->run, sizeof(*vcpu->run));
	}
}

TEST_F(secrets, of_the_host_are_in_no_general_register)
{
	check_general_registers(&self->vcpu, &self->fp, NULL);
}

/* Whatever it takes: some are read-only, or do not hold it all. */
static unsigned int plant_registers(struct vcpu *vcpu)
{
	unsigned int planted = 0;
	u32 count, i, *list = vcpu_reg_list(vcpu, &count);

	for (i = 0; i < count; i++) {
		/* What it runs by, and what is the VM's. */
		if ((list[i] & ARMVCPU_REG_CLASS_MASK) != ARMVCPU_REG_CLASS_SYS)
			continue;
		switch (list[i] & 0xffff) {
		case ARMVCPU_SYSREG(3, 0, 1, 0, 0):	/* SCTLR_EL1 */
		case ARMVCPU_SYSREG(3, 0, 1, 0, 2):	/* CPACR_EL1 */
		case ARMVCPU_SYSREG(3, 0, 2, 0, 0):	/* TTBR0_EL1 */
		case ARMVCPU_SYSREG(3, 0, 2, 0, 2):	/* TCR_EL1 */
		case ARMVCPU_SYSREG(3, 0, 10, 2, 0):	/* MAIR_EL1 */
		case ARMVCPU_SYSREG(3, 0, 12, 0, 0):	/* VBAR_EL1 */
			continue;
		}
		if (!vcpu_try_set(vcpu, list[i], SECRET(TAG_VM, i)))
			planted++;
	}
	free(list);
	return planted;
}

/* As the architecture resets them, if nobody has set any. */
static void check_new_registers(struct vcpu *vcpu)
{
	struct armvcpu_core_regs regs;
	int i;

	vcpu_get_regs(vcpu, &regs);
	check_block("the registers of a new vCPU at", &regs, sizeof(regs));
	for (i = 0; i < 31; i++)
		if (regs.x[i])
			test_fail("x%d of a new vCPU is 0x%llx", i, regs.x[i]);
}

/*
 * A VM with secrets in all of its registers, then another on the same CPU.  The first one's
 * memory, and those of its structures that EL2 uses, are given back in between.
 */
TEST_F_TIMEOUT(secrets, of_another_vm_are_in_no_register, 120)
{
	struct vcpu vcpu;
	struct vm vm;
	int round;

	for (round = 0; round < 2; round++) {
		vm_init(&vm);
		vcpu_init(&vcpu, &vm, 0);
		run_full_of_secrets(&vcpu);
		ASSERT_LE(10, plant_registers(&vcpu));
		/* With all of these in the CPU. */
		vcpu_expect_sync(&vcpu, 2);
		expect_full_of_secrets(&vcpu);
		/* Once while it is there, once when it is gone. */
		if (round) {
			vcpu_close(&vcpu);
			vm_close(&vm);
			vcpu_close(&self->vcpu);
			vm_close(&self->vm);
			vm_init(&self->vm);
			vcpu_init(&self->vcpu, &self->vm, 0);
			check_new_registers(&self->vcpu);
		}
		memset(&guest_regs, 0, sizeof(guest_regs));
		run_scan(&self->vcpu, &self->fp);
		check_scan(&self->vcpu);
		check_fp_is_zero();
		check_general_registers(&self->vcpu, &self->fp, round ? NULL : &vcpu);
		if (!round) {
			vcpu_close(&vcpu);
			vm_close(&vm);
		}
	}
}

static void guest_plants(void)
{
	write_sysreg(SECRET(TAG_VM, 1), tpidr_el1);
	write_sysreg(SECRET(TAG_VM, 2), tpidr_el0);
	write_sysreg(SECRET(TAG_VM, 3), tpidrro_el0);
	write_sysreg(SECRET(TAG_VM, 4), far_el1);
	write_sysreg(SECRET(TAG_VM, 5), elr_el1);
	guest_fp_load(&guest_regs.want);
	GUEST_SYNC(3);
}

/* The other way round: what the guest has does not become the host's. */
TEST_F(secrets, of_a_guest_are_not_the_hosts)
{
	struct guest_state got;
	u64 own = read_sysreg(tpidr_el0), a, b;
	const char *differ;
	int ret;

	plant_fp(&guest_regs.want, TAG_VM);
	vcpu_call(&self->vcpu, guest_plants);
	do {
		guest_fp_load(&self->fp);
		ret = run_planted(self->vcpu.fd);
		guest_fp_store(&got);
	} while (ret == -EINTR);
	ASSERT_EQ(0, ret);
	ASSERT_TRUE(vcpu_is_ucall(&self->vcpu));
	differ = guest_fp_differ(&self->fp, &got, &a, &b);
	if (differ)
		test_fail("%s of the host: 0x%llx, is now 0x%llx", differ, a, b);
	ASSERT_EQ(own, read_sysreg(tpidr_el0));
	/* Linux has zero in it. */
	ASSERT_FALSE(is_tagged(read_sysreg(tpidrro_el0), TAG_VM));
}

/* ---- what is hidden --------------------------------------------------------- */

/* Error records, the PMU, tracing, profiling: of the host, if anybody's. */
TEST_F_TIMEOUT(secrets, hidden_units_are_not_read, 120)
{
	static const struct {
		const char *name;
		u32 first, last;
	} hidden[] = {
		{ "ERRIDR_EL1 to ERXMISC3_EL1", ARMVCPU_SYSREG(3, 0, 5, 3, 0),
		  ARMVCPU_SYSREG(3, 0, 5, 5, 7) },
		{ "PMSCR_EL1 to PMSIDR_EL1", ARMVCPU_SYSREG(3, 0, 9, 9, 0),
		  ARMVCPU_SYSREG(3, 0, 9, 9, 7) },
		{ "PMBLIMITR_EL1 to TRBIDR_EL1", ARMVCPU_SYSREG(3, 0, 9, 10, 0),
		  ARMVCPU_SYSREG(3, 0, 9, 11, 7) },
		{ "PMINTENSET_EL1 and its like", ARMVCPU_SYSREG(3, 0, 9, 14, 0),
		  ARMVCPU_SYSREG(3, 0, 9, 14, 7) },
		{ "PMCR_EL0 to PMOVSSET_EL0", ARMVCPU_SYSREG(3, 3, 9, 12, 0),
		  ARMVCPU_SYSREG(3, 3, 9, 14, 7) },
		{ "AMCR_EL0 to AMEVTYPER1n_EL0", ARMVCPU_SYSREG(3, 3, 13, 2, 0),
		  ARMVCPU_SYSREG(3, 3, 13, 15, 7) },
		{ "PMEVCNTR0_EL0 to PMCCFILTR_EL0", ARMVCPU_SYSREG(3, 3, 14, 8, 0),
		  ARMVCPU_SYSREG(3, 3, 14, 15, 7) },
		{ "TRFCR_EL1", ARMVCPU_SYSREG(3, 0, 1, 2, 1), ARMVCPU_SYSREG(3, 0, 1, 2, 1) },
		{ "those of EL2 and beyond", ARMVCPU_SYSREG(3, 4, 0, 0, 0),
		  ARMVCPU_SYSREG(3, 7, 15, 15, 7) },
	};
	unsigned int i;
	u32 reg;

	run_scan(&self->vcpu, &self->fp);
	for (i = 0; i < ARRAY_SIZE(hidden); i++)
		for (reg = hidden[i].first; reg <= hidden[i].last; reg++) {
			u64 value = found[reg & (NR_SYSREGS - 1)];

			if (value != MARK_NOTHING && value != MARK_VMM)
				test_fail("of %s: register 0x%x reads 0x%llx", hidden[i].name,
					  reg, value);
		}
}

/* ---- what the VMM shares with the module ------------------------------------- */

/* A page of the kernel's that the VMM maps, before anything has happened. */
TEST_F(secrets, new_run_struct_is_empty)
{
	const u64 *words = (const u64 *)self->vcpu.run;
	u64 i;

	for (i = 0; i < page_size() / sizeof(u64); i++) {
		/* PSTATE of a reset is a constant. */
		if (i == offsetof(struct armvcpu_run, pstate) / sizeof(u64) &&
		    words[i] == PSTATE_RESET)
			continue;
		if (words[i])
			test_fail("the run struct at %llx: 0x%llx", i * 8, words[i]);
	}
}

/* The ring as well. */
TEST_F(secrets, new_dirty_ring_is_empty)
{
	const u32 entries = page_size() / sizeof(struct armvcpu_dirty_page);
	struct armvcpu_set_dirty_ring arg = { .entries = entries };
	const size_t size = ARMVCPU_DIRTY_RING_SIZE(entries);
	const u32 *words;
	size_t i;

	ASSERT_EQ(0, xioctl(self->vcpu.fd, ARMVCPU_SET_DIRTY_RING, &arg));
	words = mmap(NULL, size, PROT_READ, MAP_SHARED, self->vcpu.fd, ARMVCPU_DIRTY_RING_OFFSET);
	ASSERT_NE(MAP_FAILED, words);
	for (i = 0; i < size / sizeof(u32); i++) {
		const bool size_field = i * sizeof(u32) ==
					offsetof(struct armvcpu_dirty_ring, entries);

		if (words[i] != (size_field ? entries : 0))
			test_fail("the ring at %zx: 0x%x", i * sizeof(u32), words[i]);
	}
	munmap((void *)words, size);
}

#define FILLER	0xa5
/* More than any register list, or log of the slot. */
static u8 buffer[16384] __aligned(16);

/* @cmd with the @size bytes of @in: nothing behind them is written to. */
static int get(int fd, unsigned long cmd, const void *in, size_t size)
{
	size_t n;
	int ret;

	memset(buffer, FILLER, sizeof(buffer));
	if (in)
		memcpy(buffer, in, size);
	ret = xioctl(fd, cmd, buffer);
	for (n = size; n < sizeof(buffer); n++)
		if (buffer[n] != FILLER)
			test_fail("ioctl 0x%lx writes to byte %zu", cmd, n);
	for (n = 0; n + sizeof(u64) <= size; n += sizeof(u64))
		if (is_kernel_address(*(u64 *)(buffer + n)))
			test_fail("ioctl 0x%lx: 0x%llx at %zu", cmd, *(u64 *)(buffer + n), n);
	return ret;
}

/* An ioctl writes its structure, no byte more, and no byte that is not known. */
TEST_F(secrets, ioctls_fill_what_they_say)
{
	static const struct {
		unsigned long cmd;
		size_t size;
	} gets[] = {
		{ ARMVCPU_GET_CORE_REGS, sizeof(struct armvcpu_core_regs) },
		{ ARMVCPU_GET_FP_REGS, sizeof(struct armvcpu_fp_regs) },
		{ ARMVCPU_GET_POWER, sizeof(struct armvcpu_power) },
	};
	struct armvcpu_gic_reg gic = { .space = ARMVCPU_GIC_DIST };
	struct armvcpu_fp_regs *fp = (void *)buffer;
	struct armvcpu_power *power = (void *)buffer;
	struct armvcpu_cap cap = { 0 };
	unsigned int i;

	vcpu_call(&self->vcpu, guest_plants);
	vcpu_expect_sync(&self->vcpu, 3);
	for (i = 0; i < ARRAY_SIZE(gets); i++) {
		ASSERT_EQ(0, get(self->vcpu.fd, gets[i].cmd, NULL, gets[i].size));
		if (gets[i].cmd == ARMVCPU_GET_FP_REGS)
			ASSERT_EQ(0, fp->reserved);
		if (gets[i].cmd == ARMVCPU_GET_POWER)
			ASSERT_EQ(0, power->flags);
	}
	for (cap.cap = 0; cap.cap < 64; cap.cap++) {
		ASSERT_EQ(0, get(self->vm.sys, ARMVCPU_CHECK_CAP, &cap, sizeof(cap)));
		ASSERT_EQ(0, get(self->vm.fd, ARMVCPU_CHECK_CAP, &cap, sizeof(cap)));
	}
	/* What is refused is as it was. */
	ASSERT_EQ(-ENXIO, get(self->vm.fd, ARMVCPU_GET_GIC_REG, &gic, sizeof(gic)));
	ASSERT_EQ(0, memcmp(buffer, &gic, sizeof(gic)));
}

/* Arrays that an ioctl fills, and each register that a list names. */
TEST_F(secrets, lists_are_no_longer_than_they_say)
{
	struct armvcpu_reg_list list = { .count = sizeof(buffer) / sizeof(u32),
					 .ids = (u64)buffer };
	static u32 ids[sizeof(buffer) / sizeof(u32)];
	struct armvcpu_one_reg reg = { 0 };
	size_t i;

	vcpu_call(&self->vcpu, guest_plants);
	vcpu_expect_sync(&self->vcpu, 3);
	memset(buffer, FILLER, sizeof(buffer));
	ASSERT_EQ(0, xioctl(self->vcpu.fd, ARMVCPU_GET_REG_LIST, &list));
	ASSERT_GT(list.count, 100);
	for (i = list.count * sizeof(u32); i < sizeof(buffer); i++)
		if (buffer[i] != FILLER)
			test_fail("of %u ids, byte %zu is written to", list.count, i);
	memcpy(ids, buffer, list.count * sizeof(u32));
	for (i = 0; i < list.count; i++) {
		reg.id = ids[i];
		ASSERT_EQ(0, get(self->vcpu.fd, ARMVCPU_GET_ONE_REG, &reg, sizeof(reg)));
		ASSERT_EQ(reg.id, ((struct armvcpu_one_reg *)buffer)->id);
	}
	/* Too little room: none is written. */
	list.count--;
	memset(buffer, FILLER, sizeof(buffer));
	ASSERT_EQ(-E2BIG, xioctl(self->vcpu.fd, ARMVCPU_GET_REG_LIST, &list));
	for (i = 0; i < sizeof(buffer); i++)
		ASSERT_EQ(FILLER, buffer[i]);
}

/* ---- errors of the bus ----------------------------------------------------- */

/* Between what QEMU's virt board has: nobody answers. */
#define HOLE		0x0b000000
#define HOLE_DEVICE	"/proc/device-tree/virtio_mmio@a000000"

static void guest_loads(u64 address)
{
	const struct guest_trap *trap;

	trap = GUEST_TRAP(guest_read32(address));
	GUEST_SYNC_ARGS(4, trap->count, trap->esr, trap->far);
}

/*
 * An access of a guest's that the host's bus refuses is the guest's: an external abort in
 * it, and nothing in the host.
 */
TEST_F(secrets, external_abort_stays_in_the_guest)
{
	u64 esr;
	void *hole;
	int fd;

	if (access(HOLE_DEVICE, F_OK))
		SKIP(return, "the host is not QEMU's virt machine");
	fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
	if (fd < 0)
		SKIP(return, "there is no /dev/mem");
	hole = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, HOLE);
	if (hole == MAP_FAILED)
		SKIP(return, "the kernel keeps that for itself");
	if (get_cap(self->vm.sys, ARMVCPU_CAP_PINNED_MEMORY))
		SKIP(return, "this host's kernel pins memory, which a hole has none of");
	ASSERT_EQ(0, vm_set_slot(&self->vm, 0, 0, GUEST_RAM, page_size(), hole));
	vcpu_call(&self->vcpu, guest_loads, GUEST_RAM);
	vcpu_expect_sync(&self->vcpu, 4);
	ASSERT_EQ(1, vcpu_sync_arg(&self->vcpu, 0));
	esr = vcpu_sync_arg(&self->vcpu, 1);
	EXPECT_EQ(EC_DABT, ESR_EC(esr));
	EXPECT_EQ(FSC_EXTABT, ESR_FSC(esr));
	EXPECT_EQ(GUEST_RAM, vcpu_sync_arg(&self->vcpu, 2));
	/* The VM goes on. */
	vcpu_call(&self->vcpu, guest_plants);
	vcpu_expect_sync(&self->vcpu, 3);
}

int main(int argc, char **argv)
{
	return harness_run(argc, argv);
}
