#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `sallyport cameras` on simulated cameras: found, shown, and clear words where there are none.
# TOGETHER: see Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/integration/lib.sh
[ "$(id -u)" = 0 ] || { skip cameras "network namespaces need root (discovery asks every interface)"; exit 0; }
own_network "$@"

"$sallyport" cameras list >"$work/out" 2>"$work/err"
status=$?
if [ $status = 3 ] && grep -q 'no camera answered' "$work/out"; then ok cameras_none
else not_ok cameras_none "status $status: $(cat "$work/out" "$work/err")"; fi
"$sallyport" cameras show 127.0.0.9 >"$work/out" 2>"$work/err"
status=$?
if [ $status = 1 ] && grep -q '127.0.0.9' "$work/err" && [ "$(wc -l <"$work/err")" = 1 ]; then ok cameras_show_absent
else not_ok cameras_show_absent "status $status: $(cat "$work/err")"; fi

start_gvcam cameras --address 127.0.0.2 --cameras 2 --pattern || { not_ok cameras "gvcam did not start"; exit 1; }
"$sallyport" cameras list --json >"$work/out" 2>"$work/err"
found=$(python3 -c 'import json,sys; print(*sorted(json.loads(l)["address"] for l in open(sys.argv[1])))' "$work/out")
[ "$found" = "127.0.0.2 127.0.0.3" ] && ok cameras_list || not_ok cameras_list "'$found' $(cat "$work/err")"
"$sallyport" cameras list | grep -q '^127.0.0.2 ' && ok cameras_table || not_ok cameras_table "no line of 127.0.0.2"
"$sallyport" cameras show 127.0.0.3 Width PixelFormat --json >"$work/out" 2>"$work/err"
[ "$(cat "$work/out")" = '{"Width":"640","PixelFormat":"Mono8"}' ] && ok cameras_show ||
	not_ok cameras_show "$(cat "$work/out" "$work/err")"
"$sallyport" cameras show 127.0.0.2 NoSuchFeature >"$work/out" 2>"$work/err"
status=$?
if [ $status = 1 ] && grep -q NoSuchFeature "$work/err"; then ok cameras_show_unknown_feature
else not_ok cameras_show_unknown_feature "status $status: $(cat "$work/err")"; fi

# A configuration may name cameras by serial or id. Their addresses are not known beforehand to be loopback.
config "$work/named.yaml" none
id=$("$sallyport" cameras list --json | sed -n 's/.*"id":"\([^"]*\)","address":"127.0.0.3".*/\1/p')
sed -i "s/address: 127.0.0.2/address: SP7F000002/
/name: one/a\\      - {name: two, address: $id, width: 640, height: 480, pixel_format: Mono8, fps: 20}" "$work/named.yaml"
"$sallyport" run -c "$work/named.yaml" --duration 4 --allow-unencrypted --json >"$work/out" 2>"$work/err" ||
	not_ok cameras_by_name "$(tail -n 1 "$work/err")"
for i in 0 1; do
	frames=$(number "$work/out" streams $i frames_complete)
	[ "${frames:-0}" -gt 0 ] && ok "cameras_by_name_$i ($frames frames)" || not_ok cameras_by_name_$i "$(cat "$work/err")"
done
exit $failed
