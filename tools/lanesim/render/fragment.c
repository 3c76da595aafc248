/* SPDX-License-Identifier: Apache-2.0 */
/* From samples to what is to be shaded: one fragment a pixel where its samples are alike. */
#include "lanesim/render/frame.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = LANESIM_PIXEL_SAMPLES };

struct gathering {
	struct lanesim_fragments *to;
	const struct lanesim_faces *faces;
	const struct lanesim_raster *raster;
	const struct lanesim_strip *strip;
	float footprint; /* width of a pixel over its depth */
};

void lanesim_fragments_uninit(struct lanesim_fragments *fragments)
{
	free(fragments->fragments);
	free(fragments->order);
	free(fragments->first);
	memset(fragments, 0, sizeof(*fragments));
}

/* Neighbours with a corner in common have one normal there: the surface goes on smoothly. */
static bool share_corner(const struct lanesim_face *a, const struct lanesim_face *b)
{
	bool share = false;

	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++)
			share |= a->corner[i] == b->corner[j];
	return share;
}

/*
 * Two samples, the first of a face, are alike if they see the same surface of the same object, as
 * far away within half a centimetre and three pixels' width, and facing the same way within 25°.
 */
static bool alike(const struct gathering *g, const uint32_t *seen, const float *nearness, int i,
		  int j)
{
	float apart = nearness[i] - nearness[j], product = nearness[i] * nearness[j];
	const struct lanesim_material *material;
	const struct lanesim_face *a, *b;

	if (seen[i] == seen[j])
		return true;
	if (!seen[j])
		return false;
	a = g->faces->faces + (seen[i] - 1);
	b = g->faces->faces + (seen[j] - 1);
	material = g->faces->materials + a->material;
	if (a->material != b->material || a->back != b->back)
		return false;
	if ((apart < 0 ? -apart : apart) > 0.5f * product + 3 * nearness[i] * g->footprint)
		return false;
	if (share_corner(a, b))
		return true;
	return vec_dot(lanesim_faces_vertex(g->faces, material, a->corner[0])->n,
		       lanesim_faces_vertex(g->faces, material, b->corner[0])->n) > 0.9f;
}

static void clear_pixel(const struct lanesim_strip *strip, uint32_t pixel, float empty)
{
	for (int band = 0; band < LANESIM_BANDS; band++)
		strip->radiance[pixel * LANESIM_BANDS + band] =
			strip->background && empty > 0
				? empty * strip->background[pixel * LANESIM_BANDS + band]
				: 0;
	strip->depth[pixel] = INFINITY;
	strip->id[pixel] = LANESIM_NOBODY;
}

/* The samples of one pixel; @x, @y: of its corner in the picture. */
static void gather_pixel(const struct gathering *g, const uint32_t *seen, const float *nearness,
			 const float *lane_x, const float *lane_y, float x, float y, uint32_t pixel)
{
	const struct lanesim_strip *strip = g->strip;
	bool one = seen[0] == seen[1] && seen[0] == seen[2] && seen[0] == seen[3];
	unsigned int rest = (1u << SAMPLES) - 1, most = 0;
	float empty = 0;
	uint32_t best = UINT32_MAX;

	if (one && !seen[0]) {
		clear_pixel(strip, pixel, 1);
		return;
	}
	for (int i = 0; i < SAMPLES; i++) {
		struct lanesim_fragment *fragment = g->to->fragments + g->to->n;
		unsigned int n = 0;

		if (!(rest >> i & 1))
			continue;
		for (int j = i; j < SAMPLES; j++) {
			if (!one && (!(rest >> j & 1) ||
				     !(seen[i] ? alike(g, seen, nearness, i, j) : !seen[j])))
				continue;
			rest &= ~(1u << j);
			n++;
		}
		if (n > most)
			best = seen[i] ? g->to->n : UINT32_MAX;
		most = n > most ? n : most;
		if (!seen[i]) {
			empty = (float)n / SAMPLES;
			continue;
		}
		*fragment = (struct lanesim_fragment){
			.face = seen[i] - 1,
			.pixel = pixel,
			.weight = (float)n / SAMPLES,
			.x = n == SAMPLES ? x + 0.5f : x + lane_x[i],
			.y = n == SAMPLES ? y + 0.5f : y + lane_y[i],
		};
		g->to->n++;
	}
	clear_pixel(strip, pixel, empty);
	if (best != UINT32_MAX)
		g->to->fragments[best].centre = 1;
}

static void gather_tile(const struct gathering *g, uint32_t row, uint32_t column)
{
	const struct lanesim_raster *raster = g->raster;
	size_t at = ((size_t)row * raster->columns + column) * LANESIM_LANES;

	for (uint32_t i = 0; i < LANESIM_TILE_PIXELS * LANESIM_TILE_PIXELS; i++) {
		uint32_t in_x = i % LANESIM_TILE_PIXELS, in_y = i / LANESIM_TILE_PIXELS;
		uint32_t x = column * LANESIM_TILE_PIXELS + in_x,
			 y = row * LANESIM_TILE_PIXELS + in_y;
		uint32_t first = i * SAMPLES;

		if (x >= g->strip->width || y >= g->strip->height)
			continue;
		gather_pixel(g, raster->seen + at + first, raster->nearness + at + first,
			     raster->lane_x, raster->lane_y, (float)x,
			     (float)(y + raster->top * LANESIM_TILE_PIXELS),
			     y * g->strip->width + x);
	}
}

static int sort(struct lanesim_fragments *fragments, const struct lanesim_faces *faces,
		uint32_t materials_n)
{
	uint32_t total = 0, *first;

	if (lanesim_grow(&fragments->order, &fragments->order_room, fragments->n + 1ull,
			 sizeof(*fragments->order)) ||
	    lanesim_grow(&fragments->first, &fragments->first_room, materials_n + 1ull,
			 sizeof(*fragments->first)))
		return -ENOMEM;
	first = fragments->first;
	memset(first, 0, (materials_n + 1) * sizeof(*first));
	for (uint32_t i = 0; i < fragments->n; i++)
		first[faces->faces[fragments->fragments[i].face].material + 1]++;
	for (uint32_t i = 0; i <= materials_n; i++)
		first[i] = total += first[i];
	for (uint32_t i = 0; i < fragments->n; i++)
		fragments->order[first[faces->faces[fragments->fragments[i].face].material]++] = i;
	memmove(first + 1, first, materials_n * sizeof(*first));
	first[0] = 0;
	return 0;
}

int lanesim_fragments_gather(struct lanesim_fragments *fragments, const struct lanesim_faces *faces,
			     uint32_t materials_n, const struct lanesim_raster *raster, float focal,
			     const struct lanesim_strip *strip)
{
	struct gathering g = { fragments, faces, raster, strip, 1 / focal };

	if (lanesim_grow(&fragments->fragments, &fragments->room,
			 (uint64_t)strip->width * strip->height * SAMPLES,
			 sizeof(*fragments->fragments)))
		return -ENOMEM;
	fragments->n = 0;
	for (uint32_t row = 0; row < raster->rows; row++)
		for (uint32_t column = 0; column < raster->columns; column++)
			gather_tile(&g, row, column);
	return sort(fragments, faces, materials_n);
}
