/* SPDX-License-Identifier: Apache-2.0 */
/* The activation at the end of a step, of numbers that a thread has. */
#ifndef SP_CUDA_ACT_H
#define SP_CUDA_ACT_H

#include "cuda/conv.h"
#include "cuda/dialect.h"
#include "infer/element.h"

/*
 * Of @n numbers of channels @first, @first + 1, …: all of them below the result's pitch, which is how
 * far slopes go. One branch for all @n, and the same in every thread. No number (NaN) becomes the
 * lower limit, as sp_clamp has it.
 */
template <int n>
static __device__ __forceinline__ void sp_act(const struct sp_step_act *act, uint32_t first,
					      float x[n])
{
	float low = act->kind == SP_ACT_CLIP ? act->low : 0.0f;

	if (act->kind == SP_ACT_NONE)
		return;
	SP_UNROLL
	for (int i = 0; i < n; i++) {
		if (act->kind == SP_ACT_SIGMOID)
			x[i] = sp_sigmoid(x[i]);
		else if (act->kind == SP_ACT_PRELU)
			x[i] = x[i] > 0 ? x[i] : x[i] * __ldg(act->slope + first + i);
		else
			x[i] = fmaxf(x[i], low);
		if (act->kind == SP_ACT_CLIP)
			x[i] = fminf(x[i], act->high);
	}
}

#endif
