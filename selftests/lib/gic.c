// SPDX-License-Identifier: GPL-2.0
/* VMs with a GIC; see gic.h. */
#include <string.h>
#include <unistd.h>

#include "gic.h"

u32 guest_gic_version;

#define SYNC_ACCESS	0x47494301

/**
 * struct guest_access - what a vCPU shall do next
 * @address: where.
 * @value: what it writes, or has read.
 * @len: bytes.
 * @write: direction.
 */
struct guest_access {
	u64 address;
	u64 value;
	u32 len;
	u32 write;
};

static struct guest_access accesses[GUEST_MAX_CPUS];

/* Each by one instruction, whose syndrome is valid. */
static u64 load(u64 address, u32 len)
{
	u64 value;

	if (len == 1)
		asm volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
	else if (len == 2)
		asm volatile("ldrh %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
	else if (len == 4)
		asm volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
	else
		asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static void store(u64 address, u32 len, u64 value)
{
	if (len == 1)
		asm volatile("strb %w0, [%1]" : : "r"(value), "r"(address) : "memory");
	else if (len == 2)
		asm volatile("strh %w0, [%1]" : : "r"(value), "r"(address) : "memory");
	else if (len == 4)
		asm volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
	else
		asm volatile("str %0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static void guest_accesses(u64 index)
{
	struct guest_access *a = &accesses[index];

	/* A ucall is a barrier for the compiler. */
	for (;;) {
		GUEST_SYNC(SYNC_ACCESS);
		if (a->write)
			store(a->address, a->len, a->value);
		else
			a->value = load(a->address, a->len);
	}
}

/* ---- VMs --------------------------------------------------------- */

u32 gic_version(u32 versions)
{
	int fd = sys_open();

	versions &= get_cap(fd, ARMVCPU_CAP_GIC_VERSIONS);
	close(fd);
	return versions & GIC_V3 ? 3 : versions & GIC_V2 ? 2 : 0;
}

int gic_vm_try_create(struct vm *vm, const struct armvcpu_create_gic *arg)
{
	return xioctl(vm->fd, ARMVCPU_CREATE_GIC, (void *)arg);
}

void gic_vm_create(struct gic_vm *g, u32 version, u32 nr_irqs, u32 max_vcpus)
{
	struct armvcpu_create_gic arg = {
		.version = version, .nr_irqs = nr_irqs, .max_vcpus = max_vcpus,
		.dist = GUEST_GICD, .cpu = version == 2 ? GUEST_GICC : GUEST_GICR,
	};
	int ret;

	memset(g, 0, sizeof(*g));
	g->version = version;
	guest_gic_version = version;
	vm_init(&g->vm);
	ret = gic_vm_try_create(&g->vm, &arg);
	if (ret)
		test_fail("ARMVCPU_CREATE_GIC of a GICv%u: %s", version, strerror(-ret));
}

void gic_vm_add_vcpu(struct gic_vm *g, u64 mpidr)
{
	struct vcpu *vcpu = &g->vcpu[g->nr_vcpus];

	vcpu->index = g->vm.nr_vcpus++;
	vcpu_open(vcpu, &g->vm, vm_create_vcpu(&g->vm, 0, mpidr));
	vcpu_call(vcpu, guest_accesses, g->nr_vcpus);
	vcpu_expect_sync(vcpu, SYNC_ACCESS);
	g->nr_vcpus++;
}

void gic_vm_init(struct gic_vm *g, u32 version, unsigned int nr_vcpus)
{
	unsigned int i;

	gic_vm_create(g, version, 96, 4);
	for (i = 0; i < nr_vcpus; i++)
		gic_vm_add_vcpu(g, i);
}

/* ---- the guest --------------------------------------------------- */

static u64 do_access(struct vcpu *vcpu, u64 address, unsigned int len, bool write, u64 value)
{
	struct guest_access *a = &accesses[vcpu->index];

	a->address = address;
	a->value = value;
	a->len = len;
	a->write = write;
	/* Until it asks again. */
	vcpu_expect_sync(vcpu, SYNC_ACCESS);
	return a->value;
}

u64 gic_read(struct vcpu *vcpu, u64 address, unsigned int len)
{
	return do_access(vcpu, address, len, false, POISON);
}

void gic_write(struct vcpu *vcpu, u64 address, unsigned int len, u64 value)
{
	do_access(vcpu, address, len, true, value);
}

u64 gic_address(const struct gic_vm *g, const struct vcpu *vcpu, u32 reg, u32 intid,
		unsigned int bits)
{
	u64 base = GUEST_GICD;

	if (g->version == 3 && intid < 32)
		base = GUEST_GICR + vcpu->index * GICR_STRIDE + GICR_SGI;
	/* Of less than a byte: the word. */
	return base + reg + (bits < 8 ? intid * bits / 32 * 4 : intid * bits / 8);
}

bool gic_bit(struct gic_vm *g, struct vcpu *vcpu, u32 reg, u32 intid)
{
	return gic_read(vcpu, gic_address(g, vcpu, reg, intid, 1), 4) >> intid % 32 & 1;
}

void gic_set_bit(struct gic_vm *g, struct vcpu *vcpu, u32 reg, u32 intid)
{
	gic_write(vcpu, gic_address(g, vcpu, reg, intid, 1), 4, 1U << intid % 32);
}

void gic_set_priority(struct gic_vm *g, struct vcpu *vcpu, u32 intid, u8 priority)
{
	gic_write(vcpu, gic_address(g, vcpu, GICD_IPRIORITYR, intid, 8), 1, priority);
}

/* ---- the VMM ----------------------------------------------------- */

int gic_try_get(struct vm *vm, u32 space, u32 offset, u64 mpidr, u64 *value)
{
	struct armvcpu_gic_reg arg = {
		.space = space, .offset = offset, .mpidr = mpidr, .value = POISON,
	};
	int ret = xioctl(vm->fd, ARMVCPU_GET_GIC_REG, &arg);

	*value = arg.value;
	return ret;
}

int gic_try_set(struct vm *vm, u32 space, u32 offset, u64 mpidr, u64 value)
{
	struct armvcpu_gic_reg arg = {
		.space = space, .offset = offset, .mpidr = mpidr, .value = value,
	};

	return xioctl(vm->fd, ARMVCPU_SET_GIC_REG, &arg);
}

u64 gic_get(struct vm *vm, u32 space, u32 offset, u64 mpidr)
{
	u64 value;
	int ret = gic_try_get(vm, space, offset, mpidr, &value);

	if (ret)
		test_fail("get 0x%x of %u, vCPU 0x%llx: %s", offset, space, mpidr, strerror(-ret));
	return value;
}

void gic_set(struct vm *vm, u32 space, u32 offset, u64 mpidr, u64 value)
{
	int ret = gic_try_set(vm, space, offset, mpidr, value);

	if (ret)
		test_fail("set 0x%x of %u, vCPU 0x%llx, to 0x%llx: %s", offset, space, mpidr,
			  value, strerror(-ret));
}

static u64 mpidr_of(struct vcpu *vcpu)
{
	return vcpu_get(vcpu, ARMVCPU_REG_SYS(3, 0, 0, 0, 5)) & 0xff00ffffff;
}

bool gic_state(struct gic_vm *g, struct vcpu *vcpu, u32 reg, u32 intid)
{
	bool redist = g->version == 3 && intid < 32;
	u32 offset = (redist ? GICR_SGI : 0) + reg + intid / 32 * 4;
	u64 value = gic_get(&g->vm, redist ? ARMVCPU_GIC_REDIST : ARMVCPU_GIC_DIST, offset,
			    intid < 32 ? mpidr_of(vcpu) : 0);

	return value >> intid % 32 & 1;
}

/* All at once and without the guest: it may be at work on something else. */
void gic_enable(struct gic_vm *g, struct vcpu *target, u32 intid, u8 priority, bool edge)
{
	bool private = intid < 32, redist = g->version == 3 && private;
	u32 space = redist ? ARMVCPU_GIC_REDIST : ARMVCPU_GIC_DIST, base = redist ? GICR_SGI : 0;
	u64 mpidr = private ? mpidr_of(target) : 0, value;
	u32 word = base + intid / 32 * 4, bit = 1U << intid % 32, offset;

	value = gic_get(&g->vm, space, GICD_IGROUPR + word, mpidr) & ~(u64)bit;
	gic_set(&g->vm, space, GICD_IGROUPR + word, mpidr, value | (g->version == 3 ? bit : 0));
	offset = base + GICD_IPRIORITYR + (intid & ~3U);
	value = gic_get(&g->vm, space, offset, mpidr) & ~(0xffUL << intid % 4 * 8);
	gic_set(&g->vm, space, offset, mpidr, value | (u64)priority << intid % 4 * 8);
	if (!private) {
		offset = GICD_ICFGR + intid / 16 * 4;
		value = gic_get(&g->vm, space, offset, 0) & ~(2UL << intid % 16 * 2);
		gic_set(&g->vm, space, offset, 0, value | (edge ? 2UL : 0) << intid % 16 * 2);
		if (g->version == 3) {
			gic_set(&g->vm, space, GICD_IROUTER + intid * 8, 0, mpidr_of(target));
		} else {
			offset = GICD_ITARGETSR + (intid & ~3U);
			value = gic_get(&g->vm, space, offset, 0);
			value &= ~(0xffUL << intid % 4 * 8);
			gic_set(&g->vm, space, offset, 0,
				value | BIT(target->index) << intid % 4 * 8);
		}
	}
	value = gic_get(&g->vm, space, GICD_ISENABLER + word, mpidr);
	gic_set(&g->vm, space, GICD_ISENABLER + word, mpidr, value | bit);
	value = gic_get(&g->vm, ARMVCPU_GIC_DIST, GICD_CTLR, 0);
	gic_set(&g->vm, ARMVCPU_GIC_DIST, GICD_CTLR, 0, value | 3);
}

/* ---- lines ------------------------------------------------------- */

int gic_try_irq(struct vm *vm, u32 intid, u64 mpidr, u32 level)
{
	struct armvcpu_irq arg = { .intid = intid, .level = level, .mpidr = mpidr };

	return xioctl(vm->fd, ARMVCPU_SET_IRQ, &arg);
}

void gic_irq(struct vm *vm, u32 intid, u32 level)
{
	int ret = gic_try_irq(vm, intid, 0, level);

	if (ret)
		test_fail("line %u to %u: %s", intid, level, strerror(-ret));
}

void gic_pulse(struct vm *vm, u32 intid)
{
	gic_irq(vm, intid, 1);
	gic_irq(vm, intid, 0);
}

/* ICC_CTLR_EL1.PRIbits; a GICv2's virtual CPU interface has five. */
u8 gic_priority_mask(struct gic_vm *g)
{
	u32 bits = 5;

	if (g->version == 3)
		bits = (gic_get(&g->vm, ARMVCPU_GIC_CPU, ARMVCPU_SYSREG(3, 0, 12, 12, 4),
				mpidr_of(&g->vcpu[0])) >> 8 & 7) + 1;
	return 0xff << (8 - bits);
}
