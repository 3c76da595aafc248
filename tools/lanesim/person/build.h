/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a person are built with: head.c, ears.c, hair.c, torso.c, wear.c. */
#ifndef LANESIM_BUILD_H
#define LANESIM_BUILD_H

#include "lanesim/person/person.h"
#include "lanesim/person/rig.h"

enum { LANESIM_TEXTURES_MAX = 8 };

/*
 * A person under construction. Parts add vertices in person space, rest pose, and say for each how
 * far it goes with the head: 0 with the body … 1 with the head (long hair, the neck: in between).
 */
struct lanesim_build {
	const struct lanesim_identity *identity;
	const struct lanesim_wear *wear;
	struct lanesim_mesh mesh;
	float *with_head; /* a vertex of the mesh each */
	uint32_t with_head_room;
	struct lanesim_texture textures[LANESIM_TEXTURES_MAX]; /* owned; surfaces point here */
	uint32_t textures_n;
	struct lanesim_rig rig;
	bool failed; /* out of memory */
};

/* As lanesim_mesh_add_vertices, all of them going with the head by @with_head. */
uint32_t lanesim_build_vertices(struct lanesim_build *build, uint32_t n, float with_head);
/* An allocated texture of the build's, or NULL after a failure. */
struct lanesim_texture *lanesim_build_texture(struct lanesim_build *build, uint32_t width,
					      uint32_t height);

/*
 * The head without its features, as warped by the identity: where @angle (0 front, positive to the
 * person's left, ±π back) meets height @y of the canonical head (crown 11.4, brow 2, eyes 0,
 * mouth −7.3, chin −12). Person space. Hair, hats and masks lie on it.
 */
struct vec lanesim_head_skull(const struct lanesim_identity *identity, float angle, float y);
/* The face with all its features at canonical (@x, @y), |x| < 6, −11.5 < y < 9; person space. */
struct vec lanesim_head_face(const struct lanesim_identity *identity, float x, float y);

/* How far hair reaches: > 0 where the scalp at (@angle, @y) is under it, in cm from its edge. */
float lanesim_hair_mask(const struct lanesim_identity *identity, float angle, float y);

void lanesim_build_head(struct lanesim_build *build); /* skin, eyes, mouth; fills the rig */
void lanesim_build_ears(struct lanesim_build *build);
void lanesim_build_hair(struct lanesim_build *build); /* nothing under a scarf; flat under a hat */
void lanesim_build_torso(struct lanesim_build *build); /* neck, shoulders, clothes */
void lanesim_build_wear(struct lanesim_build *build); /* spectacles, hat, scarf, mask */

/* The colour of skin of a melanin share (0 … 1), linear. Shared by face, ears and neck. */
void lanesim_skin_tone(float melanin, float ret_albedo[LANESIM_BANDS]);

#endif
