/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a detector's outputs to faces, on the device: every anchor that scores enough, the best
 * SP_DETECTIONS_MAX of them, doubles suppressed. What infer/detect.h does, with the same arithmetic
 * (infer/element.h), the same order and the same ties.
 */
#ifndef SP_CUDA_DECODE_H
#define SP_CUDA_DECODE_H

#include <cuda_runtime_api.h>

#include "cuda/tensor.h"
#include "infer/detect.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As struct sp_head, for many pictures: + i × picture. */
struct sp_decode_head {
	const void *at;
	size_t picture, cell, anchor, value; /* numbers */
};

struct sp_decode_level {
	uint32_t stride, columns, rows;
	struct sp_decode_head heads[SP_HEADS];
};

struct sp_decode {
	enum sp_tensor_type type; /* of all heads */
	enum sp_decode_kind kind;
	unsigned int levels, anchors;
	float anchor[SP_CARD_LEVELS_MAX][SP_CARD_ANCHORS_MAX];
	float variance[2];
	bool logits;
	float score_min, overlap_max;
	struct sp_decode_level level[SP_CARD_LEVELS_MAX];
};

/* Of one picture, best first; in pinned memory, mapped. */
struct sp_decoded {
	uint32_t n;
	struct sp_detection of[SP_DETECTIONS_MAX];
};

/* Bytes of the device's memory that @n pictures need on the way. */
size_t sp_decode_bytes(const struct sp_decode *decode, uint32_t n);

/* Pictures [0, n); @scratch of sp_decode_bytes. Any number of pictures may be captured. */
cudaError_t sp_decode_launch(cudaStream_t stream, const struct sp_decode *decode, uint32_t n,
			     void *scratch, struct sp_decoded *decoded);

#ifdef __cplusplus
}
#endif
#endif
