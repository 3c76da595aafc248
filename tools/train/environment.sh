# SPDX-License-Identifier: Apache-2.0
# What recipe and check_curve share; sourced at the top of the tree. Sets $python.
# $TRAIN_PYTHON: an interpreter that has requirements.txt's packages; else one is made under build/train.
python=${TRAIN_PYTHON:-}
if [ -z "$python" ]; then
	python=build/train/venv/bin/python
	if ! cmp -s tools/train/requirements.txt build/train/venv/made; then
		mkdir -p build/train
		python3 -m venv build/train/venv
		"$python" -m pip install --quiet --requirement tools/train/requirements.txt
		cp tools/train/requirements.txt build/train/venv/made
	fi
fi
# One thread a process: a curve repeats only with the same number. Big tensors come from one heap that
# is never given back: fresh pages from the kernel would cost a third of the time.
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
export MALLOC_ARENA_MAX=1 MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456
