/* SPDX-License-Identifier: Apache-2.0 */
/* What the card itself can do: memory copied as fast as it goes, products with all in registers. */
#include "bench/gpu.h"
#include "cuda/dialect.h"
#include "cuda/mma.h"

enum { COPY_THREADS = 256 };

static __global__ void __launch_bounds__(COPY_THREADS)
	copy_all(const uint4 *__restrict__ from, uint4 *__restrict__ to, uint64_t n)
{
	uint64_t step = (uint64_t)gridDim.x * blockDim.x;

	for (uint64_t i = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step)
		to[i] = from[i];
}

extern "C" cudaError_t gpu_copy_launch(cudaStream_t stream, const void *from, void *to,
				       uint64_t bytes)
{
	uint64_t n = bytes / 16, blocks = (n + COPY_THREADS - 1) / COPY_THREADS;

	return sp_launch(copy_all, dim3((unsigned int)(blocks < 65535 ? blocks : 65535)),
			 dim3(COPY_THREADS), 0, stream, (const uint4 *)from, (uint4 *)to, n);
}

/* Chains that do not wait for each other; what comes out is written so that none is left out. */
static __global__ void __launch_bounds__(GPU_TENSOR_WARPS * 32)
	multiply(uint32_t rounds, float *__restrict__ to)
{
	float d[GPU_TENSOR_CHAINS][4];
	uint32_t a[4], b[2];
	float sum = 0;

	for (int i = 0; i < 4; i++)
		a[i] = 0x3C003C00u + threadIdx.x + i;
	for (int i = 0; i < 2; i++)
		b[i] = 0x3C003C00u + threadIdx.x * 3 + i;
#pragma unroll
	for (int k = 0; k < GPU_TENSOR_CHAINS; k++)
		for (int i = 0; i < 4; i++)
			d[k][i] = 0;
	for (uint32_t round = 0; round < rounds; round++) {
#pragma unroll
		for (int k = 0; k < GPU_TENSOR_CHAINS; k++)
			sp_mma(d[k], a, b);
	}
#pragma unroll
	for (int k = 0; k < GPU_TENSOR_CHAINS; k++)
		for (int i = 0; i < 4; i++)
			sum += d[k][i];
	to[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

extern "C" cudaError_t gpu_tensor_launch(cudaStream_t stream, uint32_t blocks, uint32_t rounds,
					 float *to)
{
	return sp_launch(multiply, dim3(blocks), dim3(GPU_TENSOR_WARPS * 32), 0, stream, rounds,
			 to);
}
