#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What a Linux guest does not use, the host has: its free pages, and its balloon. Prints
# TAP. Needs /dev/armvcpu that does not pin memory, and no more than busybox.
#
# memory-test.sh
#
# VMM=/armvcpu-vmm, IMAGE=/guest/Image and INITRD=/guest/initrd say otherwise; the initial
# ramdisk is one that loads virtio_balloon and gives a shell on the serial port.

# shellcheck disable=SC2317 # called through result

scale=${RIG_TIMEOUT_SCALE:-1}
VMM=${VMM:-/armvcpu-vmm}
IMAGE=${IMAGE:-/guest/Image}
INITRD=${INITRD:-/guest/initrd}
MIB=1024

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkfifo "$dir/keys"
n=0 bad=0

# result WHAT COMMAND...: a test, which COMMAND decides.
result() {
	what=$1
	shift
	n=$((n + 1))
	if "$@"; then
		echo "ok $n $what"
	else
		echo "not ok $n $what"
		tail -n 20 "$dir/out" | tr -d '\r' | sed 's/^/# out: /'
		sed 's/^/# err: /' "$dir/err"
		bad=1
	fi
}
skip() { echo "ok $((n += 1)) $1 # SKIP $2"; }
is() {
	[ "$@" ] && return
	echo "# it is $1"
	return 1
}

# until_true TENTHS COMMAND...: within so many tenths of a second, on a fast host.
until_true() {
	left=$(($1 * scale))
	shift
	while ! "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.1
	done
}

# In KiB, each page counted.
resident() {
	awk '/^Rss:/ { sum += $2 } END { print sum }' "/proc/$pid/smaps_rollup"
}
falls_below() { [ "$(resident)" -lt "$1" ]; }
says() { tr -d '\r' <"$dir/out" | grep -q "^$1"; }
mentions() { grep -q -- "$1" "$dir/err"; }

# start APPEND OPTION...: a guest, up to its shell.
start() {
	append=$1
	shift
	exec 3>&-
	: >"$dir/out"
	"$VMM" --kernel "$IMAGE" --initrd "$INITRD" --mem 384M --verbose \
		--append "console=ttyAMA0 quiet $append" "$@" \
		<"$dir/keys" >"$dir/out" 2>"$dir/err" &
	pid=$!
	exec 3<>"$dir/keys"
	until_true 600 says "init: poweroff"
}
# tells WORD COMMAND: the guest runs it, and says WORD then: it is not what was typed.
tells() {
	printf '%s; echo %s""%s\n' "$2" "${1%??}" "${1#"${1%??}"}" >&3
	until_true 300 says "$1"
}
powers_off() {
	echo 'poweroff -f' >&3
	wait "$pid"
	is $? = 0
}
fill='mkdir /t; mount -t tmpfs t /t; dd if=/dev/zero of=/t/x bs=1M count=128 2>/dev/null'
# 96 MiB of pages of 4 KiB, as the guest counts them.
taken='until grep -q "^balloon_inflate 24576$" /proc/vmstat; do sleep 1; done'
features='cat /sys/bus/virtio/drivers/virtio_balloon/virtio*/features'

echo "TAP version 13"
[ -e /proc/self/smaps_rollup ] || {
	skip "a Linux guest's memory" "no /proc/self/smaps_rollup"
	echo "1..1"
	exit 0
}

start '' --balloon 0
result "a Linux guest with a balloon" says "init: poweroff"
if mentions "memory is pinned"; then
	result "... powers off" powers_off
	skip "what it does not use" "the module pins memory (ARMVCPU_CAP_PINNED_MEMORY)"
	echo "1..$n"
	exit $bad
fi
# The host's pages come as it touches them; what it has freed at boot goes.
result "... has less than all of its memory" until_true 200 falls_below $((192 * MIB))
before=$(resident)
result "... fills 128 MiB" tells full "$fill"
after=$(resident)
result "... which the host has to have" is $((after - before)) -ge $((100 * MIB))
result "... frees them" tells empty "rm /t/x"
result "... and reports them: the host has them back" until_true 200 falls_below $((after - 100 * MIB))
result "... fills them again" tells again "${fill##*; }"
result "... powers off" powers_off
result "... the end tells" mentions "memory: 0 KiB went back by the balloon, [1-9][0-9]* KiB by reports"

# Free pages that shall keep what is in them.
start 'page_poison=1 init_on_alloc=0' --balloon 0
result "a guest that fills free pages" tells told "$features"
# Bit 4: PAGE_POISON.
if tr -d '\r' <"$dir/out" | grep -q '^[01][01][01][01]1[01]*$'; then
	result "... fills 128 MiB" tells full "$fill"
	before=$(resident)
	result "... frees 128 MiB" tells empty "rm /t/x"
	sleep 5
	result "... and finds what was there" is $((before - $(resident))) -lt $MIB
	# Four times 24 MiB.
	printf '\001-\001-\001-\001-' >&3
	result "... its balloon goes back all the same" until_true 300 falls_below $((before - 90 * MIB))
	result "... to the last page" tells gone "$taken"
	after=$(resident)
	printf '\001+\001+\001+\001+' >&3
	result "... and comes again when it is needed" tells back "sleep 2; ${fill##*; }"
	result "... powers off" powers_off
	result "... the end tells" mentions "memory: 98304 KiB went back by the balloon, 0 KiB by reports"
else
	skip "... and finds what was there" "its kernel has no page_poison"
	result "... powers off" powers_off
fi
echo "1..$n"
exit $bad
