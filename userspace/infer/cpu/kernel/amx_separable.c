/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pointwise and depthwise in one, by AMX and vectors in turn. Compiled for: base avx512_bf16 amx
 *
 * A step is 16 pixels × one group of channels × all rows. Tiles put the pointwise sums into a ring
 * of float32, small enough for the nearest cache; then vectors finish them and take the windows
 * out of it. Rows above and below are computed again by the next call; of the pixels to the left,
 * the last three are carried over from step to step, group by group.
 *
 *	pixel of the row    x - 3        x              x + 15
 *	ring              [ c c c ][ n n n n n n … n n n n n ][ 0 ]
 *	results               ├── x - 2 … x + 13 ────┤
 *
 * The last pixel of the ring is for the zero beside the picture, where a step reaches its edge.
 */
#include "infer/cpu/kernel/amx.h"

enum {
	CARRIED = 3, /* pixels */
	RING_PIXELS = CARRIED + SP_AMX_PIXELS + 1,
	RING_ROWS = SP_BAND_ROWS_MAX + 2,
	AT_ONCE = 4, /* rows whose sums tiles hold */
};

struct ring {
	float at[RING_ROWS][RING_PIXELS][SP_GROUP];
};

struct carried {
	float at[RING_ROWS][CARRIED][SP_GROUP];
};

/* Starts at a multiple of 64 bytes. */
struct scratch {
	struct ring ring;
	struct carried carried[]; /* a group */
};

/* A step: @n pixels from @x on, the last of the row or not. */
struct step {
	const struct sp_separable *op;
	const struct sp_row *in, *out;
	uint32_t rows, group, x, n;
	bool last;
	uint32_t present[RING_ROWS], present_n; /* rows inside of the picture */
	struct ring *ring;
	struct carried *carried;
};

size_t SP_ISA_NAME(sp_amx_separable_bytes)(const struct sp_separable *op)
{
	return sizeof(struct scratch) + sp_groups(op->point.out_channels) * sizeof(struct carried);
}

/* The sums of up to four rows, @rows of the ring, so that a tile of weights serves them all. */
static void multiply_rows(const struct step *step, const uint32_t *rows, uint32_t n)
{
	const struct sp_pointwise *op = &step->op->point;
	const uint8_t *weights = sp_amx_weights(op, step->group), *in[AT_ONCE];
	const float *bias = op->bias + (size_t)step->group * SP_GROUP;
	const size_t cells = SP_CELL_BYTES, line = SP_GROUP * sizeof(float);
	size_t block[AT_ONCE];
	float *to[AT_ONCE];

	for (uint32_t i = 0; i < n; i++) {
		in[i] = (const uint8_t *)step->in[rows[i]].at + step->x * cells;
		block[i] = step->in[rows[i]].block;
		to[i] = step->ring->at[rows[i]][CARRIED];
	}
	sp_tile_load(0, bias, 0);
	if (n > 1)
		sp_tile_load(1, bias, 0);
	if (n > 2)
		sp_tile_load(2, bias, 0);
	if (n > 3)
		sp_tile_load(3, bias, 0);
	for (uint32_t k = 0; k < sp_amx_blocks(op->in_channels); k++) {
		sp_tile_load(6, weights + (size_t)k * SP_AMX_TILE, SP_TILE_ROW);
		sp_tile_load(4, in[0] + k * block[0], cells);
		sp_tile_dot(0, 4, 6);
		if (n > 1) {
			sp_tile_load(5, in[1] + k * block[1], cells);
			sp_tile_dot(1, 5, 6);
		}
		if (n > 2) {
			sp_tile_load(4, in[2] + k * block[2], cells);
			sp_tile_dot(2, 4, 6);
		}
		if (n > 3) {
			sp_tile_load(5, in[3] + k * block[3], cells);
			sp_tile_dot(3, 5, 6);
		}
	}
	sp_tile_store(0, to[0], line);
	if (n > 1)
		sp_tile_store(1, to[1], line);
	if (n > 2)
		sp_tile_store(2, to[2], line);
	if (n > 3)
		sp_tile_store(3, to[3], line);
}

static void multiply(const struct step *step)
{
	for (uint32_t i = 0; i < step->present_n; i += AT_ONCE) {
		uint32_t left = step->present_n - i;

		multiply_rows(step, step->present + i, left < AT_ONCE ? left : AT_ONCE);
	}
}

static void finish_sums(const struct step *step)
{
	const struct sp_finish *finish = &step->op->point.finish;
	uint32_t channel = step->group * SP_GROUP;

	if (sp_ending(finish) == SP_ENDING_NONE)
		return;
	for (int v = 0; v < SP_GROUP_VECTORS; v++) {
		struct sp_finishing with = sp_ending_load(finish, channel + v * SP_LANES);

		for (uint32_t i = 0; i < step->present_n; i++) {
			float *at = step->ring->at[step->present[i]][CARRIED] + v * SP_LANES;

			for (uint32_t x = 0; x < step->n; x++, at += SP_GROUP)
				sp_store(at, sp_finish_apply(sp_load(at), SP_FINISH_BOTH, &with));
		}
	}
}

/* What lies left of the step's pixels, and the zero that ends a row. */
static void join(const struct step *step)
{
	const size_t pixels = sizeof(step->carried->at[0]);

	for (uint32_t i = 0; i < step->present_n; i++) {
		uint32_t row = step->present[i];
		float(*ring)[SP_GROUP] = step->ring->at[row];
		float(*carried)[SP_GROUP] = step->carried->at[row];

		if (step->x)
			__builtin_memcpy(ring, carried, pixels);
		else
			__builtin_memset(ring, 0, pixels);
		if (step->last)
			__builtin_memset(ring[CARRIED + step->n], 0, sizeof(*ring));
		else
			__builtin_memcpy(carried, ring[SP_AMX_PIXELS], pixels);
	}
}

static void windows(const struct step *step)
{
	uint32_t first = step->x ? step->x - 2 : 0;
	uint32_t end = step->last ? step->x + step->n : step->x + SP_AMX_PIXELS - 2;
	struct sp_row from[RING_ROWS], to[SP_BAND_ROWS_MAX];

	for (uint32_t y = 0; y < step->rows + 2; y++)
		from[y] = (struct sp_row){ step->ring->at[y][CARRIED + first - step->x], 0 };
	for (uint32_t y = 0; y < step->rows; y++)
		to[y] = (struct sp_row){ (uint8_t *)step->out[y].at + (size_t)first * SP_CELL_BYTES,
					 step->out[y].block };
	SP_BF16_NAME(sp_bf16_depthwise_group)
	(&step->op->depth, from, to, step->rows, end - first, step->group);
}

void SP_ISA_NAME(sp_amx_separable)(const struct sp_separable *op, const struct sp_row *in,
				   const struct sp_row *out, uint32_t rows, uint32_t n,
				   void *scratch)
{
	uint32_t groups = sp_groups(op->point.out_channels);
	struct scratch *memory = scratch;
	struct step step = { .op = op, .in = in, .out = out, .rows = rows, .ring = &memory->ring };

	for (uint32_t y = 0; y < rows + 2; y++) {
		if (in[y].at)
			step.present[step.present_n++] = y;
		else
			__builtin_memset(memory->ring.at[y], 0, sizeof(memory->ring.at[y]));
	}
	sp_tile_begin(&SP_ISA_NAME(sp_amx_shapes));
	for (step.x = 0; step.x < n; step.x += SP_AMX_PIXELS) {
		step.last = n - step.x <= SP_AMX_PIXELS;
		step.n = step.last ? n - step.x : SP_AMX_PIXELS;
		for (step.group = 0; step.group < groups; step.group++) {
			step.carried = &memory->carried[step.group];
			multiply(&step);
			finish_sums(&step);
			join(&step);
			windows(&step);
		}
	}
	sp_tile_end();
	if (op->depth.out == SP_CELL_F32 || groups % 2 == 0)
		return;
	for (uint32_t y = 0; y < rows; y++)
		sp_fill_half(out[y], groups, &op->depth.finish, n);
}
