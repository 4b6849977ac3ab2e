// SPDX-License-Identifier: GPL-2.0
/*
 * From an address to the device behind it; and the holes between them, where
 * reads give zero and writes are ignored, both counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

#define HOLE_PAGE_MASK	(~(4 * KIB - 1))

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_ABORT };

void bus_init(struct bus *bus)
{
	memset(bus, 0, sizeof(*bus));
	pthread_mutex_init(&bus->lock, NULL);
}

void bus_add(struct bus *bus, struct device *dev)
{
	if (bus->num_devices == BUS_DEVICES)
		abort();
	bus->devices[bus->num_devices++] = dev;
}

static struct device *bus_find(const struct bus *bus, u64 ipa)
{
	unsigned int i;

	for (i = 0; i < bus->num_devices; i++) {
		struct device *dev = bus->devices[i];

		if (ipa >= dev->base && ipa - dev->base < dev->size)
			return dev;
	}
	return NULL;
}

/* The page's counters, or those of the rest when there are too many pages. */
static struct bus_hole *hole_find(struct bus *bus, u64 page, bool *is_new)
{
	struct bus_hole *hole;
	unsigned int i;

	*is_new = false;
	for (i = 0; i < bus->num_holes; i++) {
		if (bus->holes[i].page == page)
			return &bus->holes[i];
	}
	if (bus->num_holes == BUS_HOLES)
		return &bus->rest;
	hole = &bus->holes[bus->num_holes++];
	hole->page = page;
	*is_new = true;
	return hole;
}

static void hole_hit(struct bus *bus, u64 ipa, enum access access, u64 pc)
{
	struct bus_hole *hole;
	bool is_new;

	pthread_mutex_lock(&bus->lock);
	hole = hole_find(bus, ipa & HOLE_PAGE_MASK, &is_new);
	switch (access) {
	case ACCESS_READ:
		hole->reads++;
		break;
	case ACCESS_WRITE:
		hole->writes++;
		break;
	case ACCESS_ABORT:
		hole->aborts++;
		break;
	}
	pthread_mutex_unlock(&bus->lock);
	if (is_new && access != ACCESS_ABORT)
		note("%s 0x%llx, where nothing is, at pc 0x%llx",
		     access == ACCESS_READ ? "read of" : "write to", ipa, pc);
}

u64 bus_read(struct bus *bus, u64 ipa, unsigned int len, u64 pc)
{
	struct device *dev = bus_find(bus, ipa);

	if (!dev) {
		hole_hit(bus, ipa, ACCESS_READ, pc);
		return 0;
	}
	return dev->ops->read(dev, ipa - dev->base, len) & len_mask(len);
}

void bus_write(struct bus *bus, u64 ipa, unsigned int len, u64 value, u64 pc)
{
	struct device *dev = bus_find(bus, ipa);

	if (!dev) {
		hole_hit(bus, ipa, ACCESS_WRITE, pc);
		return;
	}
	dev->ops->write(dev, ipa - dev->base, len, value & len_mask(len));
}

void bus_aborted(struct bus *bus, u64 ipa, u64 pc, const char *insn,
		 const char *why)
{
	const struct device *dev = bus_find(bus, ipa);

	if (!dev)
		hole_hit(bus, ipa, ACCESS_ABORT, pc);
	note("%s: %s%saccess to 0x%llx at pc 0x%llx aborts: %s",
	     dev ? dev->ops->name : "unmapped", insn, *insn ? ": " : "", ipa, pc, why);
}

void bus_reset(struct bus *bus)
{
	unsigned int i;

	for (i = 0; i < bus->num_devices; i++)
		bus->devices[i]->ops->reset(bus->devices[i]);
}

void bus_tick(struct bus *bus)
{
	unsigned int i;

	for (i = 0; i < bus->num_devices; i++) {
		if (bus->devices[i]->ops->tick)
			bus->devices[i]->ops->tick(bus->devices[i]);
	}
}

static void hole_report(const struct bus_hole *hole, const char *where)
{
	if (hole->reads || hole->writes || hole->aborts)
		info("unmapped %s: %llu reads, %llu writes, %llu aborted",
		     where, hole->reads, hole->writes, hole->aborts);
}

void bus_report(struct bus *bus)
{
	struct bus_hole total;
	char where[32];
	unsigned int i;

	pthread_mutex_lock(&bus->lock);
	total = bus->rest;
	for (i = 0; i < bus->num_holes; i++) {
		snprintf(where, sizeof(where), "page 0x%llx",
			 bus->holes[i].page);
		hole_report(&bus->holes[i], where);
		total.reads += bus->holes[i].reads;
		total.writes += bus->holes[i].writes;
		total.aborts += bus->holes[i].aborts;
	}
	hole_report(&bus->rest, "pages beyond those");
	hole_report(&total, "in all");
	pthread_mutex_unlock(&bus->lock);
}
