/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One ONNX node into one node of the logical graph: a reader for each operator, by a table. What an
 * operator may have beyond that is refused by name, never ignored. Meaning of operators and
 * attributes: the public ONNX operator document, sets 7 to 23.
 */
#include "infer/onnx.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/diag.h"
#include "infer/graph.h"
#include "infer/onnx_operators.h"
#include "infer/onnx_reader.h"

/* ---- operators ------------------------------------------------------------------------------ */

static void read_window(struct sp_reader *reader, const int64_t kernel[2])
{
	static const char *const auto_pads[] = { "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER",
						 NULL };
	struct sp_window *window = &reader->node->window;
	int64_t given[2] = { kernel[0], kernel[1] };

	*window = (struct sp_window){ .stride = { 1, 1 }, .dilation = { 1, 1 }, .group = 1 };
	sp_reader_ints(reader, "kernel_shape", 2, 1, SP_WINDOW_MAX, given);
	if (given[0] < 1 || given[1] < 1 || given[0] > SP_WINDOW_MAX || given[1] > SP_WINDOW_MAX ||
	    (kernel[0] && (given[0] != kernel[0] || given[1] != kernel[1])))
		sp_reader_fail(reader, -EINVAL,
			       "kernel_shape is absent, or not that of the weights; the file "
			       "is corrupt");
	memcpy(window->kernel, given, sizeof(given));
	sp_reader_ints(reader, "strides", 2, 1, SP_WINDOW_MAX, window->stride);
	sp_reader_ints(reader, "dilations", 2, 1, SP_WINDOW_MAX, window->dilation);
	sp_reader_ints(reader, "pads", 4, 0, SP_WINDOW_MAX, window->pad);
	/* The enum has the order of the table. */
	window->auto_pad = (enum sp_auto_pad)sp_reader_choice(reader, "auto_pad", auto_pads);
}

static void read_conv(struct sp_reader *reader)
{
	const struct sp_tensor *weights = sp_reader_constant(reader, 1);
	const struct sp_shape *shape = weights ? &weights->shape : NULL;
	int64_t group = sp_reader_int(reader, "group", 1);

	sp_reader_pad_inputs(reader, 3);
	if (reader->error)
		return;
	if (!shape || shape->rank != 4) {
		sp_reader_fail(reader, -ENOTSUP,
			       "only convolutions over height and width are supported");
		return;
	}
	if (sp_shape_elements(shape) < 1 || group < 1 || shape->dim[0] % group) {
		sp_reader_fail(reader, -EINVAL,
			       "weights and 'group' do not fit; the file is corrupt");
		return;
	}
	read_window(reader, &shape->dim[2]);
	reader->node->window.group = group;
	sp_reader_row(reader, 2, shape->dim[0]);
}

static void read_maxpool(struct sp_reader *reader)
{
	static const int64_t any[2] = { 0, 0 };

	read_window(reader, any);
	reader->node->window.ceil = sp_reader_int(reader, "ceil_mode", 0);
	sp_reader_only_int(reader, "storage_order", 0);
	if (reader->node->window.dilation[0] != 1 || reader->node->window.dilation[1] != 1)
		sp_reader_fail(reader, -ENOTSUP, "dilations other than 1 are not supported");
}

static void read_avgpool(struct sp_reader *reader)
{
	static const int64_t any[2] = { 0, 0 };
	struct sp_window *window = &reader->node->window;

	read_window(reader, any);
	window->ceil = sp_reader_int(reader, "ceil_mode", 0);
	window->count_padding = sp_reader_int(reader, "count_include_pad", 0);
	if (window->dilation[0] != 1 || window->dilation[1] != 1)
		sp_reader_fail(reader, -ENOTSUP, "dilations other than 1 are not supported");
	else if (window->ceil && window->count_padding)
		sp_reader_fail(reader, -ENOTSUP,
			       "ceil_mode together with count_include_pad is not supported");
}

static void read_activation(struct sp_reader *reader)
{
	const char *type = reader->node->type;
	struct sp_activation *act = &reader->node->act;

	reader->node->op = SP_OP_ACTIVATION;
	if (!strcmp(type, "Relu")) {
		act->kind = SP_ACT_RELU;
	} else if (!strcmp(type, "Sigmoid")) {
		act->kind = SP_ACT_SIGMOID;
	} else { /* PRelu */
		sp_reader_constant(reader, 1);
		act->kind = SP_ACT_PRELU;
		act->slope = reader->node->inputs[1];
		reader->node->inputs_n = 1;
	}
}

static void read_clip(struct sp_reader *reader)
{
	struct sp_activation *act = &reader->node->act;
	const struct sp_tensor *bound;

	act->low = -FLT_MAX;
	act->high = FLT_MAX;
	if (reader->onnx->opset < 11) {
		act->low = sp_reader_float(reader, "min", act->low);
		act->high = sp_reader_float(reader, "max", act->high);
	}
	bound = sp_reader_row(reader, 1, 1);
	if (bound)
		act->low = bound->floats[0];
	bound = sp_reader_row(reader, 2, 1);
	if (bound)
		act->high = bound->floats[0];
	if (!(act->low <= act->high))
		sp_reader_fail(reader, -ENOTSUP, "bounds from %g to %g are not supported", act->low,
			       act->high);
	act->kind = act->low == 0 && act->high >= FLT_MAX ? SP_ACT_RELU : SP_ACT_CLIP;
	reader->node->inputs_n = 1;
}

/* The four vectors of batch normalisation become y = x · scale + shift. */
static void read_batchnorm(struct sp_reader *reader)
{
	const struct sp_tensor *gamma = sp_reader_constant(reader, 1), *beta, *mean, *variance;
	double epsilon = sp_reader_float(reader, "epsilon", 1e-5f);
	int64_t n = gamma ? sp_shape_elements(&gamma->shape) : 0;
	struct sp_shape shape = { .rank = 1, .dim = { n } };
	float *scale, *shift;
	uint32_t ids[2];

	sp_reader_float(reader, "momentum", 0);
	sp_reader_only_int(reader, "training_mode", 0);
	sp_reader_only_int(reader, "spatial", 1);
	for (uint32_t i = 2; i < 5; i++)
		sp_reader_row(reader, i, n);
	if (reader->error)
		return;
	ids[0] = sp_graph_floats(reader->onnx->graph, reader->node->name, &shape, &scale);
	ids[1] = sp_graph_floats(reader->onnx->graph, reader->node->name, &shape, &shift);
	if (ids[0] == SP_NONE || ids[1] == SP_NONE) {
		sp_reader_fail(reader, -ENOMEM, "out of memory, or too many tensors");
		return;
	}
	gamma = sp_reader_constant(reader, 1);
	beta = sp_reader_constant(reader, 2);
	mean = sp_reader_constant(reader, 3);
	variance = sp_reader_constant(reader, 4);
	if (!gamma || !beta || !mean || !variance) {
		sp_reader_fail(reader, -EINVAL, "an input is absent; the file is corrupt");
		return;
	}
	for (int64_t i = 0; i < n; i++) {
		double factor = gamma->floats[i] / sqrt(variance->floats[i] + epsilon);

		scale[i] = (float)factor;
		shift[i] = (float)(beta->floats[i] - mean->floats[i] * factor);
	}
	reader->node->inputs[1] = ids[0];
	reader->node->inputs[2] = ids[1];
	reader->node->inputs_n = 3;
}

/* @weights (K × N, or N × K if @transposed) times @alpha as N × K; its number or SP_NONE. */
static uint32_t gemm_weights(struct sp_reader *reader, uint32_t id, bool transposed, double alpha)
{
	const struct sp_tensor *from = &reader->onnx->graph->tensors[id];
	int64_t rows = from->shape.dim[!transposed], columns = from->shape.dim[transposed];
	struct sp_shape shape = { .rank = 2, .dim = { rows, columns } };
	float *data;
	uint32_t made = sp_graph_floats(reader->onnx->graph, from->name, &shape, &data);

	if (made == SP_NONE) {
		sp_reader_fail(reader, -ENOMEM, "out of memory, or too many tensors");
		return made;
	}
	from = &reader->onnx->graph->tensors[id];
	for (int64_t i = 0; i < rows; i++)
		for (int64_t k = 0; k < columns; k++)
			data[i * columns + k] =
				(float)(alpha *
					from->floats[transposed ? i * columns + k : k * rows + i]);
	return made;
}

/* The bias, a scalar or a row of @n, times @beta as a row. */
static uint32_t gemm_bias(struct sp_reader *reader, uint32_t id, int64_t n, double beta)
{
	const struct sp_tensor *from = sp_reader_constant(reader, 2);
	struct sp_shape row = { .rank = 1, .dim = { n } };
	int64_t have = from ? sp_shape_elements(&from->shape) : 0;
	uint32_t made;
	float *data;

	if (!from)
		return SP_NONE;
	if (have != 1 && (have != n || from->shape.dim[from->shape.rank - 1] != n)) {
		sp_reader_fail(reader, -ENOTSUP, "a bias that is not one row is not supported");
		return SP_NONE;
	}
	made = sp_graph_floats(reader->onnx->graph, from->name, &row, &data);
	if (made == SP_NONE) {
		sp_reader_fail(reader, -ENOMEM, "out of memory, or too many tensors");
		return made;
	}
	from = &reader->onnx->graph->tensors[id];
	for (int64_t i = 0; i < n; i++)
		data[i] = (float)(beta * from->floats[have == 1 ? 0 : i]);
	return made;
}

/* Whether input @i is a constant matrix. */
static bool is_matrix(const struct sp_reader *reader, uint32_t i)
{
	const struct sp_tensor *tensor = &reader->onnx->graph->tensors[reader->node->inputs[i]];

	return tensor->floats && tensor->shape.rank == 2;
}

/* Gemm and MatMul. */
static void read_gemm(struct sp_reader *reader)
{
	bool gemm = !strcmp(reader->node->type, "Gemm"), transposed = false;
	const struct sp_tensor *weights;
	double alpha = 1, beta = 1;
	int64_t n;

	if (!gemm && !is_matrix(reader, 1)) {
		reader->node->op = SP_OP_MATMUL;
		return;
	}
	weights = sp_reader_constant(reader, 1);
	sp_reader_pad_inputs(reader, 3);
	if (gemm) {
		sp_reader_only_int(reader, "transA", 0);
		transposed = sp_reader_int(reader, "transB", 0);
		alpha = sp_reader_float(reader, "alpha", 1);
		beta = sp_reader_float(reader, "beta", 1);
	}
	if (weights && (weights->shape.rank != 2 || sp_shape_elements(&weights->shape) < 1))
		sp_reader_fail(reader, -ENOTSUP, "weights that are no matrix are not supported");
	if (reader->error || !weights)
		return;
	n = weights->shape.dim[!transposed];
	reader->node->inputs[1] = gemm_weights(reader, reader->node->inputs[1], transposed, alpha);
	if (!reader->error && reader->node->inputs[2] != SP_NONE)
		reader->node->inputs[2] = gemm_bias(reader, reader->node->inputs[2], n, beta);
}

/* Which factors the nearest pixel is x / factor for, whatever the coordinates' convention. */
static int64_t resize_scale_max(struct sp_reader *reader)
{
	static const char *const coordinates[] = { "half_pixel", "pytorch_half_pixel", "asymmetric",
						   NULL };
	static const char *const roundings[] = { "round_prefer_floor", "floor", "round_prefer_ceil",
						 NULL };
	bool asymmetric, floors;

	if (reader->onnx->opset < 11)
		return SP_WINDOW_MAX;
	asymmetric = sp_reader_choice(reader, "coordinate_transformation_mode", coordinates) == 2;
	switch (sp_reader_choice(reader, "nearest_mode", roundings)) {
	case 1:
		floors = true;
		break;
	case 2:
		/* Half-pixel centres of whole factors never meet the tie; asymmetric ones do. */
		return asymmetric ? 1 : SP_WINDOW_MAX;
	default:
		if (asymmetric)
			return 2;
		floors = false;
	}
	return floors == asymmetric ? SP_WINDOW_MAX : 1;
}

static void read_resize(struct sp_reader *reader)
{
	static const char *const modes[] = { "nearest", NULL };
	static const char *const policies[] = { "stretch", NULL };
	struct sp_node *node = reader->node;
	bool upsample = !strcmp(node->type, "Upsample");
	const struct sp_tensor *scales;
	uint32_t from = node->inputs_n;

	sp_reader_choice(reader, "mode", modes);
	sp_reader_pad_inputs(reader, 4);
	if (reader->error)
		return;
	if (!upsample && reader->onnx->opset >= 11) { /* x, roi, scales, sizes */
		sp_reader_float(reader, "cubic_coeff_a", 0);
		sp_reader_float(reader, "extrapolation_value", 0);
		sp_reader_only_int(reader, "antialias", 0);
		sp_reader_only_int(reader, "exclude_outside", 0);
		sp_reader_choice(reader, "keep_aspect_ratio_policy", policies);
		node->inputs[1] = from > 2 ? node->inputs[2] : SP_NONE;
		node->inputs[2] = from > 3 ? node->inputs[3] : SP_NONE;
	}
	if (upsample && reader->onnx->opset < 9)
		sp_reader_floats_input(reader, "scales", 1);
	node->inputs_n = 3;
	node->scale_max = upsample ? SP_WINDOW_MAX : resize_scale_max(reader);
	/* An empty tensor of scales stands for none. */
	if (node->inputs[2] != SP_NONE)
		node->inputs[1] = SP_NONE;
	scales = sp_reader_constant(reader, 1);
	if (!reader->error && !scales && node->inputs[2] == SP_NONE)
		sp_reader_fail(reader, -EINVAL,
			       "neither scales nor sizes are there; the file is corrupt");
}

static void read_softmax(struct sp_reader *reader)
{
	reader->node->flat = reader->onnx->opset < 13;
	reader->node->axis = sp_reader_int(reader, "axis", reader->node->flat ? 1 : -1);
}

static void read_transpose(struct sp_reader *reader)
{
	const Onnx__AttributeProto *perm =
		sp_reader_find(reader, "perm", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);

	if (!perm)
		return;
	if (perm->n_ints > SP_RANK_MAX) {
		sp_reader_fail(reader, -ENOTSUP, "more than %d dimensions are not supported",
			       SP_RANK_MAX);
		return;
	}
	reader->node->perm.n = (uint32_t)perm->n_ints;
	if (perm->n_ints)
		memcpy(reader->node->perm.of, perm->ints, perm->n_ints * sizeof(perm->ints[0]));
}

static void read_reshape(struct sp_reader *reader)
{
	sp_reader_only_int(reader, "allowzero", 0);
}

static void read_flatten(struct sp_reader *reader)
{
	reader->node->axis = sp_reader_int(reader, "axis", 1);
}

static void read_concat(struct sp_reader *reader)
{
	if (!sp_reader_find(reader, "axis", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT))
		sp_reader_fail(reader, -EINVAL, "attribute 'axis' is absent; the file is corrupt");
	reader->node->axis = sp_reader_int(reader, "axis", 0);
}

static void read_gather(struct sp_reader *reader)
{
	reader->node->axis = sp_reader_int(reader, "axis", 0);
}

static void read_slice(struct sp_reader *reader)
{
	sp_reader_pad_inputs(reader, 5);
	if (reader->error || reader->onnx->opset >= 10)
		return;
	sp_reader_ints_input(reader, "starts", 1);
	sp_reader_ints_input(reader, "ends", 2);
	sp_reader_ints_input(reader, "axes", 3);
}

/* Squeeze and Unsqueeze. */
static void read_axes(struct sp_reader *reader)
{
	sp_reader_pad_inputs(reader, 2);
	if (!reader->error && reader->onnx->opset < 13)
		sp_reader_ints_input(reader, "axes", 1);
}

static void read_cast(struct sp_reader *reader)
{
	int64_t to = sp_reader_int(reader, "to", 0);

	sp_reader_int(reader, "saturate", 1);
	/*
	 * Shapes are integers of either width, everything else is float32: a cast between is
	 * refused.
	 */
	if (to != ONNX__TENSOR_PROTO__DATA_TYPE__INT64 &&
	    to != ONNX__TENSOR_PROTO__DATA_TYPE__INT32)
		sp_reader_fail(reader, -ENOTSUP, "a cast to data type %lld is not supported",
			       (long long)to);
	reader->node->op = SP_OP_IDENTITY;
}

static void read_dropout(struct sp_reader *reader)
{
	sp_reader_float(reader, "ratio", 0);
	sp_reader_int(reader, "seed", 0);
	if (reader->node->inputs_n > 2)
		sp_reader_fail(reader, -ENOTSUP, "training mode is not supported");
	reader->node->inputs_n = 1;
}

static const struct op_reader {
	const char *type;
	enum sp_op op;
	uint32_t inputs_min, inputs_max;
	void (*read)(struct sp_reader *reader); /* NULL: nothing but its inputs */
} op_readers[] = {
	{ "Abs", SP_OP_FUNCTION, 1, 1, sp_onnx_read_function },
	{ "Add", SP_OP_ADD, 2, 2, NULL },
	{ "AveragePool", SP_OP_AVGPOOL, 1, 1, read_avgpool },
	{ "BatchNormalization", SP_OP_AFFINE, 5, 5, read_batchnorm },
	{ "Cast", SP_OP_IDENTITY, 1, 1, read_cast },
	{ "Clip", SP_OP_ACTIVATION, 1, 3, read_clip },
	{ "Concat", SP_OP_CONCAT, 1, SP_NODE_INPUTS_MAX, read_concat },
	{ "Conv", SP_OP_CONV, 2, 3, read_conv },
	{ "Div", SP_OP_DIV, 2, 2, NULL },
	{ "Dropout", SP_OP_IDENTITY, 1, 3, read_dropout },
	{ "Elu", SP_OP_FUNCTION, 1, 1, sp_onnx_read_function },
	{ "Erf", SP_OP_FUNCTION, 1, 1, sp_onnx_read_function },
	{ "Exp", SP_OP_FUNCTION, 1, 1, sp_onnx_read_function },
	{ "Expand", SP_OP_EXPAND, 2, 2, NULL },
	{ "Flatten", SP_OP_FLATTEN, 1, 1, read_flatten },
	{ "Gather", SP_OP_GATHER, 2, 2, read_gather },
	{ "Gelu", SP_OP_FUNCTION, 1, 1, sp_onnx_read_function },
	{ "Gemm", SP_OP_GEMM, 2, 3, read_gemm },
	{ "GlobalAveragePool", SP_OP_MEAN, 1, 1, NULL },
	{ "GlobalMaxPool", SP_OP_REDUCE, 1, 1, sp_onnx_read_reduce },
	{ "HardSigmoid", SP_OP_FUNCTION, 1, 1, sp_onnx_read_function },
	{ "HardSwish", SP_OP_FUNCTION, 1, 1, sp_onnx_read_function },
	{ "Identity", SP_OP_IDENTITY, 1, 1, NULL },
	{ "LayerNormalization", SP_OP_LAYERNORM, 2, 3, sp_onnx_read_layernorm },
	{ "LeakyRelu", SP_OP_ACTIVATION, 1, 1, sp_onnx_read_leaky_relu },
	{ "Log", SP_OP_FUNCTION, 1, 1, sp_onnx_read_function },
	{ "MatMul", SP_OP_GEMM, 2, 2, read_gemm },
	{ "MaxPool", SP_OP_MAXPOOL, 1, 1, read_maxpool },
	{ "Mul", SP_OP_MUL, 2, 2, NULL },
	{ "Neg", SP_OP_FUNCTION, 1, 1, sp_onnx_read_function },
	{ "PRelu", SP_OP_ACTIVATION, 2, 2, read_activation },
	{ "Pow", SP_OP_FUNCTION, 2, 2, sp_onnx_read_function },
	{ "Reciprocal", SP_OP_FUNCTION, 1, 1, sp_onnx_read_function },
	{ "ReduceL2", SP_OP_REDUCE, 1, 2, sp_onnx_read_reduce },
	{ "ReduceMax", SP_OP_REDUCE, 1, 2, sp_onnx_read_reduce },
	{ "ReduceMean", SP_OP_REDUCE, 1, 2, sp_onnx_read_reduce },
	{ "ReduceMin", SP_OP_REDUCE, 1, 2, sp_onnx_read_reduce },
	{ "ReduceSum", SP_OP_REDUCE, 1, 2, sp_onnx_read_reduce },
	{ "Relu", SP_OP_ACTIVATION, 1, 1, read_activation },
	{ "Reshape", SP_OP_RESHAPE, 2, 2, read_reshape },
	{ "Resize", SP_OP_RESIZE, 1, 4, read_resize },
	{ "Shape", SP_OP_SHAPE, 1, 1, NULL },
	{ "Sigmoid", SP_OP_ACTIVATION, 1, 1, read_activation },
	{ "Slice", SP_OP_SLICE, 1, 5, read_slice },
	{ "Softmax", SP_OP_SOFTMAX, 1, 1, read_softmax },
	{ "Split", SP_OP_SPLIT, 1, 2, sp_onnx_read_split },
	{ "Sqrt", SP_OP_FUNCTION, 1, 1, sp_onnx_read_function },
	{ "Squeeze", SP_OP_SQUEEZE, 1, 2, read_axes },
	{ "Sub", SP_OP_SUB, 2, 2, NULL },
	{ "Sum", SP_OP_ADD, 2, 2, NULL },
	{ "Tanh", SP_OP_FUNCTION, 1, 1, sp_onnx_read_function },
	{ "Transpose", SP_OP_TRANSPOSE, 1, 1, read_transpose },
	{ "Unsqueeze", SP_OP_UNSQUEEZE, 1, 2, read_axes },
	{ "Upsample", SP_OP_RESIZE, 1, 2, read_resize },
};

/* ---- a node --------------------------------------------------------------------------------- */

static bool standard(const Onnx__NodeProto *proto)
{
	const char *domain = sp_onnx_text(proto->domain);

	return !*domain || !strcmp(domain, "ai.onnx");
}

static const char *type_of(const Onnx__NodeProto *proto)
{
	return sp_onnx_text(proto->op_type);
}

/* The node's name in messages: its own, else that of what it makes. */
static const char *name_of(const Onnx__NodeProto *proto)
{
	const char *name = sp_onnx_text(proto->name);

	return *name || !proto->n_output ? name : proto->output[0];
}

static void read_ports(struct sp_reader *reader, const struct op_reader *op)
{
	const Onnx__NodeProto *proto = reader->proto;
	struct sp_node *node = reader->node;

	if (proto->n_input < op->inputs_min || proto->n_input > op->inputs_max) {
		sp_reader_fail(reader, -ENOTSUP, "%zu inputs are not supported", proto->n_input);
		return;
	}
	node->inputs = sp_reader_alloc(reader, (proto->n_input > 4 ? proto->n_input : 4) *
						       sizeof(*node->inputs));
	if (!node->inputs)
		return;
	node->inputs_n = (uint32_t)proto->n_input;
	for (size_t i = 0; i < proto->n_input; i++) {
		node->inputs[i] = SP_NONE;
		if (*proto->input[i])
			node->inputs[i] = sp_onnx_tensor(reader->onnx, proto->input[i]);
		else if (i >= op->inputs_min && op->inputs_max != SP_NODE_INPUTS_MAX)
			continue;
		if (node->inputs[i] == SP_NONE)
			sp_reader_fail(reader, -EINVAL, "input %zu is absent; the file is corrupt",
				       i);
	}
	/* Some old files name the extra outputs of training, which nothing reads. */
	if (!proto->n_output || !*proto->output[0])
		sp_reader_fail(reader, -EINVAL, "it has no output; the file is corrupt");
	else if (proto->n_output > 1 && op->op != SP_OP_SPLIT && strcmp(op->type, "Dropout") &&
		 strcmp(op->type, "BatchNormalization"))
		sp_reader_fail(reader, -ENOTSUP, "%zu outputs are not supported", proto->n_output);
	else
		node->output = sp_onnx_tensor(reader->onnx, proto->output[0]);
	if (!reader->error && node->output == SP_NONE)
		sp_reader_fail(reader, -ENOMEM, "out of memory, or too many tensors");
}

/* One node for each further output: all read the same, each is another part. 0 or -errno. */
static int share_out(struct sp_reader *reader)
{
	struct sp_graph *graph = reader->onnx->graph;
	size_t outputs = reader->node->op == SP_OP_SPLIT ? reader->proto->n_output : 1;

	for (size_t i = 1; i < outputs && !reader->error; i++) {
		struct sp_node *node = &graph->nodes[graph->nodes_n++];

		*node = *reader->node;
		node->split.part = (int64_t)i;
		/* Folding writes to a node's own list. */
		node->inputs = sp_reader_alloc(reader, 4 * sizeof(*node->inputs));
		if (!node->inputs)
			break;
		memcpy(node->inputs, reader->node->inputs,
		       node->inputs_n * sizeof(*node->inputs));
		node->output = SP_NONE;
		if (!*reader->proto->output[i])
			sp_reader_fail(reader, -ENOTSUP,
				       "an output without a name is not supported");
		else
			node->output = sp_onnx_tensor(reader->onnx, reader->proto->output[i]);
		if (!reader->error && node->output == SP_NONE)
			sp_reader_fail(reader, -ENOMEM, "out of memory, or too many tensors");
	}
	return reader->error;
}

int sp_onnx_node(struct sp_onnx *onnx, const Onnx__NodeProto *proto)
{
	struct sp_reader reader = { .onnx = onnx, .proto = proto };
	const struct op_reader *op = NULL;
	const char *type = sp_graph_name(onnx->graph, type_of(proto));
	const char *name = sp_graph_name(onnx->graph, name_of(proto));

	if (!type || !name)
		return sp_err_set(onnx->err, -ENOMEM, "out of memory");
	for (size_t i = 0; standard(proto) && i < sizeof(op_readers) / sizeof(op_readers[0]); i++)
		if (!strcmp(op_readers[i].type, type))
			op = &op_readers[i];
	if (!op)
		return sp_err_set(onnx->err, -ENOTSUP,
				  "node '%s': operator %s%s is not supported; export the model "
				  "without it",
				  name, type, standard(proto) ? "" : " of another domain");
	reader.node = &onnx->graph->nodes[onnx->graph->nodes_n++];
	*reader.node = (struct sp_node){
		.op = op->op,
		.name = name,
		.type = type,
		.output = SP_NONE,
		.residual = SP_NONE,
		.pair = SP_NONE,
		.act.slope = SP_NONE,
	};
	read_ports(&reader, op);
	if (!reader.error && op->read)
		op->read(&reader);
	sp_reader_end(&reader);
	return reader.error ? reader.error : share_out(&reader);
}
