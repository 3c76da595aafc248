/* SPDX-License-Identifier: Apache-2.0 */
/* The body below the head, which hair and scarves fall on. */
#ifndef LANESIM_TORSO_H
#define LANESIM_TORSO_H

#include "lanesim/person/build.h"

struct lanesim_torso {
	float scale; /* of lengths: 1 an adult's */
	float neck, shoulder; /* factors of widths */
	float z; /* of the axis between the ears */
};

void lanesim_torso_init(struct lanesim_torso *torso, const struct lanesim_identity *identity);

/*
 * Neck, shoulders and chest without the arms: the point at height @y (person space) and @angle
 * about the section's centre (0 front, positive to the person's left), @out cm outside the skin.
 */
struct vec lanesim_torso_point(const struct lanesim_torso *torso, float angle, float y, float out);

/* How far the neck goes with the head at height @y: 0 … 1. */
float lanesim_torso_with_head(const struct lanesim_torso *torso, float y);

#endif
