# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Completion of armvcpu-vmm for bash.

_armvcpu_vmm() {
	local cur=$2 prev=$3

	case $prev in
	--firmware | --kernel | --flat | --initrd | --dtb-dump | --trace | --mem-path)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	--gic)
		mapfile -t COMPREPLY < <(compgen -W '2 3 none' -- "$cur")
		;;
	--cpus)
		mapfile -t COMPREPLY < <(compgen -W '1 2 3 4 5 6 7 8' -- "$cur")
		;;
	--mem)
		mapfile -t COMPREPLY < <(compgen -W '128M 256M 512M 1G' -- "$cur")
		;;
	--disk)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	--net)
		mapfile -t COMPREPLY < <(compgen -W 'user user,hostfwd=tcp:: tap,ifname=' -- "$cur")
		;;
	--balloon)
		mapfile -t COMPREPLY < <(compgen -W '0 16M 64M 256M' -- "$cur")
		;;
	--sandbox)
		mapfile -t COMPREPLY < <(compgen -W 'on off' -- "$cur")
		;;
	--user)
		mapfile -t COMPREPLY < <(compgen -u -- "$cur")
		;;
	--append | --trace-limit) ;;
	*)
		mapfile -t COMPREPLY < <(compgen -W '--firmware --kernel --flat
			--initrd --append --cpus --mem --mem-path --mem-prealloc
			--hugepages --hugepages=2M --gic --disk --net --console
			--rng --balloon --earlycon --dtb-dump --stats --trace
			--trace-limit --sandbox --user --verbose --help --version' -- "$cur")
		;;
	esac
}
complete -o filenames -F _armvcpu_vmm armvcpu-vmm
