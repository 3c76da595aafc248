/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A convolution tried with several engines on the device: whether they agree with ours, and how long
 * they take. Memory for one convolution's tensors, filled with numbers by a fixed seed.
 */
#ifndef SP_CUDA_TUNER_TRIAL_H
#define SP_CUDA_TUNER_TRIAL_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sp_conv;
struct sp_conv_run;
struct sp_err;
struct sp_trial;

typedef int (*sp_trial_run)(void *arg, cudaStream_t stream, const struct sp_conv_run *run,
			    void *workspace, struct sp_err *err);

/* bfloat16 only. 0 or -errno with @err filled. */
int sp_trial_create(const struct sp_conv *conv, uint32_t n, bool residual, cudaStream_t stream,
		    struct sp_trial **ret_trial, struct sp_err *err);
void sp_trial_destroy(struct sp_trial *trial);

/* Runs what the others must agree with. Median microseconds. 0 or -errno with @err filled. */
int sp_trial_reference(struct sp_trial *trial, sp_trial_run run, void *arg, float *ret_us,
		       struct sp_err *err);

/* The same of another, with @workspace bytes. -ERANGE: it computes something else. */
int sp_trial_compete(struct sp_trial *trial, sp_trial_run run, void *arg, size_t workspace,
		     float *ret_us, struct sp_err *err);

#endif
