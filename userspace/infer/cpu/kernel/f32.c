/* SPDX-License-Identifier: Apache-2.0 */
/* The table of float32 kernels. Compiled for: base avx2 avx512 */
#include "infer/cpu/kernel/f32.h"

#include "infer/cpu/kernel/sets.h"

const struct sp_kernels SP_ISA_NAME(sp_kernels_f32) = {
#if defined(__AVX512F__)
	.name = "avx512",
#elif defined(__AVX2__)
	.name = "avx2",
#else
	.name = "portable",
#endif
	.cell = SP_CELL_F32,
	.pointwise_bytes = SP_ISA_NAME(sp_f32_pointwise_bytes),
	.pack_pointwise = SP_ISA_NAME(sp_f32_pack_pointwise),
	.pointwise = SP_ISA_NAME(sp_f32_pointwise),
	.depthwise = SP_ISA_NAME(sp_f32_depthwise),
	.stem = SP_ISA_NAME(sp_f32_stem),
	.pool = SP_ISA_NAME(sp_f32_pool),
	.add = SP_ISA_NAME(sp_f32_add),
	.upsample_add = SP_ISA_NAME(sp_f32_upsample_add),
	.load = SP_ISA_NAME(sp_f32_load),
	.store = SP_ISA_NAME(sp_f32_store),
};
