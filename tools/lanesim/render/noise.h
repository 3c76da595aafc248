/* SPDX-License-Identifier: Apache-2.0 */
/* Chance and texture by seed: draws in a row, and value noise in space. Same bits everywhere. */
#ifndef LANESIM_NOISE_H
#define LANESIM_NOISE_H

#include "base/random.h"
#include "lanesim/render/approx.h"

/* ---- draws in a row -------------------------------------------------------------------------- */

/* A series of its own for @purpose, unrelated to those of other purposes under the same seed. */
static inline uint64_t draw_series(uint64_t seed, uint64_t purpose)
{
	return sp_random_mix(seed ^ sp_random_mix(purpose));
}

/* [0, 1) */
static inline float draw_uniform(uint64_t *series)
{
	return (float)(sp_random_next(series) >> 40) * (1.0f / 16777216.0f);
}

static inline float draw_between(uint64_t *series, float low, float high)
{
	return low + (high - low) * draw_uniform(series);
}

/* 0 … n − 1 */
static inline unsigned int draw_below(uint64_t *series, unsigned int n)
{
	return (unsigned int)((sp_random_next(series) >> 32) * n >> 32);
}

/* Mean 0, deviation 1, by Box and Muller. */
static inline float draw_gauss(uint64_t *series)
{
	float u = draw_uniform(series) + 1e-7f, v = draw_uniform(series);

	return sqrtf(-1.38629436f * approx_log2(u)) * approx_sin_turns(v);
}

/* ---- in space -------------------------------------------------------------------------------- */

static inline uint32_t noise_hash(int32_t x, int32_t y, int32_t z)
{
	uint32_t h = (uint32_t)x * 0x9E3779B1u ^ (uint32_t)y * 0x85EBCA77u ^
		     (uint32_t)z * 0xC2B2AE3Du;

	h ^= h >> 15;
	h *= 0x2C1B3C6Du;
	h ^= h >> 12;
	h *= 0x297A2D39u;
	return h ^ h >> 15;
}

static inline float noise_lattice(int32_t x, int32_t y, int32_t z)
{
	return (float)(int32_t)(noise_hash(x, y, z) >> 8) * (1.0f / 16777216.0f);
}

/* Value noise in [0, 1], features about 1 wide. */
static inline float noise_at(float x, float y, float z)
{
	int32_t i = approx_floor(x), j = approx_floor(y), k = approx_floor(z);
	float fx = x - (float)i, fy = y - (float)j, fz = z - (float)k;
	float a, b, c, d;

	fx = fx * fx * (3 - 2 * fx);
	fy = fy * fy * (3 - 2 * fy);
	fz = fz * fz * (3 - 2 * fz);
	a = approx_mix(noise_lattice(i, j, k), noise_lattice(i + 1, j, k), fx);
	b = approx_mix(noise_lattice(i, j + 1, k), noise_lattice(i + 1, j + 1, k), fx);
	c = approx_mix(noise_lattice(i, j, k + 1), noise_lattice(i + 1, j, k + 1), fx);
	d = approx_mix(noise_lattice(i, j + 1, k + 1), noise_lattice(i + 1, j + 1, k + 1), fx);
	return approx_mix(approx_mix(a, b, fy), approx_mix(c, d, fy), fz);
}

/* The same without the third dimension; @layer picks an independent field. */
static inline float noise_plane(float x, float y, int32_t layer)
{
	int32_t i = approx_floor(x), j = approx_floor(y);
	float fx = x - (float)i, fy = y - (float)j;

	fx = fx * fx * (3 - 2 * fx);
	fy = fy * fy * (3 - 2 * fy);
	return approx_mix(
		approx_mix(noise_lattice(i, j, layer), noise_lattice(i + 1, j, layer), fx),
		approx_mix(noise_lattice(i, j + 1, layer), noise_lattice(i + 1, j + 1, layer), fx),
		fy);
}

#endif
