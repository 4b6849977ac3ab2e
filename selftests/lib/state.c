// SPDX-License-Identifier: GPL-2.0
/* What an ioctl that fails must leave alone; see state.h. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	test_check(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* What counts time by itself is no sign of a change. */
static bool ticks(u32 id)
{
	return id == ARMVCPU_REG_SYS(3, 3, 14, 3, 0) || id == ARMVCPU_REG_SYS(3, 3, 14, 3, 1);
}

void vcpu_state_save(struct vcpu *vcpu, struct vcpu_state *s)
{
	u32 i, *ids = vcpu_reg_list(vcpu, &s->count);

	memset(&s->core, 0, sizeof(s->core));
	memset(&s->fp, 0, sizeof(s->fp));
	vcpu_get_regs(vcpu, &s->core);
	test_check(!xioctl(vcpu->fd, ARMVCPU_GET_FP_REGS, &s->fp));
	memcpy(&s->run, vcpu->run, sizeof(s->run));
	s->values = calloc(s->count, sizeof(u64));
	test_check(s->values);
	for (i = 0; i < s->count; i++) {
		if (!ticks(ids[i]))
			s->values[i] = vcpu_get(vcpu, ids[i]);
	}
	s->power = vcpu_power(vcpu);
	s->files = open_files();
	free(ids);
}

void vcpu_state_check(struct vcpu *vcpu, struct vcpu_state *before)
{
	struct vcpu_state after;

	vcpu_state_save(vcpu, &after);
	if (memcmp(&before->core, &after.core, sizeof(after.core)))
		test_fail("the core registers have changed");
	if (memcmp(&before->fp, &after.fp, sizeof(after.fp)))
		test_fail("the FP registers have changed");
	if (memcmp(&before->run, &after.run, sizeof(after.run)))
		test_fail("the run struct has changed");
	if (before->count != after.count ||
	    memcmp(before->values, after.values, after.count * sizeof(u64)))
		test_fail("the registers of the list have changed");
	if (before->power != after.power)
		test_fail("the power state has changed");
	if (before->files != after.files)
		test_fail("there were %d open files, now %d", before->files, after.files);
	free(after.values);
}
