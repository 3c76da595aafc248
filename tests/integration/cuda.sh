#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The program and its CUDA plugin, on a machine without a GPU: what is absent, broken or of another build is told in
# one line; the real plugin loads and refuses where there is no device; an emulated one (the same sources, every
# kernel run on the CPU by tests/cuda/emulator) finds what the CPU backend finds, in pictures and in a lane.
# TOGETHER: see Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
own_network "$@"
# Plugins are those of the plain build, whatever the program is.
case $build in build/*) plain=build ;; *) plain=$build ;; esac
detect=("$sallyport" detect --detector models/sallyport_detector.onnx --embedder models/sallyport_embedder.onnx)
"$build/lanesim" portraits -s 11 -n 2 --size 128 -o "$work/people" >/dev/null || { not_ok cuda "lanesim"; exit 1; }
pictures=("$work"/people/*.png)

# refuses NAME TEXT COMMAND…: exit status 1 and one line on stderr that has TEXT.
refuses() {
	local name=$1 text=$2 status
	shift 2
	"$@" >"$work/out" 2>"$work/all"
	status=$?
	grep -v 'models for demonstration' "$work/all" >"$work/err"
	if [ $status = 1 ] && [ "$(wc -l <"$work/err")" = 1 ] && grep -qF -- "$text" "$work/err"; then ok "$name"
	else not_ok "$name" "status $status: $(tr '\n' '|' <"$work/err")"; fi
}

export SALLYPORT_CUDA_PLUGIN=$work/absent.so
refuses cuda_absent "absent.so cannot be opened" "${detect[@]}" --backend cuda "${pictures[0]}"
head -c 4096 "$sallyport" >"$work/torn.so"
SALLYPORT_CUDA_PLUGIN=$work/torn.so refuses cuda_torn "torn.so is cut short" "${detect[@]}" --backend cuda "${pictures[0]}"
echo 'int nothing;' | gcc -shared -fPIC -x c -o "$work/other.so" -
SALLYPORT_CUDA_PLUGIN=$work/other.so refuses cuda_no_plugin "is no compute plugin" \
	"${detect[@]}" --backend cuda "${pictures[0]}"
echo 'void *sp_compute_plugin(unsigned long long abi, const void *host) { (void)abi; (void)host; return 0; }' |
	gcc -shared -fPIC -x c -o "$work/stale.so" -
SALLYPORT_CUDA_PLUGIN=$work/stale.so refuses cuda_other_build "was built from other sources" \
	"${detect[@]}" --backend cuda "${pictures[0]}"
if "${detect[@]}" --json "${pictures[@]}" >"$work/cpu.jsonl" 2>"$work/err" && ! grep -q cuda "$work/err"; then ok cuda_auto_is_cpu
else not_ok cuda_auto_is_cpu "$(cat "$work/err")"; fi

# The real one, for one architecture, built with the helpers: all of them are `make cuda`.
if [ -z "$(make -s --no-print-directory print-nvcc)" ]; then
	skip cuda_plugin "no nvcc: set CUDA_HOME to a CUDA toolkit"
elif ! nice make -s BUILD="$plain" SAN= cuda-one >"$work/make" 2>&1; then
	not_ok cuda_plugin "$(tail -n 5 "$work/make")"
else
	# Of C they are errors; nvcc's are in its logs.
	grep -rhi warning --include='*.log' "$plain/cuda-one/cuda-obj" >"$work/warnings"
	[ ! -s "$work/warnings" ] && ok cuda_no_warnings || not_ok cuda_no_warnings "$(head -n 3 "$work/warnings")"
	plugin=$plain/cuda-one/libsallyport-cuda.so
	nm -D --defined-only "$plugin" | awk '{ print $3 }' | grep -vx sp_compute_plugin >"$work/symbols"
	[ ! -s "$work/symbols" ] && ok cuda_one_symbol || not_ok cuda_one_symbol "$(head -n 5 "$work/symbols" | tr '\n' ' ')"
	export SALLYPORT_CUDA_PLUGIN=$plugin
	if [ -e /dev/nvidiactl ]; then skip cuda_no_driver "this machine has an NVIDIA driver"
	else
		refuses cuda_no_driver "driver" "${detect[@]}" --backend cuda "${pictures[0]}"
		"${detect[@]}" --json "${pictures[@]}" >"$work/auto.jsonl" 2>"$work/err"
		cmp -s "$work/cpu.jsonl" "$work/auto.jsonl" && ! grep -q cuda "$work/err" && ok cuda_auto_without_driver ||
			not_ok cuda_auto_without_driver "$(cat "$work/err")"
	fi
fi

if ! command -v g++ >/dev/null; then skip cuda_emulated "no g++"; exit $failed; fi
nice make -s BUILD="$plain" SAN= emulated-plugin >"$work/make" 2>&1 ||
	{ not_ok cuda_emulated "$(tail -n 5 "$work/make")"; exit 1; }
export SALLYPORT_CUDA_PLUGIN=$plain/libsallyport-cuda-emulated.so
"${detect[@]}" --backend cuda --json --embedding "${pictures[@]}" >"$work/cuda.jsonl" 2>"$work/err"
"${detect[@]}" --backend cpu --json --embedding "${pictures[@]}" >"$work/cpu.jsonl" 2>/dev/null
python3 - "$work/cpu.jsonl" "$work/cuda.jsonl" <<'PY' && ok cuda_emulated_detect || not_ok cuda_emulated_detect "$(head -n 3 "$work/err")"
import json, sys
cpu, cuda = ([json.loads(line) for line in open(name)] for name in sys.argv[1:])
assert len(cpu) == len(cuda) == 2, (len(cpu), len(cuda))
for a, b in zip(cpu, cuda):
    assert len(a["faces"]) == len(b["faces"]) >= 1, (len(a["faces"]), len(b["faces"]))
    for f, g in zip(a["faces"], b["faces"]):
        off = max(abs(p - q) for m, n in zip(f["landmarks"], g["landmarks"]) for p, q in zip(m, n))
        same = sum(p * q for p, q in zip(f["embedding"], g["embedding"]))
        print(f"# landmarks {off:.3f} px apart, cosine {same:.5f}, reasons {f['reasons']} {g['reasons']}")
        assert off <= 0.25 and same >= 0.998 and f["reasons"] == g["reasons"]
PY

# A lane: two cameras, few and small frames, since each takes the emulator a good part of a second.
cat >"$work/sallyport.yaml" <<YAML
purpose: test
data_directory: $work/data
lanes:
  - name: one
    cameras:
      - {name: a, address: 127.0.0.2, width: 320, height: 256, pixel_format: BayerRG8, fps: 1}
      - {name: b, address: 127.0.0.3, width: 320, height: 256, pixel_format: BayerRG8, fps: 1}
compute: {backend: cuda, detector: models/sallyport_detector.onnx, embedder: models/sallyport_embedder.onnx, quality: none,
  detect_width: 192, detect_height: 160, queue: 1000}
capture: {retention_ms: 2000, packet_timeout_ms: 150}
journal: {segment_mib: 8}
YAML
start_gvcam camera --address 127.0.0.2 --cameras 2 --lanesim 7 --lane-posts windshield-left --vehicles 2 --looks 2 --hold 3 \
	--gap 1 --width 320 --height 256 --format BayerRG8 --fps 1 --frames 6 --duration 60 ||
	{ not_ok cuda_emulated_run "gvcam did not start"; exit 1; }
run_until_sent cuda_emulated_run || exit 1
python3 - "$work/stats.json" <<'PY' && ok cuda_emulated_run || not_ok cuda_emulated_run "$(cat "$work/stats.json")"
import json, sys
stats = json.load(open(sys.argv[1]))
inference = stats["stages"]["inference"]
print(f"# {inference['backend']}, {inference['kernels']}: {inference['frames']} frames, {inference['faces']} faces")
for s in stats["streams"]:
    kept = sum(s[k] for k in ("delivered", "policy", "bad_packet", "late", "block_discarded", "missing"))
    assert s["expected"] == kept > 0, s
assert inference["backend"] == "cuda" and inference["lost"] == inference["failed"] == inference["unreadable"] == 0
assert inference["frames"] == inference["results"] + inference["shed"] == 12 and inference["faces"] >= 2
PY
exit $failed
