/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/scene/far.h"

#include <errno.h>
#include <stdlib.h>

#include "lanesim/render/noise.h"
#include "lanesim/render/render.h"

enum { COARSE = 8 }; /* pixels a value: what is out of focus needs no more */

/* Values at the corners of squares of COARSE pixels. */
struct grid {
	uint32_t columns, rows;
	float *values; /* LANESIM_BANDS each */
};

static int grid_init(struct grid *grid, uint32_t width, uint32_t height)
{
	*grid = (struct grid){ width / COARSE + 2, height / COARSE + 2, NULL };
	grid->values = malloc((size_t)grid->columns * grid->rows * LANESIM_BANDS * sizeof(float));
	return grid->values ? 0 : -ENOMEM;
}

/* Bilinear between the grid's corners. */
static void grid_spread(const struct grid *grid, float *radiance, uint32_t width, uint32_t height)
{
	size_t stride = (size_t)grid->columns * LANESIM_BANDS;

	for (uint32_t y = 0; y < height; y++) {
		const float *row = grid->values + y / COARSE * stride;
		float fy = ((float)(y % COARSE) + .5f) / COARSE;

		for (uint32_t x = 0; x < width; x++) {
			const float *p = row + (size_t)(x / COARSE) * LANESIM_BANDS;
			float fx = ((float)(x % COARSE) + .5f) / COARSE;

			for (unsigned int i = 0; i < LANESIM_BANDS; i++) {
				float top = approx_mix(p[i], p[LANESIM_BANDS + i], fx);
				float low = approx_mix(p[stride + i], p[stride + LANESIM_BANDS + i],
						       fx);

				*radiance++ = approx_mix(top, low, fy);
			}
		}
	}
}

/* A horizon of trees and buildings under a cloudy sky, in direction @d. */
static void look_far(struct vec d, const struct lanesim_light *light, float shift,
		     float ret_radiance[LANESIM_BANDS])
{
	static const float cloud[LANESIM_BANDS] = { 1.3f, 1.2f, 1.05f, 1 };
	static const float green[LANESIM_BANDS] = { .1f, .13f, .06f, .45f };
	static const float stone[LANESIM_BANDS] = { .34f, .3f, .27f, .35f };
	float around = 3 * approx_atan2(d.x, -d.z) + shift, up = d.y;
	float block = (float)approx_floor(around * 4.5f);
	float trees = .03f + .09f * noise_plane(around * 5, 0, 1) +
		      .03f * noise_plane(around * 22, 0, 2);
	float houses = .22f * noise_plane(block, .5f, 3) - .03f;
	float clouds = .65f * noise_plane(around * 2.5f, up * 9, 4) +
		       .35f * noise_plane(around * 8, up * 26, 5);
	float leaf = .55f + .6f * noise_plane(around * 17 + 9 * up, up * 40 + around * 4, 6) +
		     .3f * noise_plane(around * 41 - 30 * up, up * 97, 9);
	float is_house = approx_step(houses + .008f, houses - .008f, up);
	float is_tree = approx_step(trees + .012f, trees - .012f, up);

	clouds = approx_step(.35f, .75f, clouds);
	for (unsigned int i = 0; i < LANESIM_BANDS; i++) {
		float sky = light->sky[i] * approx_mix(.85f, cloud[i], clouds);
		float lit = light->sky[i] * .6f + light->key_power[i] * .25f;
		float house = stone[i] * lit * (.7f + .6f * noise_plane(block, 7, 8));
		float land = approx_mix(approx_mix(sky, house, is_house), green[i] * lit * leaf,
					is_tree);

		ret_radiance[i] = up < -.02f ? light->ground[i] : land;
	}
}

int lanesim_far_landscape(float *radiance, const struct lanesim_view *view,
			  const struct lanesim_light *light, uint64_t seed)
{
	uint64_t series = draw_series(seed, 'b');
	float shift = draw_between(&series, 0, 900);
	struct rigid world = rigid_inverse(&view->camera);
	struct grid grid;

	if (grid_init(&grid, view->width, view->height))
		return -ENOMEM;
	for (uint32_t i = 0; i < grid.rows; i++)
		for (uint32_t j = 0; j < grid.columns; j++) {
			struct vec d = { ((float)(j * COARSE) - view->cx) / view->focal,
					 (view->cy - (float)(i * COARSE)) / view->focal, -1 };

			look_far(vec_unit(rigid_turn(&world, d)), light, shift,
				 grid.values + (size_t)(i * grid.columns + j) * LANESIM_BANDS);
		}
	grid_spread(&grid, radiance, view->width, view->height);
	free(grid.values);
	return 0;
}

/* A half plane or a band through the picture, of another brightness. */
struct edge {
	float x, y, offset, width, step;
};

int lanesim_far_wall(float *radiance, uint32_t width, uint32_t height, const float *albedo,
		     float clutter, uint64_t seed)
{
	enum { EDGES = 7 };
	uint64_t series = draw_series(seed, 'w');
	float scale = draw_between(&series, 1.5f, 6), x0 = draw_between(&series, 0, 500), light;
	struct edge edges[EDGES];
	struct grid grid;

	if (grid_init(&grid, width, height))
		return -ENOMEM;
	for (unsigned int i = 0; i < EDGES; i++) {
		float turn = draw_uniform(&series) < .6f ? .25f * (float)draw_below(&series, 4)
							 : draw_uniform(&series);

		edges[i] = (struct edge){ approx_sin_turns(turn + .25f), approx_sin_turns(turn),
					  draw_between(&series, -.6f, .6f),
					  draw_between(&series, .03f, .5f),
					  draw_between(&series, -1.6f, 1.6f) };
	}
	light = draw_between(&series, -.12f, .12f); /* comes from one side */
	for (uint32_t i = 0; i < grid.rows; i++)
		for (uint32_t j = 0; j < grid.columns; j++) {
			float x = (float)(j * COARSE) / (float)width - .5f;
			float y = (float)(i * COARSE) / (float)width - .5f;
			float stops = light * x, *value;

			for (unsigned int k = 0; k < EDGES; k++) {
				float across = x * edges[k].x + y * edges[k].y - edges[k].offset;

				stops += clutter * edges[k].step *
					 approx_step(-.01f, .01f, across) *
					 approx_step(edges[k].width + .01f, edges[k].width - .01f,
						     across);
			}
			stops += clutter * 4 * (noise_plane(x * scale + x0, y * scale, 1) - .5f);
			stops += clutter * 1.4f *
				 (noise_plane(x * 2.3f * scale + y + x0, y * 2.3f * scale - x, 2) -
				  .5f);
			value = grid.values + (size_t)(i * grid.columns + j) * LANESIM_BANDS;
			for (unsigned int k = 0; k < LANESIM_BANDS; k++) {
				float hue =
					2 *
					(noise_plane(x * scale + x0, y * scale, 3 + (int)k) - .5f);

				value[k] = albedo[k] * approx_exp2(stops + clutter * .7f * hue);
			}
		}
	grid_spread(&grid, radiance, width, height);
	free(grid.values);
	return 0;
}
