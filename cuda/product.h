/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of matrices by the threads of a block: rows (pixels) × channels in shared memory, times
 * weights as fragments.h has them, read from global memory: they are a few KiB that stay in the
 * first cache, and every warp wants them in registers at once.
 *
 * Rows are 2, 4 or 8 granules of 16 bytes (`log`: 1, 2 or 3). Where granule @column of a row lies
 * is turned with the row, so that 8 rows' granules of one column are in all 32 banks.
 */
#ifndef SP_CUDA_PRODUCT_H
#define SP_CUDA_PRODUCT_H

#include "cuda/dialect.h"
#include "cuda/mma.h"
#include "cuda/tensor.h"

enum { SP_GRANULE = 16, SP_GRANULES_MAX = 8 };

/* Bytes from the first row on. */
static __device__ __forceinline__ uint32_t sp_granule(uint32_t log, uint32_t row, uint32_t column)
{
	return ((row << log) + (column ^ ((row >> (3 - log)) & ((1U << log) - 1)))) * SP_GRANULE;
}

/* A step's weights of @outputs tiles of 8 outputs: this lane's. */
template <int outputs>
static __device__ __forceinline__ void sp_product_weights(const uint4 *at, uint32_t b[outputs][2])
{
	SP_UNROLL
	for (int i = 0; i < outputs / 2; i++) {
		uint4 two = __ldg(at + i * 32);

		b[2 * i][0] = two.x;
		b[2 * i][1] = two.y;
		b[2 * i + 1][0] = two.z;
		b[2 * i + 1][1] = two.w;
	}
}

/* Sums begin with the biases from @bias, this thread's first output's, on. */
template <int type, int tiles, int outputs>
static __device__ __forceinline__ void sp_product_begin(const float *bias,
							float sums[tiles][outputs][4])
{
	SP_UNROLL
	for (int i = 0; i < outputs; i++) {
		float2 low = __ldg((const float2 *)(bias + 8 * i)), high = low;

		if (type == SP_TENSOR_F32)
			high = __ldg((const float2 *)(bias + 2));
		SP_UNROLL
		for (int m = 0; m < tiles; m++) {
			sums[m][i][0] = low.x;
			sums[m][i][1] = low.y;
			sums[m][i][2] = high.x;
			sums[m][i][3] = high.y;
		}
	}
}

/*
 * By a warp: sums += @count of its tiles of 16 rows × tiles of 8 outputs, of @steps × 16 channels
 * from the rows' first granule on. @row: of its first tile this lane's, lane % 16 from that tile's
 * first; @down, a multiple of 8: rows from tile to tile. @weights: this lane's; @stride: from step
 * to step.
 */
template <int tiles, int outputs>
static __device__ __forceinline__ void
sp_product_bf16(float sums[tiles][outputs][4], uint32_t count, const uint8_t *rows, uint32_t log,
		uint32_t row, uint32_t down, const uint4 *weights, uint32_t stride, uint32_t steps)
{
	/* Granule 2 step + half, turned: sp_granule's sum with the row's part taken out. */
	uint32_t half = threadIdx.x % 32 / 16, next = (down << log) * SP_GRANULE;
	uint32_t at = sp_granule(log, row, half), turned = at & ((1U << log) - 1) * SP_GRANULE;

	rows += at - turned;
	SP_ROLL
	for (uint32_t step = 0; step < steps; step++, weights += stride) {
		const uint8_t *tile = rows + (turned ^ 2 * SP_GRANULE * step);
		uint32_t b[outputs][2];

		sp_product_weights<outputs>(weights, b);
		SP_UNROLL
		for (uint32_t m = 0; m < tiles; m++) {
			uint32_t a[4];

			if (m >= count)
				break;
			sp_load_matrices(a, tile + m * next);
			SP_UNROLL
			for (int i = 0; i < outputs; i++)
				sp_mma(sums[m][i], a, b[i]);
		}
	}
}

/*
 * By a thread: sums += @count of its rows × 4 outputs, of @steps × 4 channels. @row: its first;
 * @down, a multiple of 8: from row to row. @weights: those of the first channel to these outputs;
 * @width: from channel to channel.
 */
template <int rows_n>
static __device__ __forceinline__ void
sp_product_f32(float sums[rows_n][4], uint32_t count, const uint8_t *rows, uint32_t log,
	       uint32_t row, uint32_t down, const float *weights, uint32_t width, uint32_t steps)
{
	uint32_t next = (down << log) * SP_GRANULE;

	SP_ROLL
	for (uint32_t step = 0; step < steps; step++) {
		const uint8_t *at = rows + sp_granule(log, row, step);
		float4 w[4];

		SP_UNROLL
		for (int i = 0; i < 4; i++, weights += width)
			w[i] = __ldg((const float4 *)weights);
		SP_UNROLL
		for (uint32_t m = 0; m < rows_n; m++) {
			float4 four;

			if (m >= count)
				break;
			four = *(const float4 *)(at + m * next);
			const float x[4] = { four.x, four.y, four.z, four.w };

			SP_UNROLL
			for (int i = 0; i < 4; i++) {
				sums[m][0] += x[i] * w[i].x;
				sums[m][1] += x[i] * w[i].y;
				sums[m][2] += x[i] * w[i].z;
				sums[m][3] += x[i] * w[i].w;
			}
		}
	}
}

#endif
