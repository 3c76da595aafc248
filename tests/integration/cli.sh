#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command line as a person and a script meet it: exit codes, one clear line for each mistake, JSON.
# TOGETHER: see Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
own_network "$@"

# expect NAME STATUS TEXT COMMAND…: the exit status, and TEXT on stdout or stderr; never more than two lines of
# stderr.
expect() {
	local name=$1 status=$2 text=$3
	shift 3
	"$@" >"$work/out" 2>"$work/err" </dev/null
	local got=$?
	if [ $got != "$status" ]; then not_ok "$name" "exit status $got, not $status: $(head -c 300 "$work/err")"
	elif ! grep -qF -- "$text" "$work/out" "$work/err"; then not_ok "$name" "'$text' is not in: $(head -c 300 "$work/out" "$work/err")"
	elif [ "$status" != 0 ] && [ "$(wc -l <"$work/err")" -gt 2 ]; then not_ok "$name" "more than a line: $(head -c 600 "$work/err")"
	else ok "$name"; fi
}

# ---- help ---------------------------------------------------------------------------------------------
expect cli_help 0 'usage: sallyport COMMAND' "$sallyport" --help
expect cli_version 0 "sallyport $(cat VERSION)" "$sallyport" --version
expect cli_unknown_command 2 "unknown command 'fly'" "$sallyport" fly
for command in run detect compare 'cameras list' 'cameras show' 'lanes list' 'lanes trigger' 'lanes close' \
	'encounters list' 'encounters show' 'encounters image' 'encounters compare' 'encounters sheet' \
	'journal verify' stats 'model list' 'model inspect' 'model bench' 'model install' 'config check' doctor; do
	# shellcheck disable=SC2086 # two words are two arguments
	expect "cli_help_${command// /_}" 0 "usage: sallyport $command" "$sallyport" $command --help
	# shellcheck disable=SC2086
	expect "cli_wrong_option_${command// /_}" 2 "unknown option '--nonsense'" "$sallyport" $command --nonsense
done
# Every option of --help stands in the man page.
for page in tools/man/sallyport-*.1.scd; do
	command=$(basename "$page" .1.scd | cut -d- -f2)
	lost=
	for sub in '' $("$sallyport" "$command" --help | sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
		# shellcheck disable=SC2086
		for option in $("$sallyport" $command $sub --help | sed -n '/^options:/,$p' | grep -oE -- '--[a-z-]+'); do
			[ "$option" = --help ] || grep -qF -- "$option" "$page" tools/man/sallyport-compare.1.scd ||
				lost="$lost $sub $option"
		done
	done
	[ -z "$lost" ] && ok "man_$command" || not_ok "man_$command" "not in the page:$lost"
done

# ---- configuration --------------------------------------------------------------------------------------
config "$work/good.yaml" none
expect cli_config_good 0 'well-formed' "$sallyport" config check "$work/good.yaml"
expect cli_output_is_lost 1 'standard output' sh -c '"$1" config check "$2" >/dev/full' sh "$sallyport" "$work/good.yaml"
expect cli_doctor_good 0 'pinned memory' "$sallyport" doctor -c "$work/good.yaml"
expect cli_doctor_absent 1 'No such file' "$sallyport" doctor -c "$work/absent.yaml"
expect cli_config_absent 1 'No such file' "$sallyport" config check "$work/absent.yaml"
config "$work/bad.yaml" none 'fish: 3'
expect cli_config_bad 1 'fish' "$sallyport" config check "$work/bad.yaml"
sed 's/127.0.0.2/192.0.2.9/' "$work/good.yaml" >"$work/real.yaml"
if [ -z "${SP_OWN_NETWORK:-}" ]; then
	expect cli_run_refuses_real_cameras 1 '--allow-unencrypted' "$sallyport" run -c "$work/real.yaml" --duration 1
fi
expect cli_stats_nothing_runs 1 'no instance runs' "$sallyport" stats -d "$work"
expect cli_encounters_no_journal 1 "$work" "$sallyport" encounters list -d "$work"
expect cli_encounters_bad_decision 2 'is not match' "$sallyport" encounters list -d "$work" --decision maybe
expect cli_ack_fd_closed 2 'descriptor 77' "$sallyport" run -c "$work/good.yaml" --ack-fd 77
expect cli_encounters_bad_time 2 'is not a time' "$sallyport" encounters list -d "$work" --since yesterday

# ---- model files ------------------------------------------------------------------------------------------
# Against pinned files; the authors' addresses themselves are not asked by any test.
install="$sallyport model install"
expect cli_install_list 0 'a6cc9032' $install --list
expect cli_install_unknown 2 'is not pinned' $install nosuch
expect cli_install_conversion 1 'cannot be fetched' $install lightqnet_dm025 --to "$work/to"
expect cli_install_no_folder 1 'No such file' $install mobilefacenet --to "$work/to" --from "$work/absent"
expect cli_install_no_curl 1 'curl is not installed' env PATH=/nonexistent $install mobilefacenet --to "$work/to" --from http://127.0.0.1:9
expect cli_install_no_network 1 'give --from DIR' $install mobilefacenet --to "$work/to" --from http://127.0.0.1:9
expect cli_install_no_place 1 '/proc/absent: ' $install mobilefacenet --to /proc/absent --from http://127.0.0.1:9
expect cli_inspect_absent 1 'nosuch.onnx' "$sallyport" model inspect nosuch.onnx
expect cli_list_nothing 3 'absent' env SALLYPORT_SHARED="$work" SALLYPORT_MODELS= sh -c 'cd / && "$1" model list' sh "$(realpath "$sallyport")"
if have_models; then
	mkdir "$work/from" "$work/wrong"
	cp "$shared/models/yunet_n_dynamic.onnx" "$work/from/"
	cp "$shared/models/mobilefacenet.onnx" "$work/from/MobileFaceNet.onnx"
	expect cli_install_folder 0 'left out' $install --json --to "$work/to" --from "$work/from"
	[ "$(stat -c '%a %n' "$work"/to/*.onnx | sort)" = "644 $work/to/mobilefacenet.onnx
644 $work/to/yunet_n_dynamic.onnx" ] && ok cli_install_modes || not_ok cli_install_modes "$(stat -c '%a %n' "$work"/to/*)"
	expect cli_install_again 0 'already there' $install mobilefacenet yunet_n_dynamic.onnx --to "$work/to"
	expect cli_install_conversion_copied 0 'installed' $install lightqnet_dm025 --to "$work/to" --from "$shared/models"
	# Nothing but the pinned bytes gets the name; what was there stays.
	head -c 300000 "$shared/models/yunet_n_dynamic.onnx" >"$work/wrong/yunet_n_dynamic.onnx"
	expect cli_install_truncated 1 'cut short: 300000 of 322906' $install yunet_n_dynamic --to "$work/new" --from "$work/wrong"
	{ head -c 322905 "$shared/models/yunet_n_dynamic.onnx"; printf x; } >"$work/wrong/yunet_n_dynamic.onnx"
	expect cli_install_wrong_hash 1 'another file: its sha256' $install yunet_n_dynamic --to "$work/new" --from "$work/wrong"
	mkdir "$work/long"
	cat "$shared/models/yunet_n_dynamic.onnx" "$0" >"$work/long/yunet_n_dynamic.onnx"
	expect cli_install_too_long 1 'more than the 322906 bytes' $install yunet_n_dynamic --to "$work/new" --from "$work/long"
	[ -z "$(ls -A "$work/new")" ] && ok cli_install_keeps_nothing || not_ok cli_install_keeps_nothing "$(ls -A "$work/new")"
	cp "$work/wrong/yunet_n_dynamic.onnx" "$work/new/"
	expect cli_install_other_content 1 '--force' $install yunet_n_dynamic --to "$work/new" --from "$work/from"
	expect cli_install_force 0 'installed' $install yunet_n_dynamic --to "$work/new" --from "$work/from" --force
	# Mirrors, through curl.
	if command -v curl >/dev/null; then
		expect cli_install_file_url 0 'installed' $install yunet_n_dynamic --to "$work/url" --from "file://$(realpath "$work/from")"
		python3 -m http.server --bind 127.0.0.1 --directory "$work/from" 8765 >"$work/http.log" 2>&1 &
		pids+=($!)
		for _ in $(seq 100); do curl -s -o /dev/null http://127.0.0.1:8765/ && break; sleep 0.05; done
		expect cli_install_mirror 0 'installed' $install yunet_n_dynamic --to "$work/http" --from http://127.0.0.1:8765/
		expect cli_install_mirror_lacks_it 1 '404' $install mobilefacenet --to "$work/http" --from http://127.0.0.1:8765
		cp "$work/wrong/yunet_n_dynamic.onnx" "$work/from/"
		expect cli_install_mirror_wrong 1 'another file' $install yunet_n_dynamic --to "$work/http2" --from http://127.0.0.1:8765
		# A server that misbehaves in each of the ways that a path names. What is there stays as it was.
		python3 tests/integration/bad_mirror.py "$shared/models" >"$work/bad.port" 2>"$work/bad.log" &
		pids+=($!)
		for _ in $(seq 100); do [ -s "$work/bad.port" ] && break; sleep 0.05; done
		bad=http://127.0.0.1:$(cat "$work/bad.port")
		mkdir -p "$work/bad"
		head -c 1000 "$shared/models/yunet_n_dynamic.onnx" >"$work/bad/yunet_n_dynamic.onnx"
		before=$(sha256sum "$work/bad/yunet_n_dynamic.onnx")
		bad_install="$install yunet_n_dynamic --force --to $work/bad --from"
		expect cli_install_dies_midway 1 'try again' $bad_install "$bad/dies"
		expect cli_install_claims_more 1 'try again' $bad_install "$bad/claims-more"
		expect cli_install_claims_less 1 'cut short' $bad_install "$bad/claims-less"
		expect cli_install_sends_more 1 'more than the 322906 bytes' $bad_install "$bad/sends-more"
		expect cli_install_redirect_loop 1 'redirect' $bad_install "$bad/loop"
		expect cli_install_redirect_elsewhere 1 'try again' $bad_install "$bad/to-file"
		expect cli_install_server_error 1 '503' $bad_install "$bad/error"
		[ "$before" = "$(sha256sum "$work/bad/yunet_n_dynamic.onnx")" ] && [ "$(ls -A "$work/bad")" = yunet_n_dynamic.onnx ] &&
			ok cli_install_leaves_what_was_there || not_ok cli_install_leaves_what_was_there "$(ls -lA "$work/bad")"
		expect cli_install_redirect 0 'installed' $bad_install "$bad/redirect"
		# Killed in the middle: no name, and the next one works.
		$install yunet_n_dynamic --to "$work/killed" --from "$bad/stalls" >"$work/out" 2>&1 &
		victim=$!
		for _ in $(seq 200); do readlink "/proc/$victim/fd/"* | grep -qF "$work/killed/" && break; sleep 0.05; done
		{ kill -KILL "$victim" && wait "$victim"; } 2>/dev/null
		[ -d "$work/killed" ] && [ -z "$(ls -A "$work/killed")" ] && ok cli_install_killed_leaves_nothing ||
			not_ok cli_install_killed_leaves_nothing "$(ls -lA "$work/killed")"
		expect cli_install_after_a_kill 0 'installed' $install yunet_n_dynamic --to "$work/killed" --from "$bad/good"
	else
		skip cli_install_mirror "no curl; run tools/setup"
	fi
	expect cli_list 0 'recommended' env SALLYPORT_MODELS="$work/to" "$sallyport" model list
	grep -q '^\* mobilefacenet.onnx *embedder' "$work/out" && ok cli_list_marks_the_default ||
		not_ok cli_list_marks_the_default "$(cat "$work/out")"
	cp "$shared/models/mobilefacenet.onnx" "$work/to/named-otherwise.onnx"
	expect cli_list_knows_by_content 0 '"file":"named-otherwise.onnx"' "$sallyport" model list -m "$work/to" --json
	grep -q '"file":"named-otherwise.onnx".*"default":false.*"origin":"recommended"' "$work/out" && ok cli_list_by_sha256 ||
		not_ok cli_list_by_sha256 "$(cat "$work/out")"
	expect cli_inspect 0 '"parameters":989952' "$sallyport" model inspect --json "$work/to/mobilefacenet.onnx"
	expect cli_inspect_detector 0 'detector' "$sallyport" model inspect "$work/to/yunet_n_dynamic.onnx"
	expect cli_inspect_no_model 1 'not an ONNX model' "$sallyport" model inspect "$0"
	# Cards.
	mkdir "$work/cards"
	cp "$shared/models/mobilefacenet.onnx" "$work/cards/mine.onnx"
	printf 'kind: embedder\nlicence: "My own, for tests"\nwhat: A title\ninput: {colours: bgr, mean: 127.5, deviation: 128}\n' >"$work/cards/mine.yaml"
	expect cli_inspect_card 0 'bgr, (x - 127.5' "$sallyport" model inspect "$work/cards/mine.onnx"
	expect cli_inspect_card_json 0 '"title":"A title"' "$sallyport" model inspect --json "$work/cards/mine.onnx"
	expect cli_list_card 0 '"title":"A title"' "$sallyport" model list --json -m "$work/cards"
	printf 'colour: red\n' >>"$work/cards/mine.yaml"
	expect cli_inspect_bad_card 1 "mine.yaml: line 5: 'colour' is no field" "$sallyport" model inspect "$work/cards/mine.onnx"
	expect cli_list_bad_card 0 'refused' "$sallyport" model list -m "$work/cards"
	expect cli_detect_bad_card 1 'mine.yaml: line 5' "$sallyport" detect --embedder "$work/cards/mine.onnx" -m "$shared/models" "$shared/data/two_people.jpg"
	# The bench.
	expect cli_bench 0 'inferences/s' "$sallyport" model bench -s 0.05 "$work/to/mobilefacenet.onnx"
	expect cli_bench_json 0 '"layers":' "$sallyport" model bench -s 0.05 --json --layers -t 2 -p f32 "$work/to/yunet_n_dynamic.onnx" --input 160x128
	expect cli_bench_chosen 0 'yunet_n_dynamic' env SALLYPORT_MODELS="$work/to" "$sallyport" model bench -s 0.02
	expect cli_bench_precision 2 "not 'f64'" "$sallyport" model bench -p f64 "$work/to/mobilefacenet.onnx"
	expect cli_bench_kernels 2 'not known' "$sallyport" model bench -k abacus "$work/to/mobilefacenet.onnx"
	expect cli_bench_batch 1 'cannot be 8x3x112x112' "$sallyport" model bench -b 8 "$work/to/mobilefacenet.onnx"
	expect cli_bench_absent 1 'nosuch.onnx' "$sallyport" model bench nosuch.onnx
	# The plan: pairs are one step, the input's size counts, and the JSON says the same.
	plan="$sallyport model inspect --plan $work/to/yunet_n_dynamic.onnx"
	expect cli_plan_pair 0 'separable 16 → 64 3x3 pad 1 relu ' $plan
	expect cli_plan_usual_size 0 ' 542,393,600 ' $plan
	expect cli_plan_size 0 ' 1x3x288x416 ' $plan --input 416x288
	expect cli_plan_dynamic 0 'dynamic: input ?x3x?x? → cls_8 ?x?x1' $plan
	expect cli_plan_json 0 '"macs":542393600' $plan --json
	expect cli_plan_fixed 1 'it cannot be 96x96' "$sallyport" model inspect --plan --input 96x96 "$work/to/mobilefacenet.onnx"
	expect cli_plan_bad_size 2 "not '0x5'" $plan --input 0x5
	expect cli_plan_size_alone 2 '--input goes with --plan' "$sallyport" model inspect --input 96x96 "$work/to/mobilefacenet.onnx"
else
	skip cli_install_pinned "no models in $shared/models (set SALLYPORT_SHARED)"
fi

# ---- models and pictures -----------------------------------------------------------------------------------
expect cli_model_missing 1 'nosuch.onnx' "$sallyport" detect --detector nosuch.onnx "$0"
head -c 1000 /dev/urandom >"$work/corrupt.onnx"
if have_models; then
	export SALLYPORT_MODELS=$shared/models
	two=$shared/data/two_people.jpg
	expect cli_model_corrupt 1 "$work/corrupt.onnx" "$sallyport" detect --detector "$work/corrupt.onnx" "$two"
	head -c 100000 "$shared/models/yunet_n_dynamic.onnx" >"$work/cut.onnx"
	expect cli_model_truncated 1 "$work/cut.onnx" "$sallyport" detect --detector "$work/cut.onnx" "$two"
	expect cli_model_wrong_kind 1 "mobilefacenet.onnx" "$sallyport" detect --detector mobilefacenet.onnx "$two"
	head -c 20000 "$two" >"$work/truncated.jpg"
	expect cli_jpeg_truncated 1 "$work/truncated.jpg" "$sallyport" detect "$work/truncated.jpg"
	expect cli_text_file 1 "README.md" "$sallyport" detect README.md
	expect cli_directory 1 "$work" "$sallyport" detect "$work"
	expect cli_picture_absent 1 'No such file' "$sallyport" detect "$work/absent.jpg"
	expect cli_no_face 3 'no face' "$sallyport" detect tests/integration/gray.pgm
	expect cli_detect_two 0 '"faces":[{' "$sallyport" detect --json "$two"
	faces=$(python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); print(len(d["faces"]), *sorted(d["faces"][0]))' \
		"$work/out")
	[ "$faces" = "2 box landmarks quality reasons score valid" ] && ok cli_detect_two_faces ||
		not_ok cli_detect_two_faces "$faces"
	expect cli_detect_draw 0 'valid' "$sallyport" detect "$two" --draw "$work/drawn.png"
	[ "$(head -c 4 "$work/drawn.png" | tail -c 3)" = PNG ] && ok cli_draws_png || not_ok cli_draws_png "no PNG"
	expect cli_detect_areas 0 'valid' "$sallyport" detect "$two" --area 0,0,500,600,0.8 --only-areas --areas \
		--draw "$work/areas.png"
	[ "$(grep -c valid "$work/out")" = 2 ] && ok cli_detect_area_has_one_face ||
		not_ok cli_detect_area_has_one_face "$(cat "$work/out")"
	expect cli_detect_quality 0 ' bits' "$sallyport" detect "$two" --quality
	expect cli_detect_bad_area 2 'X,Y,WIDTH,HEIGHT' "$sallyport" detect "$two" --area 1,2,3
	expect cli_detect_empty_area 2 'sides are 1 pixel at least' "$sallyport" detect "$two" --area 0,0,0,9
	expect cli_detect_huge_area 2 'X,Y,WIDTH,HEIGHT' "$sallyport" detect "$two" --area 4294967296,0,9,9
	expect cli_detect_nothing_to_look_at 1 'look at the whole' "$sallyport" detect "$two" --only-areas
	expect cli_detect_f32 0 'valid' "$sallyport" detect "$two" --precision f32
	expect cli_detect_bad_precision 2 'f32, bf16 or auto' "$sallyport" detect "$two" --precision f16
	lfw=$shared/data/lfw_dev_small
	expect cli_compare_same 0 '"same":true' "$sallyport" compare --json \
		"$lfw/Tom_Crean/Tom_Crean_0002.jpg" "$lfw/Tom_Crean/Tom_Crean_0003.jpg"
	expect cli_compare_other 0 '"same":false' "$sallyport" compare --json \
		"$lfw/Tom_Crean/Tom_Crean_0002.jpg" "$lfw/John_Rosa/John_Rosa_0001.jpg"
	expect cli_compare_says_meaning 0 'different people' "$sallyport" compare \
		"$lfw/Tom_Crean/Tom_Crean_0002.jpg" "$lfw/John_Rosa/John_Rosa_0001.jpg"
	expect cli_compare_one 2 'give two pictures' "$sallyport" compare "$two"
	expect cli_compare_fmr_range 1 '--fmr' "$sallyport" compare --fmr 0.5 "$two" "$two"
else
	skip cli_pictures "no models in $shared/models (set SALLYPORT_SHARED)"
fi
exit $failed
