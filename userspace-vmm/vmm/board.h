/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine: addresses and interrupt numbers of QEMU's virt board, so that
 * what was built for that board runs here.
 */
#ifndef _VMM_BOARD_H
#define _VMM_BOARD_H

#include "util.h"

/* Two banks of flash: firmware begins the first, its variables the second. */
#define BOARD_FLASH_BASE	0x00000000ULL
#define BOARD_FLASH_SIZE	0x08000000ULL
#define BOARD_VARS_BASE		0x04000000ULL
#define BOARD_GICD_BASE		0x08000000ULL
#define BOARD_GICD_SIZE		0x00010000ULL
#define BOARD_GICC_BASE		0x08010000ULL
#define BOARD_GICC_SIZE		0x00010000ULL
#define BOARD_GICR_BASE		0x080a0000ULL
#define BOARD_GICR_SIZE		0x00f60000ULL
#define BOARD_UART_BASE		0x09000000ULL
#define BOARD_UART_SIZE		0x00001000ULL
#define BOARD_RTC_BASE		0x09010000ULL
#define BOARD_RTC_SIZE		0x00001000ULL
#define BOARD_VIRTIO_BASE	0x0a000000ULL
#define BOARD_VIRTIO_STRIDE	0x200ULL
#define BOARD_VIRTIO_SLOTS	32
#define BOARD_RAM_BASE		0x40000000ULL
#define BOARD_RAM_MAX		(255 * GIB)

/* The virt board's 256 shared interrupts, and the private ones. */
#define BOARD_NUM_IRQS		288
#define BOARD_SPI_INTID(spi)	(32 + (spi))

/* Shared peripheral interrupts, counted from 0 as in a device tree. */
#define BOARD_UART_SPI		1
#define BOARD_RTC_SPI		2
/* Of the first virtio-mmio slot; the others follow. */
#define BOARD_VIRTIO_SPI	16

/* Private peripheral interrupts, the same way. */
#define BOARD_TIMER_SEC_PPI	13
#define BOARD_TIMER_PHYS_PPI	14
#define BOARD_TIMER_VIRT_PPI	11
#define BOARD_TIMER_HYP_PPI	10

#define BOARD_CLOCK_HZ		24000000

/* As many as a GICv2 takes. */
#define BOARD_MAX_CPUS		8

/* Where firmware looks for the device tree, and what is left to it. */
#define BOARD_FDT_MAX		(64 * KIB)

/* Entry point of a flat image, from the beginning of RAM. */
#define BOARD_FLAT_OFFSET	0x80000ULL

static inline u64 board_mpidr(unsigned int cpu)
{
	return cpu;
}

#endif /* _VMM_BOARD_H */
