#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KVM and we: whoever comes first keeps the other out. Prints TAP.
#
# kvm.sh
#
# KERNEL, CPU, GIC, QEMU choose the host as for rig/run.

set -euo pipefail
. "$(dirname "$0")/common"

# An index of 4 into an array of 4: Linux 7.2's own KVM, when a CPU of a Cortex-A72 has been
# off and comes back, also where our module has never been.
KVMS_OWN='UBSAN: array-index-out-of-bounds in [^ ]*/arch/arm64/kvm/arm\.c:2260:44[[:space:]]*$'

# kvm_first NAME RUN-ARGUMENT...
kvm_first() {
	host "$@" "${FILES[@]}" -- '/inside kvm_first'
	verdict "$1: the host ends well" ends_well
}

# without_kvms_own <LOG: the log without that report, which the kernel makes once: its first
# line, and the call trace after it, if the sixth frame is the function that it is about.
# shellcheck disable=SC2317 # called by verdict, as the next one
without_kvms_own() {
	KVMS_OWN=$KVMS_OWN LC_ALL=C awk '
		held != "" && ++frame == 6 {
			if (!/ cpu_set_hyp_vector\+0x/)
				print held
			held = ""
		}
		$0 ~ ENVIRON["KVMS_OWN"] && !reports++ { report = NR; next }
		/Call trace:/ && report && NR <= report + 8 { held = $0; report = 0; next }
		{ print }
		END { if (held != "") print held }'
}

# shellcheck disable=SC2317
ends_well() {
	local log status=0

	[ "$rc$ended" = 01 ] || {
		log=$(host_log)
		[ "$KERNEL$rc$ended" = sid1201 ] && log_says "$KVMS_OWN" &&
			log_says '^rig: done, status 0' && log_says 'reboot: Power down' &&
			without_kvms_own <"$log" >"$OUT/others" || return 1
		"$RIG/splats" "$OUT/others" || status=$?
		[ "$status" = 1 ]
	}
}

tap_begin
if has_kvm "$KERNEL"; then
	kvm_first "KVM first" --append kvm-arm.mode=nvhe
	# It leaves EL2 to the stub until there is a VM; kernels before 6.12 know no such word.
	kvm_first "KVM first, at its first VM" \
		--append 'kvm-arm.mode=nvhe kvm.enable_virt_at_load=0'
else
	skip "KVM first" "the $KERNEL kernel has no KVM"
fi
inside "we first" "${FILES[@]}" -- '/inside we_first'
tap_end
