/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers by seed, where spread is wanted and secrecy is not: SplitMix64 (Steele, Lea, Flood 2014).
 * Seeds that differ by one give unrelated series.
 */
#ifndef SP_BASE_RANDOM_H
#define SP_BASE_RANDOM_H

#include <stdint.h>

#define SP_RANDOM_STEP 0x9E3779B97F4A7C15ull

/* A bijection of 64 bits: multiplies by odd constants, folds the high bits down. */
static inline uint64_t sp_random_mix(uint64_t x)
{
	x += SP_RANDOM_STEP;
	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ull;
	x = (x ^ x >> 27) * 0x94D049BB133111EBull;
	return x ^ x >> 31;
}

/* The next number of the series that *@state, at first the seed, stands for. */
static inline uint64_t sp_random_next(uint64_t *state)
{
	uint64_t number = sp_random_mix(*state);

	*state += SP_RANDOM_STEP;
	return number;
}

#endif
