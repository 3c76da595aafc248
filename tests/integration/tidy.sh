#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The rules of style that a machine can check.
set -u
cd "$(dirname "$0")/../.." || exit 1
if ! git rev-parse --git-dir >/dev/null 2>&1; then echo "skip tidy: not a git checkout"; exit 0; fi
failed=0
# report NAME: fails if something came on standard input.
report() {
	local found
	found=$(head -n 5)
	if [ -z "$found" ]; then echo "ok $1"; else echo "not ok $1: ${found//$'\n'/ | }"; failed=1; fi
}
code() { git ls-files '*.c' '*.h' '*.cu' '*.cpp'; }

git ls-files '*.c' '*.h' '*.cu' '*.cpp' '*.sh' '*.yaml' '*.service' Makefile '*Kbuild' tests/run tests/fuzz/run tools/setup tools/demo \
	.ci/run tools/completion | grep -v '^tests/fuzz/corpus/' | xargs grep -L 'SPDX-License-Identifier' | report tidy_spdx
git ls-files kmod | grep '\.[ch]$' | xargs grep -L 'GPL-2.0 OR MIT' | report tidy_kmod_licence
# 100 columns are the rule, a tab being 8; a gate only where a line is much longer.
code | xargs python3 -c '
import sys
for name in sys.argv[1:]:
    for n, line in enumerate(open(name, encoding="utf-8"), 1):
        if len(line.rstrip("\n").expandtabs(8)) > 110: print(f"{name}:{n}")' | report tidy_columns
code | xargs grep -nE '[ 	]+$' | report tidy_trailing_space
code | xargs grep -nwE 'TODO|FIXME|XXX|HACK' | report tidy_unfinished
code | grep -v -e userspace/app/backends.c | xargs grep -nE '#\s*if.*SP_HAVE_' | report tidy_ifdefs_in_one_place
# Nothing downstream is included: each folder with those it may include.
while read -r folder allowed; do
	git ls-files "userspace/$folder/*.[ch]" | xargs grep -nE '#include "[a-z]+/' |
		grep -vE "#include \"($allowed|$folder)/" | sed "s/^/$folder: /"
done <<'MAP' | report tidy_one_direction
base none
wire base
image base
capture base
frame base|wire|capture
control base|wire|frame
infer base|wire|frame
lane base|image|infer
journal base|lane
MAP
# The plugin has of the program what is pure, and no type of CUDA is outside of it.
git ls-files 'cuda/*' | xargs grep -nE '#include "[a-z]+/' | grep -vE '#include "(cuda|base|wire|frame|infer)/' |
	report tidy_cuda_direction
git ls-files 'userspace/*.[ch]' 'tools/*.[ch]' | xargs grep -nE 'cuda[A-Z][A-Za-z]+\(|cudaStream_t|cudnn[A-Z]' | report tidy_cuda_stays_inside
# The exit belongs to main.
git ls-files 'userspace/*.c' | xargs grep -nE '\b(exit|_exit)\(' | report tidy_exit_only_in_main
exit $failed
