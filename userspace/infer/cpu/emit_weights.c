/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions and matrix products: weights reordered once, additions and activations fused. */
#include "infer/cpu/emit.h"

#include <errno.h>
#include <string.h>

/* A convolution on its way to a kernel. */
struct conv {
	const struct sp_node *node;
	dnnl_memory_desc_t src, weights, bias, dst; /* layouts; `any` where oneDNN may choose */
	dnnl_dims_t stride, dilation, before, after;
	bool add, act; /* to be fused */
};

static dnnl_post_ops_t post_ops(struct sp_plan *plan, const struct conv *conv)
{
	const struct sp_activation *act = &conv->node->act;
	dnnl_post_ops_t ops;

	sp_plan_check(plan, dnnl_post_ops_create(&ops));
	if (plan->error)
		return NULL;
	if (conv->add)
		sp_plan_check(plan, dnnl_post_ops_append_sum(ops, 1.0f));
	if (conv->act && !sp_emit_post_act(plan, ops, act))
		sp_plan_check(plan, dnnl_post_ops_append_prelu(ops, 1 << 1));
	return ops;
}

/* A kernel for @conv, or NULL if there is none. Reference code counts as none where @fast. */
static dnnl_primitive_desc_t find_kernel(struct sp_plan *plan, const struct conv *conv, bool fast)
{
	const struct sp_tensor *bias = conv->node->inputs[2] == SP_NONE
					       ? NULL
					       : &plan->graph->tensors[conv->node->inputs[2]];
	dnnl_convolution_desc_t desc;
	dnnl_primitive_desc_t pd = NULL;
	dnnl_primitive_attr_t attr;
	const char *info = "";

	/* Direct: the Winograd forms lose digits that the detector's outputs need. */
	if (dnnl_dilated_convolution_forward_desc_init(
		    &desc, dnnl_forward_inference, dnnl_convolution_direct, &conv->src,
		    &conv->weights, bias ? &conv->bias : NULL, &conv->dst, conv->stride,
		    conv->dilation, conv->before, conv->after) != dnnl_success)
		return NULL;
	attr = sp_emit_attr(plan, post_ops(plan, conv));
	if (!attr)
		return NULL;
	if (dnnl_primitive_desc_create(&pd, &desc, attr, plan->engine, NULL) != dnnl_success)
		pd = NULL;
	dnnl_primitive_attr_destroy(attr);
	if (pd && fast) {
		dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &info);
		if (strstr(info, "ref") || strstr(info, "simple")) {
			dnnl_primitive_desc_destroy(pd);
			pd = NULL;
		}
	}
	return pd;
}

static void describe(struct sp_plan *plan, struct conv *conv)
{
	const struct sp_node *node = conv->node;
	const struct sp_window *window = &node->window;
	const struct sp_shape *x = &plan->shapes->of[node->inputs[0]];
	const struct sp_shape *weights = &plan->graph->tensors[node->inputs[1]].shape;
	int64_t group = window->group;
	struct sp_shape grouped = { .rank = 5,
				    .dim = { group, weights->dim[0] / group, weights->dim[1],
					     weights->dim[2], weights->dim[3] } };
	struct sp_shape dst = { .rank = 4, .dim = { x->dim[0], weights->dim[0] } };
	struct sp_shape channels = { .rank = 1, .dim = { weights->dim[0] } };

	for (unsigned int axis = 0; axis < 2; axis++) {
		dst.dim[2 + axis] = sp_window_out(window, axis, x->dim[2 + axis],
						  &conv->before[axis], &conv->after[axis]);
		conv->stride[axis] = window->stride[axis];
		conv->dilation[axis] = window->dilation[axis] - 1; /* oneDNN counts the gaps */
	}
	sp_plan_tagged(plan, x, dnnl_format_tag_any, &conv->src);
	sp_plan_tagged(plan, &dst, dnnl_format_tag_any, &conv->dst);
	sp_plan_tagged(plan, group > 1 ? &grouped : weights, dnnl_format_tag_any, &conv->weights);
	sp_plan_tagged(plan, &channels, dnnl_x, &conv->bias);
}

/*
 * Whether some result is made of padding alone along an axis, all its taps being outside. There
 * oneDNN 2.6.3's brgconv forgets to add what is already in the destination.
 */
static bool has_empty_windows(const struct conv *conv)
{
	for (unsigned int axis = 0; axis < 2; axis++) {
		int64_t in = conv->src.dims[2 + axis], taps = conv->node->window.kernel[axis];

		for (int64_t i = 0; i < conv->dst.dims[2 + axis]; i++) {
			int64_t at = i * conv->stride[axis] - conv->before[axis];
			bool inside = false;

			for (int64_t k = 0; k < taps && !inside;
			     k++, at += conv->dilation[axis] + 1)
				inside = at >= 0 && at < in;
			if (!inside)
				return true;
		}
	}
	return false;
}

/*
 * The layout that the input has, if it is one of oneDNN's; else oneDNN's choice. Fused if
 * possible.
 */
static dnnl_primitive_desc_t choose_kernel(struct sp_plan *plan, struct conv *conv)
{
	const struct sp_node *node = conv->node;
	const struct sp_shape *out = &plan->shapes->of[node->output];
	dnnl_memory_desc_t any = conv->src, native;
	dnnl_primitive_desc_t pd = NULL;
	bool add = false;

	sp_plan_layout(plan, node->inputs[0], &native);
	if (node->residual != SP_NONE)
		add = sp_shape_equal(&plan->shapes->of[node->residual], out) &&
		      !memcmp(out->dim, conv->dst.dims, 4 * sizeof(out->dim[0])) &&
		      !has_empty_windows(conv);
	for (unsigned int attempt = 0; !pd && !plan->error && attempt < 6; attempt++) {
		/* Last of all, whatever there is, without anything fused. */
		bool bare = attempt >= 2;

		conv->src = attempt % 2 || sp_plan_is_plain(&native) ? any : native;
		conv->add = !bare && add;
		conv->act = !bare && node->act.kind != SP_ACT_NONE &&
			    (add || node->residual == SP_NONE);
		pd = find_kernel(plan, conv, attempt < 4);
	}
	if (!pd)
		sp_plan_check(plan, dnnl_unimplemented);
	return pd;
}

/* Where the result goes: over the residual if nobody needs that any more, else beside it. */
static uint32_t destination(struct sp_plan *plan, const struct conv *conv, uint32_t src,
			    const dnnl_memory_desc_t *dst)
{
	uint32_t residual = conv->node->residual, id;
	struct sp_operand value;

	if (!conv->add)
		return sp_plan_buffer(plan, dst);
	value = sp_plan_get(plan, residual);
	if (plan->error)
		return SP_NONE;
	if (value.buffer != src && dnnl_memory_desc_equal(&value.desc, dst) &&
	    value.buffer == plan->values[residual].buffer && sp_plan_dead(plan, residual))
		return value.buffer;
	id = sp_plan_buffer(plan, dst);
	sp_plan_reorder(plan, value.buffer, &value.desc, id, dst);
	return id;
}

static void emit_conv_kernel(struct sp_plan *plan, struct conv *conv, dnnl_primitive_desc_t pd)
{
	const struct sp_node *node = conv->node;
	const struct sp_tensor *tensors = plan->graph->tensors;
	dnnl_memory_desc_t src = *dnnl_primitive_desc_query_md(pd, dnnl_query_src_md, 0);
	dnnl_memory_desc_t dst = *dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0);
	dnnl_memory_desc_t weights = *dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
	dnnl_memory_desc_t plain;
	uint32_t from = sp_plan_in(plan, node->inputs[0], &src);
	uint32_t to = destination(plan, conv, from, &dst), fixed;

	sp_plan_kernel(plan, pd);
	sp_plan_macs(plan, sp_shape_elements(&plan->shapes->of[node->output]) *
				   sp_shape_elements(&tensors[node->inputs[1]].shape) /
				   tensors[node->inputs[1]].shape.dim[0]);
	sp_plan_arg(plan, DNNL_ARG_SRC, from, &src);
	sp_plan_arg(plan, DNNL_ARG_DST, to, &dst);
	sp_plan_check(plan,
		      dnnl_memory_desc_init_by_tag(&plain, weights.ndims, weights.dims, dnnl_f32,
						   weights.ndims == 5 ? dnnl_goihw : dnnl_oihw));
	if (plan->error)
		return;
	fixed = sp_plan_constant(plan, tensors[node->inputs[1]].floats, &plain, &weights);
	sp_plan_arg(plan, DNNL_ARG_WEIGHTS, fixed, &weights);
	if (node->inputs[2] != SP_NONE) {
		fixed = sp_plan_constant(plan, tensors[node->inputs[2]].floats, &conv->bias,
					 &conv->bias);
		sp_plan_arg(plan, DNNL_ARG_BIAS, fixed, &conv->bias);
	}
	if (conv->act && node->act.kind == SP_ACT_PRELU &&
	    sp_shape_elements(&tensors[node->act.slope].shape) > 1) {
		fixed = sp_plan_constant(plan, tensors[node->act.slope].floats, &conv->bias,
					 &conv->bias);
		sp_plan_arg(plan, DNNL_ARG_ATTR_MULTIPLE_POST_OP(conv->add) | DNNL_ARG_WEIGHTS,
			    fixed, &conv->bias);
	}
	sp_plan_set(plan, node->output, (struct sp_operand){ to, dst });
}

void sp_emit_conv(struct sp_plan *plan, const struct sp_node *node)
{
	struct conv conv = { .node = node };
	dnnl_primitive_desc_t pd;
	struct sp_operand value;

	describe(plan, &conv);
	if (plan->error)
		return;
	pd = choose_kernel(plan, &conv);
	if (!pd)
		return;
	emit_conv_kernel(plan, &conv, pd);
	if (plan->error)
		return;
	value = plan->values[node->output];
	if (node->residual != SP_NONE && !conv.add)
		value = sp_emit_add(plan, value, sp_plan_get(plan, node->residual));
	if (node->act.kind != SP_ACT_NONE && !conv.act)
		value = sp_emit_act(plan, value, &node->act);
	sp_plan_set(plan, node->output, value);
}

/* A small product, and what is to be done with it. */
static void emit_small_gemm(struct sp_plan *plan, const struct sp_node *node)
{
	struct sp_operand x, y;

	sp_plan_plain(&plan->shapes->of[node->inputs[0]], &x.desc);
	x.buffer = sp_plan_in(plan, node->inputs[0], &x.desc);
	y = plan->error ? x : sp_loop_gemm(plan, x, node);
	if (node->act.kind != SP_ACT_NONE)
		y = sp_emit_act(plan, y, &node->act);
	sp_plan_set(plan, node->output, y);
}

void sp_emit_gemm(struct sp_plan *plan, const struct sp_node *node)
{
	const struct sp_tensor *weights = &plan->graph->tensors[node->inputs[1]];
	int64_t columns = weights->shape.dim[1], rows = weights->shape.dim[0];
	int64_t n = sp_shape_elements(&plan->shapes->of[node->inputs[0]]) / columns;
	struct sp_shape x = { .rank = 2, .dim = { n, columns } };
	struct sp_shape y = { .rank = 2, .dim = { n, rows } };
	dnnl_memory_desc_t src, dst, bias, plain, any, given, whole;
	dnnl_inner_product_desc_t desc;
	dnnl_primitive_desc_t pd;
	dnnl_primitive_attr_t attr;
	dnnl_post_ops_t ops;
	bool biased = node->inputs[2] != SP_NONE;
	uint32_t from, to;

	if (plan->kernels && sp_loop_fits_gemm(plan, node)) {
		emit_small_gemm(plan, node);
		return;
	}
	sp_plan_plain(&x, &src);
	sp_plan_plain(&y, &dst);
	sp_plan_plain(&weights->shape, &plain);
	sp_plan_plain(&(struct sp_shape){ .rank = 1, .dim = { rows } }, &bias);
	sp_plan_plain(&plan->shapes->of[node->inputs[0]], &given);
	sp_plan_plain(&plan->shapes->of[node->output], &whole);
	sp_plan_tagged(plan, &weights->shape, dnnl_format_tag_any, &any);
	sp_plan_check(plan,
		      dnnl_inner_product_forward_desc_init(&desc, dnnl_forward_inference, &src,
							   &any, biased ? &bias : NULL, &dst));
	if (!plan->error)
		sp_plan_check(plan, dnnl_post_ops_create(&ops));
	if (plan->error)
		return;
	sp_emit_post_act(plan, ops, &node->act);
	attr = sp_emit_attr(plan, ops);
	if (!attr)
		return;
	sp_plan_check(plan, dnnl_primitive_desc_create(&pd, &desc, attr, plan->engine, NULL));
	dnnl_primitive_attr_destroy(attr);
	if (plan->error)
		return;
	any = *dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
	from = sp_plan_in(plan, node->inputs[0], &given);
	to = sp_plan_buffer(plan, &dst);
	sp_plan_kernel(plan, pd);
	sp_plan_macs(plan, n * rows * columns);
	sp_plan_arg(plan, DNNL_ARG_SRC, from, &src);
	sp_plan_arg(plan, DNNL_ARG_WEIGHTS, sp_plan_constant(plan, weights->floats, &plain, &any),
		    &any);
	if (biased)
		sp_plan_arg(plan, DNNL_ARG_BIAS,
			    sp_plan_constant(plan, plan->graph->tensors[node->inputs[2]].floats,
					     &bias, &bias),
			    &bias);
	sp_plan_arg(plan, DNNL_ARG_DST, to, &dst);
	sp_plan_set(plan, node->output, (struct sp_operand){ to, whole });
}
