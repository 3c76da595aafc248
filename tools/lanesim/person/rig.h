/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What moves in a face: which vertices, and how far at full expression. (head.c, morph.c, eyes.c,
 * mouth.c)
 */
#ifndef LANESIM_RIG_H
#define LANESIM_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "lanesim/person/person.h"

struct lanesim_build;

enum lanesim_morph { LANESIM_SMILE, LANESIM_OPEN, LANESIM_BROW, LANESIM_BLINK, LANESIM_MORPHS };

enum {
	LANESIM_HEAD_COLUMNS = 152, /* and one more: the seam at the back has two sides */
	LANESIM_HEAD_ROWS_MAX = 176,
	LANESIM_HEAD_ACROSS = LANESIM_HEAD_COLUMNS + 1,
	LANESIM_TEXELS_ACROSS = 3, /* a column */
	LANESIM_TEXELS_DOWN = 2, /* a row */
	LANESIM_MOUTH_ROWS = 7,
	LANESIM_EYE_RINGS = 14,
	LANESIM_EYE_SPOKES = 28,
};

/* A point of the head's grid between four of its vertices. */
struct lanesim_spot {
	uint32_t vertex[4];
	float share[4];
};

struct lanesim_rig {
	/*
	 * The head's skin: a grid of rows × LANESIM_HEAD_ACROSS vertices, and where it is
	 * canonically.
	 */
	uint32_t head, rows;
	float y[LANESIM_HEAD_ROWS_MAX]; /* of each row */
	float angle[LANESIM_HEAD_ACROSS]; /* of each column */
	float *x, *z; /* of each vertex, without features */
	uint32_t lip_row; /* the lips' inner edges are this row and the next */
	uint32_t lip_first, lip_n; /* columns between the corners of the mouth */
	struct vec *morph[LANESIM_MORPHS]; /* a vertex each, person space */
	uint32_t mouth; /* grid of LANESIM_MOUTH_ROWS × lip_n vertices */
	uint32_t eye[2]; /* right, left: discs of rings × spokes vertices */
	struct vec eye_centre[2]; /* of the balls */
	struct vec rim_centre[2], rim_across[2]; /* of the flesh around them */
	float eye_radius, lid_upper, lid_lower; /* cm */
	struct lanesim_spot nose, corner[2], probe[LANESIM_PROBES], outline[8];
};

void lanesim_rig_uninit(struct lanesim_rig *rig);

/* head.c: the grid, its paint and its marks. */
void lanesim_head_build(struct lanesim_build *build, struct lanesim_rig *rig);
/* morph.c: fills rig->morph. 0 or -ENOMEM. */
int lanesim_morph_build(const struct lanesim_identity *identity, struct lanesim_rig *rig);
/* Moves the head's vertices of @mesh, a copy of @rest, by the pose's expression. */
void lanesim_morph_apply(const struct lanesim_rig *rig, const struct lanesim_pose *pose,
			 const struct lanesim_mesh *rest, struct lanesim_mesh *mesh);
/* eyes.c */
void lanesim_eyes_build(struct lanesim_build *build, struct lanesim_rig *rig);
void lanesim_eyes_pose(const struct lanesim_rig *rig, const struct lanesim_pose *pose,
		       struct lanesim_mesh *mesh);
/* mouth.c: after the head's vertices have moved. */
void lanesim_mouth_build(struct lanesim_build *build, struct lanesim_rig *rig);
void lanesim_mouth_pose(const struct lanesim_rig *rig, const struct lanesim_pose *pose,
			struct lanesim_mesh *mesh);

#endif
