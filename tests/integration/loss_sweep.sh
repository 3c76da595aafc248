#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Wires that lose, in single packets and in bursts, that reorder, and both: every frame is whole in the end,
# each byte as it was drawn, and each ledger adds up. bench/loss compares with libaravis on the same seeds.
#
#   namespace of its own                         beside it
#   farm 10.77.0.1 ── host0 ════ veth ════ cam0 ── 10.77.1.1 gvcam, which does the losing
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
farm=$build/tests/integration/farm
for file in "$farm" "$gvcam"; do
	[ -x "$file" ] || { not_ok loss_sweep "$file is not built (make all helpers)"; exit 1; }
done
own_network "$@"
if ! network_pair 1500; then
	skip loss_sweep "two network namespaces need root"
	exit 0
fi
frames=40
seed=${SP_SEED:-1}
echo "# seed $seed"
gvcam_in=$far

# wire NAME GVCAM-ARGUMENT…
wire() {
	local name=loss_sweep_$1 why=
	shift
	start_gvcam gvcam --address 10.77.1.1 --pattern --fps 40 --width 640 --height 480 --seed "$seed" --json "$@" ||
		{ not_ok "$name" "gvcam does not start"; return; }
	# A block may wait for 3 s, and as many frames as come in that time: no stall of a busy machine ends it.
	"$farm" --address 10.77.1.1 --host-address 10.77.0.1 --fps 40 --frames $frames --credit 160 \
		--retention-ms 3000 --tries 150 \
		>"$work/received" 2>"$work/farm.log" || why=$(tail -n 1 "$work/farm.log")
	kill -TERM "$gvcam_pid"
	wait "$gvcam_pid"
	grep '^{' "$work/gvcam.log" >"$work/sent"
	[ -n "$why" ] || why=$(python3 - "$work/received" "$work/sent" $frames <<-'PY'
		import json, sys
		received, sent = (json.load(open(name)) for name in sys.argv[1:3])
		camera = sent["cameras"][0]
		# The last block is cut by the end of the stream.
		if received["frames_complete"] < int(sys.argv[3]) or received["frames_incomplete"] > 1:
		    print("frames are not whole:", received)
		# What was lost came again, or the frames could not be whole; the end of the stream may be open.
		packets = 212
		if camera["resent"] < camera["dropped"] - packets:
		    print("not asked for again:", camera)
		print("#", {k: camera[k] for k in ("sent", "dropped", "reordered", "requests", "resent")}, file=sys.stderr)
	PY
	)
	if [ -z "$why" ]; then ok "$name"; else not_ok "$name" "$why"; fi
}
wire nothing
wire 1e-5 --loss 1e-5
wire 1e-4 --loss 1e-4
wire 1e-3 --loss 1e-3
wire 1e-2 --loss 1e-2
wire 5e-2 --loss 5e-2
wire bursts --burst-loss 1e-3,32
wire reorder --reorder 64
wire reorder_and_loss --reorder 64 --loss 1e-2 --duplicate 1e-2
[ $failed = 0 ]
