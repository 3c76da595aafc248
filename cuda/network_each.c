/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that move numbers more than they compute. */
#include "cuda/network_lower.h"

#include <errno.h>

/* ---- number by number ------------------------------------------------------------------------ */

/* One side of an operation. */
struct side {
	const float *constant; /* or NULL: */
	struct sp_place place;
	struct sp_shape shape;
};

static int side_of(struct sp_lowering *lowering, uint32_t tensor, struct side *ret)
{
	ret->shape = lowering->shapes->of[tensor];
	ret->constant = lowering->graph->tensors[tensor].floats;
	return ret->constant ? 0 : sp_lower_given(lowering, tensor, &ret->place);
}

/* A step on @x; its result lies as that. `also` and `weights` are the caller's. */
static int add_each(struct sp_lowering *lowering, const struct sp_each *each,
		    const struct sp_place *x, struct sp_step **ret_step)
{
	const struct sp_node *node = lowering->node;
	struct sp_place place;
	struct sp_operand y;
	struct sp_step *step;
	int ret = sp_lower_tensor(lowering, x->tensor.h, x->tensor.w, x->tensor.c, &y);

	if (ret)
		return ret;
	step = sp_lower_step(lowering, SP_STEP_EACH);
	if (!step)
		return -ENOMEM;
	step->each = *each;
	step->x = (struct sp_operand){ x->buffer, x->tensor };
	step->y = y;
	sp_place_move(&place, x, y.buffer, &y.tensor);
	sp_lower_set(lowering, node->output, &place);
	*ret_step = step;
	return sp_lower_act(lowering, &node->act, &place, &lowering->shapes->of[node->output],
			    &step->each.act, &step->slope);
}

/* node->output = act(@x @each @z), of @shape, which x has all numbers of. */
static int combine(struct sp_lowering *lowering, const struct sp_each *each, const struct side *x,
		   const struct side *z, const struct sp_shape *shape)
{
	bool same = !z->constant && sp_place_elements(&x->place) == sp_place_elements(&z->place) &&
		    sp_place_alike(&x->place, &z->place);
	uint32_t constant = SP_NONE;
	struct sp_step *step;
	char text[96];
	int ret = 0;

	if (z->constant)
		ret = sp_lower_constant(lowering, &x->place, shape, &z->constant, 1, &z->shape,
					&constant);
	else if (!same && !sp_place_meets_pixel(&x->place, shape, &z->place, &z->shape))
		ret = sp_lower_refuse(lowering, "an operand of %s that lies otherwise",
				      sp_shape_text(&z->shape, text, sizeof(text)));
	if (!ret)
		ret = add_each(lowering, each, &x->place, &step);
	if (ret)
		return ret;
	step->weights = constant;
	if (!z->constant)
		step->also = (struct sp_operand){ z->place.buffer, z->place.tensor };
	if (same) {
		/* As many pixels, whatever rows either has of them. */
		step->also.tensor.h = x->place.tensor.h;
		step->also.tensor.w = x->place.tensor.w;
	}
	return 0;
}

/* Puts the side first that has as many numbers as the result. */
static int either_way(struct sp_lowering *lowering, enum sp_each_kind kind,
		      const struct side sides[2])
{
	const struct sp_shape *shape = &lowering->shapes->of[lowering->node->output];
	struct sp_each each = { .kind = kind };

	for (unsigned int i = 0; i < 2; i++) {
		const struct side *x = &sides[i], *z = &sides[1 - i];

		each.swapped = i == 1;
		if (x->constant || sp_shape_elements(&x->shape) != sp_shape_elements(shape))
			continue;
		return combine(lowering, &each, x, z, shape);
	}
	return sp_lower_refuse(lowering, "an operation whose operands both grow");
}

int sp_lower_binary(struct sp_lowering *lowering)
{
	static const enum sp_each_kind kinds[] = {
		[SP_OP_ADD] = SP_EACH_ADD,
		[SP_OP_SUB] = SP_EACH_SUB,
		[SP_OP_MUL] = SP_EACH_MUL,
		[SP_OP_DIV] = SP_EACH_DIV,
	};
	struct side sides[2];

	for (unsigned int i = 0; i < 2; i++) {
		int ret = side_of(lowering, lowering->node->inputs[i], &sides[i]);

		if (ret)
			return ret;
	}
	return either_way(lowering, kinds[lowering->node->op], sides);
}

int sp_lower_residual(struct sp_lowering *lowering, const struct sp_place *x,
		      const struct sp_shape *shape)
{
	struct side sides[2] = { { .place = *x, .shape = *shape } };
	int ret = side_of(lowering, lowering->node->residual, &sides[1]);

	return ret ? ret : either_way(lowering, SP_EACH_ADD, sides);
}

int sp_lower_affine(struct sp_lowering *lowering)
{
	const struct sp_node *node = lowering->node;
	const struct sp_tensor *tensors = lowering->graph->tensors;
	const struct sp_shape *shape = &lowering->shapes->of[node->output];
	const float *of[] = { tensors[node->inputs[1]].floats, tensors[node->inputs[2]].floats };
	const struct sp_each each = { .kind = SP_EACH_AFFINE };
	/* One value for each of axis 1. */
	struct sp_shape row = { .rank = shape->rank - 1 };
	struct sp_step *step;
	struct sp_place x;
	uint32_t constant;
	int ret = sp_lower_given(lowering, node->inputs[0], &x);

	for (unsigned int i = 0; i < row.rank; i++)
		row.dim[i] = i ? 1 : shape->dim[1];
	if (!ret)
		ret = sp_lower_constant(lowering, &x, shape, of, 2, &row, &constant);
	if (!ret)
		ret = add_each(lowering, &each, &x, &step);
	if (ret)
		return ret;
	step->weights = constant;
	return 0;
}

int sp_lower_unary(struct sp_lowering *lowering)
{
	const struct sp_node *node = lowering->node;
	struct sp_each each = { .kind = SP_EACH_ACT };
	struct sp_step *step;
	struct sp_place x;
	int ret = sp_lower_given(lowering, node->inputs[0], &x);

	if (node->op == SP_OP_FUNCTION) {
		each.kind = SP_EACH_FUNCTION;
		each.function = node->function;
	}
	return ret ? ret : add_each(lowering, &each, &x, &step);
}

/* ---- pictures -------------------------------------------------------------------------------- */

/* A step from @x to a result of @h × @w with as many channels; it becomes node->output. */
static struct sp_step *add_picture(struct sp_lowering *lowering, enum sp_step_kind kind,
				   const struct sp_operand *x, int64_t h, int64_t w, int *ret_error)
{
	struct sp_operand y;
	struct sp_place place;
	struct sp_step *step;

	*ret_error = sp_lower_tensor(lowering, (uint32_t)h, (uint32_t)w, x->tensor.c, &y);
	if (*ret_error)
		return NULL;
	step = sp_lower_step(lowering, kind);
	if (!step) {
		*ret_error = -ENOMEM;
		return NULL;
	}
	step->x = *x;
	step->y = y;
	sp_place_picture(&place, y.buffer, &y.tensor);
	sp_lower_set(lowering, lowering->node->output, &place);
	return step;
}

int sp_lower_pool(struct sp_lowering *lowering)
{
	const struct sp_node *node = lowering->node;
	const struct sp_window *window = &node->window;
	const struct sp_shape *y = &lowering->shapes->of[node->output];
	struct sp_pool pool = { .mean = node->op == SP_OP_AVGPOOL,
				.count_padding = window->count_padding };
	struct sp_operand x;
	struct sp_step *step;
	int ret = sp_lower_picture(lowering, node->inputs[0], &x);

	if (ret)
		return ret;
	for (unsigned int axis = 0; axis < 2; axis++) {
		int64_t before = 0, after = 0;

		sp_window_out(window, axis, axis ? x.tensor.w : x.tensor.h, &before, &after);
		if (before < 0 || after < 0)
			return sp_lower_refuse(lowering, "padding below 0");
		pool.kernel[axis] = (uint32_t)window->kernel[axis];
		pool.stride[axis] = (uint32_t)window->stride[axis];
		pool.dilation[axis] = (uint32_t)window->dilation[axis];
		pool.pad[axis] = (uint32_t)before;
	}
	step = add_picture(lowering, SP_STEP_POOL, &x, y->dim[2], y->dim[3], &ret);
	if (step)
		step->pool = pool;
	return ret;
}

int sp_lower_mean(struct sp_lowering *lowering)
{
	struct sp_operand x;
	int ret = sp_lower_picture(lowering, lowering->node->inputs[0], &x);

	if (!ret)
		add_picture(lowering, SP_STEP_MEAN, &x, 1, 1, &ret);
	return ret;
}

/* The whole factor along @axis that the shapes were made with. */
static int64_t resize_factor(const struct sp_lowering *lowering, unsigned int axis)
{
	const struct sp_node *node = lowering->node;
	int64_t size = lowering->shapes->of[node->inputs[0]].dim[axis];

	if (node->inputs_n > 2 && node->inputs[2] != SP_NONE)
		return lowering->shapes->ints[node->inputs[2]][axis] / size;
	return (int64_t)lowering->graph->tensors[node->inputs[1]].floats[axis];
}

int sp_lower_resize(struct sp_lowering *lowering)
{
	const struct sp_node *node = lowering->node;
	struct sp_operand x, also = { .buffer = SP_NONE };
	const struct sp_place *place = NULL;
	bool along = node->residual == SP_NONE;
	struct sp_shape shape = lowering->shapes->of[node->inputs[0]];
	struct sp_step *step;
	int ret = sp_lower_picture(lowering, node->inputs[0], &x);

	if (ret)
		return ret;
	for (unsigned int axis = 2; axis < 4; axis++)
		shape.dim[axis] *= resize_factor(lowering, axis);
	if (node->residual != SP_NONE)
		place = sp_lower_place(lowering, node->residual);
	if (place && !(place->tensor.pitch % 8) &&
	    sp_shape_equal(&lowering->shapes->of[node->residual], &shape) &&
	    sp_place_is_picture(place, &shape, &also.tensor)) {
		also.buffer = place->buffer;
		along = true;
	}
	step = add_picture(lowering, SP_STEP_ENLARGE, &x, shape.dim[2], shape.dim[3], &ret);
	if (!step)
		return ret;
	step->also = also;
	return along ? 0 : sp_lower_residual(lowering, &lowering->places[node->output], &shape);
}

int sp_lower_concat(struct sp_lowering *lowering)
{
	const struct sp_node *node = lowering->node;
	const struct sp_shape *shape = &lowering->shapes->of[node->output];
	struct sp_operand x, y = { .buffer = SP_NONE };
	struct sp_place place;
	uint32_t first = 0;

	if (shape->rank != 4 || (node->axis != 1 && node->axis != -3))
		return sp_lower_refuse(lowering, "a concatenation of what is not channels");
	for (uint32_t i = 0; i < node->inputs_n; i++) {
		struct sp_step *step;
		int ret = sp_lower_picture(lowering, node->inputs[i], &x);

		if (!ret && !i)
			ret = sp_lower_tensor(lowering, x.tensor.h, x.tensor.w,
					      (uint32_t)shape->dim[1], &y);
		if (ret)
			return ret;
		step = sp_lower_step(lowering, SP_STEP_CONCAT);
		if (!step)
			return -ENOMEM;
		step->x = x;
		step->y = y;
		step->first = first;
		first += x.tensor.c;
	}
	sp_place_picture(&place, y.buffer, &y.tensor);
	sp_lower_set(lowering, node->output, &place);
	return 0;
}
