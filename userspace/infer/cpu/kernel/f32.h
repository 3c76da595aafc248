/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels of float32 cells (cpu/kernel.h), in pieces for f32.c's table. A cell is SP_CELL_VECTORS
 * registers.
 */
#ifndef SP_INFER_CPU_KERNEL_F32_H
#define SP_INFER_CPU_KERNEL_F32_H

#include "infer/cpu/kernel.h"
#include "infer/cpu/kernel/isa.h"
#include "infer/cpu/kernel/vector.h"

#define SP_CELL 16 /* floats */
#define SP_CELL_VECTORS (SP_CELL / SP_LANES)

size_t SP_ISA_NAME(sp_f32_pointwise_bytes)(uint32_t in, uint32_t out);
void SP_ISA_NAME(sp_f32_pack_pointwise)(uint32_t in, uint32_t out, const float *weights,
					void *packed);
void SP_ISA_NAME(sp_f32_pointwise)(const struct sp_pointwise *op, struct sp_row in,
				   struct sp_row residual, struct sp_row out, uint32_t n);
void SP_ISA_NAME(sp_f32_depthwise)(const struct sp_depthwise *op, const struct sp_row *in,
				   const struct sp_row *out, uint32_t rows, uint32_t n);
void SP_ISA_NAME(sp_f32_stem)(const struct sp_stem *op, const float *const *in, struct sp_row out,
			      uint32_t n);
void SP_ISA_NAME(sp_f32_pool)(const struct sp_row in[2], struct sp_row out, uint32_t blocks,
			      uint32_t n);
void SP_ISA_NAME(sp_f32_add)(struct sp_row a, struct sp_row b, struct sp_row out, uint32_t blocks,
			     uint32_t n, const struct sp_finish *finish);
void SP_ISA_NAME(sp_f32_upsample_add)(struct sp_row a, struct sp_row half, struct sp_row out,
				      uint32_t blocks, uint32_t n, const struct sp_finish *finish);
void SP_ISA_NAME(sp_f32_load)(enum sp_cell cell, const float *from, size_t plane, struct sp_row to,
			      uint32_t channels, uint32_t n);
void SP_ISA_NAME(sp_f32_store)(enum sp_cell cell, struct sp_row from, float *to, size_t plane,
			       uint32_t channels, uint32_t n);

#endif
