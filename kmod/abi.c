// SPDX-License-Identifier: GPL-2.0
/*
 * The layout of what userspace shares with the module.  Programs are compiled
 * against it: a line in here never changes.
 */
#include <linux/armvcpu.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/stddef.h>

#define SIZE(name, bytes)	static_assert(sizeof(struct armvcpu_##name) == (bytes))
#define AT(name, field, offset)	static_assert(offsetof(struct armvcpu_##name, field) == (offset))

SIZE(cap, 16);
AT(cap, cap, 0);
AT(cap, flags, 4);
AT(cap, value, 8);

SIZE(create_vm, 32);
AT(create_vm, flags, 0);
AT(create_vm, ipa_bits, 4);
AT(create_vm, reserved, 8);

SIZE(create_vcpu, 16);
AT(create_vcpu, flags, 0);
AT(create_vcpu, reserved, 4);
AT(create_vcpu, mpidr, 8);

SIZE(mem_slot, 32);
AT(mem_slot, slot, 0);
AT(mem_slot, flags, 4);
AT(mem_slot, ipa, 8);
AT(mem_slot, size, 16);
AT(mem_slot, uaddr, 24);

SIZE(dirty_log, 32);
AT(dirty_log, slot, 0);
AT(dirty_log, flags, 4);
AT(dirty_log, first, 8);
AT(dirty_log, count, 16);
AT(dirty_log, bitmap, 24);

SIZE(dirty_page, 16);
AT(dirty_page, slot, 0);
AT(dirty_page, reserved, 4);
AT(dirty_page, page, 8);

SIZE(set_dirty_ring, 8);
AT(set_dirty_ring, entries, 0);
AT(set_dirty_ring, flags, 4);

SIZE(dirty_ring, 128);
AT(dirty_ring, head, 0);
AT(dirty_ring, tail, 64);
AT(dirty_ring, entries, 68);
AT(dirty_ring, pages, 128);

SIZE(clear_dirty_pages, 16);
AT(clear_dirty_pages, count, 0);
AT(clear_dirty_pages, flags, 4);
AT(clear_dirty_pages, pages, 8);

SIZE(smccc_range, 16);
AT(smccc_range, base, 0);
AT(smccc_range, count, 4);
AT(smccc_range, action, 8);
AT(smccc_range, reserved, 12);

SIZE(smccc_policy, 16);
AT(smccc_policy, flags, 0);
AT(smccc_policy, count, 4);
AT(smccc_policy, ranges, 8);

SIZE(create_gic, 48);
AT(create_gic, version, 0);
AT(create_gic, flags, 4);
AT(create_gic, nr_irqs, 8);
AT(create_gic, max_vcpus, 12);
AT(create_gic, dist, 16);
AT(create_gic, cpu, 24);
AT(create_gic, reserved, 32);

SIZE(pass_irq, 32);
AT(pass_irq, flags, 0);
AT(pass_irq, hw_intid, 4);
AT(pass_irq, intid, 8);
AT(pass_irq, cpu, 12);
AT(pass_irq, reserved, 16);

SIZE(irq, 24);
AT(irq, intid, 0);
AT(irq, level, 4);
AT(irq, mpidr, 8);
AT(irq, flags, 16);
AT(irq, reserved, 20);

SIZE(gic_reg, 32);
AT(gic_reg, space, 0);
AT(gic_reg, offset, 4);
AT(gic_reg, mpidr, 8);
AT(gic_reg, value, 16);
AT(gic_reg, flags, 24);
AT(gic_reg, reserved, 28);

SIZE(ioeventfd, 56);
AT(ioeventfd, ipa, 0);
AT(ioeventfd, data, 8);
AT(ioeventfd, data_mask, 16);
AT(ioeventfd, len, 24);
AT(ioeventfd, flags, 28);
AT(ioeventfd, fd, 32);
AT(ioeventfd, pad, 36);
AT(ioeventfd, reserved, 40);

SIZE(irqfd, 32);
AT(irqfd, fd, 0);
AT(irqfd, resample_fd, 4);
AT(irqfd, intid, 8);
AT(irqfd, flags, 12);
AT(irqfd, reserved, 16);

SIZE(core_regs, 280);
AT(core_regs, x, 0);
AT(core_regs, sp_el0, 248);
AT(core_regs, sp_el1, 256);
AT(core_regs, pc, 264);
AT(core_regs, pstate, 272);

SIZE(fp_regs, 528);
AT(fp_regs, v, 0);
AT(fp_regs, fpsr, 512);
AT(fp_regs, fpcr, 516);
AT(fp_regs, reserved, 520);

SIZE(one_reg, 16);
AT(one_reg, id, 0);
AT(one_reg, flags, 4);
AT(one_reg, value, 8);

SIZE(reg_list, 16);
AT(reg_list, count, 0);
AT(reg_list, flags, 4);
AT(reg_list, ids, 8);

SIZE(irq_line, 8);
AT(irq_line, line, 0);
AT(irq_line, level, 4);

SIZE(inject, 16);
AT(inject, type, 0);
AT(inject, flags, 4);
AT(inject, far, 8);

SIZE(power, 8);
AT(power, state, 0);
AT(power, flags, 4);

SIZE(exit_mmio, 24);
AT(exit_mmio, ipa, 0);
AT(exit_mmio, data, 8);
AT(exit_mmio, len, 16);
AT(exit_mmio, is_write, 17);
AT(exit_mmio, sign_extend, 18);
AT(exit_mmio, reg64, 19);
AT(exit_mmio, reg, 20);
AT(exit_mmio, readonly, 21);
AT(exit_mmio, reserved, 22);

SIZE(exit_abort, 16);
AT(exit_abort, ipa, 0);
AT(exit_abort, flags, 8);
AT(exit_abort, insn, 12);

SIZE(exit_sysreg, 16);
AT(exit_sysreg, reg, 0);
AT(exit_sysreg, is_write, 4);
AT(exit_sysreg, rt, 5);
AT(exit_sysreg, reserved, 6);
AT(exit_sysreg, data, 8);

SIZE(exit_call, 16);
AT(exit_call, nr, 0);
AT(exit_call, imm, 8);
AT(exit_call, is_32bit, 12);

SIZE(exit_psci, 48);
AT(exit_psci, event, 0);
AT(exit_psci, reserved, 4);
AT(exit_psci, fn, 8);
AT(exit_psci, args, 16);
AT(exit_psci, timer, 40);

SIZE(exit_wfx, 16);
AT(exit_wfx, is_wfe, 0);
AT(exit_wfx, reserved, 4);
AT(exit_wfx, timer, 8);

SIZE(exit_debug, 16);
AT(exit_debug, ec, 0);
AT(exit_debug, comment, 4);
AT(exit_debug, far, 8);

SIZE(exit_fail, 8);
AT(exit_fail, reason, 0);
AT(exit_fail, err, 4);

SIZE(el2_answers, 16);
AT(el2_answers, mask, 0);
AT(el2_answers, reserved, 8);

SIZE(stats, 896);
AT(stats, irqs, 0);
AT(stats, sync, 8);
AT(stats, user, 520);
AT(stats, el2, 648);
AT(stats, faults, 776);
AT(stats, pages, 784);
AT(stats, waits, 792);
AT(stats, reserved, 800);

SIZE(posted_range, 24);
AT(posted_range, ipa, 0);
AT(posted_range, size, 8);
AT(posted_range, flags, 16);
AT(posted_range, reserved, 20);

SIZE(run_line, 8);
AT(run_line, intid, 0);
AT(run_line, level, 4);

SIZE(posted, 24);
AT(posted, ipa, 0);
AT(posted, data, 8);
AT(posted, len, 16);
AT(posted, pad, 20);

SIZE(posted_ring, 1544);
AT(posted_ring, head, 0);
AT(posted_ring, tail, 4);
AT(posted_ring, writes, 8);

SIZE(times, 520);
AT(times, irq, 0);
AT(times, sync, 8);

SIZE(run, 3608);
AT(run, x, 0);
AT(run, immediate_exit, 248);
AT(run, action, 249);
AT(run, exit_reason, 252);
AT(run, pc, 256);
AT(run, pstate, 264);
AT(run, esr, 272);
AT(run, far, 280);
AT(run, hpfar, 288);
AT(run, u, 296);
AT(run, stats, 512);
AT(run, nr_lines, 1408);
AT(run, lines, 1416);
AT(run, posted, 1544);
AT(run, times, 3088);
AT(run, timing, 250);
/* Each reason has its counter: a new one past the last has none. */
static_assert(ARMVCPU_EXIT_DIRTY_RING_FULL < ARRAY_SIZE(((struct armvcpu_stats *)0)->user));
