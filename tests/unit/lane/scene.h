/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up results for the lane's tests: people are random unit vectors, portraits plain colours. */
#ifndef SP_TESTS_LANE_SCENE_H
#define SP_TESTS_LANE_SCENE_H

#include <math.h>

#include "base/clock.h"
#include "base/diag.h"
#include "infer/compute.h"
#include "lane/lane.h"
#include "test.h"

enum { SIZE = 128 };

#define MS SP_NS_PER_MS
#define UTC_LESS_NOW 1700000000000000000ull

static inline uint64_t scene_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	return x ^ x >> 31;
}

/* -1 … 1 */
static inline float scene_uniform(uint64_t *state)
{
	return (float)(scene_random(state) >> 40) / 8388608.0f - 1;
}

/* The template of @person in a shot: @noise 0 is the person's own vector, 1 shares about half. */
static inline void scene_embed(float *embedding, uint64_t person, uint64_t shot, float noise)
{
	uint64_t who = person * 1000003, when = shot * 7919 + person;
	double norm = 0;

	for (int i = 0; i < SIZE; i++) {
		embedding[i] = scene_uniform(&who) + noise * scene_uniform(&when);
		norm += (double)embedding[i] * embedding[i];
	}
	for (int i = 0; i < SIZE; i++)
		embedding[i] /= (float)sqrt(norm);
}

static inline struct sp_result *scene_result(uint16_t camera, uint64_t block, uint64_t exposure_ns)
{
	struct sp_result *result = calloc(1, sizeof(*result));

	if (!result)
		abort();
	result->camera = camera;
	result->block_id = block;
	result->exposure_ns = exposure_ns;
	result->device_ticks = exposure_ns / 8;
	return result;
}

/* A valid face with a template at (x, 100), 80 × 100 pixels. */
static inline struct sp_face *scene_face(struct sp_result *result, uint64_t person, float x,
					 float quality)
{
	struct sp_face *face = &result->faces[result->faces_n++];

	for (int i = 0; i < 5; i++)
		face->landmark[i][0] = face->landmark[i][1] = 1 + (float)i;
	face->box[0] = x;
	face->box[1] = 100;
	face->box[2] = 80;
	face->box[3] = 100;
	face->score = 0.9f;
	face->quality.score = quality;
	face->embedded = true;
	scene_embed(face->embedding, person, result->block_id * 16 + result->camera, 0.4f);
	return face;
}

static inline void scene_portrait(struct sp_face *face, uint8_t grey)
{
	face->portrait = calloc(1, sizeof(*face->portrait));
	face->portrait->width = 24;
	face->portrait->height = 32;
	memset(face->portrait->rgb, grey, 24 * 32 * 3);
}

static inline void scene_free(struct sp_result *result)
{
	for (unsigned int i = 0; i < result->faces_n; i++)
		free(result->faces[i].portrait);
	free(result);
}

static inline struct sp_lane_config scene_config(unsigned int cameras)
{
	return (struct sp_lane_config){
		.name = "north 1",
		.purpose = "test",
		.cameras = cameras,
		.gap_ns = 1000 * MS,
		.max_ns = 60000 * MS,
		.deadline_ns = 500 * MS,
		.backlog = 256,
		.same_similarity = 0.45f,
		.same_overlap = 0.3f,
		.persist_unmatched = true,
		.jpeg_quality = 90,
		.embedder_id = { 1, 2, 3 },
		.embedding_size = SIZE,
		.seed = 42,
	};
}

static inline struct sp_lane *scene_lane(const struct sp_lane_config *config)
{
	struct sp_err err = { "" };
	struct sp_lane *lane;

	if (sp_lane_create(config, &lane, &err))
		FAIL("%s", err.text);
	return lane;
}

static inline void scene_advance(struct sp_lane *lane, uint64_t now_ns)
{
	sp_lane_advance(lane, now_ns, now_ns + UTC_LESS_NOW);
}

/* Frees what is done; returns how many. */
static inline unsigned int scene_drain(struct sp_lane *lane)
{
	struct sp_result *results[64];
	unsigned int n, total = 0;

	while ((n = sp_lane_take_done(lane, results, 64))) {
		for (unsigned int i = 0; i < n; i++)
			scene_free(results[i]);
		total += n;
	}
	return total;
}

#endif
