#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Camera control against arv-fake-gv-camera-0.8: discovery, features, stream, loss and return.
#
#   namespace of its own:   lo 127.0.0.1 ── fake camera SP01      control (this test's program)
#                           lo 127.0.0.2 ── fake camera SP02
# TOGETHER: see Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
program=${SP_BUILD:-build}/tests/integration/control
skip() {
	echo "skip control: $1"
	exit 0
}
[ "$(id -u)" = 0 ] || skip "network namespaces need root"
unshare -n true 2>/dev/null || skip "network namespaces are refused here"
command -v arv-fake-gv-camera-0.8 >/dev/null || skip "arv-fake-gv-camera-0.8 is absent (tools/setup)"
[ -x "$program" ] || { echo "not ok control: $program is not built (make helpers)"; exit 1; }
# The fake camera listens on an address of an interface: 127.0.0.2 must be one.
exec unshare -n sh -c 'ip link set lo up && ip addr add 127.0.0.2/8 dev lo && exec "$0"' "$program"
