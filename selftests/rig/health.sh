# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Is a kernel well? By its log, and by kmemleak. Sourced by rig/splats, and in a host, where
# it is /.rig/health.sh (busybox sh).

# complaints PATTERN [LOG]...: the lines of a log that match, those of rig/splats; a call
# trace is none of them where memory is short, which tests see to, or where sysfs has the
# name of the device already, which one test (host/lifecycle/failed-load.sh) sees to. Fails like
# grep: with 1 if there are none, with 2 if that is not known. File 3 has the status of each
# part of the pipe that has failed, file 4 is where the lines go.
complaints() {
	complaints_pattern=$1
	shift
	{ complaints_failed=$({ complaints_pipe "$@"; } 3>&1 >&4); } 4>&1
	for complaints_status in $complaints_failed; do
		[ "$complaints_status" = 1 ] || return 2
	done
	[ -z "$complaints_failed" ]
}

complaints_pipe() {
	{ without_excused "$@" || echo 2 >&3; } |
		{ grep -aE -- "$complaints_pattern" || echo $? >&3; }
}

without_excused() {
	LC_ALL=C awk '
		/ invoked oom-killer: |: vmalloc error: |: page allocation (failure|stall)/ ||
		/cannot create duplicate filename .*\/misc\/armvcpu/ { excused = NR + 8 }
		/Call trace:/ && NR <= excused { excused = 0; next }
		{ print }' "$@"
}

KMEMLEAK_FILE=/sys/kernel/debug/kmemleak

# The rig boots a host without it, or not (KMEMLEAK=0).
has_kmemleak() { [ -e $KMEMLEAK_FILE ] && ! grep -qw kmemleak=off /proc/cmdline; }

# leaks: what has leaked; fails if nothing has. A second scan sees what is older than five
# seconds by then.
leaks() {
	# It turns itself off, for good, when it has no memory.
	echo scan >$KMEMLEAK_FILE || { echo "BUG: kmemleak is off"; return 0; }
	sleep 6
	echo scan >$KMEMLEAK_FILE || { echo "BUG: kmemleak is off"; return 0; }
	grep . $KMEMLEAK_FILE
}
