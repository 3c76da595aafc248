#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A lossy stream is captured while `sallyport run` receives it; the capture replayed gives the same ledger.
# TOGETHER: see Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
[ "$(id -u)" = 0 ] || { skip run_replay "capturing needs root"; exit 0; }
command -v dumpcap >/dev/null || { skip run_replay "dumpcap is absent (tools/setup)"; exit 0; }
own_network "$@"

# Times far beyond any hiccup of the machine: live and replayed blocks then close for the same reasons.
times='retention_ms: 1500, packet_timeout_ms: 150'
config "$work/live.yaml" none "capture: {$times}"
start_gvcam camera --address 127.0.0.2 --pattern --fps 25 --frames 100 --loss 0.02 --resend-loss 0.3 --seed 5 ||
	{ not_ok run_replay "gvcam did not start"; exit 1; }
dumpcap -q -i lo -B 64 -w "$work/live.pcapng" >"$work/dumpcap.log" 2>&1 &
dumpcap=$!
pids+=($dumpcap)
for _ in $(seq 100); do [ -s "$work/live.pcapng" ] && break; sleep 0.05; done
"$sallyport" run -c "$work/live.yaml" --duration 8 --json >"$work/live.json" 2>"$work/err" ||
	{ not_ok run_replay "$(tail -n 3 "$work/err")"; exit 1; }
kill -INT $dumpcap
wait $dumpcap

# The port that the stream went to: where most of the camera's packets go.
port=$(tshark -r "$work/live.pcapng" -Y 'ip.src == 127.0.0.2' -T fields -e udp.dstport 2>/dev/null |
	sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
config "$work/replay.yaml" none "capture: {$times, replay: $work/live.pcapng, replay_port: $port}"
rm -rf "$work/data"
"$sallyport" run -c "$work/replay.yaml" --json >"$work/replay.json" 2>"$work/err" ||
	{ not_ok run_replay "$(tail -n 3 "$work/err")"; exit 1; }
for counter in expected delivered missing frames_complete frames_incomplete; do
	live=$(number "$work/live.json" streams 0 $counter) replay=$(number "$work/replay.json" streams 0 $counter)
	[ "$live" = "$replay" ] && ok "run_replay_$counter ($live)" || not_ok "run_replay_$counter" "$live live, $replay replayed"
done
[ "$(number "$work/replay.json" ledger_adds_up)" = True ] && ok run_replay_ledger || not_ok run_replay_ledger "it does not"
exit $failed
