#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The whole appliance under ThreadSanitizer: two capture and two resend threads, inference, lane, journal and control
# threads at work on three lossy cameras, a stranger refused, encounters triggered and closed meanwhile. `make test-long` builds what it needs.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
tsan=build/tsan
[ -x $tsan/sallyport ] && [ -x $tsan/gvcam ] || { skip run_threads "no ThreadSanitizer build here (make test-long)"; exit 0; }
own_network "$@"
sallyport=$tsan/sallyport
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp exitcode=66"
cat >"$work/sallyport.yaml" <<YAML
purpose: test
data_directory: $work/data
lanes:
  - name: lane-1
    cameras:
      - {name: one, address: 127.0.0.2, width: 320, height: 240, pixel_format: Mono8, fps: 20, packet_size: 1500}
      - {name: two, address: 127.0.0.3, width: 320, height: 240, pixel_format: Mono8, fps: 20, packet_size: 1500}
      - {name: three, address: 127.0.0.4, width: 320, height: 240, pixel_format: Mono8, fps: 20, packet_size: 1500}
compute: {backend: none}
capture: {queues: 2}
journal: {segment_mib: 8}
YAML
start_gvcam camera --address 127.0.0.2 --cameras 3 --pattern --width 320 --height 240 --fps 20 --loss 0.01 --seed 3 || { not_ok run_threads "gvcam did not start"; exit 1; }
"$sallyport" run -c "$work/sallyport.yaml" --duration 10 >"$work/out" 2>"$work/err" &
appliance=$!
sleep 3
for _ in 1 2 3; do
	"$sallyport" lanes trigger lane-1 -c "$work/sallyport.yaml" 2>>"$work/asked"
	strangers
	"$sallyport" stats -c "$work/sallyport.yaml" >"$work/stats" 2>>"$work/asked"
	sleep 0.5
	"$sallyport" lanes close lane-1 -c "$work/sallyport.yaml" 2>>"$work/asked"
done
wait $appliance
status=$?
if [ $status != 0 ] || grep -q 'WARNING: ThreadSanitizer' "$work/err" "$work/asked"; then
	not_ok run_threads "status $status: $(grep -A12 -m1 'WARNING: Thread' "$work/err")"
elif ! grep -q '3 durable' "$work/out"; then not_ok run_threads "$(cat "$work/out" "$work/asked")"
elif [ -n "${SP_OWN_NETWORK:-}" ] && ! grep -q 'queue 1: foreign' "$work/err"; then not_ok run_threads "no alarm: $(cat "$work/err")"
else ok run_threads; fi
exit $failed
