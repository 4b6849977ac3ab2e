#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# armvcpu-check on machines that are made up: a tree of files each. Prints TAP; runs anywhere.
#
# check-test.sh
#
# CHECK=armvcpu-check says which program. What the module says is compared with its
# sources, if they are there.

# shellcheck disable=SC2317 # called through result

CHECK=${CHECK:-armvcpu-check}
kmod=$(dirname "$0")/../../kmod
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

# skip WHAT WHY
skip() { n=$((n + 1)); echo "ok $n $1 # SKIP $2"; }

timer_cells='\0\0\0\01\0\0\0\015\0\0\0\04'
log() { put /dev/kmsg "6,1,1,-;Booting Linux\n6,80,9000,-;$1\n"; }
# cpu IMPLEMENTER PART VARIANT REVISION: a line of cores of that kind.
cpu() {
	put /proc/cpuinfo "processor\t: 0\nCPU implementer\t: $1\nCPU architecture: 8\nCPU variant\t: $3\nCPU part\t: $2\nCPU revision\t: $4\n\nprocessor\t: 1\nCPU implementer\t: $1\nCPU architecture: 8\nCPU variant\t: $3\nCPU part\t: $2\nCPU revision\t: $4\n\n"
}
timer() { put /proc/interrupts "           CPU0\n 11:   5   GICv3  $1 Level     arch_timer\n"; }

# A board as we like it: two Cortex-A72 r0p3, no KVM, module and headers installed.
good() {
	rm -rf "$m"
	put /proc/sys/kernel/arch "aarch64\n"
	put /proc/sys/kernel/osrelease "$release\n"
	cpu 0x41 0xd08 0x0 3
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
cpu 0x41 0xd0c 0x3 1
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
problem "KVM" "KVM has EL2 - boot with kvm-arm.mode=none\$"
# What 6.1 and later say where KVM is at EL2 and the host at EL1.
for mode in "Hyp" "Hyp nVHE" "Protected nVHE" "Protected hVHE"; do
	good
	log "kvm [1]: $mode mode initialized successfully"
	problem "KVM, by the log: $mode mode" "KVM has EL2 - boot with kvm-arm.mode=none\$"
	result "... and the host is at EL1" says ok "started at EL2 and runs at EL1"
	rm "$m/proc/interrupts"
	problem "$mode mode, by the log alone" "KVM has EL2"
	result "... and the host is at EL1" says ok "started at EL2 and runs at EL1"
done
for mode in "VHE" "VHE+NV2"; do
	good
	rm "$m/proc/interrupts"
	cpu 0x41 0xd0c 0x3 1
	log "kvm [1]: $mode mode initialized successfully"
	result "$mode mode, by the log alone" check 1
	result "... is the host at EL2" says problem "runs at EL2 (VHE) - boot with"
done
good
timer 30
log "detected: Virtualization Host Extensions"
result "the timer goes before the log" check 0
good
cpu 0x41 0xd0c 0x3 1
log "kvm [1]: Protected hVHE mode initialized successfully"
problem "KVM on cores that would go to EL2 without it" "mode=none id_aa64mmfr1.vh=0\$"
put /proc/cmdline "id_aa64mmfr1.vh=0\n"
problem "... which are told not to" "mode=none\$"
good
put /boot/config-$release "CONFIG_MODULES=y\nCONFIG_KALLSYMS=y\nCONFIG_MMU_NOTIFIER=y\nCONFIG_KVM=y\n"
warning "KVM that has said nothing" "which may take EL2 - boot with kvm-arm.mode=none"
put /proc/cmdline "quiet kvm-arm.mode=none\n"
result "KVM that is off" check 0
result "... is told" says ok "KVM is off: kvm-arm.mode=none"
put /proc/cmdline "kvm-arm.mode=nvhe kvm-arm.mode=none kvm-arm.mode=nothing\n"
result "the last word counts that KVM knows" check 0
result "... is told" says ok "KVM is off: kvm-arm.mode=none"
put /proc/cmdline "kvm-arm.mode=none kvm-arm.mode=nvhe\n"
warning "... whichever that is" "which may take EL2"
good
put /dev/kvm ""
put /proc/cmdline "quiet kvm-arm.mode=none\n"
problem "KVM that is there, whatever was said" "KVM has EL2"
# A Raspberry Pi 3 has no GIC.
good
put /proc/interrupts "           CPU0\n 11:   5   bcm2836-timer   1 Edge      arch_timer\n"
cpu 0x41 0xd03 0x0 4
result "another interrupt controller" check 0
result "... where the log tells how it was started" says ok "started at EL2 and runs at EL1"
cpu 0x41 0xd0c 0x3 1
warning "... not of cores that may have stayed there" "nothing tells whether"
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

# The timer of a Raspberry Pi 3. Its interrupt controller's have two cells, and had one.
tree=/proc/device-tree
local_intc=$tree/soc/interrupt-controller@40000000
pi() {
	good
	rm -r "$m/proc/device-tree/soc"
	put $local_intc/compatible 'brcm,bcm2836-l1-intc\0'
	put $local_intc/phandle '\0\0\0\030'
	put "$local_intc/#interrupt-cells" "\0\0\0\0$1"
	put $tree/timer/compatible 'arm,armv7-timer\0'
	put $tree/timer/interrupt-parent '\0\0\0\030'
	put $tree/timer/interrupts "$2"
}
pi_timer() {
	warning "$1" "guests get no interrupt controller"
	result "... has a virtual timer" says ok "virtual timer's interrupt"
}
one_cell='\0\0\0\0\0\0\0\01\0\0\0\03'
two_cells='\0\0\0\0\0\0\0\04\0\0\0\01\0\0\0\04\0\0\0\03\0\0\0\04'
pi 2 "$two_cells"'\0\0\0\02\0\0\0\04'
pi_timer "a Raspberry Pi 3"
mv "$m$tree/timer/interrupt-parent" "$m$tree/"
pi_timer "... whose controller is named above"
pi 1 "$one_cell"'\0\0\0\02'
pi_timer "... with an older tree"
pi 2 '\0\0\0\0\0\0\0\04\0\0\0\01\0\0\0\04'
problem "... without a virtual timer" "no virtual timer interrupt - add it"
# A phandle, an interrupt.
extended='\0\0\0\030\0\0\0\0\0\0\0\030\0\0\0\01'
pi 1 ""
put $tree/timer/interrupts-extended "$extended"'\0\0\0\030\0\0\0\03'
pi_timer "... with interrupts-extended"
put $tree/timer/interrupts-extended "$extended"'\0\0\0\030'
problem "... of which one is cut off" "no virtual timer interrupt - add it"

# As in /proc: a link from the root on, which is that machine's.
good
mkdir -p "$m/sys/firmware/devicetree"
mv "$m/proc/device-tree" "$m/sys/firmware/devicetree/base"
ln -s /sys/firmware/devicetree/base "$m/proc/device-tree"
result "a device tree behind a link" check 0
result "... is that machine's" says ok "virtual timer's interrupt"
result "... with its GIC" says ok "the GIC has a maintenance interrupt"
good
mv "$m/proc/cmdline" "$m/cmdline"
echo quiet kvm-arm.mode=none >"$dir/cmdline"
ln -s "$dir/cmdline" "$m/proc/cmdline"
result "a link that leads out" check 0
result "... leads nowhere" says ok "there is no KVM"

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
rm -r "$m/proc/device-tree/soc"
put /proc/device-tree/soc/intc@8000000/interrupts "$timer_cells"
for node in arm,cortex-a9-gic arm,gic-v4 qcom,kpss-acc-v2; do
	put /proc/device-tree/soc/intc@8000000/compatible "$node\0"
	warning "a GIC that the module does not know: $node" "guests get no interrupt controller"
done
# compatible_of TABLE: what the module looks for in the device tree.
compatible_of() { sed -n "/ $1\[\] = {/,/^};/s/.*compatible = \"\(.*\)\".*/\1/p" "$kmod/el2_host.c"; }
if [ -r "$kmod/el2_host.c" ]; then
	nodes=$(compatible_of gic_nodes)
	result "the module knows GICs" is "$(echo "$nodes" | grep -c .)" -ge 3
	for node in $nodes; do
		put /proc/device-tree/soc/intc@8000000/compatible "$node\0"
		result "as the module: $node" check 0
		result "... is a GIC" says ok "the GIC has a maintenance interrupt"
	done
	nodes=$(compatible_of timer_nodes)
	result "the module knows timers" is "$(echo "$nodes" | grep -c .)" -ge 1
	for node in $nodes; do
		put /proc/device-tree/timer/compatible "$node\0"
		result "as the module: $node" check 0
		result "... is a timer" says ok "virtual timer's interrupt"
	done
else
	skip "GICs and timers as the module knows them" "no sources of the module"
fi

good
put /proc/iomem "40000000-7fffffff : System RAM\n2000000000000-20000ffffffff : System RAM\n"
warning "memory above 48 bits" "(0x20000ffffffff).* refused if its own pages are there - boot with mem="
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
secure_boot() { put /sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c '\06\0\0\0\01'; }
secure_boot
problem "lockdown" "signed modules only (lockdown, Secure Boot) - sign"
put /lib/modules/$release/updates/armvcpu.ko "x\0vermagic=$release SMP\0~Module signature appended~\n"
result "lockdown and a signature" check 0
# securityfs is not mounted.
locked="Kernel is locked down from EFI Secure Boot; see man kernel_lockdown.7"
good
log "$locked"
problem "lockdown, by the log" "signed modules only (lockdown) - sign"
put /sys/kernel/security/lockdown "[none] integrity confidentiality\n"
result "... unless securityfs knows better" check 0
good
log "somebody: $locked"
result "lockdown of somebody else's log" check 0
good
secure_boot
put /boot/config-$release "CONFIG_MODULES=y\nCONFIG_KALLSYMS=y\nCONFIG_MMU_NOTIFIER=y\nCONFIG_SECURITY_LOCKDOWN_LSM=y\n"
warning "Secure Boot, and lockdown is not to be seen" "nothing tells whether .* signed modules only (lockdown) - mount securityfs"
put /lib/modules/$release/updates/armvcpu.ko "x\0vermagic=$release SMP\0~Module signature appended~\n"
result "... and a signature" check 0
result "... is told" says ok "modules may need a signature (lockdown), and this one has one"
rm "$m/lib/modules/$release/updates/armvcpu.ko"
put /lib/modules/$release/updates/armvcpu.ko.xz "packed"
warning "... and a module that is packed" "and signed, which it may have to be (lockdown)"
good
secure_boot
put /boot/config-$release "CONFIG_MODULES=y\nCONFIG_KALLSYMS=y\nCONFIG_MMU_NOTIFIER=y\n"
result "Secure Boot, and no lockdown in the kernel" check 0
result "... is told" says ok "modules need no signature"
good
put /sys/module/module/parameters/sig_enforce "Y\n"
problem "signatures enforced" "signed modules only (module.sig_enforce)"
put /lib/modules/$release/updates/armvcpu.ko "x\0vermagic=$release SMP\0~Module signature appended~\nx"
problem "a signature that is not at the end" "signed modules only (module.sig_enforce)"
# Larger than what is looked at.
put /lib/modules/$release/updates/armvcpu.ko "x\0vermagic=$release SMP\0"
truncate -s 9M "$m/lib/modules/$release/updates/armvcpu.ko"
problem "a large module" "signed modules only (module.sig_enforce)"
printf '~Module signature appended~\n' >>"$m/lib/modules/$release/updates/armvcpu.ko"
result "... with a signature" check 0
result "... is told" says ok "this one has one"
good
truncate -s 9M "$m/lib/modules/$release/updates/armvcpu.ko"
printf 'vermagic=6.1.0-9-arm64 SMP' >>"$m/lib/modules/$release/updates/armvcpu.ko"
sed -i 's/vermagic=6.1.0-13/xxxxxxxx/' "$m/lib/modules/$release/updates/armvcpu.ko"
warning "a large module, too far to look" "too large to be looked into - modinfo"
good
put /lib/modules/$release/updates/armvcpu.ko "x"
problem "a file that is no module" "is no module of a kernel - build it again"
for suffix in xz zst gz; do
	good
	rm "$m/lib/modules/$release/updates/armvcpu.ko"
	put /lib/modules/$release/updates/armvcpu.ko.$suffix "packed"
	warning "a module that is packed: $suffix" "cannot be looked into - modinfo .*armvcpu.ko.$suffix tells whether it is built for $release\$"
	put /sys/module/module/parameters/sig_enforce "Y\n"
	warning "... where it must be signed" "and signed, which it must be (module.sig_enforce)"
done
good
put /sys/kernel/security/lockdown "[none] integrity confidentiality\n"
result "no lockdown" check 0
if command -v gzip >/dev/null; then
	good
	rm "$m/boot/config-$release"
	echo CONFIG_MODULES=y | gzip -c >"$m/proc/config.gz"
	result "a configuration that is packed" check 0
	result "... is read" says warning CONFIG_KALLSYMS
	# root's PATH and environment may be somebody else's.
	mkdir "$dir/bin"
	printf '#!/bin/sh\necho CONFIG_KALLSYMS=y; : >%s/caught\n' "$dir" >"$dir/bin/gzip"
	chmod +x "$dir/bin/gzip"
	result "... by no other gzip" env PATH="$dir/bin:$PATH" GZIP=--nonsense \
		"$CHECK" --root "$m"
	env PATH="$dir/bin:$PATH" GZIP=--nonsense "$CHECK" --root "$m" >"$dir/out" 2>&1
	result "... is read" says warning CONFIG_KALLSYMS
	result "... is not called" [ ! -e "$dir/caught" ]
else
	skip "a configuration that is packed" "no gzip"
fi

# What only the attempt shows.
for line in "stage 2 of this core has no 16 KiB pages: use" \
	"the host runs at EL2 (VHE): boot" "this machine has no EL2, or its firmware" \
	"the kernel was booted at EL1 (it counts" \
	"the firmware describes no virtual timer interrupt: nothing"; do
	good
	log "armvcpu: $line"
	problem "the log: ${line%%[:(]*}" "the last attempt .*refused: \"${line%%[:(]*}"
done
# ... and what may be over by now.
for line in "the virtual timer interrupt is taken (-16): KVM or another" \
	"no hyp-stub answers at EL2 of 2 CPU(s): another" \
	"memory above 48 bits of physical address: not" \
	"unknown size of physical addresses (ID" \
	"no memory for EL2's image and stacks: free" "no memory for EL2's interrupts: free" \
	"no memory for the ends of irqfds: free" \
	"a CPU's hyp-stub did not let us in (-5): EL2" \
	"the kernel takes no callback for its CPUs (-28)" "cannot create /dev/armvcpu: -17" \
	"version magic '6.1.0-9-arm64 SMP' should be" "Unknown symbol nothing (err -2)" \
	"disagrees about version of symbol module_layout"; do
	good
	log "armvcpu: $line"
	warning "the log: ${line%%[:(]*}" "the last attempt .*refused: \"${line%%[:(]*}"
done
# Without names of functions it cannot tell.
good
put /boot/config-$release "CONFIG_MODULES=y\nCONFIG_MMU_NOTIFIER=y\n"
log "armvcpu: the kernel was booted at EL1 (it counts by 0xffff800080a1b2c3): EL2 belongs"
result "the log: booted at EL1, no KALLSYMS" check 0
result "... is told" says warning "refused: \"the kernel was booted at EL1.* load it with allow_unknown_boot=1"
result "... once more" count warning 2
good
log "module armvcpu: .gnu.linkonce.this_module section size must match the kernel's"
warning "the log: the kernel's own" "the last attempt .*refused: \"\.gnu.*KDIR="
good
log "armvcpu: no memory for EL2's image and stacks: free\n6,81,9001,-;armvcpu: EL2 taken on 2 CPU(s)"
result "a refusal that was followed by success" check 0
good
log "armvcpu: the host runs at EL2 (VHE): boot\n6,81,9001,-;armvcpu: no memory for EL2's image and stacks: free"
warning "the last refusal counts" "refused: \"no memory for"
good
log "somebody: armvcpu: the host runs at EL2 (VHE): boot"
result "what somebody else says is no refusal" check 0

# Each that is in the module: pr_err() of neither EL2's reports nor a single CPU.
refusals_of_the_module() {
	cat "$kmod"/*.c | tr '\n' ' ' | grep -o '[^_[:alnum:]]pr_err([[:space:]]*"[^"]*"' |
		sed 's/^[^"]*"//; s/\\n"$//; s/%ps/a/g; s/%#*[0-9]*l*[dusx]/7/g' |
		grep -v '^EL2: \|^CPU7 '
}
# refusal TEXT
refusal() { "$CHECK" --root "$m" | grep -qF "the last attempt to load it since boot was refused: \"${1%%;*}\" - "; }
if [ -r "$kmod/el2_host.c" ]; then
	refusals_of_the_module >"$dir/refusals"
	result "the module has refusals" is "$(grep -c . "$dir/refusals")" -ge 10
	while read -r line; do
		good
		log "armvcpu: $line"
		result "as the module: $line" refusal "$line"
	done <"$dir/refusals"
else
	skip "refusals as the module has them" "no sources of the module"
fi

# ---- what guests can do to the host

good
for line in "Mitigation: CSV2, BHB" "Mitigation: Branch predictor hardening"; do
	put /sys/devices/system/cpu/vulnerabilities/spectre_v2 "$line\n"
	result "Spectre: $line" check 0
	result "... is well" says ok "Spectre v2: $line"
	result "... and no warning" count warning 0
done
for line in "Vulnerable" "Vulnerable: Unprivileged eBPF enabled" "Mitigation: CSV2, but not BHB"; do
	put /sys/devices/system/cpu/vulnerabilities/spectre_v2 "$line\n"
	warning "Spectre: $line" "Spectre v2: $line - run guests you trust"
done

# erratum PART VARIANT REVISION NUMBER, no_erratum PART VARIANT REVISION
erratum() {
	good
	cpu 0x41 "$1" "$2" "$3"
	warning "part $1 r${2#0x}p$3" "with erratum $4: a guest can stop it - run guests you trust only"
}
no_erratum() {
	good
	cpu "${4:-0x41}" "$1" "$2" "$3"
	result "part $1 r${2#0x}p$3" check 0
	result "... has no such erratum" count warning 0
}
erratum 0xd07 0x0 0 832075
erratum 0xd07 0x0 9 832075
erratum 0xd07 0x1 2 832075
no_erratum 0xd07 0x1 3
no_erratum 0xd07 0x2 0
no_erratum 0xd07 0x1 2 0x51
erratum 0xd0d 0x1 0 1508412
no_erratum 0xd0d 0x1 1
good
put /proc/cpuinfo "CPU implementer\t: 0x41\nCPU part\t: 0xd07\n"
result "cores that do not tell their revision" check 0
result "... have no such erratum" count warning 0

# What the module has said of them. One line of it for each core that it met, at each load.
a57="CPU0 is a Cortex-A57 with erratum 832075: run guests you trust only"
a77="CPU4 is a Cortex-A77 with erratum 1508412: run guests you trust only"
predictors="guests share the branch predictors with the host, and the firmware has no call against it (Spectre v2, Spectre-BHB): run guests you trust only"
good
log "armvcpu: $a57\n4,90,9001,-;armvcpu: $a57"
warning "the module warns of an A57" "Cortex-A57 with erratum 832075"
cpu 0x41 0xd07 0x1 2
warning "... and of what is seen" "Cortex-A57 with erratum 832075"
good
log "armvcpu: $a77"
warning "the module warns of an A77" "Cortex-A77 with erratum 1508412"
good
log "armvcpu: $predictors\n4,90,9001,-;armvcpu: $predictors"
warning "the module warns of predictors" "the module has said: guests share the branch predictors.*BHB) - run guests you trust only"
good
log "armvcpu: $a57\n4,90,9001,-;armvcpu: $predictors\n4,90,9001,-;armvcpu: $a77"
result "... of all three" check 0
result "... which is three warnings" count warning 3
good
log "armvcpu: something new: run guests you trust only"
warning "... of something new" "the module has said: something new - run guests"
# Each line of that kind that is in the module.
if [ -r "$kmod/el2_host.c" ]; then
	tr '\n' ' ' <"$kmod/el2_host.c" | grep -o 'pr_warn("[^"]*you trust only' |
		sed 's/^[^"]*"//; s/%u/0/' >"$dir/warnings"
	result "the module has such warnings" is "$(grep -c . "$dir/warnings")" -ge 3
	while read -r line; do
		good
		log "armvcpu: $line"
		warning "as the module: $line" "run guests you trust only\$"
	done <"$dir/warnings"
else
	skip "warnings as the module has them" "no sources of the module"
fi

# ---- loaded

# Its device is another one here: they are not everybody's to make.
loaded() {
	good
	put /sys/module/armvcpu/parameters/cpus "0-1\n"
	ln -s /dev/null "$m/dev/armvcpu"
	put /lib/udev/rules.d/90-armvcpu.rules ""
	put /etc/group "root:x:0:\nvirtual:x:4321:\nother:x:4322:\n"
}
loaded
result "loaded" check 0
result "... has EL2" says ok "EL2 of the CPUs 0-1"
result "... and a device" says ok "/dev/armvcpu is there for this user (mode 666, group root)"
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
put /dev/armvcpu ""
problem "loaded, a file of that name" "/dev/armvcpu is no device - remove it"

# others_device MODE GROUP: root's; a user looks at it then.
others_device() {
	loaded
	rm "$m/dev/armvcpu"
	mknod -m "$1" "$m/dev/armvcpu" c 1 3 && chown "root:$2" "$m/dev/armvcpu"
}
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && (others_device 660 0) 2>/dev/null; then
	cp "$CHECK" "$dir/check"
	chmod 755 "$dir"
	printf '#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups %s/check "$@"\n' \
		"$dir" >"$dir/as-user"
	chmod +x "$dir/as-user"
	roots=$CHECK CHECK=$dir/as-user
	others_device 660 4321
	problem "loaded, a group's device" "not for this user (mode 660, group virtual) - .*usermod -aG virtual "
	others_device 660 4329
	problem "... of a group without a name" "not for this user (mode 660, group 4329) - .*usermod -aG 4329 "
	others_device 660 0
	problem "... of root's" "root's only (mode 660, group root) - make install has a udev rule"
	others_device 600 4321
	problem "... not of its group" "root's only (mode 600, group virtual) - make install has a udev rule"
	others_device 666 0
	result "... everybody's" check 0
	CHECK=$roots
else
	# Any device of somebody else's does.
	for device in /dev/* none; do
		[ -c "$device" ] && ! { [ -r "$device" ] && [ -w "$device" ]; } && break
	done
	if [ "$device" = none ]; then
		skip "loaded, somebody else's device" "there is none, and only root can make one"
	else
		loaded
		ln -sf "$device" "$m/dev/armvcpu"
		problem "loaded, somebody else's device" "\(not for this user\|root's only\) (mode "
	fi
fi
loaded
rm "$m/lib/udev/rules.d/90-armvcpu.rules"
warning "no udev rule" "make install"

loaded
put /sys/kernel/debug/armvcpu/spectre "cpu 0 firmware 0x80008000 12\ncpu 1 firmware 0x80008000 7\ncpu 2 loop 0x18 0\n"
result "what CPUs do against Spectre" check 0
result "... some this" says ok "against Spectre, 2 CPU(s) call the firmware when"
result "... some that" says ok "against Spectre, 1 CPU(s) branch a few times when"
# Each way that the module has.
if [ -r "$kmod/el2_host.c" ]; then
	sed -n '/^static int spectre_show/,/^}/s/.*how = "\(.*\)";/\1/p' "$kmod/el2_host.c" >"$dir/ways"
	result "the module has ways" is "$(grep -c . "$dir/ways")" -ge 2
	while read -r way; do
		put /sys/kernel/debug/armvcpu/spectre "cpu 0 $way 0 1\n"
		result "as the module: $way" check 0
		result "... is a way" says ok "against Spectre, 1 CPU(s) "
	done <"$dir/ways"
else
	skip "ways against Spectre as the module has them" "no sources of the module"
fi
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
