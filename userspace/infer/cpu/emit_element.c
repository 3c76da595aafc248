/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic element by element, and pooling. */
#include "infer/cpu/emit.h"

#include <errno.h>
#include <string.h>

/* oneDNN's name for @act; false: it has one only for functions of one number. */
static bool act_kernel(const struct sp_plan *plan, const struct sp_activation *act,
		       dnnl_alg_kind_t *ret_kind, float *ret_alpha, float *ret_beta)
{
	const struct sp_tensor *slope;

	*ret_kind = dnnl_eltwise_relu;
	*ret_alpha = *ret_beta = 0;
	switch (act->kind) {
	case SP_ACT_NONE:
	case SP_ACT_RELU:
		break;
	case SP_ACT_CLIP:
		*ret_kind = dnnl_eltwise_clip;
		*ret_alpha = act->low;
		*ret_beta = act->high;
		break;
	case SP_ACT_SIGMOID:
		*ret_kind = dnnl_eltwise_logistic;
		break;
	case SP_ACT_PRELU:
		slope = &plan->graph->tensors[act->slope];
		if (sp_shape_elements(&slope->shape) != 1)
			return false;
		*ret_alpha = slope->floats[0];
		break;
	}
	return true;
}

bool sp_emit_post_act(struct sp_plan *plan, dnnl_post_ops_t ops, const struct sp_activation *act)
{
	dnnl_alg_kind_t kind;
	float alpha, beta;

	if (act->kind == SP_ACT_NONE)
		return true;
	if (!act_kernel(plan, act, &kind, &alpha, &beta))
		return false;
	sp_plan_check(plan, dnnl_post_ops_append_eltwise(ops, 1.0f, kind, alpha, beta));
	return true;
}

dnnl_primitive_attr_t sp_emit_attr(struct sp_plan *plan, dnnl_post_ops_t ops)
{
	dnnl_primitive_attr_t attr = NULL;

	sp_plan_check(plan, dnnl_primitive_attr_create(&attr));
	if (!plan->error)
		sp_plan_check(plan, dnnl_primitive_attr_set_scratchpad_mode(
					    attr, dnnl_scratchpad_mode_user));
	if (!plan->error && ops)
		sp_plan_check(plan, dnnl_primitive_attr_set_post_ops(attr, ops));
	if (ops)
		dnnl_post_ops_destroy(ops);
	if (plan->error && attr)
		dnnl_primitive_attr_destroy(attr);
	return plan->error ? NULL : attr;
}

/* @desc with @act fused into a kernel; NULL after an error. */
static dnnl_primitive_desc_t with_act(struct sp_plan *plan, const_dnnl_op_desc_t desc,
				      const struct sp_activation *act)
{
	dnnl_primitive_desc_t pd = NULL;
	dnnl_primitive_attr_t attr;
	dnnl_post_ops_t ops = NULL;

	sp_plan_check(plan, dnnl_post_ops_create(&ops));
	if (plan->error)
		return NULL;
	sp_emit_post_act(plan, ops, act);
	attr = sp_emit_attr(plan, ops);
	if (!attr)
		return NULL;
	sp_plan_check(plan, dnnl_primitive_desc_create(&pd, desc, attr, plan->engine, NULL));
	dnnl_primitive_attr_destroy(attr);
	return plan->error ? NULL : pd;
}

static struct sp_shape shape_of(const dnnl_memory_desc_t *desc)
{
	struct sp_shape shape = { .rank = (unsigned int)desc->ndims };

	memcpy(shape.dim, desc->dims, shape.rank * sizeof(shape.dim[0]));
	return shape;
}

struct sp_operand sp_emit_widen(struct sp_plan *plan, struct sp_operand x, unsigned int rank)
{
	struct sp_shape from = shape_of(&x.desc), wide = { .rank = rank };
	dnnl_memory_desc_t plain;
	struct sp_operand out;

	sp_plan_plain(&from, &plain);
	out.buffer = sp_plan_convert(plan, x, &plain);
	for (unsigned int i = 0; i < rank; i++)
		wide.dim[i] = i + from.rank < rank ? 1 : from.dim[i + from.rank - rank];
	sp_plan_plain(&wide, &out.desc);
	return out;
}

/*
 * @x row-major if its channels do not fill the blocks of its layout: on a CPU with AVX but not
 * AVX2, oneDNN 2.6.3's `binary` goes wrong over such a rest.
 */
static struct sp_operand unpadded(struct sp_plan *plan, struct sp_operand x)
{
	for (int i = 0; i < x.desc.ndims && !plan->error; i++)
		if (x.desc.padded_dims[i] != x.desc.dims[i])
			return sp_emit_widen(plan, x, (unsigned int)x.desc.ndims);
	return x;
}

/* @a ∘ @b, broadcast, then @act. */
static struct sp_operand binary(struct sp_plan *plan, dnnl_alg_kind_t kind, struct sp_operand a,
				struct sp_operand b, const struct sp_activation *act)
{
	struct sp_shape x = shape_of(&a.desc), y = shape_of(&b.desc), out;
	struct sp_operand result = { .buffer = SP_NONE }, swap;
	bool commutes = kind == dnnl_binary_add || kind == dnnl_binary_mul;
	dnnl_primitive_desc_t pd = NULL;
	dnnl_binary_desc_t desc;

	if (plan->error || !sp_shape_broadcast(&x, &y, &out))
		return result;
	a = unpadded(plan, a);
	b = unpadded(plan, b);
	swap = a;
	/* oneDNN repeats its second operand only. */
	if (!sp_shape_equal(&x, &out) && commutes && sp_shape_equal(&y, &out)) {
		a = b;
		b = swap;
	} else if (!sp_shape_equal(&x, &out)) {
		a = sp_emit_broadcast(plan, sp_emit_widen(plan, a, out.rank), &out);
	}
	y = shape_of(&b.desc);
	if (!sp_shape_equal(&y, &out))
		b = sp_emit_widen(plan, b, out.rank);
	else if (sp_plan_is_plain(&a.desc))
		a = (struct sp_operand){ sp_plan_convert(plan, a, &b.desc), b.desc };
	else
		b = (struct sp_operand){ sp_plan_convert(plan, b, &a.desc), a.desc };
	if (plan->error)
		return result;
	sp_plan_check(plan, dnnl_binary_desc_init(&desc, kind, &a.desc, &b.desc, &a.desc));
	if (!plan->error)
		pd = with_act(plan, &desc, act);
	if (!pd)
		return result;
	result = (struct sp_operand){ sp_plan_buffer(plan, &a.desc), a.desc };
	sp_plan_kernel(plan, pd);
	sp_plan_arg(plan, DNNL_ARG_SRC_0, a.buffer, &a.desc);
	sp_plan_arg(plan, DNNL_ARG_SRC_1, b.buffer, &b.desc);
	sp_plan_arg(plan, DNNL_ARG_DST, result.buffer, &result.desc);
	return result;
}

void sp_emit_binary(struct sp_plan *plan, const struct sp_node *node)
{
	dnnl_alg_kind_t kind = node->op == SP_OP_ADD   ? dnnl_binary_add
			       : node->op == SP_OP_SUB ? dnnl_binary_sub
			       : node->op == SP_OP_DIV ? dnnl_binary_div
						       : dnnl_binary_mul;
	struct sp_operand a = sp_plan_get(plan, node->inputs[0]);
	struct sp_operand b = sp_plan_get(plan, node->inputs[1]);

	sp_plan_set(plan, node->output, binary(plan, kind, a, b, &node->act));
}

struct sp_operand sp_emit_add(struct sp_plan *plan, struct sp_operand a, struct sp_operand b)
{
	static const struct sp_activation none = { .kind = SP_ACT_NONE, .slope = SP_NONE };

	return binary(plan, dnnl_binary_add, a, b, &none);
}

/* A constant of one number a channel, to be repeated over a tensor of @rank. */
static struct sp_operand channels(struct sp_plan *plan, const float *data, int64_t n, int rank)
{
	struct sp_shape shape = { .rank = (unsigned int)rank, .dim = { 1, 1, 1, 1, 1, 1 } };
	struct sp_operand value;

	shape.dim[1] = n;
	sp_plan_plain(&shape, &value.desc);
	value.buffer = sp_plan_constant(plan, data, &value.desc, &value.desc);
	return value;
}

void sp_emit_affine(struct sp_plan *plan, const struct sp_node *node)
{
	static const struct sp_activation none = { .kind = SP_ACT_NONE, .slope = SP_NONE };
	const struct sp_tensor *scale = &plan->graph->tensors[node->inputs[1]];
	const struct sp_tensor *shift = &plan->graph->tensors[node->inputs[2]];
	struct sp_operand x = sp_plan_get(plan, node->inputs[0]);
	int64_t n = scale->shape.dim[0];
	int rank = x.desc.ndims;

	x = binary(plan, dnnl_binary_mul, x, channels(plan, scale->floats, n, rank), &none);
	x = binary(plan, dnnl_binary_add, x, channels(plan, shift->floats, n, rank), &node->act);
	sp_plan_set(plan, node->output, x);
}

/* A slope for each channel. */
static struct sp_operand prelu(struct sp_plan *plan, struct sp_operand x,
			       const struct sp_tensor *slope)
{
	struct sp_operand result = { .buffer = SP_NONE }, by;
	dnnl_prelu_desc_t desc;
	dnnl_primitive_desc_t pd = NULL;
	dnnl_primitive_attr_t attr;

	by = channels(plan, slope->floats, sp_shape_elements(&slope->shape), x.desc.ndims);
	sp_plan_check(plan, dnnl_prelu_forward_desc_init(&desc, dnnl_forward_inference, &x.desc,
							 &by.desc));
	attr = plan->error ? NULL : sp_emit_attr(plan, NULL);
	if (!attr)
		return result;
	sp_plan_check(plan, dnnl_primitive_desc_create(&pd, &desc, attr, plan->engine, NULL));
	dnnl_primitive_attr_destroy(attr);
	if (plan->error)
		return result;
	result = (struct sp_operand){ sp_plan_buffer(plan, &x.desc), x.desc };
	sp_plan_kernel(plan, pd);
	sp_plan_arg(plan, DNNL_ARG_SRC, x.buffer, &x.desc);
	sp_plan_arg(plan, DNNL_ARG_WEIGHTS, by.buffer, &by.desc);
	sp_plan_arg(plan, DNNL_ARG_DST, result.buffer, &result.desc);
	return result;
}

struct sp_operand sp_emit_act(struct sp_plan *plan, struct sp_operand x,
			      const struct sp_activation *act)
{
	static const struct sp_activation none = { .kind = SP_ACT_NONE, .slope = SP_NONE };
	struct sp_operand result = { .buffer = SP_NONE };
	dnnl_alg_kind_t kind = dnnl_eltwise_relu;
	dnnl_primitive_desc_t pd = NULL;
	dnnl_eltwise_desc_t desc;
	float alpha, beta;

	if (plan->error)
		return result;
	if (plan->kernels && act->kind == SP_ACT_SIGMOID)
		return sp_loop_sigmoid(plan, x);
	if (!act_kernel(plan, act, &kind, &alpha, &beta))
		return prelu(plan, x, &plan->graph->tensors[act->slope]);
	sp_plan_check(plan, dnnl_eltwise_forward_desc_init(&desc, dnnl_forward_inference, kind,
							   &x.desc, alpha, beta));
	if (!plan->error)
		pd = with_act(plan, &desc, &none);
	if (!pd)
		return result;
	result = (struct sp_operand){ sp_plan_buffer(plan, &x.desc), x.desc };
	sp_plan_kernel(plan, pd);
	sp_plan_arg(plan, DNNL_ARG_SRC, x.buffer, &x.desc);
	sp_plan_arg(plan, DNNL_ARG_DST, result.buffer, &result.desc);
	return result;
}

void sp_emit_activation(struct sp_plan *plan, const struct sp_node *node)
{
	struct sp_operand x = sp_plan_get(plan, node->inputs[0]);

	sp_plan_set(plan, node->output, sp_emit_act(plan, x, &node->act));
}

/* Pooling over windows, or of whole planes. */
void sp_emit_pool(struct sp_plan *plan, const struct sp_node *node)
{
	static const struct sp_activation none = { .kind = SP_ACT_NONE, .slope = SP_NONE };
	const struct sp_shape *from = &plan->shapes->of[node->inputs[0]];
	const struct sp_shape *to = &plan->shapes->of[node->output];
	dnnl_dims_t kernel, stride, before = { 0 }, after = { 0 };
	bool mean = node->op == SP_OP_MEAN;
	struct sp_operand x = sp_plan_get(plan, node->inputs[0]), y;
	dnnl_primitive_desc_t pd = NULL;
	dnnl_pooling_desc_t desc;

	if (mean && plan->kernels && sp_plan_is_plain(&x.desc)) {
		sp_plan_set(plan, node->output, sp_loop_mean(plan, x));
		return;
	}
	for (unsigned int axis = 0; axis < 2; axis++) {
		kernel[axis] = mean ? from->dim[2 + axis] : node->window.kernel[axis];
		stride[axis] = mean ? 1 : node->window.stride[axis];
		if (!mean)
			sp_window_out(&node->window, axis, from->dim[2 + axis], &before[axis],
				      &after[axis]);
	}
	sp_plan_tagged(plan, to, dnnl_format_tag_any, &y.desc);
	sp_plan_check(plan, dnnl_pooling_forward_desc_init(
				    &desc, dnnl_forward_inference,
				    mean ? dnnl_pooling_avg_exclude_padding : dnnl_pooling_max,
				    &x.desc, &y.desc, stride, kernel, before, after));
	if (!plan->error)
		pd = with_act(plan, &desc, &none);
	if (!pd)
		return;
	y.desc = *dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0);
	y.buffer = sp_plan_buffer(plan, &y.desc);
	sp_plan_kernel(plan, pd);
	sp_plan_arg(plan, DNNL_ARG_SRC, x.buffer, &x.desc);
	sp_plan_arg(plan, DNNL_ARG_DST, y.buffer, &y.desc);
	sp_plan_set(plan, node->output, y);
}
