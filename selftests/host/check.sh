#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# armvcpu-check on machines that are made up. Prints TAP; needs no host. What it says of
# real ones is compared with insmod by load.sh.
#
# check.sh

set -euo pipefail
. "$(dirname "$0")/tap"

case ${1:-} in
-h | --help) usage; exit ;;
esac
tap_begin
if [ "$KERNEL" = debug ]; then
	skip "machines that are made up" "the same with each kernel"
	tap_end
fi
"$RIG/build" native
rc=0
CHECK=$BUILD/native/armvcpu-check "$TOP/userspace-vmm/tests/check-test.sh" >"$OUT/out" 2>&1 ||
	rc=$?
relay "armvcpu-check" $rc <"$OUT/out"
tap_end
