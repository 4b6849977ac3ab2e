#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What userspace-vmm/ has for tests, and the documentation's worked examples,
# each check as one line of TAP.
#
# vmm.sh
#
# KERNEL, CPU, GIC, SMP, QEMU choose the host as for rig/run.

set -euo pipefail
. "$(dirname "$0")/tap"

case ${1:-} in
-h | --help) usage; exit ;;
esac
"$RIG/setup"
"$RIG/build" user
VMM=$TOP/userspace-vmm
# What the tests in the host take for its speed; limits of whole hosts are wider.
scale=1 kernel_only=0
[ "$KERNEL" != debug ] || scale=6 kernel_only=1
scale=${RIG_TIMEOUT_SCALE:-$scale}

# section NAME: what a program in the host said, between its two marks.
section() { sed -n "/^>>> $1\$/,/^<<< $1 /{ //!p }" "$OUT/lines"; }
status_of() { sed -n "s/^<<< $1 //p" "$OUT/lines"; }

# shellcheck disable=SC2016 # for the host's shell to expand
IN_THE_HOST='
	# Where the VMM looks for name servers, each time.
	mkdir -p /etc
	[ -e /etc/resolv.conf ] || echo "nameserver 127.0.0.1" >/etc/resolv.conf
	# And for the name of --user.
	[ -e /etc/passwd ] || echo "root:x:0:0::/:/bin/sh" >/etc/passwd
	mark() { echo ">>> $1"; "/$1" 2>&1; echo "<<< $1 $?"; }
	[ ! -e /tun.ko ] || insmod /tun.ko
	pool=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
	[ ! -e $pool ] || echo 4 >$pool
	[ "$KERNEL_ONLY" = 1 ] || mark unit
	[ ! -e $pool ] || echo 0 >$pool
	mark vmm-test.sh
	mark tiny-vmm
'

# One host for all; with debug=1 the VMM's end with a dead VM is tried, too.
in_the_host() {
	local rc=0 name tun=$CACHE/modules-$KERNEL/tun.ko files=()

	# For the tests with a TAP interface; they are skipped without.
	[ ! -e "$tun" ] || files+=(--file "$tun")
	"$RIG/run" "${files[@]}" --load-args debug=1 --timeout $((300 * $(limit_scale))) \
		--file "$BUILD/user/armvcpu-vmm" --file "$BUILD/user/tests/monitor.bin" \
		--file "$BUILD/user/tests/unit" --file "$VMM/tests/vmm-test.sh" \
		--file "$BUILD/user/examples/tiny-vmm" -- \
		"export RIG_TIMEOUT_SCALE=$scale KERNEL_ONLY=$kernel_only; $IN_THE_HOST" \
		>"$OUT/out" 2>"$OUT/err" || rc=$?
	tr -d '\r' <"$OUT/out" >"$OUT/lines"
	for name in unit vmm-test.sh; do
		[ $name$kernel_only != unit1 ] || continue
		section $name >"$OUT/section"
		relay "${name%.sh}" "$(status_of $name)" <"$OUT/section"
	done
	result "tiny-vmm: its guest greets and powers off" [ "$(status_of tiny-vmm)" = 0 ]
	result "vmm: the host ends well" [ $rc = 0 ]
	[ $rc = 0 ] || remarks "$OUT/err"
}

uboot() {
	local rc=0

	# One host of two looks for leaks.
	KMEMLEAK=0 GUEST=uboot TIMEOUT=$((240 * $(limit_scale))) "$RIG/guest" </dev/null >"$OUT/out" 2>"$OUT/err" ||
		rc=$?
	result "U-Boot: its banner comes from inside a guest" grep -q '^U-Boot 2' "$OUT/out"
	result "U-Boot: every answer is right" grep -q 'all answers were right' "$OUT/out"
	result "U-Boot: it powers off, and all ends with 0" [ $rc = 0 ]
	[ $rc = 0 ] || tail -n 20 "$OUT/out" "$OUT/err" | tr -d '\r' | remarks
}

linux() {
	local rc=0

	if [ "$KERNEL" = debug ]; then
		skip "Linux: its session" "not on the debug kernel yet"
		return
	fi
	GUEST=linux TIMEOUT=$((240 * $(limit_scale))) "$RIG/guest" </dev/null >"$OUT/out" 2>"$OUT/err" ||
		rc=$?
	result "Linux: its shell comes from inside a guest" grep -q '^guest:~# ' "$OUT/out"
	result "Linux: every answer is right" grep -q 'all answers were right' "$OUT/out"
	result "Linux: it powers off, and all ends with 0" [ $rc = 0 ]
	[ $rc = 0 ] || tail -n 20 "$OUT/out" "$OUT/err" | tr -d '\r' | remarks
}

# A guest with Linux' own driver of the balloon.
memory() {
	local rc=0 guest=6.1

	if [ "$KERNEL" = debug ]; then
		skip "Linux: its memory" "not on the debug kernel yet"
		return
	fi
	case $KERNEL in
	6.12 | sid) guest=$KERNEL ;;
	esac
	"$RIG/guest-image" "$guest"
	MEM=2G "$RIG/run" --timeout $((240 * $(limit_scale))) \
		--file "$BUILD/user/armvcpu-vmm" --file "$VMM/tests/memory-test.sh" \
		--file "$(kernel_image "$guest")=/guest/Image" \
		--file "$BUILD/guest/initrd-$guest=/guest/initrd" -- \
		"RIG_TIMEOUT_SCALE=$scale /memory-test.sh" >"$OUT/out" 2>"$OUT/err" || rc=$?
	tr -d '\r' <"$OUT/out" >"$OUT/lines"
	relay "Linux: memory" $rc <"$OUT/lines"
	[ $rc = 0 ] || remarks "$OUT/err"
}

# The fuzzers of userspace-vmm/tests, without a fuzzer: the same inputs each time.
fuzz() {
	local name runs

	if [ "$KERNEL" = debug ]; then
		skip "random inputs" "the same with each kernel"
		return
	fi
	"$RIG/build" native
	while read -r name runs; do
		result "fuzz-$name: $runs random inputs, sanitizers" \
			sanitized "$BUILD/native/tests/fuzz-$name" -seed=1 -runs="$runs"
	done <<-EOF
		virtio 20000
		exits 8000
		files 30000
	EOF
}
# shellcheck disable=SC2317 # called through result
sanitized() {
	"$@" >"$OUT/out" 2>&1 </dev/null && return
	tail -n 40 "$OUT/out" | remarks
	return 1
}

examples() {
	local check=$TOP/Documentation/examples/check.sh rc=0

	[ -x "$check" ] || return 0
	"$check" >"$OUT/out" 2>"$OUT/err" </dev/null || rc=$?
	relay "documentation" $rc <"$OUT/out"
	[ $rc = 0 ] || remarks "$OUT/err"
}

tap_begin
in_the_host
uboot
linux
memory
fuzz
examples
tap_end
