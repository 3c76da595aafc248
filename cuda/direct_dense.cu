/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dense convolutions in bf16 as an implicit product of matrices on tensor cores. A block has
 * SP_DIRECT_SLOTS pixels in a rectangle and up to 64 outputs. Part by part of the channels, the
 * input that the rectangle needs is copied into shared memory once, and each tap multiplies it from
 * another place. Pixels' granules of 16 bytes are turned with the pixel, so that those of one
 * column of eight neighbours are in all banks. Weights come through the L1 cache: all blocks read
 * the same.
 *
 * Operations: kh · kw · C multiply-adds a number of y. Bytes: x once and the rectangle's border
 * (1.4 times of a 3 × 3 with stride 1 in 8 × 16 pixels) for each 64 outputs, y once. From some 32
 * channels on a 3 × 3 has more than 200 multiply-adds a byte: tensor cores are the bound. Copies of
 * one block go on while others compute: three or four fit on a processor.
 */
#include "cuda/async.h"
#include "cuda/direct_end.h"
#include "cuda/mma.h"
#include "cuda/product.h"

enum { WARPS = 4, ROWS = 16, FRAGMENTS = SP_DIRECT_SLOTS / WARPS / ROWS };

/* Bytes from the first pixel's first granule. */
static __device__ __forceinline__ uint32_t granule(uint32_t log, uint32_t pixel, uint32_t column)
{
	return ((pixel << log) + (column ^ ((pixel >> (3 - log)) & ((1U << log) - 1)))) * 16;
}

/* Where a block's rectangle is. */
struct place {
	uint32_t piece, oy, ox, picture;
};

static __device__ __forceinline__ struct place place_of(const struct sp_direct *work)
{
	const struct sp_direct_plan *plan = &work->plan;
	uint32_t block = blockIdx.x / plan->pieces;
	struct place place;

	place.piece = blockIdx.x % plan->pieces;
	place.ox = block % work->across << plan->columns_log;
	block /= work->across;
	place.oy = block % work->down * (SP_DIRECT_SLOTS >> plan->columns_log);
	place.picture = block / work->down;
	return place;
}

/* Part @part of the channels of the rectangle's input; 0 beyond the picture or its channels. */
static __device__ __forceinline__ void fill(const struct sp_direct *work, const struct place *place,
					    uint32_t part, uint8_t *shared)
{
	const struct sp_direct_plan *plan = &work->plan;
	const uint16_t *x = (const uint16_t *)work->x +
			    (size_t)place->picture * plan->h * plan->w * plan->pitch;
	uint32_t log = plan->granules_log, n = plan->in_h * plan->in_w << log;
	/* Beyond the upper and left border these wrap around, and are too large then as well. */
	uint32_t top = place->oy * work->stride[0] - work->pad[0];
	uint32_t left = place->ox * work->stride[1] - work->pad[1];

	for (uint32_t i = threadIdx.x; i < n; i += WARPS * 32) {
		uint32_t pixel = i >> log, column = i & ((1U << log) - 1);
		uint32_t row = pixel / plan->in_w;
		uint32_t line = top + row, across = left + pixel - row * plan->in_w;
		uint32_t channel = ((part << log) + column) * SP_DIRECT_GRANULE;
		bool any = line < plan->h && across < plan->w && channel < plan->pitch;
		const uint16_t *from = x;

		if (any)
			from += ((size_t)line * plan->w + across) * plan->pitch + channel;
		sp_async_copy(shared + granule(log, pixel, column), from, any);
	}
	sp_async_commit();
}

/* A part's products: all taps, of pixels @pixel (this lane's row of each fragment). */
template <int tiles>
static __device__ __forceinline__ void
multiply(const struct sp_direct *work, const uint8_t *shared, const uint32_t pixel[FRAGMENTS],
	 const uint4 *weights, float sums[FRAGMENTS][tiles][4])
{
	const struct sp_direct_plan *plan = &work->plan;
	uint32_t log = plan->granules_log, half = threadIdx.x % 32 / 16;

	SP_ROLL
	for (uint32_t tap = 0; tap < plan->kernel[0] * plan->kernel[1]; tap++) {
		uint32_t ky = tap / plan->kernel[1], kx = tap - ky * plan->kernel[1];
		uint32_t away = ky * work->dilation[0] * plan->in_w + kx * work->dilation[1];

		SP_ROLL
		for (uint32_t step = 0; step < 1U << (log - 1); step++) {
			uint32_t b[tiles][2];

			sp_product_weights<tiles>(weights, b);
			weights += tiles / 2 * 32;
			SP_UNROLL
			for (int m = 0; m < FRAGMENTS; m++) {
				uint32_t a[4];

				sp_load_matrices(
					a, shared + granule(log, pixel[m] + away, 2 * step + half));
				SP_UNROLL
				for (int i = 0; i < tiles; i++)
					sp_mma(sums[m][i], a, b[i]);
			}
		}
	}
}

template <int tiles>
static __device__ __forceinline__ void finish(const struct sp_direct *work,
					      const struct place *place,
					      const float sums[FRAGMENTS][tiles][4])
{
	const struct sp_direct_plan *plan = &work->plan;
	uint32_t slot = threadIdx.x / 32 * (FRAGMENTS * ROWS) + threadIdx.x % 32 / 4;

	SP_UNROLL
	for (int i = 0; i < FRAGMENTS * 2; i++, slot += 8) {
		uint32_t oy = place->oy + (slot >> plan->columns_log);
		uint32_t ox = place->ox + (slot & ((1U << plan->columns_log) - 1));
		size_t pixel = ((size_t)place->picture * plan->oh + oy) * plan->ow + ox;

		if (oy < plan->oh && ox < plan->ow)
			sp_direct_finish_row<tiles>(&work->end, pixel * work->end.pitch,
						    place->piece * tiles * 8, i % 2, sums[i / 2]);
	}
}

/* Blocks: pieces of the outputs, then rectangles across, down, pictures. */
template <int tiles>
static __global__ void __launch_bounds__(WARPS * 32, tiles == 8 ? 3 : 4)
	dense(struct sp_direct work)
{
	SP_SHARED(shared);
	const struct sp_direct_plan *plan = &work.plan;
	struct place place = place_of(&work);
	const uint4 *weights = (const uint4 *)work.weights + threadIdx.x % 32 +
			       (size_t)place.piece * plan->steps * (tiles / 2) * 32;
	uint32_t stride = plan->steps / plan->parts * (tiles / 2) * 32, pixel[FRAGMENTS];
	float sums[FRAGMENTS][tiles][4];

	SP_UNROLL
	for (int m = 0; m < FRAGMENTS; m++) {
		uint32_t slot = (threadIdx.x / 32 * FRAGMENTS + m) * ROWS + threadIdx.x % ROWS;
		uint32_t column = slot & ((1U << plan->columns_log) - 1);

		pixel[m] = (slot >> plan->columns_log) * work.stride[0] * plan->in_w +
			   column * work.stride[1];
		SP_UNROLL
		for (int i = 0; i < tiles * 4; i++)
			sums[m][i / 4][i % 4] = 0.0f;
	}
	SP_ROLL
	for (uint32_t part = 0; part < plan->parts; part++, weights += stride) {
		__syncthreads();
		fill(&work, &place, part, shared);
		sp_async_wait<0>();
		__syncthreads();
		multiply<tiles>(&work, shared, pixel, weights, sums);
	}
	finish<tiles>(&work, &place, sums);
}

extern "C" cudaError_t sp_direct_dense(cudaStream_t stream, struct sp_direct *work)
{
	const struct sp_direct_plan *plan = &work->plan;
	uint32_t columns = 1U << plan->columns_log, lines = SP_DIRECT_SLOTS / columns;
	size_t bytes = (size_t)plan->in_h * plan->in_w * 16 << plan->granules_log;
	dim3 grid, block(WARPS * 32);

	work->across = (plan->ow + columns - 1) / columns;
	work->down = (plan->oh + lines - 1) / lines;
	grid.x = plan->pieces * work->across * work->down * work->n;
	switch (plan->tiles) {
	case 2:
		return sp_launch(dense<2>, grid, block, bytes, stream, *work);
	case 4:
		return sp_launch(dense<4>, grid, block, bytes, stream, *work);
	default:
		return sp_launch(dense<8>, grid, block, bytes, stream, *work);
	}
}
