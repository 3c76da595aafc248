/* SPDX-License-Identifier: Apache-2.0 */
/* What the quality network looks at, where a face lies in its frame, and the figure to rank by. */
#include "infer/quality.h"

#include <math.h>
#include <stddef.h>

#include "infer/align.h"
#include "infer/element.h"

static const float degrees = 57.29577951f;

/*
 * Where pixel @i of 96 lies among 112, centres at halves: (i + 1/2) 7/6 - 1/2 = (14 i + 1) / 12.
 * The weight of the right neighbour is in 2048ths.
 */
static uint32_t tap(uint32_t i, int *ret_weight)
{
	uint32_t twelfths = 14 * i + 1;

	*ret_weight = (int)((twelfths % 12 * 2048 + 6) / 12);
	return twelfths / 12;
}

void sp_quality_to_input(const uint8_t *rgb, const struct sp_input_form *form, float *input)
{
	for (uint32_t y = 0; y < SP_QUALITY_SIDE; y++) {
		int wy, wx;
		const uint8_t *line = rgb + (size_t)tap(y, &wy) * SP_ALIGNED_SIDE * 3;

		for (uint32_t x = 0; x < SP_QUALITY_SIDE; x++) {
			const uint8_t *at = line + 3 * (size_t)tap(x, &wx);
			const uint8_t *below = at + 3 * SP_ALIGNED_SIDE;
			float *to = input + y * SP_QUALITY_SIDE + x;

			for (unsigned int i = 0; i < 3; i++) {
				unsigned int c = form->bgr ? 2 - i : i;
				int level = sp_bilinear_u8(at[c], at[3 + c], below[c], below[3 + c],
							   wx, wy);

				to[(size_t)i * SP_QUALITY_PIXELS] = (float)level * form->scale[i] +
								    form->shift[i];
			}
		}
	}
}

void sp_quality_from_frame(const float landmark[5][2], uint32_t width, uint32_t height,
			   struct sp_quality *quality)
{
	float distance = quality->eye_distance;
	float x = (landmark[0][0] + landmark[1][0]) / 2, y = (landmark[0][1] + landmark[1][1]) / 2;

	quality->margin_left = quality->margin_above = 0;
	quality->margin_right = quality->margin_below = 0;
	if (!(distance > 0))
		return;
	quality->margin_left = x / distance;
	quality->margin_above = y / distance;
	quality->margin_right = ((float)width - x) / distance;
	quality->margin_below = ((float)height - y) / distance;
}

float sp_quality_rank(const struct sp_quality *quality, bool network)
{
	float size = sp_clamp(quality->eye_distance / 60, 0, 1);
	float pose = sp_clamp(cosf(quality->yaw / degrees), 0, 1) *
		     sp_clamp(cosf(quality->pitch / degrees), 0, 1);
	float focus = sp_clamp(quality->sharpness / (quality->sharpness + 50), 0, 1);
	float light = sp_clamp(fminf(quality->exposure, 1 - quality->exposure) * 4, 0, 1);
	float whole = sp_clamp(1 - quality->occlusion, 0, 1);

	return size * pose * focus * light * whole *
	       (network ? sp_clamp(quality->network, 0, 1) : 1);
}
