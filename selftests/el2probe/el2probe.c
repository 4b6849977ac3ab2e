// SPDX-License-Identifier: GPL-2.0
/*
 * What the tests of armvcpu's comings and goings need inside the kernel.  It
 * looks at EL2 by a way of its own, with a list of its own: it has the hyp-stub
 * run a few instructions that read, or plant, EL2's registers.  And it gets in
 * the other module's way, so that a load fails at a given step.
 *
 * As long as it has a stub it belongs to nobody else's tests; never on a machine
 * that matters.
 *
 * /sys/kernel/debug/el2probe/regs: CPU, register, value; EBUSY while EL2 is not
 * the stub's.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpu_pm.h>
#include <linux/debugfs.h>
#include <linux/interrupt.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_irq.h>
#include <linux/percpu.h>
#include <linux/reboot.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/barrier.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>

static bool plant;
module_param(plant, bool, 0444);
MODULE_PARM_DESC(plant, "give EL2's registers values that no kernel gives them, until unload");

static int mute = -1;
module_param(mute, int, 0444);
MODULE_PARM_DESC(mute, "the CPU whose EL2 answers as if a hypervisor had it");

static int deaf = -1;
module_param(deaf, int, 0444);
MODULE_PARM_DESC(deaf, "the CPU whose EL2 answers as the stub does, and does nothing else");

static char *claim = "";
module_param(claim, charp, 0444);
MODULE_PARM_DESC(claim, "a per-CPU interrupt to request: vtimer, maintenance");

static bool device;
module_param(device, bool, 0444);
MODULE_PARM_DESC(device, "have a device with the name of the other module's");

static ulong pm_enters;
module_param(pm_enters, ulong, 0444);
MODULE_PARM_DESC(pm_enters, "how often a CPU went to sleep (read-only)");

static ulong pm_held;
module_param(pm_held, ulong, 0444);
MODULE_PARM_DESC(pm_held, "how often somebody had its EL2 then (read-only)");

/* Of the stub's ABI (Documentation/virt/kvm/arm/hyp-abi.rst of the kernel). */
#define STUB_SOFT_RESTART	1
#define STUB_ERR		0xbadca11UL

/* Ids that nobody has: what an unknown one is answered with; and our vectors' own. */
#define CALL_UNKNOWN		0xffff7001UL
#define CALL_GIVE_BACK		0xffff7002UL
/* HYP_CALL_VERSION of kmod/hyp/hyp.h: whoever has an answer to that is armvcpu. */
#define CALL_ARMVCPU		0x41560006UL

/* ---- the list ------------------------------------------------------------- */

enum feature { ALWAYS, HCX, FGT, FGT2, RAS, GICV3, MPAM, SPE, TRF };

/**
 * struct reg - a register of EL2
 * @name: the architecture's.
 * @reg: its encoding, SP_EL2 has none.
 * @feature: the CPU has to have this.
 * @flip: bits that can be turned over as long as a host without a hypervisor runs.
 */
struct reg {
	const char *name;
	u32 reg;
	enum feature feature;
	u64 flip;
};

#define R(name, op0, op1, crn, crm, op2, feature, flip) \
	{ #name, sys_reg(op0, op1, crn, crm, op2), feature, flip }

/*
 * With EL2's MMU off nothing looks at those of its translation.  What is flipped of the
 * others traps what Linux does not do, or says what it does not look at.
 */
static const struct reg regs[] = {
	{ "SP_EL2", 0, ALWAYS, 0 },
#define VBAR 1
	R(VBAR_EL2,	3, 4, 12, 0, 0, ALWAYS, 0),
	R(SCTLR_EL2,	3, 4, 1, 0, 0, ALWAYS, BIT_ULL(19)),	/* WXN */
	R(TCR_EL2,	3, 4, 2, 0, 2, ALWAYS, 0x1f),		/* T0SZ */
	R(TTBR0_EL2,	3, 4, 2, 0, 0, ALWAYS, 0x123456000),
	R(MAIR_EL2,	3, 4, 10, 2, 0, ALWAYS, 0x4404bb0000ff4400),
	R(AMAIR_EL2,	3, 4, 10, 3, 0, ALWAYS, 0),
	R(TPIDR_EL2,	3, 4, 13, 0, 2, ALWAYS, 0x5a5a1234a5a54321),
	R(ACTLR_EL2,	3, 4, 1, 0, 1, ALWAYS, 0),
	R(HACR_EL2,	3, 4, 1, 1, 7, ALWAYS, 0),
	R(HCR_EL2,	3, 4, 1, 1, 0, ALWAYS, BIT_ULL(21)),	/* TACR */
	R(MDCR_EL2,	3, 4, 1, 1, 1, ALWAYS, BIT_ULL(11)),	/* TDRA */
	R(CPTR_EL2,	3, 4, 1, 1, 2, ALWAYS, BIT_ULL(20)),	/* TTA */
	R(HSTR_EL2,	3, 4, 1, 1, 3, ALWAYS, BIT_ULL(3) | BIT_ULL(13)),
	R(VTCR_EL2,	3, 4, 2, 1, 2, ALWAYS, 0x7f),
	R(VTTBR_EL2,	3, 4, 2, 1, 0, ALWAYS, 0x00a5000123456000),
	R(VPIDR_EL2,	3, 4, 0, 0, 0, ALWAYS, 0xf),		/* Revision */
	R(VMPIDR_EL2,	3, 4, 0, 0, 5, ALWAYS, BIT_ULL(24)),	/* MT */
	R(CNTHCTL_EL2,	3, 4, 14, 1, 0, ALWAYS, 0xf4),		/* EVNTI, EVNTEN */
	R(CNTVOFF_EL2,	3, 4, 14, 0, 3, ALWAYS, 0x5),
	R(CNTHP_CTL_EL2, 3, 4, 14, 2, 1, ALWAYS, 0),
	R(CNTHP_CVAL_EL2, 3, 4, 14, 2, 2, ALWAYS, 0x1234567),
	R(HCRX_EL2,	3, 4, 1, 2, 2, HCX, 0),
	R(HFGRTR_EL2,	3, 4, 1, 1, 4, FGT, BIT_ULL(22)),	/* LORN_EL1 */
	R(HFGWTR_EL2,	3, 4, 1, 1, 5, FGT, BIT_ULL(22)),
	R(HFGITR_EL2,	3, 4, 1, 1, 6, FGT, BIT_ULL(17)),	/* AT S1E1WP */
	R(HDFGRTR_EL2,	3, 4, 3, 1, 4, FGT, BIT_ULL(5)),	/* DBGCLAIM */
	R(HDFGWTR_EL2,	3, 4, 3, 1, 5, FGT, BIT_ULL(5)),
	R(HFGRTR2_EL2,	3, 4, 3, 1, 2, FGT2, 0),
	R(HFGWTR2_EL2,	3, 4, 3, 1, 3, FGT2, 0),
	R(HFGITR2_EL2,	3, 4, 3, 1, 7, FGT2, 0),
	R(HDFGRTR2_EL2,	3, 4, 3, 1, 0, FGT2, 0),
	R(HDFGWTR2_EL2,	3, 4, 3, 1, 1, FGT2, 0),
	R(VSESR_EL2,	3, 4, 5, 2, 3, RAS, 0x1ff),
	R(ICC_SRE_EL2,	3, 4, 12, 9, 5, GICV3, 0),
	R(ICH_HCR_EL2,	3, 4, 12, 11, 0, GICV3, BIT_ULL(3)),	/* NPIE; En is clear */
	R(ICH_VMCR_EL2,	3, 4, 12, 11, 7, GICV3, 0xf8000000),
	R(ICH_AP0R0_EL2, 3, 4, 12, 8, 0, GICV3, BIT_ULL(2)),
	R(ICH_AP1R0_EL2, 3, 4, 12, 9, 0, GICV3, BIT_ULL(20)),
	R(ICH_LR0_EL2,	3, 4, 12, 12, 0, GICV3, 0),
	R(ICH_LR1_EL2,	3, 4, 12, 12, 1, GICV3, 0),
	R(ICH_LR2_EL2,	3, 4, 12, 12, 2, GICV3, 0),
	R(ICH_LR3_EL2,	3, 4, 12, 12, 3, GICV3, 0),
	R(MPAM2_EL2,	3, 4, 10, 5, 0, MPAM, 0),
	R(PMSCR_EL2,	3, 4, 9, 9, 0, SPE, 0),
	R(TRFCR_EL2,	3, 4, 1, 2, 1, TRF, 0),
};

static bool gicv3;

static u64 field(u64 reg, int shift)
{
	return reg >> shift & 0xf;
}

static bool has(enum feature feature)
{
	u64 pfr0 = read_cpuid(ID_AA64PFR0_EL1);
	u64 dfr0 = read_cpuid(ID_AA64DFR0_EL1);
	u64 mmfr0 = read_cpuid(ID_AA64MMFR0_EL1);

	switch (feature) {
	case ALWAYS:
		return true;
	case HCX:
		return field(read_cpuid(ID_AA64MMFR1_EL1), 40);
	case FGT:
		return field(mmfr0, 56);
	case FGT2:
		return field(mmfr0, 56) > 1;
	case RAS:
		return field(pfr0, 28);
	case GICV3:
		return field(pfr0, 24) && gicv3;
	case MPAM:
		return field(pfr0, 40);
	case SPE:
		return field(dfr0, 32);
	case TRF:
		return field(dfr0, 40);
	}
	return false;
}

/* ---- code at EL2 ---------------------------------------------------------- */

#define INSN_MRS_X1(reg)	(0xd5200001 | (reg))
#define INSN_MSR_X1(reg)	(0xd5000001 | (reg))
#define INSN_MOV_X1_SP		0x910003e1
#define INSN_STR_X1_X0_8	0xf8008401	/* str x1, [x0], #8 */
#define INSN_LDR_X1_X0_8	0xf8408401	/* ldr x1, [x0], #8 */
#define INSN_MOVZ(rd, value, hw) (0xd2800000 | (hw) << 21 | (u32)(value) << 5 | (rd))
#define INSN_MOVK(rd, value, hw) (0xf2800000 | (hw) << 21 | (u32)(value) << 5 | (rd))
#define INSN_CMP_X0_X1		0xeb01001f
#define INSN_B_EQ(insns)	(0x54000000 | (insns) << 5)
#define INSN_ISB		0xd5033fdf
#define INSN_DSB_NSH		0xd503379f
#define INSN_ERET		0xd69f03e0

/* Pages: what EL2 executes, and what it reads and writes. */
static u32 *code;
static u64 *values;
/* Vectors: of one CPU. */
static u32 *vectors;
static DEFINE_MUTEX(lock);

/* EL2's MMU is off: it fetches from memory, and stores there. */
static void to_memory(const void *start, size_t size)
{
	unsigned long line = 4UL << (read_sanitised_ftr_reg(SYS_CTR_EL0) >> 16 & 0xf);
	unsigned long addr = (unsigned long)start & ~(line - 1);

	for (; addr < (unsigned long)start + size; addr += line)
		asm volatile("dc civac, %0" : : "r" (addr) : "memory");
	dsb(sy);
}

static void code_changed(const void *start, size_t size)
{
	to_memory(start, size);
	asm volatile("ic iallu" : : : "memory");
	dsb(nsh);
	isb();
}

static u64 call(u64 id, u64 arg1, u64 arg2)
{
	register u64 x0 asm("x0") = id;
	register u64 x1 asm("x1") = arg1;
	register u64 x2 asm("x2") = arg2;

	asm volatile("hvc #0" : "+r" (x0), "+r" (x1), "+r" (x2) :
		     : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
		       "x14", "x15", "x16", "x17", "cc", "memory");
	return x0;
}

static u32 *emit_return(u32 *p)
{
	*p++ = INSN_ERET;
	/* Nothing is executed behind it, not even speculatively. */
	*p++ = INSN_DSB_NSH;
	*p++ = INSN_ISB;
	return p;
}

static u32 *emit_constant(u32 *p, u32 rd, u64 value)
{
	*p++ = INSN_MOVZ(rd, value & 0xffff, 0);
	*p++ = INSN_MOVK(rd, value >> 16 & 0xffff, 1);
	*p++ = INSN_MOVK(rd, value >> 32 & 0xffff, 2);
	*p++ = INSN_MOVK(rd, value >> 48, 3);
	return p;
}

static bool is_there(const struct reg *r, bool write)
{
	return has(r->feature) && (!write || (r->reg && r->flip));
}

static void emit_access(bool write)
{
	u32 *p = code;
	int i;

	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		if (!is_there(&regs[i], write))
			continue;
		if (write) {
			*p++ = INSN_LDR_X1_X0_8;
			*p++ = INSN_MSR_X1(regs[i].reg);
		} else {
			*p++ = regs[i].reg ? INSN_MRS_X1(regs[i].reg) : INSN_MOV_X1_SP;
			*p++ = INSN_STR_X1_X0_8;
		}
	}
	*p++ = INSN_ISB;
	*p++ = INSN_DSB_NSH;
	*p++ = INSN_MOVZ(0, 0, 0);
	p = emit_return(p);
	code_changed(code, (void *)p - (void *)code);
}

static bool is_stub(void)
{
	return call(CALL_UNKNOWN, 0, 0) == STUB_ERR && call(CALL_ARMVCPU, 0, 0) == STUB_ERR;
}

/**
 * struct access - what is done on a CPU
 * @write: plant values; otherwise read them.
 * @values: of this CPU, by number in regs[]; in or out.
 * @ret: 0, -EBUSY, -EIO: what should read or write was not executed.
 */
struct access {
	bool write;
	u64 *values;
	int ret;
};

/* What no register is expected to hold: nothing has been stored there. */
#define NOT_READ	0x6e6f747265616421ULL

/* 0 if EL2 has executed it: that is what it returns, and who only answers does not. */
static int execute(u64 arg)
{
	return call(STUB_SOFT_RESTART, virt_to_phys(code), arg) ? -EIO : 0;
}

static void access_here(void *data)
{
	struct access *access = data;
	unsigned int i, n = 0;

	access->ret = -EBUSY;
	if (!is_stub())
		return;
	emit_access(access->write);
	for (i = 0; access->write && i < ARRAY_SIZE(regs); i++)
		if (is_there(&regs[i], true))
			values[n++] = access->values[i];
	for (i = 0; !access->write && i < PAGE_SIZE / sizeof(*values); i++)
		values[i] = NOT_READ;
	to_memory(values, PAGE_SIZE);
	access->ret = execute(virt_to_phys(values));
	to_memory(values, PAGE_SIZE);
	for (i = 0; !access->write && i < ARRAY_SIZE(regs); i++) {
		access->values[i] = is_there(&regs[i], false) ? values[n++] : 0;
		if (access->values[i] == NOT_READ)
			access->ret = -EIO;
	}
}

/* With the lock, and CPUs that neither come nor go. */
static int access_cpu(int cpu, bool write, u64 *regs_values)
{
	struct access access = { .write = write, .values = regs_values };
	int ret = smp_call_function_single(cpu, access_here, &access, 1);

	return ret ?: access.ret;
}

/* ---- what is seen of it ---------------------------------------------------- */

/* By number in regs[]. */
struct snapshot {
	u64 value[ARRAY_SIZE(regs)];
};

/* What each CPU had when we came. */
static struct snapshot *found;

static int regs_show(struct seq_file *file, void *unused)
{
	struct snapshot *now = kmalloc(sizeof(*now), GFP_KERNEL);
	int cpu, i, ret = 0;

	if (!now)
		return -ENOMEM;
	cpus_read_lock();
	mutex_lock(&lock);
	for_each_online_cpu(cpu) {
		ret = access_cpu(cpu, false, now->value);
		if (ret)
			break;
		for (i = 0; i < ARRAY_SIZE(regs); i++)
			if (is_there(&regs[i], false))
				seq_printf(file, "%d %s %#llx\n", cpu, regs[i].name, now->value[i]);
	}
	mutex_unlock(&lock);
	cpus_read_unlock();
	kfree(now);
	return ret;
}

DEFINE_SHOW_ATTRIBUTE(regs);

/* After who has given EL2 back: is it what was found? */
static int at_reboot(struct notifier_block *self, unsigned long event, void *data)
{
	static struct snapshot now;
	int cpu, i, ret, differ = 0;

	for_each_online_cpu(cpu) {
		ret = access_cpu(cpu, false, now.value);
		if (ret) {
			pr_err("at reboot EL2 of CPU%d is not the stub's\n", cpu);
			return NOTIFY_OK;
		}
		for (i = 0; i < ARRAY_SIZE(regs); i++) {
			/* It may have come later. */
			if (!found[cpu].value[VBAR] || now.value[i] == found[cpu].value[i])
				continue;
			pr_err("at reboot CPU%d has %s %#llx, not %#llx\n", cpu, regs[i].name,
			       now.value[i], found[cpu].value[i]);
			differ++;
		}
	}
	if (!differ)
		pr_info("at reboot EL2 is as it was\n");
	return NOTIFY_OK;
}

static struct notifier_block reboot_notifier = { .notifier_call = at_reboot, .priority = -100 };

/* After who gives EL2 back. A number that is lost now and then is no matter. */
static int at_sleep(struct notifier_block *self, unsigned long event, void *data)
{
	if (event == CPU_PM_ENTER) {
		WRITE_ONCE(pm_enters, READ_ONCE(pm_enters) + 1);
		if (!is_stub())
			WRITE_ONCE(pm_held, READ_ONCE(pm_held) + 1);
	}
	return NOTIFY_OK;
}

static struct notifier_block sleep_notifier = { .notifier_call = at_sleep, .priority = -100 };

/* ---- in the way ------------------------------------------------------------- */

/* A vector table that answers one thing, until CALL_GIVE_BACK. */
static void emit_vectors(u64 answer, u64 old_vbar)
{
	u32 *p;
	int slot;

	for (slot = 0; slot < 16; slot++) {
		p = vectors + slot * 32;
		p = emit_constant(p, 1, CALL_GIVE_BACK);
		*p++ = INSN_CMP_X0_X1;
		*p++ = INSN_B_EQ(8);
		p = emit_constant(p, 0, answer);
		p = emit_return(p);
		/* b.eq leads here. */
		p = emit_constant(p, 1, old_vbar);
		*p++ = INSN_MSR_X1(sys_reg(3, 4, 12, 0, 0));
		*p++ = INSN_ISB;
		*p++ = INSN_MOVZ(0, 0, 0);
		emit_return(p);
	}
	code_changed(vectors, 2048);
}

/**
 * struct stand - vectors of ours on a CPU
 * @answer: to all calls.
 * @ret: 0, -EIO.
 */
struct stand {
	u64 answer;
	int ret;
};

static void stand_here(void *data)
{
	struct stand *stand = data;
	u32 *p = code;

	p = emit_constant(p, 1, virt_to_phys(vectors));
	*p++ = INSN_MSR_X1(sys_reg(3, 4, 12, 0, 0));
	*p++ = INSN_ISB;
	*p++ = INSN_MOVZ(0, 0, 0);
	p = emit_return(p);
	code_changed(code, (void *)p - (void *)code);
	emit_vectors(stand->answer, found[smp_processor_id()].value[VBAR]);
	stand->ret = execute(0);
}

static void step_aside(void *unused)
{
	call(CALL_GIVE_BACK, 0, 0);
}

static int __percpu *claimed;
static unsigned int claimed_irq;

static irqreturn_t nothing(int irq, void *data)
{
	return IRQ_HANDLED;
}

static int claim_ppi(void)
{
	bool vtimer = !strcmp(claim, "vtimer");
	struct device_node *node;
	int ret;

	node = of_find_compatible_node(NULL, NULL, vtimer ? "arm,armv8-timer" :
				       gicv3 ? "arm,gic-v3" : "arm,cortex-a15-gic");
	claimed_irq = node ? irq_of_parse_and_map(node, vtimer ? 2 : 0) : 0;
	of_node_put(node);
	if (!claimed_irq)
		return -ENODEV;
	claimed = alloc_percpu(int);
	if (!claimed)
		return -ENOMEM;
	ret = request_percpu_irq(claimed_irq, nothing, KBUILD_MODNAME, claimed);
	if (ret) {
		pr_info("the %s interrupt is somebody's: %d\n", claim, ret);
		free_percpu(claimed);
		claimed = NULL;
	}
	return ret;
}

static const struct file_operations nobody_fops = { .owner = THIS_MODULE };

static struct miscdevice nobody = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "armvcpu",
	.fops = &nobody_fops,
};

/* ---- begin and end ------------------------------------------------------------ */

static struct dentry *dir;

static int find_what_is(void)
{
	int cpu, ret = 0;

	for_each_online_cpu(cpu) {
		ret = access_cpu(cpu, false, found[cpu].value);
		if (ret)
			return ret;
	}
	return 0;
}

/* A second time, when that has been found, it is the way back. */
static int plant_all(void)
{
	static struct snapshot values_of;
	int cpu, i, ret, error = 0;

	for_each_online_cpu(cpu) {
		for (i = 0; i < ARRAY_SIZE(regs); i++)
			values_of.value[i] = found[cpu].value[i] ^ regs[i].flip;
		ret = access_cpu(cpu, true, values_of.value);
		if (ret)
			pr_err("cannot write to CPU%d's EL2: %d\n", cpu, ret);
		error = error ?: ret;
	}
	return error;
}

static int stand_in_the_way(int cpu, u64 answer)
{
	struct stand stand = { .answer = answer };
	int ret;

	if (cpu < 0)
		return 0;
	ret = smp_call_function_single(cpu, stand_here, &stand, 1);
	return ret ?: stand.ret;
}

/* There are values of ours in EL2's registers, and these are what was found. */
static bool planted;

/* With cpus_read_lock(). A stub that has EL2 answers only. */
static void give_way(void)
{
	if (mute >= 0)
		smp_call_function_single(mute, step_aside, NULL, 1);
	if (deaf >= 0)
		smp_call_function_single(deaf, step_aside, NULL, 1);
	if (planted)
		plant_all();
}

static void free_pages_of_ours(void)
{
	free_page((unsigned long)code);
	free_page((unsigned long)values);
	free_page((unsigned long)vectors);
	kfree(found);
}

static int __init el2probe_init(void)
{
	struct device_node *node;
	int ret = -ENOMEM;

	if (read_sysreg(CurrentEL) == CurrentEL_EL2 ||
	    !field(read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1), 8))
		return -ENODEV;
	node = of_find_compatible_node(NULL, NULL, "arm,gic-v3");
	gicv3 = node;
	of_node_put(node);

	if (*claim)
		return claim_ppi();

	code = (void *)__get_free_page(GFP_KERNEL);
	values = (void *)__get_free_page(GFP_KERNEL);
	vectors = (void *)__get_free_page(GFP_KERNEL);
	found = kcalloc(nr_cpu_ids, sizeof(*found), GFP_KERNEL);
	if (!code || !values || !vectors || !found)
		goto out;
	cpus_read_lock();
	ret = find_what_is();
	if (!ret && plant) {
		ret = plant_all();
		if (!ret)
			ret = find_what_is();
		planted = !ret;
	}
	if (!ret)
		ret = stand_in_the_way(mute, ~0ULL);
	if (!ret)
		ret = stand_in_the_way(deaf, STUB_ERR);
	cpus_read_unlock();
	if (!ret && device)
		ret = misc_register(&nobody);
	if (ret) {
		cpus_read_lock();
		give_way();
		cpus_read_unlock();
		goto out;
	}
	register_reboot_notifier(&reboot_notifier);
	cpu_pm_register_notifier(&sleep_notifier);
	dir = debugfs_create_dir("el2probe", NULL);
	debugfs_create_file("regs", 0400, dir, NULL, &regs_fops);
	return 0;

out:
	free_pages_of_ours();
	return ret;
}

static void __exit el2probe_exit(void)
{
	if (claimed) {
		free_percpu_irq(claimed_irq, claimed);
		free_percpu(claimed);
		return;
	}
	debugfs_remove_recursive(dir);
	cpu_pm_unregister_notifier(&sleep_notifier);
	unregister_reboot_notifier(&reboot_notifier);
	if (device)
		misc_deregister(&nobody);
	cpus_read_lock();
	give_way();
	cpus_read_unlock();
	free_pages_of_ours();
}

module_init(el2probe_init);
module_exit(el2probe_exit);

MODULE_DESCRIPTION("Looks at EL2 for armvcpu's tests, and gets in that module's way");
MODULE_LICENSE("GPL");
