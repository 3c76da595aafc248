/* SPDX-License-Identifier: Apache-2.0 */
/* What can be measured on an aligned picture: detail, and the light on the face. */
#include "infer/quality.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "infer/align.h"
#include "infer/element.h"
#include "infer/face_part.h"

enum { SIDE = SP_ALIGNED_SIDE };

/* Levels of the face part's halves. */
struct levels {
	uint32_t of[2][SP_FACE_LEVELS];
};

static void measure_detail(const float *luma, struct sp_quality *quality)
{
	enum { INNER = SIDE - 2 };
	double sum = 0, square = 0, mean;

	for (size_t y = 1; y <= INNER; y++) {
		for (size_t x = 1; x <= INNER; x++) {
			const float *at = luma + y * SIDE + x;
			float laplacian = at[-1] + at[1] + at[-SIDE] + at[SIDE] - 4 * at[0];

			sum += (double)laplacian;
			square += (double)laplacian * (double)laplacian;
		}
	}
	mean = sum / (INNER * INNER);
	quality->sharpness = (float)fmax(square / (INNER * INNER) - mean * mean, 0);
}

/* Mean and deviation of the face part; its levels are counted. */
static void measure_light(const float *luma, struct levels *levels, struct sp_quality *quality)
{
	double light = 0, square = 0, mean;

	for (size_t y = SP_FACE_TOP; y < SP_FACE_BOTTOM; y++) {
		for (size_t x = SP_FACE_LEFT; x < SP_FACE_RIGHT; x++) {
			double level = (double)luma[y * SIDE + x];

			light += level;
			square += level * level;
			levels->of[x >= SP_FACE_MIDDLE][sp_to_u8((float)level)]++;
		}
	}
	quality->exposure = (float)(light / (255.0 * SP_FACE_PIXELS));
	mean = light / SP_FACE_PIXELS;
	quality->contrast = (float)(sqrt(fmax(square / SP_FACE_PIXELS - mean * mean, 0)) / 255);
}

static void measure_levels(const struct levels *levels, struct sp_quality *quality)
{
	uint32_t dark = 0, white = 0, common = 0;
	double bits = 0;

	for (unsigned int i = 0; i < SP_FACE_LEVELS; i++) {
		uint32_t n = levels->of[0][i] + levels->of[1][i];
		double share = (double)n / SP_FACE_PIXELS;

		dark += i <= SP_FACE_BLACK_MAX ? n : 0;
		white += i >= SP_FACE_WHITE_MIN ? n : 0;
		bits -= n ? share * log2(share) : 0;
	}
	for (unsigned int i = 0; i < SP_FACE_LEVELS; i += SP_FACE_COARSE) {
		uint32_t half[2] = { 0, 0 };

		for (unsigned int k = i; k < i + SP_FACE_COARSE; k++)
			for (unsigned int h = 0; h < 2; h++)
				half[h] += levels->of[h][k];
		common += half[0] < half[1] ? half[0] : half[1];
	}
	quality->underexposed = (float)dark / SP_FACE_PIXELS;
	quality->overexposed = (float)white / SP_FACE_PIXELS;
	quality->dynamic_range = (float)bits;
	quality->evenness = (float)common / (SP_FACE_PIXELS / 2.0f);
}

void sp_quality_from_aligned(const uint8_t *rgb, struct sp_quality *quality)
{
	float luma[SP_ALIGNED_PIXELS];
	struct levels levels;

	memset(&levels, 0, sizeof(levels));
	for (size_t i = 0; i < SP_ALIGNED_PIXELS; i++)
		luma[i] = sp_luma(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]);
	measure_detail(luma, quality);
	measure_light(luma, &levels, quality);
	measure_levels(&levels, quality);
}
