# SPDX-License-Identifier: GPL-2.0
# What gdb does in a guest, with selftests/host/watched.c.
set pagination off
set confirm off
set width 0
set debuginfod enabled off
set startup-with-shell off
set can-use-hw-watchpoints 1

# Whether there are such breakpoints, it knows of a process only.
starti
hbreak main
continue
watch counter
continue
continue
rwatch looked_at
hbreak count
continue

# Three instructions: none of them branches, the last one is the store's.
set $from = $pc
stepi
stepi
stepi
printf "stepped %d, counter %d\n", $pc - $from, counter
delete 4
continue
delete 2
continue
info breakpoints
continue
