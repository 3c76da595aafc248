/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What moves cells of bfloat16 more than it computes: pooling, sums, and the way from and to
 * planes. Compiled for: base avx512_bf16
 */
#include "infer/cpu/kernel/bf16.h"

#include "infer/cpu/kernel/transpose.h"

static inline uint8_t *block_of(struct sp_row row, uint32_t block)
{
	return (uint8_t *)row.at + block * row.block;
}

/* ---- pooling -------------------------------------------------------------------------------- */

typedef int16_t signed_halves __attribute__((vector_size(4 * SP_LANES)));

/*
 * Numbers of bfloat16 as integers in the same order, and back: where the sign is set, the other
 * bits are turned round.
 */
SP_INLINE signed_halves ordered(signed_halves x)
{
	return x ^ (x >> 15 & 0x7FFF);
}

SP_INLINE signed_halves ordered_at(const uint8_t *at)
{
	signed_halves x;

	__builtin_memcpy(&x, at, sizeof(x));
	return ordered(x);
}

SP_INLINE signed_halves larger(signed_halves a, signed_halves b)
{
#ifdef __AVX512BW__
	return (signed_halves)_mm512_max_epi16((__m512i)a, (__m512i)b);
#else
	signed_halves above = a > b;

	return (above & a) | (~above & b);
#endif
}

void SP_ISA_NAME(sp_bf16_pool)(const struct sp_row in[2], struct sp_row out, uint32_t blocks,
			       uint32_t n)
{
	for (uint32_t b = 0; b < blocks; b++) {
		const uint8_t *up = block_of(in[0], b), *down = block_of(in[1], b);
		uint8_t *to = block_of(out, b), *end = to + (size_t)n * SP_CELL_BYTES;

		for (; to < end; up += 2 * SP_CELL_BYTES, down += 2 * SP_CELL_BYTES) {
			for (size_t at = 0; at < SP_CELL_BYTES; at += sizeof(signed_halves)) {
				signed_halves most =
					larger(larger(ordered_at(up + at),
						      ordered_at(up + SP_CELL_BYTES + at)),
					       larger(ordered_at(down + at),
						      ordered_at(down + SP_CELL_BYTES + at)));

				most = ordered(most);
				__builtin_memcpy(to, &most, sizeof(most));
				to += sizeof(most);
			}
		}
	}
}

/* ---- sums ----------------------------------------------------------------------------------- */

enum { CELL_VECTORS = 2 * SP_GROUP_VECTORS };

/* One block; @half: @b has half the pixels. */
SP_INLINE void sum(const uint8_t *a, const uint8_t *b, uint8_t *to, uint32_t n, uint32_t block,
		   const struct sp_finish *finish, const bool half, const enum sp_ending ending)
{
	struct sp_finishing with[CELL_VECTORS];

	for (int v = 0; v < CELL_VECTORS; v++)
		with[v] = sp_ending_load(finish, block * 2 * SP_GROUP + v * SP_LANES);
	for (uint32_t x = 0; x < n; x++, a += SP_CELL_BYTES, to += SP_CELL_BYTES) {
		const uint8_t *from = b + (size_t)(half ? x / 2 : x) * SP_CELL_BYTES;

		for (int v = 0; v < CELL_VECTORS; v++) {
			sp_vector both = sp_group_load(a, SP_CELL_BF16, v) +
					 sp_group_load(from, SP_CELL_BF16, v);

			both = sp_finish_apply(both, sp_ending_kind(ending), &with[v]);
			sp_group_store(to, SP_CELL_BF16, v, both);
		}
	}
}

SP_INLINE void sums(struct sp_row a, struct sp_row b, struct sp_row out, uint32_t blocks,
		    uint32_t n, const struct sp_finish *finish, const bool half)
{
	enum sp_ending ending = sp_ending(finish);

	for (uint32_t i = 0; i < blocks; i++) {
		const uint8_t *from = block_of(a, i), *other = block_of(b, i);
		uint8_t *to = block_of(out, i);

		if (ending == SP_ENDING_NONE)
			sum(from, other, to, n, i, finish, half, SP_ENDING_NONE);
		else
			sum(from, other, to, n, i, finish, half, SP_ENDING_BOTH);
	}
}

void SP_ISA_NAME(sp_bf16_add)(struct sp_row a, struct sp_row b, struct sp_row out, uint32_t blocks,
			      uint32_t n, const struct sp_finish *finish)
{
	sums(a, b, out, blocks, n, finish, false);
}

void SP_ISA_NAME(sp_bf16_upsample_add)(struct sp_row a, struct sp_row half, struct sp_row out,
				       uint32_t blocks, uint32_t n, const struct sp_finish *finish)
{
	sums(a, half, out, blocks, n, finish, true);
}

/* ---- from and to planes --------------------------------------------------------------------- */

/* @pixels ≤ SP_LANES of as many channels, of which @channels are there, the rest zeros. */
SP_INLINE void load_square(const float *from, size_t plane, uint8_t *to, const enum sp_cell cell,
			   int vector, uint32_t channels, uint32_t pixels)
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
		sp_group_store(to + p * SP_CELL_BYTES, cell, vector, x[p]);
}

SP_INLINE void load(const enum sp_cell cell, const float *from, size_t plane, struct sp_row to,
		    uint32_t channels, uint32_t n)
{
	uint32_t block = cell == SP_CELL_F32 ? 16 : 32;
	uint32_t padded = (channels + block - 1) / block * block;

	for (uint32_t c = 0; c < padded; c += SP_LANES) {
		uint32_t left = c < channels ? channels - c : 0;
		int vector = (int)(c % SP_GROUP / SP_LANES);
		uint8_t *cells = sp_group_at(to, cell, c / SP_GROUP);

		for (uint32_t x = 0; x < n; x += SP_LANES)
			load_square(left ? from + c * plane + x : NULL, plane,
				    cells + (size_t)x * SP_CELL_BYTES, cell, vector,
				    left < SP_LANES ? left : SP_LANES,
				    n - x < SP_LANES ? n - x : SP_LANES);
	}
}

void SP_ISA_NAME(sp_bf16_load)(enum sp_cell cell, const float *from, size_t plane, struct sp_row to,
			       uint32_t channels, uint32_t n)
{
	if (cell == SP_CELL_F32)
		load(SP_CELL_F32, from, plane, to, channels, n);
	else
		load(SP_CELL_BF16, from, plane, to, channels, n);
}

SP_INLINE void store_square(const uint8_t *from, const enum sp_cell cell, int vector, float *to,
			    size_t plane, uint32_t channels, uint32_t pixels)
{
	sp_vector x[SP_LANES];

	/* Beyond the row's end this reads its margin. */
	for (uint32_t p = 0; p < SP_LANES; p++)
		x[p] = sp_group_load(from + p * SP_CELL_BYTES, cell, vector);
	sp_transpose(x);
	if (pixels == SP_LANES) {
		for (uint32_t c = 0; c < channels; c++)
			sp_store(to + c * plane, x[c]);
	} else {
		for (uint32_t c = 0; c < channels; c++)
			__builtin_memcpy(to + c * plane, &x[c], pixels * sizeof(*to));
	}
}

SP_INLINE void store(const enum sp_cell cell, struct sp_row from, float *to, size_t plane,
		     uint32_t channels, uint32_t n)
{
	for (uint32_t c = 0; c < channels; c += SP_LANES) {
		const uint8_t *cells = sp_group_at(from, cell, c / SP_GROUP);
		uint32_t left = channels - c;
		int vector = (int)(c % SP_GROUP / SP_LANES);

		for (uint32_t x = 0; x < n; x += SP_LANES)
			store_square(cells + (size_t)x * SP_CELL_BYTES, cell, vector,
				     to + c * plane + x, plane, left < SP_LANES ? left : SP_LANES,
				     n - x < SP_LANES ? n - x : SP_LANES);
	}
}

void SP_ISA_NAME(sp_bf16_store)(enum sp_cell cell, struct sp_row from, float *to, size_t plane,
				uint32_t channels, uint32_t n)
{
	if (cell == SP_CELL_F32)
		store(SP_CELL_F32, from, to, plane, channels, n);
	else
		store(SP_CELL_BF16, from, to, plane, channels, n);
}
