/* SPDX-License-Identifier: Apache-2.0 */
/* Which face is seen at each sample: tiles of 16 samples at a time. */
#include "lanesim/kernel.h"

#include <stdbool.h>

#include "lanesim/render/approx.h"
#include "lanesim/render/frame.h"

#define LANES LANESIM_LANES

void LANESIM_ISA_NAME(lanesim_project)(const struct lanesim_vertex *vertices, uint32_t n,
				       const struct rigid *place, const struct lanesim_plane *plane,
				       struct lanesim_corner *ret_corners)
{
	float scale = plane->scale, cx = plane->cx, cy = plane->cy;
	struct rigid r = *place;

	if (plane->parallel) {
		for (uint32_t i = 0; i < n; i++) {
			struct vec p = rigid_apply(&r, vertices[i].p);

			ret_corners[i] = (struct lanesim_corner){ cx + scale * p.x,
								  cy - scale * p.y, p.z };
		}
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct vec p = rigid_apply(&r, vertices[i].p);
		/* Never infinite: what is this near, or behind, is clipped. */
		float nearness = -1 / (p.z > -1e-3f && p.z < 1e-3f ? 1e-3f : p.z);

		ret_corners[i] = (struct lanesim_corner){ cx + scale * p.x * nearness,
							  cy - scale * p.y * nearness, nearness };
	}
}

/* Inside where x·(point.x − at.x) + y·(point.y − at.y) ≥ least. */
struct edge {
	float at_x, at_y, x, y, least;
};

/*
 * The faces on both sides measure from the same end and get the same number but for its sign, so no
 * sample falls between them. One on the edge itself (0) belongs to the face on its right, or below
 * a level one: the other asks for more than 0.
 */
static inline struct edge edge_of(const struct lanesim_corner *a, const struct lanesim_corner *b)
{
	bool first = a->x < b->x || (a->x == b->x && a->y < b->y);
	const struct lanesim_corner *at = first ? a : b;
	struct edge e = { at->x, at->y, a->y - b->y, b->x - a->x, 0 };

	if (!(e.x > 0 || (e.x == 0 && e.y > 0)))
		e.least = approx_from_bits(1);
	return e;
}

struct setup {
	struct edge edge[3];
	float at_x, at_y, nearness, by_x, by_y, least, most; /* nearness is a plane */
	float left, right, top, bottom;
	float area; /* twice */
};

static inline bool set_up(const struct lanesim_corner *a, const struct lanesim_corner *b,
			  const struct lanesim_corner *c, struct setup *s)
{
	float bx = b->x - a->x, by = b->y - a->y, cx = c->x - a->x, cy = c->y - a->y;
	float bn = b->nearness - a->nearness, cn = c->nearness - a->nearness, over;

	s->area = bx * cy - cx * by;
	if (!(s->area > 0))
		return false;
	over = 1 / s->area;
	s->edge[0] = edge_of(a, b);
	s->edge[1] = edge_of(b, c);
	s->edge[2] = edge_of(c, a);
	s->at_x = a->x;
	s->at_y = a->y;
	s->nearness = a->nearness;
	s->by_x = (bn * cy - cn * by) * over;
	s->by_y = (cn * bx - bn * cx) * over;
	s->least = approx_min(approx_min(a->nearness, b->nearness), c->nearness);
	s->most = approx_max(approx_max(a->nearness, b->nearness), c->nearness);
	s->left = approx_min(approx_min(a->x, b->x), c->x);
	s->right = approx_max(approx_max(a->x, b->x), c->x);
	s->top = approx_min(approx_min(a->y, b->y), c->y);
	s->bottom = approx_max(approx_max(a->y, b->y), c->y);
	return true;
}

/* Tiles [*first, *end) of @n along an axis that @low … @high touches. */
static inline void reach(float low, float high, float side, uint32_t n, int32_t *first,
			 int32_t *end)
{
	float limit = (float)n, over = 1 / side;

	*first = (int32_t)approx_clamp(low * over, 0, limit);
	*end = (int32_t)approx_clamp(high * over + 1, 0, limit);
}

/* Narrows a row of tiles to those where no edge rules every sample out. */
static inline void narrow(const struct setup *s, float top, float side, int32_t *first,
			  int32_t *end)
{
	for (int i = 0; i < 3; i++) {
		const struct edge *e = &s->edge[i];
		float most = e->y * ((e->y > 0 ? top + side : top) - e->at_y);

		if (e->x > 0) { /* one more tile either way for rounding */
			float from = (e->at_x - most / e->x) / side - 2;

			*first = from > (float)*first ? (int32_t)approx_min(from, (float)*end)
						      : *first;
		} else if (e->x < 0) {
			float to = (e->at_x - most / e->x) / side + 2;

			*end = to < (float)*end ? (int32_t)approx_max(to, (float)*first) : *end;
		} else if (most < 0) {
			*end = *first;
		}
	}
}

static inline void tile(const struct lanesim_raster *raster, const struct setup *s, uint32_t face,
			float x, float y, float *restrict nearness, uint32_t *restrict seen)
{
	const struct edge *e = s->edge;
	float x0 = x - e[0].at_x, y0 = y - e[0].at_y, x1 = x - e[1].at_x, y1 = y - e[1].at_y;
	float x2 = x - e[2].at_x, y2 = y - e[2].at_y, xn = x - s->at_x, yn = y - s->at_y;

	for (int i = 0; i < LANES; i++) {
		float dx = raster->lane_x[i], dy = raster->lane_y[i];
		float a = e[0].x * (x0 + dx) + e[0].y * (y0 + dy);
		float b = e[1].x * (x1 + dx) + e[1].y * (y1 + dy);
		float c = e[2].x * (x2 + dx) + e[2].y * (y2 + dy);
		float near = s->nearness + s->by_x * (xn + dx) + s->by_y * (yn + dy);
		bool in;

		near = approx_clamp(near, s->least, s->most);
		in = (a >= e[0].least) & (b >= e[1].least) & (c >= e[2].least) &
		     (near > nearness[i]);
		nearness[i] = in ? near : nearness[i];
		seen[i] = in ? face : seen[i];
	}
}

/* ---- surfaces with holes --------------------------------------------------------------------- */

/* u / depth and v / depth are planes too. */
struct punch {
	const struct lanesim_level *level;
	float scale; /* of u, v on that level */
	float u, u_x, u_y, v, v_x, v_y;
};

/* Whether there may be one in the face: @reaches as far as the coarsest texel it is seen with. */
static bool may_have_hole(const struct lanesim_faces *faces, const struct lanesim_face *face,
			  float area)
{
	const struct lanesim_material *material = faces->materials + face->material;
	const struct lanesim_texture *texture = material->surface->texture;
	const struct lanesim_vertex *a = lanesim_faces_vertex(faces, material, face->corner[0]);
	const struct lanesim_vertex *b = lanesim_faces_vertex(faces, material, face->corner[1]);
	const struct lanesim_vertex *c = lanesim_faces_vertex(faces, material, face->corner[2]);
	float texels = (b->u - a->u) * (c->v - a->v) - (c->u - a->u) * (b->v - a->v);
	/* A level's texel is at most √2 times as wide as a pixel; two of them are looked at. */
	float reaches = 3 * sqrtf((texels < 0 ? -texels : texels) / area) + 1;
	float right = (float)(texture->width - 1), bottom = (float)(texture->height - 1);
	float left = approx_min(approx_min(a->u, b->u), c->u) - reaches;
	float top = approx_min(approx_min(a->v, b->v), c->v) - reaches;
	uint32_t across = (texture->width + LANESIM_HOLE_BLOCK - 1) / LANESIM_HOLE_BLOCK;
	uint32_t x0 = (uint32_t)approx_clamp(left, 0, right) / LANESIM_HOLE_BLOCK;
	uint32_t y0 = (uint32_t)approx_clamp(top, 0, bottom) / LANESIM_HOLE_BLOCK;
	float far_u = approx_max(approx_max(a->u, b->u), c->u) + reaches;
	float far_v = approx_max(approx_max(a->v, b->v), c->v) + reaches;
	uint32_t x1 = (uint32_t)approx_clamp(far_u, 0, right) / LANESIM_HOLE_BLOCK;
	uint32_t y1 = (uint32_t)approx_clamp(far_v, 0, bottom) / LANESIM_HOLE_BLOCK;

	for (uint32_t y = y0; y <= y1; y++)
		for (uint32_t x = x0; x <= x1; x++)
			if (texture->holed[(size_t)y * across + x])
				return true;
	return false;
}

static void punch_of(const struct lanesim_faces *faces, const struct lanesim_face *face,
		     const struct setup *s, struct punch *p)
{
	const struct lanesim_material *material = faces->materials + face->material;
	const struct lanesim_corner *c[3];
	float u[3], v[3], u_near[3], v_near[3], x1, y1, x2, y2, over = 1 / s->area, area, lod;
	int32_t level;

	for (int i = 0; i < 3; i++) {
		const struct lanesim_vertex *vertex = lanesim_faces_vertex(faces, material,
									   face->corner[i]);

		c[i] = faces->corners + face->corner[i];
		u[i] = vertex->u;
		v[i] = vertex->v;
		u_near[i] = u[i] * c[i]->nearness;
		v_near[i] = v[i] * c[i]->nearness;
	}
	x1 = c[1]->x - c[0]->x;
	y1 = c[1]->y - c[0]->y;
	x2 = c[2]->x - c[0]->x;
	y2 = c[2]->y - c[0]->y;
	p->u = u_near[0];
	p->u_x = ((u_near[1] - u_near[0]) * y2 - (u_near[2] - u_near[0]) * y1) * over;
	p->u_y = ((u_near[2] - u_near[0]) * x1 - (u_near[1] - u_near[0]) * x2) * over;
	p->v = v_near[0];
	p->v_x = ((v_near[1] - v_near[0]) * y2 - (v_near[2] - v_near[0]) * y1) * over;
	p->v_y = ((v_near[2] - v_near[0]) * x1 - (v_near[1] - v_near[0]) * x2) * over;
	area = (u[1] - u[0]) * (v[2] - v[0]) - (u[2] - u[0]) * (v[1] - v[0]);
	lod = 0.5f * approx_log2((area < 0 ? -area : area) * over);
	level = (int32_t)approx_clamp(lod + 0.5f, 0, (float)(material->levels_n - 1));
	p->level = material->levels + level;
	p->scale = 1 / (float)(1u << level);
}

/* Bilinear cover at (u, v) of a level, 0 … 65535. */
static inline float cover_at(const struct lanesim_level *level, float u, float v)
{
	float x = approx_clamp(u - 0.5f, 0, (float)(level->width - 1));
	float y = approx_clamp(v - 0.5f, 0, (float)(level->height - 1));
	uint32_t i = (uint32_t)(int32_t)x, j = (uint32_t)(int32_t)y;
	uint32_t right = i + 1 < level->width, below = j + 1 < level->height ? level->width : 0;
	const struct lanesim_texel *t = level->texels + (size_t)j * level->width + i;
	float fx = x - (float)i, fy = y - (float)j;

	return approx_mix(approx_mix(t[0].cover, t[right].cover, fx),
			  approx_mix(t[below].cover, t[below + right].cover, fx), fy);
}

static void tile_with_holes(const struct lanesim_raster *raster, const struct setup *s,
			    const struct punch *p, uint32_t face, float x, float y,
			    float *restrict nearness, uint32_t *restrict seen)
{
	float near[LANES];
	uint32_t found[LANES];

	memcpy(near, nearness, sizeof(near));
	memset(found, 0, sizeof(found));
	tile(raster, s, face, x, y, near, found);
	for (int i = 0; i < LANES; i++) {
		float dx = x - s->at_x + raster->lane_x[i], dy = y - s->at_y + raster->lane_y[i];
		/* The punch has u and v over the depth there. */
		float over = p->scale / near[i];

		if (!found[i] || cover_at(p->level, (p->u + p->u_x * dx + p->u_y * dy) * over,
					  (p->v + p->v_x * dx + p->v_y * dy) * over) < 32767.5f)
			continue;
		nearness[i] = near[i];
		seen[i] = face;
	}
}

/* ---- faces ----------------------------------------------------------------------------------- */

static void draw_face(const struct lanesim_raster *raster, const struct lanesim_faces *faces,
		      uint32_t index)
{
	const struct lanesim_face *face = faces->faces + index;
	bool holes = faces->materials[face->material].holes;
	int32_t first, end, row, row_end;
	struct punch punch;
	struct setup s;

	if (!set_up(faces->corners + face->corner[0], faces->corners + face->corner[1],
		    faces->corners + face->corner[2], &s))
		return;
	holes = holes && may_have_hole(faces, face, s.area);
	if (holes)
		punch_of(faces, face, &s, &punch);
	reach(s.top - raster->side * (float)raster->top,
	      s.bottom - raster->side * (float)raster->top, raster->side, raster->rows, &row,
	      &row_end);
	for (; row < row_end; row++) {
		float y = (float)(raster->top + (uint32_t)row) * raster->side;

		reach(s.left, s.right, raster->side, raster->columns, &first, &end);
		if (end - first > 4)
			narrow(&s, y, raster->side, &first, &end);
		for (int32_t column = first; column < end; column++) {
			size_t at = ((size_t)row * raster->columns + (size_t)column) * LANES;
			float x = (float)column * raster->side;

			if (holes)
				tile_with_holes(raster, &s, &punch, index + 1, x, y,
						raster->nearness + at, raster->seen + at);
			else
				tile(raster, &s, index + 1, x, y, raster->nearness + at,
				     raster->seen + at);
		}
	}
}

void LANESIM_ISA_NAME(lanesim_draw)(const struct lanesim_raster *raster,
				    const struct lanesim_faces *faces, const uint32_t *list,
				    uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		draw_face(raster, faces, list[i]);
}

/* ---- clear faces ----------------------------------------------------------------------------- */

static uint32_t layer_tile(const uint32_t *found, uint32_t face, uint32_t x, uint32_t y,
			   uint32_t top, uint32_t width, uint32_t height,
			   struct lanesim_fragment *ret_fragments)
{
	uint32_t n = 0;

	for (uint32_t pixel = 0; pixel < 4; pixel++) {
		const uint32_t *sample = found + LANESIM_PIXEL_SAMPLES * pixel;
		uint32_t samples = sample[0] | sample[1] << 1 | sample[2] << 2 | sample[3] << 3;
		uint32_t count = sample[0] + sample[1] + sample[2] + sample[3];
		uint32_t px = x + (pixel & 1), py = y + (pixel >> 1);

		if (!count || px >= width || py >= height)
			continue;
		ret_fragments[n++] = (struct lanesim_fragment){
			.face = face,
			.pixel = py * width + px,
			.samples = samples,
			.x = (float)px + 0.5f,
			.y = (float)(py + top) + 0.5f,
			.weight = (float)count * (1.0f / LANESIM_PIXEL_SAMPLES)
		};
	}
	return n;
}

uint32_t LANESIM_ISA_NAME(lanesim_layer)(const struct lanesim_raster *raster,
					 const struct lanesim_faces *faces, uint32_t face,
					 uint32_t width, uint32_t height,
					 struct lanesim_fragment *ret_fragments)
{
	const uint32_t *corner = faces->faces[face].corner;
	uint32_t n = 0, top = raster->top * LANESIM_TILE_PIXELS;
	int32_t first, end, row, row_end;
	struct setup s;

	if (!set_up(faces->corners + corner[0], faces->corners + corner[1],
		    faces->corners + corner[2], &s))
		return 0;
	reach(s.top - (float)top, s.bottom - (float)top, raster->side, raster->rows, &row,
	      &row_end);
	for (; row < row_end; row++) {
		float y = (float)(raster->top + (uint32_t)row) * raster->side;

		reach(s.left, s.right, raster->side, raster->columns, &first, &end);
		if (end - first > 4)
			narrow(&s, y, raster->side, &first, &end);
		for (int32_t column = first; column < end; column++) {
			size_t at = ((size_t)row * raster->columns + (size_t)column) * LANES;
			float near[LANES];
			uint32_t found[LANES] = { 0 };

			memcpy(near, raster->nearness + at, sizeof(near));
			tile(raster, &s, 1, (float)column * raster->side, y, near, found);
			n += layer_tile(found, face, (uint32_t)column * LANESIM_TILE_PIXELS,
					(uint32_t)row * LANESIM_TILE_PIXELS, top, width, height,
					ret_fragments + n);
		}
	}
	return n;
}
