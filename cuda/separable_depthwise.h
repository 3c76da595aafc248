/* SPDX-License-Identifier: Apache-2.0 */
/* The second half of separable.cu: the depthwise one, from what lies between into y. */
#ifndef SP_CUDA_SEPARABLE_DEPTHWISE_H
#define SP_CUDA_SEPARABLE_DEPTHWISE_H

#include "cuda/act.h"
#include "cuda/separable_work.h"

enum { WIDE = 2 /* results of a line that a thread computes at once */ };

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
	float first = column->channel < work->y_c ? of[0] : 0.0f;
	float second = column->channel + 1 < work->y_c ? of[1] : 0.0f;

	if (y >= work->y_h || x >= work->y_w)
		return;
	if (type == SP_TENSOR_BF16 && work->y_number == 2)
		put_two<SP_TENSOR_BF16>(column->y + at * 2, first, second);
	else
		put_two<SP_TENSOR_F32>(column->y + at * 4, first, second);
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
				     work->y_number;
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

#endif
