#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Others send beside a good stream: from other addresses and ports, malformed, oversized, replayed, with ids that
# are not in use, with wrong data; and frames with a wrong MAC address, VLAN, length, fragments, as fast as a sender
# puts them on the wire. Every frame of the good stream comes byte for byte, and each refusal is counted once.
#
#   namespace of its own                                       beside it
#   farm 10.77.0.1 ── (udp | net_af_packet0) ── host0 ════ cam0 ── 10.77.1.1 gvcam, strangers at 10.77.1.9, forger
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
farm=$build/tests/integration/farm forger=$build/tests/integration/forger
for file in "$farm" "$forger" "$gvcam" "$sallyport"; do
	[ -x "$file" ] || { not_ok spoof "$file is not built (make all helpers)"; exit 1; }
done
own_network "$@"
network_pair 1500 || { skip spoof "two network namespaces need root"; exit 0; }
mac_of() { sed -n 's|.*link/ether \([0-9a-f:]*\).*|\1|p'; }
camera_mac=$($far ip -o link show cam0 | mac_of)
our_mac=$(ip -o link show host0 | mac_of)
gvcam_in=$far
# Longer than the forger takes.
strange_frames=${SP_LONG:+100} forged_frames=${SP_LONG:+300}
strange_frames=${strange_frames:-60} forged_frames=${forged_frames:-150}
has_dpdk=1
"$farm" --source dpdk 2>&1 | grep -q 'built without DPDK' && has_dpdk=
af_packet=(--source dpdk --drop host0 --mac "$camera_mac" --vlan 65535 --eal=--no-pci --eal=--no-huge
	--eal=--vdev=net_af_packet0,iface=host0,blocksz=4096,framesz=2048,framecnt=65536)
pcap=(--source dpdk --drop host0 --mac "$camera_mac" --vlan 65535 --eal=--no-pci --eal=--no-huge --eal=--vdev=net_pcap0,iface=host0)

# verdict NAME CONDITION WHAT: of farm's r, gvcam's g and the forger's f
verdict() {
	python3 - "$work/$1" "$work/$1.sent" "$work/$1.forged" "$2" <<-'PY' && ok "spoof_$1_$3" || \
		not_ok "spoof_$1_$3" "$2: $(tail -n 1 "$work/$1.log") $(cat "$work/$1" "$work/$1.sent" "$work/$1.forged" 2>&1)"
		import json, sys
		def read(path):
		    try:
		        return json.loads(open(path).read().splitlines()[-1])
		    except (OSError, IndexError, ValueError):
		        return None
		r, g, f = map(read, sys.argv[1:4])
		g = g and g['cameras'][0]
		s, p = (r['streams'], r['port']) if r else (None, None)
		sys.exit(not (r and g and eval('(' + sys.argv[4] + ')')))
	PY
}
complete="s['frames_complete'] == g['frames'] and s['missing'] == 0 and s['expected'] == s['delivered'] and
	s['frames_incomplete'] + s['blocks_skipped'] + s['blocks_discarded'] + s['restarts'] == 0"

# What a receiver without the CPU for a flood lost is known to the packet, and what it has is right.
or_overrun="or p['ring_full'] and s['expected'] == s['delivered'] + s['missing'] and s['missing'] <= p['ring_full'] and
	s['frames_complete'] + s['frames_incomplete'] + s['blocks_skipped'] == g['frames']"

# stop_gvcam NAME: its summary is the last line
stop_gvcam() {
	kill -INT "$gvcam_pid" 2>/dev/null
	wait "$gvcam_pid" 2>/dev/null
	cp "$work/gvcam.log" "$work/$1.sent"
}

# receive NAME FARM-ARGUMENT…: blocks of which every fifth packet followed by one of each kind
receive() {
	local name=$1
	shift
	start_gvcam gvcam --address 10.77.1.1 --pattern --frames $strange_frames --fps 50 --pacing 0.9 --spoof all,0.2 \
		--spoof-from 10.77.1.9 --seed 3 --json || { not_ok "spoof_$name" "gvcam does not start"; return; }
	# More than come: it ends when no more come, and has seen all of them.
	"$farm" --address 10.77.1.1 --host-address 10.77.0.1 --fps 50 --frames $((strange_frames + 1)) --lossy --hostile --source-ports \
		--credit 64 --rcvbuf 33554432 "$@" >"$work/$name" 2>"$work/$name.log"
	stop_gvcam "$name"
	verdict "$name" "$complete" frames_are_byte_exact
	# What a busy receiver dropped is known, too: resends made up for it.
	verdict "$name" "(g['spoofed']['address'], g['spoofed']['port']) == (p['foreign'], p['foreign_port'])
		or 0 <= g['spoofed']['address'] + g['spoofed']['port'] - p['foreign'] - p['foreign_port'] <=
		p['socket_overflow'] + p['ring_full']" strangers_are_counted
	verdict "$name" "sum(g['spoofed'].values()) + g['sent'] + g['resent'] - p['received'] - p['foreign'] - p['foreign_port'] ==
		p['socket_overflow'] + p['ring_full']" every_packet_is_accounted_for
	# The rest came from the camera's address and port: the assembler refuses each by what it is. What a busy machine asked
	# for too early comes twice.
	verdict "$name" "min(s['malformed'], s['duplicate'], s['stray'], s['surplus']) > 0 and (p['socket_overflow'] + p['ring_full'] or
		0 <= s['malformed'] + s['duplicate'] + s['stray'] + s['surplus'] + s['late'] + s['bad_packet'] -
		sum(g['spoofed'][k] for k in ('malformed', 'oversized', 'replay', 'ids', 'payload')) <= g['resent'])" each_refusal_is_counted
	sed 's/^/# /' "$work/$name"
}

# forge NAME EACH RATE FRAGMENTS MAY-OVERRUN FARM-ARGUMENT…: the same stream among frames that our own wire would never carry
forge() {
	local name=$1 each=$2 rate=$3 fragments=$4 overrun=$5 port
	shift 5
	start_gvcam gvcam --address 10.77.1.1 --pattern --frames $forged_frames --fps 50 --pacing 0.9 --json ||
		{ not_ok "spoof_$name" "gvcam does not start"; return; }
	port=$("$sallyport" cameras show 10.77.1.1 GevSCSP | grep -o '[0-9]*$')
	"$farm" --address 10.77.1.1 --host-address 10.77.0.1 --fps 50 --frames $((forged_frames + 1)) --lossy --hostile --source-ports \
		--packet-size 1400 --first-port 45000 --credit 64 "$@" >"$work/$name" 2>"$work/$name.log" &
	local receiver=$!
	pids+=($receiver)
	# It drops once the port runs and knows its streams.
	for _ in $(seq 400); do nft list tables 2>/dev/null | grep -q sallyport_host0 && break; sleep 0.02; done
	$far "$forger" --interface cam0 --from 10.77.1.1 --to 10.77.0.1 --from-mac "$camera_mac" --to-mac "$our_mac" \
		--from-port "${port:-1}" --to-port 45000 --each "$each" --rate "$rate" >"$work/$name.forged" 2>"$work/forger.log" ||
		not_ok "spoof_${name}_forger" "$(cat "$work/forger.log")"
	wait $receiver
	stop_gvcam "$name"
	verdict "$name" "$complete $overrun" frames_are_byte_exact
	verdict "$name" "p['ring_full'] or (p['foreign'], p['foreign_mac'], p['foreign_port'], p['foreign_vlan'], p['fragments'],
		p['malformed'], p['truncated'], p['unknown_stream']) == (f['address'], f['mac'], f['port'], f['vlan'],
		$fragments, f['ip_length'] + f['udp_length'], f['long'], f['stray'])" each_kind_is_counted
	verdict "$name" "0 <= 8 * f['mac'] + $fragments - sum(p[k] for k in ('foreign', 'foreign_mac', 'foreign_port', 'foreign_vlan', 'fragments',
		'malformed', 'truncated', 'unknown_stream')) <= p['ring_full']" nothing_is_unaccounted_for
	verdict "$name" "s['malformed'] + s['stray'] + s['surplus'] + s['bad_packet'] == 0 and
		s['duplicate'] <= g['resent']" none_gets_through
	sed 's/^/# /' "$work/$name" "$work/$name.forged"
}

receive udp
receive recvmmsg --no-uring
if [ -n "$has_dpdk" ]; then
	receive af_packet "${af_packet[@]}"
	# net_af_packet's socket has the kernel put fragments together before it looks (a fanout group that defragments):
	# the halves of forged datagrams never get to us.
	forge af_packet_forger 10000 50000 0 "" "${af_packet[@]}"
	forge af_packet_at_line_rate 40000 1000000000 0 "$or_overrun" "${af_packet[@]}"
	# libpcap's socket shows them. Its buffer is small.
	forge pcap_forger 5000 50000 "f['fragment'] + f['later_fragment']" "$or_overrun" "${pcap[@]}"
else
	skip spoof_af_packet "built without DPDK"
	skip spoof_pcap "built without DPDK"
fi
[ $failed = 0 ]
