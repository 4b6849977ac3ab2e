// SPDX-License-Identifier: GPL-2.0
/*
 * The GIC of a guest: the state of its interrupts, which vCPU each is for, and
 * the way into the list registers and out of them.
 *
 * An interrupt that is active, or that is pending and may be signalled, is in the
 * bitmap "ready" of one vCPU.  On the way into the guest the list registers are
 * filled from it, the highest priorities first; on the way out what they hold is
 * folded back.  Nothing of it is done, and no lock taken, while nothing is ready.
 */
#include <linux/interrupt.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "kmod.h"
#include "trace.h"

/**
 * gic_irq_of() - an interrupt by its number
 * @gic: the GIC.
 * @vcpu: whose, for a private one; may be NULL otherwise.
 * @intid: INTID.
 *
 * Return: it, or NULL.
 */
struct gic_irq *gic_irq_of(struct gic *gic, struct vcpu *vcpu, u32 intid)
{
	if (intid < GIC_NR_PRIVATE)
		return vcpu ? &vcpu->gic.private[intid] : NULL;
	if (intid >= gic->nr_irqs || intid >= GIC_MAX_INTID)
		return NULL;
	return &gic->spis[intid - GIC_NR_PRIVATE];
}

/* ---- who gets it ------------------------------------------------------- */

/**
 * gic_irq_pending() - is it pending, by its latch or by its line?
 * @irq: the interrupt; the GIC's lock is held.
 */
bool gic_irq_pending(const struct gic_irq *irq)
{
	return irq->pending || irq->sources || (irq->level && !irq->edge);
}

/* Not kept back by the distributor. */
static bool is_enabled(const struct gic *gic, const struct gic_irq *irq)
{
	u32 group = irq->group1 ? GICD_CTLR_ENABLE_GRP1 : GICD_CTLR_ENABLE_GRP0;

	return irq->enabled && gic->ctlr & group;
}

static bool is_deliverable(const struct gic *gic, const struct gic_irq *irq)
{
	return gic_irq_pending(irq) && is_enabled(gic, irq);
}

/*
 * May it be signalled now?  A level-sensitive interrupt that is active is looked
 * at again when it has been deactivated, and so is one of the host's.
 */
static bool is_signalled(const struct gic *gic, const struct gic_irq *irq)
{
	if (irq->active && (irq->hw || (!irq->edge && !irq->pending)))
		return false;
	return is_deliverable(gic, irq);
}

/* Where a vCPU is in by_mpidr, or would be. */
static u32 place_of(const struct gic *gic, u64 mpidr)
{
	u32 first = 0, end = gic->nr_vcpus;

	while (first < end) {
		u32 middle = (first + end) / 2;

		if (gic->by_mpidr[middle]->mpidr < mpidr)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

static struct vcpu *route_v2(const struct gic *gic, const struct gic_irq *irq)
{
	u32 i;

	for (i = 0; i < gic->max_vcpus; i++)
		if (gic->vcpus[i] && irq->targets >> i & 1)
			return gic->vcpus[i];
	return NULL;
}

static struct vcpu *route(const struct gic *gic, const struct gic_irq *irq)
{
	struct vcpu *vcpu;
	u32 place;

	if (irq->home)
		return irq->home;
	if (gic->version == 2)
		return route_v2(gic, irq);
	/* Most of them. */
	vcpu = gic->vcpus[0];
	if (vcpu && vcpu->mpidr == irq->irouter)
		return vcpu;
	place = place_of(gic, irq->irouter);
	if (place == gic->nr_vcpus)
		return NULL;
	vcpu = gic->by_mpidr[place];
	return vcpu->mpidr == irq->irouter ? vcpu : NULL;
}

/* The vCPU looks at what is ready before it runs (on), or sleeps on. */
static void notify(struct vcpu *vcpu)
{
	struct gic_vcpu *g = &vcpu->gic;

	if (!g->changed) {
		WRITE_ONCE(g->changed, true);
		/* Mirrored in vcpu_enter(): or else it sees this on its way in. */
		smp_mb();
		/* Oneself is on the way in, and has not looked yet, or on the way out. */
		if (READ_ONCE(vcpu->in_guest) && READ_ONCE(vcpu->runner) != current)
			vcpu_kick(vcpu);
	}
	vcpu_wake(vcpu);
}

/*
 * The host's interrupt is active for as long as the guest's is pending or active: it
 * comes once, and again when the guest has done with it.  If that was not by way of
 * a list register, nor was this.
 */
static void follow_host(struct gic_irq *irq)
{
	bool active = irq->pending || irq->active;

	if (irq->taken == active || irq->held)
		return;
	irq->taken = active;
	irq_set_irqchip_state(irq->host_irq, IRQCHIP_STATE_ACTIVE, active);
}

/* In whose bitmaps it is. */
static inline void set_owner(struct gic_irq *irq, struct vcpu *new)
{
	struct vcpu *old = irq->owner;

	if (old != new) {
		if (old)
			__clear_bit(irq->intid, old->gic.ready);
		if (new)
			__set_bit(irq->intid, new->gic.ready);
		irq->owner = new;
	}
	if (new)
		__assign_bit(irq->intid, new->gic.active, irq->active);
}

/* What fill() has told EL2 of it may not be so any more. */
static void note_el2s(struct gic_irq *irq)
{
	if (irq->intid < GIC_NR_SGIS)
		irq->home->gic.sgis_changed = true;
	else
		irq->home->gic.vtimer_changed = true;
}

/**
 * gic_update() - something of an interrupt has changed
 * @gic: the GIC; its lock is held.
 * @irq: the interrupt.
 */
void gic_update(struct gic *gic, struct gic_irq *irq)
{
	struct vcpu *old = irq->owner, *new = NULL;

	lockdep_assert_held(&gic->lock);
	if (gic_irq_is_el2s(irq)) {
		/* It makes them pending by what fill() has told it of them. */
		note_el2s(irq);
		if (!irq->home->gic.changed)
			notify(irq->home);
	}
	/* Its vCPU brings it back first. */
	if (irq->lr) {
		notify(old);
		return;
	}
	if (unlikely(irq->host_irq))
		follow_host(irq);
	/* Who has acknowledged it has to deactivate it. */
	if (irq->active)
		new = old ?: route(gic, irq);
	else if (is_deliverable(gic, irq))
		new = route(gic, irq);
	set_owner(irq, new);
	if (new)
		notify(new);
}

/**
 * gic_set_rank() - the priority or the group of an interrupt has changed
 * @gic: the GIC; its lock is held, or nobody else knows the interrupt.
 * @irq: the interrupt.
 */
void gic_set_rank(struct gic *gic, struct gic_irq *irq)
{
	struct gic_rank *rank = irq->home ? &irq->home->gic.rank :
					    &gic->ranks[irq->intid / BITS_PER_LONG];
	unsigned int n = irq->intid % BITS_PER_LONG, bit;

	for (bit = 8 - gic_host_priority_bits(); bit < ARRAY_SIZE(rank->priority); bit++)
		__assign_bit(n, &rank->priority[bit], irq->priority >> bit & 1);
	__assign_bit(n, &rank->group1, irq->group1);
}

/**
 * gic_set_owner() - who has acknowledged an interrupt that is active
 * @gic: the GIC; its lock is held.
 * @irq: the interrupt; in no list register.
 * @owner: the vCPU.
 */
void gic_set_owner(struct gic *gic, struct gic_irq *irq, struct vcpu *owner)
{
	lockdep_assert_held(&gic->lock);
	set_owner(irq, owner);
	notify(owner);
}

/**
 * gic_clear_host() - an edge of the host's that waits behind one that is active goes, too
 * @irq: an interrupt of the host's; the GIC's lock is held.
 */
void gic_clear_host(struct gic_irq *irq)
{
	irq_set_irqchip_state(irq->host_irq, IRQCHIP_STATE_PENDING, false);
}

/**
 * gic_breathe() - interrupts of the host's may come in between
 * @gic: the GIC; its lock is held, and let go for a moment.
 * @flags: of the lock.
 */
void gic_breathe(struct gic *gic, unsigned long *flags)
	__must_hold(&gic->lock)
{
	raw_spin_unlock_irqrestore(&gic->lock, *flags);
	raw_spin_lock_irqsave(&gic->lock, *flags);
}

/**
 * gic_refill() - all vCPUs look again at what they get from the host themselves
 * @gic: the GIC; its lock is held, and let go in between.
 * @flags: of the lock.
 */
void gic_refill(struct gic *gic, unsigned long *flags)
	__must_hold(&gic->lock)
{
	u32 i;

	for (i = 0; i < gic->max_vcpus; i++) {
		if (!gic->vcpus[i])
			continue;
		notify(gic->vcpus[i]);
		/* It may have to be woken up. */
		gic_breathe(gic, flags);
	}
}

/**
 * gic_update_all() - something has changed that may concern all interrupts
 * @gic: the GIC; its lock is held, and let go in between.
 * @flags: of the lock.
 *
 * A thousand interrupts, each of which may be for any of the vCPUs.
 */
void gic_update_all(struct gic *gic, unsigned long *flags)
	__must_hold(&gic->lock)
{
	u32 i, n;

	for (i = 0; i < gic->max_vcpus; i++) {
		for (n = 0; gic->vcpus[i] && n < GIC_NR_PRIVATE; n++)
			gic_update(gic, &gic->vcpus[i]->gic.private[n]);
		gic_breathe(gic, flags);
	}
	for (n = GIC_NR_PRIVATE; n < min_t(u32, gic->nr_irqs, GIC_MAX_INTID); n++) {
		struct gic_irq *irq = gic_irq_of(gic, NULL, n);

		gic_update(gic, irq);
		if (irq->host_irq || n % 8 == 7)
			gic_breathe(gic, flags);
	}
}

static void set_line(struct gic *gic, struct gic_irq *irq, bool level)
{
	if (irq->level == level)
		return;
	irq->level = level;
	if (irq->edge) {
		if (!level)
			return;
		irq->pending = true;
	}
	gic_update(gic, irq);
}

/**
 * gic_set_line() - raise or lower the line of an interrupt
 * @vm: the VM.
 * @vcpu: of a PPI: whose.  NULL for an SPI.
 * @intid: INTID.
 * @level: the line's new level.
 *
 * In any context.
 *
 * Return: 0, -ENXIO (the VM has no GIC), -EINVAL (no such interrupt), -EBUSY (it is
 * an interrupt of the host's).
 */
int gic_set_line(struct vm *vm, struct vcpu *vcpu, u32 intid, bool level)
{
	struct gic *gic = READ_ONCE(vm->gic);
	bool private = intid < GIC_NR_PRIVATE;
	struct gic_irq *irq;
	unsigned long flags;
	int ret = 0;

	if (!gic)
		return -ENXIO;
	if (intid < GIC_NR_SGIS || private != !!vcpu)
		return -EINVAL;
	irq = gic_irq_of(gic, vcpu, intid);
	if (!irq)
		return -EINVAL;
	raw_spin_lock_irqsave(&gic->lock, flags);
	if (irq->host_irq)
		ret = -EBUSY;
	else
		set_line(gic, irq, level);
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	return ret;
}

/**
 * gic_latch() - an edge on the line of an SPI: up, and down again
 * @vm: the VM; it has a GIC.
 * @intid: INTID of an SPI that there is.
 *
 * In any context.  What is level-sensitive does not notice.
 */
void gic_latch(struct vm *vm, u32 intid)
{
	struct gic *gic = vm->gic;
	struct gic_irq *irq = gic_irq_of(gic, NULL, intid);
	unsigned long flags;

	raw_spin_lock_irqsave(&gic->lock, flags);
	if (irq->edge && !irq->host_irq) {
		irq->pending = true;
		gic_update(gic, irq);
	}
	raw_spin_unlock_irqrestore(&gic->lock, flags);
}

/**
 * gic_set_resample() - does somebody want to know when an SPI has come to its end?
 * @vm: the VM; it has a GIC.
 * @intid: INTID of an SPI that there is.
 * @resample: irqfd_resample() shall be called.
 */
void gic_set_resample(struct vm *vm, u32 intid, bool resample)
{
	struct gic *gic = vm->gic;
	unsigned long flags;

	raw_spin_lock_irqsave(&gic->lock, flags);
	gic_irq_of(gic, NULL, intid)->resample = resample;
	raw_spin_unlock_irqrestore(&gic->lock, flags);
}

/**
 * gic_note_end() - an interrupt has come to its end: gic_later() tells who drives its line
 * @vcpu: the vCPU that has brought it there; the GIC's lock is held.
 * @irq: the interrupt.
 */
void gic_note_end(struct vcpu *vcpu, const struct gic_irq *irq)
{
	if (irq->resample && !irq->edge && !irq->host_irq) {
		__set_bit(irq->intid, vcpu->gic.ended);
		vcpu->gic.later = true;
	}
}

/* Tell who drives their lines which interrupts have come to their end. */
static void resample(struct vcpu *vcpu)
{
	struct gic_vcpu *g = &vcpu->gic;
	unsigned int intid;

	for_each_set_bit(intid, g->ended, vcpu->vm->gic->nr_irqs) {
		__clear_bit(intid, g->ended);
		irqfd_resample(vcpu->vm, intid);
	}
}

/**
 * gic_send_sgi() - a software-generated interrupt
 * @vcpu: who sends it; the GIC's lock is held.
 * @target: who gets it.
 * @intid: 0 to 15.
 * @group1: it may be of group 1; otherwise only of group 0.
 */
void gic_send_sgi(struct vcpu *vcpu, struct vcpu *target, u32 intid, bool group1)
{
	struct gic *gic = vcpu->vm->gic;
	struct gic_irq *irq = &target->gic.private[intid];

	if (irq->group1 && !group1)
		return;
	if (gic->version == 2)
		irq->sources |= BIT(vcpu->index);
	else
		irq->pending = true;
	gic_update(gic, irq);
}

/* ---- ICC_SGI1R_EL1 and the others -------------------------------------- */

#define SGI_TARGETS(value)	((value) & 0xffff)
#define SGI_INTID(value)	((value) >> 24 & 0xf)
#define SGI_IRM			BIT_ULL(40)
#define SGI_RS(value)		((value) >> 44 & 0xf)

/* Aff3, Aff2 and Aff1 where MPIDR_EL1 has them. */
static u64 sgi_cluster(u64 value)
{
	return (value >> 48 & 0xff) << 32 | (value >> 32 & 0xff) << 16 | (value >> 16 & 0xff) << 8;
}

static void write_sgir(struct vcpu *vcpu, u64 value, bool group1)
{
	struct gic *gic = vcpu->vm->gic;
	unsigned long flags;
	u32 i;

	raw_spin_lock_irqsave(&gic->lock, flags);
	for (i = 0; i < gic->max_vcpus; i++) {
		struct vcpu *target = gic->vcpus[i];
		u8 aff0;

		if (!target)
			continue;
		if (value & SGI_IRM) {
			if (target == vcpu)
				continue;
		} else {
			aff0 = target->mpidr;
			if ((target->mpidr & ~0xffULL) != sgi_cluster(value) ||
			    aff0 >> 4 != SGI_RS(value) ||
			    !(SGI_TARGETS(value) >> (aff0 & 0xf) & 1))
				continue;
		}
		gic_send_sgi(vcpu, target, SGI_INTID(value), group1);
		/* It may have to be woken up. */
		gic_breathe(gic, &flags);
	}
	raw_spin_unlock_irqrestore(&gic->lock, flags);
}

/**
 * gic_is_elsewhere() - may an interrupt be in a list register of another vCPU?
 * @vcpu: the vCPU, out of the guest; the GIC's lock is held.
 * @intid: INTID.
 */
bool gic_is_elsewhere(struct vcpu *vcpu, u32 intid)
{
	const struct gic_irq *irq = gic_irq_of(vcpu->vm->gic, vcpu, intid);

	/* Of an interrupt of the host's, only EL2 may know; not if it is active elsewhere. */
	return irq && (irq->lr || (irq->host_irq && !irq->active));
}

/**
 * gic_deactivate() - GICC_DIR, ICC_DIR_EL1: with EOImode 1, an interrupt ends
 * @vcpu: the vCPU; the GIC's lock is held.
 * @intid: INTID; gic_is_elsewhere() says no.
 *
 * An SPI may be one that another vCPU has acknowledged.
 */
void gic_deactivate(struct vcpu *vcpu, u32 intid)
{
	struct gic *gic = vcpu->vm->gic;
	struct gic_irq *irq = gic_irq_of(gic, vcpu, intid);

	if (irq && irq->active) {
		irq->active = false;
		gic_note_end(vcpu, irq);
		gic_update(gic, irq);
	}
}

/* Where the hardware would not do it: gic_host.c says when it traps. */
static void write_dir(struct vcpu *vcpu, u64 value)
{
	struct gic *gic = vcpu->vm->gic;
	u32 intid = value & 0xffffff;
	unsigned long flags;
	bool frozen = false;

	raw_spin_lock_irqsave(&gic->lock, flags);
	if (gic_is_elsewhere(vcpu, intid)) {
		raw_spin_unlock_irqrestore(&gic->lock, flags);
		gic_freeze(vcpu->vm);
		frozen = true;
		raw_spin_lock_irqsave(&gic->lock, flags);
	}
	gic_deactivate(vcpu, intid);
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	if (frozen)
		gic_thaw(vcpu->vm);
}

/**
 * gic_sysreg() - an ICC_* register that traps
 * @vcpu: the vCPU, of a VM with a GIC.
 * @encoding: ARMVCPU_SYSREG().
 * @write: direction.
 * @value: the value, in or out.
 *
 * Return: false if the access is UNDEFINED.
 */
bool gic_sysreg(struct vcpu *vcpu, u32 encoding, bool write, u64 *value)
{
	if (vcpu->vm->gic->version != 3)
		return false;
	switch (encoding) {
	case ARMVCPU_SYSREG(3, 0, 12, 11, 1):	/* ICC_DIR_EL1 */
		if (write)
			write_dir(vcpu, *value);
		return write;
	case ARMVCPU_SYSREG(3, 0, 12, 11, 5):	/* ICC_SGI1R_EL1 */
		if (write)
			write_sgir(vcpu, *value, true);
		return write;
	case ARMVCPU_SYSREG(3, 0, 12, 11, 6):	/* ICC_ASGI1R_EL1 */
	case ARMVCPU_SYSREG(3, 0, 12, 11, 7):	/* ICC_SGI0R_EL1 */
		if (write)
			write_sgir(vcpu, *value, false);
		return write;
	case ARMVCPU_SYSREG(3, 0, 12, 12, 5):	/* ICC_SRE_EL1: always on, no bypass */
		if (!write)
			*value = 7;
		return true;
	}
	return gic_cpu_sysreg(vcpu, encoding, write, value);
}

/* ---- the list registers ------------------------------------------------ */

/*
 * Words of what is ready, 64 interrupts each.  There may be a thousand, and interrupts
 * of the host's are off: no loop is over each of them.
 */

static unsigned long group1_of(const struct vcpu *vcpu, unsigned int word)
{
	return vcpu->vm->gic->ranks[word].group1 | (word ? 0 : vcpu->gic.rank.group1);
}

/* Not active, and of no group in @groups, a bit for each. */
static unsigned long kept_back(const struct vcpu *vcpu, unsigned int word, u32 groups)
{
	unsigned long group1 = group1_of(vcpu, word), open = vcpu->gic.active[word];

	if (groups & BIT(0))
		open |= ~group1;
	if (groups & BIT(1))
		open |= group1;
	return ~open;
}

/* GICD_CTLR may just be changing for one after the other. */
static unsigned long ready_of(const struct vcpu *vcpu, unsigned int word)
{
	static_assert(GICD_CTLR_ENABLE_GRP0 == BIT(0) && GICD_CTLR_ENABLE_GRP1 == BIT(1));
	return vcpu->gic.ready[word] & ~kept_back(vcpu, word, vcpu->vm->gic->ctlr);
}

/* Only those of @irqs that are in @first, too, if there are any; or else @key gets a one. */
static u32 narrow(unsigned long *irqs, unsigned long first, u32 key)
{
	if (!(*irqs & first))
		return key << 1 | 1;
	*irqs &= first;
	return key << 1;
}

/*
 * Of some interrupts of a word, the first in the order in which they are given to the
 * guest.  What is kept back by @groups comes last.  Of the same priority: what the guest has
 * begun with, before what comes after; then by INTID.  Returns the place in that order.
 */
static u32 first_of(const struct vcpu *vcpu, unsigned int word, unsigned long irqs, u32 groups,
		    unsigned int *intid)
{
	const struct gic_rank *spis = &vcpu->vm->gic->ranks[word], *private = &vcpu->gic.rank;
	int bit, last = 8 - gic_host_priority_bits();
	u32 key;

	key = narrow(&irqs, ~kept_back(vcpu, word, groups), 0);
	for (bit = 7; bit >= last; bit--)
		key = narrow(&irqs, ~(spis->priority[bit] | (word ? 0 : private->priority[bit])),
			     key);
	key = narrow(&irqs, vcpu->gic.active[word], key);
	*intid = word * BITS_PER_LONG + __ffs(irqs);
	return key;
}

/**
 * struct queue - interrupts in that order
 * @vcpu: whose.
 * @groups: see first_of().
 * @irqs: those that are in it.
 * @keys: of each word, the place of its first, or QUEUE_EMPTY.
 * @intids: and which that is.
 */
struct queue {
	struct vcpu *vcpu;
	u32 groups;
	unsigned long irqs[GIC_NR_WORDS];
	u32 keys[GIC_NR_WORDS];
	unsigned int intids[GIC_NR_WORDS];
};

#define QUEUE_EMPTY	U32_MAX

static void queue_look(struct queue *q, unsigned int word)
{
	q->keys[word] = QUEUE_EMPTY;
	if (q->irqs[word])
		q->keys[word] = first_of(q->vcpu, word, q->irqs[word], q->groups,
					 &q->intids[word]);
}

static void queue_init(struct queue *q)
{
	unsigned int word;

	for (word = 0; word < GIC_NR_WORDS; word++)
		queue_look(q, word);
}

/* The first one, which is in it no more; or NULL. */
static struct gic_irq *queue_take(struct queue *q)
{
	unsigned int word, first = 0, intid;

	for (word = 1; word < GIC_NR_WORDS; word++)
		if (q->keys[word] < q->keys[first])
			first = word;
	if (q->keys[first] == QUEUE_EMPTY)
		return NULL;
	intid = q->intids[first];
	__clear_bit(intid, q->irqs);
	queue_look(q, first);
	return gic_irq_of(q->vcpu->vm->gic, q->vcpu, intid);
}

/* Those in it that the guest can acknowledge. */
static unsigned long candidates(const struct queue *q, unsigned int word)
{
	return q->irqs[word] & ~q->vcpu->gic.active[word] &
	       ~kept_back(q->vcpu, word, q->groups);
}

/* The first of these, or NULL. */
static struct gic_irq *queue_take_candidate(struct queue *q)
{
	unsigned int word, intid, first;
	u32 key = QUEUE_EMPTY;

	for (word = 0; word < GIC_NR_WORDS; word++) {
		unsigned long irqs = candidates(q, word);
		u32 its_key = irqs ? first_of(q->vcpu, word, irqs, q->groups, &intid) : key;

		if (its_key < key) {
			key = its_key;
			first = intid;
		}
	}
	if (key == QUEUE_EMPTY)
		return NULL;
	__clear_bit(first, q->irqs);
	return gic_irq_of(q->vcpu->vm->gic, q->vcpu, first);
}

static struct gic_lr lr_of(struct gic *gic, struct gic_irq *irq)
{
	struct gic_lr lr = {
		.intid = irq->intid,
		.priority = irq->priority,
		.group1 = irq->group1,
		.hw = irq->hw,
		.hw_intid = irq->hw_intid,
		.active = irq->active,
		.pending = is_signalled(gic, irq),
		/* Then its line is looked at again, and who waits for that is told. */
		.eoi = !irq->hw && !irq->edge,
	};

	if (irq->active)
		lr.source = irq->active_source;
	if (!irq->sources || !lr.pending)
		return lr;
	/* One at a time; of an active one only the same can be pending, too. */
	if (!irq->active)
		lr.source = __ffs(irq->sources);
	lr.pending = irq->sources >> lr.source & 1;
	irq->sources &= ~BIT(lr.source);
	/* When this one is done, the next. */
	lr.eoi = irq->sources;
	return lr;
}

/*
 * Interrupts of the host's that this vCPU gets as they come: nobody else has them, and
 * nothing of them waits.  Writes of the guest that change that freeze us first.
 */
static void fill_passed(struct gic *gic, struct vcpu *vcpu)
{
	u32 i;

	for (i = 0; i < gic->nr_passed; i++) {
		struct gic_irq *irq = gic->passed[i];
		bool mine = irq->owner == vcpu || (!irq->owner && route(gic, irq) == vcpu);
		struct gic_lr lr = {
			.intid = irq->intid,
			.priority = irq->priority,
			.group1 = irq->group1,
			.hw = true,
			.hw_intid = irq->hw_intid,
			.pending = true,
		};

		if (mine && (irq->pending || irq->active))
			mine = irq->lr;
		if (mine)
			mine = is_enabled(gic, irq) && route(gic, irq) == vcpu;
		gic_host_set_passed(vcpu, i, irq, mine ? &lr : NULL);
	}
}

static void fill_sgis(struct gic *gic, struct vcpu *vcpu)
{
	struct gic_vcpu *g = &vcpu->gic;
	unsigned int n;

	for (n = 0; n < GIC_NR_SGIS; n++) {
		struct gic_irq *irq = &g->private[n];
		struct gic_lr lr = {
			.intid = n,
			.priority = irq->priority,
			.group1 = irq->group1,
			.pending = true,
		};
		/* One that waits, or is active, and has no list register is ours. */
		bool ours = irq->lr || !(irq->pending || irq->active);

		gic_host_set_sgi(vcpu, n, ours && is_enabled(gic, irq) ? &lr : NULL, irq->lr);
	}
}

static void fill_vtimer(struct gic *gic, struct vcpu *vcpu)
{
	struct gic_irq *irq = &vcpu->gic.private[GIC_PPI_VTIMER];
	struct gic_lr lr = {
		.intid = irq->intid,
		.priority = irq->priority,
		.group1 = irq->group1,
		.hw = true,
		.hw_intid = irq->hw_intid,
		.pending = true,
	};
	/* The line is as it was when the guest stopped. */
	bool ours = irq->lr || !(irq->pending || irq->active || irq->level);

	gic_host_set_vtimer(vcpu, ours && is_enabled(gic, irq) ? &lr : NULL, irq->lr);
}

/* What EL2 does with those that it may make pending itself. */
static void fill_el2s(struct gic *gic, struct vcpu *vcpu)
{
	if (vcpu->gic.sgis_changed)
		fill_sgis(gic, vcpu);
	if (vcpu->gic.vtimer_changed)
		fill_vtimer(gic, vcpu);
	vcpu->gic.sgis_changed = false;
	vcpu->gic.vtimer_changed = false;
}

/* What there is besides those that were taken out of it. */
static void look_at_left(const struct queue *q, struct gic_left *left)
{
	unsigned int word;

	for (word = 0; word < GIC_NR_WORDS; word++) {
		unsigned long group1 = group1_of(q->vcpu, word);
		unsigned long kept = q->irqs[word] & kept_back(q->vcpu, word, q->groups);

		left->pending |= !!candidates(q, word);
		left->active |= !!(q->irqs[word] & q->vcpu->gic.active[word]);
		left->groups |= (kept & ~group1 ? BIT(0) : 0) | (kept & group1 ? BIT(1) : 0);
	}
}

/*
 * There are more than list registers: the highest priorities, and one at least that the
 * guest can acknowledge.  With EOImode 1 those that are active need not keep the others
 * back.
 */
static noinline void choose(struct vcpu *vcpu, u32 groups, struct gic_left *left)
{
	struct gic_irq **irqs = vcpu->gic.lr_irqs, *best;
	struct queue q = { .vcpu = vcpu, .groups = groups };
	unsigned int n = gic_host_nr_lrs(), i;
	bool found = false;

	for (i = 0; i < GIC_NR_WORDS; i++)
		q.irqs[i] = ready_of(vcpu, i);
	queue_init(&q);
	for (i = 0; i < n; i++) {
		irqs[i] = queue_take(&q);
		found |= !irqs[i]->active && groups & BIT(irqs[i]->group1);
	}
	best = found ? NULL : queue_take_candidate(&q);
	if (best) {
		__set_bit(irqs[n - 1]->intid, q.irqs);
		irqs[n - 1] = best;
	}
	look_at_left(&q, left);
}

/* All that should be, as far as there is room; how many, or that there are more. */
static unsigned int gather(struct gic *gic, struct vcpu *vcpu)
{
	struct gic_vcpu *g = &vcpu->gic;
	unsigned int n = gic_host_nr_lrs(), count = 0, word;

	for (word = 0; word * BITS_PER_LONG < gic->nr_irqs; word++) {
		unsigned long irqs = g->ready[word] ? ready_of(vcpu, word) : 0;

		for (; irqs; irqs &= irqs - 1) {
			if (count == n)
				return n + 1;
			g->lr_irqs[count++] = gic_irq_of(gic, vcpu, word * BITS_PER_LONG +
								    __ffs(irqs));
		}
	}
	return count;
}

static void fill(struct gic *gic, struct vcpu *vcpu)
{
	struct gic_vcpu *g = &vcpu->gic;
	unsigned int count = gather(gic, vcpu), n = gic_host_nr_lrs(), i;
	struct gic_left left = { 0 };

	/* A GICv2 looks at the highest priority alone, whatever its group (IHI 0048B 3.7). */
	if (unlikely(count > n))
		choose(vcpu, gic->version == 3 ? gic_host_groups(vcpu) : BIT(0) | BIT(1), &left);
	g->used = min(count, n);
	for (i = 0; i < g->used; i++) {
		struct gic_irq *irq = g->lr_irqs[i];
		struct gic_lr lr = lr_of(gic, irq);

		irq->lr = i + 1;
		if (gic_irq_is_el2s(irq))
			note_el2s(irq);
		g->given[i] = lr.pending;
		/* The latch is in the list register now: another edge may come. */
		if (lr.pending && irq->edge)
			irq->pending = false;
		gic_host_set_lr(vcpu, i, &lr);
		trace_armvcpu_irq(vcpu, &lr);
	}
	gic_host_set_control(vcpu, g->used, &left);
	if (unlikely(gic->nr_passed))
		fill_passed(gic, vcpu);
	if ((g->sgis_changed || g->vtimer_changed) && gic->version == 3 && !gic_host_is_v2())
		fill_el2s(gic, vcpu);
}

/*
 * The guest has dropped the priority of some that were in no list register.  Not inline: some
 * kernels clear what is on the stack, each time.
 */
static noinline void deactivate_others(struct gic *gic, struct vcpu *vcpu, unsigned int count)
{
	/* Priorities alone count: neither group is kept back. */
	struct queue q = { .vcpu = vcpu, .groups = BIT(0) | BIT(1) };
	struct gic_vcpu *g = &vcpu->gic;
	struct gic_irq *irq;
	unsigned int i;

	for (i = 0; i < GIC_NR_WORDS; i++)
		q.irqs[i] = g->ready[i] & g->active[i];
	for (i = 0; i < g->used; i++)
		__clear_bit(g->lr_irqs[i]->intid, q.irqs);
	queue_init(&q);
	for (; count && (irq = queue_take(&q)); count--) {
		irq->active = false;
		gic_note_end(vcpu, irq);
		gic_update(gic, irq);
	}
}

/*
 * An interrupt of the host's, from a list register: when the guest has deactivated
 * it, so has the hardware the host's.  @again: which has been taken once more since.
 * @waits: behind one that was active there was another, of the guest's making, or that
 * came after Linux had masked the host's, which deactivates it.
 */
static void fold_passed(struct gic_irq *irq, const struct gic_lr *lr, bool again, bool waits)
{
	irq->active = lr->active;
	irq->pending = lr->pending || again || waits;
	irq->taken = lr->active || lr->pending || again;
	irq->again = false;
}

/* Those that EL2 has put into list registers itself. */
static void fold_taken(struct gic *gic, struct vcpu *vcpu)
{
	unsigned int i, n;

	for (i = 0; i < gic->nr_passed; i++) {
		struct gic_irq *irq = gic->passed[i];
		struct gic_lr lr;

		n = gic_host_passed_lr(vcpu, i);
		if (n <= vcpu->gic.used)
			continue;
		gic_host_get_lr(vcpu, n - 1, &lr);
		/* Nothing of it was pending before, so what is now came meanwhile. */
		fold_passed(irq, &lr, irq->pending, false);
		/* Who has acknowledged it has to deactivate it. */
		if (irq->active)
			set_owner(irq, vcpu);
		gic_update(gic, irq);
	}
}

/* Private ones that EL2 has put into list registers, behind those of fill(). */
static void fold_private(struct gic *gic, struct vcpu *vcpu)
{
	unsigned int i;

	for (i = vcpu->gic.used; i < vcpu->hyp->gic.used; i++) {
		u32 intid = gic_host_lr_intid(vcpu, i);
		struct gic_irq *irq;
		struct gic_lr lr;

		if (intid >= GIC_NR_PRIVATE)
			continue;
		irq = &vcpu->gic.private[intid];
		gic_host_get_lr(vcpu, i, &lr);
		irq->active = lr.active;
		if (irq->hw)
			timer_taken(lr.active || lr.pending);
		else if (lr.pending)
			irq->pending = true;
		gic_update(gic, irq);
	}
}

static void fold(struct gic *gic, struct vcpu *vcpu)
{
	struct gic_vcpu *g = &vcpu->gic;
	unsigned int i, n;

	n = gic_host_eoi_count(vcpu);
	if (unlikely(n))
		deactivate_others(gic, vcpu, n);
	for (i = 0; i < g->used; i++) {
		struct gic_irq *irq = g->lr_irqs[i];
		struct gic_lr lr;

		gic_host_get_lr(vcpu, i, &lr);
		irq->lr = 0;
		if (gic_irq_is_el2s(irq))
			note_el2s(irq);
		irq->active = lr.active;
		/* The host's has been deactivated with it, or not. */
		if (irq->hw && irq->home)
			timer_taken(lr.active || lr.pending);
		if (irq->host_irq) {
			fold_passed(irq, &lr, irq->again, irq->pending && !g->given[i]);
		} else if (irq->intid < GIC_NR_SGIS && gic->version == 2) {
			if (lr.pending)
				irq->sources |= BIT(lr.source);
			if (lr.active)
				irq->active_source = lr.source;
		} else if (lr.pending) {
			/* Of a level-sensitive one the latch has not moved. */
			if (irq->edge)
				irq->pending = true;
		} else if (g->given[i] && !irq->edge) {
			irq->pending = false;
		}
		if (!lr.active && !lr.pending)
			gic_note_end(vcpu, irq);
		gic_update(gic, irq);
	}
	fold_taken(gic, vcpu);
	if (vcpu->hyp->gic.used > g->used && gic->version == 3)
		fold_private(gic, vcpu);
	g->used = 0;
}

/**
 * gic_fill() - what is ready into the list registers, if that has changed
 * @vcpu: the vCPU, about to enter the guest.  Interrupts are off.
 */
void gic_fill(struct vcpu *vcpu)
{
	struct gic *gic = vcpu->vm->gic;

	raw_spin_lock(&gic->lock);
	vcpu->gic.changed = false;
	fill(gic, vcpu);
	raw_spin_unlock(&gic->lock);
}

static void collect(struct gic *gic, struct vcpu *vcpu)
{
	unsigned long posted = xchg(&vcpu->hyp->posted, 0);
	unsigned int n;

	for_each_set_bit(n, &posted, GIC_NR_SGIS) {
		vcpu->gic.private[n].pending = true;
		gic_update(gic, &vcpu->gic.private[n]);
	}
}

/**
 * gic_collect() - SGIs that siblings have sent at EL2, into the state
 * @vcpu: the vCPU, out of the guest.  Interrupts are off.
 */
void gic_collect(struct vcpu *vcpu)
{
	struct gic *gic = vcpu->vm->gic;

	raw_spin_lock(&gic->lock);
	collect(gic, vcpu);
	raw_spin_unlock(&gic->lock);
}

/*
 * This one has sent some, and their vCPUs are not in the guest.  Each has to be woken up,
 * which takes its time: interrupts of the host's may come in between.
 */
static void deliver(struct gic *gic)
{
	unsigned long flags;
	u32 i;

	raw_spin_lock_irqsave(&gic->lock, flags);
	for (i = 0; i < gic->max_vcpus; i++) {
		if (!gic->vcpus[i] || !READ_ONCE(gic->vcpus[i]->hyp->posted))
			continue;
		collect(gic, gic->vcpus[i]);
		gic_breathe(gic, &flags);
	}
	raw_spin_unlock_irqrestore(&gic->lock, flags);
}

/**
 * gic_later() - what an exit has left for when interrupts are on
 * @vcpu: the vCPU, in its own thread, out of the guest.  May sleep.
 */
void gic_later(struct vcpu *vcpu)
{
	struct gic_vcpu *g = &vcpu->gic;

	g->later = false;
	if (g->deliver)
		deliver(vcpu->vm->gic);
	g->deliver = false;
	resample(vcpu);
}

/**
 * gic_empty() - what the list registers say, back into the state
 * @vcpu: the vCPU, out of the guest; some are in use.  Interrupts are off.
 */
void gic_empty(struct vcpu *vcpu)
{
	struct gic *gic = vcpu->vm->gic;
	u32 stray = gic_host_stray(vcpu);

	if (unlikely(stray))
		pass_stray(stray - 1);
	raw_spin_lock(&gic->lock);
	if (vcpu->hyp->gic.used) {
		/* All of them again; and there is nobody to notify of what we find here. */
		vcpu->gic.changed = true;
		fold(gic, vcpu);
	}
	if (vcpu->hyp->gic.news & HYP_GIC_KICK) {
		vcpu->gic.deliver = true;
		vcpu->gic.later = true;
	}
	vcpu->hyp->gic.news = 0;
	raw_spin_unlock(&gic->lock);
}

/**
 * gic_cpu_access() - an access to the CPU interface of a GICv2 that traps
 * @vcpu: the vCPU, in its own thread, out of the guest.
 * @offset: of the register, less than GIC_V2_DIR.
 * @write: direction.
 * @data: in or out.
 *
 * The hardware does it.  It is a slice of the guest's without the guest, and whoever
 * freezes it waits for that as for any other.
 *
 * Return: 0; -EAGAIN: it is frozen, and nothing has happened.
 */
int gic_cpu_access(struct vcpu *vcpu, u32 offset, bool write, u64 *data)
{
	struct hyp_vcpu *hyp = vcpu->hyp;
	unsigned long flags;
	bool frozen;

	local_irq_save(flags);
	/* Mirrored in gic_freeze(). */
	smp_store_mb(vcpu->in_guest, true);
	frozen = atomic_read(&vcpu->vm->frozen);
	if (!frozen) {
		gic_enter(vcpu, hyp);
		gic_host_cpu_access(offset, write, data);
		/* Not gic_exit(): nothing new is known of the virtual timer. */
		gic_host_leave(vcpu);
		if (hyp->gic.used)
			gic_empty(vcpu);
	}
	/* With all that is in memory now, to gic_freeze(). */
	smp_store_release(&vcpu->in_guest, false);
	local_irq_restore(flags);
	return frozen ? -EAGAIN : 0;
}

/**
 * gic_take_passed() - an interrupt of the host's that is passed through has come
 * @vm: the VM.
 * @intid: INTID of the guest's.
 * @hw_intid: of the host's, which stays active.
 *
 * In any context.
 */
void gic_take_passed(struct vm *vm, u32 intid, u32 hw_intid)
{
	struct gic *gic = vm->gic;
	struct gic_irq *irq = gic_irq_of(gic, NULL, intid);
	unsigned long flags;

	raw_spin_lock_irqsave(&gic->lock, flags);
	if (irq->host_irq && irq->hw_intid == hw_intid) {
		irq->taken = true;
		/* What the list register says of it is of the time before. */
		if (irq->lr)
			irq->again = true;
		else
			irq->pending = true;
		gic_update(gic, irq);
	}
	raw_spin_unlock_irqrestore(&gic->lock, flags);
}

/**
 * gic_vcpu_pending() - is there an interrupt that ends a WFI?
 * @vcpu: the vCPU; not in the guest.
 *
 * PSTATE does not matter, the priority mask and the enable bits of the CPU
 * interface do (Arm ARM D1.6.2; IHI0069 4.8.5).
 */
bool gic_vcpu_pending(struct vcpu *vcpu)
{
	struct gic *gic = vcpu->vm->gic;
	struct gic_vcpu *g = &vcpu->gic;
	unsigned long flags;
	u32 groups = gic_host_groups(vcpu);
	unsigned int word, intid;
	bool found = false;

	raw_spin_lock_irqsave(&gic->lock, flags);
	for (word = 0; word * BITS_PER_LONG < gic->nr_irqs && !found; word++) {
		unsigned long irqs = g->ready[word] & ~g->active[word];
		struct gic_irq *irq;

		if (irqs)
			irqs &= ready_of(vcpu, word) & ~kept_back(vcpu, word, groups);
		if (!irqs)
			continue;
		first_of(vcpu, word, irqs, groups, &intid);
		irq = gic_irq_of(gic, vcpu, intid);
		found = gic_host_takes(vcpu, irq->group1, irq->priority);
	}
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	return found;
}

/* ---- all vCPUs out of the guest ---------------------------------------- */

/**
 * gic_freeze() - no vCPU is in the guest: what is in memory is the state
 * @vm: the VM.  May sleep.
 *
 * A vCPU that is in the guest comes out; none goes in before gic_thaw().
 */
void gic_freeze(struct vm *vm)
{
	u32 i;

	mutex_lock(&vm->vcpus_lock);
	atomic_inc(&vm->frozen);
	/* Mirrored in vcpu_enter(). */
	smp_mb();
	for (i = 0; i < vm->nr_vcpus; i++) {
		struct vcpu *vcpu = vm->vcpus[i];

		/* One that is not in there, or asleep, stays as it is. */
		if (!vcpu || !smp_load_acquire(&vcpu->in_guest))
			continue;
		vcpu_kick(vcpu);
		/* A few microseconds: it runs with interrupts off, which the kick ends. */
		while (smp_load_acquire(&vcpu->in_guest))
			cpu_relax();
	}
	mutex_unlock(&vm->vcpus_lock);
}

/**
 * gic_thaw() - vCPUs may run again
 * @vm: the VM.
 */
void gic_thaw(struct vm *vm)
{
	if (atomic_dec_and_test(&vm->frozen))
		wake_up_all(&vm->thawed);
}

/* ---- interrupts of the host's ------------------------------------------ */

/**
 * gic_can_bind() - can an SPI of the guest's be one of the host's?
 * @vm: the VM; it has a GIC.
 * @intid: an SPI that there is.
 *
 * The caller serialises this, gic_bind() and gic_unbind().
 *
 * Return: 0, -EEXIST (it is one already), -ENOSPC (too many are).
 */
int gic_can_bind(struct vm *vm, u32 intid)
{
	if (gic_irq_of(vm->gic, NULL, intid)->host_irq)
		return -EEXIST;
	return vm->gic->nr_passed == HYP_MAX_PASSED ? -ENOSPC : 0;
}

/**
 * gic_bind() - an SPI of the guest's is an interrupt of the host's from now on
 * @vm: the VM.  May sleep.
 * @intid: an SPI; gic_can_bind() says yes.
 * @hw_intid: INTID of the host's, which is not enabled yet.
 * @host_irq: Linux' number of it.
 * @mask: see struct hyp_passed; 0: EL2 leaves it to the host.
 */
void gic_bind(struct vm *vm, u32 intid, u32 hw_intid, unsigned int host_irq, u8 mask)
{
	struct gic *gic = vm->gic;
	struct gic_irq *irq = gic_irq_of(gic, NULL, intid);
	unsigned long flags;

	gic_freeze(vm);
	raw_spin_lock_irqsave(&gic->lock, flags);
	gic->passed[gic->nr_passed++] = irq;
	irq->hw = true;
	irq->taken = false;
	irq->again = false;
	irq->hw_intid = hw_intid;
	irq->host_irq = host_irq;
	irq->host_mask = mask;
	/* Its line is the host's. */
	irq->level = false;
	gic_update(gic, irq);
	gic_refill(gic, &flags);
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	gic_thaw(vm);
}

/**
 * gic_unbind() - an SPI of the guest's is its own again
 * @vm: the VM.  May sleep.
 * @intid: an SPI from gic_bind().
 *
 * What is pending or active of it stays.  The host's may be active.
 */
void gic_unbind(struct vm *vm, u32 intid)
{
	struct gic *gic = vm->gic;
	struct gic_irq *irq = gic_irq_of(gic, NULL, intid);
	unsigned long flags;
	u32 i;

	gic_freeze(vm);
	raw_spin_lock_irqsave(&gic->lock, flags);
	for (i = 0; gic->passed[i] != irq; i++)
		;
	gic->passed[i] = gic->passed[--gic->nr_passed];
	irq->hw = false;
	irq->taken = false;
	irq->host_irq = 0;
	gic_update(gic, irq);
	gic_refill(gic, &flags);
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	gic_thaw(vm);
}

/**
 * gic_hold() - an interrupt of the host's: no guest ends it
 * @vm: the VM.  May sleep.
 * @intid: an SPI from gic_bind().
 *
 * The VM is frozen; what its vCPUs do outside of the guest (GICC_DIR, GICD_ICACTIVER) goes
 * on, but for what it means for the host's.  Until gic_let_go().
 */
void gic_hold(struct vm *vm, u32 intid)
{
	struct gic_irq *irq = gic_irq_of(vm->gic, NULL, intid);
	unsigned long flags;

	gic_freeze(vm);
	raw_spin_lock_irqsave(&vm->gic->lock, flags);
	irq->held = true;
	raw_spin_unlock_irqrestore(&vm->gic->lock, flags);
}

/**
 * gic_let_go() - the mirror of gic_hold()
 * @vm: the VM.
 * @intid: that SPI.
 */
void gic_let_go(struct vm *vm, u32 intid)
{
	struct gic_irq *irq = gic_irq_of(vm->gic, NULL, intid);
	unsigned long flags;

	raw_spin_lock_irqsave(&vm->gic->lock, flags);
	irq->held = false;
	gic_update(vm->gic, irq);
	raw_spin_unlock_irqrestore(&vm->gic->lock, flags);
	gic_thaw(vm);
}

/* ---- comings and goings ------------------------------------------------ */

static void irq_reset(struct gic *gic, struct gic_irq *irq)
{
	irq->priority = 0;
	irq->enabled = irq->intid < GIC_NR_SGIS && gic->version == 2;
	irq->group1 = false;
	irq->edge = irq->intid < GIC_NR_SGIS;
	irq->pending = false;
	irq->active = false;
	irq->sources = 0;
	irq->active_source = 0;
	irq->irouter = 0;
	irq->targets = irq->home ? BIT(irq->home->index) : gic->max_vcpus == 1 ? 1 : 0;
	gic_set_rank(gic, irq);
}

/**
 * gic_vcpu_reset() - the CPU interface of a core that comes out of reset
 * @vcpu: the vCPU; its lock is held.
 *
 * The redistributor is not a part of the core, and stays as it is.
 */
void gic_vcpu_reset(struct vcpu *vcpu)
{
	gic_host_reset(vcpu);
	/* What is ready has to go into the list registers again. */
	WRITE_ONCE(vcpu->gic.changed, true);
}

/**
 * gic_reset() - the whole GIC in the state of a reset; lines stay as they are
 * @vm: the VM; no vCPU runs, and their locks are held.
 */
void gic_reset(struct vm *vm)
{
	struct gic *gic = vm->gic;
	unsigned long flags;
	u32 i, n;

	raw_spin_lock_irqsave(&gic->lock, flags);
	gic_set_ctlr(gic, 0);
	for (i = 0; i < gic->max_vcpus; i++) {
		struct vcpu *vcpu = gic->vcpus[i];

		if (!vcpu)
			continue;
		for (n = 0; n < GIC_NR_PRIVATE; n++)
			irq_reset(gic, &vcpu->gic.private[n]);
		vcpu->gic.asleep = true;
		gic_host_reset(vcpu);
		vcpu->gic.changed = true;
		gic_breathe(gic, &flags);
	}
	/*
	 * Lines may be raised meanwhile: what has come before the reset is gone with it.  Not
	 * what a CPU of the host's has acknowledged and only now waits for the lock with.
	 */
	for (n = GIC_NR_PRIVATE; n < gic->nr_irqs; n++) {
		struct gic_irq *irq = &gic->spis[n - GIC_NR_PRIVATE];

		irq_reset(gic, irq);
		if (irq->host_irq) {
			gic_clear_host(irq);
			gic_update(gic, irq);
		}
		if (irq->host_irq || n % 8 == 7)
			gic_breathe(gic, &flags);
	}
	gic_update_all(gic, &flags);
	raw_spin_unlock_irqrestore(&gic->lock, flags);
}

/**
 * gic_vcpu_init() - a vCPU has got its place
 * @vcpu: the vCPU; vm->vcpus_lock is held.
 *
 * Return: 0, -ENOSPC (no redistributor, or no CPU interface, is left).
 */
int gic_vcpu_init(struct vcpu *vcpu)
{
	struct gic *gic = vcpu->vm->gic;
	struct gic_vcpu *g = &vcpu->gic;
	unsigned long flags;
	u32 i, place;

	if (!gic)
		return 0;
	if (vcpu->index >= gic->max_vcpus)
		return -ENOSPC;
	g->asleep = true;
	for (i = 0; i < GIC_NR_PRIVATE; i++) {
		struct gic_irq *irq = &g->private[i];

		irq->intid = i;
		irq->home = vcpu;
		irq_reset(gic, irq);
	}
	timer_bind(vcpu);
	gic_host_reset(vcpu);
	raw_spin_lock_irqsave(&gic->lock, flags);
	gic->vcpus[vcpu->index] = vcpu;
	place = place_of(gic, vcpu->mpidr);
	memmove(&gic->by_mpidr[place + 1], &gic->by_mpidr[place],
		(gic->nr_vcpus - place) * sizeof(*gic->by_mpidr));
	gic->by_mpidr[place] = vcpu;
	gic->nr_vcpus++;
	/* Interrupts may be routed to it already. */
	gic_update_all(gic, &flags);
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	return 0;
}

/**
 * gic_vcpu_exit() - a vCPU goes: nothing is routed to it any more
 * @vcpu: the vCPU.
 */
void gic_vcpu_exit(struct vcpu *vcpu)
{
	struct gic *gic = vcpu->vm->gic;
	unsigned long flags;
	u32 n, place;

	if (!gic)
		return;
	raw_spin_lock_irqsave(&gic->lock, flags);
	gic->vcpus[vcpu->index] = NULL;
	place = place_of(gic, vcpu->mpidr);
	gic->nr_vcpus--;
	memmove(&gic->by_mpidr[place], &gic->by_mpidr[place + 1],
		(gic->nr_vcpus - place) * sizeof(*gic->by_mpidr));
	for (n = GIC_NR_PRIVATE; n < gic->nr_irqs; n++) {
		struct gic_irq *irq = &gic->spis[n - GIC_NR_PRIVATE];

		/* Nothing becomes its own any more: those that have been looked at stay so. */
		if (irq->host_irq || n % 8 == 0)
			gic_breathe(gic, &flags);
		if (irq->owner != vcpu)
			continue;
		irq->owner = NULL;
		irq->active = false;
		gic_update(gic, irq);
	}
	raw_spin_unlock_irqrestore(&gic->lock, flags);
}

static bool overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a < b + b_size && b < a + a_size;
}

static int check_frames(struct vm *vm, const struct armvcpu_create_gic *arg)
{
	u64 dist = arg->version == 3 ? GIC_V3_DIST_SIZE : GIC_V2_DIST_SIZE;
	u64 cpu = arg->version == 3 ? (u64)arg->max_vcpus * GIC_V3_REDIST_SIZE : GIC_V2_CPU_SIZE;
	u64 end = BIT_ULL(vm->ipa_bits);

	if ((arg->dist | arg->cpu) & (SZ_64K - 1))
		return -EINVAL;
	if (arg->dist >= end || dist > end - arg->dist || arg->cpu >= end ||
	    cpu > end - arg->cpu)
		return -EINVAL;
	/* On whole pages, of whatever size the host's are. */
	if (overlap(arg->dist, SZ_64K, arg->cpu, max_t(u64, cpu, SZ_64K)))
		return -EINVAL;
	return 0;
}

static int check_arg(struct vm *vm, const struct armvcpu_create_gic *arg)
{
	if (arg->flags || arg->reserved[0] || arg->reserved[1])
		return -EINVAL;
	if (arg->version != 2 && arg->version != 3)
		return -EINVAL;
	if (arg->nr_irqs < 64 || arg->nr_irqs > 1024 || arg->nr_irqs % 32)
		return -EINVAL;
	if (!arg->max_vcpus ||
	    arg->max_vcpus > (arg->version == 2 ? GIC_V2_MAX_VCPUS : ARMVCPU_MAX_VCPUS))
		return -EINVAL;
	return check_frames(vm, arg);
}

static struct gic *gic_alloc(const struct armvcpu_create_gic *arg)
{
	struct gic *gic = kzalloc(sizeof(*gic), GFP_KERNEL_ACCOUNT);
	u32 n = arg->nr_irqs - GIC_NR_PRIVATE, i;

	if (!gic)
		return NULL;
	gic->spis = kvcalloc(n, sizeof(*gic->spis), GFP_KERNEL_ACCOUNT);
	if (!gic->spis) {
		kfree(gic);
		return NULL;
	}
	raw_spin_lock_init(&gic->lock);
	gic->version = arg->version;
	gic->nr_irqs = arg->nr_irqs;
	gic->max_vcpus = arg->max_vcpus;
	gic->dist = arg->dist;
	gic->cpu = arg->cpu;
	for (i = 0; i < n; i++) {
		gic->spis[i].intid = i + GIC_NR_PRIVATE;
		irq_reset(gic, &gic->spis[i]);
	}
	return gic;
}

static void gic_free(struct gic *gic)
{
	kvfree(gic->spis);
	kfree(gic);
}

/**
 * gic_create() - ARMVCPU_CREATE_GIC
 * @vm: the VM.
 * @arg: a copy of the caller's.
 *
 * Return: 0 or an error of the ioctl, and nothing has changed.
 */
int gic_create(struct vm *vm, const struct armvcpu_create_gic *arg)
{
	struct gic *gic;
	int ret;

	ret = check_arg(vm, arg);
	if (ret)
		return ret;
	if (!(gic_host_versions() >> arg->version & 1))
		return -EOPNOTSUPP;
	if (READ_ONCE(vm->dead))
		return -ENODEV;
	gic = gic_alloc(arg);
	if (!gic)
		return -ENOMEM;

	mutex_lock(&vm->lock);
	mutex_lock(&vm->vcpus_lock);
	down_write(&vm->slots_lock);
	if (vm->gic)
		ret = -EEXIST;
	else if (vm->nr_vcpus)
		ret = -EBUSY;
	else if (memslot_overlaps(vm, gic->dist, SZ_64K) ||
		 memslot_overlaps(vm, gic->cpu, gic_cpu_size(gic)) ||
		 ioeventfd_overlaps(vm, gic->dist, SZ_64K) ||
		 ioeventfd_overlaps(vm, gic->cpu, gic_cpu_size(gic)) ||
		 posted_overlaps(vm, gic->dist, SZ_64K) ||
		 posted_overlaps(vm, gic->cpu, gic_cpu_size(gic)))
		ret = -EEXIST;
	else
		ret = gic_host_map(vm, gic);
	if (!ret) {
		gic_show(vm, gic);
		/* Complete, for who looks without a lock. */
		smp_store_release(&vm->gic, gic);
		if (gic->version == 3)
			idregs_show_gicv3(vm);
	}
	up_write(&vm->slots_lock);
	mutex_unlock(&vm->vcpus_lock);
	mutex_unlock(&vm->lock);
	if (ret)
		gic_free(gic);
	return ret;
}

/**
 * gic_destroy() - the VM goes
 * @vm: the VM; none of its vCPUs is left.
 */
void gic_destroy(struct vm *vm)
{
	if (vm->gic)
		gic_free(vm->gic);
}

/* Whose interrupts nobody else drives. */
static bool is_timers(u32 intid)
{
	return intid == GIC_PPI_VTIMER || intid == GIC_PPI_PTIMER;
}

/**
 * gic_irq_ioctl() - ARMVCPU_SET_IRQ
 * @vm: the VM.
 * @argp: struct armvcpu_irq of the caller.
 *
 * Return: 0 or an error of the ioctl.
 */
int gic_irq_ioctl(struct vm *vm, void __user *argp)
{
	struct armvcpu_irq arg;
	int ret = -ENOENT;
	u32 i;

	if (copy_from_user(&arg, argp, sizeof(arg)))
		return -EFAULT;
	if (!READ_ONCE(vm->gic))
		return -ENXIO;
	if (arg.flags || arg.reserved || arg.level > 1 || is_timers(arg.intid))
		return -EINVAL;
	if (arg.intid >= GIC_NR_PRIVATE)
		return arg.mpidr ? -EINVAL : gic_set_line(vm, NULL, arg.intid, arg.level);
	if (arg.intid < GIC_NR_SGIS)
		return -EINVAL;
	mutex_lock(&vm->vcpus_lock);
	for (i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpus[i] && vm->vcpus[i]->mpidr == arg.mpidr)
			ret = gic_set_line(vm, vm->vcpus[i], arg.intid, arg.level);
	mutex_unlock(&vm->vcpus_lock);
	return ret;
}

/* A line in one number, which fits in a register and stays what it is. */
#define LINE_LEVEL		GENMASK(1, 0)
#define LINE_INTID(line)	((line) >> 2)
#define LINE_BAD		U32_MAX

static u32 read_line(struct vcpu *vcpu, u32 i)
{
	u32 intid = READ_ONCE(vcpu->run->lines[i].intid);
	u32 level = READ_ONCE(vcpu->run->lines[i].level);

	/* Of the VMM's making: not a timer's, an SGI, or nobody's. */
	if (level > ARMVCPU_LINE_PULSE || intid < GIC_NR_SGIS || intid >= GIC_MAX_INTID ||
	    intid >= vcpu->vm->gic->nr_irqs || is_timers(intid))
		return LINE_BAD;
	return intid << 2 | level;
}

static void run_line(struct vcpu *vcpu, u32 line)
{
	struct gic *gic = vcpu->vm->gic;
	struct gic_irq *irq = gic_irq_of(gic, vcpu, LINE_INTID(line));

	/* It may have become one of the host's in between: as if that had been later. */
	if (irq->host_irq)
		return;
	if ((line & LINE_LEVEL) != ARMVCPU_LINE_PULSE) {
		set_line(gic, irq, line & LINE_LEVEL);
	} else if (irq->edge) {
		irq->pending = true;
		gic_update(gic, irq);
	}
}

/**
 * gic_run_lines() - the lines that the VMM wants to be set before the guest runs
 * @vcpu: the vCPU, in RUN.
 *
 * Return: 0; -ENXIO, -EINVAL (also an interrupt of the host's), and none has been set.  An
 * interrupt that becomes one of the host's meanwhile is left alone: as if it had then.
 */
int gic_run_lines(struct vcpu *vcpu)
{
	u32 n = READ_ONCE(vcpu->run->nr_lines), lines[ARMVCPU_RUN_LINES], i;
	struct gic *gic = vcpu->vm->gic;
	unsigned long flags;
	int ret = 0;

	if (n > ARMVCPU_RUN_LINES)
		return -EINVAL;
	if (!gic)
		return -ENXIO;
	for (i = 0; i < n; i++) {
		lines[i] = read_line(vcpu, i);
		if (lines[i] == LINE_BAD)
			return -EINVAL;
	}
	raw_spin_lock_irqsave(&gic->lock, flags);
	for (i = 0; i < n; i++)
		if (gic_irq_of(gic, vcpu, LINE_INTID(lines[i]))->host_irq)
			ret = -EINVAL;
	for (i = 0; !ret && i < n; i++) {
		run_line(vcpu, lines[i]);
		/* Each may be for another vCPU, which is woken up. */
		if (i % 2)
			gic_breathe(gic, &flags);
	}
	raw_spin_unlock_irqrestore(&gic->lock, flags);
	if (!ret)
		WRITE_ONCE(vcpu->run->nr_lines, 0);
	return ret;
}
