#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module comes and goes, and refuses where it has to. Prints TAP.
#
# load.sh
#
# KERNEL, CPU, GIC, QEMU choose the host as for rig/run.

set -euo pipefail
. "$(dirname "$0")/tap"

case ${1:-} in
-h | --help) usage; exit ;;
esac
need_modtool
"$RIG/build" user
COMMON=(--no-load --file "$MODTOOL" --file "$HOST/inside" --file "$BUILD/user/armvcpu-check")

tap_begin
inside "4 CPUs" --smp 4 "${COMMON[@]}" --timeout $((120 * $(limit_scale))) -- '/inside load'
# No guest runs on what refuses, and nothing stays: no look for stray writes and leaks,
# which are three quarters of the debug kernel's boot.
export KMEMLEAK=0
COMMON+=(--append page_poison=0)
inside "no EL2" --no-el2 "${COMMON[@]}" -- "/inside refused ENODEV 19 'no EL2' 'started at EL1'"
if has_kvm "$KERNEL"; then
	inside "KVM" --append kvm-arm.mode=nvhe "${COMMON[@]}" -- '/inside kvm'
else
	skip "KVM: the load is EBUSY" "the $KERNEL kernel has no KVM"
fi
inside "VHE" --cpu max --vhe "${COMMON[@]}" -- '/inside vhe'
tap_end
