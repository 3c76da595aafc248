/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a lane's cameras see: a vehicle with its occupants behind glass, an empty vehicle, an empty
 * lane; and the truth about it.
 *
 * World space: the vehicle stands on y = 0 and looks along +z; x = 0 is its middle, +x its left.
 */
#ifndef LANESIM_SCENE_H
#define LANESIM_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "lanesim/person/person.h"
#include "lanesim/render/sensor.h"

struct sp_image;

enum { LANESIM_SEATS = 7, LANESIM_OCCUPANTS_MAX = 6 };

/* Where a camera stands. */
enum lanesim_post {
	LANESIM_WINDSHIELD_LEFT,
	LANESIM_WINDSHIELD_RIGHT,
	LANESIM_SIDE_LEFT,
	LANESIM_SIDE_RIGHT,
	LANESIM_POSTS,
};

const char *lanesim_post_name(enum lanesim_post post);

/* One face of one picture, in its pixels; centres at .5. */
struct lanesim_truth {
	uint64_t identity; /* seed */
	int seat; /* 0 driver, 1 beside, 2 … 4 second row, 5, 6 third */
	float box[4]; /* x, y, width, height */
	float landmark[LANESIM_LANDMARKS][2];
	bool landmark_visible[LANESIM_LANDMARKS];
	float visibility; /* share of the face that is seen, 0 … 1 */
	float eye_distance; /* pixels, were the face to look at the camera */
	float yaw, pitch, roll; /* degrees, towards this camera */
	bool mask, sunglasses;
};

struct lanesim_scene_config {
	uint64_t seed; /* of the vehicle, its light and its people */
	/* Seeds of people to seat, in order; NULL: drawn from the seed. */
	const uint64_t *identities;
	uint32_t identities_n;
	int occupants; /* −1: drawn (1 … 6, mostly few); 0: an empty vehicle */
	bool no_vehicle; /* an empty lane */
	bool night; /* near infrared */
	bool plain; /* no masks, sunglasses, tint or hard occlusion: for demonstrations */
};

struct lanesim_scene;

/* Immutable once made: any number of threads may look at it, each with its own eye. */
int lanesim_scene_create(const struct lanesim_scene_config *config,
			 struct lanesim_scene **ret_scene);
void lanesim_scene_destroy(struct lanesim_scene *scene);
uint32_t lanesim_scene_occupants(const struct lanesim_scene *scene);
uint64_t lanesim_scene_identity(const struct lanesim_scene *scene, uint32_t occupant);
int lanesim_scene_seat(const struct lanesim_scene *scene, uint32_t occupant);

/* Renderer, film and meshes of one thread. */
struct lanesim_eye;
int lanesim_eye_create(struct lanesim_eye **ret_eye);
void lanesim_eye_destroy(struct lanesim_eye *eye);

/*
 * The picture of the camera at @post, @image->width × height (initialised by the caller), @seconds
 * after the vehicle came to a stand (heads, gaze and reflections move). @truths has room for
 * LANESIM_OCCUPANTS_MAX; faces outside the picture or looking away are left out. 0 or -ENOMEM.
 */
int lanesim_scene_look(const struct lanesim_scene *scene, struct lanesim_eye *eye,
		       enum lanesim_post post, float seconds, struct sp_image *image,
		       struct lanesim_truth *truths, uint32_t *ret_truths_n);

/* {"identity":…, "seat":…, "box":[…], …}; a new reference. */
json_t *lanesim_truth_json(const struct lanesim_truth *truth);
/* An array of those; NULL without memory. */
json_t *lanesim_truths_json(const struct lanesim_truth *truths, uint32_t n);

#endif
