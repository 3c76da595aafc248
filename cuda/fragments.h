/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The weights of a product of matrices, C channels → O outputs, in the order in which its kernels
 * read them, in pieces of `width` outputs (a multiple of 16); what is beyond C and O is 0:
 *	bf16: [piece][16 channels][16 outputs][32 lanes] 16 bytes: what a lane holds of two B
 *	fragments of mma.m16n8k16, so that a warp loads 16 × 16 weights as 512 bytes side by side
 *	f32: [piece][channel][width]
 */
#ifndef SP_CUDA_FRAGMENTS_H
#define SP_CUDA_FRAGMENTS_H

#include "cuda/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Channels that the packed weights have: to whole steps of 16 (bf16) or 8 (f32). */
static inline uint32_t sp_fragments_channels(enum sp_tensor_type type, uint32_t c)
{
	return type == SP_TENSOR_BF16 ? (c + 15) / 16 * 16 : sp_tensor_pitch(c);
}

/* Bytes of one piece. */
static inline size_t sp_fragments_piece(enum sp_tensor_type type, uint32_t c, uint32_t width)
{
	return (size_t)sp_fragments_channels(type, c) * width * sp_tensor_number(type);
}

/* @weights: O × C. @packed: whole pieces for all outputs. */
void sp_fragments_pack(enum sp_tensor_type type, uint32_t c, uint32_t outputs, uint32_t width,
		       const float *weights, void *packed);

#ifdef __cplusplus
}
#endif
#endif
