/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/tile.h"

#include <errno.h>
#include <math.h>

#include "base/diag.h"
#include "infer/pixels.h"
#include "infer/preprocess.h"

struct plan {
	struct sp_fit *looks;
	unsigned int n;
	uint32_t width, height; /* of the frame */
	uint32_t input_width, input_height; /* of a tile */
	float whole; /* scale of the look at the whole frame; 0: there is none */
};

/* The tiles along one side of an area. */
struct run {
	uint32_t length, tile; /* pixels of the frame */
	uint32_t n;
};

/* The height of the largest face, in pixels of the frame, that a look at @scale does not show. */
static float missed(float scale)
{
	return SP_TILE_FACE_HEIGHT * SP_TILE_EYES_MIN / scale;
}

/* @face: the height of the largest face that one of the tiles must have whole. */
static struct run run_of(uint32_t length, uint32_t input, float scale, float face)
{
	uint32_t most = (uint32_t)fminf((float)input / scale, SP_PIXELS_SIDE_MAX);
	uint32_t overlap = most / 2;
	float wanted = face + 2 * SP_TILE_BORDER / scale;
	struct run run = { length, most, 1 };

	if (length <= most) {
		run.tile = length;
		return run;
	}
	if (wanted < (float)overlap)
		overlap = (uint32_t)ceilf(wanted);
	/* The fewest whose n (most - overlap) + overlap pixels cover it. */
	run.n += (length - overlap - 1) / (most - overlap);
	return run;
}

/* Where tile @i begins: the first and the last at the area's ends, the others evenly between. */
static uint32_t tile_at(const struct run *run, uint32_t i)
{
	uint64_t way = run->length - run->tile;

	return run->n < 2 ? 0 : (uint32_t)((i * way + (run->n - 1) / 2) / (run->n - 1));
}

/* Counts the tiles on; fills them in while there is room. */
static void add_tiles(struct plan *plan, const struct sp_scale_rect *rect, float scale, float face,
		      uint64_t *tiles)
{
	struct run across = run_of(rect->width, plan->input_width, scale, face);
	struct run down = run_of(rect->height, plan->input_height, scale, face);

	*tiles += (uint64_t)across.n * down.n;
	for (uint32_t y = 0; y < down.n; y++) {
		for (uint32_t x = 0; x < across.n && plan->n < SP_TILE_LOOKS_MAX; x++) {
			const struct sp_scale_rect tile = { rect->x + tile_at(&across, x),
							    rect->y + tile_at(&down, y),
							    across.tile, down.tile };

			sp_fit_init(&plan->looks[plan->n++], &tile, plan->input_width,
				    plan->input_height);
		}
	}
}

/*
 * Tiles of @rect at @scale; before them, where these are so fine that a face which the whole frame
 * does not show may be larger than half a tile, tiles that are as much coarser as that takes.
 * Returns how many, even if there is no room for all of them.
 */
static uint64_t add_levels(struct plan *plan, const struct sp_scale_rect *rect, float scale)
{
	uint32_t side = plan->input_width < plan->input_height ? plan->input_width
							       : plan->input_height;
	/* From a scale to one this much finer, missed faces and borders fit into half a tile. */
	float step = ((float)(side / 2) - 2 * SP_TILE_BORDER - 1) / missed(1), seen = plan->whole;
	uint64_t tiles = 0;

	for (; seen > 0 && seen * step < scale; seen *= step)
		add_tiles(plan, rect, seen * step, missed(seen), &tiles);
	add_tiles(plan, rect, scale, seen > 0 ? missed(seen) : INFINITY, &tiles);
	return tiles;
}

/* The whole frame at the scale that small faces need, if the look at it made small lacks that. */
static int add_for_eyes(struct plan *plan, float eyes_min, struct sp_err *err)
{
	const struct sp_scale_rect all = { 0, 0, plan->width, plan->height };
	float scale = fminf(SP_TILE_EYES_MIN / eyes_min, 1);
	unsigned int before = plan->n;
	uint64_t tiles = plan->whole >= scale ? 0 : add_levels(plan, &all, scale);

	if (tiles <= SP_TILE_LOOKS_MAX - before)
		return 0;
	return sp_err_set(
		err, -E2BIG,
		"faces from %g pixels between the eyes on take %llu tiles of a frame of "
		"%u x %u, and %d looks at a frame are the most; ask for larger faces, give "
		"the detector a larger input, or areas where small faces matter",
		(double)eyes_min, (unsigned long long)tiles, plan->width, plan->height,
		SP_TILE_LOOKS_MAX);
}

/* A side of an area, cut at the frame's end. */
static uint32_t cut(uint32_t at, uint32_t length, uint32_t end)
{
	return at >= end ? 0 : length < end - at ? length : end - at;
}

static int add_area(struct plan *plan, const struct sp_tile_config *config, unsigned int i,
		    struct sp_err *err)
{
	const struct sp_tile_area *area = &config->areas[i];
	struct sp_scale_rect rect = area->rect;
	unsigned int before = plan->n;
	uint64_t tiles;

	if (!(area->scale > 0 && area->scale <= 1))
		return sp_err_set(err, -EINVAL,
				  "areas[%u]: a scale of %g is not above 0 and up to 1", i,
				  (double)area->scale);
	rect.width = cut(rect.x, rect.width, plan->width);
	rect.height = cut(rect.y, rect.height, plan->height);
	if (!rect.width || !rect.height)
		return 0;
	tiles = add_levels(plan, &rect, area->scale);
	if (tiles <= SP_TILE_LOOKS_MAX - before)
		return 0;
	return sp_err_set(
		err, -E2BIG,
		"areas[%u]: %u x %u pixels at a scale of %g are %llu tiles beside %u other "
		"looks, and %d looks at a frame are the most; make it smaller, lessen the "
		"scale, or give the detector a larger input",
		i, rect.width, rect.height, (double)area->scale, (unsigned long long)tiles, before,
		SP_TILE_LOOKS_MAX);
}

int sp_tile_plan(const struct sp_tile_config *config, uint32_t width, uint32_t height,
		 uint32_t input_width, uint32_t input_height, struct sp_fit *looks,
		 unsigned int *ret_n, struct sp_err *err)
{
	const struct sp_scale_rect all = { 0, 0, width, height };
	struct plan plan = {
		.looks = looks,
		.width = width,
		.height = height,
		.input_width = input_width ? input_width : SP_TILE_SIDE,
		.input_height = input_height ? input_height : SP_TILE_SIDE,
	};
	bool tiled = config->eyes_min > 0 || config->areas_n;
	int rc = 0;

	if (tiled &&
	    (plan.input_width < SP_TILE_INPUT_MIN || plan.input_height < SP_TILE_INPUT_MIN))
		return sp_err_set(err, -EINVAL,
				  "tiles of %u x %u are too small to have faces in them; give the "
				  "detector an input of %d pixels a side or more",
				  plan.input_width, plan.input_height, SP_TILE_INPUT_MIN);

	if (!config->no_whole) {
		sp_fit_init(&looks[plan.n++], &all, input_width, input_height);
		plan.whole = fminf(looks[0].scale_x, looks[0].scale_y);
	}
	if (config->eyes_min > 0)
		rc = add_for_eyes(&plan, config->eyes_min, err);
	for (unsigned int i = 0; !rc && i < config->areas_n; i++)
		rc = add_area(&plan, config, i, err);
	if (!rc && !plan.n)
		rc = sp_err_set(
			err, -EINVAL,
			"nothing of a frame of %u x %u is looked at: no area lies in it; name "
			"one that does, or look at the whole",
			width, height);
	if (!rc)
		*ret_n = plan.n;
	return rc;
}
