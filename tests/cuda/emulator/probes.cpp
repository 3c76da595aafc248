/* SPDX-License-Identifier: Apache-2.0 */
#include "probes.h"

#include "cuda/async.h"
#include "cuda/dialect.h"
#include "cuda/mma.h"

static __global__ void reverse(enum sp_probe_fault fault, const float *from, float *to, uint32_t n)
{
	__shared__ float tile[SP_PROBE_THREADS];
	uint32_t at = blockIdx.x * blockDim.x + threadIdx.x;

	tile[threadIdx.x] = from[at];
	if (fault != SP_PROBE_WITHOUT_BARRIER)
		__syncthreads();
	to[n - 1 - (blockIdx.x * blockDim.x + SP_PROBE_THREADS - 1 - threadIdx.x)] =
		tile[SP_PROBE_THREADS - 1 - threadIdx.x];
}

cudaError_t sp_probe_reverse(cudaStream_t stream, enum sp_probe_fault fault, const float *from,
			     float *to, uint32_t blocks)
{
	return sp_launch(reverse, blocks, SP_PROBE_THREADS, 0, stream, fault, from, to,
			 blocks * SP_PROBE_THREADS);
}

/* Two buffers; while one is read the other fills. A block works on four times 64 floats. */
static __global__ void copy(enum sp_probe_fault fault, const float *from, float *to)
{
	enum { STAGES = 4 };
	SP_SHARED(memory);
	float *buffers = (float *)memory;
	uint32_t thread = threadIdx.x, base = blockIdx.x * STAGES * SP_PROBE_THREADS;

	for (uint32_t stage = 0; stage <= STAGES; stage++) {
		if (stage < STAGES && thread < SP_PROBE_THREADS / 4)
			sp_async_copy(&buffers[stage % 2 * SP_PROBE_THREADS + thread * 4],
				      &from[base + stage * SP_PROBE_THREADS + thread * 4], true);
		sp_async_commit();
		if (!stage)
			continue;
		if (fault != SP_PROBE_WITHOUT_WAIT)
			sp_async_wait<1>();
		__syncthreads();
		to[base + (stage - 1) * SP_PROBE_THREADS + thread] =
			buffers[(stage - 1) % 2 * SP_PROBE_THREADS + (thread ^ 1)];
		if (fault != SP_PROBE_WITHOUT_BARRIER_BEFORE_COPY)
			__syncthreads();
	}
}

cudaError_t sp_probe_copy(cudaStream_t stream, enum sp_probe_fault fault, const float *from,
			  float *to, uint32_t blocks)
{
	return sp_launch(copy, blocks, SP_PROBE_THREADS, 2 * SP_PROBE_THREADS * sizeof(float),
			 stream, fault, from, to);
}

/* Of the faulty one: no multiple of what it is aligned to. */
enum { SHARED_FLOATS = 80 };

static __device__ float deep(int levels, float x)
{
	volatile float room[4096];

	room[levels % 4096] = x;
	return levels ? deep(levels - 1, room[levels % 4096]) + room[levels % 4096] : x;
}

static __global__ void faulty(enum sp_probe_fault fault, float *to)
{
	__shared__ float array[SP_PROBE_THREADS];
	SP_SHARED(memory);
	float *shared = (float *)memory;
	uint32_t thread = threadIdx.x, four[4];

	switch (fault) {
	case SP_PROBE_BARRIER_BY_SOME:
		if (thread < 32)
			__syncthreads();
		else
			__syncwarp(thread < 40 ? 0xff : 0xffffff00);
		if (thread >= 32)
			__shfl_sync(0xffffffff, to[thread], 40);
		__syncthreads();
		break;
	case SP_PROBE_BARRIER_AFTER_RETURN:
		if (thread == 7)
			return;
		__syncthreads();
		break;
	case SP_PROBE_WARP_BY_SOME:
		if (thread & 1)
			to[thread] = __shfl_xor_sync(0xffffffff, 1.0f, 2);
		break;
	case SP_PROBE_WARP_OTHER_MASKS:
		__syncwarp(thread & 1 ? 0xffffffff : 0x55555555);
		break;
	case SP_PROBE_SHARED_BEYOND:
		shared[SHARED_FLOATS + thread / 63] = 1;
		break;
	case SP_PROBE_SHARED_FAR_BEYOND:
		to[thread] = shared[SHARED_FLOATS + 16 + thread * 64];
		break;
	case SP_PROBE_SHARED_UNSET:
		to[thread] = shared[thread];
		shared[thread] = 1;
		break;
	case SP_PROBE_ARRAY_UNSET:
		to[thread] = array[thread];
		array[thread] = 1;
		break;
	case SP_PROBE_DEVICE_BEYOND:
		to[thread + 1] = 1;
		break;
	case SP_PROBE_MISALIGNED_COPY:
		sp_async_copy(shared, to + 1, true);
		break;
	case SP_PROBE_MISALIGNED_ROW:
		sp_load_matrices(four, shared + thread % 32 + 1);
		break;
	case SP_PROBE_DEEP_STACK:
		to[thread] = deep(1 << 10, 1);
		break;
	default:
		to[thread] = 1;
	}
}

cudaError_t sp_probe_fault(cudaStream_t stream, enum sp_probe_fault fault, float *to)
{
	return sp_launch(faulty, 2, SP_PROBE_THREADS, SHARED_FLOATS * sizeof(float), stream, fault,
			 to);
}

static __global__ void warp_operations(uint32_t *to)
{
	uint32_t thread = threadIdx.x, lane = thread % 32, n = 0;
	uint32_t *mine = to + thread * SP_PROBE_WARP_RESULTS;
	uint32_t odd = lane & 1 ? 0xaaaaaaaa : 0x55555555;
	const uint32_t all = 0xffffffff;

	mine[n++] = __shfl_sync(all, thread, 5);
	mine[n++] = __shfl_sync(all, thread, (int)lane + 1, 8);
	mine[n++] = __shfl_up_sync(all, thread, 3);
	mine[n++] = __shfl_up_sync(all, thread, 3, 16);
	mine[n++] = __shfl_down_sync(all, thread, 3);
	mine[n++] = __shfl_down_sync(all, thread, 3, 4);
	mine[n++] = __shfl_xor_sync(all, thread, 9);
	mine[n++] = __shfl_xor_sync(all, thread, 16, 16);
	mine[n++] = (uint32_t)(__shfl_xor_sync(all, (uint64_t)thread << 32 | 1, 1) >> 32);
	mine[n++] = (uint32_t)__shfl_sync(all, (float)thread + 0.5f, 31);
	mine[n++] = __ballot_sync(all, lane % 3 == 0);
	mine[n++] = __ballot_sync(odd, lane % 3 == 0);
	mine[n++] = (uint32_t)__any_sync(all, lane == 40);
	mine[n++] = (uint32_t)__all_sync(odd, (lane & 1) == (odd == 0xaaaaaaaa));
	mine[n++] = __reduce_add_sync(all, thread);
	mine[n++] = (uint32_t)__reduce_min_sync(all, 10 - (int)lane);
	mine[n++] = (uint32_t)__reduce_max_sync(odd, -1 - (int)lane);
	mine[n++] = __reduce_min_sync(odd, 10u - lane);
	mine[n++] = __reduce_max_sync(all, 10u - lane);
	mine[n++] = __reduce_or_sync(all, 1u << lane / 4) | __reduce_and_sync(all, ~(1u << lane));
	mine[n++] = __reduce_xor_sync(all, lane * 3);
	mine[n++] = (uint32_t)__syncthreads_count(thread % 3 == 0);
	mine[n++] = (uint32_t)__syncthreads_or(thread == 63);
	mine[n++] = (uint32_t)__syncthreads_and(thread != 63);
}

cudaError_t sp_probe_warp(cudaStream_t stream, uint32_t *to)
{
	return sp_launch(warp_operations, 1, SP_PROBE_THREADS, 0, stream, to);
}

static __global__ void bits(uint32_t x, uint32_t y, uint32_t select, uint32_t *to)
{
	uint32_t n = 0;

	to[n++] = (uint32_t)__popc(x);
	to[n++] = (uint32_t)__clz((int)x);
	to[n++] = (uint32_t)__ffs((int)x);
	to[n++] = __funnelshift_r(x, y, select);
	to[n++] = __funnelshift_l(x, y, select);
	to[n++] = __byte_perm(x, y, select);
	to[n++] = __float_as_uint(__uint_as_float(x));
	to[n++] = __umulhi(x, y);
	to[n++] = min(x, y);
	to[n++] = (uint32_t)max((int)x, (int)y);
	to[n++] = __float_as_uint(max(__uint_as_float(0x7fc00000), 2.0f));
	to[n++] = __float_as_uint(__fmaf_rn(3.0f, 5.0f, 0.25f));
}

cudaError_t sp_probe_bits(cudaStream_t stream, uint32_t x, uint32_t y, uint32_t select,
			  uint32_t *to)
{
	return sp_launch(bits, 1, 1, 0, stream, x, y, select, to);
}

static __global__ void atomics(unsigned int *to, unsigned long long *to64, float *sum)
{
	uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
	unsigned int before = to[4], seen;

	atomicAdd(&to[0], i);
	atomicMax(&to[1], i);
	atomicMin(&to[2], i);
	atomicOr(&to[3], 1u << i % 32);
	do {
		seen = before;
		before = atomicCAS(&to[4], seen, seen + 2);
	} while (before != seen);
	atomicAdd(&to64[0], (unsigned long long)i << 32);
	atomicMax(&to64[1], (unsigned long long)i << 32);
	atomicAdd(sum, 0.5f);
}

cudaError_t sp_probe_atomics(cudaStream_t stream, unsigned int *to, unsigned long long *to64,
			     float *sum, uint32_t blocks)
{
	return sp_launch(atomics, blocks, SP_PROBE_THREADS, 0, stream, to, to64, sum);
}

/* A's rows come through shared memory, B's columns as they are. */
static __global__ void __launch_bounds__(32)
	product(const uint16_t *__restrict__ a, const uint16_t *__restrict__ b, float *d,
		uint32_t n, uint32_t k)
{
	__shared__ __align__(16)
		uint16_t tile[16][24]; /* rows 48 bytes apart: no two in one bank */
	uint32_t lane = threadIdx.x, g = lane / 4, t = lane % 4;
	uint32_t row = blockIdx.y * 16, column = blockIdx.x * 8;
	float sum[4] = { 0, 0, 0, 0 };
	uint32_t parts[4], column_parts[2];

	for (uint32_t at = 0; at < k; at += 16) {
		__syncwarp();
		sp_async_copy(&tile[lane / 2][lane % 2 * 8],
			      &a[(row + lane / 2) * k + at + lane % 2 * 8], true);
		sp_async_commit();
		sp_async_wait<0>();
		__syncwarp();
		sp_load_matrices(parts, &tile[lane % 16][lane / 16 * 8]);
		for (uint32_t i = 0; i < 2; i++) {
			const uint16_t *from = &b[(at + 2 * t + 8 * i) * n + column + g];

			column_parts[i] = from[0] | (uint32_t)from[n] << 16;
		}
		sp_mma(sum, parts, column_parts);
	}
	for (uint32_t i = 0; i < 4; i++)
		d[(row + g + i / 2 * 8) * n + column + 2 * t + i % 2] = sum[i];
}

cudaError_t sp_probe_product(cudaStream_t stream, const uint16_t *a, const uint16_t *b, float *d,
			     uint32_t m, uint32_t n, uint32_t k)
{
	return sp_launch(product, dim3(n / 8, m / 16), 32, 0, stream, a, b, d, n, k);
}

static __global__ void one_step(uint32_t *counter, uint32_t factor, uint32_t term)
{
	counter[0] = counter[0] * factor + term;
}

cudaError_t sp_probe_step(cudaStream_t stream, uint32_t *counter, uint32_t factor, uint32_t term)
{
	return sp_launch(one_step, 1, 1, 0, stream, counter, factor, term);
}

static __global__ void nothing(const void *)
{
}

cudaError_t sp_probe_nothing(cudaStream_t stream, uint32_t blocks, uint32_t threads, size_t shared,
			     const void *pointer)
{
	return sp_launch(nothing, blocks, threads, shared, stream, pointer);
}

static __global__ void places(uint32_t *to)
{
	uint32_t block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
	uint32_t thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);

	to[block * blockDim.x * blockDim.y * blockDim.z + thread] = block << 16 | thread;
}

cudaError_t sp_probe_places(cudaStream_t stream, uint32_t *to)
{
	return sp_launch(places, dim3(4, 3, 2), dim3(4, 3, 2), 0, stream, to);
}
