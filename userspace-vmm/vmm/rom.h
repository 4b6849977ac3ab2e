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
 * @mem: the image, padded to @size with ones; for a read-only memory slot at
 *	the first bank's base.
 * @size: bytes at @mem, a multiple of the host's page size.
 * @vars: ROM_VARS_SIZE bytes of ones; the same at the second bank's base.
 */
struct rom {
	struct device dev;
	void *mem;
	u64 size;
	void *vars;
};

/* @bank_size is that of the first bank. Dies if the file is not fit for it. */
void rom_init(struct rom *rom, u64 base, u64 size, u64 bank_size,
	      const char *path);

#endif /* _VMM_ROM_H */
