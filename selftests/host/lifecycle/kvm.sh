#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KVM and we: whoever comes first keeps the other out. Prints TAP.
#
# kvm.sh
#
# KERNEL, CPU, GIC, QEMU choose the host as for rig/run.

set -euo pipefail
. "$(dirname "$0")/common"

tap_begin
if has_kvm "$KERNEL"; then
	inside "KVM first" --append kvm-arm.mode=nvhe "${FILES[@]}" -- '/inside kvm_first'
	# It leaves EL2 to the stub until there is a VM; kernels before 6.12 know no such word.
	inside "KVM first, at its first VM" --append 'kvm-arm.mode=nvhe kvm.enable_virt_at_load=0' \
		"${FILES[@]}" -- '/inside kvm_first'
else
	skip "KVM first" "the $KERNEL kernel has no KVM"
fi
inside "we first" "${FILES[@]}" -- '/inside we_first'
tap_end
