/* SPDX-License-Identifier: Apache-2.0 */
/* What blocks of separable.cu work on, and how pixels come into and out of shared memory. */
#ifndef SP_CUDA_SEPARABLE_WORK_H
#define SP_CUDA_SEPARABLE_WORK_H

#include "cuda/async.h"
#include "cuda/bf16.h"
#include "cuda/product.h"
#include "cuda/separable.h"

/* Everything that is the same for all blocks. */
struct work {
	const uint8_t *x;
	uint8_t *y;
	const uint8_t *weights;
	const float *floats; /* separable.h */
	struct sp_separable_tiling tiling;
	struct sp_step_act act[2];
	uint32_t h, w; /* of the pointwise one */
	uint32_t x_bytes; /* from pixel to pixel */
	uint32_t between; /* channels that slopes of the first activation go to */
	uint32_t oh, ow; /* of the depthwise one */
	uint32_t y_h, y_w, y_c, y_pitch;
	uint32_t y_number; /* bytes: 4 may be float32 of products of bfloat16 */
	uint32_t pad[2];
	uint32_t channels; /* of all pieces */
	uint32_t piece_bytes; /* of its weights for the product */
	uint32_t items; /* tiles × pieces × pictures */
};

/*
 * A piece of channels of a tile of a picture: pieces follow each other, then tiles, then pictures.
 */
struct item {
	uint32_t piece, picture;
	uint32_t top, left; /* of the depthwise one's results */
};

/*
 * Some are in shared memory, where they take no registers: while the last is read, the next is
 * written.
 */
enum { ITEMS = 4 };

static __device__ __forceinline__ struct item item_of(const struct work *work, uint32_t i)
{
	uint32_t tile = i / work->tiling.pieces, line = tile / work->tiling.tiles_w;
	struct item item;

	item.piece = i - tile * work->tiling.pieces;
	item.picture = line / work->tiling.tiles_h;
	item.top = (line - item.picture * work->tiling.tiles_h) * work->tiling.tile_h;
	item.left = (tile - line * work->tiling.tiles_w) * work->tiling.tile_w;
	return item;
}

/* The one after it, without a division. */
static __device__ __forceinline__ struct item item_after(const struct work *work, struct item item)
{
	if (++item.piece < work->tiling.pieces)
		return item;
	item.piece = 0;
	item.left += work->tiling.tile_w;
	if (item.left < work->ow)
		return item;
	item.left = 0;
	item.top += work->tiling.tile_h;
	if (item.top < work->oh)
		return item;
	item.top = 0;
	item.picture++;
	return item;
}

/* Where row @row of the product is in the picture; false: outside. */
template <int stride>
static __device__ __forceinline__ bool pixel_of(const struct work *work, const struct item *item,
						uint32_t row, uint32_t *ret_pixel)
{
	uint32_t line = row * work->tiling.line >> 16;
	/* Negative ones are beyond all sizes. */
	uint32_t y = item->top * stride - work->pad[0] + line;
	uint32_t x = item->left * stride - work->pad[1] + row - line * work->tiling.region_w;

	*ret_pixel = y * work->w + x;
	return y < work->h && x < work->w;
}

/* Granules [@first, + 8) of all rows, on their way into @stage. Outside the picture: zeros. */
template <int stride>
static __device__ __forceinline__ void copy_rows(const struct work *work, const struct item *item,
						 uint32_t first, uint8_t *stage)
{
	uint32_t log = work->tiling.log, column = threadIdx.x & ((1U << log) - 1);
	uint32_t at = (first + column) * SP_GRANULE;
	const uint8_t *picture = work->x +
				 (size_t)item->picture * work->h * work->w * work->x_bytes;

	if (first + column >= work->tiling.granules)
		return;
	SP_ROLL
	for (uint32_t row = threadIdx.x >> log; row < work->tiling.rows;
	     row += SP_SEPARABLE_THREADS >> log) {
		uint32_t pixel;
		bool there = pixel_of<stride>(work, item, row, &pixel) && at < work->x_bytes;
		size_t from = there ? (size_t)pixel * work->x_bytes + at : 0;

		sp_async_copy(stage + sp_granule(log, row, column), picture + from, there);
	}
}

/* The rows of the item after @item, if they are others. @ret_next: shared by the block. */
template <int stride>
static __device__ __forceinline__ bool copy_next(const struct work *work, const struct item *item,
						 struct item *ret_next, uint8_t *stage)
{
	struct item next = item_after(work, *item);

	if (threadIdx.x == 0)
		*ret_next = next;
	if (next.piece && work->tiling.granules <= SP_GRANULES_MAX)
		return false;
	copy_rows<stride>(work, &next, 0, stage);
	return true;
}

/* Two numbers of neighbouring channels, as memory has them. */
template <int type>
static __device__ __forceinline__ void put_two(uint8_t *to, float first, float second)
{
	if (type == SP_TENSOR_BF16)
		*(uint32_t *)to = sp_bf16_pair(first, second);
	else
		*(float2 *)to = make_float2(first, second);
}

template <int type>
static __device__ __forceinline__ void get_two(const uint8_t *from, float ret[2])
{
	if (type == SP_TENSOR_BF16) {
		uint32_t pair = *(const uint32_t *)from;

		ret[0] = sp_bf16_first(pair);
		ret[1] = sp_bf16_second(pair);
	} else {
		float2 two = *(const float2 *)from;

		ret[0] = two.x;
		ret[1] = two.y;
	}
}

#endif
