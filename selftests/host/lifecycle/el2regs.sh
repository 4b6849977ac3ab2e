#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What EL2 held before the module is what it holds after it. Prints TAP.
#
# el2regs.sh
#
# selftests/el2probe reads EL2's registers by a way of its own, and gives them values that
# no kernel does. KERNEL, CPU, GIC, QEMU choose the host as for rig/run; one with a core
# that has all that QEMU has is looked at as well.

set -euo pipefail
. "$(dirname "$0")/common"

FILES+=(--file "$BUILD/install=/selftests")
tap_begin
inside "$CPU" "${FILES[@]}" -- '/inside el2regs'
# It takes long to boot, and says nothing that the checkers would see.
[ "$CPU" = max ] || [ "$KERNEL" = debug ] ||
	inside max --cpu max "${FILES[@]}" -- '/inside el2regs'
tap_end
