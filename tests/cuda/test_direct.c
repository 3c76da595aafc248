/* SPDX-License-Identifier: Apache-2.0 */
/* Dense convolutions, and of groups, against plain loops; each of the four kernels. */
#include "test.h"

#include "convolution.h"
#include "cuda/direct.h"

static const struct convolution_kernel direct = CONVOLUTION_KERNEL(direct);

#define K(h, w) .kernel = { h, w }
#define K3 K(3, 3), .pad = { 1, 1, 1, 1 }
#define STRIDE(h, w) .stride = { h, w }
#define RGB .c = 3, .picture = true

struct direct_case {
	enum sp_direct_kind bf16; /* the kernel that has it in bf16 */
	struct convolution_case of;
};

static const struct direct_case cases[] = {
	/* stems: YuNet's, MobileFaceNet's, and what else is small */
	{ SP_DIRECT_STEM,
	  { .n = 1, .h = 19, .w = 70, RGB, .oc = 16, K3, STRIDE(2, 2), .act = SP_ACT_RELU } },
	{ SP_DIRECT_STEM,
	  { .n = 2, .h = 14, .w = 11, RGB, .oc = 64, K3, STRIDE(2, 2), .act = SP_ACT_PRELU } },
	{ SP_DIRECT_STEM, { .n = 1, .h = 9, .w = 17, RGB, .oc = 32, K3, .act = SP_ACT_SIGMOID } },
	{ SP_DIRECT_STEM, { .n = 1, .h = 7, .w = 5, RGB, .oc = 20, K3, .act = SP_ACT_CLIP } },
	{ SP_DIRECT_STEM, { .n = 3, .h = 1, .w = 1, RGB, .oc = 8, K3, .act = SP_ACT_CLIP } },
	{ SP_DIRECT_STEM,
	  { .n = 1, .h = 6, .w = 8, RGB, .oc = 1, K(2, 2), .pad = { 0, 1, 0, 1 } } },
	{ SP_DIRECT_STEM,
	  { .n = 1, .h = 9, .w = 40, RGB, .oc = 130, K(3, 4), STRIDE(1, 2), .no_bias = true } },
	{ SP_DIRECT_STEM,
	  { .n = 1, .h = 9, .w = 9, .c = 1, .picture = true, .oc = 16, K3, .dilation = { 2, 1 } } },
	{ SP_DIRECT_STEM, { .n = 1, .h = 8, .w = 8, RGB, .oc = 12, K3, .residual = RESIDUAL } },
	{ SP_DIRECT_STEM,
	  { .n = 1,
	    .h = 8,
	    .w = 8,
	    RGB,
	    .oc = 36,
	    K3,
	    .residual = RESIDUAL_IS_Y,
	    .act = SP_ACT_RELU } },
	{ SP_DIRECT_TILED,
	  { .n = 1,
	    .h = 9,
	    .w = 11,
	    RGB,
	    .oc = 24,
	    K(7, 7),
	    .pad = { 3, 3, 3, 3 },
	    STRIDE(2, 2) } },
	/* dense: channels and outputs that fill tiles and that do not */
	{ SP_DIRECT_DENSE, { .n = 1, .h = 9, .w = 18, .c = 16, .oc = 16, K3 } },
	{ SP_DIRECT_DENSE, { .n = 2, .h = 5, .w = 7, .c = 64, .oc = 64, K3, .act = SP_ACT_RELU } },
	{ SP_DIRECT_DENSE,
	  { .n = 1, .h = 10, .w = 9, .c = 24, .oc = 40, K3, STRIDE(2, 2), .act = SP_ACT_PRELU } },
	{ SP_DIRECT_DENSE,
	  { .n = 1, .h = 4, .w = 20, .c = 70, .oc = 33, K3, .act = SP_ACT_SIGMOID } },
	{ SP_DIRECT_DENSE, { .n = 1, .h = 3, .w = 3, .c = 5, .oc = 100, K3, .act = SP_ACT_CLIP } },
	{ SP_DIRECT_DENSE, { .n = 2, .h = 1, .w = 1, .c = 8, .oc = 4, K3, .act = SP_ACT_CLIP } },
	{ SP_DIRECT_DENSE,
	  { .n = 1, .h = 1, .w = 140, .c = 16, .oc = 16, K(1, 3), .pad = { 0, 1, 0, 1 } } },
	{ SP_DIRECT_DENSE,
	  { .n = 1, .h = 11, .w = 7, .c = 16, .oc = 24, K(1, 1), STRIDE(2, 2), .no_bias = true } },
	{ SP_DIRECT_DENSE,
	  { .n = 1, .h = 12, .w = 12, .c = 20, .oc = 16, K3, .dilation = { 2, 3 } } },
	{ SP_DIRECT_DENSE,
	  { .n = 1,
	    .h = 12,
	    .w = 10,
	    .c = 130,
	    .oc = 16,
	    K(5, 2),
	    .pad = { 3, 0, 1, 1 },
	    STRIDE(3, 2) } },
	{ SP_DIRECT_DENSE,
	  { .n = 2,
	    .h = 6,
	    .w = 6,
	    .c = 32,
	    .oc = 32,
	    K3,
	    .residual = RESIDUAL,
	    .act = SP_ACT_RELU } },
	{ SP_DIRECT_DENSE,
	  { .n = 2, .h = 6, .w = 6, .c = 32, .oc = 12, K3, .residual = RESIDUAL_IS_Y } },
	/* a kernel as large as the picture */
	{ SP_DIRECT_DENSE, { .n = 3, .h = 7, .w = 7, .c = 24, .oc = 72, K(7, 7) } },
	{ SP_DIRECT_DENSE,
	  { .n = 1, .h = 2, .w = 3, .c = 9, .oc = 5, K(2, 3), .act = SP_ACT_SIGMOID } },
	{ SP_DIRECT_DENSE,
	  { .n = 130, .h = 1, .w = 1, .c = 40, .oc = 16, K(1, 1), .residual = RESIDUAL_IS_Y } },
	/* … with a stride, which is none of the pictures side by side */
	{ SP_DIRECT_DENSE,
	  { .n = 3, .h = 1, .w = 1, .c = 24, .oc = 16, K(1, 1), STRIDE(2, 2), .no_bias = true } },
	{ SP_DIRECT_DENSE, { .n = 2, .h = 2, .w = 2, .c = 16, .oc = 16, K(2, 2), STRIDE(2, 2) } },
	/* what needs more shared memory than there is */
	{ SP_DIRECT_TILED,
	  { .n = 1,
	    .h = 70,
	    .w = 130,
	    .c = 8,
	    .oc = 4,
	    K(3, 3),
	    STRIDE(8, 8),
	    .dilation = { 4, 20 } } },
	/* groups, by fours and not */
	{ SP_DIRECT_TILED,
	  { .n = 2, .h = 5, .w = 6, .c = 16, .oc = 24, .group = 2, K3, .act = SP_ACT_PRELU } },
	{ SP_DIRECT_TILED,
	  { .n = 1,
	    .h = 5,
	    .w = 6,
	    .c = 12,
	    .oc = 12,
	    .group = 3,
	    K3,
	    .residual = RESIDUAL_IS_Y } },
	{ SP_DIRECT_ANY,
	  { .n = 1,
	    .h = 5,
	    .w = 6,
	    .c = 6,
	    .oc = 9,
	    .group = 3,
	    K3,
	    STRIDE(2, 1),
	    .residual = RESIDUAL } },
	{ SP_DIRECT_ANY,
	  { .n = 2, .h = 4, .w = 4, .c = 5, .oc = 10, .group = 5, K3, .act = SP_ACT_PRELU } },
	{ SP_DIRECT_ANY,
	  { .n = 1,
	    .h = 4,
	    .w = 4,
	    .c = 8,
	    .oc = 8,
	    .group = 8,
	    K3,
	    .residual = RESIDUAL_IS_Y,
	    .act = SP_ACT_CLIP } },
};

static void check_all(enum sp_tensor_type type)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sp_conv conv = convolution_of(&cases[i].of, type);
		enum sp_direct_kind kind = sp_direct_plan_of(&conv).kind;
		char what[32];

		snprintf(what, sizeof(what), "case %zu", i);
		if (type == SP_TENSOR_BF16 ? kind != cases[i].bf16
					   : kind != SP_DIRECT_TILED && kind != SP_DIRECT_ANY)
			FAIL("%s: kernel %d", what, kind);
		convolution_check(&direct, &cases[i].of, type, what);
	}
}

TEST(direct_f32)
{
	check_all(SP_TENSOR_F32);
}

TEST(direct_bf16)
{
	check_all(SP_TENSOR_BF16);
}

TEST(direct_refuses_what_it_cannot)
{
	struct sp_conv conv = { .c = 16, .oc = 32, .group = 3 };

	CHECK(!sp_direct_can(NULL, &conv));
	conv.group = 4;
	CHECK(sp_direct_can(NULL, &conv));
	conv.oc = 30;
	CHECK(!sp_direct_can(NULL, &conv));
	conv.group = 0;
	CHECK(!sp_direct_can(NULL, &conv));
}

TEST_MAIN()
