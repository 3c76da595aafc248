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

# have_models: the recommended models and photographs are there.
have_models() {
	[ -r "$shared/models/yunet_n_dynamic.onnx" ] && [ -r "$shared/models/mobilefacenet.onnx" ] &&
		[ -r "$shared/models/lightqnet_dm025.onnx" ]
}

# start_gvcam NAME ARGUMENTS…: in the background; returns when its cameras are ready. Log: $work/NAME.log
start_gvcam() {
	local name=$1
	shift
	"$gvcam" "$@" >"$work/$name.log" 2>&1 &
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
