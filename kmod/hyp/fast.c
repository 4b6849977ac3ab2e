// SPDX-License-Identifier: GPL-2.0
/*
 * Exits that EL2 answers itself: the guest's state stays in the CPU, and the host does
 * not notice.  What calls others is a function of its own, so that the rest needs no
 * stack.
 *
 * To answer one more: a case in one of the switches and a small function, which
 * returns FAST_DONE, or FAST_HOST for what is the host's after all.  Nothing in here
 * waits, and no loop depends on the guest.
 *
 * What a VMM turns off (struct hyp_vm.answers) goes to the host, which gives the same
 * answers; but what only EL2 can do.
 */
#include "el2.h"
#include "answers.h"

#define SPSR_SS			BIT(21)
#define SPSR_BTYPE		(BIT(10) | BIT(11))
#define MDSCR_SS		BIT(0)
/* MDCR_EL2: debug exceptions come to EL2. */
#define MDCR_TDE		BIT(8)

/* ISS of a trapped MRS or MSR. */
#define ISS_SYS_READ		BIT(0)
#define ISS_SYS_RT(iss)		((iss) >> 5 & 0x1f)
#define ISS_SYS_CRM(iss)	((iss) >> 1 & 0xf)
#define ISS_SYS_OP2(iss)	((iss) >> 17 & 7)
/* All that says which register. */
#define ISS_SYS_REG		0x3ffc1eULL
#define ISS_SYS(op0, op1, crn, crm, op2) \
	((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1)
/* Op0, op1, CRn. */
#define ISS_SYS_GROUP		0x31fc00ULL
#define ISS_SYS_ID		ISS_SYS(3, 0, 0, 0, 0)
#define ISS_SYS_PAUTH		ISS_SYS(3, 0, 2, 0, 0)
#define ISS_SYS_OSLAR		ISS_SYS(2, 0, 1, 0, 4)
#define ISS_SYS_OSLSR		ISS_SYS(2, 0, 1, 1, 4)
#define ISS_SYS_SGI1R		ISS_SYS(3, 0, 12, 11, 5)
#define OSLSR_OSLK		BIT(1)

/* ICC_SGI1R_EL1. */
#define SGI_TARGETS(value)	((value) & 0xffff)
#define SGI_INTID(value)	((value) >> 24 & 0xf)
#define SGI_IRM			BIT(40)
#define SGI_RS(value)		((value) >> 44 & 0xf)

#define ESR_HVC_IMM		0xffffULL
/* ISS of a WFI or WFE: TI. */
#define ISS_WFX_TI		3ULL
#define ISS_WFX_WFE		1ULL

/*
 * WFEs between two that the host sees: somebody else may have the CPU that the guest
 * waits for.
 */
#define WFE_BUDGET		32

/* Aff3, Aff2, Aff1 of an affinity. */
#define CLUSTER			0xff00ffff00ULL
#define AFFINITY		0xff00ffffffULL

/* The general registers up to this one are in memory; entry.S has the others in the CPU. */
#define IN_MEMORY		11

/* Erratum 858921 of the A73: next to a wrap of the low half, the high one may be wrong. */
static u64 read_counter(void)
{
	u64 first = read_sysreg(cntpct_el0), second = read_sysreg(cntpct_el0);

	return (first ^ second) >> 32 & 1 ? first : second;
}

/* For who listens.  With the last place taken, the host has to read them first. */
static noinline int trace(struct hyp_vcpu *vcpu, u64 what)
{
	struct hyp_trace *to;

	if (vcpu->nr_traces < HYP_MAX_TRACES) {
		to = &vcpu->traces[vcpu->nr_traces++];
		to->count = read_counter();
		to->pc = read_sysreg(elr_el2);
		to->esr = read_sysreg(esr_el2);
		to->what = what;
	}
	if (vcpu->nr_traces < HYP_MAX_TRACES)
		return FAST_DONE;
	return FAST_KICK;
}

static int done(struct hyp_vcpu *vcpu, int what)
{
	u64 *count = (u64 *)vcpu->counts + what;

	/* Nobody else writes there, but for a VMM that sets it to zero. */
	__atomic_store_n(count, __atomic_load_n(count, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
	return likely(!vcpu->tracing) ? FAST_DONE : trace(vcpu, what);
}

/* As skip_insn() of the host, of an AArch64 instruction. */
static void skip(void)
{
	u64 spsr = read_sysreg(spsr_el2);

	write_sysreg(read_sysreg(elr_el2) + 4, elr_el2);
	if (spsr & (SPSR_SS | SPSR_BTYPE))
		write_sysreg(spsr & ~(SPSR_SS | SPSR_BTYPE), spsr_el2);
}

static u64 get_reg(const struct hyp_vcpu *vcpu, unsigned int n)
{
	const u64 *x = (const u64 *)vcpu->x;

	return __atomic_load_n(&x[n], __ATOMIC_RELAXED);
}

static void set_reg(const struct hyp_vcpu *vcpu, unsigned int n, u64 value)
{
	u64 *x = (u64 *)vcpu->x;

	__atomic_store_n(&x[n], value, __ATOMIC_RELAXED);
}

/* ---- HVC --------------------------------------------------------------- */

/* x0 to x3 are the firmware's (DEN0028, 1.1). */
static void call_firmware(u64 fn)
{
	register u64 x0 asm("x0") = fn;

	asm volatile("smc #0" : "+r" (x0) : : "x1", "x2", "x3", "memory");
}

/*
 * The guest asks the firmware to clear this CPU's branch predictors, often.  There is
 * no result.  Where vectors.S makes the call for the host's sake it is done already: _3
 * does what _1 does, and is taken if there is one.
 */
static noinline int workaround(struct hyp_vcpu *vcpu, u32 fn)
{
	u64 features = this_cpu()->features;

	if (!(fn == FN_ARCH_WORKAROUND_1 && features & HYP_HAS_WORKAROUND_1) &&
	    !(fn == FN_ARCH_WORKAROUND_3 && features & HYP_HAS_WORKAROUND_3))
		return FAST_HOST;
	if (!(features & HYP_HARDENS_BY_FIRMWARE))
		call_firmware(fn);
	set_reg(vcpu, 0, SMCCC_SUCCESS);
	return done(vcpu, HYP_EL2_FIRMWARE);
}

static int is_claimed(const struct hyp_vm *vm, u32 fn)
{
	u32 i;

	if (vm->all_claimed)
		return 1;
	for (i = 0; i < vm->nr_claims && i < HYP_MAX_CLAIMS; i++)
		if (fn >= vm->claims[i].first && fn <= vm->claims[i].last)
			return 1;
	return 0;
}

/* PC is behind it. */
static int hvc(struct hyp_vcpu *vcpu, u64 esr)
{
	const struct hyp_vm *vm = (const struct hyp_vm *)vcpu->vm;
	u32 fn = get_reg(vcpu, 0);
	s64 result;

	/* Another immediate is no call of the convention. */
	if (esr & ESR_HVC_IMM)
		return FAST_HOST;
	if (unlikely(!hyp_answers(vcpu, HYP_EL2_CALL)))
		return workaround(vcpu, fn);
	if (SMCCC_OWNER(fn) <= SMCCC_LAST_OWNER) {
		if (is_psci(fn)) {
			if (!answer_psci(vm, fn, get_reg(vcpu, 1), get_reg(vcpu, 2), &result))
				return FAST_HOST;
			goto answered;
		}
		if (answer_smccc(vm, vcpu, fn, get_reg(vcpu, 1), &result))
			goto answered;
		if (is_hosts_call(fn))
			return workaround(vcpu, fn);
	}
	if (is_claimed(vm, fn))
		return FAST_HOST;
	result = SMCCC_NOT_SUPPORTED;

answered:
	set_reg(vcpu, 0, result);
	return done(vcpu, HYP_EL2_CALL);
}

/* ---- system registers -------------------------------------------------- */

/*
 * Erratum 2077057 of the A510: this trap, in a single step, has SPSR_EL1 in SPSR_EL2, of
 * which the guest can make anything.  The step has not got on since the guest was
 * entered, so PSTATE is that of then; unless the guest steps itself, where that need not be
 * the first instruction, and SPSR_EL1 is what it returned with.
 */
static noinline void restore_spsr(const struct hyp_vcpu *vcpu)
{
	if (vcpu->mdcr & MDCR_TDE && vcpu->mdscr & MDSCR_SS && vcpu->pstate & SPSR_SS)
		write_sysreg(vcpu->pstate, spsr_el2);
}

/* The instruction is executed again. */
static noinline int pauth(struct hyp_vcpu *vcpu)
{
	if (!(vcpu->flags & HYP_VCPU_PAUTH) || vcpu->host_pauth_saved)
		return FAST_HOST;
	hyp_pauth_enable(vcpu);
	return done(vcpu, HYP_EL2_PAUTH);
}

static int answer_read(struct hyp_vcpu *vcpu, u64 esr, u64 value, int all)
{
	unsigned int rt = ISS_SYS_RT(esr);

	if (rt > IN_MEMORY && rt < 31 && !all)
		return FAST_AGAIN;
	if (rt < 31)
		set_reg(vcpu, rt, value);
	skip();
	return done(vcpu, HYP_EL2_SYSREG);
}

/* Aff3, Aff2 and Aff1 where MPIDR_EL1 has them. */
static u64 sgi_cluster(u64 value)
{
	return (value >> 48 & 0xff) << 32 | (value >> 32 & 0xff) << 16 |
	       (value >> 16 & 0xff) << 8;
}

static int is_target(u64 mpidr, u64 value)
{
	return (mpidr & CLUSTER) == sgi_cluster(value) && (mpidr >> 4 & 0xf) == SGI_RS(value) &&
	       SGI_TARGETS(value) >> (mpidr & 0xf) & 1;
}

/*
 * To others: all that is in the guest is told by a doorbell, of the rest the host is
 * told.  Nothing has happened if the host has to do it all.
 */
static noinline int sgi_to_others(struct hyp_vcpu *vcpu, u64 value)
{
	const struct hyp_vm *vm = (const struct hyp_vm *)vcpu->vm;
	u32 n = __atomic_load_n(&vm->nr_siblings, __ATOMIC_ACQUIRE), intid = SGI_INTID(value), i;
	u64 self = vcpu->vmpidr & AFFINITY;
	const struct hyp_cpu *cpu = this_cpu();

	if (!cpu->redist)
		return FAST_HOST;
	if (!(value & SGI_IRM) && is_target(self, value) && !hyp_gic_sgi(&vcpu->gic, intid))
		return FAST_HOST;
	for (i = 0; i < n && i < HYP_MAX_VCPUS; i++) {
		u64 mpidr = __atomic_load_n(&vm->siblings[i].mpidr, __ATOMIC_RELAXED);
		u64 sibling = __atomic_load_n(&vm->siblings[i].vcpu, __ATOMIC_ACQUIRE);

		if (!sibling || mpidr == self || (!(value & SGI_IRM) && !is_target(mpidr, value)))
			continue;
		if (!hyp_gic_post((struct hyp_vcpu *)sibling, intid, cpu->maintenance_intid))
			vcpu->gic.news |= HYP_GIC_KICK;
	}
	skip();
	return done(vcpu, HYP_EL2_SGI) || vcpu->gic.news & HYP_GIC_KICK ? FAST_KICK : FAST_DONE;
}

static int sgi(struct hyp_vcpu *vcpu, u64 esr, int all)
{
	unsigned int rt = ISS_SYS_RT(esr);
	u64 value, self = vcpu->vmpidr & AFFINITY;

	if (!hyp_answers(vcpu, HYP_EL2_SGI))
		return FAST_HOST;
	if (rt > IN_MEMORY && rt < 31 && !all)
		return FAST_AGAIN;
	value = rt < 31 ? get_reg(vcpu, rt) : 0;
	if (value & SGI_IRM || SGI_TARGETS(value) != 1ULL << (self & 0xf) ||
	    !is_target(self, value))
		return sgi_to_others(vcpu, value);
	if (!hyp_gic_sgi(&vcpu->gic, SGI_INTID(value)))
		return FAST_HOST;
	skip();
	return done(vcpu, HYP_EL2_SGI);
}

/* With its lock as it is: else breakpoints come and go with it. */
static int oslar(struct hyp_vcpu *vcpu, u64 esr, int all)
{
	unsigned int rt = ISS_SYS_RT(esr);
	u64 value;

	if (rt > IN_MEMORY && rt < 31 && !all)
		return FAST_AGAIN;
	value = rt < 31 ? get_reg(vcpu, rt) : 0;
	if ((value & 1) != !!(vcpu->oslsr & OSLSR_OSLK))
		return FAST_HOST;
	skip();
	return done(vcpu, HYP_EL2_SYSREG);
}

static int sysreg(struct hyp_vcpu *vcpu, u64 esr, int all)
{
	const struct hyp_vm *vm = (const struct hyp_vm *)vcpu->vm;
	u64 crm = ISS_SYS_CRM(esr), reg = esr & (ISS_SYS_REG | ISS_SYS_READ);

	if (likely(hyp_answers(vcpu, HYP_EL2_SYSREG))) {
		/* HCR_EL2.TID3: CRm 1 to 7. */
		if ((esr & (ISS_SYS_GROUP | ISS_SYS_READ)) == (ISS_SYS_ID | ISS_SYS_READ) &&
		    crm >= 1 && crm <= 7)
			return answer_read(vcpu, esr, vm->id[crm << 3 | ISS_SYS_OP2(esr)], all);
		if (reg == (ISS_SYS_OSLSR | ISS_SYS_READ))
			return answer_read(vcpu, esr, vcpu->oslsr, all);
		if (reg == ISS_SYS_OSLAR)
			return oslar(vcpu, esr, all);
	}
	if (reg == ISS_SYS_SGI1R)
		return sgi(vcpu, esr, all);
	/* Keys are in CRm 1 to 3. */
	if ((esr & ISS_SYS_GROUP) == ISS_SYS_PAUTH && crm >= 1 && crm <= 3)
		return pauth(vcpu);
	return FAST_HOST;
}

/* ---- accesses where no memory is --------------------------------------- */

/* ISS of a data abort. */
#define ISS_FSC_TYPE		0x3cULL
#define ISS_TRANSLATION		0x04ULL
#define ISS_WNR			BIT(6)
#define ISS_S1PTW		BIT(7)
#define ISS_CM			BIT(8)
#define ISS_SRT(iss)		((iss) >> 16 & 0x1f)
#define ISS_SSE			BIT(21)
#define ISS_SAS(iss)		((iss) >> 22 & 3)
#define ISS_ISV			BIT(24)
/* What it must be, but for the direction: a fault of stage 2 itself. */
#define ISS_ACCESS		(ISS_FSC_TYPE | ISS_S1PTW | ISS_CM | ISS_ISV)

#define SCTLR_EE		(BIT(24) | BIT(25))

static int is_posted(const struct hyp_vm *vm, u64 ipa)
{
	u32 i;

	for (i = 0; i < vm->nr_ranges && i < HYP_MAX_RANGES; i++)
		if (ipa >= vm->ranges[i].first && ipa <= vm->ranges[i].last)
			return 1;
	return 0;
}

/* A full ring is the VMM's to see, and so is what it has made of @head. */
static int post(struct hyp_vcpu *vcpu, u64 esr, u64 ipa, int all)
{
	struct hyp_ring *ring = (struct hyp_ring *)vcpu->ring;
	unsigned int rt = ISS_SRT(esr), bits = 8U << ISS_SAS(esr);
	u32 tail = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
	struct hyp_posted *write = &ring->writes[tail % HYP_RING_SIZE];

	if (rt > IN_MEMORY && rt < 31 && !all)
		return FAST_AGAIN;
	if (tail - __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) >= HYP_RING_SIZE)
		return FAST_HOST;
	write->ipa = ipa;
	write->data = rt < 31 ? get_reg(vcpu, rt) & ~0ULL >> (64 - bits) : 0;
	write->len = bits / 8;
	write->pad = 0;
	__atomic_store_n(&ring->tail, tail + 1, __ATOMIC_RELEASE);
	skip();
	return done(vcpu, HYP_EL2_POSTED);
}

static int read_gicd(struct hyp_vcpu *vcpu, u64 esr, u32 value, int all)
{
	unsigned int rt = ISS_SRT(esr);

	if (rt > IN_MEMORY && rt < 31 && !all)
		return FAST_AGAIN;
	if (rt < 31)
		set_reg(vcpu, rt, value);
	skip();
	return done(vcpu, HYP_EL2_GIC);
}

/* Of an AArch64 guest in little-endian order: it is rare that one is not. */
static int is_simple(void)
{
	return !(read_sysreg(spsr_el2) & SPSR_AARCH32) && !(read_sysreg(sctlr_el1) & SCTLR_EE);
}

static int data_abort(struct hyp_vcpu *vcpu, u64 esr, int all)
{
	const struct hyp_vm *vm = (const struct hyp_vm *)vcpu->vm;
	u64 ipa, offset;

	if ((esr & ISS_ACCESS) != (ISS_ISV | ISS_TRANSLATION))
		return FAST_HOST;
	ipa = read_sysreg(hpfar_el2) >> 4 << 12 | (read_sysreg(far_el2) & 0xfff);
	if (esr & ISS_WNR) {
		if (!is_posted(vm, ipa) || !hyp_answers(vcpu, HYP_EL2_POSTED) || !is_simple())
			return FAST_HOST;
		/* HPFAR_EL2 may be that of another fault: the host takes care. */
		if (unlikely(this_cpu()->features & HYP_ERRATUM_834220))
			return FAST_HOST;
		return post(vcpu, esr, ipa, all);
	}
	offset = ipa - vm->gicd;
	if (offset >= HYP_NR_GICD * 4 || offset & 3 || ISS_SAS(esr) != 2 || esr & ISS_SSE)
		return FAST_HOST;
	if (!hyp_answers(vcpu, HYP_EL2_GIC) || !is_simple() ||
	    unlikely(this_cpu()->features & HYP_ERRATUM_834220))
		return FAST_HOST;
	return read_gicd(vcpu, esr, __atomic_load_n(&vm->gicd_regs[offset / 4], __ATOMIC_RELAXED),
			 all);
}

/* ---- the others -------------------------------------------------------- */

/* WFE is a hint: it may return at once (Arm ARM D1.6.1). */
static int wfx(struct hyp_vcpu *vcpu, u64 esr)
{
	if ((esr & ISS_WFX_TI) != ISS_WFX_WFE || read_sysreg(spsr_el2) & SPSR_AARCH32 ||
	    !hyp_answers(vcpu, HYP_EL2_WFE))
		return FAST_HOST;
	if (!vcpu->wfe_budget) {
		vcpu->wfe_budget = WFE_BUDGET;
		return FAST_HOST;
	}
	vcpu->wfe_budget--;
	skip();
	return done(vcpu, HYP_EL2_WFE);
}

/* From here on, up to the next exit to the host, the registers are the guest's. */
static noinline int fp(struct hyp_vcpu *vcpu)
{
	if (vcpu->fp_live || vcpu->flags & HYP_VCPU_NO_FP)
		return FAST_HOST;
	hyp_fp_enable();
	hyp_fp_save(&this_cpu()->host_fp);
	vcpu->fp_live = 1;
	hyp_fp_restore(&vcpu->fp);
	hyp_before_aarch32(read_sysreg(spsr_el2));
	return done(vcpu, HYP_EL2_FP);
}

/**
 * hyp_fast_sync() - a trap of the guest: is the answer near?
 * @vcpu: the guest.  Its x0 to x11, x19 and x30 are in memory; all else is in the CPU.
 * @all: x0 to x30 are in memory.
 *
 * Return: FAST_DONE: back into the guest; FAST_AGAIN: the same with @all; FAST_HOST.
 */
int hyp_fast_sync(struct hyp_vcpu *vcpu, int all)
{
	u64 esr = read_sysreg(esr_el2);

	switch (esr >> ESR_EC_SHIFT & 0x3f) {
	case ESR_EC_HVC64:
		return hvc(vcpu, esr);
	case ESR_EC_SYS64:
		return sysreg(vcpu, esr, all);
	case ESR_EC_DABT_LOWER:
		return data_abort(vcpu, esr, all);
	case ESR_EC_WFX:
		return wfx(vcpu, esr);
	case ESR_EC_FP:
		return fp(vcpu);
	case ESR_EC_PAC:
		if (unlikely(this_cpu()->features & HYP_ERRATUM_2077057))
			restore_spsr(vcpu);
		return pauth(vcpu);
	}
	return FAST_HOST;
}

/**
 * hyp_fast_irq() - a physical interrupt: is it the guest's own?
 * @vcpu: the guest, as above.
 *
 * Return: FAST_DONE or FAST_HOST.
 */
int hyp_fast_irq(struct hyp_vcpu *vcpu)
{
	int what = hyp_gic_take(vcpu);

	if (!what)
		return FAST_HOST;
	hyp_before_aarch32(read_sysreg(spsr_el2));
	return done(vcpu, what);
}

/**
 * hyp_fast_serror() - a physical SError: never
 * @vcpu: the guest, as above.
 *
 * Return: FAST_HOST.
 */
int hyp_fast_serror(struct hyp_vcpu *vcpu)
{
	(void)vcpu;
	return FAST_HOST;
}
