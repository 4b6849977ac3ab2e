/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: armvcpu:* for perf and trace-cmd.  While they are off, each is a NOP.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM armvcpu

#if !defined(ARMVCPU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define ARMVCPU_TRACE_H

#include <linux/tracepoint.h>
#include <asm/esr.h>

#include "kmod.h"

#define ARMVCPU_TRACE_CODES						\
	{ HYP_EXIT_SYNC, "trap" }, { HYP_EXIT_IRQ, "interrupt" },	\
	{ HYP_EXIT_SERROR, "SError" }, { HYP_EXIT_KICK, "kick" },	\
	{ HYP_EXIT_EL2, "EL2" }

#define ARMVCPU_TRACE_ECS						\
	{ ESR_ELx_EC_WFx, "WFx" }, { ESR_ELx_EC_FP_ASIMD, "FP" },	\
	{ ESR_ELx_EC_HVC64, "HVC" }, { ESR_ELx_EC_SMC64, "SMC" },	\
	{ ESR_ELx_EC_SYS64, "SYS" }, { ESR_ELx_EC_IABT_LOW, "IABT" },	\
	{ ESR_ELx_EC_DABT_LOW, "DABT" }

#define ARMVCPU_TRACE_REASONS						\
	{ ARMVCPU_EXIT_INTR, "INTR" }, { ARMVCPU_EXIT_MMIO, "MMIO" },	\
	{ ARMVCPU_EXIT_ABORT, "ABORT" }, { ARMVCPU_EXIT_SYSREG, "SYSREG" }, \
	{ ARMVCPU_EXIT_HYPERCALL, "HYPERCALL" }, { ARMVCPU_EXIT_SMC, "SMC" }, \
	{ ARMVCPU_EXIT_PSCI, "PSCI" }, { ARMVCPU_EXIT_WFX, "WFX" },	\
	{ ARMVCPU_EXIT_DEBUG, "DEBUG" }, { ARMVCPU_EXIT_FAIL, "FAIL" }, \
	{ ARMVCPU_EXIT_DIRTY_RING_FULL, "DIRTY_RING_FULL" }

#define ARMVCPU_TRACE_ANSWERS						\
	{ ARMVCPU_EL2_SYSREG, "SYSREG" }, { ARMVCPU_EL2_CALL, "CALL" },	\
	{ ARMVCPU_EL2_WFE, "WFE" }, { ARMVCPU_EL2_SGI, "SGI" },		\
	{ ARMVCPU_EL2_TIMER, "TIMER" }, { ARMVCPU_EL2_POSTED, "POSTED" }, \
	{ ARMVCPU_EL2_GIC, "GIC" }, { ARMVCPU_EL2_FP, "FP" },		\
	{ ARMVCPU_EL2_PAUTH, "PAUTH" }, { ARMVCPU_EL2_FIRMWARE, "FIRMWARE" }, \
	{ ARMVCPU_EL2_PASSED, "PASSED" }

TRACE_EVENT(armvcpu_entry,
	TP_PROTO(const struct vcpu *vcpu),
	TP_ARGS(vcpu),

	TP_STRUCT__entry(
		__field(u64, vm)
		__field(u32, vcpu)
		__field(u64, pc)
	),

	TP_fast_assign(
		__entry->vm = vcpu->vm->number;
		__entry->vcpu = vcpu->index;
		__entry->pc = vcpu->hyp->pc;
	),

	TP_printk("vm %llu vcpu %u pc %#llx", __entry->vm, __entry->vcpu, __entry->pc)
);

TRACE_EVENT(armvcpu_exit,
	TP_PROTO(const struct vcpu *vcpu, u64 code),
	TP_ARGS(vcpu, code),

	TP_STRUCT__entry(
		__field(u64, vm)
		__field(u32, vcpu)
		__field(u32, code)
		__field(u64, pc)
		__field(u64, esr)
		__field(u64, far)
		__field(u64, hpfar)
	),

	TP_fast_assign(
		__entry->vm = vcpu->vm->number;
		__entry->vcpu = vcpu->index;
		__entry->code = code;
		__entry->pc = vcpu->hyp->pc;
		__entry->esr = code == HYP_EXIT_SYNC ? vcpu->hyp->esr : 0;
		__entry->far = vcpu->hyp->far;
		__entry->hpfar = vcpu->hyp->hpfar;
	),

	TP_printk("vm %llu vcpu %u %s %s pc %#llx esr %#llx far %#llx hpfar %#llx",
		  __entry->vm, __entry->vcpu,
		  __print_symbolic(__entry->code, ARMVCPU_TRACE_CODES),
		  __print_symbolic(ESR_ELx_EC(__entry->esr), ARMVCPU_TRACE_ECS),
		  __entry->pc, __entry->esr, __entry->far, __entry->hpfar)
);

TRACE_EVENT(armvcpu_user,
	TP_PROTO(const struct vcpu *vcpu, u32 reason),
	TP_ARGS(vcpu, reason),

	TP_STRUCT__entry(
		__field(u64, vm)
		__field(u32, vcpu)
		__field(u32, reason)
		__field(u64, pc)
	),

	TP_fast_assign(
		__entry->vm = vcpu->vm->number;
		__entry->vcpu = vcpu->index;
		__entry->reason = reason;
		__entry->pc = vcpu->hyp->pc;
	),

	TP_printk("vm %llu vcpu %u %s pc %#llx", __entry->vm, __entry->vcpu,
		  __print_symbolic(__entry->reason, ARMVCPU_TRACE_REASONS), __entry->pc)
);

/* @pc: where the guest went on. */
TRACE_EVENT(armvcpu_el2,
	TP_PROTO(const struct vcpu *vcpu, const struct hyp_trace *trace),
	TP_ARGS(vcpu, trace),

	TP_STRUCT__entry(
		__field(u64, vm)
		__field(u32, vcpu)
		__field(u32, what)
		__field(u64, pc)
		__field(u64, esr)
		__field(u64, count)
	),

	TP_fast_assign(
		__entry->vm = vcpu->vm->number;
		__entry->vcpu = vcpu->index;
		__entry->what = trace->what;
		__entry->pc = trace->pc;
		__entry->esr = trace->esr;
		__entry->count = trace->count;
	),

	TP_printk("vm %llu vcpu %u %s pc %#llx esr %#llx at %llu", __entry->vm,
		  __entry->vcpu, __print_symbolic(__entry->what, ARMVCPU_TRACE_ANSWERS),
		  __entry->pc, __entry->esr, __entry->count)
);

TRACE_EVENT(armvcpu_fault,
	TP_PROTO(const struct vcpu *vcpu, u64 ipa, bool write, u64 pages),
	TP_ARGS(vcpu, ipa, write, pages),

	TP_STRUCT__entry(
		__field(u64, vm)
		__field(u32, vcpu)
		__field(u64, ipa)
		__field(u64, pages)
		__field(bool, write)
	),

	TP_fast_assign(
		__entry->vm = vcpu->vm->number;
		__entry->vcpu = vcpu->index;
		__entry->ipa = ipa;
		__entry->pages = pages;
		__entry->write = write;
	),

	TP_printk("vm %llu vcpu %u ipa %#llx %s pages %llu", __entry->vm, __entry->vcpu,
		  __entry->ipa, __entry->write ? "write" : "read", __entry->pages)
);

/* An interrupt of the guest's into a list register. */
TRACE_EVENT(armvcpu_irq,
	TP_PROTO(const struct vcpu *vcpu, const struct gic_lr *lr),
	TP_ARGS(vcpu, lr),

	TP_STRUCT__entry(
		__field(u64, vm)
		__field(u32, vcpu)
		__field(u32, intid)
		__field(u32, priority)
		__field(bool, pending)
		__field(bool, active)
		__field(bool, hw)
	),

	TP_fast_assign(
		__entry->vm = vcpu->vm->number;
		__entry->vcpu = vcpu->index;
		__entry->intid = lr->intid;
		__entry->priority = lr->priority;
		__entry->pending = lr->pending;
		__entry->active = lr->active;
		__entry->hw = lr->hw;
	),

	TP_printk("vm %llu vcpu %u intid %u priority %#x%s%s%s", __entry->vm, __entry->vcpu,
		  __entry->intid, __entry->priority, __entry->pending ? " pending" : "",
		  __entry->active ? " active" : "", __entry->hw ? " hw" : "")
);

#endif /* ARMVCPU_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>
