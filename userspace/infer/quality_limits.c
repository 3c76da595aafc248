/* SPDX-License-Identifier: Apache-2.0 */
/* Which faces may be used, and why others may not. */
#include "infer/quality.h"

#include <math.h>

const struct sp_quality_limits sp_quality_default_limits = {
	.eye_distance_min = 24,
	.yaw_max = 45,
	.pitch_max = 35,
	.roll_max = 35,
	.sharpness_min = 25,
	.exposure_min = 0.08f,
	.exposure_max = 0.92f,
	.network_min = 0.4f,
};

static bool is_below(float value, float limit)
{
	return limit > 0 && !(value >= limit);
}

static bool is_above(float value, float limit)
{
	return limit > 0 && !(value <= limit);
}

/* Whether the owner of @limits takes as much damage as that. */
static bool is_tolerated(const struct sp_quality *quality, const struct sp_quality_limits *limits)
{
	return limits->occlusion_max > 0 && !is_above(quality->occlusion, limits->occlusion_max) &&
	       !is_above(quality->aligned_occlusion, limits->occlusion_max);
}

static uint32_t reasons_in_detail(const struct sp_quality *quality,
				  const struct sp_quality_limits *limits)
{
	float margin = fminf(fminf(quality->margin_left, quality->margin_right),
			     fminf(quality->margin_above, quality->margin_below));
	uint32_t reasons = 0;

	if (is_above(quality->underexposed, limits->underexposed_max))
		reasons |= SP_FACE_UNDEREXPOSED;
	if (is_above(quality->overexposed, limits->overexposed_max))
		reasons |= SP_FACE_OVEREXPOSED;
	if (is_below(quality->dynamic_range, limits->dynamic_range_min) ||
	    is_below(quality->contrast, limits->contrast_min))
		reasons |= SP_FACE_FLAT;
	if (is_below(quality->evenness, limits->evenness_min))
		reasons |= SP_FACE_UNEVEN;
	if (is_below(margin, limits->margin_min))
		reasons |= SP_FACE_NEAR_BORDER;
	return reasons;
}

uint32_t sp_quality_reasons(const struct sp_quality *quality,
			    const struct sp_quality_limits *limits,
			    const struct sp_quality_place *place)
{
	const float *box = place->box;
	uint32_t reasons = 0;

	if (is_below(quality->eye_distance, limits->eye_distance_min))
		reasons |= SP_FACE_TOO_SMALL;
	if (is_above(fabsf(quality->yaw), limits->yaw_max) ||
	    is_above(fabsf(quality->pitch), limits->pitch_max) ||
	    is_above(fabsf(quality->roll), limits->roll_max))
		reasons |= SP_FACE_TURNED;
	if (is_below(quality->sharpness, limits->sharpness_min))
		reasons |= SP_FACE_BLURRED;
	if (is_below(quality->exposure, limits->exposure_min))
		reasons |= SP_FACE_DARK;
	if (is_above(quality->exposure, limits->exposure_max))
		reasons |= SP_FACE_BRIGHT;
	if (place->damaged && !is_tolerated(quality, limits))
		reasons |= SP_FACE_DAMAGED;
	if (!(box[0] > 0 && box[1] > 0 && box[0] + box[2] < (float)place->width &&
	      box[1] + box[3] < (float)place->height))
		reasons |= SP_FACE_CUT;
	if (place->network && is_below(quality->network, limits->network_min))
		reasons |= SP_FACE_POOR;
	return quality->detailed ? reasons | reasons_in_detail(quality, limits) : reasons;
}
