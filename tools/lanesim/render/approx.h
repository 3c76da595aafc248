/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elementary functions from +, −, ×, ÷, sqrt and integer operations alone. libm chooses its code by
 * processor and may differ in the last bit from one to the next; these give the same bits on each,
 * and the compiler vectorises loops over them. (Compile with -ffp-contract=off.)
 *
 * Relative errors up to about 1e-6 unless said otherwise: more than a picture needs.
 */
#ifndef LANESIM_APPROX_H
#define LANESIM_APPROX_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define LANESIM_PI 3.14159265358979f

static inline float approx_from_bits(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static inline uint32_t approx_to_bits(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static inline float approx_min(float a, float b)
{
	return a < b ? a : b;
}

static inline float approx_max(float a, float b)
{
	return a > b ? a : b;
}

static inline float approx_clamp(float x, float low, float high)
{
	return approx_min(approx_max(x, low), high);
}

/*
 * @yes ? a : b by masks. A constant behind ?: tempts the compiler to fold what follows into
 * branches, and loops with branches do not become vectors.
 */
static inline float approx_pick(int yes, float a, float b)
{
	uint32_t mask = 0u - (uint32_t)yes;

	return approx_from_bits((approx_to_bits(a) & mask) | (approx_to_bits(b) & ~mask));
}

static inline float approx_mix(float a, float b, float t)
{
	return a + (b - a) * t;
}

/* 0 at @a, 1 at @b (which may be below @a), smooth between, flat outside. */
static inline float approx_step(float a, float b, float x)
{
	float t = approx_clamp((x - a) / (b - a), 0, 1);

	return t * t * (3 - 2 * t);
}

/* Largest whole number ≤ x, for |x| < 2^30. */
static inline int32_t approx_floor(float x)
{
	int32_t i = (int32_t)x;

	return i - (x < (float)i);
}

/* 2^x, x held within ±126. No branches: loops over it become vectors. */
static inline float approx_exp2(float x)
{
	float low = approx_pick(x > -126, x, -126), y = approx_pick(low < 126, low, 126);
	int32_t whole = approx_floor(y);
	float f = y - (float)whole;
	/* Taylor's series of 2^f − 1 about 0 with its coefficients fitted to [0, 1]. */
	float p = 1 + f * (0.69314718f +
			   f * (0.24022651f +
				f * (0.05550411f +
				     f * (0.00961812f + f * (0.00133336f + f * 0.00015469f)))));

	return p * approx_from_bits((uint32_t)(whole + 127) << 23);
}

static inline float approx_exp(float x)
{
	return approx_exp2(x * 1.44269504f);
}

/* log2 of x > 0, absolute error about 1e-6; of x ≤ 0: about −127. */
static inline float approx_log2(float x)
{
	uint32_t bits = approx_to_bits(approx_pick(x > 1.2e-38f, x, 1.2e-38f));
	int32_t exponent = (int32_t)(bits >> 23) - 127;
	float m = approx_from_bits((bits & 0x7FFFFF) | 0x3F800000);
	int high = m > 1.41421356f;
	float y = (high ? m * 0.5f : m) - 1, z = y / (y + 2), z2 = z * z;
	/* atanh's series: log m = 2 (z + z³/3 + z⁵/5 + …) with z = (m − 1)/(m + 1). */
	float l = 2 * z *
		  (1 + z2 * (0.33333333f + z2 * (0.2f + z2 * (0.14285714f + z2 * 0.1111111f))));

	return (float)(exponent + high) + l * 1.44269504f;
}

/* x^a for a > 0; of x ≤ 0: 2^(−127 a), next to nothing. */
static inline float approx_pow(float x, float a)
{
	return approx_exp2(a * approx_log2(x));
}

/* sin(2π t); absolute error about 1e-6. */
static inline float approx_sin_turns(float t)
{
	float x = t - (float)approx_floor(t + 0.5f); /* −½ … ½ */
	float y = x > 0.25f ? 0.5f - x : x < -0.25f ? -0.5f - x : x;
	float r = y * 6.28318531f, r2 = r * r;

	return r * (1 + r2 * (-0.16666667f +
			      r2 * (0.00833333f + r2 * (-0.000198413f + r2 * 2.7557e-6f))));
}

static inline float approx_sin(float x)
{
	return approx_sin_turns(x * 0.159154943f);
}

static inline float approx_cos(float x)
{
	return approx_sin_turns(x * 0.159154943f + 0.25f);
}

/* In radians, (−π, π]; absolute error about 2e-6. (0, 0) gives 0. */
static inline float approx_atan2(float y, float x)
{
	float ax = x < 0 ? -x : x, ay = y < 0 ? -y : y;
	float big = approx_max(ax, ay), small = approx_min(ax, ay), t = small / (big + 1e-30f);
	float t2 = t * t;
	/* A minimax polynomial of atan(t)/t in t² on [0, 1]. */
	float a = t * (0.99999934f +
		       t2 * (-0.33329855f +
			     t2 * (0.19946599f +
				   t2 * (-0.13908534f +
					 t2 * (0.09642004f +
					       t2 * (-0.05590988f +
						     t2 * (0.02186123f + t2 * -0.00405405f)))))));

	a = ay > ax ? 1.57079633f - a : a;
	a = x < 0 ? LANESIM_PI - a : a;
	return y < 0 ? -a : a;
}

/* exp(−x²): a bump of height 1. */
static inline float approx_bump(float x)
{
	return approx_exp2(-1.44269504f * x * x);
}

/* The same in two dimensions, about (x0, y0), with half widths sx, sy. */
static inline float approx_bump2(float x, float y, float x0, float y0, float sx, float sy)
{
	float a = (x - x0) / sx, b = (y - y0) / sy;

	return approx_exp2(-1.44269504f * (a * a + b * b));
}

/* Maximum, rounded off over a width of @k. */
static inline float approx_smooth_max(float a, float b, float k)
{
	float h = approx_clamp(0.5f + 0.5f * (a - b) / k, 0, 1);

	return approx_mix(b, a, h) + k * h * (1 - h);
}

#endif
