// SPDX-License-Identifier: GPL-2.0
/*
 * The virtio devices of the machine: one virtio-mmio slot after the other, in the
 * order that the manual page gives, with an I/O thread each.
 */
#include <string.h>
#include <unistd.h>

#include "machine.h"
#include "term.h"

/* The share of its memory that a key takes from the guest or gives back. */
#define BALLOON_STEPS	16

static void plug(struct vm *vm, struct virtio_device *vdev)
{
	unsigned int slot = vm->num_virtio++;

	vdev->dev.base = BOARD_VIRTIO_BASE + slot * BOARD_VIRTIO_STRIDE;
	vdev->irq.spi = BOARD_VIRTIO_SPI + slot;
	vdev->irq.changed = vm_irq_changed;
	vdev->irq.opaque = vm;
	vm->virtio[slot] = vdev;
	bus_add(&vm->bus, &vdev->dev);
	note("slot %u: %s", slot, vdev->ops->name);
}

static void add_net(struct vm *vm, unsigned int index)
{
	const struct net_config *config = &vm->config->nets[index];
	struct net *net = NULL;
	const char *wrong;
	u8 mac[ETH_ALEN];

	wrong = net_open(config, &net);
	if (wrong)
		die("--net %s: %s", config->kind == NET_TAP ? "tap" : "user",
		    wrong);
	if (config->has_mac)
		memcpy(mac, config->mac, ETH_ALEN);
	else
		net_default_mac(config, index, mac);
	virtio_net_init(&vm->nets[index], &vm->guest_ram, net, mac);
	plug(vm, &vm->nets[index].vdev);
}

/* config_virtio_slots() counts the same. */
void vm_add_virtio(struct vm *vm)
{
	const struct config *config = vm->config;
	const struct guest_ram *ram = &vm->guest_ram;
	unsigned int i;

	vm->guest_ram.base = BOARD_RAM_BASE;
	vm->guest_ram.size = config->mem;
	for (i = 0; i < config->num_disks; i++) {
		const struct disk_config *disk = &config->disks[i];

		virtio_blk_init(&vm->disks[i], ram, disk->path,
				disk->read_only, disk->id);
		plug(vm, &vm->disks[i].vdev);
	}
	for (i = 0; i < config->num_nets; i++)
		add_net(vm, i);
	if (config->console) {
		virtio_console_init(&vm->console, ram, term_output_fd());
		plug(vm, &vm->console.vdev);
	}
	if (config->rng) {
		virtio_rng_init(&vm->rng, ram);
		plug(vm, &vm->rng.vdev);
	}
	if (config->balloon) {
		virtio_balloon_init(&vm->balloon, ram);
		plug(vm, &vm->balloon.vdev);
	}
}

static bool discard(void *opaque, u64 offset, u64 len)
{
	int err = ram_discard(opaque, offset, len);

	if (err)
		note("the host does not get %llu KiB back: %s", len / KIB,
		     strerror(-err));
	return !err;
}

/*
 * A write to QueueNotify wakes the I/O thread from the module, and the vCPU goes on.
 * Without that it is an exit, which does the same.
 */
static void add_ioeventfds(struct vm *vm, const struct virtio_device *vdev)
{
	struct virtio_notify list[VIRTIO_MAX_QUEUES];
	unsigned int count = virtio_notify_fds(vdev, list), i;

	for (i = 0; i < count; i++) {
		struct armvcpu_ioeventfd arg = {
			.ipa = list[i].ipa,
			.data = list[i].data,
			.data_mask = ~0U,
			.len = list[i].len,
			.fd = list[i].fd,
		};
		int err = armvcpu_vm_set_ioeventfd(vm->fd, &arg);

		if (err) {
			note("%s: notifications are exits: %s", vdev->ops->name,
			     strerror(-err));
			return;
		}
	}
}

static void start_balloon(struct vm *vm)
{
	const struct config *config = vm->config;

	/*
	 * Pinned memory stays the guest's: the pages that we would get in its place
	 * would be others than the guest's.
	 */
	if (vm->pinned)
		info("memory is pinned: the balloon cannot give it back");
	else if (!ram_can_discard(&vm->ram))
		warn("--mem-path %s: files have no holes there: the balloon gives nothing back",
		     config->mem_path);
	else	/* What was had in advance does not go because it is free. */
		virtio_balloon_set_discard(&vm->balloon, vm->ram.page,
					   !config->mem_prealloc, discard,
					   &vm->ram);
	virtio_balloon_set_target(&vm->balloon, config->balloon_size);
}

void vm_start_virtio(struct vm *vm)
{
	unsigned int i;

	vm->guest_ram.mem = vm->ram.mem;
	if (vm->config->balloon)
		start_balloon(vm);
	for (i = 0; i < vm->num_virtio; i++) {
		virtio_start(vm->virtio[i]);
		add_ioeventfds(vm, vm->virtio[i]);
	}
}

void vm_resize_console(struct vm *vm)
{
	u16 cols, rows;

	if (vm->config->console && term_size(&cols, &rows))
		virtio_console_resize(&vm->console, cols, rows);
}

void vm_move_balloon(struct vm *vm, bool inflate)
{
	u64 step = vm->config->mem / BALLOON_STEPS, target;

	if (!vm->config->balloon)
		return;
	target = virtio_balloon_target(&vm->balloon);
	if (inflate)
		target = target + step < vm->config->mem ? target + step :
							   target;
	else
		target = target > step ? target - step : 0;
	virtio_balloon_set_target(&vm->balloon, target);
	warn("the balloon shall hold %llu MiB, it holds %llu MiB; the guest has %llu MiB",
	     target / MIB, virtio_balloon_actual(&vm->balloon) / MIB,
	     ram_resident(&vm->ram) / MIB);
}

void vm_report_balloon(struct vm *vm)
{
	u64 inflated, reported;

	if (!vm->config->balloon || !is_verbose())
		return;
	virtio_balloon_given_back(&vm->balloon, &inflated, &reported);
	info("memory: %llu KiB went back by the balloon, %llu KiB by reports; %llu KiB are there",
	     inflated / KIB, reported / KIB, ram_resident(&vm->ram) / KIB);
}
