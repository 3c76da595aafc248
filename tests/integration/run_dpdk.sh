#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The whole appliance over DPDK's net_af_packet: frames complete by resends, an encounter recorded, strangers refused
# with alarms, every packet accounted for, and the interface left as it was.
#
#   namespace of cameras              namespace of the appliance
#   gvcam 10.77.1.1, 10.77.1.2 ── cam0 ══ host0 10.77.0.1 ── net_af_packet ── sallyport run
#   strangers 10.77.1.66          ┘                       └─ kernel ── GVCP, PACKETRESEND; streams dropped (nftables)
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
own_network "$@"
network_pair 1500 || { skip run_dpdk "two network namespaces need root"; exit 0; }
mac_of() { sed -n 's|.*link/ether \([0-9a-f:]*\).*|\1|p'; }
camera_mac=$($far ip -o link show cam0 | mac_of)
our_mac=$(ip -o link show host0 | mac_of)

frames=100
cat >"$work/sallyport.yaml" <<YAML
purpose: test
data_directory: $work/data
lanes:
  - name: lane-1
    cameras:
      - {name: one, address: 10.77.1.1, width: 640, height: 480, pixel_format: Mono8, fps: 25, packet_size: 1500,
         mac: "$camera_mac", vlan: untagged}
      - {name: two, address: 10.77.1.2, width: 640, height: 480, pixel_format: Mono8, fps: 25, packet_size: 1500,
         extended_ids: true}
compute: {backend: none}
capture:
  # What the busy machine keeps waiting is not lost.
  retention_ms: 2000
  packet_timeout_ms: 150
  dpdk:
    eal: [--no-huge, --no-pci, "--vdev=net_af_packet0,iface=host0,blocksz=4096,framesz=2048,framecnt=8192"]
    drop_interface: host0
journal: {segment_mib: 8}
YAML
if "$sallyport" config check "$work/sallyport.yaml" 2>&1 | grep -q 'not in this build'; then
	skip run_dpdk "this build has no DPDK (tools/setup)"
	exit 0
fi

# Sends to every UDP port of the appliance: from another address, and with a camera's address and another MAC.
forgers() {
	$far python3 - "$our_mac" $(awk 'NR > 1 { split($2, a, ":"); print a[2] }' /proc/net/udp) <<-'PY'
		import socket, struct, sys
		to = bytes.fromhex(sys.argv[1].replace(':', ''))
		ports = [int(p, 16) for p in sys.argv[2:]]
		other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		other.bind(('10.77.1.66', 0))
		raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		raw.bind(('cam0', 0))
		def checksum(b):
		    s = sum(struct.unpack('!%dH' % (len(b) // 2), b))
		    s = (s & 0xFFFF) + (s >> 16)
		    return ~(s + (s >> 16)) & 0xFFFF
		for port in ports:
		    for _ in range(5):
		        other.sendto(b'?' * 64, ('10.77.0.1', port))
		    data = b'?' * 64
		    head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 28 + len(data), 0, 0, 64, 17, 0,
		                       socket.inet_aton('10.77.1.1'), socket.inet_aton('10.77.0.1'))
		    head = head[:10] + struct.pack('!H', checksum(head)) + head[12:]
		    frame = to + bytes.fromhex('020000000066') + b'\x08\x00' + head
		    frame += struct.pack('!HHHH', 4000, port, 8 + len(data), 0) + data
		    for _ in range(7):
		        raw.send(frame)
	PY
}

# answers: the appliance is there, with the sockets of its streams
answers() {
	for _ in $(seq 400); do [ -S "$work/data/control.sock" ] && return; sleep 0.05; done
}

# run_once NAME: until the cameras have sent all they may and left, so that no frame is cut by the end.
run_once() {
	local name=$1 appliance
	$far "$gvcam" --address 10.77.1.1 --cameras 2 --pattern --fps 25 --frames $frames --loss 0.01 --seed 3 \
		--duration 60 >"$work/$name.log" 2>&1 &
	local camera=$!
	pids+=($camera)
	for _ in $(seq 200); do grep -qs '^gvcam: camera' "$work/$name.log" && break; sleep 0.05; done
	"$sallyport" run -c "$work/sallyport.yaml" --allow-unencrypted --json >"$work/stats.json" 2>"$work/err" &
	appliance=$!
	pids+=($appliance)
	answers
	sleep 1
	"$sallyport" lanes trigger lane-1 -c "$work/sallyport.yaml" >/dev/null 2>>"$work/asked"
	forgers
	sleep 1
	nft list ruleset >"$work/rules" 2>&1
	"$sallyport" lanes close lane-1 -c "$work/sallyport.yaml" >/dev/null 2>>"$work/asked"
	"$sallyport" stats -c "$work/sallyport.yaml" >"$work/text" 2>>"$work/asked"
	wait $camera
	kill -TERM $appliance
	wait $appliance || { not_ok "run_dpdk_$name" "$(tail -n 3 "$work/err" "$work/asked")"; return 1; }
}

# verdict NAME PYTHON-CONDITION: of the document s
verdict() {
	python3 - "$work/stats.json" "$2" <<-'PY' && ok "$1" || not_ok "$1" "$2: $(cat "$work/stats.json")"
		import json, sys
		s = json.load(open(sys.argv[1]))
		rang = {a['counter']: a['count'] for a in s['alarms'] if 'port' in a}
		ports = s['ports']
		sys.exit(not eval('(' + sys.argv[2] + ')'))
	PY
}

if run_once one_queue; then
	verdict run_dpdk_every_frame_complete "all(x['frames_complete'] == $frames and not x['frames_incomplete'] for x in s['streams'])"
	verdict run_dpdk_resends_were_needed "all(x['resent'] > 50 for x in s['streams'])"
	verdict run_dpdk_ledger "s['ledger_adds_up'] and all(x['expected'] == x['delivered'] for x in s['streams'])"
	verdict run_dpdk_causes_add_up "all(p['missing']['total'] == sum(p['missing'][c] for c in
		('no_mbuf', 'ring_full', 'socket_overflow', 'camera_unavailable', 'network')) for p in ports)"
	verdict run_dpdk_every_packet_came_here "ports[0]['name'] == 'dpdk' and
		ports[0]['received'] == sum(x['packets'] for x in s['streams'])"
	# 5 from elsewhere to each port; 7 as if from the first camera, which to the second's port is elsewhere, too.
	verdict run_dpdk_strangers_are_counted "rang['foreign'] == 2 * 5 + 7 and rang['foreign_mac'] == 7"
	grep -q 'warning: port dpdk, queue 0: foreign_mac: 7 more.*correct the camera' "$work/err" &&
		ok run_dpdk_alarm_is_logged || not_ok run_dpdk_alarm_is_logged "$(cat "$work/err")"
	grep -q '^alarm: port dpdk, queue 0: foreign_mac 7 since' "$work/text" && ok run_dpdk_alarm_is_shown ||
		not_ok run_dpdk_alarm_is_shown "$(cat "$work/text")"
	verdict run_dpdk_encounter_is_durable "s['journal']['acknowledged'] == 1 and not s['journal']['unrecorded']"
	[ "$("$sallyport" encounters list -d "$work/data" --json | wc -l)" = 1 ] && ok run_dpdk_encounter_is_listed ||
		not_ok run_dpdk_encounter_is_listed "$("$sallyport" encounters list -d "$work/data" --json 2>&1)"
	grep -q 'table netdev sallyport_' "$work/rules" && ok run_dpdk_spares_the_kernel ||
		not_ok run_dpdk_spares_the_kernel "no drop rule: $(cat "$work/rules")"
	left=$(nft list ruleset 2>&1)
	[ -z "$left" ] && ok run_dpdk_leaves_no_rule || not_ok run_dpdk_leaves_no_rule "$left"
fi

# A killed instance leaves its rule: the doctor says so, the next one takes it away.
rm -rf "$work/data"
"$sallyport" run -c "$work/sallyport.yaml" --allow-unencrypted >/dev/null 2>"$work/err" &
victim=$!
pids+=($victim)
answers
kill -9 $victim
wait $victim 2>/dev/null
"$sallyport" doctor -c "$work/sallyport.yaml" >"$work/text" 2>&1
grep -q 'advice.*drop rule.*nft delete table netdev sallyport_' "$work/text" && ok run_dpdk_doctor_sees_the_rule ||
	not_ok run_dpdk_doctor_sees_the_rule "$(cat "$work/text" "$work/err")"
"$sallyport" run -c "$work/sallyport.yaml" --duration 0.5 --allow-unencrypted --quiet >"$work/err" 2>&1
status=$?
left=$(nft list ruleset 2>&1)
[ $status = 0 ] && [ -z "$left" ] && ok run_dpdk_after_a_kill || not_ok run_dpdk_after_a_kill "$left$(cat "$work/err")"

# A card with two queues and a hash (net_null: packets of zeros, no stream's) that leads both cameras to one of them, as
# it follows from the key in capture/dpdk_flow.c: the start warns, the other queue is emptied all the same.
# The hash is of our address, too.
ip addr add 192.0.2.1/24 dev host0
cat >"$work/hash.yaml" <<YAML
purpose: test
data_directory: $work/hash
lanes: [{name: a, cameras: [{name: c, address: 192.0.2.2, width: 64, height: 48}, {name: d, address: 192.0.2.4, width: 64, height: 48}]}]
compute: {backend: none}
capture: {queues: 2, dpdk: {eal: [--no-huge, --no-pci, --vdev=net_null0]}}
journal: {segment_mib: 8}
YAML
"$sallyport" run -c "$work/hash.yaml" --duration 0.5 --json --allow-unencrypted >"$work/stats.json" 2>"$work/err" ||
	not_ok run_dpdk_hash "$(tail -n 3 "$work/err")"
verdict run_dpdk_hash_empties_idle_queue "sorted(p['cameras'] for p in ports) == [0, 2] and all(p['other'] > 1000 for p in ports)"
grep -q 'carries 2 of 2 cameras.*set capture.buffers' "$work/err" && ok run_dpdk_hash_warns ||
	not_ok run_dpdk_hash_warns "$(cat "$work/err")"
exit $failed
