/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How pointwise.cu divides a product: blocks of rows (pixels of all pictures) × pieces of outputs.
 */
#ifndef SP_CUDA_POINTWISE_PLAN_H
#define SP_CUDA_POINTWISE_PLAN_H

#include "cuda/conv.h"

enum { SP_POINTWISE_THREADS = 256, SP_POINTWISE_ROWS = 128 };

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Outputs of a piece. Rows are read once for each piece: as wide as does not waste many. Packed
 * weights are fragments.h's pieces, then a float32 bias for each of their outputs.
 */
uint32_t sp_pointwise_width(const struct sp_conv *conv);

#ifdef __cplusplus
}
#endif
#endif
