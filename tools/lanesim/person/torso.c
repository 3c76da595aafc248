/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/person/torso.h"

#include "lanesim/person/rod.h"
#include "lanesim/render/noise.h"

#define PURPOSE_CLOTH 0x636c6f7468u /* of a series of draws */

/* An adult's sections, top down: height, half width, half depth, centre z behind the ears' axis. */
static const float sections[][4] = {
	{ -4, 4.7f, 5, -1 },
	{ -8, 5, 5.3f, -1.5f },
	{ -10.5f, 5, 5.2f, -2.2f },
	{ -12.5f, 5.3f, 5.4f, -3.1f },
	{ -14, 6.5f, 6.2f, -3.9f },
	{ -15.3f, 9.2f, 7, -4.4f },
	{ -16.6f, 12.6f, 7.9f, -4.8f },
	{ -18, 15.6f, 8.7f, -4.8f },
	{ -20, 17.5f, 9.7f, -4.3f },
	{ -25, 17.6f, 11.2f, -3.6f },
	{ -33, 16.6f, 11.6f, -3.2f },
	{ -46, 15.6f, 11.4f, -3 },
};

enum { SECTIONS = sizeof(sections) / sizeof(sections[0]) };

#define LOWEST (-46.0f)

void lanesim_torso_init(struct lanesim_torso *torso, const struct lanesim_identity *identity)
{
	torso->scale = 0.55f + 0.45f * identity->size;
	torso->neck = lanesim_get(identity, LANESIM_P_NECK_WIDTH) * (1 + 0.03f * identity->robust);
	torso->shoulder = lanesim_get(identity, LANESIM_P_SHOULDER_WIDTH) *
			  (1 + 0.05f * identity->robust);
	torso->z = lanesim_head_skull(identity, LANESIM_PI / 2, 0).z;
}

/* Half width, half depth and centre at @y of the adult's body: a cubic through the sections. */
static void section_at(float y, float ret[3])
{
	int i = 0;
	float t;

	while (i < SECTIONS - 2 && y < sections[i + 1][0])
		i++;
	t = approx_clamp((sections[i][0] - y) / (sections[i][0] - sections[i + 1][0]), 0, 1);
	for (int k = 1; k < 4; k++) {
		float b = sections[i][k], c = sections[i + 1][k];
		float h = sections[i][0] - sections[i + 1][0];
		const float *before = sections[i ? i - 1 : 0];
		const float *after = sections[i + 2 < SECTIONS ? i + 2 : SECTIONS - 1];
		float m0 = (c - before[k]) / (before[0] - sections[i + 1][0]) * h;
		float m1 = (after[k] - b) / (sections[i][0] - after[0]) * h;

		ret[k - 1] = b + t * (m0 + t * (3 * (c - b) - 2 * m0 - m1 +
						t * (2 * (b - c) + m0 + m1)));
	}
}

struct vec lanesim_torso_point(const struct lanesim_torso *torso, float angle, float y, float out)
{
	float s[3], level = y / torso->scale, wide, power, x, z, sn = approx_sin(angle);
	float cs = approx_cos(angle);

	section_at(level, s);
	wide = approx_mix(torso->neck, torso->shoulder, approx_step(-13, -18, level));
	power = 2 / approx_mix(2, 2.5f, approx_step(-15, -22, level));
	x = approx_pow(sn < 0 ? -sn : sn, power) * (sn < 0 ? -1 : 1);
	z = approx_pow(cs < 0 ? -cs : cs, power) * (cs < 0 ? -1 : 1);
	return vec_make(x * (s[0] * wide * torso->scale + out), y,
			torso->z + s[2] * torso->scale +
				z * (s[1] * approx_mix(wide, 1, 0.6f) * torso->scale + out));
}

float lanesim_torso_with_head(const struct lanesim_torso *torso, float y)
{
	return 0.95f * approx_step(-16, -6, y / torso->scale);
}

/* ---- the neck -------------------------------------------------------------------------------- */

/* Of the skin: the two muscles from behind the ears to the pit of the throat, and the larynx. */
static float neck_relief(const struct lanesim_identity *identity, float angle, float level)
{
	float along = approx_clamp((-7 - level) / 8, 0, 1), side = angle < 0 ? -angle : angle;
	float muscle = approx_bump((side - approx_mix(1.45f, 0.2f, along)) / 0.28f) *
		       approx_step(-6, -9, level) * approx_step(-16.8f, -14.2f, level);
	float larynx = approx_bump2(angle, level, 0, -11.9f, 0.2f, 1.1f);
	float pit = approx_bump2(angle, level, 0, -15.2f, 0.16f, 0.7f);

	return 0.3f * muscle + (0.3f + 0.3f * identity->robust) * larynx - 0.4f * pit;
}

static void paint_neck(struct lanesim_build *build, struct lanesim_texture *texture)
{
	const struct lanesim_identity *identity = build->identity;
	float tone[LANESIM_BANDS], age = identity->age;
	int32_t layer = (int32_t)identity->texture_seed;

	lanesim_skin_tone(lanesim_get(identity, LANESIM_P_MELANIN), tone);
	for (uint32_t y = 0; y < texture->height; y++) {
		for (uint32_t x = 0; x < texture->width; x++) {
			struct lanesim_texel *texel = &texture->texels[y * texture->width + x];
			float u = (float)x, v = (float)y;
			float broad = noise_plane(u * 0.11f, v * 0.08f, layer) - 0.5f;
			float fine = noise_plane(u * 0.9f, v * 0.9f, layer + 1) - 0.5f;
			/* Lines about the neck deepen with age. */
			float bend = v + 3 * noise_plane(u * 0.1f, 0, layer + 2);
			float line = approx_bump((bend - 32) / 1.1f) + approx_bump((bend - 43) / 1);
			float shade = 0.95f + 0.1f * broad + 0.07f * fine -
				      (0.05f + 0.12f * age) * line;

			for (int b = 0; b < LANESIM_BANDS; b++) {
				float tint = b == LANESIM_R ? 1 + 0.04f * broad : 1;

				texel->albedo[b] =
					(uint16_t)(65535 *
						   approx_clamp(tone[b] * shade * tint, 0, 1));
			}
			texel->gloss = (uint16_t)(65535 * 0.25f);
			texel->cover = 65535;
		}
	}
	lanesim_texture_reduce(texture);
}

static void build_neck(struct lanesim_build *build, const struct lanesim_torso *torso)
{
	enum { ROWS = 22, COLUMNS = 40, WIDTH = 80, HEIGHT = 64 };
	struct lanesim_texture *texture = lanesim_build_texture(build, WIDTH, HEIGHT);
	struct lanesim_surface surface = { .shine = LANESIM_SKIN, .texture = texture };
	uint32_t first = lanesim_build_vertices(build, ROWS * (COLUMNS + 1), 0);

	if (!texture || build->failed || build->mesh.failed)
		return;
	paint_neck(build, texture);
	for (uint32_t row = 0; row < ROWS; row++) {
		float level = -4 - 19.0f * (float)row / (ROWS - 1);
		float y = level * torso->scale;

		for (uint32_t column = 0; column <= COLUMNS; column++) {
			float angle = ((float)column / COLUMNS - 0.5f) * 2 * LANESIM_PI;
			uint32_t i = first + row * (COLUMNS + 1) + column;
			struct lanesim_vertex *vertex = &build->mesh.vertices[i];
			float side = angle < 0 ? -angle : angle;

			vertex->p = lanesim_torso_point(torso, angle, y,
							neck_relief(build->identity, angle, level));
			vertex->u = 0.5f + (float)column * (WIDTH - 1) / COLUMNS;
			vertex->v = 0.5f + (float)row * (HEIGHT - 1) / (ROWS - 1);
			/* The head covers the upper front. */
			vertex->sky = approx_mix(1, 0.35f,
						 approx_step(-14.5f, -9, level) *
							 approx_step(2.6f, 1.2f, side));
			build->with_head[i] = lanesim_torso_with_head(torso, y);
		}
	}
	lanesim_mesh_grid_normals(&build->mesh, first, ROWS, COLUMNS + 1, false, false);
	lanesim_mesh_grid(&build->mesh, first, ROWS, COLUMNS + 1, false, false,
			  lanesim_mesh_add_surface(&build->mesh, &surface));
}

/* ---- clothes --------------------------------------------------------------------------------- */

enum pattern { PLAIN, STRIPES, RINGS, TWO_TONE, HEATHER, PATTERNS };

struct clothes {
	struct lanesim_torso torso;
	enum pattern pattern;
	float neckline; /* its front's height, adult's cm */
	float pitch; /* of stripes, texels */
	float fold; /* depth of folds, cm */
	float second[LANESIM_BANDS];
	bool shirt; /* with a collar that folds over */
	int32_t layer; /* of noise */
	uint32_t surface;
};

enum { CLOTH_WIDTH = 256, CLOTH_HEIGHT = 160, SLEEVE_U = 200 }; /* sleeves right of SLEEVE_U */

static void draw_clothes(struct clothes *clothes, const struct lanesim_wear *wear)
{
	uint64_t series = draw_series(wear->seed, PURPOSE_CLOTH);
	float light = draw_between(&series, 0.3f, 1.9f);
	bool plain = draw_uniform(&series) < 0.5f;

	clothes->pattern = plain ? PLAIN : draw_below(&series, PATTERNS);
	clothes->shirt = wear->collar > 0.55f;
	clothes->neckline = clothes->shirt
				    ? -17.6f
				    : -15.6f - 2.6f * draw_uniform(&series) * draw_uniform(&series);
	clothes->pitch = draw_between(&series, 3.5f, 11);
	clothes->fold = draw_between(&series, 0.15f, 0.45f);
	clothes->layer = (int32_t)draw_below(&series, 100000);
	for (int b = 0; b < LANESIM_BANDS; b++)
		clothes->second[b] = approx_clamp(wear->cloth_albedo[b] * light, 0.02f, 0.85f);
}

/* Share of the second colour at a texel. */
static float pattern_at(const struct clothes *clothes, float u, float v)
{
	float wave;

	switch (clothes->pattern) {
	case STRIPES:
		wave = approx_sin_turns(u / clothes->pitch);
		return approx_step(0.1f, 0.5f, wave);
	case RINGS:
		wave = approx_sin_turns(v / (1.6f * clothes->pitch));
		return approx_step(-0.15f, 0.25f, wave);
	case TWO_TONE:
		return u >= SLEEVE_U ? 1 : approx_step(62, 61, v);
	case HEATHER:
		return noise_plane(u * 0.8f, v * 0.5f, clothes->layer + 9) * 0.6f;
	default:
		return 0;
	}
}

static void paint_clothes(const struct clothes *clothes, const struct lanesim_wear *wear,
			  struct lanesim_texture *texture)
{
	for (uint32_t y = 0; y < texture->height; y++) {
		for (uint32_t x = 0; x < texture->width; x++) {
			struct lanesim_texel *texel = &texture->texels[y * texture->width + x];
			float u = (float)x, v = (float)y;
			float weave = noise_lattice((int32_t)x, (int32_t)y, clothes->layer) - 0.5f;
			float worn = noise_plane(u * 0.06f, v * 0.06f, clothes->layer + 1) - 0.5f;
			float shade = 1 + 0.16f * weave + 0.16f * worn;
			float share = pattern_at(clothes, u, v);

			for (int b = 0; b < LANESIM_BANDS; b++) {
				float albedo = approx_mix(wear->cloth_albedo[b], clothes->second[b],
							  share) *
					       shade;

				texel->albedo[b] = (uint16_t)(65535 * approx_clamp(albedo, 0, 1));
			}
			texel->gloss = 65535 / 20;
			texel->cover = 65535;
		}
	}
	lanesim_texture_reduce(texture);
}

/* Where the cloth begins: low in front, high behind. Adult's cm. */
static float neckline_at(const struct clothes *clothes, float angle)
{
	float side = angle < 0 ? -angle : angle;
	float front = clothes->shirt ? approx_clamp(1 - side / 0.75f, 0, 1)
				     : approx_step(1.5f, 0, side);

	return approx_mix(-13.9f, clothes->neckline, front) + 0.5f * approx_step(1.5f, 2.6f, side);
}

/* Folds hang from the shoulders and run together below the arms. */
static float fold_at(const struct clothes *clothes, float angle, float level)
{
	float side = angle < 0 ? -angle : angle;
	float down = approx_step(-16.5f, -23, level);
	float n = noise_plane(angle * 2.2f + 9, (level + 7 * side) * 0.16f, clothes->layer + 2);
	float m = noise_plane(angle * 5 + 40, (level - 4 * side) * 0.22f, clothes->layer + 3);

	return clothes->fold * down * (2 * n + m - 1.5f);
}

static void build_chest(struct lanesim_build *build, const struct clothes *clothes)
{
	enum { ROWS = 30, COLUMNS = 56 };
	uint32_t first = lanesim_build_vertices(build, ROWS * (COLUMNS + 1), 0);

	if (build->failed || build->mesh.failed)
		return;
	for (uint32_t row = 0; row < ROWS; row++) {
		float t = (float)row / (ROWS - 1), lower = t * (0.35f + 0.65f * t);

		for (uint32_t column = 0; column <= COLUMNS; column++) {
			float angle = ((float)column / COLUMNS - 0.5f) * 2 * LANESIM_PI;
			float level = approx_mix(neckline_at(clothes, angle), LOWEST, lower);
			uint32_t i = first + row * (COLUMNS + 1) + column;
			struct lanesim_vertex *vertex = &build->mesh.vertices[i];
			float out = row ? 0.4f + fold_at(clothes, angle, level) : 0;
			float y = level * clothes->torso.scale;

			vertex->p = lanesim_torso_point(&clothes->torso, angle, y, out);
			vertex->p.y += 0.6f * out;
			vertex->u = 0.5f + (float)column * (SLEEVE_U - 2) / COLUMNS;
			vertex->v = 0.5f + (-13.5f - level) * (CLOTH_HEIGHT - 1) / 33;
			vertex->sky = approx_mix(1, 0.6f, approx_step(-17, -14, level));
			build->with_head[i] = lanesim_torso_with_head(&clothes->torso, y);
		}
	}
	lanesim_mesh_grid_normals(&build->mesh, first, ROWS, COLUMNS + 1, false, false);
	lanesim_mesh_grid(&build->mesh, first, ROWS, COLUMNS + 1, false, false, clothes->surface);
}

/* @side is −1 or 1. */
static void build_arm(struct lanesim_build *build, const struct clothes *clothes, float side)
{
	enum { ROWS = 16, COLUMNS = 20 };
	uint32_t first = lanesim_build_vertices(build, ROWS * (COLUMNS + 1), 0);
	const struct lanesim_torso *torso = &clothes->torso;

	if (build->failed || build->mesh.failed)
		return;
	for (uint32_t row = 0; row < ROWS; row++) {
		float t = (float)row / (ROWS - 1), cap = approx_clamp(1 - t / 0.28f, 0, 1);
		float radius = 5.7f * sqrtf(1.0001f - cap * cap) * (1 - 0.15f * t);
		float level = -17.5f - 29 * t * (0.55f + 0.45f * t);
		struct vec centre = vec_make(side * (15.6f + 6 * approx_step(-18, -46, level)) *
						     torso->shoulder,
					     level, -4.4f + 2 * t);

		for (uint32_t column = 0; column <= COLUMNS; column++) {
			float turn = (float)column / COLUMNS - 0.5f;
			uint32_t i = first + row * (COLUMNS + 1) + column;
			struct lanesim_vertex *vertex = &build->mesh.vertices[i];
			float crease = noise_plane(turn * 7, level * 0.3f + 50 * side,
						   clothes->layer + 4);
			float r = radius + clothes->fold * (1.6f * crease - 0.8f) * t;
			struct vec p =
				vec_make(centre.x + r * approx_sin_turns(turn), centre.y,
					 centre.z + 1.05f * r * approx_sin_turns(turn + 0.25f));

			vertex->p = vec_make(p.x * torso->scale, p.y * torso->scale,
					     p.z * torso->scale + torso->z);
			vertex->u = SLEEVE_U + 0.5f +
				    (float)column * (CLOTH_WIDTH - SLEEVE_U - 1) / COLUMNS;
			vertex->v = 0.5f + t * (CLOTH_HEIGHT - 1);
		}
	}
	lanesim_mesh_grid_normals(&build->mesh, first, ROWS, COLUMNS + 1, false, false);
	lanesim_mesh_grid(&build->mesh, first, ROWS, COLUMNS + 1, false, false, clothes->surface);
}

/* A shirt's collar: up along the neck, over, and down to the points in front. */
static void build_collar(struct lanesim_build *build, const struct clothes *clothes)
{
	enum { ROWS = 8, COLUMNS = 44 };
	/*
	 * From the outer leaf's lower edge up over the fold and down inside: height share, out
	 * (cm).
	 */
	static const float profile[ROWS][2] = { { 0, .95f },   { .3f, .95f }, { .65f, .8f },
						{ .9f, .62f }, { 1, .4f },    { .9f, .22f },
						{ .5f, .12f }, { .1f, .1f } };
	uint32_t first = lanesim_build_vertices(build, ROWS * (COLUMNS + 1), 0);
	const struct lanesim_torso *torso = &clothes->torso;

	if (build->failed || build->mesh.failed)
		return;
	for (uint32_t row = 0; row < ROWS; row++) {
		for (uint32_t column = 0; column <= COLUMNS; column++) {
			/* Open in front. */
			float angle = LANESIM_PI +
				      ((float)column / COLUMNS - 0.5f) * 2 * (LANESIM_PI - 0.24f);
			float side = LANESIM_PI -
				     (angle < LANESIM_PI ? LANESIM_PI - angle : angle - LANESIM_PI);
			float front = approx_step(1.5f, 0.25f, side);
			float high = approx_mix(-11.7f, -14.5f, front);
			float low = approx_mix(-14.8f, -19, front * front * front);
			float level = approx_mix(low, high, profile[row][0]);
			uint32_t i = first + row * (COLUMNS + 1) + column;
			struct lanesim_vertex *vertex = &build->mesh.vertices[i];
			float y = level * torso->scale;

			/* Its points hang down straight where the chest widens. */
			float wide = lanesim_torso_point(torso, LANESIM_PI / 2, y, 0).x;
			float near = side *
				     approx_mix(1, approx_min(7 * torso->scale / wide, 1), front);

			vertex->p = lanesim_torso_point(torso, angle < LANESIM_PI ? near : -near, y,
							profile[row][1]);
			vertex->p.y += row < 3 ? 0.35f : 0;
			vertex->u = 0.5f + (float)column * 2;
			vertex->v = 66 + 2.0f * (float)row;
			vertex->sky = row > 4 ? 0.5f : 0.9f;
			build->with_head[i] = 0.5f * lanesim_torso_with_head(torso, y);
		}
	}
	lanesim_mesh_grid_normals(&build->mesh, first, ROWS, COLUMNS + 1, false, true);
	lanesim_mesh_grid(&build->mesh, first, ROWS, COLUMNS + 1, false, true, clothes->surface);
}

/* The hem of a garment without a collar: a rib about the neck. */
static void build_rib(struct lanesim_build *build, const struct clothes *clothes)
{
	enum { POINTS = 40 };
	struct vec points[POINTS];

	for (int i = 0; i < POINTS; i++) {
		float angle = ((float)i / POINTS - 0.5f) * 2 * LANESIM_PI;
		float level = neckline_at(clothes, angle) + 0.1f;

		points[i] = lanesim_torso_point(&clothes->torso, angle,
						level * clothes->torso.scale, 0.1f);
	}
	lanesim_rod(build, points, POINTS, 0.5f * clothes->torso.scale, true, clothes->surface, 0,
		    20, 30);
}

void lanesim_build_torso(struct lanesim_build *build)
{
	struct lanesim_texture *texture = lanesim_build_texture(build, CLOTH_WIDTH, CLOTH_HEIGHT);
	struct lanesim_surface surface = { .shine = LANESIM_MATTE,
					   .texture = texture,
					   .two_sided = true };
	struct clothes clothes;

	if (!texture)
		return;
	lanesim_torso_init(&clothes.torso, build->identity);
	draw_clothes(&clothes, build->wear);
	paint_clothes(&clothes, build->wear, texture);
	clothes.surface = lanesim_mesh_add_surface(&build->mesh, &surface);
	build_neck(build, &clothes.torso);
	build_chest(build, &clothes);
	build_arm(build, &clothes, -1);
	build_arm(build, &clothes, 1);
	if (build->wear->hat == LANESIM_HAT_SCARF)
		return; /* which hides the rest */
	if (clothes.shirt)
		build_collar(build, &clothes);
	else
		build_rib(build, &clothes);
}
