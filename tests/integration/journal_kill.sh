#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of a journal's writer at random times: nothing that was acknowledged is lost.
# SP_TEST_SEED=N SP_TEST_ROUNDS=N change the run.
# TOGETHER: see Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
helper=${SP_BUILD:-build}/tests/integration/journal_kill
seed=${SP_TEST_SEED:-1} rounds=${SP_TEST_ROUNDS:-50}
[ -x "$helper" ] || { echo "not ok journal_kill: $helper is not built (make helpers)"; exit 1; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
if why=$("$helper" run "$dir/journal" "$seed" "$rounds" "$helper" write "$dir/journal" 2>&1); then
	echo "$why"
	echo "ok journal_kill"
else
	echo "not ok journal_kill: $(echo "$why" | grep -v '^sallyport: warning' | tr '\n' ';')"
	exit 1
fi
