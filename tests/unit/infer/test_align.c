/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/align.h"

#include <errno.h>
#include <math.h>

#include "infer/pixels.h"
#include "packet_frame.h"
#include "test.h"

static double squared_error(const float from[5][2], double a, double b, double tx, double ty)
{
	double sum = 0;

	for (int i = 0; i < 5; i++) {
		double x = a * from[i][0] - b * from[i][1] + tx - sp_align_template[i][0];
		double y = b * from[i][0] + a * from[i][1] + ty - sp_align_template[i][1];

		sum += x * x + y * y;
	}
	return sum;
}

static float noise(uint64_t *seed, float range)
{
	return ((float)(next_random(seed) % 20001) / 10000 - 1) * range;
}

TEST(fit_undoes_a_similarity)
{
	float from[5][2];
	struct sp_similarity s;
	const double a = 0.4, b = -1.3, tx = 200, ty = 77;

	for (int i = 0; i < 5; i++) {
		double x = sp_align_template[i][0], y = sp_align_template[i][1];

		from[i][0] = (float)(a * x - b * y + tx);
		from[i][1] = (float)(b * x + a * y + ty);
	}
	CHECK_EQ(sp_align_fit(from, sp_align_template, &s), 0);
	for (int i = 0; i < 5; i++) {
		float x, y;

		sp_similarity_apply(&s, from[i][0], from[i][1], &x, &y);
		CHECK_NEAR(x, sp_align_template[i][0], 1e-3);
		CHECK_NEAR(y, sp_align_template[i][1], 1e-3);
	}
	CHECK_EQ(sp_align_invert(&s, &s), 0);
	CHECK_NEAR(s.a, a, 1e-4);
	CHECK_NEAR(s.b, b, 1e-4);
	CHECK_NEAR(s.tx, tx, 1e-2);
	CHECK_NEAR(s.ty, ty, 1e-2);
}

/* No transform near the fit is better: that is what least squares means. */
TEST(fit_is_the_least_of_squares)
{
	uint64_t seed = 5;

	for (int round = 0; round < 200; round++) {
		float from[5][2];
		struct sp_similarity s;
		double best;

		for (int i = 0; i < 5; i++) {
			from[i][0] = 3 * sp_align_template[i][0] + 900 + noise(&seed, 25);
			from[i][1] = 3 * sp_align_template[i][1] + 400 + noise(&seed, 25);
		}
		CHECK_EQ(sp_align_fit(from, sp_align_template, &s), 0);
		best = squared_error(from, s.a, s.b, s.tx, s.ty);
		for (int k = 0; k < 50; k++)
			CHECK(squared_error(from, s.a + noise(&seed, 1e-3f),
					    s.b + noise(&seed, 1e-3f), s.tx + noise(&seed, 0.5f),
					    s.ty + noise(&seed, 0.5f)) > best - 1e-2);
	}
}

TEST(fit_refuses_a_single_point)
{
	float point[5][2] = { { 3, 4 }, { 3, 4 }, { 3, 4 }, { 3, 4 }, { 3, 4 } };
	struct sp_similarity s, nothing = { 0, 0, 5, 5 };

	CHECK_EQ(sp_align_fit(point, sp_align_template, &s), -EINVAL);
	point[2][0] = NAN;
	CHECK_EQ(sp_align_fit(point, sp_align_template, &s), -EINVAL);
	point[2][0] = INFINITY;
	CHECK_EQ(sp_align_fit(point, sp_align_template, &s), -EINVAL);
	CHECK_EQ(sp_align_invert(&nothing, &s), -EINVAL);
}

static double pixel_or_black(const struct packet_frame *pf, int x, int y, int c)
{
	if (x < 0 || y < 0 || x >= (int)pf->frame.width || y >= (int)pf->frame.height)
		return 0;
	return pf->bytes[3 * ((size_t)y * pf->frame.width + (size_t)x) + (size_t)c];
}

/* Turned, small, large, partly and wholly outside. */
TEST(warp_matches_the_oracle)
{
	static const struct sp_similarity table[] = {
		{ 1, 0, 0, 0 },
		{ 0.9f, 0.1f, 20.3f, 10.7f },
		{ 0.01f, 1.4f, 190, -20 },
		{ -1.1f, 0.3f, 150, 140 },
		{ 0.2f, -0.1f, 90, 90 },
		{ 3, 2, -40, -90 },
		{ 1, 0, -60.5f, -70.5f },
		{ 1, 0, 500, 0 },
		{ 1e-4f, 0, 199.5f, 159.5f },
		{ 1, 0, -111.5f, 159.99f },
	};
	struct sp_align_scratch *scratch;
	uint8_t rgb[SP_ALIGNED_PIXELS * 3];
	struct sp_pixels pixels;
	struct packet_frame pf;

	CHECK_EQ(sp_align_scratch_create(&scratch), 0);
	CHECK_EQ(sp_pixels_init(&pixels), 0);
	packet_frame_init(&pf, SP_PFNC_RGB8, 200, 160, 1371, 9);
	packet_frame_lose(&pf, 20);
	CHECK_EQ(sp_pixels_begin(&pixels, &pf.frame), 0);
	for (size_t t = 0; t < sizeof(table) / sizeof(table[0]); t++) {
		memset(rgb, 0x55, sizeof(rgb));
		CHECK_EQ(sp_align_warp(scratch, &pixels, &table[t], rgb), 0);
		for (int i = 0; i < SP_ALIGNED_PIXELS; i++) {
			float sx, sy;

			sp_similarity_apply(&table[t], (float)(i % SP_ALIGNED_SIDE),
					    (float)(i / SP_ALIGNED_SIDE), &sx, &sy);

			int x = (int)floorf(sx), y = (int)floorf(sy);
			double fx = (double)sx - x, fy = (double)sy - y;

			for (int c = 0; c < 3; c++) {
				double want = (1 - fy) * ((1 - fx) * pixel_or_black(&pf, x, y, c) +
							  fx * pixel_or_black(&pf, x + 1, y, c)) +
					      fy * ((1 - fx) * pixel_or_black(&pf, x, y + 1, c) +
						    fx * pixel_or_black(&pf, x + 1, y + 1, c));

				if (fabs(rgb[3 * i + c] - want) > 0.51)
					FAIL("transform %zu, pixel %d: %d, not %g", t, i,
					     rgb[3 * i + c], want);
			}
		}
	}
	packet_frame_uninit(&pf);
	sp_pixels_uninit(&pixels);
	sp_align_scratch_destroy(scratch);
}

TEST(input_is_planes_of_normalised_red_green_blue)
{
	uint8_t rgb[SP_ALIGNED_PIXELS * 3] = { 0 };
	float *input = malloc(3 * SP_ALIGNED_PIXELS * sizeof(float));

	rgb[3 * 200] = 255;
	rgb[3 * 200 + 1] = 100;
	sp_align_to_input(rgb, &sp_input_imagenet, input);
	CHECK_NEAR(input[200], (1 - 0.485) / 0.229, 1e-5);
	CHECK_NEAR(input[SP_ALIGNED_PIXELS + 200], (100 / 255.0 - 0.456) / 0.224, 1e-5);
	CHECK_NEAR(input[2 * SP_ALIGNED_PIXELS + 200], -0.406 / 0.225, 1e-5);
	free(input);
}

/* More than a run of it, and a run that is not whole. */
TEST(input_has_every_pixel_in_its_form)
{
	enum { N = 700 };
	static const struct sp_input_form *const forms[] = { &sp_input_levels, &sp_input_imagenet,
							     &sp_input_signed };
	static uint8_t rgb[3 * N];
	static float planes[3 * N + 1];
	uint64_t seed = 21;

	for (int i = 0; i < 3 * N; i++)
		rgb[i] = (uint8_t)next_random(&seed);
	for (int f = 0; f < 3; f++) {
		const struct sp_input_form *form = forms[f];

		planes[3 * N] = 77;
		sp_input_fill(form, rgb, N, planes);
		for (int i = 0; i < 3 * N; i++) {
			int p = i / N, c = form->bgr ? 2 - p : p;

			CHECK_NEAR(planes[i], rgb[3 * (i % N) + c] * form->scale[p] + form->shift[p],
				   1e-6);
		}
		CHECK_NEAR(planes[3 * N], 77, 0);
	}
}

TEST_MAIN()
