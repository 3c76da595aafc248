/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/cpu/worker.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/ring.h"
#include "frame/frame.h"
#include "infer/align.h"
#include "infer/cpu/detector.h"
#include "infer/cpu/executor.h"
#include "infer/element.h"
#include "infer/face_input.h"
#include "infer/model.h"
#include "infer/pixels.h"
#include "infer/portrait.h"
#include "infer/preprocess.h"
#include "infer/quality.h"
#include "infer/scale.h"
#include "infer/sighting.h"
#include "infer/tile.h"

struct sp_worker {
	const struct sp_worker_setup *setup;
	struct sp_ring *portraits;
	void *spare_portrait; /* taken from the ring and not used */
	struct sp_executor *embedder, *quality; /* NULL without the model */
	struct sp_pixels pixels;
	struct sp_scale scale;
	struct sp_align_scratch *align;
	bool complained; /* of a frame that failed; once is enough */
	uint8_t aligned[SP_ALIGNED_PIXELS * 3]; /* by sp_align_template: what is measured */
	uint8_t other[SP_ALIGNED_PIXELS * 3]; /* by the points of a card that has others */
	struct sp_detector detector;
	struct sp_fit looks[SP_TILE_LOOKS_MAX]; /* at the frame */
	struct sp_sightings sightings; /* what they found */
};

/*
 * The executor of a network that looks at aligned faces and gives @numbers; @model NULL gives none.
 * What a file says of its output's shape is a claim: what is made of it counts.
 */
static int make_executor(const struct sp_model *model, enum sp_precision precision, int64_t side,
			 int64_t numbers, struct sp_executor **ret_executor, struct sp_err *err)
{
	const struct sp_executor_options options = { .precision = precision };
	const int64_t shape[4] = { 1, 3, side, side };
	struct sp_executor *executor;
	struct sp_shape output;
	char text[96];
	int rc;

	if (!model)
		return 0;
	rc = sp_executor_create(model, shape, &options, &executor, err);
	if (rc)
		return rc;
	sp_executor_output(executor, 0, NULL, &output);
	if (sp_shape_elements(&output) != numbers) {
		sp_executor_destroy(executor);
		return sp_err_set(err, -EINVAL,
				  "%s: it gives an output of %s where its file says %lld numbers; "
				  "export it anew",
				  model->name, sp_shape_text(&output, text, sizeof(text)),
				  (long long)numbers);
	}
	*ret_executor = executor;
	return 0;
}

int sp_worker_create(const struct sp_worker_setup *setup, struct sp_ring *portraits,
		     struct sp_worker **ret_worker, struct sp_err *err)
{
	struct sp_worker *worker = calloc(1, sizeof(*worker));
	struct sp_detector_size *size;
	int rc;

	if (!worker)
		return sp_err_set(err, -ENOMEM, "inference: out of memory");
	worker->setup = setup;
	worker->portraits = portraits;
	sp_detector_init(&worker->detector, setup->detector, &setup->detector_card,
			 &setup->outputs);
	worker->detector.options.precision = setup->precision;
	rc = sp_pixels_init(&worker->pixels);
	rc = rc ? rc : sp_scale_init(&worker->scale);
	rc = rc ? rc : sp_align_scratch_create(&worker->align);
	if (rc) {
		sp_err_set(err, rc, "inference: out of memory");
		goto err_destroy;
	}
	rc = make_executor(setup->embedder, setup->precision, setup->embedder_card.side,
			   setup->embedding_size, &worker->embedder, err);
	if (rc)
		goto err_destroy;
	rc = make_executor(setup->quality, setup->precision, setup->quality_card.side, 1,
			   &worker->quality, err);
	if (rc)
		goto err_destroy;
	/* A fixed size is made ready now, so that its trouble is told now. */
	if (setup->detect_width) {
		rc = sp_detector_prepare(&worker->detector, setup->detect_width,
					 setup->detect_height, &size, err);
		if (rc)
			goto err_destroy;
	}
	*ret_worker = worker;
	return 0;
err_destroy:
	sp_worker_destroy(worker);
	return rc;
}

void sp_worker_destroy(struct sp_worker *worker)
{
	if (!worker)
		return;
	sp_detector_uninit(&worker->detector);
	sp_executor_destroy(worker->quality);
	sp_executor_destroy(worker->embedder);
	sp_align_scratch_destroy(worker->align);
	sp_scale_uninit(&worker->scale);
	sp_pixels_uninit(&worker->pixels);
	free(worker);
}

/* Where in the frame the picture lies that has the face's landmarks at @points. 0 or -errno. */
static int place(const struct sp_face *face, const float points[5][2],
		 struct sp_similarity *ret_to_frame)
{
	struct sp_similarity to_points;
	int rc = sp_align_fit(face->landmark, points, &to_points);

	return rc ? rc : sp_align_invert(&to_points, ret_to_frame);
}

/* The face turned so that its landmarks lie at @points, into @rgb. 0 or -errno. */
static int warp(struct sp_worker *worker, const struct sp_face *face, const float points[5][2],
		uint8_t *rgb)
{
	struct sp_similarity to_frame;
	int rc = place(face, points, &to_frame);

	return rc ? rc : sp_align_warp(worker->align, &worker->pixels, &to_frame, rgb);
}

/*
 * What a network with @card looks at, into the input of @executor; worker->aligned is there
 * already. 0 or -errno.
 */
static int show_face(struct sp_worker *worker, const struct sp_face *face,
		     const struct sp_model_card *card, struct sp_executor *executor)
{
	const uint8_t *rgb = worker->aligned;
	int rc;

	if (memcmp(card->points, sp_align_template, sizeof(card->points))) {
		rc = warp(worker, face, card->points, worker->other);
		if (rc)
			return rc;
		rgb = worker->other;
	}
	sp_face_input(rgb, card->side, &card->input, sp_executor_input(executor));
	return 0;
}

/* The aligned picture, and what can be measured on it. 0 or -errno. */
static int align(struct sp_worker *worker, struct sp_face *face)
{
	const struct sp_model_card *card = &worker->setup->quality_card;
	float output;
	int rc = warp(worker, face, sp_align_template, worker->aligned);

	if (rc)
		return rc;
	sp_quality_from_aligned(worker->aligned, &face->quality);
	sp_quality_pose_errors(face->landmark, worker->setup->detector_card.landmark_error,
			       &face->quality);
	sp_quality_from_frame(face->landmark, worker->pixels.frame->width,
			      worker->pixels.frame->height, &face->quality);
	face->quality.detailed = 1;
	if (!worker->quality)
		return 0;
	rc = show_face(worker, face, card, worker->quality);
	rc = rc ? rc : sp_executor_run(worker->quality);
	if (rc)
		return rc;
	output = sp_executor_output(worker->quality, 0, NULL, NULL)[0];
	face->quality.network =
		sp_clamp((output - card->worst) / (card->best - card->worst), 0, 1);
	return 0;
}

static uint32_t judge(struct sp_worker *worker, struct sp_face *face, bool cut)
{
	const struct sp_frame *frame = worker->pixels.frame;
	struct sp_quality_place where = {
		.box = face->box,
		.width = frame->width,
		.height = frame->height,
		.network = worker->quality,
	};
	struct sp_similarity to_frame;
	bool placed = !place(face, sp_align_template, &to_frame);

	where.damaged = sp_quality_from_damage(frame, face->box,
					       placed ? &to_frame : NULL, &face->quality);
	face->quality.score = sp_quality_rank(&face->quality, where.network);
	return sp_quality_reasons(&face->quality, &worker->setup->limits, &where) |
	       (cut ? SP_FACE_CUT : 0);
}

/*
 * One face at a time: a batch of 8 takes a fifth to two fifths longer a face with MobileFaceNet, whose
 * activations then leave the nearer caches, and recommended files are made for one (docs/detection.md).
 */
static int embed(struct sp_worker *worker, struct sp_face *face)
{
	uint32_t n = worker->setup->embedding_size;
	const float *output;
	double square = 0;
	int rc;

	rc = show_face(worker, face, &worker->setup->embedder_card, worker->embedder);
	rc = rc ? rc : sp_executor_run(worker->embedder);
	if (rc)
		return rc;
	output = sp_executor_output(worker->embedder, 0, NULL, NULL);
	for (uint32_t i = 0; i < n; i++)
		square += (double)output[i] * (double)output[i];
	/* A vector without a direction is no template. */
	if (!(square > 0) || !isfinite(square))
		return 0;
	for (uint32_t i = 0; i < n; i++)
		face->embedding[i] = (float)((double)output[i] / sqrt(square));
	face->embedded = true;
	return 0;
}

static struct sp_portrait *take_portrait(struct sp_worker *worker, const float box[4])
{
	void *portrait = worker->spare_portrait;

	if (!portrait && !sp_ring_pop(worker->portraits, &portrait, 1))
		return NULL;
	worker->spare_portrait = portrait;
	/* A box that is wholly outside has no picture. */
	if (sp_portrait_take(&worker->scale, &worker->pixels, box, portrait))
		return NULL;
	worker->spare_portrait = NULL;
	return portrait;
}

static int look_at_face(struct sp_worker *worker, const struct sp_sighting *sighting,
			struct sp_face *face)
{
	int rc;

	memcpy(face->box, sighting->face.box, sizeof(face->box));
	memcpy(face->landmark, sighting->face.landmark, sizeof(face->landmark));
	face->score = sighting->face.score;
	memset(&face->quality, 0, sizeof(face->quality));
	face->embedded = false;
	face->portrait = NULL;
	sp_quality_from_landmarks(face->landmark, &face->quality);
	rc = align(worker, face);
	if (rc == -EIO)
		return rc;
	face->reasons = judge(worker, face, sighting->cut);
	if (rc)
		face->reasons |= SP_FACE_TURNED; /* five points in one place are no face to use */
	else if (worker->embedder && (!face->reasons || worker->setup->embed_invalid))
		rc = embed(worker, face);
	if (rc == -EIO)
		return rc;
	face->portrait = take_portrait(worker, face->box);
	return 0;
}

static const struct sp_tile_config *tiles_of(const struct sp_worker_setup *setup,
					     const struct sp_result *result)
{
	for (unsigned int i = 0; i < setup->cameras_n; i++)
		if (setup->cameras[i].lane == result->lane &&
		    setup->cameras[i].camera == result->camera)
			return &setup->cameras[i].tiles;
	return &setup->tiles;
}

/* Look @i at the frame. 0 or -errno with @err filled. */
static int detect(struct sp_worker *worker, unsigned int i, struct sp_err *err)
{
	const struct sp_frame *frame = worker->pixels.frame;
	const struct sp_fit *fit = &worker->looks[i];
	struct sp_detector *detector = &worker->detector;
	struct sp_detector_size *size;
	int n, rc;

	rc = sp_detector_prepare(detector, fit->input_width, fit->input_height, &size, err);
	if (rc)
		return rc;
	rc = sp_preprocess(&worker->scale, &worker->pixels, fit, &worker->setup->detector_card.input,
			   size->input);
	if (rc)
		return sp_err_set(err, rc, "frame: pixels cannot be read: %s", strerror(-rc));
	n = sp_detector_run(detector, size, worker->setup->score_min);
	if (n < 0)
		return sp_err_set(err, n, "detector: oneDNN failed");
	sp_sightings_add(&worker->sightings, detector->detections, (unsigned int)n, worker->looks, i,
			 frame->width, frame->height);
	return 0;
}

/* Faces found; or -errno with @err filled. */
static int look(struct sp_worker *worker, struct sp_result *result, struct sp_err *err)
{
	const struct sp_worker_setup *setup = worker->setup;
	struct sp_sightings *sightings = &worker->sightings;
	unsigned int looks_n;
	int rc = sp_tile_plan(tiles_of(setup, result), result->width, result->height,
			      setup->detect_width, setup->detect_height, worker->looks, &looks_n,
			      err);

	sightings->n = 0;
	for (unsigned int i = 0; !rc && i < looks_n; i++)
		rc = detect(worker, i, err);
	if (rc)
		return rc;
	sp_sightings_merge(sightings, worker->looks, setup->detector_card.overlap_max);
	for (unsigned int i = 0; i < sightings->n && i < SP_FACES_MAX; i++) {
		rc = look_at_face(worker, &sightings->of[i], &result->faces[i]);
		if (rc)
			return sp_err_set(err, rc, "embedder or quality network: oneDNN failed");
		result->faces_n++;
	}
	result->faces_dropped = sightings->n - result->faces_n;
	return 0;
}

void sp_worker_look(struct sp_worker *worker, struct sp_result *result)
{
	struct sp_err err = { "" };

	result->faces_n = result->faces_dropped = 0;
	result->error = sp_pixels_begin(&worker->pixels, result->frame);
	if (result->error) {
		result->cause = SP_RESULT_UNREADABLE;
		return;
	}
	result->error = look(worker, result, &err);
	result->cause = result->error ? SP_RESULT_FAILED : SP_RESULT_FACES;
	if (result->error && !worker->complained) {
		worker->complained = true;
		sp_log(SP_LOG_ERROR, "inference: stream %u: %s", result->stream, err.text);
	}
}
