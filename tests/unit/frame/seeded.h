/* SPDX-License-Identifier: Apache-2.0 */
/* Random choices of a test by a seed that it prints: xorshift (Marsaglia 2003). */
#ifndef SP_TESTS_UNIT_FRAME_SEEDED_H
#define SP_TESTS_UNIT_FRAME_SEEDED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t rng_state;

/* $SP_SEED, or @seed. */
__attribute__((unused)) static void seed_with(uint64_t seed)
{
	const char *text = getenv("SP_SEED");

	seed = text ? strtoull(text, NULL, 0) : seed;
	printf("# seed %llu\n", (unsigned long long)seed);
	rng_state = seed * 0x9E3779B97F4A7C15ull + 1;
}

__attribute__((unused)) static uint64_t rng_step(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

/* 0 … @n - 1 */
__attribute__((unused)) static uint32_t rnd(uint32_t n)
{
	return (uint32_t)((rng_step() >> 20) % n);
}

/* Any 64 bits. */
__attribute__((unused)) static uint64_t rnd64(void)
{
	return rng_step() * 0x2545F4914F6CDD1Dull;
}

__attribute__((unused)) static bool per_mille(uint32_t p)
{
	return rnd(1000) < p;
}

#endif
