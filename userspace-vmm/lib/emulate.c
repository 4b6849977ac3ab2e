// SPDX-License-Identifier: GPL-2.0
/*
 * libarmvcpu: loads and stores on behalf of a guest whose CPU cannot describe them.
 *
 * An instruction is a row of elements, by ascending address. What is loaded is kept until
 * the last element is there: only then a register changes.
 */
#include <errno.h>
#include <string.h>

#include "libarmvcpu.h"

#define PAGE_MASK	(~0xfffULL)
/* What of an address is no tag. */
#define ADDRESS_MASK	((1ULL << 56) - 1)

#define PSTATE_EL_SP	0xf	/* EL and SP */
#define PSTATE_EL1H	0x5

#define SCTLR_EL1	ARMVCPU_REG_SYS(3, 0, 1, 0, 0)
#define SCTLR_M		0x1
#define SCTLR_E0E	0x1000000
#define SCTLR_EE	0x2000000

#define MAX_ELEMENTS	64

/* Bits 63:0 and 127:64. */
struct value {
	__u64 lo;
	__u64 hi;
};

/* ---- Addresses --------------------------------------------------------- */

static unsigned int elements(const struct armvcpu_insn *insn)
{
	return insn->kind == ARMVCPU_INSN_STRUCTURES ? insn->regs * insn->lanes :
						       insn->regs;
}

unsigned int armvcpu_insn_bytes(const struct armvcpu_insn *insn)
{
	return elements(insn) * insn->size;
}

/* 31 is zero. */
static __u64 general(const struct armvcpu_insn_regs *regs, unsigned int reg)
{
	return reg == 31 ? 0 : regs->x[reg];
}

static __u64 base_of(const struct armvcpu_insn *insn,
		     const struct armvcpu_insn_regs *regs)
{
	if (insn->mode == ARMVCPU_MODE_LITERAL)
		return regs->pc;
	return insn->rn == 31 ? regs->sp : regs->x[insn->rn];
}

static __u64 index_of(const struct armvcpu_insn *insn,
		      const struct armvcpu_insn_regs *regs)
{
	__u64 index = general(regs, insn->rm);

	if (insn->extend == ARMVCPU_EXTEND_UXTW)
		index = (__u32)index;
	else if (insn->extend == ARMVCPU_EXTEND_SXTW)
		index = (__s64)(__s32)index;
	return index << insn->shift;
}

__u64 armvcpu_insn_address(const struct armvcpu_insn *insn,
			   const struct armvcpu_insn_regs *regs)
{
	__u64 base = base_of(insn, regs);

	switch (insn->mode) {
	case ARMVCPU_MODE_POST:
	case ARMVCPU_MODE_POST_REG:
		return base;
	case ARMVCPU_MODE_REG:
		return base + index_of(insn, regs);
	default:
		return base + insn->offset;
	}
}

static void write_back(const struct armvcpu_insn *insn,
		       struct armvcpu_insn_regs *regs)
{
	__u64 *base = insn->rn == 31 ? &regs->sp : &regs->x[insn->rn];

	if (insn->mode == ARMVCPU_MODE_POST_REG)
		*base += general(regs, insn->rm);
	else if (insn->mode == ARMVCPU_MODE_PRE || insn->mode == ARMVCPU_MODE_POST)
		*base += insn->offset;
}

/* ---- Elements and registers -------------------------------------------- */

/* Which register an element belongs to. */
static unsigned int reg_of(const struct armvcpu_insn *insn, unsigned int i)
{
	if (insn->kind == ARMVCPU_INSN_PAIR)
		return i ? insn->rt2 : insn->rt;
	/* Structures lie one behind the other; without them, registers do. */
	if (insn->structure > 1)
		i %= insn->structure;
	else
		i /= insn->lanes ? insn->lanes : 1;
	return (insn->rt + i) % 32;
}

/* And which part of it is meant. */
static unsigned int lane_of(const struct armvcpu_insn *insn, unsigned int i)
{
	if (insn->kind == ARMVCPU_INSN_LANE)
		return insn->lane;
	if (insn->kind != ARMVCPU_INSN_STRUCTURES)
		return 0;
	return insn->structure > 1 ? i / insn->structure : i % insn->lanes;
}

static __u64 mask_of(unsigned int size)
{
	return size >= 8 ? ~0ULL : (1ULL << size * 8) - 1;
}

/* Lanes of less than 16 bytes do not lie in both halves. */
static __u64 get_lane(const __u64 *v, unsigned int lane, unsigned int size)
{
	unsigned int byte = lane * size;

	return v[byte / 8] >> byte % 8 * 8 & mask_of(size);
}

static void set_lane(__u64 *v, unsigned int lane, unsigned int size, __u64 value)
{
	unsigned int byte = lane * size, shift = byte % 8 * 8;

	v[byte / 8] &= ~(mask_of(size) << shift);
	v[byte / 8] |= (value & mask_of(size)) << shift;
}

static struct value get_element(const struct armvcpu_insn *insn,
				const struct armvcpu_insn_regs *regs,
				unsigned int i)
{
	unsigned int reg = reg_of(insn, i);
	struct value value = { 0 };

	if (!(insn->flags & ARMVCPU_INSN_SIMD)) {
		value.lo = general(regs, reg) & mask_of(insn->size);
	} else if (insn->size == 16) {
		value.lo = regs->v[reg][0];
		value.hi = regs->v[reg][1];
	} else {
		value.lo = get_lane(regs->v[reg], lane_of(insn, i), insn->size);
	}
	return value;
}

static void set_general(const struct armvcpu_insn *insn,
			struct armvcpu_insn_regs *regs, unsigned int reg,
			__u64 value)
{
	unsigned int spare = 64 - insn->size * 8;

	if (reg == 31)
		return;
	if (insn->flags & ARMVCPU_INSN_SIGNED)
		value = (__s64)(value << spare) >> spare;
	regs->x[reg] = insn->flags & ARMVCPU_INSN_REG64 ? value : (__u32)value;
}

static void set_simd(const struct armvcpu_insn *insn, __u64 *v, unsigned int i,
		     struct value value)
{
	unsigned int lane;

	switch (insn->kind) {
	case ARMVCPU_INSN_LANE:
	case ARMVCPU_INSN_STRUCTURES:
		set_lane(v, lane_of(insn, i), insn->size, value.lo);
		/* What is above the lanes of a short register is zero. */
		if (insn->kind == ARMVCPU_INSN_STRUCTURES && insn->width == 8)
			v[1] = 0;
		break;
	case ARMVCPU_INSN_REPLICATE:
		v[0] = 0;
		v[1] = 0;
		for (lane = 0; lane < insn->width / insn->size; lane++)
			set_lane(v, lane, insn->size, value.lo);
		break;
	default:
		v[0] = value.lo;
		v[1] = value.hi;
	}
}

static void set_element(const struct armvcpu_insn *insn,
			struct armvcpu_insn_regs *regs, unsigned int i,
			struct value value)
{
	unsigned int reg = reg_of(insn, i);

	if (insn->flags & ARMVCPU_INSN_SIMD)
		set_simd(insn, regs->v[reg], i, value);
	else
		set_general(insn, regs, reg, value.lo);
}

/* ---- Accesses ---------------------------------------------------------- */

/* The bytes of an element in the reverse order. */
static struct value swapped(struct value value, unsigned int size)
{
	struct value out = { .lo = __builtin_bswap64(value.lo) };

	if (size == 16) {
		out.hi = out.lo;
		out.lo = __builtin_bswap64(value.hi);
	} else {
		out.lo >>= 64 - size * 8;
	}
	return out;
}

static int read_element(const struct armvcpu_access *access, __u64 ipa,
			unsigned int size, struct value *value)
{
	int ret;

	value->lo = 0;
	value->hi = 0;
	ret = access->read(access->opaque, ipa, size > 8 ? 8 : size, &value->lo);
	if (!ret && size > 8)
		ret = access->read(access->opaque, ipa + 8, 8, &value->hi);
	value->lo &= mask_of(size);
	return ret;
}

static int write_element(const struct armvcpu_access *access, __u64 ipa,
			 unsigned int size, struct value value)
{
	int ret;

	ret = access->write(access->opaque, ipa, size > 8 ? 8 : size, value.lo);
	if (!ret && size > 8)
		ret = access->write(access->opaque, ipa + 8, 8, value.hi);
	return ret;
}

static int load(const struct armvcpu_insn *insn, struct armvcpu_insn_regs *regs,
		int big_endian, __u64 ipa, const struct armvcpu_access *access)
{
	struct value values[MAX_ELEMENTS];
	unsigned int i, n = elements(insn);
	int ret;

	for (i = 0; i < n; i++) {
		ret = read_element(access, ipa + i * insn->size, insn->size, &values[i]);
		if (ret)
			return ret;
		if (big_endian)
			values[i] = swapped(values[i], insn->size);
	}
	for (i = 0; i < n; i++)
		set_element(insn, regs, i, values[i]);
	return 0;
}

static int store(const struct armvcpu_insn *insn,
		 const struct armvcpu_insn_regs *regs, int big_endian, __u64 ipa,
		 const struct armvcpu_access *access)
{
	unsigned int i, n = elements(insn);

	for (i = 0; i < n; i++) {
		struct value value = get_element(insn, regs, i);
		int ret;

		if (big_endian)
			value = swapped(value, insn->size);
		ret = write_element(access, ipa + i * insn->size, insn->size, value);
		if (ret)
			return ret;
	}
	return 0;
}

int armvcpu_insn_emulate(const struct armvcpu_insn *insn,
			 struct armvcpu_insn_regs *regs, int big_endian,
			 __u64 ipa, const struct armvcpu_access *access)
{
	int ret;

	if (insn->refused)
		return -EINVAL;
	/* What the guest has ordered is ordered for all that a callback looks at. */
	if (insn->flags & ARMVCPU_INSN_RELEASE)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (insn->flags & ARMVCPU_INSN_STORE)
		ret = store(insn, regs, big_endian, ipa, access);
	else
		ret = load(insn, regs, big_endian, ipa, access);
	if (insn->flags & ARMVCPU_INSN_ACQUIRE)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!ret)
		write_back(insn, regs);
	return ret;
}

/* ---- Exits ------------------------------------------------------------- */

/* What an exit's instruction works on; fetched as far as it is needed. */
struct state {
	struct armvcpu_insn_regs regs;
	struct armvcpu_fp_regs fp;
	__u32 sp_id;
	__u64 sctlr;
};

static int uses_sp(const struct armvcpu_insn *insn)
{
	return insn->rn == 31 && insn->mode != ARMVCPU_MODE_LITERAL;
}

static int fetch_state(const struct armvcpu_vcpu *vcpu,
		       const struct armvcpu_insn *insn, struct state *state)
{
	const struct armvcpu_run *run = vcpu->run;
	int ret;

	memcpy(state->regs.x, run->x, sizeof(state->regs.x));
	state->regs.pc = run->pc;
	state->sp_id = (run->pstate & PSTATE_EL_SP) == PSTATE_EL1H ?
		       ARMVCPU_REG_SP_EL1 : ARMVCPU_REG_SP_EL0;
	ret = armvcpu_vcpu_get_reg(vcpu, SCTLR_EL1, &state->sctlr);
	if (!ret && uses_sp(insn))
		ret = armvcpu_vcpu_get_reg(vcpu, state->sp_id, &state->regs.sp);
	if (!ret && insn->flags & ARMVCPU_INSN_SIMD) {
		ret = armvcpu_vcpu_get_fp_regs(vcpu, &state->fp);
		memcpy(state->regs.v, state->fp.v, sizeof(state->regs.v));
	}
	return ret;
}

/* All of it or nothing. */
static int store_state(struct armvcpu_vcpu *vcpu, const struct armvcpu_insn *insn,
		       struct state *state)
{
	int sets_fp = insn->flags & ARMVCPU_INSN_SIMD &&
		      !(insn->flags & ARMVCPU_INSN_STORE);
	int ret = 0;

	if (sets_fp) {
		struct armvcpu_fp_regs fp = state->fp;

		memcpy(fp.v, state->regs.v, sizeof(fp.v));
		ret = armvcpu_vcpu_set_fp_regs(vcpu, &fp);
	}
	if (!ret && uses_sp(insn) && insn->mode != ARMVCPU_MODE_OFFSET &&
	    insn->mode != ARMVCPU_MODE_REG) {
		ret = armvcpu_vcpu_set_reg(vcpu, state->sp_id, state->regs.sp);
		if (ret && sets_fp)
			armvcpu_vcpu_set_fp_regs(vcpu, &state->fp);
	}
	if (!ret)
		memcpy(vcpu->run->x, state->regs.x, sizeof(state->regs.x));
	return ret;
}

static int big_endian(const struct armvcpu_run *run, const struct state *state)
{
	/* SCTLR_EL1.E0E has no effect on LDTR and STTR at EL1. */
	__u64 bit = run->u.abort.flags & ARMVCPU_ABORT_USER ? SCTLR_E0E : SCTLR_EE;

	return !!(state->sctlr & bit);
}

/*
 * Where the first byte lies. FAR_EL2 is somewhere in the access, and the exit's address
 * is that of the same byte; so all that lies in the same page is known.
 */
static int find_ipa(const struct armvcpu_run *run, const struct armvcpu_insn *insn,
		    const struct state *state, __u64 *ipa)
{
	__u64 address = armvcpu_insn_address(insn, &state->regs);
	unsigned int bytes = armvcpu_insn_bytes(insn);
	__u64 into = (run->far - address) & ADDRESS_MASK;

	if (into >= bytes ||
	    !(insn->flags & ARMVCPU_INSN_STORE) != !(run->u.abort.flags & ARMVCPU_ABORT_WRITE))
		return ARMVCPU_REFUSED_MISMATCH;
	*ipa = run->u.abort.ipa - into;
	/* Without stage 1, addresses are physical, and go on in the next page. */
	if ((address ^ (address + bytes - 1)) & PAGE_MASK && state->sctlr & SCTLR_M)
		return ARMVCPU_REFUSED_CROSSING;
	return 0;
}

static int decode_exit(const struct armvcpu_run *run, struct armvcpu_insn *insn)
{
	if (run->u.abort.flags & ARMVCPU_ABORT_AARCH32)
		return ARMVCPU_REFUSED_AARCH32;
	if (!(run->u.abort.flags & ARMVCPU_ABORT_INSN_VALID))
		return ARMVCPU_REFUSED_UNREAD;
	return armvcpu_insn_decode(run->u.abort.insn, insn);
}

int armvcpu_vcpu_emulate(struct armvcpu_vcpu *vcpu,
			 const struct armvcpu_access *access)
{
	struct armvcpu_run *run = vcpu->run;
	struct armvcpu_insn insn;
	struct state state = { 0 };
	__u64 ipa;
	int ret;

	if (run->exit_reason != ARMVCPU_EXIT_ABORT)
		return -EINVAL;
	run->action = ARMVCPU_ACTION_ABORT;
	ret = decode_exit(run, &insn);
	if (!ret)
		ret = fetch_state(vcpu, &insn, &state);
	if (!ret)
		ret = find_ipa(run, &insn, &state, &ipa);
	if (ret)
		return ret;
	if (armvcpu_insn_emulate(&insn, &state.regs, big_endian(run, &state), ipa,
				 access))
		return ARMVCPU_REFUSED_ADDRESS;
	ret = store_state(vcpu, &insn, &state);
	if (!ret)
		run->action = ARMVCPU_ACTION_COMPLETE;
	return ret;
}
