/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pointwise → depthwise 3 × 3 [→ 2 × 2 maximum] in one go.
 */
#include "cuda/separable.h"

#include "cuda/act.h"
#include "cuda/async.h"
#include "cuda/bf16.h"
#include "cuda/fragments.h"
#include "cuda/product.h"

enum { WARP = 32, WIDE = 2 /* results of a line that a thread computes at once */ };

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
	uint32_t pad[2];
	uint32_t channels; /* of all pieces */
	uint32_t piece_bytes; /* of its weights for the product */
	uint32_t items; /* tiles × pieces × pictures */
};

/* A piece of channels of a tile of a picture: pieces follow each other, then tiles, then pictures. */
struct item {
	uint32_t piece, picture;
	uint32_t top, left; /* of the depthwise one's results */
};

/* Some are in shared memory, where they take no registers: while the last is read, the next is written. */
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
	const float *bias = work->floats + item->piece * width + part.channel;

	SP_UNROLL
	for (int i = 0; i < division::OUTPUTS; i++) {
		float2 low = __ldg((const float2 *)(bias + 8 * i)), high = low;

		if (type == SP_TENSOR_F32)
			high = __ldg((const float2 *)(bias + 2));
		SP_UNROLL
		for (int m = 0; m < division::TILES; m++) {
			sums[m][i][0] = low.x;
			sums[m][i][1] = low.y;
			sums[m][i][2] = high.x;
			sums[m][i][3] = high.y;
		}
	}
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

/* ---- the depthwise one, from there into y ---- */

/* What a thread computes: two channels of pairs of results, line after line. */
struct column {
	uint32_t top, left, bottom; /* in the picture; [top, bottom) */
	uint32_t channel;
	uint8_t *y; /* of the picture, this channel */
};

template <int type>
static __device__ __forceinline__ void put_result(const struct work *work,
						  const struct column *column, uint32_t y,
						  uint32_t x, const float of[2])
{
	size_t at = (size_t)(y * work->y_w + x) * work->y_pitch;

	if (y < work->y_h && x < work->y_w)
		put_two<type>(column->y + at * (type == SP_TENSOR_BF16 ? 2 : 4),
			      column->channel < work->y_c ? of[0] : 0.0f,
			      column->channel + 1 < work->y_c ? of[1] : 0.0f);
}

/* Results @sum of line @y. @best: the greatest of the line before, if there is a maximum. */
template <int type, bool pool>
static __device__ __forceinline__ void put_line(const struct work *work,
						const struct column *column, uint32_t y,
						float sum[WIDE][2], float best[2])
{
	SP_UNROLL
	for (int i = 0; i < WIDE; i++)
		sp_act<2>(&work->act[1], column->channel, sum[i]);
	if constexpr (!pool) {
		SP_UNROLL
		for (int i = 0; i < WIDE; i++)
			put_result<type>(work, column, y, column->left + i, sum[i]);
	} else {
		SP_UNROLL
		for (int k = 0; k < 2; k++) {
			if (column->left + 1 < work->ow)
				sum[0][k] = fmaxf(sum[0][k], sum[1][k]);
			best[k] = y % 2 ? fmaxf(best[k], sum[0][k]) : sum[0][k];
		}
		if (y % 2 || y + 1 == work->oh)
			put_result<type>(work, column, y / 2, column->left / 2, best);
	}
}

/*
 * @from: of the column's first line. Three lines are in registers; the next ones come where the
 * last ones were, so that rounds come in threes.
 */
template <int type, int width, int stride, bool pool>
static __device__ __forceinline__ void
do_column(const struct work *work, const struct column *column, const uint8_t *from,
	  const float weights[SP_SEPARABLE_TAPS][2], const float bias[2])
{
	enum {
		PITCH = width * (type == SP_TENSOR_BF16 ? 2 : 4) + 16,
		ACROSS = (WIDE - 1) * stride + 3,
	};
	uint32_t pitch = work->tiling.region_w * PITCH;
	float window[3][ACROSS][2], best[2] = { 0.0f, 0.0f };

	SP_UNROLL
	for (int line = 0; line < 3 - stride; line++, from += pitch)
		SP_UNROLL
	for (int i = 0; i < ACROSS; i++)
		get_two<type>(from + i * PITCH, window[line][i]);
	for (uint32_t top = column->top; top < column->bottom; top += 3) {
		SP_UNROLL
		for (int round = 0; round < 3; round++) {
			float sum[WIDE][2];

			if (top + round >= column->bottom)
				break;
			SP_UNROLL
			for (int line = 3 - stride; line < 3; line++, from += pitch)
				SP_UNROLL
			for (int i = 0; i < ACROSS; i++)
				get_two<type>(from + i * PITCH,
					      window[(round * stride + line) % 3][i]);
			SP_UNROLL
			for (int k = 0; k < WIDE * 2; k++) {
				sum[k / 2][k % 2] = bias[k % 2];
				SP_UNROLL
				for (int tap = 0; tap < SP_SEPARABLE_TAPS; tap++)
					sum[k / 2][k % 2] +=
						weights[tap][k % 2] *
						window[(round * stride + tap / 3) % 3]
						      [k / 2 * stride + tap % 3][k % 2];
			}
			put_line<type, pool>(work, column, top + round, sum, best);
		}
	}
}

template <int type, int width, int stride, bool pool>
static __device__ __forceinline__ void do_depthwise(const struct work *work,
						    const struct item *item, const uint8_t *between)
{
	enum {
		NUMBER = type == SP_TENSOR_BF16 ? 2 : 4,
		PITCH = width * NUMBER + 16,
		ACROSS = width / 2, /* threads for all channels of a pixel */
		SLOTS = SP_SEPARABLE_THREADS / ACROSS,
	};
	const struct sp_separable_tiling *tiling = &work->tiling;
	uint32_t channel = threadIdx.x % ACROSS * 2;
	const float *floats = work->floats + work->channels + item->piece * width + channel;
	float weights[SP_SEPARABLE_TAPS][2], bias[2];
	struct column column;

	column.channel = item->piece * width + channel;
	if (column.channel >= work->y_pitch)
		return;
	column.y = work->y + ((size_t)item->picture * work->y_h * work->y_w * work->y_pitch +
			      column.channel) *
				     NUMBER;
	SP_UNROLL
	for (int tap = 0; tap < SP_SEPARABLE_TAPS; tap++)
		get_two<SP_TENSOR_F32>((const uint8_t *)(floats + tap * work->channels),
				       weights[tap]);
	get_two<SP_TENSOR_F32>((const uint8_t *)(floats + SP_SEPARABLE_TAPS * work->channels),
			       bias);
	for (uint32_t unit = threadIdx.x / ACROSS; unit < tiling->units; unit += SLOTS) {
		uint32_t strip = unit / tiling->segments;
		uint32_t line = (unit - strip * tiling->segments) * tiling->segment;
		uint32_t row = line * stride * tiling->region_w + strip * WIDE * stride;

		column.top = item->top + line;
		column.left = item->left + strip * WIDE;
		column.bottom = min(item->top + min(line + tiling->segment, tiling->tile_h),
				    work->oh);
		if (column.left < work->ow)
			do_column<type, width, stride, pool>(
				work, &column, between + row * PITCH + channel * NUMBER, weights,
				bias);
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
 * A block computes items one after the other; while it does one, the rows of the next are on their way,
 * unless they are the same. @once: all granules of a row are in shared memory at once, so that no sums
 * wait.
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

/* As many blocks as there is room for at once: a processor has 1 KiB more than a block may ask for. */
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
