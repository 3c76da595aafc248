/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pointwise → depthwise 3 × 3 [→ maximum] in one kernel, against plain loops one after the other.
 */
#include "test.h"

#include "convolution.h"
#include "cuda/separable.h"

struct separable_case {
	uint32_t n, h, w, c, oc, stride;
	uint32_t pad[4]; /* top, left, bottom, right */
	enum sp_activation_kind act[2];
	bool pool, up; /* a maximum; of a half window at an odd side, too */
	bool no_bias;
};

/* What decides on how the work is divided. */
struct room {
	size_t shared_max;
	unsigned int processors;
};

#define AROUND                                                                                     \
	{                                                                                          \
		1, 1, 1, 1                                                                         \
	}

static const struct separable_case cases[] = {
	/* YuNet's: 64 → 64, 16 → 64, heads, maxima */
	{ 1, 19, 37, 64, 64, 1, AROUND, .act = { SP_ACT_NONE, SP_ACT_RELU } },
	{ 2, 12, 20, 16, 64, 1, AROUND, .act = { SP_ACT_NONE, SP_ACT_RELU }, .pool = true },
	{ 1, 9, 13, 64, 15, 1, AROUND, .act = { SP_ACT_NONE, SP_ACT_SIGMOID } },
	{ 1, 10, 11, 32, 32, 1, AROUND, .act = { SP_ACT_RELU, SP_ACT_RELU } },
	/* MobileFaceNet's: several pieces, several parts of a row, strides of 2 */
	{ 1, 14, 14, 64, 128, 2, AROUND, .act = { SP_ACT_PRELU, SP_ACT_PRELU } },
	{ 2, 7, 7, 128, 128, 1, AROUND, .act = { SP_ACT_PRELU, SP_ACT_PRELU } },
	{ 1, 9, 7, 128, 192, 2, AROUND, .act = { SP_ACT_RELU, SP_ACT_NONE }, .no_bias = true },
	{ 1, 4, 4, 512, 64, 1, AROUND, .act = { SP_ACT_RELU, SP_ACT_RELU } },
	/* LightQNet's: padded at the bottom and at the right */
	{ 1, 12, 12, 8, 40, 2, { 0, 0, 1, 1 }, .act = { SP_ACT_CLIP, SP_ACT_CLIP } },
	{ 2, 8, 8, 16, 96, 2, { 0, 0, 1, 1 }, .act = { SP_ACT_CLIP, SP_ACT_CLIP } },
	{ 1, 6, 6, 24, 144, 2, { 0, 0, 1, 1 }, .act = { SP_ACT_CLIP, SP_ACT_RELU } },
	/* one pixel, none but padding beside it; no padding; more than usual */
	{ 3, 1, 1, 16, 16, 1, AROUND, .act = { SP_ACT_SIGMOID, SP_ACT_NONE } },
	{ 1, 1, 1, 1, 1, 2, AROUND, .act = { SP_ACT_NONE, SP_ACT_PRELU } },
	{ 2, 3, 3, 8, 8, 1, { 0 }, .act = { SP_ACT_RELU, SP_ACT_NONE } },
	{ 1, 5, 23, 24, 40, 1, { 0 }, .act = { SP_ACT_NONE, SP_ACT_NONE } },
	{ 1, 4, 3, 8, 16, 1, { 2, 2, 2, 2 }, .act = { SP_ACT_SIGMOID, SP_ACT_CLIP } },
	{ 1, 5, 4, 8, 16, 2, { 2, 1, 0, 2 }, .act = { SP_ACT_SIGMOID, SP_ACT_NONE } },
	/* longer than a tile's lines, both ways */
	{ 1, 2, 75, 8, 8, 1, AROUND, .act = { SP_ACT_RELU, SP_ACT_RELU } },
	{ 1, 75, 2, 8, 8, 1, AROUND, .act = { SP_ACT_RELU, SP_ACT_RELU } },
	/* channels that fill no granule: what is beyond them is 0, though a sigmoid's is not */
	{ 1, 6, 5, 3, 10, 1, AROUND, .act = { SP_ACT_SIGMOID, SP_ACT_SIGMOID } },
	{ 1, 6, 5, 10, 33, 1, AROUND, .act = { SP_ACT_PRELU, SP_ACT_SIGMOID } },
	{ 1, 5, 6, 65, 66, 2, AROUND, .act = { SP_ACT_PRELU, SP_ACT_PRELU } },
	/* maxima of odd sides */
	{ 1, 5, 7, 16, 24, 1, AROUND, .act = { SP_ACT_RELU, SP_ACT_PRELU }, .pool = true },
	{ 1, 5, 7, 16, 24, 1, AROUND, .act = { SP_ACT_RELU, SP_ACT_NONE }, .pool = true,
	  .up = true },
	{ 2, 21, 19, 8, 12, 1, AROUND, .act = { SP_ACT_NONE, SP_ACT_RELU }, .pool = true,
	  .up = true },
	{ 1, 1, 1, 8, 8, 1, AROUND, .act = { SP_ACT_NONE, SP_ACT_NONE }, .pool = true, .up = true },
};

struct numbers_of_case {
	struct sp_separable separable;
	struct numbers x, y;
	float *weights[2], *bias[2], *slope[2];
	void *slopes[2]; /* on the card */
};

static struct sp_separable separable_of(const struct separable_case *of, enum sp_tensor_type type)
{
	const struct convolution_case first = {
		of->n, of->h, of->w, of->c, of->oc, 1, .kernel = { 1, 1 }, .act = of->act[0]
	};
	const struct convolution_case second = {
		of->n,
		of->h,
		of->w,
		of->oc,
		of->oc,
		of->oc,
		.kernel = { 3, 3 },
		.stride = { of->stride, of->stride },
		.pad = { of->pad[0], of->pad[1], of->pad[2], of->pad[3] },
		.act = of->act[1],
	};
	struct sp_separable separable = { convolution_of(&first, type),
					  convolution_of(&second, type), of->pool };

	return separable;
}

static void set_up(struct numbers_of_case *of, const struct separable_case *from,
		   enum sp_tensor_type type, enum sp_tensor_type y_type)
{
	struct sp_conv *const conv[2] = { &of->separable.pointwise, &of->separable.depthwise };
	uint32_t pitch = sp_tensor_pitch(from->oc), h, w;
	uint64_t seed = 11;

	of->separable = separable_of(from, type);
	h = of->separable.depthwise.oh;
	w = of->separable.depthwise.ow;
	if (from->pool) {
		h = (h + from->up) / 2;
		w = (w + from->up) / 2;
	}
	of->x = numbers_of(type, from->n, from->h, from->w, from->c, sp_tensor_pitch(from->c),
			   &seed);
	of->y = numbers_empty(y_type, from->n, h, w, from->oc, pitch);
	for (int i = 0; i < 2; i++) {
		uint32_t each = i ? SP_SEPARABLE_TAPS : from->c;

		/* Results of about 1, so that tolerances mean something. */
		of->weights[i] = convolution_random((size_t)from->oc * each, 2 / sqrtf((float)each),
						    &seed);
		of->bias[i] = from->no_bias ? NULL : convolution_random(from->oc, 1, &seed);
		of->slope[i] = convolution_random(pitch, 0.5f, &seed);
		of->slopes[i] = card_memory(pitch * sizeof(float));
		CARD(cudaMemcpy(of->slopes[i], of->slope[i], pitch * sizeof(float),
				cudaMemcpyHostToDevice));
		conv[i]->act.slope = of->slopes[i];
	}
}

static void tear_down(struct numbers_of_case *of)
{
	for (int i = 0; i < 2; i++) {
		card_free(of->slopes[i]);
		free(of->slope[i]);
		free(of->bias[i]);
		free(of->weights[i]);
	}
	numbers_free(&of->y);
	numbers_free(&of->x);
}

/*
 * What the kernel is to find. *@ret_flip: how far a result may be off if one number of what lies
 * between was so near the middle of two bfloat16 that float32 sums round it to the other one.
 */
static double *want_of(const struct numbers_of_case *of, double *ret_flip)
{
	struct sp_conv pointwise = of->separable.pointwise, depthwise = of->separable.depthwise;
	bool half = pointwise.type == SP_TENSOR_BF16;
	struct numbers between = numbers_empty(SP_TENSOR_F32, of->x.card.n, pointwise.oh,
					       pointwise.ow, pointwise.oc,
					       sp_tensor_pitch(pointwise.oc));
	struct numbers result = numbers_empty(SP_TENSOR_F32, of->x.card.n, depthwise.oh,
					      depthwise.ow, depthwise.oc,
					      sp_tensor_pitch(depthwise.oc));
	double *first = convolution_want(&pointwise, &of->x, &between, of->weights[0], of->bias[0],
					 NULL, of->slope[0]);
	double *second, greatest = 0;

	for (size_t i = 0; i < between.n; i++) {
		between.host[i] = (float)first[i];
		if (half)
			between.host[i] = sp_bf16_to_float(sp_bf16_of(between.host[i]));
		greatest = fmax(greatest, fabs(first[i]));
	}
	*ret_flip = half ? greatest / 128 * 2 / 3 : 0; /* weights are at most 2/3 */
	depthwise.type = SP_TENSOR_F32; /* its weights are not rounded */
	second = convolution_want(&depthwise, &between, &result, of->weights[1], of->bias[1], NULL,
				  of->slope[1]);
	if (of->separable.pool) {
		double *most = calloc(of->y.n + 1, sizeof(*most));
		uint32_t pitch = of->y.card.pitch;

		CHECK(most);
		for (size_t i = 0; i < of->y.n; i++) {
			size_t pixel = i / pitch, line = pixel / of->y.card.w;
			uint32_t x = (uint32_t)(pixel % of->y.card.w) * 2;
			uint32_t y = (uint32_t)(line % of->y.card.h) * 2;

			most[i] = -INFINITY;
			for (uint32_t k = 0; k < 4; k++)
				if (y + k / 2 < depthwise.oh && x + k % 2 < depthwise.ow)
					most[i] = fmax(
						most[i],
						second[numbers_at(&result,
								  (uint32_t)(line / of->y.card.h),
								  y + k / 2, x + k % 2) +
						       i % pitch]);
		}
		free(second);
		second = most;
	}
	free(first);
	numbers_free(&between);
	numbers_free(&result);
	return second;
}

/* Numbers that a flip explains, one in 100 at most, count as right. */
static void check_numbers(const struct numbers_of_case *of, double *want, double flip,
			  const char *what)
{
	double rounding = of->y.card.type == SP_TENSOR_BF16 ? 1.01 / 256 : 0;
	size_t flips = 0;

	for (size_t i = 0; i < of->y.n && flip > 0; i++) {
		double off = (double)of->y.host[i] - want[i];
		double most = rounding * fabs(want[i]) + 1e-5;

		if (fabs(off) > most && fabs(off) <= most + flip) {
			want[i] = (double)of->y.host[i];
			flips++;
		}
	}
	if (flips > of->y.n / 100 + 1)
		FAIL("%s: %zu of %zu numbers are off by a rounding", what, flips, of->y.n);
	numbers_check(&of->y, want, what);
}

static void check_case(const struct separable_case *from, enum sp_tensor_type type,
		       enum sp_tensor_type y_type, const struct room *room, const char *what)
{
	struct numbers_of_case of;
	struct sp_conv_run run = { 0 };
	struct sp_device device;
	void *packed, *on_card;
	double *want, flip;
	size_t bytes;

	CHECK_EQ(sp_device_open(0, &device, NULL), 0);
	if (room->shared_max < device.shared_max)
		device.shared_max = room->shared_max;
	device.processors = room->processors;
	set_up(&of, from, type, y_type);
	want = want_of(&of, &flip);
	if (!sp_separable_can(&device, &of.separable))
		FAIL("%s: refused", what);
	bytes = sp_separable_bytes(&of.separable);
	packed = malloc(bytes);
	CHECK(packed);
	sp_separable_pack(&of.separable, (const float *const *)of.weights,
			  (const float *const *)of.bias, packed);
	on_card = card_memory(bytes);
	CARD(cudaMemcpy(on_card, packed, bytes, cudaMemcpyHostToDevice));
	run.x = &of.x.card;
	run.y = &of.y.card;
	run.weights = on_card;
	CARD(sp_separable_launch(NULL, &device, &of.separable, &run));
	numbers_fetch(&of.y);
	check_numbers(&of, want, flip, what);
	card_free(on_card);
	free(packed);
	free(want);
	tear_down(&of);
}

static void check_all(enum sp_tensor_type type, enum sp_tensor_type y_type, const struct room *room)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char what[32];

		snprintf(what, sizeof(what), "case %zu", i);
		check_case(&cases[i], type, y_type, room, what);
	}
}

TEST(separable_f32)
{
	check_all(SP_TENSOR_F32, SP_TENSOR_F32, &(struct room){ 227 << 10, 132 });
}

TEST(separable_bf16)
{
	check_all(SP_TENSOR_BF16, SP_TENSOR_BF16, &(struct room){ 227 << 10, 132 });
}

/* Ends of a network are not rounded. */
TEST(separable_bf16_into_f32)
{
	check_all(SP_TENSOR_BF16, SP_TENSOR_F32, &(struct room){ 227 << 10, 132 });
}

/* Each block has many items one after the other: their rows arrive while others are computed. */
TEST(separable_bf16_on_one_processor)
{
	check_all(SP_TENSOR_BF16, SP_TENSOR_BF16, &(struct room){ 48 << 10, 1 });
}

TEST(separable_f32_on_one_processor)
{
	check_all(SP_TENSOR_F32, SP_TENSOR_F32, &(struct room){ 99 << 10, 1 });
}

/* A row's line is found by a multiplication. */
TEST(separable_tiles_hold_what_they_promise)
{
	for (uint32_t side = 1; side < 170; side += 1 + side / 8) {
		for (uint32_t k = 0; k < 12; k++) {
			const struct separable_case of = {
				1,  side,      1 + side * k / 4, 64,
				64, 1 + k % 2, AROUND,		 .pool = k % 4 == 2
			};
			struct sp_separable separable = separable_of(&of,
								     (enum sp_tensor_type)(k / 6));
			size_t shared_max = k % 3 ? 48 << 10 : 99 << 10;
			struct sp_separable_tiling tiling;

			CHECK(sp_separable_tile(&separable, shared_max, &tiling));
			CHECK(tiling.shared <= shared_max);
			CHECK(tiling.rows <= SP_SEPARABLE_ROWS);
			CHECK(tiling.tile_h * tiling.tiles_h >= separable.depthwise.oh);
			CHECK(tiling.tile_w * tiling.tiles_w >= separable.depthwise.ow);
			CHECK(tiling.segment * tiling.segments >= tiling.tile_h);
			CHECK(tiling.units * 2 == tiling.tile_w * tiling.segments);
			for (uint32_t row = 0; row < (tiling.rows + 15) / 16 * 16; row++)
				CHECK_EQ(row * tiling.line >> 16, row / tiling.region_w);
		}
	}
}

TEST(separable_refuses_what_it_cannot)
{
	const struct separable_case of = { 1, 8, 8, 16, 16, 1, AROUND, .act = { SP_ACT_NONE } };
	const struct sp_separable can = separable_of(&of, SP_TENSOR_BF16);
	struct sp_device device = { .threads_max = 1024, .shared_max = 48 << 10 };
	struct sp_separable separable = can;

	CHECK(sp_separable_can(&device, &separable));
	separable.depthwise.kernel[0] = 7;
	CHECK(!sp_separable_can(&device, &separable));
	separable = can;
	separable.depthwise.dilation[1] = 2;
	CHECK(!sp_separable_can(&device, &separable));
	separable = can;
	separable.depthwise.stride[1] = 2;
	CHECK(!sp_separable_can(&device, &separable));
	separable.depthwise.stride[0] = 2;
	CHECK(sp_separable_can(&device, &separable));
	separable.pool = true;
	CHECK(!sp_separable_can(&device, &separable));
	separable = can;
	separable.depthwise.group = 1;
	CHECK(!sp_separable_can(&device, &separable));
	separable = can;
	separable.pointwise.picture = true;
	CHECK(!sp_separable_can(&device, &separable));
	separable = can;
	device.shared_max = 1024;
	CHECK(!sp_separable_can(&device, &separable));
}

TEST_MAIN()
