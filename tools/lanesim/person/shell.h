/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Surfaces that lie over the head from the crown down: hair, hats, scarves. A grid whose columns
 * run like strands from a pole (the whorl) or a line (the parting) to the lower edge, and whose
 * texture has holes where the surface ends.
 */
#ifndef LANESIM_SHELL_H
#define LANESIM_SHELL_H

#include "lanesim/person/build.h"

enum { LANESIM_SHELL_ROWS = 56, LANESIM_SHELL_COLUMNS = 112 };

struct lanesim_shell_point {
	struct vec p; /* person space */
	float cover; /* > 0 where the surface is, in cm from its edge */
	float with_head; /* as lanesim_build.with_head */
	float sky; /* as lanesim_vertex.sky */
};

/* Of a shell's rows and columns, and over the canonical head; y < −12 means below the chin. */
struct lanesim_shell_place {
	float along, turn; /* from the pole, 0 … 1; about it, −½ … ½ with 0 in front */
	float angle, y;
};

/* Where the surface lies at a place. */
typedef void lanesim_shell_at(const void *data, const struct lanesim_shell_place *place,
			      struct lanesim_shell_point *ret);

struct lanesim_shell {
	/* Set by the caller: */
	float pole_x, pole_z; /* of the pole, radians from the crown to the left, the front */
	float line; /* half the length of the parting, radians; 0: a pole */
	float lowest; /* canonical y of the last row */
	uint32_t width, height; /* of the texture */
	/* Filled by lanesim_shell_shape: */
	uint32_t first; /* vertex: LANESIM_SHELL_ROWS × (LANESIM_SHELL_COLUMNS + 1), row by row */
	float cover[LANESIM_SHELL_ROWS][LANESIM_SHELL_COLUMNS + 1];
};

/* The head's skin with the shape of forehead, temples and cheeks on it; person space. */
struct vec lanesim_shell_ground(const struct lanesim_identity *identity, float angle, float y);

/* Adds vertices and their normals. */
void lanesim_shell_shape(struct lanesim_shell *shell, struct lanesim_build *build,
			 lanesim_shell_at *at, const void *data);

/*
 * Adds triangles where the surface comes within @margin (cm) of being and drops the other vertices,
 * which must be the mesh's last.
 */
void lanesim_shell_skin(const struct lanesim_shell *shell, struct lanesim_build *build,
			float margin, uint32_t surface);

/* The distance from the edge along row @y of the texture, one for each texel. */
void lanesim_shell_cover_row(const struct lanesim_shell *shell, uint32_t y, float *ret_cover);

/* A share 0 … 1 as a texel has it. */
static inline uint16_t lanesim_shell_share(float x)
{
	return (uint16_t)(x <= 0 ? 0 : x >= 1 ? 65535 : x * 65535 + 0.5f);
}

#endif
