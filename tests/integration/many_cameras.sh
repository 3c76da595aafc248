#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# 64 cameras through one packet source: each sends what it draws, to nobody else's account, and no memory
# is taken once they stream.
#
#   namespace of its own                                      beside it
#   farm (one source) 10.77.0.1 ── host0 ════ veth ════ cam0 ── 10.77.1.1 … .64 gvcam
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
farm=$build/tests/integration/farm
for file in "$farm" "$gvcam"; do
	[ -x "$file" ] || { not_ok many_cameras "$file is not built (make all helpers)"; exit 1; }
done
own_network "$@"
if ! network_pair 1500; then
	skip many_cameras "two network namespaces need root"
	exit 0
fi
gvcam_in=$far
start_gvcam gvcam --address 10.77.1.1 --cameras 64 --pattern --fps 3 --width 640 --height 480 ||
	{ not_ok many_cameras "gvcam does not start"; exit 1; }

# receive NAME FARM-ARGUMENT…
receive() {
	local name=$1 why=
	shift
	"$farm" --address 10.77.1.1 --cameras 64 --host-address 10.77.0.1 --fps 3 --frames 8 "$@" \
		>"$work/$name" 2>"$work/$name.log" || why=$(tail -n 1 "$work/$name.log")
	[ -n "$why" ] || why=$(python3 - "$work/$name" <<-'PY'
		import json, sys
		r = json.load(open(sys.argv[1]))
		for what, good in (
		        ("frames of each camera", r["frames_complete"] >= 64 * 8),
		        ("each payload lies in the region", r["payloads_in_region"] == r["delivered"]),
		        # -1: a sanitizer has the allocator.
		        ("no memory is taken", r["allocations"] == -1 or
		         r["allocations"] == 0 and r["resident_growth"] < 1 << 20)):
		    if not good:
		        print("not so:", what, r)
	PY
	)
	if [ -z "$why" ]; then ok "many_cameras_$name"; else not_ok "many_cameras_$name" "$why"; fi
	sed 's/^/# /' "$work/$name"
}
receive udp
receive recvmmsg --no-uring
if "$farm" --source dpdk 2>&1 | grep -q 'built without DPDK'; then
	skip many_cameras_af_packet "built without DPDK"
else
	receive af_packet --source dpdk --drop host0 \
		--eal=--vdev=net_af_packet0,iface=host0,blocksz=4096,framesz=2048,framecnt=8192
fi
[ $failed = 0 ]
