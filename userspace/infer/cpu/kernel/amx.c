/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of kernels by AMX, and its pointwise convolutions. Compiled for: base avx512_bf16 amx
 *
 * Packed weights: [group of outputs][block of inputs][pair of inputs][output][2], of bfloat16; a
 * block is a tile.
 */
#include "infer/cpu/kernel/amx.h"

#include "infer/cpu/kernel/sets.h"

enum {
	STRIP = 6, /* × 16 pixels that tiles make before vectors take over … */
	GROUPS = 4, /* … of so many groups: 24 KiB of float32 */
};

const struct sp_tile_shapes SP_ISA_NAME(sp_amx_shapes) = {
	.palette = 1,
	.columns = { SP_TILE_ROW, SP_TILE_ROW, SP_TILE_ROW, SP_TILE_ROW, SP_TILE_ROW, SP_TILE_ROW,
		     SP_TILE_ROW, SP_TILE_ROW },
	.rows = { SP_TILE_ROWS, SP_TILE_ROWS, SP_TILE_ROWS, SP_TILE_ROWS, SP_TILE_ROWS,
		  SP_TILE_ROWS, SP_TILE_ROWS, SP_TILE_ROWS },
};

static size_t pointwise_bytes(uint32_t in, uint32_t out)
{
	return (size_t)sp_groups(out) * sp_amx_blocks(in) * SP_AMX_TILE;
}

static void pack_pointwise(uint32_t in, uint32_t out, const float *weights, void *packed)
{
	uint32_t padded = sp_amx_blocks(in) * SP_AMX_BLOCK;
	uint16_t *to = packed;

	for (uint32_t first = 0; first < out; first += SP_GROUP) {
		for (uint32_t c = 0; c < padded; c += 2) {
			for (uint32_t o = first; o < first + SP_GROUP; o++) {
				for (uint32_t i = c; i < c + 2; i++)
					*to++ = o < out && i < in
							? sp_half(weights[(size_t)o * in + i])
							: 0;
			}
		}
	}
}

/* The sums of a strip: [group][pixel][output]. */
struct strip {
	float sums[GROUPS][STRIP * SP_AMX_PIXELS][SP_GROUP] __attribute__((aligned(64)));
};

/*
 * One or two times 16 pixels from @at on, of one or two groups: each tile of either operand is then
 * used twice.
 */
static void product(const struct sp_pointwise *op, struct sp_row in, const uint8_t *at,
		    uint32_t group, bool more_pixels, bool more_groups, float *sums,
		    float *more_sums)
{
	const uint8_t *weights = sp_amx_weights(op, group), *others = sp_amx_weights(op, group + 1);
	const float *bias = op->bias + (size_t)group * SP_GROUP;
	const size_t cells = SP_CELL_BYTES, line = SP_GROUP * sizeof(float);

	/* Rows without a distance: all begin with the bias. */
	sp_tile_load(0, bias, 0);
	if (more_pixels)
		sp_tile_load(1, bias, 0);
	if (more_groups)
		sp_tile_load(2, bias + SP_GROUP, 0);
	if (more_groups && more_pixels)
		sp_tile_load(3, bias + SP_GROUP, 0);
	for (uint32_t k = 0; k < sp_amx_blocks(op->in_channels); k++, at += in.block) {
		sp_tile_load(4, at, cells);
		sp_tile_load(6, weights + (size_t)k * SP_AMX_TILE, SP_TILE_ROW);
		sp_tile_dot(0, 4, 6);
		if (more_pixels) {
			sp_tile_load(5, at + SP_AMX_PIXELS * cells, cells);
			sp_tile_dot(1, 5, 6);
		}
		if (more_groups) {
			sp_tile_load(7, others + (size_t)k * SP_AMX_TILE, SP_TILE_ROW);
			sp_tile_dot(2, 4, 7);
		}
		if (more_groups && more_pixels)
			sp_tile_dot(3, 5, 7);
	}
	sp_tile_store(0, sums, line);
	if (more_pixels)
		sp_tile_store(1, sums + SP_AMX_PIXELS * SP_GROUP, line);
	if (more_groups)
		sp_tile_store(2, more_sums, line);
	if (more_groups && more_pixels)
		sp_tile_store(3, more_sums + SP_AMX_PIXELS * SP_GROUP, line);
}

/* @tiles × 16 pixels from @x on, of @groups groups from @group on. */
static void multiply(const struct sp_pointwise *op, struct sp_row in, uint32_t x, uint32_t tiles,
		     uint32_t group, uint32_t groups, struct strip *strip)
{
	const uint8_t *at = (const uint8_t *)in.at + (size_t)x * SP_CELL_BYTES;

	for (uint32_t g = 0; g < groups; g += 2) {
		bool more_groups = g + 1 < groups;

		for (uint32_t t = 0; t < tiles; t += 2)
			product(op, in, at + (size_t)t * SP_AMX_PIXELS * SP_CELL_BYTES, group + g,
				t + 1 < tiles, more_groups, strip->sums[g][t * SP_AMX_PIXELS],
				more_groups ? strip->sums[g + 1][t * SP_AMX_PIXELS] : NULL);
	}
}

/* Sums of @n pixels of one group become cells. */
SP_INLINE void finish(const struct sp_pointwise *op, const float (*sums)[SP_GROUP], uint32_t group,
		      const uint8_t *residual, uint8_t *to, uint32_t n, const enum sp_cell cell,
		      const enum sp_ending ending)
{
	struct sp_finishing with[SP_GROUP_VECTORS];

	for (int v = 0; v < SP_GROUP_VECTORS; v++)
		with[v] = sp_ending_load(&op->finish, group * SP_GROUP + v * SP_LANES);
	for (uint32_t x = 0; x < n; x++, to += SP_CELL_BYTES) {
		for (int v = 0; v < SP_GROUP_VECTORS; v++) {
			sp_vector sum = sp_load(sums[x] + v * SP_LANES);

			if (residual)
				sum += sp_group_load(residual + (size_t)x * SP_CELL_BYTES, cell, v);
			sum = sp_finish_apply(sum, sp_ending_kind(ending), &with[v]);
			sp_group_store(to, cell, v, sum);
		}
	}
}

static void finish_group(const struct sp_pointwise *op, const float (*sums)[SP_GROUP],
			 uint32_t group, const uint8_t *residual, uint8_t *to, uint32_t n)
{
	bool none = sp_ending(&op->finish) == SP_ENDING_NONE;

	if (op->out == SP_CELL_F32 && none)
		finish(op, sums, group, residual, to, n, SP_CELL_F32, SP_ENDING_NONE);
	else if (op->out == SP_CELL_F32)
		finish(op, sums, group, residual, to, n, SP_CELL_F32, SP_ENDING_BOTH);
	else if (none)
		finish(op, sums, group, residual, to, n, SP_CELL_BF16, SP_ENDING_NONE);
	else
		finish(op, sums, group, residual, to, n, SP_CELL_BF16, SP_ENDING_BOTH);
}

static void pointwise(const struct sp_pointwise *op, struct sp_row in, struct sp_row residual,
		      struct sp_row out, uint32_t n)
{
	uint32_t groups = sp_groups(op->out_channels);
	struct strip strip;

	sp_tile_begin(&SP_ISA_NAME(sp_amx_shapes));
	for (uint32_t first = 0; first < groups; first += GROUPS) {
		uint32_t some = groups - first < GROUPS ? groups - first : GROUPS, few;

		for (uint32_t x = 0; x < n; x += few) {
			size_t at = (size_t)x * SP_CELL_BYTES;

			few = n - x < STRIP * SP_AMX_PIXELS ? n - x : STRIP * SP_AMX_PIXELS;
			multiply(op, in, x, (few + SP_AMX_PIXELS - 1) / SP_AMX_PIXELS, first, some,
				 &strip);
			for (uint32_t g = first; g < first + some; g++)
				finish_group(op, strip.sums[g - first], g,
					     residual.at ? sp_group_at(residual, op->out, g) + at
							 : NULL,
					     sp_group_at(out, op->out, g) + at, few);
		}
	}
	sp_tile_end();
	if (op->out == SP_CELL_BF16 && groups % 2)
		sp_fill_half(out, groups, &op->finish, n);
}

const struct sp_kernels SP_ISA_NAME(sp_kernels_amx) = {
#ifdef SP_REAL_TILES
	.name = "amx",
#else
	.name = "amx_emulated",
#endif
	.cell = SP_CELL_BF16,
	.pointwise_bytes = pointwise_bytes,
	.pack_pointwise = pack_pointwise,
	.pointwise = pointwise,
	.depthwise = SP_BF16_NAME(sp_bf16_depthwise),
	.stem = SP_BF16_NAME(sp_bf16_stem),
	.separable_bytes = SP_ISA_NAME(sp_amx_separable_bytes),
	.separable = SP_ISA_NAME(sp_amx_separable),
	.pool = SP_BF16_NAME(sp_bf16_pool),
	.add = SP_BF16_NAME(sp_bf16_add),
	.upsample_add = SP_BF16_NAME(sp_bf16_upsample_add),
	.load = SP_BF16_NAME(sp_bf16_load),
	.store = SP_BF16_NAME(sp_bf16_store),
};
