/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folding: each simplification happens where it may, does not where it may not, and changes no
 * output. Every network is run with each simplification alone, with all and with none, against
 * plain loops in double.
 */
#include <errno.h>

#include "infer/graph.h"
#include "net.h"

static struct net net;

static const struct window point = { { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0 }, 1 };
static const struct window square = { { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 1 };
static const struct window inside = { { 3, 3 }, { 1, 1 }, { 1, 1 }, { 0 }, 1 };

static struct sp_model *parse(unsigned int folds, const char *what)
{
	struct sp_model *model;
	struct sp_err err;
	size_t size;
	uint8_t *bytes = net_pack(&net, &size);

	if (sp_model_parse_folded(bytes, size, what, folds, &model, &err))
		FAIL("%s, folds %x: %s", what, folds, err.text);
	return model;
}

static void check_outputs(const struct sp_model *model, unsigned int folds, double tolerance)
{
	static const struct sp_executor_options options = { .kernels = "onednn" };
	const struct tensor *input = &net.tensors[net.input];
	struct sp_executor *executor;
	struct sp_err err;

	if (sp_executor_create(model, input->shape.dim, &options, &executor, &err))
		FAIL("folds %x: %s", folds, err.text);
	memcpy(sp_executor_input(executor), input->data,
	       (size_t)sp_shape_elements(&input->shape) * sizeof(float));
	CHECK_EQ(sp_executor_run(executor), 0);
	for (unsigned int k = 0; k < net.outputs_n; k++) {
		const struct tensor *want = &net.tensors[net.output[k]];
		struct sp_shape shape;
		const char *name;
		const float *got = sp_executor_output(executor, k, &name, &shape);

		CHECK_STR(name, want->name);
		if (!sp_shape_equal(&shape, &want->shape))
			FAIL("%s, folds %x: %s has another shape", model->name, folds, name);
		for (int64_t i = 0; i < sp_shape_elements(&shape); i++)
			if (!(fabs(got[i] - want->data[i]) <=
			      tolerance * fmax(1, fabs(want->data[i]))))
				FAIL("%s, folds %x: %s[%lld] is %g, not %g", model->name, folds,
				     name, (long long)i, got[i], want->data[i]);
	}
	sp_executor_destroy(executor);
}

/* What graph.h promises to backends. */
static void check_invariants(const struct sp_graph *graph)
{
	bool *there = calloc(graph->tensors_n, sizeof(*there));
	bool *read = calloc(graph->tensors_n, sizeof(*read));

	CHECK(there && read);
	for (uint32_t i = 0; i < graph->tensors_n; i++)
		there[i] = sp_tensor_constant(&graph->tensors[i]);
	for (uint32_t i = 0; i < graph->inputs_n; i++)
		there[graph->inputs[i]] = true;
	for (uint32_t i = 0; i < graph->nodes_n; i++) {
		const struct sp_node *node = &graph->nodes[i];
		bool wide = node->op == SP_OP_CONV || node->op == SP_OP_RESIZE;
		bool weighted = node->op == SP_OP_CONV || node->op == SP_OP_GEMM;

		CHECK(node->op != SP_OP_IDENTITY && !there[node->output]);
		for (uint32_t k = 0; k < node->inputs_n; k++)
			if (node->inputs[k] != SP_NONE) {
				CHECK(there[node->inputs[k]]);
				read[node->inputs[k]] = true;
			}
		CHECK(node->residual == SP_NONE || (wide && there[node->residual]));
		if (node->residual != SP_NONE)
			read[node->residual] = true;
		if (weighted || node->op == SP_OP_AFFINE)
			CHECK(graph->tensors[node->inputs[1]].floats);
		CHECK(node->act.kind != SP_ACT_PRELU || node->op == SP_OP_CONV ||
		      node->op == SP_OP_ACTIVATION);
		if (node->pair != SP_NONE)
			CHECK(node->pair < graph->nodes_n && graph->nodes[node->pair].pair == i);
		there[node->output] = true;
	}
	for (uint32_t i = 0; i < graph->outputs_n; i++) {
		CHECK(there[graph->outputs[i]]);
		read[graph->outputs[i]] = true;
	}
	for (uint32_t i = 0; i < graph->nodes_n; i++)
		CHECK(read[graph->nodes[i].output]);
	free(there);
	free(read);
}

/* The network as it stands gives the same however it is folded; the model with all folds. */
static struct sp_model *check_same(const char *what, double tolerance)
{
	static const unsigned int folds[] = { 0,
					      SP_FOLD_CONSTANTS,
					      SP_FOLD_MOVES,
					      SP_FOLD_WEIGHTS,
					      SP_FOLD_STEPS,
					      SP_FOLD_PAIRS,
					      SP_FOLD_ALL };
	struct sp_model *model = NULL;

	for (unsigned int i = 0; i < sizeof(folds) / sizeof(folds[0]); i++) {
		sp_model_free(model);
		model = parse(folds[i], what);
		check_invariants(model->graph);
		check_outputs(model, folds[i], tolerance);
	}
	return model;
}

/* The nodes left are @types, as folded: "conv affine". */
static const char *ops(const struct sp_model *model, char *text, size_t size)
{
	static const char *const names[] = {
		[SP_OP_CONV] = "conv",	       [SP_OP_GEMM] = "gemm",
		[SP_OP_ADD] = "add",	       [SP_OP_SUB] = "sub",
		[SP_OP_MUL] = "mul",	       [SP_OP_AFFINE] = "affine",
		[SP_OP_ACTIVATION] = "act",    [SP_OP_MAXPOOL] = "pool",
		[SP_OP_MEAN] = "mean",	       [SP_OP_RESIZE] = "resize",
		[SP_OP_SOFTMAX] = "softmax",   [SP_OP_TRANSPOSE] = "transpose",
		[SP_OP_RESHAPE] = "reshape",   [SP_OP_FLATTEN] = "flatten",
		[SP_OP_CONCAT] = "concat",     [SP_OP_SHAPE] = "shape",
		[SP_OP_GATHER] = "gather",     [SP_OP_SLICE] = "slice",
		[SP_OP_SQUEEZE] = "squeeze",   [SP_OP_UNSQUEEZE] = "unsqueeze",
		[SP_OP_FUNCTION] = "function", [SP_OP_DIV] = "div",
		[SP_OP_IDENTITY] = "identity",
	};
	size_t n = 0;

	*text = '\0';
	for (uint32_t i = 0; i < model->graph->nodes_n && n < size; i++)
		n += (size_t)snprintf(text + n, size - n, "%s%s", i ? " " : "",
				      names[model->graph->nodes[i].op]);
	return text;
}

static void check_left(const char *what, const char *left)
{
	struct sp_model *model = check_same(what, 2e-5);
	char text[256];

	if (strcmp(ops(model, text, sizeof(text)), left))
		FAIL("%s: left are \"%s\", not \"%s\"", what, text, left);
	sp_model_free(model);
	net_end(&net);
}

/* ---- channels ------------------------------------------------------------------------------- */

/* A constant on either side of Add, Sub or Mul behind a convolution, written in every way. */
TEST(constants_of_channels_go_into_a_convolution)
{
	static const char *const types[] = { "Add", "Sub", "Mul" };
	const struct sp_shape shapes[] = { SHAPE(5, 1, 1), SHAPE(1, 5, 1, 1), SHAPE(1),
					   SHAPE(1, 1, 1, 1), (struct sp_shape){ 0 } };

	for (unsigned int i = 0; i < 3 * 5 * 4; i++) {
		unsigned int x = net_begin(&net, 13, i, SHAPE(2, 3, 6, 7)), y, c;
		const char *type = types[i % 3];

		y = net_conv(&net, x, 5, &square, i & 1);
		c = net_constant(&net, shapes[i / 3 % 5], 1);
		y = i / 15 % 2 ? net_binary(&net, type, y, c) : net_binary(&net, type, c, y);
		if (i / 30)
			y = net_act(&net, y, NET_RELU);
		net_output(&net, y);
		check_left(type, "conv");
	}
}

TEST(what_is_no_constant_of_channels_stays)
{
	const struct sp_shape shapes[] = { SHAPE(7), SHAPE(6, 7), SHAPE(1, 5, 6, 7), SHAPE(6, 1) };
	unsigned int x, y;

	for (unsigned int i = 0; i < 4; i++) {
		x = net_begin(&net, 13, i, SHAPE(1, 3, 6, 7));
		y = net_conv(&net, x, 5, &square, true);
		net_output(&net, net_binary(&net, "Mul", y, net_constant(&net, shapes[i], 1)));
		check_left("pixels", "conv mul");
	}
	/* A picture of one channel becomes one of four. */
	x = net_begin(&net, 13, 1, SHAPE(1, 3, 6, 7));
	y = net_conv(&net, x, 1, &square, true);
	y = net_binary(&net, "Mul", y, net_constant(&net, SHAPE(4, 1, 1), 1));
	net_output(&net, net_conv(&net, y, 2, &point, true));
	check_left("widened", "conv mul conv");
	/* Somebody else looks at it. */
	x = net_begin(&net, 13, 1, SHAPE(1, 3, 6, 7));
	y = net_conv(&net, x, 4, &square, true);
	net_output(&net, net_batchnorm(&net, y));
	net_output(&net, y);
	check_left("read twice", "conv affine");
}

TEST(channels_before_a_convolution)
{
	struct window window = inside;
	unsigned int x, y;

	for (unsigned int i = 0; i < 2; i++) {
		window.group = i ? 2 : 1;
		x = net_begin(&net, 13, i, SHAPE(2, 6, 6, 7));
		y = net_conv(&net, net_batchnorm(&net, x), 4, &window, i);
		net_output(&net, net_act(&net, y, NET_RELU));
		check_left("before", "conv");
	}
	/* Padding is 0 behind the normalisation, not before it. */
	x = net_begin(&net, 13, 3, SHAPE(1, 6, 6, 7));
	net_output(&net, net_conv(&net, net_batchnorm(&net, x), 4, &square, true));
	check_left("padded", "affine conv");
	/* A factor alone leaves 0 what it is. */
	x = net_begin(&net, 13, 4, SHAPE(1, 6, 6, 7));
	y = net_binary(&net, "Mul", net_constant(&net, SHAPE(1, 6, 1, 1), 1), x);
	net_output(&net, net_conv(&net, y, 4, &square, true));
	check_left("factor", "conv");
	/* An activation in between. */
	x = net_begin(&net, 13, 5, SHAPE(1, 6, 6, 7));
	y = net_act(&net, net_batchnorm(&net, x), NET_RELU);
	net_output(&net, net_conv(&net, y, 4, &point, true));
	check_left("activated", "affine conv");
}

/* x / c, c far from 0. */
static unsigned int divide(unsigned int x, struct sp_shape shape)
{
	unsigned int c = net_constant(&net, shape, 1), y = net_tensor(&net, net.tensors[x].shape);
	const struct sp_shape *to = &net.tensors[x].shape;

	for (int64_t i = 0; i < sp_shape_elements(&shape); i++)
		net.tensors[c].data[i] += net.tensors[c].data[i] < 0 ? -1 : 1;
	memcpy(net.constants[net.constants_n - 1]->raw_data.data, net.tensors[c].data,
	       (size_t)sp_shape_elements(&shape) * sizeof(float));
	NODE(&net, "Div", y, x, c);
	for (int64_t i = 0; i < sp_shape_elements(to); i++) {
		int64_t at[SP_RANK_MAX];

		net_index(to, i, at);
		net.tensors[y].data[i] = net.tensors[x].data[i] /
					 net.tensors[c].data[net_at(&shape, at, to->rank)];
	}
	return y;
}

TEST(channels_that_follow_one_another_become_one)
{
	unsigned int x = net_begin(&net, 13, 1, SHAPE(2, 6, 3, 5)), y;

	y = net_binary(&net, "Mul", x, net_constant(&net, SHAPE(6, 1, 1), 1));
	y = net_binary(&net, "Add", net_constant(&net, SHAPE(1, 6, 1, 1), 1), y);
	y = net_binary(&net, "Sub", net_constant(&net, SHAPE(1), 1), y);
	net_output(&net, net_act(&net, net_batchnorm(&net, y), NET_SIGMOID));
	check_left("chain", "affine");
	x = net_begin(&net, 13, 2, SHAPE(1, 6, 3, 5));
	y = net_binary(&net, "Sub", x, net_constant(&net, SHAPE(1), 1));
	y = net_binary(&net, "Mul", y, net_constant(&net, SHAPE(1), 1));
	net_output(&net, net_conv(&net, y, 3, &point, false));
	check_left("as pictures are normalised", "conv");
	x = net_begin(&net, 13, 3, SHAPE(1, 6, 3, 5));
	y = divide(net_binary(&net, "Sub", x, net_constant(&net, SHAPE(6, 1, 1), 1)),
		   SHAPE(1, 6, 1, 1));
	net_output(&net, divide(net_conv(&net, y, 3, &inside, true), SHAPE(3, 1, 1)));
	check_left("divided", "conv");
	x = net_begin(&net, 13, 3, SHAPE(1, 1, 1, 1));
	y = net_tensor(&net, SHAPE(1, 1, 1, 1));
	NODE(&net, "Div", y, net_constant(&net, SHAPE(1), 1), net_conv(&net, x, 1, &point, true));
	net.tensors[y].data[0] = net.tensors[y + 1].data[0] / net.tensors[y + 4].data[0];
	net_output(&net, y);
	check_left("a constant divided", "conv div");
}

/* x times K × N, plus a bias of its own for a Gemm. */
static unsigned int product(unsigned int x, int64_t n, bool gemm)
{
	struct sp_shape from = net.tensors[x].shape, to = from;
	int64_t k = from.dim[from.rank - 1], rows = sp_shape_elements(&from) / k;
	unsigned int w = net_constant(&net, SHAPE(k, n), 0.5f), b = 0, y;

	to.dim[to.rank - 1] = n;
	if (gemm)
		b = net_constant(&net, SHAPE(n), 1);
	y = net_tensor(&net, to);
	net_node(&net, gemm ? "Gemm" : "MatMul", y, gemm ? 3 : 2, (unsigned int[]){ x, w, b });
	for (int64_t i = 0; i < rows * n; i++) {
		double sum = gemm ? net.tensors[b].data[i % n] : 0;

		for (int64_t j = 0; j < k; j++)
			sum += (double)net.tensors[x].data[i / n * k + j] *
			       net.tensors[w].data[j * n + i % n];
		net.tensors[y].data[i] = (float)sum;
	}
	return y;
}

static unsigned int flatten(unsigned int x)
{
	struct sp_shape shape = net.tensors[x].shape;
	unsigned int y = net_same(&net, x,
				  SHAPE(shape.dim[0], sp_shape_elements(&shape) / shape.dim[0]));

	NODE(&net, "Flatten", y, x);
	return y;
}

TEST(channels_around_products)
{
	unsigned int x, y;

	x = net_begin(&net, 13, 1, SHAPE(1, 2, 3, 4));
	y = product(x, 5, false);
	net_output(&net, net_binary(&net, "Add", net_constant(&net, SHAPE(5), 1), y));
	check_left("a layer as MatMul and Add", "gemm");
	/* Axis 1 is not that of the columns. */
	x = net_begin(&net, 13, 1, SHAPE(1, 5, 3, 4));
	net_output(&net, net_batchnorm(&net, product(x, 5, false)));
	check_left("rows", "gemm affine");
	/* The end of an embedder: normalisation, the picture as a row, product, normalisation. */
	x = net_begin(&net, 13, 2, SHAPE(2, 3, 4, 5));
	y = product(flatten(net_batchnorm(&net, x)), 7, true);
	net_output(&net, net_batchnorm(&net, y));
	check_left("embedder", "flatten gemm");
	x = net_begin(&net, 13, 3, SHAPE(2, 3, 4, 5));
	net_output(&net, product(net_batchnorm(&net, flatten(x)), 7, true));
	check_left("normalised row", "flatten gemm");
	/* Not one value a column, but one a row. */
	x = net_begin(&net, 13, 4, SHAPE(2, 3, 1, 1));
	y = product(flatten(x), 2, true);
	net_output(&net, net_binary(&net, "Mul", y, net_constant(&net, SHAPE(2, 1), 1)));
	check_left("rows of a matrix", "flatten gemm mul");
}

/*
 * A constant row of 3 by weights of 20000 × 4 has no product, and what is beyond the row is not even
 * read: so much is more than a piece of the graph's memory, which sanitizers know the end of.
 */
TEST(constants_that_do_not_fit_a_product_are_not_folded)
{
	unsigned int x = net_begin(&net, 13, 5, SHAPE(1, 1, 2, 4)), y = net_tensor(&net, SHAPE(4));
	struct sp_executor *executor;
	struct sp_model *model;
	struct sp_err err = { "" };

	/* Else the whole graph is inferred, and refused, before folding. */
	net.dynamic = true;
	NODE(&net, "MatMul", y, net_constant(&net, SHAPE(1, 3), 1),
	     net_constant(&net, SHAPE(20000, 4), 1));
	net_output(&net, net_binary(&net, "Add", x, y));
	model = parse(SP_FOLD_ALL, "no product");
	CHECK_EQ(sp_executor_create(model, net.tensors[net.input].shape.dim, NULL, &executor, &err),
		 -EINVAL);
	if (!strstr(err.text, "(MatMul): an input of shape 1x3 does not fit"))
		FAIL("\"%s\"", err.text);
	sp_model_free(model);
	net_end(&net);
}

/* Each convolution gets its own copy of what they share. */
TEST(shared_weights_are_not_written_over)
{
	unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 4, 5, 5)), y, z;
	Onnx__NodeProto *second;

	y = net_conv(&net, x, 4, &point, true);
	z = net_conv(&net, y, 4, &point, true);
	second = net.nodes[1];
	second->input[1] = net.nodes[0]->input[1];
	second->input[2] = net.nodes[0]->input[2];
	for (int64_t i = 0; i < 4 * 25; i++) {
		double sum = net.tensors[x + 2].data[i / 25];

		for (int64_t c = 0; c < 4; c++)
			sum += (double)net.tensors[x + 1].data[i / 25 * 4 + c] *
			       net.tensors[y].data[c * 25 + i % 25];
		net.tensors[z].data[i] = (float)sum;
	}
	net_output(&net, net_batchnorm(&net, z));
	check_left("shared", "conv conv");
}

/* ---- moves ---------------------------------------------------------------------------------- */

static unsigned int reshape(unsigned int x, struct sp_shape to, unsigned int target)
{
	unsigned int y = net_same(&net, x, to);

	NODE(&net, "Reshape", y, x, target);
	return y;
}

TEST(transposes_cancel_or_become_one)
{
	static const int64_t there[] = { 0, 2, 3, 1 }, back[] = { 0, 3, 1, 2 };
	unsigned int x = net_begin(&net, 13, 1, SHAPE(2, 3, 4, 5)), y;

	y = net_transpose(&net, net_transpose(&net, x, there), back);
	net_output(&net, net_act(&net, y, NET_RELU));
	check_left("cancel", "act");
	x = net_begin(&net, 13, 1, SHAPE(2, 3, 4, 5));
	y = net_transpose(&net, net_transpose(&net, x, there), there);
	net_output(&net, y);
	check_left("compose", "transpose");
	/* The one in the middle is an output too. */
	x = net_begin(&net, 13, 1, SHAPE(2, 3, 4, 5));
	y = net_transpose(&net, x, there);
	net_output(&net, y);
	net_output(&net, net_act(&net, net_transpose(&net, y, back), NET_SIGMOID));
	check_left("read twice", "transpose act");
}

TEST(reshapes_become_one)
{
	static const int64_t last[] = { 0, 2, 3, 1 };
	unsigned int x = net_begin(&net, 13, 1, SHAPE(2, 3, 4, 5)), y;

	y = reshape(x, SHAPE(6, 20), INTS(&net, 6, -1));
	y = reshape(y, SHAPE(2, 60), INTS(&net, 2, 60));
	net_output(&net, flatten(y));
	check_left("chain", "reshape");
	/* 0 takes the dimension of what it reads. */
	x = net_begin(&net, 13, 1, SHAPE(2, 3, 4, 5));
	y = reshape(x, SHAPE(6, 20), INTS(&net, 6, -1));
	net_output(&net, reshape(y, SHAPE(6, 5, 4), INTS(&net, 0, 5, 4)));
	check_left("relative", "reshape");
	x = net_begin(&net, 13, 1, SHAPE(2, 3, 4, 5));
	y = reshape(x, SHAPE(2, 3, 4, 5), INTS(&net, 0, 3, 4, 5));
	net_output(&net, net_act(&net, y, NET_RELU));
	check_left("to what it is", "act");
	/* One channel moves to the end: the order of the values stays. */
	x = net_begin(&net, 13, 1, SHAPE(1, 1, 4, 5));
	y = net_transpose(&net, net_act(&net, x, NET_RELU), last);
	net_output(&net, reshape(y, SHAPE(1, 20, 1), INTS(&net, 1, -1, 1)));
	check_left("a transpose that moves nothing", "act reshape");
	x = net_begin(&net, 13, 1, SHAPE(1, 2, 4, 5));
	y = net_transpose(&net, x, last);
	net_output(&net, reshape(y, SHAPE(1, 20, 2), INTS(&net, 1, -1, 2)));
	check_left("one that does", "transpose reshape");
}

/* ---- constants ------------------------------------------------------------------------------ */

TEST(what_follows_from_constants_is_computed)
{
	static const int64_t turn[] = { 0, 1, 3, 2 };
	struct window pool = { { 2, 2 }, { 2, 2 }, { 1, 1 }, { 0 }, 1 };
	unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 4, 4, 4)), y;

	y = net_constant(&net, SHAPE(1, 3, 8, 8), 1);
	y = net_act(&net, net_batchnorm(&net, net_conv(&net, y, 4, &square, true)), NET_PRELU);
	y = net_maxpool(&net, y, &pool, false);
	y = net_transpose(&net, net_act(&net, y, NET_SIGMOID), turn);
	y = net_binary(&net, "Sub", y, net_constant(&net, SHAPE(4, 1, 1), 1));
	net_output(&net, net_binary(&net, "Mul", x, y));
	check_left("a network of constants", "mul");
	x = net_begin(&net, 13, 2, SHAPE(1, 4, 1, 6));
	y = product(net_constant(&net, SHAPE(1, 4, 1, 5), 1), 6, false);
	net_output(&net, net_binary(&net, "Add", y, x));
	net_output(&net, y);
	check_left("an output that is constant", "add");
	x = net_begin(&net, 13, 3, SHAPE(1, 3, 4, 4));
	y = flatten(net_constant(&net, SHAPE(1, 3, 1, 1), 1));
	y = reshape(y, SHAPE(3, 1, 1), INTS(&net, 3, 1, 1));
	net_output(&net, net_binary(&net, "Mul", net_conv(&net, x, 3, &square, false), y));
	check_left("a constant on its way into weights", "conv");
}

/* Concat of pieces, one of them computed; the network's other side is not constant. */
TEST(constants_are_joined)
{
	unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 3, 2, 5)), parts[2], y;

	parts[0] = net_act(&net, net_constant(&net, SHAPE(1, 1, 2, 5), 1), NET_RELU);
	parts[1] = net_constant(&net, SHAPE(1, 2, 2, 5), 1);
	y = net_tensor(&net, SHAPE(1, 3, 2, 5));
	set_int(&net, NODE(&net, "Concat", y, parts[0], parts[1]), "axis", -3);
	memcpy(net.tensors[y].data, net.tensors[parts[0]].data, 10 * sizeof(float));
	memcpy(net.tensors[y].data + 10, net.tensors[parts[1]].data, 20 * sizeof(float));
	net_output(&net, net_binary(&net, "Mul", x, y));
	check_left("joined", "mul");
}

/* Shape → Gather → Unsqueeze → Concat → Reshape, as exporters write "the rest of it". */
static void shape_chain(bool dynamic, int64_t axis, const char *left)
{
	unsigned int x = net_begin(&net, 11, 1, SHAPE(1, 6, 4, 5)), shape, pick, one, all, y, index;
	int64_t want = net.tensors[x].shape.dim[axis], zero = 0;

	net.dynamic = dynamic;
	shape = net_tensor(&net, SHAPE(4));
	NODE(&net, "Shape", shape, x);
	index = net_tensor(&net, (struct sp_shape){ 0 });
	net_initializer(&net, index, &axis, false);
	pick = net_tensor(&net, (struct sp_shape){ 0 });
	set_int(&net, NODE(&net, "Gather", pick, shape, index), "axis", 0);
	one = net_tensor(&net, SHAPE(1));
	set_ints(&net, NODE(&net, "Unsqueeze", one, pick), "axes", 1, &zero);
	all = net_tensor(&net, SHAPE(2));
	set_int(&net, NODE(&net, "Concat", all, one, INTS(&net, -1)), "axis", 0);
	y = reshape(x, SHAPE(want, 120 / want), all);
	/* The harness opens the axes from 2 on, and this has none. */
	net_output(&net, y);
	check_left("shape", left);
}

TEST(shapes_that_are_fixed_are_computed)
{
	shape_chain(false, 3, "reshape");
	/* Height and width are open; the channels are not. */
	shape_chain(true, 1, "reshape");
	shape_chain(true, 2, "shape gather unsqueeze concat reshape");
}

/* ---- functions ------------------------------------------------------------------------------ */

static unsigned int function(unsigned int x, const char *type, double (*of)(double))
{
	unsigned int y = net_tensor(&net, net.tensors[x].shape);

	NODE(&net, type, y, x);
	for (int64_t i = 0; i < sp_shape_elements(&net.tensors[x].shape); i++)
		net.tensors[y].data[i] = (float)of(net.tensors[x].data[i]);
	return y;
}

static unsigned int number(float value)
{
	unsigned int c = net_constant(&net, (struct sp_shape){ 0 }, 1);

	net.tensors[c].data[0] = value;
	memcpy(net.constants[net.constants_n - 1]->raw_data.data, &value, sizeof(value));
	return c;
}

/* x · (1 + erf(x / √2)) · @half, or @half first. */
static void written_out(unsigned int way, float half, const char *left)
{
	unsigned int x = net_begin(&net, 13, way, SHAPE(1, 3, 4, 5)), e, y;

	x = net_act(&net, x, NET_PRELU_ONE);
	e = net_binary(&net, "Mul", x, number(0.70710678f));
	e = net_binary(&net, "Add", function(e, "Erf", erf), number(1));
	if (way == 0)
		y = net_binary(&net, "Mul", net_binary(&net, "Mul", x, e), number(half));
	else
		y = net_binary(&net, "Mul", net_binary(&net, "Mul", number(half), x), e);
	net_output(&net, y);
	check_left("gelu", left);
}

static double hardsigmoid(double x)
{
	return fmin(fmax(x / 6 + 0.5, 0), 1);
}

TEST(functions_that_are_written_out)
{
	unsigned int x, y;

	for (unsigned int way = 0; way < 2; way++)
		written_out(way, 0.5f, "act function");
	written_out(0, 0.6f, "act mul function add mul mul");
	for (unsigned int i = 0; i < 2; i++) {
		x = net_begin(&net, 14, i, SHAPE(1, 3, 4, 5));
		x = net_act(&net, x, NET_PRELU_ONE);
		y = function(x, "HardSigmoid", hardsigmoid);
		set_float(&net, net.nodes[1], "alpha", 1.0f / 6);
		/* Of itself, or of something else. */
		y = net_binary(&net, "Mul", y, i ? net_act(&net, x, NET_SIGMOID) : x);
		net_output(&net, y);
		check_left("hardswish", i ? "act function act mul" : "act function");
	}
}

/* ---- pairs ---------------------------------------------------------------------------------- */

static void check_pairs(const char *what, unsigned int want)
{
	struct sp_model *model = check_same(what, 2e-5);
	const struct sp_graph *graph = model->graph;
	unsigned int n = 0;

	for (uint32_t i = 0; i < graph->nodes_n; i++)
		if (graph->nodes[i].pair != SP_NONE && graph->nodes[i].pair > i) {
			CHECK_EQ(graph->nodes[i].window.group, 1);
			CHECK_EQ(graph->nodes[graph->nodes[i].pair].inputs[0],
				 graph->nodes[i].output);
			n++;
		}
	if (n != want)
		FAIL("%s: %u pairs, not %u", what, n, want);
	sp_model_free(model);
	net_end(&net);
}

TEST(pairs)
{
	struct window deep = square, flat = point;
	unsigned int x, y, z;

	deep.group = 8;
	deep.stride[0] = deep.stride[1] = 2;
	x = net_begin(&net, 13, 1, SHAPE(1, 3, 8, 8));
	y = net_act(&net, net_batchnorm(&net, net_conv(&net, x, 8, &point, false)), NET_PRELU);
	net_output(&net, net_act(&net, net_conv(&net, y, 8, &deep, true), NET_RELU));
	check_pairs("pointwise, depthwise", 1);
	/* The first half is an output too. */
	x = net_begin(&net, 13, 2, SHAPE(1, 3, 8, 8));
	y = net_conv(&net, x, 8, &point, true);
	net_output(&net, net_conv(&net, y, 8, &deep, true));
	net_output(&net, y);
	check_pairs("output", 0);
	/* The first half adds something. */
	x = net_begin(&net, 13, 3, SHAPE(1, 8, 8, 8));
	y = net_binary(&net, "Add", net_conv(&net, x, 8, &point, true), x);
	net_output(&net, net_conv(&net, y, 8, &deep, true));
	check_pairs("residual", 0);
	/* Two outputs a channel. */
	x = net_begin(&net, 13, 4, SHAPE(1, 3, 8, 8));
	net_output(&net, net_conv(&net, net_conv(&net, x, 8, &point, true), 16, &deep, true));
	check_pairs("multiplied", 0);
	flat.stride[1] = 2;
	x = net_begin(&net, 13, 5, SHAPE(1, 3, 8, 8));
	net_output(&net, net_conv(&net, net_conv(&net, x, 8, &flat, true), 8, &deep, true));
	check_pairs("stride", 0);
	/* Two of them, their first halves beside each other in the order. */
	x = net_begin(&net, 13, 6, SHAPE(1, 3, 8, 8));
	y = net_conv(&net, net_conv(&net, x, 8, &point, true), 8, &deep, true);
	z = net_conv(&net, net_conv(&net, x, 8, &point, true), 8, &deep, true);
	net_output(&net, net_binary(&net, "Add", y, z));
	check_pairs("two", 2);
}

/* ---- anything ------------------------------------------------------------------------------- */

static unsigned int any_constant(const struct sp_shape *of)
{
	struct sp_shape shape = *of;
	unsigned int y;

	for (unsigned int i = 0; i < shape.rank; i++)
		if (net_pick(&net, 3) || (i == 1 && net_pick(&net, 2)))
			shape.dim[i] = i == 1 && net_pick(&net, 2) ? of->dim[1] : 1;
	y = net_constant(&net, shape, 1);
	return net_pick(&net, 2) ? net_act(&net, y, (enum net_act)net_pick(&net, 3)) : y;
}

static unsigned int any_step(unsigned int x, unsigned int other)
{
	static const char *const types[] = { "Add", "Sub", "Mul" };
	static const int64_t there[] = { 0, 2, 3, 1 }, back[] = { 0, 3, 1, 2 };
	struct sp_shape shape = net.tensors[x].shape;
	const char *type = types[net_pick(&net, 3)];
	struct window w = net_pick(&net, 2) ? point : square;
	unsigned int c;

	switch (net_pick(&net, 8)) {
	case 0:
		return net_conv(&net, x, shape.dim[1], &w, net_pick(&net, 2));
	case 1:
		w.group = shape.dim[1];
		return net_conv(&net, x, shape.dim[1], &w, net_pick(&net, 2));
	case 2:
		return net_batchnorm(&net, x);
	case 3:
		return net_act(&net, x, (enum net_act)net_pick(&net, NET_ACTS));
	case 4:
		return net_binary(&net, type, x, other);
	case 5:
		x = net_transpose(&net, x, there);
		return net_transpose(&net, net_pick(&net, 2) ? net_act(&net, x, NET_RELU) : x,
				     back);
	case 6:
		x = reshape(x, SHAPE(shape.dim[0], sp_shape_elements(&shape) / shape.dim[0]),
			    INTS(&net, 0, -1));
		return reshape(x, shape, INTS(&net, shape.dim[0], shape.dim[1], -1, shape.dim[3]));
	default:
		c = any_constant(&shape);
		return net_pick(&net, 2) ? net_binary(&net, type, x, c)
					 : net_binary(&net, type, c, x);
	}
}

/* One shape throughout: every result fits every node. */
TEST(random_networks_give_the_same)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		unsigned int results[14], n = 0;
		char what[32];

		results[n++] = net_begin(&net, 13, seed, SHAPE(1, 6, 5, 4));
		while (n < 14) {
			/* Mostly chains, else little folds. */
			unsigned int from = net_pick(&net, 3) ? n - 1 : net_pick(&net, n);

			results[n] = any_step(results[from], results[net_pick(&net, n)]);
			n++;
		}
		net_output(&net, results[n - 1]);
		net_output(&net, results[net_pick(&net, n - 1)]);
		if (net.output[0] == net.output[1])
			net.outputs_n = 1;
		snprintf(what, sizeof(what), "seed %llu", (unsigned long long)seed);
		/* Products of a dozen layers: what is rounded early is multiplied later. */
		sp_model_free(check_same(what, 1e-4));
		net_end(&net);
	}
	printf("# seeds 1 to 60\n");
}

TEST_MAIN()
