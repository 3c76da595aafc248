/* SPDX-License-Identifier: Apache-2.0 */
#include "lanesim/sheet.h"

#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "image/image.h"
#include "lanesim/apart.h"
#include "lanesim/crew.h"
#include "lanesim/render/noise.h"
#include "lanesim/traveller.h"

enum {
	OVERSAMPLE = 2, /* a tile is rendered so many times larger, for smooth edges */
	MARGIN = 12,
	GAP = 6,
	PAGE = 0x14181D,
};

#define YAW_MAX (28 * LANESIM_PI / 180)
/* Shares of the side: eyes so far apart, and so low, that hair and collar are in the picture. */
#define EYE_DISTANCE 0.2f
#define EYES_Y 0.45f

struct job {
	const struct lanesim_sheet *sheet;
	uint64_t *seeds;
	struct sp_image *page;
};

/* Anything that a lane's camera meets, but sharp, well exposed and large: a shot that is of use. */
static void pose(struct lanesim_shot *shot, uint64_t seed, uint32_t side)
{
	uint64_t series = draw_series(seed, 0x73686565);

	lanesim_shot_draw(shot, YAW_MAX, seed);
	lanesim_shot_resize(shot, EYE_DISTANCE * draw_between(&series, 0.94f, 1.08f) * (float)side);
	shot->pose.roll *= 0.6f;
	lanesim_shot_centre(shot, EYES_Y, side);
	/* From above, as in daylight, and never from behind alone. */
	shot->key = vec_unit(vec_make(shot->key.x, approx_max(shot->key.y, 0.15f),
				      approx_max(shot->key.z, 0.3f)));
	shot->clutter *= 0.25f;
	for (int i = 0; i < LANESIM_BANDS; i++) /* paler: the people are to be looked at */
		shot->background[i] = approx_mix(shot->background[i], 0.3f, 0.6f);
	shot->sensor.nir = draw_uniform(&series) < 0.1f;
	shot->sensor.blur = 0.4f * OVERSAMPLE;
	shot->sensor.motion_x = shot->sensor.motion_y = 0;
	shot->sensor.shot *= 0.5f;
	shot->sensor.read *= 0.5f;
	shot->sensor.compensation *= 0.3f;
	shot->pose.blink *= shot->pose.blink > 0.3f ? 0.3f : 1;
}

static int make(void *arg, struct lanesim_hand *hand, uint32_t i, void *result, struct sp_err *err)
{
	const struct job *job = arg;
	const struct lanesim_sheet *sheet = job->sheet;
	uint32_t side = sheet->side * OVERSAMPLE;
	struct lanesim_traveller traveller = { .identity = job->seeds[i], .share = 1 };
	struct sp_image *image = lanesim_hand_image(hand, side, side), *tile = result;
	struct lanesim_shot shot;
	int res = image ? lanesim_traveller_meet(&traveller, 1) : -ENOMEM;

	if (!res)
		res = sp_image_init(tile, sheet->side, sheet->side);
	if (!res) {
		pose(&shot, draw_series(sheet->seed, traveller.identity), side);
		res = lanesim_traveller_shoot(&traveller, &shot, hand, image, NULL);
		sp_image_letterbox(tile, image);
	}
	lanesim_traveller_part(&traveller);
	if (res)
		sp_image_uninit(tile);
	return res ? sp_err_set(err, res, "out of memory") : 0;
}

static int take(void *arg, uint32_t i, void *result, struct sp_err *err)
{
	struct job *job = arg;
	uint32_t step = job->sheet->side + GAP, columns = job->sheet->columns;

	(void)err;
	sp_image_draw_image(job->page, (int)(MARGIN + i % columns * step),
			    (int)(MARGIN + i / columns * step), result);
	sp_image_uninit(result);
	return 0;
}

static void drop(void *arg, void *result)
{
	(void)arg;
	sp_image_uninit(result);
}

int lanesim_sheet_draw(const struct lanesim_sheet *sheet, struct sp_image *ret_image,
		       struct sp_err *err)
{
	struct sp_image page = { 0 };
	struct job job = { .sheet = sheet, .page = &page };
	struct lanesim_apart apart = {
		.seed = sheet->seed,
		.n = sheet->rows * sheet->columns,
		.distance = LANESIM_APART_USUAL,
	};
	struct lanesim_crew crew = {
		.label = sheet->label,
		.n = apart.n,
		.threads = sheet->threads,
		.result_bytes = sizeof(struct sp_image),
		.arg = &job,
		.make = make,
		.take = take,
		.drop = drop,
	};
	uint32_t step = sheet->side + GAP;
	int res = sp_image_init(&page, 2 * MARGIN - GAP + sheet->columns * step,
				2 * MARGIN - GAP + sheet->rows * step);

	job.seeds = calloc(apart.n, sizeof(*job.seeds));
	if (res || !job.seeds) {
		res = sp_err_set(err, res ? res : -ENOMEM, "no sheet of %u × %u tiles of %u pixels",
				 sheet->columns, sheet->rows, sheet->side);
		goto out;
	}
	sp_image_draw_rect(&page, 0, 0, (int)page.width, (int)page.height,
			   (int)(page.width + page.height), PAGE);
	res = lanesim_apart_draw(&apart, job.seeds, NULL, err);
	if (!res)
		res = lanesim_crew_run(&crew, err);
out:
	free(job.seeds);
	if (res)
		sp_image_uninit(&page);
	else
		*ret_image = page;
	return res;
}
