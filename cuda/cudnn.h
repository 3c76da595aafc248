/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A convolution by cuDNN's graphs: x * w + bias [+ residual], then nothing, ReLU or a clip from 0 on,
 * as one operation of bfloat16 tensors with float32 in between. Channels are counted with their
 * padding, which thus comes out as 0. One thread at a time for each handle.
 */
#ifndef SP_CUDA_CUDNN_H
#define SP_CUDA_CUDNN_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sp_conv;
struct sp_cudnn;
struct sp_cudnn_conv;
struct sp_cudnn_plan;
struct sp_err;

enum { SP_CUDNN_KNOBS_MAX = 16 };

/* An engine of cuDNN's and how it is set; of one version of it. */
struct sp_cudnn_choice {
	int64_t engine;
	unsigned int knobs_n;
	struct {
		int64_t type, value;
	} knobs[SP_CUDNN_KNOBS_MAX];
};

/* In the device's memory; `residual` only where there is one. */
struct sp_cudnn_tensors {
	const void *x, *w, *residual;
	const float *bias;
	void *y;
};

/* Pads right and below that cuDNN must be told of, or false: no paddings give this output. */
bool sp_cudnn_post_padding(const struct sp_conv *conv, int64_t post[2]);

/*
 * Of @n pictures. @handle outlives it. 0 or -errno with @err filled; -ENOTSUP: not in one operation.
 * w: [pitch of y] × kernel × [pitch of x] bfloat16, bias: [pitch of y] float32.
 */
int sp_cudnn_conv_create(const struct sp_cudnn *cudnn, void *handle, const struct sp_conv *conv,
			 uint32_t n, bool residual, struct sp_cudnn_conv **ret_conv,
			 struct sp_err *err);
void sp_cudnn_conv_destroy(struct sp_cudnn_conv *conv);

/*
 * Up to @room choices, what cuDNN thinks fastest first, those for any case last. Left out is what
 * computes less exactly than our own kernels or not the same twice. How many, or -errno.
 */
int sp_cudnn_conv_propose(struct sp_cudnn_conv *conv, struct sp_cudnn_choice *choices,
			  unsigned int room, struct sp_err *err);

/* Of @conv, which outlives it. 0 or -errno with @err filled; -ENOTSUP: not on this device. */
int sp_cudnn_plan_create(struct sp_cudnn_conv *conv, const struct sp_cudnn_choice *choice,
			 struct sp_cudnn_plan **ret_plan, struct sp_err *err);
void sp_cudnn_plan_destroy(struct sp_cudnn_plan *plan);

/* Bytes. */
size_t sp_cudnn_plan_workspace(const struct sp_cudnn_plan *plan);

/* May be captured. 0 or -errno with @err filled. */
int sp_cudnn_plan_run(struct sp_cudnn_plan *plan, cudaStream_t stream,
		      const struct sp_cudnn_tensors *tensors, void *workspace, struct sp_err *err);

/* From cuDNN's status, 0 of success, to -errno with the call's text. */
int sp_cudnn_status(const struct sp_cudnn *cudnn, int status, const char *call, struct sp_err *err);

#define SP_CUDNN(err, cudnn, call) sp_cudnn_status((cudnn), (call), #call, (err))

#endif
