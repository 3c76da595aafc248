/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/plan_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "infer/graph.h"
#include "infer/model.h"

enum { OTHER_SIDE = 64 }; /* pixels more that a picture may have: strides up to 64 divide it */

/* What a step is made with. */
struct describe {
	const struct sp_graph *graph;
	struct sp_plan_text *text;
	bool *counted; /* by tensor: a constant that a step before counts */
};

/* ---- words ---------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size, const char *fmt,
							 ...)
{
	size_t n = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	/* Nothing begins with a space. */
	vsnprintf(text + n, size - n, n ? fmt : fmt + (*fmt == ' '), ap);
	va_end(ap);
}

#define SAY(step, ...) append((step)->what, sizeof((step)->what), __VA_ARGS__)

static void say_activation(const struct describe *describe, struct sp_plan_step *step,
			   const struct sp_activation *act)
{
	switch (act->kind) {
	case SP_ACT_NONE:
		break;
	case SP_ACT_RELU:
		SAY(step, " relu");
		break;
	case SP_ACT_CLIP:
		SAY(step, " clip %g…%g", act->low, act->high);
		break;
	case SP_ACT_SIGMOID:
		SAY(step, " sigmoid");
		break;
	case SP_ACT_PRELU:
		SAY(step, " prelu");
		if (sp_shape_elements(&describe->graph->tensors[act->slope].shape) == 1)
			SAY(step, " %g", describe->graph->tensors[act->slope].floats[0]);
		break;
	default:
		SAY(step, " activation %d", (int)act->kind);
	}
}

/* "3x3/2 pad 1 dilated 2 groups 4", for pictures of @x. */
static void say_window(struct sp_plan_step *step, const struct sp_window *window,
		       const struct sp_shape *x)
{
	int64_t pad[4] = { 0 };

	for (unsigned int axis = 0; axis < 2; axis++)
		sp_window_out(window, axis, x->dim[2 + axis], &pad[axis], &pad[axis + 2]);
	SAY(step, " %lldx%lld", (long long)window->kernel[0], (long long)window->kernel[1]);
	if (window->stride[0] != window->stride[1])
		SAY(step, "/%lldx%lld", (long long)window->stride[0], (long long)window->stride[1]);
	else if (window->stride[0] != 1)
		SAY(step, "/%lld", (long long)window->stride[0]);
	if (pad[0] != pad[1] || pad[0] != pad[2] || pad[0] != pad[3])
		SAY(step, " pad %lld,%lld,%lld,%lld", (long long)pad[0], (long long)pad[1],
		    (long long)pad[2], (long long)pad[3]);
	else if (pad[0])
		SAY(step, " pad %lld", (long long)pad[0]);
	if (window->dilation[0] != 1 || window->dilation[1] != 1)
		SAY(step, " dilated %lldx%lld", (long long)window->dilation[0],
		    (long long)window->dilation[1]);
}

static void say_conv(const struct describe *describe, struct sp_plan_step *step,
		     const struct sp_node *node)
{
	const struct sp_shape *weights = &describe->graph->tensors[node->inputs[1]].shape;
	const struct sp_shape *x = &describe->text->shapes.of[node->inputs[0]];
	const struct sp_window *window = &node->window;
	bool depthwise = window->group == weights->dim[0] && weights->dim[1] == 1;
	const struct sp_node *first;

	if (step->pointwise != SP_NONE) {
		first = &describe->graph->nodes[step->pointwise];
		SAY(step, "separable %lld → %lld",
		    (long long)describe->graph->tensors[first->inputs[1]].shape.dim[1],
		    (long long)weights->dim[0]);
		say_activation(describe, step, &first->act);
		if (first->act.kind != SP_ACT_NONE)
			SAY(step, " →");
	} else if (depthwise) {
		SAY(step, "depthwise %lld", (long long)weights->dim[0]);
	} else if (window->kernel[0] == 1 && window->kernel[1] == 1 && window->group == 1) {
		SAY(step, "pointwise %lld → %lld", (long long)x->dim[1],
		    (long long)weights->dim[0]);
		if (window->stride[0] == 1 && window->stride[1] == 1)
			return;
	} else {
		SAY(step, "conv %lld → %lld", (long long)x->dim[1], (long long)weights->dim[0]);
	}
	say_window(step, window, x);
	if (!depthwise && window->group != 1)
		SAY(step, " groups %lld", (long long)window->group);
}

const char *sp_plan_function_name(enum sp_function_kind kind)
{
	static const char *const names[SP_FUNCTIONS] = {
		[SP_FUN_ABS] = "abs",
		[SP_FUN_ELU] = "elu",
		[SP_FUN_ERF] = "erf",
		[SP_FUN_EXP] = "exp",
		[SP_FUN_GELU] = "gelu",
		[SP_FUN_GELU_TANH] = "gelu-tanh",
		[SP_FUN_HARDSIGMOID] = "hardsigmoid",
		[SP_FUN_HARDSWISH] = "hardswish",
		[SP_FUN_LOG] = "log",
		[SP_FUN_NEG] = "neg",
		[SP_FUN_POW] = "pow",
		[SP_FUN_RECIPROCAL] = "reciprocal",
		[SP_FUN_SQRT] = "sqrt",
		[SP_FUN_TANH] = "tanh",
	};

	return names[kind];
}

static void say_transpose(struct sp_plan_step *step, const struct sp_node *node)
{
	SAY(step, "transpose");
	for (uint32_t i = 0; i < node->perm.n; i++)
		SAY(step, "%s%lld", i ? "," : " ", (long long)node->perm.of[i]);
	if (!node->perm.n)
		SAY(step, " reversed");
}

static void say_what(const struct describe *describe, struct sp_plan_step *step)
{
	const struct sp_node *node = &describe->graph->nodes[step->node];
	const struct sp_shapes *shapes = &describe->text->shapes;
	const struct sp_shape *x = step->input == SP_NONE ? NULL : &shapes->of[step->input];
	const struct sp_shape *y = &shapes->of[node->output];

	switch (node->op) {
	case SP_OP_CONV:
		say_conv(describe, step, node);
		break;
	case SP_OP_GEMM:
		SAY(step, "product %lld → %lld", (long long)x->dim[x->rank - 1],
		    (long long)y->dim[y->rank - 1]);
		break;
	case SP_OP_AFFINE:
		SAY(step, "scale and shift %lld", (long long)x->dim[1]);
		break;
	case SP_OP_ACTIVATION:
		break;
	case SP_OP_MAXPOOL:
	case SP_OP_AVGPOOL:
		SAY(step, node->op == SP_OP_MAXPOOL ? "max-pool" : "average-pool");
		say_window(step, &node->window, x);
		break;
	case SP_OP_MEAN:
		SAY(step, "mean of %lldx%lld", (long long)x->dim[2], (long long)x->dim[3]);
		break;
	case SP_OP_RESIZE:
		SAY(step, "resize ×%lld", (long long)(y->dim[2] / x->dim[2]));
		if (y->dim[2] / x->dim[2] != y->dim[3] / x->dim[3])
			SAY(step, "x%lld", (long long)(y->dim[3] / x->dim[3]));
		break;
	case SP_OP_SOFTMAX:
		SAY(step, "softmax axis %lld%s", (long long)node->axis, node->flat ? " on" : "");
		break;
	case SP_OP_CONCAT:
		SAY(step, "concat axis %lld", (long long)node->axis);
		break;
	case SP_OP_TRANSPOSE:
		say_transpose(step, node);
		break;
	case SP_OP_FUNCTION:
		SAY(step, "%s", sp_plan_function_name(node->function.kind));
		break;
	case SP_OP_SPLIT:
		SAY(step, "part %lld of %lld along axis %lld", (long long)node->split.part + 1,
		    (long long)node->split.parts, (long long)node->split.axis);
		break;
	default:
		/* Add, Sub, Mul, Reshape …: the file's word says it all. */
		for (const char *at = node->type; *at; at++)
			SAY(step, "%c", *at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
	}
	if (node->residual != SP_NONE)
		SAY(step, " + add");
	say_activation(describe, step, &node->act);
}

/* @before stands between what is there and @tensor. */
static void say_from(const struct describe *describe, struct sp_plan_step *step, uint32_t tensor,
		     const char *before)
{
	const struct sp_tensor *tensors = describe->graph->tensors;

	if (tensor == SP_NONE || describe->text->shapes.ints[tensor])
		return;
	append(step->from, sizeof(step->from), "%s", before);
	if (sp_tensor_constant(&tensors[tensor]))
		append(step->from, sizeof(step->from), "constant");
	else if (describe->text->step_of[tensor])
		append(step->from, sizeof(step->from), "%u", describe->text->step_of[tensor]);
	else
		append(step->from, sizeof(step->from), "%s", tensors[tensor].name);
}

/* ---- figures -------------------------------------------------------------------------------- */

/* Hostile networks may have more than 64 bits of work. */
static uint64_t plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void add_cost(struct sp_plan_cost *sum, const struct sp_plan_cost *cost)
{
	sum->macs = plus(sum->macs, cost->macs);
	sum->parameters = plus(sum->parameters, cost->parameters);
	sum->unfused = plus(sum->unfused, cost->unfused);
	sum->fused = plus(sum->fused, cost->fused);
}

/* ≤ SP_ELEMENTS_MAX, as shape inference made sure. */
static uint64_t elements(const struct describe *describe, uint32_t tensor)
{
	if (tensor == SP_NONE || describe->text->shapes.ints[tensor])
		return 0;
	return (uint64_t)sp_shape_elements(&describe->text->shapes.of[tensor]);
}

static bool renames(const struct sp_node *node)
{
	return node->op == SP_OP_RESHAPE || node->op == SP_OP_FLATTEN ||
	       node->op == SP_OP_SQUEEZE || node->op == SP_OP_UNSQUEEZE;
}

static uint64_t count_macs(const struct describe *describe, const struct sp_node *node)
{
	const struct sp_shape *x, *weights;
	uint64_t n;

	switch (node->op) {
	case SP_OP_CONV:
		/* Of the convolution itself: an addition may widen what it gives. */
		x = &describe->text->shapes.of[node->inputs[0]];
		weights = &describe->graph->tensors[node->inputs[1]].shape;
		n = (uint64_t)(x->dim[0] * sp_shape_elements(weights));
		for (unsigned int axis = 0; axis < 2; axis++) {
			int64_t before, after;

			n *= (uint64_t)sp_window_out(&node->window, axis, x->dim[2 + axis], &before,
						     &after);
		}
		return n;
	case SP_OP_GEMM:
		weights = &describe->graph->tensors[node->inputs[1]].shape;
		return elements(describe, node->output) * (uint64_t)weights->dim[1];
	case SP_OP_MATMUL:
		x = &describe->text->shapes.of[node->inputs[0]];
		return elements(describe, node->output) *
		       (uint64_t)(x->rank ? x->dim[x->rank - 1] : 1);
	case SP_OP_AFFINE:
		return elements(describe, node->output);
	default:
		return 0;
	}
}

static void count_constant(const struct describe *describe, struct sp_plan_cost *cost,
			   uint32_t tensor)
{
	if (tensor == SP_NONE || !describe->graph->tensors[tensor].floats ||
	    describe->counted[tensor])
		return;
	describe->counted[tensor] = true;
	cost->parameters += elements(describe, tensor);
}

static struct sp_plan_cost count(const struct describe *describe, const struct sp_node *node)
{
	uint64_t y = elements(describe, node->output), extra = elements(describe, node->residual);
	struct sp_plan_cost cost = { .macs = count_macs(describe, node) };

	/* The factors of a resize are part of what it is. */
	for (uint32_t i = 0; i < (node->op == SP_OP_RESIZE ? 1 : node->inputs_n); i++) {
		count_constant(describe, &cost, node->inputs[i]);
		cost.fused += sizeof(float) * elements(describe, node->inputs[i]);
	}
	count_constant(describe, &cost, node->act.slope);
	cost.fused += sizeof(float) * (elements(describe, node->act.slope) + extra + y);
	if (renames(node))
		cost.fused = 0;
	cost.unfused = cost.fused;
	/* By itself, an addition reads one value more and writes its own, and so an activation. */
	if (node->residual != SP_NONE)
		cost.unfused += sizeof(float) * 2 * y;
	if (node->act.kind != SP_ACT_NONE && node->op != SP_OP_ACTIVATION)
		cost.unfused += sizeof(float) * 2 * y;
	return cost;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static void describe_step(const struct describe *describe, struct sp_plan_step *step)
{
	const struct sp_graph *graph = describe->graph;
	const struct sp_node *node = &graph->nodes[step->node], *first = node;
	struct sp_plan_cost cost;

	step->cost = count(describe, node);
	if (step->pointwise != SP_NONE) {
		first = &graph->nodes[step->pointwise];
		cost = count(describe, first);
		/* What is between them is neither written nor read. */
		cost.fused -= sizeof(float) * elements(describe, first->output);
		step->cost.fused -= sizeof(float) * elements(describe, first->output);
		add_cost(&step->cost, &cost);
	}
	step->input = first->inputs_n ? first->inputs[0] : SP_NONE;
	say_what(describe, step);
	for (uint32_t i = 0; i < first->inputs_n; i++)
		if (i == 0 || (first->op != SP_OP_CONV && first->op != SP_OP_GEMM &&
			       first->op != SP_OP_AFFINE && first->op != SP_OP_RESIZE))
			say_from(describe, step, first->inputs[i], *step->from ? ", " : "");
	say_from(describe, step, node->residual, *step->from ? " + " : "+ ");
}

static bool is_step(const struct sp_graph *graph, const struct sp_plan_text *text, uint32_t i)
{
	const struct sp_node *node = &graph->nodes[i];

	/* A pair stands where its second half does: all that either reads is there then. */
	return !text->shapes.ints[node->output] && (node->pair == SP_NONE || node->pair < i);
}

int sp_plan_text_init(const struct sp_model *model, const struct sp_shape *inputs,
		      struct sp_plan_text *ret_text, struct sp_err *err)
{
	const struct sp_graph *graph = model->graph;
	struct sp_plan_text text = { 0 };
	struct describe describe = { .graph = graph, .text = &text };
	int ret = sp_shapes_infer(graph, inputs, &text.shapes, err);

	if (ret)
		return sp_err_prefix(err, ret, "%s", model->name);
	text.step_of = calloc(graph->tensors_n + 1, sizeof(*text.step_of));
	text.steps = calloc(graph->nodes_n + 1, sizeof(*text.steps));
	describe.counted = calloc(graph->tensors_n + 1, sizeof(*describe.counted));
	if (!text.step_of || !text.steps || !describe.counted) {
		free(describe.counted);
		sp_plan_text_uninit(&text);
		return sp_err_set(err, -ENOMEM, "%s: out of memory", model->name);
	}
	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		const struct sp_node *node = &graph->nodes[i];
		struct sp_plan_step *step = &text.steps[text.steps_n];

		text.shape_nodes += text.shapes.ints[node->output] != NULL;
		if (!is_step(graph, &text, i))
			continue;
		*step = (struct sp_plan_step){ .node = i, .pointwise = node->pair };
		describe_step(&describe, step);
		add_cost(&text.total, &step->cost);
		text.step_of[node->output] = ++text.steps_n;
	}
	free(describe.counted);
	*ret_text = text;
	return 0;
}

int sp_plan_text_outputs(const struct sp_model *model, const struct sp_shape *inputs,
			 const struct sp_plan_text *text, struct sp_shape *ret_shapes)
{
	struct sp_shape *other = calloc(model->inputs_n + 1, sizeof(*other));
	struct sp_shapes shapes;
	bool differs = false;
	int ret = 0;

	if (!other)
		return -ENOMEM;
	for (unsigned int i = 0; i < model->inputs_n; i++) {
		other[i] = inputs[i];
		for (unsigned int k = 0; k < inputs[i].rank; k++)
			if (model->inputs[i].shape.dim[k] < 0) {
				other[i].dim[k] += k < 2 ? 1 : OTHER_SIDE;
				differs = true;
			}
	}
	if (differs)
		ret = sp_shapes_infer(model->graph, other, &shapes, NULL);
	for (uint32_t i = 0; i < model->outputs_n; i++) {
		uint32_t tensor = model->graph->outputs[i];
		const struct sp_shape *here = &text->shapes.of[tensor];

		ret_shapes[i] = *here;
		for (unsigned int k = 0; differs && k < here->rank; k++)
			if (ret || shapes.of[tensor].rank != here->rank ||
			    shapes.of[tensor].dim[k] != here->dim[k])
				ret_shapes[i].dim[k] = -1;
	}
	if (differs && !ret)
		sp_shapes_uninit(&shapes);
	free(other);
	return 0;
}

void sp_plan_text_uninit(struct sp_plan_text *text)
{
	sp_shapes_uninit(&text->shapes);
	free(text->step_of);
	free(text->steps);
	*text = (struct sp_plan_text){ 0 };
}
