/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The MADT: where ACPI describes the interrupt controllers (ACPI 6.5, 5.2.12).
 */
#ifndef ARMVCPU_MADT_H
#define ARMVCPU_MADT_H

#include <linux/acpi.h>

/**
 * madt_next() - the entries of a MADT, one after the other
 * @table: from acpi_get_table().
 * @entry: the one before; NULL for the first.
 *
 * Return: the next one; NULL behind the last, or where one is not whole.
 */
static inline struct acpi_subtable_header *
madt_next(struct acpi_table_header *table, struct acpi_subtable_header *entry)
{
	void *end = (void *)table + table->length;
	struct acpi_subtable_header *next;

	next = entry ? (void *)entry + entry->length :
		       (void *)table + sizeof(struct acpi_table_madt);
	if ((void *)(next + 1) > end || next->length < sizeof(*next) ||
	    (void *)next + next->length > end)
		return NULL;
	return next;
}

#endif /* ARMVCPU_MADT_H */
