/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products on tensor cores: 16 × 8 results of 16 × 16 and 16 × 8 bfloat16, sums of float32. All 32
 * threads of a warp call together. Where a value lies in which thread: PTX ISA, "Matrix fragments
 * for mma.m16n8k16". With g = lane / 4 and t = lane % 4:
 *	a[0], a[1], a[2], a[3]: columns 2t, 2t + 1 of row g, of row g + 8; columns 2t + 8, + 9 of row
 *	g, of row g + 8 (pairs, the lower column in the lower half)
 *	b[0], b[1]: rows 2t, 2t + 1, and 2t + 8, + 9, of column g
 *	d[0], d[1], d[2], d[3]: columns 2t, 2t + 1 of row g, of row g + 8
 */
#ifndef SP_CUDA_MMA_H
#define SP_CUDA_MMA_H

#include "cuda/dialect.h"

/* The emulator has its own of both. */
#ifndef SP_CUDA_EMULATED

/* @d += @a × @b */
static __device__ __forceinline__ void sp_mma(float d[4], const uint32_t a[4], const uint32_t b[2])
{
	asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, "
		     "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
		     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
		     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/*
 * Four 8 × 8 matrices of 16-bit values from shared memory: thread 8 i + r gives the address of row
 * r (16 bytes, aligned) of matrix i and gets in @to[i] columns 2t, 2t + 1 of row g.
 */
static __device__ __forceinline__ void sp_load_matrices(uint32_t to[4], const void *row)
{
	uint32_t at = (uint32_t)__cvta_generic_to_shared(row);

	asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
		     : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
		     : "r"(at));
}

#endif
#endif
