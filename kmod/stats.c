// SPDX-License-Identifier: GPL-2.0
/*
 * What vCPUs have done: the file "stats" in debugfs, and the tracepoints.  The counters
 * themselves are in the pages that the VMMs have (struct armvcpu_stats).
 */
#include <linux/debugfs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/panic_notifier.h>
#include <linux/seq_file.h>

#include "kmod.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static LIST_HEAD(vms);
/* @vms */
static DEFINE_MUTEX(vms_mutex);

/**
 * stats_add() - a new VM
 * @vm: the VM.
 */
void stats_add(struct vm *vm)
{
	mutex_lock(&vms_mutex);
	list_add_tail(&vm->all, &vms);
	mutex_unlock(&vms_mutex);
}

/**
 * stats_remove() - a VM goes: nobody looks at it any more
 * @vm: the VM; none of its vCPUs is left.
 */
void stats_remove(struct vm *vm)
{
	mutex_lock(&vms_mutex);
	list_del(&vm->all);
	mutex_unlock(&vms_mutex);
}

/* As many VMs are told of when the host dies. */
#define MAX_TOLD	16

/* Whose VMs a host had that panicked.  The other CPUs have stopped, wherever they were. */
static int tell_of_vms(struct notifier_block *self, unsigned long event, void *data)
{
	const struct vm *vm;
	u32 n = 0;

	if (mutex_is_locked(&vms_mutex)) {
		pr_emerg("somebody was making or looking at VMs\n");
		return NOTIFY_DONE;
	}
	list_for_each_entry(vm, &vms, all) {
		if (n++ < MAX_TOLD)
			pr_emerg("VM %llu, of %s[%d], with %u vCPUs%s\n", vm->number, vm->comm,
				 vm->pid, vm->nr_vcpus, vm->dead ? ": dead" : "");
	}
	if (n > MAX_TOLD)
		pr_emerg("and %u VMs more\n", n - MAX_TOLD);
	return NOTIFY_DONE;
}

static struct notifier_block panic_notifier = { .notifier_call = tell_of_vms };

/**
 * stats_init() - a panic of the host tells of the VMs
 */
void stats_init(void)
{
	atomic_notifier_chain_register(&panic_notifier_list, &panic_notifier);
}

/**
 * stats_exit() - the end of that
 */
void stats_exit(void)
{
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_notifier);
}

/**
 * stats_trace() - what EL2 has answered since, to who listens
 * @vcpu: the vCPU, out of the guest.  Interrupts are off.
 */
void stats_trace(struct vcpu *vcpu)
{
	struct hyp_vcpu *hyp = vcpu->hyp;
	u32 i, n = min_t(u32, hyp->nr_traces, HYP_MAX_TRACES);

	for (i = 0; i < n; i++)
		trace_armvcpu_el2(vcpu, &hyp->traces[i]);
	hyp->nr_traces = 0;
}

static const struct trace_print_flags reasons[] = { ARMVCPU_TRACE_REASONS };
static const struct trace_print_flags answers[] = { ARMVCPU_TRACE_ANSWERS };
static const struct trace_print_flags classes[] = { ARMVCPU_TRACE_ECS };

static const char *name_of(const struct trace_print_flags *names, unsigned int count, u32 n)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (names[i].mask == n)
			return names[i].name;
	return "?";
}

static void show(struct seq_file *file, const struct vcpu *vcpu, const char *what,
		 const char *name, u32 n, const u64 *count)
{
	u64 value = READ_ONCE(*count);

	if (value)
		seq_printf(file, "vm %llu vcpu %u %-5s %#04x %-10s %llu\n", vcpu->vm->number,
			   vcpu->index, what, n, name, value);
}

static void show_vcpu(struct seq_file *file, const struct vcpu *vcpu)
{
	const struct armvcpu_stats *stats = &vcpu->run->stats;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(stats->user); i++)
		show(file, vcpu, "user", name_of(reasons, ARRAY_SIZE(reasons), i), i,
		     &stats->user[i]);
	for (i = 0; i < ARRAY_SIZE(stats->sync); i++)
		show(file, vcpu, "trap", name_of(classes, ARRAY_SIZE(classes), i), i,
		     &stats->sync[i]);
	for (i = 0; i < ARRAY_SIZE(stats->el2); i++)
		show(file, vcpu, "el2", name_of(answers, ARRAY_SIZE(answers), i), i,
		     &stats->el2[i]);
	show(file, vcpu, "other", "irqs", 0, &stats->irqs);
	show(file, vcpu, "other", "faults", 0, &stats->faults);
	show(file, vcpu, "other", "pages", 0, &stats->pages);
	show(file, vcpu, "other", "waits", 0, &stats->waits);
}

static int stats_show(struct seq_file *file, void *unused)
{
	struct vm *vm;
	u32 i;

	mutex_lock(&vms_mutex);
	list_for_each_entry(vm, &vms, all) {
		mutex_lock(&vm->vcpus_lock);
		for (i = 0; i < vm->nr_vcpus; i++)
			if (vm->vcpus[i])
				show_vcpu(file, vm->vcpus[i]);
		mutex_unlock(&vm->vcpus_lock);
	}
	mutex_unlock(&vms_mutex);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

/**
 * stats_debugfs() - the file "stats"
 * @dir: the module's directory.
 */
void stats_debugfs(struct dentry *dir)
{
	debugfs_create_file("stats", 0400, dir, NULL, &stats_fops);
}
