/* SPDX-License-Identifier: Apache-2.0 */
/* The activation at the end of a step, of numbers that a thread has. */
#ifndef SP_CUDA_ACT_H
#define SP_CUDA_ACT_H

#include "cuda/conv.h"
#include "cuda/dialect.h"
#include "infer/element.h"

/*
 * Of @n numbers: runs of @run neighbouring channels, the first of them @first, each run @step
 * channels after the one before. Slopes are read below channel @limit, the result's pitch. One
 * branch for all @n, and the same in every thread. No number (NaN) becomes the lower limit, as
 * sp_clamp has it.
 */
template <int n, int run, int step>
static __device__ __forceinline__ void sp_act_runs(const struct sp_step_act *act, uint32_t first,
						   uint32_t limit, float x[n])
{
	switch (act->kind) {
	case SP_ACT_NONE:
		return;
	case SP_ACT_RELU:
		SP_UNROLL
		for (int i = 0; i < n; i++)
			x[i] = fmaxf(x[i], 0.0f);
		return;
	case SP_ACT_CLIP:
		SP_UNROLL
		for (int i = 0; i < n; i++)
			x[i] = fminf(fmaxf(x[i], act->low), act->high);
		return;
	case SP_ACT_SIGMOID:
		SP_UNROLL
		for (int i = 0; i < n; i++)
			x[i] = sp_sigmoid(x[i]);
		return;
	case SP_ACT_PRELU:
		SP_UNROLL
		for (int i = 0; i < n; i++) {
			uint32_t channel = first + i / run * step + i % run;

			if (channel < limit && !(x[i] > 0))
				x[i] *= __ldg(act->slope + channel);
		}
		return;
	}
}

/* Of @n numbers of channels @first, @first + 1, …: all of them below the result's pitch. */
template <int n>
static __device__ __forceinline__ void sp_act(const struct sp_step_act *act, uint32_t first,
					      float x[n])
{
	sp_act_runs<n, n, 0>(act, first, first + n, x);
}

#endif
