#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A session with U-Boot in a guest that loads Linux from its first disk, starts it
# with booti, and with Linux, which has its root on the second one. Exits 0 only if
# every answer is right and the VMM ends with 0 as well.
#
# booti-session.sh VMM-OPTION...
#
# The options say on what machine; of them, the session needs at least --mem 256M and
# two times --disk: an ext4 file system with /Image and /initrd, and the root. Both are
# those of the rig (selftests/rig/guest-image).
#
# VMM=/armvcpu-vmm, UBOOT=/u-boot.bin, SESSION_TIMEOUT=120 (seconds for all of it)
# say otherwise. Needs session.sh beside it and no more than busybox.

ME=booti-session PROMPT='^=> '
. "$(dirname "$0")/session.sh"

begin "${VMM:-/armvcpu-vmm}" --firmware "${UBOOT:-/u-boot.bin}" "$@"
expect "stop autoboot"
printf ' ' >&3
prompt

# For U-Boot to expand, not for the shell.
# shellcheck disable=SC2016
{
	type_in 'virtio info' "Hard Disk"
	type_in 'ext4load virtio 0 ${kernel_addr_r} Image' "bytes read"
	type_in 'ext4load virtio 0 ${ramdisk_addr_r} initrd' "bytes read"
	type_in 'setenv bootargs console=ttyAMA0 quiet root=/dev/vdb rw'
	mark=$(size)
	printf '%s\r' 'booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdtcontroladdr}' >&3
}
expect "Starting kernel"

PROMPT='guest:~# '
prompt
type_in "cat /proc/cmdline" "root=/dev/vdb"
type_in "grep -c '^/dev/vdb / ext4 rw' /proc/mounts" "
1
"
printf 'poweroff\r' >&3
end
