#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# libaravis, as an independent host, finds gvcam, reads and sets its features and streams from it.
#
#   namespace of its own:   lo 127.0.0.1, .2 ── gvcam ── arv-tool, arv-camera-test
#
# For an ordinary user without user namespaces: the same on the machine's own loopback.
# TOGETHER: see Makefile
set -u
self=$(realpath "$0")
cd "$(dirname "$0")/../.." || exit 1
gvcam=${SP_BUILD:-build}/gvcam
work= pid=
skip() {
	echo "skip gvcam_aravis: $1"
	exit 0
}
[ -x "$gvcam" ] || { echo "not ok gvcam_aravis: $gvcam is not built (make)"; exit 1; }
command -v arv-camera-test-0.8 >/dev/null || skip "arv-camera-test-0.8 is absent (tools/setup)"
command -v arv-tool-0.8 >/dev/null || skip "arv-tool-0.8 is absent (tools/setup)"
if [ -z "${SP_INSIDE:-}" ]; then
	export SP_INSIDE=1
	for namespace in "unshare -n" "unshare -rn"; do
		$namespace ip link set lo up 2>/dev/null && exec $namespace sh -c 'ip link set lo up; exec "$0"' "$self"
	done
fi
work=$(mktemp -d)
stop() { # ends gvcam and keeps its exit status
	[ -n "$pid" ] || return 0
	kill -TERM "$pid" 2>/dev/null
	wait "$pid"
	status=$?
	pid=
}
trap 'stop; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

start() { # gvcam OPTION…; waits until it is there
	"$gvcam" "$@" --json >"$work/summary" 2>"$work/log" &
	pid=$!
	for _ in $(seq 100); do
		grep -q '^gvcam: camera 0 at' "$work/log" && return 0
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	if grep -q 'is taken' "$work/log"; then skip "$(cat "$work/log")"; fi
	echo "not ok gvcam_aravis: no start: $(cat "$work/log")"
	exit 1
}
verdict() { # NAME WHY-NOT
	if [ -z "$2" ]; then echo "ok $1"; else echo "not ok $1: $2"; fi
}
count() { # KEY of arv-camera-test's figures
	sed -n "s/^$1 *= *//p" "$work/figures"
}
# Frames may wait long for packets: a busy machine is not what is tested here.
stream() { # NAME GVCAM-OPTION…
	local name=$1 why=
	shift
	start --address 127.0.0.1 "$@"
	timeout 60 arv-camera-test-0.8 -n 127.0.0.1 --no-packet-socket -a -m 2000 -q 2.0 --duration 4 \
		>"$work/figures" 2>&1 || why="arv-camera-test: exit status $?"
	stop
	[ "$status" = 0 ] || why="gvcam: exit status $status"
	[ -n "$why" ] || [ "$(count n_completed_buffers)" -ge 10 ] || why="$(count n_completed_buffers) frames"
	# The first frame may be cut: libaravis grows its socket buffer while it receives it.
	[ -n "$why" ] || [ "$(count n_failures)" -le 1 ] || why="$(count n_failures) frames failed"
	verdict "$name" "$why"
	[ -z "$why" ] || cat "$work/figures" "$work/log" "$work/summary"
}

start --address 127.0.0.1 --cameras 2
found=$(timeout 20 arv-tool-0.8 2>&1)
why=
case $found in *Sallyport-gvcam-SP7F000001*127.0.0.1*Sallyport-gvcam-SP7F000002*127.0.0.2*) ;;
*) why="arv-tool lists: $found" ;;
esac
# On the machine's own loopback an interface may be missing that broadcasts reach.
if [ -n "$why" ] && [ "$(id -u)" != 0 ]; then echo "skip gvcam_discovered: $why"
else verdict gvcam_discovered "$why"; fi

features=$(timeout 20 arv-tool-0.8 -a 127.0.0.2 control Width=320 Height=200 PixelFormat=RGB8 PayloadSize \
	AcquisitionFrameRate=12.5 GevSCPSPacketSize=9000 DeviceUserID=gate DeviceSerialNumber GevCCP 2>&1)
why=
for want in "Width = 320 " "Height = 200 " "PixelFormat = RGB8" "PayloadSize = 192000 " \
	"AcquisitionFrameRate = 12.5 Hz" "GevSCPSPacketSize = 9000 " "DeviceUserID = gate" \
	"DeviceSerialNumber = SP7F000002" "GevCCP = ControlAccess"; do
	case $features in *"$want"*) ;; *) why="'$want' is not in: $features" ;; esac
done
verdict gvcam_features "$why"
timeout 20 arv-tool-0.8 -a 127.0.0.1 genicam >"$work/xml" 2>&1
why=
if command -v xmllint >/dev/null; then xmllint --noout "$work/xml" 2>"$work/lint" || why=$(head -3 "$work/lint")
else grep -q '</RegisterDescription>' "$work/xml" || why="no description"; fi
verdict gvcam_description "$why"
stop
verdict gvcam_ends_cleanly "$([ "$status" = 0 ] || echo "exit status $status")"

stream gvcam_streams --fps 25
stream gvcam_streams_with_losses --fps 10 --loss 0.02 --reorder 16 --duplicate 0.01 --seed 7
resent=$(sed -n 's/.*"resent":\([0-9]*\).*/\1/p' "$work/summary")
verdict gvcam_resends "$([ "${resent:-0}" -gt 0 ] || cat "$work/summary")"
stream gvcam_streams_extended_ids --fps 10 --loss 0.01 --extended-ids --format RGB8 --packet-size 9000
