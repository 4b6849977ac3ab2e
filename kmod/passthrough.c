// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts of the host's that are passed through to a guest.
 *
 * The device's interrupt is requested as a driver would, and so nobody else's; Linux
 * knows that it is forwarded, and leaves its end to somebody else.  It is sent to a
 * CPU that the host does not schedule on.  If the guest that it is for runs there,
 * EL2 puts it into a list register and goes on with the guest (hyp/gic.c): the host
 * has no part in it.  If not, or where EL2 cannot (a GICv2), it is Linux' interrupt,
 * whose handler here makes it the guest's.  Either way it stays active until the guest
 * deactivates it, which the list register does in the host's GIC, too.
 *
 * All other interrupts of that CPU stay the host's: its timer's, IPIs, those of other
 * devices.  They end the guest's slice as anywhere, so the host has the CPU whenever it
 * wants it.  Nothing here has to be undone before a CPU goes offline, the machine
 * reboots or sleeps: for that, it is a device's interrupt like any other.
 */
#include <linux/acpi.h>
#include <linux/capability.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/of.h>
#include <linux/of_address.h>
#include <linux/rculist.h>
#include <linux/sched/isolation.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <asm/cpufeature.h>
#include <asm/cputype.h>

#include "kmod.h"
#include "madt.h"

/* The distributor (IHI 0048B 4.3, IHI 0069 12.9). */
#define GICD_CTLR		0x000
#define GICD_CTLR_DS		BIT(6)
#define GICD_TYPER		0x004
#define GICD_IPRIORITYR(intid)	(0x400 + (intid))
#define GICD_SIZE		0x800	/* as much of it as is used here */
#define TYPER_NR_INTIDS(typer)	((((typer) & 0x1f) + 1) * 32)

/* In a device tree's interrupt specifier: an SPI. */
#define OF_GIC_SPI		0

/* The highest priority there is. */
#define PASSED_PRIORITY		0

/**
 * struct pass_irq - an interrupt of the host's that is passed through
 * @link: among all of them; for reading RCU.
 * @gone: among those that are no longer.
 * @vm: whose it is.
 * @hw_intid: INTID of the host's.
 * @intid: INTID of the guest's.
 * @irq: Linux' number of the host's.
 * @cpu: where it goes, when that CPU is online.
 * @unmapped: Linux had no number for it.
 * @untyped: Linux had no trigger type for it.
 * @priority: its priority before, or 0: it has not been changed.
 * @affinity: its CPUs before.
 */
struct pass_irq {
	struct list_head link;
	struct list_head gone;
	struct vm *vm;
	u32 hw_intid;
	u32 intid;
	unsigned int irq;
	u32 cpu;
	bool unmapped;
	bool untyped;
	u8 priority;
	cpumask_var_t affinity;
};

/* Who adds and removes.  Within it cpus_read_lock(). */
static DEFINE_MUTEX(pass_mutex);
static LIST_HEAD(pass_irqs);

static void route_again(struct work_struct *work);
static DECLARE_WORK(pass_work, route_again);

/**
 * struct pass_host - the host's interrupt controller
 * @domain: of its interrupts; NULL: nothing can be passed through.
 * @gicd: its distributor.
 * @nr_intids: private interrupts and SPIs.
 * @direct: EL2 can hand interrupts to the guest.
 * @raw: the distributor shows priorities as the non-secure side sees them, and the CPU
 *	interface as they are.
 */
static struct pass_host {
	struct irq_domain *domain;
	void __iomem *gicd;
	u32 nr_intids;
	bool direct;
	bool raw;
} pass_host __read_mostly;

/**
 * pass_flags() - flags that ARMVCPU_PASS_IRQ takes, 0: the host cannot do it
 */
u32 pass_flags(void)
{
	return pass_host.domain ? ARMVCPU_PASS_IRQ_FLAGS : 0;
}

/**
 * pass_is_direct() - do interrupts reach a guest without the host?
 */
bool pass_is_direct(void)
{
	return pass_host.direct;
}

static irqreturn_t pass_handler(int irq, void *data)
{
	struct pass_irq *pass = data;

	gic_take_passed(pass->vm, pass->intid, pass->hw_intid);
	return IRQ_HANDLED;
}

/**
 * pass_stray() - EL2 has acknowledged an interrupt that is not of the guest that ran
 * @hw_intid: its INTID.  It is active, its priority has been dropped.
 *
 * Two of different guests came to one CPU, which happens when that of one of them has
 * gone offline.  Interrupts are off.
 */
void pass_stray(u32 hw_intid)
{
	struct pass_irq *pass;
	unsigned int irq;

	list_for_each_entry_rcu(pass, &pass_irqs, link) {
		if (pass->hw_intid == hw_intid) {
			gic_take_passed(pass->vm, pass->intid, hw_intid);
			return;
		}
	}
	/* Nobody's (any more): it comes once more, and is the host's then. */
	irq = irq_find_mapping(pass_host.domain, hw_intid);
	if (!irq)
		return;
	irq_set_irqchip_state(irq, IRQCHIP_STATE_PENDING, true);
	irq_set_irqchip_state(irq, IRQCHIP_STATE_ACTIVE, false);
}

/* ---- one interrupt ----------------------------------------------------- */

/* The host's scheduler keeps away, or its tick does.  The masks may change (RCU). */
static bool is_isolated(unsigned int cpu)
{
	bool ret;

	rcu_read_lock();
	ret = !housekeeping_test_cpu(cpu, HK_TYPE_DOMAIN) ||
	      !housekeeping_test_cpu(cpu, HK_TYPE_TICK);
	rcu_read_unlock();
	return ret;
}

/* With cpus_read_lock(). */
static int check_cpu(u32 cpu)
{
	if (cpu >= nr_cpu_ids || !cpu_online(cpu)) {
		pr_info_ratelimited("%s[%d]: no interrupt is passed to CPU%u: it is not online\n",
				    current->comm, current->pid, cpu);
		return -ENXIO;
	}
	if (!is_isolated(cpu)) {
		pr_info_ratelimited("%s[%d]: no interrupt is passed to CPU%u, which the host uses: boot with isolcpus=%u or nohz_full=%u\n",
				    current->comm, current->pid, cpu, cpu, cpu);
		return -EACCES;
	}
	return 0;
}

/* MSI_TYPER of a GICv2m frame (SBSA, appendix E): the first SPI, and how many. */
#define MSI_TYPER		0x008
#define TYPER_BASE(typer)	((typer) >> 16 & 0x3ff)
#define TYPER_COUNT(typer)	((typer) & 0x3ff)

static bool is_in_frame(struct device_node *node, u32 hw_intid)
{
	u32 base, count, typer;
	void __iomem *frame;

	if (of_property_read_u32(node, "arm,msi-base-spi", &base) ||
	    of_property_read_u32(node, "arm,msi-num-spis", &count)) {
		frame = of_iomap(node, 0);
		if (!frame)
			return false;
		typer = readl_relaxed(frame + MSI_TYPER);
		iounmap(frame);
		base = TYPER_BASE(typer);
		count = TYPER_COUNT(typer);
	}
	return hw_intid - base < count;
}

/*
 * Those of a GICv2m, or that a GICv3 makes of writes to GICD_SETSPI (mbi-ranges): Linux
 * gives them to devices as these ask, and there is no sign of it before.
 */
static bool carries_messages(u32 hw_intid)
{
	struct device_node *gic = to_of_node(pass_host.domain->fwnode), *frame;
	u32 i, base, count;
	bool found = false;

	for (i = 0; !found && !of_property_read_u32_index(gic, "mbi-ranges", i, &base) &&
	     !of_property_read_u32_index(gic, "mbi-ranges", i + 1, &count); i += 2)
		found = hw_intid - base < count;
	for_each_child_of_node(gic, frame)
		if (of_device_is_compatible(frame, "arm,gic-v2m-frame"))
			found = found || is_in_frame(frame, hw_intid);
	return found;
}

/* By its number in the GIC to Linux' own, which need not have one yet. */
static unsigned int map_irq(struct pass_irq *pass, unsigned int type)
{
	struct irq_fwspec spec = { .fwnode = pass_host.domain->fwnode };

	if (is_of_node(spec.fwnode)) {
		spec.param_count = 3;
		spec.param[0] = OF_GIC_SPI;
		spec.param[1] = pass->hw_intid - GIC_NR_PRIVATE;
		spec.param[2] = type;
	} else {
		spec.param_count = 2;
		spec.param[0] = pass->hw_intid;
		spec.param[1] = type;
	}
	return irq_create_fwspec_mapping(&spec);
}

/*
 * Of another controller's: one that makes interrupts of messages, or of some lines one
 * (which takes it without a request).
 */
static bool is_anothers(unsigned int irq)
{
	const struct irq_data *data = irq_get_irq_data(irq);

	return !data || data->domain != pass_host.domain ||
	       irq_check_status_bit(irq, IRQ_NOREQUEST);
}

static int find_irq(struct pass_irq *pass, bool edge)
{
	unsigned int type = edge ? IRQ_TYPE_EDGE_RISING : IRQ_TYPE_LEVEL_HIGH, is = IRQ_TYPE_NONE;

	pass->irq = irq_find_mapping(pass_host.domain, pass->hw_intid);
	pass->unmapped = !pass->irq;
	if (pass->irq && is_anothers(pass->irq)) {
		pr_info_ratelimited("%s[%d]: SPI %u is another interrupt controller's (/proc/interrupts)\n",
				    current->comm, current->pid, pass->hw_intid);
		return -EBUSY;
	}
	if (pass->irq)
		is = irq_get_trigger_type(pass->irq);
	if (is != IRQ_TYPE_NONE && is != type) {
		pr_info_ratelimited("%s[%d]: SPI %u is %s-triggered in the host\n",
				    current->comm, current->pid, pass->hw_intid,
				    edge ? "level" : "edge");
		return -EINVAL;
	}
	pass->untyped = is == IRQ_TYPE_NONE;
	pass->irq = map_irq(pass, type);
	if (!pass->irq)
		return -ENOMEM;
	/*
	 * Linux does not tell if it has had no memory to find it by its number in the GIC
	 * (irq_domain_set_mapping()), and neither would forget_mapping() know it again.
	 */
	if (irq_find_mapping(pass_host.domain, pass->hw_intid) != pass->irq) {
		/* One that was there before is its owner's, who has just given it up. */
		if (pass->unmapped)
			irq_dispose_mapping(pass->irq);
		return -ENOMEM;
	}
	return 0;
}

static int request(struct pass_irq *pass)
{
	int ret;

	ret = request_irq(pass->irq, pass_handler, IRQF_NO_THREAD | IRQF_NO_AUTOEN,
			  "armvcpu-passed", pass);
	if (ret == -EBUSY)
		pr_info_ratelimited("%s[%d]: SPI %u is in use by a driver of the host (/proc/interrupts): unbind it first\n",
				    current->comm, current->pid, pass->hw_intid);
	else if (ret)
		pr_info_ratelimited("%s[%d]: SPI %u cannot be requested, or not as %s-triggered: %d\n",
				    current->comm, current->pid, pass->hw_intid,
				    irq_get_trigger_type(pass->irq) & IRQ_TYPE_LEVEL_MASK ?
				    "level" : "edge", ret);
	return ret;
}

static u8 read_priority(u32 hw_intid)
{
	return readb_relaxed(pass_host.gicd + GICD_IPRIORITYR(hw_intid));
}

static void write_priority(u32 hw_intid, u8 priority)
{
	writeb_relaxed(priority, pass_host.gicd + GICD_IPRIORITYR(hw_intid));
}

/*
 * Above all of the host's interrupts, which have one priority.  A mask of that priority
 * lets this one through and none of them.  Returns the mask; 0: it cannot be.
 */
static u8 raise_priority(struct pass_irq *pass)
{
	u8 priority;

	if (!pass_host.direct)
		return 0;
	priority = read_priority(pass->hw_intid);
	if (priority == PASSED_PRIORITY)
		return 0;
	pass->priority = priority;
	write_priority(pass->hw_intid, PASSED_PRIORITY);
	if (read_priority(pass->hw_intid) != PASSED_PRIORITY)
		return 0;
	return pass_host.raw ? 0x80 | priority >> 1 : priority;
}

static void lower_priority(struct pass_irq *pass)
{
	if (pass->priority)
		write_priority(pass->hw_intid, pass->priority);
}

/*
 * Whoever has it next says how it is triggered, and by what domain it is found.  Not if
 * somebody has it already: Linux does not count who knows its number.
 */
static void forget_mapping(struct pass_irq *pass)
{
	if (irq_has_action(pass->irq) ||
	    irq_find_mapping(pass_host.domain, pass->hw_intid) != pass->irq)
		return;
	if (pass->unmapped) {
		irq_dispose_mapping(pass->irq);
	} else if (pass->untyped) {
		irq_modify_status(pass->irq, IRQ_TYPE_SENSE_MASK, 0);
		irqd_set_trigger_type(irq_get_irq_data(pass->irq), IRQ_TYPE_NONE);
	}
}

/* As it was found. */
static void give_back(struct pass_irq *pass)
{
	/* It may be active or, if it is an edge, pending, for nobody. */
	irq_set_irqchip_state(pass->irq, IRQCHIP_STATE_PENDING, false);
	irq_set_irqchip_state(pass->irq, IRQCHIP_STATE_ACTIVE, false);
	irq_set_vcpu_affinity(pass->irq, NULL);
	lower_priority(pass);
	irq_clear_status_flags(pass->irq, IRQ_NO_BALANCING | IRQ_DISABLE_UNLAZY);
	/* May fail, if all of these CPUs are offline: it is somewhere else then. */
	irq_set_affinity(pass->irq, pass->affinity);
	free_irq(pass->irq, pass);
	forget_mapping(pass);
}

/* Requested and forwarded, but not enabled yet. */
static int take(struct pass_irq *pass, bool edge)
{
	int ret;

	ret = find_irq(pass, edge);
	if (ret)
		return ret;
	ret = request(pass);
	if (ret) {
		/* EBUSY: somebody has just come to have it. */
		if (ret != -EBUSY)
			forget_mapping(pass);
		return ret;
	}
	cpumask_copy(pass->affinity, irq_data_get_affinity_mask(irq_get_irq_data(pass->irq)));
	/* Nobody moves it; it is masked as soon as it is disabled. */
	irq_set_status_flags(pass->irq, IRQ_NO_BALANCING | IRQ_DISABLE_UNLAZY);
	/* Forwarded: Linux does not deactivate it. */
	ret = irq_set_vcpu_affinity(pass->irq, pass);
	if (ret)
		give_back(pass);
	return ret;
}

/* No CPU goes offline between the last look and the first interrupt. */
static int start(struct pass_irq *pass)
{
	int ret;

	cpus_read_lock();
	ret = check_cpu(pass->cpu);
	if (!ret)
		ret = irq_set_affinity(pass->irq, cpumask_of(pass->cpu));
	if (!ret)
		enable_irq(pass->irq);
	cpus_read_unlock();
	return ret;
}

static void pass_free(struct pass_irq *pass)
{
	free_cpumask_var(pass->affinity);
	kfree(pass);
}

static struct pass_irq *pass_alloc(struct vm *vm, const struct armvcpu_pass_irq *arg)
{
	struct pass_irq *pass = kzalloc(sizeof(*pass), GFP_KERNEL_ACCOUNT);

	if (!pass)
		return NULL;
	if (!zalloc_cpumask_var(&pass->affinity, GFP_KERNEL_ACCOUNT)) {
		kfree(pass);
		return NULL;
	}
	pass->vm = vm;
	pass->hw_intid = arg->hw_intid;
	pass->intid = arg->intid;
	pass->cpu = arg->cpu;
	return pass;
}

/* ---- the ioctl --------------------------------------------------------- */

static struct pass_irq *find(u32 hw_intid)
{
	struct pass_irq *pass;

	list_for_each_entry(pass, &pass_irqs, link)
		if (pass->hw_intid == hw_intid)
			return pass;
	return NULL;
}

/*
 * The first half of the end, after which nobody finds it.  A handler that is at work
 * finds nothing to do, and what EL2 may just have of it, gic_unbind() waits for.
 */
static void unlink(struct pass_irq *pass, struct list_head *gone)
{
	/*
	 * Masked.  Nobody waits for the handler: that would be for the interrupt not to
	 * be active, too, which is the guest's to say.
	 */
	disable_irq_nosync(pass->irq);
	gic_unbind(pass->vm, pass->intid);
	list_del_rcu(&pass->link);
	list_add(&pass->gone, gone);
}

/* The second half. */
static void release_all(struct list_head *gone)
{
	struct pass_irq *pass, *next;

	if (list_empty(gone))
		return;
	/* Readers are the handler and pass_stray(), with interrupts off. */
	synchronize_rcu();
	list_for_each_entry_safe(pass, next, gone, gone) {
		give_back(pass);
		pass_free(pass);
	}
}

static int add(struct vm *vm, const struct armvcpu_pass_irq *arg)
{
	bool edge = arg->flags & ARMVCPU_PASS_IRQ_EDGE;
	struct pass_irq *pass;
	LIST_HEAD(gone);
	int ret;

	if (find(arg->hw_intid))
		return -EEXIST;
	ret = gic_can_bind(vm, arg->intid);
	if (ret)
		return ret;
	if (carries_messages(arg->hw_intid)) {
		pr_info_ratelimited("%s[%d]: SPI %u is one of those that carry messages (MSI)\n",
				    current->comm, current->pid, arg->hw_intid);
		return -EBUSY;
	}
	cpus_read_lock();
	ret = check_cpu(arg->cpu);
	cpus_read_unlock();
	if (ret)
		return ret;
	pass = pass_alloc(vm, arg);
	if (!pass)
		return -ENOMEM;
	ret = take(pass, edge);
	if (ret) {
		pass_free(pass);
		return ret;
	}
	gic_bind(vm, arg->intid, arg->hw_intid, pass->irq, raise_priority(pass));
	list_add_rcu(&pass->link, &pass_irqs);
	ret = start(pass);
	if (ret) {
		/* The CPU has gone since. */
		unlink(pass, &gone);
		release_all(&gone);
	}
	return ret;
}

/**
 * pass_set() - ARMVCPU_PASS_IRQ
 * @vm: the VM.
 * @arg: a copy of the caller's.
 *
 * Return: 0, or an error of the ioctl, and nothing has changed.
 */
int pass_set(struct vm *vm, const struct armvcpu_pass_irq *arg)
{
	struct gic *gic = READ_ONCE(vm->gic);
	struct pass_irq *pass;
	LIST_HEAD(gone);
	int ret;

	if (arg->flags & ~ARMVCPU_PASS_IRQ_FLAGS || arg->reserved[0] || arg->reserved[1])
		return -EINVAL;
	if (!gic)
		return -ENXIO;
	if (!pass_host.domain)
		return -EOPNOTSUPP;
	if (arg->intid < GIC_NR_PRIVATE || !gic_irq_of(gic, NULL, arg->intid))
		return -EINVAL;
	if (arg->hw_intid < GIC_NR_PRIVATE || arg->hw_intid >= pass_host.nr_intids)
		return -EINVAL;
	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;

	mutex_lock(&pass_mutex);
	if (!(arg->flags & ARMVCPU_PASS_IRQ_REMOVE)) {
		ret = add(vm, arg);
	} else {
		pass = find(arg->hw_intid);
		ret = pass && pass->vm == vm && pass->intid == arg->intid ? 0 : -ENOENT;
		if (!ret)
			unlink(pass, &gone);
		release_all(&gone);
	}
	mutex_unlock(&pass_mutex);
	return ret;
}

/**
 * pass_destroy_all() - the host has its interrupts back
 * @vm: the VM; none of its vCPUs is left, its GIC still is.
 */
void pass_destroy_all(struct vm *vm)
{
	struct pass_irq *pass, *next;
	LIST_HEAD(gone);

	mutex_lock(&pass_mutex);
	list_for_each_entry_safe(pass, next, &pass_irqs, link)
		if (pass->vm == vm)
			unlink(pass, &gone);
	release_all(&gone);
	mutex_unlock(&pass_mutex);
}

/*
 * Linux has moved it, as its CPU went offline, and leaves it where it is.  The CPU that it
 * leaves may still be at work on it: if it came on the other one meanwhile, Linux would drop
 * it, and it would stay active.  It does not come before a guest has ended it.
 */
static void route_one(struct pass_irq *pass)
{
	if (!cpu_online(pass->cpu) ||
	    cpumask_equal(irq_data_get_affinity_mask(irq_get_irq_data(pass->irq)),
			  cpumask_of(pass->cpu)))
		return;
	/* It may go offline again: then it is refused, or Linux moves it once more. */
	gic_hold(pass->vm, pass->intid);
	irq_set_affinity(pass->irq, cpumask_of(pass->cpu));
	/*
	 * Who has acknowledged it handles it without letting interrupts in.
	 * synchronize_hardirq() would not know of those that Linux has not heard of yet.
	 */
	kick_all_cpus_sync();
	gic_let_go(pass->vm, pass->intid);
}

static void route_again(struct work_struct *work)
{
	struct pass_irq *pass;

	/*
	 * Without cpus_read_lock(): a VM that is frozen would stand still for as long as a CPU
	 * takes to come up, or CPUs could not come up while one cannot be frozen.
	 */
	mutex_lock(&pass_mutex);
	list_for_each_entry(pass, &pass_irqs, link)
		route_one(pass);
	mutex_unlock(&pass_mutex);
}

/**
 * pass_cpu_up() - this CPU is back
 *
 * Not here, where a vCPU may soon have all of it.
 */
void pass_cpu_up(void)
{
	if (pass_host.domain)
		schedule_work_on(housekeeping_any_cpu(HK_TYPE_DOMAIN), &pass_work);
}

/* ---- the host ---------------------------------------------------------- */

#ifdef CONFIG_ACPI
static phys_addr_t __init acpi_gicd(void)
{
	struct acpi_table_header *table;
	struct acpi_subtable_header *entry = NULL;
	phys_addr_t base = 0;

	if (acpi_disabled || ACPI_FAILURE(acpi_get_table(ACPI_SIG_MADT, 0, &table)))
		return 0;
	while ((entry = madt_next(table, entry))) {
		if (entry->type == ACPI_MADT_TYPE_GENERIC_DISTRIBUTOR) {
			base = ((struct acpi_madt_generic_distributor *)entry)->base_address;
			break;
		}
	}
	acpi_put_table(table);
	return base;
}
#else
static phys_addr_t __init acpi_gicd(void)
{
	return 0;
}
#endif

static phys_addr_t __init find_gicd(const struct irq_domain *domain)
{
	struct resource res;

	if (!is_of_node(domain->fwnode))
		return acpi_gicd();
	return of_address_to_resource(to_of_node(domain->fwnode), 0, &res) ? 0 : res.start;
}

/* EL2 acknowledges by system registers, as the host does, and masks by priority. */
static bool __init can_be_direct(void)
{
	if (!gic_host_is_v3())
		return false;
	/* Pseudo-NMIs: not all of the host's have one priority. */
	if (system_uses_irq_prio_masking())
		return false;
	/* Cavium 23154: ICC_IAR1_EL1 has to be read in a way of its own. */
	return MIDR_IMPLEMENTOR(read_cpuid_id()) != ARM_CPU_IMP_CAVIUM;
}

/*
 * Is group 0 the non-secure side's (SCR_EL3.FIQ is clear)?  If not, the CPU interface
 * shifts the priorities of that side, and the lowest bit of a mask is lost (IHI 0069
 * 4.8.6).
 */
static bool __init sees_group0(void)
{
	unsigned int bits = (read_sysreg_s(SYS_ICC_CTLR_EL1) >> 8 & 7) + 1;
	unsigned long flags;
	u64 pmr, seen;

	local_irq_save(flags);
	pmr = read_sysreg_s(SYS_ICC_PMR_EL1);
	write_sysreg_s(BIT(8 - bits), SYS_ICC_PMR_EL1);
	isb();
	seen = read_sysreg_s(SYS_ICC_PMR_EL1);
	write_sysreg_s(pmr, SYS_ICC_PMR_EL1);
	/* The redistributor may go by it (ICC_CTLR_EL1.PMHE). */
	dsb(sy);
	local_irq_restore(flags);
	return seen;
}

/**
 * pass_init() - can the host's interrupts be passed through?  The GIC is known.
 */
void __init pass_init(void)
{
	struct irq_data *data = el2_irq_data(el2_vtimer_irq());
	phys_addr_t gicd;

	/* Without EOImode 1 in the host, nothing can be left to a guest to deactivate. */
	if (!gic_host_versions() || !data || !data->domain || !data->domain->fwnode ||
	    !data->chip->irq_set_vcpu_affinity)
		return;
	gicd = find_gicd(data->domain);
	if (gicd)
		pass_host.gicd = ioremap(gicd, GICD_SIZE);
	if (!pass_host.gicd)
		return;
	pass_host.nr_intids = min_t(u32, GIC_MAX_INTID,
				    TYPER_NR_INTIDS(readl_relaxed(pass_host.gicd + GICD_TYPER)));
	pass_host.direct = can_be_direct();
	pass_host.raw = pass_host.direct && sees_group0() &&
			!(readl_relaxed(pass_host.gicd + GICD_CTLR) & GICD_CTLR_DS);
	pass_host.domain = data->domain;
}

/**
 * pass_exit() - the module goes
 */
void pass_exit(void)
{
	cancel_work_sync(&pass_work);
	if (pass_host.gicd)
		iounmap(pass_host.gicd);
}
