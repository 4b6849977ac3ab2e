#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Interrupts of the host that are passed through to a guest, in a host with a CPU that is
# isolated and with access to its devices. Prints TAP.
#
# passthrough.sh
#
# KERNEL, CPU, GIC, QEMU choose the host as for rig/run.

set -euo pipefail
. "$(dirname "$0")/tap"

case ${1:-} in
-h | --help) usage; exit ;;
esac
PROGRAM=$BUILD/install/armvcpu/passthrough
# Not while others use what is installed.
[ -x "$PROGRAM" ] || "$RIG/build" tests

tap_begin
rc=0
"$RIG/run" --smp 3 --append "isolcpus=2 iomem=relaxed" --timeout $((120 * $(limit_scale))) \
	--file "$PROGRAM" -- "RIG_TIMEOUT_SCALE=$(limit_scale) /passthrough" \
	>"$OUT/out" 2>"$OUT/err" || rc=$?
tr -d '\r' <"$OUT/out" >"$OUT/lines"
relay passthrough $rc <"$OUT/lines"
[ $rc = 0 ] || remarks "$OUT/err"
tap_end
