/* SPDX-License-Identifier: Apache-2.0 */
/* Measures of aligned faces, as infer/quality.h defines them. */
#include <math.h>

#include "card.h"
#include "cuda/face.h"
#include "infer/element.h"
#include "test.h"

enum { SIDE = SP_ALIGNED_SIDE, LEFT = 26, MIDDLE = 56, RIGHT = 86, TOP = 36, BOTTOM = 104 };

enum kind { NOISE, GREY, BLACK, WHITE, SOFT, ONE_SIDE, TWO_LEVELS, FACE_ONLY, KINDS };

static uint8_t level(enum kind kind, uint32_t x, uint32_t y, uint64_t *random)
{
	uint8_t noise = (uint8_t)card_random(random);

	switch (kind) {
	case NOISE:
		return noise;
	case GREY:
		return 130;
	case BLACK:
		return 0;
	case WHITE:
		return 255;
	case SOFT:
		return (uint8_t)(60 + x + y / 3 + noise % 4);
	case ONE_SIDE:
		return (uint8_t)(x < MIDDLE ? noise % 32 : 240 + noise % 16);
	case TWO_LEVELS:
		return (x + y) % 2 ? 25 : 247;
	default:
		return x >= LEFT && x < RIGHT && y >= TOP && y < BOTTOM ? noise : 0;
	}
}

static double variance(const double *of, uint32_t n)
{
	double mean = 0, sum = 0;

	for (uint32_t i = 0; i < n; i++)
		mean += of[i] / n;
	for (uint32_t i = 0; i < n; i++)
		sum += (of[i] - mean) * (of[i] - mean) / n;
	return sum;
}

static double luma(const uint8_t *rgb, uint32_t x, uint32_t y)
{
	const uint8_t *at = rgb + 3 * ((size_t)y * SIDE + x);

	return (double)sp_luma(at[0], at[1], at[2]);
}

static double sharpness(const uint8_t *rgb)
{
	static double laplacian[SP_ALIGNED_PIXELS];
	uint32_t n = 0;

	for (uint32_t y = 1; y < SIDE - 1; y++)
		for (uint32_t x = 1; x < SIDE - 1; x++)
			laplacian[n++] = luma(rgb, x - 1, y) + luma(rgb, x + 1, y) +
					 luma(rgb, x, y - 1) + luma(rgb, x, y + 1) -
					 4 * luma(rgb, x, y);
	return variance(laplacian, n);
}

static void reference(const uint8_t *rgb, struct sp_aligned_measures *want)
{
	static double face[SP_ALIGNED_PIXELS];
	uint32_t histogram[2][256] = { { 0 } }, n = 0;
	double mean = 0, bits = 0, dark = 0, white = 0, common = 0;

	for (uint32_t y = TOP; y < BOTTOM; y++) {
		for (uint32_t x = LEFT; x < RIGHT; x++) {
			face[n] = luma(rgb, x, y);
			histogram[x >= MIDDLE][(int)(face[n] + 0.5)]++;
			mean += face[n++];
		}
	}
	for (uint32_t i = 0; i < 256; i++) {
		double share = (double)(histogram[0][i] + histogram[1][i]) / n;

		bits -= share > 0 ? share * log2(share) : 0;
		dark += i <= 25 ? share : 0;
		white += i >= 247 ? share : 0;
	}
	for (uint32_t i = 0; i < 256; i += 8) {
		uint32_t half[2] = { 0, 0 };

		for (uint32_t k = 0; k < 16; k++)
			half[k / 8] += histogram[k / 8][i + k % 8];
		common += half[0] < half[1] ? half[0] : half[1];
	}
	*want = (struct sp_aligned_measures){
		.sharpness = (float)sharpness(rgb),
		.exposure = (float)(mean / n / 255),
		.contrast = (float)(sqrt(variance(face, n)) / 255),
		.underexposed = (float)dark,
		.overexposed = (float)white,
		.dynamic_range = (float)bits,
		.evenness = (float)(common / (n / 2)),
	};
}

static void check(const struct sp_aligned_measures *got, const struct sp_aligned_measures *want,
		  int kind)
{
	const float *a = (const float *)got, *b = (const float *)want;

	for (size_t i = 0; i < sizeof(*got) / sizeof(*a); i++)
		if (!(fabsf(a[i] - b[i]) <= 1e-4f * fabsf(b[i]) + 1e-6f))
			FAIL("kind %d, measure %zu: %.9g, not %.9g", kind, i, (double)a[i],
			     (double)b[i]);
}

TEST(measures_are_those_of_the_definitions)
{
	static uint8_t rgb[KINDS][SP_ALIGNED_BYTES];
	struct sp_aligned_measures want, *there;
	struct sp_aligned_measures *here = card_pinned(KINDS * sizeof(*here), &there);
	uint8_t *aligned = card_memory(sizeof(rgb));
	uint64_t seed = 4;

	for (int kind = 0; kind < KINDS; kind++)
		for (uint32_t i = 0; i < SP_ALIGNED_BYTES; i++)
			rgb[kind][i] = level(kind, i / 3 % SIDE, i / 3 / SIDE, &seed);
	CARD(cudaMemcpy(aligned, rgb, sizeof(rgb), cudaMemcpyHostToDevice));
	CARD(sp_measure_launch(0, aligned, KINDS, there));
	CARD(cudaStreamSynchronize(0));
	for (int kind = 0; kind < KINDS; kind++) {
		reference(rgb[kind], &want);
		check(&here[kind], &want, kind);
	}
	here[0].evenness = 5;
	CARD(sp_measure_launch(0, aligned, 0, there));
	CARD(cudaStreamSynchronize(0));
	CHECK_NEAR(here[0].evenness, 5, 0);
	card_free(aligned);
	card_free_pinned(here);
}

TEST_MAIN()
