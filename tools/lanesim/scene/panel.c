/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/scene/panel.h"

#include "lanesim/render/approx.h"

enum { BAR_SIDES = 12, PILLOW_ROWS = 13, PILLOW_COLUMNS = 24 };

struct vec lanesim_panel_at(const struct lanesim_panel *panel, float u, float v)
{
	const struct vec *c = panel->corner;
	struct vec p = vec_mix(vec_mix(c[0], c[1], u), vec_mix(c[3], c[2], u), v);

	p = vec_along(p, vec_mix(panel->across[0], panel->across[1], v), 4 * u * (1 - u));
	return vec_along(p, vec_mix(panel->down[0], panel->down[1], u), 4 * v * (1 - v));
}

struct lanesim_panel lanesim_panel_mirror(const struct lanesim_panel *panel)
{
	struct lanesim_panel other = { .across = { panel->across[0], panel->across[1] },
				       .down = { panel->down[1], panel->down[0] } };

	for (unsigned int i = 0; i < 4; i++) { /* left is right then */
		other.corner[i] = panel->corner[i ^ 1];
		other.corner[i].x = -other.corner[i].x;
	}
	for (unsigned int i = 0; i < 2; i++) {
		other.across[i].x = -other.across[i].x;
		other.down[i].x = -other.down[i].x;
	}
	return other;
}

void lanesim_panel_add(struct lanesim_mesh *mesh, const struct lanesim_panel *panel,
		       const struct lanesim_cut *cut, uint32_t rows, uint32_t columns, float sky,
		       uint32_t surface)
{
	uint32_t first = lanesim_mesh_add_vertices(mesh, rows * columns);

	if (mesh->failed)
		return;
	for (uint32_t i = 0; i < rows; i++) {
		float v = (float)i / (float)(rows - 1);
		float left = approx_mix(cut->top[0], cut->bottom[0], v);
		float right = approx_mix(cut->top[1], cut->bottom[1], v);

		for (uint32_t j = 0; j < columns; j++) {
			struct lanesim_vertex *vertex = &mesh->vertices[first + i * columns + j];
			float u = approx_mix(left, right, (float)j / (float)(columns - 1));

			vertex->p = lanesim_panel_at(panel, u, v);
			vertex->sky = sky;
		}
	}
	lanesim_mesh_grid(mesh, first, rows, columns, false, false, surface);
	lanesim_mesh_grid_normals(mesh, first, rows, columns, false, false);
}

/* |x|^power with the sign of x. */
static float signed_power(float x, float power)
{
	return x < 0 ? -approx_pow(-x, power) : approx_pow(x, power);
}

void lanesim_bar_add(struct lanesim_mesh *mesh, const struct vec *points, uint32_t n,
		     struct vec wide, struct vec thick, float sky, uint32_t surface)
{
	const float power = 0.7f; /* between an ellipse (1) and a rectangle (0) */
	struct vec along = vec_sub(points[n - 1], points[0]);
	uint32_t rows = n + 2; /* the ends are closed by rings without width */
	uint32_t first = lanesim_mesh_add_vertices(mesh, rows * BAR_SIDES);

	if (mesh->failed)
		return;
	if (vec_dot(vec_cross(wide, thick), along) > 0) /* outside must come out in front */
		thick = vec_scale(thick, -1);
	for (uint32_t i = 0; i < rows; i++)
		for (uint32_t j = 0; j < BAR_SIDES; j++) {
			struct lanesim_vertex *vertex = &mesh->vertices[first + i * BAR_SIDES + j];
			float turn = (float)j * (1.0f / BAR_SIDES);
			float c = signed_power(approx_sin_turns(turn + 0.25f), power);
			float s = signed_power(approx_sin_turns(turn), power);
			uint32_t at = i == 0 ? 0 : i > n ? n - 1 : i - 1;
			float size = i == 0 || i > n ? 0.05f : 1;

			vertex->p = vec_along(vec_along(points[at], wide, c * size), thick,
					      s * size);
			vertex->sky = sky;
		}
	lanesim_mesh_grid(mesh, first, rows, BAR_SIDES, true, false, surface);
	lanesim_mesh_grid_normals(mesh, first, rows, BAR_SIDES, true, false);
}

void lanesim_pillow_add(struct lanesim_mesh *mesh, const struct rigid *place, struct vec half,
			float square, float sky, uint32_t surface)
{
	float power = approx_mix(1, 0.2f, square);
	uint32_t first = lanesim_mesh_add_vertices(mesh, PILLOW_ROWS * PILLOW_COLUMNS);

	if (mesh->failed)
		return;
	for (uint32_t i = 0; i < PILLOW_ROWS; i++) {
		float turn = 0.25f - 0.5f * (float)i / (PILLOW_ROWS - 1);
		float cv = approx_max(approx_sin_turns(turn + 0.25f), 0),
		      sv = approx_sin_turns(turn);
		float ring = approx_pow(cv, power), ring_n = approx_pow(cv, 2 - power);

		for (uint32_t j = 0; j < PILLOW_COLUMNS; j++) {
			struct lanesim_vertex *vertex =
				&mesh->vertices[first + i * PILLOW_COLUMNS + j];
			float around = (float)j * (1.0f / PILLOW_COLUMNS);
			float s = approx_sin_turns(around), c = approx_sin_turns(around + 0.25f);
			struct vec p = { half.x * ring * signed_power(s, power),
					 half.y * signed_power(sv, power),
					 half.z * ring * signed_power(c, power) };
			struct vec n = { ring_n * signed_power(s, 2 - power) / half.x,
					 signed_power(sv, 2 - power) / half.y,
					 ring_n * signed_power(c, 2 - power) / half.z };

			vertex->p = rigid_apply(place, p);
			vertex->n = vertex->soft = rigid_turn(place, vec_unit(n));
			vertex->sky = sky * approx_mix(0.75f, 1, 0.5f + 0.5f * vertex->n.y);
		}
	}
	lanesim_mesh_grid(mesh, first, PILLOW_ROWS, PILLOW_COLUMNS, true, false, surface);
}

struct rigid lanesim_place(struct vec to, float yaw, float pitch)
{
	float cy = approx_cos(yaw), sy = approx_sin(yaw), cp = approx_cos(pitch);
	float sp = approx_sin(pitch);

	return (struct rigid){ { cy, sy * sp, sy * cp, 0, cp, -sp, -sy, cy * sp, cy * cp }, to };
}
