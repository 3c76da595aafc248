/* SPDX-License-Identifier: Apache-2.0 */
#include "chance.h"

static uint64_t first, state;

void sp_chance_seed(uint64_t seed)
{
	first = seed;
	state = seed;
}

uint64_t sp_chance_first(void)
{
	return first;
}

/* SplitMix64: every seed, 0 too, is as good as any other. */
uint32_t sp_chance(uint32_t n)
{
	uint64_t x = state += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	x ^= x >> 31;
	return (uint32_t)((x >> 32) * n >> 32);
}
