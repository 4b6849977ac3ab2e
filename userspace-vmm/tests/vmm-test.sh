#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What armvcpu-vmm promises, tried with a guest that does as it is told
# (monitor.c). Prints TAP. Needs /dev/armvcpu and no more than busybox.
#
# vmm-test.sh
#
# VMM=/armvcpu-vmm and MONITOR=/monitor.bin say otherwise.

# shellcheck disable=SC2317 # called through result

# A slow host, as the rig says.
scale=${RIG_TIMEOUT_SCALE:-1}
VMM=${VMM:-/armvcpu-vmm}
MONITOR=${MONITOR:-/monitor.bin}

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
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
		sed 's/^/# out: /' "$dir/out"
		sed 's/^/# err: /' "$dir/err"
		bad=1
	fi
}

# run STATUS WHAT INPUT OPTION...: the monitor with INPUT typed; its end is a
# test, what it said is in out and err.
run() {
	want=$1 what=$2 input=$3
	shift 3
	# shellcheck disable=SC2059 # escapes are meant
	printf "$input" | timeout $((30 * scale)) "$VMM" --flat "$MONITOR" "$@" \
		>"$dir/out" 2>"$dir/err"
	result "$what" is $? = "$want"
}

# says LINE [FILE]: it is there, as a whole line.
says() { grep -qxF -- "$1" "$dir/${2:-out}"; }
mentions() { grep -q -- "$1" "$dir/${2:-err}"; }
count() { [ "$(grep -cxF -- "$1" "$dir/out")" = "$2" ]; }
short() { [ "$(wc -l <"$dir/$1")" -lt "$2" ]; }

# is NUMBER TEST-OPERATOR NUMBER: the first one is what was found.
is() {
	[ "$@" ] && return
	echo "# it is $1"
	return 1
}

# ends SIGNAL STATUS: so the VMM in the background does.
ends() {
	kill -"$1" "$pid"
	wait "$pid"
	is $? = "$2"
}

# CPU time of the VMM in clock ticks, user and system.
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# idle SECONDS TICKS: it used less than that.
idle() {
	before=$(ticks "$pid")
	sleep "$1"
	is $(($(ticks "$pid") - before)) -lt "$2"
}

echo "TAP version 13"

run 0 "power-off" p
result "x0 is the device tree" says "device tree 1"
run 0 "input goes through" 'exe\001\001p'
result "... a character" says "echo 78"
result "... Ctrl-a, typed twice" says "echo 1"
run 3 "Ctrl-a x quits a guest that spins" 'n\001x'
run 3 "Ctrl-a x quits a guest that waits" 'W\001x'
run 3 "Ctrl-a h helps" '\001h\001x'
result "... on stderr" mentions "quit the VMM"

run 0 "a reset starts the guest again" 'mmrmp'
result "... twice in all" count "device tree 1" 2
result "... with memory as it was loaded" count "memory was 0" 2
result "... which it was not before" says "memory was 1"
run 0 "many resets" 'rrrrrrrrp'
result "... all of them" count "device tree 1" 9
run 0 "a reset with a second CPU" '1r1p' --cpus 2
result "... which comes with its context id" count "CPU 1 says 5a" 2
result "... and comes back from CPU_OFF as new" count "CPU 1 says a5" 2
run 0 "more CPUs than are used" p --cpus 8
run 4 "the last CPU is off" h
result "... and it is told" mentions "its last CPU"

run 0 "where nothing is" 'up' --verbose
result "... reads are zero" count "unmapped 0" 2
result "... told, with the place" mentions "0xa000000, where nothing is, at pc 0x4"
result "... counted" mentions "unmapped page 0xa000000: 2 reads, 1 writes, 0 aborted"
run 0 "an access without a syndrome" 'ap' --verbose
result "... aborts" says "took ec 25"
result "... counted" mentions "0 reads, 0 writes, 1 aborted"
run 0 "system registers" 'gp' --verbose
result "... of what is not there" says "took ec 0"
if grep -q GICv3 /proc/interrupts; then
	result "... are told" mentions "read of ICC_IAR1_EL1 at pc .* is undefined"
fi
run 0 "a guest that floods" 'fp' --verbose
# So many lines at once, and some more for each second that it takes.
result "... floods nobody" short err $((100 * scale))
run 0 "an unknown call" 'cp'
result "... is NOT_SUPPORTED" says "unknown call ffffffffffffffff"
run 0 "suspend" 'sp'
result "... of a CPU succeeds" says "CPU_SUSPEND 0"
result "... of the system fails" says "SYSTEM_SUSPEND fffffffffffffffa"
run 0 "time" 'twp'
result "... the clock is right" says "RTC later than 2020 1"
result "... WFI waits for the timer" says "waited too often 0"

# Nothing to read: the guest goes on, and nobody spins.
timeout $((3 * scale)) "$VMM" --flat "$MONITOR" </dev/null >"$dir/out" 2>"$dir/err"
result "the end of input is not the guest's" is $? = 143
printf W >"$dir/in"
"$VMM" --flat "$MONITOR" <"$dir/in" >"$dir/out" 2>"$dir/err" &
pid=$!
sleep 2
result "a guest that waits costs nothing" idle 3 30
result "SIGTERM ends it" ends TERM 143
"$VMM" --flat "$MONITOR" <"$dir/in" >"$dir/out" 2>"$dir/err" &
pid=$!
sleep 1
result "SIGHUP ends it" ends HUP 129

# A console that nobody reads.
mkfifo "$dir/fifo"
sh -c 'exec sleep 20' <"$dir/fifo" &
reader=$!
yes u | head -c 20000 >"$dir/in"
"$VMM" --flat "$MONITOR" <"$dir/in" >"$dir/fifo" 2>"$dir/err" &
pid=$!
sleep 4
: >"$dir/out"
result "a console that nobody reads does not keep it alive" ends TERM 143
kill $reader

# The module's parameter debug=1 lets a test make EL2 fault.
provoke=/sys/kernel/debug/armvcpu/provoke
if [ -e $provoke ]; then
	: >"$dir/in"
	"$VMM" --flat "$MONITOR" <"$dir/in" >"$dir/out" 2>"$dir/err" &
	pid=$!
	sleep 2
	echo run >$provoke
	wait $pid
	result "a dead VM" is $? = 2
	result "... tells its exit" mentions "exit FAIL: a fault at EL2"
	result "... its registers" mentions "PC  .*PSTATE"
	result "... and its last exits" mentions "  pc 0x00000000400[0-9a-f]* MMIO"
else
	n=$((n + 1))
	echo "ok $n a dead VM # SKIP the module was loaded without debug=1"
fi

echo "1..$n"
exit $bad
