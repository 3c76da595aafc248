/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faces out of frames on the device: turned upright (warp.cu), measured (quality.cu), as a
 * network's input (warp.cu), and as a portrait for people (portrait.cu). Many faces of many frames
 * a launch. The same as infer/align.h, quality.h, face_input.h and portrait.h do.
 */
#ifndef SP_CUDA_FACE_H
#define SP_CUDA_FACE_H

#include <cuda_runtime_api.h>

#include "cuda/picture.h"
#include "cuda/tensor.h"
#include "infer/align.h"
#include "infer/input.h"
#include "infer/scale.h"

#ifdef __cplusplus
extern "C" {
#endif

/* In pinned memory. */
struct sp_warp_face {
	struct sp_picture picture; /* at NULL: black */
	struct sp_similarity to_frame; /* from the aligned picture */
};

enum { SP_ALIGNED_BYTES = SP_ALIGNED_PIXELS * 3 };

/* sp_align_warp of @n faces into @aligned, SP_ALIGNED_BYTES each, of the device. */
cudaError_t sp_warp_launch(cudaStream_t stream, const struct sp_warp_face *faces, uint32_t n,
			   uint8_t *aligned);

/* sp_face_input of @n aligned pictures; @input is n × side × side, c 3, pitch 4. */
cudaError_t sp_face_input_launch(cudaStream_t stream, const uint8_t *aligned, uint32_t n,
				 const struct sp_input_form *form,
				 const struct sp_device_tensor *input);

/* sp_quality_from_aligned. */
struct sp_aligned_measures {
	float sharpness, exposure, contrast, underexposed, overexposed, dynamic_range, evenness;
};

/* @measures: mapped, @n of them. */
cudaError_t sp_measure_launch(cudaStream_t stream, const uint8_t *aligned, uint32_t n,
			      struct sp_aligned_measures *measures);

/* In pinned memory. */
struct sp_portrait_face {
	struct sp_picture picture; /* at NULL: nothing is written */
	struct sp_scale_rect rect; /* of the frame */
	uint32_t width, height; /* of the portrait, ≤ SP_PORTRAIT_MAX and ≤ rect's */
	uint8_t *rgb; /* mapped; rows without padding */
};

/* The rectangles made smaller by area, as sp_scale_run does. */
cudaError_t sp_portrait_launch(cudaStream_t stream, const struct sp_portrait_face *faces,
			       uint32_t n);

#ifdef __cplusplus
}
#endif
#endif
