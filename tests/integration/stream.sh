#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# 200 frames from arv-fake-gv-camera-0.8, each byte as the camera draws it, none lost.
#
#   namespace spcam-PID                         namespace sphost-PID
#   fake camera 10.77.0.2 ── cam0 ════ veth, MTU 9000 ════ host0 ── 10.77.0.1 this test's program
set -u
cd "$(dirname "$0")/../.." || exit 1
program=${SP_BUILD:-build}/tests/integration/stream
camera=spcam-$$ host=sphost-$$ pid=
skip() {
	echo "skip stream: $1"
	exit 0
}
[ "$(id -u)" = 0 ] || skip "network namespaces need root"
command -v ip >/dev/null || skip "ip is absent (tools/setup)"
command -v arv-fake-gv-camera-0.8 >/dev/null || skip "arv-fake-gv-camera-0.8 is absent (tools/setup)"
[ -x "$program" ] || { echo "not ok stream: $program is not built (make helpers)"; exit 1; }
cleanup() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null
	ip netns del "$camera" 2>/dev/null
	ip netns del "$host" 2>/dev/null
}
trap cleanup EXIT
trap 'exit 130' INT TERM
ip netns add "$camera" 2>/dev/null && ip netns add "$host" || skip "no network namespaces here"
ip -n "$camera" link add cam0 mtu 9000 type veth peer name host0 mtu 9000 netns "$host" ||
	skip "veth is refused here"
ip -n "$camera" addr add 10.77.0.2/24 dev cam0
ip -n "$host" addr add 10.77.0.1/24 dev host0
ip -n "$camera" link set cam0 up
ip -n "$host" link set host0 up
ip -n "$host" link set lo up
ip netns exec "$camera" arv-fake-gv-camera-0.8 -i 10.77.0.2 >/dev/null 2>&1 &
pid=$!
SP_CAMERA=10.77.0.2 ip netns exec "$host" "$program"
