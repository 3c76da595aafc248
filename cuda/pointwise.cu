/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pointwise convolutions: pixels of all pictures × channels times channels × outputs, + bias +
 * residual, activated. bf16: tensor cores (mma.m16n8k16), sums of float32, rounded once at the end;
 * f32: FMA, no TF32.
 *
 * The two numbers of one picture, bf16: operations (2 a product and sum) and bytes (input,
 * residual, output once each); then what a block of 128 pixels takes, and how many a processor has
 * registers for at least:
 *
 *	                              MFLOP   KiB in + out   FLOP/B   outputs   shared   blocks
 *	MobileFaceNet 128 → 64, 28²    12.8      196 + 98       43       64     32,768      3
 *	  with a residual              12.8      294 + 98       32       64     32,768      3
 *	  256 → 128, 14², residual     12.8      147 + 49       64      128     49,152      2
 *	  512 → 128, 7²                 6.4       49 + 12      103      128     49,152      2
 *	  128 → 512, 7²                 6.4       12 + 49      103      128     32,768      2
 *
 * All are bound by memory on an H200 (some 180 FLOP of bf16 a byte). Rows go through shared memory
 * (cp.async, 128 bytes of a row at once, up to three buffers), weights come from the first cache in
 * the order of registers (product.h), and results leave through a corner of shared memory, in which
 * a thread finds 8 channels together: 16 bytes of residual in, 16 of result out.
 */
#include "cuda/pointwise_plan.h"

#include "cuda/act.h"
#include "cuda/async.h"
#include "cuda/bf16.h"
#include "cuda/fragments.h"
#include "cuda/product.h"

enum {
	WARP = 32,
	STAGES = 3,
	LOG_MAX = 3, /* 8 granules a row */
	CORNER_PITCH = 40, /* floats: rows that a warp writes at once begin in different banks */
	CORNER_ROWS = 16,
	CORNER_FLOATS = CORNER_ROWS * CORNER_PITCH,
};

struct work {
	const uint8_t *x;
	uint8_t *y;
	const uint8_t *residual;
	const uint8_t *weights;
	const float *bias;
	struct sp_step_act act;
	uint32_t rows, pieces;
	uint32_t x_bytes; /* from pixel to pixel */
	uint32_t y_c, y_pitch;
	uint32_t granules, log; /* of a pixel's channels in all; of a row in shared memory, log2 */
	uint32_t stage; /* bytes */
	uint32_t piece_bytes; /* of the weights */
};

/* How a product of all rows × @width outputs is divided among the block's threads. */
template <int type, int width> struct division;

/* By warps: tiles of 16 rows, in each 8 × OUTPUTS outputs. */
template <int width> struct division<SP_TENSOR_BF16, width> {
	enum {
		OUTPUTS = width == 128 ? 8
			  : width < 32 ? width / 8
				       : 4,
		ACROSS = width / 8 / OUTPUTS,
		DOWN = SP_POINTWISE_THREADS / WARP / ACROSS,
		TILES = SP_POINTWISE_ROWS / 16 / DOWN,
		BLOCKS = width == 128 ? 2 : 3, /* a processor, as registers allow */
	};
};

/* By threads: rows × 4 outputs. */
template <int width> struct division<SP_TENSOR_F32, width> {
	enum {
		OUTPUTS = 1,
		ACROSS = width / 4,
		DOWN = SP_POINTWISE_THREADS / ACROSS,
		TILES = SP_POINTWISE_ROWS / DOWN,
		BLOCKS = width == 64 ? 2 : 3,
	};
};

/* Granules [@first, + 8) of the rows from @row on, on their way into @stage. */
static __device__ __forceinline__ void copy_rows(const struct work *work, uint32_t row,
						 uint32_t first, uint8_t *stage)
{
	uint32_t column = threadIdx.x & ((1U << work->log) - 1);
	uint32_t at = (first + column) * SP_GRANULE;

	if (first + column >= work->granules)
		return;
	SP_ROLL
	for (uint32_t i = threadIdx.x >> work->log; i < SP_POINTWISE_ROWS;
	     i += SP_POINTWISE_THREADS >> work->log) {
		bool there = row + i < work->rows && at < work->x_bytes;
		size_t from = there ? (size_t)(row + i) * work->x_bytes + at : 0;

		sp_async_copy(stage + sp_granule(work->log, i, column), work->x + from, there);
	}
}

/*
 * Residual and activation of @n sums of row @row from output @channel on; what they become: 16
 * bytes.
 */
template <int type, int n>
static __device__ __forceinline__ void put_outputs(const struct work *work, uint32_t row,
						   uint32_t channel, float x[n])
{
	size_t at = ((size_t)row * work->y_pitch + channel) * (16 / n);
	uint4 words;

	if (row >= work->rows || channel >= work->y_pitch)
		return;
	if (work->residual) {
		uint4 other = *(const uint4 *)(work->residual + at);
		const uint32_t word[4] = { other.x, other.y, other.z, other.w };

		SP_UNROLL
		for (int i = 0; i < n; i++)
			x[i] += type == SP_TENSOR_F32 ? __uint_as_float(word[i % 4])
				: i % 2		      ? sp_bf16_second(word[i / 2])
						      : sp_bf16_first(word[i / 2]);
	}
	sp_act<n>(&work->act, channel, x);
	if (channel + n > work->y_c) {
		SP_UNROLL
		for (int i = 0; i < n; i++)
			x[i] = channel + i < work->y_c ? x[i] : 0.0f;
	}
	if constexpr (type == SP_TENSOR_F32)
		words = make_uint4(__float_as_uint(x[0]), __float_as_uint(x[1]),
				   __float_as_uint(x[2]), __float_as_uint(x[3]));
	else
		words = make_uint4(sp_bf16_pair(x[0], x[1]), sp_bf16_pair(x[2], x[3]),
				   sp_bf16_pair(x[4], x[5]), sp_bf16_pair(x[6], x[7]));
	*(uint4 *)(work->y + at) = words;
}

/*
 * Sums of four (or two) fragments to a warp's corner of shared memory, where threads find 8
 * together.
 */
template <int width>
static __device__ __forceinline__ void
finish_bf16(const struct work *work, uint32_t row, uint32_t channel, float *corner,
	    float sums[division<SP_TENSOR_BF16, width>::TILES]
		      [division<SP_TENSOR_BF16, width>::OUTPUTS][4])
{
	using division = struct division<SP_TENSOR_BF16, width>;
	enum { TOGETHER = width < 32 ? 2 : 4, LINES = WARP / TOGETHER };
	uint32_t lane = threadIdx.x % WARP;
	float *to = corner + lane / 4 * CORNER_PITCH + lane % 4 * 2;

	SP_UNROLL
	for (int m = 0; m < division::TILES * division::OUTPUTS / TOGETHER; m++) {
		uint32_t tile = m / (division::OUTPUTS / TOGETHER);
		uint32_t first = m % (division::OUTPUTS / TOGETHER) * TOGETHER;

		SP_UNROLL
		for (int i = 0; i < TOGETHER; i++) {
			float *sum = sums[tile][first + i];

			*(float2 *)(to + 8 * i) = make_float2(sum[0], sum[1]);
			*(float2 *)(to + 8 * i + 8 * CORNER_PITCH) = make_float2(sum[2], sum[3]);
		}
		__syncwarp();
		SP_UNROLL
		for (int line = 0; line < CORNER_ROWS; line += LINES) {
			uint32_t in = line + lane / TOGETHER, at = lane % TOGETHER * 8;
			const float4 *from = (const float4 *)(corner + in * CORNER_PITCH + at);
			float4 low = from[0], high = from[1];
			float x[8] = { low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w };

			put_outputs<SP_TENSOR_BF16, 8>(work, row + tile * division::DOWN * 16 + in,
						       channel + first * 8 + at, x);
		}
		__syncwarp();
	}
}

/* By a warp: of the granules [@first, + 8) in @stage. @weights: of the piece. */
template <int width>
static __device__ __forceinline__ void
add_bf16(const struct work *work, const uint8_t *stage, const uint8_t *weights, uint32_t first,
	 float sums[division<SP_TENSOR_BF16, width>::TILES]
		   [division<SP_TENSOR_BF16, width>::OUTPUTS][4])
{
	using division = struct division<SP_TENSOR_BF16, width>;
	uint32_t lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, stride = width / 16 * WARP;
	uint32_t across = warp % division::ACROSS * (division::OUTPUTS / 2) * WARP;

	sp_product_bf16<division::TILES, division::OUTPUTS>(
		sums, division::TILES, stage, work->log, warp / division::ACROSS * 16 + lane % 16,
		division::DOWN * 16, (const uint4 *)weights + first / 2 * stride + across + lane,
		stride, min(work->granules - first, (uint32_t)SP_GRANULES_MAX) / 2);
}

/*
 * A block: SP_POINTWISE_ROWS rows × a piece of outputs; blocks of the same rows follow each other,
 * so that all but the first find them in the second cache.
 */
template <int type, int width>
static __global__ void __launch_bounds__(SP_POINTWISE_THREADS, division<type, width>::BLOCKS)
	pointwise(const struct work work)
{
	using division = struct division<type, width>;
	SP_SHARED(shared);
	uint32_t block = blockIdx.x / work.pieces, piece = blockIdx.x - block * work.pieces;
	uint32_t row = block * SP_POINTWISE_ROWS, warp = threadIdx.x / WARP;
	const uint8_t *weights = work.weights + (size_t)piece * work.piece_bytes;
	uint32_t parts = (work.granules + SP_GRANULES_MAX - 1) / SP_GRANULES_MAX;
	/* This thread's: outputs' first in the piece, rows' first in the block. */
	uint32_t channel, down;
	float sums[division::TILES][division::OUTPUTS][4];

	if (type == SP_TENSOR_BF16) {
		channel = warp % division::ACROSS * division::OUTPUTS * 8;
		down = warp / division::ACROSS * 16;
	} else {
		channel = threadIdx.x % division::ACROSS * 4;
		down = threadIdx.x / division::ACROSS;
	}
	SP_UNROLL
	for (uint32_t part = 0; part < STAGES - 1; part++) {
		if (part < parts)
			copy_rows(&work, row, part * SP_GRANULES_MAX, shared + part * work.stage);
		sp_async_commit();
	}
	sp_product_begin<type, division::TILES, division::OUTPUTS>(
		work.bias + piece * width + channel +
			(type == SP_TENSOR_BF16 ? threadIdx.x % 4 * 2 : 0),
		sums);
	for (uint32_t part = 0; part < parts; part++) {
		const uint8_t *stage = shared + part % STAGES * work.stage;
		uint32_t next = part + STAGES - 1, first = part * SP_GRANULES_MAX;

		sp_async_wait<STAGES - 2>();
		__syncthreads();
		if (next < parts)
			copy_rows(&work, row, next * SP_GRANULES_MAX,
				  shared + next % STAGES * work.stage);
		sp_async_commit();
		if constexpr (type == SP_TENSOR_BF16)
			add_bf16<width>(&work, stage, weights, first, sums);
		else
			sp_product_f32<division::TILES>(
				(float(*)[4])sums, division::TILES, stage, work.log, down,
				division::DOWN,
				(const float *)weights + first * 4 * width + channel, width,
				min(work.granules - first, (uint32_t)SP_GRANULES_MAX));
	}
	channel += piece * width;
	if constexpr (type == SP_TENSOR_BF16) {
		__syncthreads();
		finish_bf16<width>(&work, row + down, channel,
				   (float *)shared + warp * CORNER_FLOATS, sums);
	} else {
		SP_UNROLL
		for (uint32_t m = 0; m < division::TILES; m++)
			put_outputs<SP_TENSOR_F32, 4>(&work, row + down + m * division::DOWN,
						      channel, sums[m][0]);
	}
}

typedef void (*pointwise_kernel)(struct work);

static pointwise_kernel choose(enum sp_tensor_type type, uint32_t width)
{
	if (type == SP_TENSOR_F32)
		return width == 64   ? pointwise<SP_TENSOR_F32, 64>
		       : width == 32 ? pointwise<SP_TENSOR_F32, 32>
				     : pointwise<SP_TENSOR_F32, 16>;
	return width == 128  ? pointwise<SP_TENSOR_BF16, 128>
	       : width == 64 ? pointwise<SP_TENSOR_BF16, 64>
	       : width == 32 ? pointwise<SP_TENSOR_BF16, 32>
			     : pointwise<SP_TENSOR_BF16, 16>;
}

extern "C" cudaError_t sp_pointwise_launch(cudaStream_t stream, const struct sp_device *device,
					   const struct sp_conv *conv,
					   const struct sp_conv_run *run)
{
	uint32_t width = sp_pointwise_width(conv), number = (uint32_t)sp_tensor_number(conv->type);
	uint32_t blocks, parts, shared;
	struct work work = {};

	(void)device; /* 48 KiB of shared memory are everywhere */
	work.x = (const uint8_t *)run->x->at;
	work.y = (uint8_t *)run->y->at;
	work.residual = run->residual ? (const uint8_t *)run->residual->at : NULL;
	work.weights = (const uint8_t *)run->weights;
	work.act = conv->act;
	work.rows = run->x->n * conv->h * conv->w;
	work.pieces = (conv->oc + width - 1) / width;
	work.x_bytes = run->x->pitch * number;
	work.y_c = conv->oc;
	work.y_pitch = run->y->pitch;
	work.granules = sp_fragments_channels(conv->type, conv->c) * number / SP_GRANULE;
	for (work.log = 1; LOG_MAX > work.log && work.granules > 1U << work.log;)
		work.log++;
	work.stage = SP_POINTWISE_ROWS << work.log << 4;
	work.piece_bytes = (uint32_t)sp_fragments_piece(conv->type, conv->c, width);
	work.bias = (const float *)(work.weights + (size_t)work.pieces * work.piece_bytes);
	blocks = (work.rows + SP_POINTWISE_ROWS - 1) / SP_POINTWISE_ROWS * work.pieces;
	if (!blocks)
		return cudaSuccess;
	parts = (work.granules + SP_GRANULES_MAX - 1) / SP_GRANULES_MAX;
	shared = min(parts, (uint32_t)STAGES) * work.stage;
	if (conv->type == SP_TENSOR_BF16)
		shared = max(shared, (uint32_t)(SP_POINTWISE_THREADS / WARP * CORNER_FLOATS *
						sizeof(float)));
	return sp_launch(choose(conv->type, width), dim3(blocks), dim3(SP_POINTWISE_THREADS),
			 shared, stream, work);
}
