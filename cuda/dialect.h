/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kernels are written in: CUDA C, by nvcc for a device, or by a C++ compiler for the emulator
 * of tests/cuda/emulator, which runs every thread of every block on the CPU. Sources in cuda/ use
 * no more of CUDA than both have; what needs instructions by name is here and in mma.h and async.h.
 *
 * A .cu file has a kernel and its launcher, extern "C", with the stream as a parameter. Kernels are
 * static, take plain structs by value, and use:
 *	__global__, __device__, __launch_bounds__, __shared__ (arrays of fixed size), __restrict__
 *	sp_launch(kernel, grid, block, shared_bytes, stream, arguments…) → cudaError_t
 *	SP_SHARED(name): the dynamic shared memory, uint8_t *, 128-byte aligned
 *	threadIdx, blockIdx, blockDim, gridDim; __syncthreads, __syncthreads_or, __syncwarp,
 *	__shfl_sync and its kin, __ballot_sync, __reduce_…_sync, atomicAdd, atomicMax, atomicCAS (32
 *	and 64 bits), __ldg, __popc, __clz, __ffs, __funnelshift_r, __float_as_uint, __uint_as_float,
 *	min, max, uint2, uint4, float2, float4
 *	SP_UNROLL before a loop of a constant number of rounds, whose arrays are to be registers
 *	SP_ROLL before one that is to stay one, for want of registers
 * The emulator has exactly these (and complains of others by not compiling).
 */
#ifndef SP_CUDA_DIALECT_H
#define SP_CUDA_DIALECT_H

#ifdef SP_CUDA_EMULATED
#include "emulator_dialect.h"

#define SP_UNROLL
#define SP_ROLL
#else
#include <cuda_runtime.h>
#include <stddef.h>
#include <stdint.h>

#define SP_UNROLL _Pragma("unroll")
#define SP_ROLL _Pragma("unroll 1")
#define SP_SHARED(name) extern __shared__ __align__(128) uint8_t name[]

/*
 * More than 48 KiB of shared memory, of which a kernel's own arrays are a part, must be asked for.
 * Never less than before: graphs may have launches of the same kernel that need what was asked for
 * then.
 */
static inline cudaError_t sp_launch_room(const void *kernel, size_t shared)
{
	struct cudaFuncAttributes now;
	cudaError_t status;

	/* None that takes as much has arrays of 16 KiB. */
	if (shared <= 32 << 10)
		return cudaSuccess;
	status = cudaFuncGetAttributes(&now, kernel);
	if (status != cudaSuccess || (size_t)now.maxDynamicSharedSizeBytes >= shared)
		return status;
	return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
				    (int)shared);
}

template <typename... Parameters, typename... Arguments>
static inline cudaError_t sp_launch(void (*kernel)(Parameters...), dim3 grid, dim3 block,
				    size_t shared, cudaStream_t stream, Arguments... arguments)
{
	cudaError_t status = sp_launch_room((const void *)kernel, shared);
	cudaLaunchConfig_t config = {};

	if (status != cudaSuccess)
		return status;
	/* Its own status: what cudaGetLastError has may be of an earlier call, such as a query. */
	config.gridDim = grid;
	config.blockDim = block;
	config.dynamicSmemBytes = shared;
	config.stream = stream;
	return cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...);
}
#endif

#endif
