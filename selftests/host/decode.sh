#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The library's decoder of loads and stores against the assembler and the disassembler of
# binutils: every shape there is, and random words. Then the decoder and the emulation under
# the sanitizers, with random inputs. Prints TAP; needs no host.
#
# decode.sh
#
# WORDS=1000000, INPUTS=1000000 and SEED=1 say how many, and which.

set -euo pipefail
. "$(dirname "$0")/tap"

case ${1:-} in
-h | --help) usage; exit ;;
esac
WORDS=${WORDS:-1000000} INPUTS=${INPUTS:-1000000} SEED=${SEED:-1}
DECODE=$BUILD/native/tests/decode
tap_begin
if [ "$KERNEL" = debug ]; then
	skip "the decoder" "the same with each kernel"
	tap_end
fi
need "binutils-aarch64-linux-gnu:${CROSS}objdump"
"$RIG/build" native

# same FILE FILE: of what differs, the beginning is told.
# shellcheck disable=SC2317 # called through result
same() {
	diff "$1" "$2" >"$OUT/diff" && return
	head -n 20 "$OUT/diff" | remarks
	return 1
}

# ---- what the assembler makes of each shape

# shellcheck disable=SC2317 # called through result
shapes() {
	"$DECODE" shapes >"$OUT/shapes"
	{
		echo ".arch armv9.3-a+memtag+ls64+mops"
		cut -f 1 "$OUT/shapes"
	} >"$OUT/shapes.s"
	# It warns of what is unpredictable, which is meant.
	"${CROSS}as" --no-warn -o "$OUT/shapes.o" "$OUT/shapes.s" &&
		"${CROSS}objcopy" -O binary -j .text "$OUT/shapes.o" "$OUT/shapes.bin"
}
result "the assembler takes all shapes" shapes
cut -f 2- "$OUT/shapes" >"$OUT/want"
"$DECODE" text <"$OUT/shapes.bin" | cut -f 2- >"$OUT/got"
result "text and fields of $(wc -l <"$OUT/want") instructions" same "$OUT/want" "$OUT/got"

# ---- what the disassembler makes of random words

"$DECODE" words "$SEED" "$WORDS" >"$OUT/words"
"$DECODE" text <"$OUT/words" >"$OUT/ours"
"${CROSS}objdump" -D -z -b binary -m aarch64 "$OUT/words" |
	sed -n 's/^ *[0-9a-f]*:\t//p' >"$OUT/theirs"

# In each line: the word, our text, our fields; the word, mnemonic, operands, if there are any.
# What may differ:
# - what objdump calls undefined has to be refused, however it looks;
# - ld64b, st64b, st64bv and st64bv0 with a register that is odd or above x22 are undefined
#   (C6.2), but objdump 2.40 prints them;
# - outside of the loads' and stores' space (bits 28:25 are x1x0) we know DC and IC by
#   address alone; what else has an address there is SVE's or SME's;
# - objdump's notes on instructions that belong together.
paste "$OUT/ours" "$OUT/theirs" | awk -F '\t' -v dir="$OUT" '
	function tell(file) {
		print $1 ": " text ", not " $2 >(dir "/" file)
	}
	{
		sub(/ *$/, "", $4)
		text = $5
		if ($6 != "")
			text = text " " $6
		sub(/ *\/\/ .*/, "", text)
		split($3, field, " ")
		kind = substr(field[1], 6)
		kinds[kind]++
		refused = field[2] != "refused=0"
	}
	$1 != $4 { tell("missed"); next }
	text ~ /undefined/ {
		if (!refused)
			tell("undefined")
		next
	}
	kind == 15 {
		if ($1 ~ /^.[89cd]/ || (text ~ /\[(x[0-9]|sp)/ && text !~ /[zp][0-9]|za/) ||
		    (text ~ /^(dc|ic) / && text !~ /^dc c?i?g?d?sw|^dc cig?d?papa|^ic iallu/))
			tell("missed")
		next
	}
	kind == 14 && $5 ~ /^(ld|st)64b/ { next }
	text != $2 { tell("text") }
	END {
		for (kind = 1; kind <= 15; kind++)
			if (!kinds[kind])
				print "kind " kind >(dir "/absent")
	}'
# none FILE: nothing has been told.
# shellcheck disable=SC2317 # called through result
none() {
	[ -e "$OUT/$1" ] || return 0
	head -n 20 "$OUT/$1" | remarks
	return 1
}
result "objdump has told of $WORDS random words" [ "$(wc -l <"$OUT/theirs")" = "$WORDS" ]
result "... with some of each kind" none absent
result "... our text is objdump's" none text
result "... what objdump calls undefined is refused" none undefined
result "... no load or store is taken for something else" none missed

# ---- whatever a guest does

# shellcheck disable=SC2317 # called through result
fuzz() {
	"$BUILD/native/tests/fuzz-decode" "-seed=$SEED" "-runs=$INPUTS" >"$OUT/out" 2>&1 && return
	tail -n 30 "$OUT/out" | remarks
	return 1
}
result "$INPUTS random exits under the sanitizers" fuzz
tap_end
