/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/quality.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "infer/align.h"
#include "infer/element.h"

/* Of the head that quality.h describes, millimetres. */
static const float pupils_mm = 63, mouth_mm = 73, nose_mm = 28;
/* How far down from eyes to mouth the nose tip of a frontal face is. */
static const float nose_level = 0.495f;
static const float degrees = 57.29577951f;

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

enum { FACE_LEFT = 26, FACE_RIGHT = 86, FACE_TOP = 36, FACE_BOTTOM = 104 };

void sp_quality_from_landmarks(const float landmark[5][2], struct sp_quality *quality)
{
	float dx = landmark[1][0] - landmark[0][0], dy = landmark[1][1] - landmark[0][1];
	float distance = sqrtf(dx * dx + dy * dy);
	float eyes[2], mouth[2], u[2], v[2], down, nose_across, nose_down;

	quality->eye_distance = distance;
	quality->yaw = quality->pitch = quality->roll = 90;
	if (!(distance > 0))
		return;
	for (int c = 0; c < 2; c++) {
		eyes[c] = (landmark[0][c] + landmark[1][c]) / 2;
		mouth[c] = (landmark[3][c] + landmark[4][c]) / 2;
	}
	u[0] = dx / distance;
	u[1] = dy / distance;
	v[0] = -u[1];
	v[1] = u[0];
	down = (mouth[0] - eyes[0]) * v[0] + (mouth[1] - eyes[1]) * v[1];
	nose_across = (landmark[2][0] - (eyes[0] + mouth[0]) / 2) * u[0] +
		      (landmark[2][1] - (eyes[1] + mouth[1]) / 2) * u[1];
	nose_down = (landmark[2][0] - eyes[0]) * v[0] + (landmark[2][1] - eyes[1]) * v[1];
	quality->roll = atan2f(dy, dx) * degrees;
	quality->yaw = atanf(nose_across / distance * pupils_mm / nose_mm) * degrees;
	/* A mouth that is not below the eyes is no pose. */
	if (down > 0)
		quality->pitch = atanf((nose_level - nose_down / down) * mouth_mm / nose_mm) *
				 degrees;
}

static float luma_at(const uint8_t *rgb, size_t i)
{
	return sp_luma(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]);
}

void sp_quality_from_aligned(const uint8_t *rgb, struct sp_quality *quality)
{
	enum { SIDE = SP_ALIGNED_SIDE, INNER = SIDE - 2 };
	float luma[SP_ALIGNED_PIXELS];
	double sum = 0, square = 0, light = 0, mean;

	for (size_t i = 0; i < SP_ALIGNED_PIXELS; i++)
		luma[i] = luma_at(rgb, i);
	for (size_t y = 1; y <= INNER; y++) {
		for (size_t x = 1; x <= INNER; x++) {
			const float *at = luma + y * SIDE + x;
			float laplacian = at[-1] + at[1] + at[-SIDE] + at[SIDE] - 4 * at[0];

			sum += (double)laplacian;
			square += (double)laplacian * (double)laplacian;
		}
	}
	for (size_t y = FACE_TOP; y < FACE_BOTTOM; y++)
		for (size_t x = FACE_LEFT; x < FACE_RIGHT; x++)
			light += (double)luma[y * SIDE + x];
	mean = sum / (INNER * INNER);
	quality->sharpness = (float)fmax(square / (INNER * INNER) - mean * mean, 0);
	quality->exposure =
		(float)(light / (255.0 * (FACE_BOTTOM - FACE_TOP) * (FACE_RIGHT - FACE_LEFT)));
}

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

static bool is_below(float value, float limit)
{
	return limit > 0 && !(value >= limit);
}

static bool is_above(float value, float limit)
{
	return limit > 0 && !(value <= limit);
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
	if (place->damaged)
		reasons |= SP_FACE_DAMAGED;
	if (!(box[0] > 0 && box[1] > 0 && box[0] + box[2] < (float)place->width &&
	      box[1] + box[3] < (float)place->height))
		reasons |= SP_FACE_CUT;
	if (place->network && is_below(quality->network, limits->network_min))
		reasons |= SP_FACE_POOR;
	return reasons;
}
