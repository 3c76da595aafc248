/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How kernels of dense convolutions end, and the order in which those on tensor cores have outputs.
 */
#ifndef SP_CUDA_DIRECT_END_H
#define SP_CUDA_DIRECT_END_H

#include "cuda/act.h"
#include "cuda/direct.h"
#include "cuda/numbers.h"

/* @n numbers of channels @channel … of the pixel that begins at number @at of y. */
template <typename Number, int n>
static __device__ __forceinline__ void sp_direct_finish(const struct sp_direct_end *end, size_t at,
							uint32_t channel, float sums[n])
{
	if (channel >= end->pitch)
		return;
	at += channel;
	SP_UNROLL
	for (int i = 0; i < n; i++)
		sums[i] += __ldg(end->bias + channel + i);
	if (end->residual) {
		float more[n];

		sp_get_run<n>((const Number *)end->residual + at, channel, end->pitch, more);
		SP_UNROLL
		for (int i = 0; i < n; i++)
			sums[i] += more[i];
	}
	sp_act<n>(&end->act, channel, sums);
	sp_pad<n>(channel, end->oc, sums);
	sp_put_run<n>((Number *)end->y + at, sums);
}

/*
 * One pixel's sums of a warp's @tiles tiles of 8 outputs. Weights are packed so that what a lane
 * has in up to four neighbouring tiles is 4 or 8 channels side by side: of column 2t + e of tile i
 * of a four, channel 8t + 2i + e. @row: 0, or 1 for the lower half of the fragments; @first: the
 * block's channel.
 */
template <int tiles>
static __device__ __forceinline__ void sp_direct_finish_row(const struct sp_direct_end *end,
							    size_t at, uint32_t first, int row,
							    const float sums[tiles][4])
{
	enum { TOGETHER = tiles < 4 ? tiles : 4, LENGTH = 2 * TOGETHER };
	uint32_t lane = threadIdx.x % 4;

	SP_UNROLL
	for (int i = 0; i < tiles; i += TOGETHER) {
		float run[LENGTH];

		SP_UNROLL
		for (int k = 0; k < LENGTH; k++)
			run[k] = sums[i + k / 2][2 * row + k % 2];
		sp_direct_finish<uint16_t, LENGTH>(end, at, first + i * 8 + lane * LENGTH, run);
	}
}

#endif
