/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions and products of matrices: which kernel does each. */
#include "cuda/network_lower.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/network_weights.h"

/* One of our kernels for one convolution. */
struct kernel {
	enum sp_step_kind kind;
	bool (*can)(const struct sp_device *device, const struct sp_conv *conv);
	size_t (*bytes)(const struct sp_conv *conv);
	void (*pack)(const struct sp_conv *conv, const float *weights, const float *bias,
		     void *packed);
};

/* The first that can. */
static const struct kernel kernels[] = {
	{ SP_STEP_POINTWISE, sp_pointwise_can, sp_pointwise_bytes, sp_pointwise_pack },
	{ SP_STEP_DEPTHWISE, sp_depthwise_can, sp_depthwise_bytes, sp_depthwise_pack },
	{ SP_STEP_DIRECT, sp_direct_can, sp_direct_bytes, sp_direct_pack },
};

/* A convolution on its way to a step. */
struct making {
	struct sp_conv conv;
	struct sp_operand x, also;
	uint32_t slope;
	const float *weights, *bias;
	float *reordered; /* weights that are its own, or NULL; taken by the step */
};

static const float *bias_of(const struct sp_lowering *lowering, const struct sp_node *node)
{
	uint32_t bias = node->inputs_n > 2 ? node->inputs[2] : SP_NONE;

	return bias == SP_NONE ? NULL : lowering->graph->tensors[bias].floats;
}

static uint32_t number_of(const struct sp_lowering *lowering, const struct sp_node *node)
{
	return node ? (uint32_t)(node - lowering->graph->nodes) : SP_NONE;
}

/* @making->conv on kernels of ours; *ret_y has its result. 0 or -errno; takes making->reordered. */
static int add_conv(struct sp_lowering *lowering, struct making *making, struct sp_operand *ret_y)
{
	const struct sp_network_model *model = lowering->network->model;
	const struct sp_conv *conv = &making->conv;
	const struct kernel *kernel = kernels;
	struct sp_step *step;
	size_t bytes;
	void *room;
	int ret;

	while (kernel < kernels + sizeof(kernels) / sizeof(kernels[0]) &&
	       !kernel->can(&model->device, conv))
		kernel++;
	if (kernel == kernels + sizeof(kernels) / sizeof(kernels[0]))
		ret = sp_lower_refuse(
			lowering, "a convolution %ux%u of %u to %u channels in %u groups",
			conv->kernel[0], conv->kernel[1], conv->c, conv->oc, conv->group);
	else
		ret = sp_lower_tensor(lowering, conv->oh, conv->ow, conv->oc, ret_y);
	step = ret ? NULL : sp_lower_step(lowering, kernel->kind);
	if (!step) {
		free(making->reordered);
		return ret ? ret : -ENOMEM;
	}
	step->conv = *conv;
	step->x = making->x;
	step->also = making->also;
	step->y = *ret_y;
	step->slope = making->slope;
	step->source[0] = making->weights;
	step->source[1] = making->bias;
	step->reordered = making->reordered;
	bytes = kernel->bytes(conv);
	room = sp_weights_room(bytes);
	if (!room)
		return sp_lower_no_memory(lowering);
	kernel->pack(conv, making->weights, making->bias, room);
	if (sp_weights_keep(model->weights, number_of(lowering, lowering->node), room, bytes,
			    &step->weights))
		return sp_lower_no_memory(lowering);
	return 0;
}

/* The geometry of CONV @node over @x, without its activation. 0 or -errno. */
static int conv_of(struct sp_lowering *lowering, const struct sp_node *node,
		   const struct sp_device_tensor *x, struct sp_conv *ret)
{
	const struct sp_window *window = &node->window;
	uint32_t out[2], in[2] = { x->h, x->w };
	struct sp_conv conv = { .type = x->type,
				.h = x->h,
				.w = x->w,
				.c = x->c,
				.group = (uint32_t)window->group,
				.picture = x->pitch == 4 };

	conv.oc = (uint32_t)lowering->graph->tensors[node->inputs[1]].shape.dim[0];
	for (unsigned int axis = 0; axis < 2; axis++) {
		int64_t before = 0, after = 0;

		out[axis] = (uint32_t)sp_window_out(window, axis, in[axis], &before, &after);
		if (before < 0 || after < 0)
			return sp_lower_refuse(lowering, "padding below 0");
		conv.pad[axis] = (uint32_t)before;
		conv.kernel[axis] = (uint32_t)window->kernel[axis];
		conv.stride[axis] = (uint32_t)window->stride[axis];
		conv.dilation[axis] = (uint32_t)window->dilation[axis];
	}
	conv.oh = out[0];
	conv.ow = out[1];
	*ret = conv;
	return 0;
}

/* Its activation, which needs the place of a result that there is no buffer for yet. */
static int conv_act(struct sp_lowering *lowering, const struct sp_node *node, struct sp_conv *conv,
		    uint32_t *ret_slope)
{
	const struct sp_device_tensor y = { .type = conv->type,
					    .n = 1,
					    .h = conv->oh,
					    .w = conv->ow,
					    .c = conv->oc,
					    .pitch = sp_tensor_pitch(conv->oc) };
	const struct sp_shape shape = { .rank = 4, .dim = { 1, y.c, y.h, y.w } };
	const struct sp_activation act = sp_lower_last_act(lowering, node);
	struct sp_place place;

	*ret_slope = SP_NONE;
	sp_place_picture(&place, SP_NONE, &y);
	return sp_lower_act(lowering, &act, &place, &shape, &conv->act, ret_slope);
}

/* ---- pairs ----------------------------------------------------------------------------------- */

/* A 2 × 2 maximum with stride 2 that alone reads @tensor: its node, or SP_NONE. */
static uint32_t pool_after(const struct sp_lowering *lowering, uint32_t tensor)
{
	uint32_t reader = sp_lower_only_reader(lowering, tensor);
	const struct sp_node *node = reader == SP_NONE ? NULL : &lowering->graph->nodes[reader];
	const struct sp_shape *x = &lowering->shapes->of[tensor], *y;

	if (!node || node->op != SP_OP_MAXPOOL)
		return SP_NONE;
	y = &lowering->shapes->of[node->output];
	for (unsigned int axis = 0; axis < 2; axis++) {
		int64_t before = 0, after = 0;

		sp_window_out(&node->window, axis, x->dim[2 + axis], &before, &after);
		if (node->window.kernel[axis] != 2 || node->window.stride[axis] != 2 ||
		    node->window.dilation[axis] != 1 || before || after > 0 ||
		    y->dim[2 + axis] != x->dim[2 + axis] / 2)
			return SP_NONE;
	}
	return reader;
}

/* Both of a pair over @x. 0 or -errno; *ret_can: whether there is a kernel for it. */
static int separable_of(struct sp_lowering *lowering, const struct sp_node *pointwise,
			const struct sp_node *depthwise, const struct sp_device_tensor *x,
			struct sp_step *ret_step, bool *ret_can)
{
	struct sp_separable *separable = &ret_step->separable;
	struct sp_device_tensor between = *x;
	int ret = conv_of(lowering, pointwise, x, &separable->pointwise);

	*ret_can = false;
	if (ret || pointwise->residual != SP_NONE || depthwise->residual != SP_NONE)
		return ret;
	between.h = separable->pointwise.oh;
	between.w = separable->pointwise.ow;
	between.c = separable->pointwise.oc;
	between.pitch = sp_tensor_pitch(between.c);
	ret = conv_of(lowering, depthwise, &between, &separable->depthwise);
	if (!ret)
		ret = conv_act(lowering, pointwise, &separable->pointwise, &ret_step->inner_slope);
	if (!ret)
		ret = conv_act(lowering, depthwise, &separable->depthwise, &ret_step->slope);
	separable->pool = false;
	*ret_can = !ret && sp_separable_can(&lowering->network->model->device, separable);
	return ret;
}

static int pack_separable(struct sp_lowering *lowering, const struct sp_node *pointwise,
			  struct sp_step *step)
{
	const struct sp_node *nodes[2] = { pointwise, lowering->node };
	const float *weights[2], *bias[2];
	size_t bytes = sp_separable_bytes(&step->separable);
	void *room = sp_weights_room(bytes);

	if (!room)
		return sp_lower_no_memory(lowering);
	for (unsigned int i = 0; i < 2; i++) {
		weights[i] = lowering->graph->tensors[nodes[i]->inputs[1]].floats;
		bias[i] = bias_of(lowering, nodes[i]);
	}
	sp_separable_pack(&step->separable, weights, bias, room);
	if (sp_weights_keep(lowering->network->model->weights, number_of(lowering, lowering->node),
			    room, bytes, &step->weights))
		return sp_lower_no_memory(lowering);
	return 0;
}

/*
 * lowering->node is one of a pair over @x. At the first one nothing is made yet if both go
 * together, at the second one all is. *ret_made: it is seen to.
 */
static int lower_pair(struct sp_lowering *lowering, const struct sp_operand *x, bool *ret_made)
{
	bool second = lowering->node->pair < number_of(lowering, lowering->node);
	const struct sp_node *other = &lowering->graph->nodes[lowering->node->pair];
	const struct sp_node *pointwise = second ? other : lowering->node;
	const struct sp_node *depthwise = second ? lowering->node : other;
	uint32_t pool, output = depthwise->output;
	struct sp_step making = { .kind = SP_STEP_SEPARABLE }, *step;
	struct sp_operand y;
	struct sp_place place;
	bool can, heads;
	int ret = separable_of(lowering, pointwise, depthwise, &x->tensor, &making, &can);

	*ret_made = can;
	if (ret || !can || !second)
		return ret;
	ret = sp_lower_heads(lowering, x, &making.separable, &heads);
	if (ret || heads)
		return ret;
	y.tensor.h = making.separable.depthwise.oh;
	y.tensor.w = making.separable.depthwise.ow;
	pool = pool_after(lowering, output);
	making.separable.pool = pool != SP_NONE;
	if (pool != SP_NONE &&
	    sp_separable_can(&lowering->network->model->device, &making.separable)) {
		lowering->done[pool] = true;
		output = lowering->graph->nodes[pool].output;
		y.tensor.h /= 2;
		y.tensor.w /= 2;
	} else {
		making.separable.pool = false;
	}
	ret = sp_lower_tensor(lowering, y.tensor.h, y.tensor.w, making.separable.depthwise.oc, &y);
	step = ret ? NULL : sp_lower_step(lowering, SP_STEP_SEPARABLE);
	if (!step)
		return ret ? ret : -ENOMEM;
	step->separable = making.separable;
	step->slope = making.slope;
	step->inner_slope = making.inner_slope;
	step->x = *x;
	step->y = y;
	ret = pack_separable(lowering, pointwise, step);
	sp_place_picture(&place, y.buffer, &y.tensor);
	sp_lower_set(lowering, output, &place);
	return ret;
}

/* ---- products -------------------------------------------------------------------------------- */

/*
 * @n products of all numbers of a picture at @x in their order: 1 × 1 over one pixel that has all
 * of the memory for channels, with the weights where the numbers lie and zeros for the padding.
 * What goes into the network has no pitch of such a pixel: there the kernel is as large as the
 * picture.
 */
static int product_of_all(struct sp_lowering *lowering, const struct sp_place *x, uint32_t n,
			  struct making *making)
{
	size_t elements = sp_place_elements(x), all = sp_tensor_picture(&x->tensor);
	struct sp_device_tensor tensor = x->tensor;
	bool picture = tensor.pitch == 4;
	size_t pixels = picture ? (size_t)tensor.h * tensor.w : 1;
	float *weights;

	if (all > UINT32_MAX)
		return sp_lower_refuse(lowering, "a product of so many numbers");
	if (!picture && tensor.h * tensor.w > 1) {
		tensor.h = tensor.w = 1;
		tensor.c = tensor.pitch = (uint32_t)all;
	}
	making->conv = (struct sp_conv){ .type = tensor.type,
					 .h = tensor.h,
					 .w = tensor.w,
					 .c = tensor.c,
					 .oh = 1,
					 .ow = 1,
					 .oc = n,
					 .kernel = { tensor.h, tensor.w },
					 .stride = { 1, 1 },
					 .dilation = { 1, 1 },
					 .group = 1,
					 .picture = picture,
					 .act = making->conv.act };
	making->x = (struct sp_operand){ x->buffer, tensor };
	weights = calloc((size_t)n * tensor.c * pixels, sizeof(*weights));
	if (!weights)
		return sp_lower_no_memory(lowering);
	for (size_t k = 0; k < elements; k++) {
		size_t at = sp_place_offset(x, k);
		size_t to = at % tensor.pitch * pixels + at / tensor.pitch;

		for (size_t i = 0; i < n; i++)
			weights[i * tensor.c * pixels + to] = making->weights[i * elements + k];
	}
	making->weights = making->reordered = weights;
	return 0;
}

int sp_lower_gemm(struct sp_lowering *lowering)
{
	const struct sp_node *node = lowering->node;
	const struct sp_shape *shape = &lowering->shapes->of[node->inputs[0]];
	const struct sp_shape *weights = &lowering->graph->tensors[node->inputs[1]].shape;
	struct making making = { .also.buffer = SP_NONE, .bias = bias_of(lowering, node) };
	struct sp_activation act;
	struct sp_place x, place;
	struct sp_operand y;
	size_t pitch;
	int ret = sp_lower_given(lowering, node->inputs[0], &x);

	if (ret)
		return ret;
	making.weights = lowering->graph->tensors[node->inputs[1]].floats;
	if (sp_place_elements(&x) == (size_t)weights->dim[1]) {
		ret = product_of_all(lowering, &x, (uint32_t)weights->dim[0], &making);
	} else if (sp_place_is_rows(&x, shape, &pitch) && pitch == x.tensor.pitch &&
		   x.tensor.c == (size_t)weights->dim[1]) {
		making.x = (struct sp_operand){ x.buffer, x.tensor };
		making.conv = (struct sp_conv){ .type = x.tensor.type,
						.h = x.tensor.h,
						.w = x.tensor.w,
						.c = x.tensor.c,
						.oh = x.tensor.h,
						.ow = x.tensor.w,
						.oc = (uint32_t)weights->dim[0],
						.kernel = { 1, 1 },
						.stride = { 1, 1 },
						.dilation = { 1, 1 },
						.group = 1,
						.picture = x.tensor.pitch == 4 };
	} else {
		return sp_lower_refuse(lowering, "a product along what is not channels");
	}
	if (ret)
		return ret;
	/* The activation sees the result's own shape. */
	y.tensor = making.x.tensor;
	y.tensor.h = making.conv.oh;
	y.tensor.w = making.conv.ow;
	y.tensor.c = making.conv.oc;
	y.tensor.pitch = sp_tensor_pitch(y.tensor.c);
	sp_place_pixels(&place, SP_NONE, &y.tensor);
	making.slope = SP_NONE;
	act = sp_lower_last_act(lowering, node);
	ret = sp_lower_act(lowering, &act, &place, &lowering->shapes->of[node->output],
			   &making.conv.act, &making.slope);
	if (ret) {
		free(making.reordered);
		return ret;
	}
	ret = add_conv(lowering, &making, &y);
	if (ret)
		return ret;
	sp_place_pixels(&place, y.buffer, &y.tensor);
	sp_lower_set(lowering, node->output, &place);
	return 0;
}

/* ---- one convolution ------------------------------------------------------------------------- */

/* Whether node->residual can go along with a result of the sizes of @conv: *ret_also. */
static bool takes_residual(const struct sp_lowering *lowering, const struct sp_conv *conv,
			   struct sp_operand *ret_also)
{
	uint32_t residual = lowering->node->residual;
	const struct sp_place *place = sp_lower_place(lowering, residual);
	const struct sp_shape shape = { .rank = 4, .dim = { 1, conv->oc, conv->oh, conv->ow } };

	if (!place || place->tensor.pitch % 8 ||
	    !sp_shape_equal(&lowering->shapes->of[residual], &shape) ||
	    !sp_place_is_picture(place, &shape, &ret_also->tensor))
		return false;
	ret_also->buffer = place->buffer;
	return true;
}

/*
 * Groups of the three channels that go into a network have no kernel: all outputs read all
 * channels, those of other groups times 0. 0 or -errno.
 */
static int ungroup(struct sp_lowering *lowering, struct making *making)
{
	struct sp_conv *conv = &making->conv;
	size_t taps = (size_t)conv->kernel[0] * conv->kernel[1], of = conv->c / conv->group;
	float *weights = calloc(conv->oc * conv->c * taps, sizeof(*weights));

	if (!weights)
		return sp_lower_no_memory(lowering);
	for (size_t o = 0; o < conv->oc; o++)
		memcpy(weights + (o * conv->c + o / (conv->oc / conv->group) * of) * taps,
		       making->weights + o * of * taps, of * taps * sizeof(*weights));
	conv->group = 1;
	making->weights = making->reordered = weights;
	return 0;
}

/* A kernel as large as the picture: a product of all. */
static bool is_whole(const struct sp_conv *conv)
{
	return conv->group == 1 && !conv->picture && conv->oh == 1 && conv->ow == 1 &&
	       conv->kernel[0] == conv->h && conv->kernel[1] == conv->w && !conv->pad[0] &&
	       !conv->pad[1] && conv->h * conv->w > 1;
}

static int lower_one(struct sp_lowering *lowering, const struct sp_operand *x)
{
	const struct sp_node *node = lowering->node;
	struct making making = { .x = *x, .also.buffer = SP_NONE, .slope = SP_NONE };
	bool along = true;
	struct sp_place place;
	struct sp_shape shape;
	struct sp_operand y;
	int ret = conv_of(lowering, node, &x->tensor, &making.conv);

	if (ret)
		return ret;
	making.weights = lowering->graph->tensors[node->inputs[1]].floats;
	making.bias = bias_of(lowering, node);
	if (node->residual != SP_NONE)
		along = takes_residual(lowering, &making.conv, &making.also);
	if (along)
		ret = conv_act(lowering, node, &making.conv, &making.slope);
	if (!ret && making.conv.picture && making.conv.group > 1)
		ret = ungroup(lowering, &making);
	if (!ret && is_whole(&making.conv)) {
		sp_place_picture(&place, x->buffer, &x->tensor);
		ret = product_of_all(lowering, &place, making.conv.oc, &making);
	}
	if (!ret)
		ret = add_conv(lowering, &making, &y);
	if (ret)
		return ret;
	sp_place_picture(&place, y.buffer, &y.tensor);
	if (along) {
		sp_lower_set(lowering, node->output, &place);
		return 0;
	}
	shape = (struct sp_shape){ .rank = 4, .dim = { 1, y.tensor.c, y.tensor.h, y.tensor.w } };
	return sp_lower_residual(lowering, &place, &shape);
}

int sp_lower_conv(struct sp_lowering *lowering)
{
	const struct sp_node *node = lowering->node;
	bool second = node->pair != SP_NONE && node->pair < number_of(lowering, node);
	uint32_t input = node->inputs[0];
	struct sp_operand x;
	bool made = false;
	int ret;

	/* Of a pair that goes together there is nothing in between. */
	if (second && !lowering->placed[input])
		input = lowering->graph->nodes[node->pair].inputs[0];
	else if (second)
		made = true; /* it does not */
	ret = sp_lower_picture(lowering, input, &x);
	if (ret)
		return ret;
	if (node->pair != SP_NONE && !made) {
		ret = lower_pair(lowering, &x, &made);
		if (ret || made)
			return ret;
	}
	return lower_one(lowering, &x);
}
