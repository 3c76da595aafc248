/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bfloat16: the upper half of a float32. Vectors of them (kernel/vector.h) are either as many
 * halves as there are lanes, or pairs of halves, one pair a lane, the first in the lower bits.
 *
 * Rounding is to nearest, ties to even; subnormal numbers become zeros of their sign, and NaNs
 * become quiet, as by VCVTNEPS2BF16 (Intel SDM volume 2), so that all sets give the same numbers.
 */
#ifndef SP_INFER_CPU_KERNEL_HALF_H
#define SP_INFER_CPU_KERNEL_HALF_H

#include "infer/cpu/kernel/vector.h"

enum {
	SP_HALF_QUIET = 1 << 6, /* of a NaN's upper half */
};

typedef uint32_t sp_words __attribute__((vector_size(4 * SP_LANES)));
typedef uint16_t sp_halves __attribute__((vector_size(2 * SP_LANES)));

static inline uint16_t sp_half(float x)
{
	uint32_t bits, size;

	__builtin_memcpy(&bits, &x, sizeof(bits));
	size = bits & 0x7FFFFFFF;
	if (size > 0x7F800000)
		return (uint16_t)(bits >> 16 | SP_HALF_QUIET);
	if (size < 0x00800000)
		return (uint16_t)(bits >> 16 & 0x8000);
	return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

#ifdef __AVX512BF16__

SP_INLINE sp_vector sp_half_load(const void *from)
{
	__m512i words = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from));

	return (sp_vector)_mm512_slli_epi32(words, 16);
}

SP_INLINE void sp_half_store(void *to, sp_vector x)
{
	_mm256_storeu_si256(to, (__m256i)_mm512_cvtneps_pbh((__m512)x));
}

/* One vector at @to, the next at @next. */
SP_INLINE void sp_half_store_two(void *to, void *next, sp_vector x, sp_vector y)
{
	__m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)y, (__m512)x);

	_mm256_storeu_si256(to, _mm512_castsi512_si256(both));
	_mm256_storeu_si256(next, _mm512_extracti64x4_epi64(both, 1));
}

/* Pairs of rounded numbers. */
SP_INLINE sp_words sp_half_pairs(sp_vector first, sp_vector second)
{
	static const uint16_t order[32] __attribute__((aligned(64))) = {
		0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
		8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31,
	};
	__m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);

	return (sp_words)_mm512_permutexvar_epi16(_mm512_load_si512(order), both);
}

/* sum + a₂ b₂ + a₁ b₁ of pairs, in this order, rounded after each. */
SP_INLINE sp_vector sp_half_dot(sp_vector sum, sp_words a, sp_words b)
{
	return (sp_vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
}

/* The same with one pair, from memory, in all lanes of @b. */
SP_INLINE sp_vector sp_half_dot_one(sp_vector sum, sp_words a, const void *b)
{
	/* Compilers load it by an instruction of its own. */
	__asm__("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(a), "m"(*(const char(*)[4])b));
	return sum;
}

#else

/* Rounded, in the upper half of each word; the lower half is zero. */
SP_INLINE sp_words sp_half_round(sp_vector x)
{
	sp_words bits = (sp_words)x, size = bits & 0x7FFFFFFF;
	sp_words nan = (sp_words)((sp_lanes)size > 0x7F800000);
	sp_words small = (sp_words)((sp_lanes)size < 0x00800000);
	sp_words rounded = bits + 0x7FFF + (bits >> 16 & 1);

	rounded = (nan & (bits | SP_HALF_QUIET << 16)) | (~nan & rounded);
	rounded = (small & bits & 0x80000000) | (~small & rounded);
	return rounded & 0xFFFF0000;
}

SP_INLINE sp_vector sp_half_load(const void *from)
{
	sp_halves x;

	__builtin_memcpy(&x, from, sizeof(x));
	return (sp_vector)(__builtin_convertvector(x, sp_words) << 16);
}

SP_INLINE void sp_half_store(void *to, sp_vector x)
{
	sp_halves halves = __builtin_convertvector(sp_half_round(x) >> 16, sp_halves);

	__builtin_memcpy(to, &halves, sizeof(halves));
}

SP_INLINE void sp_half_store_two(void *to, void *next, sp_vector x, sp_vector y)
{
	sp_half_store(to, x);
	sp_half_store(next, y);
}

SP_INLINE sp_words sp_half_pairs(sp_vector first, sp_vector second)
{
	return sp_half_round(first) >> 16 | sp_half_round(second);
}

/* Products of halves are exact in float32, so a fused multiply-add would give the same. */
SP_INLINE sp_vector sp_half_dot(sp_vector sum, sp_words a, sp_words b)
{
	sum += (sp_vector)(a & 0xFFFF0000) * (sp_vector)(b & 0xFFFF0000);
	return sum + (sp_vector)(a << 16) * (sp_vector)(b << 16);
}

#endif

/* Pairs side by side, and one pair in all lanes. */
SP_INLINE sp_words sp_pairs_load(const void *from)
{
	sp_words x;

	__builtin_memcpy(&x, from, sizeof(x));
	return x;
}

SP_INLINE sp_words sp_pairs_broadcast(const void *from)
{
	float pair;

	__builtin_memcpy(&pair, from, sizeof(pair));
	return (sp_words)sp_broadcast(pair);
}

#ifndef __AVX512BF16__
SP_INLINE sp_vector sp_half_dot_one(sp_vector sum, sp_words a, const void *b)
{
	return sp_half_dot(sum, a, sp_pairs_broadcast(b));
}
#endif

#endif
