#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What receiving costs, ours beside others': bench/capture, between two network namespaces of its
# own.
#
#   namespace spcam-PID                            namespace sphost-PID
#   gvcam 10.78.0.2 ── cam0 ════ veth, MTU 9000 ════ host0 ── 10.78.0.1 one receiver after another
#
# Nothing but the kernel is between: the sender's core pays for the way up to the receiver's socket.
# Its segmentation is off, else a receiver would see a run of packets as one (UDP GSO).
set -u
cd "$(dirname "$0")/.." || exit 1
build=${SP_BUILD:-build}
camera=spcam-$$ host=sphost-$$ work=
skip() {
	echo "skip bench-capture: $1"
	exit 0
}
[ "$(id -u)" = 0 ] || skip "network namespaces need root"
for program in ip ethtool dumpcap; do
	command -v $program >/dev/null || skip "$program is absent (tools/setup)"
done
[ "$(nproc)" -ge 2 ] || skip "one core for the sender and one for the receiver are needed"
cleanup() {
	ip netns del "$camera" 2>/dev/null
	ip netns del "$host" 2>/dev/null
	[ -z "$work" ] || rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
ip netns add "$camera" 2>/dev/null && ip netns add "$host" || skip "no network namespaces here"
ip -n "$camera" link add cam0 mtu 9000 type veth peer name host0 mtu 9000 netns "$host" ||
	skip "veth is refused here"
ip -n "$camera" addr add 10.78.0.2/24 dev cam0
ip -n "$host" addr add 10.78.0.1/24 dev host0
for device in cam0 lo; do ip -n "$camera" link set $device up; done
for device in host0 lo; do ip -n "$host" link set $device up; done
ip netns exec "$camera" ethtool -K cam0 tx-udp-segmentation off >/dev/null ||
	skip "ethtool: cam0 keeps its segmentation"
work=$(mktemp -d)
SP_CAMERA_NAMESPACE=/run/netns/$camera SP_WORK=$work ip netns exec "$host" "$build/bench/capture" "$@"
