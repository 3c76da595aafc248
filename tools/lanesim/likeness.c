/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/likeness.h"

#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "infer/align.h"
#include "lanesim/aligned.h"
#include "lanesim/crew.h"
#include "lanesim/embedder.h"
#include "lanesim/traveller.h"

struct lanesim_likeness {
	struct lanesim_embedder embedder;
	struct lanesim_hand hand;
	float *embeddings; /* of those who stayed */
	uint32_t n, people;
	float cosine;
};

int lanesim_likeness_create(const char *path, uint32_t people, float cosine,
			    struct lanesim_likeness **ret_likeness, struct sp_err *err)
{
	struct lanesim_likeness *likeness = calloc(1, sizeof(*likeness));
	int res;

	if (!likeness)
		return sp_err_set(err, -ENOMEM, "out of memory");
	likeness->people = people;
	likeness->cosine = cosine;
	res = lanesim_embedder_init(&likeness->embedder, path, err);
	if (res)
		goto err_destroy;
	likeness->embeddings = calloc((size_t)people * likeness->embedder.size, sizeof(float));
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
	lanesim_embedder_uninit(&likeness->embedder);
	free(likeness->embeddings);
	free(likeness);
}

/* Of the document of @identity. */
static int embed(struct lanesim_likeness *likeness, uint64_t identity, float *ret_embedding)
{
	uint8_t rgb[SP_ALIGNED_PIXELS * 3];
	struct lanesim_truth truth;
	struct sp_image *image;
	int res = lanesim_traveller_document(identity, LANESIM_DOCUMENT_SIDE, &likeness->hand,
					     &image, &truth);

	if (!res)
		res = lanesim_aligned(image, truth.landmark, SP_ALIGNED_SIDE, rgb);
	return res ? res : lanesim_embedder_run(&likeness->embedder, rgb, ret_embedding);
}

static int admit(void *arg, const struct lanesim_identity *identity, bool *ret_differs,
		 struct sp_err *err)
{
	struct lanesim_likeness *likeness = arg;
	uint32_t size = likeness->embedder.size;
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
