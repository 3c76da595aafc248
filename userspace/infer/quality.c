/* SPDX-License-Identifier: Apache-2.0 */
/* Where a face lies in its frame, and the figure to rank by. */
#include "infer/quality.h"

#include <math.h>

#include "infer/align.h"
#include "infer/element.h"

static const float degrees = 57.29577951f;

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
