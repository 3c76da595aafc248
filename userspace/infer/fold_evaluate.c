/* SPDX-License-Identifier: Apache-2.0 */
/* Operators on constants, by plain loops: what a backend would compute anew for each frame. */
#include "infer/fold.h"

#include <math.h>
#include <string.h>

/* A node with its first two inputs; all shapes fit, as what is known of them says. */
struct work {
	const struct sp_graph *graph;
	const struct sp_node *node;
	const struct sp_tensor *x, *other; /* NULL: none */
	const struct sp_shape *shape; /* of the result */
	float *out;
	int64_t n;
};

/* The index of element @at of @shape. */
static void index_of(const struct sp_shape *shape, int64_t at, int64_t index[SP_RANK_MAX])
{
	for (unsigned int i = shape->rank; i--;) {
		index[i] = at % shape->dim[i];
		at /= shape->dim[i];
	}
}

/* The element of @shape, broadcast to @rank dimensions, at @index. */
static int64_t element_at(const struct sp_shape *shape, const int64_t *index, unsigned int rank)
{
	int64_t at = 0;

	for (unsigned int i = 0; i < shape->rank; i++)
		at = at * shape->dim[i] + (shape->dim[i] == 1 ? 0 : index[i + rank - shape->rank]);
	return at;
}

/* ---- element by element --------------------------------------------------------------------- */

static bool binary(const struct work *work)
{
	int64_t at[SP_RANK_MAX];

	for (int64_t i = 0; i < work->n; i++) {
		float a, b;

		index_of(work->shape, i, at);
		a = work->x->floats[element_at(&work->x->shape, at, work->shape->rank)];
		b = work->other->floats[element_at(&work->other->shape, at, work->shape->rank)];
		work->out[i] = work->node->op == SP_OP_ADD   ? a + b
			       : work->node->op == SP_OP_SUB ? a - b
			       : work->node->op == SP_OP_DIV ? a / b
							     : a * b;
	}
	return true;
}

static int64_t channel_of(const struct work *work, int64_t i)
{
	int64_t at[SP_RANK_MAX];

	index_of(work->shape, i, at);
	return at[1];
}

static bool affine(const struct work *work)
{
	const float *shift = work->graph->tensors[work->node->inputs[2]].floats;

	if (work->shape->rank < 2 || work->other->shape.dim[0] != work->shape->dim[1])
		return false;
	for (int64_t i = 0; i < work->n; i++) {
		int64_t c = channel_of(work, i);

		work->out[i] =
			(float)((double)work->x->floats[i] * work->other->floats[c] + shift[c]);
	}
	return true;
}

static bool activate(const struct work *work)
{
	const struct sp_activation *act = &work->node->act;
	const struct sp_tensor *slope = NULL;
	int64_t slopes = 0;

	if (act->kind == SP_ACT_PRELU) {
		slope = &work->graph->tensors[act->slope];
		slopes = sp_shape_elements(&slope->shape);
		if (slopes != 1 && (work->shape->rank < 2 || slopes != work->shape->dim[1]))
			return false;
	}
	for (int64_t i = 0; i < work->n; i++) {
		float v = work->x->floats[i];

		switch (act->kind) {
		case SP_ACT_RELU:
			v = v > 0 ? v : 0;
			break;
		case SP_ACT_CLIP:
			v = v < act->low ? act->low : v > act->high ? act->high : v;
			break;
		case SP_ACT_SIGMOID:
			v = (float)(1 / (1 + exp(-(double)v)));
			break;
		case SP_ACT_PRELU:
			if (v < 0)
				v *= slope->floats[slopes == 1 ? 0 : channel_of(work, i)];
			break;
		default:
			return false;
		}
		work->out[i] = v;
	}
	return true;
}

/* ---- sums of products, and windows ---------------------------------------------------------- */

static bool gemm(const struct work *work)
{
	uint32_t bias = work->node->inputs[2];
	int64_t rows = work->other->shape.dim[0], columns = work->other->shape.dim[1];

	for (int64_t i = 0; i < work->n; i++) {
		const float *x = work->x->floats + i / rows * columns;
		const float *w = work->other->floats + i % rows * columns;
		double sum = bias == SP_NONE ? 0 : work->graph->tensors[bias].floats[i % rows];

		for (int64_t k = 0; k < columns; k++)
			sum += (double)x[k] * w[k];
		work->out[i] = (float)sum;
	}
	return true;
}

/*
 * The input's element that tap @tap of the window over result @at reads in channel @c, or -1:
 * padding.
 */
static int64_t tap_at(const struct work *work, const int64_t at[4], int64_t c, int64_t tap)
{
	const struct sp_window *window = &work->node->window;
	const int64_t *dim = work->x->shape.dim;
	int64_t offset[2] = { tap / window->kernel[1], tap % window->kernel[1] }, place[2];

	for (unsigned int axis = 0; axis < 2; axis++) {
		int64_t before = 0, after;

		sp_window_out(window, axis, dim[2 + axis], &before, &after);
		place[axis] = at[2 + axis] * window->stride[axis] - before +
			      offset[axis] * window->dilation[axis];
		if (place[axis] < 0 || place[axis] >= dim[2 + axis])
			return -1;
	}
	return ((at[0] * dim[1] + c) * dim[2] + place[0]) * dim[3] + place[1];
}

static bool conv(const struct work *work)
{
	const struct sp_shape *weights = &work->other->shape;
	const struct sp_window *window = &work->node->window;
	int64_t per = weights->dim[1], taps = weights->dim[2] * weights->dim[3];
	uint32_t bias = work->node->inputs[2];

	for (int64_t i = 0; i < work->n; i++) {
		int64_t at[SP_RANK_MAX], first;
		double sum;

		index_of(work->shape, i, at);
		first = at[1] / (weights->dim[0] / window->group) * per;
		sum = bias == SP_NONE ? 0 : work->graph->tensors[bias].floats[at[1]];
		for (int64_t k = 0; k < per * taps; k++) {
			int64_t from = tap_at(work, at, first + k / taps, k % taps);

			if (from >= 0)
				sum += (double)work->x->floats[from] *
				       work->other->floats[at[1] * per * taps + k];
		}
		work->out[i] = (float)sum;
	}
	return true;
}

static bool maxpool(const struct work *work)
{
	const struct sp_window *window = &work->node->window;

	for (int64_t i = 0; i < work->n; i++) {
		int64_t at[SP_RANK_MAX];
		float best = -INFINITY;

		index_of(work->shape, i, at);
		for (int64_t k = 0; k < window->kernel[0] * window->kernel[1]; k++) {
			int64_t from = tap_at(work, at, at[1], k);

			if (from >= 0 && work->x->floats[from] > best)
				best = work->x->floats[from];
		}
		work->out[i] = best;
	}
	return true;
}

static bool mean(const struct work *work)
{
	int64_t size = work->x->shape.dim[2] * work->x->shape.dim[3];

	if (size < 1)
		return false;
	for (int64_t i = 0; i < work->n; i++) {
		double sum = 0;

		for (int64_t k = 0; k < size; k++)
			sum += work->x->floats[i * size + k];
		work->out[i] = (float)(sum / (double)size);
	}
	return true;
}

/* ---- values that move ----------------------------------------------------------------------- */

static bool rename_only(const struct work *work)
{
	if (sp_shape_elements(&work->x->shape) != work->n)
		return false;
	memcpy(work->out, work->x->floats, (size_t)work->n * sizeof(*work->out));
	return true;
}

static bool transpose(const struct work *work)
{
	const struct sp_node *node = work->node;
	unsigned int rank = work->shape->rank;
	int64_t at[SP_RANK_MAX], from[SP_RANK_MAX] = { 0 };

	for (int64_t i = 0; i < work->n; i++) {
		index_of(work->shape, i, at);
		for (unsigned int k = 0; k < rank; k++)
			from[node->perm.n ? node->perm.of[k] : rank - 1 - k] = at[k];
		work->out[i] = work->x->floats[element_at(&work->x->shape, from, rank)];
	}
	return true;
}

static bool resize(const struct work *work)
{
	const struct sp_shape *x = &work->x->shape;
	int64_t at[SP_RANK_MAX];

	for (unsigned int axis = 0; axis < 4; axis++)
		if (x->dim[axis] < 1 || work->shape->dim[axis] % x->dim[axis] ||
		    work->shape->dim[axis] / x->dim[axis] > (axis < 2 ? 1 : work->node->scale_max))
			return false;
	for (int64_t i = 0; i < work->n; i++) {
		index_of(work->shape, i, at);
		for (unsigned int axis = 2; axis < 4; axis++)
			at[axis] /= work->shape->dim[axis] / x->dim[axis];
		work->out[i] = work->x->floats[element_at(x, at, 4)];
	}
	return true;
}

static bool concat(const struct work *work)
{
	const struct sp_node *node = work->node;
	unsigned int rank = work->shape->rank;
	int64_t axis = node->axis + (node->axis < 0 ? rank : 0), done = 0, inner = 1;

	for (unsigned int i = (unsigned int)axis + 1; i < rank; i++)
		inner *= work->shape->dim[i];
	for (uint32_t i = 0; i < node->inputs_n; i++) {
		const struct sp_tensor *x = &work->graph->tensors[node->inputs[i]];
		int64_t row = x->shape.dim[axis] * inner, whole = work->shape->dim[axis] * inner;

		if (!x->floats)
			return false;
		for (int64_t k = 0; row && k < work->n / whole; k++)
			memcpy(work->out + k * whole + done, x->floats + k * row,
			       (size_t)row * sizeof(*work->out));
		done += row;
	}
	return true;
}

/* ---- all ------------------------------------------------------------------------------------ */

uint64_t sp_fold_work(const struct sp_graph *graph, const struct sp_node *node,
		      const struct sp_shape *shape)
{
	uint64_t n = (uint64_t)sp_shape_elements(shape);
	const struct sp_shape *weights;

	switch (node->op) {
	case SP_OP_CONV:
		weights = &graph->tensors[node->inputs[1]].shape;
		return n * (uint64_t)(weights->dim[1] * weights->dim[2] * weights->dim[3]);
	case SP_OP_GEMM:
		return n * (uint64_t)graph->tensors[node->inputs[1]].shape.dim[1];
	case SP_OP_MAXPOOL:
		return n * (uint64_t)(node->window.kernel[0] * node->window.kernel[1]);
	case SP_OP_MEAN:
		return (uint64_t)sp_shape_elements(&graph->tensors[node->inputs[0]].shape);
	default:
		return n;
	}
}

bool sp_fold_evaluate(const struct sp_graph *graph, const struct sp_node *node,
		      const struct sp_shape *shape, float *ret_data)
{
	static bool (*const evaluate[])(const struct work *work) = {
		[SP_OP_CONV] = conv,	       [SP_OP_GEMM] = gemm,
		[SP_OP_ADD] = binary,	       [SP_OP_SUB] = binary,
		[SP_OP_MUL] = binary,	       [SP_OP_AFFINE] = affine,
		[SP_OP_ACTIVATION] = activate, [SP_OP_MAXPOOL] = maxpool,
		[SP_OP_MEAN] = mean,	       [SP_OP_RESIZE] = resize,
		[SP_OP_TRANSPOSE] = transpose, [SP_OP_RESHAPE] = rename_only,
		[SP_OP_FLATTEN] = rename_only, [SP_OP_CONCAT] = concat,
		[SP_OP_SQUEEZE] = rename_only, [SP_OP_UNSQUEEZE] = rename_only,
	};
	uint32_t other = node->inputs_n > 1 ? node->inputs[1] : SP_NONE;
	struct work work = { graph,
			     node,
			     &graph->tensors[node->inputs[0]],
			     other == SP_NONE ? NULL : &graph->tensors[other],
			     shape,
			     ret_data,
			     sp_shape_elements(shape) };

	if (node->op >= sizeof(evaluate) / sizeof(evaluate[0]) || !evaluate[node->op])
		return false;
	/* These take two of floats. */
	if (evaluate[node->op] == binary && (!work.other || !work.other->floats))
		return false;
	return evaluate[node->op](&work);
}
