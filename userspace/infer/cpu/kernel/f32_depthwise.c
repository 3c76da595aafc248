/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolutions of float32, 3 × 3: tiles of rows × columns of one block whose sums stay in
 * registers, so that a value is loaded once for all the windows of the tile that it is in.
 * Compiled for: base avx2 avx512
 */
#include "infer/cpu/kernel/f32.h"

#include "infer/cpu/kernel/finish.h"

/* Tiles of 4 × 2, 2 × 2 and 1 × 4 outputs. The first measured fastest of 2 … 4 × 2 … 4. */
enum { TILE_ROWS = 4, TILE_COLUMNS = 4, SOURCES = 2 * TILE_ROWS + 1 };

/* Some rows of one block; @in[i] and @out[i] are pixel 0 of each. */
struct strip {
	const float *in[SOURCES];
	float *out[TILE_ROWS];
	const float *weights, *bias; /* [9][16], [16] */
	const struct sp_finish *finish;
	uint32_t channel; /* the block's first */
};

/* What a vector of channels is computed with. */
struct constants {
	sp_vector by[9], bias;
	struct sp_finishing finish;
};

/*
 * @rows × @columns outputs from column @x on, of the channels from @lane on; each sum in the order
 * of kernel.h.
 */
SP_INLINE void window(const struct strip *strip, uint32_t x, int lane, const struct constants *with,
		      const int rows, const int columns, const int stride,
		      const enum sp_finish_kind kind)
{
	sp_vector sum[TILE_ROWS][TILE_COLUMNS];

	SP_UNROLL
	for (int r = 0; r < rows; r++) {
		SP_UNROLL
		for (int c = 0; c < columns; c++)
			sum[r][c] = with->bias;
	}
	SP_UNROLL
	for (int i = 0; i < stride * (rows - 1) + 3; i++) {
		const float *in = strip->in[i] + (size_t)stride * x * SP_CELL + lane;

		SP_UNROLL
		for (int j = 0; j < stride * (columns - 1) + 3; j++) {
			sp_vector value = sp_load(in + (j - 1) * SP_CELL);

			SP_UNROLL
			for (int k = 0; k < 9; k++) {
				int r = i - k / 3, c = j - k % 3;

				if (r >= 0 && r % stride == 0 && r / stride < rows && c >= 0 &&
				    c % stride == 0 && c / stride < columns)
					sum[r / stride][c / stride] = sp_fma(
						value, with->by[k], sum[r / stride][c / stride]);
			}
		}
	}
	SP_UNROLL
	for (int r = 0; r < rows; r++) {
		SP_UNROLL
		for (int c = 0; c < columns; c++)
			sp_store(strip->out[r] + (size_t)(x + c) * SP_CELL + lane,
				 sp_finish_apply(sum[r][c], kind, &with->finish));
	}
}

SP_INLINE void cells(const struct strip *strip, uint32_t x,
		     const struct constants with[SP_CELL_VECTORS], const int rows,
		     const int columns, const int stride, const enum sp_finish_kind kind)
{
	for (int v = 0; v < SP_CELL_VECTORS; v++)
		window(strip, x, v * SP_LANES, &with[v], rows, columns, stride, kind);
}

/* The last tile ends with the row, over columns that the one before has made too. */
SP_INLINE void tiles(const struct strip *strip, uint32_t n, const int rows, const int columns,
		     const int stride, const enum sp_finish_kind kind)
{
	struct constants with[SP_CELL_VECTORS];

	for (int v = 0; v < SP_CELL_VECTORS; v++) {
		int lane = v * SP_LANES;

		SP_UNROLL
		for (int k = 0; k < 9; k++)
			with[v].by[k] = sp_load(strip->weights + k * SP_CELL + lane);
		with[v].bias = sp_load(strip->bias + lane);
		with[v].finish = sp_finish_load(strip->finish, kind, strip->channel + lane);
	}
	if (n < (uint32_t)columns) {
		for (uint32_t x = 0; x < n; x++)
			cells(strip, x, with, rows, 1, stride, kind);
		return;
	}
	for (uint32_t x = 0; x < n; x += columns)
		cells(strip, x + columns <= n ? x : n - columns, with, rows, columns, stride, kind);
}

SP_INLINE void finished(const struct strip *strip, uint32_t n, const int rows, const int columns,
			const int stride)
{
	switch (sp_finish_kind(strip->finish)) {
	case SP_FINISH_NONE: /* its low is -INFINITY */
	case SP_FINISH_LOW:
		tiles(strip, n, rows, columns, stride, SP_FINISH_LOW);
		break;
	case SP_FINISH_RANGE:
		tiles(strip, n, rows, columns, stride, SP_FINISH_RANGE);
		break;
	case SP_FINISH_SLOPE:
		tiles(strip, n, rows, columns, stride, SP_FINISH_SLOPE);
		break;
	case SP_FINISH_BOTH:
		tiles(strip, n, rows, columns, stride, SP_FINISH_BOTH);
		break;
	}
}

/* As many rows of @left as a tile has. */
static uint32_t tile_rows(uint32_t left)
{
	return left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

static void stride_1(const struct strip *strip, uint32_t rows, uint32_t n)
{
	if (rows == 4)
		finished(strip, n, 4, 2, 1);
	else if (rows == 2)
		finished(strip, n, 2, 2, 1);
	else
		finished(strip, n, 1, 4, 1);
}

static void stride_2(const struct strip *strip, uint32_t rows, uint32_t n)
{
	if (rows == 4)
		finished(strip, n, 4, 2, 2);
	else if (rows == 2)
		finished(strip, n, 2, 2, 2);
	else
		finished(strip, n, 1, 4, 2);
}

void SP_ISA_NAME(sp_f32_depthwise)(const struct sp_depthwise *op, const struct sp_row *in,
				   const struct sp_row *out, uint32_t rows, uint32_t n)
{
	uint32_t blocks = (op->channels + SP_CELL - 1) / SP_CELL;

	for (uint32_t y = 0, some; y < rows; y += some) {
		const struct sp_row *from = in + op->stride * y;

		some = tile_rows(rows - y);
		for (uint32_t b = 0; b < blocks; b++) {
			struct strip strip = {
				.weights = op->weights + b * 9 * SP_CELL,
				.bias = op->bias + b * SP_CELL,
				.finish = &op->finish,
				.channel = b * SP_CELL,
			};

			for (uint32_t i = 0; i < op->stride * (some - 1) + 3; i++)
				strip.in[i] = (float *)((char *)from[i].at + b * from[i].block);
			for (uint32_t i = 0; i < some; i++)
				strip.out[i] =
					(float *)((char *)out[y + i].at + b * out[y + i].block);
			if (op->stride == 1)
				stride_1(&strip, some, n);
			else
				stride_2(&strip, some, n);
		}
	}
}
