/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/measure.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "infer/cpu/detector.h"
#include "infer/model.h"
#include "infer/role.h"
#include "lanesim/apart.h"
#include "lanesim/crew.h"
#include "lanesim/render/noise.h"
#include "lanesim/scene/scene.h"
#include "lanesim/traffic.h"
#include "lanesim/traveller.h"

enum {
	HEAD_SIDE = 256,
	LANE_WIDTH = 960,
	LANE_HEIGHT = 768,
	STRIDE = 32, /* a detector's input has sides of multiples of this */
};

#define HEAD_YAW (30 * LANESIM_PI / 180)
#define VISIBLE 0.6f
/*
 * Mean distance of the landmarks, of the distance between the eyes, within which a face is found.
 */
#define NEAR 0.6f

struct job {
	const struct lanesim_detection_measure *measure;
	struct lanesim_detection_figures *figures;
	struct sp_model *model;
	struct sp_detector detector;
};

/* A picture and who is in it. */
struct sight {
	struct sp_image image; /* owned */
	struct lanesim_truth truths[LANESIM_OCCUPANTS_MAX];
	uint32_t n;
};

/* ---- pictures ------------------------------------------------------------------------------- */

static int make_head(struct job *job, struct lanesim_hand *hand, uint32_t i, struct sight *sight)
{
	uint64_t seed = draw_series(job->measure->common.seed, i) % LANESIM_IDENTITY_SEEDS;
	uint64_t series = draw_series(seed, 'M');
	/* No mask, no sunglasses, no hat: nothing hides a part of the face. */
	struct lanesim_traveller traveller = { .identity = seed, .share = 0 };
	struct lanesim_shot shot;
	int res = lanesim_traveller_meet(&traveller, 1);

	lanesim_shot_fair(&shot, HEAD_YAW, seed);
	lanesim_shot_resize(&shot, draw_between(&series, 40, 70));
	lanesim_shot_centre(&shot, 0.45f, HEAD_SIDE);
	if (!res)
		res = lanesim_traveller_shoot(&traveller, &shot, hand, &sight->image,
					      sight->truths);
	lanesim_traveller_part(&traveller);
	sight->n = 1;
	return res;
}

static int make_lane(struct job *job, struct lanesim_hand *hand, uint32_t i, struct sight *sight)
{
	static const struct lanesim_mix mix = {
		.occupants = -1, .empty_vehicles = .2f, .empty_lanes = .1f, .night = .25f
	};
	struct lanesim_scene_config config;
	struct lanesim_scene *scene;
	int res;

	lanesim_mix_scene(&mix, job->measure->common.seed, i / LANESIM_POSTS, &config);
	res = lanesim_scene_create(&config, &scene);
	if (res)
		return res;
	res = lanesim_scene_look(scene, hand->eye, i % LANESIM_POSTS, 1, &sight->image,
				 sight->truths, &sight->n);
	lanesim_scene_destroy(scene);
	return res;
}

static int make(void *arg, struct lanesim_hand *hand, uint32_t i, void *result, struct sp_err *err)
{
	struct job *job = arg;
	struct sight *sight = result;
	bool heads = job->measure->stage == LANESIM_HEADS;
	int res = sp_image_init(&sight->image, heads ? HEAD_SIDE : LANE_WIDTH,
				heads ? HEAD_SIDE : LANE_HEIGHT);

	if (!res)
		res = (heads ? make_head : make_lane)(job, hand, i, sight);
	if (res)
		sp_image_uninit(&sight->image);
	return res ? sp_err_set(err, res, "picture %u: out of memory", i) : 0;
}

static void drop(void *arg, void *result)
{
	(void)arg;
	sp_image_uninit(&((struct sight *)result)->image);
}

/* ---- what the detector says of them --------------------------------------------------------- */

/* Planes as the detector's card has them; what lies beyond the picture is black. */
static void fill(const struct sp_image *image, const struct sp_input_form *form,
		 struct sp_detector_size *size)
{
	size_t plane = (size_t)size->width * size->height;

	for (size_t i = 0; i < 3 * plane; i++)
		size->input[i] = form->shift[i / plane];
	for (uint32_t y = 0; y < image->height; y++) {
		const uint8_t *rgb = image->rgb + 3 * (size_t)y * image->width;
		float *row = size->input + (size_t)y * size->width;

		for (uint32_t x = 0; x < image->width; x++)
			for (unsigned int i = 0; i < 3; i++)
				row[i * plane + x] =
					(float)rgb[3 * x + (form->bgr ? 2 - i : i)] *
						form->scale[i] +
					form->shift[i];
	}
}

/* In the picture: less than truth->eye_distance where the face is turned. */
static float eyes_apart(const struct lanesim_truth *truth)
{
	return hypotf(truth->landmark[1][0] - truth->landmark[0][0],
		      truth->landmark[1][1] - truth->landmark[0][1]);
}

static bool counts(const struct lanesim_detection_measure *measure, const struct lanesim_truth *truth)
{
	return truth->visibility >= VISIBLE && eyes_apart(truth) >= measure->eye_distance_min;
}

/* Distances of landmarks, of the distance between the eyes; their mean is returned. */
static float distances(const struct lanesim_truth *truth, const struct sp_detection *detection,
		       float ret[LANESIM_LANDMARKS])
{
	float sum = 0;

	for (int i = 0; i < LANESIM_LANDMARKS; i++) {
		/* A detector's centres of pixels are whole numbers. */
		ret[i] = hypotf(detection->landmark[i][0] + 0.5f - truth->landmark[i][0],
				detection->landmark[i][1] + 0.5f - truth->landmark[i][1]) /
			 truth->eye_distance;
		sum += ret[i] / LANESIM_LANDMARKS;
	}
	return sum;
}

static bool touches(const struct lanesim_truth *truth, const struct sp_detection *detection)
{
	float x = detection->box[0] + detection->box[2] / 2,
	      y = detection->box[1] + detection->box[3] / 2;

	return x > truth->box[0] - 0.25f * truth->box[2] &&
	       x < truth->box[0] + 1.25f * truth->box[2] &&
	       y > truth->box[1] - 0.25f * truth->box[3] &&
	       y < truth->box[1] + 1.25f * truth->box[3];
}

static void count_found(struct lanesim_detection_figures *figures,
			const struct lanesim_truth *truth, const struct sp_detection *detection,
			const float distance[LANESIM_LANDMARKS])
{
	float apart = eyes_apart(truth);
	float along[2] = { (truth->landmark[1][0] - truth->landmark[0][0]) / apart,
			   (truth->landmark[1][1] - truth->landmark[0][1]) / apart };

	figures->found++;
	figures->score += (double)detection->score;
	for (int i = 0; i < LANESIM_LANDMARKS; i++) {
		float dx = detection->landmark[i][0] + 0.5f - truth->landmark[i][0];
		float dy = detection->landmark[i][1] + 0.5f - truth->landmark[i][1];

		figures->landmark += (double)distance[i] / LANESIM_LANDMARKS;
		figures->landmarks[i] += (double)distance[i];
		figures->offset[i][0] +=
			(double)((dx * along[0] + dy * along[1]) / truth->eye_distance);
		figures->offset[i][1] +=
			(double)((dy * along[0] - dx * along[1]) / truth->eye_distance);
	}
}

/* Of the detections that are not taken, the one nearest to @truth; -1 if none is near. */
static int nearest(const struct sp_detection *detections, const bool *taken, unsigned int n,
		   const struct lanesim_truth *truth, float ret_distance[LANESIM_LANDMARKS])
{
	float best = NEAR, distance[LANESIM_LANDMARKS];
	int found = -1;

	for (unsigned int i = 0; i < n; i++) {
		float d = distances(truth, &detections[i], distance);

		if (taken[i] || d >= best)
			continue;
		best = d;
		found = (int)i;
		memcpy(ret_distance, distance, sizeof(distance));
	}
	return found;
}

/* A detection is of one face at most; a second one of a face is false. */
static void judge(struct job *job, const struct sight *sight, unsigned int n)
{
	const struct sp_detection *detections = job->detector.detections;
	struct lanesim_detection_figures *figures = job->figures;
	bool taken[SP_DETECTIONS_MAX] = { false };

	figures->pictures++;
	for (uint32_t t = 0; t < sight->n; t++) {
		const struct lanesim_truth *truth = &sight->truths[t];
		float distance[LANESIM_LANDMARKS];
		int found;

		if (!counts(job->measure, truth))
			continue;
		figures->faces++;
		found = nearest(detections, taken, n, truth, distance);
		if (found < 0)
			continue;
		taken[found] = true;
		count_found(figures, truth, &detections[found], distance);
	}
	/* One that is at a face that does not count is neither here nor there. */
	for (uint32_t t = 0; t < sight->n; t++)
		for (unsigned int i = 0; i < n && !counts(job->measure, &sight->truths[t]); i++)
			if (!taken[i] && touches(&sight->truths[t], &detections[i])) {
				taken[i] = true;
				break;
			}
	for (unsigned int i = 0; i < n; i++)
		figures->false_faces += !taken[i];
}

static int take(void *arg, uint32_t i, void *result, struct sp_err *err)
{
	struct job *job = arg;
	struct sight *sight = result;
	struct sp_detector_size *size;
	uint32_t width = (sight->image.width + STRIDE - 1) / STRIDE * STRIDE;
	uint32_t height = (sight->image.height + STRIDE - 1) / STRIDE * STRIDE;
	int n = sp_detector_prepare(&job->detector, width, height, &size, err);

	if (!n) {
		fill(&sight->image, &job->detector.card->input, size);
		n = sp_detector_run(&job->detector, size, job->measure->score_min);
		if (n < 0)
			sp_err_set(err, n, "picture %u: the detector failed", i);
	}
	if (n >= 0)
		judge(job, sight, (unsigned int)n);
	drop(arg, result);
	return n < 0 ? n : 0;
}

int lanesim_measure_detector(const struct lanesim_detection_measure *measure,
			     struct lanesim_detection_figures *ret_figures, struct sp_err *err)
{
	struct lanesim_detection_figures figures = { 0 };
	struct job job = { .measure = measure, .figures = &figures };
	const struct lanesim_crew crew = {
		.label = measure->common.progress ? "measure" : NULL,
		.n = measure->common.n * (measure->stage == LANESIM_LANES ? LANESIM_POSTS : 1),
		.threads = measure->common.threads,
		.result_bytes = sizeof(struct sight),
		.arg = &job,
		.make = make,
		.take = take,
		.drop = drop,
	};
	struct sp_detect_outputs outputs;
	struct sp_model_card card;
	uint32_t width, height;
	int res = sp_model_load(measure->common.model, &job.model, err);

	if (res)
		return res;
	res = sp_model_card_load(job.model, SP_ROLE_DETECTOR, &card, err);
	if (!res)
		res = sp_detector_check(job.model, &card, &outputs, &width, &height, err);
	if (!res && width)
		res = sp_err_set(err, -ENOTSUP,
				 "%s: takes pictures of %u x %u only; give one of any size",
				 measure->common.model, width, height);
	if (res)
		goto out_free_model;
	sp_detector_init(&job.detector, job.model, &card, &outputs);
	res = lanesim_crew_run(&crew, err);
	sp_detector_uninit(&job.detector);
	if (!res && figures.found) {
		figures.score /= figures.found;
		figures.landmark /= figures.found;
		for (int i = 0; i < LANESIM_LANDMARKS; i++) {
			figures.landmarks[i] /= figures.found;
			figures.offset[i][0] /= figures.found;
			figures.offset[i][1] /= figures.found;
		}
	}
	if (!res)
		*ret_figures = figures;
out_free_model:
	sp_model_free(job.model);
	return res;
}
