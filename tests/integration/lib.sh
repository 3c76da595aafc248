# SPDX-License-Identifier: Apache-2.0
# What the integration tests share; sourced after `cd` to the top of the tree.
build=${SP_BUILD:-build}
sallyport=$build/sallyport
gvcam=$build/gvcam
shared=${SALLYPORT_SHARED:-../shared}
work=
pids=()
failed=0

# Ends what the test started, by pid, and removes what it wrote.
clean_up() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
	wait 2>/dev/null
	[ -z "$work" ] || rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

ok() { echo "ok $1"; }
not_ok() { echo "not ok $1: $2"; failed=1; }
skip() { echo "skip $1: $2"; }

# Runs the rest of this script in a network namespace of its own, where loopback ports are free, and makes
# $work. Needs root; without it the test runs on the machine's own loopback.
own_network() {
	if [ -z "${SP_OWN_NETWORK:-}" ] && [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; then
		SP_OWN_NETWORK=1 exec unshare -n bash "$0" "$@"
	fi
	[ -z "${SP_OWN_NETWORK:-}" ] || ip link set lo up
	work=$(mktemp -d)
}

# network_pair MTU: after own_network, two ends of a wire: host0 here, cam0 in a namespace beside it, which
# lives as long as the test. $far COMMAND…: runs there. Addresses: 10.77.0.1 here, 10.77.1.1 to .250 there.
network_pair() {
	[ -n "${SP_OWN_NETWORK:-}" ] || return 1
	unshare -n sleep 3600 &
	far_pid=$!
	pids+=($far_pid)
	far="nsenter -t $far_pid -n"
	while [ "$(readlink /proc/$far_pid/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
	ip link add host0 mtu "$1" type veth peer name cam0 mtu "$1" netns $far_pid || return 1
	ip addr add 10.77.0.1/16 dev host0
	for last in $(seq 250); do echo "addr add 10.77.1.$last/16 dev cam0"; done | $far ip -batch -
	$far ip link set cam0 up
	$far ip link set lo up
	ip link set host0 up
	# A receiver that taps the wire sees what is sent as it is: no runs of packets in one piece.
	$far ethtool -K cam0 tx-udp-segmentation off >/dev/null
}

# strangers: a datagram to every UDP port of this namespace's loopback, from an address that is no camera's.
# Only in a network of our own.
strangers() {
	[ -n "${SP_OWN_NETWORK:-}" ] || return 0
	python3 - $(awk 'NR > 1 { split($2, a, ":"); print a[2] }' /proc/net/udp) <<-'PY'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(('127.0.0.66', 0))
		for port in sys.argv[1:]:
		    s.sendto(b'?' * 64, ('127.0.0.1', int(port, 16)))
	PY
}

# have_models: the recommended models and photographs are there.
have_models() {
	[ -r "$shared/models/yunet_n_dynamic.onnx" ] && [ -r "$shared/models/mobilefacenet.onnx" ] &&
		[ -r "$shared/models/lightqnet_dm025.onnx" ]
}

# start_gvcam NAME ARGUMENTS…: in the background; returns when its cameras are ready. Log: $work/NAME.log
# gvcam_in=$far: at the other end of network_pair.
start_gvcam() {
	local name=$1
	shift
	${gvcam_in:-} "$gvcam" "$@" >"$work/$name.log" 2>&1 &
	pids+=($!)
	gvcam_pid=$!
	for _ in $(seq 200); do
		grep -qs '^gvcam: camera' "$work/$name.log" && return 0
		kill -0 "$gvcam_pid" 2>/dev/null || break
		sleep 0.05
	done
	cat "$work/$name.log"
	return 1
}

# run_until_sent NAME: the appliance of $work/sallyport.yaml until gvcam has sent all that it may; $work/stats.json
# has its last words. 1, and NAME failed, if it ends badly.
run_until_sent() {
	local appliance
	"$sallyport" run -c "$work/sallyport.yaml" --json >"$work/stats.json" 2>"$work/err" &
	appliance=$!
	pids+=($appliance)
	wait "$gvcam_pid"
	kill -TERM $appliance
	wait $appliance || { not_ok "$1" "$(tail -n 3 "$work/err")"; return 1; }
}

# number FILE PATH…: an integer out of a JSON document by keys and indices.
number() {
	python3 - "$@" <<-'PY'
		import json, sys
		value = json.load(open(sys.argv[1]))
		for key in sys.argv[2:]:
		    value = value[int(key)] if isinstance(value, list) else value[key]
		print(value)
	PY
}

# config FILE BACKEND CAPTURE-LINE… : one lane, one Mono8 camera at 127.0.0.2; lines are appended.
config() {
	local file=$1 backend=$2
	shift 2
	cat >"$file" <<-YAML
		purpose: test
		data_directory: $work/data
		lanes:
		  - name: lane-1
		    cameras:
		      - {name: one, address: 127.0.0.2, width: 640, height: 480, pixel_format: Mono8, fps: 50, packet_size: 1500}
		compute: {backend: $backend}
		journal: {segment_mib: 8}
	YAML
	for line in "$@"; do echo "$line" >>"$file"; done
}
