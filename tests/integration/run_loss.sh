#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `sallyport run` on a camera that loses, doubles and reorders packets: with resend every frame is complete,
# without it the ledger accounts for every packet.
#
#   gvcam 127.0.0.2 ══GVSP, 2 % lost══▶ sallyport run ──PACKETRESEND──▶ gvcam
# TOGETHER: see Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
own_network "$@"

# run_for SECONDS: writes $work/stats.json
run_for() {
	"$sallyport" run -c "$work/sallyport.yaml" --duration "$1" --json >"$work/stats.json" 2>"$work/run.err" ||
		{ cat "$work/run.err"; return 1; }
}

# The camera stops by itself after a number of frames, so that no frame is cut by the end of the test.
frames=200
check_ledger() { # NAME
	[ "$(number "$work/stats.json" ledger_adds_up)" = True ] && ok "$1" || not_ok "$1" "$(cat "$work/stats.json")"
}

# More seeds in make test-long.
resend_seeds=1 lossy_seeds=3
[ -z "${SP_LONG:-}" ] || resend_seeds="1 2 5 6" lossy_seeds="3 4 7 8"

for seed in $resend_seeds; do
	config "$work/sallyport.yaml" none
	start_gvcam resend-$seed --address 127.0.0.2 --pattern --fps 50 --frames $frames \
		--loss 0.02 --reorder 16 --duplicate 0.01 --seed $seed || { not_ok run_loss "gvcam did not start"; exit 1; }
	run_for 6 || { not_ok run_resend_$seed "run failed"; continue; }
	complete=$(number "$work/stats.json" streams 0 frames_complete)
	incomplete=$(number "$work/stats.json" streams 0 frames_incomplete)
	if [ "$complete" = $frames ] && [ "$incomplete" = 0 ]; then ok "run_resend_completes_every_frame (seed $seed)"
	else not_ok "run_resend_completes_every_frame" "seed $seed: $complete complete, $incomplete not"; fi
	[ "$(number "$work/stats.json" streams 0 resent)" -gt 100 ] && ok "run_resend_is_needed (seed $seed)" ||
		not_ok run_resend_is_needed "nothing was resent: the test shows nothing"
	check_ledger "run_resend_ledger (seed $seed)"
	kill "$gvcam_pid" 2>/dev/null; wait "$gvcam_pid" 2>/dev/null
done

for seed in $lossy_seeds; do
	config "$work/sallyport.yaml" none 'capture: {no_resend: true}'
	start_gvcam lossy-$seed --address 127.0.0.2 --pattern --fps 50 --frames $frames \
		--loss 0.02 --reorder 16 --duplicate 0.01 --seed $seed || { not_ok run_loss "gvcam did not start"; exit 1; }
	run_for 6 || { not_ok run_lossy_$seed "run failed"; continue; }
	check_ledger "run_lossy_ledger (seed $seed)"
	kill -INT "$gvcam_pid" 2>/dev/null; wait "$gvcam_pid" 2>/dev/null
	# 640 × 480 in packets of 1464 bytes: 210 a frame. What the camera dropped is what is missing here.
	expected=$(number "$work/stats.json" streams 0 expected)
	[ "$expected" = $((frames * 210)) ] && ok "run_lossy_expects_every_packet (seed $seed)" ||
		not_ok run_lossy_expects_every_packet "seed $seed: $expected, not $((frames * 210))"
	missing=$(number "$work/stats.json" streams 0 missing)
	[ "$missing" -gt 400 ] && [ "$missing" -lt 1400 ] && ok "run_lossy_loses (seed $seed)" ||
		not_ok run_lossy_loses "seed $seed: $missing of $expected missing, about 840 should be"
	[ "$(number "$work/stats.json" streams 0 duplicate)" -gt 100 ] && ok "run_lossy_sees_duplicates (seed $seed)" ||
		not_ok run_lossy_sees_duplicates "none seen"
done
exit $failed
