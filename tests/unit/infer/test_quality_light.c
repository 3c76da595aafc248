/* SPDX-License-Identifier: Apache-2.0 */
/* Measures of an aligned picture: they are as defined, and move the right way. */
#include "infer/quality.h"

#include <math.h>

#include "infer/align.h"
#include "packet_frame.h"
#include "test.h"

enum {
	SIDE = SP_ALIGNED_SIDE,
	BYTES = SP_ALIGNED_PIXELS * 3,
	LEFT = 26,
	RIGHT = 86,
	TOP = 36,
	BOTTOM = 104
};

/* A grey picture of blobs of all sizes and some noise, around level 120. */
static void draw_blobs(uint8_t *rgb, uint64_t seed)
{
	float level[SP_ALIGNED_PIXELS];

	for (int i = 0; i < SP_ALIGNED_PIXELS; i++)
		level[i] = 110 + (float)(next_random(&seed) % 20);
	for (int n = 0; n < 150; n++) {
		float x = (float)(next_random(&seed) % SIDE),
		      y = (float)(next_random(&seed) % SIDE);
		float size = 1 + (float)(next_random(&seed) % 8);
		float height = (float)((int)(next_random(&seed) % 100) - 50);

		for (int i = 0; i < SP_ALIGNED_PIXELS; i++) {
			float dx = (float)(i % SIDE) - x, dy = (float)(i / SIDE) - y;

			level[i] += height * expf(-(dx * dx + dy * dy) / (2 * size * size));
		}
	}
	for (int i = 0; i < SP_ALIGNED_PIXELS; i++)
		memset(rgb + 3 * i, (int)fminf(fmaxf(level[i], 30), 225), 3);
}

/* Each inner pixel the mean of nine. */
static void blur(uint8_t *rgb)
{
	static uint8_t from[BYTES];

	memcpy(from, rgb, BYTES);
	for (int y = 1; y < SIDE - 1; y++) {
		for (int x = 1; x < SIDE - 1; x++) {
			for (int c = 0; c < 3; c++) {
				int sum = 4;

				for (int k = 0; k < 9; k++)
					sum += from[3 * ((y + k / 3 - 1) * SIDE + x + k % 3 - 1) +
						    c];
				rgb[3 * (y * SIDE + x) + c] = (uint8_t)(sum / 9);
			}
		}
	}
}

/* level → (level - @about) @factor + @about + @slope × columns right of the middle, clipped. */
static void relight(const uint8_t *from, uint8_t *to, float about, float factor, float slope)
{
	for (int i = 0; i < BYTES; i++) {
		float level = ((float)from[i] - about) * factor + about +
			      slope * (float)(i / 3 % SIDE - SIDE / 2);

		to[i] = (uint8_t)fminf(fmaxf(level + 0.5f, 0), 255);
	}
}

TEST(blur_lowers_sharpness)
{
	static uint8_t rgb[BYTES];

	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct sp_quality q, last;

		draw_blobs(rgb, seed);
		sp_quality_from_aligned(rgb, &last);
		CHECK(last.sharpness > 10);
		for (int step = 0; step < 8; step++) {
			blur(rgb);
			sp_quality_from_aligned(rgb, &q);
			if (!(q.sharpness < last.sharpness))
				FAIL("seed %" PRIu64 ", step %d: %g after %g", seed, step,
				     (double)q.sharpness, (double)last.sharpness);
			last = q;
		}
		CHECK(q.sharpness < 5);
	}
}

TEST(darkness_and_light_move_exposure_and_the_shares)
{
	static uint8_t picture[BYTES], rgb[BYTES];

	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct sp_quality q, last;

		draw_blobs(picture, seed);
		sp_quality_from_aligned(picture, &last);
		CHECK_NEAR(last.underexposed, 0, 0);
		CHECK_NEAR(last.overexposed, 0, 0);
		for (float factor = 0.8f; factor > 0.05f; factor -= 0.1f) {
			relight(picture, rgb, 0, factor, 0);
			sp_quality_from_aligned(rgb, &q);
			CHECK(q.exposure < last.exposure);
			CHECK(q.underexposed >= last.underexposed);
			last = q;
		}
		CHECK(last.underexposed > 0.9f);
		sp_quality_from_aligned(picture, &last);
		for (float factor = 0.8f; factor > 0.05f; factor -= 0.1f) {
			relight(picture, rgb, 255, factor, 0);
			sp_quality_from_aligned(rgb, &q);
			CHECK(q.exposure > last.exposure);
			CHECK(q.overexposed >= last.overexposed);
			CHECK_NEAR(q.underexposed, 0, 0);
			last = q;
		}
		relight(picture, rgb, 255, 0.01f, 0);
		sp_quality_from_aligned(rgb, &q);
		CHECK_NEAR(q.overexposed, 1, 0);
	}
}

TEST(mist_lowers_contrast_and_dynamic_range)
{
	static uint8_t picture[BYTES], rgb[BYTES];

	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct sp_quality q, last;

		draw_blobs(picture, seed);
		sp_quality_from_aligned(picture, &last);
		for (float factor = 0.8f; factor > 0.15f; factor -= 0.2f) {
			relight(picture, rgb, 128, factor, 0);
			sp_quality_from_aligned(rgb, &q);
			CHECK(q.contrast < last.contrast);
			CHECK(q.dynamic_range < last.dynamic_range);
			last = q;
		}
		memset(rgb, 128, BYTES);
		sp_quality_from_aligned(rgb, &q);
		CHECK_NEAR(q.contrast, 0, 1e-4);
		CHECK_NEAR(q.dynamic_range, 0, 0);
		CHECK_NEAR(q.evenness, 1, 0);
	}
}

TEST(light_from_a_side_lowers_evenness)
{
	static uint8_t picture[BYTES], rgb[BYTES];

	for (uint64_t seed = 1; seed <= 5; seed++) {
		for (int side = -1; side <= 1; side += 2) {
			struct sp_quality q, last = { .evenness = 2 };

			/* Left and right alike to begin with. */
			draw_blobs(picture, seed);
			for (int i = 0; i < SP_ALIGNED_PIXELS; i++)
				if (i % SIDE >= SIDE / 2)
					memcpy(picture + 3 * i,
					       picture +
						       3 * (i / SIDE * SIDE + SIDE - 1 - i % SIDE),
					       3);
			/* 10 to 70 levels from the middle of one half to that of the other. */
			for (int step = 0; step <= 7; step++) {
				relight(picture, rgb, 128, 0.5f, (float)(side * step) / 3);
				sp_quality_from_aligned(rgb, &q);
				if (!(q.evenness < last.evenness))
					FAIL("seed %" PRIu64 ", step %d: %g after %g", seed, step,
					     (double)q.evenness, (double)last.evenness);
				if (!step)
					CHECK_NEAR(q.evenness, 1, 1e-6);
				last = q;
			}
			CHECK(last.evenness < 0.35f);
		}
	}
}

/* Noise, by the definitions, written down another way. */
TEST(measures_are_what_they_are_defined_as)
{
	static uint8_t rgb[BYTES];

	for (uint64_t seed = 1; seed <= 20; seed++) {
		uint64_t random = seed;
		double n = 0, sum = 0, square = 0, dark = 0, white = 0, bits = 0, common = 0;
		double count[256] = { 0 }, half[2][32] = { { 0 } };
		unsigned int most = 1 + next_random(&random) % 256;
		struct sp_quality q;

		for (int i = 0; i < BYTES; i++)
			rgb[i] = (uint8_t)(next_random(&random) % most);
		for (int y = TOP; y < BOTTOM; y++) {
			for (int x = LEFT; x < RIGHT; x++) {
				const uint8_t *p = rgb + 3 * (y * SIDE + x);
				float luma = 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
				int level = (int)(luma + 0.5f);

				n++;
				sum += (double)luma;
				square += (double)luma * (double)luma;
				dark += level <= 25;
				white += level >= 247;
				count[level]++;
				half[x >= 56][level / 8]++;
			}
		}
		for (int i = 0; i < 256; i++)
			bits += count[i] > 0 ? count[i] / n * log2(n / count[i]) : 0;
		for (int i = 0; i < 32; i++)
			common += fmin(half[0][i], half[1][i]) / (n / 2);
		sp_quality_from_aligned(rgb, &q);
		CHECK_NEAR(q.exposure, sum / n / 255, 1e-6);
		CHECK_NEAR(q.contrast, sqrt(fmax(square / n - sum / n * sum / n, 0)) / 255, 1e-5);
		CHECK_NEAR(q.underexposed, dark / n, 1e-6);
		CHECK_NEAR(q.overexposed, white / n, 1e-6);
		CHECK_NEAR(q.dynamic_range, bits, 1e-5);
		CHECK_NEAR(q.evenness, common, 1e-6);
	}
}

TEST_MAIN()
