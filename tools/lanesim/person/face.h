/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical face: where features lie before an identity moves them. Centimetres, heights from
 * the line of the eyes. What shapes the head (kernel/relief.c), paints it (kernel/skin.c) and
 * measures it (head.c) agrees here.
 */
#ifndef LANESIM_FACE_H
#define LANESIM_FACE_H

#include <stdint.h>

#include "lanesim/person/identity.h"
#include "lanesim/render/approx.h"

#define FACE_CROWN 11.4f
#define FACE_CHIN (-12.0f)
#define FACE_EYE_X 3.15f
#define FACE_EYE_RADIUS 1.28f
#define FACE_TIP (-4.1f) /* of the nose */
#define FACE_NOSE_BASE (-5.2f)
#define FACE_MOUTH (-7.3f) /* the line between the lips */
#define FACE_MOUTH_X 2.55f /* half its width */

static inline float face_get(const struct lanesim_identity *identity, enum lanesim_parameter p)
{
	return identity->parameter[p];
}

/* z of the eyeball's centre. */
static inline float face_eye_z(const struct lanesim_identity *identity)
{
	return 6.45f - 0.6f * face_get(identity, LANESIM_P_EYE_DEPTH);
}

/*
 * The lids' edges over the width of the eye: @u from −1 (inner corner) to 1. The highest point of
 * the upper lid lies inwards of the middle, the lowest of the lower lid outwards.
 */
static inline float face_lid_upper(const struct lanesim_identity *identity, float u)
{
	float m = u + 0.12f * (1 - u * u);

	return face_get(identity, LANESIM_P_LID_UPPER) *
		       approx_pow(approx_max(1 - m * m, 0), 0.62f) +
	       face_get(identity, LANESIM_P_EYE_TILT) * u;
}

static inline float face_lid_lower(const struct lanesim_identity *identity, float u)
{
	float m = u - 0.15f * (1 - u * u);

	return face_get(identity, LANESIM_P_EYE_TILT) * u -
	       face_get(identity, LANESIM_P_LID_LOWER) * approx_pow(approx_max(1 - m * m, 0), 0.7f);
}

/* The lips' outer edges at @x, |x| ≤ FACE_MOUTH_X. */
static inline float face_lip_upper(const struct lanesim_identity *identity, float x)
{
	float u = x / FACE_MOUTH_X, ax = x < 0 ? -x : x;
	float arch = approx_pow(approx_max(1 - u * u, 0), 0.8f);
	float cupid = face_get(identity, LANESIM_P_CUPID);
	float bow = approx_bump((ax - 0.55f) / 0.45f) - 0.9f * approx_bump(x / 0.3f);

	return FACE_MOUTH +
	       face_get(identity, LANESIM_P_LIP_UPPER) * arch * (0.86f + 0.22f * cupid * bow);
}

static inline float face_lip_lower(const struct lanesim_identity *identity, float x)
{
	float u = x / FACE_MOUTH_X;

	return FACE_MOUTH - face_get(identity, LANESIM_P_LIP_LOWER) *
				    approx_pow(approx_max(1 - u * u, 0), 0.75f);
}

/* Distance from the fold between nose wing and mouth corner, outwards. */
static inline float face_fold(float ax, float y)
{
	float t = approx_clamp((-4.3f - y) / 3.6f, 0, 1);

	return ax - (2.05f + 1.15f * t + 0.25f * t * t);
}

/*
 * A smooth field of an identity's at @n points (x[i], y), about N(0, 1); even in x but for its
 * tilt, or odd.
 */
static inline void face_field_row(const struct lanesim_field *field, float y, const float *x,
				  int odd, float *ret, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		ret[i] = 0;
	for (int w = 0; w < LANESIM_WAVES; w++) {
		float along = field->wave[w].kx;
		float start = odd ? 0 : 0.5f * LANESIM_PI + field->wave[w].tilt;
		float height = 0.8165f * approx_cos(field->wave[w].ky * y + field->wave[w].phase);

		for (uint32_t i = 0; i < n; i++)
			ret[i] += height * approx_sin(along * x[i] + start);
	}
}

#endif
