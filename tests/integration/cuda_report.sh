#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the compiler makes of the CUDA kernels: those that frames pass through keep all they compute with
# in registers, and products of matrices are on tensor cores. For sm_90; all targets with SP_LONG=1.
# TOGETHER: see Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
archs=90
[ -z "${SP_LONG:-}" ] || archs="80 86 89 90 100"
hot="gather preprocess separable pointwise decode warp similarity"
tensor="separable pointwise similarity"

work=$(mktemp -d)
files=()
for name in $hot; do files+=("cuda/$name.cu"); done
tools/cuda-report --json --build "$build" --archs "$archs" "${files[@]}" >"$work/report" 2>"$work/errors"
status=$?
if [ $status = 3 ]; then skip cuda_report "no nvcc (CUDA_HOME)"; exit 0; fi
if [ $status != 0 ]; then not_ok cuda_report "$(head -n 3 "$work/errors")"; exit 1; fi

for name in $hot; do
	of=$(grep "\"file\":\"$name.cu\"" "$work/report")
	for arch in $archs; do
		grep -q "\"sm_$arch\"" <<<"$of" || { not_ok "cuda_report_$name" "no kernel for sm_$arch"; continue 2; }
	done
	spilled=$(grep -v '"spill_stores":0,"spill_loads":0' <<<"$of" | sed 's/.*"kernel":"\([^"]*\)","target":"\([^"]*\)".*/\1 on \2/' | head -n 3)
	if [ -z "$spilled" ]; then ok "no_spills_in_$name"; else not_ok "no_spills_in_$name" "${spilled//$'\n'/, }"; fi
done
for name in $tensor; do
	lacking=
	for arch in $archs; do
		grep "\"file\":\"$name.cu\"" "$work/report" | grep "\"sm_$arch\"" |
			grep -qvE '"mma":0,"wgmma":0' || lacking="$lacking sm_$arch"
	done
	if [ -z "$lacking" ]; then ok "tensor_cores_in_$name"; else not_ok "tensor_cores_in_$name" "none for$lacking"; fi
done

# The numbers that we know cuDNN's interface by, where its own headers are.
if [ -e "${CUDA_HOME:-/usr/local/cuda}/include/cudnn_graph.h" ]; then
	if gcc -std=gnu17 -fsyntax-only -I. -isystem "${CUDA_HOME:-/usr/local/cuda}/include" \
		tests/gpu/cudnn_numbers.c 2>"$work/errors"; then ok cudnn_numbers
	else not_ok cudnn_numbers "$(head -n 3 "$work/errors")"; fi
else
	skip cudnn_numbers "no cudnn_graph.h"
fi
exit $failed
