#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The sources that kernel and userspace share, compiled by the kernel's rules: W=1 and sparse without a word.
# TOGETHER: see Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
ls -d /lib/modules/*/build >/dev/null 2>&1 || { echo "skip kmod: no kernel headers here (tools/setup)"; exit 0; }
command -v sparse >/dev/null || { echo "skip kmod: sparse is absent (tools/setup)"; exit 0; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A make of its own: this script may run below another one.
if ! env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make kmod >"$log" 2>&1; then
	echo "not ok kmod: $(tail -n 5 "$log")"
	exit 1
fi
if grep -E 'warning|error' "$log"; then echo "not ok kmod: warnings, see above"; exit 1; fi
for object in gvsp_wire gvsp_build gvsp_block; do
	[ -f build/kmod/kmod/$object.o ] || { echo "not ok kmod: $object.o was not built"; exit 1; }
done
echo "ok kmod_shared_sources_compile ($(grep -c CHECK "$log") checked by sparse)"
