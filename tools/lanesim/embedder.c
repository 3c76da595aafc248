/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/embedder.h"

#include <errno.h>
#include <math.h>

#include "base/diag.h"
#include "infer/align.h"
#include "infer/compute.h"
#include "infer/cpu/executor.h"
#include "infer/model.h"

int lanesim_embedder_init(struct lanesim_embedder *embedder, const char *path, struct sp_err *err)
{
	static const int64_t input[4] = { 1, 3, SP_ALIGNED_SIDE, SP_ALIGNED_SIDE };
	struct sp_shape shape;
	int res;

	*embedder = (struct lanesim_embedder){ .size = 1 };
	res = sp_model_load(path, &embedder->model, err);
	if (!res)
		res = sp_executor_create(embedder->model, input, NULL, &embedder->executor, err);
	if (res)
		return res;
	embedder->output = sp_executor_output(embedder->executor, 0, NULL, &shape);
	for (unsigned int i = 0; i < shape.rank; i++)
		embedder->size *= (uint32_t)shape.dim[i];
	if (sp_executor_outputs(embedder->executor) != 1 || embedder->size > SP_EMBEDDING_MAX)
		return sp_err_set(err, -EINVAL, "%s: not an embedder: it gives no single vector",
				  path);
	return 0;
}

void lanesim_embedder_uninit(struct lanesim_embedder *embedder)
{
	sp_executor_destroy(embedder->executor);
	sp_model_free(embedder->model);
	*embedder = (struct lanesim_embedder){ 0 };
}

int lanesim_embedder_run(struct lanesim_embedder *embedder, const uint8_t *rgb,
			 float *ret_embedding)
{
	double square = 0;
	float factor;
	int res;

	sp_align_to_input(rgb, &sp_input_imagenet, sp_executor_input(embedder->executor));
	res = sp_executor_run(embedder->executor);
	for (uint32_t i = 0; i < embedder->size; i++)
		square += (double)embedder->output[i] * (double)embedder->output[i];
	factor = (float)(1 / sqrt(square + 1e-30));
	for (uint32_t i = 0; i < embedder->size; i++)
		ret_embedding[i] = embedder->output[i] * factor;
	return res;
}
