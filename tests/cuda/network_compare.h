/* SPDX-License-Identifier: Apache-2.0 */
/* What a built graph gives on the device against what it means. After test.h. */
#ifndef SP_TESTS_CUDA_NETWORK_COMPARE_H
#define SP_TESTS_CUDA_NETWORK_COMPARE_H

#include <math.h>

#include "cuda/network_build.h"
#include "cuda/network_check.h"

static float *pictures_of(struct build *build, uint32_t n, bool rounded)
{
	const struct sp_shape *shape = &build->input.shape;
	size_t all = (size_t)(n * 3 * shape->dim[2] * shape->dim[3]);
	float *pictures = malloc(all * sizeof(*pictures));

	CHECK(pictures);
	for (size_t i = 0; i < all; i++) {
		pictures[i] = build_uniform(build, -1, 1);
		if (rounded)
			pictures[i] = sp_bf16_to_float(sp_bf16_of(pictures[i]));
	}
	return pictures;
}

/* All outputs of picture @picture against what build_run has found. */
static void compare(const struct build *build, const struct running *running, uint32_t picture,
		    double tolerance)
{
	for (unsigned int i = 0; i < build->graph->outputs_n; i++) {
		uint32_t tensor = build->graph->outputs[i];
		const double *want = build->values[tensor];
		int64_t n;
		float *got = running_output(running, i, picture, &n);

		CHECK_EQ(n, sp_shape_elements(build_shape(build, tensor)));
		for (int64_t k = 0; k < n; k++)
			if (!(fabs(got[k] - want[k]) <= tolerance * fmax(1, fabs(want[k]))))
				FAIL("output %u of picture %u at %lld is %.9g, not %.9g", i,
				     picture, (long long)k, got[k], want[k]);
		free(got);
	}
}

#endif
