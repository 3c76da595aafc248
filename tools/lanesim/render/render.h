/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meshes, a view and light → linear radiance, depth and who is where. Visibility is found at four
 * samples a pixel; a pixel is shaded once, or once a sample where its samples differ (edges).
 */
#ifndef LANESIM_RENDER_H
#define LANESIM_RENDER_H

#include <stdint.h>

#include "lanesim/render/mesh.h"
#include "lanesim/render/vec.h"

enum { LANESIM_NOBODY = 0 };

/* A pinhole camera. Camera space: x right, y up, looking along −z. */
struct lanesim_view {
	uint32_t width, height; /* pixels */
	struct rigid camera; /* world → camera */
	float focal; /* pixels */
	float cx, cy; /* where the axis meets the picture, pixels from its top left corner */
};

struct lanesim_light {
	struct vec key; /* unit, towards the light, in the world */
	float key_power[LANESIM_BANDS]; /* radiance of a white matte surface that faces it */
	struct vec fill; /* a second one, softer and without shadow */
	float fill_power[LANESIM_BANDS];
	float sky[LANESIM_BANDS], ground[LANESIM_BANDS]; /* the surroundings, above and below */
	float shadow; /* how dark the key's shadow is: 0 none … 1 */
	/* What POLISH and CLEAR surfaces reflect: a sky with bright and dark bands. */
	uint64_t reflection_seed;
	float reflection_shift; /* moves it, in turns of its pattern */
};

struct lanesim_object {
	const struct lanesim_mesh *mesh;
	struct rigid place; /* mesh → world */
	uint16_t id; /* what film.id says where it is in front; LANESIM_NOBODY for things */
};

/* Rows top down. */
struct lanesim_film {
	uint32_t width, height;
	float *radiance; /* LANESIM_BANDS a pixel, linear; the background where nothing is */
	float *depth; /* cm before the camera plane (−z) at the pixel's centre; INFINITY: nothing */
	uint16_t *id; /* at the pixel's centre */
};

int lanesim_film_init(struct lanesim_film *film, uint32_t width, uint32_t height);
void lanesim_film_uninit(struct lanesim_film *film);

/* Scratch memory, reused from picture to picture; one a thread. */
struct lanesim_renderer;
int lanesim_renderer_create(struct lanesim_renderer **ret_renderer);
void lanesim_renderer_destroy(struct lanesim_renderer *renderer);

/*
 * @film has the view's size; @background (LANESIM_BANDS a pixel, or NULL for black) lies behind
 * everything. CLEAR surfaces leave depth and id as what is behind them. 0 or -ENOMEM.
 */
int lanesim_render(struct lanesim_renderer *renderer, const struct lanesim_object *objects,
		   uint32_t objects_n, const struct lanesim_view *view,
		   const struct lanesim_light *light, const float *background,
		   struct lanesim_film *film);

/* Where @world is in the picture: x, y in pixels (pixel centres at .5) and depth in cm. */
struct vec lanesim_project(const struct lanesim_view *view, struct vec world);

#endif
