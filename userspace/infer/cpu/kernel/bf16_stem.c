/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First layers: windows over planes of float32, whose values and weights are rounded to bfloat16.
 * Compiled for: base avx512_bf16
 *
 * Two lines of the window, the first and second, third and fourth …, are interleaved into one of
 * pairs, so that a step takes the same column of both. That is done for some outputs at a time, on
 * the stack, with zeros where a line ends or there is none:
 *
 *	line 0   a b c d …        pairs 0   aA bB cC dD …
 *	line 1   A B C D …
 */
#include "infer/cpu/kernel/bf16.h"

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
	PAIRS_MAX = (SP_STEM_CHANNELS_MAX * SP_STEM_SIDE_MAX + 1) / 2, /* of lines */
	OUTPUTS = 48, /* at a time: a multiple of a tile's pixels */
	/* Columns that these are made from, rounded up to whole vectors. */
	COLUMNS = (2 * (OUTPUTS - 1) + SP_STEM_SIDE_MAX + SP_LANES - 1) / SP_LANES * SP_LANES,
};

struct stem {
	const struct sp_stem *op;
	uint32_t pairs_n, side, group; /* the first one out */
	struct sp_row out; /* of output 0 of these; group 0 */
	sp_words weights[PAIRS_MAX * SP_STEM_SIDE_MAX * VECTORS_MAX]; /* [pair][column][vector] */
	uint32_t pairs[PAIRS_MAX][COLUMNS];
};

/* The weights of group stem->group and those after it, as pairs. */
static void load_weights(struct stem *stem, int vectors)
{
	const struct sp_stem *op = stem->op;
	size_t outputs = (op->out_channels + SP_CHANNELS_ALIGN - 1) / SP_CHANNELS_ALIGN *
			 SP_CHANNELS_ALIGN;
	uint32_t lines = op->in_channels * op->side;
	sp_words *to = stem->weights;

	for (uint32_t i = 0; i < lines; i += 2) {
		for (uint32_t k = 0; k < op->side; k++) {
			const float *from = op->weights + (i * op->side + k) * outputs +
					    stem->group * SP_GROUP;

			for (int v = 0; v < vectors; v++, from += SP_LANES)
				*to++ = sp_half_pairs(sp_load(from),
						      i + 1 < lines
							      ? sp_load(from + op->side * outputs)
							      : (sp_vector){ 0 });
		}
	}
}

/* A vector of @line from @column on; zeros where there is nothing. */
SP_INLINE sp_vector columns_at(const float *line, int64_t column, uint32_t width)
{
	sp_vector x = { 0 };

	if (!line)
		return x;
	if (column >= 0 && column + SP_LANES <= width)
		return sp_load(line + column);
	for (int64_t i = 0; i < SP_LANES; i++)
		if (column + i >= 0 && column + i < width)
			x[i] = line[column + i];
	return x;
}

/* What @n outputs from @x on are made from. */
static void load_pairs(struct stem *stem, const float *const *in, uint32_t x, uint32_t n)
{
	const struct sp_stem *op = stem->op;
	uint32_t lines = op->in_channels * op->side, columns = op->stride * (n - 1) + op->side;
	int64_t first = (int64_t)x * op->stride - op->left;

	for (uint32_t p = 0; p < stem->pairs_n; p++) {
		const float *upper = in[2 * p], *lower = 2 * p + 1 < lines ? in[2 * p + 1] : NULL;

		for (uint32_t c = 0; c < columns; c += SP_LANES) {
			sp_words pairs = sp_half_pairs(columns_at(upper, first + c, op->width),
						       columns_at(lower, first + c, op->width));

			__builtin_memcpy(&stem->pairs[p][c], &pairs, sizeof(pairs));
		}
	}
}

SP_INLINE void put(const struct stem *stem, sp_vector sum[PIXELS_MAX][VECTORS_MAX], uint32_t x,
		   const int pixels, const int vectors, const enum sp_cell cell,
		   const enum sp_ending ending)
{
	SP_UNROLL
	for (int v = 0; v < vectors; v++) {
		uint8_t *to = sp_group_at(stem->out, cell, stem->group + v / SP_GROUP_VECTORS) +
			      (size_t)x * SP_CELL_BYTES;
		struct sp_finishing with = sp_ending_load(&stem->op->finish,
							  stem->group * SP_GROUP + v * SP_LANES);

		SP_UNROLL
		for (int p = 0; p < pixels; p++)
			sp_group_store(to + p * SP_CELL_BYTES, cell, v % SP_GROUP_VECTORS,
				       sp_finish_apply(sum[p][v], sp_ending_kind(ending), &with));
	}
}

SP_INLINE void end(const struct stem *stem, sp_vector sum[PIXELS_MAX][VECTORS_MAX], uint32_t x,
		   const int pixels, const int vectors, const enum sp_cell cell)
{
	if (stem->op->finish.slope)
		put(stem, sum, x, pixels, vectors, cell, SP_ENDING_BOTH);
	else
		put(stem, sum, x, pixels, vectors, cell, SP_ENDING_RANGE);
}

SP_INLINE void make(const struct stem *stem, uint32_t x, const int pixels, const int vectors,
		    const int stride)
{
	const sp_words *by = stem->weights;
	sp_vector sum[PIXELS_MAX][VECTORS_MAX];

	SP_UNROLL
	for (int v = 0; v < vectors; v++) {
		sp_vector bias = sp_load(stem->op->bias + stem->group * SP_GROUP + v * SP_LANES);

		SP_UNROLL
		for (int p = 0; p < pixels; p++)
			sum[p][v] = bias;
	}
	for (uint32_t i = 0; i < stem->pairs_n; i++) {
		const uint32_t *in = &stem->pairs[i][(size_t)x * stride], *last = in + stem->side;

		for (; in < last; in++, by += vectors) {
			SP_UNROLL
			for (int p = 0; p < pixels; p++) {
				sp_words value;

				if (vectors == 1) {
					sum[p][0] = sp_half_dot_one(sum[p][0], by[0],
								    in + p * stride);
					continue;
				}
				value = sp_pairs_broadcast(in + p * stride);
				SP_UNROLL
				for (int v = 0; v < vectors; v++)
					sum[p][v] = sp_half_dot(sum[p][v], by[v], value);
			}
		}
	}
	if (stem->op->out == SP_CELL_F32)
		end(stem, sum, x, pixels, vectors, SP_CELL_F32);
	else
		end(stem, sum, x, pixels, vectors, SP_CELL_BF16);
}

/* @n outputs in tiles of @most; what is left by four, then one by one. */
SP_INLINE void tiles(const struct stem *stem, uint32_t n, const int most, const int vectors,
		     const int stride)
{
	uint32_t x = 0;

	for (; x + most <= n; x += most)
		make(stem, x, most, vectors, stride);
	for (; x + 4 <= n; x += 4)
		make(stem, x, 4, vectors, stride);
	for (; x < n; x++)
		make(stem, x, 1, vectors, stride);
}

SP_INLINE void range(const struct stem *stem, uint32_t n, const int most, const int vectors)
{
	if (stem->op->stride == 2)
		tiles(stem, n, most, vectors, 2);
	else
		tiles(stem, n, most, vectors, 1);
}

#define RANGE(groups, most)                                                                        \
	static void range_##groups(const struct stem *stem, uint32_t n)                            \
	{                                                                                          \
		range(stem, n, most, (groups)*SP_GROUP_VECTORS);                                   \
	}
#define NAME(groups, most) [(groups)-1] = range_##groups,

TILES(RANGE)

static void (*const ranges[GROUPS])(const struct stem *stem, uint32_t n) = { TILES(NAME) };

void SP_ISA_NAME(sp_bf16_stem)(const struct sp_stem *op, const float *const *in, struct sp_row out,
			       uint32_t n)
{
	uint32_t groups = sp_groups(op->out_channels);
	struct stem stem;

	stem.op = op;
	stem.side = op->side;
	stem.pairs_n = (op->in_channels * op->side + 1) / 2;
	for (uint32_t g = 0; g < groups; g += GROUPS) {
		uint32_t some = groups - g < GROUPS ? groups - g : GROUPS;

		stem.group = g;
		load_weights(&stem, (int)some * SP_GROUP_VECTORS);
		for (uint32_t x = 0; x < n; x += OUTPUTS) {
			uint32_t few = n - x < OUTPUTS ? n - x : OUTPUTS;

			stem.out = (struct sp_row){ (uint8_t *)out.at + (size_t)x * SP_CELL_BYTES,
						    out.block };
			load_pairs(&stem, in, x, few);
			ranges[some - 1](&stem, few);
		}
	}
	if (op->out == SP_CELL_BF16 && groups % 2)
		sp_fill_half(out, groups, &op->finish, n);
}
