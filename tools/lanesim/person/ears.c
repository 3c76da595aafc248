/* SPDX-License-Identifier: Apache-2.0 */
/* Ears: rings about the hollow, out over the helix and round to the back. */
#include "lanesim/person/build.h"
#include "lanesim/person/hair.h"
#include "lanesim/render/approx.h"

enum { RINGS = 14, COLUMNS = 36 };

/*
 * An ear's own directions: @forward along the head, @up, @out of it; lengths of a mean adult's,
 * scaled by the caller.
 */
struct ear {
	struct vec origin, forward, up, out;
	float scale, flare; /* flare: tangent of its angle to the head */
};

/* Rings: share of the outline, and depth below the plane of the helix where it turns back. */
static const float rings[RINGS][2] = {
	{ 0, 0 },     { .16f, 0 },     { .3f, 0 },	{ .42f, 0 },	{ .54f, 0 },
	{ .65f, 0 },  { .75f, 0 },     { .84f, 0 },	{ .92f, 0 },	{ .98f, 0 },
	{ 1, -.18f }, { .96f, -.42f }, { .82f, -.65f }, { .6f, -1.3f },
};

/*
 * Heights of the front's relief at share @r of the outline, @back and @top being cosine and sine.
 */
static float relief(float r, float back, float top)
{
	float lobe = approx_step(-0.55f, -0.9f, top);
	float rear = approx_step(-0.65f, 0.1f, approx_max(back, 0.8f * top));
	float helix = 0.3f * approx_bump((r - 0.92f) / 0.1f) * rear * (1 - lobe);
	float groove = -0.16f * approx_bump((r - 0.78f) / 0.08f) * rear * (1 - lobe);
	float fold = 0.3f * approx_bump((r - 0.6f) / 0.13f) * approx_step(-0.5f, 0.3f, back) *
		     (1 - 0.6f * lobe);
	float hollow = -0.75f * approx_bump(r / 0.38f);
	float tragus = 0.42f * approx_bump((r - 0.62f) / 0.22f) *
		       approx_step(0.75f, 0.95f, -back - 0.25f * top);

	return helix + groove + fold + hollow + tragus + 0.12f * lobe;
}

/* In the ear's plane: egg-shaped, widest above its middle. */
static void outline(float turn, float *ret_forward, float *ret_up)
{
	float cs = approx_sin_turns(turn + 0.25f), sn = approx_sin_turns(turn);

	*ret_up = 3.1f * sn;
	*ret_forward = -(1.72f + 0.28f * sn) * cs - 0.12f * sn;
	if (sn < -0.5f) /* the lobe is narrower and hangs forward */
		*ret_forward += 0.35f * (-0.5f - sn);
}

static void shape(struct lanesim_build *build, const struct ear *ear, float side, uint32_t first)
{
	for (uint32_t ring = 0; ring < RINGS; ring++) {
		for (uint32_t column = 0; column < COLUMNS; column++) {
			float turn = side * (float)column / COLUMNS, r = rings[ring][0], forward,
			      up, high;
			float cs = approx_sin_turns(turn + 0.25f), sn = approx_sin_turns(turn);
			struct lanesim_vertex *vertex =
				&build->mesh.vertices[first + ring * COLUMNS + column];

			outline(turn, &forward, &up);
			forward *= r;
			up *= r;
			/* Its front is flush with the cheek, its rear stands off. */
			high = 0.25f + ear->flare * approx_max(1.3f - forward, 0) + rings[ring][1] +
			       relief(r, cs, sn);
			high = approx_mix(high, -0.35f,
					  approx_step(0.7f, 1, r) * approx_step(0.45f, 0.95f, -cs));
			vertex->p = ear->origin;
			vertex->p = vec_along(vertex->p, ear->forward, ear->scale * forward);
			vertex->p = vec_along(vertex->p, ear->up, ear->scale * up);
			vertex->p = vec_along(vertex->p, ear->out, ear->scale * high);
			vertex->sky = ring > 10 ? 0.5f
						: 1 - 0.65f * approx_bump(r / 0.45f) -
							  0.15f * approx_bump((r - 0.78f) / 0.08f);
		}
	}
}

static void build_ear(struct lanesim_build *build, float side, uint32_t surface)
{
	const struct lanesim_identity *identity = build->identity;
	float angle = side * 1.66f, size = identity->size;
	struct vec a = lanesim_head_skull(identity, angle - 0.12f * side, -1.1f);
	struct vec b = lanesim_head_skull(identity, angle + 0.12f * side, -1.1f);
	struct ear ear = { .origin = vec_scale(vec_add(a, b), 0.5f) };
	uint32_t first = lanesim_build_vertices(build, RINGS * COLUMNS, 1);

	if (build->failed || build->mesh.failed)
		return;
	ear.scale = 0.95f * lanesim_get(identity, LANESIM_P_EAR_SIZE) * size;
	ear.flare = 0.12f + 0.4f * lanesim_get(identity, LANESIM_P_EAR_ANGLE);
	ear.forward = vec_unit(vec_sub(a, b));
	/* Its top leans back. */
	ear.up = vec_unit(vec_along(vec_make(0, 1, 0), ear.forward, -0.2f));
	ear.out = vec_scale(vec_unit(vec_cross(ear.forward, ear.up)), -side);
	if (ear.out.x * side < 0)
		ear.out = vec_scale(ear.out, -1);
	shape(build, &ear, side, first);
	lanesim_mesh_grid_normals(&build->mesh, first, RINGS, COLUMNS, true, false);
	for (uint32_t i = first; i < first + COLUMNS; i++) /* the innermost ring is a point */
		build->mesh.vertices[i].n = build->mesh.vertices[i].soft = ear.out;
	lanesim_mesh_grid(&build->mesh, first, RINGS, COLUMNS, true, false, surface);
}

void lanesim_build_ears(struct lanesim_build *build)
{
	struct lanesim_surface surface = { .shine = LANESIM_SKIN,
					   .gloss = 0.25f,
					   .two_sided = true };

	if (build->wear->hat == LANESIM_HAT_SCARF || build->wear->hat == LANESIM_HAT_BEANIE ||
	    lanesim_hair_hides_ears(build->identity))
		return;
	lanesim_skin_tone(lanesim_get(build->identity, LANESIM_P_MELANIN), surface.albedo);
	/* Blood shows through. */
	surface.albedo[LANESIM_R] *= 1.02f;
	surface.albedo[LANESIM_G] *= 0.88f;
	surface.albedo[LANESIM_B] *= 0.86f;
	build_ear(build, -1, lanesim_mesh_add_surface(&build->mesh, &surface));
	build_ear(build, 1, build->mesh.surfaces_n - 1);
}
