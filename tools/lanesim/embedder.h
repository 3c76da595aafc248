/* SPDX-License-Identifier: Apache-2.0 */
/* An embedding network on one thread: an aligned face in, a vector of length 1 out. */
#ifndef LANESIM_EMBEDDER_H
#define LANESIM_EMBEDDER_H

#include <stdint.h>

struct sp_err;
struct sp_executor;
struct sp_model;

struct lanesim_embedder {
	struct sp_model *model;
	struct sp_executor *executor;
	const float *output;
	uint32_t size; /* floats */
};

/* @path: an ONNX embedder that infer/align.h feeds. 0 or -errno with @err filled. */
int lanesim_embedder_init(struct lanesim_embedder *embedder, const char *path, struct sp_err *err);
/* Also after a failure of init. */
void lanesim_embedder_uninit(struct lanesim_embedder *embedder);

/* @rgb: SP_ALIGNED_SIDE² pixels. @ret_embedding: size floats. 0 or -EIO. */
int lanesim_embedder_run(struct lanesim_embedder *embedder, const uint8_t *rgb,
			 float *ret_embedding);

#endif
