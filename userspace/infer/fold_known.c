/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shape inference (shape_infer.c has it in full) with dimensions left open. It never guesses: what
 * does not follow, or does not fit, is not known, and the full inference refuses it later.
 */
#include "infer/fold_known.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "infer/fold.h"

const struct sp_known *sp_look_at(const struct sp_look *look, uint32_t i)
{
	static const struct sp_known nothing;

	if (sp_look_absent(look, i))
		return &nothing;
	return sp_fold_known(look->folding, look->node->inputs[i]);
}

bool sp_look_absent(const struct sp_look *look, uint32_t i)
{
	return i >= look->node->inputs_n || look->node->inputs[i] == SP_NONE;
}

bool sp_known_ints(const struct sp_known *known)
{
	for (uint32_t i = 0; i < known->ints_n; i++)
		if (known->ints[i] == SP_UNKNOWN)
			return false;
	return known->integer;
}

/* Sums and products of two dimensions stay within 64 bits. */
static bool is_small(const struct sp_shape *shape)
{
	for (unsigned int i = 0; i < shape->rank; i++)
		if (shape->dim[i] > INT32_MAX)
			return false;
	return true;
}

/* ---- pictures ------------------------------------------------------------------------------- */

static bool know_windowed(struct sp_look *look)
{
	const struct sp_known *x = sp_look_at(look, 0);
	int64_t before, after;

	if (!x->ranked || x->shape.rank != 4)
		return false;
	look->out->shape = x->shape;
	for (unsigned int axis = 0; axis < 2; axis++) {
		int64_t *dim = &look->out->shape.dim[2 + axis];

		if (*dim < 0)
			continue;
		*dim = sp_window_out(&look->node->window, axis, *dim, &before, &after);
		if (*dim < 1 || (look->node->op == SP_OP_MAXPOOL &&
				 (before >= look->node->window.kernel[axis] ||
				  after >= look->node->window.kernel[axis])))
			return false;
	}
	return true;
}

static bool know_conv(struct sp_look *look)
{
	const struct sp_shape *weights = &sp_look_at(look, 1)->shape;
	int64_t *channels = &look->out->shape.dim[1];

	if (!know_windowed(look) ||
	    (*channels >= 0 && *channels != weights->dim[1] * look->node->window.group))
		return false;
	*channels = weights->dim[0];
	return true;
}

static bool know_same(struct sp_look *look)
{
	look->out->shape = sp_look_at(look, 0)->shape;
	return sp_look_at(look, 0)->ranked;
}

static bool know_mean(struct sp_look *look)
{
	if (!know_same(look) || look->out->shape.rank != 4)
		return false;
	look->out->shape.dim[2] = look->out->shape.dim[3] = 1;
	return true;
}

static bool know_gemm(struct sp_look *look)
{
	const struct sp_shape *weights = &sp_look_at(look, 1)->shape;
	int64_t *columns;

	if (!know_same(look) || !look->out->shape.rank)
		return false;
	columns = &look->out->shape.dim[look->out->shape.rank - 1];
	if (*columns >= 0 && *columns != weights->dim[1])
		return false;
	*columns = weights->dim[0];
	return true;
}

static bool know_resize(struct sp_look *look)
{
	const struct sp_known *sizes = sp_look_at(look, 2);
	const struct sp_tensor *scales;

	if (!know_same(look) || look->out->shape.rank != 4)
		return false;
	if (!sp_look_absent(look, 2)) {
		for (unsigned int i = 0; i < 4; i++)
			look->out->shape.dim[i] = sizes->ints[i] == SP_UNKNOWN ? -1
									       : sizes->ints[i];
		return sizes->integer && sizes->ints_n == 4;
	}
	if (sp_look_absent(look, 1))
		return false;
	scales = &look->folding->graph->tensors[look->node->inputs[1]];
	if (!scales->floats || sp_shape_elements(&scales->shape) != 4)
		return false;
	for (unsigned int i = 0; i < 4; i++) {
		if (!(scales->floats[i] >= 1 && scales->floats[i] <= SP_WINDOW_MAX))
			return false;
		if (look->out->shape.dim[i] > 0)
			look->out->shape.dim[i] *= (int64_t)scales->floats[i];
	}
	return true;
}

/* ---- any shape ------------------------------------------------------------------------------ */

static bool know_binary(struct sp_look *look)
{
	const struct sp_known *a = sp_look_at(look, 0), *b = sp_look_at(look, 1);
	struct sp_shape *out = &look->out->shape;

	if (!a->ranked || !b->ranked || ((a->integer || b->integer) && !sp_look_sum(look)))
		return false;
	out->rank = a->shape.rank > b->shape.rank ? a->shape.rank : b->shape.rank;
	for (unsigned int i = 1; i <= out->rank; i++) {
		int64_t x = i <= a->shape.rank ? a->shape.dim[a->shape.rank - i] : 1;
		int64_t y = i <= b->shape.rank ? b->shape.dim[b->shape.rank - i] : 1;

		/* An open one beside one of many must be that many, or 1. */
		if (x == 1 || (x < 0 && y > 1))
			x = y;
		else if (y > 1 && x != y)
			return false;
		else if (x > 1 && y == 0)
			return false;
		out->dim[out->rank - i] = x;
	}
	return true;
}

static bool know_transpose(struct sp_look *look)
{
	const struct sp_known *x = sp_look_at(look, 0);
	const struct sp_node *node = look->node;
	unsigned int seen = 0;

	if (!x->ranked || (node->perm.n && node->perm.n != x->shape.rank))
		return false;
	look->out->shape.rank = x->shape.rank;
	for (unsigned int i = 0; i < x->shape.rank; i++) {
		int64_t from = node->perm.n ? node->perm.of[i] : x->shape.rank - 1 - i;

		if (from < 0 || from >= x->shape.rank || seen & 1u << from)
			return false;
		seen |= 1u << from;
		look->out->shape.dim[i] = x->shape.dim[from];
	}
	return true;
}

static bool know_reshape(struct sp_look *look)
{
	const struct sp_known *x = sp_look_at(look, 0), *to = sp_look_at(look, 1);
	struct sp_shape *out = &look->out->shape;
	int64_t known = 1, have;
	int open = 0, hole = -1;

	if (!to->integer || to->ints_n > SP_RANK_MAX)
		return false;
	out->rank = to->ints_n;
	for (unsigned int i = 0; i < out->rank; i++) {
		int64_t dim = to->ints[i];

		if (dim == 0 && (!x->ranked || i >= x->shape.rank))
			return false;
		if (dim == 0)
			dim = x->shape.dim[i];
		if (dim == -1 && to->ints[i] == -1 && hole < 0)
			hole = (int)i;
		else if (dim == SP_UNKNOWN || dim == -1)
			open++;
		else if (dim < 1 || __builtin_mul_overflow(known, dim, &known))
			return false;
		out->dim[i] = dim < 0 ? -1 : dim;
	}
	have = x->ranked ? sp_shape_elements(&x->shape) : -1;
	if (have < 0)
		return true;
	/* All of them are there: what is left is the one open dimension. */
	if (have % known || (!open && hole < 0 && have != known))
		return false;
	for (unsigned int i = 0; open + (hole >= 0) == 1 && i < out->rank; i++)
		if (out->dim[i] < 0)
			out->dim[i] = have / known;
	return true;
}

static bool know_flatten(struct sp_look *look)
{
	const struct sp_known *x = sp_look_at(look, 0);
	struct sp_shape *out = &look->out->shape;
	int64_t axis = look->node->axis;

	if (!x->ranked)
		return false;
	axis += axis < 0 ? x->shape.rank : 0;
	if (axis < 0 || axis > x->shape.rank)
		return false;
	*out = (struct sp_shape){ .rank = 2, .dim = { 1, 1 } };
	for (unsigned int i = 0; i < x->shape.rank; i++) {
		int64_t *to = &out->dim[i >= axis], dim = x->shape.dim[i];

		if (*to < 0 || dim < 0)
			*to = -1;
		else if (__builtin_mul_overflow(*to, dim, to))
			return false;
	}
	return true;
}

static bool know_concat(struct sp_look *look)
{
	const struct sp_known *first = sp_look_at(look, 0);
	struct sp_shape *out = &look->out->shape;
	int64_t axis = look->node->axis;

	*out = first->shape;
	axis += axis < 0 ? out->rank : 0;
	if (!first->ranked || axis < 0 || axis >= out->rank)
		return false;
	for (uint32_t i = 1; i < look->node->inputs_n; i++) {
		const struct sp_known *x = sp_look_at(look, i);

		if (!x->ranked || x->shape.rank != out->rank)
			return false;
		for (unsigned int k = 0; k < out->rank; k++) {
			int64_t *dim = &out->dim[k], more = x->shape.dim[k];

			if (k == axis && (*dim < 0 || more < 0))
				*dim = -1;
			else if (k == axis && __builtin_add_overflow(*dim, more, dim))
				return false;
			else if (k != axis && *dim < 0)
				*dim = more;
			else if (k != axis && more >= 0 && more != *dim)
				return false;
		}
	}
	return true;
}

/* Squeeze and Unsqueeze: a bit for each axis, of @rank. */
static bool axes_of(const struct sp_look *look, unsigned int rank, unsigned int *ret_mask)
{
	const struct sp_known *axes = sp_look_at(look, 1);

	*ret_mask = 0;
	if (!sp_known_ints(axes))
		return false;
	for (uint32_t i = 0; i < axes->ints_n; i++) {
		int64_t axis = axes->ints[i] + (axes->ints[i] < 0 ? rank : 0);

		if (axis < 0 || axis >= rank || *ret_mask & 1u << axis)
			return false;
		*ret_mask |= 1u << axis;
	}
	return true;
}

static bool know_squeeze(struct sp_look *look)
{
	const struct sp_known *x = sp_look_at(look, 0);
	struct sp_shape *out = &look->out->shape;
	unsigned int mask = 0;

	/* Without axes, every dimension of 1 goes: none may be open. */
	if (!x->ranked ||
	    (sp_look_absent(look, 1) ? !sp_known_whole(x) : !axes_of(look, x->shape.rank, &mask)))
		return false;
	out->rank = 0;
	for (unsigned int i = 0; i < x->shape.rank; i++) {
		bool drop = mask ? mask & 1u << i : x->shape.dim[i] == 1;

		if (!drop)
			out->dim[out->rank++] = x->shape.dim[i];
		else if (x->shape.dim[i] > 1)
			return false;
	}
	return true;
}

static bool know_unsqueeze(struct sp_look *look)
{
	const struct sp_known *x = sp_look_at(look, 0);
	unsigned int rank = x->shape.rank + sp_look_at(look, 1)->ints_n, mask, from = 0;

	if (!x->ranked || rank > SP_RANK_MAX || !axes_of(look, rank, &mask))
		return false;
	look->out->shape.rank = rank;
	for (unsigned int i = 0; i < rank; i++)
		look->out->shape.dim[i] = mask & 1u << i ? 1 : x->shape.dim[from++];
	return true;
}

/* ---- all ------------------------------------------------------------------------------------ */

void sp_fold_know_node(struct sp_folding *folding, const struct sp_node *node)
{
	static bool (*const rules[])(struct sp_look * look) = {
		[SP_OP_CONV] = know_conv,	 [SP_OP_GEMM] = know_gemm,
		[SP_OP_ADD] = know_binary,	 [SP_OP_SUB] = know_binary,
		[SP_OP_MUL] = know_binary,	 [SP_OP_AFFINE] = know_same,
		[SP_OP_ACTIVATION] = know_same,	 [SP_OP_MAXPOOL] = know_windowed,
		[SP_OP_MEAN] = know_mean,	 [SP_OP_RESIZE] = know_resize,
		[SP_OP_SOFTMAX] = know_same,	 [SP_OP_TRANSPOSE] = know_transpose,
		[SP_OP_RESHAPE] = know_reshape,	 [SP_OP_FLATTEN] = know_flatten,
		[SP_OP_CONCAT] = know_concat,	 [SP_OP_SHAPE] = sp_look_shape,
		[SP_OP_GATHER] = sp_look_gather, [SP_OP_SLICE] = sp_look_slice,
		[SP_OP_SQUEEZE] = know_squeeze,	 [SP_OP_UNSQUEEZE] = know_unsqueeze,
	};
	struct sp_known out = { 0 };
	struct sp_look look = { folding, node, &out };

	if (node->op >= sizeof(rules) / sizeof(rules[0]) || !rules[node->op] ||
	    folding->known[node->output].ranked)
		return;
	out.ranked = rules[node->op](&look);
	if (out.ranked && sp_look_at(&look, 0)->integer &&
	    (node->op == SP_OP_CONCAT || node->op == SP_OP_SQUEEZE || node->op == SP_OP_UNSQUEEZE))
		out.ranked = sp_look_sequence(&look);
	if (out.ranked && is_small(&out.shape))
		folding->known[node->output] = out;
}

/* @known is of @shape and, if it is an integer, its values are @ints. */
static void know_tensor(struct sp_known *known, const struct sp_shape *shape, const int64_t *ints)
{
	int64_t n = sp_shape_elements(shape);

	if (!is_small(shape) || (ints && (n < 0 || n > SP_KNOWN_INTS || shape->rank > 1)))
		return;
	/* That very number is no dimension: let it be unknown what it is for. */
	for (int64_t i = 0; ints && i < n; i++)
		if (ints[i] == SP_UNKNOWN)
			return;
	known->ranked = true;
	known->shape = *shape;
	if (!ints)
		return;
	known->integer = true;
	known->ints_n = (uint32_t)n;
	memcpy(known->ints, ints, (size_t)n * sizeof(*ints));
}

/* With every input fixed the full inference says it all. */
static int know_everything(struct sp_folding *folding)
{
	struct sp_graph *graph = folding->graph;
	struct sp_shape *inputs = calloc(graph->inputs_n + 1, sizeof(*inputs));
	struct sp_shapes shapes;
	int ret;

	if (!inputs)
		return sp_err_set(folding->err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < graph->inputs_n; i++)
		inputs[i] = graph->tensors[graph->inputs[i]].shape;
	ret = sp_shapes_infer(graph, inputs, &shapes, folding->err);
	free(inputs);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		uint32_t made = graph->nodes[i].output;

		know_tensor(&folding->known[made], &shapes.of[made], shapes.ints[made]);
	}
	sp_shapes_uninit(&shapes);
	return 0;
}

int sp_fold_know(struct sp_folding *folding)
{
	struct sp_graph *graph = folding->graph;
	bool fixed = true;

	folding->known_n = graph->tensors_n;
	folding->known = calloc(graph->tensors_n + 1, sizeof(*folding->known));
	if (!folding->known)
		return sp_err_set(folding->err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < graph->tensors_n; i++)
		if (sp_tensor_constant(&graph->tensors[i]))
			know_tensor(&folding->known[i], &graph->tensors[i].shape,
				    graph->tensors[i].ints);
	for (uint32_t i = 0; i < graph->inputs_n; i++) {
		struct sp_known *known = &folding->known[graph->inputs[i]];

		/* Without dimensions the file does not say. */
		known->shape = graph->tensors[graph->inputs[i]].shape;
		known->ranked = known->shape.rank > 0 && is_small(&known->shape);
		fixed &= sp_shape_elements(&known->shape) > 0;
	}
	return fixed ? know_everything(folding) : 0;
}

const struct sp_known *sp_fold_known(const struct sp_folding *folding, uint32_t tensor)
{
	static const struct sp_known nothing;

	return tensor < folding->known_n ? &folding->known[tensor] : &nothing;
}

bool sp_known_whole(const struct sp_known *known)
{
	return known->ranked && sp_shape_elements(&known->shape) >= 0;
}

bool sp_known_same(const struct sp_known *a, const struct sp_known *b)
{
	unsigned int open = 0;

	if (!a->ranked || !b->ranked || a->shape.rank != b->shape.rank)
		return false;
	for (unsigned int i = 0; i < a->shape.rank; i++) {
		if (a->shape.dim[i] != b->shape.dim[i])
			return false;
		open += a->shape.dim[i] < 0;
	}
	/* As many elements on both sides, so one open dimension is the same one. */
	return open <= 1;
}
