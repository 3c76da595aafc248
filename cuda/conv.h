/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolutions: four kernels, each for what it does best, and one description of the work. Weights
 * are packed on the host as each kernel wants them. f32: products and sums of float32; bf16:
 * products of bfloat16, sums of float32, biases and residual sums in float32, rounded once at the
 * end.
 *
 *	separable.cu	pointwise → depthwise 3 × 3 in one go, by shared memory
 *	pointwise.cu	1 × 1, stride 1, one group: a product of matrices
 *	depthwise.cu	groups = channels = outputs
 *	direct.cu	the rest, whatever it is; slower
 */
#ifndef SP_CUDA_CONV_H
#define SP_CUDA_CONV_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

#include "cuda/device.h"
#include "cuda/tensor.h"
#include "infer/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sp_step_act {
	enum sp_activation_kind kind;
	float low, high; /* CLIP */
	/* PRELU: [pitch of the result] float32 in the device's memory, as many as channels. */
	const float *slope;
};

/* Geometry of one; logical sizes, without the batch. */
struct sp_conv {
	enum sp_tensor_type type; /* of x, residual and y */
	uint32_t h, w, c; /* of the input; its pitch is 4 if `picture`, else sp_tensor_pitch(c) */
	uint32_t oh, ow, oc;
	uint32_t kernel[2], stride[2], dilation[2];
	uint32_t pad[2]; /* top, left; what is beyond the input is 0 */
	uint32_t group;
	bool picture;
	struct sp_step_act act; /* after bias and residual */
};

/* What one launch works on. Batches are x.n. */
struct sp_conv_run {
	const struct sp_device_tensor *x, *y;
	const struct sp_device_tensor *residual; /* of y's size, or NULL; may be y itself */
	const void *weights; /* packed, in the device's memory, 256-byte aligned */
};

/*
 * Each kernel: whether it can do @conv on @device; bytes of its packed weights; packing from
 * float32 O × I/group × kh × kw and O biases (NULL: none); the launch.
 */
#define SP_CONV_KERNEL(name)                                                                       \
	bool sp_##name##_can(const struct sp_device *device, const struct sp_conv *conv);          \
	size_t sp_##name##_bytes(const struct sp_conv *conv);                                      \
	void sp_##name##_pack(const struct sp_conv *conv, const float *weights, const float *bias, \
			      void *packed);                                                       \
	cudaError_t sp_##name##_launch(cudaStream_t stream, const struct sp_device *device,        \
				       const struct sp_conv *conv, const struct sp_conv_run *run)

SP_CONV_KERNEL(pointwise);
SP_CONV_KERNEL(depthwise);
SP_CONV_KERNEL(direct);

/* A pointwise one whose result only a depthwise one reads. */
struct sp_separable {
	struct sp_conv pointwise, depthwise; /* without residuals */
	bool pool; /* a 2 × 2 maximum with stride 2 over the result, as y then is */
};

/*
 * Of a bf16 one, y may be float32: ends of a network, whose numbers are told apart by small steps.
 */
bool sp_separable_can(const struct sp_device *device, const struct sp_separable *separable);
size_t sp_separable_bytes(const struct sp_separable *separable);
/* @weights, @bias: of the pointwise and of the depthwise one. */
void sp_separable_pack(const struct sp_separable *separable, const float *const weights[2],
		       const float *const bias[2], void *packed);
cudaError_t sp_separable_launch(cudaStream_t stream, const struct sp_device *device,
				const struct sp_separable *separable,
				const struct sp_conv_run *run);

#ifdef __cplusplus
}
#endif
#endif
