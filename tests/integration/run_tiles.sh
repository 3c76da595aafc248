#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two cameras see the same vehicles. The detector's input is so small that faces are lost in it: the lane whose camera
# asks for them by configuration has them all the same, the other one hardly any.
# TOGETHER: see Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
own_network "$@"
[ -f models/sallyport_detector.onnx ] || { skip run_tiles "models/sallyport_detector.onnx is not there"; exit 0; }
cat >"$work/sallyport.yaml" <<YAML
purpose: test
data_directory: $work/data
lanes:
  - name: whole
    cameras:
      - {name: a, address: 127.0.0.2, width: 640, height: 480, pixel_format: BayerRG8, fps: 8}
  - name: tiles
    cameras:
      - {name: b, address: 127.0.0.3, width: 640, height: 480, pixel_format: BayerRG8, fps: 8,
         detect: {eye_distance_min: 12}}
compute: {detector: models/sallyport_detector.onnx, quality: none, detect_width: 128, detect_height: 128, queue: 1000}
capture: {retention_ms: 2000, packet_timeout_ms: 150}
journal: {segment_mib: 8}
YAML
start_gvcam camera --address 127.0.0.2 --cameras 2 --lanesim 7 --lane-posts windshield-left --vehicles 3 --looks 3 --hold 6 \
	--gap 1 --width 640 --height 480 --format BayerRG8 --fps 8 --frames 24 --duration 60 ||
	{ not_ok run_tiles "gvcam did not start"; exit 1; }
run_until_sent run_tiles || exit 1
python3 - "$work/stats.json" <<'PY' && ok run_tiles || not_ok run_tiles "$(cat "$work/stats.json")"
import json, sys
stages = json.load(open(sys.argv[1]))["stages"]
whole, tiles = (lane["faces"] for lane in stages["lanes"])
print(f"# faces: {whole} in the whole frame made small, {tiles} with tiles; {stages['inference']['kernels']}")
sys.exit(not (tiles >= 12 and whole * 3 <= tiles and stages["inference"]["precision"] in ("f32", "bf16")))
PY
exit $failed
