// SPDX-License-Identifier: GPL-2.0
/*
 * Firmware, kernel, initial ramdisk, flat binary: where they go and how they
 * get there.
 *
 *   firmware  ROM at 0 (rom.c), entered there; device tree at the beginning of
 *             RAM, where firmware for the virt board looks for it
 *   kernel    text_offset behind the beginning of RAM; behind it, each at a
 *             boundary of 2 MiB, the device tree and the initial ramdisk
 *   flat      BOARD_FLAT_OFFSET behind the beginning of RAM; device tree at its
 *             beginning
 *
 * All are entered with x0 = the device tree.
 */
#include <endian.h>
#include <string.h>

#include "board.h"
#include "boot.h"
#include "file.h"

#define IMAGE_ALIGN	(2 * MIB)
#define IMAGE_MAGIC	0x644d5241	/* "ARM\x64" */
/* Of kernels older than v3.17, which say nothing about their size. */
#define IMAGE_OLD_OFFSET	0x80000

const char *boot_parse_image(const struct image_header *header, u64 file_size,
			     u64 *offset, u64 *size)
{
	const u8 *bytes = (const u8 *)header;

	if (file_size < sizeof(*header))
		return "too short for an arm64 Image";
	if (bytes[0] == 0x1f && bytes[1] == 0x8b)
		return "compressed: unpack it with gunzip first";
	if (!memcmp(bytes, "\177ELF", 4))
		return "an ELF file: take arch/arm64/boot/Image instead of vmlinux";
	if (!memcmp(bytes + 4, "zimg", 4))
		return "an EFI zboot image: take the Image that is packed in it";
	if (le32toh(header->magic) != IMAGE_MAGIC)
		return "not an arm64 Image (a raw binary goes with --flat)";

	*offset = le64toh(header->text_offset);
	*size = le64toh(header->image_size);
	if (!*size) {
		*offset = IMAGE_OLD_OFFSET;
		*size = file_size;
	}
	if (*size < file_size)
		*size = file_size;
	if (*offset % 8 || *offset > IMAGE_ALIGN || *size > BOARD_RAM_MAX)
		return "its header makes no sense";
	return NULL;
}

static void check_fit(const struct config *config, const char *path, u64 end)
{
	if (end > config->mem)
		die("%s does not fit: it takes --mem %lluM at least", path,
		    align_up(end, MIB) / MIB);
}

static void plan_kernel(const struct config *config, struct boot_plan *plan)
{
	struct image_header header = { 0 };
	u64 offset, size, end;
	const char *wrong;
	struct file file;

	file_open(&file, config->kernel);
	file_read(&file, 0, &header, file.size < sizeof(header) ?
				     file.size : sizeof(header));
	file_close(&file);
	wrong = boot_parse_image(&header, file.size, &offset, &size);
	if (wrong)
		die("%s: %s", config->kernel, wrong);

	plan->image = BOARD_RAM_BASE + offset;
	plan->image_file = file.size;
	plan->entry = plan->image;

	/* In a 2 MiB block of its own: the kernel maps it as one. */
	end = align_up(offset + size, IMAGE_ALIGN);
	plan->fdt = BOARD_RAM_BASE + end;
	end += BOARD_FDT_MAX;
	check_fit(config, config->kernel, end);
	if (!config->initrd)
		return;

	file_open(&file, config->initrd);
	file_close(&file);
	end = align_up(end, IMAGE_ALIGN);
	plan->initrd = BOARD_RAM_BASE + end;
	plan->initrd_size = file.size;
	if (file.size > BOARD_RAM_MAX)
		die("%s: too large", config->initrd);
	check_fit(config, config->initrd, end + file.size);
}

static void plan_flat(const struct config *config, struct boot_plan *plan)
{
	struct file file;

	file_open(&file, config->flat);
	file_close(&file);
	if (file.size > BOARD_RAM_MAX)
		die("%s: too large", config->flat);
	check_fit(config, config->flat, BOARD_FLAT_OFFSET + file.size);
	plan->fdt = BOARD_RAM_BASE;
	plan->image = BOARD_RAM_BASE + BOARD_FLAT_OFFSET;
	plan->image_file = file.size;
	plan->entry = plan->image;
}

void boot_plan(const struct config *config, struct boot_plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	if (config->kernel) {
		plan_kernel(config, plan);
	} else if (config->flat) {
		plan_flat(config, plan);
	} else {
		plan->fdt = BOARD_RAM_BASE;
		plan->entry = BOARD_FLASH_BASE;
	}
}

/* A file that still has the size it was planned with. */
static void load_file(const char *path, u64 size, void *ram, u64 ipa)
{
	struct file file;

	file_open(&file, path);
	if (file.size != size)
		die("%s: the file has changed", path);
	file_read(&file, 0, (char *)ram + (ipa - BOARD_RAM_BASE), size);
	file_close(&file);
}

void boot_load(const struct config *config, const struct boot_plan *plan,
	       void *ram)
{
	if (config->kernel)
		load_file(config->kernel, plan->image_file, ram, plan->image);
	if (config->flat)
		load_file(config->flat, plan->image_file, ram, plan->image);
	if (plan->initrd_size)
		load_file(config->initrd, plan->initrd_size, ram, plan->initrd);
	fdt_build(config, plan, (char *)ram + (plan->fdt - BOARD_RAM_BASE),
		  BOARD_FDT_MAX);
}
