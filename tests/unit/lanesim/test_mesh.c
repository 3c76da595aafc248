/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "lanesim/render/approx.h"
#include "lanesim/render/mesh.h"

enum { ROWS = 17, COLUMNS = 32 };

#define RADIUS 5.0f

/* A sphere of rows from pole to pole; the columns go round counterclockwise seen from above. */
static void sphere(struct lanesim_mesh *mesh, uint32_t columns, bool closed, bool inside_out)
{
	uint32_t surface = lanesim_mesh_add_surface(mesh, &(struct lanesim_surface){ .gloss = 0 });
	uint32_t first = lanesim_mesh_add_vertices(mesh, ROWS * columns);

	for (uint32_t row = 0; row < ROWS; row++) {
		float polar = 0.5f * (float)row / (ROWS - 1);

		for (uint32_t column = 0; column < columns; column++) {
			float turn = (float)column / (float)(closed ? columns : columns - 1);
			float flat = RADIUS * approx_sin_turns(polar);

			mesh->vertices[first + row * columns + column].p =
				vec_make(flat * approx_sin_turns(turn),
					 RADIUS * approx_sin_turns(polar + 0.25f),
					 flat * approx_sin_turns(turn + 0.25f));
		}
	}
	lanesim_mesh_grid(mesh, first, ROWS, columns, closed, inside_out, surface);
	lanesim_mesh_grid_normals(mesh, first, ROWS, columns, closed, inside_out);
}

/* Six times the volume that the triangles enclose: positive if they are seen from outside. */
static double volume(const struct lanesim_mesh *mesh)
{
	double sum = 0;

	for (uint32_t i = 0; i < mesh->triangles_n; i++) {
		const uint32_t *v = mesh->triangles[i].vertex;

		sum += (double)vec_dot(mesh->vertices[v[0]].p,
				       vec_cross(mesh->vertices[v[1]].p, mesh->vertices[v[2]].p));
	}
	return sum / 6;
}

static void check_sphere(uint32_t columns, bool closed, bool inside_out)
{
	const double ball = 4.0 / 3 * 3.14159265 * 125;
	struct lanesim_mesh mesh;
	float least = 1;

	lanesim_mesh_init(&mesh);
	sphere(&mesh, columns, closed, inside_out);
	CHECK(!mesh.failed);
	for (uint32_t i = 0; i < mesh.vertices_n; i++) {
		struct vec out = vec_scale(mesh.vertices[i].p, (inside_out ? -1 : 1) / RADIUS);
		float cosine = vec_dot(mesh.vertices[i].n, out);

		least = cosine < least ? cosine : least;
		CHECK_NEAR(vec_length(mesh.vertices[i].n), 1, 1e-4);
		CHECK_NEAR(vec_length(vec_sub(mesh.vertices[i].n, mesh.vertices[i].soft)), 0, 1e-6);
	}
	CHECK(least > 0.99f); /* poles and seam included */
	CHECK_NEAR(volume(&mesh) * (inside_out ? -1 : 1), ball, ball * 0.04);
	lanesim_mesh_uninit(&mesh);
}

TEST(grid_normals_point_outward)
{
	check_sphere(COLUMNS, true, false);
	check_sphere(COLUMNS, true, true);
	check_sphere(COLUMNS + 1, false, false);
}

TEST(bodies_are_closed_and_face_outward)
{
	const struct vec line[3] = { { 0, 0, 0 }, { 10, 0, 0 }, { 20, 0, 0 } };
	const struct vec loop[4] = { { 10, 0, 0 }, { 0, 10, 0 }, { -10, 0, 0 }, { 0, -10, 0 } };
	struct lanesim_mesh mesh;

	lanesim_mesh_init(&mesh);
	lanesim_mesh_box(&mesh, &RIGID_IDENTITY, vec_make(1, 2, 3), 0);
	CHECK_EQ(mesh.triangles_n, 12);
	CHECK_NEAR(volume(&mesh), 48, 1e-3);
	for (uint32_t i = 0; i < mesh.triangles_n; i++) {
		const uint32_t *v = mesh.triangles[i].vertex;
		struct vec n = vec_cross(vec_sub(mesh.vertices[v[1]].p, mesh.vertices[v[0]].p),
					 vec_sub(mesh.vertices[v[2]].p, mesh.vertices[v[0]].p));

		CHECK_NEAR(vec_dot(vec_unit(n), mesh.vertices[v[0]].n), 1, 1e-4);
	}
	lanesim_mesh_uninit(&mesh);
	/* Eight sides: 2.83 r² across; the ends bulge a little. */
	lanesim_mesh_tube(&mesh, line, 3, 1, false, 0);
	CHECK_NEAR(volume(&mesh), 20 * 2.83, 1.5);
	lanesim_mesh_uninit(&mesh);
	lanesim_mesh_tube(&mesh, loop, 4, 1, true, 0);
	CHECK(volume(&mesh) > 80);
	lanesim_mesh_uninit(&mesh);
}

TEST(surfaces_beyond_the_limit_fail_the_mesh)
{
	struct lanesim_surface surface = { .gloss = 0 };
	struct lanesim_mesh mesh;

	lanesim_mesh_init(&mesh);
	for (uint32_t i = 0; i < LANESIM_SURFACES_MAX; i++)
		CHECK_EQ(lanesim_mesh_add_surface(&mesh, &surface), i);
	CHECK(!mesh.failed);
	CHECK_EQ(lanesim_mesh_add_surface(&mesh, &surface), 0);
	CHECK(mesh.failed);
	CHECK_EQ(lanesim_mesh_add_vertices(&mesh, 3), 0);
	CHECK_EQ(mesh.vertices_n, 0);
	lanesim_mesh_add_triangle(&mesh, 0, 1, 2, 0);
	CHECK_EQ(mesh.triangles_n, 0);
	lanesim_mesh_uninit(&mesh);
}

TEST(levels_of_a_texture_keep_its_colour)
{
	struct lanesim_texture texture;
	const struct lanesim_texel *last;
	size_t n = 0;

	CHECK_EQ(lanesim_texture_init(&texture, 13, 6), 0);
	CHECK_EQ(texture.levels, 5); /* 13 × 6, 7 × 3, 4 × 2, 2 × 1, 1 × 1 */
	for (uint32_t i = 0; i < 13 * 6; i++)
		texture.texels[i] =
			(struct lanesim_texel){ { 1000, 2000, 3000, 4000 }, 500, 65535 };
	lanesim_texture_reduce(&texture);
	CHECK(!texture.holes);
	n = 13 * 6 + 7 * 3 + 4 * 2 + 2;
	last = texture.texels + n;
	CHECK_EQ(last->albedo[LANESIM_NIR], 4000);
	CHECK_EQ(last->gloss, 500);
	CHECK_EQ(last->cover, 65535);
	/* What lies in a hole does not bleed out of it. */
	texture.texels[13] = (struct lanesim_texel){ { 65535, 65535, 65535, 65535 }, 0, 0 };
	lanesim_texture_reduce(&texture);
	CHECK(texture.holes);
	CHECK_EQ(texture.holed[0], 1);
	CHECK_EQ(texture.holed[1], 0);
	CHECK_EQ(texture.texels[13 * 6].albedo[LANESIM_R], 1000);
	CHECK(texture.texels[13 * 6].cover < 65535);
	texture.texels[13].cover = 65535;
	texture.texels[12].cover = 0; /* in the second block of eight */
	lanesim_texture_reduce(&texture);
	CHECK_EQ(texture.holed[0], 0);
	CHECK_EQ(texture.holed[1], 1);
	lanesim_texture_uninit(&texture);
}

TEST_MAIN()
