/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is in the guest's memory when it starts, and where it starts.
 */
#ifndef _VMM_BOOT_H
#define _VMM_BOOT_H

#include "vmm.h"

/**
 * struct boot_plan - where things go
 * @entry: guest physical address of the first instruction.
 * @fdt: ... of the device tree.
 * @image: ... of the kernel or the flat binary, if there is one.
 * @image_file: its bytes in the file.
 * @initrd: ... of the initial ramdisk, if @initrd_size is not 0.
 * @initrd_size: its bytes.
 */
struct boot_plan {
	u64 entry;
	u64 fdt;
	u64 image;
	u64 image_file;
	u64 initrd;
	u64 initrd_size;
};

/* From the files' sizes and headers. Dies if something does not fit. */
void boot_plan(const struct config *config, struct boot_plan *plan);

/*
 * Reads the files and builds the device tree, into @config->mem bytes of zeroed
 * memory. Dies if it cannot.
 */
void boot_load(const struct config *config, const struct boot_plan *plan,
	       void *ram);

/* The head of an arm64 Image: booting.rst in the kernel's documentation. */
struct image_header {
	__le32 code0;
	__le32 code1;
	__le64 text_offset;
	__le64 image_size;
	__le64 flags;
	__le64 res2;
	__le64 res3;
	__le64 res4;
	__le32 magic;
	__le32 res5;
};

/*
 * Where an Image goes, from the beginning of RAM, and how much of it is in use
 * when it runs (more than the file: its BSS). NULL, or what is wrong with it.
 */
const char *boot_parse_image(const struct image_header *header, u64 file_size,
			     u64 *offset, u64 *size);

/*
 * What the host has been told of its counter, in @node, the directory of the timer in
 * /proc/device-tree: for struct config. 0 where there is no such directory.
 */
unsigned int fdt_timer_errata(const char *node);

/* Device tree into @buf, returns its size. Dies if @size bytes are too few. */
size_t fdt_build(const struct config *config, const struct boot_plan *plan,
		 void *buf, size_t size);

#endif /* _VMM_BOOT_H */
