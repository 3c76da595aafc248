#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIGKILL during `sallyport run`, 50 times: what was acknowledged is there, the journal verifies. The camera is
# often still held by the instance that was killed, until its heartbeat runs out: that is on stderr.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
own_network "$@"
config "$work/sallyport.yaml" none
start_gvcam camera --address 127.0.0.2 --pattern --fps 20 || { not_ok run_kill "gvcam did not start"; exit 1; }
"$build/tests/integration/run_kill" "$sallyport" "$work/sallyport.yaml" "$work/data/control.sock" \
	"$work/data/journal" "${SP_KILLS:-50}" "${SP_SEED:-1}" 2>"$work/err" || { failed=1; tail "$work/err"; }
exit $failed
