/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/aligned.h"

#include "image/image.h"
#include "infer/align.h"
#include "lanesim/render/noise.h"

static const uint8_t black[3];

static const uint8_t *pixel(const struct sp_image *image, int32_t x, int32_t y)
{
	if (x < 0 || y < 0 || x >= (int32_t)image->width || y >= (int32_t)image->height)
		return black;
	return image->rgb + 3 * ((size_t)y * image->width + (size_t)x);
}

static void sample(const struct sp_image *image, float x, float y, uint8_t *rgb)
{
	int32_t i, j;

	/* Far outside everything is black, and places may not fit an integer. */
	x = approx_clamp(x, -2, (float)image->width + 1);
	y = approx_clamp(y, -2, (float)image->height + 1);
	i = approx_floor(x);
	j = approx_floor(y);
	for (int c = 0; c < 3; c++)
		rgb[c] = sp_to_u8(sp_bilinear(
			pixel(image, i, j)[c], pixel(image, i + 1, j)[c], pixel(image, i, j + 1)[c],
			pixel(image, i + 1, j + 1)[c], x - (float)i, y - (float)j));
}

int lanesim_aligned(const struct sp_image *image, const float landmark[LANESIM_LANDMARKS][2],
		    uint32_t side, uint8_t *rgb)
{
	float from[LANESIM_LANDMARKS][2], to[LANESIM_LANDMARKS][2];
	float scale = (float)side / SP_ALIGNED_SIDE;
	struct sp_similarity fit, inverse;
	int res;

	/* The appliance's centres of pixels are whole numbers. */
	for (int i = 0; i < LANESIM_LANDMARKS; i++) {
		for (int c = 0; c < 2; c++) {
			from[i][c] = landmark[i][c] - 0.5f;
			to[i][c] = sp_align_template[i][c] * scale;
		}
	}
	res = sp_align_fit(from, to, &fit);
	if (!res)
		res = sp_align_invert(&fit, &inverse);
	if (res)
		return res;
	for (uint32_t y = 0; y < side; y++) {
		for (uint32_t x = 0; x < side; x++, rgb += 3) {
			float at[2];

			sp_similarity_apply(&inverse, (float)x, (float)y, &at[0], &at[1]);
			sample(image, at[0], at[1], rgb);
		}
	}
	return 0;
}

void lanesim_landmarks_shake(float landmark[LANESIM_LANDMARKS][2], float share, uint64_t seed)
{
	float x = landmark[1][0] - landmark[0][0], y = landmark[1][1] - landmark[0][1];
	float deviation = share * sqrtf(x * x + y * y);
	uint64_t series = draw_series(seed, 0x7368616B);

	for (int i = 0; i < LANESIM_LANDMARKS; i++)
		for (int c = 0; c < 2; c++)
			landmark[i][c] += deviation * draw_gauss(&series);
}
