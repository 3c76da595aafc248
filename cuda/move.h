/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of networks that move numbers more than they compute: pools, sums, functions, layouts. */
#ifndef SP_CUDA_MOVE_H
#define SP_CUDA_MOVE_H

#include <cuda_runtime_api.h>

#include "cuda/conv.h"
#include "cuda/tensor.h"
#include "infer/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Maximum or mean of a window; padding[0], [1]: top, left. Of x into y. */
struct sp_pool {
	bool mean, count_padding;
	uint32_t kernel[2], stride[2], dilation[2], pad[2];
};

cudaError_t sp_pool_launch(cudaStream_t stream, const struct sp_pool *pool,
			   const struct sp_device_tensor *x, const struct sp_device_tensor *y);

/* The mean of each channel: y is 1 × 1. */
cudaError_t sp_mean_launch(cudaStream_t stream, const struct sp_device_tensor *x,
			   const struct sp_device_tensor *y);

/* y = x made larger by whole factors, nearest, + @add (of y's size, or NULL). */
cudaError_t sp_enlarge_launch(cudaStream_t stream, const struct sp_device_tensor *x,
			      const struct sp_device_tensor *add, const struct sp_device_tensor *y);

enum sp_each_kind {
	SP_EACH_ADD,
	SP_EACH_SUB,
	SP_EACH_MUL,
	SP_EACH_DIV,
	SP_EACH_AFFINE,
	SP_EACH_ACT,
	SP_EACH_FUNCTION
};

/*
 * y = act(x op z) for each number. z: of x's size; of one pixel (h = w = 1), one for all; or, if
 * z->at is NULL, @constant [pitch of x] float32 a channel. AFFINE: x × constant + what follows in
 * constant, from [pitch] on.
 */
struct sp_each {
	enum sp_each_kind kind;
	struct sp_function function;
	const float *constant;
	bool swapped; /* z op x */
	struct sp_step_act act;
};

cudaError_t sp_each_launch(cudaStream_t stream, const struct sp_each *each,
			   const struct sp_device_tensor *x, const struct sp_device_tensor *z,
			   const struct sp_device_tensor *y);

/* Channels of x into y's from @first on; the last of a concatenation also writes y's padding. */
cudaError_t sp_concat_launch(cudaStream_t stream, const struct sp_device_tensor *x, uint32_t first,
			     const struct sp_device_tensor *y);

/* x as float32 in the order N, C, H, W, dense: @to has n · c · h · w floats. */
cudaError_t sp_to_planes_launch(cudaStream_t stream, const struct sp_device_tensor *x, float *to);
/* And back: from dense float32 planes. */
cudaError_t sp_from_planes_launch(cudaStream_t stream, const float *from,
				  const struct sp_device_tensor *y);

/*
 * Rows of @size numbers in x (h = w = 1, c = size) divided by their length, as float32 into
 * @to [n × size]; lengths that are 0 or no number: @valid[i] = 0 and zeros, else 1.
 */
cudaError_t sp_normalise_launch(cudaStream_t stream, const struct sp_device_tensor *x, float *to,
				uint32_t *valid);

#ifdef __cplusplus
}
#endif
#endif
