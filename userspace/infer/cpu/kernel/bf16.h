/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels of bfloat16 cells (cpu/kernel.h), in pieces for the tables of bf16.c and amx.c. What only
 * a depthwise convolution or somebody outside reads may lie in float32 cells; sums are float32.
 *
 * They work on groups of 16 channels: a cell of float32, or half of one of bfloat16.
 */
#ifndef SP_INFER_CPU_KERNEL_BF16_H
#define SP_INFER_CPU_KERNEL_BF16_H

#include "infer/cpu/kernel.h"
#include "infer/cpu/kernel/finish.h"
#include "infer/cpu/kernel/half.h"
#include "infer/cpu/kernel/isa.h"

#define SP_GROUP 16 /* channels */
#define SP_GROUP_VECTORS (SP_GROUP / SP_LANES)

static inline uint32_t sp_groups(uint32_t channels)
{
	return (channels + SP_GROUP - 1) / SP_GROUP;
}

/* Where a group lies in pixel 0 of a row. */
SP_INLINE uint8_t *sp_group_at(struct sp_row row, enum sp_cell cell, uint32_t group)
{
	if (cell == SP_CELL_F32)
		return (uint8_t *)row.at + group * row.block;
	return (uint8_t *)row.at + group / 2 * row.block + group % 2 * (SP_CELL_BYTES / 2);
}

/* Vector @v of the group at @at. */
SP_INLINE sp_vector sp_group_load(const uint8_t *at, enum sp_cell cell, int v)
{
	if (cell == SP_CELL_F32)
		return sp_load((const float *)(const void *)at + v * SP_LANES);
	return sp_half_load(at + v * SP_LANES * sizeof(uint16_t));
}

SP_INLINE void sp_group_store(uint8_t *at, enum sp_cell cell, int v, sp_vector x)
{
	if (cell == SP_CELL_F32)
		sp_store((float *)(void *)at + v * SP_LANES, x);
	else
		sp_half_store(at + v * SP_LANES * sizeof(uint16_t), x);
}

/*
 * Fewer kinds of endings than finish.h tells apart, because each is compiled for either cell: a
 * range with an open end, and a slope of 1, do no harm.
 */
enum sp_ending { SP_ENDING_NONE, SP_ENDING_LOW, SP_ENDING_RANGE, SP_ENDING_BOTH };

static inline enum sp_ending sp_ending(const struct sp_finish *finish)
{
	if (finish->slope)
		return SP_ENDING_BOTH;
	if (finish->high != INFINITY)
		return SP_ENDING_RANGE;
	return finish->low != -INFINITY ? SP_ENDING_LOW : SP_ENDING_NONE;
}

SP_INLINE enum sp_finish_kind sp_ending_kind(enum sp_ending ending)
{
	return ending == SP_ENDING_NONE	   ? SP_FINISH_NONE
	       : ending == SP_ENDING_LOW   ? SP_FINISH_LOW
	       : ending == SP_ENDING_RANGE ? SP_FINISH_RANGE
					   : SP_FINISH_BOTH;
}

SP_INLINE struct sp_finishing sp_ending_load(const struct sp_finish *finish, uint32_t channel)
{
	return (struct sp_finishing){
		.slope = finish->slope ? sp_load(finish->slope + channel) : sp_broadcast(1.0f),
		.low = sp_broadcast(finish->low),
		.high = sp_broadcast(finish->high),
	};
}

/*
 * An odd number of groups leaves half of the last bfloat16 cell: it becomes what comes of a sum of
 * zero, as channels beyond a tensor's do.
 */
static inline void sp_fill_half(struct sp_row out, uint32_t groups, const struct sp_finish *finish,
				uint32_t n)
{
	float zero = finish->low > 0 ? finish->low : finish->high < 0 ? finish->high : 0;
	uint8_t *to = sp_group_at(out, SP_CELL_BF16, groups);

	for (uint32_t x = 0; x < n; x++, to += SP_CELL_BYTES) {
		for (int v = 0; v < SP_GROUP_VECTORS; v++)
			sp_group_store(to, SP_CELL_BF16, v, sp_broadcast(zero));
	}
}

/* What AMX's set does by vectors it has in common with AVX-512's. */
#ifdef SP_REAL_TILES
#define SP_BF16_NAME(name) SP_ISA_PASTE(name, avx512_bf16)
#else
#define SP_BF16_NAME(name) SP_ISA_NAME(name)
#endif

size_t SP_BF16_NAME(sp_bf16_pointwise_bytes)(uint32_t in, uint32_t out);
void SP_BF16_NAME(sp_bf16_pack_pointwise)(uint32_t in, uint32_t out, const float *weights,
					  void *packed);
void SP_BF16_NAME(sp_bf16_pointwise)(const struct sp_pointwise *op, struct sp_row in,
				     struct sp_row residual, struct sp_row out, uint32_t n);
void SP_BF16_NAME(sp_bf16_depthwise)(const struct sp_depthwise *op, const struct sp_row *in,
				     const struct sp_row *out, uint32_t rows, uint32_t n);
void SP_BF16_NAME(sp_bf16_stem)(const struct sp_stem *op, const float *const *in, struct sp_row out,
				uint32_t n);
void SP_BF16_NAME(sp_bf16_pool)(const struct sp_row in[2], struct sp_row out, uint32_t blocks,
				uint32_t n);
void SP_BF16_NAME(sp_bf16_add)(struct sp_row a, struct sp_row b, struct sp_row out, uint32_t blocks,
			       uint32_t n, const struct sp_finish *finish);
void SP_BF16_NAME(sp_bf16_upsample_add)(struct sp_row a, struct sp_row half, struct sp_row out,
					uint32_t blocks, uint32_t n,
					const struct sp_finish *finish);
void SP_BF16_NAME(sp_bf16_load)(enum sp_cell cell, const float *from, size_t plane,
				struct sp_row to, uint32_t channels, uint32_t n);
void SP_BF16_NAME(sp_bf16_store)(enum sp_cell cell, struct sp_row from, float *to, size_t plane,
				 uint32_t channels, uint32_t n);

/* Group @group alone, from @in, which has nothing but this one: of a ring that amx.c keeps. */
void SP_BF16_NAME(sp_bf16_depthwise_group)(const struct sp_depthwise *op, const struct sp_row *in,
					   const struct sp_row *out, uint32_t rows, uint32_t n,
					   uint32_t group);

#endif
