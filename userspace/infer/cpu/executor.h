/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a model on one CPU core for one input shape: bands of rows through kernels of our own
 * (cpu/band.h) where the network has layers for them, oneDNN for the rest.
 *
 * Memory, kernels and packed weights are made at create. Our code allocates nothing in run; where
 * something is left to oneDNN, that takes and frees small blocks for its bookkeeping of each kernel
 * (nothing is in networks like YuNet, MobileFaceNet and LightQNet). No threads are started:
 * whoever calls run does the work. An executor belongs to one thread at a time; executors of the
 * same model run beside each other.
 */
#ifndef SP_INFER_CPU_EXECUTOR_H
#define SP_INFER_CPU_EXECUTOR_H

#include <stdint.h>

#include "infer/precision.h"
#include "infer/shape.h"

struct sp_err;
struct sp_executor;
struct sp_kernels;
struct sp_model;

struct sp_executor_options {
	enum sp_precision precision;
	/*
	 * NULL: the best for this CPU and precision. A name that sp_kernels_named knows: that one,
	 * which decides the precision too. "onednn": none of ours, float32.
	 */
	const char *kernels;
};

/*
 * @model must have exactly one input, of float32 and rank 4; it outlives the executor. @shape is N,
 * C, H, W with every dimension ≥ 1; it must agree with the model's fixed dimensions. @options NULL:
 * float32 by the best kernels.
 *
 * 0 with an executor that sp_executor_destroy releases; -EINVAL (shape does not fit), -ENOTSUP (an
 * operator's combination of shapes is not supported), -EFBIG (activations above a GiB), -ENOMEM,
 * with @err filled.
 */
int sp_executor_create(const struct sp_model *model, const int64_t shape[4],
		       const struct sp_executor_options *options, struct sp_executor **ret_executor,
		       struct sp_err *err);

/* The same by these very kernels; NULL: oneDNN alone. For tests of kernels. */
int sp_executor_create_by(const struct sp_model *model, const int64_t shape[4],
			  const struct sp_kernels *kernels, struct sp_executor **ret_executor,
			  struct sp_err *err);

/* NULL is allowed. */
void sp_executor_destroy(struct sp_executor *executor);

/*
 * Where the caller writes the input: N × C × H × W floats, row-major, 64-byte aligned. The same
 * address for the executor's life; run leaves the values alone.
 */
float *sp_executor_input(struct sp_executor *executor);

/* One inference. 0, or -EIO if a oneDNN kernel fails (outputs are then undefined). */
int sp_executor_run(struct sp_executor *executor);

/* One step of a run, for people. */
struct sp_layer {
	const char *name; /* of its last node */
	const char *kind; /* "pointwise", "separable", "oneDNN convolution", … */
	const char *kernels; /* "avx512", "onednn", … */
	uint32_t channels, height, width; /* of what it makes; 0: not a picture */
	uint64_t macs; /* multiply-adds; 0: none worth counting */
	uint64_t ns;
};

/*
 * One inference that measures each of its steps. Returns how many there are, of which at most @max
 * are in @layers, or -EIO. Names are good for the model's life.
 */
int sp_executor_profile(struct sp_executor *executor, struct sp_layer *layers, unsigned int max);

/* How many outputs, in the model's order. */
unsigned int sp_executor_outputs(const struct sp_executor *executor);

/*
 * Output @i < outputs as row-major floats of the logical shape, valid from the end of run until the
 * next one; the address, @ret_name and @ret_shape (either may be NULL) are good for the executor's
 * life.
 */
const float *sp_executor_output(const struct sp_executor *executor, unsigned int i,
				const char **ret_name, struct sp_shape *ret_shape);

#endif
