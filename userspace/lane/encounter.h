/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a lane makes of its results: an encounter is one vehicle's stop, its occupants are the
 * people whose faces were seen, each with the best shot of them.
 */
#ifndef SP_LANE_ENCOUNTER_H
#define SP_LANE_ENCOUNTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/compute.h"

enum {
	SP_OCCUPANTS_MAX = 16, /* an encounter */
	SP_NAME_MAX = 64,      /* lane names, purposes; bytes with the NUL */
};

/* Time-ordered: 48 bits of UTC milliseconds, then random bits (the shape of a version 7 UUID). */
struct sp_encounter_id {
	uint8_t bytes[16];
};

enum { SP_ENCOUNTER_ID_TEXT = 37 };

/* @random: 10 random bytes. */
struct sp_encounter_id sp_encounter_id_make(uint64_t utc_ns, const uint8_t *random);
/* "0193a5c0-…", 36 characters and the NUL. Returns @text. */
char *sp_encounter_id_format(const struct sp_encounter_id *id, char text[SP_ENCOUNTER_ID_TEXT]);
/* 0 or -EINVAL. */
int sp_encounter_id_parse(const char *text, struct sp_encounter_id *ret_id);

/* Nothing here ever decides against a person. */
enum sp_decision {
	SP_NO_DECISION,
	SP_MATCH,
	SP_REFER, /* to an officer */
};

struct sp_occupant {
	uint32_t shots;		/* faces that were grouped into this person */
	uint32_t valid_shots;
	uint16_t camera;	/* of the best shot, like all below */
	uint64_t block_id, device_ticks;
	uint64_t seen_utc_ns;
	float box[4]; /* these two are 0 if the image was not to be kept */
	float landmark[5][2];
	float score;
	struct sp_quality quality;
	uint32_t reasons;
	enum sp_decision decision;
	uint32_t embedding_size; /* floats; 0: none */
	float embedding[SP_EMBEDDING_MAX];
	uint32_t jpeg_size;
	/* Owned by the encounter; NULL if policy or a lack of portraits forbids it. */
	uint8_t *jpeg;
	uint32_t jpeg_width, jpeg_height;
};

struct sp_encounter {
	struct sp_encounter_id id;
	char lane[SP_NAME_MAX];
	char purpose[SP_NAME_MAX];
	uint8_t embedder_id[SP_MODEL_ID_SIZE];
	uint64_t begin_utc_ns, end_utc_ns;
	uint64_t begin_ns, end_ns; /* CLOCK_MONOTONIC */
	bool triggered;		   /* opened by a trigger, not by a face */
	uint32_t frames;	   /* results with cause `faces` */
	uint32_t tombstones;
	uint32_t occupants_n, occupants_dropped;
	struct sp_occupant occupants[SP_OCCUPANTS_MAX];
};

/* Wipes faces and templates from memory, frees the JPEGs. */
void sp_encounter_clear(struct sp_encounter *encounter);

#endif
