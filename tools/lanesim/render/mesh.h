/* SPDX-License-Identifier: Apache-2.0 */
/* Triangles with a surface each: what people, vehicles and lanes are made of. */
#ifndef LANESIM_MESH_H
#define LANESIM_MESH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lanesim/render/vec.h"

enum {
	LANESIM_R,
	LANESIM_G,
	LANESIM_B,
	LANESIM_NIR, /* 850 nm, as a night camera sees it */
	LANESIM_BANDS,
	LANESIM_SURFACES_MAX = 64, /* a mesh */
	LANESIM_HOLE_BLOCK = 8,
};

/* Linear shares of 65535. */
struct lanesim_texel {
	uint16_t albedo[LANESIM_BANDS];
	uint16_t gloss;
	uint16_t cover; /* below one half the surface has a hole here */
};

/* Level 0 is width × height; each further level halves both (rounding up), down to 1 × 1. */
struct lanesim_texture {
	uint32_t width, height, levels;
	bool holes; /* there are some; found by lanesim_texture_reduce */
	/*
	 * Which blocks of LANESIM_HOLE_BLOCK² texels of level 0 have some, row by row. With texels.
	 */
	uint8_t *holed;
	struct lanesim_texel *texels; /* all levels, largest first; owned */
};

enum lanesim_shine {
	LANESIM_MATTE,
	LANESIM_SKIN, /* red light scatters below the surface and softens its shading */
	LANESIM_HAIR, /* u runs across the strands, v along: the highlight is a band */
	LANESIM_WET, /* eyes, lips, teeth: sharp highlights */
	LANESIM_POLISH, /* paintwork, plastic, metal: reflects the sky */
	LANESIM_CLEAR, /* glass: what is behind shines through, the sky is reflected */
};

struct lanesim_surface {
	enum lanesim_shine shine;
	float albedo[LANESIM_BANDS]; /* without a texture; CLEAR: what is let through */
	float gloss; /* 0 … 1, without a texture; CLEAR: how much of Fresnel's reflection is seen */
	const struct lanesim_texture *texture; /* or NULL; not owned */
	bool two_sided; /* else seen from outside only: vertices counterclockwise */
	bool no_shadow; /* casts none */
};

struct lanesim_vertex {
	struct vec p; /* cm */
	struct vec n; /* unit, outward */
	struct vec soft; /* unit: the normal of a smoothed surface, which scattered light sees */
	float u, v; /* in texels of level 0: the centre of the first texel is (0.5, 0.5) */
	float sky; /* share of its surroundings that is open, 0 … 1 (ambient occlusion) */
};

struct lanesim_triangle {
	uint32_t vertex[3]; /* counterclockwise from outside */
	uint32_t surface;
};

struct lanesim_mesh {
	struct lanesim_vertex *vertices;
	struct lanesim_triangle *triangles;
	uint32_t vertices_n, vertices_room, triangles_n, triangles_room, surfaces_n;
	struct lanesim_surface surfaces[LANESIM_SURFACES_MAX];
	bool failed; /* out of memory: nothing was added since, and the mesh is of no use */
};

void lanesim_mesh_init(struct lanesim_mesh *mesh);
void lanesim_mesh_uninit(struct lanesim_mesh *mesh);

/*
 * Each gives the index of the first that was added. When memory ends the mesh is marked failed and
 * 0 is returned; builders go on and their caller asks once, at the end. Indices that were never
 * added are an error of the caller's.
 */
uint32_t lanesim_mesh_add_surface(struct lanesim_mesh *mesh, const struct lanesim_surface *surface);
uint32_t lanesim_mesh_add_vertices(struct lanesim_mesh *mesh, uint32_t n); /* zeroed, sky 1 */
void lanesim_mesh_add_triangle(struct lanesim_mesh *mesh, uint32_t a, uint32_t b, uint32_t c,
			       uint32_t surface);

/*
 * Triangles of a grid of rows × columns vertices from @first, row by row. Rows run downwards and
 * columns counterclockwise seen from above (to the viewer's right on the side that faces him), so
 * that outside is in front; @inside_out turns that round. @closed: the last column meets the first.
 */
void lanesim_mesh_grid(struct lanesim_mesh *mesh, uint32_t first, uint32_t rows, uint32_t columns,
		       bool closed, bool inside_out, uint32_t surface);

/* Normals of such a grid from its positions, into n and soft. */
void lanesim_mesh_grid_normals(struct lanesim_mesh *mesh, uint32_t first, uint32_t rows,
			       uint32_t columns, bool closed, bool inside_out);

/* A round tube of radius @radius along @n ≥ 2 points; @closed joins its ends. */
void lanesim_mesh_tube(struct lanesim_mesh *mesh, const struct vec *points, uint32_t n,
		       float radius, bool closed, uint32_t surface);

/*
 * A flat quadrilateral a b c d, counterclockwise from outside, normals flat, u v (0, 0) … (1, 1).
 */
void lanesim_mesh_quad(struct lanesim_mesh *mesh, struct vec a, struct vec b, struct vec c,
		       struct vec d, uint32_t surface);

/* A box by its centre and half sizes, turned and moved by @place. */
void lanesim_mesh_box(struct lanesim_mesh *mesh, const struct rigid *place, struct vec half,
		      uint32_t surface);

/* Allocates all levels; 0 or -ENOMEM. Fill level 0, then make the others from it. */
int lanesim_texture_init(struct lanesim_texture *texture, uint32_t width, uint32_t height);
void lanesim_texture_reduce(struct lanesim_texture *texture);
void lanesim_texture_uninit(struct lanesim_texture *texture);

#endif
