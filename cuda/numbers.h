/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of a tensor's numbers in registers, as float32. Kernels are made for both types of number:
 * float, and uint16_t, which is a bfloat16.
 */
#ifndef SP_CUDA_NUMBERS_H
#define SP_CUDA_NUMBERS_H

#include "cuda/bf16.h"
#include "cuda/dialect.h"
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

/* ---- as many as are 16 bytes; aligned ---- */

template <typename Number> struct sp_run {
	enum { LENGTH = 16 / sizeof(Number) };
};

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

#endif
