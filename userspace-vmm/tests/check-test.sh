#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# armvcpu-check on machines that are made up: a tree of files each. Prints TAP; runs anywhere.
#
# check-test.sh
#
# CHECK=armvcpu-check says which program.

# shellcheck disable=SC2317 # called through result

CHECK=${CHECK:-armvcpu-check}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
n=0 bad=0 m=$dir/m
release=6.1.0-13-arm64

# result WHAT COMMAND...
result() {
	what=$1
	shift
	n=$((n + 1))
	if "$@"; then
		echo "ok $n $what"
	else
		echo "not ok $n $what"
		sed 's/^/# /' "$dir/out"
		bad=1
	fi
}

# put PATH TEXT: a file of the machine; printf's escapes are good.
put() {
	mkdir -p "$m$(dirname "$1")"
	# shellcheck disable=SC2059 # escapes are meant
	printf "$2" >"$m$1"
}

timer_cells='\0\0\0\01\0\0\0\015\0\0\0\04'
log() { put /dev/kmsg "6,1,1,-;Booting Linux\n6,80,9000,-;$1\n"; }
timer() { put /proc/interrupts "           CPU0\n 11:   5   GICv3  $1 Level     arch_timer\n"; }

# A board as we like it: two Cortex-A72, no KVM, module and headers installed.
good() {
	rm -rf "$m"
	put /proc/sys/kernel/arch "aarch64\n"
	put /proc/sys/kernel/osrelease "$release\n"
	put /proc/cpuinfo "processor : 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n"
	put /proc/cmdline "console=ttyAMA0 quiet\n"
	put /proc/self/smaps "KernelPageSize:        4 kB\n"
	put /proc/iomem "40000000-7fffffff : System RAM\n  40080000-4fffffff : Kernel code\n"
	put /proc/meminfo "MemTotal: 900000 kB\nMemAvailable: 800000 kB\n"
	put /proc/modules ""
	log "CPU: All CPU(s) started at EL2"
	timer 30
	put /proc/device-tree/compatible 'linux,dummy\0'
	put /proc/device-tree/timer/compatible 'arm,armv8-timer\0'
	put /proc/device-tree/timer/interrupts "$timer_cells$timer_cells$timer_cells$timer_cells"
	put /proc/device-tree/soc/intc@8000000/compatible 'arm,gic-v3\0'
	put /proc/device-tree/soc/intc@8000000/interrupts "$timer_cells"
	put /boot/config-$release "CONFIG_MODULES=y\nCONFIG_KALLSYMS=y\nCONFIG_MMU_NOTIFIER=y\n"
	put /lib/modules/$release/build/Makefile ""
	put /lib/modules/$release/updates/armvcpu.ko "x\0vermagic=$release SMP\0"
	put /sys/devices/system/cpu/online "0-1\n"
	put /sys/devices/system/cpu/vulnerabilities/spectre_v2 "Not affected\n"
}

# check STATUS: what it says is in out.
check() {
	"$CHECK" --root "$m" >"$dir/out" 2>&1
	is $? = "$1"
}
is() { [ "$@" ] || { echo "# it is $1"; false; }; }
# says LEVEL TEXT: a line of that level has it.
says() { grep -q -- "^$1: .*$2" "$dir/out"; }
count() { is "$(grep -c "^$1: " "$dir/out")" = "$2"; }
# Every problem tells what to do about it.
has_advice() { ! grep '^problem: ' "$dir/out" | grep -qv ' - '; }

# problem WHAT TEXT: with one problem, which has the text, and 1.
problem() {
	result "$1" check 1
	result "... is told" says problem "$2"
	result "... and nothing else is" count problem 1
	result "... with what to do" has_advice
}
# warning WHAT TEXT: it can be loaded, with one warning.
warning() {
	result "$1" check 0
	result "... is told" says warning "$2"
	result "... and nothing else is" count warning 1
}

echo "TAP version 13"

good
result "a good machine" check 0
result "... has no problem" count problem 0
result "... and no warning" count warning 0
result "... its cores" says ok "Cortex-A72, which has no VHE"
result "... each kind once" is "$(grep -c Cortex-A72 "$dir/out")" = 1
result "... the last line" is "$(tail -n 1 "$dir/out")" = "armvcpu can be loaded as far as can be seen, 0 warning(s)"

# ---- each refusal of check_el2(), and what else keeps it out

good
put /proc/sys/kernel/arch "x86_64\n"
problem "another architecture" "is x86_64 - armvcpu is for arm64 only"
good
put /proc/sys/kernel/osrelease "5.10.0\n"
put /boot/config-5.10.0 "CONFIG_MODULES=y\nCONFIG_KALLSYMS=y\nCONFIG_MMU_NOTIFIER=y\n"
problem "an old kernel" "use Linux 6.1 or later"
good
put /boot/config-$release "CONFIG_CPU_BIG_ENDIAN=y\nCONFIG_KALLSYMS=y\nCONFIG_MODULES=y\nCONFIG_MMU_NOTIFIER=y\n"
problem "big-endian" "big-endian"

good
timer 26
put /proc/cpuinfo "CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"
problem "a VHE host" "runs at EL2 (VHE) - boot with id_aa64mmfr1.vh=0"
result "... of a core that can" says ok "Neoverse N1, which can have VHE"
good
timer 26
put /boot/config-$release "CONFIG_MODULES=y\nCONFIG_KALLSYMS=y\nCONFIG_MMU_NOTIFIER=y\nCONFIG_KVM=y\n"
put /proc/cmdline "kvm-arm.mode=none\n"
problem "a VHE host, half done" "vh=0 kvm-arm.mode=none (the second is there already)"
good
timer 27
log "CPU: All CPU(s) started at EL1"
problem "started at EL1" "started at EL1.* - have the boot loader start the kernel at EL2"
good
rm "$m/dev/kmsg"
timer 27
problem "started at EL1, no log" "started at EL1"
good
log "CPU: CPUs started in inconsistent modes"
problem "started at both" "start all of them at EL2"
good
rm "$m/proc/interrupts"
rm "$m/dev/kmsg"
warning "nothing tells how it was started" "run this as root"

good
put /dev/kvm ""
problem "KVM" "KVM has EL2 - boot with kvm-arm.mode=none"
good
log "kvm [1]: Hyp mode initialized successfully"
problem "KVM, by the log" "KVM has EL2"
good
put /dev/kvm ""
put /proc/cmdline "quiet kvm-arm.mode=none\n"
result "KVM that is off" check 0
result "... is told" says ok "kvm-arm.mode=none"
good
put /dev/kvm ""
put /proc/cmdline "quiet xkvm-arm.mode=none kvm-arm.mode=nonex\n"
problem "another word of the command line" "KVM has EL2"
good
put /sys/module/jailhouse/x ""
problem "another hypervisor" "Jailhouse has EL2 - unload it"

good
put /proc/device-tree/timer/interrupts "$timer_cells$timer_cells"
problem "no virtual timer" "no virtual timer interrupt - add it"
good
put /proc/device-tree/timer/interrupts "$timer_cells"
put /proc/device-tree/timer/interrupt-names 'virt\0'
result "a virtual timer by its name" check 0
good
rm -r "$m/proc/device-tree"
problem "neither device tree nor ACPI" "describes no timer"
good
rm -r "$m/proc/device-tree"
put /sys/firmware/acpi/tables/GTDT ""
result "ACPI" check 0
result "... is told" says ok "ACPI has"
good
rm "$m/proc/device-tree/soc/intc@8000000/interrupts"
warning "no maintenance interrupt" "no maintenance interrupt.* - add interrupts"
good
rm -r "$m/proc/device-tree/soc"
warning "no GIC" "guests get no interrupt controller"

good
put /proc/iomem "40000000-7fffffff : System RAM\n2000000000000-20000ffffffff : System RAM\n"
problem "memory above 48 bits" "(0x20000ffffffff) - boot with mem="
good
put /proc/iomem "00000000-00000000 : System RAM\n"
warning "addresses that are hidden" "run this as root"
good
put /proc/self/smaps "KernelPageSize:        16 kB\n"
warning "pages of 16 KiB" "4 KiB"
good
put /proc/meminfo "MemAvailable: 900 kB\n"
warning "no memory" "there may be none for EL2 - free some"

good
rm "$m/proc/modules"
problem "no modules" "takes no modules - build it with CONFIG_MODULES"
good
put /boot/config-$release "CONFIG_MODULES=y\nCONFIG_MMU_NOTIFIER=y\n"
warning "no KALLSYMS" "allow_unknown_boot=1"
good
rm -r "$m/lib/modules/$release/build"
warning "no headers" "linux-headers-$release"
good
rm "$m/lib/modules/$release/updates/armvcpu.ko"
warning "no module" "modules_install"
good
put /lib/modules/$release/updates/armvcpu.ko "x\0vermagic=6.1.0-9-arm64 SMP\0"
problem "a module for another kernel" "built for 6.1.0-9-arm64, this is $release - build it again"
good
put /sys/kernel/security/lockdown "none [integrity] confidentiality\n"
put /sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c '\06\0\0\0\01'
problem "lockdown" "signed modules only (lockdown, Secure Boot) - sign"
put /lib/modules/$release/updates/armvcpu.ko "x\0vermagic=$release SMP\0~Module signature appended~\n"
result "lockdown and a signature" check 0
good
put /sys/module/module/parameters/sig_enforce "Y\n"
problem "signatures enforced" "signed modules only (module.sig_enforce)"
good
put /sys/kernel/security/lockdown "[none] integrity confidentiality\n"
result "no lockdown" check 0
if command -v gzip >/dev/null; then
	good
	rm "$m/boot/config-$release"
	echo CONFIG_MODULES=y | gzip -c >"$m/proc/config.gz"
	result "a configuration that is packed" check 0
	result "... is read" says warning CONFIG_KALLSYMS
else
	echo "ok $((n += 1)) a configuration that is packed # SKIP no gzip"
fi

# What only the attempt shows.
for line in "the virtual timer interrupt is taken (-16): KVM or another" \
	"no hyp-stub answers at EL2 of 2 CPU(s): another" "stage 2 of this core has no 16 KiB pages: use" \
	"unknown size of physical addresses (ID" "memory above 48 bits of physical address: not" \
	"the host runs at EL2 (VHE): boot" "this machine has no EL2, or its firmware" \
	"the kernel was booted at EL1 (it counts" \
	"the firmware describes no virtual timer interrupt: nothing"; do
	good
	log "armvcpu: $line"
	problem "the log: ${line%%[:(]*}" "the last attempt .*refused: \"${line%%[:(]*}"
done
# ... and what may be over by now.
for line in "no memory for EL2's image and stacks: free" "a CPU's hyp-stub did not let us in (-5): EL2" \
	"cannot create /dev/armvcpu: -17"; do
	good
	log "armvcpu: $line"
	warning "the log: ${line%%[:(]*}" "the last attempt .*refused: \"${line%%[:(]*}"
done
good
log "armvcpu: no memory for EL2's image and stacks: free\n6,81,9001,-;armvcpu: EL2 taken on 2 CPU(s)"
result "a refusal that was followed by success" check 0

# ---- loaded

loaded() {
	good
	put /sys/module/armvcpu/parameters/cpus "0-1\n"
	put /dev/armvcpu ""
	put /lib/udev/rules.d/90-armvcpu.rules ""
}
loaded
result "loaded" check 0
result "... has EL2" says ok "EL2 of the CPUs 0-1"
result "... the last line" is "$(tail -n 1 "$dir/out")" = "armvcpu is loaded and can be used, 0 warning(s)"
loaded
put /dev/kvm ""
result "loaded, whatever was before" check 0
loaded
put /sys/module/armvcpu/parameters/cpus "0\n"
warning "loaded, not everywhere" "EL2 of the CPUs 0, online are 0-1"
loaded
rm "$m/dev/armvcpu"
problem "loaded, no device" "there is no /dev/armvcpu"
if [ "$(id -u)" != 0 ]; then
	loaded
	chmod 0 "$m/dev/armvcpu"
	problem "loaded, somebody else's device" "not for this user .*usermod -aG kvm"
else
	echo "ok $((n += 1)) loaded, somebody else's device # SKIP root may do everything"
fi
loaded
rm "$m/lib/udev/rules.d/90-armvcpu.rules"
warning "no udev rule" "make install"
loaded
put /sys/devices/system/cpu/vulnerabilities/spectre_v2 "Vulnerable\n"
warning "Spectre" "Spectre v2: Vulnerable - run guests you trust"
loaded
log "armvcpu: CPU0 is a Cortex-A57 with erratum 832075: run guests you trust only"
warning "an erratum" "832075"

# ---- wrong usage

"$CHECK" --nothing >"$dir/out" 2>&1
result "an unknown option is 2" is $? = 2
"$CHECK" more >"$dir/out" 2>&1
result "so is a word" is $? = 2
"$CHECK" --root "$dir/none" >"$dir/out" 2>&1
result "and no directory" is $? = 2
"$CHECK" --help >"$dir/out" 2>&1
result "--help" is $? = 0
result "... says how" grep -q '^Usage: ' "$dir/out"

echo "1..$n"
exit $bad
