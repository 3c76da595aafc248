/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the key light sees, in parallel projection: a close map of the people, so that a nose throws
 * its shadow, and a wide one of what stands around them.
 */
#include "lanesim/render/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lanesim/kernel.h"
#include "lanesim/render/approx.h"

enum {
	SIDE_SMALL = 512,
	SIDE_LARGE = 1024,
	TILE = 4, /* texels: one sample each */
	MAPS = 2,
};

/* A close map up to this wide has SIDE_SMALL: a head with shoulders. cm */
#define SMALL_WIDTH 90.0f
/* The wide map reaches no further from the middle of the people, cm. */
#define WIDE_REACH 450.0f
/* Further than anything is from the light. */
#define NOTHING -1e30f

struct lanesim_shadows {
	struct lanesim_faces faces;
	struct lanesim_shadow maps[MAPS];
	uint32_t map_room[MAPS];
	float *nearness; /* in tiles */
	uint32_t *seen, *list;
	uint32_t nearness_room, seen_room, list_room;
};

int lanesim_shadows_create(struct lanesim_shadows **ret_shadows)
{
	*ret_shadows = calloc(1, sizeof(**ret_shadows));
	return *ret_shadows ? 0 : -ENOMEM;
}

void lanesim_shadows_destroy(struct lanesim_shadows *shadows)
{
	if (!shadows)
		return;
	lanesim_faces_uninit(&shadows->faces);
	for (int i = 0; i < MAPS; i++)
		free(shadows->maps[i].nearness);
	free(shadows->nearness);
	free(shadows->seen);
	free(shadows->list);
	free(shadows);
}

/* ---- where a map lies ------------------------------------------------------------------------ */

struct bounds {
	float left, right, bottom, top; /* in the light's axes */
};

static const struct bounds no_bounds = { 1e30f, -1e30f, 1e30f, -1e30f };

static void bounds_add(struct bounds *bounds, const struct lanesim_object *object,
		       const struct rigid *light)
{
	struct rigid place = rigid_compose(light, &object->place);

	for (uint32_t i = 0; i < object->mesh->vertices_n; i++) {
		struct vec p = rigid_apply(&place, object->mesh->vertices[i].p);

		bounds->left = approx_min(bounds->left, p.x);
		bounds->right = approx_max(bounds->right, p.x);
		bounds->bottom = approx_min(bounds->bottom, p.y);
		bounds->top = approx_max(bounds->top, p.y);
	}
}

/* World → axes with z towards the light. */
static struct rigid light_axes(struct vec key)
{
	struct vec z = vec_unit(key);
	struct vec up = z.y * z.y < 0.9f ? vec_make(0, 1, 0) : vec_make(0, 0, 1);
	struct vec x = vec_unit(vec_cross(up, z)), y = vec_cross(z, x);

	return (struct rigid){ { x.x, x.y, x.z, y.x, y.y, y.z, z.x, z.y, z.z }, { 0, 0, 0 } };
}

static void plane_fit(struct lanesim_plane *plane, const struct rigid *axes,
		      const struct bounds *bounds, uint32_t side)
{
	float width = approx_max(bounds->right - bounds->left, bounds->top - bounds->bottom);
	float x = 0.5f * (bounds->left + bounds->right), y = 0.5f * (bounds->bottom + bounds->top);

	plane->place = *axes;
	plane->parallel = true;
	plane->samples = 1;
	plane->width = plane->height = (float)side;
	plane->scale = ((float)side - 12) / approx_max(width, 1); /* a margin for soft edges */
	plane->cx = 0.5f * (float)side - x * plane->scale;
	plane->cy = 0.5f * (float)side + y * plane->scale;
}

/* ---- drawing --------------------------------------------------------------------------------- */

static int reserve(struct lanesim_shadows *shadows, struct lanesim_shadow *map, uint32_t *room,
		   uint32_t side)
{
	uint64_t n = (uint64_t)side * side;

	map->side = side;
	if (lanesim_grow(&map->nearness, room, n, sizeof(*map->nearness)) ||
	    lanesim_grow(&shadows->nearness, &shadows->nearness_room, n,
			 sizeof(*shadows->nearness)) ||
	    lanesim_grow(&shadows->seen, &shadows->seen_room, n, sizeof(*shadows->seen)))
		return -ENOMEM;
	return 0;
}

static int draw(struct lanesim_shadows *shadows, struct lanesim_shadow *map,
		const struct lanesim_object *objects, uint32_t objects_n)
{
	struct lanesim_faces *faces = &shadows->faces;
	struct lanesim_raster raster = { .side = TILE,
					 .columns = map->side / TILE,
					 .rows = map->side / TILE,
					 .nearness = shadows->nearness,
					 .seen = shadows->seen };

	if (lanesim_faces_project(faces, objects, objects_n, &map->plane, (float)map->side) ||
	    lanesim_grow(&shadows->list, &shadows->list_room, faces->faces_n,
			 sizeof(*shadows->list)))
		return -ENOMEM;
	for (uint32_t i = 0; i < faces->faces_n; i++)
		shadows->list[i] = i;
	for (int i = 0; i < LANESIM_LANES; i++) {
		raster.lane_x[i] = (float)(i % TILE) + 0.5f;
		raster.lane_y[i] = (float)(i / TILE) + 0.5f;
	}
	for (size_t i = 0; i < (size_t)map->side * map->side; i++)
		raster.nearness[i] = NOTHING;
	lanesim_kernels()->draw(&raster, faces, shadows->list, faces->faces_n);
	for (uint32_t y = 0; y < map->side; y++) /* tiles → rows */
		for (uint32_t x = 0; x < map->side; x += TILE)
			memcpy(map->nearness + (size_t)y * map->side + x,
			       raster.nearness +
				       ((size_t)(y / TILE) * raster.columns + x / TILE) *
					       LANESIM_LANES +
				       y % TILE * TILE,
			       TILE * sizeof(float));
	return 0;
}

/* Mesh → texels of the map, and cm towards the light. */
static struct rigid texels(const struct lanesim_plane *plane, const struct rigid *place)
{
	struct rigid r = rigid_compose(&plane->place, place);

	for (int i = 0; i < 3; i++) {
		r.m[i] *= plane->scale;
		r.m[3 + i] *= -plane->scale;
	}
	r.t.x = plane->cx + plane->scale * r.t.x;
	r.t.y = plane->cy - plane->scale * r.t.y;
	return r;
}

static void assign(const struct lanesim_shadow *close, const struct lanesim_shadow *wide,
		   const struct lanesim_object *objects, uint32_t objects_n,
		   struct lanesim_material *materials)
{
	for (uint32_t i = 0; i < objects_n; i++) {
		const struct lanesim_shadow *map = objects[i].id == LANESIM_NOBODY ? wide : close;
		struct rigid place = texels(&map->plane, &objects[i].place);

		for (uint32_t j = 0; j < objects[i].mesh->surfaces_n; j++, materials++) {
			materials->shadow = map;
			materials->shadow_place = place;
		}
	}
}

int lanesim_shadows_cast(struct lanesim_shadows *shadows, const struct lanesim_object *objects,
			 uint32_t objects_n, const struct lanesim_light *light,
			 struct lanesim_material *materials)
{
	struct rigid axes = light_axes(light->key);
	struct bounds people = no_bounds, all = no_bounds;
	struct lanesim_shadow *close = &shadows->maps[0], *wide = &shadows->maps[1];
	bool alone;
	float x, y;

	if (light->shadow <= 0 || !objects_n)
		return 0;
	shadows->faces.materials = materials;
	for (uint32_t i = 0; i < objects_n; i++)
		bounds_add(objects[i].id == LANESIM_NOBODY ? &all : &people, &objects[i], &axes);
	alone = all.left > all.right;
	if (people.left > people.right)
		people = all;
	x = 0.5f * (people.left + people.right);
	y = 0.5f * (people.bottom + people.top);
	all.left = approx_max(approx_min(all.left, people.left), x - WIDE_REACH);
	all.right = approx_min(approx_max(all.right, people.right), x + WIDE_REACH);
	all.bottom = approx_max(approx_min(all.bottom, people.bottom), y - WIDE_REACH);
	all.top = approx_min(approx_max(all.top, people.top), y + WIDE_REACH);
	if (reserve(shadows, close, &shadows->map_room[0],
		    people.right - people.left < SMALL_WIDTH &&
				    people.top - people.bottom < SMALL_WIDTH
			    ? SIDE_SMALL
			    : SIDE_LARGE))
		return -ENOMEM;
	plane_fit(&close->plane, &axes, &people, close->side);
	if (draw(shadows, close, objects, objects_n))
		return -ENOMEM;
	if (!alone) {
		if (reserve(shadows, wide, &shadows->map_room[1], SIDE_LARGE))
			return -ENOMEM;
		plane_fit(&wide->plane, &axes, &all, wide->side);
		if (draw(shadows, wide, objects, objects_n))
			return -ENOMEM;
	}
	assign(close, alone ? close : wide, objects, objects_n, materials);
	return 0;
}
