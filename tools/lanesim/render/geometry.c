/* SPDX-License-Identifier: Apache-2.0 */
/* From objects to the faces that a plane of projection can see, and the bands that they touch. */
#include "lanesim/render/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lanesim/kernel.h"
#include "lanesim/render/approx.h"

/* Nothing nearer than this is seen, cm. */
#define NEAREST 5.0f

int lanesim_grow(void *array, uint32_t *room, uint64_t n, size_t size)
{
	uint64_t wanted = n > *room + (uint64_t)*room / 2 ? n : *room + (uint64_t)*room / 2;
	void *old, *grown;

	if (n <= *room)
		return 0;
	if (wanted > UINT32_MAX)
		return -ENOMEM;
	memcpy(&old, array, sizeof(old));
	grown = realloc(old, wanted * size);
	if (!grown)
		return -ENOMEM;
	memcpy(array, &grown, sizeof(grown));
	*room = (uint32_t)wanted;
	return 0;
}

void lanesim_faces_uninit(struct lanesim_faces *faces)
{
	free(faces->corners);
	free(faces->faces);
	free(faces->clipped);
	free(faces->reach);
	memset(faces, 0, sizeof(*faces));
}

/* ---- which faces ----------------------------------------------------------------------------- */

struct sight {
	const struct lanesim_plane *plane;
	struct rigid place; /* mesh → the plane's axes */
	float bands_per_pixel;
};

/* Between @low and @high lies a sample's coordinate. */
static inline bool sampled(float low, float high, float samples)
{
	return approx_floor(low * samples - 0.5f) != approx_floor(high * samples - 0.5f);
}

/* Adds the face unless it looks away or falls outside or between samples. There is room. */
static void add_face(struct lanesim_faces *faces, const struct sight *sight,
		     const uint32_t corner[3], uint32_t material, bool two_sided)
{
	const struct lanesim_plane *plane = sight->plane;
	const struct lanesim_corner *a = faces->corners + corner[0],
				    *b = faces->corners + corner[1];
	const struct lanesim_corner *c = faces->corners + corner[2];
	float area = (b->x - a->x) * (c->y - a->y) - (c->x - a->x) * (b->y - a->y);
	bool back = area > 0; /* counterclockwise with y upwards is front */
	float left = approx_min(approx_min(a->x, b->x), c->x);
	float right = approx_max(approx_max(a->x, b->x), c->x);
	float top = approx_min(approx_min(a->y, b->y), c->y);
	float bottom = approx_max(approx_max(a->y, b->y), c->y);
	uint32_t first, last;

	if (!(area < 0) && !(back && two_sided))
		return;
	if (right <= 0 || left >= plane->width || bottom <= 0 || top >= plane->height)
		return;
	left = approx_max(left, -1);
	top = approx_max(top, -1);
	right = approx_min(right, plane->width + 1);
	bottom = approx_min(bottom, plane->height + 1);
	if (!sampled(left, right, plane->samples) || !sampled(top, bottom, plane->samples))
		return;
	first = (uint32_t)approx_max(top * sight->bands_per_pixel, 0);
	last = (uint32_t)(approx_min(bottom, plane->height - 0.5f) * sight->bands_per_pixel);
	faces->reach[faces->faces_n] = first | last << 16;
	faces->faces[faces->faces_n++] = (struct lanesim_face){
		{ corner[0], back ? corner[1] : corner[2], back ? corner[2] : corner[1] },
		material,
		back
	};
}

static struct lanesim_vertex between(const struct lanesim_vertex *a, const struct lanesim_vertex *b,
				     float t)
{
	return (struct lanesim_vertex){
		vec_mix(a->p, b->p, t),	   vec_mix(a->n, b->n, t),    vec_mix(a->soft, b->soft, t),
		approx_mix(a->u, b->u, t), approx_mix(a->v, b->v, t), approx_mix(a->sky, b->sky, t)
	};
}

/* What of a triangle is before the near plane: up to four corners, in order. 0 or -ENOMEM. */
static int clip(struct lanesim_faces *faces, const struct sight *sight,
		const struct lanesim_vertex *const vertex[3], const uint32_t corner[3],
		uint32_t ret_corner[4], uint32_t *ret_n)
{
	float depth[3];
	uint32_t n = 0;

	if (lanesim_grow(&faces->clipped, &faces->clipped_room, faces->clipped_n + 4ull,
			 sizeof(*faces->clipped)) ||
	    lanesim_grow(&faces->corners, &faces->corners_room, faces->corners_n + 4ull,
			 sizeof(*faces->corners)))
		return -ENOMEM;
	for (int i = 0; i < 3; i++)
		depth[i] = -rigid_apply(&sight->place, vertex[i]->p).z - NEAREST;
	for (int i = 0; i < 3; i++) {
		int j = i < 2 ? i + 1 : 0;
		struct lanesim_vertex *cut = faces->clipped + faces->clipped_n;

		if (depth[i] >= 0)
			ret_corner[n++] = corner[i];
		if ((depth[i] >= 0) == (depth[j] >= 0))
			continue;
		/* The same point from either side. */
		*cut = depth[i] >= 0
			       ? between(vertex[i], vertex[j], depth[i] / (depth[i] - depth[j]))
			       : between(vertex[j], vertex[i], depth[j] / (depth[j] - depth[i]));
		lanesim_kernels()->project(cut, 1, &sight->place, sight->plane,
					   faces->corners + faces->corners_n);
		faces->clipped_n++;
		ret_corner[n++] = faces->corners_n++;
	}
	*ret_n = n;
	return 0;
}

static int add_triangle(struct lanesim_faces *faces, const struct sight *sight,
			const struct lanesim_mesh *mesh, const struct lanesim_triangle *triangle,
			uint32_t first, uint32_t material)
{
	const uint32_t corner[3] = { first + triangle->vertex[0], first + triangle->vertex[1],
				     first + triangle->vertex[2] };
	bool two_sided = mesh->surfaces[triangle->surface].two_sided;
	const struct lanesim_vertex *vertex[3];
	uint32_t part[4], n, behind = 0;

	for (int i = 0; i < 3 && !sight->plane->parallel; i++) {
		float nearness = faces->corners[corner[i]].nearness;

		behind += nearness <= 0 || nearness > 1 / NEAREST;
		vertex[i] = mesh->vertices + triangle->vertex[i];
	}
	if (!behind)
		add_face(faces, sight, corner, material, two_sided);
	if (!behind || behind == 3)
		return 0;
	if (clip(faces, sight, vertex, corner, part, &n))
		return -ENOMEM;
	for (uint32_t i = 2; i < n; i++)
		add_face(faces, sight, (uint32_t[3]){ part[0], part[i - 1], part[i] }, material,
			 two_sided);
	return 0;
}

static int project_object(struct lanesim_faces *faces, const struct lanesim_object *object,
			  struct sight *sight, uint32_t first, uint32_t material)
{
	const struct lanesim_mesh *mesh = object->mesh;
	uint64_t most = faces->faces_n + 2ull * mesh->triangles_n; /* cut ones may become two */

	if (lanesim_grow(&faces->faces, &faces->faces_room, most, sizeof(*faces->faces)) ||
	    lanesim_grow(&faces->reach, &faces->reach_room, most, sizeof(*faces->reach)))
		return -ENOMEM;
	sight->place = rigid_compose(&sight->plane->place, &object->place);
	lanesim_kernels()->project(mesh->vertices, mesh->vertices_n, &sight->place, sight->plane,
				   faces->corners + first);
	for (uint32_t i = 0; i < mesh->triangles_n; i++) {
		const struct lanesim_triangle *triangle = mesh->triangles + i;
		const struct lanesim_surface *surface = mesh->surfaces + triangle->surface;

		if (sight->plane->parallel &&
		    (surface->no_shadow || surface->shine == LANESIM_CLEAR))
			continue;
		if (add_triangle(faces, sight, mesh, triangle, first, material + triangle->surface))
			return -ENOMEM;
	}
	return 0;
}

int lanesim_faces_project(struct lanesim_faces *faces, const struct lanesim_object *objects,
			  uint32_t objects_n, const struct lanesim_plane *plane, float band_height)
{
	struct sight sight = { .plane = plane, .bands_per_pixel = 1 / band_height };
	uint64_t corners = 0;
	uint32_t first = 0, material = 0;

	for (uint32_t i = 0; i < objects_n; i++)
		corners += objects[i].mesh->vertices_n;
	if (lanesim_grow(&faces->corners, &faces->corners_room, corners, sizeof(*faces->corners)))
		return -ENOMEM;
	faces->corners_n = faces->clipped_first = (uint32_t)corners;
	faces->clipped_n = faces->faces_n = 0;
	for (uint32_t i = 0; i < objects_n; i++) {
		if (project_object(faces, &objects[i], &sight, first, material))
			return -ENOMEM;
		first += objects[i].mesh->vertices_n;
		material += objects[i].mesh->surfaces_n;
	}
	return 0;
}

/* ---- bins ------------------------------------------------------------------------------------ */

void lanesim_bins_uninit(struct lanesim_bins *bins)
{
	free(bins->list);
	free(bins->first);
	memset(bins, 0, sizeof(*bins));
}

static bool is_clear(const struct lanesim_faces *faces, uint32_t face)
{
	return faces->materials[faces->faces[face].material].surface->shine == LANESIM_CLEAR;
}

/* Makes room: first[band + 1] is to say how many faces a band gets; afterwards where it begins. */
static int bins_open(struct lanesim_bins *bins, uint32_t bands)
{
	uint64_t total = 0;

	for (uint32_t band = 0; band <= bands; band++) {
		total += bins->first[band];
		bins->first[band] = (uint32_t)total;
	}
	return lanesim_grow(&bins->list, &bins->list_room, total + 1, sizeof(*bins->list));
}

/* first[band] serves as the place of the next, so that it ends where the next band begins. */
static void bins_add(struct lanesim_bins *bins, const struct lanesim_faces *faces, uint32_t face)
{
	for (uint32_t band = faces->reach[face] & 0xFFFF; band <= faces->reach[face] >> 16; band++)
		bins->list[bins->first[band]++] = face;
}

static void bins_close(struct lanesim_bins *bins, uint32_t bands)
{
	memmove(bins->first + 1, bins->first, bands * sizeof(*bins->first));
	bins->first[0] = 0;
}

static int bins_count(struct lanesim_bins *bins, const struct lanesim_faces *faces, uint32_t bands,
		      bool clear)
{
	if (lanesim_grow(&bins->first, &bins->first_room, bands + 1ull, sizeof(*bins->first)))
		return -ENOMEM;
	memset(bins->first, 0, (bands + 1) * sizeof(*bins->first));
	for (uint32_t i = 0; i < faces->faces_n; i++)
		if (is_clear(faces, i) == clear)
			for (uint32_t band = faces->reach[i] & 0xFFFF;
			     band <= faces->reach[i] >> 16; band++)
				bins->first[band + 1]++;
	return bins_open(bins, bands);
}

int lanesim_bins_opaque(struct lanesim_bins *bins, const struct lanesim_faces *faces,
			uint32_t bands)
{
	if (bins_count(bins, faces, bands, false))
		return -ENOMEM;
	for (uint32_t i = 0; i < faces->faces_n; i++)
		if (!is_clear(faces, i))
			bins_add(bins, faces, i);
	bins_close(bins, bands);
	return 0;
}

struct distance {
	float nearness;
	uint32_t face;
};

static int by_distance(const void *a, const void *b)
{
	const struct distance *p = a, *q = b;

	if (p->nearness != q->nearness)
		return p->nearness < q->nearness ? -1 : 1;
	return p->face < q->face ? -1 : p->face > q->face;
}

int lanesim_bins_clear(struct lanesim_bins *bins, const struct lanesim_faces *faces, uint32_t bands)
{
	struct distance *clear;
	uint32_t n = 0;

	if (bins_count(bins, faces, bands, true))
		return -ENOMEM;
	clear = malloc(((size_t)bins->first[bands] + 1) * sizeof(*clear));
	if (!clear)
		return -ENOMEM;
	for (uint32_t i = 0; i < faces->faces_n; i++) {
		const struct lanesim_corner *corners = faces->corners;
		const uint32_t *c = faces->faces[i].corner;

		if (is_clear(faces, i))
			clear[n++] = (struct distance){ corners[c[0]].nearness +
								corners[c[1]].nearness +
								corners[c[2]].nearness,
							i };
	}
	qsort(clear, n, sizeof(*clear), by_distance);
	for (uint32_t i = 0; i < n; i++)
		bins_add(bins, faces, clear[i].face);
	bins_close(bins, bands);
	free(clear);
	return 0;
}
