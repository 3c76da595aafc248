/* SPDX-License-Identifier: Apache-2.0 */
/* The head that infer/quality.h describes, turned, then seen from far away. */
#ifndef SP_TESTS_INFER_HEAD_H
#define SP_TESTS_INFER_HEAD_H

#include <math.h>

/*
 * Millimetres from between its pupils: x right in the image, y down, z towards the camera. Angles
 * in degrees; @scale pixels a millimetre.
 */
static inline void head_turn(float landmark[5][2], double yaw, double pitch, double roll,
			     double scale)
{
	static const double points[5][3] = {
		{ -31.5, 0, 0 }, { 31.5, 0, 0 }, { 0, 0.495 * 73, 28 },
		{ -25, 73, 0 },	 { 25, 73, 0 },
	};
	const double rad = M_PI / 180;

	for (int i = 0; i < 5; i++) {
		double x = points[i][0], y = points[i][1], z = points[i][2], turned;

		turned = x * cos(yaw * rad) + z * sin(yaw * rad);
		z = z * cos(yaw * rad) - x * sin(yaw * rad);
		x = turned;
		turned = y * cos(pitch * rad) - z * sin(pitch * rad);
		y = turned;
		landmark[i][0] = (float)(500 + scale * (x * cos(roll * rad) - y * sin(roll * rad)));
		landmark[i][1] = (float)(400 + scale * (x * sin(roll * rad) + y * cos(roll * rad)));
	}
}

#endif
