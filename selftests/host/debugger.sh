#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# gdb in a Linux guest: hardware breakpoints and watchpoints, single steps; and that of all
# this nothing is to be seen in the host, where the same registers are in use for the same
# addresses at the same time. Prints TAP.
#
# debugger.sh
#
# KERNEL, CPU, GIC, SMP, QEMU choose the host as for rig/run.

set -euo pipefail
. "$(dirname "$0")/tap"

case ${1:-} in
-h | --help) usage; exit ;;
esac
WATCHED=$BUILD/install/armvcpu/watched
tap_begin
if [ "$KERNEL" = debug ]; then
	skip "gdb in a guest" "the debug kernel takes minutes for it"
	tap_end
fi
case $KERNEL in
6.1 | 6.12 | sid) guest=$KERNEL ;;
*) guest=6.1 ;;
esac
"$RIG/setup"
"$RIG/build" user
need_tests "$WATCHED"
"$RIG/guest-image" --debugger "$guest"
DIR=$BUILD/guest

# shellcheck disable=SC2317 # called through result
{
	# section NAME: what is between its two marks.
	section() { sed -n "/^>>> $1\$/,/^<<< $1/{ //!p }" "$OUT/lines"; }
	# says LINE [NAME]: a whole line of it, an expression.
	says() { section "${2:-gdb}" | grep -qxE -- "$1"; }
	# changes OLD NEW: gdb has seen the store.
	changes() {
		[[ $(section gdb) == *"Hardware watchpoint 2: counter

Old value = $1
New value = $2
"* ]]
	}
	# empty NAME: it is there, with nothing in it.
	empty() { grep -qxF "<<< $1" "$OUT/lines" && [ -z "$(section "$1")" ]; }
}

# One CPU: with two, gdb and its program wake each other by IPIs, which takes longest of all.
# The host's debugger has the same one, in turns with the guest.
# The host's log begins anew with the guest. A timer that came late is QEMU's business.
rc=0
MEM=2G "$RIG/run" --timeout $((120 * $(limit_scale))) \
	--file "$BUILD/user/armvcpu-vmm" --file "$WATCHED" \
	--file "$(kernel_image "$guest")=/guest/Image" \
	--file "$DIR/initrd-$guest=/guest/initrd" --file "$DIR/debugger.img=/guest/disk" -- \
	"truncate -s $(cat "$DIR/debugger.img.size") /guest/disk
	 dmesg -c >/dev/null
	 taskset 1 /watched --watch >/tmp/watched 2>&1 &
	 watched=\$!
	 taskset 1 /armvcpu-vmm --kernel /guest/Image --initrd /guest/initrd --disk /guest/disk --cpus 1 \
		--mem 256M --gic $GIC --append \
		'console=ttyAMA0 quiet root=/dev/vda rw init=/sbin/guest-debugger' </dev/null
	 echo \"<<< vmm \$?\"
	 echo '>>> host'
	 dmesg | grep -v 'hrtimer: interrupt took'
	 echo '<<< host'
	 kill \$watched
	 wait \$watched
	 status=\$?
	 echo '>>> watched'
	 cat /tmp/watched
	 echo \"<<< watched \$status\"" >"$OUT/out" 2>"$OUT/err" || rc=$?
tr -d '\r' <"$OUT/out" >"$OUT/lines"

result "gdb in a guest runs its script to the end" grep -qxF '<<< gdb 0' "$OUT/lines"
result "... hbreak is a hardware breakpoint" says 'Hardware assisted breakpoint 1 at .*'
result "... and stops there" says 'Breakpoint 1, main .*'
result "... watch is a hardware watchpoint" says 'Hardware watchpoint 2: counter'
result "... and shows the first store" changes 0 1
result "... and the second one" changes 1 2
result "... a second hardware breakpoint beside it" says 'Breakpoint 4, count .*'
result "... steps are of one instruction" says 'stepped 12, counter 2'
result "... the watchpoint after the steps" changes 2 3
result "... rwatch is a hardware watchpoint" says 'Hardware read watchpoint 3: looked_at'
result "... and shows the load" says 'Value = 7'
result "... the program goes on to its end" says '\[Inferior 1 \(process [0-9]+\) exited normally\]'
result "... the guest's log" empty dmesg
result "... the guest powers off" grep -qxF '<<< vmm 0' "$OUT/lines"
result "the host's log has nothing of it" empty host
result "a debugger in the host meanwhile: neither more nor less" \
	grep -qxF '<<< watched 0' "$OUT/lines"
result "... and it had something to do" says 'watched: [1-9][0-9]+ of .*' watched
result "the host ends well" [ $rc = 0 ]
if [ $bad != 0 ]; then
	remarks "$OUT/err"
	remarks "$OUT/lines"
fi
tap_end
