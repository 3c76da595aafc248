/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/measure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "infer/align.h"
#include "lanesim/aligned.h"
#include "lanesim/apart.h"
#include "lanesim/crew.h"
#include "lanesim/embedder.h"
#include "lanesim/likeness.h"
#include "lanesim/render/noise.h"
#include "lanesim/traveller.h"

enum { SIDE = 256 };

#define YAW (15 * LANESIM_PI / 180)

struct job {
	const struct lanesim_embedding_measure *measure;
	uint64_t *seeds; /* of the people */
	struct lanesim_embedder embedder;
	float *embeddings; /* people × shots × its size */
};

/* A person's aligned faces. */
struct faces {
	uint8_t *rgb; /* shots × SP_ALIGNED_PIXELS × 3; owned */
};

static int shoot(struct job *job, struct lanesim_hand *hand, uint64_t identity, uint32_t shots,
		 uint8_t *rgb)
{
	struct lanesim_traveller traveller = { .identity = identity, .share = 0 };
	struct sp_image *image = lanesim_hand_image(hand, SIDE, SIDE);
	int res = image ? 0 : -ENOMEM;

	for (uint32_t k = 0; k < shots && !res; k++) {
		uint64_t series = draw_series(job->measure->common.seed ^ identity, k + 1);
		struct lanesim_truth truth;
		struct lanesim_shot shot;

		lanesim_shot_fair(&shot, YAW, sp_random_next(&series));
		lanesim_shot_resize(&shot, draw_between(&series, 40, 70));
		lanesim_shot_centre(&shot, 0.45f, SIDE);
		res = lanesim_traveller_meet(&traveller, lanesim_traveller_day(k));
		if (!res)
			res = lanesim_traveller_shoot(&traveller, &shot, hand, image, &truth);
		if (!res)
			res = lanesim_aligned(image, truth.landmark, SP_ALIGNED_SIDE,
					      rgb + (size_t)k * SP_ALIGNED_PIXELS * 3);
	}
	lanesim_traveller_part(&traveller);
	return res;
}

static int make(void *arg, struct lanesim_hand *hand, uint32_t i, void *result, struct sp_err *err)
{
	struct job *job = arg;
	struct faces *faces = result;
	uint32_t shots = job->measure->shots;
	int res = -ENOMEM;

	faces->rgb = malloc((size_t)shots * SP_ALIGNED_PIXELS * 3);
	if (faces->rgb)
		res = shoot(job, hand, job->seeds[i], shots, faces->rgb);
	if (res) {
		free(faces->rgb);
		return sp_err_set(err, res, "person %u: %s", i, strerror(-res));
	}
	return 0;
}

static void drop(void *arg, void *result)
{
	(void)arg;
	free(((struct faces *)result)->rgb);
}

static int take(void *arg, uint32_t i, void *result, struct sp_err *err)
{
	struct job *job = arg;
	struct faces *faces = result;
	int res = 0;

	for (uint32_t k = 0; k < job->measure->shots && !res; k++)
		res = lanesim_embedder_run(&job->embedder,
					   faces->rgb + (size_t)k * SP_ALIGNED_PIXELS * 3,
					   job->embeddings + ((size_t)i * job->measure->shots + k) *
								     job->embedder.size);
	drop(arg, result);
	return res ? sp_err_set(err, res, "person %u: the embedder failed", i) : 0;
}

/* ---- figures -------------------------------------------------------------------------------- */

static int falling(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x < y) - (x > y);
}

/* Cosines of all pairs into those of one person and those of two. */
static void compare(const struct job *job, float *genuine, size_t *genuine_n, float *impostor,
		    size_t *impostor_n)
{
	uint32_t shots = job->measure->shots, pictures = job->measure->common.n * shots;
	uint32_t size = job->embedder.size;

	*genuine_n = *impostor_n = 0;
	for (uint32_t i = 0; i < pictures; i++) {
		for (uint32_t j = i + 1; j < pictures; j++) {
			const float *a = job->embeddings + (size_t)i * size;
			const float *b = job->embeddings + (size_t)j * size;
			float cosine = 0;

			for (uint32_t e = 0; e < size; e++)
				cosine += a[e] * b[e];
			if (i / shots == j / shots)
				genuine[(*genuine_n)++] = cosine;
			else
				impostor[(*impostor_n)++] = cosine;
		}
	}
}

static double mean(const float *values, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)values[i];
	return n ? sum / (double)n : 0;
}

static int sum_up(const struct job *job, struct lanesim_embedding_figures *figures)
{
	static const double rates[LANESIM_RATES] = { 1e-2, 1e-3, 1e-4 };
	size_t people = job->measure->common.n, shots = job->measure->shots,
	       pictures = people * shots;
	float *genuine = malloc(people * shots * (shots - 1) / 2 * sizeof(float));
	float *impostor = malloc(pictures * pictures / 2 * sizeof(float));
	size_t genuine_n, impostor_n;
	int res = -ENOMEM;

	if (!genuine || !impostor)
		goto out;
	compare(job, genuine, &genuine_n, impostor, &impostor_n);
	qsort(genuine, genuine_n, sizeof(float), falling);
	qsort(impostor, impostor_n, sizeof(float), falling);
	figures->people = (uint32_t)people;
	figures->pictures = (uint32_t)pictures;
	figures->genuine = mean(genuine, genuine_n);
	figures->impostor = mean(impostor, impostor_n);
	for (int r = 0; r < LANESIM_RATES; r++) {
		float threshold = impostor[(size_t)(rates[r] * (double)impostor_n)];
		size_t accepted = 0;

		while (accepted < genuine_n && genuine[accepted] > threshold)
			accepted++;
		figures->rate[r] = rates[r];
		figures->threshold[r] = (double)threshold;
		figures->accepted[r] = (double)accepted / (double)genuine_n;
	}
	res = 0;
out:
	free(genuine);
	free(impostor);
	return res;
}

static int draw_people(struct job *job, struct sp_err *err)
{
	const struct lanesim_embedding_measure *measure = job->measure;
	struct lanesim_apart apart = { .seed = measure->common.seed,
				       .n = measure->common.n,
				       .distance = LANESIM_APART_USUAL };
	struct lanesim_likeness *likeness = NULL;
	struct lanesim_apart_judge judge;
	int res = 0;

	if (measure->judge) {
		res = lanesim_likeness_create(measure->judge, measure->common.n,
					      measure->judge_cosine, &likeness, err);
		if (res)
			return res;
		judge = lanesim_likeness_judge(likeness);
		apart.judge = &judge;
	}
	res = lanesim_apart_draw(&apart, job->seeds, NULL, err);
	lanesim_likeness_destroy(likeness);
	return res;
}

int lanesim_measure_embedder(const struct lanesim_embedding_measure *measure,
			     struct lanesim_embedding_figures *ret_figures, struct sp_err *err)
{
	struct lanesim_embedding_figures figures = { 0 };
	struct job job = { .measure = measure };
	const struct lanesim_crew crew = {
		.label = measure->common.progress ? "measure" : NULL,
		.n = measure->common.n,
		.threads = measure->common.threads,
		.result_bytes = sizeof(struct faces),
		.arg = &job,
		.make = make,
		.take = take,
		.drop = drop,
	};
	int res = lanesim_embedder_init(&job.embedder, measure->common.model, err);

	if (!res && (measure->common.n < 2 || measure->shots < 2 ||
		     (uint64_t)measure->common.n * measure->shots > LANESIM_MEASURED_MAX))
		res = sp_err_set(err, -EINVAL,
				 "%u people of %u shots: at least 2 of each, %d pictures at most",
				 measure->common.n, measure->shots, LANESIM_MEASURED_MAX);
	if (res)
		goto out;
	job.seeds = calloc(measure->common.n, sizeof(*job.seeds));
	job.embeddings = calloc((size_t)measure->common.n * measure->shots * job.embedder.size,
				sizeof(float));
	if (!job.seeds || !job.embeddings)
		res = sp_err_set(err, -ENOMEM, "no memory for %u people", measure->common.n);
	if (!res)
		res = draw_people(&job, err);
	if (!res)
		res = lanesim_crew_run(&crew, err);
	if (!res && sum_up(&job, &figures))
		res = sp_err_set(err, -ENOMEM, "no memory for the pairs");
	if (!res)
		*ret_figures = figures;
out:
	free(job.seeds);
	free(job.embeddings);
	lanesim_embedder_uninit(&job.embedder);
	return res;
}
