/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "command.h"
#include "image/image.h"
#include "lanesim/apart.h"
#include "lanesim/commands.h"
#include "lanesim/crew.h"
#include "lanesim/crop.h"
#include "lanesim/render/noise.h"
#include "lanesim/tensor.h"
#include "lanesim/traffic.h"
#include "lanesim/traveller.h"

static const char me[] = "lanesim tensor crops";

enum {
	A_LOOK = 4, /* crops of one look: rendering takes the time */
	FULL_WIDTH = 2448, /* of the cameras; others have the same shape */
	FULL_HEIGHT = 2048,
	WIDTH_MIN = 240,
	PROBE_WIDTH = 306, /* where faces are is found in a small picture first */
};

/* Pixels between the eyes. */
#define EYES_MIN 8.0f
#define EYES_MAX 90.0f
#define HEAD_EYES_MIN 24.0f
/* A crop is reduced by up to so much, so that its look serves more sizes than one. */
#define REDUCTION 1.35f
#define HEADS_SHARE 0.15f
#define AIMED_SHARE 0.85f
#define YAW_MAX (65 * LANESIM_PI / 180)
#define STAY_S 20.0f

static struct {
	uint64_t seed;
	uint32_t n, side, threads;
	double empty_vehicles, empty_lanes, night;
	const char *prefix;
	bool json;
} o = {
	.seed = 1,
	.n = 100,
	.side = 320,
	.empty_vehicles = 0.12,
	.empty_lanes = 0.08,
	.night = 0.3,
};

static const struct sp_opt options[] = {
	{ "seed", 's', SP_OPT_U64, &o.seed, "S", "of everything (1)", 0, 0 },
	{ "crops", 'n', SP_OPT_U32, &o.n, "M", "how many (100)", 1, 1e7 },
	{ "size", 0, SP_OPT_U32, &o.side, "PIXELS", "side of a picture (320)", 64, 1024 },
	{ "empty-vehicles", 0, SP_OPT_DOUBLE, &o.empty_vehicles, "P",
	  "share of vehicles without people (0.12)", 0, 0.5 },
	{ "empty-lanes", 0, SP_OPT_DOUBLE, &o.empty_lanes, "P", "share without a vehicle (0.08)", 0,
	  0.5 },
	{ "night", 0, SP_OPT_DOUBLE, &o.night, "P", "share by night, in near infrared (0.3)", 0,
	  1 },
	{ "output", 'o', SP_OPT_STRING, &o.prefix, "PREFIX", "where to (needed)", 0, 0 },
	{ "threads", 0, SP_OPT_U32, &o.threads, "N", "(one a CPU)", 1, 256 },
	{ "json", 'j', SP_OPT_FLAG, &o.json, NULL, "the summary as JSON", 0, 0 },
	{ 0 },
};

static const struct sp_opt_usage usage = {
	me,
	"",
	"Pieces of scenes, and the faces in them.",
	"Faces have 8 to 90 pixels between the eyes, as many small as large ones by their logarithm. Some\n"
	"pieces show large heads; some a vehicle or a lane without people.",
};

struct job {
	struct lanesim_tensor tensor; /* first: lanesim_tensor_take */
};

/* What was seen, and what is in it. */
struct look {
	struct sp_image *image;
	struct lanesim_truth truths[LANESIM_OCCUPANTS_MAX];
	uint32_t n;
};

static float draw_eyes(uint64_t *series, float least)
{
	return least * approx_pow(EYES_MAX / least, draw_uniform(series));
}

static uint32_t height_for(uint32_t width)
{
	return width * FULL_HEIGHT / FULL_WIDTH;
}

static int take_look(const struct lanesim_scene *scene, struct lanesim_hand *hand,
		     enum lanesim_post post, float seconds, uint32_t width, struct look *look)
{
	look->image = lanesim_hand_image(hand, width, height_for(width));
	if (!look->image)
		return -ENOMEM;
	return lanesim_scene_look(scene, hand->eye, post, seconds, look->image, look->truths,
				  &look->n);
}

/* A look so large that one of its faces gets the size that was drawn. */
static int look_at_scene(uint64_t *series, uint64_t number, struct lanesim_hand *hand,
			 struct look *look)
{
	const struct lanesim_mix mix = {
		.occupants = -1,
		.empty_vehicles = (float)o.empty_vehicles,
		.empty_lanes = (float)o.empty_lanes,
		.night = (float)o.night,
	};
	enum lanesim_post post = (enum lanesim_post)draw_below(series, LANESIM_POSTS);
	float seconds = STAY_S * draw_uniform(series), eyes = draw_eyes(series, EYES_MIN);
	float width = draw_between(series, 0.2f, 1) * FULL_WIDTH;
	struct lanesim_scene_config config;
	struct lanesim_scene *scene;
	int res;

	lanesim_mix_scene(&mix, o.seed, number, &config);
	res = lanesim_scene_create(&config, &scene);
	if (res)
		return res;
	res = take_look(scene, hand, post, seconds, PROBE_WIDTH, look);
	if (!res && look->n)
		width = PROBE_WIDTH * eyes / look->truths[draw_below(series, look->n)].eye_distance;
	width = approx_clamp(width, WIDTH_MIN, FULL_WIDTH);
	if (!res)
		res = take_look(scene, hand, post, seconds, (uint32_t)width, look);
	lanesim_scene_destroy(scene);
	return res;
}

/* Where a crop of @side pixels begins along one axis: within the picture, if that has room. */
static int place(uint64_t *series, int side, int size, const float *aim)
{
	float at = aim ? *aim - (float)side * draw_between(series, 0.2f, 0.8f)
		       : draw_between(series, 0, 1) * (float)(size - side);
	float low = size > side ? 0 : (float)(size - side),
	      high = size > side ? (float)(size - side) : 0;

	return approx_floor(approx_clamp(at, low, high));
}

static void aim_crop(uint64_t *series, const struct look *look, struct lanesim_crop *crop)
{
	bool aimed = look->n && draw_uniform(series) < AIMED_SHARE;
	float at[2] = { 0, 0 };

	crop->side = (int)(draw_between(series, 1, REDUCTION) * (float)o.side);
	if (aimed) {
		const float *box = look->truths[draw_below(series, look->n)].box;

		at[0] = box[0] + box[2] / 2;
		at[1] = box[1] + box[3] / 2;
	}
	crop->x = place(series, crop->side, (int)look->image->width, aimed ? &at[0] : NULL);
	crop->y = place(series, crop->side, (int)look->image->height, aimed ? &at[1] : NULL);
}

/* Somebody close, alone in the picture. */
static int look_at_head(uint64_t *series, struct lanesim_hand *hand, struct look *look)
{
	struct lanesim_traveller traveller = {
		.identity = sp_random_next(series) % LANESIM_IDENTITY_SEEDS,
		.share = 2,
	};
	struct lanesim_shot shot;
	int res = lanesim_traveller_meet(&traveller, 1);

	look->image = lanesim_hand_image(hand, o.side, o.side);
	if (!look->image || res)
		return -ENOMEM;
	lanesim_shot_draw(&shot, YAW_MAX, sp_random_next(series));
	lanesim_shot_resize(&shot, draw_eyes(series, HEAD_EYES_MIN));
	shot.x = draw_between(series, 0.25f, 0.75f);
	shot.y = draw_between(series, 0.25f, 0.75f);
	shot.sensor.nir = draw_uniform(series) < o.night;
	res = lanesim_traveller_shoot(&traveller, &shot, hand, look->image, &look->truths[0]);
	lanesim_traveller_part(&traveller);
	look->n = 1;
	return res;
}

static int make(void *arg, struct lanesim_hand *hand, uint32_t i, void *result, struct sp_err *err)
{
	const struct job *job = arg;
	struct lanesim_batch *batch = result;
	uint64_t series = draw_series(draw_series(o.seed, 0x63726F70), i);
	bool heads = draw_uniform(&series) < HEADS_SHARE;
	struct look look = { 0 };
	int res = lanesim_batch_init(batch, &job->tensor, A_LOOK, err);

	if (res)
		return res;
	if (!heads)
		res = look_at_scene(&series, i, hand, &look);
	/* The last look may be cut short. */
	for (uint32_t k = 0; k < A_LOOK && i * A_LOOK + k < o.n && !res; k++) {
		struct lanesim_crop crop = { 0, 0, (int)o.side };

		if (heads)
			res = look_at_head(&series, hand, &look);
		else
			aim_crop(&series, &look, &crop);
		if (!res)
			res = lanesim_crop_take(&crop, look.image, o.side,
						batch->pixels + k * job->tensor.picture_bytes);
		if (!res &&
		    json_array_append_new(batch->lines,
					  lanesim_crop_truth(&crop, o.side, look.truths, look.n)))
			res = -ENOMEM;
	}
	if (res) {
		sp_err_set(err, res, "look %u cannot be made", i);
		lanesim_tensor_drop(arg, batch);
	}
	return res;
}

int lanesim_cmd_tensor_crops(int argc, char **argv)
{
	static struct job job;
	struct lanesim_crew crew = {
		.label = me,
		.result_bytes = sizeof(struct lanesim_batch),
		.arg = &job,
		.make = make,
		.take = lanesim_tensor_take,
		.drop = lanesim_tensor_drop,
	};
	struct sp_err err;
	int status = sp_command_parse(options, &usage, &argc, argv);

	if (status >= 0)
		return status;
	if (argc || !o.prefix)
		return sp_command_fail(me, SP_EXIT_USAGE, "give -o PREFIX and nothing else");
	crew.n = (o.n + A_LOOK - 1) / A_LOOK;
	crew.threads = o.threads;
	if (lanesim_tensor_write(&job.tensor, o.prefix, o.side, &crew, &err))
		return sp_command_fail(me, SP_EXIT_FAILED, "%s", err.text);
	return lanesim_output_report(&job.tensor.output, o.prefix, o.json);
}
