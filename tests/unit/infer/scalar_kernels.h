/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels that do what cpu/kernel.h says and nothing else, one number at a time, to test bands by:
 * they also look whether rows are aligned and margins are zero. Sums are float, by fmaf, in the
 * order that the contract says.
 */
#ifndef SP_TESTS_SCALAR_KERNELS_H
#define SP_TESTS_SCALAR_KERNELS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "infer/cpu/kernel.h"

#include "test.h"

static uint16_t scalar_half(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static float scalar_whole(uint16_t half)
{
	uint32_t bits = (uint32_t)half << 16;
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static uint8_t *scalar_at(enum sp_cell cell, struct sp_row row, int64_t x, uint32_t channel)
{
	uint32_t block = sp_cell_channels(cell);

	CHECK((uintptr_t)row.at % SP_CELL_BYTES == 0);
	return (uint8_t *)row.at + channel / block * row.block + x * SP_CELL_BYTES +
	       channel % block * (SP_CELL_BYTES / block);
}

static float scalar_get(enum sp_cell cell, struct sp_row row, int64_t x, uint32_t channel)
{
	const uint8_t *at = scalar_at(cell, row, x, channel);
	uint16_t half;
	float value;

	if (cell == SP_CELL_BF16) {
		memcpy(&half, at, sizeof(half));
		return scalar_whole(half);
	}
	memcpy(&value, at, sizeof(value));
	return value;
}

static void scalar_put(enum sp_cell cell, struct sp_row row, int64_t x, uint32_t channel,
		       float value)
{
	uint8_t *at = scalar_at(cell, row, x, channel);
	uint16_t half = scalar_half(value);

	if (cell == SP_CELL_BF16)
		memcpy(at, &half, sizeof(half));
	else
		memcpy(at, &value, sizeof(value));
}

/* Channels of whole blocks. */
static uint32_t scalar_padded(enum sp_cell cell, uint32_t channels)
{
	uint32_t block = sp_cell_channels(cell);

	return (channels + block - 1) / block * block;
}

static float scalar_finish(const struct sp_finish *finish, uint32_t channel, float x)
{
	if (finish->slope && x < 0)
		x *= finish->slope[channel];
	return fminf(fmaxf(x, finish->low), finish->high);
}

/* Weights and what is between them, [out][in], so that a unit with too little memory is found out. */
static size_t scalar_pointwise_bytes(uint32_t in, uint32_t out)
{
	return (size_t)in * out * sizeof(float);
}

static void scalar_pack(uint32_t in, uint32_t out, const float *weights, void *packed)
{
	memcpy(packed, weights, scalar_pointwise_bytes(in, out));
}

static void scalar_pack_bf16(uint32_t in, uint32_t out, const float *weights, void *packed)
{
	for (size_t i = 0; i < (size_t)in * out; i++)
		((float *)packed)[i] = scalar_whole(scalar_half(weights[i]));
}

static void scalar_pointwise(const struct sp_pointwise *op, struct sp_row in,
			     struct sp_row residual, struct sp_row out, uint32_t n)
{
	const float *weights = op->weights;

	for (uint32_t x = 0; x < n; x++)
		for (uint32_t o = 0; o < scalar_padded(op->out, op->out_channels); o++) {
			bool real = o < op->out_channels;
			float sum = op->bias[o];

			for (uint32_t i = 0; real && i < op->in_channels; i++)
				sum = fmaf(scalar_get(op->in, in, x, i),
					   weights[(size_t)o * op->in_channels + i], sum);
			if (real && residual.at)
				sum += scalar_get(op->out, residual, x, o);
			scalar_put(op->out, out, x, o, scalar_finish(&op->finish, o, sum));
		}
}

static void scalar_depthwise(const struct sp_depthwise *op, const struct sp_row *in,
			     const struct sp_row *out, uint32_t rows, uint32_t n)
{
	CHECK(rows >= 1 && rows <= SP_BAND_ROWS_MAX);
	for (uint32_t y = 0; y < rows; y++)
		for (uint32_t x = 0; x < n; x++)
			for (uint32_t c = 0; c < scalar_padded(op->out, op->channels); c++) {
				const float *weights = op->weights + c / 16 * 144 + c % 16;
				float sum = op->bias[c];

				for (uint32_t k = 0; c < op->channels && k < 9; k++)
					sum = fmaf(scalar_get(op->in, in[y * op->stride + k / 3],
							      (int64_t)x * op->stride + k % 3 - 1,
							      c),
						   weights[(size_t)k * 16], sum);
				scalar_put(op->out, out[y], x, c,
					   scalar_finish(&op->finish, c, sum));
			}
}

static void scalar_stem(const struct sp_stem *op, const float *const *in, struct sp_row out,
			uint32_t n)
{
	uint32_t padded = (op->out_channels + SP_CHANNELS_ALIGN - 1) / SP_CHANNELS_ALIGN *
			  SP_CHANNELS_ALIGN;

	for (uint32_t x = 0; x < n; x++)
		for (uint32_t o = 0; o < scalar_padded(op->out, op->out_channels); o++) {
			float sum = op->bias[o];

			for (uint32_t k = 0; k < op->in_channels * op->side * op->side; k++) {
				const float *line = in[k / op->side];
				int64_t at = (int64_t)x * op->stride + k % op->side - op->left;

				if (line && at >= 0 && at < op->width)
					sum = fmaf(line[at], op->weights[(size_t)k * padded + o],
						   sum);
			}
			scalar_put(op->out, out, x, o, scalar_finish(&op->finish, o, sum));
		}
}

static size_t scalar_separable_bytes(const struct sp_separable *op)
{
	(void)op;
	return 4096 + 3;
}

/* The pointwise sums are made again for each window: slow, and without any memory of their own. */
static void scalar_separable(const struct sp_separable *op, const struct sp_row *in,
			     const struct sp_row *out, uint32_t rows, uint32_t n, void *scratch)
{
	const struct sp_pointwise *point = &op->point;
	const float *weights = point->weights;

	CHECK(rows >= 1 && rows <= SP_BAND_ROWS_MAX);
	memset(scratch, 0xFF, scalar_separable_bytes(op));
	for (uint32_t y = 0; y < rows; y++)
		for (uint32_t x = 0; x < n; x++)
			for (uint32_t c = 0; c < scalar_padded(op->depth.out, op->depth.channels);
			     c++) {
				float sum = op->depth.bias[c];

				for (uint32_t k = 0; c < op->depth.channels && k < 9; k++) {
					struct sp_row row = in[y + k / 3];
					int64_t at = (int64_t)x + k % 3 - 1;
					float inner = point->bias[c];

					if (!row.at || at < 0 || at >= n)
						continue;
					for (uint32_t i = 0; i < point->in_channels; i++)
						inner = fmaf(
							scalar_get(point->in, row, at, i),
							weights[(size_t)c * point->in_channels + i],
							inner);
					sum = fmaf(scalar_finish(&point->finish, c, inner),
						   op->depth.weights[c / 16 * 144 + (size_t)k * 16 +
								     c % 16],
						   sum);
				}
				scalar_put(op->depth.out, out[y], x, c,
					   scalar_finish(&op->depth.finish, c, sum));
			}
}

#define SCALAR_ELEMENTWISE(suffix, cell)                                                           \
	static void scalar_pool_##suffix(const struct sp_row in[2], struct sp_row out,             \
					 uint32_t blocks, uint32_t n)                              \
	{                                                                                          \
		for (uint32_t x = 0; x < n; x++)                                                   \
			for (uint32_t c = 0; c < blocks * sp_cell_channels(cell); c++)             \
				scalar_put(cell, out, x, c,                                        \
					   fmaxf(fmaxf(scalar_get(cell, in[0], 2 * x, c),          \
						       scalar_get(cell, in[0], 2 * x + 1, c)),     \
						 fmaxf(scalar_get(cell, in[1], 2 * x, c),          \
						       scalar_get(cell, in[1], 2 * x + 1, c))));   \
	}                                                                                          \
	static void scalar_sum_##suffix(struct sp_row a, struct sp_row b, struct sp_row out,       \
					uint32_t blocks, uint32_t n,                               \
					const struct sp_finish *finish, uint32_t divide)           \
	{                                                                                          \
		for (uint32_t x = 0; x < n; x++)                                                   \
			for (uint32_t c = 0; c < blocks * sp_cell_channels(cell); c++)             \
				scalar_put(cell, out, x, c,                                        \
					   scalar_finish(                                          \
						   finish, c,                                      \
						   scalar_get(cell, a, x, c) +                     \
							   scalar_get(cell, b, x / divide, c)));   \
	}                                                                                          \
	static void scalar_add_##suffix(struct sp_row a, struct sp_row b, struct sp_row out,       \
					uint32_t blocks, uint32_t n,                               \
					const struct sp_finish *finish)                            \
	{                                                                                          \
		scalar_sum_##suffix(a, b, out, blocks, n, finish, 1);                              \
	}                                                                                          \
	static void scalar_upsample_##suffix(struct sp_row a, struct sp_row half,                  \
					     struct sp_row out, uint32_t blocks, uint32_t n,       \
					     const struct sp_finish *finish)                       \
	{                                                                                          \
		scalar_sum_##suffix(a, half, out, blocks, n, finish, 2);                           \
	}
SCALAR_ELEMENTWISE(f32, SP_CELL_F32)
SCALAR_ELEMENTWISE(bf16, SP_CELL_BF16)

static void scalar_load(enum sp_cell cell, const float *from, size_t plane, struct sp_row to,
			uint32_t channels, uint32_t n)
{
	for (uint32_t x = 0; x < n; x++)
		for (uint32_t c = 0; c < scalar_padded(cell, channels); c++)
			scalar_put(cell, to, x, c, c < channels ? from[c * plane + x] : 0);
}

static void scalar_store(enum sp_cell cell, struct sp_row from, float *to, size_t plane,
			 uint32_t channels, uint32_t n)
{
	for (uint32_t x = 0; x < n; x++)
		for (uint32_t c = 0; c < channels; c++)
			to[c * plane + x] = scalar_get(cell, from, x, c);
}

#define SCALAR_KERNELS(suffix, kind, ...)                                                          \
	{                                                                                          \
		.name = "scalar", .cell = kind, .pointwise_bytes = scalar_pointwise_bytes,         \
		.pointwise = scalar_pointwise, .depthwise = scalar_depthwise, .stem = scalar_stem, \
		.pool = scalar_pool_##suffix, .add = scalar_add_##suffix,                          \
		.upsample_add = scalar_upsample_##suffix, .load = scalar_load,                     \
		.store = scalar_store, __VA_ARGS__                                                 \
	}

/* float32; the same with pointwise and depthwise in one; bfloat16 both ways. */
__attribute__((unused)) static const struct sp_kernels scalar_kernels[] = {
	SCALAR_KERNELS(f32, SP_CELL_F32, .pack_pointwise = scalar_pack),
	SCALAR_KERNELS(f32, SP_CELL_F32, .pack_pointwise = scalar_pack,
		       .separable_bytes = scalar_separable_bytes, .separable = scalar_separable),
	SCALAR_KERNELS(bf16, SP_CELL_BF16, .pack_pointwise = scalar_pack_bf16),
	SCALAR_KERNELS(bf16, SP_CELL_BF16, .pack_pointwise = scalar_pack_bf16,
		       .separable_bytes = scalar_separable_bytes, .separable = scalar_separable),
};
enum { SCALAR_F32, SCALAR_F32_FUSED, SCALAR_BF16, SCALAR_BF16_FUSED, SCALARS };

#endif
