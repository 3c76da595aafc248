#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/train can be had again: the start of the recorded loss curves, from travellers made afresh.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
: "${TRAIN_PYTHON:=python3}"
export TRAIN_PYTHON LANESIM=${LANESIM:-$build/lanesim}

for network in detector embedder; do
	if ! "$TRAIN_PYTHON" -c 'import numpy, onnx, PIL, torch' 2>/dev/null; then
		skip "train_curve_$network" "$TRAIN_PYTHON has no torch (set TRAIN_PYTHON; see tools/train/README.md)"
	elif [ ! -r "models/curves/$network.jsonl" ]; then
		skip "train_curve_$network" "no curve is recorded in models/curves"
	else
		tools/train/check_curve "$network" || failed=1
	fi
done
exit $failed
