/* SPDX-License-Identifier: GPL-2.0 */
/* What emulate_insns.S has for emulate.c. */
#ifndef SELFTEST_EMULATE_H
#define SELFTEST_EMULATE_H

#include "types.h"

struct insn_list {
	const u32 *begin;
	const u32 *end;
};

extern const struct insn_list insns_single;
extern const struct insn_list insns_pair;
extern const struct insn_list insns_literal;
extern const struct insn_list insns_structures;
extern const struct insn_list insns_lanes;
extern const struct insn_list insns_ordered;
extern const struct insn_list insns_lor;
extern const struct insn_list insns_lrcpc;
extern const struct insn_list insns_ilrcpc;

#endif /* SELFTEST_EMULATE_H */
