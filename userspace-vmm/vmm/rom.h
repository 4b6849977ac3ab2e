/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The flash window at address 0, with firmware in it.
 */
#ifndef _VMM_ROM_H
#define _VMM_ROM_H

#include "device.h"

/* Bytes of the second bank that are memory. */
#define ROM_VARS_SIZE	(1 * MIB)

/**
 * struct rom - the window, two banks of flash
 * @dev: the device.
 * @path: the file with the firmware.
 * @bank_size: bytes of the first bank.
 * @mem: the image, padded to @size with ones; for a read-only memory slot at
 *	the first bank's base.
 * @size: bytes at @mem, a multiple of the host's page size.
 * @vars: ROM_VARS_SIZE bytes of ones; the same at the second bank's base.
 */
struct rom {
	struct device dev;
	const char *path;
	u64 bank_size;
	void *mem;
	u64 size;
	void *vars;
};

/* Dies if the file is not fit for the first bank. */
void rom_init(struct rom *rom, u64 base, u64 size, u64 bank_size,
	      const char *path);

/*
 * Reads the file again. @mem and @size change, and the old ones must not be in a
 * slot any more. Dies like rom_init().
 */
void rom_load(struct rom *rom);

#endif /* _VMM_ROM_H */
