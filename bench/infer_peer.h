/* SPDX-License-Identifier: Apache-2.0 */
/* Another engine: a process of bench/peers/infer.py, asked by JSON lines over pipes. */
#ifndef SP_BENCH_INFER_PEER_H
#define SP_BENCH_INFER_PEER_H

#include <stddef.h>

#include "infer_work.h"

struct infer_peer;

/*
 * @engine as bench/peers/infer.py knows it, by the Python at @python, on the first @threads CPUs. 0
 * with @ret_peer; -ENOENT: that Python or that engine is not there; -errno. @err is filled.
 */
int infer_peer_start(const char *engine, const char *python, unsigned int threads,
		     struct infer_peer **ret_peer, struct sp_err *err);
/* NULL is allowed. */
void infer_peer_end(struct infer_peer *peer);

/* What it calls its version. */
const char *infer_peer_version(const struct infer_peer *peer);

/*
 * Makes @work ready under the number @id; @outputs: names of its outputs. 0, or -EPROTO with what
 * it said in @err.
 */
int infer_peer_load(struct infer_peer *peer, unsigned int id, const struct infer_work *work,
		    const char *const *outputs, unsigned int outputs_n, struct sp_err *err);

/* One inference; @n floats of its outputs into @values, by way of @file. 0 or -EPROTO. */
int infer_peer_outputs(struct infer_peer *peer, unsigned int id, const char *file, float *values,
		       size_t n, struct sp_err *err);

/* Seconds that @n inferences in each thread took, or negative with a line on stderr. */
double infer_peer_run(struct infer_peer *peer, unsigned int id, unsigned int n);

#endif
