#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The same guest on QEMU's plain virt board, where it has EL1 for itself, and under armvcpu:
# the hostile guest (selftests/hostile/guest_main.c) prints how each of its cases ends, and
# hostile/differences says which may differ, and why. Prints TAP.
#
# hostile.sh
#
# SYSREGS=all             every encoding of a system register, read and written, at EL1 and
#                         EL0; otherwise those that have names, op0 2 and 3 of op1 0 and 3
# INSNS=2000              how many instructions
# SEED=1                  which values, which instructions
#
# KERNEL, CPU, GIC, SMP, QEMU choose the host as for rig/run, and CPU, GIC and QEMU the plain
# board. The list is of cores of Armv8.0; others have more that a guest is not shown.

set -euo pipefail
. "$(dirname "$0")/tap"

case ${1:-} in
-h | --help) usage; exit ;;
esac
: "${SYSREGS:=named}" "${INSNS:=2000}" "${SEED:=1}"
GUEST=$BUILD/selftests/hostile-parts/guest.bin
VMM=$BUILD/user/armvcpu-vmm
SELF=$TOP/selftests/hostile
tap_begin
case $KERNEL:$CPU in
debug:*)
	skip "the plain board" "the same with each kernel"
	tap_end
	;;
*:cortex-a53 | *:cortex-a57 | *:cortex-a72) ;;
*)
	skip "the plain board" "the list of differences is not for a $CPU"
	tap_end
	;;
esac
"$RIG/setup"
"$RIG/build" user
need_tests "$GUEST"

qemu_command "$QEMU"
qemu=("${QEMU_COMMAND[@]}" -M "virt,gic-version=$GIC,its=off" -cpu "$(qemu_cpu "$CPU")"
	-m 256M -nographic -nic none -no-reboot)

# What cases, by the guest's command line, each a run of its own, and how many of them have to
# end in both in a way that can be compared.
names=() cases=() least=()
part() { names+=("$1"); least+=("$2"); cases+=("hostile.seed=$SEED hostile.gic=$GIC $3"); }
if [ "$SYSREGS" = all ]; then
	part "all system registers" 150 "hostile.kind=0"
else
	# op0 2, op1 0, CRn 0 and 1; op0 3, op1 0; op0 3, op1 3. Bit 16 writes, bit 17 is EL0.
	# At EL0 there are few, and none of the first two.
	op0_2=(15 8 0 0) op1_0=(50 20 0 0) op1_3=(8 6 8 5)
	for how in 0 65536 131072 196608; do
		what=$([ $((how & 65536)) = 0 ] && echo read || echo written)
		at="$what at EL$([ $how -lt 131072 ] && echo 1 || echo 0)"
		part "op0 2, $at" "${op0_2[how >> 16]}" "hostile.kind=0 hostile.first=$((how + 0x8000)) hostile.count=256"
		part "op1 0, $at" "${op1_0[how >> 16]}" "hostile.kind=0 hostile.first=$((how + 0xc000)) hostile.count=2048"
		part "op1 3, $at" "${op1_3[how >> 16]}" "hostile.kind=0 hostile.first=$((how + 0xd800)) hostile.count=2048"
	done
fi
part "instructions" $((INSNS / 4)) "hostile.kind=1 hostile.mmu=1 hostile.count=$INSNS"

commands=
plain=() # how each of them ended
for i in "${!names[@]}"; do
	plain[i]=0
	timeout 300 "${qemu[@]}" -kernel "$GUEST" -append "${cases[i]}" \
		</dev/null >"$OUT/plain" 2>"$OUT/plain.err" || plain[i]=$?
	tr -d '\r' <"$OUT/plain" >"$OUT/plain.$i"
	commands+="/armvcpu-vmm --kernel /guest.bin --mem 256M --gic $GIC"
	commands+=" --append '${cases[i]}' </dev/null 2>/dev/null; echo \"--- $i \$?\"; "
done
rc=0
"$RIG/run" --timeout 600 --file "$VMM" --file "$GUEST" -- "$commands" >"$OUT/out" 2>"$OUT/err" || rc=$?
tr -d '\r' <"$OUT/out" | awk -v out="$OUT/ours." 'BEGIN { i = 0 }
	/^--- / { close(out i); print $3 >(out "ended." i); i = $2 + 1; next } { print >(out i) }'

# shellcheck disable=SC2317 # called through result
same() {
	local ret=0 ours

	ours=$(cat "$OUT/ours.ended.$1") || ours=none
	if [ "${plain[$1]} $ours" != "0 0" ]; then
		ret=1
		echo "the plain board's status is ${plain[$1]}, the VMM's $ours" | remarks
	fi
	"$SELF/compare" -v least="${least[$1]}" "$SELF/differences" "$OUT/plain.$1" "$OUT/ours.$1" \
		>"$OUT/diff.$1" || ret=1
	head -n 40 "$OUT/diff.$1" | remarks
	return "$ret"
}

# Rows of the list that no part has used: of other cores, of registers that were not asked for,
# or of nothing any more.
unused() {
	cat "$OUT"/diff.* | awk 'FILENAME == "-" {
		if (sub(/^known: [0-9]*: /, ""))
			used[$0] = 1
		next
	}
	!/^#/ && NF >= 5 && !used[$0] { print "unused: " $0 }' - "$SELF/differences"
}

result "the host ends well" [ $rc = 0 ]
[ $rc = 0 ] || remarks "$OUT/err"
for i in "${!names[@]}"; do
	touch "$OUT/ours.$i"
	result "${names[i]}" same "$i"
done
unused | remarks
tap_end
