/* SPDX-License-Identifier: Apache-2.0 */
/* How the faces that several looks at one frame found become one list, each face in it once. Pure. */
#ifndef SP_INFER_SIGHTING_H
#define SP_INFER_SIGHTING_H

#include <stdbool.h>
#include <stdint.h>

#include "infer/detect.h"

struct sp_fit;

struct sp_sighting {
	struct sp_detection face; /* in pixels of the frame */
	unsigned int look; /* which look found it */
	bool cut; /* it reaches a border of the look beyond which the frame goes on */
};

struct sp_sightings {
	unsigned int n;
	/* Of more, the weakest are lost. */
	struct sp_sighting of[SP_DETECTIONS_MAX];
};

/*
 * Adds what a detector found, in pixels of its input, on look @look of @looks at a frame of @width ×
 * @height.
 */
void sp_sightings_add(struct sp_sightings *sightings, const struct sp_detection *detections,
		      unsigned int n, const struct sp_fit *looks, unsigned int look, uint32_t width,
		      uint32_t height);

/*
 * Leaves one of each face, those first that are not cut, then by score, best first, equal ones in
 * the order of looks and cells. What one look found is left alone: its detector has suppressed its
 * own doubles. Of two looks:
 *
 * - boxes that overlap by more than @overlap_max (intersection over union) are one face: the first
 *   in that order stays;
 * - a box that mostly lies in a larger one is a part of that face if its look did not see all of
 *   the larger one, and goes. If it did, its detector knew both, and both stay: a child in front of
 *   its mother.
 */
void sp_sightings_merge(struct sp_sightings *sightings, const struct sp_fit *looks,
			float overlap_max);

#endif
