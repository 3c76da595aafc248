/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/scene/lane.h"

#include <errno.h>

#include "lanesim/render/noise.h"
#include "lanesim/scene/panel.h"

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

enum { ASPHALT_SIDE = 256 }; /* texels of 8 cm */

/* Stains, patches, seams of tar and what tyres left. */
static void paint_asphalt(struct lanesim_texture *texture, float grey, int32_t layer)
{
	for (uint32_t y = 0; y < ASPHALT_SIDE; y++)
		for (uint32_t x = 0; x < ASPHALT_SIDE; x++) {
			struct lanesim_texel *texel = &texture->texels[y * ASPHALT_SIDE + x];
			float fx = (float)x, fy = (float)y, across = (fx - ASPHALT_SIDE / 2) * 8;
			float broad = noise_plane(fx * .06f, fy * .03f, layer);
			float stain = approx_step(.62f, .8f,
						  noise_plane(fx * .09f, fy * .09f, layer + 1));
			float fine = noise_lattice((int32_t)x, (int32_t)y, layer + 2);
			float tyre = approx_bump((across < 0 ? across + 78 : across - 78) / 26);
			float seam = noise_plane(fx * .035f, fy * .05f, layer + 3) - .5f;
			float tar = approx_bump(seam / .012f);
			float shade = (.75f + .5f * broad) * (.9f + .2f * fine) *
				      (1 - .25f * tyre) * (1 - .4f * stain) * (1 - .35f * tar);

			for (unsigned int k = 0; k < LANESIM_BANDS; k++)
				texel->albedo[k] =
					(uint16_t)(65535 * approx_clamp(grey * shade, 0, 1));
			texel->gloss = 0;
			texel->cover = 65535;
		}
	lanesim_texture_reduce(texture);
}

/* Along the lane; in pieces, for long triangles lose precision. */
static void add_stripe(struct lane *lane, float x, uint32_t surface)
{
	struct lanesim_panel stripe = { .corner = { { x - 6, 1, -3000 },
						    { x + 6, 1, -3000 },
						    { x + 6, 1, 240 },
						    { x - 6, 1, 240 } } };

	lanesim_panel_add(lane->mesh, &stripe, LANESIM_CUT_NONE, 40, 2, 1, surface);
}

static void add_road(struct lane *lane, struct lanesim_texture *texture)
{
	float grey = draw_between(&lane->series, .07f, .15f);
	uint32_t asphalt, paint = add_grey(lane, .4f, .6f), first;
	float yellow = draw_uniform(&lane->series);
	uint32_t line = yellow < .5f ? add_surface(lane, LANESIM_MATTE, .5f, .35f, .04f, 0) : paint;
	struct lanesim_panel road = {
		.corner = { { -2000, 0, -4000 },
			    { 2000, 0, -4000 },
			    { 2000, 0, 300 },
			    { -2000, 0, 300 } },
	};

	asphalt = add_surface(lane, LANESIM_MATTE, grey, grey, grey, 0);
	paint_asphalt(texture, grey, (int32_t)draw_below(&lane->series, 1000000));
	first = lane->mesh->vertices_n;
	lanesim_panel_add(lane->mesh, &road, LANESIM_CUT_NONE, 44, 41, 1, asphalt);
	if (lane->mesh->failed)
		return;
	lane->mesh->surfaces[asphalt].texture = texture;
	for (uint32_t i = first; i < lane->mesh->vertices_n; i++) {
		struct lanesim_vertex *vertex = &lane->mesh->vertices[i];

		vertex->u = vertex->p.x / 8 + ASPHALT_SIDE / 2;
		vertex->v = vertex->p.z / 8 + ASPHALT_SIDE * .8f;
	}
	for (int i = -1; i <= 1; i += 2) {
		add_stripe(lane, (float)i * 155, line);
		add_stripe(lane, (float)i * 403, paint);
	}
}

/* The officer's booth, left of the driver, and its island. */
static void add_booth(struct lane *lane)
{
	float x = draw_between(&lane->series, 300, 345),
	      z = draw_between(&lane->series, -430, -270);
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
	float pitch = draw_between(&lane->series, 110, 190),
	      radius = draw_between(&lane->series, 6, 13);
	float high = draw_between(&lane->series, 70, 105), z = draw_between(&lane->series, -60, 30);
	uint32_t yellow = add_surface(lane, LANESIM_MATTE, .55f, .38f, .03f, 0);
	uint32_t band = add_grey(lane, .02f, .7f);

	for (uint32_t i = 0; i < n; i++, z -= pitch) {
		add_pillow(lane, vec_make(x, high / 2, z), vec_make(radius, high / 2, radius), .5f,
			   yellow);
		add_pillow(lane, vec_make(x, high * .78f, z),
			   vec_make(radius + .6f, 6, radius + .6f), .7f, band);
	}
}

/* A board with round and square blobs: about as much like a face as lane furniture gets. */
static void add_sign(struct lane *lane, float x)
{
	float y = draw_between(&lane->series, 140, 230),
	      z = draw_between(&lane->series, -800, -320);
	float wide = draw_between(&lane->series, 22, 45),
	      high = draw_between(&lane->series, 22, 50);
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

	add_box(lane, vec_make(x, high / 2, -900), vec_make(12, high / 2, 1000), wall);
	add_box(lane, vec_make(x, high + 12, -900), vec_make(3, 3, 1000), rail);
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
			add_pillow(lane, vec_make(x + 100, 500, z - (float)j * 300),
				   vec_make(22, 10, 22), .2f, lamp);
	}
	add_box(lane, vec_make(0, 540, z - 500), vec_make(1600, 25, 700), below);
}

int lanesim_lane_init(struct lanesim_lane *ret_lane, uint64_t seed)
{
	struct lane lane = { .mesh = &ret_lane->mesh, .series = draw_series(seed, 'l') };
	float right = -draw_between(&lane.series, 300, 400);

	lanesim_mesh_init(&ret_lane->mesh);
	if (lanesim_texture_init(&ret_lane->asphalt, ASPHALT_SIDE, ASPHALT_SIDE))
		return -ENOMEM;
	add_road(&lane, &ret_lane->asphalt);
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
	if (!lane.mesh->failed)
		return 0;
	lanesim_lane_uninit(ret_lane);
	return -ENOMEM;
}

void lanesim_lane_uninit(struct lanesim_lane *lane)
{
	lanesim_mesh_uninit(&lane->mesh);
	lanesim_texture_uninit(&lane->asphalt);
}
