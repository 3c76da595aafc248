#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `make demo` as it ends on a machine with and without photographs and models, shortened.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
own_network "$@"
export SP_BUILD=$build

# check NAME TEXT…: the demo ends well, says TEXT and leaves a contact sheet.
check() {
	local name=$1
	shift
	if ! timeout 100 tools/demo >"$work/demo.out" 2>&1; then
		not_ok "$name" "$(tail -n 5 "$work/demo.out")"
		return
	fi
	for text in "$@"; do
		grep -qF -- "$text" "$work/demo.out" || { not_ok "$name" "no '$text' in: $(cat "$work/demo.out")"; return; }
	done
	[ "$(head -c 4 "$build/demo/contact-sheet.png" | tail -c 3)" = PNG ] || { not_ok "$name" "no contact sheet"; return; }
	ok "$name"
}

if have_models && [ -d "$shared/data/lfw_dev_small" ]; then
	DEMO_SECONDS=8 check demo_with_photographs 'the ledger adds up' 'match' 'are sound' 'best shots'
else
	skip demo_with_photographs "no models or photographs in $shared (set SALLYPORT_SHARED)"
fi
export SALLYPORT_SHARED=$work/absent
unset SALLYPORT_MODELS
if ls models/*.onnx >/dev/null 2>&1 || ls /var/lib/sallyport/models/*.onnx >/dev/null 2>&1; then
	skip demo_bare "this machine has models"
else
	check demo_bare 'no faces today' 'triggered' 'the ledger adds up' 'are sound' 'needs'
fi
exit $failed
