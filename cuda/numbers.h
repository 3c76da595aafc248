/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of a tensor's numbers in registers, as float32. Kernels are made for both types of number:
 * float, and uint16_t, which is a bfloat16.
 */
#ifndef SP_CUDA_NUMBERS_H
#define SP_CUDA_NUMBERS_H

#include "cuda/bf16.h"
#include "cuda/dialect.h"
#include "cuda/tensor.h"
#include "infer/element.h"

static __device__ __forceinline__ void sp_bf16_split(uint32_t pair, float to[2])
{
	to[0] = sp_bf16_first(pair);
	to[1] = sp_bf16_second(pair);
}

/* ---- four numbers: 16 bytes, 8 of bfloat16; aligned ---- */

static __device__ __forceinline__ void sp_get4(const float *at, float to[4])
{
	float4 four = *(const float4 *)at;

	to[0] = four.x;
	to[1] = four.y;
	to[2] = four.z;
	to[3] = four.w;
}

static __device__ __forceinline__ void sp_get4(const uint16_t *at, float to[4])
{
	uint2 four = *(const uint2 *)at;

	sp_bf16_split(four.x, to);
	sp_bf16_split(four.y, to + 2);
}

static __device__ __forceinline__ void sp_put4(float *at, const float from[4])
{
	*(float4 *)at = make_float4(from[0], from[1], from[2], from[3]);
}

static __device__ __forceinline__ void sp_put4(uint16_t *at, const float from[4])
{
	*(uint2 *)at = make_uint2(sp_bf16_pair(from[0], from[1]), sp_bf16_pair(from[2], from[3]));
}

/* ---- two numbers; aligned ---- */

static __device__ __forceinline__ void sp_get2(const float *at, float to[2])
{
	float2 two = *(const float2 *)at;

	to[0] = two.x;
	to[1] = two.y;
}

static __device__ __forceinline__ void sp_get2(const uint16_t *at, float to[2])
{
	sp_bf16_split(*(const uint32_t *)at, to);
}

static __device__ __forceinline__ void sp_put2(float *at, const float from[2])
{
	*(float2 *)at = make_float2(from[0], from[1]);
}

static __device__ __forceinline__ void sp_put2(uint16_t *at, const float from[2])
{
	*(uint32_t *)at = sp_bf16_pair(from[0], from[1]);
}

/* ---- as many as are 16 bytes; aligned ---- */

static __device__ __forceinline__ void sp_get(const float *at, float to[4])
{
	sp_get4(at, to);
}

static __device__ __forceinline__ void sp_get(const uint16_t *at, float to[8])
{
	uint4 eight = *(const uint4 *)at;

	sp_bf16_split(eight.x, to);
	sp_bf16_split(eight.y, to + 2);
	sp_bf16_split(eight.z, to + 4);
	sp_bf16_split(eight.w, to + 6);
}

static __device__ __forceinline__ void sp_put(float *at, const float from[4])
{
	sp_put4(at, from);
}

static __device__ __forceinline__ void sp_put(uint16_t *at, const float from[8])
{
	*(uint4 *)at = make_uint4(sp_bf16_pair(from[0], from[1]), sp_bf16_pair(from[2], from[3]),
				  sp_bf16_pair(from[4], from[5]), sp_bf16_pair(from[6], from[7]));
}

/*
 * Kernels of plain runs are made for those of 16 bytes, and for those of four numbers, which
 * pictures that go into a network need. Channels from @pitch on, of a tensor that is not as wide,
 * are 0.
 */
template <int LENGTH, typename Number>
static __device__ __forceinline__ void sp_get_run(const Number *at, uint32_t channel,
						  uint32_t pitch, float to[LENGTH])
{
	SP_UNROLL
	for (int i = 0; i < LENGTH; i++)
		to[i] = 0.0f;
	if (channel >= pitch)
		return;
	if constexpr (LENGTH == 4)
		sp_get4(at, to);
	else
		sp_get(at, to);
}

template <int LENGTH, typename Number>
static __device__ __forceinline__ void sp_put_run(Number *at, const float from[LENGTH])
{
	if constexpr (LENGTH == 4)
		sp_put4(at, from);
	else
		sp_put(at, from);
}

/* Numbers of a run that fits @one and @other. */
static inline uint32_t sp_run_length(const struct sp_device_tensor *one,
				     const struct sp_device_tensor *other)
{
	return one->type == SP_TENSOR_BF16 && one->pitch % 8 == 0 && other->pitch % 8 == 0 ? 8 : 4;
}

/* Channels [@c, …) of @n that begin with @first become 0, as all padding is. */
template <int n>
static __device__ __forceinline__ void sp_pad(uint32_t first, uint32_t c, float x[n])
{
	if (first + n <= c)
		return;
	SP_UNROLL
	for (int i = 0; i < n; i++)
		x[i] = first + i < c ? x[i] : 0.0f;
}

/* ---- one number ---- */

static __device__ __forceinline__ float sp_get1(const float *at)
{
	return *at;
}

static __device__ __forceinline__ float sp_get1(const uint16_t *at)
{
	return sp_bf16_to_float(*at);
}

static __device__ __forceinline__ void sp_put1(float *at, float from)
{
	*at = from;
}

static __device__ __forceinline__ void sp_put1(uint16_t *at, float from)
{
	*at = sp_bf16_of(from);
}

/* ---- grids of threads that each take every so manieth item ---- */

enum { SP_GRID_THREADS = 256 };

/* @items: 0 must not be launched. */
static inline dim3 sp_grid(size_t items)
{
	size_t blocks = (items + SP_GRID_THREADS - 1) / SP_GRID_THREADS;

	return dim3(blocks < 1 << 20 ? (unsigned int)blocks : 1 << 20);
}

static __device__ __forceinline__ size_t sp_grid_first(void)
{
	return (size_t)blockIdx.x * SP_GRID_THREADS + threadIdx.x;
}

static __device__ __forceinline__ size_t sp_grid_step(void)
{
	return (size_t)gridDim.x * SP_GRID_THREADS;
}

#endif
