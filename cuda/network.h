/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network on the device: the logical graph (infer/graph.h) as steps that are kernels, for one
 * size of input and one number of pictures at once. Weights are packed and uploaded once for each
 * model and shared by its networks; activations share one piece of memory by when they live
 * (arena.h), which the caller gives: networks that never run at the same time may have the same.
 *
 * Every tensor that is no constant must have a first dimension of 1 for one picture; pictures do
 * not meet. Operators: CONV, GEMM, ADD, SUB, MUL, DIV, AFFINE, ACTIVATION, FUNCTION, MAXPOOL,
 * AVGPOOL, MEAN, RESIZE, CONCAT of channels, IDENTITY-like moves (RESHAPE, FLATTEN, TRANSPOSE,
 * SQUEEZE, UNSQUEEZE) where the numbers need not move, or may at the end. A graph with others is
 * refused with -ENOTSUP and the node's name; the CPU backend runs it.
 */
#ifndef SP_CUDA_NETWORK_H
#define SP_CUDA_NETWORK_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

#include "cuda/device.h"
#include "cuda/tensor.h"
#include "infer/shape.h"

struct sp_err;
struct sp_model;
struct sp_network;
struct sp_network_model;
struct sp_tuner; /* cuda/tuner.h */

/*
 * @model outlives it. @tuner: chooses between engines for a convolution, NULL: our own kernels.
 * Weights go up with the first network that needs them. 0 or -errno with @err filled.
 */
int sp_network_model_create(const struct sp_device *device, const struct sp_model *model,
			    enum sp_tensor_type type, struct sp_tuner *tuner,
			    struct sp_network_model **ret, struct sp_err *err);
void sp_network_model_destroy(struct sp_network_model *model);

/* @n pictures of @h × @w. 0 or -errno with @err filled. */
int sp_network_create(struct sp_network_model *model, uint32_t n, uint32_t h, uint32_t w,
		      struct sp_network **ret_network, struct sp_err *err);
void sp_network_destroy(struct sp_network *network);

/* Bytes of memory that its activations, input and outputs take. */
size_t sp_network_bytes(const struct sp_network *network);

/*
 * @memory: 256-byte aligned, of the device, as long as the network runs. May be called again and
 * again: what has been put into a stream or captured keeps the memory that it was put in with, so
 * batches at the same time, each with memory of its own, share a network.
 */
void sp_network_bind(struct sp_network *network, void *memory);

/* n × h × w, c 3, pitch 4. What is in it is used up by a run. */
struct sp_device_tensor sp_network_input(const struct sp_network *network);

/*
 * Output @i of the model, of one picture in the shape that the file has (shape.dim[0] is 1),
 * row-major but for this: from one index of its last axis but one to the next are `pitch` numbers.
 * `planes`: the shape is 1 × C × H × W and lies as H × W × C.
 */
struct sp_network_output {
	const void *at;
	enum sp_tensor_type type;
	struct sp_shape shape;
	size_t pitch, picture; /* numbers; `picture`: from picture to picture */
	bool planes;
};

struct sp_network_output sp_network_output(const struct sp_network *network, unsigned int i);

/* Steps, for reports: how many, and one of them in words with its engine. */
unsigned int sp_network_steps(const struct sp_network *network);
const char *sp_network_step(const struct sp_network *network, unsigned int i, uint64_t *ret_macs,
			    uint64_t *ret_bytes);

/* Puts all steps into @stream; takes no memory, waits for nothing: may be captured. 0 or -errno. */
int sp_network_run(struct sp_network *network, cudaStream_t stream, struct sp_err *err);
/* Step @i alone, for measuring. */
int sp_network_run_step(struct sp_network *network, unsigned int i, cudaStream_t stream,
			struct sp_err *err);

#endif
