/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one thread needs to turn frames into faces: executors, lines of pixels, and a ring of empty
 * portraits. A frame costs no allocation of ours once its size has been met (see
 * infer/cpu/detector.h).
 */
#ifndef SP_INFER_CPU_WORKER_H
#define SP_INFER_CPU_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "infer/compute.h"
#include "infer/detect_outputs.h"
#include "infer/model_card.h"

struct sp_err;
struct sp_model;
struct sp_ring;
struct sp_worker;

/* The same for all workers; outlives them. */
struct sp_worker_setup {
	const struct sp_model *detector, *embedder, *quality; /* the last two may be NULL */
	struct sp_model_card detector_card, embedder_card, quality_card;
	struct sp_detect_outputs outputs; /* of the detector */
	uint32_t detect_width, detect_height; /* 0: the frame's own size */
	struct sp_tile_config tiles; /* of all cameras but these */
	const struct sp_compute_camera *cameras;
	unsigned int cameras_n;
	enum sp_precision precision;
	uint32_t embedding_size;
	float score_min;
	struct sp_quality_limits limits;
	bool embed_invalid;
};

/* @portraits: the worker is its one consumer. 0 or -errno with @err filled. */
int sp_worker_create(const struct sp_worker_setup *setup, struct sp_ring *portraits,
		     struct sp_worker **ret_worker, struct sp_err *err);
void sp_worker_destroy(struct sp_worker *worker);

/* Looks at result->frame and fills in what came of it, from `cause` on but for the times. */
void sp_worker_look(struct sp_worker *worker, struct sp_result *result);

#endif
