/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Better first, equals by the lower index: an order without ties as one number, a key, of which the
 * larger is better. 0 is no key. Keys make results independent of the order of threads.
 */
#ifndef SP_CUDA_ORDER_H
#define SP_CUDA_ORDER_H

#include "cuda/dialect.h"

/* A float as an integer in the same order; no NaN. 0 and -0 are one. */
static __device__ __forceinline__ uint32_t sp_order_of(float x)
{
	uint32_t bits = __float_as_uint(x + 0.0f);

	return bits & 0x80000000 ? ~bits : bits | 0x80000000;
}

static __device__ __forceinline__ float sp_order_value(uint32_t order)
{
	return __uint_as_float(order & 0x80000000 ? order & 0x7FFFFFFF : ~order);
}

static __device__ __forceinline__ uint64_t sp_key(float value, uint32_t index)
{
	return (uint64_t)sp_order_of(value) << 32 | (uint32_t)~index;
}

static __device__ __forceinline__ float sp_key_value(uint64_t key)
{
	return sp_order_value((uint32_t)(key >> 32));
}

static __device__ __forceinline__ uint32_t sp_key_index(uint64_t key)
{
	return ~(uint32_t)key;
}

/*
 * Sorts @n keys, a power of two, in shared memory, largest first (Batcher's bitonic network). All
 * threads of the block call together; what they wrote before is seen, and what is sorted by all
 * after.
 */
static __device__ __forceinline__ void sp_keys_sort(uint64_t *keys, uint32_t n)
{
	__syncthreads();
	for (uint32_t run = 2; run <= n; run *= 2) {
		for (uint32_t apart = run / 2; apart; apart /= 2) {
			for (uint32_t i = threadIdx.x; i < n / 2; i += blockDim.x) {
				uint32_t a = 2 * i - (i & (apart - 1)), b = a + apart;
				uint64_t first = keys[a], second = keys[b];
				/*
				 * Every other run the other way round, so that two make a bitonic
				 * one.
				 */
				bool falling = !(a & run);

				if ((first < second) == falling) {
					keys[a] = second;
					keys[b] = first;
				}
			}
			__syncthreads();
		}
	}
}

#endif
