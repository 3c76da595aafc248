/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Islands of nodes as bands of rows: random chains and branches of what there are units for, by
 * scalar kernels that hold on to the contract (scalar_kernels.h), against plain loops in double.
 */
#include <errno.h>

#include "net.h"
#include "scalar_kernels.h"

static struct net net;

static const struct window point = { { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0 }, 1 };

/*
 * By all scalar kernels and all that this CPU can run. Numbers of bfloat16 have 8 bits, and these
 * networks are up to a dozen layers deep.
 */
static void check_with(const char *what, uint64_t seed, const struct sp_kernels *kernels)
{
	char text[64];

	snprintf(text, sizeof(text), "%s, seed %llu, %s%s", what, (unsigned long long)seed,
		 kernels->name, kernels->separable ? ", fused" : "");
	net_check_by(&net, text, kernels, kernels->cell == SP_CELL_F32 ? 2e-5 : 0.15);
}

static void check(const char *what, uint64_t seed)
{
	for (unsigned int i = 0; i < SCALARS; i++)
		check_with(what, seed, &scalar_kernels[i]);
	for (const struct sp_kernels *const *all = sp_kernels_all(); *all; all++)
		check_with(what, seed, *all);
	net_end(&net);
}

static int64_t channels_of(unsigned int x)
{
	return net.tensors[x].shape.dim[1];
}

/* Perhaps an activation that can end a unit. */
static unsigned int finish(unsigned int x)
{
	static const enum net_act acts[] = { NET_RELU, NET_CLIP, NET_PRELU, NET_PRELU_ONE };

	return net_pick(&net, 2) ? net_act(&net, x, acts[net_pick(&net, 4)]) : x;
}

static unsigned int depthwise(unsigned int x)
{
	const struct sp_shape *in = &net.tensors[x].shape;
	int64_t stride = 1 + net_pick(&net, 2);
	struct window w = { { 3, 3 }, { stride, stride }, { 1, 1 }, { 1, 1, 1, 1 }, in->dim[1] };

	for (unsigned int i = 0; i < 4 && net_pick(&net, 2); i++)
		w.pad[net_pick(&net, 4)] = 0;
	for (unsigned int a = 0; a < 2; a++)
		if (in->dim[2 + a] + w.pad[a] + w.pad[a + 2] < 3)
			w.pad[a] = w.pad[a + 2] = 1;
	return net_conv(&net, x, in->dim[1], &w, net_pick(&net, 2));
}

static unsigned int stem(unsigned int x)
{
	const struct sp_shape *in = &net.tensors[x].shape;
	int64_t side = 2 + net_pick(&net, 6), stride = 1 + net_pick(&net, 2);
	struct window w = { { side, side }, { stride, stride }, { 1, 1 }, { 0 }, 1 };

	for (unsigned int i = 0; i < 4; i++)
		w.pad[i] = net_pick(&net, (unsigned int)side);
	for (unsigned int a = 0; a < 2; a++)
		if (in->dim[2 + a] + w.pad[a] + w.pad[a + 2] < side)
			w.pad[a] = w.pad[a + 2] = side - 1;
	return net_conv(&net, x, 1 + net_pick(&net, 70), &w, net_pick(&net, 2));
}

/* A result of the shape of @x among those before it, or @x. */
static unsigned int peer(unsigned int x, const unsigned int *results, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (results[i] != x &&
		    sp_shape_equal(&net.tensors[results[i]].shape, &net.tensors[x].shape))
			return results[i];
	return x;
}

/* One more node, or a few that belong together, behind @x. */
static unsigned int grow(unsigned int x, const unsigned int *results, unsigned int n)
{
	static const struct window pairs = { { 2, 2 }, { 2, 2 }, { 1, 1 }, { 0 }, 1 };
	const struct sp_shape *in = &net.tensors[x].shape;
	struct window all = { { in->dim[2], in->dim[3] }, { 1, 1 }, { 1, 1 }, { 0 }, in->dim[1] };
	unsigned int y;

	switch (net_pick(&net, 10)) {
	case 0:
	case 1:
		return finish(net_conv(&net, x, 1 + net_pick(&net, 70), &point, net_pick(&net, 2)));
	case 2:
		y = net_conv(&net, x, channels_of(x), &point, true);
		return finish(net_binary(&net, "Add", y, peer(x, results, n)));
	case 3:
	case 4:
		return finish(depthwise(x));
	case 5:
		y = depthwise(x);
		return finish(net_binary(&net, "Add", y, peer(y, results, n)));
	case 6:
		return in->dim[2] > 1 && in->dim[3] > 1 ? net_maxpool(&net, x, &pairs, false) : x;
	case 7:
		if (in->dim[2] > 12 || in->dim[3] > 12)
			return x;
		y = net_resize(&net, x, 2, 2, 1);
		return net_pick(&net, 2) ? net_binary(&net, "Add", y, peer(y, results, n)) : y;
	case 8:
		return finish(net_binary(&net, "Add", x, peer(x, results, n)));
	default:
		return in->dim[2] * in->dim[3] < 50 && net_pick(&net, 3) == 0
			       ? finish(net_conv(&net, x, channels_of(x), &all, true))
			       : net_act(&net, x, NET_PRELU);
	}
}

static void random_island(uint64_t seed)
{
	unsigned int results[16], n = 0, nodes;

	net.seed = seed;
	nodes = 3 + net_pick(&net, 10);
	results[n++] = net_begin(&net, 13, seed,
				 SHAPE(1 + (int64_t)net_pick(&net, 3),
				       1 + (int64_t)net_pick(&net, seed % 2 ? 4 : 40),
				       1 + (int64_t)net_pick(&net, 24),
				       1 + (int64_t)net_pick(&net, 24)));
	if (channels_of(results[0]) <= 4 && net_pick(&net, 4))
		results[n++] = finish(stem(results[0]));
	while (n < nodes) {
		/* Mostly deeper and deeper, now and then a branch. */
		unsigned int from = net_pick(&net, 4) ? n - 1 : net_pick(&net, n);
		unsigned int x = grow(results[from], results, n);

		if (net_pick(&net, 5) == 0 && x != results[from])
			net_output(&net, x);
		results[n++] = x;
	}
	net_output(&net, finish(net_conv(&net, results[n - 1], 5, &point, true)));
	check("island", seed);
}

TEST(random_islands)
{
	printf("# seeds 1 … 40\n");
	for (uint64_t seed = 1; seed <= 40; seed++)
		random_island(seed);
}

/* The ends of a detector: few channels each, side by side, some with their channels last. */
TEST(heads_become_one)
{
	static const struct window square = { { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 1 };

	for (uint64_t seed = 1; seed <= 10; seed++) {
		int64_t few[4] = { 1, 1, 4, 10 };
		unsigned int x = net_begin(&net, 13, seed, SHAPE(1 + seed % 2, 20, 7, 9)), y;

		x = net_act(&net, net_conv(&net, x, 24, &point, true), NET_RELU);
		for (unsigned int i = 0; i < 4; i++) {
			struct window deep = square;

			deep.group = few[i] = seed % 3 ? few[i] : 1 + net_pick(&net, 12);
			y = net_conv(&net, x, few[i], &point, true);
			if (seed % 4)
				y = net_conv(&net, y, few[i], &deep, true);
			if (net_pick(&net, 3))
				y = net_transpose(&net, y, (int64_t[]){ 0, 2, 3, 1 });
			if (net_pick(&net, 3) == 0)
				y = net_act(&net, y, NET_SIGMOID);
			net_output(&net, y);
		}
		check("heads", seed);
	}
}

/* One that has too many channels to stand beside others, before and among those that can. */
TEST(heads_with_many_channels)
{
	for (uint64_t seed = 1; seed <= 3; seed++) {
		const int64_t many[3] = { 40, 3, 4 };
		unsigned int x = net_begin(&net, 13, seed, SHAPE(1, 20, 7, 9));

		x = net_act(&net, net_conv(&net, x, 24, &point, true), NET_RELU);
		for (unsigned int i = 0; i < 3; i++)
			net_output(&net, net_conv(&net, x, many[(i + seed) % 3], &point, true));
		check("many", seed);
	}
}

/* Nodes that bands have no units for, between those that they have. */
static void mixed(uint64_t seed)
{
	static const struct window square = { { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 1 };
	unsigned int results[20], n = 0;

	results[n++] = net_begin(&net, 13, seed, SHAPE(2, 12, 9, 7));
	while (n < 20) {
		unsigned int x = results[net_pick(&net, 3) ? n - 1 : net_pick(&net, n)];

		if (net_pick(&net, 4) == 0)
			x = net_conv(&net, x, 12, &square, true);
		else if (net_pick(&net, 6) == 0)
			x = net_act(&net, x, NET_SIGMOID);
		else
			x = grow(x, results, n);
		if (net_pick(&net, 8) == 0)
			net_output(&net, x);
		results[n++] = x;
	}
	net_output(&net, net_conv(&net, results[n - 1], 3, &point, true));
	check("mixed", seed);
}

TEST(islands_among_others)
{
	printf("# seeds 1 … 12\n");
	for (uint64_t seed = 1; seed <= 12; seed++)
		mixed(seed);
}

/* How many layers of @kind a run of the network has, by scalar kernels @which. */
static unsigned int layers_of(const char *kind, unsigned int which)
{
	struct sp_model *model = net_model(&net, kind);
	struct sp_executor *executor;
	struct sp_layer layers[64];
	unsigned int found = 0;
	struct sp_err err;
	int n;

	if (sp_executor_create_by(model, net.tensors[net.input].shape.dim, &scalar_kernels[which],
				  &executor, &err))
		FAIL("%s", err.text);
	n = sp_executor_profile(executor, layers, 64);
	CHECK(n > 0 && n <= 64);
	for (int i = 0; i < n; i++)
		found += !strcmp(layers[i].kind, kind);
	sp_executor_destroy(executor);
	sp_model_free(model);
	return found;
}

TEST(units_are_what_they_should_be)
{
	struct window deep = { { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 40 };
	unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 3, 20, 20)), y, small[2];

	x = net_conv(&net, x, 8,
		     &(struct window){ { 3, 3 }, { 2, 2 }, { 1, 1 }, { 1, 1, 1, 1 }, 1 }, true);
	y = net_conv(&net, x, 40, &point, true);
	y = net_conv(&net, y, 40, &deep, true);
	net_output(&net, net_binary(&net, "Add", net_conv(&net, y, 8, &point, true), x));
	for (unsigned int i = 0; i < 2; i++) {
		small[i] = net_conv(&net, y, 5, &point, true);
		net_output(&net, small[i]);
	}
	CHECK_EQ(layers_of("stem", SCALAR_F32), 1);
	/* Into 40, out of 40 with the addition, and both small ones in one. */
	CHECK_EQ(layers_of("pointwise", SCALAR_F32), 3);
	CHECK_EQ(layers_of("depthwise", SCALAR_F32), 1);
	CHECK_EQ(layers_of("separable", SCALAR_F32), 0);
	CHECK_EQ(layers_of("pointwise", SCALAR_F32_FUSED), 2);
	CHECK_EQ(layers_of("separable", SCALAR_F32_FUSED), 1);
	CHECK_EQ(layers_of("depthwise", SCALAR_F32_FUSED), 0);
	for (unsigned int i = 0; i < SCALARS; i++) {
		CHECK_EQ(layers_of("add", i), 0);
		CHECK_EQ(layers_of("load", i), 0);
		CHECK_EQ(layers_of("oneDNN convolution", i), 0);
	}
	check("units", 1);
}

/* A lone convolution between two of oneDNN's is not worth an island's shores. */
TEST(poor_islands_are_left_out)
{
	static const struct window square = { { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 1 };
	unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 8, 12, 12));

	x = net_conv(&net, x, 8, &square, true);
	x = net_conv(&net, x, 8, &point, true);
	net_output(&net, net_conv(&net, x, 8, &square, true));
	CHECK_EQ(layers_of("oneDNN convolution", SCALAR_F32), 3);
	CHECK_EQ(layers_of("pointwise", SCALAR_F32), 0);
	check("poor", 1);
}

/* What would take more than a GiB is refused by the node's name. */
TEST(too_large_is_refused)
{
	unsigned int x = net_begin(&net, 13, 1, SHAPE(1, 1, 8, 8));
	struct sp_executor *executor = NULL;
	struct sp_model *model;
	struct sp_err err;

	net.dynamic = true;
	x = net_conv(&net, x, 64, &point, true);
	net_output(&net, net_conv(&net, x, 1, &point, true));
	model = net_model(&net, "wide.onnx");
	CHECK_EQ(sp_executor_create_by(model, (int64_t[]){ 1, 1, 1, 1 << 22 }, &scalar_kernels[0],
				       &executor, &err),
		 -EFBIG);
	CHECK(!executor);
	if (!strstr(err.text, "wide.onnx: node") || !strstr(err.text, "smaller"))
		FAIL("%s", err.text);
	sp_model_free(model);
	net_end(&net);
}

TEST_MAIN()
