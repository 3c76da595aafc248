/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block of fragments of one material, field by field: where they are, what colour they have,
 * whether the key light reaches them, what they reflect. All static: part of kernel/shade.c.
 */
#ifndef LANESIM_KERNEL_BLOCK_H
#define LANESIM_KERNEL_BLOCK_H

#include "lanesim/render/approx.h"
#include "lanesim/render/frame.h"
#include "lanesim/render/noise.h"

enum { BLOCK = 64, ATTRIBUTES = 12 };
/* As in struct lanesim_vertex. */
enum { PX, PY, PZ, NX, NY, NZ, SX, SY, SZ, U, V, SKY };

_Static_assert(sizeof(struct lanesim_vertex) == ATTRIBUTES * sizeof(float), "vertices are floats");
_Static_assert(offsetof(struct lanesim_vertex, sky) == SKY * sizeof(float), "in this order");

struct block {
	uint32_t n; /* the others repeat the last */
	const struct lanesim_fragment *fragment[BLOCK];
	const struct lanesim_vertex *vertex[BLOCK][3];
	float x[3][BLOCK], y[3][BLOCK], near[3][BLOCK]; /* corners, from the fragment */
	float share[3][BLOCK]; /* of each vertex in the fragment */
	float texels[BLOCK]; /* area of the face in texels of level 0, twice */
	float side[BLOCK]; /* 1 outside, −1 inside of the surface */
	float depth[BLOCK], lod[BLOCK];
	float attribute[ATTRIBUTES][BLOCK];
	float strand[3][BLOCK]; /* along v */
	float albedo[LANESIM_BANDS][BLOCK], gloss[BLOCK];
	float lit[BLOCK]; /* by the key light: 0 in shadow … 1 */
	float out[LANESIM_BANDS][BLOCK];
};

static void block_corners(struct block *b, const struct lanesim_faces *faces,
			  const struct lanesim_material *material)
{
	for (int i = 0; i < BLOCK; i++) {
		const struct lanesim_fragment *fragment = b->fragment[i];
		const struct lanesim_face *face = faces->faces + fragment->face;
		const struct lanesim_vertex **v = b->vertex[i];

		for (int k = 0; k < 3; k++) {
			const struct lanesim_corner *corner = faces->corners + face->corner[k];

			b->x[k][i] = corner->x - fragment->x;
			b->y[k][i] = corner->y - fragment->y;
			b->near[k][i] = corner->nearness;
			v[k] = lanesim_faces_vertex(faces, material, face->corner[k]);
		}
		b->texels[i] = (v[1]->u - v[0]->u) * (v[2]->v - v[0]->v) -
			       (v[2]->u - v[0]->u) * (v[1]->v - v[0]->v);
		b->side[i] = face->back ? -1 : 1;
	}
}

/* Shares of the corners, true to perspective; a fragment just outside its face moves in. */
static void block_shares(struct block *restrict b)
{
	for (int i = 0; i < BLOCK; i++) {
		float e0 = approx_max(b->x[1][i] * b->y[2][i] - b->x[2][i] * b->y[1][i], 0);
		float e1 = approx_max(b->x[2][i] * b->y[0][i] - b->x[0][i] * b->y[2][i], 0);
		float e2 = approx_max(b->x[0][i] * b->y[1][i] - b->x[1][i] * b->y[0][i], 0);
		float p0 = e0 * b->near[0][i], p1 = e1 * b->near[1][i], p2 = e2 * b->near[2][i];
		float area = approx_max(e0 + e1 + e2, 1e-30f), sum = p0 + p1 + p2;
		float over = 1 / approx_max(sum, 1e-30f), texels = b->texels[i];

		b->share[0][i] = p0 * over;
		b->share[1][i] = p1 * over;
		b->share[2][i] = p2 * over;
		b->depth[i] = area * over;
		texels = texels < 0 ? -texels : texels;
		b->lod[i] = 0.5f * approx_log2(texels / area);
	}
}

static void block_attributes(struct block *restrict b)
{
	for (int i = 0; i < BLOCK; i++) {
		float a[ATTRIBUTES], v[3][ATTRIBUTES];
		float s0 = b->share[0][i], s1 = b->share[1][i], s2 = b->share[2][i];

		for (int k = 0; k < 3; k++)
			memcpy(v[k], b->vertex[i][k], sizeof(v[k]));
		for (int k = 0; k < ATTRIBUTES; k++)
			a[k] = s0 * v[0][k] + s1 * v[1][k] + s2 * v[2][k];
		for (int k = 0; k < ATTRIBUTES; k++)
			b->attribute[k][i] = a[k];
	}
}

static void block_strands(struct block *restrict b)
{
	for (int i = 0; i < BLOCK; i++) {
		const struct lanesim_vertex *const *v = b->vertex[i];
		struct vec one = vec_sub(v[1]->p, v[0]->p), two = vec_sub(v[2]->p, v[0]->p);
		struct vec t = vec_unit(vec_sub(vec_scale(two, v[1]->u - v[0]->u),
						vec_scale(one, v[2]->u - v[0]->u)));

		b->strand[0][i] = t.x;
		b->strand[1][i] = t.y;
		b->strand[2][i] = t.z;
	}
}

/* ---- textures -------------------------------------------------------------------------------- */

typedef uint16_t eight_shares __attribute__((vector_size(16)));
typedef int32_t eight_ints __attribute__((vector_size(32)));
typedef float eight __attribute__((vector_size(32)));

enum { CHANNELS = 8, GLOSS = 4 }; /* as in struct lanesim_texel, and two of the next */

static inline void add_texel(eight *sum, const struct lanesim_texel *texel, float weight)
{
	eight_shares shares;

	memcpy(&shares, texel, sizeof(shares));
	*sum += __builtin_convertvector(__builtin_convertvector(shares, eight_ints), eight) *
		weight;
}

/* Adds @weight of the level at (u, v) of level 0, bilinear; beyond its edges they go on. */
static inline void add_level(eight *sum, const struct lanesim_level *level, float scale, float u,
			     float v, float weight)
{
	float x = approx_clamp(u * scale - 0.5f, 0, (float)(level->width - 1));
	float y = approx_clamp(v * scale - 0.5f, 0, (float)(level->height - 1));
	int32_t i = (int32_t)x, j = (int32_t)y;
	size_t right = (uint32_t)i + 1 < level->width;
	size_t below = (uint32_t)j + 1 < level->height ? level->width : 0;
	const struct lanesim_texel *t = level->texels + (size_t)j * level->width + (size_t)i;
	float fx = x - (float)i, fy = (y - (float)j) * weight, gy = weight - fy;

	add_texel(sum, t, (1 - fx) * gy);
	add_texel(sum, t + right, fx * gy);
	add_texel(sum, t + below, (1 - fx) * fy);
	add_texel(sum, t + below + right, fx * fy);
}

static void block_texture(struct block *restrict b, const struct lanesim_material *material)
{
	float most = (float)(material->levels_n - 1);

	for (int i = 0; i < BLOCK; i++) {
		float lod = approx_clamp(b->lod[i], 0, most), scale, channel[CHANNELS];
		int32_t level = (int32_t)lod;
		float u = b->attribute[U][i], v = b->attribute[V][i], rest = lod - (float)level;
		eight sum = { 0 };

		scale = approx_from_bits((uint32_t)(127 - level) << 23);
		add_level(&sum, material->levels + level, scale, u, v, 1 - rest);
		if (rest > 0)
			add_level(&sum, material->levels + level + 1, scale * 0.5f, u, v, rest);
		sum *= 1.0f / 65535;
		memcpy(channel, &sum, sizeof(channel));
		for (int band = 0; band < LANESIM_BANDS; band++)
			b->albedo[band][i] = channel[band];
		b->gloss[i] = channel[GLOSS];
	}
}

static void block_colour(struct block *restrict b, const struct lanesim_surface *surface)
{
	for (int band = 0; band < LANESIM_BANDS; band++)
		for (int i = 0; i < BLOCK; i++)
			b->albedo[band][i] = surface->albedo[band];
	for (int i = 0; i < BLOCK; i++)
		b->gloss[i] = surface->gloss;
}

/* ---- shadow ---------------------------------------------------------------------------------- */

/* The map is looked up over 4 × 4 texels, a trapezium of weights that moves smoothly. */
typedef float four __attribute__((vector_size(16)));
typedef int32_t four_ints __attribute__((vector_size(16)));

enum { TAPS = 4 };
/* The surface's own unevenness within a texel or two, and over what depth a shadow sets in; cm. */
#define BIAS_TEXELS 1.5f
#define BIAS 0.05f
#define ONSET_TEXELS 1.5f

static inline float shadow_taps(const float *map, uint32_t side, float x, float y, float z,
				float over_onset)
{
	int32_t i = (int32_t)x, j = (int32_t)y;
	float fx = x - (float)i, fy = y - (float)j;
	four wx = { 1 - fx, 1, 1, fx }, sum = { 0 };
	float wy[TAPS] = { 1 - fy, 1, 1, fy };

	for (int k = 0; k < TAPS; k++) {
		four near, dark;

		memcpy(&near, map + (size_t)(j + k) * side + (size_t)i, sizeof(near));
		dark = (near - z) * over_onset;
		dark = (four)((four_ints)dark & (dark > 0));
		dark = (four)(((four_ints)dark & (dark < 1)) |
			      ((four_ints)(four){ 1, 1, 1, 1 } & (dark >= 1)));
		sum += dark * wx * wy[k];
	}
	return (sum[0] + sum[1] + sum[2] + sum[3]) * (1.0f / 9);
}

static void block_shadow(struct block *restrict b, const struct lanesim_material *material,
			 float strength)
{
	const struct lanesim_shadow *shadow = material->shadow;
	struct rigid place = material->shadow_place;
	float texel = 1 / shadow->plane.scale, over_onset = 1 / (ONSET_TEXELS * texel + 0.05f);
	float step = BIAS_TEXELS * texel, last = (float)(shadow->side - TAPS - 1);
	float x[BLOCK], y[BLOCK], z[BLOCK];

	for (int i = 0; i < BLOCK; i++) {
		struct vec n = vec_unit(
			vec_make(b->attribute[NX][i], b->attribute[NY][i], b->attribute[NZ][i]));
		struct vec p = vec_make(b->attribute[PX][i], b->attribute[PY][i],
					b->attribute[PZ][i]),
			   q;

		q = rigid_apply(&place, vec_along(p, n, step * b->side[i]));
		x[i] = q.x - 2;
		y[i] = q.y - 2;
		z[i] = q.z + BIAS;
	}
	for (int i = 0; i < BLOCK; i++) {
		bool inside = x[i] >= 0 && y[i] >= 0 && x[i] < last && y[i] < last;

		b->lit[i] = inside ? 1 - strength * shadow_taps(shadow->nearness, shadow->side,
								x[i], y[i], z[i], over_onset)
				   : 1;
	}
}

/* ---- surroundings ---------------------------------------------------------------------------- */

enum { CELLS = 8 }; /* of a turn of the pattern */

struct surroundings {
	int32_t layer;
	float shift;
};

static void set_surroundings(struct surroundings *s, const struct lanesim_light *light)
{
	s->layer = (int32_t)(light->reflection_seed ^ light->reflection_seed >> 32);
	s->shift = light->reflection_shift * CELLS;
}

/* Value noise along a line that repeats after CELLS. */
static inline float band_noise(float x, int32_t layer)
{
	int32_t i = approx_floor(x);
	float f = x - (float)i;

	f = f * f * (3 - 2 * f);
	return approx_mix(noise_lattice(i & (CELLS - 1), layer, 0),
			  noise_lattice((i + 1) & (CELLS - 1), layer, 0), f);
}

/* What comes from direction @r of the world, as shares of the sky's and the ground's light. */
static inline void reflect(const struct surroundings *s, struct vec r, float *ret_sky,
			   float *ret_ground)
{
	float up = r.y < 0 ? -r.y : r.y, above = approx_step(-.04f, .08f, r.y);
	/* On a ceiling above: beams across, drawn out towards the horizon. */
	float along = (r.z + 0.35f * r.x) / (up + 0.3f) * 1.5f;
	float beam = approx_step(.52f, .6f, band_noise(along + s->shift, s->layer));
	float lamp = approx_step(.78f, .84f, band_noise(1.7f * along + s->shift, s->layer + 1));
	/* Trees, houses, vehicles behind. */
	float skyline = approx_step(.22f, .16f, r.y - .12f * band_noise(4 * along, s->layer + 2));
	float high = approx_step(.1f, .35f, r.y);

	*ret_sky = above * (1.2f - 0.3f * up) * (1 - .75f * beam * high) * (1 - .6f * skyline) +
		   lamp * high;
	*ret_ground = 1 - above;
}

static void block_fill(struct block *b, const struct lanesim_faces *faces,
		       const struct lanesim_material *material, float shadow)
{
	block_corners(b, faces, material);
	block_shares(b);
	block_attributes(b);
	if (material->surface->shine == LANESIM_HAIR)
		block_strands(b);
	if (material->levels_n)
		block_texture(b, material);
	else
		block_colour(b, material->surface);
	if (material->shadow)
		block_shadow(b, material, shadow);
	else
		for (int i = 0; i < BLOCK; i++)
			b->lit[i] = 1;
}

#endif
