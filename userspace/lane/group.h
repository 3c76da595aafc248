/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which faces of an encounter are one person's.
 *
 * Evidence is overlap with where the person was in the camera's last frames, and the cosine of the
 * face's template to the person's: the quality-weighted mean of its faces' templates, which is
 * steadier than any one of them. Either joins; overlap does not where the templates plainly differ.
 * Two faces of one frame are never one person. People who turn out to be the same later (met by two
 * cameras, say) are merged.
 */
#ifndef SP_LANE_GROUP_H
#define SP_LANE_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "lane/bestshot.h"
#include "lane/encounter.h"

enum {
	/* Looked-at frames of a camera in which a face may be missed and still go on by overlap. */
	SP_GROUP_MISSES_MAX = 2,
};

/* Where a camera saw a person last. */
struct sp_track {
	uint64_t frame; /* number of the camera's frame, from 1; 0: never */
	float box[4];
};

struct sp_person {
	uint32_t slot;	    /* this person's bit in `apart` of others */
	uint32_t apart;	    /* people who were seen in one frame with this one: a bit a slot */
	uint32_t shots, valid_shots;
	bool has_template;
	float sum[SP_EMBEDDING_MAX];	  /* of quality × template */
	float mean[SP_EMBEDDING_MAX];	  /* the sum, L2-normalised */
	struct sp_best_shot best;
	struct sp_track *tracks; /* one a camera */
};

struct sp_group {
	float same_similarity, same_overlap;
	uint32_t embedding_size;
	unsigned int cameras;
	uint64_t *frames; /* looked at, a camera */
	unsigned int n;
	uint32_t dropped; /* most faces of one frame that found no room */
	/* The first n in order of appearance, then the free. */
	struct sp_person *people[SP_OCCUPANTS_MAX];
	struct sp_person *memory;
	struct sp_track *tracks;
};

/* @with_portraits: best shots keep pixels. 0 or -ENOMEM. */
int sp_group_init(struct sp_group *group, unsigned int cameras, uint32_t embedding_size,
		  float same_similarity, float same_overlap, bool with_portraits);
void sp_group_uninit(struct sp_group *group);

/* Sorts the faces of @result into people. No allocation. */
void sp_group_add(struct sp_group *group, const struct sp_result *result);

/* Joins people whose templates say that they are one. */
void sp_group_merge(struct sp_group *group);

/* Forgets everyone; images and templates are overwritten. */
void sp_group_clear(struct sp_group *group);

#endif
