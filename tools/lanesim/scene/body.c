/* SPDX-License-Identifier: Apache-2.0 */
/* A vehicle's outside: paintwork, glass, pillars, mirrors, wheels. */
#include "lanesim/scene/vehicle.h"

#include "lanesim/render/approx.h"

enum { EDGE = 9 }; /* points along an edge */

/* The mesh under construction with its surfaces. */
struct body {
	const struct lanesim_vehicle *vehicle;
	struct lanesim_mesh *mesh;
	uint32_t paint, trim, rubber, metal, lamp, windshield, side, rear;
};

static uint32_t add_surface(struct lanesim_mesh *mesh, enum lanesim_shine shine,
			    const float *albedo, float gloss)
{
	struct lanesim_surface surface = { .shine = shine, .gloss = gloss, .two_sided = true };

	for (unsigned int i = 0; i < LANESIM_BANDS; i++)
		surface.albedo[i] = albedo[i];
	surface.no_shadow = shine == LANESIM_CLEAR;
	return lanesim_mesh_add_surface(mesh, &surface);
}

/* Tinted glass is a little green. */
static uint32_t add_glass(struct body *body, float through)
{
	float albedo[LANESIM_BANDS] = { through * .97f, through, through * .985f, through * .9f };

	return add_surface(body->mesh, LANESIM_CLEAR, albedo, body->vehicle->reflection);
}

static void add_surfaces(struct body *body)
{
	static const float rubber[LANESIM_BANDS] = { .02f, .02f, .02f, .03f };
	static const float metal[LANESIM_BANDS] = { .2f, .2f, .21f, .25f };
	static const float lamp[LANESIM_BANDS] = { .6f, .6f, .62f, .6f };
	const struct lanesim_vehicle *vehicle = body->vehicle;

	body->paint = add_surface(body->mesh, LANESIM_POLISH, vehicle->paint, vehicle->paint_gloss);
	body->trim = add_surface(body->mesh, LANESIM_MATTE, vehicle->trim, 0);
	body->rubber = add_surface(body->mesh, LANESIM_MATTE, rubber, 0);
	body->metal = add_surface(body->mesh, LANESIM_POLISH, metal, .8f);
	body->lamp = add_surface(body->mesh, LANESIM_POLISH, lamp, 1);
	body->windshield = add_glass(body, vehicle->windshield);
	body->side = add_glass(body, vehicle->side);
	body->rear = add_glass(body, vehicle->rear);
}

/* A panel on both sides; @panel is the left one. */
static void add_both(struct body *body, const struct lanesim_panel *panel,
		     const struct lanesim_cut *cut, uint32_t rows, uint32_t columns, float sky,
		     uint32_t surface)
{
	struct lanesim_panel other = lanesim_panel_mirror(panel);
	struct lanesim_cut turned = { { 1 - cut->top[1], 1 - cut->top[0] },
				      { 1 - cut->bottom[1], 1 - cut->bottom[0] } };

	lanesim_panel_add(body->mesh, panel, cut, rows, columns, sky, surface);
	lanesim_panel_add(body->mesh, &other, &turned, rows, columns, sky, surface);
}

/* A bar on both sides. */
static void add_bars(struct body *body, const struct vec *points, uint32_t n, struct vec wide,
		     struct vec thick, float sky, uint32_t surface)
{
	struct vec other[EDGE];

	for (uint32_t i = 0; i < n; i++)
		other[i] = vec_make(-points[i].x, points[i].y, points[i].z);
	lanesim_bar_add(body->mesh, points, n, wide, thick, sky, surface);
	wide.x = -wide.x;
	thick.x = -thick.x;
	lanesim_bar_add(body->mesh, other, n, wide, thick, sky, surface);
}

static void add_pillows(struct body *body, struct vec at, struct vec half, float yaw, float square,
			uint32_t surface)
{
	struct rigid place = lanesim_place(at, yaw, 0);

	lanesim_pillow_add(body->mesh, &place, half, square, 1, surface);
	place = lanesim_place(vec_make(-at.x, at.y, at.z), -yaw, 0);
	lanesim_pillow_add(body->mesh, &place, half, square, 1, surface);
}

/* Points along a panel's edge, moved by @by: side 0 left, 1 right (downwards), 2 top, 3 bottom. */
static void panel_edge(const struct lanesim_panel *panel, int side, struct vec by,
		       struct vec points[EDGE])
{
	for (unsigned int i = 0; i < EDGE; i++) {
		float t = (float)i / (EDGE - 1);

		points[i] = vec_add(side < 2 ? lanesim_panel_at(panel, (float)side, t)
					     : lanesim_panel_at(panel, t, (float)(side - 2)),
				    by);
	}
}

static void add_windshield(struct body *body)
{
	struct lanesim_panel glass = lanesim_vehicle_windshield(body->vehicle);
	struct vec points[EDGE], wipers[2][2];

	lanesim_panel_add(body->mesh, &glass, LANESIM_CUT_NONE, 13, 25, 1, body->windshield);
	/* Around it: the roof's edge, the A pillars (trim inside, paint outside), the cowl. */
	panel_edge(&glass, 2, vec_make(0, -1, -2), points);
	lanesim_bar_add(body->mesh, points, EDGE, vec_make(0, 2.2f, 0), vec_make(0, -1, 5), .8f,
			body->paint);
	panel_edge(&glass, 2, vec_make(0, -3.5f, -6), points);
	lanesim_bar_add(body->mesh, points, EDGE, vec_make(0, 2.5f, 0), vec_make(0, -1, 5), .3f,
			body->trim);
	panel_edge(&glass, 1, vec_make(2.5f, 0, -1), points);
	add_bars(body, points, EDGE, vec_make(3.3f, 0, -2), vec_make(.8f, 1.5f, 2.2f), .9f,
		 body->paint);
	panel_edge(&glass, 1, vec_make(1.5f, -1.5f, -3.5f), points);
	add_bars(body, points, EDGE, vec_make(3.3f, 0, -2), vec_make(.8f, 1.5f, 2.2f), .35f,
		 body->trim);
	panel_edge(&glass, 3, vec_make(0, -1.5f, 3), points);
	lanesim_bar_add(body->mesh, points, EDGE, vec_make(0, 1.8f, 0), vec_make(0, .5f, 6), .7f,
			body->rubber);
	for (unsigned int i = 0; i < 2; i++) {
		float u = i ? .08f : .5f;

		wipers[i][0] = vec_add(lanesim_panel_at(&glass, u, .96f), vec_make(0, 1.2f, 1));
		wipers[i][1] = vec_add(lanesim_panel_at(&glass, u + .42f, .93f),
				       vec_make(0, 1.2f, 1));
		lanesim_mesh_tube(body->mesh, wipers[i], 2, .8f, false, body->rubber);
	}
}

static void add_roof(struct body *body)
{
	const struct lanesim_vehicle *vehicle = body->vehicle;
	float half = vehicle->roof_half, rise = vehicle->roof - vehicle->header_y;
	struct lanesim_panel roof = {
		.corner = { { -half, vehicle->rear_y, vehicle->rear_z },
			    { half, vehicle->rear_y, vehicle->rear_z },
			    { half, vehicle->header_y, vehicle->header_z },
			    { -half, vehicle->header_y, vehicle->header_z } },
		.across = { { 0, 3, -8 }, { 0, 3, 8 } },
		.down = { { -2, rise, 0 }, { 2, rise, 0 } },
	};
	struct lanesim_panel rear = {
		.corner = { { half - 2, vehicle->rear_y - 2, vehicle->rear_z },
			    { -half + 2, vehicle->rear_y - 2, vehicle->rear_z },
			    { -vehicle->belt_half + 12, vehicle->shelf_y, vehicle->shelf_z },
			    { vehicle->belt_half - 12, vehicle->shelf_y, vehicle->shelf_z } },
		.across = { { 0, 3, -8 }, { 0, 0, -9 } },
		.down = { { 1, 2, -2 }, { -1, 2, -2 } },
	};
	struct vec points[EDGE];

	lanesim_panel_add(body->mesh, &roof, LANESIM_CUT_NONE, 15, 17, 1, body->paint);
	lanesim_panel_add(body->mesh, &rear, LANESIM_CUT_NONE, 9, 13, 1, body->rear);
	/* Rails over the doors, and the C pillars beside the rear glass. */
	panel_edge(&roof, 1, vec_make(1, -2, 0), points);
	add_bars(body, points, EDGE, vec_make(2.5f, 0, 0), vec_make(0, 3, 0), .9f, body->paint);
	panel_edge(&rear, 0, vec_make(2.5f, 0, 2), points);
	add_bars(body, points, EDGE, vec_make(5.5f, 0, 1), vec_make(0, 3, 6), .9f, body->paint);
	panel_edge(&rear, 0, vec_make(-.5f, -1, 7), points);
	add_bars(body, points, EDGE, vec_make(5.5f, 0, 1), vec_make(0, 3, 6), .35f, body->trim);
	/* What is below the rear glass. */
	rear.corner[0] = rear.corner[3];
	rear.corner[1] = rear.corner[2];
	rear.corner[2] = vec_make(-vehicle->belt_half + 8, vehicle->shelf_y - 12, vehicle->tail_z);
	rear.corner[3] = vec_make(vehicle->belt_half - 8, vehicle->shelf_y - 12, vehicle->tail_z);
	rear.across[0] = rear.across[1];
	rear.down[0] = rear.down[1] = vec_make(0, 5, 0);
	lanesim_panel_add(body->mesh, &rear, LANESIM_CUT_NONE, 7, 9, 1, body->paint);
}

static void add_nose(struct body *body)
{
	const struct lanesim_vehicle *vehicle = body->vehicle;
	float back = vehicle->belt_half - 6, front = vehicle->belt_half - 14;
	float low = vehicle->cowl - 22, nose = vehicle->nose_z;
	struct lanesim_panel bonnet = {
		.corner = { { -back, vehicle->cowl - 4, -16 },
			    { back, vehicle->cowl - 4, -16 },
			    { front, low, nose - 12 },
			    { -front, low, nose - 12 } },
		.across = { { 0, 4, 22 }, { 0, 4, 14 } },
		.down = { { -2, 7, 0 }, { 2, 7, 0 } },
	};
	struct lanesim_panel face = {
		.corner = { { -front, low, nose - 12 },
			    { front, low, nose - 12 },
			    { back, 28, nose - 4 },
			    { -back, 28, nose - 4 } },
		.across = { { 0, 4, 14 }, { 0, 0, 16 } },
		.down = { { 0, 0, 8 }, { 0, 0, 8 } },
	};
	struct vec points[EDGE];

	lanesim_panel_add(body->mesh, &bonnet, LANESIM_CUT_NONE, 17, 21, 1, body->paint);
	lanesim_panel_add(body->mesh, &face, LANESIM_CUT_NONE, 9, 13, 1, body->paint);
	panel_edge(&bonnet, 1, vec_make(0, -3.2f, 0), points);
	add_bars(body, points, EDGE, vec_make(3.4f, 0, 0), vec_make(0, 4, 0), 1, body->paint);
	/* The corner where bonnet, door and A pillar meet. */
	add_pillows(body, vec_make(vehicle->belt_half - 9, vehicle->cowl - 5, -15),
		    vec_make(8.5f, 7, 16), 0, .3f, body->paint);
	add_pillows(body, vec_make(front - 6, low - 12, nose - 4), vec_make(16, 7, 10), .5f, .2f,
		    body->lamp);
}

/* Windows, pillars and the flank under them. */
static void add_flank(struct body *body)
{
	const struct lanesim_vehicle *vehicle = body->vehicle;
	struct lanesim_panel glass = lanesim_vehicle_flank_glass(vehicle);
	float half = vehicle->belt_half, belt = vehicle->belt;
	struct lanesim_panel flank = {
		.corner = { { half - 10, belt - 10, vehicle->nose_z - 14 },
			    { half - 6, belt + 3, vehicle->tail_z },
			    { half - 8, 26, vehicle->tail_z },
			    { half - 10, 26, vehicle->nose_z - 10 } },
		.across = { { 8, 5, 0 }, { 9, 0, 0 } },
		.down = { { 5, 0, 0 }, { 5, 0, 0 } },
	};
	float pillars[3] = { lanesim_vehicle_pillar_b(vehicle), lanesim_vehicle_pillar_c(vehicle),
			     vehicle->rear_z - 4 };
	struct lanesim_cut cut = { { 0, 0 }, { 0, 0 } };
	struct vec points[EDGE];

	for (unsigned int i = 0; i < 3; i++) {
		lanesim_vehicle_pillar(vehicle, pillars[i], &cut.top[1], &cut.bottom[1]);
		if (i == 2)
			cut.top[1] = cut.bottom[1] = 1;
		add_both(body, &glass, &cut, 9, 9, 1, i ? body->rear : body->side);
		for (unsigned int j = 0; j < EDGE; j++) {
			float v = (float)j / (EDGE - 1);

			points[j] = lanesim_panel_at(&glass,
						     approx_mix(cut.top[1], cut.bottom[1], v), v);
			points[j].x -= .6f;
		}
		add_bars(body, points, EDGE, vec_make(0, 0, i == 2 ? 9 : 5), vec_make(1.2f, 0, 0),
			 .8f, i == 2 ? body->paint : body->rubber);
		for (unsigned int j = 0; j < EDGE; j++)
			points[j].x -= 2.5f;
		add_bars(body, points, EDGE, vec_make(0, 0, i == 2 ? 9 : 6), vec_make(2, 0, 0),
			 .35f, body->trim);
		cut.top[0] = cut.top[1];
		cut.bottom[0] = cut.bottom[1];
	}
	add_both(body, &flank, LANESIM_CUT_NONE, 9, 25, 1, body->paint);
	panel_edge(&glass, 3, vec_make(1, -1.2f, 0), points); /* the moulding under the windows */
	add_bars(body, points, EDGE, vec_make(2.4f, 0, 0), vec_make(0, 2.2f, 0), .9f, body->rubber);
	panel_edge(&glass, 3, vec_make(-4.5f, -2, 0), points);
	add_bars(body, points, EDGE, vec_make(3.2f, 0, 0), vec_make(0, 2.5f, 0), .4f, body->trim);
	panel_edge(&glass, 3, vec_make(1.5f, -6, 0), points);
	add_bars(body, points, EDGE, vec_make(3.5f, 0, 0), vec_make(0, 6, 0), .9f, body->paint);
	for (unsigned int i = 0; i < 2; i++) { /* gaps of the doors, and their handles */
		float u = (vehicle->nose_z - 14 - pillars[i]) /
			  (vehicle->nose_z - 14 - vehicle->tail_z);
		struct vec handle = lanesim_panel_at(&flank, u - .045f, .2f);

		for (unsigned int j = 0; j < EDGE; j++)
			points[j] = lanesim_panel_at(&flank, u,
						     .04f + .92f * (float)j / (EDGE - 1));
		add_bars(body, points, EDGE, vec_make(0, 0, .5f), vec_make(.4f, 0, 0), 1,
			 body->rubber);
		add_pillows(body, vec_add(handle, vec_make(1.5f, 0, 0)), vec_make(1.6f, 1.6f, 9), 0,
			    .5f, body->paint);
	}
}

static void add_wheels(struct body *body)
{
	const struct lanesim_vehicle *vehicle = body->vehicle;
	float axles[2] = { vehicle->nose_z - 78, vehicle->tail_z + 78 };

	for (unsigned int i = 0; i < 2; i++) {
		struct vec at = { vehicle->belt_half - 9, 33, axles[i] };

		add_pillows(body, at, vec_make(13.5f, 40, 40), 0, .1f, body->rubber);
		at.x += 8;
		add_pillows(body, at, vec_make(9, 22, 22), 0, 0, body->metal);
	}
}

static void add_mirrors(struct body *body)
{
	const struct lanesim_vehicle *vehicle = body->vehicle;
	struct vec at = { vehicle->belt_half + 11, vehicle->belt + 9, -34 };
	struct vec arm[2] = { { vehicle->belt_half - 5, vehicle->belt + 2, -34 },
			      { vehicle->belt_half + 8, vehicle->belt + 4, -34 } };

	add_pillows(body, at, vec_make(10.5f, 7.5f, 5.5f), -.2f, .35f, body->paint);
	at.z -= 4.5f;
	add_pillows(body, at, vec_make(9.5f, 6.5f, 1.5f), -.2f, .5f, body->metal);
	add_bars(body, arm, 2, vec_make(0, 0, 4), vec_make(0, 2, 0), .9f, body->rubber);
}

void lanesim_body_build(const struct lanesim_vehicle *vehicle, struct lanesim_mesh *mesh)
{
	struct body body = { .vehicle = vehicle, .mesh = mesh };

	add_surfaces(&body);
	add_windshield(&body);
	add_roof(&body);
	add_nose(&body);
	add_flank(&body);
	add_wheels(&body);
	add_mirrors(&body);
}
