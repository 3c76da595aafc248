#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command line as a person and a script meet it: exit codes, one clear line for each mistake, JSON.
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
	'journal verify' stats 'config check'; do
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
