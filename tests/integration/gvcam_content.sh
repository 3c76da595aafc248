#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What gvcam's blocks carry, as libaravis receives it, byte by byte: packed formats, chunk data, parts, shapes
# that change mid-stream, lines left out; and a farm of 300 cameras.
#
#   namespace of its own:   lo 127.0.0.0/8 ── gvcam ── gvcam_content (libaravis)
# TOGETHER: see Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
receiver=$build/tests/integration/gvcam_content
[ -x "$gvcam" ] || { echo "not ok gvcam_content: $gvcam is not built (make)"; exit 1; }
[ -x "$receiver" ] || { skip gvcam_content "$receiver is not built: aravis is absent (tools/setup)"; exit 0; }
own_network "$@"

# The farm's own port or a neighbour's: without a namespace another gvcam may be there.
begin() { # NAME GVCAM-OPTION…
	local name=$1
	shift
	start_gvcam "$name" "$@" >/dev/null && return 0
	if grep -q 'is taken' "$work/$name.log"; then
		skip gvcam_content "$(cat "$work/$name.log")"
		exit 0
	fi
	not_ok "$name" "$(cat "$work/$name.log")"
	return 1
}
end() {
	kill -TERM "$gvcam_pid" 2>/dev/null
	wait "$gvcam_pid"
}
# carries NAME FRAMES "GVCAM-OPTION…" "CONDITION ON THE FIGURES" [FEATURE=VALUE…]
carries() {
	local name=$1 frames=$2 options=$3 condition=$4
	shift 4
	# shellcheck disable=SC2086
	begin "$name" --address 127.0.0.1 --width 320 --height 200 --fps 40 --seed 7 $options || return
	if ! timeout 60 "$receiver" 127.0.0.1 "$frames" "$@" >"$work/figures" 2>"$work/errors"; then
		not_ok "$name" "$(tail -1 "$work/errors")"
	elif python3 -c "import json; locals().update(json.load(open('$work/figures')))
assert complete == $frames and ($condition)" 2>/dev/null; then ok "$name"
	else not_ok "$name" "$(cat "$work/figures")"; fi
	end
}

for format in Mono10 Mono16 Mono10p BayerGB12p BGR8; do
	carries "gvcam_content_$format" 10 "--format $format" True
done
carries gvcam_content_set_by_the_controller 10 "" True PixelFormat=BayerBG10p
carries gvcam_content_chunks 20 "--chunks" "chunks == 20"
carries gvcam_content_chunks_packed 20 "--chunks --extended-ids --format Mono12p --loss 0.01" "chunks == 20"
carries gvcam_content_chunks_set_by_the_controller 10 "--format RGB8" "chunks == 10" ChunkModeActive=1
carries gvcam_content_confidence 20 "--multi-part confidence --extended-ids --loss 0.01" "parts == 40"
carries gvcam_content_parts_and_chunks 20 \
	"--multi-part image --extended-ids --chunks --format BayerRG10p" "parts == 60"
carries gvcam_content_changing 30 "--format RGB8 --change-format 3" "shapes >= 9"
carries gvcam_content_lines 20 "--variable-lines" "cut >= 10"

# Hundreds of cameras: each answers at its own address, the last one streams.
since=$(date +%s%N)
if begin farm --address 127.1.0.1 --cameras 300 --width 320 --height 200 --fps 10; then
	for _ in $(seq 100); do
		[ "$(grep -c '^gvcam: camera' "$work/farm.log")" = 300 ] && break
		sleep 0.05
	done
	ms=$((($(date +%s%N) - since) / 1000000))
	echo "# 300 cameras after $ms ms, $(awk '/VmRSS/ { print $2 / 1024 " MiB" }' "/proc/$gvcam_pid/status")"
	why=
	for address in 127.1.0.1 127.1.1.44; do
		timeout 60 "$receiver" $address 5 >"$work/figures" 2>"$work/errors" ||
			why="$address: $(tail -1 "$work/errors")"
	done
	if [ -z "$why" ]; then ok gvcam_content_farm; else not_ok gvcam_content_farm "$why"; fi
	end
fi
exit $failed
