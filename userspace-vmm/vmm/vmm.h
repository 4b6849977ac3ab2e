/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the command line says, and how the program ends.
 */
#ifndef _VMM_VMM_H
#define _VMM_VMM_H

#include "net.h"
#include "util.h"

/* Exit status. */
#define EXIT_POWEROFF	0	/* the guest powered off */
#define EXIT_SETUP	1	/* usage, or the VM could not be set up */
#define EXIT_DEAD	2	/* the VM cannot go on */
#define EXIT_QUIT	3	/* Ctrl-a x */
#define EXIT_HALTED	4	/* the guest switched off its last CPU */
#define EXIT_SIGNAL	128	/* and a signal's number: main() dies of it */

/**
 * struct disk_config - a disk
 * @path: its file.
 * @id: serial number, or NULL.
 * @read_only: the guest does not write to it.
 */
struct disk_config {
	const char *path;
	const char *id;
	bool read_only;
};

/* --sandbox. */
enum sandbox {
	SANDBOX_BEST,	/* what this host can do; what it cannot is told */
	SANDBOX_ON,	/* all of it, or no guest */
	SANDBOX_OFF,
};

/* What the other devices leave of the virtio-mmio slots. */
#define MAX_DISKS	24

/**
 * struct config - the command line
 * @firmware: file for the ROM at address 0, or NULL.
 * @kernel: arm64 Image, or NULL.
 * @flat: raw binary, or NULL.
 * @initrd: initial ramdisk of @kernel, or NULL.
 * @append: kernel command line, or NULL.
 * @dtb_dump: file to write the device tree to, or NULL.
 * @mem: bytes of RAM.
 * @mem_path: file for the RAM, or directory for one without a name, or NULL.
 * @mem_prealloc: all of the RAM is there before the guest starts.
 * @hugepages: the RAM has pages of hugetlb.
 * @hugepage_size: of this size; 0: the host's default.
 * @cpus: number of vCPUs.
 * @gic: version of the interrupt controller, 2 or 3; 0: the host's.
 * @no_gic: it is in the device tree only.
 * @disks: the disks.
 * @num_disks: how many.
 * @nets: the network cards.
 * @num_nets: how many.
 * @rng: there is an entropy device.
 * @console: there is a virtio console.
 * @balloon: there is a balloon.
 * @balloon_size: bytes that the guest shall give back through it.
 * @earlycon: the hypercall console answers.
 * @stats: seconds between two tables of what exits cost, or 0.
 * @trace: file for the exits, or NULL.
 * @trace_limit: lines of it; 0: any number.
 * @sandbox: what is given up before the guest runs.
 * @user: who root becomes, or NULL: nobody.
 *
 * One of @firmware, @kernel and @flat is there; none is only with @dtb_dump.
 */
struct config {
	const char *firmware;
	const char *kernel;
	const char *flat;
	const char *initrd;
	const char *append;
	const char *dtb_dump;
	u64 mem;
	const char *mem_path;
	bool mem_prealloc;
	bool hugepages;
	u64 hugepage_size;
	unsigned int cpus;
	unsigned int gic;
	bool no_gic;
	struct disk_config disks[MAX_DISKS];
	unsigned int num_disks;
	struct net_config nets[NET_MAX];
	unsigned int num_nets;
	bool rng;
	bool console;
	bool balloon;
	u64 balloon_size;
	bool earlycon;
	unsigned int stats;
	const char *trace;
	u64 trace_limit;
	enum sandbox sandbox;
	const char *user;
	unsigned int timer_errata;
};

/* virtio-mmio slots in use, from the first one on. */
static inline unsigned int config_virtio_slots(const struct config *config)
{
	return config->num_disks + config->num_nets + config->rng +
	       config->console + config->balloon;
}

#endif /* _VMM_VMM_H */
