/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in kernel/ are compiled once for each instruction set that their first comment names
 * (Makefile). What they export ends in the set's name; cpu/kernels.c chooses at run time.
 */
#ifndef SP_INFER_CPU_KERNEL_ISA_H
#define SP_INFER_CPU_KERNEL_ISA_H

#define SP_ISA_PASTE2(name, isa) name##_##isa
#define SP_ISA_PASTE(name, isa) SP_ISA_PASTE2(name, isa)
/* SP_ISA: base, avx2, avx512, avx512_bf16 or amx. */
#define SP_ISA_NAME(name) SP_ISA_PASTE(name, SP_ISA)

#endif
