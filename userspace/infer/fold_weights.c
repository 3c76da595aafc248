/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batch normalisation and other products and sums with one constant a channel are y = x · scale +
 * shift. After a convolution or a matrix product they go into its weights and bias; before a
 * convolution too, where no padding comes between.
 */
#include "infer/fold.h"

#include <errno.h>
#include <string.h>

#include "base/diag.h"

/* y = x · scale + shift; a row of one value counts for every channel, NULL for 1 and 0. */
struct affine {
	uint32_t x;
	const float *scale, *shift;
	bool one_scale, one_shift;
	double sign, shift_sign;
};

static double scale_of(const struct affine *affine, int64_t channel)
{
	if (!affine->scale)
		return affine->sign;
	return affine->sign * affine->scale[affine->one_scale ? 0 : channel];
}

static double shift_of(const struct affine *affine, int64_t channel)
{
	if (!affine->shift)
		return 0;
	return affine->shift_sign * affine->shift[affine->one_shift ? 0 : channel];
}

/*
 * Whether @shape, broadcast with results of at least @rank dimensions, is one value or one for each
 * of @channels along the axis that stands @from_end places before the end.
 */
static bool is_per_channel(const struct sp_shape *shape, unsigned int rank, unsigned int from_end,
			   int64_t channels)
{
	if (shape->rank > rank)
		return false;
	for (unsigned int i = 0; i < shape->rank; i++)
		if (shape->dim[i] != 1 &&
		    (i + 1 + from_end != shape->rank || shape->dim[i] != channels))
			return false;
	return true;
}

/* What @node does to the @channels of results of @rank dimensions, if it is nothing else. */
static bool read_affine(const struct sp_folding *folding, const struct sp_node *node,
			unsigned int rank, unsigned int from_end, int64_t channels,
			struct affine *ret)
{
	const struct sp_tensor *tensors = folding->graph->tensors, *constant;
	unsigned int at;

	if (node->op == SP_OP_AFFINE) {
		*ret = (struct affine){ node->inputs[0],
					tensors[node->inputs[1]].floats,
					tensors[node->inputs[2]].floats,
					false,
					false,
					1,
					1 };
		return true;
	}
	if (node->op != SP_OP_ADD && node->op != SP_OP_SUB && node->op != SP_OP_MUL)
		return false;
	at = tensors[node->inputs[1]].floats ? 1 : 0;
	constant = &tensors[node->inputs[at]];
	if (!constant->floats || sp_tensor_constant(&tensors[node->inputs[!at]]) ||
	    !is_per_channel(&constant->shape, rank, from_end, channels))
		return false;
	*ret = (struct affine){ .x = node->inputs[!at], .sign = 1, .shift_sign = 1 };
	if (node->op == SP_OP_MUL) {
		ret->scale = constant->floats;
		ret->one_scale = sp_shape_elements(&constant->shape) == 1;
		return true;
	}
	ret->shift = constant->floats;
	ret->one_shift = sp_shape_elements(&constant->shape) == 1;
	if (node->op == SP_OP_SUB && at == 1)
		ret->shift_sign = -1;
	else if (node->op == SP_OP_SUB)
		ret->sign = -1;
	return true;
}

/*
 * Weights and bias of @node that nobody else reads, to be written over: its own, or copies that
 * become its own.
 */
static int own_weights(struct sp_folding *folding, struct sp_node *node, float **ret_weights,
		       float **ret_bias)
{
	struct sp_graph *graph = folding->graph;
	struct sp_shape row = { .rank = 1,
				.dim = { graph->tensors[node->inputs[1]].shape.dim[0] } };

	for (uint32_t i = 1; i < 3; i++) {
		float **ret_data = i == 1 ? ret_weights : ret_bias;
		uint32_t was = node->inputs[i], id;
		struct sp_shape shape = i == 1 ? graph->tensors[was].shape : row;
		const char *name = was == SP_NONE ? node->name : graph->tensors[was].name;
		int ret;

		if (was != SP_NONE && folding->uses[was] == 1) {
			/* The arena's, and only lent as constant. */
			*ret_data = (float *)graph->tensors[was].floats;
			continue;
		}
		ret = sp_fold_floats(folding, name, &shape, &id, ret_data);
		if (ret)
			return ret;
		if (was != SP_NONE)
			memcpy(*ret_data, graph->tensors[was].floats,
			       (size_t)sp_shape_elements(&shape) * sizeof(**ret_data));
		sp_fold_input(folding, node, i, id);
	}
	return 0;
}

/* The node before takes @node into itself. */
static int fold_back(struct sp_folding *folding, struct sp_node *node)
{
	const struct sp_tensor *tensors = folding->graph->tensors;
	struct sp_node *before = NULL;
	const struct sp_shape *weights;
	unsigned int rank, from_end;
	int64_t rows, row;
	struct affine affine;
	float *w, *b;
	int ret;

	for (uint32_t i = 0; i < 2 && i < node->inputs_n && !before; i++)
		before = sp_fold_bare(folding, node->inputs[i]);
	if (!before || (before->op != SP_OP_CONV && before->op != SP_OP_GEMM))
		return 0;
	/* A Gemm gives a matrix; of a MatMul only the last dimension is sure to be there. */
	rank = before->op == SP_OP_CONV ? 4 : strcmp(before->type, "Gemm") ? 1 : 2;
	from_end = before->op == SP_OP_CONV ? 2 : 0;
	if (node->op == SP_OP_AFFINE && rank == 1)
		return 0;
	weights = &tensors[before->inputs[1]].shape;
	rows = weights->dim[0];
	if (!read_affine(folding, node, rank, from_end, rows, &affine) ||
	    affine.x != before->output)
		return 0;
	if (node->op == SP_OP_AFFINE && tensors[node->inputs[1]].shape.dim[0] != rows)
		return sp_err_set(folding->err, -EINVAL,
				  "node '%s' (%s): has %lld channels, its input has %lld; "
				  "the file is corrupt",
				  node->name, node->type,
				  (long long)tensors[node->inputs[1]].shape.dim[0],
				  (long long)rows);
	row = sp_shape_elements(weights) / rows;
	ret = own_weights(folding, before, &w, &b);
	if (ret)
		return ret;
	for (int64_t i = 0; i < rows; i++) {
		double factor = scale_of(&affine, i);

		for (int64_t k = 0; k < row; k++)
			w[i * row + k] = (float)(w[i * row + k] * factor);
		b[i] = (float)(b[i] * factor + shift_of(&affine, i));
	}
	sp_fold_take_over(folding, before, node);
	return 0;
}

int sp_fold_weights(struct sp_folding *folding, struct sp_node *node)
{
	switch (node->op) {
	case SP_OP_AFFINE:
	case SP_OP_ADD:
	case SP_OP_SUB:
	case SP_OP_MUL:
		return fold_back(folding, node);
	default:
		return 0;
	}
}
