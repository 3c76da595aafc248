/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/person/shell.h"

#include "lanesim/kernel.h"
#include "lanesim/render/approx.h"

enum { ROWS = LANESIM_SHELL_ROWS, COLUMNS = LANESIM_SHELL_COLUMNS };

#define CROWN 11.4f /* canonical y */

struct vec lanesim_shell_ground(const struct lanesim_identity *identity, float angle, float y)
{
	const struct lanesim_kernels *kernels = lanesim_kernels();
	float x, z, depth = 0;
	struct vec p;

	kernels->skull_row(y, &angle, &x, &z, 1);
	if (z > -2.2f && y < 11) /* elsewhere there are no features */
		kernels->features_row(identity, y, &x, &z, &depth, 1);
	kernels->warp_row(identity, y, &x, &z, &depth, &p, 1);
	return p;
}

/*
 * Places are polar about the crown: the distance is an arc as far as eye height and runs straight
 * down from there. Rows are rings that start as the parting and end as a circle about the crown.
 */
static struct lanesim_shell_place place_at(const struct lanesim_shell *shell, uint32_t row,
					   uint32_t column)
{
	float reach = LANESIM_PI / 2 - shell->lowest / CROWN, t = (float)row / (ROWS - 1);
	float turn = (float)column / COLUMNS - 0.5f, rest = 1 - t;
	float x = shell->pole_x * rest + approx_sin_turns(turn) * t * reach;
	float z = shell->pole_z * rest +
		  approx_sin_turns(turn + 0.25f) * (t * reach + rest * shell->line);
	float distance = sqrtf(x * x + z * z);

	return (struct lanesim_shell_place){
		.along = t,
		.turn = turn,
		.angle = approx_atan2(x, z),
		.y = distance < LANESIM_PI / 2 ? CROWN * approx_cos(distance)
					       : CROWN * (LANESIM_PI / 2 - distance),
	};
}

/* The first and the last column are the same place; the first row is folded onto the parting. */
static void mend_normals(const struct lanesim_shell *shell, struct lanesim_vertex *vertices)
{
	for (uint32_t row = 0; row < ROWS; row++) {
		struct lanesim_vertex *a = &vertices[row * (COLUMNS + 1)], *b = a + COLUMNS;

		a->n = a->soft = b->n = b->soft = vec_unit(vec_add(a->n, b->n));
	}
	for (uint32_t column = 0; column <= COLUMNS; column++) {
		struct lanesim_vertex *top = &vertices[column];
		const struct lanesim_vertex *a = &vertices[COLUMNS + 1 + column];
		/* Across the parting; about a pole, the opposite side. */
		uint32_t other = shell->line > 0 ? COLUMNS - column
						 : (column + COLUMNS / 2) % COLUMNS;

		top->n = vec_unit(vec_add(a->n, vertices[COLUMNS + 1 + other].n));
		top->soft = top->n;
	}
}

void lanesim_shell_shape(struct lanesim_shell *shell, struct lanesim_build *build,
			 lanesim_shell_at *at, const void *data)
{
	struct lanesim_vertex *vertices;

	shell->first = lanesim_build_vertices(build, ROWS * (COLUMNS + 1), 1);
	if (build->failed || build->mesh.failed)
		return;
	vertices = &build->mesh.vertices[shell->first];
	for (uint32_t row = 0; row < ROWS; row++) {
		for (uint32_t column = 0; column <= COLUMNS; column++) {
			uint32_t i = row * (COLUMNS + 1) + column;
			struct lanesim_shell_point point = { .with_head = 1, .sky = 1 };
			struct lanesim_shell_place place;

			if (column < COLUMNS) {
				place = place_at(shell, row, column);
				at(data, &place, &point);
				vertices[i].p = point.p;
				vertices[i].sky = point.sky;
				build->with_head[shell->first + i] = point.with_head;
				shell->cover[row][column] = point.cover;
			} else {
				vertices[i].p = vertices[i - COLUMNS].p;
				vertices[i].sky = vertices[i - COLUMNS].sky;
				build->with_head[shell->first + i] =
					build->with_head[shell->first + i - COLUMNS];
				shell->cover[row][column] = shell->cover[row][0];
			}
			vertices[i].u = 0.5f + (float)column * (float)(shell->width - 1) / COLUMNS;
			vertices[i].v = 0.5f + (float)row * (float)(shell->height - 1) / (ROWS - 1);
		}
	}
	lanesim_mesh_grid_normals(&build->mesh, shell->first, ROWS, COLUMNS + 1, false, false);
	mend_normals(shell, vertices);
}

/* Whether the cell below and right of the vertex at @row, @column is worth drawing. */
static bool is_cell(const struct lanesim_shell *shell, uint32_t row, uint32_t column, float margin)
{
	const float *upper = &shell->cover[row][column], *lower = &shell->cover[row + 1][column];

	return upper[0] >= -margin || upper[1] >= -margin || lower[0] >= -margin ||
	       lower[1] >= -margin;
}

/* Drops the vertices that no cell needs; @ret_index says where the others are. */
static void keep_used(const struct lanesim_shell *shell, struct lanesim_build *build, float margin,
		      uint32_t ret_index[ROWS][COLUMNS + 1])
{
	struct lanesim_vertex *vertices = build->mesh.vertices;
	uint32_t next = shell->first;

	for (uint32_t row = 0; row < ROWS; row++) {
		for (uint32_t column = 0; column <= COLUMNS; column++) {
			uint32_t from = shell->first + row * (COLUMNS + 1) + column;
			bool used = false;

			for (uint32_t i = row ? row - 1 : 0; i <= row && i < ROWS - 1; i++)
				for (uint32_t j = column ? column - 1 : 0;
				     j <= column && j < COLUMNS; j++)
					used |= is_cell(shell, i, j, margin);
			if (!used)
				continue;
			ret_index[row][column] = next;
			vertices[next] = vertices[from];
			build->with_head[next++] = build->with_head[from];
		}
	}
	build->mesh.vertices_n = next;
}

void lanesim_shell_skin(const struct lanesim_shell *shell, struct lanesim_build *build,
			float margin, uint32_t surface)
{
	uint32_t index[ROWS][COLUMNS + 1];

	if (build->failed || build->mesh.failed)
		return;
	keep_used(shell, build, margin, index);
	for (uint32_t row = 0; row + 1 < ROWS; row++) {
		for (uint32_t column = 0; column < COLUMNS; column++) {
			const uint32_t *upper = &index[row][column],
				       *lower = &index[row + 1][column];

			if (!is_cell(shell, row, column, margin))
				continue;
			lanesim_mesh_add_triangle(&build->mesh, upper[0], lower[0], lower[1],
						  surface);
			if (row)
				lanesim_mesh_add_triangle(&build->mesh, upper[0], lower[1],
							  upper[1], surface);
		}
	}
}

void lanesim_shell_cover_row(const struct lanesim_shell *shell, uint32_t y, float *ret_cover)
{
	float row = (float)y * (ROWS - 1) / (float)(shell->height - 1);
	uint32_t upper = row < ROWS - 1 ? (uint32_t)row : ROWS - 2;
	float down = row - (float)upper, line[COLUMNS + 1];

	for (uint32_t column = 0; column <= COLUMNS; column++)
		line[column] = approx_mix(shell->cover[upper][column],
					  shell->cover[upper + 1][column], down);
	for (uint32_t x = 0; x < shell->width; x++) {
		float place = (float)x * COLUMNS / (float)(shell->width - 1);
		uint32_t left = place < COLUMNS ? (uint32_t)place : COLUMNS - 1;

		ret_cover[x] = approx_mix(line[left], line[left + 1], place - (float)left);
	}
}
