// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest costs, by KVM or by armvcpu: the same guest and the same work, so
 * that the figures can be compared.  "make bench" runs it in hosts of QEMU's
 * icount, where one instruction is one nanosecond of the clock, and in others for
 * the time itself; selftests/bench/report puts both together.
 *
 * The rows are in rows.def, what each measures is said at its cost_NAME() here.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <regex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "bench_guest.h"
#include "icount.h"
#include "markers.h"
#include "vm.h"

#define REPETITIONS	3
/*
 * Of time: many short ones, of which one or the other is not disturbed by whatever
 * else the machine does.
 */
#define REPETITIONS_WALL 15
#define OPS_LONG	10000
#define OPS_SHORT	2000
/* Before the measured part. */
#define WARM_UP		(row_ops / 10)
/* Of what takes seconds. */
#define REPETITIONS_BOOT 2
/* For one repetition; a row that takes longer hangs. */
#define ROW_SECONDS	60

#define NONE		(~0UL)

#define PSCI_VERSION	0x84000000UL
#define SMCCC_VERSION	0x80000000UL
#define TRNG_VERSION	0x84000050UL
/* Of the range for vendors' hypervisors: nobody's. */
#define HVC_UNKNOWN	0x86000042UL
#define NOT_SUPPORTED	0xffffffffffffffffUL

static const char help[] =
	"bench: what a guest costs\n"
	"\n"
	"usage: bench kvm|armvcpu [--wall] [--boot KERNEL INITRD [VMM]] [ROW]...\n"
	"       bench --ops | --rows\n"
	"\n"
	"One line for each row, its name and what one operation takes, in instructions\n"
	"of a host of QEMU's icount; \"-\" for what the hypervisor has no counterpart for.\n"
	"ROW is a regular expression for whole names; by default all rows are measured.\n"
	"\n"
	"  --wall   in nanoseconds, best of more repetitions; on any host\n"
	"  --boot   the rows linux_boot and, with VMM, linux_boot_vmm: from these files\n"
	"  --ops    number, name and operations of each row's measured part (markers.h)\n"
	"  --rows   rows.def: name, kind, floor, limit, of what, limit of time\n";

MARKER_TABLE(markers_begin, MARKER_BEGIN);
MARKER_TABLE(markers_end, MARKER_END);

enum row_number {
#define ROW(name, ...) ROW_##name,
#include "rows.def"
	NR_ROWS
};

static const struct backend *be;
static struct boot_files boot_files;
static bool wall;
static const char *row_name = "bench";
static unsigned int row_number;
static u64 row_ops;
/* By-products. */
static u64 touch_ns;

/* In the program, hence in the guest. */
static u8 stacks[MACHINE_MAX_CPUS][GUEST_STACK_SIZE] __aligned(4096);

void bench_die(const char *format, ...)
{
	int saved_errno = errno;
	va_list args;

	fprintf(stderr, "bench: %s: ", row_name);
	va_start(args, format);
	errno = saved_errno;
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(1);
}

static void row_is_stuck(int sig)
{
	(void)sig;
	bench_die("it hangs");
}

/* ---- the measured part --------------------------------------------------- */

static u64 started;

static void begin(void)
{
	started = icount_ns();
	marker_call(markers_begin, row_number);
}

static u64 end(void)
{
	marker_call(markers_end, row_number);
	return icount_ns() - started;
}

/* ---- machines ------------------------------------------------------------ */

static struct machine vm;
static struct cpu cpus[MACHINE_MAX_CPUS];
static unsigned int nr_cpus_made;

/* Slots from here on are the program's. */
#define SLOT_PROGRAM	1

static int add_segment(struct dl_phdr_info *info, size_t size, void *arg)
{
	u64 mask = page_size() - 1;
	u32 *slot = arg;
	unsigned int i;

	(void)size;
	for (i = 0; i < info->dlpi_phnum; i++) {
		u64 start = info->dlpi_phdr[i].p_vaddr;
		u64 end = start + info->dlpi_phdr[i].p_memsz;

		if (info->dlpi_phdr[i].p_type != PT_LOAD)
			continue;
		start &= ~mask;
		end = (end + mask) & ~mask;
		be->set_slot(&vm, (*slot)++, !(info->dlpi_phdr[i].p_flags & PF_W), start,
			     end - start, (void *)start);
	}
	return 1;
}

/* A VM with the program as its memory, and a GIC. */
static void machine_init(unsigned int nr_cpus, bool second_off)
{
	const struct gic_frames frames = {
		.dist = GUEST_GICD, .redist = GUEST_GICR, .nr_irqs = 96, .nr_cpus = nr_cpus,
	};
	u32 slot = SLOT_PROGRAM;
	unsigned int i;

	guest_pt_init();
	vm.be = be;
	be->vm_create(&vm);
	be->gic_create(&vm, &frames);
	for (i = 0; i < nr_cpus; i++) {
		be->cpu_create(&cpus[i], &vm, i, i && second_off);
		vm.cpus[i] = &cpus[i];
	}
	be->gic_ready(&vm);
	nr_cpus_made = nr_cpus;
	dl_iterate_phdr(add_segment, &slot);
}

static void machine_close(void)
{
	unsigned int i;

	for (i = 0; i < nr_cpus_made; i++)
		be->cpu_close(&cpus[i]);
	be->vm_close(&vm);
}

static void cpu_call(struct cpu *cpu, const void *fn, u64 x0, u64 x1, u64 x2)
{
	const struct cpu_regs regs = {
		.pc = (u64)guest_start, .sp = (u64)stacks[cpu->index] + GUEST_STACK_SIZE,
		.x = { x0, x1, x2 }, .x19 = (u64)fn, .x20 = guest_pt_root(),
	};

	be->set_regs(cpu, &regs);
}

/* To the next access without memory. */
static void next_mmio(struct cpu *cpu)
{
	enum exit_kind kind;

	do {
		kind = be->run(cpu);
	} while (kind == EXIT_CALL);
	if (kind != EXIT_MMIO) {
		be->print_exit(cpu);
		bench_die("exit %u is not the one to measure", kind);
	}
}

/* Nothing but the doorbell has come. */
static void check_doorbell(struct cpu *cpu)
{
	struct mmio mmio;

	be->get_mmio(cpu, &mmio);
	if (mmio.address != DOORBELL)
		bench_die("an access to 0x%llx", mmio.address);
}

/* On to the doorbell; meanwhile the other thread may run. */
static void next_doorbell(struct cpu *cpu)
{
	struct mmio mmio;

	for (;;) {
		next_mmio(cpu);
		be->get_mmio(cpu, &mmio);
		if (mmio.address != DOORBELL_YIELD)
			break;
		sched_yield();
	}
	check_doorbell(cpu);
}

static void run_exits(u64 count)
{
	while (count--)
		next_mmio(&cpus[0]);
}

/* ---- one operation per exit ---------------------------------------------- */

static u64 cost_of_exits(const void *guest)
{
	u64 ns;

	machine_init(1, false);
	cpu_call(&cpus[0], guest, 0, 0, 0);
	run_exits(WARM_UP);
	begin();
	run_exits(row_ops);
	ns = end();
	check_doorbell(&cpus[0]);
	machine_close();
	return ns;
}

/* A load from where no memory is, to this program and back, which does nothing. */
static u64 cost_mmio_read_user(void)
{
	return cost_of_exits(bench_mmio_read);
}

/* A store to there. */
static u64 cost_mmio_write_user(void)
{
	return cost_of_exits(bench_mmio_write);
}

/* mmio_read_user, with an FP register in use on both sides each time. */
static u64 cost_exit_fp(void)
{
	u64 i, ns;

	machine_init(1, false);
	cpu_call(&cpus[0], bench_mmio_read_fp, 0, 0, 0);
	run_exits(WARM_UP);
	begin();
	for (i = 0; i < row_ops; i++) {
		next_mmio(&cpus[0]);
		use_fp();
	}
	ns = end();
	machine_close();
	return ns;
}

/*
 * A store, which this program answers by an edge on an SPI's line; the guest
 * acknowledges the interrupt and ends it (ICC_IAR1_EL1, ICC_EOIR1_EL1).
 */
static u64 cost_mmio_write_irq(void)
{
	u64 i, ns = 0;

	machine_init(1, false);
	cpu_call(&cpus[0], bench_mmio_write_irq, 0, 0, 0);
	next_doorbell(&cpus[0]);
	for (i = 0; i < WARM_UP + row_ops; i++) {
		if (i == WARM_UP)
			begin();
		be->edge(&vm, BENCH_SPI);
		next_mmio(&cpus[0]);
	}
	ns = end();
	machine_close();
	return ns;
}

/*
 * write() to an eventfd that raises an SPI, the guest's run until it has taken and
 * ended the interrupt, its WFI until then if it has to wait, and the exit that says
 * that it has.
 */
static u64 cost_irqfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	const u64 one = 1;
	u64 i, ns = 0;

	test_check(fd >= 0);
	machine_init(1, false);
	be->irqfd(&vm, BENCH_SPI, fd, true);
	cpu_call(&cpus[0], bench_irqfd, 0, 0, 0);
	next_doorbell(&cpus[0]);
	for (i = 0; i < WARM_UP + row_ops; i++) {
		if (i == WARM_UP)
			begin();
		if (write(fd, &one, sizeof(one)) != sizeof(one))
			bench_die("an eventfd: %m");
		next_mmio(&cpus[0]);
	}
	ns = end();
	be->irqfd(&vm, BENCH_SPI, fd, false);
	machine_close();
	close(fd);
	return ns;
}

/* ---- many operations between two exits ------------------------------------ */

/* Both batches end with an exit: of what they take the empty one is subtracted. */
static u64 time_of_batch(const void *guest, u64 count, u64 arg, bool marked)
{
	u64 ns;

	cpu_call(&cpus[0], guest, count, arg, 0);
	/* To the first batch, through it, and through the one that counts. */
	next_doorbell(&cpus[0]);
	next_doorbell(&cpus[0]);
	if (!marked) {
		ns = icount_ns();
		next_mmio(&cpus[0]);
		return icount_ns() - ns;
	}
	begin();
	next_mmio(&cpus[0]);
	return end();
}

static u64 minus(u64 ns, u64 empty)
{
	return ns > empty ? ns - empty : 0;
}

static u64 cost_of_batch(const void *guest, u64 arg)
{
	u64 ns, empty;

	machine_init(1, false);
	empty = time_of_batch(bench_empty, row_ops, 0, false);
	ns = time_of_batch(guest, row_ops, arg, true);
	check_doorbell(&cpus[0]);
	machine_close();
	return minus(ns, empty);
}

static u64 cost_of_hvc(u64 fn, bool known)
{
	u64 ns = cost_of_batch(bench_hvc, fn);
	bool answered = bench_result != NOT_SUPPORTED;

	if (answered != known)
		bench_die("hypercall 0x%llx is answered by 0x%llx", fn, bench_result);
	return ns;
}

/* HVC #0 with a call of PSCI's that the hypervisor answers itself. */
static u64 cost_hvc_psci_version(void)
{
	return cost_of_hvc(PSCI_VERSION, true);
}

/* ... with one of the calling convention's. */
static u64 cost_hvc_smccc_version(void)
{
	return cost_of_hvc(SMCCC_VERSION, true);
}

/*
 * ... with one that is nobody's.  KVM answers it itself; where it goes to this
 * program, that just runs on.
 */
static u64 cost_hvc_unknown(void)
{
	return cost_of_hvc(HVC_UNKNOWN, false);
}

/* HVC #0 with a call that both answer at EL1, in the host's kernel: there and back. */
static u64 cost_world_switch(void)
{
	return cost_of_hvc(TRNG_VERSION, true);
}

/* MRS of a register that is trapped. */
static u64 cost_mrs_id_aa64pfr0(void)
{
	return cost_of_batch(bench_mrs_id_aa64pfr0, 0);
}

static u64 cost_mrs_id_aa64mmfr1(void)
{
	return cost_of_batch(bench_mrs_id_aa64mmfr1, 0);
}

static u64 cost_mrs_oslsr(void)
{
	return cost_of_batch(bench_mrs_oslsr, 0);
}

/* A load from the distributor, GICD_IIDR. */
static u64 cost_gicd_read(void)
{
	return cost_of_batch(bench_read, GUEST_GICD + GICD_IIDR);
}

/*
 * ICC_SGI1R_EL1 to itself, ICC_IAR1_EL1 until the interrupt is there, ICC_EOIR1_EL1;
 * with IRQs masked.
 */
static u64 cost_sgi_self(void)
{
	return cost_of_batch(bench_sgi_self, 0);
}

/* A store that signals an eventfd, of one among those that a few devices have. */
static u64 cost_ioeventfd_kick(void)
{
	int i, fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	u64 ns, empty, value;

	test_check(fd >= 0);
	machine_init(1, false);
	for (i = 0; i < NR_KICKS; i++)
		be->ioeventfd(&vm, KICK(i), fd, true);
	empty = time_of_batch(bench_empty, row_ops, 0, false);
	ns = time_of_batch(bench_write, row_ops, KICK(1), true);
	check_doorbell(&cpus[0]);
	if (read(fd, &value, sizeof(value)) != sizeof(value) || value < 2 * row_ops)
		bench_die("the eventfd has not been signalled");
	machine_close();
	close(fd);
	return minus(ns, empty);
}

/*
 * A store that is kept for later, and its share of taking it out of the ring after
 * the next exit.  Batches are smaller than the ring.
 */
static u64 cost_posted_write(void)
{
	u64 i, batches = row_ops / POSTED_BATCH, ns, empty;
	unsigned int count;

	if (!be->posted)
		return NONE;
	machine_init(1, false);
	be->posted(&vm, POSTED, POSTED_SIZE);
	cpu_call(&cpus[0], bench_empty, POSTED_BATCH, 0, 0);
	run_exits(WARM_UP);
	empty = icount_ns();
	run_exits(batches);
	empty = icount_ns() - empty;

	cpu_call(&cpus[0], bench_write, POSTED_BATCH, POSTED, 0);
	run_exits(1);
	begin();
	for (i = 0; i < batches; i++) {
		run_exits(1);
		count = be->posted_drain(&vm);
		if (count != POSTED_BATCH)
			bench_die("%u writes have come of %u", count, POSTED_BATCH);
	}
	ns = end();
	check_doorbell(&cpus[0]);
	machine_close();
	return minus(ns, empty);
}

/* ---- two vCPUs ------------------------------------------------------------- */

static bool second_stop;

static void wake_up(int sig)
{
	(void)sig;
}

/*
 * The second vCPU's thread; @arg: its CPU.  Where it shares one with the first
 * vCPU it runs when it is woken, whatever the scheduler thinks of its past.
 */
static void *run_second(void *arg)
{
	const struct sched_param param = { .sched_priority = 1 };
	enum exit_kind kind;

	pin_to_cpu((long)arg);
	if (!arg)
		test_check(!sched_setscheduler(0, SCHED_FIFO, &param));
	while (!READ_ONCE(second_stop)) {
		kind = be->run(&cpus[1]);
		if (kind != EXIT_MMIO && kind != EXIT_INTR) {
			be->print_exit(&cpus[1]);
			bench_die("exit %u of the second vCPU", kind);
		}
		if (kind == EXIT_MMIO && bench_stop)
			break;
	}
	return NULL;
}

static void start_second(pthread_t *thread, long cpu)
{
	int ret;

	WRITE_ONCE(second_stop, false);
	WRITE_ONCE(bench_stop, 0);
	ret = pthread_create(thread, NULL, run_second, (void *)cpu);
	if (ret)
		bench_die("a thread: %s", strerror(ret));
}

/*
 * From ICC_SGI1R_EL1 of one vCPU until another one, which runs on another CPU and
 * looks for it, has acknowledged and ended it; half of there and back.
 */
static u64 cost_ipi(void)
{
	pthread_t thread;
	u64 ns;

	if (nr_cpus() < 2)
		return NONE;
	machine_init(2, false);
	cpu_call(&cpus[1], bench_ipi_pong, 0, 0, 0);
	next_doorbell(&cpus[1]);
	start_second(&thread, 1);
	cpu_call(&cpus[0], bench_ipi_ping, row_ops, 0, 0);
	next_doorbell(&cpus[0]);
	next_doorbell(&cpus[0]);
	begin();
	next_mmio(&cpus[0]);
	ns = end();
	/* The last one, after which it stops. */
	cpu_call(&cpus[0], bench_ipi_ping, 2, 0, 0);
	next_doorbell(&cpus[0]);
	WRITE_ONCE(bench_stop, 1);
	next_doorbell(&cpus[0]);
	pthread_join(thread, NULL);
	machine_close();
	return ns;
}

static u64 ticks_to_ns(u64 ticks)
{
	return ticks * 1000000000UL / read_sysreg(cntfrq_el0);
}

#define CPU_ON_BATCH	10

/*
 * PSCI CPU_ON until the second vCPU's first instruction, by the guest's clock.  Both
 * threads on one CPU; the first vCPU waits by WFI for the second one's word.
 *
 * Linux draws what it offsets its stack by, at each system call, for 48 calls at once
 * (get_random_u16()).  An operation is four calls: these 2,800 instructions would be
 * in the measured part of one in twelve, or of none.  A batch is one call more.
 */
static u64 cost_cpu_on(void)
{
	u64 ticks = 0, i;
	pthread_t thread;

	machine_init(2, true);
	start_second(&thread, 0);
	cpu_call(&cpus[0], bench_cpu_on, CPU_ON_BATCH, guest_pt_root(), 0);
	next_doorbell(&cpus[0]);
	for (i = 0; i < WARM_UP / CPU_ON_BATCH; i++)
		next_doorbell(&cpus[0]);
	begin();
	for (i = 0; i < row_ops / CPU_ON_BATCH; i++) {
		next_doorbell(&cpus[0]);
		ticks += READ_ONCE(bench_result);
	}
	end();
	WRITE_ONCE(second_stop, true);
	while (pthread_kill(thread, SIGUSR1) == 0 && pthread_tryjoin_np(thread, NULL))
		usleep(1000);
	machine_close();
	return ticks_to_ns(ticks);
}

/* ---- memory ---------------------------------------------------------------- */

enum touched {
	FRESH,		/* an anonymous mapping that nobody has touched */
	PRESENT,	/* this program has written to each of its pages */
	HUGE,		/* the same, in pages of 2M */
};

#define HUGE_SIZE	0x200000UL

static void *map_memory(u64 size, enum touched touched, void **mapping, u64 *mapped)
{
	char *mem;
	u64 i;

	*mapped = size + (touched == HUGE ? HUGE_SIZE : 0);
	*mapping = alloc_pages(*mapped);
	mem = *mapping;
	if (touched == HUGE)
		mem = (char *)(((u64)mem + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1));
	if (madvise(mem, size, touched == HUGE ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		bench_die("madvise: %m");
	if (touched != FRESH) {
		for (i = 0; i < size; i += 4096)
			WRITE_ONCE(mem[i], 1);
	}
	return mem;
}

/*
 * The guest touches one word of each 4K page of a slot.  From making the slot until
 * it has: what is paid when a slot is made counts.  The guest's part alone is a row
 * of its own, NAME_touch.
 */
static u64 cost_of_touch(const void *guest, enum touched touched)
{
	u64 size = row_ops * 4096, mapped, ns, touch;
	void *mem, *mapping;

	mem = map_memory(size, touched, &mapping, &mapped);
	machine_init(1, false);
	cpu_call(&cpus[0], guest, GUEST_RAM, size, 0);
	next_doorbell(&cpus[0]);
	begin();
	be->set_slot(&vm, 0, false, GUEST_RAM, size, mem);
	touch = icount_ns();
	next_mmio(&cpus[0]);
	touch = icount_ns() - touch;
	ns = end();
	machine_close();
	munmap(mapping, mapped);
	if (touch < touch_ns)
		touch_ns = touch;
	return ns;
}

/* Stores to pages that are not there. */
static u64 cost_s2_first_write(void)
{
	return cost_of_touch(bench_touch_write, FRESH);
}

/* Loads. */
static u64 cost_s2_first_read(void)
{
	return cost_of_touch(bench_touch_read, FRESH);
}

/* Stores to pages that this program has touched before. */
static u64 cost_s2_present_page(void)
{
	return cost_of_touch(bench_touch_write, PRESENT);
}

/* ... that are parts of huge ones. */
static u64 cost_s2_huge_per_4k(void)
{
	return cost_of_touch(bench_touch_write, HUGE);
}

/* ---- time ------------------------------------------------------------------ */

static u64 cost_of_timer(const void *guest)
{
	machine_init(1, false);
	cpu_call(&cpus[0], guest, row_ops, 0, 0);
	next_doorbell(&cpus[0]);
	next_doorbell(&cpus[0]);
	begin();
	next_mmio(&cpus[0]);
	end();
	machine_close();
	return ticks_to_ns(bench_result);
}

/*
 * A guest that waits by WFI, from its virtual timer's deadline until it has
 * acknowledged the interrupt, by its own clock.
 */
static u64 cost_wfi_timer(void)
{
	return cost_of_timer(bench_wfi_timer);
}

/* A guest that runs, from the deadline until its handler's first instructions. */
static u64 cost_timer_running(void)
{
	return cost_of_timer(bench_timer_running);
}

/* ---- lives ----------------------------------------------------------------- */

/* A VM with nothing in it, made and closed. */
static u64 cost_vm_create(void)
{
	u64 i;

	begin();
	for (i = 0; i < row_ops; i++) {
		be->vm_create(&vm);
		be->vm_close(&vm);
	}
	return end();
}

/* In one VM. */
#define VCPUS		50

static u64 time_of_vcpus(unsigned int count)
{
	struct cpu cpu;
	unsigned int i;
	u64 ns;

	ns = icount_ns();
	be->vm_create(&vm);
	for (i = 0; i < count; i++) {
		be->cpu_create(&cpu, &vm, i, false);
		be->cpu_close(&cpu);
	}
	be->vm_close(&vm);
	return icount_ns() - ns;
}

/*
 * A vCPU, made, mapped, reset and closed.  KVM frees it with its VM: so that is in
 * it, and the same without vCPUs is subtracted.
 */
static u64 cost_vcpu_create(void)
{
	u64 i, ns = 0, empty = 0;

	for (i = 0; i < row_ops / VCPUS; i++)
		empty += time_of_vcpus(0);
	begin();
	for (i = 0; i < row_ops / VCPUS; i++)
		ns += time_of_vcpus(VCPUS);
	end();
	return minus(ns, empty);
}

/* The exit status of a child process. */
static int reap(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child)
		bench_die("a process: %m");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/*
 * Debian's kernel with one CPU, quiet, and busybox in an initial ramdisk that powers
 * off: from the start of a process that is a small VMM (boot.c) until it is gone.
 */
static u64 cost_linux_boot(void)
{
	pid_t child;

	if (!boot_files.kernel)
		return NONE;
	begin();
	child = fork();
	if (!child) {
		boot_linux(be, &boot_files);
		_exit(0);
	}
	if (reap(child))
		bench_die("the guest has not powered off");
	return end();
}

/* The same with armvcpu-vmm, which has all of a machine's devices. */
static u64 cost_linux_boot_vmm(void)
{
	u64 ns = icount_ns();
	pid_t child = fork();
	int null;

	if (!child) {
		null = open("/dev/null", O_RDWR);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		execl(boot_files.vmm, boot_files.vmm, "--kernel", boot_files.kernel,
		      "--initrd", boot_files.initrd, "--append",
		      "quiet rdinit=/bin/busybox -- poweroff -f", NULL);
		_exit(127);
	}
	if (reap(child))
		bench_die("%s has failed", boot_files.vmm);
	return icount_ns() - ns;
}

/* ---- work that needs no hypervisor ----------------------------------------- */

#define COMPUTE_COUNT	5000000UL
#define MEMORY_SIZE	0x400000UL
#define MEMORY_WORDS	(MEMORY_SIZE / sizeof(u64))
#define MEMORY_ROUNDS	8

/* Arithmetic in registers. */
static u64 cost_compute(void)
{
	u64 ns;

	machine_init(1, false);
	cpu_call(&cpus[0], bench_compute, COMPUTE_COUNT, 0, 0);
	next_doorbell(&cpus[0]);
	begin();
	next_mmio(&cpus[0]);
	ns = end();
	machine_close();
	return ns;
}

static u64 cost_compute_native(void)
{
	u64 ns = icount_ns();

	bench_result = work_compute(COMPUTE_COUNT);
	return icount_ns() - ns;
}

/* Loads and stores, over some megabytes that have been touched before. */
static u64 cost_memory(void)
{
	u64 mapped, ns;
	void *mem, *mapping;

	mem = map_memory(MEMORY_SIZE, PRESENT, &mapping, &mapped);
	machine_init(1, false);
	be->set_slot(&vm, 0, false, GUEST_RAM, MEMORY_SIZE, mem);
	cpu_call(&cpus[0], bench_memory, GUEST_RAM, MEMORY_WORDS, MEMORY_ROUNDS);
	next_doorbell(&cpus[0]);
	next_doorbell(&cpus[0]);
	begin();
	next_mmio(&cpus[0]);
	ns = end();
	machine_close();
	munmap(mapping, mapped);
	return ns;
}

static u64 cost_memory_native(void)
{
	u64 mapped, ns;
	void *mem, *mapping;

	mem = map_memory(MEMORY_SIZE, PRESENT, &mapping, &mapped);
	bench_result = work_memory(mem, MEMORY_WORDS, MEMORY_ROUNDS);
	ns = icount_ns();
	bench_result = work_memory(mem, MEMORY_WORDS, MEMORY_ROUNDS);
	ns = icount_ns() - ns;
	munmap(mapping, mapped);
	return ns;
}

/* ---- whose turn it is ------------------------------------------------------- */

#define NR_SPINNING	MACHINE_MAX_CPUS
#define SETTLE_US	200000
#define SPIN_US		2000000

static struct spinning {
	struct cpu cpu;
	pthread_t thread;
	u64 count, before, ns;
} spinning[NR_SPINNING] __aligned(4096);

static void *run_spinning(void *arg)
{
	struct spinning *s = arg;

	/* Wherever the scheduler wants it. */
	pin_to_cpu(-1);
	while (!READ_ONCE(second_stop)) {
		if (be->run(&s->cpu) != EXIT_INTR) {
			be->print_exit(&s->cpu);
			bench_die("it does not spin");
		}
	}
	return NULL;
}

/* How long the host has let it have a CPU. */
static u64 cpu_ns(const struct spinning *s)
{
	struct timespec now;
	clockid_t clock;

	test_check(!pthread_getcpuclockid(s->thread, &clock) && !clock_gettime(clock, &now));
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/*
 * They are there, with their guests; a thousand times the time of the one that has had a CPU
 * for longest, of that of the one that has had it least.  Not their work: one CPU of a
 * QEMU may be slower than the other one.
 */
static u64 share_of_spinning(void)
{
	u64 least = NONE, most = 0;
	unsigned int i;

	WRITE_ONCE(second_stop, false);
	for (i = 0; i < NR_SPINNING; i++) {
		struct spinning *s = &spinning[i];

		cpu_call(&s->cpu, bench_spin, (u64)&s->count, 0, 0);
		if (pthread_create(&s->thread, NULL, run_spinning, s))
			bench_die("a thread cannot be made");
	}
	usleep(SETTLE_US);
	for (i = 0; i < NR_SPINNING; i++) {
		spinning[i].before = READ_ONCE(spinning[i].count);
		spinning[i].ns = cpu_ns(&spinning[i]);
	}
	begin();
	usleep(SPIN_US);
	end();
	for (i = 0; i < NR_SPINNING; i++)
		spinning[i].ns = cpu_ns(&spinning[i]) - spinning[i].ns;
	for (i = 0; i < NR_SPINNING; i++) {
		u64 ns = spinning[i].ns;

		if (READ_ONCE(spinning[i].count) == spinning[i].before)
			bench_die("one of the guests has not run at all");
		least = ns < least ? ns : least;
		most = ns > most ? ns : most;
	}
	WRITE_ONCE(second_stop, true);
	for (i = 0; i < NR_SPINNING; i++)
		while (pthread_kill(spinning[i].thread, SIGUSR1) == 0 &&
		       pthread_tryjoin_np(spinning[i].thread, NULL))
			usleep(1000);
	return (1000 * most + least / 2) / least;
}

/* Eight vCPUs of a VM that never stop, on two CPUs: does each have as much as the others? */
static u64 cost_fair_vcpus(void)
{
	unsigned int i;
	u64 share;

	if (nr_cpus() < 2)
		return NONE;
	machine_init(NR_SPINNING, false);
	for (i = 0; i < NR_SPINNING; i++)
		spinning[i].cpu = cpus[i];
	share = share_of_spinning();
	machine_close();
	return share;
}

/* ... and eight VMs of one vCPU. */
static u64 cost_fair_vms(void)
{
	struct machine vms[NR_SPINNING];
	unsigned int i;
	u64 share;

	if (nr_cpus() < 2)
		return NONE;
	for (i = 0; i < NR_SPINNING; i++) {
		machine_init(1, false);
		vms[i] = vm;
		spinning[i].cpu = cpus[0];
	}
	share = share_of_spinning();
	for (i = 0; i < NR_SPINNING; i++) {
		be->cpu_close(&spinning[i].cpu);
		be->vm_close(&vms[i]);
	}
	return share;
}

/* ---- floors: what the host costs by itself --------------------------------- */

/* The cheapest system call. */
static u64 cost_getppid(void)
{
	u64 i, ns = icount_ns();

	for (i = 0; i < row_ops; i++)
		syscall(SYS_getppid);
	return icount_ns() - ns;
}

/* The cheapest one about a file. */
static u64 cost_lseek(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	u64 i, ns = icount_ns();

	for (i = 0; i < row_ops; i++)
		lseek(fd, 0, SEEK_CUR);
	ns = icount_ns() - ns;
	close(fd);
	return ns;
}

/* An ioctl of a vCPU that does not exist. */
static u64 cost_ioctl_refused(void)
{
	u64 i, ns;

	machine_init(1, false);
	ns = icount_ns();
	for (i = 0; i < row_ops; i++) {
		if (ioctl(cpus[0].fd, _IO(0xff, 0xff), 0) != -1)
			bench_die("an ioctl that should not be there");
	}
	ns = icount_ns() - ns;
	machine_close();
	return ns;
}

/* The ioctl that runs a vCPU, with immediate exit. */
static u64 cost_run_returns_at_once(void)
{
	u64 i, ns;

	machine_init(1, false);
	cpu_call(&cpus[0], bench_mmio_read, 0, 0, 0);
	next_doorbell(&cpus[0]);
	be->set_immediate_exit(&cpus[0], true);
	be->run(&cpus[0]);
	ns = icount_ns();
	for (i = 0; i < row_ops; i++) {
		if (be->run(&cpus[0]) != EXIT_INTR)
			bench_die("it does not return at once");
	}
	ns = icount_ns() - ns;
	be->set_immediate_exit(&cpus[0], false);
	machine_close();
	return ns;
}

/* A process stores to an anonymous page that is not there. */
static u64 cost_page_fault(void)
{
	u64 i, mapped, ns;
	void *mem, *mapping;

	mem = map_memory(row_ops * 4096, FRESH, &mapping, &mapped);
	ns = icount_ns();
	for (i = 0; i < row_ops; i++)
		WRITE_ONCE(((char *)mem)[i * 4096], 1);
	ns = icount_ns() - ns;
	munmap(mapping, mapped);
	return ns;
}

/* ---- rows ------------------------------------------------------------------ */

static const struct row {
	const char *name;
	u64 ops;
	u64 (*cost)(void);
	const char *kind;
	const char *floor, *at_most, *of, *at_most_wall;
} rows[] = {
#define ROW(name, ops, ...) { #name, ops, cost_##name, "row", __VA_ARGS__ },
#include "rows.def"
};

static const struct row floors[] = {
#define FLOOR(name, ops) { #name, ops, cost_##name, "floor", "-", "-", "-", "-" },
#include "rows.def"
};

static const struct row extras[] = {
#define EXTRA(name, at_most, of) { #name, 1, NULL, "extra", "-", at_most, of, "-" },
#include "rows.def"
};

static_assert(ARRAY_SIZE(rows) <= MARKER_MAX, "a marker for each");

static u64 best(u64 (*cost)(void), int repetitions)
{
	u64 least = NONE;
	int i;

	touch_ns = NONE;
	for (i = 0; i < repetitions; i++) {
		u64 ns;

		alarm(ROW_SECONDS);
		ns = cost();
		if (ns < least)
			least = ns;
		if (ns == NONE)
			break;
	}
	alarm(0);
	return least;
}

static int repetitions(const struct row *row)
{
	if (row->cost == cost_linux_boot)
		return REPETITIONS_BOOT;
	/* They take seconds as well, and what counts is the spread. */
	if (row->cost == cost_fair_vcpus || row->cost == cost_fair_vms)
		return 1;
	return wall ? REPETITIONS_WALL : REPETITIONS;
}

static void print(const char *name, const char *suffix, u64 ns, u64 ops)
{
	if (ns == NONE)
		printf("%s%s -\n", name, suffix);
	else
		printf("%s%s %llu\n", name, suffix, (ns + ops / 2) / ops);
	fflush(stdout);
}

static bool takes_two(const struct row *row)
{
	return row->cost == cost_ipi || row->cost == cost_fair_vcpus ||
	       row->cost == cost_fair_vms;
}

static void measure(const struct row *row, unsigned int number)
{
	u64 ns;

	row_name = row->name;
	row_number = number;
	row_ops = wall && row->ops == OPS_LONG ? OPS_SHORT : row->ops;
	ns = best(row->cost, repetitions(row));
	/* Not on this host. */
	if (takes_two(row) && ns == NONE)
		return;
	print(row->name, "", ns, row_ops);
	if (touch_ns != NONE)
		print(row->name, "_touch", touch_ns, row_ops);
	if (row->cost == cost_compute)
		print(row->name, "_native", best(cost_compute_native, repetitions(row)), 1);
	if (row->cost == cost_memory)
		print(row->name, "_native", best(cost_memory_native, repetitions(row)), 1);
	/* Time there is compared with nothing. */
	if (row->cost == cost_linux_boot && boot_files.vmm && !wall)
		print(row->name, "_vmm", best(cost_linux_boot_vmm, REPETITIONS_BOOT), 1);
}

/* In a process of its own: what goes wrong there is the end of this row only. */
static int measure_apart(const struct row *row, unsigned int number)
{
	pid_t child = fork();

	if (!child) {
		measure(row, number);
		_exit(0);
	}
	return reap(child) ? 1 : 0;
}

static bool matches(const char *name, regex_t *wanted, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		if (!regexec(&wanted[i], name, 0, NULL, 0))
			return true;
	}
	return !count;
}

static void compile(regex_t *regex, const char *text)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "^(%s)$", text);
	if (regcomp(regex, whole, REG_EXTENDED | REG_NOSUB))
		bench_die("'%s' is no regular expression", text);
}

static void print_ops(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		printf("%zu %s %llu\n", i, rows[i].name, rows[i].ops);
}

static void print_rows(const struct row *table, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		printf("%s %s %s %s %s %s\n", table[i].name, table[i].kind, table[i].floor,
		       table[i].at_most, table[i].of, table[i].at_most_wall);
}

static int usage(FILE *out)
{
	fputs(help, out);
	return out == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	regex_t wanted[16];
	struct sigaction action = { .sa_handler = wake_up };
	int i = 2, count = 0, measured = 0, failed = 0;
	size_t n;

	if (argc < 2)
		return usage(stderr);
	if (!strcmp(argv[1], "--help"))
		return usage(stdout);
	if (!strcmp(argv[1], "--ops")) {
		print_ops();
		return 0;
	}
	if (!strcmp(argv[1], "--rows")) {
		print_rows(rows, ARRAY_SIZE(rows));
		print_rows(extras, ARRAY_SIZE(extras));
		print_rows(floors, ARRAY_SIZE(floors));
		return 0;
	}
	if (!strcmp(argv[1], "kvm"))
		be = &backend_kvm;
	else if (!strcmp(argv[1], "armvcpu"))
		be = &backend_armvcpu;
	else
		return usage(stderr);

	for (; i < argc; i++) {
		if (!strcmp(argv[i], "--wall")) {
			wall = true;
		} else if (!strcmp(argv[i], "--boot") && i + 2 < argc) {
			boot_files.kernel = argv[++i];
			boot_files.initrd = argv[++i];
			if (i + 1 < argc && argv[i + 1][0] == '/')
				boot_files.vmm = argv[++i];
		} else if (argv[i][0] != '-' && count < (int)ARRAY_SIZE(wanted)) {
			compile(&wanted[count++], argv[i]);
		} else {
			return usage(stderr);
		}
	}
	if (!wall && !icount_is_on()) {
		fprintf(stderr, "bench: no instructions are counted on this host: --wall\n");
		return 2;
	}
	sigaction(SIGUSR1, &action, NULL);
	action.sa_handler = row_is_stuck;
	sigaction(SIGALRM, &action, NULL);
	pin_to_cpu(0);
	be->open(&vm);
	for (n = 0; n < ARRAY_SIZE(rows); n++) {
		if (matches(rows[n].name, wanted, count)) {
			failed |= measure_apart(&rows[n], n);
			measured++;
		}
	}
	for (n = 0; n < ARRAY_SIZE(floors); n++) {
		if (matches(floors[n].name, wanted, count)) {
			failed |= measure_apart(&floors[n], n);
			measured++;
		}
	}
	if (!measured) {
		fprintf(stderr, "bench: no row has such a name: --rows\n");
		return 2;
	}
	return failed;
}
