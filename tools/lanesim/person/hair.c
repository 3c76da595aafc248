/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/person/hair.h"

#include "lanesim/person/shell.h"
#include "lanesim/person/strands.h"
#include "lanesim/person/torso.h"
#include "lanesim/person/wear.h"
#include "lanesim/render/noise.h"

#define PURPOSE_STYLE 0x7374796cu /* of a series of draws */

/* Thicknesses in cm, without volume and by it; where it is thin. */
struct cut {
	float top, top_volume, side, side_volume;
	float edge; /* how far behind the front hairline it is at its thickest */
	float fade; /* the same above the lower edge */
	float lumps; /* cm */
	float ragged; /* how unevenly long at the lower edge */
};

static const struct cut cuts[LANESIM_HAIRS] = {
	[LANESIM_HAIR_NONE] = { .1f, .1f, .15f, .3f, 1, 3, .02f, .4f },
	[LANESIM_HAIR_CROPPED] = { .2f, .3f, .12f, .12f, .9f, 3, .02f, .4f },
	[LANESIM_HAIR_SHORT] = { .8f, 1.5f, .35f, .5f, 1.4f, 4, .16f, .5f },
	[LANESIM_HAIR_PARTED] = { 1.1f, 1.5f, .45f, .6f, 1.5f, 4, .14f, .6f },
	[LANESIM_HAIR_CURLY] = { 1.4f, 2.2f, 1, 2, 1.8f, 2.6f, .5f, .6f },
	[LANESIM_HAIR_BOB] = { 1, 1.1f, 1.1f, 1.3f, 1.3f, 3, .12f, 1.2f },
	[LANESIM_HAIR_LONG] = { .9f, 1, .9f, 1.2f, 1.3f, 5, .12f, 1.7f },
	[LANESIM_HAIR_TIED] = { .45f, .6f, .25f, .35f, 1, 1.5f, .04f, .4f },
};

struct hair {
	const struct lanesim_identity *identity;
	struct cut cut;
	enum lanesim_hat hat;
	struct lanesim_torso torso;
	bool curtain; /* falls below the hairline */
	bool tucked; /* behind the ears */
	bool behind; /* the shoulders */
	float off; /* of the chest, cm: what is worn there */
	float fringe; /* canonical y that hair over the forehead comes down to; 99: none */
	float tip; /* canonical y that a curtain comes down to */
	float curl;
	int32_t layer; /* of noise */
	struct vec centre; /* of the head */
	struct lanesim_shell shell;
};

static bool is_curtain(const struct lanesim_identity *identity)
{
	return identity->hair == LANESIM_HAIR_BOB || identity->hair == LANESIM_HAIR_LONG;
}

static bool is_tucked(const struct lanesim_identity *identity)
{
	return lanesim_get(identity, LANESIM_P_HAIR_OPEN) > 0.72f;
}

bool lanesim_hair_hides_ears(const struct lanesim_identity *identity)
{
	if (identity->hair == LANESIM_HAIR_CURLY)
		return lanesim_get(identity, LANESIM_P_HAIR_VOLUME) > 0.5f;
	return is_curtain(identity) && !is_tucked(identity);
}

/* ---- the style ------------------------------------------------------------------------------- */

/* Where strands come from. */
static void set_pole(struct hair *hair, uint64_t *series)
{
	struct lanesim_shell *shell = &hair->shell;
	float side = hair->identity->parting;
	bool parted = hair->identity->hair == LANESIM_HAIR_PARTED ||
		      (hair->curtain && hair->fringe > 50);

	if (parted) {
		float off = hair->curtain && draw_uniform(series) < 0.45f ? 0.04f : 0.4f;

		shell->pole_x = side * off;
		shell->pole_z = 0.45f;
		shell->line = 0.55f;
	} else if (hair->identity->hair == LANESIM_HAIR_TIED) {
		shell->pole_z = -approx_mix(0.6f, 1.4f, draw_uniform(series));
	} else {
		shell->pole_x = side * draw_between(series, 0.1f, 0.7f);
		shell->pole_z = draw_between(series, -0.5f, -0.2f);
	}
}

static void set_style(struct hair *hair, const struct lanesim_build *build)
{
	const struct lanesim_identity *identity = build->identity;
	uint64_t series = draw_series(identity->seed, PURPOSE_STYLE);
	float at = draw_uniform(&series), line = lanesim_get(identity, LANESIM_P_HAIR_LINE);
	float length = lanesim_get(identity, LANESIM_P_HAIR_LENGTH);
	float volume = lanesim_get(identity, LANESIM_P_HAIR_VOLUME);

	*hair = (struct hair){ .identity = identity,
			       .cut = cuts[identity->hair],
			       .hat = build->wear->hat };
	lanesim_torso_init(&hair->torso, identity);
	hair->curtain = is_curtain(identity);
	hair->tucked = hair->curtain && is_tucked(identity);
	hair->behind = draw_uniform(&series) < 0.45f || hair->tucked;
	hair->off = build->wear->collar > 0.55f ? 1.5f : 0.6f;
	hair->curl = identity->hair == LANESIM_HAIR_CURLY
			     ? 1
			     : 0.5f * approx_clamp(lanesim_get(identity, LANESIM_P_HAIR_CURL), 0,
						   1);
	hair->layer = (int32_t)draw_below(&series, 1000000);
	hair->centre = lanesim_head_skull(identity, LANESIM_PI / 2, 1);
	hair->centre.x = 0;
	hair->cut.top += hair->cut.top_volume * volume;
	hair->cut.side += hair->cut.side_volume * volume;
	hair->fringe = 99;
	if (hair->curtain && at < 0.3f)
		hair->fringe = 3.1f + draw_uniform(&series);
	else if (identity->hair == LANESIM_HAIR_SHORT && at < 0.45f)
		hair->fringe = line - 0.6f - 1.4f * draw_uniform(&series);
	else if (identity->hair == LANESIM_HAIR_CURLY)
		hair->fringe = line - 1.2f * at;
	hair->tip = identity->hair == LANESIM_HAIR_BOB ? -9.5f - 4 * (length - 0.8f)
						       : -16 - 13 * (length - 0.35f);
	set_pole(hair, &series);
	hair->shell.lowest = hair->curtain ? hair->tip - 2.5f : -8.5f;
	hair->shell.width = 640;
	hair->shell.height = hair->curtain ? 224 : 160;
}

/* ---- where it is ----------------------------------------------------------------------------- */

/* How far the curtain's front edge is open, radians from the front. */
static float opening_at(const struct hair *hair, float y)
{
	float open = lanesim_get(hair->identity, LANESIM_P_HAIR_OPEN);
	float edge = approx_mix(1.02f, 0.98f + 0.3f * open, approx_step(2, -5, y));

	edge = approx_mix(edge, 0.85f + 0.75f * open, approx_step(-5, -13, y));
	if (hair->behind)
		edge = approx_mix(edge, 1.75f, approx_step(-6, -14, y));
	/* Behind the ear. */
	if (hair->tucked)
		edge = approx_mix(edge, approx_mix(1.7f, 1.98f, approx_step(-8, -4, y)),
				  approx_step(3, 1, y));
	return edge;
}

static bool is_hidden(const struct hair *hair, const struct lanesim_shell_place *place)
{
	return (hair->hat == LANESIM_HAT_CAP || hair->hat == LANESIM_HAT_BEANIE) &&
	       place->y > lanesim_hat_rim(hair->hat, place->angle) + 2;
}

/* Distance from the hair's edge, > 0 under hair. */
static float cover_at(const struct hair *hair, const struct lanesim_shell_place *place)
{
	float a = place->angle < 0 ? -place->angle : place->angle, y = place->y;
	float cover = lanesim_hair_mask(hair->identity, place->angle, y), line, side;

	if (is_hidden(hair, place))
		return -9;
	if (hair->fringe < 50)
		cover = approx_smooth_max(cover, approx_min(y - hair->fringe, (1 - a) * 7), 0.5f);
	if (hair->identity->hair == LANESIM_HAIR_PARTED) {
		/* Across the forehead, lowest away from the parting. */
		side = -hair->identity->parting * place->angle;
		line = lanesim_get(hair->identity, LANESIM_P_HAIR_LINE) + 0.2f -
		       2.3f * approx_bump((side - 0.5f) / 0.45f);
		cover = approx_smooth_max(cover, approx_min(y - line, (0.95f - a) * 7), 0.5f);
	}
	if (hair->curtain) {
		float fall = approx_min((a - opening_at(hair, y)) * 7.5f, 4 - y);

		cover = approx_smooth_max(cover, fall, 0.6f);
		cover = approx_min(cover, y - hair->tip);
	} else if (hair->identity->hair == LANESIM_HAIR_CURLY &&
		   lanesim_hair_hides_ears(hair->identity)) {
		cover = approx_smooth_max(cover, approx_min((a - 1.25f) * 7, y + 6.5f), 0.6f);
	}
	return cover;
}

/* How thick the hair is at its thickest. */
static float thickness_at(const struct hair *hair, const struct lanesim_shell_place *place)
{
	float a = place->angle < 0 ? -place->angle : place->angle, y = place->y;
	float thick = approx_mix(hair->cut.side, hair->cut.top, approx_step(4.5f, 11.2f, y));

	if (hair->identity->hair == LANESIM_HAIR_PARTED) /* more of it away from the parting */
		thick *= 1 - 0.3f * hair->identity->parting * approx_sin(place->angle) *
				     approx_step(11, 7, y);
	if (hair->tucked)
		thick *= 1 - 0.75f * approx_bump2(a, y, 1.65f, -0.5f, 0.5f, 4);
	if (hair->shell.line > 0) /* it lies flat where it parts */
		thick *= 1 - 0.35f * approx_step(0.12f, 0, place->along);
	return thick;
}

/* Share of its thickness that a hat leaves it. */
static float below_hat(const struct hair *hair, const struct lanesim_shell_place *place)
{
	float rim;

	if (hair->hat != LANESIM_HAT_CAP && hair->hat != LANESIM_HAT_BEANIE)
		return 1;
	rim = lanesim_hat_rim(hair->hat, place->angle);
	return approx_mix(1, 0.08f, approx_step(rim - 4, rim - 0.3f, place->y));
}

static float lumps_at(const struct hair *hair, const struct lanesim_shell_place *place,
		      struct vec p)
{
	bool curly = hair->identity->hair == LANESIM_HAIR_CURLY;
	float k = curly ? 0.75f : 0.35f;
	float lump = noise_at(p.x * k + 50, p.y * k + 50, p.z * k + (float)(hair->layer % 997)) -
		     0.5f;
	float strand = noise_plane((place->turn + 1) * (curly ? 45 : 60),
				   place->along * (curly ? 22 : 5), hair->layer + 7) -
		       0.5f;
	float wave = approx_sin(place->y * 1.1f +
				5 * noise_plane(place->turn * 14 + 20, 0, hair->layer + 8));

	return hair->cut.lumps * (2 * lump + strand) +
	       (hair->curtain ? 0.35f * hair->curl * wave * approx_step(2, -6, place->y) : 0);
}

/* What hair lies on: the scalp, and the neck where that stands out further. */
static struct vec ground_at(const struct hair *hair, float angle, float y)
{
	struct vec p = lanesim_shell_ground(hair->identity, angle, y), neck;
	float side = angle < 0 ? -angle : angle, axis = hair->torso.z;

	if (y < -1 && side > 1.6f) {
		float mine, its;

		neck = lanesim_torso_point(&hair->torso, angle, p.y, 0);
		mine = p.x * p.x + (p.z - axis) * (p.z - axis);
		its = neck.x * neck.x + (neck.z - axis) * (neck.z - axis);
		if (its > mine)
			p = neck;
	}
	return p;
}

/* z of chest or back (@front ±1), @out cm before the skin, where it is @x cm from its middle. */
static float body_z(const struct hair *hair, float x, float y, float front, float out)
{
	float half = lanesim_torso_point(&hair->torso, LANESIM_PI / 2, y, 0).x;
	float sine = approx_pow(approx_min((x < 0 ? -x : x) / half, 0.99f), 1.25f);
	float angle = approx_atan2(sine, front * sqrtf(1 - sine * sine));

	return lanesim_torso_point(&hair->torso, angle, y, out).z;
}

/*
 * Below the head's widest section hair hangs, its front edge (@rise 0) from the cheeks; lower still
 * it lies on chest or back.
 */
static struct vec hang(const struct hair *hair, const struct lanesim_shell_place *place,
		       float thick, float rise)
{
	float side = place->angle < 0 ? -place->angle : place->angle, y = place->y, edge, z;
	float level = approx_mix(-6.5f, -1.5f, rise), size = hair->identity->size;
	struct vec p = lanesim_shell_ground(hair->identity, place->angle, approx_max(y, level));
	struct vec out = vec_unit(vec_make(p.x, 0, p.z - hair->centre.z));
	float pull = 0.1f * rise * approx_step(-4, -12, y), low = approx_step(-9, -17, y);

	p = vec_along(p, out, thick * size);
	p.y += approx_min(y - level, 0) * size;
	p.x -= pull * p.x;
	p.z -= pull * (p.z - hair->centre.z);
	if (!hair->behind && side < 1.8f) {
		edge = approx_min(opening_at(hair, y), 1.7f);
		z = 4.7f + 5.2f * (side - edge) / (1.8f - edge);
		p.x = approx_mix(p.x, (place->angle < 0 ? -z : z) * hair->torso.scale, low);
		z = body_z(hair, p.x, p.y, 1, hair->off + 0.7f * thick);
		p.z = approx_smooth_max(p.z, z, 1);
	} else {
		z = body_z(hair, p.x, p.y, -1, hair->off + 0.7f * thick);
		p.z = -approx_smooth_max(-p.z, -z, 1);
	}
	return p;
}

static void hair_at(const void *data, const struct lanesim_shell_place *place,
		    struct lanesim_shell_point *ret)
{
	const struct hair *hair = data;
	float a = place->angle < 0 ? -place->angle : place->angle, y = place->y, rise, thick;
	float cover = cover_at(hair, place), size = hair->identity->size;
	float front = approx_step(1.45f, 0.95f, a);
	float full = approx_mix(hair->cut.fade, hair->cut.edge, front), left;
	struct vec ground, out;

	ret->cover = cover;
	if (cover < -2) { /* nothing is seen of it */
		ret->p = lanesim_head_skull(hair->identity, place->angle, approx_max(y, -11));
		ret->p.y += approx_min(y + 11, 0);
		return;
	}
	if (hair->curtain)
		full = approx_mix(1.8f, full, approx_step(1, 5, y));
	left = approx_clamp(1 - cover / full, 0, 1);
	rise = 1 - left * left;
	rise = hair->curtain && y < 3 ? sqrtf(rise) : rise;
	thick = thickness_at(hair, place) * rise;
	ground = ground_at(hair, place->angle, approx_max(y, -11));
	thick += lumps_at(hair, place, ground) * approx_min(rise, approx_max(cover, 0));
	thick *= below_hat(hair, place);
	out = vec_unit(vec_make(ground.x, approx_max(ground.y - hair->centre.y, 0),
				ground.z - hair->centre.z));
	/* At its edge it lies on the skin, and dips below it where its texture has ended. */
	ret->p = vec_along(
		ground, out,
		size * (approx_max(thick, 0) + approx_clamp(0.06f + 0.25f * cover, -0.2f, 0.06f)));
	if (hair->curtain && y < 3)
		ret->p = vec_mix(ret->p, hang(hair, place, thick, rise), approx_step(3, 0, y));
	ret->with_head = approx_mix(1, 0.3f, approx_step(-8, -22, y));
	ret->sky = approx_mix(0.6f, 1, approx_step(0, 1.6f, cover)) *
		   approx_mix(0.65f, 1, approx_step(-14, -2, y));
}

/* ---- how it looks ---------------------------------------------------------------------------- */

/* How unevenly the surface ends at row @along (0 … 1): the tips of long hair most, cm. */
static float raggedness(const struct hair *hair, float along)
{
	float reach = 11.4f * LANESIM_PI / 2 - hair->shell.lowest;
	float tip = (11.4f * LANESIM_PI / 2 - hair->tip) / reach;

	if (!hair->curtain)
		return hair->cut.ragged;
	return approx_mix(0.5f, hair->cut.ragged,
			  approx_step(tip - 6 / reach, tip - 2 / reach, along));
}

static void paint(struct hair *hair, struct lanesim_texture *texture)
{
	struct lanesim_strands strands;
	struct lanesim_strands_row row;
	float cover[LANESIM_STRANDS_WIDTH_MAX];
	const float *colour = hair->identity->hair_albedo;

	lanesim_strands_init(&strands, texture->width, hair->curl * hair->curl, hair->layer);
	for (uint32_t y = 0; y < texture->height; y++) {
		struct lanesim_texel *texel = texture->texels + (size_t)y * texture->width;
		float along = (float)y / (float)(texture->height - 1);
		float ragged = raggedness(hair, along);
		float parting = hair->shell.line > 0 ? approx_step(0.02f, 0.002f, along) : 0;

		lanesim_shell_cover_row(&hair->shell, y, cover);
		lanesim_strands_row(&strands, y, &row);
		for (uint32_t x = 0; x < texture->width; x++) {
			float edge = cover[x] + ragged * (1.3f * (row.lock[x] - 0.5f) +
							  0.8f * (row.fine[x] - 0.6f));
			float shade = (0.3f + 1.4f * row.shade[x]) * (1 - 0.4f * parting);

			for (int b = 0; b < LANESIM_BANDS; b++)
				texel[x].albedo[b] = lanesim_shell_share(colour[b] * shade);
			texel[x].gloss =
				lanesim_shell_share(0.08f + 0.5f * row.shade[x] * row.shade[x]);
			texel[x].cover = lanesim_shell_share(0.5f + 4 * edge);
		}
	}
	lanesim_texture_reduce(texture);
}

/* ---- what is tied ---------------------------------------------------------------------------- */

/* A knot behind the head, or a tail from there. */
static void build_knot(struct lanesim_build *build, const struct hair *hair, uint32_t surface)
{
	enum { ROWS = 16, COLUMNS = 20 };
	float high = 11.4f * approx_cos(-hair->shell.pole_z), size = hair->identity->size;
	bool tail = hair->behind && high < 6;
	struct vec root = lanesim_head_skull(hair->identity, LANESIM_PI, high);
	struct vec out = vec_unit(vec_sub(root, hair->centre));
	float radius = (1.9f + 1.1f * lanesim_get(hair->identity, LANESIM_P_HAIR_VOLUME)) * size;
	uint32_t first = lanesim_build_vertices(build, ROWS * (COLUMNS + 1), 1);

	if (build->failed || build->mesh.failed)
		return;
	root = vec_along(root, out, 0.75f * radius);
	for (uint32_t row = 0; row < ROWS; row++) {
		float t = (float)row / (ROWS - 1), around = approx_sin_turns(0.5f * t);
		float down = approx_sin_turns(0.25f - 0.5f * t);

		for (uint32_t column = 0; column <= COLUMNS; column++) {
			float turn = (float)column / COLUMNS - 0.5f;
			uint32_t i = first + row * (COLUMNS + 1) + column;
			struct lanesim_vertex *vertex = &build->mesh.vertices[i];
			float lump =
				1 +
				0.1f * (noise_plane(turn * 8 + 30, t * 6, hair->layer + 9) - 0.5f);
			float r = radius * lump * approx_max(around, 0.01f);

			vertex->p = vec_make(root.x + r * approx_sin_turns(turn),
					     root.y + radius * lump * down,
					     root.z + 0.85f * r * approx_sin_turns(turn + 0.25f));
			if (tail) {
				vertex->p.y = root.y + radius * (0.5f - 8 * t);
				vertex->p.z -= radius * 0.6f * approx_sin_turns(0.5f * t);
				build->with_head[i] = approx_mix(1, 0.6f, t);
			}
			vertex->u = 100.5f + (float)column * 120 / COLUMNS;
			vertex->v = 20.5f + (float)row * 60 / ROWS;
		}
	}
	lanesim_mesh_grid_normals(&build->mesh, first, ROWS, COLUMNS + 1, false, false);
	lanesim_mesh_grid(&build->mesh, first, ROWS, COLUMNS + 1, false, false, surface);
}

void lanesim_build_hair(struct lanesim_build *build)
{
	enum lanesim_bald bald = lanesim_hair_bald(build->identity);
	struct lanesim_texture *texture;
	struct lanesim_surface surface = { .shine = LANESIM_HAIR, .two_sided = true };
	struct hair hair;
	uint32_t skin;

	if (build->wear->hat == LANESIM_HAT_SCARF || bald == LANESIM_BALD_SHAVEN ||
	    bald == LANESIM_BALD_ALL)
		return;
	set_style(&hair, build);
	texture = lanesim_build_texture(build, hair.shell.width, hair.shell.height);
	if (!texture)
		return;
	lanesim_shell_shape(&hair.shell, build, hair_at, &hair);
	paint(&hair, texture);
	surface.texture = texture;
	skin = lanesim_mesh_add_surface(&build->mesh, &surface);
	lanesim_shell_skin(&hair.shell, build, 1, skin);
	if (build->identity->hair == LANESIM_HAIR_TIED && build->wear->hat == LANESIM_HAT_NONE)
		build_knot(build, &hair, skin);
}
