/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/person/rod.h"

void lanesim_rod(struct lanesim_build *build, const struct vec *points, uint32_t n, float radius,
		 bool closed, uint32_t surface, float with_head, float u, float v)
{
	struct lanesim_mesh rod;
	uint32_t first;

	lanesim_mesh_init(&rod);
	lanesim_mesh_tube(&rod, points, n, radius, closed, surface);
	if (rod.failed) {
		build->failed = true;
		goto out;
	}
	first = lanesim_build_vertices(build, rod.vertices_n, with_head);
	if (build->failed || build->mesh.failed)
		goto out;
	for (uint32_t i = 0; i < rod.vertices_n; i++) {
		build->mesh.vertices[first + i] = rod.vertices[i];
		build->mesh.vertices[first + i].u = u;
		build->mesh.vertices[first + i].v = v;
	}
	for (uint32_t i = 0; i < rod.triangles_n; i++) {
		const uint32_t *corner = rod.triangles[i].vertex;

		lanesim_mesh_add_triangle(&build->mesh, first + corner[0], first + corner[1],
					  first + corner[2], surface);
	}
out:
	lanesim_mesh_uninit(&rod);
}
