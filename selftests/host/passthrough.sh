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
PROGRAMS=$BUILD/install/armvcpu
need_tests "$PROGRAMS/passthrough" "$PROGRAMS/failnth"

tap_begin
rc=0
"$RIG/run" --smp 3 --append "isolcpus=2 iomem=relaxed" --timeout $((120 * $(limit_scale))) \
	--file "$PROGRAMS/passthrough" --file "$PROGRAMS/failnth" -- \
	"export RIG_TIMEOUT_SCALE=$(limit_scale)
	 /passthrough; rc=\$?; echo '--- failnth'
	 VARIANT=pass_irq /failnth; echo \"--- \$?\"; exit \$rc" \
	>"$OUT/out" 2>"$OUT/err" || rc=$?
tr -d '\r' <"$OUT/out" >"$OUT/lines"
sed '/^--- failnth/,$d' "$OUT/lines" >"$OUT/passthrough"
relay passthrough $rc <"$OUT/passthrough"
# Its ioctl without memory: no other host has a CPU for it.
sed '1,/^--- failnth/d; /^--- /d' "$OUT/lines" >"$OUT/failnth"
relay failnth "$(sed -n 's/^--- \([0-9]*\)$/\1/p' "$OUT/lines")" <"$OUT/failnth"
# shellcheck disable=SC2317 # called through result
ran() { grep '^ok .*nth.pass_irq.allocation_fails' "$OUT/failnth" | grep -qv '# SKIP'; }
[ "$KERNEL" != debug ] || result "failnth: the ioctl has been without memory" ran
[ $rc = 0 ] || remarks "$OUT/err"
tap_end
