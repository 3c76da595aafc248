/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/cpu/kernel.h"

#include <pthread.h>
#include <string.h>

#include "infer/cpu/features.h"
#include "infer/cpu/kernel/sets.h"

/* The fastest of each cell first. */
static const struct set {
	const struct sp_kernels *kernels;
	unsigned int needs; /* enum sp_feature */
} sets[] = {
#ifdef __x86_64__
	{ &sp_kernels_f32_avx512, SP_FEATURE_AVX512 },
	{ &sp_kernels_f32_avx2, SP_FEATURE_AVX2 },
	{ &sp_kernels_amx_amx, SP_FEATURE_AMX },
	{ &sp_kernels_bf16_avx512_bf16, SP_FEATURE_AVX512_BF16 },
#endif
	{ &sp_kernels_f32_base, 0 },
	{ &sp_kernels_bf16_base, 0 },
};

/* For tests on machines without AMX: much too slow for anything else, so they go by name only. */
static const struct set emulated[] = {
#ifdef __x86_64__
	{ &sp_kernels_amx_avx512_bf16, SP_FEATURE_AVX512_BF16 },
#endif
	{ &sp_kernels_amx_base, 0 },
};

enum { SETS = sizeof(sets) / sizeof(sets[0]) };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const struct sp_kernels *usable[SETS + 1];

static void choose(void)
{
	unsigned int features = sp_features(), n = 0;

	for (unsigned int i = 0; i < SETS; i++) {
		if ((sets[i].needs & features) == sets[i].needs)
			usable[n++] = sets[i].kernels;
	}
}

const struct sp_kernels *const *sp_kernels_all(void)
{
	pthread_once(&once, choose);
	return usable;
}

const struct sp_kernels *sp_kernels_named(const char *name)
{
	const struct sp_kernels *const *at = sp_kernels_all();

	while (*at && strcmp((*at)->name, name))
		at++;
	if (*at)
		return *at;
	for (size_t i = 0; i < sizeof(emulated) / sizeof(emulated[0]); i++) {
		if ((emulated[i].needs & sp_features()) == emulated[i].needs &&
		    !strcmp(emulated[i].kernels->name, name))
			return emulated[i].kernels;
	}
	return NULL;
}

const struct sp_kernels *sp_kernels_best(enum sp_precision precision)
{
	const struct sp_kernels *const *all = sp_kernels_all(), *const *at = all;
	enum sp_cell cell = SP_CELL_F32;

	/* Without instructions for bfloat16 that is slower than float32. */
	if (precision == SP_PRECISION_BF16 ||
	    (precision == SP_PRECISION_AUTO && sp_features() & SP_FEATURE_AVX512_BF16))
		cell = SP_CELL_BF16;
	while (*at && (*at)->cell != cell)
		at++;
	return *at ? *at : *all;
}
