/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network's first convolution, of a bf16 picture of up to four channels with few taps, on tensor
 * cores: the four channels of four taps are what one product adds up, and a lane's operands are
 * pairs of channels that lie in the picture as they are wanted. A warp has 16 pixels of LINES lines
 * and all outputs of its piece, whose weights stay in registers.
 *
 * Operations: 4 · 12 multiply-adds a number of y, on tensor cores (27 of a 3 × 3 on three channels
 * count). Bytes: x once (4 numbers a pixel), y once. YuNet's stem at 640 × 640, 3 → 16, stride 2:
 * 44 M multiply-adds, 6.6 MB a picture; MobileFaceNet's, 3 → 64 at 112 × 112: 5.4 M, .5 MB. The
 * device's memory is the bound; on the other cores 27 multiply-adds a number would be.
 */
#include "cuda/direct_end.h"
#include "cuda/mma.h"
#include "cuda/product.h"

enum { WARPS = 4, STRIP = 16, LINES = 4, STEPS = SP_STEM_TAPS / 4 };

/*
 * Of a lane: where the pairs of channels that it multiplies lie, relative to a pixel's first tap.
 */
struct taps {
	uint32_t down[STEPS][2], across[STEPS][2]; /* UINT32_MAX: nowhere */
};

static __device__ __forceinline__ struct taps taps_of(const struct sp_direct *work)
{
	uint32_t kernel = work->plan.kernel[1], n = work->plan.kernel[0] * kernel;
	struct taps taps;

	SP_UNROLL
	for (int i = 0; i < STEPS * 2; i++) {
		uint32_t tap = i * 2 + threadIdx.x % 4 / 2;

		taps.down[i / 2][i % 2] = tap < n ? tap / kernel * work->dilation[0] : UINT32_MAX;
		taps.across[i / 2][i % 2] = tap % kernel * work->dilation[1];
	}
	return taps;
}

/* One pair of channels, 0 beyond the picture. */
static __device__ __forceinline__ uint32_t pair_at(const struct sp_direct *work, const uint16_t *x,
						   uint32_t top, uint32_t left, uint32_t down,
						   uint32_t across)
{
	uint32_t line = top + down, column = left + across;

	if (down == UINT32_MAX || line >= work->plan.h || column >= work->plan.w)
		return 0;
	return *(const uint32_t *)(x + ((size_t)line * work->plan.w + column) * 4 +
				   threadIdx.x % 2 * 2);
}

/* Line @oy of the warp's strip, from column @ox on; @at: number of y where the strip begins. */
template <int tiles>
static __device__ __forceinline__ void
line(const struct sp_direct *work, const uint16_t *x, const struct taps *taps,
     const uint32_t b[STEPS][tiles][2], uint32_t oy, uint32_t ox, size_t at, uint32_t first)
{
	/* Beyond the upper and left border these wrap around, and are too large then as well. */
	uint32_t top = oy * work->stride[0] - work->pad[0];
	uint32_t pixel = threadIdx.x % 32 / 4;
	uint32_t left = (ox + pixel) * work->stride[1] - work->pad[1];
	uint32_t right = left + 8 * work->stride[1];
	float sums[tiles][4];

	SP_UNROLL
	for (int i = 0; i < tiles * 4; i++)
		sums[i / 4][i % 4] = 0.0f;
	/* Not all threads stored results of the line before. */
	__syncwarp();
	SP_UNROLL
	for (int step = 0; step < STEPS; step++) {
		uint32_t a[4];

		SP_UNROLL
		for (int half = 0; half < 2; half++) {
			uint32_t down = taps->down[step][half], across = taps->across[step][half];

			a[2 * half] = pair_at(work, x, top, left, down, across);
			a[2 * half + 1] = pair_at(work, x, top, right, down, across);
		}
		SP_UNROLL
		for (int i = 0; i < tiles; i++)
			sp_mma(sums[i], a, b[step][i]);
	}
	SP_UNROLL
	for (int row = 0; row < 2; row++)
		if (ox + pixel + 8 * row < work->plan.ow)
			sp_direct_finish_row<tiles>(&work->end,
						    at + (pixel + 8 * row) * work->end.pitch, first,
						    row, sums);
}

/* Blocks: pieces of the outputs, then strips across, lines, pictures. */
template <int tiles>
static __global__ void __launch_bounds__(WARPS * 32, tiles == 8 ? 3 : 4) stem(struct sp_direct work)
{
	const struct sp_direct_plan *plan = &work.plan;
	uint32_t piece = blockIdx.x % plan->pieces, block = blockIdx.x / plan->pieces;
	uint32_t ox = (block % work.across * WARPS + threadIdx.x / 32) * STRIP;
	uint32_t oy = block / work.across % work.down * LINES;
	uint32_t picture = block / work.across / work.down;
	const uint16_t *x = (const uint16_t *)work.x + (size_t)picture * plan->h * plan->w * 4;
	const uint4 *weights = (const uint4 *)work.weights + threadIdx.x % 32 +
			       piece * STEPS * (tiles / 2) * 32;
	struct taps taps = taps_of(&work);
	uint32_t b[STEPS][tiles][2];

	SP_UNROLL
	for (int step = 0; step < STEPS; step++)
		sp_product_weights<tiles>(weights + step * (tiles / 2) * 32, b[step]);
	SP_ROLL
	for (uint32_t end = min(oy + LINES, plan->oh); oy < end && ox < plan->ow; oy++)
		line<tiles>(&work, x, &taps, b, oy, ox,
			    (((size_t)picture * plan->oh + oy) * plan->ow + ox) * work.end.pitch,
			    piece * tiles * 8);
}

extern "C" cudaError_t sp_direct_stem(cudaStream_t stream, struct sp_direct *work)
{
	const struct sp_direct_plan *plan = &work->plan;
	dim3 grid, block(WARPS * 32);

	work->across = (plan->ow + WARPS * STRIP - 1) / (WARPS * STRIP);
	work->down = (plan->oh + LINES - 1) / LINES;
	grid.x = plan->pieces * work->across * work->down * work->n;
	switch (plan->tiles) {
	case 2:
		return sp_launch(stem<2>, grid, block, 0, stream, *work);
	case 4:
		return sp_launch(stem<4>, grid, block, 0, stream, *work);
	default:
		return sp_launch(stem<8>, grid, block, 0, stream, *work);
	}
}
