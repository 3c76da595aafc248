/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As many float32 as a register of the instruction set at hand has. Sums by sp_fma are the same on
 * every set with fused multiply-add, whatever the lanes; without, the product is rounded too.
 */
#ifndef SP_INFER_CPU_KERNEL_VECTOR_H
#define SP_INFER_CPU_KERNEL_VECTOR_H

#include <stdint.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define SP_LANES 16
#elif defined(__AVX2__)
#define SP_LANES 8
#else
#define SP_LANES 4
#endif

/*
 * SP_INLINE: bodies whose constant arguments make loops without branches. SP_UNROLL: of a loop that
 * keeps its values in registers. Where sanitizers, or clang for its fuzzers, look into every copy
 * that would take minutes to compile: there they are functions and loops like any other.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__)
#define SP_INLINE static inline
#define SP_UNROLL
#else
#define SP_INLINE static inline __attribute__((always_inline))
#define SP_UNROLL _Pragma("GCC unroll 16")
#endif

typedef float sp_vector __attribute__((vector_size(4 * SP_LANES)));
typedef int32_t sp_lanes __attribute__((vector_size(4 * SP_LANES)));

SP_INLINE sp_vector sp_load(const float *from)
{
	sp_vector x;

	__builtin_memcpy(&x, from, sizeof(x));
	return x;
}

SP_INLINE void sp_store(float *to, sp_vector x)
{
	__builtin_memcpy(to, &x, sizeof(x));
}

SP_INLINE sp_vector sp_broadcast(float x)
{
#if defined(__AVX512F__)
	return (sp_vector)_mm512_set1_ps(x);
#elif defined(__AVX2__)
	return (sp_vector)_mm256_set1_ps(x);
#else
	return (sp_vector){ x, x, x, x };
#endif
}

/* a · b + c */
SP_INLINE sp_vector sp_fma(sp_vector a, sp_vector b, sp_vector c)
{
#if defined(__AVX512F__)
	return (sp_vector)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
	return (sp_vector)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__ARM_FEATURE_FMA)
	sp_vector sum;

	for (unsigned int i = 0; i < SP_LANES; i++)
		sum[i] = __builtin_fmaf(a[i], b[i], c[i]);
	return sum;
#else
	return a * b + c;
#endif
}

/* The same of one number: whatever a loop is made into, lines and their ends round alike. */
SP_INLINE float sp_fma_one(float a, float b, float c)
{
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
	return __builtin_fmaf(a, b, c);
#else
	return a * b + c;
#endif
}

SP_INLINE sp_vector sp_choose(sp_lanes where, sp_vector yes, sp_vector no)
{
	return (sp_vector)((where & (sp_lanes)yes) | (~where & (sp_lanes)no));
}

SP_INLINE sp_vector sp_max(sp_vector a, sp_vector b)
{
#if defined(__AVX512F__)
	return (sp_vector)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
	return (sp_vector)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__SSE2__)
	return (sp_vector)_mm_max_ps((__m128)a, (__m128)b);
#else
	return sp_choose(a > b, a, b);
#endif
}

SP_INLINE sp_vector sp_min(sp_vector a, sp_vector b)
{
#if defined(__AVX512F__)
	return (sp_vector)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
	return (sp_vector)_mm256_min_ps((__m256)a, (__m256)b);
#elif defined(__SSE2__)
	return (sp_vector)_mm_min_ps((__m128)a, (__m128)b);
#else
	return sp_choose(a < b, a, b);
#endif
}

/* x < 0 ? x · slope : x */
SP_INLINE sp_vector sp_slope(sp_vector x, sp_vector slope)
{
#if defined(__AVX512F__)
	__mmask16 below = _mm512_cmp_ps_mask((__m512)x, _mm512_setzero_ps(), _CMP_LT_OQ);

	return (sp_vector)_mm512_mask_mul_ps((__m512)x, below, (__m512)x, (__m512)slope);
#else
	return sp_choose(x < (sp_vector){ 0 }, x * slope, x);
#endif
}

#endif
