/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lane: results in, encounters out. Pure: time and random bits are handed in.
 *
 * Results of a lane's cameras arrive in any order; the lane takes them in order of exposure, up to
 * a watermark: the earliest of the latest exposures of its live cameras, or `deadline_ns` behind
 * now where a camera is silent. So a replay decides the same.
 */
#ifndef SP_LANE_LANE_H
#define SP_LANE_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/stats.h"
#include "lane/encounter.h"

struct sp_err;
struct sp_lane;
struct sp_result;

/*
 * Results that may wait for sp_lane_take_done. Each push, and each result of the backlog that
 * advance or flush takes, adds one: the caller takes them back before they are too many.
 */
enum { SP_LANE_DONE_MAX = 4096 };

struct sp_lane_config {
	char name[SP_NAME_MAX];
	char purpose[SP_NAME_MAX];
	unsigned int cameras;	/* numbered 0 … cameras - 1 in results */
	uint64_t gap_ns;	/* an encounter ends when no face was seen for this long */
	uint64_t max_ns;	/* … or when it has lasted this long */
	uint64_t deadline_ns;	/* how long a silent camera may hold the others back */
	unsigned int backlog;	/* results that may wait for the watermark */
	float same_similarity;	/* cosine from which two faces are one person's */
	float same_overlap;	/* IoU from which faces of consecutive frames of a camera are */
	bool keep_invalid;	/* keep a best shot that is not valid (with its reasons) */
	bool persist_unmatched; /* keep image and template of people without a match */
	int jpeg_quality;
	uint8_t embedder_id[SP_MODEL_ID_SIZE];
	uint32_t embedding_size;
	uint64_t seed;		/* of the encounter ids' random bits */
};

struct sp_lane_counters {
	uint64_t results, tombstones, faces, valid_faces;
	uint64_t encounters, occupants;
	uint64_t out_of_order;	  /* came after the watermark had passed them; taken at once */
	uint64_t backlog_full;	  /* the watermark was pushed on for want of room */
	uint64_t no_memory;	  /* encounters or portraits given up for want of it */
};

extern const struct sp_counter sp_lane_counter_table[];
extern const size_t sp_lane_counter_table_n;

/* 0, or -EINVAL, -ENOMEM with @err filled. */
int sp_lane_create(const struct sp_lane_config *config, struct sp_lane **ret_lane,
		   struct sp_err *err);
/* After sp_lane_flush and sp_lane_take_done: the lane gives no result back here. */
void sp_lane_destroy(struct sp_lane *lane);

/*
 * Takes a result over. sp_lane_advance has run once before, so that the lane knows the time. Those
 * that the lane is done with come back through sp_lane_take_done, so that the caller can put them
 * to the backend.
 */
void sp_lane_push(struct sp_lane *lane, struct sp_result *result);

/* Moves the watermark, opens and closes encounters. @utc_ns is the wall time at @now_ns. */
void sp_lane_advance(struct sp_lane *lane, uint64_t now_ns, uint64_t utc_ns);

/* Results that are done with; returns how many. */
unsigned int sp_lane_take_done(struct sp_lane *lane, struct sp_result **results, unsigned int max);

/*
 * Opens an encounter (or prolongs the open one) without a face. It takes its place among the
 * results by its time, so the encounter begins when the watermark comes to @now_ns.
 */
void sp_lane_trigger(struct sp_lane *lane, uint64_t now_ns, uint64_t utc_ns);

/* Takes every waiting result and closes the open encounter: at shutdown, or on `lanes close`. */
void sp_lane_flush(struct sp_lane *lane, uint64_t now_ns, uint64_t utc_ns);

/*
 * The oldest closed encounter, or NULL. The caller clears and frees it with sp_lane_free_encounter.
 */
struct sp_encounter *sp_lane_take_encounter(struct sp_lane *lane);
void sp_lane_free_encounter(struct sp_encounter *encounter);

/* True while an encounter is open, or about to be by a trigger. */
bool sp_lane_is_open(const struct sp_lane *lane);

const struct sp_lane_counters *sp_lane_counters(const struct sp_lane *lane);

#endif
