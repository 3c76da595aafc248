/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel B: from parts of frames to a detector's input in one pass: unpacked, demosaicked, made
 * smaller by area, in the form that the network wants. What infer/preprocess.h does on the CPU, for
 * every pixel format, many frames of different cameras and sizes in one launch.
 */
#ifndef SP_CUDA_PREPROCESS_H
#define SP_CUDA_PREPROCESS_H

#include <cuda_runtime_api.h>

#include "cuda/picture.h"
#include "cuda/tensor.h"
#include "infer/input.h"
#include "infer/preprocess.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sp_preprocess_look {
	struct sp_picture picture;
	struct sp_fit fit; /* fit.input_… are the tensor's w and h */
};

/*
 * Fills picture i of @input (c 3, pitch 4) from @looks[i], which lie in pinned memory, for i < @n.
 * Of a look without a picture, or at what is not in it or not to be made smaller, the input is
 * black.
 */
cudaError_t sp_preprocess_launch(cudaStream_t stream, const struct sp_preprocess_look *looks,
				 uint32_t n, const struct sp_input_form *form,
				 const struct sp_device_tensor *input);

#ifdef __cplusplus
}
#endif
#endif
