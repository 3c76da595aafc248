#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A running instance through its control socket: lanes, stats, and what it says to those who ask wrongly.
# TOGETHER: see Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
own_network "$@"

# check NAME CONDITION…: a command that must succeed.
check() {
	local name=$1
	shift
	if "$@" >"$work/check.out" 2>&1; then ok "$name"
	else not_ok "$name" "$(head -c 400 "$work/check.out") $(head -c 400 "$work/run.err")"; fi
}
# says STATUS TEXT COMMAND…: exit status and a part of what it prints.
says() {
	local status=$1 text=$2 out got
	shift 2
	out=$("$@" 2>&1 </dev/null)
	got=$?
	[ $got = "$status" ] && grep -qF -- "$text" <<<"$out" && return 0
	echo "exit status $got, not $status, or no '$text' in: $out"
	return 1
}
# wait_for COMMAND…: up to 10 s.
wait_for() {
	for _ in $(seq 200); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done
	echo "did not come true in 10 s: $*"
	return 1
}
# lane NUMBER MEMBER WANT
lane() {
	"$sallyport" lanes list -c "$yaml" --json | sed -n "$(($1 + 1))p" >"$work/lane.json"
	[ "$(number "$work/lane.json" "$2")" = "$3" ]
}
streams() { "$sallyport" stats -c "$yaml" --json >"$work/stats.json" && [ "$(number "$work/stats.json" streams 0 frames_complete)" -gt 5 ]; }
shape() {
	python3 - "$work/stats.json" <<-'PY'
		import json, sys
		stats = json.load(open(sys.argv[1]))
		need = {"streams", "ports", "stages", "journal"}
		assert need <= set(stats), need - set(stats)
		ledger = ["delivered", "policy", "bad_packet", "late", "block_discarded", "missing"]
		assert [s["id"] for s in stats["streams"]] == [0, 1]
		assert [s["lane"] for s in stats["streams"]] == ["lane-1", "lane-2"]
		for s in stats["streams"]:
		    need = {"id", "lane", "camera", "expected", "resend", "bytes", *ledger}
		    assert need <= set(s), need - set(s)
		    assert type(s["resend"]) is dict
		assert stats["streams"][0]["bytes"] > 0
		assert type(stats["ports"]) is list and "missing" in stats["ports"][0]
		assert "inference" in stats["stages"] and len(stats["stages"]["lanes"]) == 2
		assert {"records", "acknowledged", "unrecorded"} <= set(stats["journal"])
	PY
}

yaml=$work/sallyport.yaml
cat >"$yaml" <<-YAML
	purpose: test
	data_directory: $work/data
	lanes:
	  - name: lane-1
	    cameras:
	      - {name: one, address: 127.0.0.2, width: 320, height: 240, pixel_format: Mono8, fps: 20}
	  - name: lane-2
	    cameras:
	      - {name: absent, address: 127.0.0.3, width: 320, height: 240, pixel_format: Mono8, fps: 20}
	compute: {backend: none}
	journal: {segment_mib: 8}
YAML
start_gvcam camera --address 127.0.0.2 --pattern --width 320 --height 240 --fps 20 ||
	{ not_ok control_socket "gvcam did not start"; exit 1; }
"$sallyport" run -c "$yaml" >"$work/run.out" 2>"$work/run.err" &
run_pid=$!
pids+=($run_pid)

check control_streams wait_for streams
check control_stats_shape shape
check control_stats_table says 0 'lane-2  absent' "$sallyport" stats -d "$work/data"
[ "$(stat -c %a "$work/data/control.sock" "$work/data" "$work/data/journal" | tr '\n' ' ')" = "600 700 700 " ] &&
	ok control_is_private || not_ok control_is_private "$(stat -c '%a %n' "$work/data"/*)"
check control_lane_streams wait_for lane 0 streaming 1
check control_absent_camera lane 1 streaming 0
check control_absent_camera_is_named wait_for grep -q '127.0.0.3' "$work/run.err"
check control_trigger says 0 '' "$sallyport" lanes trigger lane-2 -c "$yaml"
check control_trigger_opens wait_for lane 1 open True
check control_close says 0 '"ok":true' "$sallyport" lanes close lane-2 -c "$yaml" --json
check control_close_records wait_for lane 1 encounters 1
check control_other_lane_is_left lane 0 encounters 0
check control_unknown_lane says 1 "no lane 'lane-9'" "$sallyport" lanes trigger lane-9 -c "$yaml"
check control_second_instance says 1 "in use by process $run_pid" "$sallyport" run -c "$yaml" --duration 5
check control_survives_the_second lane 1 encounters 1
check control_encounter_is_durable says 0 '"triggered":true' "$sallyport" encounters list -c "$yaml" --json
kill -INT $run_pid
wait $run_pid
status=$?
[ $status = 0 ] && ok control_ends_well || not_ok control_ends_well "exit status $status: $(cat "$work/run.err")"
check control_summary grep -q 'the ledger adds up' "$work/run.out"
check control_nobody_answers says 1 'no instance runs' "$sallyport" lanes list -c "$yaml"
[ ! -e "$work/data/control.sock" ] && ok control_socket_goes || not_ok control_socket_goes "it is still there"

# ---- where it cannot run -----------------------------------------------------------------------------------
chmod 755 "$work/data/journal"
check run_refuses_open_journal says 1 'chmod 700' "$sallyport" run -c "$yaml" --duration 1
chmod 700 "$work/data/journal"
echo precious >"$work/file"
sed "s#^data_directory.*#&\nsocket: $work/file#" "$yaml" >"$work/file.yaml"
check run_refuses_file_as_socket says 1 "$work/file" "$sallyport" run -c "$work/file.yaml" --duration 1
[ "$(cat "$work/file")" = precious ] && ok run_leaves_the_file || not_ok run_leaves_the_file "it was removed"
sed "s#^data_directory.*#data_directory: $work/absent/data#" "$yaml" >"$work/absent.yaml"
check run_wants_a_parent says 1 "$work/absent/data" "$sallyport" run -c "$work/absent.yaml" --duration 1
# A mount of this test alone; refused in a chroot whose root is no mount point.
if [ -n "${SP_OWN_NETWORK:-}" ] && unshare -m true 2>/dev/null; then
	# shellcheck disable=SC2016 # the inner shell expands
	check run_full_disk says 1 'make room' unshare -m sh -c 'mount -t tmpfs -o size=4m,mode=700 none "$1/data" &&
		"$2" run -c "$3" --duration 1' sh "$work" "$sallyport" "$yaml"
else
	skip run_full_disk "a small file system needs root and a mount namespace"
fi
exit $failed
