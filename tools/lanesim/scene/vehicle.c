/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/scene/vehicle.h"

#include "lanesim/render/noise.h"
#include "lanesim/scene/scene.h"

/* Of a usual one of each kind, cm. */
static const struct {
	float belt_half, roof_half, cowl, belt, header_y, header_z, roof, rear_y, rear_z, shelf_y,
		shelf_z, nose_z, tail_z, eyes_y, eyes_z, pitch, rise, seat_x;
	uint32_t rows;
} usual[LANESIM_VEHICLE_KINDS] = {
	[LANESIM_HATCHBACK] = { 86, 59, 97, 96, 139, -74, 149, 141, -222, 104, -262, 95, -285, 119,
				-104, 78, 1, 35, 2 },
	[LANESIM_SALOON] = { 88, 59, 95, 95, 137, -78, 146, 138, -208, 106, -276, 108, -345, 117,
			     -107, 82, 0, 36, 2 },
	[LANESIM_SUV] = { 94, 65, 112, 112, 164, -74, 175, 166, -240, 122, -282, 105, -300, 142,
			  -105, 82, 3, 38, 2 },
	[LANESIM_VAN] = { 96, 74, 112, 110, 176, -92, 190, 182, -330, 120, -350, 72, -360, 150,
			  -122, 80, 4, 40, 3 },
	[LANESIM_PICKUP] = { 97, 66, 117, 114, 166, -72, 177, 170, -200, 124, -216, 112, -360, 144,
			     -102, 76, 2, 39, 2 },
};

/* Paints as they are bought: white, black, greys, silver, blue, red, and few others. */
static const struct {
	float share, albedo[LANESIM_BANDS];
} paints[] = {
	{ .26f, { .6f, .6f, .58f, .65f } },    { .16f, { .015f, .015f, .017f, .03f } },
	{ .14f, { .11f, .115f, .12f, .15f } }, { .14f, { .42f, .43f, .44f, .5f } },
	{ .1f, { .03f, .07f, .2f, .3f } },     { .09f, { .32f, .02f, .025f, .4f } },
	{ .04f, { .05f, .11f, .06f, .25f } },  { .04f, { .3f, .22f, .14f, .35f } },
	{ .03f, { .55f, .2f, .03f, .6f } },
};

static const float trims[][LANESIM_BANDS] = {
	{ .022f, .022f, .024f, .06f },
	{ .035f, .034f, .033f, .08f },
	{ .06f, .056f, .05f, .12f },
};

static const float linings[][LANESIM_BANDS] = {
	{ .5f, .47f, .42f, .55f },
	{ .32f, .32f, .32f, .42f },
	{ .05f, .05f, .055f, .12f },
};

static const float cloths[][LANESIM_BANDS] = {
	{ .03f, .03f, .032f, .1f }, { .08f, .08f, .085f, .16f }, { .2f, .17f, .13f, .3f },
	{ .05f, .06f, .09f, .15f }, { .14f, .07f, .04f, .25f },
};

static enum lanesim_vehicle_kind draw_kind(uint32_t occupants, uint64_t *series)
{
	float chance = draw_uniform(series);

	if (occupants > 5) /* only vans have a third row */
		return LANESIM_VAN;
	if (occupants > 3 && chance > 0.4f)
		return draw_below(series, 2) ? LANESIM_VAN : LANESIM_SUV;
	return chance < .22f   ? LANESIM_HATCHBACK
	       : chance < .52f ? LANESIM_SALOON
	       : chance < .78f ? LANESIM_SUV
	       : chance < .88f ? LANESIM_VAN
			       : LANESIM_PICKUP;
}

static void copy_bands(float *target, const float *source, float factor)
{
	for (unsigned int i = 0; i < LANESIM_BANDS; i++)
		target[i] = approx_min(source[i] * factor, 0.85f);
}

static void draw_colours(struct lanesim_vehicle *vehicle, uint64_t *series)
{
	float chance = draw_uniform(series);
	unsigned int i = 0;

	while (i + 1 < sizeof(paints) / sizeof(paints[0]) && chance >= paints[i].share)
		chance -= paints[i++].share;
	copy_bands(vehicle->paint, paints[i].albedo, draw_between(series, .75f, 1.2f));
	vehicle->paint_gloss = draw_between(series, .35f, .9f);
	copy_bands(vehicle->trim, trims[draw_below(series, 3)], draw_between(series, .8f, 1.4f));
	chance = draw_uniform(series);
	copy_bands(vehicle->lining,
		   linings[chance < .45f  ? 0
			   : chance < .8f ? 1
					  : 2],
		   draw_between(series, .7f, 1.1f));
	copy_bands(vehicle->cloth, cloths[draw_below(series, 5)], draw_between(series, .7f, 1.6f));
}

static void draw_glass(struct lanesim_vehicle *vehicle, bool plain, uint64_t *series)
{
	float tint = draw_uniform(series), dark = draw_uniform(series);

	vehicle->windshield = plain ? .88f : draw_between(series, .68f, .9f);
	vehicle->side = plain	      ? .86f
			: tint < .75f ? draw_between(series, .68f, .88f)
				      : draw_between(series, .35f, .6f);
	vehicle->rear = approx_min(vehicle->side,
				   dark < .6f ? .75f : draw_between(series, .35f, .6f));
	if (plain)
		vehicle->rear = .8f;
	vehicle->reflection = plain ? .1f : draw_between(series, .15f, .5f);
	if (!plain && draw_uniform(series) < .12f) /* the sky stands in the glass */
		vehicle->reflection = draw_between(series, .7f, 1);
	for (unsigned int i = 0; i < 2; i++)
		vehicle->visor_down[i] = draw_uniform(series) < .04f && !plain;
}

void lanesim_vehicle_draw(struct lanesim_vehicle *vehicle, uint32_t occupants, bool plain,
			  uint64_t seed)
{
	uint64_t series = draw_series(seed, 'v');
	float wide, high, set;

	*vehicle = (struct lanesim_vehicle){ .seed = seed, .kind = draw_kind(occupants, &series) };
	wide = draw_between(&series, .96f, 1.04f);
	high = draw_between(&series, -2.5f, 3);
	set = draw_between(&series, -5, 5);
	vehicle->belt_half = usual[vehicle->kind].belt_half * wide;
	vehicle->roof_half = usual[vehicle->kind].roof_half * wide;
	vehicle->cowl = usual[vehicle->kind].cowl + high;
	vehicle->belt = usual[vehicle->kind].belt + high + draw_between(&series, -1.5f, 2);
	vehicle->header_y = usual[vehicle->kind].header_y + high + draw_between(&series, -.5f, 3);
	vehicle->header_z = usual[vehicle->kind].header_z + draw_between(&series, -3, 5);
	vehicle->roof = usual[vehicle->kind].roof + high + draw_between(&series, 0, 4);
	vehicle->rear_y = usual[vehicle->kind].rear_y + high;
	vehicle->rear_z = usual[vehicle->kind].rear_z + draw_between(&series, -10, 6);
	vehicle->shelf_y = usual[vehicle->kind].shelf_y + high;
	vehicle->shelf_z = usual[vehicle->kind].shelf_z;
	vehicle->nose_z = usual[vehicle->kind].nose_z;
	vehicle->tail_z = usual[vehicle->kind].tail_z;
	vehicle->rows = usual[vehicle->kind].rows;
	vehicle->seat_x = usual[vehicle->kind].seat_x * wide;
	for (unsigned int i = 0; i < LANESIM_ROWS_MAX; i++) {
		vehicle->eyes_y[i] = usual[vehicle->kind].eyes_y + high +
				     (float)i * usual[vehicle->kind].rise;
		vehicle->eyes_z[i] = usual[vehicle->kind].eyes_z + set -
				     (float)i * usual[vehicle->kind].pitch;
	}
	draw_colours(vehicle, &series);
	draw_glass(vehicle, plain, &series);
	vehicle->headrest_open = draw_uniform(&series) < .15f;
}

struct vec lanesim_vehicle_eyes(const struct lanesim_vehicle *vehicle, int seat)
{
	/* The driver sits left; the second row's middle seat is the last of its three. */
	static const struct {
		int row;
		float side;
	} places[LANESIM_SEATS] = { { 0, 1 }, { 0, -1 }, { 1, -1 }, { 1, 1 },
				    { 1, 0 }, { 2, 1 },	 { 2, -1 } };
	int row = places[seat].row;

	/* Behind the first row one sits further in. */
	return vec_make(places[seat].side * vehicle->seat_x * (row ? .82f : 1),
			vehicle->eyes_y[row], vehicle->eyes_z[row]);
}

struct lanesim_panel lanesim_vehicle_windshield(const struct lanesim_vehicle *vehicle)
{
	float low = vehicle->belt_half - 11, high = vehicle->roof_half - 1, cowl = vehicle->cowl;

	return (struct lanesim_panel){
		.corner = { { -high, vehicle->header_y, vehicle->header_z },
			    { high, vehicle->header_y, vehicle->header_z },
			    { low, cowl, -20 },
			    { -low, cowl, -20 } },
		.across = { { 0, 3, 8 }, { 0, 1, 19 } },
		.down = { { -1, 3, 3 }, { 1, 3, 3 } },
	};
}

struct lanesim_panel lanesim_vehicle_flank_glass(const struct lanesim_vehicle *vehicle)
{
	float rise = vehicle->roof - 5 - (vehicle->header_y + vehicle->rear_y) / 2;
	float back = approx_mix(vehicle->rear_z, vehicle->shelf_z, .35f);

	return (struct lanesim_panel){
		.corner = { { vehicle->roof_half + 1, vehicle->header_y - 2,
			      vehicle->header_z + 2 },
			    { vehicle->roof_half, vehicle->rear_y - 4, vehicle->rear_z - 2 },
			    { vehicle->belt_half - 4, vehicle->belt + 3, back },
			    { vehicle->belt_half - 4, vehicle->belt, -18 } },
		.across = { { 2, rise, 0 }, { 2, 0, 0 } },
		.down = { { 3, 0, 0 }, { 3, 0, 0 } },
	};
}

void lanesim_vehicle_pillar(const struct lanesim_vehicle *vehicle, float z, float *ret_top,
			    float *ret_bottom)
{
	struct lanesim_panel glass = lanesim_vehicle_flank_glass(vehicle);
	const struct vec *c = glass.corner;

	*ret_top = approx_clamp((z - c[0].z) / (c[1].z - c[0].z), 0, 1);
	*ret_bottom = approx_clamp((z - c[3].z) / (c[2].z - c[3].z), 0, 1);
}

float lanesim_vehicle_pillar_b(const struct lanesim_vehicle *vehicle)
{
	return vehicle->eyes_z[0] - 17; /* beside the front seats' backs */
}

float lanesim_vehicle_pillar_c(const struct lanesim_vehicle *vehicle)
{
	return approx_max(vehicle->eyes_z[1] - 14, vehicle->rear_z + 2);
}
