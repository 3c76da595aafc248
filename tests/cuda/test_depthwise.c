/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolutions against plain loops. */
#include "test.h"

#include "convolution.h"

static const struct convolution_kernel depthwise = CONVOLUTION_KERNEL(depthwise);

/* Group and outputs are as many as channels. */
static const struct convolution_case cases[] = {
	/* 3 × 3 around: odd sizes, sides smaller than a tile, one pixel */
	{ .n = 1, .h = 9, .w = 11, .c = 16, .kernel = { 3, 3 }, .pad = { 1, 1, 1, 1 } },
	{ .n = 2,
	  .h = 5,
	  .w = 3,
	  .c = 8,
	  .kernel = { 3, 3 },
	  .pad = { 1, 1, 1, 1 },
	  .act = SP_ACT_RELU },
	{ .n = 3,
	  .h = 1,
	  .w = 1,
	  .c = 24,
	  .kernel = { 3, 3 },
	  .pad = { 1, 1, 1, 1 },
	  .act = SP_ACT_CLIP },
	{ .n = 1,
	  .h = 13,
	  .w = 7,
	  .c = 64,
	  .kernel = { 3, 3 },
	  .pad = { 1, 1, 1, 1 },
	  .no_bias = true },
	{ .n = 1,
	  .h = 8,
	  .w = 8,
	  .c = 10,
	  .kernel = { 3, 3 },
	  .pad = { 1, 1, 1, 1 },
	  .act = SP_ACT_SIGMOID },
	{ .n = 1, .h = 6, .w = 6, .c = 3, .kernel = { 3, 3 }, .act = SP_ACT_PRELU },
	{ .n = 1, .h = 3, .w = 3, .c = 1, .kernel = { 3, 3 }, .act = SP_ACT_CLIP },
	{ .n = 1, .h = 4, .w = 9, .c = 5, .kernel = { 3, 3 }, .pad = { 2, 0, 1, 2 } },
	/* more channels than a block has threads for */
	{ .n = 2, .h = 3, .w = 4, .c = 520, .kernel = { 3, 3 }, .pad = { 1, 1, 1, 1 } },
	{ .n = 1, .h = 2, .w = 2, .c = 516, .kernel = { 3, 3 }, .pad = { 1, 1, 1, 1 } },
	/* stride 2, as LightQNet pads it, and even */
	{ .n = 2,
	  .h = 10,
	  .w = 12,
	  .c = 40,
	  .kernel = { 3, 3 },
	  .stride = { 2, 2 },
	  .pad = { 0, 0, 1, 1 } },
	{ .n = 1,
	  .h = 9,
	  .w = 15,
	  .c = 96,
	  .kernel = { 3, 3 },
	  .stride = { 2, 2 },
	  .pad = { 1, 1, 1, 1 },
	  .act = SP_ACT_PRELU },
	{ .n = 1,
	  .h = 2,
	  .w = 1,
	  .c = 12,
	  .kernel = { 3, 3 },
	  .stride = { 2, 2 },
	  .pad = { 1, 1, 1, 1 } },
	/* residuals */
	{ .n = 2,
	  .h = 5,
	  .w = 6,
	  .c = 16,
	  .kernel = { 3, 3 },
	  .pad = { 1, 1, 1, 1 },
	  .act = SP_ACT_RELU,
	  .residual = RESIDUAL },
	{ .n = 2,
	  .h = 5,
	  .w = 6,
	  .c = 9,
	  .kernel = { 3, 3 },
	  .pad = { 1, 1, 1, 1 },
	  .residual = RESIDUAL_IS_Y },
	{ .n = 1,
	  .h = 7,
	  .w = 7,
	  .c = 16,
	  .kernel = { 3, 3 },
	  .stride = { 2, 2 },
	  .pad = { 1, 1, 1, 1 },
	  .act = SP_ACT_SIGMOID,
	  .residual = RESIDUAL_IS_Y },
	/* any kernel: MobileFaceNet's last, lines, columns, dilations, unequal strides */
	{ .n = 3, .h = 7, .w = 7, .c = 64, .kernel = { 7, 7 } },
	{ .n = 1,
	  .h = 6,
	  .w = 9,
	  .c = 20,
	  .kernel = { 5, 5 },
	  .pad = { 2, 2, 2, 2 },
	  .act = SP_ACT_RELU },
	{ .n = 1,
	  .h = 6,
	  .w = 9,
	  .c = 8,
	  .kernel = { 1, 7 },
	  .pad = { 0, 3, 0, 3 },
	  .residual = RESIDUAL },
	{ .n = 1,
	  .h = 9,
	  .w = 6,
	  .c = 8,
	  .kernel = { 3, 3 },
	  .dilation = { 2, 2 },
	  .pad = { 2, 2, 2, 2 } },
	{ .n = 1,
	  .h = 9,
	  .w = 8,
	  .c = 11,
	  .kernel = { 3, 3 },
	  .stride = { 2, 1 },
	  .pad = { 1, 1, 1, 1 },
	  .act = SP_ACT_CLIP },
	{ .n = 1,
	  .h = 8,
	  .w = 8,
	  .c = 16,
	  .kernel = { 2, 2 },
	  .stride = { 3, 3 },
	  .dilation = { 1, 3 } },
	{ .n = 2, .h = 4, .w = 4, .c = 520, .kernel = { 1, 1 } },
};

static void check_all(enum sp_tensor_type type)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct convolution_case of = cases[i];
		char what[32];

		of.oc = of.group = of.c;
		snprintf(what, sizeof(what), "case %zu", i);
		convolution_check(&depthwise, &of, type, what);
	}
}

TEST(depthwise_f32)
{
	check_all(SP_TENSOR_F32);
}

TEST(depthwise_bf16)
{
	check_all(SP_TENSOR_BF16);
}

TEST(depthwise_refuses_what_it_cannot)
{
	struct sp_conv conv = { .c = 16, .oc = 32, .group = 16 };

	CHECK(!sp_depthwise_can(NULL, &conv));
	conv.oc = 16;
	CHECK(sp_depthwise_can(NULL, &conv));
	conv.group = 8;
	CHECK(!sp_depthwise_can(NULL, &conv));
	conv.group = conv.c = conv.oc = 3;
	conv.picture = true;
	CHECK(!sp_depthwise_can(NULL, &conv));
}

TEST_MAIN()
