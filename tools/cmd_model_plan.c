/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd_model_plan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/table.h"
#include "cmd_model.h"
#include "command.h"
#include "infer/graph.h"
#include "infer/model.h"
#include "infer/model_card.h"
#include "infer/plan_text.h"

enum { CHANNELS = 3 }; /* where a file leaves them open */

/* ---- shapes of inputs ------------------------------------------------------------------------ */

/* One image, of @size where it is given. 0 or an exit code, after a message. */
static int choose_shape(const char *me, const struct sp_model *model,
			const struct sp_model_card *card, unsigned int i, const char *size,
			struct sp_shape *ret_shape)
{
	int64_t usual = cmd_model_usual_side(card), side[2] = { usual, usual };
	struct sp_shape shape = model->inputs[i].shape;
	char text[64];

	if (size && cmd_model_read_size(me, size, &side[1], &side[0]))
		return SP_EXIT_USAGE;
	for (unsigned int k = 0; k < shape.rank; k++) {
		if (shape.rank == 4 && k >= 2 && size && shape.dim[k] >= 0 &&
		    shape.dim[k] != side[k - 2])
			return sp_command_fail(me, SP_EXIT_FAILED,
					       "%s: input '%s' is %s; it cannot be %s", model->name,
					       model->inputs[i].name,
					       sp_shape_text(&shape, text, sizeof(text)), size);
		if (shape.dim[k] < 0)
			shape.dim[k] = k == 0			   ? 1
				       : shape.rank == 4 && k >= 2 ? side[k - 2]
								   : CHANNELS;
	}
	*ret_shape = shape;
	return 0;
}

/* ---- for people ------------------------------------------------------------------------------ */

/* "1,234,567" */
static const char *thousands(uint64_t value, char text[32])
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value), to = 0;

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			text[to++] = ',';
		text[to++] = digits[i];
	}
	text[to] = '\0';
	return text;
}

static void add_row(struct sp_table *table, const char *number, const char *what, const char *from,
		    const char *input, const char *output, const struct sp_plan_cost *cost,
		    const char *name)
{
	char text[4][32];

	sp_table_row(table, "%s|%s|%s|%s|%s|%s|%s|%s|%s|%s", number, what, from, input, output,
		     thousands(cost->macs, text[0]), thousands(cost->parameters, text[1]),
		     thousands(cost->unfused, text[2]), thousands(cost->fused, text[3]), name);
}

/* What is left open by the file, and what follows from it. */
static void print_open(const struct sp_model *model, const struct sp_plan_text *text,
		       const struct sp_shape *outputs)
{
	bool open = false;
	char shape[64];

	for (unsigned int i = 0; i < model->inputs_n; i++)
		for (unsigned int k = 0; k < model->inputs[i].shape.rank; k++)
			open |= model->inputs[i].shape.dim[k] < 0;
	if (!open) {
		printf("dynamic: nothing; the file fixes every shape\n");
		return;
	}
	printf("dynamic:");
	for (unsigned int i = 0; i < model->inputs_n; i++)
		printf(" %s %s", model->inputs[i].name,
		       sp_shape_text(&model->inputs[i].shape, shape, sizeof(shape)));
	printf(" →");
	for (unsigned int i = 0; i < model->outputs_n; i++)
		printf("%s %s %s", i ? "," : "", model->outputs[i].name,
		       sp_shape_text(&outputs[i], shape, sizeof(shape)));
	if (text->shape_nodes)
		printf("; %u nodes compute shapes", text->shape_nodes);
	putchar('\n');
}

static int print_plan(const struct sp_model *model, const struct sp_plan_text *text,
		      const struct sp_shape *outputs)
{
	char number[16], in[64], out[64], total[32];
	struct sp_table table;

	if (sp_table_init(&table, ">step|what|reads|input|output|>multiply-adds|>parameters|"
				  ">bytes, unfused|>fused|name"))
		return -ENOMEM;
	for (uint32_t i = 0; i < text->steps_n; i++) {
		const struct sp_plan_step *step = &text->steps[i];
		const struct sp_node *node = &model->graph->nodes[step->node];

		snprintf(number, sizeof(number), "%u", i + 1);
		*in = '\0';
		if (step->input != SP_NONE)
			sp_shape_text(&text->shapes.of[step->input], in, sizeof(in));
		sp_shape_text(&text->shapes.of[node->output], out, sizeof(out));
		add_row(&table, number, step->what, step->from, in, out, &step->cost, node->name);
	}
	snprintf(total, sizeof(total), "%u steps", text->steps_n);
	add_row(&table, "", total, "", "", "", &text->total, "");
	sp_table_print(&table, stdout);
	sp_table_uninit(&table);
	for (unsigned int i = 0; i < model->outputs_n; i++) {
		uint32_t tensor = model->graph->outputs[i];

		printf("output %s %s: ", model->outputs[i].name,
		       sp_shape_text(&text->shapes.of[tensor], out, sizeof(out)));
		if (text->step_of[tensor])
			printf("step %u\n", text->step_of[tensor]);
		else
			printf("%s\n", sp_tensor_constant(&model->graph->tensors[tensor])
					       ? "constant"
					       : "an input");
	}
	print_open(model, text, outputs);
	return 0;
}

/* ---- for programs ---------------------------------------------------------------------------- */

static json_t *numbers(const int64_t *value, unsigned int n)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < n; i++)
		json_array_append_new(array, json_integer(value[i]));
	return array;
}

/* Where a value comes from; "within": the first half of the step itself. */
static const char *origin(const struct sp_model *model, const struct sp_plan_text *text,
			  uint32_t tensor)
{
	const struct sp_graph *graph = model->graph;

	if (sp_tensor_constant(&graph->tensors[tensor]))
		return "constant";
	if (text->shapes.ints[tensor])
		return "computed";
	for (uint32_t i = 0; i < graph->inputs_n; i++)
		if (graph->inputs[i] == tensor)
			return "input";
	return "within";
}

/* {"step": 3} or {"input": "x"} or {"constant": "w"}, with the shape. */
static json_t *reference(const struct sp_model *model, const struct sp_plan_text *text,
			 uint32_t tensor)
{
	const struct sp_shape *shape = &text->shapes.of[tensor];
	json_t *value;

	if (text->step_of[tensor])
		value = json_pack("{s:I}", "step", (json_int_t)text->step_of[tensor]);
	else
		value = json_pack("{s:s}", origin(model, text, tensor),
				  model->graph->tensors[tensor].name);
	json_object_set_new(value, "shape", numbers(shape->dim, shape->rank));
	if (text->shapes.ints[tensor])
		json_object_set_new(
			value, "values",
			numbers(text->shapes.ints[tensor], (unsigned int)sp_shape_elements(shape)));
	return value;
}

/* JSON has no infinity, which a file may name as a bound. */
static json_t *real(float value)
{
	return isfinite(value) ? json_real((double)value) : json_null();
}

static json_t *window(const struct sp_window *of, const struct sp_shape *x)
{
	int64_t pad[4] = { 0 };

	for (unsigned int axis = 0; axis < 2; axis++)
		sp_window_out(of, axis, x->dim[2 + axis], &pad[axis], &pad[axis + 2]);
	return json_pack("{s:o, s:o, s:o, s:o, s:I}", "kernel", numbers(of->kernel, 2), "stride",
			 numbers(of->stride, 2), "dilation", numbers(of->dilation, 2), "padding",
			 numbers(pad, 4), "groups", (json_int_t)of->group);
}

static json_t *activation(const struct sp_model *model, const struct sp_plan_text *text,
			  const struct sp_activation *act)
{
	switch (act->kind) {
	case SP_ACT_RELU:
		return json_pack("{s:s}", "kind", "relu");
	case SP_ACT_CLIP:
		return json_pack("{s:s, s:o, s:o}", "kind", "clip", "low", real(act->low), "high",
				 real(act->high));
	case SP_ACT_SIGMOID:
		return json_pack("{s:s}", "kind", "sigmoid");
	case SP_ACT_PRELU:
		return json_pack("{s:s, s:o}", "kind", "prelu", "slope",
				 reference(model, text, act->slope));
	default:
		return NULL;
	}
}

/* What its operator has beside inputs and a window. */
static void add_fields(json_t *value, const struct sp_node *node)
{
	static const char *const reductions[] = { "mean", "sum", "max", "min", "l2" };

	switch (node->op) {
	case SP_OP_AVGPOOL:
		json_object_set_new(value, "count_padding",
				    json_boolean(node->window.count_padding));
		break;
	case SP_OP_SOFTMAX:
		json_object_set_new(value, "flat", json_boolean(node->flat));
		json_object_set_new(value, "axis", json_integer(node->axis));
		break;
	case SP_OP_FLATTEN:
	case SP_OP_CONCAT:
	case SP_OP_GATHER:
		json_object_set_new(value, "axis", json_integer(node->axis));
		break;
	case SP_OP_TRANSPOSE:
		json_object_set_new(value, "permutation", numbers(node->perm.of, node->perm.n));
		break;
	case SP_OP_FUNCTION:
		json_object_set_new(value, "function",
				    json_string(sp_plan_function_name(node->function.kind)));
		json_object_set_new(
			value, "by",
			json_pack("[o, o]", real(node->function.by[0]), real(node->function.by[1])));
		break;
	case SP_OP_REDUCE:
		json_object_set_new(value, "reduction", json_string(reductions[node->reduce.kind]));
		json_object_set_new(value, "drop", json_boolean(node->reduce.drop));
		break;
	case SP_OP_LAYERNORM:
		json_object_set_new(value, "axis", json_integer(node->norm.axis));
		json_object_set_new(value, "epsilon", real(node->norm.epsilon));
		break;
	case SP_OP_SPLIT:
		json_object_set_new(value, "axis", json_integer(node->split.axis));
		json_object_set_new(value, "part", json_integer(node->split.part));
		json_object_set_new(value, "parts", json_integer(node->split.parts));
		break;
	default:
		break;
	}
}

/* Everything of a node that its type does not say. */
static json_t *node_json(const struct sp_model *model, const struct sp_plan_text *text, uint32_t i)
{
	const struct sp_node *node = &model->graph->nodes[i];
	json_t *inputs = json_array(), *value;

	for (uint32_t k = 0; k < node->inputs_n; k++)
		json_array_append_new(inputs, node->inputs[k] == SP_NONE
						      ? json_null()
						      : reference(model, text, node->inputs[k]));
	value = json_pack("{s:s, s:s, s:o}", "name", node->name, "type", node->type, "inputs",
			  inputs);
	if (node->op == SP_OP_CONV || node->op == SP_OP_MAXPOOL || node->op == SP_OP_AVGPOOL)
		json_object_set_new(value, "window",
				    window(&node->window, &text->shapes.of[node->inputs[0]]));
	add_fields(value, node);
	if (node->residual != SP_NONE)
		json_object_set_new(value, "residual", reference(model, text, node->residual));
	if (node->act.kind != SP_ACT_NONE)
		json_object_set_new(value, "activation", activation(model, text, &node->act));
	return value;
}

static json_t *step_json(const struct sp_model *model, const struct sp_plan_text *text, uint32_t i)
{
	const struct sp_plan_step *step = &text->steps[i];
	const struct sp_shape *out = &text->shapes.of[model->graph->nodes[step->node].output];
	json_t *nodes = json_array();

	if (step->pointwise != SP_NONE)
		json_array_append_new(nodes, node_json(model, text, step->pointwise));
	json_array_append_new(nodes, node_json(model, text, step->node));
	return json_pack("{s:I, s:s, s:o, s:o, s:I, s:I, s:I, s:I}", "step", (json_int_t)i + 1,
			 "what", step->what, "nodes", nodes, "shape", numbers(out->dim, out->rank),
			 "macs", (json_int_t)step->cost.macs, "parameters",
			 (json_int_t)step->cost.parameters, "bytes_unfused",
			 (json_int_t)step->cost.unfused, "bytes_fused",
			 (json_int_t)step->cost.fused);
}

static json_t *values(const struct sp_value *value, const struct sp_shape *shape, unsigned int n)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < n; i++)
		json_array_append_new(array, json_pack("{s:s, s:o}", "name", value[i].name, "shape",
						       numbers(shape[i].dim, shape[i].rank)));
	return array;
}

static void print_plan_json(const struct sp_model *model, const struct sp_shape *inputs,
			    const struct sp_plan_text *text, const struct sp_shape *outputs)
{
	json_t *steps = json_array(), *results = json_array(), *open = json_array();

	for (uint32_t i = 0; i < text->steps_n; i++)
		json_array_append_new(steps, step_json(model, text, i));
	for (unsigned int i = 0; i < model->outputs_n; i++) {
		json_t *result = reference(model, text, model->graph->outputs[i]);

		json_object_set_new(result, "name", json_string(model->outputs[i].name));
		json_array_append_new(results, result);
	}
	for (unsigned int i = 0; i < model->inputs_n; i++)
		json_array_append_new(
			open, numbers(model->inputs[i].shape.dim, model->inputs[i].shape.rank));
	sp_command_print_json(json_pack(
		"{s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:{s:o, s:o}}", "file", model->name,
		"inputs", values(model->inputs, inputs, model->inputs_n), "steps", steps, "outputs",
		results, "macs", (json_int_t)text->total.macs, "parameters",
		(json_int_t)text->total.parameters, "bytes_unfused",
		(json_int_t)text->total.unfused, "bytes_fused", (json_int_t)text->total.fused,
		"shape_nodes", (json_int_t)text->shape_nodes, "dynamic", "inputs", open, "outputs",
		values(model->outputs, outputs, model->outputs_n)));
}

/* ---------------------------------------------------------------------------------------------- */

int cmd_model_plan(const char *me, const struct sp_model *model, const struct sp_model_card *card,
		   const char *size, bool json)
{
	struct sp_shape *inputs = calloc(model->inputs_n + 1, sizeof(*inputs));
	struct sp_shape *outputs = calloc(model->outputs_n + 1, sizeof(*outputs));
	struct sp_plan_text text = { 0 };
	struct sp_err err;
	int code = 0;

	if (!inputs || !outputs) {
		code = sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
		goto out;
	}
	for (unsigned int i = 0; !code && i < model->inputs_n; i++)
		code = choose_shape(me, model, card, i, size, &inputs[i]);
	if (code)
		goto out;
	if (sp_plan_text_init(model, inputs, &text, &err)) {
		code = sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
		goto out;
	}
	if (sp_plan_text_outputs(model, inputs, &text, outputs) ||
	    (!json && print_plan(model, &text, outputs)))
		code = sp_command_fail(me, SP_EXIT_FAILED, "out of memory");
	else if (json)
		print_plan_json(model, inputs, &text, outputs);
	sp_plan_text_uninit(&text);
out:
	free(inputs);
	free(outputs);
	return code;
}
