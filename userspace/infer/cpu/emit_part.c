/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of tensors, means of windows and products of two tensors: plain loops. */
#include "infer/cpu/emit.h"

#include <string.h>

#include "infer/shape_infer.h"

/* ---- parts ---------------------------------------------------------------------------------- */

/* @shape of the node's input 0, from @from on with steps of @step along each axis. */
static void emit_take(struct sp_plan *plan, const struct sp_node *node, const int64_t *from,
		      const int64_t *by, const struct sp_shape *shape)
{
	const struct sp_shape *whole = &plan->shapes->of[node->inputs[0]];
	struct sp_operand x = sp_emit_plain(plan, node->inputs[0]), y;
	int64_t stride = 1;
	struct sp_step *step;

	if (plan->error)
		return;
	sp_plan_plain(shape, &y.desc);
	y.buffer = sp_plan_buffer(plan, &y.desc);
	step = sp_plan_loop(plan, "part", sp_emit_walk, x.buffer, SP_NONE, y.buffer);
	if (!step)
		return;
	step->shape = *shape;
	step->strides.rank = shape->rank;
	step->n[0] = 0;
	for (unsigned int d = shape->rank; d--; stride *= whole->dim[d]) {
		step->strides.dim[d] = stride * by[d];
		step->n[0] += stride * from[d];
	}
	sp_plan_set(plan, node->output, y);
}

void sp_emit_slice(struct sp_plan *plan, const struct sp_node *node)
{
	int64_t from[SP_RANK_MAX], step[SP_RANK_MAX];
	struct sp_shape shape;

	/* The shapes have been inferred, so this has worked before. */
	if (!sp_infer_slice_of(plan->shapes, node, from, step, &shape))
		emit_take(plan, node, from, step, &shape);
}

void sp_emit_split(struct sp_plan *plan, const struct sp_node *node)
{
	const struct sp_shape *shape = &plan->shapes->of[node->output];
	int64_t from[SP_RANK_MAX] = { 0 }, step[SP_RANK_MAX], n;
	int64_t axis = node->split.axis + (node->split.axis < 0 ? (int64_t)shape->rank : 0);

	for (unsigned int d = 0; d < shape->rank; d++)
		step[d] = 1;
	if (!sp_infer_split_part(plan->shapes, node, (unsigned int)axis, &from[axis], &n))
		emit_take(plan, node, from, step, shape);
}

/*
 * n: runs, floats a run, floats from run to run in the source and in the result; shape: where the
 * first one begins in both.
 */
static void pick(const struct sp_step *step)
{
	for (int64_t i = 0; i < step->n[0]; i++)
		memcpy(step->dst + step->shape.dim[1] + i * step->n[3],
		       step->src + step->shape.dim[0] + i * step->n[2],
		       (size_t)step->n[1] * sizeof(*step->dst));
}

void sp_emit_gather(struct sp_plan *plan, const struct sp_node *node)
{
	const struct sp_shape *whole = &plan->shapes->of[node->inputs[0]];
	const int64_t *picks = plan->shapes->ints[node->inputs[1]];
	int64_t picks_n = sp_shape_elements(&plan->shapes->of[node->inputs[1]]);
	unsigned int axis = (unsigned int)(node->axis < 0 ? node->axis + whole->rank : node->axis);
	int64_t outer = 1, inner = 1, all = whole->dim[axis];
	struct sp_operand x = sp_emit_plain(plan, node->inputs[0]), y;

	for (unsigned int d = 0; d < whole->rank; d++)
		if (d != axis)
			*(d < axis ? &outer : &inner) *= whole->dim[d];
	sp_plan_plain(&plan->shapes->of[node->output], &y.desc);
	y.buffer = plan->error ? SP_NONE : sp_plan_buffer(plan, &y.desc);
	for (int64_t i = 0; i < picks_n && !plan->error; i++) {
		int64_t at = picks[i] + (picks[i] < 0 ? all : 0);
		struct sp_step *step = sp_plan_loop(plan, "gather", pick, x.buffer, SP_NONE,
						    y.buffer);

		if (!step)
			return;
		memcpy(step->n, (int64_t[]){ outer, inner, all * inner, picks_n * inner },
		       sizeof(step->n));
		step->shape = (struct sp_shape){ .rank = 2, .dim = { at * inner, i * inner } };
	}
	sp_plan_set(plan, node->output, y);
}

void sp_emit_expand(struct sp_plan *plan, const struct sp_node *node)
{
	const struct sp_shape *shape = &plan->shapes->of[node->output];
	struct sp_operand x = sp_emit_plain(plan, node->inputs[0]);

	sp_plan_set(plan, node->output,
		    sp_emit_broadcast(plan, sp_emit_widen(plan, x, shape->rank), shape));
}

/* ---- means of windows ----------------------------------------------------------------------- */

/*
 * n: planes, rows and columns of padding that counts below and to the right, whether any counts;
 * shape: the window's height, width, strides, padding above and to the left; strides: height and
 * width of a plane of the source and of the result.
 */
static void mean_of_windows(const struct sp_step *step)
{
	const int64_t *w = step->shape.dim, *size = step->strides.dim;
	float *dst = step->dst;

	for (int64_t i = 0; i < step->n[0] * size[2] * size[3]; i++) {
		const float *plane = step->src + i / (size[2] * size[3]) * size[0] * size[1];
		int64_t top = i / size[3] % size[2] * w[2] - w[4], left = i % size[3] * w[3] - w[5];
		int64_t bottom = top + w[0], right = left + w[1], counted;
		double sum = 0;

		/* What is counted ends with the padding; what is added up with the picture. */
		bottom = bottom < size[0] + step->n[1] ? bottom : size[0] + step->n[1];
		right = right < size[1] + step->n[2] ? right : size[1] + step->n[2];
		counted = (bottom - top) * (right - left);
		top = top > 0 ? top : 0;
		left = left > 0 ? left : 0;
		bottom = bottom < size[0] ? bottom : size[0];
		right = right < size[1] ? right : size[1];
		if (!step->n[3])
			counted = (bottom - top) * (right - left);
		for (int64_t y = top; y < bottom; y++)
			for (int64_t x = left; x < right; x++)
				sum += (double)plane[y * size[1] + x];
		*dst++ = (float)(sum / (double)counted);
	}
}

void sp_emit_avgpool(struct sp_plan *plan, const struct sp_node *node)
{
	const struct sp_window *window = &node->window;
	const struct sp_shape *from = &plan->shapes->of[node->inputs[0]];
	const struct sp_shape *to = &plan->shapes->of[node->output];
	struct sp_operand x = sp_emit_plain(plan, node->inputs[0]), y;
	int64_t before[2], after[2];
	struct sp_step *step;

	if (plan->error)
		return;
	sp_plan_plain(to, &y.desc);
	y.buffer = sp_plan_buffer(plan, &y.desc);
	step = sp_plan_loop(plan, "mean of windows", mean_of_windows, x.buffer, SP_NONE, y.buffer);
	if (!step)
		return;
	for (unsigned int axis = 0; axis < 2; axis++)
		sp_window_out(window, axis, from->dim[2 + axis], &before[axis], &after[axis]);
	memcpy(step->n,
	       (int64_t[]){ from->dim[0] * from->dim[1], after[0], after[1],
			    window->count_padding },
	       sizeof(step->n));
	step->shape = (struct sp_shape){ .rank = 6,
					 .dim = { window->kernel[0], window->kernel[1],
						  window->stride[0], window->stride[1], before[0],
						  before[1] } };
	step->strides = (struct sp_shape){
		.rank = 4, .dim = { from->dim[2], from->dim[3], to->dim[2], to->dim[3] }
	};
	sp_plan_set(plan, node->output, y);
}

/* ---- products ------------------------------------------------------------------------------- */

/* n: how many products, of n[1] × n[2] by n[2] × n[3]. */
static void multiply(const struct sp_step *step)
{
	int64_t rows = step->n[1], inner = step->n[2], columns = step->n[3];

	for (int64_t i = 0; i < step->n[0] * rows; i++) {
		const float *a = step->src + i * inner;
		const float *b = step->also + i / rows * inner * columns;
		float *restrict dst = step->dst + i * columns;

		memset(dst, 0, (size_t)columns * sizeof(*dst));
		for (int64_t k = 0; k < inner; k++, b += columns)
			for (int64_t c = 0; c < columns; c++)
				dst[c] += a[k] * b[c];
	}
}

/* Input @i of @node, repeated so that there is one for each product of @shape. */
static struct sp_operand stack(struct sp_plan *plan, const struct sp_node *node, unsigned int i,
			       const struct sp_shape *shape)
{
	const struct sp_shape *from = &plan->shapes->of[node->inputs[i]];
	struct sp_operand x = sp_emit_plain(plan, node->inputs[i]);
	struct sp_shape whole = *shape;

	whole.dim[whole.rank - 2] = from->dim[from->rank - 2];
	whole.dim[whole.rank - 1] = from->dim[from->rank - 1];
	if (plan->error || sp_shape_elements(&whole) == sp_shape_elements(from))
		return x;
	return sp_emit_broadcast(plan, sp_emit_widen(plan, x, whole.rank), &whole);
}

void sp_emit_matmul(struct sp_plan *plan, const struct sp_node *node)
{
	const struct sp_shape *shape = &plan->shapes->of[node->output];
	const struct sp_shape *from = &plan->shapes->of[node->inputs[0]];
	int64_t rows = shape->dim[shape->rank - 2], columns = shape->dim[shape->rank - 1];
	struct sp_operand a = stack(plan, node, 0, shape), b = stack(plan, node, 1, shape), y;
	struct sp_step *step;

	if (plan->error)
		return;
	sp_plan_plain(shape, &y.desc);
	y.buffer = sp_plan_buffer(plan, &y.desc);
	step = sp_plan_loop(plan, "product", multiply, a.buffer, b.buffer, y.buffer);
	if (!step)
		return;
	memcpy(step->n,
	       (int64_t[]){ sp_shape_elements(shape) / (rows * columns), rows,
			    from->dim[from->rank - 1], columns },
	       sizeof(step->n));
	sp_plan_set(plan, node->output, y);
}
