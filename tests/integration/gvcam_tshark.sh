#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What gvcam and libaravis say to each other, and some commands by hand, as Wireshark's dissectors see
# it: no malformed packet in either direction.
#
#   namespace of its own:   lo 127.0.0.1 ── gvcam ── arv-camera-test, this script
#                            └── dumpcap
# TOGETHER: see Makefile
set -u
self=$(realpath "$0")
cd "$(dirname "$0")/../.." || exit 1
gvcam=${SP_BUILD:-build}/gvcam
work= pid= capture=
skip() {
	echo "skip gvcam_tshark: $1"
	exit 0
}
fail() {
	echo "not ok gvcam_tshark: $1"
	exit 1
}
[ -x "$gvcam" ] || fail "$gvcam is not built (make)"
for tool in arv-camera-test-0.8 tshark dumpcap ip; do
	command -v $tool >/dev/null || skip "$tool is absent (tools/setup)"
done
if [ -z "${SP_INSIDE:-}" ]; then
	[ "$(id -u)" = 0 ] || skip "capturing needs root"
	unshare -n true 2>/dev/null || skip "network namespaces are refused here"
	export SP_INSIDE=1
	exec unshare -n sh -c 'ip link set lo up; exec "$0"' "$self"
fi
work=$(mktemp -d)
cleanup() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null
	[ -z "$capture" ] || kill "$capture" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
wait_for() { # TEXT FILE
	for _ in $(seq 100); do
		grep -q "$1" "$2" && return 0
		sleep 0.1
	done
	return 1
}

dumpcap -q -i lo -B 64 -w "$work/pcap" >"$work/dumpcap" 2>&1 &
capture=$!
wait_for 'File:' "$work/dumpcap" || skip "dumpcap cannot capture: $(head -1 "$work/dumpcap")"
"$gvcam" --address 127.0.0.1 --fps 10 --loss 0.02 --reorder 4 --duplicate 0.01 --seed 3 --json \
	>"$work/summary" 2>"$work/log" &
pid=$!
wait_for '^gvcam: camera 0 at' "$work/log" || fail "no start: $(cat "$work/log")"

# By hand: two registers at once, 536 bytes, a write without control, an unknown address, FORCEIP, an
# unknown command. One descriptor is one peer.
exec 3<>/dev/udp/127.0.0.1/3956
say() {
	printf '%b' "$(printf '%s' "$*" | sed 's/ //g; s/../\\x&/g')" >&3
	sleep 0.05
}
say 42 01 00 80 00 08 00 01 00 00 09 04 00 00 0d 04
say 42 01 00 84 00 08 00 02 00 01 00 00 00 00 02 18
say 42 01 00 82 00 08 00 03 00 00 0d 00 00 00 00 05
say 42 01 00 86 00 08 00 04 00 00 0d 00 00 00 00 05
say 42 01 00 80 00 04 00 05 00 00 08 00
say 42 01 00 84 00 08 00 06 00 00 08 00 00 00 00 04
say 42 01 00 04 00 38 00 07 00 00 02 00 7f 00 00 01 "$(printf '%096d' 0)"
say 42 11 00 02 00 00 00 08
exec 3>&-
timeout 60 arv-camera-test-0.8 -n 127.0.0.1 --no-packet-socket -a -m 2000 --duration 3 >"$work/figures" 2>&1
# 64-bit ids and a second format.
timeout 60 arv-camera-test-0.8 -n 127.0.0.1 --no-packet-socket -a -m 2000 --duration 2 \
	--features="GevGVSPExtendedIDMode=On PixelFormat=RGB8" >>"$work/figures" 2>&1
kill -TERM $pid
wait $pid || fail "gvcam: exit status $?"
pid=
sleep 0.5
kill -INT $capture
wait $capture
capture=

port=$(tshark -r "$work/pcap" -Y 'udp.length > 1200' -T fields -e udp.srcport \
	2>/dev/null | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
[ -n "$port" ] || fail "no stream in the capture: $(cat "$work/figures")"
dissect() { # FILTER: how many packets
	tshark -r "$work/pcap" -d "udp.port==$port,gvsp" -Y "$1" 2>/dev/null | wc -l
}
verdict() { # NAME WHY-NOT
	if [ -z "$2" ]; then echo "ok $1"; else echo "not ok $1: $2"; fi
}
tshark -r "$work/pcap" -d "udp.port==$port,gvsp" -Y '_ws.malformed || _ws.expert.severity >= 0x800000' \
	>"$work/bad" 2>/dev/null
verdict tshark_nothing_malformed "$(head -3 "$work/bad")"
at_least() { # NAME FILTER N
	local n
	n=$(dissect "$2")
	verdict "$1" "$([ "$n" -ge "$3" ] || echo "$n packets for '$2'")"
}
at_least tshark_commands 'gvcp && udp.dstport == 3956' 50
at_least tshark_answers 'gvcp && udp.srcport == 3956' 50
at_least tshark_leaders 'gvsp.format == 1' 20
at_least tshark_payload 'gvsp.format == 3' 4000
at_least tshark_trailers 'gvsp.format == 2' 20
at_least tshark_resend_requests 'gvcp.cmd.resend.firstpacketid' 10
at_least tshark_resent 'gvsp.status == 0x0100' 10
at_least tshark_refusals 'gvcp.cmd.status == 0x8006' 2
at_least tshark_extended_ids 'gvsp.blockid64' 20
total=$(dissect "udp.port == $port") decoded=$(dissect gvsp)
verdict tshark_all_of_the_stream "$([ "$total" = "$decoded" ] || echo "$decoded of $total packets decoded")"

# ---- what blocks carry, and spoofers: a capture each --------------------------------------------------
session() { # NAME GVCAM-OPTION…
	local name=$1
	shift
	dumpcap -q -i lo -B 64 -w "$work/pcap" >"$work/dumpcap" 2>&1 &
	capture=$!
	wait_for 'File:' "$work/dumpcap"
	"$gvcam" --address 127.0.0.1 --width 320 --height 200 --fps 20 --seed 3 --json "$@" >"$work/summary" 2>"$work/log" &
	pid=$!
	wait_for '^gvcam: camera 0 at' "$work/log" || fail "$name: no start: $(cat "$work/log")"
	timeout 60 arv-camera-test-0.8 -n 127.0.0.1 --no-packet-socket -a -m 2000 --duration 1 >"$work/figures" 2>&1
	kill -TERM $pid
	wait $pid || fail "$name: gvcam: exit status $?"
	pid=
	sleep 0.5
	kill -INT $capture
	wait $capture
	capture=
	# Not control: the stream's own port sends the most.
	port=$(tshark -r "$work/pcap" -Y 'udp && !(udp.port == 3956) && ip.src == 127.0.0.1' -T fields \
		-e udp.srcport 2>/dev/null | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
	[ -n "$port" ] || fail "$name: no stream in the capture: $(cat "$work/figures")"
}
nothing_malformed() { # NAME
	tshark -r "$work/pcap" -d "udp.port==$port,gvsp" -Y '_ws.malformed || _ws.expert.severity >= 0x800000' \
		>"$work/bad" 2>/dev/null
	verdict "$1" "$(head -3 "$work/bad")"
}
session chunks --chunks --format Mono10p
nothing_malformed tshark_chunks_not_malformed
at_least tshark_chunk_leaders 'gvsp.format == 1 && gvsp.payloadtype == 0x4001' 5
at_least tshark_chunk_trailers 'gvsp.format == 2 && gvsp.chunkdatapayloadlengthhex == 80056' 5
session parts --multi-part confidence --chunks --extended-ids
nothing_malformed tshark_parts_not_malformed
at_least tshark_part_leaders 'gvsp.format == 0x81 && gvsp.payloadtype == 0x000a && gvsp.numparts == 3' 5
at_least tshark_part_payload 'gvsp.format == 0x87' 100
at_least tshark_part_ends 'gvsp.endofpart == 1' 15
session all_in --all-in --chunks --extended-ids --width 32 --height 32
nothing_malformed tshark_all_in_not_malformed
at_least tshark_all_in 'gvsp.format == 0x84' 5

# Every packet that gvcam says it spoofed from elsewhere was seen.
session spoofers --spoof address,0.3 --spoof port,0.3
spoofed() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$work/summary"; }
seen=$(dissect 'ip.src == 127.255.255.254')
verdict tshark_other_address "$([ "$seen" -gt 50 ] && [ "$seen" = "$(spoofed address)" ] || echo "$seen packets: $(cat "$work/summary")")"
seen=$(dissect "ip.src == 127.0.0.1 && udp && udp.srcport != $port && udp.dstport != 3956 && udp.srcport != 3956")
verdict tshark_other_port "$([ "$seen" -gt 50 ] && [ "$seen" = "$(spoofed port)" ] || echo "$seen packets: $(cat "$work/summary")")"
