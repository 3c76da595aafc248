/* SPDX-License-Identifier: Apache-2.0 */
/* Pointwise convolutions against plain loops. */
#include "test.h"

#include "convolution.h"

static const struct convolution_kernel pointwise = CONVOLUTION_KERNEL(pointwise);

static const struct convolution_case cases[] = {
	/* one pixel, one channel; sides that fill no block of rows */
	{ .n = 1, .h = 1, .w = 1, .c = 1, .oc = 1 },
	{ .n = 1, .h = 1, .w = 1, .c = 64, .oc = 64, .act = SP_ACT_RELU },
	{ .n = 2, .h = 3, .w = 5, .c = 16, .oc = 16, .act = SP_ACT_CLIP },
	{ .n = 3, .h = 7, .w = 11, .c = 64, .oc = 64, .act = SP_ACT_PRELU },
	/* exactly one block of rows, and one more */
	{ .n = 1, .h = 8, .w = 16, .c = 32, .oc = 32, .no_bias = true },
	{ .n = 1, .h = 3, .w = 43, .c = 32, .oc = 24, .act = SP_ACT_SIGMOID },
	/* LightQNet's: channels that are no multiples of 16 */
	{ .n = 2, .h = 6, .w = 5, .c = 40, .oc = 16 },
	{ .n = 1, .h = 6, .w = 6, .c = 96, .oc = 24, .residual = RESIDUAL },
	{ .n = 1, .h = 5, .w = 5, .c = 144, .oc = 40, .residual = RESIDUAL_IS_Y },
	{ .n = 1, .h = 4, .w = 4, .c = 24, .oc = 144, .act = SP_ACT_CLIP },
	{ .n = 1, .h = 4, .w = 4, .c = 8, .oc = 40, .act = SP_ACT_RELU },
	/* MobileFaceNet's: several parts of a row, several pieces, residuals */
	{ .n = 2, .h = 4, .w = 7, .c = 128, .oc = 64, .residual = RESIDUAL_IS_Y },
	{ .n = 1, .h = 9, .w = 9, .c = 64, .oc = 128, .act = SP_ACT_PRELU },
	{ .n = 1, .h = 5, .w = 9, .c = 256, .oc = 128, .residual = RESIDUAL, .act = SP_ACT_RELU },
	{ .n = 1, .h = 2, .w = 3, .c = 128, .oc = 512, .act = SP_ACT_PRELU },
	{ .n = 5, .h = 1, .w = 1, .c = 512, .oc = 128, .no_bias = true },
	{ .n = 1, .h = 3, .w = 3, .c = 520, .oc = 100, .act = SP_ACT_SIGMOID },
	/* channels and outputs that fill no granule: what is beyond them is 0 */
	{ .n = 1, .h = 4, .w = 5, .c = 3, .oc = 10, .act = SP_ACT_SIGMOID },
	{ .n = 1, .h = 4, .w = 5, .c = 10, .oc = 1, .act = SP_ACT_SIGMOID, .residual = RESIDUAL },
	{ .n = 2, .h = 4, .w = 5, .c = 65, .oc = 33, .act = SP_ACT_PRELU },
	{ .n = 1, .h = 4, .w = 5, .c = 17, .oc = 97, .residual = RESIDUAL_IS_Y },
	{ .n = 1, .h = 2, .w = 2, .c = 64, .oc = 150, .act = SP_ACT_CLIP },
};

static void check_all(enum sp_tensor_type type)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct convolution_case of = cases[i];
		char what[32];

		of.kernel[0] = of.kernel[1] = 1;
		snprintf(what, sizeof(what), "case %zu", i);
		convolution_check(&pointwise, &of, type, what);
	}
}

TEST(pointwise_f32)
{
	check_all(SP_TENSOR_F32);
}

TEST(pointwise_bf16)
{
	check_all(SP_TENSOR_BF16);
}

TEST(pointwise_refuses_what_it_cannot)
{
	const struct convolution_case of = { 1, 4, 4, 16, 16, .kernel = { 1, 1 } };
	const struct sp_conv can = convolution_of(&of, SP_TENSOR_BF16);
	struct sp_device device = { .threads_max = 1024 };
	struct sp_conv conv = can;

	CHECK(sp_pointwise_can(&device, &conv));
	conv.stride[1] = 2;
	CHECK(!sp_pointwise_can(&device, &conv));
	conv = can;
	conv.pad[0] = 1;
	CHECK(!sp_pointwise_can(&device, &conv));
	conv = can;
	conv.group = 2;
	CHECK(!sp_pointwise_can(&device, &conv));
	conv = can;
	conv.kernel[0] = 3;
	CHECK(!sp_pointwise_can(&device, &conv));
	conv = can;
	conv.picture = true;
	CHECK(!sp_pointwise_can(&device, &conv));
}

TEST_MAIN()
