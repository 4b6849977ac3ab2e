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
BENCH=$BUILD/install/bench/bench
# A quarter of what KVM takes on this machine with Linux 6.1, and a tenth more.
LIMIT=1570

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
what="an exit to the VMM and back takes no more than $LIMIT instructions"
if [ "$KERNEL" = debug ] || [ "$GIC" != 3 ]; then
	skip "$what" "the benchmark is for a GICv3, and not for the debug kernel"
else
	# The program has seen that these are instructions.
	runs "$what" --smp 1 --icount 1 --file "$BENCH=/bench" -- \
		"sleep 8; /bench armvcpu mmio_read_user | tee /tmp/out
		read -r row insn </tmp/out; [ \"\$row\" = mmio_read_user ] && [ \"\$insn\" -le $LIMIT ]"
	remarks "$OUT/out"
fi
tap_end
