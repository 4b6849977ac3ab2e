#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A session with U-Boot in a guest, typed over its serial console: what it says
# about itself, a memory fill, copy, compare and checksum, an address from DHCP
# and a ping, power-off. Exits 0 only if every answer is right and the VMM ends
# with 0 as well.
#
# uboot-session.sh
#
# VMM=/armvcpu-vmm, UBOOT=/u-boot.bin, SESSION_TIMEOUT=120 (seconds for all of
# it) say otherwise. Needs session.sh beside it and no more than busybox.

ME=uboot-session PROMPT='^=> '
. "$(dirname "$0")/session.sh"

begin "${VMM:-/armvcpu-vmm}" --firmware "${UBOOT:-/u-boot.bin}" --net user
expect "U-Boot 2"
expect "stop autoboot"
printf ' ' >&3
prompt

type_in "version" "U-Boot 2"
type_in "bdinfo" "-> start    = 0x0000000040000000" "-> size     = 0x0000000008000000"

# 64 KiB of a word, 4 KiB of a byte in the middle of it; zlib's crc32 of that.
type_in "mw.l 41000000 a5c3f00d 4000"
type_in "mw.b 41008000 5a 1000"
type_in "md.l 41007ff8 4" "41007ff8: a5c3f00d a5c3f00d 5a5a5a5a 5a5a5a5a"
type_in "cp.l 41000000 42000000 4000"
type_in "cmp.l 41000000 42000000 4000" "Total of 16384 word(s) were the same"
type_in "crc32 41000000 10000" "==> 6f4097a5"
type_in "crc32 42000000 10000" "==> 6f4097a5"

# The same commands see a single byte that differs.
type_in "mw.b 4200ffff 0"
type_in "cmp.l 41000000 42000000 4000" "Total of 16383 word(s) were the same"
type_in "crc32 42000000 10000" "==> c9fcc0c2"

# A network inside of the VMM, which is the gateway itself.
type_in "setenv autoload no"
type_in "dhcp" "DHCP client bound to address 10.0.2.15"
type_in "ping 10.0.2.2" "host 10.0.2.2 is alive"

printf 'poweroff\r' >&3
end
