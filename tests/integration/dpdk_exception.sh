#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A port that DPDK has to itself, as one on vfio: the kernel gets nothing from the wire (a rule drops all of it) and
# has no address there. Control goes through the exception path, a tap device with our address, while frames come by
# DPDK; libaravis notices nothing.
#
#   namespace of its own                                                     beside it
#   farm ── net_af_packet0 ── host0 (no address, all dropped) ════ cam0 ── 10.77.1.1 gvcam
#     └── net_tap0 ── camtap 10.77.0.1 ── kernel ── GVCP: farm, sallyport cameras
# TOGETHER: see Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
farm=$build/tests/integration/farm
for file in "$farm" "$gvcam" "$sallyport"; do
	[ -x "$file" ] || { not_ok dpdk_exception "$file is not built (make all helpers)"; exit 1; }
done
if "$farm" --source dpdk 2>&1 | grep -q 'built without DPDK'; then
	skip dpdk_exception "built without DPDK (tools/setup)"
	exit 0
fi
own_network "$@"
network_pair 1500 || { skip dpdk_exception "two network namespaces need root"; exit 0; }
ip tuntap add dev camtap mode tap multi_queue 2>/dev/null || { skip dpdk_exception "no tap device here"; exit 0; }
nft 'add table netdev all_dropped; add chain netdev all_dropped ingress { type filter hook ingress device host0 priority 0; policy drop; }' || { skip dpdk_exception "no nftables here"; exit 0; }
ip addr flush dev host0
ip addr add 10.77.0.1/16 dev camtap
ip link set camtap up
# A wire carries checksums; a veth pair leaves them out, and the kernel behind the tap would miss them.
$far ethtool -K cam0 tx off >/dev/null
gvcam_in=$far
start_gvcam gvcam --address 10.77.1.1 --pattern --pacing 0.8 --loss 0.001 --resend-loss 0 --seed 4 ||
	{ not_ok dpdk_exception "gvcam does not start"; exit 1; }
timeout 5 "$sallyport" cameras show 10.77.1.1 Width >"$work/before" 2>&1 &&
	not_ok dpdk_exception_is_needed "the kernel reached the camera without it" || ok dpdk_exception_is_needed

"$farm" --address 10.77.1.1 --host-address 10.77.0.1 --fps 25 --frames 150 --credit 32 --source dpdk --eal=--no-pci \
	--eal=--no-huge --eal=--vdev=net_af_packet0,iface=host0,blocksz=4096,framesz=2048,framecnt=16384 \
	--eal=--vdev=net_tap0,iface=camtap --port net_af_packet0 --exception net_tap0 >"$work/frames" 2>"$work/frames.log" &
receiver=$!
pids+=($receiver)
# Others of this machine reach the camera as well, while it streams: discovery is a broadcast, and that it is taken is
# the camera's own answer.
for _ in $(seq 100); do
	"$sallyport" cameras list >"$work/list" 2>&1 && break
	kill -0 $receiver 2>/dev/null || break
	sleep 0.1
done
for _ in $(seq 100); do
	"$sallyport" cameras show 10.77.1.1 Width >"$work/show" 2>&1
	grep -q 'another program controls it' "$work/show" && break
	kill -0 $receiver 2>/dev/null || break
	sleep 0.1
done
wait $receiver
status=$?
why=$(python3 - "$work/frames" <<-'PY' 2>&1
	import json, sys
	r = json.load(open(sys.argv[1]))
	p = r['port']
	for what, good in (
	        ('frames are complete', r['frames_complete'] >= 150),
	        ('each payload lies in the region', r['payloads_in_region'] == r['delivered']),
	        ('no packet is missing but by the stop', r['frames_incomplete'] + r['blocks_skipped'] <= 1),
	        ('answers went to the kernel', p['passed_on'] > 20),
	        ('none of them was lost', p['not_passed_on'] == 0),
	        ('what was lost was asked for and sent again', r['streams']['resent'] > 5)):
	    if not good:
	        print('not so:', what, r)
PY
)
if [ $status = 0 ] && [ -z "$why" ]; then
	ok dpdk_exception_control_beside_frames
else
	not_ok dpdk_exception_control_beside_frames "status $status: $why $(tail -n 2 "$work/frames.log")"
fi
sed 's/^/# /' "$work/frames"
grep -q 'another program controls it' "$work/show" && ok dpdk_exception_camera_says_that_it_is_taken ||
	not_ok dpdk_exception_camera_says_that_it_is_taken "$(cat "$work/show")"
grep -q 10.77.1.1 "$work/list" && ok dpdk_exception_camera_is_listed ||
	not_ok dpdk_exception_camera_is_listed "$(cat "$work/list")"
[ $failed = 0 ]
