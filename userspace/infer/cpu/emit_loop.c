/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic behind islands that is too small for a kernel of its own. */
#include "infer/cpu/emit.h"

#include <string.h>

enum {
	LANES = 16, /* sums side by side, for the compiler to make vectors of */
	GEMM_MACS_MAX = 1 << 18, /* of a loop; more is oneDNN's */
};

/*
 * e^x within 2 units of the last place, without a branch, so that loops of it become vectors: x =
 * n · ln 2 + r, where ln 2 is in two parts of which the first has zeros at its end, so that n times
 * it is exact; e^r, |r| ≤ ln 2 / 2, is a polynomial (the Taylor series to r^7 has an error of
 * 6e-9); 2^n is made by its exponent. Below -87 this is about 1e-38, above 88 about 1e38.
 */
static inline float exponential(float x)
{
	const float round = 12582912; /* 1.5 · 2^23: adding it leaves no places after the point */
	const float high = 0.693359375f, low = -2.12194440e-4f;
	float shifted, n, r, sum;
	uint32_t bits;

	x = x < -87 ? -87 : x;
	x = x > 88 ? 88 : x;
	shifted = x * 1.44269504f + round;
	n = shifted - round;
	r = x - n * high - n * low;
	sum = 1.0f / 5040;
	sum = sum * r + 1.0f / 720;
	sum = sum * r + 1.0f / 120;
	sum = sum * r + 1.0f / 24;
	sum = sum * r + 1.0f / 6;
	sum = sum * r + 0.5f;
	sum = sum * r + 1;
	sum = sum * r + 1;
	/* The last bits of the shifted number count n up or down. */
	memcpy(&bits, &shifted, sizeof(bits));
	bits = (bits + 127) << 23;
	memcpy(&n, &bits, sizeof(n));
	return sum * n;
}

/* n: how many. */
static void sigmoid(const struct sp_step *step)
{
	const float *src = step->src;
	float *restrict dst = step->dst;

	for (int64_t i = 0; i < step->n[0]; i++)
		dst[i] = 1 / (1 + exponential(-src[i]));
}

struct sp_operand sp_loop_sigmoid(struct sp_plan *plan, struct sp_operand x)
{
	struct sp_operand y = { sp_plan_buffer(plan, &x.desc), x.desc };
	struct sp_step *step = sp_plan_loop(plan, "sigmoid", sigmoid, x.buffer, SP_NONE, y.buffer);

	if (step)
		step->n[0] = (int64_t)(dnnl_memory_desc_get_size(&x.desc) / sizeof(float));
	return y;
}

/* n: planes, floats a plane. */
static void mean(const struct sp_step *step)
{
	int64_t size = step->n[1];

	for (int64_t i = 0; i < step->n[0]; i++) {
		const float *src = step->src + i * size;
		double sum[4] = { 0 };

		for (int64_t k = 0; k < size; k++)
			sum[k % 4] += src[k];
		step->dst[i] = (float)((sum[0] + sum[1] + sum[2] + sum[3]) / (double)size);
	}
}

struct sp_operand sp_loop_mean(struct sp_plan *plan, struct sp_operand x)
{
	struct sp_shape one = { .rank = 4, .dim = { x.desc.dims[0], x.desc.dims[1], 1, 1 } };
	struct sp_operand y = { .buffer = SP_NONE };
	struct sp_step *step;

	sp_plan_plain(&one, &y.desc);
	y.buffer = sp_plan_buffer(plan, &y.desc);
	step = sp_plan_loop(plan, "mean", mean, x.buffer, SP_NONE, y.buffer);
	if (step) {
		step->n[0] = one.dim[0] * one.dim[1];
		step->n[1] = x.desc.dims[2] * x.desc.dims[3];
	}
	return y;
}

/* n: rows of the source, of the weights, and how long they are. */
static void gemm(const struct sp_step *step)
{
	int64_t length = step->n[2];

	for (int64_t i = 0; i < step->n[0] * step->n[1]; i++) {
		const float *src = step->src + i / step->n[1] * length;
		const float *weights = step->weights + i % step->n[1] * length;
		float sums[LANES] = { 0 }, sum = step->bias ? step->bias[i % step->n[1]] : 0;
		int64_t k = 0;

		for (; k + LANES <= length; k += LANES)
			for (int64_t lane = 0; lane < LANES; lane++)
				sums[lane] += src[k + lane] * weights[k + lane];
		for (; k < length; k++)
			sums[k % LANES] += src[k] * weights[k];
		for (int64_t lane = 0; lane < LANES; lane++)
			sum += sums[lane];
		step->dst[i] = sum;
	}
}

bool sp_loop_fits_gemm(const struct sp_plan *plan, const struct sp_node *node)
{
	int64_t columns = plan->graph->tensors[node->inputs[1]].shape.dim[1];

	return sp_shape_elements(&plan->shapes->of[node->output]) * columns <= GEMM_MACS_MAX;
}

struct sp_operand sp_loop_gemm(struct sp_plan *plan, struct sp_operand x,
			       const struct sp_node *node)
{
	const struct sp_tensor *weights = &plan->graph->tensors[node->inputs[1]];
	struct sp_operand y = { .buffer = SP_NONE };
	struct sp_step *step;

	sp_plan_plain(&plan->shapes->of[node->output], &y.desc);
	y.buffer = sp_plan_buffer(plan, &y.desc);
	step = sp_plan_loop(plan, "product", gemm, x.buffer, SP_NONE, y.buffer);
	if (!step)
		return y;
	step->weights = weights->floats;
	if (node->inputs[2] != SP_NONE)
		step->bias = plan->graph->tensors[node->inputs[2]].floats;
	step->n[1] = weights->shape.dim[0];
	step->n[2] = weights->shape.dim[1];
	step->n[0] = sp_shape_elements(&plan->shapes->of[node->output]) / step->n[1];
	step->macs = (uint64_t)(step->n[0] * step->n[1] * step->n[2]);
	return y;
}
