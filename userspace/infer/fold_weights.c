/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batch normalisation and other products and sums with one constant a channel are y = x · scale +
 * shift. After a convolution or a matrix product they go into its weights and bias; before one too,
 * where no padding comes between (a picture's padding is 0 after them, not before). Two that follow
 * one another become one.
 */
#include "infer/fold.h"

#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "infer/fold_known.h"

/* y = x · scale + shift; a row of one value counts for every channel, NULL for 1 and 0. */
struct affine {
	uint32_t x;
	const float *scale, *shift;
	bool one_scale, one_shift, divides; /* x / scale */
	double sign, shift_sign;
};

static double scale_of(const struct affine *affine, int64_t channel)
{
	double scale = affine->scale ? affine->scale[affine->one_scale ? 0 : channel] : 1;

	return affine->divides ? 1 / scale : affine->sign * scale;
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

	if (node->op == SP_OP_AFFINE && tensors[node->inputs[1]].shape.dim[0] != channels)
		return false;
	if (node->op == SP_OP_AFFINE) {
		*ret = (struct affine){ .x = node->inputs[0],
					.scale = tensors[node->inputs[1]].floats,
					.shift = tensors[node->inputs[2]].floats,
					.sign = 1,
					.shift_sign = 1 };
		return true;
	}
	if (node->op != SP_OP_ADD && node->op != SP_OP_SUB && node->op != SP_OP_MUL &&
	    node->op != SP_OP_DIV)
		return false;
	at = tensors[node->inputs[1]].floats || node->op == SP_OP_DIV ? 1 : 0;
	constant = &tensors[node->inputs[at]];
	if (!constant->floats || sp_tensor_constant(&tensors[node->inputs[!at]]) ||
	    !is_per_channel(&constant->shape, rank, from_end, channels))
		return false;
	*ret = (struct affine){ .x = node->inputs[!at], .sign = 1, .shift_sign = 1 };
	if (node->op == SP_OP_MUL || node->op == SP_OP_DIV) {
		ret->divides = node->op == SP_OP_DIV;
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
	const struct sp_known *known;
	unsigned int rank, from_end;
	int64_t rows, row;
	struct affine affine;
	float *w, *b;
	int ret;

	for (uint32_t i = 0; i < 2 && i < node->inputs_n && !before; i++)
		before = sp_fold_bare(folding, node->inputs[i]);
	if (!before || (before->op != SP_OP_CONV && before->op != SP_OP_GEMM))
		return 0;
	/* A Gemm gives a matrix; of a MatMul's result the last dimension is sure to be there. */
	rank = before->op == SP_OP_CONV ? 4 : strcmp(before->type, "Gemm") ? 1 : 2;
	known = sp_fold_known(folding, before->output);
	if (before->op == SP_OP_GEMM && known->ranked)
		rank = known->shape.rank;
	from_end = before->op == SP_OP_CONV ? 2 : 0;
	/* Its channels are axis 1. */
	if (node->op == SP_OP_AFFINE && before->op == SP_OP_GEMM && rank != 2)
		return 0;
	weights = &tensors[before->inputs[1]].shape;
	rows = weights->dim[0];
	if (node->op == SP_OP_AFFINE && tensors[node->inputs[1]].shape.dim[0] != rows)
		return sp_err_set(folding->err, -EINVAL,
				  "node '%s' (%s): has %lld channels, its input has %lld; "
				  "the file is corrupt",
				  node->name, node->type,
				  (long long)tensors[node->inputs[1]].shape.dim[0],
				  (long long)rows);
	if (!read_affine(folding, node, rank, from_end, rows, &affine) ||
	    affine.x != before->output)
		return 0;
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

/* ---- before another node ----------------------------------------------------------------------- */

/*
 * The node that makes @tensor if it does nothing but scale and shift its channels, of which there
 * are @channels, and nothing else looks at its result.
 */
static struct sp_node *affine_before(const struct sp_folding *folding, uint32_t tensor,
				     int64_t channels, struct affine *ret)
{
	struct sp_node *before = sp_fold_bare(folding, tensor);
	const struct sp_known *x, *y = sp_fold_known(folding, tensor);

	if (!before || !y->ranked || y->shape.rank < 2 || y->shape.dim[1] != channels ||
	    !read_affine(folding, before, y->shape.rank, y->shape.rank - 2, channels, ret))
		return NULL;
	/* What it reads has as many channels: a constant of many may widen a picture of one. */
	x = sp_fold_known(folding, ret->x);
	if (!x->ranked || x->shape.rank != y->shape.rank || x->shape.dim[1] != channels)
		return NULL;
	return before;
}

/* Input 0 of @node is what @gone, which nothing else needs, has read. */
static void skip(struct sp_folding *folding, struct sp_node *node, struct sp_node *gone, uint32_t x)
{
	sp_fold_input(folding, node, 0, x);
	folding->uses[x]--;
	gone->op = SP_OP_IDENTITY;
}

/* Each row of @per weights reads @columns values, @span of each channel; the first is @first's. */
static void fold_row(const struct affine *affine, float *weights, float *bias, int64_t columns,
		     int64_t span, int64_t first)
{
	double sum = *bias;

	for (int64_t k = 0; k < columns; k++) {
		int64_t channel = first + k / span;

		sum += weights[k] * shift_of(affine, channel);
		weights[k] = (float)(weights[k] * scale_of(affine, channel));
	}
	*bias = (float)sum;
}

static bool is_padded(const struct sp_window *window)
{
	bool point = window->kernel[0] == 1 && window->kernel[1] == 1 && window->stride[0] == 1 &&
		     window->stride[1] == 1;

	if (window->auto_pad == SP_PAD_VALID || (window->auto_pad != SP_PAD_EXPLICIT && point))
		return false;
	return window->auto_pad != SP_PAD_EXPLICIT || window->pad[0] || window->pad[1] ||
	       window->pad[2] || window->pad[3];
}

static int fold_into_conv(struct sp_folding *folding, struct sp_node *node)
{
	const struct sp_shape weights = folding->graph->tensors[node->inputs[1]].shape;
	int64_t per = weights.dim[1], span = weights.dim[2] * weights.dim[3];
	int64_t channels = per * node->window.group, rows = weights.dim[0] / node->window.group;
	struct affine affine;
	struct sp_node *before = affine_before(folding, node->inputs[0], channels, &affine);
	float *w, *b;
	int ret;

	if (!before)
		return 0;
	for (int64_t i = 0; i < channels && is_padded(&node->window); i++)
		if (shift_of(&affine, i) != 0)
			return 0;
	ret = own_weights(folding, node, &w, &b);
	if (ret)
		return ret;
	for (int64_t i = 0; i < weights.dim[0]; i++)
		fold_row(&affine, w + i * per * span, b + i, per * span, span, i / rows * per);
	skip(folding, node, before, affine.x);
	return 0;
}

/* Directly before it, or before the picture was laid out as a row. */
static int fold_into_gemm(struct sp_folding *folding, struct sp_node *node)
{
	const struct sp_shape weights = folding->graph->tensors[node->inputs[1]].shape;
	struct sp_node *flat = sp_fold_bare(folding, node->inputs[0]), *reader = node, *before;
	const struct sp_known *row = sp_fold_known(folding, node->inputs[0]), *x;
	int64_t columns = weights.dim[1], channels, span = 1;
	struct affine affine;
	float *w, *b;
	int ret;

	if (!row->ranked || row->shape.rank != 2 || row->shape.dim[1] != columns)
		return 0;
	if (flat && (flat->op == SP_OP_FLATTEN || flat->op == SP_OP_RESHAPE))
		reader = flat;
	x = sp_fold_known(folding, reader->inputs[0]);
	if (!x->ranked || x->shape.rank < 2 || x->shape.dim[1] < 1)
		return 0;
	channels = x->shape.dim[1];
	for (unsigned int i = 2; i < x->shape.rank; i++)
		if (x->shape.dim[i] < 1 || __builtin_mul_overflow(span, x->shape.dim[i], &span))
			return 0;
	/* The images are the rows, so that a channel's values follow one another in each. */
	if (columns % span || columns / span != channels)
		return 0;
	before = affine_before(folding, reader->inputs[0], channels, &affine);
	if (!before)
		return 0;
	ret = own_weights(folding, node, &w, &b);
	if (ret)
		return ret;
	for (int64_t i = 0; i < weights.dim[0]; i++)
		fold_row(&affine, w + i * columns, b + i, columns, span, 0);
	skip(folding, reader, before, affine.x);
	return 0;
}

/* Two that follow one another: one, in the place of the later. */
static int merge(struct sp_folding *folding, struct sp_node *node)
{
	const struct sp_known *y = sp_fold_known(folding, node->output);
	int64_t channels = y->ranked && y->shape.rank > 1 ? y->shape.dim[1] : -1;
	struct sp_shape row = { .rank = 1, .dim = { channels } };
	struct affine first, second;
	struct sp_node *before;
	float *scale, *shift;
	uint32_t ids[2];
	int ret;

	if (channels < 1 ||
	    !read_affine(folding, node, y->shape.rank, y->shape.rank - 2, channels, &second))
		return 0;
	before = affine_before(folding, second.x, channels, &first);
	if (!before || sp_fold_known(folding, second.x)->shape.rank != y->shape.rank)
		return 0;
	ret = sp_fold_floats(folding, node->name, &row, &ids[0], &scale);
	if (!ret)
		ret = sp_fold_floats(folding, node->name, &row, &ids[1], &shift);
	if (ret)
		return ret;
	for (int64_t i = 0; i < channels; i++) {
		scale[i] = (float)(scale_of(&second, i) * scale_of(&first, i));
		shift[i] =
			(float)(scale_of(&second, i) * shift_of(&first, i) + shift_of(&second, i));
	}
	for (uint32_t i = 0; i < node->inputs_n; i++)
		folding->uses[node->inputs[i]]--;
	before->op = SP_OP_IDENTITY;
	node->op = SP_OP_AFFINE;
	node->inputs_n = 3;
	node->inputs[0] = first.x;
	for (unsigned int i = 0; i < 2; i++) {
		node->inputs[1 + i] = ids[i];
		folding->uses[ids[i]] = 1;
	}
	return 0;
}

int sp_fold_weights(struct sp_folding *folding, struct sp_node *node)
{
	int ret;

	switch (node->op) {
	case SP_OP_AFFINE:
	case SP_OP_ADD:
	case SP_OP_SUB:
	case SP_OP_MUL:
	case SP_OP_DIV:
		ret = fold_back(folding, node);
		return ret || node->op == SP_OP_IDENTITY ? ret : merge(folding, node);
	case SP_OP_CONV:
		return fold_into_conv(folding, node);
	case SP_OP_GEMM:
		return fold_into_gemm(folding, node);
	default:
		return 0;
	}
}
