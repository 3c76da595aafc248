#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two capture threads with sockets: three lossy cameras dealt out in turn, every frame completed by its queue's resend
# thread, a stranger refused and told of, the ledger of each queue.
#
#   gvcam 127.0.0.2 ─┐
#   gvcam 127.0.0.4 ─┼─▶ queue 0 ─┐
#   gvcam 127.0.0.3 ─┴─▶ queue 1 ─┴─▶ one batch, one lane
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
own_network "$@"
frames=100
cat >"$work/sallyport.yaml" <<YAML
purpose: test
data_directory: $work/data
lanes:
  - name: lane-1
    cameras:
      - {name: one, address: 127.0.0.2, width: 640, height: 480, pixel_format: Mono8, fps: 25, packet_size: 1500}
      - {name: two, address: 127.0.0.3, width: 640, height: 480, pixel_format: Mono8, fps: 25, packet_size: 1500}
      - {name: three, address: 127.0.0.4, width: 640, height: 480, pixel_format: Mono8, fps: 25, packet_size: 1500}
compute: {backend: none}
# What the busy machine keeps waiting is not lost.
capture: {queues: 2, retention_ms: 2000, packet_timeout_ms: 150}
journal: {segment_mib: 8}
YAML
start_gvcam camera --address 127.0.0.2 --cameras 3 --pattern --fps 25 --frames $frames --loss 0.01 --seed 3 \
	--duration 60 ||
	{ not_ok run_queues "gvcam did not start"; exit 1; }
"$sallyport" run -c "$work/sallyport.yaml" --json >"$work/stats.json" 2>"$work/err" &
appliance=$!
pids+=($appliance)
for _ in $(seq 400); do [ -S "$work/data/control.sock" ] && break; sleep 0.05; done
strangers
# The cameras have sent all they may and left: no frame is cut by the end.
wait "$gvcam_pid"
kill -TERM $appliance
wait $appliance || { not_ok run_queues "$(tail -n 3 "$work/err")"; exit 1; }

# verdict NAME PYTHON-CONDITION: of the document s
verdict() {
	python3 - "$work/stats.json" "$2" <<-'PY' && ok "$1" || not_ok "$1" "$2: $(cat "$work/stats.json")"
		import json, sys
		s = json.load(open(sys.argv[1]))
		streams, ports = s['streams'], s['ports']
		sys.exit(not eval('(' + sys.argv[2] + ')'))
	PY
}
verdict run_queues_every_frame_complete "all(x['frames_complete'] == $frames and not x['frames_incomplete'] for x in streams)"
verdict run_queues_resends_were_needed "all(x['resend']['packets'] > 50 for x in streams)"
verdict run_queues_dealt_out_in_turn "[x['queue'] for x in streams] == [0, 1, 0] and [p['cameras'] for p in ports] == [2, 1]"
verdict run_queues_each_has_its_packets "all(p['received'] == sum(x['packets'] for x in streams if x['queue'] == p['queue'])
	for p in ports)"
verdict run_queues_ledger "s['ledger_adds_up'] and all(p['missing']['total'] == 0 for p in ports)"
if [ -n "${SP_OWN_NETWORK:-}" ]; then
	verdict run_queues_stranger_is_told "[(a['port'], a['counter'], a['count']) for a in s['alarms']] ==
		[(0, 'foreign', 2), (1, 'foreign', 1)]"
	grep -q 'queue 1: foreign: 1 more.*find that host' "$work/err" && ok run_queues_alarm_is_logged ||
		not_ok run_queues_alarm_is_logged "$(cat "$work/err")"
else
	skip run_queues_stranger_is_told "only in a network of its own: sends to every port"
fi
exit $failed
