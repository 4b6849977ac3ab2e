// SPDX-License-Identifier: GPL-2.0
/*
 * The flash window at address 0. The guest reads the firmware straight from a
 * memory slot; so it does with the beginning of the second bank, where firmware
 * looks for its variables, with loads of any kind, and finds erased flash.
 *
 * What arrives here is the rest: reads elsewhere, which give ones as well, and
 * writes, which a ROM ignores. Firmware that looks for flash commands by writing
 * them finds none.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "rom.h"

static u64 rom_read(struct device *dev, u64 offset, unsigned int len)
{
	(void)dev;
	(void)offset;
	(void)len;
	return ~0ULL;
}

static void rom_write(struct device *dev, u64 offset, unsigned int len,
		      u64 value)
{
	(void)dev;
	(void)offset;
	(void)len;
	(void)value;
}

static void rom_reset(struct device *dev)
{
	(void)dev;
}

static const struct device_ops rom_ops = {
	.name = "rom",
	.read = rom_read,
	.write = rom_write,
	.reset = rom_reset,
};

static void *alloc_erased(u64 size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		die("no memory for the ROM");
	memset(mem, 0xff, size);
	return mem;
}

void rom_load(struct rom *rom)
{
	struct file file;

	file_open(&file, rom->path);
	if (file.size > rom->bank_size)
		die("%s: %llu bytes, the ROM takes %llu", rom->path, file.size,
		    rom->bank_size);
	if (rom->mem)
		munmap(rom->mem, rom->size);
	rom->size = align_up(file.size, sysconf(_SC_PAGESIZE));
	rom->mem = alloc_erased(rom->size);
	file_read(&file, 0, rom->mem, file.size);
	file_close(&file);
}

void rom_init(struct rom *rom, u64 base, u64 size, u64 bank_size,
	      const char *path)
{
	memset(rom, 0, sizeof(*rom));
	rom->dev.ops = &rom_ops;
	rom->dev.base = base;
	rom->dev.size = size;
	rom->bank_size = bank_size;
	rom->path = path;
	rom_load(rom);
	rom->vars = alloc_erased(ROM_VARS_SIZE);
}
