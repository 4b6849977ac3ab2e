#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A session with U-Boot in a guest, typed over its serial console: what it says
# about itself, a memory fill, copy, compare and checksum, an address from DHCP
# and a ping, power-off. Exits 0 only if every answer is right and the VMM ends
# with 0 as well.
#
# uboot-session
#
# VMM=/armvcpu-vmm, UBOOT=/u-boot.bin, SESSION_TIMEOUT=120 (seconds for all of
# it) say otherwise. Needs no more than busybox.

VMM=${VMM:-/armvcpu-vmm}
UBOOT=${UBOOT:-/u-boot.bin}
deadline=$(($(date +%s) + ${SESSION_TIMEOUT:-120}))

dir=$(mktemp -d) || exit 1
log=$dir/log
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP
# A VMM that is gone is told by its status.
trap '' PIPE

mkfifo "$dir/in" "$dir/out" || exit 1
: >"$log"
tee "$log" <"$dir/out" &
tee=$!
(
	"$VMM" --firmware "$UBOOT" --net user <"$dir/in" >"$dir/out" 2>&1 &
	echo $! >"$dir/pid"
	wait $!
	echo $? >"$dir/status.new"
	mv "$dir/status.new" "$dir/status"
) &
exec 3>"$dir/in"

fail() {
	[ -e "$dir/status" ] || kill "$(cat "$dir/pid")"
	wait "$tee"
	echo
	echo "uboot-session: FAILED: $*"
	exit 1
}

size() { wc -c <"$log"; }

# One step of waiting for something.
pause() {
	[ "$(date +%s)" -lt "$deadline" ] || fail "time is up while waiting for $1"
	[ ! -e "$dir/status" ] || fail "the VMM ended (status $(cat "$dir/status"))"
	usleep 50000
}

# Until U-Boot has said TEXT.
expect() {
	until grep -qF -- "$1" "$log"; do
		pause "'$1'"
	done
}

# Until there is output behind $mark and U-Boot waits for a command again.
prompt() {
	until [ "$(size)" -gt "$mark" ] && [ "$(tail -c 3 "$log")" = "=> " ]; do
		pause "the prompt"
	done
}

# type_in COMMAND TEXT...: every TEXT must be in what it prints.
type_in() {
	command=$1
	shift
	mark=$(size)
	printf '%s\r' "$command" >&3
	prompt
	reply=$(tail -c +$((mark + 1)) "$log")
	for text; do
		case $reply in
		*"$text"*) ;;
		*) fail "'$command' did not say '$text'" ;;
		esac
	done
}

mark=0
expect "U-Boot 2"
expect "stop autoboot"
printf ' ' >&3
prompt

type_in "version" "U-Boot 2"
type_in "bdinfo" "-> start    = 0x0000000040000000" "-> size     = 0x0000000008000000"

# 64 KiB of a word, 4 KiB of a byte in the middle of it; zlib's crc32 of that.
type_in "mw.l 41000000 a5c3f00d 4000"
type_in "mw.b 41008000 5a 1000"
type_in "md.l 41007ff8 4" "41007ff8: a5c3f00d a5c3f00d 5a5a5a5a 5a5a5a5a"
type_in "cp.l 41000000 42000000 4000"
type_in "cmp.l 41000000 42000000 4000" "Total of 16384 word(s) were the same"
type_in "crc32 41000000 10000" "==> 6f4097a5"
type_in "crc32 42000000 10000" "==> 6f4097a5"

# The same commands see a single byte that differs.
type_in "mw.b 4200ffff 0"
type_in "cmp.l 41000000 42000000 4000" "Total of 16383 word(s) were the same"
type_in "crc32 42000000 10000" "==> c9fcc0c2"

# A network inside of the VMM, which is the gateway itself.
type_in "setenv autoload no"
type_in "dhcp" "DHCP client bound to address 10.0.2.15"
type_in "ping 10.0.2.2" "host 10.0.2.2 is alive"

printf 'poweroff\r' >&3
until [ -e "$dir/status" ]; do
	[ "$(date +%s)" -lt "$deadline" ] || fail "no power-off in time"
	usleep 50000
done
wait "$tee"
status=$(cat "$dir/status")
echo
[ "$status" = 0 ] || fail "the VMM ended with status $status"
echo "uboot-session: all answers were right, the guest powered off"
