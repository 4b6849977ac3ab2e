# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What every script of the rig shares: where things are, how they speak, how
# they install a missing tool and how they keep two of them apart. Sourced,
# never run.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
RIG=$TOP/selftests/rig
CACHE=$(realpath -m "${ARMVCPU_CACHE:-$TOP/.cache}")
BUILD=$TOP/build
# shellcheck disable=SC2034 # for those who source this
CROSS=aarch64-linux-gnu-
# Where Debian's arm64 packages have their libraries.
# shellcheck disable=SC2034 # for those who source this
LIBDIR=usr/lib/${CROSS%-}
ME=${0##*/}
export RIG

say() { printf '%s: %s\n' "$ME" "$*" >&2; }
die() { say "$*"; exit 1; }

# --help prints the comment at the head of the script itself.
usage() { sed -n '3,/^$/{ s/^# \{0,1\}//p }' "$0"; }

# A variable that make passes on empty means its default.
: "${KERNEL:=6.1}" "${GIC:=3}" "${SMP:=2}" "${QEMU:=7.2}"
# A core as on the boards we are for; none of those has 16K pages.
case $KERNEL in
16k) : "${CPU:=neoverse-n1}" ;;
*) : "${CPU:=cortex-a72}" ;;
esac

KERNELS="6.1 6.12 sid debug 16k 64k nokvm nokvm-mmu"
check_kernel() {
	case " $KERNELS " in
	*" $1 "*) ;;
	*) die "unknown kernel '$1' ($KERNELS)" ;;
	esac
}

# limit_scale: how many times as long as the tests' own limits say something may take
# before it counts as hanging. A machine that others use as well has been ten times
# slower for minutes.
limit_scale() {
	local scale=5

	[ "$KERNEL" != debug ] || scale=6
	echo "${RIG_TIMEOUT_SCALE:-$scale}"
}

# Those that the rig builds are as on the boards we are for.
has_kvm() { [[ $1 != @(debug|64k|nokvm|nokvm-mmu) ]]; }

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "needs root for: $*"
	fi
}

# need PACKAGE:COMMAND_OR_FILE...: install what this machine lacks, by name.
need() {
	local spec probe missing=()

	for spec; do
		probe=${spec#*:}
		case $probe in
		/*) [ -e "$probe" ] && continue ;;
		*) command -v "$probe" >/dev/null && continue ;;
		esac
		missing+=("${spec%%:*}")
	done
	[ ${#missing[@]} = 0 ] && return

	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		die "please install: ${missing[*]}"
	fi
	say "installing the build tools this machine lacks: ${missing[*]}"
	exec 8>"/tmp/armvcpu-apt.$(id -u).lock"
	flock 8
	mkdir -p "$BUILD/log"
	local log=$BUILD/log/apt-install.log
	if ! apt_install "${missing[@]}" >"$log" 2>&1; then
		as_root apt-get update >>"$log" 2>&1 || true
		apt_install "${missing[@]}" >>"$log" 2>&1 || {
			tail -n 20 "$log" >&2
			die "apt-get install failed: $log"
		}
	fi
	exec 8>&-
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"
}

# lock NAME: hold it until the script ends; says so when it has to wait.
lock() {
	mkdir -p "$CACHE"
	exec 9>"$CACHE/.lock-$1"
	flock -n 9 && return
	say "waiting for another run of the rig ($1)"
	flock 9
}
unlock() { exec 9>&-; }

# The tree a module is built against, and the kernel that is booted.
kernel_dir() { echo "$CACHE/kernel-$1"; }
kernel_image() { echo "$CACHE/kernel-$1/Image"; }
kernel_release() { cat "$CACHE/kernel-$1/release"; }
# What is built for one kernel does not fit another, or another build of it.
kernel_id() {
	echo "$CACHE"
	kernel_release "$1"
	cat "$CACHE/kernel-$1/config.sha256" 2>/dev/null || true
}

# qemu_command VERSION: sets QEMU_COMMAND, the words that start that one.
# shellcheck disable=SC2034 # for those who call this
qemu_command() {
	case $1 in
	10) QEMU_COMMAND=("$CACHE/qemu-10/usr/bin/qemu-system-aarch64" -L "$CACHE/qemu-10/usr/share/qemu") ;;
	*) QEMU_COMMAND=(qemu-system-aarch64) ;;
	esac
}

# qemu_cpu CPU: as its -cpu. Pointer authentication by the architecture's own algorithm
# takes most of a boot.
qemu_cpu() { case $1 in max) echo max,pauth-impdef=on ;; *) echo "$1" ;; esac; }

# The static busybox for all roots that the rig makes.
busybox() {
	local f

	for f in "$CACHE"/base/root/{,usr/}bin/busybox; do
		[ ! -e "$f" ] || { echo "$f"; return; }
	done
	die "the package has no busybox any more"
}

# host_swap: sets SWAP_FILES, for rig/run, and SWAP_LOAD, the command that loads a zram there;
# no swap in a kernel that the rig builds.
# shellcheck disable=SC2034 # for those who call this
host_swap() {
	SWAP_FILES=() SWAP_LOAD=true
	case $KERNEL in
	6.1 | 6.12 | sid) ;;
	*) return 0 ;;
	esac
	"$RIG/fetch" "swap-$KERNEL"
	SWAP_FILES=(--file "$CACHE/swap-$KERNEL=/lib/modules/swap")
	# shellcheck disable=SC2016 # for the host's shell to expand
	SWAP_LOAD='for m in $(cat /lib/modules/swap/load); do insmod /lib/modules/swap/$m.ko; done'
}

# Equal roots make equal archives: a deterministic run depends on every byte.
pack() {
	find "$1" -exec touch -h -d @1767225600 {} +
	(cd "$1" && find . -mindepth 1 | LC_ALL=C sort |
		cpio --quiet -o -H newc -R 0:0 --reproducible)
}
