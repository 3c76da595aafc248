/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pointwise convolutions of bfloat16: tiles of pixels × groups of outputs whose sums, of float32,
 * stay in registers. Compiled for: base avx512_bf16
 *
 * A step takes two input channels: the tile's weights of both, which lie side by side, times the
 * pair's values of each pixel. Packed weights: [tile's groups][pair of inputs][output][2], of
 * bfloat16; the last pair's second weights are zero where the inputs are odd. Other pairs that a
 * cell has beyond the inputs are not multiplied.
 */
#include "infer/cpu/kernel/bf16.h"

/*
 * Groups in a tile, and pixels in one of 1, 2, … groups: sums, a step's weights and one pair fill
 * the registers (32 of AVX-512, 16 elsewhere).
 */
#ifdef __AVX512BF16__
#define GROUPS 4
#define TILES(T) T(1, 12) T(2, 12) T(3, 8) T(4, 6)
#else
#define GROUPS 1
#define TILES(T) T(1, 2)
#endif

enum {
	PIXELS_MAX = 12,
	VECTORS_MAX = GROUPS * SP_GROUP_VECTORS,
	PAIR = 2 * sizeof(uint16_t), /* bytes */
	CELL_PAIRS = SP_CELL_BYTES / PAIR,
};

struct tile {
	const uint8_t *in, *weights;
	struct sp_row residual, out; /* of the first pixel; group 0 */
	size_t in_block;
	uint32_t pairs, group; /* the first one out */
	const float *bias; /* of that */
	const struct sp_finish *finish;
	enum sp_ending ending;
	enum sp_cell cell; /* of what comes out */
};

static inline uint32_t pairs_of(uint32_t channels)
{
	return (channels + 1) / 2;
}

size_t SP_ISA_NAME(sp_bf16_pointwise_bytes)(uint32_t in, uint32_t out)
{
	return (size_t)pairs_of(in) * sp_groups(out) * SP_GROUP * PAIR;
}

void SP_ISA_NAME(sp_bf16_pack_pointwise)(uint32_t in, uint32_t out, const float *weights,
					 void *packed)
{
	uint16_t *to = packed;

	for (uint32_t first = 0; first < out; first += GROUPS * SP_GROUP) {
		uint32_t groups = sp_groups(out - first);
		uint32_t end = first + (groups < GROUPS ? groups : GROUPS) * SP_GROUP;

		for (uint32_t c = 0; c < in; c += 2) {
			for (uint32_t o = first; o < end; o++) {
				const float *of = weights + (size_t)o * in + c;

				*to++ = o < out ? sp_half(of[0]) : 0;
				*to++ = o < out && c + 1 < in ? sp_half(of[1]) : 0;
			}
		}
	}
}

SP_INLINE void multiply(const struct tile *tile, sp_vector sum[PIXELS_MAX][VECTORS_MAX],
			const int pixels, const int vectors)
{
	const uint8_t *weights = tile->weights;

	for (uint32_t first = 0; first < tile->pairs; first += CELL_PAIRS) {
		const uint8_t *in = tile->in + first / CELL_PAIRS * tile->in_block;
		uint32_t left = tile->pairs - first;
		const uint8_t *end = in + (left < CELL_PAIRS ? left : CELL_PAIRS) * PAIR;

		for (; in < end; in += PAIR, weights += vectors * SP_LANES * PAIR) {
			sp_words by[VECTORS_MAX];

			SP_UNROLL
			for (int v = 0; v < vectors; v++)
				by[v] = sp_pairs_load(weights + v * SP_LANES * PAIR);
			SP_UNROLL
			for (int p = 0; p < pixels; p++) {
				sp_words x;

				if (vectors == 1) {
					sum[p][0] = sp_half_dot_one(sum[p][0], by[0],
								    in + p * SP_CELL_BYTES);
					continue;
				}
				x = sp_pairs_broadcast(in + p * SP_CELL_BYTES);
				SP_UNROLL
				for (int v = 0; v < vectors; v++)
					sum[p][v] = sp_half_dot(sum[p][v], by[v], x);
			}
		}
	}
}

SP_INLINE void put(const struct tile *tile, sp_vector sum[PIXELS_MAX][VECTORS_MAX],
		   const int pixels, const int vectors, const enum sp_cell cell,
		   const enum sp_ending ending)
{
	SP_UNROLL
	for (int v = 0; v < vectors; v++) {
		uint32_t group = tile->group + v / SP_GROUP_VECTORS;
		uint32_t channel = tile->group * SP_GROUP + v * SP_LANES;
		struct sp_finishing with = sp_ending_load(tile->finish, channel);
		uint8_t *to = sp_group_at(tile->out, cell, group);

		SP_UNROLL
		for (int p = 0; p < pixels; p++)
			sp_group_store(to + p * SP_CELL_BYTES, cell, v % SP_GROUP_VECTORS,
				       sp_finish_apply(sum[p][v], sp_ending_kind(ending), &with));
	}
}

SP_INLINE void add_residual(const struct tile *tile, sp_vector sum[PIXELS_MAX][VECTORS_MAX],
			    const int pixels, const int vectors, const enum sp_cell cell)
{
	SP_UNROLL
	for (int v = 0; v < vectors; v++) {
		const uint8_t *from = sp_group_at(tile->residual, cell,
						  tile->group + v / SP_GROUP_VECTORS);

		SP_UNROLL
		for (int p = 0; p < pixels; p++)
			sum[p][v] += sp_group_load(from + p * SP_CELL_BYTES, cell,
						   v % SP_GROUP_VECTORS);
	}
}

SP_INLINE void end(const struct tile *tile, sp_vector sum[PIXELS_MAX][VECTORS_MAX],
		   const int pixels, const int vectors, const enum sp_cell cell)
{
	if (tile->residual.at)
		add_residual(tile, sum, pixels, vectors, cell);
	switch (tile->ending) {
	case SP_ENDING_NONE:
		put(tile, sum, pixels, vectors, cell, SP_ENDING_NONE);
		break;
	case SP_ENDING_LOW:
	case SP_ENDING_RANGE:
		put(tile, sum, pixels, vectors, cell, SP_ENDING_RANGE);
		break;
	default:
		put(tile, sum, pixels, vectors, cell, SP_ENDING_BOTH);
		break;
	}
}

SP_INLINE void make(const struct tile *tile, const int pixels, const int vectors)
{
	sp_vector sum[PIXELS_MAX][VECTORS_MAX];

	SP_UNROLL
	for (int v = 0; v < vectors; v++) {
		sp_vector bias = sp_load(tile->bias + v * SP_LANES);

		SP_UNROLL
		for (int p = 0; p < pixels; p++)
			sum[p][v] = bias;
	}
	multiply(tile, sum, pixels, vectors);
	if (tile->cell == SP_CELL_F32)
		end(tile, sum, pixels, vectors, SP_CELL_F32);
	else
		end(tile, sum, pixels, vectors, SP_CELL_BF16);
}

static void move(struct tile *tile, uint32_t pixels)
{
	tile->in += pixels * SP_CELL_BYTES;
	tile->out.at = (uint8_t *)tile->out.at + pixels * SP_CELL_BYTES;
	if (tile->residual.at)
		tile->residual.at = (uint8_t *)tile->residual.at + pixels * SP_CELL_BYTES;
}

/* The tile's groups over a row: large tiles, and what is left by halves. */
#define ROW(groups, most)                                                                          \
	static void row_##groups(struct tile *tile, uint32_t n)                                    \
	{                                                                                          \
		for (; n >= (most); n -= (most), move(tile, most))                                 \
			make(tile, most, (groups)*SP_GROUP_VECTORS);                               \
		for (; n >= 4; n -= 4, move(tile, 4))                                              \
			make(tile, 4, (groups)*SP_GROUP_VECTORS);                                  \
		for (; n >= 2; n -= 2, move(tile, 2))                                              \
			make(tile, 2, (groups)*SP_GROUP_VECTORS);                                  \
		if (n)                                                                             \
			make(tile, 1, (groups)*SP_GROUP_VECTORS);                                  \
	}
#define NAME(groups, most) [(groups)-1] = row_##groups,

TILES(ROW)

static void (*const rows[GROUPS])(struct tile *tile, uint32_t n) = { TILES(NAME) };

void SP_ISA_NAME(sp_bf16_pointwise)(const struct sp_pointwise *op, struct sp_row in,
				    struct sp_row residual, struct sp_row out, uint32_t n)
{
	uint32_t groups = sp_groups(op->out_channels), pairs = pairs_of(op->in_channels);
	const uint8_t *weights = op->weights;

	for (uint32_t g = 0; g < groups; g += GROUPS) {
		uint32_t some = groups - g < GROUPS ? groups - g : GROUPS;
		struct tile tile = {
			.in = in.at,
			.weights = weights,
			.residual = residual,
			.out = out,
			.in_block = in.block,
			.pairs = pairs,
			.group = g,
			.bias = op->bias + g * SP_GROUP,
			.finish = &op->finish,
			.ending = sp_ending(&op->finish),
			.cell = op->out,
		};

		rows[some - 1](&tile, n);
		weights += (size_t)pairs * some * SP_GROUP * PAIR;
	}
	if (op->out == SP_CELL_BF16 && groups % 2)
		sp_fill_half(out, groups, &op->finish, n);
}
