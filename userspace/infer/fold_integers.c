/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes as values: what is known of the integers that networks compute from them. */
#include "infer/fold_known.h"

#include <string.h>

#include "infer/graph.h"

/* Integers, one by one or one with all; what is not a dimension any more is not known. */
bool sp_look_sum(struct sp_look *look)
{
	const struct sp_known *a = sp_look_at(look, 0), *b = sp_look_at(look, 1);
	uint32_t n = a->ints_n > b->ints_n ? a->ints_n : b->ints_n;

	if (!sp_known_ints(a) || !sp_known_ints(b) || (a->ints_n != n && a->ints_n != 1) ||
	    (b->ints_n != n && b->ints_n != 1))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		int64_t x = a->ints[a->ints_n == 1 ? 0 : i], y = b->ints[b->ints_n == 1 ? 0 : i];
		int64_t *to = &look->out->ints[i];
		bool lost = look->node->op == SP_OP_ADD	  ? __builtin_add_overflow(x, y, to)
			    : look->node->op == SP_OP_SUB ? __builtin_sub_overflow(x, y, to)
			    : look->node->op == SP_OP_MUL ? __builtin_mul_overflow(x, y, to)
							  : true;

		if (lost || *to == SP_UNKNOWN)
			return false;
	}
	look->out->ints_n = n;
	look->out->integer = true;
	return true;
}

bool sp_look_shape(struct sp_look *look)
{
	const struct sp_known *x = sp_look_at(look, 0);

	for (unsigned int i = 0; x->ranked && i < x->shape.rank; i++)
		look->out->ints[i] = x->shape.dim[i] < 0 ? SP_UNKNOWN : x->shape.dim[i];
	look->out->ints_n = x->shape.rank;
	look->out->integer = x->ranked;
	look->out->shape = (struct sp_shape){ .rank = 1, .dim = { x->shape.rank } };
	return x->ranked;
}

bool sp_look_gather(struct sp_look *look)
{
	const struct sp_known *x = sp_look_at(look, 0), *picks = sp_look_at(look, 1);
	int64_t axis = look->node->axis;

	if (!x->integer || x->shape.rank != 1 || !sp_known_ints(picks) || (axis != 0 && axis != -1))
		return false;
	for (uint32_t i = 0; i < picks->ints_n; i++) {
		int64_t at = picks->ints[i] + (picks->ints[i] < 0 ? x->ints_n : 0);

		if (at < 0 || at >= x->ints_n)
			return false;
		look->out->ints[i] = x->ints[at];
	}
	look->out->ints_n = picks->ints_n;
	look->out->integer = true;
	look->out->shape = picks->shape;
	return true;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

bool sp_look_slice(struct sp_look *look)
{
	const struct sp_known *x = sp_look_at(look, 0);
	int64_t bound[2], n = x->ints_n;

	if (!x->integer || x->shape.rank != 1)
		return false;
	for (uint32_t i = 1; i < 5; i++) {
		const struct sp_known *arg = sp_look_at(look, i);

		if (i > 2 && sp_look_absent(look, i))
			continue;
		/* Along the only axis, with step 1. */
		if (!sp_known_ints(arg) || arg->ints_n != 1 ||
		    (i == 3 && arg->ints[0] != 0 && arg->ints[0] != -1) ||
		    (i == 4 && arg->ints[0] != 1))
			return false;
		if (i < 3)
			bound[i - 1] = clamp(arg->ints[0] + (arg->ints[0] < 0 ? n : 0),
					     i == 1 ? 0 : bound[0], n);
	}
	look->out->ints_n = (uint32_t)(bound[1] - bound[0]);
	memcpy(look->out->ints, x->ints + bound[0], look->out->ints_n * sizeof(*x->ints));
	look->out->integer = true;
	look->out->shape = (struct sp_shape){ .rank = 1, .dim = { look->out->ints_n } };
	return true;
}

/* Concat, Squeeze and Unsqueeze: the values follow one another. */
bool sp_look_sequence(struct sp_look *look)
{
	uint32_t inputs_n = look->node->op == SP_OP_CONCAT ? look->node->inputs_n : 1, n = 0;

	for (uint32_t i = 0; i < inputs_n; i++) {
		const struct sp_known *x = sp_look_at(look, i);

		if (!x->integer || n + x->ints_n > SP_KNOWN_INTS)
			return false;
		memcpy(look->out->ints + n, x->ints, x->ints_n * sizeof(*x->ints));
		n += x->ints_n;
	}
	look->out->ints_n = n;
	look->out->integer = look->out->shape.rank <= 1;
	return look->out->integer;
}
