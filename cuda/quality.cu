/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure: a block a face. Luma is made once and kept in shared memory, in two parts that share two
 * lines; each thread sums what is its own in float64, as the CPU does, and the sums are added in
 * one order whatever the threads do.
 *
 * Numbers, a face: 12,544 × 5 operations of luma, 12,100 × 5 of the Laplacian, 32,400 of float64;
 * 38,304 bytes read, 28 written.
 */
#include "cuda/face.h"

#include "cuda/dialect.h"
#include "infer/face_part.h"

enum {
	SIDE = SP_ALIGNED_SIDE,
	THREADS = SP_FACE_LEVELS,
	INNER = SIDE - 2, /* lines and columns with neighbours */
	PART = INNER / 2, /* of these lines, at once */
	LINES = PART + 2,
	FOURS = SIDE / 4, /* of pixels: 12 bytes, a line */
};

enum sum { DETAIL, DETAIL_SQUARE, LIGHT, LIGHT_SQUARE, SUMS };

struct memory {
	float luma[LINES][SIDE];
	double sum[THREADS];
	uint32_t level[2][SP_FACE_LEVELS]; /* of the halves */
	uint32_t dark, white, common;
};

/* Lines [@first, + LINES) of the picture; four pixels at once, so that words are read. */
static __device__ void make_luma(struct memory *memory, const uint8_t *rgb, uint32_t first)
{
	const uint32_t *words = (const uint32_t *)(rgb + first * 3 * SIDE);

	for (uint32_t i = threadIdx.x; i < LINES * FOURS; i += THREADS) {
		uint32_t a = words[3 * i], b = words[3 * i + 1], c = words[3 * i + 2];
		float4 four = make_float4(sp_luma(a & 255, a >> 8 & 255, a >> 16 & 255),
					  sp_luma(a >> 24, b & 255, b >> 8 & 255),
					  sp_luma(b >> 16 & 255, b >> 24, c & 255),
					  sp_luma(c >> 8 & 255, c >> 16 & 255, c >> 24));

		*(float4 *)&memory->luma[i / FOURS][i % FOURS * 4] = four;
	}
}

static __device__ void add_detail(const struct memory *memory, double sums[SUMS])
{
	for (uint32_t i = threadIdx.x; i < PART * INNER; i += THREADS) {
		uint32_t y = 1 + i / INNER, x = 1 + i % INNER;
		float laplacian = memory->luma[y][x - 1] + memory->luma[y][x + 1] +
				  memory->luma[y - 1][x] + memory->luma[y + 1][x] -
				  4 * memory->luma[y][x];

		sums[DETAIL] += (double)laplacian;
		sums[DETAIL_SQUARE] += (double)laplacian * (double)laplacian;
	}
}

/* Of the face's pixels in the lines that have neighbours here; @first is the part's first line. */
static __device__ void add_light(struct memory *memory, uint32_t first, double sums[SUMS])
{
	const uint32_t width = SP_FACE_RIGHT - SP_FACE_LEFT;
	uint32_t top = max(first + 1, (uint32_t)SP_FACE_TOP);
	uint32_t bottom = min(first + 1 + PART, (uint32_t)SP_FACE_BOTTOM);

	for (uint32_t i = threadIdx.x; i < (bottom - top) * width; i += THREADS) {
		uint32_t y = top - first + i / width, x = SP_FACE_LEFT + i % width;
		float level = memory->luma[y][x];

		sums[LIGHT] += (double)level;
		sums[LIGHT_SQUARE] += (double)level * (double)level;
		atomicAdd(&memory->level[x >= SP_FACE_MIDDLE][sp_to_u8(level)], 1u);
	}
}

/* The block's sum of a number of each thread, always in the same order. All get it. */
static __device__ double sum_up(struct memory *memory, double own)
{
	uint32_t t = threadIdx.x;
	double sum;

	memory->sum[t] = own;
	__syncthreads();
	for (uint32_t apart = THREADS / 2; apart; apart /= 2) {
		if (t < apart)
			memory->sum[t] += memory->sum[t + apart];
		__syncthreads();
	}
	sum = memory->sum[0];
	__syncthreads();
	return sum;
}

static __device__ double variance(double sum, double square, double n)
{
	double mean = sum / n;

	return fmax(square / n - mean * mean, 0.0);
}

/* Thread t looks at level t, a few of them at a coarse bin too. Returns t's part of the entropy. */
static __device__ double count_levels(struct memory *memory)
{
	uint32_t t = threadIdx.x, n = memory->level[0][t] + memory->level[1][t];
	double share = (double)n / SP_FACE_PIXELS;

	if (n && t <= SP_FACE_BLACK_MAX)
		atomicAdd(&memory->dark, n);
	if (n && t >= SP_FACE_WHITE_MIN)
		atomicAdd(&memory->white, n);
	if (t % SP_FACE_COARSE == 0) {
		uint32_t half[2] = { 0, 0 };

		for (uint32_t k = t; k < t + SP_FACE_COARSE; k++)
			for (int h = 0; h < 2; h++)
				half[h] += memory->level[h][k];
		atomicAdd(&memory->common, min(half[0], half[1]));
	}
	return n ? -share * log2(share) : 0.0;
}

static __global__ void __launch_bounds__(THREADS)
	measure(const uint8_t *aligned, struct sp_aligned_measures *measures)
{
	__shared__ struct memory memory;
	const uint8_t *rgb = aligned + (size_t)blockIdx.x * SP_ALIGNED_BYTES;
	uint32_t t = threadIdx.x;
	struct sp_aligned_measures found;
	double sums[SUMS] = { 0, 0, 0, 0 }, bits;

	memory.level[0][t] = memory.level[1][t] = 0;
	if (!t)
		memory.dark = memory.white = memory.common = 0;
	for (uint32_t first = 0; first < INNER; first += PART) {
		make_luma(&memory, rgb, first);
		__syncthreads();
		add_detail(&memory, sums);
		add_light(&memory, first, sums);
		__syncthreads();
	}
	for (int i = 0; i < SUMS; i++)
		sums[i] = sum_up(&memory, sums[i]);
	bits = sum_up(&memory, count_levels(&memory));
	if (t)
		return;
	found.sharpness = (float)variance(sums[DETAIL], sums[DETAIL_SQUARE], INNER * INNER);
	found.exposure = (float)(sums[LIGHT] / (255.0 * SP_FACE_PIXELS));
	found.contrast =
		(float)(sqrt(variance(sums[LIGHT], sums[LIGHT_SQUARE], SP_FACE_PIXELS)) / 255);
	found.underexposed = (float)memory.dark / SP_FACE_PIXELS;
	found.overexposed = (float)memory.white / SP_FACE_PIXELS;
	found.dynamic_range = (float)bits;
	found.evenness = (float)memory.common / (SP_FACE_PIXELS / 2.0f);
	measures[blockIdx.x] = found;
}

cudaError_t sp_measure_launch(cudaStream_t stream, const uint8_t *aligned, uint32_t n,
			      struct sp_aligned_measures *measures)
{
	if (!n)
		return cudaSuccess;
	return sp_launch(measure, dim3(n), dim3(THREADS), 0, stream, aligned, measures);
}
