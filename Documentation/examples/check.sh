#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The worked example of adding-an-exit.rst still works: its patch applies, the
# module builds with it, a guest makes the new exits; the pages quote the code as it
# is; and what repeats lists of registers by hand repeats all of them. Prints TAP.
#
# check.sh
#
# KERNEL, CPU, GIC, SMP, QEMU choose the host as for selftests/rig/run. All that
# is built lies in a temporary directory; the tree is left alone.

# shellcheck disable=SC2317 # called through step

set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd -P)
# shellcheck source=../../selftests/rig/common.sh
. "$HERE/../../selftests/rig/common.sh"

DOC=$TOP/Documentation
case ${1:-} in
-h | --help) usage; exit ;;
esac
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
n=0 bad=0

result() {
	local status=$1 what=$2

	n=$((n + 1))
	echo "$status $n $what"
	[ "$status" = ok ] || bad=1
}

# step WHAT COMMAND...: a test; what it said is told if it fails.
step() {
	local what=$1
	shift

	if "$@" >"$WORK/log" 2>&1; then
		result ok "$what"
	else
		result "not ok" "$what"
		tail -n 20 "$WORK/log" | sed 's/^/# /'
		finish
	fi
}

finish() {
	echo "1..$n"
	exit $bad
}

# Outside of any repository, whatever TMPDIR is.
apply() { (cd "$WORK/src" && GIT_CEILING_DIRECTORIES=$WORK git apply -v "$1"); }

build_module() {
	ARMVCPU_MODULE_SRC=$WORK/src ARMVCPU_MODULE_OUT=$WORK/module "$RIG/build" module
}

build_test() {
	"${CROSS}gcc" -static -O2 -Wall -Wextra -Werror -D_GNU_SOURCE \
		"-I$WORK/src/uapi" -o "$WORK/exit-count" "$HERE/exit-count.c"
}

# uapi.rst has all of tiny-vmm.c, in pieces.
tiny_vmm_is_quoted() {
	diff <(expand "$TOP/userspace-vmm/examples/tiny-vmm.c" | grep -v '^$') \
		<(sed -n '/tiny-vmm: begin/,/tiny-vmm: end/s/^    //p' "$DOC/uapi.rst" |
			grep -v '^$')
}

# Every line of code in adding-an-exit.rst is in the patched sources.
patch_is_quoted() {
	sed -n '/^The counter$/,/^\*The VMM\.\*/s/^    //p' "$DOC/adding-an-exit.rst" |
		tr -d ' ' | grep -vxF ... | LC_ALL=C sort -u >"$WORK/quoted"
	cat "$WORK"/src/kmod/{,hyp/}*.[ch] "$WORK"/src/uapi/linux/*.h | tr -d ' \t' |
		LC_ALL=C sort -u >"$WORK/lines"
	[ -s "$WORK/quoted" ] && ! LC_ALL=C comm -23 "$WORK/quoted" "$WORK/lines" | grep .
}

# The guest has no name for SP_EL1, its own stack pointer.
NOT_IN_TESTS=" SP_EL1 "

# Every register of kmod/hyp/sysregs.def has a name in the library, an entry in the
# tests' list, and a place in uapi.rst.
registers_are_listed() {
	local def=$TOP/kmod/hyp/sysregs.def print=$TOP/userspace-vmm/lib/print.c
	local tests=$TOP/selftests/lib/guest_sysregs.def bad=0 n=0 name enc row

	sed -n 's/^SYSREG[_A-Z]*(\([A-Z0-9_]*\),[ \t]*\(.*\), [^,]*)$/\1 \2/p' "$def" >"$WORK/regs"
	tr -d '\t ' <"$tests" >"$WORK/tests"
	sed -n '/^\* \*Its own\*/,/^\* \*The hardware/p' "$DOC/uapi.rst" >"$WORK/own"
	while read -r name enc; do
		n=$((n + 1))
		row="ARMVCPU_SYSREG($enc), \"$name\""
		case $name in
		SP_EL0 | SP_EL1 | ELR_EL1 | SPSR_EL1) row="\"$name\"," ;; # of the CORE class
		esac
		grep -qF "$row" "$print" || { echo "$name is not in $print"; bad=1; }
		grep -qw "$name" "$WORK/own" || { echo "$name is not in uapi.rst"; bad=1; }
		[[ $NOT_IN_TESTS == *" $name "* ]] ||
			grep -qF "SYSREG(${name,,},${enc// /}," "$WORK/tests" ||
			{ echo "$name is not in $tests"; bad=1; }
	done <"$WORK/regs"
	# All of them have been read.
	[ "$n" -gt 0 ] && [ "$n" = "$(grep -c '^SYSREG' "$def")" ] && [ "$bad" = 0 ]
}

# The table of guest-cpu.rst is kmod/idregs.def: register, field, bits, kind.
id_fields_are_listed() {
	local reg field shift kind

	sed -n 's/^ID_FIELD(\(.*\))$/\1/p' "$TOP/kmod/idregs.def" | tr -d ' ' |
		while IFS=, read -r reg field shift kind _; do
			echo "$reg $field $((shift + 3)):$shift ${kind,,}"
		done >"$WORK/def"
	sed -n 's/^\([A-Z0-9_]*_EL1\)  *\([A-Za-z0-9_]*\)  *\([0-9]*:[0-9]*\)  *\([a-z]*\).*/\1 \2 \3 \4/p' \
		"$DOC/guest-cpu.rst" >"$WORK/rst"
	[ -s "$WORK/def" ] && diff "$WORK/def" "$WORK/rst"
}

# Not the tree's module but the new one.
run_test() {
	"$RIG/run" --no-load --timeout "${TIMEOUT:-120}" --file "$WORK/module/armvcpu.ko" \
		--file "$WORK/exit-count" -- 'insmod /armvcpu.ko && /exit-count && rmmod armvcpu'
}

echo "TAP version 13"
need git:git "gcc-aarch64-linux-gnu:${CROSS}gcc" \
	libc6-dev-arm64-cross:/usr/aarch64-linux-gnu/include/stdio.h >&2
mkdir "$WORK/src"
cp -r "$TOP/Kbuild" "$TOP/kmod" "$TOP/uapi" "$WORK/src/"
step "the patch applies" apply "$HERE/adding-an-exit.patch"
step "tiny-vmm.c is quoted as it is" tiny_vmm_is_quoted
step "the patch is quoted as it is" patch_is_quoted
step "every register is in every list" registers_are_listed
step "every ID field is in the table" id_fields_are_listed
step "the module builds" build_module
step "the test builds" build_test

rc=0
run_test >"$WORK/out" 2>"$WORK/log" || rc=$?
while IFS= read -r line; do
	case $line in
	"ok - "*) result ok "${line#ok - }" ;;
	"not ok - "*) result "not ok" "${line#not ok - }" ;;
	*) echo "# $line" ;;
	esac
done < <(tr -d '\r' <"$WORK/out")
if [ $rc = 0 ]; then
	result ok "the host is well"
else
	result "not ok" "the host is well"
	echo "# status $rc"
	tail -n 20 "$WORK/log" | sed 's/^/# /'
fi
finish
