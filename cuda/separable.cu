/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pointwise → depthwise 3 × 3 [→ 2 × 2 maximum of stride 2] in one go. What lies between is never
 * in global memory: a block makes it for a tile of results and its border, in shared memory, from
 * where the depthwise one reads it. Borders are computed by each of the tiles that share them.
 *
 * bf16: tensor cores (mma.m16n8k16), sums of float32; what lies between is rounded to bfloat16
 * once, as it would be between two kernels. float32 there would double the second kernel's reads of
 * shared memory, which bound it (3 of 128 bytes a result, a cycle each), and take the room of a
 * block. Weights and sums of the depthwise one are float32. f32: products and sums of float32 by
 * FMA, no TF32.
 *
 * The two numbers of one picture, bf16: operations (2 a product and sum, without those of borders)
 * and bytes (input once, output once); then what a block takes, with 227 KiB of shared memory a
 * processor:
 *
 *	                          MFLOP   KiB in + out   FLOP/B   tile      border   shared   blocks
 *	YuNet 16 → 64, 160²         82      800 + 3200     20     16 × 8     1.41   38,208      3
 *	YuNet 64 → 64, 160²        239     3200 + 3200     36     16 × 8     1.41   75,072      3
 *	  with the maximum         239     3200 +  800     58     16 × 8     1.41   75,072      3
 *	YuNet 64 → 64, 80²          60      800 +  800     36     16 × 8     1.41   75,072      3
 *	YuNet heads 64 → 16, 80²    15      800 +  200     15     16 × 8     1.41   57,792      3
 *	MobileFaceNet 64 → 128,
 *	  56², stride 2             53      392 +  196     88     10 × 4     1.27   76,368      2
 *	  64 → 128, 28²             15       98 +  196     49     28 × 4     1.61   75,072      3
 *	  128 → 256, 14²            14       49 +   98     91      7 × 14    1.47   57,600      2
 *	  128 → 512, 14², stride 2  26       49 +   49    260      7 × 4     1.38   56,304      2
 *
 * (tile: lines × columns of the depthwise one's results; border: pixels computed for each there is;
 * blocks: at once on a processor, as shared memory and registers allow.) An H200 has some 180 FLOP
 * of bf16 for each byte of its memory, so that all but the last are bound by memory if the rest
 * keeps up: counted for 64 → 64, a processor's share of the memory moves a pixel's 256 bytes in
 * about 13 cycles, in which it has to issue some 600 instructions a warp and tile, 9 cycles a
 * pixel.
 *
 * The grid is as large as the card holds at once: each block has a run of neighbouring items (tile
 * × piece of channels) and computes one while the next one's rows arrive (cp.async, two buffers).
 * Pieces are 64 channels (f32: 32), so that three blocks share a processor: one multiplies, one
 * sums, one waits. Where a row is longer than 128 bytes, its parts follow each other through the
 * same buffers.
 */
#include "cuda/separable.h"

#include "cuda/act.h"
#include "cuda/async.h"
#include "cuda/fragments.h"
#include "cuda/product.h"
#include "cuda/separable_depthwise.h"
#include "cuda/separable_work.h"

enum { WARP = 32 };

/* ---- the pointwise one, into what lies between ---- */

/* How a product of all rows × @width outputs is divided among the block's threads. */
template <int type, int width> struct division;

/* By warps: tiles of 16 rows, in each 8 × OUTPUTS outputs. */
template <int width> struct division<SP_TENSOR_BF16, width> {
	enum {
		OUTPUTS = width < 32 ? width / 8 : 4,
		ACROSS = width / 8 / OUTPUTS,
		DOWN = SP_SEPARABLE_THREADS / WARP / ACROSS,
		TILES = (SP_SEPARABLE_ROWS / 16 + DOWN - 1) / DOWN,
	};
};

/* By threads: rows × 4 outputs. */
template <int width> struct division<SP_TENSOR_F32, width> {
	enum {
		OUTPUTS = 1,
		ACROSS = width / 4,
		DOWN = SP_SEPARABLE_THREADS / ACROSS,
		TILES = SP_SEPARABLE_ROWS / DOWN,
	};
};

/* A thread's part of it. */
struct part {
	uint32_t down, channel; /* its first output in the piece */
	uint32_t row; /* of its sums, in its first tile */
	uint32_t tiles;
};

template <int type, int width>
static __device__ __forceinline__ struct part part_of(const struct work *work)
{
	using division = struct division<type, width>;
	uint32_t lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, tiles = work->tiling.rows;
	struct part part;

	if (type == SP_TENSOR_BF16) {
		part.down = warp / division::ACROSS;
		part.channel = warp % division::ACROSS * division::OUTPUTS * 8 + lane % 4 * 2;
		part.row = part.down * 16 + lane / 4;
		tiles = (tiles + 15) / 16;
	} else {
		part.down = threadIdx.x / division::ACROSS;
		part.channel = threadIdx.x % division::ACROSS * 4;
		part.row = part.down;
	}
	part.tiles = (tiles + division::DOWN - 1 - part.down) / division::DOWN;
	return part;
}

/* Sums begin with the biases. */
template <int type, int width>
static __device__ __forceinline__ void
set_biases(const struct work *work, const struct item *item,
	   float sums[division<type, width>::TILES][division<type, width>::OUTPUTS][4])
{
	using division = struct division<type, width>;
	struct part part = part_of<type, width>(work);

	sp_product_begin<type, division::TILES, division::OUTPUTS>(
		work->floats + item->piece * width + part.channel, sums);
}

/* Of the granules [@first, + 8) in @stage. */
template <int type, int width>
static __device__ __forceinline__ void
add_product(const struct work *work, const struct item *item, const uint8_t *stage, uint32_t first,
	    float sums[division<type, width>::TILES][division<type, width>::OUTPUTS][4])
{
	using division = struct division<type, width>;
	struct part part = part_of<type, width>(work);
	const uint8_t *weights = work->weights + (size_t)item->piece * work->piece_bytes;
	uint32_t granules = min(work->tiling.granules - first, (uint32_t)SP_GRANULES_MAX);
	uint32_t lane = threadIdx.x % WARP;

	if constexpr (type == SP_TENSOR_BF16) {
		uint32_t stride = width / 16 * WARP;

		sp_product_bf16<division::TILES, division::OUTPUTS>(
			sums, part.tiles, stage, work->tiling.log, part.down * 16 + lane % 16,
			division::DOWN * 16,
			(const uint4 *)weights + first / 2 * stride + part.channel / 16 * WARP +
				lane,
			stride, granules / 2);
	} else {
		sp_product_f32<division::TILES>(
			(float(*)[4])sums, part.tiles, stage, work->tiling.log, part.down,
			division::DOWN, (const float *)weights + first * 4 * width + part.channel,
			width, granules);
	}
}

/* Outside the picture there is what the depthwise one is padded with: 0. */
template <int type, int width, int stride>
static __device__ __forceinline__ void
put_between(const struct work *work, const struct item *item, uint8_t *between,
	    const float sums[division<type, width>::TILES][division<type, width>::OUTPUTS][4])
{
	using division = struct division<type, width>;
	enum {
		HALF = type == SP_TENSOR_BF16,
		NUMBER = HALF ? 2 : 4,
		PITCH = width * NUMBER + 16,
		/* A row's numbers; of a fragment rows 8 apart have two each. */
		ROWS = HALF ? 2 : 1,
		N = HALF ? division::OUTPUTS * 2 : 4,
	};
	struct part part = part_of<type, width>(work);
	uint32_t channel = item->piece * width + part.channel;

	SP_UNROLL
	for (int i = 0; i < division::TILES * ROWS; i++) {
		uint32_t step = HALF ? i / 2 * division::DOWN * 16 + i % 2 * 8 : i * division::DOWN;
		uint32_t row = part.row + step, pixel;
		float x[N];

		if (row >= work->tiling.rows)
			continue;
		SP_UNROLL
		for (int k = 0; k < N; k++)
			x[k] = HALF ? sums[i / 2][k / 2][i % 2 * 2 + k % 2] : sums[i][0][k];
		sp_act_runs<N, HALF ? 2 : 4, 8>(&work->act[0], channel, work->between, x);
		if (!pixel_of<stride>(work, item, row, &pixel)) {
			SP_UNROLL
			for (int k = 0; k < N; k++)
				x[k] = 0.0f;
		}
		SP_UNROLL
		for (int k = 0; k < N; k += 2) {
			uint32_t at = part.channel + (HALF ? k / 2 * 8 : k);

			put_two<type>(between + row * PITCH + at * NUMBER, x[k], x[k + 1]);
		}
	}
}

/* ---- both ---- */

/*
 * Blocks a processor that there are registers for: 80 a thread for three, 128 for two. Sums of 64
 * channels that wait for others' rows want 86, and so does a stride of 2.
 */
static constexpr int blocks_of(int width, int stride, bool once)
{
	return width == 64 && (!once || stride == 2) ? 2 : 3;
}

/*
 * A block computes items one after the other; while it does one, the rows of the next are on their
 * way, unless they are the same. @once: all granules of a row are in shared memory at once, so that
 * no sums wait.
 */
template <int type, int width, int stride, bool pool, bool once>
static __global__ void __launch_bounds__(SP_SEPARABLE_THREADS, blocks_of(width, stride, once))
	separable(const struct work work)
{
	using division = struct division<type, width>;
	SP_SHARED(shared);
	__shared__ struct item items[ITEMS];
	uint8_t *between = shared + 2 * work.tiling.stage;
	uint32_t first_item = (uint32_t)((uint64_t)work.items * blockIdx.x / gridDim.x);
	uint32_t left = (uint32_t)((uint64_t)work.items * (blockIdx.x + 1) / gridDim.x) -
			first_item;
	uint32_t granules = once ? 1 : work.tiling.granules, buffer = 0;
	struct item earliest = item_of(&work, first_item);

	if (threadIdx.x == 0)
		items[left % ITEMS] = earliest;
	copy_rows<stride>(&work, &earliest, 0, shared);
	sp_async_commit();
	__syncthreads();
	for (; left; left--) {
		const struct item *item = &items[left % ITEMS];
		float sums[division::TILES][division::OUTPUTS][4];

		if (!once)
			set_biases<type, width>(&work, item, sums);
		for (uint32_t first = 0; first < granules; first += SP_GRANULES_MAX) {
			bool more = first + SP_GRANULES_MAX < granules, other = more;
			uint8_t *stage = shared + (buffer ^ 1) * work.tiling.stage;

			if (more)
				copy_rows<stride>(&work, item, first + SP_GRANULES_MAX, stage);
			else if (left > 1)
				other = copy_next<stride>(&work, item, &items[(left - 1) % ITEMS],
							  stage);
			sp_async_commit();
			sp_async_wait<1>();
			__syncthreads();
			if (once)
				set_biases<type, width>(&work, item, sums);
			add_product<type, width>(&work, item, shared + buffer * work.tiling.stage,
						 first, sums);
			buffer ^= other;
			if (more)
				__syncthreads();
		}
		put_between<type, width, stride>(&work, item, between, sums);
		__syncthreads();
		do_depthwise<type, width, stride, pool>(&work, item, between);
	}
}

typedef void (*separable_kernel)(struct work);

template <int type, int width, bool once>
static separable_kernel kernel_of(const struct sp_separable *separable)
{
	if (separable->depthwise.stride[0] == 2)
		return ::separable<type, width, 2, false, once>;
	return separable->pool ? ::separable<type, width, 1, true, once>
			       : ::separable<type, width, 1, false, once>;
}

static separable_kernel choose(const struct sp_separable *separable, uint32_t width, bool once)
{
	bool half = separable->depthwise.type == SP_TENSOR_BF16;

	if (width == 64)
		return once ? kernel_of<SP_TENSOR_BF16, 64, true>(separable)
			    : kernel_of<SP_TENSOR_BF16, 64, false>(separable);
	if (width == 32)
		return half ? kernel_of<SP_TENSOR_BF16, 32, false>(separable)
			    : kernel_of<SP_TENSOR_F32, 32, false>(separable);
	return half ? kernel_of<SP_TENSOR_BF16, 16, false>(separable)
		    : kernel_of<SP_TENSOR_F32, 16, false>(separable);
}

/*
 * As many blocks as there is room for at once: a processor has 1 KiB more than a block may ask for.
 */
static uint32_t blocks_at_once(const struct sp_device *device, size_t shared, uint32_t most)
{
	uint32_t each = (uint32_t)((device->shared_max + 1024) / (shared + 1024));

	return device->processors * min(max(each, 1U), most);
}

extern "C" cudaError_t sp_separable_launch(cudaStream_t stream, const struct sp_device *device,
					   const struct sp_separable *separable,
					   const struct sp_conv_run *run)
{
	const struct sp_conv *pointwise = &separable->pointwise, *depthwise = &separable->depthwise;
	struct sp_separable_tiling tiling;
	struct work work = {};
	uint32_t blocks;
	bool once;

	if (!sp_separable_tile(separable, device->shared_max, &tiling))
		return cudaErrorInvalidValue;
	work.x = (const uint8_t *)run->x->at;
	work.y = (uint8_t *)run->y->at;
	work.weights = (const uint8_t *)run->weights;
	work.tiling = tiling;
	work.channels = tiling.pieces * tiling.width;
	work.piece_bytes = (uint32_t)sp_fragments_piece(pointwise->type, pointwise->c,
							tiling.width);
	work.floats = (const float *)(work.weights + (size_t)work.piece_bytes * tiling.pieces);
	work.act[0] = pointwise->act;
	work.act[1] = depthwise->act;
	work.h = pointwise->h;
	work.w = pointwise->w;
	work.x_bytes = run->x->pitch * (uint32_t)sp_tensor_number(pointwise->type);
	work.between = sp_tensor_pitch(pointwise->oc);
	work.oh = depthwise->oh;
	work.ow = depthwise->ow;
	work.y_h = run->y->h;
	work.y_w = run->y->w;
	work.y_c = depthwise->oc;
	work.y_pitch = run->y->pitch;
	work.y_number = (uint32_t)sp_tensor_number(run->y->type);
	work.pad[0] = depthwise->pad[0];
	work.pad[1] = depthwise->pad[1];
	work.items = run->x->n * tiling.tiles_h * tiling.tiles_w * tiling.pieces;
	if (!work.items)
		return cudaSuccess;
	once = tiling.granules <= SP_GRANULES_MAX;
	blocks = (uint32_t)blocks_of((int)tiling.width, (int)depthwise->stride[0], once);
	blocks = min(blocks_at_once(device, tiling.shared, blocks), work.items);
	return sp_launch(choose(separable, tiling.width, once), dim3(blocks),
			 dim3(SP_SEPARABLE_THREADS), tiling.shared, stream, work);
}
