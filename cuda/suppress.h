/* SPDX-License-Identifier: Apache-2.0 */
/* Of a picture's candidates the best SP_DETECTIONS_MAX, in order, without doubles. */
#ifndef SP_CUDA_SUPPRESS_H
#define SP_CUDA_SUPPRESS_H

#include "cuda/decode.h"

/*
 * Picture i < @n has counters[i] ≤ @anchors keys (cuda/order.h: score, place of the anchor) from
 * keys[i × anchors] on, all different, in any order; all of the device's memory.
 */
cudaError_t sp_suppress_launch(cudaStream_t stream, const struct sp_decode *decode,
			       uint32_t anchors, uint32_t n, const uint32_t *counters,
			       const uint64_t *keys, struct sp_decoded *decoded);

#endif
