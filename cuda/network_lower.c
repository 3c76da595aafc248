/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/network_lower.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "cuda/memory.h"
#include "cuda/network_weights.h"
#include "infer/model.h"

int sp_lower_refuse(const struct sp_lowering *lowering, const char *fmt, ...)
{
	va_list ap;
	char what[192];

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return sp_err_set(
		lowering->err, -ENOTSUP,
		"node '%s' (%s): %s is not for the CUDA backend; use compute.backend: cpu",
		lowering->node->name, lowering->node->type, what);
}

int sp_lower_no_memory(const struct sp_lowering *lowering)
{
	return sp_err_set(lowering->err, -ENOMEM, "out of memory");
}

/* ---- what steps are made of ------------------------------------------------------------------ */

const struct sp_place *sp_lower_place(const struct sp_lowering *lowering, uint32_t tensor)
{
	return lowering->placed[tensor] ? &lowering->places[tensor] : NULL;
}

int sp_lower_given(const struct sp_lowering *lowering, uint32_t tensor, struct sp_place *ret_place)
{
	const struct sp_place *place = sp_lower_place(lowering, tensor);

	if (!place)
		return sp_lower_refuse(lowering, "a constant in this place");
	*ret_place = *place;
	return 0;
}

int sp_lower_picture(const struct sp_lowering *lowering, uint32_t tensor, struct sp_operand *ret_x)
{
	struct sp_place place;
	char text[96];
	int ret = sp_lower_given(lowering, tensor, &place);

	if (ret)
		return ret;
	if (!sp_place_is_picture(&place, &lowering->shapes->of[tensor], &ret_x->tensor))
		return sp_lower_refuse(
			lowering, "an input of %s that is no picture as it lies",
			sp_shape_text(&lowering->shapes->of[tensor], text, sizeof(text)));
	ret_x->buffer = place.buffer;
	return 0;
}

void sp_lower_set(struct sp_lowering *lowering, uint32_t tensor, const struct sp_place *place)
{
	lowering->places[tensor] = *place;
	lowering->placed[tensor] = true;
}

int sp_network_buffer(struct sp_network *network, size_t size, uint32_t *ret_buffer)
{
	if (network->buffers_n == network->buffers_room) {
		uint32_t room = network->buffers_room ? 2 * network->buffers_room : 64;
		struct sp_lease *buffers = realloc(network->buffers, room * sizeof(*buffers));

		if (!buffers)
			return -ENOMEM;
		network->buffers = buffers;
		network->buffers_room = room;
	}
	network->buffers[network->buffers_n] = (struct sp_lease){
		.size = (size + SP_ARENA_ALIGN - 1) / SP_ARENA_ALIGN * SP_ARENA_ALIGN
	};
	*ret_buffer = network->buffers_n++;
	return 0;
}

/* Bytes of all pictures; false: too many. */
static bool bytes_of(uint64_t n, uint64_t h, uint64_t w, uint64_t pitch, uint64_t number,
		     size_t *ret_bytes)
{
	uint64_t bytes;

	/* What is above a TiB is a mistake, and sums of what is below cannot overflow. */
	if (__builtin_mul_overflow(n, h, &bytes) || __builtin_mul_overflow(bytes, w, &bytes) ||
	    __builtin_mul_overflow(bytes, pitch * number, &bytes) || bytes > (uint64_t)1 << 40)
		return false;
	*ret_bytes = bytes;
	return true;
}

static int add_tensor(struct sp_lowering *lowering, const struct sp_device_tensor *tensor,
		      struct sp_operand *ret)
{
	size_t bytes;

	if (!bytes_of(tensor->n, tensor->h, tensor->w, tensor->pitch,
		      sp_tensor_number(tensor->type), &bytes))
		return sp_err_set(lowering->err, -EFBIG, "%u pictures of this size are too large",
				  tensor->n);
	ret->tensor = *tensor;
	return sp_network_buffer(lowering->network, bytes, &ret->buffer)
		       ? sp_lower_no_memory(lowering)
		       : 0;
}

int sp_lower_tensor_of(struct sp_lowering *lowering, enum sp_tensor_type type, uint32_t h,
		       uint32_t w, uint32_t c, struct sp_operand *ret_y)
{
	const struct sp_device_tensor tensor = { .type = type,
						 .n = lowering->network->n,
						 .h = h,
						 .w = w,
						 .c = c,
						 .pitch = sp_tensor_pitch(c) };

	return add_tensor(lowering, &tensor, ret_y);
}

int sp_lower_tensor(struct sp_lowering *lowering, uint32_t h, uint32_t w, uint32_t c,
		    struct sp_operand *ret_y)
{
	return sp_lower_tensor_of(lowering, lowering->network->model->type, h, w, c, ret_y);
}

struct sp_step *sp_lower_step(struct sp_lowering *lowering, enum sp_step_kind kind)
{
	struct sp_network *network = lowering->network;
	struct sp_step *step;

	if (network->steps_n == network->steps_room) {
		uint32_t room = network->steps_room ? 2 * network->steps_room : 64;
		struct sp_step *steps = realloc(network->steps, room * sizeof(*steps));

		if (!steps) {
			sp_lower_no_memory(lowering);
			return NULL;
		}
		network->steps = steps;
		network->steps_room = room;
	}
	step = &network->steps[network->steps_n++];
	*step = (struct sp_step){ .kind = kind,
				  .node = lowering->node ? (uint32_t)(lowering->node -
								      lowering->graph->nodes)
							 : SP_NONE,
				  .x.buffer = SP_NONE,
				  .also.buffer = SP_NONE,
				  .y.buffer = SP_NONE,
				  .workspace.buffer = SP_NONE,
				  .weights = SP_NONE,
				  .slope = SP_NONE,
				  .inner_slope = SP_NONE };
	return step;
}

int sp_lower_constant(struct sp_lowering *lowering, const struct sp_place *place,
		      const struct sp_shape *shape, const float *const *of, unsigned int parts,
		      const struct sp_shape *of_shape, uint32_t *ret_number)
{
	size_t pitch = place->tensor.pitch;
	float *room = sp_weights_room(parts * pitch * sizeof(*room));
	char text[96];

	if (!room)
		return sp_lower_no_memory(lowering);
	for (unsigned int i = 0; i < parts; i++)
		if (!sp_place_channels(place, shape, of[i], of_shape, room + i * pitch)) {
			free(room);
			return sp_lower_refuse(lowering,
					       "a constant of %s that is not one value a channel",
					       sp_shape_text(of_shape, text, sizeof(text)));
		}
	if (sp_weights_keep(lowering->network->model->weights,
			    (uint32_t)(lowering->node - lowering->graph->nodes), room,
			    parts * pitch * sizeof(*room), ret_number))
		return sp_lower_no_memory(lowering);
	return 0;
}

int sp_lower_act(struct sp_lowering *lowering, const struct sp_activation *act,
		 const struct sp_place *place, const struct sp_shape *shape,
		 struct sp_step_act *ret_act, uint32_t *ret_slope)
{
	const struct sp_tensor *slope;

	*ret_act = (struct sp_step_act){ .kind = act->kind, .low = act->low, .high = act->high };
	if (act->kind != SP_ACT_PRELU)
		return 0;
	slope = &lowering->graph->tensors[act->slope];
	return sp_lower_constant(lowering, place, shape, &slope->floats, 1, &slope->shape,
				 ret_slope);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

/* The same numbers under another shape. */
static int lower_view(struct sp_lowering *lowering)
{
	struct sp_place place;
	int ret = sp_lower_given(lowering, lowering->node->inputs[0], &place);

	if (!ret)
		sp_lower_set(lowering, lowering->node->output, &place);
	return ret;
}

static int lower_transpose(struct sp_lowering *lowering)
{
	const struct sp_node *node = lowering->node;
	const struct sp_shape *shape = &lowering->shapes->of[node->inputs[0]];
	struct sp_place place;
	int64_t perm[SP_RANK_MAX];
	int ret = sp_lower_given(lowering, node->inputs[0], &place);

	if (ret)
		return ret;
	for (unsigned int i = 0; i < shape->rank; i++)
		perm[i] = node->perm.n ? node->perm.of[i] : (int64_t)(shape->rank - 1 - i);
	if (!sp_place_transpose(&place, shape, perm))
		return sp_lower_refuse(lowering, "a transpose of what a reshape has torn apart");
	sp_lower_set(lowering, node->output, &place);
	return 0;
}

static int lower_node(struct sp_lowering *lowering)
{
	static int (*const make[])(struct sp_lowering * lowering) = {
		[SP_OP_CONV] = sp_lower_conv,
		[SP_OP_GEMM] = sp_lower_gemm,
		[SP_OP_ADD] = sp_lower_binary,
		[SP_OP_SUB] = sp_lower_binary,
		[SP_OP_MUL] = sp_lower_binary,
		[SP_OP_DIV] = sp_lower_binary,
		[SP_OP_AFFINE] = sp_lower_affine,
		[SP_OP_ACTIVATION] = sp_lower_unary,
		[SP_OP_FUNCTION] = sp_lower_unary,
		[SP_OP_MAXPOOL] = sp_lower_pool,
		[SP_OP_AVGPOOL] = sp_lower_pool,
		[SP_OP_MEAN] = sp_lower_mean,
		[SP_OP_RESIZE] = sp_lower_resize,
		[SP_OP_CONCAT] = sp_lower_concat,
		[SP_OP_TRANSPOSE] = lower_transpose,
		[SP_OP_RESHAPE] = lower_view,
		[SP_OP_FLATTEN] = lower_view,
		[SP_OP_SQUEEZE] = lower_view,
		[SP_OP_UNSQUEEZE] = lower_view,
		/* Not for this backend: SOFTMAX, REDUCE, LAYERNORM, MATMUL, SPLIT, EXPAND, … */
		[SP_OP_IDENTITY] = NULL,
	};
	const struct sp_shape *shape = &lowering->shapes->of[lowering->node->output];
	size_t number = (size_t)(lowering->node - lowering->graph->nodes);
	char text[96];

	if (!make[lowering->node->op])
		return sp_lower_refuse(lowering, "this operator");
	if (!shape->rank || shape->dim[0] != 1)
		return sp_lower_refuse(lowering,
				       "a result of %s, whose first dimension is not the "
				       "pictures',",
				       sp_shape_text(shape, text, sizeof(text)));
	return lowering->is_view[number] ? lower_view(lowering)
					 : make[lowering->node->op](lowering);
}

uint32_t sp_lower_only_reader(const struct sp_lowering *lowering, uint32_t tensor)
{
	return lowering->uses[tensor] == 1 ? lowering->reader[tensor] : SP_NONE;
}

static void count_readers(struct sp_lowering *lowering)
{
	const struct sp_graph *graph = lowering->graph;

	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		const struct sp_node *node = &graph->nodes[i];

		/* Integers are shapes, known by now: nothing of a tensor is read for them. */
		if (lowering->shapes->ints[node->output])
			continue;
		for (uint32_t k = 0; k <= node->inputs_n; k++) {
			uint32_t tensor = k < node->inputs_n ? node->inputs[k] : node->residual;

			if (tensor == SP_NONE)
				continue;
			lowering->uses[tensor]++;
			lowering->reader[tensor] = i;
		}
	}
	for (uint32_t i = 0; i < graph->outputs_n; i++)
		lowering->uses[graph->outputs[i]] += SP_READ_OUTSIDE;
}

/* ---- what goes in and out -------------------------------------------------------------------- */

static int lower_input(struct sp_lowering *lowering)
{
	struct sp_network *network = lowering->network;
	const struct sp_shape *shape = &lowering->shapes->of[lowering->graph->inputs[0]];
	struct sp_operand x;
	int ret;

	x.tensor = (struct sp_device_tensor){ .type = network->model->type,
					      .n = network->n,
					      .h = (uint32_t)shape->dim[2],
					      .w = (uint32_t)shape->dim[3],
					      .c = (uint32_t)shape->dim[1],
					      .pitch = 4 };
	ret = add_tensor(lowering, &x.tensor, &x);
	if (ret)
		return ret;
	sp_place_picture(&network->input, x.buffer, &x.tensor);
	sp_lower_set(lowering, lowering->graph->inputs[0], &network->input);
	return 0;
}

/* Numbers whose order is that of planes, under whatever shape: moved into it. */
static int move_to_planes(struct sp_lowering *lowering, struct sp_network_end *end)
{
	struct sp_device_tensor tensor = end->place.tensor;
	size_t elements = sp_place_elements(&end->place);
	struct sp_place picture;
	struct sp_operand x = { end->place.buffer, tensor }, y;
	struct sp_step *step;
	int ret;

	sp_place_picture(&picture, end->place.buffer, &tensor);
	if (!sp_place_alike(&picture, &end->place))
		return sp_lower_refuse(lowering,
				       "an output in an order that is none of a picture's");
	tensor = (struct sp_device_tensor){ .type = SP_TENSOR_F32,
					    .n = tensor.n,
					    .h = 1,
					    .w = 1,
					    .c = (uint32_t)elements,
					    .pitch = (uint32_t)elements };
	ret = add_tensor(lowering, &tensor, &y);
	if (ret)
		return ret;
	step = sp_lower_step(lowering, SP_STEP_PLANES);
	if (!step)
		return -ENOMEM;
	step->x = x;
	step->y = y;
	sp_place_picture(&end->place, y.buffer, &tensor);
	return 0;
}

static int lower_output(struct sp_lowering *lowering, unsigned int i)
{
	struct sp_network_end *end = &lowering->network->ends[i];
	uint32_t tensor = lowering->graph->outputs[i];
	const struct sp_shape *shape = &lowering->shapes->of[tensor];
	struct sp_network_output *output = &end->output;
	struct sp_device_tensor picture;
	int ret;

	if (!lowering->placed[tensor])
		return sp_err_set(
			lowering->err, -ENOTSUP,
			"output '%s' is a constant, which is not for the CUDA backend; use "
			"compute.backend: cpu",
			lowering->graph->tensors[tensor].name);
	end->place = lowering->places[tensor];
	*output = (struct sp_network_output){ .shape = *shape };
	if (!sp_place_is_rows(&end->place, shape, &output->pitch)) {
		if (sp_place_is_picture(&end->place, shape, &picture)) {
			output->planes = true;
			output->pitch = picture.pitch;
		} else {
			for (uint32_t k = 0; k < lowering->graph->nodes_n; k++)
				if (lowering->graph->nodes[k].output == tensor)
					lowering->node = &lowering->graph->nodes[k];
			ret = move_to_planes(lowering, end);
			if (ret)
				return ret;
			output->pitch = (size_t)shape->dim[shape->rank - 1];
		}
	}
	output->type = end->place.tensor.type;
	output->picture = sp_tensor_picture(&end->place.tensor);
	return 0;
}

static int lower_all(struct sp_lowering *lowering)
{
	int ret = lower_input(lowering);

	for (uint32_t i = 0; !ret && i < lowering->graph->nodes_n; i++) {
		lowering->node = &lowering->graph->nodes[i];
		if (!lowering->done[i] && !lowering->shapes->ints[lowering->node->output])
			ret = lower_node(lowering);
	}
	for (unsigned int i = 0; !ret && i < lowering->graph->outputs_n; i++)
		ret = lower_output(lowering, i);
	return ret;
}

int sp_network_lower(struct sp_network *network, struct sp_err *err)
{
	const struct sp_graph *graph = network->model->model->graph;
	struct sp_lowering lowering = {
		.network = network, .graph = graph, .shapes = &network->shapes, .err = err
	};
	int ret = -ENOMEM;

	lowering.places = calloc(graph->tensors_n + 1, sizeof(*lowering.places));
	lowering.placed = calloc(graph->tensors_n + 1, sizeof(*lowering.placed));
	lowering.uses = calloc(graph->tensors_n + 1, sizeof(*lowering.uses));
	lowering.reader = calloc(graph->tensors_n + 1, sizeof(*lowering.reader));
	lowering.done = calloc(graph->nodes_n + 1, sizeof(*lowering.done));
	lowering.is_view = calloc(graph->nodes_n + 1, sizeof(*lowering.is_view));
	network->ends = calloc(graph->outputs_n + 1, sizeof(*network->ends));
	if (lowering.places && lowering.placed && lowering.uses && lowering.reader &&
	    lowering.done && network->ends) {
		count_readers(&lowering);
		ret = lower_all(&lowering);
	} else {
		sp_lower_no_memory(&lowering);
	}
	free(lowering.is_view);
	free(lowering.done);
	free(lowering.reader);
	free(lowering.uses);
	free(lowering.placed);
	free(lowering.places);
	return ret;
}
