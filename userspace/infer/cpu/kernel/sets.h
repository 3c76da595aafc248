/* SPDX-License-Identifier: Apache-2.0 */
/* The tables that kernel/ exports, one an instruction set. */
#ifndef SP_INFER_CPU_KERNEL_SETS_H
#define SP_INFER_CPU_KERNEL_SETS_H

#include "infer/cpu/kernel.h"

extern const struct sp_kernels sp_kernels_f32_base, sp_kernels_bf16_base;
/* With tiles in software. */
extern const struct sp_kernels sp_kernels_amx_base;
#ifdef __x86_64__
extern const struct sp_kernels sp_kernels_f32_avx2;
extern const struct sp_kernels sp_kernels_f32_avx512;
extern const struct sp_kernels sp_kernels_bf16_avx512_bf16;
extern const struct sp_kernels sp_kernels_amx_avx512_bf16; /* in software too */
extern const struct sp_kernels sp_kernels_amx_amx;
#endif

#endif
