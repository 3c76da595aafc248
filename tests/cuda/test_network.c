/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs written down by hand and by chance as steps of kernels, against what they mean. */
#include "cuda/network.h"

#include "test.h"
/* After it. */
#include "cuda/network_compare.h"

/*
 * As float32 for one and three pictures, as bfloat16 for two. Weights and what lies between are
 * rounded there, so that errors add up along the graph: @loose times 2⁻⁸.
 */
static void check(struct build *build, double loose)
{
	static const struct {
		enum sp_tensor_type type;
		uint32_t n;
	} ways[] = { { SP_TENSOR_F32, 1 }, { SP_TENSOR_F32, 3 }, { SP_TENSOR_BF16, 2 } };
	const struct sp_shape *shape = &build->input.shape;
	size_t picture = (size_t)(3 * shape->dim[2] * shape->dim[3]);

	for (unsigned int i = 0; i < 3; i++) {
		bool rounded = ways[i].type == SP_TENSOR_BF16;
		float *pictures = pictures_of(build, ways[i].n, rounded);
		struct running running;

		running_init(&running, &build->model, ways[i].type, ways[i].n,
			     (uint32_t)shape->dim[2], (uint32_t)shape->dim[3]);
		running_run(&running, pictures);
		for (uint32_t k = 0; k < ways[i].n; k++) {
			build_run(build, pictures + k * picture);
			compare(build, &running, k, rounded ? loose / 256 : 1e-5);
		}
		running_uninit(&running);
		free(pictures);
	}
}

static const struct build_conv stem = {
	.oc = 12, .kernel = { 3, 3 }, .stride = 2, .pad = { 1, 1, 1, 1 }, .act = SP_ACT_RELU
};

/* ---- one operator after another -------------------------------------------------------------- */

TEST(a_convolution_of_every_kind)
{
	static const struct build_conv kinds[] = {
		{ .oc = 16 },
		{ .oc = 9, .act = SP_ACT_CLIP },
		{ .oc = 12, .group = 12, .kernel = { 3, 3 }, .pad = { 1, 1, 1, 1 } },
		{ .oc = 12,
		  .group = 12,
		  .kernel = { 3, 3 },
		  .stride = 2,
		  .pad = { 0, 0, 1, 1 },
		  .act = SP_ACT_PRELU },
		{ .oc = 8,
		  .group = 4,
		  .kernel = { 3, 1 },
		  .pad = { 1, 0, 1, 0 },
		  .act = SP_ACT_SIGMOID },
		{ .oc = 5,
		  .kernel = { 3, 3 },
		  .dilation = 2,
		  .pad = { 2, 2, 2, 2 },
		  .act = SP_ACT_PRELU,
		  .unbiased = true },
		{ .oc = 3, .kernel = { 6, 5 } }, /* as large as the picture */
		{ .oc = 12, .group = 12, .kernel = { 6, 5 }, .act = SP_ACT_CLIP },
	};

	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct build build;

		build_init(&build, 100 + i, 12, 10);
		build_output(&build, build_conv(&build, build_conv(&build, 0, &stem), &kinds[i]));
		check(&build, 4);
		build_uninit(&build);
	}
}

TEST(pairs_go_together)
{
	static const struct {
		int64_t oc, stride;
		enum sp_activation_kind act;
	} pairs[] = { { 16, 1, SP_ACT_RELU },
		      { 24, 2, SP_ACT_CLIP },
		      { 1, 1, SP_ACT_NONE },
		      { 10, 1, SP_ACT_PRELU } };
	struct build build;
	uint32_t x;

	for (unsigned int i = 0; i < 4; i++) {
		build_init(&build, 200 + i, 14, 18);
		x = build_conv(&build, 0, &stem);
		build_output(&build, build_separable(&build, x, pairs[i].oc, pairs[i].stride,
						     pairs[i].act));
		check(&build, 4);
		build_uninit(&build);
	}
}

/* A pool that alone reads a pair goes with it, whatever its size; one that does not stays. */
TEST(a_pool_goes_with_its_pair)
{
	static const uint32_t sides[] = { 16, 14, 4 };

	for (unsigned int i = 0; i < 6; i++) {
		struct build build;
		struct running running;
		uint32_t pair, pool, steps;
		uint64_t macs, bytes;

		build_init(&build, 300 + i, sides[i / 2], 12);
		pair = build_separable(&build, build_conv(&build, 0, &stem), 16, 1, SP_ACT_RELU);
		pool = build_pool(&build, pair, SP_OP_MAXPOOL, 2, 2, 0);
		build_output(&build, pool);
		if (i % 2)
			build_output(&build, pair);
		check(&build, 4);
		running_init(&running, &build.model, SP_TENSOR_F32, 1, sides[i / 2], 12);
		steps = sp_network_steps(running.network);
		for (uint32_t k = 0; k < steps; k++)
			CHECK(!!strstr(sp_network_step(running.network, k, &macs, &bytes),
				       "max-pool") == (steps == 3 && k == 2));
		CHECK(steps == 2 || steps == 3);
		CHECK(i % 2 ? steps == 3 : 1);
		running_uninit(&running);
		build_uninit(&build);
	}
}

TEST(a_residual_is_added_or_broadcast)
{
	for (unsigned int i = 0; i < 5; i++) {
		struct build build;
		struct build_conv conv = { .oc = 12, .act = SP_ACT_RELU };
		uint32_t x, with;

		build_init(&build, 400 + i, 8, 12);
		x = build_conv(&build, 0, &stem);
		if (i == 0)
			with = x;
		else if (i == 1) /* of one pixel */
			with = build_node(&build, SP_OP_MEAN, 1, &x, NULL, NULL);
		else if (i == 2)
			with = build_constant(&build, &BUILD_SHAPE(1, 12, 1, 1), 1);
		else
			with = x;
		conv.residual = with + 1;
		if (i == 3) /* one that makes the result larger than it was */
			conv.stride = 1, conv.kernel[0] = 4, conv.kernel[1] = 6;
		if (i == 4) { /* and of a pair */
			uint32_t between = build_conv(&build, x, &(struct build_conv){ .oc = 12 });
			struct sp_node *nodes = build.graph->nodes;
			uint32_t first = build.graph->nodes_n - 1;

			conv = (struct build_conv){ .oc = 12,
						    .group = 12,
						    .kernel = { 3, 3 },
						    .pad = { 1, 1, 1, 1 },
						    .residual = with + 1 };
			build_output(&build, build_conv(&build, between, &conv));
			nodes[first].pair = first + 1;
			nodes[first + 1].pair = first;
		} else {
			build_output(&build, build_conv(&build, x, &conv));
		}
		check(&build, 4);
		build_uninit(&build);
	}
}

TEST(sums_and_their_kin)
{
	static const enum sp_op ops[] = { SP_OP_ADD, SP_OP_SUB, SP_OP_MUL, SP_OP_DIV };

	for (unsigned int i = 0; i < 4; i++)
		for (unsigned int k = 0; k < 5; k++) {
			struct build build;
			uint32_t x, z;

			build_init(&build, 500 + 5 * i + k, 6, 10);
			x = build_conv(&build, 0, &stem);
			z = build_conv(&build, 0, &stem);
			z = build_act(&build, z, SP_ACT_SIGMOID); /* away from 0 */
			if (k == 1 || k == 2)
				z = build_node(&build, SP_OP_MEAN, 1, &z, NULL, NULL);
			else if (k == 3) {
				z = build_constant(&build, &BUILD_SHAPE(12, 1, 1), 1);
				for (unsigned int c = 0; c < 12; c++)
					((float *)build.graph->tensors[z].floats)[c] = 0.5f +
										       (float)c / 8;
			} else if (k == 4) {
				z = build_constant(&build, &BUILD_SHAPE(1), 1);
				((float *)build.graph->tensors[z].floats)[0] = -0.75f;
			}
			/* A divisor of what may be 0 is none. */
			if (k == 2 && ops[i] != SP_OP_DIV)
				build_output(&build,
					     build_binary(&build, ops[i], z, x, SP_ACT_RELU));
			else
				build_output(&build,
					     build_binary(&build, ops[i], x, z, SP_ACT_NONE));
			check(&build, 6);
			build_uninit(&build);
		}
}

TEST(what_is_done_to_each_number)
{
	static const enum sp_activation_kind acts[] = { SP_ACT_RELU, SP_ACT_CLIP, SP_ACT_SIGMOID,
							SP_ACT_PRELU };
	static const enum sp_function_kind functions[] = { SP_FUN_ABS,	SP_FUN_ELU,
							   SP_FUN_EXP,	SP_FUN_GELU,
							   SP_FUN_TANH, SP_FUN_HARDSWISH };
	struct build build;
	uint32_t x;

	build_init(&build, 600, 6, 7);
	x = build_conv(&build, 0, &(struct build_conv){ .oc = 11 });
	for (unsigned int i = 0; i < 4; i++)
		build_output(&build, build_act(&build, x, acts[i]));
	for (unsigned int i = 0; i < 6; i++)
		build_output(&build, build_function(&build, x, functions[i], 0.7f, 0.3f));
	x = build_node(&build, SP_OP_AFFINE, 3,
		       (uint32_t[]){ x, build_constant(&build, &BUILD_SHAPE(11), 2),
				     build_constant(&build, &BUILD_SHAPE(11), 1) },
		       NULL, NULL);
	build_output(&build, x);
	check(&build, 8);
	build_uninit(&build);
}

TEST(pools_means_and_enlargements)
{
	struct build build;
	uint32_t x, large;

	build_init(&build, 700, 9, 7);
	x = build_conv(&build, 0, &(struct build_conv){ .oc = 10, .act = SP_ACT_RELU });
	build_output(&build, build_pool(&build, x, SP_OP_MAXPOOL, 3, 2, 1));
	build_output(&build, build_pool(&build, x, SP_OP_MAXPOOL, 2, 2, 0));
	build_output(&build, build_pool(&build, x, SP_OP_AVGPOOL, 3, 1, 1));
	large = build_pool(&build, x, SP_OP_AVGPOOL, 3, 2, 1);
	build_maker(&build, large)->window.count_padding = true;
	build_output(&build, large);
	large = build_pool(&build, x, SP_OP_MAXPOOL, 2, 2, 0);
	build_maker(&build, large)->window.ceil = true;
	build_again(&build);
	build_output(&build, large);
	build_output(&build, build_node(&build, SP_OP_MEAN, 1, &x, NULL, NULL));
	large = build_resize(&build, x, 2, 3, SP_NONE);
	build_output(&build, large);
	build_output(&build, build_resize(&build, x, 2, 3, large));
	build_output(&build,
		     build_resize(&build, x, 2, 2, build_constant(&build, &BUILD_SHAPE(1), 1)));
	check(&build, 6);
	build_uninit(&build);
}

TEST(channels_beside_each_other)
{
	struct build build;
	uint32_t parts[4], narrow[2];

	build_init(&build, 800, 5, 6);
	for (unsigned int i = 0; i < 4; i++)
		parts[i] = build_conv(&build, 0, &(struct build_conv){ .oc = 4 + 3 * i });
	build_output(&build, build_concat(&build, 4, parts, 1));
	narrow[0] = parts[1];
	narrow[1] = 0; /* the picture itself */
	build_output(&build, build_concat(&build, 2, narrow, -3));
	check(&build, 4);
	build_uninit(&build);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

/*
 * YuNet's heads, with the transpose and, of one channel, without: those that end alike go together
 * as far as 16 channels reach, activations go with them, nothing is moved.
 */
TEST(heads_are_views_of_one)
{
	static const int64_t perm[] = { 0, 2, 3, 1 };
	static const int64_t channels[] = { 1, 4, 10, 8 };
	struct build build;
	struct running running;
	uint32_t x, y;

	build_init(&build, 900, 10, 12);
	x = build_conv(&build, 0, &stem);
	for (unsigned int i = 0; i < 4; i++) {
		y = build_separable(&build, x, channels[i], 1, SP_ACT_NONE);
		y = build_transpose(&build, y, perm);
		y = build_reshape(&build, y, &BUILD_SHAPE(1, 30, channels[i]));
		if (i != 1)
			y = build_act(&build, y, SP_ACT_SIGMOID);
		build_output(&build, y);
	}
	y = build_separable(&build, x, 1, 1, SP_ACT_NONE);
	y = build_reshape(&build, y, &BUILD_SHAPE(1, 30, 1));
	build_output(&build, build_act(&build, y, SP_ACT_SIGMOID));
	check(&build, 4);
	running_init(&running, &build.model, SP_TENSOR_BF16, 2, 10, 12);
	/* A stem; 1, 10 and 1 channels, in float32; 4; and 8 that have no more room. */
	CHECK_EQ(sp_network_steps(running.network), 4);
	CHECK_EQ(sp_network_output(running.network, 2).pitch, 16);
	CHECK_EQ(sp_network_output(running.network, 2).picture, 30 * 16);
	CHECK_EQ((const uint8_t *)sp_network_output(running.network, 4).at -
			 (const uint8_t *)sp_network_output(running.network, 0).at,
		 (1 + 10) * 4);
	running_uninit(&running);
	build_uninit(&build);
}

/* Heads whose numbers somebody reads, moves or wants as a picture stay alone. */
TEST(heads_that_go_on_stay_alone)
{
	struct build build;
	struct running running;
	uint32_t x, y, before;

	build_init(&build, 910, 10, 12);
	x = build_conv(&build, 0, &stem);
	build_output(&build, build_separable(&build, x, 4, 1, SP_ACT_NONE));
	y = build_separable(&build, x, 2, 1, SP_ACT_NONE);
	build_output(&build, build_reshape(&build, y, &BUILD_SHAPE(1, 60)));
	y = build_separable(&build, x, 3, 1, SP_ACT_NONE);
	before = build_act(&build, y, SP_ACT_PRELU);
	build_output(&build, before);
	y = build_separable(&build, x, 5, 1, SP_ACT_NONE);
	build_output(&build, build_pool(&build, y, SP_OP_MAXPOOL, 3, 1, 0));
	y = build_separable(&build, x, 1, 1, SP_ACT_NONE);
	build_output(&build, y);
	build_output(&build, build_act(&build, y, SP_ACT_SIGMOID)); /* both are wanted */
	check(&build, 4);
	running_init(&running, &build.model, SP_TENSOR_F32, 1, 10, 12);
	/* A stem, five pairs, planes, two activations, a pool. */
	CHECK_EQ(sp_network_steps(running.network), 10);
	running_uninit(&running);
	build_uninit(&build);
}

TEST(products_after_any_order)
{
	static const int64_t perm[] = { 0, 2, 3, 1 }, back[] = { 0, 3, 1, 2 };
	struct build build;
	uint32_t x, y;

	build_init(&build, 1000, 6, 10);
	x = build_conv(&build, 0, &stem);
	y = build_reshape(&build, x, &BUILD_SHAPE(1, 12 * 15));
	build_output(&build, build_gemm(&build, y, 7, SP_ACT_PRELU));
	y = build_transpose(&build, x, perm);
	y = build_reshape(&build, y, &BUILD_SHAPE(1, 15 * 12));
	build_output(&build, build_gemm(&build, y, 20, SP_ACT_SIGMOID));
	y = build_reshape(&build, build_transpose(&build, x, perm), &BUILD_SHAPE(1, 15, 12));
	y = build_gemm(&build, y, 5, SP_ACT_CLIP);
	build_output(&build, y);
	/* And a picture of it again, with rows of another length. */
	y = build_reshape(&build, y, &BUILD_SHAPE(1, 5, 3, 5));
	y = build_transpose(&build, y, back);
	build_output(&build, build_conv(&build, y, &(struct build_conv){ .oc = 4 }));
	y = build_node(&build, SP_OP_MEAN, 1, &x, NULL, NULL);
	y = build_reshape(&build, y, &BUILD_SHAPE(1, 12));
	build_output(&build, build_gemm(&build, y, 1, SP_ACT_SIGMOID));
	/* Of what goes in. */
	y = build_reshape(&build, 0, &BUILD_SHAPE(1, 180));
	build_output(&build, build_gemm(&build, y, 3, SP_ACT_NONE));
	y = build_reshape(&build, build_transpose(&build, 0, perm), &BUILD_SHAPE(1, 60, 3));
	build_output(&build, build_gemm(&build, y, 9, SP_ACT_RELU));
	check(&build, 4);
	build_uninit(&build);
}

/* Steps that take the picture as it goes in, and an output that is it. */
TEST(the_picture_itself)
{
	static const int64_t perm[] = { 0, 2, 3, 1 };
	struct build build;
	uint32_t x;

	build_init(&build, 1100, 7, 5);
	build_output(&build, 0);
	build_output(&build, build_transpose(&build, 0, perm));
	x = build_node(&build, SP_OP_AFFINE, 3,
		       (uint32_t[]){ 0, build_constant(&build, &BUILD_SHAPE(3), 2),
				     build_constant(&build, &BUILD_SHAPE(3), 1) },
		       NULL, NULL);
	build_output(&build, x);
	build_output(&build, build_binary(&build, SP_OP_SUB, x, 0, SP_ACT_NONE));
	build_output(&build, build_binary(&build, SP_OP_SUB, 0, x, SP_ACT_PRELU));
	build_output(&build, build_pool(&build, 0, SP_OP_MAXPOOL, 3, 2, 1));
	build_output(&build, build_node(&build, SP_OP_MEAN, 1, &(uint32_t){ 0 }, NULL, NULL));
	build_output(&build, build_resize(&build, 0, 2, 1, SP_NONE));
	build_output(&build,
		     build_conv(&build, 0,
				&(struct build_conv){ .oc = 3, .group = 3, .kernel = { 3, 3 } }));
	build_output(&build, build_separable(&build, 0, 8, 2, SP_ACT_RELU));
	build_output(&build,
		     build_conv(&build, 0, &(struct build_conv){ .oc = 2, .kernel = { 7, 5 } }));
	check(&build, 4);
	build_uninit(&build);
}

/* Orders that the device does not have are moved at the end, as planes. */
TEST(outputs_in_planes)
{
	struct build build;
	struct running running;
	uint32_t x, y;

	build_init(&build, 1200, 8, 6);
	x = build_conv(&build, 0, &stem);
	build_output(&build, x); /* as it lies, told of as planes */
	y = build_reshape(&build, x, &BUILD_SHAPE(1, 144));
	build_output(&build, y);
	build_output(&build, build_act(&build, y, SP_ACT_SIGMOID));
	build_output(&build, build_reshape(&build, x, &BUILD_SHAPE(1, 6, 24)));
	check(&build, 4);
	running_init(&running, &build.model, SP_TENSOR_BF16, 1, 8, 6);
	CHECK(sp_network_output(running.network, 0).planes);
	CHECK_EQ(sp_network_output(running.network, 0).type, SP_TENSOR_BF16);
	CHECK(!sp_network_output(running.network, 1).planes);
	CHECK_EQ(sp_network_output(running.network, 1).type, SP_TENSOR_F32);
	running_uninit(&running);
	build_uninit(&build);
}

/* ---- by chance ------------------------------------------------------------------------------- */

static uint32_t some_step(struct build *build, uint32_t x, uint32_t before)
{
	const struct sp_shape *shape = build_shape(build, x);
	int64_t c = shape->dim[1], oc = 1 + (int64_t)build_random(build, 24);
	enum sp_activation_kind act = (enum sp_activation_kind)build_random(build, 5);
	struct build_conv conv = { .oc = oc, .act = act, .unbiased = !build_random(build, 4) };
	const struct sp_shape *other = build_shape(build, before);

	switch (build_random(build, 9)) {
	case 0:
		return build_conv(build, x, &conv);
	case 1:
		return build_separable(build, x, oc, 1 + (int64_t)build_random(build, 2), act);
	case 2:
		conv.group = conv.oc = c;
		/* fall through */
	case 3:
		conv.kernel[0] = conv.kernel[1] = 3;
		conv.stride = 1 + (int64_t)build_random(build, 2);
		for (unsigned int i = 0; i < 4; i++)
			conv.pad[i] = 1;
		return build_conv(build, x, &conv);
	case 4:
		conv.oc = other->dim[1];
		if (other->dim[2] == shape->dim[2] && other->dim[3] == shape->dim[3])
			conv.residual = before + 1;
		return build_conv(build, x, &conv);
	case 5:
		return build_act(build, x, act);
	case 6:
		if (sp_shape_equal(shape, other))
			return build_binary(build, SP_OP_MUL, x, before, SP_ACT_NONE);
		return build_pool(build, x, SP_OP_MAXPOOL, 2, 2, 1);
	case 7:
		if (shape->dim[2] == other->dim[2] && shape->dim[3] == other->dim[3])
			return build_concat(build, 2, (uint32_t[]){ before, x }, 1);
		return build_pool(build, x, SP_OP_AVGPOOL, 3, 1, 1);
	default:
		return shape->dim[2] < 8 ? build_resize(build, x, 2, 1, SP_NONE)
					 : build_pool(build, x, SP_OP_MAXPOOL, 2, 2, 0);
	}
}

TEST(graphs_by_chance)
{
	for (uint64_t seed = 1; seed <= 16; seed++) {
		struct build build;
		uint32_t x = 0, before = 0;

		build_init(&build, seed, 5 + (uint32_t)(seed % 5), 4 + (uint32_t)(seed % 7));
		for (unsigned int i = 0; i < 7; i++) {
			uint32_t y = some_step(&build, x, before);

			before = build_random(&build, 3) ? x : before;
			x = y;
			if (!build_random(&build, 4))
				build_output(&build, x);
		}
		if (!build.graph->outputs_n ||
		    build.graph->outputs[build.graph->outputs_n - 1] != x)
			build_output(&build, x);
		printf("seed %llu\n", (unsigned long long)seed);
		check(&build, 32);
		build_uninit(&build);
	}
}

TEST_MAIN()
