/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/likeness.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/diag.h"
#include "infer/align.h"
#include "infer/compute.h"
#include "infer/cpu/executor.h"
#include "infer/model.h"
#include "lanesim/aligned.h"
#include "lanesim/crew.h"
#include "lanesim/traveller.h"

struct lanesim_likeness {
	struct sp_model *model;
	struct sp_executor *executor;
	struct lanesim_hand hand;
	const float *output;
	float *embeddings; /* of those who stayed, length 1 */
	uint32_t size, n, people;
	float cosine;
};

static int open_network(struct lanesim_likeness *likeness, const char *path, struct sp_err *err)
{
	static const int64_t input[4] = { 1, 3, SP_ALIGNED_SIDE, SP_ALIGNED_SIDE };
	struct sp_shape shape;
	int res = sp_model_load(path, &likeness->model, err);

	if (!res)
		res = sp_executor_create(likeness->model, input, &likeness->executor, err);
	if (res)
		return res;
	likeness->output = sp_executor_output(likeness->executor, 0, NULL, &shape);
	likeness->size = 1;
	for (unsigned int i = 0; i < shape.rank; i++)
		likeness->size *= (uint32_t)shape.dim[i];
	if (sp_executor_outputs(likeness->executor) != 1 || likeness->size > SP_EMBEDDING_MAX)
		return sp_err_set(err, -EINVAL, "%s: not an embedder: it gives no single vector",
				  path);
	return 0;
}

int lanesim_likeness_create(const char *path, uint32_t people, float cosine,
			    struct lanesim_likeness **ret_likeness, struct sp_err *err)
{
	struct lanesim_likeness *likeness = calloc(1, sizeof(*likeness));
	int res;

	if (!likeness)
		return sp_err_set(err, -ENOMEM, "out of memory");
	likeness->people = people;
	likeness->cosine = cosine;
	res = open_network(likeness, path, err);
	if (res)
		goto err_destroy;
	likeness->embeddings = calloc((size_t)people * likeness->size, sizeof(float));
	res = likeness->embeddings ? lanesim_eye_create(&likeness->hand.eye) : -ENOMEM;
	if (res) {
		sp_err_set(err, res, "no memory for %u embeddings", people);
		goto err_destroy;
	}
	*ret_likeness = likeness;
	return 0;
err_destroy:
	lanesim_likeness_destroy(likeness);
	return res;
}

void lanesim_likeness_destroy(struct lanesim_likeness *likeness)
{
	if (!likeness)
		return;
	if (likeness->hand.eye)
		lanesim_eye_destroy(likeness->hand.eye);
	sp_image_uninit(&likeness->hand.image);
	sp_executor_destroy(likeness->executor);
	sp_model_free(likeness->model);
	free(likeness->embeddings);
	free(likeness);
}

/* Of the document of @identity, length 1. */
static int embed(struct lanesim_likeness *likeness, uint64_t identity, float *ret_embedding)
{
	uint8_t rgb[SP_ALIGNED_PIXELS * 3];
	struct lanesim_truth truth;
	struct sp_image *image;
	double square = 0;
	float factor;
	int res = lanesim_traveller_document(identity, LANESIM_DOCUMENT_SIDE, &likeness->hand,
					     &image, &truth);

	if (!res)
		res = lanesim_aligned(image, truth.landmark, SP_ALIGNED_SIDE, rgb);
	if (res)
		return res;
	sp_align_to_input(rgb, sp_executor_input(likeness->executor));
	res = sp_executor_run(likeness->executor);
	for (uint32_t i = 0; i < likeness->size; i++)
		square += (double)likeness->output[i] * likeness->output[i];
	factor = (float)(1 / sqrt(square + 1e-30));
	for (uint32_t i = 0; i < likeness->size; i++)
		ret_embedding[i] = likeness->output[i] * factor;
	return res;
}

static int admit(void *arg, const struct lanesim_identity *identity, bool *ret_differs,
		 struct sp_err *err)
{
	struct lanesim_likeness *likeness = arg;
	uint32_t size = likeness->size;
	float *mine = likeness->embeddings + (size_t)likeness->n * size;
	bool differs = true;
	int res;

	if (likeness->n == likeness->people)
		return sp_err_set(err, -ENOSPC, "more than %u people", likeness->people);
	res = embed(likeness, identity->seed, mine);
	if (res)
		return sp_err_set(err, res, "identity %llu cannot be embedded",
				  (unsigned long long)identity->seed);
	for (uint32_t i = 0; i < likeness->n && differs; i++) {
		const float *other = likeness->embeddings + (size_t)i * size;
		float cosine = 0;

		for (uint32_t k = 0; k < size; k++)
			cosine += mine[k] * other[k];
		differs = cosine <= likeness->cosine;
	}
	likeness->n += differs;
	*ret_differs = differs;
	return 0;
}

struct lanesim_apart_judge lanesim_likeness_judge(struct lanesim_likeness *likeness)
{
	return (struct lanesim_apart_judge){ likeness, admit };
}
