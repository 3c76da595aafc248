/* SPDX-License-Identifier: Apache-2.0 */
/* One step of a network: a kernel, what it works on, and how it is told of. */
#ifndef SP_CUDA_NETWORK_STEP_H
#define SP_CUDA_NETWORK_STEP_H

#include <cuda_runtime_api.h>
#include <stdint.h>

#include "cuda/conv.h"
#include "cuda/move.h"
#include "cuda/network_layout.h"

struct sp_engine;
struct sp_err;
struct sp_weights;

enum sp_step_kind {
	SP_STEP_SEPARABLE,
	SP_STEP_POINTWISE,
	SP_STEP_DEPTHWISE,
	SP_STEP_DIRECT,
	SP_STEP_POOL,
	SP_STEP_MEAN,
	SP_STEP_ENLARGE,
	SP_STEP_EACH,
	SP_STEP_CONCAT,
	SP_STEP_PLANES,
};

enum { SP_STEP_WORDS = 128 };

/* A tensor in a buffer of the network. */
struct sp_operand {
	uint32_t buffer; /* SP_NONE: there is none */
	struct sp_device_tensor tensor; /* at: NULL until memory is bound */
};

struct sp_step {
	enum sp_step_kind kind;
	uint32_t node; /* of the graph */
	union {
		struct sp_conv conv; /* POINTWISE, DEPTHWISE, DIRECT */
		struct sp_separable separable;
		struct sp_pool pool;
		struct sp_each each;
		uint32_t first; /* CONCAT: channel of y */
	};
	struct sp_operand x, also, y; /* also: a residual, a second operand */
	/* Numbers for sp_weights_at, SP_NONE: none. slope: of the (last) activation; PReLU. */
	uint32_t weights, slope, inner_slope;
	const void *packed; /* what `weights` is on the device */
	/*
	 * Of a convolution, on the host, for a tuner: weights and biases; weights that are its own.
	 */
	const float *source[2];
	float *reordered;
	struct sp_engine *engine; /* NULL: our kernel */
	struct sp_operand workspace; /* of the engine; its tensor has but an address */
	char words[SP_STEP_WORDS];
	uint64_t macs, bytes; /* of a run */
};

/* Whether it has one convolution, which other engines might do. */
static inline bool sp_step_is_conv(const struct sp_step *step)
{
	return step->kind >= SP_STEP_POINTWISE && step->kind <= SP_STEP_DIRECT;
}

/* Addresses of what was uploaded. */
void sp_step_resolve(struct sp_step *step, const struct sp_weights *weights);

/* Words, operations and bytes. */
void sp_step_describe(struct sp_step *step, const struct sp_weights *weights);

/* Our kernel for a convolution, on other tensors than its own. 0 or -errno with @err filled. */
int sp_step_launch_conv(const struct sp_step *step, const struct sp_device *device,
			cudaStream_t stream, const struct sp_conv_run *run, struct sp_err *err);

int sp_step_run(const struct sp_step *step, const struct sp_device *device, cudaStream_t stream,
		struct sp_err *err);

#endif
