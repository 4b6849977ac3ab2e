#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A host that crashes while VMs run: its crash kernel works. A bug of the module itself.
# Prints TAP.
#
# crash.sh
#
# KERNEL, CPU, GIC, QEMU choose the host as for rig/run.

set -euo pipefail
. "$(dirname "$0")/common"

# What the log has of each, and nothing else.
PANIC='Kernel panic - not syncing: sysrq triggered crash|Call trace:'
OOPS='Internal error: Oops|Unable to handle kernel|KASAN: null-ptr-deref|Call trace:'

# crashes NAME HOW SPLATS PATTERN...
crashes() {
	local name=$1 how=$2 splats=$3 pattern
	shift 3

	host "$name" "${FILES[@]}" "${KEXEC[@]}" --mem "$MEMORY" --append "crashkernel=$RESERVED crash_kexec_post_notifiers" \
		-- "/inside crash $how"
	verdict "$name: the crash kernel comes to its end" [ "$rc$ended" = 1201 ]
	for pattern; do
		verdict "$name: the log says why: $pattern" log_says "$pattern"
	done
	verdict "$name: the log tells whose VMs there were" \
		log_says "armvcpu: VM [0-9]+, of modtool\\[[0-9]+\\], with 1 vCPU"
	verdict "$name: nothing else is wrong" only_splats "$splats"
}

MEMORY=2G RESERVED=256M
# KASAN's shadow alone is an eighth.
[ "$KERNEL" != debug ] || RESERVED=512M
need_kexec
tap_begin
crashes "sysrq" sysrq "$PANIC" 'Kernel panic - not syncing: sysrq triggered crash'
# The rig's hosts have oops=panic.
crashes "panic in the module" oops "$OOPS|Kernel panic - not syncing: Oops" 'pc : el2_provoke_oops' 'Kernel panic - not syncing: Oops'

host "oops" "${FILES[@]}" -- '/inside oops'
verdict "oops: the host goes on" [ "$rc$ended" = 1201 ]
verdict "oops: nothing else is wrong" only_splats "$OOPS"
tap_end
