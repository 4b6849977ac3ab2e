#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Guest memory in hosts of other kinds than that of the other tests: with two NUMA nodes,
# with huge pages of 1 GiB, and with less memory than the guest. Prints TAP.
#
# memory.sh
#
# KERNEL, CPU, GIC, SMP, QEMU choose the host as for rig/run. STRESS=10 says for how many
# seconds the guest uses its memory (rig/stress-memory).

set -euo pipefail
. "$(dirname "$0")/tap"

case ${1:-} in
-h | --help) usage; exit ;;
esac
PROGRAMS=$BUILD/install/armvcpu
need_tests "$PROGRAMS/pressure" "$PROGRAMS/backing"

# program NAME VARIABLES RUN-ARGUMENT...: some tests of a program.
program() {
	local name=$1 what=$2 rc=0
	shift 2

	"$RIG/run" "$@" --timeout $((120 * $(limit_scale))) --file "$PROGRAMS/$name" \
		"${SWAP_FILES[@]}" -- \
		"$SWAP_LOAD; export RIG_TIMEOUT_SCALE=$(limit_scale) $what; /$name" \
		>"$OUT/out" 2>"$OUT/err" || rc=$?
	tr -d '\r' <"$OUT/out" >"$OUT/lines"
	relay "$name" $rc <"$OUT/lines"
	result "$name: some of it was done" grep -q '^ok [^#]*$' "$OUT/lines"
	[ $rc = 0 ] || remarks "$OUT/err"
}

stress() {
	local rc=0

	SECONDS_OF_STRESS=${STRESS:-10} "$RIG/stress-memory" >"$OUT/out" 2>"$OUT/err" </dev/null || rc=$?
	result "Linux uses more memory than its host has left" [ $rc = 0 ]
	sed -n 's/^# /#   /p' "$OUT/out"
	[ $rc = 0 ] || tail -n 20 "$OUT/out" "$OUT/err" | tr -d '\r' | remarks
}

tap_begin
case $KERNEL in
6.1 | 6.12 | sid)
	host_swap
	program pressure TEST=move_pages --mem 2G --nodes 2
	program backing VARIANT=hugetlb_1g --mem 3G --append "hugepagesz=1G hugepages=1"
	stress
	;;
*)
	skip "memory that moves" "the $KERNEL kernel has no nodes, and pins memory or has no swap"
	;;
esac
tap_end
