/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/lane.h"

#include "lanesim/noise.h"
#include "lanesim/panel.h"

struct lane {
	struct lanesim_mesh *mesh;
	uint64_t series;
};

static uint32_t add_surface(struct lane *lane, enum lanesim_shine shine, float r, float g, float b,
			    float gloss)
{
	struct lanesim_surface surface = { .shine = shine, .gloss = gloss, .two_sided = true };

	surface.albedo[LANESIM_R] = r;
	surface.albedo[LANESIM_G] = g;
	surface.albedo[LANESIM_B] = b;
	surface.albedo[LANESIM_NIR] = .3f * (r + g + b) + .05f;
	return lanesim_mesh_add_surface(lane->mesh, &surface);
}

static uint32_t add_grey(struct lane *lane, float low, float high)
{
	float grey = draw_between(&lane->series, low, high);

	return add_surface(lane, LANESIM_MATTE, grey * 1.03f, grey, grey * .96f, 0);
}

static void add_box(struct lane *lane, struct vec at, struct vec half, uint32_t surface)
{
	struct rigid place = lanesim_place(at, 0, 0);

	lanesim_mesh_box(lane->mesh, &place, half, surface);
}

static void add_pillow(struct lane *lane, struct vec at, struct vec half, float square,
		       uint32_t surface)
{
	struct rigid place = lanesim_place(at, 0, 0);

	lanesim_pillow_add(lane->mesh, &place, half, square, 1, surface);
}

static void add_road(struct lane *lane)
{
	uint32_t asphalt = add_grey(lane, .06f, .13f), paint = add_grey(lane, .4f, .6f);
	float yellow = draw_uniform(&lane->series);
	uint32_t line = yellow < .5f ? add_surface(lane, LANESIM_MATTE, .5f, .35f, .04f, 0) : paint;
	struct lanesim_panel road = {
		.corner = { { -2000, 0, -4000 }, { 2000, 0, -4000 }, { 2000, 0, 900 }, { -2000, 0, 900 } },
	};

	lanesim_panel_add(lane->mesh, &road, LANESIM_CUT_NONE, 9, 9, 1, asphalt);
	for (int i = -1; i <= 1; i += 2) {
		float x = (float)i * 155;

		lanesim_mesh_quad(lane->mesh, vec_make(x - 6, .4f, 800), vec_make(x + 6, .4f, 800),
				  vec_make(x + 6, .4f, -3000), vec_make(x - 6, .4f, -3000), line);
		lanesim_mesh_quad(lane->mesh, vec_make(x * 2.6f - 6, .4f, 800),
				  vec_make(x * 2.6f + 6, .4f, 800), vec_make(x * 2.6f + 6, .4f, -3000),
				  vec_make(x * 2.6f - 6, .4f, -3000), paint);
	}
}

/* The officer's booth, left of the driver, and its island. */
static void add_booth(struct lane *lane)
{
	float x = draw_between(&lane->series, 300, 345), z = draw_between(&lane->series, -430, -270);
	float r = draw_between(&lane->series, .1f, .7f), b = draw_between(&lane->series, .1f, .7f);
	uint32_t kerb = add_grey(lane, .25f, .45f), frame = add_grey(lane, .1f, .3f);
	uint32_t wall = add_surface(lane, LANESIM_MATTE, r, .5f * (r + b), b, 0);
	uint32_t window = add_surface(lane, LANESIM_POLISH, .03f, .035f, .04f, .7f);
	uint32_t lamp = add_surface(lane, LANESIM_POLISH, .8f, .8f, .75f, .5f);

	add_box(lane, vec_make(x, 8, z), vec_make(110, 8, 500), kerb);
	add_box(lane, vec_make(x, 66, z), vec_make(70, 50, 130), wall);
	add_box(lane, vec_make(x, 165, z), vec_make(68, 50, 128), window);
	add_box(lane, vec_make(x, 238, z), vec_make(95, 24, 160), wall);
	for (int i = -1; i <= 1; i++)
		add_box(lane, vec_make(x - 69, 165, z + (float)i * 126), vec_make(4, 50, 5), frame);
	add_pillow(lane, vec_make(x - 70, 206, z + 90), vec_make(6, 6, 6), 0, lamp);
}

static void add_bollards(struct lane *lane, float x)
{
	uint32_t n = 3 + draw_below(&lane->series, 3);
	float pitch = draw_between(&lane->series, 110, 190), radius = draw_between(&lane->series, 6, 13);
	float high = draw_between(&lane->series, 70, 105), z = draw_between(&lane->series, -60, 30);
	uint32_t yellow = add_surface(lane, LANESIM_MATTE, .55f, .38f, .03f, 0);
	uint32_t band = add_grey(lane, .02f, .7f);

	for (uint32_t i = 0; i < n; i++, z -= pitch) {
		add_pillow(lane, vec_make(x, high / 2, z), vec_make(radius, high / 2, radius), .5f, yellow);
		add_pillow(lane, vec_make(x, high * .78f, z), vec_make(radius + .6f, 6, radius + .6f), .7f,
			   band);
	}
}

/* A board with round and square blobs: about as much like a face as lane furniture gets. */
static void add_sign(struct lane *lane, float x)
{
	float y = draw_between(&lane->series, 140, 230), z = draw_between(&lane->series, -800, -320);
	float wide = draw_between(&lane->series, 22, 45), high = draw_between(&lane->series, 22, 50);
	uint32_t board = add_grey(lane, .3f, .8f), post = add_grey(lane, .15f, .4f);
	uint32_t blobs = 2 + draw_below(&lane->series, 5);

	add_box(lane, vec_make(x, y / 2, z - 4), vec_make(3, y / 2, 3), post);
	add_box(lane, vec_make(x, y, z), vec_make(wide, high, 1.5f), board);
	for (uint32_t i = 0; i < blobs; i++) {
		float size = draw_between(&lane->series, .1f, .3f) * wide;
		uint32_t ink = add_surface(lane, LANESIM_MATTE, draw_between(&lane->series, 0, .6f),
					   draw_between(&lane->series, 0, .4f),
					   draw_between(&lane->series, 0, .5f), 0);

		add_pillow(lane,
			   vec_make(x + draw_between(&lane->series, -.6f, .6f) * wide,
				    y + draw_between(&lane->series, -.6f, .6f) * high, z + 1.5f),
			   vec_make(size * draw_between(&lane->series, .7f, 2), size, 1),
			   draw_uniform(&lane->series), ink);
	}
}

static void add_wall(struct lane *lane, float x)
{
	uint32_t wall = add_grey(lane, .2f, .5f), rail = add_grey(lane, .3f, .6f);
	float high = draw_between(&lane->series, 60, 130);

	add_box(lane, vec_make(x, high / 2, -700), vec_make(12, high / 2, 1300), wall);
	add_box(lane, vec_make(x, high + 12, -700), vec_make(3, 3, 1300), rail);
}

/* Posts of the roof over the lanes, with lamps. */
static void add_canopy(struct lane *lane)
{
	uint32_t steel = add_grey(lane, .2f, .6f), below = add_grey(lane, .3f, .6f);
	uint32_t lamp = add_surface(lane, LANESIM_POLISH, .85f, .85f, .82f, .3f);
	float z = draw_between(&lane->series, -900, -500);

	for (int i = -2; i <= 2; i++) {
		float x = (float)i * 420 + 210;

		add_box(lane, vec_make(x, 260, z), vec_make(13, 260, 13), steel);
		for (int j = 0; j < 3; j++)
			add_pillow(lane, vec_make(x + 100, 500, z - (float)j * 300), vec_make(22, 10, 22), .2f,
				   lamp);
	}
	add_box(lane, vec_make(0, 540, z - 500), vec_make(1600, 25, 700), below);
}

void lanesim_lane_build(struct lanesim_mesh *mesh, uint64_t seed)
{
	struct lane lane = { .mesh = mesh, .series = draw_series(seed, 'l') };
	float right = -draw_between(&lane.series, 300, 400);

	add_road(&lane);
	add_booth(&lane);
	if (draw_uniform(&lane.series) < .6f)
		add_bollards(&lane, draw_between(&lane.series, 270, 300));
	if (draw_uniform(&lane.series) < .6f)
		add_wall(&lane, right);
	else
		add_bollards(&lane, right);
	for (unsigned int i = draw_below(&lane.series, 4); i > 0; i--)
		add_sign(&lane, (i & 1 ? -1 : 1) * draw_between(&lane.series, 205, 380));
	if (draw_uniform(&lane.series) < .55f)
		add_canopy(&lane);
}
