#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# "make run" at a terminal, from end to end: what is typed gets to the guest's shell, the
# terminal's size as well, and it is as it was when all is over. Prints TAP.
#
# terminal.sh
#
# KERNEL, CPU, GIC, SMP, QEMU choose the host as for rig/run.

set -euo pipefail
. "$(dirname "$0")/tap"

case ${1:-} in
-h | --help) usage; exit ;;
esac
tap_begin
if [ "$KERNEL" = debug ]; then
	skip "a session at a terminal" "the debug kernel is not for people"
	tap_end
fi
# Builds aside, whatever is waited for.
deadline=0
"$RIG/setup"
"$RIG/build" module user
"$RIG/guest-image"
need bsdutils:script

# What has the terminal, and what it finds before and behind.
cat >"$OUT/session" <<E2
stty rows 30 cols 100
stty -a >'$OUT/before'
tty >'$OUT/tty'
'$RIG/guest'
echo \$? >'$OUT/status'
stty -a >'$OUT/after'
E2
mkfifo "$OUT/keys"
: >"$OUT/screen"
GUEST=linux GUEST_CPUS=1 script -qfc "sh '$OUT/session'" /dev/null <"$OUT/keys" >"$OUT/screen" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null || true; rm -rf "$OUT"' EXIT
exec 4>"$OUT/keys"
mark=0

# Of what has been printed since the last thing was typed.
# shellcheck disable=SC2317 # called through result
seen() { tail -c +$((mark + 1)) "$OUT/screen" | tr -d '\r' | grep -qE -- "$1"; }
# shellcheck disable=SC2317 # called through result
until_true() {
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] && [ -e "/proc/$pid" ] || return 1
		sleep 0.1
	done
}
type_in() {
	mark=$(wc -c <"$OUT/screen")
	printf '%s' "$1" >&4
}
# shellcheck disable=SC2317 # called through result
ended() { [ -e "$OUT/status" ]; }

deadline=$((SECONDS + 60 * $(limit_scale)))
result "the guest's shell comes up" until_true seen '^guest:~# '
type_in $'stty size; tty\r'
result "... at a console of the terminal's size" until_true seen '^30 100$'
result "... the virtio console" until_true seen '^/dev/hvc0$'
# Only a signal makes that look; and stty changes one of the two after the other.
type_in $'sh -c \'trap "stty size" WINCH; echo go; while :; do sleep 0.1; done\'\r'
result "a program waits" until_true seen '^go$'
stty -F "$(cat "$OUT/tty")" rows 41 cols 123
result "... and is told of the terminal's new size" until_true seen '^41 123$'
type_in $'\003'
result "Ctrl-c ends it, and the shell goes on" until_true seen '^guest:~# '
type_in $'poweroff\r'
result "poweroff ends all" until_true ended
result "... with 0" [ "$(cat "$OUT/status" 2>/dev/null)" = 0 ]
[ -e "$OUT/status" ] || kill $pid 2>/dev/null || true
exec 4>&-
wait $pid || true
# Its size is the one that it has got.
sed -i 's/rows 30; columns 100/rows 41; columns 123/' "$OUT/before"
result "the terminal is as it was" cmp -s "$OUT/before" "$OUT/after"
if [ $bad != 0 ]; then
	tr -d '\r' <"$OUT/screen" | remarks
	diff "$OUT/before" "$OUT/after" | remarks || true
fi
tap_end
