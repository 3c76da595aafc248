/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Narrow ends of a network. A detector's heads are separable convolutions of few channels that read
 * the same wide picture: as one with the channels of all of them it is read once, and launches are
 * fewer. Each then has some of the channels of one tensor, which only outputs can do with.
 */
#include "cuda/network_lower.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/network_weights.h"

enum { HEADS_MAX = 16, CHANNELS_MAX = 16 }; /* of all of them */

static bool is_move(enum sp_op op)
{
	return op == SP_OP_TRANSPOSE || op == SP_OP_RESHAPE || op == SP_OP_FLATTEN ||
	       op == SP_OP_SQUEEZE || op == SP_OP_UNSQUEEZE;
}

/* The next node that alone reads @tensor, after moves: SP_NONE at an end or a fork. */
static uint32_t after_moves(const struct sp_lowering *lowering, uint32_t tensor)
{
	uint32_t reader = sp_lower_only_reader(lowering, tensor);

	while (reader != SP_NONE && is_move(lowering->graph->nodes[reader].op))
		reader = sp_lower_only_reader(lowering, lowering->graph->nodes[reader].output);
	return reader;
}

struct sp_activation sp_lower_last_act(struct sp_lowering *lowering, const struct sp_node *node)
{
	uint32_t after = SP_NONE;
	const struct sp_node *late;

	if (node->act.kind == SP_ACT_NONE && node->residual == SP_NONE)
		after = after_moves(lowering, node->output);
	late = after == SP_NONE ? NULL : &lowering->graph->nodes[after];
	/* Slopes are for channels as they are there, not here. */
	if (!late || late->op != SP_OP_ACTIVATION || late->act.kind == SP_ACT_PRELU)
		return node->act;
	lowering->is_view[after] = true;
	return late->act;
}

/* ---- several in one -------------------------------------------------------------------------- */

struct heads {
	unsigned int n;
	uint32_t channels;
	const struct sp_node *pointwise[HEADS_MAX], *depthwise[HEADS_MAX];
};

/* Whether all that comes of @place, which is @tensor, is one output in rows, and nothing moves. */
static bool ends_in_rows(const struct sp_lowering *lowering, uint32_t tensor,
			 const struct sp_place *place)
{
	struct sp_place view = *place;
	size_t pitch;

	while (lowering->uses[tensor] == 1) {
		uint32_t reader = lowering->reader[tensor];
		const struct sp_node *node = &lowering->graph->nodes[reader];
		const struct sp_shape *shape = &lowering->shapes->of[tensor];
		int64_t perm[SP_RANK_MAX];

		if (!is_move(node->op) && !lowering->is_view[reader])
			return false;
		for (unsigned int i = 0; i < shape->rank; i++)
			perm[i] = node->perm.n ? node->perm.of[i] : (int64_t)(shape->rank - 1 - i);
		if (node->op == SP_OP_TRANSPOSE && !sp_place_transpose(&view, shape, perm))
			return false;
		tensor = node->output;
	}
	return lowering->uses[tensor] == SP_READ_OUTSIDE &&
	       sp_place_is_rows(&view, &lowering->shapes->of[tensor], &pitch);
}

/* Channels [@first, …) of @y. */
static void head_place(const struct sp_operand *y, uint32_t first, uint32_t channels,
		       struct sp_place *ret)
{
	struct sp_device_tensor own = y->tensor;

	own.c = channels;
	sp_place_picture(ret, y->buffer, &own);
	ret->tensor = y->tensor;
	ret->base = first;
}

static bool same_act(const struct sp_activation *a, const struct sp_activation *b)
{
	return a->kind == b->kind && a->kind != SP_ACT_PRELU &&
	       (a->kind != SP_ACT_CLIP || (a->low == b->low && a->high == b->high));
}

static bool same_window(const struct sp_window *a, const struct sp_window *b)
{
	return !memcmp(a->kernel, b->kernel, sizeof(a->kernel)) &&
	       !memcmp(a->stride, b->stride, sizeof(a->stride)) &&
	       !memcmp(a->dilation, b->dilation, sizeof(a->dilation)) &&
	       !memcmp(a->pad, b->pad, sizeof(a->pad)) && a->auto_pad == b->auto_pad;
}

/* @depthwise and its pair join @heads if they do as the first ones do, and fit. */
static void join(struct sp_lowering *lowering, const struct sp_operand *y,
		 const struct sp_node *depthwise, struct heads *heads)
{
	const struct sp_node *pointwise = &lowering->graph->nodes[depthwise->pair];
	uint32_t channels = (uint32_t)lowering->shapes->of[depthwise->output].dim[1];
	struct sp_activation act = sp_lower_last_act(lowering, depthwise), first;
	struct sp_place place;

	if (heads->n == HEADS_MAX || pointwise > depthwise || lowering->placed[pointwise->output] ||
	    pointwise->residual != SP_NONE || depthwise->residual != SP_NONE ||
	    channels > CHANNELS_MAX - heads->channels)
		return;
	if (heads->n) {
		first = sp_lower_last_act(lowering, heads->depthwise[0]);
		if (pointwise->inputs[0] != heads->pointwise[0]->inputs[0] ||
		    !same_act(&pointwise->act, &heads->pointwise[0]->act) ||
		    !same_act(&act, &first) ||
		    !same_window(&depthwise->window, &heads->depthwise[0]->window))
			return;
	}
	head_place(y, heads->channels, channels, &place);
	if (!ends_in_rows(lowering, depthwise->output, &place))
		return;
	heads->pointwise[heads->n] = pointwise;
	heads->depthwise[heads->n++] = depthwise;
	heads->channels += channels;
}

/*
 * Weights and biases of one half of all heads after one another; freed by the caller. NULL: no
 * memory.
 */
static float *side_by_side(const struct sp_lowering *lowering, const struct sp_node *const *nodes,
			   const struct heads *heads, float **ret_bias)
{
	const struct sp_tensor *tensors = lowering->graph->tensors;
	const struct sp_shape *shape = &tensors[nodes[0]->inputs[1]].shape;
	size_t of = (size_t)(shape->dim[1] * shape->dim[2] * shape->dim[3]), at = 0;
	float *weights = calloc(heads->channels * of, sizeof(*weights));
	float *bias = calloc(heads->channels, sizeof(*bias));

	for (unsigned int i = 0; i < heads->n && weights && bias; i++) {
		const struct sp_node *node = nodes[i];
		size_t channels = (size_t)tensors[node->inputs[1]].shape.dim[0];
		uint32_t biases = node->inputs_n > 2 ? node->inputs[2] : SP_NONE;

		memcpy(weights + at * of, tensors[node->inputs[1]].floats,
		       channels * of * sizeof(*weights));
		if (biases != SP_NONE)
			memcpy(bias + at, tensors[biases].floats, channels * sizeof(*bias));
		at += channels;
	}
	if (weights && bias) {
		*ret_bias = bias;
		return weights;
	}
	free(weights);
	free(bias);
	return NULL;
}

static int pack(struct sp_lowering *lowering, const struct heads *heads, struct sp_step *step)
{
	float *weights[2], *bias[2] = { NULL, NULL };
	size_t bytes = sp_separable_bytes(&step->separable);
	void *room = sp_weights_room(bytes);
	int ret = -ENOMEM;

	weights[0] = side_by_side(lowering, heads->pointwise, heads, &bias[0]);
	weights[1] = side_by_side(lowering, heads->depthwise, heads, &bias[1]);
	if (room && weights[0] && weights[1]) {
		sp_separable_pack(&step->separable, (const float *const *)weights,
				  (const float *const *)bias, room);
		ret = sp_weights_keep(lowering->network->model->weights, step->node, room, bytes,
				      &step->weights);
	} else {
		free(room);
	}
	for (unsigned int i = 0; i < 2; i++) {
		free(weights[i]);
		free(bias[i]);
	}
	return ret ? sp_lower_no_memory(lowering) : 0;
}

int sp_lower_heads(struct sp_lowering *lowering, const struct sp_operand *x,
		   const struct sp_separable *separable, bool *ret_made)
{
	const struct sp_graph *graph = lowering->graph;
	struct sp_separable all = *separable;
	struct heads heads = { .n = 0 };
	struct sp_operand y = { .buffer = SP_NONE };
	struct sp_step *step;
	uint32_t first = 0;
	int ret;

	*ret_made = false;
	/*
	 * Of float32 whatever the network is: cells beside each other score so alike that in bfloat16
	 * they are equal, and the wrong one's landmarks are taken.
	 */
	y.tensor = (struct sp_device_tensor){ .type = SP_TENSOR_F32,
					      .n = x->tensor.n,
					      .h = separable->depthwise.oh,
					      .w = separable->depthwise.ow,
					      .c = CHANNELS_MAX,
					      .pitch = CHANNELS_MAX };
	join(lowering, &y, lowering->node, &heads);
	for (uint32_t i = (uint32_t)(lowering->node - graph->nodes) + 1;
	     i < graph->nodes_n && heads.n; i++)
		if (graph->nodes[i].op == SP_OP_CONV && graph->nodes[i].pair < i &&
		    !lowering->done[i])
			join(lowering, &y, &graph->nodes[i], &heads);
	all.pointwise.oc = all.depthwise.c = all.depthwise.oc = all.depthwise.group =
		heads.channels;
	if (heads.n < 2 || !sp_separable_can(&lowering->network->model->device, &all))
		return 0;
	ret = sp_lower_tensor_of(lowering, SP_TENSOR_F32, y.tensor.h, y.tensor.w, heads.channels,
				 &y);
	step = ret ? NULL : sp_lower_step(lowering, SP_STEP_SEPARABLE);
	if (!step)
		return ret ? ret : -ENOMEM;
	step->separable = all;
	step->x = *x;
	step->y = y;
	for (unsigned int i = 0; i < heads.n; i++) {
		uint32_t tensor = heads.depthwise[i]->output;
		uint32_t channels = (uint32_t)lowering->shapes->of[tensor].dim[1];
		struct sp_place place;

		head_place(&y, first, channels, &place);
		sp_lower_set(lowering, tensor, &place);
		lowering->done[heads.pointwise[i] - graph->nodes] = true;
		lowering->done[heads.depthwise[i] - graph->nodes] = true;
		first += channels;
	}
	*ret_made = true;
	return pack(lowering, &heads, step);
}
