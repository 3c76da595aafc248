#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DPDK's software ports over one wire: every payload lies in the region, every byte is the camera's, each ledger adds
# up, and the interface is left as it was. Control stays in the kernel, which drops the stream (nftables, ingress).
#
#   namespace of its own                                            beside it
#   farm: net_af_packet0 | net_pcap0 | net_af_xdp0 ── host0 ════ cam0 ── 10.77.1.1 gvcam
#   kernel 10.77.0.1: GVCP                         ──┘
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
farm=$build/tests/integration/farm
for file in "$farm" "$gvcam"; do
	[ -x "$file" ] || { not_ok dpdk_veth "$file is not built (make all helpers)"; exit 1; }
done
if "$farm" --source dpdk 2>&1 | grep -q 'built without DPDK'; then
	skip dpdk_veth "built without DPDK (tools/setup)"
	exit 0
fi
own_network "$@"
network_pair 9000 || { skip dpdk_veth "two network namespaces need root"; exit 0; }
gvcam_in=$far
start_gvcam gvcam --address 10.77.1.1 --pattern --width 1024 --height 1024 --pacing 0.8 --chunks ||
	{ not_ok dpdk_veth "gvcam does not start"; exit 1; }

# receive NAME VDEV PACKET-SIZE FPS FARM-ARGUMENT…
receive() {
	local name=$1 vdev=$2 size=$3 fps=$4 why=
	shift 4
	"$farm" --address 10.77.1.1 --host-address 10.77.0.1 --width 1024 --height 1024 --fps "$fps" --frames 100 --credit 32 \
		--packet-size "$size" --source dpdk --eal=--no-pci --eal="--vdev=$vdev" "$@" \
		>"$work/$name" 2>"$work/$name.log" || why=$(tail -n 1 "$work/$name.log")
	[ -n "$why" ] || why=$(python3 - "$work/$name" <<-'PY'
		import json, sys
		r = json.load(open(sys.argv[1]))
		p = r['port']
		for what, good in (
		        ('frames are complete', r['frames_complete'] >= 100),
		        ('no packet is missing but by the stop', r['missing'] + r['policy'] + r['late'] == 0 or
		         r['frames_incomplete'] + r['blocks_skipped'] <= 1),
		        ('the ledger adds up', r['expected'] == r['delivered'] + r['missing'] + r['policy'] + r['late']),
		        ('each payload lies in the region', r['payloads_in_region'] == r['delivered']),
		        # -1: under sanitizers, whose shadows grow with what is touched.
		        ('no memory is taken', r['allocations'] == -1 or
		         r['allocations'] == 0 and r['resident_growth'] < 1 << 20),
		        ('nothing is refused', not any(v for k, v in p.items() if k not in ('received', 'other', 'ring_full')))):
		    if not good:
		        print('not so:', what, r)
	PY
	)
	[ -n "$(nft list ruleset 2>&1)" ] && why="$why $(nft list ruleset 2>&1)"
	if [ -z "$why" ]; then ok "dpdk_veth_$name"; else not_ok "dpdk_veth_$name" "$why"; fi
	sed 's/^/# /' "$work/$name"
}

receive af_packet_1500 net_af_packet0,iface=host0,blocksz=4096,framesz=2048,framecnt=16384 1500 30 --drop host0 --eal=--no-huge
receive af_packet_9000 net_af_packet0,iface=host0,blocksz=65536,framesz=16384,framecnt=4096 9000 60 --drop host0 --eal=--no-huge
# Without the rule the kernel delivers each packet to the socket as well, which holds the port: more work, same frames.
receive af_packet_undropped net_af_packet0,iface=host0,blocksz=4096,framesz=2048,framecnt=16384 1500 30 --eal=--no-huge
receive pcap_1500 net_pcap0,iface=host0 1500 10 --drop host0 --eal=--no-huge
# It wants a pool of its own making and refuses our region: that is said, and nothing is left behind.
"$farm" --address 10.77.1.1 --host-address 10.77.0.1 --packet-size 1500 --frames 10 --source dpdk --eal=--no-pci --eal=--no-huge \
	--eal=--vdev=net_af_xdp0,iface=host0 >"$work/xdp" 2>"$work/xdp.log"
status=$?
if [ $status = 0 ]; then
	ok dpdk_veth_af_xdp_receives
elif grep -q '^farm: dpdk: .*af_xdp' "$work/xdp.log" && ! ip link show host0 | grep -q xdp; then
	ok dpdk_veth_af_xdp_says_why_not
	sed 's/^/# /' "$work/xdp.log" | tail -n 1
else
	not_ok dpdk_veth_af_xdp "status $status: $(tail -n 2 "$work/xdp.log")"
fi
[ $failed = 0 ]
