/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/render/mesh.h"

#include <stdlib.h>
#include <string.h>

#include "lanesim/render/approx.h"

enum { TUBE_SIDES = 8 };

void lanesim_mesh_init(struct lanesim_mesh *mesh)
{
	memset(mesh, 0, sizeof(*mesh));
}

void lanesim_mesh_uninit(struct lanesim_mesh *mesh)
{
	free(mesh->vertices);
	free(mesh->triangles);
	memset(mesh, 0, sizeof(*mesh));
}

/* Room for @more elements behind @n, at least doubling; the array stays as it was on failure. */
static bool make_room(void **array, uint32_t *room, uint32_t n, uint32_t more, size_t size)
{
	uint64_t wanted = (uint64_t)n + more, doubled = 2 * (uint64_t)*room;
	void *grown;

	if (wanted <= *room)
		return true;
	wanted = wanted > doubled ? wanted : doubled;
	if (wanted > UINT32_MAX)
		return false;
	grown = realloc(*array, wanted * size);
	if (!grown)
		return false;
	*array = grown;
	*room = (uint32_t)wanted;
	return true;
}

uint32_t lanesim_mesh_add_surface(struct lanesim_mesh *mesh, const struct lanesim_surface *surface)
{
	if (mesh->failed || mesh->surfaces_n == LANESIM_SURFACES_MAX) {
		mesh->failed = true;
		return 0;
	}
	mesh->surfaces[mesh->surfaces_n] = *surface;
	return mesh->surfaces_n++;
}

uint32_t lanesim_mesh_add_vertices(struct lanesim_mesh *mesh, uint32_t n)
{
	uint32_t first = mesh->vertices_n;

	if (mesh->failed || !make_room((void **)&mesh->vertices, &mesh->vertices_room, first, n,
				       sizeof(*mesh->vertices))) {
		mesh->failed = true;
		return 0;
	}
	memset(mesh->vertices + first, 0, n * sizeof(*mesh->vertices));
	for (uint32_t i = 0; i < n; i++)
		mesh->vertices[first + i].sky = 1;
	mesh->vertices_n += n;
	return first;
}

void lanesim_mesh_add_triangle(struct lanesim_mesh *mesh, uint32_t a, uint32_t b, uint32_t c,
			       uint32_t surface)
{
	if (mesh->failed || !make_room((void **)&mesh->triangles, &mesh->triangles_room,
				       mesh->triangles_n, 1, sizeof(*mesh->triangles))) {
		mesh->failed = true;
		return;
	}
	mesh->triangles[mesh->triangles_n++] = (struct lanesim_triangle){ { a, b, c }, surface };
}

void lanesim_mesh_grid(struct lanesim_mesh *mesh, uint32_t first, uint32_t rows, uint32_t columns,
		       bool closed, bool inside_out, uint32_t surface)
{
	uint32_t across = closed ? columns : columns - 1;

	for (uint32_t row = 0; row + 1 < rows; row++) {
		for (uint32_t column = 0; column < across; column++) {
			uint32_t next = column + 1 < columns ? column + 1 : 0;
			uint32_t a = first + row * columns + column, b = a + columns;
			uint32_t d = first + row * columns + next, c = d + columns;

			if (inside_out) {
				lanesim_mesh_add_triangle(mesh, a, c, b, surface);
				lanesim_mesh_add_triangle(mesh, a, d, c, surface);
			} else {
				lanesim_mesh_add_triangle(mesh, a, b, c, surface);
				lanesim_mesh_add_triangle(mesh, a, c, d, surface);
			}
		}
	}
}

/* ---- normals of a grid ----------------------------------------------------------------------- */

static bool same_place(struct vec a, struct vec b)
{
	struct vec d = vec_sub(a, b);

	return vec_dot(d, d) < 1e-8f;
}

/* Not yet of length 1: the cross product of the differences down and across. */
static void row_normals(struct lanesim_vertex *row, const struct lanesim_vertex *above,
			const struct lanesim_vertex *below, uint32_t columns, bool closed,
			float sign)
{
	/* Open grids whose ends lie on each other (a seam of a texture) are smooth there too. */
	bool seam = !closed && columns > 2 && same_place(row[0].p, row[columns - 1].p);

	for (uint32_t i = 0; i < columns; i++) {
		uint32_t left = i ? i - 1 : closed ? columns - 1 : seam ? columns - 2 : 0;
		uint32_t right = i + 1 < columns ? i + 1 : closed ? 0 : seam ? 1 : i;
		struct vec across = vec_sub(row[right].p, row[left].p);
		struct vec down = vec_sub(below[i].p, above[i].p);

		row[i].n = vec_scale(vec_cross(down, across), sign);
	}
}

/* Where a row shrinks to a point its normals vanish: it takes the mean of its neighbour row. */
static void row_unit(struct lanesim_vertex *row, const struct lanesim_vertex *neighbour,
		     uint32_t columns)
{
	struct vec mean = { 0, 0, 0 };

	for (uint32_t i = 0; i < columns; i++)
		mean = vec_add(mean, neighbour[i].n);
	mean = vec_unit(mean);
	for (uint32_t i = 0; i < columns; i++) {
		row[i].n = vec_dot(row[i].n, row[i].n) < 1e-14f ? mean : vec_unit(row[i].n);
		row[i].soft = row[i].n;
	}
}

void lanesim_mesh_grid_normals(struct lanesim_mesh *mesh, uint32_t first, uint32_t rows,
			       uint32_t columns, bool closed, bool inside_out)
{
	struct lanesim_vertex *grid = mesh->vertices + first;

	if (mesh->failed || rows < 2 || columns < 2)
		return;
	for (uint32_t row = 0; row < rows; row++) {
		uint32_t above = row ? row - 1 : 0, below = row + 1 < rows ? row + 1 : row;

		row_normals(grid + row * columns, grid + above * columns, grid + below * columns,
			    columns, closed, inside_out ? -1 : 1);
	}
	for (uint32_t row = 0; row < rows; row++)
		row_unit(grid + row * columns,
			 grid + (row + 1 < rows ? row + 1 : row - 1) * columns, columns);
}

/* ---- simple bodies --------------------------------------------------------------------------- */

static struct vec any_across(struct vec direction)
{
	struct vec axis = direction.x * direction.x < 0.5f ? vec_make(1, 0, 0) : vec_make(0, 1, 0);

	return vec_unit(vec_cross(direction, axis));
}

/* A ring round @centre, @along the tube; @side is where it begins. */
static void tube_ring(struct lanesim_vertex *ring, struct vec centre, struct vec along,
		      struct vec side, float radius, float v)
{
	struct vec up = vec_cross(side, along);

	for (uint32_t i = 0; i < TUBE_SIDES; i++) {
		float turn = (float)i / TUBE_SIDES;
		struct vec out = vec_add(vec_scale(side, approx_sin_turns(turn + 0.25f)),
					 vec_scale(up, approx_sin_turns(turn)));

		ring[i].p = vec_along(centre, out, radius);
		ring[i].n = ring[i].soft = out;
		ring[i].u = turn;
		ring[i].v = v;
	}
}

/* A point in the middle of a tube's end. */
static void tube_end(struct lanesim_mesh *mesh, struct vec centre, struct vec outward, float radius,
		     uint32_t ring, bool last, uint32_t surface)
{
	uint32_t tip = lanesim_mesh_add_vertices(mesh, 1);

	if (mesh->failed)
		return;
	mesh->vertices[tip].p = vec_along(centre, outward, 0.5f * radius);
	mesh->vertices[tip].n = mesh->vertices[tip].soft = outward;
	for (uint32_t i = 0; i < TUBE_SIDES; i++) {
		uint32_t a = ring + i, b = ring + (i + 1) % TUBE_SIDES;

		lanesim_mesh_add_triangle(mesh, tip, last ? b : a, last ? a : b, surface);
	}
}

void lanesim_mesh_tube(struct lanesim_mesh *mesh, const struct vec *points, uint32_t n,
		       float radius, bool closed, uint32_t surface)
{
	uint32_t rings = closed ? n + 1 : n, first;
	struct vec plane = { 0, 0, 0 }, side = { 0, 0, 0 }, along = { 0, 0, 0 };

	first = lanesim_mesh_add_vertices(mesh, rings * TUBE_SIDES);
	if (mesh->failed)
		return;
	for (uint32_t i = 0; closed && i < n; i++) /* about the plane of a loop there is no twist */
		plane = vec_add(plane, vec_cross(vec_sub(points[i], points[0]),
						 vec_sub(points[(i + 1) % n], points[0])));
	for (uint32_t i = 0; i < rings; i++) {
		uint32_t at = i % n;
		uint32_t before = at ? at - 1 : closed ? n - 1 : 0;
		uint32_t after = at + 1 < n ? at + 1 : closed ? 0 : at;

		along = vec_unit(vec_sub(points[after], points[before]));
		if (closed)
			side = vec_cross(along, plane);
		else if (!i)
			side = any_across(along);
		side = vec_unit(vec_along(side, along, -vec_dot(side, along)));
		tube_ring(mesh->vertices + first + i * TUBE_SIDES, points[at], along, side, radius,
			  (float)i);
		if (!i && !closed) {
			tube_end(mesh, points[0], vec_scale(along, -1), radius, first, false,
				 surface);
			if (mesh->failed)
				return;
		}
	}
	lanesim_mesh_grid(mesh, first, rings, TUBE_SIDES, true, false, surface);
	if (!closed)
		tube_end(mesh, points[n - 1], along, radius, first + (n - 1) * TUBE_SIDES, true,
			 surface);
}

void lanesim_mesh_quad(struct lanesim_mesh *mesh, struct vec a, struct vec b, struct vec c,
		       struct vec d, uint32_t surface)
{
	struct vec normal = vec_unit(vec_cross(vec_sub(c, a), vec_sub(d, b)));
	struct vec corner[4] = { a, b, c, d };
	uint32_t first = lanesim_mesh_add_vertices(mesh, 4);

	if (mesh->failed)
		return;
	for (uint32_t i = 0; i < 4; i++) {
		struct lanesim_vertex *vertex = mesh->vertices + first + i;

		vertex->p = corner[i];
		vertex->n = vertex->soft = normal;
		vertex->u = i == 1 || i == 2;
		vertex->v = i >= 2;
	}
	lanesim_mesh_add_triangle(mesh, first, first + 1, first + 2, surface);
	lanesim_mesh_add_triangle(mesh, first, first + 2, first + 3, surface);
}

void lanesim_mesh_box(struct lanesim_mesh *mesh, const struct rigid *place, struct vec half,
		      uint32_t surface)
{
	struct vec corner[8]; /* bit 0: +x, bit 1: +y, bit 2: +z */
	/* Counterclockwise from outside. */
	static const uint8_t sides[6][4] = { { 4, 5, 7, 6 }, { 1, 0, 2, 3 }, { 5, 1, 3, 7 },
					     { 0, 4, 6, 2 }, { 6, 7, 3, 2 }, { 0, 1, 5, 4 } };

	for (int i = 0; i < 8; i++)
		corner[i] = rigid_apply(place,
					vec_make(i & 1 ? half.x : -half.x, i & 2 ? half.y : -half.y,
						 i & 4 ? half.z : -half.z));
	for (int i = 0; i < 6; i++)
		lanesim_mesh_quad(mesh, corner[sides[i][0]], corner[sides[i][1]],
				  corner[sides[i][2]], corner[sides[i][3]], surface);
}
