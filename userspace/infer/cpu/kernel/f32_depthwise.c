/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolutions of float32, 3 × 3: tiles of rows × columns of one block whose sums stay in
 * registers, so that a value is loaded once for all the windows of the tile that it is in.
 * Compiled for: base avx2 avx512
 */
#include "infer/cpu/kernel/f32.h"

#include "infer/cpu/kernel/finish.h"

enum { TILE_ROWS = 4, TILE_COLUMNS = 4, SOURCES = TILE_ROWS + 2 };

/* Some rows of one block; @in[i] and @out[i] are the vectors of pixel 0 in each. */
struct strip {
	const float *in[SOURCES];
	float *out[TILE_ROWS];
	const float *weights, *bias; /* [9][16], [16] */
	const struct sp_finish *finish;
	uint32_t channel;
};

/* @rows × @columns outputs from column @x on, each sum in the order of kernel.h. */
SP_INLINE void window(const struct strip *strip, uint32_t x, const sp_vector by[9], sp_vector bias,
		      const struct sp_finishing *with, const int rows, const int columns,
		      const int stride, const enum sp_finish_kind kind)
{
	sp_vector sum[TILE_ROWS][TILE_COLUMNS];

	SP_UNROLL
	for (int r = 0; r < rows; r++) {
		SP_UNROLL
		for (int c = 0; c < columns; c++)
			sum[r][c] = bias;
	}
	SP_UNROLL
	for (int i = 0; i < stride * (rows - 1) + 3; i++) {
		const float *in = strip->in[i] + (size_t)stride * x * SP_CELL;

		SP_UNROLL
		for (int j = 0; j < stride * (columns - 1) + 3; j++) {
			sp_vector value = sp_load(in + (j - 1) * SP_CELL);

			SP_UNROLL
			for (int k = 0; k < 9; k++) {
				int r = i - k / 3, c = j - k % 3;

				if (r >= 0 && r % stride == 0 && r / stride < rows && c >= 0 &&
				    c % stride == 0 && c / stride < columns)
					sum[r / stride][c / stride] =
						sp_fma(value, by[k], sum[r / stride][c / stride]);
			}
		}
	}
	SP_UNROLL
	for (int r = 0; r < rows; r++) {
		SP_UNROLL
		for (int c = 0; c < columns; c++)
			sp_store(strip->out[r] + (size_t)(x + c) * SP_CELL,
				 sp_finish_apply(sum[r][c], kind, with));
	}
}

/* The last tile ends with the row, over columns that the one before has made too. */
SP_INLINE void columns(const struct strip *strip, uint32_t n, const int rows, const int stride,
		       const int wide, const enum sp_finish_kind kind)
{
	struct sp_finishing with = sp_finish_load(strip->finish, kind, strip->channel);
	sp_vector by[9], bias = sp_load(strip->bias);

	SP_UNROLL
	for (int k = 0; k < 9; k++)
		by[k] = sp_load(strip->weights + k * SP_CELL);
	if (n < (uint32_t)wide) {
		for (uint32_t x = 0; x < n; x++)
			window(strip, x, by, bias, &with, rows, 1, stride, kind);
		return;
	}
	for (uint32_t x = 0; x < n; x += wide)
		window(strip, x + wide <= n ? x : n - wide, by, bias, &with, rows, wide, stride,
		       kind);
}

SP_INLINE void finished(const struct strip *strip, uint32_t n, const int rows, const int stride,
			const int wide)
{
	switch (sp_finish_kind(strip->finish)) {
	case SP_FINISH_NONE:
		columns(strip, n, rows, stride, wide, SP_FINISH_NONE);
		break;
	case SP_FINISH_LOW:
		columns(strip, n, rows, stride, wide, SP_FINISH_LOW);
		break;
	case SP_FINISH_RANGE:
		columns(strip, n, rows, stride, wide, SP_FINISH_RANGE);
		break;
	case SP_FINISH_SLOPE:
		columns(strip, n, rows, stride, wide, SP_FINISH_SLOPE);
		break;
	case SP_FINISH_BOTH:
		columns(strip, n, rows, stride, wide, SP_FINISH_BOTH);
		break;
	}
}

/* Some rows of the strip that is as good as any: how many depends on what is left. */
static uint32_t strip_rows(uint32_t stride, uint32_t left)
{
	uint32_t most = stride == 1 ? 4 : 2;

	return left >= most ? most : left >= 2 ? 2 : 1;
}

static void make(const struct strip *strip, uint32_t stride, uint32_t rows, uint32_t n)
{
	if (stride == 2) {
		if (rows == 2)
			finished(strip, n, 2, 2, 2);
		else
			finished(strip, n, 1, 2, 4);
	} else if (rows == 4) {
		finished(strip, n, 4, 1, 2);
	} else if (rows == 2) {
		finished(strip, n, 2, 1, 4);
	} else {
		finished(strip, n, 1, 1, 4);
	}
}

void SP_ISA_NAME(sp_f32_depthwise)(const struct sp_depthwise *op, const struct sp_row *in,
				   const struct sp_row *out, uint32_t rows, uint32_t n)
{
	uint32_t vectors = (op->channels + SP_CELL - 1) / SP_CELL * SP_CELL_VECTORS;

	for (uint32_t y = 0, some; y < rows; y += some) {
		const struct sp_row *from = in + op->stride * y;

		some = strip_rows(op->stride, rows - y);
		for (uint32_t v = 0; v < vectors; v++) {
			uint32_t block = v / SP_CELL_VECTORS;
			uint32_t lane = v % SP_CELL_VECTORS * SP_LANES;
			struct strip strip = {
				.weights = op->weights + block * 9 * SP_CELL + lane,
				.bias = op->bias + v * SP_LANES,
				.finish = &op->finish,
				.channel = v * SP_LANES,
			};

			for (uint32_t i = 0; i < op->stride * (some - 1) + 3; i++)
				strip.in[i] = (float *)from[i].at +
					      block * (from[i].block / sizeof(float)) + lane;
			for (uint32_t i = 0; i < some; i++)
				strip.out[i] = (float *)out[y + i].at +
					       block * (out[y + i].block / sizeof(float)) + lane;
			make(&strip, op->stride, some, n);
		}
	}
}
