/* SPDX-License-Identifier: Apache-2.0 */
/* How a head is turned, and how sure that is, from five landmarks. */
#include "infer/quality.h"

#include <math.h>

/* Of the head that quality.h describes, millimetres. */
static const float pupils_mm = 63, mouth_mm = 73, nose_mm = 28;
/* How far down from eyes to mouth the nose tip of a frontal face is. */
static const float nose_level = 0.495f;
static const float degrees = 57.29577951f;

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

/* The larger of the ways from atan(@tangent) to atan(@tangent ± 2 @deviation), degrees. */
static float angle_error(double tangent, double deviation)
{
	double angle = atan(tangent), up = atan(tangent + 2 * deviation) - angle;
	double down = angle - atan(tangent - 2 * deviation);

	return (float)(fmax(up, down) * (double)degrees);
}

/*
 * Each coordinate of each landmark is off by s, independently. With d the eye distance, e, m the
 * middles of eyes and mouth, n the nose, all along the eyes' own axes u and v:
 *	the axes turn by √2 s / d, and d itself is off by √2 s;
 *	p = (n - (e + m) / 2)·u is off by √(5/4) s, and by its v for what the axes turn;
 *	a = (n - e)·v is off by √(3/2) s, b = (m - e)·v by s, together by cov = s² / 2, and both by
 *	their u for what the axes turn.
 * First order: var(p / d) = (5/4 + 2 (p / d)² + 2 (p_v / d)²) (s / d)²;
 *	var(a / b) = (3/2 + r² - r + 2 ((a_u - r b_u) / d)²) (s / b)² with r = a / b.
 */
void sp_quality_pose_errors(const float landmark[5][2], float landmark_error,
			    struct sp_quality *quality)
{
	/* Of a point off by s each way, the mean distance is √(π/2) s. */
	double s = (double)landmark_error * sqrt(2 / M_PI), nose[2], mouth[2], u[2], d, p, p_v, r;

	quality->yaw_error = quality->pitch_error = quality->roll_error = 90;
	d = hypot((double)landmark[1][0] - (double)landmark[0][0],
		  (double)landmark[1][1] - (double)landmark[0][1]);
	if (!(d > 0))
		return;
	/* From here on the eye distance is 1, and e the origin. */
	for (int c = 0; c < 2; c++) {
		double eyes = ((double)landmark[0][c] + (double)landmark[1][c]) / 2;

		u[c] = ((double)landmark[1][c] - (double)landmark[0][c]) / d;
		nose[c] = ((double)landmark[2][c] - eyes) / d;
		mouth[c] = (((double)landmark[3][c] + (double)landmark[4][c]) / 2 - eyes) / d;
	}

	double nose_u = nose[0] * u[0] + nose[1] * u[1], nose_v = nose[1] * u[0] - nose[0] * u[1];
	double mouth_u = mouth[0] * u[0] + mouth[1] * u[1];
	double mouth_v = mouth[1] * u[0] - mouth[0] * u[1];

	p = nose_u - mouth_u / 2;
	p_v = nose_v - mouth_v / 2;
	quality->roll_error = fminf((float)(2 * sqrt(2) * s) * degrees, 90);
	quality->yaw_error = angle_error(p * (double)(pupils_mm / nose_mm),
					 s * sqrt(1.25 + 2 * p * p + 2 * p_v * p_v) *
						 (double)(pupils_mm / nose_mm));
	if (!(mouth_v > 0))
		return;
	r = nose_v / mouth_v;
	quality->pitch_error =
		angle_error(((double)nose_level - r) * (double)(mouth_mm / nose_mm),
			    s / mouth_v * sqrt(1.5 + r * r - r + 2 * pow(nose_u - r * mouth_u, 2)) *
				    (double)(mouth_mm / nose_mm));
}
