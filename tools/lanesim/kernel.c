/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/kernel.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

extern const struct lanesim_kernels lanesim_kernels_base;
#ifdef __x86_64__
extern const struct lanesim_kernels lanesim_kernels_avx2, lanesim_kernels_avx512;
#endif

static _Atomic(const struct lanesim_kernels *) chosen;

const struct lanesim_kernels *lanesim_kernels_available(unsigned int i)
{
	const struct lanesim_kernels *sets[3] = { &lanesim_kernels_base };
	unsigned int n = 1;

#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		sets[n++] = &lanesim_kernels_avx2;
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		sets[n++] = &lanesim_kernels_avx512;
#endif
	return i < n ? sets[i] : NULL;
}

static const struct lanesim_kernels *choose(void)
{
	const char *wanted = getenv("LANESIM_ISA");
	const struct lanesim_kernels *best = NULL, *set;

	for (unsigned int i = 0; (set = lanesim_kernels_available(i)); i++) {
		best = set;
		if (wanted && !strcmp(wanted, set->isa))
			return set;
	}
	return best;
}

const struct lanesim_kernels *lanesim_kernels(void)
{
	const struct lanesim_kernels *kernels = atomic_load(&chosen);

	if (!kernels) { /* threads that meet here choose alike */
		kernels = choose();
		atomic_store(&chosen, kernels);
	}
	return kernels;
}

void lanesim_kernels_use(const struct lanesim_kernels *kernels)
{
	atomic_store(&chosen, kernels);
}
