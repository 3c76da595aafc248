#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A camera that loses, reorders and duplicates packets, made whole by resends.
#
#   namespace of its own:   lo 127.0.0.1 ── gvcam      resend (this test's program)
# TOGETHER: see Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${SP_BUILD:-build}
program=$build/tests/integration/resend
skip() {
	echo "skip resend: $1"
	exit 0
}
[ "$(id -u)" = 0 ] || skip "network namespaces need root"
unshare -n true 2>/dev/null || skip "network namespaces are refused here"
for file in "$program" "$build/gvcam"; do
	[ -x "$file" ] || { echo "not ok resend: $file is not built (make all helpers)"; exit 1; }
done
SP_GVCAM=$build/gvcam exec unshare -n sh -c 'ip link set lo up && exec "$0" "$@"' "$program" "$@"
