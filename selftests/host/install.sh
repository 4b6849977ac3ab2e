#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The way of a board's user: dkms's command, make modules_install, make install, a
# program built with what is installed then, and all of it in a host. Prints TAP.
#
# install.sh
#
# KERNEL, CPU, GIC, SMP, QEMU choose the host as for rig/run.

# shellcheck disable=SC2317 # called through result

set -euo pipefail
. "$(dirname "$0")/tap"

case ${1:-} in
-h | --help) usage; exit ;;
esac
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
# What is installed does not depend on the checkers.
[ "$KERNEL" != debug ] || { echo "1..0 # SKIP the debug kernel"; exit 4; }
"$RIG/setup"
"$RIG/build" user
need "gcc-aarch64-linux-gnu:${CROSS}gcc" make:make pkgconf:pkg-config pahole:pahole \
	libc6-dev-arm64-cross:/usr/aarch64-linux-gnu/include/stdio.h

TREE=$OUT/dkms/armvcpu/0.1/build
ROOT=$OUT/root
LIB=$ROOT/usr/local/lib
LIBC=/usr/aarch64-linux-gnu/lib
RELEASE=$(kernel_release "$KERNEL")
FDT=$CACHE/base/root/usr
export ARCH=arm64 CROSS_COMPILE=$CROSS

# What is said counts only if it fails.
quietly() { "$@" >"$OUT/log" 2>&1 || { tail -n 20 "$OUT/log" | remarks; return 1; }; }

# The rules for an arm64 machine, with what such a machine has by itself.
native() {
	quietly make --no-print-directory -C "$TREE" -j"$(nproc)" NATIVE=yes \
		KDIR="$(kernel_dir "$KERNEL")/build" INSTALL_MOD_PATH="$ROOT" DESTDIR="$ROOT" \
		FDT_CFLAGS="-I$FDT/include" \
		FDT_LIBS="$FDT/lib/aarch64-linux-gnu/libfdt.a" "$@"
}

dkms() {
	# shellcheck disable=SC2034 # for dkms.conf
	local dkms_tree=$OUT/dkms kernel_source_dir=$CACHE/kernel-$KERNEL/build

	# shellcheck source=/dev/null
	. "$TREE/dkms.conf"
	# shellcheck disable=SC2154 # dkms.conf's
	quietly eval "${MAKE[0]}" && [ -e "$TREE/${BUILT_MODULE_NAME[0]}.ko" ] &&
		[ "$PACKAGE_VERSION" = "$(sed -n 's/^VERSION := //p' "$TREE/userspace-vmm/Makefile")" ]
}

# is_there PATTERN...
is_there() {
	local pattern
	for pattern; do
		compgen -G "$ROOT/$pattern" >/dev/null || { echo "# no $pattern"; return 1; }
	done
}
tag() { "${CROSS}readelf" -d "$2" | sed -n "s/.*($1).*\[\(.*\)\]/\1/p"; }
has_soname() { [ "$(tag SONAME "$LIB/libarmvcpu.so")" = libarmvcpu.so.0 ]; }
links_lead_there() {
	[ "$(readlink -f "$LIB/libarmvcpu.so.0")" = "$(readlink -f "$LIB/libarmvcpu.so")" ]
}
exports_its_own_names_only() {
	"${CROSS}nm" -D --defined-only "$LIB/libarmvcpu.so" | awk '{ print $3 }' >"$OUT/names"
	[ -s "$OUT/names" ] && ! grep -v '^armvcpu_\|^ARMVCPU_0.1$' "$OUT/names"
}
# KEY=="value", KEY="value", ...
rule_is_well_formed() {
	local rule=$ROOT/lib/udev/rules.d/90-armvcpu.rules assignment='[A-Z]+(==|!=|=)"[^"]*"'

	grep -v '^#' "$rule" >"$OUT/rule"
	[ -s "$OUT/rule" ] && ! grep -vxE "$assignment(, $assignment)*" "$OUT/rule" &&
		grep -q '^KERNEL=="armvcpu",.* MODE="0660"' "$OUT/rule"
}

cat >"$OUT/prog.c" <<'END'
#include <stdio.h>
#include <string.h>
#include <libarmvcpu.h>

int main(void)
{
	int fd = armvcpu_open(NULL);
	int vm = fd < 0 ? fd : armvcpu_vm_create(fd, 0);

	if (vm < 0)
		printf("%s\n", strerror(-vm));
	return vm < 0;
}
END
# build NAME GCC-ARGUMENT...
build() {
	local name=$1 flags
	shift

	flags=$(PKG_CONFIG_LIBDIR=$LIB/pkgconfig PKG_CONFIG_SYSROOT_DIR=$ROOT \
		pkg-config --cflags --libs libarmvcpu) || return
	# shellcheck disable=SC2086 # several words
	quietly "${CROSS}gcc" -Wall -Werror "$@" -o "$OUT/$name" "$OUT/prog.c" $flags
}
needs_it() { tag NEEDED "$OUT/shared" | grep -qx libarmvcpu.so.0; }
needs_nothing() { [ -z "$(tag NEEDED "$OUT/static")" ]; }

tap_begin
mkdir -p "$TREE" "$ROOT"
(cd "$TOP" && cp -a Makefile Kbuild dkms.conf kmod uapi userspace-vmm "$TREE/")
if [ "$KERNEL" = sid ]; then
	skip "dkms's command builds the module" "sid's headers work in its chroot only"
	skip "make modules_install" "the same"
	"$RIG/build" module
	install -D "$BUILD/sid/module/armvcpu.ko" "$ROOT/lib/modules/$RELEASE/updates/armvcpu.ko"
else
	result "dkms's command builds the module" dkms
	result "make modules_install" native modules_install
fi
result "... puts it where modprobe looks" is_there "lib/modules/$RELEASE/*/armvcpu.ko*"
# What the rig has built of the same sources need not be built again.
result "make install" native install O="$BUILD/user"
result "... the programs' headers" is_there usr/local/include/{libarmvcpu.h,linux/armvcpu.h}
result "... the VMM, its manual, its completion" is_there usr/local/bin/armvcpu-vmm \
	usr/local/bin/armvcpu-check usr/local/share/man/man1/armvcpu-check.1 \
	usr/local/share/{man/man1/armvcpu-vmm.1,bash-completion/completions/armvcpu-vmm}
result "... a udev rule that is one" rule_is_well_formed
result "the shared library has its soname" has_soname
result "... under which it is found" links_lead_there
result "... and exports its own names only" exports_its_own_names_only
result "pkg-config: a program links" build shared
result "... with the shared library" needs_it
result "... and statically" build static -static
result "... with nothing else" needs_nothing

inside "host" --no-load --file "$ROOT=/" --file "$HOST/inside" \
	--file "$OUT/shared" --file "$OUT/static" \
	--file "$LIBC/ld-linux-aarch64.so.1=/lib/ld-linux-aarch64.so.1" \
	--file "$LIBC/libc.so.6=/lib/libc.so.6" -- '/inside installed'
tap_end
