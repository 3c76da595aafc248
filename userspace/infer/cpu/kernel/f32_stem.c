/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First layers: windows over planes of float32 into cells. As with pointwise convolutions, the sums
 * of some pixels × blocks stay in registers. Compiled for: base avx2 avx512
 */
#include "infer/cpu/kernel/f32.h"

#include "infer/cpu/kernel/finish.h"

#if defined(__AVX512F__)
#define GROUP 4
#define TILES(T) T(1, 12) T(2, 12) T(3, 8) T(4, 6)
#elif defined(__AVX2__)
#define GROUP 1
#define TILES(T) T(1, 6)
#else
#define GROUP 1
#define TILES(T) T(1, 2)
#endif

enum {
	PIXELS_MAX = 12,
	VECTORS_MAX = GROUP * SP_CELL_VECTORS,
	LINES_MAX = SP_STEM_CHANNELS_MAX * SP_STEM_SIDE_MAX,
};

/* A line of the window: where it begins for output 0, and its weights of the first block. */
struct line {
	const float *at, *weights;
};

struct stem {
	const struct sp_stem *op;
	struct line lines[LINES_MAX];
	uint32_t lines_n;
	size_t outputs; /* floats from a column's weights to the next's */
	enum sp_finish_kind kind;
	float *out;
	size_t out_block; /* floats */
};

SP_INLINE void put(const struct stem *stem, sp_vector sum[PIXELS_MAX][VECTORS_MAX], uint32_t block,
		   uint32_t x, const int pixels, const int vectors, const enum sp_finish_kind kind)
{
	SP_UNROLL
	for (int v = 0; v < vectors; v++) {
		uint32_t lane = v % SP_CELL_VECTORS * SP_LANES;
		float *to = stem->out + (block + v / SP_CELL_VECTORS) * stem->out_block +
			    (size_t)x * SP_CELL + lane;
		struct sp_finishing with = sp_finish_load(&stem->op->finish, kind,
							  block * SP_CELL + v * SP_LANES);

		SP_UNROLL
		for (int p = 0; p < pixels; p++)
			sp_store(to + p * SP_CELL, sp_finish_apply(sum[p][v], kind, &with));
	}
}

SP_INLINE void make(const struct stem *stem, uint32_t block, uint32_t x, const int pixels,
		    const int vectors, const int stride)
{
	sp_vector sum[PIXELS_MAX][VECTORS_MAX];

	SP_UNROLL
	for (int v = 0; v < vectors; v++) {
		sp_vector bias = sp_load(stem->op->bias + block * SP_CELL + v * SP_LANES);

		SP_UNROLL
		for (int p = 0; p < pixels; p++)
			sum[p][v] = bias;
	}
	for (const struct line *line = stem->lines; line < stem->lines + stem->lines_n; line++) {
		const float *in = line->at + (size_t)x * stride, *end = in + stem->op->side;
		const float *weights = line->weights + block * SP_CELL;

		for (; in < end; in++, weights += stem->outputs) {
			sp_vector by[VECTORS_MAX];

			SP_UNROLL
			for (int v = 0; v < vectors; v++)
				by[v] = sp_load(weights + v * SP_LANES);
			SP_UNROLL
			for (int p = 0; p < pixels; p++) {
				sp_vector value = sp_broadcast(in[p * stride]);

				SP_UNROLL
				for (int v = 0; v < vectors; v++)
					sum[p][v] = sp_fma(value, by[v], sum[p][v]);
			}
		}
	}
	switch (stem->kind) {
	case SP_FINISH_NONE:
		put(stem, sum, block, x, pixels, vectors, SP_FINISH_NONE);
		break;
	case SP_FINISH_LOW:
		put(stem, sum, block, x, pixels, vectors, SP_FINISH_LOW);
		break;
	case SP_FINISH_RANGE:
		put(stem, sum, block, x, pixels, vectors, SP_FINISH_RANGE);
		break;
	case SP_FINISH_SLOPE:
		put(stem, sum, block, x, pixels, vectors, SP_FINISH_SLOPE);
		break;
	case SP_FINISH_BOTH:
		put(stem, sum, block, x, pixels, vectors, SP_FINISH_BOTH);
		break;
	}
}

/* Pixels [@x, @end) of @blocks, in tiles of @most; what is left over one by one. */
SP_INLINE void range(const struct stem *stem, uint32_t block, uint32_t x, uint32_t end,
		     const int most, const int vectors)
{
	if (stem->op->stride == 2) {
		for (; x + most <= end; x += most)
			make(stem, block, x, most, vectors, 2);
		for (; x < end; x++)
			make(stem, block, x, 1, vectors, 2);
	} else {
		for (; x + most <= end; x += most)
			make(stem, block, x, most, vectors, 1);
		for (; x < end; x++)
			make(stem, block, x, 1, vectors, 1);
	}
}

#define RANGE(blocks, most)                                                                        \
	static void range_##blocks(const struct stem *stem, uint32_t block, uint32_t x,            \
				   uint32_t end)                                                   \
	{                                                                                          \
		range(stem, block, x, end, most, (blocks)*SP_CELL_VECTORS);                        \
	}
#define NAME(blocks, most) [(blocks)-1] = range_##blocks,

TILES(RANGE)

static void (*const ranges[GROUP])(const struct stem *stem, uint32_t block, uint32_t x,
				   uint32_t end) = { TILES(NAME) };

static void pixels(const struct stem *stem, uint32_t x, uint32_t end)
{
	uint32_t blocks = (stem->op->out_channels + SP_CELL - 1) / SP_CELL;

	for (uint32_t b = 0; b < blocks; b += GROUP)
		ranges[(blocks - b < GROUP ? blocks - b : GROUP) - 1](stem, b, x, end);
}

/* One pixel whose window reaches over an end of the lines: from a copy with zeros there. */
static void edge(const struct stem *stem, uint32_t x)
{
	const struct sp_stem *op = stem->op;
	float copy[LINES_MAX][SP_STEM_SIDE_MAX];
	struct stem one = *stem;

	for (uint32_t i = 0; i < stem->lines_n; i++) {
		for (uint32_t k = 0; k < op->side; k++) {
			/* Wraps to a large number left of the first column. */
			uint32_t column = x * op->stride + k - op->left;

			copy[i][k] = column < op->width ? (stem->lines[i].at + op->left)[column]
							: 0.0f;
		}
		one.lines[i].at = copy[i];
	}
	one.out += (size_t)x * SP_CELL;
	pixels(&one, 0, 1);
}

void SP_ISA_NAME(sp_f32_stem)(const struct sp_stem *op, const float *const *in, struct sp_row out,
			      uint32_t n)
{
	uint32_t first, end;
	struct stem stem = {
		.op = op,
		.outputs = (op->out_channels + SP_CHANNELS_ALIGN - 1) / SP_CHANNELS_ALIGN *
			   SP_CHANNELS_ALIGN,
		.kind = sp_finish_kind(&op->finish),
		.out = out.at,
		.out_block = out.block / sizeof(float),
	};

	for (uint32_t i = 0; i < op->in_channels * op->side; i++) {
		if (in[i])
			stem.lines[stem.lines_n++] = (struct line){
				.at = in[i] - op->left,
				.weights = op->weights + i * op->side * stem.outputs,
			};
	}
	/* Windows of [first, end) lie in the lines. */
	first = (op->left + op->stride - 1) / op->stride;
	end = op->width + op->left < op->side ? 0
					      : (op->width + op->left - op->side) / op->stride + 1;
	end = end < n ? end : n;
	if (first < end)
		pixels(&stem, first, end);
	else
		end = first = 0;
	for (uint32_t x = 0; x < n; x++) {
		if (x < first || x >= end)
			edge(&stem, x);
	}
}
