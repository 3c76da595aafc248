/* SPDX-License-Identifier: Apache-2.0 */
/* What a person's mesh ends above: forearms, hands, lap and legs. They rest while one sits. */
#include "lanesim/person/build.h"
#include "lanesim/render/noise.h"
#include "lanesim/scene/occupant.h"

static void add_bar(struct lanesim_mesh *mesh, struct vec from, struct vec to, float radius,
		    uint32_t surface)
{
	struct vec points[2] = { from, to }, along = vec_unit(vec_sub(to, from));
	struct vec wide = vec_unit(vec_cross(along, vec_make(.1f, 1, .2f)));

	lanesim_bar_add(mesh, points, 2, vec_scale(wide, radius),
			vec_scale(vec_cross(wide, along), radius), .45f, surface);
}

static void add_ball(struct lanesim_mesh *mesh, struct vec at, struct vec half, float pitch,
		     uint32_t surface)
{
	struct rigid place = lanesim_place(at, 0, pitch);

	lanesim_pillow_add(mesh, &place, half, .25f, .45f, surface);
}

static uint32_t add_surface(struct lanesim_mesh *mesh, enum lanesim_shine shine,
			    const float *albedo)
{
	struct lanesim_surface surface = { .shine = shine, .gloss = .2f };

	for (unsigned int i = 0; i < LANESIM_BANDS; i++)
		surface.albedo[i] = albedo[i];
	return lanesim_mesh_add_surface(mesh, &surface);
}

void lanesim_limbs_build(const struct lanesim_occupant *occupant, struct lanesim_mesh *mesh)
{
	const struct lanesim_identity *identity = &occupant->identity;
	uint64_t series = draw_series(occupant->habit, 'l');
	float size = .55f + .45f * identity->size; /* a body grows more than its head */
	float denim = draw_between(&series, .01f, .12f), skin[LANESIM_BANDS];
	float trousers[LANESIM_BANDS] = { denim, denim * 1.05f, denim * 1.3f, .2f };
	uint32_t hand, cloth, sleeve, trouser;
	struct vec eyes = occupant->eyes;

	lanesim_skin_tone(lanesim_get(identity, LANESIM_P_MELANIN), skin);
	hand = add_surface(mesh, LANESIM_SKIN, skin);
	cloth = add_surface(mesh, LANESIM_MATTE, occupant->wear.cloth_albedo);
	trouser = add_surface(mesh, LANESIM_MATTE, trousers);
	sleeve = draw_uniform(&series) < .55f ? cloth : hand;
	add_ball(mesh, vec_along(eyes, vec_make(0, -57, -13), size),
		 vec_make(14 * size, 19 * size, 10 * size), 0, cloth);
	for (int i = -1; i <= 1; i += 2) {
		float side = (float)i, up = draw_between(&series, -4, 6);
		struct vec elbow = vec_along(eyes, vec_make(side * 19, -41, -9), size), wrist;
		struct vec knee = vec_along(eyes, vec_make(side * 13, -62, 42), size);

		/* A driver's hands are on the wheel, others' in their laps. */
		if (occupant->seat == 0)
			wrist = vec_add(eyes, vec_make(side * 16, -33 + up, 36 + .3f * up));
		else
			wrist = vec_along(eyes, vec_make(side * 8, -57, 20 + up), size);
		add_bar(mesh, elbow, wrist, 4 * size, sleeve);
		add_ball(mesh, elbow, vec_make(4.6f * size, 5 * size, 4.6f * size), 0, sleeve);
		add_ball(mesh, vec_mix(elbow, wrist, 1.12f),
			 vec_make(3.6f * size, 3.2f * size, 5.5f * size), -.3f, hand);
		add_bar(mesh, vec_along(eyes, vec_make(side * 9, -71, -10), size), knee,
			8.5f * size, trouser);
		add_bar(mesh, knee, vec_add(knee, vec_make(0, -35 * size, 8)), 7 * size, trouser);
	}
}
