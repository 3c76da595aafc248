/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faces turned upright out of frames of every format, against single pixels read bit by bit and a
 * bilinear mean in double precision; and as inputs of networks.
 */
#include "cuda/face.h"

#include <math.h>

#include "card.h"
#include "test.h"
#include "unit/infer/naive_pixels.h"

enum { SIDE = SP_ALIGNED_SIDE, FACES_MAX = 16 };

struct shape {
	uint32_t width, height, padding;
};

static const struct shape shapes[] = { { 118, 97, 0 }, { 66, 131, 3 }, { 2, 2, 0 } };

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

/* Straight, turned, small, large, partly and wholly outside, upside down, nowhere. */
static const struct sp_similarity places[] = {
	{ 1, 0, 0, 0 },		  { 0.9f, 0.1f, 10.3f, 7.7f }, { 0.01f, 1.4f, 110, -20 },
	{ -1.1f, 0.3f, 90, 80 },  { 0.3f, -0.1f, 20, 30 },     { 3, 2, -40, -90 },
	{ 1, 0, -60.5f, -70.5f }, { 0.001f, 0, -0.9f, -0.9f }, { 1, 0, 500, 0 },
	{ NAN, 0, 0, 0 },	  { 1, 0, INFINITY, 0 },       { 1e30f, 0, 0, -1e30f },
};

enum { PLACES = sizeof(places) / sizeof(places[0]) };

static double pixel_or_black(const struct packet_frame *pf, int x, int y, int c)
{
	int rgb[3] = { 0, 0, 0 };

	if (x >= 0 && y >= 0 && x < (int)pf->frame.width && y < (int)pf->frame.height)
		naive_pixel(pf, x, y, rgb);
	return rgb[c];
}

/* Places as float32 has them, what lies there in double precision. */
static double expected(const struct packet_frame *pf, const struct sp_similarity *to_frame, int i,
		       int c)
{
	float x, y;
	double fx, fy, top, bottom;
	int left, above;

	sp_similarity_apply(to_frame, (float)(i % SIDE), (float)(i / SIDE), &x, &y);
	if (!(x > -1 && y > -1 && x < (float)pf->frame.width && y < (float)pf->frame.height))
		return 0;
	left = (int)floorf(x);
	above = (int)floorf(y);
	fx = (double)x - left;
	fy = (double)y - above;
	top = (1 - fx) * pixel_or_black(pf, left, above, c) +
	      fx * pixel_or_black(pf, left + 1, above, c);
	bottom = (1 - fx) * pixel_or_black(pf, left, above + 1, c) +
		 fx * pixel_or_black(pf, left + 1, above + 1, c);
	return (1 - fy) * top + fy * bottom;
}

/* @faces of frames; the result to @aligned of the host. */
static void run(const struct sp_warp_face *faces, uint32_t n, uint8_t *aligned)
{
	struct sp_warp_face *there, *here = card_pinned(n * sizeof(*here), &there);
	uint8_t *to = card_memory((size_t)n * SP_ALIGNED_BYTES);

	memcpy(here, faces, n * sizeof(*here));
	CARD(cudaMemsetAsync(to, 0xEE, (size_t)n * SP_ALIGNED_BYTES, 0));
	CARD(sp_warp_launch(0, there, n, to));
	CARD(cudaStreamSynchronize(0));
	CARD(cudaMemcpy(aligned, to, (size_t)n * SP_ALIGNED_BYTES, cudaMemcpyDeviceToHost));
	card_free(to);
	card_free_pinned(here);
}

/* A few pixels of each line are enough: of all lines, all columns are met. */
static void check_face(const struct packet_frame *pf, const struct sp_similarity *to_frame,
		       const uint8_t *rgb, const char *what)
{
	/*
	 * Of YUV each pixel's colour is rounded on the way, at another place than the naive one's.
	 */
	bool twice = pf->frame.pixel_format == SP_PFNC_YUV422_8;

	for (int i = 0; i < SP_ALIGNED_PIXELS; i += 5) {
		for (int c = 0; c < 3; c++) {
			double want = expected(pf, to_frame, i, c);

			if (fabs(rgb[3 * i + c] - want) > (twice ? 1.5 : 0.5) + 1e-3)
				FAIL("%s, %u × %u, %g %g: pixel %d colour %d is %d, not %.4f", what,
				     pf->frame.width, pf->frame.height, (double)to_frame->a,
				     (double)to_frame->b, i, c, rgb[3 * i + c], want);
		}
	}
}

static uint8_t *upload(const struct packet_frame *pf)
{
	uint8_t *at = card_memory(pf->size);

	CARD(cudaMemcpy(at, pf->bytes, pf->size, cudaMemcpyHostToDevice));
	return at;
}

static void check_frame(const struct sp_pfnc *format, const struct shape *shape, uint32_t first,
			uint32_t step, uint64_t seed)
{
	static uint8_t aligned[FACES_MAX * SP_ALIGNED_BYTES];
	struct sp_warp_face faces[FACES_MAX];
	struct packet_frame pf;
	uint32_t n = 0;
	uint8_t *at;

	packet_frame_init_padded(&pf, format->code, shape->width, shape->height, shape->padding,
				 1000, seed);
	memset(pf.bytes + pf.size / 3, 0, pf.size / 8); /* what missing packets leave */
	at = upload(&pf);
	for (uint32_t i = first; i < PLACES; i += step)
		faces[n++] = (struct sp_warp_face){
			sp_picture_of(format, shape->width, shape->height, shape->padding, at),
			places[i]
		};
	run(faces, n, aligned);
	for (uint32_t i = 0; i < n; i++)
		check_face(&pf, &faces[i].to_frame, aligned + i * SP_ALIGNED_BYTES, format->name);
	card_free(at);
	packet_frame_uninit(&pf);
}

TEST(every_format_is_seen_through_every_similarity)
{
	for (uint32_t f = 0; f < sp_pfnc_table_n; f++) {
		for (uint32_t s = 0; s < SHAPES; s++) {
			const struct sp_pfnc *format = &sp_pfnc_table[f];
			bool all = format->code == SP_PFNC_BAYER_RG8 && !s;

			check_frame(format, &shapes[s], all ? 0 : (f + s) % 6, all ? 1 : 6,
				    100 * f + s);
		}
	}
}

TEST(a_face_without_a_picture_is_black)
{
	static uint8_t aligned[2 * SP_ALIGNED_BYTES];
	struct sp_warp_face faces[2] = { { .to_frame = places[0] }, { .to_frame = places[1] } };

	run(faces, 2, aligned);
	for (size_t i = 0; i < sizeof(aligned); i++)
		CHECK_EQ(aligned[i], 0);
	CARD(sp_warp_launch(0, NULL, 0, NULL));
	CARD(sp_face_input_launch(0, NULL, 0, &(struct sp_input_form){ 0 },
				  &(struct sp_device_tensor){ 0 }));
}

/* ---- inputs of networks ---- */

/* As infer/face_input.h says, in integers of 64 bits. */
static int level_at(const uint8_t *rgb, uint32_t side, uint32_t x, uint32_t y, uint32_t c)
{
	uint32_t place[2] = { x, y }, first[2];
	const uint8_t *at;
	int weight[2];

	if (side == SIDE)
		return rgb[3 * (y * SIDE + x) + c];
	for (int i = 0; i < 2; i++) {
		int64_t parts = 2 * (int64_t)side, to = (2 * (int64_t)place[i] + 1) * SIDE - side;

		first[i] = to <= 0 ? 0 : (uint32_t)(to / parts);
		weight[i] = to <= 0 ? 0 : (int)((to % parts * 2048 + side) / parts);
		if (first[i] > SIDE - 2) {
			first[i] = SIDE - 2;
			weight[i] = 2048;
		}
	}
	at = rgb + 3 * (first[1] * SIDE + first[0]) + c;
	return sp_bilinear_u8(at[0], at[3], at[3 * SIDE], at[3 * SIDE + 3], weight[0], weight[1]);
}

static float number_at(const void *numbers, enum sp_tensor_type type, size_t i)
{
	return type == SP_TENSOR_BF16 ? sp_bf16_to_float(((const uint16_t *)numbers)[i])
				      : ((const float *)numbers)[i];
}

static void check_input(const uint8_t *rgb, const uint8_t *aligned, uint32_t side, uint32_t n,
			const struct sp_input_form *form, enum sp_tensor_type type)
{
	struct sp_device_tensor input = { NULL, type, n, side, side, 3, 4 };
	size_t bytes = sp_tensor_bytes(&input);
	void *numbers = malloc(bytes);

	input.at = card_memory(bytes);
	CARD(sp_face_input_launch(0, aligned, n, form, &input));
	CARD(cudaStreamSynchronize(0));
	CARD(cudaMemcpy(numbers, input.at, bytes, cudaMemcpyDeviceToHost));
	for (uint32_t i = 0; i < n * side * side; i++) {
		uint32_t face = i / (side * side), x = i % side, y = i / side % side;

		for (uint32_t c = 0; c < 4; c++) {
			float got = number_at(numbers, type, 4 * (size_t)i + c), want = 0;

			if (c < 3)
				want = (float)level_at(rgb + (size_t)face * SP_ALIGNED_BYTES, side,
						       x, y, form->bgr ? 2 - c : c) *
					       form->scale[c] +
				       form->shift[c];
			if (type == SP_TENSOR_BF16)
				want = sp_bf16_to_float(sp_bf16_of(want));
			if (!(fabsf(got - want) <= 1e-6f * (1 + fabsf(want))))
				FAIL("side %u, face %u, (%u, %u), plane %u: %.9g, not %.9g", side,
				     face, x, y, c, (double)got, (double)want);
		}
	}
	card_free(input.at);
	free(numbers);
}

TEST(inputs_of_every_side_are_exact)
{
	static const struct sp_input_form forms[] = {
		{ true, { 1, 1, 1 }, { 0, 0, 0 } },
		{ false, { 0.0171f, 0.0175f, 0.0174f }, { -2.118f, -2.036f, -1.804f } },
		{ true, { 1 / 128.0f, 1 / 128.0f, 1 / 128.0f }, { -1, -1, -1 } },
	};
	static const uint32_t sides[] = { SIDE, 96, 32, 113, 160, 33 };
	enum { FACES = 2 };
	static uint8_t rgb[FACES * SP_ALIGNED_BYTES];
	uint8_t *aligned = card_memory(sizeof(rgb));
	uint64_t seed = 9;

	for (size_t i = 0; i < sizeof(rgb); i++)
		rgb[i] = (uint8_t)card_random(&seed);
	CARD(cudaMemcpy(aligned, rgb, sizeof(rgb), cudaMemcpyHostToDevice));
	for (uint32_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++)
		for (int type = 0; type < SP_TENSOR_TYPES; type++)
			check_input(rgb, aligned, sides[i], FACES, &forms[(i + type) % 3], type);
	card_free(aligned);
}

TEST_MAIN()
