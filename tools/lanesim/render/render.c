/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/render/render.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lanesim/kernel.h"
#include "lanesim/render/approx.h"
#include "lanesim/render/frame.h"

/* A band's samples are to stay in the second-level cache. */
enum { BAND_PIXELS = 32768 };

struct lanesim_renderer {
	struct lanesim_faces faces;
	struct lanesim_bins opaque, clear;
	struct lanesim_fragments fragments;
	struct lanesim_shadows *shadows;
	struct lanesim_material *materials;
	float *nearness;
	uint32_t *seen;
	uint32_t *last; /* clear fragment of each pixel of a band, from 1; 0: none yet */
	uint32_t materials_n, materials_room, nearness_room, seen_room, last_room;
};

int lanesim_film_init(struct lanesim_film *film, uint32_t width, uint32_t height)
{
	size_t n = (size_t)width * height;

	memset(film, 0, sizeof(*film));
	film->radiance = calloc(n + 1, LANESIM_BANDS * sizeof(*film->radiance));
	film->depth = malloc((n + 1) * sizeof(*film->depth));
	film->id = calloc(n + 1, sizeof(*film->id));
	if (!film->radiance || !film->depth || !film->id) {
		lanesim_film_uninit(film);
		return -ENOMEM;
	}
	film->width = width;
	film->height = height;
	for (size_t i = 0; i < n; i++)
		film->depth[i] = INFINITY;
	return 0;
}

void lanesim_film_uninit(struct lanesim_film *film)
{
	free(film->radiance);
	free(film->depth);
	free(film->id);
	memset(film, 0, sizeof(*film));
}

int lanesim_renderer_create(struct lanesim_renderer **ret_renderer)
{
	struct lanesim_renderer *renderer = calloc(1, sizeof(*renderer));

	if (!renderer)
		return -ENOMEM;
	if (lanesim_shadows_create(&renderer->shadows)) {
		free(renderer);
		return -ENOMEM;
	}
	*ret_renderer = renderer;
	return 0;
}

void lanesim_renderer_destroy(struct lanesim_renderer *renderer)
{
	if (!renderer)
		return;
	lanesim_faces_uninit(&renderer->faces);
	lanesim_bins_uninit(&renderer->opaque);
	lanesim_bins_uninit(&renderer->clear);
	lanesim_fragments_uninit(&renderer->fragments);
	lanesim_shadows_destroy(renderer->shadows);
	free(renderer->materials);
	free(renderer->nearness);
	free(renderer->seen);
	free(renderer->last);
	free(renderer);
}

struct vec lanesim_project(const struct lanesim_view *view, struct vec world)
{
	struct vec p = rigid_apply(&view->camera, world);

	return vec_make(view->cx - view->focal * p.x / p.z, view->cy + view->focal * p.y / p.z,
			-p.z);
}

/* ---- materials ------------------------------------------------------------------------------- */

static void set_levels(struct lanesim_material *material, const struct lanesim_texture *texture)
{
	const struct lanesim_texel *texels = texture->texels;
	uint32_t width = texture->width, height = texture->height;

	for (uint32_t i = 0; i < texture->levels && i < LANESIM_LEVELS_MAX; i++) {
		material->levels[material->levels_n++] = (struct lanesim_level){ texels, width,
										 height };
		texels += (size_t)width * height;
		width = (width + 1) / 2;
		height = (height + 1) / 2;
	}
	material->holes = texture->holes;
}

/* One for each surface of each object, with the light turned into the mesh's space. */
static int set_materials(struct lanesim_renderer *renderer, const struct lanesim_object *objects,
			 uint32_t objects_n, const struct lanesim_view *view,
			 const struct lanesim_light *light)
{
	struct rigid camera = rigid_inverse(&view->camera);
	struct lanesim_material *material;
	uint32_t first = 0;
	uint64_t n = 0;

	for (uint32_t i = 0; i < objects_n; i++)
		n += objects[i].mesh->surfaces_n;
	if (lanesim_grow(&renderer->materials, &renderer->materials_room, n + 1,
			 sizeof(*renderer->materials)))
		return -ENOMEM;
	renderer->materials_n = (uint32_t)n;
	material = renderer->materials;
	for (uint32_t i = 0; i < objects_n; i++) {
		struct rigid inverse = rigid_inverse(&objects[i].place);

		for (uint32_t j = 0; j < objects[i].mesh->surfaces_n; j++, material++) {
			*material = (struct lanesim_material){
				.surface = objects[i].mesh->surfaces + j,
				.vertices = objects[i].mesh->vertices,
				.first = first,
				.id = objects[i].id,
				.key = rigid_turn(&inverse, light->key),
				.fill = rigid_turn(&inverse, light->fill),
				.up = rigid_turn(&inverse, vec_make(0, 1, 0)),
				.eye = rigid_apply(&inverse, camera.t),
				.place = objects[i].place,
			};
			if (material->surface->texture)
				set_levels(material, material->surface->texture);
		}
		first += objects[i].mesh->vertices_n;
	}
	return 0;
}

/* ---- bands ----------------------------------------------------------------------------------- */

static int draw_opaque(struct lanesim_renderer *renderer, const struct lanesim_view *view,
		       const struct lanesim_light *light, const struct lanesim_raster *raster,
		       uint32_t band, const struct lanesim_strip *strip)
{
	const struct lanesim_kernels *kernels = lanesim_kernels();
	struct lanesim_fragments *fragments = &renderer->fragments;
	const uint32_t *first = renderer->opaque.first + band, *from;
	size_t samples = (size_t)raster->columns * raster->rows * LANESIM_LANES;

	memset(raster->nearness, 0, samples * sizeof(*raster->nearness));
	memset(raster->seen, 0, samples * sizeof(*raster->seen));
	kernels->draw(raster, &renderer->faces, renderer->opaque.list + first[0],
		      first[1] - first[0]);
	if (lanesim_fragments_gather(fragments, &renderer->faces, renderer->materials_n, raster,
				     view->focal, strip))
		return -ENOMEM;
	from = fragments->first;
	for (uint32_t i = 0; i < renderer->materials_n; i++)
		if (from[i + 1] > from[i])
			kernels->shade(&renderer->faces, light, renderer->materials + i,
				       fragments->fragments, fragments->order + from[i],
				       from[i + 1] - from[i], strip);
	return 0;
}

/* Clear fragments so far, in runs of one material. */
static void glaze(struct lanesim_renderer *renderer, const struct lanesim_light *light,
		  const struct lanesim_strip *strip)
{
	const struct lanesim_fragment *fragments = renderer->fragments.fragments;
	const struct lanesim_face *faces = renderer->faces.faces;
	uint32_t n = renderer->fragments.n, end;

	for (uint32_t i = 0; i < n; i = end) {
		uint32_t material = faces[fragments[i].face].material;

		for (end = i + 1; end < n && faces[fragments[end].face].material == material;)
			end++;
		lanesim_kernels()->glaze(&renderer->faces, light, renderer->materials + material,
					 fragments + i, end - i, strip);
	}
	renderer->fragments.n = 0;
}

/*
 * Takes over @n fragments that a face has added. Faces of one pane meet within a pixel, each before
 * samples of its own: they count together, not one through the other.
 */
static void join(struct lanesim_renderer *renderer, uint32_t n)
{
	struct lanesim_fragment *fragments = renderer->fragments.fragments;
	const struct lanesim_face *faces = renderer->faces.faces;
	uint32_t end = renderer->fragments.n;

	for (uint32_t i = renderer->fragments.n; i < renderer->fragments.n + n; i++) {
		struct lanesim_fragment added = fragments[i];
		uint32_t *last = renderer->last + added.pixel;
		struct lanesim_fragment *before = *last ? fragments + *last - 1 : NULL;

		if (before && !(before->samples & added.samples) &&
		    faces[before->face].material == faces[added.face].material) {
			before->samples |= added.samples;
			before->weight += added.weight;
			continue;
		}
		fragments[end++] = added;
		*last = end;
	}
	renderer->fragments.n = end;
}

/* The room is that of draw_opaque: four fragments a pixel; a face adds one at most. */
static void draw_clear(struct lanesim_renderer *renderer, const struct lanesim_light *light,
		       const struct lanesim_raster *raster, uint32_t band,
		       const struct lanesim_strip *strip)
{
	const uint32_t *first = renderer->clear.first + band;
	struct lanesim_fragments *fragments = &renderer->fragments;
	size_t pixels = (size_t)strip->width * strip->height;

	fragments->n = 0;
	if (first[0] == first[1])
		return;
	memset(renderer->last, 0, pixels * sizeof(*renderer->last));
	for (uint32_t i = first[0]; i < first[1]; i++) {
		if (fragments->n + pixels > fragments->room) {
			glaze(renderer, light, strip);
			memset(renderer->last, 0, pixels * sizeof(*renderer->last));
		}
		join(renderer,
		     lanesim_kernels()->layer(raster, &renderer->faces, renderer->clear.list[i],
					      strip->width, strip->height,
					      fragments->fragments + fragments->n));
	}
	glaze(renderer, light, strip);
}

static int draw_bands(struct lanesim_renderer *renderer, const struct lanesim_view *view,
		      const struct lanesim_light *light, const float *background,
		      struct lanesim_film *film, uint32_t band_tiles)
{
	/* Four samples a pixel, none in line with another: fine steps along any edge. */
	static const float sample_x[4] = { .375f, .875f, .625f, .125f };
	static const float sample_y[4] = { .125f, .375f, .875f, .625f };
	uint32_t rows = (view->height + LANESIM_TILE_PIXELS - 1) / LANESIM_TILE_PIXELS;
	struct lanesim_raster raster = {
		.side = LANESIM_TILE_PIXELS,
		.columns = (view->width + LANESIM_TILE_PIXELS - 1) / LANESIM_TILE_PIXELS,
		.nearness = renderer->nearness,
		.seen = renderer->seen,
	};

	for (int i = 0; i < LANESIM_LANES; i++) {
		raster.lane_x[i] = (float)(i / 4 % 2) + sample_x[i % 4];
		raster.lane_y[i] = (float)(i / 8) + sample_y[i % 4];
	}
	for (uint32_t band = 0; band * band_tiles < rows; band++) {
		uint32_t top = band * band_tiles * LANESIM_TILE_PIXELS;
		size_t at = (size_t)top * view->width;
		uint32_t height = band_tiles * LANESIM_TILE_PIXELS;
		struct lanesim_strip strip = {
			.width = view->width,
			.height = height < view->height - top ? height : view->height - top,
			.radiance = film->radiance + at * LANESIM_BANDS,
			.depth = film->depth + at,
			.id = film->id + at,
			.background = background ? background + at * LANESIM_BANDS : NULL,
		};

		raster.top = band * band_tiles;
		raster.rows = rows - raster.top < band_tiles ? rows - raster.top : band_tiles;
		if (draw_opaque(renderer, view, light, &raster, band, &strip))
			return -ENOMEM;
		draw_clear(renderer, light, &raster, band, &strip);
	}
	return 0;
}

int lanesim_render(struct lanesim_renderer *renderer, const struct lanesim_object *objects,
		   uint32_t objects_n, const struct lanesim_view *view,
		   const struct lanesim_light *light, const float *background,
		   struct lanesim_film *film)
{
	uint32_t columns = (view->width + LANESIM_TILE_PIXELS - 1) / LANESIM_TILE_PIXELS;
	uint32_t rows = (view->height + LANESIM_TILE_PIXELS - 1) / LANESIM_TILE_PIXELS;
	uint32_t fit = BAND_PIXELS / (LANESIM_TILE_PIXELS * LANESIM_TILE_PIXELS) / columns;
	uint32_t band_tiles = fit ? fit : 1, bands = (rows + band_tiles - 1) / band_tiles;
	uint64_t samples = (uint64_t)band_tiles * columns * LANESIM_LANES;
	struct lanesim_plane plane = {
		.place = view->camera,
		.scale = view->focal,
		.cx = view->cx,
		.cy = view->cy,
		.width = (float)view->width,
		.height = (float)view->height,
		.samples = 4,
	};

	if (set_materials(renderer, objects, objects_n, view, light) ||
	    lanesim_shadows_cast(renderer->shadows, objects, objects_n, light,
				 renderer->materials) ||
	    lanesim_grow(&renderer->nearness, &renderer->nearness_room, samples,
			 sizeof(*renderer->nearness)) ||
	    lanesim_grow(&renderer->seen, &renderer->seen_room, samples, sizeof(*renderer->seen)) ||
	    lanesim_grow(&renderer->last, &renderer->last_room, samples / LANESIM_PIXEL_SAMPLES,
			 sizeof(*renderer->last)))
		return -ENOMEM;
	renderer->faces.materials = renderer->materials;
	if (lanesim_faces_project(&renderer->faces, objects, objects_n, &plane,
				  (float)(band_tiles * LANESIM_TILE_PIXELS)) ||
	    lanesim_bins_opaque(&renderer->opaque, &renderer->faces, bands) ||
	    lanesim_bins_clear(&renderer->clear, &renderer->faces, bands))
		return -ENOMEM;
	return draw_bands(renderer, view, light, background, film, band_tiles);
}
