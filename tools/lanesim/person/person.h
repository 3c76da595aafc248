/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A person to be seen: head, hair, upper body, built once from an identity and what is worn today,
 * then posed any number of times.
 *
 * Person space is the rest pose's: its origin lies midway between the eyes, the person looks along
 * +z, +x is the person's left (the viewer's right).
 */
#ifndef LANESIM_PERSON_H
#define LANESIM_PERSON_H

#include <stdbool.h>
#include <stdint.h>

#include "lanesim/person/identity.h"
#include "lanesim/render/mesh.h"

enum { LANESIM_LANDMARKS = 5, LANESIM_PROBES = 40 };

enum lanesim_hat {
	LANESIM_HAT_NONE,
	LANESIM_HAT_CAP,
	LANESIM_HAT_BEANIE,
	LANESIM_HAT_SCARF,
	LANESIM_HATS
};

/* What a person wears today; spectacles belong to the identity. */
struct lanesim_wear {
	enum lanesim_hat hat;
	float hat_albedo[LANESIM_BANDS];
	bool mask; /* over mouth and nose */
	float mask_albedo[LANESIM_BANDS];
	bool sunglasses; /* in place of spectacles */
	float cloth_albedo[LANESIM_BANDS];
	float collar; /* 0 none … 1: a shirt's collar */
	uint64_t seed; /* of the cloth's pattern */
};

/*
 * Drawn from the person and the day. Its hat, mask and sunglasses come at chances of its own:
 * people who are met are dressed by lanesim_dress, which takes clothes alone from here.
 */
void lanesim_wear_draw(struct lanesim_wear *wear, const struct lanesim_identity *identity,
		       uint64_t day);

/*
 * What a person is met with on @day: clothes, and by chance a hat or scarf, sunglasses, a mask;
 * @share scales these chances: 0 none, 1 as on the road.
 */
void lanesim_dress(const struct lanesim_identity *identity, uint64_t day, float share,
		   struct lanesim_wear *ret_wear);

/*
 * Angles in radians. Yaw turns to the person's left, pitch looks up, roll leans to the right ear.
 */
struct lanesim_pose {
	float yaw, pitch, roll;
	float gaze_x, gaze_y; /* of the eyes in the head: tangents, left and up */
	float smile; /* 0 … 1 */
	float open; /* the mouth, 0 … 1 */
	float brow; /* raised, −1 … 1 */
	float blink; /* 0 eyes open … 1 shut */
	float lean_x, lean_z; /* of the body, radians: to its left, forward */
};

struct lanesim_person; /* immutable: any number of threads may pose it */

/* Takes copies of what it is given. 0 or -ENOMEM. */
int lanesim_person_create(const struct lanesim_identity *identity, const struct lanesim_wear *wear,
			  struct lanesim_person **ret_person);
void lanesim_person_destroy(struct lanesim_person *person);

/* Of a posed person, in person space. */
struct lanesim_marks {
	/* Right eye, left eye (the person's), nose tip, right and left mouth corner. */
	struct vec landmark[LANESIM_LANDMARKS];
	struct vec probe[LANESIM_PROBES]; /* spread over the face: their visibility is the face's */
	/* Chin, jaw, cheeks, temples, brow: their bounds are the face's box. */
	struct vec outline[8];
	struct vec facing; /* unit, where the face looks */
};

/*
 * @mesh (initialised, reused from pose to pose) gets the posed person; its surfaces point to the
 * person's textures. @ret_marks may be NULL. 0 or -ENOMEM.
 */
int lanesim_person_pose(const struct lanesim_person *person, const struct lanesim_pose *pose,
			struct lanesim_mesh *mesh, struct lanesim_marks *ret_marks);

#endif
