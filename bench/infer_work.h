/* SPDX-License-Identifier: Apache-2.0 */
/* What bench/infer asks of every engine alike. */
#ifndef SP_BENCH_INFER_WORK_H
#define SP_BENCH_INFER_WORK_H

#include <stddef.h>
#include <stdint.h>

#include "infer/precision.h"

struct sp_err;

enum { INFER_THREADS_MAX = 2, INFER_PATH = 1024 };

/* A network, an input and numbers to compute in: the first inference's result is checked. */
struct infer_work {
	char label[64]; /* "yunet_n_640 bf16" */
	char model[INFER_PATH];
	char opencv_model[INFER_PATH]; /* the same network in operators that OpenCV 4.6 reads */
	int64_t shape[4];
	enum sp_precision precision;
	unsigned int threads; /* that infer at once, each its own input */
	const float *input; /* also in this file: */
	char input_file[INFER_PATH];
};

static inline size_t infer_work_elements(const struct infer_work *work)
{
	return (size_t)(work->shape[0] * work->shape[1] * work->shape[2] * work->shape[3]);
}

/*
 * A copy of the model at @from whose inputs and outputs leave the batch open, so that every engine
 * takes batches of it. 0 or -errno with @err filled.
 */
int infer_work_open_batch(const char *from, const char *to, struct sp_err *err);

#endif
