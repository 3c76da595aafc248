#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Synthetic people over real GVSP: two cameras of one lane, rendered before they answer, played at full rate.
#
#   gvcam --lanesim 127.0.0.2, 127.0.0.3 ══GVSP══▶ sallyport run
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
own_network "$@"

expect() { # NAME STATUS TEXT ARGUMENT…
	local name=$1 status=$2 text=$3
	shift 3
	timeout 60 "$gvcam" "$@" >"$work/out" 2>&1
	local got=$?
	[ $got = "$status" ] && grep -qF -- "$text" "$work/out" && ok "$name" || not_ok "$name" "$got: $(head -c 300 "$work/out")"
}
expect gvcam_lanesim_or_pattern 2 'one of --pattern' --lanesim 1 --pattern
expect gvcam_lanesim_bad_post 2 "'roof' is none of" --lanesim 1 --lane-posts roof
expect gvcam_truth_without_lanesim 2 '--truth needs --lanesim' --truth "$work/truth"
expect gvcam_night_without_lanesim 2 '--night needs --lanesim' --night
expect gvcam_lanesim_too_much 1 'fewer --vehicles' --lanesim 1 --vehicles 4000 --width 2448 --height 2048

backend=none
have_models && export SALLYPORT_MODELS=$shared/models && backend=cpu
config "$work/sallyport.yaml" $backend
sed -i '/name: one/{p;s/one/two/;s/127.0.0.2/127.0.0.3/}' "$work/sallyport.yaml"
frames=150
start_gvcam lanesim --address 127.0.0.2 --cameras 2 --lanesim 5 --vehicles 2 --looks 3 --fps 50 --hold 50 --gap 25 \
	--lane-posts windshield-left,side-left --frames $frames --json ||
	{ not_ok gvcam_lanesim "gvcam did not start"; exit 1; }
"$sallyport" run -c "$work/sallyport.yaml" --duration 6 --json >"$work/stats.json" 2>"$work/run.err" ||
	{ not_ok gvcam_lanesim "$(cat "$work/run.err")"; exit 1; }
for stream in 0 1; do
	complete=$(number "$work/stats.json" streams $stream frames_complete)
	[ "$complete" = $frames ] && ok "gvcam_lanesim_frames_$stream" || not_ok "gvcam_lanesim_frames_$stream" "$complete of $frames"
done
[ "$(number "$work/stats.json" ledger_adds_up)" = True ] && ok gvcam_lanesim_ledger || not_ok gvcam_lanesim_ledger "$(cat "$work/stats.json")"
kill -INT "$gvcam_pid" 2>/dev/null
wait "$gvcam_pid"
[ $? = 0 ] && ok gvcam_lanesim_ends || not_ok gvcam_lanesim_ends "$(tail -n 3 "$work/lanesim.log")"
if [ $backend = cpu ]; then
	"$sallyport" encounters list -c "$work/sallyport.yaml" --json >"$work/encounters" 2>/dev/null
	# Of the two vehicles that went by, at least one had somebody in it who was seen well enough.
	seen=$(wc -l <"$work/encounters")
	[ "$seen" -ge 1 ] && ok gvcam_lanesim_people_are_seen || not_ok gvcam_lanesim_people_are_seen "$seen encounters"
else
	skip gvcam_lanesim_people_are_seen "no models in $shared/models (set SALLYPORT_SHARED)"
fi
exit $failed
