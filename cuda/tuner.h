/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which engine computes a convolution: our kernel or one of cuDNN's. Candidates (heuristics A, then
 * fallback) are timed on the device the first time that a convolution of these sizes is met, and what
 * was found is kept in a file (tuner_cache.h), by model, sizes, device and cuDNN's version.
 *
 * cuDNN is opened at run time (libcudnn.so.9); without it, or where it has no engine, it is ours.
 * cudnn.c speaks to it through struct sp_cudnn (cudnn_table.h), so that tests can stand in for it.
 */
#ifndef SP_CUDA_TUNER_H
#define SP_CUDA_TUNER_H

#include <cuda_runtime_api.h>
#include <stdint.h>

#include "cuda/conv.h"

struct sp_cudnn;
struct sp_device;
struct sp_err;
struct sp_tuner;
struct sp_engine;

/*
 * @cache: a directory, or NULL. @log: one line, enum sp_log_level (base/diag.h); may be NULL. 0 or
 * -errno with @err filled; no cuDNN is no error. One thread at a time uses a tuner and its engines.
 */
int sp_tuner_create(const struct sp_device *device, const char *cache,
		    void (*log)(int level, const char *text), struct sp_tuner **ret_tuner,
		    struct sp_err *err);
/* The same with @cudnn in place of the library, which stays; NULL: none. For tests. */
int sp_tuner_create_with(const struct sp_device *device, const char *cache,
			 void (*log)(int level, const char *text), const struct sp_cudnn *cudnn,
			 struct sp_tuner **ret_tuner, struct sp_err *err);
/* After its engines. */
void sp_tuner_destroy(struct sp_tuner *tuner);
/* The device's context is gone, and stream and cuDNN's handle with it; to be destroyed. */
void sp_tuner_forget(struct sp_tuner *tuner);

/* "9.13.0", or NULL without cuDNN. */
const char *sp_tuner_cudnn(const struct sp_tuner *tuner);

/* What is to be computed, and by which of our kernels if by ours. */
struct sp_tuning {
	const uint8_t *model; /* sha256 */
	const struct sp_conv *conv;
	uint32_t n; /* pictures */
	bool residual;
	const float *weights, *bias; /* on the host; bias may be NULL */
	/* Runs ours on @x, @y, @residual once; weights are its own. */
	int (*ours)(void *arg, cudaStream_t stream, const struct sp_conv_run *run,
		    struct sp_err *err);
	void *arg;
};

/*
 * Chooses. *ret_engine NULL: ours. Takes memory and waits for the device; not while capturing. 0 or
 * -errno with @err filled.
 */
int sp_tuner_choose(struct sp_tuner *tuner, const struct sp_tuning *tuning,
		    struct sp_engine **ret_engine, struct sp_err *err);
void sp_engine_destroy(struct sp_engine *engine);

/* "cudnn engine 34", for reports; belongs to the engine. */
const char *sp_engine_name(const struct sp_engine *engine);
/* Bytes of memory that a run needs beside its tensors. */
size_t sp_engine_workspace(const struct sp_engine *engine);

/* run->weights is not looked at. May be captured. 0 or -errno. */
int sp_engine_run(struct sp_engine *engine, cudaStream_t stream, const struct sp_conv_run *run,
		  void *workspace, struct sp_err *err);

#endif
