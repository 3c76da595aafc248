/* SPDX-License-Identifier: Apache-2.0 */
/* What the sensor's kernels need to turn light into 8-bit values. */
#ifndef LANESIM_TONE_H
#define LANESIM_TONE_H

#include <stdbool.h>
#include <stdint.h>

#include "lanesim/render/mesh.h"

enum { LANESIM_CURVE = 4096 };
/* The light at the end of the curve; 1 is full scale before highlights are rolled off. */
#define LANESIM_CURVE_TOP 4.0f

struct lanesim_tone {
	bool nir;
	float gain[LANESIM_BANDS];
	float vignette, middle_x, middle_y, over_corner; /* 1 / squared distance of the corner */
	float shot, read;
	uint32_t seed;
	uint8_t curve[LANESIM_CURVE]; /* by the square root of the light */
};

#endif
