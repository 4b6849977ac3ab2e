// SPDX-License-Identifier: GPL-2.0
/* Values for all registers, and their comparison, on either side. */
#include "guest_regs.h"

/* No two registers, and no two seeds, have a value in common. */
static u64 pattern(u64 seed, u64 number)
{
	u64 x = (seed << 16 | number) * 0x9e3779b97f4a7c15UL;

	return x ^ x >> 29;
}

void guest_state_fill(struct guest_state *state, u64 seed)
{
	u64 i;

	for (i = 0; i < 31; i++)
		state->x[i] = pattern(seed, i);
	/* A function id of 64 bits that is none of PSCI's; a device. */
	state->x[0] |= 0xff000000;
	state->x[28] = GUEST_MMIO + (seed & 0xff) * 0x1000 + 0x10;
	state->nzcv = (pattern(seed, 31) >> 60) << 28;
	for (i = 0; i < 32; i++) {
		state->v[i][0] = pattern(seed, 64 + 2 * i);
		state->v[i][1] = pattern(seed, 65 + 2 * i);
	}
	state->fpsr = pattern(seed, 128) & 0xf800009f;
	/* AHP, DN, FZ, RMode */
	state->fpcr = pattern(seed, 129) & 0x07c00000;
}

const char *guest_x_differ(const struct guest_state *want, const struct guest_state *got,
			   u64 *a, u64 *b)
{
	static const char * const names[] = {
		"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10",
		"x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20",
		"x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30",
	};
	u64 i;

	for (i = 0; i < 31; i++) {
		*a = want->x[i];
		*b = got->x[i];
		if (*a != *b)
			return names[i];
	}
	*a = want->nzcv;
	*b = got->nzcv;
	return *a != *b ? "nzcv" : 0;
}

const char *guest_fp_differ(const struct guest_state *want, const struct guest_state *got,
			    u64 *a, u64 *b)
{
	static const char * const names[] = {
		"v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10",
		"v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20",
		"v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31",
	};
	u64 i;

	for (i = 0; i < 64; i++) {
		*a = want->v[i / 2][i % 2];
		*b = got->v[i / 2][i % 2];
		if (*a != *b)
			return names[i / 2];
	}
	*a = want->fpsr;
	*b = got->fpsr;
	if (*a != *b)
		return "fpsr";
	*a = want->fpcr;
	*b = got->fpcr;
	return *a != *b ? "fpcr" : 0;
}
