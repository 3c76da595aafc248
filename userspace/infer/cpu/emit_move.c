/* SPDX-License-Identifier: Apache-2.0 */
/* Loops of our own, and nodes that move or rename without arithmetic. */
#include "infer/cpu/emit.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* ---- nearest upsampling --------------------------------------------------------------------- */

/*
 * n: planes, source height and width, floats a place; shape: the factors along H and W. Adds the
 * second source if there is one. oneDNN's resampling with an addition falls to its reference code
 * (28 ms a frame for what takes less than one here).
 */
static void upsample_row(const float *src, const float *also, float *restrict dst, int64_t width,
			 int64_t block, int64_t factor)
{
	for (int64_t x = 0; x < width; x++, src += block)
		for (int64_t k = 0; k < factor; k++, dst += block) {
			if (!also) {
				memcpy(dst, src, (size_t)block * sizeof(*dst));
				continue;
			}
			for (int64_t i = 0; i < block; i++)
				dst[i] = src[i] + also[i];
			also += block;
		}
}

static void upsample(const struct sp_step *step)
{
	int64_t width = step->n[2], block = step->n[3], row = width * block;
	int64_t wide = row * step->shape.dim[1], at = 0;

	for (int64_t y = 0; y < step->n[0] * step->n[1]; y++)
		for (int64_t k = 0; k < step->shape.dim[0]; k++, at += wide)
			upsample_row(step->src + y * row, step->also ? step->also + at : NULL,
				     step->dst + at, width, block, step->shape.dim[1]);
}

/* The whole factor along @axis that the shapes were made with. */
static int64_t resize_factor(const struct sp_plan *plan, const struct sp_node *node,
			     unsigned int axis)
{
	int64_t size = plan->shapes->of[node->inputs[0]].dim[axis];

	if (node->inputs[2] != SP_NONE)
		return plan->shapes->ints[node->inputs[2]][axis] / size;
	return (int64_t)plan->graph->tensors[node->inputs[1]].floats[axis];
}

void sp_emit_resize(struct sp_plan *plan, const struct sp_node *node)
{
	struct sp_operand x = sp_plan_get(plan, node->inputs[0]), y, add = { .buffer = SP_NONE };
	int64_t high = resize_factor(plan, node, 2), wide = resize_factor(plan, node, 3), n[4];
	struct sp_shape out = plan->shapes->of[node->inputs[0]];
	bool fused = false;
	dnnl_format_tag_t tag;
	struct sp_step *step;

	if (plan->error || !sp_plan_planes(&x.desc, n, &tag)) {
		sp_plan_fail(plan, -ENOTSUP, "this layout is not supported");
		return;
	}
	out.dim[2] *= high;
	out.dim[3] *= wide;
	if (node->residual != SP_NONE)
		fused = sp_shape_equal(&plan->shapes->of[node->residual], &out);
	sp_plan_tagged(plan, &out, tag, &y.desc);
	if (plan->error)
		return;
	if (fused)
		add.buffer = sp_plan_in(plan, node->residual, &y.desc);
	y.buffer = sp_plan_buffer(plan, &y.desc);
	step = sp_plan_loop(plan, "upsample", upsample, x.buffer, add.buffer, y.buffer);
	if (!step)
		return;
	memcpy(step->n, n, sizeof(n));
	step->shape = (struct sp_shape){ .rank = 2, .dim = { high, wide } };
	if (node->residual != SP_NONE && !fused)
		y = sp_emit_add(plan, y, sp_plan_get(plan, node->residual));
	sp_plan_set(plan, node->output, y);
}

/* ---- softmax -------------------------------------------------------------------------------- */

/* n: how many times, over how many values, how far apart they stand. */
static void softmax(const struct sp_step *step)
{
	int64_t n = step->n[1], stride = step->n[2];

	for (int64_t i = 0; i < step->n[0] * stride; i++) {
		const float *src = step->src + i / stride * n * stride + i % stride;
		float *dst = step->dst + (src - step->src);
		float top = src[0];
		double sum = 0;

		for (int64_t k = 1; k < n; k++)
			top = fmaxf(top, src[k * stride]);
		for (int64_t k = 0; k < n; k++)
			sum += dst[k * stride] = expf(src[k * stride] - top);
		for (int64_t k = 0; k < n; k++)
			dst[k * stride] = (float)(dst[k * stride] / sum);
	}
}

struct sp_operand sp_emit_plain(struct sp_plan *plan, uint32_t tensor)
{
	struct sp_operand value;

	sp_plan_plain(&plan->shapes->of[tensor], &value.desc);
	value.buffer = sp_plan_in(plan, tensor, &value.desc);
	return value;
}

void sp_emit_softmax(struct sp_plan *plan, const struct sp_node *node)
{
	const struct sp_shape *shape = &plan->shapes->of[node->output];
	unsigned int axis = (unsigned int)(node->axis < 0 ? node->axis + shape->rank : node->axis);
	struct sp_operand x = sp_emit_plain(plan, node->inputs[0]), y = x;
	int64_t n[3] = { 1, 1, 1 };
	struct sp_step *step;

	for (unsigned int i = 0; i < shape->rank; i++)
		n[i < axis ? 0 : i == axis || node->flat ? 1 : 2] *= shape->dim[i];
	if (plan->error)
		return;
	y.buffer = sp_plan_buffer(plan, &y.desc);
	step = sp_plan_loop(plan, "softmax", softmax, x.buffer, SP_NONE, y.buffer);
	if (!step)
		return;
	memcpy(step->n, n, sizeof(n));
	sp_plan_set(plan, node->output, y);
}

/* ---- copies --------------------------------------------------------------------------------- */

void sp_emit_walk(const struct sp_step *step)
{
	int64_t n = sp_shape_elements(&step->shape), index[SP_RANK_MAX] = { 0 }, at = step->n[0];

	for (int64_t i = 0; i < n; i++) {
		step->dst[i] = step->src[at];
		for (unsigned int d = step->shape.rank; d--;) {
			at += step->strides.dim[d];
			if (++index[d] < step->shape.dim[d])
				break;
			at -= step->strides.dim[d] * index[d];
			index[d] = 0;
		}
	}
}

struct sp_operand sp_emit_broadcast(struct sp_plan *plan, struct sp_operand x,
				    const struct sp_shape *shape)
{
	struct sp_operand y = { .buffer = SP_NONE };
	struct sp_step *step;
	int64_t stride = 1;

	if (plan->error)
		return y;
	sp_plan_plain(shape, &y.desc);
	y.buffer = sp_plan_buffer(plan, &y.desc);
	step = sp_plan_loop(plan, "repeat", sp_emit_walk, x.buffer, SP_NONE, y.buffer);
	if (!step)
		return y;
	step->shape = *shape;
	step->strides.rank = shape->rank;
	for (unsigned int d = shape->rank; d--;) {
		step->strides.dim[d] = x.desc.dims[d] == 1 ? 0 : stride;
		stride *= x.desc.dims[d];
	}
	return y;
}

/* n: runs, floats a run, floats from run to run in the result, and where the first one starts. */
static void copy_runs(const struct sp_step *step)
{
	for (int64_t i = 0; i < step->n[0]; i++)
		memcpy(step->dst + step->n[3] + i * step->n[2], step->src + i * step->n[1],
		       (size_t)step->n[1] * sizeof(*step->dst));
}

void sp_emit_concat(struct sp_plan *plan, const struct sp_node *node)
{
	const struct sp_shape *shape = &plan->shapes->of[node->output];
	unsigned int axis = (unsigned int)(node->axis < 0 ? node->axis + shape->rank : node->axis);
	int64_t outer = 1, inner = 1, at = 0;
	struct sp_operand y;

	for (unsigned int i = 0; i < shape->rank; i++)
		*(i < axis ? &outer : &inner) *= shape->dim[i];
	sp_plan_plain(shape, &y.desc);
	y.buffer = sp_plan_buffer(plan, &y.desc);
	for (uint32_t i = 0; i < node->inputs_n && !plan->error; i++) {
		struct sp_operand x = sp_emit_plain(plan, node->inputs[i]);
		int64_t run = sp_shape_elements(&plan->shapes->of[node->inputs[i]]) / outer;
		struct sp_step *step;

		if (plan->error)
			return;
		step = sp_plan_loop(plan, "concat", copy_runs, x.buffer, SP_NONE, y.buffer);
		if (!step)
			return;
		memcpy(step->n, (int64_t[]){ outer, run, inner, at }, sizeof(step->n));
		at += run;
	}
	sp_plan_set(plan, node->output, y);
}

/* ---- the same values under other dimensions ------------------------------------------------- */

/* No step at all: the layout says how the axes lie, and who reads it reorders if that matters. */
void sp_emit_transpose(struct sp_plan *plan, const struct sp_node *node)
{
	int rank = (int)plan->shapes->of[node->output].rank, back[SP_RANK_MAX];
	struct sp_operand x = sp_plan_get(plan, node->inputs[0]), y = x;

	for (int i = 0; i < rank; i++)
		back[node->perm.n ? node->perm.of[i] : rank - 1 - i] = i;
	if (!plan->error && rank)
		sp_plan_check(plan, dnnl_memory_desc_permute_axes(&y.desc, &x.desc, back));
	sp_plan_set(plan, node->output, y);
}

void sp_emit_rename(struct sp_plan *plan, const struct sp_node *node)
{
	struct sp_operand value = sp_emit_plain(plan, node->inputs[0]);

	sp_plan_plain(&plan->shapes->of[node->output], &value.desc);
	sp_plan_set(plan, node->output, value);
}
