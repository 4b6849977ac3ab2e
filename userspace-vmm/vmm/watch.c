// SPDX-License-Identifier: GPL-2.0
/*
 * Looking on: --stats and --trace. A guest without either pays for the test of one
 * pointer per exit.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "board.h"
#include "counter.h"
#include "machine.h"

#define NSEC_PER_SEC	1000000000ULL
/* As far as a page of MMIO goes in the module. */
#define MMIO_PAGE	(4 * KIB)

/* ---- In a vCPU's thread ------------------------------------------------ */

void watch_init(struct vcpu *vcpu)
{
	static struct watch watches[BOARD_MAX_CPUS];
	const struct config *config = vcpu->vm->config;

	if (!config->stats && !config->trace)
		return;
	vcpu->watch = &watches[vcpu->index];
	vcpu->watch->trace = config->trace ? &vcpu->vm->trace : NULL;
	vcpu->hw.run->timing = config->stats != 0;
}

/*
 * Does the module count it as a data abort as well? That it does as long as it does
 * not know that no ioeventfd and no memory is there. Of a page's first access, we do
 * not hear of that.
 */
static bool is_counted(const struct vcpu *vcpu)
{
	const struct armvcpu_exit_mmio *mmio = &vcpu->hw.run->u.mmio;
	u64 end = BOARD_VIRTIO_BASE + align_up(vcpu->vm->num_virtio *
					       BOARD_VIRTIO_STRIDE, MMIO_PAGE);

	return mmio->readonly || (mmio->is_write &&
		mmio->ipa >= BOARD_VIRTIO_BASE && mmio->ipa < end);
}

/* These do not end the vCPU, and only then it is known what the VMM made of them. */
static bool has_result(u32 reason)
{
	return reason == ARMVCPU_EXIT_MMIO || reason == ARMVCPU_EXIT_ABORT ||
	       reason == ARMVCPU_EXIT_SYSREG;
}

bool watch_exit(struct vcpu *vcpu, bool (*handle)(struct vcpu *vcpu))
{
	const struct armvcpu_run *run = vcpu->hw.run;
	struct watch *watch = vcpu->watch;
	u32 reason = run->exit_reason;
	struct trace_exit exit;
	u64 began = counter_now();
	bool go_on;

	if (reason == ARMVCPU_EXIT_MMIO && is_counted(vcpu))
		stats_add(&watch->stats.counted, 1);
	if (watch->trace) {
		trace_fill(&exit, vcpu->index, run);
		/* Others may be the VM's last one. */
		if (!has_result(reason))
			trace_add(watch->trace, &exit);
	}
	go_on = handle(vcpu);
	if (watch->trace && has_result(reason)) {
		trace_result(&exit, run);
		trace_add(watch->trace, &exit);
	}
	if (reason < STATS_REASONS)
		stats_add(&watch->stats.ticks[reason], counter_now() - began);
	return go_on;
}

void watch_interrupt(struct vcpu *vcpu)
{
	struct trace_exit exit;

	if (!vcpu->watch->trace)
		return;
	trace_fill(&exit, vcpu->index, vcpu->hw.run);
	trace_add(vcpu->watch->trace, &exit);
}

/* ---- In the main thread ------------------------------------------------ */

static void take_sample(const struct vm *vm, struct stats_sample *sample)
{
	unsigned int i;

	memset(sample, 0, sizeof(*sample));
	sample->ns = now_ns();
	for (i = 0; i < vm->config->cpus; i++)
		stats_add_vcpu(sample, vm->vcpus[i].hw.run,
			       &vm->vcpus[i].watch->stats);
}

/* All at once: the guest may print to the same terminal. */
static void write_all(const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(STDERR_FILENO, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		buf += n;
		len -= n;
	}
}

/*
 * At the top of the screen, and the cursor where it was: what the guest prints goes
 * on below. What the table before had beyond this one is cleared.
 */
static void draw(struct vm *vm, const char *table)
{
	static char screen[2 * STATS_TABLE_SIZE];
	struct winsize size = { 0 };
	unsigned int lines = 0, rows;
	char *to = screen;

	ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
	rows = size.ws_row > 4 ? size.ws_row - 4 : 20;
	to = stpcpy(to, "\0337\033[H");
	while (*table && lines < rows) {
		const char *end = strchr(table, '\n');

		to = mempcpy(to, table, end - table);
		to = stpcpy(to, "\033[K\r\n");
		table = end + 1;
		lines++;
	}
	for (rows = lines; rows < vm->stats.lines; rows++)
		to = stpcpy(to, "\033[K\r\n");
	to = stpcpy(to, "\0338");
	vm->stats.lines = lines;
	write_all(screen, to - screen);
}

static void print_table(struct vm *vm, const struct stats_sample *from,
			const struct stats_sample *to, const char *what,
			bool in_place)
{
	static char table[STATS_TABLE_SIZE];
	size_t len = stats_table(table, from, to, counter_hz(), what);

	if (in_place && isatty(STDERR_FILENO))
		draw(vm, table);
	else
		write_all(table, len);
}

void watch_begin(struct vm *vm)
{
	vm->stats.due = ~0ULL;
	if (!vm->config->stats)
		return;
	take_sample(vm, &vm->stats.first);
	vm->stats.last = vm->stats.first;
	vm->stats.due = vm->stats.first.ns + vm->config->stats * NSEC_PER_SEC;
}

void watch_print(struct vm *vm)
{
	struct stats_sample now;
	char what[32];

	if (now_ns() < vm->stats.due)
		return;
	take_sample(vm, &now);
	snprintf(what, sizeof(what), "in %.1f s",
		 (double)(now.ns - vm->stats.last.ns) / NSEC_PER_SEC);
	print_table(vm, &vm->stats.last, &now, what, true);
	vm->stats.last = now;
	vm->stats.due = now.ns + vm->config->stats * NSEC_PER_SEC;
}

void watch_end(struct vm *vm)
{
	struct stats_sample now;
	char what[32];

	if (vm->config->stats) {
		take_sample(vm, &now);
		snprintf(what, sizeof(what), "%.1f s in all",
			 (double)(now.ns - vm->stats.first.ns) / NSEC_PER_SEC);
		print_table(vm, &vm->stats.first, &now, what, false);
	}
	if (vm->config->trace)
		trace_flush(&vm->trace);
}
