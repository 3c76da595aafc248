/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/scale.h"

#include <errno.h>
#include <math.h>

#include "infer/compute.h"
#include "infer/cpu/lines.h"
#include "infer/pixels.h"
#include "infer/portrait.h"
#include "infer/span.h"
#include "naive_pixels.h"
#include "packet_frame.h"
#include "test.h"

TEST(spans_share_out_everything)
{
	uint64_t seed = 3;

	for (int round = 0; round < 300; round++) {
		uint32_t units = 1 + next_random(&seed) % 2000, n = 1 + next_random(&seed) % units;
		double step = (double)units / n, covered = 0;
		uint32_t next = 0;

		for (uint32_t i = 0; i < n; i++) {
			struct sp_span span = sp_span_of(i, step, units);
			uint16_t weights[2002];
			uint32_t taps = span.last - span.first + 1, sum = 0;

			CHECK(span.first == next || span.first + 1 == next);
			CHECK(span.last < units);
			next = span.last + 1;
			sp_span_weights(&span, weights);
			for (uint32_t t = 0; t < taps; t++)
				sum += weights[t];
			CHECK(sum == 65536 || (taps == 1 && sum == 65535));
			covered += 1 / (double)span.part;
		}
		CHECK_EQ(next, units);
		CHECK_NEAR(covered, units, 1e-3);
	}
}

/* Fills lines as sp_scale_run hands them out. */
struct picked {
	uint16_t fine[3][64 * 64];
};

static void pick(void *arg, uint32_t y, const uint16_t *const fine[3], uint32_t width)
{
	struct picked *picked = arg;

	for (int c = 0; c < 3; c++)
		memcpy(picked->fine[c] + (size_t)y * width, fine[c], width * sizeof(uint16_t));
}

struct sizes {
	uint32_t format, width, height, to_width, to_height;
};

/* From a line of thousands to a pixel, and all the ways to get there. */
TEST(scale_matches_the_oracle_however_much_it_shrinks)
{
	static const struct sizes table[] = {
		{ SP_PFNC_MONO8, 4000, 3, 1, 1 },	  { SP_PFNC_MONO8, 3, 4000, 3, 1 },
		{ SP_PFNC_MONO8, 2, 2500, 2, 7 },	  { SP_PFNC_RGB8, 300, 200, 40, 9 },
		{ SP_PFNC_BGR8, 500, 40, 64, 39 },	  { SP_PFNC_BAYER_RG8, 600, 500, 50, 3 },
		{ SP_PFNC_BAYER_BG8, 470, 90, 59, 40 },	  { SP_PFNC_YUV422_8, 250, 70, 64, 1 },
		{ SP_PFNC_MONO12P, 63, 64, 62, 64 },	  { SP_PFNC_MONO10P, 64, 65, 64, 64 },
		{ SP_PFNC_BAYER_GR10P, 301, 99, 60, 49 },
	};
	struct picked *picked = malloc(sizeof(*picked));
	struct sp_pixels pixels;
	struct sp_scale scale;

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	CHECK_EQ(sp_scale_init(&scale), 0);
	for (size_t t = 0; t < sizeof(table) / sizeof(table[0]); t++) {
		const struct sizes *s = &table[t];
		const struct sp_scale_rect rect = { 0, 0, s->width, s->height };
		struct naive_picture picture;
		struct packet_frame pf;

		packet_frame_init(&pf, s->format, s->width, s->height, 777, t);
		naive_picture_init(&picture, &pf, &rect, s->to_width, s->to_height);
		CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
		CHECK_EQ(sp_scale_run(&scale, &pixels, &rect, s->to_width, s->to_height, pick,
				      picked),
			 0);
		for (uint32_t i = 0; i < 3 * s->to_width * s->to_height; i++) {
			uint32_t at = i / 3;
			double want = naive_area(&picture, (int)(at % s->to_width),
						 (int)(at / s->to_width), (int)(i % 3));
			double got = picked->fine[i % 3][at] / 256.0;

			if (!(fabs(got - want) < 0.1))
				FAIL("row %zu: pixel %u colour %u is %g, not %g", t, at, i % 3, got,
				     want);
		}
		naive_picture_uninit(&picture);
		packet_frame_uninit(&pf);
	}
	free(picked);
	sp_scale_uninit(&scale);
	sp_pixels_uninit(&pixels);
}

TEST(scale_refuses_to_enlarge_or_leave_the_frame)
{
	struct sp_scale_rect rect = { 10, 10, 20, 20 }, outside = { 30, 10, 20, 20 };
	struct sp_portrait *portrait = calloc(1, sizeof(*portrait));
	float far[4] = { 500, 500, 20, 20 };
	struct sp_pixels pixels;
	struct sp_scale scale;
	struct packet_frame pf;

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	CHECK_EQ(sp_scale_init(&scale), 0);
	packet_frame_init(&pf, SP_PFNC_RGB8, 40, 40, 1000, 3);
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
	CHECK_EQ(sp_scale_run(&scale, &pixels, &rect, 21, 20, NULL, NULL), -EINVAL);
	CHECK_EQ(sp_scale_run(&scale, &pixels, &rect, 0, 20, NULL, NULL), -EINVAL);
	CHECK_EQ(sp_scale_run(&scale, &pixels, &outside, 5, 5, NULL, NULL), -EINVAL);
	CHECK_EQ(sp_portrait_take(&scale, &pixels, far, portrait), -EINVAL);
	free(portrait);
	packet_frame_uninit(&pf);
	sp_scale_uninit(&scale);
	sp_pixels_uninit(&pixels);
}

TEST(portrait_is_the_box_with_its_margin)
{
	struct sp_portrait *portrait = malloc(sizeof(*portrait));
	float box[4] = { 20, 10, 20, 10 }, large[4] = { 100, 50, 700, 500 };
	const struct sp_scale_rect all = { 0, 0, 1000, 600 };
	struct naive_picture picture;
	struct sp_pixels pixels;
	struct sp_scale scale;
	struct packet_frame pf;
	int rgb[3];

	CHECK_EQ(sp_pixels_init(&pixels), 0);
	CHECK_EQ(sp_scale_init(&scale), 0);
	packet_frame_init(&pf, SP_PFNC_RGB8, 1000, 600, 1000, 3);
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
	CHECK_EQ(sp_portrait_take(&scale, &pixels, box, portrait), 0);
	/* 20 - 6 … 40 + 6, 10 - 3 … 20 + 3 */
	CHECK_EQ(portrait->width, 32);
	CHECK_EQ(portrait->height, 16);
	naive_pixel(&pf, 14 + 31, 7 + 15, rgb);
	for (int c = 0; c < 3; c++)
		CHECK_EQ(portrait->rgb[3 * (15 * 32 + 31) + c], rgb[c]);
	CHECK_EQ(sp_portrait_take(&scale, &pixels, large, portrait), 0);
	/* 100 - 210 < 0 … 1000, 50 - 150 < 0 … 600: the whole frame */
	CHECK_EQ(portrait->width, 256);
	CHECK_EQ(portrait->height, 153);
	naive_picture_init(&picture, &pf, &all, 256, 153);
	CHECK_NEAR(portrait->rgb[3 * (100 * 256 + 200) + 1], naive_area(&picture, 200, 100, 1),
		   0.55);
	naive_picture_uninit(&picture);
	free(portrait);
	packet_frame_uninit(&pf);
	sp_scale_uninit(&scale);
	sp_pixels_uninit(&pixels);
}

TEST_MAIN()
