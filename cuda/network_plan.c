/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/network_plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "cuda/memory.h"
#include "cuda/network_weights.h"
#include "infer/model.h"

int sp_plan_refuse(const struct sp_network_plan *plan, const char *fmt, ...)
{
	va_list ap;
	char what[192];

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return sp_err_set(
		plan->err, -ENOTSUP,
		"node '%s' (%s): %s is not for the CUDA backend; use compute.backend: cpu",
		plan->node->name, plan->node->type, what);
}

int sp_plan_no_memory(const struct sp_network_plan *plan)
{
	return sp_err_set(plan->err, -ENOMEM, "out of memory");
}

/* ---- what steps are made of ------------------------------------------------------------------ */

const struct sp_place *sp_plan_place(const struct sp_network_plan *plan, uint32_t tensor)
{
	return plan->placed[tensor] ? &plan->places[tensor] : NULL;
}

int sp_plan_given(const struct sp_network_plan *plan, uint32_t tensor, struct sp_place *ret_place)
{
	const struct sp_place *place = sp_plan_place(plan, tensor);

	if (!place)
		return sp_plan_refuse(plan, "a constant in this place");
	*ret_place = *place;
	return 0;
}

int sp_plan_picture(const struct sp_network_plan *plan, uint32_t tensor, struct sp_operand *ret_x)
{
	struct sp_place place;
	char text[96];
	int ret = sp_plan_given(plan, tensor, &place);

	if (ret)
		return ret;
	if (!sp_place_is_picture(&place, &plan->shapes->of[tensor], &ret_x->tensor))
		return sp_plan_refuse(plan, "an input of %s that is no picture as it lies",
				      sp_shape_text(&plan->shapes->of[tensor], text, sizeof(text)));
	ret_x->buffer = place.buffer;
	return 0;
}

void sp_plan_set(struct sp_network_plan *plan, uint32_t tensor, const struct sp_place *place)
{
	plan->places[tensor] = *place;
	plan->placed[tensor] = true;
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

static int add_tensor(struct sp_network_plan *plan, const struct sp_device_tensor *tensor,
		      struct sp_operand *ret)
{
	size_t bytes;

	if (!bytes_of(tensor->n, tensor->h, tensor->w, tensor->pitch,
		      sp_tensor_number(tensor->type), &bytes))
		return sp_err_set(plan->err, -EFBIG, "%u pictures of this size are too large",
				  tensor->n);
	ret->tensor = *tensor;
	return sp_network_buffer(plan->network, bytes, &ret->buffer) ? sp_plan_no_memory(plan) : 0;
}

int sp_plan_tensor(struct sp_network_plan *plan, uint32_t h, uint32_t w, uint32_t c,
		   struct sp_operand *ret_y)
{
	const struct sp_device_tensor tensor = { .type = plan->network->model->type,
						 .n = plan->network->n,
						 .h = h,
						 .w = w,
						 .c = c,
						 .pitch = sp_tensor_pitch(c) };

	return add_tensor(plan, &tensor, ret_y);
}

struct sp_step *sp_plan_step(struct sp_network_plan *plan, enum sp_step_kind kind)
{
	struct sp_network *network = plan->network;
	struct sp_step *step;

	if (network->steps_n == network->steps_room) {
		uint32_t room = network->steps_room ? 2 * network->steps_room : 64;
		struct sp_step *steps = realloc(network->steps, room * sizeof(*steps));

		if (!steps) {
			sp_plan_no_memory(plan);
			return NULL;
		}
		network->steps = steps;
		network->steps_room = room;
	}
	step = &network->steps[network->steps_n++];
	*step = (struct sp_step){ .kind = kind,
				  .node = plan->node ? (uint32_t)(plan->node - plan->graph->nodes)
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

int sp_plan_constant(struct sp_network_plan *plan, const struct sp_place *place,
		     const struct sp_shape *shape, const float *const *of, unsigned int parts,
		     const struct sp_shape *of_shape, uint32_t *ret_number)
{
	size_t pitch = place->tensor.pitch;
	float *room = sp_weights_room(parts * pitch * sizeof(*room));
	char text[96];

	if (!room)
		return sp_plan_no_memory(plan);
	for (unsigned int i = 0; i < parts; i++)
		if (!sp_place_channels(place, shape, of[i], of_shape, room + i * pitch)) {
			free(room);
			return sp_plan_refuse(plan,
					      "a constant of %s that is not one value a channel",
					      sp_shape_text(of_shape, text, sizeof(text)));
		}
	if (sp_weights_keep(plan->network->model->weights,
			    (uint32_t)(plan->node - plan->graph->nodes), room,
			    parts * pitch * sizeof(*room), ret_number))
		return sp_plan_no_memory(plan);
	return 0;
}

int sp_plan_act(struct sp_network_plan *plan, const struct sp_activation *act,
		const struct sp_place *place, const struct sp_shape *shape,
		struct sp_step_act *ret_act, uint32_t *ret_slope)
{
	const struct sp_tensor *slope;

	*ret_act = (struct sp_step_act){ .kind = act->kind, .low = act->low, .high = act->high };
	if (act->kind != SP_ACT_PRELU)
		return 0;
	slope = &plan->graph->tensors[act->slope];
	return sp_plan_constant(plan, place, shape, &slope->floats, 1, &slope->shape, ret_slope);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

/* The same numbers under another shape. */
static int plan_view(struct sp_network_plan *plan)
{
	struct sp_place place;
	int ret = sp_plan_given(plan, plan->node->inputs[0], &place);

	if (!ret)
		sp_plan_set(plan, plan->node->output, &place);
	return ret;
}

static int plan_transpose(struct sp_network_plan *plan)
{
	const struct sp_node *node = plan->node;
	const struct sp_shape *shape = &plan->shapes->of[node->inputs[0]];
	struct sp_place place;
	int64_t perm[SP_RANK_MAX];
	int ret = sp_plan_given(plan, node->inputs[0], &place);

	if (ret)
		return ret;
	for (unsigned int i = 0; i < shape->rank; i++)
		perm[i] = node->perm.n ? node->perm.of[i] : (int64_t)(shape->rank - 1 - i);
	if (!sp_place_transpose(&place, shape, perm))
		return sp_plan_refuse(plan, "a transpose of what a reshape has torn apart");
	sp_plan_set(plan, node->output, &place);
	return 0;
}

static int plan_node(struct sp_network_plan *plan)
{
	static int (*const make[])(struct sp_network_plan * plan) = {
		[SP_OP_CONV] = sp_plan_conv,
		[SP_OP_GEMM] = sp_plan_gemm,
		[SP_OP_ADD] = sp_plan_binary,
		[SP_OP_SUB] = sp_plan_binary,
		[SP_OP_MUL] = sp_plan_binary,
		[SP_OP_DIV] = sp_plan_binary,
		[SP_OP_AFFINE] = sp_plan_affine,
		[SP_OP_ACTIVATION] = sp_plan_unary,
		[SP_OP_FUNCTION] = sp_plan_unary,
		[SP_OP_MAXPOOL] = sp_plan_pool,
		[SP_OP_AVGPOOL] = sp_plan_pool,
		[SP_OP_MEAN] = sp_plan_mean,
		[SP_OP_RESIZE] = sp_plan_resize,
		[SP_OP_CONCAT] = sp_plan_concat,
		[SP_OP_TRANSPOSE] = plan_transpose,
		[SP_OP_RESHAPE] = plan_view,
		[SP_OP_FLATTEN] = plan_view,
		[SP_OP_SQUEEZE] = plan_view,
		[SP_OP_UNSQUEEZE] = plan_view,
		/* Not for this backend: SOFTMAX, REDUCE, LAYERNORM, MATMUL, SPLIT, EXPAND, … */
		[SP_OP_IDENTITY] = NULL,
	};
	const struct sp_shape *shape = &plan->shapes->of[plan->node->output];
	char text[96];

	if (!make[plan->node->op])
		return sp_plan_refuse(plan, "this operator");
	if (!shape->rank || shape->dim[0] != 1)
		return sp_plan_refuse(plan,
				      "a result of %s, whose first dimension is not the "
				      "pictures',",
				      sp_shape_text(shape, text, sizeof(text)));
	return make[plan->node->op](plan);
}

static void count_readers(struct sp_network_plan *plan)
{
	const struct sp_graph *graph = plan->graph;

	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		const struct sp_node *node = &graph->nodes[i];

		/* Integers are shapes, known by now: nothing of a tensor is read for them. */
		if (plan->shapes->ints[node->output])
			continue;
		for (uint32_t k = 0; k <= node->inputs_n; k++) {
			uint32_t tensor = k < node->inputs_n ? node->inputs[k] : node->residual;

			if (tensor == SP_NONE)
				continue;
			plan->uses[tensor]++;
			plan->reader[tensor] = i;
		}
	}
	for (uint32_t i = 0; i < graph->outputs_n; i++)
		plan->uses[graph->outputs[i]] += 2; /* nobody is the only one to read it */
}

/* ---- what goes in and out -------------------------------------------------------------------- */

static int plan_input(struct sp_network_plan *plan)
{
	struct sp_network *network = plan->network;
	const struct sp_shape *shape = &plan->shapes->of[plan->graph->inputs[0]];
	struct sp_operand x;
	int ret;

	x.tensor = (struct sp_device_tensor){ .type = network->model->type,
					      .n = network->n,
					      .h = (uint32_t)shape->dim[2],
					      .w = (uint32_t)shape->dim[3],
					      .c = (uint32_t)shape->dim[1],
					      .pitch = 4 };
	ret = add_tensor(plan, &x.tensor, &x);
	if (ret)
		return ret;
	sp_place_picture(&network->input, x.buffer, &x.tensor);
	sp_plan_set(plan, plan->graph->inputs[0], &network->input);
	return 0;
}

/* Numbers whose order is that of planes, under whatever shape: moved into it. */
static int move_to_planes(struct sp_network_plan *plan, struct sp_network_end *end)
{
	struct sp_device_tensor tensor = end->place.tensor;
	size_t elements = sp_place_elements(&end->place);
	struct sp_place picture;
	struct sp_operand x = { end->place.buffer, tensor }, y;
	struct sp_step *step;
	int ret;

	sp_place_picture(&picture, end->place.buffer, &tensor);
	if (!sp_place_alike(&picture, &end->place))
		return sp_plan_refuse(plan, "an output in an order that is none of a picture's");
	tensor = (struct sp_device_tensor){ .type = SP_TENSOR_F32,
					    .n = tensor.n,
					    .h = 1,
					    .w = 1,
					    .c = (uint32_t)elements,
					    .pitch = (uint32_t)elements };
	ret = add_tensor(plan, &tensor, &y);
	if (ret)
		return ret;
	step = sp_plan_step(plan, SP_STEP_PLANES);
	if (!step)
		return -ENOMEM;
	step->x = x;
	step->y = y;
	sp_place_picture(&end->place, y.buffer, &tensor);
	return 0;
}

static int plan_output(struct sp_network_plan *plan, unsigned int i)
{
	struct sp_network_end *end = &plan->network->ends[i];
	uint32_t tensor = plan->graph->outputs[i];
	const struct sp_shape *shape = &plan->shapes->of[tensor];
	struct sp_network_output *output = &end->output;
	struct sp_device_tensor picture;
	int ret;

	if (!plan->placed[tensor])
		return sp_err_set(
			plan->err, -ENOTSUP,
			"output '%s' is a constant, which is not for the CUDA backend; use "
			"compute.backend: cpu",
			plan->graph->tensors[tensor].name);
	end->place = plan->places[tensor];
	*output = (struct sp_network_output){ .shape = *shape };
	if (!sp_place_is_rows(&end->place, shape, &output->pitch)) {
		if (sp_place_is_picture(&end->place, shape, &picture)) {
			output->planes = true;
			output->pitch = picture.pitch;
		} else {
			for (uint32_t k = 0; k < plan->graph->nodes_n; k++)
				if (plan->graph->nodes[k].output == tensor)
					plan->node = &plan->graph->nodes[k];
			ret = move_to_planes(plan, end);
			if (ret)
				return ret;
			output->pitch = (size_t)shape->dim[shape->rank - 1];
		}
	}
	output->type = end->place.tensor.type;
	output->picture = sp_tensor_picture(&end->place.tensor);
	return 0;
}

static int plan_all(struct sp_network_plan *plan)
{
	int ret = plan_input(plan);

	for (uint32_t i = 0; !ret && i < plan->graph->nodes_n; i++) {
		plan->node = &plan->graph->nodes[i];
		if (!plan->done[i] && !plan->shapes->ints[plan->node->output])
			ret = plan_node(plan);
	}
	for (unsigned int i = 0; !ret && i < plan->graph->outputs_n; i++)
		ret = plan_output(plan, i);
	return ret;
}

int sp_network_plan(struct sp_network *network, struct sp_err *err)
{
	const struct sp_graph *graph = network->model->model->graph;
	struct sp_network_plan plan = {
		.network = network, .graph = graph, .shapes = &network->shapes, .err = err
	};
	int ret = -ENOMEM;

	plan.places = calloc(graph->tensors_n + 1, sizeof(*plan.places));
	plan.placed = calloc(graph->tensors_n + 1, sizeof(*plan.placed));
	plan.uses = calloc(graph->tensors_n + 1, sizeof(*plan.uses));
	plan.reader = calloc(graph->tensors_n + 1, sizeof(*plan.reader));
	plan.done = calloc(graph->nodes_n + 1, sizeof(*plan.done));
	network->ends = calloc(graph->outputs_n + 1, sizeof(*network->ends));
	if (plan.places && plan.placed && plan.uses && plan.reader && plan.done && network->ends) {
		count_readers(&plan);
		ret = plan_all(&plan);
	} else {
		sp_plan_no_memory(&plan);
	}
	free(plan.done);
	free(plan.reader);
	free(plan.uses);
	free(plan.placed);
	free(plan.places);
	return ret;
}
