/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What moves float32 cells more than it computes: pooling, sums, and the way from and to planes.
 * Compiled for: base avx2 avx512
 */
#include "infer/cpu/kernel/f32.h"

#include "infer/cpu/kernel/finish.h"
#include "infer/cpu/kernel/transpose.h"

static inline float *block_of(struct sp_row row, uint32_t block)
{
	return (float *)((char *)row.at + block * row.block);
}

void SP_ISA_NAME(sp_f32_pool)(const struct sp_row in[2], struct sp_row out, uint32_t blocks,
			      uint32_t n)
{
	for (uint32_t b = 0; b < blocks; b++) {
		const float *up = block_of(in[0], b), *down = block_of(in[1], b);
		float *to = block_of(out, b);

		for (uint32_t x = 0; x < n; x++, up += 2 * SP_CELL, down += 2 * SP_CELL) {
			for (uint32_t lane = 0; lane < SP_CELL; lane += SP_LANES, to += SP_LANES)
				sp_store(to, sp_max(sp_max(sp_load(up + lane),
							   sp_load(up + SP_CELL + lane)),
						    sp_max(sp_load(down + lane),
							   sp_load(down + SP_CELL + lane))));
		}
	}
}

/* One block; @half: @b has half the pixels. */
SP_INLINE void sum(const float *a, const float *b, float *to, uint32_t n, uint32_t block,
		   const struct sp_finish *finish, const bool half, const enum sp_finish_kind kind)
{
	struct sp_finishing with[SP_CELL_VECTORS];

	for (uint32_t v = 0; v < SP_CELL_VECTORS; v++)
		with[v] = sp_finish_load(finish, kind, block * SP_CELL + v * SP_LANES);
	for (uint32_t x = 0; x < n; x++) {
		const float *from = b + (size_t)(half ? x / 2 : x) * SP_CELL;

		for (uint32_t v = 0; v < SP_CELL_VECTORS; v++) {
			sp_vector both = sp_load(a + v * SP_LANES) + sp_load(from + v * SP_LANES);

			sp_store(to + v * SP_LANES, sp_finish_apply(both, kind, &with[v]));
		}
		a += SP_CELL;
		to += SP_CELL;
	}
}

SP_INLINE void sums(struct sp_row a, struct sp_row b, struct sp_row out, uint32_t blocks,
		    uint32_t n, const struct sp_finish *finish, const bool half)
{
	enum sp_finish_kind kind = sp_finish_kind(finish);

	for (uint32_t i = 0; i < blocks; i++) {
		const float *from = block_of(a, i), *other = block_of(b, i);
		float *to = block_of(out, i);

		switch (kind) {
		case SP_FINISH_NONE:
			sum(from, other, to, n, i, finish, half, SP_FINISH_NONE);
			break;
		case SP_FINISH_LOW:
			sum(from, other, to, n, i, finish, half, SP_FINISH_LOW);
			break;
		case SP_FINISH_RANGE:
			sum(from, other, to, n, i, finish, half, SP_FINISH_RANGE);
			break;
		case SP_FINISH_SLOPE:
			sum(from, other, to, n, i, finish, half, SP_FINISH_SLOPE);
			break;
		case SP_FINISH_BOTH:
			sum(from, other, to, n, i, finish, half, SP_FINISH_BOTH);
			break;
		}
	}
}

void SP_ISA_NAME(sp_f32_add)(struct sp_row a, struct sp_row b, struct sp_row out, uint32_t blocks,
			     uint32_t n, const struct sp_finish *finish)
{
	sums(a, b, out, blocks, n, finish, false);
}

void SP_ISA_NAME(sp_f32_upsample_add)(struct sp_row a, struct sp_row half, struct sp_row out,
				      uint32_t blocks, uint32_t n, const struct sp_finish *finish)
{
	sums(a, half, out, blocks, n, finish, true);
}

/* @pixels ≤ SP_LANES of as many channels, of which @channels are there, the rest zeros. */
SP_INLINE void load_square(const float *from, size_t plane, float *to, uint32_t channels,
			   uint32_t pixels)
{
	sp_vector x[SP_LANES] = { 0 };

	if (pixels == SP_LANES) {
		for (uint32_t c = 0; c < channels; c++)
			x[c] = sp_load(from + c * plane);
	} else {
		/* The lines end here; nothing behind them may be read. */
		for (uint32_t c = 0; c < channels; c++)
			__builtin_memcpy(&x[c], from + c * plane, pixels * sizeof(*from));
	}
	sp_transpose(x);
	for (uint32_t p = 0; p < pixels; p++)
		sp_store(to + p * SP_CELL, x[p]);
}

void SP_ISA_NAME(sp_f32_load)(enum sp_cell cell, const float *from, size_t plane, struct sp_row to,
			      uint32_t channels, uint32_t n)
{
	uint32_t padded = (channels + SP_CELL - 1) / SP_CELL * SP_CELL;

	(void)cell;
	for (uint32_t c = 0; c < padded; c += SP_LANES) {
		float *cells = block_of(to, c / SP_CELL) + c % SP_CELL;
		uint32_t left = c < channels ? channels - c : 0;

		for (uint32_t x = 0; x < n; x += SP_LANES)
			load_square(left ? from + c * plane + x : NULL, plane,
				    cells + (size_t)x * SP_CELL, left < SP_LANES ? left : SP_LANES,
				    n - x < SP_LANES ? n - x : SP_LANES);
	}
}

SP_INLINE void store_square(const float *from, float *to, size_t plane, uint32_t channels,
			    uint32_t pixels)
{
	sp_vector x[SP_LANES];

	/* Beyond the row's end this reads its margin. */
	for (uint32_t p = 0; p < SP_LANES; p++)
		x[p] = sp_load(from + p * SP_CELL);
	sp_transpose(x);
	if (pixels == SP_LANES) {
		for (uint32_t c = 0; c < channels; c++)
			sp_store(to + c * plane, x[c]);
	} else {
		for (uint32_t c = 0; c < channels; c++)
			__builtin_memcpy(to + c * plane, &x[c], pixels * sizeof(*to));
	}
}

void SP_ISA_NAME(sp_f32_store)(enum sp_cell cell, struct sp_row from, float *to, size_t plane,
			       uint32_t channels, uint32_t n)
{
	(void)cell;
	for (uint32_t c = 0; c < channels; c += SP_LANES) {
		const float *cells = block_of(from, c / SP_CELL) + c % SP_CELL;
		uint32_t left = channels - c;

		for (uint32_t x = 0; x < n; x += SP_LANES)
			store_square(cells + (size_t)x * SP_CELL, to + c * plane + x, plane,
				     left < SP_LANES ? left : SP_LANES,
				     n - x < SP_LANES ? n - x : SP_LANES);
	}
}
