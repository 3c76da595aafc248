/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of one number, and what takes runs of values together: plain loops. */
#include "infer/cpu/emit.h"

#include <math.h>
#include <string.h>

#include "infer/element.h"
#include "infer/shape_infer.h"

/* ---- functions of one number ---------------------------------------------------------------- */

/* n: the kind, how many values; also: the function's two constants. */
static void each(const struct sp_step *step)
{
	enum sp_function_kind kind = (enum sp_function_kind)step->n[0];

	for (int64_t i = 0; i < step->n[1]; i++)
		step->dst[i] = sp_function_of(kind, step->also[0], step->also[1], step->src[i]);
}

/* Row-major @tensor, and a buffer for what becomes of it with @shape. */
static bool plain_pair(struct sp_plan *plan, uint32_t tensor, const struct sp_shape *shape,
		       struct sp_operand *ret_x, struct sp_operand *ret_y)
{
	*ret_x = sp_emit_plain(plan, tensor);
	sp_plan_plain(shape, &ret_y->desc);
	ret_y->buffer = plan->error ? SP_NONE : sp_plan_buffer(plan, &ret_y->desc);
	return !plan->error;
}

/* A constant of @n floats that the graph keeps. */
static uint32_t row(struct sp_plan *plan, const float *floats, int64_t n)
{
	dnnl_memory_desc_t desc;

	sp_plan_plain(&(struct sp_shape){ .rank = 1, .dim = { n } }, &desc);
	return sp_plan_constant(plan, floats, &desc, &desc);
}

void sp_emit_function(struct sp_plan *plan, const struct sp_node *node)
{
	const struct sp_shape *shape = &plan->shapes->of[node->output];
	struct sp_operand x, y;
	struct sp_step *step;

	if (!plain_pair(plan, node->inputs[0], shape, &x, &y))
		return;
	step = sp_plan_loop(plan, "function", each, x.buffer, row(plan, node->function.by, 2),
			    y.buffer);
	if (!step)
		return;
	step->n[0] = node->function.kind;
	step->n[1] = sp_shape_elements(shape);
	sp_plan_set(plan, node->output, y);
}

/* ---- reductions ----------------------------------------------------------------------------- */

struct gathering {
	enum sp_reduce_kind kind;
	double sum;
	float most, least;
	int64_t n;
};

static float gathered(const struct gathering *g)
{
	switch (g->kind) {
	case SP_REDUCE_MEAN:
		return (float)(g->sum / (double)g->n);
	case SP_REDUCE_SUM:
		return (float)g->sum;
	case SP_REDUCE_MAX:
		return g->most;
	case SP_REDUCE_MIN:
		return g->least;
	default:
		return (float)sqrt(g->sum);
	}
}

/*
 * shape, strides: of the source, the axes that stay before those that are taken together; n: the
 * kind, how many values make one.
 */
static void reduce(const struct sp_step *step)
{
	int64_t n = sp_shape_elements(&step->shape), index[SP_RANK_MAX] = { 0 }, at = 0;
	struct gathering g = { .kind = (enum sp_reduce_kind)step->n[0], .n = step->n[1] };
	float *dst = step->dst;

	for (int64_t i = 0; i < n; i++) {
		float x = step->src[at];

		if (i % g.n == 0) {
			g.sum = 0;
			g.most = g.least = x;
		}
		g.sum += g.kind == SP_REDUCE_L2 ? (double)x * (double)x : (double)x;
		g.most = x > g.most || isnan(x) ? x : g.most;
		g.least = x < g.least || isnan(x) ? x : g.least;
		if (i % g.n == g.n - 1)
			*dst++ = gathered(&g);
		for (unsigned int d = step->shape.rank; d--;) {
			at += step->strides.dim[d];
			if (++index[d] < step->shape.dim[d])
				break;
			at -= step->strides.dim[d] * index[d];
			index[d] = 0;
		}
	}
}

void sp_emit_reduce(struct sp_plan *plan, const struct sp_node *node)
{
	const struct sp_shape *from = &plan->shapes->of[node->inputs[0]];
	struct sp_shape shape = { 0 }, strides = { 0 };
	int64_t stride[SP_RANK_MAX], run = 1, together = 1;
	struct sp_operand x, y;
	struct sp_step *step;
	unsigned int mask;

	/* The shapes have been inferred, so the axes are good. */
	if (sp_infer_reduce_axes(plan->shapes, node, &mask) ||
	    !plain_pair(plan, node->inputs[0], &plan->shapes->of[node->output], &x, &y))
		return;
	for (unsigned int d = from->rank; d--; run *= from->dim[d])
		stride[d] = run;
	for (unsigned int pass = 0; pass < 2; pass++)
		for (unsigned int d = 0; d < from->rank; d++) {
			if ((mask >> d & 1) != pass)
				continue;
			strides.dim[shape.rank] = stride[d];
			shape.dim[shape.rank++] = from->dim[d];
			together *= pass ? from->dim[d] : 1;
		}
	step = sp_plan_loop(plan, "reduce", reduce, x.buffer, SP_NONE, y.buffer);
	if (!step)
		return;
	strides.rank = shape.rank;
	step->shape = shape;
	step->strides = strides;
	step->n[0] = node->reduce.kind;
	step->n[1] = together;
	sp_plan_set(plan, node->output, y);
}

/* ---- layer normalisation -------------------------------------------------------------------- */

/* n: runs, values a run; also: epsilon. */
static void normalise(const struct sp_step *step)
{
	int64_t n = step->n[1];
	double epsilon = (double)*step->also;

	for (int64_t i = 0; i < step->n[0]; i++) {
		const float *src = step->src + i * n;
		float *dst = step->dst + i * n;
		double mean = 0, square = 0, factor;

		for (int64_t k = 0; k < n; k++)
			mean += (double)src[k];
		mean /= (double)n;
		for (int64_t k = 0; k < n; k++)
			square += ((double)src[k] - mean) * ((double)src[k] - mean);
		factor = 1 / sqrt(square / (double)n + epsilon);
		for (int64_t k = 0; k < n; k++)
			dst[k] = (float)(((double)src[k] - mean) * factor);
	}
}

/* n: runs, values a run; also: what each value of a run is multiplied by. */
static void multiply_runs(const struct sp_step *step)
{
	for (int64_t i = 0; i < step->n[0] * step->n[1]; i++)
		step->dst[i] = step->src[i] * step->also[i % step->n[1]];
}

/* The same, added. */
static void add_runs(const struct sp_step *step)
{
	for (int64_t i = 0; i < step->n[0] * step->n[1]; i++)
		step->dst[i] = step->src[i] + step->also[i % step->n[1]];
}

/* One more step over runs of @n values of @x. */
static struct sp_operand over_runs(struct sp_plan *plan, struct sp_operand x, const char *kind,
				   void (*loop)(const struct sp_step *step), uint32_t also,
				   const int64_t n[2])
{
	struct sp_operand y = x;
	struct sp_step *step;

	if (plan->error)
		return y;
	y.buffer = sp_plan_buffer(plan, &y.desc);
	step = sp_plan_loop(plan, kind, loop, x.buffer, also, y.buffer);
	if (step)
		memcpy(step->n, n, 2 * sizeof(*n));
	return y;
}

void sp_emit_layernorm(struct sp_plan *plan, const struct sp_node *node)
{
	const struct sp_tensor *scale = &plan->graph->tensors[node->inputs[1]];
	int64_t run = sp_shape_elements(&scale->shape);
	int64_t n[2] = { sp_shape_elements(&plan->shapes->of[node->output]) / run, run };
	struct sp_operand x = sp_emit_plain(plan, node->inputs[0]);

	x = over_runs(plan, x, "normalise", normalise, row(plan, &node->norm.epsilon, 1), n);
	x = over_runs(plan, x, "multiply", multiply_runs, row(plan, scale->floats, run), n);
	if (node->inputs[2] != SP_NONE)
		x = over_runs(plan, x, "add", add_runs,
			      row(plan, plan->graph->tensors[node->inputs[2]].floats, run), n);
	sp_plan_set(plan, node->output, x);
}
