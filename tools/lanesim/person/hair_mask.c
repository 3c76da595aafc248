/* SPDX-License-Identifier: Apache-2.0 */
/* Where hair grows. */
#include "lanesim/person/hair.h"

#include "lanesim/render/noise.h"

#define PURPOSE_BALD 0x62616c64u /* of a draw */

enum lanesim_bald lanesim_hair_bald(const struct lanesim_identity *identity)
{
	uint64_t series = draw_series(identity->seed, PURPOSE_BALD);
	float at = draw_uniform(&series);

	if (identity->hair != LANESIM_HAIR_NONE)
		return LANESIM_BALD_NOT;
	if (identity->age > 0.45f)
		return at < 0.6f ? LANESIM_BALD_RIM : LANESIM_BALD_SHAVEN;
	return at < 0.75f ? LANESIM_BALD_SHAVEN : LANESIM_BALD_ALL;
}

/* No hairline is a clean curve. */
static float wobble(const struct lanesim_identity *identity, float angle)
{
	float phase = identity->texture_seed;

	return 0.16f * approx_sin(7 * angle + phase) + 0.1f * approx_sin(17 * angle + 2.3f * phase);
}

/* How far above the front hairline, or behind the temple's edge. */
static float front_distance(const struct lanesim_identity *identity, float a, float y)
{
	float recession = lanesim_get(identity, LANESIM_P_HAIR_RECESSION);
	float line = lanesim_get(identity, LANESIM_P_HAIR_LINE) +
		     1.25f * recession * approx_bump((a - 0.62f) / 0.27f) -
		     0.25f * approx_bump(a / 0.16f);
	float temple = 1.2f - 0.3f * approx_step(1, 6.5f, y) +
		       0.09f * recession * approx_bump((y - 5) / 2.4f);

	return approx_smooth_max(y - line, (a - temple) * 7.3f, 0.9f);
}

/* How far above the lower edge: sideburn, over the ear, nape. */
static float lower_distance(const struct lanesim_identity *identity, float a, float y)
{
	float sideburn = -1.2f - lanesim_get(identity, LANESIM_P_SIDEBURN);
	float ear = approx_step(1.4f, 1.52f, a) * approx_step(2, 1.82f, a);
	float edge = approx_mix(approx_mix(sideburn, -7, approx_step(1.75f, 2.25f, a)), 2.2f, ear);

	return y - edge;
}

float lanesim_hair_mask(const struct lanesim_identity *identity, float angle, float y)
{
	float a = angle < 0 ? -angle : angle, off = wobble(identity, angle);
	float front = front_distance(identity, a, y) + off, lower = lower_distance(identity, a, y);
	float mask = -approx_smooth_max(-front, -lower - 0.7f * off, 0.4f);

	switch (lanesim_hair_bald(identity)) {
	case LANESIM_BALD_ALL:
		return approx_min(mask, -2);
	case LANESIM_BALD_RIM:
		/* A wreath from temple to temple. */
		lower = approx_mix(2.6f, 4.6f, approx_step(1.15f, 1.9f, a)) - y;
		return -approx_smooth_max(-mask, -lower - 2 * off, 0.4f);
	default:
		return mask;
	}
}
