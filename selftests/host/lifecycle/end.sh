#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A host goes down while VMs run: EL2 is given back, nothing hangs. Prints TAP.
#
# end.sh
#
# KERNEL, CPU, GIC, QEMU choose the host as for rig/run.

set -euo pipefail
. "$(dirname "$0")/common"

# goes_down NAME COMMAND MESSAGE
goes_down() {
	host "$1" "${FILES[@]}" -- "/inside goes_down $2"
	verdict "$1: it comes down" [ "$rc$ended" = 1201 ]
	verdict "$1: to its end" log_says "reboot: $3"
	verdict "$1: the log tells that EL2 is given back" \
		log_says "armvcpu: the host goes down: EL2 given back on $SMP CPU"
	verdict "$1: EL2 is as it was then" log_says 'el2probe: at reboot EL2 is as it was'
	verdict "$1: the host is well" no_splats
}
# shellcheck disable=SC2317 # called by verdict
no_splats() {
	local status=0

	"$RIG/splats" "$(host_log)" || status=$?
	[ "$status" = 1 ]
}

tap_begin
goes_down "reboot" "reboot -f" "Restarting system"
goes_down "power-off" "poweroff -f" "Power down"
tap_end
