#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `make demo`, shortened: synthetic people with our models as on a bare clone, photographs, no models.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
own_network "$@"
export SP_BUILD=$build

# check NAME TEXT…: the demo ends well, says TEXT and leaves a contact sheet.
check() {
	local name=$1
	shift
	if ! timeout 170 tools/demo >"$work/demo.out" 2>&1; then
		not_ok "$name" "$(tail -n 5 "$work/demo.out")"
		return
	fi
	for text in "$@"; do
		grep -qF -- "$text" "$work/demo.out" || { not_ok "$name" "no '$text' in: $(cat "$work/demo.out")"; return; }
	done
	[ "$(head -c 4 "$build/demo/contact-sheet.png" | tail -c 3)" = PNG ] || { not_ok "$name" "no contact sheet"; return; }
	ok "$name"
}

# expect NAME STATUS TEXT ARGUMENTS…: `encounters compare` on what the demo recorded.
expect() {
	local name=$1 status=$2 text=$3
	shift 3
	"$sallyport" encounters compare -c "$build/demo/sallyport.yaml" "$@" >"$work/out" 2>"$work/err"
	local got=$?
	if [ $got != "$status" ]; then not_ok "$name" "exit status $got, not $status: $(head -c 300 "$work/err")"
	elif ! grep -qE -- "$text" "$work/out" "$work/err"; then not_ok "$name" "'$text' is not in: $(cat "$work/out" "$work/err")"
	else ok "$name"; fi
}

# The first vehicle of lane-1 is of the first folder, its document the folder's second picture.
compare_forms() {
	local documents=$build/demo/documents id first
	id=$("$sallyport" encounters list -c "$build/demo/sallyport.yaml" --lane lane-1 --json | head -n 1 | sed 's/.*"id":"\([^"]*\)".*/\1/')
	first=$(find "$documents" -name '*.*' | sort | head -n 1)
	expect compare_one_with_one 0 '^occupant +similarity +threshold +outcome$' "$id" "$first"
	expect compare_one_matches 0 '^ +1 +0\.[0-9]+ +0\.413 +match$' "$id" "$first"
	expect compare_many 0 "^$id +lane-1 .*$(basename "$first") .* match\$" --since 1h "$documents"
	expect compare_everything 2 'say which encounters' "$documents"
	expect compare_lane 0 ' 1 match' --lane lane-1 "$first"
	expect compare_json 0 "\"document\":\"$(basename "$first")\".*\"same\":true" --json "$id" "$documents"
	expect compare_nothing_in_span 3 'no encounter' --since 2099-01-01 "$first"
	expect compare_no_such_occupant 3 'no occupant 9' -n 9 "$id" "$first"
	expect compare_no_such_id 3 'no encounter' ffffffff "$first"
	expect compare_id_and_span 2 'either ids or' --lane lane-1 "$id" "$first"
	expect compare_no_document 2 'give the id' "$id"
	expect compare_no_face 3 'no face' "$id" tests/integration/gray.pgm
	expect compare_face_and_none 0 '1 match' "$id" tests/integration/gray.pgm "$first"
	expect compare_other_model 1 'different models|no false match rates' --embedder "$shared/models/mobilefacenet_bn_unfused_testonly.onnx" \
		--threshold 0.4 "$id" "$first"
}

if have_models && [ -d "$shared/data/lfw_dev_small" ]; then
	DEMO_IMAGES=$shared/data/lfw_dev_small DEMO_SECONDS=8 check demo_with_photographs 'the ledger adds up' 'match' 'are sound' \
		'best shots'
	compare_forms
else
	skip demo_with_photographs "no models or photographs in $shared (set SALLYPORT_SHARED)"
fi
# From here on as on a bare clone.
export SALLYPORT_SHARED=$work/absent
unset SALLYPORT_MODELS
if [ -r models/sallyport_embedder.onnx ]; then
	DEMO_VEHICLES=4 check demo_of_a_bare_clone 'nobody of these people exists' 'the ledger adds up' 'matches, all right' \
		'are sound' 'best shots'
	# The check against the truth can fail: with the documents' names exchanged it does.
	python3 - "$build/demo" <<-'PY'
		import json, sys
		name = sys.argv[1] + "/matches.jsonl"
		lines = [json.loads(line) for line in open(name)]
		names = [line["document"] for line in lines if line["same"]]
		for line in lines:
		    if line["same"]:
		        line["document"] = next(n for n in names[::-1] + ["x-v000-seat0-000000000000.png"] if n != line["document"])
		open(name, "w").writelines(json.dumps(line) + "\n" for line in lines)
	PY
	python3 tools/demo-truth "$build/demo" 24 12 4 windshield-left windshield-right >"$work/demo.out" &&
		not_ok demo_truth_can_fail "$(cat "$work/demo.out")" || ok demo_truth_can_fail
else
	skip demo_of_a_bare_clone "our models are not in models/ yet"
fi
if ls /var/lib/sallyport/models/*.onnx >/dev/null 2>&1; then
	skip demo_without_models "this machine has models"
else
	DEMO_MODELS=recommended check demo_without_models 'no faces today' 'triggered' 'the ledger adds up' 'are sound' 'needs'
fi
exit $failed
