# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What the sessions share: a VMM is started, and what somebody would type at its
# console is typed. Sourced, never run. Needs no more than busybox.
#
# ME is the session's name, PROMPT the expression that finds the guest's prompt;
# SESSION_TIMEOUT=120 says how many seconds all may take.

deadline=$(($(date +%s) + ${SESSION_TIMEOUT:-120}))

dir=$(mktemp -d) || exit 1
log=$dir/log
server=
mark=0
trap 'clean_up' EXIT
trap 'exit 1' INT TERM HUP
# A VMM that is gone is told by its status.
trap '' PIPE

clean_up() {
	[ -z "$server" ] || kill "$server" 2>/dev/null
	rm -rf "$dir"
}

# begin VMM OPTION...
begin() {
	mkfifo "$dir/in" "$dir/out" || exit 1
	: >"$log"
	tee "$log" <"$dir/out" &
	tee=$!
	(
		"$@" <"$dir/in" >"$dir/out" 2>&1 &
		echo $! >"$dir/pid"
		wait $!
		echo $? >"$dir/status.new"
		mv "$dir/status.new" "$dir/status"
	) &
	exec 3>"$dir/in"
}

fail() {
	# It may be gone just now.
	[ -e "$dir/status" ] || kill "$(cat "$dir/pid")" 2>/dev/null
	[ -z "$server" ] || kill "$server" 2>/dev/null
	server=
	wait
	echo
	echo "$ME: FAILED: $*"
	exit 1
}

size() { wc -c <"$log"; }

# One step of waiting for something.
pause() {
	[ "$(date +%s)" -lt "$deadline" ] || fail "time is up while waiting for $1"
	[ ! -e "$dir/status" ] || fail "the VMM ended (status $(cat "$dir/status"))"
	sleep 0.05
}

# since MARK: what was printed from there on, as lines without their returns.
since() { tail -c +$(($1 + 1)) "$log" | tr -d '\r'; }

# expect TEXT: until the guest has said it behind $mark.
expect() {
	until since "$mark" | grep -qF -- "$1"; do
		pause "'$1'"
	done
}

# Until the guest waits for a command again: there is a prompt behind $mark. What it
# said before is in $reply.
prompt() {
	until since "$mark" | grep -q -- "$PROMPT"; do
		pause "the prompt"
	done
	reply=$(since "$mark")
}

# type_in COMMAND TEXT...: every TEXT must be in what it prints.
type_in() {
	command=$1
	shift
	mark=$(size)
	printf '%s\r' "$command" >&3
	prompt
	for text; do
		case $reply in
		*"$text"*) ;;
		*) fail "'$command' did not say '$text'" ;;
		esac
	done
}

# The VMM ends by itself, and well.
end() {
	until [ -e "$dir/status" ]; do
		[ "$(date +%s)" -lt "$deadline" ] || fail "no power-off in time (SESSION_TIMEOUT, half of the rig's TIMEOUT)"
		sleep 0.05
	done
	wait "$tee"
	status=$(cat "$dir/status")
	echo
	[ "$status" = 0 ] || fail "the VMM ended with status $status"
	echo "$ME: all answers were right, the guest powered off"
}
