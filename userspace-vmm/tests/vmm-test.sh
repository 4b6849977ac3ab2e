#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What armvcpu-vmm promises, tried with a guest that does as it is told
# (monitor.c). Prints TAP. Needs /dev/armvcpu and no more than busybox.
#
# vmm-test.sh
#
# VMM=/armvcpu-vmm, MONITOR=/monitor.bin and UNIT=/unit say otherwise.
# KERNEL_ONLY=1 leaves out what the kernel has no part in.

# shellcheck disable=SC2317 # called through result

# A slow host, as the rig says.
scale=${RIG_TIMEOUT_SCALE:-1}
VMM=${VMM:-/armvcpu-vmm}
MONITOR=${MONITOR:-/monitor.bin}
UNIT=${UNIT:-/unit}

dir=$(mktemp -d) || exit 1
trap 'umount "$dir"/mnt-* 2>/dev/null; rm -rf "$dir"' EXIT
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
		sed 's/^/# out: /' "$dir/out"
		sed 's/^/# err: /' "$dir/err"
		bad=1
	fi
}

# skip WHAT WHY: it cannot be tried here.
skip() { echo "ok $((n += 1)) $1 # SKIP $2"; }

# run STATUS WHAT INPUT OPTION...: the monitor with INPUT typed; its end is a
# test, what it said is in out and err. Little memory: a reset gives it anew.
run() {
	want=$1 what=$2 input=$3
	shift 3
	run_file "$want" "$what" "$input" --flat "$MONITOR" --mem 8M "$@"
}

# run_file STATUS WHAT INPUT OPTION...: the same with other files.
run_file() {
	want=$1 what=$2 input=$3
	shift 3
	# shellcheck disable=SC2059 # escapes are meant
	printf "$input" | timeout $((30 * scale)) "$VMM" "$@" >"$dir/out" 2>"$dir/err"
	result "$what" is $? = "$want"
}

# refuse MESSAGE OPTION...: it ends at once with its message for wrong usage.
refuse() {
	message=$1
	shift
	timeout $((30 * scale)) "$VMM" "$@" </dev/null >"$dir/out" 2>"$dir/err"
	rc=$?
	for last in '' "$@"; do :; done
	result "refused: $message (${last##*/})" refused $rc "$message"
}
refused() { is "$1" = 1 && mentions "$2" && short out 1; }

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

# start COMMAND...: in the background, with keys for type(); returns when the
# guest runs.
start() {
	exec 3>&-
	# What the last one said is not this one's: the child is slow to empty them.
	: >"$dir/out"
	: >"$dir/err"
	"$@" <"$dir/keys" >"$dir/out" 2>"$dir/err" &
	pid=$!
	# Both ways: that waits for nobody.
	exec 3<>"$dir/keys"
	until_true 300 says "device tree 1"
}
# shellcheck disable=SC2059 # escapes are meant
type_in() { printf "$1" >&3; }

# answers KEYS LINE: the guest that was started does.
answers() {
	type_in "$1"
	until_true 300 says "$2"
}

# A process that has ended is there until it is waited for.
alive() { grep -q '^State:[[:space:]]*[^ZX]' "/proc/$1/status" 2>/dev/null; }
gone() { ! alive "$pid"; }

# status STATUS: of the VMM in the background.
status() {
	until_true 300 gone || kill -KILL "$pid"
	wait "$pid"
	is $? = "$1"
}

# ends SIGNAL STATUS: so the VMM in the background does.
ends() {
	kill -"$1" "$pid"
	status "$2"
}

# quits: it does when its guest powers off.
quits() {
	type_in p
	status 0
}

# CPU time of the VMM in clock ticks, user and system.
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# idle SECONDS TICKS: it used less than that.
idle() {
	before=$(ticks "$pid")
	sleep "$1"
	is $(($(ticks "$pid") - before)) -lt "$2"
}

# prop PATH NAME: of the device tree that was dumped.
prop() { "$UNIT" dtb "$dir/dtb" "$1" "$2"; }

# same_tree: the guest said "device tree 1", and then the tree.
same_tree() { tail -c +15 "$dir/out" | cmp -s - "$dir/dtb"; }

echo "TAP version 13"

run_file 0 "power-off" p --flat "$MONITOR"
result "x0 is the device tree" says "device tree 1"
run 0 "input goes through" 'exe\001\001p'
result "... a character" says "echo 78"
result "... Ctrl-a, typed twice" says "echo 1"
run 3 "Ctrl-a x quits a guest that spins" 'n\001x'
run 3 "Ctrl-a x quits a guest that waits" 'W\001x'
run 3 "Ctrl-a h helps" '\001h\001x'
result "... on stderr" mentions "quit the VMM"

run 0 "a reset starts the guest again" 'mmrmp' --mem 128M
result "... twice in all" count "device tree 1" 2
result "... with memory as it was loaded" count "memory was 0" 2
result "... which it was not before" says "memory was 1"
run 0 "many resets" 'rrrrrrrrp'
result "... all of them" count "device tree 1" 9
run 0 "a reset with a second CPU" '1r1p' --cpus 2
result "... which comes with its context id" count "CPU 1 says 5a" 2
result "... and comes back from CPU_OFF as new" count "CPU 1 says a5" 2
run 0 "a reset while a second CPU stays in the guest" '2r2rp' --cpus 2
result "... each time" count "device tree 1" 3
run 0 "more CPUs than are used" p --cpus 8
run 4 "the last CPU is off" h
result "... and it is told" mentions "its last CPU"

run 0 "where nothing is" 'up' --verbose
result "... reads are zero" count "unmapped 0" 2
result "... told, with the place" mentions "0xa000000, where nothing is, at pc 0x4"
result "... counted" mentions "unmapped page 0xa000000: 2 reads, 1 writes, 0 aborted"
run 0 "accesses without a syndrome" 'jp' --rng --trace "$dir/trace"
result "... a pair" says "PL011 by a pair 1110"
result "... writeback" says "with writeback 140fe8"
result "... a SIMD register" says "by a SIMD register b1000500f0000d"
result "... and its writeback" says "and behind it 1000"
result "... stores" says =
result "... in two pages" says "in two pages b100"
result "... of virtio" says "virtio 7472697602"
result "... of what is no ROM" says "the ROM has changed 0"
result "... none aborts" is "$(grep -c 'action=abort' "$dir/trace")" = 0
result "... they are in the trace" is "$(grep -c ' ABORT ' "$dir/trace")" = 10
run_file 0 "a store of a pair to the ROM" jp --firmware "$MONITOR" --mem 8M
result "... does nothing" says "the ROM has changed 0"
run 0 "what is not emulated" 'ap' --verbose
result "... aborts" count "took ec 25" 3
result "... told, with the instruction" mentions \
	"unmapped: ldxr w0, \[x[0-9]*\]: access to 0xa000000 at pc 0x4.* aborts: an exclusive access"
result "... and the device" mentions "pl011: ldxr w0, .* 0x9000000 at pc .* aborts: an exclusive"
result "... counted" mentions "unmapped page 0xa000000: 0 reads, 0 writes, 1 aborted"
result "... the interrupt controller's registers" mentions "ldp w0, w1, .* aborts: nothing is there"
# Without an interrupt controller in the module: what is left to the VMM.
run 0 "system registers" 'gp' --verbose --gic none
result "... of what is not there" says "took ec 0"
if grep -q GICv3 /proc/interrupts; then
	result "... are told" mentions "read of ICC_IAR1_EL1 at pc .* is undefined"
fi
run 0 "system registers of the module" 'ip' --gic none
result "... are there" count "took ec 0" 0
result "... the physical counter" says "the counter runs 1"
result "... without its timer" says "CNTP_CTL_EL0 0"
began=$(date +%s)
run 0 "a guest that floods" 'fp' --verbose
# A burst and the totals, and two lines more for each second that it takes.
result "... floods nobody" short err $((80 + 2 * ($(date +%s) - began + 1)))
run 0 "an unknown call" 'cp'
result "... is NOT_SUPPORTED" says "unknown call ffffffffffffffff"
run 0 "suspend" 'sp' --gic none
result "... of a CPU succeeds" says "CPU_SUSPEND 0"
result "... of the system fails" says "SYSTEM_SUSPEND fffffffffffffffa"
run 0 "suspend with a timer" 'zp' --gic none
result "... ends with it" says "CPU_SUSPEND ends with the timer 1"
run 0 "time" 'twp' --gic none
result "... the clock is right" says "RTC later than 2020 1"
result "... WFI waits for the timer" says "waited too often 0"

run 0 "a hypercall console" bp --earlycon
result "... prints" says "this line comes without a device, in one piece!"
result "... says how much" is "$(grep -c '^early \(0\|30\)$' "$dir/out")" = 2
result "... and takes no more" says "too long fffffffffffffffd"
result "... in no case" says "much too long fffffffffffffffd"
run 0 "without --earlycon" bp
result "... there is none" count "early ffffffffffffffff" 2
result "... which prints nothing" count "this line comes without a device, in one piece!" 0

# ---- the sandbox

# is_gone /proc/PID: or a zombie that nobody has waited for.
is_gone() { [ -n "$1" ] && ! grep -qs '^State:[[:space:]]*[^Z[:space:]]' "$1/status"; }
# status_of KEY: of each thread of the VMM, without repetition.
status_of() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid"/task/*/status | sort -u | tr '\t' ' '; }
# What the kernel has no filter for is told, and no reason not to run; a network of libslirp
# has no empty root then.
set -- --sandbox on --net user
grep -q '^Seccomp:' /proc/self/status || set --
exec 9<"$MONITOR"
start "$VMM" --flat "$MONITOR" --mem 8M --cpus 2 --rng --console "$@"
exec 9<&-
# shellcheck disable=SC2010 # what a descriptor leads to is what ls tells
handed() { ls -l "/proc/$pid/fd" | grep -cF -- "-> $MONITOR"; }
result "the sandbox: what the VMM was handed is closed" is "$(handed)" = 0
if [ $# -gt 0 ]; then
	result "the sandbox: a filter for system calls in each thread" is "$(status_of Seccomp)" = 2
else
	skip "the sandbox: a filter for system calls in each thread" "no CONFIG_SECCOMP in this kernel"
	result "... which is told" mentions "the sandbox has no filter for system calls"
fi
result "... no new rights" is "$(status_of NoNewPrivs)" = 1
for key in CapEff CapPrm CapInh CapBnd CapAmb; do
	result "... $key" is "$(status_of $key)" = 0000000000000000
done
result "... is nobody" is "$(status_of Uid)" = "65534 65534 65534 65534"
result "... of no group" is "$(status_of Gid)$(status_of Groups)" = "65534 65534 65534 65534"
# The directory itself is all that is found.
result "... in a root where nothing is" is "$(find "/proc/$pid/root/" | wc -l)" = 1
opener=$(grep -slx "PPid:.$pid" /proc/[0-9]*/status)
opener=${opener%/status}
result "... leaves its process for files" is "${opener%/*}" = /proc
result "... which has nothing else open" is "$(find "$opener/fd/" -type l | wc -l)" = 1
type_in r2p
result "... the guest resets and powers off" status 0
result "... and that process ends with it" until_true 100 is_gone "$opener"
start "$VMM" --flat "$MONITOR" --mem 8M --user 1234:5678
result "--user" is "$(status_of Uid) $(status_of Gid)" = "1234 1234 1234 1234 5678 5678 5678 5678"
result "... the guest runs" quits
exec 9<"$MONITOR"
start "$VMM" --flat /proc/self/fd/9 --mem 8M --sandbox off
exec 9<&-
result "--sandbox off: what the VMM was handed is there" is "$(handed)" -ge 1
if grep -q '^Seccomp:' /proc/self/status; then
	result "--sandbox off: no filter" is "$(status_of Seccomp)" = "$(sed -n 's/^Seccomp:.//p' /proc/self/status)"
else
	skip "--sandbox off: no filter" "no CONFIG_SECCOMP in this kernel"
fi
result "... the user is who it was" is "$(status_of Uid)" = "0 0 0 0"
result "... so are rights" is "$(status_of NoNewPrivs)$(status_of CapEff)" = "0$(sed -n 's/^CapEff:.//p' /proc/self/status)"
result "... the guest runs" quits
refuse "on or off" --flat "$MONITOR" --sandbox maybe
refuse "does not go with --sandbox off" --flat "$MONITOR" --sandbox off --user nobody
refuse "a number will do" --flat "$MONITOR" --user no-such-user

# ---- what exits cost

# Of the last table in err: the sum of a column's numbers in the rows of WHO; one number.
last_table() { sed -n '/s in all  /,$p' "$dir/err"; }
sum_of() { last_table | awk -v who="$1" '$1 == who { for (i = 2; i <= NF; i++) if ($i ~ /^[0-9]+$/) { sum += $i; break } } END { print sum + 0 }'; }
number_of() { last_table | awk -v name="$1" 'index($0, "  " name " ") == 1 { for (i = 2; i <= NF; i++) if ($i ~ /^[0-9]+$/) { print $i; exit } }'; }
# Exits of one kind that FILE has, "" for all.
traced() { grep -c "^[0-9]* [0-7] $1" "$2"; }
# Each line is a number, a CPU, a reason, and KEY=VALUE.
not_a_line() {
	grep -cvE '^[0-9]+ [0-7] [A-Z]+ pc=0x[0-9a-f]+ esr=0x[0-9a-f]+( [a-z]+=[A-Za-z0-9_,]+)*$' "$1"
}

run 0 "--stats and --trace" 'exuafgc1p' --cpus 2 --gic none --verbose \
	--stats --trace "$dir/trace"
result "... a table at the end" mentions "armvcpu-vmm: .* s in all  *count per second   share     ns each"
all=$(number_of "all of these") exits=$(number_of "of these, to the VMM")
result "... all is the sum of what there is" is \
	$(($(sum_of host) + $(sum_of trap) + $(sum_of EL2))) = "${all:-none}"
result "... so are the exits" is "$(sum_of VMM)" = "${exits:-none}"
result "... and make 100 %" mentions "all of these .* 100.0% "
result "... more than a thousand MMIO exits" is "$(number_of "VMM   MMIO")" -gt 1000
result "... which are data aborts" is "$(number_of "trap  data abort")" -ge "$(number_of "VMM   MMIO")"
result "... that take some time" mentions "VMM   MMIO  *[0-9]* .*% *[1-9][0-9]*$"
result "... system registers" is "$(number_of "VMM   SYSREG")" -gt 0
result "... no row is zero" is "$(last_table | grep -c ' 0 *0 ')" = 0
result "... the trace has each of these exits" is "$(traced '' "$dir/trace")" = "${exits:-none}"
result "... and of each kind" is "$(traced MMIO "$dir/trace")" = "$(number_of "VMM   MMIO")"
result "... in lines of one form" is "$(($(not_a_line "$dir/trace")))" = 1
result "... after a header" is "$(head -c 21 "$dir/trace")" = "# armvcpu-vmm trace 1"
traces() { grep -qE -- "$1" "$dir/trace"; }
result "... a device's register" traces ' MMIO .* ipa=0x9000000 dir=write len=4 reg=w[0-9]+ data=0x64$'
result "... what was typed" traces ' MMIO .* ipa=0x9000000 dir=read len=4 reg=w[0-9]+ data=0x65$'
result "... an abort" traces ' ABORT .* ipa=0xa000000 dir=read .* action=abort$'
result "... a system register" traces ' SYSREG .* sysreg=MDCCINT_EL1 dir=read reg=x[0-9]+ data=0x0$'
if grep -q GICv3 /proc/interrupts; then
	result "... and its refusal" traces ' SYSREG .* sysreg=ICC_IAR1_EL1 .* action=undef$'
fi
result "... CPU_ON" traces ' PSCI .* call=CPU_ON fn=0xc4000003 args=0x1,0x[0-9a-f]*,0x5a$'
result "... of the other CPU, too" traces '^[0-9]+ 1 PSCI .* call=CPU_OFF'
result "... the last one" is "$(grep '^[0-9]* 0 ' "$dir/trace" | tail -n 1 | sed 's/.*call=//; s/ .*//')" = SYSTEM_OFF

run 0 "no --stats" exp
result "... no table" is "$(grep -c 'ns each' "$dir/err")" = 0
run 0 "a trace with a limit" exfp --trace "$dir/trace" --trace-limit 7
result "... has so many lines" is "$(traced '' "$dir/trace")" = 7
result "... says that there were more" is "$(tail -n 1 "$dir/trace")" = "# there were more: --trace-limit"
result "... once" is "$(grep -c trace-limit "$dir/err")" = 1
run 0 "a hypercall in a trace" bp --earlycon --trace "$dir/trace"
result "... is there" traces ' HYPERCALL .* fn=0xc6000100 imm=0x0 args=0x0,'
run 0 "a file that cannot be written on" exfp --trace /dev/full
result "... is told" mentions "trace /dev/full: No space left"
result "... once" is "$(grep -c trace "$dir/err")" = 1
printf '#!/bin/sh\nulimit -f 8\nexec "%s" "$@"\n' "$VMM" >"$dir/limited"
chmod +x "$dir/limited"
free_vmm=$VMM
VMM=$dir/limited
run 0 "a limit of file sizes" exfp --trace "$dir/trace"
result "... is told" mentions "trace .*: File too large"
refuse "a file of 8 MiB: File too large" --flat "$MONITOR" --mem 8M --mem-path "$dir/limited-ram"
VMM=$free_vmm

start "$VMM" --flat "$MONITOR" --mem 8M --stats=1 --trace "$dir/trace"
tables() { [ "$(grep -c 'in [0-9.]* s .*ns each' "$dir/err")" -ge "$1" ]; }
result "a table each second" until_true 300 tables 2
# Typed by somebody: only what comes each second writes it.
result "... the trace grows meanwhile" is "$(traced MMIO "$dir/trace")" -gt 0
result "... SIGTERM ends it" ends TERM 143
result "... with totals" mentions "s in all  "
result "... and all of the trace" is "$(traced '' "$dir/trace")" = "$(number_of "of these, to the VMM")"

# ---- virtio

# new_disk NAME: 64 sectors, in the first one a word.
new_disk() {
	dd if=/dev/zero of="$dir/$1" bs=512 count=64 2>/dev/null
	printf ABCD | dd of="$dir/$1" bs=1 conv=notrunc 2>/dev/null
}
# sector_is NAME SECTOR BYTES: the first four of it.
sector_is() { is "$(od -An -tx1 -j $(($2 * 512)) -N 4 "$dir/$1" | tr -d ' ')" = "$3"; }

new_disk disk
new_disk other
run 0 "a disk" Dp --disk "$dir/disk,id=serial-1"
result "... its size" says "sectors 40"
result "... is read" says "word 44434241"
result "... and written" says "write 0"
result "... which the guest reads again" says "word bbbcbdbe"
result "... and the file has" sector_is disk 1 bebdbcbb
result "... is flushed" says "flush 0"
result "... has no sector behind it" says "beyond 1"
result "... has its id" says "serial-1"
run 0 "a disk to read" Dp --disk "$dir/other,ro"
result "... is read" says "word 44434241"
result "... and not written" says "write 1"
result "... so the file is what it was" sector_is other 1 00000000
cp "$dir/other" "$dir/a,b"
run 0 "a comma in its name" Dp --disk "$dir/a,,b,ro,id=comma"
result "... and an id" says "comma"
run 0 "a reset while a disk works" YrYrDp --disk "$dir/disk"
result "... starts the guest again" count "device tree 1" 3
result "... with a disk that works" says "word bbbcbdbe"

set -- --disk "$dir/disk" --disk "$dir/other,ro" --net user --console --rng --balloon 1M
run 0 "all devices" Lp "$@"
devices() { sed -n 's/^device \([0-9]\)/\1/p' "$dir/out" | tr '\n' ' '; }
result "... in their order" is "$(devices)" = "2 2 1 3 4 5 "
run_file 0 "--dtb-dump with all devices" '' --dtb-dump "$dir/dtb" "$@" --mem 8M
result "... has the first" is "$(prop /virtio_mmio@a000000 compatible)" = virtio,mmio
result "... and the last" is "$(prop /virtio_mmio@a000a00 interrupts)" = 000000000000001500000004
result "... and no more" is "$(prop /virtio_mmio@a000c00 reg 2>/dev/null)" = ''

run 0 "random numbers" Rp --rng
result "... as many as asked for" says "random bytes 40"
result "... that look it" says "too many zeros 0"
run 0 "a chain with a loop" Hp --rng --verbose
result "... the device needs a reset" says "status 4f"
result "... tells so" says "interrupt 2"
result "... on stderr as well" mentions "needs a reset: a chain has a loop"
result "... and works after it" says "random bytes 40"
run 0 "a balloon" Bp --balloon 1M
result "... says what it wants" says "pages wanted 100"
result "... takes a page and gives it back" says "balloon status f"

# limit_of NAME: soft and hard, of the VMM.
limit_of() { sed -n "s/^$1 *\([^ ]*\) *\([^ ]*\) .*/\1 \2/p" "/proc/$pid/limits"; }
pid=self
unlimited=$(limit_of "Max file size") lockable=$(limit_of "Max locked memory")
new_disk disk
start "$VMM" --flat "$MONITOR" --mem 8M --disk "$dir/disk"
result "files: what is printed into one may grow" is "$(limit_of "Max file size")" = "$unlimited"
result "... the guest runs" quits
# Its output does not go to a file.
mkfifo "$dir/printed"
exec 3>&-
cat "$dir/printed" >"$dir/out" &
"$VMM" --flat "$MONITOR" --mem 8M --disk "$dir/disk" --disk "$dir/other,ro" --balloon 0 --verbose \
	<"$dir/keys" >"$dir/printed" 2>&1 &
pid=$!
exec 3<>"$dir/keys"
until_true 300 says "device tree 1"
result "... a disk may not" is "$(limit_of "Max file size")" = "32768 32768"
result "... is written as before" answers D "word bbbcbdbe"
type_in r
result "... and after a reset" until_true 300 count "device tree 1" 2
# What is pinned, and 64 KiB.
! mentions "memory is pinned" out || lockable="8454144 8454144"
result "... memory that can be locked is as little" is "$(limit_of "Max locked memory")" = "$lockable"
result "... the guest powers off" quits

start "$VMM" --flat "$MONITOR" --mem 8M --console --disk "$dir/disk"
result "a virtio console" answers C type
result "... prints" says "the virtio console says hello"
result "... is typed into" answers z "there 7a"
result "... until it is given up" answers ex "echo 78"
refuse "another VMM uses it" --flat "$MONITOR" --disk "$dir/disk"
refuse "another VMM uses it" --flat "$MONITOR" --disk "$dir/disk,ro"
type_in p
until_true 300 gone
wait "$pid"

# ---- memory

# What the VMM in the background has in the host's memory, in KiB, each page counted.
resident() {
	awk '/^(Rss|Private_Hugetlb|Shared_Hugetlb):/ { sum += $2 } END { print sum }' \
		"/proc/$pid/smaps_rollup"
}
# answers_all KEYS LINE COUNT: the guest does, and LINE is there so often then.
answers_all() {
	type_in "$1"
	until_true 300 count "$2" "$3"
}
# The host's 4 MiB of which a guest does without: less some that others take meanwhile.
MOST=$((3 * 1024))
# mount_at DIRECTORY TYPE OPTIONS
mount_at() { mkdir "$1" && mount -t "$2" -o "$3" none "$1" 2>/dev/null; }

# gives_back WHAT OPTION...: 4 MiB of a guest with OPTION... come and go.
gives_back() {
	kind=$1
	shift
	start "$VMM" --flat "$MONITOR" --mem 8M --balloon 0 --verbose "$@"
	result "$kind: the guest has it" answers_all M "kept 0" 1
	before=$(resident)
	result "... and gives it to the balloon" answers G "inflated"
	after=$(resident)
	if mentions "memory is pinned"; then
		result "... which gives nothing back that is pinned" is $((before - after)) -lt 64
		result "... and comes back" answers x "deflated"
		result "... as it was" answers_all M "kept 400" 1
		result "... free pages are nobody's" answers F "no reports"
		skip "$kind: from the guest to the host" "the module pins memory (ARMVCPU_CAP_PINNED_MEMORY)"
	else
		result "... which gives it back" is $((before - after)) -ge $MOST
		result "... and comes back" answers x "deflated"
		result "... empty" answers_all M "kept 0" 2
		result "... for the host to have" is $(($(resident) - after)) -ge $MOST
		before=$(resident)
		result "... reports of free pages" answers F "reported 0"
		result "... give it back as well" is $((before - $(resident))) -ge $MOST
		result "... empty again" answers_all M "kept 0" 3
	fi
	result "... the guest powers off" quits
	result "... the end tells" mentions "memory: [0-9]* KiB went back by the balloon"
}

if [ -e /proc/self/smaps_rollup ]; then
	gives_back "memory"
else
	skip "memory that goes back" "no /proc/self/smaps_rollup"
fi
if mount_at "$dir/mnt-shm" tmpfs size=32M; then
	shm=$dir/mnt-shm
	[ ! -e /proc/self/smaps_rollup ] || gives_back "memory of a tmpfs" --mem-path "$shm"
	result "... has left nothing there" is "$(find "$shm" -type f | wc -l)" = 0
	dd if=/dev/zero of="$shm/ram" bs=1024 count=8192 2>/dev/null
	printf KEEP | dd of="$shm/ram" bs=1024 seek=7168 conv=notrunc 2>/dev/null
	run 0 "memory of a file" '@40700000mmr@40700000mMp' --mem-path "$shm/ram"
	result "... that had something" count "word 40700000 5045454b" 1
	result "... until a reset" count "word 40700000 0" 1
	result "... with memory as it was loaded" count "memory was 0" 2
	result "... has what the guest has left" is \
		"$(od -An -tx4 -j $((7 * 1024 * 1024)) -N 4 "$shm/ram" | tr -d ' ')" = 11111111
	rm "$shm/ram"
	run 0 "a file that is new" mp --mem-path "$shm/ram"
	result "... is as large as the memory" is "$(wc -c <"$shm/ram")" = $((8 * 1024 * 1024))
	start "$VMM" --flat "$MONITOR" --mem 8M --mem-path "$shm/ram" --mem-prealloc
	result "--mem-prealloc: all of a file" is "$(du -k "$shm/ram" | cut -f 1)" -ge 8192
	refuse "another VMM uses it" --flat "$MONITOR" --mem 8M --mem-path "$shm/ram"
	result "... the guest runs" quits
	rm "$shm/ram"
	refuse "room for 32 MiB, the guest takes 64 MiB" --flat "$MONITOR" --mem 64M \
		--mem-path "$shm" --mem-prealloc
else
	skip "--mem-path" "no right to mount a tmpfs"
fi

start "$VMM" --flat "$MONITOR" --mem 32M --mem-prealloc --balloon 0 --verbose
result "--mem-prealloc" is "$(resident)" -ge $((32 * 1024))
result "... a reset leaves it there" answers_all mrm "memory was 0" 2
result "... all of it" is "$(resident)" -ge $((32 * 1024))
result "... free pages as well" answers F "no reports"
result "... the guest powers off" quits
start "$VMM" --flat "$MONITOR" --mem 32M --balloon 0 --verbose
if mentions "memory is pinned"; then
	skip "memory that comes when it is touched" "the module pins memory (ARMVCPU_CAP_PINNED_MEMORY)"
else
	result "memory that comes when it is touched" is "$(resident)" -lt $((16 * 1024))
fi
type_in p
until_true 300 gone
wait "$pid"

pool=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
if [ ! -e $pool ]; then
	skip "--hugepages" "no huge pages of 2M in this kernel"
elif [ "$(cat $pool)" != 0 ] || ! echo 0 2>/dev/null >$pool; then
	skip "--hugepages" "no right to reserve huge pages, or somebody has"
else
	refuse "takes 4 pages of 2M, 0 are free: echo 4 >$pool" --flat "$MONITOR" --mem 8M --hugepages=2M
	echo 4 >$pool
	if [ "$(cat $pool)" = 4 ]; then
		gives_back "huge pages" --hugepages=2M
		run 0 "huge pages over a reset" mmrmp --hugepages=2M --mem-prealloc
		result "... with memory as it was loaded" count "memory was 0" 2
		refuse "takes 5 pages of 2M, 4 are free: echo 5 >$pool" --flat "$MONITOR" \
			--mem 10M --hugepages=2M
		if mount_at "$dir/mnt-huge" hugetlbfs pagesize=2M; then
			run 0 "memory of a hugetlbfs" mmrmp --mem-path "$dir/mnt-huge"
			result "... with memory as it was loaded" count "memory was 0" 2
			refuse "not a multiple of the huge pages of 2M" --flat "$MONITOR" \
				--mem 7M --mem-path "$dir/mnt-huge"
		fi
		result "... and all of them are free again" is \
			"$(cat "${pool%/*}/free_hugepages")" = 4
	else
		skip "huge pages" "the host has no room for them"
	fi
	echo 0 >$pool
	refuse "not a multiple of the huge pages of 2M" --flat "$MONITOR" --mem 7M --hugepages=2M
	refuse "the sizes of this host are.* 2M" --flat "$MONITOR" --mem 8M --hugepages=8K
fi

# Nothing to read: the guest goes on, and nobody spins.
start "$VMM" --flat "$MONITOR" --mem 8M
exec 3>&-
sleep 1
result "the end of input is not the guest's" ends TERM 143
start "$VMM" --flat "$MONITOR" --mem 8M
answers exW "echo 78"
exec 3>&-
sleep 1
result "a guest that waits costs nothing" idle 3 $((scale < 8 ? 30 * scale : 240))
result "SIGTERM ends it" ends TERM 143
start "$VMM" --flat "$MONITOR" --mem 8M
result "SIGHUP ends it" ends HUP 129

# This shell's background has SIGINT and SIGQUIT ignored.
trap '' HUP TSTP
start "$VMM" --flat "$MONITOR" --mem 8M
trap - HUP TSTP
for sig in HUP INT QUIT TSTP; do
	kill -$sig "$pid"
done
result "signals that were ignored stay so" answers ex "echo 78"
result "... others do not" ends TERM 143

start "$UNIT" blocked "$VMM" --flat "$MONITOR" --mem 8M --cpus 2
result "a parent that has blocked SIGUSR1" answers 2 "CPU 1 says 57a1"
type_in rmp
result "... does not keep a CPU from a reset" status 0
result "... nor the guest from going on" says "memory was 0"

# A console that nobody reads.
mkfifo "$dir/fifo"
sh -c "exec sleep $((20 * scale))" <"$dir/fifo" &
reader=$!
yes u | head -c 20000 >"$dir/in"
"$VMM" --flat "$MONITOR" --mem 8M <"$dir/in" >"$dir/fifo" 2>"$dir/err" &
pid=$!
sleep $((3 + scale))
: >"$dir/out"
result "a console that nobody reads does not keep it alive" ends TERM 143
kill "$reader"

# The module's parameter debug=1 lets a test make EL2 fault.
provoke=/sys/kernel/debug/armvcpu/provoke
if [ -e $provoke ]; then
	start "$VMM" --flat "$MONITOR" --mem 8M --trace "$dir/trace"
	echo run >$provoke
	result "a dead VM" status 2
	result "... is the end of its trace" is "$(tail -n 1 "$dir/trace" | cut -d ' ' -f 3)" = FAIL
	result "... tells its exit" mentions "exit FAIL: a fault at EL2"
	result "... its registers" mentions "PC  .*PSTATE"
	result "... and its last exits" mentions "  pc 0x00000000400[0-9a-f]* MMIO"
else
	n=$((n + 1))
	echo "ok $n a dead VM # SKIP the module was loaded without debug=1"
fi

# What follows is between the VMM, its files and its user: a host that is slow because it
# watches the module has nothing to find there.
if [ "${KERNEL_ONLY:-0}" = 1 ]; then
	echo "ok $((n += 1)) files, wrong usage, the terminal # SKIP KERNEL_ONLY=1"
	echo "1..$n"
	exit $bad
fi

# ---- what it can load

# How each of them is entered: x0 is the device tree.
entered() {
	result "... entered at $1" says "entry $1"
	result "... x0" says "x0 $2"
	result "... x1 to x3" says "x1 to x3 0"
	result "... at EL1, masked, MMU and caches off" plain
}
plain() { says "EL 1" && says "masked f" && says "MMU and caches 0"; }

run 0 "--flat" kp
entered 40080000 40000000
run_file 0 "--firmware" kp --firmware "$MONITOR" --mem 8M
entered 0 40000000
run_file 0 "--kernel" kp --kernel "$MONITOR" --mem 8M
entered 40080000 40200000
# Where kernels since v5.8 want to be.
cp "$MONITOR" "$dir/image"
printf '\0\0\0\0' | dd of="$dir/image" bs=1 seek=8 conv=notrunc 2>/dev/null
run_file 0 "--kernel with a text_offset of 0" kp --kernel "$dir/image" --mem 8M
entered 40000000 40200000

# The tree is told without a guest, and the guest gets the same.
set -- --cpus 2 --mem 16M --append 'one "two"'
run_file 0 "--dtb-dump" '' --dtb-dump "$dir/dtb" --gic 3 "$@"
result "... says nothing" short out 1
result "... --append" is "$(prop /chosen bootargs)" = 'one "two"'
result "... --mem" is "$(prop /memory@40000000 reg)" = 00000000400000000000000001000000
result "... --cpus" is "$(prop /cpus/cpu@1 enable-method)" = psci
result "... --gic" is "$(prop /intc@8000000 compatible)" = arm,gic-v3
# On any host the tree is told for either version; a guest has what the host can do.
run_file 0 "--dtb-dump for this host" '' --dtb-dump "$dir/dtb" "$@"
run_file 0 "its guest" dp --flat "$MONITOR" "$@"
result "... finds that tree" same_tree

printf 'INITRD' >"$dir/initrd"
set -- --kernel "$MONITOR" --initrd "$dir/initrd" --append quiet --mem 8M
run_file 0 "--dtb-dump with --initrd" '' --dtb-dump "$dir/dtb" "$@"
start=$(prop /chosen linux,initrd-start) end=$(prop /chosen linux,initrd-end)
result "... its size" is $((0x$end - 0x$start)) = 6
result "... at a boundary of 2 MiB" is $((0x$start % 0x200000)) = 0
bootargs() { "$VMM" --dtb-dump "$dir/dtb2" "$@" && "$UNIT" dtb "$dir/dtb2" /chosen bootargs; }
result "--earlycon for a kernel" is "$(bootargs --kernel "$MONITOR" --earlycon)" = \
	earlycon=pl011,0x9000000
result "... with --append" is "$(bootargs --kernel "$MONITOR" --earlycon --append quiet)" = \
	"earlycon=pl011,0x9000000 quiet"
result "... and for nothing else" is "$(bootargs --flat "$MONITOR" --earlycon --append quiet)" = quiet
run_file 0 "a kernel" dp "$@"
result "... finds that tree" same_tree
run_file 0 "and its initrd" "@${start#????????}p" "$@"
result "... is there" says "word ${start#????????} 54494e49"

# Over a reset, a file may change: the word behind the magic of its header.
for option in --flat --firmware --kernel; do
	cp "$MONITOR" "$dir/image"
	mark=4008003c
	[ $option != --firmware ] || mark=0000003c
	start "$VMM" $option "$dir/image" --mem 8M
	result "$option before a reset" answers @$mark "word ${mark#000000} 6b72616d"
	printf CHAN | dd of="$dir/image" bs=1 seek=60 conv=notrunc 2>/dev/null
	result "... after it, the file is read again" answers r@$mark "word ${mark#000000} 4e414843"
	rm "$dir/image"
	type_in r
	result "... and must be there" status 1
	result "... which is told" mentions "image: No such file"
done
cp "$MONITOR" "$dir/image"
start "$VMM" --firmware "$dir/image" --mem 8M
result "behind the firmware" answers @00020000 "word 20000 ffffffff"
dd if=/dev/zero bs=1024 count=256 2>/dev/null >>"$dir/image"
result "... until it grows" answers r@00020000 "word 20000 0"
type_in p
result "... and powers off" status 0

# ---- wrong usage

: >"$dir/empty"
printf '\037\213%64s' '' >"$dir/gz"
printf '\177ELF%64s' '' >"$dir/elf"
printf 'MZ\0\0zimg%64s' '' >"$dir/zboot"
printf '%64s' '' >"$dir/text"
refuse "nothing to run"
refuse "only one of" --flat "$MONITOR" --kernel "$MONITOR"
refuse "goes with --kernel" --flat "$MONITOR" --initrd "$MONITOR"
refuse "armvcpu-vmm --help" --no-such-option
refuse "armvcpu-vmm --help" --flat
refuse "what is 'more'" --flat "$MONITOR" more
for arg in 0 9 -1 1x ''; do
	refuse "not a number from 1 to 8" --flat "$MONITOR" --cpus "$arg"
done
refuse "not a number from 2 to 3" --flat "$MONITOR" --gic 4
for arg in x 1T 1MM '' -1 99999999999G; do
	refuse "not a size" --flat "$MONITOR" --mem "$arg"
done
refuse "No such file" --flat "$MONITOR" --disk "$dir/none"
refuse "neither a regular file nor a block device" --flat "$MONITOR" --disk /dev/null
refuse "no multiple of 512" --flat "$MONITOR" --disk "$dir/empty"
refuse "no multiple of 512" --flat "$MONITOR" --disk "$dir/initrd"
refuse "what is 'rw'" --flat "$MONITOR" --disk "$dir/other,rw"
refuse "what is ''" --flat "$MONITOR" --disk "$dir/other,"
refuse "20 bytes at most" --flat "$MONITOR" --disk "$dir/other,id=123456789012345678901"
set -- --disk "$dir/other,ro" --disk "$dir/other,ro" --disk "$dir/other,ro" --disk "$dir/other,ro" --disk "$dir/other,ro"
refuse "there can be 24" --flat "$MONITOR" "$@" "$@" "$@" "$@" "$@"
refuse "neither user nor tap" --flat "$MONITOR" --net bridge
refuse "no \[GUESTADDR\]:PORT" --flat "$MONITOR" --net user,hostfwd=tcp::2222-22
tap="no /dev/net/tun"
[ ! -e /dev/net/tun ] || tap="lo is no TAP interface"
refuse "$tap" --flat "$MONITOR" --net tap,ifname=lo
set -- --net user --net user --net user --net user --net user
refuse "there can be 4" --flat "$MONITOR" "$@"
set -- --net user,hostfwd=udp::2222-:53 --net user,hostfwd=udp::2222-:53
refuse "127.0.0.1:2222: the port is in use" --flat "$MONITOR" "$@"
refuse "not a size" --flat "$MONITOR" --balloon x
for arg in x 2MM ''; do
	refuse "not a size" --flat "$MONITOR" "--hugepages=$arg"
done
refuse "pages have a size" --flat "$MONITOR" --hugepages=0
refuse "what is '2M'" --flat "$MONITOR" --hugepages 2M
refuse "does not go with --mem-path" --flat "$MONITOR" --hugepages --mem-path "$dir"
refuse "armvcpu-vmm --help" --flat "$MONITOR" --mem-prealloc=yes
refuse "neither a directory nor a regular file" --flat "$MONITOR" --mem-path /dev/null
refuse "neither a directory nor a regular file" --flat "$MONITOR" --mem-path "$dir/keys"
refuse "No such file" --flat "$MONITOR" --mem-path "$dir/none/ram"
refuse "no more than --mem 8M" --flat "$MONITOR" --mem 8M --balloon 8M
refuse "from 2M to 255G" --flat "$MONITOR" --mem 1M
refuse "from 2M to 255G" --flat "$MONITOR" --mem 256G
refuse "not a multiple of 4K" --flat "$MONITOR" --mem 2049K
refuse "No such file" --flat "$dir/none"
refuse "not a regular file" --flat "$dir"
refuse "is empty" --firmware "$dir/empty"
dd if=/dev/zero of="$dir/big" bs=1 count=1 seek=67108864 2>/dev/null
refuse "the ROM takes 67108864" --firmware "$dir/big"
refuse "compressed" --kernel "$dir/gz"
refuse "an ELF file" --kernel "$dir/elf"
refuse "zboot" --kernel "$dir/zboot"
refuse "not an arm64 Image" --kernel "$dir/text"
refuse "too short" --kernel "$dir/initrd"
refuse "it takes --mem 3M" --kernel "$MONITOR" --mem 2M
for arg in 0 -1 x 1x '' 86401; do
	refuse "not a number from 1 to 86400" --flat "$MONITOR" "--stats=$arg"
done
refuse "what is '2'" --flat "$MONITOR" --stats 2
refuse "none/trace: No such file" --flat "$MONITOR" --trace "$dir/none/trace"
refuse "Is a directory" --flat "$MONITOR" --trace "$dir"
refuse "not a number from 0 to" --flat "$MONITOR" --trace "$dir/trace" --trace-limit x
refuse "goes with --trace" --flat "$MONITOR" --trace-limit 5
refuse "No such file" --flat "$MONITOR" --dtb-dump "$dir/none/dtb"
run_file 0 "--help" '' --help
result "... on stdout" says "Other:"
run_file 0 "--version" '' --version
result "... with the API's" mentions "(API 1)" out

# ---- at a terminal

cp "$MONITOR" "$dir/image"
: >"$dir/out"
: >"$dir/err"
"$UNIT" pty "$VMM" "$dir/image" >"$dir/pty"
rc=$?
while IFS= read -r line; do
	case $line in
	"ok - "*) result "terminal: ${line#ok - }" true ;;
	"not ok - "*) result "terminal: ${line#not ok - }" false ;;
	*) echo "$line" ;;
	esac
done <"$dir/pty"
result "terminal: all of it" is $rc = 0

echo "1..$n"
exit $bad
