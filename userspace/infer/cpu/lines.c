/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/cpu/lines.h"

#include <pthread.h>

#include "infer/cpu/features.h"
#include "infer/cpu/kernel/lines.h"

static const struct set {
	const struct sp_lines *lines;
	unsigned int needs; /* enum sp_feature */
} sets[] = {
#ifdef __x86_64__
	{ &sp_lines_avx512, SP_FEATURE_AVX512 },
	{ &sp_lines_avx2, SP_FEATURE_AVX2 },
#endif
	{ &sp_lines_base, 0 },
};

enum { SETS = sizeof(sets) / sizeof(sets[0]) };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const struct sp_lines *usable[SETS + 1];

static void choose(void)
{
	unsigned int features = sp_features(), n = 0;

	for (unsigned int i = 0; i < SETS; i++) {
		if ((sets[i].needs & features) == sets[i].needs)
			usable[n++] = sets[i].lines;
	}
}

const struct sp_lines *const *sp_lines_all(void)
{
	pthread_once(&once, choose);
	return usable;
}

const struct sp_lines *sp_lines_best(void)
{
	return *sp_lines_all();
}
