#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `sallyport run` on an independent peer, arv-fake-gv-camera-0.8: 200 frames and more, none lost, the ledger adds
# up. (That every byte is what the camera draws: stream.sh, which reads the pixels of the same frame source.)
#
#   namespace of its own:   lo 127.0.0.2 ── arv-fake-gv-camera-0.8
#                           lo 127.0.0.1 ── sallyport run
# TOGETHER: see Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
command -v arv-fake-gv-camera-0.8 >/dev/null || { skip run_aravis "arv-fake-gv-camera-0.8 is absent (tools/setup)"; exit 0; }
[ "$(id -u)" = 0 ] || { skip run_aravis "network namespaces need root"; exit 0; }
own_network "$@"
# The fake camera listens on an address of an interface.
ip addr add 127.0.0.2/8 dev lo
arv-fake-gv-camera-0.8 -i 127.0.0.2 >"$work/camera.log" 2>&1 &
pids+=($!)

cat >"$work/sallyport.yaml" <<YAML
purpose: test
data_directory: $work/data
lanes:
  - name: lane-1
    cameras:
      - {name: fake, address: 127.0.0.2, width: 512, height: 512, pixel_format: Mono8, fps: 40, packet_size: 1400}
compute: {backend: none}
# The fake camera sends nothing again; a packet that the machine keeps waiting is still no lost packet.
capture: {retention_ms: 2000, no_resend: true}
journal: {segment_mib: 8}
YAML
"$sallyport" run -c "$work/sallyport.yaml" --duration 8 --json >"$work/stats.json" 2>"$work/err" ||
	{ not_ok run_aravis "$(tail -n 3 "$work/err")"; exit 1; }
complete=$(number "$work/stats.json" streams 0 frames_complete)
[ "$complete" -ge 200 ] && ok "run_aravis_frames ($complete)" || not_ok run_aravis_frames "$complete complete: $(cat "$work/stats.json")"
[ "$(number "$work/stats.json" ledger_adds_up)" = True ] && ok run_aravis_ledger || not_ok run_aravis_ledger "$(cat "$work/stats.json")"
# The fake camera cuts the frame on its way when it is told to stop; nothing else may be missing.
missing=$(number "$work/stats.json" streams 0 missing) incomplete=$(number "$work/stats.json" streams 0 frames_incomplete)
expected=$(number "$work/stats.json" streams 0 expected)
# 512 × 512 in packets of 1364 bytes: 193 a frame.
if [ "$incomplete" -le 1 ] && [ "$missing" -lt 193 ] && [ "$expected" = $(((complete + incomplete) * 193)) ]; then ok run_aravis_none_lost
else not_ok run_aravis_none_lost "$missing of $expected missing, $incomplete frames incomplete"; fi
exit $failed
