// SPDX-License-Identifier: GPL-2.0
/*
 * All that a guest makes the VMM do by leaving: run structs with anything in them, for a
 * machine with all its devices; and what comes from its terminal and its clock meanwhile.
 * The module's end is fake-vcpu.c.
 */
/* That of the host is arm64's. */
#define _VMM_COUNTER_H
static inline unsigned long long counter_now(void) { return 0; }
static inline unsigned long long counter_hz(void) { return 0; }
/* What the thread of a vCPU calls between two RUNs is not for others. */
#include "../vmm/vcpu.c"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake-vcpu.h"
#include "fuzz.h"
#include "hypercall.h"
#include "term.h"

#define GUEST_SIZE	(2 * MIB)
#define NUM_VIRTIO	4

const size_t fuzz_input_size = 2048;

static struct config config;
static struct vm vm;
static struct fake_vcpu fake;

static FILE *loud, *quiet;

/* ---- Of machine.c and watch.c, which run a real one -------------------- */

bool vm_claim(struct vm *one)
{
	bool won = !one->claimed;

	one->claimed = true;
	return won;
}

void vm_publish(struct vm *one, enum vm_request request)
{
	one->request = request;
}

bool vm_request(struct vm *one, enum vm_request request)
{
	if (!vm_claim(one))
		return false;
	vm_publish(one, request);
	return true;
}

void watch_init(struct vcpu *vcpu)
{
	vcpu->watch = NULL;
}

void watch_interrupt(struct vcpu *vcpu)
{
	(void)vcpu;
}

bool watch_exit(struct vcpu *vcpu, bool (*handle)(struct vcpu *vcpu))
{
	return handle(vcpu);
}

/* ---- The machine ------------------------------------------------------- */

static char rom_path[32], disk_path[32];
static unsigned int sent;

static void transmit(struct pl011 *uart, u8 c)
{
	(void)uart;
	(void)c;
	sent++;
}

static void irq_changed(struct irq_line *line)
{
	EXPECT(line->opaque == &vm);
}

static void wire(struct irq_line *line)
{
	line->changed = irq_changed;
	line->opaque = &vm;
}

static void plug(struct virtio_device *vdev)
{
	unsigned int slot = vm.num_virtio++;

	vdev->dev.base = BOARD_VIRTIO_BASE + slot * BOARD_VIRTIO_STRIDE;
	wire(&vdev->irq);
	vm.virtio[slot] = vdev;
	bus_add(&vm.bus, &vdev->dev);
}

static void memory_file(char *path, u64 size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, size))
		abort();
	snprintf(path, 32, "/proc/self/fd/%d", fd);
}

static void set_up_once(void)
{
	/* What the guest prints is nobody's. */
	int null = open("/dev/null", O_WRONLY);

	if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
		abort();
	loud = stderr;
	quiet = fdopen(null, "w");
	if (!quiet)
		abort();
	memory_file(rom_path, 4096);
	memory_file(disk_path, 32768);
	vm.guest_ram.mem = aligned_alloc(4096, GUEST_SIZE);
	if (!vm.guest_ram.mem)
		abort();
	vm.guest_ram.base = BOARD_RAM_BASE;
	vm.guest_ram.size = GUEST_SIZE;
	signal(SIGUSR1, SIG_IGN);
}

static void set_up(void)
{
	void *mem = vm.guest_ram.mem;
	struct guest_ram guest_ram;
	unsigned int i;

	if (!mem)
		set_up_once();
	guest_ram = vm.guest_ram;
	memset(&vm, 0, sizeof(vm));
	vm.guest_ram = guest_ram;
	config = (struct config){ .cpus = BOARD_MAX_CPUS, .mem = GUEST_SIZE, .earlycon = true };
	vm.config = &config;
	pthread_mutex_init(&vm.lock, NULL);
	pthread_cond_init(&vm.cond, NULL);
	bus_init(&vm.bus);
	pl011_init(&vm.uart, BOARD_UART_BASE, BOARD_UART_SIZE);
	vm.uart.transmit = transmit;
	wire(&vm.uart.irq);
	bus_add(&vm.bus, &vm.uart.dev);
	pl031_init(&vm.rtc, BOARD_RTC_BASE, BOARD_RTC_SIZE);
	wire(&vm.rtc.irq);
	bus_add(&vm.bus, &vm.rtc.dev);
	rom_init(&vm.rom, BOARD_FLASH_BASE, BOARD_FLASH_SIZE,
		 BOARD_VARS_BASE - BOARD_FLASH_BASE, rom_path);
	bus_add(&vm.bus, &vm.rom.dev);
	virtio_blk_init(&vm.disks[0], &vm.guest_ram, disk_path, false, NULL);
	plug(&vm.disks[0].vdev);
	virtio_console_init(&vm.console, &vm.guest_ram, STDOUT_FILENO);
	plug(&vm.console.vdev);
	virtio_rng_init(&vm.rng, &vm.guest_ram);
	plug(&vm.rng.vdev);
	virtio_balloon_init(&vm.balloon, &vm.guest_ram);
	plug(&vm.balloon.vdev);
	EXPECT(vm.num_virtio == NUM_VIRTIO);
	for (i = 0; i < config.cpus; i++) {
		vm.vcpus[i].vm = &vm;
		vm.vcpus[i].index = i;
		vm.vcpus[i].mpidr = board_mpidr(i);
		vm.vcpus[i].thread = pthread_self();
		vm.vcpus[i].state = i ? VCPU_OFF : VCPU_ON;
	}
}

static void tear_down(void)
{
	unsigned int i;

	for (i = 0; i < vm.num_virtio; i++)
		virtio_stop(vm.virtio[i]);
	virtio_blk_close(&vm.disks[0]);
	free(vm.balloon.held);
	free(vm.balloon.held_in);
	munmap(vm.rom.mem, vm.rom.size);
	munmap(vm.rom.vars, ROM_VARS_SIZE);
}

/* ---- What the guest does ----------------------------------------------- */

static u64 any_ipa(struct fuzz *in)
{
	static const u64 bases[] = {
		BOARD_UART_BASE, BOARD_RTC_BASE, BOARD_VIRTIO_BASE,
		BOARD_VIRTIO_BASE + BOARD_VIRTIO_STRIDE,
		BOARD_VIRTIO_BASE + 2 * BOARD_VIRTIO_STRIDE,
		BOARD_VIRTIO_BASE + 3 * BOARD_VIRTIO_STRIDE,
		BOARD_FLASH_BASE, BOARD_RAM_BASE,
	};
	u8 how = fuzz_u8(in);

	if (how >= 0xf0)
		return fuzz_u64(in);
	if (how >= 0xe0)	/* Across an end. */
		return bases[how % ARRAY_SIZE(bases)] - 8 + fuzz_u8(in) % 16;
	return bases[how % ARRAY_SIZE(bases)] + (fuzz_u16(in) & 0x1ff);
}

static void exit_mmio(struct fuzz *in, struct armvcpu_run *run)
{
	struct armvcpu_exit_mmio *mmio = &run->u.mmio;

	mmio->ipa = any_ipa(in);
	mmio->len = fuzz_len(in);
	mmio->is_write = fuzz_u8(in) & 1;
	mmio->data = fuzz_u8(in) & 1 ? fuzz_u8(in) : fuzz_u64(in);
}

static void exit_abort(struct fuzz *in, struct armvcpu_run *run)
{
	u64 ipa = any_ipa(in);

	fake_abort(&fake, fuzz_u32(in), (fuzz_u64(in) & ~0xfffULL) | (ipa & 0xfff), ipa);
	/* As the hardware tells it: the page. */
	run->u.abort.ipa = ipa & ~0xfffULL;
	run->u.abort.flags ^= fuzz_u8(in) & fuzz_u8(in);
	fake.sctlr = fuzz_u64(in);
}

static void exit_psci(struct fuzz *in, struct armvcpu_run *run)
{
	struct armvcpu_exit_psci *psci = &run->u.psci;

	psci->event = fuzz_u8(in) & 0x80 ? fuzz_u32(in) : fuzz_u8(in) % 10;
	psci->fn = fuzz_u64(in);
	psci->args[0] = fuzz_u8(in) & 0x80 ? fuzz_u64(in) : fuzz_u8(in) % 16;
	psci->timer = ~0ULL;
}

static void leave(struct fuzz *in, struct armvcpu_run *run)
{
	unsigned int i;

	for (i = 0; i < 31; i++)
		run->x[i] = fuzz_u8(in) & 1 ? fuzz_u64(in) : i;
	run->pc = fuzz_u32(in) & ~3U;
	run->pstate = 5;
	run->action = ARMVCPU_ACTION_COMPLETE;
	memset(&run->u, 0, sizeof(run->u));
	run->exit_reason = fuzz_u8(in) % 12;
	switch (run->exit_reason) {
	case ARMVCPU_EXIT_MMIO:
		exit_mmio(in, run);
		break;
	case ARMVCPU_EXIT_ABORT:
		exit_abort(in, run);
		break;
	case ARMVCPU_EXIT_SYSREG:
		run->u.sysreg.reg = fuzz_u32(in);
		run->u.sysreg.is_write = fuzz_u8(in) & 1;
		run->u.sysreg.data = fuzz_u64(in);
		break;
	case ARMVCPU_EXIT_HYPERCALL:
	case ARMVCPU_EXIT_SMC:
		run->u.call.nr = fuzz_u8(in) & 1 ? HYPERCALL_CONSOLE_WRITE : fuzz_u64(in);
		run->u.call.imm = fuzz_u8(in) & 0x80 ? fuzz_u16(in) : 0;
		break;
	case ARMVCPU_EXIT_PSCI:
		exit_psci(in, run);
		break;
	case ARMVCPU_EXIT_WFX:
		run->u.wfx.timer = fuzz_u64(in);
		break;
	default:
		fuzz_bytes(in, &run->u, sizeof(run->u));
	}
}

/* The module has given up on it, or it is an exit that the VMM did not ask for. */
static bool is_end(u32 reason)
{
	switch (reason) {
	case ARMVCPU_EXIT_MMIO:
	case ARMVCPU_EXIT_ABORT:
	case ARMVCPU_EXIT_SYSREG:
	case ARMVCPU_EXIT_HYPERCALL:
	case ARMVCPU_EXIT_SMC:
	case ARMVCPU_EXIT_PSCI:
	case ARMVCPU_EXIT_WFX:
		return false;
	}
	return true;
}

static void guest_leaves(struct fuzz *in)
{
	struct vcpu *vcpu = &vm.vcpus[fuzz_u8(in) % config.cpus];
	bool goes_on;

	fake_init(&fake);
	leave(in, &fake.run);
	vcpu->hw = fake.hw;
	vcpu->num_exits++;
	/* Nobody sleeps here. */
	vcpu->seen_events = vm.events - 1;
	/* The story of its death is long. */
	if (is_end(fake.run.exit_reason))
		stderr = quiet;
	goes_on = handle_exit(vcpu);
	stderr = loud;
	EXPECT(!goes_on || !is_end(fake.run.exit_reason));
	EXPECT(fake.run.action <= ARMVCPU_ACTION_UNDEF);
	/* The main thread would have answered. */
	vm.claimed = false;
	vm.request = VM_NONE;
}

static void user_types(struct fuzz *in)
{
	struct term_decoder decoder = { 0 };
	unsigned int count = fuzz_u8(in) % 32;
	u16 wide;
	u8 c;

	while (count--) {
		c = fuzz_u8(in);
		if (term_decode(&decoder, &c) != TERM_CHAR)
			continue;
		wide = c;
		pl011_receive(&vm.uart, &wide, 1);
		virtio_console_receive(&vm.console, &c, 1);
	}
}

static void poke(struct fuzz *in)
{
	u8 buf[32];

	fuzz_bytes(in, buf, sizeof(buf));
	memcpy((char *)vm.guest_ram.mem + fuzz_u16(in), buf, sizeof(buf));
}

static void step(struct fuzz *in)
{
	struct virtio_device *vdev = vm.virtio[fuzz_u8(in) % NUM_VIRTIO];
	int timeout;

	switch (fuzz_u8(in) % 16) {
	case 0:
		user_types(in);
		break;
	case 1:
		bus_tick(&vm.bus);
		break;
	case 2:
		virtio_turn(vdev, NULL, 0, 0, &timeout);
		break;
	case 3:
		poke(in);
		break;
	case 4:
		if (fuzz_u8(in) >= 0xf0)
			bus_reset(&vm.bus);
		break;
	default:
		guest_leaves(in);
	}
	EXPECT(vm.uart.fifo_count <= PL011_FIFO_SIZE);
	EXPECT(vm.uart.queue_count <= PL011_QUEUE_SIZE);
}

void fuzz_shape(u8 *data, u32 chance)
{
	(void)data;
	(void)chance;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz in = { data, size };
	unsigned int i;

	set_up();
	memset(vm.guest_ram.mem, 0, 128 * KIB);
	for (i = 0; i < FUZZ_STEPS && in.left; i++)
		step(&in);
	/* Whatever it was: a reset makes a UART of it that works. */
	bus_reset(&vm.bus);
	sent = 0;
	bus_write(&vm.bus, BOARD_UART_BASE, 4, 'x', 0);
	EXPECT(sent == 1 && bus_read(&vm.bus, BOARD_UART_BASE + 0xfe0, 4, 0) == 0x11);
	tear_down();
	return 0;
}
