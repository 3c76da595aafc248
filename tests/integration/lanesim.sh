#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# lanesim as a person and a script meet it: help, mistakes, what it writes, and that a seed gives the same bytes
# with whatever instructions and threads.
# TOGETHER: see Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
lanesim=$build/lanesim
work=$(mktemp -d)
[ -x "$lanesim" ] || { not_ok lanesim "$lanesim is not built (make)"; exit 1; }

# expect NAME STATUS TEXT ARGUMENT…: the exit status, and TEXT on stdout or stderr; a mistake is told in two lines.
expect() {
	local name=$1 status=$2 text=$3
	shift 3
	"$lanesim" "$@" >"$work/out" 2>"$work/err" </dev/null
	local got=$?
	if [ $got != "$status" ]; then not_ok "$name" "exit status $got, not $status: $(head -c 300 "$work/err")"
	elif ! grep -qF -- "$text" "$work/out" "$work/err"; then not_ok "$name" "'$text' is not in: $(head -c 300 "$work/out" "$work/err")"
	elif [ "$status" != 0 ] && [ "$(wc -l <"$work/err")" -gt 2 ]; then not_ok "$name" "more than a line: $(head -c 600 "$work/err")"
	else ok "$name"; fi
}
# equal NAME GOT WANT
equal() { [ "$2" = "$3" ] && ok "$1" || not_ok "$1" "$2, not $3"; }

# ---- help and mistakes --------------------------------------------------------------------------------
expect lanesim_help 0 'usage: lanesim COMMAND' --help
expect lanesim_unknown_command 2 "unknown command 'fly'" fly
for command in scenes portraits documents sheet identities digest bench 'tensor faces' 'tensor crops' \
	'measure detector' 'measure embedder'; do
	# shellcheck disable=SC2086 # two words are two arguments
	expect "lanesim_help_${command// /_}" 0 "usage: lanesim $command" $command --help
	lost=
	for option in $(sed -n 's/^ *\(-., \)\?\(--[a-z-]*\).*/\2/p' "$work/out"); do
		grep -qF -- "*$option*" tools/man/lanesim.1.scd || lost="$lost $option"
	done
	[ -z "$lost" ] && ok "man_lanesim_${command// /_}" || not_ok "man_lanesim_${command// /_}" "not in the page:$lost"
	# shellcheck disable=SC2086
	expect "lanesim_wrong_option_${command// /_}" 2 "unknown option '--nonsense'" $command --nonsense
done
expect lanesim_no_output 2 'give -o DIR' scenes -n 1
expect lanesim_bad_post 2 "'roof' is none of" scenes --post roof -o "$work/x"
expect lanesim_shares 2 'more than 1 together' scenes --empty-lanes 0.6 --empty-vehicles 0.6 -o "$work/x"
expect lanesim_shots_of_a_document 2 '--shots needs --wild' portraits --shots 2 -o "$work/x"
expect lanesim_too_far_apart 1 'so far apart' identities -n 50 --apart 9
expect lanesim_no_model 1 'nosuch.onnx' identities -n 2 --model nosuch.onnx
touch "$work/file"
expect lanesim_nameless_directory 1 'the directory has no name' portraits -n 1 -o ''
expect lanesim_too_many_pairs 2 'at most 32768 pictures' measure embedder -n 100000 nosuch.onnx
"$lanesim" digest -n 1 --scenes 0 >/dev/full 2>"$work/err"
[ $? = 1 ] && grep -q 'standard output' "$work/err" && ok lanesim_full_disk || not_ok lanesim_full_disk "$(cat "$work/err")"
expect lanesim_no_directory 1 "$work/file" portraits -n 1 -o "$work/file/there"

# ---- the same bytes ------------------------------------------------------------------------------------
want=
for isa in base avx2 avx512; do
	for threads in 1 2; do
		read -r sum used < <(LANESIM_ISA=$isa "$lanesim" digest -s 3 -n 3 --scenes 2 --threads $threads)
		[ "$used" = $isa ] || { skip "lanesim_digest_$isa" "this CPU has $used"; break; }
		want=${want:-$sum}
		equal "lanesim_digest_${isa}_$threads" "$sum" "$want"
	done
done
[ "$("$lanesim" digest -s 4 -n 3 --scenes 2)" != "$("$lanesim" digest -s 3 -n 3 --scenes 2)" ] &&
	ok lanesim_digest_of_another_seed || not_ok lanesim_digest_of_another_seed "the same"

# same NAME ARGUMENT…: one thread and two write the same files.
same() {
	local name=$1 threads
	shift
	for threads in 1 2; do
		mkdir -p "$work/$name-$threads"
		"$lanesim" "$@" --threads $threads -o "$work/$name-$threads/a" >/dev/null 2>"$work/err" ||
			{ not_ok "lanesim_$name" "$(cat "$work/err")"; return; }
	done
	diff -rq "$work/$name-1" "$work/$name-2" >"$work/diff" && ok "lanesim_${name}_same_with_two_threads" ||
		not_ok "lanesim_${name}_same_with_two_threads" "$(cat "$work/diff")"
}

# ---- what it writes --------------------------------------------------------------------------------------
same scenes scenes -s 5 -n 2 --frames 2 --post side-left --width 320 --height 256 --night 0.5
equal lanesim_scenes_lines "$(wc -l <"$work/scenes-1/a/truth.jsonl")" 4
equal lanesim_scenes_pictures "$(ls "$work"/scenes-1/a/*.png | wc -l)" 4
same portraits portraits -s 5 -n 3 --wild --shots 2 --distinct --size 128
equal lanesim_portraits_pictures "$(ls "$work"/portraits-1/a/*.png | wc -l)" 6
same documents documents -s 5 -n 4 --size 128
python3 - "$work/documents-1/a" <<-'PY' >"$work/out" && ok lanesim_documents_manifest || not_ok lanesim_documents_manifest "$(cat "$work/out")"
	import json, os, sys
	folder = sys.argv[1]
	lines = [json.loads(line) for line in open(folder + '/documents.jsonl')]
	for line in lines:
	    name = 'v%03d-seat%d-%012x.png' % (line['vehicle'], line['seat'], line['identity'])
	    if line['file'] != name or not os.path.exists(folder + '/' + name): sys.exit(print(line['file'], name) or 1)
	pictures = [name for name in os.listdir(folder) if name.endswith('.png')]
	if len(pictures) != len(lines) or {line['vehicle'] for line in lines} != {0, 1, 2, 3}: sys.exit(print(pictures) or 1)
PY
"$lanesim" documents -s 5 -n 4 --every 2 --size 64 -o "$work/some" >/dev/null
some=$(ls "$work"/some/*.png | wc -l) all=$(ls "$work"/documents-1/a/*.png | wc -l)
[ "$some" -gt 0 ] && [ "$some" -lt "$all" ] && ok lanesim_documents_of_some || not_ok lanesim_documents_of_some "$some of $all"
lost=
for picture in "$work"/some/*.png; do [ -e "$work/documents-1/a/${picture##*/}" ] || lost=$picture; done
[ -z "$lost" ] && ok lanesim_documents_of_the_same || not_ok lanesim_documents_of_the_same "$lost"
same faces tensor faces -s 5 -n 2 -k 3
equal lanesim_faces_bytes "$(stat -c %s "$work/faces-1/a.u8")" $((6 * 112 * 112 * 3))
equal lanesim_faces_lines "$(wc -l <"$work/faces-1/a.jsonl")" 6
same crops tensor crops -s 5 -n 10 --size 160
equal lanesim_crops_bytes "$(stat -c %s "$work/crops-1/a.u8")" $((10 * 160 * 160 * 3))
equal lanesim_crops_lines "$(wc -l <"$work/crops-1/a.jsonl")" 10
"$lanesim" sheet -s 5 --rows 1 --columns 2 --size 64 -o "$work/sheet.png" >/dev/null
[ "$(head -c 4 "$work/sheet.png" | tail -c 3)" = PNG ] && ok lanesim_sheet || not_ok lanesim_sheet "no PNG"
"$lanesim" identities -n 20 -s 5 >"$work/twenty" 2>/dev/null
equal lanesim_identities_differ "$(sort -u "$work/twenty" | wc -l)" 20

# ---- what networks think of it ------------------------------------------------------------------------------
if have_models; then
	export SALLYPORT_MODELS=$shared/models
	"$sallyport" detect --json "$work"/documents-1/a/*.png >"$work/detect" 2>/dev/null
	equal lanesim_documents_have_one_face "$(grep -c '"faces":\[{' "$work/detect")" "$all"
else
	skip lanesim_documents_have_one_face "no models in $shared/models (set SALLYPORT_SHARED)"
fi
exit $failed
