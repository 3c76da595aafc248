/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A person before a plain background: document portraits, and heads at will for tests and training.
 */
#ifndef LANESIM_PORTRAIT_H
#define LANESIM_PORTRAIT_H

#include "lanesim/scene/scene.h"

/* How a head is photographed. */
struct lanesim_shot {
	struct lanesim_pose pose;
	float eye_distance; /* pixels, were the face to look at the camera */
	float distance; /* of the camera, cm */
	float x, y; /* where the eyes' midpoint is in rest, as shares of the picture */
	struct vec key; /* unit, towards the light */
	float key_power, fill_power, ambient;
	float warm; /* of the key light, −1 … 1 */
	float background[LANESIM_BANDS];
	float clutter; /* of the background: 0 plain … 1 */
	struct lanesim_sensor sensor;
	uint64_t seed;
};

/* Frontal, neutral, evenly lit, plain background: a document's photograph. */
void lanesim_shot_document(struct lanesim_shot *shot, uint64_t seed);
/* Anything a camera in a lane meets: turned up to @yaw_max radians, lit and blurred at will. */
void lanesim_shot_draw(struct lanesim_shot *shot, float yaw_max, uint64_t seed);
/* The same without extremes of light, blur, noise and pose: a well-placed camera by day. */
void lanesim_shot_fair(struct lanesim_shot *shot, float yaw_max, uint64_t seed);

/* @image is initialised by the caller. @ret_truth may be NULL. 0 or -ENOMEM. */
int lanesim_portrait(const struct lanesim_person *person, const struct lanesim_shot *shot,
		     struct lanesim_eye *eye, struct sp_image *image,
		     struct lanesim_truth *ret_truth);

#endif
