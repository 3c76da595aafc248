/* SPDX-License-Identifier: Apache-2.0 */
/* Cloth on the head: caps, beanies, scarves, masks. */
#include "lanesim/person/wear.h"

#include "lanesim/person/rod.h"
#include "lanesim/person/shell.h"
#include "lanesim/person/spectacles.h"
#include "lanesim/person/torso.h"
#include "lanesim/render/noise.h"

/* ---- hats ------------------------------------------------------------------------------------ */

struct hat {
	const struct lanesim_identity *identity;
	enum lanesim_hat kind;
	struct lanesim_torso torso;
	struct vec centre; /* of the head */
	int32_t layer; /* of noise */
	struct lanesim_shell shell;
};

float lanesim_hat_rim(enum lanesim_hat hat, float angle)
{
	float side = angle < 0 ? -angle : angle;

	if (hat == LANESIM_HAT_CAP)
		return approx_mix(approx_mix(5.4f, 3, approx_step(0.5f, 1.5f, side)), 0.5f,
				  approx_step(1.8f, 2.8f, side));
	return approx_mix(approx_mix(5, -2.9f, approx_step(0.5f, 1.75f, side)), -4.6f,
			  approx_step(1.8f, 2.8f, side));
}

/* Distance above that edge, which slopes. */
static float hat_cover(enum lanesim_hat kind, const struct lanesim_shell_place *place)
{
	float rim = lanesim_hat_rim(kind, place->angle);
	float slope = (lanesim_hat_rim(kind, place->angle + 0.05f) - rim) / (0.05f * 7.5f);

	return (place->y - rim) / sqrtf(1 + slope * slope);
}

/* How far a cap or beanie stands off the head. */
static float standoff(const struct hat *hat, const struct lanesim_shell_place *place, float cover)
{
	float y = place->y, side = place->angle < 0 ? -place->angle : place->angle, out;

	if (hat->kind == LANESIM_HAT_CAP) {
		out = 0.55f + 0.9f * approx_step(5.5f, 9, y) * approx_step(1.8f, 0.6f, side);
		/* Six panels meet in seams. */
		return out + 0.05f * approx_step(0.05f, 0.2f,
						 approx_sin_turns(3 * place->turn + 0.25f) *
							 approx_sin_turns(3 * place->turn + 0.25f));
	}
	out = 0.6f + 0.9f * approx_step(6.5f, 11, y) +
	      0.35f * approx_bump2(side, y, 1.68f, -0.5f, 0.3f, 3); /* over the ears */
	/* The lower edge is turned up. */
	return out + 0.4f * approx_step(3.9f, 3.6f, cover) +
	       0.25f * (noise_plane(place->turn * 12 + 20, y * 0.35f, hat->layer) - 0.5f);
}

static void hat_at(const void *data, const struct lanesim_shell_place *place,
		   struct lanesim_shell_point *ret)
{
	const struct hat *hat = data;
	struct vec ground = lanesim_shell_ground(hat->identity, place->angle,
						 approx_max(place->y, -9)),
		   out;
	float cover = hat_cover(hat->kind, place), hem, off, side = place->angle;

	side = side < 0 ? -side : side;
	if (place->y < -1 && side > 1.7f) {
		struct vec neck = lanesim_torso_point(&hat->torso, place->angle, ground.y, 0);

		ground.z = approx_min(ground.z, neck.z);
	}
	out = vec_unit(vec_make(ground.x, approx_max(ground.y - hat->centre.y, 0),
				ground.z - hat->centre.z));
	hem = approx_clamp(1 - cover / 0.35f, 0, 1);
	off = standoff(hat, place, cover) * sqrtf(approx_max(1 - hem * hem, 0)) + 0.25f;
	ret->p = vec_along(ground, out, off * hat->identity->size);
	ret->cover = cover + 0.05f;
	ret->sky = approx_mix(0.7f, 1, approx_step(0, 1, cover));
}

/* ---- scarves --------------------------------------------------------------------------------- */

/* Distance from the edge around the face, > 0 under cloth. */
static float scarf_cover(const struct hat *hat, float angle, float y)
{
	float top = lanesim_get(hat->identity, LANESIM_P_HAIR_LINE) - 0.9f, a = angle / 1.04f;
	float b = y > -2 ? (y + 2) / (top + 2) : (y + 2) / 10.4f, side = angle < 0 ? -angle : angle;
	float face = (sqrtf(a * a + b * b) - 1) * 7;
	float hem = y + 31 - 8.5f * approx_bump((side - 1.57f) / 0.5f);

	return approx_min(face, hem);
}

static struct vec scarf_fall(const struct hat *hat, const struct lanesim_shell_place *place,
			     float rise)
{
	float y = place->y, size = hat->identity->size, sn = approx_sin(place->angle);
	float cs = approx_cos(place->angle), side = place->angle < 0 ? -place->angle : place->angle;
	struct vec held = lanesim_shell_ground(hat->identity, place->angle, approx_max(y, -3)), p,
		   throat, body;
	struct vec out = vec_unit(vec_make(held.x, 0, held.z - hat->centre.z));
	float fold = noise_plane(place->turn * 26 + 30, y * 0.12f, hat->layer) - 0.5f;
	/* Folds hang in bows from the temples to below the chin. */
	float bow = noise_plane(place->turn * 3 + 30, y * 0.5f + 2.5f * side, hat->layer + 1) -
		    0.5f;
	float across = bow * approx_step(0, -5, y) *
		       approx_mix(0.3f, 1, approx_step(2.2f, 1.3f, side));
	/* It lies over the arms. */
	float arms = 3.6f * approx_bump((side - 1.57f) / 0.55f) * approx_step(-14.5f, -19, y);

	p = vec_along(held, out, (0.12f + rise * (0.7f + 0.7f * across)) * size);
	p.y = held.y + approx_min(y + 3, 0) * size;
	/* Under the chin it is drawn together; from there it spreads over shoulders and chest. */
	throat = vec_make(sn * (8.7f + 1.3f * across) * size, p.y,
			  hat->centre.z + (-2.4f + cs * (7.8f + 1.3f * across)) * size);
	p = vec_mix(p, throat, approx_step(-4, -12.5f, y));
	body = lanesim_torso_point(&hat->torso, place->angle, p.y,
				   2.4f + arms + 0.9f * fold + 1.2f * across);
	body.y += 1;
	return vec_mix(p, body, approx_step(-11, -18.5f, y));
}

static void scarf_at(const void *data, const struct lanesim_shell_place *place,
		     struct lanesim_shell_point *ret)
{
	const struct hat *hat = data;
	float cover = scarf_cover(hat, place->angle, place->y), y = place->y, left, rise;
	struct vec ground = lanesim_shell_ground(hat->identity, place->angle,
						 approx_max(y, -10.5f)),
		   out;
	float soft = noise_plane(place->turn * 9 + 30, y * 0.4f, hat->layer + 2) - 0.5f;

	left = approx_clamp(1 - cover / 0.7f, 0, 1);
	rise = sqrtf(approx_max(1 - left * left, 0));
	out = vec_unit(vec_make(ground.x, approx_max(ground.y - hat->centre.y, 0),
				ground.z - hat->centre.z));
	ret->p = vec_along(ground, out,
			   hat->identity->size * (0.14f + rise * (0.8f + 0.4f * soft)));
	if (y < 1)
		ret->p = vec_mix(ret->p, scarf_fall(hat, place, rise), approx_step(1, -3, y));
	ret->cover = cover;
	ret->with_head = approx_step(-16, -8, y);
	ret->sky = approx_mix(0.65f, 1, approx_step(0, 1.2f, cover)) *
		   approx_mix(0.75f, 1, approx_step(-11, -6, y) + approx_step(-15, -20, y));
}

/* ---- cloth ----------------------------------------------------------------------------------- */

/* Knitted, woven, or with pleats across; a row of a texture. */
static float cloth_shade(const struct hat *hat, uint32_t x, uint32_t y)
{
	float u = (float)x, v = (float)y;
	float grain = noise_lattice((int32_t)x, (int32_t)y, hat->layer) - 0.5f;
	float worn = noise_plane(u * 0.05f, v * 0.05f, hat->layer + 4) - 0.5f;
	float rib = hat->kind == LANESIM_HAT_BEANIE ? 0.3f * approx_sin_turns(u / 4) : 0;

	return 1 + 0.13f * grain + 0.14f * worn + rib;
}

static void paint_cloth(struct lanesim_texture *texture, const struct hat *hat, const float *colour)
{
	float cover[512];

	for (uint32_t y = 0; y < texture->height; y++) {
		struct lanesim_texel *row = texture->texels + (size_t)y * texture->width;

		lanesim_shell_cover_row(&hat->shell, y, cover);
		for (uint32_t x = 0; x < texture->width; x++) {
			float shade = cloth_shade(hat, x, y);

			/* A seam along the hem. */
			if (hat->kind == LANESIM_HAT_CAP)
				shade *= 1 - 0.15f * approx_bump((cover[x] - 0.8f) / 0.2f);
			for (int b = 0; b < LANESIM_BANDS; b++)
				row[x].albedo[b] = lanesim_shell_share(colour[b] * shade);
			row[x].gloss = 65535 / 25;
			row[x].cover = lanesim_shell_share(0.5f + 3 * cover[x]);
		}
	}
	lanesim_texture_reduce(texture);
}

static void build_visor(struct lanesim_build *build, const struct hat *hat, uint32_t surface)
{
	enum { ROWS = 9, COLUMNS = 25 };
	uint32_t first = lanesim_build_vertices(build, ROWS * COLUMNS, 1);
	float size = hat->identity->size;

	if (build->failed || build->mesh.failed)
		return;
	for (uint32_t row = 0; row < ROWS; row++) {
		for (uint32_t column = 0; column < COLUMNS; column++) {
			float across = 2 * (float)column / (COLUMNS - 1) - 1,
			      angle = 0.76f * across;
			float t = (float)row / (ROWS - 1), reach;
			struct lanesim_vertex *vertex =
				&build->mesh.vertices[first + row * COLUMNS + column];
			struct vec p = lanesim_shell_ground(
				hat->identity, angle, lanesim_hat_rim(hat->kind, angle) + 0.6f);

			reach = 6.6f * sqrtf(approx_max(1 - across * across, 0)) * t;
			p = vec_along(p, vec_unit(vec_make(p.x, 0, p.z - hat->centre.z)),
				      0.15f * size);
			/* It bends down towards its sides. */
			vertex->p =
				vec_make(p.x * (1 + 0.02f * reach),
					 p.y + size * (-0.27f * reach - 0.004f * reach * p.x * p.x),
					 p.z + size * reach);
			vertex->u = 100.5f + (float)column;
			vertex->v = 20.5f + (float)row;
		}
	}
	lanesim_mesh_grid_normals(&build->mesh, first, ROWS, COLUMNS, false, false);
	lanesim_mesh_grid(&build->mesh, first, ROWS, COLUMNS, false, false, surface);
}

static void build_hat(struct lanesim_build *build)
{
	struct hat hat = { .identity = build->identity, .kind = build->wear->hat };
	bool scarf = hat.kind == LANESIM_HAT_SCARF;
	struct lanesim_surface surface = { .shine = LANESIM_MATTE, .two_sided = true };
	struct lanesim_texture *texture;
	uint32_t cloth;

	lanesim_torso_init(&hat.torso, hat.identity);
	hat.centre = lanesim_head_skull(hat.identity, LANESIM_PI / 2, 1);
	hat.centre.x = 0;
	hat.layer = (int32_t)(build->wear->seed & 0xFFFFF);
	hat.shell.lowest = scarf ? -33 : hat.kind == LANESIM_HAT_CAP ? -2 : -7;
	hat.shell.width = scarf ? 384 : 320;
	hat.shell.height = scarf ? 192 : 96;
	texture = lanesim_build_texture(build, hat.shell.width, hat.shell.height);
	if (!texture)
		return;
	lanesim_shell_shape(&hat.shell, build, scarf ? scarf_at : hat_at, &hat);
	paint_cloth(texture, &hat, build->wear->hat_albedo);
	surface.texture = texture;
	cloth = lanesim_mesh_add_surface(&build->mesh, &surface);
	lanesim_shell_skin(&hat.shell, build, 0.6f, cloth);
	if (hat.kind == LANESIM_HAT_CAP)
		build_visor(build, &hat, cloth);
}

/* ---- masks ----------------------------------------------------------------------------------- */

enum { MASK_ROWS = 15, MASK_COLUMNS = 25, MASK_N = MASK_ROWS * MASK_COLUMNS };

/* On the skin, then stretched over its hollows. */
static void shape_mask(const struct lanesim_identity *identity, struct vec *grid)
{
	float z[MASK_N];

	for (int row = 0; row < MASK_ROWS; row++) {
		for (int column = 0; column < MASK_COLUMNS; column++) {
			float across = 2 * (float)column / (MASK_COLUMNS - 1) - 1,
			      a = across * across;
			float top = -1.5f - 1.6f * a, low = -11.3f + 2.6f * a;
			float y = approx_mix(top, low, (float)row / (MASK_ROWS - 1));

			grid[row * MASK_COLUMNS + column] = lanesim_shell_ground(identity,
										 1.05f * across, y);
		}
	}
	for (int pass = 0; pass < 6; pass++) {
		for (int i = 0; i < MASK_N; i++)
			z[i] = grid[i].z;
		for (int row = 1; row < MASK_ROWS - 1; row++) {
			for (int column = 1; column < MASK_COLUMNS - 1; column++) {
				int i = row * MASK_COLUMNS + column;
				float mean = 0.25f * (z[i - 1] + z[i + 1] + z[i - MASK_COLUMNS] +
						      z[i + MASK_COLUMNS]);

				grid[i].z = approx_max(z[i], mean);
			}
		}
	}
}

static void paint_mask(struct lanesim_texture *texture, const float *colour, int32_t layer)
{
	for (uint32_t y = 0; y < texture->height; y++) {
		for (uint32_t x = 0; x < texture->width; x++) {
			struct lanesim_texel *texel = &texture->texels[y * texture->width + x];
			float v = (float)y / (float)(texture->height - 1);
			float pleats = approx_bump((v - 0.36f) / 0.012f) +
				       approx_bump((v - 0.52f) / 0.012f) +
				       approx_bump((v - 0.68f) / 0.012f);
			float hem = approx_bump((v - 0.06f) / 0.01f) +
				    approx_bump((v - 0.95f) / 0.01f);
			float shade =
				1 + 0.06f * (noise_lattice((int32_t)x, (int32_t)y, layer) - 0.5f) -
				0.28f * pleats - 0.15f * hem;

			for (int b = 0; b < LANESIM_BANDS; b++)
				texel->albedo[b] = lanesim_shell_share(colour[b] * shade);
			texel->gloss = 65535 / 20;
			texel->cover = 65535;
		}
	}
	lanesim_texture_reduce(texture);
}

static void build_loop(struct lanesim_build *build, const struct vec *grid, int side, int row,
		       float ear_y, uint32_t surface)
{
	const struct vec *corner = &grid[row * MASK_COLUMNS + (side < 0 ? 0 : MASK_COLUMNS - 1)];
	struct vec points[6];

	for (int i = 0; i < 6; i++) {
		float t = (float)i / 5, y = approx_mix(-3.5f, ear_y, t);

		points[i] = lanesim_head_skull(build->identity,
					       (float)side * approx_mix(1.05f, 1.72f, t), y);
		points[i] = vec_mix(*corner, points[i], t);
		points[i].x += (float)side * (0.12f + 0.45f * t) * build->identity->size;
	}
	lanesim_rod(build, points, 6, 0.11f, false, surface, 1, 8, 8);
}

static void build_mask(struct lanesim_build *build)
{
	enum { WIDTH = 96, HEIGHT = 96 };
	const struct lanesim_wear *wear = build->wear;
	struct lanesim_texture *texture = lanesim_build_texture(build, WIDTH, HEIGHT);
	struct lanesim_surface surface = { .shine = LANESIM_MATTE,
					   .texture = texture,
					   .two_sided = true };
	uint32_t first = lanesim_build_vertices(build, MASK_N, 1), cloth;
	struct vec grid[MASK_N];

	if (!texture || build->failed || build->mesh.failed)
		return;
	shape_mask(build->identity, grid);
	paint_mask(texture, wear->mask_albedo, (int32_t)(wear->seed & 0xFFFFF));
	for (uint32_t i = 0; i < MASK_N; i++) {
		struct lanesim_vertex *vertex = &build->mesh.vertices[first + i];
		uint32_t row = i / MASK_COLUMNS, column = i % MASK_COLUMNS;
		float across = 2 * (float)column / (MASK_COLUMNS - 1) - 1,
		      down = (float)row / (MASK_ROWS - 1);
		float inner = approx_step(1, 0.75f, across * across) * approx_step(0, 0.12f, down);
		float nose = approx_bump2(across, down, 0, 0.3f, 0.2f, 0.18f);
		/* Room for a mouth that opens, and for a nose that the grid is too coarse for. */
		float off = 0.1f + 0.3f * inner + 0.35f * inner * approx_step(0.4f, 0.8f, down) +
			    0.3f * nose;

		vertex->p = vec_along(grid[i], vec_unit(vec_make(grid[i].x, 0, grid[i].z)),
				      off * build->identity->size);
		vertex->p.y -= 0.4f * approx_step(0.8f, 1, down);
		vertex->u = 0.5f + (float)column * (WIDTH - 1) / (MASK_COLUMNS - 1);
		vertex->v = 0.5f + down * (HEIGHT - 1);
	}
	lanesim_mesh_grid_normals(&build->mesh, first, MASK_ROWS, MASK_COLUMNS, false, false);
	cloth = lanesim_mesh_add_surface(&build->mesh, &surface);
	lanesim_mesh_grid(&build->mesh, first, MASK_ROWS, MASK_COLUMNS, false, false, cloth);
	if (wear->hat == LANESIM_HAT_SCARF)
		return;
	for (int side = -1; side <= 1; side += 2) {
		build_loop(build, grid, side, 1, 0.8f, cloth);
		build_loop(build, grid, side, MASK_ROWS - 2, -3.8f, cloth);
	}
}

void lanesim_build_wear(struct lanesim_build *build)
{
	lanesim_build_spectacles(build);
	if (build->wear->mask)
		build_mask(build);
	if (build->wear->hat != LANESIM_HAT_NONE)
		build_hat(build);
}
