/* SPDX-License-Identifier: Apache-2.0 */
/* The best shot of a person so far: figures, template and portrait, in memory taken at start. */
#ifndef SP_LANE_BESTSHOT_H
#define SP_LANE_BESTSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "infer/compute.h"

struct sp_err;
struct sp_occupant;

struct sp_best_shot {
	bool any;
	struct sp_face face;	      /* its portrait is this shot's own, or NULL */
	struct sp_portrait *portrait; /* room for one; NULL where images may not be kept */
	uint16_t camera;
	uint64_t block_id, device_ticks, exposure_ns;
};

/* @with_portrait: take room for pixels too. 0 or -ENOMEM. */
int sp_best_shot_init(struct sp_best_shot *shot, bool with_portrait);
void sp_best_shot_uninit(struct sp_best_shot *shot);

/*
 * Keeps @face of @result if it is better: a valid one before one that is not, then one with a
 * portrait (where portraits are kept) before one without, then by quality.score. The first of
 * equals stays.
 */
void sp_best_shot_offer(struct sp_best_shot *shot, const struct sp_result *result,
			const struct sp_face *face);

/* The same rule between two shots. */
bool sp_best_shot_is_better(const struct sp_best_shot *a, const struct sp_best_shot *b);

/* Forgets the shot; image and template are overwritten. */
void sp_best_shot_clear(struct sp_best_shot *shot);

/*
 * Writes the shot into @occupant: figures always; box, landmarks, template (of @embedding_size
 * floats) and JPEG only with @keep. 0, or -ENOMEM, -EIO with the occupant whole but for its JPEG.
 */
int sp_best_shot_record(const struct sp_best_shot *shot, bool keep, uint32_t embedding_size,
			int jpeg_quality, struct sp_occupant *occupant, struct sp_err *err);

#endif
