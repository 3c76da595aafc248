/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/onnx_operators.h"

#include <errno.h>
#include <string.h>

#include "infer/graph.h"
#include "infer/onnx_reader.h"

/* ---- functions of one number ---------------------------------------------------------------- */

static void read_gelu(struct sp_reader *reader)
{
	static const char *const ways[] = { "none", "tanh", NULL };

	if (sp_reader_choice(reader, "approximate", ways) == 1)
		reader->node->function.kind = SP_FUN_GELU_TANH;
}

/* x to the power of one constant. */
static void read_pow(struct sp_reader *reader)
{
	const struct sp_tensor *power = sp_reader_row(reader, 1, 1);

	if (!power)
		return;
	reader->node->function.by[0] = power->floats[0];
	if (power->floats[0] == 0.5f)
		reader->node->function.kind = SP_FUN_SQRT;
	reader->node->inputs_n = 1;
}

void sp_onnx_read_function(struct sp_reader *reader)
{
	static const struct {
		const char *type;
		enum sp_function_kind kind;
		float a, b;
	} functions[] = {
		{ "Abs", SP_FUN_ABS, 0, 0 },
		{ "Elu", SP_FUN_ELU, 1, 0 },
		{ "Erf", SP_FUN_ERF, 0, 0 },
		{ "Exp", SP_FUN_EXP, 0, 0 },
		{ "Gelu", SP_FUN_GELU, 0, 0 },
		{ "HardSigmoid", SP_FUN_HARDSIGMOID, 0.2f, 0.5f },
		{ "HardSwish", SP_FUN_HARDSWISH, 0, 0 },
		{ "Log", SP_FUN_LOG, 0, 0 },
		{ "Neg", SP_FUN_NEG, 0, 0 },
		{ "Pow", SP_FUN_POW, 0, 0 },
		{ "Reciprocal", SP_FUN_RECIPROCAL, 0, 0 },
		{ "Sqrt", SP_FUN_SQRT, 0, 0 },
		{ "Tanh", SP_FUN_TANH, 0, 0 },
	};
	struct sp_function *function = &reader->node->function;
	unsigned int i = 0;

	while (strcmp(functions[i].type, reader->node->type))
		i++; /* onnx_node.c's table has no other */
	function->kind = functions[i].kind;
	function->by[0] = functions[i].a;
	function->by[1] = functions[i].b;
	if (function->kind == SP_FUN_ELU || function->kind == SP_FUN_HARDSIGMOID)
		function->by[0] = sp_reader_float(reader, "alpha", function->by[0]);
	if (function->kind == SP_FUN_HARDSIGMOID)
		function->by[1] = sp_reader_float(reader, "beta", function->by[1]);
	if (function->kind == SP_FUN_GELU)
		read_gelu(reader);
	if (function->kind == SP_FUN_POW)
		read_pow(reader);
}

/* PRelu with one slope. */
void sp_onnx_read_leaky_relu(struct sp_reader *reader)
{
	struct sp_shape one = { .rank = 1, .dim = { 1 } };
	float slope = sp_reader_float(reader, "alpha", 0.01f), *data;
	uint32_t id;

	if (reader->error)
		return;
	id = sp_graph_floats(reader->onnx->graph, reader->node->name, &one, &data);
	if (id == SP_NONE) {
		sp_reader_fail(reader, -ENOMEM, "out of memory, or too many tensors");
		return;
	}
	*data = slope;
	reader->node->act.kind = SP_ACT_PRELU;
	reader->node->act.slope = id;
}

/* ---- along axes ----------------------------------------------------------------------------- */

/* The axes of height and width as input 1. */
static void pool_axes(struct sp_reader *reader)
{
	struct sp_shape two = { .rank = 1, .dim = { 2 } };
	int64_t *data;
	uint32_t id = sp_graph_ints(reader->onnx->graph, reader->node->name, &two, &data);

	if (id == SP_NONE) {
		sp_reader_fail(reader, -ENOMEM, "out of memory, or too many tensors");
		return;
	}
	data[0] = 2;
	data[1] = 3;
	reader->node->inputs[1] = id;
}

void sp_onnx_read_reduce(struct sp_reader *reader)
{
	static const char *const types[] = { "ReduceMean", "ReduceSum", "ReduceMax",
					     "ReduceMin",  "ReduceL2",	NULL };
	unsigned int kind = 0;

	sp_reader_pad_inputs(reader, 2);
	if (reader->error)
		return;
	if (!strcmp(reader->node->type, "GlobalMaxPool")) {
		reader->node->reduce.kind = SP_REDUCE_MAX;
		pool_axes(reader);
		return;
	}
	while (types[kind] && strcmp(types[kind], reader->node->type))
		kind++;
	reader->node->reduce.kind = (enum sp_reduce_kind)kind;
	reader->node->reduce.drop = !sp_reader_int(reader, "keepdims", 1);
	sp_reader_only_int(reader, "noop_with_empty_axes", 0);
	if (reader->node->inputs[1] == SP_NONE)
		sp_reader_ints_input(reader, "axes", 1);
}

void sp_onnx_read_layernorm(struct sp_reader *reader)
{
	const struct sp_tensor *scale = sp_reader_constant(reader, 1);

	sp_reader_pad_inputs(reader, 3);
	sp_reader_only_int(reader, "stash_type", 1);
	reader->node->norm.axis = sp_reader_int(reader, "axis", -1);
	reader->node->norm.epsilon = sp_reader_float(reader, "epsilon", 1e-5f);
	if (!reader->error && scale)
		sp_reader_row(reader, 2, sp_shape_elements(&scale->shape));
}

void sp_onnx_read_split(struct sp_reader *reader)
{
	struct sp_node *node = reader->node;
	int64_t outputs = (int64_t)reader->proto->n_output, parts;

	sp_reader_pad_inputs(reader, 2);
	node->split.axis = sp_reader_int(reader, "axis", 0);
	parts = sp_reader_int(reader, "num_outputs", outputs);
	if (!reader->error && parts != outputs)
		sp_reader_fail(reader, -EINVAL,
			       "num_outputs is not how many there are; the file is corrupt");
	if (!reader->error && node->inputs[1] == SP_NONE)
		sp_reader_ints_input(reader, "split", 1);
	node->split.parts = parts;
}
