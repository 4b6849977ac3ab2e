#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# CPUs that sleep lose EL2, and get it again: suspend and idle. Prints TAP.
#
# sleep.sh
#
# The kernel suspends up to where the machine would be switched off (pm_test), and its
# CPUs idle in a state that calls cpu_pm. QEMU keeps EL2's registers there: that what is
# lost is had again is shown by CPUs that go off. KERNEL, CPU, GIC, QEMU choose the host
# as for rig/run.

set -euo pipefail
. "$(dirname "$0")/common"

FILES+=(--file "$BUILD/install=/selftests")
tap_begin
inside "suspend" "${FILES[@]}" -- '/inside suspend'
inside "idle" --gic 2 --idle-states "${FILES[@]}" -- '/inside idle'
tap_end
