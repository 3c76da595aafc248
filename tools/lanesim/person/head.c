/* SPDX-License-Identifier: Apache-2.0 */
/* The head: a grid of vertices, its paint, and the places on it that are measured. */
#include "lanesim/person/build.h"

#include <math.h>
#include <stdlib.h>

#include "lanesim/kernel.h"
#include "lanesim/person/face.h"
#include "lanesim/person/skin.h"
#include "lanesim/person/skin_tone.h"

enum {
	ACROSS = LANESIM_HEAD_ACROSS,
	TEXTURE_WIDTH = LANESIM_HEAD_COLUMNS * LANESIM_TEXELS_ACROSS,
	SOFT_RADIUS = 3, /* vertices: how far light scatters in skin, about 4 mm */
	CAVITY_RADIUS = 6, /* vertices: what counts as a cavity, small … */
	HOLLOW_RADIUS = 12, /* … and large */
};

/*
 * The rows of upper and lower lip lie on one line; their heights differ by so much, cm, only to
 * tell which way each goes when the mouth opens.
 */
#define LIP_GAP 0.01f
/* Columns are close together on the face, this share of them up to this angle. */
#define FACE_SHARE 0.62f
#define FACE_ANGLE 1.2f

/* ---- single points -------------------------------------------------------------------------- */

struct vec lanesim_head_skull(const struct lanesim_identity *identity, float angle, float y)
{
	const struct lanesim_kernels *kernels = lanesim_kernels();
	float x, z, depth = 0;
	struct vec p;

	kernels->skull_row(y, &angle, &x, &z, 1);
	kernels->warp_row(identity, y, &x, &z, &depth, &p, 1);
	return p;
}

struct vec lanesim_head_face(const struct lanesim_identity *identity, float x, float y)
{
	const struct lanesim_kernels *kernels = lanesim_kernels();
	float low = -1.5f, high = 1.5f, at_x = 0, z = 0, depth;
	struct vec p;

	/* The angle at which the skull is at x: it grows with the angle on the front. */
	for (int i = 0; i < 20; i++) {
		float angle = 0.5f * (low + high);

		kernels->skull_row(y, &angle, &at_x, &z, 1);
		if (at_x < x)
			low = angle;
		else
			high = angle;
	}
	kernels->features_row(identity, y, &at_x, &z, &depth, 1);
	kernels->warp_row(identity, y, &at_x, &z, &depth, &p, 1);
	return p;
}

void lanesim_skin_tone(float melanin, float ret_albedo[LANESIM_BANDS])
{
	ret_albedo[LANESIM_R] = skin_tone_red(melanin);
	ret_albedo[LANESIM_G] = skin_tone_green(melanin);
	ret_albedo[LANESIM_B] = skin_tone_blue(melanin);
	ret_albedo[LANESIM_NIR] = skin_tone_nir(melanin);
}

/* ---- the grid ------------------------------------------------------------------------------- */

static float row_step(float y)
{
	return y > 9.6f ? 0.16f : y > 3.3f ? 0.4f : y > -9.7f ? 0.125f : 0.22f;
}

static void lay_rows(struct lanesim_rig *rig)
{
	float y = FACE_CROWN;

	rig->rows = 0;
	while (y > FACE_CHIN + 0.05f) {
		float next = y - row_step(y);

		rig->y[rig->rows++] = y;
		/* The row that would come closest to the line between the lips becomes two. */
		if (y > FACE_MOUTH && next - 0.06f < FACE_MOUTH) {
			rig->lip_row = rig->rows;
			rig->y[rig->rows++] = FACE_MOUTH + LIP_GAP;
			rig->y[rig->rows++] = FACE_MOUTH - LIP_GAP;
			next = FACE_MOUTH - 0.11f;
		}
		y = next;
	}
	rig->y[rig->rows++] = FACE_CHIN;
}

static float column_angle(float share)
{
	float a = share < 0 ? -share : share;
	float angle = a < FACE_SHARE ? a / FACE_SHARE * FACE_ANGLE
				     : FACE_ANGLE + (a - FACE_SHARE) / (1 - FACE_SHARE) *
							    (LANESIM_PI - FACE_ANGLE);

	return share < 0 ? -angle : angle;
}

static void shape_grid(struct lanesim_build *build, struct lanesim_rig *rig)
{
	const struct lanesim_kernels *kernels = lanesim_kernels();
	float depth[ACROSS];
	struct vec p[ACROSS];

	for (int j = 0; j < ACROSS; j++)
		rig->angle[j] = column_angle(2.0f * (float)j / LANESIM_HEAD_COLUMNS - 1);
	for (uint32_t i = 0; i < rig->rows; i++) {
		struct lanesim_vertex *v = &build->mesh.vertices[rig->head + i * ACROSS];
		float *x = rig->x + i * ACROSS, *z = rig->z + i * ACROSS;
		bool lip = i == rig->lip_row || i == rig->lip_row + 1;
		float y = lip ? FACE_MOUTH : rig->y[i];

		kernels->skull_row(y, rig->angle, x, z, ACROSS);
		kernels->features_row(build->identity, y, x, z, depth, ACROSS);
		kernels->warp_row(build->identity, y, x, z, depth, p, ACROSS);
		for (uint32_t j = 0; j < ACROSS; j++) {
			v[j].p = p[j];
			v[j].u = (float)(j * LANESIM_TEXELS_ACROSS);
			v[j].v = (float)(i * LANESIM_TEXELS_DOWN);
		}
	}
}

/* ---- what light does on it ------------------------------------------------------------------ */

/* Mean over a window of 2 r + 1 rows, then columns; it shrinks at the top and bottom rows. */
static void blur(struct vec *grid, struct vec *scratch, int rows, int r)
{
	for (int i = 0; i < rows; i++) {
		const struct vec *row = grid + i * ACROSS;
		struct vec sum = { 0, 0, 0 };

		/* Columns 0 and LANESIM_HEAD_COLUMNS are one place. */
		for (int j = -r; j <= r; j++)
			sum = vec_add(sum, row[(j + LANESIM_HEAD_COLUMNS) % LANESIM_HEAD_COLUMNS]);
		for (int j = 0; j < ACROSS; j++) {
			int enter = (j + r + 1) % LANESIM_HEAD_COLUMNS;
			int leave = (j - r + LANESIM_HEAD_COLUMNS) % LANESIM_HEAD_COLUMNS;

			scratch[i * ACROSS + j] = vec_scale(sum, 1.0f / (float)(2 * r + 1));
			sum = vec_add(sum, vec_sub(row[enter], row[leave]));
		}
	}
	for (int i = 0; i < rows; i++) {
		int reach = r;

		if (i < reach)
			reach = i;
		if (rows - 1 - i < reach)
			reach = rows - 1 - i;
		for (int j = 0; j < ACROSS; j++) {
			struct vec sum = { 0, 0, 0 };

			for (int k = i - reach; k <= i + reach; k++)
				sum = vec_add(sum, scratch[k * ACROSS + j]);
			grid[i * ACROSS + j] = vec_scale(sum, 1.0f / (float)(2 * reach + 1));
		}
	}
}

/* Normals of the blurred surface, and shade where the surface lies below its surroundings' mean. */
static void light_aids(struct lanesim_build *build, const struct lanesim_rig *rig)
{
	uint32_t n = rig->rows * ACROSS;
	struct lanesim_vertex *v = &build->mesh.vertices[rig->head];
	struct vec *grid = malloc(2 * n * sizeof(*grid)), *sharp = malloc(2 * n * sizeof(*sharp));

	if (!grid || !sharp) {
		build->failed = true;
		goto out;
	}
	lanesim_mesh_grid_normals(&build->mesh, rig->head, rig->rows, ACROSS, false, false);
	for (uint32_t k = 0; k < n; k++) {
		grid[k] = sharp[k] = v[k].p;
		sharp[n + k] = v[k].n;
	}
	blur(grid, grid + n, (int)rig->rows, SOFT_RADIUS);
	for (uint32_t k = 0; k < n; k++)
		v[k].p = grid[k];
	lanesim_mesh_grid_normals(&build->mesh, rig->head, rig->rows, ACROSS, false, false);
	for (uint32_t k = 0; k < n; k++) {
		v[k].soft = v[k].n;
		v[k].n = sharp[n + k];
	}
	blur(grid, grid + n, (int)rig->rows, CAVITY_RADIUS);
	for (uint32_t k = 0; k < n; k++)
		v[k].sky = 1 -
			   1.3f * approx_max(vec_dot(vec_sub(grid[k], sharp[k]), v[k].n) + 0.03f,
					     0);
	blur(grid, grid + n, (int)rig->rows, HOLLOW_RADIUS);
	for (uint32_t k = 0; k < n; k++) {
		float hollow = vec_dot(vec_sub(grid[k], sharp[k]), v[k].n);

		v[k].sky = approx_clamp(v[k].sky - 0.5f * approx_max(hollow + 0.1f, 0), 0.25f, 1);
		v[k].p = sharp[k];
	}
out:
	free(grid);
	free(sharp);
}

/* ---- paint ---------------------------------------------------------------------------------- */

/* The hair's mask varies slowly: known at the vertices, linear between them. */
static float *masks(const struct lanesim_build *build, const struct lanesim_rig *rig)
{
	float *mask = malloc(rig->rows * ACROSS * sizeof(*mask));

	for (uint32_t i = 0; mask && i < rig->rows; i++)
		for (uint32_t j = 0; j < ACROSS; j++)
			mask[i * ACROSS + j] = lanesim_hair_mask(build->identity, rig->angle[j],
								 rig->y[i]);
	return mask;
}

static void paint(struct lanesim_build *build, const struct lanesim_rig *rig,
		  struct lanesim_texture *texture)
{
	const struct lanesim_kernels *kernels = lanesim_kernels();
	float angle[TEXTURE_WIDTH], x[TEXTURE_WIDTH], z[TEXTURE_WIDTH], scalp[TEXTURE_WIDTH];
	float *mask = masks(build, rig);

	if (!mask) {
		build->failed = true;
		return;
	}
	for (int c = 0; c < TEXTURE_WIDTH; c++)
		angle[c] = column_angle(2 * ((float)c + 0.5f) / TEXTURE_WIDTH - 1);
	for (uint32_t r = 0; r < texture->height; r++) {
		float at = ((float)r + 0.5f) / LANESIM_TEXELS_DOWN;
		uint32_t i = (uint32_t)at;
		float t = at - (float)i;
		const struct lanesim_skin_row row = {
			.y = approx_mix(rig->y[i], rig->y[i + 1], t),
			.n = TEXTURE_WIDTH,
			.angle = angle,
			.x = x,
			.z = z,
			.scalp = scalp,
		};

		kernels->skull_row(row.y, angle, x, z, TEXTURE_WIDTH);
		for (int c = 0; c < TEXTURE_WIDTH; c++) {
			float column = ((float)c + 0.5f) / LANESIM_TEXELS_ACROSS;
			uint32_t j = (uint32_t)column, k = i * ACROSS + j;
			float s = column - (float)j;

			scalp[c] = approx_mix(approx_mix(mask[k], mask[k + 1], s),
					      approx_mix(mask[k + ACROSS], mask[k + ACROSS + 1], s),
					      t);
		}
		kernels->skin_row(build->identity, &row,
				  texture->texels + (size_t)r * texture->width);
	}
	free(mask);
	lanesim_texture_reduce(texture);
}

/* ---- places that are measured --------------------------------------------------------------- */

/* Where the canonical (@x, @y) of the front is on the grid. */
static struct lanesim_spot find_spot(const struct lanesim_rig *rig, float x, float y)
{
	uint32_t i = 0, j = LANESIM_HEAD_COLUMNS / 4;
	struct lanesim_spot spot;
	const float *row;
	float s, t;

	while (i < rig->rows - 2 && rig->y[i + 1] > y)
		i++;
	row = rig->x + i * ACROSS;
	while (j < 3 * LANESIM_HEAD_COLUMNS / 4 && row[j + 1] < x)
		j++;
	s = approx_clamp((x - row[j]) / (row[j + 1] - row[j]), 0, 1);
	t = approx_clamp((y - rig->y[i]) / (rig->y[i + 1] - rig->y[i]), 0, 1);
	for (uint32_t k = 0; k < 4; k++) {
		spot.vertex[k] = rig->head + (i + k / 2) * ACROSS + j + k % 2;
		spot.share[k] = (k % 2 ? s : 1 - s) * (k / 2 ? t : 1 - t);
	}
	return spot;
}

static void find_spots(const struct lanesim_identity *identity, struct lanesim_rig *rig)
{
	/* Chin, jaw, cheeks, temples, brow: what a detector's box goes around. */
	static const float outline[8][2] = { { 0, -11.6f }, { -5, -8.5f }, { 5, -8.5f },
					     { -6.6f, -2 }, { 6.6f, -2 },  { -6.6f, 3 },
					     { 6.6f, 3 },   { 0, 7.2f } };
	unsigned int n = 0;

	rig->nose = find_spot(rig, 0, FACE_TIP + face_get(identity, LANESIM_P_TIP_TURN));
	rig->corner[0] = find_spot(rig, -FACE_MOUTH_X, FACE_MOUTH + LIP_GAP);
	rig->corner[1] = find_spot(rig, FACE_MOUTH_X, FACE_MOUTH + LIP_GAP);
	for (int k = 0; k < 8; k++)
		rig->outline[k] = find_spot(rig, outline[k][0], outline[k][1]);
	/* 8 rows of 5 from the chin to above the brows. */
	for (int i = 0; i < 8; i++)
		for (int j = -2; j <= 2; j++)
			rig->probe[n++] = find_spot(rig, (float)j * (i < 2 ? 1.4f : 2.3f),
						    -10.4f + 1.85f * (float)i);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void cover_with_skin(struct lanesim_build *build, const struct lanesim_rig *rig,
			    uint32_t surface)
{
	for (uint32_t i = 0; i + 1 < rig->rows; i++) {
		for (uint32_t j = 0; j < LANESIM_HEAD_COLUMNS; j++) {
			uint32_t a = rig->head + i * ACROSS + j, c = a + ACROSS;
			bool in_mouth = i == rig->lip_row && j >= rig->lip_first &&
					j + 1 < rig->lip_first + rig->lip_n;

			if (in_mouth)
				continue;
			lanesim_mesh_add_triangle(&build->mesh, a, c, c + 1, surface);
			lanesim_mesh_add_triangle(&build->mesh, a, c + 1, a + 1, surface);
		}
	}
}

static void find_lips(struct lanesim_rig *rig)
{
	const float *row = rig->x + rig->lip_row * ACROSS;
	uint32_t j = LANESIM_HEAD_COLUMNS / 4;

	while (row[j] < -FACE_MOUTH_X)
		j++;
	rig->lip_first = j - 1;
	while (row[j] <= FACE_MOUTH_X)
		j++;
	rig->lip_n = j - rig->lip_first + 1;
}

void lanesim_head_build(struct lanesim_build *build, struct lanesim_rig *rig)
{
	struct lanesim_surface skin = { .shine = LANESIM_SKIN };
	struct lanesim_texture *texture;

	lay_rows(rig);
	rig->x = malloc(rig->rows * ACROSS * sizeof(float));
	rig->z = malloc(rig->rows * ACROSS * sizeof(float));
	rig->head = lanesim_build_vertices(build, rig->rows * ACROSS, 1);
	texture = lanesim_build_texture(build, TEXTURE_WIDTH,
					(rig->rows - 1) * LANESIM_TEXELS_DOWN);
	if (!rig->x || !rig->z || !texture)
		build->failed = true;
	if (build->failed)
		return;
	shape_grid(build, rig);
	light_aids(build, rig);
	find_lips(rig);
	find_spots(build->identity, rig);
	skin.texture = texture;
	cover_with_skin(build, rig, lanesim_mesh_add_surface(&build->mesh, &skin));
	paint(build, rig, texture);
}

void lanesim_build_head(struct lanesim_build *build)
{
	lanesim_head_build(build, &build->rig);
	if (build->failed)
		return;
	lanesim_eyes_build(build, &build->rig);
	lanesim_mouth_build(build, &build->rig);
	if (lanesim_morph_build(build->identity, &build->rig))
		build->failed = true;
}

void lanesim_rig_uninit(struct lanesim_rig *rig)
{
	free(rig->x);
	free(rig->z);
	for (int m = 0; m < LANESIM_MORPHS; m++)
		free(rig->morph[m]);
}
