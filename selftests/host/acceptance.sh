#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a user was promised and no other test tries as the user would (the exit
# statuses are rig/selftest's, U-Boot is vmm.sh's). Prints TAP.
#
# acceptance.sh
#
# KERNEL, CPU, GIC, SMP, QEMU choose the host as for rig/run.

set -euo pipefail
. "$(dirname "$0")/tap"

case ${1:-} in
-h | --help) usage; exit ;;
esac
need_modtool
export KMEMLEAK=0
BENCH=$BUILD/install/bench/mmio

# runs WHAT RUN-ARGUMENT...: a command in a host that ends with 0.
runs() {
	local what=$1 rc=0
	shift

	"$RIG/run" "$@" >"$OUT/out" 2>"$OUT/err" || rc=$?
	result "$what" [ $rc = 0 ]
	[ $rc = 0 ] || { echo "# status $rc"; remarks "$OUT/out" "$OUT/err"; }
}

tap_begin
runs "a static program runs beside /dev/armvcpu" --file "$MODTOOL=/p" -- \
	'[ ! -e /dev/kvm ] && /p vm'
if has_kvm "$KERNEL"; then
	runs "the same program runs beside /dev/kvm" --kvm --file "$MODTOOL=/p" -- \
		'[ ! -e /dev/armvcpu ] && /p kvm'
else
	skip "the same program runs beside /dev/kvm" "the $KERNEL kernel has no KVM"
fi
if [ "$KERNEL" = debug ]; then
	skip "a bare MMIO exit costs no more than 2,900 instructions" "not on the debug kernel"
else
	# Its first row, and the program has seen that these are instructions.
	runs "a bare MMIO exit costs no more than 2,900 instructions" --smp 1 --icount 1 \
		--file "$BENCH=/bench" -- 'sleep 8; /bench'
	result "... counted under icount" \
		grep -Eq '^mmio_read_user +[0-9]+ instructions' "$OUT/out"
	remarks "$OUT/out"
fi
tap_end
