/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of every tensor of a graph from those of its inputs; integers are computed on the
 * way.
 */
#include "infer/shape_infer.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "infer/graph.h"

int sp_infer_refuse(const struct sp_infer *in, int code, const char *fmt, ...)
{
	va_list ap;
	char why[256];

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return sp_err_set(in->err, code, "node '%s' (%s): %s", in->node->name, in->node->type, why);
}

const struct sp_shape *sp_infer_input(const struct sp_infer *in, unsigned int i)
{
	return &in->shapes->of[in->node->inputs[i]];
}

/* The values of integer input @i and how many; NULL if there is none. */
const int64_t *sp_infer_ints(const struct sp_infer *in, unsigned int i, int64_t *ret_n)
{
	uint32_t id = i < in->node->inputs_n ? in->node->inputs[i] : SP_NONE;

	if (id == SP_NONE || !in->shapes->ints[id])
		return NULL;
	*ret_n = sp_shape_elements(&in->shapes->of[id]);
	return in->shapes->ints[id];
}

int sp_infer_bad_shape(const struct sp_infer *in)
{
	char text[96];

	return sp_infer_refuse(in, -EINVAL,
			       "an input of shape %s does not fit; the input size is wrong or the "
			       "file is corrupt",
			       sp_shape_text(sp_infer_input(in, 0), text, sizeof(text)));
}

static int infer_windowed(struct sp_infer *in, struct sp_shape *out)
{
	const struct sp_window *window = &in->node->window;
	int64_t before, after;

	for (unsigned int axis = 0; axis < 2; axis++) {
		out->dim[2 + axis] = sp_window_out(
			window, axis, sp_infer_input(in, 0)->dim[2 + axis], &before, &after);
		if (out->dim[2 + axis] <= 0)
			return sp_infer_bad_shape(in);
		if ((in->node->op == SP_OP_MAXPOOL || in->node->op == SP_OP_AVGPOOL) &&
		    (before >= window->kernel[axis] || after >= window->kernel[axis]))
			return sp_infer_refuse(in, -ENOTSUP,
					       "padding as large as the kernel is not supported");
	}
	return 0;
}

static int infer_conv(struct sp_infer *in, struct sp_shape *out)
{
	const struct sp_shape *weights = sp_infer_input(in, 1), *x = sp_infer_input(in, 0);

	if (x->rank != 4 || x->dim[1] != weights->dim[1] * in->node->window.group)
		return sp_infer_bad_shape(in);
	*out = *x;
	out->dim[1] = weights->dim[0];
	return infer_windowed(in, out);
}

static int infer_pool(struct sp_infer *in, struct sp_shape *out)
{
	if (sp_infer_input(in, 0)->rank != 4)
		return sp_infer_bad_shape(in);
	*out = *sp_infer_input(in, 0);
	return infer_windowed(in, out);
}

static int infer_gemm(struct sp_infer *in, struct sp_shape *out)
{
	const struct sp_shape *weights = sp_infer_input(in, 1), *x = sp_infer_input(in, 0);

	if (!x->rank || x->dim[x->rank - 1] != weights->dim[1])
		return sp_infer_bad_shape(in);
	*out = *x;
	out->dim[x->rank - 1] = weights->dim[0];
	return 0;
}

/* A quotient that does not come out is rounded to zero, as ONNX has it. false: no number. */
static bool compute(enum sp_op op, int64_t a, int64_t b, int64_t *ret)
{
	switch (op) {
	case SP_OP_ADD:
		return !__builtin_add_overflow(a, b, ret);
	case SP_OP_SUB:
		return !__builtin_sub_overflow(a, b, ret);
	case SP_OP_MUL:
		return !__builtin_mul_overflow(a, b, ret);
	default:
		if (b == 0 || (b == -1 && a == INT64_MIN))
			return false;
		*ret = a / b;
		return true;
	}
}

/* Shapes may be computed with. */
static int eval_binary(struct sp_infer *in, struct sp_shape *out)
{
	int64_t n = 0, m = 0, all = sp_shape_elements(out);
	const int64_t *a = sp_infer_ints(in, 0, &n), *b = sp_infer_ints(in, 1, &m);

	if (!a || !b || out->rank > 1 || all > SP_INFER_INTS_MAX || (n != all && n != 1) ||
	    (m != all && m != 1))
		return sp_infer_refuse(in, -ENOTSUP, "integers are supported in shapes only");
	for (int64_t i = 0; i < all; i++)
		if (!compute(in->node->op, a[n == 1 ? 0 : i], b[m == 1 ? 0 : i], &in->room[i]))
			return sp_infer_refuse(in, -EINVAL,
					       "its integers make no number; the file is corrupt");
	return 0;
}

static int infer_binary(struct sp_infer *in, struct sp_shape *out)
{
	if (!sp_shape_broadcast(sp_infer_input(in, 0), sp_infer_input(in, 1), out))
		return sp_infer_bad_shape(in);
	if (in->shapes->ints[in->node->inputs[0]] || in->shapes->ints[in->node->inputs[1]])
		return eval_binary(in, out);
	return 0;
}

static int infer_affine(struct sp_infer *in, struct sp_shape *out)
{
	const struct sp_shape *x = sp_infer_input(in, 0);

	if (x->rank < 2 || x->dim[1] != sp_infer_input(in, 1)->dim[0])
		return sp_infer_bad_shape(in);
	*out = *x;
	return 0;
}

static int infer_same(struct sp_infer *in, struct sp_shape *out)
{
	*out = *sp_infer_input(in, 0);
	return 0;
}

static int infer_mean(struct sp_infer *in, struct sp_shape *out)
{
	*out = *sp_infer_input(in, 0);
	if (out->rank != 4)
		return sp_infer_bad_shape(in);
	out->dim[2] = out->dim[3] = 1;
	return 0;
}

static int infer_resize(struct sp_infer *in, struct sp_shape *out)
{
	const struct sp_shape *x = sp_infer_input(in, 0);
	const struct sp_tensor *scales = NULL;
	int64_t n = 0;
	const int64_t *sizes = sp_infer_ints(in, 2, &n);

	if (in->node->inputs[1] != SP_NONE)
		scales = &in->graph->tensors[in->node->inputs[1]];
	if (x->rank != 4 || (sizes && n != 4) || (!sizes && !scales) ||
	    (!sizes && sp_shape_elements(&scales->shape) != 4))
		return sp_infer_bad_shape(in);
	*out = *x;
	for (unsigned int i = 0; i < 4; i++) {
		double scale = sizes ? (double)sizes[i] / (double)x->dim[i] : scales->floats[i];
		int64_t max = i < 2 ? 1 : in->node->scale_max;

		if (!(scale >= 1 && scale <= (double)max) || scale != floor(scale))
			return sp_infer_refuse(in, -ENOTSUP,
					       "a scale of %g along axis %u is not supported; "
					       "whole factors up to %lld are",
					       scale, i, (long long)max);
		out->dim[i] = x->dim[i] * (int64_t)scale;
	}
	return 0;
}

int sp_infer_axis(struct sp_infer *in, unsigned int rank, unsigned int *ret_axis)
{
	int64_t axis = in->node->axis;

	if (axis < 0)
		axis += rank;
	if (axis < 0 || axis >= (int64_t)rank)
		return sp_infer_refuse(in, -EINVAL,
				       "axis %lld is outside of its input; the file is corrupt",
				       (long long)in->node->axis);
	*ret_axis = (unsigned int)axis;
	return 0;
}

static int infer_softmax(struct sp_infer *in, struct sp_shape *out)
{
	unsigned int axis = 0;

	*out = *sp_infer_input(in, 0);
	return sp_infer_axis(in, out->rank, &axis);
}

static int infer_transpose(struct sp_infer *in, struct sp_shape *out)
{
	const struct sp_shape *x = sp_infer_input(in, 0);
	unsigned int seen = 0;

	if (in->node->perm.n && in->node->perm.n != x->rank)
		return sp_infer_bad_shape(in);
	*out = *x;
	for (unsigned int i = 0; i < x->rank; i++) {
		int64_t from = in->node->perm.n ? in->node->perm.of[i] : x->rank - 1 - i;

		if (from < 0 || from >= x->rank || seen & 1u << from)
			return sp_infer_refuse(in, -EINVAL,
					       "'perm' is no permutation; the file is corrupt");
		seen |= 1u << from;
		out->dim[i] = x->dim[from];
	}
	return 0;
}

static int infer_reshape(struct sp_infer *in, struct sp_shape *out)
{
	const struct sp_shape *x = sp_infer_input(in, 0);
	int64_t n = 0, have = sp_shape_elements(x), known = 1;
	const int64_t *to = sp_infer_ints(in, 1, &n);
	int hole = -1;

	if (!to || n > SP_RANK_MAX)
		return sp_infer_refuse(in, -ENOTSUP,
				       "a target shape that is computed from floats or has more "
				       "than %d dimensions is not supported",
				       SP_RANK_MAX);
	out->rank = (unsigned int)n;
	for (int i = 0; i < n; i++) {
		int64_t dim = to[i];

		if (dim == 0 && i < (int)x->rank)
			dim = x->dim[i];
		if (dim == -1 && hole < 0)
			hole = i;
		else if (dim <= 0 || __builtin_mul_overflow(known, dim, &known))
			return sp_infer_bad_shape(in);
		out->dim[i] = dim;
	}
	if (hole >= 0) {
		if (have % known)
			return sp_infer_bad_shape(in);
		out->dim[hole] = have / known;
		known *= out->dim[hole];
	}
	return known == have ? 0 : sp_infer_bad_shape(in);
}

static int infer_flatten(struct sp_infer *in, struct sp_shape *out)
{
	const struct sp_shape *x = sp_infer_input(in, 0);
	int64_t axis = in->node->axis < 0 ? in->node->axis + x->rank : in->node->axis;

	if (axis < 0 || axis > x->rank)
		return sp_infer_bad_shape(in);
	*out = (struct sp_shape){ .rank = 2, .dim = { 1, 1 } };
	for (unsigned int i = 0; i < x->rank; i++)
		out->dim[i >= axis] *= x->dim[i];
	return 0;
}

static int infer_concat(struct sp_infer *in, struct sp_shape *out)
{
	const struct sp_node *node = in->node;
	unsigned int axis = 0;
	int ret;

	*out = *sp_infer_input(in, 0);
	ret = sp_infer_axis(in, out->rank, &axis);
	if (ret)
		return ret;
	for (unsigned int i = 1; i < node->inputs_n; i++) {
		struct sp_shape x = *sp_infer_input(in, i);
		int64_t n = x.rank > axis ? x.dim[axis] : -1;

		if (x.rank == out->rank)
			x.dim[axis] = out->dim[axis];
		if (n < 0 || !sp_shape_equal(&x, out) ||
		    !!in->shapes->ints[node->inputs[i]] != !!in->shapes->ints[node->inputs[0]])
			return sp_infer_bad_shape(in);
		out->dim[axis] += n;
	}
	return 0;
}

/* Squeeze and Unsqueeze: a bit for each axis of a shape of @rank; no axes: 0. */
static int axes_mask(struct sp_infer *in, unsigned int rank, unsigned int *ret_mask)
{
	int64_t n = 0;
	const int64_t *axes = sp_infer_ints(in, 1, &n);

	*ret_mask = 0;
	if (in->node->inputs[1] != SP_NONE && !axes)
		return sp_infer_refuse(in, -ENOTSUP,
				       "axes that are not integers are not supported");
	for (int64_t i = 0; i < n; i++) {
		int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];

		if (axis < 0 || axis >= (int64_t)rank || *ret_mask & 1u << axis)
			return sp_infer_refuse(in, -EINVAL,
					       "axis %lld is outside of its input or there twice; "
					       "the file is corrupt",
					       (long long)axes[i]);
		*ret_mask |= 1u << axis;
	}
	return 0;
}

static int infer_unsqueeze(struct sp_infer *in, struct sp_shape *out)
{
	const struct sp_shape *x = sp_infer_input(in, 0);
	unsigned int mask = 0, rank, from = 0;
	int64_t n = 0;
	int ret;

	sp_infer_ints(in, 1, &n);
	if (n < 1 || n > SP_RANK_MAX - (int)x->rank)
		return sp_infer_bad_shape(in);
	rank = x->rank + (unsigned int)n;
	ret = axes_mask(in, rank, &mask);
	if (ret)
		return ret;
	out->rank = rank;
	for (unsigned int i = 0; i < rank; i++)
		out->dim[i] = mask & 1u << i ? 1 : x->dim[from++];
	return 0;
}

static int infer_squeeze(struct sp_infer *in, struct sp_shape *out)
{
	const struct sp_shape *x = sp_infer_input(in, 0);
	unsigned int mask;
	int ret = axes_mask(in, x->rank, &mask);

	if (ret)
		return ret;
	out->rank = 0;
	for (unsigned int i = 0; i < x->rank; i++) {
		bool drop = mask ? mask & 1u << i : x->dim[i] == 1;

		if (drop && x->dim[i] != 1)
			return sp_infer_bad_shape(in);
		if (!drop)
			out->dim[out->rank++] = x->dim[i];
	}
	return 0;
}

/* The integer results below are as long as a shape: @room holds SP_INFER_INTS_MAX of them. */

static int eval_shape(struct sp_infer *in, struct sp_shape *out)
{
	const struct sp_shape *x = sp_infer_input(in, 0);

	*out = (struct sp_shape){ .rank = 1, .dim = { x->rank } };
	memcpy(in->room, x->dim, x->rank * sizeof(x->dim[0]));
	return 0;
}

static int eval_gather(struct sp_infer *in, struct sp_shape *out)
{
	int64_t n = 0, picks_n = 0;
	const int64_t *x = sp_infer_ints(in, 0, &n), *picks = sp_infer_ints(in, 1, &picks_n);

	if (!x || !picks || sp_infer_input(in, 0)->rank != 1 || sp_infer_input(in, 1)->rank > 1 ||
	    picks_n > SP_INFER_INTS_MAX || (in->node->axis != 0 && in->node->axis != -1))
		return sp_infer_refuse(in, -ENOTSUP, "is supported on shapes only");
	*out = *sp_infer_input(in, 1);
	for (int64_t i = 0; i < picks_n; i++) {
		int64_t at = picks[i] < 0 ? picks[i] + n : picks[i];

		if (at < 0 || at >= n)
			return sp_infer_refuse(in, -EINVAL,
					       "index %lld is outside of its input; the file is "
					       "corrupt",
					       (long long)picks[i]);
		in->room[i] = x[at];
	}
	return 0;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

static int eval_slice(struct sp_infer *in, struct sp_shape *out)
{
	int64_t n = 0, one[4] = { 0 }, begin, end;
	const int64_t *x = sp_infer_ints(in, 0, &n), *from = sp_infer_ints(in, 1, &one[0]),
		      *to = sp_infer_ints(in, 2, &one[1]);
	const int64_t *axis = sp_infer_ints(in, 3, &one[2]), *step = sp_infer_ints(in, 4, &one[3]);

	if (!x || !from || !to || sp_infer_input(in, 0)->rank != 1 || n > SP_INFER_INTS_MAX ||
	    one[0] != 1 || one[1] != 1 || (axis && (one[2] != 1 || (*axis != 0 && *axis != -1))) ||
	    (step && (one[3] != 1 || *step != 1)))
		return sp_infer_refuse(in, -ENOTSUP, "is supported on shapes only, with step 1");
	begin = clamp(*from < 0 ? *from + n : *from, 0, n);
	end = clamp(*to < 0 ? *to + n : *to, begin, n);
	*out = (struct sp_shape){ .rank = 1, .dim = { end - begin } };
	memcpy(in->room, x + begin, (size_t)(end - begin) * sizeof(*x));
	return 0;
}

/* CONCAT, SQUEEZE, … of integers: the shape is there, the values follow one another. */
static int eval_sequence(struct sp_infer *in, const struct sp_shape *out)
{
	unsigned int inputs_n = in->node->op == SP_OP_CONCAT ? in->node->inputs_n : 1;
	int64_t at = 0;

	if (out->rank > 1 || sp_shape_elements(out) > SP_INFER_INTS_MAX)
		return sp_infer_refuse(in, -ENOTSUP, "integers are supported up to %d in a row",
				       SP_INFER_INTS_MAX);
	for (unsigned int i = 0; i < inputs_n; i++) {
		int64_t n = 0;
		const int64_t *x = sp_infer_ints(in, i, &n);

		memcpy(in->room + at, x, (size_t)n * sizeof(*x));
		at += n;
	}
	return 0;
}

static int infer_gather(struct sp_infer *in, struct sp_shape *out)
{
	bool whole = in->shapes->ints[in->node->inputs[0]];

	return whole ? eval_gather(in, out) : sp_infer_gather(in, out);
}

static int infer_slice(struct sp_infer *in, struct sp_shape *out)
{
	bool whole = in->shapes->ints[in->node->inputs[0]];

	return whole ? eval_slice(in, out) : sp_infer_slice(in, out);
}

static const struct op_shape {
	int (*infer)(struct sp_infer *in, struct sp_shape *out);
	unsigned int floats; /* a bit for each input that must be float */
	bool may_make_ints; /* of integers, or of anything (SHAPE) */
} op_shapes[] = {
	[SP_OP_CONV] = { infer_conv, ~0u, false },
	[SP_OP_GEMM] = { infer_gemm, ~0u, false },
	[SP_OP_ADD] = { infer_binary, 0, true },
	[SP_OP_SUB] = { infer_binary, 0, true },
	[SP_OP_MUL] = { infer_binary, 0, true },
	[SP_OP_AFFINE] = { infer_affine, ~0u, false },
	[SP_OP_ACTIVATION] = { infer_same, ~0u, false },
	[SP_OP_MAXPOOL] = { infer_pool, ~0u, false },
	[SP_OP_MEAN] = { infer_mean, ~0u, false },
	[SP_OP_RESIZE] = { infer_resize, 3, false },
	[SP_OP_SOFTMAX] = { infer_softmax, ~0u, false },
	[SP_OP_TRANSPOSE] = { infer_transpose, ~0u, false },
	[SP_OP_RESHAPE] = { infer_reshape, 1, false },
	[SP_OP_FLATTEN] = { infer_flatten, ~0u, false },
	[SP_OP_CONCAT] = { infer_concat, 0, true },
	[SP_OP_DIV] = { infer_binary, 0, true },
	[SP_OP_FUNCTION] = { infer_same, ~0u, false },
	[SP_OP_AVGPOOL] = { infer_pool, ~0u, false },
	[SP_OP_REDUCE] = { sp_infer_reduce, 1, false },
	[SP_OP_LAYERNORM] = { sp_infer_layernorm, ~0u, false },
	[SP_OP_MATMUL] = { sp_infer_matmul, ~0u, false },
	[SP_OP_SPLIT] = { sp_infer_split, 1, false },
	[SP_OP_EXPAND] = { sp_infer_expand, 1, false },
	[SP_OP_SHAPE] = { eval_shape, 0, true },
	[SP_OP_GATHER] = { infer_gather, 0, true },
	[SP_OP_SLICE] = { infer_slice, 0, true },
	[SP_OP_SQUEEZE] = { infer_squeeze, 0, true },
	[SP_OP_UNSQUEEZE] = { infer_unsqueeze, 0, true },
	[SP_OP_IDENTITY] = { infer_same, 0, true },
};

/* A slope of one value or one a channel, however its ones are written. */
static int check_slope(const struct sp_infer *in, const struct sp_shape *x)
{
	const struct sp_shape *slope = &in->graph->tensors[in->node->act.slope].shape;
	int64_t n = sp_shape_elements(slope), channels = x->rank > 1 ? x->dim[1] : 1;
	struct sp_shape whole;

	if (n == 1)
		return 0;
	if (n != channels || !sp_shape_broadcast(slope, x, &whole) || !sp_shape_equal(&whole, x) ||
	    slope->rank + 1 < x->rank || slope->dim[slope->rank + 1 - x->rank] != channels)
		return sp_infer_refuse(in, -ENOTSUP,
				       "a slope that is neither one value nor one a channel is not "
				       "supported");
	return 0;
}

/* What the fused steps of a node do to its shape @out. */
static int infer_fused(struct sp_infer *in, struct sp_shape *out)
{
	uint32_t residual = in->node->residual;

	if (residual != SP_NONE && (in->shapes->ints[residual] ||
				    !sp_shape_broadcast(out, &in->shapes->of[residual], out)))
		return sp_infer_refuse(in, -EINVAL,
				       "its result and what is added to it do not fit");
	if (in->node->act.kind == SP_ACT_PRELU)
		return check_slope(in, out);
	return 0;
}

/* Whether what the node computes with is integers. */
static bool reads_ints(const struct sp_infer *in)
{
	return in->shapes->ints[in->node->inputs[0]];
}

static int infer_node(struct sp_infer *in)
{
	const struct sp_node *node = in->node;
	const struct op_shape *op = &op_shapes[node->op];
	struct sp_shape out = { 0 };
	bool makes_ints = op->may_make_ints && (node->op == SP_OP_SHAPE || reads_ints(in));
	int ret;

	for (unsigned int i = 0; i < node->inputs_n && i < 32; i++)
		if (op->floats & 1u << i && node->inputs[i] != SP_NONE &&
		    in->shapes->ints[node->inputs[i]])
			return sp_infer_refuse(in, -ENOTSUP, "integers are not supported here");
	ret = op->infer(in, &out);
	if (!ret &&
	    (node->op == SP_OP_CONCAT || node->op == SP_OP_SQUEEZE ||
	     node->op == SP_OP_UNSQUEEZE || node->op == SP_OP_IDENTITY) &&
	    makes_ints)
		ret = eval_sequence(in, &out);
	if (!ret)
		ret = infer_fused(in, &out);
	if (ret)
		return ret;
	if (sp_shape_elements(&out) < 1 && !makes_ints) {
		char text[96];

		return sp_infer_refuse(in, -EFBIG, "a result of shape %s is not supported",
				       sp_shape_text(&out, text, sizeof(text)));
	}
	in->shapes->of[node->output] = out;
	if (makes_ints) {
		in->shapes->ints[node->output] = in->room;
		in->room += SP_INFER_INTS_MAX;
	}
	return 0;
}

int sp_shapes_infer(const struct sp_graph *graph, const struct sp_shape *inputs,
		    struct sp_shapes *ret_shapes, struct sp_err *err)
{
	size_t tensors = graph->tensors_n, makers = 0;
	struct sp_shapes shapes;
	struct sp_infer in = { .graph = graph, .shapes = &shapes, .err = err };
	char text[96];
	int ret = 0;

	for (uint32_t i = 0; i < graph->nodes_n; i++)
		makers += op_shapes[graph->nodes[i].op].may_make_ints;
	shapes.memory = calloc(1, tensors * (sizeof(*shapes.of) + sizeof(*shapes.ints)) +
					  makers * SP_INFER_INTS_MAX * sizeof(*in.room) + 1);
	if (!shapes.memory)
		return sp_err_set(err, -ENOMEM, "out of memory");
	shapes.of = shapes.memory;
	shapes.ints = (const int64_t **)(shapes.of + tensors);
	in.room = (int64_t *)(shapes.ints + tensors);
	for (uint32_t i = 0; i < tensors; i++) {
		if (!sp_tensor_constant(&graph->tensors[i]))
			continue;
		shapes.of[i] = graph->tensors[i].shape;
		shapes.ints[i] = graph->tensors[i].ints;
	}
	for (uint32_t i = 0; !ret && i < graph->inputs_n; i++) {
		shapes.of[graph->inputs[i]] = inputs[i];
		if (sp_shape_elements(&inputs[i]) < 1)
			ret = sp_err_set(err, -EFBIG, "input '%s': a shape of %s is not supported",
					 graph->tensors[graph->inputs[i]].name,
					 sp_shape_text(&inputs[i], text, sizeof(text)));
	}
	for (uint32_t i = 0; !ret && i < graph->nodes_n; i++) {
		in.node = &graph->nodes[i];
		ret = infer_node(&in);
	}
	for (uint32_t i = 0; !ret && i < graph->outputs_n; i++)
		if (shapes.ints[graph->outputs[i]])
			ret = sp_err_set(err, -ENOTSUP, "output '%s': integers are not supported",
					 graph->tensors[graph->outputs[i]].name);
	if (ret)
		sp_shapes_uninit(&shapes);
	else
		*ret_shapes = shapes;
	return ret;
}

void sp_shapes_uninit(struct sp_shapes *shapes)
{
	free(shapes->memory);
	*shapes = (struct sp_shapes){ 0 };
}
