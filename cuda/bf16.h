/* SPDX-License-Identifier: Apache-2.0 */
/* bfloat16 two at a time, as a word of memory has them: the first in the lower half. */
#ifndef SP_CUDA_BF16_H
#define SP_CUDA_BF16_H

#include "cuda/dialect.h"
#include "infer/element.h"

/* To nearest, ties to even; one instruction for both from sm_80 on. */
static __device__ __forceinline__ uint32_t sp_bf16_pair(float first, float second)
{
#ifdef SP_CUDA_EMULATED
	return sp_bf16_of(first) | (uint32_t)sp_bf16_of(second) << 16;
#else
	uint32_t pair;

	asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
	return pair;
#endif
}

static __device__ __forceinline__ float sp_bf16_first(uint32_t pair)
{
	return __uint_as_float(pair << 16);
}

static __device__ __forceinline__ float sp_bf16_second(uint32_t pair)
{
	return __uint_as_float(pair & 0xFFFF0000);
}

#endif
