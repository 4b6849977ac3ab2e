#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Twenty times into the same kernel, from VMs that run. Prints TAP.
#
# kexec.sh
#
# KERNEL, CPU, GIC, QEMU choose the host as for rig/run. ROUNDS=20.

set -euo pipefail
. "$(dirname "$0")/common"

need_kexec
tap_begin
inside "kexec" "${FILES[@]}" "${KEXEC[@]}" --timeout $((LIMIT * 6)) -- "/inside kexec_rounds ${ROUNDS:-20}"
tap_end
