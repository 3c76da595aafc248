/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies in the host's memory, once a block: by many threads together, over the bus in one go.
 */
#ifndef SP_CUDA_PINNED_H
#define SP_CUDA_PINNED_H

#include "cuda/dialect.h"

/*
 * All threads of the block call, at least 64 of them, and may read *@to then. Both aligned to
 * words.
 */
template <typename Item>
static __device__ __forceinline__ void sp_pinned_read(Item *to, const Item *from)
{
	static_assert(sizeof(Item) % 4 == 0 && sizeof(Item) <= 256, "64 words at most");

	if (threadIdx.x < sizeof(Item) / 4)
		((uint32_t *)to)[threadIdx.x] = ((const uint32_t *)from)[threadIdx.x];
	__syncthreads();
}

#endif
