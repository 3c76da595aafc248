#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs bench/cameras or bench/loss between two network namespaces of its own.
#   bench/farm.sh cameras|loss [ARGUMENT…]
#
#   namespace of its own                          beside it
#   one receiver 10.77.0.1 ── host0 ════ veth ════ cam0 ── 10.77.1.1 … gvcam
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/integration/lib.sh
own_network "$@"
if ! network_pair 1500; then
	skip "bench-$1" "two network namespaces need root"
	exit 0
fi
program=$1
shift
SP_WORK=$work SP_BUILD=$build SP_CAMERA_NAMESPACE=/proc/$far_pid/ns/net "$build/bench/$program" "$@"
