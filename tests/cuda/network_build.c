/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/network_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

/* A mistake of a test's own. */
static void must(bool holds, const char *what)
{
	if (holds)
		return;
	sp_log(SP_LOG_ERROR, "network_build: %s", what);
	abort();
}

uint64_t build_random(struct build *build, uint64_t below)
{
	/* Steele et al., SplitMix64. */
	uint64_t x = build->random += 0x9E3779B97F4A7C15;

	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
	x = (x ^ x >> 27) * 0x94D049BB133111EB;
	return (x ^ x >> 31) % below;
}

float build_uniform(struct build *build, float low, float high)
{
	return low + (high - low) * (float)build_random(build, 1 << 24) / (1 << 24);
}

void build_again(struct build *build)
{
	struct sp_err err = { { 0 } };
	struct sp_shape one = build->input.shape;

	one.dim[0] = 1;
	sp_shapes_uninit(&build->shapes);
	must(!sp_shapes_infer(build->graph, &one, &build->shapes, &err), err.text);
}

void build_init(struct build *build, uint64_t seed, uint32_t h, uint32_t w)
{
	memset(build, 0, sizeof(*build));
	build->random = seed;
	build->graph = sp_graph_create(256 << 20);
	must(build->graph, "out of memory");
	build->graph->nodes = sp_graph_alloc(build->graph,
					     BUILD_NODES_MAX * sizeof(struct sp_node));
	build->graph->inputs = sp_graph_alloc(build->graph, sizeof(uint32_t));
	build->graph->outputs = sp_graph_alloc(build->graph, BUILD_NODES_MAX * sizeof(uint32_t));
	build->graph->inputs[0] = sp_graph_tensor(build->graph, "picture");
	build->graph->inputs_n = 1;
	build->input.name = "picture";
	build->input.shape = BUILD_SHAPE(-1, 3, h, w);
	build->model = (struct sp_model){ .name = "built", .inputs_n = 1, .inputs = &build->input };
	build->model.graph = build->graph;
	build_again(build);
}

void build_uninit(struct build *build)
{
	for (uint32_t i = 0; i < build->values_n; i++)
		free(build->values[i]);
	free(build->values);
	sp_shapes_uninit(&build->shapes);
	sp_graph_destroy(build->graph);
}

const struct sp_shape *build_shape(const struct build *build, uint32_t tensor)
{
	return &build->shapes.of[tensor];
}

uint32_t build_constant(struct build *build, const struct sp_shape *shape, float size)
{
	float *floats;
	uint32_t tensor = sp_graph_floats(build->graph, "constant", shape, &floats);

	must(tensor != SP_NONE, "no room for a constant");
	for (int64_t i = 0; i < sp_shape_elements(shape); i++)
		floats[i] = build_uniform(build, -size, size);
	build_again(build);
	return tensor;
}

uint32_t build_ints(struct build *build, unsigned int n, const int64_t *ints)
{
	int64_t *to;
	uint32_t tensor = sp_graph_ints(build->graph, "ints", &BUILD_SHAPE(n), &to);

	must(tensor != SP_NONE, "no room for integers");
	memcpy(to, ints, n * sizeof(*ints));
	build_again(build);
	return tensor;
}

uint32_t build_node(struct build *build, enum sp_op op, unsigned int inputs_n,
		    const uint32_t *inputs, build_fill fill, const void *arg)
{
	struct sp_graph *graph = build->graph;
	struct sp_node *node = &graph->nodes[graph->nodes_n];
	char name[32];

	must(graph->nodes_n < BUILD_NODES_MAX, "too many nodes");
	snprintf(name, sizeof(name), "node%u", graph->nodes_n);
	*node = (struct sp_node){ .op = op,
				  .name = sp_graph_name(graph, name),
				  .type = "Built",
				  .inputs_n = inputs_n,
				  .residual = SP_NONE,
				  .pair = SP_NONE,
				  .act.slope = SP_NONE };
	node->inputs = sp_graph_alloc(graph, inputs_n * sizeof(*inputs));
	memcpy(node->inputs, inputs, inputs_n * sizeof(*inputs));
	node->output = sp_graph_tensor(graph, name);
	must(node->output != SP_NONE, "no room for a tensor");
	if (fill)
		fill(node, arg);
	graph->nodes_n++;
	build_again(build);
	return node->output;
}

struct sp_node *build_maker(struct build *build, uint32_t tensor)
{
	for (uint32_t i = 0; i < build->graph->nodes_n; i++)
		if (build->graph->nodes[i].output == tensor)
			return &build->graph->nodes[i];
	return NULL;
}

void build_output(struct build *build, uint32_t tensor)
{
	build->graph->outputs[build->graph->outputs_n++] = tensor;
	build->model.outputs_n = build->graph->outputs_n;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

/* An activation over results of @rank with @channels. */
static struct sp_activation act_of(struct build *build, enum sp_activation_kind kind,
				   unsigned int rank, int64_t channels)
{
	struct sp_activation act = { .kind = kind, .low = -0.25f, .high = 0.5f, .slope = SP_NONE };
	struct sp_shape shape = { .rank = rank - 1 };

	if (kind != SP_ACT_PRELU)
		return act;
	for (unsigned int i = 0; i < shape.rank; i++)
		shape.dim[i] = i ? 1 : channels;
	if (!build_random(build, 4))
		shape = BUILD_SHAPE(1);
	act.slope = build_constant(build, &shape, 1);
	return act;
}

struct conv_fill {
	struct sp_window window;
	struct sp_activation act;
	uint32_t residual;
};

static void fill_conv(struct sp_node *node, const void *arg)
{
	const struct conv_fill *fill = arg;

	node->window = fill->window;
	node->act = fill->act;
	node->residual = fill->residual;
}

static int64_t or_one(int64_t n)
{
	return n ? n : 1;
}

uint32_t build_conv(struct build *build, uint32_t x, const struct build_conv *conv)
{
	int64_t c = build_shape(build, x)->dim[1], group = or_one(conv->group);
	int64_t high = or_one(conv->kernel[0]), wide = or_one(conv->kernel[1]);
	struct conv_fill fill = { .residual = conv->residual - 1 };
	uint32_t inputs[3] = { x, SP_NONE, SP_NONE };
	/* So that sums stay about as large as what goes in. */
	float size = 2 / (float)(c / group * high * wide);

	fill.window = (struct sp_window){ .kernel = { high, wide }, .group = group };
	for (unsigned int i = 0; i < 2; i++) {
		fill.window.stride[i] = or_one(conv->stride);
		fill.window.dilation[i] = or_one(conv->dilation);
	}
	memcpy(fill.window.pad, conv->pad, sizeof(conv->pad));
	fill.act = act_of(build, conv->act, 4, conv->oc);
	inputs[1] = build_constant(build, &BUILD_SHAPE(conv->oc, c / group, high, wide),
				   size < 0.1f ? 4 * size : size);
	if (!conv->unbiased)
		inputs[2] = build_constant(build, &BUILD_SHAPE(conv->oc), 0.5f);
	return build_node(build, SP_OP_CONV, 3, inputs, fill_conv, &fill);
}

uint32_t build_separable(struct build *build, uint32_t x, int64_t oc, int64_t stride,
			 enum sp_activation_kind act)
{
	uint32_t between = build_conv(build, x, &(struct build_conv){ .oc = oc, .act = act });
	uint32_t y = build_conv(build, between,
				&(struct build_conv){ .oc = oc,
						      .group = oc,
						      .kernel = { 3, 3 },
						      .stride = stride,
						      .pad = { 1, 1, 1, 1 },
						      .act = act });
	struct sp_node *pointwise = build_maker(build, between), *depthwise = build_maker(build, y);

	pointwise->pair = (uint32_t)(depthwise - build->graph->nodes);
	depthwise->pair = (uint32_t)(pointwise - build->graph->nodes);
	return y;
}

static void fill_act(struct sp_node *node, const void *arg)
{
	node->act = *(const struct sp_activation *)arg;
}

uint32_t build_gemm(struct build *build, uint32_t x, int64_t n, enum sp_activation_kind kind)
{
	const struct sp_shape *shape = build_shape(build, x);
	int64_t k = shape->dim[shape->rank - 1];
	struct sp_activation act = act_of(build, kind, shape->rank, n);
	uint32_t inputs[3] = { x };

	inputs[1] = build_constant(build, &BUILD_SHAPE(n, k), 2 / (float)k);
	inputs[2] = build_constant(build, &BUILD_SHAPE(n), 0.5f);
	return build_node(build, SP_OP_GEMM, 3, inputs, fill_act, &act);
}

uint32_t build_binary(struct build *build, enum sp_op op, uint32_t a, uint32_t b,
		      enum sp_activation_kind kind)
{
	struct sp_activation act = act_of(build, kind, 4, 1);

	return build_node(build, op, 2, (uint32_t[]){ a, b }, fill_act, &act);
}

uint32_t build_act(struct build *build, uint32_t x, enum sp_activation_kind kind)
{
	const struct sp_shape *shape = build_shape(build, x);
	struct sp_activation act = act_of(build, kind, shape->rank, shape->dim[1]);

	return build_node(build, SP_OP_ACTIVATION, 1, &x, fill_act, &act);
}

static void fill_function(struct sp_node *node, const void *arg)
{
	node->function = *(const struct sp_function *)arg;
}

uint32_t build_function(struct build *build, uint32_t x, enum sp_function_kind kind, float a,
			float b)
{
	return build_node(build, SP_OP_FUNCTION, 1, &x, fill_function,
			  &(struct sp_function){ .kind = kind, .by = { a, b } });
}

static void fill_window(struct sp_node *node, const void *arg)
{
	node->window = *(const struct sp_window *)arg;
}

uint32_t build_pool(struct build *build, uint32_t x, enum sp_op op, int64_t kernel, int64_t stride,
		    int64_t pad)
{
	const struct sp_window window = { .kernel = { kernel, kernel },
					  .stride = { stride, stride },
					  .dilation = { 1, 1 },
					  .pad = { pad, pad, pad, pad },
					  .group = 1 };

	return build_node(build, op, 1, &x, fill_window, &window);
}

static void fill_resize(struct sp_node *node, const void *arg)
{
	node->scale_max = 64;
	node->residual = *(const uint32_t *)arg;
}

uint32_t build_resize(struct build *build, uint32_t x, int64_t high, int64_t wide,
		      uint32_t residual)
{
	const struct sp_shape *shape = build_shape(build, x);
	const int64_t sizes[] = { 1, shape->dim[1], shape->dim[2] * high, shape->dim[3] * wide };
	uint32_t inputs[] = { x, SP_NONE, build_ints(build, 4, sizes) };

	return build_node(build, SP_OP_RESIZE, 3, inputs, fill_resize, &residual);
}

struct perm_fill {
	unsigned int n;
	const int64_t *perm;
};

static void fill_perm(struct sp_node *node, const void *arg)
{
	const struct perm_fill *fill = arg;

	node->perm.n = fill->n;
	memcpy(node->perm.of, fill->perm, fill->n * sizeof(*fill->perm));
}

uint32_t build_transpose(struct build *build, uint32_t x, const int64_t *perm)
{
	return build_node(build, SP_OP_TRANSPOSE, 1, &x, fill_perm,
			  &(struct perm_fill){ build_shape(build, x)->rank, perm });
}

uint32_t build_reshape(struct build *build, uint32_t x, const struct sp_shape *shape)
{
	uint32_t inputs[] = { x, build_ints(build, shape->rank, shape->dim) };

	return build_node(build, SP_OP_RESHAPE, 2, inputs, NULL, NULL);
}

static void fill_axis(struct sp_node *node, const void *arg)
{
	node->axis = *(const int64_t *)arg;
}

uint32_t build_concat(struct build *build, unsigned int n, const uint32_t *x, int64_t axis)
{
	return build_node(build, SP_OP_CONCAT, n, x, fill_axis, &axis);
}
