/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolutions, 3 × 3, from either cell to either, in float32 arithmetic: tiles of rows ×
 * columns of one group whose sums stay in registers, so that a value is loaded once for all the
 * windows of the tile that it is in. Compiled for: base avx512_bf16
 */
#include "infer/cpu/kernel/bf16.h"

enum { TILE_ROWS = 4, TILE_COLUMNS = 4, SOURCES = TILE_ROWS + 2 };

/* Some rows of one vector of a group; @in[i] and @out[i] are pixel 0 of the group in each. */
struct strip {
	const uint8_t *in[SOURCES];
	uint8_t *out[TILE_ROWS];
	const float *weights, *bias; /* [9][16], [16] */
	const struct sp_finish *finish;
	uint32_t channel;
	int vector;
	enum sp_cell from, to;
	enum sp_ending ending;
};

/* How a tile is made: constants where it is inlined. */
struct form {
	int rows, columns, stride;
	enum sp_cell from, to;
	enum sp_ending ending;
};

SP_INLINE void put(const struct strip *strip, uint32_t x, sp_vector sum[TILE_ROWS][TILE_COLUMNS],
		   const struct sp_finishing *with, const struct form form)
{
	const size_t lane = (size_t)strip->vector * SP_LANES * sizeof(uint16_t);

	SP_UNROLL
	for (int r = 0; r < form.rows; r++) {
		uint8_t *to = strip->out[r] + (size_t)x * SP_CELL_BYTES;

		SP_UNROLL
		for (int c = 0; c < form.columns; c++)
			sum[r][c] = sp_finish_apply(sum[r][c], sp_ending_kind(form.ending), with);
		SP_UNROLL
		for (int c = 0; c < form.columns; c += 2) {
			if (form.to == SP_CELL_BF16 && c + 1 < form.columns) {
				sp_half_store_two(to + c * SP_CELL_BYTES + lane,
						  to + (c + 1) * SP_CELL_BYTES + lane, sum[r][c],
						  sum[r][c + 1]);
				continue;
			}
			for (int k = c; k < c + 2 && k < form.columns; k++)
				sp_group_store(to + k * SP_CELL_BYTES, form.to, strip->vector,
					       sum[r][k]);
		}
	}
}

/* Outputs from column @x on, each sum in the order of kernel.h. */
SP_INLINE void window(const struct strip *strip, uint32_t x, const sp_vector by[9], sp_vector bias,
		      const struct sp_finishing *with, const struct form form)
{
	sp_vector sum[TILE_ROWS][TILE_COLUMNS];

	SP_UNROLL
	for (int r = 0; r < form.rows; r++) {
		SP_UNROLL
		for (int c = 0; c < form.columns; c++)
			sum[r][c] = bias;
	}
	SP_UNROLL
	for (int i = 0; i < form.stride * (form.rows - 1) + 3; i++) {
		const uint8_t *in = strip->in[i] + (size_t)form.stride * x * SP_CELL_BYTES;

		SP_UNROLL
		for (int j = 0; j < form.stride * (form.columns - 1) + 3; j++) {
			sp_vector value = sp_group_load(in + (j - 1) * SP_CELL_BYTES, form.from,
							strip->vector);

			SP_UNROLL
			for (int k = 0; k < 9; k++) {
				int r = i - k / 3, c = j - k % 3;

				if (r < 0 || c < 0 || r % form.stride || c % form.stride ||
				    r / form.stride >= form.rows || c / form.stride >= form.columns)
					continue;
				r /= form.stride;
				c /= form.stride;
				sum[r][c] = sp_fma(value, by[k], sum[r][c]);
			}
		}
	}
	put(strip, x, sum, with, form);
}

/* The last tile ends with the row, over columns that the one before has made too. */
SP_INLINE void columns(const struct strip *strip, uint32_t n, const struct form form)
{
	const struct form narrow = { form.rows, 1, form.stride, form.from, form.to, form.ending };
	struct sp_finishing with = sp_ending_load(strip->finish, strip->channel);
	uint32_t wide = (uint32_t)form.columns;
	sp_vector by[9], bias = sp_load(strip->bias);

	SP_UNROLL
	for (int k = 0; k < 9; k++)
		by[k] = sp_load(strip->weights + k * SP_GROUP);
	if (n < wide) {
		for (uint32_t x = 0; x < n; x++)
			window(strip, x, by, bias, &with, narrow);
		return;
	}
	for (uint32_t x = 0; x < n; x += wide)
		window(strip, x + wide <= n ? x : n - wide, by, bias, &with, form);
}

/* Windows over bfloat16 are rare: one ending serves all. */
SP_INLINE void endings(const struct strip *strip, uint32_t n, struct form form)
{
	if (form.from == SP_CELL_BF16 || strip->ending == SP_ENDING_BOTH) {
		form.ending = SP_ENDING_BOTH;
		columns(strip, n, form);
	} else if (strip->ending == SP_ENDING_RANGE) {
		form.ending = SP_ENDING_RANGE;
		columns(strip, n, form);
	} else {
		form.ending = SP_ENDING_LOW;
		columns(strip, n, form);
	}
}

SP_INLINE void cells(const struct strip *strip, uint32_t n, struct form form)
{
	if (strip->from == SP_CELL_F32) {
		form.from = SP_CELL_F32;
		form.to = SP_CELL_F32;
		if (strip->to == SP_CELL_F32) {
			endings(strip, n, form);
			return;
		}
		form.to = SP_CELL_BF16;
		endings(strip, n, form);
	} else {
		form.from = SP_CELL_BF16;
		form.to = SP_CELL_F32;
		if (strip->to == SP_CELL_F32) {
			endings(strip, n, form);
			return;
		}
		form.to = SP_CELL_BF16;
		endings(strip, n, form);
	}
}

static void make(const struct strip *strip, uint32_t stride, uint32_t rows, uint32_t n)
{
	if (stride == 2) {
		if (rows == 2)
			cells(strip, n, (struct form){ .rows = 2, .columns = 2, .stride = 2 });
		else
			cells(strip, n, (struct form){ .rows = 1, .columns = 4, .stride = 2 });
	} else if (rows == 4) {
		cells(strip, n, (struct form){ .rows = 4, .columns = 2, .stride = 1 });
	} else if (rows == 2) {
		cells(strip, n, (struct form){ .rows = 2, .columns = 4, .stride = 1 });
	} else {
		cells(strip, n, (struct form){ .rows = 1, .columns = 4, .stride = 1 });
	}
}

/* Group @group of @out, from group @source of @in. */
static void group_rows(const struct sp_depthwise *op, const struct sp_row *in,
		       const struct sp_row *out, uint32_t rows, uint32_t n, uint32_t group,
		       uint32_t source)
{
	uint32_t most = op->stride == 1 ? 4 : 2;

	for (uint32_t y = 0, some; y < rows; y += some) {
		uint32_t left = rows - y;
		struct strip strip = {
			.finish = &op->finish,
			.from = op->in,
			.to = op->out,
			.ending = sp_ending(&op->finish),
		};

		some = left >= most ? most : left >= 2 ? 2 : 1;
		for (uint32_t i = 0; i < op->stride * (some - 1) + 3; i++)
			strip.in[i] = sp_group_at(in[op->stride * y + i], op->in, source);
		for (uint32_t i = 0; i < some; i++)
			strip.out[i] = sp_group_at(out[y + i], op->out, group);
		for (strip.vector = 0; strip.vector < SP_GROUP_VECTORS; strip.vector++) {
			uint32_t lane = (uint32_t)strip.vector * SP_LANES;

			strip.channel = group * SP_GROUP + lane;
			strip.weights = op->weights + group * 9 * SP_GROUP + lane;
			strip.bias = op->bias + strip.channel;
			make(&strip, op->stride, some, n);
		}
	}
}

void SP_ISA_NAME(sp_bf16_depthwise_group)(const struct sp_depthwise *op, const struct sp_row *in,
					  const struct sp_row *out, uint32_t rows, uint32_t n,
					  uint32_t group)
{
	group_rows(op, in, out, rows, n, group, 0);
}

void SP_ISA_NAME(sp_bf16_depthwise)(const struct sp_depthwise *op, const struct sp_row *in,
				    const struct sp_row *out, uint32_t rows, uint32_t n)
{
	uint32_t groups = sp_groups(op->channels);

	for (uint32_t g = 0; g < groups; g++)
		group_rows(op, in, out, rows, n, g, g);
	if (op->out == SP_CELL_F32 || groups % 2 == 0)
		return;
	for (uint32_t y = 0; y < rows; y++)
		sp_fill_half(out[y], groups, &op->finish, n);
}
