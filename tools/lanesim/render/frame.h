/* SPDX-License-Identifier: Apache-2.0 */
/* What geometry.c, shadow.c, fragment.c, render.c and kernel/ share of one picture. */
#ifndef LANESIM_FRAME_H
#define LANESIM_FRAME_H

#include "lanesim/render/render.h"

enum {
	LANESIM_LANES = 16, /* samples of a tile: what one step of the rasteriser covers */
	LANESIM_PIXEL_SAMPLES = 4,
	LANESIM_TILE_PIXELS = 2, /* a tile is 2 × 2 pixels of 4 samples each */
	LANESIM_LEVELS_MAX = 16,
};

/* A vertex on a plane of projection. */
struct lanesim_corner {
	float x, y; /* pixels, y downwards */
	float nearness; /* what is linear on the plane and grows towards the viewer: 1 / depth */
};

/* A triangle that may be seen, its corners clockwise with y downwards. */
struct lanesim_face {
	uint32_t corner[3];
	uint32_t material : 31;
	uint32_t back : 1; /* seen from behind (two-sided surfaces) */
};

struct lanesim_level {
	const struct lanesim_texel *texels;
	uint32_t width, height;
};

/* A plane of projection. Its axes: x right, y up, z towards the viewer. */
struct lanesim_plane {
	struct rigid place; /* world → the plane's axes */
	/* pixel = cx + scale × x, cy − scale × y, over depth if not parallel */
	float scale, cx, cy;
	bool parallel; /* nearness is z, not 1 / depth */
	float width, height; /* pixels */
	float samples; /* a pixel's, along x and along y, evenly spaced on either axis */
};

/* What the key light sees. Square. */
struct lanesim_shadow {
	struct lanesim_plane plane;
	uint32_t side; /* texels */
	float *nearness; /* cm towards the light; rows */
};

/* A surface of an object, with all that shading asks. Directions and points in the mesh's space. */
struct lanesim_material {
	const struct lanesim_surface *surface;
	const struct lanesim_vertex *vertices; /* of the mesh */
	uint32_t first; /* corner of vertices[0] */
	uint16_t id;
	bool holes;
	struct vec key, fill, up, eye;
	struct rigid place; /* mesh → world */
	struct rigid shadow_place; /* mesh → texels (x, y) and cm (z) of @shadow; not orthonormal */
	const struct lanesim_shadow *shadow; /* or NULL: nothing casts any */
	uint32_t levels_n;
	struct lanesim_level levels[LANESIM_LEVELS_MAX]; /* of its texture, if it has one */
};

/* Everything projected on one plane. */
struct lanesim_faces {
	struct lanesim_corner *corners; /* the objects' vertices in turn, then those of clipping */
	struct lanesim_face *faces;
	struct lanesim_vertex *clipped; /* vertices where the near plane cuts triangles */
	uint32_t corners_n, faces_n, clipped_n;
	uint32_t corners_room, faces_room, clipped_room;
	uint32_t clipped_first; /* corner of clipped[0] */
	uint32_t *reach; /* bands that each face touches: the first, and << 16 the last */
	uint32_t reach_room;
	const struct lanesim_material *materials;
};

static inline const struct lanesim_vertex *
lanesim_faces_vertex(const struct lanesim_faces *faces, const struct lanesim_material *material,
		     uint32_t corner)
{
	return corner < faces->clipped_first ? material->vertices + (corner - material->first)
					     : faces->clipped + (corner - faces->clipped_first);
}

/* Samples in tiles of LANESIM_LANES: rows of tiles from the top. */
struct lanesim_raster {
	float side; /* of a tile, pixels */
	float lane_x[LANESIM_LANES], lane_y[LANESIM_LANES]; /* of the samples from its corner */
	uint32_t columns, rows; /* tiles */
	uint32_t top; /* which row of tiles of the whole picture is the first */
	float *nearness;
	uint32_t *seen; /* faces, from 1; 0: nothing */
};

/* What is to be shaded: one point of one face, for a share of a pixel. */
struct lanesim_fragment {
	uint32_t face;
	uint32_t pixel : 27; /* of the band */
	uint32_t samples : 4; /* of the pixel, a bit each: clear fragments only */
	uint32_t centre : 1; /* depth and id of the pixel are this fragment's */
	float x, y;
	float weight;
};

/* Rows of a film. */
struct lanesim_strip {
	uint32_t width, height;
	float *radiance, *depth;
	uint16_t *id;
	const float *background; /* or NULL */
};

/* Lists of faces, one a band of the picture. */
struct lanesim_bins {
	uint32_t *list, *first; /* band i has list[first[i]] … list[first[i + 1] − 1] */
	uint32_t list_room, first_room;
};

/* A growing array of fragments and a way through it. */
struct lanesim_fragments {
	struct lanesim_fragment *fragments;
	uint32_t *order, *first; /* material i has order[first[i]] … */
	uint32_t n, room, order_room, first_room;
};

/* *@array has room for @n elements of @size afterwards; what it held is kept. 0 or -ENOMEM. */
int lanesim_grow(void *array, uint32_t *room, uint64_t n, size_t size);

/* ---- geometry.c ------------------------------------------------------------------------------ */

/*
 * The objects' triangles on @plane, without those that it cannot see. Each object's surfaces have
 * materials of their own in @faces->materials, in turn. 0 or -ENOMEM.
 */
int lanesim_faces_project(struct lanesim_faces *faces, const struct lanesim_object *objects,
			  uint32_t objects_n, const struct lanesim_plane *plane, float band_height);
void lanesim_faces_uninit(struct lanesim_faces *faces);

/* The opaque faces of each band, as they come; then the clear ones, the farthest first. */
int lanesim_bins_opaque(struct lanesim_bins *bins, const struct lanesim_faces *faces,
			uint32_t bands);
int lanesim_bins_clear(struct lanesim_bins *bins, const struct lanesim_faces *faces,
		       uint32_t bands);
void lanesim_bins_uninit(struct lanesim_bins *bins);

/* ---- fragment.c ------------------------------------------------------------------------------ */

/*
 * What is to be shaded for what a raster saw, sorted by material; pixels nobody is in front of get
 * their background, depth and id at once, others the background's share. 0 or -ENOMEM.
 */
int lanesim_fragments_gather(struct lanesim_fragments *fragments, const struct lanesim_faces *faces,
			     uint32_t materials_n, const struct lanesim_raster *raster, float focal,
			     const struct lanesim_strip *strip);
void lanesim_fragments_uninit(struct lanesim_fragments *fragments);

/* ---- shadow.c -------------------------------------------------------------------------------- */

struct lanesim_shadows;

int lanesim_shadows_create(struct lanesim_shadows **ret_shadows);
void lanesim_shadows_destroy(struct lanesim_shadows *shadows);
/* Sees the objects from the light and tells the @materials (all objects' in turn) their shadow. */
int lanesim_shadows_cast(struct lanesim_shadows *shadows, const struct lanesim_object *objects,
			 uint32_t objects_n, const struct lanesim_light *light,
			 struct lanesim_material *materials);

#endif
