/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/digest.h"

#include <errno.h>
#include <openssl/evp.h>

#include "base/diag.h"
#include "lanesim/apart.h"
#include "lanesim/crew.h"
#include "lanesim/render/noise.h"
#include "lanesim/traveller.h"

enum {
	SCENE_WIDTH = 612,
	SCENE_HEIGHT = 512,
	/* What a crew hands over of each picture: its own checksum. */
	PICTURE_BYTES = LANESIM_DIGEST_BYTES,
};

struct job {
	uint64_t seed;
	uint32_t scenes;
	EVP_MD_CTX *context;
};

static int checksum(const struct sp_image *image, uint8_t *ret_digest)
{
	size_t bytes = (size_t)image->width * image->height * 3;

	return EVP_Digest(image->rgb, bytes, ret_digest, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

static int look(const struct job *job, struct lanesim_hand *hand, uint32_t i,
		struct sp_image *image)
{
	struct lanesim_scene_config config = {
		.seed = job->seed,
		.occupants = -1,
		.night = i >= LANESIM_POSTS,
	};
	struct lanesim_truth truths[LANESIM_OCCUPANTS_MAX];
	struct lanesim_scene *scene;
	uint32_t n;
	int res = lanesim_scene_create(&config, &scene);

	if (res)
		return res;
	res = lanesim_scene_look(scene, hand->eye, (enum lanesim_post)(i % LANESIM_POSTS), 1, image,
				 truths, &n);
	lanesim_scene_destroy(scene);
	return res;
}

/* Head @i: who it is comes of the series' number, as the shot does. */
static int meet(const struct job *job, struct lanesim_hand *hand, uint32_t i,
		struct sp_image *image)
{
	uint64_t seed = draw_series(job->seed, i) % LANESIM_IDENTITY_SEEDS;
	struct lanesim_traveller traveller = { .identity = seed, .share = 1 };
	struct lanesim_shot shot;
	int res = lanesim_traveller_meet(&traveller, 1);

	lanesim_shot_draw(&shot, LANESIM_PI / 4, seed);
	if (!res)
		res = lanesim_traveller_shoot(&traveller, &shot, hand, image, NULL);
	lanesim_traveller_part(&traveller);
	return res;
}

static int make(void *arg, struct lanesim_hand *hand, uint32_t i, void *result, struct sp_err *err)
{
	const struct job *job = arg;
	bool scene = i < job->scenes;
	struct sp_image *image = lanesim_hand_image(hand,
						    scene ? SCENE_WIDTH : LANESIM_DOCUMENT_SIDE,
						    scene ? SCENE_HEIGHT : LANESIM_DOCUMENT_SIDE);
	int res = -ENOMEM;

	if (image && scene)
		res = look(job, hand, i, image);
	else if (image && (i - job->scenes) % 2)
		res = meet(job, hand, i, image);
	else if (image)
		res = lanesim_traveller_document(draw_series(job->seed, i) % LANESIM_IDENTITY_SEEDS,
						 LANESIM_DOCUMENT_SIDE, hand, &image, NULL);
	if (!res)
		res = checksum(image, result);
	return res ? sp_err_set(err, res, "picture %u cannot be made", i) : 0;
}

static int take(void *arg, uint32_t i, void *result, struct sp_err *err)
{
	struct job *job = arg;

	if (EVP_DigestUpdate(job->context, result, PICTURE_BYTES) == 1)
		return 0;
	return sp_err_set(err, -EIO, "picture %u cannot be summed up", i);
}

int lanesim_digest(uint64_t seed, uint32_t n, uint32_t scenes, unsigned int threads,
		   uint8_t ret_digest[LANESIM_DIGEST_BYTES], struct sp_err *err)
{
	struct job job = { seed, scenes, EVP_MD_CTX_new() };
	struct lanesim_crew crew = {
		.label = "lanesim digest",
		.n = scenes + 2 * n,
		.threads = threads,
		.result_bytes = PICTURE_BYTES,
		.arg = &job,
		.make = make,
		.take = take,
	};
	int res = 0;

	if (!job.context || EVP_DigestInit_ex(job.context, EVP_sha256(), NULL) != 1)
		res = sp_err_set(err, -ENOMEM, "no sha256");
	if (!res)
		res = lanesim_crew_run(&crew, err);
	if (!res && EVP_DigestFinal_ex(job.context, ret_digest, NULL) != 1)
		res = sp_err_set(err, -EIO, "no sha256");
	EVP_MD_CTX_free(job.context);
	return res;
}
