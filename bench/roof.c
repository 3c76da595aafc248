/* SPDX-License-Identifier: Apache-2.0 */
#include "roof.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#define IN_REGISTER "+v"
#else
#define IN_REGISTER "+w"
#endif

#include "base/clock.h"
#include "infer/cpu/features.h"

enum {
	STEPS = 20000,
	RUNS = 60,
	SUMS = 12, /* more than any CPU's latency times its units; they fit 16 registers */
};

/*
 * @step adds a product to sum[i]. The empty assembly makes a value unknown, so that nothing is
 * computed before the loop, or left out.
 */
#define CHAINS(name, attributes, type, step)                                                       \
	attributes static void name(void)                                                          \
	{                                                                                          \
		type sum[SUMS] = { 0 }, x = { 0 }, y = { 0 };                                      \
                                                                                                   \
		__asm__ volatile("" : IN_REGISTER(x), IN_REGISTER(y));                             \
		for (unsigned int n = 0; n < STEPS; n++) {                                         \
			_Pragma("GCC unroll 12") for (unsigned int i = 0; i < SUMS; i++)           \
			{                                                                          \
				step;                                                              \
				__asm__ volatile("" : IN_REGISTER(sum[i]));                        \
			}                                                                          \
		}                                                                                  \
	}

typedef float four __attribute__((vector_size(16)));

#ifdef __x86_64__
/* Two instructions; the empty one keeps the product from being computed once for all. */
CHAINS(portable, , four, __asm__ volatile("" : IN_REGISTER(x)); sum[i] += x * y)
CHAINS(avx2, __attribute__((target("avx2,fma"))), __m256, sum[i] = _mm256_fmadd_ps(x, y, sum[i]))
CHAINS(avx512, __attribute__((target("avx512f"))), __m512, sum[i] = _mm512_fmadd_ps(x, y, sum[i]))
CHAINS(avx512_bf16, __attribute__((target("avx512f,avx512bf16"))), __m512,
       sum[i] = _mm512_dpbf16_ps(sum[i], (__m512bh)x, (__m512bh)y))

/* Four tiles of sums from two of pixels and two of weights, whole ones: 16 rows of 64 bytes. */
__attribute__((target("avx512f,amx-tile,amx-bf16"))) static void amx(void)
{
	/* Palette 1 (Intel SDM volume 2, LDTILECFG): bytes a row at 16, rows at 48. */
	uint8_t config[64] __attribute__((aligned(64))) = { 1 };

	for (unsigned int t = 0; t < 8; t++) {
		config[16 + 2 * t] = 64;
		config[48 + t] = 16;
	}
	_tile_loadconfig(config);
	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	_tile_zero(4);
	_tile_zero(5);
	_tile_zero(6);
	_tile_zero(7);
	for (unsigned int n = 0; n < STEPS / 16; n++) {
		_tile_dpbf16ps(0, 4, 6);
		_tile_dpbf16ps(1, 4, 7);
		_tile_dpbf16ps(2, 5, 6);
		_tile_dpbf16ps(3, 5, 7);
	}
	_tile_release();
}
#else
CHAINS(portable, , four, sum[i] += x * y)
#endif

static const struct roof {
	const char *kernels;
	void (*run)(void);
	unsigned int needs; /* enum sp_feature */
	double multiply_adds; /* a run */
} roofs[] = {
	{ "portable", portable, 0, 4.0 * SUMS *STEPS },
#ifdef __x86_64__
	{ "avx2", avx2, SP_FEATURE_AVX2, 8.0 * SUMS *STEPS },
	{ "avx512", avx512, SP_FEATURE_AVX512, 16.0 * SUMS *STEPS },
	{ "onednn", avx512, SP_FEATURE_AVX512, 16.0 * SUMS *STEPS },
	{ "onednn", avx2, SP_FEATURE_AVX2, 8.0 * SUMS *STEPS },
	{ "avx512_bf16", avx512_bf16, SP_FEATURE_AVX512_BF16, 32.0 * SUMS *STEPS },
	{ "amx", amx, SP_FEATURE_AMX, 16.0 * 16 * 32 * 4 * (STEPS / 16) },
#endif
	/* Computed in float32 without help. */
	{ "bf16", portable, 0, 4.0 * SUMS *STEPS },
	{ "onednn", portable, 0, 4.0 * SUMS *STEPS },
};

static double best(const struct roof *roof)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < RUNS; i++) {
		uint64_t from = sp_clock_now(), took;

		roof->run();
		took = sp_clock_now() - from;
		least = took < least ? took : least;
	}
	return roof->multiply_adds * 1e9 / (double)least;
}

double roof_measure(const char *kernels)
{
	unsigned int features = sp_features();

	for (unsigned int i = 0; i < sizeof(roofs) / sizeof(roofs[0]); i++) {
		if (!strcmp(roofs[i].kernels, kernels) &&
		    (roofs[i].needs & features) == roofs[i].needs)
			return best(&roofs[i]);
	}
	return 0;
}
