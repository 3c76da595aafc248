/* SPDX-License-Identifier: Apache-2.0 */
/* A vehicle's inside: dashboard, wheel, seats, lining; little light comes here (low sky shares). */
#include "lanesim/scene/vehicle.h"

#include "lanesim/render/approx.h"
#include "lanesim/scene/scene.h"

struct cabin {
	const struct lanesim_vehicle *vehicle;
	struct lanesim_mesh *mesh;
	uint32_t trim, lining, cloth, metal, dark;
};

static uint32_t add_surface(struct cabin *cabin, enum lanesim_shine shine, const float *albedo,
			    float gloss)
{
	struct lanesim_surface surface = { .shine = shine, .gloss = gloss, .two_sided = true };

	for (unsigned int i = 0; i < LANESIM_BANDS; i++)
		surface.albedo[i] = albedo[i];
	return lanesim_mesh_add_surface(cabin->mesh, &surface);
}

static void add_pillow(struct cabin *cabin, struct vec at, struct vec half, float pitch,
		       float square, float sky, uint32_t surface)
{
	struct rigid place = lanesim_place(at, 0, pitch);

	lanesim_pillow_add(cabin->mesh, &place, half, square, sky, surface);
}

/* A ring of radius @radius in the plane of @place's x and y. */
static void add_ring(struct cabin *cabin, const struct rigid *place, float radius, float thick,
		     uint32_t surface)
{
	enum { RING = 28 };
	struct vec points[RING];

	for (unsigned int i = 0; i < RING; i++) {
		float turn = (float)i / RING;

		points[i] = rigid_apply(place, vec_make(radius * approx_sin_turns(turn + .25f),
							radius * approx_sin_turns(turn), 0));
	}
	lanesim_mesh_tube(cabin->mesh, points, RING, thick, true, surface);
}

static void add_dashboard(struct cabin *cabin)
{
	const struct lanesim_vehicle *vehicle = cabin->vehicle;
	float half = vehicle->belt_half - 9, y = vehicle->cowl - 4;
	float front = vehicle->eyes_z[0] + 58; /* its edge towards the seats */
	struct lanesim_panel top = {
		.corner = { { -half, y - 3, front },
			    { half, y - 3, front },
			    { half, y - 1, -16 },
			    { -half, y - 1, -16 } },
		.across = { { 0, 2, 0 }, { 0, 1, 19 } },
		.down = { { 0, 2, 0 }, { 0, 2, 0 } },
	};
	struct lanesim_panel face = {
		.corner = { { half, y - 3, front },
			    { -half, y - 3, front },
			    { -half, y - 60, front + 10 },
			    { half, y - 60, front + 10 } },
		.across = { { 0, 2, 0 }, { 0, 0, 0 } },
		.down = { { 0, 0, -5 }, { 0, 0, -5 } },
	};
	struct vec wheel = { vehicle->seat_x, vehicle->eyes_y[0] - 33, vehicle->eyes_z[0] + 44 };
	struct rigid place = lanesim_place(wheel, 0, .45f);

	lanesim_panel_add(cabin->mesh, &top, LANESIM_CUT_NONE, 9, 21, .7f, cabin->trim);
	lanesim_panel_add(cabin->mesh, &face, LANESIM_CUT_NONE, 5, 9, .25f, cabin->trim);
	add_pillow(cabin, vec_make(vehicle->seat_x, y, front + 6), vec_make(20, 6, 11), -.1f, .35f,
		   .6f, cabin->trim);
	add_pillow(cabin, vec_make(0, y, front + 5), vec_make(13, 5.5f, 5), -.3f, .6f, .5f,
		   cabin->dark);
	add_ring(cabin, &place, 18.5f, 1.5f, cabin->dark);
	lanesim_pillow_add(cabin->mesh, &place, vec_make(8, 6, 3), .3f, .4f, cabin->dark);
	for (int i = -1; i <= 1; i += 2) {
		struct vec spoke[2] = { rigid_apply(&place, vec_make(0, -1, 0)),
					rigid_apply(&place, vec_make((float)i * 18, 2, 0)) };

		lanesim_mesh_tube(cabin->mesh, spoke, 2, 1.5f, false, cabin->dark);
	}
}

static void add_headrest(struct cabin *cabin, struct vec at, float lean)
{
	if (cabin->vehicle->headrest_open) { /* a frame one sees through */
		struct rigid place = lanesim_place(at, 0, lean);

		place.m[1] *= .62f; /* an oval ring: y is squeezed */
		place.m[4] *= .62f;
		place.m[7] *= .62f;
		add_ring(cabin, &place, 12.5f, 2.6f, cabin->cloth);
	} else {
		add_pillow(cabin, at, vec_make(13.5f, 9, 5), lean, .45f, .4f, cabin->cloth);
	}
	for (int i = -1; i <= 1; i += 2) {
		struct vec post[2] = { vec_add(at, vec_make((float)i * 6, -3, 0)),
				       vec_add(at, vec_make((float)i * 6, -19, 2)) };

		lanesim_mesh_tube(cabin->mesh, post, 2, .7f, false, cabin->metal);
	}
}

static void add_seat(struct cabin *cabin, int seat)
{
	struct vec eyes = lanesim_vehicle_eyes(cabin->vehicle, seat);
	bool front = seat < 2;
	float half = front ? 25 : 24;
	/* The occiput is 18 cm behind the eyes, the shoulders 20 below. */
	struct vec rest = vec_add(eyes, vec_make(0, seat == 4 ? -6 : -2, -26));

	add_headrest(cabin, rest, -.12f);
	add_pillow(cabin, vec_add(eyes, vec_make(0, -48, -25)), vec_make(half, 33, 9), -.22f, .5f,
		   .4f, cabin->cloth);
	for (int i = -1; i <= 1 && front; i += 2) /* what holds one in bends */
		add_pillow(cabin, vec_add(eyes, vec_make((float)i * 21, -50, -19)),
			   vec_make(6, 28, 8), -.22f, .2f, .4f, cabin->cloth);
	add_pillow(cabin, vec_add(eyes, vec_make(0, -77, 8)), vec_make(half, 8, 26), .1f, .5f, .2f,
		   cabin->cloth);
}

static void add_lining(struct cabin *cabin)
{
	const struct lanesim_vehicle *vehicle = cabin->vehicle;
	float half = vehicle->roof_half - 2, rise = vehicle->roof - vehicle->header_y - 1;
	float belt = vehicle->belt, back = vehicle->shelf_z + 6;
	struct lanesim_panel roof = {
		.corner = { { half, vehicle->rear_y - 5, vehicle->rear_z + 2 },
			    { -half, vehicle->rear_y - 5, vehicle->rear_z + 2 },
			    { -half, vehicle->header_y - 4, vehicle->header_z - 8 },
			    { half, vehicle->header_y - 4, vehicle->header_z - 8 } },
		.across = { { 0, 3, 0 }, { 0, 3, 8 } },
		.down = { { 2, rise, 0 }, { -2, rise, 0 } },
	};
	struct lanesim_panel door = {
		/* the left one, seen from inside */
		.corner = { { vehicle->belt_half - 9, belt + 2, back },
			    { vehicle->belt_half - 9, belt - 1, -16 },
			    { vehicle->belt_half - 12, 32, -16 },
			    { vehicle->belt_half - 12, 32, back } },
		.down = { { -3, 0, 0 }, { -3, 0, 0 } },
	};
	struct lanesim_panel other = lanesim_panel_mirror(&door);
	float wide = vehicle->belt_half - 10, low = vehicle->shelf_y - 2;
	float deck = vehicle->eyes_z[vehicle->rows - 1] - 38;

	lanesim_panel_add(cabin->mesh, &roof, LANESIM_CUT_NONE, 13, 13, .35f, cabin->lining);
	lanesim_panel_add(cabin->mesh, &door, LANESIM_CUT_NONE, 9, 13, .3f, cabin->trim);
	lanesim_panel_add(cabin->mesh, &other, LANESIM_CUT_NONE, 9, 13, .3f, cabin->trim);
	lanesim_mesh_quad(cabin->mesh, vec_make(-wide, 34, 0), vec_make(wide, 34, 0),
			  vec_make(wide, 34, back), vec_make(-wide, 34, back), cabin->dark);
	/* The shelf behind the last row, and what closes the cabin under the rear glass. */
	if (deck > vehicle->shelf_z + 4 && vehicle->kind <= LANESIM_SALOON)
		lanesim_mesh_quad(cabin->mesh, vec_make(-wide, low, deck),
				  vec_make(wide, low, deck), vec_make(wide, low, vehicle->shelf_z),
				  vec_make(-wide, low, vehicle->shelf_z), cabin->trim);
	lanesim_mesh_quad(cabin->mesh, vec_make(-wide, 34, back - 4), vec_make(wide, 34, back - 4),
			  vec_make(wide, low, vehicle->shelf_z + 2),
			  vec_make(-wide, low, vehicle->shelf_z + 2), cabin->trim);
}

static void add_mirror_and_visors(struct cabin *cabin)
{
	const struct lanesim_vehicle *vehicle = cabin->vehicle;
	struct lanesim_panel glass = lanesim_vehicle_windshield(vehicle);
	struct vec foot = vec_add(lanesim_panel_at(&glass, .5f, .07f), vec_make(0, -1, -2));
	struct vec stalk[2] = { foot, vec_add(foot, vec_make(0, -4, -5)) };

	lanesim_mesh_tube(cabin->mesh, stalk, 2, 1.2f, false, cabin->dark);
	add_pillow(cabin, stalk[1], vec_make(11.5f, 3.3f, 1.8f), .1f, .6f, .5f, cabin->dark);
	for (int i = 0; i < 2; i++) {
		struct vec at = { (i ? -1 : 1) * vehicle->seat_x, vehicle->header_y - 4.5f,
				  vehicle->header_z - 14 };
		float pitch = 1.45f;

		if (vehicle->visor_down[i]) { /* hangs from its upper edge, leaning forward */
			at = vec_add(at, vec_make(0, -6.5f, 8));
			pitch = -.5f;
		}
		add_pillow(cabin, at, vec_make(19, 8.5f, 1), pitch, .7f, .4f, cabin->lining);
	}
}

void lanesim_cabin_build(const struct lanesim_vehicle *vehicle, struct lanesim_mesh *mesh)
{
	static const float dark[LANESIM_BANDS] = { .018f, .018f, .019f, .04f };
	static const float metal[LANESIM_BANDS] = { .1f, .1f, .1f, .12f };
	struct cabin cabin = { .vehicle = vehicle, .mesh = mesh };

	cabin.trim = add_surface(&cabin, LANESIM_MATTE, vehicle->trim, 0);
	cabin.lining = add_surface(&cabin, LANESIM_MATTE, vehicle->lining, 0);
	cabin.cloth = add_surface(&cabin, LANESIM_MATTE, vehicle->cloth, 0);
	cabin.dark = add_surface(&cabin, LANESIM_MATTE, dark, 0);
	cabin.metal = add_surface(&cabin, LANESIM_MATTE, metal, 0);
	add_dashboard(&cabin);
	add_lining(&cabin);
	add_mirror_and_visors(&cabin);
	for (int seat = 0; seat < (vehicle->rows > 2 ? LANESIM_SEATS : LANESIM_SEATS - 2); seat++)
		add_seat(&cabin, seat);
}
