// SPDX-License-Identifier: GPL-2.0
/*
 * ID registers: what a guest is told of its CPUs.  Each VM has its own copy,
 * which begins as what the host has and this module virtualises (idregs.def),
 * and which its VMM can lower until a vCPU runs: for a guest that is to go on
 * elsewhere, on a lesser machine.
 */
#include <linux/bits.h>
#include <linux/mutex.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>

#include "kmod.h"

enum id_kind {
	ID_LOWER,
	ID_SIGNED,
	ID_HIGHER,
	ID_EXACT,
	ID_FIXED,
	ID_MODULE,
};

/**
 * struct id_register - an ID register
 * @known: there is one in this place.
 * @aarch32: reads as zero unless EL0 can run AArch32.
 * @all: it shows all that the host has; no fields are listed.
 */
struct id_register {
	bool known;
	bool aarch32;
	bool all;
};

/**
 * struct id_field - 4 bits of an ID register; see idregs.def
 * @reg: the register.
 * @shift: its lowest bit.
 * @kind: what the VMM may set it to.
 * @least: the least of it.
 * @most: the most that is shown.
 */
struct id_field {
	u8 reg;
	u8 shift;
	u8 kind;
	s8 least;
	s8 most;
};

#define ROW(name, aarch32, all) \
	[IDREG_##name] = { true, (aarch32), (all) },

static const struct id_register id_registers[NR_ID_REGS] = {
#define ID_REG(name, crm, op2) ROW(name, false, false)
#define ID_REG32(name, crm, op2) ROW(name, true, false)
#define ID_REG32_ALL(name, crm, op2) ROW(name, true, true)
#define ID_FIELD(reg, name, shift, kind, least, most)
#include "idregs.def"
#undef ID_REG
#undef ID_REG32
#undef ID_REG32_ALL
#undef ID_FIELD
};

static const struct id_field id_fields[] = {
#define ID_REG(name, crm, op2)
#define ID_REG32(name, crm, op2)
#define ID_REG32_ALL(name, crm, op2)
#define ID_FIELD(reg, name, shift, kind, least, most) \
	{ IDREG_##reg, (shift), ID_##kind, (least), (most) },
#include "idregs.def"
#undef ID_REG
#undef ID_REG32
#undef ID_REG32_ALL
#undef ID_FIELD
};

/* IDREG_* is CRm and op2. */
static u32 id_encoding(unsigned int reg)
{
	return ARMVCPU_SYSREG(3, 0, 0, reg >> 3, reg & 7);
}

/* What all of the host's CPUs have; nothing of an AArch32 that is not there. */
static u64 host_value(unsigned int reg)
{
	if (id_registers[reg].aarch32 && !has_aarch32_el0())
		return 0;
	return read_sanitised_ftr_reg(sys_reg(3, 0, 0, reg >> 3, reg & 7));
}

/* A field of a register's value, by its kind. */
static int get_field(const struct id_field *field, u64 value)
{
	int bits = value >> field->shift & 0xf;

	return field->kind == ID_SIGNED && bits > 7 ? bits - 16 : bits;
}

static u64 put_field(const struct id_field *field, int value)
{
	return (u64)(value & 0xf) << field->shift;
}

static u64 parange_of(unsigned int ipa_bits)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bits) - 1; i++)
		if (ipa_bits <= bits[i])
			break;
	return i;
}

/* What is shown of a field if the VMM says nothing. */
static int shown_field(const struct id_field *field, u64 host)
{
	switch (field->kind) {
	case ID_FIXED:
		return field->most;
	case ID_MODULE:
		return field->least;
	default:
		return min_t(int, get_field(field, host), field->most);
	}
}

/**
 * idregs_init() - the ID registers of a new VM
 * @vm: the VM; its size of guest physical addresses is known.
 */
void idregs_init(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(id_fields); i++) {
		const struct id_field *field = &id_fields[i];

		if (id_registers[field->reg].aarch32 && !has_aarch32_el0())
			continue;
		vm->hyp->id[field->reg] |=
			put_field(field, shown_field(field, host_value(field->reg)));
	}
	for (i = 0; i < NR_ID_REGS; i++)
		if (id_registers[i].all)
			vm->hyp->id[i] = host_value(i);
	/* A guest must not be told of more address bits than its VM has. */
	vm->hyp->id[IDREG_ID_AA64MMFR0_EL1] |= parange_of(vm->ipa_bits);
}

/**
 * idregs_show_gicv3() - the VM has a GICv3, with system registers
 * @vm: the VM; its lock is held, and no vCPU has run.
 */
void idregs_show_gicv3(struct vm *vm)
{
	lockdep_assert_held(&vm->lock);
	WRITE_ONCE(vm->hyp->id[IDREG_ID_AA64PFR0_EL1],
		   vm->hyp->id[IDREG_ID_AA64PFR0_EL1] | 1ULL << 24);
}

/* APA, API, GPA, GPI; GPA3, APA3: one of each half, or none. */
#define ISAR1_PAUTH	0xff000ff0ULL
#define ISAR2_PAUTH	0xff00ULL

/**
 * idregs_has_pauth() - is there pointer authentication for the guests of a VM?
 * @vm: the VM.
 *
 * The kernel's registers have it if all CPUs do it in the same way.
 */
bool idregs_has_pauth(struct vm *vm)
{
	return READ_ONCE(vm->hyp->id[IDREG_ID_AA64ISAR1_EL1]) & ISAR1_PAUTH ||
	       READ_ONCE(vm->hyp->id[IDREG_ID_AA64ISAR2_EL1]) & ISAR2_PAUTH;
}

/**
 * idregs_has_fp() - are there FP and AdvSIMD for the guests of a VM?
 * @vm: the VM.
 */
bool idregs_has_fp(struct vm *vm)
{
	return (READ_ONCE(vm->hyp->id[IDREG_ID_AA64PFR0_EL1]) >> 16 & 0xf) != 0xf;
}

static bool is_id(u32 encoding)
{
	/* What HCR_EL2.TID3 traps: op0 3, op1 0, CRn 0, CRm 1 to 7. */
	return encoding >= ARMVCPU_SYSREG(3, 0, 0, 1, 0) &&
	       encoding <= ARMVCPU_SYSREG(3, 0, 0, 7, 7);
}

/* Where it is in struct hyp_vm.id. */
static unsigned int place_of(u32 encoding)
{
	return encoding - ARMVCPU_SYSREG(3, 0, 0, 0, 0);
}

/**
 * idregs_get() - an ID register as a guest sees it
 * @vm: the VM.
 * @encoding: ARMVCPU_SYSREG().
 * @value: out; zero if idregs.def has no such register.
 *
 * Return: true if it is one.
 */
bool idregs_get(struct vm *vm, u32 encoding, u64 *value)
{
	if (!is_id(encoding))
		return false;
	*value = READ_ONCE(vm->hyp->id[place_of(encoding)]);
	return true;
}

/* May the VMM have @value in place of what the VM shows now, @now? */
static bool field_fits(struct vm *vm, const struct id_field *field, u64 host, u64 value, u64 now)
{
	int new = get_field(field, value);

	switch (field->kind) {
	case ID_LOWER:
	case ID_SIGNED:
		/* A host that has less than the least has that. */
		return new <= shown_field(field, host) &&
		       (new >= field->least || new == shown_field(field, host));
	case ID_HIGHER:
		return new >= shown_field(field, host);
	case ID_MODULE:
		if (field->reg == IDREG_ID_AA64MMFR0_EL1)
			return new <= parange_of(vm->ipa_bits);
		return new == get_field(field, now);
	default:
		return new == shown_field(field, host);
	}
}

/* What one field says of another (Arm ARM, the registers' descriptions). */
static bool fields_agree(unsigned int reg, u64 value)
{
	switch (reg) {
	case IDREG_ID_AA64PFR0_EL1:
		/* AdvSIMD has the value of FP. */
		return (value >> 16 & 0xf) == (value >> 20 & 0xf);
	case IDREG_ID_AA64DFR0_EL1:
		/* CTX_CMPs counts some of those that BRPs counts. */
		return (value >> 28 & 0xf) <= (value >> 12 & 0xf);
	}
	return true;
}

/* Each of its sixteen fields is less or the same, without a sign. */
static bool all_lower(u64 value, u64 host)
{
	unsigned int shift;

	for (shift = 0; shift < 64; shift += 4)
		if ((value >> shift & 0xf) > (host >> shift & 0xf))
			return false;
	return true;
}

static bool value_fits(struct vm *vm, unsigned int reg, u64 value)
{
	u64 now = vm->hyp->id[reg], rest = value, host = host_value(reg);
	unsigned int i;

	if (id_registers[reg].all || (id_registers[reg].aarch32 && !has_aarch32_el0()))
		return all_lower(value, host);
	for (i = 0; i < ARRAY_SIZE(id_fields); i++) {
		const struct id_field *field = &id_fields[i];

		if (field->reg != reg)
			continue;
		if (!field_fits(vm, field, host, value, now))
			return false;
		rest &= ~put_field(field, 0xf);
	}
	return !rest && fields_agree(reg, value);
}

/**
 * idregs_set() - the VMM sets an ID register of its VM
 * @vm: the VM.
 * @encoding: ARMVCPU_SYSREG().
 * @value: the value.
 *
 * What it is already can be set at any time: so a vCPU is restored in any order.
 *
 * Return: 0; -ENOENT no ID register; -EINVAL more than the host has, or nothing
 * that the register can say; -EBUSY a vCPU has run.
 */
int idregs_set(struct vm *vm, u32 encoding, u64 value)
{
	unsigned int reg = place_of(encoding);
	int ret = 0;

	if (!is_id(encoding))
		return -ENOENT;
	if (!id_registers[reg].known)
		return value ? -EINVAL : 0;
	mutex_lock(&vm->lock);
	if (value != vm->hyp->id[reg]) {
		if (!value_fits(vm, reg, value))
			ret = -EINVAL;
		else if (vm->started)
			ret = -EBUSY;
		else
			WRITE_ONCE(vm->hyp->id[reg], value);
	}
	mutex_unlock(&vm->lock);
	return ret;
}

/**
 * idregs_list() - encodings of the ID registers that are not always zero
 * @ids: out, as many as there is room for.
 * @room: elements of @ids.
 *
 * Return: how many there are.
 */
unsigned int idregs_list(u32 *ids, unsigned int room)
{
	unsigned int i, count = 0;

	for (i = 0; i < NR_ID_REGS; i++) {
		if (!id_registers[i].known)
			continue;
		if (count < room)
			ids[count] = id_encoding(i);
		count++;
	}
	return count;
}
