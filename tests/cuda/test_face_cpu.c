/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faces on the device as the CPU backend has them: turned upright, as inputs, measured, as
 * portraits.
 */
#include "cuda/face.h"

#include <math.h>

#include "card.h"
#include "infer/compute.h"
#include "infer/cpu/lines.h"
#include "infer/face_input.h"
#include "infer/pixels.h"
#include "infer/quality.h"
#include "infer/scale.h"
#include "test.h"
#include "unit/infer/packet_frame.h"

enum { WIDTH = 190, HEIGHT = 141, PACKET = 777, SIDE = SP_ALIGNED_SIDE };

static const struct sp_similarity places[] = {
	{ 1.1f, 0.05f, 20.3f, 10.7f },
	{ 0.01f, 0.9f, 150, 20.25f },
	{ -0.6f, 0.3f, 100, 130 },
	{ 1, 0, -60.5f, 70.5f },
};

struct frame {
	struct packet_frame pf;
	struct sp_pixels pixels;
	struct sp_picture picture; /* of the device */
};

/* Every third packet or so is missing; the frame on the device has zeros there. */
static void frame_init(struct frame *frame, const struct sp_pfnc *format, uint32_t padding,
		       uint64_t seed)
{
	uint8_t *at;

	packet_frame_init_padded(&frame->pf, format->code, WIDTH, HEIGHT, padding, PACKET, seed);
	for (uint32_t i = 0; i < frame->pf.frame.packets; i++)
		if (card_random(&seed) % 16 == 0)
			packet_frame_lose(&frame->pf, i);
	CHECK_EQ(sp_pixels_init(&frame->pixels), 0);
	CHECK_EQ(sp_pixels_begin(&frame->pixels, &frame->pf.frame), 0);
	at = card_memory(frame->pf.size);
	CARD(cudaMemcpy(at, frame->pf.bytes, frame->pf.size, cudaMemcpyHostToDevice));
	frame->picture = sp_picture_of(format, WIDTH, HEIGHT, padding, at);
}

static void frame_uninit(struct frame *frame)
{
	card_free((void *)(uintptr_t)frame->picture.at);
	sp_pixels_uninit(&frame->pixels);
	packet_frame_uninit(&frame->pf);
}

/* At most one level apart, and that hardly ever. */
static void check_levels(const uint8_t *got, const uint8_t *want, uint32_t n, uint32_t often,
			 const char *what)
{
	uint32_t apart = 0;

	for (uint32_t i = 0; i < n; i++) {
		apart += got[i] != want[i];
		if (abs(got[i] - want[i]) > 1)
			FAIL("%s: level %u is %d, not %d", what, i, got[i], want[i]);
	}
	if (apart > often)
		FAIL("%s: %u levels of %u are not the CPU's", what, apart, n);
}

TEST(upright_faces)
{
	enum { PLACES = sizeof(places) / sizeof(places[0]) };
	static uint8_t want[SP_ALIGNED_BYTES], got[PLACES * SP_ALIGNED_BYTES];
	struct sp_warp_face *there, *faces = card_pinned(PLACES * sizeof(*faces), &there);
	uint8_t *aligned = card_memory(sizeof(got));
	struct sp_align_scratch *scratch;

	CHECK_EQ(sp_align_scratch_create(&scratch), 0);
	for (uint32_t f = 0; f < sp_pfnc_table_n; f++) {
		struct frame frame;

		frame_init(&frame, &sp_pfnc_table[f], f % 2 * 7, f);
		for (int i = 0; i < PLACES; i++)
			faces[i] = (struct sp_warp_face){ frame.picture, places[i] };
		CARD(sp_warp_launch(0, there, PLACES, aligned));
		CARD(cudaStreamSynchronize(0));
		CARD(cudaMemcpy(got, aligned, sizeof(got), cudaMemcpyDeviceToHost));
		for (int i = 0; i < PLACES; i++) {
			CHECK_EQ(sp_align_warp(scratch, &frame.pixels, &places[i], want), 0);
			check_levels(got + i * SP_ALIGNED_BYTES, want, SP_ALIGNED_BYTES,
				     SP_ALIGNED_BYTES / 1000, sp_pfnc_table[f].name);
		}
		frame_uninit(&frame);
	}
	sp_align_scratch_destroy(scratch);
	card_free(aligned);
	card_free_pinned(faces);
}

static void check_input(const uint8_t *rgb, const uint8_t *aligned, uint32_t side,
			const struct sp_input_form *form)
{
	struct sp_device_tensor input = { NULL, SP_TENSOR_F32, 1, side, side, 3, 4 };
	size_t bytes = sp_tensor_bytes(&input), pixels = (size_t)side * side;
	float *got = malloc(bytes), *want = malloc(3 * pixels * sizeof(*want));

	input.at = card_memory(bytes);
	CARD(sp_face_input_launch(0, aligned, 1, form, &input));
	CARD(cudaStreamSynchronize(0));
	CARD(cudaMemcpy(got, input.at, bytes, cudaMemcpyDeviceToHost));
	sp_face_input(rgb, side, form, want);
	for (size_t i = 0; i < pixels; i++)
		for (size_t c = 0; c < 3; c++)
			CHECK_NEAR(got[4 * i + c], want[c * pixels + i],
				   1e-6 * (1 + fabs((double)want[c * pixels + i])));
	card_free(input.at);
	free(got);
	free(want);
}

TEST(inputs_and_measures)
{
	static uint8_t rgb[SP_ALIGNED_BYTES];
	static const uint32_t sides[] = { SIDE, 96, 128, 50 };
	struct sp_aligned_measures *there, *got = card_pinned(sizeof(*got), &there);
	uint8_t *aligned = card_memory(sizeof(rgb));

	for (uint64_t round = 0; round < 4; round++) {
		uint64_t seed = round;
		struct sp_quality want;

		for (uint32_t i = 0; i < sizeof(rgb); i++)
			rgb[i] = (uint8_t)(60 * round + card_random(&seed) % (200 >> 2 * round) +
					   i % 336 / 12);
		CARD(cudaMemcpy(aligned, rgb, sizeof(rgb), cudaMemcpyHostToDevice));
		check_input(rgb, aligned, sides[round],
			    round % 2 ? &sp_input_signed : &sp_input_imagenet);
		CARD(sp_measure_launch(0, aligned, 1, there));
		CARD(cudaStreamSynchronize(0));
		sp_quality_from_aligned(rgb, &want);
		CHECK_NEAR(got->sharpness, want.sharpness, 1e-4 * (double)want.sharpness);
		CHECK_NEAR(got->exposure, want.exposure, 1e-4 * (double)want.exposure);
		CHECK_NEAR(got->contrast, want.contrast, 1e-4 * (double)want.contrast);
		CHECK_NEAR(got->dynamic_range, want.dynamic_range, 1e-6);
		/* Counts are the same, whatever the order. */
		CHECK_NEAR(got->underexposed, want.underexposed, 0);
		CHECK_NEAR(got->overexposed, want.overexposed, 0);
		CHECK_NEAR(got->evenness, want.evenness, 0);
	}
	card_free(aligned);
	card_free_pinned(got);
}

static void emit_levels(void *arg, uint32_t y, const uint16_t *const fine[3], uint32_t width)
{
	uint8_t *rgb = (uint8_t *)arg + 3 * (size_t)y * width, line[SP_PORTRAIT_MAX];

	for (int c = 0; c < 3; c++) {
		sp_lines_best()->to_levels(fine[c], width, line);
		for (uint32_t x = 0; x < width; x++)
			rgb[3 * x + (uint32_t)c] = line[x];
	}
}

TEST(portraits)
{
	static const struct {
		struct sp_scale_rect rect;
		uint32_t width, height;
	} table[] = {
		{ { 3, 5, 100, 120 }, 77, 93 },
		{ { 4, 6, 101, 121 }, 41, 50 },
		{ { 0, 0, WIDTH, HEIGHT }, 64, 47 },
		{ { 61, 40, 30, 30 }, 30, 30 },
	};
	static uint8_t want[3 * SP_PORTRAIT_MAX * SP_PORTRAIT_MAX];
	uint8_t *rgb_there, *rgb = card_pinned(sizeof(want), &rgb_there);
	struct sp_portrait_face *there, *face = card_pinned(sizeof(*face), &there);
	struct sp_scale scale;

	CHECK_EQ(sp_scale_init(&scale), 0);
	for (uint32_t f = 0; f < sp_pfnc_table_n; f++) {
		struct frame frame;

		frame_init(&frame, &sp_pfnc_table[f], f % 2 * 3, 50 + f);
		for (uint32_t i = f % 2; i < sizeof(table) / sizeof(table[0]); i += 2) {
			uint32_t n = 3 * table[i].width * table[i].height;

			*face = (struct sp_portrait_face){ frame.picture, table[i].rect,
							   table[i].width, table[i].height,
							   rgb_there };
			CARD(sp_portrait_launch(0, there, 1));
			CARD(cudaStreamSynchronize(0));
			CHECK_EQ(sp_scale_run(&scale, &frame.pixels, &table[i].rect, table[i].width,
					      table[i].height, emit_levels, want),
				 0);
			check_levels(rgb, want, n, n / 20, sp_pfnc_table[f].name);
		}
		frame_uninit(&frame);
	}
	sp_scale_uninit(&scale);
	card_free_pinned(face);
	card_free_pinned(rgb);
}

TEST_MAIN()
