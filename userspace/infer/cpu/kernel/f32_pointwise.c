/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pointwise convolutions of float32: tiles of pixels × blocks of outputs whose sums stay in
 * registers. Compiled for: base avx2 avx512
 *
 * A step takes one input channel: the tile's weights of it, which lie side by side, times the
 * channel's value of each pixel. Packed weights: [group of blocks][input channel][the group's
 * outputs, 16 a block].
 */
#include "infer/cpu/kernel/f32.h"

#include "infer/cpu/kernel/finish.h"

/*
 * Blocks in a group and pixels in a tile of 1, 2, … blocks: sums, a step's weights and one value
 * fill the registers (32 of AVX-512, 16 elsewhere).
 */
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

enum { PIXELS_MAX = 12, VECTORS_MAX = GROUP * SP_CELL_VECTORS };

/* Distances in floats. */
struct tile {
	const float *in, *weights, *residual;
	float *out;
	size_t in_block, residual_block, out_block;
	uint32_t in_channels, channel; /* the first one out */
	const float *bias; /* of that */
	const struct sp_finish *finish;
	enum sp_finish_kind kind;
};

static inline uint32_t blocks_of(uint32_t channels)
{
	return (channels + SP_CELL - 1) / SP_CELL;
}

size_t SP_ISA_NAME(sp_f32_pointwise_bytes)(uint32_t in, uint32_t out)
{
	return (size_t)in * blocks_of(out) * SP_CELL * sizeof(float);
}

void SP_ISA_NAME(sp_f32_pack_pointwise)(uint32_t in, uint32_t out, const float *weights,
					void *packed)
{
	float *to = packed;

	for (uint32_t first = 0; first < out; first += GROUP * SP_CELL) {
		uint32_t blocks = blocks_of(out - first);
		uint32_t outputs = (blocks < GROUP ? blocks : GROUP) * SP_CELL;

		for (uint32_t c = 0; c < in; c++) {
			for (uint32_t o = first; o < first + outputs; o++)
				*to++ = o < out ? weights[(size_t)o * in + c] : 0.0f;
		}
	}
}

SP_INLINE void multiply(const struct tile *tile, sp_vector sum[PIXELS_MAX][VECTORS_MAX],
			const int pixels, const int vectors)
{
	const float *weights = tile->weights;

	for (uint32_t first = 0; first < tile->in_channels; first += SP_CELL) {
		const float *in = tile->in + first / SP_CELL * tile->in_block;
		uint32_t left = tile->in_channels - first;
		const float *end = in + (left < SP_CELL ? left : SP_CELL);

		for (; in < end; in++, weights += vectors * SP_LANES) {
			sp_vector by[VECTORS_MAX];

			SP_UNROLL
			for (int v = 0; v < vectors; v++)
				by[v] = sp_load(weights + v * SP_LANES);
			SP_UNROLL
			for (int p = 0; p < pixels; p++) {
				sp_vector x = sp_broadcast(in[p * SP_CELL]);

				SP_UNROLL
				for (int v = 0; v < vectors; v++)
					sum[p][v] = sp_fma(x, by[v], sum[p][v]);
			}
		}
	}
}

/* Vector @v of a tile's pixel @p in a row. */
SP_INLINE size_t place(size_t block, int p, int v)
{
	return v / SP_CELL_VECTORS * block + (size_t)p * SP_CELL + v % SP_CELL_VECTORS * SP_LANES;
}

SP_INLINE void put(const struct tile *tile, sp_vector sum[PIXELS_MAX][VECTORS_MAX],
		   const int pixels, const int vectors, const enum sp_finish_kind kind)
{
	SP_UNROLL
	for (int v = 0; v < vectors; v++) {
		struct sp_finishing with = sp_finish_load(tile->finish, kind,
							  tile->channel + v * SP_LANES);

		SP_UNROLL
		for (int p = 0; p < pixels; p++)
			sp_store(tile->out + place(tile->out_block, p, v),
				 sp_finish_apply(sum[p][v], kind, &with));
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
	if (tile->residual) {
		SP_UNROLL
		for (int v = 0; v < vectors; v++) {
			SP_UNROLL
			for (int p = 0; p < pixels; p++)
				sum[p][v] +=
					sp_load(tile->residual + place(tile->residual_block, p, v));
		}
	}
	switch (tile->kind) {
	case SP_FINISH_NONE:
		put(tile, sum, pixels, vectors, SP_FINISH_NONE);
		break;
	case SP_FINISH_LOW:
		put(tile, sum, pixels, vectors, SP_FINISH_LOW);
		break;
	case SP_FINISH_RANGE:
		put(tile, sum, pixels, vectors, SP_FINISH_RANGE);
		break;
	case SP_FINISH_SLOPE:
		put(tile, sum, pixels, vectors, SP_FINISH_SLOPE);
		break;
	case SP_FINISH_BOTH:
		put(tile, sum, pixels, vectors, SP_FINISH_BOTH);
		break;
	}
}

/* Every size of tile from one pixel to the most. */
#define TILE(blocks, pixels)                                                                       \
	static void tile_##blocks##_##pixels(const struct tile *tile)                              \
	{                                                                                          \
		make(tile, pixels, (blocks)*SP_CELL_VECTORS);                                      \
	}
#define NAME(blocks, pixels) [(blocks)-1][(pixels)-1] = tile_##blocks##_##pixels,
#define EACH_1(F, b) F(b, 1)
#define EACH_2(F, b) EACH_1(F, b) F(b, 2)
#define EACH_6(F, b) EACH_2(F, b) F(b, 3) F(b, 4) F(b, 5) F(b, 6)
#define EACH_8(F, b) EACH_6(F, b) F(b, 7) F(b, 8)
#define EACH_12(F, b) EACH_8(F, b) F(b, 9) F(b, 10) F(b, 11) F(b, 12)
#define DEFINE_TILES(blocks, most) EACH_##most(TILE, blocks)
#define NAME_TILES(blocks, most) EACH_##most(NAME, blocks)
#define MOST(blocks, most) [(blocks)-1] = most,

TILES(DEFINE_TILES)

static void (*const tiles[GROUP][PIXELS_MAX])(const struct tile *tile) = { TILES(NAME_TILES) };
static const uint32_t pixels_most[GROUP] = { TILES(MOST) };

/* A group of @blocks over a row: as few tiles as can be, of nearly the same size. */
static void row(struct tile *tile, uint32_t blocks, uint32_t n)
{
	uint32_t most = pixels_most[blocks - 1];

	for (uint32_t left = (n + most - 1) / most; left; left--) {
		uint32_t pixels = (n + left - 1) / left;

		tiles[blocks - 1][pixels - 1](tile);
		tile->in += pixels * SP_CELL;
		tile->out += pixels * SP_CELL;
		if (tile->residual)
			tile->residual += pixels * SP_CELL;
		n -= pixels;
	}
}

void SP_ISA_NAME(sp_f32_pointwise)(const struct sp_pointwise *op, struct sp_row in,
				   struct sp_row residual, struct sp_row out, uint32_t n)
{
	uint32_t blocks = blocks_of(op->out_channels);
	const float *weights = op->weights;
	struct tile tile = {
		.in_block = in.block / sizeof(float),
		.residual_block = residual.block / sizeof(float),
		.out_block = out.block / sizeof(float),
		.in_channels = op->in_channels,
		.finish = &op->finish,
		.kind = sp_finish_kind(&op->finish),
	};

	for (uint32_t b = 0; b < blocks; b += GROUP) {
		uint32_t some = blocks - b < GROUP ? blocks - b : GROUP;

		tile.in = in.at;
		tile.out = (float *)out.at + b * tile.out_block;
		tile.residual = residual.at ? (float *)residual.at + b * tile.residual_block : NULL;
		tile.channel = b * SP_CELL;
		tile.bias = op->bias + tile.channel;
		tile.weights = weights;
		row(&tile, some, n);
		weights += (size_t)op->in_channels * some * SP_CELL;
	}
}
