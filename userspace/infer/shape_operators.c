/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/shape_infer.h"

#include <errno.h>

#include "infer/graph.h"

/* ---- along axes ----------------------------------------------------------------------------- */

int sp_infer_reduce_axes(const struct sp_shapes *shapes, const struct sp_node *node,
			 unsigned int *ret_mask)
{
	unsigned int rank = shapes->of[node->inputs[0]].rank, mask = 0;
	const int64_t *axes = NULL;
	int64_t n = 0;

	if (node->inputs[1] != SP_NONE) {
		axes = shapes->ints[node->inputs[1]];
		n = sp_shape_elements(&shapes->of[node->inputs[1]]);
		if (!axes)
			return -EINVAL;
	}
	for (int64_t i = 0; i < n; i++) {
		int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];

		if (axis < 0 || axis >= (int64_t)rank || mask & 1u << axis)
			return -EINVAL;
		mask |= 1u << axis;
	}
	*ret_mask = n ? mask : (1u << rank) - 1;
	return 0;
}

int sp_infer_reduce(struct sp_infer *in, struct sp_shape *out)
{
	const struct sp_shape *x = sp_infer_input(in, 0);
	unsigned int mask;

	if (sp_infer_reduce_axes(in->shapes, in->node, &mask))
		return sp_infer_refuse(in, -EINVAL,
				       "axes that are unknown, outside of its input or there twice "
				       "are not supported");
	out->rank = 0;
	for (unsigned int i = 0; i < x->rank; i++) {
		if (!(mask & 1u << i))
			out->dim[out->rank++] = x->dim[i];
		else if (!in->node->reduce.drop)
			out->dim[out->rank++] = 1;
	}
	return 0;
}

int sp_infer_layernorm(struct sp_infer *in, struct sp_shape *out)
{
	const struct sp_shape *x = sp_infer_input(in, 0);
	int64_t n = 1, rank = x->rank, axis = in->node->norm.axis;

	axis += axis < 0 ? rank : 0;
	if (axis < 0 || axis >= rank)
		return sp_infer_bad_shape(in);
	for (int64_t i = axis; i < rank; i++)
		n *= x->dim[i];
	if (n != sp_shape_elements(sp_infer_input(in, 1)))
		return sp_infer_bad_shape(in);
	*out = *x;
	return 0;
}

/* ---- products ------------------------------------------------------------------------------- */

int sp_infer_matmul(struct sp_infer *in, struct sp_shape *out)
{
	struct sp_shape a = *sp_infer_input(in, 0), b = *sp_infer_input(in, 1);
	int64_t rows, columns;

	if (a.rank < 2 || b.rank < 2 || a.dim[a.rank - 1] != b.dim[b.rank - 2])
		return sp_infer_refuse(in, -ENOTSUP,
				       "only products of matrices that fit, or of stacks of them, "
				       "are supported");
	rows = a.dim[a.rank - 2];
	columns = b.dim[b.rank - 1];
	a.rank -= 2;
	b.rank -= 2;
	if (!sp_shape_broadcast(&a, &b, out))
		return sp_infer_bad_shape(in);
	out->dim[out->rank++] = rows;
	out->dim[out->rank++] = columns;
	return 0;
}

/* ---- parts ---------------------------------------------------------------------------------- */

int sp_infer_split_part(const struct sp_shapes *shapes, const struct sp_node *node,
			unsigned int axis, int64_t *ret_from, int64_t *ret_n)
{
	int64_t all = shapes->of[node->inputs[0]].dim[axis], from = 0, sum = 0, part = 0;
	const int64_t *sizes;

	if (node->inputs[1] == SP_NONE) {
		/* Equal parts, of which the last may be shorter. */
		int64_t size = (all + node->split.parts - 1) / node->split.parts;

		from = size * node->split.part;
		part = from + size < all ? size : all - from;
		if (part < 1)
			return -EINVAL;
		*ret_from = from;
		*ret_n = part;
		return 0;
	}
	sizes = shapes->ints[node->inputs[1]];
	if (!sizes || sp_shape_elements(&shapes->of[node->inputs[1]]) != node->split.parts)
		return -EINVAL;
	for (int64_t i = 0; i < node->split.parts; i++) {
		if (sizes[i] < 1 || sizes[i] > all)
			return -EINVAL;
		if (i == node->split.part) {
			from = sum;
			part = sizes[i];
		}
		sum += sizes[i];
	}
	if (sum != all)
		return -EINVAL;
	*ret_from = from;
	*ret_n = part;
	return 0;
}

int sp_infer_split(struct sp_infer *in, struct sp_shape *out)
{
	const struct sp_shape *x = sp_infer_input(in, 0);
	int64_t axis = in->node->split.axis, from, n;

	axis += axis < 0 ? (int64_t)x->rank : 0;
	if (axis < 0 || axis >= (int64_t)x->rank)
		return sp_infer_bad_shape(in);
	if (sp_infer_split_part(in->shapes, in->node, (unsigned int)axis, &from, &n))
		return sp_infer_refuse(in, -EINVAL,
				       "its sizes are not those of its input; the input size is "
				       "wrong or the file is corrupt");
	*out = *x;
	out->dim[axis] = n;
	return 0;
}

int sp_infer_expand(struct sp_infer *in, struct sp_shape *out)
{
	int64_t n = 0;
	const int64_t *to = sp_infer_ints(in, 1, &n);
	struct sp_shape shape;

	if (!to || n > SP_RANK_MAX)
		return sp_infer_refuse(in, -ENOTSUP,
				       "a target shape that is computed from floats or has more "
				       "than %d dimensions is not supported",
				       SP_RANK_MAX);
	shape.rank = (unsigned int)n;
	for (int64_t i = 0; i < n; i++) {
		if (to[i] < 1)
			return sp_infer_bad_shape(in);
		shape.dim[i] = to[i];
	}
	return sp_shape_broadcast(sp_infer_input(in, 0), &shape, out) ? 0 : sp_infer_bad_shape(in);
}

int sp_infer_gather(struct sp_infer *in, struct sp_shape *out)
{
	const struct sp_shape *x = sp_infer_input(in, 0), *picked = sp_infer_input(in, 1);
	int64_t n = 0;
	const int64_t *picks = sp_infer_ints(in, 1, &n);
	unsigned int axis = 0;
	int ret = sp_infer_axis(in, x->rank, &axis);

	if (ret)
		return ret;
	if (!picks || picked->rank > 1 || n < 1 || n > SP_INFER_INTS_MAX)
		return sp_infer_refuse(in, -ENOTSUP,
				       "only up to %d known indices in a row are supported",
				       SP_INFER_INTS_MAX);
	for (int64_t i = 0; i < n; i++)
		if (picks[i] < -x->dim[axis] || picks[i] >= x->dim[axis])
			return sp_infer_refuse(in, -EINVAL,
					       "index %lld is outside of its input; the file is "
					       "corrupt",
					       (long long)picks[i]);
	out->rank = 0;
	for (unsigned int i = 0; i < x->rank; i++) {
		if (i != axis)
			out->dim[out->rank++] = x->dim[i];
		else if (picked->rank)
			out->dim[out->rank++] = n;
	}
	return 0;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* The integers of input @i, of which there must be @n (0: any); NULL: there are none. */
static const int64_t *numbers(const struct sp_shapes *shapes, const struct sp_node *node,
			      uint32_t i, int64_t *n)
{
	uint32_t id = i < node->inputs_n ? node->inputs[i] : SP_NONE;
	int64_t have;

	if (id == SP_NONE || !shapes->ints[id])
		return NULL;
	have = sp_shape_elements(&shapes->of[id]);
	if (!*n)
		*n = have;
	return have == *n ? shapes->ints[id] : NULL;
}

int sp_infer_slice_of(const struct sp_shapes *shapes, const struct sp_node *node,
		      int64_t from[SP_RANK_MAX], int64_t step[SP_RANK_MAX], struct sp_shape *out)
{
	const struct sp_shape *x = &shapes->of[node->inputs[0]];
	int64_t n = 0;
	const int64_t *begins = numbers(shapes, node, 1, &n), *ends = numbers(shapes, node, 2, &n);
	const int64_t *axes = numbers(shapes, node, 3, &n), *steps = numbers(shapes, node, 4, &n);
	unsigned int seen = 0;

	if (!begins || !ends || n > (int64_t)x->rank || (node->inputs[3] != SP_NONE && !axes) ||
	    (node->inputs[4] != SP_NONE && !steps))
		return -EINVAL;
	*out = *x;
	for (unsigned int i = 0; i < x->rank; i++) {
		from[i] = 0;
		step[i] = 1;
	}
	for (int64_t i = 0; i < n; i++) {
		int64_t axis = axes ? axes[i] : i, begin, end;

		axis += axis < 0 ? (int64_t)x->rank : 0;
		if (axis < 0 || axis >= (int64_t)x->rank || seen & 1u << axis ||
		    (steps && (steps[i] < 1 || steps[i] > SP_WINDOW_MAX)))
			return -EINVAL;
		seen |= 1u << axis;
		step[axis] = steps ? steps[i] : 1;
		begin = clamp(begins[i] + (begins[i] < 0 ? x->dim[axis] : 0), 0, x->dim[axis]);
		end = clamp(ends[i] + (ends[i] < 0 ? x->dim[axis] : 0), 0, x->dim[axis]);
		from[axis] = begin;
		out->dim[axis] = end > begin ? (end - begin + step[axis] - 1) / step[axis] : 0;
	}
	return 0;
}

int sp_infer_slice(struct sp_infer *in, struct sp_shape *out)
{
	int64_t from[SP_RANK_MAX], step[SP_RANK_MAX];

	if (sp_infer_slice_of(in->shapes, in->node, from, step, out))
		return sp_infer_refuse(in, -ENOTSUP,
				       "parts that are not known, or not taken forwards, are not "
				       "supported");
	return 0;
}
