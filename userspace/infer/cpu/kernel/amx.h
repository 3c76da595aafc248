/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels of bfloat16 cells whose pointwise convolutions are products of tiles (kernel/tile.h):
 * 16 pixels × 32 inputs, straight from the cells, times 32 inputs × 16 outputs, give 16 pixels ×
 * 16 outputs of float32.
 *
 * After an instruction on tiles 512-bit vectors run at half rate for some 700 cycles, and each
 * change between the two costs 300 to 430 (measured on Sapphire Rapids). So either works on as much
 * as the nearest cache holds before the other goes on.
 */
#ifndef SP_INFER_CPU_KERNEL_AMX_H
#define SP_INFER_CPU_KERNEL_AMX_H

#include "infer/cpu/kernel/bf16.h"
#include "infer/cpu/kernel/tile.h"

enum {
	SP_AMX_PIXELS = SP_TILE_ROWS,
	SP_AMX_BLOCK = SP_CELL_BYTES / 2, /* inputs a product */
	SP_AMX_TILE = SP_TILE_ROWS * SP_TILE_ROW, /* bytes */
};

/* All tiles are as large as can be. Inputs that a last block lacks have weights of zero. */
extern const struct sp_tile_shapes SP_ISA_NAME(sp_amx_shapes);

static inline uint32_t sp_amx_blocks(uint32_t in)
{
	return (in + SP_AMX_BLOCK - 1) / SP_AMX_BLOCK;
}

/* The weights of outputs [16 × @group, …), tile by tile. */
static inline const uint8_t *sp_amx_weights(const struct sp_pointwise *op, uint32_t group)
{
	return (const uint8_t *)op->weights +
	       (size_t)group * sp_amx_blocks(op->in_channels) * SP_AMX_TILE;
}

size_t SP_ISA_NAME(sp_amx_separable_bytes)(const struct sp_separable *op);
void SP_ISA_NAME(sp_amx_separable)(const struct sp_separable *op, const struct sp_row *in,
				   const struct sp_row *out, uint32_t rows, uint32_t n,
				   void *scratch);

#endif
