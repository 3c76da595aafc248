/* SPDX-License-Identifier: Apache-2.0 */
/* The colour of skin. */
#ifndef LANESIM_SKIN_TONE_H
#define LANESIM_SKIN_TONE_H

#include "lanesim/render/approx.h"

/*
 * log2 of the albedo falls with the melanin share @m as a + b m + c m²: chosen by eye between very
 * light (.78 .50 .37) and very dark (.075 .033 .021) skin; in the near infrared melanin hardly
 * absorbs.
 */
static inline float skin_tone_red(float m)
{
	return approx_exp2(-0.36f - m * (0.03f + 3.35f * m));
}

static inline float skin_tone_green(float m)
{
	return approx_exp2(-1.01f - m * (1.17f + 2.74f * m));
}

static inline float skin_tone_blue(float m)
{
	return approx_exp2(-1.44f - m * (2.74f + 1.39f * m));
}

static inline float skin_tone_nir(float m)
{
	return 0.6f - 0.2f * m;
}

#endif
