/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/tuner_trial.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/diag.h"
#include "cuda/check.h"
#include "cuda/conv.h"
#include "infer/element.h"

enum {
	ROUNDS = 7,
	RUNS = 8, /* a round: long beside the resolution of events, half a microsecond */
	PATTERN = 1 << 20, /* bytes made on the host, then repeated on the device */
	COMPARED_MAX = 1 << 20, /* numbers of the result that are compared, first and last ones */
};

enum { X, RESIDUAL, Y, WORKSPACE, PIECES };

struct sp_trial {
	cudaStream_t stream;
	cudaEvent_t begin, end;
	void *memory[PIECES];
	size_t workspace;
	struct sp_device_tensor x, residual, y;
	bool has_residual;
	uint16_t *wanted, *got; /* `compared` numbers */
	size_t compared;
};

/* ---- numbers -------------------------------------------------------------------------------- */

/* Within ±1 by a fixed seed, so that sums cancel as those of a network do. */
static void make_pattern(uint16_t *to, size_t n)
{
	uint32_t seed = 1;

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		to[i] = sp_bf16_of((float)(int32_t)seed * 0x1p-31f);
	}
}

/* What @tensor has, channels that are padding as 0. */
static int fill(struct sp_trial *trial, const struct sp_device_tensor *tensor, struct sp_err *err)
{
	size_t pixel = tensor->pitch * sizeof(uint16_t), bytes = sp_tensor_bytes(tensor);
	size_t pattern = PATTERN / pixel * pixel, done = bytes < pattern ? bytes : pattern;
	uint16_t *numbers = malloc(done);
	int rc;

	if (!numbers)
		return sp_err_set(err, -ENOMEM, "out of memory");
	make_pattern(numbers, done / sizeof(uint16_t));
	for (size_t i = 0; i < done / sizeof(uint16_t); i++)
		if (i % tensor->pitch >= tensor->c)
			numbers[i] = 0;
	/* Returns when @numbers have been read; the device may have them later. */
	rc = SP_CUDA(err, cudaMemcpy(tensor->at, numbers, done, cudaMemcpyHostToDevice));
	if (!rc)
		rc = SP_CUDA(err, cudaDeviceSynchronize());
	while (!rc && done < bytes) {
		size_t n = done < bytes - done ? done : bytes - done;

		rc = SP_CUDA(err, cudaMemcpyAsync((uint8_t *)tensor->at + done, tensor->at, n,
						  cudaMemcpyDeviceToDevice, trial->stream));
		done += n;
	}
	if (!rc)
		rc = SP_CUDA(err, cudaStreamSynchronize(trial->stream));
	free(numbers);
	return rc;
}

/* ---- memory --------------------------------------------------------------------------------- */

static void lay_out(struct sp_trial *trial, const struct sp_conv *conv, uint32_t n)
{
	trial->x = (struct sp_device_tensor){ .type = SP_TENSOR_BF16,
					      .n = n,
					      .h = conv->h,
					      .w = conv->w,
					      .c = conv->c,
					      .pitch = conv->picture ? 4
								     : sp_tensor_pitch(conv->c) };
	trial->y = (struct sp_device_tensor){ .type = SP_TENSOR_BF16,
					      .n = n,
					      .h = conv->oh,
					      .w = conv->ow,
					      .c = conv->oc,
					      .pitch = sp_tensor_pitch(conv->oc) };
	trial->residual = trial->y;
	trial->compared = sp_tensor_bytes(&trial->y) / sizeof(uint16_t);
	if (trial->compared > COMPARED_MAX)
		trial->compared = COMPARED_MAX;
}

static int take(struct sp_trial *trial, struct sp_err *err)
{
	const size_t bytes[PIECES] = {
		[X] = sp_tensor_bytes(&trial->x),
		[RESIDUAL] = trial->has_residual ? sp_tensor_bytes(&trial->residual) : 0,
		[Y] = sp_tensor_bytes(&trial->y),
	};
	int rc;

	for (int i = 0; i < PIECES; i++) {
		if (!bytes[i])
			continue;
		rc = SP_CUDA(err, cudaMalloc(&trial->memory[i], bytes[i]));
		if (rc)
			return rc;
	}
	trial->x.at = trial->memory[X];
	trial->residual.at = trial->memory[RESIDUAL];
	trial->y.at = trial->memory[Y];
	trial->wanted = malloc(trial->compared * sizeof(uint16_t));
	trial->got = malloc(trial->compared * sizeof(uint16_t));
	if (!trial->wanted || !trial->got)
		return sp_err_set(err, -ENOMEM, "out of memory");
	rc = SP_CUDA(err, cudaEventCreateWithFlags(&trial->begin, cudaEventDefault));
	if (!rc)
		rc = SP_CUDA(err, cudaEventCreateWithFlags(&trial->end, cudaEventDefault));
	return rc;
}

int sp_trial_create(const struct sp_conv *conv, uint32_t n, bool residual, cudaStream_t stream,
		    struct sp_trial **ret_trial, struct sp_err *err)
{
	struct sp_trial *trial = calloc(1, sizeof(*trial));
	int rc;

	if (!trial)
		return sp_err_set(err, -ENOMEM, "out of memory");
	trial->stream = stream;
	trial->has_residual = residual;
	lay_out(trial, conv, n);
	rc = take(trial, err);
	if (!rc)
		rc = fill(trial, &trial->x, err);
	if (!rc && residual)
		rc = fill(trial, &trial->residual, err);
	if (rc) {
		sp_trial_destroy(trial);
		return rc;
	}
	*ret_trial = trial;
	return 0;
}

void sp_trial_destroy(struct sp_trial *trial)
{
	if (trial->end)
		cudaEventDestroy(trial->end);
	if (trial->begin)
		cudaEventDestroy(trial->begin);
	free(trial->got);
	free(trial->wanted);
	for (int i = 0; i < PIECES; i++)
		cudaFree(trial->memory[i]);
	free(trial);
}

/* ---- running -------------------------------------------------------------------------------- */

static int run_times(struct sp_trial *trial, sp_trial_run run, void *arg, unsigned int times,
		     struct sp_err *err)
{
	struct sp_conv_run one = {
		.x = &trial->x,
		.y = &trial->y,
		.residual = trial->has_residual ? &trial->residual : NULL,
	};
	int rc = 0;

	for (unsigned int i = 0; !rc && i < times; i++)
		rc = run(arg, trial->stream, &one, trial->memory[WORKSPACE], err);
	return rc;
}

/* The first and the last numbers of y. */
static int read_result(struct sp_trial *trial, uint16_t *to, struct sp_err *err)
{
	size_t all = sp_tensor_bytes(&trial->y) / sizeof(uint16_t), half = trial->compared / 2;
	const uint16_t *at = trial->y.at;
	int rc = SP_CUDA(err, cudaStreamSynchronize(trial->stream));

	if (!rc)
		rc = SP_CUDA(err, cudaMemcpy(to, at, half * sizeof(*to), cudaMemcpyDeviceToHost));
	if (!rc)
		rc = SP_CUDA(err, cudaMemcpy(to + half, at + all - (trial->compared - half),
					     (trial->compared - half) * sizeof(*to),
					     cudaMemcpyDeviceToHost));
	return rc;
}

/* Once, from a result that is no number: what is not written is found. */
static int run_once(struct sp_trial *trial, sp_trial_run run, void *arg, uint16_t *result,
		    struct sp_err *err)
{
	int rc = SP_CUDA(
		err, cudaMemsetAsync(trial->y.at, 0xFF, sp_tensor_bytes(&trial->y), trial->stream));

	if (!rc)
		rc = run_times(trial, run, arg, 1, err);
	if (!rc)
		rc = read_result(trial, result, err);
	return rc;
}

static int compare_floats(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static int time_runs(struct sp_trial *trial, sp_trial_run run, void *arg, float *ret_us,
		     struct sp_err *err)
{
	float ms[ROUNDS] = { 0 };
	int rc = 0;

	for (int i = 0; !rc && i < ROUNDS; i++) {
		rc = SP_CUDA(err, cudaEventRecord(trial->begin, trial->stream));
		if (!rc)
			rc = run_times(trial, run, arg, RUNS, err);
		if (!rc)
			rc = SP_CUDA(err, cudaEventRecord(trial->end, trial->stream));
		if (!rc)
			rc = SP_CUDA(err, cudaEventSynchronize(trial->end));
		if (!rc)
			rc = SP_CUDA(err, cudaEventElapsedTime(&ms[i], trial->begin, trial->end));
	}
	qsort(ms, ROUNDS, sizeof(ms[0]), compare_floats);
	*ret_us = ms[ROUNDS / 2] * 1000 / RUNS;
	return rc;
}

int sp_trial_reference(struct sp_trial *trial, sp_trial_run run, void *arg, float *ret_us,
		       struct sp_err *err)
{
	int rc = run_once(trial, run, arg, trial->wanted, err);

	return rc ? rc : time_runs(trial, run, arg, ret_us, err);
}

/*
 * Sums of the same products in another order, rounded to 8 bits: two steps of the number itself, and
 * of those near 0 where large ones cancelled, a thousandth of the largest.
 */
static bool agree(const struct sp_trial *trial)
{
	float largest = 0;

	for (size_t i = 0; i < trial->compared; i++)
		largest = fmaxf(largest, fabsf(sp_bf16_to_float(trial->wanted[i])));
	for (size_t i = 0; i < trial->compared; i++) {
		float want = sp_bf16_to_float(trial->wanted[i]);
		float got = sp_bf16_to_float(trial->got[i]);

		if (!(fabsf(got - want) <= fabsf(want) * 0x1p-6f + largest * 0x1p-10f))
			return false;
	}
	return true;
}

/* As large as the largest that was asked for. */
static int take_workspace(struct sp_trial *trial, size_t size, struct sp_err *err)
{
	int rc;

	if (size <= trial->workspace)
		return 0;
	cudaFree(trial->memory[WORKSPACE]);
	trial->memory[WORKSPACE] = NULL;
	trial->workspace = 0;
	rc = SP_CUDA(err, cudaMalloc(&trial->memory[WORKSPACE], size));
	if (!rc)
		trial->workspace = size;
	return rc;
}

int sp_trial_compete(struct sp_trial *trial, sp_trial_run run, void *arg, size_t workspace,
		     float *ret_us, struct sp_err *err)
{
	int rc = take_workspace(trial, workspace, err);

	if (!rc)
		rc = run_once(trial, run, arg, trial->got, err);
	if (!rc && !agree(trial))
		rc = sp_err_set(err, -ERANGE, "it computes something else than our kernel");
	return rc ? rc : time_runs(trial, run, arg, ret_us, err);
}
