/* SPDX-License-Identifier: Apache-2.0 */
/* The table of bfloat16 kernels. Compiled for: base avx512_bf16 */
#include "infer/cpu/kernel/bf16.h"

#include "infer/cpu/kernel/sets.h"

const struct sp_kernels SP_ISA_NAME(sp_kernels_bf16) = {
#ifdef __AVX512BF16__
	.name = "avx512_bf16",
#else
	.name = "bf16",
#endif
	.cell = SP_CELL_BF16,
	.pointwise_bytes = SP_ISA_NAME(sp_bf16_pointwise_bytes),
	.pack_pointwise = SP_ISA_NAME(sp_bf16_pack_pointwise),
	.pointwise = SP_ISA_NAME(sp_bf16_pointwise),
	.depthwise = SP_ISA_NAME(sp_bf16_depthwise),
	.stem = SP_ISA_NAME(sp_bf16_stem),
	.pool = SP_ISA_NAME(sp_bf16_pool),
	.add = SP_ISA_NAME(sp_bf16_add),
	.upsample_add = SP_ISA_NAME(sp_bf16_upsample_add),
	.load = SP_ISA_NAME(sp_bf16_load),
	.store = SP_ISA_NAME(sp_bf16_store),
};
