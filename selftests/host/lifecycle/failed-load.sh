#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A load that fails leaves the host as it was, wherever it failed. Prints TAP.
#
# failed-load.sh
#
# Interrupts, CPUs and a name that somebody else has, by selftests/el2probe; allocations
# that fail, where the kernel can make them (KERNEL=debug). KERNEL, CPU, GIC, QEMU choose
# the host as for rig/run.

set -euo pipefail
. "$(dirname "$0")/common"

tap_begin
inside "failed loads" --smp 4 "${FILES[@]}" --timeout $((LIMIT * 3)) -- '/inside failed_loads'
tap_end
