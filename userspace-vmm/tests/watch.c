// SPDX-License-Identifier: GPL-2.0
/*
 * --stats and --trace without a guest: the table and the lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper.h"
#include "stats.h"
#include "trace.h"

/* ---- --stats ----------------------------------------------------------- */

/* 62.5 MHz: a tick is 16 ns. */
#define HZ	62500000
#define SECOND	1000000000ULL

static char table[STATS_TABLE_SIZE];

static size_t where(const char *text)
{
	const char *found = strstr(table, text);

	if (!found)
		printf("# '%s' is not in the table:\n%s", text, table);
	CHECK(found);
	return found ? (size_t)(found - table) : 0;
}

static void test_stats(void)
{
	static struct armvcpu_run runs[2];
	static struct stats_vcpu vcpus[2];
	struct stats_sample from, to;
	unsigned int i;

	memset(runs, 0, sizeof(runs));
	memset(vcpus, 0, sizeof(vcpus));
	memset(&from, 0, sizeof(from));
	/* What was there before does not count. */
	runs[0].stats.irqs = 1000;
	runs[0].stats.sync[0x16] = 500;
	stats_add_vcpu(&from, &runs[0], &vcpus[0]);
	stats_add_vcpu(&from, &runs[1], &vcpus[1]);
	from.ns = SECOND;

	runs[0].stats.irqs += 100;
	runs[0].times.irq += 100 * 50;
	runs[1].stats.sync[0x24] = 60;
	runs[1].stats.user[ARMVCPU_EXIT_MMIO] = 850;
	runs[1].times.sync[0x24] = 900 * 125;
	/* Ten of them are in both. */
	vcpus[1].counted = 10;
	vcpus[1].ticks[ARMVCPU_EXIT_MMIO] = 850 * 10;
	for (i = 0; i < 2; i++)
		runs[i].stats.el2[ARMVCPU_EL2_SYSREG] = 500;
	runs[0].stats.faults = 7;
	memset(&to, 0, sizeof(to));
	stats_add_vcpu(&to, &runs[0], &vcpus[0]);
	stats_add_vcpu(&to, &runs[1], &vcpus[1]);
	to.ns = 3 * SECOND;

	CHECK(stats_table(table, &from, &to, HZ, "in 2.0 s") == strlen(table));
	CHECK(!where("armvcpu-vmm: in 2.0 s              count per second   share     ns each\n"));
	CHECK(where("  EL2   SYSREG                      1000        500   50.0%           -\n") <
	      where("  trap  data abort                   900        450   45.0%        2000\n"));
	CHECK(where("data abort") <
	      where("  host  interrupt                    100         50    5.0%         800\n"));
	where("  all of these                      2000       1000  100.0%           -\n");
	where("  of these, to the VMM               850        425   42.5%           -\n");
	where("  VMM   MMIO                         850        425   42.5%         160\n");
	where("  stage 2 faults that mapped memory     7\n");
	/* No row says zero. */
	CHECK(!strstr(table, "HVC"));
	CHECK(!strstr(table, "waits"));

	/* Nothing at all: no division by zero, and no rows. */
	CHECK(stats_table(table, &to, &to, 0, "in 0.0 s") == strlen(table));
	where("  all of these                         0          0    0.0%           -\n");
	CHECK(!strstr(table, "interrupt"));
}

/* All rows with numbers as large as they can be: it still fits. */
static void test_stats_full(void)
{
	static struct stats_sample from, to;
	size_t len;

	memset(&from, 0, sizeof(from));
	memset(&to, 0x7f, sizeof(to));
	to.ns = SECOND;
	len = stats_table(table, &from, &to, 1, "in 1.0 s");
	CHECK(len == strlen(table));
	CHECK(len < sizeof(table) - 1);
	CHECK(table[len - 1] == '\n');
}

/* ---- --trace ----------------------------------------------------------- */

/* @rest is what comes behind what all lines have. */
static void check_line(const struct armvcpu_run *run, u8 action,
		       const char *reason, const char *rest)
{
	struct armvcpu_run after = *run;
	char line[TRACE_LINE], wanted[2 * TRACE_LINE];
	struct trace_exit exit;

	trace_fill(&exit, 1, run);
	exit.ns = 123456789;
	after.action = action;
	trace_result(&exit, &after);
	CHECK(trace_line(line, &exit) == strlen(line));
	snprintf(wanted, sizeof(wanted),
		 "123456789 1 %s pc=0x40080000 esr=0x93800005%s\n", reason, rest);
	if (strcmp(line, wanted))
		printf("# it is %s", line);
	CHECK(!strcmp(line, wanted));
}

static struct armvcpu_run *new_run(u32 reason)
{
	static struct armvcpu_run run;

	memset(&run, 0, sizeof(run));
	run.exit_reason = reason;
	run.pc = 0x40080000;
	run.esr = 0x93800005;
	return &run;
}

static void test_trace_accesses(void)
{
	struct armvcpu_run *run = new_run(ARMVCPU_EXIT_MMIO);

	run->u.mmio.ipa = 0x9000018;
	run->u.mmio.data = 0x12345678900000c7;
	run->u.mmio.len = 4;
	run->u.mmio.reg = 3;
	check_line(run, 0, "MMIO",
		   " ipa=0x9000018 dir=read len=4 reg=w3 data=0x900000c7");
	run->u.mmio.len = 8;
	run->u.mmio.data = ~0ULL;
	run->u.mmio.reg = 31;
	run->u.mmio.reg64 = 1;
	run->u.mmio.is_write = 1;
	check_line(run, 0, "MMIO",
		   " ipa=0x9000018 dir=write len=8 reg=xzr data=0xffffffffffffffff");
	run->u.mmio.data = 1;
	run->u.mmio.readonly = 1;
	check_line(run, ARMVCPU_ACTION_ABORT, "MMIO",
		   " ipa=0x9000018 dir=write len=8 reg=xzr data=0x1 readonly=1 action=abort");

	run = new_run(ARMVCPU_EXIT_ABORT);
	run->u.abort.ipa = 0xa000000;
	run->u.abort.flags = ARMVCPU_ABORT_WRITE | ARMVCPU_ABORT_INSN_VALID;
	run->u.abort.insn = 0xa9000440;
	check_line(run, ARMVCPU_ACTION_ABORT, "ABORT",
		   " ipa=0xa000000 dir=write flags=0x5 insn=0xa9000440 action=abort");

	run = new_run(ARMVCPU_EXIT_SYSREG);
	run->u.sysreg.reg = ARMVCPU_SYSREG(3, 0, 12, 12, 0);
	run->u.sysreg.rt = 9;
	run->u.sysreg.data = 0x3ff;
	check_line(run, ARMVCPU_ACTION_UNDEF, "SYSREG",
		   " sysreg=ICC_IAR1_EL1 dir=read reg=x9 data=0x3ff action=undef");
}

static void test_trace_others(void)
{
	struct armvcpu_run *run = new_run(ARMVCPU_EXIT_HYPERCALL);

	run->u.call.nr = 0xc6000100;
	run->x[1] = 1;
	run->x[2] = 2;
	run->x[3] = ~0ULL;
	check_line(run, 0, "HYPERCALL",
		   " fn=0xc6000100 imm=0x0 args=0x1,0x2,0xffffffffffffffff");

	run = new_run(ARMVCPU_EXIT_PSCI);
	run->u.psci.event = ARMVCPU_PSCI_CPU_ON;
	run->u.psci.fn = 0xc4000003;
	run->u.psci.args[0] = 1;
	check_line(run, 0, "PSCI", " call=CPU_ON fn=0xc4000003 args=0x1,0x0,0x0");

	run = new_run(ARMVCPU_EXIT_WFX);
	run->u.wfx.timer = ~0ULL;
	check_line(run, 0, "WFX", " insn=WFI timer=0xffffffffffffffff");
	check_line(new_run(ARMVCPU_EXIT_INTR), 0, "INTR", "");
}

/* Whatever a run struct holds, a line is a line. */
static void test_trace_any(void)
{
	struct armvcpu_run run;
	struct trace_exit exit;
	char line[TRACE_LINE];
	unsigned int i;

	memset(&run, 0xff, sizeof(run));
	for (i = 0; i < 20; i++) {
		size_t len;

		run.exit_reason = i;
		trace_fill(&exit, ~0U, &run);
		trace_result(&exit, &run);
		exit.ns = ~0ULL;
		len = trace_line(line, &exit);
		CHECK(len == strlen(line) && len < TRACE_LINE - 1);
		CHECK(line[len - 1] == '\n');
	}
}

/* Lines of the file, those of text and those of exits. */
static void count_lines(const char *path, unsigned int *text,
			unsigned int *exits)
{
	FILE *file = fopen(path, "r");
	char line[TRACE_LINE];

	*text = 0;
	*exits = 0;
	CHECK(file);
	while (file && fgets(line, sizeof(line), file))
		++*(line[0] == '#' ? text : exits);
	if (file)
		fclose(file);
}

static void test_trace_file(void)
{
	static struct trace trace;
	struct armvcpu_run run = { .exit_reason = ARMVCPU_EXIT_INTR };
	char path[] = "/tmp/trace-XXXXXX";
	unsigned int text, exits, i;
	struct trace_exit exit;
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	close(fd);
	trace_fill(&exit, 0, &run);

	/* Many at a time; the rest when it is asked for. */
	trace_open(&trace, path, 0);
	for (i = 0; i < TRACE_EXITS + 5; i++)
		trace_add(&trace, &exit);
	count_lines(path, &text, &exits);
	CHECK(text == 1 && exits == TRACE_EXITS);
	trace_flush(&trace);
	count_lines(path, &text, &exits);
	CHECK(text == 1 && exits == TRACE_EXITS + 5);
	close(trace.fd);

	/* A limit is met, and told in the file. */
	trace_open(&trace, path, 10);
	for (i = 0; i < 20; i++)
		trace_add(&trace, &exit);
	count_lines(path, &text, &exits);
	CHECK(text == 2 && exits == 10);
	CHECK(trace.fd < 0);
	trace_flush(&trace);
	unlink(path);
}

void watch_tests(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{ "stats: a table", test_stats },
		{ "stats: the largest table", test_stats_full },
		{ "trace: lines of accesses", test_trace_accesses },
		{ "trace: other lines", test_trace_others },
		{ "trace: anything is a line", test_trace_any },
		{ "trace: a file, and its limit", test_trace_file },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		test_begin();
		tests[i].run();
		test_end(tests[i].name);
	}
}
