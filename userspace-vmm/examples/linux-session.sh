#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A session with Linux in a guest, typed over its serial console: its CPUs, its
# network and its disk across a reboot, interrupts that move from one CPU to the
# other, a CPU that goes off and on, power-off. Exits 0 only if every answer is
# right and the VMM ends with 0 as well.
#
# linux-session.sh VMM-OPTION...
#
# The options say what to boot and on what machine; of them, the session needs at
# least: --cpus 2, --disk, --net user,hostfwd=tcp:127.0.0.1:8080-:80. The guest is
# the one of the rig (selftests/rig/guest-image), or one whose shell has the same
# prompt and commands.
#
# VMM=/armvcpu-vmm, SESSION_TIMEOUT=120 (seconds for all of it) say otherwise. Needs
# session.sh beside it and no more than busybox.

ME=linux-session PROMPT='guest:~# '
. "$(dirname "$0")/session.sh"

# run_in COMMAND LINE...: every LINE must be a whole line of what it prints.
run_in() {
	type_in "$1"
	shift
	for line; do
		echo "$reply" | grep -qxF -- "$line" || fail "'$command' did not say '$line'"
	done
}

# Nothing in the guest's log says that something is wrong.
well() {
	run_in "dmesg | grep -E 'WARNING|BUG|Call trace|stall|EXT4-fs (err|warn)' || echo fine" fine
}

# show COMMAND: it prints the disk's line of /proc/interrupts, whose first columns are
# $irq, $on0 and $on1 then.
show() {
	type_in "$1"
	# shellcheck disable=SC2046 # columns are words
	set -- $(echo "$reply" | grep " $disk\$" | tail -n 1)
	irq=${1%:} on0=$2 on1=$3
	[ -n "$on1" ] || fail "'$command' has no line of $disk"
}

# Half a megabyte goes to the guest, stays on its disk over a reboot, and comes back.
mkdir "$dir/www" || exit 1
head -c 500000 /dev/urandom >"$dir/www/blob"
sum=$(sha256sum <"$dir/www/blob")
httpd -f -p 127.0.0.1:8000 -h "$dir/www" &
server=$!

begin "${VMM:-/armvcpu-vmm}" "$@"
prompt

run_in "nproc" 2
run_in "grep -c '^processor' /proc/cpuinfo" 2
run_in "uname -rm"

run_in "wget -q -O blob http://10.0.2.2:8000/blob; sha256sum <blob" "$sum"
run_in "dd if=/dev/urandom of=big bs=64k count=64 2>/dev/null; sha256sum big >sum"
run_in "sync; echo 3 >/proc/sys/vm/drop_caches; sha256sum -c sum" "big: OK"

type_in "basename \$(readlink -f /sys/block/vda/device)"
disk=$(echo "$reply" | grep -x 'virtio[0-9]*')
show "grep $disk\$ /proc/interrupts"

# One interrupt for each of 64 blocks, all on the one CPU, none on the other.
for cpu in 1 0 1; do
	show "echo $cpu >/proc/irq/$irq/smp_affinity_list; grep $disk\$ /proc/interrupts"
	was0=$on0 was1=$on1
	show "dd if=/dev/vda of=/dev/null bs=4k count=64 iflag=direct; grep $disk\$ /proc/interrupts"
	if [ $cpu = 1 ]; then
		here=$((on1 - was1)) there=$((on0 - was0))
	else
		here=$((on0 - was0)) there=$((on1 - was1))
	fi
	if [ $here -lt 64 ] || [ $there != 0 ]; then
		fail "the disk's interrupts were to go to CPU $cpu: $here did, $there did not"
	fi
done

run_in "echo 0 >/sys/devices/system/cpu/cpu1/online; nproc" 1
run_in "dd if=/dev/vda of=/dev/null bs=4k count=64 iflag=direct" "64+0 records in"
run_in "echo 1 >/sys/devices/system/cpu/cpu1/online; nproc" 2
run_in "taskset 2 sha256sum -c sum" "big: OK"
well

mark=$(size)
printf 'reboot\r' >&3
expect "Restarting system"
mark=$(size)
prompt
run_in "nproc" 2
run_in "sha256sum -c sum; sha256sum <blob" "big: OK" "$sum"
run_in "dmesg | grep -c 'EXT4-fs.*recovery'" 0

run_in "httpd -p 80 -h /root; echo \$?" 0
got=$(wget -q -O - http://127.0.0.1:8080/blob | sha256sum)
[ "$got" = "$sum" ] || fail "what came back from the guest is something else"
well

printf 'poweroff\r' >&3
end
