// SPDX-License-Identifier: GPL-2.0
/*
 * The machine as a whole: built, run, reset, ended. All of it happens in the
 * main thread, which otherwise waits for input, signals and the vCPUs' requests.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hypercall.h"
#include "machine.h"
#include "sandbox.h"
#include "term.h"

#define SLOT_RAM	0
#define SLOT_ROM	1
#define SLOT_VARS	2

/* What the host's accounting may round up. */
#define LOCKED_SLACK	(64 * KIB)

#define NSEC_PER_SEC	1000000000ULL
#define NSEC_PER_MSEC	1000000ULL
/* How often to look whether a full UART has room for more. */
#define FULL_POLL_MS	20
/* vCPUs that do not park by then are stuck in a write to the console. */
#define STOP_MS		500

/* ---- What vCPUs ask for ------------------------------------------------ */

bool vm_claim(struct vm *vm)
{
	bool won;

	pthread_mutex_lock(&vm->lock);
	won = !vm->claimed;
	vm->claimed = true;
	pthread_mutex_unlock(&vm->lock);
	return won;
}

void vm_publish(struct vm *vm, enum vm_request request)
{
	unsigned int i;

	pthread_mutex_lock(&vm->lock);
	vm->request = request;
	pthread_cond_broadcast(&vm->cond);
	pthread_mutex_unlock(&vm->lock);
	for (i = 0; i < vm->config->cpus; i++)
		vcpu_kick(&vm->vcpus[i]);
	eventfd_write(vm->event_fd, 1);
}

bool vm_request(struct vm *vm, enum vm_request request)
{
	if (!vm_claim(vm))
		return false;
	vm_publish(vm, request);
	return true;
}

void vm_wake(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	vm->events++;
	pthread_cond_broadcast(&vm->cond);
	pthread_mutex_unlock(&vm->lock);
}

/* ---- Building it ------------------------------------------------------- */

static int open_device(void)
{
	int fd = armvcpu_open(NULL);

	switch (fd) {
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		die("there is no %s: load the module (modprobe armvcpu; see dmesg)",
		    ARMVCPU_DEVICE);
	case -EACCES:
	case -EPERM:
		die("no permission for %s: join its group (usermod -aG kvm $USER, log in anew)",
		    ARMVCPU_DEVICE);
	case -EPROTO:
		die("the module does not speak version %d of the API: take both from one release",
		    ARMVCPU_API_VERSION);
	}
	if (fd < 0)
		die("%s: %s", ARMVCPU_DEVICE, strerror(-fd));
	return fd;
}

static u64 get_cap(int fd, u32 cap, const char *name)
{
	__u64 value;
	int err = armvcpu_check_cap(fd, cap, &value);

	if (err)
		die("cannot ask the module for %s: %s", name, strerror(-err));
	return value;
}

static void create_vm(struct vm *vm)
{
	const struct config *config = vm->config;
	u64 max_cpus, ipa_bits;
	int fd = open_device();

	vm->page_size = get_cap(fd, ARMVCPU_CAP_PAGE_SIZE, "its page size");
	vm->pinned = get_cap(fd, ARMVCPU_CAP_PINNED_MEMORY,
			     "how it holds memory");
	max_cpus = get_cap(fd, ARMVCPU_CAP_MAX_VCPUS, "the number of vCPUs");
	ipa_bits = get_cap(fd, ARMVCPU_CAP_MAX_IPA_BITS, "the address size");
	if (config->stats && !get_cap(fd, ARMVCPU_CAP_STATS, "what it counts"))
		die("--stats: this module does not count exits");
	if (config->cpus > max_cpus)
		die("--cpus %u: the module takes %llu", config->cpus, max_cpus);
	if (config->mem % vm->page_size)
		die("--mem: not a multiple of the host's pages of %llu KiB",
		    vm->page_size / KIB);
	if (ipa_bits > 40)
		ipa_bits = 40;
	if (BOARD_RAM_BASE + config->mem > 1ULL << ipa_bits)
		die("--mem: this machine's guests have %llu address bits",
		    ipa_bits);

	vm->fd = armvcpu_vm_create(fd, ipa_bits);
	if (vm->fd == -ENOSPC)
		die("cannot create a VM: there are too many already");
	if (vm->fd < 0)
		die("cannot create a VM: %s", strerror(-vm->fd));
	close(fd);
}

static unsigned int best_gic(u64 versions)
{
	return versions & BIT(3) ? 3 : 2;
}

unsigned int vm_host_gic(void)
{
	int fd = armvcpu_open(NULL);
	__u64 versions = 0;

	if (fd >= 0) {
		armvcpu_check_cap(fd, ARMVCPU_CAP_GIC_VERSIONS, &versions);
		close(fd);
	}
	return best_gic(versions);
}

/* The one that was asked for, or the host's own; without one, WFI is all there is. */
static void create_gic(struct vm *vm)
{
	struct config *config = vm->config;
	u64 versions = get_cap(vm->fd, ARMVCPU_CAP_GIC_VERSIONS,
			       "its interrupt controllers");
	int err;

	if (config->no_gic)
		return;
	if (!versions)
		warn("the host's interrupt controller does not help guests: no interrupts");
	if (!config->gic)
		config->gic = best_gic(versions);
	if (!versions)
		return;
	if (!(versions & BIT(config->gic)))
		die("--gic %u: on this host guests have a GICv%u", config->gic,
		    best_gic(versions));
	err = armvcpu_vm_create_gic(vm->fd, config->gic, BOARD_NUM_IRQS,
				    config->cpus, BOARD_GICD_BASE,
				    config->gic == 3 ? BOARD_GICR_BASE :
						       BOARD_GICC_BASE);
	if (err)
		die("cannot create the interrupt controller: %s", strerror(-err));
	vm->has_gic = true;
}

/*
 * What nobody here answers need not come here: EL2 says NOT_SUPPORTED then. A module
 * that cannot do that lets all of them come, which changes nothing for the guest.
 */
static void claim_hypercalls(struct vm *vm)
{
	const struct armvcpu_smccc_range console = {
		.base = HYPERCALL_CONSOLE_WRITE,
		.count = 1,
		.action = ARMVCPU_SMCCC_USER,
	};
	u64 flags = get_cap(vm->fd, ARMVCPU_CAP_SMCCC_POLICY_FLAGS,
			    "what it can do with hypercalls");
	int err;

	if (!(flags & ARMVCPU_SMCCC_POLICY_HVC))
		return;
	err = armvcpu_vm_set_smccc_policy(vm->fd, ARMVCPU_SMCCC_POLICY_HVC,
					  &console, vm->config->earlycon);
	if (err)
		die("cannot say which hypercalls there are: %s", strerror(-err));
}

/* Slots are pinned: as much as the administrator lets us. */
static void raise_memlock(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_MEMLOCK, &limit);
}

static void explain_memlock(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return;
	warn("the guest's memory is locked: too little is free, or the limit is too low");
	if (limit.rlim_cur == RLIM_INFINITY)
		warn("there is no limit here: take less --mem");
	else
		warn("the limit is %llu MiB: raise it (ulimit -l, or memlock in limits.conf)",
		     (u64)limit.rlim_cur / MIB);
}

static void add_slot(struct vm *vm, u32 slot, u32 flags, u64 ipa, void *mem,
		     u64 size)
{
	int err = armvcpu_vm_add_slot(vm->fd, slot, flags, ipa, mem, size);

	if (!err)
		return;
	if (err == -ENOMEM && vm->pinned)
		explain_memlock();
	if (err == -EFAULT && vm->pinned && vm->config->mem_path)
		warn("a file to be pinned is on a tmpfs or hugetlbfs, with room for all of --mem");
	die("cannot give the guest %llu KiB at 0x%llx: %s", size / KIB, ipa,
	    strerror(-err));
}

static void add_rom_slot(struct vm *vm)
{
	add_slot(vm, SLOT_ROM, ARMVCPU_SLOT_READONLY, BOARD_FLASH_BASE,
		 vm->rom.mem, vm->rom.size);
}

static void add_vars_slot(struct vm *vm)
{
	add_slot(vm, SLOT_VARS, ARMVCPU_SLOT_READONLY, BOARD_VARS_BASE,
		 vm->rom.vars, ROM_VARS_SIZE);
}

/*
 * Under the device's lock, so that the module sees the levels in their order. They
 * are not queued for the next RUN of the vCPU whose access has changed one: every
 * device of ours has another thread (its I/O thread, or the main thread) that drives
 * its line as well, and what that one raises in the meantime, such a RUN would lower.
 */
void vm_irq_changed(struct irq_line *line)
{
	struct vm *vm = line->opaque;
	int err;

	if (vm->has_gic) {
		err = armvcpu_vm_set_spi(vm->fd, BOARD_SPI_INTID(line->spi),
					 line->level);
		if (err)
			die("interrupt %u: %s", line->spi, strerror(-err));
	} else if (line->level) {
		/* Nothing but WFI takes interrupts. */
		vm_wake(vm);
	}
}

static void uart_transmit(struct pl011 *uart, u8 c)
{
	(void)uart;
	term_putc(c);
}

static void add_devices(struct vm *vm)
{
	bus_init(&vm->bus);

	pl011_init(&vm->uart, BOARD_UART_BASE, BOARD_UART_SIZE);
	vm->uart.transmit = uart_transmit;
	vm->uart.irq.spi = BOARD_UART_SPI;
	vm->uart.irq.changed = vm_irq_changed;
	vm->uart.irq.opaque = vm;
	bus_add(&vm->bus, &vm->uart.dev);

	pl031_init(&vm->rtc, BOARD_RTC_BASE, BOARD_RTC_SIZE);
	vm->rtc.irq.spi = BOARD_RTC_SPI;
	vm->rtc.irq.changed = vm_irq_changed;
	vm->rtc.irq.opaque = vm;
	bus_add(&vm->bus, &vm->rtc.dev);

	if (vm->config->firmware) {
		rom_init(&vm->rom, BOARD_FLASH_BASE, BOARD_FLASH_SIZE,
			 BOARD_VARS_BASE - BOARD_FLASH_BASE,
			 vm->config->firmware);
		bus_add(&vm->bus, &vm->rom.dev);
	}
	vm_add_virtio(vm);
}

/* Fill RAM and hand it to the guest. */
static void load_ram(struct vm *vm)
{
	const struct config *config = vm->config;
	const struct boot_plan *plan = &vm->plan;

	boot_load(config, plan, vm->ram.mem);
	add_slot(vm, SLOT_RAM, 0, BOARD_RAM_BASE, vm->ram.mem, config->mem);
	note("entry 0x%llx, device tree 0x%llx, RAM 0x%llx to 0x%llx",
	     plan->entry, plan->fdt, BOARD_RAM_BASE,
	     BOARD_RAM_BASE + config->mem - 1);
}

static void nothing(int sig)
{
	(void)sig;
}

/*
 * All that end or stop the program, or resize its terminal; the main thread reads
 * them from a file. What was ignored when the program started stays so: by nohup,
 * or by a shell that has put it into the background.
 */
static void main_signals(sigset_t *set)
{
	static const int signals[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH,
	};
	struct sigaction sa;
	size_t i;

	sigemptyset(set);
	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		if (!sigaction(signals[i], NULL, &sa) &&
		    sa.sa_handler != SIG_IGN)
			sigaddset(set, signals[i]);
	}
}

static void set_up_signals(void)
{
	struct sigaction sa = { .sa_handler = nothing };
	sigset_t set;

	/* Takes a vCPU out of the guest: no SA_RESTART. */
	sigaction(SIGUSR1, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	main_signals(&set);
	/* Not in addition to what the parent has blocked: SIGUSR1 must arrive. */
	pthread_sigmask(SIG_SETMASK, &set, NULL);
}

/* Memory that a reset pins anew; the firmware may be longer then. */
static u64 locked_bytes(const struct vm *vm)
{
	u64 bytes = vm->config->mem + LOCKED_SLACK;

	if (!vm->pinned)
		return 0;
	if (vm->config->firmware)
		bytes += vm->rom.bank_size + ROM_VARS_SIZE;
	return bytes;
}

/* Its bytes; false if it is nothing that has a length. */
static bool is_file(int fd, u64 *size)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return false;
	*size = st.st_size;
	return true;
}

/* A trace, and what is printed into a file, grows. */
static u64 largest_file(const struct vm *vm)
{
	u64 largest = 0, size;
	unsigned int i;

	if ((vm->config->trace && is_file(vm->trace.fd, &size)) ||
	    is_file(STDOUT_FILENO, &size) || is_file(STDERR_FILENO, &size))
		return ~0ULL;
	is_file(vm->ram.fd, &largest);
	for (i = 0; i < vm->config->num_disks; i++) {
		const struct virtio_blk *disk = &vm->disks[i];

		if (!disk->read_only && is_file(disk->fd, &size) && size > largest)
			largest = size;
	}
	return largest;
}

void vm_init(struct vm *vm, struct config *config)
{
	struct sandbox_limits limits;
	pthread_condattr_t attr;
	unsigned int i;

	memset(vm, 0, sizeof(*vm));
	vm->config = config;
	pthread_mutex_init(&vm->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&vm->cond, &attr);
	pthread_condattr_destroy(&attr);
	vm->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vm->event_fd < 0)
		die("eventfd: %s", strerror(errno));

	/* What is wrong with the files is told without a device, too. */
	boot_plan(config, &vm->plan);
	ram_open(&vm->ram, config);
	if (config->trace)
		trace_open(&vm->trace, config->trace, config->trace_limit);
	add_devices(vm);
	create_vm(vm);
	create_gic(vm);
	claim_hypercalls(vm);
	if (vm->pinned)
		raise_memlock();
	if (config->firmware) {
		add_rom_slot(vm);
		add_vars_slot(vm);
	}
	ram_guard(&vm->ram, EXIT_SETUP);
	ram_prealloc(&vm->ram);
	load_ram(vm);
	set_up_signals();
	/* From here on nothing is opened, and threads begin. */
	limits.locked = locked_bytes(vm);
	limits.file_size = largest_file(vm);
	sandbox_drop(config, &limits);
	vm_start_virtio(vm);
	for (i = 0; i < config->cpus; i++)
		vcpu_init(&vm->vcpus[i], vm, i);
}

/* ---- Running it -------------------------------------------------------- */

static bool all_parked(const struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->config->cpus; i++) {
		if (!vm->vcpus[i].parked)
			return false;
	}
	return true;
}

/* Nothing of the guest runs any more, or only a write to the console. */
static void vm_stop(struct vm *vm)
{
	u64 deadline = now_ns() + STOP_MS * NSEC_PER_MSEC;
	struct timespec ts = {
		.tv_sec = deadline / NSEC_PER_SEC,
		.tv_nsec = deadline % NSEC_PER_SEC,
	};
	unsigned int i;
	int err = 0;

	vm_claim(vm);
	for (i = 0; i < vm->config->cpus; i++)
		vcpu_kick(&vm->vcpus[i]);
	pthread_mutex_lock(&vm->lock);
	pthread_cond_broadcast(&vm->cond);
	while (!all_parked(vm) && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&vm->cond, &vm->lock, &ts);
	pthread_mutex_unlock(&vm->lock);
}

/*
 * The guest's memory is taken away and given anew: then the module sees to it
 * that the guest, which starts with its caches off, finds what is loaded now.
 */
static void vm_reset(struct vm *vm)
{
	const struct config *config = vm->config;
	unsigned int i;
	int err;

	note("the guest resets");
	/* First of all: then nothing is written to its memory any more. */
	bus_reset(&vm->bus);
	err = armvcpu_vm_delete_slot(vm->fd, SLOT_RAM);
	if (!err && config->firmware)
		err = armvcpu_vm_delete_slot(vm->fd, SLOT_ROM);
	if (!err)
		err = ram_clear(&vm->ram);
	for (i = 0; !err && i < config->cpus; i++)
		err = vcpu_reset(&vm->vcpus[i]);
	if (!err && vm->has_gic)
		err = armvcpu_vm_reset_gic(vm->fd);
	if (err)
		die("cannot reset the guest: %s", strerror(-err));
	/* The files may be others by now, as on a disk. */
	if (config->firmware) {
		rom_load(&vm->rom);
		add_rom_slot(vm);
	}
	boot_plan(config, &vm->plan);
	load_ram(vm);

	pthread_mutex_lock(&vm->lock);
	vm->request = VM_NONE;
	vm->claimed = false;
	vcpu_start(&vm->vcpus[0], vm->plan.entry, vm->plan.fdt);
	pthread_mutex_unlock(&vm->lock);
}

/* The exit status, or -1 if the machine goes on. */
static int handle_request(struct vm *vm)
{
	enum vm_request request;
	bool parked;

	pthread_mutex_lock(&vm->lock);
	request = vm->request;
	parked = all_parked(vm);
	pthread_mutex_unlock(&vm->lock);

	switch (request) {
	case VM_NONE:
		return -1;
	case VM_RESET:
		/* The last one to park wakes us. */
		if (parked)
			vm_reset(vm);
		return -1;
	case VM_POWEROFF:
		return EXIT_POWEROFF;
	case VM_HALTED:
		warn("the guest has switched off its last CPU");
		return EXIT_HALTED;
	case VM_DEAD:
		break;
	}
	return EXIT_DEAD;
}

/* The exit status, or -1 if the machine goes on. */
static int handle_signal(struct vm *vm, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return -1;
	switch (info.ssi_signo) {
	case SIGTSTP:
		term_suspend();
		raise(SIGSTOP);
		term_resume();
		vm_resize_console(vm);
		return -1;
	case SIGCONT:
		term_resume();
		vm_resize_console(vm);
		return -1;
	case SIGWINCH:
		vm_resize_console(vm);
		return -1;
	default:
		return EXIT_SIGNAL + info.ssi_signo;
	}
}

/* Who gets what is typed. */
enum focus {
	FOCUS_AUTO,	/* the virtio console as soon as a driver has it */
	FOCUS_UART,
	FOCUS_VIRTIO,
};

struct console {
	struct term_decoder decoder;
	enum focus focus;
	/* What that means for what is read next. */
	bool to_virtio;
	bool eof;
};

static bool types_to_virtio(struct vm *vm, enum focus focus)
{
	if (!vm->config->console || focus == FOCUS_UART)
		return false;
	return focus == FOCUS_VIRTIO || virtio_console_in_use(&vm->console);
}

/* Where input goes now, and how much of it finds room there. */
static size_t input_room(struct vm *vm, struct console *console)
{
	console->to_virtio = types_to_virtio(vm, console->focus);
	return console->to_virtio ? virtio_console_room(&vm->console) :
				    pl011_room(&vm->uart);
}

/* A break is the serial port's in any case. */
static void input_char(struct vm *vm, const struct console *console, u16 c)
{
	u8 byte = c;

	/* Beyond the room there is only what is typed ahead too far. */
	if (c != PL011_BREAK && console->to_virtio)
		virtio_console_receive(&vm->console, &byte, 1);
	else
		pl011_receive(&vm->uart, &c, 1);
}

static void switch_console(struct vm *vm, struct console *console)
{
	if (!vm->config->console)
		return;
	console->to_virtio = !console->to_virtio;
	console->focus = console->to_virtio ? FOCUS_VIRTIO : FOCUS_UART;
	warn("you type into the %s now", console->to_virtio ?
	     "virtio console" : "serial port");
}

/* The exit status, or -1 if the machine goes on. */
static int handle_input(struct vm *vm, struct console *console)
{
	/* Not what it was before the wait: the guest may have begun to listen. */
	size_t room = input_room(vm, console);
	u8 buf[256];
	ssize_t n, i;

	/* A person is always listened to: there is the way to quit. */
	if (term_is_tty())
		room = sizeof(buf);
	if (!room)
		return -1;
	n = read(STDIN_FILENO, buf, room < sizeof(buf) ? room : sizeof(buf));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return -1;
	if (n <= 0) {
		console->eof = true;
		return -1;
	}
	for (i = 0; i < n; i++) {
		switch (term_decode(&console->decoder, &buf[i])) {
		case TERM_NONE:
			break;
		case TERM_CHAR:
			input_char(vm, console, buf[i]);
			break;
		case TERM_BREAK:
			input_char(vm, console, PL011_BREAK);
			break;
		case TERM_QUIT:
			return EXIT_QUIT;
		case TERM_HELP:
			term_help();
			break;
		case TERM_CONSOLE:
			switch_console(vm, console);
			break;
		case TERM_INFLATE:
			vm_move_balloon(vm, true);
			break;
		case TERM_DEFLATE:
			vm_move_balloon(vm, false);
			break;
		}
	}
	vm_wake(vm);
	return -1;
}

enum { POLL_EVENT, POLL_SIGNAL, POLL_INPUT, POLL_COUNT };

/* Waits for something to happen and handles it. */
static int wait_and_handle(struct vm *vm, struct console *console,
			   struct pollfd *pfds, u64 until)
{
	u64 now = now_ns();
	int timeout, status = -1;
	eventfd_t count;
	bool listen;

	timeout = until > now ? (until - now) / NSEC_PER_MSEC + 1 : 0;
	listen = !console->eof && (term_is_tty() || input_room(vm, console));
	pfds[POLL_INPUT].fd = listen ? STDIN_FILENO : -1;
	if (!listen && !console->eof && timeout > FULL_POLL_MS)
		timeout = FULL_POLL_MS;
	if (poll(pfds, POLL_COUNT, timeout) <= 0)
		return -1;

	if (pfds[POLL_EVENT].revents)
		eventfd_read(vm->event_fd, &count);
	if (pfds[POLL_SIGNAL].revents)
		status = handle_signal(vm, pfds[POLL_SIGNAL].fd);
	if (status < 0 && pfds[POLL_INPUT].revents)
		status = handle_input(vm, console);
	return status;
}

int vm_run(struct vm *vm)
{
	struct pollfd pfds[POLL_COUNT] = {
		[POLL_EVENT] = { .fd = vm->event_fd, .events = POLLIN },
		[POLL_SIGNAL] = { .events = POLLIN },
		[POLL_INPUT] = { .fd = STDIN_FILENO, .events = POLLIN },
	};
	u64 tick = now_ns() + NSEC_PER_SEC;
	struct console console = { 0 };
	unsigned int i;
	sigset_t set;
	int status;

	main_signals(&set);
	pfds[POLL_SIGNAL].fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (pfds[POLL_SIGNAL].fd < 0)
		die("signalfd: %s", strerror(errno));

	vm_resize_console(vm);
	watch_begin(vm);
	ram_guard(&vm->ram, EXIT_DEAD);
	sandbox_seal(vm->config);
	pthread_mutex_lock(&vm->lock);
	vcpu_start(&vm->vcpus[0], vm->plan.entry, vm->plan.fdt);
	pthread_mutex_unlock(&vm->lock);
	do {
		status = wait_and_handle(vm, &console, pfds,
					 vm->stats.due < tick ?
					 vm->stats.due : tick);
		if (status < 0)
			status = handle_request(vm);
		if (now_ns() >= tick) {
			bus_tick(&vm->bus);
			if (vm->config->trace)
				trace_flush(&vm->trace);
			tick = now_ns() + NSEC_PER_SEC;
		}
		watch_print(vm);
	} while (status < 0);

	vm_stop(vm);
	watch_end(vm);
	bus_report(&vm->bus);
	vm_report_balloon(vm);
	for (i = 0; i < vm->config->cpus; i++)
		info("CPU %u: %llu exits", i, vm->vcpus[i].num_exits);
	return status;
}
