/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small networks for tests. Each call adds an ONNX node and at once computes, by plain loops in
 * double, what the node must give; at the end the packed file is loaded, run and compared.
 */
#ifndef SP_TESTS_NET_H
#define SP_TESTS_NET_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "infer/cpu/executor.h"
#include "infer/model.h"
#include "onnx.pb-c.h"

#include "test.h"

enum { NET_MAX = 256, NET_ATTRIBUTES = 8 };

struct tensor {
	char name[16];
	struct sp_shape shape;
	float *data; /* NULL: integers */
};

struct net {
	struct tensor tensors[NET_MAX];
	unsigned int tensors_n;
	Onnx__NodeProto *nodes[NET_MAX];
	unsigned int nodes_n;
	Onnx__TensorProto *constants[NET_MAX];
	unsigned int constants_n;
	Onnx__ValueInfoProto *outputs[NET_MAX];
	unsigned int output[NET_MAX], outputs_n;
	unsigned int input;
	int64_t opset;
	bool dynamic; /* the file leaves height and width open */
	uint64_t seed;
	void *memory[8192];
	unsigned int memory_n;
};

static void *net_alloc(struct net *net, size_t size)
{
	void *data = calloc(1, size ? size : 1);

	CHECK(data && net->memory_n < 8192);
	net->memory[net->memory_n++] = data;
	return data;
}

static char *net_text(struct net *net, const char *text)
{
	return strcpy(net_alloc(net, strlen(text) + 1), text);
}

/* [0, n) */
static unsigned int net_pick(struct net *net, unsigned int n)
{
	net->seed = net->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)((net->seed >> 33) % n);
}

static float net_random(struct net *net)
{
	return (float)net_pick(net, 20001) / 10000 - 1;
}

static struct sp_shape net_shape(unsigned int rank, const int64_t *dim)
{
	struct sp_shape shape = { .rank = rank };

	memcpy(shape.dim, dim, rank * sizeof(*dim));
	return shape;
}
#define SHAPE(...)                                                                                 \
	net_shape(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t), (int64_t[]){ __VA_ARGS__ })

static unsigned int net_tensor(struct net *net, struct sp_shape shape)
{
	struct tensor *tensor = &net->tensors[net->tensors_n];

	CHECK(net->tensors_n < NET_MAX);
	snprintf(tensor->name, sizeof(tensor->name), "t%u", net->tensors_n);
	tensor->shape = shape;
	tensor->data = net_alloc(net, (size_t)sp_shape_elements(&shape) * sizeof(float));
	return net->tensors_n++;
}

static unsigned int net_begin(struct net *net, int64_t opset, uint64_t seed, struct sp_shape input)
{
	memset(net, 0, sizeof(*net));
	net->opset = opset;
	net->seed = seed * 7919 + 1;
	net->input = net_tensor(net, input);
	for (int64_t i = 0; i < sp_shape_elements(&input); i++)
		net->tensors[net->input].data[i] = net_random(net);
	return net->input;
}

static Onnx__TensorProto *net_proto(struct net *net, struct sp_shape shape, const void *data,
				    bool floats)
{
	Onnx__TensorProto *proto = net_alloc(net, sizeof(*proto));

	onnx__tensor_proto__init(proto);
	proto->n_dims = shape.rank;
	proto->dims = memcpy(net_alloc(net, sizeof(shape.dim)), shape.dim, sizeof(shape.dim));
	proto->has_data_type = true;
	proto->data_type = floats ? ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT
				  : ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
	proto->has_raw_data = true;
	proto->raw_data.len = (size_t)sp_shape_elements(&shape) * (floats ? 4 : 8);
	proto->raw_data.data = net_alloc(net, proto->raw_data.len);
	memcpy(proto->raw_data.data, data, proto->raw_data.len);
	return proto;
}

static void net_initializer(struct net *net, unsigned int tensor, const void *data, bool floats)
{
	Onnx__TensorProto *proto = net_proto(net, net->tensors[tensor].shape, data, floats);

	proto->name = net_text(net, net->tensors[tensor].name);
	net->constants[net->constants_n++] = proto;
}

/* Values in [-scale, scale]. */
static unsigned int net_constant(struct net *net, struct sp_shape shape, float scale)
{
	unsigned int id = net_tensor(net, shape);

	for (int64_t i = 0; i < sp_shape_elements(&shape); i++)
		net->tensors[id].data[i] = net_random(net) * scale;
	net_initializer(net, id, net->tensors[id].data, true);
	return id;
}

__attribute__((unused)) static unsigned int net_ints(struct net *net, unsigned int n,
						     const int64_t *values)
{
	unsigned int id = net_tensor(net, SHAPE(n));

	net_initializer(net, id, values, false);
	return id;
}
#define INTS(net, ...)                                                                             \
	net_ints(net, sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t),                        \
		 (int64_t[]){ __VA_ARGS__ })

/* A node without attributes; @inputs_n tensors follow, UINT_MAX stands for an absent one. */
static Onnx__NodeProto *net_node(struct net *net, const char *type, unsigned int output,
				 unsigned int inputs_n, const unsigned int *inputs)
{
	Onnx__NodeProto *node = net_alloc(net, sizeof(*node));

	CHECK(net->nodes_n < NET_MAX);
	onnx__node_proto__init(node);
	node->op_type = net_text(net, type);
	node->n_input = inputs_n;
	node->input = net_alloc(net, (inputs_n + 1) * sizeof(*node->input));
	for (unsigned int i = 0; i < inputs_n; i++)
		node->input[i] =
			net_text(net, inputs[i] == UINT32_MAX ? "" : net->tensors[inputs[i]].name);
	node->n_output = 1;
	node->output = net_alloc(net, sizeof(*node->output));
	node->output[0] = net_text(net, net->tensors[output].name);
	node->attribute = net_alloc(net, NET_ATTRIBUTES * sizeof(*node->attribute));
	return net->nodes[net->nodes_n++] = node;
}
#define NODE(net, type, output, ...)                                                               \
	net_node(net, type, output, sizeof((unsigned int[]){ __VA_ARGS__ }) / sizeof(int),         \
		 (unsigned int[]){ __VA_ARGS__ })

static Onnx__AttributeProto *net_attribute(struct net *net, Onnx__NodeProto *node, const char *name,
					   Onnx__AttributeProto__AttributeType type)
{
	Onnx__AttributeProto *attribute = net_alloc(net, sizeof(*attribute));

	CHECK(node->n_attribute < NET_ATTRIBUTES);
	onnx__attribute_proto__init(attribute);
	attribute->name = net_text(net, name);
	attribute->has_type = true;
	attribute->type = type;
	return node->attribute[node->n_attribute++] = attribute;
}

static void set_int(struct net *net, Onnx__NodeProto *node, const char *name, int64_t value)
{
	Onnx__AttributeProto *attribute = net_attribute(net, node, name,
							ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);

	attribute->has_i = true;
	attribute->i = value;
}

__attribute__((unused)) static void set_float(struct net *net, Onnx__NodeProto *node,
					      const char *name, float value)
{
	Onnx__AttributeProto *attribute =
		net_attribute(net, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);

	attribute->has_f = true;
	attribute->f = value;
}

__attribute__((unused)) static void set_text(struct net *net, Onnx__NodeProto *node,
					     const char *name, const char *value)
{
	Onnx__AttributeProto *attribute =
		net_attribute(net, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);

	attribute->has_s = true;
	attribute->s.len = strlen(value);
	attribute->s.data = (uint8_t *)net_text(net, value);
}

static void set_ints(struct net *net, Onnx__NodeProto *node, const char *name, size_t n,
		     const int64_t *values)
{
	Onnx__AttributeProto *attribute =
		net_attribute(net, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);

	attribute->n_ints = n;
	attribute->ints = memcpy(net_alloc(net, n * sizeof(*values)), values, n * sizeof(*values));
}

static Onnx__ValueInfoProto *net_port(struct net *net, unsigned int tensor, bool open)
{
	Onnx__ValueInfoProto *port = net_alloc(net, sizeof(*port));
	const struct sp_shape *shape = &net->tensors[tensor].shape;
	Onnx__TensorShapeProto__Dimension *dim;

	onnx__value_info_proto__init(port);
	port->name = net_text(net, net->tensors[tensor].name);
	port->type = net_alloc(net, sizeof(*port->type));
	onnx__type_proto__init(port->type);
	port->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
	port->type->tensor_type = net_alloc(net, sizeof(*port->type->tensor_type));
	onnx__type_proto__tensor__init(port->type->tensor_type);
	port->type->tensor_type->has_elem_type = true;
	port->type->tensor_type->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
	port->type->tensor_type->shape = net_alloc(net, sizeof(Onnx__TensorShapeProto));
	onnx__tensor_shape_proto__init(port->type->tensor_type->shape);
	port->type->tensor_type->shape->n_dim = shape->rank;
	port->type->tensor_type->shape->dim = net_alloc(net, (shape->rank + 1) * sizeof(dim));
	for (unsigned int i = 0; i < shape->rank; i++) {
		dim = net_alloc(net, sizeof(*dim));
		onnx__tensor_shape_proto__dimension__init(dim);
		dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
		dim->dim_value = shape->dim[i];
		if (open && i >= 2) {
			dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
			dim->dim_param = net_text(net, "n");
		}
		port->type->tensor_type->shape->dim[i] = dim;
	}
	return port;
}

static void net_output(struct net *net, unsigned int tensor)
{
	net->output[net->outputs_n] = tensor;
	net->outputs[net->outputs_n++] = net_port(net, tensor, net->dynamic);
}

/* The packed file, from net_alloc. */
static uint8_t *net_pack(struct net *net, size_t *ret_size)
{
	Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
	Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
	Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT, *opsets = &opset;
	Onnx__ValueInfoProto *input = net_port(net, net->input, net->dynamic);
	uint8_t *bytes;

	opset.has_version = true;
	opset.version = net->opset;
	model.n_opset_import = 1;
	model.opset_import = &opsets;
	model.graph = &graph;
	graph.n_node = net->nodes_n;
	graph.node = net->nodes;
	graph.n_initializer = net->constants_n;
	graph.initializer = net->constants;
	graph.n_input = 1;
	graph.input = &input;
	graph.n_output = net->outputs_n;
	graph.output = net->outputs;
	*ret_size = onnx__model_proto__get_packed_size(&model);
	bytes = net_alloc(net, *ret_size);
	onnx__model_proto__pack(&model, bytes);
	return bytes;
}

static void net_end(struct net *net)
{
	while (net->memory_n)
		free(net->memory[--net->memory_n]);
}

/*
 * Every output of @executor, which runs twice (what a run leaves behind must not matter), is what it
 * must be to within @tolerance · max(1, |value|).
 */
static void net_compare(const struct net *net, struct sp_executor *executor, const char *what,
			double tolerance)
{
	const struct tensor *input = &net->tensors[net->input];

	CHECK_EQ(sp_executor_outputs(executor), net->outputs_n);
	for (unsigned int round = 0; round < 2; round++) {
		memcpy(sp_executor_input(executor), input->data,
		       (size_t)sp_shape_elements(&input->shape) * sizeof(float));
		CHECK_EQ(sp_executor_run(executor), 0);
		for (unsigned int k = 0; k < net->outputs_n; k++) {
			const struct tensor *want = &net->tensors[net->output[k]];
			struct sp_shape shape;
			const char *name;
			const float *got = sp_executor_output(executor, k, &name, &shape);

			CHECK_STR(name, want->name);
			if (!sp_shape_equal(&shape, &want->shape))
				FAIL("%s: output %s has another shape", what, name);
			for (int64_t i = 0; i < sp_shape_elements(&shape); i++)
				if (!(fabs(got[i] - want->data[i]) <=
				      tolerance * fmax(1, fabs(want->data[i]))))
					FAIL("%s: run %u: %s[%lld] is %g, not %g", what, round,
					     name, (long long)i, got[i], want->data[i]);
		}
	}
}

static struct sp_model *net_model(struct net *net, const char *what)
{
	struct sp_model *model;
	struct sp_err err;
	size_t size;
	uint8_t *bytes = net_pack(net, &size);

	if (sp_model_parse(bytes, size, what, &model, &err))
		FAIL("%s", err.text);
	return model;
}

/* By these kernels. */
__attribute__((unused)) static void net_check_by(struct net *net, const char *what,
						 const struct sp_kernels *kernels, double tolerance)
{
	struct sp_model *model = net_model(net, what);
	struct sp_executor *executor;
	struct sp_err err;

	if (sp_executor_create_by(model, net->tensors[net->input].shape.dim, kernels, &executor,
				  &err))
		FAIL("%s", err.text);
	net_compare(net, executor, what, tolerance);
	sp_executor_destroy(executor);
	sp_model_free(model);
}

/* By the best kernels for float32 and by oneDNN alone. */
__attribute__((unused)) static void net_check(struct net *net, const char *what)
{
	static const struct sp_executor_options options[] = {
		{ .precision = SP_PRECISION_F32 },
		{ .kernels = "onednn" },
	};
	struct sp_model *model = net_model(net, what);
	struct sp_executor *executor;
	struct sp_err err;

	for (unsigned int i = 0; i < 2; i++) {
		if (sp_executor_create(model, net->tensors[net->input].shape.dim, &options[i],
				       &executor, &err))
			FAIL("%s", err.text);
		net_compare(net, executor, what, 2e-5);
		sp_executor_destroy(executor);
	}
	sp_model_free(model);
	net_end(net);
}

/* ---- operators ------------------------------------------------------------------------------ */

/*
 * The place of the element of @shape (broadcast) that stands where @index says in a shape of
 * @rank.
 */
static int64_t net_at(const struct sp_shape *shape, const int64_t *index, unsigned int rank)
{
	int64_t at = 0;

	for (unsigned int i = 0; i < shape->rank; i++) {
		int64_t k = index[i + rank - shape->rank];

		at = at * shape->dim[i] + (shape->dim[i] == 1 ? 0 : k);
	}
	return at;
}

/* The index of element @at of @shape. */
static void net_index(const struct sp_shape *shape, int64_t at, int64_t *index)
{
	for (unsigned int i = shape->rank; i--;) {
		index[i] = at % shape->dim[i];
		at /= shape->dim[i];
	}
}

struct window {
	int64_t kernel[2], stride[2], dilation[2], pad[4], group;
};

static void set_window(struct net *net, Onnx__NodeProto *node, const struct window *w)
{
	set_ints(net, node, "kernel_shape", 2, w->kernel);
	set_ints(net, node, "strides", 2, w->stride);
	set_ints(net, node, "pads", 4, w->pad);
}

__attribute__((unused)) static unsigned int net_conv(struct net *net, unsigned int x, int64_t o,
						     const struct window *w, bool bias)
{
	struct sp_shape in = net->tensors[x].shape;
	int64_t per = in.dim[1] / w->group, fan = per * w->kernel[0] * w->kernel[1];
	unsigned int k = net_constant(net, SHAPE(o, per, w->kernel[0], w->kernel[1]),
				      1.7f / sqrtf((float)fan));
	unsigned int b = bias ? net_constant(net, SHAPE(o), 1) : UINT32_MAX, y;
	struct sp_shape out = SHAPE(in.dim[0], o, 0, 0);
	Onnx__NodeProto *node;

	for (unsigned int a = 0; a < 2; a++)
		out.dim[2 + a] = (in.dim[2 + a] + w->pad[a] + w->pad[a + 2] -
				  (w->kernel[a] - 1) * w->dilation[a] - 1) /
					 w->stride[a] +
				 1;
	y = net_tensor(net, out);
	node = net_node(net, "Conv", y, bias ? 3 : 2, (unsigned int[]){ x, k, b });
	set_window(net, node, w);
	set_ints(net, node, "dilations", 2, w->dilation);
	set_int(net, node, "group", w->group);
	for (int64_t i = 0; i < sp_shape_elements(&out); i++) {
		int64_t at[4], channel;
		double sum;

		net_index(&out, i, at);
		channel = at[1] / (o / w->group) * per;
		sum = bias ? net->tensors[b].data[at[1]] : 0;
		for (int64_t f = 0; f < fan; f++) {
			int64_t c = f / (w->kernel[0] * w->kernel[1]);
			int64_t row = f / w->kernel[1] % w->kernel[0] * w->dilation[0];
			int64_t column = f % w->kernel[1] * w->dilation[1];
			int64_t from[4] = { at[0], channel + c,
					    at[2] * w->stride[0] + row - w->pad[0],
					    at[3] * w->stride[1] + column - w->pad[1] };

			if (from[2] >= 0 && from[2] < in.dim[2] && from[3] >= 0 &&
			    from[3] < in.dim[3])
				sum += (double)net->tensors[x].data[net_at(&in, from, 4)] *
				       net->tensors[k].data[at[1] * fan + f];
		}
		net->tensors[y].data[i] = (float)sum;
	}
	return y;
}

__attribute__((unused)) static unsigned int net_maxpool(struct net *net, unsigned int x,
							const struct window *w, bool ceil_mode)
{
	struct sp_shape in = net->tensors[x].shape, out = in;
	unsigned int y;
	Onnx__NodeProto *node;

	for (unsigned int a = 0; a < 2; a++) {
		int64_t room = in.dim[2 + a] + w->pad[a] + w->pad[a + 2] - w->kernel[a];

		out.dim[2 + a] = (room + (ceil_mode ? w->stride[a] - 1 : 0)) / w->stride[a] + 1;
		if ((out.dim[2 + a] - 1) * w->stride[a] >= in.dim[2 + a] + w->pad[a])
			out.dim[2 + a]--;
	}
	y = net_tensor(net, out);
	node = NODE(net, "MaxPool", y, x);
	set_window(net, node, w);
	set_int(net, node, "ceil_mode", ceil_mode);
	for (int64_t i = 0; i < sp_shape_elements(&out); i++) {
		int64_t at[4];
		float best = -INFINITY;

		net_index(&out, i, at);
		for (int64_t f = 0; f < w->kernel[0] * w->kernel[1]; f++) {
			int64_t from[4] = { at[0], at[1],
					    at[2] * w->stride[0] + f / w->kernel[1] - w->pad[0],
					    at[3] * w->stride[1] + f % w->kernel[1] - w->pad[1] };

			if (from[2] >= 0 && from[2] < in.dim[2] && from[3] >= 0 &&
			    from[3] < in.dim[3])
				best = fmaxf(best, net->tensors[x].data[net_at(&in, from, 4)]);
		}
		net->tensors[y].data[i] = best;
	}
	return y;
}

/* Add, Sub, Mul. */
__attribute__((unused)) static unsigned int net_binary(struct net *net, const char *type,
						       unsigned int a, unsigned int b)
{
	const struct tensor *p = &net->tensors[a], *q = &net->tensors[b];
	struct sp_shape out;
	unsigned int y;

	CHECK(sp_shape_broadcast(&p->shape, &q->shape, &out));
	y = net_tensor(net, out);
	NODE(net, type, y, a, b);
	for (int64_t i = 0; i < sp_shape_elements(&out); i++) {
		int64_t at[SP_RANK_MAX];
		float u, v;

		net_index(&out, i, at);
		u = p->data[net_at(&p->shape, at, out.rank)];
		v = q->data[net_at(&q->shape, at, out.rank)];
		net->tensors[y].data[i] = *type == 'A' ? u + v : *type == 'S' ? u - v : u * v;
	}
	return y;
}

enum net_act { NET_RELU, NET_CLIP, NET_SIGMOID, NET_PRELU, NET_PRELU_ONE, NET_ACTS };

__attribute__((unused)) static unsigned int net_act(struct net *net, unsigned int x,
						    enum net_act kind)
{
	static const char *const types[] = { "Relu", "Clip", "Sigmoid", "PRelu", "PRelu" };
	struct sp_shape shape = net->tensors[x].shape, slopes = shape;
	unsigned int y = net_tensor(net, shape), with = UINT32_MAX, also = UINT32_MAX;
	int64_t at[SP_RANK_MAX];

	if (kind == NET_CLIP) {
		with = net_constant(net, (struct sp_shape){ 0 }, 0.5f);
		also = net_constant(net, (struct sp_shape){ 0 }, 0.5f);
		/* Low must not be above high; the initializers hold copies. */
		if (net->tensors[with].data[0] > net->tensors[also].data[0]) {
			unsigned int swap = with;

			with = also;
			also = swap;
		}
	} else if (kind >= NET_PRELU) {
		for (unsigned int i = 0; i < shape.rank; i++)
			slopes.dim[i] = i == 1 && kind == NET_PRELU ? shape.dim[1] : 1;
		with = net_constant(net, slopes, 1);
	}
	net_node(net, types[kind], y,
		 kind == NET_CLIP    ? 3
		 : kind >= NET_PRELU ? 2
				     : 1,
		 (unsigned int[]){ x, with, also });
	for (int64_t i = 0; i < sp_shape_elements(&shape); i++) {
		float v = net->tensors[x].data[i], *to = &net->tensors[y].data[i];

		net_index(&shape, i, at);
		if (kind == NET_RELU)
			*to = fmaxf(v, 0);
		else if (kind == NET_CLIP)
			*to = fminf(fmaxf(v, net->tensors[with].data[0]),
				    net->tensors[also].data[0]);
		else if (kind == NET_SIGMOID)
			*to = (float)(1 / (1 + exp(-(double)v)));
		else
			*to = v >= 0 ? v
				     : v * net->tensors[with].data[net_at(&slopes, at, shape.rank)];
	}
	return y;
}

__attribute__((unused)) static unsigned int net_batchnorm(struct net *net, unsigned int x)
{
	struct sp_shape shape = net->tensors[x].shape, row = SHAPE(shape.dim[1]);
	unsigned int p[4], y;

	for (unsigned int i = 0; i < 4; i++)
		p[i] = net_constant(net, row, 1);
	/* Variances must be positive: in the file's copy too. */
	for (int64_t c = 0; c < row.dim[0]; c++)
		net->tensors[p[3]].data[c] = 0.5f + fabsf(net->tensors[p[3]].data[c]);
	memcpy(net->constants[net->constants_n - 1]->raw_data.data, net->tensors[p[3]].data,
	       (size_t)row.dim[0] * sizeof(float));
	y = net_tensor(net, shape);
	set_float(net, NODE(net, "BatchNormalization", y, x, p[0], p[1], p[2], p[3]), "epsilon",
		  1e-3f);
	for (int64_t i = 0; i < sp_shape_elements(&shape); i++) {
		int64_t at[SP_RANK_MAX], c;

		net_index(&shape, i, at);
		c = at[1];
		net->tensors[y].data[i] =
			(float)(((double)net->tensors[x].data[i] - net->tensors[p[2]].data[c]) /
					sqrt((double)net->tensors[p[3]].data[c] + 1e-3f) *
					net->tensors[p[0]].data[c] +
				net->tensors[p[1]].data[c]);
	}
	return y;
}

__attribute__((unused)) static unsigned int net_transpose(struct net *net, unsigned int x,
							  const int64_t *perm)
{
	struct sp_shape in = net->tensors[x].shape, out = in;
	unsigned int y;

	for (unsigned int i = 0; i < in.rank; i++)
		out.dim[i] = in.dim[perm[i]];
	y = net_tensor(net, out);
	set_ints(net, NODE(net, "Transpose", y, x), "perm", in.rank, perm);
	for (int64_t i = 0; i < sp_shape_elements(&out); i++) {
		int64_t at[SP_RANK_MAX], from[SP_RANK_MAX];

		net_index(&out, i, at);
		for (unsigned int k = 0; k < in.rank; k++)
			from[perm[k]] = at[k];
		net->tensors[y].data[i] = net->tensors[x].data[net_at(&in, from, in.rank)];
	}
	return y;
}

/* The same values as @shape; the caller adds the node. */
__attribute__((unused)) static unsigned int net_same(struct net *net, unsigned int x,
						     struct sp_shape shape)
{
	unsigned int y = net_tensor(net, shape);

	CHECK_EQ(sp_shape_elements(&shape), sp_shape_elements(&net->tensors[x].shape));
	memcpy(net->tensors[y].data, net->tensors[x].data,
	       (size_t)sp_shape_elements(&shape) * sizeof(float));
	return y;
}

/* Nearest upsampling, by whatever way the file says the factors. */
__attribute__((unused)) static unsigned int net_resize(struct net *net, unsigned int x,
						       int64_t high, int64_t wide, unsigned int way)
{
	struct sp_shape in = net->tensors[x].shape, out = in;
	unsigned int y, list;
	Onnx__NodeProto *node;

	out.dim[2] *= high;
	out.dim[3] *= wide;
	y = net_tensor(net, out);
	if (way == 0) {
		list = net_ints(net, 4, out.dim);
		node = NODE(net, "Resize", y, x, UINT32_MAX, UINT32_MAX, list);
		set_text(net, node, "coordinate_transformation_mode", "half_pixel");
	} else {
		float *scales;

		list = net_constant(net, SHAPE(4), 1);
		scales = (float *)net->constants[net->constants_n - 1]->raw_data.data;
		scales[0] = scales[1] = 1;
		scales[2] = (float)high;
		scales[3] = (float)wide;
		node = net->opset < 11 ? NODE(net, "Upsample", y, x, list)
				      : NODE(net, "Resize", y, x, UINT32_MAX, list);
		if (net->opset >= 11) {
			set_text(net, node, "coordinate_transformation_mode", "asymmetric");
			set_text(net, node, "nearest_mode", "floor");
		}
	}
	set_text(net, node, "mode", "nearest");
	for (int64_t i = 0; i < sp_shape_elements(&out); i++) {
		int64_t at[4];

		net_index(&out, i, at);
		at[2] /= high;
		at[3] /= wide;
		net->tensors[y].data[i] = net->tensors[x].data[net_at(&in, at, 4)];
	}
	return y;
}

#endif
