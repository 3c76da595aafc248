/* SPDX-License-Identifier: Apache-2.0 */
/* A work of bench/infer on our executor, in this process. */
#ifndef SP_BENCH_INFER_OURS_H
#define SP_BENCH_INFER_OURS_H

#include <stddef.h>

#include "infer_work.h"

struct infer_ours;
struct sp_executor;

/* @kernels: as sp_executor_options has them. 0 or -errno with @err filled. */
int infer_ours_open(const struct infer_work *work, const char *kernels,
		    struct infer_ours **ret_ours, struct sp_err *err);
/* NULL is allowed. */
void infer_ours_close(struct infer_ours *ours);

/* The first thread's, for its outputs and its layers. */
struct sp_executor *infer_ours_executor(struct infer_ours *ours);

/*
 * One inference; its outputs one after the other in the model's order, malloc'ed. NULL: it failed.
 */
float *infer_ours_outputs(struct infer_ours *ours, size_t *ret_n);

/* Seconds that @n inferences in each thread took, or negative. */
double infer_ours_run(struct infer_ours *ours, unsigned int n);

#endif
