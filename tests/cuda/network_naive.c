/* SPDX-License-Identifier: Apache-2.0 */
/* What a graph computes, by the letter and in double. */
#include "cuda/network_build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct naive {
	struct build *build;
	const struct sp_node *node;
	const struct sp_shape *shape; /* of the result */
	double *y;
};

static const double *value_of(const struct naive *naive, uint32_t tensor)
{
	return naive->build->values[tensor];
}

static const struct sp_shape *shape_of(const struct naive *naive, uint32_t tensor)
{
	return &naive->build->shapes.of[tensor];
}

/* The number of @tensor that meets number @k of @shape, broadcast. */
static double meets(const struct naive *naive, uint32_t tensor, const struct sp_shape *shape,
		    int64_t k)
{
	const struct sp_shape *of = shape_of(naive, tensor);
	int64_t at = 0, distance = 1;

	for (unsigned int i = 1; i <= shape->rank; i++) {
		int64_t n = i <= of->rank ? of->dim[of->rank - i] : 1;

		at += n == 1 ? 0 : k % shape->dim[shape->rank - i] * distance;
		distance *= n;
		k /= shape->dim[shape->rank - i];
	}
	return value_of(naive, tensor)[at];
}

static double activated(const struct naive *naive, int64_t k, double x)
{
	const struct sp_activation *act = &naive->node->act;

	switch (act->kind) {
	case SP_ACT_NONE:
		return x;
	case SP_ACT_RELU:
		return x > 0 ? x : 0;
	case SP_ACT_CLIP:
		return x < act->low ? act->low : x > act->high ? act->high : x;
	case SP_ACT_SIGMOID:
		return 1 / (1 + exp(-x));
	case SP_ACT_PRELU:
		return x > 0 ? x : x * meets(naive, act->slope, naive->shape, k);
	}
	return x;
}

/*
 * Sums over a window of one plane of @x at a place of the result: the sum, and how many there were.
 */
static double under(const struct naive *naive, const struct sp_shape *shape, const double *plane,
		    const double *weights, int64_t oy, int64_t ox, int64_t *ret_n)
{
	const struct sp_window *window = &naive->node->window;
	bool max = naive->node->op == SP_OP_MAXPOOL;
	double sum = max ? -INFINITY : 0;
	int64_t pad[2] = { 0 }, after;

	*ret_n = 0;
	for (unsigned int axis = 0; axis < 2; axis++)
		sp_window_out(window, axis, shape->dim[2 + axis], &pad[axis], &after);
	for (int64_t i = 0; i < window->kernel[0] * window->kernel[1]; i++) {
		int64_t y = oy * window->stride[0] - pad[0] +
			    i / window->kernel[1] * window->dilation[0];
		int64_t x = ox * window->stride[1] - pad[1] +
			    i % window->kernel[1] * window->dilation[1];
		double value;

		if (y < 0 || x < 0 || y >= shape->dim[2] || x >= shape->dim[3])
			continue;
		value = plane[y * shape->dim[3] + x];
		sum = max ? fmax(sum, value) : sum + value * (weights ? weights[i] : 1);
		++*ret_n;
	}
	return sum;
}

/* A residual may widen: the result before it has a shape of its own. */
static void add_residual(const struct naive *naive, const struct sp_shape *own, double *from)
{
	int64_t n = sp_shape_elements(naive->shape);

	for (int64_t k = 0; k < n; k++) {
		int64_t at = 0, distance = 1, left = k;
		double x;

		for (unsigned int i = 1; i <= own->rank; i++) {
			int64_t size = naive->shape->dim[naive->shape->rank - i];

			at += own->dim[own->rank - i] == 1 ? 0 : left % size * distance;
			distance *= own->dim[own->rank - i];
			left /= size;
		}
		x = from[at];
		if (naive->node->residual != SP_NONE)
			x += meets(naive, naive->node->residual, naive->shape, k);
		naive->y[k] = activated(naive, k, x);
	}
	free(from);
}

static void conv(const struct naive *naive)
{
	const struct sp_node *node = naive->node;
	const struct sp_window *window = &node->window;
	const struct sp_shape *x = shape_of(naive, node->inputs[0]);
	const struct sp_shape *weights = shape_of(naive, node->inputs[1]);
	int64_t before, after, seen, area = window->kernel[0] * window->kernel[1];
	struct sp_shape own = { .rank = 4, .dim = { 1, weights->dim[0] } };
	double *y;

	for (unsigned int axis = 0; axis < 2; axis++)
		own.dim[2 + axis] = sp_window_out(window, axis, x->dim[2 + axis], &before, &after);
	y = calloc((size_t)sp_shape_elements(&own), sizeof(*y));
	for (int64_t k = 0; k < sp_shape_elements(&own); k++) {
		int64_t o = k / (own.dim[2] * own.dim[3]);
		int64_t first = o / (own.dim[1] / window->group) * weights->dim[1];

		for (int64_t c = 0; c < weights->dim[1]; c++)
			y[k] += under(naive, x,
				      value_of(naive, node->inputs[0]) +
					      (first + c) * x->dim[2] * x->dim[3],
				      value_of(naive, node->inputs[1]) +
					      (o * weights->dim[1] + c) * area,
				      k / own.dim[3] % own.dim[2], k % own.dim[3], &seen);
		if (node->inputs[2] != SP_NONE)
			y[k] += value_of(naive, node->inputs[2])[o];
	}
	add_residual(naive, &own, y);
}

static void gemm(const struct naive *naive)
{
	const struct sp_node *node = naive->node;
	const struct sp_shape *weights = shape_of(naive, node->inputs[1]);
	int64_t n = weights->dim[0], depth = weights->dim[1];

	for (int64_t k = 0; k < sp_shape_elements(naive->shape); k++) {
		double sum = value_of(naive, node->inputs[2])[k % n];

		for (int64_t i = 0; i < depth; i++)
			sum += value_of(naive, node->inputs[0])[k / n * depth + i] *
			       value_of(naive, node->inputs[1])[k % n * depth + i];
		naive->y[k] = activated(naive, k, sum);
	}
}

static double function_of(const struct sp_function *function, double x)
{
	double a = function->by[0], b = function->by[1];

	switch (function->kind) {
	case SP_FUN_ABS:
		return fabs(x);
	case SP_FUN_ELU:
		return x < 0 ? a * (exp(x) - 1) : x;
	case SP_FUN_EXP:
		return exp(x);
	case SP_FUN_GELU:
		return x / 2 * (1 + erf(x / sqrt(2)));
	case SP_FUN_HARDSIGMOID:
		return fmin(fmax(a * x + b, 0), 1);
	case SP_FUN_HARDSWISH:
		return x * fmin(fmax(x / 6 + 0.5, 0), 1);
	case SP_FUN_NEG:
		return -x;
	default:
		return tanh(x);
	}
}

static void number_by_number(const struct naive *naive)
{
	const struct sp_node *node = naive->node;

	for (int64_t k = 0; k < sp_shape_elements(naive->shape); k++) {
		double x = meets(naive, node->inputs[0], naive->shape, k), z = 0;
		int64_t channel = k;

		for (unsigned int i = 2; i < naive->shape->rank; i++)
			channel /= naive->shape->dim[i];
		if (node->op == SP_OP_AFFINE) {
			channel %= naive->shape->dim[1];
			x = x * value_of(naive, node->inputs[1])[channel] +
			    value_of(naive, node->inputs[2])[channel];
		} else if (node->op == SP_OP_FUNCTION) {
			x = function_of(&node->function, x);
		} else if (node->op != SP_OP_ACTIVATION) {
			z = meets(naive, node->inputs[1], naive->shape, k);
			x = node->op == SP_OP_ADD   ? x + z
			    : node->op == SP_OP_SUB ? x - z
			    : node->op == SP_OP_MUL ? x * z
						    : x / z;
		}
		naive->y[k] = activated(naive, k, x);
	}
}

static void pool(const struct naive *naive)
{
	const struct sp_node *node = naive->node;
	const struct sp_shape *x = shape_of(naive, node->inputs[0]), *y = naive->shape;
	int64_t area = node->window.kernel[0] * node->window.kernel[1], n = 0;

	for (int64_t k = 0; k < sp_shape_elements(y); k++) {
		int64_t c = k / (y->dim[2] * y->dim[3]);
		double sum = under(naive, x,
				   value_of(naive, node->inputs[0]) + c * x->dim[2] * x->dim[3],
				   NULL, k / y->dim[3] % y->dim[2], k % y->dim[3], &n);

		if (node->op == SP_OP_AVGPOOL)
			sum /= (double)(node->window.count_padding ? area : n);
		naive->y[k] = sum;
	}
}

static void mean(const struct naive *naive)
{
	const struct sp_shape *x = shape_of(naive, naive->node->inputs[0]);
	int64_t n = x->dim[2] * x->dim[3];

	for (int64_t c = 0; c < x->dim[1]; c++) {
		double sum = 0;

		for (int64_t i = 0; i < n; i++)
			sum += value_of(naive, naive->node->inputs[0])[c * n + i];
		naive->y[c] = sum / (double)n;
	}
}

static void resize(const struct naive *naive)
{
	const struct sp_node *node = naive->node;
	const struct sp_shape *x = shape_of(naive, node->inputs[0]), *y = naive->shape;
	int64_t high = y->dim[2] / x->dim[2], wide = y->dim[3] / x->dim[3];
	double *made = calloc((size_t)sp_shape_elements(y), sizeof(*made));

	for (int64_t k = 0; k < sp_shape_elements(y); k++) {
		int64_t row = k / y->dim[3], c = row / y->dim[2];

		row %= y->dim[2];
		made[k] = value_of(naive,
				   node->inputs[0])[(c * x->dim[2] + row / high) * x->dim[3] +
						    k % y->dim[3] / wide];
	}
	add_residual(naive, y, made);
}

static void transpose(const struct naive *naive)
{
	const struct sp_node *node = naive->node;
	const struct sp_shape *x = shape_of(naive, node->inputs[0]);
	int64_t distance[SP_RANK_MAX], next = 1;

	for (unsigned int i = x->rank; i--; next *= x->dim[i])
		distance[i] = next;
	for (int64_t k = 0; k < sp_shape_elements(x); k++) {
		int64_t at = 0, left = k;

		for (unsigned int i = x->rank; i--; left /= naive->shape->dim[i])
			at += left % naive->shape->dim[i] * distance[node->perm.of[i]];
		naive->y[k] = value_of(naive, node->inputs[0])[at];
	}
}

/* Along axis 1. */
static void concat(const struct naive *naive)
{
	double *to = naive->y;

	for (uint32_t i = 0; i < naive->node->inputs_n; i++) {
		int64_t n = sp_shape_elements(shape_of(naive, naive->node->inputs[i]));

		memcpy(to, value_of(naive, naive->node->inputs[i]), (size_t)n * sizeof(*to));
		to += n;
	}
}

static void run_node(const struct naive *naive)
{
	switch (naive->node->op) {
	case SP_OP_CONV:
		conv(naive);
		break;
	case SP_OP_GEMM:
		gemm(naive);
		break;
	case SP_OP_MAXPOOL:
	case SP_OP_AVGPOOL:
		pool(naive);
		break;
	case SP_OP_MEAN:
		mean(naive);
		break;
	case SP_OP_RESIZE:
		resize(naive);
		break;
	case SP_OP_TRANSPOSE:
		transpose(naive);
		break;
	case SP_OP_RESHAPE:
	case SP_OP_FLATTEN:
	case SP_OP_SQUEEZE:
	case SP_OP_UNSQUEEZE:
	case SP_OP_CONCAT:
		concat(&(struct naive){
			naive->build,
			&(struct sp_node){ .inputs = naive->node->inputs,
					   .inputs_n = naive->node->op == SP_OP_CONCAT
							       ? naive->node->inputs_n
							       : 1 },
			naive->shape, naive->y });
		break;
	default:
		number_by_number(naive);
	}
}

void build_run(struct build *build, const float *input)
{
	const struct sp_graph *graph = build->graph;

	for (uint32_t i = 0; i < build->values_n; i++)
		free(build->values[i]);
	build->values = realloc(build->values, graph->tensors_n * sizeof(*build->values));
	build->values_n = graph->tensors_n;
	for (uint32_t i = 0; i < graph->tensors_n; i++) {
		const float *from = i == graph->inputs[0] ? input : graph->tensors[i].floats;
		int64_t n = sp_shape_elements(&build->shapes.of[i]);

		build->values[i] = calloc((size_t)n + 1, sizeof(double));
		for (int64_t k = 0; from && k < n; k++)
			build->values[i][k] = from[k];
	}
	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		const struct sp_node *node = &graph->nodes[i];
		const struct naive naive = { build, node, &build->shapes.of[node->output],
					     build->values[node->output] };

		run_node(&naive);
	}
}
