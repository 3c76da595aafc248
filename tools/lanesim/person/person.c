/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/person/person.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lanesim/person/build.h"
#include "lanesim/render/approx.h"

/* Where the head turns on the neck, and the body on the seat: cm below and behind the eyes. */
static const struct vec neck = { 0, -10.5f, -4 }, hip = { 0, -62, -10 };

struct lanesim_person {
	struct lanesim_identity identity;
	struct lanesim_wear wear;
	struct lanesim_build build;
};

/* ---- building ------------------------------------------------------------------------------- */

uint32_t lanesim_build_vertices(struct lanesim_build *build, uint32_t n, float with_head)
{
	uint32_t first = lanesim_mesh_add_vertices(&build->mesh, n),
		 room = build->mesh.vertices_room;

	if (build->mesh.failed)
		build->failed = true;
	if (build->failed)
		return 0;
	if (room > build->with_head_room) {
		float *grown = realloc(build->with_head, room * sizeof(*grown));

		if (!grown) {
			build->failed = true;
			return 0;
		}
		build->with_head = grown;
		build->with_head_room = room;
	}
	for (uint32_t i = 0; i < n; i++)
		build->with_head[first + i] = with_head;
	return first;
}

struct lanesim_texture *lanesim_build_texture(struct lanesim_build *build, uint32_t width,
					      uint32_t height)
{
	struct lanesim_texture *texture = &build->textures[build->textures_n];

	if (build->textures_n == LANESIM_TEXTURES_MAX ||
	    lanesim_texture_init(texture, width, height)) {
		build->failed = true;
		return NULL;
	}
	build->textures_n++;
	return texture;
}

int lanesim_person_create(const struct lanesim_identity *identity, const struct lanesim_wear *wear,
			  struct lanesim_person **ret_person)
{
	struct lanesim_person *person = calloc(1, sizeof(*person));
	struct lanesim_build *build;

	if (!person)
		return -ENOMEM;
	person->identity = *identity;
	person->wear = *wear;
	build = &person->build;
	build->identity = &person->identity;
	build->wear = &person->wear;
	lanesim_mesh_init(&build->mesh);
	lanesim_build_head(build);
	if (!build->failed)
		lanesim_build_ears(build);
	if (!build->failed)
		lanesim_build_hair(build);
	if (!build->failed)
		lanesim_build_torso(build);
	if (!build->failed)
		lanesim_build_wear(build);
	if (build->failed || build->mesh.failed) {
		lanesim_person_destroy(person);
		return -ENOMEM;
	}
	*ret_person = person;
	return 0;
}

void lanesim_person_destroy(struct lanesim_person *person)
{
	if (!person)
		return;
	for (uint32_t i = 0; i < person->build.textures_n; i++)
		lanesim_texture_uninit(&person->build.textures[i]);
	lanesim_rig_uninit(&person->build.rig);
	lanesim_mesh_uninit(&person->build.mesh);
	free(person->build.with_head);
	free(person);
}

/* ---- posing --------------------------------------------------------------------------------- */

/* Yaw after pitch after roll, about @pivot. */
static struct rigid turn_about(struct vec pivot, float yaw, float pitch, float roll)
{
	float cy = approx_cos(yaw), sy = approx_sin(yaw), cp = approx_cos(pitch);
	float sp = approx_sin(pitch), cr = approx_cos(roll), sr = approx_sin(roll);
	struct rigid r = { { cy * cr + sy * -sp * sr, -cy * sr - sy * sp * cr, sy * cp, /**/
			     cp * sr, cp * cr, sp, /**/
			     -sy * cr + cy * -sp * sr, sy * sr - cy * sp * cr, cy * cp },
			   { 0, 0, 0 } };

	r.t = vec_sub(pivot, rigid_turn(&r, pivot));
	return r;
}

static void turn_vertices(const struct lanesim_build *build, const struct rigid *head,
			  const struct rigid *body, struct lanesim_mesh *mesh)
{
	for (uint32_t i = 0; i < mesh->vertices_n; i++) {
		struct lanesim_vertex *v = &mesh->vertices[i];
		float w = build->with_head[i];

		if (w > 0) {
			v->p = vec_mix(v->p, rigid_apply(head, v->p), w);
			v->n = vec_unit(vec_mix(v->n, rigid_turn(head, v->n), w));
			v->soft = vec_unit(vec_mix(v->soft, rigid_turn(head, v->soft), w));
		}
		v->p = rigid_apply(body, v->p);
		v->n = rigid_turn(body, v->n);
		v->soft = rigid_turn(body, v->soft);
	}
}

static struct vec spot_at(const struct lanesim_mesh *mesh, const struct lanesim_spot *spot)
{
	struct vec p = { 0, 0, 0 };

	for (int k = 0; k < 4; k++)
		p = vec_along(p, mesh->vertices[spot->vertex[k]].p, spot->share[k]);
	return p;
}

static void measure(const struct lanesim_rig *rig, const struct rigid *face,
		    const struct lanesim_mesh *mesh, struct lanesim_marks *marks)
{
	for (int k = 0; k < 2; k++) {
		/* The middle of the opening, on the ball. */
		struct vec p = rig->eye_centre[k];

		p.y += 0.5f * (rig->lid_upper - rig->lid_lower);
		p.z += rig->eye_radius;
		marks->landmark[k] = rigid_apply(face, p);
		marks->landmark[3 + k] = spot_at(mesh, &rig->corner[k]);
	}
	marks->landmark[2] = spot_at(mesh, &rig->nose);
	for (int k = 0; k < LANESIM_PROBES; k++)
		marks->probe[k] = spot_at(mesh, &rig->probe[k]);
	for (int k = 0; k < 8; k++)
		marks->outline[k] = spot_at(mesh, &rig->outline[k]);
	marks->facing = rigid_turn(face, vec_make(0, 0, 1));
}

/* Room for a copy of @rest in @mesh, which may be of another person. */
static int copy_mesh(const struct lanesim_mesh *rest, struct lanesim_mesh *mesh)
{
	mesh->vertices_n = mesh->triangles_n = 0;
	if (mesh->vertices_room < rest->vertices_n) {
		free(mesh->vertices);
		mesh->vertices = malloc(rest->vertices_n * sizeof(*mesh->vertices));
		mesh->vertices_room = mesh->vertices ? rest->vertices_n : 0;
	}
	if (mesh->triangles_room < rest->triangles_n) {
		free(mesh->triangles);
		mesh->triangles = malloc(rest->triangles_n * sizeof(*mesh->triangles));
		mesh->triangles_room = mesh->triangles ? rest->triangles_n : 0;
	}
	if (!mesh->vertices || !mesh->triangles)
		return -ENOMEM;
	memcpy(mesh->vertices, rest->vertices, rest->vertices_n * sizeof(*mesh->vertices));
	memcpy(mesh->triangles, rest->triangles, rest->triangles_n * sizeof(*mesh->triangles));
	memcpy(mesh->surfaces, rest->surfaces, rest->surfaces_n * sizeof(*mesh->surfaces));
	mesh->vertices_n = rest->vertices_n;
	mesh->triangles_n = rest->triangles_n;
	mesh->surfaces_n = rest->surfaces_n;
	return 0;
}

int lanesim_person_pose(const struct lanesim_person *person, const struct lanesim_pose *pose,
			struct lanesim_mesh *mesh, struct lanesim_marks *ret_marks)
{
	const struct lanesim_rig *rig = &person->build.rig;
	struct rigid head = turn_about(neck, pose->yaw, pose->pitch, pose->roll);
	/* A body that leans forward looks down. */
	struct rigid body = turn_about(hip, 0, -pose->lean_z, -pose->lean_x);
	struct rigid face = rigid_compose(&body, &head);

	if (copy_mesh(&person->build.mesh, mesh))
		return -ENOMEM;
	lanesim_morph_apply(rig, pose, &person->build.mesh, mesh);
	lanesim_eyes_pose(rig, pose, mesh);
	lanesim_mouth_pose(rig, pose, mesh);
	turn_vertices(&person->build, &head, &body, mesh);
	if (ret_marks)
		measure(rig, &face, mesh, ret_marks);
	return 0;
}
